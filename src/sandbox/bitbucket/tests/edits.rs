use serde_json::{Value, json};

use super::Served;
use crate::sandbox::people::find;

const SHOP: &str = "/repositories/acme/shop/pullrequests";
/// A branch whose pull request was declined.
const FREE: &str = "experiment/bun";

fn opening(title: &str) -> Value {
    json!({ "title": title, "source": { "branch": { "name": FREE } } })
}

#[tokio::test]
async fn opens_against_the_main_branch_without_default_reviewers() {
    let served = Served::start().await;
    let answer = served.post("linked", SHOP, opening("Run on Bun after all")).await;
    assert_eq!(answer.status, 201);
    let one = answer.json();
    assert_eq!(answer.header("location"), one["links"]["self"]["href"].as_str().unwrap());
    assert_eq!((&one["id"], &one["state"]), (&json!(48), &json!("OPEN")));
    assert_eq!(one["destination"]["branch"]["name"], "main");
    assert_eq!(one["reviewers"], json!([]));
}

#[tokio::test]
async fn overwrites_an_open_one_between_the_same_branches() {
    let served = Served::start().await;
    let mut first = opening("First");
    first["description"] = json!("Kept");
    served.post("linked", SHOP, first).await;
    let second = served.post("linked", SHOP, opening("Second")).await.json();
    assert_eq!(
        (&second["id"], &second["title"], &second["description"]),
        (&json!(48), &json!("Second"), &json!("Kept"))
    );
}

#[tokio::test]
async fn refuses_branches_and_reviewers_that_do_not_fit() {
    let served = Served::start().await;
    let (ana, ben) = (find("ana").unwrap(), find("ben").unwrap());
    let with = |reviewers: Value| {
        let mut body = opening("x");
        body["reviewers"] = reviewers;
        body
    };
    let missing = json!({ "title": "x", "source": { "branch": { "name": "no/such" } } });
    for (body, error) in [
        (
            missing,
            json!({ "message": "Bad request", "fields": { "source": ["branch not found: no/such"] } }),
        ),
        (
            with(json!([{ "uuid": ana.bitbucket_uuid }])),
            json!({
                "message": "Bad request",
                "fields": {
                    "reviewers": ["Ana Lima is the author and cannot be included as a reviewer."],
                },
            }),
        ),
        (
            with(json!([{ "uuid": "{00000000-0000-4000-8000-000000000000}" }])),
            json!({ "message": "Malformed reviewers list" }),
        ),
    ] {
        let answer = served.post("linked", SHOP, body).await;
        assert_eq!((answer.status, &answer.json()["error"]), (400, &error));
    }
    let fine = served.post("linked", SHOP, with(json!([{ "account_id": ben.account_id }]))).await;
    assert_eq!(fine.json()["reviewers"][0]["nickname"], "ben");
}

#[tokio::test]
async fn changes_what_is_named_and_nothing_else() {
    let served = Served::start().await;
    let path = format!("{SHOP}/44");
    let before = served.get("linked", &path).await.json();
    let ready = served.put("linked", &path, json!({ "draft": false })).await.json();
    assert_eq!(ready["draft"], false);
    for kept in ["title", "description", "reviewers"] {
        assert_eq!(ready[kept], before[kept]);
    }
    let cleared = served.put("linked", &path, json!({ "reviewers": [] })).await.json();
    assert_eq!(cleared["reviewers"], json!([]));
    // Alone, this one is only echoed.
    let flipped = before["close_source_branch"] != true;
    let echoed =
        served.put("linked", &path, json!({ "close_source_branch": flipped })).await.json();
    assert_eq!(echoed["close_source_branch"], flipped);
    let after = served.get("linked", &path).await.json();
    assert_eq!(after["close_source_branch"], before["close_source_branch"]);
    let closed = served.put("linked", &format!("{SHOP}/1"), json!({ "title": "x" })).await;
    assert_eq!(closed.status, 400);
}
