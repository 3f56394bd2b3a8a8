//! Single connections: what operators decide about them beside provisioning.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// That nothing goes out over a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Suspension {
    /// Since when.
    pub since: Timestamp,
    /// From when on it is used again; null: once it is resumed.
    pub until: Option<Timestamp>,
    /// Who wanted it.
    pub by: String,
    /// Why; empty: not said.
    pub reason: String,
}

/// That a connection is used less than is provisioned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConnectionLimit {
    /// Requests in flight, at most; null: as provisioned.
    pub window: Option<u32>,
    /// Requests a second, at most; null: as provisioned.
    pub per_second: Option<u32>,
    /// Since when.
    pub since: Timestamp,
    /// From when on it counts no more; null: once it is lifted.
    pub until: Option<Timestamp>,
    /// Who wanted it.
    pub by: String,
    /// Why; empty: not said.
    pub reason: String,
}

/// A connection, as provisioned and as operators decided: an item of `GET /api/v1/carriers/{id}/connections`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConnectionStatus {
    /// The carrier's id.
    pub carrier: String,
    /// The connection's name.
    pub name: String,
    /// Requests in flight, at most, by provisioning.
    pub window: u32,
    /// Requests a second, at most, by provisioning; null: unlimited.
    pub per_second: Option<u32>,
    /// How the gateway uses it: `serving`, `throttled`, `left_alone` or `suspended`; null where no gateway was asked.
    pub state: Option<String>,
    /// That an operator suspended it; null: none did.
    pub suspended: Option<Suspension>,
    /// That an operator limited it; null: none did.
    pub limited: Option<ConnectionLimit>,
}

/// What suspends a connection: the body of `POST …/suspend`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct SuspendRequest {
    /// From when on it is used again; left out: once it is resumed.
    pub until: Option<Timestamp>,
    /// Why; left out: what the header X-Reason says.
    pub reason: Option<String>,
}

/// What limits a connection: the body of `POST …/limit`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct LimitRequest {
    /// Requests in flight, at most.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 2_147_483_647))]
    pub window: Option<u32>,
    /// Requests a second, at most.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 2_147_483_647))]
    pub per_second: Option<u32>,
    /// From when on it counts no more; left out: once it is lifted.
    pub until: Option<Timestamp>,
    /// Why; left out: what the header X-Reason says.
    pub reason: Option<String>,
    /// Ends the limit that there is.
    pub lift: bool,
}

/// Whether a connection could be reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConnectionProbed {
    /// Where requests are posted, without a query.
    pub url: String,
    /// Whether somebody is there.
    pub reachable: bool,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// How the gateway uses it afterwards; null where no gateway was asked.
    pub state: Option<String>,
}
