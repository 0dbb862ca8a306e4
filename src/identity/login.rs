//! One sign-in, from the question that the browser carries to Auth0 to the answer that it brings back.

use std::fmt;
use std::time::SystemTime;

use serde::Deserialize;
use url::Url;

use super::Error;
use crate::auth0::{
    self, Authorize, BearerToken, Identity, Login, MyAccountToken, PkceVerifier, Purpose,
    Redemption, random_token, same,
};

/// A sign-in that was asked for and not answered yet.
#[derive(Debug)]
pub struct PendingLogin {
    state: String,
    nonce: String,
    verifier: PkceVerifier,
    redirect_uri: Url,
    organization: Option<String>,
    /// When it was asked, where the person has to sign in anew.
    afresh_since: Option<SystemTime>,
}

/// A sign-in that is about to be asked for.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// What the person signs in for.
    pub purpose: Purpose<'a>,
    /// Where the answer comes to.
    pub redirect_uri: Url,
    /// What the answer is found by, not to be guessed.
    pub state: String,
    /// The organization to sign in to, by id; else the one of the settings.
    pub organization: Option<String>,
    /// `login` or `none`, see [`Authorize::prompt`].
    pub prompt: Option<&'a str>,
    /// The person has to sign in anew, and the answer has to show that. `prompt` alone is a wish, which
    /// whoever holds the browser can take out of the address.
    pub afresh: bool,
}

/// What Auth0 puts into the URL of a callback. `error_description` is not read at all: anybody can
/// write one.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct CallbackQuery {
    /// A sign-in's code.
    pub code: Option<String>,
    /// What the question carried.
    pub state: Option<String>,
    /// Why there is no code.
    pub error: Option<String>,
    /// Which authorization server answers (RFC 9207).
    pub iss: Option<String>,
    /// A linking's code. It is none for a sign-in.
    pub connect_code: Option<String>,
}

impl PendingLogin {
    /// Begins a sign-in that comes back to `redirect_uri`, and tells where the person has to go.
    ///
    /// # Errors
    /// When the tenant's metadata cannot be had.
    pub async fn start(
        tenant: &auth0::Tenant,
        redirect_uri: Url,
    ) -> Result<(Self, Url), auth0::Error> {
        let (purpose, state) = (Purpose::Stay, random_token());
        let question = Question {
            purpose,
            redirect_uri,
            state,
            organization: None,
            prompt: None,
            afresh: false,
        };
        Self::ask(tenant, question).await
    }

    /// Begins the sign-in that `question` describes, and tells where the person has to go.
    ///
    /// # Errors
    /// When the tenant's metadata cannot be had.
    pub async fn ask(
        tenant: &auth0::Tenant,
        question: Question<'_>,
    ) -> Result<(Self, Url), auth0::Error> {
        let Question { purpose, redirect_uri, state, organization, prompt, afresh } = question;
        let (nonce, verifier) = (random_token(), PkceVerifier::random());
        let afresh_since = afresh.then(SystemTime::now);
        let pending = Self { state, nonce, verifier, redirect_uri, organization, afresh_since };
        let request = Authorize {
            redirect_uri: &pending.redirect_uri,
            state: &pending.state,
            nonce: &pending.nonce,
            verifier: &pending.verifier,
            purpose,
            organization: pending.organization.as_deref(),
            prompt,
            max_age: afresh.then_some(0),
        };
        let url = tenant.authorize_url(&request).await?;
        Ok((pending, url))
    }

    /// Where the answer comes to.
    #[must_use]
    pub fn redirect_uri(&self) -> &Url {
        &self.redirect_uri
    }

    /// Whether `query` answers this question. Anything else is to be ignored, for any page can send
    /// it, and must not end the sign-in.
    #[must_use]
    pub fn is_answered_by(&self, query: &CallbackQuery) -> bool {
        query.state.as_deref().is_some_and(|state| same(state, &self.state))
    }

    /// Turns the answer into a login. An answer is good for one try.
    ///
    /// # Errors
    /// [`Error::OtherSignIn`] when it is the answer to another question, [`Error::Refused`] and
    /// [`Error::Ended`] when it is no, and what the exchange of the code can run into.
    pub async fn finish(
        self,
        tenant: &auth0::Tenant,
        query: &CallbackQuery,
    ) -> Result<Login, Error> {
        let code = self.code(tenant, query)?;
        Ok(tenant.exchange_code(code, &self.verifier, &self.redirect_uri, &self.nonce).await?)
    }

    /// Turns the answer to a question [for the My Account API](Purpose::MyAccount) into its token.
    ///
    /// # Errors
    /// As [`finish`](Self::finish).
    pub async fn finish_for_my_account(
        self,
        tenant: &auth0::Tenant,
        query: &CallbackQuery,
    ) -> Result<(Identity, MyAccountToken), Error> {
        let code = self.code(tenant, query)?;
        Ok(tenant.redeem_for_my_account(&self.redemption(code)).await?)
    }

