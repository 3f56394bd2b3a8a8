//! Times on the wire: xs:dateTime and xs:duration (XML Schema part 2 clauses 3.2.6 and 3.2.7), and the field that
//! takes either (Annex L `relativeOrAbsoluteDateType`).
//!
//! Nothing here knows what time it is, nor any zone but UTC and fixed offsets.

use std::fmt;

use jiff::civil::DateTime;
use jiff::fmt::rfc2822;
use jiff::tz::Offset;
use jiff::{Span, Timestamp};

use crate::types::ValueError;

/// A point in time, or a time counted from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// At this time.
    At(Timestamp),
    /// This long after TimeStamp, or after the message came.
    After(Period),
}

impl When {
    /// The point in time, counted from `base` where it is relative; `None` beyond the year 9999.
    ///
    /// ```
    /// use mm7::time::{Period, When};
    /// let base = "2026-01-31T12:00:00Z".parse()?;
    /// let month: Period = Period::parse("P1M")?;
    /// assert_eq!(When::After(month).from(base), Some("2026-02-28T12:00:00Z".parse()?));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from(&self, base: Timestamp) -> Option<Timestamp> {
        match self {
            Self::At(time) => Some(*time),
            Self::After(period) => period.after(base),
        }
    }
}

impl fmt::Display for When {
    /// The form that goes on the wire.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(time) => f.write_str(&write_date_time(*time)),
            Self::After(period) => period.fmt(f),
        }
    }
}

/// An xs:duration that is not negative: months, and seconds beside them since a month has no fixed length.
///
/// A year is 12 months and a day 86,400 seconds; fractions of a second are dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Period {
    months: u32,
    seconds: u64,
}

impl Period {
    /// The most months taken: 1,000 years.
    pub const MAX_MONTHS: u32 = 12_000;
    /// The most seconds taken: 366,000 days.
    pub const MAX_SECONDS: u64 = 366_000 * 86_400;

    /// A period of this many months and seconds.
    ///
    /// # Errors
    /// [`ValueError::Malformed`] above [`Period::MAX_MONTHS`] or [`Period::MAX_SECONDS`].
    pub const fn new(months: u32, seconds: u64) -> Result<Self, ValueError> {
        if months > Self::MAX_MONTHS || seconds > Self::MAX_SECONDS {
            return Err(ValueError::Malformed { expected: "a duration of at most 1000 years" });
        }
        Ok(Self { months, seconds })
    }

    /// The months.
    pub const fn months(self) -> u32 {
        self.months
    }

    /// The seconds beside the months.
    pub const fn seconds(self) -> u64 {
        self.seconds
    }

    /// Reads an xs:duration such as `P2D` or `P1Y2M3DT4H5M6.7S`, padded or not.
    ///
    /// # Errors
    /// [`ValueError::Malformed`] for anything else, negative and overlong ones among them.
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        let malformed = || ValueError::Malformed { expected: "a duration like P2D or PT90M" };
        let rest = text.trim().strip_prefix('P').ok_or_else(malformed)?;
        let (days, time) = match rest.split_once('T') {
            Some((days, time)) if !time.is_empty() => (days, time),
            None if !rest.is_empty() => (rest, ""),
            _ => return Err(malformed()),
        };
        let [years, months, days] = components(days, b"YMD").ok_or_else(malformed)?;
        let [hours, minutes, seconds] = components(time, b"HMS").ok_or_else(malformed)?;
        let months = months.saturating_add(years.saturating_mul(12));
        let minutes = minutes.saturating_add(hours.saturating_mul(60));
        let seconds = seconds.saturating_add(minutes.saturating_mul(60));
        let seconds = seconds.saturating_add(days.saturating_mul(86_400));
        Self::new(u32::try_from(months).map_err(|_| malformed())?, seconds)
    }

    /// The time this long after `base`: months first, the day cut to the month's length, then the seconds
    /// (XML Schema part 2 appendix E). `None` beyond the year 9999.
    pub fn after(self, base: Timestamp) -> Option<Timestamp> {
        let months = Span::new().try_months(i64::from(self.months)).ok()?;
        let seconds = Span::new().try_seconds(i64::try_from(self.seconds).ok()?).ok()?;
        let later = Offset::UTC.to_datetime(base).checked_add(months).ok()?;
        Offset::UTC.to_timestamp(later.checked_add(seconds).ok()?).ok()
    }
}

