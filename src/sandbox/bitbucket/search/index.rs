//! Looks through a tree.

use serde_json::{Value, json};

use super::super::state::Repository;
use super::wanted::{Wanted, words};
use crate::sandbox::git::{EntryKind, Node, is_binary};

/// Longer files are not in the index.
const LONGEST: usize = 320 * 1024;

/// A file that fits.
pub(super) struct Found {
    pub(super) path: String,
    /// How many matches its text has.
    pub(super) count: usize,
    pub(super) content: Vec<Value>,
    pub(super) path_matches: Vec<Value>,
}

pub(super) fn search(repository: &Repository, commit: &str, wanted: &Wanted) -> Vec<Found> {
    let git = &repository.git;
    let mut found = Vec::new();
    for entry in git.walk(commit, "", usize::MAX) {
        let is_file = matches!(entry.kind, EntryKind::File | EntryKind::Executable);
        if !is_file || entry.size > LONGEST || !wanted.takes_path(&entry.path) {
            continue;
        }
        let Some(Node::File { bytes, .. }) = git.tree(commit, &entry.path) else { continue };
        if is_binary(&bytes) {
            continue;
        }
        let text = String::from_utf8_lossy(&bytes);
        let has = |phrase: &Vec<String>| {
            text.lines().any(|line| !places(line, phrase).is_empty())
                || !places(&entry.path, phrase).is_empty()
        };
        if !wanted.phrases.iter().all(has) || wanted.excluded.iter().any(has) {
            continue;
        }
        let lines: Vec<Line<'_>> = text
            .lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line, all_places(line, &wanted.phrases)))
            .collect();
        let count = lines.iter().map(|(_, _, places)| places.len()).sum();
        let path_places = all_places(&entry.path, &wanted.phrases);
        let path_matches =
            if path_places.is_empty() { Vec::new() } else { segments(&entry.path, &path_places) };
        found.push(Found { path: entry.path, count, content: groups(&lines), path_matches });
    }
    found
}

/// A line's number, its text, and where in it a match begins and ends.
type Line<'a> = (usize, &'a str, Vec<(usize, usize)>);

/// Lines with a match and one line around each, those that touch each other together. What is around
/// has segments without `match`, or none where the line is empty.
fn groups(lines: &[Line<'_>]) -> Vec<Value> {
    let mut groups: Vec<Vec<Value>> = Vec::new();
    let mut last = 0;
    for (index, (number, line, places)) in lines.iter().enumerate() {
        let matches_at = |index: Option<usize>| {
            index
                .and_then(|index| lines.get(index))
                .is_some_and(|(_, _, places)| !places.is_empty())
        };
        let is_near = matches_at(index.checked_sub(1)) || matches_at(Some(index + 1));
        if places.is_empty() && !is_near {
            continue;
        }
        if groups.is_empty() || last + 1 != *number {
            groups.push(Vec::new());
        }
        last = *number;
        if let Some(group) = groups.last_mut() {
            let segments = if line.is_empty() { Vec::new() } else { segments(line, places) };
            group.push(json!({ "line": number, "segments": segments }));
        }
    }
    groups.into_iter().map(|lines| json!({ "lines": lines })).collect()
}

fn segments(text: &str, places: &[(usize, usize)]) -> Vec<Value> {
    let mut segments = Vec::new();
    let mut end = 0;
    for (from, to) in places {
        if let Some(before) = text.get(end..*from).filter(|before| !before.is_empty()) {
            segments.push(json!({ "text": before }));
        }
        segments.push(json!({ "text": text.get(*from..*to), "match": true }));
        end = *to;
    }
    if let Some(after) = text.get(end..).filter(|after| !after.is_empty()) {
        segments.push(json!({ "text": after }));
    }
    segments
}

fn all_places(text: &str, phrases: &[Vec<String>]) -> Vec<(usize, usize)> {
    let mut all: Vec<(usize, usize)> =
        phrases.iter().flat_map(|phrase| places(text, phrase)).collect();
    all.sort_unstable();
    all.dedup_by(|next, before| next.0 < before.1);
    all
}

/// Where the words of a phrase follow each other.
fn places(text: &str, phrase: &[String]) -> Vec<(usize, usize)> {
    let words: Vec<(usize, &str)> = words(text).collect();
    words
        .windows(phrase.len().max(1))
        .filter(|window| {
            window.iter().zip(phrase).all(|((_, word), wanted)| word.to_lowercase() == *wanted)
        })
        .filter_map(|window| {
            let (from, _) = window.first()?;
            let (last, word) = window.last()?;
            Some((*from, last + word.len()))
        })
        .collect()
}
