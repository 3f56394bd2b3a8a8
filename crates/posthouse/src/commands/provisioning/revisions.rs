//! `posthouse provisioning revisions`: who changed provisioning, when and what for.

use std::{io, process::ExitCode};

use posthouse_api::RevisionView;

use crate::{
    print::{self, Printer},
    target::StoreArgs,
    via::Via,
    wait::wait_for,
};

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse provisioning revisions
  posthouse provisioning revisions --limit 5 --json
  posthouse provisioning revisions --cursor 120            (those before revision 120)

The last 1000 changes are kept, and of those before the newest no more than have changed a million things together. Changes that \
belong together, such as the parts of one import, are one line.")]
pub(super) struct Revisions {
    #[command(flatten)]
    store: StoreArgs,
    /// Only revisions below this number
    #[arg(long, value_name = "NUMBER")]
    cursor: Option<u64>,
    /// How many at most
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
}

/// Prints them.
pub(super) fn run(args: &Revisions) -> anyhow::Result<ExitCode> {
    let settings = args.store.settings()?;
    let page = wait_for(async {
        let via = Via::open(&settings, &args.store.gateway).await?;
        let page = via.revisions(args.cursor, args.limit).await;
        via.close().await?;
        page
    })?;
    let mut out = print::stdout();
    if args.store.json {
        out.json(&page)?;
        return Ok(ExitCode::SUCCESS);
    }
    if page.items.is_empty() {
        writeln!(out, "no change of provisioning is kept")?;
    }
    for alike in page.items.chunk_by(belong_together) {
        print(&mut out, alike)?;
    }
    if let Some(next) = &page.next {
        writeln!(out, "more: posthouse provisioning revisions --cursor {next}")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether two changes in a row are parts of one: the same was done by the same.
fn belong_together(one: &RevisionView, next: &RevisionView) -> bool {
    let is_part = one.reason.as_deref().is_some_and(|reason| reason.starts_with("import "));
    is_part && one.actor == next.actor && one.reason == next.reason
}

fn print(out: &mut Printer, alike: &[RevisionView]) -> io::Result<()> {
    let (Some(newest), Some(oldest)) = (alike.first(), alike.last()) else { return Ok(()) };
    let RevisionView { number, at, actor, reason, summary, .. } = newest;
    let things: u64 = alike.iter().map(|one| one.things).sum();
    let numbers = if alike.len() > 1 { format!("{}-{number}", oldest.number) } else { number.to_string() };
    let at = at.strftime("%Y-%m-%dT%H:%M:%SZ");
    let reason = reason.as_ref().map_or(String::new(), |reason| format!(" ({reason})"));
    let summary = if alike.len() > 1 { format!("{things} things") } else { summary.clone() };
    writeln!(out, "{numbers:<6} {at}  {actor}: {summary}{reason}")
}
