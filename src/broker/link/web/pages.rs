//! The pages that only people who come from elsewhere see. As in [`super::super::page`], whatever
//! somebody else has named is escaped, and no page holds a token of Auth0's or an error's description.

use std::fmt::Write as _;

use http::StatusCode;
use url::Url;

use super::super::LinkedAccount;
use super::super::page::{named, what_remains};
use super::Asker;
use crate::identity::{Page, escape};

/// Asks the person, by name, whether an account shall be linked.
pub(super) fn confirm(person: &str, askers: &[Asker], ticket: &Url, token: &str) -> Page {
    let body = format!(
        "<p>You are signed in as <strong>{}</strong>. {} you to link a Bitbucket account.</p>\
         <p>If you go on, you choose the account at Bitbucket, and what you grant there is kept for \
         you in Auth0’s vault. From then on the agent acts as you at Bitbucket, within what the \
         account may do.</p>\
         <p>Go on only if you have just asked your agent for this.</p>\
         <form method=\"post\" action=\"{}\">{}\
         <button class=\"first\" name=\"action\" value=\"continue\">Continue</button>\
         <button name=\"action\" value=\"cancel\">Cancel</button></form>",
        escape(person),
        asking(askers),
        escape(ticket.path()),
        hidden("token", token),
    );
    Page::new(StatusCode::OK, "Let the agent work in Bitbucket as you?", body)
}

/// Asks the person, by name, which of `accounts` shall be taken out of the vault.
pub(super) fn unlink(
    person: &str,
    askers: &[Asker],
    accounts: &[LinkedAccount],
    ticket: &Url,
    token: &str,
) -> Page {
    let mut choices = String::new();
    for (index, account) in accounts.iter().enumerate() {
        let id = escape(account.id.as_deref().unwrap_or_default());
        let checked = if index == 0 { " checked" } else { "" };
        let _ = write!(
            choices,
            "<label><input type=\"radio\" name=\"account\" value=\"{id}\"{checked}> \
             {}{}</label>",
            called(account),
            since(account)
        );
    }
    let body = format!(
        "<p>You are signed in as <strong>{}</strong>. {} you to unlink a Bitbucket account.</p>\
         <form method=\"post\" action=\"{}\">{}\
         <fieldset><legend>Which account?</legend>{choices}</fieldset>\
         <button class=\"first\" name=\"action\" value=\"unlink\">Unlink</button>\
         <button name=\"action\" value=\"cancel\">Cancel</button></form>",
        escape(person),
        asking(askers),
        escape(ticket.path()),
        hidden("token", token),
    );
    Page::new(StatusCode::OK, "Take the account away from the agent?", body)
}

/// What stands above the form for the consumer's key and secret, as HTML.
pub(super) fn asks_for_consumer(person: &str, askers: &[Asker]) -> String {
    format!(
        "<p>You are signed in as <strong>{}</strong>. {} you to enter the key and secret of a Bitbucket \
         OAuth consumer.</p>",
        escape(person),
        asking(askers),
    )
}

/// There is nothing to unlink.
pub(super) fn nothing_linked(person: &str) -> Page {
    let body = format!(
        "<p>No such Bitbucket account is linked to <strong>{}</strong>. You can close this page.</p>",
        escape(person)
    );
    Page::new(StatusCode::OK, "There is nothing to unlink", body)
}

/// The account is out of the vault of `person`; `left` is what is still in there, if that is known.
pub(super) fn unlinked(
    account: &LinkedAccount,
    person: &str,
    left: Option<&[LinkedAccount]>,
) -> Page {
    let from_now_on = match left {
        None => "Whether another account is still linked could not be read: ask your agent.".into(),
        Some([]) => "The agent can no longer act as you at Bitbucket.".into(),
        Some([only]) if only.broken => {
            format!("{}{}: still linked, but it no longer works.", called(only), since(only))
        }
        Some([only]) => format!(
            "{}{}: still linked. From now on the agent acts as this account.",
            called(only),
            since(only)
        ),
        Some(several) => {
            let named = several.iter().map(|one| format!("<li>{}{}</li>", called(one), since(one)));
            format!(
                "These accounts are still linked. The agent acts as none of them until all but one \
                 are unlinked:</p><ul>{}</ul><p>Ask your agent to unlink the next.",
                named.collect::<String>()
            )
        }
    };
    let body = format!(
        "<p>{} is no longer linked to <strong>{}</strong>.</p><p>{from_now_on}</p>\
         {}",
        called(account),
        escape(person),
        what_remains()
    );
    Page::new(StatusCode::OK, "The account was unlinked", body)
}

