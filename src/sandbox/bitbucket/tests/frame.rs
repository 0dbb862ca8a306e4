use serde_json::json;

use super::{Served, q};

const SHOP: &str = "/repositories/acme/shop";

#[tokio::test]
async fn refuses_missing_foreign_and_expired_tokens_in_different_words() {
    let served = Served::start().await;
    let url = format!("{}/user", served.base);
    let bare = served.http.get(&url).send().await.unwrap();
    assert_eq!(bare.status(), 401);
    let foreign = served.http.get(&url).bearer_auth("x").send().await.unwrap();
    assert_eq!(
        foreign.json::<serde_json::Value>().await.unwrap(),
        json!({
            "type": "error",
            "error": {
                "message": "Token is invalid, expired, or not supported for this endpoint.",
            },
        })
    );
    served.world.set_token_life(std::time::Duration::ZERO);
    let expired = served.get("linked", "/user").await;
    assert_eq!(
        (expired.status, expired.message().as_str()),
        (401, "Access token expired. Use your refresh token to obtain a new access token.")
    );
}

#[tokio::test]
async fn says_with_every_answer_what_the_token_may_do() {
    let served = Served::start().await;
    for path in ["/user", "/nowhere", "/repositories/acme/none", "/workspaces"] {
        let answer = served.get("linked", path).await;
        assert_eq!(
            answer.header("x-oauth-scopes"),
            "account, pipeline, pipeline:variable, pipeline:write, project, pullrequest:write, \
             repository:admin, repository:delete, snippet:write, webhook",
            "{path}"
        );
        assert_eq!(answer.header("x-credential-type"), "oauth2", "{path}");
        assert!(!answer.header("x-request-count").is_empty(), "{path}");
    }
    assert_eq!(served.get("linked", "/user").await.header("x-accepted-oauth-scopes"), "account");
}

#[tokio::test]
async fn names_the_scope_that_is_missing() {
    let served = Served::start().await;
    let path = format!("{SHOP}/pullrequests/42/approve");
    let answer = served.post("limited", &path, json!({})).await;
    assert_eq!(answer.status, 403);
    assert_eq!(
        answer.json(),
        json!({
            "type": "error",
            "error": {
                "message": "Your credentials lack one or more required privilege scopes.",
                "detail": {
                    "required": ["pullrequest:write"],
                    "granted": ["account", "project", "pullrequest"],
                },
            },
        })
    );
    assert_eq!(served.get("linked", "/user/emails").await.status, 403);
    // Commenting takes no more than reading does.
    let comment = json!({ "content": { "raw": "x" } });
    let path = format!("{SHOP}/pullrequests/42/comments");
    assert_eq!(served.post("limited", &path, comment).await.status, 201);
}

#[tokio::test]
async fn answers_unknown_and_removed_addresses_as_bitbucket_does() {
    let served = Served::start().await;
    for path in ["/nowhere", "/repositories/acme/shop/wiki", "/user/"] {
        let answer = served.get("linked", path).await;
        assert_eq!((answer.status, answer.message().as_str()), (404, "Resource not found"));
        let detail = answer.json()["error"]["detail"].clone();
        assert!(detail.as_str().unwrap().starts_with("There is no API hosted at this URL"));
    }
    let announcement = json!({
        "announcement_url": "https://developer.atlassian.com/cloud/bitbucket/changelog#CHANGE-2770",
    });
    for path in [
        "/workspaces",
        "/repositories",
        "/user/permissions/workspaces",
        "/user/permissions/repositories",
    ] {
        let answer = served.get("linked", path).await;
        assert_eq!(answer.status, 410);
        assert_eq!(
            answer.json(),
            json!({
                "type": "error",
                "error": {
                    "message": "CHANGE-2770 - Functionality has been deprecated",
                    "detail": "Please read the changelog entry for more details.",
                    "data": announcement,
                },
                "data": announcement,
            })
        );
    }
}

