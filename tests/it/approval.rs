//! Who says yes before something irreversible, and what settings take away from an agent.

use bitbucket_vault_mcp::sandbox::Service;
use serde_json::{Value, json};

use crate::child::{Server, text};
use crate::outside::{Outside, call, can};

const TOOL: &str = "merge_pull_request";
const QUESTION: &str = "Merge pull request #35 of acme/shop? This cannot be undone.";
const REFUSED: &str = "refused: the user did not approve this\n\
                       hint: nothing was done; do not try another way unless the user asks for it";
const NEEDED: &str = "approval_needed: this needs a person's approval, and this client has no way to ask for it: \
     Merge pull request #35 of acme/shop? This cannot be undone.\n\
     hint: ask the user to do it themselves at bitbucket.org, or to run the server with \
     `BITBUCKET_MCP_APPROVAL=off` if the agent may do it unasked";

#[test]
fn a_person_approves_and_the_merge_is_sent_once() {
    for (version, capabilities) in [
        ("2025-06-18", json!({ "elicitation": {} })),
        ("2025-11-25", can(&["form"])),
        ("2025-11-25", can(&["form", "url"])),
    ] {
        let outside = Outside::new();
        let mut server = outside.server("linked", &[]);
        server.initialize(version, capabilities);
        let (answer, _) = server.request_answering("tools/call", merge(35), |asked| {
            assert_eq!(asked["method"], "elicitation/create");
            assert_eq!(asked["params"]["message"], QUESTION);
            assert_eq!(
                asked["params"]["requestedSchema"],
                json!({
                    "type": "object",
                    "properties": { "approve": {
                        "type": "boolean",
                        "title": "Approve",
                        "description": "Go ahead",
                        "default": false,
                    } },
                    "required": ["approve"],
                })
            );
            assert_eq!(outside.writes(), 0, "nothing is sent before the answer");
            yes()
        });
        let said = text(&answer["result"]);
        assert!(said.starts_with("#35 merged into main as "), "{version}: {said}");
        assert_eq!(merges(&outside), ["35"], "{version}");
    }
}

#[test]
fn anything_but_a_clear_yes_sends_nothing() {
    let outside = Outside::new();
    let mut server = outside.session("linked", can(&["form"]), &[]);
    for no in no() {
        let (answer, _) = server.request_answering("tools/call", merge(35), |_| no.clone());
        assert_eq!(text(&answer["result"]), REFUSED, "{no}");
        assert_eq!(answer["result"]["isError"], true);
    }
    let mut server = outside.server("linked", &[]);
    for no in no() {
        let state = question(&mut server, 35);
        let again = Some((json!({ "confirm": no }), &*state));
        let params = call(TOOL, &arguments(35), can(&["form"]), again);
        assert_eq!(text(&server.request("tools/call", params)["result"]), REFUSED, "{no}");
        // A no cannot be turned into a yes afterwards.
        let again = Some((json!({ "confirm": yes() }), &*state));
        let params = call(TOOL, &arguments(35), can(&["form"]), again);
        let answer = server.request("tools/call", params);
        assert_eq!(answer["result"]["resultType"], "input_required", "{answer}");
    }
    assert_eq!(outside.writes(), 0);
}

#[test]
fn an_approval_counts_once() {
    let outside = Outside::new();
    let mut server = outside.server("linked", &[]);
    let state = question(&mut server, 35);
    assert_eq!(outside.writes(), 0);
    let answering = |state: &str, number| {
        let again = Some((json!({ "confirm": yes() }), state));
        call(TOOL, &arguments(number), can(&["form"]), again)
    };
    let answer = server.request("tools/call", answering(&state, 35));
    assert_eq!(answer["result"]["resultType"], "complete", "{answer}");
    let said = text(&answer["result"]);
    assert!(said.starts_with("#35 merged into main as "), "{said}");
    for _ in 0..2 {
        let answer = server.request("tools/call", answering(&state, 35));
        assert_eq!(answer["result"]["resultType"], "input_required", "{answer}");
        let asked = &answer["result"]["inputRequests"]["confirm"]["params"]["message"];
        assert_eq!(asked, QUESTION);
    }
    assert_eq!(merges(&outside), ["35"]);
}

