//! What an operator may do by hand: to messages that wait, and to callbacks that failed. Which of them it is done to is
//! decided here; stores ask, and write what the state machine says.

use std::fmt;

use jiff::Timestamp;

use crate::{
    Id,
    life::state::{LifeEvent, State},
    names::{AccountName, CarrierId},
};

pub use super::callback_says::CallbackSays;

/// What an operator does to messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intervention {
    /// The next attempt is due at once.
    Requeue {
        /// Also of messages whose last attempt may have arrived: the recipient may get them twice.
        parked: bool,
    },
    /// It ends as Expired, and the VASP is told.
    Expire,
    /// It goes to another carrier, or over another connection: the next attempt is due at once.
    Reroute {
        /// Also messages whose last attempt may have arrived: the recipient may get them twice.
        parked: bool,
    },
}

/// Where a message stands, as far as an intervention has to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its state.
    pub state: State,
    /// Whether a gateway holds a lease on it: it is being sent, or about to be.
    pub in_hand: bool,
    /// When something is to be done about it next.
    pub due: Timestamp,
    /// ExpiryDate.
    pub expiry: Timestamp,
}

/// Why nothing was done to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LeftAlone {
    /// No message has this id.
    Unknown,
    /// It has ended, once and for all.
    Ended,
    /// The carrier has it.
    WithCarrier,
    /// It is being sent, or about to be.
    InHand,
    /// The last attempt may have arrived, and it was not asked for to send it again.
    Parked,
    /// The next attempt is due already.
    Due,
    /// Its ExpiryDate has passed: it is not sent any more.
    Overdue,
    /// It has not ended: there is nothing to be sent again.
    NotEnded,
    /// It was sent again before, as a new message.
    Resubmitted,
    /// Its media are not kept any more.
    MediaGone,
    /// Its recipient gets nothing from its account.
    Blacklisted,
    /// Its account, service or carrier is not provisioned any more.
    NotProvisioned,
    /// Its service does not reach the carrier.
    NotReached,
    /// The carrier has no connection, or not the one that was asked for.
    NoConnection,
    /// Its VASP was told nothing of it that is not owed already.
    NothingReported,
    /// It goes to that carrier as it is.
    SameCarrier,
    /// The carrier does not take what it holds: it is too long, or of other types.
    NotTaken,
}

impl LeftAlone {
    /// The word for it in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Ended => "ended",
            Self::WithCarrier => "with_carrier",
            Self::InHand => "in_hand",
            Self::Parked => "parked",
            Self::Due => "due",
            Self::Overdue => "overdue",
            Self::NotEnded => "not_ended",
            Self::Resubmitted => "resubmitted",
            Self::MediaGone => "media_gone",
            Self::Blacklisted => "blacklisted",
            Self::NotProvisioned => "not_provisioned",
            Self::NotReached => "not_reached",
            Self::NoConnection => "no_connection",
            Self::NothingReported => "nothing_reported",
            Self::SameCarrier => "same_carrier",
            Self::NotTaken => "not_taken",
        }
    }

    /// What can be done instead.
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::Unknown => "`posthouse messages list` shows those there are",
            Self::Ended => "`posthouse messages resubmit` sends it again as a new message",
            Self::WithCarrier => "wait for the carrier's report, or ask the carrier",
            Self::InHand => "look again once the attempt has ended",
            Self::Parked => "with \"parked\": true it is sent again, and its recipient may get it twice",
            Self::Due => "wait: it goes as soon as a connection has room",
            Self::Overdue => "wait: it ends as Expired",
            Self::NotEnded => "`posthouse messages requeue` makes its next attempt due at once",
            Self::Resubmitted => "look at the message that it was sent again as",
            Self::MediaGone => "ask the VASP to submit it anew",
            Self::Blacklisted => "`posthouse blacklist remove` unblocks the number, where that is meant",
            Self::NotProvisioned => "provision what is missing",
            Self::NotReached => "name another carrier, or let the service reach this one",
            Self::NoConnection => "`posthouse carriers show` has the connections of a carrier",
            Self::NothingReported => "nothing is to be done: what there is to say is owed already",
            Self::SameCarrier => "name another carrier, or one of its connections",
            Self::NotTaken => "name a carrier that takes it",
        }
    }
}

impl fmt::Display for LeftAlone {
    /// For people, after how many they are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "not there",
            Self::Ended => "ended already",
            Self::WithCarrier => "taken by the carrier, whose reports are waited for",
            Self::InHand => "being sent just now",
            Self::Parked => "parked: the last attempt may have arrived",
            Self::Due => "due already",
            Self::Overdue => "past its ExpiryDate, and expires by itself",
            Self::NotEnded => "not ended yet",
            Self::Resubmitted => "sent again before, as a new message",
            Self::MediaGone => "without its media, which retention took",
            Self::Blacklisted => "to a recipient who is blocked",
            Self::NotProvisioned => "of an account, service or carrier that is not provisioned any more",
            Self::NotReached => "for a carrier that its service does not reach",
            Self::NoConnection => "for a carrier that has no such connection",
            Self::NothingReported => "without a report that its VASP has had, or it is owed already",
            Self::SameCarrier => "for that carrier as it is",
            Self::NotTaken => "too long for the carrier, or of types that it does not take",
        })
    }
}

/// Whether something was, or would be, done to a message.
pub type Ruling = Result<(), LeftAlone>;

