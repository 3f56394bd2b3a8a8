//! What is particular to an account's lane: it takes what is owed to the account from the store, and delivers a few at a time.

use std::{future::pending, sync::Arc, time::Duration};

use posthouse_core::{
    Id,
    account::{Account, AccountName, Callbacks},
    store::{Callback, CallbackOutcome, HandedOn, Lease},
    time::after,
    tls::PeerTls,
};
use tokio::{
    sync::Notify,
    task::JoinError,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::{
    CallbackContext,
    deliver::deliver,
    health::{EndpointHealth, Failures},
    windows::CallbackWindow,
};
use crate::{
    handoff::callbacks::CallbackMail,
    http::client::HttpClient,
    lanes::Worker,
    store_retry::{KeptOutcome, kept},
};

/// How many callbacks are in hand for each that may be under way: while some are, others are leased and settled.
const IN_HAND: usize = 8;
/// What a try may take beyond the VASP's time-out before another node may make it.
const GRACE: Duration = Duration::from_secs(20);

/// Delivers one account's callbacks.
pub struct CallbackWorker {
    context: Arc<CallbackContext>,
    account: AccountName,
    /// What became due, from memory.
    fresh: CallbackMail,
    bell: Arc<Notify>,
    stop: CancellationToken,
    way: Option<Arc<Way>>,
    /// The tries that may be under way from here; others are leased and settled meanwhile.
    window: Arc<CallbackWindow>,
    health: Arc<EndpointHealth>,
}

/// A callback to be delivered, with the provisioning that it goes out by.
pub struct DueCallback {
    callback: Callback,
    account: Option<Arc<Account>>,
    way: Arc<Way>,
}

impl Worker for CallbackWorker {
    type Context = CallbackContext;
    type Name = AccountName;
    type Job = DueCallback;
    type End = ();

    fn open(
        context: &Arc<CallbackContext>,
        account: &AccountName,
        bell: &Arc<Notify>,
        stop: &CancellationToken,
    ) -> Self {
        let (context, bell) = (Arc::clone(context), Arc::clone(bell));
        let fresh = context.handoff.open(account.clone(), Callbacks::default().timeout + GRACE);
        let window = context.windows.of(account);
        let mut worker = Self {
            context,
            account: account.clone(),
            fresh,
            bell,
            stop: stop.clone(),
            way: None,
            window,
            health: Arc::default(),
        };
        worker.follow_provisioning();
        worker
    }

    fn id(job: &DueCallback) -> Id {
        job.callback.id
    }

    fn attempts(job: &DueCallback) -> u32 {
        job.callback.attempts
    }

    /// One that was tried no more often than the one in hand is that one, whose lease ran out: it is no reason to deliver twice.
    fn is_next_try(job: &DueCallback, attempts: u32) -> bool {
        attempts < job.callback.attempts
    }

    /// While others deliver what is owed, nothing is taken from memory: it waits in the store, where they find it.
    fn refresh(&mut self) {
        if self.window.is_at_others() {
            self.fresh.is_behind(true);
        }
    }

    fn capacity(&self) -> usize {
        places(self.window.places()).saturating_mul(IN_HAND)
    }

    /// Waits for what comes from memory, and for the next line about an endpoint that fails.
    async fn next(&mut self, free: usize) -> Option<DueCallback> {
        let line = self.health.next_line();
        let fresh = tokio::select! {
            biased;
            () = line_due(line) => None,
            Some(fresh) = self.fresh.next(), if free > 0 => Some(fresh),
        };
        if fresh.is_none()
            && let Some(failures) = self.health.line(Instant::now())
        {
            log(&self.account, &failures);
        }
        let callback = fresh?;
        let (account, way) = self.follow_provisioning();
        Some(DueCallback { callback, account, way })
    }

    async fn lease(&mut self, free: usize) -> Vec<DueCallback> {
        let (account, way) = self.follow_provisioning();
        if self.window.is_at_others() {
            self.fresh.is_behind(true);
            return Vec::new();
        }
        let now = self.context.clock.now();
        let lease = Lease { owner: self.context.owner, until: after(now, way.timeout + GRACE) };
        // What is left in the store from here on says so itself.
        self.fresh.is_behind(false);
        let leased = match self.context.store.lease_callbacks(&self.account, lease, now, free).await {
            Ok(leased) => leased,
            Err(error) => {
                tracing::error!(%error, account = %self.account, "no callbacks could be leased");
                self.fresh.is_behind(true);
                return Vec::new();
            }
        };
        if leased.len() == free {
            // There may be more: look again as soon as there is room.
            self.fresh.is_behind(true);
            self.bell.notify_one();
        }
        let due = |callback| DueCallback { callback, account: account.clone(), way: Arc::clone(&way) };
        leased.into_iter().map(due).collect()
    }

    fn work(&self, job: DueCallback) -> impl Future<Output = ()> + Send + 'static {
        let (context, bell, stop) = (Arc::clone(&self.context), Arc::clone(&self.bell), self.stop.clone());
        let (health, window) = (Arc::clone(&self.health), Arc::clone(&self.window));
        let DueCallback { callback, account, way } = job;
        let (id, message) = (callback.id, callback.message);
        let span =
            tracing::debug_span!("callback", id = %message, callback = %id, account = %callback.account);
        let attempt = async move {
            let turn = tokio::select! {
                biased;
                // What waits for its turn is left to the next run, or to another node.
                () = stop.cancelled() => return give_back(&context, &[id]).await,
                turn = window.turn() => turn,
            };
            // What is others' to deliver is left to them.
            let Some(turn) = turn else { return give_back(&context, &[id]).await };
            // It waited so long that another node may get it while it is under way.
            if callback.lease.until < after(context.clock.now(), way.timeout) {
                return;
            }
            let began = Instant::now();
            let outcome = deliver(&context, account.as_deref(), &way.client, &callback).await;
            drop(turn);
            context.metrics.callback_ended(&callback, &outcome, began.elapsed());
            if settle(&context, &health, &callback, outcome).await {
                bell.notify_one();
            }
        };
        attempt.instrument(span)
    }

    fn ended(&mut self, (): ()) {}

    fn broke_off(&self, error: &JoinError) {
        tracing::error!(%error, account = %self.account, "a callback broke off");
    }

    async fn stop(&mut self) {
        if let Some(failures) = self.health.rest() {
            log(&self.account, &failures);
        }
        let unbegun: Vec<Id> = self.fresh.close().await.into_iter().map(|callback| callback.id).collect();
        give_back(&self.context, &unbegun).await;
    }

    async fn give_back(&mut self, jobs: Vec<DueCallback>) {
        let unbegun: Vec<Id> = jobs.into_iter().map(|job| job.callback.id).collect();
        give_back(&self.context, &unbegun).await;
    }
}

