//! `[retention]`: how long things are kept.

use std::time::Duration;

use posthouse_core::{duration, provisioning::reading::Table};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// `[retention]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetentionSection {
    /// How long media of messages that have ended are kept.
    pub media: Duration,
    /// How long messages that have ended are kept.
    pub messages: Duration,
    /// How long it is kept who changed what.
    pub audit: Duration,
}

impl Default for RetentionSection {
    fn default() -> Self {
        Self { media: 7 * DAY, messages: 90 * DAY, audit: 400 * DAY }
    }
}

impl RetentionSection {
    /// Reads the section.
    pub(super) fn read(mut table: Table<'_>) -> Self {
        let default = Self::default();
        Self {
            media: table.duration("media").unwrap_or(default.media),
            messages: table.duration("messages").unwrap_or(default.messages),
            audit: table.duration("audit").unwrap_or(default.audit),
        }
    }

    /// The section as a file has it, with comments.
    pub(super) fn print(&self) -> String {
        format!(
            "[retention]
# How long media, and messages, are kept after a message has ended.
media = \"{}\"
messages = \"{}\"
# How long it is kept who changed what; of more than a million changes the oldest go.
audit = \"{}\"
",
            duration::show(self.media),
            duration::show(self.messages),
            duration::show(self.audit),
        )
    }
}
