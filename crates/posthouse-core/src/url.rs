//! URLs: [`HttpUrl`] of content that strangers name, and [`PeerUrl`] of peers that operators provision.
//!
//! Those of strangers are read strictly: whatever two readers might understand differently is refused, since the check of a URL and
//! the connection to it must mean the same host. Those of operators are kept as they are written.

use std::{fmt, net::IpAddr};

use http::Uri;
use serde::{Deserialize, Serialize};

use crate::mistake::Mistake;

/// The longest URL that is taken, in bytes.
pub const MAX_URL_BYTES: usize = 2048;
/// The longest name of a host (RFC 1035 clause 2.3.4), in bytes.
const MAX_NAME_BYTES: usize = 253;
/// The longest label of a name.
const MAX_LABEL_BYTES: usize = 63;

/// Why a text is no URL that content may be fetched from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// More than [`MAX_URL_BYTES`].
    #[error("the URL is longer than {MAX_URL_BYTES} bytes")]
    TooLong,
    /// A scheme other than http and https, or none.
    #[error("the URL is not one of http:// or https://")]
    Scheme,
    /// A user or a password before the host.
    #[error("the URL holds credentials")]
    Credentials,
    /// No host, or one that is neither a name in ASCII nor an address.
    #[error("the URL names no host that can be read beyond doubt")]
    Host,
    /// A host that ends in a number and is not an address of four decimal numbers: some readers take it for one.
    #[error("the URL holds an address in another form than four decimal numbers")]
    AddressForm,
    /// A port that is none.
    #[error("the port of the URL is not between 1 and 65535")]
    Port,
    /// Control characters.
    #[error("the URL holds control characters")]
    Control,
}

/// Who serves a URL.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// A name, lower-case, without a final dot.
    Name(String),
    /// An address.
    Address(IpAddr),
}

impl fmt::Display for Host {
    /// As it stands in a URL: an IPv6 address in brackets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V4(address)) => write!(f, "{address}"),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

/// An absolute http or https URL (RFC 3986) without credentials and fragment.
///
/// ```
/// use posthouse_core::url::HttpUrl;
/// let url = HttpUrl::parse("HTTPS://Media.Example/a b.jpg?x=1#top")?;
/// assert_eq!(url.to_string(), "https://media.example/a%20b.jpg?x=1");
/// assert_eq!(url.join("../c.gif")?.to_string(), "https://media.example/c.gif");
/// assert!(HttpUrl::parse("http://0x7f.1/").is_err());
/// # Ok::<(), posthouse_core::url::UrlError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HttpUrl {
    secure: bool,
    host: Host,
    port: u16,
    /// Begins with a slash; what a path may not hold is percent-encoded.
    path: String,
    /// Begins with a question mark, or is empty.
    query: String,
}

impl HttpUrl {
    /// Reads an absolute URL, with white space round it or not.
    ///
    /// # Errors
    /// Every [`UrlError`].
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let text = text.trim_matches([' ', '\t', '\r', '\n']);
        if text.len() > MAX_URL_BYTES {
            return Err(UrlError::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(UrlError::Control);
        }
        let (scheme, rest) = text.split_once(':').ok_or(UrlError::Scheme)?;
        let secure = is_secure(scheme).ok_or(UrlError::Scheme)?;
        let rest = rest.strip_prefix("//").ok_or(UrlError::Host)?;
        let (authority, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let (host, port) = read_authority(authority)?;
        let (path, query) = read_path(rest);
        Ok(Self { secure, host, port: port.unwrap_or(default_port(secure)), path, query })
    }

    /// The URL that a reference means which stands in what this URL gave (RFC 3986 clause 5.2).
    ///
    /// # Errors
    /// Every [`UrlError`].
    pub fn join(&self, reference: &str) -> Result<Self, UrlError> {
        let reference = reference.trim_matches([' ', '\t', '\r', '\n']);
        if mm7::text::scheme(reference).is_some() {
            return Self::parse(reference);
        }
        if reference.starts_with("//") {
            return Self::parse(&format!("{}:{reference}", self.scheme()));
        }
        let before = match reference.chars().next() {
            Some('/') => String::new(),
            None | Some('#') => format!("{}{}", self.path, self.query),
            Some('?') => self.path.clone(),
            Some(_) => self.path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned() + "/",
        };
        Self::parse(&format!("{}://{}{before}{reference}", self.scheme(), self.authority()))
    }

    /// `http` or `https`.
    pub const fn scheme(&self) -> &'static str {
        if self.secure { "https" } else { "http" }
    }

