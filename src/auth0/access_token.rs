//! Checking an access token that a caller shows at our own API (RFC 9068 section 4).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use moka::sync::Cache;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::jwt::{self, Audience, Jwt, JwtProblem, check_begun, check_not_ended};
use super::{BearerToken, Error, Tenant, admits};

/// Real ones take one or two kilobytes; nothing longer is worth looking at.
const LONGEST: usize = 16 * 1024;
/// How far our clock may be behind the tenant's, in seconds. The end of a token is kept to the second:
/// whoever was given it can get another.
const LEEWAY: f64 = 30.0;
/// How many tokens are remembered as good.
const MAX_VERDICTS: u64 = 10_000;
/// No verdict is older, however long its token lives.
const MAX_VERDICT_AGE: Duration = Duration::from_secs(3600);

/// What a valid access token says of its caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessClaims {
    /// The tenant.
    pub issuer: String,
    /// The person; or `…@clients` for a machine.
    pub subject: String,
    /// The organization that the person acts in (`org_id`).
    pub organization: Option<String>,
    /// The application that the token was issued to (`azp`, or `client_id` by RFC 9068).
    pub client_id: Option<String>,
    /// What the person granted the application: `scope`, as it stands.
    pub scope: Option<String>,
    /// What the person may do, where the API has role-based access control turned on.
    pub permissions: Option<Vec<String>>,
    /// When the token ends.
    pub expires_at: SystemTime,
    /// The thumbprint of the key that the token is bound to (RFC 9449 section 6.1: `cnf.jkt`).
    pub key_thumbprint: Option<String>,
    /// Whether the token was given to an application by itself, without a person.
    pub machine: bool,
}

/// What is wrong with an access token. The words hold nothing of the token, and stand in
/// `WWW-Authenticate` as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccessTokenProblem {
    /// It is no signed JWT.
    #[error("it is malformed")]
    Malformed,
    /// Longer than any that Auth0 issues.
    #[error("it is too long")]
    TooLong,
    /// Another kind of token, by its `typ`.
    #[error("it is not an access token")]
    Type,
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
    /// A token for another API, or an ID token.
    #[error("it is for another audience")]
    Audience,
    /// Its time is over.
    #[error("it has expired")]
    Expired,
    /// It is from the future.
    #[error("it is not valid yet")]
    Future,
    /// A claim is not there that has to be.
    #[error("it lacks the claim {0}")]
    Lacks(&'static str),
    /// Not the organization that people have to sign in to.
    #[error("it is for another organization")]
    Organization,
    /// Bound to something else than a key of the sender's, such as a client certificate.
    #[error("it is bound in a way that this server cannot check")]
    Binding,
}

/// The tokens that were found good, by their digests, for as long as the same keys count.
pub(super) struct Verdicts {
    good: Cache<[u8; 32], Verdict>,
}

#[derive(Clone)]
struct Verdict {
    generation: u64,
    claims: AccessClaims,
}

#[derive(Deserialize)]
struct Claims {
    iss: Option<String>,
    sub: Option<String>,
    aud: Option<Audience>,
    exp: Option<f64>,
    iat: Option<f64>,
    nbf: Option<f64>,
    org_id: Option<String>,
    org_name: Option<String>,
    azp: Option<String>,
    client_id: Option<String>,
    scope: Option<String>,
    permissions: Option<Vec<String>>,
    cnf: Option<Confirmation>,
    gty: Option<GrantType>,
}

/// RFC 7800 section 3.1
#[derive(Deserialize)]
struct Confirmation {
    jkt: Option<String>,
}

/// Auth0 writes one grant type or a list of them.
#[derive(Deserialize)]
#[serde(untagged)]
enum GrantType {
    One(String),
    Many(Vec<String>),
}

impl Default for Verdicts {
    fn default() -> Self {
        let good = Cache::builder().max_capacity(MAX_VERDICTS).time_to_live(MAX_VERDICT_AGE);
        Self { good: good.build() }
    }
}

