//! Asking a store that is busy.

use posthouse_core::store::{StoreError, StoreResult};

/// How many times a store that is busy is asked. Each time it is waited for by itself.
const TRIES: usize = 5;

/// Does it once more while the store is busy with what VASPs send.
pub(crate) async fn patiently<T, F: Future<Output = StoreResult<T>>>(work: impl Fn() -> F) -> StoreResult<T> {
    for _ in 1..TRIES {
        match work().await {
            Err(StoreError::Overloaded) => {}
            done => return done,
        }
    }
    work().await
}
