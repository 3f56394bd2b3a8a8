//! What is owed to the VASP, as the model has it: in the order in which it became owed, one at a time for each message.

use mm7::MmStatus;
use posthouse_core::{
    Id,
    life::read_reply::ReadStatus,
    life::state::Terminal,
    store::{Callback, CallbackBody, Owner},
};

/// What a callback says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    Report(MmStatus),
    ReadReply(ReadStatus),
}

impl Says {
    /// What a callback of the store's says.
    pub fn of(callback: &Callback) -> Self {
        match &callback.body {
            CallbackBody::Report { status, .. } => Self::Report(*status),
            CallbackBody::ReadReply { status, .. } => Self::ReadReply(*status),
            CallbackBody::Mo(_) => unreachable!("no message from a handset was accepted"),
        }
    }

    fn is_passing(self) -> bool {
        matches!(self, Self::Report(status) if Terminal::of(status).is_none())
    }
}

/// How a try to deliver it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Try {
    Delivered,
    Again,
    Failed,
}

#[derive(Clone, Debug)]
pub struct Owed {
    pub message: Id,
    pub says: Says,
    /// Its id in the store, once it is known.
    pub id: Option<Id>,
    pub due: Option<i64>,
    pub owner: Option<Owner>,
    pub failed: bool,
    pub attempts: u32,
    at: i64,
}

/// Everything that is owed, oldest first.
#[derive(Debug, Default)]
pub struct Ledger {
    pub owed: Vec<Owed>,
    /// Messages that have ended.
    ended: Vec<Id>,
    /// What was acknowledged.
    pub delivered: Vec<(Id, Says)>,
}

impl Ledger {
    /// Something becomes owed since then, which may be before now; a terminal report puts an end to those before it.
    pub fn owe(&mut self, message: Id, says: Says, since: i64) {
        if let Says::Report(status) = says
            && Terminal::of(status).is_some()
        {
            self.ended.push(message);
            let idle = |owed: &Owed| {
                let in_hand = owed.owner.is_some() && owed.due.is_some_and(|due| due > since);
                owed.message == message && matches!(owed.says, Says::Report(_)) && !owed.failed && !in_hand
            };
            while let Some(index) = self.owed.iter().position(idle) {
                self.remove(index, since);
            }
        }
        let due = (!self.waits_for_others(message)).then_some(since);
        let (id, owner) = (None, None);
        self.owed.push(Owed { message, says, id, due, owner, failed: false, attempts: 0, at: since });
    }

    fn waits_for_others(&self, message: Id) -> bool {
        self.owed.iter().any(|owed| owed.message == message && !owed.failed)
    }

    /// Forwarded or Deferred of a message that has ended.
    pub fn is_superseded(&self, owed: &Owed) -> bool {
        owed.says.is_passing() && self.ended.contains(&owed.message)
    }

    fn remove(&mut self, index: usize, now: i64) -> Owed {
        let removed = self.owed.remove(index);
        self.let_next_go(removed.message, now);
        removed
    }

    fn let_next_go(&mut self, message: Id, now: i64) {
        let next = self.owed.iter_mut().find(|owed| owed.message == message && !owed.failed);
        if let Some(next) = next.filter(|next| next.due.is_none()) {
            next.due = Some(now);
        }
    }

    /// Leases what is due; the indices, in the order in which it became owed.
    pub fn lease(&mut self, owner: Owner, now: i64, until: i64, limit: usize) -> Vec<usize> {
        loop {
            let mut due: Vec<usize> = (0..self.owed.len())
                .filter(|index| self.owed[*index].due.is_some_and(|due| due <= now))
                .collect();
            due.sort_by_key(|index| (self.owed[*index].due, *index));
            due.truncate(limit);
            due.sort_unstable();
            let superseded: Vec<usize> =
                due.iter().copied().filter(|index| self.is_superseded(&self.owed[*index])).collect();
            due.retain(|index| !superseded.contains(index));
            for index in &due {
                (self.owed[*index].owner, self.owed[*index].due) = (Some(owner), Some(until));
            }
            for index in superseded.iter().rev() {
                self.remove(*index, now);
            }
            if superseded.is_empty() || !due.is_empty() {
                let before = |index: &usize| superseded.iter().filter(|gone| *gone < index).count();
                return due.iter().map(|index| index - before(index)).collect();
            }
        }
    }

    /// A try ends that this owner made.
    pub fn settle(&mut self, index: usize, end: Try, now: i64, due: i64) {
        let superseded = self.is_superseded(&self.owed[index]);
        if end == Try::Delivered || superseded {
            let gone = self.remove(index, now);
            if end == Try::Delivered {
                self.delivered.push((gone.message, gone.says));
            }
            return;
        }
        let owed = &mut self.owed[index];
        (owed.owner, owed.attempts) = (None, owed.attempts + 1);
        if end == Try::Again {
            owed.due = Some(due);
            return;
        }
        (owed.due, owed.failed) = (None, true);
        let message = owed.message;
        self.let_next_go(message, now);
    }

    /// An operator sends again what failed and still is owed, of one message; the ids.
    pub fn resend(&mut self, message: Id, now: i64) -> Vec<usize> {
        let failed = |owed: &Owed| owed.message == message && owed.failed;
        let all: Vec<usize> = (0..self.owed.len()).filter(|index| failed(&self.owed[*index])).collect();
        let resent: Vec<usize> =
            all.into_iter().filter(|index| !self.is_superseded(&self.owed[*index])).collect();
        for index in &resent {
            let due = (!self.waits_for_others(message)).then_some(now);
            let owed = &mut self.owed[*index];
            (owed.failed, owed.attempts, owed.owner, owed.due) = (false, 0, None, due);
        }
        resent
    }

    /// What was leased is due.
    pub fn restart(&mut self) {
        for owed in &mut self.owed {
            if owed.owner.take().is_some() {
                owed.due = owed.due.map(|due| due.min(owed.at));
            }
        }
    }
}
