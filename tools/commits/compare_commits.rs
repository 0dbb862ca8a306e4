use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::changes::{self, Changes, Shown};
use crate::bitbucket::{self, Author, CommitData, Page, Range, Repository, RepositoryId, Resolved};
use crate::text::Foreign;
use crate::tool::{Answer, Context, Effect, Tool};
use crate::tools::lookup;
use crate::tools::params::{MaxBytes, RepositoryArgument, Revision, WorkspaceArgument};
use crate::tools::shown::{self, LINE, NAME, bare, day, short};
use crate::tools::wanted::Wanted;
use crate::{Error, Result};

/// How many commits are counted on either side.
const COUNTED: usize = 100;
/// How many are listed.
const LISTED: usize = 20;

/// Compare two revisions as `git diff from...to` does: what `to` has that `from` has not. Commits
/// ahead and behind, files with counts; with `paths`, also their diff.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CompareCommits {
    /// Not needed if `repository` names it.
    workspace: Option<WorkspaceArgument>,
    /// `workspace/repository`, slug or URL.
    repository: RepositoryArgument,
    /// The base: branch, tag or hash; default: main branch.
    from: Option<Revision>,
    /// Branch, tag or hash with the changes.
    to: Revision,
    /// Show the diff of these files, folders or globs; `**` for all.
    #[serde(default)]
    paths: Vec<Wanted>,
    /// Budget of the diff.
    #[serde(default)]
    max_bytes: MaxBytes,
}

/// What one revision has that another has not.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Comparison {
    from: Side,
    to: Side,
    /// The newest commit that both have.
    #[serde(skip_serializing_if = "Option::is_none")]
    merge_base: Option<String>,
    /// How many commits `to` has that `from` has not.
    ahead: usize,
    /// How many commits `from` has that `to` has not.
    behind: usize,
    /// Whether there are more than were counted.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    more_ahead: bool,
    /// Whether there are more than were counted.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    more_behind: bool,
    /// The newest ones that `to` has.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    commits: Vec<Row>,
    /// What changed from the merge base to `to`.
    changes: Changes,
    #[serde(skip_serializing_if = "Option::is_none")]
    diff: Option<Shown>,
}

/// One of the two.
#[derive(Debug, Serialize, JsonSchema)]
struct Side {
    /// The branch or tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<Foreign>,
    commit: String,
}

/// A commit.
#[derive(Debug, Serialize, JsonSchema)]
struct Row {
    hash: Foreign,
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<Foreign>,
    /// The first line of the message.
    subject: Foreign,
}

/// What the four requests bring.
struct Between {
    base: Option<String>,
    ahead: Page<CommitData>,
    behind: Page<CommitData>,
    files: Page<bitbucket::FileChange>,
}

impl Tool for CompareCommits {
    const NAME: &'static str = "compare_commits";
    const TITLE: &'static str = "Compare two revisions";
    const EFFECT: Effect = Effect::Reads;
    const SCOPES: &'static [&'static str] = &["repository"];
    type Output = Comparison;

    async fn run(self, cx: &Context) -> Result<Comparison> {
        let id = self.repository.id(self.workspace.as_ref())?;
        let repository = cx.repository(&id).await?;
        let from = self.from.as_ref().map(|revision| revision.0.as_str());
        let from = lookup::revision(&repository, from, None).await?;
        let to = lookup::revision(&repository, Some(&self.to.0), None).await?;
        let range = Range::SinceForked { from: from.hash.clone(), to: to.hash.clone() };
        let between = match Between::read(&repository, &range, &from, &to).await {
            Err(error) if error.is_not_found() => {
                return Err(missing(&repository, &id, [&from, &to], error).await);
            }
            between => between?,
        };
        let files = &between.files;
        let diff = Shown::read(&repository, &range, files, &self.paths, self.max_bytes).await?;
        Ok(Comparison {
            from: (&from).into(),
            to: (&to).into(),
            merge_base: between.base.as_deref().map(short),
            ahead: between.ahead.values.len(),
            behind: between.behind.values.len(),
            more_ahead: between.ahead.next.is_some(),
            more_behind: between.behind.next.is_some(),
            commits: between.ahead.values.iter().take(LISTED).map(Into::into).collect(),
            changes: Changes::new(files),
            diff,
        })
    }
}

