//! SOAP 1.1 envelopes: bytes ↔ [`Message`](crate::Message).

mod broken;
mod decoded;
mod encode;
mod framing;
mod guess;
mod reader;
mod schema;

pub use crate::namespace::{Namespace, SeenNamespace};
pub use broken::framing_of_broken;
pub use decoded::Decoded;
pub use encode::encode;
pub use framing::Framing;
pub use reader::{decode, decode_forgiving};
