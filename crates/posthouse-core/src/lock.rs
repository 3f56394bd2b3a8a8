//! Locks without poison. What they guard is changed in steps that leave it whole, so a panic elsewhere is no reason for a second one
//! here.

use std::sync::{self, MutexGuard, PoisonError, RwLockReadGuard, RwLockWriteGuard};

/// [`std::sync::Mutex`], whose lock is always had.
#[derive(Debug, Default)]
pub struct Mutex<T: ?Sized>(sync::Mutex<T>);

impl<T> Mutex<T> {
    /// Guards a value.
    pub const fn new(value: T) -> Self {
        Self(sync::Mutex::new(value))
    }
}

impl<T: ?Sized> Mutex<T> {
    /// Waits for the lock.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// [`std::sync::RwLock`], whose locks are always had.
#[derive(Debug, Default)]
pub struct RwLock<T: ?Sized>(sync::RwLock<T>);

impl<T> RwLock<T> {
    /// Guards a value.
    pub const fn new(value: T) -> Self {
        Self(sync::RwLock::new(value))
    }
}

impl<T: ?Sized> RwLock<T> {
    /// Waits till nobody writes.
    pub fn read(&self) -> RwLockReadGuard<'_, T> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits till nobody reads or writes.
    pub fn write(&self) -> RwLockWriteGuard<'_, T> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, thread};

    use super::*;

    #[test]
    fn a_panic_elsewhere_takes_no_lock_away() {
        let guarded = Arc::new((Mutex::new(1), RwLock::new(2)));
        let theirs = Arc::clone(&guarded);
        let panicked = thread::spawn(move || {
            let _guards = (theirs.0.lock(), theirs.1.write());
            panic!("on purpose");
        });
        assert!(panicked.join().is_err());
        *guarded.0.lock() += 10;
        *guarded.1.write() += 10;
        assert_eq!((*guarded.0.lock(), *guarded.1.read()), (11, 12));
    }
}
