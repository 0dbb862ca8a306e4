use std::fmt::Write as _;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::bitbucket::{self, Activity, RepositoryId, Update, User, Vote};
use crate::text::Foreign;
use crate::tool::{Answer, Context, Effect, Tool};
use crate::tools::params::{Limit, Number, RepositoryArgument, WorkspaceArgument};
use crate::tools::shown::{self, LINE, NAME, PATH, bare, more, short};
use crate::{Error, Result};

/// List what happened to a pull request, newest first: pushes, edits, comments, verdicts, its end.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListPullRequestActivity {
    /// Not needed if `repository` names it.
    workspace: Option<WorkspaceArgument>,
    /// The repository, or the pull request's URL.
    repository: RepositoryArgument,
    /// Its number.
    number: Option<Number>,
    /// How many.
    #[serde(default)]
    limit: Limit,
    /// From `next_cursor`.
    cursor: Option<String>,
}

/// Events, newest first.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Events {
    repository: String,
    number: u32,
    events: Vec<Event>,
    /// Pass it as `cursor` for older ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// Something that somebody did.
#[derive(Debug, Serialize, JsonSchema)]
struct Event {
    #[serde(skip_serializing_if = "Option::is_none")]
    when: Option<String>,
    who: Foreign,
    /// What: opened, pushed, renamed, retargeted, edited, reviewers, updated, merged, declined, superseded,
    /// approved, changes_requested, commented, replied, deleted_comment.
    what: Vec<&'static str>,
    /// The commit that the source branch was at.
    #[serde(skip_serializing_if = "Option::is_none")]
    head: Option<String>,
    /// The new title.
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<Foreign>,
    /// The new destination branch.
    #[serde(skip_serializing_if = "Option::is_none")]
    destination: Option<Foreign>,
    /// The comment, or the reason for the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Foreign>,
    /// Who was asked for a review.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reviewers_added: Vec<Foreign>,
    /// Who is no longer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reviewers_removed: Vec<Foreign>,
    /// A comment's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<u64>,
    /// Where the comment stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<Foreign>,
    /// In the new file, or else in the old one.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
}

impl Tool for ListPullRequestActivity {
    const NAME: &'static str = "list_pull_request_activity";
    const TITLE: &'static str = "List what happened to a pull request";
    const EFFECT: Effect = Effect::Reads;
    const SCOPES: &'static [&'static str] = &["pullrequest"];
    type Output = Events;

    async fn run(self, cx: &Context) -> Result<Events> {
        let (id, number) = self.repository.pull_request(self.workspace.as_ref(), self.number)?;
        let resume = cx.resume(self.cursor.as_deref())?;
        let repository = cx.repository(&id).await?;
        let page = repository.pull_request_activity(number, self.limit.get(), resume.as_ref());
        let page = page.await.map_err(|error| absent(error, &id, number))?;
        let is_whole = page.next.is_none();
        let values = &page.values;
        let events = values.iter().enumerate().filter_map(|(place, activity)| {
            let before = values.iter().skip(place + 1).find_map(|older| older.update.as_ref());
            Event::of(activity, before, is_whole)
        });
        let events = events.collect();
        let next_cursor = cx.cursor(page.next)?;
        Ok(Events { repository: id.to_string(), number, events, next_cursor })
    }
}

fn absent(error: bitbucket::Error, id: &RepositoryId, number: u32) -> Error {
    if error.is_not_found() {
        Error::not_found(
            format!("no pull request #{number} in `{id}`, or no access to it"),
            "call `list_pull_requests` with `state: all` for the ones there are",
        )
    } else {
        error.into()
    }
}

