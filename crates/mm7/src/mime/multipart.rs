//! Splits a multipart body at its boundary (RFC 2046 clause 5.1.1), strictly: a delimiter stands at the start of a
//! line and fills it. The same bytes in the middle of a line, or with anything but blanks behind them, belong to
//! the part. One search over the body, no byte copied.

use std::ops::Range;

use memchr::memmem::Finder;

/// The longest boundary that is taken; the standard allows 70 bytes, and some peers' are longer.
pub(super) const MAX_BOUNDARY_BYTES: usize = 200;

/// How a multipart ended, known once all parts were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// With its closing delimiter.
    Closed,
    /// With the end of the body.
    Unclosed,
    /// There is no delimiter at all.
    NoDelimiter,
}

/// Iterates over the places of the parts in a multipart body.
pub(super) struct Splitter<'a> {
    body: &'a [u8],
    delimiter: Finder<'a>,
    /// Where the next part begins; `None` when there is none.
    next: Option<usize>,
    ending: Ending,
}

/// A delimiter with the line break before it, which belongs to it, and the one after it.
struct Delimiter {
    start: usize,
    end: usize,
    closing: bool,
}

impl<'a> Splitter<'a> {
    /// Begins with the body of a multipart and its delimiter: two dashes and the boundary.
    pub(super) fn new(body: &'a [u8], delimiter: &'a [u8]) -> Self {
        let mut splitter =
            Self { body, delimiter: Finder::new(delimiter), next: None, ending: Ending::NoDelimiter };
        if let Some(first) = splitter.delimiter_from(0) {
            splitter.pass(&first);
        }
        splitter
    }

    /// How the body ended. Ask after the last part.
    pub(super) fn ending(&self) -> Ending {
        self.ending
    }

    fn pass(&mut self, delimiter: &Delimiter) {
        self.next = (!delimiter.closing).then_some(delimiter.end);
        self.ending = if delimiter.closing { Ending::Closed } else { Ending::Unclosed };
    }

    /// The first delimiter at or after a place that is itself the start of a line.
    fn delimiter_from(&self, from: usize) -> Option<Delimiter> {
        let mut at = from;
        loop {
            at += self.delimiter.find(self.body.get(at..)?)?;
            if let Some(delimiter) = self.check(at) {
                return Some(delimiter);
            }
            // No delimiter holds a line break, so none begins inside another.
            at += self.delimiter.needle().len();
        }
    }

    /// Whether the bytes of the delimiter at this place are one.
    fn check(&self, at: usize) -> Option<Delimiter> {
        let (before, found) = self.body.split_at_checked(at)?;
        if !(before.is_empty() || before.ends_with(b"\n")) {
            return None;
        }
        let after = found.get(self.delimiter.needle().len()..)?;
        let (closing, padding) = match after.strip_prefix(b"--") {
            Some(padding) => (true, padding),
            None => (false, after),
        };
        let rest = match skip_blanks(padding) {
            [] => &[],
            [b'\n', rest @ ..] | [b'\r', b'\n', rest @ ..] => rest,
            _ => return None,
        };
        let line_break =
            [&b"\r\n"[..], b"\n"].into_iter().find(|end| before.ends_with(end)).map_or(0, <[u8]>::len);
        Some(Delimiter { start: at - line_break, end: self.body.len() - rest.len(), closing })
    }
}

impl Iterator for Splitter<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let start = self.next.take()?;
        match self.delimiter_from(start) {
            Some(delimiter) => {
                self.pass(&delimiter);
                // Two delimiters may share one line break: then there is nothing between them.
                Some(start..delimiter.start.max(start))
            }
            // A last delimiter without its closing dashes is no part.
            None if self.body.get(start..)?.trim_ascii_start().is_empty() => None,
            None => Some(start..self.body.len()),
        }
    }
}

