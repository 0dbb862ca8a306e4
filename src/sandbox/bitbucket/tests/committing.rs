//! Commits without a clone.

use reqwest::Method;

use super::{Answer, Served};

const SRC: &str = "/repositories/acme/shop/src";

async fn commit(served: &Served, who: &str, fields: &[(&str, &str)]) -> Answer {
    Answer::of(served.request(who, Method::POST, SRC).form(fields)).await
}

#[tokio::test]
async fn commits_to_a_new_branch_and_says_where() {
    let served = Served::start().await;
    let fields = [
        ("branch", "feature/edit"),
        ("message", "Edit two files"),
        ("docs/new.md", "# New\n"),
        ("/message", "a file by that name\n"),
        ("files", "docs/new.md"),
        ("files", ".nvmrc"),
    ];
    let answer = commit(&served, "linked", &fields).await;
    assert_eq!((answer.status, answer.text.as_str()), (201, ""));
    let made = served.get("linked", answer.header("location")).await.json();
    assert_eq!(made["message"], "Edit two files");
    assert_eq!(made["author"]["user"]["nickname"], "ana");
    let hash = made["hash"].as_str().unwrap();
    let stat = served.get("linked", &format!("/repositories/acme/shop/diffstat/{hash}")).await;
    let told: Vec<_> = stat.json()["values"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| format!("{} {} {}", it["status"], it["old"]["path"], it["new"]["path"]))
        .collect();
    assert_eq!(
        told,
        [
            r#""removed" ".nvmrc" null"#,
            r#""added" null "docs/new.md""#,
            r#""added" null "message""#
        ]
    );
}

#[tokio::test]
async fn takes_a_parent_as_a_lock() {
    let served = Served::start().await;
    let branch = served.get("linked", "/repositories/acme/shop/refs/branches/main").await.json();
    let tip = branch["target"]["hash"].as_str().unwrap().to_owned();
    let fields = [("branch", "main"), ("parents", tip.as_str()), ("a.txt", "a\n")];
    assert_eq!(commit(&served, "linked", &fields).await.status, 201);
    assert_eq!(commit(&served, "linked", &fields).await.status, 409);
}

#[tokio::test]
async fn refuses_what_is_not_allowed() {
    let served = Served::start().await;
    let answer = commit(&served, "limited", &[("a.txt", "a\n")]).await;
    assert_eq!(answer.status, 403);
    let answer = commit(&served, "linked", &[("../a.txt", "a\n")]).await;
    assert_eq!(answer.status, 400);
    let answer = commit(&served, "linked", &[("files", "none.txt")]).await;
    assert_eq!(answer.status, 400);
    let json = served.request("linked", Method::POST, SRC).json(&super::nothing());
    assert_eq!(Answer::of(json).await.message(), "A form is needed.");
}
