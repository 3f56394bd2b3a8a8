//! Why somebody is not signed in.

use http::StatusCode as HttpStatus;

use super::id_token::TokenFault;

/// Why somebody is not signed in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum OidcFault {
    /// What came back is no answer to what was asked for.
    #[error("This sign-in was begun in another browser, or longer than ten minutes ago. Begin it again.")]
    Foreign,
    /// The issuer said no.
    #[error("The issuer refuses: {0}. Ask who runs it, or sign in with a password.")]
    Denied(String),
    /// The issuer does not do what it has to.
    #[error("The issuer cannot be used now: {0}. Sign in with a password or a token, or try again later.")]
    Issuer(String),
    /// Others are being signed in.
    #[error("Too many sign in at the same time. Try again in a moment.")]
    Busy,
    /// The id_token does not count.
    #[error(
        "What the issuer says cannot be trusted: {0}. Compare [admin.oidc] in posthouse.toml with the issuer's client."
    )]
    Token(#[from] TokenFault),
    /// Who it is may do nothing here.
    #[error(
        "{0} is in no group that may sign in here. An administrator adds one to the roles of [admin.oidc] in posthouse.toml, or {0} to a group."
    )]
    NoRole(String),
    /// The gateway itself fails.
    #[error("Something broke; the log has it.")]
    Internal,
}

impl OidcFault {
    pub(super) const fn status(&self) -> HttpStatus {
        match self {
            Self::Foreign => HttpStatus::BAD_REQUEST,
            Self::Denied(_) | Self::Token(_) => HttpStatus::UNAUTHORIZED,
            Self::NoRole(_) => HttpStatus::FORBIDDEN,
            Self::Issuer(_) => HttpStatus::BAD_GATEWAY,
            Self::Busy => HttpStatus::SERVICE_UNAVAILABLE,
            Self::Internal => HttpStatus::INTERNAL_SERVER_ERROR,
        }
    }
}
