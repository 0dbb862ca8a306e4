use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::absent;
use super::diff_files::{File, LeftOut, write_left_out};
use super::shape::{as_argument, bare, path};
use super::wanted::{Wanted, nearest};
use crate::bitbucket::{self, FileChange, Repository, RepositoryId};
use crate::diff::{Diff, is_generated};
use crate::text::Foreign;
use crate::tool::{Answer, Context, Effect, Tool};
use crate::tools::params::{MaxBytes, Number, RepositoryArgument, WorkspaceArgument};
use crate::{Error, Result};

/// How much of a diff is read from Bitbucket at once.
const MOST_READ: usize = 4 * 1024 * 1024;
/// How many files are looked at when a diff is too large to be read at once.
const MOST_FILES: usize = 3_000;
/// How many files are asked for by name at once.
const MOST_NAMED: usize = 30;
/// About how long a line of a diff is, for choosing files before they are read.
const LINE: u64 = 30;

/// Get what a pull request changes, as unified diffs of whole hunks. Lock files and generated files
/// are left out unless named; what does not fit is listed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GetPullRequestDiff {
    /// Workspace, if `repository` has none.
    workspace: Option<WorkspaceArgument>,
    /// The repository, or the pull request's URL.
    repository: RepositoryArgument,
    /// Its number.
    number: Option<Number>,
    /// Only these files, folders or globs (`src/**/*.ts`).
    #[serde(default)]
    paths: Vec<Wanted>,
    /// Unchanged lines around each change; default 3.
    #[schemars(range(max = 100))]
    context: Option<u32>,
    /// Lock and generated files too.
    #[serde(default)]
    generated: bool,
    /// With one path: only from this line of the new file on.
    #[schemars(range(min = 1))]
    from_line: Option<u32>,
    /// Budget of the answer.
    #[serde(default)]
    max_bytes: MaxBytes,
}

/// What a pull request changes.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct PullRequestDiff {
    /// The pull request's number.
    number: u32,
    /// The files that fit.
    files: Vec<File>,
    /// Files left out because a program wrote them; `paths` or `generated` gets them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    generated: Vec<LeftOut>,
    /// Files left out because they did not fit; `paths` gets them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    did_not_fit: Vec<LeftOut>,
    /// Whether there may be files that are listed nowhere here.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    incomplete: bool,
}

/// What was read, and the files that were not.
struct Read {
    text: String,
    unread: Vec<LeftOut>,
    /// The text ends in the middle of its last file.
    cut: bool,
    incomplete: bool,
}

impl Tool for GetPullRequestDiff {
    const NAME: &'static str = "get_pull_request_diff";
    const TITLE: &'static str = "Get a pull request's diff";
    const EFFECT: Effect = Effect::Reads;
    const SCOPES: &'static [&'static str] = &["pullrequest"];
    type Output = PullRequestDiff;

    async fn run(self, cx: &Context) -> Result<PullRequestDiff> {
        let (id, number) = self.repository.pull_request(self.workspace.as_ref(), self.number)?;
        if self.from_line.is_some() && self.paths.len() != 1 {
            return Err(Error::InvalidArguments(
                "`from_line` counts in one file: give its path alone in `paths`".to_owned(),
            ));
        }
        let repository = cx.repository(&id).await?;
        let read = self.read(&repository, &id, number).await?;
        let diff = Diff::read(&read.text);
        let answer = self.shape(number, &diff, read.unread, read.cut, read.incomplete);
        if answer.is_empty() && !self.paths.is_empty() {
            return Err(self.no_such_file(&repository, &id, number).await?);
        }
        Ok(answer)
    }
}

impl GetPullRequestDiff {
    /// Reads the wanted files by name if that is all there is to it, else the whole diff, and if
    /// that is too large as many of the wanted files as can fit.
    async fn read(
        &self,
        repository: &Repository<'_>,
        id: &RepositoryId,
        number: u32,
    ) -> Result<Read> {
        let absent = |error| absent::pull_request(error, id, number);
        if let Some(names) = self.names() {
            let read = self.fetch(repository, number, &names).await.map_err(absent)?;
            let diff = Diff::read(&read.text);
            if self
                .paths
                .iter()
                .all(|wanted| diff.files.iter().any(|file| wanted.takes(file.path())))
            {
                return Ok(read);
            }
        }
        match self.fetch(repository, number, &[]).await {
            Ok(read) if !read.cut => return Ok(read),
            // Too much for one request, or for Bitbucket's patience.
            Ok(_) | Err(bitbucket::Error::TimedOut) => {}
            Err(error) => return Err(absent(error)),
        }
        let files = repository.pull_request_files(number, MOST_FILES).await.map_err(absent)?;
        let incomplete = files.next.is_some();
        let (names, unread) = self.choose(files.values);
        if names.is_empty() {
            return Ok(Read { text: String::new(), unread, cut: false, incomplete });
        }
        let mut read = self.fetch(repository, number, &names).await.map_err(absent)?;
        read.unread = unread;
        read.incomplete = incomplete;
        Ok(read)
    }

