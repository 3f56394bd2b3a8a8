//! How operations are shown.

use posthouse_api::OperationView;
use posthouse_core::operation::BulkOperation;

/// An operation.
pub(super) fn operation(operation: &BulkOperation) -> OperationView {
    let spec = &operation.spec;
    OperationView {
        operation_id: operation.number.to_string(),
        dry_run: false,
        verb: spec.verb.to_string(),
        state: operation.state.to_string(),
        by: operation.by.clone(),
        reason: operation.reason.clone(),
        created_at: operation.created_at,
        filter: serde_json::from_str(&spec.selection).ok().filter(|_| spec.ids.is_empty()),
        named: spec.ids.len(),
        via: spec.via.clone(),
        carrier: spec.carrier.as_ref().map(|carrier| carrier.0.clone()),
        parked: spec.parked,
        reports: spec.reports,
        count: operation.count,
        judged: operation.judged,
        first: operation.first.iter().map(ToString::to_string).collect(),
        would_leave_alone: operation.would_leave_alone.clone(),
        started_at: operation.started_at,
        ended_at: operation.ended_at,
        looked_at: operation.looked_at,
        done: operation.done,
        left_alone: operation.left_alone.clone(),
    }
}
