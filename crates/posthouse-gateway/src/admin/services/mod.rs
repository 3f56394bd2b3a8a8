//! Services of all accounts.

pub mod add_sender;
pub(super) mod edit;
pub mod list;
pub mod remove_sender;
