//! What the verbs work with.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use posthouse_core::{store::Store, time::Clock};

use super::idempotency::ToldOnceAnswers;
use crate::{
    auth::{Verifier, key_uses::KeyUses},
    bell::Bell,
    carrier::{board::LinkBoard, overrides::OverrideFollower},
    config::OidcSection,
    doors::mm7::Mm7Door,
    drain::DrainState,
    handoff::callbacks::CallbackHandoff,
    http::memory::Memory,
    ids::MessageIds,
    lookup::Directory,
    node::ClusterNode,
    secrets::Secret,
    snapshot::SnapshotCell,
    telemetry::{Metrics, levels::LogLevels, series::SeriesRing},
};

/// What the verbs work with.
pub struct AdminState {
    /// The configured bearer token, if any: metrics ask for it.
    pub token: Option<Secret>,
    /// The token that the API requires: the configured one, or the token of this run, which only the store's own user can read. `None`
    /// shuts the API.
    pub api_token: Option<Secret>,
    /// Guards the tokens.
    pub verifier: Arc<Verifier>,
    /// Whether everything but health and readiness asks for a verified client certificate.
    pub asks_for_certificates: bool,
    /// Where everything is kept.
    pub store: Arc<dyn Store>,
    /// Told which accounts are paused.
    pub callbacks: Arc<CallbackHandoff>,
    /// Makes MessageIDs, for messages that are sent again.
    pub ids: Arc<MessageIds>,
    /// Provisioning.
    pub snapshot: Arc<SnapshotCell>,
    /// Which carrier has a number.
    pub directory: Arc<Directory>,
    /// Wakes lanes for what an operator made due.
    pub bell: Arc<Bell>,
    /// The connections to carriers that are in use.
    pub board: Arc<LinkBoard>,
    /// Which keys were used a moment ago.
    pub key_uses: Arc<KeyUses>,
    /// Told when an operator decided something about them, or about callbacks.
    pub overrides: Arc<OverrideFollower>,
    /// Whether this node takes anything new.
    pub drain: Arc<DrainState>,
    /// How it was in the last hours.
    pub(crate) series: Arc<SeriesRing>,
    /// The metrics that `/metrics` shows.
    pub metrics: Arc<Metrics>,
    /// Whether the store hears this node, and its clock is right.
    pub node: Arc<ClusterNode>,
    /// The time, which may be in doubt.
    pub clock: Arc<dyn Clock>,
    /// The door that VASPs submit at, by which what is submitted here goes, too.
    pub(crate) mm7: Arc<Mm7Door>,
    /// Where VASPs find it.
    pub mm7_url: String,
    /// The longest request that the MM7 door takes, in bytes.
    pub max_request_bytes: u64,
    /// The header in which VASPs name the carrier.
    pub carrier_id_header: String,
    /// For how long messages are kept after their end.
    pub messages_kept: Duration,
    /// Where carriers post: a plan warns of carriers in whose name anybody may post there.
    pub carriers_listen: SocketAddr,
    /// Who else says who somebody is that looks at pages.
    pub oidc: Option<OidcSection>,
    /// What is logged, where that can be changed.
    pub log_levels: Option<Arc<LogLevels>>,
    /// What was told once lately.
    pub(crate) told_once: ToldOnceAnswers,
    /// Whether there are pages, too.
    pub has_pages: bool,
    /// The memory of each door's bodies, by the door's name.
    pub memory: Vec<(&'static str, Memory)>,
    /// The folder of CDR files, where they are asked for.
    pub cdr: Option<PathBuf>,
    /// The database's file.
    pub database: PathBuf,
    /// The folder of media, where they lie in one.
    pub media: Option<PathBuf>,
}
