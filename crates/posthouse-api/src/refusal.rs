//! Requests of VASPs that were refused.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Which refusals a list is about: the query of `GET /api/v1/refusals`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
pub struct RefusalQuery {
    /// Only this account's.
    pub account: Option<String>,
    /// Only with this code.
    pub code: Option<u32>,
    /// Only from this address.
    pub peer: Option<String>,
    /// Only under this TransactionID.
    pub transaction_id: Option<String>,
    /// Only to this recipient, in any spelling of the number.
    pub to: Option<String>,
    /// Only those that came last at or after this time.
    pub since: Option<Timestamp>,
    /// Only those that came last before this time.
    pub until: Option<Timestamp>,
    /// Whether `account` may also name what is not provisioned any more.
    #[cfg_attr(feature = "openapi", param(required = false))]
    pub unprovisioned: bool,
}

/// A request of a VASP that was refused. No content is kept of it, and no whole phone number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RefusalView {
    /// Its id: later ones are higher.
    pub refusal_id: String,
    /// When it came first.
    pub at: Timestamp,
    /// When it came last.
    pub last_at: Timestamp,
    /// How often it came: wrong keys and the like are counted, others are kept one by one.
    pub times: u64,
    /// Whose it was; null where that could not be told.
    pub account: Option<String>,
    /// The code of the table that was answered.
    pub code: u32,
    /// Its StatusText.
    pub text: String,
    /// Its Details, where it has some.
    pub details: Option<String>,
    /// The row of the order of checks that refused it.
    pub row: u8,
    /// The rule of the format that it breaks, or the check that found it.
    pub rule: String,
    /// What that means, in one sentence.
    pub meaning: Option<String>,
    /// The address that it came from.
    pub peer: String,
    /// Its TransactionID, where one could be read.
    pub transaction_id: Option<String>,
    /// VASID, where one could be read.
    pub vasid: Option<String>,
    /// SenderAddress, masked.
    pub sender: Option<String>,
    /// Recipient, masked.
    pub recipient: Option<String>,
    /// How long its body was, in bytes.
    pub bytes: u64,
    /// What is wrong with it: what it was refused for first. Empty where its form is right, or it was not looked at.
    pub findings: Vec<FindingView>,
    /// The HTTP head, without what may be secret; only where one refusal is asked for by its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<String>,
}

/// One thing that is wrong with a request, as `posthouse lint` says it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FindingView {
    /// The rule that it breaks, or the check that finds it.
    pub rule: String,
    /// The byte of the body where it is, from 0; null in the head.
    pub byte: Option<u64>,
    /// The line of the body, from 1, where it is text.
    pub line: Option<u64>,
    /// The column in that line, from 1.
    pub column: Option<u64>,
    /// Which part of the body it is in: 0 is the envelope.
    pub part: Option<u64>,
    /// What is wrong.
    pub what: String,
    /// What stands there.
    pub found: Option<String>,
    /// What should stand there instead.
    pub write: Option<String>,
    /// What to do.
    pub remedy: String,
    /// The clause.
    pub clause: String,
}

impl RefusalQuery {
    /// Its members as the parameters of a query.
    pub(crate) fn parameters(&self) -> Vec<(&'static str, String)> {
        let mut parameters = Vec::new();
        let mut add = |name, value: Option<String>| parameters.extend(value.map(|value| (name, value)));
        add("account", self.account.clone());
        add("code", self.code.map(|code| code.to_string()));
        add("peer", self.peer.clone());
        add("transaction_id", self.transaction_id.clone());
        add("to", self.to.clone());
        add("since", self.since.map(|time| time.to_string()));
        add("until", self.until.map(|time| time.to_string()));
        add("unprovisioned", self.unprovisioned.then(|| "true".to_owned()));
        parameters
    }
}
