use std::fmt::Write as _;

use futures::future::{OptionFuture, try_join_all};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::absent;
use super::reviewers::Reviewers;
use super::shape::{bare, fork, path, person, title};
use crate::bitbucket::{
    Filter, NewPullRequest, OnBranch, PullRequest, Repository, RepositoryId, State, literal,
};
use crate::text::Foreign;
use crate::tool::{Answer, Context, Effect, Tool};
use crate::tools::params::{RepositoryArgument, Revision, WorkspaceArgument};
use crate::tools::{lookup, people};
use crate::{Error, Result, bitbucket};

/// How many open pull requests of the source branch are looked at.
const MOST_OPEN: usize = 50;

/// Open a pull request, with the default reviewers, for a branch that is pushed already. One that is
/// open between the same branches is named and left alone.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CreatePullRequest {
    /// Workspace, if `repository` has none.
    workspace: Option<WorkspaceArgument>,
    /// The repository.
    repository: RepositoryArgument,
    /// The branch to merge from.
    source: Revision,
    /// The branch to merge into; default: the main branch.
    destination: Option<Revision>,
    /// Its title.
    #[schemars(length(min = 1))]
    title: String,
    /// What it does and why, in Markdown.
    description: Option<String>,
    /// More reviewers: nicknames, names or uuids.
    #[serde(default)]
    reviewers: Vec<String>,
    /// Add the default reviewers.
    #[serde(default = "yes")]
    default_reviewers: bool,
    /// Open it as a draft.
    #[serde(default)]
    draft: bool,
    /// Delete the source branch once it is merged.
    #[serde(default)]
    close_source_branch: bool,
}

fn yes() -> bool {
    true
}

/// The new pull request.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Created {
    /// Its number.
    number: u32,
    /// Its page.
    url: String,
    /// The branch it goes into.
    destination: Foreign,
    /// Who is to review it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reviewers: Vec<Foreign>,
    /// Default reviewers that Bitbucket does not take, as their accounts are not in use.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    inactive: Vec<Foreign>,
    /// Whether it is a draft.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    draft: bool,
    /// Whether Bitbucket did not confirm it, so that it was found by its branches.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    unconfirmed: bool,
}

impl Tool for CreatePullRequest {
    const NAME: &'static str = "create_pull_request";
    const TITLE: &'static str = "Open a pull request";
    const EFFECT: Effect = Effect::Adds;
    const SCOPES: &'static [&'static str] = &["account", "pullrequest:write"];
    type Output = Created;

    async fn run(self, cx: &Context) -> Result<Created> {
        let id = self.repository.id(self.workspace.as_ref())?;
        let Revision(source) = &self.source;
        if self.title.trim().is_empty() {
            return Err(Error::InvalidArguments("`title` has no text".to_owned()));
        }
        if self.destination.as_ref().is_some_and(|Revision(into)| into == source) {
            return Err(Error::InvalidArguments(
                "`source` and `destination` are the same branch".to_owned(),
            ));
        }
        let repository = cx.repository(&id).await?;
        let client = cx.bitbucket().await?;
        let absent = |error| absent::repository(error, &id);
        let (me, default, open) = tokio::try_join!(
            async { client.user().await.map_err(Error::from) },
            async {
                let asked = self.default_reviewers.then(|| repository.default_reviewers());
                OptionFuture::from(asked).await.transpose().map_err(absent)
            },
            async { self.open(&repository).await.map_err(absent) },
        )?;
        if let Some(there) = self.twin(&repository, &open).await? {
            return Err(taken(there));
        }
        absent::scope(cx, "pullrequest:write").await?;
        let named = self.reviewers.iter();
        let named = named.map(|words| people::member(client, &id.workspace, words));
        let named = try_join_all(named).await?;
        if named.iter().any(|user| user.uuid.as_deref() == Some(&me.uuid)) {
            return Err(Error::InvalidArguments(
                "`reviewers` names the user, who is the author and cannot review it; nothing was \
                 sent"
                    .to_owned(),
            ));
        }
        let mut reviewers = Reviewers::new(&me.uuid, named, default.unwrap_or_default());
        let sent = self.send(client, &repository, &mut reviewers).await;
        let (created, unconfirmed) = match sent {
            Ok(created) => (created, false),
            Err(error) if error.leaves_outcome_open() => {
                (self.find(&repository, error).await?, true)
            }
            Err(error) => return Err(self.refused(&repository, error).await),
        };
        Ok(Created {
            number: created.id,
            url: page(&created, &id),
            destination: path(&created.destination.branch.name),
            reviewers: created.reviewers.iter().map(person).collect(),
            inactive: reviewers.inactive.iter().map(person).collect(),
            draft: created.draft,
            unconfirmed,
        })
    }
}

