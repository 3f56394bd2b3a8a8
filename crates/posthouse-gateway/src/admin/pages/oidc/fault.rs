//! Why somebody is not signed in, as the log says it; what the page says is in `words`.

use http::StatusCode as HttpStatus;

use super::id_token::TokenFault;

/// Why somebody is not signed in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(in super::super) enum OidcFault {
    /// What came back is no answer to what was asked for.
    #[error("what came back was not asked for by this browser")]
    Foreign,
    /// The issuer said no.
    #[error("the issuer refuses: {0}")]
    Denied(String),
    /// The issuer does not do what it has to.
    #[error("the issuer cannot be used: {0}")]
    Issuer(String),
    /// Others are being signed in.
    #[error("too many sign in at the same time")]
    Busy,
    /// The id_token does not count.
    #[error("the id_token does not count: {0}")]
    Token(#[from] TokenFault),
    /// Who it is may do nothing here.
    #[error("{0} is in no group that has a role")]
    NoRole(String),
    /// The gateway itself fails.
    #[error("something broke")]
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
