//! Checks a review as a whole, and makes the steps of it.
//!
//! Bitbucket takes comments on lines and files that do not exist, answers to deleted comments, and
//! approvals of what is merged long ago. So all of it is looked at before the first step.

use std::collections::{HashMap, HashSet};

use super::arguments::Verdict;
use super::review_pull_request::{CommentArgument, ReviewPullRequest};
use super::shape::{bare, path};
use super::threads::first_of;
use crate::bitbucket::{
    Comment, Inline, NewComment, NewTask, PullRequest, RawText, Reference, State, Task,
};
use crate::diff::{self, Diff, FileDiff, Place, Side};
use crate::text::Foreign;
use crate::tools::params::PathArgument;
use crate::tools::wanted::nearest;
use crate::{Error, Result};

/// What is there before the review.
pub(super) struct Found {
    pub(super) pull_request: PullRequest,
    pub(super) comments: Vec<Comment>,
    pub(super) tasks: Vec<Task>,
    /// The reviewer's own uuid.
    pub(super) me: Option<String>,
}

/// What is to be done, in order.
pub(super) struct Plan {
    pub(super) steps: Vec<Step>,
    pub(super) already_there: Vec<String>,
}

/// One thing to do.
#[derive(Debug)]
pub(super) enum Step {
    /// The comment at this place of the call's list.
    Comment(usize, NewComment),
    Resolve(u64),
    Reopen(u64),
    /// The task at this place of the call's list.
    Task(usize, NewTask),
    Verdict(Verdict),
}

impl Plan {
    /// The steps of `call`, or all that is wrong with it at once.
    pub(super) fn make(call: &ReviewPullRequest, found: &Found, diff: &Diff<'_>) -> Result<Self> {
        let mut plan = Self { steps: Vec::new(), already_there: Vec::new() };
        let mut wrong = Vec::new();
        plan.comments(call, found, diff, &mut wrong);
        plan.threads(call, found, &mut wrong);
        plan.tasks(call, found, &mut wrong);
        if !wrong.is_empty() {
            return Err(Error::InvalidArguments(format!(
                "{}; nothing was posted",
                wrong.join("; ")
            )));
        }
        plan.verdict(call, found)?;
        Ok(plan)
    }

    fn comments(
        &mut self,
        call: &ReviewPullRequest,
        found: &Found,
        diff: &Diff<'_>,
        wrong: &mut Vec<String>,
    ) {
        let mut new: Vec<NewComment> = Vec::new();
        for (index, argument) in call.comments.iter().enumerate() {
            let comment = match comment(argument, found, diff) {
                Ok(comment) => comment,
                Err(why) => {
                    wrong.push(format!("`comments[{index}]`: {why}"));
                    continue;
                }
            };
            if new.iter().any(|other| {
                same_words(&other.content, &comment.content) && same_place(other, &comment)
            }) {
                wrong.push(format!("`comments[{index}]` is in the list twice"));
                continue;
            }
            new.push(comment.clone());
            match found.twin(&comment).filter(|_| !call.force) {
                Some(id) => self.already_there.push(format!("`comments[{index}]` as {id}")),
                None => self.steps.push(Step::Comment(index, comment)),
            }
        }
    }

    fn threads(&mut self, call: &ReviewPullRequest, found: &Found, wrong: &mut Vec<String>) {
        let mut seen = HashSet::new();
        for (name, ids, resolves) in
            [("resolve", &call.resolve, true), ("reopen", &call.reopen, false)]
        {
            for id in ids {
                if !seen.insert(*id) {
                    wrong.push(format!("`{name}`: {id} is named twice"));
                    continue;
                }
                match found.thread(*id) {
                    Err(why) => wrong.push(format!("`{name}`: {why}")),
                    Ok(thread) if thread.is_resolved() == resolves => {
                        let state = if resolves { "resolved" } else { "open" };
                        self.already_there.push(format!("{id} {state}"));
                    }
                    Ok(_) if resolves => self.steps.push(Step::Resolve(*id)),
                    Ok(_) => self.steps.push(Step::Reopen(*id)),
                }
            }
        }
    }

