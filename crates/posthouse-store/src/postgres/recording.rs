//! What ended is noted in its own transaction, for the CDR file that is written from it later.

use std::sync::atomic::Ordering;

use jiff::Timestamp;
use posthouse_core::Id;

use super::{batch::BatchTx, statements, value::values};

/// Notes that something ended, where records are kept.
pub(super) fn note(tx: &BatchTx, id: Id, at: Timestamp) {
    let keeping = &tx.ids().records;
    if keeping.is_on.load(Ordering::Relaxed) {
        let node = keeping.node.load(Ordering::Relaxed);
        tx.write(&statements::INSERT_CDR_PENDING, values![id, node, at]);
    }
}
