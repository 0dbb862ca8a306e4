use serde_json::{Value, json};

use super::{Served, q};

fn slugs(values: &[Value]) -> Vec<&str> {
    values.iter().map(|value| value["slug"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn tells_people_who_they_are() {
    let served = Served::start().await;
    let me = served.get("limited", "/user").await.json();
    assert_eq!((&me["display_name"], &me["nickname"]), (&json!("Ben Okoye"), &json!("ben")));
    let uuid = me["uuid"].as_str().unwrap();
    let by_uuid =
        served.get("linked", &format!("/users/{}", super::super::shapes::braces(uuid))).await;
    assert_eq!(by_uuid.json()["account_id"], me["account_id"]);
    let path = format!("/users/{}", me["account_id"].as_str().unwrap());
    let by_account = served.get("linked", &path).await;
    assert_eq!(by_account.json()["uuid"], me["uuid"]);
    // Names find nobody.
    assert_eq!(served.get("linked", "/users/ben").await.status, 404);
}

#[tokio::test]
async fn nests_the_slug_of_a_workspace_one_level_down_and_gives_no_name() {
    let served = Served::start().await;
    let page = served.get("linked", "/user/workspaces").await.json();
    assert_eq!(page["pagelen"], 25);
    let values = page["values"].as_array().unwrap();
    let found: Vec<_> = values
        .iter()
        .map(|value| (value["workspace"]["slug"].as_str().unwrap(), value["administrator"] == true))
        .collect();
    assert_eq!(found, [("acme", true), ("side-projects", true)]);
    assert_eq!(values[0]["workspace"].get("name"), None);
    let limited = served.all("limited", "/user/workspaces?administrator=false").await;
    assert_eq!(limited.len(), 1);
    let permission = served.get("limited", "/user/workspaces/acme/permission").await.json();
    assert_eq!(permission["permission"], "member");
}

#[tokio::test]
async fn hides_what_is_not_for_somebody() {
    let served = Served::start().await;
    let ana = served.all("linked", "/repositories/acme").await;
    assert_eq!(slugs(&ana), ["shop", "docs", "infrastructure"]);
    for (who, path, message) in [
        ("linked", "/repositories/acme/none", "Repository acme/none not found"),
        ("linked", "/repositories/acme/secret-plans", "Repository acme/secret-plans not found"),
        (
            "limited",
            "/repositories/side-projects/notes",
            "Repository side-projects/notes not found",
        ),
        ("limited", "/workspaces/side-projects", "No workspace with identifier 'side-projects'."),
    ] {
        let answer = served.get(who, path).await;
        assert_eq!((answer.status, answer.message().as_str()), (404, message));
    }
    assert_eq!(served.get("cleo", "/repositories/acme/secret-plans").await.status, 200);
    let uuid = ana[0]["uuid"].as_str().unwrap();
    let by_uuid = format!("/repositories/acme/{}", super::super::shapes::braces(uuid));
    assert_eq!(served.get("linked", &by_uuid).await.json()["slug"], "shop");
}

#[tokio::test]
async fn filters_repositories_by_role_and_query() {
    let served = Served::start().await;
    let admin = served.all("limited", "/repositories/acme?role=admin").await;
    assert_eq!(slugs(&admin), Vec::<&str>::new());
    let contributor = served.all("limited", "/repositories/acme?role=contributor").await;
    assert_eq!(slugs(&contributor), ["shop", "docs"]);
    let query = q(r#"name ~ "DOC" AND project.key = "SHOP""#);
    let found = served.all("linked", &format!("/repositories/acme?{query}")).await;
    assert_eq!(slugs(&found), ["docs"]);
    assert_eq!(served.get("linked", "/repositories/acme?role=king").await.status, 400);
}

#[tokio::test]
async fn lists_members_and_projects() {
    let served = Served::start().await;
    let members = served.all("linked", "/workspaces/acme/members").await;
    let names: Vec<&str> =
        members.iter().map(|value| value["user"]["nickname"].as_str().unwrap()).collect();
    assert_eq!(names, ["ana", "ben", "gus", "cleo", "dora"]);
    let query = q(r#"user.nickname = "cleo""#);
    let cleo = served.all("linked", &format!("/workspaces/acme/members?{query}")).await;
    assert_eq!(cleo.len(), 1);
    let query = q(r#"user.display_name ~ "Cleo""#);
    assert_eq!(
        served.get("linked", &format!("/workspaces/acme/members?{query}")).await.status,
        400
    );
    let query = q(r#"user.email IN ("cleo@example.test")"#);
    assert_eq!(
        served.get("limited", &format!("/workspaces/acme/members?{query}")).await.status,
        403
    );
    let projects = served.all("linked", "/workspaces/acme/projects").await;
    let keys: Vec<&str> = projects.iter().map(|value| value["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["SHOP", "OPS"]);
}

#[tokio::test]
async fn tells_own_default_reviewers_from_inherited_ones() {
    let served = Served::start().await;
    let path = "/repositories/acme/shop/effective-default-reviewers";
    let found: Vec<(String, String)> = served
        .all("linked", path)
        .await
        .iter()
        .map(|value| {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            (text(&value["reviewer_type"]), text(&value["user"]["nickname"]))
        })
        .collect();
    let expected = [("repository", "ana"), ("repository", "ben"), ("project", "gus")];
    assert_eq!(found, expected.map(|(kind, who)| (kind.to_owned(), who.to_owned())));
    let own = served.all("linked", "/repositories/acme/shop/default-reviewers").await;
    assert_eq!(own.len(), 2);
}