    /// Whether it is https.
    pub const fn is_secure(&self) -> bool {
        self.secure
    }

    /// Who serves it.
    pub const fn host(&self) -> &Host {
        &self.host
    }

    /// The port: any, 80 or 443 where none is written.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The host, with the port where it is not the scheme's: what goes into a Host header.
    pub fn authority(&self) -> String {
        if self.port == default_port(self.secure) {
            self.host.to_string()
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// Path and query: what goes into a request line.
    pub fn path_and_query(&self) -> String {
        format!("{}{}", self.path, self.query)
    }

    /// The last segment of the path, as it is written; empty where it ends in a slash.
    pub fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }
}

impl fmt::Display for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}{}", self.scheme(), self.authority(), self.path, self.query)
    }
}

/// The URL of a peer that requests are posted to: http or https, with a host.
///
/// It is sent to, kept and shown as it is written; [`HttpUrl`] would put it in order, and refuses names that an operator's own
/// network may have. Its query may be a key, which `Debug` does not show.
///
/// ```
/// use posthouse_core::url::PeerUrl;
/// let url = PeerUrl::parse("http://127.0.0.1:9001/reports?key=k3y".to_owned())?;
/// assert_eq!(url.uri().port_u16(), Some(9001));
/// assert_eq!(url.without_query(), "http://127.0.0.1:9001/reports");
/// assert!(PeerUrl::parse("ftp://127.0.0.1/".to_owned()).is_err());
/// # Ok::<(), posthouse_core::url::PeerUrlError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PeerUrl {
    text: String,
    uri: Uri,
}

/// Why a text is no URL of a peer. It stands after the place, and quotes nothing: the URL may hold a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeerUrlError {
    /// Another scheme, or no URL at all.
    #[error("is no http:// or https:// URL")]
    Scheme,
    /// A user name before the host.
    #[error("has a user name in it")]
    Credentials,
    /// No host, a port that is none, or a fragment.
    #[error("names no host and port that can be asked")]
    Host,
}

impl PeerUrlError {
    /// The same with what to do about it.
    pub fn mistake(self) -> Mistake {
        let remedy = match self {
            Self::Scheme | Self::Host => "write one such as \"http://127.0.0.1:9001/reports\"",
            Self::Credentials => "write user name and password as basic_auth",
        };
        (self.to_string(), remedy).into()
    }
}

impl PeerUrl {
    /// Reads a URL that somebody writes.
    ///
    /// # Errors
    /// Every [`PeerUrlError`].
    pub fn parse(text: String) -> Result<Self, PeerUrlError> {
        let url = Self::try_from(text)?;
        let authority = url.uri.authority().ok_or(PeerUrlError::Scheme)?;
        if authority.as_str().contains('@') {
            return Err(PeerUrlError::Credentials);
        }
        let port = authority.as_str().strip_prefix(authority.host());
        let usable = port == Some("") || authority.port_u16().is_some_and(|port| port > 0);
        if authority.host().is_empty() || !usable || url.text.contains('#') {
            return Err(PeerUrlError::Host);
        }
        Ok(url)
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// As requests are sent to it.
    pub const fn uri(&self) -> &Uri {
        &self.uri
    }

    /// The part that anybody may see: all before the query.
    pub fn without_query(&self) -> &str {
        self.text.split_once('?').map_or(self.text.as_str(), |(before, _)| before)
    }
}

/// What is kept is taken as soon as it can be called: rows may be older than some of the checks of [`PeerUrl::parse`].
impl TryFrom<String> for PeerUrl {
    type Error = PeerUrlError;