    fn tasks(&mut self, call: &ReviewPullRequest, found: &Found, wrong: &mut Vec<String>) {
        for (index, argument) in call.tasks.iter().enumerate() {
            if argument.text.trim().is_empty() {
                wrong.push(format!("`tasks[{index}]` has no text"));
                continue;
            }
            if let Some(id) = argument.comment
                && let Err(why) = found.comment(id)
            {
                wrong.push(format!("`tasks[{index}]`: {why}"));
                continue;
            }
            let twin = found.tasks.iter().find(|task| {
                task.content.raw.trim() == argument.text.trim()
                    && task.comment.id == argument.comment
                    && found.is_mine(task.creator.uuid.as_deref())
            });
            match twin.filter(|_| !call.force) {
                Some(task) => self.already_there.push(format!("`tasks[{index}]` as {}", task.id)),
                None => self.steps.push(Step::Task(
                    index,
                    NewTask {
                        content: RawText { raw: argument.text.trim().to_owned() },
                        comment: argument.comment.map(|id| Reference { id: Some(id) }),
                    },
                )),
            }
        }
    }

    /// Bitbucket takes an approval of one's own pull request, and of a merged one.
    fn verdict(&mut self, call: &ReviewPullRequest, found: &Found) -> Result<()> {
        let Some(verdict) = call.verdict else { return Ok(()) };
        let pull_request = &found.pull_request;
        if pull_request.state != State::Open {
            return Err(Error::conflict(
                format!(
                    "#{} is {}, so a verdict says nothing; nothing was posted",
                    pull_request.id,
                    pull_request.state.word()
                ),
                "leave `verdict` out; comments can still be posted",
            ));
        }
        let gives = matches!(verdict, Verdict::Approve | Verdict::RequestChanges);
        if gives && found.is_mine(pull_request.author.uuid.as_deref()) {
            return Err(Error::refused(
                format!(
                    "#{} is the user's own: its author cannot review it; nothing was posted",
                    pull_request.id
                ),
                "leave `verdict` out; comments can still be posted",
            ));
        }
        let mine = pull_request
            .participants
            .iter()
            .find(|participant| found.is_mine(participant.user.uuid.as_deref()));
        let (approves, wants_changes) = mine.map_or((false, false), |mine| {
            (mine.approves() && !mine.wants_changes(), mine.wants_changes())
        });
        let is_so = match verdict {
            Verdict::Approve => approves,
            Verdict::Unapprove => !approves,
            Verdict::RequestChanges => wants_changes,
            Verdict::WithdrawChanges => !wants_changes,
        };
        if is_so {
            self.already_there.push(verdict.done().to_owned());
        } else {
            self.steps.push(Step::Verdict(verdict));
        }
        Ok(())
    }
}

impl Found {
    fn is_mine(&self, uuid: Option<&str>) -> bool {
        self.me.is_some() && self.me.as_deref() == uuid
    }

    /// The reviewer's own comment that says the same at the same place.
    fn twin(&self, new: &NewComment) -> Option<u64> {
        let twin = self.comments.iter().find(|comment| {
            !comment.deleted
                && self.is_mine(comment.user.uuid.as_deref())
                && same_words(&comment.content, &new.content)
                && comment.parent.id == new.parent.and_then(|parent| parent.id)
                && (new.parent.is_some() || same_line(&comment.inline, new.inline.as_ref()))
        });
        twin.map(|comment| comment.id)
    }

    /// The comment `id`, if there is one that can be answered.
    fn comment(&self, id: u64) -> Result<&Comment, String> {
        match self.comments.iter().find(|comment| comment.id == id) {
            Some(comment) if comment.deleted => Err(format!("comment {id} is deleted")),
            Some(comment) => Ok(comment),
            None => Err(format!(
                "#{} has no comment {id}; `list_comments` has the ids",
                self.pull_request.id
            )),
        }
    }

