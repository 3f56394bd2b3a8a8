//! Hands callbacks from memory to their accounts' lanes as they become due, without a look into the store.

use std::{
    collections::{HashMap, HashSet},
    mem,
    sync::Arc,
    time::Duration,
};

use posthouse_core::{
    account::AccountName,
    lock::Mutex,
    store::{Callback, HandedOn, Lease, Owner, TakeCallbacks},
    time::{Clock, after},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::bell::Bell;

/// How many callbacks a lane holds in memory beside those in hand; more wait in the store.
const LANE_ROOM: usize = 256;
/// How many all lanes hold so together.
const ALL_ROOM: usize = 16_384;

/// A callback from memory, and the place that it takes there.
#[derive(Debug)]
pub struct Fresh {
    /// The callback, under a lease that this node holds.
    pub callback: Callback,
    _place: OwnedSemaphorePermit,
}

/// How a lane takes callbacks: what it and those who hand on tell each other.
#[derive(Debug)]
struct Terms {
    /// How long a lease is.
    lease: Duration,
    /// Older ones wait in the store: fresh ones do not overtake them.
    is_behind: bool,
}

#[derive(Debug)]
struct Mailbox {
    account: AccountName,
    sender: mpsc::Sender<Fresh>,
    terms: Mutex<Terms>,
}

/// A lane's end of it.
#[derive(Debug)]
pub struct CallbackMail {
    receiver: mpsc::Receiver<Fresh>,
    mailbox: Arc<Mailbox>,
}

impl CallbackMail {
    /// The next one. It may be dropped while it waits.
    pub async fn next(&mut self) -> Option<Callback> {
        self.receiver.recv().await.map(|fresh| fresh.callback)
    }

    /// For how long those are leased that come from now on.
    pub fn lease_for(&self, lease: Duration) {
        self.mailbox.terms.lock().lease = lease;
    }

    /// Whether older ones may wait in the store. While they do nothing comes from memory.
    pub fn is_behind(&self, is_behind: bool) {
        self.mailbox.terms.lock().is_behind = is_behind;
    }

    /// Takes nothing more; what came and was not begun.
    pub async fn close(&mut self) -> Vec<Callback> {
        self.receiver.close();
        let mut left = Vec::new();
        while let Some(callback) = self.next().await {
            left.push(callback);
        }
        left
    }
}

/// The lanes that take callbacks from memory.
pub struct CallbackHandoff {
    clock: Arc<dyn Clock>,
    owner: Owner,
    /// Rung for what stays in the store.
    bell: Arc<Bell>,
    mailboxes: Mutex<HashMap<AccountName, Arc<Mailbox>>>,
    /// The accounts that get nothing for now: all of theirs waits in the store, which knows of it.
    paused: Mutex<HashSet<AccountName>>,
    room: Arc<Semaphore>,
}

impl CallbackHandoff {
    /// No lanes. `owner` holds the leases.
    pub fn new(clock: Arc<dyn Clock>, owner: Owner, bell: Arc<Bell>) -> Self {
        Self {
            clock,
            owner,
            bell,
            mailboxes: Mutex::default(),
            paused: Mutex::default(),
            room: Arc::new(Semaphore::new(ALL_ROOM)),
        }
    }

    /// Opens an account's lane, which is behind till it says otherwise. An earlier one gets nothing more.
    pub fn open(&self, account: AccountName, lease: Duration) -> CallbackMail {
        let (sender, receiver) = mpsc::channel(LANE_ROOM);
        let terms = Mutex::new(Terms { lease, is_behind: true });
        let mailbox = Arc::new(Mailbox { account: account.clone(), sender, terms });
        self.mailboxes.lock().insert(account, Arc::clone(&mailbox));
        CallbackMail { receiver, mailbox }
    }

    /// These accounts are paused, and no others.
    pub fn paused(&self, accounts: impl IntoIterator<Item = AccountName>) {
        *self.paused.lock() = accounts.into_iter().collect();
    }

    /// An account is paused, or is not any more.
    pub fn pause(&self, account: &AccountName, is_paused: bool) {
        let mut paused = self.paused.lock();
        if is_paused {
            paused.insert(account.clone());
        } else {
            paused.remove(account);
        }
    }

    /// Closes every lane: they get nothing more.
    pub fn close(&self) {
        self.mailboxes.lock().clear();
    }

    /// For one operation of the store: takes what becomes due by it, where there is room.
    pub fn taking(self: &Arc<Self>) -> Arc<Taking> {
        Arc::new(Taking { handoff: Arc::clone(self), places: Mutex::default() })
    }

    fn place(&self, account: &AccountName) -> Option<(Place, Lease)> {
        if self.paused.lock().contains(account) {
            return None;
        }
        let mailbox = Arc::clone(self.mailboxes.lock().get(account)?);
        let lease = {
            let mut terms = mailbox.terms.lock();
            if terms.is_behind || mailbox.sender.capacity() == 0 {
                terms.is_behind = true;
                return None;
            }
            terms.lease
        };
        let room = Arc::clone(&self.room).try_acquire_owned().ok()?;
        let permit = mailbox.sender.clone().try_reserve_owned().ok()?;
        let lease = Lease { owner: self.owner, until: after(self.clock.now(), lease) };
        Some((Place { mailbox, permit, room }, lease))
    }
}

/// Room for one callback in a lane.
#[derive(Debug)]
struct Place {
    mailbox: Arc<Mailbox>,
    permit: mpsc::OwnedPermit<Fresh>,
    room: OwnedSemaphorePermit,
}

/// Takes the callbacks that become due by one operation of the store. The room that it keeps for them is free when it is dropped.
pub struct Taking {
    handoff: Arc<CallbackHandoff>,
    places: Mutex<Vec<Place>>,
}

impl TakeCallbacks for Taking {
    fn lease(&self, account: &AccountName) -> Option<Lease> {
        let (place, lease) = self.handoff.place(account)?;
        self.places.lock().push(place);
        Some(lease)
    }
}

impl Taking {
    /// Gives what was taken to the lanes, and rings for what was left. The operation's answer.
    pub fn hand_on<T>(&self, handed: HandedOn<T>) -> T {
        let mut places = mem::take(&mut *self.places.lock());
        for callback in handed.callbacks {
            // There is one for each; without one its lease would end by itself.
            if let Some(index) = places.iter().position(|place| place.mailbox.account == callback.account) {
                let Place { permit, room, .. } = places.swap_remove(index);
                permit.send(Fresh { callback, _place: room });
            }
        }
        if handed.left_due {
            self.handoff.bell.ring();
        }
        handed.answer
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use posthouse_core::{
        Id,
        carrier::CarrierId,
        message::{AddressKind, KeptAddress, Mo},
        store::CallbackBody,
    };

    use super::*;

    #[derive(Debug)]
    struct Still;

    impl Clock for Still {
        fn now(&self) -> Timestamp {
            Timestamp::UNIX_EPOCH
        }
    }

    const ME: Owner = Owner(3);
    const LEASE: Duration = Duration::from_secs(50);

    fn acme() -> AccountName {
        AccountName("acme".to_owned())
    }

    fn handoff() -> (Arc<CallbackHandoff>, Arc<Bell>) {
        let bell = Arc::<Bell>::default();
        (Arc::new(CallbackHandoff::new(Arc::new(Still), ME, Arc::clone(&bell))), bell)
    }

    fn callback(number: i64, lease: Lease) -> Callback {
        let mo = Mo {
            transaction_id: String::new(),
            vasid: String::new(),
            sender: KeptAddress { kind: AddressKind::Number, text: String::new() },
            recipients: Vec::new(),
            subject: None,
            priority: None,
            time_stamp: Timestamp::UNIX_EPOCH,
            odd: String::new(),
            parts: Vec::new(),
        };
        let id = Id::from_number(number).unwrap();
        Callback {
            id,
            message: id,
            account: acme(),
            carrier: CarrierId("31003".to_owned()),
            body: CallbackBody::Mo(mo),
            at: Timestamp::UNIX_EPOCH,
            attempts: 0,
            lease,
        }
    }

    /// An operation by which this one becomes due. Whether it was taken.
    fn becomes_due(handoff: &Arc<CallbackHandoff>, number: i64) -> bool {
        let taking = handoff.taking();
        let lease = taking.lease(&acme());
        let callbacks: Vec<_> = lease.map(|lease| callback(number, lease)).into_iter().collect();
        let is_taken = !callbacks.is_empty();
        taking.hand_on(HandedOn { answer: is_taken, callbacks, left_due: !is_taken })
    }

    #[tokio::test]
    async fn what_is_taken_goes_to_the_lane_under_its_lease() {
        let (handoff, _) = handoff();
        assert!(!becomes_due(&handoff, 1), "there is no lane");
        let mut mail = handoff.open(acme(), LEASE);
        mail.is_behind(false);
        assert!(becomes_due(&handoff, 2));
        let until = Timestamp::from_second(50).unwrap();
        assert_eq!(mail.next().await, Some(callback(2, Lease { owner: ME, until })));
        mail.lease_for(Duration::from_secs(9));
        assert!(becomes_due(&handoff, 3));
        assert_eq!(mail.next().await.unwrap().lease.until, Timestamp::from_second(9).unwrap());
    }

    #[tokio::test]
    async fn a_lane_has_a_bounded_number_of_places_and_is_behind_once_they_are_taken() {
        let (handoff, _) = handoff();
        let mut mail = handoff.open(acme(), LEASE);
        assert!(!becomes_due(&handoff, 0), "what an earlier run left comes first");
        mail.is_behind(false);
        let taken = (0..1000).filter(|number| becomes_due(&handoff, *number)).count();
        assert_eq!(taken, LANE_ROOM);
        mail.next().await.unwrap();
        assert!(!becomes_due(&handoff, 1000), "those in the store are older");
        mail.is_behind(false);
        assert!(becomes_due(&handoff, 1000));
        assert_eq!(mail.close().await.len(), LANE_ROOM);
        assert!(!becomes_due(&handoff, 1001));
    }

    #[test]
    fn what_an_operation_does_not_use_is_free_again() {
        let (handoff, _) = handoff();
        let mail = handoff.open(acme(), LEASE);
        mail.is_behind(false);
        let taking = handoff.taking();
        assert!(
            (0..LANE_ROOM).all(|_| taking.lease(&acme()).is_some()),
            "a transaction that is done again asks again"
        );
        assert_eq!(taking.lease(&acme()), None);
        taking.hand_on(HandedOn::nothing(()));
        mail.is_behind(false);
        assert!(becomes_due(&handoff, 1));
    }

    #[test]
    fn all_lanes_together_are_bounded() {
        let (handoff, _) = handoff();
        let mails: Vec<_> = (0..100)
            .map(|number| {
                let mail = handoff.open(AccountName(number.to_string()), LEASE);
                mail.is_behind(false);
                mail
            })
            .collect();
        let taking = handoff.taking();
        let room = |number: usize| taking.lease(&AccountName(number.to_string())).is_some();
        let taken =
            (0..mails.len()).flat_map(|number| (0..LANE_ROOM).map(move |_| number)).filter(|n| room(*n));
        assert_eq!(taken.count(), ALL_ROOM);
    }

    #[tokio::test]
    async fn what_is_left_rings() {
        let (handoff, bell) = handoff();
        becomes_due(&handoff, 1);
        bell.rung().await;
    }
}
