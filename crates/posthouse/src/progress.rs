//! How far long work is, on a terminal.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use tokio::time::{Instant, interval};

use crate::print;

/// How often the line is written anew.
const EVERY: Duration = Duration::from_millis(250);

/// A line on stderr that is written over and over; nothing where stderr is no terminal.
#[derive(Clone, Copy, Debug)]
pub struct ProgressLine {
    shown: bool,
}

impl ProgressLine {
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

/// A whole number with its thousands set apart.
pub fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Writes over the line.
fn show(text: &str) {
    // When stderr is gone, there is nowhere to report it.
    let _ = print::stderr().over(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        for (number, text) in [(0.0, "0"), (999.4, "999"), (1000.0, "1,000"), (1_234_567.0, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
    }
}