#[test]
fn two_copies_of_one_approval_merge_once() {
    let outside = Outside::new();
    let mut server = outside.server("linked", &[]);
    let state = question(&mut server, 35);
    let again = || Some((json!({ "confirm": yes() }), &*state));
    for id in ["a", "b", "c"] {
        let params = call(TOOL, &arguments(35), can(&["form"]), again());
        let request =
            json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params });
        server.send_line(&request.to_string());
    }
    let mut kinds: Vec<_> = (0..3)
        .map(|_| server.read()["result"]["resultType"].as_str().unwrap().to_owned())
        .collect();
    kinds.sort();
    assert_eq!(kinds, ["complete", "input_required", "input_required"]);
    assert_eq!(merges(&outside), ["35"]);
}

#[test]
fn an_approval_of_something_else_counts_for_nothing() {
    let outside = Outside::new();
    let mut server = outside.server("linked", &[]);
    let state = question(&mut server, 35);
    let other_number = question(&mut server, 36);
    let other_process = question(&mut outside.server("linked", &[]), 35);
    let turned = if state.ends_with('A') { "B" } else { "A" };
    let changed = format!("{}{turned}", &state[..state.len() - 1]);
    let moved = format!("{turned}{}", &state[1..]);
    for (what, answers, state) in [
        ("forged", json!({ "confirm": yes() }), "rs1.e30.AAAA"),
        ("changed", json!({ "confirm": yes() }), &*changed),
        ("changed in front", json!({ "confirm": yes() }), &*moved),
        ("another number's", json!({ "confirm": yes() }), &*other_number),
        ("another process's", json!({ "confirm": yes() }), &*other_process),
        ("an answer to no question", json!({ "open": yes() }), ""),
    ] {
        let params = call(TOOL, &arguments(35), can(&["form"]), Some((answers, state)));
        let answer = server.request("tools/call", params);
        assert_eq!(answer["result"]["resultType"], "input_required", "{what}: {answer}");
    }
    let mut bolder = arguments(35);
    bolder["ignore"] = json!(["builds"]);
    let again = Some((json!({ "confirm": yes() }), &*state));
    let answer = server.request("tools/call", call(TOOL, &bolder, can(&["form"]), again));
    assert_eq!(
        answer["result"]["inputRequests"]["confirm"]["params"]["message"],
        "Merge pull request #35 of acme/shop? Ignoring builds. This cannot be undone.",
    );
    assert_eq!(outside.writes(), 0);
}

#[test]
fn auto_goes_ahead_where_the_client_shows_no_form() {
    for capabilities in [can(&[]), can(&["url"])] {
        let outside = Outside::new();
        let mut server = outside.session("linked", capabilities.clone(), &[]);
        assert_eq!(server.call(TOOL, arguments(35))["isError"], false, "{capabilities}");
        let mut server = outside.server("linked", &[]);
        let answer = server.request("tools/call", call(TOOL, &arguments(36), capabilities, None));
        assert_eq!(answer["result"]["isError"], false, "{answer}");
        assert_eq!(merges(&outside), ["35", "36"]);
    }
}

#[test]
fn required_stops_where_the_client_shows_no_form() {
    let outside = Outside::new();
    let required = [("BITBUCKET_MCP_APPROVAL", "required")];
    for capabilities in [can(&[]), can(&["url"])] {
        let mut server = outside.session("linked", capabilities.clone(), &required);
        let result = server.call(TOOL, arguments(35));
        assert_eq!((text(&result), &result["isError"]), (NEEDED, &true.into()));
        let mut server = outside.server("linked", &required);
        let answer = server.request("tools/call", call(TOOL, &arguments(35), capabilities, None));
        assert_eq!(text(&answer["result"]), NEEDED);
        // What needs no approval goes on.
        let read = json!({ "repository": "acme/shop", "number": 35 });
        let answer = server.request("tools/call", call("get_pull_request", &read, can(&[]), None));
        assert_eq!(answer["result"]["isError"], false, "{answer}");
    }
    assert_eq!(outside.writes(), 0);
    let mut server = outside.session("linked", can(&["form"]), &required);
    let (answer, _) = server.request_answering("tools/call", merge(35), |_| yes());
    assert_eq!(answer["result"]["isError"], false, "{answer}");
    assert_eq!(merges(&outside), ["35"]);
}

