//! Answers to VASPs: which message it is, and how the account's dialect dresses it.

use http::{StatusCode as HttpStatus, header};
use mm7::{
    Dialect, Framing, Limits, Message, MessageId, StatusCode,
    dialect::Refusal,
    message::{Operation, SubmitRsp},
    soap,
};
use posthouse_core::{
    Id,
    submit::{Body, CredentialsFact, Facts, Reject, Rejection},
};

use crate::{
    http::server::HttpAnswer,
    mm7_http::answer::{self, header_value, unframed},
};

/// 1000, with the MessageID.
pub(super) fn success(facts: &Facts, id: Id) -> HttpAnswer {
    let message_id = MessageId::new(&id.to_string()).ok();
    let status = facts.dialect().status(StatusCode::Success);
    let rsp = Message::SubmitRsp(SubmitRsp { status, message_id });
    answer::write(HttpStatus::OK, &rsp, &framing(facts), facts.dialect())
}

/// A refusal, dressed as the dialect does.
pub(super) fn refusal(facts: &Facts, refusal: Rejection) -> HttpAnswer {
    let refused =
        Refusal { code: refusal.status(), identified: refusal.identified(), operation: Operation::Submit };
    let dialect = if refusal.anonymous() { Dialect::POSTHOUSE } else { facts.dialect() };
    let mut answer = answer::refusal(dialect, &refused, &framing(facts));
    // Labelled as the account's own dialect labels its answers, whichever words it is in.
    answer.headers_mut().insert(header::CONTENT_TYPE, header_value(facts.dialect().answer_content_type));
    if dialect.challenges && is_without_credentials(facts, refusal) {
        // Many SOAP stacks log in only once they are asked to.
        *answer.status_mut() = HttpStatus::UNAUTHORIZED;
        answer.headers_mut().insert(header::WWW_AUTHENTICATE, header_value("Basic realm=\"posthouse\""));
    }
    if let Reject::Throughput { retry_after } = refusal.reject {
        let seconds = retry_after.as_millis().div_ceil(1000).max(1);
        answer.headers_mut().insert(header::RETRY_AFTER, header_value(&seconds.to_string()));
    }
    answer
}

/// Whether a request is refused for credentials, and showed none at all.
fn is_without_credentials(facts: &Facts, refusal: Rejection) -> bool {
    refusal.reject == Reject::Credentials && facts.credentials == Some(CredentialsFact::Missing)
}

/// As the caller wrote, as far as that can be read.
fn seen(body: &Body) -> Option<Framing> {
    if let Ok(decoded) = &body.mm7.decoded {
        return Some(Framing::answering(decoded));
    }
    let root = body.mm7.package.root.as_ref()?;
    let charset = root.content_type.as_ref().and_then(|content_type| content_type.param("charset"));
    soap::framing_of_broken(&root.bytes().ok()?, charset, &Limits::default())
}

/// The frame of an answer: as the caller wrote, and with `mustUnderstand` where its account reads that.
fn framing(facts: &Facts) -> Framing {
    let must_understand = facts.account().is_none_or(|account| account.must_understand);
    let framing = facts.body.as_ref().and_then(seen).unwrap_or_else(unframed);
    Framing { must_understand, ..framing }
}
