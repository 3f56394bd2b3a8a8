//! What strangers wrote, as people may see it.
//!
//! A TransactionID, a MessageID, an address or a fault's text may hold characters that a terminal obeys instead of showing them: they
//! erase lines, move the cursor, write from right to left. Where people read, they are escaped. Numbers in such texts are masked in logs.

use std::{
    borrow::Cow,
    fmt::{self, Write},
};

/// As many digits in a row may be the number of a handset.
const FEWEST_DIGITS: usize = 7;
/// Units of time, as durations are written with.
const UNITS: [&str; 5] = ["s", "ms", "µs", "us", "ns"];

/// A text of which nothing is obeyed: every control character, line ends among them, is displayed as `\u{9b}` or `\n`.
///
/// ```
/// use posthouse_core::shown::Shown;
/// assert_eq!(Shown("a\u{9b}2J\nb").to_string(), r"a\u{9b}2J\nb");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a>(pub &'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some((before, character, after)) = split(rest) {
            f.write_str(before)?;
            match character {
                '\n' | '\r' | '\t' => write!(f, "{}", character.escape_default())?,
                other => write!(f, "{}", other.escape_unicode())?,
            }
            rest = after;
        }
        f.write_str(rest)
    }
}

/// JSON of which nothing is obeyed where it is printed on a terminal: RFC 8259 asks for escapes of the first 32 characters only. It means
/// what it meant: beyond ASCII, and DEL, stand nowhere but in strings.
pub fn in_json(json: &str) -> Cow<'_, str> {
    let mut rest = json;
    let mut escaped = String::new();
    while let Some((before, character, after)) = split(rest) {
        escaped.push_str(before);
        for unit in character.encode_utf16(&mut [0; 2]) {
            // A String takes everything.
            let _ = write!(escaped, "\\u{unit:04x}");
        }
        rest = after;
    }
    if escaped.is_empty() {
        return json.into();
    }
    escaped.push_str(rest);
    escaped.into()
}

/// At the first character that is obeyed.
fn split(text: &str) -> Option<(&str, char, &str)> {
    let (at, character) = text.char_indices().find(|(_, character)| is_obeyed(*character))?;
    Some((text.get(..at)?, character, text.get(at + character.len_utf8()..)?))
}

/// Whether a character does something, or is not seen, where it is printed: control characters (C0 with line ends and tabs, DEL, C1),
/// ends of lines and paragraphs, what changes the direction of writing, what has no width, and tags.
const fn is_obeyed(character: char) -> bool {
    matches!(character,
        '\0'..='\u{1f}'
        | '\u{7f}'..='\u{9f}'
        | '\u{61c}'
        | '\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}')
}

/// What stands for the digits that are left out of a masked number.
pub const MASK: &str = "•••";

/// A text in which numbers of handsets are masked, as an [`Msisdn`](crate::address::Msisdn) displays: every run of seven digits or more.
///
/// ```
/// use posthouse_core::shown::masked;
/// assert_eq!(masked("unknown subscriber 16175550199, code 2002"), "unknown subscriber +1617•••0199, code 2002");
/// ```
///
/// Decimals of a duration (`1.234567890s`, as libraries write it) are none.
pub fn masked(text: &str) -> Cow<'_, str> {
    masked_but(text, |_| false)
}

/// The same, but for runs that are known to be none: ids of our own.
pub(crate) fn masked_but(text: &str, is_none: impl Fn(&str) -> bool) -> Cow<'_, str> {
    let mut masked = String::new();
    let mut rest = text;
    while let Some((before, digits, after)) = next_number(rest, &is_none) {
        masked.push_str(before.strip_suffix('+').unwrap_or(before));
        // A String takes everything.
        let _ = mask(digits, &mut masked);
        rest = after;
    }
    if masked.is_empty() {
        return text.into();
    }
    masked.push_str(rest);
    masked.into()
}

/// An id that a peer gave, masked as all else but where it is 128 bits in hexadecimal digits, such as a UUID: there a run of digits is chance,
/// and an id that is changed finds nothing.
///
/// ```
/// use posthouse_core::shown::masked_id;
/// assert_eq!(masked_id("0281065b8caa1a23a53456c92ffd6e36"), "0281065b8caa1a23a53456c92ffd6e36");
/// assert_eq!(masked_id("for-16175550199"), "for-+1617•••0199");
/// ```
pub fn masked_id(text: &str) -> Cow<'_, str> {
    let digits = text.chars().filter(char::is_ascii_hexdigit).count();
    let is_of_id = |character: char| character.is_ascii_hexdigit() || character == '-';
    let has_letter = text.contains(|character: char| character.is_ascii_alphabetic());
    match digits == 32 && has_letter && text.len() <= 36 && text.chars().all(is_of_id) {
        true => text.into(),
        false => masked(text),
    }
}

