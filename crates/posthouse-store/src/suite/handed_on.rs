//! Callbacks that go to whoever takes them as they become due.

use std::sync::Arc;

use mm7::MmStatus;
use posthouse_core::{
    Id,
    account::AccountName,
    life::read_reply::ReadStatus,
    message::EventKind,
    store::{
        Acceptance, Callback, CallbackBody, CallbackOutcome, HandedOn, Lease, Settled, Settlement, Store,
        StoreError, Take, TakeCallbacks,
    },
};

use super::{
    Backend,
    bed::{Bed, LEASE, ME, OTHER, acme, at, lease, mo, read_reply, report, status, taken},
};

/// I take all, then.
fn i_take(now: i64) -> Take {
    Some(Arc::new(lease(ME, now)))
}

/// Takes nothing.
struct Full;

impl TakeCallbacks for Full {
    fn lease(&self, account: &AccountName) -> Option<Lease> {
        assert_eq!(*account, acme(), "whose it is that is asked for");
        None
    }
}

async fn settle(bed: &Bed, id: Id, settlement: Settlement, now: i64, take: Take) -> HandedOn<Settled> {
    let store: &dyn Store = &**bed;
    store.settle(id, ME, settlement, "so they said", at(now), take).await.unwrap()
}

async fn handed<T: std::fmt::Debug>(handed_on: HandedOn<T>) -> Callback {
    assert!(handed_on.callbacks.len() == 1 && !handed_on.left_due, "{handed_on:?}");
    handed_on.callbacks.into_iter().next().unwrap()
}

/// Under the lease of what takes it, with all that a lease would bring.
pub async fn what_a_settle_owes_goes_to_who_takes_it(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.sending(0).await;
    let forwarded = handed(settle(&bed, id, taken("c-1", 1), 1, i_take(1)).await).await;
    assert_eq!((forwarded.message, status(&forwarded)), (id, MmStatus::Forwarded));
    assert_eq!((forwarded.at, forwarded.attempts, forwarded.lease), (at(1), 0, lease(ME, 1)));
    assert_eq!(bed.callbacks(2).await, [], "nobody else gets it");
    bed.delivered(&forwarded, 2).await;
    assert_eq!(bed.callbacks(10 * LEASE).await, []);
    assert_eq!(bed.events(id).await.last(), Some(&(EventKind::Reported, "Forwarded".into())));
}

/// The same callback, whichever way it comes, and whatever it carries.
pub async fn what_is_taken_is_as_if_it_had_been_leased(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let refused = Settlement::Refused {
        terminal: posthouse_core::life::state::Terminal::Rejected,
        reason: mm7::StatusCode::ServiceDenied,
        details: Some("no such subscriber".into()),
    };
    let id = bed.sending(0).await;
    let once = handed(settle(&bed, id, refused, 1, i_take(1)).await).await;
    bed.release_callbacks(&[once.id], ME, at(1)).await.unwrap();
    let again = bed.callbacks(1).await;
    assert_eq!(again, [once]);
    let CallbackBody::Report { details, .. } = &again[0].body else { panic!("{again:?}") };
    assert_eq!(details.as_deref(), Some("no such subscriber"));
}

/// Who has no room leaves it in the store, and is told so.
pub async fn what_nobody_takes_stays_due(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    for take in [None, Some(Arc::new(Full) as Arc<dyn TakeCallbacks>)] {
        let id = bed.sending(0).await;
        let settled = settle(&bed, id, taken(&format!("c-{id}"), 1), 1, take).await;
        assert!(settled.callbacks.is_empty() && settled.left_due && settled.answer.owes_report);
        let callbacks = bed.callbacks(1).await;
        assert_eq!(callbacks.iter().map(|callback| callback.message).collect::<Vec<_>>(), [id]);
    }
    let id = bed.sending(0).await;
    let nothing = settle(&bed, id, super::bed::again(1, 30), 1, i_take(1)).await;
    assert!(nothing.callbacks.is_empty() && !nothing.left_due, "nothing is owed");
}

/// A later one of the same message comes when the earlier one is settled, and not before.
pub async fn what_waits_is_not_taken(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.sending(0).await;
    let forwarded = handed(settle(&bed, id, taken("c-1", 1), 1, i_take(1)).await).await;
    let store: &dyn Store = &*bed;
    let retrieved = report("c-1", MmStatus::Retrieved, 2);
    let waits = store.record_report(retrieved, i_take(2)).await.unwrap();
    assert!(waits.callbacks.is_empty() && !waits.left_due, "{waits:?}");
    bed.delivered(&forwarded, 3).await;
    assert_eq!(bed.statuses(3).await, [MmStatus::Retrieved]);
}

