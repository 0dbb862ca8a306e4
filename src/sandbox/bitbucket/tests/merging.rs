use serde_json::json;

use super::{Answer, Served, nothing, q};
use crate::sandbox::bitbucket::seed_pull_requests::{RACES, SLOW, TIMES_OUT};

const SHOP: &str = "/repositories/acme/shop/pullrequests";

#[tokio::test]
async fn merges_for_real_and_moves_the_destination() {
    let served = Served::start().await;
    let before = served.get("linked", &format!("{SHOP}/42")).await.json();
    served.post("linked", &format!("{SHOP}/42/approve"), nothing()).await;
    let body = json!({ "type": "pullrequest", "merge_strategy": "merge_commit", "close_source_branch": true });
    let answer = served.post("linked", &format!("{SHOP}/42/merge"), body).await;
    assert_eq!(answer.status, 200);
    let merged = answer.json();
    assert_eq!(merged["state"], "MERGED");
    assert_eq!(merged["closed_by"]["nickname"], "ana");
    let hash = merged["merge_commit"]["hash"].as_str().unwrap();
    assert_eq!(hash.len(), 40);
    // It keeps saying what it was merged from and into.
    assert_eq!(merged["source"]["commit"], before["source"]["commit"]);
    assert_eq!(merged["destination"]["commit"], before["destination"]["commit"]);
    let message = merged["merge_commit"]["message"].as_str().unwrap();
    let branch = before["source"]["branch"]["name"].as_str().unwrap();
    assert!(message.starts_with(&format!("Merged in {branch} (pull request #42)\n\n")));
    assert!(message.contains("Approved-by: Ana Lima\n"));
    let other = served.get("linked", &format!("{SHOP}/44")).await.json();
    assert_eq!(other["destination"]["commit"]["hash"], hash[..12]);
    // The source branch is gone, and with it the list of commits.
    assert!(served.all("linked", &format!("{SHOP}/42/commits")).await.is_empty());
    let again = served.post("linked", &format!("{SHOP}/42/merge"), nothing()).await;
    assert_eq!(
        (again.status, again.message().as_str()),
        (400, "This pull request is already closed.")
    );
    assert_eq!(served.delete("linked", &format!("{SHOP}/42/approve")).await.status, 400);
}

#[tokio::test]
async fn refuses_what_cannot_be_merged() {
    let served = Served::start().await;
    for (number, body, message) in [
        (43, nothing(), "You can't merge until you resolve all merge conflicts."),
        (44, nothing(), "You can't merge a draft pull request."),
        (42, json!({ "merge_strategy": "octopus" }), "Bad request"),
        (42, json!({ "merge_strategy": "rebase_merge" }), "Bad request"),
    ] {
        let answer = served.post("linked", &format!("{SHOP}/{number}/merge"), body).await;
        assert_eq!((answer.status, answer.message().as_str()), (400, message), "#{number}");
        let state = served.get("linked", &format!("{SHOP}/{number}")).await.json();
        assert_eq!(state["state"], "OPEN");
    }
    let scope = served.post("limited", &format!("{SHOP}/42/merge"), nothing()).await;
    assert_eq!(scope.status, 403);
}

#[tokio::test]
async fn merges_in_the_background_when_asked_or_when_it_takes_long() {
    let served = Served::start().await;
    for (number, query) in [(42, "?async=true"), (SLOW, "")] {
        let path = format!("{SHOP}/{number}/merge{query}");
        let answer = served.post("linked", &path, nothing()).await;
        assert_eq!((answer.status, answer.text.as_str()), (202, "\"\""));
        let location = answer.header("location").to_owned();
        assert!(
            location.starts_with(&format!("{}{SHOP}/{number}/merge/task-status/", served.base))
        );
        for _ in 0..2 {
            let status = served.get("linked", &location).await.json();
            assert_eq!(status["task_status"], "PENDING");
            assert_eq!(status.get("merge_result"), None);
        }
        let status = served.get("linked", &location).await.json();
        assert_eq!(status["task_status"], "SUCCESS");
        assert_eq!(status["merge_result"]["state"], "MERGED");
    }
    let unknown = format!("{SHOP}/42/merge/task-status/00000000-0000-4000-8000-000000000000");
    for _ in 0..4 {
        let status = served.get("linked", &unknown).await.json();
        assert_eq!(status["task_status"], "PENDING");
    }
}

#[tokio::test]
async fn reports_a_failed_background_merge_as_an_error() {
    let served = Served::start().await;
    let answer = served.post("linked", &format!("{SHOP}/43/merge?async=true"), nothing()).await;
    let location = answer.header("location").to_owned();
    let mut last = Answer { status: 0, headers: Default::default(), text: String::new() };
    for _ in 0..3 {
        last = served.get("linked", &location).await;
    }
    assert_eq!(
        (last.status, last.message().as_str()),
        (400, "You can't merge until you resolve all merge conflicts.")
    );
}

#[tokio::test]
async fn times_out_and_merges_nevertheless() {
    let served = Served::start().await;
    let answer = served.post("linked", &format!("{SHOP}/{TIMES_OUT}/merge"), nothing()).await;
    assert_eq!(answer.status, 555);
    let after = served.get("linked", &format!("{SHOP}/{TIMES_OUT}")).await.json();
    assert_eq!(after["state"], "MERGED");
}

#[tokio::test]
async fn conflicts_when_the_destination_moves_meanwhile_and_works_the_second_time() {
    let served = Served::start().await;
    let path = format!("{SHOP}/{RACES}/merge");
    let first = served.post("linked", &path, nothing()).await;
    assert_eq!(first.status, 409);
    let second = served.post("linked", &path, json!({ "merge_strategy": "squash" })).await;
    assert_eq!(second.json()["state"], "MERGED");
}

#[tokio::test]
async fn says_what_stands_in_the_way() {
    let served = Served::start().await;
    let failed = async |number: u64, query: &str| -> Vec<(String, bool)> {
        let path = format!("{SHOP}/{number}/mergeability/checks?{query}");
        let checks = served.get("linked", &path).await.json();
        let values = checks["values"].as_array().unwrap();
        assert_eq!(checks["size"], values.len());
        values
            .iter()
            .filter(|check| check["status"] == "FAILED")
            .map(|check| {
                let kind = check["check"]["kind"].as_str().or(check["type"].as_str()).unwrap();
                (kind.to_owned(), check["blocking"] == true)
            })
            .collect()
    };
    assert!(failed(43, "").await.contains(&("git_mergeability_check".into(), true)));
    let query = q(r#"type!="git_mergeability_check" AND check.kind!="maximum_commits_behind""#);
    assert!(!failed(43, &query).await.contains(&("git_mergeability_check".into(), true)));
    assert!(failed(44, "").await.contains(&("pullrequest_state_check".into(), true)));
    assert!(failed(45, "").await.contains(&("require_passing_builds_to_merge".into(), false)));
    let path = format!("{SHOP}/42/mergeability/checks?{}", q(r#"status="FAILED""#));
    assert_eq!(served.get("linked", &path).await.status, 400);
}
