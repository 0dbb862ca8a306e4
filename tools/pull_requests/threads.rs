//! Puts the flat list of comments together into threads.

use std::collections::HashMap;
use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::Serialize;

use super::shape::{bare, path, person, said};
use crate::bitbucket::Comment;
use crate::text::Foreign;

/// How far a reply may be from its thread's first comment.
const DEEPEST: usize = 100;

/// A comment and its replies.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Thread {
    /// The first comment's id: what `reply_to` and `resolve` take.
    pub(super) id: u64,
    /// The file that it is about; absent for the pull request as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) path: Option<Foreign>,
    /// The line; absent for the whole file.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    /// The first line, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    start_line: Option<u32>,
    /// Whether the line is one of the old file.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    old: bool,
    /// Whether the diff no longer has that place.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    outdated: bool,
    /// Whether it is done with.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) resolved: bool,
    /// Who said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    resolved_by: Option<Foreign>,
    /// The first comment.
    #[serde(flatten)]
    first: Said,
    /// The answers to it, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    replies: Vec<Reply>,
}

/// A comment that answers another.
#[derive(Debug, Serialize, JsonSchema)]
struct Reply {
    /// Its id.
    id: u64,
    /// The comment.
    #[serde(flatten)]
    said: Said,
}

/// What somebody said.
#[derive(Debug, Serialize, JsonSchema)]
struct Said {
    /// Who wrote it.
    author: Foreign,
    /// What they wrote; absent if it was deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Foreign>,
    /// Whether the text was cut.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    cut: bool,
    /// Whether only its author can see it yet.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pending: bool,
}

/// The threads of `comments`, in the order of their first comments, each comment cut to `cap`
/// characters. Threads of which everything was deleted are gone.
pub(super) fn threads(comments: &[Comment], cap: usize) -> Vec<Thread> {
    let parents: HashMap<u64, u64> =
        comments.iter().filter_map(|comment| Some((comment.id, comment.parent.id?))).collect();
    let known: HashMap<u64, usize> =
        comments.iter().enumerate().map(|(index, comment)| (comment.id, index)).collect();
    let mut members: HashMap<u64, Vec<&Comment>> = HashMap::new();
    let mut order = Vec::new();
    for comment in comments {
        let first = first_of(comment.id, &parents, &known);
        members.entry(first).or_insert_with(|| {
            order.push(first);
            Vec::new()
        });
        if let Some(members) = members.get_mut(&first) {
            members.push(comment);
        }
    }
    order
        .into_iter()
        .filter_map(|id| {
            let mut members = members.remove(&id)?;
            members.sort_by_key(|comment| (comment.id != id, comment.created_on, comment.id));
            thread(id, &members, cap)
        })
        .collect()
}

/// The first comment of the thread that `id` is in.
pub(super) fn first_of(id: u64, parents: &HashMap<u64, u64>, known: &HashMap<u64, usize>) -> u64 {
    let mut first = id;
    for _ in 0..DEEPEST {
        match parents.get(&first) {
            Some(parent) if known.contains_key(parent) => first = *parent,
            _ => break,
        }
    }
    first
}

fn thread(id: u64, members: &[&Comment], cap: usize) -> Option<Thread> {
    if members.iter().all(|comment| comment.deleted) {
        return None;
    }
    let first = members.first()?;
    let place = &first.inline;
    let old = place.to.is_none() && place.from.is_some();
    Some(Thread {
        id,
        path: place.path.as_deref().map(path),
        line: place.to.or(place.from),
        start_line: if old { place.start_from } else { place.start_to },
        old,
        outdated: place.outdated,
        resolved: first.is_resolved(),
        resolved_by: first.resolution.user.as_ref().map(person),
        first: one(first, cap),
        replies: members
            .iter()
            .skip(1)
            .map(|comment| Reply { id: comment.id, said: one(comment, cap) })
            .collect(),
    })
}

fn one(comment: &Comment, cap: usize) -> Said {
    let raw = comment.content.raw.trim_end();
    let text = Foreign::block(raw, cap);
    Said {
        author: person(&comment.user),
        text: (!comment.deleted).then_some(text),
        cut: !comment.deleted && is_cut(raw, cap),
        pending: comment.pending,
    }
}

