//! Addresses: the E.164 check of the hot path, the one spelling of numbers and short codes, and how numbers look in logs.

use std::fmt;

use mm7::Address;
use serde::{Deserialize, Serialize};

use crate::shown::mask;

/// An international number: 7 to 15 digits, not beginning with 0 (E.164), without `+`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Msisdn(String);

impl Msisdn {
    /// Reads a number as it stands in a Recipient. A `lenient` reading takes it without what [`bare`] leaves out: a leading `+`
    /// and a trailing `/TYPE=PLMN`.
    ///
    /// ```
    /// use posthouse_core::address::Msisdn;
    /// assert_eq!(Msisdn::parse("+16175550100/TYPE=PLMN", true).unwrap().as_str(), "16175550100");
    /// assert!(Msisdn::parse("+16175550100", false).is_none());
    /// ```
    pub fn parse(text: &str, lenient: bool) -> Option<Self> {
        let digits = if lenient { bare(text) } else { text.trim() };
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

impl TryFrom<String> for Msisdn {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        Self::parse(&text, false).ok_or("no international number")
    }
}

impl From<Msisdn> for String {
    fn from(number: Msisdn) -> Self {
        number.0
    }
}

/// An address without what counts for nothing: blanks around it, a `+` before digits, and a `/TYPE=PLMN` behind it, of any type
/// and in any case. Digits with such a type before an `@` are a number too: that is how relays write numbers as mail addresses
/// (TS 23.140, MM4).
///
/// ```
/// use posthouse_core::address::bare;
/// assert_eq!(bare("+7001/TYPE=PLMN"), "7001");
/// assert_eq!(bare("+16175550100/type=plmn@mms.example"), "16175550100");
/// assert_eq!(bare(" harbour@mail.example "), "harbour@mail.example");
/// ```
pub fn bare(text: &str) -> &str {
    let text = text.trim();
    let Some((local, _)) = text.split_once('@') else {
        return without_plus(without_type(text).unwrap_or(text));
    };
    let typed = without_type(local).map(without_plus);
    typed.filter(|number| is_digits(number)).unwrap_or(text)
}

/// What stands before `/TYPE=…`, where that ends the text.
fn without_type(text: &str) -> Option<&str> {
    const KEY: &str = "TYPE=";
    let (address, kind) = text.rsplit_once('/')?;
    let (key, value) = (kind.get(..KEY.len())?, kind.get(KEY.len()..)?);
    let is_type =
        !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
    (key.eq_ignore_ascii_case(KEY) && is_type).then(|| address.trim_end())
}

fn without_plus(text: &str) -> &str {
    text.strip_prefix('+').filter(|digits| is_digits(digits)).unwrap_or(text)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether two spellings mean the same address, by what [`bare`] leaves of them, in any case.
pub fn is_same(one: &str, other: &str) -> bool {
    bare(one).eq_ignore_ascii_case(bare(other))
}

/// The one spelling in which an address is kept and goes out: [`bare`]. A mail address that is nothing but a number or a short
/// code is that number or short code; what makes one a number is 7 digits.
///
/// ```
/// use mm7::Address;
/// use posthouse_core::address::canonical;
/// let short = Address::Rfc2822Address("7001/TYPE=PLMN".to_owned());
/// assert_eq!(canonical(&short), Address::ShortCode("7001".to_owned()));
/// ```
pub fn canonical(address: &Address) -> Address {
    let text = bare(address.as_str());
    let new = match address {
        Address::Number(_) => Address::Number,
        Address::ShortCode(_) => Address::ShortCode,
        Address::Rfc2822Address(_) if !is_digits(text) => Address::Rfc2822Address,
        Address::Rfc2822Address(_) if text.len() >= 7 => Address::Number,
        Address::Rfc2822Address(_) => Address::ShortCode,
    };
    new(text.to_owned())
}

/// A number as somebody types it at a prompt: [`bare`], and without what makes digits easier to read.
pub fn typed(text: &str) -> String {
    let digits: String = text.chars().filter(|c| !matches!(c, ' ' | '-' | '.' | '(' | ')')).collect();
    let number = bare(&digits);
    if is_digits(number) { number.to_owned() } else { text.trim().to_owned() }
}

impl fmt::Display for Msisdn {
    /// As logs may show it: `+1617•••0199`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        mask(&self.0, f)
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
            ("16175550100/Type=Ipv4", true, Some("16175550100")),
            ("16175550100 /TYPE=PLMN", true, Some("16175550100")),
            ("16175550100/TYPE=", true, None),
            ("16175550100/PLMN", true, None),
            ("+16175550100/TYPE=PLMN@mms.example", true, Some("16175550100")),
            ("16175550100@mms.example", true, None),
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
    fn one_spelling_for_each_address() {
        for spelling in ["7001", "+7001", "7001/TYPE=PLMN", " +7001/type=Plmn\n", "7001/TYPE=IPv4"] {
            assert_eq!(bare(spelling), "7001", "{spelling:?}");
            assert!(is_same(spelling, "7001") && is_same("+7001/TYPE=PLMN", spelling), "{spelling:?}");
        }
        for (text, expected) in
            [("ACME/TYPE=PLMN", "ACME"), ("+ACME", "+ACME"), ("a/b", "a/b"), ("++1", "++1"), ("", "")]
        {
            assert_eq!(bare(text), expected, "{text:?}");
        }
        assert!(is_same("Harbour@Mail.example", "harbour@mail.example"));
        assert!(!is_same("7001", "7002") && !is_same("7001@mail.example", "7001"));
    }

    #[test]
    fn a_mail_address_round_a_number_is_the_number() {
        let mail = |text: &str| canonical(&Address::Rfc2822Address(text.to_owned()));
        assert_eq!(mail("+16175550100/TYPE=PLMN"), Address::Number("16175550100".to_owned()));
        assert_eq!(mail("7001"), Address::ShortCode("7001".to_owned()));
        assert_eq!(mail("7001/TYPE=PLMN@mms.example"), Address::ShortCode("7001".to_owned()));
        for kept in ["harbour@mail.example", "7001@mms.example", "ACME"] {
            assert_eq!(mail(kept), Address::Rfc2822Address(kept.to_owned()));
        }
        let number = canonical(&Address::Number("+7001/TYPE=PLMN".to_owned()));
        assert_eq!(number, Address::Number("7001".to_owned()), "its kind is the carrier's word");
    }

    #[test]
    fn numbers_as_they_are_typed() {
        for text in ["16175550100", "+1 (617) 555-0100", "+1.617.555.0100/TYPE=PLMN"] {
            assert_eq!(typed(text), "16175550100");
        }
        assert_eq!(typed(" a - b "), "a - b");
    }

    #[test]
    fn a_log_shows_no_whole_number() {
        assert_eq!(Msisdn::parse("16175550199", false).unwrap().to_string(), "+1617•••0199");
        assert_eq!(Msisdn::parse("1234567", false).unwrap().to_string(), "+•••4567");
    }
}
