//! What can be watched on live pages, and who watches.

use std::{collections::HashMap, sync::Arc};

use posthouse_core::{actor::Role, lock::Mutex};
use tokio::sync::{Semaphore, watch};

/// How many streams there may be at a time. Pages without one ask by themselves.
pub(super) const MOST: usize = 64;

/// What can be watched.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum LiveTopic {
    Overview,
    Queues,
    Carrier(String),
    /// A message, with what those of this role may do about it.
    Message(String, Role),
}

/// What watchers of a topic see: the part, its number, and the time when it was computed.
#[derive(Clone, Debug, Default)]
pub(super) struct LivePart {
    pub(super) html: Arc<str>,
    pub(super) number: u64,
    pub(super) time: String,
}

/// The topics that somebody watches, and how many streams there may still be.
pub(super) struct LiveTopics {
    pub(super) watched: Mutex<HashMap<LiveTopic, watch::Sender<LivePart>>>,
    pub(super) streams: Arc<Semaphore>,
}

impl Default for LiveTopics {
    fn default() -> Self {
        Self { watched: Mutex::default(), streams: Arc::new(Semaphore::new(MOST)) }
    }
}
