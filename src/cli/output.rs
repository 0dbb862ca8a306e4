//! What a command prints: what was asked for to stdout, everything else to stderr.

use std::io::{self, Write};
use std::process::ExitCode;

use crate::config::Problems;

/// Stdout, with colours only where a terminal shows them.
pub(crate) fn stdout() -> impl Write {
    anstream::AutoStream::auto(io::stdout())
}

/// Tells a person why a command failed, and how the process is to end: 2 when the configuration is
/// wrong, 1 for everything else.
pub fn report(error: &anyhow::Error) -> ExitCode {
    // Whoever reads our output has had enough of it, as `head` has.
    let closed = |cause: &io::Error| cause.kind() == io::ErrorKind::BrokenPipe;
    if error.chain().filter_map(|cause| cause.downcast_ref()).any(closed) {
        return ExitCode::SUCCESS;
    }
    // Where stderr is gone too, nobody is left to tell.
    let _ = writeln!(anstream::stderr(), "error: {error:#}");
    if error.is::<Problems>() { ExitCode::from(2) } else { ExitCode::FAILURE }
}
