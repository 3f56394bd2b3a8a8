//! What a step of a message's life has to know: stores load it, within the transaction in which they write what follows.

use jiff::Timestamp;

use super::{callback_says::CallbackSays, intervention::Standing, state::State};
use crate::{
    Id,
    address::is_same,
    lease::Owner,
    message::{CarrierReadReply, CarrierReport, ReadStatus},
    names::{AccountName, CarrierId},
    store_error::StoreError,
};

pub use super::work::{TimerKind, Work, WorkKind};

/// The most waiting reports that are loaded by address on behalf of one message, and the most messages without an answer that are
/// loaded on behalf of one report.
pub const LOOKED_AT: u32 = 100;

/// A callback that is owed and has not failed for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwedCallback {
    /// Its own id.
    pub id: Id,
    /// What it says.
    pub says: CallbackSays,
    /// When it is due, or its lease ends; `None` while an earlier one about the same message is owed.
    pub due: Option<Timestamp>,
    /// Whose lease it is under, or was last.
    pub owner: Option<Owner>,
}

impl OwedCallback {
    /// Whether it is a report that nobody is delivering.
    pub(super) fn is_idle_report(&self, now: Timestamp) -> bool {
        let is_idle = self.owner.is_none() || self.due.is_some_and(|due| due <= now);
        matches!(self.says, CallbackSays::Report(_)) && is_idle
    }
}

/// A message, as far as a step of its life has to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Its MessageID.
    pub id: Id,
    /// Where it stands.
    pub state: State,
    /// Whose it is.
    pub account: AccountName,
    /// The carrier it goes to.
    pub carrier: CarrierId,
    /// The recipient's digits.
    pub recipient: String,
    /// Whether the VASP wants reports.
    pub delivery_report: bool,
    /// The MessageID that the carrier gave it.
    pub carrier_message_id: Option<String>,
    /// Set when an attempt may have arrived and another is made all the same: when a terminal report is overdue, should one
    /// say that it did arrive.
    pub report_until: Option<Timestamp>,
    /// What is to be done about it; `None` once it has ended.
    pub work: Option<Work>,
    /// Whether a callback about it is owed: one that has not failed for good.
    pub owes: bool,
}

impl Subject {
    /// Where it stands, for an [intervention](super::intervention::Intervention); `None` when it has not ended and there is no work
    /// for it, which no store may let happen.
    pub fn standing(&self, now: Timestamp) -> Option<Standing> {
        let (due, expiry) = match self.work {
            Some(work) => (work.due, work.expiry),
            None if self.state.is_terminal() => (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH),
            None => return None,
        };
        let in_hand = self.work.is_some_and(|work| work.is_in_hand(now));
        Some(Standing { state: self.state, in_hand, due, expiry })
    }
}

/// The message and the work on it, when this owner holds its lease.
///
/// # Errors
/// [`StoreError::LostLease`] when another holds it by now, or the work is done.
pub fn held(subject: Option<Subject>, owner: Owner) -> Result<Subject, StoreError> {
    let is_held = |subject: &Subject| subject.work.is_some_and(|work| work.owner == Some(owner));
    subject.filter(is_held).ok_or(StoreError::LostLease)
}

/// A message that something happens to, with all that may be needed to say what follows.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The message.
    pub subject: Subject,
    /// The callbacks about it that have not failed for good, in the order of their ids: where they are [needed](Needs::owed).
    pub owed: Vec<OwedCallback>,
    /// The details of the lines on its timeline about reports that came too late, at most
    /// [`LATE_REPORTS`](crate::bounds::LATE_REPORTS): where they are [needed](Needs::late).
    pub late: Vec<String>,
    /// The read replies about it that its VASP was told: where they are [needed](Needs::told).
    pub told: Vec<ReadStatus>,
}

impl Loaded {
    /// A message of which nothing else is loaded.
    pub const fn only(subject: Subject) -> Self {
        Self { subject, owed: Vec::new(), late: Vec::new(), told: Vec::new() }
    }

