//! From an empty tenant to a call that works: at a terminal, and through an agent.

use std::path::PathBuf;
use std::process::Output;

use bitbucket_vault_mcp::sandbox::Start;
use serde_json::{Value, json};

use crate::child::{Server, modern, text};
use crate::outside::{Outside, call, can};

const NO_APPLICATION: &str = "unavailable: this server has no application at Auth0 yet, so nobody can sign in\n\
     hint: `check_connection` shows what is missing, and `get_setup_guide` how to set it up; it is an \
     administrator's work";

/// `setup` with these arguments; whatever it says, no secret is in it.
fn setup(outside: &Outside, arguments: &[&str]) -> Output {
    let arguments = [&["setup"], arguments].concat();
    let output = outside.command(&arguments, None).output().unwrap();
    no_secret_in(outside, &String::from_utf8_lossy(&output.stdout));
    no_secret_in(outside, &String::from_utf8_lossy(&output.stderr));
    output
}

fn no_secret_in(outside: &Outside, said: &str) {
    for (name, secret) in outside.sandbox().setup_settings() {
        if name.contains("SECRET") {
            assert!(!said.contains(&secret), "{name}: {said}");
        }
    }
    if let Ok(made) = std::fs::read_dir(outside.state().join("state/secrets")) {
        for file in made {
            let secret = std::fs::read_to_string(file.unwrap().path()).unwrap();
            assert!(!said.contains(secret.trim()), "{said}");
        }
    }
}

fn answer(output: &Output) -> Value {
    let said = String::from_utf8_lossy(&output.stdout);
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{said}{}", String::from_utf8_lossy(&output.stderr)))
}

fn config(outside: &Outside) -> PathBuf {
    outside.state().join("bitbucket-vault-mcp/config.toml")
}

fn states(checked: &Value, state: &str) -> Vec<String> {
    let rows = checked["rows"].as_array().unwrap().iter();
    rows.filter(|row| row["state"] == state).map(|row| row["id"].as_str().unwrap().into()).collect()
}

/// The digest of the plan that the agent is shown.
fn planned(server: &mut Server) -> String {
    let result = server.call("plan_connection", json!({}));
    assert_eq!(result["isError"], false, "{result}");
    result["structuredContent"]["digest"].as_str().unwrap().to_owned()
}

#[test]
fn a_terminal_sets_an_empty_tenant_up_in_one_go_and_a_half_one_too() {
    for start in [Start::Empty, Start::Half] {
        let outside = Outside::starting(start);
        let checked = setup(&outside, &["check", "--json"]);
        assert_eq!(checked.status.code(), Some(1), "{start:?}");
        let checked = answer(&checked);
        assert!(!states(&checked, "missing").is_empty(), "{start:?}: {checked}");
        for row in checked["rows"].as_array().unwrap() {
            let said = ["id", "requirement", "state", "found", "wanted", "why", "fix"];
            assert!(said.iter().all(|key| row[key].is_string()), "{row}");
            assert_eq!(row["state"] == "ok", row["fix"] == "", "{row}");
        }

        let plan = answer(&setup(&outside, &["plan", "--json"]));
        let changes = plan["changes"].as_array().unwrap();
        assert!(!changes.is_empty(), "{plan}");
        for change in changes {
            let keys = ["object", "action", "field", "from", "to"];
            assert!(keys.iter().all(|key| change[key].is_string()), "{change}");
        }
        assert_eq!(outside.changes(), 0, "{start:?}: a plan changes nothing");

        let digest = plan["digest"].as_str().unwrap();
        let applied = setup(&outside, &["apply", "--digest", digest, "--yes", "--json"]);
        let status = applied.status.code();
        let applied = answer(&applied);
        assert_eq!((status, &applied["remaining"]), (Some(0), &json!([])), "{start:?}: {applied}");
        assert_eq!(applied["applied"], plan["changes"], "{start:?}");
        let written = outside.changes();
        assert!(written > 0);

        let plan = answer(&setup(&outside, &["plan", "--json"]));
        assert_eq!(plan["changes"], json!([]), "{start:?}");
        let again = setup(&outside, &["apply", "--yes", "--json"]);
        assert_eq!(again.status.code(), Some(0));
        assert_eq!(outside.changes(), written, "{start:?}: a second apply writes nothing");

        let checked = answer(&setup(&outside, &["check", "--json"]));
        let unmet = [states(&checked, "missing"), states(&checked, "wrong")].concat();
        assert_eq!(unmet, Vec::<String>::new(), "{start:?}: {checked}");
        assert_eq!(states(&checked, "cannot_tell"), ["vault.exchange"], "{start:?}");
        if start == Start::Empty {
            let text = std::fs::read_to_string(config(&outside)).unwrap();
            assert!(text.contains("auth0-client-id = "), "{text}");
            no_secret_in(&outside, &text);
        }
    }
}

