//! What people made of the repositories at the start: who may do what, the pull requests with their
//! reviews, and the builds.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

use jiff::{Timestamp, ToSpan};

use super::areas::Areas;
use super::model::{
    BuildStatus, End, MergeHabit, Participant, Permission, PullRequest, State, Verdict,
};
use super::seed_reviews;
use super::state::{Repository, uuid};
use super::workspaces;
use crate::sandbox::git::{Change, Git};
use crate::sandbox::people::{self, Person};
use crate::sandbox::seed::{self, Fate, SeededPullRequest, SeededRepository};

/// Where the ids of comments and tasks begin that the sandbox's users write.
const FIRST_ID: u64 = 730_000_003;

/// The pull request whose merge takes long, so that the answer is 202.
pub(crate) const SLOW: u64 = 47;
/// The one whose merge is answered with 555 and happens nevertheless.
pub(crate) const TIMES_OUT: u64 = 41;
/// The one whose destination moves during the first attempt to merge it.
pub(crate) const RACES: u64 = 40;

/// When everything seeded has happened: 2026-11-20T18:00:00Z.
pub(crate) fn end() -> Timestamp {
    Timestamp::constant(1_795_197_600, 0)
}

/// Every repository with all that is in it, for one sandbox alone.
pub(crate) fn repositories() -> Vec<Arc<Repository>> {
    seed::repositories()
        .into_iter()
        .filter_map(furnish)
        .chain(secret_plans())
        .map(Arc::new)
        .collect()
}

fn furnish(seeded: SeededRepository) -> Option<Repository> {
    let workspace = workspaces::find(seeded.workspace)?;
    let (project, permissions): (_, &[_]) = match seeded.slug {
        "infrastructure" => (
            "OPS",
            &[
                ("ana", Permission::Admin),
                ("cleo", Permission::Write),
                ("ben", Permission::Read),
                ("gus", Permission::Read),
            ],
        ),
        "notes" => ("PROJ", &[("ana", Permission::Admin)]),
        _ => (
            "SHOP",
            &[
                ("ana", Permission::Admin),
                ("ben", Permission::Write),
                ("gus", Permission::Write),
                ("cleo", Permission::Write),
            ],
        ),
    };
    let default_reviewers: (&[_], &[_]) = match seeded.slug {
        "shop" => (&["ana", "ben"], &["gus"]),
        _ => (&[], &[]),
    };
    let is_shop = seeded.slug == "shop";
    let pull_requests: Vec<PullRequest> = seeded
        .pull_requests
        .iter()
        .filter_map(|request| pull_request(request, is_shop, &seeded.git))
        .collect();
    let statuses = if is_shop { builds(&seeded.pull_requests) } else { Vec::new() };
    Some(Repository {
        workspace,
        uuid: uuid(&format!("repository {}/{}", seeded.workspace, seeded.slug)),
        slug: seeded.slug.to_owned(),
        name: seeded.name.to_owned(),
        description: seeded.description.to_owned(),
        project,
        language: seeded.language,
        is_private: true,
        main_branch: seeded.main_branch.to_owned(),
        created_on: seeded.created_on,
        permissions: permissions.to_vec(),
        default_reviewers,
        git: seeded.git,
        pull_requests: Mutex::new(pull_requests),
        statuses: Mutex::new(statuses),
        areas: Areas::seeded(&format!("{}/{}", seeded.workspace, seeded.slug)),
        ids: AtomicU64::new(FIRST_ID),
    })
}

/// A repository that only Cleo sees; for everybody else it does not exist.
fn secret_plans() -> Option<Repository> {
    let created_on = Timestamp::constant(1_787_205_600, 0);
    let git = Git::create().ok()?;
    let plan = Change::Write {
        path: "plan.md".into(),
        bytes: b"# Plan\n\nCoffee.\n".to_vec(),
        executable: false,
    };
    let cleo = people::find("cleo")?;
    git.commit("main", &[], &[plan], (cleo.name, cleo.email), created_on, "Plan\n").ok()?;
    Some(Repository {
        workspace: workspaces::find("acme")?,
        slug: "secret-plans".into(),
        name: "Secret plans".into(),
        description: String::new(),
        uuid: uuid("repository acme/secret-plans"),
        project: "OPS",
        language: "",
        is_private: true,
        main_branch: "main".into(),
        created_on,
        permissions: vec![("cleo", Permission::Admin)],
        default_reviewers: (&[], &[]),
        git,
        pull_requests: Mutex::default(),
        statuses: Mutex::default(),
        areas: Areas::default(),
        ids: AtomicU64::new(FIRST_ID),
    })
}

