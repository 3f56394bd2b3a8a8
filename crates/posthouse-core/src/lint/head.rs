//! The HTTP head: rows 1 and 2.

use bytes::Bytes;
use mm7::{
    Dialect,
    http1::{BodyLength, HeadFaultKind, LengthFault},
    lint::{Header, Lint, Remedy},
    message::Status,
    mime::ContentType,
};

use super::finding::{JudgedFinding, Options, PerDialect, for_all};
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
        fault: lint.raw.head_fault().map(|fault| fault.kind),
        content_type,
        content_length: content_length(lint, options),
        is_encoded: lint.raw.encoding().is_some() && !lint.raw.is_response(),
        max_request_bytes: options.max_request_bytes,
        remote: std::net::Ipv4Addr::LOCALHOST.into(),
        tls: true,
        certificate: None,
        is_vouched_for: false,
    }
}

/// A length that is more than the body's is as unusable as one that is no number, unless it is refused for its size before
/// anything is read. What is beyond one that is less belongs to no body: [`cut_off`].
fn content_length(lint: &Lint, options: &Options) -> ContentLength {
    let length = body_length(lint);
    let counted = |declared: u64| {
        let is_it = declared <= length || declared > options.max_request_bytes;
        if is_it { ContentLength::Bytes(declared) } else { ContentLength::Malformed }
    };
    if !lint.raw.has_head() {
        return ContentLength::Bytes(length);
    }
    if lint.raw.is_response() {
        let header = lint.raw.header("content-length").map(|header| header.value.parse());
        return header
            .map_or(ContentLength::Missing, |declared| declared.map_or(ContentLength::Malformed, counted));
    }
    match lint.raw.length() {
        Some(BodyLength::Bytes(declared)) => counted(declared),
        Some(BodyLength::Chunked) if !lint.raw.has_broken_chunks() => ContentLength::Chunked,
        Some(BodyLength::Chunked | BodyLength::Unusable(_)) => ContentLength::Malformed,
        Some(BodyLength::Unsaid) => ContentLength::Missing,
        // The head as a whole is refused.
        None => ContentLength::Bytes(length),
    }
}

fn body_length(lint: &Lint) -> u64 {
    u64::try_from(lint.raw.body().len()).unwrap_or(u64::MAX)
}

/// The file as far as its length goes, where that is less than there is in it.
pub(super) fn cut_off(lint: &Lint) -> Option<Bytes> {
    let Some(BodyLength::Bytes(declared)) = lint.raw.length() else { return None };
    let end = usize::try_from(declared).ok().and_then(|length| lint.raw.body_offset.checked_add(length))?;
    (end < lint.raw.file.len()).then(|| lint.raw.file.slice(..end))
}

/// That there is more in the file than its length says. What is answered follows from what is left: the caller's to tell.
pub(super) fn too_short(lint: &Lint, answers: PerDialect<Option<Status>>) -> JudgedFinding {
    let (header, length) = (lint.raw.header("content-length"), body_length(lint));
    let (what, advice) = counted_wrong(header, length);
    let remedy = Remedy::advise(advice)
        .found(header.map(|header| format!("{}: {}", header.name, header.value)))
        .corrected(format!("Content-Length: {length}"));
    JudgedFinding { answers, ..for_all(Reject::HttpHeaders, lint.in_head("content-length"), what, remedy) }
}

pub(super) fn findings(lint: &Lint, options: &Options) -> Vec<JudgedFinding> {
    let head = [fault(lint), content_type(lint), encoding(lint)];
    let length = [length(lint, options), chunks(lint, options), too_long(lint, options)];
    head.into_iter().chain(length).flatten().collect()
}

/// A head that no door can read.
fn fault(lint: &Lint) -> Option<JudgedFinding> {
    let fault = lint.raw.head_fault()?;
    let advice = match fault.kind {
        HeadFaultKind::RequestLine => "write POST, one blank, the path, one blank, HTTP/1.1",
        HeadFaultKind::FoldedFirst | HeadFaultKind::NoColon => {
            "write each header as its name, a colon and its value, and begin no other line with a blank"
        }
        HeadFaultKind::BlankBeforeColon => "put the colon right behind the name",
        HeadFaultKind::Name => "write names with letters, digits and hyphens",
        HeadFaultKind::Value => "take control characters out of the value",
        HeadFaultKind::TooManyLines | HeadFaultKind::TooLong => "send fewer headers",
        HeadFaultKind::BreaksOff => "end the head with an empty line",
    };
    let rest = lint.raw.file.get(fault.offset..).unwrap_or_default();
    let line = rest.split(|byte| *byte == b'\n').next().map(String::from_utf8_lossy);
    let line = line.map(|line| line.trim_end().to_owned()).filter(|line| !line.is_empty());
    let remedy = Remedy::advise(advice).found(line);
    Some(for_all(Reject::HttpHeaders, lint.at(fault.offset), fault.kind.words(), remedy))
}

