//! A private certificate authority, for clients that insist on https.

use std::io;
use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// The names that this machine has for itself.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// A certificate for `localhost`, `127.0.0.1` and `::1`, its key, and the authority to trust for it. All
/// are made anew each time, and the authority's own key is thrown away.
pub struct Certificates {
    /// The authority's certificate in PEM: what clients must trust.
    pub authority: String,
    /// The server's certificate in PEM.
    pub certificate: String,
    /// The server's private key in PEM.
    pub key: String,
}

impl Certificates {
    /// New ones, good for a year.
    ///
    /// # Errors
    /// When this machine cannot make keys.
    pub fn new() -> io::Result<Self> {
        Self::make().map_err(io::Error::other)
    }

    fn make() -> Result<Self, rcgen::Error> {
        let today = TimeZone::UTC.to_datetime(Timestamp::now()).date();
        // A clock that is a little behind must not find them from the future; a longer life than some
        // 13 months is refused by some clients.
        let (since, until) = (today.saturating_sub(1.day()), today.saturating_add(365.days()));
        let midnight = |date: Date| {
            let [month, day] = [date.month(), date.day()].map(i8::unsigned_abs);
            rcgen::date_time_ymd(date.year().into(), month, day)
        };
        let params = |name: &str, names: &[&str]| {
            let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
            let mut params = CertificateParams::new(names)?;
            params.distinguished_name.push(DnType::CommonName, name);
            (params.not_before, params.not_after) = (midnight(since), midnight(until));
            Ok::<_, rcgen::Error>(params)
        };
        let mut authority = params("Sandbox of bitbucket-vault-mcp", &[])?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
        let mut server = params("localhost", &NAMES)?;
        server.use_authority_key_identifier_extension = true;
        server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate()?;
        let certificate = server.signed_by(&key, &authority)?;
        Ok(Self {
            authority: authority.pem(),
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        })
    }

    /// What a server needs to serve with them. Only HTTP/1.1, as without TLS.
    pub(super) fn server_config(&self) -> io::Result<Arc<ServerConfig>> {
        let chain = CertificateDer::pem_slice_iter(self.certificate.as_bytes())
            .collect::<Result<Vec<_>, _>>()
            .map_err(io::Error::other)?;
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).map_err(io::Error::other)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
            .map_err(io::Error::other)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

impl std::fmt::Debug for Certificates {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Certificates")
            .field("certificate", &self.certificate)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Options, Sandbox};
    use super::*;

    async fn start() -> Sandbox {
        Sandbox::start(Options { tls: true, ..Options::default() }).await.unwrap()
    }

    fn client(authority: Option<&str>) -> reqwest::Client {
        let builder = reqwest::Client::builder().no_proxy();
        let builder = match authority {
            Some(authority) => {
                let authority = reqwest::Certificate::from_pem(authority.as_bytes()).unwrap();
                builder.tls_certs_only([authority])
            }
            None => builder,
        };
        builder.build().unwrap()
    }

    #[tokio::test]
    async fn serves_https_to_those_who_trust_its_authority_and_to_nobody_else() {
        let sandbox = start().await;
        let authority = sandbox.authority().unwrap();
        let domain = sandbox.auth0_domain();
        assert!(domain.starts_with("https://localhost:"), "{domain}");
        let metadata = format!("{domain}/.well-known/openid-configuration");
        let answer = client(Some(authority)).get(&metadata).send().await.unwrap();
        let metadata_read: serde_json::Value = answer.json().await.unwrap();
        assert_eq!(metadata_read["issuer"], format!("{domain}/"));
        assert_eq!(metadata_read["token_endpoint"], format!("{domain}/oauth/token"));
        assert!(client(None).get(&metadata).send().await.is_err());
        let other = Certificates::new().unwrap();
        assert!(client(Some(&other.authority)).get(&metadata).send().await.is_err());
        let user = format!("{}/user", sandbox.bitbucket_api_url());
        assert!(user.starts_with("https://localhost:"), "{user}");
        assert_eq!(client(Some(authority)).get(&user).send().await.unwrap().status(), 401);
        let plain = metadata.replace("https:", "http:");
        assert!(client(Some(authority)).get(plain).send().await.is_err());
    }

    #[tokio::test]
    async fn answers_to_every_name_of_this_machine() {
        let sandbox = start().await;
        let client = client(sandbox.authority());
        let domain = sandbox.auth0_domain().replace("localhost", "127.0.0.1");
        let metadata = format!("{domain}/.well-known/openid-configuration");
        assert_eq!(client.get(&metadata).send().await.unwrap().status(), 200);
    }

    #[tokio::test]
    async fn stops_when_dropped() {
        let sandbox = start().await;
        let client = client(sandbox.authority());
        let metadata = format!("{}/.well-known/openid-configuration", sandbox.auth0_domain());
        assert_eq!(client.get(&metadata).send().await.unwrap().status(), 200);
        drop(sandbox);
        while client.get(&metadata).send().await.is_ok() {
            tokio::task::yield_now().await;
        }
    }

    #[test]
    fn makes_other_keys_each_time_and_prints_none() {
        let (one, other) = (Certificates::new().unwrap(), Certificates::new().unwrap());
        assert_ne!(one.key, other.key);
        assert_ne!(one.authority, other.authority);
        assert!(!format!("{one:?}").contains("PRIVATE KEY"));
    }
}
