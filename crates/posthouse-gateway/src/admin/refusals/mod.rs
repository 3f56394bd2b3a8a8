//! Requests of VASPs that were refused.

pub mod get;
pub mod list;
pub mod views;
