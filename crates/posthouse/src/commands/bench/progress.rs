//! How far a measurement is, on a terminal.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use tokio::time::{Instant, interval};

use super::outcome::grouped;

use crate::print;

/// How often it is shown.
const EVERY: Duration = Duration::from_millis(250);

/// A line on stderr that is written over and over; nothing where stderr is no terminal.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    shown: bool,
}

impl Progress {
    /// Shown on a terminal only.
    pub fn on_terminal() -> Self {
        Self { shown: print::stderr().is_terminal() }
    }

    /// Shows what goes on and how far it is, as long as the work takes.
    pub async fn beside<T>(&self, what: &str, count: &AtomicU64, work: impl Future<Output = T>) -> T {
        if !self.shown {
            return work.await;
        }
        let began = Instant::now();
        let mut ticks = interval(EVERY);
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => {
                    show("");
                    return done;
                }
                _ = ticks.tick() => {
                    let count = grouped(count.load(Ordering::Relaxed) as f64);
                    show(&format!("{what}: {count} in {:.0} s", began.elapsed().as_secs_f64()));
                }
            }
        }
    }
}

/// Writes over the line.
fn show(text: &str) {
    // Where stderr is gone there is nobody to tell.
    let _ = print::stderr().over(text);
}
