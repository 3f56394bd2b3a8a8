//! Messages, their timelines, and what operators do to them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Which messages a list, or an intervention, is about. As JSON it is the `filter` of an intervention; as a query its members are the
/// parameters of `GET /api/v1/messages`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
pub struct MessageQuery {
    /// Only this account's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Only this carrier's, by its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub carrier: Option<String>,
    /// Only to this recipient, in any spelling of the number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Only under this TransactionID of the VASP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction_id: Option<String>,
    /// Only in one of these states; empty: in any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub state: Vec<String>,
    /// Only those that ended in any other way than as Retrieved; beside `state`, those too.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub failed: bool,
    /// Only those of which an attempt failed with this code, at `carrier` and over `connection` if they are given, whether they have ended
    /// or still wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<u32>,
    /// Only those that were attempted over this connection; with `code`, that failed so over it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<String>,
    /// Only accepted at or after this time; with `code`, that failed so then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Only accepted before this time; with `code`, that failed so then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Whether `account`, `carrier` and `connection` may also name what is not provisioned any more.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unprovisioned: bool,
}

/// How many messages match: `GET /api/v1/messages/count`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MessageTotal {
    /// How many.
    pub messages: u64,
    /// Where the window begins that was counted; null where it has no beginning.
    pub since: Option<Timestamp>,
    /// Where it ends; null where it has no end.
    pub until: Option<Timestamp>,
}

/// How many messages match, told apart: `GET /api/v1/messages/summary`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MessageSummary {
    /// A row for each of what they are told apart by, the most first.
    pub items: Vec<MessageShare>,
    /// Null: there is no further page. What has more rows than [`MAX_PAGE`](crate::MAX_PAGE) is cut.
    pub next: Option<String>,
    /// Where the window begins that was counted; null where it has no beginning.
    pub since: Option<Timestamp>,
    /// Where it ends; null where it has no end.
    pub until: Option<Timestamp>,
}

/// How many messages have this in common. What they are not told apart by is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MessageShare {
    /// Where they stand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// The carrier they go to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carrier: Option<String>,
    /// The code that they were refused with; left out of those that were not, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u32>,
    /// Whose they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// How many.
    pub messages: u64,
}

/// A message, as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MessageView {
    /// The MessageID that SubmitRsp gave.
    pub message_id: String,
    /// Where it stands: `Accepted`, `Sending`, `Parked`, `Forwarded`, `Deferred`, or how it ended.
    pub state: String,
    /// Why, when it was refused: a code and its text.
    pub reason: Option<String>,
    /// Whose it is.
    pub account: String,
    /// The service it was sent by.
    pub vasid: String,
    /// SenderAddress; a whole phone number only with `reveal`.
    pub sender: String,
    /// Recipient; a whole phone number only with `reveal`.
    pub recipient: String,
    /// The VASP's TransactionID.
    pub transaction_id: String,
    /// The carrier it goes to.
    pub carrier: String,
    /// The MessageID that the carrier gave it.
    pub carrier_message_id: Option<String>,
    /// How many attempts were begun.
    pub attempts: u32,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// When its state last changed.
    pub changed_at: Timestamp,
    /// ExpiryDate.
    pub expires_at: Timestamp,
    /// How long its content is, in bytes.
    pub bytes: u64,
}

/// `GET /api/v1/messages/{id}`: a message and its timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MessageDetail {
    /// The message.
    #[serde(flatten)]
    pub message: MessageView,
    /// What the carrier said in Details when it refused the message, beside `reason`; at most 500 characters.
    #[serde(default)]
    pub details: Option<String>,
    /// What its content is made of.
    pub parts: Vec<PartView>,
    /// What is to be done about it next; null once it has ended.
    pub next: Option<NextStepView>,
    /// What happened, the oldest first.
    pub timeline: Vec<TimelineLine>,
}

/// A part of a message's content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PartView {
    /// Its media type.
    pub content_type: String,
    /// How long it is, in bytes.
    pub bytes: u64,
}