#[test]
fn off_asks_nobody() {
    let outside = Outside::new();
    let off = [("BITBUCKET_MCP_APPROVAL", "off")];
    let mut server = outside.session("linked", can(&["form"]), &off);
    assert_eq!(server.call(TOOL, arguments(35))["isError"], false);
    let mut server = outside.server("linked", &off);
    let params = call(TOOL, &arguments(36), can(&["form"]), None);
    let answer = server.request("tools/call", params);
    assert_eq!(answer["result"]["isError"], false, "{answer}");
    assert_eq!(merges(&outside), ["35", "36"]);
}

#[test]
fn a_guest_links_first_and_approves_then() {
    let outside = Outside::with_pages();
    let mut asked = Vec::new();
    let mut server = outside.session("guest", can(&["form", "url"]), &[]);
    let (answer, _) = server.request_answering("tools/call", merge(35), |request| {
        let params = &request["params"];
        asked.push(params["mode"].as_str().unwrap_or("form").to_owned());
        match params["url"].as_str() {
            Some(url) => {
                outside.consent(url, "guest");
                json!({ "action": "accept" })
            }
            None => yes(),
        }
    });
    assert_eq!(asked, ["url", "form"]);
    assert_eq!(answer["result"]["isError"], false, "{answer}");

    outside.sandbox().world().unlink("guest");
    let both = || can(&["form", "url"]);
    let mut server = outside.server("guest", &[]);
    let first = server.request("tools/call", call(TOOL, &arguments(36), both(), None));
    let open = &first["result"]["inputRequests"]["open"]["params"]["url"];
    outside.consent(open.as_str().unwrap(), "guest");
    let state = first["result"]["requestState"].as_str().unwrap();
    let opened = Some((json!({ "open": { "action": "accept" } }), state));
    let second = server.request("tools/call", call(TOOL, &arguments(36), both(), opened));
    let state = second["result"]["requestState"].as_str().unwrap_or_else(|| panic!("{second}"));
    assert!(second["result"]["inputRequests"]["confirm"].is_object(), "{second}");
    let approved = Some((json!({ "confirm": yes() }), state));
    let third = server.request("tools/call", call(TOOL, &arguments(36), both(), approved));
    assert_eq!(third["result"]["isError"], false, "{third}");
    assert_eq!(merges(&outside), ["35", "36"]);
}

#[test]
fn a_read_only_server_has_no_tool_that_writes() {
    let outside = Outside::new();
    let mut server = outside.server("linked", &[("BITBUCKET_MCP_READ_ONLY", "true")]);
    let begun = server.initialize("2025-11-25", can(&[]));
    let instructions = begun["result"]["instructions"].as_str().unwrap();
    assert!(instructions.ends_with("This server only reads."), "{instructions}");
    let list = server.request("tools/list", json!({}));
    let tools = list["result"]["tools"].as_array().unwrap();
    assert!(tools.len() > 5);
    for tool in tools {
        assert_eq!(tool["annotations"]["readOnlyHint"], true, "{}", tool["name"]);
    }
    let writing = ["merge_pull_request", "review_pull_request", "link_account", "unlink_account"];
    for tool in writing {
        let answer = server.request(
            "tools/call",
            json!({ "name": tool, "arguments": { "repository": "acme/shop", "number": 35 } }),
        );
        assert_eq!(answer["error"]["code"], -32602, "{answer}");
        assert_eq!(answer["error"]["message"], format!("unknown tool `{tool}`"));
    }
    assert_eq!(outside.writes(), 0);
}

