//! What holds for every tool that works in Bitbucket, each called as everybody that the sandbox knows.

use std::sync::Arc;

use serde_json::{Value, json};

use super::TOOLSETS;
use crate::testing::{Nobody, Stage};
use crate::tool::Entry;

/// What the account `limited` has granted.
const LIMITED: [&str; 4] = ["account", "repository", "pullrequest", "project"];

/// These work without a linked account, or are about the tenant; their own tests call them.
const ELSEWHERE: [&str; 2] = ["accounts", "connection"];

/// This one answers from a table of our own, whoever asks.
const FOR_ANYBODY: &str = "find_operation";

/// One call for each tool that succeeds for somebody who may do everything.
fn arguments(tool: &str) -> Option<Value> {
    let shop = || json!({ "repository": "acme/shop" });
    let acme = || json!({ "workspace": "acme" });
    let with = |mut call: Value, more: Value| {
        if let (Some(call), Value::Object(more)) = (call.as_object_mut(), more) {
            call.extend(more);
        }
        call
    };
    let reviewed = || with(shop(), json!({ "number": 42 }));
    let built = || with(shop(), json!({ "revision": "feature/checkout-rounding" }));
    let snippet = || with(acme(), json!({ "snippet": "k7pLxe" }));
    Some(match tool {
        "list_workspaces" => json!({}),
        "list_projects" | "list_members" | "list_repositories" | "list_snippets" => acme(),
        "get_repository" | "list_directory" | "list_branches" | "list_commits"
        | "list_pull_requests" | "list_downloads" => shop(),
        "get_file" => with(shop(), json!({ "path": "README.md" })),
        "list_tags" => shop(),
        "search_code" => with(shop(), json!({ "query": "roundOnce" })),
        "list_file_history" => with(shop(), json!({ "path": "README.md" })),
        "commit_files" => with(
            shop(),
            json!({
                "new_branch": "docs/more", "message": "Say more",
                "files": [{ "path": "docs/more.md", "content": "More.\n" }],
            }),
        ),
        "create_branch" => with(shop(), json!({ "name": "topic/new" })),
        "delete_branch" => {
            with(shop(), json!({ "name": "feature/checkout-rounding", "force": true }))
        }
        "create_tag" => with(shop(), json!({ "name": "v9.9.9" })),
        "delete_tag" => with(shop(), json!({ "name": "v2.3.0" })),
        "get_commit" => shop(),
        "compare_commits" => with(shop(), json!({ "to": "feature/checkout-rounding" })),
        "list_my_pull_requests" => acme(),
        "create_pull_request" => {
            with(shop(), json!({ "source": "experiment/bun", "title": "Try it" }))
        }
        "update_pull_request" => with(reviewed(), json!({ "title": "Round once" })),
        "update_comment" => with(reviewed(), json!({ "comment": 700_042_000, "text": "Thanks." })),
        "delete_comment" => with(reviewed(), json!({ "comment": 700_042_000 })),
        "decline_pull_request" => with(shop(), json!({ "number": 44 })),
        "set_task" => with(reviewed(), json!({ "task": 804_200, "done": true })),
        "find_operation" => json!({ "query": "deploy keys" }),
        "call_operation" => with(shop(), json!({ "operation": "getRepository" })),
        "get_pull_request" | "list_comments" | "list_pull_request_activity" => reviewed(),
        // Without the files whose code says `null` itself.
        "get_pull_request_diff" => with(reviewed(), json!({ "paths": ["CHANGELOG.md"] })),
        "review_pull_request" => with(reviewed(), json!({ "verdict": "approve" })),
        "merge_pull_request" => with(shop(), json!({ "number": 35 })),
        "list_commit_statuses" | "list_reports" => built(),
        "set_commit_status" => with(built(), json!({ "state": "successful" })),
        "get_report" => with(built(), json!({ "report": "depscan-1" })),
        "publish_report" => with(
            built(),
            json!({ "report": "lint-1", "title": "Lint", "details": "Clean.", "kind": "bug" }),
        ),
        "add_download" => with(shop(), json!({ "name": "a.txt", "text": "a" })),
        "delete_download" => with(shop(), json!({ "name": "shop-2.3.0.tar.gz" })),
        "get_snippet" | "delete_snippet" => snippet(),
        "update_snippet" => with(snippet(), json!({ "title": "Sellers" })),
        "create_snippet" => {
            with(acme(), json!({ "title": "A", "files": [{ "name": "a.txt", "text": "a" }] }))
        }
        _ => return None,
    })
}

