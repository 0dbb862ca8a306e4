//! Bitbucket Cloud as one user sees it, one method per endpoint.
//!
//! A [`Client`] acts for one account during one call of a tool. What many calls share is apart: the
//! [`Connector`] is the process's, [`Granted`] the account's. Facts that this module relies on are
//! in <https://developer.atlassian.com/cloud/bitbucket/rest/intro/>.

mod accounts;
mod activity;
mod budget;
mod call;
mod comments;
mod commit_files;
mod commits;
mod compare;
mod connector;
mod consumer;
mod downloads;
mod error;
mod history;
mod members;
mod merge;
mod multipart;
mod page;
mod path;
mod problem;
mod projects;
mod pull_request_edits;
mod pull_requests;
mod redirect;
mod refs;
mod reports;
mod repositories;
mod scopes;
mod search;
mod send;
mod snippets;
mod source;
#[cfg(test)]
mod stand_in;
mod statuses;
mod token;
mod wire;
mod workspaces;

use std::sync::Arc;
use std::time::Instant;

use tokio_util::sync::CancellationToken;

pub(crate) use self::accounts::Account;
pub(crate) use self::activity::{Activity, Update, Vote};
pub(crate) use self::call::{Bytes, Call};
pub(crate) use self::comments::{Comment, Inline, NewComment, NewTask, RawText, Reference, Task};
pub(crate) use self::commit_files::{FileMode, NewCommit};
pub(crate) use self::commits::{Author, CommitData};
pub(crate) use self::compare::Range;
pub use self::connector::Connector;
pub(crate) use self::downloads::DownloadData;
pub use self::error::Error;
pub(crate) use self::history::VersionData;
pub(crate) use self::members::Member;
pub(crate) use self::merge::{Build, MergeCheck, MergeOptions, MergeTask, Mergeability, Merging};
pub(crate) use self::multipart::Multipart;
pub use self::page::{Page, Resume};
pub(crate) use self::path::Path;
pub use self::path::{FilePath, RepositoryId, Segment, Unfit};
pub(crate) use self::projects::ProjectData;
pub(crate) use self::pull_request_edits::{
    ByUuid, NewPullRequest, OnBranch, PullRequestChange, Standing,
};
pub(crate) use self::pull_requests::{
    End, FileChange, Filter, Participant, PullRequest, State, Verdict, literal,
};
pub use self::redirect::Refusal;
pub(crate) use self::refs::{BranchData, NO_MAIN_BRANCH, Resolved, TagData, is_hash};
pub(crate) use self::reports::{
    ANNOTATIONS_AT_ONCE, AnnotationData, MOST_ANNOTATIONS, NewAnnotation, NewReport, ReportData,
};
pub(crate) use self::repositories::RepositoryData;
pub use self::scopes::{Granted, Scopes};
pub(crate) use self::search::{Hit, SearchQuery};
pub(crate) use self::snippets::{NewSnippet, SnippetData};
pub(crate) use self::source::{Content, EntryData, EntryKind};
pub(crate) use self::statuses::{NewStatus, StatusData};
pub use self::token::{AccessToken, TokenError, TokenSource};
pub(crate) use self::wire::User;
pub use consumer::Consumer;

/// Where a person ends what they granted to an application.
pub(crate) const GRANTS_PAGE: &str = "https://bitbucket.org/account/settings/app-authorizations/";

/// A Bitbucket Cloud client that acts as one user, made for one call of a tool.
#[derive(Clone)]
pub struct Client {
    connector: Arc<Connector>,
    token: Arc<dyn TokenSource>,
    granted: Arc<Granted>,
    limits: Limits,
}

/// How long a client's requests may go on.
#[derive(Clone, Debug)]
pub struct Limits {
    /// When the tool's call has to be over.
    pub deadline: Instant,
    /// Fires when the caller does not want the answer any more.
    pub cancel: CancellationToken,
}

/// One workspace, as the client's user sees it.
pub struct Workspace<'a> {
    client: &'a Client,
    slug: Segment,
}

/// One repository, as the client's user sees it.
pub struct Repository<'a> {
    client: &'a Client,
    id: RepositoryId,
}

impl Client {
    /// A client that gets its token from `token` and notes in `granted` what the token may do.
    #[must_use]
    pub fn new(
        connector: Arc<Connector>,
        token: Arc<dyn TokenSource>,
        granted: Arc<Granted>,
        limits: Limits,
    ) -> Self {
        Self { connector, token, granted, limits }
    }

    /// What is known of the scopes that this account has granted.
    #[must_use]
    pub fn granted(&self) -> &Granted {
        &self.granted
    }

    /// The workspace `slug`, or the one with that `{uuid}`.
    #[must_use]
    pub fn workspace(&self, slug: &Segment) -> Workspace<'_> {
        Workspace { client: self, slug: slug.clone() }
    }

    /// The repository `id`.
    #[must_use]
    pub fn repository(&self, id: &RepositoryId) -> Repository<'_> {
        Repository { client: self, id: id.clone() }
    }

    pub(crate) fn get(&self, path: Path) -> Call<'_> {
        Call::new(self, reqwest::Method::GET, path)
    }

    pub(crate) fn post(&self, path: Path) -> Call<'_> {
        Call::new(self, reqwest::Method::POST, path)
    }

    pub(crate) fn put(&self, path: Path) -> Call<'_> {
        Call::new(self, reqwest::Method::PUT, path)
    }

    pub(crate) fn delete(&self, path: Path) -> Call<'_> {
        Call::new(self, reqwest::Method::DELETE, path)
    }
}

impl Workspace<'_> {
    /// `workspaces/{workspace}`
    pub(crate) fn path(&self) -> Path {
        Path::new("workspaces").segment(self.slug.as_str())
    }
}

impl<'a> Repository<'a> {
    /// `repositories/{workspace}/{repository}`
    pub(crate) fn path(&self) -> Path {
        Path::new("repositories").segment(self.id.workspace.as_str()).segment(self.id.slug.as_str())
    }

    /// The client behind it.
    pub(crate) fn client(&self) -> &'a Client {
        self.client
    }

    /// Which repository it is.
    pub(crate) fn id(&self) -> &RepositoryId {
        &self.id
    }
}
