//! What an envelope says.

use crate::error::DecodeError;
use crate::message::Message;
use crate::namespace::SeenNamespace;
use crate::types::{TransactionId, VaspId, Version};

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
    /// ([`decode_forgiving`](crate::soap::decode_forgiving)), `message` is another.
    pub operation: Option<String>,
    /// Where the operation begins: a byte offset in what came; the start of the envelope when there is none.
    pub operation_offset: usize,
    /// Where MM7Version begins: a byte offset in what came; the start of the envelope when there is none.
    pub version_offset: usize,
    /// SenderIdentification/VASPID of any operation, known or not: whose dialect a refusal is written in.
    pub vaspid: Option<VaspId>,
    /// The message, read by local name, in any order, whatever the namespace. Absent only when there is no operation
    /// or it is not one of MM7's.
    pub message: Option<Message>,
    /// Everything found, also what lenient dialects tolerate, in the order of the document.
    pub errors: Vec<DecodeError>,
}
