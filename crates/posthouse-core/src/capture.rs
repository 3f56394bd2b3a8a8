//! What is shown of requests and answers: neither keys, nor passwords, nor content, and no whole numbers.

use std::fmt::Write as _;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, header};
use mm7::{
    Limits,
    mime::{self, ContentType},
};

use crate::{bounds::cut, shown::masked};

/// The longest request, and the longest answer, that is kept, in characters.
pub const LONGEST: usize = 32 << 10;

/// The headers whose values hold no secret; of others there are only the names.
const HARMLESS: &[HeaderName] = &[
    header::ACCEPT,
    header::CONNECTION,
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::DATE,
    header::EXPECT,
    header::HOST,
    header::RETRY_AFTER,
    header::SERVER,
    header::TRANSFER_ENCODING,
    header::USER_AGENT,
    header::VIA,
];
/// Others that have no constant.
const HARMLESS_NAMES: &[&str] = &["soapaction", "mime-version", "traceparent", "x-posthouse-resubmit-of"];

/// The elements whose text is a key, or content.
const HIDDEN: &[&str] = &["VASPID", "Subject", "ApplicID", "ReplyApplicID", "AuxApplicInfo", "LinkedID"];
/// What stands there instead.
const INSTEAD: &str = "•••";

/// A head, without what may be secret: at most so many characters of it.
pub fn head(first_line: &str, headers: &HeaderMap, longest: usize) -> String {
    let mut head = format!("{first_line}\r\n");
    for (name, value) in headers {
        let is_harmless = HARMLESS.contains(name) || HARMLESS_NAMES.contains(&name.as_str());
        let value = match is_harmless {
            true => String::from_utf8_lossy(value.as_bytes()),
            false => "-".into(),
        };
        // A String takes everything.
        let _ = write!(head, "{name}: {value}\r\n");
        if head.len() >= longest {
            break;
        }
    }
    cut(&head, longest).trim_end().to_owned()
}

/// A request or an answer as it may be shown: its head, and of its body the envelope.
pub fn exchange_text(first_line: &str, headers: &HeaderMap, body: &Bytes) -> String {
    let head = masked(&head(first_line, headers, LONGEST)).into_owned();
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let text = format!("{head}\r\n\r\n{}", self::body(content_type, body));
    cut(&text, LONGEST).to_owned()
}

/// A body as it may be shown: the envelope without keys and subject, and of the parts beside it their types and lengths.
pub fn body(content_type: Option<&str>, body: &Bytes) -> String {
    let read = content_type.and_then(|text| ContentType::parse(text).ok());
    let Some(content_type) = read else { return envelope(body) };
    let package = mime::unpack(&content_type, body.clone(), &Limits::default());
    let mut text = match package.root.as_ref().map(mime::Part::bytes) {
        Some(Ok(root)) => envelope(&root),
        Some(Err(error)) => format!("[the envelope cannot be read: {error}]"),
        None => format!("[{} bytes without an envelope]", body.len()),
    };
    for (part, number) in package.attachments.iter().zip(1..) {
        let kind =
            part.content_type.as_ref().map_or_else(|| "no type".to_owned(), |kind| kind.essence().to_owned());
        let length = part
            .bytes()
            .map_or_else(|_| "cannot be read".to_owned(), |bytes| format!("{} bytes", bytes.len()));
        let _ = write!(text, "\r\n[part {number}: {kind}, {length}]");
    }
    text
}

/// XML without keys and subject. What is no XML may be anything, and is not shown.
fn envelope(bytes: &Bytes) -> String {
    let text = String::from_utf8_lossy(bytes);
    if bytes.is_empty() {
        return String::new();
    }
    if !text.trim_start_matches('\u{feff}').trim_start().starts_with('<') {
        return format!("[{} bytes that are no XML]", bytes.len());
    }
    masked(&without_hidden(&text)).into_owned()
}

fn without_hidden(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, tag, after)) = next_tag(rest) {
        shown.push_str(before);
        shown.push_str(tag);
        rest = after;
        if let Some(name) = hidden(tag) {
            shown.push_str(INSTEAD);
            // Whatever is inside: texts, sections, elements. Without its end all of the rest is.
            rest = rest.find(&format!("</{name}")).and_then(|at| rest.get(at..)).unwrap_or_default();
        }
    }
    shown.push_str(rest);
    shown
}

/// What is before the next tag, the tag, and what is behind it.
fn next_tag(text: &str) -> Option<(&str, &str, &str)> {
    let begin = text.find('<')?;
    let behind = text.get(begin..)?;
    let end = begin + behind.find('>')? + 1;
    Some((text.get(..begin)?, text.get(begin..end)?, text.get(end..)?))
}

/// The name of the element that a tag opens, where its text is hidden.
fn hidden(tag: &str) -> Option<&str> {
    if tag.starts_with("</") || tag.ends_with("/>") {
        return None;
    }
    let name = tag.trim_start_matches('<').trim_end_matches('>').split_ascii_whitespace().next()?;
    let local = name.rsplit(':').next()?;
    HIDDEN.iter().any(|hidden| hidden.eq_ignore_ascii_case(local)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_subjects_and_numbers_are_not_shown() {
        let text = concat!(
            "<?xml version=\"1.0\"?><e:Envelope><mm7:VASPID>acme-key</mm7:VASPID><VASID>61295</VASID>",
            "<Number>+16175550100</Number><Subject><![CDATA[<b>hush</b>]]></Subject><subject a='b'>hush</subject>",
            "<VASPID/><TransactionID>t-1</TransactionID></e:Envelope>"
        );
        assert_eq!(
            body(Some("text/xml; charset=utf-8"), &Bytes::from(text)),
            concat!(
                "<?xml version=\"1.0\"?><e:Envelope><mm7:VASPID>•••</mm7:VASPID><VASID>61295</VASID>",
                "<Number>+1617•••0100</Number><Subject>•••</Subject><subject a='b'>•••</subject>",
                "<VASPID/><TransactionID>t-1</TransactionID></e:Envelope>"
            )
        );
        assert_eq!(body(None, &Bytes::from("<a><VASPID>acme-key")), "<a><VASPID>•••");
    }

    #[test]
    fn content_is_told_by_type_and_length() {
        let multipart = concat!(
            "--b\r\nContent-Type: text/xml\r\n\r\n<a><VASPID>key</VASPID></a>\r\n",
            "--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nhush\r\n--b--\r\n"
        );
        let shown = body(Some("multipart/related; boundary=b; type=\"text/xml\""), &Bytes::from(multipart));
        assert_eq!(shown, "<a><VASPID>•••</VASPID></a>\r\n[part 1: text/plain, 4 bytes]");
        assert_eq!(body(Some("image/jpeg"), &Bytes::from("hush")), "[4 bytes that are no XML]");
    }

    #[test]
    fn a_head_has_the_names_of_what_may_be_secret() {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, "Basic c2VjcmV0".parse().unwrap());
        headers.insert(header::CONTENT_TYPE, "text/xml".parse().unwrap());
        let shown = exchange_text("POST /mm7/16175550100 HTTP/1.1", &headers, &Bytes::new());
        assert_eq!(
            shown,
            "POST /mm7/+1617•••0100 HTTP/1.1\r\nauthorization: -\r\ncontent-type: text/xml\r\n\r\n"
        );
    }
}
