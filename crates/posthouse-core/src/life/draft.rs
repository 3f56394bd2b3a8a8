//! A message while it is decided what happens to it: each rule sees what those before it have changed.

use jiff::Timestamp;
use mm7::MmStatus;

use super::{
    callback_says::CallbackSays,
    effects::{Effects, MessageEffects, NewCallback, StateChange, StoodBefore},
    load::{Loaded, Subject},
    settlement::FailedAttempt,
    state::{LifeEvent, State, Terminal, Transition},
    words,
    work::{Work, WorkChange, WorkKind},
};
use crate::{
    bounds,
    message::{CarrierReadReply, CarrierReport, EventKind, Reason, TimelineEvent},
    names::{AccountName, CarrierId},
};

/// A message as it stands, and what is to be written to make it so.
#[derive(Debug)]
pub(super) struct Draft {
    loaded: Loaded,
    learns: bool,
    effects: Effects,
}

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stepped {
    /// Whether it was more than a line on the timeline.
    pub(super) changed: bool,
    /// The report that is owed for it.
    pub(super) owed: Option<MmStatus>,
}

impl Draft {
    pub(super) fn new(loaded: Loaded) -> Self {
        let Subject { id, state, work, .. } = loaded.subject;
        // The names are moved there at the end.
        let (account, carrier) = (AccountName(String::new()), CarrierId(String::new()));
        let before = StoodBefore { carrier, state, since: work.map(|work| work.since) };
        let effects = Effects::none(id, account, before);
        Self { loaded, learns: false, effects }
    }

    /// The message, as it stands by now.
    pub(super) const fn subject(&self) -> &Subject {
        &self.loaded.subject
    }

    pub(super) const fn state(&self) -> State {
        self.loaded.subject.state
    }

    /// What is to be written.
    pub(super) fn into_effects(mut self) -> Effects {
        let Subject { account, carrier, carrier_message_id, .. } = self.loaded.subject;
        if self.learns {
            self.effects.message.learned = carrier_message_id;
        }
        self.effects.account = account;
        self.effects.before.carrier = carrier;
        self.effects
    }

    /// The same, when there is anything at all.
    pub(super) fn into_effects_if_any(self) -> Option<Effects> {
        let is_untouched = !self.learns
            && self.effects.message == MessageEffects::default()
            && self.effects.timeline.is_empty()
            && self.effects.read_replies.is_empty();
        (!is_untouched).then(|| self.into_effects())
    }

    /// Takes the step that this event means, and keeps the carrier's MessageID that came with it, unless one is known. The
    /// caller, which knows what was said, adds the line to the timeline, and then what is owed.
    pub(super) fn step(
        &mut self,
        event: LifeEvent,
        reason: Option<Reason>,
        carrier_message_id: &str,
        at: Timestamp,
    ) -> Stepped {
        let subject = &mut self.loaded.subject;
        if !carrier_message_id.is_empty() && subject.carrier_message_id.is_none() {
            subject.carrier_message_id = Some(carrier_message_id.to_owned());
            self.learns = true;
        }
        let Transition::To { state, owed } = subject.state.after(event) else {
            return Stepped { changed: false, owed: None };
        };
        subject.state = state;
        self.effects.message.state = Some(StateChange { state, at, reason });
        Stepped { changed: true, owed: owed.filter(|_| subject.delivery_report) }
    }

    /// One more attempt is begun, whether or not the state changes with it.
    pub(super) fn begin_attempt(&mut self, at: Timestamp) {
        self.effects.message.state = Some(StateChange { state: self.state(), at, reason: None });
        self.effects.message.is_begun = true;
    }

    /// Should a report say that it arrived, a terminal one is overdue then.
    pub(super) const fn may_have_arrived(&mut self, report_until: Timestamp) {
        self.loaded.subject.report_until = Some(report_until);
        self.effects.message.report_until = Some(report_until);
    }

    /// It goes to another carrier from now on.
    pub(super) fn go_to(&mut self, carrier: CarrierId) {
        self.loaded.subject.carrier_message_id = None;
        self.loaded.subject.report_until = None;
        self.effects.message.report_until = None;
        self.effects.message.carrier = Some(carrier);
    }

    /// What the carrier said about its refusal goes on with the reason.
    pub(super) fn keep_details(&mut self, details: &str) {
        self.effects.message.details = Some(details.to_owned());
    }

    /// Attempts failed, whatever became of the message.
    pub(super) fn keep_failed(&mut self, failed: Vec<FailedAttempt>) {
        self.effects.failed = failed;
    }

    /// The same request is a new message.
    pub(super) const fn never_repeat(&mut self) {
        self.effects.message.is_never_repeated = true;
    }