impl CreatePullRequest {
    /// The open pull requests of the source branch.
    async fn open(
        &self,
        repository: &Repository<'_>,
    ) -> Result<Vec<PullRequest>, bitbucket::Error> {
        let filter = Filter {
            states: vec!["OPEN"],
            conditions: vec![format!("source.branch.name = {}", literal(&self.source.0))],
            sort: "-updated_on",
        };
        Ok(repository.list_pull_requests(&filter, MOST_OPEN, None).await?.values)
    }

    /// The one of the `open` that Bitbucket would overwrite.
    async fn twin<'o>(
        &self,
        repository: &Repository<'_>,
        open: &'o [PullRequest],
    ) -> Result<Option<&'o PullRequest>> {
        let mut candidates: Vec<&PullRequest> = Vec::new();
        for one in open {
            let same_source = one.source.branch.name == self.source.0 && fork(one).is_none();
            if one.state == State::Open && same_source {
                candidates.push(one);
            }
        }
        if candidates.is_empty() {
            return Ok(None);
        }
        let into = match &self.destination {
            Some(Revision(into)) => Some(into.clone()),
            None => repository.main_branch().await?,
        };
        let goes_there = |one: &&PullRequest| Some(&one.destination.branch.name) == into.as_ref();
        Ok(candidates.into_iter().find(goes_there))
    }

    /// Sends it; once more without the reviewers whose accounts turn out not to be in use, since
    /// Bitbucket refuses all for the sake of one and does not say which.
    async fn send(
        &self,
        client: &bitbucket::Client,
        repository: &Repository<'_>,
        reviewers: &mut Reviewers,
    ) -> Result<PullRequest, bitbucket::Error> {
        let mut new = NewPullRequest {
            title: self.title.trim().to_owned(),
            source: OnBranch::new(&self.source.0),
            destination: self.destination.as_ref().map(|Revision(into)| OnBranch::new(into)),
            description: self.description.clone(),
            reviewers: reviewers.ids(),
            close_source_branch: self.close_source_branch,
            draft: self.draft,
        };
        match repository.create_pull_request(&new).await {
            Err(error) if is_about_reviewers(&error) && reviewers.drop_inactive(client).await => {
                new.reviewers = reviewers.ids();
                repository.create_pull_request(&new).await
            }
            sent => sent,
        }
    }

    /// What became of a pull request whose answer was lost: it is never sent again.
    async fn find(
        &self,
        repository: &Repository<'_>,
        error: bitbucket::Error,
    ) -> Result<PullRequest> {
        if matches!(error, bitbucket::Error::Cancelled) {
            return Err(error.into());
        }
        if let Ok(open) = self.open(repository).await
            && let Ok(Some(there)) = self.twin(repository, &open).await
            && let Ok(there) = repository.get_pull_request(there.id).await
        {
            return Ok(there);
        }
        Err(Error::TimedOut {
            says: "Bitbucket did not confirm the new pull request, and it is not there yet"
                .to_owned(),
            hint: "look with `list_pull_requests` and its `source` in a minute, before another try"
                .to_owned(),
        })
    }

    /// Why Bitbucket refused: a branch that is not there has others like it.
    async fn refused(&self, repository: &Repository<'_>, error: bitbucket::Error) -> Error {
        let bitbucket::Error::Status { status: 400, fields, .. } = &error else {
            return absent::repository(error, repository.id());
        };
        let missing = |side: &str| {
            fields.iter().any(|(name, why)| {
                name.as_str().starts_with(side) && why.as_str().contains("branch not found")
            })
        };
        match &self.destination {
            _ if missing("source") => lookup::no_branch(repository, &self.source.0).await,
            Some(Revision(into)) if missing("destination") => {
                lookup::no_branch(repository, into).await
            }
            _ => error.into(),
        }
    }
}

/// Whether Bitbucket refused the reviewers as a whole.
fn is_about_reviewers(error: &bitbucket::Error) -> bool {
    let bitbucket::Error::Status { status: 400, message, fields, .. } = error else { return false };
    message.as_ref().is_some_and(|message| message.as_str().contains("reviewers"))
        || fields.iter().any(|(name, _)| name.as_str().starts_with("reviewers"))
}

