//! What lasts.

use mm7::MmStatus;
use posthouse_core::{
    life::state::State,
    store::{StoreError, Timer},
};

use super::{
    Backend,
    bed::{Bed, LEASE, ME, OTHER, at, message, report, with_media},
    media::noise,
};

/// Closed in order.
pub async fn everything_is_there_after_a_reopen(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let media = [noise(1, 100), noise(2, 100_000)];
    let waiting = with_media(message(0), &media);
    bed.accept(&waiting).await.unwrap();
    let forwarded = bed.forwarded("c-1", 0).await;
    bed.record_report(report("c-9", MmStatus::Retrieved, 0)).await.unwrap();
    let timeline = bed.timeline(forwarded).await;
    let bed = bed.reopen(backend).await;
    assert_eq!(bed.timeline(forwarded).await, timeline);
    assert!(bed.media(waiting.id).await.unwrap() == media);
    assert_eq!(bed.send_ids(ME, 1).await, [waiting.id]);
    assert_eq!(bed.statuses(1).await, [MmStatus::Forwarded]);
    let sending = bed.sending(2).await;
    let settled = bed.settle_mine(sending, super::bed::taken("c-9", 2), 2).await;
    assert!(settled.state.is_terminal(), "the report was kept");
}

/// Every Ok before it, with media, work and callbacks.
pub async fn what_was_acknowledged_survives_a_power_cut(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let media = [noise(1, 100), noise(2, 100_000)];
    let mut ids = Vec::new();
    for now in 0..20 {
        let new = with_media(message(now), &media);
        ids.push(new.id);
        bed.accept(&new).await.unwrap();
    }
    bed.forwarded("c-1", 30).await;
    let bed = bed.power_cut(backend).await;
    for id in &ids {
        assert!(bed.media(*id).await.unwrap() == media);
    }
    assert_eq!(bed.send_ids(ME, 40).await, ids);
    assert_eq!(bed.statuses(40).await, [MmStatus::Forwarded]);
    let more = with_media(message(50), &media);
    bed.accept(&more).await.unwrap();
    assert!(bed.media(more.id).await.unwrap() == media);
    assert!(bed.media(*ids.last().unwrap()).await.unwrap() == media);
}

/// At the latest when they would have ended anyway; what was begun is Interrupted.
pub async fn leases_of_an_earlier_run_end(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let leased = bed.accept_mine(0).await;
    let begun = bed.sending(0).await;
    bed.forwarded("c-1", 0).await;
    assert_eq!(bed.callbacks(0).await.len(), 1);
    let bed = bed.power_cut(backend).await;
    assert_eq!(bed.send_ids(OTHER, LEASE).await, [leased]);
    let timers = bed.timers(OTHER, LEASE).await;
    let [Timer::Interrupted(send)] = timers.as_slice() else { panic!("{timers:?}") };
    assert_eq!((send.id, bed.state(begun).await), (begun, State::Sending));
    assert_eq!(bed.callbacks(LEASE).await.len(), 1);
}

/// Rather than to wait for ever.
pub async fn a_closed_store_says_so(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    bed.close().await.unwrap();
    assert_eq!(bed.accept(&message(0)).await, Err(StoreError::Closed));
    assert_eq!(bed.message(message(0).id).await, Err(StoreError::Closed));
    assert_eq!(bed.due(at(0)).await, Err(StoreError::Closed));
    bed.close().await.unwrap();
}

/// Readiness is that a write succeeds.
pub async fn a_check_is_a_write(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    bed.check().await.unwrap();
    bed.close().await.unwrap();
    assert_eq!(bed.check().await, Err(StoreError::Closed));
}
