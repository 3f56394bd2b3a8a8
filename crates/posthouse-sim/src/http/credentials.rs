//! HTTP Basic credentials (RFC 7617).

use std::fmt;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};

/// A user name and a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    username: String,
    password: String,
}

impl Credentials {
    /// Takes them as they are; RFC 7617 allows no colon in a user name, and none is looked for.
    pub fn new(username: impl Into<String>, password: impl Into<String>) -> Self {
        Self { username: username.into(), password: password.into() }
    }

    /// The value of the Authorization header, marked as sensitive.
    pub fn header(&self) -> HeaderValue {
        let value =
            format!("Basic {}", BASE64_STANDARD.encode(format!("{}:{}", self.username, self.password)));
        // Base64 is visible ASCII, so there is always a value; an empty one would only be refused by the peer.
        let mut value = HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static(""));
        value.set_sensitive(true);
        value
    }

    /// Whether a request shows exactly these.
    pub fn are_in(&self, headers: &HeaderMap) -> bool {
        headers.get(AUTHORIZATION) == Some(&self.header())
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("username", &self.username).finish_non_exhaustive()
    }
}
