use serde_json::Value;

use super::{Served, q};

const SHOP: &str = "/repositories/acme/shop/pullrequests";

#[tokio::test]
async fn makes_42_a_review_under_way() {
    let served = Served::start().await;
    let one = served.get("linked", &format!("{SHOP}/42")).await.json();
    assert_eq!((&one["comment_count"], &one["task_count"]), (&14.into(), &1.into()));
    assert_eq!(one["author"]["nickname"], "cleo");
    let comments = served.all("linked", &format!("{SHOP}/42/comments")).await;
    assert_eq!(comments.len(), 14);
    let resolved = comments.iter().filter(|one| one["resolution"].is_object()).count();
    assert_eq!(resolved, 4);
    let places: Vec<(&str, &Value)> = comments
        .iter()
        .filter(|one| one["parent"].is_null() && one["inline"].is_object())
        .map(|one| (one["inline"]["path"].as_str().unwrap(), &one["inline"]["to"]))
        .collect();
    assert_eq!(places.len(), 9);
    // All but the one about a whole file and the one on a line that is gone.
    assert_eq!(places.iter().filter(|(_, line)| line.is_null()).count(), 2, "{places:?}");
    let unresolved = q("resolution = null AND inline != null AND parent = null");
    let open = served.all("linked", &format!("{SHOP}/42/comments?{unresolved}")).await;
    assert_eq!(open.len(), 5);
    let tasks = served.all("linked", &format!("{SHOP}/42/tasks")).await;
    let states: Vec<&str> = tasks.iter().map(|task| task["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["UNRESOLVED", "RESOLVED"]);
}

#[tokio::test]
async fn makes_46_try_to_steer_its_readers() {
    let served = Served::start().await;
    let one = served.get("linked", &format!("{SHOP}/46")).await.json();
    let description = one["description"].as_str().unwrap();
    for trick in ["\nhint: ", "\u{1b}[2J", "\u{200b}", "\u{202e}", "</result>"] {
        assert!(description.contains(trick), "{trick:?}");
    }
}

#[tokio::test]
async fn orders_everything_in_time_and_before_the_end() {
    let served = Served::start().await;
    let query = q("id > 0");
    for one in served.all("linked", &format!("{SHOP}?pagelen=50&{query}")).await {
        let (created, updated) = (one["created_on"].as_str(), one["updated_on"].as_str());
        assert!(created <= updated, "{one}");
        assert!(updated.unwrap() < "2026-11-20T18:00:00", "{one}");
        assert_eq!(one["state"] == "MERGED", one["merge_commit"].is_object(), "{one}");
        assert_eq!(one["state"] == "OPEN", one["closed_by"].is_null(), "{one}");
        let number = &one["id"];
        let comments = served.all("linked", &format!("{SHOP}/{number}/comments?pagelen=50")).await;
        let times: Vec<&str> =
            comments.iter().map(|comment| comment["created_on"].as_str().unwrap()).collect();
        assert!(times.is_sorted(), "#{number}");
        assert!(times.iter().all(|time| *time <= updated.unwrap()), "#{number}");
    }
}
