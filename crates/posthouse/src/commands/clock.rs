//! `posthouse clock`: what time a gateway takes it to be, and that the machine's clock is right.

use std::{path::PathBuf, process::ExitCode};

use jiff::Timestamp;
use posthouse_core::{actor::Actor, steady::STANDS_FOR};
use serde_json::json;

use crate::{
    print,
    target::{settings_of, visit},
    wait::wait_for,
    who::user,
};

/// The arguments of `posthouse clock`.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse clock
  posthouse clock --confirm -c /etc/posthouse.toml

When the clock of the machine jumps ahead by more than a day, or is more than 30 days ahead of the last time that a gateway ran on the store, the \
gateway does not believe it at once: messages do not expire by it, and nothing is thrown away. It does once the new time has stood for an hour, \
or as soon as --confirm says that the clock is right. See docs/failures.md.")]
pub struct Args {
    /// The configuration; without one, everything is under ./posthouse-data
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Say that the clock of this machine is right
    #[arg(long)]
    confirm: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Shows what is known, or confirms it.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let settings = settings_of(args.config.as_deref())?;
    let now = Timestamp::now();
    let marks = wait_for(async {
        let store = visit(&settings, false).await?;
        if args.confirm {
            store.confirm_clock(&Actor::at_the_files(user()), now).await?;
        }
        let marks = store.clock().await?;
        store.close().await?;
        anyhow::Ok(marks)
    })?;
    let told = |time: Option<Timestamp>| time.map_or_else(|| "never".to_owned(), |time| format!("{time:.0}"));
    let mut out = print::stdout();
    if args.json {
        let (seen, confirmed) =
            (marks.seen.map(|time| time.to_string()), marks.confirmed.map(|time| time.to_string()));
        out.json(&json!({"store": settings.store.shown(), "now": now.to_string(), "seen": seen, "confirmed": confirmed}))?;
    } else {
        writeln!(out, "store      {}", settings.store.shown())?;
        writeln!(out, "now        {now:.0}")?;
        writeln!(out, "seen       {} (what a gateway last took it to be)", told(marks.seen))?;
        writeln!(out, "confirmed  {}", told(marks.confirmed))?;
        if args.confirm {
            writeln!(out, "a gateway that runs on this store goes on with it within a second")?;
        } else if marks.is_far_from(now) {
            let minutes = STANDS_FOR.as_secs() / 60;
            writeln!(
                out,
                "a gateway does not believe it before {minutes} minutes; if it is right: posthouse clock --confirm"
            )?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
