//! What one check says.

use super::{
    facts::{Ask, Body, Facts},
    reject::Reject,
    request::SubmitRequest,
};

/// `Err` ends the checks.
pub(super) type CheckOutcome = Result<(), CheckStop>;

/// Why the checks end.
pub(super) enum CheckStop {
    /// The request is refused.
    Refuse(Reject),
    /// A fact is needed first.
    Ask(Ask),
}

impl From<Reject> for CheckStop {
    fn from(reject: Reject) -> Self {
        Self::Refuse(reject)
    }
}

impl From<Ask> for CheckStop {
    fn from(ask: Ask) -> Self {
        Self::Ask(ask)
    }
}

/// Refuses where the condition holds.
pub(super) fn refuse_if(condition: bool, reject: Reject) -> CheckOutcome {
    if condition { Err(reject.into()) } else { Ok(()) }
}

/// The body, which is asked for where it is not known.
pub(super) fn body(facts: &Facts) -> Result<&Body, CheckStop> {
    facts.body.as_ref().ok_or(CheckStop::Ask(Ask::Body))
}

/// What is asked for, if it is a request to send a message. The body is asked for where it is not known.
pub(super) fn request(facts: &Facts) -> Result<Option<SubmitRequest<'_>>, CheckStop> {
    Ok(body(facts)?.request())
}