#[test]
fn settings_choose_the_tools() {
    let outside = Outside::new();
    for (settings, tools) in [
        (
            vec![
                ("BITBUCKET_MCP_TOOLSETS", "accounts,refs"),
                ("BITBUCKET_MCP_EXCLUDE_TOOLS", "unlink_account"),
            ],
            vec![
                "get_account",
                "link_account",
                "list_branches",
                "create_branch",
                "delete_branch",
                "list_tags",
                "create_tag",
                "delete_tag",
            ],
        ),
        (vec![("BITBUCKET_MCP_TOOLS", "get_file")], vec!["get_file"]),
        (
            vec![
                ("BITBUCKET_MCP_TOOLSETS", "refs"),
                ("BITBUCKET_MCP_TOOLS", "get_file"),
                ("BITBUCKET_MCP_READ_ONLY", "true"),
            ],
            vec!["list_branches", "list_tags", "get_file"],
        ),
        (
            vec![("BITBUCKET_MCP_TOOLSETS", "accounts"), ("BITBUCKET_MCP_READ_ONLY", "true")],
            vec!["get_account"],
        ),
    ] {
        let mut server = outside.session("linked", can(&[]), &settings);
        let mut listed = names(&mut server);
        let mut tools = tools;
        listed.sort();
        tools.sort_unstable();
        assert_eq!(listed, tools, "{settings:?}");
        let answer = server.request("tools/call", merge(35));
        assert_eq!(answer["error"]["code"], -32602, "{settings:?}");
    }
    assert_eq!(outside.writes(), 0);
}

#[test]
fn what_is_not_on_the_allow_list_does_not_exist() {
    let outside = Outside::new();
    let (workspace, shop) = uuids(&outside);
    let only_docs = [("BITBUCKET_MCP_REPOSITORIES", "acme/docs")];
    let mut server = outside.session("linked", can(&["form"]), &only_docs);
    let missing = |name: &str| {
        format!(
            "not_found: no repository `{name}`, or no access to it\n\
             hint: call `list_repositories` for the ones that can be reached"
        )
    };
    let cases = [
        (json!({ "repository": "acme/shop" }), "acme/shop".to_owned()),
        (json!({ "repository": "ACME/Shop" }), "ACME/Shop".to_owned()),
        (json!({ "workspace": "acme", "repository": "shop" }), "acme/shop".to_owned()),
        (json!({ "workspace": workspace, "repository": shop }), format!("{workspace}/{shop}")),
        (json!({ "workspace": "acme", "repository": shop }), format!("acme/{shop}")),
        (
            json!({ "repository": "https://bitbucket.org/acme/shop/src/main/" }),
            "acme/shop".to_owned(),
        ),
        (json!({ "repository": "acme/storefront" }), "acme/storefront".to_owned()),
        (json!({ "repository": "acme/not-there" }), "acme/not-there".to_owned()),
    ];
    for (arguments, name) in cases {
        for (tool, more) in [
            ("get_repository", json!({})),
            ("get_file", json!({ "path": "README.md" })),
            ("list_directory", json!({})),
            ("list_branches", json!({})),
            ("list_commits", json!({})),
            ("list_pull_requests", json!({})),
            ("get_pull_request", json!({ "number": 42 })),
            ("get_pull_request_diff", json!({ "number": 42 })),
            ("list_comments", json!({ "number": 42 })),
            ("review_pull_request", json!({ "number": 42, "verdict": "approve" })),
            ("merge_pull_request", json!({ "number": 35 })),
        ] {
            let mut arguments = arguments.clone();
            for (key, value) in more.as_object().unwrap() {
                arguments[key] = value.clone();
            }
            let params = json!({ "name": tool, "arguments": arguments });
            let (answer, _) = server.request_answering("tools/call", params, |_| yes());
            assert_eq!(text(&answer["result"]), missing(&name), "{tool} {arguments}");
        }
    }
    let listed = server.call("list_repositories", json!({ "workspace": "acme" }));
    let listed = text(&listed);
    assert!(listed.contains("acme/docs") && !listed.contains("shop"), "{listed}");
    assert_eq!(
        server.call("get_repository", json!({ "repository": "acme/docs" }))["isError"],
        false
    );
    assert_eq!(outside.writes(), 0);
}

