//! `posthouse messages`: looks messages up in the store, and intervenes by hand, also beside a running gateway.

mod intervene;
mod next;
mod outcome;
mod resend;
mod selection;
mod unreadable;

use std::{io, path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use jiff::Timestamp;
use posthouse_core::{
    Id,
    account::AccountName,
    address::typed,
    carrier::CarrierId,
    life::state::State,
    message::{StoredMessage, TimelineEvent},
    store::{MessageFilter, Store},
};
use posthouse_gateway::config::{Settings, duration};
use serde_json::{Value, json};

use super::wait_for;

use crate::{
    print::{self, Printer},
    target::{environment, visit},
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
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse messages list --account acme --since 2h --state Parked
  posthouse messages list --to 16175550100 --limit 5
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
    let store = open(&list.common).await?;
    let messages = store.messages(&filter(list, Timestamp::now()), list.limit.into()).await?;
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
        let last = messages.last().map_or(list.below, |message| Some(message.id));
        writeln!(out, "there may be more: --below {}", last.map(|id| id.to_string()).unwrap_or_default())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A message on one line.
fn line(message: &StoredMessage) -> String {
    let StoredMessage { id, account, carrier, state, .. } = message;
    let at = seconds(message.accepted_at);
    // The state as text, since only text is padded.
    let (state, recipient) = (state.as_str(), &message.submission.recipient);
    format!("{id:<19}  {at}  {state:<13}  {account} -> {recipient}  carrier {carrier}")
}

fn filter(list: &List, now: Timestamp) -> MessageFilter {
    let ago = |age: Duration| now.checked_sub(age).unwrap_or(Timestamp::MIN);
    MessageFilter {
        since: list.since.map(ago),
        before: list.before.map(ago),
        below: list.below,
        account: list.account.clone().map(AccountName),
        carrier: list.carrier.clone().map(CarrierId),
        recipient: list.to.as_deref().map(typed),
        transaction_id: list.transaction_id.clone(),
        states: list.state.clone(),
    }
}

async fn run_show(show: &Show) -> anyhow::Result<ExitCode> {
    let store = open(&show.common).await?;
    let (Some(message), Some(timeline)) = (store.message(show.id).await?, store.timeline(show.id).await?)
    else {
        bail!("there is no message {}; `posthouse messages list` shows those there are", show.id);
    };
    let now = Timestamp::now();
    let next = store.next(show.id, now).await?;
    let mut out = print::stdout();
    if show.common.json {
        let mut shown = as_json(&message);
        shown["next"] = next::as_json(next);
        shown["timeline"] = timeline.iter().map(event_as_json).collect();
        out.json(&shown)?;
    } else {
        let expiry = message.submission.expiry;
        let next = next.map(|next| next::in_words(next, message.attempts, expiry, now));
        print(&mut out, &message, next, &timeline)?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn open(common: &Common) -> anyhow::Result<Arc<dyn Store>> {
    open_as(&Settings::load(common.config.as_deref(), &environment)?).await
}

async fn open_as(settings: &Settings) -> anyhow::Result<Arc<dyn Store>> {
    visit(settings, false).await.context("the store cannot be opened; -c says which configuration names it")
}

fn print(
    out: &mut Printer,
    message: &StoredMessage,
    next: Option<String>,
    timeline: &[TimelineEvent],
) -> io::Result<()> {
    let submission = &message.submission;
    writeln!(out, "MessageID      {}", message.id)?;
    writeln!(out, "state          {}", message.state)?;
    if let Some(reason) = message.reason {
        writeln!(out, "reason         {reason}")?;
    }
    writeln!(out, "account        {}, VASID {}", message.account, submission.vasid)?;
    writeln!(out, "from, to       {}, {}", submission.sender, submission.recipient.as_str())?;
    let carrier_id = message.carrier_message_id.as_deref().unwrap_or("not told");
    writeln!(out, "carrier        {}, its MessageID {carrier_id}", message.carrier)?;
    writeln!(out, "TransactionID  {}", submission.transaction_id)?;
    writeln!(out, "expires        {}", seconds(submission.expiry))?;
    let bytes: u64 = submission.parts.iter().map(|part| part.bytes).sum();
    let types: Vec<_> = submission.parts.iter().map(|part| part.content_type.as_str()).collect();
    writeln!(out, "content        {bytes} bytes: {}", types.join(", "))?;
    writeln!(out, "attempts       {}", message.attempts)?;
    if let Some(next) = next {
        writeln!(out, "next           {next}")?;
    }
    writeln!(out)?;
    for event in timeline {
        writeln!(
            out,
            "{}  {:<15}  {}",
            event.at.strftime("%Y-%m-%d %H:%M:%S%.3f"),
            event.kind.as_str(),
            event.detail
        )?;
    }
    Ok(())
}

fn seconds(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

fn as_json(message: &StoredMessage) -> Value {
    let submission = &message.submission;
    json!({
        "message_id": message.id.to_string(),
        "state": message.state.as_str(),
        "reason": message.reason.map(|reason| reason.to_string()),
        "account": message.account.0,
        "vasid": submission.vasid,
        "sender": submission.sender,
        "recipient": submission.recipient.as_str(),
        "transaction_id": submission.transaction_id,
        "carrier": message.carrier.0,
        "carrier_message_id": message.carrier_message_id,
        "attempts": message.attempts,
        "accepted_at": message.accepted_at.to_string(),
        "changed_at": message.changed_at.to_string(),
        "expires_at": submission.expiry.to_string(),
        "bytes": submission.parts.iter().map(|part| part.bytes).sum::<u64>(),
    })
}

fn event_as_json(event: &TimelineEvent) -> Value {
    json!({"at": event.at.to_string(), "kind": event.kind.as_str(), "detail": event.detail})
}
