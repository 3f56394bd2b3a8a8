//! What is wrong among the MIME parts, and what would put it right.

use bytes::Bytes;

use super::finding::{Finding, Place, Remedy};
use super::linted::Lint;
use super::raw::guess_boundary;
use super::source::quoted;
use crate::error::{DecodeError, Rule};
use crate::mime::{ContentType, Media, Part, PartBody};
use crate::sniff::sniff;

/// The findings of taking the body apart and of decoding its parts.
pub(super) fn findings(lint: &Lint) -> Vec<Finding> {
    let errors = &lint.package.errors;
    let is_told = |part: &Part| {
        let place = part.offset..=part.body_offset;
        errors.iter().any(|error| error.rule == Rule::TransferEncoding && place.contains(&error.offset))
    };
    let undecodable = |part: &&Part| matches!(part.body, PartBody::Leaf) && !is_told(part);
    let parts = lint.package.root.iter().chain(lint.package.parts());
    let broken = parts.filter(undecodable).filter_map(|part| part.bytes().err());
    errors.iter().cloned().chain(broken).map(|error| finding(lint, &error)).collect()
}

fn finding(lint: &Lint, error: &DecodeError) -> Finding {
    Finding {
        rule: error.rule,
        place: place(lint, error),
        what: error.what.clone(),
        remedy: remedy(lint, error),
    }
}

/// The type of a body that is no multipart stands in the HTTP head.
fn place(lint: &Lint, error: &DecodeError) -> Place {
    let is_multipart = lint.raw.effective_type().is_multipart();
    match error.rule {
        Rule::RootContentType if !is_multipart && lint.raw.has_head() => lint.in_head("content-type"),
        _ => lint.in_body(error.offset),
    }
}

fn remedy(lint: &Lint, error: &DecodeError) -> Remedy {
    let part = part_at(lint, error.offset);
    match error.rule {
        Rule::RootContentType => Remedy::advise("label the part that holds the SOAP envelope as XML")
            .found(header_line(lint, place(lint, error).offset))
            .corrected("Content-Type: text/xml; charset=utf-8"),
        Rule::PartWithoutContentType | Rule::PartContentType => {
            let found = header_line(lint, lint.raw.in_file(error.offset));
            let remedy = Remedy::advise("say what the part is").found(found);
            let media_type = part.map(|part| sniff(&part.bytes().unwrap_or_default(), None));
            match media_type {
                Some(media_type) => remedy.corrected(format!("Content-Type: {media_type}")),
                None => remedy,
            }
        }
        Rule::PartHeaders => {
            Remedy::advise("end the headers of the part with one blank line; keep them short")
                .found(line(lint, error.offset))
        }
        Rule::Boundary => boundary(lint, error.offset),
        Rule::TransferEncoding => {
            Remedy::advise("send the bytes as they are, or encode all of them as base64")
                .found(part.and_then(|part| transfer_encoding_line(lint, part)))
                .corrected("Content-Transfer-Encoding: binary")
        }
        Rule::TooManyParts => Remedy::advise("send fewer parts: an MMS has a page or two"),
        _ => Remedy::advise("put the media into one multipart/related, not multiparts into multiparts"),
    }
}

impl Lint {
    /// The content of all attachments, decoded, in order; a part without a usable Content-Type gets one by what it holds.
    ///
    /// # Errors
    /// The first part that cannot be decoded.
    pub fn media(&self) -> Result<Vec<Media>, DecodeError> {
        self.package.media().or_else(|_| self.package.leaves().map(labelled).collect())
    }
}

/// A part's content, with a type by what it holds where it has none that can be read.
fn labelled(part: &Part) -> Result<Media, DecodeError> {
    if part.content_type.is_some() {
        return part.media();
    }
    let bytes = part.bytes()?;
    Ok(Media {
        content_type: sniff(&bytes, None),
        content_id: part.content_id.clone(),
        content_location: part.content_location.clone(),
        name: part.name.clone(),
        bytes,
    })
}

