//! One account's lane: takes what is owed to it from the store and delivers it, a few at a time.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
    time::Duration,
};

use posthouse_core::{
    Id,
    account::{Account, AccountName, Callbacks},
    store::{Callback, CallbackOutcome, Lease, StoreError},
    time::after,
    tls::PeerTls,
};
use tokio::{
    sync::{Notify, Semaphore},
    task::{JoinError, JoinSet},
};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::{Shared, deliver::deliver};
use crate::{due::has_to_be_told, http::client::HttpClient, store_retry::retried};

/// How many callbacks are in hand for each that may be under way: while some are, others are leased and settled.
const IN_HAND: usize = 8;
/// Of its room a lane has at least so great a part free before it asks the store for more: a commit for each callback would be
/// dear.
const PULL_FROM: usize = 4;
/// What a try may take beyond the VASP's time-out before another node may make it.
const GRACE: Duration = Duration::from_secs(20);

pub(super) struct Lane {
    shared: Arc<Shared>,
    account: AccountName,
    bell: Arc<Notify>,
    stop: CancellationToken,
    way: Option<Way>,
    tries: JoinSet<Id>,
    /// What this lane works on: a lease that ran out meanwhile, since the clock was set or the process stopped, is no reason to deliver
    /// twice. Each with how often it was tried before.
    in_hand: HashMap<Id, u32>,
    /// What was leased while it was in hand since it became due again at once, and the end of its try is not seen here yet. It comes
    /// next; left alone, it would wait for the end of its lease.
    again: HashMap<Id, (Callback, Option<Arc<Account>>, Way)>,
}

/// The way to the VASP, as provisioned.
#[derive(Clone)]
struct Way {
    timeout: Duration,
    tls: Option<PeerTls>,
    window: u32,
    client: HttpClient,
    /// Who may be at the VASP; the others lease and settle meanwhile.
    turns: Arc<Semaphore>,
}

impl Way {
    fn new(callbacks: &Callbacks) -> Self {
        let Callbacks { timeout, window, .. } = *callbacks;
        let places = places(window);
        Self {
            timeout,
            tls: callbacks.tls.clone(),
            window,
            client: HttpClient::new(timeout, places, callbacks.tls.as_ref()),
            turns: Arc::new(Semaphore::new(places)),
        }
    }

    fn is_of(&self, callbacks: &Callbacks) -> bool {
        self.timeout == callbacks.timeout && self.window == callbacks.window && self.tls == callbacks.tls
    }
}

fn places(window: u32) -> usize {
    usize::try_from(window.max(1)).unwrap_or(1)
}

impl Lane {
    pub(super) fn new(
        shared: Arc<Shared>,
        account: AccountName,
        bell: Arc<Notify>,
        stop: CancellationToken,
    ) -> Self {
        Self {
            shared,
            account,
            bell,
            stop,
            way: None,
            tries: JoinSet::new(),
            in_hand: HashMap::new(),
            again: HashMap::new(),
        }
    }

