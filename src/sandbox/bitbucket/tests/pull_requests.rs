use serde_json::{Value, json};

use super::{Served, numbers, q};

const SHOP: &str = "/repositories/acme/shop/pullrequests";

#[tokio::test]
async fn lists_open_ones_unless_told_otherwise() {
    let served = Served::start().await;
    let open = served.all("linked", SHOP).await;
    assert_eq!(open.len(), 20);
    assert!(open.iter().all(|one| one["state"] == "OPEN"));
    assert_eq!(numbers(&open)[0], 47);
    let both = served.all("linked", &format!("{SHOP}?state=OPEN&state=DECLINED&pagelen=50")).await;
    assert!(both.len() > 20);
    let invalid = served.get("linked", &format!("{SHOP}?state=ALL")).await;
    assert_eq!(invalid.status, 400);
}

#[tokio::test]
async fn ignores_state_as_soon_as_there_is_a_query() {
    let served = Served::start().await;
    let query = q("id > 0");
    let all = served.all("linked", &format!("{SHOP}?state=OPEN&pagelen=50&{query}")).await;
    assert_eq!(all.len(), 47);
    let query = q(r#"state = "OPEN" AND reviewers.nickname = "ana""#);
    let mine = served.all("linked", &format!("{SHOP}?{query}")).await;
    assert!(!mine.is_empty() && mine.len() < 20);
}

#[tokio::test]
async fn leaves_reviewers_out_of_lists_until_they_are_asked_for() {
    let served = Served::start().await;
    let plain = served.get("linked", &format!("{SHOP}?pagelen=1")).await.json();
    assert_eq!(plain["values"][0].get("reviewers"), None);
    assert_eq!(plain["values"][0].get("participants"), None);
    let path = format!("{SHOP}?pagelen=1&fields=%2Bvalues.reviewers,%2Bvalues.participants");
    let added = served.get("linked", &path).await.json();
    assert!(added["values"][0]["reviewers"].is_array());
    assert!(added["values"][0]["participants"].is_array());
    assert_eq!(added["values"][0]["title"], plain["values"][0]["title"]);
}

#[tokio::test]
async fn shows_one_with_everything_but_the_strategies() {
    let served = Served::start().await;
    let one = served.get("linked", &format!("{SHOP}/42")).await.json();
    let whole = one.to_string().len();
    assert!((4_000..20_000).contains(&whole), "{whole} bytes");
    assert_eq!(one["merge_commit"], Value::Null);
    assert_eq!(one["closed_by"], Value::Null);
    assert_eq!(one["source"]["commit"]["hash"].as_str().unwrap().len(), 12);
    assert_eq!(one["destination"]["branch"], json!({ "name": "main" }));
    let path = format!("{SHOP}/42?fields=%2Bdestination.branch.merge_strategies");
    let added = served.get("linked", &path).await.json();
    assert_eq!(
        added["destination"]["branch"],
        json!({ "name": "main", "merge_strategies": ["merge_commit", "squash", "fast_forward"] })
    );
    let missing = served.get("linked", &format!("{SHOP}/4242")).await;
    assert_eq!(missing.status, 404);
}

#[tokio::test]
async fn redirects_diffs_to_this_host_and_drops_the_parameters() {
    let served = Served::start().await;
    let one = served.get("linked", &format!("{SHOP}/42")).await.json();
    let hash = |side: &str| one[side]["commit"]["hash"].as_str().unwrap();
    for kind in ["diff", "diffstat", "patch"] {
        let answer = served.get("linked", &format!("{SHOP}/42/{kind}?path=README.md")).await;
        assert_eq!(answer.status, 302);
        let spec = format!("acme/shop:{}%0D{}", hash("source"), hash("destination"));
        assert_eq!(
            answer.header("location"),
            format!(
                "{}/repositories/acme/shop/{kind}/{spec}?from_pullrequest_id=42&topic=true",
                served.base
            )
        );
    }
}

#[tokio::test]
async fn walks_commits_without_a_size() {
    let served = Served::start().await;
    let page = served.get("linked", &format!("{SHOP}/42/commits?pagelen=1")).await.json();
    assert_eq!(page.get("size"), None);
    let all = served.all("linked", &format!("{SHOP}/42/commits?pagelen=1")).await;
    assert!(!all.is_empty());
    assert_eq!(all[0]["author"]["user"]["nickname"], "cleo");
}

#[tokio::test]
async fn lists_what_somebody_wrote_across_a_workspace() {
    let served = Served::start().await;
    let people = served.all("linked", "/workspaces/acme/members").await;
    let cleo = people[3]["user"]["uuid"].as_str().unwrap();
    let path = format!("/workspaces/acme/pullrequests/{}", super::super::shapes::braces(cleo));
    let written = served.all("linked", &path).await;
    assert!(numbers(&written).contains(&42));
    assert!(written.iter().all(|one| one["author"]["nickname"] == "cleo"));
}

#[tokio::test]
async fn scopes_builds_to_the_pull_request() {
    let served = Served::start().await;
    let statuses = served.all("linked", &format!("{SHOP}/42/statuses")).await;
    let states: Vec<&str> =
        statuses.iter().map(|status| status["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["SUCCESSFUL"; 3]);
    let failed =
        served.all("linked", &format!("{SHOP}/45/statuses?{}", q(r#"state="FAILED""#))).await;
    assert_eq!(failed.len(), 1);
}

#[tokio::test]
async fn keeps_one_status_per_key() {
    let served = Served::start().await;
    let one = served.get("linked", &format!("{SHOP}/47")).await.json();
    let head = one["source"]["commit"]["hash"].as_str().unwrap();
    let commit = format!("/repositories/acme/shop/commit/{head}/statuses");
    let before = served.all("linked", &commit).await.len();
    for (state, status) in [("INPROGRESS", 201), ("SUCCESSFUL", 201)] {
        let body = json!({ "key": "k", "state": state, "url": "https://example.test/1" });
        let answer = served.post("linked", &format!("{commit}/build"), body).await;
        assert_eq!(answer.status, status);
    }
    assert_eq!(served.all("linked", &commit).await.len(), before + 1);
    let body = json!({ "key": "k", "state": "DONE", "url": "https://example.test/1" });
    assert_eq!(served.post("linked", &format!("{commit}/build"), body).await.status, 400);
}

#[tokio::test]
async fn leads_to_the_diff_before_and_after_the_merge() {
    let served = Served::start().await;
    let follow = async |kind: &str| {
        let answer = served.get("linked", &format!("{SHOP}/42/{kind}")).await;
        served.get("linked", answer.header("location")).await
    };
    let before = (follow("diff").await, follow("diffstat").await);
    assert_eq!((before.0.status, before.1.status), (200, 200));
    assert_eq!(before.0.text.matches("diff --git ").count(), 12);
    let body = json!({ "merge_strategy": "squash" });
    let merged = served.post("linked", &format!("{SHOP}/42/merge"), body).await;
    assert_eq!(merged.json()["state"], "MERGED");
    assert_eq!(follow("diff").await.text, before.0.text);
}
