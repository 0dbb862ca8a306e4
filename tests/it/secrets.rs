//! No token, code or secret is seen anywhere but where it belongs, whatever happens.

use std::path::Path;

use bitbucket_vault_mcp::sandbox::{Effect, Fault, Sandbox, Secrets, Service, Switch};
use serde_json::{Value, json};

use crate::child::{Server, program};
use crate::leaks::{Told, every_secret_went_only_where_it_belongs, found};
use crate::outside::{Outside, can};

const MARK: &str = "MARKED-s3cret-0f-a-person";
const TRACE: [[(&str, &str); 2]; 2] = [
    [("BITBUCKET_MCP_LOG", "trace"), ("BITBUCKET_MCP_LOG_FORMAT", "text")],
    [("BITBUCKET_MCP_LOG", "trace"), ("BITBUCKET_MCP_LOG_FORMAT", "json")],
];

/// A call of every tool that exists.
fn calls() -> Vec<(&'static str, Value)> {
    let shop = |more: Value| {
        let mut arguments = json!({ "repository": "acme/shop" });
        for (name, value) in more.as_object().unwrap() {
            arguments[name] = value.clone();
        }
        arguments
    };
    let comments = json!([{ "text": "Looks good" }]);
    let files = json!([{ "path": "docs/more.md", "content": "More.\n" }]);
    vec![
        ("get_account", json!({})),
        ("link_account", json!({})),
        ("list_workspaces", json!({})),
        ("list_repositories", json!({ "workspace": "acme" })),
        ("get_repository", shop(json!({}))),
        ("list_directory", shop(json!({ "depth": 2 }))),
        ("get_file", shop(json!({ "path": "README.md" }))),
        ("list_branches", shop(json!({}))),
        ("list_commits", shop(json!({}))),
        ("list_pull_requests", shop(json!({}))),
        ("get_pull_request", shop(json!({ "number": 42 }))),
        ("get_pull_request_diff", shop(json!({ "number": 42 }))),
        ("list_comments", shop(json!({ "number": 42 }))),
        ("list_projects", json!({ "workspace": "acme" })),
        ("list_members", json!({ "workspace": "acme" })),
        ("search_code", shop(json!({ "query": "roundOnce" }))),
        ("list_file_history", shop(json!({ "path": "README.md" }))),
        ("list_tags", shop(json!({}))),
        ("get_commit", shop(json!({}))),
        ("compare_commits", shop(json!({ "to": "feature/checkout-rounding" }))),
        ("list_my_pull_requests", json!({ "workspace": "acme" })),
        ("create_branch", shop(json!({ "name": "topic/secret" }))),
        ("delete_branch", shop(json!({ "name": "topic/secret" }))),
        ("create_tag", shop(json!({ "name": "v9.9.9" }))),
        ("delete_tag", shop(json!({ "name": "v9.9.9" }))),
        ("commit_files", shop(json!({ "message": "Say more", "files": files }))),
        ("create_pull_request", shop(json!({ "source": "experiment/bun", "title": "Try it" }))),
        ("update_pull_request", shop(json!({ "number": 42, "title": "Round once" }))),
        ("update_comment", shop(json!({ "number": 42, "comment": 700_042_000, "text": "Yes." }))),
        ("delete_comment", shop(json!({ "number": 42, "comment": 700_042_000 }))),
        ("set_task", shop(json!({ "number": 42, "task": 804_200 }))),
        ("decline_pull_request", shop(json!({ "number": 44 }))),
        ("review_pull_request", shop(json!({ "number": 42, "comments": comments }))),
        ("merge_pull_request", shop(json!({ "number": 35 }))),
        ("unlink_account", json!({})),
    ]
}

/// What can be done once only: the second time there is nothing left to do, or it is there already.
const ONCE: [&str; 6] = [
    "merge_pull_request",
    "commit_files",
    "create_pull_request",
    "update_comment",
    "delete_comment",
    "decline_pull_request",
];

