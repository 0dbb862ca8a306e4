//! The person at this terminal: asked by a line, shown a page by their browser.

use std::io::{self, BufRead, IsTerminal, Write};

use futures::future::BoxFuture;
use secrecy::SecretString;

use crate::tool::{Answered, Ask, Progress, Visit};
use crate::{Error, Result};

/// Asks on the terminal, for commands that call tools.
pub(super) struct TerminalAsk {
    /// Says yes to everything: `--yes`.
    pub(super) yes: bool,
}

impl Ask for TerminalAsk {
    fn confirm<'a>(&'a self, question: &'a str) -> BoxFuture<'a, Result<Answered>> {
        Box::pin(async move {
            if self.yes {
                return Ok(Answered::Yes);
            }
            if !io::stdin().is_terminal() {
                return Err(Error::refused(
                    format!("nobody is at this terminal to say yes: {question}"),
                    "nothing was done; `--yes` says yes beforehand",
                ));
            }
            let answer = prompt(&format!("{question} [y/N] ")).await.map_err(Error::internal)?;
            let yes = matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes");
            Ok(if yes { Answered::Yes } else { Answered::No })
        })
    }

    fn open<'a>(&'a self, visit: &'a Visit) -> BoxFuture<'a, Result<Answered>> {
        Box::pin(async move {
            if !io::stdin().is_terminal() {
                return Ok(Answered::Nobody);
            }
            show(visit.url.as_str());
            Ok(Answered::Yes)
        })
    }

    fn opened<'a>(&'a self, _: &'a Visit) -> BoxFuture<'a, ()> {
        Box::pin(async {})
    }
}

/// Shows progress as lines on stderr.
pub(super) struct TerminalProgress;

impl Progress for TerminalProgress {
    fn report(&self, done: u32, total: Option<u32>, message: &str) {
        let total = total.map(|total| format!(" of {total}")).unwrap_or_default();
        say(&format!("{done}{total}: {message}"));
    }
}

/// Opens `url` in the person's browser, and prints it in case none appears.
pub(super) fn show(url: &str) {
    say(&format!("Open this page in your browser:\n\n  {url}\n"));
    if let Err(error) = webbrowser::open(url) {
        tracing::debug!(%error, "no browser could be opened");
    }
}

/// Tells the person something that no script reads.
pub(super) fn say(text: &str) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// Asks for a line.
pub(super) async fn prompt(question: &str) -> io::Result<String> {
    let mut stderr = anstream::stderr();
    write!(stderr, "{question}")?;
    stderr.flush()?;
    let line = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        let read = io::stdin().lock().read_line(&mut line)?;
        if read == 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(line) }
    });
    line.await.map_err(io::Error::other)?
}

/// Asks for a secret, which is not shown while it is typed.
pub(super) async fn prompt_secret(question: &str) -> io::Result<SecretString> {
    let question = question.to_owned();
    let line = tokio::task::spawn_blocking(move || rpassword::prompt_password(question));
    let line = line.await.map_err(io::Error::other)??;
    match line.trim() {
        "" => Err(io::Error::new(io::ErrorKind::InvalidInput, "no secret was given")),
        secret => Ok(secret.to_owned().into()),
    }
}
