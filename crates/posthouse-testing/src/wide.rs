//! A store in which every search takes too long.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use posthouse_core::{
    Id,
    carrier::CarrierId,
    message::{StoredMessage, TimelineEvent},
    store::{CountBy, MessageCount, MessageFilter, NextStep, SearchStore, Store, StoreError, StoreResult},
    unreadable::KeptUnreadable,
};

use crate::fragile::{passes_on, passes_on_all_but_searches};

/// A store whose lists of messages take too long to find; it counts how often somebody asked for one.
pub struct WideStore(Arc<dyn Store>, Arc<AtomicU32>);

impl WideStore {
    /// A store, and where it is counted.
    pub fn new(store: Arc<dyn Store>, asked: Arc<AtomicU32>) -> Self {
        Self(store, asked)
    }
}

passes_on!(WideStore: IntakeStore, WorkStore, CallbackStore, ReportStore);
passes_on_all_but_searches!(WideStore);

#[async_trait]
impl SearchStore for WideStore {
    async fn message(&self, id: Id) -> StoreResult<Option<StoredMessage>> {
        self.0.message(id).await
    }

    async fn timeline(&self, id: Id) -> StoreResult<Option<Vec<TimelineEvent>>> {
        self.0.timeline(id).await
    }

    async fn next(&self, id: Id, now: Timestamp) -> StoreResult<Option<NextStep>> {
        self.0.next(id, now).await
    }

    async fn messages(&self, _: &MessageFilter, _: usize) -> StoreResult<Vec<StoredMessage>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        Err(StoreError::TooWide)
    }

    async fn nth_newest(&self, messages: u32) -> StoreResult<Option<Id>> {
        self.0.nth_newest(messages).await
    }

    async fn count(
        &self,
        filter: &MessageFilter,
        by: &[CountBy],
        limit: usize,
    ) -> StoreResult<Vec<MessageCount>> {
        self.0.count(filter, by, limit).await
    }

    async fn media(&self, id: Id) -> StoreResult<Vec<Bytes>> {
        self.0.media(id).await
    }

    async fn unreadable(
        &self,
        carrier: Option<&CarrierId>,
        below: Option<i64>,
        limit: usize,
    ) -> StoreResult<Vec<KeptUnreadable>> {
        self.0.unreadable(carrier, below, limit).await
    }
}
