use reqwest::Method;
use serde_json::json;

use super::{Answer, Served, nothing};

const SHOP: &str = "/repositories/acme/shop/pullrequests";

#[tokio::test]
async fn takes_comments_anywhere_even_outside_the_diff() {
    let served = Served::start().await;
    let path = format!("{SHOP}/42/comments");
    let inline = json!({ "path": "no/such/file.rs", "to": 9_999 });
    let body = json!({ "content": { "raw": "Is <this> right?" }, "inline": inline });
    let answer = served.post("limited", &path, body).await;
    assert_eq!(answer.status, 201);
    let comment = answer.json();
    assert_eq!(comment["content"]["html"], "<p>Is &lt;this&gt; right?</p>");
    assert_eq!(comment["inline"]["to"], 9_999);
    assert_eq!(comment["inline"]["from"], serde_json::Value::Null);
    assert_eq!(answer.header("location"), comment["links"]["self"]["href"].as_str().unwrap());
    let reply = json!({ "content": { "raw": "Yes" }, "parent": { "id": comment["id"] } });
    let reply = served.post("linked", &path, reply).await.json();
    assert_eq!(reply["parent"]["id"], comment["id"]);
    assert_eq!(reply["inline"]["path"], "no/such/file.rs");
    let orphan = json!({ "content": { "raw": "?" }, "parent": { "id": 1 } });
    let orphan = served.post("linked", &path, orphan).await;
    assert_eq!((orphan.status, orphan.message().as_str()), (400, "Invalid parent ID"));
    let placeless = json!({ "content": { "raw": "?" }, "inline": { "to": 3 } });
    assert_eq!(served.post("linked", &path, placeless).await.status, 400);
    assert_eq!(served.post("linked", &path, nothing()).await.status, 400);
}

#[tokio::test]
async fn leaves_a_stub_where_a_comment_was() {
    let served = Served::start().await;
    let path = format!("{SHOP}/44/comments");
    let body = json!({ "content": { "raw": "Soon gone" } });
    let id = served.post("linked", &path, body).await.json()["id"].clone();
    let one = format!("{path}/{id}");
    let edit = json!({ "content": { "raw": "Not mine" } });
    assert_eq!(served.put("limited", &one, edit.clone()).await.status, 403);
    assert_eq!(served.put("linked", &one, edit).await.json()["content"]["raw"], "Not mine");
    assert_eq!(served.delete("limited", &one).await.status, 403);
    assert_eq!(served.delete("linked", &one).await.status, 204);
    let stub = served.get("linked", &one).await.json();
    assert_eq!((&stub["deleted"], &stub["content"]["raw"]), (&json!(true), &json!("")));
    let again = served.delete("linked", &one).await;
    assert_eq!((again.status, again.message()), (404, id.to_string()));
}

#[tokio::test]
async fn shows_a_pending_comment_to_its_author_alone() {
    let served = Served::start().await;
    let path = format!("{SHOP}/44/comments");
    let before = served.all("limited", &path).await.len();
    let body = json!({ "content": { "raw": "Draft" }, "pending": true });
    assert_eq!(served.post("linked", &path, body).await.json()["pending"], true);
    assert_eq!(served.all("limited", &path).await.len(), before);
    assert_eq!(served.all("linked", &path).await.len(), before + 1);
}

