//! The sandbox: accounts of the status `sandbox` send to a carrier inside of the gateway.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::PreviewView;

/// A message in the inbox of a sandbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SandboxMessage {
    /// Its MessageID.
    pub message_id: String,
    /// Where it stands.
    pub state: String,
    /// Why it ended so, if it did not end well.
    pub reason: Option<String>,
    /// The SenderAddress.
    pub from: String,
    /// The recipient.
    pub to: String,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// What the handset shows; null as long as it has not got it.
    pub shown: Option<PreviewView>,
}

/// A message from a handset of the sandbox to its account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct SandboxDelivery {
    /// Whose sandbox; an account's own people need not say.
    pub account: Option<String>,
    /// The number of the handset.
    pub from: String,
    /// The short code or number of a service of the account; null: the first it has.
    pub to: Option<String>,
    /// Subject.
    pub subject: Option<String>,
    /// The text that it sends.
    pub text: String,
}

/// What came of a message from a handset of the sandbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SandboxDelivered {
    /// Its LinkedID: `GET /api/v1/mo/{id}` follows it.
    pub linked_id: String,
    /// Whose sandbox it is.
    pub account: String,
    /// The service that it is for.
    pub vasid: String,
}

/// Whose inbox is cleared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct SandboxClear {
    /// Whose sandbox; an account's own people need not say.
    pub account: Option<String>,
}

/// An inbox that begins anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SandboxCleared {
    /// Whose sandbox it is.
    pub account: String,
    /// Since when its inbox shows messages.
    pub since: Timestamp,
}
