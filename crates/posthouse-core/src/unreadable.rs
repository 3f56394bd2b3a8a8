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

impl Unreadable {
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
        let kept = whole.clone().within_bounds();
        assert_eq!((kept.body.len(), kept.length), (16_384, 20_000));
        assert_eq!((kept.why.len(), kept.content_type.map(|text| text.len())), (320, Some(320)));
        let short = Unreadable { why: "w".to_owned(), content_type: None, body: "b".into(), ..whole };
        assert_eq!(short.clone().within_bounds(), short);
    }
}