/// Whether `raw` loses its end when it is cut to `cap` characters.
pub(super) fn is_cut(raw: &str, cap: usize) -> bool {
    crate::text::clean(raw).chars().nth(cap).is_some()
}

impl Thread {
    /// Whether the comment is in it.
    pub(super) fn has(&self, comment: u64) -> bool {
        self.id == comment || self.replies.iter().any(|reply| reply.id == comment)
    }

    /// Whether one of its comments was cut.
    pub(super) fn is_cut(&self) -> bool {
        self.first.cut || self.replies.iter().any(|reply| reply.said.cut)
    }

    /// The thread in lines: what is ours at the margin, what others wrote quoted or indented.
    pub(super) fn text(&self) -> String {
        let mut text = self.id.to_string();
        let place = self.place();
        if !place.is_empty() {
            let _ = write!(text, " {place}");
        }
        if self.outdated {
            text.push_str(" (outdated)");
        }
        match (&self.resolved_by, self.resolved) {
            (Some(by), true) => {
                let _ = write!(text, " (resolved by {})", bare(by));
            }
            (None, true) => text.push_str(" (resolved)"),
            _ => {}
        }
        let _ = write!(text, " {}", self.first.text("  "));
        for reply in &self.replies {
            let _ = write!(text, "\n {} {}", reply.id, reply.said.text("   "));
        }
        text
    }

    /// Where it stands: `src/cart.ts:42`.
    fn place(&self) -> String {
        let Some(path) = &self.path else { return String::new() };
        let mut place = bare(path);
        match (self.start_line, self.line) {
            (Some(start), Some(line)) if start != line => {
                let _ = write!(place, ":{start}-{line}");
            }
            (_, Some(line)) => {
                let _ = write!(place, ":{line}");
            }
            _ => {}
        }
        if self.old {
            place.push_str(" (old)");
        }
        place
    }
}

impl Said {
    fn text(&self, margin: &str) -> String {
        let pending = if self.pending { "(not published yet) " } else { "" };
        match &self.text {
            Some(text) => format!("{pending}{}", said(&self.author, text, margin)),
            None => "(deleted)".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comments(sent: &str) -> Vec<Comment> {
        serde_json::from_str(sent).unwrap()
    }

    #[test]
    fn puts_replies_behind_what_they_answer() {
        let comments = comments(
            r#"[
            {"id": 1, "content": {"raw": "general"}, "user": {"nickname": "ana"}},
            {"id": 2, "content": {"raw": "here"}, "user": {"nickname": "ben"},
             "inline": {"path": "src/cart.ts", "to": 42, "from": null, "outdated": true}},
            {"id": 3, "content": {"raw": "one\nhint: two"}, "user": {"nickname": "cleo"}, "parent": {"id": 2}},
            {"id": 4, "content": {"raw": "reply to a reply"}, "user": {"nickname": "ben"}, "parent": {"id": 3}},
            {"id": 5, "content": {"raw": ""}, "deleted": true},
            {"id": 6, "content": {"raw": "old"}, "user": {"nickname": "ben"},
             "inline": {"path": "a b", "from": 9, "start_from": 7}, "resolution": {"user": {"nickname": "ana"}}},
            {"id": 7, "content": {"raw": "orphan"}, "user": {}, "parent": {"id": 99}},
            {"id": 8, "content": {"raw": "draft"}, "user": {"nickname": "me"}, "parent": {"id": 1}, "pending": true}
            ]"#,
        );
        let text: Vec<String> = threads(&comments, 100).iter().map(Thread::text).collect();
        insta::assert_snapshot!(text.join("\n"), @r#"
        1 ana: "general"
         8 (not published yet) me: "draft"
        2 src/cart.ts:42 (outdated) ben: "here"
         3 cleo:
           one
           hint: two
         4 ben: "reply to a reply"
        6 "a b":7-9 (old) (resolved by ana) ben: "old"
        7 somebody: "orphan"
        "#);
    }

    #[test]
    fn survives_comments_that_answer_each_other() {
        let comments =
            comments(r#"[{"id": 1, "parent": {"id": 2}}, {"id": 2, "parent": {"id": 1}}]"#);
        assert_eq!(
            threads(&comments, 9).iter().map(|thread| thread.replies.len() + 1).sum::<usize>(),
            2
        );
    }
}
