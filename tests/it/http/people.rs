use std::sync::Arc;

use bitbucket_vault_mcp::sandbox::Service;
use serde_json::json;

use super::{Served, whole};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_people_under_load_get_their_own_answers_from_one_exchange_each() {
    let served = Arc::new(Served::new().await);
    let people = [("linked", "auth0|ana"), ("limited", "auth0|ben")];
    let tokens = people.map(|(account, _)| served.token(account));
    let mut calls = tokio::task::JoinSet::new();
    for round in 0..40 {
        for (person, token) in people.iter().zip(&tokens) {
            let (served, subject, token) = (Arc::clone(&served), person.1, token.clone());
            calls.spawn(async move {
                let answer = loop {
                    let call = served.call(&token, "get_account", &json!({}), json!({}));
                    let (status, answer) = whole(call.send().await.unwrap()).await;
                    if status != 429 {
                        break answer;
                    }
                };
                let account = &answer["result"]["structuredContent"];
                assert_eq!(account["subject"], subject, "{round}");
                (subject, account["accounts"][0]["username"].as_str().unwrap().to_owned())
            });
        }
    }
    let names: std::collections::BTreeSet<_> = calls.join_all().await.into_iter().collect();
    let expected = [("auth0|ana", "ana".to_owned()), ("auth0|ben", "ben".to_owned())];
    assert_eq!(names, expected.into());
    for (account, _) in people {
        assert_eq!(served.sandbox.world().exchanges(account), 1, "{account}");
    }
}

#[tokio::test]
async fn somebody_who_calls_in_a_loop_without_a_link_asks_auth0_once_and_is_served_once_linked() {
    let served = Served::new().await;
    let token = served.token("guest");
    let mut said = String::new();
    for _ in 0..20 {
        said = served.says(&token, "list_workspaces", json!({})).await;
        assert!(said.starts_with("not_linked: "), "{said}");
    }
    let exchanges = || {
        let requests = served.reached(Service::Auth0);
        requests.iter().filter(|request| *request == "POST /oauth/token").count()
    };
    assert_eq!(exchanges(), 1);
    let page = said.split_whitespace().find(|word| word.starts_with(&served.url)).unwrap();
    served.sandbox.consent(page.trim_end_matches([',', '.', ';']), "guest").await.unwrap();
    let said = served.says(&token, "list_workspaces", json!({})).await;
    assert!(said.contains("acme"), "{said}");
}

#[tokio::test]
async fn the_same_person_in_another_organization_is_another_caller() {
    let served = Served::new().await;
    let inside =
        super::Bearer { organization: Some("org_acme".to_owned()), ..super::Bearer::default() };
    let inside = served.sandbox.bearer("linked", inside).unwrap();
    let plain = served.token("linked");
    let session = served.session(&plain, json!({})).await;
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {} });
    let request = served.post(Some(&inside), &body).header("mcp-session-id", &session.id);
    assert_eq!(request.send().await.unwrap().status(), 404);
}
