//! `posthouse tail`: what happens to messages, line by line, as it happens.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    process::ExitCode,
    time::Duration,
};

use jiff::Timestamp;
use posthouse_api::{MAX_PAGE, MessageQuery, MessageView, PageOf, RefusalQuery, RefusalView};
use posthouse_core::life::state::State;
use serde_json::json;
use tokio::time::sleep;

use super::messages::frame::message_line;
use crate::{
    complaints::provisioned,
    print::{self, Printer},
    times::duration,
    via::{Via, ViaArgs},
    wait::{StopSignals, wait_for},
};

/// How many messages are looked at each time, and so of how many that have not ended is known where they stood.
const LOOKED_AT: u16 = 5 * MAX_PAGE;
/// How many refusals are looked at each time.
const REFUSALS: u16 = MAX_PAGE;

/// The arguments of `posthouse tail`.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse tail
  posthouse tail --account acme --carrier 31003
  posthouse tail --code 4006 --json

A line for each message that is accepted from now on, and for each that stands elsewhere than before; and for each request that is refused, unless \
--carrier is given. --code: messages of which an attempt failed with it, and refusals with it. Of more than a thousand messages a look the newest are \
followed. Ctrl-C ends it.")]
pub struct Args {
    #[command(flatten)]
    store: ViaArgs,
    /// Only this account's
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// Only this carrier's
    #[arg(long, value_name = "ID")]
    carrier: Option<String>,
    /// Only with this code
    #[arg(long)]
    code: Option<u32>,
    /// End after so many lines
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    lines: Option<u32>,
    /// How often it is looked
    #[arg(long, default_value = "1s", value_name = "TIME", value_parser = duration)]
    every: Duration,
}

/// Follows.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    Ok(provisioned(wait_for(follow(args)))?.map_or(ExitCode::from(2), |()| ExitCode::SUCCESS))
}

async fn follow(args: &Args) -> anyhow::Result<()> {
    let mut stop = StopSignals::expect()?;
    let via = args.store.open().await?;
    let mut seen = Seen::new(args, Timestamp::now());
    let (mut out, mut told) = (print::stdout(), 0);
    loop {
        for happened in seen.look(&via).await? {
            happened.print(&mut out, args.store.json)?;
            told += 1;
            if args.lines.is_some_and(|most| told >= most) {
                return via.close().await;
            }
        }
        tokio::select! {
            () = stop.asked() => return via.close().await,
            () = sleep(args.every) => {}
        }
    }
}

/// What happened.
#[derive(Debug, PartialEq, Eq)]
enum Happened {
    /// A message is new, or stands elsewhere than before.
    Message(Box<MessageView>),
    /// A request was refused.
    Refused(Box<RefusalView>),
}

impl Happened {
    fn print(&self, out: &mut Printer, as_json: bool) -> io::Result<()> {
        match self {
            Self::Message(message) if as_json => out.json(&json!({ "message": message })),
            Self::Refused(refusal) if as_json => out.json(&json!({ "refusal": refusal })),
            Self::Message(message) => writeln!(out, "{}", message_line(message)),
            Self::Refused(refusal) => {
                let RefusalView { refusal_id, last_at, account, code, text, recipient, .. } = &**refusal;
                let account = account.as_deref().unwrap_or("?");
                let to = recipient.as_ref().map(|to| format!(" -> {to}")).unwrap_or_default();
                writeln!(
                    out,
                    "refused {refusal_id:<11}  {last_at:.0}  {code} {text}  {account}{to}  (posthouse codes {code})"
                )
            }
        }
    }
}

/// What was told already.
struct Seen {
    messages: MessageQuery,
    refusals: Option<RefusalQuery>,
    /// Where those stood that have not ended.
    open: BTreeMap<String, String>,
    /// Those that have ended, of the last look.
    ended: BTreeSet<String>,
    /// How often refusals had come, of the last look.
    refused: BTreeMap<String, u64>,
}

impl Seen {
    fn new(args: &Args, since: Timestamp) -> Self {
        let (account, code) = (args.account.clone(), args.code);
        let messages = MessageQuery {
            account: account.clone(),
            carrier: args.carrier.clone(),
            code,
            since: Some(since),
            ..MessageQuery::default()
        };
        let refusals = RefusalQuery { account, code, since: Some(since), ..RefusalQuery::default() };
        Self {
            messages,
            refusals: args.carrier.is_none().then_some(refusals),
            open: BTreeMap::new(),
            ended: BTreeSet::new(),
            refused: BTreeMap::new(),
        }
    }

