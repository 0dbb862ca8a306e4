//! What people wrote on the shop's pull requests, and how these behave.

use jiff::{Timestamp, ToSpan};

use super::model::{Comment, Inline, MergeHabit, PullRequest, State, Task, Verdict};
use super::seed_hostile;
use super::seed_pull_requests::{RACES, SLOW, TIMES_OUT};
use super::seed_review_42;
use crate::sandbox::git::{Git, Node};
use crate::sandbox::people::{self, Person};

/// Gives a pull request its description, and whatever else there is to it.
pub(crate) fn describe(request: &mut PullRequest, git: &Git, head: &str) {
    request.description = description(request.id).to_owned();
    request.merge_habit = match request.id {
        SLOW => MergeHabit::Slow,
        TIMES_OUT => MergeHabit::TimesOut,
        RACES => MergeHabit::Races,
        _ => MergeHabit::Quick,
    };
    let mut desk = Desk { request, git, head };
    match desk.request.id {
        16 => desk.request.reason = "Nobody has asked for wish lists".into(),
        23 => desk.request.reason = "Marketing has other plans".into(),
        30 => {
            desk.says("ben", 40, "Twelve files would have to change first. Is that planned?");
            desk.verdict("ben", 41, Verdict::ChangesRequested);
        }
        34 => {
            let total = desk.inline(
                "ben",
                35,
                "src/invoice.ts",
                "To be paid",
                "Invoices need a number and a date to be valid.",
            );
            desk.reply("cleo", 58, total, "Both come with the next pull request.");
            let gone = desk.says("gus", 61, "");
            desk.amend(gone, |comment| comment.deleted = true);
            desk.reply("ben", 70, gone, "Good point.");
        }
        42 => seed_review_42::fill(&mut desk),
        43 => {
            desk.says("ana", 65, "This conflicts with #27, which sets the limit to 75.00.");
        }
        44 => desk.request.draft = true,
        45 => {
            desk.says("ben", 30, "Two tests fail, see the build.");
            desk.verdict("ben", 31, Verdict::ChangesRequested);
        }
        46 => seed_hostile::fill(&mut desk),
        47 => {
            desk.verdict("ben", 120, Verdict::Approved);
            desk.task("ben", 121, None, "Ask a native speaker about Maltese");
        }
        number if number % 7 == 0 && desk.request.state == State::Open => {
            desk.says("ana", 90, "Looks good to me.");
            desk.verdict("ana", 91, Verdict::Approved);
        }
        _ => {}
    }
    request.comments.sort_by_key(|comment| comment.created_on);
}

/// Where reviews of one pull request are written.
pub(crate) struct Desk<'a> {
    pub(crate) request: &'a mut PullRequest,
    git: &'a Git,
    head: &'a str,
}

