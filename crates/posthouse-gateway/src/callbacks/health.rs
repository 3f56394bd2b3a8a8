//! How an account's endpoint does, as its lane sees it: what of that goes into the log, a line a minute and not a line a try, and when the
//! store has to be told that it does not fail any more.

use std::time::Duration;

use posthouse_core::{Id, lock::Mutex};
use tokio::time::Instant;

/// How often there is a line about an endpoint that fails.
const LINE_EVERY: Duration = Duration::from_secs(60);

/// How an endpoint does.
pub(super) struct EndpointHealth(Mutex<Seen>);

/// What was seen of it.
struct Seen {
    /// Whether a try failed since one was last delivered. So it is taken to be when a lane opens: what an earlier run saw is in the store.
    fails: bool,
    /// Since when, where this run has seen it.
    since: Option<Instant>,
    /// When there was a line last.
    line_at: Option<Instant>,
    /// What there was no line about yet.
    unsaid: Failures,
}

/// Tries that failed, for one line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Failures {
    /// How many.
    pub(super) tries: u64,
    /// How many of them were the last.
    pub(super) for_good: u64,
    /// The message that the newest was about.
    pub(super) about: Option<Id>,
    /// What was said then.
    pub(super) said: String,
}

/// What a delivery means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Delivery {
    /// The store has to be told that the endpoint does not fail any more.
    pub(super) is_news: bool,
    /// It had failed for so long that the log should say that it is over.
    pub(super) ends_failing: bool,
}

impl Default for EndpointHealth {
    fn default() -> Self {
        Self(Mutex::new(Seen { fails: true, since: None, line_at: None, unsaid: Failures::default() }))
    }
}

impl EndpointHealth {
    /// A try failed. What the log has to say now, if anything.
    pub(super) fn failed(&self, about: Id, said: &str, for_good: bool, now: Instant) -> Option<Failures> {
        let mut seen = self.0.lock();
        seen.fails = true;
        seen.since.get_or_insert(now);
        seen.unsaid.tries += 1;
        seen.unsaid.for_good += u64::from(for_good);
        seen.unsaid.about = Some(about);
        said.clone_into(&mut seen.unsaid.said);
        seen.line(now)
    }

    /// One was delivered.
    pub(super) fn delivered(&self, now: Instant) -> Delivery {
        let mut seen = self.0.lock();
        let is_news = std::mem::replace(&mut seen.fails, false);
        let since = seen.since.take();
        let ends_failing = since.is_some_and(|since| now.duration_since(since) >= LINE_EVERY);
        Delivery { is_news, ends_failing }
    }

    /// When the log has to say something, if nothing happens before.
    pub(super) fn next_line(&self) -> Option<Instant> {
        let seen = self.0.lock();
        (seen.unsaid.tries > 0).then_some(seen.line_at? + LINE_EVERY)
    }

    /// What the log has to say now, if anything.
    pub(super) fn line(&self, now: Instant) -> Option<Failures> {
        self.0.lock().line(now)
    }

    /// What was not said yet: the lane ends.
    pub(super) fn rest(&self) -> Option<Failures> {
        let unsaid = std::mem::take(&mut self.0.lock().unsaid);
        (unsaid.tries > 0).then_some(unsaid)
    }
}

impl Seen {
    fn line(&mut self, now: Instant) -> Option<Failures> {
        let is_early = self.line_at.is_some_and(|line_at| now.duration_since(line_at) < LINE_EVERY);
        if self.unsaid.tries == 0 || is_early {
            return None;
        }
        self.line_at = Some(now);
        Some(std::mem::take(&mut self.unsaid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failures(tries: u64, for_good: u64, about: i64) -> Failures {
        Failures { tries, for_good, about: Id::from_number(about), said: format!("HTTP {about}") }
    }

    #[test]
    fn there_is_a_line_at_once_and_then_one_a_minute() {
        let (health, begin) = (EndpointHealth::default(), Instant::now());
        let fail = |about: i64, second: u64| {
            let id = Id::from_number(about).unwrap();
            health.failed(id, &format!("HTTP {about}"), about == 502, begin + Duration::from_secs(second))
        };
        assert_eq!(health.next_line(), None);
        assert_eq!(fail(500, 0), Some(failures(1, 0, 500)));
        assert_eq!(health.next_line(), None, "it is said");
        for second in 1..59 {
            assert_eq!(fail(501, second), None);
        }
        assert_eq!(fail(502, 59), None);
        assert_eq!(health.next_line(), Some(begin + LINE_EVERY));
        assert_eq!(health.line(begin + Duration::from_secs(59)), None);
        assert_eq!(health.line(begin + LINE_EVERY), Some(failures(59, 1, 502)));
        assert_eq!(health.line(begin + 2 * LINE_EVERY), None, "nothing happened");
        assert_eq!(fail(503, 130), Some(failures(1, 0, 503)));
        fail(504, 131);
        assert_eq!(health.rest(), Some(failures(1, 0, 504)));
        assert_eq!(health.rest(), None);
    }

    #[test]
    fn the_store_is_told_once() {
        let (health, begin) = (EndpointHealth::default(), Instant::now());
        let news = |is_news, ends_failing| Delivery { is_news, ends_failing };
        assert_eq!(health.delivered(begin), news(true, false), "an earlier run may have seen it fail");
        assert_eq!(health.delivered(begin), news(false, false));
        let id = Id::from_number(1).unwrap();
        health.failed(id, "", false, begin);
        assert_eq!(health.delivered(begin + Duration::from_secs(59)), news(true, false));
        health.failed(id, "", false, begin + Duration::from_secs(70));
        health.failed(id, "", false, begin + Duration::from_secs(129));
        assert_eq!(health.delivered(begin + Duration::from_secs(130)), news(true, true));
        assert_eq!(health.delivered(begin + Duration::from_secs(900)), news(false, false));
    }
}