/// What was not begun is due at once, for whoever asks.
async fn give_back(context: &CallbackContext, unbegun: &[Id]) {
    if unbegun.is_empty() {
        return;
    }
    if let Err(error) = context.store.release_callbacks(unbegun, context.owner, context.clock.now()).await {
        tracing::error!(%error, "leases of callbacks could not be given back; they run out by themselves");
    }
}

/// Waits till a line of the log is due; for ever where none is.
async fn line_due(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => pending().await,
    }
}

impl CallbackWorker {
    /// The account as it is provisioned, and the way to it.
    fn follow_provisioning(&mut self) -> (Option<Arc<Account>>, Arc<Way>) {
        let account = self.context.snapshot.get().account(&self.account).cloned();
        let default = Callbacks::default();
        let way = self.way(account.as_ref().map_or(&default, |account| &account.callbacks));
        self.window.is_provisioned(way.window);
        self.fresh.lease_for(way.timeout + GRACE);
        (account, way)
    }

    /// The way to the account's VASP; a new one when it was provisioned otherwise.
    fn way(&mut self, callbacks: &Callbacks) -> Arc<Way> {
        match &self.way {
            Some(way) if way.is_of(callbacks) => Arc::clone(way),
            _ => Arc::clone(self.way.insert(Arc::new(Way::new(callbacks)))),
        }
    }
}

/// The way to the VASP, as provisioned.
struct Way {
    timeout: Duration,
    tls: Option<PeerTls>,
    window: u32,
    client: HttpClient,
}

