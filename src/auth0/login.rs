//! Where a person signs in.

use url::Url;

use super::tokens::MY_ACCOUNT_SCOPE;
use super::{Error, PkceVerifier, Tenant};

/// What a login that lasts needs: the profile, and a refresh token that outlives the browser.
const LASTING: &str = "openid profile email offline_access";
/// What naming a person needs.
const PROFILE: &str = "openid profile email";
/// What knowing a person again needs.
const SUBJECT: &str = "openid";

/// What a sign-in is for, which decides what it brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose<'a> {
    /// Staying signed in: a refresh token.
    Stay,
    /// Linking and unlinking once: a [`MyAccountToken`](super::MyAccountToken).
    MyAccount,
    /// Knowing who it is, at this moment: nothing is kept of it.
    Identify,
    /// One call of the API with this identifier: a [`BearerToken`](super::BearerToken).
    Api(&'a str),
}

/// One person's way to the login page.
#[derive(Debug)]
pub struct Authorize<'a> {
    /// Where Auth0 sends the browser back, exactly as registered.
    pub redirect_uri: &'a Url,
    /// Comes back with the answer, and ties it to the question.
    pub state: &'a str,
    /// Comes back in the ID token, and ties that to the question.
    pub nonce: &'a str,
    /// Proves at the token endpoint that the question was ours.
    pub verifier: &'a PkceVerifier,
    /// What the person signs in for.
    pub purpose: Purpose<'a>,
    /// The organization to sign in to, by id; else the one of the settings, if they name one.
    pub organization: Option<&'a str>,
    /// `login` asks for the password even if the browser is signed in already; `none` shows no page
    /// at all.
    pub prompt: Option<&'a str>,
    /// How long ago, in seconds, the person may have signed in at most. The ID token then says when
    /// they did, which a `prompt` that is lost on the way does not show.
    pub max_age: Option<u32>,
}

impl Tenant {
    /// The URL that a person opens to sign in.
    ///
    /// # Errors
    /// When the tenant's metadata cannot be had, or leads away from the tenant.
    pub async fn authorize_url(&self, request: &Authorize<'_>) -> Result<Url, Error> {
        let mut url = self.metadata().await?.authorization_endpoint;
        let (scope, audience) = match request.purpose {
            Purpose::Stay => (LASTING.to_owned(), None),
            Purpose::Identify => (PROFILE.to_owned(), None),
            Purpose::MyAccount => {
                (format!("{PROFILE} {MY_ACCOUNT_SCOPE}"), Some(self.my_account_audience()))
            }
            Purpose::Api(identifier) => (SUBJECT.to_owned(), Some(identifier.to_owned())),
        };
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", self.client_id())
            .append_pair("redirect_uri", request.redirect_uri.as_str())
            .append_pair("scope", &scope)
            .append_pair("state", request.state)
            .append_pair("nonce", request.nonce)
            .append_pair("code_challenge", &request.verifier.challenge())
            .append_pair("code_challenge_method", "S256");
        if let Some(audience) = &audience {
            url.query_pairs_mut().append_pair("audience", audience);
        }
        if let Some(organization) = request.organization.or(self.organization()) {
            url.query_pairs_mut().append_pair("organization", organization);
        }
        if let Some(prompt) = request.prompt {
            url.query_pairs_mut().append_pair("prompt", prompt);
        }
        if let Some(max_age) = request.max_age {
            url.query_pairs_mut().append_pair("max_age", &max_age.to_string());
        }
        Ok(url)
    }
}

#[cfg(test)]
mod tests {
    use super::super::stand_in::StandIn;
    use super::*;

    #[tokio::test]
    async fn asks_with_proof_state_and_nonce() {
        let stand_in = StandIn::start().await;
        let verifier = PkceVerifier::random();
        let redirect_uri = Url::parse("http://127.0.0.1:18484/callback").unwrap();
        let request = Authorize {
            redirect_uri: &redirect_uri,
            state: "s&1",
            nonce: "n-1",
            verifier: &verifier,
            purpose: Purpose::Stay,
            organization: None,
            prompt: Some("login"),
            max_age: Some(0),
        };
        let url = stand_in.tenant_of(Some("acme")).authorize_url(&request).await.unwrap();
        assert_eq!(
            url.as_str(),
            format!(
                "{}authorize?response_type=code&client_id=app\
                 &redirect_uri=http%3A%2F%2F127.0.0.1%3A18484%2Fcallback\
                 &scope=openid+profile+email+offline_access&state=s%261&nonce=n-1\
                 &code_challenge={}&code_challenge_method=S256&organization=acme&prompt=login\
                 &max_age=0",
                stand_in.domain(),
                verifier.challenge()
            )
        );
    }

    #[tokio::test]
    async fn asks_for_no_more_than_the_purpose_needs() {
        let stand_in = StandIn::start().await;
        let verifier = PkceVerifier::random();
        let redirect_uri = Url::parse("https://mcp.example.com/link/signed-in").unwrap();
        let tenant = stand_in.tenant_of(Some("acme"));
        let me = format!("{}me/", stand_in.domain());
        for (purpose, organization, expected) in [
            (
                Purpose::MyAccount,
                Some("org_other"),
                format!("openid profile email {MY_ACCOUNT_SCOPE} | {me} | org_other"),
            ),
            (
                Purpose::Api("https://mcp.example.com/mcp"),
                None,
                "openid | https://mcp.example.com/mcp | acme".to_owned(),
            ),
        ] {
            let request = Authorize {
                redirect_uri: &redirect_uri,
                state: "s-1",
                nonce: "n-1",
                verifier: &verifier,
                purpose,
                organization,
                prompt: None,
                max_age: None,
            };
            let url = tenant.authorize_url(&request).await.unwrap();
            let asked = ["scope", "audience", "organization"]
                .map(|name| url.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned());
            assert_eq!(asked.join(" | "), expected);
        }
    }
}
