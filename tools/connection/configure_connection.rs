use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::applying::{self, Outcome};
use super::arguments::For;
use super::shown::{self, Edit};
use crate::setup::{Applied, Choice, Digest, Kept, Plan, Transports};
use crate::text::clean_line;
use crate::tool::{Answer, Context, Effect, Tool};
use crate::{Error, Result};

/// How many lines of a plan a person is shown before they say yes.
const LINES: usize = 40;

/// Apply exactly the plan that `plan_connection` showed, by its digest; the user approves it first. If
/// the tenant has changed since, nothing is written and the new plan is shown. After a failure midway,
/// plan and call again to finish. Secrets never go through here: the user enters them on a page.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ConfigureConnection {
    /// The digest that `plan_connection` gave.
    #[schemars(length(min = 1, max = 1024))]
    digest: String,
    /// Not needed: the digest says it. If given, it must agree.
    transports: Option<For>,
    /// As above.
    login: Option<bool>,
    /// As above.
    #[schemars(length(max = 128))]
    app: Option<String>,
}

/// What was changed.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Configured {
    /// Written, and read back.
    applied: Vec<Edit>,
    /// Not written; empty when all went well.
    remaining: Vec<Edit>,
    /// Why it stopped, where it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped: Option<String>,
    /// The settings that the server needs now. Of a secret, the path of its file.
    settings: Vec<Setting>,
    #[serde(skip)]
    text: String,
}

/// A setting of the server.
#[derive(Debug, Serialize, JsonSchema)]
struct Setting {
    /// The transport that needs it: `stdio` or `http`.
    transport: &'static str,
    /// The variable.
    variable: &'static str,
    /// Its value; of a secret the path of its file.
    value: String,
    /// The configuration file that says so now; absent where somebody must set it.
    #[serde(skip_serializing_if = "Option::is_none")]
    written_to: Option<String>,
}

impl Tool for ConfigureConnection {
    const NAME: &'static str = "configure_connection";
    const TITLE: &'static str = "Configure the connection";
    const EFFECT: Effect = Effect::Sets;
    const SCOPES: &'static [&'static str] = &[];
    type Output = Configured;

    fn approval(&self) -> Option<String> {
        // A digest that cannot be read gets no question: the call ends before anything is sent.
        self.digest().ok()?;
        // Shown only where nobody can be asked, so it names the other way.
        Some(format!(
            "Change the Auth0 tenant, as `bitbucket-vault-mcp setup apply --digest {}` does at a terminal?",
            self.digest.trim()
        ))
    }

    /// The person says yes to what they have seen, not to a digest.
    async fn question(&self, cx: &Context) -> Result<Option<String>> {
        let (setup, digest) = (cx.setup()?, self.digest()?);
        let plan = setup.plan(digest.choice()).await?;
        if plan.digest != digest {
            return Err(changed(&plan));
        }
        if plan.changes.is_empty() {
            return Ok(Some("Nothing has to be changed on the Auth0 tenant. Go on?".to_owned()));
        }
        let mut question = format!(
            "Change the Auth0 tenant {} like this?\n\n{}",
            setup.domain(),
            shown::diff(&plan.changes, LINES)
        );
        if plan.wants_consumer {
            question.push_str(
                "\n\nYou will then be asked for the Bitbucket consumer's key and secret, on a page.",
            );
        }
        Ok(Some(question))
    }

    async fn run(self, cx: &Context) -> Result<Configured> {
        let digest = self.digest()?;
        let setup = cx.setup()?;
        let outcome = match applying::apply(cx, setup, &digest, None).await? {
            Outcome::WantsConsumer => {
                let consumer = cx.consumer(&setup.consumer_callback()).await?;
                applying::apply(cx, setup, &digest, Some(consumer)).await?
            }
            outcome => outcome,
        };
        match outcome {
            Outcome::Applied(applied) => Ok(applied.into()),
            Outcome::Changed(plan) => Err(changed(&plan)),
            Outcome::WantsConsumer => Err(Error::refused(
                "the Bitbucket consumer's key and secret that were entered cannot be used",
                "call again, and ask the user to enter them anew",
            )),
        }
    }
}

