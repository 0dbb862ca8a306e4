//! Branches and tags, and what a revision means.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::commits::{Author, CommitData};
use super::repositories::bbql_string;
use super::wire::time;
use super::{Error, Page, Path, Repository, Resume};
use crate::text::Foreign;

/// The most branches on a page.
const PAGE: u32 = 100;

const HASH_LENGTH: usize = 40;

/// What is said of a repository without commits, where the main branch was meant.
pub(crate) const NO_MAIN_BRANCH: &str = "the repository has no main branch yet";

/// A revision, and the commit that it was when it was looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resolved {
    /// The whole hash.
    pub(crate) hash: String,
    /// What was asked for, or the main branch's name; nothing if it was asked for by its hash.
    pub(crate) name: Option<String>,
}

/// A branch, as Bitbucket sends it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct BranchData {
    pub(crate) name: String,
    pub(crate) target: Target,
}

/// The commit that a branch or a tag points to.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Target {
    pub(crate) hash: String,
    #[serde(default, deserialize_with = "time")]
    pub(crate) date: Option<Timestamp>,
    #[serde(default)]
    pub(crate) message: Option<String>,
    pub(crate) author: Option<Author>,
}

/// A tag, as Bitbucket sends it. A light one has no message of its own.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct TagData {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) message: Option<String>,
    #[serde(default, deserialize_with = "time")]
    pub(crate) date: Option<Timestamp>,
    pub(crate) target: Target,
}

/// A branch or tag that is to be made.
#[derive(Debug, Serialize)]
struct NewReference<'a> {
    name: &'a str,
    target: NewTarget<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct NewTarget<'a> {
    hash: &'a str,
}

impl Target {
    /// The first line of the message.
    pub(crate) fn subject(&self) -> &str {
        self.message.as_deref().unwrap_or_default().trim_start().lines().next().unwrap_or_default()
    }
}

impl Repository<'_> {
    /// The commit that `revision` names, or the main branch's: a branch (slashes included), a tag,
    /// or a hash, whole or short.
    ///
    /// A whole hash is taken as it is, and so is the commit that a list went through so far.
    /// Bitbucket's own endpoints do not find a branch with a slash (BCLOUD-9969), so everything is
    /// turned into a hash before it is used.
    pub(crate) async fn resolve(
        &self,
        revision: Option<&str>,
        resume: Option<&Resume>,
    ) -> Result<Resolved, Error> {
        if let Some(hash) = resume.and_then(Resume::commit) {
            return Resolved::new(hash, revision.map(str::to_owned));
        }
        let Some(revision) = revision else {
            let main = self.main_branch().await?.ok_or_else(|| Error::NotFound {
                message: Some(Foreign::line(NO_MAIN_BRANCH, 80)),
            })?;
            let hash = self.branch(&main).await?.target.hash;
            return Resolved::new(hash, Some(main));
        };
        if is_hash(revision) {
            return Resolved::new(revision.to_ascii_lowercase(), None);
        }
        let hash = if let Some(branch) = revision.strip_prefix("refs/heads/") {
            self.branch(branch).await?.target.hash
        } else if let Some(tag) = revision.strip_prefix("refs/tags/") {
            self.tag(tag).await?.target.hash
        } else if revision.contains('/') {
            let missing = || Error::NotFound { message: None };
            self.named(revision).await?.ok_or_else(missing)?.target.hash
        } else {
            // Whether this endpoint takes names as well is not documented.
            match self.commit_hash(revision).await {
                Err(error) if error.is_not_found() => {
                    self.named(revision).await?.ok_or(error)?.target.hash
                }
                hash => hash?,
            }
        };
        Resolved::new(hash, Some(revision.to_owned()))
    }

    /// `GET /refs/branches/{name}`
    pub(crate) async fn branch(&self, name: &str) -> Result<BranchData, Error> {
        self.reference(self.path().fixed("refs/branches").segment(name)).await
    }

    /// `GET /refs/tags/{name}`
    pub(crate) async fn tag(&self, name: &str) -> Result<BranchData, Error> {
        self.reference(self.path().fixed("refs/tags").segment(name)).await
    }

    /// `GET /refs/branches`, the most recently changed first. `name` is part of a name.
    pub(crate) async fn branches(
        &self,
        name: Option<&str>,
        limit: usize,
        resume: Option<&Resume>,
    ) -> Result<Page<BranchData>, Error> {
        self.client
            .get(self.path().fixed("refs/branches"))
            .query("sort", "-target.date")
            .queries(name.map(|name| ("q", format!("name ~ {}", bbql_string(name)))))
            .fields(concat!(
                "values.name,values.target.hash,values.target.date,values.target.message,",
                "values.target.author.raw,values.target.author.user.nickname,",
                "values.target.author.user.display_name,next,size"
            ))
            .page(PAGE, limit, resume)
            .await
    }

    /// `GET /refs/tags`, the newest first. `name` is part of a name.
    pub(crate) async fn tags(
        &self,
        name: Option<&str>,
        limit: usize,
        resume: Option<&Resume>,
    ) -> Result<Page<TagData>, Error> {
        self.client
            .get(self.path().fixed("refs/tags"))
            .query("sort", "-target.date")
            .queries(name.map(|name| ("q", format!("name ~ {}", bbql_string(name)))))
            .fields(concat!(
                "values.name,values.message,values.date,values.target.hash,values.target.date,",
                "values.target.message,next,size"
            ))
            .page(PAGE, limit, resume)
            .await
    }

    /// `POST /refs/branches`
    pub(crate) async fn create_branch(&self, name: &str, hash: &str) -> Result<(), Error> {
        let body = NewReference { name, target: NewTarget { hash }, message: None };
        self.client.post(self.path().fixed("refs/branches")).json_body(&body).empty().await
    }

    /// `POST /refs/tags`; an annotated one if there is a message.
    pub(crate) async fn create_tag(
        &self,
        name: &str,
        hash: &str,
        message: Option<&str>,
    ) -> Result<(), Error> {
        let body = NewReference { name, target: NewTarget { hash }, message };
        self.client.post(self.path().fixed("refs/tags")).json_body(&body).empty().await
    }

    /// `DELETE /refs/branches/{name}`
    pub(crate) async fn delete_branch(&self, name: &str) -> Result<(), Error> {
        self.client.delete(self.path().fixed("refs/branches").segment(name)).empty().await
    }

    /// `DELETE /refs/tags/{name}`
    pub(crate) async fn delete_tag(&self, name: &str) -> Result<(), Error> {
        self.client.delete(self.path().fixed("refs/tags").segment(name)).empty().await
    }

    /// The branch of that name, else the tag.
    async fn named(&self, name: &str) -> Result<Option<BranchData>, Error> {
        match self.branch(name).await {
            Err(error) if error.is_not_found() => {}
            branch => return branch.map(Some),
        }
        match self.tag(name).await {
            Err(error) if error.is_not_found() => Ok(None),
            tag => tag.map(Some),
        }
    }

    /// Whether there is a commit `hash`.
    pub(crate) async fn has_commit(&self, hash: &str) -> Result<bool, Error> {
        match self.commit_hash(hash).await {
            Err(error) if error.is_not_found() => Ok(false),
            found => found.map(|_| true),
        }
    }

    async fn reference(&self, path: Path) -> Result<BranchData, Error> {
        self.client.get(path).fields("name,target.hash,target.date").json().await
    }

    /// `GET /commit/{revision}`: takes a name without a slash or any length of a hash.
    async fn commit_hash(&self, text: &str) -> Result<String, Error> {
        let path = self.path().fixed("commit").segment(text);
        let commit: CommitData = self.client.get(path).fields("hash").json().await?;
        Ok(commit.hash)
    }
}