fn encoding(lint: &Lint) -> Option<JudgedFinding> {
    let header = lint.raw.encoding().filter(|_| !lint.raw.is_response())?;
    let what = format!("the body has the Content-Encoding {}: bodies are taken as they are", header.value);
    let advice =
        "send the body as it is, without Content-Encoding: it is compressed, and MM7 has no place for that";
    let remedy = Remedy::advise(advice).found(Some(format!("{}: {}", header.name, header.value)));
    Some(for_all(Reject::HttpHeaders, lint.at(header.offset), what, remedy))
}

/// Chunks, which not every dialect takes.
fn chunks(lint: &Lint, options: &Options) -> Option<JudgedFinding> {
    let is_chunked = content_length(lint, options) == ContentLength::Chunked;
    let header = lint.raw.header("transfer-encoding").filter(|_| is_chunked)?;
    let refuses = Dialect::ALL.map(|dialect| !dialect.takes_chunks);
    let remedy = Remedy::advise("turn chunking off in the HTTP client")
        .found(Some(format!("{}: {}", header.name, header.value)))
        .corrected(format!("Content-Length: {}", body_length(lint)));
    let what = "the body comes in chunks, which strict dialects do not take";
    let mut finding = for_all(Reject::Chunks, lint.at(header.offset), what, remedy);
    for (answer, refuses) in finding.answers.iter_mut().zip(refuses) {
        *answer = answer.take().filter(|_| refuses);
    }
    Some(finding)
}

/// An answer may be of any type: it is read for what it says.
fn content_type(lint: &Lint) -> Option<JudgedFinding> {
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

fn length(lint: &Lint, options: &Options) -> Option<JudgedFinding> {
    let header = lint.raw.header("content-length");
    if !lint.raw.has_head() || (lint.raw.is_response() && header.is_none()) {
        return None;
    }
    if matches!(content_length(lint, options), ContentLength::Bytes(_) | ContentLength::Chunked) {
        return None;
    }
    let length = body_length(lint);
    let is_number = |header: &&Header| header.value.parse::<u64>().is_ok();
    let (mut header, mut name) = (header, "content-length");
    let (what, advice) = match lint.raw.length() {
        Some(BodyLength::Unusable(LengthFault::NoNumber)) => {
            let lengths = lint.raw.headers.iter().filter(|header| header.name.eq_ignore_ascii_case(name));
            header = lengths.clone().find(|header| !is_number(header)).or(header);
            let value = header.map(|header| header.value.as_str()).unwrap_or_default();
            (format!("Content-Length is {value:?}, no number"), "say how many bytes follow the head")
        }
        Some(BodyLength::Unusable(LengthFault::Coding)) => {
            (header, name) = (lint.raw.header("transfer-encoding"), "transfer-encoding");
            (LengthFault::Coding.words().to_owned(), "send the body as it is, with its Content-Length")
        }
        Some(BodyLength::Unusable(fault)) => {
            (fault.words().to_owned(), "send one Content-Length and nothing beside it")
        }
        Some(BodyLength::Chunked) => {
            (header, name) = (lint.raw.header("transfer-encoding"), "transfer-encoding");
            let what = "the chunks of the body are broken, or not all there";
            (
                what.to_owned(),
                "write the size in hexadecimal digits, CR LF, so many bytes, CR LF; at last 0, CR LF, CR LF",
            )
        }
        _ => counted_wrong(header, length),
    };
    let remedy = Remedy::advise(advice)
        .found(header.map(|header| format!("{}: {}", header.name, header.value)))
        .corrected(format!("Content-Length: {length}"));
    Some(for_all(Reject::HttpHeaders, lint.in_head(name), what, remedy))
}

/// A length that is missing, or another than the body's.
fn counted_wrong(header: Option<&Header>, length: u64) -> (String, &'static str) {
    match header.map(|header| (&header.value, header.value.parse::<u64>())) {
        None => ("there is no Content-Length".to_owned(), "say how many bytes follow the head"),
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
    }
}

fn too_long(lint: &Lint, options: &Options) -> Option<JudgedFinding> {
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
