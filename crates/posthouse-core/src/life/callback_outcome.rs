//! How a try to deliver a callback ended.

use bytes::Bytes;
use jiff::Timestamp;

use crate::bounds;

/// What a VASP said, when it did not acknowledge a callback.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallbackAnswer {
    /// In words, for the timeline and the log.
    pub words: String,
    /// The HTTP status; `None` where there was no answer at all.
    pub http_status: Option<u16>,
    /// How its body begins; [`ANSWER`](crate::bounds::ANSWER) bytes of it are kept.
    pub body: Bytes,
}

impl From<&str> for CallbackAnswer {
    fn from(words: &str) -> Self {
        words.to_owned().into()
    }
}

impl From<String> for CallbackAnswer {
    /// There was no answer.
    fn from(words: String) -> Self {
        Self { words, ..Self::default() }
    }
}

impl CallbackAnswer {
    /// What of it is kept.
    #[must_use]
    pub fn within_bounds(mut self) -> Self {
        bounds::shorten(&mut self.words, bounds::LINE);
        self.body.truncate(bounds::ANSWER);
        self
    }
}

/// How a try to deliver a callback ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallbackOutcome {
    /// The VASP acknowledged it.
    Delivered,
    /// It did not; another try is due at that time.
    Again {
        /// When the next try is due (UTC, milliseconds).
        due: Timestamp,
        /// What it said instead.
        said: CallbackAnswer,
    },
    /// It did not, and no try is left: kept as failed.
    Failed {
        /// What it said instead.
        said: CallbackAnswer,
    },
    /// It is not to be delivered at all: the account has nowhere to send it, or its dialect does not know the status.
    Withdrawn {
        /// Why, for the timeline.
        said: String,
    },
}

impl CallbackOutcome {
    /// What of it is kept.
    #[must_use]
    pub fn within_bounds(self) -> Self {
        match self {
            Self::Again { due, said } => Self::Again { due, said: said.within_bounds() },
            Self::Failed { said } => Self::Failed { said: said.within_bounds() },
            other => other,
        }
    }
}
