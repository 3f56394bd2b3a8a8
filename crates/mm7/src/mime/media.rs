//! Content, decoded.

use bytes::Bytes;

use super::content_type::ContentType;

/// Content-ID of the payload part that [`pack`](super::pack) writes, unless the payload is one media with an id of its own.
pub(super) const CONTENT_ID: &str = "mm7-content";

/// One piece of content, decoded: what goes from the one side of a gateway to the other. Its type is no multipart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media {
    /// Content-Type with its parameters.
    pub content_type: ContentType,
    /// Content-ID, without angle brackets.
    pub content_id: Option<String>,
    /// Content-Location.
    pub content_location: Option<String>,
    /// The file name.
    pub name: Option<String>,
    /// The content itself.
    pub bytes: Bytes,
}
