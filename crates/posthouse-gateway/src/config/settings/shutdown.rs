//! `[shutdown]`: how the process ends.

use std::time::Duration;

use posthouse_core::{duration, provisioning::reading::Table};

/// `[shutdown]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShutdownSection {
    /// For how long `/readyz` says 503 while the doors are still open.
    pub grace: Duration,
}

impl Default for ShutdownSection {
    fn default() -> Self {
        Self { grace: Duration::from_secs(5) }
    }
}

impl ShutdownSection {
    /// Reads the section.
    pub(super) fn read(mut table: Table<'_>) -> Self {
        Self { grace: table.duration("grace").unwrap_or(Self::default().grace) }
    }

    /// The section as a file has it, with comments.
    pub(super) fn print(&self) -> String {
        format!(
            "[shutdown]
# After SIGTERM /readyz says 503 for so long before the doors close: longer than a load balancer takes to notice.
grace = \"{}\"
",
            duration::show(self.grace)
        )
    }
}
