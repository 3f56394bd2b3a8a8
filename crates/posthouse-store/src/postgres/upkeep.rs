//! What a gateway's store does in the background: partitions ahead of their time, and a second look at reports whose message was not known.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use posthouse_core::lock::Mutex;
use tokio::task::JoinHandle;

use super::{
    partition::Partitions,
    waiting,
    writer::{BatchWriter, HandIn},
};
use crate::sqlite::transaction::Transaction;

/// How often reports are looked at.
const EVERY: Duration = Duration::from_secs(1);
/// Partitions are made every so many rounds.
const PARTITIONS: u32 = 600;
/// So many reports at most are looked at in one round.
const LOOKS: u32 = 1000;

/// The task that does it, which ends with this.
#[derive(Debug)]
pub(super) struct Upkeep(Mutex<Option<JoinHandle<()>>>);

impl Upkeep {
    /// Begins, for a gateway; a visitor keeps nothing up.
    pub(super) fn start(serves: bool, writer: Arc<BatchWriter>, partitions: Arc<Partitions>) -> Self {
        let task = serves.then(|| tokio::spawn(keep_up(writer, partitions)));
        Self(Mutex::new(task))
    }

    /// Ends.
    pub(super) fn stop(&self) {
        if let Some(task) = self.0.lock().take() {
            task.abort();
        }
    }
}

impl Drop for Upkeep {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn keep_up(writer: Arc<BatchWriter>, partitions: Arc<Partitions>) {
    let mut round = 0_u32;
    loop {
        tokio::time::sleep(EVERY).await;
        round = round.wrapping_add(1);
        if round.is_multiple_of(PARTITIONS)
            && let Err(fault) = partitions.make_ahead(Timestamp::now()).await
        {
            tracing::error!(%fault, "partitions of the days to come cannot be made: without them nothing is accepted then");
        }
        for _ in 0..LOOKS {
            let how = HandIn { transaction: Transaction::RecordReport, weight: 1000, may_repeat: true };
            let looked = writer
                .submit(how, |tx| Box::pin(async move { waiting::look_again(&tx, Timestamp::now()).await }));
            if !matches!(looked.await, Ok(true)) {
                break;
            }
        }
    }
}
