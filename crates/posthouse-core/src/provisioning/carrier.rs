//! Carriers and the connections to them.

use std::{collections::BTreeSet, time::Duration};

use ipnet::IpNet;
use mm7::{Dialect, Namespace, Version};
use serde::{Deserialize, Serialize};

use super::{
    account::{OwnCredentials, ShownCredentials},
    certificate::CertificateRule,
    dialect::DialectName,
    tls::PeerTls,
    vocabulary::Vocabulary,
    words::{serde_named, words},
};
use crate::{time::serde_duration, url::PeerUrl};

pub use crate::names::{CarrierId, SANDBOX};

/// How long that carrier's reports may take: some numbers never have one.
const SANDBOX_REPORTS: Duration = Duration::from_secs(600);
/// How long that carrier may take to answer: one number has none.
const SANDBOX_TIMEOUT: Duration = Duration::from_secs(5);
/// The largest message that it takes, in bytes.
const SANDBOX_BYTES: u64 = 5 << 20;

words! {
    /// What happens to an attempt that may have arrived (contract 4.4).
    pub enum OnUnknown {
        /// Wait for a report, till `report_timeout`.
        Park = "park",
        /// Send again with the same TransactionID.
        Resend = "resend",
    }
}

/// One MM7 client link to a carrier's MMS Relay/Server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// Its name, unique within the carrier.
    pub name: String,
    /// Where requests are posted.
    pub url: PeerUrl,
    /// The VASPID that the carrier knows us by.
    pub vaspid: Option<String>,
    /// The VASID that the carrier knows us by.
    pub vasid: Option<String>,
    /// The user name and password that we show the carrier.
    pub basic_auth: Option<OwnCredentials>,
    /// How its carrier talks on it.
    pub dialect: DialectName,
    /// How long the carrier may take to answer; then the attempt's outcome is unknown (3500).
    #[serde(with = "serde_duration")]
    pub timeout: Duration,
    /// Requests a second; `None`: unlimited.
    pub per_second: Option<u32>,
    /// Requests in flight, at least 1.
    pub window: u32,
    /// Its rank: connections of the lowest number are used, others only while none of those works.
    #[serde(default = "one")]
    pub priority: u32,
    /// Its share of the messages among the connections of its priority, at least 1.
    #[serde(default = "one")]
    pub weight: u32,
    /// The MM7 namespace that is written; `None`: its dialect's.
    #[serde(default, with = "serde_named")]
    pub namespace: Option<Namespace>,
    /// The MM7Version that is written; `None`: what goes with the namespace.
    #[serde(default, with = "serde_named")]
    pub version: Option<Version>,
    /// How TLS is spoken where the URL is https.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<PeerTls>,
}

/// The default for rows written before priorities and weights existed.
const fn one() -> u32 {
    1
}

impl Connection {
    /// The namespace and the version that are written on it: what is provisioned, else what its dialect writes.
    pub fn edition(&self) -> (Namespace, Version) {
        let namespace = self.namespace.unwrap_or(self.dialect.written);
        (namespace, self.version.unwrap_or_else(|| namespace.default_version()))
    }
}

/// What a carrier posts to us: who may post it, and how it is answered (`[carrier.callbacks]`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inbound {
    /// The user name and password that the carrier must show, if any.
    pub basic_auth: Option<ShownCredentials>,
    /// The networks that it may post from; empty: any.
    pub allowed_ips: Vec<IpNet>,
    /// The certificates of which it must show one; empty: it needs none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub client_certs: Vec<CertificateRule>,
    /// How the carrier talks when it posts; `None`: as on its connections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dialect: Option<DialectName>,
}

impl Inbound {
    /// Whether anybody may post in the carrier's name: it asks for no credentials, no certificate, and no address, or for any
    /// address there is.
    pub fn is_open(&self) -> bool {
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
    /// The reports and messages that it posts to us.
    #[serde(rename = "callbacks")]
    pub inbound: Inbound,
    /// What its own words and codes mean.
    #[serde(default, skip_serializing_if = "Vocabulary::is_empty")]
    pub vocabulary: Vocabulary,
}

impl Carrier {
    /// The carrier inside of the gateway. It takes what any handset might, and does what the recipient's last four digits say.
    pub fn sandbox() -> Self {
        // Nobody calls it: it says where messages go that go nowhere.
        let url = PeerUrl::parse("http://sandbox.invalid/".to_owned());
        let connection = |url| Connection {
            name: SANDBOX.to_owned(),
            url,
            vaspid: None,
            vasid: None,
            basic_auth: None,
            dialect: DialectName::new(Dialect::THREE_GPP),
            timeout: SANDBOX_TIMEOUT,
            per_second: None,
            window: 64,
            priority: one(),
            weight: one(),
            namespace: None,
            version: None,
            tls: None,
        };
        Self {
            id: CarrierId(SANDBOX.to_owned()),
            aliases: Vec::new(),
            name: "The sandbox inside of this gateway".to_owned(),
            max_message_bytes: SANDBOX_BYTES,
            content_types: vec!["*/*".to_owned()],
            report_timeout: SANDBOX_REPORTS,
            on_unknown: OnUnknown::Park,
            connections: url.map(connection).into_iter().collect(),
            inbound: Inbound::default(),
            vocabulary: Vocabulary::default(),
        }
    }

