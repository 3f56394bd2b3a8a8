//! The system's clock, and what is done when it jumps ahead.

use std::{sync::Arc, time::Instant};

use jiff::{SignedDuration, Timestamp};
use posthouse_core::{
    cluster::clock_offset,
    lock::Mutex,
    steady::{Doubt, STANDS_FOR, Steady},
    store::{StoreError, UpkeepStore},
    time::Clock,
};
use tokio::time::{Duration, sleep};
use tokio_util::sync::CancellationToken;

/// How often it is noted what time it is, for the next start.
const NOTE_EVERY: Duration = Duration::from_secs(60);
/// How often we check whether an operator confirmed a time that is not believed.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The system's clock. A jump ahead [is not believed at once](posthouse_core::steady).
#[derive(Debug)]
pub struct SystemClock {
    beginning: Instant,
    steady: Mutex<Steady>,
}

impl Default for SystemClock {
    /// As the system's clock stands now.
    fn default() -> Self {
        Self { beginning: Instant::now(), steady: Mutex::new(Steady::new(said_now(), Duration::ZERO)) }
    }
}

impl SystemClock {
    fn ask<T>(&self, question: impl FnOnce(&mut Steady, Timestamp, Duration) -> T) -> T {
        let mut steady = self.steady.lock();
        question(&mut steady, said_now(), self.beginning.elapsed())
    }
}

/// The time as the store has it: a node's own clock, corrected by how far that is from the store's. With one node there is nothing to
/// correct.
pub struct StoreClock {
    clock: Arc<dyn Clock>,
    offset: Mutex<SignedDuration>,
}

impl StoreClock {
    /// Goes by this clock till the store says a time.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, offset: Mutex::new(SignedDuration::ZERO) }
    }

    /// What the node's own clock says.
    pub fn own(&self) -> Timestamp {
        self.clock.now()
    }

    /// The store said a time, when it was asked at `asked` by the node's own clock; it has answered just now.
    pub(crate) fn hear(&self, asked: Timestamp, said: Timestamp) {
        *self.offset.lock() = clock_offset(asked, said, self.own());
    }

    /// How far the store's time is ahead of the node's own clock.
    pub fn offset(&self) -> SignedDuration {
        *self.offset.lock()
    }
}

impl Clock for StoreClock {
    fn now(&self) -> Timestamp {
        let own = self.own();
        own.checked_add(self.offset()).unwrap_or(own)
    }

    fn doubt(&self) -> Option<Doubt> {
        self.clock.doubt()
    }

    fn go_on_from(&self, seen: Timestamp) {
        self.clock.go_on_from(seen);
    }

    fn confirm(&self, confirmed: Timestamp) -> bool {
        self.clock.confirm(confirmed)
    }
}

/// What the system says that the time is.
#[expect(clippy::disallowed_methods, reason = "the one place that asks for it")]
fn said_now() -> Timestamp {
    Timestamp::now()
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        self.ask(|steady, said, elapsed| steady.time(said, elapsed).0)
    }

    fn doubt(&self) -> Option<Doubt> {
        self.ask(|steady, said, elapsed| steady.time(said, elapsed).1)
    }

    fn go_on_from(&self, seen: Timestamp) {
        self.ask(|steady, said, elapsed| steady.go_on_from(seen, said, elapsed));
    }

    fn confirm(&self, confirmed: Timestamp) -> bool {
        self.ask(|steady, said, elapsed| steady.confirm(confirmed, said, elapsed))
    }
}

/// Tells the clock what the store knows of the time.
///
/// # Errors
/// The store does not answer.
pub(crate) async fn start(clock: &dyn Clock, store: &dyn UpkeepStore) -> Result<(), StoreError> {
    let marks = store.clock().await?;
    if let Some(seen) = marks.seen {
        clock.go_on_from(seen);
    }
    if let Some(confirmed) = marks.confirmed {
        clock.confirm(confirmed);
    }
    if let Some(doubt) = clock.doubt() {
        tell(&doubt);
    }
    Ok(())
}

fn tell(doubt: &Doubt) {
    let minutes = STANDS_FOR.as_secs() / 60;
    tracing::warn!(
        "the clock says {:.0}, and by all that is known it is {:.0}: nothing expires and nothing is thrown away by it till it has stood for {minutes} \
         minutes, or `posthouse clock --confirm` says that it is right",
        doubt.said,
        doubt.taken
    );
}

/// Notes the time, and follows what becomes of a doubt, till `stop`.
pub(crate) async fn watch(clock: Arc<dyn Clock>, store: Arc<dyn UpkeepStore>, stop: CancellationToken) {
    let mut told = clock.doubt().is_some();
    let mut noted: Option<Instant> = None;
    loop {
        match clock.doubt() {
            Some(doubt) => {
                if !told {
                    tell(&doubt);
                }
                told = true;
                look_for_confirmation(&*clock, &*store).await;
            }
            None => {
                if std::mem::take(&mut told) {
                    tracing::info!("the clock is believed again; it is {:.0}", clock.now());
                }
                if noted.is_none_or(|then| then.elapsed() >= NOTE_EVERY) {
                    noted = Some(Instant::now());
                    if let Err(error) = store.note_seen(clock.now()).await {
                        tracing::warn!(%error, "the time could not be noted");
                    }
                }
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep(LOOK_EVERY) => {}
        }
    }
}

async fn look_for_confirmation(clock: &dyn Clock, store: &dyn UpkeepStore) {
    match store.clock().await {
        Ok(marks) => {
            if let Some(confirmed) = marks.confirmed
                && clock.confirm(confirmed)
            {
                tracing::info!(%confirmed, "somebody confirmed the clock");
            }
        }
        Err(error) => tracing::warn!(%error, "whether somebody confirmed the clock cannot be seen"),
    }
}
