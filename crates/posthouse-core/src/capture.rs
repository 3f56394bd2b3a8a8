//! What is shown of requests and answers: neither keys, nor passwords, nor content, and no whole numbers.

use std::fmt::Write as _;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, header};
use mm7::{
    Limits,
    mime::{self, ContentType},
};

use crate::{
    Id,
    bounds::cut,
    shown::{masked, masked_but},
};

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
const HARMLESS_NAMES: &[&str] = &["soapaction", "mime-version", "traceparent", RESUBMIT_OF];
/// The header of a callback that has the MessageID of what was sent again.
const RESUBMIT_OF: &str = "x-posthouse-resubmit-of";
/// The element whose text is a MessageID, ours or a carrier's.
const MESSAGE_ID: &str = "MessageID";
/// The most digits that the number of a handset has.
const LONGEST_NUMBER: usize = 15;

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

/// A request or an answer as it may be shown: its head, and of its body the envelope. Our own MessageIDs are no numbers of handsets:
/// `about` is whole wherever it stands.
pub fn exchange_text(first_line: &str, headers: &HeaderMap, body: &Bytes, about: Option<Id>) -> String {
    let head = masked_head(&head(first_line, headers, LONGEST));
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let text = format!("{head}\r\n\r\n{}", self::body(content_type, body, about));
    cut(&text, LONGEST).to_owned()
}

/// Lines without whole numbers, but for the MessageID that a resubmission names.
fn masked_head(head: &str) -> String {
    let masked_line = |line: &str| match line.split_once(": ") {
        Some((RESUBMIT_OF, id)) if is_message_id(id) => line.to_owned(),
        _ => masked(line).into_owned(),
    };
    head.split("\r\n").map(masked_line).collect::<Vec<_>>().join("\r\n")
}

/// Whether a text is a MessageID as ours are, and longer than any number of a handset is (E.164).
fn is_message_id(text: &str) -> bool {
    text.len() > LONGEST_NUMBER && text.parse::<Id>().is_ok()
}

