//! The parts of a pull request: its files, threads, builds, tasks, and whether it can be merged.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::Serialize;

use super::shape::{bare, changes, count, path};
use super::threads::{Thread, threads};
use crate::bitbucket::{Build, Comment, FileChange, MergeCheck, Mergeability, Page, Task};
use crate::diff::is_generated;
use crate::text::Foreign;

/// How many files are read.
pub(super) const MOST_FILES: usize = 1_000;
/// How much of each is shown when it is one part of several, and when it was asked for alone.
pub(super) const SHOWN: Shown = Shown { files: 100, threads: 40, body: 4_000, comment: 800 };
pub(super) const SHOWN_ALONE: Shown =
    Shown { files: 1_000, threads: 200, body: 60_000, comment: 4_000 };

/// How much of each part is shown.
#[derive(Clone, Copy)]
pub(super) struct Shown {
    pub(super) files: usize,
    pub(super) threads: usize,
    pub(super) body: usize,
    pub(super) comment: usize,
}

/// The changed files.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Files {
    /// How many there are.
    count: u64,
    /// Whether there are more than were read.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    incomplete: bool,
    /// Lines that came, in the files that were read.
    added: u64,
    /// Lines that went, in the files that were read.
    removed: u64,
    /// The files, or the first of them.
    files: Vec<File>,
}

/// A changed file.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct File {
    /// Where it is.
    path: Foreign,
    /// What happened to it, if it was not just modified.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Foreign>,
    /// Where it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<Foreign>,
    /// Lines that came.
    added: u64,
    /// Lines that went.
    removed: u64,
    /// Whether a program wrote it, so that the diff leaves it out unless asked.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    generated: bool,
}

/// The threads.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Threads {
    /// How many are not resolved.
    open: usize,
    /// How many are resolved; they are left out.
    resolved: usize,
    /// Whether there are more comments than were read.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    incomplete: bool,
    /// The open ones, or the first of them.
    threads: Vec<Thread>,
}

/// A build.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct BuildRow {
    /// Its name.
    name: Foreign,
    /// How it went.
    state: Foreign,
    /// What it says.
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<Foreign>,
}

/// The tasks.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Tasks {
    /// How many there are.
    count: usize,
    /// Those still to be done.
    open: Vec<TaskRow>,
}

/// A task.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct TaskRow {
    /// Its id.
    id: u64,
    /// What is to be done.
    text: Foreign,
    /// The comment it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<u64>,
}

/// Whether it can be merged.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Verdict {
    /// `yes`, `no` or `cannot_tell`.
    can_merge: &'static str,
    /// What stands against it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<Foreign>,
    /// What Bitbucket warns about, and merges all the same.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<Foreign>,
}

impl Files {
    pub(super) fn new(page: &Page<FileChange>, shown: Shown) -> Self {
        Self {
            count: page.size.unwrap_or(page.values.len() as u64),
            incomplete: page.next.is_some(),
            added: page.values.iter().map(|file| file.lines_added).sum(),
            removed: page.values.iter().map(|file| file.lines_removed).sum(),
            files: page.values.iter().take(shown.files).map(File::from).collect(),
        }
    }
}

impl From<&FileChange> for File {
    fn from(file: &FileChange) -> Self {
        let status = Foreign::line(&file.status, 40);
        Self {
            path: path(file.path()),
            status: Some(status).filter(|status| !matches!(status.as_str(), "" | "modified")),
            from: file.moved_from().map(path),
            added: file.lines_added,
            removed: file.lines_removed,
            generated: is_generated(file.path()),
        }
    }
}

impl Threads {
    pub(super) fn new(page: &Page<Comment>, shown: Shown) -> Self {
        let all = threads(&page.values, shown.comment);
        let resolved = all.iter().filter(|thread| thread.resolved).count();
        Self {
            open: all.len() - resolved,
            resolved,
            incomplete: page.next.is_some(),
            threads: all
                .into_iter()
                .filter(|thread| !thread.resolved)
                .take(shown.threads)
                .collect(),
        }
    }
}

impl From<&Build> for BuildRow {
    fn from(build: &Build) -> Self {
        let name = if build.name.is_empty() { &build.key } else { &build.name };
        // Of a build that went well, nobody needs the story.
        let story = if build.state == "SUCCESSFUL" { "" } else { &build.description };
        let description = Foreign::line(story, 200);
        Self {
            name: Foreign::line(name, 80),
            state: Foreign::line(&build.state, 40),
            description: Some(description).filter(|text| !text.is_empty()),
        }
    }
}

impl From<Vec<Task>> for Tasks {
    fn from(tasks: Vec<Task>) -> Self {
        let open = tasks.iter().filter(|task| task.is_open()).map(|task| TaskRow {
            id: task.id,
            text: Foreign::line(&task.content.raw, 300),
            comment: task.comment.id,
        });
        Self { count: tasks.len(), open: open.collect() }
    }
}

