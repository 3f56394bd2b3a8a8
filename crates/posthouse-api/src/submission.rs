//! Submissions that are made here: what a form says becomes a SubmitReq, is judged, and may be sent.

use serde::{Deserialize, Serialize};

use crate::LintView;

/// A message to be submitted for an account: the body of `POST /api/v1/submissions`. What is left out stands in no SubmitReq, so that
/// what is refused for it can be tried, too.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct SubmissionRequest {
    /// For which account; an account's own people need not say.
    pub account: Option<String>,
    /// VASID, the service.
    pub vasid: Option<String>,
    /// SenderAddress: a short code or number of the service.
    pub from: Option<String>,
    /// Recipients/To, one after the other.
    pub to: Vec<String>,
    /// Subject.
    pub subject: Option<String>,
    /// A text, which becomes a part.
    pub text: Option<String>,
    /// Files, each of which becomes a part.
    pub parts: Vec<SubmissionPart>,
    /// Whether a small picture of the gateway's comes along.
    pub sample: bool,
    /// ServiceCode.
    pub service_code: Option<String>,
    /// Priority: `Low`, `Normal` or `High`.
    pub priority: Option<String>,
    /// DeliveryReport.
    pub delivery_report: Option<bool>,
    /// ReadReply.
    pub read_reply: Option<bool>,
    /// ExpiryDate: a time (`2026-12-24T18:00:00Z`), or how long (`P2D`, `PT30M`).
    pub expiry: Option<String>,
    /// The carrier's id, which goes in the header that is configured for it.
    pub carrier_id: Option<String>,
    /// TransactionID; left out: a new one.
    pub transaction_id: Option<String>,
    /// Whether it is sent; otherwise it is written and judged alone.
    pub send: bool,
}

/// A file of a submission.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct SubmissionPart {
    /// Its name.
    pub name: Option<String>,
    /// Its media type; left out: `application/octet-stream`.
    pub content_type: Option<String>,
    /// Its bytes in base64.
    pub data: String,
}

/// A SubmitReq that was made of a submission, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SubmissionView {
    /// Whose it is.
    pub account: String,
    /// Its TransactionID: the same one has the same request written again.
    pub transaction_id: String,
    /// The request as it goes over the wire, with a line instead of the bytes of what is no text. The VASPID, which the gateway keeps a hash
    /// of, is written `YOUR-VASPID`.
    pub request: String,
    /// The same request, byte for byte, as commands of a shell; null where it is too long to be shown.
    pub curl: Option<String>,
    /// What would be answered, and why, by what is provisioned of the account.
    pub lint: LintView,
    /// What was answered; null where it was not sent.
    pub answer: Option<SubmissionAnswer>,
}

/// The answer to a SubmitReq.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SubmissionAnswer {
    /// StatusCode.
    pub code: u32,
    /// StatusText.
    pub text: String,
    /// The message that was made of it: `GET /api/v1/messages/{id}` follows it. Null where it was refused.
    pub message_id: Option<String>,
    /// The HTTP status.
    pub http_status: u16,
    /// The body of the answer, as the account gets it.
    pub body: String,
}
