//! `call`: one tool call, from a terminal or a script.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::Args;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

#[cfg(feature = "sandbox")]
use super::sandbox_option::SandboxOption;
use super::settings::Settings;
use super::terminal::{TerminalAsk, TerminalProgress, say};
use super::{configured, output};
use crate::Error;
use crate::config::{Need, Sources};
use crate::server::dispatch::Request;

/// Call one tool and print its result.
#[derive(Debug, Args)]
pub(super) struct Call {
    /// The tool's name.
    pub(super) name: String,
    /// Arguments as `key=value`. A value that is JSON is taken as such, any other as text.
    #[arg(value_name = "KEY=VALUE", conflicts_with = "json")]
    pub(super) arguments: Vec<String>,
    /// All arguments as one JSON object.
    #[arg(long, value_name = "OBJECT")]
    pub(super) json: Option<String>,
    /// Do not ask before what needs approval.
    #[arg(long, short)]
    pub(super) yes: bool,
    #[cfg(feature = "sandbox")]
    #[command(flatten)]
    pub(super) sandbox: SandboxOption,
    #[command(flatten)]
    pub(super) settings: Settings,
}

impl Call {
    /// The arguments of the call. `is_text` says which of them the tool wants as text, so that
    /// `pipeline=7` stays text where a number is not wanted.
    pub(super) fn arguments(
        &self,
        is_text: impl Fn(&str) -> bool,
    ) -> anyhow::Result<Map<String, Value>> {
        if let Some(text) = &self.json {
            return serde_json::from_str(text).context("`--json` is not a JSON object");
        }
        let mut arguments = Map::new();
        for argument in &self.arguments {
            let Some((key, text)) = argument.split_once('=') else {
                bail!("`{argument}` is not `key=value`");
            };
            let value = match serde_json::from_str(text) {
                Ok(value) if !is_text(key) => value,
                _ => Value::String(text.to_owned()),
            };
            if arguments.insert(key.to_owned(), value).is_some() {
                bail!("`{key}` is given twice");
            }
        }
        Ok(arguments)
    }
}

impl Call {
    pub(super) async fn run(self, sources: Sources) -> anyhow::Result<ExitCode> {
        #[cfg(feature = "sandbox")]
        let (sources, _sandbox) = self.sandbox.start(sources).await?;
        let config = configured::load(&sources, Need::Stdio)?;
        let dispatcher = configured::dispatcher_for_one(&config, &sources)?;
        let Some(entry) = dispatcher.policy().find(&self.name) else {
            bail!("no tool is called `{}` under these settings", self.name);
        };
        let schema = entry.definition().input_schema;
        let is_text = |name: &str| {
            let property = schema.get("properties").and_then(|all| all.get(name));
            property.and_then(|property| property.get("type")).is_some_and(|kind| kind == "string")
        };
        let arguments = self.arguments(is_text)?;
        let request = Request::new(configured::person(&config, &sources)?, entry, arguments).await;
        let ask = Arc::new(TerminalAsk { yes: self.yes });
        let cancel = CancellationToken::new();
        match dispatcher.call(&request, ask, Arc::new(TerminalProgress), cancel).await {
            Ok(answer) => {
                let text = if std::io::stdout().is_terminal() {
                    serde_json::to_string_pretty(&answer.structured)?
                } else {
                    serde_json::to_string(&answer.structured)?
                };
                writeln!(output::stdout(), "{text}")?;
                Ok(ExitCode::SUCCESS)
            }
            Err(error) => {
                // The page of this process ends with it, so its address is of no use to anybody.
                let error = match error {
                    Error::NotLinked { says, .. } => Error::NotLinked { says, url: None },
                    Error::NotSignedIn { .. } => Error::NotSignedIn { url: None },
                    other => other,
                };
                say(&error.words());
                Ok(ExitCode::FAILURE)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::json;

    use super::*;

    #[derive(Parser)]
    #[command(no_binary_name = true)]
    struct Line {
        #[command(flatten)]
        call: Call,
    }

    fn read(line: &[&str]) -> anyhow::Result<Map<String, Value>> {
        Line::try_parse_from(line).unwrap().call.arguments(|key| key == "pipeline")
    }

    #[test]
    fn takes_a_value_as_json_where_it_is_json_and_text_is_not_wanted() {
        let line = [
            "get_pull_request",
            "repository=acme/shop",
            "number=42",
            "pipeline=7",
            "paths=[\"a\"]",
        ];
        let expected =
            json!({ "repository": "acme/shop", "number": 42, "pipeline": "7", "paths": ["a"] });
        assert_eq!(Value::Object(read(&line).unwrap()), expected);
        let line = ["get_pull_request", "--json", "{\"number\": 42}"];
        assert_eq!(Value::Object(read(&line).unwrap()), json!({ "number": 42 }));
    }

    #[test]
    fn says_which_argument_it_cannot_read() {
        let said = |line: &[&str]| read(line).unwrap_err().to_string();
        assert_eq!(said(&["get_file", "README"]), "`README` is not `key=value`");
        assert_eq!(said(&["get_file", "path=a", "path=b"]), "`path` is given twice");
        assert_eq!(said(&["get_file", "--json", "[]"]), "`--json` is not a JSON object");
    }
}
