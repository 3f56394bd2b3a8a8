//! The life of a message, from its acceptance to its last callback: the rules that every store asks.

pub mod classify;
pub mod intervention;
pub mod read_reply;
pub mod retry;
pub mod state;
