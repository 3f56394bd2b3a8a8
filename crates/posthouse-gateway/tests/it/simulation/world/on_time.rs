//! Retries on time: a message is taken up when its next attempt is due, and not when the store is looked at anyway.

use std::time::Instant;

use posthouse_core::{life::retry::Backoff, store::NextStep, time::Clock as _};

use super::{Chance, Duration, World, on_a_paused_runtime, task};

/// How many messages are sent: carriers are busy at a quarter of the first attempts.
const MESSAGES: u64 = 60;
/// The store is looked at once a second at least; all retries are due before that.
const LONGEST_WAIT: Duration = Duration::from_millis(900);
/// Beyond the time when it is due: the store is looked at every 5 ms at most.
const GRACE_MS: i64 = 10;
/// When callbacks are tried again: long before the store is looked at anyway.
const RETRY_AFTER: Duration = Duration::from_millis(300);
/// How often a callback is waited for, with time for another look in between.
const LOOKS: usize = 10;
/// For how long each time, in real time.
const REAL_TIME_OF_A_LOOK: Duration = Duration::from_secs(1);
/// How long it may take in real time, while the clock stands still.
const REAL_TIME: Duration = Duration::from_secs(20);

impl World {
    /// How many retries were made when they were due.
    pub fn retries_on_time(seed: u64) -> usize {
        on_a_paused_runtime(async {
            let backoff = Backoff::new(LONGEST_WAIT, LONGEST_WAIT);
            let mut world = Self::open(Chance(seed), backoff, "20s").await;
            let mut on_time = 0;
            for number in 0..MESSAGES {
                world.send(number).await;
                world.quiet().await;
                on_time += usize::from(world.retries_the_last_on_time().await);
                // So that a connection that failed serves again.
                world.pass(4_003).await;
            }
            // What is under way when it stops would wait for a time that does not come.
            world.settle().await;
            world.app.stop().await.unwrap();
            on_time
        })
    }

    /// How many callbacks that a VASP did not take were tried again when they were due.
    pub fn callbacks_on_time(seed: u64) -> usize {
        on_a_paused_runtime(async {
            let retry_after = format!("{}ms", RETRY_AFTER.as_millis());
            let mut world = Self::open(Chance(seed), Backoff::CARRIER, &retry_after).await;
            let mut on_time = 0;
            for number in 0..MESSAGES {
                world.peers.set_vasp_down(true);
                world.send(number).await;
                world.quiet().await;
                // The first try.
                world.pass(GRACE_MS).await;
                world.peers.set_vasp_down(false);
                on_time += usize::from(world.calls_back_on_time().await);
                world.pass(4_003).await;
            }
            world.settle().await;
            world.app.stop().await.unwrap();
            on_time
        })
    }

    /// If a callback is the next that is due: lets the time come, and no more.
    async fn calls_back_on_time(&self) -> bool {
        let due = async |now| self.app.store().due(now, posthouse_core::slots::Slots::ALL).await.unwrap();
        let before = due(self.clock.now()).await;
        let Some(next) = before.next.filter(|_| before.accounts.is_empty()) else { return false };
        let ahead = next.duration_since(self.clock.now());
        if ahead > RETRY_AFTER.try_into().unwrap() || due(next).await.accounts.is_empty() {
            return false;
        }
        self.pass(i64::try_from(ahead.as_millis()).unwrap() + GRACE_MS).await;
        for _ in 0..LOOKS {
            let began = Instant::now();
            while began.elapsed() < REAL_TIME_OF_A_LOOK {
                if due(next).await.accounts.is_empty() {
                    return true;
                }
                task::spawn_blocking(|| std::thread::sleep(Duration::from_millis(1))).await.unwrap();
            }
            // A report that was kept may have become owed since the last look, as of when it came.
            self.pass(GRACE_MS).await;
        }
        panic!("it was due {next}, and it is {}", self.clock.now());
    }

    /// If the last message waits for another attempt: lets the time come, and no more.
    async fn retries_the_last_on_time(&self) -> bool {
        let Some(message) = self.accepted.last() else { return false };
        let next = async || self.app.store().next(message.id, self.clock.now()).await.unwrap();
        let Some(NextStep::Attempt(due)) = next().await else { return false };
        let ahead = due.duration_since(self.clock.now());
        if ahead.is_negative() || ahead > LONGEST_WAIT.try_into().unwrap() {
            // None of the carrier's connections serves: it waits for that.
            return false;
        }
        self.pass(i64::try_from(ahead.as_millis()).unwrap() + GRACE_MS).await;
        let began = Instant::now();
        while next().await == Some(NextStep::Attempt(due)) {
            assert!(
                began.elapsed() < REAL_TIME,
                "{} was due {due}, and it is {}",
                message.id,
                self.clock.now()
            );
            task::spawn_blocking(|| std::thread::sleep(Duration::from_millis(1))).await.unwrap();
        }
        true
    }
}
