//! The nodes that serve the store: the one that answers, and whether it takes anything new.

pub(super) mod drain;
pub(super) mod list;
pub(super) mod log_level;

use std::time::Duration;

use posthouse_api::NodeView;

use super::AdminState;

/// What the node that answers is called in paths.
pub(super) const SELF: &str = "self";

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// The node that answers.
fn this(state: &AdminState) -> NodeView {
    NodeView {
        node: SELF.to_owned(),
        number: state.node.number(),
        epoch: state.node.epoch(),
        address: state.node.address().to_owned(),
        beat_age_ms: milliseconds(state.node.heard()),
        alive: state.node.is_heard(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: Some(std::process::id()),
        revision: state.snapshot.get().revision(),
        draining: state.drain.is_draining(),
        stopping: state.drain.is_stopping(),
    }
}
