//! Checking an ID token whole (OpenID Connect Core 1.0 §3.1.3.7).

use std::time::{SystemTime, UNIX_EPOCH};

use serde::Deserialize;

use super::jwt::{Audience, Jwt, JwtProblem, check_begun, check_not_ended};
use super::{Error, Identity, Tenant, admits, secret};

/// How far two clocks may be apart, in seconds.
const LEEWAY: f64 = 60.0;

/// What is wrong with an ID token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdTokenProblem {
    /// It is no signed JWT.
    #[error("it is malformed")]
    Malformed,
    /// Neither RS256 nor ES256, or not what the key is for.
    #[error("its algorithm is not allowed")]
    Algorithm,
    /// The tenant does not publish the key.
    #[error("its key is not among the tenant's")]
    UnknownKey,
    /// The signature does not hold.
    #[error("its signature is wrong")]
    Signature,
    /// Another tenant's token.
    #[error("it is from another issuer")]
    Issuer,
    /// Another application's token.
    #[error("it is for another application")]
    Audience,
    /// Not the one that was asked for.
    #[error("it belongs to another sign-in")]
    Nonce,
    /// Its time is over.
    #[error("it has expired")]
    Expired,
    /// It is from the future.
    #[error("it was issued in the future; is the clock right?")]
    Future,
    /// The person was signed in before, or it does not say since when they are.
    #[error("it does not show that the person has signed in just now")]
    NotFresh,
    /// Not the organization that people have to sign in to.
    #[error("it is for another organization")]
    Organization,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    azp: Option<String>,
    exp: f64,
    iat: f64,
    nbf: Option<f64>,
    nonce: Option<String>,
    auth_time: Option<f64>,
    name: Option<String>,
    nickname: Option<String>,
    email: Option<String>,
    org_id: Option<String>,
    org_name: Option<String>,
}

/// What an ID token must show besides being one of ours.
#[derive(Clone, Copy, Default)]
pub(super) struct Expected<'a> {
    /// The question's; a token from a refresh has none.
    pub(super) nonce: Option<&'a str>,
    /// The organization that the person signed in to.
    pub(super) organization: Option<&'a str>,
    /// The person has signed in after this moment.
    pub(super) signed_in_since: Option<SystemTime>,
}

impl Tenant {
    /// Who `token` is about. With a nonce it must carry just that; one from a refresh has none.
    pub(super) async fn identify(
        &self,
        token: &str,
        nonce: Option<&str>,
    ) -> Result<Identity, Error> {
        let organization = self.organization();
        self.identify_as(token, &Expected { nonce, organization, ..Expected::default() }).await
    }

    /// The same, where more is expected of the token.
    pub(super) async fn identify_as(
        &self,
        token: &str,
        expected: &Expected<'_>,
    ) -> Result<Identity, Error> {
        let token = Jwt::read(token).map_err(IdTokenProblem::from)?;
        // Neither `jwk` nor `jku` of the header is looked at: only the tenant says which keys it has.
        let keys = self.keys().await?;
        let key = self.signing_key(&keys, token.header.kid.as_deref()).await?;
        let key = key.ok_or(IdTokenProblem::UnknownKey)?;
        let claims: Claims = token.verify(&key).map_err(IdTokenProblem::from)?;
        self.check(&claims, expected)?;
        Ok(Identity {
            issuer: claims.iss,
            subject: claims.sub,
            name: claims.name.or(claims.nickname),
            email: claims.email,
            organization: claims.org_id,
        })
    }

