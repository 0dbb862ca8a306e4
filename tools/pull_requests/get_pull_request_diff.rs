use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::absent;
use super::diff_text::{DiffText, unusable};
use super::shape::{as_argument, bare, count, path};
use crate::bitbucket::{self, FileChange, Repository, RepositoryId};
use crate::diff::{Diff, is_generated};
use crate::text::Foreign;
use crate::tool::{Answer, Context, Effect, Tool};
use crate::tools::diff_files::{File, LeftOut, write_left_out};
use crate::tools::params::{MaxBytes, Number, RepositoryArgument, WorkspaceArgument};
use crate::tools::wanted::{Wanted, nearest};
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
    /// With one path: only from this line of its diff on, `@@` lines not counted.
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
        self.check_from_line(&diff, read.cut)?;
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
        let (chosen, mut unread) = self.choose(files.values);
        if chosen.is_empty() {
            let unread = unread.iter().map(LeftOut::from).collect();
            return Ok(Read { text: String::new(), unread, cut: false, incomplete });
        }
        let names: Vec<String> = chosen.iter().map(|file| file.path().to_owned()).collect();
        let mut read = self.fetch(repository, number, &names).await.map_err(absent)?;
        let diff = Diff::read(&read.text);
        if diff.files.is_empty() {
            return Err(unusable("the diff is empty, but files are changed").into());
        }
        unread.extend(chosen.into_iter().filter(|file| diff.file(file.path()).is_none()));
        read.unread = unread.iter().map(LeftOut::from).collect();
        read.incomplete = incomplete;
        Ok(read)
    }

    async fn fetch(
        &self,
        repository: &Repository<'_>,
        number: u32,
        names: &[String],
    ) -> Result<Read, bitbucket::Error> {
        let DiffText { text, truncated } =
            DiffText::read(repository, number, names, self.context, MOST_READ).await?;
        Ok(Read { text, unread: Vec::new(), cut: truncated, incomplete: false })
    }

    /// The wanted paths, if each names one file.
    fn names(&self) -> Option<Vec<String>> {
        if self.paths.is_empty() || self.paths.len() > MOST_NAMED {
            return None;
        }
        self.paths.iter().map(|wanted| wanted.glob.is_none().then(|| wanted.text.clone())).collect()
    }

    /// The first wanted files that fit in the budget, and the rest of the wanted ones.
    fn choose(&self, files: Vec<FileChange>) -> (Vec<FileChange>, Vec<FileChange>) {
        let (mut chosen, mut rest, mut lines) = (Vec::new(), Vec::new(), 0);
        for file in files {
            let in_part = self.takes(file.path());
            lines += file.lines_added + file.lines_removed;
            let fits =
                chosen.is_empty() || lines.saturating_mul(LINE) <= self.max_bytes.get() as u64;
            if in_part && !self.leaves_out(file.path()) && fits && chosen.len() < MOST_NAMED {
                chosen.push(file);
            } else if in_part {
                rest.push(file);
            }
        }
        (chosen, rest)
    }

    /// A line to go on from is in one file, and not behind its end.
    fn check_from_line(&self, diff: &Diff<'_>, cut: bool) -> Result<()> {
        let Some(from) = self.from_line else { return Ok(()) };
        let mut files = diff.files.iter().filter(|file| self.takes(file.path()));
        let Some(file) = files.next() else { return Ok(()) };
        if files.next().is_some() {
            return Err(Error::InvalidArguments(
                "`from_line` counts in one file, and `paths` names several".to_owned(),
            ));
        }
        let lines = file.lines();
        if from as usize <= lines.max(1) {
            return Ok(());
        }
        let name = bare(&path(file.path()));
        let lines = count(lines as u64, "line");
        Err(Error::InvalidArguments(if cut {
            format!("`from_line` is {from}, but only {lines} of the diff of {name} can be read")
        } else {
            format!("`from_line` is {from}, but the diff of {name} has {lines}")
        }))
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
            let from = self.from_line.unwrap_or(1) as usize;
            let mut shown = File::new(file, from, room, answer.files.is_empty());
            if let Some(shown) = shown.as_mut().filter(|_| cut && index == last) {
                // More of it was not read, so what is shown cannot be the whole.
                shown.rest_unread = true;
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
        if files.values.iter().any(|file| self.takes(file.path())) {
            return Ok(unusable("the diff lacks a file that is changed").into());
        }
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
    fn goes_on_in_one_file_and_not_behind_its_end() {
        let check = |path: &str, from: u32, cut: bool| {
            let call = call(json!({ "paths": [path], "from_line": from }));
            call.check_from_line(&Diff::read(DIFF), cut).map_err(|error| error.to_string())
        };
        assert_eq!(check("src/cart.ts", 5, false), Ok(()));
        assert_eq!(
            check("src/cart.ts", 6, false).unwrap_err(),
            "`from_line` is 6, but the diff of src/cart.ts has 5 lines"
        );
        assert_eq!(
            check("src/cart.ts", 6, true).unwrap_err(),
            "`from_line` is 6, but only 5 lines of the diff of src/cart.ts can be read"
        );
        assert_eq!(
            check("src", 1, false).unwrap_err(),
            "`from_line` counts in one file, and `paths` names several"
        );
    }

    #[test]
    fn says_when_the_end_of_a_diff_was_not_read() {
        let call = call(json!({ "paths": ["src/cart.ts"] }));
        let said = call.shape(1, &Diff::read(DIFF), Vec::new(), true, false).text();
        assert!(
            said.ends_with(
                "+dix\nthere is more: the diff of this file is too large to be read to its end; \
                 `get_file` has the file on either branch"
            ),
            "{said}"
        );
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
    async fn says_which_file_could_be_meant() {
        let stage = Stage::new().await;
        let call = json!({ "repository": "acme/shop", "number": 42, "paths": ["src/rounds.ts"] });
        let said = stage.call_as("linked", TOOL, call).await;
        insta::assert_snapshot!(said, @r#"
        not_found: no file that #42 changes matches ["src/rounds.ts"]
        hint: did you mean src/money/round.ts?
        "#);
    }
}
