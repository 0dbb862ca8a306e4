use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::arguments::{For, choice};
use super::shown::{self, Edit, Row};
use crate::Result;
use crate::tool::{Answer, Context, Effect, Tool};

/// See what would be changed on this Auth0 tenant so that Token Vault works for Bitbucket, as a diff
/// with a digest for `configure_connection`. Changes nothing.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PlanConnection {
    /// As in `check_connection`.
    transports: Option<For>,
    /// As in `check_connection`.
    #[serde(default)]
    login: bool,
    /// As in `check_connection`; an application is made where none is called so.
    #[schemars(length(max = 128))]
    app: Option<String>,
}

/// What would be changed.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Planned {
    /// Names exactly this plan.
    digest: String,
    /// What would be changed, in order; empty where nothing would.
    changes: Vec<Edit>,
    /// What somebody has to mend by hand.
    by_hand: Vec<Row>,
    /// Whether the user will be asked for the Bitbucket consumer's key and secret, on a page.
    asks_for_consumer: bool,
    #[serde(skip)]
    text: String,
}

impl Tool for PlanConnection {
    const NAME: &'static str = "plan_connection";
    const TITLE: &'static str = "Plan the connection";
    const EFFECT: Effect = Effect::Reads;
    const SCOPES: &'static [&'static str] = &[];
    type Output = Planned;

    async fn run(self, cx: &Context) -> Result<Planned> {
        let setup = cx.setup()?;
        let plan = setup.plan(&choice(self.transports, self.login, self.app)).await?;
        Ok(Planned {
            text: shown::plan(&plan),
            digest: plan.digest.to_string(),
            changes: plan.changes.iter().map(Into::into).collect(),
            by_hand: plan.by_hand.into_iter().map(Into::into).collect(),
            asks_for_consumer: plan.wants_consumer,
        })
    }
}

impl Answer for Planned {
    fn text(&self) -> String {
        self.text.clone()
    }
}
