//! What carriers posted and could not be read.

pub mod get;
pub mod list;
mod views;

pub use views::escaped;
