//! `posthouse refusals`: what VASPs were refused for, and what would put it right.

use std::{io, process::ExitCode};

use anyhow::bail;
use jiff::Timestamp;
use posthouse_api::{FindingView, RefusalQuery, RefusalView};
use posthouse_core::{counted::counted, moment::Moment};
use serde_json::json;

use super::messages::{moment, number};
use crate::{
    complaints::window_of,
    print::{self, Printer},
    times::seconds,
    via::ViaArgs,
    wait::wait_for,
};

/// The most refusals that one call lists.
const MOST: u16 = 1000;

/// The arguments of `posthouse refusals`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// List refusals, the newest first
    List(Box<List>),
    /// Show one refusal: what is wrong, where, and what would put it right
    Show(Show),
}

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse refusals list --account acme --since 1h
  posthouse refusals list --code 2564 --since 2:00 --until 2:20      (who hammers?)
  posthouse refusals list --transaction-id bd2d404953ef951d

Wrong keys, wrong passwords and the like are counted, an hour at a time; others are kept one by one, the newest 10,000 of each account. \
No content is kept, and no whole phone number.")]
struct List {
    #[command(flatten)]
    via: ViaArgs,
    /// Only this account's
    #[arg(long)]
    account: Option<String>,
    /// Only with this code
    #[arg(long)]
    code: Option<u32>,
    /// Only from this address
    #[arg(long, value_name = "ADDRESS")]
    peer: Option<String>,
    /// Only under this TransactionID of the VASP
    #[arg(long, value_name = "ID")]
    transaction_id: Option<String>,
    /// Only to this recipient, in any spelling of the number
    #[arg(long, value_name = "NUMBER", value_parser = number)]
    to: Option<String>,
    /// Only since this time: 30m, 2:00 (UTC) or 2026-11-29T02:00:00Z
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Moment>,
    /// Only before this time, likewise
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Moment>,
    /// The account may be one that is not provisioned any more
    #[arg(long)]
    unprovisioned: bool,
    /// The page behind this one: what the page before says
    #[arg(long, value_name = "ID")]
    cursor: Option<String>,
    /// How many at most
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=i64::from(MOST)))]
    limit: u16,
}

#[derive(clap::Args)]
#[command(after_help = "\
Example: posthouse refusals show 4711

Places are those of the body: byte from 0, line and column from 1, part 0 is the envelope.")]
struct Show {
    #[command(flatten)]
    via: ViaArgs,
    /// Its id in the list
    id: String,
}

/// Does what was asked for.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.command {
        Command::List(list) => wait_for(run_list(list)),
        Command::Show(show) => wait_for(run_show(show)),
    }
}

async fn run_list(list: &List) -> anyhow::Result<ExitCode> {
    let (since, until) = window_of(list.since, list.until, Timestamp::now())?;
    let query = RefusalQuery {
        account: list.account.clone(),
        code: list.code,
        peer: list.peer.clone(),
        transaction_id: list.transaction_id.clone(),
        to: list.to.clone(),
        since,
        until,
        unprovisioned: list.unprovisioned,
    };
    let via = list.via.open().await?;
    let page = via.refusals(&query, list.cursor.clone(), list.limit).await?;
    via.close().await?;
    let mut out = print::stdout();
    if list.via.json {
        out.json(&json!({ "refusals": page.items, "next": page.next }))?;
        return Ok(ExitCode::SUCCESS);
    }
    for refusal in &page.items {
        writeln!(out, "{}", line(refusal))?;
    }
    match page.next {
        _ if page.items.is_empty() => writeln!(out, "no refusal matches")?,
        Some(next) => writeln!(out, "there may be more: --cursor {next}")?,
        None => {}
    }
    Ok(ExitCode::SUCCESS)
}

