//! What was decided about operations by looking at each: which ask nobody, which stay open where only
//! some repositories exist, and which are an administrator's.

use super::{Method, Operation};

/// Operations that write by their method and yet change nothing that anybody else sees.
const HARMLESS: &[&str] = &[
    // They read: their POST is there for long lists.
    "listCommitsByForm",
    "listCommitsOfRevisionByForm",
    // The caller's own notifications.
    "watchSnippet",
    "unwatchSnippet",
];

/// Operations without a repository in their path that show nothing of any repository, with the reason.
/// All others of their kind are closed where only some repositories exist.
const OUTSIDE: &[(&str, &str)] = &[
    ("getCurrentUser", "the caller's own account"),
    ("getUser", "a public profile"),
    ("listHookSubjects", "a list that is the same for everybody"),
    ("listHookEvents", "a list that is the same for everybody"),
    ("listOwnWorkspaces", "names of workspaces, which the caller belongs to"),
    ("getOwnWorkspacePermission", "the caller's own role"),
    ("getWorkspace", "a workspace's name"),
    ("listWorkspaceMembers", "people, so that they can be named"),
    ("getWorkspaceMember", "people, so that they can be named"),
    ("getOIDCConfiguration", "public by design"),
    ("getOIDCKeys", "public by design"),
    ("getWorkspaceGpgKey", "a public key"),
];

/// Operations that name a repository which need not exist yet.
const MAKING: &[&str] = &["createRepository", "updateRepository"];

/// Operations inside one repository that make or show another.
const BEYOND: &[&str] = &["createFork", "listForks"];

/// Scopes that stand for settings, access and keys.
const SETTINGS: &[&str] = &[
    "repository:admin",
    "repository:delete",
    "project:admin",
    "pipeline:variable",
    "runner",
    "runner:write",
    "webhook",
    "account:write",
];

/// Parts of paths that stand for the same, whatever the scope.
const SETTINGS_PATHS: &[&str] =
    &["pipelines_config", "pipelines-config", "deployments_config", "permissions", "addon"];

impl Operation {
    /// Whether it only reads.
    #[must_use]
    pub fn reads(&self) -> bool {
        self.method == Method::Get
    }

    /// Whether a person is asked before it is called.
    #[must_use]
    pub fn asks(&self) -> bool {
        !self.reads() && !HARMLESS.contains(&self.name)
    }

    /// Whether it concerns one repository, which its path names.
    #[must_use]
    pub fn is_of_a_repository(&self) -> bool {
        self.has_parameter("repo_slug") && !BEYOND.contains(&self.name)
    }

    /// Whether the repository that it names may not exist yet.
    #[must_use]
    pub fn may_make_its_repository(&self) -> bool {
        MAKING.contains(&self.name)
    }

    /// Whether it shows nothing of any repository.
    #[must_use]
    pub fn is_outside_repositories(&self) -> bool {
        OUTSIDE.iter().any(|(name, _)| *name == self.name)
    }

    /// Whether it is about settings, access or keys.
    #[must_use]
    pub fn is_administration(&self) -> bool {
        self.scopes.iter().any(|scope| SETTINGS.contains(scope))
            || self
                .path
                .split('/')
                .any(|part| SETTINGS_PATHS.iter().any(|settings| part.starts_with(settings)))
            || self.name == "createFork"
    }

    /// Whether what it answers with is kept by a storage elsewhere, to which Bitbucket redirects.
    #[must_use]
    pub fn is_kept_elsewhere(&self) -> bool {
        self.reads()
            && (self.has_parameter("filename")
                || self.path.contains("/files/")
                || self.path.ends_with("/log")
                || self.path.ends_with("/logs/{log_uuid}"))
    }
}

#[cfg(test)]
mod tests {
    use crate::operations::all;

    use super::*;

    #[test]
    fn every_reviewed_operation_exists() {
        let outside = OUTSIDE.iter().map(|(name, _)| name);
        for name in HARMLESS.iter().chain(MAKING).chain(BEYOND).chain(outside) {
            assert!(all().iter().any(|one| one.name == *name), "{name}");
        }
        for (name, _) in OUTSIDE {
            let one = all().iter().find(|one| one.name == *name).unwrap();
            assert!(one.reads() && !one.has_parameter("repo_slug"), "{name}");
        }
    }

    #[test]
    fn nothing_that_writes_goes_unasked_but_what_was_reviewed() {
        let asking = all().iter().filter(|one| one.asks()).count();
        let writing = all().iter().filter(|one| one.method != Method::Get).count();
        assert_eq!((writing, writing - asking), (137, HARMLESS.len()));
    }

    #[test]
    fn tells_settings_from_work() {
        for (name, administration) in [
            ("createRepositoryHook", true),
            ("getRepositoryPipelineVariables", true),
            ("listRepositoryPermissions", true),
            ("createSshKey", true),
            ("createFork", true),
            ("createPullRequest", false),
            ("getPipelinesForRepository", false),
            ("deleteBranch", false),
        ] {
            let one = all().iter().find(|one| one.name == name).unwrap();
            assert_eq!(one.is_administration(), administration, "{name}");
        }
    }
}
