//! `posthouse messages`: looks messages up, and intervenes by hand: by the gateway that runs on the store, or on the store itself.

mod bulk;
pub(super) mod filter;
pub(super) mod frame;
mod intervene;
mod next;
mod outcome;
mod resend;
mod selection;
mod unreadable;

use std::{io, process::ExitCode};

use anyhow::bail;
use jiff::Timestamp;
use mm7::StatusCode;
use posthouse_api::{FoundView, MessageDetail, MessageQuery, MessageShare, MessageView};
use posthouse_core::{
    Id,
    counted::{counted, of_number},
};
use serde_json::{Value, json};

pub(super) use self::filter::{moment, number};
use self::{
    filter::Filter,
    frame::{as_json, message_line},
};
use crate::{
    print::{self, Printer},
    target::settings_of,
    times::seconds,
    via::{Via, ViaArgs},
    wait::wait_for,
};

/// The most messages that one call lists.
const MOST: u16 = 1000;

/// The arguments of `posthouse messages`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// List messages, the newest first
    List(Box<List>),
    /// Show one message and its timeline
    Show(Show),
    /// Make the next attempt of messages that wait due at once
    Requeue(Box<intervene::Requeue>),
    /// End messages that wait as Expired
    Expire(Box<intervene::Expire>),
    /// Send messages again that have ended, as new ones
    Resubmit(Box<bulk::ResubmitMessages>),
    /// Send what waits to another carrier, or over another connection
    Reroute(Box<bulk::Reroute>),
    /// Send reports and messages from handsets again that were kept as failed
    ResendReports(Box<resend::Resend>),
    /// List what carriers posted and could not be read, or show one of them with its bytes
    Unreadable(unreadable::Args),
}

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse messages list --account acme --since 2h --state Parked
  posthouse messages list --to 16175550100 --limit 5
  posthouse messages list --url http://gateway.example:8080 --state Parked
  posthouse messages list --carrier 31003 --code 4006 --since 2:00 --until 2:20
  posthouse messages list --failed --since 2026-11-29 --count --by carrier,code
  posthouse messages list --cursor 191642196911325184      (the next page)

All times are UTC. 2:00 is the last one that has passed; behind --until, the first one after --since.
A search that takes longer than two seconds is given up: a shorter time, a number or an account makes it narrower.
The exit code is 2 where an account, a carrier or a connection is named that is not provisioned.")]
struct List {
    #[command(flatten)]
    via: ViaArgs,
    #[command(flatten)]
    filter: Filter,
    /// Only say how many there are; without a window, of the last 24 hours
    #[arg(long, conflicts_with_all = ["cursor", "limit"])]
    count: bool,
    /// Of a count: told apart by some of state, carrier, code, account
    #[arg(long, value_name = "WHAT", value_delimiter = ',', requires = "count")]
    by: Vec<String>,
    /// The page behind this one: what `next` of the page before says, or its last MessageID
    #[arg(long, visible_alias = "below", value_name = "MESSAGEID")]
    cursor: Option<Id>,
    /// How many at most
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=i64::from(MOST)))]
    limit: u16,
}

#[derive(clap::Args)]
#[command(after_help = "\
Example: posthouse messages show 191642196911325184

Of a message that has not ended it says what is next, and when: an attempt, or the end of the wait for reports.")]
struct Show {
    #[command(flatten)]
    via: ViaArgs,
    /// The MessageID that SubmitRsp gave
    id: String,
}

/// Does what was asked for.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.command {
        Command::List(list) => wait_for(run_list(list)),
        Command::Show(show) => wait_for(run_show(show)),
        Command::Requeue(requeue) => wait_for(requeue.run()),
        Command::Expire(expire) => wait_for(expire.run()),
        Command::Resubmit(resubmit) => wait_for(resubmit.run()),
        Command::Reroute(reroute) => wait_for(reroute.run()),
        Command::ResendReports(resend) => wait_for(resend.run()),
        Command::Unreadable(unreadable) => wait_for(unreadable.run()),
    }
}

async fn run_list(list: &List) -> anyhow::Result<ExitCode> {
    let via = list.via.open().await?;
    let query = list.filter.query(Timestamp::now())?;
    let mut out = print::stdout();
    if list.count {
        print_count(&mut out, &via, &query, list).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let page = via.messages(&query, list.cursor.map(|id| id.to_string()), list.limit).await?;
    if list.via.json {
        let messages: Vec<_> = page.items.iter().map(as_json).collect();
        out.json(&json!({ "messages": messages, "next": page.next }))?;
        return Ok(ExitCode::SUCCESS);
    }
    for message in &page.items {
        writeln!(out, "{}", message_line(message))?;
    }
    match page.next {
        _ if page.items.is_empty() => writeln!(out, "{}", nothing(&query))?,
        Some(next) => writeln!(out, "there may be more: --cursor {next}")?,
        None => {}
    }
    Ok(ExitCode::SUCCESS)
}

/// That nothing matches; of an id or a number, where it may be instead.
const fn nothing(query: &MessageQuery) -> &'static str {
    match query.to.is_some() || query.transaction_id.is_some() {
        true => "no message matches; `posthouse find` looks among what was refused as well",
        false => "no message matches",
    }
}

