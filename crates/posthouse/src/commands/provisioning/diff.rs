//! `posthouse provisioning diff`: what a change of provisioning changed.

use std::process::ExitCode;

use crate::{commands::plan::print_steps, print, target::StoreArgs, via::Via, wait::wait_for};

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse provisioning diff 12          (what revision 12 changed)
  posthouse provisioning diff 9 12        (what is different at revision 12 from what was at 9)

Secrets are compared and never shown, and numbers of the blacklist are masked.")]
pub(super) struct Diff {
    #[command(flatten)]
    store: StoreArgs,
    /// The revision whose change is shown, or the one to begin with
    number: u64,
    /// The revision to end with; it may be the older one
    to: Option<u64>,
}

/// Prints it.
pub(super) fn run(args: &Diff) -> anyhow::Result<ExitCode> {
    let settings = args.store.settings()?;
    let diff = wait_for(async {
        let via = Via::open(&settings, &args.store.gateway).await?;
        let diff = via.revision_diff(args.number, args.to).await;
        via.close().await?;
        diff
    })?;
    let mut out = print::stdout();
    if args.store.json {
        out.json(&diff)?;
        return Ok(ExitCode::SUCCESS);
    }
    print_steps(&diff, &mut out)?;
    writeln!(out, "{} created, {} changed, {} removed", diff.create, diff.change, diff.remove)?;
    Ok(ExitCode::SUCCESS)
}