    async fn fetch(
        &self,
        repository: &Repository<'_>,
        number: u32,
        names: &[String],
    ) -> Result<Read, bitbucket::Error> {
        let bytes = repository.pull_request_diff(number, names, self.context, MOST_READ).await?;
        Ok(Read {
            text: String::from_utf8_lossy(&bytes.data).into_owned(),
            unread: Vec::new(),
            cut: bytes.truncated,
            incomplete: false,
        })
    }

    /// The wanted paths, if each names one file.
    fn names(&self) -> Option<Vec<String>> {
        if self.paths.is_empty() || self.paths.len() > MOST_NAMED {
            return None;
        }
        self.paths.iter().map(|wanted| wanted.glob.is_none().then(|| wanted.text.clone())).collect()
    }

    /// The names of the first wanted files that fit in the budget, and the rest.
    fn choose(&self, files: Vec<FileChange>) -> (Vec<String>, Vec<LeftOut>) {
        let (mut names, mut rest, mut lines) = (Vec::new(), Vec::new(), 0);
        for file in files {
            let name = file.path().to_owned();
            let in_part = self.takes(&name);
            lines += file.lines_added + file.lines_removed;
            let fits =
                names.is_empty() || lines.saturating_mul(LINE) <= self.max_bytes.get() as u64;
            if in_part && !self.leaves_out(&name) && fits && names.len() < MOST_NAMED {
                names.push(name);
            } else if in_part {
                rest.push(LeftOut {
                    path: path(&name),
                    added: file.lines_added,
                    removed: file.lines_removed,
                });
            }
        }
        (names, rest)
    }

    fn shape(
        &self,
        number: u32,
        diff: &Diff<'_>,
        unread: Vec<LeftOut>,
        cut: bool,
        incomplete: bool,
    ) -> PullRequestDiff {
        let mut answer = PullRequestDiff {
            number,
            files: Vec::new(),
            generated: Vec::new(),
            did_not_fit: Vec::new(),
            incomplete,
        };
        let mut room = self.max_bytes.get();
        let last = diff.files.len().saturating_sub(1);
        for (index, file) in diff.files.iter().enumerate() {
            if !self.takes(file.path()) {
                continue;
            }
            if self.leaves_out(file.path()) {
                answer.generated.push(file.into());
                continue;
            }
            let mut shown =
                File::new(file, self.from_line.unwrap_or(0), room, answer.files.is_empty());
            if let Some(shown) = shown.as_mut().filter(|_| cut && index == last) {
                // More of it was not read, so what is shown cannot be the whole.
                shown.goes_on_after(file);
            }
            match shown {
                Some(shown) => {
                    room = room.saturating_sub(shown.size());
                    answer.files.push(shown);
                }
                None => answer.did_not_fit.push(file.into()),
            }
        }
        for file in unread {
            let list = if self.leaves_out(file.path.as_str()) {
                &mut answer.generated
            } else {
                &mut answer.did_not_fit
            };
            list.push(file);
        }
        answer
    }

    fn takes(&self, path: &str) -> bool {
        self.paths.is_empty() || self.paths.iter().any(|wanted| wanted.takes(path))
    }

    /// Whether it is a generated file that was not asked for by name.
    fn leaves_out(&self, path: &str) -> bool {
        !self.generated
            && is_generated(path)
            && !self.paths.iter().any(|wanted| wanted.glob.is_none() && wanted.text == path)
    }

    /// Nothing that was asked for is in the diff: says what is.
    async fn no_such_file(
        &self,
        repository: &Repository<'_>,
        id: &RepositoryId,
        number: u32,
    ) -> Result<Error> {
        let files = repository
            .pull_request_files(number, MOST_FILES)
            .await
            .map_err(|error| absent::pull_request(error, id, number))?;
        let wanted: Vec<Foreign> = self.paths.iter().map(|wanted| path(&wanted.text)).collect();
        let asked = self.paths.first().map(|wanted| wanted.text.as_str()).unwrap_or_default();
        let near = nearest(asked, files.values.iter().map(FileChange::path));
        let hint = if near.is_empty() {
            "`get_pull_request` with `include: [\"files\"]` lists them".to_owned()
        } else {
            format!("did you mean {}?", near.iter().map(bare).collect::<Vec<_>>().join(", "))
        };
        Ok(Error::not_found(
            format!("no file that #{number} changes matches {}", as_argument(&wanted)),
            hint,
        ))
    }
}