async fn print_count(out: &mut Printer, via: &Via, query: &MessageQuery, list: &List) -> anyhow::Result<()> {
    let now = Timestamp::now();
    if list.by.is_empty() {
        let total = via.count(query, now).await?;
        if list.via.json {
            out.json(&as_json(&total))?;
        } else {
            writeln!(out, "{}{}", counted(total.messages, "message"), in_window(total.since, total.until))?;
        }
        return Ok(());
    }
    let summary = via.summary(query, &list.by, now).await?;
    if list.via.json {
        out.json(&as_json(&summary))?;
        return Ok(());
    }
    for share in &summary.items {
        writeln!(out, "{:>10}  {}", share.messages, in_common(share))?;
    }
    let all: u64 = summary.items.iter().map(|share| share.messages).sum();
    writeln!(out, "{all:>10}  {}{}", of_number(&all, "message"), in_window(summary.since, summary.until))?;
    Ok(())
}

/// The window that was counted.
fn in_window(since: Option<Timestamp>, until: Option<Timestamp>) -> String {
    let since = since.map(|since| format!(", since {}", seconds(since))).unwrap_or_default();
    let until = until.map(|until| format!(", before {}", seconds(until))).unwrap_or_default();
    format!("{since}{until}")
}

/// What messages have in common.
fn in_common(share: &MessageShare) -> String {
    let MessageShare { state, carrier, code, account, .. } = share;
    let code = code.map(|code| match StatusCode::from_code(code) {
        Some(code) => code.to_string(),
        None => code.to_string(),
    });
    let carrier = carrier.as_ref().map(|carrier| format!("carrier {carrier}"));
    let shown = [account, state, &code, &carrier];
    shown.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join("  ")
}

async fn run_show(show: &Show) -> anyhow::Result<ExitCode> {
    let via = show.via.open().await?;
    let now = Timestamp::now();
    let Some(shown) = via.message(&show.id, now).await? else {
        let settings = settings_of(show.via.config.as_deref())?;
        bail!("{}", elsewhere(&show.id, &via.find(&show.id, &settings, now).await?));
    };
    let mut out = print::stdout();
    if show.via.json {
        out.json(&detail_as_json(&shown))?;
    } else {
        let MessageView { attempts, expires_at, .. } = shown.message;
        let next = shown.next.as_ref().map(|next| next::in_words(next, attempts, expires_at, now));
        print(&mut out, &shown, next)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A message and its timeline, for programs.
pub(super) fn detail_as_json(shown: &MessageDetail) -> Value {
    let mut shown = as_json(shown);
    // Parts are for people: `bytes` says how long all of it is.
    if let Some(members) = shown.as_object_mut() {
        members.remove("parts");
    }
    shown
}

/// Where that is which was taken for a MessageID.
fn elsewhere(id: &str, found: &FoundView) -> String {
    if let Some(message) = found.messages.first() {
        let id_of =
            if message.transaction_id == id { "the TransactionID" } else { "no MessageID, but an id" };
        return format!(
            "{id} is {id_of} of message {0}; `posthouse messages show {0}` shows it",
            message.message_id
        );
    }
    if let Some(mo) = found.mo.first() {
        return format!("{id} is of a message from a handset; `posthouse mo show {}` shows it", mo.linked_id);
    }
    if let Some(refusal) = found.refusals.first() {
        return format!("{id} was refused; `posthouse refusals show {}` says why", refusal.refusal_id);
    }
    if let Some(report) = found.unmatched_reports.first() {
        let carrier = &report.carrier;
        return format!(
            "{id} is known from a report of carrier {carrier} alone; `posthouse find {id}` shows it"
        );
    }
    match id.parse::<Id>() {
        Ok(_) => format!("there is no message {id}; `posthouse messages list` shows those there are"),
        Err(error) => {
            format!("there is no message {id}: {error}; `posthouse messages list` shows those there are")
        }
    }
}

fn print(out: &mut Printer, shown: &MessageDetail, next: Option<String>) -> io::Result<()> {
    let message = &shown.message;
    writeln!(out, "MessageID      {}", message.message_id)?;
    writeln!(out, "state          {}", message.state)?;
    if let Some(reason) = &message.reason {
        writeln!(out, "reason         {reason}")?;
    }
    if let Some(details) = &shown.details {
        writeln!(out, "it said        {details}")?;
    }
    writeln!(out, "account        {}, VASID {}", message.account, message.vasid)?;
    writeln!(out, "from, to       {}, {}", message.sender, message.recipient)?;
    let carrier_id = message.carrier_message_id.as_deref().unwrap_or("not told");
    writeln!(out, "carrier        {}, its MessageID {carrier_id}", message.carrier)?;
    writeln!(out, "TransactionID  {}", message.transaction_id)?;
    writeln!(out, "expires        {}", seconds(message.expires_at))?;
    let types: Vec<_> = shown.parts.iter().map(|part| part.content_type.as_str()).collect();
    writeln!(out, "content        {}: {}", counted(message.bytes, "byte"), types.join(", "))?;
    writeln!(out, "attempts       {}", message.attempts)?;
    if let Some(next) = next {
        writeln!(out, "next           {next}")?;
    }
    writeln!(out)?;
    for event in &shown.timeline {
        let at = event.at.strftime("%Y-%m-%d %H:%M:%S%.3f");
        writeln!(out, "{}", format!("{at}  {:<15}  {}", event.kind, event.detail).trim_end())?;
    }
    Ok(())
}
