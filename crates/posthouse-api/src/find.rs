//! One search for whatever somebody was told: an id, a number, a TransactionID.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{MessageView, MoView, RefusalView, UnmatchedView};

/// `GET /api/v1/find`: everything that has this id or number, the newest first, at most [`DEFAULT_PAGE`](crate::DEFAULT_PAGE) of each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FoundView {
    /// What was looked for.
    pub q: String,
    /// Messages of VASPs: by MessageID, TransactionID, the carrier's MessageID, or recipient.
    pub messages: Vec<MessageView>,
    /// Requests that were refused: by TransactionID or recipient.
    pub refusals: Vec<RefusalView>,
    /// Messages from handsets: by LinkedID (ours or the carrier's), TransactionID, or sender.
    pub mo: Vec<MoView>,
    /// Reports whose message is not known: by the carrier's MessageID, or recipient.
    pub unmatched_reports: Vec<UnmatchedView>,
    /// What could not be looked through in time: `mo`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub incomplete: Vec<String>,
    /// Of an id of ours under which there is nothing: `older_than_retention`, or `never_accepted`.
    pub absent: Option<String>,
    /// When an id of ours was made; null for what is none.
    pub made_at: Option<Timestamp>,
}

impl FoundView {
    /// Whether there is anything.
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
            && self.refusals.is_empty()
            && self.mo.is_empty()
            && self.unmatched_reports.is_empty()
    }
}
