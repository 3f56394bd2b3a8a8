//! Deadlines of what is awaited from elsewhere. A process that was stopped for a while (a snapshot, a migration to another machine) finds
//! when it goes on that all its deadlines have passed, though the answers may have come long ago: they lie in its sockets.

use std::{future::Future, pin::pin, time::Duration};

use tokio::time::{Instant, error::Elapsed, timeout, timeout_at};

/// A deadline that is noticed this much too late passed while the process did not run.
const NOTICEABLE: Duration = Duration::from_millis(20);
/// How long is waited then: long enough to read what has come.
const SECOND_LOOK: Duration = Duration::from_secs(2);

/// Awaits something till a deadline. Where that passed while the process was stopped, what came meanwhile is still taken.
///
/// # Errors
/// It did not come.
pub(crate) async fn within<F: Future>(deadline: Instant, future: F) -> Result<F::Output, Elapsed> {
    let mut future = pin!(future);
    match timeout_at(deadline, &mut future).await {
        Err(_) if deadline.elapsed() > NOTICEABLE => timeout(SECOND_LOOK, future).await,
        ended => ended,
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use tokio::{
        sync::oneshot,
        time::{sleep, sleep_until},
    };

    use super::*;

    /// What reads it is another task, which is only woken by what came.
    fn read_by_another_task(came: Instant) -> oneshot::Receiver<()> {
        let (sender, receiver) = oneshot::channel();
        tokio::spawn(async move {
            sleep_until(came).await;
            // A few turns, as between socket, connection and request.
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            sender.send(()).ok();
        });
        receiver
    }

    #[tokio::test]
    async fn what_came_while_the_process_was_stopped_is_taken() {
        let begun = Instant::now();
        let answer = read_by_another_task(begun + Duration::from_millis(60));
        tokio::task::yield_now().await;
        // Nothing of this thread runs meanwhile.
        thread::sleep(Duration::from_millis(300));
        assert_eq!(within(begun + Duration::from_millis(50), answer).await, Ok(Ok(())));
    }

    #[tokio::test]
    async fn what_does_not_come_is_given_up_once_more() {
        let begun = Instant::now();
        thread::sleep(Duration::from_millis(100));
        let never = sleep(Duration::from_secs(3600));
        assert!(within(begun + Duration::from_millis(50), never).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_that_is_noticed_in_time_is_one() {
        let begun = Instant::now();
        let deadline = begun + Duration::from_secs(5);
        assert!(within(deadline, sleep(Duration::from_secs(6))).await.is_err());
        assert_eq!(Instant::now(), deadline);
    }
}
