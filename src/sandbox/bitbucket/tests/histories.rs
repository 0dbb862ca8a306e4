//! Branches, tags, commits and diffs.

use serde_json::{Value, json};

use super::{Served, q};

const R: &str = "/repositories/acme/shop";

fn names(page: &Value) -> Vec<&str> {
    page["values"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect()
}

async fn hash(served: &Served, branch: &str) -> String {
    let branch = served.get("linked", &format!("{R}/refs/branches/{branch}")).await.json();
    branch["target"]["hash"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn finds_a_branch_with_a_slash_raw_and_encoded() {
    let served = Served::start().await;
    for name in ["feature/checkout-rounding", "feature%2Fcheckout-rounding"] {
        let branch = served.get("linked", &format!("{R}/refs/branches/{name}")).await.json();
        assert_eq!(branch["name"], "feature/checkout-rounding");
        assert_eq!(branch["target"]["author"]["user"]["nickname"], "cleo");
        assert_eq!(branch["default_merge_strategy"], "merge_commit");
    }
    let missing = served.get("linked", &format!("{R}/refs/branches/none")).await;
    assert_eq!((missing.status, missing.message()), (404, "No branch with name \"none\".".into()));
}

#[tokio::test]
async fn filters_and_sorts_references() {
    let served = Served::start().await;
    let by_name = format!("{R}/refs/branches?{}&pagelen=100", q(r#"name ~ "experiment""#));
    let page = served.get("linked", &by_name).await.json();
    assert_eq!(names(&page), ["experiment/bun", "experiment/deno", "experiment/wasm-threads"]);
    let newest = format!("{R}/refs/branches?sort=-target.date&pagelen=3");
    let page = served.get("linked", &newest).await.json();
    assert_eq!(
        names(&page),
        ["feature/languages", "docs/notes-for-reviewers", "fix/tax-on-shipping"]
    );
    let page = served.get("linked", &format!("{R}/refs/tags?sort=name")).await.json();
    assert_eq!(
        names(&page),
        ["nightly/2026-11-18", "v2.2.0", "v2.3.0", "v2.3.0-rc1", "v2.4.0", "v2.10.0-beta"]
    );
    let light = served.get("linked", &format!("{R}/refs/tags/nightly/2026-11-18")).await.json();
    assert_eq!((&light["tagger"], &light["message"]), (&Value::Null, &Value::Null));
    let annotated = served.get("linked", &format!("{R}/refs/tags/v2.4.0")).await.json();
    assert_eq!(annotated["tagger"]["raw"], "Ana Lima <ana@example.test>");
}

#[tokio::test]
async fn creates_and_deletes_references_for_those_who_may() {
    let served = Served::start().await;
    let branches = format!("{R}/refs/branches");
    let body = json!({ "name": "feature/new", "target": { "hash": "main" } });
    assert_eq!(served.post("limited", &branches, body.clone()).await.status, 403);
    assert_eq!(served.post("linked", &branches, body.clone()).await.status, 201);
    assert_eq!(served.post("linked", &branches, body).await.status, 400);
    assert_eq!(hash(&served, "feature/new").await, hash(&served, "main").await);
    assert_eq!(served.delete("linked", &format!("{branches}/feature/new")).await.status, 204);
    assert_eq!(served.delete("linked", &format!("{branches}/main")).await.status, 400);
    let body = json!({ "name": "v3", "target": { "hash": "main" }, "message": "Three" });
    let tag = served.post("linked", &format!("{R}/refs/tags"), body).await.json();
    assert_eq!(tag["tagger"]["user"]["nickname"], "ana");
    assert_eq!(served.delete("linked", &format!("{R}/refs/tags/v3")).await.status, 204);
}

#[tokio::test]
async fn pages_through_the_log_by_marks_without_a_size() {
    let served = Served::start().await;
    let page = served.get("linked", &format!("{R}/commits/main?pagelen=10")).await.json();
    assert_eq!(page.get("size"), None);
    let next = page["next"].as_str().unwrap();
    let mark = next.split("page=").last().unwrap();
    assert!(mark.len() >= 12 && mark.bytes().all(|byte| byte.is_ascii_hexdigit()), "{next}");
    let all = served.all("linked", &format!("{R}/commits/main?pagelen=10")).await;
    assert_eq!(all.len(), 26);
    assert_eq!(all.last().unwrap()["message"], "Begin the shop\n");
    let unknown = &all[all.len() - 3];
    assert_eq!(unknown["author"]["raw"], "Dmitri Petrov <dmitri@left.example.test>");
    assert_eq!(unknown["author"].get("user"), None);
}

#[tokio::test]
async fn limits_the_log_to_a_path_and_to_what_is_new() {
    let served = Served::start().await;
    let shipping = format!("{R}/commits/main?path=src/checkout/shipping.ts");
    assert_eq!(served.all("linked", &shipping).await.len(), 2);
    let source = hash(&served, "feature/checkout-rounding").await;
    let new = format!("{R}/commits?include={source}&exclude=main");
    let messages: Vec<Value> =
        served.all("linked", &new).await.iter().map(|it| it["summary"]["raw"].clone()).collect();
    assert_eq!(
        messages,
        [
            "Document the rounding, and prepare 2.4.1\n",
            "Round once, at the end of the checkout\n",
            "Add an amount type that keeps fractions of a cent\n\nIt is not used yet.\n"
        ]
    );
    assert_eq!(served.get("linked", &format!("{R}/commits?include=none")).await.status, 404);
}

#[tokio::test]
async fn follows_a_file_to_its_former_name() {
    let served = Served::start().await;
    let source = hash(&served, "feature/checkout-rounding").await;
    let address = format!("{R}/filehistory/{source}/src/money/round.ts");
    let followed = served.all("linked", &address).await;
    let paths: Vec<_> = followed.iter().map(|it| it["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["src/money/round.ts", "src/util/round.ts"]);
    assert_eq!(followed[0]["commit"].get("date"), None);
    let not = served.all("linked", &format!("{address}?renames=false")).await;
    assert_eq!(not.len(), 1);
    let dates = format!("{address}?fields=values.commit.date");
    assert_eq!(
        served.get("linked", &dates).await.json()["values"][0]["commit"]["date"],
        "2026-11-12T09:14:00+00:00"
    );
}

#[tokio::test]
async fn compares_in_the_reverse_of_gits_order() {
    let served = Served::start().await;
    let source = hash(&served, "feature/free-from-40").await;
    let forth = served.get("linked", &format!("{R}/diff/{source}..main")).await;
    assert_eq!(forth.header("content-type"), "text/plain");
    insta::assert_snapshot!(forth.text, @r#"
    diff --git a/src/checkout/shipping.ts b/src/checkout/shipping.ts
    index 533d617..42e7e91 100644
    --- a/src/checkout/shipping.ts
    +++ b/src/checkout/shipping.ts
    @@ -2,7 +2,7 @@ import type { Cart } from "../cart.js";
     import { find } from "../catalogue.js";
     
     /** Shipping is free from here on, in cents. */
    -export const FREE_FROM = 5000;
    +export const FREE_FROM = 4000;
     
     const BY_WEIGHT = [
       { upTo: 1000, price: 390 },
    "#);
    // Three dots from the other side: what main has gained since, of which this is a part.
    let back = served.get("linked", &format!("{R}/diffstat/main..{source}")).await.json();
    assert_eq!(back["values"][0]["new"]["path"], "CHANGELOG.md");
    // Two dots: main's own change is taken back as well.
    let two =
        format!("{R}/diff/{source}..main?topic=false&path=src/checkout/shipping.ts&context=0");
    insta::assert_snapshot!(served.get("linked", &two).await.text, @r#"
    diff --git a/src/checkout/shipping.ts b/src/checkout/shipping.ts
    index 3477466..42e7e91 100644
    --- a/src/checkout/shipping.ts
    +++ b/src/checkout/shipping.ts
    @@ -5 +5 @@ import { find } from "../catalogue.js";
    -export const FREE_FROM = 7500;
    +export const FREE_FROM = 4000;
    "#);
    let base = served.get("linked", &format!("{R}/merge-base/{source}..main")).await.json();
    assert_eq!(base["type"], "commit");
    let slash = served.get("linked", &format!("{R}/diff/feature/free-from-40..main")).await;
    assert_eq!((slash.status, slash.message()), (404, "Changeset not found.".into()));
}

#[tokio::test]
async fn shows_the_diff_that_a_pull_request_leads_to() {
    let served = Served::start().await;
    let way = served.get("linked", &format!("{R}/pullrequests/42/diffstat")).await;
    assert_eq!(way.status, 302);
    let target = way.header("location").to_owned();
    assert!(target.contains("%0D"), "{target}");
    let stat = served.get("linked", &target).await.json();
    let told: Vec<String> = stat["values"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| {
            let path = file["new"]["path"].as_str().unwrap();
            let status = file["status"].as_str().unwrap();
            format!("{status} {path} +{} -{}", file["lines_added"], file["lines_removed"])
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    modified CHANGELOG.md +4 -0
    added docs/rounding.md +21 -0
    modified package-lock.json +386 -26
    modified package.json +2 -1
    modified src/checkout/discount.ts +4 -4
    modified src/checkout/tax.ts +4 -4
    modified src/checkout/total.ts +8 -9
    added src/money/money.ts +78 -0
    renamed src/money/round.ts +0 -0
    modified tests/checkout.test.ts +9 -0
    added tests/fixtures/rounding.json +362 -0
    added tests/money.test.ts +48 -0
    "#);
    assert_eq!(stat["size"], 12);
    let one = format!("{}&path=src/checkout/tax.ts", target.replace("/diffstat/", "/diff/"));
    insta::assert_snapshot!(served.get("linked", &one).await.text, @r#"
    diff --git a/src/checkout/tax.ts b/src/checkout/tax.ts
    index 9aae215..b423ae6 100644
    --- a/src/checkout/tax.ts
    +++ b/src/checkout/tax.ts
    @@ -1,9 +1,9 @@
    -import { round } from "../util/round.js";
    +import type { Money } from "../money/money.js";
     
     /** The rate in per cent. */
     export const RATE = 19;
     
    -/** The tax on a net amount, in cents. */
    -export function tax(net: number): number {
    -  return round((net * RATE) / 100);
    +/** The tax on a net amount, not rounded. */
    +export function tax(net: Money): Money {
    +  return net.percent(RATE);
     }
    "#);
}

#[tokio::test]
async fn compares_one_commit_with_its_first_parent() {
    let served = Served::start().await;
    let page = served.get("linked", &format!("{R}/commits/main?path=.nvmrc")).await.json();
    let hash = page["values"][0]["hash"].as_str().unwrap();
    let patch = served.get("linked", &format!("{R}/patch/{hash}")).await;
    insta::assert_snapshot!(patch.text, @r#"
    From 007948d68287ce5d38c5054fa2ae5cb6334c380a Mon Sep 17 00:00:00 2001
    From: Ana Lima <ana@example.test>
    Date: Tue, 21 Jul 2026 14:05:00 +0000
    Subject: [PATCH] Merged in chore/node-22 (pull request #6)

    Move to Node 22

    Approved-by: Ana Lima
    ---
    diff --git a/.nvmrc b/.nvmrc
    new file mode 100644
    index 0000000..2bd5a0a
    --- /dev/null
    +++ b/.nvmrc
    @@ -0,0 +1 @@
    +22
    -- 
    2.43.0
    "#);
    let commit = served.get("linked", &format!("{R}/commit/{}", &hash[..9])).await.json();
    assert_eq!(commit["hash"], hash);
    assert_eq!(commit["participants"], json!([]));
    let missing = served.get("linked", &format!("{R}/commit/0000000")).await;
    assert_eq!((missing.status, missing.message()), (404, "Changeset not found.".into()));
}
