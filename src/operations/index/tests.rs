//! How well plain questions find their operation.

use super::*;

/// What somebody wants, and the operations of which one has to be among the first three.
const QUESTIONS: &[(&str, &[&str])] = &[
    ("who can push to main", &["listBranchRestrictions"]),
    ("protect a branch", &["createBranchRestriction"]),
    ("unprotect branch", &["deleteBranchRestriction"]),
    (
        "require two approvals before merge",
        &["createBranchRestriction", "listBranchRestrictions", "updateBranchRestriction"],
    ),
    ("rerun pipeline", &["createPipelineForRepository"]),
    ("trigger a build on a branch", &["createPipelineForRepository"]),
    ("cancel a running build", &["stopPipeline"]),
    ("step log output", &["getPipelineStepLogForRepository"]),
    ("which tests failed in a step", &["getPipelineTestReportTestCases", "getPipelineTestReports"]),
    (
        "nightly build schedule",
        &["createRepositoryPipelineSchedule", "getRepositoryPipelineSchedules"],
    ),
    ("create cron pipeline", &["createRepositoryPipelineSchedule"]),
    ("ssh keys", &["listSshKeys"]),
    ("add ssh key to my account", &["createSshKey"]),
    ("deploy key", &["listDeployKeys", "createDeployKey"]),
    ("add a deploy key to the repo", &["createDeployKey"]),
    ("remove project access key", &["deleteProjectDeployKey"]),
    ("unwatch a snippet", &["unwatchSnippet"]),
    ("who watches this repository", &["listWatchers"]),
    ("list webhooks", &["listRepositoryHooks"]),
    ("add a webhook", &["createRepositoryHook"]),
    ("disable a webhook", &["updateRepositoryHook"]),
    ("workspace webhooks", &["listWorkspaceHooks"]),
    ("which events can a webhook subscribe to", &["listHookEvents", "listHookSubjects"]),
    (
        "set a secret for CI",
        &["createRepositoryPipelineVariable", "updateRepositoryPipelineVariable"],
    ),
    ("list pipeline variables of the workspace", &["getPipelineVariablesForWorkspace"]),
    ("deployment environment variables", &["getDeploymentVariables"]),
    ("rename a repository", &["updateRepository"]),
    ("make repository private", &["updateRepository"]),
    ("change the default branch", &["updateRepository"]),
    ("delete repo", &["deleteRepository"]),
    ("fork a repository", &["createFork"]),
    ("list forks", &["listForks"]),
    ("give a user write access to a repository", &["updateRepositoryUserPermission"]),
    ("revoke group access", &["deleteRepositoryGroupPermission", "deleteProjectGroupPermission"]),
    (
        "who has access to this repository",
        &[
            "listRepositoryUserPermissions",
            "listRepositoryPermissions",
            "listRepositoryGroupPermissions",
        ],
    ),
    ("who is owner of the workspace", &["listWorkspacePermissions"]),
    ("members of the workspace", &["listWorkspaceMembers"]),
    ("my email addresses", &["listEmails"]),
    ("who am I", &["getCurrentUser"]),
    ("my permissions on repositories", &["listOwnRepositoryPermissions"]),
    ("create a project", &["createProject"]),
    ("default reviewers of a project", &["listProjectDefaultReviewers"]),
    ("add default reviewer", &["addDefaultReviewer"]),
    ("approve a PR", &["approvePullRequest"]),
    ("unapprove pull request", &["unapprovePullRequest"]),
    ("request changes on a pull request", &["requestChanges"]),
    ("decline PR", &["declinePullRequest"]),
    ("squash merge pull request", &["mergePullRequest"]),
    ("reopen a resolved comment thread", &["reopenPullRequestComment"]),
    ("pull request timeline", &["listPullRequestActivity"]),
    ("can this PR be merged", &["listMergeabilityChecks"]),
    ("merge conflicts of a PR", &["getPullRequestConflicts"]),
    ("PR that introduced a commit", &["getPullrequestsForCommit"]),
    ("PRs written by a user", &["listUserPullRequests"]),
    ("comment on a commit", &["createCommitComment"]),
    ("build status of a commit", &["listCommitStatuses", "getBuildStatus"]),
    ("post a build status", &["createBuildStatus"]),
    ("publish security scan report", &["createOrUpdateReport"]),
    ("add annotations to a report", &["bulkCreateOrUpdateAnnotations"]),
    ("history of a file", &["listFileHistory"]),
    ("common ancestor of two commits", &["getMergeBase"]),
    ("diff between two commits", &["getDiff", "getDiffstat"]),
    ("create a tag", &["createTag"]),
    ("delete branch", &["deleteBranch"]),
    ("upload a release artifact", &["createDownload"]),
    ("create a gist", &["createSnippet", "createOwnSnippet"]),
    ("self-hosted runners", &["getRepositoryRunners", "getWorkspaceRunners"]),
    ("register a runner", &["createRepositoryRunner", "createWorkspaceRunner"]),
    ("clear the build cache", &["deleteRepositoryPipelineCaches", "deleteRepositoryPipelineCache"]),
    ("enable pipelines", &["updateRepositoryPipelineConfig"]),
    ("next build number", &["updateRepositoryBuildNumber"]),
    ("known hosts for pipelines", &["getRepositoryPipelineKnownHosts"]),
    ("create a deployment environment", &["createEnvironment"]),
    (
        "what is deployed in production",
        &["getDeploymentsForRepository", "getEnvironmentsForRepository"],
    ),
    (
        "branch prefixes feature hotfix",
        &["getBranchingModel", "getEffectiveBranchingModel", "updateBranchingModelSettings"],
    ),
    ("search code", &["searchWorkspace"]),
    ("gpg keys to sign commits", &["listGpgKeys"]),
    ("OIDC keys for AWS", &["getOIDCKeys", "getOIDCConfiguration"]),
    ("mark a task as done", &["updatePullRequestTask"]),
    ("list pul requests", &["listPullRequests"]),
    ("creat webhok", &["createRepositoryHook"]),
];

