//! Where a person signs in.

use url::Url;

use super::{Error, PkceVerifier, Tenant};

/// What a login needs: the profile, and a refresh token that outlives the browser.
const SCOPE: &str = "openid profile email offline_access";

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
    /// `login` asks for the password even if the browser is signed in already.
    pub prompt: Option<&'a str>,
}

impl Tenant {
    /// The URL that a person opens to sign in.
    ///
    /// # Errors
    /// When the tenant's metadata cannot be had, or leads away from the tenant.
    pub async fn authorize_url(&self, request: &Authorize<'_>) -> Result<Url, Error> {
        let mut url = self.metadata().await?.authorization_endpoint;
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", self.client_id())
            .append_pair("redirect_uri", request.redirect_uri.as_str())
            .append_pair("scope", SCOPE)
            .append_pair("state", request.state)
            .append_pair("nonce", request.nonce)
            .append_pair("code_challenge", &request.verifier.challenge())
            .append_pair("code_challenge_method", "S256");
        if let Some(organization) = self.organization() {
            url.query_pairs_mut().append_pair("organization", organization);
        }
        if let Some(prompt) = request.prompt {
            url.query_pairs_mut().append_pair("prompt", prompt);
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
            prompt: Some("login"),
        };
        let url = stand_in.tenant_of(Some("acme")).authorize_url(&request).await.unwrap();
        assert_eq!(
            url.as_str(),
            format!(
                "{}authorize?response_type=code&client_id=app\
                 &redirect_uri=http%3A%2F%2F127.0.0.1%3A18484%2Fcallback\
                 &scope=openid+profile+email+offline_access&state=s%261&nonce=n-1\
                 &code_challenge={}&code_challenge_method=S256&organization=acme&prompt=login",
                stand_in.domain(),
                verifier.challenge()
            )
        );
    }
}
