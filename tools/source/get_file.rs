use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::bitbucket::Content;
use crate::text::{Foreign, clean, within_bytes};
use crate::tool::{Answer, Context, Effect, Tool};
use crate::tools::lookup;
use crate::tools::params::{
    MaxBytes, PathArgument, RepositoryArgument, Revision, WorkspaceArgument,
};
use crate::tools::shown::{self, LINE, PATH, at};
use crate::{Error, Result};

/// How much of a file is read to find the lines in it.
const LONGEST_FILE: usize = 8 * 1024 * 1024;

/// Read a text file, or some of its lines, each behind its number. Binary and LFS files are only
/// described.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GetFile {
    /// Not needed if `repository` names it.
    workspace: Option<WorkspaceArgument>,
    /// `workspace/repository`, slug or URL.
    repository: RepositoryArgument,
    /// The file.
    path: PathArgument,
    /// Branch, tag or hash; default: main branch.
    revision: Option<Revision>,
    /// First line.
    #[schemars(range(min = 1))]
    from_line: Option<u32>,
    /// How many; default: all that fit.
    #[schemars(range(min = 1))]
    lines: Option<u32>,
    /// How much text at most.
    #[serde(default)]
    max_bytes: MaxBytes,
}

/// A file.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct File {
    repository: String,
    /// The branch or tag that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<Foreign>,
    /// The commit that it named.
    commit: String,
    path: Foreign,
    kind: Kind,
    /// In bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    media_type: Option<Foreign>,
    #[serde(skip_serializing_if = "Option::is_none")]
    window: Option<Window>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Kind {
    Text,
    Binary,
    /// Kept outside of git by Git LFS.
    Lfs,
}

/// Some lines of a file.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
struct Window {
    text: Foreign,
    from_line: usize,
    to_line: usize,
    /// How many lines the file has; absent when it is too long to count.
    #[serde(skip_serializing_if = "Option::is_none")]
    total_lines: Option<usize>,
    /// Pass it as `from_line` for what follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_line: Option<usize>,
    /// How many bytes of the last line are left out, since it alone is more than `max_bytes`.
    #[serde(skip_serializing_if = "is_zero")]
    cut_bytes: usize,
    /// How many control and invisible characters are left out.
    #[serde(skip_serializing_if = "is_zero")]
    hidden_characters: usize,
    /// Whether some bytes are not UTF-8 and are replaced.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    lossy: bool,
}

impl Tool for GetFile {
    const NAME: &'static str = "get_file";
    const TITLE: &'static str = "Read a file";
    const EFFECT: Effect = Effect::Reads;
    const SCOPES: &'static [&'static str] = &["repository"];
    type Output = File;

    async fn run(self, cx: &Context) -> Result<File> {
        let id = self.repository.id(self.workspace.as_ref())?;
        let path = &self.path.0;
        if path.is_root() {
            return Err(Error::InvalidArguments("`path` names no file".to_owned()));
        }
        let repository = cx.repository(&id).await?;
        let revision = self.revision.as_ref().map(|revision| revision.0.as_str());
        let resolved = lookup::revision(&repository, revision, None).await?;
        let content = match repository.file(&resolved.hash, path, LONGEST_FILE).await {
            Err(error) if error.is_not_found() => {
                return Err(lookup::no_path(&repository, &resolved, path).await);
            }
            content => content?,
        };
        let (kind, size, media_type, window) = match content {
            Content::Text { text, lossy, truncated, size } => {
                let window = self.window(&text, lossy, truncated)?;
                (Kind::Text, size, None, Some(window))
            }
            Content::Binary { size, content_type } => (Kind::Binary, size, content_type, None),
            Content::Lfs { size } => (Kind::Lfs, size, None, None),
            Content::Folder => {
                let path = Foreign::line(path.as_str(), PATH).quoted();
                let place = shown::place(&id, &resolved);
                return Err(Error::not_found(
                    format!("{path} in {place} is a folder, not a file"),
                    "call `list_directory` for what is in it",
                ));
            }
        };
        Ok(File {
            repository: id.to_string(),
            revision: shown::revision(&resolved),
            commit: resolved.hash,
            path: Foreign::line(path.as_str(), PATH),
            kind,
            size,
            media_type: media_type.map(|media_type| Foreign::line(&media_type, LINE)),
            window,
        })
    }
}

