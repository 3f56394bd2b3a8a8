//! Numbers: whose they are, and which get nothing.

use std::{borrow::Borrow, fmt};

use serde::{Deserialize, Serialize};

use super::{account::AccountName, carrier::CarrierId};
use crate::address::Msisdn;

/// The leading digits of international numbers: 1 to 15 digits that do not begin with 0.
///
/// ```
/// use posthouse_core::provisioning::Prefix;
/// assert_eq!(Prefix::parse("1617").unwrap().as_str(), "1617");
/// assert!(Prefix::parse("+1617").is_none());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Prefix(String);

impl Prefix {
    /// Reads a prefix; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        (digits && (1..=15).contains(&text.len()) && !text.starts_with('0')).then(|| Self(text.to_owned()))
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Numbers are looked up by their leading digits.
impl Borrow<str> for Prefix {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Prefix {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        Self::parse(&text).ok_or("no leading digits of numbers")
    }
}

impl From<Prefix> for String {
    fn from(prefix: Prefix) -> Self {
        prefix.0
    }
}

/// Numbers with this prefix belong to this carrier; the longest prefix wins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// The leading digits.
    pub prefix: Prefix,
    /// The carrier that serves the numbers.
    pub carrier: CarrierId,
}

/// A number that gets no messages: 3001.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Blacklisted {
    /// The number.
    pub number: Msisdn,
    /// The account whose messages it does not get; `None`: it gets none from any account.
    pub account: Option<AccountName>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_up_to_fifteen_digits_without_a_zero_before_them() {
        for text in ["1", "1617", "999999999999999"] {
            assert_eq!(Prefix::parse(text).unwrap().to_string(), text);
        }
        for text in ["", "0", "01", "+1", "1 ", "1a", "1234567890123456", "١"] {
            assert_eq!(Prefix::parse(text), None, "{text:?}");
        }
    }
}
