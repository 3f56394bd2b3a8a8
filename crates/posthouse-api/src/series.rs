//! How it was in the last hours.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A series of the last six hours: an item of `GET /api/v1/stats/series`. It is kept in memory, and begins with the process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SeriesView {
    /// What it is about: `accepted`, `forwarded` or `reported` (a second), `window` (requests), `answer` (seconds).
    pub name: String,
    /// The carrier, of a connection's.
    pub carrier: Option<String>,
    /// The connection; null: the whole gateway.
    pub connection: Option<String>,
    /// How many seconds a value is the mean of.
    pub step_seconds: u32,
    /// When the newest sample was taken; null before the first.
    pub until: Option<Timestamp>,
    /// The means, the oldest first; null where nothing is known. There may be fewer than six hours of them.
    pub values: Vec<Option<f64>>,
}
