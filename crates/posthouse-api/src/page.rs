//! Lists, a page at a time.

use serde::{Deserialize, Serialize};

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PageOf<T> {
    /// What is on it, the newest first.
    pub items: Vec<T>,
    /// What `cursor` of the request for the next page has to be; null on the last page.
    pub next: Option<String>,
}
