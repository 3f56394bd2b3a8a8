//! A SubmitReq, written of what a form says.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use mm7::{
    Address, Framing, Message, Namespace, Period, TransactionId, VasId, VaspId, Version, When,
    message::{Content, Priority, Recipient, SenderIdentification, SubmitReq},
    mime::{ContentType, Inner, Media, content_href, pack},
    smil,
};
use posthouse_api::{ProblemCode, ProblemDetails, ProblemError, SubmissionPart, SubmissionRequest};

use super::shell;
use crate::random;

/// What stands for the VASPID, of which the gateway keeps a hash.
pub(super) const VASPID: &str = "YOUR-VASPID";
/// A picture of 160 by 120, for callers that have none at hand.
const SAMPLE: &[u8] = include_bytes!("sample.png");
/// The most recipients and parts that are written.
const MOST: usize = 20;
/// The longest request that is shown as commands, in bytes.
const LONGEST_CURL: usize = 128 << 10;

/// A request that was written.
pub(super) struct WrittenRequest {
    /// Its TransactionID.
    pub transaction_id: String,
    /// The address that it is posted to.
    pub uri: Uri,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
    /// The same as commands of a shell, where they are not too long.
    pub curl: Option<String>,
    /// The bytes of the body, piece by piece, each with what it is where it is no text.
    pieces: Vec<Piece>,
}

/// A piece of a body.
pub(super) struct Piece {
    /// Its bytes.
    pub bytes: Bytes,
    /// The media type of what is no text.
    pub binary: Option<String>,
}

/// Writes the request.
///
/// # Errors
/// Every value that can stand in no SubmitReq, with its place.
pub(super) fn write(
    asked: &SubmissionRequest,
    username: Option<&str>,
    carrier_id_header: &str,
    url: &str,
) -> Result<WrittenRequest, ProblemDetails> {
    let mut faults = Vec::new();
    let media = media(asked, &mut faults);
    let request = submit_req(asked, &media, &mut faults);
    let transaction_id = transaction_id(asked, &mut faults);
    let carrier_id = carrier_id(asked, carrier_id_header, &mut faults);
    if !faults.is_empty() {
        return Err(ProblemDetails::new(ProblemCode::InvalidParameter).with_errors(faults));
    }
    let transaction_id = transaction_id?;
    let text = transaction_id.as_str().to_owned();
    let framing = Framing::new(Namespace::LATEST, Version::V6_8_0, Some(transaction_id));
    let packed = pack(mm7::encode(&Message::SubmitReq(request), &framing), &media, Inner::Related);
    let pieces = pieces(&packed.chunks, &media);
    let uri: Uri = url.parse().map_err(|_| ProblemDetails::new(ProblemCode::Internal))?;
    let content_type = packed.content_type.clone();
    let body = joined(packed.chunks);
    let headers = headers(&uri, &content_type, body.len(), carrier_id);
    let curl = (body.len() <= LONGEST_CURL).then(|| shell::curl(&uri, &headers, &pieces, username));
    Ok(WrittenRequest { transaction_id: text, uri, headers, body, curl, pieces })
}

impl WrittenRequest {
    fn head(&self) -> String {
        let path = self.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        let mut head = format!("POST {path} HTTP/1.1\r\n");
        for (name, value) in &self.headers {
            head.push_str(&format!("{}: {}\r\n", written(name), String::from_utf8_lossy(value.as_bytes())));
        }
        head.push_str("\r\n");
        head
    }

    /// All of it, head and body.
    pub fn file(&self) -> Bytes {
        joined(vec![self.head().into(), self.body.clone()])
    }

    /// The same to be read: a line stands for what is no text.
    pub fn shown(&self) -> String {
        let mut shown = self.head();
        for piece in &self.pieces {
            match &piece.binary {
                Some(media_type) => {
                    shown.push_str(&format!("[{} bytes of {media_type}]", piece.bytes.len()));
                }
                None => shown.push_str(&String::from_utf8_lossy(&piece.bytes)),
            }
        }
        shown
    }
}

