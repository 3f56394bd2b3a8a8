//! What carriers posted and nobody can read: kept for people, within bounds.
//!
//! A report that is refused is lost, unless somebody sees what it was and has it put right.

use bytes::Bytes;
use jiff::Timestamp;
use mm7::StatusCode;

use crate::{carrier::CarrierId, message::Digest};

/// The most bytes of one request that are kept.
pub const MOST_BYTES: usize = 16 * 1024;

/// The most requests of one carrier that are kept; the oldest go first.
pub const MOST_OF_A_CARRIER: usize = 1000;

/// The most bytes of a Content-Type, and of the reason, that are kept.
const MOST_WORDS: usize = 320;

/// A request of a carrier that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// The carrier at whose door it came.
    pub carrier: CarrierId,
    /// What it was answered with.
    pub code: StatusCode,
    /// Why, in words for people. They may quote the request.
    pub why: String,
    /// Its Content-Type, as it was received.
    pub content_type: Option<String>,
    /// The first [`MOST_BYTES`] of its body.
    pub body: Bytes,
    /// How long the whole body is, in bytes.
    pub length: u64,
    /// Identifies the whole body and the reason: one that comes again is counted, not kept twice.
    pub digest: Digest,
    /// When it was received.
    pub received_at: Timestamp,
}

/// What becomes of a request that nobody can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnUnreadable {
    /// The same is kept already: it came once more, and last now.
    Counted,
    /// It is kept.
    Kept {
        /// How many of its carrier go for it: the oldest, by their numbers.
        oldest_go: usize,
    },
}

/// What becomes of one more, where [the same](Unreadable::is_the_same) is kept already or not, beside `of_carrier` of its carrier.
pub const fn keeping(is_known: bool, of_carrier: usize) -> OnUnreadable {
    if is_known {
        return OnUnreadable::Counted;
    }
    OnUnreadable::Kept { oldest_go: of_carrier.saturating_sub(MOST_OF_A_CARRIER - 1) }
}

impl Unreadable {
    /// Whether another is the same request, at the same door, and cannot be read for the same reason.
    pub fn is_the_same(&self, other: &Self) -> bool {
        (&self.carrier, self.digest) == (&other.carrier, other.digest)
    }

    /// With no more of it than is kept.
    pub fn within_bounds(mut self) -> Self {
        if self.body.len() > MOST_BYTES {
            // Copied, or what is kept would hold all of it in memory.
            self.body = Bytes::copy_from_slice(self.body.get(..MOST_BYTES).unwrap_or_default());
        }
        truncate(&mut self.why);
        self.content_type.iter_mut().for_each(truncate);
        self
    }
}

fn truncate(text: &mut String) {
    let end = (0..=MOST_WORDS.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    text.truncate(end.unwrap_or(0));
}

/// One that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptUnreadable {
    /// Its number in the store; those that came later have higher ones.
    pub number: i64,
    /// How often the very same came.
    pub times: u64,
    /// When it was received last.
    pub last_at: Timestamp,
    /// What came, and when it came first.
    pub request: Unreadable,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_of_a_carrier_stay() {
        for (is_known, of_carrier, expected) in [
            (true, 1000, OnUnreadable::Counted),
            (false, 0, OnUnreadable::Kept { oldest_go: 0 }),
            (false, 999, OnUnreadable::Kept { oldest_go: 0 }),
            (false, 1000, OnUnreadable::Kept { oldest_go: 1 }),
            (false, 1004, OnUnreadable::Kept { oldest_go: 5 }),
        ] {
            assert_eq!(keeping(is_known, of_carrier), expected, "beside {of_carrier}");
        }
    }

    #[test]
    fn no_more_is_kept_than_is_shown() {
        let whole = Unreadable {
            carrier: CarrierId("31003".to_owned()),
            code: StatusCode::UnableToParse,
            why: "é".repeat(1000),
            content_type: Some("x".repeat(1000)),
            body: vec![7; 20_000].into(),
            length: 20_000,
            digest: Digest([0; 16]),
            received_at: Timestamp::UNIX_EPOCH,
        };
        for (carrier, digest, expected) in [("31003", 0, true), ("31002", 0, false), ("31003", 1, false)] {
            let other = Unreadable {
                carrier: CarrierId(carrier.to_owned()),
                digest: Digest([digest; 16]),
                why: "w".to_owned(),
                ..whole.clone()
            };
            assert_eq!(whole.is_the_same(&other), expected, "{carrier} {digest}");
        }
        let kept = whole.clone().within_bounds();
        assert_eq!((kept.body.len(), kept.length), (16_384, 20_000));
        assert_eq!((kept.why.len(), kept.content_type.map(|text| text.len())), (320, Some(320)));
        let short = Unreadable { why: "w".to_owned(), content_type: None, body: "b".into(), ..whole };
        assert_eq!(short.clone().within_bounds(), short);
    }
}