/// Every tool that works in Bitbucket, with a call.
fn calls() -> impl Iterator<Item = (&'static Entry, Value)> {
    let works_in_bitbucket = TOOLSETS.iter().filter(|toolset| !ELSEWHERE.contains(&toolset.name));
    works_in_bitbucket.flat_map(|toolset| toolset.tools).map(|entry| {
        let call = arguments(entry.name);
        (entry, call.unwrap_or_else(|| panic!("`{}` needs a call in `arguments`", entry.name)))
    })
}

/// The scopes of this very call that `limited` lacks.
fn lacking(entry: &Entry, call: &Value) -> Vec<&'static str> {
    let call = entry.read(call.as_object().unwrap().clone()).unwrap();
    call.scopes().into_iter().filter(|scope| !LIMITED.contains(scope)).collect()
}

#[tokio::test]
async fn every_tool_asks_a_guest_to_link_and_asks_bitbucket_nothing() {
    let stage = Stage::new().await;
    stage.sandbox().clear_requests();
    for (entry, call) in calls().filter(|(entry, _)| entry.name != FOR_ANYBODY) {
        let said = stage.call_as("guest", entry.name, call).await;
        assert!(said.starts_with("not_linked: "), "{}: {said}", entry.name);
    }
    assert_eq!(stage.requests(), Vec::<String>::new());
}

#[tokio::test]
async fn every_tool_names_the_scope_that_is_missing_and_writes_nothing() {
    let stage = Stage::new().await;
    let mut refused = 0;
    for (entry, call) in calls() {
        let lacking = lacking(entry, &call);
        if lacking.is_empty() {
            continue;
        }
        refused += 1;
        stage.sandbox().clear_requests();
        let said = stage.call_as("limited", entry.name, call).await;
        assert!(said.starts_with("missing_scope: "), "{}: {said}", entry.name);
        for scope in lacking {
            assert!(said.contains(&format!("`{scope}`")), "{}: {said}", entry.name);
        }
        let requests = stage.requests();
        assert!(requests.iter().all(|one| one.starts_with("GET ")), "{}: {requests:?}", entry.name);
    }
    assert!(refused > 5, "{refused}");
}

#[tokio::test]
async fn every_answer_fits_its_schema_and_holds_nothing_that_is_absent() {
    for (entry, call) in calls() {
        let stage = Stage::new().await;
        let answer = stage.call("linked", entry.name, call, Arc::new(Nobody)).await;
        let answer = answer.unwrap_or_else(|error| panic!("{}: {}", entry.name, error.words()));
        let schema = entry.definition().output_schema.expect("an output schema");
        let schema = Value::Object(schema.as_ref().clone());
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        let errors: Vec<String> =
            validator.iter_errors(&answer.structured).map(|error| error.to_string()).collect();
        assert_eq!(errors, Vec::<String>::new(), "{}: {}", entry.name, answer.structured);
        assert_eq!(superfluous(&answer.structured), None, "{}", entry.name);
        for word in ["null", "\"links\"", "avatar"] {
            assert!(!answer.text.contains(word), "{} says {word}: {}", entry.name, answer.text);
        }
    }
}

/// A null, or what Bitbucket sends that no agent needs.
fn superfluous(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some("null".to_owned()),
        Value::Array(values) => values.iter().find_map(superfluous),
        Value::Object(members) => members.iter().find_map(|(name, value)| {
            let is_bulk = matches!(name.as_str(), "links" | "avatar" | "html" | "rendered");
            if is_bulk { Some(name.clone()) } else { superfluous(value) }
        }),
        _ => None,
    }
}
