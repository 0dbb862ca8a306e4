//! What the tenant publishes about itself: where people sign in, and where its keys are.
//!
//! It is fetched on first use and kept.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde::Deserialize;
use url::Url;

use super::error::Asked;
use super::{Error, Tenant};

/// Endpoints move about never.
const MAX_AGE: Duration = Duration::from_secs(3600);

#[derive(Default)]
pub(super) struct Discovery {
    metadata: tokio::sync::Mutex<Option<(Instant, Metadata)>>,
    promises_issuer: AtomicBool,
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

impl Discovery {
    /// Whether callbacks must carry `iss`, as far as the metadata has been seen.
    pub(super) fn promises_issuer(&self) -> bool {
        self.promises_issuer.load(Ordering::Relaxed)
    }
}

impl Tenant {
    pub(super) async fn metadata(&self) -> Result<Metadata, Error> {
        let mut kept = self.inner.discovery.metadata.lock().await;
        if let Some((fetched, metadata)) = &*kept
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
        *kept = Some((Instant::now(), metadata.clone()));
        Ok(metadata)
    }

    /// Where the tenant's signing keys are.
    pub(super) async fn key_set_url(&self) -> Result<Url, Error> {
        Ok(self.metadata().await?.jwks_uri)
    }

    fn check_origin(&self, url: &Url, what: &'static str) -> Result<(), Error> {
        if url.origin() == self.domain().origin() { Ok(()) } else { Err(Error::ForeignUrl(what)) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::stand_in::StandIn;

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
