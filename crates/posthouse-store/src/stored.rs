//! What stands in the rows of either database, and is read and reported in the same way.

use std::fmt;

use bytes::Bytes;
use jiff::Timestamp;
use posthouse_core::{Id, message::StoredPart, store::StoreError};

/// What a stored value that cannot be read is reported as.
pub(crate) fn corrupt(
    table: &str,
    column: &str,
    row: impl fmt::Display,
    what: impl fmt::Display,
) -> StoreError {
    StoreError::Corrupt { place: format!("{table}.{column} of row {row}"), what: what.to_string() }
}

/// What media that are not what they must be are reported as.
pub(crate) fn corrupt_media(id: Id) -> StoreError {
    corrupt("media", "body", id, "its checksum does not match")
}

/// The time of a stored number; numbers out of range stop at the ends of time.
pub(crate) fn time(milliseconds: i64) -> Timestamp {
    let end = if milliseconds < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_millisecond(milliseconds).unwrap_or(end)
}

/// What the documents of a submission and of a message from a handset have in common.
#[derive(serde::Deserialize)]
pub(crate) struct DescribedParts {
    pub(crate) parts: Vec<StoredPart>,
}

/// How long each part is; `None` when they cannot be, each or together.
pub(crate) fn lengths(parts: &[StoredPart]) -> Option<Vec<usize>> {
    parts.iter().try_fold(0_u64, |sum, part| sum.checked_add(part.bytes))?;
    parts.iter().map(|part| usize::try_from(part.bytes).ok()).collect()
}

/// A body, part by part; `None` when it is not that long.
pub(crate) fn split(mut body: Bytes, lengths: &[usize]) -> Option<Vec<Bytes>> {
    let mut parts = Vec::with_capacity(lengths.len());
    for length in lengths {
        if *length > body.len() {
            return None;
        }
        parts.push(body.split_to(*length));
    }
    body.is_empty().then_some(parts)
}