    /// The thread that starts with the comment `id`, if it is one that can be resolved.
    fn thread(&self, id: u64) -> Result<&Comment, String> {
        let comment = self.comment(id)?;
        if comment.parent.id.is_some() {
            let parents: HashMap<u64, u64> = self
                .comments
                .iter()
                .filter_map(|comment| Some((comment.id, comment.parent.id?)))
                .collect();
            let known: HashMap<u64, usize> = self
                .comments
                .iter()
                .enumerate()
                .map(|(index, comment)| (comment.id, index))
                .collect();
            let first = first_of(id, &parents, &known);
            return Err(format!("{id} is a reply; its thread is {first}"));
        }
        if comment.inline.path.is_none() {
            return Err(format!(
                "{id} is not on a file, and Bitbucket resolves only threads on files"
            ));
        }
        Ok(comment)
    }
}

/// The comment that `argument` asks for, or why it cannot be posted.
fn comment(
    argument: &CommentArgument,
    found: &Found,
    diff: &Diff<'_>,
) -> Result<NewComment, String> {
    let content = RawText { raw: argument.text.trim().to_owned() };
    if content.raw.is_empty() {
        return Err("it has no text".to_owned());
    }
    if let Some(id) = argument.reply_to {
        if argument.path.is_some() || argument.line.is_some() || argument.quote.is_some() {
            return Err(
                "a reply stands where its thread does: leave `path`, `line` and `quote` out"
                    .to_owned(),
            );
        }
        found.comment(id)?;
        let parent = Some(Reference { id: Some(id) });
        return Ok(NewComment { content, inline: None, parent });
    }
    let inline = inline(argument, diff)?;
    Ok(NewComment { content, inline, parent: None })
}

/// Where a comment is to stand, if that is in the diff.
fn inline(argument: &CommentArgument, diff: &Diff<'_>) -> Result<Option<Inline>, String> {
    let asked = argument.path.as_ref().map(|PathArgument(path)| path.as_str());
    let side = argument.side.map(Side::from);
    let file = match asked {
        Some(path) => Some(file(diff, path)?),
        None if argument.line.is_some() => return Err("`line` needs `path`".to_owned()),
        None => None,
    };
    if argument.start_line.is_some() && argument.line.is_none() {
        return Err("`start_line` needs `line`".to_owned());
    }
    let place = match (&argument.quote, argument.line, file) {
        (None, None, None) => return Ok(None),
        (None, None, Some(file)) => {
            let path = Some(file.path().to_owned());
            return Ok(Some(Inline { path, ..Inline::default() }));
        }
        (None, Some(line), file) => on_line(argument, file, line)?,
        (Some(quote), line, _) => {
            let place = on_quote(diff, quote, asked, side)?;
            match line {
                Some(line) if line != place.line => {
                    return Err(format!(
                        "`quote` stands in line {}, not {line}: leave `line` out or correct it",
                        place.line
                    ));
                }
                _ => place,
            }
        }
    };
    let (line, start) = (Some(place.line), place.start);
    let path = Some(place.path);
    Ok(Some(match place.side {
        Side::New => Inline { path, to: line, start_to: start, ..Inline::default() },
        Side::Old => Inline { path, from: line, start_from: start, ..Inline::default() },
    }))
}

/// The file of the diff at `path`, or the ones that could be meant.
fn file<'d, 'a>(diff: &'d Diff<'a>, asked: &str) -> Result<&'d FileDiff<'a>, String> {
    diff.file(asked).ok_or_else(|| {
        let near = nearest(asked, diff.files.iter().map(FileDiff::path));
        let near: Vec<String> = near.iter().map(bare).collect();
        let asked = bare(&path(asked));
        if near.is_empty() {
            format!("the pull request does not change {asked}")
        } else {
            format!("the pull request does not change {asked}; did you mean {}?", near.join(", "))
        }
    })
}

