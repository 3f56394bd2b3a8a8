//! How a number's carrier is found when the request does not say.

use std::{path::PathBuf, time::Duration};

use http::uri::Authority;
use serde::{Deserialize, Serialize};

use super::{tls::PeerTls, words::words};
use crate::{
    mistake::Mistake,
    time::serde_duration,
    url::{PeerUrl, PeerUrlError},
};

/// The port of the DNS.
const DNS_PORT: u16 = 53;
/// The longest zone, in bytes: with a number before it a name stays within 255 bytes.
const LONGEST_ZONE: usize = 220;
/// The longest label of a name (RFC 1035 clause 2.3.4), in bytes.
const LONGEST_LABEL: usize = 63;
/// What stands for the number in a URL.
const NUMBER: &str = "{msisdn}";

words! {
    /// What tells a number's carrier.
    pub enum LookupProvider {
        /// The provisioned ranges.
        Ranges = "ranges",
        /// An HTTP service that is asked.
        Http = "http",
        /// The DNS (ENUM, RFC 6116).
        Enum = "enum",
    }
}

/// The lookup section of provisioning (contract section 3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lookup {
    /// What tells a number's carrier.
    pub provider: LookupProvider,
    /// Where to ask.
    pub url: Option<LookupUrl>,
    /// How long an answer may take.
    #[serde(with = "serde_duration")]
    pub timeout: Duration,
    /// How long an answer is good.
    #[serde(with = "serde_duration")]
    pub cache: Duration,
    /// A file of numbers that moved to another carrier, which counts before the provider; an absolute path.
    #[serde(default)]
    pub ported: Option<PathBuf>,
    /// How TLS is spoken where the URL is https.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<PeerTls>,
}

impl Default for Lookup {
    /// By ranges, with the times of contract section 3.
    fn default() -> Self {
        Self {
            provider: LookupProvider::Ranges,
            url: None,
            timeout: Duration::from_millis(500),
            cache: Duration::from_secs(24 * 3600),
            ported: None,
            tls: None,
        }
    }
}

/// Where a number's carrier is asked for. It is kept as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum LookupUrl {
    /// An HTTP service.
    Service(NumberUrl),
    /// A zone of the DNS.
    Zone(Zone),
}

impl LookupUrl {
    /// As it is written.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Service(url) => url.as_str(),
            Self::Zone(zone) => &zone.text,
        }
    }
}

impl TryFrom<String> for LookupUrl {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.starts_with("dns://") {
            return Zone::parse(&text).map(Self::Zone).ok_or_else(|| "names no server and zone".to_owned());
        }
        NumberUrl::parse(text).map(Self::Service).map_err(|error| error.to_string())
    }
}

impl From<LookupUrl> for String {
    fn from(url: LookupUrl) -> Self {
        url.as_str().to_owned()
    }
}

/// A URL in which `{msisdn}` stands for a number, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberUrl {
    before: String,
    text: String,
    after: String,
}

/// Why a text is no [`NumberUrl`]. It stands after the place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberUrlError {
    /// There is no place for the number, or more than one.
    #[error("does not say where the number goes")]
    Number,
    /// It is no URL that can be asked, whatever the number.
    #[error(transparent)]
    Url(#[from] PeerUrlError),
}

impl NumberUrlError {
    /// The same with what to do about it.
    pub fn mistake(self) -> Mistake {
        match self {
            Self::Number => (
                self.to_string(),
                "write {msisdn} in it once, such as \"http://127.0.0.1:9200/lookup/{msisdn}\"",
            )
                .into(),
            Self::Url(error) => error.mistake(),
        }
    }
}

impl NumberUrl {
    /// Reads a URL.
    ///
    /// # Errors
    /// Every [`NumberUrlError`].
    pub fn parse(text: String) -> Result<Self, NumberUrlError> {
        let (before, after) = text.split_once(NUMBER).ok_or(NumberUrlError::Number)?;
        if after.contains(NUMBER) {
            return Err(NumberUrlError::Number);
        }
        PeerUrl::parse(format!("{before}0{after}"))?;
        Ok(Self { before: before.to_owned(), after: after.to_owned(), text })
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The URL for a number.
    pub fn with_number(&self, digits: &str) -> String {
        [&self.before, digits, &self.after].concat()
    }
}

/// A zone of numbers in the DNS, and the server that is asked for it.
///
/// ```
/// use posthouse_core::provisioning::Zone;
/// let zone = Zone::parse("dns://[::1]:5353/e164.arpa").unwrap();
/// assert_eq!((zone.host(), zone.port()), ("::1", 5353));
/// assert_eq!(zone.labels(), ["e164", "arpa"]);
/// assert_eq!(Zone::parse("dns://[::1]"), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    text: String,
    host: String,
    port: u16,
    labels: Vec<String>,
}

