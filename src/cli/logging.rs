//! The log: to stderr, for people or for machines.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::Directive;

use crate::config::{LogFormat, Logging};

/// Libraries that write what they send and receive at their lowest levels. A setting that asks for
/// everything shall not get tokens.
const TALKATIVE: &[&str] = &["h2", "hyper", "hyper_util", "reqwest", "rustls"];

/// Starts the log. Only the first call counts.
pub fn start(logging: &Logging) {
    let quiet =
        TALKATIVE.iter().filter_map(|name| format!("{name}=info").parse::<Directive>().ok());
    let Ok(filter) = EnvFilter::try_new(&logging.filter) else { return };
    let filter = quiet.fold(filter, EnvFilter::add_directive);
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    let started = match logging.format {
        LogFormat::Text => log.with_ansi(io::stderr().is_terminal()).try_init(),
        LogFormat::Json => log.json().try_init(),
    };
    if let Err(error) = started {
        tracing::debug!(%error, "the log is already running");
    }
}