/// The person does not want to unlink.
pub(super) fn kept() -> Page {
    let body = "<p>The Bitbucket account stays linked as it is. You can close this page.</p>";
    Page::new(StatusCode::OK, "Nothing was unlinked", body)
}

/// Leads on to Auth0, or back to the ticket.
pub(super) fn go_on(url: Url, where_to: &str) -> Page {
    let body = format!(
        "<p>If this page stays, go on yourself:</p>\
         <p><a class=\"button first\" href=\"{}\">Continue at {}</a></p>",
        escape(url.as_str()),
        escape(where_to)
    );
    Page::new(StatusCode::OK, "One moment", body).leading_to(url)
}

/// Whoever has signed in is not whom the ticket is for. It does not say who that would be.
pub(super) fn someone_else(again: &Url) -> Page {
    let body = format!(
        "<p>The account that you have signed in with is not the one that this link was made for. \
         Nothing was changed, and the link still works.</p>\
         <p>If you have several accounts, sign in with the one that your agent uses. If somebody has \
         sent you the link, close this page.</p>\
         <p><a class=\"button\" href=\"{}\">Sign in as someone else</a></p>",
        target(again)
    );
    Page::new(StatusCode::FORBIDDEN, "This link is for someone else", body)
}

/// The way back from Auth0 ends in a browser that did not set out on it.
pub(super) fn another_browser() -> Page {
    let body = "<p>This page belongs to a link that was opened in another browser, or so long ago \
        that it is forgotten here. Nothing was changed.</p>\
        <p>Open the link that your agent gave you, and stay in that browser. If somebody has sent you \
        this address, close the page.</p>";
    Page::new(StatusCode::FORBIDDEN, "This browser did not begin here", body)
}

/// The person left without signing in.
pub(super) fn not_signed_in(ticket: &Url) -> Page {
    let body =
        format!("<p>Nothing was changed, and the link still works.</p>{}", try_again(ticket));
    Page::new(StatusCode::FORBIDDEN, "You did not sign in", body)
}

/// A newer link stands in its place.
pub(super) fn replaced() -> Page {
    let body = "<p>Your agent has a newer link. Use that one, or ask the agent for it.</p>";
    Page::new(StatusCode::GONE, "This link was replaced", body)
}

/// Auth0 was asked too often for this link.
pub(super) fn worn_out() -> Page {
    let body = "<p>It was tried too often. Ask your agent for a new link.</p>";
    Page::new(StatusCode::TOO_MANY_REQUESTS, "This link is worn out", body)
}

/// Nothing has been done in this browser, or it was too long ago.
pub(super) fn nothing_done() -> Page {
    let body = "<p>Nothing was done in this browser in the last minutes.</p>";
    Page::new(StatusCode::NOT_FOUND, "There is nothing to see here", body)
}

/// The time to take the link back is over.
pub(super) fn too_late() -> Page {
    let body = "<p>The account is still linked. Ask your agent to unlink it.</p>";
    Page::new(StatusCode::GONE, "It is too late to undo the link here", body)
}

/// It did not work, through no fault of the person's: `why` is a sentence of ours.
pub(super) fn failed(why: &str, ticket: &Url) -> Page {
    let body = format!(
        "<p>It did not work: {}.</p><p>The link still works: try it again, or go back to your agent.\
         </p>{}",
        escape(why),
        try_again(ticket)
    );
    Page::new(StatusCode::BAD_GATEWAY, "Nothing was changed", body)
}

fn try_again(ticket: &Url) -> String {
    format!("<p><a class=\"button\" href=\"{}\">Try again</a></p>", target(ticket))
}

/// The account by its name, or else by Auth0's.
fn called(account: &LinkedAccount) -> String {
    named(account).unwrap_or_else(|| {
        let id = account.id.as_deref().unwrap_or_default();
        format!("Bitbucket account <code>{}</code>", escape(id))
    })
}

fn since(account: &LinkedAccount) -> String {
    let since = account.linked_at.map(|at| at.strftime(", linked on %-d %B %Y").to_string());
    since.unwrap_or_default()
}