#[tokio::test]
async fn resolves_only_what_starts_a_thread_in_the_diff_and_only_once() {
    let served = Served::start().await;
    let path = format!("{SHOP}/42/comments");
    let general = json!({ "content": { "raw": "General" } });
    let general = served.post("linked", &path, general).await.json()["id"].clone();
    let refused = served.post("linked", &format!("{path}/{general}/resolve"), nothing()).await;
    assert_eq!(refused.status, 403);
    let inline =
        json!({ "content": { "raw": "Here" }, "inline": { "path": "README.md", "to": 1 } });
    let inline = served.post("linked", &path, inline).await.json()["id"].clone();
    let resolve = format!("{path}/{inline}/resolve");
    let bodyless = Answer::of(served.request("linked", Method::POST, &resolve)).await;
    assert_eq!(bodyless.status, 400);
    let done = served.post("limited", &resolve, nothing()).await;
    assert_eq!((done.status, &done.json()["type"]), (200, &json!("comment_resolution")));
    assert_eq!(served.post("linked", &resolve, nothing()).await.status, 409);
    let shown = served.get("linked", &format!("{path}/{inline}")).await.json();
    assert_eq!(shown["resolution"]["user"]["nickname"], "ben");
    assert_eq!(served.delete("linked", &resolve).await.status, 204);
    let shown = served.get("linked", &format!("{path}/{inline}")).await.json();
    assert_eq!(shown["resolution"], serde_json::Value::Null);
}

#[tokio::test]
async fn counts_open_tasks_and_sets_them_done() {
    let served = Served::start().await;
    let path = format!("{SHOP}/47/tasks");
    let task = served.post("limited", &path, json!({ "content": { "raw": "Do it" } })).await;
    assert_eq!(task.status, 201);
    let id = task.json()["id"].clone();
    let count = async || {
        served.get("linked", &format!("{SHOP}/47")).await.json()["task_count"].as_u64().unwrap()
    };
    let before = count().await;
    let done = json!({ "state": "RESOLVED" });
    let done = served.put("limited", &format!("{path}/{id}"), done).await.json();
    assert_eq!(
        (&done["state"], &done["resolved_by"]["nickname"]),
        (&json!("RESOLVED"), &json!("ben"))
    );
    assert_eq!(count().await, before - 1);
    let wrong = json!({ "state": "DONE" });
    assert_eq!(served.put("limited", &format!("{path}/{id}"), wrong).await.status, 400);
    assert_eq!(served.delete("limited", &format!("{path}/{id}")).await.status, 204);
    assert_eq!(served.get("limited", &format!("{path}/{id}")).await.status, 404);
}

#[tokio::test]
async fn wants_a_json_body_even_where_there_is_nothing_to_say() {
    let served = Served::start().await;
    let approve = format!("{SHOP}/47/approve");
    let bodyless = Answer::of(served.request("linked", Method::POST, &approve)).await;
    assert_eq!((bodyless.status, bodyless.message().as_str()), (400, "Bad request"));
    let given = served.post("linked", &approve, nothing()).await;
    assert_eq!(given.status, 200);
    assert_eq!(
        (&given.json()["approved"], &given.json()["state"]),
        (&json!(true), &json!("approved"))
    );
    let changes = served.post("linked", &format!("{SHOP}/47/request-changes"), nothing()).await;
    assert_eq!(changes.json()["state"], "changes_requested");
    assert_eq!(served.delete("linked", &format!("{SHOP}/47/request-changes")).await.status, 204);
    assert_eq!(served.delete("linked", &format!("{SHOP}/47/approve")).await.status, 404);
}

#[tokio::test]
async fn declines_once_and_for_all() {
    let served = Served::start().await;
    let body = json!({ "message": "Not now" });
    let declined = served.post("linked", &format!("{SHOP}/47/decline"), body).await.json();
    assert_eq!(
        (&declined["state"], &declined["reason"], &declined["closed_by"]["nickname"]),
        (&json!("DECLINED"), &json!("Not now"), &json!("ana"))
    );
    assert_eq!(served.post("linked", &format!("{SHOP}/47/decline"), nothing()).await.status, 400);
    assert_eq!(served.post("linked", &format!("{SHOP}/47/merge"), nothing()).await.status, 400);
    // Talking about it is still possible.
    let comment = json!({ "content": { "raw": "A pity" } });
    assert_eq!(served.post("linked", &format!("{SHOP}/47/comments"), comment).await.status, 201);
}
