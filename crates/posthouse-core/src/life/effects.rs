//! What follows from something that happened: stores write it, within the transaction in which they loaded what it was decided on.

use jiff::Timestamp;

use super::{callback_says::CallbackSays, load::Subject, settlement::FailedAttempt, state::State};
use crate::{
    Id,
    message::{ReadStatus, Reason, TimelineEvent},
    names::{AccountName, CarrierId},
};

pub use super::work::WorkChange;

/// What was decided, about one message or several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided<T> {
    /// What the operation answers.
    pub answer: T,
    /// What is to be written about each message.
    pub effects: Vec<Effects>,
    /// The numbers of the reports and read replies that wait no more.
    pub forgotten: Vec<i64>,
}

/// What is to be written about one message. Each part that is empty leaves things as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effects {
    /// The message.
    pub id: Id,
    /// Whose it is: new callbacks are owed to it.
    pub account: AccountName,
    /// How it stood before.
    pub before: StoodBefore,
    /// What changes in the message itself.
    pub message: MessageEffects,
    /// What changes about the work on it.
    pub work: Option<WorkChange>,
    /// Lines to be added to its timeline, in order. One that has [`LINES`](crate::bounds::LINES) lines keeps them, but for the last,
    /// which is replaced.
    pub timeline: Vec<TimelineEvent>,
    /// What its recipient did with it: status and time. None of these was told before.
    pub read_replies: Vec<(ReadStatus, Timestamp)>,
    /// Callbacks that are not owed any more: they go.
    pub withdrawn: Vec<Id>,
    /// A callback that waited for one of these: it is due then.
    pub freed: Option<(Id, Timestamp)>,
    /// Callbacks that become owed, in order. Their ids are made as they are written.
    pub owed: Vec<NewCallback>,
    /// Attempts that failed, in order. Of a message the newest [`FAILED_ATTEMPTS`](crate::bounds::FAILED_ATTEMPTS) are kept.
    pub failed: Vec<FailedAttempt>,
}

impl Effects {
    /// When the message ended, if it does by this.
    pub fn ended_at(&self) -> Option<Timestamp> {
        let change = self.message.state.filter(|change| change.state.is_terminal())?;
        (!self.before.state.is_terminal()).then_some(change.at)
    }

    /// Nothing, yet, about this message.
    pub fn none(id: Id, account: AccountName, before: StoodBefore) -> Self {
        Self {
            id,
            account,
            before,
            message: MessageEffects::default(),
            work: None,
            timeline: Vec::new(),
            read_replies: Vec::new(),
            withdrawn: Vec::new(),
            freed: None,
            owed: Vec::new(),
            failed: Vec::new(),
        }
    }
}

/// How a message stood before something happened to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoodBefore {
    /// The carrier it went to.
    pub carrier: CarrierId,
    /// Its state.
    pub state: State,
    /// Since when it waited for its next attempt, or did before the last one.
    pub since: Option<Timestamp>,
}

impl StoodBefore {
    /// As it is loaded.
    pub fn of(subject: &Subject) -> Self {
        let since = subject.work.map(|work| work.since);
        Self { carrier: subject.carrier.clone(), state: subject.state, since }
    }
}

/// What changes in a message itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessageEffects {
    /// Its state. The reason goes with it: `None` takes away an earlier one.
    pub state: Option<StateChange>,
    /// An attempt was begun: one more.
    pub is_begun: bool,
    /// The carrier's MessageID, when it is known from now on.
    pub learned: Option<String>,
    /// [`Subject::report_until`](super::load::Subject::report_until).
    pub report_until: Option<Timestamp>,
    /// What the carrier said about its refusal.
    pub details: Option<String>,
    /// Nothing is a repetition of it any more: its digest goes.
    pub is_never_repeated: bool,
    /// It goes to this carrier from now on. What is known of the one before goes: its MessageID, and [`Self::report_until`].
    pub carrier: Option<CarrierId>,
}

/// A message's new state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateChange {
    /// The state from now on.
    pub state: State,
    /// Since when.
    pub at: Timestamp,
    /// Why, when it was refused.
    pub reason: Option<Reason>,
}

/// A callback that becomes owed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewCallback {
    /// What it says.
    pub says: CallbackSays,
    /// When it becomes owed.
    pub at: Timestamp,
    /// When it is due; `None`: once an earlier one about the same message is settled.
    pub due: Option<Timestamp>,
}
