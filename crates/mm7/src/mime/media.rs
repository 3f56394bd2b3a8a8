//! Content, decoded.

use bytes::Bytes;

use super::content_type::ContentType;
use crate::xml::charset;

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

impl Media {
    /// The text that the content is, in the charset that it has or says it has, as far as that goes: what cannot be told is replaced.
    ///
    /// ```
    /// use mm7::mime::{ContentType, Media};
    /// let text = Media {
    ///     content_type: ContentType::new("text/plain").with_param("charset", "iso-8859-1"),
    ///     content_id: None,
    ///     content_location: None,
    ///     name: None,
    ///     bytes: b"gr\xfc\xdf dich"[..].into(),
    /// };
    /// assert_eq!(text.text(), "gr\u{fc}\u{df} dich");
    /// ```
    pub fn text(&self) -> String {
        charset::as_far_as_it_goes(&self.bytes, self.content_type.param("charset"))
    }
}
