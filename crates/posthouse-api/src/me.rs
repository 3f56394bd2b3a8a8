//! Who asks.

use serde::{Deserialize, Serialize};

/// Who asks, and what it may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MeView {
    /// The principal's name.
    pub name: String,
    /// `viewer`, `support`, `operator`, `admin` or `vasp:NAME`.
    pub role: String,
    /// The account that it keeps to; null: it sees all of them.
    pub account: Option<String>,
    /// Its rights, as `x-right` of the API's document names them.
    pub rights: Vec<String>,
}