/// Path and query alone: on our own pages, links lead to ourselves.
fn target(url: &Url) -> String {
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    escape(&format!("{}{query}", url.path()))
}

fn hidden(name: &str, value: &str) -> String {
    format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">", escape(value))
}

/// The applications that ask. A name is its bearer's own claim, and so is told as one.
fn asking(askers: &[Asker]) -> String {
    let introduced = askers.iter().map(|asker| {
        let name = asker.name.as_ref().filter(|name| !name.is_empty());
        let called = name.map(|name| format!(" that calls itself “{}”", escape(name.as_str())));
        let id = asker.client_id.as_ref();
        let id = id.map(|id| format!(" (client <code>{}</code>)", escape(id)));
        format!("n application{}{}", called.unwrap_or_default(), id.unwrap_or_default())
    });
    let all = introduced.collect::<Vec<_>>().join(" and a");
    let asks = if askers.len() > 1 { "ask" } else { "asks" };
    format!("A{all} {asks}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Foreign;

    fn ticket() -> Url {
        Url::parse("https://mcp.example.com/link/t-1").unwrap()
    }

    #[test]
    fn asks_by_name_and_shows_hostile_names_as_text() {
        let asker = Asker {
            client_id: Some("tpc_<1>".into()),
            name: Some(Foreign::line("<b>Auth0</b>", 100)),
        };
        let page = confirm("Gus <gus@example.com>", &[asker], &ticket(), "f-1");
        let first = page.body().split("</p>").next().unwrap().to_owned();
        assert_eq!(
            first,
            "<p>You are signed in as <strong>Gus &lt;gus@example.com&gt;</strong>. An application \
             that calls itself “&lt;b&gt;Auth0&lt;/b&gt;” (client <code>tpc_&lt;1&gt;</code>) asks \
             you to link a Bitbucket account."
        );
        assert!(page.body().contains("<form method=\"post\" action=\"/link/t-1\">"));
    }

    #[test]
    fn says_of_what_is_left_no_more_than_is_known() {
        let account = |id: &str, broken| LinkedAccount {
            id: Some(id.into()),
            connection: "bitbucket".into(),
            username: None,
            display_name: None,
            scopes: None,
            broken,
            linked_at: Some("2026-05-28T10:00:00Z".parse().unwrap()),
        };
        let gone = account("cac_1", false);
        let said = [None, Some(vec![account("cac_<2>", true)]), Some(Vec::new())].map(|left| {
            let page = unlinked(&gone, "Ana", left.as_deref());
            page.body().split("</p>").take(2).collect::<Vec<_>>().join("\n")
        });
        insta::assert_snapshot!(said.join("\n"), @"
        <p>Bitbucket account <code>cac_1</code> is no longer linked to <strong>Ana</strong>.
        <p>Whether another account is still linked could not be read: ask your agent.
        <p>Bitbucket account <code>cac_1</code> is no longer linked to <strong>Ana</strong>.
        <p>Bitbucket account <code>cac_&lt;2&gt;</code>, linked on 28 May 2026: still linked, but it no longer works.
        <p>Bitbucket account <code>cac_1</code> is no longer linked to <strong>Ana</strong>.
        <p>The agent can no longer act as you at Bitbucket.
        ");
    }

    #[test]
    fn names_every_application_that_asks_as_far_as_it_names_itself() {
        let named = |name: &str| Asker { client_id: None, name: Some(Foreign::line(name, 100)) };
        assert_eq!(asking(&[Asker::default()]), "An application asks");
        assert_eq!(asking(&[named("\u{200b}")]), "An application asks");
        assert_eq!(
            asking(&[named("One"), named("Two")]),
            "An application that calls itself “One” and an application that calls itself “Two” ask"
        );
    }

    #[test]
    fn leads_on_without_a_redirect() {
        let url = Url::parse("https://acme.eu.auth0.com/connect?ticket=a&b=\"").unwrap();
        let document = go_on(url, "Auth0").document("N");
        let target = "https://acme.eu.auth0.com/connect?ticket=a&amp;b=%22";
        assert!(
            document.contains(&format!("<meta http-equiv=\"refresh\" content=\"0;url={target}\">"))
        );
        assert!(document.contains(&format!("href=\"{target}\">Continue at Auth0</a>")));
    }
}
