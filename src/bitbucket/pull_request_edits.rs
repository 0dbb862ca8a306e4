//! Opening pull requests, changing open ones, and finding those of one author.
//!
//! <https://developer.atlassian.com/cloud/bitbucket/rest/api-group-pullrequests/>

use serde::{Deserialize, Serialize};

use super::pull_requests::{GET_FIELDS, LIST_FIELDS, PAGE};
use super::wire::{User, null_as_default};
use super::{Client, Error, Page, Path, PullRequest, Repository, Workspace};

/// The most default reviewers on a page.
const REVIEWERS_PAGE: u32 = 100;
/// How many default reviewers are read.
const MOST_REVIEWERS: usize = 200;

/// A pull request to be opened.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct NewPullRequest {
    pub(crate) title: String,
    pub(crate) source: OnBranch,
    /// The main branch if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) destination: Option<OnBranch>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    pub(crate) reviewers: Vec<ByUuid>,
    pub(crate) close_source_branch: bool,
    pub(crate) draft: bool,
}

/// What an open pull request is to become. Title, description and reviewers are sent every time:
/// whether Bitbucket keeps what is left out is reported both ways.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct PullRequestChange {
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) reviewers: Vec<ByUuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) destination: Option<OnBranch>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) draft: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) close_source_branch: Option<bool>,
}

/// One side of a pull request, by its branch.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct OnBranch {
    branch: Named,
}

#[derive(Clone, Debug, Serialize)]
struct Named {
    name: String,
}

/// Somebody, by their uuid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ByUuid {
    pub(crate) uuid: String,
}

/// Somebody, and whether they can still do anything.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Standing {
    #[serde(flatten)]
    pub(crate) user: User,
    /// `active`, `inactive` or `closed`, where Bitbucket says so.
    pub(crate) account_status: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct DefaultReviewer {
    #[serde(deserialize_with = "null_as_default")]
    user: Standing,
}

#[derive(Serialize)]
struct Declining<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
}

impl OnBranch {
    pub(crate) fn new(name: &str) -> Self {
        Self { branch: Named { name: name.to_owned() } }
    }
}

impl Standing {
    /// Whether Bitbucket says that the account is not in use any more.
    pub(crate) fn is_inactive(&self) -> bool {
        self.account_status.as_deref().is_some_and(|status| status != "active")
    }
}

impl Client {
    /// `GET /users/{user}`
    pub(crate) async fn standing(&self, uuid: &str) -> Result<Standing, Error> {
        let path = Path::new("users").segment(uuid);
        self.get(path).fields("uuid,nickname,display_name,account_status").json().await
    }
}

impl Workspace<'_> {
    /// `GET /workspaces/{workspace}/pullrequests/{user}`: the open ones that somebody wrote, the most
    /// recently changed first.
    pub(crate) async fn pull_requests_by(
        &self,
        author: &str,
        at_most: usize,
    ) -> Result<Page<PullRequest>, Error> {
        let path = self.path().fixed("pullrequests").segment(author);
        let call = self.client.get(path).fields(LIST_FIELDS);
        call.query("state", "OPEN").query("sort", "-updated_on").all(PAGE, at_most).await
    }
}

impl Repository<'_> {
    /// `POST pullrequests`. Bitbucket overwrites an open one between the same branches, so look first.
    pub(crate) async fn create_pull_request(
        &self,
        new: &NewPullRequest,
    ) -> Result<PullRequest, Error> {
        let path = self.path().fixed("pullrequests");
        self.client().post(path).fields(GET_FIELDS).json_body(new).json().await
    }

    /// `PUT pullrequests/{number}`
    pub(crate) async fn change_pull_request(
        &self,
        number: u32,
        change: &PullRequestChange,
    ) -> Result<PullRequest, Error> {
        let call = self.client().put(self.pull_request(number)).fields(GET_FIELDS);
        call.json_body(change).json().await
    }

    /// `POST pullrequests/{number}/decline`
    pub(crate) async fn decline_pull_request(
        &self,
        number: u32,
        message: Option<&str>,
    ) -> Result<PullRequest, Error> {
        let call = self.client().post(self.pull_request(number).fixed("decline"));
        call.fields(GET_FIELDS).json_body(&Declining { message }).slow().json().await
    }

    /// `GET effective-default-reviewers`: the repository's and the project's. Bitbucket does not add
    /// them to a pull request that is opened through the API.
    pub(crate) async fn default_reviewers(&self) -> Result<Vec<Standing>, Error> {
        let path = self.path().fixed("effective-default-reviewers");
        let fields = "next,values.user.uuid,values.user.nickname,values.user.display_name,\
                      values.user.account_status";
        let call = self.client().get(path).fields(fields);
        let page: Page<DefaultReviewer> = call.all(REVIEWERS_PAGE, MOST_REVIEWERS).await?;
        Ok(page.values.into_iter().map(|reviewer| reviewer.user).collect())
    }
}
