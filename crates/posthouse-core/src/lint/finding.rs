//! What is found wrong with a message, and what each dialect answers to it.

use mm7::{
    Dialect, Limits, Message,
    lint::{Lint, Place, Remedy},
    message::{Status, SubmitReq},
};

use crate::submit::{Cause, Reject};

/// Something for each of [`Dialect::ALL`], in its order.
pub type PerDialect<T> = [T; Dialect::ALL.len()];

/// How a message is judged.
#[derive(Clone, Debug)]
pub struct Options {
    /// The longest body that the gateway takes, in bytes.
    pub max_request_bytes: u64,
    /// Bounds on what is read.
    pub limits: Limits,
}

impl Default for Options {
    /// As a gateway that is not configured: 5 MiB.
    fn default() -> Self {
        Self { max_request_bytes: 5 * 1024 * 1024, limits: Limits::default() }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug)]
pub struct JudgedFinding {
    /// The rule or check that it breaks.
    pub reject: Reject,
    /// The place in the file.
    pub place: Place,
    /// What is wrong, in words: one sentence without a full stop.
    pub what: String,
    /// What would put it right.
    pub remedy: Remedy,
    /// The clause.
    pub clause: &'static str,
    /// What each of [`Dialect::ALL`] answers; `None`: it is taken.
    pub answers: PerDialect<Option<Status>>,
}

impl JudgedFinding {
    /// The name of the rule, or of the check that finds it.
    pub fn name(&self) -> &'static str {
        match self.reject {
            Reject::Decode(rule) => rule.name(),
            reject => Cause::of(reject).and_then(|cause| cause.checks.first().copied()).unwrap_or("gateway"),
        }
    }

    /// The row of contract 4.1, if a check refuses for it.
    pub fn row(&self) -> Option<u8> {
        Cause::of(self.reject).map(|cause| cause.row)
    }

    /// Leaves of the answers what the carriers' door gives, whatever the dialect.
    pub(super) fn judge_as_carriers(&mut self, is_refused: bool) {
        self.answers = Dialect::ALL.map(|dialect| is_refused.then(|| dialect.status(self.reject.status())));
    }

    /// Each dialect and what it answers.
    pub fn answers(&self) -> impl Iterator<Item = (&'static Dialect, Option<&Status>)> {
        Dialect::ALL.into_iter().zip(self.answers.iter().map(Option::as_ref))
    }
}

/// Whether everything that a SubmitReq is checked for is asked of the message: of all that VASPs send, whose door takes nothing else,
/// but neither of what carriers send nor of answers.
pub(super) fn is_judged_as_submit(lint: &Lint) -> bool {
    let message = lint.decoded.as_ref().ok().and_then(|decoded| decoded.message.as_ref());
    !lint.raw.is_response() && message.is_none_or(is_from_vasp)
}

const fn is_from_vasp(message: &Message) -> bool {
    matches!(
        message,
        Message::SubmitReq(_)
            | Message::CancelReq(_)
            | Message::ReplaceReq(_)
            | Message::ExtendedCancelReq(_)
            | Message::ExtendedReplaceReq(_)
    )
}

pub(super) fn submit_req(lint: &Lint) -> Option<&SubmitReq> {
    match lint.decoded.as_ref().ok()?.message.as_ref()? {
        Message::SubmitReq(req) => Some(req),
        _ => None,
    }
}

/// A finding that every dialect answers with the code of its reason.
pub(super) fn for_all(
    reject: Reject,
    place: Place,
    what: impl Into<String>,
    remedy: Remedy,
) -> JudgedFinding {
    let clause = Cause::of(reject).map_or("", |cause| cause.clause);
    let answers = Dialect::ALL.map(|dialect| Some(dialect.status(reject.status())));
    JudgedFinding { reject, place, what: what.into(), remedy, clause, answers }
}
