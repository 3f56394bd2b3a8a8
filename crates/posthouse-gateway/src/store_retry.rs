//! Writes that only this process can make: they are asked for again while it is known that nothing was written.

use std::time::Duration;

use posthouse_core::store::StoreResult;
use tokio::time::sleep;

/// How often a write is asked for in all.
const TRIES: u32 = 4;
/// How long the first pause is; each next one is twice as long, so that all of them take less than a second.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// What came of an attempt is known here alone: where it is lost, a message that arrived counts as unknown, and a callback that was
/// acknowledged is sent once more. So what may pass is waited for, a moment each time. What may have been written is never asked for
/// again.
///
/// # Errors
/// What the last try failed with.
pub(crate) async fn retried<T, F>(write: impl Fn() -> F) -> StoreResult<T>
where
    F: Future<Output = StoreResult<T>>,
{
    let mut pause = FIRST_PAUSE;
    for _ in 1..TRIES {
        match write().await {
            Err(error) if error.may_pass() => {
                tracing::debug!(%error, "nothing was written; once more in a moment");
            }
            done => return done,
        }
        sleep(pause).await;
        pause *= 2;
    }
    write().await
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use posthouse_core::store::StoreError;

    use super::*;

    /// How often a write is asked for that fails like this, one after the other, and succeeds afterwards; and what comes of it.
    async fn tries(failures: &[StoreError]) -> (usize, StoreResult<()>) {
        let asked = AtomicUsize::new(0);
        let write = || {
            let failure = failures.get(asked.fetch_add(1, Ordering::Relaxed)).cloned();
            async move { failure.map_or(Ok(()), Err) }
        };
        let done = retried(write).await;
        (asked.into_inner(), done)
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_pass_is_asked_for_again() {
        let away = StoreError::not_done("the disk is away");
        assert_eq!(tries(&[]).await, (1, Ok(())));
        assert_eq!(tries(&[away.clone(), StoreError::Full, StoreError::Overloaded]).await, (4, Ok(())));
        let always: Vec<_> = (0..9).map(|_| away.clone()).collect();
        assert_eq!(tries(&always).await, (4, Err(away)), "and not for ever");
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_have_been_written_is_not() {
        for failure in [StoreError::failed("a commit failed"), StoreError::LostLease, StoreError::Closed] {
            assert_eq!(tries(std::slice::from_ref(&failure)).await, (1, Err(failure)));
        }
    }
}
