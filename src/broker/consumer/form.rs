//! The form, and what may be entered into it.

use http::StatusCode;
use url::Url;

use crate::bitbucket::Consumer;
use crate::identity::{Page, escape};

/// Bitbucket's keys have 18 characters and its secrets 32.
const LONGEST: usize = 256;

/// What the page says of what is set.
#[derive(Clone, Debug)]
pub(in crate::broker) struct Words {
    connection: String,
    callback: Url,
}

/// The form, as one person sees it.
pub(in crate::broker) struct Form<'a> {
    pub(in crate::broker) words: &'a Words,
    /// Where it is posted to, relative to the page.
    pub(in crate::broker) action: &'a str,
    /// What shows that our own page has sent it.
    pub(in crate::broker) token: &'a str,
    /// What stands above it, as HTML.
    pub(in crate::broker) introduction: &'a str,
}

impl Words {
    pub(in crate::broker) fn new(connection: &str, callback: &Url) -> Self {
        Self { connection: connection.to_owned(), callback: callback.clone() }
    }

    /// Whether it is `callback` that the page names.
    pub(in crate::broker) fn is_for(&self, callback: &Url) -> bool {
        self.callback == *callback
    }
}

impl Form<'_> {
    pub(in crate::broker) fn page(&self) -> Page {
        self.with(StatusCode::OK, "", "")
    }

    /// The same once more, since it does not do: `why` is a sentence of ours. The key, which is no
    /// secret, need not be typed again.
    pub(in crate::broker) fn again(&self, key: &str, why: &str) -> Page {
        let alert = format!("<p role=\"alert\"><strong>{}</strong></p>", escape(why));
        let key: String = key.trim().chars().take(LONGEST).collect();
        self.with(StatusCode::UNPROCESSABLE_ENTITY, &alert, &key)
    }

    fn with(&self, status: StatusCode, alert: &str, key: &str) -> Page {
        let Words { connection, callback } = self.words;
        let body = format!(
            "{}<p>They become part of the connection <strong>{}</strong> of the Auth0 tenant \
             <strong>{}</strong>. They go there from this server, and your agent does not see them.</p>\
             <p>At Bitbucket, under Workspace settings, OAuth consumers, the consumer must have this \
             callback URL: <code>{}</code></p>{alert}\
             <form method=\"post\" action=\"{}\" autocomplete=\"off\">\
             <input type=\"hidden\" name=\"token\" value=\"{}\">\
             <label>Key <input name=\"key\" value=\"{}\" autocomplete=\"off\" autocapitalize=\"off\" \
             spellcheck=\"false\"></label>\
             <label>Secret <input type=\"password\" name=\"secret\" autocomplete=\"off\"></label>\
             <button class=\"first\" name=\"action\" value=\"enter\">Enter</button></form>\
             <p>Enter them only if you have just asked your agent to set the connection up; else close \
             this page.</p>",
            self.introduction,
            escape(connection),
            escape(callback.authority()),
            escape(callback.as_str()),
            escape(self.action),
            escape(self.token),
            escape(key),
        );
        Page::new(status, "Enter the Bitbucket consumer’s key and secret", body)
    }
}

/// It has arrived.
pub(in crate::broker) fn taken() -> Page {
    let body = "<p>Your agent goes on with them. You can close this page.</p>";
    Page::new(StatusCode::OK, "The key and the secret were entered", body)
}

/// The consumer, if both look as such things do. Otherwise a sentence that repeats neither.
pub(in crate::broker) fn read(key: &str, secret: &str) -> Result<Consumer, &'static str> {
    let (key, secret) = (key.trim(), secret.trim());
    let is_sound =
        |text: &str| text.len() <= LONGEST && text.bytes().all(|byte| byte.is_ascii_graphic());
    if key.is_empty() || secret.is_empty() {
        Err("Both are needed: the key and the secret.")
    } else if key == secret {
        Err("The key and the secret are the same: copy each into its own field.")
    } else if !is_sound(key) || !is_sound(secret) {
        Err(
            "One of the two is no key or secret: copy them once more, without anything around them.",
        )
    } else {
        Ok(Consumer { key: key.to_owned(), secret: secret.into() })
    }
}
