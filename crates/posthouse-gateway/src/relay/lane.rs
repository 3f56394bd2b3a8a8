//! One account's lane: takes what is owed to it from the store and delivers it, a few at a time.

use std::{sync::Arc, time::Duration};

use posthouse_core::{
    account::{AccountName, Callbacks},
    store::{Callback, CallbackOutcome, Lease, StoreError},
    time::after,
    tls::PeerTls,
};
use tokio::{
    sync::{Notify, Semaphore},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use super::{Shared, deliver::deliver};
use crate::http::client::HttpClient;

/// How many callbacks an account gets at a time.
const AT_A_TIME: usize = 16;
/// How many are in hand: while some are under way, others are leased and settled.
const IN_HAND: usize = 128;
/// So much room there is at least before the store is asked for more: a commit for each callback would be dear.
const PULL_FROM: usize = 32;
/// What a try may take beyond the VASP's time-out before another node may make it.
const GRACE: Duration = Duration::from_secs(20);

pub(super) struct Lane {
    shared: Arc<Shared>,
    account: AccountName,
    bell: Arc<Notify>,
    client: Option<(Duration, Option<PeerTls>, HttpClient)>,
    tries: JoinSet<()>,
    /// Who may be at the VASP; the others lease and settle meanwhile.
    turns: Arc<Semaphore>,
}

impl Lane {
    pub(super) fn new(shared: Arc<Shared>, account: AccountName, bell: Arc<Notify>) -> Self {
        Self {
            shared,
            account,
            bell,
            client: None,
            tries: JoinSet::new(),
            turns: Arc::new(Semaphore::new(AT_A_TIME)),
        }
    }

    pub(super) async fn run(mut self, stop: CancellationToken) {
        let bell = Arc::clone(&self.bell);
        loop {
            let has_room = self.tries.len() + PULL_FROM <= IN_HAND;
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(ended) = self.tries.join_next() => {
                    if let Err(error) = ended {
                        tracing::error!(%error, account = %self.account, "a callback broke off");
                    }
                }
                () = bell.notified(), if has_room => self.pull().await,
            }
        }
        // What waits for its turn is left to the next run.
        self.turns.close();
        while self.tries.join_next().await.is_some() {}
    }

    /// Leases what is due, as much as there is room for.
    async fn pull(&mut self) {
        let account = self.shared.snapshot.get().account(&self.account).cloned();
        let callbacks = account.as_ref().map_or_else(Callbacks::default, |account| account.callbacks.clone());
        let now = self.shared.clock.now();
        let lease = Lease { owner: self.shared.owner, until: after(now, callbacks.timeout + GRACE) };
        let room = IN_HAND.saturating_sub(self.tries.len());
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
        let client = self.client(&callbacks);
        for callback in leased {
            let (shared, account, client) = (Arc::clone(&self.shared), account.clone(), client.clone());
            let (turns, timeout) = (Arc::clone(&self.turns), callbacks.timeout);
            let bell = Arc::clone(&self.bell);
            self.tries.spawn(async move {
                let Ok(turn) = turns.acquire().await else { return };
                // It waited so long that somebody else may get it while it is under way.
                if callback.lease.until < after(shared.clock.now(), timeout) {
                    return;
                }
                let outcome = deliver(&shared, account.as_deref(), &client, &callback).await;
                drop(turn);
                if settle(&shared, &callback, outcome).await {
                    bell.notify_one();
                }
            });
        }
    }

    /// The account's client; a new one when its time-out or its TLS was changed.
    fn client(&mut self, callbacks: &Callbacks) -> HttpClient {
        let Callbacks { timeout, tls, .. } = callbacks;
        match &self.client {
            Some((known, known_tls, client)) if known == timeout && known_tls == tls => client.clone(),
            _ => {
                let client = HttpClient::new(*timeout, AT_A_TIME, tls.as_ref());
                self.client = Some((*timeout, tls.clone(), client.clone()));
                client
            }
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
    match shared.store.settle_callback(id, shared.owner, outcome, shared.clock.now()).await {
        Ok(another_is_due) => return another_is_due,
        Err(StoreError::LostLease) => {
            tracing::warn!(id = %message, "the callback's lease was lost; it may come twice")
        }
        Err(error) => tracing::error!(%error, id = %message, "a callback could not be settled"),
    }
    false
}
