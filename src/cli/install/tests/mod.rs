//! Whole machines: files as people have them, before and after.

mod attacks;
mod machines;

use std::path::PathBuf;

use clap::Parser;
use tempfile::TempDir;

use super::*;
use crate::config::System;

#[derive(Parser)]
#[command(no_binary_name = true)]
struct Line {
    #[command(flatten)]
    install: Install,
}

/// A home on some operating system.
struct Machine {
    home: TempDir,
    places: Places,
}

impl Machine {
    fn new(system: System) -> Self {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().to_owned();
        let places = Places {
            system,
            config_home: path.join(".config"),
            app_data: path.join("AppData/Roaming"),
            local_app_data: path.join("AppData/Local"),
            claude_config_dir: None,
            codex_home: None,
            gemini_home: None,
            current: path.join("project"),
            program: PathBuf::from("/usr/local/bin/bitbucket-vault-mcp"),
            home: path,
        };
        Self { home, places }
    }

    /// With this file.
    fn with(self, path: &str, text: &str) -> Self {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    fn path(&self, path: &str) -> PathBuf {
        self.home.path().join(path)
    }

    fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.path(path)).unwrap()
    }

    /// What `install` with these arguments would do, and does if it is a change.
    fn install(&self, line: &str) -> String {
        let line = Line::try_parse_from(line.split_whitespace()).unwrap().install;
        let outcome = line.file(&self.places).and_then(|path| {
            match line.decide(&self.places, &path, line.url.clone(), None)? {
                Decision::Nothing(why) => Ok(why),
                Decision::Change(change) => {
                    let shown = change.shown();
                    change.write()?;
                    Ok(shown)
                }
            }
        });
        let said = outcome.unwrap_or_else(|error| format!("error: {error:#}"));
        said.replace(&self.home.path().display().to_string(), "~")
    }

    /// Installs, installs again, and takes away; the file in between.
    fn round(&self, line: &str, file: &str) -> String {
        let before = self.read(file);
        let shown = self.install(line);
        let between = self.read(file);
        let again = self.install(line);
        assert!(again.contains(" already has "), "{again}");
        assert_eq!(self.read(file), between);
        let gone = self.install(&format!("{line} --remove"));
        assert!(!gone.contains("error"), "{gone}");
        assert_eq!(self.read(file), before, "{shown}");
        between
    }

    /// The files below a folder of the home, with nothing left about.
    fn names(&self, folder: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.path(folder)).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

#[test]
fn takes_a_url_that_is_safe_and_holds_no_secret() {
    for (url, taken) in [
        ("https://mcp.example.com/mcp", true),
        ("http://127.0.0.1:8080/mcp", true),
        ("http://localhost:8080/mcp", true),
        ("http://mcp.example.com/mcp", false),
        ("https://mcp.example.com/mcp?token=hush", false),
        ("https://mcp.example.com/mcp#hush", false),
        ("https://ana:hush@mcp.example.com/mcp", false),
        ("ftp://mcp.example.com/mcp", false),
    ] {
        assert_eq!(super::address(url).is_ok(), taken, "{url}");
    }
}
