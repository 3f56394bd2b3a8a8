//! What the process logs, and how that is changed while it runs: the program that starts the gateway has the log.

use std::fmt;

use posthouse_core::lock::Mutex;

/// Sets what is logged; whether that could be done.
type SetLevels = Box<dyn Fn(&str) -> bool + Send + Sync>;

/// The levels of a log.
pub struct LogLevels {
    current: Mutex<String>,
    set: SetLevels,
}

impl LogLevels {
    /// Those of a log that logs at these levels, and is told by `set` of others.
    pub fn new(current: String, set: SetLevels) -> Self {
        Self { current: Mutex::new(current), set }
    }

    /// Somebody else changed them.
    pub fn note(&self, levels: &str) {
        levels.clone_into(&mut self.current.lock());
    }

    /// Logs at these levels from now on; returns those before. `None`: the log does not take them.
    pub fn change(&self, levels: &str) -> Option<String> {
        let mut current = self.current.lock();
        (self.set)(levels).then(|| std::mem::replace(&mut *current, levels.to_owned()))
    }
}

impl fmt::Debug for LogLevels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LogLevels").field(&*self.current.lock()).finish()
    }
}
