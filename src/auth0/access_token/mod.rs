//! Checking an access token that a caller shows at our own API (RFC 9068 section 4).

#[cfg(test)]
mod tests;

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