/// The end of the earlier one hands it on.
pub async fn what_waited_goes_to_who_takes_it(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.sending(0).await;
    let forwarded = handed(settle(&bed, id, taken("c-1", 1), 1, i_take(1)).await).await;
    bed.reported(id, report("c-1", MmStatus::Retrieved, 2)).await;
    let store: &dyn Store = &*bed;
    let again = CallbackOutcome::Again { due: at(300), said: "HTTP 503".into() };
    let ended = store.settle_callback(forwarded.id, ME, again, at(3), i_take(3)).await.unwrap();
    let retrieved = handed(ended).await;
    assert_eq!(
        (status(&retrieved), retrieved.at, retrieved.lease),
        (MmStatus::Retrieved, at(2), lease(ME, 3))
    );
    assert_eq!(bed.callbacks(4).await, []);
    let nothing =
        store.settle_callback(retrieved.id, ME, CallbackOutcome::Delivered, at(4), i_take(4)).await.unwrap();
    assert!(nothing.callbacks.is_empty() && !nothing.left_due);
    let twice = store.settle_callback(retrieved.id, ME, CallbackOutcome::Delivered, at(4), i_take(4)).await;
    assert_eq!(twice, Err(StoreError::LostLease));
}

/// Its new owner crashes: the lease ends.
pub async fn what_is_lost_from_memory_is_due_again(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.sending(0).await;
    let lost = handed(settle(&bed, id, taken("c-1", 1), 1, i_take(1)).await).await;
    let others = bed.lease_callbacks(&acme(), lease(OTHER, LEASE), at(LEASE), 10).await.unwrap();
    assert_eq!(others, [], "not before");
    let others = bed.lease_callbacks(&acme(), lease(OTHER, 1 + LEASE), at(1 + LEASE), 10).await.unwrap();
    assert_eq!(others, [Callback { lease: lease(OTHER, 1 + LEASE), ..lost.clone() }]);
    let late = bed.settle_callback(lost.id, ME, CallbackOutcome::Delivered, at(2 + LEASE)).await;
    assert_eq!(late, Err(StoreError::LostLease));
}

/// By its owner, and nobody else.
pub async fn what_is_given_back_is_due_at_once(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.sending(0).await;
    let callback = handed(settle(&bed, id, taken("c-1", 1), 1, i_take(1)).await).await;
    bed.release_callbacks(&[callback.id], OTHER, at(2)).await.unwrap();
    assert_eq!(bed.callbacks(2).await, [], "it is not his");
    bed.release_callbacks(&[callback.id, id], ME, at(2)).await.unwrap();
    assert_eq!(bed.statuses(2).await, [MmStatus::Forwarded]);
    let failed = CallbackOutcome::Failed { said: "HTTP 500".into() };
    bed.settle_callback(callback.id, ME, failed, at(3)).await.unwrap();
    bed.release_callbacks(&[callback.id], ME, at(4)).await.unwrap();
    assert_eq!(bed.callbacks(10 * LEASE).await, [], "what failed for good stays so");
}

/// It says more than the answer did.
pub async fn a_report_that_waited_is_handed_on(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.sending(0).await;
    bed.record_report(report("c-1", MmStatus::Retrieved, 1)).await.unwrap();
    let retrieved = handed(settle(&bed, id, taken("c-1", 2), 2, i_take(2)).await).await;
    assert_eq!((retrieved.message, status(&retrieved)), (id, MmStatus::Retrieved));
    bed.delivered(&retrieved, 3).await;
    assert_eq!(bed.callbacks(10 * LEASE).await, []);
}

/// With when it was read.
pub async fn a_read_reply_is_handed_on(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.finished("c-1", 0).await;
    let store: &dyn Store = &*bed;
    let reply = read_reply("c-1", ReadStatus::Read, 100);
    let read = handed(store.record_read_reply(reply, i_take(100)).await.unwrap()).await;
    let CallbackBody::ReadReply { status, time_stamp, .. } = &read.body else { panic!("{read:?}") };
    assert_eq!((read.message, *status, *time_stamp), (id, ReadStatus::Read, at(40)));
    assert_eq!(bed.callbacks(101).await, []);
    bed.delivered(&read, 102).await;
}

/// With what it says.
pub async fn a_message_from_a_handset_is_handed_on(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let store: &dyn Store = &*bed;
    let new = mo("t-1", &[b"hello".to_vec()], 0);
    let accepted = store.accept_mo(new.clone(), i_take(0)).await.unwrap();
    assert_eq!(accepted.answer, Acceptance::Fresh);
    let callback = handed(accepted).await;
    assert_eq!((callback.message, &callback.account, &callback.carrier), (new.id, &acme(), &new.carrier));
    assert_eq!(callback.body, CallbackBody::Mo(new.mo.clone()));
    assert_eq!(bed.callbacks(1).await, []);
    let repeated = posthouse_core::store::NewMo { id: super::bed::message(1).id, ..new.clone() };
    let repeated = store.accept_mo(repeated, i_take(1)).await.unwrap();
    assert_eq!(repeated, HandedOn::nothing(Acceptance::Repeats(new.id)));
    bed.delivered(&callback, 2).await;
}

/// As one that was leased: it is not owed any more.
pub async fn a_silent_takers_report_is_withdrawn(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.sending(0).await;
    handed(settle(&bed, id, taken("c-1", 0), 0, i_take(0)).await).await;
    bed.reported(id, report("c-1", MmStatus::Retrieved, 1)).await;
    assert_eq!(bed.statuses(LEASE - 1).await, []);
    assert_eq!(bed.statuses(LEASE).await, [MmStatus::Retrieved]);
    assert!(bed.event_kinds(id).await.contains(&EventKind::ReportWithdrawn));
}
