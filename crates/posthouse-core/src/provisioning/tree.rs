//! What somebody declared, before it is understood: a neutral tree of values with their places, whatever format they came in.

use std::{borrow::Cow, fmt, path::PathBuf, sync::Arc};

use crate::mistake::Mistake;

/// Where a value stands in what was declared.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Spot {
    /// In this line of a text, counted from 1.
    Line(usize),
    /// At this JSON pointer (RFC 6901); the empty one is the whole.
    Pointer(Arc<str>),
}

impl Spot {
    /// The line, where the format has lines.
    pub const fn line(&self) -> Option<usize> {
        match self {
            Self::Line(line) => Some(*line),
            Self::Pointer(_) => None,
        }
    }
}

impl fmt::Display for Spot {
    /// For people: `line 7`, or the pointer.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Pointer(pointer) => f.write_str(pointer),
        }
    }
}

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeNode<'t> {
    /// Where it stands: of an entry of a table, where its key does.
    pub spot: Spot,
    /// What it is.
    pub value: Value<'t>,
}

/// The entries of a table. No key is there twice.
pub type Entries<'t> = Vec<(Cow<'t, str>, TreeNode<'t>)>;

/// What [`Value::Other`] is called where nothing is written in a value's place: JSON's `null`.
pub const NOTHING: &str = "nothing";

/// A declared value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'t> {
    /// A text.
    Text(Cow<'t, str>),
    /// A whole number that is not negative.
    Number(u64),
    /// True or false.
    Flag(bool),
    /// Values in order.
    List(Vec<TreeNode<'t>>),
    /// Values by key.
    Table(Entries<'t>),
    /// What nothing takes, and what it is for people: `a fraction`.
    Other(&'static str),
}

impl Value<'_> {
    /// What kind of value it is, for people.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Number(_) => "a number",
            Self::Flag(_) => "true or false",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
            Self::Other(what) => what,
        }
    }
}

/// Where the text of a value is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueSource {
    /// From what was declared.
    Inline,
    /// From an environment variable of this name.
    Environment(String),
    /// From a file of its own.
    File(PathBuf),
}

impl ValueSource {
    /// As a message names it in the place of the value.
    pub(super) fn for_people(&self) -> String {
        match self {
            Self::Inline => "the value".to_owned(),
            Self::Environment(name) => format!("the value of the environment variable {name}"),
            Self::File(path) => format!("what {} holds", path.display()),
        }
    }
}

/// Values that stand outside of what was declared, and the files that it names.
///
/// Errors stand after the place of the value, and hold the remedy.
pub trait Outside {
    /// The text that a table of one entry stands for: `{ env = "NAME" }` or `{ file = "path" }`. `None`: it stands for itself.
    ///
    /// # Errors
    /// There is no such variable or file, or it cannot be read.
    fn text(&self, key: &str, name: &str) -> Option<Result<(String, ValueSource), Mistake>>;

    /// The absolute path of a file that is there, and that the gateway reads by itself, later and again.
    ///
    /// # Errors
    /// Why it cannot be read; it stands after the name.
    fn file(&self, name: &str) -> Result<PathBuf, Mistake>;
}

/// Nothing stands outside: what comes over the network must not reach into this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct NothingOutside;

impl Outside for NothingOutside {
    fn text(&self, _key: &str, _name: &str) -> Option<Result<(String, ValueSource), Mistake>> {
        None
    }

    fn file(&self, _name: &str) -> Result<PathBuf, Mistake> {
        Err(("names a file, which cannot be done here", "leave it out").into())
    }
}