impl Between {
    async fn read(
        repository: &Repository<'_>,
        range: &Range,
        from: &Resolved,
        to: &Resolved,
    ) -> Result<Self, bitbucket::Error> {
        let (base, ahead, behind, files) = futures::try_join!(
            repository.merge_base(&to.hash, &from.hash),
            repository.commits_beyond(&to.hash, &from.hash, COUNTED),
            repository.commits_beyond(&from.hash, &to.hash, COUNTED),
            changes::files(repository, range),
        )?;
        Ok(Self { base, ahead, behind, files })
    }
}

/// A whole hash is taken as it is, so one of the two may not be there.
async fn missing(
    repository: &Repository<'_>,
    id: &RepositoryId,
    sides: [&Resolved; 2],
    error: bitbucket::Error,
) -> Error {
    for side in sides {
        if let Ok(false) = repository.has_commit(&side.hash).await {
            return lookup::no_commit(repository, &side.hash).await;
        }
    }
    match error {
        bitbucket::Error::NotFound { .. } => Error::no_repository(id),
        error => error.into(),
    }
}

impl From<&Resolved> for Side {
    fn from(resolved: &Resolved) -> Self {
        Self { revision: shown::revision(resolved), commit: short(&resolved.hash) }
    }
}

impl From<&CommitData> for Row {
    fn from(commit: &CommitData) -> Self {
        let author = commit.author.as_ref().and_then(Author::name);
        Self {
            hash: Foreign::line(&short(&commit.hash), NAME),
            date: commit.date.map(shown::time),
            author: author.map(|name| Foreign::line(name, NAME)),
            subject: Foreign::line(commit.subject(), LINE),
        }
    }
}

impl Side {
    fn name(&self) -> String {
        self.revision.as_ref().map_or_else(|| self.commit.clone(), bare)
    }

    fn line(&self) -> String {
        match &self.revision {
            Some(revision) => format!("{} ({})", bare(revision), self.commit),
            None => self.commit.clone(),
        }
    }
}

