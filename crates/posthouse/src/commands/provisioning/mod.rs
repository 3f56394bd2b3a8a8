//! `posthouse provisioning`: who changed it, what was changed, and the way back.

mod diff;
mod export;
mod revisions;
mod rollback;

use std::process::ExitCode;

/// The arguments of `posthouse provisioning`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// List the changes of provisioning, the newest first: who, when, what for
    Revisions(revisions::Revisions),
    /// Print all of it as a file that `apply` takes back, without secrets
    Export(export::Export),
    /// Show what a change changed, or what is different between two of them
    Diff(diff::Diff),
    /// Bring provisioning back to what it was
    Rollback(rollback::Rollback),
}

/// Does one of them.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.command {
        Command::Revisions(args) => revisions::run(args),
        Command::Export(args) => export::run(args),
        Command::Diff(args) => diff::run(args),
        Command::Rollback(args) => rollback::run(args),
    }
}