#[test]
fn plain_questions_find_their_operation_among_the_first_three() {
    assert!(QUESTIONS.len() >= 60);
    let mut missed = String::new();
    let mut found = 0;
    for (question, expected) in QUESTIONS {
        let names: Vec<&str> = search(question, 3).iter().map(|one| one.name).collect();
        if names.iter().any(|name| expected.contains(name)) {
            found += 1;
        } else {
            missed.push_str(&format!("{question}: {names:?} instead of {expected:?}\n"));
        }
    }
    assert!(found * 100 >= QUESTIONS.len() * 95, "{found} of {}\n{missed}", QUESTIONS.len());
}

#[test]
fn every_operation_is_found_by_its_own_line() {
    let lost: Vec<&str> = all()
        .iter()
        .filter(|operation| {
            !search(operation.line, 3).iter().any(|found| found.name == operation.name)
        })
        .map(|operation| operation.name)
        .collect();
    assert!(lost.len() <= 15, "{lost:?}");
}

#[test]
fn words_of_nothing_find_nothing() {
    for wanted in ["", "the of and", "xyzzy qwrtp", "\u{202e}\u{200b}"] {
        assert!(search(wanted, 8).is_empty(), "{wanted:?}");
    }
}

#[test]
fn words_are_brought_to_one_form() {
    for (words, form) in [
        (["approve", "approved", "approving"], "approv"),
        (["branch", "branches", "branch"], "branch"),
        (["repository", "repositories", "repository"], "repository"),
        (["stop", "stopped", "stopping"], "stop"),
        (["status", "status", "status"], "status"),
    ] {
        for word in words {
            assert_eq!(stem(word), form, "{word}");
        }
    }
    assert_eq!(
        words("getPipelineTestReports /a-b"),
        ["get", "pipeline", "test", "reports", "a", "b"]
    );
}
