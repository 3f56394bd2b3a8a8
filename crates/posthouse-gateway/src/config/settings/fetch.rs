//! `[fetch]`: content that a SubmitReq names by URL.

use std::time::Duration;

use ipnet::IpNet;
use posthouse_core::{
    duration,
    provisioning::{MOST_BYTES, reading::Table},
};

use super::{networks, quote_list};

/// `[fetch]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchSection {
    /// How long fetching the content of one message may take.
    pub timeout: Duration,
    /// The longest content of one URL, in bytes.
    pub max_bytes: u64,
    /// Private networks that content URLs may resolve to all the same.
    pub allow_private: Vec<IpNet>,
}

impl Default for FetchSection {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(10), max_bytes: 5 * 1024 * 1024, allow_private: Vec::new() }
    }
}

impl FetchSection {
    /// Reads the section.
    pub(super) fn read(mut table: Table<'_>) -> Self {
        let default = Self::default();
        Self {
            timeout: table.duration("timeout").unwrap_or(default.timeout),
            max_bytes: table.number("max_bytes", 1..=MOST_BYTES).unwrap_or(default.max_bytes),
            allow_private: networks(&mut table, "allow_private"),
        }
    }

    /// The section as a file has it, with comments.
    pub(super) fn print(&self) -> String {
        let Self { timeout, max_bytes, allow_private } = self;
        format!(
            "[fetch]
# Content that a SubmitReq names by URL: how long fetching it may take for one message, and how long one of it may be.
timeout = \"{}\"
max_bytes = {max_bytes}
# Private networks that such URLs may lead to, such as [\"10.1.0.0/16\"]; all others are refused.
allow_private = {}
",
            duration::show(*timeout),
            quote_list(allow_private),
        )
    }
}
