//! Operations in bulk: planned first, started by a caller that has seen how many messages they are about, followed and cancelled.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::MessageQuery;

/// The body of `POST /api/v1/operations`: plans one. Nothing is done till it is started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct OperationRequest {
    /// `requeue`, `expire`, `reroute`, `resubmit` or `resend-reports`.
    pub verb: String,
    /// These messages, by MessageID; at most 10,000.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<String>,
    /// The messages that match, without `ids`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter: Option<MessageQuery>,
    /// Every message there is, without `ids` and `filter`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub all: bool,
    /// Of a requeue or a reroute: also those whose last attempt may have arrived; their recipients may get them twice.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub parked: bool,
    /// Of a reroute or a resubmit: the connection that the next attempt goes over, where it serves.
    #[serde(alias = "connection", skip_serializing_if = "Option::is_none")]
    pub via: Option<String>,
    /// Of a reroute: the carrier that it goes to, by id or alias; without one, its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub carrier: Option<String>,
    /// Of a resubmit: whether the VASP gets reports on the new messages, with the old MessageID in `X-Posthouse-Resubmit-Of`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub reports: bool,
    /// Only say what it would be about: it is not kept, and cannot be started.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

/// The body of `POST /api/v1/operations/{id}/start`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct StartRequest {
    /// How many messages it is about, as planning said.
    pub expect_count: Option<u64>,
}

/// An operation: what was frozen, and how far it has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OperationView {
    /// Its id; left out of a dry run, of which nothing is kept.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub operation_id: String,
    /// Whether this is only what it would be about.
    #[serde(default)]
    pub dry_run: bool,
    /// What is done to each message.
    pub verb: String,
    /// `planned`, `running`, `done` or `cancelled`.
    pub state: String,
    /// Who planned it.
    pub by: String,
    /// Why.
    pub reason: Option<String>,
    /// When it was planned.
    pub created_at: Timestamp,
    /// Which messages are meant; null where they are named.
    pub filter: Option<MessageQuery>,
    /// How many are named one by one.
    pub named: usize,
    /// Over which connection the next attempt goes.
    pub via: Option<String>,
    /// Of a reroute: the carrier that it goes to.
    pub carrier: Option<String>,
    /// Also those whose last attempt may have arrived.
    pub parked: bool,
    /// Whether the VASP gets reports on new messages.
    pub reports: bool,
    /// How many matched when it was planned.
    pub count: u64,
    /// Of how many of them it was judged whether it may be done to them.
    pub judged: u64,
    /// The first of those that it would be done to, by MessageID.
    pub first: Vec<String>,
    /// How many of the judged would be left alone, by reason.
    pub would_leave_alone: BTreeMap<String, u64>,
    /// When it was started.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// How many were looked at.
    pub looked_at: u64,
    /// To how many it was done.
    pub done: u64,
    /// How many were left alone, by reason.
    pub left_alone: BTreeMap<String, u64>,
}

/// What came of one message of an operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OperationItemView {
    /// The message.
    pub message_id: String,
    /// `done`, or why it was left alone.
    pub outcome: String,
    /// The new message, of a resubmit.
    pub new_message_id: Option<String>,
}

/// The body of `POST /api/v1/messages/{id}/resubmit`; it may be left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct ResubmitRequest {
    /// The connection that its first attempt goes over, where it serves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub via: Option<String>,
    /// Whether the VASP gets reports on it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub reports: bool,
}

/// The body of `POST /api/v1/messages/{id}/reroute`: a carrier, a connection, or both.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct RerouteRequest {
    /// The carrier that it goes to, by id or alias; without one, its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub carrier: Option<String>,
    /// The connection that the next attempt goes over, where it serves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<String>,
    /// Also when its last attempt may have arrived: its recipient may get it twice.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub parked: bool,
    /// Only say whether it would be done.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

/// What a resubmit made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Resubmitted {
    /// The message that had ended.
    pub resubmit_of: String,
    /// The new one.
    pub message_id: String,
}
