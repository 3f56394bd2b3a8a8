//! The blacklist.

pub mod get;
