//! What carriers posted and the gateway could not read.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Which of them a list is about: the query of `GET /api/v1/unreadable`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnreadableQuery {
    /// Only this carrier's, by its id.
    pub carrier: Option<String>,
    /// `next` of the page before.
    pub cursor: Option<String>,
    /// How many at most; [`DEFAULT_PAGE`](crate::DEFAULT_PAGE) when it does not say.
    pub limit: Option<u16>,
}

/// A request that could not be read. Its texts are escaped: nothing in them is obeyed by a terminal, and bytes that are no UTF-8 are
/// written as `\xNN`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnreadableRequest {
    /// Its number: later ones are higher.
    pub number: i64,
    /// The carrier at whose path it came.
    pub carrier: String,
    /// When it came first.
    pub first_at: Timestamp,
    /// When it came last.
    pub last_at: Timestamp,
    /// How many times it came.
    pub times: u64,
    /// The StatusCode that it was answered with.
    pub code: u16,
    /// Why it could not be read.
    pub why: String,
    /// Its Content-Type.
    pub content_type: Option<String>,
    /// How long its body was, in bytes; not all of it may be kept.
    pub length: u64,
    /// What is kept of its body.
    pub body: String,
    /// The same as bytes, in hexadecimal; only where one request is asked for by its number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_hex: Option<String>,
}
