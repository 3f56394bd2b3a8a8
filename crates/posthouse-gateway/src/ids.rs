//! The node's source of MessageIDs, shared by all that make any.

use jiff::Timestamp;
use posthouse_core::{Id, id::IdSource, lock::Mutex};

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
        self.0.lock().next(now)
    }
}