    /// A message with what a step needs of it, and nothing else.
    ///
    /// # Errors
    /// Those of `more`.
    pub fn with<M: LoadMore>(subject: Subject, needs: Needs, more: &M) -> Result<Self, M::Error> {
        let mut loaded = Self::only(subject);
        loaded.load(needs, more)?;
        Ok(loaded)
    }

    /// Loads what a step needs of a message of which nothing else is loaded. Each list is asked for once at most.
    ///
    /// # Errors
    /// Those of `more`.
    pub fn load<M: LoadMore>(&mut self, needs: Needs, more: &M) -> Result<(), M::Error> {
        let Subject { id, owes, .. } = self.subject;
        if needs.owed && owes {
            self.owed = more.owed(id)?;
        }
        if needs.late {
            self.late = more.late(id)?;
        }
        if needs.told {
            self.told = more.told(id)?;
        }
        Ok(())
    }
}

/// Where a store loads from what a step needs of a message beside its row.
pub trait LoadMore {
    /// What may go wrong.
    type Error;

    /// [`Loaded::owed`]; asked for only where [`Subject::owes`] says that there are any.
    ///
    /// # Errors
    /// Those of reading.
    fn owed(&self, message: Id) -> Result<Vec<OwedCallback>, Self::Error>;

    /// [`Loaded::late`].
    ///
    /// # Errors
    /// Those of reading.
    fn late(&self, message: Id) -> Result<Vec<String>, Self::Error>;

    /// [`Loaded::told`].
    ///
    /// # Errors
    /// Those of reading.
    fn told(&self, message: Id) -> Result<Vec<ReadStatus>, Self::Error>;
}

/// Which lists of [`Loaded`] a step needs: each step says it of itself, such as [`attempt::needs`](super::attempt::needs).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// What is owed: where the message may end, and where reports wait, which may end it.
    pub owed: bool,
    /// The lines about reports that came too late: where one does, and where reports wait, of which one may.
    pub late: bool,
    /// The read replies that were told: where one comes, and where read replies wait.
    pub told: bool,
}

impl Needs {
    /// The needs of a step during which this waits.
    #[must_use]
    pub fn beside(self, waiting: Option<&Waiting>) -> Self {
        let reports = waiting.is_some_and(|waiting| !waiting.reports.is_empty());
        let read_replies = waiting.is_some_and(|waiting| !waiting.read_replies.is_empty());
        Self { owed: self.owed || reports, late: self.late || reports, told: self.told || read_replies }
    }

    /// The needs of a [neighbour](Waiting::neighbours), to which nothing happens but what waits.
    pub fn of_neighbour(waiting: &Waiting) -> Self {
        Self::default().beside(Some(waiting))
    }
}

/// A report or a read reply that waits for its message, under its number in the store.
pub type Numbered<T> = (i64, T);

/// What waits for something to be learned about a message, and the other messages that it may be about.
#[derive(Clone, Debug, Default)]
pub struct Waiting {
    /// Reports in the order in which they came: those under the MessageID that the message has or is about to learn; of the
    /// others those on its recipient, at most [`LOOKED_AT`]; and those under the MessageIDs of these.
    pub reports: Vec<Numbered<CarrierReport>>,
    /// Read replies under any of these MessageIDs, in the order in which they came.
    pub read_replies: Vec<Numbered<CarrierReadReply>>,
    /// The SenderAddress of the message itself. Needed when reports wait by address.
    pub sender: String,
    /// The other messages without an answer to the same recipient, at most [`LOOKED_AT`], and those that bear the MessageID of a
    /// report that waits by address.
    pub neighbours: Vec<Neighbour>,
}

/// A message that a waiting report may be about.
#[derive(Clone, Debug)]
pub struct Neighbour {
    /// The message.
    pub loaded: Loaded,
    /// Its SenderAddress.
    pub sender: String,
}

impl Neighbour {
    /// Whether a report may be about it: by its MessageID, or by its addresses while it has none.
    pub fn may_be_meant(&self, report: &CarrierReport) -> bool {
        let subject = &self.loaded.subject;
        bears(subject, &report.carrier_message_id) || is_between(subject, &self.sender, report)
    }
}

