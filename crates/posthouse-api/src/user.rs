//! Users of the pages, and who is signed in.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UserView {
    /// The name, by which one signs in.
    pub name: String,
    /// What the user may do: `viewer`, `support`, `operator`, `admin`, or `vasp:` and an account's name.
    pub role: String,
    /// Whether a password is set; without, nobody signs in by this name.
    pub has_password: bool,
    /// Till when a password may be set by the link that was told last; null: there is none.
    pub link_expires_at: Option<Timestamp>,
    /// When the user was added.
    pub created_at: Timestamp,
    /// When the user last signed in.
    pub signed_in_at: Option<Timestamp>,
}

/// The body of `POST /api/v1/users`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UserRequest {
    /// The name, as timelines and the audit tell it: up to 64 letters, digits, `.`, `_`, `@` and `-`.
    #[cfg_attr(feature = "openapi", schema(pattern = "^[A-Za-z0-9._@-]{1,64}$"))]
    pub name: String,
    /// What the user may do.
    #[cfg_attr(feature = "openapi", schema(pattern = "^(viewer|support|operator|admin|vasp:.+)$"))]
    pub role: String,
}

/// The body of `PATCH /api/v1/users/{name}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RoleRequest {
    /// What the user may do from now on.
    #[cfg_attr(feature = "openapi", schema(pattern = "^(viewer|support|operator|admin|vasp:.+)$"))]
    pub role: String,
}

/// A user with the link by which a password is set: the only time that it is told.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct IssuedLink {
    /// Who it is.
    #[serde(flatten)]
    pub view: UserView,
    /// The page to open at the admin door, such as `/set-password?link=…`: once, and before `link_expires_at`. It is kept nowhere.
    pub link: String,
}

/// What `DELETE /api/v1/users/{name}` answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UserRemoved {
    /// The user that is there no more.
    pub name: String,
}

/// Somebody who is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionView {
    /// What the session is called by; no secret.
    pub id: String,
    /// The principal's name.
    pub name: String,
    /// What the principal may do.
    pub role: String,
    /// What it was begun with: the password of a `user`, the `token` of a principal, or the token of `admin`.
    pub begun_with: String,
    /// From where it was begun.
    pub address: Option<String>,
    /// When it was begun.
    pub begun_at: Timestamp,
    /// When it was last used, to about a minute; it is over after 8 hours without use.
    pub used_at: Timestamp,
}

/// What `DELETE /api/v1/sessions/{id}` answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionEnded {
    /// The session that is over.
    pub id: String,
}
