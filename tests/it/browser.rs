//! The pages that people see, in a real browser.
//!
//! It needs Chromium: at `$CHROMIUM`, or where Linux has it. The screenshots are for somebody to look
//! at, in `target/tmp/pages`.

use std::ffi::OsString;
use std::path::Path;

use crate::clients::{leave_out, play};

const SCRIPT: &str = "pages.mjs";

#[test]
fn people_link_and_unlink_in_chromium() {
    let chromium = chromium();
    if !Path::new(&chromium).exists() {
        return leave_out(SCRIPT, Path::new(&chromium));
    }
    let screenshots = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
    let arguments = [chromium.to_str().unwrap(), screenshots.to_str().unwrap()];
    play("browser", "node_modules/playwright-core", SCRIPT, &arguments);
}

#[expect(clippy::disallowed_methods, reason = "where this machine has its browser is no setting")]
fn chromium() -> OsString {
    std::env::var_os("CHROMIUM").unwrap_or_else(|| "/usr/bin/chromium".into())
}