/// Passes over blanks, which transports pad lines with.
fn skip_blanks(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().position(|byte| !matches!(byte, b' ' | b'\t')).unwrap_or(bytes.len());
    bytes.get(start..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split<'a>(body: &'a str, boundary: &str) -> (Vec<&'a str>, Ending) {
        let delimiter = format!("--{boundary}");
        let mut splitter = Splitter::new(body.as_bytes(), delimiter.as_bytes());
        let parts = splitter.by_ref().map(|place| &body[place]).collect();
        (parts, splitter.ending())
    }

    #[test]
    fn parts_stand_between_delimiters() {
        for (body, expected) in [
            ("--b\r\none\r\n--b\r\ntwo\r\n--b--\r\n", &["one", "two"][..]),
            ("--b\none\n--b\ntwo\n--b--", &["one", "two"]),
            ("--b\r\none\n--b\ntwo\r\n--b--", &["one", "two"]),
            ("--b \t\r\none\r\n--b--  \r\n", &["one"]),
            ("preamble\r\n--b\r\none\r\n--b--\r\nepilogue\r\n--b\r\nno part", &["one"]),
            ("\r\n--b\r\none\r\n--b--", &["one"]),
            ("--b\r\n\r\n\r\n--b--", &["\r\n"]),
            ("--b\r\n--b\r\n\r\n--b--", &["", ""]),
            ("--b\n--b--", &[""]),
            ("--b\r\none\r\r\n--b--", &["one\r"]),
            ("--b--\r\n", &[]),
        ] {
            let (parts, ending) = split(body, "b");
            assert_eq!((parts.as_slice(), ending), (expected, Ending::Closed), "{body:?}");
        }
    }

    #[test]
    fn look_alikes_belong_to_the_part() {
        for inside in [
            "x--b",
            "x--b--",
            " --b",
            "--bb",
            "--b-",
            "--b-- no",
            "--b end",
            "--b--b",
            "--B",
            "-- b",
            "--b\r",
            "--b\rx",
            "\r--b",
            "-b\r\n---b",
            "----b",
        ] {
            let body = format!("--b\r\n{inside}\r\n--b\r\n\r\n{inside}\r\n--b--\r\n");
            let (parts, ending) = split(&body, "b");
            assert_eq!(parts, [inside, &format!("\r\n{inside}")], "{inside:?}");
            assert_eq!(ending, Ending::Closed);
        }
    }

    #[test]
    fn any_boundary_is_taken_as_it_stands() {
        for boundary in [
            "StoryParts 74526 8432 2002-77645",
            "--NextPart_0_2817_24856",
            "----=_Part_1_32774585.1224134863329",
            "==MM7-SOAP==96ac8e10",
            "'()+_,-./:=?",
            "a",
            "-",
            &"x".repeat(70),
        ] {
            let body = format!("--{boundary}\r\none\r\n--{boundary} \r\ntwo\r\n--{boundary}--");
            assert_eq!(split(&body, boundary), (vec!["one", "two"], Ending::Closed), "{boundary}");
        }
    }

    #[test]
    fn a_boundary_that_begins_like_another_is_another() {
        let body = "--b\r\n--b1\r\ninner\r\n--b1--\r\n--b--";
        assert_eq!(split(body, "b").0, ["--b1\r\ninner\r\n--b1--"]);
        assert_eq!(split(body, "b1").0, ["inner"]);
    }

    #[test]
    fn what_has_no_end_is_still_read() {
        assert_eq!(split("--b\r\none\r\n--b\r\ntwo", "b"), (vec!["one", "two"], Ending::Unclosed));
        assert_eq!(split("--b\r\none\r\n", "b"), (vec!["one\r\n"], Ending::Unclosed));
        assert_eq!(split("--b\r\none\r\n--b\r\n", "b"), (vec!["one"], Ending::Unclosed));
        assert_eq!(split("--b\r\none\r\n--b", "b"), (vec!["one"], Ending::Unclosed));
        assert_eq!(split("--b\r\none\r\n--b-", "b"), (vec!["one\r\n--b-"], Ending::Unclosed));
    }

    #[test]
    fn without_a_delimiter_there_is_no_part() {
        for body in ["", "text", "text --b\r\n", "--a\r\none\r\n--a--"] {
            assert_eq!(split(body, "b"), (vec![], Ending::NoDelimiter), "{body:?}");
        }
    }

    #[test]
    fn many_near_hits_cost_one_pass() {
        let body = format!("--b\r\n{}\r\n--b--", "--b".repeat(400_000));
        assert_eq!(split(&body, "b").0.len(), 1);
        let blanks = format!("--b\r\n{}\r\n--b--", "\n--b    x".repeat(150_000));
        assert_eq!(split(&blanks, "b").0.len(), 1);
    }
}
