//! What the benchmarks measure: SubmitReq of a given size, how mm7 reads them, and how one would read them without it.

pub mod assembled;

use bytes::Bytes;
use mm7::mime::{self, ContentType, Media};
use mm7::{Decoded, Limits};

/// The sizes of HTTP bodies that are measured, in bytes: a text, a picture, a video.
pub const SIZES: [usize; 3] = [2 * 1024, 100 * 1024, 1024 * 1024];

/// A request as it comes from a VASP.
pub struct Request {
    /// The Content-Type header.
    pub content_type: &'static str,
    /// The body.
    pub body: Bytes,
}

const CONTENT_TYPE: &str =
    "multipart/related; boundary=\"----=_Part_3_15123.1772345\"; type=\"text/xml\"; start=\"<envelope>\"";

const BEFORE_MEDIA: &str = concat!(
    "------=_Part_3_15123.1772345\r\n",
    "Content-Type: text/xml; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\nContent-ID: <envelope>\r\n\r\n",
    include_str!("submit.xml"),
    "\r\n------=_Part_3_15123.1772345\r\n",
    "Content-Type: multipart/related; boundary=\"inner.77\"; type=\"application/smil\"; start=\"<smil>\"\r\n",
    "Content-ID: <content>\r\n\r\n",
    "--inner.77\r\nContent-Type: application/smil\r\nContent-ID: <smil>\r\n\r\n",
    "<smil><body><par dur=\"5s\"><img src=\"cid:quay\"/></par></body></smil>",
    "\r\n--inner.77\r\n",
    "Content-Type: image/jpeg; name=quay.jpg\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <quay>\r\n\r\n",
);
const AFTER_MEDIA: &str = "\r\n--inner.77--\r\n------=_Part_3_15123.1772345--\r\n";

/// A SubmitReq with a picture, of `size` bytes in all. The picture's bytes are as even as those of compressed data.
pub fn request(size: usize) -> Request {
    let mut body = BEFORE_MEDIA.as_bytes().to_vec();
    let picture = size.saturating_sub(body.len() + AFTER_MEDIA.len());
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    body.extend(
        std::iter::repeat_with(|| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[5]
        })
        .take(picture),
    );
    body.extend_from_slice(AFTER_MEDIA.as_bytes());
    Request { content_type: CONTENT_TYPE, body: body.into() }
}

/// Reads a request whole with mm7: parts, envelope, media.
pub fn decode(request: &Request) -> (Decoded, Vec<Media>) {
    let limits = Limits::default();
    let content_type = ContentType::parse(request.content_type).expect("our own");
    let package = mime::unpack(&content_type, request.body.clone(), &limits);
    let root = package.root.as_ref().expect("our own");
    let charset = root.content_type.as_ref().and_then(|content_type| content_type.param("charset"));
    let xml = root.bytes().expect("our own");
    let decoded = mm7::decode(&xml, charset, &limits).expect("our own");
    (decoded, package.media().expect("our own"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_read_the_same() {
        for size in SIZES {
            let request = request(size);
            assert_eq!(request.body.len(), size);
            let (decoded, media) = decode(&request);
            assert_eq!(decoded.errors, []);
            let Some(mm7::Message::SubmitReq(req)) = decoded.message else { panic!("not read") };
            let mail = assembled::mail(&request);
            let other = assembled::decode(&mail);
            assert_eq!(other.text("VASPID"), req.sender.vaspid.as_ref().map(|id| id.as_str()));
            assert_eq!(other.text("Subject"), req.subject.as_deref());
            assert_eq!(other.text("TransactionID"), decoded.transaction_id.as_ref().map(|id| id.as_str()));
            assert_eq!(other.href.as_deref(), req.content.unwrap().href.as_deref());
            let bytes: Vec<_> = media.iter().map(|media| media.bytes.to_vec()).collect();
            assert_eq!(other.media, bytes);
        }
    }
}
