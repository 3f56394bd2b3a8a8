//! Services of all accounts.

pub mod add_sender;
pub mod list;
pub mod remove_sender;
