//! What carriers posted and the gateway could not read.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Which of them a list is about: the query of `GET /api/v1/unreadable`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
pub struct UnreadableQuery {
    /// Only this carrier's, by its id.
    pub carrier: Option<String>,
    /// `next` of the page before.
    #[cfg_attr(feature = "openapi", param(pattern = "^[0-9]{1,18}$"))]
    pub cursor: Option<String>,
    /// How many at most; 50 when it does not say.
    #[cfg_attr(feature = "openapi", param(minimum = 1, maximum = 200))]
    pub limit: Option<u16>,
}

/// A request that could not be read. Its texts are escaped: nothing in them is obeyed by a terminal, and bytes that are no UTF-8 are
/// written as `\xNN`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
