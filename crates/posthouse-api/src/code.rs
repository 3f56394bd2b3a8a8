//! Status codes and delivery statuses, explained.

use serde::{Deserialize, Serialize};

/// A status code or a delivery status: what it means, what raises it, what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CodeView {
    /// The code, such as `2513`, or the delivery status, such as `Retrieved`.
    pub code: String,
    /// `status_code` or `delivery_status`.
    pub kind: String,
    /// Its StatusText.
    pub text: String,
    /// Its Details, where it has some.
    pub details: Option<String>,
    /// What it means.
    pub meaning: String,
    /// What raises it, a sentence each.
    pub raised: Vec<String>,
    /// What the VASP's developer does.
    pub developer: String,
    /// What the gateway's operator does.
    pub operator: String,
    /// Whether to send again, in words.
    pub retry: String,
}
