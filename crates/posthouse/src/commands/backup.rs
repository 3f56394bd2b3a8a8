//! `posthouse backup` and `posthouse restore`: a copy of a store, also while a gateway runs on it, and putting it back.

use std::{path::PathBuf, process::ExitCode};

use posthouse_store::{BackupReport, backup, restore};
use serde_json::json;

use crate::{print, target::settings_of};

/// The arguments of `posthouse backup`.
#[derive(clap::Args)]
#[command(after_help = "\
Example: posthouse backup /backup/2026-11-29 -c /etc/posthouse.toml

A gateway may run on the store and goes on. Every message that it acknowledged before is in the copy, with its media. Each copy is whole, and goes into a \
folder of its own, which must not be there, or be empty; it holds content and secrets, and only its owner may read it. A file posthouse-backup in it, \
written last, says that the copy is whole.")]
pub struct BackupArgs {
    /// The folder that is made
    #[arg(value_name = "DIR")]
    to: PathBuf,
    #[command(flatten)]
    common: Common,
}

/// The arguments of `posthouse restore`.
#[derive(clap::Args)]
#[command(after_help = "\
Example: posthouse restore /backup/2026-11-29 -c /etc/posthouse.toml

The store of the configuration must not be there: move what is left of it away first. Stop the gateway of the store that was copied: what the copy has as \
waiting is sent again. What was acknowledged after the copy is not in it.")]
pub struct RestoreArgs {
    /// The folder that `posthouse backup` made
    #[arg(value_name = "DIR")]
    from: PathBuf,
    #[command(flatten)]
    common: Common,
}

#[derive(clap::Args)]
struct Common {
    /// The configuration that says where the store is; without one, $POSTHOUSE_CONFIG, ./posthouse.toml, /etc/posthouse/posthouse.toml, else ./posthouse-data
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Copies the store.
pub fn run(args: &BackupArgs) -> anyhow::Result<ExitCode> {
    let settings = settings_of(args.common.config.as_deref())?;
    let report = backup(&settings.store.url(), &settings.media.place, &args.to)?;
    let store = settings.store.shown();
    told(&args.common, &report, &format!("{store} was copied to {}", args.to.display()))
}

/// Puts a copy back.
pub fn run_restore(args: &RestoreArgs) -> anyhow::Result<ExitCode> {
    let settings = settings_of(args.common.config.as_deref())?;
    let report = restore(&args.from, &settings.store.url(), &settings.media.place)?;
    let store = settings.store.shown();
    told(&args.common, &report, &format!("{} was restored to {store}", args.from.display()))
}

fn told(common: &Common, report: &BackupReport, what: &str) -> anyhow::Result<ExitCode> {
    let BackupReport { at, version, database_bytes, media_bytes } = report;
    let mut out = print::stdout();
    if common.json {
        out.json(&json!({
            "at": at.to_string(), "version": version, "database_bytes": database_bytes, "media_bytes": media_bytes,
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mib = |bytes: u64| bytes.div_ceil(1 << 20);
    writeln!(
        out,
        "{what}: as of {at:.0}, database {} MiB, media {} MiB",
        mib(*database_bytes),
        mib(*media_bytes)
    )?;
    Ok(ExitCode::SUCCESS)
}
