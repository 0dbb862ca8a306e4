//! What the sandbox's Bitbucket knows: workspaces' repositories and their pull requests.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::areas::Areas;
use super::errors::ApiError;
use super::model::{BuildStatus, Permission, PullRequest};
use super::seed_pull_requests;
use super::snippets;
use super::workspaces::{self, Workspace};
use crate::sandbox::git::Git;
use crate::sandbox::people::Person;
use crate::sandbox::world::{Grant, TokenProblem, World};

/// Everything that the handlers share. Cloning gives another handle.
#[derive(Clone)]
pub(crate) struct Api(Arc<Inner>);

struct Inner {
    world: Arc<World>,
    origin: String,
    repositories: Mutex<Vec<Arc<Repository>>>,
    snippets: Mutex<snippets::Store>,
    requests: AtomicU64,
}

/// One repository, with its git and its pull requests.
pub(crate) struct Repository {
    pub(crate) workspace: &'static Workspace,
    pub(crate) slug: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) uuid: String,
    pub(crate) project: &'static str,
    pub(crate) language: &'static str,
    pub(crate) is_private: bool,
    pub(crate) main_branch: String,
    pub(crate) created_on: Timestamp,
    /// Who may do what, by nickname. Nobody else sees the repository.
    pub(crate) permissions: Vec<(&'static str, Permission)>,
    /// Nicknames of the repository's own default reviewers, then of the project's.
    pub(crate) default_reviewers: (&'static [&'static str], &'static [&'static str]),
    pub(crate) git: Git,
    pub(crate) pull_requests: Mutex<Vec<PullRequest>>,
    pub(crate) statuses: Mutex<Vec<BuildStatus>>,
    pub(crate) areas: Areas,
    /// The id of the next comment or task; they share one sequence.
    pub(crate) ids: AtomicU64,
}

impl Api {
    /// `origin` is the scheme, host and port that this server answers at.
    pub(in crate::sandbox) fn new(world: Arc<World>, origin: String) -> Self {
        let repositories = Mutex::new(seed_pull_requests::repositories());
        let snippets = Mutex::new(snippets::Store::seeded());
        Self(Arc::new(Inner { world, origin, repositories, snippets, requests: AtomicU64::new(1) }))
    }

    pub(crate) fn origin(&self) -> &str {
        &self.0.origin
    }

    /// The address that every API path starts with.
    pub(crate) fn base(&self) -> String {
        format!("{}/2.0", self.0.origin)
    }

    /// The snippets of every workspace.
    pub(crate) fn snippets(&self) -> MutexGuard<'_, snippets::Store> {
        lock(&self.0.snippets)
    }

    pub(crate) fn identify(&self, bearer: &str) -> Result<Grant, TokenProblem> {
        self.0.world.identify(bearer)
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.requests.fetch_add(1, Ordering::Relaxed)
    }

    /// The time now, which is never before the seeded events.
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::now().max(seed_pull_requests::end())
    }

    /// Every repository that this person may see, in order of their names.
    pub(crate) fn repositories(&self, person: &Person) -> Vec<Arc<Repository>> {
        let repositories = lock(&self.0.repositories);
        repositories
            .iter()
            .filter(|repository| repository.permission(person).is_some())
            .cloned()
            .collect()
    }

    /// One repository, by slug or `{uuid}`. One that the person may not see does not exist for them.
    pub(crate) fn repository(
        &self,
        grant: &Grant,
        workspace: &str,
        slug: &str,
    ) -> Result<Arc<Repository>, ApiError> {
        let missing = || ApiError::not_found(format!("Repository {workspace}/{slug} not found"));
        let home = workspaces::find(workspace).ok_or_else(missing)?;
        self.repositories(grant.person)
            .into_iter()
            .find(|repository| {
                repository.workspace.slug == home.slug
                    && (repository.slug.eq_ignore_ascii_case(slug) || repository.uuid == slug)
            })
            .ok_or_else(missing)
    }
}

impl Repository {
    pub(crate) fn full_name(&self) -> String {
        format!("{}/{}", self.workspace.slug, self.slug)
    }

    /// What this person may do here.
    pub(crate) fn permission(&self, person: &Person) -> Option<Permission> {
        self.permissions
            .iter()
            .find(|(nickname, _)| *nickname == person.nickname)
            .map(|(_, permission)| *permission)
    }

    /// Refuses somebody who may only read.
    pub(crate) fn require_write(&self, person: &Person) -> Result<(), ApiError> {
        match self.permission(person) {
            Some(Permission::Write | Permission::Admin) => Ok(()),
            _ => Err(ApiError::forbidden("Access denied. You must have write or admin access.")),
        }
    }

    pub(crate) fn pull_requests(&self) -> MutexGuard<'_, Vec<PullRequest>> {
        lock(&self.pull_requests)
    }

    pub(crate) fn statuses(&self) -> MutexGuard<'_, Vec<BuildStatus>> {
        lock(&self.statuses)
    }

    pub(crate) fn next_id(&self) -> u64 {
        self.ids.fetch_add(7, Ordering::Relaxed)
    }

    /// Does `work` on the pull request that `number` names.
    pub(crate) fn with_pull_request<T>(
        &self,
        number: &str,
        work: impl FnOnce(&mut PullRequest) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let missing = || ApiError::not_found(format!("Pull request {number} not found"));
        let wanted: u64 = number.parse().map_err(|_| missing())?;
        let mut pull_requests = self.pull_requests();
        let found = pull_requests.iter_mut().find(|pull_request| pull_request.id == wanted);
        work(found.ok_or_else(missing)?)
    }
}

/// The state stays usable after a handler failed half-way.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A uuid in braces that is always the same for the same name.
pub(crate) fn uuid(name: &str) -> String {
    let digits: String =
        Sha256::digest(name).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let mut text = String::from("{");
    for (place, digit) in digits.chars().enumerate() {
        if [8, 12, 16, 20].contains(&place) {
            text.push('-');
        }
        // The version and variant digits of a random uuid (RFC 9562, section 5.4).
        text.push(match place {
            12 => '4',
            16 => 'a',
            _ => digit,
        });
    }
    text.push('}');
    text
}
