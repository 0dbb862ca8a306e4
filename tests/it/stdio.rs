//! The built binary over its standard streams, as a client meets it.

use std::time::Duration;

use serde_json::json;

use crate::child::{Server, modern, program, text};

#[test]
fn speaks_every_revision_that_clients_use() {
    for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        let mut server = Server::sandbox("linked");
        let answer = server.initialize(version, json!({}));
        assert_eq!(answer["result"]["protocolVersion"], version);
        assert_eq!(answer["result"]["serverInfo"]["name"], "bitbucket-vault-mcp");
        let list = server.request("tools/list", json!({}));
        assert!(list["result"]["tools"].as_array().unwrap().len() >= 16, "{version}");
        let result = server.call("list_workspaces", json!({}));
        assert!(text(&result).contains("acme"), "{version}: {result}");
    }
}

#[test]
fn speaks_the_stateless_revision_and_signs_every_result() {
    let mut server = Server::sandbox("linked");
    let discovered = server.request("server/discover", modern(json!({}), json!({})));
    assert!(discovered["result"]["supportedVersions"].to_string().contains("2026-07-28"));
    let list = server.request("tools/list", modern(json!({}), json!({})));
    let call = modern(json!({ "name": "list_workspaces", "arguments": {} }), json!({}));
    let called = server.request("tools/call", call);
    let wrong = modern(json!({ "name": "get_file", "arguments": {} }), json!({}));
    let refused = server.request("tools/call", wrong);
    for answer in [&discovered, &list, &called, &refused] {
        let result = &answer["result"];
        let info = &result["_meta"]["io.modelcontextprotocol/serverInfo"];
        assert_eq!(info["name"], "bitbucket-vault-mcp", "{answer}");
        assert_eq!(result["resultType"], "complete", "{answer}");
    }
    assert!(list["result"]["ttlMs"].as_u64().unwrap() > 0);
    assert_eq!(list["result"]["cacheScope"], "private");
    assert_eq!(refused["result"]["isError"], true);
}

#[test]
fn lists_the_same_tools_in_the_same_order_every_time() {
    let list = || {
        let mut server = Server::sandbox("guest");
        server.initialize("2025-11-25", json!({}));
        server.request("tools/list", json!({}))["result"]["tools"].to_string()
    };
    assert_eq!(list(), list());
}

#[test]
fn lists_tools_without_any_network() {
    let mut command = program(&["stdio"]);
    // Nothing listens there: whoever tried would fail.
    command.env("AUTH0_DOMAIN", "http://127.0.0.1:9").env("AUTH0_CLIENT_ID", "id");
    command.env("AUTH0_CLIENT_SECRET", "secret").env("AUTH0_REFRESH_TOKEN", "token");
    command.env("BITBUCKET_API_URL", "http://127.0.0.1:9/2.0");
    let mut server = Server::start(command);
    server.initialize("2025-06-18", json!({}));
    let list = server.request("tools/list", json!({}));
    assert!(list["result"]["tools"].as_array().unwrap().len() >= 16);
    let result = server.call("list_workspaces", json!({}));
    assert_eq!(
        text(&result),
        "unavailable: Auth0 is not working right now\nhint: call again in a minute"
    );
}

