//! Carriers and the connections to them.

use std::{fmt, time::Duration};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::{
    account::{OwnCredentials, ShownCredentials},
    time::serde_duration,
};

/// The id of a carrier: opaque text in which leading zeros count.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CarrierId(pub String);

impl CarrierId {
    /// The id as it travels.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CarrierId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What happens to an attempt that may have arrived (contract 4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnUnknown {
    /// Wait for a report, till `report_timeout`.
    Park,
    /// Send again with the same TransactionID.
    Resend,
}

/// One MM7 client link to a carrier's MMS Relay/Server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// Its name, unique within the carrier.
    pub name: String,
    /// Where requests are posted.
    pub url: String,
    /// The VASPID that the carrier knows us by.
    pub vaspid: Option<String>,
    /// The VASID that the carrier knows us by.
    pub vasid: Option<String>,
    /// What we show the carrier.
    pub basic_auth: Option<OwnCredentials>,
    /// The name of its [`Dialect`](mm7::dialect::Dialect).
    pub dialect: String,
    /// How long the carrier may take to answer; then the attempt's outcome is unknown (3500).
    #[serde(with = "serde_duration")]
    pub timeout: Duration,
    /// Requests a second; `None`: unlimited.
    pub per_second: Option<u32>,
    /// Requests in flight, at least 1.
    pub window: u32,
}

/// Who may post to a carrier's door.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CarrierCallbacks {
    /// What the carrier must show, if anything.
    pub basic_auth: Option<ShownCredentials>,
    /// Where it may come from; empty: from everywhere.
    pub allowed_ips: Vec<IpNet>,
}

/// A mobile operator, as provisioned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carrier {
    /// Its id.
    pub id: CarrierId,
    /// Other ids that mean the same carrier.
    pub aliases: Vec<String>,
    /// Its name, for people.
    pub name: String,
    /// The largest message it takes, in bytes of media.
    pub max_message_bytes: u64,
    /// The media types it takes: `image/jpeg`, or `image/*`.
    pub content_types: Vec<String>,
    /// How long after the last attempt a terminal report may come; then Indeterminate.
    #[serde(with = "serde_duration")]
    pub report_timeout: Duration,
    /// What happens to an attempt that may have arrived.
    pub on_unknown: OnUnknown,
    /// The links to it; none: 3520.
    pub connections: Vec<Connection>,
    /// Who may post reports and MO for it.
    pub callbacks: CarrierCallbacks,
}

impl Carrier {
    /// Whether the carrier takes media of this type (`type/subtype`, lower case).
    pub fn takes(&self, media_type: &str) -> bool {
        self.content_types.iter().any(|pattern| match pattern.strip_suffix("/*") {
            Some(kind) => kind == "*" || media_type.split('/').next() == Some(kind),
            None => pattern == media_type,
        })
    }
}
