use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::arguments::For;
use crate::Result;
use crate::setup::Guide;
use crate::tool::{Answer, Context, Effect, Tool};

/// Get the steps that only a person can do, for this very tenant: the OAuth consumer at Bitbucket with
/// its exact callback URL and permissions, and the Auth0 application that sets up the rest. Show them
/// to the user as they are. Keys and secrets never go through this conversation.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GetSetupGuide {
    /// For one person's machine, for many people over HTTP, or both. Left out, what the settings are
    /// made for.
    transports: Option<For>,
}

/// The guide.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Shown {
    /// The callback URL that the Bitbucket consumer must have.
    callback_url: String,
    /// The boxes to tick for the consumer.
    permissions: Vec<Permission>,
    /// The scopes that the machine-to-machine application needs.
    management_scopes: Vec<&'static str>,
    /// What to do, in order.
    steps: Vec<Step>,
    #[serde(skip)]
    text: String,
}

/// A box to tick.
#[derive(Debug, Serialize, JsonSchema)]
struct Permission {
    /// The heading that it stands under, and what it says.
    label: String,
    /// The scope that it gives.
    scope: &'static str,
}

/// One step.
#[derive(Debug, Serialize, JsonSchema)]
struct Step {
    /// What it comes to.
    title: String,
    /// What to do for it.
    lines: Vec<String>,
}

impl Tool for GetSetupGuide {
    const NAME: &'static str = "get_setup_guide";
    const TITLE: &'static str = "Get the steps that a person must do";
    const EFFECT: Effect = Effect::Reads;
    const SCOPES: &'static [&'static str] = &[];
    type Output = Shown;

    async fn run(self, cx: &Context) -> Result<Shown> {
        Ok(cx.setup()?.guide(self.transports.map(Into::into)).await.into())
    }
}

impl From<Guide> for Shown {
    fn from(guide: Guide) -> Self {
        let text = guide.text();
        let permission =
            |one: crate::setup::TickBox| Permission { label: one.label, scope: one.scope };
        let steps =
            guide.steps.into_iter().map(|step| Step { title: step.title, lines: step.lines });
        Self {
            callback_url: guide.callback.into(),
            permissions: guide.permissions.into_iter().map(permission).collect(),
            management_scopes: guide.management_scopes.iter().map(|scope| scope.name).collect(),
            steps: steps.collect(),
            text,
        }
    }
}

impl Answer for Shown {
    fn text(&self) -> String {
        self.text.clone()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::Stage;

    #[tokio::test]
    async fn names_this_tenants_callback_url_and_no_secret() {
        let stage = Stage::new().await;
        let guide = stage.structured_as("linked", "get_setup_guide", json!({})).await;
        let callback = format!("{}/login/callback", stage.sandbox().auth0_domain());
        assert_eq!(guide["callback_url"], callback);
        let scopes: Vec<&str> = guide["permissions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|permission| permission["scope"].as_str().unwrap())
            .collect();
        assert_eq!(scopes, ["account", "project", "pullrequest:write", "snippet:write"]);
        let http = json!({ "transports": "http" });
        let more = stage.structured_as("linked", "get_setup_guide", http).await;
        let count =
            |guide: &serde_json::Value| guide["management_scopes"].as_array().unwrap().len();
        assert_eq!(count(&more), count(&guide) + 3);
        let said = stage.call_as("linked", "get_setup_guide", json!({})).await;
        assert!(said.contains(&format!("Callback URL, exactly: {callback}")), "{said}");
        for (name, secret) in stage.sandbox().management_settings() {
            assert!(!name.ends_with("_SECRET") || !said.contains(&secret), "{said}");
        }
    }
}
