//! Files and folders.

use serde_json::Value;

use super::{Served, q};

const SRC: &str = "/repositories/acme/shop/src";

fn paths(page: &Value) -> Vec<&str> {
    page["values"].as_array().unwrap().iter().map(|it| it["path"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn sends_the_bare_address_to_the_main_branch_on_the_same_host() {
    let served = Served::start().await;
    let answer = served.get("linked", &format!("{SRC}?pagelen=5")).await;
    assert_eq!(answer.status, 302);
    let target = answer.header("location").to_owned();
    assert!(target.starts_with(&format!("{}{SRC}/", served.base)), "{target}");
    let page = served.get("linked", &target).await.json();
    assert_eq!(
        paths(&page),
        [".editorconfig", ".gitattributes", ".gitignore", ".nvmrc", "CHANGELOG.md"]
    );
    assert_eq!(page["pagelen"], 5);
}

#[tokio::test]
async fn gives_a_file_as_it_is_with_a_type_by_its_name() {
    let served = Served::start().await;
    let answer = served.get("linked", &format!("{SRC}/main/.nvmrc")).await;
    assert_eq!((answer.status, answer.text.as_str()), (200, "22\n"));
    let answer = served.get("linked", &format!("{SRC}/main/tsconfig.json")).await;
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("content-disposition"), "attachment; filename*=UTF-8''tsconfig.json");
    let etag = answer.header("etag").to_owned();
    let same = served.get("linked", &format!("{SRC}/v2.4.0/tsconfig.json")).await;
    assert_eq!(same.header("etag"), etag);
    let picture = served.get("linked", &format!("{SRC}/main/assets/logo.png")).await;
    assert_eq!(picture.header("content-type"), "image/png");
    let umlauts = served.get("linked", &format!("{SRC}/main/docs/größen-und-gewichte.md")).await;
    assert!(umlauts.text.contains("Übergröße"));
}

#[tokio::test]
async fn knows_no_branch_with_a_slash_even_encoded() {
    let served = Served::start().await;
    for branch in ["feature/checkout-rounding", "feature%2Fcheckout-rounding"] {
        let answer = served.get("linked", &format!("{SRC}/{branch}/README.md")).await;
        assert_eq!((answer.status, answer.message()), (404, "Changeset not found.".into()));
    }
    let answer = served.get("linked", &format!("{SRC}/main/none.md")).await;
    assert_eq!(answer.message(), "No such file or directory: none.md");
}

#[tokio::test]
async fn tells_links_binaries_and_large_files_apart_before_a_download() {
    let served = Served::start().await;
    for (path, attribute) in [
        ("docs/latest.md", "link"),
        ("scripts/release.sh", "executable"),
        ("assets/logo.png", "binary"),
        ("assets/hero.psd", "lfs"),
    ] {
        let meta = served.get("linked", &format!("{SRC}/main/{path}?format=meta")).await.json();
        assert_eq!(meta["attributes"], serde_json::json!([attribute]), "{path}");
        assert_eq!(meta["path"], path);
    }
    let meta = served.get("linked", &format!("{SRC}/main/assets/hero.psd?format=meta")).await;
    assert_eq!(meta.json()["size"], 18_874_368);
}

#[tokio::test]
async fn keeps_large_files_at_another_origin_that_wants_no_token() {
    let served = Served::start().await;
    let answer = served.get("linked", &format!("{SRC}/main/assets/hero.psd")).await;
    assert_eq!(answer.status, 301);
    let target = answer.header("location").to_owned();
    assert!(target.starts_with("http://localhost:"), "{target}");
    let target = target.replace("localhost", "127.0.0.1");
    assert_eq!(served.get("linked", &target).await.status, 400);
    let answer = served.http.get(&target).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.text().await.unwrap().starts_with("8BPS"));
}

#[tokio::test]
async fn lists_folders_to_a_depth_and_by_a_filter() {
    let served = Served::start().await;
    let page = served.get("linked", &format!("{SRC}/main/src/checkout")).await.json();
    assert_eq!(
        paths(&page),
        [
            "src/checkout/discount.ts",
            "src/checkout/shipping.ts",
            "src/checkout/tax.ts",
            "src/checkout/total.ts"
        ]
    );
    let filter = q(r#"type="commit_file" AND path ~ "routes""#);
    let page = served.get("linked", &format!("{SRC}/main/src/?max_depth=9&{filter}")).await.json();
    assert_eq!(
        paths(&page),
        ["src/api/routes/articles.ts", "src/api/routes/carts.ts", "src/api/routes/health.ts"]
    );
    let all = served.all("linked", &format!("{SRC}/main/?max_depth=9&pagelen=7")).await;
    assert_eq!(all.len(), 49);
    assert_eq!(served.get("linked", &format!("{SRC}/main/?max_depth=900")).await.status, 555);
    assert_eq!(served.get("linked", &format!("{SRC}/main/?pagelen=101")).await.status, 400);
}
