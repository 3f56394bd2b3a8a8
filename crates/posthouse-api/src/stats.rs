//! How it was in the last hours, and how the store is.

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

/// The store at this moment: `GET /api/v1/stats/store`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StoreView {
    /// How large the database's file is, with its journal; null where it is none.
    pub database_bytes: Option<u64>,
    /// Where database and media lie in folders of this machine.
    pub volumes: Vec<VolumeView>,
    /// Below so many free bytes nothing is accepted.
    pub low_water_bytes: u64,
    /// How many transactions wait to be written, or are being written.
    pub writes_waiting: u64,
    /// Why new messages were answered 3510 within the last minute: `space`, `store`; empty: they were not.
    pub shedding: Vec<String>,
    /// What is out of the ordinary, in sentences.
    pub says: Vec<String>,
}

/// A volume that something of the store lies on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VolumeView {
    /// What lies there: `database` or `media`.
    pub name: String,
    /// How many bytes are free.
    pub free_bytes: u64,
}
