//! Where the secrets go that Auth0 makes: files that only their owner can read, and the configuration
//! that names them.

use std::path::PathBuf;

use super::Transports;

/// Where secrets and settings are written.
#[derive(Clone, Debug)]
pub struct Keep {
    /// The folder for secrets, made with mode 0700; each secret is a file with mode 0600.
    pub folder: PathBuf,
    /// The configuration file of `stdio`. What is written there is left alone, comments included.
    pub stdio_config: PathBuf,
    /// The configuration file of `http`.
    pub http_config: PathBuf,
}

/// One setting that was written, or that the person must set. Never a secret itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// For which transport.
    pub transport: Transports,
    /// The variable: `AUTH0_CLIENT_ID`, `AUTH0_CLIENT_SECRET_FILE`, …
    pub variable: &'static str,
    /// Its value; of a secret the path of its file.
    pub value: String,
    /// The configuration file that says so now; nothing where the person must set it.
    pub written_to: Option<PathBuf>,
}
