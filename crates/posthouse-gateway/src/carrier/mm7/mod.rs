//! MM7 with carriers: the client that submits to a connection, and the door where they post reports, read replies and messages
//! from handsets.

pub mod connector;
pub mod door;
mod mo;
mod read_reply;
mod refusal;
mod report;
mod words;
