//! Writes the MM7 answers to VASPs. The one place that does.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode as HttpStatus, header};
use http_body_util::Full;
use mm7::{
    Dialect, Framing, Limits, Message, MessageId, Namespace, StatusCode, Version,
    dialect::Refusal,
    message::{Operation, SubmitRsp},
    soap,
};
use posthouse_core::{
    Id,
    submit::{Body, CredentialsFact, Facts, Reject, Rejection},
};

use crate::http::server::HttpAnswer;

/// 1000, with the MessageID.
pub(super) fn success(facts: &Facts, id: Id) -> HttpAnswer {
    let message_id = MessageId::new(&id.to_string()).ok();
    let status = facts.dialect().status(StatusCode::Success);
    write(facts, HttpStatus::OK, &Message::SubmitRsp(SubmitRsp { status, message_id }))
}

/// A refusal, dressed as the dialect does.
pub(super) fn refusal(facts: &Facts, refusal: Rejection) -> HttpAnswer {
    let refused =
        Refusal { code: refusal.status(), identified: refusal.identified(), operation: Operation::Submit };
    let dialect = if refusal.anonymous() { Dialect::POSTHOUSE } else { facts.dialect() };
    let dressed = dialect.refusal(&refused);
    let status = HttpStatus::from_u16(dressed.http_status).unwrap_or(HttpStatus::OK);
    let mut answer = write(facts, status, &dressed.message);
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

fn write(facts: &Facts, status: HttpStatus, message: &Message) -> HttpAnswer {
    let framing = facts.body.as_ref().and_then(framing);
    let framing = framing.unwrap_or_else(|| Framing::new(Namespace::LATEST, Version::V6_8_0, None));
    let must_understand = facts.account().is_none_or(|account| account.must_understand);
    let framing = Framing { must_understand, ..framing };
    let mut answer = Response::new(Full::new(Bytes::from(soap::encode(message, &framing))));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, header_value(facts.dialect().answer_content_type));
    answer
}

/// As the caller wrote, as far as that can be read.
fn framing(body: &Body) -> Option<Framing> {
    if let Ok(decoded) = &body.decoded {
        return Some(Framing::answering(decoded));
    }
    let root = body.package.root.as_ref()?;
    let charset = root.content_type.as_ref().and_then(|content_type| content_type.param("charset"));
    soap::framing_of_broken(&root.bytes().ok()?, charset, &Limits::default())
}

fn header_value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}
