//! The node's source of MessageIDs, shared by all that make any.

use std::time::Duration;

use jiff::Timestamp;
use posthouse_core::{
    Id,
    id::IdSource,
    lock::Mutex,
    store::{StoreError, StoreResult},
};

/// When the store may have allowed later ids.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Makes MessageIDs, below a time that the store allows.
#[derive(Debug)]
pub struct MessageIds(Mutex<Source>);

#[derive(Debug)]
struct Source {
    ids: IdSource,
    until: Timestamp,
}

impl MessageIds {
    /// Shares a source, of which ids are made at times before `until`.
    pub const fn new(ids: IdSource, until: Timestamp) -> Self {
        Self(Mutex::new(Source { ids, until }))
    }

    /// The next id.
    ///
    /// # Errors
    /// [`Unavailable`](StoreError::Unavailable) while the store has not allowed so late ones: nothing can be taken till it has.
    pub fn next(&self, now: Timestamp) -> StoreResult<Id> {
        let mut source = self.0.lock();
        let until = source.until;
        let id = source.ids.next(now);
        if id.time() < until { Ok(id) } else { Err(StoreError::Unavailable { retry_after: RETRY_AFTER }) }
    }

    /// Later ids are allowed.
    pub fn extend(&self, until: Timestamp) {
        let mut source = self.0.lock();
        source.until = source.until.max(until);
    }

    /// Another source from now on: the node has another number.
    pub fn replace(&self, ids: IdSource, until: Timestamp) {
        *self.0.lock() = Source { ids, until };
    }
}
