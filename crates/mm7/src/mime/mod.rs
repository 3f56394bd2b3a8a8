//! MIME as MM7 uses it (TS 23.140 clause 8.7.8.3): `multipart/related` with the SOAP envelope as its root part and the
//! content beside it.
//!
//! Reading ([`unpack`]) takes what real peers send and says what is wrong with it; nothing of a part is copied
//! before it is decoded. Writing ([`pack`]) knows one canonical form.

mod content_type;
mod encoding;
mod headers;
mod ids;
mod media;
mod multipart;
mod package;
mod writer;

pub use content_type::ContentType;
pub(crate) use ids::{bare_id, cid, identifies, names, without_scheme};
pub use media::Media;
pub use package::{Package, Part, PartBody, unpack};
pub use writer::{CONTENT_HREF, Inner, Packed, content_href, pack};
