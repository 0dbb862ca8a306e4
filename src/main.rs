//! The program: arguments in, a command run, an exit code out.

use std::process::ExitCode;

use bitbucket_vault_mcp::cli::{self, Cli};
use bitbucket_vault_mcp::config::{self, Sources};
use clap::Parser;
use tokio::runtime::{Builder, Runtime};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let sources = Sources::gather(cli.flags());
    cli::start_logging(&cli.logging(config::logging(&sources)));
    match run(cli, sources) {
        Ok(code) => code,
        Err(error) => cli::report(&error),
    }
}

fn run(cli: Cli, sources: Sources) -> anyhow::Result<ExitCode> {
    let runtime = runtime(cli.threads())?;
    let outcome = runtime.block_on(cli.run(sources));
    // A thread that still reads stdin would be waited for until the other side says something.
    runtime.shutdown_background();
    outcome
}

fn runtime(threads: usize) -> std::io::Result<Runtime> {
    let mut builder =
        if threads == 1 { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    if threads > 1 {
        builder.worker_threads(threads);
    }
    builder.enable_all().build()
}
