//! The settings: whether they can be used, and which of them do nothing.

use super::Line;
use crate::config::{Config, Problems, Sources};
use crate::setup::Row;

const SETTINGS: Line = Line {
    id: "local.settings",
    requirement: "settings",
    wanted: "all that the server needs to start",
    why: "the server does not start",
};

const IGNORED: Line = Line {
    id: "local.settings_ignored",
    requirement: "settings without effect",
    wanted: "none",
    why: "somebody hopes for something that does not happen",
};

pub(super) fn rows(sources: &Sources, loaded: &Result<Config, Problems>) -> Vec<Row> {
    let file = match &sources.file {
        Some(file) => format!("environment and `{}`", file.path.display()),
        None => "environment alone, there is no configuration file".to_owned(),
    };
    match loaded {
        Ok(config) => {
            let ignored = match config.warnings.as_slice() {
                [] => IGNORED.ok("none"),
                warnings => {
                    IGNORED.wrong(warnings.join("; "), "take them out, or give what they need")
                }
            };
            vec![SETTINGS.ok(file), ignored]
        }
        // One row each would need a name each; scripts read this one.
        Err(problems) => {
            let found: Vec<String> = problems
                .iter()
                .map(|problem| format!("{} {}", problem.name, problem.what))
                .collect();
            let fixes: Vec<String> = problems
                .iter()
                .map(|problem| format!("{}: {}", problem.name, problem.hint))
                .collect();
            let missing = problems.iter().all(|problem| problem.what == "is missing");
            let (found, fix) = (found.join("; "), fixes.join("; "));
            vec![if missing { SETTINGS.missing(found, fix) } else { SETTINGS.wrong(found, fix) }]
        }
    }
}