#[tokio::test]
async fn pages_hold_everything_once_and_carry_their_parameters() {
    let served = Served::start().await;
    let path = format!("{SHOP}/pullrequests?pagelen=3&sort=id&fields=values.id,next,size");
    let first = served.get("linked", &path).await.json();
    let next = first["next"].as_str().unwrap();
    assert!(next.starts_with(&served.base));
    for part in ["pagelen=3", "sort=id", "fields=values.id%2Cnext%2Csize", "page=2"] {
        assert!(next.contains(part), "{next} lacks {part}");
    }
    assert_eq!(first.as_object().unwrap().len(), 3);
    let ids = super::numbers(&served.all("linked", &path).await);
    let mut sorted = ids.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(ids, sorted);
    assert_eq!(ids.len(), 20);
}

#[tokio::test]
async fn refuses_page_lengths_and_pages_that_do_not_exist() {
    let served = Served::start().await;
    for (path, status, message) in [
        (format!("{SHOP}/pullrequests?pagelen=50"), 200, ""),
        (format!("{SHOP}/pullrequests?pagelen=51"), 400, "Invalid pagelen"),
        (format!("{SHOP}/pullrequests?pagelen=100"), 400, "Invalid pagelen"),
        (format!("{SHOP}/pullrequests?pagelen=0"), 400, "Invalid pagelen"),
        (format!("{SHOP}/pullrequests/42/comments?pagelen=100"), 200, ""),
        (format!("{SHOP}/pullrequests?page=0"), 400, "Invalid page"),
        (format!("{SHOP}/pullrequests?page=abc"), 400, "Invalid page"),
        (format!("{SHOP}/pullrequests?page=900"), 200, ""),
        (format!("{SHOP}/pullrequests/42/commits?page=2"), 400, "Invalid page"),
        // What a client sends that adds its own parameters to a `next` link.
        (format!("{SHOP}/pullrequests?pagelen=10&page=2&pagelen=10"), 400, "Bad request"),
    ] {
        let answer = served.get("linked", &path).await;
        assert_eq!(answer.status, status, "{path}");
        if status != 200 {
            assert_eq!(answer.message(), message, "{path}");
        }
    }
}

#[tokio::test]
async fn filters_lists_and_refuses_what_cannot_be_filtered() {
    let served = Served::start().await;
    let path = format!("{SHOP}/pullrequests?{}", q("id = 42 OR id = 43"));
    assert_eq!(super::numbers(&served.all("linked", &path).await), [43, 42]);
    for (query, message) in [
        (
            r#"participants.user.nickname = "ana""#,
            "participants.user.nickname does not support filtering",
        ),
        ("nonsense = 1", "Unknown field: nonsense"),
        ("id ==", "Invalid query expression"),
    ] {
        let answer = served.get("linked", &format!("{SHOP}/pullrequests?{}", q(query))).await;
        assert_eq!((answer.status, answer.message().as_str()), (400, message), "{query}");
    }
}

#[tokio::test]
async fn answers_304_to_a_known_etag() {
    let served = Served::start().await;
    let first = served.get("linked", SHOP).await;
    let etag = first.header("etag").to_owned();
    let request =
        served.request("linked", reqwest::Method::GET, SHOP).header("if-none-match", etag);
    let second = super::Answer::of(request).await;
    assert_eq!((second.status, second.text.as_str()), (304, ""));
}

#[tokio::test]
async fn leads_from_an_old_name_to_the_new_one_on_the_same_host() {
    let served = Served::start().await;
    let answer =
        served.get("linked", "/repositories/acme/storefront/pullrequests?state=OPEN").await;
    assert_eq!(answer.status, 301);
    assert_eq!(
        answer.header("location"),
        format!("{}/repositories/acme/shop/pullrequests?state=OPEN", served.base)
    );
    assert_eq!(served.get("linked", "/repositories/acme/storefront-old").await.status, 404);
}

#[tokio::test]
async fn answers_with_a_web_page_where_a_lost_repository_has_no_commits() {
    let served = Served::start().await;
    let answer = served.get("linked", "/repositories/acme/none/commits/main").await;
    assert_eq!((answer.status, answer.header("content-type")), (404, "text/html; charset=utf-8"));
    assert!(answer.text.len() > 20_000 && answer.text.contains("data-web-token"));
}
