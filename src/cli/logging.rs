//! The log: to stderr, for people or for machines.

use std::io::{self, IsTerminal};

use tracing::{Level, Metadata};
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt, registry};

use crate::config::{LogFormat, Logging};

/// Libraries that write what they send and receive at their lowest levels.
const TALKATIVE: &[&str] = &["h2", "hyper", "hyper_util", "reqwest", "rustls"];

/// Starts the log. Only the first call counts.
pub fn start(logging: &Logging) {
    let Ok(filter) = EnvFilter::try_new(&logging.filter) else { return };
    let filter = filter.and(filter_fn(holds_no_token));
    let log = fmt::layer().with_writer(io::stderr);
    let started = match logging.format {
        LogFormat::Text => {
            let log = log.with_ansi(io::stderr().is_terminal());
            registry().with(log.with_filter(filter)).try_init()
        }
        LogFormat::Json => registry().with(log.json().with_filter(filter)).try_init(),
    };
    if let Err(error) = started {
        tracing::debug!(%error, "the log is already running");
    }
}

/// A setting that asks for everything shall get no headers and bodies, nor what agents and tools say
/// to each other: pages that link an account, and the contents of repositories.
fn holds_no_token(metadata: &Metadata<'_>) -> bool {
    let library = metadata.target().split("::").next().unwrap_or_default();
    match library {
        // It warns of every error that it answers with, and one of them carries a page that links.
        "rmcp" => *metadata.level() <= Level::ERROR,
        _ => *metadata.level() <= Level::INFO || !TALKATIVE.contains(&library),
    }
}
