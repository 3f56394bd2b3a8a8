//! Tokens of principals.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A token, without its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenView {
    /// What it is called by; no secret.
    pub id: String,
    /// The principal's name.
    pub name: String,
    /// What the principal may do: `viewer`, `support`, `operator`, `admin`, or `vasp:` and an account's name.
    pub role: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is no good any more; null: it is till it is revoked.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to about a minute.
    pub last_used: Option<Timestamp>,
}

/// The body of `POST /api/v1/tokens`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct TokenRequest {
    /// The principal's name, as timelines and the audit tell it: up to 64 letters, digits, `.`, `_`, `@` and `-`.
    #[cfg_attr(feature = "openapi", schema(pattern = "^[A-Za-z0-9._@-]{1,64}$"))]
    pub name: String,
    /// What the principal may do.
    #[cfg_attr(feature = "openapi", schema(pattern = "^(viewer|support|operator|admin|vasp:.+)$"))]
    pub role: String,
    /// From when on it is no good any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// A token that was made: the only time that its text is told.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct IssuedToken {
    /// What it is.
    #[serde(flatten)]
    pub view: TokenView,
    /// What is sent as `Authorization: Bearer`. It is kept nowhere.
    pub token: String,
}

/// What `DELETE /api/v1/tokens/{id}` answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Revoked {
    /// The token that is no good any more.
    pub id: String,
}
