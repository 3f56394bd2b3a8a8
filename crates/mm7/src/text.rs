//! Pieces of input as they are told: cut, without control characters; and what a URL begins with.

use std::borrow::Cow;

/// At most the first 80 bytes of a piece of input, for a message.
pub(crate) fn excerpt(text: &str) -> &str {
    cut(text, 80)
}

/// At most the first `max` bytes, cut between characters.
pub(crate) fn cut(text: &str, max: usize) -> &str {
    if text.len() <= max {
        return text;
    }
    (0..=max).rev().find_map(|end| text.get(..end)).unwrap_or_default()
}

/// The text with a blank in place of each control character: in a header it would end the line, in a terminal it would be obeyed.
///
/// ```
/// assert_eq!(mm7::text::without_controls("a\r\nb"), "a  b");
/// ```
pub fn without_controls(text: &str) -> Cow<'_, str> {
    if text.contains(char::is_control) {
        Cow::Owned(text.replace(char::is_control, " "))
    } else {
        Cow::Borrowed(text)
    }
}

/// The scheme that a reference begins with (RFC 3986 clause 3.1), without its colon; `None` for one that is relative. A drive's letter
/// counts as a scheme.
///
/// ```
/// use mm7::text::scheme;
/// assert_eq!(scheme("HTTP://a.example/b"), Some("HTTP"));
/// assert_eq!(scheme("a.gif"), None);
/// assert_eq!(scheme("1:2.gif"), None);
/// ```
pub fn scheme(reference: &str) -> Option<&str> {
    let (scheme, _) = reference.split_once(':')?;
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    is_scheme.then_some(scheme)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_between_characters() {
        for (max, expected) in [(0, ""), (1, "a"), (2, "a"), (3, "aé"), (4, "aéb"), (9, "aéb")] {
            assert_eq!(cut("aéb", max), expected, "{max}");
        }
    }

    #[test]
    fn schemes_are_told_from_what_looks_alike() {
        for (reference, expected) in [
            ("cid:a", Some("cid")),
            ("a+b-c.1:", Some("a+b-c.1")),
            ("C:\\a.gif", Some("C")),
            ("", None),
            (":", None),
            ("//a:80/b", None),
            ("./a:b", None),
            ("бал:a.gif", None),
        ] {
            assert_eq!(scheme(reference), expected, "{reference}");
        }
    }
}
