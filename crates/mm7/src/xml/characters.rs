//! What characters XML 1.0 takes, in a document, in names and as references (clauses 2.2, 2.3, 2.11, 3.3.3 and 4.1).

use std::borrow::Cow;

use crate::error::{DecodeError, Rule};
use crate::text::excerpt;

/// Refuses the characters that XML leaves out, whatever they are part of.
pub(super) fn check_characters(text: &str) -> Result<(), DecodeError> {
    let is_control = |byte: u8| byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r');
    let bytes = text.as_bytes();
    // Whole chunks without an early exit let the compiler compare many bytes at once.
    let any = |chunk: &[u8]| chunk.iter().fold(false, |found, byte| found | is_control(*byte));
    if bytes.chunks(256).any(any)
        && let Some(offset) = bytes.iter().position(|byte| is_control(*byte))
    {
        let rule = if bytes.get(offset) == Some(&0) { Rule::Encoding } else { Rule::NotWellFormed };
        return Err(DecodeError::new(rule, offset, "the envelope has a control character"));
    }
    // U+FFFE and U+FFFF.
    let is_none = |at: &usize| matches!(bytes.get(*at..), Some([0xef, 0xbf, 0xbe | 0xbf, ..]));
    match memchr::memchr_iter(0xef, bytes).find(is_none) {
        Some(offset) => Err(DecodeError::ill_formed(offset, "the envelope has a character that is none")),
        None => Ok(()),
    }
}

/// Whether XML allows the character.
pub(crate) const fn is_character(c: char) -> bool {
    match c {
        '\t' | '\n' | '\r' => true,
        '\u{fffe}' | '\u{ffff}' => false,
        c => c >= ' ',
    }
}

/// What stands between `&` and `;`.
pub(super) fn reference(name: &str) -> Result<char, String> {
    character(name).ok_or_else(|| format!("&{}; is not one of XML's references", excerpt(name)))
}

fn character(name: &str) -> Option<char> {
    let number = match name {
        "lt" => return Some('<'),
        "gt" => return Some('>'),
        "amp" => return Some('&'),
        "apos" => return Some('\''),
        "quot" => return Some('"'),
        _ => name.strip_prefix('#')?,
    };
    let (digits, radix) = number.strip_prefix('x').map_or((number, 10), |digits| (digits, 16));
    // The number parser would take a sign.
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    u32::from_str_radix(digits, radix).ok().and_then(char::from_u32).filter(|c| is_character(*c))
}

/// Makes line feeds of all line ends.
pub(super) fn with_line_feeds(text: &str) -> Cow<'_, str> {
    if !text.contains('\r') {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"))
}

/// Resolves references and makes blanks of line breaks and tabs.
pub(crate) fn attribute_value(raw: &str) -> Result<Cow<'_, str>, String> {
    // Without an early exit many bytes are compared at once. The document has no other control characters.
    let is_special = |byte: u8| byte < b' ' || byte == b'&' || byte == b'<';
    if !raw.bytes().fold(false, |found, byte| found | is_special(byte)) {
        return Ok(Cow::Borrowed(raw));
    }
    let mut value = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(c) = rest.chars().next() {
        let mut after = rest.get(c.len_utf8()..).unwrap_or_default();
        match c {
            '<' => return Err("< stands in an attribute".to_owned()),
            '&' => {
                let (name, tail) = after.split_once(';').ok_or("& stands in an attribute")?;
                value.push(reference(name)?);
                after = tail;
            }
            '\r' => {
                after = after.strip_prefix('\n').unwrap_or(after);
                value.push(' ');
            }
            '\t' | '\n' => value.push(' '),
            c => value.push(c),
        }
        rest = after;
    }
    Ok(Cow::Owned(value))
}

/// Text as it stands in an attribute between quotes of either kind.
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(['<', '>', '&', '\'', '"']) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '\'' => escaped.push_str("&apos;"),
            '"' => escaped.push_str("&quot;"),
            c => escaped.push(c),
        }
    }
    Cow::Owned(escaped)
}

/// Whether it is an NCName (Namespaces in XML clause 3).
pub(crate) fn is_name(name: &str) -> bool {
    // Nearly every name there is.
    if name.bytes().fold(!name.is_empty(), |all, byte| all & byte.is_ascii_alphabetic()) {
        return true;
    }
    let mut characters = name.chars();
    characters.next().is_some_and(is_name_start) && characters.all(is_name_character)
}

const fn is_name_start(c: char) -> bool {
    matches!(c,
        'A'..='Z' | 'a'..='z' | '_' | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{2ff}'
        | '\u{370}'..='\u{37d}' | '\u{37f}'..='\u{1fff}' | '\u{200c}'..='\u{200d}' | '\u{2070}'..='\u{218f}'
        | '\u{2c00}'..='\u{2fef}' | '\u{3001}'..='\u{d7ff}' | '\u{f900}'..='\u{fdcf}' | '\u{fdf0}'..='\u{fffd}'
        | '\u{10000}'..='\u{effff}')
}

const fn is_name_character(c: char) -> bool {
    is_name_start(c)
        || matches!(c, '-' | '.' | '0'..='9' | '\u{b7}' | '\u{300}'..='\u{36f}' | '\u{203f}'..='\u{2040}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_from_what_is_none() {
        for name in ["a", "_", "A-1.b_", "é", "é-1", "a\u{b7}", "你"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "1", "-a", ".a", "a:b", "a b", "a$", "\u{b7}", "×", "a×"] {
            assert!(!is_name(name), "{name}");
        }
    }

    #[test]
    fn references_are_those_of_xml() {
        for (name, c) in [("lt", '<'), ("#65", 'A'), ("#x1F600", '😀'), ("#x0041", 'A'), ("#13", '\r')] {
            assert_eq!(reference(name), Ok(c), "{name}");
        }
        for name in
            ["", "#", "#x", "nbsp", "LT", "#1", "#0", "#xd800", "#x110000", "#+65", "#x-1", "#99999999999"]
        {
            assert!(reference(name).is_err(), "{name}");
        }
    }
}