    /// What happened since the last look, the oldest first.
    async fn look(&mut self, via: &Via) -> anyhow::Result<Vec<Happened>> {
        let found = via.messages(&self.messages, None, LOOKED_AT).await?;
        let mut happened = self.changed(found);
        if let Some(query) = &self.refusals {
            let found = via.refusals(query, None, REFUSALS).await?;
            happened.extend(self.newly_refused(found));
        }
        Ok(happened)
    }

    /// Which of these messages are new, or stand elsewhere than before.
    fn changed(&mut self, found: PageOf<MessageView>) -> Vec<Happened> {
        let (mut open, mut ended, mut changed) = (BTreeMap::new(), BTreeSet::new(), Vec::new());
        for message in found.items.into_iter().rev() {
            let id = message.message_id.clone();
            let is_known = self.ended.contains(&id) || self.open.get(&id) == Some(&message.state);
            match State::all().find(|state| state.as_str() == message.state).is_some_and(State::is_terminal) {
                true => drop(ended.insert(id)),
                false => drop(open.insert(id, message.state.clone())),
            }
            if !is_known {
                changed.push(Happened::Message(Box::new(message)));
            }
        }
        (self.open, self.ended) = (open, ended);
        changed
    }

    /// Which of these refusals are new, or came again.
    fn newly_refused(&mut self, found: PageOf<RefusalView>) -> Vec<Happened> {
        let (mut refused, mut new) = (BTreeMap::new(), Vec::new());
        for refusal in found.items.into_iter().rev() {
            if self.refused.get(&refusal.refusal_id) != Some(&refusal.times) {
                new.push(Happened::Refused(Box::new(refusal.clone())));
            }
            refused.insert(refusal.refusal_id, refusal.times);
        }
        self.refused = refused;
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(id: &str, state: &str) -> MessageView {
        serde_json::from_value(json!({
            "message_id": id, "account": "acme", "carrier": "31003", "state": state, "reason": null, "details": null,
            "transaction_id": "t", "vasid": "1", "sender": "111122", "recipient": "+1617•••0100",
            "accepted_at": "2026-11-29T02:00:00Z", "changed_at": "2026-11-29T02:00:00Z", "expires_at": "2026-11-30T02:00:00Z",
            "attempts": 0, "bytes": 1024, "carrier_message_id": null, "resubmit_of": null, "linked_id": null
        }))
        .unwrap()
    }

    #[test]
    fn a_message_is_told_again_only_where_it_stands_elsewhere() {
        let mut seen = Seen::new(&args(), Timestamp::UNIX_EPOCH);
        let mut look = |found: &[(&str, &str)]| {
            let items = found.iter().map(|(id, state)| message(id, state)).collect();
            let told = seen.changed(PageOf { items, next: None });
            let told = told.into_iter().map(|happened| match happened {
                Happened::Message(message) => format!("{} {}", message.message_id, message.state),
                Happened::Refused(_) => String::new(),
            });
            told.collect::<Vec<_>>()
        };
        assert_eq!(
            look(&[("2", "Accepted"), ("1", "Sending")]),
            ["1 Sending", "2 Accepted"],
            "the oldest first"
        );
        assert_eq!(look(&[("2", "Accepted"), ("1", "Retrieved")]), ["1 Retrieved"]);
        assert_eq!(look(&[("3", "Accepted"), ("2", "Accepted"), ("1", "Retrieved")]), ["3 Accepted"]);
        assert_eq!(look(&[("3", "Parked"), ("2", "Accepted")]), ["3 Parked"]);
    }

    #[test]
    fn a_refusal_is_told_again_when_it_came_again() {
        let mut seen = Seen::new(&args(), Timestamp::UNIX_EPOCH);
        let mut look = |times| {
            let refusal = RefusalView { refusal_id: "7".to_owned(), times, ..RefusalView::default() };
            seen.newly_refused(PageOf { items: vec![refusal], next: None }).len()
        };
        assert_eq!([look(1), look(1), look(2)], [1, 0, 1]);
    }

    fn args() -> Args {
        use clap::{Args as _, FromArgMatches as _};
        let command = Args::augment_args(clap::Command::new("tail"));
        Args::from_arg_matches(&command.get_matches_from(["tail"])).unwrap()
    }
}