    fn try_from(text: String) -> Result<Self, PeerUrlError> {
        let uri: Uri = text.parse().map_err(|_| PeerUrlError::Scheme)?;
        match uri.scheme_str() {
            Some("http" | "https") if uri.authority().is_some() => Ok(Self { text, uri }),
            _ => Err(PeerUrlError::Scheme),
        }
    }
}

impl From<PeerUrl> for String {
    fn from(url: PeerUrl) -> Self {
        url.text
    }
}

impl fmt::Debug for PeerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PeerUrl").field(&self.without_query()).finish()
    }
}

fn is_secure(scheme: &str) -> Option<bool> {
    let is = |known: &str| scheme.eq_ignore_ascii_case(known);
    if is("https") { Some(true) } else { is("http").then_some(false) }
}

const fn default_port(secure: bool) -> u16 {
    if secure { 443 } else { 80 }
}

fn read_authority(text: &str) -> Result<(Host, Option<u16>), UrlError> {
    if text.contains('@') {
        return Err(UrlError::Credentials);
    }
    if let Some(bracketed) = text.strip_prefix('[') {
        let (address, after) = bracketed.split_once(']').ok_or(UrlError::Host)?;
        let address = address.parse().map_err(|_| UrlError::Host)?;
        let port = match after.strip_prefix(':') {
            Some(port) => Some(read_port(port)?),
            None if after.is_empty() => None,
            None => return Err(UrlError::Host),
        };
        return Ok((Host::Address(IpAddr::V6(address)), port));
    }
    match text.split_once(':') {
        Some((host, port)) => Ok((read_host(host)?, Some(read_port(port)?))),
        None => Ok((read_host(text)?, None)),
    }
}

fn read_port(text: &str) -> Result<u16, UrlError> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|port| digits && *port > 0).ok_or(UrlError::Port)
}

