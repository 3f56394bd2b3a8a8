//! What a callback says, in short.

use std::fmt;

use mm7::MmStatus;

use crate::message::ReadStatus;

/// About what a callback is, and what it says of that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallbackSays {
    /// What became of a message.
    Report(MmStatus),
    /// A message from a handset.
    Mo,
    /// What the recipient did with a message.
    ReadReply(ReadStatus),
}

impl CallbackSays {
    /// What a line of a timeline about a callback says, by how it [displays](fmt::Display).
    pub fn from_words(words: &str) -> Option<Self> {
        match words.strip_prefix("read reply ") {
            Some(status) => ReadStatus::from_name(status).map(Self::ReadReply),
            None => MmStatus::from_name(words).map(Self::Report),
        }
    }
}

impl fmt::Display for CallbackSays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Report(status) => status.fmt(f),
            Self::Mo => f.write_str("message from a handset"),
            Self::ReadReply(status) => write!(f, "read reply {status}"),
        }
    }
}