/// The name of a header as it is usually written.
pub(super) fn written(name: &HeaderName) -> String {
    let word = |word: &str| match word.split_at_checked(1) {
        Some((first, rest)) => format!("{}{rest}", first.to_ascii_uppercase()),
        None => word.to_owned(),
    };
    match name.as_str() {
        "soapaction" => "SOAPAction".to_owned(),
        other => other.split('-').map(word).collect::<Vec<_>>().join("-"),
    }
}

fn joined(chunks: Vec<Bytes>) -> Bytes {
    let mut whole = BytesMut::with_capacity(chunks.iter().map(Bytes::len).sum());
    chunks.iter().for_each(|chunk| whole.extend_from_slice(chunk));
    whole.freeze()
}

/// The pieces of a body: what is a media of no text stands alone.
fn pieces(chunks: &[Bytes], media: &[Media]) -> Vec<Piece> {
    let is_of = |chunk: &Bytes, media: &&Media| {
        media.bytes.as_ptr() == chunk.as_ptr() && media.bytes.len() == chunk.len()
    };
    let binary = |chunk: &Bytes| {
        let of = media.iter().find(|media| is_of(chunk, media))?;
        let is_text = of.content_type.is_smil() || std::str::from_utf8(chunk).is_ok();
        (!is_text).then(|| of.content_type.essence().to_owned())
    };
    chunks.iter().map(|chunk| Piece { bytes: chunk.clone(), binary: binary(chunk) }).collect()
}

fn headers(
    uri: &Uri,
    content_type: &str,
    length: usize,
    carrier: Option<(HeaderName, HeaderValue)>,
) -> HeaderMap {
    let value = |text: &str| HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""));
    let host = uri.authority().map(ToString::to_string).unwrap_or_default();
    let mut headers = HeaderMap::new();
    headers.insert(header::HOST, value(&host));
    headers.insert(header::CONTENT_TYPE, value(content_type));
    headers.insert(header::CONTENT_LENGTH, length.into());
    headers.insert(HeaderName::from_static("soapaction"), HeaderValue::from_static("\"\""));
    headers.extend(carrier);
    headers
}

fn wrong(pointer: &str, detail: impl Into<String>, remedy: &str) -> ProblemError {
    ProblemError::at_pointer(pointer, detail).with_remedy(remedy)
}

/// What is filled in: an empty field of a form is none.
fn filled(value: Option<&String>) -> Option<&str> {
    value.map(String::as_str).filter(|value| !value.is_empty())
}

fn transaction_id(
    asked: &SubmissionRequest,
    faults: &mut Vec<ProblemError>,
) -> Result<TransactionId, ProblemDetails> {
    let internal = || ProblemDetails::new(ProblemCode::Internal);
    if let Some(given) = filled(asked.transaction_id.as_ref()) {
        match TransactionId::new(given) {
            Ok(id) => return Ok(id),
            Err(error) => faults.push(wrong("/transaction_id", error.to_string(), "write up to 512 bytes")),
        }
    }
    let bytes: [u8; 8] = random::bytes().map_err(|error| {
        tracing::error!(%error, "the system gives no random bytes");
        internal()
    })?;
    // In groups of four: a longer run of digits would pass for a number, and be masked in the audit.
    let (groups, _) = bytes.as_chunks();
    let text: String = groups.iter().map(|group| format!("-{:04x}", u16::from_be_bytes(*group))).collect();
    TransactionId::new(&format!("try{text}")).map_err(|_| internal())
}

fn carrier_id(
    asked: &SubmissionRequest,
    name: &str,
    faults: &mut Vec<ProblemError>,
) -> Option<(HeaderName, HeaderValue)> {
    let value = filled(asked.carrier_id.as_ref())?;
    let header = HeaderName::try_from(name).ok().zip(HeaderValue::try_from(value).ok());
    if header.is_none() {
        faults.push(wrong("/carrier_id", "it can stand in no header", "write a carrier's id"));
    }
    header
}