impl Way {
    fn new(callbacks: &Callbacks) -> Self {
        let Callbacks { timeout, window, .. } = *callbacks;
        Self {
            timeout,
            tls: callbacks.tls.clone(),
            window,
            client: HttpClient::new(timeout, places(window), callbacks.tls.as_ref()),
        }
    }

    fn is_of(&self, callbacks: &Callbacks) -> bool {
        self.timeout == callbacks.timeout && self.window == callbacks.window && self.tls == callbacks.tls
    }
}

fn places(window: u32) -> usize {
    usize::try_from(window.max(1)).unwrap_or(1)
}

/// Settles a try. Returns whether something else became due by it.
async fn settle(
    context: &CallbackContext,
    health: &EndpointHealth,
    callback: &Callback,
    outcome: CallbackOutcome,
) -> bool {
    let (id, message) = (callback.id, callback.message);
    tell(health, callback, &outcome);
    let now = context.clock.now();
    let due_again = match &outcome {
        CallbackOutcome::Again { due, .. } => Some(*due),
        _ => None,
    };
    let taking = context.handoff.taking();
    let settle =
        || context.store.settle_callback(id, context.owner, outcome.clone(), now, Some(taking.clone() as _));
    match kept(settle, &context.stop).await {
        KeptOutcome::Stored(HandedOn { callbacks, left_due, .. }) => {
            taking.hand_on(HandedOn { answer: (), callbacks, left_due: false });
            if outcome == CallbackOutcome::Delivered {
                note_delivery(context, health, callback).await;
            }
            if let Some(due) = due_again {
                context.bell.ring_for(due, now);
            }
            return left_due;
        }
        KeptOutcome::StoredBefore => {
            tracing::debug!(id = %message, "settled by an earlier try");
            return true;
        }
        KeptOutcome::Lost => {
            tracing::warn!(id = %message, "the callback's lease was lost; it may come twice")
        }
        KeptOutcome::GivenUp(error) => {
            tracing::error!(%error, id = %message, "a callback could not be settled")
        }
    }
    false
}

/// Tells the log how a try ended; of one that failed, no oftener than it has to.
fn tell(health: &EndpointHealth, callback: &Callback, outcome: &CallbackOutcome) {
    let (message, account) = (callback.message, &callback.account);
    let (said, for_good) = match outcome {
        CallbackOutcome::Delivered => {
            tracing::debug!(id = %message, %account, "callback delivered");
            return;
        }
        CallbackOutcome::Withdrawn { said } => {
            tracing::debug!(id = %message, %account, said, "callback withdrawn");
            return;
        }
        CallbackOutcome::Again { said, .. } => (&said.words, false),
        CallbackOutcome::Failed { said } => (&said.words, true),
    };
    tracing::debug!(id = %message, %account, said, for_good, "callback not delivered");
    if let Some(failures) = health.failed(message, said, for_good, Instant::now()) {
        log(account, &failures);
    }
}

/// One line about tries that failed.
fn log(account: &AccountName, failures: &Failures) {
    let Failures { tries, for_good, about, said } = failures;
    let id = about.map(tracing::field::display);
    match for_good {
        0 => tracing::warn!(%account, tries, id, said, "callbacks are not delivered"),
        failed => {
            tracing::error!(%account, tries, failed, id, said, "callbacks are not delivered; some failed for good")
        }
    }
}

/// The endpoint does not fail any more. What the store does not take now, it is told after the next delivery that follows a failure.
async fn note_delivery(context: &CallbackContext, health: &EndpointHealth, callback: &Callback) {
    let account = &callback.account;
    let delivery = health.delivered(Instant::now());
    if delivery.ends_failing {
        tracing::info!(%account, "callbacks are delivered again");
    }
    if delivery.is_news
        && let Err(error) = context.store.note_recovered(account).await
    {
        tracing::warn!(%error, %account, "the store could not note that callbacks are delivered again");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn callbacks(window: u32) -> Callbacks {
        Callbacks { window, ..Callbacks::default() }
    }

    #[tokio::test]
    async fn a_way_that_is_provisioned_otherwise_is_another() {
        let way = Way::new(&callbacks(2));
        assert!(way.is_of(&callbacks(2)));
        assert!(!way.is_of(&callbacks(3)));
        assert!(!way.is_of(&Callbacks { timeout: Duration::from_secs(1), ..callbacks(2) }));
    }
}
