//! Splits a multipart body at its boundary (RFC 2046 clause 5.1.1), strictly: a delimiter stands at the start of a
//! line and fills it. The same bytes in the middle of a line, or with anything but blanks behind them, belong to
//! the part. One search over the body, however deeply multiparts are nested in it, and no byte copied.

use std::ops::Range;

use memchr::memmem::{self, Finder};

/// The longest boundary that is taken; the standard allows 70 bytes, and some peers' are longer.
pub(super) const MAX_BOUNDARY_BYTES: usize = 200;

/// How many lines that begin with two dashes are remembered. Bodies with more of them, which only an attacker sends,
/// are searched once for each multipart in them.
const MAX_DASHED_LINES: usize = 1024;

/// The lines of a body that begin with two dashes: the only places where a delimiter can be, of whatever multipart.
#[derive(Debug)]
pub(super) struct DashedLines {
    places: Vec<usize>,
    is_complete: bool,
}

impl DashedLines {
    /// Looks through a body, once.
    pub(super) fn of(body: &[u8]) -> Self {
        let first = body.starts_with(b"--").then_some(0);
        let others = memmem::find_iter(body, b"\n--").map(|line_break| line_break + 1);
        let places: Vec<_> = first.into_iter().chain(others).take(MAX_DASHED_LINES + 1).collect();
        let is_complete = places.len() <= MAX_DASHED_LINES;
        Self { places, is_complete }
    }

    /// Those from a place on; `None` where they are too many to be known.
    fn from(&self, place: usize) -> Option<&[usize]> {
        let first = self.places.partition_point(|known| *known < place);
        self.places.get(first..).filter(|_| self.is_complete)
    }
}

/// How a multipart ended, known once all parts were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MultipartEnd {
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
    /// Where the body begins in what the dashed lines were looked for in.
    offset: usize,
    dashed: &'a DashedLines,
    delimiter: &'a [u8],
    /// Where the next part begins; `None` when there is none.
    next: Option<usize>,
    ending: MultipartEnd,
}

/// A delimiter with the line break before it, which belongs to it, and the one after it.
struct Delimiter {
    start: usize,
    end: usize,
    closing: bool,
}

impl<'a> Splitter<'a> {
    /// Begins with the body of a multipart, where it begins in the whole body of which the dashed lines are known, and
    /// its delimiter: two dashes and the boundary.
    pub(super) fn new(body: &'a [u8], offset: usize, dashed: &'a DashedLines, delimiter: &'a [u8]) -> Self {
        let ending = MultipartEnd::NoDelimiter;
        let mut splitter = Self { body, offset, dashed, delimiter, next: None, ending };
        if let Some(first) = splitter.delimiter_from(0) {
            splitter.pass(&first);
        }
        splitter
    }

    /// How the body ended. Ask after the last part.
    pub(super) fn ending(&self) -> MultipartEnd {
        self.ending
    }

    fn pass(&mut self, delimiter: &Delimiter) {
        self.next = (!delimiter.closing).then_some(delimiter.end);
        self.ending = if delimiter.closing { MultipartEnd::Closed } else { MultipartEnd::Unclosed };
    }

    /// The first delimiter at or after a place that is itself the start of a line.
    fn delimiter_from(&self, from: usize) -> Option<Delimiter> {
        match self.dashed.from(self.offset + from) {
            Some(places) => {
                let inside = places.iter().map(|place| place - self.offset);
                inside.take_while(|at| *at < self.body.len()).find_map(|at| self.check(at))
            }
            None => self.search(from),
        }
    }

    fn search(&self, from: usize) -> Option<Delimiter> {
        let finder = Finder::new(self.delimiter);
        let mut at = from;
        loop {
            at += finder.find(self.body.get(at..)?)?;
            if let Some(delimiter) = self.check(at) {
                return Some(delimiter);
            }
            // No delimiter holds a line break, so none begins inside another.
            at += self.delimiter.len();
        }
    }

    /// Whether there is a delimiter at this place.
    fn check(&self, at: usize) -> Option<Delimiter> {
        let (before, found) = self.body.split_at_checked(at)?;
        if !(before.is_empty() || before.ends_with(b"\n")) {
            return None;
        }
        let after = found.strip_prefix(self.delimiter)?;
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

    fn split<'a>(body: &'a str, boundary: &str) -> (Vec<&'a str>, MultipartEnd) {
        let delimiter = format!("--{boundary}");
        let split = |dashed: &DashedLines| {
            let mut splitter = Splitter::new(body.as_bytes(), 0, dashed, delimiter.as_bytes());
            let parts = splitter.by_ref().map(|place| &body[place]).collect();
            (parts, splitter.ending())
        };
        let found = split(&DashedLines::of(body.as_bytes()));
        let unknown = DashedLines { places: Vec::new(), is_complete: false };
        assert_eq!(found, split(&unknown), "with and without the dashed lines");
        found
    }

    #[test]
    fn dashed_lines_are_known_up_to_a_number() {
        assert_eq!(DashedLines::of(b"--a\n -b\n--\r--\n---\n-").places, [0, 8, 14]);
        assert_eq!(DashedLines::of(b"a--\n\n--").from(6), Some(&[][..]));
        let many = DashedLines::of("--\n".repeat(1024).as_bytes());
        assert_eq!(many.from(3069), Some(&[3069][..]));
        let too_many = DashedLines::of("--\n".repeat(1025).as_bytes());
        assert_eq!(too_many.from(0), None);
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
            assert_eq!((parts.as_slice(), ending), (expected, MultipartEnd::Closed), "{body:?}");
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
            assert_eq!(ending, MultipartEnd::Closed);
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
            assert_eq!(split(&body, boundary), (vec!["one", "two"], MultipartEnd::Closed), "{boundary}");
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
        assert_eq!(split("--b\r\none\r\n--b\r\ntwo", "b"), (vec!["one", "two"], MultipartEnd::Unclosed));
        assert_eq!(split("--b\r\none\r\n", "b"), (vec!["one\r\n"], MultipartEnd::Unclosed));
        assert_eq!(split("--b\r\none\r\n--b\r\n", "b"), (vec!["one"], MultipartEnd::Unclosed));
        assert_eq!(split("--b\r\none\r\n--b", "b"), (vec!["one"], MultipartEnd::Unclosed));
        assert_eq!(split("--b\r\none\r\n--b-", "b"), (vec!["one\r\n--b-"], MultipartEnd::Unclosed));
    }

    #[test]
    fn without_a_delimiter_there_is_no_part() {
        for body in ["", "text", "text --b\r\n", "--a\r\none\r\n--a--"] {
            assert_eq!(split(body, "b"), (vec![], MultipartEnd::NoDelimiter), "{body:?}");
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