#[test]
fn no_secret_comes_out_of_any_tool_at_any_level() {
    let outside = Outside::with_pages();
    let mut told = Told::default();
    for settings in &TRACE {
        for account in ["linked", "limited", "guest"] {
            outside.sandbox().world().link("linked");
            outside.sandbox().world().link("limited");
            outside.sandbox().world().unlink("guest");
            let mut server = outside.session(account, can(&[]), settings);
            let list = server.request("tools/list", json!({}));
            for tool in list["result"]["tools"].as_array().unwrap() {
                let known = calls().iter().any(|(name, _)| tool["name"] == *name);
                assert!(known, "give a call of {} to this test", tool["name"]);
            }
            for (tool, arguments) in calls() {
                let result = server.call(tool, arguments);
                told.page(&result);
                if account == "linked" && !ONCE.contains(&tool) {
                    assert_eq!(result["isError"], false, "{tool}: {result}");
                }
            }
            if account == "guest" {
                // Now with a link, which leaves codes, tickets and tokens behind.
                let page = server.call("link_account", json!({}));
                let page = told.page(&page).unwrap();
                outside.consent(&page, account);
                for (tool, arguments) in calls() {
                    told.page(&server.call(tool, arguments));
                }
            }
            told.by(server);
        }
    }
    told.hold_no(&outside.sandbox().world().secrets());
    every_secret_went_only_where_it_belongs(outside.sandbox());
}

#[test]
fn no_secret_comes_out_of_a_sign_in_and_the_files_are_the_owners() {
    let outside = Outside::with_pages();
    let mut told = Told::default();
    for settings in &TRACE {
        outside.sandbox().world().unlink("guest");
        let mut command = outside.command(&["stdio"], None);
        command.envs(settings.iter().copied());
        let mut server = Server::start(command);
        server.initialize("2025-11-25", can(&["url"]));
        let call = json!({ "name": "list_workspaces", "arguments": {} });
        let (answer, _) = server.request_answering("tools/call", call, |asked| {
            let page = asked["params"]["url"].as_str().unwrap();
            told.pages.push(page.to_owned());
            outside.consent(page, "guest");
            json!({ "action": "accept" })
        });
        assert_eq!(answer["result"]["isError"], false, "{answer}");
        told.by(server);
        let kept = files(outside.state());
        assert!(!kept.is_empty(), "the sign-in is kept");
        let mut others = outside.sandbox().world().secrets();
        others.refresh_tokens.clear();
        for file in kept {
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt;
                let mode = std::fs::metadata(&file).unwrap().permissions().mode();
                assert_eq!(mode & 0o077, 0, "{}", file.display());
            }
            let text = std::fs::read_to_string(&file).unwrap();
            assert_eq!(found(&text, &others), None, "{}", file.display());
        }
        for arguments in [&["whoami"][..], &["whoami", "--json"], &["logout"], &["whoami"]] {
            let mut command = outside.command(arguments, None);
            command.envs(settings.iter().copied());
            told.run(command);
        }
        let secrets = outside.sandbox().world().secrets();
        for file in files(outside.state()) {
            let text = std::fs::read_to_string(&file).unwrap();
            assert_eq!(found(&text, &secrets), None, "after `logout`: {}", file.display());
        }
    }
    told.hold_no(&outside.sandbox().world().secrets());
    every_secret_went_only_where_it_belongs(outside.sandbox());
}

#[test]
fn no_secret_comes_out_of_the_commands() {
    let outside = Outside::with_pages();
    let mut told = Told::default();
    for settings in &TRACE {
        outside.sandbox().world().link("linked");
        for arguments in [
            &["whoami"][..],
            &["whoami", "--json"],
            &["tools"],
            &["call", "get_account"],
            &["call", "list_pull_requests", "repository=acme/shop"],
            &["call", "get_repository", "repository=acme/none"],
            &["call", "no_such_tool"],
            &["unlink"],
            &["call", "list_workspaces"],
            &["whoami"],
        ] {
            let mut command = outside.command(arguments, Some("linked"));
            command.envs(settings.iter().copied());
            told.run(command);
        }
    }
    let mut command = outside.command(&["logout"], Some("linked"));
    command.env("BITBUCKET_MCP_LOG", "trace");
    told.run(command);
    told.hold_no(&outside.sandbox().world().secrets());
    every_secret_went_only_where_it_belongs(outside.sandbox());
}