impl Desk<'_> {
    /// A general comment, so many minutes after the opening. Gives its id.
    pub(crate) fn says(&mut self, who: &str, minute: i64, raw: &str) -> Option<u64> {
        self.add(who, minute, raw, None, None)
    }

    /// A comment on the line of the new file that has `anchor` in it.
    pub(crate) fn inline(
        &mut self,
        who: &str,
        minute: i64,
        path: &str,
        anchor: &str,
        raw: &str,
    ) -> Option<u64> {
        let place = Inline {
            path: path.to_owned(),
            from: None,
            to: self.line(path, anchor),
            start_from: None,
            start_to: None,
            outdated: false,
        };
        self.add(who, minute, raw, Some(place), None)
    }

    /// An answer, which stands where the comment stands that it answers.
    pub(crate) fn reply(
        &mut self,
        who: &str,
        minute: i64,
        parent: Option<u64>,
        raw: &str,
    ) -> Option<u64> {
        let place = self
            .request
            .comments
            .iter()
            .find(|comment| Some(comment.id) == parent)
            .and_then(|comment| comment.inline.clone());
        self.add(who, minute, raw, place, parent)
    }

    pub(crate) fn resolve(&mut self, who: &str, minute: i64, id: Option<u64>) {
        let (Some(person), when) = (people::find(who), self.after(minute)) else { return };
        if let Some(comment) = self.comment(id) {
            comment.resolution = Some((person, when));
        }
        self.note(when);
    }

    /// Changes what a comment says about itself, such as its place.
    pub(crate) fn amend(&mut self, id: Option<u64>, change: impl FnOnce(&mut Comment)) {
        if let Some(comment) = self.comment(id) {
            change(comment);
        }
    }

    pub(crate) fn verdict(&mut self, who: &str, minute: i64, verdict: Verdict) {
        let Some(person) = people::find(who) else { return };
        let when = self.after(minute);
        self.request.take_part(person, when, Some(Some(verdict)));
    }

    pub(crate) fn task(&mut self, who: &str, minute: i64, comment: Option<u64>, raw: &str) {
        let Some(creator) = people::find(who) else { return };
        let when = self.after(minute);
        let id = 800_000 + self.request.id * 100 + count(self.request.tasks.len());
        self.request.tasks.push(Task {
            id,
            creator,
            raw: raw.to_owned(),
            created_on: when,
            updated_on: when,
            comment,
            resolved: None,
        });
        self.note(when);
    }

    /// Marks the last task as done.
    pub(crate) fn done(&mut self, who: &str, minute: i64) {
        let (Some(person), when) = (people::find(who), self.after(minute)) else { return };
        if let Some(task) = self.request.tasks.last_mut() {
            task.resolved = Some((person, when));
            task.updated_on = when;
        }
        self.note(when);
    }

    /// The line of a file at the source that has `anchor` in it.
    pub(crate) fn line(&self, path: &str, anchor: &str) -> Option<u64> {
        let Some(Node::File { bytes, .. }) = self.git.tree(self.head, path) else { return None };
        let text = String::from_utf8_lossy(&bytes);
        let index = text.lines().position(|line| line.contains(anchor))?;
        Some(count(index) + 1)
    }

    fn add(
        &mut self,
        who: &str,
        minute: i64,
        raw: &str,
        inline: Option<Inline>,
        parent: Option<u64>,
    ) -> Option<u64> {
        let author: &'static Person = people::find(who)?;
        let when = self.after(minute);
        let id = 700_000_000 + self.request.id * 1_000 + count(self.request.comments.len()) * 7;
        self.request.comments.push(Comment {
            id,
            author,
            raw: raw.to_owned(),
            created_on: when,
            updated_on: when,
            inline,
            parent,
            resolution: None,
            pending: false,
            deleted: false,
        });
        if author == self.request.author {
            self.note(when);
        } else {
            self.request.take_part(author, when, None);
        }
        Some(id)
    }

    fn comment(&mut self, id: Option<u64>) -> Option<&mut Comment> {
        self.request.comments.iter_mut().find(|comment| Some(comment.id) == id)
    }

    fn after(&self, minute: i64) -> Timestamp {
        // No two things happen in the same microsecond.
        let more = 7 * i64::try_from(self.request.comments.len()).unwrap_or_default();
        let span = minute.minutes().milliseconds(137 + more);
        self.request.created_on.checked_add(span).unwrap_or(self.request.created_on)
    }

    fn note(&mut self, when: Timestamp) {
        self.request.updated_on = self.request.updated_on.max(when);
    }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or_default()
}

fn description(number: u64) -> &'static str {
    match number {
        1 => "The load balancer asks every ten seconds.",
        12 => "First half of the orders page.\n\nThe second half is the page itself.",
        24 => {
            "People ask for light presents.\n\n* `lighterThan` takes grams\n* sorted, lightest first"
        }
        27 => "Shipping has become dearer. Agreed with sales on 2026-10-23.",
        30 => "Finds the places where an index may be out of range.",
        34 => "Plain text for now; the layout comes later.",
        40 => "Everything that goes into 2.4, and when.",
        43 => "Sales want to try a lower limit in December.",
        44 => "Not finished: the lockers' addresses are missing.",
        45 => "Shipping is taxed at the same rate as the goods.",
        47 => "One file per language, from the translation office.",
        _ => "",
    }
}
