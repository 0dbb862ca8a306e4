//! What is behind a step that failed while a connection was tried, and what mends it.

use std::sync::Arc;

use super::{Error, chain};
use crate::auth0;
use crate::broker::{self, Failure};

impl From<broker::Error> for Failure {
    /// The words of a tool's error, and more of them where an administrator reads along: they want to
    /// know which of two services is at fault, and in which way.
    fn from(error: broker::Error) -> Self {
        tracing::debug!(error = %chain(&error), "a step of the connection's test failed");
        if matches!(error, broker::Error::NotSignedIn) {
            return Error::from(error).into();
        }
        let own = own_words(&error);
        let says = error.to_string();
        let told = Error::from(error);
        let why = match &told {
            Error::Unavailable { .. } => says,
            told => told.to_string(),
        };
        let hint = told.hint().unwrap_or_else(|| "try once more".to_owned());
        Self {
            why,
            fix: match own {
                Own::Instead(fix) => fix.to_owned(),
                Own::Besides(more) => format!("{hint}; {more}"),
                Own::Nothing => hint,
            },
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let fix = match &error {
            Error::NotSignedIn { url: None } => Some(
                "call `link_account`, which signs the user in and links in one trip, or ask them to \
                 run `bitbucket-vault-mcp login`"
                    .to_owned(),
            ),
            error => error.hint(),
        };
        Self { why: error.to_string(), fix: fix.unwrap_or_else(|| "try once more".to_owned()) }
    }
}

/// What there is to say beyond a tool's hint.
enum Own {
    Instead(&'static str),
    Besides(&'static str),
    Nothing,
}

fn own_words(error: &broker::Error) -> Own {
    use auth0::Error as Auth0;
    const PLAN: Own = Own::Besides("`plan_connection` plans that");
    const NETWORK: Own = Own::Instead(
        "look at this machine's network, its proxy settings and the address in the settings; \
         `bitbucket-vault-mcp doctor` tries each of them",
    );
    match error {
        // A wrong secret of the consumer looks the same from here: what was fresh an hour ago cannot
        // be renewed.
        broker::Error::LinkBroken => Own::Besides(
            "if a new link breaks as well, the key or secret that the connection has is not the \
             Bitbucket consumer's, or the consumer is gone: an admin compares them",
        ),
        broker::Error::Auth0(inner) => match inner.as_ref() {
            Auth0::VaultDisabled | Auth0::GrantMissing | Auth0::ApiClientUnfit => PLAN,
            Auth0::Transport(_) => NETWORK,
            Auth0::Unexpected { .. } => {
                Own::Besides("`check_connection` shows what is not as it must be")
            }
            _ => Own::Nothing,
        },
        broker::Error::Bitbucket(inner) if is_transport(inner) => NETWORK,
        _ => Own::Nothing,
    }
}

fn is_transport(error: &Arc<crate::bitbucket::Error>) -> bool {
    matches!(error.as_ref(), crate::bitbucket::Error::Transport(_))
}
