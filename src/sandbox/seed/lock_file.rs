//! A `package-lock.json`, long as they are.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// What the shop depends on from the beginning, by name and version.
pub(super) const PACKAGES: &[(&str, &str)] = &[
    ("accepts", "1.3.8"),
    ("array-flatten", "1.1.1"),
    ("body-parser", "1.20.3"),
    ("bytes", "3.1.2"),
    ("call-bind", "1.0.7"),
    ("content-type", "1.0.5"),
    ("cookie", "0.7.1"),
    ("debug", "2.6.9"),
    ("depd", "2.0.0"),
    ("ee-first", "1.1.1"),
    ("encodeurl", "2.0.0"),
    ("escape-html", "1.0.3"),
    ("etag", "1.8.1"),
    ("express", "4.21.2"),
    ("finalhandler", "1.3.1"),
    ("forwarded", "0.2.0"),
    ("fresh", "0.5.2"),
    ("http-errors", "2.0.0"),
    ("iconv-lite", "0.4.24"),
    ("inherits", "2.0.4"),
    ("media-typer", "0.3.0"),
    ("merge-descriptors", "1.0.3"),
    ("mime-types", "2.1.35"),
    ("ms", "2.0.0"),
    ("parseurl", "1.3.3"),
    ("path-to-regexp", "0.1.12"),
    ("proxy-addr", "2.0.7"),
    ("qs", "6.13.0"),
    ("range-parser", "1.2.1"),
    ("raw-body", "2.5.2"),
    ("safe-buffer", "5.2.1"),
    ("send", "0.19.0"),
    ("serve-static", "1.16.2"),
    ("setprototypeof", "1.2.0"),
    ("statuses", "2.0.1"),
    ("toidentifier", "1.0.1"),
    ("type-is", "1.6.18"),
    ("typescript", "5.6.3"),
    ("unpipe", "1.0.0"),
    ("vary", "1.1.2"),
    ("zod", "3.23.8"),
];

/// The packages since `debug` was updated.
pub(super) fn updated() -> Vec<(&'static str, &'static str)> {
    let mut packages = PACKAGES.to_vec();
    packages.retain(|(name, _)| *name != "debug");
    packages.push(("debug", "2.6.10"));
    packages
}

/// The file that locks these packages, nine lines for each.
pub(super) fn lock_file(version: &str, packages: &[(&str, &str)]) -> String {
    let mut sorted = packages.to_vec();
    sorted.sort_unstable();
    let mut text = format!(
        "{{\n  \"name\": \"shop\",\n  \"version\": \"{version}\",\n  \"lockfileVersion\": 3,\n  \
         \"requires\": true,\n  \"packages\": {{\n    \"\": {{\n      \"name\": \"shop\",\n      \
         \"version\": \"{version}\"\n    }}"
    );
    for (name, version) in sorted {
        let digest = Sha256::digest(format!("{name}@{version}"));
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        // Writing to a `String` cannot fail.
        let _ = write!(
            text,
            ",\n    \"node_modules/{name}\": {{\n      \"version\": \"{version}\",\n      \
             \"resolved\": \"https://registry.npmjs.org/{name}/-/{name}-{version}.tgz\",\n      \
             \"integrity\": \"sha512-{digest}\",\n      \"license\": \"MIT\",\n      \
             \"engines\": {{\n        \"node\": \">= 0.8\"\n      }}\n    }}"
        );
    }
    text.push_str("\n  }\n}\n");
    text
}
