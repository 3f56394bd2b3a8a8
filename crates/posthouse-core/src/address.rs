//! Recipients' numbers: the E.164 check of the hot path, and how numbers look in logs.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An international number: 7 to 15 digits, not beginning with 0 (E.164), without `+`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Msisdn(String);

impl Msisdn {
    /// Reads a number as it stands in a Recipient. A `lenient` reading takes a leading `+` and a trailing
    /// `/TYPE=PLMN` (in any case).
    ///
    /// ```
    /// use posthouse_core::address::Msisdn;
    /// assert_eq!(Msisdn::parse("+16175550100/TYPE=PLMN", true).unwrap().as_str(), "16175550100");
    /// assert!(Msisdn::parse("+16175550100", false).is_none());
    /// ```
    pub fn parse(text: &str, lenient: bool) -> Option<Self> {
        let text = text.trim();
        let digits = if lenient { without_decoration(text) } else { text };
        let valid = (7..=15).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && !digits.starts_with('0');
        valid.then(|| Self(digits.to_owned()))
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn without_decoration(text: &str) -> &str {
    const PLMN: &str = "/TYPE=PLMN";
    let bare = match text.len().checked_sub(PLMN.len()).map(|at| (text.get(..at), text.get(at..))) {
        Some((Some(number), Some(suffix))) if suffix.eq_ignore_ascii_case(PLMN) => number.trim_end(),
        _ => text,
    };
    bare.strip_prefix('+').unwrap_or(bare)
}

impl fmt::Display for Msisdn {
    /// As logs may show it: `+1617•••0199`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (head, tail) = (self.0.get(..4), self.0.len().checked_sub(4).and_then(|at| self.0.get(at..)));
        match (head, tail) {
            (Some(head), Some(tail)) if self.0.len() > 8 => write!(f, "+{head}•••{tail}"),
            (_, tail) => write!(f, "+•••{}", tail.unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_seven_to_fifteen_digits_not_beginning_with_zero() {
        for (text, lenient, expected) in [
            ("16175550100", false, Some("16175550100")),
            (" 16175550100\n", false, Some("16175550100")),
            ("1234567", false, Some("1234567")),
            ("123456", false, None),
            ("123456789012345", false, Some("123456789012345")),
            ("1234567890123456", false, None),
            ("06175550100", false, None),
            ("1617555010x", true, None),
            ("١٦١٧٥٥٥٠١٠٠", true, None),
            ("", true, None),
            ("+16175550100", false, None),
            ("+16175550100", true, Some("16175550100")),
            ("++16175550100", true, None),
            ("16175550100/TYPE=PLMN", true, Some("16175550100")),
            ("+16175550100/type=plmn", true, Some("16175550100")),
            ("16175550100/TYPE=PLMN", false, None),
            ("/TYPE=PLMN", true, None),
            ("ééééé", true, None),
        ] {
            assert_eq!(
                Msisdn::parse(text, lenient).as_ref().map(Msisdn::as_str),
                expected,
                "{text:?} {lenient}"
            );
        }
    }

    #[test]
    fn a_log_shows_no_whole_number() {
        assert_eq!(Msisdn::parse("16175550199", false).unwrap().to_string(), "+1617•••0199");
        assert_eq!(Msisdn::parse("1234567", false).unwrap().to_string(), "+•••4567");
    }
}
