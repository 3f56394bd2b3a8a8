//! `posthouse provisioning rollback`: brings provisioning back to what it was at a revision.

use std::process::ExitCode;

use posthouse_api::RollbackRequest;

use crate::{
    commands::{
        apply::{self, TakenChanges, in_time, reached, reached_json},
        plan::print_steps,
    },
    confirm::confirm,
    print,
    target::StoreArgs,
    via::Via,
    wait::wait_for,
};

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse provisioning rollback 11
  posthouse provisioning rollback 11 --dry-run
  posthouse provisioning rollback 11 --expect-revision 12 --reason \"the file was another customer's\"

All that was changed since revision 11 is as it was there: keys and passwords too, also those that nobody has any more, for their hashes \
are kept. It is a revision of its own, and can be taken back in the same way. On a terminal it asks before it does so, unless --yes says \
that it may.")]
pub(super) struct Rollback {
    #[command(flatten)]
    store: StoreArgs,
    /// The revision at which all was as it is to be again
    to: u64,
    /// Only show what would change
    #[arg(long)]
    dry_run: bool,
    /// Do nothing unless provisioning is at this revision
    #[arg(long, value_name = "NUMBER")]
    expect_revision: Option<u64>,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

/// Does it, and waits for the gateway.
pub(super) fn run(args: &Rollback) -> anyhow::Result<ExitCode> {
    let settings = args.store.settings()?;
    let mut out = print::stdout();
    let mut request = RollbackRequest { to: args.to, dry_run: true, expect_revision: args.expect_revision };
    let done = wait_for(async {
        let via = Via::open(&settings, &args.store.gateway).await?;
        let planned = via.rollback(&request).await?;
        if args.dry_run {
            via.close().await?;
            return Ok(Err(planned));
        }
        let changes = planned.create + planned.change + planned.remove;
        if changes > 0 && !args.yes && !args.store.json {
            print_steps(&planned, &mut out)?;
            anyhow::ensure!(
                confirm(&format!("bring {changes} things back to revision {}?", args.to))?,
                "nothing was changed"
            );
        }
        request = RollbackRequest { dry_run: false, expect_revision: Some(planned.revision), ..request };
        let applied = via.rollback(&request).await?;
        via.close().await?;
        let (reached, wait) = reached(&args.store.gateway, &settings, &applied).await?;
        Ok(Ok((applied, reached, wait)))
    })?;
    let (applied, reached, wait) = match done {
        Ok(done) => done,
        Err(planned) => {
            if args.store.json {
                out.json(&planned)?;
            } else {
                print_steps(&planned, &mut out)?;
                writeln!(out, "{}", planned.summary())?;
            }
            return Ok(ExitCode::SUCCESS);
        }
    };
    if args.store.json {
        out.json(&TakenChanges { applied, gateway: reached_json(&reached) })?;
    } else {
        apply::print(&mut out, &applied, &reached)?;
    }
    in_time(&reached, wait)?;
    Ok(ExitCode::SUCCESS)
}
