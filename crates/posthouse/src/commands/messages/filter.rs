//! Which messages are meant, as flags.

use jiff::Timestamp;
use posthouse_api::MessageQuery;
use posthouse_core::{life::state::State, moment::Moment};

use crate::complaints::{Unmeant, window_of};

/// What messages have to have in common.
#[derive(Clone, clap::Args)]
pub(in super::super) struct Filter {
    /// Only this account's
    #[arg(long)]
    account: Option<String>,
    /// Only this carrier's, by its id
    #[arg(long)]
    carrier: Option<String>,
    /// Only those attempted over this connection; with --code, that failed so over it
    #[arg(long, value_name = "NAME")]
    connection: Option<String>,
    /// Only to this recipient, in any spelling of the number
    #[arg(long, value_name = "NUMBER", value_parser = number)]
    to: Option<String>,
    /// Only under this TransactionID of the VASP
    #[arg(long, value_name = "ID")]
    transaction_id: Option<String>,
    /// Only in this state (Accepted, Sending, Parked, Forwarded, Deferred, Retrieved, Expired …); may be given several times
    #[arg(long, value_name = "STATE", value_parser = state)]
    state: Vec<State>,
    /// Only those that ended in any other way than as Retrieved
    #[arg(long)]
    failed: bool,
    /// Only those of which an attempt failed with this code, whether they have ended or still wait; --since and --until are about
    /// that attempt then
    #[arg(long)]
    code: Option<u32>,
    /// Only accepted since this time: 30m, 2:00 (UTC) or 2026-11-29T02:00:00Z
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Moment>,
    /// Only accepted before this time, likewise
    #[arg(long, visible_alias = "before", value_name = "TIME", value_parser = moment)]
    until: Option<Moment>,
    /// Account, carrier and connection may name what is not provisioned any more
    #[arg(long)]
    unprovisioned: bool,
}

impl Filter {
    /// The carrier and the connection that it names, which it does not filter by any more.
    pub(super) fn take_names(&mut self) -> (Option<String>, Option<String>) {
        (self.carrier.take(), self.connection.take())
    }

    /// The flags, for those that exclude them.
    pub(in super::super) const FLAGS: [&str; 10] = [
        "account",
        "carrier",
        "connection",
        "to",
        "transaction_id",
        "state",
        "failed",
        "code",
        "since",
        "until",
    ];

    /// The same for the API.
    pub(in super::super) fn query(&self, now: Timestamp) -> Result<MessageQuery, Unmeant> {
        let (since, until) = window_of(self.since, self.until, now)?;
        Ok(MessageQuery {
            account: self.account.clone(),
            carrier: self.carrier.clone(),
            to: self.to.clone(),
            transaction_id: self.transaction_id.clone(),
            state: self.state.iter().map(|state| state.as_str().to_owned()).collect(),
            failed: self.failed,
            code: self.code,
            connection: self.connection.clone(),
            since,
            until,
            unprovisioned: self.unprovisioned,
        })
    }
}

fn state(text: &str) -> Result<State, String> {
    let known = || State::all().map(State::as_str).collect::<Vec<_>>().join(", ");
    State::all().find(|state| state.as_str().eq_ignore_ascii_case(text)).ok_or_else(|| {
        format!("there is no such state; write one of {}, or --failed for all that did not end well", known())
    })
}

/// A number that can be looked for: lists show some that cannot.
pub(in super::super) fn number(text: &str) -> Result<String, String> {
    match text.contains('•') {
        true => Err("it is masked; `posthouse messages list --json` has whole numbers".to_owned()),
        false => Ok(text.to_owned()),
    }
}

/// A point in time, as people write it.
pub(in super::super) fn moment(text: &str) -> Result<Moment, String> {
    Moment::parse(text).ok_or_else(|| {
        "this is no time; write one such as 30m, 2:00 (UTC) or 2026-11-29T02:00:00Z".to_owned()
    })
}
