//! The token endpoint's part in a sign-in: what an authorization code is good for, and who came with it.

use secrecy::ExposeSecret;
use url::Url;

use super::error::Asked;
use super::tokens::Tokens;
use super::{BearerToken, Error, Identity, MyAccountToken, PkceVerifier, RefreshToken, Tenant};

/// A person who has just signed in.
#[derive(Debug)]
pub struct Login {
    /// Stands for them from now on.
    pub refresh_token: RefreshToken,
    /// Who they are, by a checked ID token.
    pub identity: Identity,
}

/// An authorization code, and what the question that it answers went out with.
#[derive(Clone, Copy)]
pub struct Redemption<'a> {
    /// The code, good for one use.
    pub code: &'a str,
    /// Whose challenge the question carried.
    pub verifier: &'a PkceVerifier,
    /// Where the code came to.
    pub redirect_uri: &'a Url,
    /// What the ID token must carry.
    pub nonce: &'a str,
    /// The organization that the question asked for, where that is not the settings'.
    pub organization: Option<&'a str>,
}

impl Tenant {
    /// Redeems an authorization code, and checks who came with it.
    ///
    /// # Errors
    /// [`Error::CodeRejected`] when the code is spent, expired or not ours, [`Error::IdToken`] when
    /// the ID token does not hold, and whatever the token endpoint has.
    pub async fn exchange_code(
        &self,
        code: &str,
        verifier: &PkceVerifier,
        redirect_uri: &Url,
        nonce: &str,
    ) -> Result<Login, Error> {
        let redemption = Redemption { code, verifier, redirect_uri, nonce, organization: None };
        let (tokens, identity) = self.redeem(&redemption).await?;
        let refresh_token = tokens.refresh_token.ok_or(Error::Unreadable(
            "a login that lasts: it has no refresh token; is the `refresh_token` grant allowed?",
        ))?;
        Ok(Login { refresh_token: RefreshToken::new(refresh_token), identity })
    }

    /// Redeems the code of a sign-in that was [for the My Account API](super::Purpose::MyAccount).
    ///
    /// # Errors
    /// As [`exchange_code`](Self::exchange_code).
    pub async fn redeem_for_my_account(
        &self,
        redemption: &Redemption<'_>,
    ) -> Result<(Identity, MyAccountToken), Error> {
        let (tokens, identity) = self.redeem(redemption).await?;
        let access_token = tokens.access_token.ok_or(Error::Unreadable("an access token"))?;
        Ok((identity, MyAccountToken::new(access_token)))
    }

    /// Redeems the code of a sign-in that was [for an API](super::Purpose::Api).
    ///
    /// # Errors
    /// As [`exchange_code`](Self::exchange_code).
    pub async fn redeem_for_api(
        &self,
        redemption: &Redemption<'_>,
    ) -> Result<(Identity, BearerToken), Error> {
        let (tokens, identity) = self.redeem(redemption).await?;
        let access_token = tokens.access_token.ok_or(Error::Unreadable("an access token"))?;
        Ok((identity, BearerToken::new(access_token)))
    }

    async fn redeem(&self, redemption: &Redemption<'_>) -> Result<(Tokens, Identity), Error> {
        let Redemption { code, verifier, redirect_uri, nonce, organization } = *redemption;
        let parameters = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("code_verifier", verifier.expose()),
            ("redirect_uri", redirect_uri.as_str()),
        ];
        let tokens = self.grant(Asked::CodeExchange, &parameters).await?;
        let id_token =
            tokens.id_token.as_ref().ok_or(Error::Unreadable("a login: it has no ID token"))?;
        let organization = organization.or(self.organization());
        let identity =
            self.identify_in(id_token.expose_secret(), Some(nonce), organization).await?;
        Ok((tokens, identity))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::stand_in::StandIn;
    use super::*;

    #[tokio::test]
    async fn exchanges_a_code_for_a_login() {
        let stand_in = StandIn::start().await;
        let id_token = stand_in.sign(&stand_in.claims());
        stand_in.answer("/oauth/token", 200, json!({
            "access_token": "at", "refresh_token": "rt", "id_token": id_token, "expires_in": 86400,
        }));
        let verifier = PkceVerifier::random();
        let redirect_uri = Url::parse("http://127.0.0.1:18484/callback").unwrap();
        let tenant = stand_in.tenant();
        let login = tenant.exchange_code("c-1", &verifier, &redirect_uri, "n-1").await.unwrap();
        assert_eq!(login.refresh_token, RefreshToken::new("rt".into()));
        assert_eq!(login.identity.subject, "auth0|ana");
        assert_eq!(
            stand_in.requests()[0].form(),
            format!(
                "grant_type=authorization_code\ncode=c-1\ncode_verifier={}\n\
                 redirect_uri=http://127.0.0.1:18484/callback\nclient_id=app\nclient_secret=hush",
                verifier.expose()
            )
        );
        let error = tenant.exchange_code("c-1", &verifier, &redirect_uri, "n-2").await.unwrap_err();
        assert_eq!(error.to_string(), "the ID token is not valid: it belongs to another sign-in");
    }

    #[tokio::test]
    async fn gives_the_token_of_the_api_that_was_asked_for_and_needs_no_other() {
        let stand_in = StandIn::start().await;
        let id_token = stand_in.sign(&stand_in.claims());
        let tokens = json!({ "access_token": "at", "id_token": id_token });
        stand_in.answer("/oauth/token", 200, tokens);
        let verifier = PkceVerifier::random();
        let redirect_uri = Url::parse("https://mcp.example.com/link/signed-in").unwrap();
        let redemption = Redemption {
            code: "c-1",
            verifier: &verifier,
            redirect_uri: &redirect_uri,
            nonce: "n-1",
            organization: None,
        };
        let tenant = stand_in.tenant();
        let (identity, me) = tenant.redeem_for_my_account(&redemption).await.unwrap();
        assert_eq!((identity.subject.as_str(), me.expose()), ("auth0|ana", "at"));
        let (identity, ours) = tenant.redeem_for_api(&redemption).await.unwrap();
        assert_eq!((identity.subject.as_str(), ours.expose()), ("auth0|ana", "at"));
        for wrong in [
            Redemption { nonce: "n-2", ..redemption },
            Redemption { organization: Some("org_other"), ..redemption },
        ] {
            let error = tenant.redeem_for_my_account(&wrong).await.unwrap_err();
            assert!(matches!(error, Error::IdToken(_)), "{error}");
        }
        let lasting = tenant.exchange_code("c-1", &verifier, &redirect_uri, "n-1").await;
        assert!(matches!(lasting, Err(Error::Unreadable(_))));
    }
}
