//! Reads a pull request's diff, and believes only what is one.

use crate::bitbucket::{Error, Repository};
use crate::diff::Diff;

/// What was read.
pub(super) struct DiffText {
    pub(super) text: String,
    /// There was more.
    pub(super) truncated: bool,
}

impl DiffText {
    /// The diff of the files at `paths`, or of all if there is none: at most `limit` bytes of it, in
    /// whole lines.
    ///
    /// A page about maintenance, or an answer without a body, must not pass for a pull request that
    /// changes nothing. Only of named files can there be none: the pull request may not change them.
    pub(super) async fn read(
        repository: &Repository<'_>,
        number: u32,
        paths: &[String],
        context: Option<u32>,
        limit: usize,
    ) -> Result<Self, Error> {
        let bytes = repository.pull_request_diff(number, paths, context, limit).await?;
        let mut text = String::from_utf8_lossy(&bytes.data).into_owned();
        if bytes.truncated {
            text.truncate(text.rfind('\n').map_or(0, |end| end + 1));
        }
        if Diff::read(&text).files.is_empty() {
            if !text.trim().is_empty() || bytes.truncated {
                return Err(unusable("it is no diff"));
            }
            if paths.is_empty()
                && !repository.pull_request_files(number, 1).await?.values.is_empty()
            {
                return Err(unusable("the diff is empty, but files are changed"));
            }
        }
        Ok(Self { text, truncated: bytes.truncated })
    }
}

/// An answer that cannot be what the pull request changes.
pub(super) fn unusable(why: &str) -> Error {
    Error::Unreadable { why: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use crate::sandbox::{Effect, Fault, Service};
    use crate::testing::Stage;

    fn answer(stage: &Stage, path: &str, content_type: &str, body: &str) {
        let effect = Effect::Status {
            code: 200,
            body: body.to_owned(),
            content_type: content_type.to_owned(),
            headers: BTreeMap::new(),
            handled: false,
        };
        stage.sandbox().faults().add(Fault::new(Service::Bitbucket, effect).path(path));
    }

    async fn diff(stage: &Stage, more: Value) -> String {
        let mut call = json!({ "repository": "acme/shop", "number": 42 });
        call.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        stage.call_as("linked", "get_pull_request_diff", call).await
    }

    #[tokio::test]
    async fn takes_no_page_for_a_diff() {
        let stage = Stage::new().await;
        answer(&stage, "*/diff/*", "text/html", "<html>maintenance</html>");
        for call in [json!({}), json!({ "paths": ["CHANGELOG.md"] }), json!({ "paths": ["*.md"] })]
        {
            let said = diff(&stage, call).await;
            assert!(said.starts_with("unavailable: "), "{said}");
        }
    }

    #[tokio::test]
    async fn believes_an_empty_diff_only_if_no_file_is_changed() {
        let stage = Stage::new().await;
        answer(&stage, "*/diff/*", "text/plain", "\n");
        for call in [json!({}), json!({ "paths": ["CHANGELOG.md"] }), json!({ "paths": ["*.md"] })]
        {
            let said = diff(&stage, call).await;
            assert!(said.starts_with("unavailable: "), "{said}");
        }
        answer(&stage, "*/diffstat/*", "application/json", r#"{"values": []}"#);
        assert_eq!(diff(&stage, json!({})).await, "#42 changes no file");
    }

    #[tokio::test]
    async fn does_not_say_that_a_named_file_is_unchanged_when_its_diff_is_missing() {
        let stage = Stage::new().await;
        let other = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n";
        answer(&stage, "*/diff/*", "text/plain", other);
        let said = diff(&stage, json!({ "paths": ["CHANGELOG.md"] })).await;
        assert!(said.starts_with("unavailable: "), "{said}");
    }

    #[tokio::test]
    async fn posts_nothing_on_lines_that_no_diff_confirms() {
        let stage = Stage::new().await;
        answer(&stage, "*/diff/*", "text/html", "<html>maintenance</html>");
        let call = json!({
            "repository": "acme/shop", "number": 42,
            "comments": [{ "text": "a", "path": "CHANGELOG.md", "line": 3 }],
        });
        let said = stage.call_as("linked", "review_pull_request", call).await;
        assert!(said.starts_with("unavailable: "), "{said}");
        assert!(stage.requests().iter().all(|request| request.starts_with("GET ")));
    }

    #[tokio::test]
    async fn reads_file_by_file_when_bitbucket_gives_up_on_the_whole() {
        let stage = Stage::new().await;
        let fault = Fault::new(Service::Bitbucket, Effect::status(555)).path("*/diff/*").times(2);
        stage.sandbox().faults().add(fault);
        let call = json!({ "repository": "acme/shop", "number": 42, "paths": ["src/money/*"] });
        let said = stage.call_as("linked", "get_pull_request_diff", call).await;
        let ours: Vec<&str> =
            said.lines().filter(|line| !line.starts_with([' ', '+', '-', '@', '\\'])).collect();
        insta::assert_snapshot!(ours.join("\n"), @r"
        === src/money/money.ts (+78 -0, added)
        === src/money/round.ts (+0 -0, renamed from src/util/round.ts)
        ");
    }
}