fn read_host(text: &str) -> Result<Host, UrlError> {
    let text = text.strip_suffix('.').unwrap_or(text);
    let is_label = |label: &str| {
        (1..=MAX_LABEL_BYTES).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    if text.len() > MAX_NAME_BYTES || !text.split('.').all(is_label) {
        return Err(UrlError::Host);
    }
    if text.rsplit('.').next().is_some_and(is_number) {
        // The standard library takes four decimal numbers without leading zeros, and nothing else.
        let address = text.parse().map_err(|_| UrlError::AddressForm)?;
        return Ok(Host::Address(IpAddr::V4(address)));
    }
    Ok(Host::Name(text.to_ascii_lowercase()))
}

/// Whether a last label makes some readers take the host for an address: decimal or octal digits, or hexadecimal ones.
fn is_number(label: &str) -> bool {
    let hexadecimal = label.strip_prefix("0x").or_else(|| label.strip_prefix("0X"));
    label.bytes().all(|byte| byte.is_ascii_digit())
        || hexadecimal.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Path and query of what stands behind the authority. A fragment is for whoever shows the content.
fn read_path(text: &str) -> (String, String) {
    let text = text.split('#').next().unwrap_or_default();
    let (path, query) = text.split_at(text.find('?').unwrap_or(text.len()));
    (encoded(&without_dots(path)), encoded(query))
}

/// A path with `.` and `..` carried out (RFC 3986 clause 5.2.4); it begins with a slash.
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let path = path.strip_prefix('/').unwrap_or(path);
    for segment in path.split('/') {
        match segment {
            "." => {}
            ".." => drop(kept.pop()),
            _ => kept.push(segment),
        }
    }
    // What ends in a dot segment is a folder.
    if path.rsplit('/').next().is_some_and(|last| last == "." || last == "..") {
        kept.push("");
    }
    format!("/{}", kept.join("/"))
}

/// What a request line may not hold, percent-encoded; what is encoded already stays.
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?%".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<String, UrlError> {
        HttpUrl::parse(text).map(|url| url.to_string())
    }

    #[test]
    fn urls_are_read() {
        for (text, expected) in [
            ("http://media.example/a.jpg", "http://media.example/a.jpg"),
            (" HTTPS://MEDIA.example.:443/a.jpg\n", "https://media.example/a.jpg"),
            ("http://media.example:443", "http://media.example:443/"),
            ("https://media.example:80?x", "https://media.example:80/?x"),
            ("http://media.example#x", "http://media.example/"),
            ("http://93.184.216.34:8080/", "http://93.184.216.34:8080/"),
            ("http://93.184.216.34./", "http://93.184.216.34/"),
            ("http://[2606:2800:220:1::5]:81/x", "http://[2606:2800:220:1::5]:81/x"),
            ("http://xn--bcher-kva.example/", "http://xn--bcher-kva.example/"),
            ("http://a_b.example/", "http://a_b.example/"),
            ("http://1.example/2", "http://1.example/2"),
            ("http://m.example/a/../b/./c/..", "http://m.example/b/"),
            ("http://m.example/../../a", "http://m.example/a"),
            ("http://m.example/a//b", "http://m.example/a//b"),
            ("http://m.example/%2e%41?q=a/../b", "http://m.example/%2e%41?q=a/../b"),
            (
                "http://m.example/é \"<>^`{|}\\?[é]",
                "http://m.example/%C3%A9%20%22%3C%3E%5E%60%7B%7C%7D%5C?%5B%C3%A9%5D",
            ),
            ("http://m.example/@a:b", "http://m.example/@a:b"),
        ] {
            assert_eq!(parsed(text).as_deref(), Ok(expected), "{text}");
            assert_eq!(parsed(expected).as_deref(), Ok(expected), "{expected}");
        }
    }

    #[test]
    fn what_is_no_such_url_is_refused() {
        use UrlError::{AddressForm, Control, Credentials, Host, Port, Scheme, TooLong};
        for (text, expected) in [
            ("", Scheme),
            ("media.example/a", Scheme),
            ("//media.example/a", Scheme),
            ("ftp://media.example/a", Scheme),
            ("file:///etc/passwd", Scheme),
            ("gopher://media.example/", Scheme),
            ("data:text/plain,hi", Scheme),
            ("ht tp://media.example/", Scheme),
            ("http:media.example", Host),
            ("http:/media.example", Host),
            ("http:\\\\media.example", Host),
            ("http:///media.example", Host),
            ("http://", Host),
            ("http://:80/", Host),
            ("http://.", Host),
            ("http://..", Host),
            ("http://a..b/", Host),
            ("http://.a/", Host),
            ("http://a\\b/", Host),
            ("http://a%62/", Host),
            ("http://a b/", Host),
            ("http://bücher.example/", Host),
            ("http://①②⑦.0.0.1/", Host),
            ("http://[::1/", Host),
            ("http://[fe80::1%25eth0]/", Host),
            ("http://[::1]80/", Host),
            ("http://[127.0.0.1]/", Host),
            ("http://::1/", Host),
            ("http://user@media.example/", Credentials),
            ("http://user:secret@media.example/", Credentials),
            ("http://media.example@10.0.0.1/", Credentials),
            ("http://@media.example/", Credentials),
            ("http://2130706433/", AddressForm),
            ("http://0x7f000001/", AddressForm),
            ("http://0x/", AddressForm),
            ("http://0177.0.0.1/", AddressForm),
            ("http://127.1/", AddressForm),
            ("http://media.example.1/", AddressForm),
            ("http://256.1.1.1/", AddressForm),
            ("http://1.2.3.4.5/", AddressForm),
            ("http://media.example:/", Port),
            ("http://media.example:0/", Port),
            ("http://media.example:65536/", Port),
            ("http://media.example:+80/", Port),
            ("http://media.example:80:80/", Port),
            ("http://media.example/a\r\nX: y", Control),
            ("http://media.example\t/", Control),
            ("http://media.example/\u{0}", Control),
        ] {
            assert_eq!(parsed(text), Err(expected), "{text}");
        }
        assert_eq!(parsed(&format!("http://{}/", "a.".repeat(128))), Err(Host));
        assert_eq!(parsed(&format!("http://{}/", "a".repeat(64))), Err(Host));
        assert_eq!(parsed(&format!("http://a/{}", "a".repeat(2040))), Err(TooLong));
    }

    #[test]
    fn a_peers_url_is_kept_as_it_is_written() {
        for text in [
            "http://127.0.0.1:9101",
            "https://MMSC.example:443/a/../b?key=k#",
            "http://mmsc_1/%7E",
            "HTTP://[::1]:9101/mm7",
        ] {
            let url: PeerUrl = serde_json::from_str(&format!("{text:?}")).unwrap();
            assert_eq!(serde_json::to_string(&url).unwrap(), format!("{text:?}"));
            assert_eq!(PeerUrl::parse(text.to_owned()).is_ok(), !text.contains('#'), "{text}");
        }
        for text in ["", "mmsc.example", "/mm7", "ftp://mmsc.example/", "http:///mm7"] {
            assert_eq!(PeerUrl::parse(text.to_owned()), Err(PeerUrlError::Scheme), "{text}");
            assert!(serde_json::from_str::<PeerUrl>(&format!("{text:?}")).is_err(), "{text}");
        }
        for (text, expected) in [
            ("http://u@mmsc.example/", PeerUrlError::Credentials),
            ("http://mmsc.example:/", PeerUrlError::Host),
            ("http://mmsc.example:0/", PeerUrlError::Host),
            ("http://mmsc.example/#top", PeerUrlError::Host),
        ] {
            assert_eq!(PeerUrl::parse(text.to_owned()), Err(expected), "{text}");
        }
        let url = PeerUrl::parse("http://mmsc.example/mm7?key=k3y".to_owned()).unwrap();
        assert_eq!(format!("{url:?}"), "PeerUrl(\"http://mmsc.example/mm7\")");
    }

    #[test]
    fn references_are_joined() {
        let base = HttpUrl::parse("https://m.example:8443/a/b/c.smil?x=1").unwrap();
        for (reference, expected) in [
            ("d.gif", "https://m.example:8443/a/b/d.gif"),
            ("./d.gif", "https://m.example:8443/a/b/d.gif"),
            ("../d.gif?y", "https://m.example:8443/a/d.gif?y"),
            ("../../../../d.gif", "https://m.example:8443/d.gif"),
            ("/d.gif", "https://m.example:8443/d.gif"),
            ("?y", "https://m.example:8443/a/b/c.smil?y"),
            ("#y", "https://m.example:8443/a/b/c.smil?x=1"),
            ("", "https://m.example:8443/a/b/c.smil?x=1"),
            ("//n.example/d", "https://n.example/d"),
            ("http://n.example/d", "http://n.example/d"),
            ("d/e:f", "https://m.example:8443/a/b/d/e:f"),
            ("@10.0.0.1/d", "https://m.example:8443/a/b/@10.0.0.1/d"),
            (".gif", "https://m.example:8443/a/b/.gif"),
        ] {
            assert_eq!(
                base.join(reference).map(|url| url.to_string()).as_deref(),
                Ok(expected),
                "{reference}"
            );
        }
        assert_eq!(base.join("file:///etc/passwd"), Err(UrlError::Scheme));
        assert_eq!(base.join("//user@n.example/"), Err(UrlError::Credentials));
    }

    proptest::proptest! {
        #[test]
        fn what_is_read_reads_the_same_again(tail in "[a-z0-9.:@/?#%\\[\\]\\\\é -]{0,24}") {
            if let Ok(url) = HttpUrl::parse(&format!("http://{tail}")) {
                assert_eq!(HttpUrl::parse(&url.to_string()), Ok(url));
            }
        }
    }
}
