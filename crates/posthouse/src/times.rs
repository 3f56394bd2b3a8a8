//! Times, as arguments and as commands print them.

use std::time::Duration;

use jiff::Timestamp;

/// A time as an argument: `250ms`, `10s`, `5m`, `72h`.
///
/// # Errors
/// A sentence that says what a time looks like.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    posthouse_core::duration::parse(text)
        .ok_or_else(|| format!("{text:?} is no time; write it like \"250ms\", \"10s\", \"5m\" or \"72h\""))
}

/// A point in time, to the second.
pub(crate) fn seconds(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}