    fn check(&self, claims: &Claims, expected: &Expected<'_>) -> Result<(), IdTokenProblem> {
        let Expected { nonce, organization, signed_in_since } = *expected;
        if claims.iss != self.domain().as_str() {
            return Err(IdTokenProblem::Issuer);
        }
        let party = claims.azp.as_deref();
        if !claims.aud.names(self.client_id())
            || (claims.aud.is_several() && party.is_none())
            || party.is_some_and(|azp| azp != self.client_id())
        {
            return Err(IdTokenProblem::Audience);
        }
        check_not_ended(claims.exp, LEEWAY)?;
        check_begun(claims.iat, claims.nbf, LEEWAY)?;
        let carries = |nonce| claims.nonce.as_deref().is_some_and(|own| secret::same(own, nonce));
        if nonce.is_some_and(|nonce| !carries(nonce)) {
            return Err(IdTokenProblem::Nonce);
        }
        if signed_in_since.is_some_and(|moment| !is_after(claims.auth_time, moment)) {
            return Err(IdTokenProblem::NotFresh);
        }
        if claims.sub.is_empty() {
            return Err(IdTokenProblem::Malformed);
        }
        if admits(organization, claims.org_id.as_deref(), claims.org_name.as_deref()) {
            Ok(())
        } else {
            Err(IdTokenProblem::Organization)
        }
    }
}

/// Whether the person signed in after `moment`, as far as two clocks can tell.
fn is_after(auth_time: Option<f64>, moment: SystemTime) -> bool {
    let moment = moment.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    auth_time.is_some_and(|auth_time| auth_time + LEEWAY >= moment)
}

