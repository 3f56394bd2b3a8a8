//! Basic authentication (RFC 7617): what peers show us, and what we show them.

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};

/// The longest Authorization value that is looked at, in bytes; a longer one is wrong.
const MAX_CREDENTIALS_BYTES: usize = 4096;

/// A user name and a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Basic {
    /// The user name.
    pub username: String,
    /// The password.
    pub password: String,
}

/// Reads the Authorization header; `None` when it is missing or anything but well-formed Basic credentials.
pub fn shown(headers: &HeaderMap) -> Option<Basic> {
    let value = headers.get(AUTHORIZATION)?.as_bytes();
    if value.len() > MAX_CREDENTIALS_BYTES {
        return None;
    }
    let (scheme, credentials) = std::str::from_utf8(value).ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(credentials.trim()).ok()?).ok()?;
    let (username, password) = decoded.split_once(':')?;
    Some(Basic { username: username.to_owned(), password: password.to_owned() })
}

/// The Authorization value for our own credentials.
pub fn header(username: &str, password: &str) -> HeaderValue {
    let encoded = STANDARD.encode(format!("{username}:{password}"));
    let value = HeaderValue::from_str(&format!("Basic {encoded}"));
    // Base64 has no character that a header could not carry.
    let mut value = value.unwrap_or_else(|_| HeaderValue::from_static(""));
    value.set_sensitive(true);
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &[u8]) -> Option<(String, String)> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_bytes(value).unwrap());
        shown(&headers).map(|basic| (basic.username, basic.password))
    }

    #[test]
    fn only_well_formed_basic_credentials_count() {
        let acme = Some(("acme".to_owned(), "s3cret".to_owned()));
        assert_eq!(read(b"Basic YWNtZTpzM2NyZXQ="), acme);
        assert_eq!(read(b"bASIC  YWNtZTpzM2NyZXQ= "), acme);
        assert_eq!(
            read(b"Basic OmE6Yg=="),
            Some((String::new(), "a:b".to_owned())),
            "the first colon divides"
        );
        for wrong in [
            &b"Basic YWNtZQ=="[..],
            b"Basic !!!!",
            b"Basic",
            b"Basic ",
            b"",
            b"Bearer YWNtZTpzM2NyZXQ=",
            b"Basic /////w==",
            b"Basic \xff\xff",
        ] {
            assert_eq!(read(wrong), None, "{:?}", String::from_utf8_lossy(wrong));
        }
        assert_eq!(read(format!("Basic {}", "QUFB".repeat(300_000)).as_bytes()), None, "a megabyte of it");
    }

    #[test]
    fn what_we_show_reads_back() {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, header("gw", "pä:ss"));
        let basic = shown(&headers).unwrap();
        assert_eq!((basic.username.as_str(), basic.password.as_str()), ("gw", "pä:ss"));
    }
}
