//! The commands. Each file holds the arguments of one (with its help text and an example) and what it does.

mod codes;

use std::{io::Write as _, process::ExitCode};

use clap::Subcommand;

/// Every command, in the order in which `--help` lists them.
#[derive(Subcommand)]
pub enum Command {
    /// Explain status codes and delivery statuses
    Codes(codes::Args),
}

/// Runs a command. `Err` is one sentence for stderr, `Ok` the exit code of a run that said all there was to say.
pub fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Codes(args) => codes::run(&args),
    }
}

/// Tells on stderr what went wrong: the error and its causes, in one line.
pub fn complain(error: &anyhow::Error) {
    // Nothing can be done where stderr itself is gone.
    let _ = writeln!(std::io::stderr(), "posthouse: {error:#}");
}
