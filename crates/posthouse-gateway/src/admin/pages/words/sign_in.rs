//! What is said to who signs in, sets a password, or is given a secret to pass on.

use posthouse_api::{ProblemCode, ProblemDetails};

/// That a password does not fit; which of both is wrong is not told.
pub(in super::super) const WRONG_PASSWORD: &str = "This name or this password is wrong.";
/// That a token does not fit.
pub(in super::super) const WRONG_TOKEN: &str = "This token is wrong, or it is over.";
/// That a password was not written the same way twice.
pub(in super::super) const NOT_THE_SAME: &str = "the two are not the same; write the same password twice";
/// What stands below a token that was made.
pub(in super::super) const TOKEN_IS_TOLD_ONCE: &str = "It is shown this once; keep it.";
/// What stands below a link that was made.
pub(in super::super) const LINK_IS_TOLD_ONCE: &str =
    "It is shown this once, and good for 10 minutes: by it the password is set.";

/// Above a token that was made.
pub(in super::super) fn token_of(name: &str) -> String {
    format!("The token of {name}")
}

/// Above a link that was made.
pub(in super::super) fn link_of(name: &str) -> String {
    format!("The link of {name}")
}

/// That a link sets no password any more.
pub(in super::super) fn link_is_over() -> ProblemDetails {
    ProblemDetails::new(ProblemCode::NotFound)
        .detail("this link is wrong, was used, or is older than 10 minutes")
        .remedy("ask an administrator for a new one: posthouse users reset NAME")
}
