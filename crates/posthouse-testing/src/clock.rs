//! A clock that goes when it is told to.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use jiff::Timestamp;
use posthouse_core::time::Clock;

/// A clock that stands still. A gateway that waits for a time looks at it once a second.
#[derive(Debug)]
pub struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    /// A clock that shows the real time of this moment.
    pub fn now_still() -> Arc<Self> {
        Arc::new(Self(Mutex::new(Timestamp::now())))
    }

    /// Puts it forward.
    pub fn advance(&self, by: Duration) {
        let mut time = self.0.lock().expect("nobody panicked");
        *time += by;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().expect("nobody panicked")
    }
}
