use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::arguments::{For, choice};
use super::shown::{Row, Standing};
use crate::Result;
use crate::tool::{Answer, Context, Effect, Tool};

/// Check every requirement of Token Vault for Bitbucket on this Auth0 tenant: what is missing or wrong,
/// why it matters and what mends it. Changes nothing.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CheckConnection {
    /// For one person's machine, for many people over HTTP, or both. Left out, what the settings are
    /// made for.
    transports: Option<For>,
    /// Whether people shall also log in to Auth0 with Bitbucket.
    #[serde(default)]
    login: bool,
    /// The web application, by client ID or name. Left out, the one in the settings, else
    /// `bitbucket-vault-mcp`.
    #[schemars(length(max = 128))]
    app: Option<String>,
    /// Show the requirements that are met too.
    #[serde(default)]
    all: bool,
}

/// How the requirements stand.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Checked {
    /// How many are met.
    met: usize,
    /// How many there are.
    total: usize,
    /// Those that are not met, or all.
    rows: Vec<Row>,
}

impl Tool for CheckConnection {
    const NAME: &'static str = "check_connection";
    const TITLE: &'static str = "Check the connection";
    const EFFECT: Effect = Effect::Reads;
    const SCOPES: &'static [&'static str] = &[];
    type Output = Checked;

    async fn run(self, cx: &Context) -> Result<Checked> {
        let setup = cx.setup()?;
        let report = setup.check(&choice(self.transports, self.login, self.app)).await?;
        let mut rows: Vec<Row> = report.rows.into_iter().map(Into::into).collect();
        let total = rows.len();
        let met = rows.iter().filter(|row| row.state == Standing::Ok).count();
        rows.retain(|row| self.all || row.state != Standing::Ok);
        Ok(Checked { met, total, rows })
    }
}

impl Answer for Checked {
    fn text(&self) -> String {
        let Self { met, total, rows } = self;
        let unknown = rows.iter().filter(|row| row.state == Standing::CannotTell).count();
        let unmet = total - met - unknown;
        let mut text = match (unmet, unknown) {
            (0, 0) => format!("all {total} requirements are met"),
            (0, unknown) => {
                format!("{met} of {total} requirements are met, {unknown} cannot be told")
            }
            (unmet, 0) => format!("{unmet} of {total} requirements are not met"),
            (unmet, unknown) => {
                format!("{unmet} of {total} requirements are not met, {unknown} cannot be told")
            }
        };
        for row in rows {
            text.push('\n');
            text.push_str(&row.lines());
        }
        if unmet > 0 {
            text.push_str("\nnext: `plan_connection` shows what can be changed from here");
        } else if unknown > 0 {
            text.push_str("\nnext: `test_connection` proves what only a real exchange can");
        }
        text
    }
}