impl Tenant {
    /// Checks `token`, which must be for `audience`.
    ///
    /// # Errors
    /// [`Error::AccessToken`] with what is wrong with it; a failure of Auth0 when its keys cannot be had.
    pub async fn check_access_token(
        &self,
        token: &BearerToken,
        audience: &str,
    ) -> Result<AccessClaims, Error> {
        let token = token.expose();
        if token.len() > LONGEST {
            return Err(AccessTokenProblem::TooLong.into());
        }
        let verdicts = &self.inner.verdicts.good;
        let digest = digest(token, audience);
        if let Some(verdict) = verdicts.get(&digest)
            && verdict.generation == self.keys().await?.generation
        {
            return verdict.claims.still_valid().map_err(Error::AccessToken);
        }
        let token = Jwt::read(token).map_err(AccessTokenProblem::from)?;
        check_type(token.header.typ.as_deref())?;
        let keys = self.keys().await?;
        let key = self.signing_key(&keys, token.header.kid.as_deref()).await?;
        let key = key.ok_or(AccessTokenProblem::UnknownKey)?;
        let claims: Claims = token.verify(&key).map_err(AccessTokenProblem::from)?;
        let claims = self.check_claims(claims, audience)?;
        // The number is that of the keys as they were before: at worst the next request checks again.
        let generation = keys.generation;
        verdicts.insert(digest, Verdict { generation, claims: claims.clone() });
        Ok(claims)
    }

    fn check_claims(
        &self,
        claims: Claims,
        audience: &str,
    ) -> Result<AccessClaims, AccessTokenProblem> {
        use AccessTokenProblem as Problem;
        let issuer = claims.iss.ok_or(Problem::Lacks("iss"))?;
        if issuer != self.domain().as_str() {
            return Err(Problem::Issuer);
        }
        if !claims.aud.ok_or(Problem::Lacks("aud"))?.names(audience) {
            return Err(Problem::Audience);
        }
        let expires = claims.exp.ok_or(Problem::Lacks("exp"))?;
        check_not_ended(expires, 0.0)?;
        check_begun(claims.iat.ok_or(Problem::Lacks("iat"))?, claims.nbf, LEEWAY)?;
        let subject = claims.sub.filter(|subject| !subject.is_empty());
        let subject = subject.ok_or(Problem::Lacks("sub"))?;
        if !admits(self.organization(), claims.org_id.as_deref(), claims.org_name.as_deref()) {
            return Err(Problem::Organization);
        }
        let key_thumbprint = match claims.cnf {
            None => None,
            Some(Confirmation { jkt: Some(thumbprint) }) => Some(thumbprint),
            // RFC 7800 section 3.1: a binding that is not understood must not be taken for none.
            Some(Confirmation { jkt: None }) => return Err(Problem::Binding),
        };
        let client_id = claims.azp.or(claims.client_id);
        // RFC 9068 section 2.2: without a person, the subject is the application.
        let machine = subject.ends_with("@clients")
            || client_id.as_ref() == Some(&subject)
            || claims.gty.is_some_and(|gty| gty.names("client-credentials"));
        Ok(AccessClaims {
            issuer,
            subject,
            organization: claims.org_id,
            client_id,
            scope: claims.scope,
            permissions: claims.permissions,
            expires_at: moment(expires),
            key_thumbprint,
            machine,
        })
    }
}

impl AccessClaims {
    fn still_valid(self) -> Result<Self, AccessTokenProblem> {
        if SystemTime::now() < self.expires_at {
            Ok(self)
        } else {
            Err(AccessTokenProblem::Expired)
        }
    }
}

impl GrantType {
    fn names(&self, grant: &str) -> bool {
        match self {
            Self::One(one) => one == grant,
            Self::Many(all) => all.iter().any(|one| one == grant),
        }
    }
}