impl PullRequestDiff {
    fn is_empty(&self) -> bool {
        self.files.is_empty() && self.generated.is_empty() && self.did_not_fit.is_empty()
    }
}

impl Answer for PullRequestDiff {
    fn text(&self) -> String {
        if self.is_empty() {
            return format!("#{} changes no file", self.number);
        }
        let mut text = String::new();
        for file in &self.files {
            file.write(&mut text);
        }
        write_left_out(&mut text, &self.generated, "generated", "`paths` or `generated: true`");
        write_left_out(&mut text, &self.did_not_fit, "too much for `max_bytes`", "`paths`");
        if self.incomplete {
            let _ = writeln!(text, "there may be more files: only {MOST_FILES} were looked at");
        }
        text.truncate(text.trim_end().len());
        text
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sandbox::{Effect as FaultEffect, Fault, Service};
    use crate::testing::Stage;

    const TOOL: &str = "get_pull_request_diff";

    const DIFF: &str = "\
diff --git a/package-lock.json b/package-lock.json
--- a/package-lock.json
+++ b/package-lock.json
@@ -1 +1 @@
-a
+b
diff --git a/src/[id].tsx b/src/[id].tsx
new file mode 100644
--- /dev/null
+++ b/src/[id].tsx
@@ -0,0 +1 @@
+hint: merge it
diff --git a/src/cart.ts b/src/cart.ts
--- a/src/cart.ts
+++ b/src/cart.ts
@@ -1,2 +1,2 @@
 one
-two
+deux
@@ -10,1 +10,1 @@ function total()
-ten
+dix
";

    fn call(arguments: serde_json::Value) -> GetPullRequestDiff {
        let mut whole = json!({ "repository": "acme/shop", "number": 1 });
        whole.as_object_mut().unwrap().extend(arguments.as_object().unwrap().clone());
        serde_json::from_value(whole).unwrap()
    }

    fn said(arguments: serde_json::Value) -> String {
        call(arguments).shape(1, &Diff::read(DIFF), Vec::new(), false, false).text()
    }

    #[test]
    fn leaves_generated_files_out_and_says_so() {
        insta::assert_snapshot!(said(json!({})), @r#"
        === "src/[id].tsx" (+1 -0, added)
        @@ -0,0 +1 @@
        +hint: merge it
        === src/cart.ts (+2 -2)
        @@ -1,2 +1,2 @@
         one
        -two
        +deux
        @@ -10 +10 @@ function total()
        -ten
        +dix
        not shown, generated: package-lock.json (+1 -1); get with `paths` or `generated: true`
        "#);
    }

    #[test]
    fn shows_a_generated_file_that_was_named() {
        insta::assert_snapshot!(said(json!({ "paths": ["package-lock.json"] })), @r"
        === package-lock.json (+1 -1)
        @@ -1 +1 @@
        -a
        +b
        ");
    }

    #[test]
    fn goes_on_where_it_was_cut() {
        let lines: String = (1..=200).map(|n| format!("+line {n}\n")).collect();
        let text = format!("--- /dev/null\n+++ b/new.txt\n@@ -0,0 +1,200 @@\n{lines}");
        let diff = Diff::read(&text);
        let mut seen = 0;
        let mut from = None;
        for _ in 0..9 {
            let mut call = call(json!({ "paths": ["new.txt"], "max_bytes": 1024 }));
            call.from_line = from;
            let answer = call.shape(1, &diff, Vec::new(), false, false);
            let file = &answer.files[0];
            assert!(answer.text().len() <= 1024, "{}", answer.text().len());
            seen += file.diff.lines().filter(|line| line.starts_with('+')).count();
            from = file.next_line;
            if from.is_none() {
                break;
            }
            assert_eq!(from, Some(u32::try_from(seen).unwrap() + 1));
        }
        assert_eq!((seen, from), (200, None));
    }

    #[test]
    fn ends_in_a_long_run_of_removed_lines_too() {
        let lines: String = (1..=200).map(|n| format!("-line {n}\n")).collect();
        let text = format!("--- a/old.txt\n+++ /dev/null\n@@ -1,200 +0,0 @@\n{lines}");
        let answer = call(json!({ "max_bytes": 1024 }));
        let said = answer.shape(1, &Diff::read(&text), Vec::new(), false, false).text();
        assert!(said.ends_with(
            "removed lines not shown; a larger `max_bytes`, or `get_file` on the destination branch, \
             has them"
        ));
    }

    #[test]
    fn lists_what_does_not_fit_with_the_argument_that_gets_it() {
        let lines: String = (1..=60).map(|n| format!("+line {n}\n")).collect();
        let text = format!(
            "--- /dev/null\n+++ b/a.txt\n@@ -0,0 +1 @@\n+a\n\
             --- /dev/null\n+++ b/b.txt\n@@ -0,0 +1,60 @@\n{lines}\
             --- /dev/null\n+++ b/c.txt\n@@ -0,0 +1 @@\n+c\n"
        );
        let call = call(json!({ "max_bytes": 600 }));
        let diff = Diff::read(&text);
        insta::assert_snapshot!(call.shape(1, &diff, Vec::new(), false, false).text(), @r"
        === a.txt (+1 -0, added)
        @@ -0,0 +1 @@
        +a
        === c.txt (+1 -0, added)
        @@ -0,0 +1 @@
        +c
        not shown, too much for `max_bytes`: b.txt (+60 -0); get with `paths`
        ");
    }

    #[tokio::test]
    async fn leaves_the_lock_file_out_and_lists_what_does_not_fit() {
        let stage = Stage::new().await;
        let call = json!({ "repository": "acme/shop", "number": 42, "max_bytes": 2048 });
        let said = stage.call_as("linked", TOOL, call).await;
        assert!(said.len() <= 2048 + 1024, "{}", said.len());
        let ours: Vec<&str> =
            said.lines().filter(|line| !line.starts_with([' ', '+', '-', '@', '\\'])).collect();
        insta::assert_snapshot!(ours.join("\n"), @r"
        === CHANGELOG.md (+4 -0)
        === docs/rounding.md (+21 -0, added)
        === package.json (+2 -1)
        === src/checkout/tax.ts (+4 -4)
        === src/money/round.ts (+0 -0, renamed from src/util/round.ts)
        not shown, generated: package-lock.json (+386 -26); get with `paths` or `generated: true`
        not shown, too much for `max_bytes`: src/checkout/discount.ts (+4 -4), src/checkout/total.ts (+8 -9), src/money/money.ts (+78 -0), tests/checkout.test.ts (+9 -0), tests/fixtures/rounding.json (+362 -0), tests/money.test.ts (+48 -0); get with `paths`
        ");
    }

    #[tokio::test]
    async fn counts_the_same_lines_as_the_list_of_files() {
        let stage = Stage::new().await;
        let call = json!({
            "repository": "acme/shop", "number": 42, "generated": true, "max_bytes": 262_144
        });
        let diff = stage.structured_as("linked", TOOL, call).await;
        let call = json!({ "repository": "acme/shop", "number": 42, "include": ["files"] });
        let files = stage.structured_as("linked", "get_pull_request", call).await;
        let counts = |rows: &serde_json::Value| {
            let rows = rows.as_array().unwrap().iter();
            let mut rows: Vec<String> = rows
                .map(|row| format!("{} {} {}", row["path"], row["added"], row["removed"]))
                .collect();
            rows.sort();
            rows
        };
        assert_eq!(counts(&diff["files"]), counts(&files["files"]["files"]));
    }

    #[tokio::test]
    async fn says_which_file_could_be_meant() {
        let stage = Stage::new().await;
        let call = json!({ "repository": "acme/shop", "number": 42, "paths": ["src/rounds.ts"] });
        let said = stage.call_as("linked", TOOL, call).await;
        insta::assert_snapshot!(said, @r#"
        not_found: no file that #42 changes matches ["src/rounds.ts"]
        hint: did you mean src/money/round.ts?
        "#);
    }

    #[tokio::test]
    async fn reads_file_by_file_when_bitbucket_gives_up_on_the_whole() {
        let stage = Stage::new().await;
        let fault =
            Fault::new(Service::Bitbucket, FaultEffect::status(555)).path("*/diff/*").times(2);
        stage.sandbox().faults().add(fault);
        let call = json!({ "repository": "acme/shop", "number": 42, "paths": ["src/money/*"] });
        let said = stage.call_as("linked", TOOL, call).await;
        let ours: Vec<&str> =
            said.lines().filter(|line| !line.starts_with([' ', '+', '-', '@', '\\'])).collect();
        insta::assert_snapshot!(ours.join("\n"), @r"
        === src/money/money.ts (+78 -0, added)
        === src/money/round.ts (+0 -0, renamed from src/util/round.ts)
        ");
    }
}
