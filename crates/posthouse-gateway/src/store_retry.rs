//! Writes that only this process can make: what it learned of an attempt, which is known here alone. They are kept in hand, and asked for
//! again till they are stored.

use std::time::Duration;

use posthouse_core::store::{StoreError, StoreResult};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

/// How often a write is asked for in all that fails for no reason which passes by itself.
const TRIES: u32 = 4;
/// How long the first pause is; each next one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// How long a gateway that stops waits for a store that is away.
const STOPS_WITHIN: Duration = Duration::from_secs(10);

/// What became of a write.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum KeptOutcome<T> {
    /// It is stored, with this answer.
    Stored(T),
    /// An earlier try, which nobody knew the outcome of, stored it, or another owner has the work by now. There is nothing left to do.
    StoredBefore,
    /// Another owner has the work by now.
    Lost,
    /// It cannot be stored, for this reason: it is lost.
    GivenUp(StoreError),
}

/// Asks for a write till it is stored. Where it is lost, a message that arrived counts as unknown, and a callback that was acknowledged is
/// sent once more: so while the store [is away](StoreError::passes_by_itself), it waits, however long that takes. What waits keeps its
/// place in its lane, so that the lane's window bounds what is in hand.
///
/// Asked for again is also what may have been written: a write under a lease is done once, for then the lease is gone.
pub(crate) async fn kept<T, F>(write: impl Fn() -> F, stop: &CancellationToken) -> KeptOutcome<T>
where
    F: Future<Output = StoreResult<T>>,
{
    let (mut pause, mut tries, mut is_unknown, mut deadline) = (FIRST_PAUSE, 0, false, None);
    loop {
        let mut wait = pause;
        match write().await {
            Ok(done) => return KeptOutcome::Stored(done),
            Err(StoreError::LostLease) if is_unknown => return KeptOutcome::StoredBefore,
            Err(StoreError::LostLease) => return KeptOutcome::Lost,
            Err(error) if error.passes_by_itself() => {
                if let StoreError::Unavailable { retry_after } = error {
                    wait = wait.max(retry_after.min(LONGEST_PAUSE));
                }
                let is_over = stop.is_cancelled()
                    && Instant::now() >= *deadline.get_or_insert_with(|| Instant::now() + STOPS_WITHIN);
                if is_over {
                    return KeptOutcome::GivenUp(error);
                }
                tracing::debug!(%error, "kept in hand");
            }
            Err(error @ (StoreError::NotDone(_) | StoreError::Failed(_))) => {
                is_unknown |= !error.wrote_nothing();
                tries += 1;
                if tries >= TRIES {
                    return KeptOutcome::GivenUp(error);
                }
                tracing::debug!(%error, "once more in a moment");
            }
            Err(error) => return KeptOutcome::GivenUp(error),
        }
        sleep(wait).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// How often a write is asked for that fails like this, one after the other, and succeeds afterwards; and what comes of it.
    async fn tries(failures: &[StoreError], stop: &CancellationToken) -> (usize, KeptOutcome<()>) {
        let asked = AtomicUsize::new(0);
        let write = || {
            let failure = failures.get(asked.fetch_add(1, Ordering::Relaxed)).cloned();
            async move { failure.map_or(Ok(()), Err) }
        };
        let done = kept(write, stop).await;
        (asked.into_inner(), done)
    }

    fn away() -> StoreError {
        StoreError::Unavailable { retry_after: Duration::from_secs(5) }
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_pass_is_asked_for_again() {
        let stop = CancellationToken::new();
        let busy = StoreError::not_done("the disk is busy");
        assert_eq!(tries(&[], &stop).await, (1, KeptOutcome::Stored(())));
        let some = [busy.clone(), StoreError::Full, StoreError::Overloaded];
        assert_eq!(tries(&some, &stop).await, (4, KeptOutcome::Stored(())));
        let always: Vec<_> = (0..9).map(|_| busy.clone()).collect();
        assert_eq!(tries(&always, &stop).await, (4, KeptOutcome::GivenUp(busy)), "and not for ever");
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_is_away_is_waited_for() {
        let stop = CancellationToken::new();
        for error in [away(), StoreError::Full, StoreError::Overloaded] {
            let long: Vec<_> = (0..1000).map(|_| error.clone()).collect();
            let begun = Instant::now();
            assert_eq!(tries(&long, &stop).await, (1001, KeptOutcome::Stored(())), "{error}");
            assert!(begun.elapsed() > Duration::from_secs(900), "it is not asked all the time");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_gateway_that_stops_waits_for_a_while() {
        let stop = CancellationToken::new();
        stop.cancel();
        assert_eq!(tries(&[away(), away()], &stop).await, (3, KeptOutcome::Stored(())));
        let long: Vec<_> = (0..1000).map(|_| away()).collect();
        let begun = Instant::now();
        let (_, kept) = tries(&long, &stop).await;
        assert_eq!(kept, KeptOutcome::GivenUp(away()));
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_stored_by_an_earlier_try_is_known_by_the_lost_lease() {
        let stop = CancellationToken::new();
        let failed = StoreError::failed("the connection broke");
        let lost = StoreError::LostLease;
        assert_eq!(tries(std::slice::from_ref(&lost), &stop).await, (1, KeptOutcome::Lost));
        assert_eq!(tries(&[failed.clone(), lost.clone()], &stop).await, (2, KeptOutcome::StoredBefore));
        assert_eq!(
            tries(&[failed.clone(), away(), lost.clone()], &stop).await,
            (3, KeptOutcome::StoredBefore)
        );
        assert_eq!(tries(&[away(), lost], &stop).await, (2, KeptOutcome::Lost), "nothing was written");
        let always: Vec<_> = (0..9).map(|_| failed.clone()).collect();
        assert_eq!(tries(&always, &stop).await, (4, KeptOutcome::GivenUp(failed)));
        assert_eq!(tries(&[StoreError::Closed], &stop).await, (1, KeptOutcome::GivenUp(StoreError::Closed)));
    }
}
