//! `posthouse store`: what version a store is of, and bringing it up to date.

use std::{path::PathBuf, process::ExitCode};

use posthouse_store::{StoreStatus, migrate, status};
use serde_json::json;

use crate::{print, target::settings_of};

/// The arguments of `posthouse store`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Say what version the store is of; nothing is changed
    Status(Common),
    /// Bring the store up to date for this program; older programs cannot use it afterwards
    Migrate(Common),
}

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse store status -c /etc/posthouse.toml
  posthouse store migrate -c /etc/posthouse.toml

`posthouse serve` migrates by itself when it starts. No other command does: they end with exit code 3 on a store of an older version. There is no way \
back but a copy of before: `posthouse backup`.")]
struct Common {
    /// The configuration that says where the store is; without one, $POSTHOUSE_CONFIG, ./posthouse.toml, /etc/posthouse/posthouse.toml, else ./posthouse-data
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Looks, or migrates.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let (common, migrates) = match &args.command {
        Command::Status(common) => (common, false),
        Command::Migrate(common) => (common, true),
    };
    let settings = settings_of(common.config.as_deref())?;
    let url = settings.store.url();
    let before = status(&url)?;
    let after = if migrates { migrate(&url)? } else { before };
    let StoreStatus { version, newest, is_served } = after;
    let mut out = print::stdout();
    if common.json {
        let store = settings.store.shown();
        out.json(&json!({
            "store": store, "version": version, "program": newest, "before": before.version, "served": is_served,
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(out, "store    {}", settings.store.shown())?;
    writeln!(out, "version  {version}; this program knows versions up to {newest}")?;
    writeln!(out, "served   {}", if is_served { "a gateway runs on it" } else { "no gateway runs on it" })?;
    match (migrates, before.version == version, version == newest) {
        (true, true, _) => writeln!(out, "it was up to date")?,
        (true, false, _) => writeln!(out, "it was brought up to date from version {}", before.version)?,
        (false, _, true) => writeln!(out, "it is up to date")?,
        (false, _, false) => writeln!(out, "`posthouse store migrate` brings it up to date")?,
    }
    Ok(ExitCode::SUCCESS)
}
