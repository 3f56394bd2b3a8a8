//! What is owed to VASPs.

use mm7::{MmStatus, StatusCode};
use posthouse_core::{
    account::AccountName,
    life::state::Terminal,
    message::{EventKind, Reason},
    store::{
        Callback, CallbackBody, CallbackOutcome, FirstAttempt, NewMessage, Settled, Settlement, StoreError,
    },
};

use super::{
    Backend,
    bed::{Bed, LEASE, ME, OTHER, acme, at, carrier, lease, message, report, status, taken},
};

fn again(now: i64, seconds: i64) -> CallbackOutcome {
    CallbackOutcome::Again { due: at(now + seconds), said: "HTTP 503".into() }
}

fn failed() -> CallbackOutcome {
    CallbackOutcome::Failed { said: "HTTP 500".into() }
}

async fn only(bed: &Bed, now: i64) -> Callback {
    let mut callbacks = bed.callbacks(now).await;
    assert_eq!(callbacks.len(), 1, "{callbacks:?}");
    callbacks.remove(0)
}

/// DeliveryReport was false.
pub async fn no_report_is_owed_to_who_wants_none(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let mut new = NewMessage { first_attempt: FirstAttempt::Leased(lease(ME, 0)), ..message(0) };
    new.submission.delivery_report = false;
    bed.accept(&new).await.unwrap();
    bed.begin_mine(new.id, 0).await;
    assert!(!bed.settle_mine(new.id, taken("c-1", 0), 0).await.owes_report);
    assert!(!bed.reported(new.id, report("c-1", MmStatus::Retrieved, 1)).await.owes_report);
    assert_eq!(bed.callbacks(10).await, []);
}

/// All that is needed to write it.
pub async fn a_report_says_what_happened(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let new = NewMessage { first_attempt: FirstAttempt::Leased(lease(ME, 0)), ..message(0) };
    bed.accept(&new).await.unwrap();
    let refused = Settlement::Refused {
        terminal: Terminal::NotSupported,
        reason: StatusCode::UnsupportedMm7Version,
        details: Some("none of 6.8.0".into()),
    };
    let settled: Settled = bed.settle_mine(new.id, refused, 3).await;
    assert!(settled.owes_report);
    let callback = only(&bed, 4).await;
    assert_eq!((callback.message, &callback.account, &callback.carrier), (new.id, &acme(), &carrier()));
    assert_eq!((callback.at, callback.attempts, callback.lease), (at(3), 0, lease(ME, 4)));
    let reason = Some(Reason(StatusCode::UnsupportedMm7Version));
    let body = CallbackBody::Report {
        status: MmStatus::NotSupported,
        reason,
        details: Some("none of 6.8.0".into()),
        submission: new.submission,
    };
    assert_eq!(callback.body, body);
    assert_ne!(callback.id, callback.message);
}

/// By when they became owed, whichever message they are about.
pub async fn callbacks_come_in_the_order_they_became_owed(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let first = bed.sending(0).await;
    let second = bed.sending(0).await;
    let third = bed.sending(0).await;
    for (now, id) in [(1, third), (2, first), (3, second)] {
        bed.settle_mine(id, taken(&format!("c-{now}"), now), now).await;
    }
    let messages: Vec<_> = bed.callbacks(3).await.into_iter().map(|callback| callback.message).collect();
    assert_eq!(messages, [third, first, second]);
}

/// No more than asked for, and nobody else's while the lease lasts.
pub async fn callbacks_are_limited_and_leased(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    for number in 0..3 {
        bed.forwarded(&format!("c-{number}"), number).await;
    }
    let two = bed.lease_callbacks(&acme(), lease(ME, 5), at(5), 2).await.unwrap();
    let one = bed.lease_callbacks(&acme(), lease(OTHER, 5), at(5), 2).await.unwrap();
    assert_eq!((two.len(), one.len()), (2, 1));
    assert_eq!(bed.callbacks(5 + LEASE - 1).await, []);
    assert_eq!(bed.callbacks(5 + LEASE).await.len(), 3);
}

/// Each account has its own queue.
pub async fn another_accounts_callbacks_are_left_alone(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    bed.forwarded("c-1", 0).await;
    let globex = AccountName("globex".into());
    assert_eq!(bed.lease_callbacks(&globex, lease(ME, 0), at(0), 10).await, Ok(vec![]));
}

/// Whoever lost the lease changes nothing; what was delivered is owed no more.
pub async fn only_the_owner_settles_a_callback(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.forwarded("c-1", 0).await;
    let callback = only(&bed, 0).await;
    let delivered = CallbackOutcome::Delivered;
    let lost = bed.settle_callback(callback.id, OTHER, delivered.clone(), at(1)).await;
    assert_eq!(lost, Err(StoreError::LostLease));
    bed.settle_callback(callback.id, ME, delivered.clone(), at(1)).await.unwrap();
    let twice = bed.settle_callback(callback.id, ME, delivered, at(1)).await;
    assert_eq!(twice, Err(StoreError::LostLease));
    assert_eq!(bed.callbacks(10 * LEASE).await, []);
    assert_eq!(bed.events(id).await.last(), Some(&(EventKind::Reported, "Forwarded".into())));
}

