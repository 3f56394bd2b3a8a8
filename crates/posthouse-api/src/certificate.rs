//! Certificates that a gateway shows.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A certificate that a gateway shows: an item of `GET /api/v1/certificates`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CertificateView {
    /// Where it is shown: `door`, `carrier`, `account`, `lookup`.
    pub side: String,
    /// The door's section; carrier and connection, such as `31003/vzw-1`; the account; `lookup`.
    pub name: String,
    /// From when on it is no good any more; null: it does not say.
    pub expires_at: Option<Timestamp>,
    /// What should be known of it, in a sentence; null when nothing is.
    pub says: Option<String>,
}
