//! What is written round a message.

use super::decoded::Decoded;
use crate::namespace::{Namespace, SeenNamespace};
use crate::types::{TransactionId, Version};

/// The longest name of a namespace that is given back, in bytes.
const MAX_ECHOED: usize = 256;

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
