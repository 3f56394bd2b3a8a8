//! Whose a number is.

pub mod get;