/// Whether a report whose MessageID nobody knows may be about this message: parked, taken with an answer that had no MessageID, or
/// waiting to be sent again after an attempt without an answer. One that is being sent might get its MessageID with the answer: till
/// then nobody can tell which of them is meant.
pub fn is_unanswered(subject: &Subject) -> bool {
    let may_have_arrived = match subject.state {
        State::Sending | State::Parked | State::Forwarded | State::Deferred => true,
        State::Accepted => subject.report_until.is_some(),
        State::Ended(_) => false,
    };
    may_have_arrived && subject.carrier_message_id.is_none()
}

/// Whether a message is known by this MessageID of its carrier.
pub(super) fn bears(subject: &Subject, carrier_message_id: &str) -> bool {
    subject.carrier_message_id.as_deref().is_some_and(|id| id == carrier_message_id)
}

/// Whether a message without an answer goes between the two that a report names.
pub(super) fn is_between(subject: &Subject, sender: &str, report: &CarrierReport) -> bool {
    let (Some(recipient), Some(from)) = (&report.recipient, &report.sender) else { return false };
    is_unanswered(subject)
        && subject.carrier == report.carrier
        && subject.recipient == recipient.as_str()
        && is_same(sender, from)
}

/// Whether a report on the recipient of a message may turn out to be about it, with this SenderAddress, or about one of its neighbours.
pub fn may_be_about(report: &CarrierReport, sender: &str, neighbours: &[Neighbour]) -> bool {
    report.sender.as_deref().is_some_and(|from| is_same(sender, from))
        || neighbours.iter().any(|neighbour| neighbour.may_be_meant(report))
}

#[cfg(test)]
mod tests {
    use mm7::MmStatus;

    use super::*;
    use crate::life::{
        sample::{read_reply, report, subject},
        work::WorkKind,
    };

    /// Says of each list that it was loaded.
    struct Everything;

    impl LoadMore for Everything {
        type Error = StoreError;

        fn owed(&self, message: Id) -> Result<Vec<OwedCallback>, StoreError> {
            let says = CallbackSays::ReadReply(ReadStatus::Read);
            Ok(vec![OwedCallback { id: message, says, due: None, owner: None }])
        }

        fn late(&self, _: Id) -> Result<Vec<String>, StoreError> {
            Ok(vec!["late".to_owned()])
        }

        fn told(&self, _: Id) -> Result<Vec<ReadStatus>, StoreError> {
            Ok(vec![ReadStatus::Read])
        }
    }

    #[test]
    fn what_is_needed_is_loaded_and_nothing_else() {
        for (owes, owed, late, told) in [
            (false, true, false, false),
            (true, true, false, false),
            (true, false, true, false),
            (true, false, false, true),
            (false, true, true, true),
        ] {
            let subject = Subject { owes, ..subject(State::Accepted, WorkKind::Send) };
            let needs = Needs { owed, late, told };
            let loaded = Loaded::with(subject, needs, &Everything).unwrap();
            let found = (loaded.owed.len(), loaded.late.len(), loaded.told.len());
            let expected = (usize::from(owes && owed), usize::from(late), usize::from(told));
            assert_eq!(found, expected, "{needs:?} owes {owes}");
        }
    }

    #[test]
    fn what_waits_may_need_more() {
        let needs = |owed, late, told| Needs { owed, late, told };
        let waiting = |reports, replies| Waiting {
            reports: (0..reports).map(|number| (number, report("c-1", MmStatus::Retrieved))).collect(),
            read_replies: (0..replies).map(|number| (number, read_reply("c-1", ReadStatus::Read))).collect(),
            ..Waiting::default()
        };
        assert_eq!(needs(true, false, true).beside(None), needs(true, false, true));
        for (reports, replies, expected) in [
            (0, 0, needs(false, false, false)),
            (2, 0, needs(true, true, false)),
            (0, 2, needs(false, false, true)),
            (1, 1, needs(true, true, true)),
        ] {
            let waiting = waiting(reports, replies);
            assert_eq!(Needs::default().beside(Some(&waiting)), expected);
            assert_eq!(Needs::of_neighbour(&waiting), expected);
        }
    }
}
