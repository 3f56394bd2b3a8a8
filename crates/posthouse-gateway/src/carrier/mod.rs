//! The carriers' side: the MM7 client that submits to a connection, and the door where carriers post reports.

pub mod connector;
pub mod door;
pub mod links;
mod mo;
pub mod open;
mod read_reply;
