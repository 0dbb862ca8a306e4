//! Tells the demo's story on the terminal, and plays the person in it.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use anstyle::{AnsiColor, Style};
use anyhow::Context as _;
use rmcp::ClientHandler;
use rmcp::model::{
    ClientCapabilities, ClientConfig, ElicitRequestParams, ElicitResult, ElicitationAction,
    ElicitationCapability, ErrorData, FormElicitationCapability, Implementation,
    UrlElicitationCapability,
};
use rmcp::service::{RequestContext, RoleClient};
use serde_json::json;

use crate::cli::output;
use crate::sandbox::Sandbox;

/// The width of the column that says who acts.
const WHO: usize = 8;

/// What has been told so far. Clones tell the same story.
#[derive(Clone)]
pub(super) struct Story {
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    out: Box<dyn Write + Send>,
    /// The first failure to print, told at the end.
    failure: Option<std::io::Error>,
    /// All that the agent read.
    seen: String,
}

impl Story {
    pub(super) fn new() -> Self {
        let inner = Inner { out: Box::new(output::stdout()), failure: None, seen: String::new() };
        Self { inner: Arc::new(Mutex::new(inner)) }
    }

    /// Begins a new part.
    pub(super) fn chapter(&self, title: &str) {
        let style = Style::new().bold();
        self.print(&format!("\n{style}{title}{style:#}\n"));
    }

    /// Somebody does something.
    pub(super) fn line(&self, who: &str, what: &str) {
        let color = match who {
            "agent" => AnsiColor::Cyan,
            "person" => AnsiColor::Green,
            "vault" => AnsiColor::Magenta,
            "server" => AnsiColor::Yellow,
            _ => AnsiColor::BrightBlack,
        };
        let style = Style::new().fg_color(Some(color.into()));
        self.print(&format!("{style}{who:>WHO$}{style:#}  {what}\n"));
    }

    /// What the agent reads: its first `lines` lines, and how many follow.
    pub(super) fn result(&self, text: &str, lines: usize) {
        self.shown(text, lines);
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.seen.push_str(text);
        inner.seen.push('\n');
    }

    /// What somebody reads, whose first `lines` lines are told.
    fn shown(&self, text: &str, lines: usize) {
        let style = Style::new().dimmed();
        let total = text.lines().count();
        let mut told = String::new();
        for line in text.lines().take(lines) {
            told.push_str(&format!("{:WHO$}  {style}│{style:#} {line}\n", ""));
        }
        if total > lines {
            let more = total - lines;
            told.push_str(&format!("{:WHO$}  {style}│ … and {more} lines more{style:#}\n", ""));
        }
        self.print(&told);
    }

    /// All that the agent has read.
    pub(super) fn seen_by_agent(&self) -> String {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).seen.clone()
    }

    /// The last word: whether all of it could be printed.
    pub(super) fn finish(&self) -> std::io::Result<()> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        match inner.failure.take() {
            Some(failure) => Err(failure),
            None => inner.out.flush(),
        }
    }

    fn print(&self, text: &str) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = inner.out.write_all(text.as_bytes()) {
            inner.failure.get_or_insert(error);
        }
    }
}

/// The person beside the agent: opens pages, enters what the agent is not to see, signs in, consents, and
/// says yes.
pub(super) struct Person {
    sandbox: Arc<Sandbox>,
    account: &'static str,
    story: Story,
}

impl Person {
    pub(super) fn new(sandbox: Arc<Sandbox>, account: &'static str, story: Story) -> Self {
        Self { sandbox, account, story }
    }
}

impl Person {
    /// Does on the page what it is for; gives the last page's text.
    async fn open(&self, url: &str, message: &str) -> anyhow::Result<String> {
        if message.contains("consumer") {
            self.story.line("person", "opens it, and enters the key and secret of the consumer");
            return self.enter_consumer(url).await;
        }
        self.story.line("person", "opens it, signs in at Auth0 and consents at Bitbucket");
        Ok(self.sandbox.consent(url, self.account).await?)
    }

    /// Fills in the form and sends it, as a browser does.
    async fn enter_consumer(&self, url: &str) -> anyhow::Result<String> {
        let browser = reqwest::Client::builder().no_proxy().build()?;
        let form = browser.get(url).send().await?.error_for_status()?.text().await?;
        let token = between(&form, "name=\"token\" value=\"", "\"").context("there is no form")?;
        let (key, secret) = self.sandbox.consumer();
        let entered = [("token", token), ("key", &key), ("secret", &secret)];
        let page =
            browser.post(url).form(&entered).send().await?.error_for_status()?.text().await?;
        Ok(between(&page, "<h1>", "</h1>").context("the page says nothing")?.to_owned())
    }
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    text.split_once(start)?.1.split_once(end).map(|(between, _)| between)
}

impl ClientHandler for Person {
    fn get_info(&self) -> ClientConfig {
        let elicitation = ElicitationCapability::new()
            .with_form(FormElicitationCapability::default())
            .with_url(UrlElicitationCapability::default());
        let mut capabilities = ClientCapabilities::default();
        capabilities.elicitation = Some(elicitation);
        ClientConfig::new(capabilities, Implementation::new("demo", env!("CARGO_PKG_VERSION")))
    }

    async fn create_elicitation(
        &self,
        request: ElicitRequestParams,
        _: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        let mut answer = ElicitResult::new(ElicitationAction::Accept);
        match request {
            ElicitRequestParams::UrlElicitationParams { url, message, .. } => {
                self.story.line("server", &format!("asks the person to open {url}"));
                match self.open(&url, &message).await {
                    Ok(page) => self.story.line(
                        "person",
                        &format!("reads: “{}”", crate::text::clean_line(&page, 60)),
                    ),
                    Err(error) => {
                        self.story.line("person", &format!("is stuck: {error:#}"));
                        return Ok(ElicitResult::new(ElicitationAction::Cancel));
                    }
                }
            }
            ElicitRequestParams::FormElicitationParams { message, .. } => {
                let (question, details) = message.split_once('\n').unwrap_or((&message, ""));
                self.story.line("server", &format!("asks the person: {question}"));
                self.story.shown(details.trim(), 8);
                self.story.line("person", "ticks “Approve”");
                answer.content = Some(json!({ "approve": true }));
            }
            _ => return Ok(ElicitResult::new(ElicitationAction::Decline)),
        }
        Ok(answer)
    }
}