/// The numbers before each of `letters`, which stand in this order and may be left out; seconds may have a fraction.
fn components(mut text: &str, letters: &[u8; 3]) -> Option<[u64; 3]> {
    let mut values = [0; 3];
    for (value, letter) in values.iter_mut().zip(letters) {
        let Some((number, rest)) = text.split_once(char::from(*letter)) else { continue };
        let whole = match number.split_once('.') {
            Some((whole, fraction)) if *letter == b'S' && is_number(fraction) => whole,
            _ => number,
        };
        *value = Some(whole).filter(|whole| is_number(whole))?.parse().ok()?;
        text = rest;
    }
    text.is_empty().then_some(values)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

impl fmt::Display for Period {
    /// The shortest xs:duration in days, hours, minutes and seconds; years only when no months are left over.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("P")?;
        let (years, months) = (self.months / 12, self.months % 12);
        let (days, time) = (self.seconds / 86_400, self.seconds % 86_400);
        for (value, letter) in [(u64::from(years), 'Y'), (u64::from(months), 'M'), (days, 'D')] {
            if value > 0 {
                write!(f, "{value}{letter}")?;
            }
        }
        if time > 0 || *self == Self::default() {
            f.write_str("T")?;
        }
        for (value, letter) in [(time / 3600, 'H'), (time / 60 % 60, 'M'), (time % 60, 'S')] {
            if value > 0 {
                write!(f, "{value}{letter}")?;
            }
        }
        if *self == Self::default() { f.write_str("0S") } else { Ok(()) }
    }
}

/// How a date was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading<T> {
    /// It is of its type.
    Exact(T),
    /// It is not, but what is meant is plain: a mail date, a blank for the `T`, ISO 8601's basic form.
    Lenient(T),
}

/// Reads an xs:dateTime, or what peers send in its place. Without a zone it is taken as UTC.
pub(crate) fn read_date_time(text: &str) -> Option<Reading<Timestamp>> {
    let text = text.trim();
    if let Some(time) = read_exact(text) {
        return Some(Reading::Exact(time));
    }
    let mail = || rfc2822::DateTimeParser::new().parse_timestamp(text).ok();
    let civil = || Offset::UTC.to_timestamp(text.parse::<DateTime>().ok()?).ok();
    text.parse().ok().or_else(mail).or_else(civil).map(Reading::Lenient)
}

/// Reads a date that may be relative.
pub(crate) fn read_when(text: &str) -> Option<Reading<When>> {
    if let Ok(period) = Period::parse(text) {
        return Some(Reading::Exact(When::After(period)));
    }
    read_date_time(text).map(|reading| match reading {
        Reading::Exact(time) => Reading::Exact(When::At(time)),
        Reading::Lenient(time) => Reading::Lenient(When::At(time)),
    })
}

/// `YYYY-MM-DDThh:mm:ss`, an optional fraction, and an optional zone, in exactly this form.
fn read_exact(text: &str) -> Option<Timestamp> {
    let (date_time, rest) = text.split_at_checked(19)?;
    let shape = b"0000-00-00T00:00:00";
    let fits = |(byte, shape): (u8, &u8)| if *shape == b'0' { byte.is_ascii_digit() } else { byte == *shape };
    if !date_time.bytes().zip(shape).all(fits) {
        return None;
    }
    let (fraction, zone) = rest.split_at_checked(rest.find(['Z', '+', '-']).unwrap_or(rest.len()))?;
    if !fraction.is_empty() && !fraction.strip_prefix('.').is_some_and(is_number) {
        return None;
    }
    let fraction = fraction.get(..fraction.len().min(10))?;
    let civil: DateTime = format!("{date_time}{fraction}").parse().ok()?;
    // The civil parser takes the leap second, which xs:dateTime does not have.
    if date_time.ends_with("60") {
        return None;
    }
    read_zone(zone)?.to_timestamp(civil).ok()
}

/// `Z`, `+hh:mm` up to 14 hours, or nothing.
fn read_zone(zone: &str) -> Option<Offset> {
    let (sign, digits) = match zone.as_bytes() {
        [] | [b'Z'] => return Some(Offset::UTC),
        [b'+', digits @ ..] => (1, digits),
        [b'-', digits @ ..] => (-1, digits),
        _ => return None,
    };
    let digit = |byte: u8| byte.is_ascii_digit().then(|| i32::from(byte - b'0'));
    let [h1, h2, b':', m1, m2] = *digits else { return None };
    let hours = digit(h1)? * 10 + digit(h2)?;
    let minutes = digit(m1)? * 10 + digit(m2)?;
    if minutes > 59 || hours * 60 + minutes > 14 * 60 {
        return None;
    }
    Offset::from_seconds(sign * (hours * 60 + minutes) * 60).ok()
}

