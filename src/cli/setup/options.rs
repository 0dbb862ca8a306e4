//! The options that check, plan and apply share.

use clap::{Args, ValueEnum};

#[cfg(feature = "sandbox")]
use crate::cli::sandbox_option::SandboxOption;
use crate::cli::settings::Settings;
use crate::setup::{Choice, Transports};

/// What all three take.
#[derive(Clone, Debug, Args)]
pub(in crate::cli) struct Common {
    /// For one person's machine, for many people over HTTP, or both. Left out, what the settings are
    /// made for.
    #[arg(long = "for", value_name = "TRANSPORT", value_enum)]
    pub(in crate::cli) transports: Option<For>,
    /// Let people also log in to Auth0 with Bitbucket.
    #[arg(long)]
    pub(in crate::cli) login: bool,
    /// The web application, by client ID or name; made where none is called so. Left out, the one in the
    /// settings, else `bitbucket-vault-mcp`.
    #[arg(long, value_name = "ID_OR_NAME")]
    pub(in crate::cli) app: Option<String>,
    /// Print one JSON object.
    #[arg(long)]
    pub(in crate::cli) json: bool,
    #[cfg(feature = "sandbox")]
    #[command(flatten)]
    pub(in crate::cli) sandbox: SandboxOption,
    #[command(flatten)]
    pub(in crate::cli) settings: Settings,
}

/// Whom the connection serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum For {
    Stdio,
    Http,
    Both,
}

impl From<For> for Transports {
    fn from(transports: For) -> Self {
        match transports {
            For::Stdio => Self::Stdio,
            For::Http => Self::Http,
            For::Both => Self::Both,
        }
    }
}

impl Common {
    /// What the options choose.
    pub(in crate::cli) fn choice(&self) -> Choice {
        Choice {
            transports: self.transports.map(Into::into),
            login: self.login,
            app: self.app.clone().filter(|app| !app.trim().is_empty()),
        }
    }

    /// The option that says something else than `choice` does, if one was given.
    pub(in crate::cli) fn disagrees_with(&self, choice: &Choice) -> Option<&'static str> {
        let given = self.choice();
        if given.transports.is_some() && given.transports != choice.transports {
            Some("--for")
        } else if given.login && !choice.login {
            Some("--login")
        } else if given.app.is_some() && given.app != choice.app {
            Some("--app")
        } else {
            None
        }
    }
}
