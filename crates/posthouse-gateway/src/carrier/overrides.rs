//! What operators decided, out of the store into what works: suspended and limited connections, and accounts whose callbacks are paused.
//! It counts however it came into the store: by this gateway's API, by another node's, or by a command that wrote it there.

use std::{sync::Arc, time::Duration};

use posthouse_core::{
    overrides::ConnectionOverride,
    store::{Store, StoreResult},
    time::Clock,
};
use tokio::{sync::Mutex as Turns, time::sleep};
use tokio_util::sync::CancellationToken;

use super::board::LinkBoard;
use crate::handoff::callbacks::CallbackHandoff;

/// How often the store is looked at. Each look is two reads of a few rows.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Follows what operators decided.
pub struct OverrideFollower {
    store: Arc<dyn Store>,
    board: Arc<LinkBoard>,
    callbacks: Arc<CallbackHandoff>,
    clock: Arc<dyn Clock>,
    /// What was found last. One look at a time: an older one never comes after a newer one.
    found: Turns<Vec<ConnectionOverride>>,
}

impl OverrideFollower {
    /// Follows it for these connections, and for the callbacks that go on from memory.
    pub fn new(
        store: Arc<dyn Store>,
        (board, callbacks): (Arc<LinkBoard>, Arc<CallbackHandoff>),
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { store, board, callbacks, clock, found: Turns::default() }
    }

    /// Looks, and puts in force what is there. What is over ends in any case.
    ///
    /// # Errors
    /// What the store says; what was found before stays then.
    pub async fn look(&self) -> StoreResult<()> {
        let mut found = self.found.lock().await;
        let looked = self.store.overrides(self.clock.now()).await.map(|now| *found = now);
        self.board.override_with(&found, self.clock.now());
        looked?;
        self.callbacks.paused(self.store.paused_endpoints().await?);
        Ok(())
    }

    /// Looks again and again till `stop`.
    pub async fn follow(self: Arc<Self>, stop: CancellationToken) {
        let mut is_told = false;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep(LOOK_EVERY) => {}
            }
            match self.look().await {
                Err(error) if !is_told => {
                    tracing::error!(%error, "what operators decided cannot be read; what was in force stays");
                    is_told = true;
                }
                looked => is_told = looked.is_err(),
            }
        }
    }
}
