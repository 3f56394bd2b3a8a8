//! `posthouse blacklist`: numbers that get nothing.

use std::process::ExitCode;

use super::wait_for;
use crate::{print, target::StoreArgs, via::Via};

/// The arguments of `posthouse blacklist`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Say for whom a number is blocked
    Show(Show),
}

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse blacklist show 16175550199
  posthouse blacklist show \"+1 617 555-0199\" --json

Exit code 1: the number is not blocked.")]
struct Show {
    #[command(flatten)]
    store: StoreArgs,
    /// The number, in any spelling
    number: String,
}

/// Does one of them.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.command {
        Command::Show(args) => show(args),
    }
}

fn show(args: &Show) -> anyhow::Result<ExitCode> {
    let settings = args.store.settings()?;
    let entries = wait_for(async {
        let via = Via::open(&settings, &args.store.gateway).await?;
        let entries = via.blacklisted(&args.number).await;
        via.close().await?;
        entries
    })?;
    let mut out = print::stdout();
    if args.store.json {
        out.json(&serde_json::json!({ "items": entries, "next": null }))?;
    } else if entries.is_empty() {
        writeln!(out, "{} is not blocked", args.number)?;
    } else {
        for entry in &entries {
            match &entry.account {
                Some(account) => writeln!(out, "{} is blocked for account {account}", entry.number)?,
                None => writeln!(out, "{} is blocked for every account", entry.number)?,
            }
        }
    }
    Ok(if entries.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
