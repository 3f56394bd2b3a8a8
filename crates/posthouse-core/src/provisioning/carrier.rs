//! Carriers and the connections to them.

use std::{fmt, time::Duration};

use ipnet::IpNet;
use mm7::{Dialect, Namespace, Version};
use serde::{Deserialize, Serialize};

use crate::{
    account::{OwnCredentials, ShownCredentials},
    certificate::CertificateRule,
    time::serde_duration,
    tls::PeerTls,
    vocabulary::Vocabulary,
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
    /// The name of its [`Dialect`].
    pub dialect: String,
    /// How long the carrier may take to answer; then the attempt's outcome is unknown (3500).
    #[serde(with = "serde_duration")]
    pub timeout: Duration,
    /// Requests a second; `None`: unlimited.
    pub per_second: Option<u32>,
    /// Requests in flight, at least 1.
    pub window: u32,
    /// Which connections are used before which: those of the lowest number, others while none of those can be.
    #[serde(default = "one")]
    pub priority: u32,
    /// Its share of the messages among the connections of its priority, at least 1.
    #[serde(default = "one")]
    pub weight: u32,
    /// The name of the MM7 namespace that is written, without the part that all have in common; `None`: the latest.
    #[serde(default)]
    pub namespace: Option<String>,
    /// The MM7Version that is written; `None`: what goes with the namespace.
    #[serde(default)]
    pub version: Option<String>,
    /// How TLS is spoken where the URL is https.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<PeerTls>,
}

/// What stores of before there were priorities and weights mean.
const fn one() -> u32 {
    1
}

impl Connection {
    /// The dialect that its carrier talks on it.
    pub fn dialect(&self) -> &'static Dialect {
        Dialect::by_name(&self.dialect).unwrap_or(Dialect::THREE_GPP)
    }

    /// The namespace and the version that are written on it: what is provisioned, else what its dialect writes.
    pub fn edition(&self) -> (Namespace, Version) {
        let namespace = self.namespace.as_deref().and_then(Namespace::by_name);
        let namespace = namespace.unwrap_or(self.dialect().written);
        let version = self.version.as_deref().and_then(|version| Version::parse(version).ok());
        (namespace, version.unwrap_or_else(|| namespace.default_version()))
    }
}

/// Who may post to a carrier's door.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CarrierCallbacks {
    /// What the carrier must show, if anything.
    pub basic_auth: Option<ShownCredentials>,
    /// Where it may come from; empty: from everywhere.
    pub allowed_ips: Vec<IpNet>,
    /// Whose certificate it must show, one of these; empty: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub client_certs: Vec<CertificateRule>,
}

impl CarrierCallbacks {
    /// Whether anybody may post in the carrier's name: they ask for no credentials, no certificate, and no address, or for any
    /// address there is.
    pub fn are_open(&self) -> bool {
        let everywhere = |network: &IpNet| network.prefix_len() == 0;
        let from_everywhere = self.allowed_ips.is_empty() || self.allowed_ips.iter().any(everywhere);
        self.basic_auth.is_none() && self.client_certs.is_empty() && from_everywhere
    }
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
    /// What its own words and codes mean.
    #[serde(default, skip_serializing_if = "Vocabulary::is_empty")]
    pub vocabulary: Vocabulary,
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

#[cfg(test)]
mod tests {
    use super::*;

    /// As stores of before there were priorities, weights and namespaces have it.
    const OLD: &str = r#"{"name":"c","url":"http://127.0.0.1:1","vaspid":null,"vasid":null,"basic_auth":null,
        "dialect":"3gpp","timeout":10000,"per_second":null,"window":16}"#;

    #[test]
    fn what_older_stores_hold_is_read() {
        let read: Connection = serde_json::from_str(OLD).unwrap();
        assert_eq!((read.priority, read.weight), (1, 1));
        assert_eq!(read.edition(), (Namespace::LATEST, Version::V6_8_0));
    }

    #[test]
    fn what_is_written_is_what_is_provisioned() {
        let mut connection: Connection = serde_json::from_str(OLD).unwrap();
        connection.namespace = Some("REL-5-MM7-1-2".to_owned());
        assert_eq!(connection.edition(), (Namespace::Rel5(2), Version::V5_3_0));
        connection.version = Some("5.6.0".to_owned());
        assert_eq!(connection.edition().1.to_string(), "5.6.0");
    }
}