/// A refusal on one line.
pub(super) fn line(refusal: &RefusalView) -> String {
    let RefusalView { refusal_id, code, text, rule, peer, times, .. } = refusal;
    let account = refusal.account.as_deref().unwrap_or("nobody");
    let at = seconds(refusal.last_at);
    let recipient = refusal.recipient.as_ref().map(|to| format!(" -> {to}")).unwrap_or_default();
    let times = if *times > 1 { format!(", {times} times") } else { String::new() };
    format!("{refusal_id:<8}  {at}  {code} {text}  {rule}  {account}{recipient}  from {peer}{times}")
}

async fn run_show(show: &Show) -> anyhow::Result<ExitCode> {
    let via = show.via.open().await?;
    let found = via.refusal(&show.id).await?;
    via.close().await?;
    let Some(found) = found else {
        bail!("there is no refusal {}; `posthouse refusals list` shows those there are", show.id);
    };
    let mut out = print::stdout();
    match show.via.json {
        true => out.json(&serde_json::to_value(&found)?)?,
        false => print_one(&mut out, &found)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn print_one(out: &mut Printer, refusal: &RefusalView) -> io::Result<()> {
    let none = "not read";
    let details = refusal.details.as_ref().map(|details| format!(": {details}")).unwrap_or_default();
    writeln!(out, "refusal        {}", refusal.refusal_id)?;
    writeln!(out, "answered       {} {}{details}", refusal.code, refusal.text)?;
    writeln!(out, "because        {}, row {}", refusal.rule, refusal.row)?;
    if let Some(meaning) = &refusal.meaning {
        writeln!(out, "               {meaning}")?;
    }
    writeln!(out, "came           {}, last {}", seconds(refusal.at), seconds(refusal.last_at))?;
    writeln!(out, "times          {}", refusal.times)?;
    writeln!(out, "account        {}", refusal.account.as_deref().unwrap_or("nobody's"))?;
    writeln!(out, "from           {}", refusal.peer)?;
    writeln!(out, "TransactionID  {}", refusal.transaction_id.as_deref().unwrap_or(none))?;
    let shown = |text: &Option<String>| text.as_deref().unwrap_or(none).to_owned();
    writeln!(out, "VASID          {}", shown(&refusal.vasid))?;
    writeln!(out, "from, to       {}, {}", shown(&refusal.sender), shown(&refusal.recipient))?;
    writeln!(out, "body           {}", counted(refusal.bytes, "byte"))?;
    for finding in &refusal.findings {
        writeln!(out)?;
        print_finding(out, finding)?;
    }
    if let Some(head) = refusal.head.as_ref().filter(|head| !head.is_empty()) {
        writeln!(out)?;
        for line in head.lines() {
            writeln!(out, "  | {line}")?;
        }
    }
    writeln!(out)?;
    writeln!(out, "`posthouse codes {}` explains it{}", refusal.code, looked_up(refusal))
}

/// The command that shows what the value was held against.
fn looked_up(refusal: &RefusalView) -> String {
    match (refusal.code, &refusal.account) {
        (2562 | 2563, Some(account)) => {
            format!("; `posthouse services --account {account}` shows what may be sent as")
        }
        (2566 | 2570 | 3001, _) => {
            "; `posthouse lookup NUMBER` says whose a number is and what would make it pass".to_owned()
        }
        _ => String::new(),
    }
}

fn print_finding(out: &mut Printer, finding: &FindingView) -> io::Result<()> {
    let place = match (finding.byte, finding.line.zip(finding.column)) {
        (Some(byte), Some((line, column))) => format!("byte {byte} of the body, {line}:{column}"),
        (Some(byte), None) => format!("byte {byte} of the body"),
        (None, _) => "the head".to_owned(),
    };
    let part = finding.part.map(|part| format!(", part {part}")).unwrap_or_default();
    writeln!(out, "{}: {}", finding.rule, finding.what)?;
    writeln!(out, "  at       {place}{part}")?;
    if let Some(found) = &finding.found {
        writeln!(out, "  found    {found}")?;
    }
    if let Some(write) = &finding.write {
        writeln!(out, "  write    {write}")?;
    }
    writeln!(out, "  remedy   {}", finding.remedy)?;
    if !finding.clause.is_empty() {
        writeln!(out, "  clause   {}", finding.clause)?;
    }
    Ok(())
}
