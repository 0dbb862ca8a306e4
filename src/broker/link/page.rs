//! The few pages that a person sees while linking. Whatever somebody else has named is escaped, and no
//! page holds a token, a code or an error's description.

use std::fmt;

use http::StatusCode;

use super::LinkedAccount;
use crate::bitbucket::GRANTS_PAGE;
use crate::identity::{Page, escape};

/// Moves what Auth0 put behind the `#`, which no server sees, into the form, and out of the history.
const HAND_ON: &str = "\
    const given=new URLSearchParams(location.hash.slice(1));\
    history.replaceState(null,'',location.pathname);\
    const form=document.forms[0];\
    for(const name of ['connect_code','state','error','iss'])\
    if(given.has(name))form.elements[name].value=given.get(name);\
    if(form.elements.connect_code.value||form.elements.error.value)form.submit();";

/// The button that takes a link back.
pub(super) struct UndoForm<'a> {
    /// Where it is posted to.
    pub(super) action: &'static str,
    /// What it carries; only its page knows that.
    pub(super) fields: Vec<(&'static str, &'a str)>,
}

impl Page {
    /// The account is linked. `person` is whose vault it is in; `undo` takes it back,
    /// while that is possible.
    pub(super) fn linked(
        account: &LinkedAccount,
        person: &str,
        undo: Option<&UndoForm<'_>>,
    ) -> Self {
        let title = match &account.username {
            Some(username) => format!("Bitbucket account {} is now linked", username.as_str()),
            None => "A Bitbucket account is now linked".to_owned(),
        };
        let name = named(account)
            .unwrap_or_else(|| "A Bitbucket account, which Bitbucket did not name,".to_owned());
        let body = format!(
            "<p>{name} is now linked to <strong>{}</strong>.</p>\
             <p>You can close this page and go back to your agent.</p>{}",
            escape(person),
            shown(undo)
        );
        Self::new(StatusCode::OK, title, body)
    }

    /// The link was made, but it does not work: `why` is a sentence of ours.
    pub(super) fn linked_in_vain(why: &str, person: &str, undo: Option<&UndoForm<'_>>) -> Self {
        let body = format!(
            "<p>A Bitbucket account is now linked to <strong>{}</strong>, but it cannot be used: {}.\
             </p>{}",
            escape(person),
            escape(why),
            shown(undo)
        );
        Self::new(StatusCode::OK, "The linked account cannot be used", body)
    }

    /// The person said no.
    pub(super) fn refused() -> Self {
        let body = "<p>Nothing was linked. You can close this page.</p>";
        Self::new(StatusCode::OK, "You refused", body)
    }

    /// The person took the link back.
    pub(super) fn undone() -> Self {
        let body = format!("<p>The Bitbucket account is no longer linked.</p>{}", what_remains());
        Self::new(StatusCode::OK, "The link was undone", body)
    }

    /// The link could not be taken back: `why` is a sentence of ours, and the form tries again.
    pub(super) fn not_undone(why: &str, undo: &UndoForm<'_>) -> Self {
        let body = format!(
            "<p>It did not work: {}. The Bitbucket account is still linked.</p>{}",
            escape(why),
            undo
        );
        Self::new(StatusCode::BAD_GATEWAY, "The link could not be undone", body)
    }

    /// No such address.
    pub(in crate::broker) fn unknown() -> Self {
        let body = "<p>Ask your agent for the link again.</p>";
        Self::new(StatusCode::NOT_FOUND, "This link is not valid", body)
    }

    /// The link is too old.
    pub(in crate::broker) fn expired() -> Self {
        let body = "<p>Nothing was changed. Ask your agent for a new link.</p>";
        Self::new(StatusCode::GONE, "This link is too old", body)
    }

    /// The link has done its work.
    pub(in crate::broker) fn spent() -> Self {
        let body = "<p>It works once. Ask your agent for a new link if you need one.</p>";
        Self::new(StatusCode::GONE, "This link was already used", body)
    }

    /// Something came back that nobody here was sent for, or not with this.
    pub(in crate::broker) fn unexpected() -> Self {
        let body = "<p>Nothing was changed. Open the link that your agent gave you once more.</p>";
        Self::new(StatusCode::BAD_REQUEST, "This page was not expected", body)
    }