/// The xs:dateTime of a time, in UTC. xs:dateTime has no year 0, so earlier times are written as the first of year 1.
pub(crate) fn write_date_time(time: Timestamp) -> String {
    let earliest = DateTime::constant(1, 1, 1, 0, 0, 0, 0);
    let earliest = Offset::UTC.to_timestamp(earliest).unwrap_or(Timestamp::UNIX_EPOCH);
    time.max(earliest).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact(text: &str) -> Option<String> {
        match read_date_time(text) {
            Some(Reading::Exact(time)) => Some(write_date_time(time)),
            _ => None,
        }
    }

    fn lenient(text: &str) -> Option<String> {
        match read_date_time(text) {
            Some(Reading::Lenient(time)) => Some(write_date_time(time)),
            _ => None,
        }
    }

    #[test]
    fn dates_of_the_schema() {
        for (text, expected) in [
            ("2002-01-02T09:30:47-05:00", "2002-01-02T14:30:47Z"),
            ("2024-05-01T12:00:00Z", "2024-05-01T12:00:00Z"),
            (" 2024-05-01T12:00:00+02:00\n", "2024-05-01T10:00:00Z"),
            ("2024-05-01T12:00:00", "2024-05-01T12:00:00Z"),
            ("2024-05-01T12:00:00.25Z", "2024-05-01T12:00:00.25Z"),
            ("2024-05-01T12:00:00.123456789123Z", "2024-05-01T12:00:00.123456789Z"),
            ("2024-02-29T00:00:00+14:00", "2024-02-28T10:00:00Z"),
        ] {
            assert_eq!(exact(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn dates_of_the_field() {
        for (text, expected) in [
            ("Mon, 4 Mar 2024 10:11:12 +0900", "2024-03-04T01:11:12Z"),
            ("2024-05-01 12:00:00", "2024-05-01T12:00:00Z"),
            ("2024-05-01 12:00:00+02:00", "2024-05-01T10:00:00Z"),
            ("20240501T120000Z", "2024-05-01T12:00:00Z"),
            ("2024-05-01", "2024-05-01T00:00:00Z"),
        ] {
            assert_eq!(lenient(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn no_dates() {
        for text in ["", "null", "tomorrow", "2024-13-01T00:00:00Z", "2024-02-30T00:00:00Z"] {
            assert_eq!(read_date_time(text), None, "{text}");
        }
    }

    #[test]
    fn periods() {
        for (text, months, seconds, written) in [
            ("P90D", 0, 7_776_000, "P90D"),
            ("PT10M", 0, 600, "PT10M"),
            (" P1Y2M3DT4H5M6.7S ", 14, 273_906, "P1Y2M3DT4H5M6S"),
            ("P1M", 1, 0, "P1M"),
            ("PT0S", 0, 0, "PT0S"),
            ("PT36H", 0, 129_600, "P1DT12H"),
        ] {
            let period = Period::parse(text).unwrap();
            assert_eq!((period.months(), period.seconds()), (months, seconds), "{text}");
            assert_eq!(period.to_string(), written);
        }
    }

    #[test]
    fn no_periods() {
        for text in [
            "",
            "P",
            "PT",
            "P1",
            "1D",
            "-P1D",
            "P1S",
            "PT1D",
            "P1.5D",
            "PT1.S",
            "P1D1Y",
            "P99999Y",
            "PT99999999999999999999S",
        ] {
            assert!(Period::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn counting_months_cuts_to_the_end_of_the_month() {
        let base = "2024-01-31T10:00:00Z".parse().unwrap();
        let after = |text| Period::parse(text).unwrap().after(base).map(write_date_time);
        assert_eq!(after("P1M").as_deref(), Some("2024-02-29T10:00:00Z"));
        assert_eq!(after("P1MT1H").as_deref(), Some("2024-02-29T11:00:00Z"));
        assert_eq!(after("P1000Y").as_deref(), Some("3024-01-31T10:00:00Z"));
        assert_eq!(Period::parse("P1Y").unwrap().after(Timestamp::MAX), None);
    }
}
