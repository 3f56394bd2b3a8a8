//! Where a request of HTTP/1 begins and ends (RFC 9112), for a door and for a file alike: head by head, body by body.
//!
//! A head is found by [`HeadEnd`], its folded lines are joined by [`unfold`], and [`judge`] says how long its body is, or what is
//! wrong with it. [`Chunks`] counts a chunked body. What is taken here, any strict reader of HTTP takes for the same requests; what
//! readers may understand differently is refused.

mod chunks;
mod head;

pub use chunks::{BadChunk, Chunks, Taken};
pub use head::{
    BodyLength, HeadEnd, HeadFault, HeadFaultKind, Judged, LengthFault, MAX_HEADER_LINES, RequestLine,
    first_fault, judge, request_line, unfold,
};

/// Whether a Content-Encoding leaves the body as it is: there is no coding in it but `identity`.
pub fn is_identity(content_encoding: &str) -> bool {
    let mut codings = content_encoding.split(',').map(str::trim).filter(|coding| !coding.is_empty());
    codings.all(|coding| coding.eq_ignore_ascii_case("identity"))
}
