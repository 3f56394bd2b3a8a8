//! Which gateway answers.

use serde::{Deserialize, Serialize};

/// `GET /api/v1/version`: what answers, so that a command knows that it is the gateway it means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VersionView {
    /// The version of the program.
    pub version: String,
    /// The process, as the gateway's system numbers it.
    pub pid: u32,
    /// The revision of provisioning that the gateway works with.
    pub revision: u64,
}
