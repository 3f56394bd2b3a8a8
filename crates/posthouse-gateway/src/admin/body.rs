//! Bodies of requests: read within a limit and a deadline, then understood.

use std::{net::IpAddr, time::Duration};

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, header};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use posthouse_api::{ProblemCode, ProblemDetails, ProblemError};
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use serde_path_to_error::{Path, Segment};
use tokio::time::Instant;

use super::{answer::JSON, by_name::ByName};
use crate::http::{
    body::{self, Read},
    memory::Memory,
};

/// How long a body may take to come.
const READ_TIME: Duration = Duration::from_secs(30);

/// Reads the body of a request whole, of at most `limit` bytes. What a GET has for a body counts for nothing.
///
/// # Errors
/// It is too long, is late, or breaks off.
pub(super) async fn read(
    request: Request<Incoming>,
    memory: &Memory,
    limit: usize,
    from: IpAddr,
) -> Result<Request<Body>, ProblemDetails> {
    let (head, body) = request.into_parts();
    if head.method == Method::GET || head.method == Method::HEAD {
        return Ok(Request::from_parts(head, Body::empty()));
    }
    let mut share = memory.share(from);
    let problem =
        |code, detail: &str, remedy: &str| Err(ProblemDetails::new(code).detail(detail).remedy(remedy));
    match body::read(body, limit as u64, Instant::now() + READ_TIME, &mut share).await {
        Read::Whole(whole) => Ok(Request::from_parts(head, Body::from(whole))),
        Read::TooLong(rest) => {
            body::drain(rest);
            let detail = format!("the body is longer than {limit} bytes");
            problem(ProblemCode::TooLarge, &detail, "send it in several requests")
        }
        Read::Misframed => {
            problem(ProblemCode::Malformed, "the body is not as long as its head says", "mend Content-Length")
        }
        Read::Broken => {
            problem(ProblemCode::Malformed, "the connection broke before the body was here", "send it again")
        }
        Read::TooLate => {
            problem(ProblemCode::TooSlow, "the body did not come in time", "send it again, all at once")
        }
    }
}

/// The bytes of a body that was read before.
pub(super) async fn bytes(body: Body) -> Bytes {
    // What is in memory cannot fail.
    body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default()
}

/// Whether a body says that it is of this media type, whatever its parameters.
pub(super) fn is_of_type(headers: &HeaderMap, media_type: &str) -> bool {
    let shown = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = shown.and_then(|shown| shown.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case(media_type))
}

/// Why a body of another format is not read.
pub(super) fn unsupported(expected: &str) -> ProblemDetails {
    ProblemDetails::new(ProblemCode::UnsupportedMediaType)
        .detail(format!("Content-Type has to be {expected}"))
        .remedy(format!("send it, with the header Content-Type: {expected}"))
}

/// Reads a body of JSON; no body at all is an empty object, and so is `null`.
///
/// # Errors
/// It is of another type, is no JSON, or has members that do not exist.
pub(super) async fn json<T: DeserializeOwned + Default>(request: Request<Body>) -> Result<T, ProblemDetails> {
    let (head, body) = request.into_parts();
    let bytes = bytes(body).await;
    if bytes.is_empty() {
        return Ok(T::default());
    }
    Ok(of_json::<Option<T>>(&head.headers, &bytes)?.unwrap_or_default())
}

/// Reads a body of JSON that has to be there.
///
/// # Errors
/// As [`json`].
pub(super) async fn required<T: DeserializeOwned>(request: Request<Body>) -> Result<T, ProblemDetails> {
    let (head, body) = request.into_parts();
    of_json(&head.headers, &bytes(body).await)
}

fn of_json<T: DeserializeOwned>(headers: &HeaderMap, bytes: &[u8]) -> Result<T, ProblemDetails> {
    if !is_of_type(headers, JSON) {
        return Err(unsupported(JSON));
    }
    from_json(bytes)
}

/// Understands JSON: a structure is an object, and nothing else ([`ByName`]).
///
/// # Errors
/// What is wrong with it, and where.
pub(super) fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ProblemDetails> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(ByName(&mut json)).map_err(|error| {
        let pointer = pointer(error.path());
        not_understood(&pointer, error.into_inner())
    })?;
    json.end().map(|()| value).map_err(|error| not_understood("", error))
}

fn not_understood(pointer: &str, error: serde_json::Error) -> ProblemDetails {
    match error.classify() {
        Category::Data => ProblemDetails::new(ProblemCode::InvalidParameter)
            .error(ProblemError::at_pointer(pointer, error.to_string()))
            .remedy("docs/openapi.json has the members that the body may have, and their types"),
        _ => ProblemDetails::new(ProblemCode::Malformed)
            .detail(format!("the body is no JSON: {error}"))
            .remedy("send one JSON value in UTF-8"),
    }
}

/// A place in a document as a JSON pointer (RFC 6901).
fn pointer(path: &Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        let name = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } | Segment::Enum { variant: key } => {
                key.replace('~', "~0").replace('/', "~1")
            }
            Segment::Unknown => continue,
        };
        pointer.push('/');
        pointer.push_str(&name);
    }
    pointer
}

#[cfg(test)]
mod tests {
    use posthouse_api::SubmissionRequest;

    use super::*;

    #[test]
    fn what_is_wrong_with_a_body_is_said_where_it_is() {
        for (body, pointer, detail) in [
            (r#"{"from":"a","what/ever~":1}"#, "/what~1ever~0", "unknown field `what/ever~`"),
            (
                r#"{"parts":[{"name":"a.txt","data":"aGk="},{"name":7}]}"#,
                "/parts/1/name",
                "invalid type: integer `7`",
            ),
            (
                r#"{"parts":[["a.txt","text/plain","aGk="]]}"#,
                "/parts/0",
                "invalid type: sequence, expected struct",
            ),
            ("[null,null]", "", "invalid type: sequence, expected struct SubmissionRequest"),
        ] {
            let problem = from_json::<SubmissionRequest>(body.as_bytes()).unwrap_err();
            assert_eq!(&*problem.code, "invalid_parameter", "{body}");
            let [error] = &problem.errors[..] else { panic!("{body}: {:?}", problem.errors) };
            assert_eq!(error.pointer.as_deref(), Some(pointer), "{body}");
            assert!(error.detail.starts_with(detail), "{body}: {}", error.detail);
        }
    }

    #[test]
    fn what_is_no_json_is_malformed() {
        for body in ["", "{", "{} {}", "{\"to\":}", "\u{feff}{}"] {
            let problem = from_json::<SubmissionRequest>(body.as_bytes()).unwrap_err();
            assert_eq!(&*problem.code, "malformed", "{body}");
        }
    }
}