impl Event {
    /// `before` is the update before this event, if it is on the same page, and `is_whole` tells whether
    /// there is nothing before the page.
    fn of(activity: &Activity, before: Option<&Update>, is_whole: bool) -> Option<Self> {
        if let Some(update) = &activity.update {
            return Some(Self::update(update, before, is_whole));
        }
        if let Some(comment) = &activity.comment {
            let what = match (comment.deleted, comment.parent.id) {
                (true, _) => "deleted_comment",
                (false, Some(_)) => "replied",
                (false, None) => "commented",
            };
            let text = Foreign::line(&comment.content.raw, LINE);
            let path = comment.inline.path.as_deref();
            return Some(Self {
                text: Some(text).filter(|text| !comment.deleted && !text.is_empty()),
                comment: Some(comment.id),
                path: path.map(|path| Foreign::line(path, PATH)),
                line: comment.inline.to.or(comment.inline.from),
                ..Self::new(comment.created_on, &comment.user, what)
            });
        }
        let vote = |vote: &Vote, what| Self::new(vote.date, &vote.user, what);
        match (&activity.approval, &activity.changes_requested) {
            (Some(approval), _) => Some(vote(approval, "approved")),
            (None, Some(request)) => Some(vote(request, "changes_requested")),
            (None, None) => None,
        }
    }

    /// An update shows how the pull request was after it; what changed is told by the one before, and by
    /// what it says itself.
    fn update(update: &Update, before: Option<&Update>, is_whole: bool) -> Self {
        let mut event = Self::new(update.date, &update.author, "updated");
        event.what.clear();
        let changes = &update.changes;
        let name = |user: &User| shown::person(user);
        event.reviewers_added = changes.reviewers.added.iter().map(name).collect();
        event.reviewers_removed = changes.reviewers.removed.iter().map(name).collect();
        let is_end = before.is_none_or(|before| before.state != update.state);
        match update.state.as_str() {
            "MERGED" if is_end => event.what.push("merged"),
            "DECLINED" if is_end => event.what.push("declined"),
            "SUPERSEDED" if is_end => event.what.push("superseded"),
            _ if before.is_none() && is_whole => event.what.push("opened"),
            _ => {}
        }
        let text = |text: &str| Some(Foreign::line(text, LINE)).filter(|text| !text.is_empty());
        if event.what.is_empty() {
            let is_other = |one: Option<&str>, other: Option<&str>| matches!((one, other), (Some(one), Some(other)) if one != other);
            let before = |part: fn(&Update) -> Option<&str>| before.and_then(part);
            if is_other(update.head(), before(Update::head)) {
                event.what.push("pushed");
            }
            if is_other(update.destination_branch(), before(Update::destination_branch)) {
                event.what.push("retargeted");
                event.destination = update.destination_branch().and_then(text);
            }
            if changes.title.is_some()
                || is_other(
                    Some(update.title.as_str()),
                    before(|update| Some(update.title.as_str())),
                )
            {
                event.what.push("renamed");
                event.title = text(&update.title);
            }
            if changes.description.is_some() {
                event.what.push("edited");
            }
        } else {
            event.text = text(&update.reason);
        }
        if !event.reviewers_added.is_empty() || !event.reviewers_removed.is_empty() {
            event.what.push("reviewers");
        }
        if event.what.is_empty() {
            event.what.push("updated");
        }
        event.head = update.head().map(short);
        event
    }

    fn new(when: Option<Timestamp>, who: &User, what: &'static str) -> Self {
        Self {
            when: when.map(shown::time),
            who: shown::person(who),
            what: vec![what],
            head: None,
            title: None,
            destination: None,
            text: None,
            reviewers_added: Vec::new(),
            reviewers_removed: Vec::new(),
            comment: None,
            path: None,
            line: None,
        }
    }

    fn words(&self) -> String {
        let mut parts: Vec<String> = Vec::new();
        for what in &self.what {
            parts.push(match *what {
                "changes_requested" => "requested changes".to_owned(),
                "deleted_comment" => "deleted a comment".to_owned(),
                "edited" => "edited the description".to_owned(),
                "pushed" => format!("pushed {}", self.head.as_deref().unwrap_or_default()),
                "opened" => format!("opened it at {}", self.head.as_deref().unwrap_or_default()),
                "renamed" => match &self.title {
                    Some(title) => format!("renamed it {}", title.quoted()),
                    None => "renamed it".to_owned(),
                },
                "retargeted" => match &self.destination {
                    Some(branch) => format!("changed the destination to {}", bare(branch)),
                    None => "changed the destination".to_owned(),
                },
                "updated" => "changed something that Bitbucket does not name".to_owned(),
                "reviewers" => self.reviewers(),
                other => other.to_owned(),
            });
        }
        let mut words = parts.join(", ");
        if let Some(comment) = self.comment {
            let _ = write!(words, " ({comment})");
        }
        if let Some(path) = &self.path {
            let _ = write!(words, " on {}", bare(path));
            if let Some(line) = self.line {
                let _ = write!(words, ":{line}");
            }
        }
        if let Some(text) = &self.text {
            let _ = write!(words, ": {}", text.quoted());
        }
        words
    }

