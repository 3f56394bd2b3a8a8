//! `posthouse lookup`: whose a number is, and what would be answered for it.

use std::process::ExitCode;

use posthouse_api::LookupView;

use crate::{complaints::provisioned, print, target::StoreArgs, via::Via, wait::wait_for};

/// The arguments of `posthouse lookup`.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse lookup 16175550100
  posthouse lookup \"+1 617 555-0100\" --account acme

It says which rule decides: the file of ported numbers, a remembered answer or a fresh one of who is asked, or a range. A request that \
names its carrier by the carrier id header is decided by that alone. Exit code 1: a message to the number would be refused; what \
would make it pass is told.")]
pub struct Args {
    #[command(flatten)]
    store: StoreArgs,
    /// The number, in any spelling
    number: String,
    /// As this account would be answered
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
}

/// Prints it.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let settings = args.store.settings()?;
    let found = wait_for(async {
        let via = Via::open(&settings, &args.store.gateway).await?;
        let found = via.lookup(&args.number, args.account.as_deref()).await;
        via.close().await?;
        found
    });
    let Some(found) = provisioned(found)? else { return Ok(ExitCode::from(2)) };
    let mut out = print::stdout();
    if args.store.json {
        out.json(&found)?;
    } else {
        let LookupView { decided_by, prefix, carrier, blacklisted, code, remedy, .. } = &found;
        let by = match (decided_by.as_str(), prefix) {
            ("ranges", Some(prefix)) => format!("by range {prefix}"),
            ("ranges", None) => "by the ranges".to_owned(),
            ("ported", _) => "by the file of ported numbers".to_owned(),
            ("down", _) => "nothing answers".to_owned(),
            (other, _) => format!("by {other}"),
        };
        let whose = carrier.as_ref().map_or("nobody's".to_owned(), |carrier| format!("carrier {carrier}'s"));
        writeln!(out, "{} is {whose} ({by})", args.number)?;
        if *blacklisted {
            writeln!(out, "it is on the blacklist")?;
        }
        match remedy {
            Some(remedy) => writeln!(out, "a message to it is refused by {code}: {remedy}")?,
            None => writeln!(out, "a message to it is taken")?,
        }
    }
    Ok(if found.code == 1000 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
