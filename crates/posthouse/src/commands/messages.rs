//! `posthouse messages`: looks messages up, and intervenes by hand: by the gateway that runs on the store, or on the store itself.

mod intervene;
mod next;
mod outcome;
mod resend;
mod selection;
mod unreadable;

use std::{io, path::PathBuf, process::ExitCode, time::Duration};

use anyhow::bail;
use jiff::Timestamp;
use posthouse_api::{MessageDetail, MessageQuery, MessageView};
use posthouse_core::{Id, address::Msisdn, duration, life::state::State};
use posthouse_gateway::config::Settings;
use serde_json::{Value, json};

use super::wait_for;
use crate::{
    print::{self, Printer},
    target::{GatewayAddress, environment},
    via::Via,
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
    /// Send reports and messages from handsets again that were kept as failed
    ResendReports(Box<resend::Resend>),
    /// List what carriers posted and could not be read, or show one of them with its bytes
    Unreadable(unreadable::Args),
}

/// What all of them have in common.
#[derive(clap::Args)]
struct Common {
    /// The configuration that says where the store is; without one, it is under ./posthouse-data
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    gateway: GatewayAddress,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse messages list --account acme --since 2h --state Parked
  posthouse messages list --to 16175550100 --limit 5
  posthouse messages list --url http://gateway.example:8080 --state Parked
  posthouse messages list --below 191642196911325184      (the next page)")]
struct List {
    #[command(flatten)]
    common: Common,
    /// Only this account's
    #[arg(long)]
    account: Option<String>,
    /// Only this carrier's, by its id
    #[arg(long)]
    carrier: Option<String>,
    /// Only to this recipient, in any spelling of the number
    #[arg(long, value_name = "NUMBER")]
    to: Option<String>,
    /// Only under this TransactionID of the VASP
    #[arg(long, value_name = "ID")]
    transaction_id: Option<String>,
    /// Only in this state (Accepted, Sending, Parked, Forwarded, Deferred, Retrieved, Expired …); may be given several times
    #[arg(long, value_name = "STATE", value_parser = state)]
    state: Vec<State>,
    /// Only accepted within this time, such as 30m or 2d
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<Duration>,
    /// Only accepted before this time ago, such as 30m or 2d
    #[arg(long, value_name = "TIME", value_parser = time)]
    before: Option<Duration>,
    /// Only MessageIDs below this one: the last of the page before
    #[arg(long, value_name = "MESSAGEID")]
    below: Option<Id>,
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
    common: Common,
    /// The MessageID that SubmitRsp gave
    id: Id,
}

fn state(text: &str) -> Result<State, String> {
    let known = || State::all().map(State::as_str).collect::<Vec<_>>().join(", ");
    State::all()
        .find(|state| state.as_str().eq_ignore_ascii_case(text))
        .ok_or_else(|| format!("there is no such state; write one of {}", known()))
}

fn time(text: &str) -> Result<Duration, String> {
    duration::parse(text).ok_or_else(|| "this is no time; write one such as 30m, 12h or 2d".to_owned())
}

/// Does what was asked for.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.command {
        Command::List(list) => wait_for(run_list(list)),
        Command::Show(show) => wait_for(run_show(show)),
        Command::Requeue(requeue) => wait_for(requeue.run()),
        Command::Expire(expire) => wait_for(expire.run()),
        Command::ResendReports(resend) => wait_for(resend.run()),
        Command::Unreadable(unreadable) => wait_for(unreadable.run()),
    }
}

