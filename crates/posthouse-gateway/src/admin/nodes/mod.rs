//! The nodes that serve the store: the one that answers, and whether it takes anything new.

pub(super) mod drain;
pub(super) mod list;

use posthouse_api::NodeView;

use super::AdminState;

/// What the node that answers is called in paths.
pub(super) const SELF: &str = "self";

/// The node that answers.
fn this(state: &AdminState) -> NodeView {
    NodeView {
        node: SELF.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        revision: state.snapshot.get().revision(),
        draining: state.drain.is_draining(),
        stopping: state.drain.is_stopping(),
    }
}