    /// Turns the answer to a question [for an API](Purpose::Api) into its token.
    ///
    /// # Errors
    /// As [`finish`](Self::finish).
    pub async fn finish_for_api(
        self,
        tenant: &auth0::Tenant,
        query: &CallbackQuery,
    ) -> Result<(Identity, BearerToken), Error> {
        let code = self.code(tenant, query)?;
        Ok(tenant.redeem_for_api(&self.redemption(code)).await?)
    }

    /// Turns the answer to a question of [who it is](Purpose::Identify) into just that.
    ///
    /// # Errors
    /// As [`finish`](Self::finish).
    pub async fn finish_for_identity(
        self,
        tenant: &auth0::Tenant,
        query: &CallbackQuery,
    ) -> Result<Identity, Error> {
        let code = self.code(tenant, query)?;
        Ok(tenant.redeem_for_identity(&self.redemption(code)).await?)
    }

    fn code<'a>(&self, tenant: &auth0::Tenant, query: &'a CallbackQuery) -> Result<&'a str, Error> {
        if !self.is_answered_by(query) {
            return Err(Error::OtherSignIn);
        }
        if let Some(error) = &query.error {
            if query.iss.is_some() {
                tenant.check_issuer(query.iss.as_deref())?;
            }
            return Err(ended(error));
        }
        tenant.check_issuer(query.iss.as_deref())?;
        query.code.as_deref().filter(|code| !code.is_empty()).ok_or(Error::NoCode)
    }

    fn redemption<'a>(&'a self, code: &'a str) -> Redemption<'a> {
        Redemption {
            code,
            verifier: &self.verifier,
            redirect_uri: &self.redirect_uri,
            nonce: &self.nonce,
            organization: self.organization.as_deref(),
            signed_in_since: self.afresh_since,
        }
    }
}

impl CallbackQuery {
    /// Takes fields without a value for absent: a form posts every field that it has.
    pub(crate) fn drop_empty(&mut self) {
        let Self { code, state, error, iss, connect_code } = self;
        for field in [code, state, error, iss, connect_code] {
            field.take_if(|value| value.is_empty());
        }
    }

    /// Reads what a person pasted: the URL that their browser ended on, or its query alone.
    ///
    /// # Errors
    /// [`Error::NotTheCallback`] when it is something else.
    pub fn from_pasted(text: &str, redirect_uri: &Url) -> Result<Self, Error> {
        let expected = || Error::NotTheCallback { expected: redirect_uri.to_string() };
        let text = text.trim().trim_matches(['"', '\'', '<', '>']);
        let query_alone = text.strip_prefix('?').unwrap_or(text);
        let url = match Url::parse(text) {
            Ok(url) => url,
            Err(_) if query_alone.starts_with(|first: char| first.is_ascii_alphabetic()) => {
                let mut url = redirect_uri.clone();
                url.set_query(Some(query_alone));
                url
            }
            Err(_) => return Err(expected()),
        };
        if url.origin() != redirect_uri.origin() || url.path() != redirect_uri.path() {
            return Err(expected());
        }
        let mut query = Self::default();
        // A linking's code may stand behind the `#`.
        for part in [url.query(), url.fragment()].into_iter().flatten() {
            for (name, value) in url::form_urlencoded::parse(part.as_bytes()) {
                let place = match name.as_ref() {
                    "code" => &mut query.code,
                    "state" => &mut query.state,
                    "error" => &mut query.error,
                    "iss" => &mut query.iss,
                    "connect_code" => &mut query.connect_code,
                    _ => continue,
                };
                // RFC 6749 §3.1: no parameter twice.
                if place.replace(value.into_owned()).is_some() {
                    return Err(expected());
                }
            }
        }
        let says_something =
            query.code.is_some() || query.error.is_some() || query.connect_code.is_some();
        if says_something { Ok(query) } else { Err(expected()) }
    }
}

impl fmt::Debug for CallbackQuery {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("CallbackQuery")
            .field("has_code", &self.code.is_some())
            .field("has_connect_code", &self.connect_code.is_some())
            .field("has_error", &self.error.is_some())
            .finish_non_exhaustive()
    }
}