/// At the time given, and the tries are counted.
pub async fn a_failed_try_is_repeated_later(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.forwarded("c-1", 0).await;
    let callback = only(&bed, 0).await;
    bed.settle_callback(callback.id, ME, again(1, 300), at(1)).await.unwrap();
    assert_eq!(bed.callbacks(300).await, []);
    let second = only(&bed, 301).await;
    assert_eq!((second.id, second.attempts, second.at), (callback.id, 1, at(0)));
    let line = (EventKind::ReportRetrying, "Forwarded: HTTP 503".to_owned());
    assert_eq!(bed.events(id).await.last(), Some(&line));
}

/// It is not tried again, and does not hold up what comes after it.
pub async fn the_last_failure_is_kept(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.forwarded("c-1", 0).await;
    let callback = only(&bed, 0).await;
    bed.settle_callback(callback.id, ME, failed(), at(1)).await.unwrap();
    assert_eq!(bed.callbacks(10 * LEASE).await, []);
    let line = (EventKind::ReportFailed, "Forwarded: HTTP 500".to_owned());
    assert_eq!(bed.events(id).await.last(), Some(&line));
    bed.reported(id, report("c-1", MmStatus::Deferred, 2)).await;
    assert_eq!(bed.statuses(2).await, [MmStatus::Deferred]);
}

/// Forwarded and Deferred are not owed any more once the terminal one is known.
pub async fn the_terminal_report_withdraws_those_before(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.forwarded("c-1", 0).await;
    let callback = only(&bed, 0).await;
    bed.settle_callback(callback.id, ME, again(0, 300), at(0)).await.unwrap();
    bed.reported(id, report("c-1", MmStatus::Deferred, 1)).await;
    bed.reported(id, report("c-1", MmStatus::Retrieved, 2)).await;
    assert_eq!(bed.statuses(2).await, [MmStatus::Retrieved]);
    assert_eq!(bed.callbacks(1000 - LEASE).await.len(), 1);
    let withdrawn: Vec<_> =
        bed.events(id).await.into_iter().filter(|(kind, _)| *kind == EventKind::ReportWithdrawn).collect();
    let lines = ["Forwarded", "Deferred"].map(|status| (EventKind::ReportWithdrawn, status.to_owned()));
    assert_eq!(withdrawn, lines);
}

/// Deferred does not reach the VASP before Forwarded did, or has failed for good.
pub async fn a_later_report_waits_for_an_earlier_one(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.forwarded("c-1", 0).await;
    bed.reported(id, report("c-1", MmStatus::Deferred, 1)).await;
    let forwarded = only(&bed, 1).await;
    assert_eq!(status(&forwarded), MmStatus::Forwarded);
    bed.settle_callback(forwarded.id, ME, again(2, 300), at(2)).await.unwrap();
    assert_eq!(bed.callbacks(3).await, []);
    let forwarded = only(&bed, 302).await;
    assert_eq!(status(&forwarded), MmStatus::Forwarded);
    bed.delivered(&forwarded, 303).await;
    assert_eq!(bed.statuses(303).await, [MmStatus::Deferred]);
}

/// One that is on its way goes first, and is not repeated.
pub async fn a_report_under_delivery_is_not_overtaken(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.forwarded("c-1", 0).await;
    let forwarded = only(&bed, 0).await;
    assert!(bed.reported(id, report("c-1", MmStatus::Retrieved, 1)).await.owes_report);
    assert_eq!(bed.callbacks(2).await, []);
    bed.settle_callback(forwarded.id, ME, again(3, 300), at(3)).await.unwrap();
    let retrieved = only(&bed, 3).await;
    assert_eq!(status(&retrieved), MmStatus::Retrieved);
    bed.delivered(&retrieved, 4).await;
    assert_eq!(bed.callbacks(1000).await, []);
    let lines: Vec<_> = bed.events(id).await.into_iter().rev().take(2).collect();
    let expected = [(EventKind::Reported, "Retrieved"), (EventKind::ReportWithdrawn, "Forwarded")];
    assert_eq!(lines, expected.map(|(kind, detail)| (kind, detail.to_owned())));
}

/// Nobody knows whether it arrived, and it is not owed any more.
pub async fn a_silent_owners_report_is_withdrawn(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.forwarded("c-1", 0).await;
    let forwarded = only(&bed, 0).await;
    bed.reported(id, report("c-1", MmStatus::Retrieved, 1)).await;
    assert_eq!(bed.statuses(LEASE).await, [MmStatus::Retrieved]);
    let late = bed.settle_callback(forwarded.id, ME, CallbackOutcome::Delivered, at(LEASE)).await;
    assert_eq!(late, Err(StoreError::LostLease));
    assert!(bed.event_kinds(id).await.contains(&EventKind::ReportWithdrawn));
}

/// There is nowhere to send it: it is gone, with the reason, and holds nothing up.
pub async fn what_cannot_be_delivered_is_withdrawn(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.forwarded("c-1", 0).await;
    bed.reported(id, report("c-1", MmStatus::Deferred, 1)).await;
    let forwarded = only(&bed, 1).await;
    let withdrawn = CallbackOutcome::Withdrawn { said: "no report_url".into() };
    let another_is_due = bed.settle_callback(forwarded.id, ME, withdrawn, at(2)).await;
    assert_eq!(another_is_due, Ok(true), "Deferred waited for it");
    assert_eq!(bed.statuses(2).await, [MmStatus::Deferred]);
    let line = (EventKind::ReportWithdrawn, "Forwarded: no report_url".to_owned());
    assert_eq!(bed.events(id).await.last(), Some(&line));
}
