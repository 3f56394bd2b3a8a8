//! Ranges and the blacklist as lists in CSV.

pub mod export;
pub mod import;

/// The media type of a list.
pub(super) const CSV: &str = "text/csv";