fn submit_req(asked: &SubmissionRequest, media: &[Media], faults: &mut Vec<ProblemError>) -> SubmitReq {
    let vasid = filled(asked.vasid.as_ref()).and_then(|vasid| match VasId::new(vasid) {
        Ok(vasid) => Some(vasid),
        Err(error) => {
            faults.push(wrong("/vasid", error.to_string(), "write up to 512 bytes"));
            None
        }
    });
    let priority = filled(asked.priority.as_ref()).and_then(|text| {
        let read = Priority::from_wire(text);
        if read.is_none() {
            faults.push(wrong("/priority", format!("{text:?} is none"), "write Low, Normal or High"));
        }
        read
    });
    let to: Vec<_> = asked.to.iter().filter(|to| !to.is_empty()).collect();
    if to.len() > MOST {
        faults.push(wrong("/to", format!("there are more than {MOST}"), "write fewer"));
    }
    SubmitReq {
        sender: SenderIdentification {
            vaspid: VaspId::new(VASPID).ok(),
            vasid,
            address: filled(asked.from.as_ref()).map(address),
            ..SenderIdentification::default()
        },
        recipients: to.into_iter().take(MOST).map(|to| Recipient::to(Address::Number(to.clone()))).collect(),
        service_code: filled(asked.service_code.as_ref()).map(str::to_owned),
        expiry_date: expiry(asked, faults),
        delivery_report: asked.delivery_report,
        read_reply: asked.read_reply,
        priority,
        subject: filled(asked.subject.as_ref()).map(str::to_owned),
        content: content_href(media).map(|href| Content { href: Some(href), allow_adaptations: None }),
        ..SubmitReq::default()
    }
}

fn expiry(asked: &SubmissionRequest, faults: &mut Vec<ProblemError>) -> Option<When> {
    let text = filled(asked.expiry.as_ref())?;
    let read = Period::parse(text).map(When::After).ok().or_else(|| text.parse().map(When::At).ok());
    if read.is_none() {
        let remedy = "write a time (2026-12-24T18:00:00Z) or how long (P2D, PT30M)";
        faults.push(wrong("/expiry", format!("{text:?} is neither"), remedy));
    }
    read
}

/// The form of an address: what has an `@` is a mail address, what is shorter than any international number a short code.
fn address(text: &str) -> Address {
    if text.contains('@') {
        Address::Rfc2822Address(text.to_owned())
    } else if text.trim_start_matches('+').len() < 7 {
        Address::ShortCode(text.to_owned())
    } else {
        Address::Number(text.to_owned())
    }
}

/// The parts, with a presentation before them where they are several and none of them is one.
fn media(asked: &SubmissionRequest, faults: &mut Vec<ProblemError>) -> Vec<Media> {
    if asked.parts.len() > MOST {
        faults.push(wrong("/parts", format!("there are more than {MOST}"), "send fewer"));
        return Vec::new();
    }
    let mut parts = Vec::new();
    if asked.sample {
        parts.push(named("sample.png", ContentType::new("image/png"), SAMPLE));
    }
    for (number, part) in asked.parts.iter().enumerate() {
        match file(part, parts.len()) {
            Ok(part) => parts.push(part),
            Err((member, detail, remedy)) => {
                faults.push(wrong(&format!("/parts/{number}/{member}"), detail, remedy));
            }
        }
    }
    if let Some(text) = filled(asked.text.as_ref()) {
        let content_type = ContentType::new("text/plain").with_param("charset", "utf-8");
        parts.push(named("text.txt", content_type, text.to_owned()));
    }
    if parts.is_empty() || parts.iter().any(|part| part.content_type.is_smil()) {
        return parts;
    }
    let presentation = smil::generate(&parts);
    parts.insert(0, named("mms.smil", ContentType::new("application/smil"), presentation));
    parts
}

