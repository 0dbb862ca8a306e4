//! `acme/shop`: the repository that most of the sandbox's life is in.

use super::super::git::{Annotation, Result};
use super::files::{self, README};
use super::history::{Author, Edit, End, History, Request, time, write};
use super::lock_file::{PACKAGES, lock_file};
use super::{SeededRepository, checkout, code, review, shop_open, shop_requests};

/// The repository with all its branches, tags and pull requests.
pub(super) fn repository() -> Result<SeededRepository> {
    let mut history = History::new("main")?;
    begin(&history)?;
    let mut before_27 = None;
    for request in shop_requests::requests() {
        if request.number == 27 {
            before_27 = Some(history.tip()?);
        }
        history.request(request)?;
    }
    let released = history.commit(
        Author::Ana,
        "2026-11-09T08:05:00Z",
        "Release 2.4.0\n",
        &[
            Edit::Replace("package.json", "\"version\": \"2.3.0\"", "\"version\": \"2.4.0\""),
            Edit::Replace("package-lock.json", "\"version\": \"2.3.0\"", "\"version\": \"2.4.0\""),
            Edit::Replace("package-lock.json", "\"version\": \"2.3.0\"", "\"version\": \"2.4.0\""),
            Edit::Replace(
                "CHANGELOG.md",
                "# Changelog\n",
                "# Changelog\n\n## 2.4.0 (2026-11-09)\n\n- Shipping is free from 75.00 on.\n",
            ),
        ],
    )?;
    review::request(&mut history)?;
    for mut request in shop_open::special() {
        if request.number == 43 {
            request.base.clone_from(&before_27);
        }
        history.request(request)?;
    }
    tag(&history, &released)?;
    Ok(SeededRepository {
        workspace: "acme",
        slug: "shop",
        name: "Shop",
        description: "The web shop: carts, checkout and price lists",
        language: "typescript",
        main_branch: "main",
        created_on: time("2026-06-01T07:30:00Z")?,
        git: history.git,
        pull_requests: history.requests,
    })
}

/// A small request on top of main.
pub(super) fn request(
    number: u64,
    author: Author,
    branch: &'static str,
    title: &'static str,
    opened: &'static str,
    end: End,
    edits: Vec<Edit>,
) -> Request {
    Request { number, author, branch, title, opened, end, base: None, edits }
}

fn begin(history: &History) -> Result<()> {
    let first = [
        write("README.md", README),
        write(".gitignore", files::IGNORED),
        write("package.json", files::PACKAGE),
        write("package-lock.json", lock_file("2.3.0", PACKAGES)),
        write("tsconfig.json", files::TYPESCRIPT),
        write("bitbucket-pipelines.yml", files::PIPELINES),
        Edit::Script("scripts/release.sh", files::RELEASE),
        write("src/index.ts", code::INDEX),
        write("src/api/server.ts", code::SERVER),
        write("src/api/routes/articles.ts", code::ARTICLES),
        write("src/api/routes/carts.ts", code::CARTS),
        write("src/cart.ts", code::CART),
        write("src/catalogue.ts", code::CATALOGUE),
        write("src/checkout/total.ts", checkout::TOTAL),
        write("src/checkout/tax.ts", checkout::TAX),
        write("src/checkout/discount.ts", checkout::DISCOUNT),
        write("src/checkout/shipping.ts", checkout::SHIPPING),
        write("src/util/round.ts", checkout::ROUND),
        write("tests/cart.test.ts", code::CART_TEST),
        write("tests/checkout.test.ts", checkout::CHECKOUT_TEST),
        write("CHANGELOG.md", files::CHANGES),
    ];
    let pictures = [
        write(".gitattributes", files::ATTRIBUTES),
        Edit::Bytes("assets/logo.png", files::LOGO.to_vec()),
        write("assets/hero.psd", files::HERO),
        write("docs/architecture.md", files::ARCHITECTURE),
        write("docs/api.md", files::API),
        write("docs/größen-und-gewichte.md", files::SIZES),
        Edit::Link("docs/latest.md", "architecture.md"),
    ];
    let pricing = [
        write("pricing/Cargo.toml", files::PRICING_PACKAGE),
        write("pricing/src/lib.rs", files::PRICING),
    ];
    let ana = Author::Ana;
    history.commit(ana, "2026-06-01T07:42:00Z", "Begin the shop\n", &first)?;
    history.commit(ana, "2026-06-08T13:20:00Z", "Add pictures and documents\n", &pictures)?;
    let message = "Keep the price lists in Rust\n\nThey are shared with the till in the stores.\n";
    history.commit(Author::Dmitri, "2026-06-15T10:02:00Z", message, &pricing)?;
    Ok(())
}

fn tag(history: &History, released: &str) -> Result<()> {
    let git = &history.git;
    let merged = |number: u64| {
        history.requests.iter().find(|request| request.number == number).map(|request| {
            // A merged request's destination is the commit before the merge.
            request.destination_hash.clone()
        })
    };
    let ana = Author::Ana.signature();
    let annotated = |name: &str, hash: &str, message: &str, when: &str| -> Result<()> {
        let annotation = Annotation { tagger: ana, message, when: time(when)? };
        git.set_tag(name, hash, Some(annotation))
    };
    if let (Some(first), Some(second)) = (merged(9), merged(21)) {
        annotated("v2.2.0", &first, "Discount codes\n", "2026-08-03T09:00:00Z")?;
        git.set_tag("v2.3.0-rc1", &second, None)?;
        annotated("v2.3.0", &second, "Search and free shipping\n", "2026-10-12T09:00:00Z")?;
    }
    annotated("v2.4.0", released, "Free shipping from 75.00\n", "2026-11-09T08:10:00Z")?;
    git.set_tag("v2.10.0-beta", released, None)?;
    git.set_tag("nightly/2026-11-18", released, None)
}
