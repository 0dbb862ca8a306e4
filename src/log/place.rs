//! Places in sources, as tools name them.

use std::sync::LazyLock;

use regex::{Captures, Regex};

/// The forms of a place, the most telling first.
static FORMS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        r#"File "(?P<path>[^"]+)", line (?P<line>\d+)"#,
        r"(?P<path>[\w@~./\\+$-]*[\w-]\.[A-Za-z]{1,6}):\[(?P<line>\d+),(?P<column>\d+)\]",
        r"(?P<path>[\w@~./\\+$-]*[\w-]\.[A-Za-z]{1,6})(?::line |\((?:line )?|:)(?P<line>\d+)(?:[:,](?P<column>\d+))?",
        r"in (?P<path>/\S+\.\w{2,4}) on line (?P<line>\d+)",
    ]
    .into_iter()
    .filter_map(|form| Regex::new(form).ok())
    .collect()
});

/// Code that is not the project's own: frames in it say little.
const LIBRARIES: &[&str] = &[
    "node_modules",
    "site-packages",
    "dist-packages",
    "/rustc/",
    "node:",
    "internal/",
    "/usr/lib/",
    "/usr/local/lib/",
    "/vendor/",
    "<frozen",
    "org.junit",
    "org.opentest4j",
    "org.assertj",
    "java.base",
    "jdk.internal",
    "sun.reflect",
    "java.lang.",
    "org.hamcrest",
    "org.gradle",
    "kotlin.test",
    "/gems/",
    "/usr/share/",
    ".cargo/registry",
    "testing.go:",
    "/go/src/",
];

/// The place that `line` names.
pub(super) fn of(line: &str) -> Option<String> {
    FORMS.iter().find_map(|form| form.captures(line)).map(|found| written(&found))
}

/// Whether `line` is about somebody else's code.
pub(super) fn is_in_library(line: &str) -> bool {
    LIBRARIES.iter().any(|library| line.contains(library))
}

/// The place that best says where to look: the first one in code of the project.
pub(super) fn best<'a>(lines: impl Iterator<Item = &'a str>) -> Option<String> {
    lines.filter(|line| !is_in_library(line)).find_map(of)
}

fn written(found: &Captures<'_>) -> String {
    let part = |name| found.name(name).map(|part| part.as_str());
    let path = part("path").unwrap_or_default();
    // Where Bitbucket clones to is the same everywhere and says nothing.
    let path = if path.starts_with("///") { path.trim_start_matches("//") } else { path };
    let path = path.strip_prefix("/opt/atlassian/pipelines/agent/build/").unwrap_or(path);
    let numbers = [part("line"), part("column")].into_iter().flatten();
    numbers.fold(path.to_owned(), |place, number| format!("{place}:{number}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_places_of_many_tools() {
        for (line, place) in [
            ("  --> src/cart.rs:12:5", "src/cart.rs:12:5"),
            ("src/a.ts(3,5): error TS2304", "src/a.ts:3:5"),
            (
                "[ERROR] /opt/atlassian/pipelines/agent/build/src/Foo.java:[12,8] no",
                "src/Foo.java:12:8",
            ),
            ("  File \"shop/cart.py\", line 7, in total", "shop/cart.py:7"),
            ("    at Object.<anonymous> (src/cart.test.js:14:23)", "src/cart.test.js:14:23"),
            ("   at Shop.CartTest.Total() in /src/CartTest.cs:line 12", "/src/CartTest.cs:12"),
            ("PHP Fatal error:  no in /app/src/Cart.php on line 9", "/app/src/Cart.php:9"),
        ] {
            assert_eq!(of(line).as_deref(), Some(place), "{line:?}");
        }
        assert_eq!(of("finished at 12:30 in 4.5s"), None);
    }
}
