use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::setup::{Snippet, SnippetKind};
use crate::tool::{Answer, Context, Effect, Tool};
use crate::{Error, Result};

/// Get code that gives the user's own app this connection's Bitbucket tokens out of Token Vault, with
/// the real names in it. Secrets are read from the environment; none is in the code.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GetAppSnippet {
    /// What the app is made with: the Auth0 AI SDK for TypeScript or for Python, Next.js with
    /// nextjs-auth0, curl, or Rust.
    kind: Kind,
    /// The client ID of the app's own application at Auth0. Left out, this server's own where it
    /// serves one person, else the environment's.
    #[schemars(length(max = 64), regex(pattern = "^[A-Za-z0-9_-]+$"))]
    client_id: Option<String>,
}

/// What the app is made with.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Kind {
    AiTypescript,
    AiPython,
    Nextjs,
    Http,
    Rust,
}

/// The code, and what it needs.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Shown {
    /// How the packages are installed that it needs.
    #[serde(skip_serializing_if = "str::is_empty")]
    install: &'static str,
    /// The code, file by file.
    files: Vec<File>,
    /// The environment variables that it reads.
    environment: Vec<Variable>,
    /// What must hold for it to work.
    notes: Vec<&'static str>,
}

/// One file.
#[derive(Debug, Serialize, JsonSchema)]
struct File {
    /// Where it goes in the project.
    path: &'static str,
    /// What is in it.
    code: String,
}

/// One environment variable.
#[derive(Debug, Serialize, JsonSchema)]
struct Variable {
    /// Its name.
    name: &'static str,
    /// What belongs into it.
    about: &'static str,
}

/// What must hold for any of them.
const NOTES: &[&str] = &[
    "the application at Auth0 is first-party and confidential, has the grants Authorization Code, \
     Refresh Token and Token Vault, does not rotate refresh tokens, and the connection is enabled for \
     it",
    "an app for others gets an application of its own: whoever has this server's secret can act as \
     this server",
    "the user has signed in to that application with the scope `offline_access`, and has linked their \
     Bitbucket account",
];

impl Tool for GetAppSnippet {
    const NAME: &'static str = "get_app_snippet";
    const TITLE: &'static str = "Get code for the user's own app";
    const EFFECT: Effect = Effect::Reads;
    const SCOPES: &'static [&'static str] = &[];
    type Output = Shown;

    async fn run(self, cx: &Context) -> Result<Shown> {
        let names = cx.setup()?.snippet_names(self.client_id);
        let snippet = Snippet::new(self.kind.into(), &names).map_err(|unfit| {
            Error::refused(
                unfit.to_string(),
                "an admin calls it by letters, digits, dashes and dots, as Auth0 itself asks for",
            )
        })?;
        Ok(snippet.into())
    }
}

impl From<Kind> for SnippetKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::AiTypescript => Self::AiTypescript,
            Kind::AiPython => Self::AiPython,
            Kind::Nextjs => Self::Nextjs,
            Kind::Http => Self::Http,
            Kind::Rust => Self::Rust,
        }
    }
}

impl From<Snippet> for Shown {
    fn from(snippet: Snippet) -> Self {
        let files = snippet.files.into_iter().map(|file| File { path: file.path, code: file.code });
        let variables = snippet.environment.iter();
        Self {
            install: snippet.install,
            files: files.collect(),
            environment: variables
                .map(|variable| Variable { name: variable.name, about: variable.about })
                .collect(),
            notes: NOTES.to_vec(),
        }
    }
}

impl Answer for Shown {
    fn text(&self) -> String {
        let mut text = String::new();
        if !self.install.is_empty() {
            let _ = writeln!(text, "install: {}", self.install);
        }
        for file in &self.files {
            let _ = writeln!(text, "{}\n```\n{}```", file.path, file.code);
        }
        text.push_str("environment:");
        for variable in &self.environment {
            let _ = write!(text, "\n- {}: {}", variable.name, variable.about);
        }
        text.push_str("\nit works where:");
        for note in &self.notes {
            let _ = write!(text, "\n- {note}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::Stage;

    #[tokio::test]
    async fn puts_this_tenants_names_into_the_code_and_no_secret() {
        let stage = Stage::new().await;
        let client_id = stage.sandbox().client_id();
        for kind in ["ai_typescript", "ai_python", "nextjs", "http", "rust"] {
            let said = stage.call_as("linked", "get_app_snippet", json!({ "kind": kind })).await;
            for name in [client_id.as_str(), "\"bitbucket\"", "AUTH0_CLIENT_SECRET"] {
                assert!(said.contains(name), "{kind}: {said}");
            }
            let host = stage.sandbox().auth0_domain();
            assert!(said.contains(host.split("://").last().unwrap()), "{said}");
            assert!(!said.contains(&stage.sandbox().client_secret()), "{kind}");
            let own = json!({ "kind": kind, "client_id": "my-own-app" });
            let said = stage.call_as("linked", "get_app_snippet", own).await;
            assert!(said.contains("\"my-own-app\"") && !said.contains(&client_id), "{said}");
        }
    }

    #[tokio::test]
    async fn takes_no_client_id_that_could_be_code() {
        let stage = Stage::new().await;
        for client_id in ["a\"; rm -rf ~", "", "a b", "$(id)"] {
            let call = json!({ "kind": "http", "client_id": client_id });
            let said = stage.call_as("linked", "get_app_snippet", call).await;
            assert!(said.starts_with("invalid_arguments: `client_id`: "), "{said}");
        }
    }
}
