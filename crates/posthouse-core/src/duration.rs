//! Times as people write them: `"250ms"`, `"10s"`, `"5m"`, `"72h"`, `"90d"`.

use std::time::Duration;

/// The units, longest first, with their length in milliseconds.
const UNITS: [(&str, u64); 5] =
    [("d", 24 * 60 * 60 * 1000), ("h", 60 * 60 * 1000), ("m", 60 * 1000), ("s", 1000), ("ms", 1)];

/// The longest time that is taken: ten years, so that adding it to any present time is safe.
pub const LONGEST: Duration = Duration::from_secs(3650 * 24 * 60 * 60);

/// Reads a whole number and its unit; `None` for anything else, and beyond [`LONGEST`].
///
/// ```
/// use std::time::Duration;
/// use posthouse_core::duration;
/// assert_eq!(duration::parse("250ms"), Some(Duration::from_millis(250)));
/// assert_eq!(duration::parse("72h"), Some(Duration::from_secs(72 * 3600)));
/// assert_eq!(duration::parse("10"), None);
/// ```
pub fn parse(text: &str) -> Option<Duration> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let (_, milliseconds) = UNITS.iter().find(|(name, _)| *name == unit)?;
    let duration = Duration::from_millis(number.parse::<u64>().ok()?.checked_mul(*milliseconds)?);
    (duration <= LONGEST).then_some(duration)
}

/// Writes a time in its longest unit that leaves no fraction, to the millisecond: what [`parse`] reads back.
pub fn show(duration: Duration) -> String {
    let milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if milliseconds == 0 {
        return "0s".to_owned();
    }
    let whole = UNITS.iter().find(|(_, length)| milliseconds.is_multiple_of(*length));
    let (unit, length) = whole.copied().unwrap_or(("ms", 1));
    format!("{}{unit}", milliseconds / length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_a_unit() {
        for (text, expected) in [
            ("250ms", Some(Duration::from_millis(250))),
            ("10s", Some(Duration::from_secs(10))),
            (" 5m ", Some(Duration::from_secs(300))),
            ("72h", Some(Duration::from_secs(259_200))),
            ("90d", Some(Duration::from_secs(7_776_000))),
            ("0s", Some(Duration::ZERO)),
            ("3650d", Some(LONGEST)),
            ("3651d", None),
            ("99999999999999999999d", None),
            ("18446744073709551615d", None),
            ("10", None),
            ("s", None),
            ("", None),
            ("-1s", None),
            ("+1s", None),
            ("1.5s", None),
            ("1 s", None),
            ("1h30m", None),
            ("10S", None),
            ("10é", None),
        ] {
            assert_eq!(parse(text), expected, "{text:?}");
        }
    }

    #[test]
    fn what_is_shown_is_read_back() {
        for text in ["250ms", "10s", "90s", "5m", "7h", "90d", "0s"] {
            assert_eq!(show(parse(text).unwrap()), text);
        }
        assert_eq!(show(Duration::from_secs(72 * 3600)), "3d");
    }
}
