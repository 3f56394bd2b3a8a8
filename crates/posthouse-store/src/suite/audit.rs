//! Who changed what.

use posthouse_core::{
    actor::{Actor, Credential, Role},
    audit::{AuditEntry, AuditFilter, AuditRecord, AuditVerb},
    life::intervention::{FailedFilter, Intervention},
    provisioning::Change,
    store::{CallbackOutcome, StoreError},
};

use super::{
    Backend,
    bed::{Bed, ME, at},
};

fn ann() -> Actor {
    let ann = Actor::new("ann", Role::Support, Credential::Token("7f".into()));
    ann.with_address([10, 0, 0, 1].into()).because("INC-7")
}

async fn all(bed: &Bed) -> Vec<AuditRecord> {
    bed.audit(&AuditFilter::default(), 100).await.unwrap()
}

/// What was done to what, and what it was before and after; the newest first.
async fn told(bed: &Bed) -> Vec<String> {
    let shown = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let told = all(bed).await.into_iter().map(|AuditRecord { entry, .. }| {
        format!(
            "{} {} {}: {} -> {}",
            entry.actor,
            entry.verb,
            entry.target,
            shown(entry.before),
            shown(entry.after)
        )
    });
    told.collect()
}

/// All of it reads back.
pub async fn a_change_says_who_made_it(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.parked(0).await;
    bed.intervene(&[id], Intervention::Expire, &ann(), at(10)).await.unwrap();
    let rows = all(&bed).await;
    let [row] = rows.as_slice() else { panic!("{rows:?}") };
    let expected = AuditEntry {
        at: at(10),
        actor: "ann".into(),
        role: "support".into(),
        credential: "token:7f".into(),
        address: Some("10.0.0.1".into()),
        verb: "expire".into(),
        target: format!("message {id}"),
        before: Some("Parked".into()),
        after: Some("Expired".into()),
        reason: Some("INC-7".into()),
    };
    assert_eq!(row.entry, expected);
}

/// Each with its row; what was not done has none.
pub async fn each_change_has_its_row(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let (forwarded, by) = (bed.forwarded("c-1", 0).await, ann());
    let requeue = Intervention::Requeue { parked: true };
    bed.intervene(&[forwarded], requeue, &by, at(1)).await.unwrap();
    bed.judge(&[forwarded], requeue, at(1)).await.unwrap();
    assert_eq!(bed.resend(&[forwarded], &by, at(1)).await, Ok(vec![]));
    assert_eq!(bed.change(&[], None, &by, at(1)).await, Ok(0));
    let lookup = [Change::SetLookup(None)];
    let moved = bed.change(&lookup, Some(7), &by, at(1)).await;
    assert_eq!(moved, Err(StoreError::RevisionMoved { expected: 7, found: 0 }));
    assert_eq!(told(&bed).await, [""; 0], "nothing was changed");

    for callback in bed.callbacks(2).await {
        let failed = CallbackOutcome::Failed { said: "HTTP 500".into() };
        bed.settle_callback(callback.id, ME, failed, at(2)).await.unwrap();
    }
    let failed = bed.failed_callbacks(&FailedFilter::default(), 10).await.unwrap();
    assert_eq!(bed.resend(&[failed[0].id], &by, at(3)).await.unwrap().len(), 1);
    assert_eq!(bed.change(&lookup, Some(0), &by, at(4)).await, Ok(1));
    bed.confirm_clock(&by, at(5)).await.unwrap();
    bed.record_audit(&AuditEntry::new(&by, AuditVerb::Reveal, "messages", at(6))).await.unwrap();
    let expected = [
        "ann reveal messages: - -> -".to_owned(),
        format!("ann confirm-clock clock: - -> {}", at(5)),
        "ann apply lookup: revision 0 -> revision 1: put lookup".to_owned(),
        format!("ann resend-reports message {forwarded}: failed -> owed"),
    ];
    assert_eq!(told(&bed).await, expected);
}

/// Each by itself; pages go by key.
pub async fn every_filter_of_the_audit_filters(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let bob = Actor::new("bob", Role::Admin, Credential::Run);
    for (by, verb, target, second) in [
        (ann(), AuditVerb::Reveal, "messages", 1),
        (bob.clone(), AuditVerb::Reveal, "message 7", 2),
        (bob, AuditVerb::Requeue, "message 7", 3),
    ] {
        bed.record_audit(&AuditEntry::new(&by, verb, target, at(second))).await.unwrap();
    }
    let any = AuditFilter::default();
    let text = |text: &str| Some(text.to_owned());
    for (filter, expected) in [
        (any.clone(), vec![3, 2, 1]),
        (AuditFilter { since: Some(at(2)), ..any.clone() }, vec![3, 2]),
        (AuditFilter { before: Some(at(2)), ..any.clone() }, vec![1]),
        (AuditFilter { actor: text("bob"), ..any.clone() }, vec![3, 2]),
        (AuditFilter { verb: text("reveal"), ..any.clone() }, vec![2, 1]),
        (AuditFilter { target: text("message 7"), ..any.clone() }, vec![3, 2]),
        (AuditFilter { actor: text("nobody"), ..any.clone() }, vec![]),
    ] {
        let found = bed.audit(&filter, 10).await.unwrap();
        let times: Vec<_> = found.iter().map(|one| one.entry.at).collect();
        assert_eq!(times, expected.into_iter().map(at).collect::<Vec<_>>(), "{filter:?}");
    }
    let page = bed.audit(&any, 2).await.unwrap();
    let next = AuditFilter { below: page.last().map(|one| one.number), ..any };
    assert_eq!(bed.audit(&next, 2).await.unwrap()[0].entry.at, at(1));
}

/// The oldest first, and no more than is asked for.
pub async fn old_rows_of_the_audit_go(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    for second in 1..=5 {
        let entry = AuditEntry::new(&ann(), AuditVerb::Reveal, "messages", at(second));
        bed.record_audit(&entry).await.unwrap();
    }
    assert_eq!(bed.sweep_audit(at(1), 10).await, Ok(0));
    assert_eq!(bed.sweep_audit(at(5), 3).await, Ok(3));
    let left: Vec<_> = all(&bed).await.iter().map(|one| one.entry.at).collect();
    assert_eq!(left, [at(5), at(4)]);
    assert_eq!(bed.sweep_audit(at(5), 3).await, Ok(1));
}
