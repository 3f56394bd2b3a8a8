//! What came from carriers: messages from handsets, those that were for nobody, and reports whose message is not known.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::PartView;

/// Which messages from handsets a list is about: the query of `GET /api/v1/mo`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
pub struct MoQuery {
    /// Only this account's.
    pub account: Option<String>,
    /// Only from this carrier, by its id.
    pub carrier: Option<String>,
    /// Only from this sender, in any spelling of the number.
    pub from: Option<String>,
    /// Only those that came at or after this time.
    pub since: Option<Timestamp>,
    /// Only those that came before this time.
    pub until: Option<Timestamp>,
    /// Whether `account` and `carrier` may also name what is not provisioned any more.
    #[cfg_attr(feature = "openapi", param(required = false))]
    pub unprovisioned: bool,
}

/// A message from a handset. Its subject and content are not shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MoView {
    /// Its LinkedID.
    pub linked_id: String,
    /// When it came.
    pub received_at: Timestamp,
    /// For whom.
    pub account: String,
    /// The service that it is for.
    pub vasid: String,
    /// The carrier that it came from.
    pub carrier: String,
    /// The carrier's TransactionID.
    pub transaction_id: String,
    /// The carrier's own LinkedID.
    pub carrier_linked_id: Option<String>,
    /// Who sent it; a whole phone number only with `reveal`.
    pub sender: String,
    /// To whom; whole phone numbers only with `reveal`.
    pub recipients: Vec<String>,
    /// `owed`, `failed` (for good), or `settled`: delivered, or withdrawn.
    pub state: String,
    /// The callback that carries it, while there is one.
    pub callback_id: Option<String>,
    /// When it was settled, or failed.
    pub ended_at: Option<Timestamp>,
    /// What its content is made of.
    pub parts: Vec<PartView>,
    /// What was odd about the form of the carrier's request; empty: nothing.
    pub odd: String,
}

/// A message from a handset that was for nobody, and so was refused (2002).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ForNobodyView {
    /// Its number: later ones are higher.
    pub number: i64,
    /// When it came.
    pub received_at: Timestamp,
    /// The carrier that it came from.
    pub carrier: String,
    /// The carrier's TransactionID; empty where it had none.
    pub transaction_id: String,
    /// Who sent it; a whole phone number only with `reveal`.
    pub sender: Option<String>,
    /// The short codes and numbers that it went to, parted by blanks.
    pub recipients: String,
}

/// Which reports a list is about: the query of `GET /api/v1/unmatched-reports`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
pub struct UnmatchedQuery {
    /// Only of this carrier, by its id.
    pub carrier: Option<String>,
    /// Only under this MessageID of the carrier's.
    pub carrier_message_id: Option<String>,
    /// Only about this recipient, in any spelling of the number.
    pub to: Option<String>,
    /// Only those that came at or after this time.
    pub since: Option<Timestamp>,
    /// Only those that came before this time.
    pub until: Option<Timestamp>,
}

/// A report, or a read reply, whose message is not known: it is kept, and applied once it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UnmatchedView {
    /// Its number: later ones are higher.
    pub number: i64,
    /// When it came.
    pub received_at: Timestamp,
    /// The carrier that it came from.
    pub carrier: String,
    /// The MessageID that it names.
    pub carrier_message_id: String,
    /// `report` or `read-reply`.
    pub kind: String,
    /// The status that it says.
    pub status: String,
    /// The same, in the carrier's words.
    pub said: String,
    /// Recipient, where it could be read; a whole phone number only with `reveal`.
    pub recipient: Option<String>,
    /// Sender, where it could be read; a whole phone number only with `reveal`.
    pub sender: Option<String>,
    /// What was odd about its form; empty: nothing.
    pub odd: String,
}

impl MoQuery {
    /// Its members as the parameters of a query.
    pub(crate) fn parameters(&self) -> Vec<(&'static str, String)> {
        let mut parameters = Vec::new();
        let mut add = |name, value: Option<String>| parameters.extend(value.map(|value| (name, value)));
        add("account", self.account.clone());
        add("carrier", self.carrier.clone());
        add("from", self.from.clone());
        add("since", self.since.map(|time| time.to_string()));
        add("until", self.until.map(|time| time.to_string()));
        add("unprovisioned", self.unprovisioned.then(|| "true".to_owned()));
        parameters
    }
}

impl UnmatchedQuery {
    /// Its members as the parameters of a query.
    pub(crate) fn parameters(&self) -> Vec<(&'static str, String)> {
        let mut parameters = Vec::new();
        let mut add = |name, value: Option<String>| parameters.extend(value.map(|value| (name, value)));
        add("carrier", self.carrier.clone());
        add("carrier_message_id", self.carrier_message_id.clone());
        add("to", self.to.clone());
        add("since", self.since.map(|time| time.to_string()));
        add("until", self.until.map(|time| time.to_string()));
        parameters
    }
}