#[test]
fn a_service_that_tells_secrets_is_not_repeated() {
    let outside = Outside::new();
    let sandbox = outside.sandbox();
    let mut told = Told::default();
    for settings in &TRACE {
        // What Bitbucket says, with the very token that it was sent.
        let mut server = outside.session("linked", can(&[]), settings);
        assert_eq!(server.call("list_workspaces", json!({}))["isError"], false);
        for (code, kind) in
            [400, 401, 403, 404, 409, 410, 418, 429, 500, 503, 555].into_iter().flat_map(|code| {
                [(code, "application/json"), (code, "text/html"), (code, "text/plain")]
            })
        {
            let secret = token_in_use(sandbox);
            let said = format!("Token {secret} is wrong; Authorization: Bearer {secret}");
            let body = match kind {
                "application/json" => json!({
                    "type": "error",
                    "error": {
                        "message": said,
                        "detail": said,
                        "fields": { "token": [said], secret.clone(): ["is wrong"] },
                        "data": { "arguments": { "token": secret } },
                    },
                })
                .to_string(),
                "text/html" => format!("<html><body data-token='{secret}'>{said}</body></html>"),
                _ => said,
            };
            fail(sandbox, Service::Bitbucket, "/2.0/", code, &body, kind);
            for (tool, arguments) in [
                ("list_branches", json!({ "repository": "acme/shop" })),
                ("merge_pull_request", json!({ "repository": "acme/shop", "number": 35 })),
            ] {
                let result = server.call(tool, arguments);
                assert_eq!(result["isError"], true, "{code} {kind}: {result}");
            }
            sandbox.faults().clear();
        }
        told.by(server);

        // What Auth0 says, with everything it knows.
        for code in [400, 401, 403, 404, 409, 418, 429, 500, 503] {
            let mut server = outside.session("linked", can(&[]), settings);
            for (path, tool) in [("/oauth/token", "list_workspaces"), ("/me/", "get_account")] {
                for body in auth0_bodies(&sandbox.world().secrets()) {
                    let kind = if body.starts_with('<') { "text/html" } else { "application/json" };
                    fail(sandbox, Service::Auth0, path, code, &body, kind);
                    let result = server.call(tool, json!({}));
                    assert_eq!(result["isError"], true, "{code} {path} {body}: {result}");
                    sandbox.faults().clear();
                }
            }
            told.by(server);
        }
        // Success that is none.
        for body in ["<html>MARKED</html>", "{\"access_token\":7}", "\"text\"", ""] {
            fail(sandbox, Service::Auth0, "/oauth/token", 200, body, "application/json");
            let mut server = outside.session("linked", can(&[]), settings);
            assert_eq!(server.call("list_workspaces", json!({}))["isError"], true, "{body}");
            sandbox.faults().clear();
            told.by(server);
        }
    }
    told.hold_no(&sandbox.world().secrets());
    every_secret_went_only_where_it_belongs(sandbox);
}

#[test]
fn a_redirect_to_another_host_brings_no_token_there() {
    let outside = Outside::new();
    let sandbox = outside.sandbox();
    let mut server = outside.session("linked", can(&[]), &TRACE[0]);
    for code in [301, 302, 303, 307, 308] {
        let target = format!("{}/elsewhere/{code}", sandbox.auth0_domain());
        let effect = Effect::Status {
            code,
            body: String::new(),
            content_type: "text/html".into(),
            headers: [("location".to_owned(), target)].into(),
            handled: false,
        };
        let shop = |more: (&str, Value)| json!({ "repository": "acme/shop", more.0: more.1 });
        for (path, tool, arguments) in [
            ("*/src/*", "get_file", shop(("path", json!("package.json")))),
            ("*/branches", "list_branches", shop(("limit", json!(5)))),
            ("*/diff/*", "get_pull_request_diff", shop(("number", json!(42)))),
            ("*/pullrequests/42", "get_pull_request", shop(("number", json!(42)))),
            ("*/approve", "review_pull_request", shop(("number", json!(42)))),
        ] {
            let mut arguments = arguments;
            if tool == "review_pull_request" {
                arguments["verdict"] = "approve".into();
            }
            sandbox.faults().add(Fault::new(Service::Bitbucket, effect.clone()).path(path));
            server.call(tool, arguments);
            sandbox.faults().clear();
        }
    }
    let requests = sandbox.requests();
    let elsewhere = requests.iter().filter(|request| request.path.contains("/elsewhere/"));
    assert_eq!(elsewhere.count(), 0, "no other host has anything that these tools may read");
    let mut told = Told::default();
    told.by(server);
    told.hold_no(&sandbox.world().secrets());
    every_secret_went_only_where_it_belongs(sandbox);
}

#[test]
fn a_rotated_refresh_token_is_kept_for_the_owner_only() {
    let outside = Outside::new();
    outside
        .sandbox()
        .world()
        .change_tenant(|tenant| tenant.set(Switch::RotatesRefreshTokens, true));
    let mut told = Told::default();
    for settings in &TRACE {
        let mut server = outside.session("linked", can(&[]), settings);
        server.call("get_account", json!({}));
        server.call("list_workspaces", json!({}));
        told.by(server);
    }
    #[cfg(unix)]
    for file in files(outside.state()) {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}", file.display());
    }
    told.hold_no(&outside.sandbox().world().secrets());
    every_secret_went_only_where_it_belongs(outside.sandbox());
}

