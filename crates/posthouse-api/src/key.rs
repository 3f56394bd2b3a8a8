//! What an account's requests show: VASPIDs, and user names with passwords.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What kind of key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum KeyKind {
    /// A VASPID.
    #[default]
    Vaspid,
    /// A user name and password.
    Password,
}

/// A key, without its text: an item of `GET /api/v1/accounts/{name}/keys`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KeyView {
    /// What it is called by.
    pub id: String,
    /// What kind it is.
    pub kind: KeyKind,
    /// The first characters of a VASPID.
    pub prefix: Option<String>,
    /// The user name that a password goes with.
    pub username: Option<String>,
    /// Whether it is the one that the account goes by; the others are good beside it.
    pub own: bool,
    /// From when on it is none any more; null: till it is removed.
    pub until: Option<Timestamp>,
    /// When it was last used, to a minute; null: not since this is kept.
    pub last_used: Option<Timestamp>,
}

/// A key to be made: the body of `POST /api/v1/accounts/{name}/keys`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct KeyRequest {
    /// What kind; a VASPID when it does not say.
    pub kind: KeyKind,
    /// The VASPID or password; left out: one is made.
    pub value: Option<String>,
    /// The user name of a password; left out: the one before.
    pub username: Option<String>,
    /// How long the keys of this kind before it stay good, such as `7d`; left out: till they are removed.
    pub overlap: Option<String>,
}

/// A key that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct IssuedKey {
    /// The key.
    pub key: KeyView,
    /// Its text, where it was made here. It is told only now: the store keeps a hash.
    pub value: Option<String>,
    /// The revision that provisioning is at now.
    pub revision: u64,
}
