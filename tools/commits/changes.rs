//! What lies between two commits: its files with counts, and the diff of some of them.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::Serialize;

use crate::bitbucket::{self, FileChange, Page, Range, Repository};
use crate::diff::{Diff, is_generated};
use crate::text::Foreign;
use crate::tools::diff_files::{File, LeftOut, write_left_out};
use crate::tools::params::MaxBytes;
use crate::tools::shown::{bare, changes, count, path};
use crate::tools::wanted::{Wanted, nearest};
use crate::{Error, Result};

/// How many files are looked at.
const MOST_FILES: usize = 1_000;
/// How many are listed.
const LISTED: usize = 100;
/// How many are asked for by name at once.
const MOST_NAMED: usize = 30;
/// About how long a line of a diff is, for choosing files before they are read.
const LINE: u64 = 30;
/// How much of a diff is read at once.
const MOST_READ: usize = 4 * 1024 * 1024;

/// The changed files.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Changes {
    /// How many there are.
    count: usize,
    /// Whether there are more than were looked at.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    incomplete: bool,
    /// Lines that came.
    added: u64,
    /// Lines that went.
    removed: u64,
    /// The files, or the first of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<Row>,
}

/// A changed file.
#[derive(Debug, Serialize, JsonSchema)]
struct Row {
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
}

/// The diff of the wanted files.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Shown {
    /// Those that fit.
    files: Vec<File>,
    /// Those that a program wrote; naming them in `paths` gets them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    generated: Vec<LeftOut>,
    /// Those that did not fit.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    did_not_fit: Vec<LeftOut>,
}

/// All changed files, as far as they are looked at.
pub(super) async fn files(
    repository: &Repository<'_>,
    range: &Range,
) -> Result<Page<FileChange>, bitbucket::Error> {
    repository.changed_files(range, &[], MOST_FILES).await
}

impl Changes {
    pub(super) fn new(page: &Page<FileChange>) -> Self {
        let files = &page.values;
        Self {
            count: files.len(),
            incomplete: page.next.is_some(),
            added: files.iter().map(|file| file.lines_added).sum(),
            removed: files.iter().map(|file| file.lines_removed).sum(),
            files: files.iter().take(LISTED).map(Row::from).collect(),
        }
    }

    /// `2 files, +3 -1:` and a line for each.
    pub(super) fn write(&self, text: &mut String) {
        if self.count == 0 {
            text.push_str("\nno file changed");
            return;
        }
        let more = if self.incomplete { " and more" } else { "" };
        let files = count(self.count, "file", "files");
        let _ = write!(text, "\n{files}{more}, {}:", changes(self.added, self.removed));
        for file in &self.files {
            let counts = changes(file.added, file.removed);
            let _ = write!(text, "\n  {} {counts}", bare(&file.path));
            match (&file.from, &file.status) {
                (Some(from), _) => {
                    let _ = write!(text, " from {}", bare(from));
                }
                (None, Some(status)) => {
                    let _ = write!(text, " {}", bare(status));
                }
                (None, None) => {}
            }
        }
        if self.count > self.files.len() {
            let rest = count(self.count - self.files.len(), "more file", "more files");
            let _ = write!(text, "\n  {rest}");
        }
    }
}

impl From<&FileChange> for Row {
    fn from(file: &FileChange) -> Self {
        let status = Some(Foreign::line(&file.status, 40));
        Self {
            path: path(file.path()),
            status: status.filter(|status| !status.is_empty() && status.as_str() != "modified"),
            from: file.moved_from().map(path),
            added: file.lines_added,
            removed: file.lines_removed,
        }
    }
}

