//! Points in time as people type them at a prompt: `30m` ago, `2:00` o'clock, or `2026-11-29T02:00:00Z`. All of it is UTC, as all times
//! that are shown.

use std::time::Duration;

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

use crate::{duration, mistake::Mistake};

/// Seconds of a day.
const DAY: i64 = 24 * 60 * 60;

/// A point in time, as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// So long ago.
    Ago(Duration),
    /// So many seconds after a midnight: which one, the [`window`] says.
    Daily(i64),
    /// This very one.
    At(Timestamp),
}

impl Moment {
    /// Reads one; `None` for anything else. A date without a time is its midnight.
    ///
    /// ```
    /// use std::time::Duration;
    /// use posthouse_core::moment::Moment;
    /// assert_eq!(Moment::parse("30m"), Some(Moment::Ago(Duration::from_secs(1800))));
    /// assert_eq!(Moment::parse("2:00"), Some(Moment::Daily(7200)));
    /// assert_eq!(Moment::parse("1970-01-01T00:00:05Z"), Some(Moment::At("1970-01-01T00:00:05Z".parse().unwrap())));
    /// assert_eq!(Moment::parse("two o'clock"), None);
    /// ```
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Some(ago) = duration::parse(text) {
            return Some(Self::Ago(ago));
        }
        if let Some(second) = second_of_day(text) {
            return Some(Self::Daily(second));
        }
        let with_zone = text.parse::<Timestamp>().ok();
        with_zone.or_else(|| without_zone(text)).map(Self::At)
    }

    /// The last such point that is not after `now`, but for one that was given as it is.
    fn last(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Ago(ago) => now.checked_sub(ago).unwrap_or(Timestamp::MIN),
            Self::At(time) => time,
            Self::Daily(second) => {
                let today = daily(now, second);
                if today > now { daily(now, second - DAY) } else { today }
            }
        }
    }

    /// The first such point after `since`, where it is one of each day.
    fn next_after(self, since: Timestamp, now: Timestamp) -> Timestamp {
        match self {
            Self::Daily(second) => {
                let same_day = daily(since, second);
                if same_day <= since { daily(since, second + DAY) } else { same_day }
            }
            other => other.last(now),
        }
    }
}

/// So many seconds after the midnight before a time.
fn daily(time: Timestamp, second: i64) -> Timestamp {
    let midnight = time.as_second().div_euclid(DAY) * DAY;
    Timestamp::from_second(midnight + second).unwrap_or(time)
}

/// `2:00`, `02:00`, `02:00:30`.
fn second_of_day(text: &str) -> Option<i64> {
    let mut fields = text.split(':');
    let (hours, minutes, seconds) = (fields.next()?, fields.next()?, fields.next().unwrap_or("00"));
    let read = |field: &str, width: std::ops::RangeInclusive<usize>, below: i64| {
        let is_number = width.contains(&field.len()) && field.bytes().all(|byte| byte.is_ascii_digit());
        field.parse::<i64>().ok().filter(|number| is_number && *number < below)
    };
    let second = read(hours, 1..=2, 24)? * 3600 + read(minutes, 2..=2, 60)? * 60 + read(seconds, 2..=2, 60)?;
    fields.next().is_none().then_some(second)
}

fn without_zone(text: &str) -> Option<Timestamp> {
    let time: DateTime = text.parse().ok()?;
    TimeZone::UTC.to_timestamp(time).ok()
}

/// The window between two points: `2:00` is the last one before `now` where a window begins, and the first one after that where it
/// ends, so that `2:00` to `2:20` is twenty minutes at any time of the day.
///
/// # Errors
/// As [`in_order`].
pub fn window(
    since: Option<Moment>,
    until: Option<Moment>,
    now: Timestamp,
) -> Result<(Option<Timestamp>, Option<Timestamp>), Mistake> {
    let since = since.map(|since| since.last(now));
    let until = until.map(|until| match since {
        Some(since) => until.next_after(since, now),
        None => until.last(now),
    });
    in_order(since, until)?;
    Ok((since, until))
}

