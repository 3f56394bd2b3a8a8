//! The HTTP head: rows 1 and 2.

use mm7::{
    lint::{Lint, Remedy},
    mime::ContentType,
};

use super::{Finding, Options, for_all};
use crate::submit::{ContentLength, ContentTypeHeader, Head, Reject};

/// What the head of a request says, as the checks take it. A bare body is taken as if it had come with the right one.
pub(super) fn head(lint: &Lint, options: &Options) -> Head {
    let content_type = match (lint.raw.header("content-type"), lint.raw.declared_type()) {
        _ if !lint.raw.has_head() => ContentTypeHeader::Read(lint.raw.effective_type().clone()),
        (None, _) => ContentTypeHeader::Missing,
        (Some(_), None) => ContentTypeHeader::Malformed,
        (Some(_), Some(content_type)) => ContentTypeHeader::Read(content_type),
    };
    Head {
        fault: None,
        content_type,
        content_length: content_length(lint, options),
        is_encoded: false,
        max_request_bytes: options.max_request_bytes,
        remote: std::net::Ipv4Addr::LOCALHOST.into(),
        tls: true,
        certificate: None,
    }
}

/// A length that is not the body's is as unusable as one that is no number, unless it is refused for its size before
/// anything is read.
fn content_length(lint: &Lint, options: &Options) -> ContentLength {
    let length = body_length(lint);
    if is_chunked(lint) {
        return ContentLength::Missing;
    }
    let Some(header) = lint.raw.header("content-length").filter(|_| lint.raw.has_head()) else {
        return if lint.raw.has_head() { ContentLength::Missing } else { ContentLength::Bytes(length) };
    };
    match header.value.parse() {
        Ok(declared) if declared == length || declared > options.max_request_bytes => {
            ContentLength::Bytes(declared)
        }
        _ => ContentLength::Malformed,
    }
}

/// Chunks make a length void (RFC 9112 clause 6.3).
fn is_chunked(lint: &Lint) -> bool {
    let coding = lint.raw.header("transfer-encoding").map(|header| header.value.to_ascii_lowercase());
    coding.is_some_and(|coding| coding.contains("chunked")) && !lint.raw.is_response()
}

fn body_length(lint: &Lint) -> u64 {
    u64::try_from(lint.raw.body().len()).unwrap_or(u64::MAX)
}

pub(super) fn findings(lint: &Lint, options: &Options) -> Vec<Finding> {
    let findings = [content_type(lint), length(lint, options), too_long(lint, options)];
    findings.into_iter().flatten().collect()
}

/// An answer may be of any type: it is read for what it says.
fn content_type(lint: &Lint) -> Option<Finding> {
    if !lint.raw.has_head() || lint.raw.is_response() {
        return None;
    }
    let header = lint.raw.header("content-type");
    let what = match (header, lint.raw.declared_type()) {
        (None, _) => "there is no Content-Type".to_owned(),
        (Some(header), None) => format!("the Content-Type {:?} cannot be read", header.value),
        (_, Some(content_type)) => unusable(&content_type)?,
    };
    let remedy = Remedy::advise(
        "label the body: multipart/related with its boundary, or text/xml for a bare envelope",
    )
    .found(header.map(|header| format!("{}: {}", header.name, header.value)))
    .corrected(format!("Content-Type: {}", usable_type(lint)));
    Some(for_all(Reject::HttpHeaders, lint.in_head("content-type"), what, remedy))
}

fn unusable(content_type: &ContentType) -> Option<String> {
    let essence = content_type.essence();
    if content_type.is_bare_envelope() {
        return None;
    }
    if essence != "multipart/related" {
        return Some(format!("the Content-Type is {essence}, neither multipart/related nor XML"));
    }
    let boundary = content_type.param("boundary").filter(|boundary| !boundary.is_empty());
    boundary.is_none().then(|| "multipart/related has no boundary".to_owned())
}

/// The type that the body should be labelled with.
fn usable_type(lint: &Lint) -> ContentType {
    let effective = lint.raw.effective_type();
    match effective.param("boundary") {
        Some(boundary) => ContentType::new("multipart/related")
            .with_param("boundary", boundary)
            .with_param("type", "text/xml"),
        None => ContentType::new("text/xml").with_param("charset", "utf-8"),
    }
}

fn length(lint: &Lint, options: &Options) -> Option<Finding> {
    let header = lint.raw.header("content-length");
    if !lint.raw.has_head() || (lint.raw.is_response() && header.is_none()) {
        return None;
    }
    if matches!(content_length(lint, options), ContentLength::Bytes(_)) {
        return None;
    }
    let length = body_length(lint);
    let header = header.filter(|_| !is_chunked(lint));
    let (what, advice) = match header.map(|header| (&header.value, header.value.parse::<u64>())) {
        None => (
            "there is no Content-Length".to_owned(),
            "say how many bytes follow the head; chunks are not taken",
        ),
        Some((value, Err(_))) => {
            (format!("Content-Length is {value:?}, no number"), "say how many bytes follow the head")
        }
        Some((_, Ok(declared))) if declared > length => (
            format!("Content-Length is {declared}, but {length} bytes follow the head"),
            "count the bytes of the body: a gateway waits for those that do not come, then hangs up",
        ),
        Some((_, Ok(declared))) => (
            format!("Content-Length is {declared}, but {length} bytes follow the head"),
            "count the bytes of the body, not characters: what is beyond the length is cut off",
        ),
    };
    let remedy = Remedy::advise(advice)
        .found(header.map(|header| format!("{}: {}", header.name, header.value)))
        .corrected(format!("Content-Length: {length}"));
    Some(for_all(Reject::HttpHeaders, lint.in_head("content-length"), what, remedy))
}

fn too_long(lint: &Lint, options: &Options) -> Option<Finding> {
    let declared = match content_length(lint, options) {
        ContentLength::Bytes(declared) => declared,
        ContentLength::Missing | ContentLength::Malformed | ContentLength::Chunked => 0,
    };
    let length = declared.max(body_length(lint));
    let most = options.max_request_bytes;
    let what = format!("the request has {length} bytes, more than the {most} that are taken");
    let remedy = Remedy::advise("send smaller media: most carriers take no more than 1 MB");
    (length > most).then(|| for_all(Reject::RequestTooLong, lint.in_head("content-length"), what, remedy))
}
