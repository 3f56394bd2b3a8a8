//! People who use the pages: users with passwords, and the sessions of whoever is signed in.
//!
//! A password is never chosen for somebody else: whoever adds a user gets a link, good for ten minutes and once, by which the user sets one.
//! What is kept of links and of sessions is a keyed hash.

use std::{fmt, str::FromStr};

use jiff::{SignedDuration, Timestamp};

use crate::actor::Role;

/// The most users that a store keeps.
pub const MOST_USERS: usize = 1000;
/// The most sessions that a store keeps; the one that was not used for longest goes.
pub const MOST_SESSIONS: usize = 1000;
/// How long a link for setting a password is good.
pub const LINK_TIME: SignedDuration = SignedDuration::from_mins(10);
/// How long a session lasts that nobody uses.
pub const SESSION_IDLE: SignedDuration = SignedDuration::from_hours(8);
/// The shortest password, in characters.
pub const SHORTEST_PASSWORD: usize = 12;
/// The longest password, in bytes.
pub const LONGEST_PASSWORD: usize = 256;

/// A user, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRecord {
    /// The name, by which one signs in and which timelines and the audit tell.
    pub name: String,
    /// What the user may do.
    pub role: Role,
    /// Argon2id of the password, as a PHC string; `None`: none is set, and nobody signs in by this name.
    pub password_hash: Option<String>,
    /// By what a password may be set.
    pub link: Option<PasswordLink>,
    /// When the user was added.
    pub created_at: Timestamp,
    /// When the user last signed in.
    pub signed_in_at: Option<Timestamp>,
}

/// By what a user sets a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordLink {
    /// HMAC-SHA-256 of its secret under the store's own key, in hexadecimal.
    pub hash: String,
    /// From when on it is no good any more.
    pub expires_at: Timestamp,
}

impl PasswordLink {
    /// Whether it is no good any more.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at <= now
    }
}

/// What is changed about a user. Each ends the user's sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserChange {
    /// The user may do this from now on.
    Role(Role),
    /// The password, if there is one, is no good any more; by this link another one is set.
    Reset(PasswordLink),
}

/// What is wrong with a password that somebody wants to have, and the remedy.
pub fn password_fault(password: &str) -> Option<&'static str> {
    match password {
        text if text.chars().count() < SHORTEST_PASSWORD => {
            Some("this is too short; write 12 characters or more, such as four words")
        }
        text if text.len() > LONGEST_PASSWORD => Some("this is too long; write 256 bytes or fewer"),
        text if text.chars().any(char::is_control) => {
            Some("there is a control character in it, which cannot be typed everywhere; leave it out")
        }
        _ => None,
    }
}

/// What a session was begun with. When that ends, so does the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionOrigin {
    /// The password of the user of this name.
    User(String),
    /// The principal's token of this id.
    Token(String),
    /// The token of `[admin]` or of the gateway's run, of this keyed hash.
    Admin(String),
    /// What the issuer of `[admin.oidc]` calls the principal.
    Oidc(String),
}

impl SessionOrigin {
    /// What kind of credential it is, in a word.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::User(_) => "user",
            Self::Token(_) => "token",
            Self::Admin(_) => "admin",
            Self::Oidc(_) => "oidc",
        }
    }
}

impl fmt::Display for SessionOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::User(text) | Self::Token(text) | Self::Admin(text) | Self::Oidc(text)) = self;
        write!(f, "{}:{text}", self.kind())
    }
}

/// That a text says of no session what it was begun with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} begins no session")]
pub struct UnknownOrigin(pub String);

impl FromStr for SessionOrigin {
    type Err = UnknownOrigin;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some(("user", name)) => Ok(Self::User(name.to_owned())),
            Some(("token", id)) => Ok(Self::Token(id.to_owned())),
            Some(("admin", hash)) => Ok(Self::Admin(hash.to_owned())),
            Some(("oidc", subject)) => Ok(Self::Oidc(subject.to_owned())),
            _ => Err(UnknownOrigin(text.to_owned())),
        }
    }
}

/// A session, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRecord {
    /// What it is called by: no secret.
    pub id: String,
    /// HMAC-SHA-256 of the cookie's value under the store's own key, in hexadecimal.
    pub hash: String,
    /// The principal's name.
    pub name: String,
    /// What the principal may do.
    pub role: Role,
    /// What it was begun with.
    pub origin: SessionOrigin,
    /// From where it was begun.
    pub address: Option<String>,
    /// When it was begun.
    pub begun_at: Timestamp,
    /// When it was last used, to about a minute.
    pub used_at: Timestamp,
    /// From when on it is over, however much it is used.
    pub expires_at: Option<Timestamp>,
}

impl SessionRecord {
    /// Whether it is over: it has expired, or was not used for [`SESSION_IDLE`].
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.used_at <= idle_since(now) || self.expires_at.is_some_and(|expires_at| expires_at <= now)
    }
}

/// A session that was last used then, or before, is over now.
pub fn idle_since(now: Timestamp) -> Timestamp {
    now.checked_sub(SESSION_IDLE).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_neither_short_nor_endless() {
        let fault = |password: &str| password_fault(password).map(|fault| fault.split(';').next().unwrap());
        assert_eq!(fault("elevenchars"), Some("this is too short"));
        assert_eq!(fault("twelve chars"), None);
        assert_eq!(fault("üüüüüüüüüüüü"), None, "characters are counted, not bytes");
        assert_eq!(fault(&"x".repeat(256)), None);
        assert_eq!(fault(&"x".repeat(257)), Some("this is too long"));
        let bell = "there is a control character in it, which cannot be typed everywhere";
        assert_eq!(fault("twelve chars\u{7}"), Some(bell));
    }

    #[test]
    fn a_session_is_over_when_it_is_idle_or_expires() {
        let at = |minutes| Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes);
        let session = SessionRecord {
            id: "s".into(),
            hash: "h".into(),
            name: "ann".into(),
            role: Role::Viewer,
            origin: SessionOrigin::User("ann".into()),
            address: None,
            begun_at: at(0),
            used_at: at(60),
            expires_at: None,
        };
        assert!(!session.is_over(at(539)));
        assert!(session.is_over(at(540)), "eight hours after it was used");
        let expiring = SessionRecord { expires_at: Some(at(100)), ..session };
        assert!(!expiring.is_over(at(99)) && expiring.is_over(at(100)));
    }

    #[test]
    fn origins_are_written_as_they_are_read() {
        for (text, origin) in [
            ("user:ann", SessionOrigin::User("ann".into())),
            ("token:3f9a", SessionOrigin::Token("3f9a".into())),
            ("admin:f0da", SessionOrigin::Admin("f0da".into())),
            ("oidc:https://x:7", SessionOrigin::Oidc("https://x:7".into())),
        ] {
            assert_eq!((text.parse(), origin.to_string().as_str()), (Ok(origin), text));
        }
        assert!("ann".parse::<SessionOrigin>().is_err() && "run:x".parse::<SessionOrigin>().is_err());
    }
}