#[test]
fn the_allow_list_goes_by_the_name_that_bitbucket_uses() {
    let outside = Outside::new();
    let (workspace, shop) = uuids(&outside);
    let only_shop = [("BITBUCKET_MCP_REPOSITORIES", "acme/shop")];
    let mut server = outside.session("linked", can(&[]), &only_shop);
    for arguments in [
        json!({ "repository": "acme/shop" }),
        json!({ "repository": "acme/storefront" }),
        json!({ "workspace": workspace, "repository": shop }),
        json!({ "repository": "https://bitbucket.org/acme/shop/pull-requests/42" }),
    ] {
        let result = server.call("list_branches", arguments.clone());
        assert_eq!(result["isError"], false, "{arguments}: {result}");
    }
    let old_name = [("BITBUCKET_MCP_REPOSITORIES", "acme/storefront")];
    let mut server = outside.session("linked", can(&[]), &old_name);
    let result = server.call("list_branches", json!({ "repository": "acme/storefront" }));
    assert!(text(&result).starts_with("not_found: "), "{result}");
}

fn arguments(number: u32) -> Value {
    json!({ "repository": "acme/shop", "number": number })
}

fn merge(number: u32) -> Value {
    json!({ "name": TOOL, "arguments": arguments(number) })
}

fn yes() -> Value {
    json!({ "action": "accept", "content": { "approve": true } })
}

fn no() -> [Value; 4] {
    [
        json!({ "action": "decline" }),
        json!({ "action": "cancel" }),
        json!({ "action": "accept", "content": { "approve": false } }),
        json!({ "action": "accept", "content": {} }),
    ]
}

/// The state of the question whether to merge `number`.
fn question(server: &mut Server, number: u32) -> String {
    let params = call(TOOL, &arguments(number), can(&["form"]), None);
    let answer = server.request("tools/call", params);
    let result = &answer["result"];
    assert_eq!(result["resultType"], "input_required", "{answer}");
    let asked = &result["inputRequests"]["confirm"];
    assert_eq!(asked["method"], "elicitation/create");
    let question = format!("Merge pull request #{number} of acme/shop? This cannot be undone.");
    assert_eq!(asked["params"]["message"], question);
    result["requestState"].as_str().unwrap().to_owned()
}

/// The numbers of the pull requests that Bitbucket was asked to merge.
fn merges(outside: &Outside) -> Vec<String> {
    let requests = outside.sandbox().requests();
    let merges = requests.iter().filter(|request| request.service == Service::Bitbucket);
    merges
        .filter(|request| request.method == "POST")
        .filter_map(|request| {
            let rest = request.path.strip_suffix("/merge")?;
            Some(rest.rsplit('/').next().unwrap().to_owned())
        })
        .collect()
}

fn names(server: &mut Server) -> Vec<String> {
    let list = server.request("tools/list", json!({}));
    let tools = list["result"]["tools"].as_array().unwrap();
    tools.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
}

/// The uuids of the workspace `acme` and of its repository `shop`, as Bitbucket tells them.
fn uuids(outside: &Outside) -> (String, String) {
    let mut server = outside.session("linked", can(&[]), &[]);
    server.call("get_repository", json!({ "repository": "acme/shop" }));
    let requests = outside.sandbox().requests();
    let authorization = requests
        .iter()
        .filter(|request| request.service == Service::Bitbucket)
        .find_map(|request| request.authorization.clone())
        .unwrap();
    let url = format!("{}/repositories/acme/shop", outside.sandbox().bitbucket_api_url());
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let repository: Value = outside.wait(async {
        let request = http.get(url).header("authorization", authorization);
        request.send().await.unwrap().json().await.unwrap()
    });
    let uuid = |value: &Value| value["uuid"].as_str().unwrap().to_owned();
    (uuid(&repository["workspace"]), uuid(&repository))
}