    /// The dialect in which the carrier posts to us and is answered: what is provisioned for that, else that of its connections. Of
    /// connections that differ, the first one counts.
    pub fn inbound_dialect(&self) -> &'static Dialect {
        let of_connections = self.connections.first().map(|connection| connection.dialect);
        self.inbound.dialect.or(of_connections).map_or(Dialect::THREE_GPP, DialectName::get)
    }

    /// Whether the carrier takes media of this type (`type/subtype`, lower case).
    pub fn takes(&self, media_type: &str) -> bool {
        self.content_types.iter().any(|pattern| match pattern.strip_suffix("/*") {
            Some(kind) => kind == "*" || media_type.split('/').next() == Some(kind),
            None => pattern == media_type,
        })
    }
}

/// The carriers for which anybody may post, by id.
pub fn open_carriers<'a>(all: impl Iterator<Item = &'a Carrier>) -> BTreeSet<CarrierId> {
    all.filter(|carrier| carrier.inbound.is_open()).map(|carrier| carrier.id.clone()).collect()
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
        connection.namespace = Some(Namespace::Rel5(2));
        assert_eq!(connection.edition(), (Namespace::Rel5(2), Version::V5_3_0));
        connection.version = Some(Version::parse("5.6.0").unwrap());
        assert_eq!(connection.edition().1.to_string(), "5.6.0");
        let kept = serde_json::to_value(&connection).unwrap();
        assert_eq!((&kept["namespace"], &kept["version"]), (&"REL-5-MM7-1-2".into(), &"5.6.0".into()));
        assert_eq!(serde_json::from_value::<Connection>(kept).unwrap(), connection);
    }

    #[test]
    fn a_kept_value_that_is_none_is_an_error_and_no_default() {
        for (kept, unreadable, told) in [
            ("\"3gpp\"", "\"4gpp\"", "\"4gpp\" is not known"),
            ("http://127.0.0.1:1", "127.0.0.1:1", "is no http:// or https:// URL"),
            ("\"window\":16", "\"window\":16,\"namespace\":\"REL-7\"", "\"REL-7\" is not known"),
            ("\"window\":16", "\"window\":16,\"version\":\"6\"", "\"6\" is not known"),
        ] {
            let error = serde_json::from_str::<Connection>(&OLD.replace(kept, unreadable)).unwrap_err();
            assert!(error.to_string().starts_with(told), "{error}");
        }
    }

    #[test]
    fn what_a_carrier_posts_is_in_the_dialect_of_its_own_or_of_its_connections() {
        let connection = |dialect| Connection { dialect, ..serde_json::from_str(OLD).unwrap() };
        let carrier = |own: Option<&'static Dialect>, connections: &[&'static Dialect]| Carrier {
            id: CarrierId("31003".to_owned()),
            aliases: vec![],
            name: String::new(),
            max_message_bytes: 1,
            content_types: vec![],
            report_timeout: Duration::ZERO,
            on_unknown: OnUnknown::Park,
            connections: connections.iter().map(|dialect| connection(DialectName::new(dialect))).collect(),
            inbound: Inbound { dialect: own.map(DialectName::new), ..Inbound::default() },
            vocabulary: Vocabulary::default(),
        };
        let (three_gpp, sinch, skycore) = (Dialect::THREE_GPP, Dialect::SINCH, Dialect::SKYCORE);
        for (own, connections, expected) in [
            (None, &[][..], "3gpp"),
            (None, &[sinch], "sinch"),
            (None, &[sinch, three_gpp], "sinch"),
            (Some(skycore), &[], "skycore"),
            (Some(skycore), &[sinch, three_gpp], "skycore"),
        ] {
            let carrier = carrier(own, connections);
            assert_eq!(carrier.inbound_dialect().name, expected, "{connections:?}");
            let kept = serde_json::to_string(&carrier).unwrap();
            assert_eq!(kept.contains("\"dialect\":\"skycore\""), own.is_some(), "{kept}");
            assert!(kept.contains("\"callbacks\":{"), "as stores have it: {kept}");
            assert_eq!(serde_json::from_str::<Carrier>(&kept).unwrap(), carrier);
        }
    }
}
