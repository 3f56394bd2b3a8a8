//! MM7 (3GPP TS 23.140 clause 8.7): the messages between a VASP and an MMS Relay/Server, as bytes and as values.

pub mod error;
pub mod status;
pub mod types;

pub use error::{DecodeError, Rule};
pub use status::{MmStatus, StatusCode};
pub use types::{Address, MessageId, TransactionId, ValueError, VasId, VaspId, Version};