fn named(name: &str, content_type: ContentType, bytes: impl Into<Bytes>) -> Media {
    Media {
        content_type,
        content_id: Some(name.to_owned()),
        content_location: None,
        name: Some(name.to_owned()),
        bytes: bytes.into(),
    }
}

/// A member of a part that is wrong, why, and what to do.
type PartFault = (&'static str, String, &'static str);

fn file(part: &SubmissionPart, number: usize) -> Result<Media, PartFault> {
    let bytes = BASE64_STANDARD.decode(part.data.trim());
    let bytes = bytes.map_err(|error| ("data", error.to_string(), "write the bytes in base64"))?;
    let declared = filled(part.content_type.as_ref()).unwrap_or("application/octet-stream");
    let content_type = ContentType::parse(declared);
    let content_type =
        content_type.map_err(|error| ("content_type", error.to_string(), "write one such as image/jpeg"))?;
    let plain = |char: char| if char.is_ascii_alphanumeric() || "._-".contains(char) { char } else { '_' };
    let name: String = filled(part.name.as_ref()).unwrap_or("file").chars().take(100).map(plain).collect();
    // Two files of one name are told apart.
    let id = if number == 0 { name.clone() } else { format!("{number}-{name}") };
    Ok(Media { content_id: Some(id), ..named(&name, content_type, bytes) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> SubmissionRequest {
        SubmissionRequest {
            vasid: Some("61295".to_owned()),
            from: Some("111122".to_owned()),
            to: vec!["16175550100".to_owned()],
            subject: Some("a < b".to_owned()),
            text: Some("Hello".to_owned()),
            sample: true,
            transaction_id: Some("t-1".to_owned()),
            ..SubmissionRequest::default()
        }
    }

    fn written(asked: &SubmissionRequest) -> Result<WrittenRequest, ProblemDetails> {
        write(asked, None, "X-Carrier", "http://gw.example:8007/mm7/v1")
    }

    #[test]
    fn a_transaction_id_that_is_made_passes_for_no_number() {
        let request = written(&SubmissionRequest { transaction_id: None, ..asked() }).unwrap();
        let id = request.transaction_id.to_string();
        assert!(id.starts_with("try-") && id.len() == "try-9dca-0f73-3044-4434".len(), "{id}");
        assert_eq!(posthouse_core::shown::masked(&id), id);
    }

    #[test]
    fn what_is_filled_in_stands_in_the_request_and_pictures_are_told_of() {
        let request = written(&asked()).unwrap();
        let shown = request.shown();
        for words in [
            "POST /mm7/v1 HTTP/1.1\r\nHost: gw.example:8007\r\n",
            "SOAPAction: \"\"\r\n",
            "<VASPID>YOUR-VASPID</VASPID>",
            "<VASID>61295</VASID>",
            "<ShortCode>111122</ShortCode>",
            "<Subject>a &lt; b</Subject>",
            " bytes of image/png]",
            "Hello",
        ] {
            assert!(shown.contains(words), "{words}: {shown}");
        }
        let missing = SubmissionRequest { from: None, to: Vec::new(), ..asked() };
        let shown = written(&missing).unwrap().shown();
        assert!(!shown.contains("SenderAddress") && !shown.contains("<Recipients>"), "{shown}");
    }

    #[test]
    fn each_mistake_has_its_place() {
        let wrong = SubmissionRequest {
            priority: Some("urgent".to_owned()),
            expiry: Some("tomorrow".to_owned()),
            parts: vec![SubmissionPart { data: "%".to_owned(), ..SubmissionPart::default() }],
            ..asked()
        };
        let places: Vec<_> =
            written(&wrong).err().unwrap().errors.into_iter().filter_map(|error| error.pointer).collect();
        assert_eq!(places, ["/parts/0/data", "/priority", "/expiry"]);
    }
}
