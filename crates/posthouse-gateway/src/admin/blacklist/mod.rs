//! The blacklist.

pub mod add;
pub mod get;
pub mod remove;