impl Shown {
    /// Reads the diff of the files that `wanted` means; nothing if it means none.
    pub(super) async fn read(
        repository: &Repository<'_>,
        range: &Range,
        page: &Page<FileChange>,
        wanted: &[Wanted],
        budget: MaxBytes,
    ) -> Result<Option<Self>> {
        if wanted.is_empty() {
            return Ok(None);
        }
        let takes = |file: &&FileChange| {
            let moved = file.moved_from();
            wanted
                .iter()
                .any(|one| one.takes(file.path()) || moved.is_some_and(|old| one.takes(old)))
        };
        let matching: Vec<&FileChange> = page.values.iter().filter(takes).collect();
        if matching.is_empty() {
            return Err(no_such_file(page, wanted));
        }
        let is_named = |path: &str| wanted.iter().any(|one| one.glob.is_none() && one.text == path);
        let (generated, readable): (Vec<&FileChange>, Vec<&FileChange>) = matching
            .into_iter()
            .partition(|file| is_generated(file.path()) && !is_named(file.path()));
        let mut shown = Self {
            files: Vec::new(),
            generated: generated.into_iter().map(LeftOut::from).collect(),
            did_not_fit: Vec::new(),
        };
        let (chosen, rest) = choose(readable, budget);
        if !chosen.is_empty() {
            shown.fill(repository, range, &chosen, budget).await?;
        }
        shown.did_not_fit.extend(rest.into_iter().map(LeftOut::from));
        Ok(Some(shown))
    }

    async fn fill(
        &mut self,
        repository: &Repository<'_>,
        range: &Range,
        chosen: &[&FileChange],
        budget: MaxBytes,
    ) -> Result<()> {
        // A file that moved is one only where both of its names are asked for.
        let names: Vec<String> = chosen
            .iter()
            .flat_map(|file| [Some(file.path()), file.moved_from()])
            .flatten()
            .map(str::to_owned)
            .collect();
        let bytes = repository.diff(range, &names, MOST_READ).await?;
        let mut text = String::from_utf8_lossy(&bytes.data).into_owned();
        if bytes.truncated {
            text.truncate(text.rfind('\n').map_or(0, |end| end + 1));
        }
        let diff = Diff::read(&text);
        if diff.files.is_empty() {
            let why = "the diff is empty, but files are changed".to_owned();
            return Err(bitbucket::Error::Unreadable { why }.into());
        }
        let mut room = budget.get();
        let last = diff.files.len() - 1;
        for (index, file) in diff.files.iter().enumerate() {
            match File::new(file, 1, room, self.files.is_empty()) {
                Some(mut part) => {
                    room = room.saturating_sub(part.size());
                    part.rest_unread |= bytes.truncated && index == last;
                    self.files.push(part);
                }
                None => self.did_not_fit.push(file.into()),
            }
        }
        let missing = chosen.iter().filter(|file| diff.file(file.path()).is_none());
        self.did_not_fit.extend(missing.map(|file| LeftOut::from(*file)));
        Ok(())
    }

    pub(super) fn write(&self, text: &mut String) {
        text.push('\n');
        for file in &self.files {
            file.write(text);
        }
        write_left_out(text, &self.generated, "generated", "their names in `paths`");
        write_left_out(text, &self.did_not_fit, "too much for `max_bytes`", "`paths`");
        text.truncate(text.trim_end().len());
    }
}

/// The first files that fit in the budget, and the rest.
fn choose(files: Vec<&FileChange>, budget: MaxBytes) -> (Vec<&FileChange>, Vec<&FileChange>) {
    let (mut chosen, mut rest, mut lines) = (Vec::new(), Vec::new(), 0);
    for file in files {
        lines += file.lines_added + file.lines_removed;
        let fits = chosen.is_empty() || lines.saturating_mul(LINE) <= budget.get() as u64;
        if fits && chosen.len() < MOST_NAMED { chosen.push(file) } else { rest.push(file) }
    }
    (chosen, rest)
}

fn no_such_file(page: &Page<FileChange>, wanted: &[Wanted]) -> Error {
    let asked = wanted.first().map(|one| one.text.as_str()).unwrap_or_default();
    let near = nearest(asked, page.values.iter().map(FileChange::path));
    let hint = if near.is_empty() {
        "call without `paths` for the files that are changed".to_owned()
    } else {
        format!("did you mean {}?", near.iter().map(bare).collect::<Vec<_>>().join(", "))
    };
    let wanted: Vec<String> = wanted.iter().map(|one| path(&one.text).quoted()).collect();
    Error::not_found(format!("no changed file matches {}", wanted.join(", ")), hint)
}
