//! Tokens of principals: by which people and programs show the admin API who they are. The text of one is shown once, when it is made;
//! what is kept is its keyed hash.

use jiff::Timestamp;

use crate::actor::Role;

/// The most tokens that a store keeps.
pub const MOST_TOKENS: usize = 1000;

/// A token, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRecord {
    /// What it is called by: no secret.
    pub id: String,
    /// The principal's name.
    pub name: String,
    /// What the principal may do.
    pub role: Role,
    /// HMAC-SHA-256 of the token under the store's own key, in hexadecimal.
    pub hash: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is no good any more; `None`: it is till it is revoked.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to about a minute.
    pub last_used: Option<Timestamp>,
}

impl TokenRecord {
    /// Whether it is no good any more.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|expires_at| expires_at <= now)
    }
}
