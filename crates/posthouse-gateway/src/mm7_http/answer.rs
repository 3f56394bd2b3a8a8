//! Writes MM7 answers into HTTP: the one place that does, for the door of VASPs and that of carriers.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode as HttpStatus, header};
use http_body_util::Full;
use mm7::{Dialect, Framing, Message, Namespace, Version, dialect::Refusal, soap};

use crate::http::server::HttpAnswer;

/// A message as an answer, labelled as the dialect labels its answers.
pub fn write(status: HttpStatus, message: &Message, framing: &Framing, dialect: &Dialect) -> HttpAnswer {
    let mut answer = Response::new(Full::new(Bytes::from(soap::encode(message, framing))));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, header_value(dialect.answer_content_type));
    answer
}

/// A refusal, dressed as the dialect does.
pub fn refusal(dialect: &Dialect, refusal: &Refusal, framing: &Framing) -> HttpAnswer {
    let dressed = dialect.refusal(refusal);
    let status = HttpStatus::from_u16(dressed.http_status).unwrap_or(HttpStatus::OK);
    write(status, &dressed.message, framing, dialect)
}

/// The frame of an answer to what nothing could be read of.
pub fn unframed() -> Framing {
    Framing::new(Namespace::LATEST, Version::V6_8_0, None)
}

/// A value of a header; empty where the text cannot be one.
pub fn header_value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}
