//! Callbacks: what is owed to VASPs, how its tries went, and the endpoints that it goes to.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Which callbacks a list is about: the query of `GET /api/v1/callbacks`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
pub struct CallbackQuery {
    /// Only this account's.
    pub account: Option<String>,
    /// Only from this carrier, by its id.
    pub carrier: Option<String>,
    /// Only about this message, by MessageID, or this one from a handset, by LinkedID.
    #[cfg_attr(feature = "openapi", param(pattern = "^[0-9]{1,18}$"))]
    pub message_id: Option<String>,
    /// Only `reports`, `mo` or `read-replies`.
    #[cfg_attr(feature = "openapi", param(pattern = "^(reports|mo|read-replies)$"))]
    pub only: Option<String>,
    /// Only what is still `owed`, or only what `failed` for good.
    #[cfg_attr(feature = "openapi", param(pattern = "^(owed|failed)$"))]
    pub state: Option<String>,
    /// Only those that became owed at or after this time.
    pub since: Option<Timestamp>,
    /// Only those that became owed before this time.
    pub until: Option<Timestamp>,
    /// Whether `account` and `carrier` may also name what is not provisioned any more.
    #[cfg_attr(feature = "openapi", param(required = false))]
    pub unprovisioned: bool,
}

/// A callback that is owed, or was kept as failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CallbackView {
    /// Its own id: the TransactionID under which the VASP gets it.
    pub callback_id: String,
    /// The message it is about; of a message from a handset, its LinkedID.
    pub message_id: String,
    /// What it says.
    pub says: String,
    /// To whom it is owed.
    pub account: String,
    /// The carrier that it comes from.
    pub carrier: String,
    /// When it became owed.
    pub owed_since: Timestamp,
    /// `due`; `waiting` for its next try; `in_hand`: being delivered; `held` till an earlier one about the same message is settled;
    /// `failed` for good.
    pub state: String,
    /// When its next try is due, of one that waits.
    pub next_try: Option<Timestamp>,
    /// How many tries failed.
    pub tries: u32,
    /// Whether it says what is not owed any more, for the message has ended.
    pub superseded: bool,
}

/// A try to deliver a callback. Its texts are escaped: nothing in them is obeyed, and bytes that are no UTF-8 are
/// written as `\xNN`. Numbers in them are masked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CallbackTry {
    /// When it ended.
    pub at: Timestamp,
    /// `delivered`, `retried`, `failed` or `withdrawn`.
    pub outcome: String,
    /// The HTTP status of the answer; null where there was none.
    pub http_status: Option<u16>,
    /// What was said, in words.
    pub said: String,
    /// How the body of the answer begins, up to 1 KiB.
    pub body: String,
}

/// The newest tries to deliver a callback, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CallbackTries {
    /// At most 20.
    pub items: Vec<CallbackTry>,
}

/// Where an account's callbacks go, and how that is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EndpointView {
    /// Whose it is.
    pub account: String,
    /// Where its reports and read replies go.
    pub report_url: Option<String>,
    /// Where messages from handsets go.
    pub deliver_url: Option<String>,
    /// How many callbacks are owed that have not failed for good.
    pub owed: u64,
    /// Since when the oldest of these has been owed.
    pub oldest: Option<Timestamp>,
    /// How many were kept as failed.
    pub failed: u64,
    /// Since when it fails; null when the last one that was tried was delivered.
    pub failing_since: Option<Timestamp>,
    /// The last answer that acknowledged nothing, if there ever was one.
    pub last_answer: Option<LastAnswer>,
    /// Whether it is paused; null when it is not.
    pub paused: Option<PausedView>,
}

/// The last answer of an endpoint that acknowledged nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LastAnswer {
    /// When it came.
    pub at: Timestamp,
    /// Its HTTP status; null where there was no answer.
    pub http_status: Option<u16>,
    /// What it said, in words.
    pub said: String,
}

/// Why an account gets no callbacks for now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PausedView {
    /// Since when.
    pub since: Timestamp,
    /// Who wanted it.
    pub by: String,
    /// Why; empty: not said.
    pub reason: String,
}

/// What came of `POST /api/v1/endpoints/{account}/test`: of a report on a message that never was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EndpointTested {
    /// Where it went.
    pub url: String,
    /// Whether the VASP acknowledged it.
    pub acknowledged: bool,
    /// How long the answer took, in milliseconds.
    pub took_ms: u64,
    /// The HTTP status of an answer that acknowledges nothing; null where there was none.
    pub http_status: Option<u16>,
    /// What was said instead of an acknowledgement, in words.
    pub said: String,
    /// How the body of that answer begins, up to 1 KiB, escaped.
    pub body: String,
}

impl CallbackQuery {
    /// Its members as the parameters of a query.
    pub(crate) fn parameters(&self) -> Vec<(&'static str, String)> {
        let mut parameters = Vec::new();
        let mut add = |name, value: Option<String>| parameters.extend(value.map(|value| (name, value)));
        add("account", self.account.clone());
        add("carrier", self.carrier.clone());
        add("message_id", self.message_id.clone());
        add("only", self.only.clone());
        add("state", self.state.clone());
        add("since", self.since.map(|time| time.to_string()));
        add("until", self.until.map(|time| time.to_string()));
        add("unprovisioned", self.unprovisioned.then(|| "true".to_owned()));
        parameters
    }
}