impl Intervention {
    /// What this intervention means for a message that stands there.
    ///
    /// # Errors
    /// Why it is left alone.
    pub fn judge(self, standing: &Standing, now: Timestamp) -> Result<LifeEvent, LeftAlone> {
        match (standing.state, self) {
            (State::Ended(_), _) => Err(LeftAlone::Ended),
            (State::Forwarded | State::Deferred, _) => Err(LeftAlone::WithCarrier),
            (State::Sending, _) => Err(LeftAlone::InHand),
            (State::Accepted | State::Parked, _) if standing.in_hand => Err(LeftAlone::InHand),
            (State::Accepted | State::Parked, Self::Expire) => Ok(LifeEvent::ExpiredByHand),
            (State::Parked, Self::Requeue { parked: false } | Self::Reroute { parked: false }) => {
                Err(LeftAlone::Parked)
            }
            (State::Accepted | State::Parked, Self::Requeue { .. } | Self::Reroute { .. })
                if standing.expiry <= now =>
            {
                Err(LeftAlone::Overdue)
            }
            (State::Accepted | State::Parked, Self::Reroute { .. }) => Ok(LifeEvent::Requeued),
            (State::Accepted, Self::Requeue { .. }) if standing.due <= now => Err(LeftAlone::Due),
            (State::Accepted | State::Parked, Self::Requeue { .. }) => Ok(LifeEvent::Requeued),
        }
    }
}

/// Selects callbacks that were kept as failed. The search goes backwards from the newest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FailedFilter {
    /// Only these messages', or these messages from handsets; empty: of any.
    pub messages: Vec<Id>,
    /// Became owed at or after.
    pub since: Option<Timestamp>,
    /// Became owed before.
    pub before: Option<Timestamp>,
    /// Only callbacks with ids below: the key of the next page.
    pub below: Option<Id>,
    /// Only this account's.
    pub account: Option<AccountName>,
    /// Only this carrier's.
    pub carrier: Option<CarrierId>,
    /// Only of this kind.
    pub kind: Option<CallbackKind>,
}

/// What a callback carries, by kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallbackKind {
    /// A DeliveryReportReq.
    Report,
    /// A DeliverReq: a message from a handset.
    Mo,
    /// A ReadReplyReq.
    ReadReply,
}

/// A callback that was kept as failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedCallback {
    /// Its own id.
    pub id: Id,
    /// The message it is about; of a message from a handset, its LinkedID.
    pub message: Id,
    /// The account that it was owed to.
    pub account: AccountName,
    /// The carrier it comes from.
    pub carrier: CarrierId,
    /// What it says.
    pub says: CallbackSays,
    /// When it became owed.
    pub at: Timestamp,
    /// How many tries failed.
    pub attempts: u32,
    /// Whether it says what is not owed any more: Forwarded or Deferred, of a message that has ended. It is not sent again.
    pub superseded: bool,
}

#[cfg(test)]
mod tests {
    use mm7::MmStatus;

    use super::*;
    use crate::life::state::{Terminal, Transition};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    const NOW: i64 = 100;

    fn standing(state: State) -> Standing {
        Standing { state, in_hand: false, due: at(NOW + 10), expiry: at(NOW + 50) }
    }

    fn judged(standing: Standing) -> [Result<LifeEvent, LeftAlone>; 3] {
        let all = [
            Intervention::Requeue { parked: false },
            Intervention::Requeue { parked: true },
            Intervention::Expire,
        ];
        all.map(|intervention| intervention.judge(&standing, at(NOW)))
    }

    #[test]
    fn every_state() {
        let (sent, expired) = (Ok(LifeEvent::Requeued), Ok(LifeEvent::ExpiredByHand));
        for state in State::all() {
            let expected = match state {
                State::Accepted => [sent, sent, expired],
                State::Parked => [Err(LeftAlone::Parked), sent, expired],
                State::Sending => [Err(LeftAlone::InHand); 3],
                State::Forwarded | State::Deferred => [Err(LeftAlone::WithCarrier); 3],
                State::Ended(_) => [Err(LeftAlone::Ended); 3],
            };
            assert_eq!(judged(standing(state)), expected, "{state}");
        }
    }

    #[test]
    fn what_a_gateway_holds_is_left_alone() {
        for state in [State::Accepted, State::Parked] {
            let held = Standing { in_hand: true, ..standing(state) };
            assert_eq!(judged(held), [Err(LeftAlone::InHand); 3], "{state}");
        }
    }

    #[test]
    fn what_is_due_or_overdue_is_not_requeued() {
        let due = Standing { due: at(NOW), ..standing(State::Accepted) };
        assert_eq!(judged(due), [Err(LeftAlone::Due), Err(LeftAlone::Due), Ok(LifeEvent::ExpiredByHand)]);
        for state in [State::Accepted, State::Parked] {
            let over = Standing { expiry: at(NOW), ..standing(state) };
            assert_eq!(judged(over)[1..], [Err(LeftAlone::Overdue), Ok(LifeEvent::ExpiredByHand)], "{state}");
        }
    }

    #[test]
    fn the_state_machine_takes_what_is_judged_possible() {
        for state in State::all() {
            for event in judged(standing(state)).into_iter().flatten() {
                let step = state.after(event);
                let expected = match event {
                    LifeEvent::Requeued => Transition::To { state: State::Accepted, owed: None },
                    _ => Transition::To {
                        state: State::Ended(Terminal::Expired),
                        owed: Some(MmStatus::Expired),
                    },
                };
                assert_eq!(step, expected, "{state} after {event:?}");
            }
        }
    }
}
