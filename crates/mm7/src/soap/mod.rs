//! SOAP 1.1 envelopes: bytes ↔ [`Message`].

mod broken;
pub(crate) mod characters;
pub(crate) mod charset;
pub(crate) mod fields;
mod guess;
mod mend;
mod namespace;
mod reader;
mod scan;
mod schema;
pub(crate) mod writer;
pub(crate) mod xml;

use crate::error::DecodeError;
use crate::message::Message;
use crate::types::{TransactionId, VaspId, Version};

pub use broken::framing_of_broken;
pub use namespace::{Namespace, SeenNamespace};
pub use reader::{decode, decode_forgiving};
pub use writer::encode;

/// The longest name of a namespace that is given back, in bytes.
const MAX_ECHOED: usize = 256;

/// What an envelope says, and everything that is wrong with it.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded {
    /// TransactionID, whenever it can be read, whatever else is wrong.
    pub transaction_id: Option<TransactionId>,
    /// The namespace of the operation, of a Fault's detail, or of the TransactionID: the first of them that is in one.
    pub namespace: SeenNamespace,
    /// MM7Version when it is of the form `x.y.z`.
    pub version: Option<Version>,
    /// The local name of the element in the Body as it came, cut at 64 bytes. Where it was guessed what is meant
    /// ([`decode_forgiving`]), `message` is another.
    pub operation: Option<String>,
    /// Where the operation begins: a byte offset in what came; the start of the envelope when there is none.
    pub operation_offset: usize,
    /// Where MM7Version begins: a byte offset in what came; the start of the envelope when there is none.
    pub version_offset: usize,
    /// SenderIdentification/VASPID of any operation, known or not: whose dialect a refusal is written in.
    pub vaspid: Option<VaspId>,
    /// The message, read by local name, in any order, whatever the namespace. Absent only when there is no operation
    /// or it is none of MM7's.
    pub message: Option<Message>,
    /// Everything found, also what lenient dialects tolerate, in the order of the document.
    pub errors: Vec<DecodeError>,
}

/// What is written round a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Framing {
    /// The namespace to write in: one that exists, or an invented one given back as it came. Anything else is
    /// written as [`Namespace::LATEST`].
    pub namespace: SeenNamespace,
    /// MM7Version, written as it is.
    pub version: Version,
    /// TransactionID; without one the Header is empty.
    pub transaction_id: Option<TransactionId>,
    /// Whether the TransactionID is marked mustUnderstand (TS 23.140 clause 8.7.8.1). SOAP stacks that know nothing of MM7
    /// refuse what is.
    pub must_understand: bool,
}

impl Framing {
    /// In a namespace that exists, with a version that its schema lists (else the namespace's default).
    pub fn new(namespace: Namespace, version: Version, transaction_id: Option<TransactionId>) -> Self {
        let version = namespace.version_for(version);
        Self { namespace: SeenNamespace::Known(namespace), version, transaction_id, must_understand: true }
    }

    /// As the peer wrote: its TransactionID, its namespace and version. What cannot be answered in becomes
    /// REL-6-MM7-1-4, and a version that the namespace's schema does not list becomes the namespace's default.
    pub fn answering(decoded: &Decoded) -> Self {
        let transaction_id = decoded.transaction_id.clone();
        match &decoded.namespace {
            SeenNamespace::Invented(uri) => Self {
                namespace: SeenNamespace::Invented(uri.clone()),
                version: decoded.version.unwrap_or(Version::V6_8_0),
                transaction_id,
                must_understand: true,
            },
            SeenNamespace::Known(namespace) => {
                let version = decoded.version.unwrap_or_else(|| namespace.default_version());
                Self::new(*namespace, version, transaction_id)
            }
            SeenNamespace::Foreign(_) | SeenNamespace::Absent => {
                Self::new(Namespace::LATEST, decoded.version.unwrap_or(Version::V6_8_0), transaction_id)
            }
        }
    }

    /// As [`Framing::answering`], and in a namespace of the peer's own where it has one: for a peer that is taken in any form, and
    /// may look for nothing but its own names.
    pub fn echoing(decoded: &Decoded) -> Self {
        let answering = Self::answering(decoded);
        match &decoded.namespace {
            SeenNamespace::Foreign(uri) if uri.len() <= MAX_ECHOED => {
                let default =
                    if decoded.namespace.release() == 5 { Version::V5_3_0 } else { Version::V6_8_0 };
                let version = decoded.version.unwrap_or(default);
                Self { namespace: SeenNamespace::Invented(uri.clone()), version, ..answering }
            }
            _ => answering,
        }
    }
}