impl Zone {
    /// Reads `dns://server[:port]/zone` (RFC 4501).
    pub fn parse(url: &str) -> Option<Self> {
        let (server, zone) = url.strip_prefix("dns://")?.split_once('/')?;
        let server: Authority = server.parse().ok()?;
        let host = server.host().trim_start_matches('[').trim_end_matches(']');
        let port = match server.as_str().strip_prefix(server.host())? {
            "" => DNS_PORT,
            _ => server.port_u16().filter(|port| *port > 0)?,
        };
        let zone = zone.strip_suffix('.').unwrap_or(zone);
        let labels: Vec<_> = zone.split('.').map(str::to_owned).collect();
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let label = |label: &String| (1..=LONGEST_LABEL).contains(&label.len()) && label.bytes().all(fits);
        let usable = !host.is_empty() && zone.len() <= LONGEST_ZONE && labels.iter().all(label);
        usable.then(|| Self { text: url.to_owned(), host: host.to_owned(), port, labels })
    }

    /// The server: an address without brackets, or a name.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The server's port.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The labels of the zone's name, each of 1 to 63 bytes.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_server_and_zone() {
        let zone = |host: &str, port, labels: &[&str]| {
            Some((host.to_owned(), port, labels.iter().map(ToString::to_string).collect::<Vec<_>>()))
        };
        let read = |url: &str| Zone::parse(url).map(|zone| (zone.host, zone.port, zone.labels));
        for (url, expected) in [
            ("dns://127.0.0.1/e164.arpa", zone("127.0.0.1", 53, &["e164", "arpa"])),
            ("dns://127.0.0.1:5353/e164enum.net.", zone("127.0.0.1", 5353, &["e164enum", "net"])),
            ("dns://[::1]:5353/e164.arpa", zone("::1", 5353, &["e164", "arpa"])),
            ("dns://ns.example.net/np", zone("ns.example.net", 53, &["np"])),
            ("dns://127.0.0.1/", None),
            ("dns://127.0.0.1", None),
            ("dns:///e164.arpa", None),
            ("dns://127.0.0.1:0/e164.arpa", None),
            ("dns://127.0.0.1:/e164.arpa", None),
            ("dns://user@127.0.0.1/e164.arpa", None),
            ("dns://127.0.0.1/e164..arpa", None),
            ("dns://127.0.0.1/e164.arpa?type=NAPTR", None),
            ("http://127.0.0.1/e164.arpa", None),
        ] {
            assert_eq!(read(url), expected, "{url}");
        }
        assert_eq!(Zone::parse(&format!("dns://h/{}", "x".repeat(64))), None);
        assert_eq!(Zone::parse(&format!("dns://h/x{}", ".x".repeat(110))), None);
    }

    #[test]
    fn a_url_has_one_place_for_the_number() {
        let url = NumberUrl::parse("http://h:9200/{msisdn}?key=k".to_owned()).unwrap();
        assert_eq!(url.as_str(), "http://h:9200/{msisdn}?key=k");
        assert_eq!(url.with_number("16175550100"), "http://h:9200/16175550100?key=k");
        for (text, expected) in [
            ("http://h/", NumberUrlError::Number),
            ("http://h/{msisdn}/{msisdn}", NumberUrlError::Number),
            ("ftp://h/{msisdn}", NumberUrlError::Url(PeerUrlError::Scheme)),
            ("http://h:{msisdn}/", NumberUrlError::Url(PeerUrlError::Host)),
        ] {
            assert_eq!(NumberUrl::parse(text.to_owned()), Err(expected), "{text}");
        }
    }

    #[test]
    fn it_is_kept_as_it_is_written_and_what_is_no_url_is_an_error() {
        for text in ["http://h/{msisdn}?key=k", "https://h/{msisdn}", "dns://[::1]:5353/e164.arpa"] {
            let url: LookupUrl = serde_json::from_str(&format!("{text:?}")).unwrap();
            assert_eq!(matches!(url, LookupUrl::Zone(_)), text.starts_with("dns"));
            assert_eq!(serde_json::to_string(&url).unwrap(), format!("{text:?}"));
        }
        for (text, told) in [("dns://h", "names no server and zone"), ("h/{msisdn}", "is no http://")] {
            let error = serde_json::from_str::<LookupUrl>(&format!("{text:?}")).unwrap_err().to_string();
            assert!(error.starts_with(told), "{error}");
        }
    }
}