impl Verdict {
    pub(super) fn new(checks: Option<Mergeability>) -> Self {
        let Some(checks) = checks.filter(|checks| !checks.values.is_empty()) else {
            return Self { can_merge: "cannot_tell", reasons: Vec::new(), warnings: Vec::new() };
        };
        let failed = checks.values.iter().filter(|check| check.has_failed());
        let (reasons, warnings): (Vec<_>, Vec<_>) = failed.partition(|check| check.blocks());
        let why = |checks: Vec<&MergeCheck>| checks.iter().map(|check| check.why()).collect();
        let can_merge = if reasons.is_empty() { "yes" } else { "no" };
        Self { can_merge, reasons: why(reasons), warnings: why(warnings) }
    }
}

impl Verdict {
    pub(super) fn write(&self, text: &mut String) {
        match self.can_merge {
            "cannot_tell" => {
                text.push_str("\ncan merge: cannot tell, Bitbucket's checks did not answer")
            }
            can_merge => {
                let _ = write!(text, "\ncan merge: {can_merge}");
                for (word, list) in [("", &self.reasons), ("; warnings", &self.warnings)] {
                    let list: Vec<String> = list.iter().map(Foreign::quoted).collect();
                    if !list.is_empty() {
                        let _ = write!(text, "{word}: {}", list.join(", "));
                    }
                }
            }
        }
    }
}

/// How many went well in a number, and every other one by its name.
pub(super) fn write_builds(text: &mut String, builds: &[BuildRow]) {
    let good = builds.iter().filter(|build| build.state.as_str() == "SUCCESSFUL").count();
    let mut parts = Vec::new();
    if good > 0 {
        parts.push(format!("{good} successful"));
    }
    for build in builds.iter().filter(|build| build.state.as_str() != "SUCCESSFUL") {
        let state = match build.state.as_str() {
            "INPROGRESS" => "in progress".to_owned(),
            "FAILED" => "failed".to_owned(),
            "STOPPED" => "stopped".to_owned(),
            _ => build.state.quoted(),
        };
        let mut part = format!("{} {state}", build.name.quoted());
        if let Some(description) = &build.description {
            let _ = write!(part, ": {}", description.quoted());
        }
        parts.push(part);
    }
    let parts = if parts.is_empty() { "none".to_owned() } else { parts.join(", ") };
    let _ = write!(text, "\nbuilds: {parts}");
}

impl Tasks {
    pub(super) fn write(&self, text: &mut String) {
        if self.count == 0 {
            text.push_str("\ntasks: none");
            return;
        }
        let _ = write!(text, "\ntasks: {} open of {}", self.open.len(), self.count);
        for task in &self.open {
            let _ = write!(text, "\n task {} {}", task.id, task.text.quoted());
            if let Some(comment) = task.comment {
                let _ = write!(text, " on comment {comment}");
            }
        }
    }
}

impl Files {
    pub(super) fn write(&self, text: &mut String) {
        let total = self.count;
        let part =
            if self.incomplete { format!(" in the first {MOST_FILES}") } else { String::new() };
        let _ =
            write!(text, "\n{} {}{part}", count(total, "file"), changes(self.added, self.removed));
        for file in &self.files {
            let _ = write!(text, "\n {} {}", bare(&file.path), changes(file.added, file.removed));
            match (&file.from, &file.status) {
                (Some(from), _) => {
                    let _ = write!(text, " from {}", bare(from));
                }
                (None, Some(status)) => {
                    let _ = write!(text, " {}", bare(status));
                }
                (None, None) => {}
            }
            if file.generated {
                text.push_str(" generated");
            }
        }
        let left = total.saturating_sub(self.files.len() as u64);
        if left > 0 {
            let _ = write!(
                text,
                "\n {left} more files not shown: `include: [\"files\"]` alone lists up to {MOST_FILES}, \
                 `get_pull_request_diff` takes globs"
            );
        }
    }
}

impl Threads {
    pub(super) fn write(&self, text: &mut String) {
        let open = self.open as u64;
        let _ = write!(text, "\n{}", count(open, "open thread"));
        if self.resolved > 0 {
            let _ = write!(text, ", {} resolved not shown (`list_comments`)", self.resolved);
        }
        for thread in &self.threads {
            let _ = write!(text, "\n{}", thread.text());
        }
        if self.threads.iter().any(Thread::is_cut) {
            text.push_str("\na comment was cut: `list_comments` with `thread` shows it whole");
        }
        if self.threads.len() < self.open || self.incomplete {
            text.push_str("\nmore threads not shown: `list_comments` with `unresolved: true`");
        }
    }
}
