//! The node's source of MessageIDs, shared by all that make any.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use posthouse_core::{Id, id::IdSource};

/// Makes MessageIDs.
#[derive(Debug)]
pub struct MessageIds(Mutex<IdSource>);

impl MessageIds {
    /// Shares a source.
    pub const fn new(source: IdSource) -> Self {
        Self(Mutex::new(source))
    }

    /// The next id.
    pub fn next(&self, now: Timestamp) -> Id {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).next(now)
    }
}