/// A window holds something: nothing is found in one that ends before it begins, which would look as if nothing had happened.
///
/// # Errors
/// It ends when it begins, or before.
pub fn in_order(since: Option<Timestamp>, until: Option<Timestamp>) -> Result<(), Mistake> {
    match (since, until) {
        (Some(since), Some(until)) if until <= since => {
            let problem =
                format!("the window would end at {until}, which is not after {since}, where it begins");
            Err((problem, "give the earlier time as since, and the later one as until").into())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn points_in_time_as_people_write_them() {
        let day = |text: &str| Some(Moment::At(at(text)));
        for (text, expected) in [
            ("30m", Some(Moment::Ago(Duration::from_secs(1800)))),
            (" 2d ", Some(Moment::Ago(Duration::from_secs(172_800)))),
            ("2:00", Some(Moment::Daily(7200))),
            ("02:20", Some(Moment::Daily(8400))),
            ("23:59:59", Some(Moment::Daily(86_399))),
            ("2026-11-29T02:00:00Z", day("2026-11-29T02:00:00Z")),
            ("2026-11-29T04:00:00+02:00", day("2026-11-29T02:00:00Z")),
            ("2026-11-29 02:00:00Z", day("2026-11-29T02:00:00Z")),
            ("2026-11-29 02:00", day("2026-11-29T02:00:00Z")),
            ("2026-11-29", day("2026-11-29T00:00:00Z")),
            ("24:00", None),
            ("2:60", None),
            ("2:0", None),
            ("+2:00", None),
            ("2:00:00:00", None),
            ("2", None),
            ("30", None),
            ("", None),
            ("yesterday", None),
        ] {
            assert_eq!(Moment::parse(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_window_is_the_last_one_that_began() {
        let window = |since: &str, until: &str, now: &str| {
            let (since, until) = window(Moment::parse(since), Moment::parse(until), at(now)).unwrap();
            (since.map(|time| time.to_string()), until.map(|time| time.to_string()))
        };
        let some = |since: &str, until: &str| (Some(since.to_owned()), Some(until.to_owned()));
        let (night, morning) = ("2026-11-29T02:10:00Z", "2026-11-29T09:00:00Z");
        for (since, until, now, expected) in [
            ("2:00", "2:20", morning, some("2026-11-29T02:00:00Z", "2026-11-29T02:20:00Z")),
            ("2:00", "2:20", night, some("2026-11-29T02:00:00Z", "2026-11-29T02:20:00Z")),
            ("23:00", "1:00", night, some("2026-11-28T23:00:00Z", "2026-11-29T01:00:00Z")),
            ("2:10", "2:10", night, some("2026-11-29T02:10:00Z", "2026-11-30T02:10:00Z")),
            ("2h", "30m", morning, some("2026-11-29T07:00:00Z", "2026-11-29T08:30:00Z")),
            ("2026-11-01", "2:00", morning, some("2026-11-01T00:00:00Z", "2026-11-01T02:00:00Z")),
            ("-", "10:00", morning, (None, Some("2026-11-28T10:00:00Z".to_owned()))),
            ("9:00", "-", morning, (Some(morning.to_owned()), None)),
        ] {
            assert_eq!(window(since, until, now), expected, "{since} {until} {now}");
        }
    }

    #[test]
    fn a_window_that_ends_before_it_begins_is_a_mistake() {
        let now = at("2026-11-29T12:00:00Z");
        let window = |since: &str, until: &str| window(Moment::parse(since), Moment::parse(until), now);
        assert!(window("1h", "30m").is_ok());
        for (since, until) in
            [("30m", "1h"), ("30m", "30m"), ("2026-11-29T10:00:00Z", "2026-11-28T10:00:00Z")]
        {
            let said = window(since, until).unwrap_err().to_string();
            assert!(
                said.contains("is not after") && said.contains("; give the earlier time as since"),
                "{said}"
            );
        }
    }
}