/// A part as references find it, whether it can be decoded or not.
pub(super) fn named(part: &Part) -> Media {
    labelled(part).unwrap_or_else(|_| Media {
        content_type: part.content_type.clone().unwrap_or_else(|| ContentType::new("")),
        content_id: part.content_id.clone(),
        content_location: part.content_location.clone(),
        name: part.name.clone(),
        bytes: Bytes::new(),
    })
}

/// The innermost part that a place in the body belongs to.
fn part_at(lint: &Lint, offset: usize) -> Option<&Part> {
    let parts = lint.package.root.iter().chain(lint.package.parts());
    parts.filter(|part| part.offset <= offset).max_by_key(|part| part.offset)
}

fn boundary(lint: &Lint, offset: usize) -> Remedy {
    let opened = lint.package.parts().into_iter().filter(|part| matches!(part.body, PartBody::Multipart(_)));
    // Where a multipart begins, or where one ends that is not closed.
    let is_it = |(part, bytes): &(&Part, Bytes)| {
        let declared = part.content_type.as_ref().and_then(|content_type| content_type.param("boundary"));
        let is_closed = declared.is_some_and(|declared| is_delimited(bytes, &format!("{declared}--")));
        offset == part.body_offset || (offset == part.body_offset + bytes.len() && !is_closed)
    };
    let inner = opened.filter_map(|part| Some((part, part.bytes().ok()?))).find(is_it);
    let (content_type, bytes) = match inner {
        Some((part, bytes)) => (part.content_type.clone(), bytes),
        None => (Some(lint.raw.effective_type().clone()), lint.raw.body()),
    };
    let Some(content_type) = content_type else { return Remedy::default() };
    match content_type.param("boundary").map(str::trim_end) {
        Some(declared) if is_delimited(&bytes, declared) => {
            Remedy::advise("end the multipart with its closing delimiter, in a line of its own")
                .corrected(format!("--{declared}--"))
        }
        declared => mislabelled(&content_type, declared, &bytes),
    }
}

fn is_delimited(bytes: &[u8], boundary: &str) -> bool {
    memchr::memmem::find(bytes, format!("--{boundary}").as_bytes()).is_some()
}

fn mislabelled(content_type: &ContentType, declared: Option<&str>, bytes: &Bytes) -> Remedy {
    let remedy = Remedy::advise("name the boundary that the parts stand between, exactly as it stands there")
        .found(declared.map(|declared| quoted(&format!("boundary=\"{declared}\""))));
    match guess_boundary(bytes) {
        Some(guessed) => {
            let labelled = ContentType::new(content_type.essence()).with_param("boundary", &guessed);
            remedy.corrected(format!("Content-Type: {labelled}"))
        }
        None => remedy,
    }
}

/// The line at a place in the body.
fn line(lint: &Lint, offset: usize) -> Option<String> {
    line_of_file(lint, lint.raw.in_file(offset))
}

fn line_of_file(lint: &Lint, offset: usize) -> Option<String> {
    let rest = lint.raw.file.get(offset..)?;
    let line = rest.get(..memchr::memchr(b'\n', rest).unwrap_or(rest.len()).min(400))?;
    let line = quoted(&String::from_utf8_lossy(line));
    (!line.is_empty()).then_some(line)
}

/// The Content-Type header that begins here.
fn header_line(lint: &Lint, offset: usize) -> Option<String> {
    line_of_file(lint, offset).filter(|line| line.to_ascii_lowercase().starts_with("content-type"))
}

fn transfer_encoding_line(lint: &Lint, part: &Part) -> Option<String> {
    let head = lint.raw.body().slice(part.offset..part.body_offset.max(part.offset));
    let head = String::from_utf8_lossy(&head);
    let is_it = |line: &&str| line.trim_start().to_ascii_lowercase().starts_with("content-transfer-encoding");
    head.lines().find(is_it).map(quoted)
}
