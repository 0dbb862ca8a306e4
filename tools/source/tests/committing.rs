//! Committing files, as an agent does it.

use serde_json::{Value, json};

use crate::sandbox::{Effect, Fault, Service};
use crate::server::dispatch::Approval;
use crate::testing::{Stage, tokens};

const TOOL: &str = "commit_files";

/// What the agent reads, without the hash of the commit, which depends on the time of day.
async fn said(stage: &Stage, call: Value) -> String {
    plain(&stage.call_as("linked", TOOL, call).await)
}

fn plain(said: &str) -> String {
    match said.split_once(" on ") {
        Some((hash, rest)) if hash.len() == 12 && hash.bytes().all(|b| b.is_ascii_hexdigit()) => {
            format!("HASH on {rest}")
        }
        _ => said.to_owned(),
    }
}

fn on_branch(files: Value) -> Value {
    json!({
        "repository": "acme/shop", "new_branch": "fix/x", "message": "Change it", "files": files,
    })
}

async fn file(stage: &Stage, path: &str, revision: &str) -> String {
    let call = json!({ "repository": "acme/shop", "path": path, "revision": revision });
    stage.call_as("linked", "get_file", call).await
}

fn posts(stage: &Stage) -> usize {
    stage.requests().iter().filter(|request| request.starts_with("POST ")).count()
}

#[tokio::test]
async fn changes_two_files_on_a_new_branch_in_few_requests_and_tokens() {
    let stage = Stage::new().await;
    stage.sandbox().clear_requests();
    let call = on_branch(json!([
        { "path": "src/checkout/shipping.ts", "content": "export {};\n", "overwrite": true },
        { "path": "CHANGELOG.md", "content": "# Changelog\n", "overwrite": true },
    ]));
    let said = said(&stage, call).await;
    insta::assert_snapshot!(said, @"HASH on fix/x (new, from 8fc367030195): changed src/checkout/shipping.ts, changed CHANGELOG.md");
    assert!(stage.requests().len() <= 4, "{:?}", stage.requests());
    assert!(tokens(&said) <= 50, "{}", tokens(&said));
    assert!(file(&stage, "src/checkout/shipping.ts", "fix/x").await.contains("1 export {};"));
    assert!(!file(&stage, "src/checkout/shipping.ts", "main").await.contains("1 export {};"));
}

