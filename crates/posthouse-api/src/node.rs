//! The nodes that serve a store.

use serde::{Deserialize, Serialize};

/// A node: an item of `GET /api/v1/nodes`, and the answer of `POST /api/v1/nodes/{node}/drain`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NodeView {
    /// What it is called in paths: `self` is the one that answers, others go by their number.
    pub node: String,
    /// Its number, which is in the MessageIDs that it makes; 0 where the store is for one gateway.
    pub number: u8,
    /// How often that number was taken, this run of the node included.
    pub epoch: u64,
    /// Where its admin API is found.
    pub address: String,
    /// How long ago the store last heard it, in milliseconds.
    pub beat_age_ms: u64,
    /// Whether that is a moment ago: what another node had is taken over 2 s after its last beat, and this one takes nothing after 10 s.
    pub alive: bool,
    /// The version of its program.
    pub version: String,
    /// The number of its process; only of the node that answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// The revision of provisioning that it works with.
    pub revision: u64,
    /// Whether an operator has it drained: it takes nothing new, and what it has goes out. Of another node also whether it is about to stop.
    pub draining: bool,
    /// Whether its process is about to stop; only of the node that answers.
    pub stopping: bool,
}

/// The body of `POST /api/v1/nodes/{node}/log-level`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct LogLevelRequest {
    /// `off`, `error`, `warn`, `info`, `debug` or `trace`; or levels of parts, such as `posthouse_gateway=debug,info`.
    pub level: String,
}

/// What a node logs from now on, till its process ends or reads its configuration again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LogLevelView {
    /// What the node is called in paths.
    pub node: String,
    /// What it logs.
    pub level: String,
    /// What it logged before.
    pub before: String,
}