    /// Adds a line to the timeline.
    pub(super) fn note(&mut self, line: TimelineEvent) {
        if line.kind == EventKind::LateReport {
            self.loaded.late.push(line.detail.clone());
        }
        self.effects.timeline.push(line);
    }

    /// Changes the work, if there is any.
    pub(super) fn set_work(&mut self, change: WorkChange) {
        let Some(work) = self.loaded.subject.work else { return };
        self.loaded.subject.work = work.after(change);
        self.effects.work = Some(change);
    }

    /// What a report says that a carrier sent.
    pub(super) fn hear(&mut self, report: &CarrierReport) -> Stepped {
        let at = report.received_at;
        let event = LifeEvent::Report(report.status);
        let stepped = self.step(event, None, &report.carrier_message_id, at);
        let line = match stepped.changed {
            true => words::reported(report, self.state()),
            false => words::too_late(&report.said, at),
        };
        if stepped.changed || self.has_room_for_late(&line.detail) {
            self.note(line);
            self.note_odd(&report.odd, at);
        }
        self.owe(stepped.owed, at);
        if stepped.changed {
            self.leave_work_after_report();
        }
        stepped
    }

    /// Carriers, and others that may post as one, repeat themselves.
    fn has_room_for_late(&self, detail: &str) -> bool {
        let late = &self.loaded.late;
        let same = late.iter().filter(|line| *line == detail).count();
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        bounds::has_room_for_late_report(count(late.len()), count(same))
    }

    fn note_odd(&mut self, odd: &str, at: Timestamp) {
        if let Some(line) = words::odd(odd, at) {
            self.note(line);
        }
    }

    /// An attempt that is under way is left to its owner, which settles it. A message that waits to be sent again and did arrive is not
    /// sent any more: its terminal report is awaited.
    fn leave_work_after_report(&mut self) {
        let Subject { report_until, work: Some(Work { kind, expiry, .. }), .. } = self.loaded.subject else {
            return;
        };
        if self.state().is_terminal() {
            if kind != WorkKind::Sending {
                self.set_work(WorkChange::Done);
            }
        } else if kind == WorkKind::Send
            && let Some(report_until) = report_until
        {
            self.set_work(WorkChange::Report { until: expiry.max(report_until) });
        }
    }

    /// A read reply that a carrier sent becomes owed, unless the same was said before. Whether it did.
    pub(super) fn hear_reply(&mut self, reply: &CarrierReadReply) -> bool {
        if self.loaded.told.contains(&reply.status) {
            return false;
        }
        self.loaded.told.push(reply.status);
        self.effects.read_replies.push((reply.status, reply.time_stamp));
        self.note(words::read(reply));
        self.note_odd(&reply.odd, reply.received_at);
        self.add_callback(CallbackSays::ReadReply(reply.status), reply.received_at);
        true
    }

    /// A report becomes owed, if there is one; a terminal one puts an end to those before it that nobody is delivering.
    pub(super) fn owe(&mut self, status: Option<MmStatus>, at: Timestamp) {
        let Some(status) = status else { return };
        if Terminal::of(status).is_some() {
            while let Some(says) = self.withdraw_idle(at) {
                self.note(words::withdrawn(says, "", at));
                self.free_next(at);
            }
        }
        self.add_callback(CallbackSays::Report(status), at);
    }

    /// Takes away the first report that nobody is delivering. What it says.
    fn withdraw_idle(&mut self, at: Timestamp) -> Option<CallbackSays> {
        let owed = &mut self.loaded.owed;
        if let Some(index) = owed.iter().position(|callback| callback.is_idle_report(at)) {
            let callback = owed.remove(index);
            self.loaded.subject.owes = !owed.is_empty();
            self.effects.freed.take_if(|(id, _)| *id == callback.id);
            self.effects.withdrawn.push(callback.id);
            return Some(callback.says);
        }
        let new = &mut self.effects.owed;
        let index = new.iter().position(|callback| matches!(callback.says, CallbackSays::Report(_)))?;
        Some(new.remove(index).says)
    }

    /// Makes the first callback due that is owed, if it had to wait.
    fn free_next(&mut self, at: Timestamp) {
        match self.loaded.owed.first_mut() {
            Some(next) if next.due.is_none() => {
                next.due = Some(at);
                self.effects.freed = Some((next.id, at));
            }
            Some(_) => {}
            None => {
                if let Some(next) = self.effects.owed.first_mut() {
                    next.due.get_or_insert(at);
                }
            }
        }
    }

    /// A callback becomes owed: due at once, unless it has to wait for an earlier one about the same message.
    fn add_callback(&mut self, says: CallbackSays, at: Timestamp) {
        let has_to_wait = self.loaded.subject.owes || !self.effects.owed.is_empty();
        self.effects.owed.push(NewCallback { says, at, due: (!has_to_wait).then_some(at) });
    }
}
