//! Whether this node takes anything new: an operator may drain it, and a process that is about to stop says so before its doors close.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Whether this node takes anything new.
#[derive(Debug, Default)]
pub struct DrainState {
    is_draining: AtomicBool,
    is_stopping: AtomicBool,
}

impl DrainState {
    /// An operator has the node drained: nothing new is taken, what is there goes out, and reports are taken. Returns whether it was not
    /// before.
    pub fn drain(&self) -> bool {
        !self.is_draining.swap(true, Relaxed)
    }

    /// An operator takes that back. Returns whether it was drained.
    pub fn undrain(&self) -> bool {
        self.is_draining.swap(false, Relaxed)
    }

    /// The process is about to stop: it is not ready any more, and goes on answering till its doors close.
    pub fn stop(&self) {
        self.is_stopping.store(true, Relaxed);
    }

    /// Whether an operator has it drained.
    pub fn is_draining(&self) -> bool {
        self.is_draining.load(Relaxed)
    }

    /// Whether the process is about to stop.
    pub fn is_stopping(&self) -> bool {
        self.is_stopping.load(Relaxed)
    }
}