/// A body as it may be shown: the envelope without keys and subject, and of the parts beside it their types and lengths.
pub fn body(content_type: Option<&str>, body: &Bytes, about: Option<Id>) -> String {
    let read = content_type.and_then(|text| ContentType::parse(text).ok());
    let Some(content_type) = read else { return envelope(body, about) };
    let package = mime::unpack(&content_type, body.clone(), &Limits::default());
    let mut text = match package.root.as_ref().map(mime::Part::bytes) {
        Some(Ok(root)) => envelope(&root, about),
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
fn envelope(bytes: &Bytes, about: Option<Id>) -> String {
    let text = String::from_utf8_lossy(bytes);
    if bytes.is_empty() {
        return String::new();
    }
    if !text.trim_start_matches('\u{feff}').trim_start().starts_with('<') {
        return format!("[{} bytes that are no XML]", bytes.len());
    }
    masked_envelope(&without_hidden(&text), about)
}

/// Without whole numbers, but with MessageIDs.
fn masked_envelope(text: &str, about: Option<Id>) -> String {
    let about = about.map(|id| id.to_string());
    let masked_text = |text: &str| masked_but(text, |digits| about.as_deref() == Some(digits)).into_owned();
    let mut shown = String::with_capacity(text.len());
    let (mut rest, mut is_id) = (text, false);
    while let Some((before, tag, after)) = next_tag(rest) {
        let is_whole = is_id && is_message_id(before.trim());
        shown.push_str(&if is_whole { before.to_owned() } else { masked_text(before) });
        shown.push_str(&masked_text(tag));
        is_id = opened(tag).is_some_and(|name| local(name).eq_ignore_ascii_case(MESSAGE_ID));
        rest = after;
    }
    shown.push_str(&masked_text(rest));
    shown
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
    opened(tag).filter(|name| HIDDEN.iter().any(|hidden| hidden.eq_ignore_ascii_case(local(name))))
}

/// The name of the element that a tag opens; `None` of one that closes it, or both.
fn opened(tag: &str) -> Option<&str> {
    if tag.starts_with("</") || tag.ends_with("/>") {
        return None;
    }
    tag.trim_start_matches('<').trim_end_matches('>').split_ascii_whitespace().next()
}

/// A name without its prefix.
fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
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
            body(Some("text/xml; charset=utf-8"), &Bytes::from(text), None),
            concat!(
                "<?xml version=\"1.0\"?><e:Envelope><mm7:VASPID>•••</mm7:VASPID><VASID>61295</VASID>",
                "<Number>+1617•••0100</Number><Subject>•••</Subject><subject a='b'>•••</subject>",
                "<VASPID/><TransactionID>t-1</TransactionID></e:Envelope>"
            )
        );
        assert_eq!(body(None, &Bytes::from("<a><VASPID>acme-key"), None), "<a><VASPID>•••");
    }

    #[test]
    fn message_ids_are_whole_and_numbers_beside_them_are_not() {
        let text = concat!(
            "<e><TransactionID>192687545069338624</TransactionID><m:MessageID> 192687545069338625 </m:MessageID>",
            "<MessageID>16175550100</MessageID><MessageID>x16175550100192687</MessageID>",
            "<TransactionID>192687545069338626</TransactionID><Number a='16175550100'>192687545069338625</Number></e>"
        );
        let shown = concat!(
            "<e><TransactionID>192687545069338624</TransactionID><m:MessageID> 192687545069338625 </m:MessageID>",
            "<MessageID>+1617•••0100</MessageID><MessageID>x+1617•••2687</MessageID>",
            "<TransactionID>+1926•••8626</TransactionID><Number a='+1617•••0100'>+1926•••8625</Number></e>"
        );
        let about = Id::from_number(192_687_545_069_338_624);
        assert_eq!(body(None, &Bytes::from(text), about), shown);
        let mut headers = HeaderMap::new();
        headers.insert("x-posthouse-resubmit-of", "192687545069338625".parse().unwrap());
        let of_another = exchange_text("POST / HTTP/1.1", &headers, &Bytes::new(), None);
        assert_eq!(of_another, "POST / HTTP/1.1\r\nx-posthouse-resubmit-of: 192687545069338625\r\n\r\n");
        headers.insert("x-posthouse-resubmit-of", "16175550100".parse().unwrap());
        let of_none = exchange_text("POST / HTTP/1.1", &headers, &Bytes::new(), None);
        assert_eq!(of_none, "POST / HTTP/1.1\r\nx-posthouse-resubmit-of: +1617•••0100\r\n\r\n");
    }

    #[test]
    fn content_is_told_by_type_and_length() {
        let multipart = concat!(
            "--b\r\nContent-Type: text/xml\r\n\r\n<a><VASPID>key</VASPID></a>\r\n",
            "--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nhush\r\n--b--\r\n"
        );
        let shown =
            body(Some("multipart/related; boundary=b; type=\"text/xml\""), &Bytes::from(multipart), None);
        assert_eq!(shown, "<a><VASPID>•••</VASPID></a>\r\n[part 1: text/plain, 4 bytes]");
        assert_eq!(body(Some("image/jpeg"), &Bytes::from("hush"), None), "[4 bytes that are no XML]");
    }

    #[test]
    fn a_head_has_the_names_of_what_may_be_secret() {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, "Basic c2VjcmV0".parse().unwrap());
        headers.insert(header::CONTENT_TYPE, "text/xml".parse().unwrap());
        let shown = exchange_text("POST /mm7/16175550100 HTTP/1.1", &headers, &Bytes::new(), None);
        assert_eq!(
            shown,
            "POST /mm7/+1617•••0100 HTTP/1.1\r\nauthorization: -\r\ncontent-type: text/xml\r\n\r\n"
        );
    }
}