impl Answer for Comparison {
    fn text(&self) -> String {
        let (from, to) = (&self.from, &self.to);
        if from.commit == to.commit {
            return format!("{} and {} are the same commit", to.line(), from.line());
        }
        let number = |count: usize, more: bool| {
            if more { format!("at least {count}") } else { count.to_string() }
        };
        let mut text = format!(
            "{} is {} ahead of {} and {} behind",
            to.line(),
            number(self.ahead, self.more_ahead),
            from.line(),
            number(self.behind, self.more_behind),
        );
        match &self.merge_base {
            Some(base) => {
                let _ = write!(text, ", forked at {base}");
            }
            None => text.push_str("; they have no commit in common"),
        }
        if !self.commits.is_empty() {
            let _ = write!(text, "\ncommits only in {}, newest first:", to.name());
        }
        for row in &self.commits {
            let _ = write!(text, "\n  {}", row.hash.as_str());
            if let Some(date) = &row.date {
                let _ = write!(text, " · {}", day(date));
            }
            if let Some(author) = &row.author {
                let _ = write!(text, " · {}", author.as_str());
            }
            let _ = write!(text, " · {}", row.subject.as_str());
        }
        if self.ahead > self.commits.len() {
            text.push_str("\n  more: `list_commits` has them");
        }
        self.changes.write(&mut text);
        if let Some(diff) = &self.diff {
            diff.write(&mut text);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::Stage;

    async fn said(stage: &Stage, call: Value) -> String {
        stage.call_as("linked", "compare_commits", call).await
    }

    #[tokio::test]
    async fn shows_what_a_branch_adds_in_gits_order_and_not_in_bitbuckets() {
        let stage = Stage::new().await;
        let call = json!({
            "repository": "acme/shop", "to": "feature/checkout-rounding", "paths": ["CHANGELOG.md"],
        });
        let whole = said(&stage, call.clone()).await;
        insta::assert_snapshot!(whole, @"
        feature/checkout-rounding (a77bd4c287ec) is 3 ahead of main (8fc367030195) and 0 behind, forked at 8fc367030195
        commits only in feature/checkout-rounding, newest first:
          a77bd4c287ec · 2026-11-13 · cleo · Document the rounding, and prepare 2.4.1
          745191bc5818 · 2026-11-12 · cleo · Round once, at the end of the checkout
          9904b18293fa · 2026-11-12 · cleo · Add an amount type that keeps fractions of a cent
        12 files, +926 -44:
          CHANGELOG.md +4 -0
          docs/rounding.md +21 -0 added
          package-lock.json +386 -26
          package.json +2 -1
          src/checkout/discount.ts +4 -4
          src/checkout/tax.ts +4 -4
          src/checkout/total.ts +8 -9
          src/money/money.ts +78 -0 added
          src/money/round.ts +0 -0 from src/util/round.ts
          tests/checkout.test.ts +9 -0
          tests/fixtures/rounding.json +362 -0 added
          tests/money.test.ts +48 -0 added
        === CHANGELOG.md (+4 -0)
        @@ -1,5 +1,9 @@
         # Changelog
         
        +## 2.4.1 (not released)
        +
        +- Totals are rounded once, at the end; see `docs/rounding.md`.
        +
         ## 2.4.0 (2026-11-09)
         
         - Shipping is free from 75.00 on.
        ");
        assert_eq!(stage.call_as("limited", "compare_commits", call).await, whole);
        // The other way round: main has nothing that the branch lacks, so nothing came.
        let call = json!({
            "repository": "acme/shop", "from": "feature/checkout-rounding", "to": "v2.4.0",
        });
        insta::assert_snapshot!(said(&stage, call).await, @"
        v2.4.0 (8fc367030195) is 0 ahead of feature/checkout-rounding (a77bd4c287ec) and 3 behind, forked at 8fc367030195
        no file changed
        ");
    }

    #[tokio::test]
    async fn leaves_out_what_came_to_the_base_since_the_fork() {
        let stage = Stage::new().await;
        let call = json!({ "repository": "acme/shop", "from": "v2.4.0", "to": "v2.3.0" });
        let said = said(&stage, call).await;
        assert!(said.contains(" is 0 ahead of "), "{said}");
        assert!(said.ends_with("\nno file changed"), "{said}");
    }

    #[tokio::test]
    async fn says_what_is_the_same_and_what_is_missing() {
        let stage = Stage::new().await;
        let call = json!({ "repository": "acme/shop", "from": "v2.4.0", "to": "v2.10.0-beta" });
        insta::assert_snapshot!(said(&stage, call).await, @"v2.10.0-beta (8fc367030195) and v2.4.0 (8fc367030195) are the same commit");
        let call = json!({ "repository": "acme/shop", "to": "featur/checkout-rounding" });
        insta::assert_snapshot!(said(&stage, call).await, @r#"
        not_found: no branch, tag or commit "featur/checkout-rounding" in acme/shop
        hint: did you mean "feature/checkout-rounding"? `list_branches` shows all
        "#);
        let call = json!({
            "repository": "acme/shop", "to": "0123456789012345678901234567890123456789",
        });
        insta::assert_snapshot!(said(&stage, call).await, @"
        not_found: no commit 0123456789012345678901234567890123456789 in acme/shop
        hint: call `list_commits` for the commits of a branch
        ");
    }
}
