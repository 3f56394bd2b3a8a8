//! What is provisioned, as it is shown: without secrets.

use serde::{Deserialize, Serialize};

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AccountView {
    /// Its name.
    pub name: String,
    /// `active` or `disabled`.
    pub status: String,
    /// The first characters of its VASPID, to recognise it by.
    pub key_prefix: String,
    /// Its services.
    pub services: Vec<ServiceView>,
    /// All of it, member by member as in a provisioning file; what the store keeps and does not show is `{"kept":true}`.
    pub document: serde_json::Value,
}

/// A service of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ServiceView {
    /// Whose it is.
    pub account: String,
    /// Its VASID.
    pub vasid: String,
    /// The SenderAddresses that it may use.
    pub senders: Vec<String>,
    /// The carriers that it reaches; null: every carrier.
    pub carriers: Option<Vec<String>>,
    /// Whether it is meant when a SubmitReq has no VASID.
    pub default: bool,
}

/// A carrier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CarrierView {
    /// Its id.
    pub id: String,
    /// Its name, for people.
    pub name: String,
    /// Other ids that mean it.
    pub aliases: Vec<String>,
    /// The links to it.
    pub connections: Vec<ConnectionView>,
    /// All of it, member by member as in a provisioning file; what the store keeps and does not show is `{"kept":true}`.
    pub document: serde_json::Value,
}

/// A connection to a carrier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConnectionView {
    /// Its name.
    pub name: String,
    /// Where requests are posted, without a query, which may be a key.
    pub url: String,
    /// How the carrier talks on it.
    pub dialect: String,
    /// Its rank; the lowest number is used first.
    pub priority: u32,
    /// Its share among those of its priority.
    pub weight: u32,
    /// Requests in flight, at most.
    pub window: u32,
    /// Requests a second, at most; null: unlimited.
    pub per_second: Option<u32>,
}

/// A number that gets nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BlacklistEntry {
    /// The number, masked unless it was to be revealed.
    pub number: String,
    /// The account from which it gets nothing; null: from none.
    pub account: Option<String>,
}

/// Whose a number is, and what would be answered for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LookupView {
    /// The number, masked.
    pub number: String,
    /// What decided: `ranges`, `ported` (the file of ported numbers), `cache` or `provider` (who is asked), `stale` (an older answer of a
    /// provider that is down), `down` (nothing answers). A request that names its carrier by the carrier id header never gets there.
    pub decided_by: String,
    /// The prefix of the range that decided.
    pub prefix: Option<String>,
    /// The carrier that has the number.
    pub carrier: Option<String>,
    /// Whether it is on the blacklist: for the account that is asked for, else for every account.
    pub blacklisted: bool,
    /// What a message to it would be answered for its recipient alone: 1000, 2569, 2570, 3001 or 3520.
    pub code: u16,
    /// What would make it pass.
    pub remedy: Option<String>,
}