fn pull_request(seeded: &SeededPullRequest, is_shop: bool, git: &Git) -> Option<PullRequest> {
    let author = people::find(seeded.author)?;
    let ana = people::find("ana")?;
    let (state, closed_on, merge_commit) = match &seeded.fate {
        Fate::Open => (State::Open, None, None),
        Fate::Merged { commit, when } => (State::Merged, Some(*when), Some(commit.clone())),
        Fate::Declined { when } => (State::Declined, Some(*when), None),
    };
    let hash = |hash: &str| closed_on.map(|_| hash.to_owned());
    let reviewers: Vec<&'static Person> =
        reviewers(seeded).iter().filter_map(|nickname| people::find(nickname)).collect();
    let mut request = PullRequest {
        id: seeded.number,
        title: seeded.title.to_owned(),
        description: String::new(),
        state,
        draft: false,
        author,
        source: End { branch: seeded.source.to_owned(), closed_at: hash(&seeded.source_hash) },
        destination: End {
            branch: seeded.destination.to_owned(),
            closed_at: hash(&seeded.destination_hash),
        },
        reviewers,
        participants: Vec::new(),
        close_source_branch: true,
        created_on: seeded.opened,
        updated_on: closed_on.unwrap_or(seeded.opened),
        closed_on,
        closed_by: closed_on.map(|_| ana),
        reason: String::new(),
        merge_commit,
        comments: Vec::new(),
        tasks: Vec::new(),
        merge_habit: MergeHabit::Quick,
        merges: Vec::new(),
    };
    if state == State::Merged && author != ana {
        let approval = Participant {
            person: ana,
            verdict: Some(Verdict::Approved),
            participated_on: closed_on.and_then(|when| when.checked_sub(20.minutes()).ok()),
        };
        request.participants.push(approval);
    }
    if is_shop {
        seed_reviews::describe(&mut request, git, &seeded.source_hash);
    }
    Some(request)
}

/// Who was asked for a review: not the author, and by turns not everybody.
fn reviewers(seeded: &SeededPullRequest) -> Vec<&'static str> {
    let all = ["ana", "ben", "gus"];
    let left_out = all.get(usize::try_from(seeded.number % 4).unwrap_or_default());
    // Ana and Ben are asked for the one that is there to be reviewed.
    let left_out = if seeded.number == 42 { Some(&"gus") } else { left_out };
    all.into_iter().filter(|one| *one != seeded.author && Some(one) != left_out).collect()
}

/// Builds of the last commits: #42 has three, #45 a failed one, #39 runs, most others passed.
fn builds(requests: &[SeededPullRequest]) -> Vec<BuildStatus> {
    let mut statuses = Vec::new();
    for request in requests {
        let build = |key: &str, name: &str, state: &str, description: &str| {
            let begun = request.opened.checked_add(2.minutes()).unwrap_or(request.opened);
            let ended = request.opened.checked_add(9.minutes()).unwrap_or(request.opened);
            BuildStatus {
                commit: request.source_hash.clone(),
                key: key.to_owned(),
                name: name.to_owned(),
                description: description.to_owned(),
                state: state.to_owned(),
                url: format!(
                    "https://bitbucket.org/acme/shop/pipelines/results/{}",
                    request.number + 100
                ),
                refname: Some(request.source.to_owned()),
                created_on: begun,
                updated_on: if state == "INPROGRESS" { begun } else { ended },
            }
        };
        let passed = |key, name| build(key, name, "SUCCESSFUL", "Passed in 7 minutes");
        match request.number {
            42 => statuses.extend([
                passed("pipeline", "Build and test"),
                passed("lint", "Lint"),
                passed("e2e", "End-to-end tests"),
            ]),
            45 => statuses.extend([
                build("pipeline", "Build and test", "FAILED", "2 of 214 tests failed"),
                passed("lint", "Lint"),
            ]),
            39 => statuses.push(build("pipeline", "Build and test", "INPROGRESS", "Running")),
            number if number % 5 != 0 => statuses.push(passed("pipeline", "Build and test")),
            _ => {}
        }
    }
    statuses
}