    /// Two people are at work on one link.
    pub(super) fn another_person() -> Self {
        let body =
            "<p>Somebody else has already signed in with this link. Nothing was changed.</p>";
        Self::new(StatusCode::FORBIDDEN, "This link is for someone else", body)
    }

    /// It did not work: `why` is a sentence of ours.
    pub(super) fn failed(why: &str) -> Self {
        let body = format!(
            "<p>It did not work: {}.</p><p>Open the link that your agent gave you once more, or go \
             back to your agent.</p>",
            escape(why)
        );
        Self::new(StatusCode::BAD_GATEWAY, "Nothing was linked", body)
    }

    /// Reads the fragment, where Auth0 may have put what belongs into the query.
    pub(super) fn fragment(callback: &str, state: &str) -> Self {
        let body = format!(
            "<form method=\"post\" action=\"{callback}\">\
             <input type=\"hidden\" name=\"connect_code\">\
             <input type=\"hidden\" name=\"state\" value=\"{}\">\
             <input type=\"hidden\" name=\"error\">\
             <input type=\"hidden\" name=\"iss\"></form>\
             <p>If this page stays, open the link that your agent gave you once more.</p>",
            escape(state)
        );
        let page = Self::new(StatusCode::OK, "One moment", body);
        page.with_script(HAND_ON)
    }
}

/// What a person may still want to end once an account is out of the vault.
pub(super) fn what_remains() -> String {
    format!(
        "<p>Bitbucket itself still lists its own grant: you can end it there under Personal settings, \
         <a href=\"{GRANTS_PAGE}\" rel=\"noreferrer\">App authorizations</a>. You can close this \
         page.</p>"
    )
}

/// The account by what Bitbucket calls it, if that is known.
pub(super) fn named(account: &LinkedAccount) -> Option<String> {
    let username = account.username.as_ref()?;
    let name = account.display_name.as_ref().filter(|name| *name != username);
    let name = name.map(|name| format!(" ({})", escape(name.as_str())));
    Some(format!(
        "Bitbucket account <strong>{}</strong>{}",
        escape(username.as_str()),
        name.unwrap_or_default()
    ))
}

fn shown(undo: Option<&UndoForm<'_>>) -> String {
    undo.map(ToString::to_string).unwrap_or_default()
}

impl fmt::Display for UndoForm<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "<form method=\"post\" action=\"{}\">", self.action)?;
        for (name, value) in &self.fields {
            let value = escape(value);
            write!(formatter, "<input type=\"hidden\" name=\"{name}\" value=\"{value}\">")?;
        }
        formatter.write_str("<button>Not mine: undo</button></form>")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Foreign;

    #[test]
    fn shows_a_hostile_name_as_text() {
        let account = LinkedAccount {
            id: Some("cac_1".into()),
            connection: "bitbucket".into(),
            username: Some(Foreign::line("<script>alert(1)</script>", 100)),
            display_name: Some(Foreign::line("\"A\" & 'B'", 100)),
            scopes: None,
            broken: false,
            linked_at: None,
        };
        let undo = UndoForm { action: "/undo", fields: vec![("token", "token")] };
        let page = Page::linked(&account, "<i>me</i>", Some(&undo));
        assert_eq!(
            page.body(),
            "<p>Bitbucket account <strong>&lt;script&gt;alert(1)&lt;/script&gt;</strong> \
             (&quot;A&quot; &amp; &#39;B&#39;) is now linked to <strong>&lt;i&gt;me&lt;/i&gt;</strong>.\
             </p><p>You can close this page and go back to your agent.</p>\
             <form method=\"post\" action=\"/undo\">\
             <input type=\"hidden\" name=\"token\" value=\"token\">\
             <button>Not mine: undo</button></form>"
        );
    }

    #[test]
    fn runs_only_its_own_script_and_loads_nothing() {
        let document = Page::fragment("/callback", "\"><script>").document("N");
        assert_eq!(document.matches("<script").count(), 1);
        assert!(document.contains("<script nonce=\"N\">"));
        assert!(document.contains("value=\"&quot;&gt;&lt;script&gt;\""));
        for foreign in ["http:", "https:", "src=", "url(", "@import"] {
            assert!(!document.contains(foreign), "{foreign}");
        }
    }
}