/// What is to be done about a message next, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NextStepView {
    /// `attempt`: another attempt is due then, or it expires. `in_hand`: a gateway is about to send it. `under_way`: an attempt goes on,
    /// and its outcome is known by then. `reports`: the carrier's report is awaited till then.
    pub what: String,
    /// When that is due (UTC).
    pub at: Timestamp,
}

/// A line of a timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TimelineLine {
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub kind: String,
    /// The rest, in words; empty where the kind says it all.
    pub detail: String,
}

/// The body of `POST /api/v1/messages/requeue` and `…/expire`: one batch. Nothing is done unless it has ids, a filter, or `all`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct InterveneRequest {
    /// These messages, by MessageID; at most [`MAX_BATCH`](crate::MAX_BATCH).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<String>,
    /// The messages that match, without `ids`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter: Option<MessageQuery>,
    /// Every message there is, without `ids` and `filter`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub all: bool,
    /// `next` of the batch before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Of a requeue: also those whose last attempt may have arrived; their recipients may get them twice.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub parked: bool,
    /// Only say what would be done.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
    /// Show whole phone numbers.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub reveal: bool,
}

/// What a batch of an intervention came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Intervened {
    /// How many messages were looked at.
    pub looked_at: usize,
    /// Those that it was, or would be, done to, as they were before.
    pub done: Vec<MessageView>,
    /// How many of them were parked and are sent again: they may have arrived before.
    pub parked: usize,
    /// How many were left alone, by reason.
    pub left_alone: BTreeMap<String, usize>,
    /// What `cursor` of the next batch has to be; null when there is none.
    pub next: Option<String>,
}

/// The body of `POST /api/v1/messages/resend-reports`: one batch. Nothing is done unless it has ids, a filter, or `all`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct ResendRequest {
    /// Only about these messages, by MessageID, or these messages from handsets, by LinkedID; at most
    /// [`MAX_BATCH`](crate::MAX_BATCH).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<String>,
    /// Only this account's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Only from this carrier, by its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub carrier: Option<String>,
    /// Only those that became owed at or after this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Only those that became owed before this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Only `reports`, `mo` or `read-replies`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub only: Option<String>,
    /// Whether `account` and `carrier` may also name what is not provisioned any more.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unprovisioned: bool,
    /// All that ever failed, without any of the above.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub all: bool,
    /// `next` of the batch before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Only say what would be done.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

/// What a batch of a resend came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ResentBatch {
    /// How many failed reports were looked at.
    pub looked_at: usize,
    /// Those that are, or would be, due again.
    pub done: Vec<FailedReport>,
    /// How many are not owed any more, for their message has ended.
    pub superseded: usize,
    /// What `cursor` of the next batch has to be; null when there is none.
    pub next: Option<String>,
}

/// A report, a message from a handset or a read reply that a VASP did not take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FailedReport {
    /// The message it is about; of a message from a handset, its LinkedID.
    pub message_id: String,
    /// What it says.
    pub says: String,
    /// To whom it is owed.
    pub account: String,
    /// The carrier it comes from.
    pub carrier: String,
    /// When it became owed.
    pub owed_since: Timestamp,
    /// How many tries failed.
    pub tries: u32,
}

impl MessageQuery {
    /// Its members as the parameters of a query.
    pub(crate) fn parameters(&self) -> Vec<(&'static str, String)> {
        let mut parameters = Vec::new();
        let mut add = |name, value: Option<String>| parameters.extend(value.map(|value| (name, value)));
        add("account", self.account.clone());
        add("carrier", self.carrier.clone());
        add("to", self.to.clone());
        add("transaction_id", self.transaction_id.clone());
        add("failed", self.failed.then(|| "true".to_owned()));
        add("code", self.code.map(|code| code.to_string()));
        add("connection", self.connection.clone());
        add("since", self.since.map(|time| time.to_string()));
        add("until", self.until.map(|time| time.to_string()));
        add("unprovisioned", self.unprovisioned.then(|| "true".to_owned()));
        self.state.iter().for_each(|state| add("state", Some(state.clone())));
        parameters
    }
}