fn taken(there: &PullRequest) -> Error {
    Error::conflict(
        format!(
            "#{} {} by {} is open already from {} into {}; nothing was sent",
            there.id,
            title(there).quoted(),
            bare(&person(&there.author)),
            bare(&path(&there.source.branch.name)),
            bare(&path(&there.destination.branch.name)),
        ),
        "change it with `update_pull_request`",
    )
}

/// The page of a pull request for people.
fn page(pull_request: &PullRequest, id: &RepositoryId) -> String {
    let real = pull_request.destination.repository.full_name.as_deref();
    let real = real.and_then(|name| RepositoryId::try_from(name).ok());
    let home = real.as_ref().unwrap_or(id);
    format!("https://bitbucket.org/{home}/pull-requests/{}", pull_request.id)
}

impl Answer for Created {
    fn text(&self) -> String {
        let draft = if self.draft { " as a draft" } else { "" };
        let mut text = format!("#{} opened{draft} into {}", self.number, bare(&self.destination));
        let names = |names: &[Foreign]| names.iter().map(bare).collect::<Vec<_>>().join(", ");
        if self.reviewers.is_empty() {
            text.push_str(", no reviewers");
        } else {
            let _ = write!(text, ", reviewers {}", names(&self.reviewers));
        }
        if !self.inactive.is_empty() {
            let _ = write!(text, "; not added, account not in use: {}", names(&self.inactive));
        }
        let _ = write!(text, "\n{}", self.url);
        if self.unconfirmed {
            text.push_str(
                "\nBitbucket did not confirm it, but there is one between the branches now",
            );
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use crate::sandbox::{Effect as FaultEffect, Fault, Service};
    use crate::testing::Stage;

    const TOOL: &str = "create_pull_request";
    const PULL_REQUESTS: &str = "*/pullrequests";

    fn call(more: Value) -> Value {
        let mut call = json!({
            "repository": "acme/shop", "source": "experiment/bun", "title": "Run on Bun after all",
        });
        call.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        call
    }

    #[tokio::test]
    async fn default_reviewers_are_added_and_the_author_is_not() {
        let stage = Stage::new().await;
        stage.sandbox().clear_requests();
        insta::assert_snapshot!(stage.call_as("linked", TOOL, call(json!({}))).await, @"
        #48 opened into main, reviewers ben, gus
        https://bitbucket.org/acme/shop/pull-requests/48
        ");
        assert_eq!(stage.requests().len(), 4, "{:?}", stage.requests());
        let list =
            json!({ "repository": "acme/shop", "reviewer": "gus", "source": "experiment/bun" });
        let said = stage.call_as("linked", "list_pull_requests", list).await;
        assert!(
            said.starts_with(
                "1 in acme/shop, into main unless said:\n\
                 #48 \"Run on Bun after all\" · ana · experiment/bun · "
            ),
            "{said}"
        );
    }

    #[tokio::test]
    async fn people_are_named_in_words_and_default_reviewers_left_out_if_asked() {
        let stage = Stage::new().await;
        let more = json!({
            "reviewers": ["Cleo Marsh", "gus"], "default_reviewers": false, "draft": true,
            "description": "As **fast** as ever.", "destination": "release/2.4",
        });
        insta::assert_snapshot!(stage.call_as("linked", TOOL, call(more)).await, @"
        #48 opened as a draft into release/2.4, reviewers cleo, gus
        https://bitbucket.org/acme/shop/pull-requests/48
        ");
        stage.sandbox().clear_requests();
        for (more, said) in [
            (
                json!({ "reviewers": ["clea"] }),
                "not_found: nobody in the workspace is called \"clea\"",
            ),
            (json!({ "reviewers": ["me"] }), "invalid_arguments: `reviewers` names the user"),
            (json!({ "title": " " }), "invalid_arguments: `title` has no text"),
            (json!({ "destination": "experiment/bun" }), "invalid_arguments: `source` and"),
        ] {
            let answer = stage.call_as("linked", TOOL, call(more)).await;
            assert!(answer.starts_with(said), "{answer}");
        }
        assert_eq!(posts(&stage), 0);
    }

    #[tokio::test]
    async fn an_open_pull_request_is_never_overwritten() {
        let stage = Stage::new().await;
        stage.sandbox().clear_requests();
        for more in [json!({}), json!({ "destination": "main" })] {
            let mut call = call(more);
            call["source"] = "feature/checkout-rounding".into();
            let said = stage.call_as("linked", TOOL, call).await;
            insta::allow_duplicates! { insta::assert_snapshot!(said, @r#"
            conflict: #42 "Round checkout totals once, at the end" by cleo is open already from feature/checkout-rounding into main; nothing was sent
            hint: change it with `update_pull_request`
            "#); }
        }
        assert_eq!(posts(&stage), 0);
    }

    #[tokio::test]
    async fn says_which_branch_could_be_meant() {
        let stage = Stage::new().await;
        let said = stage.call_as("linked", TOOL, call(json!({ "source": "experiment/bum" }))).await;
        insta::assert_snapshot!(said, @r#"
        not_found: no branch "experiment/bum" in acme/shop
        hint: did you mean "experiment/bun" or "experiment/deno" or "experiment/wasm-threads"? `list_branches` shows all
        "#);
        let said = stage.call_as("linked", TOOL, call(json!({ "destination": "mein" }))).await;
        insta::assert_snapshot!(said, @r#"
        not_found: no branch "mein" in acme/shop
        hint: did you mean "main"? `list_branches` shows all
        "#);
    }

    #[tokio::test]
    async fn a_reviewer_whose_account_is_not_in_use_is_left_out_and_named() {
        let stage = Stage::new().await;
        let answer = |code: u16, body: &str| FaultEffect::Status {
            code,
            body: body.to_owned(),
            content_type: "application/json".to_owned(),
            headers: BTreeMap::new(),
            handled: false,
        };
        let malformed = r#"{"type": "error", "error": {"message": "Malformed reviewers list"}}"#;
        let inactive = r#"{"type": "user", "uuid": "{91e7f2ab-6c05-4d3a-b7a9-3f8d2c6e1b03}",
            "nickname": "gus", "account_status": "inactive"}"#;
        let fault = Fault::new(Service::Bitbucket, answer(400, malformed));
        stage.sandbox().faults().add(fault.method("POST").path(PULL_REQUESTS).times(1));
        let fault = Fault::new(Service::Bitbucket, answer(200, inactive));
        stage.sandbox().faults().add(fault.method("GET").path("*/users/*91e7f2ab*"));
        insta::assert_snapshot!(stage.call_as("linked", TOOL, call(json!({}))).await, @"
        #48 opened into main, reviewers ben; not added, account not in use: gus
        https://bitbucket.org/acme/shop/pull-requests/48
        ");
    }

    #[tokio::test]
    async fn finds_a_pull_request_whose_answer_is_lost() {
        let stage = Stage::new().await;
        let fault = Fault::new(Service::Bitbucket, FaultEffect::Cut);
        stage.sandbox().faults().add(fault.method("POST").path(PULL_REQUESTS).times(1));
        stage.sandbox().clear_requests();
        insta::assert_snapshot!(stage.call_as("linked", TOOL, call(json!({}))).await, @"
        #48 opened into main, reviewers ben, gus
        https://bitbucket.org/acme/shop/pull-requests/48
        Bitbucket did not confirm it, but there is one between the branches now
        ");
        assert_eq!(posts(&stage), 1);
        let stage = Stage::new().await;
        let fault = Fault::new(Service::Bitbucket, FaultEffect::Unanswered);
        stage.sandbox().faults().add(fault.method("POST").path(PULL_REQUESTS).times(1));
        insta::assert_snapshot!(stage.call_as("linked", TOOL, call(json!({}))).await, @"
        timed_out: Bitbucket did not confirm the new pull request, and it is not there yet
        hint: look with `list_pull_requests` and its `source` in a minute, before another try
        ");
        assert_eq!(posts(&stage), 1);
    }

    #[tokio::test]
    async fn needs_the_scope_to_write() {
        let stage = Stage::new().await;
        insta::assert_snapshot!(stage.call_as("limited", TOOL, call(json!({}))).await, @"
        missing_scope: the linked Bitbucket account did not grant `pullrequest:write`
        hint: call `link_account` with `again: true` so that the user can grant it
        ");
        assert_eq!(posts(&stage), 0);
    }

    fn posts(stage: &Stage) -> usize {
        stage.requests().iter().filter(|request| request.starts_with("POST ")).count()
    }
}