    pub(super) async fn run(mut self) {
        let (bell, stop) = (Arc::clone(&self.bell), self.stop.clone());
        loop {
            let has_room = self.room() * PULL_FROM >= self.capacity();
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(ended) = self.tries.join_next() => {
                    self.ended(ended);
                }
                () = bell.notified(), if has_room => self.pull().await,
            }
        }
        while self.tries.join_next().await.is_some() {}
    }

    fn ended(&mut self, ended: Result<Id, JoinError>) {
        match ended {
            Ok(id) => {
                self.in_hand.remove(&id);
                if let Some((callback, account, way)) = self.again.remove(&id) {
                    self.start(callback, account, way);
                }
            }
            Err(error) => {
                // Which it was is not known any more.
                tracing::error!(%error, account = %self.account, "a callback broke off");
                self.in_hand.clear();
                self.again.clear();
            }
        }
    }

    fn capacity(&self) -> usize {
        let window = self.way.as_ref().map_or_else(|| Callbacks::default().window, |way| way.window);
        places(window).saturating_mul(IN_HAND)
    }

    fn room(&self) -> usize {
        self.capacity().saturating_sub(self.tries.len())
    }

    /// Leases what is due, as much as there is room for.
    async fn pull(&mut self) {
        let account = self.shared.snapshot.get().account(&self.account).cloned();
        let callbacks = account.as_ref().map_or_else(Callbacks::default, |account| account.callbacks.clone());
        let way = self.way(&callbacks);
        let now = self.shared.clock.now();
        let lease = Lease { owner: self.shared.owner, until: after(now, callbacks.timeout + GRACE) };
        let room = self.room();
        let leased = match self.shared.store.lease_callbacks(&self.account, lease, now, room).await {
            Ok(leased) => leased,
            Err(error) => {
                tracing::error!(%error, account = %self.account, "no callbacks could be leased");
                return;
            }
        };
        if leased.len() == room {
            // There may be more: look again as soon as there is room.
            self.bell.notify_one();
        }
        for callback in leased {
            self.start(callback, account.clone(), way.clone());
        }
    }

    fn start(&mut self, callback: Callback, account: Option<Arc<Account>>, way: Way) {
        let id = callback.id;
        match self.in_hand.entry(id) {
            Entry::Vacant(place) => {
                place.insert(callback.attempts);
            }
            // That try is over and settled: this is the next.
            Entry::Occupied(tried) if *tried.get() < callback.attempts => {
                self.again.insert(id, (callback, account, way));
                return;
            }
            Entry::Occupied(_) => return,
        }
        let (shared, bell, stop) = (Arc::clone(&self.shared), Arc::clone(&self.bell), self.stop.clone());
        let span = tracing::debug_span!("callback", id = %callback.message, callback = %id, account = %callback.account);
        let attempt = async move {
            let turn = tokio::select! {
                biased;
                // What waits for its turn is left to the next run.
                () = stop.cancelled() => return id,
                turn = way.turns.acquire() => turn,
            };
            let Ok(turn) = turn else { return id };
            // It waited so long that somebody else may get it while it is under way.
            if callback.lease.until < after(shared.clock.now(), way.timeout) {
                return id;
            }
            let outcome = deliver(&shared, account.as_deref(), &way.client, &callback).await;
            drop(turn);
            if settle(&shared, &callback, outcome).await {
                bell.notify_one();
            }
            id
        };
        self.tries.spawn(attempt.instrument(span));
    }

    /// The way to the account's VASP; a new one when it was provisioned otherwise.
    fn way(&mut self, callbacks: &Callbacks) -> Way {
        match &self.way {
            Some(way) if way.is_of(callbacks) => way.clone(),
            _ => self.way.insert(Way::new(callbacks)).clone(),
        }
    }
}

/// Settles a try; whether something else became due by it.
async fn settle(shared: &Shared, callback: &Callback, outcome: CallbackOutcome) -> bool {
    shared.metrics.callback_ended(&outcome);
    let (id, message, account) = (callback.id, callback.message, &callback.account);
    match &outcome {
        CallbackOutcome::Delivered => tracing::debug!(id = %message, %account, "callback delivered"),
        CallbackOutcome::Again { said, .. } => {
            tracing::warn!(id = %message, %account, said, "callback not delivered")
        }
        CallbackOutcome::Failed { said } => {
            tracing::error!(id = %message, %account, said, "callback failed for good")
        }
        CallbackOutcome::Withdrawn { said } => {
            tracing::debug!(id = %message, %account, said, "callback withdrawn")
        }
    }
    let now = shared.clock.now();
    let is_due_soon = matches!(outcome, CallbackOutcome::Again { due, .. } if has_to_be_told(due, now));
    let settle = || shared.store.settle_callback(id, shared.owner, outcome.clone(), now);
    match retried(settle).await {
        Ok(another_is_due) => {
            if is_due_soon {
                shared.handoff.ring();
            }
            return another_is_due;
        }
        Err(StoreError::LostLease) => {
            tracing::warn!(id = %message, "the callback's lease was lost; it may come twice")
        }
        Err(error) => tracing::error!(%error, id = %message, "a callback could not be settled"),
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn callbacks(window: u32) -> Callbacks {
        Callbacks { window, ..Callbacks::default() }
    }

    #[tokio::test]
    async fn as_many_are_under_way_as_the_window_lets() {
        let way = Way::new(&callbacks(2));
        let turns = [way.turns.try_acquire(), way.turns.try_acquire()];
        assert!(turns.iter().all(Result::is_ok));
        assert!(way.turns.try_acquire().is_err(), "the third waits");
        drop(turns);
        assert!(way.turns.try_acquire().is_ok());
    }

    #[tokio::test]
    async fn a_way_that_is_provisioned_otherwise_is_another() {
        let way = Way::new(&callbacks(2));
        assert!(way.is_of(&callbacks(2)));
        assert!(!way.is_of(&callbacks(3)));
        assert!(!way.is_of(&Callbacks { timeout: Duration::from_secs(1), ..callbacks(2) }));
    }
}
