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
    if error.chain().any(|cause| cause.is::<Problems>()) {
        ExitCode::from(2)
    } else {
        ExitCode::FAILURE
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use anyhow::{Context, anyhow};

    use super::*;
    use crate::config::{self, Known, Need, Sources};

    #[test]
    fn ends_with_2_where_the_configuration_is_wrong_and_with_1_for_all_else() {
        let known = Known {
            toolsets: &[],
            default_toolsets: &[],
            tools: &[],
            management_toolsets: &[],
            management_tools: &[],
        };
        let sources = Sources::new(BTreeMap::new());
        let problems = config::load(&sources, &known, Need::Auth0).map(drop);
        let wrong = problems.context("cannot start").unwrap_err();
        assert_eq!(report(&wrong), ExitCode::from(2));
        assert_eq!(report(&anyhow!("no")), ExitCode::FAILURE);
    }

    #[test]
    fn is_content_when_the_reader_has_had_enough() {
        let closed = io::Error::from(io::ErrorKind::BrokenPipe);
        assert_eq!(report(&anyhow::Error::new(closed).context("cannot print")), ExitCode::SUCCESS);
    }
}