/// Writes digits as logs may show them: the first four and the last four, or the last four of few.
pub(crate) fn mask(digits: &str, to: &mut impl Write) -> fmt::Result {
    let (head, tail) = (digits.get(..4), digits.len().checked_sub(4).and_then(|at| digits.get(at..)));
    match (head, tail) {
        (Some(head), Some(tail)) if digits.len() > 8 => write!(to, "+{head}{MASK}{tail}"),
        (_, tail) => write!(to, "+{MASK}{}", tail.unwrap_or_default()),
    }
}

/// The next run of digits that is long enough, with what is before and behind it.
fn next_number(text: &str, is_none: impl Fn(&str) -> bool) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    loop {
        let begin = from + text.get(from..)?.find(|character: char| character.is_ascii_digit())?;
        let run = text.get(begin..)?;
        let length = run.find(|character: char| !character.is_ascii_digit()).unwrap_or(run.len());
        from = begin + length;
        if length < FEWEST_DIGITS {
            continue;
        }
        let (before, digits, after) = (text.get(..begin)?, text.get(begin..from)?, text.get(from..)?);
        if !is_none(digits) && !are_decimals(before, after) {
            return Some((before, digits, after));
        }
    }
}

/// Whether digits between these are the decimals of a duration: behind a point that has a digit before it, and followed by a unit of time.
fn are_decimals(before: &str, after: &str) -> bool {
    let has_whole =
        before.strip_suffix('.').is_some_and(|whole| whole.ends_with(|digit: char| digit.is_ascii_digit()));
    let unit = after.split(|character: char| !character.is_alphanumeric()).next();
    has_whole && unit.is_some_and(|unit| UNITS.contains(&unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A character of each kind that is obeyed.
    const OBEYED: [char; 17] = [
        '\0',
        '\u{7}',
        '\u{8}',
        '\t',
        '\n',
        '\r',
        '\u{1b}',
        '\u{7f}',
        '\u{85}',
        '\u{9b}',
        '\u{61c}',
        '\u{200b}',
        '\u{200f}',
        '\u{2028}',
        '\u{202e}',
        '\u{2066}',
        '\u{e0041}',
    ];

    #[test]
    fn what_is_obeyed_is_escaped_and_all_else_is_as_it_was() {
        for character in OBEYED {
            let shown = Shown(&format!("a{character}b")).to_string();
            assert!(shown.starts_with("a\\") && shown.ends_with('b') && shown.is_ascii(), "{shown:?}");
        }
        for text in ["", "plain", "Grüße, «你好» 🎉", "\\u{9b}", "“+1617•••0199”"] {
            assert_eq!(Shown(text).to_string(), text);
        }
        assert_eq!(Shown("\u{1b}[2J\r\n\t\u{7f}\u{202e}x").to_string(), r"\u{1b}[2J\r\n\t\u{7f}\u{202e}x");
    }

    #[test]
    fn json_means_the_same_and_holds_nothing_that_is_obeyed() {
        for character in OBEYED {
            let value =
                serde_json::json!({ format!("k{character}"): [format!("{character}v{character}")], "n": 1 });
            let json = value.to_string();
            let escaped = in_json(&json);
            assert!(!escaped.chars().any(is_obeyed), "{escaped:?}");
            assert_eq!(serde_json::from_str::<serde_json::Value>(&escaped).unwrap(), value);
        }
        assert_eq!(in_json("{\"ü\":\"🎉\"}"), "{\"ü\":\"🎉\"}");
    }

    #[test]
    fn long_runs_of_digits_are_masked() {
        for (text, expected) in [
            ("", ""),
            ("2002 Address Error", "2002 Address Error"),
            ("123456 1234567 12345678", "123456 +•••4567 +•••5678"),
            ("+16175550199", "+1617•••0199"),
            ("<16175550199/TYPE=PLMN>", "<+1617•••0199/TYPE=PLMN>"),
            ("a16175550199b16175550198", "a+1617•••0199b+1617•••0198"),
            ("é16175550199é", "é+1617•••0199é"),
            ("00016175550199999999999", "+0001•••9999"),
            ("2 retries, after 1.234567890s, 12.3456789ms", "2 retries, after 1.234567890s, 12.3456789ms"),
            ("0.1234567µs: 16175550199s", "0.1234567µs: +1617•••0199s"),
            (
                "v1.6175550199 x.6175550199s 1.6175550199sms",
                "v1.+6175•••0199 x.+6175•••0199s 1.+6175•••0199sms",
            ),
        ] {
            assert_eq!(masked(text), expected);
        }
    }

    #[test]
    fn ids_of_128_bits_are_no_numbers() {
        let uuid = "550e8400-e29b-41d4-a716-446655440000";
        assert_eq!(masked_id(uuid), uuid);
        for (text, expected) in [
            ("16175550199", "+1617•••0199"),
            ("16175550199-a", "+1617•••0199-a"),
            ("12345678901234567890123456789012", "+1234•••9012"),
            (
                "0281065b8caa1a23a53456c92ffd6e36 16175550199",
                "+•••1065b8caa1a23a53456c92ffd6e36 +1617•••0199",
            ),
        ] {
            assert_eq!(masked_id(text), expected);
        }
    }
}
