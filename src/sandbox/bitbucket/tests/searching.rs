//! Searching code.

use serde_json::json;

use super::Served;

fn search(query: &str) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("search_query", query)
        .finish();
    format!("/workspaces/acme/search/code?{query}")
}

#[tokio::test]
async fn finds_whole_words_in_the_main_branches_with_a_line_around_each() {
    let served = Served::start().await;
    let page = served.get("linked", &search("FLOOR repo:shop path:src/util")).await.json();
    let paths: Vec<_> =
        page["values"].as_array().unwrap().iter().map(|it| &it["file"]["path"]).collect();
    assert_eq!(paths, [&json!("src/util/round.ts")], "{page}");
    let first = &page["values"][0];
    assert_eq!(first["type"], "code_search_result");
    assert_eq!(first["file"].get("commit"), None);
    let lines = first["content_matches"][0]["lines"].as_array().unwrap();
    let matches = lines.iter().filter(|line| {
        line["segments"].as_array().unwrap().iter().any(|segment| segment["match"] == true)
    });
    assert!(matches.count() < lines.len(), "{lines:?}");
    let part = served.get("linked", &search("floo repo:shop")).await.json();
    assert_eq!(part["size"], 0);
    let whole = search("floor repo:shop ext:ts") + "&fields=%2Bvalues.file.commit.repository";
    let page = served.get("linked", &whole).await.json();
    assert_eq!(page["values"][0]["file"]["commit"]["repository"]["full_name"], "acme/shop");
}

#[tokio::test]
async fn refuses_queries_that_it_cannot_read() {
    let served = Served::start().await;
    let long = "x".repeat(251);
    for query in ["", "repo:shop", "a b c d e f g h i j", "colour:red x", long.as_str()] {
        assert_eq!(served.get("linked", &search(query)).await.status, 400, "{query}");
    }
    assert_eq!(
        served.get("linked", "/workspaces/nobody/search/code?search_query=x").await.status,
        404
    );
}

#[tokio::test]
async fn shows_nobody_what_they_may_not_see() {
    let served = Served::start().await;
    let query = search("plans");
    for found in served.all("limited", &query).await {
        let place = found["file"]["links"]["self"]["href"].as_str().unwrap().to_owned();
        assert!(!place.contains("secret-plans"), "{place}");
    }
}