/// The code of an error, as long as it looks like one (RFC 6749 §4.1.2.1).
fn ended(error: &str) -> Error {
    let is_code = (1..=64).contains(&error.len())
        && error.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    match error {
        "access_denied" => Error::Refused,
        code if is_code => Error::Ended(code.to_owned()),
        _ => Error::Ended("unknown_error".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::auth0::stand_in::StandIn;
    use super::*;

    fn callback() -> Url {
        Url::parse("http://127.0.0.1:18484/callback").unwrap()
    }

    fn parameter(url: &Url, name: &str) -> String {
        url.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned()
    }

    async fn ends(change: impl Fn(&mut CallbackQuery)) -> String {
        let stand_in = StandIn::start().await;
        let tenant = stand_in.tenant();
        let (pending, url) = PendingLogin::start(&tenant, callback()).await.unwrap();
        let mut claims = stand_in.claims();
        claims["nonce"] = json!(parameter(&url, "nonce"));
        let tokens = json!({
            "access_token": "at", "refresh_token": "rt", "id_token": stand_in.sign(&claims),
        });
        stand_in.answer("/oauth/token", 200, tokens);
        let mut query = CallbackQuery {
            code: Some("c-1".to_owned()),
            state: Some(parameter(&url, "state")),
            iss: Some(tenant.domain().to_string()),
            ..CallbackQuery::default()
        };
        change(&mut query);
        let ended = pending.finish(&tenant, &query).await;
        let sent =
            stand_in.requests().iter().filter(|request| request.path == "/oauth/token").count();
        match ended {
            Ok(login) => format!("{} after {sent} exchange", login.identity.subject),
            Err(error) => format!("{error}, after {sent} exchanges"),
        }
    }

    #[tokio::test]
    async fn signs_in_with_the_answer_to_its_own_question_only() {
        let said = [
            ends(|_| {}).await,
            ends(|query| query.state = None).await,
            ends(|query| query.state = Some("guess".to_owned())).await,
            ends(|query| query.iss = Some("https://evil.example.com/".to_owned())).await,
            ends(|query| query.connect_code = query.code.take()).await,
            ends(|query| query.error = Some("access_denied".to_owned())).await,
            ends(|query| query.error = Some("login_required".to_owned())).await,
            ends(|query| query.error = Some("<b>call 555</b>".to_owned())).await,
        ];
        insta::assert_snapshot!(said.join("\n"), @r#"
        auth0|ana after 1 exchange
        the answer belongs to another sign-in, after 0 exchanges
        the answer belongs to another sign-in, after 0 exchanges
        the answer came from another issuer, after 0 exchanges
        the answer holds no sign-in code, after 0 exchanges
        the sign-in was refused or cancelled, after 0 exchanges
        Auth0 ended the sign-in with `login_required`, after 0 exchanges
        Auth0 ended the sign-in with `unknown_error`, after 0 exchanges
        "#);
    }

    #[test]
    fn reads_what_a_person_pastes() {
        let said = [
            "http://127.0.0.1:18484/callback?code=c-1&state=s-1",
            "  \"http://127.0.0.1:18484/callback?code=c-1&state=s-1\"\n",
            "?code=c-1&state=s-1",
            "code=c-1&state=s-1",
            "http://127.0.0.1:18484/callback?state=s-1#connect_code=cc-1",
            "http://127.0.0.1:18484/callback?error=access_denied&error_description=hint:+x&state=s",
            "http://127.0.0.1:18484/callback?code=c-1&code=c-2",
            "http://127.0.0.1:18485/callback?code=c-1",
            "http://127.0.0.1:18484/other?code=c-1",
            "https://evil.example.com/callback?code=c-1",
            "http://127.0.0.1:18484/callback",
            "c-1",
            "",
        ]
        .map(|text| match CallbackQuery::from_pasted(text, &callback()) {
            Ok(query) => format!(
                "code {:?} connect_code {:?} state {:?} error {:?}",
                query.code, query.connect_code, query.state, query.error
            ),
            Err(error) => error.to_string(),
        });
        insta::assert_snapshot!(said.join("\n"), @r#"
        code Some("c-1") connect_code None state Some("s-1") error None
        code Some("c-1") connect_code None state Some("s-1") error None
        code Some("c-1") connect_code None state Some("s-1") error None
        code Some("c-1") connect_code None state Some("s-1") error None
        code None connect_code Some("cc-1") state Some("s-1") error None
        code None connect_code None state Some("s") error Some("access_denied")
        this is not a URL that starts with `http://127.0.0.1:18484/callback`
        this is not a URL that starts with `http://127.0.0.1:18484/callback`
        this is not a URL that starts with `http://127.0.0.1:18484/callback`
        this is not a URL that starts with `http://127.0.0.1:18484/callback`
        this is not a URL that starts with `http://127.0.0.1:18484/callback`
        this is not a URL that starts with `http://127.0.0.1:18484/callback`
        this is not a URL that starts with `http://127.0.0.1:18484/callback`
        "#);
    }

    #[test]
    fn prints_no_code() {
        let query = CallbackQuery { code: Some("c-marked".to_owned()), ..CallbackQuery::default() };
        assert!(!format!("{query:?}").contains("marked"));
    }
}
