//! Messages for the tests of this room, and their effects as one line each.

use std::fmt::Write as _;

use jiff::Timestamp;
use mm7::MmStatus;

use super::{
    callback_says::CallbackSays,
    effects::{Effects, NewCallback},
    load::{Loaded, Neighbour, OwedCallback, Subject, Waiting},
    read_reply::{CarrierReadReply, ReadStatus},
    state::State,
    work::{Work, WorkChange, WorkKind},
};
use crate::{
    Id, account::AccountName, address::Msisdn, carrier::CarrierId, message::CarrierReport, store::Owner,
};

/// Whose leases there are.
pub(super) const OWNER: Owner = Owner(7);
/// The time of what happens.
pub(super) const NOW: i64 = 1000;
/// ExpiryDate of all messages.
pub(super) const EXPIRY: i64 = 9000;
/// The recipient of all messages.
const RECIPIENT: &str = "16175550100";
/// The sender of all messages.
pub(super) const SENDER: &str = "111122";

pub(super) fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap()
}

pub(super) fn id(number: i64) -> Id {
    Id::from_number(number).unwrap()
}

/// Message 1 in this state, with this work under a lease; its VASP wants reports.
pub(super) fn subject(state: State, kind: WorkKind) -> Subject {
    Subject {
        id: id(1),
        state,
        account: AccountName("acme".to_owned()),
        carrier: CarrierId("31003".to_owned()),
        recipient: RECIPIENT.to_owned(),
        delivery_report: true,
        carrier_message_id: None,
        report_until: None,
        work: Some(Work {
            kind,
            due: at(2000),
            owner: Some(OWNER),
            since: at(500),
            unreached: true,
            expiry: at(EXPIRY),
        }),
        owes: false,
    }
}

/// Another message between the same two.
pub(super) fn neighbour(number: i64, state: State) -> Neighbour {
    let kind = if state == State::Sending { WorkKind::Sending } else { WorkKind::Report };
    let subject = Subject { id: id(number), ..subject(state, kind) };
    Neighbour { loaded: Loaded::only(subject), sender: SENDER.to_owned() }
}

/// A report under this MessageID between the two, received at [`NOW`].
pub(super) fn report(carrier_message_id: &str, status: MmStatus) -> CarrierReport {
    CarrierReport {
        carrier: CarrierId("31003".to_owned()),
        carrier_message_id: carrier_message_id.to_owned(),
        recipient: Msisdn::parse(RECIPIENT, false),
        sender: Some(SENDER.to_owned()),
        status,
        said: String::new(),
        odd: String::new(),
        received_at: at(NOW),
    }
}

pub(super) fn read_reply(carrier_message_id: &str, status: ReadStatus) -> CarrierReadReply {
    CarrierReadReply {
        carrier: CarrierId("31003".to_owned()),
        carrier_message_id: carrier_message_id.to_owned(),
        status,
        time_stamp: at(NOW - 1),
        said: String::new(),
        odd: String::new(),
        received_at: at(NOW),
    }
}

/// These reports wait, under numbers from 1.
pub(super) fn waiting(
    reports: impl IntoIterator<Item = CarrierReport>,
    neighbours: Vec<Neighbour>,
) -> Option<Waiting> {
    let reports = (1..).zip(reports).collect();
    Some(Waiting { reports, read_replies: Vec::new(), sender: SENDER.to_owned(), neighbours })
}

/// These callbacks are owed: number, status, when due, and whether somebody delivers it.
pub(super) fn owing(mut subject: Subject, owed: &[(i64, MmStatus, Option<i64>, bool)]) -> Loaded {
    subject.owes = !owed.is_empty();
    let owed = owed.iter().map(|(number, status, due, is_leased)| OwedCallback {
        id: id(*number),
        says: CallbackSays::Report(*status),
        due: due.map(at),
        owner: is_leased.then_some(OWNER),
    });
    let owed = owed.collect();
    Loaded { owed, ..Loaded::only(subject) }
}

/// All of an effect as one line: `→` the state, `work` what is to be done, `[…]` the timeline, `-` a callback withdrawn, `~` one freed,
/// `+` one owed, which is `held` when it has to wait, `failed` an attempt that did.
pub(super) fn shown(effects: &Effects) -> String {
    let mut line = String::new();
    let message = &effects.message;
    if let Some(new) = message.state {
        write!(line, "→{}", new.state).unwrap();
        new.reason.iter().for_each(|reason| write!(line, "({})", reason.0.code()).unwrap());
    }
    line.push_str(if message.is_begun { " begun" } else { "" });
    message.learned.iter().for_each(|id| write!(line, " id {id}").unwrap());
    message
        .report_until
        .iter()
        .for_each(|until| write!(line, " report_until {}", until.as_millisecond()).unwrap());
    message.details.iter().for_each(|details| write!(line, " details {details}").unwrap());
    line.push_str(if message.is_never_repeated { " never repeated" } else { "" });
    effects.work.iter().for_each(|work| write!(line, "; work {}", shown_work(work)).unwrap());
    for event in &effects.timeline {
        assert_eq!(event.at, at(NOW));
        write!(line, "; [{}: {}]", event.kind.as_str(), event.detail).unwrap();
    }
    effects.read_replies.iter().for_each(|(status, _)| write!(line, "; read {status}").unwrap());
    effects.withdrawn.iter().for_each(|id| write!(line, "; -{}", id.number()).unwrap());
    effects.freed.iter().for_each(|(id, _)| write!(line, "; ~{}", id.number()).unwrap());
    effects.owed.iter().for_each(|new| write!(line, "; +{}", shown_new(new)).unwrap());
    for failed in &effects.failed {
        write!(line, "; failed {}", failed.code.code()).unwrap();
        failed.connection.iter().for_each(|connection| write!(line, " over {connection}").unwrap());
    }
    line
}

fn shown_work(work: &WorkChange) -> String {
    match work {
        WorkChange::UnderWay { until } => format!("under way till {}", until.as_millisecond()),
        WorkChange::Send { due, since, unreached } => {
            let unreached = if *unreached { ", unreached" } else { "" };
            format!("send at {} since {}{unreached}", due.as_millisecond(), since.as_millisecond())
        }
        WorkChange::Report { until } => format!("reports till {}", until.as_millisecond()),
        WorkChange::Done => "done".to_owned(),
    }
}

fn shown_new(new: &NewCallback) -> String {
    assert_eq!(new.at, at(NOW));
    let held = if new.due.is_none() { " held" } else { "" };
    format!("{}{held}", new.says)
}