#[test]
fn a_tenant_that_has_changed_since_the_plan_is_not_written() {
    let outside = Outside::starting(Start::Empty);
    let old = answer(&setup(&outside, &["plan", "--json"]));
    let old = old["digest"].as_str().unwrap();
    outside
        .sandbox()
        .world()
        .change_tenant(|tenant| tenant.set_mfa_policies(&["all-applications"]));
    // Not for us to mend, so the plan is the same; what is, makes it another one.
    let same = answer(&setup(&outside, &["plan", "--json"]));
    assert_eq!(same["digest"], old);
    let other = answer(&setup(&outside, &["plan", "--json", "--login"]));
    assert_ne!(other["digest"], old);
    let digest = other["digest"].as_str().unwrap();
    let applied = setup(&outside, &["apply", "--digest", digest, "--yes", "--json"]);
    assert_eq!(applied.status.code(), Some(0), "{}", answer(&applied));
    let written = outside.changes();
    let refused = setup(&outside, &["apply", "--digest", old, "--yes", "--json"]);
    assert_eq!(refused.status.code(), Some(1));
    let refused = answer(&refused);
    assert_eq!(refused["applied"], json!([]), "{refused}");
    assert_eq!(outside.changes(), written, "nothing was written");
}

#[test]
fn wrong_usage_ends_with_2_and_a_hint() {
    let outside = Outside::starting(Start::Empty);
    for (arguments, names) in [
        (&["apply", "--digest", "nonsense", "--yes"][..], "`--digest` is no digest of a plan"),
        (&["check", "--for", "carrier-pigeon"], "--for"),
        (&["check", "--auth0-domain", "acme"], "`--auth0-domain` is not a whole domain"),
    ] {
        let output = setup(&outside, arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(names), "{said}");
    }
    let digest = answer(&setup(&outside, &["plan", "--json", "--login"]));
    let digest = digest["digest"].as_str().unwrap();
    let output = setup(&outside, &["apply", "--digest", digest, "--for", "http", "--yes"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("`--for` is not what the digest"));
    let output = setup(&outside, &["apply", "--digest", digest]);
    assert_eq!(output.status.code(), Some(1), "nobody is at this terminal to say yes");
    assert_eq!(outside.changes(), 0);
}

#[test]
fn an_agent_sets_an_empty_tenant_up_and_goes_on_in_the_same_server() {
    let outside = Outside::starting(Start::Empty).opening_pages();
    let mut server = Server::start(outside.command(&["stdio"], None));
    server.initialize("2025-11-25", can(&["form", "url"]));
    for tool in ["list_workspaces", "get_account"] {
        assert_eq!(text(&server.call(tool, json!({}))), NO_APPLICATION);
    }
    let digest = planned(&mut server);
    let configure = json!({ "name": "configure_connection", "arguments": { "digest": digest } });
    let mut questions = Vec::new();
    let (answer, _) = server.request_answering("tools/call", configure, |asked| {
        questions.push(asked["params"]["message"].as_str().unwrap().to_owned());
        assert_eq!(outside.changes(), 0, "nothing is written before the answer");
        json!({ "action": "accept", "content": { "approve": true } })
    });
    let result = &answer["result"];
    assert_eq!(result["isError"], false, "{answer}");
    assert_eq!(result["structuredContent"]["remaining"], json!([]), "{answer}");
    let [question] = questions.as_slice() else { panic!("{questions:?}") };
    assert!(question.contains("\ncreate application `bitbucket-vault-mcp`\n"), "{question}");
    assert!(!question.contains(&digest), "the person sees what changes, not a digest: {question}");

    let link = json!({ "name": "link_account", "arguments": {} });
    let (answer, _) = server.request_answering("tools/call", link, |asked| {
        outside.consent(asked["params"]["url"].as_str().unwrap(), "guest");
        json!({ "action": "accept" })
    });
    assert_eq!(answer["result"]["isError"], false, "{answer}");
    let said = server.call("list_workspaces", json!({}));
    assert!(text(&said).contains("acme"), "{said}");
    let tested = server.call("test_connection", json!({}));
    assert_eq!(tested["structuredContent"]["works"], true, "{tested}");
    let checked = server.call("check_connection", json!({}));
    assert_eq!(checked["structuredContent"]["rows"], json!([]), "{checked}");
    let (stdout, stderr) = server.everything();
    no_secret_in(&outside, &stdout);
    no_secret_in(&outside, &stderr);
}

#[test]
fn a_person_who_says_no_changes_nothing() {
    let outside = Outside::starting(Start::Empty);
    let mut server = Server::start(outside.command(&["stdio"], None));
    server.initialize("2025-11-25", can(&["form"]));
    let digest = planned(&mut server);
    let configure = json!({ "name": "configure_connection", "arguments": { "digest": digest } });
    let (answer, _) =
        server.request_answering("tools/call", configure, |_| json!({ "action": "decline" }));
    assert!(text(&answer["result"]).starts_with("refused: the user did not approve this"));
    assert_eq!(outside.changes(), 0);
}

#[test]
fn where_a_person_must_approve_and_cannot_nothing_is_changed() {
    let outside = Outside::starting(Start::Empty);
    let mut command = outside.command(&["stdio"], None);
    command.env("BITBUCKET_MCP_APPROVAL", "required");
    let mut server = Server::start(command);
    server.initialize("2025-11-25", can(&[]));
    let digest = planned(&mut server);
    let result = server.call("configure_connection", json!({ "digest": digest }));
    assert!(text(&result).starts_with("approval_needed: "), "{result}");
    assert_eq!(outside.changes(), 0);
}

#[test]
fn an_agent_with_a_digest_that_is_none_or_of_another_choice_is_told_so() {
    let outside = Outside::starting(Start::Empty);
    let mut server = Server::start(outside.command(&["stdio"], None));
    server.initialize("2025-11-25", can(&[]));
    let result = server.call("configure_connection", json!({ "digest": "nonsense" }));
    assert_eq!(
        text(&result),
        "invalid_arguments: `digest` is no digest of a plan; call `plan_connection` for one\n\
         hint: read the tool's input schema, then call again"
    );
    let digest = planned(&mut server);
    let arguments = json!({ "digest": digest, "login": true });
    let result = server.call("configure_connection", arguments);
    assert!(text(&result).contains("`login` is not what `digest` was planned with"), "{result}");
    let other = "0123456789abcdef0123456789abcdef";
    let result = server.call("configure_connection", json!({ "digest": other }));
    let said = text(&result);
    assert!(
        said.starts_with("conflict: the tenant has changed since this plan was shown"),
        "{said}"
    );
    assert!(said.contains(&format!("digest: {digest}")), "the new plan is shown: {said}");
    assert_eq!(outside.changes(), 0);
}

#[test]
fn a_stateless_client_is_asked_for_its_yes_once_and_each_yes_counts_once() {
    let outside = Outside::starting(Start::Empty);
    let mut server = Server::start(outside.command(&["stdio"], None));
    let plan =
        server.request("tools/call", call("plan_connection", &json!({}), can(&["form"]), None));
    let digest = plan["result"]["structuredContent"]["digest"].clone();
    let arguments = json!({ "digest": digest });
    let configure = |again| call("configure_connection", &arguments, can(&["form"]), again);
    let asked = server.request("tools/call", configure(None));
    let question = &asked["result"]["inputRequests"]["confirm"]["params"]["message"];
    assert!(question.as_str().unwrap().contains("create application"), "{asked}");
    let state = asked["result"]["requestState"].as_str().unwrap();
    let yes = json!({ "confirm": { "action": "accept", "content": { "approve": true } } });
    // A yes to one plan is none to another.
    let other = json!({ "digest": digest, "login": false });
    let other = call("configure_connection", &other, can(&["form"]), Some((yes.clone(), state)));
    let other = server.request("tools/call", other);
    assert_eq!(other["result"]["resultType"], "input_required", "{other}");
    assert_eq!(outside.changes(), 0);
    let done = server.request("tools/call", configure(Some((yes.clone(), state))));
    assert_eq!(done["result"]["structuredContent"]["remaining"], json!([]), "{done}");
    let written = outside.changes();
    let again = server.request("tools/call", configure(Some((yes, state))));
    assert!(text(&again["result"]).starts_with("conflict: "), "asked anew, and told: {again}");
    assert_eq!(outside.changes(), written);
}

/// `stdio` on an empty tenant, whose settings do not name the consumer.
fn without_consumer(outside: &Outside) -> Server {
    let mut command = outside.command(&["stdio"], None);
    command.env_remove("BITBUCKET_CONSUMER_KEY").env_remove("BITBUCKET_CONSUMER_SECRET");
    Server::start(command)
}

/// The person enters the consumer's key and secret on the page at `url`.
fn enter(outside: &Outside, url: &str) {
    let (key, secret) = outside.sandbox().consumer();
    outside.wait(async {
        let browser = reqwest::Client::builder().no_proxy().build().unwrap();
        let form = browser.get(url).send().await.unwrap().text().await.unwrap();
        let token = form.split("name=\"token\" value=\"").nth(1).unwrap();
        let token = token.split('"').next().unwrap();
        let entered = [("token", token), ("key", key.as_str()), ("secret", secret.as_str())];
        let taken = browser.post(url).form(&entered).send().await.unwrap();
        assert_eq!(taken.status(), 200);
    });
}

#[test]
fn a_stateless_client_takes_two_questions_of_one_call_to_the_person_each_once() {
    let outside = Outside::starting(Start::Empty).opening_pages();
    let mut server = without_consumer(&outside);
    let capabilities = || can(&["form", "url"]);
    let plan = call("plan_connection", &json!({}), capabilities(), None);
    let plan = server.request("tools/call", plan);
    assert_eq!(plan["result"]["structuredContent"]["asks_for_consumer"], true, "{plan}");
    let arguments = json!({ "digest": plan["result"]["structuredContent"]["digest"] });
    let configure = |again| call("configure_connection", &arguments, capabilities(), again);

    let first = server.request("tools/call", configure(None));
    let first = &first["result"];
    let keys = |asked: &Value| -> Vec<String> {
        asked["inputRequests"].as_object().unwrap().keys().cloned().collect()
    };
    assert_eq!(keys(first), ["confirm"], "{first}");
    let yes = json!({ "confirm": { "action": "accept", "content": { "approve": true } } });
    let state = first["requestState"].as_str().unwrap();
    let second = server.request("tools/call", configure(Some((yes, state))));
    let second = &second["result"];
    assert_eq!(keys(second), ["open"], "{second}");
    assert_eq!(outside.changes(), 0);

    let page = &second["inputRequests"]["open"]["params"];
    assert_eq!(
        page["message"],
        "Open this page to enter the key and secret of the Bitbucket OAuth consumer. They go from \
         there to Auth0; the agent never sees them."
    );
    enter(&outside, page["url"].as_str().unwrap());
    let opened = || json!({ "open": { "action": "accept" } });
    let state = second["requestState"].as_str().unwrap();
    let done = server.request("tools/call", configure(Some((opened(), state))));
    assert_eq!(done["result"]["structuredContent"]["remaining"], json!([]), "{done}");

    // The yes that the state carries has counted.
    outside.sandbox().world().change_tenant(|tenant| tenant.set_callbacks(Vec::new()));
    let written = outside.changes();
    let again = server.request("tools/call", configure(Some((opened(), state))));
    assert!(text(&again["result"]).starts_with("conflict: "), "asked anew, and told: {again}");
    assert_eq!(outside.changes(), written);
    let (stdout, stderr) = server.everything();
    no_secret_in(&outside, &stdout);
    no_secret_in(&outside, &stderr);
}

#[test]
fn a_page_that_nobody_opened_in_time_stays_good_for_the_next_call() {
    let outside = Outside::starting(Start::Empty).opening_pages();
    let mut server = without_consumer(&outside);
    server.initialize("2025-11-25", can(&[]));
    let digest = planned(&mut server);
    let result = server.call("configure_connection", json!({ "digest": digest }));
    let said = text(&result);
    let url = said.split_whitespace().find(|word| word.starts_with("http://127.0.0.1:")).unwrap();
    let url = url.to_owned();
    assert_eq!(
        said,
        format!(
            "refused: the Bitbucket consumer's key and secret are needed\n\
             hint: ask the user to open {url} in their browser and enter them there, then call again"
        )
    );
    enter(&outside, &url);
    let result = server.call("configure_connection", json!({ "digest": digest }));
    assert_eq!(result["structuredContent"]["remaining"], json!([]), "{result}");
}

#[test]
fn a_person_who_does_not_open_the_page_changes_nothing() {
    let outside = Outside::starting(Start::Empty).opening_pages();
    let mut server = without_consumer(&outside);
    server.initialize("2025-11-25", can(&["url"]));
    let digest = planned(&mut server);
    let configure = json!({ "name": "configure_connection", "arguments": { "digest": digest } });
    let (answer, _) = server.request_answering("tools/call", configure, |asked| {
        assert_eq!(asked["params"]["mode"], "url", "{asked}");
        json!({ "action": "decline" })
    });
    assert_eq!(
        text(&answer["result"]),
        "refused: the user did not want to enter the Bitbucket consumer's key and secret\n\
         hint: nothing was changed; do not ask again unless the user wants it"
    );
    assert_eq!(outside.changes(), 0);
}

#[test]
fn the_tools_exist_with_a_management_application_only() {
    let outside = Outside::new();
    let names = |server: &mut Server| -> Vec<String> {
        let list = server.request("tools/list", modern(json!({}), json!({})));
        let tools = list["result"]["tools"].as_array().unwrap().iter();
        tools.map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
    };
    let mut without = outside.server("linked", &[]);
    assert!(!names(&mut without).iter().any(|name| name.ends_with("_connection")));
    let settings = outside.sandbox().management_settings();
    let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut with = outside.server("linked", &settings);
    let found = names(&mut with);
    for name in [
        "get_setup_guide",
        "check_connection",
        "plan_connection",
        "configure_connection",
        "test_connection",
        "get_app_snippet",
    ] {
        assert!(found.iter().any(|found| found == name), "{name}: {found:?}");
    }
}