impl From<JwtProblem> for IdTokenProblem {
    fn from(problem: JwtProblem) -> Self {
        match problem {
            JwtProblem::Malformed => Self::Malformed,
            JwtProblem::Algorithm => Self::Algorithm,
            JwtProblem::Signature => Self::Signature,
            JwtProblem::Expired => Self::Expired,
            JwtProblem::Future => Self::Future,
        }
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use jsonwebtoken::{Algorithm, EncodingKey, Header};
    use serde_json::{Value, json};

    use super::super::stand_in::{StandIn, public_key};
    use super::*;

    async fn said(stand_in: &StandIn, token: &str) -> String {
        match stand_in.tenant().identify(token, Some("n-1")).await {
            Ok(identity) => format!("accepted {}", identity.subject),
            Err(error) => error.to_string(),
        }
    }

    #[tokio::test]
    async fn says_who_it_is_about() {
        let stand_in = StandIn::start().await;
        let token = stand_in.sign(&stand_in.claims());
        let identity = stand_in.tenant().identify(&token, Some("n-1")).await.unwrap();
        assert_eq!(
            identity,
            Identity {
                issuer: stand_in.domain().to_string(),
                subject: "auth0|ana".to_owned(),
                name: Some("Ana Lima".to_owned()),
                email: Some("ana@example.com".to_owned()),
                organization: None,
            }
        );
    }

    #[tokio::test]
    async fn refuses_what_does_not_hold() {
        let stand_in = StandIn::start().await;
        let now = jsonwebtoken::get_current_timestamp();
        let with = |key: &str, value: Value| {
            let mut claims = stand_in.claims();
            claims[key] = value;
            claims
        };
        let mut lines = Vec::new();
        for (what, claims) in [
            ("just issued by a clock ahead", with("iat", json!(now + 30))),
            ("two audiences, us as the party", {
                let mut claims = with("aud", json!(["app", "other"]));
                claims["azp"] = json!("app");
                claims
            }),
            ("two audiences, no party", with("aud", json!(["app", "other"]))),
            ("another party", with("azp", json!("other"))),
            ("another application", with("aud", json!("other"))),
            ("no audience", with("aud", json!([]))),
            ("another issuer", with("iss", json!("https://evil.example.com/"))),
            ("two issuers", with("iss", json!([stand_in.domain(), "https://evil.example.com/"]))),
            (
                "issuer without its slash",
                with("iss", json!(stand_in.domain().as_str().trim_end_matches('/'))),
            ),
            ("another nonce", with("nonce", json!("n-2"))),
            ("no nonce", with("nonce", Value::Null)),
            ("expired", with("exp", json!(now - 120))),
            ("no expiry", with("exp", Value::Null)),
            ("issued tomorrow", with("iat", json!(now + 86400))),
            ("no issue time", with("iat", Value::Null)),
            ("nobody", with("sub", json!(""))),
        ] {
            lines.push(format!("{what}: {}", said(&stand_in, &stand_in.sign(&claims)).await));
        }
        insta::assert_snapshot!(lines.join("\n"), @r#"
        just issued by a clock ahead: accepted auth0|ana
        two audiences, us as the party: accepted auth0|ana
        two audiences, no party: the ID token is not valid: it is for another application
        another party: the ID token is not valid: it is for another application
        another application: the ID token is not valid: it is for another application
        no audience: the ID token is not valid: it is for another application
        another issuer: the ID token is not valid: it is from another issuer
        two issuers: the ID token is not valid: it is malformed
        issuer without its slash: the ID token is not valid: it is from another issuer
        another nonce: the ID token is not valid: it belongs to another sign-in
        no nonce: the ID token is not valid: it belongs to another sign-in
        expired: the ID token is not valid: it has expired
        no expiry: the ID token is not valid: it is malformed
        issued tomorrow: the ID token is not valid: it was issued in the future; is the clock right?
        no issue time: the ID token is not valid: it is malformed
        nobody: the ID token is not valid: it is malformed
        "#);
    }

    #[tokio::test]
    async fn refuses_a_token_that_signs_itself() {
        let stand_in = StandIn::start().await;
        let claims = stand_in.claims();
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let none =
            format!("{}.{}.", part(json!({ "alg": "none", "kid": "k1" })), part(claims.clone()));
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some("k1".to_owned());
        let public = EncodingKey::from_secret(public_key().as_bytes());
        let confused = jsonwebtoken::encode(&header, &claims, &public).unwrap();
        let whole = stand_in.sign(&claims);
        let (signed, signature) = whole.rsplit_once('.').unwrap();
        let other = stand_in.sign(&json!({ "sub": "auth0|ben" }));
        let forged = format!("{}.{signature}", other.rsplit_once('.').unwrap().0);
        let critical = stand_in
            .sign_with(&json!({ "alg": "RS256", "kid": "k1", "crit": ["x"], "x": 1 }), &claims);
        let foreign = stand_in.sign_with(
            &json!({ "alg": "RS256", "kid": "k9", "jku": "https://evil.example.com/" }),
            &claims,
        );
        let mut lines = Vec::new();
        for (what, token) in [
            ("no algorithm", none),
            ("our public key as a shared secret", confused),
            ("another payload", forged),
            ("no signature", format!("{signed}.")),
            ("an unknown critical header", critical),
            ("a key of its own choice", foreign),
            ("no token", "ID".to_owned()),
        ] {
            lines.push(format!("{what}: {}", said(&stand_in, &token).await));
        }
        insta::assert_snapshot!(lines.join("\n"), @r#"
        no algorithm: the ID token is not valid: its algorithm is not allowed
        our public key as a shared secret: the ID token is not valid: its algorithm is not allowed
        another payload: the ID token is not valid: its signature is wrong
        no signature: the ID token is not valid: its signature is wrong
        an unknown critical header: the ID token is not valid: it is malformed
        a key of its own choice: the ID token is not valid: its key is not among the tenant's
        no token: the ID token is not valid: it is malformed
        "#);
    }

    #[tokio::test]
    async fn holds_people_to_the_organization() {
        let stand_in = StandIn::start().await;
        let mut claims = stand_in.claims();
        claims["org_id"] = json!("org_1");
        claims["org_name"] = json!("acme");
        let member = stand_in.sign(&claims);
        let stranger = stand_in.sign(&stand_in.claims());
        for (organization, token, accepted) in [
            ("org_1", &member, true),
            ("ACME", &member, true),
            ("org_2", &member, false),
            ("other", &member, false),
            ("org_1", &stranger, false),
            ("acme", &stranger, false),
        ] {
            let tenant = stand_in.tenant_of(Some(organization));
            let identity = tenant.identify(token, Some("n-1")).await;
            assert_eq!(identity.is_ok(), accepted, "{organization}");
        }
    }
}