impl From<JwtProblem> for AccessTokenProblem {
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

/// RFC 9068 section 4 wants `at+jwt`, which Auth0 writes for the profile of that name only.
fn check_type(typ: Option<&str>) -> Result<(), AccessTokenProblem> {
    let Some(typ) = typ else { return Ok(()) };
    let typ = typ.to_ascii_lowercase();
    match typ.strip_prefix("application/").unwrap_or(&typ) {
        "jwt" | "at+jwt" => Ok(()),
        _ => Err(AccessTokenProblem::Type),
    }
}

fn digest(token: &str, audience: &str) -> [u8; 32] {
    let hash = Sha256::new_with_prefix(audience.len().to_be_bytes());
    hash.chain_update(audience).chain_update(token).finalize().into()
}

/// Too far to be told counts as far enough: a day is what matters of it.
fn moment(seconds: f64) -> SystemTime {
    const YEARS: Duration = Duration::from_secs(100 * 365 * 24 * 3600);
    let since = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
    let latest = Duration::try_from_secs_f64(jwt::now()).unwrap_or_default() + YEARS;
    UNIX_EPOCH + since.min(latest)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use jsonwebtoken::{Algorithm, EncodingKey, Header};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::super::signer::{Signer, unsigned};
    use super::super::stand_in::{AUDIENCE, KEYS_PATH, StandIn, public_key};
    use super::*;

    async fn said_by(tenant: &Tenant, token: &str) -> String {
        let token = BearerToken::new(token.to_owned().into());
        match tenant.check_access_token(&token, AUDIENCE).await {
            Ok(claims) => format!("accepted {}", claims.subject),
            Err(error) => error.to_string().replace("the access token is not valid: ", ""),
        }
    }

    fn fetches(stand_in: &StandIn) -> usize {
        stand_in.requests().iter().filter(|request| request.path == KEYS_PATH).count()
    }

    /// `claims` with `changes`; a change to null takes a claim away.
    fn changed(mut claims: Value, changes: &Value) -> Value {
        let members = claims.as_object_mut().unwrap();
        for (name, value) in changes.as_object().unwrap() {
            if value.is_null() {
                members.remove(name);
            } else {
                members.insert(name.clone(), value.clone());
            }
        }
        claims
    }

    #[tokio::test]
    async fn says_what_a_token_says() {
        let stand_in = StandIn::start().await;
        let signer = Signer::ec("k2");
        stand_in.set_keys(&[&Signer::tenant(), &signer]);
        let expires = jsonwebtoken::get_current_timestamp() + 60;
        let claims = changed(
            stand_in.access_claims(),
            &json!({
                "aud": ["https://other.example.com/", AUDIENCE], "azp": null, "client_id": "tpc_1",
                "exp": expires, "nbf": expires - 60, "org_id": "org_1", "cnf": { "jkt": "thumb" },
                "permissions": ["bitbucket:read"],
            }),
        );
        let token = signer.sign(&signer.header("application/AT+JWT"), &claims);
        let token = BearerToken::new(token.into());
        let tenant = stand_in.tenant();
        for _ in 0..2 {
            assert_eq!(
                tenant.check_access_token(&token, AUDIENCE).await.unwrap(),
                AccessClaims {
                    issuer: stand_in.domain().to_string(),
                    subject: "auth0|ana".to_owned(),
                    organization: Some("org_1".to_owned()),
                    client_id: Some("tpc_1".to_owned()),
                    scope: Some("openid bitbucket:read bitbucket:write".to_owned()),
                    permissions: Some(vec!["bitbucket:read".to_owned()]),
                    expires_at: UNIX_EPOCH + Duration::from_secs(expires),
                    key_thumbprint: Some("thumb".to_owned()),
                    machine: false,
                }
            );
        }
    }

    #[tokio::test]
    async fn refuses_claims_that_do_not_hold() {
        let stand_in = StandIn::start().await;
        let tenant = stand_in.tenant();
        let now = jsonwebtoken::get_current_timestamp();
        let bare = stand_in.domain().as_str().trim_end_matches('/').to_owned();
        let longer = format!("{AUDIENCE}/");
        let mut lines = Vec::new();
        for changes in [
            json!({}),
            json!({ "iat": now + 20, "nbf": now + 20 }),
            json!({ "iss": "https://evil.example.com/" }),
            json!({ "iss": bare }),
            json!({ "iss": [stand_in.domain()] }),
            json!({ "iss": null }),
            json!({ "aud": "https://other.example.com/mcp" }),
            json!({ "aud": longer }),
            json!({ "aud": AUDIENCE.to_uppercase() }),
            json!({ "aud": "app" }),
            json!({ "aud": [] }),
            json!({ "aud": { "0": AUDIENCE } }),
            json!({ "aud": null }),
            json!({ "exp": now - 1 }),
            json!({ "exp": now - 86400, "iat": now - 90000 }),
            json!({ "exp": "never" }),
            json!({ "exp": -1e300 }),
            json!({ "exp": null }),
            json!({ "nbf": now + 60 }),
            json!({ "nbf": "now" }),
            json!({ "iat": now + 60 }),
            json!({ "iat": null }),
            json!({ "sub": "" }),
            json!({ "sub": 7 }),
            json!({ "sub": null }),
            json!({ "cnf": {} }),
            json!({ "cnf": { "x5t#S256": "certificate" } }),
            json!({ "cnf": { "jkt": 1 } }),
            json!({ "scope": ["bitbucket:read"] }),
            json!({ "permissions": "bitbucket:read" }),
            json!({ "org_id": 1 }),
        ] {
            let token = stand_in.sign(&changed(stand_in.access_claims(), &changes));
            let mut shown = changes.to_string().replace(bare.as_str(), "http://tenant");
            for offset in [20, 60, -1, -86400, -90000] {
                let moment = now.saturating_add_signed(offset).to_string();
                shown = shown.replace(&moment, &format!("now{offset:+}"));
            }
            lines.push(format!("{shown}: {}", said_by(&tenant, &token).await));
        }
        insta::assert_snapshot!(lines.join("\n"), @r#"
        {}: accepted auth0|ana
        {"iat":now+20,"nbf":now+20}: accepted auth0|ana
        {"iss":"https://evil.example.com/"}: it is from another issuer
        {"iss":"http://tenant"}: it is from another issuer
        {"iss":["http://tenant/"]}: it is malformed
        {"iss":null}: it lacks the claim iss
        {"aud":"https://other.example.com/mcp"}: it is for another audience
        {"aud":"https://mcp.example.com/mcp/"}: it is for another audience
        {"aud":"HTTPS://MCP.EXAMPLE.COM/MCP"}: it is for another audience
        {"aud":"app"}: it is for another audience
        {"aud":[]}: it is for another audience
        {"aud":{"0":"https://mcp.example.com/mcp"}}: it is malformed
        {"aud":null}: it lacks the claim aud
        {"exp":now-1}: it has expired
        {"exp":now-86400,"iat":now-90000}: it has expired
        {"exp":"never"}: it is malformed
        {"exp":-1e+300}: it has expired
        {"exp":null}: it lacks the claim exp
        {"nbf":now+60}: it is not valid yet
        {"nbf":"now"}: it is malformed
        {"iat":now+60}: it is not valid yet
        {"iat":null}: it lacks the claim iat
        {"sub":""}: it lacks the claim sub
        {"sub":7}: it is malformed
        {"sub":null}: it lacks the claim sub
        {"cnf":{}}: it is bound in a way that this server cannot check
        {"cnf":{"x5t#S256":"certificate"}}: it is bound in a way that this server cannot check
        {"cnf":{"jkt":1}}: it is malformed
        {"scope":["bitbucket:read"]}: it is malformed
        {"permissions":"bitbucket:read"}: it is malformed
        {"org_id":1}: it is malformed
        "#);
    }

    #[tokio::test]
    async fn refuses_every_forgery() {
        let stand_in = StandIn::start().await;
        let tenant = stand_in.tenant();
        let ours = Signer::tenant();
        let stranger = Signer::stranger("k1");
        let claims = stand_in.access_claims();
        let header = ours.header("JWT");
        let with = |changes: &Value| ours.sign(&changed(header.clone(), changes), &claims);
        let whole = ours.sign(&header, &claims);
        let (signed, signature) = whole.rsplit_once('.').unwrap();
        let mut confused = Header::new(Algorithm::HS256);
        confused.kid = Some("k1".to_owned());
        let secret = EncodingKey::from_secret(public_key().as_bytes());
        let tampered = unsigned(&header, &changed(claims.clone(), &json!({ "sub": "auth0|ben" })));
        let (head, payload) = signed.split_once('.').unwrap();
        let signed_by = |signer: &Signer, changes: &Value| {
            signer.sign(&changed(signer.header("JWT"), changes), &claims)
        };
        let mut lines = Vec::new();
        for (what, token) in [
            ("the real one", whole.clone()),
            ("no algorithm, no signature", {
                format!(
                    "{}.",
                    unsigned(&changed(header.clone(), &json!({ "alg": "none" })), &claims)
                )
            }),
            ("no algorithm, with a signature", {
                format!("{}.{signature}", unsigned(&json!({ "alg": "nOnE", "kid": "k1" }), &claims))
            }),
            ("the public key as a shared secret", {
                jsonwebtoken::encode(&confused, &claims, &secret).unwrap()
            }),
            ("another algorithm of the family", with(&json!({ "alg": "RS512" }))),
            ("an algorithm that the key is not for", with(&json!({ "alg": "ES256" }))),
            ("no name of an algorithm", with(&json!({ "alg": null }))),
            ("another's key under our key's name", stranger.sign(&header, &claims)),
            (
                "another's key under its own name",
                Signer::stranger("k9").sign(&Signer::stranger("k9").header("JWT"), &claims),
            ),
            ("another's key, named by no one", signed_by(&stranger, &json!({ "kid": null }))),
            ("its own key in the header", signed_by(&stranger, &json!({ "jwk": stranger.jwk() }))),
            (
                "its own key set",
                signed_by(
                    &stranger,
                    &json!({
                        "kid": "k9", "jku": "https://evil.example.com/jwks.json",
                    }),
                ),
            ),
            (
                "its own certificate",
                signed_by(
                    &stranger,
                    &json!({
                        "kid": "k9", "x5u": "https://evil.example.com/cert.pem", "x5c": ["MIIB"],
                    }),
                ),
            ),
            ("a path as the key's name", with(&json!({ "kid": "../../dev/null" }))),
            ("another person in the payload", format!("{tampered}.{signature}")),
            ("a bit of the signature", {
                let first = if signature.starts_with('A') { "B" } else { "A" };
                format!("{signed}.{first}{}", &signature[1..])
            }),
            ("no signature", format!("{signed}.")),
            ("half a signature", format!("{signed}.{}", &signature[..signature.len() / 2])),
            ("an unknown critical header", with(&json!({ "crit": ["exp"], "exp": 1 }))),
            ("an empty critical header", with(&json!({ "crit": [] }))),
            ("an ID token", ours.sign(&header, &stand_in.claims())),
            ("a logout token", with(&json!({ "typ": "logout+jwt" }))),
            ("a proof", with(&json!({ "typ": "dpop+jwt" }))),
            ("one part", head.to_owned()),
            ("two parts", format!("{head}.{payload}")),
            ("four parts", format!("{whole}.{signature}")),
            ("five parts, encrypted", format!("{whole}.{signature}.{signature}")),
            ("three empty parts", "..".to_owned()),
            ("padding", format!("{head}=.{payload}.{signature}")),
            ("claims that are no object", ours.sign(&header, &json!([claims]))),
            ("claims that are no JSON", format!("{head}.e30x.{signature}")),
            ("an opaque token", "v1.MTIzNDU2Nzg5MDEyMzQ1Njc4OTA".to_owned()),
            ("no token", String::new()),
            (
                "too long",
                ours.sign(
                    &header,
                    &changed(
                        claims.clone(),
                        &json!({
                            "pad": "x".repeat(LONGEST),
                        }),
                    ),
                ),
            ),
            ("deep", {
                let deep = URL_SAFE_NO_PAD.encode("[".repeat(10_000));
                format!("{deep}.{payload}.{signature}")
            }),
        ] {
            lines.push(format!("{what}: {}", said_by(&tenant, &token).await));
        }
        insta::assert_snapshot!(lines.join("\n"), @"
        the real one: accepted auth0|ana
        no algorithm, no signature: its algorithm is not allowed
        no algorithm, with a signature: its algorithm is not allowed
        the public key as a shared secret: its algorithm is not allowed
        another algorithm of the family: its algorithm is not allowed
        an algorithm that the key is not for: its algorithm is not allowed
        no name of an algorithm: it is malformed
        another's key under our key's name: its signature is wrong
        another's key under its own name: its key is not among the tenant's
        another's key, named by no one: its signature is wrong
        its own key in the header: its signature is wrong
        its own key set: its key is not among the tenant's
        its own certificate: its key is not among the tenant's
        a path as the key's name: its key is not among the tenant's
        another person in the payload: its signature is wrong
        a bit of the signature: its signature is wrong
        no signature: its signature is wrong
        half a signature: it is malformed
        an unknown critical header: it is malformed
        an empty critical header: it is malformed
        an ID token: it is for another audience
        a logout token: it is not an access token
        a proof: it is not an access token
        one part: it is malformed
        two parts: it is malformed
        four parts: it is malformed
        five parts, encrypted: it is malformed
        three empty parts: it is malformed
        padding: it is malformed
        claims that are no object: it is malformed
        claims that are no JSON: its signature is wrong
        an opaque token: it is malformed
        no token: it is malformed
        too long: it is too long
        deep: it is malformed
        ");
        assert_eq!(fetches(&stand_in), 1);
    }

    #[tokio::test]
    async fn tells_a_machine_from_a_person() {
        let stand_in = StandIn::start().await;
        let tenant = stand_in.tenant();
        for (changes, machine) in [
            (json!({}), false),
            (json!({ "gty": "password" }), false),
            (json!({ "sub": "agent@clients" }), true),
            (json!({ "sub": "agent" }), true),
            (json!({ "gty": "client-credentials" }), true),
            (json!({ "gty": ["token-exchange", "client-credentials"] }), true),
        ] {
            let token = stand_in.sign(&changed(stand_in.access_claims(), &changes));
            let token = BearerToken::new(token.into());
            let claims = tenant.check_access_token(&token, AUDIENCE).await.unwrap();
            assert_eq!(claims.machine, machine, "{changes}");
        }
    }

    #[tokio::test]
    async fn holds_people_to_the_organization() {
        let stand_in = StandIn::start().await;
        let of = |changes: Value| stand_in.sign(&changed(stand_in.access_claims(), &changes));
        let member = of(json!({ "org_id": "org_1", "org_name": "acme" }));
        let stranger = of(json!({}));
        for (organization, token, told) in [
            ("org_1", &member, "accepted auth0|ana"),
            ("Acme", &member, "accepted auth0|ana"),
            ("org_2", &member, "it is for another organization"),
            ("org_1", &stranger, "it is for another organization"),
            ("acme", &stranger, "it is for another organization"),
        ] {
            let tenant = stand_in.tenant_of(Some(organization));
            assert_eq!(said_by(&tenant, token).await, told, "{organization}");
        }
    }

    #[tokio::test]
    async fn remembers_no_token_beyond_its_key() {
        let stand_in = StandIn::start().await;
        let tenant = stand_in.tenant();
        let token = stand_in.sign(&stand_in.access_claims());
        assert_eq!(said_by(&tenant, &token).await, "accepted auth0|ana");
        stand_in.set_keys(&[&Signer::stranger("k2")]);
        tenant.inner.keys.pass(Duration::from_secs(3600));
        assert_eq!(said_by(&tenant, &token).await, "its key is not among the tenant's");
        stand_in.set_keys(&[&Signer::stranger("k1")]);
        tenant.inner.keys.pass(Duration::from_secs(3600));
        assert_eq!(said_by(&tenant, &token).await, "its signature is wrong");
    }

    #[tokio::test]
    async fn remembers_no_token_beyond_its_end() {
        let stand_in = StandIn::start().await;
        let tenant = stand_in.tenant();
        let mut claims = stand_in.access_claims();
        let end = jwt::now() + 1.0;
        claims["exp"] = json!(end);
        let token = stand_in.sign(&claims);
        assert_eq!(said_by(&tenant, &token).await, "accepted auth0|ana");
        while jwt::now() < end {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(said_by(&tenant, &token).await, "it has expired");
    }

    #[tokio::test]
    async fn remembers_a_token_for_the_api_that_it_is_for() {
        let stand_in = StandIn::start().await;
        let tenant = stand_in.tenant();
        let token = stand_in.sign(&stand_in.access_claims());
        assert_eq!(said_by(&tenant, &token).await, "accepted auth0|ana");
        let token = BearerToken::new(token.into());
        let error = tenant.check_access_token(&token, "https://other.example.com/mcp").await;
        assert_eq!(
            error.unwrap_err().to_string(),
            "the access token is not valid: it is for another audience"
        );
    }

    #[tokio::test]
    async fn cannot_tell_without_auth0() {
        let stand_in = StandIn::start().await;
        stand_in.answer(KEYS_PATH, 503, json!({}));
        let tenant = stand_in.tenant();
        let token = stand_in.sign(&stand_in.access_claims());
        let told = said_by(&tenant, &token).await;
        assert_eq!(told, "Auth0 is not working right now (HTTP 503)");
        assert_eq!(said_by(&tenant, "garbage").await, "it is malformed");
    }

    #[tokio::test]
    async fn checks_many_at_once_while_a_fetch_hangs() {
        let stand_in = StandIn::start().await;
        let tenant = stand_in.tenant();
        let token = stand_in.sign(&stand_in.access_claims());
        assert_eq!(said_by(&tenant, &token).await, "accepted auth0|ana");
        tenant.inner.keys.pass(Duration::from_secs(900));
        let held = stand_in.hold(KEYS_PATH);
        let forged = Signer::stranger("k9");
        let forged = forged.sign(&forged.header("JWT"), &stand_in.access_claims());
        let waiting = tokio::spawn({
            let tenant = tenant.clone();
            async move { said_by(&tenant, &forged).await }
        });
        let tokens = (0..100).map(|number| {
            let mut claims = stand_in.access_claims();
            claims["sub"] = json!(format!("auth0|{number}"));
            stand_in.sign(&claims)
        });
        let checks = tokens.map(|token| {
            let tenant = &tenant;
            async move { said_by(tenant, &token).await }
        });
        let told = futures::future::join_all(checks).await;
        let expected: Vec<_> = (0..100).map(|number| format!("accepted auth0|{number}")).collect();
        assert_eq!(told, expected);
        drop(held);
        assert_eq!(waiting.await.unwrap(), "its key is not among the tenant's");
        assert_eq!(fetches(&stand_in), 2);
    }

    /// What is thrown at the check: anything at all, JSON in three parts, and a good token with one
    /// character changed.
    fn thrown(good: String) -> impl Strategy<Value = String> {
        let json = prop_oneof![
            Just(json!({ "alg": "RS256", "kid": "k1" }).to_string()),
            Just(json!({ "alg": "ES256" }).to_string()),
            "\\{\"alg\":\"RS256\",\"[a-z]{1,4}\":[\\[\\]{}\"0-9a-z:,]{0,20}\\}",
            any::<String>(),
        ];
        let parts = (json, any::<String>(), any::<Vec<u8>>()).prop_map(|(header, claims, end)| {
            let [header, claims, end] = [header.as_bytes(), claims.as_bytes(), &end]
                .map(|part| URL_SAFE_NO_PAD.encode(part));
            format!("{header}.{claims}.{end}")
        });
        let length = good.len();
        let changed = (0..length, "[ -~]").prop_filter_map("the same", move |(at, character)| {
            let mut token = good.clone();
            token.replace_range(at..=at, &character);
            (token != good).then_some(token)
        });
        prop_oneof![any::<String>(), "[A-Za-z0-9_.-]{0,200}", parts, changed]
    }

    #[test]
    fn nothing_made_up_passes() {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let stand_in = runtime.block_on(StandIn::start());
        let tenant = stand_in.tenant();
        let good = stand_in.sign(&stand_in.access_claims());
        assert_eq!(runtime.block_on(said_by(&tenant, &good)), "accepted auth0|ana");
        proptest!(|(token in thrown(good))| {
            let told = runtime.block_on(said_by(&tenant, &token));
            prop_assert!(!told.starts_with("accepted"), "{token}");
        });
        assert_eq!(fetches(&stand_in), 1);
    }
}