impl ConfigureConnection {
    /// The digest, if the options that came with it say the same as it does.
    fn digest(&self) -> Result<Digest> {
        let digest = Digest::parse(&self.digest).map_err(|_| {
            Error::InvalidArguments(
                "`digest` is no digest of a plan; call `plan_connection` for one".to_owned(),
            )
        })?;
        let Choice { transports, login, app } = digest.choice();
        let differs = [
            ("transports", self.transports.is_some_and(|given| Some(given.into()) != *transports)),
            ("login", self.login.is_some_and(|given| given != *login)),
            ("app", self.app.is_some() && self.app != *app),
        ];
        match differs.into_iter().find(|(_, differs)| *differs) {
            Some((name, _)) => Err(Error::InvalidArguments(format!(
                "`{name}` is not what `digest` was planned with; leave it out, or plan anew"
            ))),
            None => Ok(digest),
        }
    }
}

/// The tenant is not as it was: nothing was written, and the plan is another one now.
fn changed(plan: &Plan) -> Error {
    Error::conflict(
        "the tenant has changed since this plan was shown, or the digest is of another plan; nothing \
         was written",
        format!("this is the plan now\n{}", shown::plan(plan)),
    )
}

impl Answer for Configured {
    fn text(&self) -> String {
        self.text.clone()
    }
}

impl From<Applied> for Configured {
    fn from(applied: Applied) -> Self {
        let text = text(&applied);
        let edits = |changes: &[_]| changes.iter().map(Edit::from).collect();
        Self {
            applied: edits(&applied.applied),
            remaining: edits(&applied.remaining),
            stopped: applied.stopped.map(|why| clean_line(&why, 400)),
            settings: applied.kept.into_iter().map(Into::into).collect(),
            text,
        }
    }
}

impl From<Kept> for Setting {
    fn from(kept: Kept) -> Self {
        Self {
            transport: name(kept.transport),
            variable: kept.variable,
            value: clean_line(&kept.value, 400),
            written_to: kept.written_to.map(|path| path.display().to_string()),
        }
    }
}

fn name(transport: Transports) -> &'static str {
    match transport {
        Transports::Stdio => "stdio",
        Transports::Http => "http",
        Transports::Both => "both",
    }
}

fn text(applied: &Applied) -> String {
    let mut parts = Vec::new();
    if !applied.applied.is_empty() {
        parts.push(format!("done:\n{}", shown::diff(&applied.applied, usize::MAX)));
    }
    if !applied.remaining.is_empty() {
        parts.push(format!("not done:\n{}", shown::diff(&applied.remaining, usize::MAX)));
    }
    if let Some(why) = &applied.stopped {
        parts.push(format!("it stopped, since {}", clean_line(why, 400)));
    }
    if applied.applied.is_empty() && applied.remaining.is_empty() {
        parts.push("nothing had to be changed".to_owned());
    }
    parts.extend(applied.kept.iter().map(setting));
    parts.push(if applied.remaining.is_empty() && applied.stopped.is_none() {
        "next: the user links with `link_account`; then `test_connection` proves the whole way"
            .to_owned()
    } else {
        "next: mend the cause, then `plan_connection` and this again: what is done stays done"
            .to_owned()
    });
    parts.join("\n")
}

/// One setting on one line: where it was written, or that it is still to be set.
fn setting(kept: &Kept) -> String {
    let Kept { transport, variable, value, written_to } = kept;
    let (transport, value) = (name(*transport), clean_line(value, 400));
    match written_to {
        Some(path) => {
            let path = clean_line(&path.display().to_string(), 400);
            format!("setting for {transport}: {variable}={value}, written to {path}")
        }
        None => format!("setting for {transport}, to be set by hand: {variable}={value}"),
    }
}