#[test]
fn a_wrong_configuration_names_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let secret_file = file("secret", MARK);
    let unclosed = file("unclosed.toml", &format!("auth0-client-secret = \"{MARK}\n"));
    let number = file("number.toml", &format!("auth0-client-secret = [\"{MARK}\"]\n"));
    let exposed = file("exposed.toml", &format!("auth0-client-secret = \"{MARK}\"\n"));
    let twice = file("twice.toml", &format!("auth0-client-secret = \"{MARK}\"\n").repeat(2));
    let unknown = file("unknown.toml", &format!("auth0-client-secrett = \"{MARK}\"\n"));
    let in_url = format!("https://ana:{MARK}@auth0.example.com");
    let in_query = format!("https://api.bitbucket.org/2.0?access_token={MARK}");
    let broken = format!("{MARK} \n{MARK}");
    let key = format!("-----BEGIN PRIVATE KEY-----\n{MARK}\n-----END PRIVATE KEY-----");
    for given in [
        vec![("AUTH0_CLIENT_SECRET", MARK), ("AUTH0_CLIENT_SECRET_FILE", &*secret_file)],
        vec![("AUTH0_CLIENT_SECRET", MARK), ("AUTH0_CLIENT_SIGNING_KEY", &*key)],
        vec![("AUTH0_CLIENT_SIGNING_KEY", &*key)],
        vec![("AUTH0_CLIENT_SECRET", &*broken), ("AUTH0_REFRESH_TOKEN", &*broken)],
        vec![("AUTH0_DOMAIN", &*in_url)],
        vec![("BITBUCKET_API_URL", &*in_url)],
        vec![("BITBUCKET_API_URL", &*in_query)],
        vec![("BITBUCKET_MCP_CLIENT_SECRET", MARK)],
        vec![("BITBUCKET_MCP_CONFIG", &*unclosed)],
        vec![("BITBUCKET_MCP_CONFIG", &*number)],
        vec![("BITBUCKET_MCP_CONFIG", &*exposed)],
        vec![("BITBUCKET_MCP_CONFIG", &*twice)],
        vec![("BITBUCKET_MCP_CONFIG", &*unknown)],
    ] {
        for level in ["warn", "trace"] {
            let mut command = program(&["whoami"]);
            command.env("AUTH0_DOMAIN", "http://127.0.0.1:9").env("AUTH0_CLIENT_ID", "client");
            command.env("BITBUCKET_MCP_LOG", level).envs(given.iter().copied());
            let output = command.output().unwrap();
            let said = [output.stdout, output.stderr].concat();
            let said = String::from_utf8_lossy(&said);
            assert!(!output.status.success(), "{given:?}");
            assert!(!said.contains("MARKED"), "{given:?}:\n{said}");
        }
    }
}

fn token_in_use(sandbox: &Sandbox) -> String {
    let requests = sandbox.requests();
    let used = requests.iter().rev().filter(|request| request.service == Service::Bitbucket);
    let header = used.filter_map(|request| request.authorization.clone()).next().unwrap();
    header.strip_prefix("Bearer ").unwrap().to_owned()
}

fn fail(sandbox: &Sandbox, service: Service, path: &str, code: u16, body: &str, kind: &str) {
    let effect = Effect::Status {
        code,
        body: body.to_owned(),
        content_type: kind.to_owned(),
        headers: [].into(),
        handled: false,
    };
    sandbox.faults().add(Fault::new(service, effect).path(path));
}

/// Refusals in every shape of Auth0's, each with secrets in it.
fn auth0_bodies(secrets: &Secrets) -> Vec<String> {
    let told = format!("{} {}", secrets.client_secret, secrets.refresh_tokens.join(" "));
    vec![
        json!({ "error": "invalid_request", "error_description": told }).to_string(),
        json!({ "error": secrets.client_secret, "error_description": told }).to_string(),
        json!({ "error": secrets.refresh_tokens[0], "description": told }).to_string(),
        json!({ "error": "made_up", "error_description": { "token": told } }).to_string(),
        json!({
            "type": format!("https://auth0.com/api-errors/{}", secrets.client_secret),
            "title": told,
            "detail": told,
            "validation_errors": [{ "detail": told, "field": secrets.client_secret }],
        })
        .to_string(),
        format!("<html><body>{told}</body></html>"),
    ]
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
