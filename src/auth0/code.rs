//! The token endpoint's part in a sign-in: what an authorization code is good for, and who came with it.

use std::time::SystemTime;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::error::Asked;
use super::id_token::Expected;
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
    /// The person must have signed in after this moment, and the ID token must say so.
    pub signed_in_since: Option<SystemTime>,
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
        let (organization, signed_in_since) = (None, None);
        let redemption =
            Redemption { code, verifier, redirect_uri, nonce, organization, signed_in_since };
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
        let (identity, access_token) = self.redeem_for_access(redemption).await?;
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
        let (identity, access_token) = self.redeem_for_access(redemption).await?;
        Ok((identity, BearerToken::new(access_token)))
    }

    /// Redeems the code of a sign-in that was [to know who it is](super::Purpose::Identify).
    ///
    /// # Errors
    /// As [`exchange_code`](Self::exchange_code).
    pub async fn redeem_for_identity(
        &self,
        redemption: &Redemption<'_>,
    ) -> Result<Identity, Error> {
        Ok(self.redeem(redemption).await?.1)
    }

    async fn redeem_for_access(
        &self,
        redemption: &Redemption<'_>,
    ) -> Result<(Identity, SecretString), Error> {
        let (tokens, identity) = self.redeem(redemption).await?;
        let access_token = tokens.access_token.ok_or(Error::Unreadable("an access token"))?;
        Ok((identity, access_token))
    }

    async fn redeem(&self, redemption: &Redemption<'_>) -> Result<(Tokens, Identity), Error> {
        let Redemption { code, verifier, redirect_uri, nonce, organization, signed_in_since } =
            *redemption;
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
        let expected = Expected { nonce: Some(nonce), organization, signed_in_since };
        let identity = self.identify_as(id_token.expose_secret(), &expected).await?;
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
            signed_in_since: None,
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

    #[tokio::test]
    async fn wants_to_be_told_of_a_fresh_sign_in_where_one_was_asked_for() {
        let stand_in = StandIn::start().await;
        let verifier = PkceVerifier::random();
        let redirect_uri = Url::parse("https://mcp.example.com/link/signed-in").unwrap();
        let now = SystemTime::now();
        let seconds = now.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        let mut lines = Vec::new();
        for (what, auth_time, since) in [
            ("just now", json!(seconds), Some(now)),
            ("by a clock behind", json!(seconds - 50), Some(now)),
            ("before", json!(seconds - 90), Some(now)),
            ("untold", json!(null), Some(now)),
            ("no number", json!("now"), Some(now)),
            ("untold, nor asked for", json!(null), None),
            ("before, and not asked for", json!(seconds - 90), None),
        ] {
            let mut claims = stand_in.claims();
            claims["auth_time"] = auth_time;
            let tokens = json!({ "access_token": "at", "id_token": stand_in.sign(&claims) });
            stand_in.answer("/oauth/token", 200, tokens);
            let redemption = Redemption {
                code: "c-1",
                verifier: &verifier,
                redirect_uri: &redirect_uri,
                nonce: "n-1",
                organization: None,
                signed_in_since: since,
            };
            let said = match stand_in.tenant().redeem_for_my_account(&redemption).await {
                Ok((identity, _)) => format!("accepted {}", identity.subject),
                Err(error) => error.to_string(),
            };
            lines.push(format!("{what}: {said}"));
        }
        insta::assert_snapshot!(lines.join("\n"), @r#"
        just now: accepted auth0|ana
        by a clock behind: accepted auth0|ana
        before: the ID token is not valid: it does not show that the person has signed in just now
        untold: the ID token is not valid: it does not show that the person has signed in just now
        no number: the ID token is not valid: it is malformed
        untold, nor asked for: accepted auth0|ana
        before, and not asked for: accepted auth0|ana
        "#);
    }
}