impl Resolved {
    /// Bitbucket's hashes go into addresses and to the agent, so they have to be hashes.
    fn new(hash: String, name: Option<String>) -> Result<Self, Error> {
        if !is_hash(&hash) {
            return Err(Error::unreadable("a commit without a hash"));
        }
        let name = name.filter(|name| !hash.starts_with(name.as_str()));
        Ok(Self { hash, name })
    }
}

pub(crate) fn is_hash(text: &str) -> bool {
    text.len() == HASH_LENGTH && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::bitbucket::RepositoryId;
    use crate::bitbucket::stand_in::{Reply, StandIn};

    const HASH: &str = "a6e5e7d797edf751cbd839d6bd4aef86c941eec9";

    #[tokio::test]
    async fn resolves_every_kind_of_revision_in_few_requests() {
        let stand_in = StandIn::new(|asked| {
            let path = asked.target.split('?').next().unwrap_or_default();
            let known = path.strip_prefix("/2.0/repositories/acme/shop").unwrap();
            match known {
                "" => Reply::json(200, &json!({ "mainbranch": { "name": "main" } })),
                "/refs/branches/main"
                | "/refs/branches/feature%2Fx"
                | "/refs/branches/topic"
                | "/refs/tags/v%2F1"
                | "/refs/tags/v2.0" => {
                    Reply::json(200, &json!({ "name": "x", "target": { "hash": HASH } }))
                }
                "/commit/v1.0" | "/commit/a6e5e7d" => Reply::json(200, &json!({ "hash": HASH })),
                _ => Reply::json(404, &json!({ "error": { "message": "no such branch" } })),
            }
        })
        .await;
        let client = stand_in.client();
        let repository = client.repository(&RepositoryId::try_from("acme/shop").unwrap());
        let mut requests = 0;
        for (revision, name, cost) in [
            (None, Some("main"), 2),
            (Some("feature/x"), Some("feature/x"), 1),
            (Some("v/1"), Some("v/1"), 2),
            (Some("v1.0"), Some("v1.0"), 1),
            // Where only hashes are taken for commits.
            (Some("topic"), Some("topic"), 2),
            (Some("v2.0"), Some("v2.0"), 3),
            (Some("a6e5e7d"), None, 1),
            (Some(HASH), None, 0),
            (Some("refs/heads/feature/x"), Some("refs/heads/feature/x"), 1),
        ] {
            let resolved = repository.resolve(revision, None).await.unwrap();
            requests += cost;
            assert_eq!(resolved.hash, HASH);
            assert_eq!(resolved.name.as_deref(), name, "{revision:?}");
            assert_eq!(stand_in.seen().len(), requests, "{revision:?}");
        }
        for nothing in ["nope/x", "nope"] {
            let error = repository.resolve(Some(nothing), None).await.unwrap_err();
            assert!(error.is_not_found(), "{error}");
        }
    }
}