async fn run_list(list: &List) -> anyhow::Result<ExitCode> {
    let via = open(&list.common).await?;
    let query = query(list, Timestamp::now());
    let messages = via.messages(&query, list.below.map(|id| id.to_string()), list.limit).await?.items;
    let mut out = print::stdout();
    if list.common.json {
        let messages: Vec<_> = messages.iter().map(as_json).collect();
        out.json(&json!({ "messages": messages }))?;
        return Ok(ExitCode::SUCCESS);
    }
    for message in &messages {
        writeln!(out, "{}", line(message))?;
    }
    if messages.is_empty() {
        writeln!(out, "no message matches")?;
    } else if messages.len() == usize::from(list.limit) {
        let last = messages.last().map_or("", |message| &*message.message_id);
        writeln!(out, "there may be more: --below {last}")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A message on one line.
fn line(message: &MessageView) -> String {
    let MessageView { message_id, account, carrier, state, recipient, .. } = message;
    let at = seconds(message.accepted_at);
    let recipient = masked(recipient);
    format!("{message_id:<19}  {at}  {state:<13}  {account} -> {recipient}  carrier {carrier}")
}

/// A number as it is shown where many are.
fn masked(number: &str) -> String {
    Msisdn::parse(number, true).map_or_else(|| number.to_owned(), |number| number.to_string())
}

fn query(list: &List, now: Timestamp) -> MessageQuery {
    let ago = |age: Duration| now.checked_sub(age).unwrap_or(Timestamp::MIN);
    MessageQuery {
        since: list.since.map(ago),
        until: list.before.map(ago),
        account: list.account.clone(),
        carrier: list.carrier.clone(),
        to: list.to.clone(),
        transaction_id: list.transaction_id.clone(),
        state: list.state.iter().map(|state| state.as_str().to_owned()).collect(),
        unprovisioned: true,
    }
}

async fn run_show(show: &Show) -> anyhow::Result<ExitCode> {
    let via = open(&show.common).await?;
    let now = Timestamp::now();
    let Some(shown) = via.message(&show.id.to_string(), now).await? else {
        bail!("there is no message {}; `posthouse messages list` shows those there are", show.id);
    };
    let mut out = print::stdout();
    if show.common.json {
        let mut shown = as_json(&shown);
        // It is for people: `bytes` says how long all of it is.
        if let Some(members) = shown.as_object_mut() {
            members.remove("parts");
        }
        out.json(&shown)?;
    } else {
        let MessageView { attempts, expires_at, .. } = shown.message;
        let next = shown.next.as_ref().map(|next| next::in_words(next, attempts, expires_at, now));
        print(&mut out, &shown, next)?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn open(common: &Common) -> anyhow::Result<Via> {
    Via::open(&Settings::load(common.config.as_deref(), &environment)?, &common.gateway).await
}

fn print(out: &mut Printer, shown: &MessageDetail, next: Option<String>) -> io::Result<()> {
    let message = &shown.message;
    writeln!(out, "MessageID      {}", message.message_id)?;
    writeln!(out, "state          {}", message.state)?;
    if let Some(reason) = &message.reason {
        writeln!(out, "reason         {reason}")?;
    }
    writeln!(out, "account        {}, VASID {}", message.account, message.vasid)?;
    writeln!(out, "from, to       {}, {}", message.sender, message.recipient)?;
    let carrier_id = message.carrier_message_id.as_deref().unwrap_or("not told");
    writeln!(out, "carrier        {}, its MessageID {carrier_id}", message.carrier)?;
    writeln!(out, "TransactionID  {}", message.transaction_id)?;
    writeln!(out, "expires        {}", seconds(message.expires_at))?;
    let types: Vec<_> = shown.parts.iter().map(|part| part.content_type.as_str()).collect();
    writeln!(out, "content        {} bytes: {}", message.bytes, types.join(", "))?;
    writeln!(out, "attempts       {}", message.attempts)?;
    if let Some(next) = next {
        writeln!(out, "next           {next}")?;
    }
    writeln!(out)?;
    for event in &shown.timeline {
        let at = event.at.strftime("%Y-%m-%d %H:%M:%S%.3f");
        writeln!(out, "{at}  {:<15}  {}", event.kind, event.detail)?;
    }
    Ok(())
}

fn seconds(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// Members in the order of their names, as programs have always had them.
fn as_json(shown: &impl serde::Serialize) -> Value {
    // Types of the API always can be written.
    serde_json::to_value(shown).unwrap_or_default()
}
