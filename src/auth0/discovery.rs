//! What the tenant publishes about itself: its endpoints and its signing keys.
//!
//! Only logins need it. It is fetched on first use and kept.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jsonwebtoken::jwk::Jwk;
use serde::Deserialize;
use url::Url;

use super::error::Asked;
use super::{Error, IdTokenProblem, Tenant};

/// Endpoints move about never, keys about yearly.
const MAX_AGE: Duration = Duration::from_secs(3600);
/// An unknown key can mean a rotation, but anybody can name an unknown key.
const REFETCH_KEYS_AFTER: Duration = Duration::from_secs(60);

#[derive(Default)]
pub(super) struct Discovery {
    state: tokio::sync::Mutex<State>,
    promises_issuer: AtomicBool,
}

#[derive(Default)]
struct State {
    metadata: Option<(Instant, Metadata)>,
    keys: Option<(Instant, Vec<Jwk>)>,
}

/// The part of OpenID Connect Discovery 1.0 §3 that is used here.
#[derive(Clone, Deserialize)]
pub(super) struct Metadata {
    issuer: String,
    pub(super) authorization_endpoint: Url,
    jwks_uri: Url,
    /// RFC 9207 §3
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<serde_json::Value>,
}

impl Discovery {
    /// Whether callbacks must carry `iss`, as far as the metadata has been seen.
    pub(super) fn promises_issuer(&self) -> bool {
        self.promises_issuer.load(Ordering::Relaxed)
    }
}

impl Tenant {
    pub(super) async fn metadata(&self) -> Result<Metadata, Error> {
        let mut state = self.inner.discovery.state.lock().await;
        self.metadata_in(&mut state).await
    }

    /// The key that signed something, by its `kid`; without one, the only key there is.
    pub(super) async fn signing_key(&self, kid: Option<&str>) -> Result<Jwk, Error> {
        let mut state = self.inner.discovery.state.lock().await;
        let age = state.keys.as_ref().map(|(fetched, _)| fetched.elapsed());
        let known = state.keys.as_ref().and_then(|(_, keys)| find(keys, kid));
        match (known, age) {
            (Some(key), Some(age)) if age < MAX_AGE => return Ok(key.clone()),
            (None, Some(age)) if age < REFETCH_KEYS_AFTER => {
                return Err(IdTokenProblem::UnknownKey.into());
            }
            _ => {}
        }
        let metadata = self.metadata_in(&mut state).await?;
        let keys = self.fetch_keys(&metadata.jwks_uri).await?;
        let found = find(&keys, kid).cloned();
        state.keys = Some((Instant::now(), keys));
        found.ok_or_else(|| IdTokenProblem::UnknownKey.into())
    }

    async fn metadata_in(&self, state: &mut State) -> Result<Metadata, Error> {
        if let Some((fetched, metadata)) = &state.metadata
            && fetched.elapsed() < MAX_AGE
        {
            return Ok(metadata.clone());
        }
        let answer = self.get(&self.endpoint(".well-known/openid-configuration")).await?;
        if !answer.is_success() {
            return Err(Error::of(Asked::Metadata, &answer));
        }
        let metadata: Metadata = answer.json("OpenID Connect metadata")?;
        // OpenID Connect Discovery 1.0 §4.3: else anybody's document would do.
        if metadata.issuer != self.domain().as_str() {
            return Err(Error::Issuer);
        }
        self.check_origin(&metadata.authorization_endpoint, "sign-in page")?;
        self.check_origin(&metadata.jwks_uri, "key set")?;
        let promises = metadata.authorization_response_iss_parameter_supported;
        self.inner.discovery.promises_issuer.store(promises, Ordering::Relaxed);
        state.metadata = Some((Instant::now(), metadata.clone()));
        Ok(metadata)
    }

    async fn fetch_keys(&self, url: &Url) -> Result<Vec<Jwk>, Error> {
        let answer = self.get(url).await?;
        if !answer.is_success() {
            return Err(Error::of(Asked::Metadata, &answer));
        }
        let set: KeySet = answer.json("a key set")?;
        // A kind of key that we do not know must not hide those that we do.
        Ok(set.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok()).collect())
    }

    fn check_origin(&self, url: &Url, what: &'static str) -> Result<(), Error> {
        if url.origin() == self.domain().origin() { Ok(()) } else { Err(Error::ForeignUrl(what)) }
    }
}

fn find<'a>(keys: &'a [Jwk], kid: Option<&str>) -> Option<&'a Jwk> {
    match (kid, keys) {
        (Some(kid), _) => keys.iter().find(|key| key.common.key_id.as_deref() == Some(kid)),
        (None, [only]) => Some(only),
        (None, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::stand_in::StandIn;

    #[tokio::test]
    async fn asks_for_an_unknown_key_at_most_once_a_minute() {
        let stand_in = StandIn::start().await;
        let tenant = stand_in.tenant();
        assert!(tenant.signing_key(Some("k1")).await.is_ok());
        for _ in 0..5 {
            let error = tenant.signing_key(Some("k2")).await.unwrap_err();
            assert_eq!(
                error.to_string(),
                "the ID token is not valid: its key is not among the tenant's"
            );
        }
        let paths = stand_in.requests().into_iter().map(|request| request.path).collect::<Vec<_>>();
        assert_eq!(paths, ["/.well-known/openid-configuration", "/.well-known/jwks.json"]);
    }

    #[tokio::test]
    async fn trusts_no_metadata_that_leads_elsewhere() {
        let stand_in = StandIn::start().await;
        let here = stand_in.domain();
        let mut said = Vec::new();
        for (key, value) in [
            ("issuer", json!("https://evil.example.com/")),
            ("issuer", json!(here.as_str().trim_end_matches('/'))),
            ("authorization_endpoint", json!("https://evil.example.com/authorize")),
            ("jwks_uri", json!("https://evil.example.com/jwks.json")),
        ] {
            stand_in.set_metadata(key, value);
            said.push(stand_in.tenant().metadata().await.err().unwrap().to_string());
            stand_in.reset_metadata();
        }
        assert_eq!(
            said,
            [
                "the answer came from another issuer",
                "the answer came from another issuer",
                "Auth0 named a sign-in page outside its own domain",
                "Auth0 named a key set outside its own domain",
            ]
        );
    }

    #[tokio::test]
    async fn misses_an_issuer_that_the_metadata_promises() {
        let stand_in = StandIn::start().await;
        stand_in.set_metadata("authorization_response_iss_parameter_supported", json!(true));
        let tenant = stand_in.tenant();
        assert!(tenant.check_issuer(None).is_ok());
        tenant.metadata().await.unwrap();
        assert!(tenant.check_issuer(None).is_err());
        assert!(tenant.check_issuer(Some(tenant.domain().as_str())).is_ok());
    }
}
