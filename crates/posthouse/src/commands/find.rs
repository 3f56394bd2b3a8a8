//! `posthouse find`: whatever has an id or a number.

use std::{io, process::ExitCode};

use jiff::Timestamp;
use posthouse_api::{FoundView, MoView, UnmatchedView};

use super::{messages::frame::message_line, refusals};
use crate::{
    print::{self, Printer},
    target::settings_of,
    times::seconds,
    via::{Via, ViaArgs},
    wait::wait_for,
};

/// The arguments of `posthouse find`.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse find 191642196911325184
  posthouse find \"+1 617 555 0100\"
  posthouse find bd2d404953ef951d180381e407529391

MessageID, TransactionID, the carrier's MessageID, LinkedID, or a number in any spelling: messages, refusals, messages from handsets and reports \
without a message that have it, the newest 50 of each. Of a MessageID that is not there it says whether it would be older than retention, or was \
never accepted here: an id holds its time. The exit code is 1 when there is nothing.")]
pub struct Args {
    #[command(flatten)]
    via: ViaArgs,
    /// An id, or a number
    #[arg(value_name = "ID")]
    q: String,
}

/// Looks for it.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let found = wait_for(async {
        let settings = settings_of(args.via.config.as_deref())?;
        let via = Via::open(&settings, &args.via.gateway).await?;
        let found = via.find(&args.q, &settings, Timestamp::now()).await;
        via.close().await?;
        found
    })?;
    let mut out = print::stdout();
    match args.via.json {
        true => out.json(&serde_json::to_value(&found)?)?,
        false => print(&mut out, &found)?,
    }
    Ok(if found.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn print(out: &mut Printer, found: &FoundView) -> io::Result<()> {
    for message in &found.messages {
        writeln!(out, "message   {}", message_line(message))?;
    }
    for refusal in &found.refusals {
        writeln!(out, "refusal   {}", refusals::line(refusal))?;
    }
    for mo in &found.mo {
        writeln!(out, "mo        {}", mo_line(mo))?;
    }
    for report in &found.unmatched_reports {
        writeln!(out, "report    {}", report_line(report))?;
    }
    if found.incomplete.iter().any(|what| what == "mo") {
        writeln!(
            out,
            "there are too many messages from handsets to look through: `posthouse mo list --since`"
        )?;
    }
    if found.is_empty() {
        writeln!(out, "{}", nothing(found))?;
    }
    Ok(())
}

fn nothing(found: &FoundView) -> String {
    let q = &found.q;
    let made = found.made_at.map(seconds).unwrap_or_default();
    match found.absent.as_deref() {
        Some("older_than_retention") => {
            format!("{q} would be of {made}: older than retention, what was there then may be gone")
        }
        Some("never_accepted") => format!("{q} was never accepted here: it would be of {made}"),
        _ => format!(
            "nothing here has {q}, as an id or as a number, which is looked for whole, with its country code; \
             `posthouse refusals list` shows what was refused"
        ),
    }
}

fn mo_line(mo: &MoView) -> String {
    let MoView { linked_id, sender, account, carrier, state, .. } = mo;
    format!(
        "{linked_id:<19}  {}  {state:<13}  {sender} -> {account}  carrier {carrier}",
        seconds(mo.received_at)
    )
}

fn report_line(report: &UnmatchedView) -> String {
    let UnmatchedView { number, carrier, carrier_message_id, .. } = report;
    format!(
        "{number:<19}  {}  carrier {carrier}, its MessageID {carrier_message_id}",
        seconds(report.received_at)
    )
}
