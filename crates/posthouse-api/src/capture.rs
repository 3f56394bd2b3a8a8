//! Captures: what goes over the wire for an account or a carrier, kept for a while.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The body of `POST /api/v1/captures`: an account or a carrier.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CaptureRequest {
    /// What is sent and got by this account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// What is sent to and got from this carrier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carrier: Option<String>,
    /// Till when, within an hour from now; ten minutes when it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// How many requests with their answers, at most 1000; 100 when it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1000))]
    pub max: Option<u16>,
}

/// A capture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CaptureView {
    /// What it is called by. It is in the memory of the node that answers, and gone when its process ends.
    pub id: String,
    /// The account, where it is of one.
    pub account: Option<String>,
    /// The carrier, where it is of one.
    pub carrier: Option<String>,
    /// Who began it.
    pub by: String,
    /// When.
    pub begun_at: Timestamp,
    /// Till when.
    pub until: Timestamp,
    /// How many exchanges it may have.
    pub max: u16,
    /// How many it has.
    pub exchanges: u64,
    /// How many were left out, for it was full.
    pub left_out: u64,
    /// Whether more comes in.
    pub running: bool,
}

/// A request and its answer, without keys, passwords and content, and with masked numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CapturedExchange {
    /// The capture that has it.
    #[serde(default)]
    pub capture: String,
    /// Its number in the capture, from 1.
    pub number: u64,
    /// When the answer was there.
    pub at: Timestamp,
    /// How long it took, in seconds.
    pub seconds: String,
    /// Which leg it is: `submit`, `attempt`, `carrier`, `callback`.
    pub leg: String,
    /// The address that called, or the connection that was used.
    pub peer: String,
    /// The MessageID, where it is known.
    pub message_id: Option<String>,
    /// Head and body of the request.
    pub request: String,
    /// Head and body of the answer, or why there is none.
    pub answer: String,
}

/// What `DELETE /api/v1/captures/{id}` answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CaptureRemoved {
    /// The capture that is there no more.
    pub id: String,
}
