//! What is found wrong: where, in which words, and what would put it right.

use std::borrow::Cow;
use std::fmt;

use crate::error::Rule;
use crate::text::{cut, without_controls};

/// A place in a text: line and column, both from 1, the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl Position {
    pub(super) const START: Self = Self { line: 1, column: 1 };

    /// The position behind this text.
    pub(super) fn after(self, text: &str) -> Self {
        match text.rsplit_once('\n') {
            None => Self { column: self.column + text.chars().count(), ..self },
            Some((before, last)) => Self {
                line: self.line + 1 + memchr::memchr_iter(b'\n', before.as_bytes()).count(),
                column: 1 + last.chars().count(),
            },
        }
    }
}

/// Where in the file something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The byte offset in the file.
    pub offset: usize,
    /// Line and column in the file, in the HTTP head and in the envelope; `None` among the MIME parts, which need not
    /// be text.
    pub position: Option<Position>,
    /// Whether the envelope is transfer-encoded: then line and column count in what it decodes to, and the offset is
    /// where its part begins.
    pub is_decoded: bool,
}

impl fmt::Display for Place {
    /// `14:9` for line and column, `byte 1034` among the parts.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            None => write!(f, "byte {}", self.offset),
            Some(Position { line, column }) if self.is_decoded => {
                write!(f, "byte {}, {line}:{column} of what it decodes to", self.offset)
            }
            Some(Position { line, column }) => write!(f, "{line}:{column}"),
        }
    }
}

/// What would put something right.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remedy {
    /// What to do: one sentence without a full stop.
    pub advice: String,
    /// What stands in the file, cut where it is long.
    pub found: Option<String>,
    /// What should stand there instead; `None` where something has to go, or only the sender can know.
    pub corrected: Option<String>,
}

impl Remedy {
    /// A remedy that is only told.
    pub fn advise(advice: impl Into<String>) -> Self {
        Self { advice: one_line(advice.into()), ..Self::default() }
    }

    /// The same with what stands in the file.
    #[must_use]
    pub fn found(mut self, found: Option<String>) -> Self {
        self.found = found.map(one_line);
        self
    }

    /// The same with what should stand there.
    #[must_use]
    pub fn corrected(mut self, corrected: impl Into<String>) -> Self {
        self.corrected = Some(one_line(corrected.into()));
        self
    }
}

/// The most bytes of each text of a remedy.
const MAX_TEXT: usize = 4096;

/// What is told goes to terminals and logs: one line, of bounded length, without control characters.
fn one_line(mut text: String) -> String {
    if text.len() > MAX_TEXT {
        text.truncate(cut(&text, MAX_TEXT).len());
        text.push('…');
    }
    match without_controls(&text) {
        Cow::Owned(plain) => plain,
        Cow::Borrowed(_) => text,
    }
}

/// An element as it stands in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenElement {
    /// Where it begins.
    pub place: Place,
    /// Its text in one line, cut where it is long.
    pub text: Option<String>,
    pub(super) prefix: Option<String>,
}

impl SeenElement {
    /// Markup without prefixes, with that of this element: what may be put into it, or in its place.
    pub fn prefixed(&self, markup: &str) -> String {
        prefixed(markup, self.prefix.as_deref())
    }
}

/// One broken rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule that is broken.
    pub rule: Rule,
    /// The place in the file.
    pub place: Place,
    /// What is wrong, in words: one sentence without a full stop.
    pub what: String,
    /// What would put it right.
    pub remedy: Remedy,
}

/// Canonical markup with a prefix: in canonical markup no text holds a `<`.
pub(super) fn prefixed(markup: &str, prefix: Option<&str>) -> String {
    let Some(prefix) = prefix else { return markup.to_owned() };
    let mut prefixed = String::with_capacity(markup.len() + 32);
    for (count, piece) in markup.split('<').enumerate() {
        match (count, piece.strip_prefix('/')) {
            (0, _) => prefixed.push_str(piece),
            (_, Some(name)) => prefixed.push_str(&format!("</{prefix}:{name}")),
            (_, None) => prefixed.push_str(&format!("<{prefix}:{piece}")),
        }
    }
    prefixed
}
