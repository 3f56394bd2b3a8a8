//! `posthouse sessions`: who is signed in at the pages.

use std::process::ExitCode;

use posthouse_api::SessionView;
use serde_json::json;

use crate::{print, via::ViaArgs, wait::wait_for};

/// The arguments of `posthouse sessions`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// List who is signed in
    List(List),
    /// End a session at once
    End(End),
}

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse sessions list
  posthouse sessions list --json")]
struct List {
    #[command(flatten)]
    via: ViaArgs,
}

#[derive(clap::Args)]
#[command(after_help = "\
Example:
  posthouse sessions end 3f9a01bc77 --reason \"a laptop was lost\"

`posthouse sessions list` has the ids. Who knows the password signs in again: `posthouse users reset` ends that, too.")]
struct End {
    #[command(flatten)]
    via: ViaArgs,
    /// What it is called by
    id: String,
}

/// Does it.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    wait_for(async {
        match &args.command {
            Command::List(args) => args.run().await,
            Command::End(args) => args.run().await,
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

impl List {
    async fn run(&self) -> anyhow::Result<()> {
        let sessions = self.via.ask(async |via| via.sessions().await).await?;
        let mut out = print::stdout();
        if self.via.json {
            out.json(&json!({ "items": sessions }))?;
            return Ok(());
        }
        if sessions.is_empty() {
            writeln!(out, "nobody is signed in")?;
        }
        for SessionView { id, name, role, begun_with, address, begun_at, used_at } in &sessions {
            let address = address.as_deref().unwrap_or("-");
            writeln!(
                out,
                "{id}  {name:<20}  {role:<16}  {begun_with:<5}  from {address}  since {begun_at:.0}  used {used_at:.0}"
            )?;
        }
        Ok(())
    }
}

impl End {
    async fn run(&self) -> anyhow::Result<()> {
        let ended = self.via.ask(async |via| via.end_session(&self.id).await).await?;
        Ok(print::outcome(self.via.json, &ended, format_args!("session {} is over", ended.id))?)
    }
}