fn on_line(
    argument: &CommentArgument,
    file: Option<&FileDiff<'_>>,
    line: u32,
) -> Result<Place, String> {
    let file = file.ok_or("`line` needs `path`")?;
    let side = argument.side.map_or(Side::New, Side::from);
    let start = argument.start_line.filter(|start| *start != line);
    if start.is_some_and(|start| start > line) {
        return Err("`start_line` comes after `line`".to_owned());
    }
    for number in start.into_iter().chain([line]) {
        if !file.shows(side, number) {
            return Err(not_shown(file, side, number));
        }
    }
    Ok(Place { path: file.path().to_owned(), side, line, start })
}

/// Says which lines there are instead.
fn not_shown(file: &FileDiff<'_>, side: Side, line: u32) -> String {
    let name = |side| match side {
        Side::New => "new",
        Side::Old => "old",
    };
    let ranges: Vec<String> = file
        .ranges(side)
        .iter()
        .take(12)
        .map(|(start, end)| if start == end { start.to_string() } else { format!("{start}-{end}") })
        .collect();
    let ranges = if ranges.is_empty() { "no lines".to_owned() } else { ranges.join(", ") };
    let other = match side {
        Side::New => Side::Old,
        Side::Old => Side::New,
    };
    let hint = if file.shows(other, line) {
        format!("; line {line} is in it with `side: {}`", name(other))
    } else {
        String::new()
    };
    format!(
        "the diff does not show line {line} of the {} {}, only {ranges}{hint}",
        name(side),
        bare(&path(file.path())),
    )
}

fn on_quote(
    diff: &Diff<'_>,
    quote: &str,
    path: Option<&str>,
    side: Option<Side>,
) -> Result<Place, String> {
    match diff.find(quote, path, side) {
        diff::Found::Once(place) => Ok(place),
        diff::Found::Often(places, count) => {
            let places: Vec<String> = places.iter().map(shown).collect();
            Err(format!(
                "`quote` stands at {count} places: {}; quote more lines, or give `path` and `line`",
                places.join(", ")
            ))
        }
        diff::Found::Never(near) if near.is_empty() => {
            Err("the diff has no such line as `quote`".to_owned())
        }
        diff::Found::Never(near) => {
            let near: Vec<String> = near
                .iter()
                .map(|(place, text)| {
                    format!("{} {}", shown(place), Foreign::line(text, 120).quoted())
                })
                .collect();
            Err(format!(
                "the diff has no such line as `quote`; did you mean {}?",
                near.join(" or ")
            ))
        }
    }
}

fn shown(place: &Place) -> String {
    let old = if place.side == Side::Old { " (old)" } else { "" };
    format!("{}:{}{old}", bare(&path(&place.path)), place.line)
}

fn same_words(one: &RawText, other: &RawText) -> bool {
    one.raw.trim() == other.raw.trim()
}

fn same_place(one: &NewComment, other: &NewComment) -> bool {
    let parent = |comment: &NewComment| comment.parent.and_then(|parent| parent.id);
    let inline = other.inline.clone().unwrap_or_default();
    parent(one) == parent(other) && same_line(&inline, one.inline.as_ref())
}

/// Bitbucket may fill in the other side's number of an unchanged line, so the side that we gave
/// decides.
fn same_line(there: &Inline, new: Option<&Inline>) -> bool {
    let Some(new) = new else { return there.path.is_none() };
    there.path == new.path
        && match (new.to, new.from) {
            (Some(to), _) => there.to == Some(to),
            (None, Some(from)) => there.from == Some(from),
            (None, None) => there.to.is_none() && there.from.is_none(),
        }
}

impl Step {
    /// What it does, named as in the call.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Comment(index, _) => format!("`comments[{index}]`"),
            Self::Resolve(id) => format!("resolve {id}"),
            Self::Reopen(id) => format!("reopen {id}"),
            Self::Task(index, _) => format!("`tasks[{index}]`"),
            Self::Verdict(verdict) => format!("verdict {}", verdict.done()),
        }
    }
}

impl Verdict {
    /// The verdict once it is given.
    pub(super) fn done(self) -> &'static str {
        match self {
            Self::Approve => "approved",
            Self::Unapprove => "approval withdrawn",
            Self::RequestChanges => "changes requested",
            Self::WithdrawChanges => "request for changes withdrawn",
        }
    }
}
