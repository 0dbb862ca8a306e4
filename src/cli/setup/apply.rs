//! `setup apply`: carries a plan out.

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use anyhow::bail;
use clap::Args;
use serde_json::{Value, json};

use super::options::Common;
use super::{prepare, screen, told};
use crate::bitbucket::Consumer;
use crate::cli::output;
use crate::cli::terminal::{TerminalAsk, prompt, prompt_secret, say};
use crate::config::{self, Config, Problem, Problems, Sources};
use crate::setup::{Applied, ApplyError, Digest, Kept, Plan, Transports};
use crate::tool::{Answered, Ask as _};

/// Carry a plan out: the one of a digest, or else one that is shown first.
#[derive(Debug, Args)]
pub(super) struct Apply {
    /// The digest of the plan that `setup plan` or `plan_connection` showed. If the tenant has changed
    /// since, nothing is written.
    #[arg(long, value_name = "DIGEST")]
    pub(super) digest: Option<String>,
    /// Do not ask.
    #[arg(long, short)]
    pub(super) yes: bool,
    #[command(flatten)]
    pub(super) common: Common,
}

impl Apply {
    pub(super) async fn run(self, sources: Sources) -> anyhow::Result<ExitCode> {
        let digest = self.digest()?;
        #[cfg(feature = "sandbox")]
        let (sources, _sandbox) = self.common.sandbox.start(sources).await?;
        let choice = match &digest {
            Some(digest) => digest.choice().clone(),
            None => self.common.choice(),
        };
        let (config, setup) = prepare(&sources)?;
        let plan = setup.plan(&choice).await.map_err(told)?;
        if digest.is_some_and(|digest| digest != plan.digest) {
            return self.changed(&plan);
        }
        if !self.common.json {
            write!(output::stdout(), "{}", screen::plan(&plan))?;
        }
        let question = format!("Change the tenant {} like this?", setup.domain());
        // Where the tenant is ready, the settings may still have to be written.
        if !plan.changes.is_empty()
            && (TerminalAsk { yes: self.yes }).confirm(&question).await.map_err(told)?
                != Answered::Yes
        {
            say("Nothing was changed.");
            return Ok(ExitCode::FAILURE);
        }
        let consumer = if plan.wants_consumer { Some(consumer(&config).await?) } else { None };
        let progress =
            |done: usize, total: usize, what: &str| say(&format!("{done} of {total}: {what}"));
        match setup.apply(&plan.digest, consumer, &progress).await {
            Ok(applied) => self.print(&applied),
            Err(ApplyError::Changed(plan)) => self.changed(&plan),
            Err(ApplyError::Auth0(error)) => Err(told(error)),
            Err(error) => Err(error.into()),
        }
    }

    /// The digest that was given, if the options beside it say the same as it does. Anything else is
    /// wrong usage.
    fn digest(&self) -> anyhow::Result<Option<Digest>> {
        let Some(text) = &self.digest else { return Ok(None) };
        let problem = |name: &str, what: &str, hint: &str| {
            Problems::from(Problem { name: name.into(), what: what.into(), hint: hint.into() })
        };
        let digest = Digest::parse(text).map_err(|_| {
            problem("`--digest`", "is no digest of a plan", "`setup plan` prints one at its end")
        })?;
        if let Some(option) = self.common.disagrees_with(digest.choice()) {
            let what = "is not what the digest was planned with";
            let hint = "leave it out: the digest says it; or plan anew";
            return Err(problem(&format!("`{option}`"), what, hint).into());
        }
        Ok(Some(digest))
    }

    /// The tenant is another one than the digest says: nothing was written.
    fn changed(&self, plan: &Plan) -> anyhow::Result<ExitCode> {
        let mut stdout = output::stdout();
        if self.common.json {
            let answer = json!({
                "applied": [],
                "remaining": plan.changes,
                "stopped": "the tenant has changed since this plan was shown",
                "digest": plan.digest,
            });
            writeln!(stdout, "{answer}")?;
        } else {
            writeln!(stdout, "{}\nThe digest of this plan: {}", screen::plan(plan), plan.digest)?;
        }
        say(
            "The tenant has changed since this plan was shown, or the digest is of another one. Nothing \
             was written; this is the plan now.",
        );
        Ok(ExitCode::FAILURE)
    }

    fn print(&self, applied: &Applied) -> anyhow::Result<ExitCode> {
        let text = if self.common.json { json(applied).to_string() } else { text(applied) };
        writeln!(output::stdout(), "{text}")?;
        let done = applied.remaining.is_empty() && applied.stopped.is_none();
        Ok(if done { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// The consumer's key and secret, as far as the settings do not say them.
async fn consumer(config: &Config) -> anyhow::Result<Consumer> {
    let known = config.consumer.clone();
    if let Some(config::Consumer { key, secret: Some(secret) }) = known {
        return Ok(Consumer { key, secret });
    }
    if !std::io::stdin().is_terminal() {
        bail!(
            "the Bitbucket consumer's key and secret are needed, and nobody is at this terminal\n  hint: \
             set `BITBUCKET_CONSUMER_KEY` and `BITBUCKET_CONSUMER_SECRET` (or \
             `BITBUCKET_CONSUMER_SECRET_FILE`)"
        );
    }
    let key = match known {
        Some(consumer) => consumer.key,
        None => prompt("The Bitbucket consumer's key: ").await?.trim().to_owned(),
    };
    let secret = prompt_secret("Its secret (it is not shown): ").await?;
    if key.is_empty() {
        bail!("no key was given");
    }
    Ok(Consumer { key, secret })
}

fn json(applied: &Applied) -> Value {
    let mut answer = json!({
        "applied": applied.applied,
        "remaining": applied.remaining,
        "settings": applied.kept,
    });
    if let (Some(why), Value::Object(answer)) = (&applied.stopped, &mut answer) {
        answer.insert("stopped".to_owned(), why.as_str().into());
    }
    answer
}

fn text(applied: &Applied) -> String {
    let mut text = String::new();
    if !applied.remaining.is_empty() {
        text.push_str(&format!("Not done:\n\n{}\n", screen::changes(&applied.remaining)));
    }
    if let Some(why) = &applied.stopped {
        text.push_str(&format!(
            "It stopped: {why}\nRun it again to finish; what is done stays done.\n\n"
        ));
    }
    for kept in &applied.kept {
        text.push_str(&setting(kept));
    }
    if applied.remaining.is_empty() && applied.stopped.is_none() && !applied.applied.is_empty() {
        text.push_str(
            "Done. `bitbucket-vault-mcp link` links an account; `setup check` looks again.\n",
        );
    }
    text.truncate(text.trim_end().len());
    text
}

fn setting(kept: &Kept) -> String {
    let Kept { transport, variable, value, written_to } = kept;
    let transport = match transport {
        Transports::Stdio => "stdio",
        Transports::Http => "http",
        Transports::Both => "stdio and http",
    };
    match written_to {
        Some(path) => format!("Set for {transport} in {}: {variable}={value}\n", path.display()),
        None => format!("To be set for {transport}: {variable}={value}\n"),
    }
}