    fn reviewers(&self) -> String {
        let names = |names: &[Foreign]| names.iter().map(bare).collect::<Vec<_>>().join(" ");
        match (self.reviewers_added.as_slice(), self.reviewers_removed.as_slice()) {
            (added, []) => format!("asked {} for a review", names(added)),
            ([], removed) => format!("no longer asks {} for a review", names(removed)),
            (added, removed) => {
                format!("asked {} for a review instead of {}", names(added), names(removed))
            }
        }
    }
}

impl Answer for Events {
    fn text(&self) -> String {
        if self.events.is_empty() {
            return format!("nothing happened to #{} of {}", self.number, self.repository);
        }
        let mut text = format!("#{} of {}, newest first:", self.number, self.repository);
        for event in &self.events {
            text.push_str("\n  ");
            if let Some(when) = &event.when {
                let minute = when.get(11..16).unwrap_or_default();
                let _ = write!(text, "{} {minute} · ", shown::day(when));
            }
            let who = Foreign::line(event.who.as_str(), NAME);
            let _ = write!(text, "{} {}", bare(&who), event.words());
        }
        more(&mut text, self.next_cursor.as_ref());
        text
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::Stage;

    const TOOL: &str = "list_pull_request_activity";

    #[tokio::test]
    async fn tells_who_did_what_and_when_in_one_request() {
        let stage = Stage::new().await;
        stage.sandbox().clear_requests();
        let call = json!({ "repository": "https://bitbucket.org/acme/shop/pull-requests/42" });
        let said = stage.call_as("limited", TOOL, call).await;
        assert_eq!(stage.requests().len(), 1);
        insta::assert_snapshot!(said, @r#"
        #42 of acme/shop, newest first:
          2026-11-16 10:10 · gus commented (700042091) on package-lock.json: "Eight updates in here have nothing to do with rounding. On purpose?"
          2026-11-16 09:40 · ben approved
          2026-11-16 09:10 · ben commented (700042084) on package.json:12: "What is `big.js` for? `Money` does not import it."
          2026-11-15 11:10 · ana commented (700042077) on CHANGELOG.md:3: "Please say in one sentence what a customer notices."
          2026-11-15 09:10 · ana commented (700042070) on tests/money.test.ts:46: "`cents()` is whole already, so `Math.floor` does nothing here."
          2026-11-15 08:10 · gus commented (700042063) on docs/rounding.md:11: "Do we have that in writing? Support gets asked."
          2026-11-14 13:10 · ana commented (700042056) on src/checkout/total.ts:11: "This loop was hard to read anyway."
          2026-11-14 12:10 · ben commented (700042049) on src/money/money.ts:54: "Nobody calls this. Remove it, or use it for `FREE_FROM`?"
          2026-11-14 10:10 · cleo replied (700042042) on src/checkout/total.ts:11: "Yes, \"takes FRIENDS off before the tax\"."
          2026-11-14 09:10 · ana commented (700042035) on src/checkout/total.ts:11: "Discount before tax: do we have a test that would notice if somebody swapped the two?"
          2026-11-14 08:10 · ben replied (700042028) on src/money/money.ts:51: "Then please refuse other rates instead of rounding them."
          2026-11-13 13:10 · cleo replied (700042021) on src/money/money.ts:51: "Not today: codes are whole per cent, and tax is 19."
          2026-11-13 11:10 · ben commented (700042014) on src/money/money.ts:51: "`Math.round` on the rate drops everything after two digits. Is 33.333 % a rate that can happen?"
          2026-11-13 10:30 · cleo replied (700042007): "No hurry, 2.4.1 is planned for the end of November."
          2026-11-13 10:10 · ana commented (700042000): "Thank you, this is much easier to follow than what we have. I will go through the tests this week."
          2026-11-13 08:11 · cleo renamed it "Round checkout totals once, at the end", asked ana ben for a review
          2026-11-13 08:10 · cleo opened it at a77bd4c287ec
        "#);
    }

    #[tokio::test]
    async fn tells_how_a_pull_request_ended() {
        let stage = Stage::new().await;
        let call = json!({ "repository": "acme/shop", "number": 22 });
        let said = stage.call_as("linked", TOOL, call).await;
        insta::assert_snapshot!(said, @"
        #22 of acme/shop, newest first:
          2026-10-15 09:00 · ana merged
          2026-10-15 08:40 · ana approved
          2026-10-14 14:00 · cleo opened it at 5faaa88dc4c9
        ");
    }

    #[tokio::test]
    async fn takes_no_event_for_the_opening_that_may_have_one_before_it() {
        let stage = Stage::new().await;
        let mut call = json!({ "repository": "acme/shop", "number": 42, "limit": 10 });
        let mut seen = 0;
        loop {
            let page = stage.structured_as("linked", TOOL, call.clone()).await;
            let events = page["events"].as_array().unwrap();
            seen += events.len();
            let opened = events.iter().filter(|event| event["what"] == json!(["opened"])).count();
            let Some(cursor) = page.get("next_cursor") else {
                assert_eq!(opened, 1);
                break;
            };
            assert_eq!(opened, 0);
            call["cursor"] = cursor.clone();
        }
        let call = json!({ "repository": "acme/shop", "number": 42, "limit": 100 });
        let all = stage.structured_as("linked", TOOL, call).await;
        assert_eq!(all["events"].as_array().unwrap().len(), seen);
    }

    #[tokio::test]
    async fn says_when_there_is_no_such_pull_request() {
        let stage = Stage::new().await;
        let call = json!({ "repository": "acme/shop", "number": 9999 });
        let said = stage.call_as("linked", TOOL, call).await;
        insta::assert_snapshot!(said, @"
        not_found: no pull request #9999 in `acme/shop`, or no access to it
        hint: call `list_pull_requests` with `state: all` for the ones there are
        ");
    }

    #[test]
    fn tells_what_changed_by_the_update_before() {
        let update = |title: &str, hash: &str, branch: &str, state: &str| {
            json!({ "update": {
                "state": state, "title": title, "date": "2026-11-13T08:10:00Z",
                "author": { "nickname": "cl\neo\u{202e}" },
                "source": { "commit": { "hash": hash } },
                "destination": { "branch": { "name": branch } },
            } })
        };
        let values: Vec<Activity> = serde_json::from_value(json!([
            update("New", "bbbbbbbbbbbb", "main", "DECLINED"),
            update("New", "bbbbbbbbbbbb", "main", "OPEN"),
            update("New", "bbbbbbbbbbbb", "main", "OPEN"),
            { "changes_requested": { "user": { "display_name": "Ben Okoye" }, "date": "2026-11-12T08:10:00Z" } },
            update("Old", "bbbbbbbbbbbb", "release/1", "OPEN"),
            update("Old", "aaaaaaaaaaaa", "release/1", "OPEN"),
            { "something_new": {} },
        ]))
        .unwrap();
        let said = |is_whole| {
            let words = values.iter().enumerate().filter_map(|(place, activity)| {
                let before = values.iter().skip(place + 1).find_map(|one| one.update.as_ref());
                let event = Event::of(activity, before, is_whole)?;
                Some(format!("{} {}", bare(&event.who), event.words()))
            });
            words.collect::<Vec<_>>().join("\n")
        };
        insta::assert_snapshot!(said(true), @r#"
        "cl eo" declined
        "cl eo" changed something that Bitbucket does not name
        "cl eo" changed the destination to main, renamed it "New"
        "Ben Okoye" requested changes
        "cl eo" pushed bbbbbbbbbbbb
        "cl eo" opened it at aaaaaaaaaaaa
        "#);
        assert!(said(false).ends_with("changed something that Bitbucket does not name"));
    }
}
