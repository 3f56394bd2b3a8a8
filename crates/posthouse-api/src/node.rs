//! The nodes that serve a store.

use serde::{Deserialize, Serialize};

/// A node: an item of `GET /api/v1/nodes`, and the answer of `POST /api/v1/nodes/{node}/drain`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NodeView {
    /// What it is called in paths: `self` is the one that answers.
    pub node: String,
    /// The version of its program.
    pub version: String,
    /// The number of its process.
    pub pid: u32,
    /// The revision of provisioning that it works with.
    pub revision: u64,
    /// Whether an operator has it drained: it takes nothing new, and what it has goes out.
    pub draining: bool,
    /// Whether its process is about to stop.
    pub stopping: bool,
}