#[test]
fn a_broken_line_does_not_stop_the_server() {
    let mut server = Server::sandbox("linked");
    server.initialize("2025-11-25", json!({}));
    server.send_line(r#"{"jsonrpc":"2.0","id":7,"method":"tools/ca"#);
    let answer = server.read();
    assert_eq!(answer["error"]["code"], -32700, "{answer}");
    server.send_line(r#"{"jsonrpc":"2.0","id":8,"params":[]}"#);
    let answer = server.read();
    assert_eq!((&answer["error"]["code"], &answer["id"]), (&json!(-32600), &json!(8)), "{answer}");
    server.send_line("");
    server.send_line("null");
    assert_eq!(server.read()["error"]["code"], -32600);
    server.send_line(&format!("\"{}\"", "x".repeat(5 * 1024 * 1024)));
    assert_eq!(server.read()["error"]["code"], -32600);
    assert!(text(&server.call("list_workspaces", json!({}))).contains("acme"));
}

#[test]
fn the_end_of_input_ends_the_server_at_once() {
    let mut server = Server::sandbox("linked");
    server.initialize("2025-11-25", json!({}));
    let (status, took, _, _) = server.end();
    assert!(status.success());
    assert!(took < Duration::from_secs(3), "{took:?}");

    let (status, _, lines, _) = Server::sandbox("linked").end();
    assert!(status.success(), "no word at all is no failure");
    assert_eq!(lines, Vec::<String>::new());
}

#[test]
fn an_unknown_tool_is_a_protocol_error_and_a_wrong_argument_is_not() {
    let mut server = Server::sandbox("linked");
    server.initialize("2025-11-25", json!({}));
    let answer = server.request("tools/call", json!({ "name": "drop_database", "arguments": {} }));
    assert_eq!(answer["error"]["code"], -32602);
    assert_eq!(answer["error"]["message"], "unknown tool `drop_database`");

    for (arguments, place) in [
        (json!({ "workspace": "../..", "repository": "shop" }), "workspace"),
        (json!({ "repository": "acme/../shop" }), "repository"),
        (json!({ "repository": "acme/shop", "limit": 0 }), "limit"),
        (json!({ "repository": "acme/shop", "limit": "many" }), "limit"),
        (json!({ "repository": "acme/shop", "surprise": true }), "surprise"),
        (json!({ "repository": "acme/shop", "cursor": "forged" }), "cursor"),
    ] {
        let result = server.call("list_branches", arguments.clone());
        assert_eq!(result["isError"], true, "{arguments}");
        assert!(result.get("structuredContent").is_none(), "{arguments}");
        let said = text(&result);
        assert!(said.starts_with("invalid_arguments: ") && said.contains(place), "{said}");
        assert!(said.contains("\nhint: "), "{said}");
    }
}

#[test]
fn wrong_configuration_ends_with_2_and_names_every_setting() {
    let output = program(&["stdio"])
        .env("AUTH0_DOMAIN", "http://tenant.example.com")
        .env("BITBUCKET_MCP_TOOLSET", "all")
        .env("BITBUCKET_MCP_APPROVAL", "maybe")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    let said = String::from_utf8(output.stderr).unwrap();
    for name in
        ["AUTH0_DOMAIN", "AUTH0_CLIENT_ID", "BITBUCKET_MCP_TOOLSETS", "BITBUCKET_MCP_APPROVAL"]
    {
        assert!(said.contains(name), "{name} is not named:\n{said}");
    }
}

#[test]
fn parameters_of_the_wrong_shape_are_told_from_methods_that_do_not_exist() {
    let mut server = Server::sandbox("linked");
    server.initialize("2025-11-25", json!({}));
    for params in
        [json!({ "name": "list_workspaces", "arguments": [1] }), json!({ "arguments": {} })]
    {
        let answer = server.request("tools/call", params.clone());
        assert_eq!(answer["error"]["code"], -32602, "{params}: {answer}");
    }
    let answer = server.request("tools/eat", json!({}));
    assert_eq!(answer["error"]["code"], -32601, "{answer}");
}

#[test]
fn takes_a_whole_number_however_it_is_written_and_names_all_that_is_allowed() {
    let mut server = Server::sandbox("linked");
    server.initialize("2025-11-25", json!({}));
    let call = json!({ "repository": "acme/shop", "number": 42.0, "include": ["tasks"] });
    assert!(text(&server.call("get_pull_request", call)).starts_with("#42 "));
    let said =
        server.call("list_pull_requests", json!({ "repository": "acme/shop", "state": "OPEN" }));
    for state in ["open", "merged", "declined", "superseded", "all"] {
        assert!(text(&said).contains(state), "{said}");
    }
    let said = server.call("list_branches", json!({ "repositry": "acme/shop" }));
    assert!(text(&said).contains("did you mean `repository`?"), "{said}");
}

#[test]
fn the_end_of_input_leaves_a_moment_for_the_last_answers_only() {
    // All requests at once, then the end: as scripts do.
    let mut server = Server::sandbox("linked");
    server.send_initialize("2025-11-25", json!({}));
    server.send_line(&call_line(2, "list_workspaces", json!({})));
    let (status, took, lines, _) = server.end();
    assert!(status.success());
    assert!(lines.iter().any(|line| line.contains("acme")), "{lines:?}");
    assert!(took < Duration::from_secs(3), "{took:?}");

    // A call that waits for a person who will never answer.
    let mut server = Server::sandbox("guest");
    server.initialize("2025-11-25", json!({ "elicitation": { "url": {} } }));
    server.send_line(&call_line(3, "list_workspaces", json!({})));
    let asked = server.read();
    assert_eq!(asked["method"], "elicitation/create", "{asked}");
    let (status, took, _, _) = server.end();
    assert!(status.success());
    assert!(took < Duration::from_secs(3), "{took:?}");
}

fn call_line(id: u64, tool: &str, arguments: serde_json::Value) -> String {
    let params = json!({ "name": tool, "arguments": arguments });
    json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params }).to_string()
}
