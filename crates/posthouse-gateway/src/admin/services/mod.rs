//! Services of all accounts.

pub mod list;
