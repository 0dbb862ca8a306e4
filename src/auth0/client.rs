//! How our application proves itself to Auth0, and the cryptography that this takes.

use std::sync::Once;
use std::time::Duration;

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use super::{ClientAuthentication, Error, Settings, random_token};

/// RFC 7523 §2.2
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// Auth0 accepts at most five minutes and recommends one.
const ASSERTION_LIFE: Duration = Duration::from_secs(60);

/// The application's identifier and its proof, ready for a form.
pub(super) struct Credentials {
    client_id: String,
    proof: Proof,
}

enum Proof {
    Secret(SecretString),
    Signature { key: EncodingKey, audience: String },
}

/// Auth0 takes an assertion with nothing but these; `iat` is optional, and would make a clock that
/// is ten seconds ahead an error.
#[derive(Serialize)]
struct Assertion<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    exp: u64,
    jti: String,
}

impl Credentials {
    pub(super) fn new(settings: &Settings) -> Result<Self, Error> {
        let proof = match &settings.authentication {
            ClientAuthentication::Secret(secret) => Proof::Secret(secret.clone()),
            ClientAuthentication::SigningKey(pem) => Proof::Signature {
                key: EncodingKey::from_rsa_pem(pem.expose_secret().as_bytes())
                    .map_err(|_| Error::SigningKey)?,
                audience: settings.domain.to_string(),
            },
        };
        let credentials = Self { client_id: settings.client_id.clone(), proof };
        // A key that cannot sign is a wrong setting, and is to be told when settings are.
        credentials.form()?;
        Ok(credentials)
    }

    /// The form fields that say and prove who we are. An assertion is used once, so each request
    /// asks anew.
    pub(super) fn form(&self) -> Result<Vec<(&'static str, String)>, Error> {
        let client_id = ("client_id", self.client_id.clone());
        Ok(match &self.proof {
            Proof::Secret(secret) => {
                vec![client_id, ("client_secret", secret.expose_secret().to_owned())]
            }
            Proof::Signature { key, audience } => vec![
                client_id,
                ("client_assertion_type", ASSERTION_TYPE.to_owned()),
                ("client_assertion", self.sign(key, audience)?),
            ],
        })
    }

    fn sign(&self, key: &EncodingKey, audience: &str) -> Result<String, Error> {
        install_cryptography();
        let expires = jsonwebtoken::get_current_timestamp() + ASSERTION_LIFE.as_secs();
        let assertion = Assertion {
            iss: &self.client_id,
            sub: &self.client_id,
            aud: audience,
            exp: expires,
            jti: random_token(),
        };
        jsonwebtoken::encode(&Header::new(Algorithm::RS256), &assertion, key)
            .map_err(|_| Error::SigningKey)
    }
}

/// Tells `jsonwebtoken` which cryptography to use, once.
///
/// It chooses by its cargo features, and panics as soon as some other crate of the build turns a
/// second one on.
pub(super) fn install_cryptography() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default().is_err() {
            tracing::debug!("another part of the process has chosen the JWT cryptography");
        }
    });
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{DecodingKey, Validation};
    use serde_json::Value;
    use url::Url;

    use super::super::stand_in::{private_key, public_key};
    use super::*;

    fn credentials(authentication: ClientAuthentication) -> Result<Credentials, Error> {
        Credentials::new(&Settings {
            domain: Url::parse("https://acme.eu.auth0.com/").unwrap(),
            client_id: "app".to_owned(),
            authentication,
            organization: None,
        })
    }

    #[test]
    fn sends_the_secret_in_the_form() {
        let credentials = credentials(ClientAuthentication::Secret("hush".into())).unwrap();
        let form = credentials.form().unwrap();
        assert_eq!(form, [("client_id", "app".to_owned()), ("client_secret", "hush".to_owned())]);
    }

    #[test]
    fn signs_an_assertion_for_one_use_within_a_minute() {
        let key = ClientAuthentication::SigningKey(private_key().into());
        let credentials = credentials(key).unwrap();
        let claims = |form: Vec<(&'static str, String)>| {
            assert_eq!(form[1], ("client_assertion_type", ASSERTION_TYPE.to_owned()));
            assert!(form[2].1.len() <= 2048);
            let mut validation = Validation::new(Algorithm::RS256);
            validation.set_audience(&["https://acme.eu.auth0.com/"]);
            let key = DecodingKey::from_rsa_pem(public_key().as_bytes()).unwrap();
            jsonwebtoken::decode::<Value>(&form[2].1, &key, &validation).unwrap().claims
        };
        let first = claims(credentials.form().unwrap());
        let second = claims(credentials.form().unwrap());
        assert_eq!((&first["iss"], &first["sub"]), (&"app".into(), &"app".into()));
        let left = first["exp"].as_u64().unwrap() - jsonwebtoken::get_current_timestamp();
        assert!((55..=60).contains(&left), "{left}");
        assert!(first["jti"].as_str().unwrap().len() <= 64);
        assert_ne!(first["jti"], second["jti"]);
    }

    #[test]
    fn tells_a_wrong_signing_key_before_anything_is_sent() {
        for pem in
            ["", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", public_key()]
        {
            let Err(error) = credentials(ClientAuthentication::SigningKey(pem.into())) else {
                panic!("took {pem}");
            };
            assert_eq!(
                error.to_string(),
                "the client signing key is not an RSA private key in PEM"
            );
        }
    }
}