impl GetFile {
    /// The lines that were asked for, as far as they fit.
    fn window(&self, text: &str, lossy: bool, truncated: bool) -> Result<Window> {
        let first = self.from_line.map_or(1, |line| line as usize).max(1);
        let most = self.lines.map_or(usize::MAX, |lines| lines as usize);
        let total = text.lines().count();
        if first > total.max(1) {
            let more = if truncated { "can be read up to" } else { "has" };
            return Err(Error::InvalidArguments(format!(
                "`from_line` is {first}, but the file {more} {}",
                shown::count(total, "line", "lines")
            )));
        }
        let mut room = self.max_bytes.get();
        let (mut kept, mut last, mut cut_bytes) = (String::new(), first - 1, 0);
        // Git ends a line by a line feed only; what else breaks one must not shift the numbers.
        let breaks = ['\r', '\u{85}', '\u{2028}', '\u{2029}'];
        let text = text.replace("\r\n", "\n").replace(breaks, " ");
        for line in text.lines().skip(first - 1).take(most) {
            if line.len() > room {
                // A line that is too long for any answer is cut; any other waits for the next one.
                if last + 1 == first {
                    let start = within_bytes(line, room);
                    cut_bytes = line.len() - start.len();
                    kept.push_str(start);
                    last += 1;
                }
                break;
            }
            room = room.saturating_sub(line.len() + 1);
            kept.push_str(line);
            kept.push('\n');
            last += 1;
        }
        let hidden = kept.chars().count() - clean(&kept).chars().count();
        Ok(Window {
            text: Foreign::block(&kept, usize::MAX),
            from_line: first,
            to_line: last,
            total_lines: Some(total).filter(|_| !truncated),
            next_line: Some(last + 1).filter(|_| last < total || truncated),
            cut_bytes,
            hidden_characters: hidden,
            lossy,
        })
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

impl Answer for File {
    fn text(&self) -> String {
        let place = at(&self.repository, self.revision.as_ref(), &self.commit);
        let mut text = format!("{} in {place}", self.path.quoted());
        let size = self.size.map(|size| format!(", {}", shown::size(size))).unwrap_or_default();
        let Some(window) = &self.window else {
            match self.kind {
                Kind::Lfs => {
                    let _ = write!(text, ": kept in Git LFS{size}; its content is not read");
                }
                _ => {
                    let _ = write!(text, ": a binary file{size}; its content is not read");
                }
            }
            if let Some(media_type) = &self.media_type {
                let _ = write!(text, " (type {})", media_type.quoted());
            }
            return text;
        };
        window.write(&mut text);
        text
    }
}

impl Window {
    fn write(&self, text: &mut String) {
        if self.total_lines == Some(0) {
            text.push_str(": empty");
            return;
        }
        let _ = write!(text, ", lines {}–{}", self.from_line, self.to_line);
        match self.total_lines {
            Some(total) => {
                let _ = write!(text, " of {total}:");
            }
            None => text.push_str(" of a file too long to count:"),
        }
        for (number, line) in (self.from_line..).zip(self.text.as_str().lines()) {
            let _ = write!(text, "\n{number}");
            if !line.is_empty() {
                let _ = write!(text, " {line}");
            }
        }
        if self.cut_bytes > 0 {
            let _ = write!(
                text,
                "\ncut: line {} goes on for {} more bytes; a larger `max_bytes` gets more of it",
                self.to_line, self.cut_bytes
            );
        }
        if self.hidden_characters > 0 {
            let hidden = self.hidden_characters;
            let characters = shown::count(hidden, "character", "characters");
            let _ = write!(text, "\nleft out: {characters} that cannot be seen");
        }
        if self.lossy {
            text.push_str("\nreplaced: bytes that are not UTF-8 show as \u{fffd}");
        }
        if let Some(next) = self.next_line {
            let _ = write!(text, "\nmore: call again with from_line {next}");
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::Stage;

    fn window(call: serde_json::Value, text: &str) -> String {
        let mut whole = json!({ "repository": "acme/shop", "path": "x" });
        for (name, value) in call.as_object().unwrap() {
            whole[name] = value.clone();
        }
        let call: GetFile = serde_json::from_value(whole).unwrap();
        match call.window(text, false, false) {
            Ok(window) => {
                let mut said = String::from("x");
                window.write(&mut said);
                said
            }
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn shows_the_lines_that_were_asked_for() {
        let text = "one\ntwo\r\nthree\nfour\n";
        assert_eq!(
            window(json!({ "from_line": 2, "lines": 2 }), text),
            "x, lines 2–3 of 4:\n2 two\n3 three\nmore: call again with from_line 4"
        );
        assert_eq!(window(json!({ "from_line": 4 }), text), "x, lines 4–4 of 4:\n4 four");
        assert_eq!(
            window(json!({ "from_line": 9 }), text),
            "`from_line` is 9, but the file has 4 lines"
        );
        assert_eq!(window(json!({}), ""), "x: empty");
    }

    #[test]
    fn says_what_does_not_fit() {
        let line = "a".repeat(600);
        let text = format!("{line}\n{line}\n{line}\n");
        let said = window(json!({ "max_bytes": 1_300 }), &text);
        assert!(said.starts_with("x, lines 1–2 of 3:\n1 aaa"), "{said}");
        assert!(said.ends_with("\nmore: call again with from_line 3"), "{said}");
        let said = window(json!({ "max_bytes": 1_024 }), &"b".repeat(3_000));
        assert!(
            said.ends_with(
                "\ncut: line 1 goes on for 1976 more bytes; a larger `max_bytes` gets more of it"
            ),
            "{said}"
        );
    }

    #[test]
    fn says_that_it_hides_what_cannot_be_seen() {
        assert_eq!(
            window(json!({}), "a\u{200b}b\u{202e}\n"),
            "x, lines 1–1 of 1:\n1 ab\nleft out: 2 characters that cannot be seen"
        );
    }

    #[tokio::test]
    async fn reads_a_window_of_a_file() {
        let stage = Stage::new().await;
        let call = json!({ "repository": "acme/shop", "path": "README.md", "lines": 3 });
        let said = stage.call_as("linked", "get_file", call.clone()).await;
        insta::assert_snapshot!(stage.without_ids(&said), @r#"
        "README.md" in acme/shop at "main" (8fc367030195), lines 1–3 of 22:
        1 # Shop
        2
        3 The web shop of Acme: a small TypeScript server, and a Rust crate that knows the prices.
        more: call again with from_line 4
        "#);
        assert_eq!(stage.call_as("limited", "get_file", call).await, said);
    }

    #[tokio::test]
    async fn only_describes_what_is_no_text() {
        let stage = Stage::new().await;
        let call = json!({ "repository": "acme/shop", "path": "assets/logo.png" });
        let said = stage.call_as("linked", "get_file", call).await;
        insta::assert_snapshot!(said, @r#""assets/logo.png" in acme/shop at "main" (8fc367030195): a binary file, 69 B; its content is not read (type "image/png")"#);
        let call = json!({ "repository": "acme/shop", "path": "assets/hero.psd" });
        let said = stage.call_as("linked", "get_file", call).await;
        insta::assert_snapshot!(said, @r#""assets/hero.psd" in acme/shop at "main" (8fc367030195): kept in Git LFS; its content is not read"#);
    }

    #[tokio::test]
    async fn finds_a_branch_with_a_slash_and_a_tag() {
        let stage = Stage::new().await;
        for revision in ["feature/checkout-rounding", "v2.4.0", "nightly/2026-11-18", "8fc3670"] {
            let call = json!({
                "repository": "acme/shop", "path": "package.json", "lines": 1, "revision": revision,
            });
            let said = stage.call_as("linked", "get_file", call).await;
            assert!(said.starts_with("\"package.json\" in acme/shop at "), "{said}");
        }
        stage.sandbox().clear_requests();
        let call = json!({
            "repository": "acme/shop", "path": "package.json", "revision": "feature/checkout-rounding",
        });
        stage.call_as("linked", "get_file", call).await;
        assert_eq!(stage.requests().len(), 2, "{:?}", stage.requests());
    }

    #[tokio::test]
    async fn offers_a_file_that_is_spelled_alike() {
        let stage = Stage::new().await;
        let call = json!({ "repository": "acme/shop", "path": "README.markdown" });
        let said = stage.call_as("linked", "get_file", call).await;
        insta::assert_snapshot!(stage.without_ids(&said), @r#"
        not_found: nothing at "README.markdown" in acme/shop at "main" (8fc367030195)
        hint: did you mean "README.md"? `list_directory` shows what is there
        "#);
    }

    #[tokio::test]
    async fn says_when_there_is_no_such_commit() {
        let stage = Stage::new().await;
        let hash = "0123456789abcdef0123456789abcdef01234567";
        for tool in ["get_file", "list_directory", "list_commits"] {
            let call = json!({ "repository": "acme/shop", "path": "README.md", "revision": hash });
            let said = stage.call_as("linked", tool, call).await;
            assert_eq!(
                said,
                format!(
                    "not_found: no commit {hash} in acme/shop\n\
                     hint: call `list_commits` for the commits of a branch"
                ),
                "{tool}"
            );
            let call = json!({ "repository": "acme/nope", "path": "README.md", "revision": hash });
            let said = stage.call_as("linked", tool, call).await;
            assert!(said.starts_with("not_found: no repository `acme/nope`"), "{tool}: {said}");
        }
    }

    #[tokio::test]
    async fn sends_a_reader_of_folders_elsewhere() {
        let stage = Stage::new().await;
        let call = json!({ "repository": "acme/shop", "path": "src" });
        let said = stage.call_as("linked", "get_file", call).await;
        insta::assert_snapshot!(said, @r#"
        not_found: "src" in acme/shop at "main" (8fc367030195) is a folder, not a file
        hint: call `list_directory` for what is in it
        "#);
    }

    #[tokio::test]
    async fn asks_a_guest_to_link() {
        let stage = Stage::new().await;
        let call = json!({ "repository": "acme/shop", "path": "README.md" });
        let said = stage.call_as("guest", "get_file", call).await;
        insta::assert_snapshot!(stage.without_ids(&said), @r"
        not_linked: no Bitbucket account is linked for this user
        hint: ask the user to open http://127.0.0.1/… in their browser and finish there, then call again
        ");
    }
}
