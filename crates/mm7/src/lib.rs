//! MM7 (3GPP TS 23.140 clause 8.7): the messages between a VASP and an MMS Relay/Server, as bytes and as values.
//!
//! [`decode`] reads a SOAP envelope leniently and tells everything that is wrong with it; [`encode`] writes the one
//! canonical form. Which faults a peer is refused for, and how, is its [`Dialect`]'s choice.
//!
//! Nothing here does I/O, reads a clock, panics, or allocates by what a length field says.

/// The examples of README.md, which run as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub mod dialect;
pub mod error;
pub mod http1;
pub mod limits;
pub mod lint;
pub mod message;
pub mod mime;
mod namespace;
pub mod smil;
pub mod sniff;
pub mod soap;
pub mod status;
pub mod text;
pub mod time;
pub mod types;
mod xml;

pub use dialect::Dialect;
pub use error::{DecodeError, Rule};
pub use limits::Limits;
pub use message::Message;
pub use namespace::{Namespace, SeenNamespace};
pub use soap::{Decoded, Framing, decode, encode};
pub use status::{MmStatus, StatusCode};
pub use time::{Period, When};
pub use types::{Address, MessageId, TransactionId, ValueError, VasId, VaspId, Version};