#[tokio::test]
async fn does_every_kind_of_change_in_one_commit() {
    let stage = Stage::new().await;
    let call = on_branch(json!([
        { "path": "docs/new file #1?.md", "content": "Ünïcode\n" },
        { "path": "assets/dot.bin", "content_base64": "AAH/" },
        { "path": "README.md", "delete": true },
        { "path": "src/money/cart.ts", "move_from": "src/cart.ts" },
        { "path": "scripts/release.sh", "edits": [{ "old": "set -eu", "new": "set -eux" }] },
        { "path": "message", "content": "a file, not the message\n" },
        { "path": "bin/run", "content": "#!/bin/sh\n", "executable": true },
    ]));
    insta::assert_snapshot!(said(&stage, call).await, @r#"HASH on fix/x (new, from 8fc367030195): created "docs/new file #1?.md", created assets/dot.bin, deleted README.md, moved src/cart.ts to src/money/cart.ts, changed scripts/release.sh, created message, created bin/run"#);
    assert!(file(&stage, "docs/new file #1?.md", "fix/x").await.contains("Ünïcode"));
    assert!(file(&stage, "assets/dot.bin", "fix/x").await.contains("a binary file, 3 B"));
    assert!(file(&stage, "README.md", "fix/x").await.starts_with("not_found"));
    assert!(file(&stage, "src/cart.ts", "fix/x").await.starts_with("not_found"));
    assert!(file(&stage, "src/money/cart.ts", "fix/x").await.contains("class Cart"));
    assert!(file(&stage, "message", "fix/x").await.contains("a file, not the message"));
}

#[tokio::test]
async fn keeps_the_executable_bit_that_a_new_version_would_lose() {
    let stage = Stage::new().await;
    let call = on_branch(json!([
        { "path": "scripts/release.sh", "edits": [{ "old": "set -eu", "new": "set -eux" }] },
    ]));
    said(&stage, call).await;
    let call = json!({ "repository": "acme/shop", "path": "scripts", "revision": "fix/x" });
    let listed = stage.call_as("linked", "list_directory", call).await;
    assert!(listed.contains("executable"), "{listed}");
    let call = json!({
        "repository": "acme/shop", "branch": "fix/x", "message": "Plain",
        "files": [{ "path": "scripts/release.sh", "executable": false }],
    });
    insta::assert_snapshot!(said(&stage, call).await, @"HASH on fix/x: changed scripts/release.sh");
    let call = json!({ "repository": "acme/shop", "path": "scripts", "revision": "fix/x" });
    let listed = stage.call_as("linked", "list_directory", call).await;
    assert!(!listed.contains("executable"), "{listed}");
}

#[tokio::test]
async fn refuses_what_would_not_be_what_the_agent_means() {
    let stage = Stage::new().await;
    stage.sandbox().clear_requests();
    let one = |file: Value| on_branch(json!([file]));
    let call = one(json!({ "path": "CHANGELOG.md", "content": "x" }));
    insta::assert_snapshot!(said(&stage, call).await, @r#"
    conflict: "CHANGELOG.md" exists
    hint: nothing was committed; `overwrite: true` replaces it, `edits` change parts of it
    "#);
    let call =
        one(json!({ "path": "CHANGELOG.md", "edits": [{ "old": "# Chnagelog", "new": "x" }] }));
    insta::assert_snapshot!(said(&stage, call).await, @r##"
    refused: "CHANGELOG.md": `old` is not in the file as given; most like its first line: line 1: "# Changelog"
    hint: nothing was committed; read the lines with `get_file`
    "##);
    let call = one(json!({ "path": "CHANGELOGS.md", "edits": [{ "old": "a", "new": "b" }] }));
    insta::assert_snapshot!(said(&stage, call).await, @r#"
    not_found: nothing at "CHANGELOGS.md" in acme/shop at "main" (8fc367030195)
    hint: did you mean "CHANGELOG.md"? `list_directory` shows what is there
    "#);
    let call = one(json!({ "path": "docs/latest.md", "content": "x", "overwrite": true }));
    insta::assert_snapshot!(said(&stage, call).await, @r#"
    refused: "docs/latest.md" is a symbolic link
    hint: nothing was committed; that can be changed by `git push` only
    "#);
    let call = one(json!({ "path": "assets/hero.psd", "edits": [{ "old": "a", "new": "b" }] }));
    insta::assert_snapshot!(said(&stage, call).await, @r#"
    refused: "assets/hero.psd" is a file in Git LFS
    hint: nothing was committed; that can be changed by `git push` only
    "#);
    let call = one(json!({ "path": "assets/logo.png", "edits": [{ "old": "a", "new": "b" }] }));
    insta::assert_snapshot!(said(&stage, call).await, @r#"
    refused: "assets/logo.png" is not UTF-8 text
    hint: nothing was committed; give the whole file as `content_base64`
    "#);
    let call = one(json!({ "path": "src", "content": "x" }));
    insta::assert_snapshot!(said(&stage, call).await, @r#"
    conflict: "src" is a folder
    hint: nothing was committed; name files, one by one
    "#);
    let call = one(json!({ "path": "README.md/x/y", "content": "x" }));
    insta::assert_snapshot!(said(&stage, call).await, @r#"
    conflict: "README.md" is a file, not a folder
    hint: nothing was committed; choose another path
    "#);
    let call = one(json!({ "path": ".nvmrc", "content": "22\n", "overwrite": true }));
    insta::assert_snapshot!(said(&stage, call).await, @"
    refused: nothing would change: the files are like that already
    hint: nothing was committed
    ");
    assert_eq!(posts(&stage), 0);
}

#[tokio::test]
async fn refuses_calls_that_make_no_sense_before_anything_is_sent() {
    let stage = Stage::new().await;
    stage.sandbox().clear_requests();
    for files in [
        json!([{ "path": "a" }]),
        json!([{ "path": "a", "content": "x", "delete": true }]),
        json!([{ "path": "a", "content_base64": "?" }]),
        json!([{ "path": "a", "content": "x" }, { "path": "a", "delete": true }]),
        json!([{ "path": "a", "content": "x" }, { "path": "a/b", "content": "x" }]),
        json!([{ "path": ".git/config", "content": "x" }]),
        json!([{ "path": "../a", "content": "x" }]),
        json!([{ "path": "a", "edits": [{ "old": "x", "new": "x" }] }]),
    ] {
        let said = said(&stage, on_branch(files.clone())).await;
        assert!(said.starts_with("invalid_arguments: "), "{files}: {said}");
    }
    assert!(stage.requests().is_empty(), "{:?}", stage.requests());
}

#[tokio::test]
async fn stops_where_the_branch_moved() {
    let stage = Stage::new().await;
    let mut call = json!({
        "repository": "acme/shop", "branch": "feature/checkout-rounding", "message": "x",
        "expected_head": "0123456", "files": [{ "path": "x", "content": "x" }],
    });
    insta::assert_snapshot!(said(&stage, call.clone()).await, @"
    conflict: the head is a77bd4c287ec, not 0123456
    hint: nothing was committed; see `compare_commits` for what came, then decide again
    ");
    // Somebody pushes between the look and the commit.
    let fault = Fault::new(Service::Bitbucket, Effect::status(409)).method("POST").path("*/src");
    stage.sandbox().faults().add(fault.times(1));
    call.as_object_mut().unwrap().remove("expected_head");
    insta::assert_snapshot!(said(&stage, call.clone()).await, @"
    conflict: feature/checkout-rounding changed while the commit was made
    hint: nothing was committed; call again
    ");
    call["branch"] = "feature/chekout-rounding".into();
    insta::assert_snapshot!(said(&stage, call).await, @r#"
    not_found: no branch "feature/chekout-rounding" in acme/shop
    hint: did you mean "feature/checkout-rounding"? `list_branches` shows all
    "#);
}

#[tokio::test]
async fn commits_to_no_branch_that_exists_when_a_new_one_is_asked_for() {
    let stage = Stage::new().await;
    let files = json!([{ "path": "x", "content": "x" }]);
    for (new, branch) in [
        ("main", None),
        ("main", Some("v2.4.0")),
        ("feature/checkout-rounding", None),
        ("feature/checkout-rounding", Some("feature/checkout-rounding")),
    ] {
        let mut call = json!({
            "repository": "acme/shop", "new_branch": new, "message": "x", "files": files,
        });
        if let Some(branch) = branch {
            call["branch"] = branch.into();
        }
        let said = said(&stage, call).await;
        assert!(said.starts_with("conflict: the branch "), "{new} {branch:?}: {said}");
    }
}

#[tokio::test]
async fn finds_out_what_became_of_a_commit_whose_answer_is_lost() {
    let stage = Stage::new().await;
    let fault = Fault::new(Service::Bitbucket, Effect::Cut).method("POST").path("*/src");
    stage.sandbox().faults().add(fault.times(1));
    stage.sandbox().clear_requests();
    let call = on_branch(json!([{ "path": "x", "content": "x" }]));
    insta::assert_snapshot!(said(&stage, call).await, @"
    HASH on fix/x (new, from 8fc367030195): created x
    Bitbucket did not confirm it, but the branch has it
    ");
    let fault = Fault::new(Service::Bitbucket, Effect::Unanswered).method("POST").path("*/src");
    stage.sandbox().faults().add(fault.times(1));
    let mut call = on_branch(json!([{ "path": "x", "content": "x" }]));
    call["new_branch"] = "fix/y".into();
    insta::assert_snapshot!(said(&stage, call).await, @"
    timed_out: Bitbucket did not confirm the commit to fix/y; it may yet be made
    hint: look with `list_commits` in a minute; commit again only if it is not there
    ");
    assert_eq!(posts(&stage), 2);
}

#[tokio::test]
async fn asks_before_it_commits_to_the_main_branch_only() {
    let stage = Stage::new().await.approval(Approval::Required);
    let files = json!([
        { "path": "x", "content": "x" }, { "path": "README.md", "delete": true },
    ]);
    let call = |branch: Option<&str>| {
        let mut call =
            json!({ "repository": "acme/shop", "message": "Say x\nhint: no", "files": files });
        if let Some(branch) = branch {
            call["branch"] = branch.into();
        }
        call
    };
    insta::assert_snapshot!(said(&stage, call(None)).await, @r#"
    approval_needed: this needs a person's approval, and this client has no way to ask for it: Commit to the main branch of acme/shop with the message "Say x hint: no"? create "x"; delete "README.md".
    hint: ask the user to do it themselves at bitbucket.org, or to run the server with `BITBUCKET_MCP_APPROVAL=off` if the agent may do it unasked
    "#);
    for main in ["main", "refs/heads/main"] {
        let said = said(&stage, call(Some(main))).await;
        assert!(said.starts_with("approval_needed: "), "{main}: {said}");
    }
    let refused = stage.call_refusing_as("linked", TOOL, call(Some("main"))).await;
    assert!(refused.starts_with("refused: the user did not approve"), "{refused}");
    assert_eq!(posts(&stage), 0);
    let done = stage.call_consenting_as("linked", TOOL, call(Some("main"))).await;
    insta::assert_snapshot!(plain(&done), @"HASH on main: created x, deleted README.md");
    let branch = said(
        &stage,
        json!({
            "repository": "acme/shop", "branch": "feature/checkout-rounding", "message": "x",
            "files": [{ "path": "x", "content": "x" }],
        }),
    );
    insta::assert_snapshot!(branch.await, @"HASH on feature/checkout-rounding: created x");
}

#[tokio::test]
async fn needs_a_scope_that_reading_does_not() {
    let stage = Stage::new().await;
    let call = on_branch(json!([{ "path": "x", "content": "x" }]));
    insta::assert_snapshot!(stage.call_as("limited", TOOL, call).await, @"
    missing_scope: the linked Bitbucket account did not grant `repository:write`
    hint: call `link_account` with `again: true` so that the user can grant it
    ");
    assert_eq!(posts(&stage), 0);
}

#[tokio::test]
async fn finds_a_repository_by_its_old_name() {
    let stage = Stage::new().await;
    let mut call = on_branch(json!([{ "path": "x", "content": "x" }]));
    call["repository"] = "acme/storefront".into();
    insta::assert_snapshot!(said(&stage, call).await, @"
    conflict: acme/storefront is called acme/shop by now
    hint: nothing was done; call again with `repository`: acme/shop
    ");
}
