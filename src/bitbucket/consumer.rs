//! The OAuth consumer: Bitbucket's name for an application that people grant access to.

use secrecy::SecretString;

/// What identifies the consumer at Bitbucket.
#[derive(Clone, Debug)]
pub struct Consumer {
    /// Its key, which is no secret.
    pub key: String,
    /// Its secret.
    pub secret: SecretString,
}
