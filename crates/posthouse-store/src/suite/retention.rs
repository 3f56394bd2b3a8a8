//! What is thrown away, and what is not.

use mm7::MmStatus;
use posthouse_core::{
    life::intervention::FailedFilter,
    store::{CallbackOutcome, FirstAttempt, NewMessage, StoreError, Swept},
};

use super::{
    Backend,
    bed::{Bed, ME, at, lease, message, mo, operator, report, taken, with_media},
    media::noise,
};

/// First the media, later the message with its timeline.
pub async fn media_go_before_their_message(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let new = with_media(
        NewMessage { first_attempt: FirstAttempt::Leased(lease(ME, 0)), ..message(0) },
        &[vec![1; 50_000]],
    );
    bed.accept(&new).await.unwrap();
    bed.settle_mine(new.id, taken("c-1", 0), 0).await;
    bed.record_report(report("c-1", MmStatus::Retrieved, 1)).await.unwrap();
    for callback in bed.callbacks(1).await {
        bed.delivered(&callback, 1).await;
    }
    assert_eq!(bed.sweep(at(1), at(1), 10).await, Ok(Swept::default()), "it ended at 1");
    assert_eq!(bed.sweep(at(2), at(1), 10).await, Ok(Swept { media: 1, ..Swept::default() }));
    assert_eq!(bed.media(new.id).await, Err(StoreError::NotFound("media")));
    assert!(bed.timeline(new.id).await.unwrap().is_some());
    assert_eq!(bed.sweep(at(2), at(1), 10).await, Ok(Swept::default()), "they went already");
    assert_eq!(bed.sweep(at(2), at(2), 10).await, Ok(Swept { messages: 1, ..Swept::default() }));
    assert_eq!(bed.message(new.id).await, Ok(None));
    assert_eq!(bed.media(new.id).await, Err(StoreError::NotFound("message")));
}

/// However long ago it was accepted: whoever asks after it does so after it ended.
pub async fn what_counts_is_when_a_message_ended(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let late = bed.forwarded("c-1", 0).await;
    let early = bed.finished("c-2", 10).await;
    bed.reported(late, report("c-1", MmStatus::Retrieved, 1000)).await;
    // What came after the end does not make it later.
    bed.record_report(report("c-1", MmStatus::Retrieved, 2000)).await.unwrap();
    for callback in bed.callbacks(2000).await {
        let failed = CallbackOutcome::Failed { said: "HTTP 500".into() };
        bed.settle_callback(callback.id, ME, failed, at(2000)).await.unwrap();
    }
    assert_eq!(bed.sweep(at(1000), at(1000), 10).await.unwrap().messages, 1);
    assert_eq!(bed.message(early).await, Ok(None));
    assert!(bed.timeline(late).await.unwrap().is_some_and(|timeline| timeline.len() > 3), "all of it");
    let failed = bed.failed_callbacks(&FailedFilter::default(), 10).await.unwrap();
    assert_eq!(failed.iter().map(|callback| callback.message).collect::<Vec<_>>(), [late]);
    assert_eq!(bed.sweep(at(1001), at(1001), 10).await.unwrap().messages, 1);
    assert_eq!(bed.message(late).await, Ok(None));
}

/// Its callback was delivered, or failed for good; one that is to be sent again has not ended.
pub async fn a_message_from_a_handset_ends_with_its_callback(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let parts = [noise(1, 50_000)];
    for (number, outcome) in [CallbackOutcome::Delivered, CallbackOutcome::Failed { said: "HTTP 500".into() }]
        .into_iter()
        .enumerate()
    {
        let new = mo(&format!("t-{number}"), &parts, 0);
        bed.accept_mo(new.clone()).await.unwrap();
        assert_eq!(bed.sweep(at(1000), at(1000), 10).await, Ok(Swept::default()), "it is owed");
        let callbacks = bed.callbacks(500).await;
        assert_eq!(callbacks.len(), 1);
        bed.settle_callback(callbacks[0].id, ME, outcome.clone(), at(500)).await.unwrap();
        assert_eq!(bed.sweep(at(500), at(500), 10).await, Ok(Swept::default()), "it ended at 500");
        if matches!(outcome, CallbackOutcome::Failed { .. }) {
            assert_eq!(bed.resend(&[callbacks[0].id], &operator(), at(600)).await.unwrap().len(), 1);
            assert_eq!(bed.sweep(at(601), at(601), 10).await, Ok(Swept::default()), "it is owed again");
            let again = bed.callbacks(700).await;
            bed.settle_callback(again[0].id, ME, CallbackOutcome::Delivered, at(700)).await.unwrap();
            assert_eq!(bed.sweep(at(700), at(700), 10).await, Ok(Swept::default()), "it ended at 700");
        }
        assert_eq!(bed.sweep(at(701), at(500), 10).await, Ok(Swept { media: 1, ..Swept::default() }));
        assert_eq!(bed.sweep(at(701), at(701), 10).await, Ok(Swept { messages: 1, ..Swept::default() }));
        assert_eq!(bed.media(new.id).await, Err(StoreError::NotFound("message")));
    }
}

/// However old it is.
pub async fn what_has_not_ended_stays(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    bed.accept(&with_media(message(0), &[vec![1; 10]])).await.unwrap();
    bed.sending(0).await;
    bed.parked(0).await;
    bed.forwarded("c-1", 0).await;
    assert_eq!(bed.sweep(at(1000), at(1000), 10).await, Ok(Swept::default()));
}

/// Its VASP has not heard of the end yet.
pub async fn what_owes_a_report_stays(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.forwarded("c-1", 0).await;
    bed.reported(id, report("c-1", MmStatus::Retrieved, 1)).await;
    assert_eq!(bed.sweep(at(1000), at(1000), 10).await, Ok(Swept::default()));
}

/// It was kept as long as its message.
pub async fn what_failed_does_not_keep_its_message(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.forwarded("c-1", 0).await;
    bed.reported(id, report("c-1", MmStatus::Retrieved, 1)).await;
    for callback in bed.callbacks(1).await {
        let failed = CallbackOutcome::Failed { said: "HTTP 500".into() };
        bed.settle_callback(callback.id, ME, failed, at(2)).await.unwrap();
    }
    assert_eq!(bed.sweep(at(0), at(1000), 10).await.unwrap().messages, 1);
}

/// By when they were received.
pub async fn unmatched_reports_go(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    bed.record_report(report("c-1", MmStatus::Retrieved, 0)).await.unwrap();
    bed.record_report(report("c-2", MmStatus::Retrieved, 10)).await.unwrap();
    let swept = bed.sweep(at(10), at(10), 10).await;
    assert_eq!(swept, Ok(Swept { unmatched_reports: 1, ..Swept::default() }));
}

/// The oldest go first, the rest with the next sweep.
pub async fn a_sweep_is_limited(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    for number in 0..3 {
        bed.finished(&format!("c-{number}"), number).await;
    }
    let counts = [2, 1, 0];
    for expected in counts {
        assert_eq!(bed.sweep(at(100), at(100), 2).await.unwrap().messages, expected);
    }
}

/// However many days later: what is needed of its day stays whole, and goes on.
pub async fn what_is_needed_stays_when_its_day_goes(backend: &dyn Backend) {
    const MONTH: i64 = 30 * 86_400;
    let bed = Bed::open(backend).await;
    let waiting = with_media(message(0), &[noise(1, 50_000)]);
    bed.accept(&waiting).await.unwrap();
    let parked = bed.parked(0).await;
    let awaited = bed.forwarded("c-1", 0).await;
    let ended = bed.finished("c-2", 0).await;
    let late = bed.forwarded("c-3", 0).await;
    bed.reported(late, report("c-3", MmStatus::Retrieved, MONTH)).await;
    let incoming = mo("t-1", &[noise(2, 50_000)], 0);
    bed.accept_mo(incoming.clone()).await.unwrap();
    let swept = bed.sweep(at(MONTH), at(MONTH), 10).await;
    assert_eq!(swept, Ok(Swept { messages: 1, ..Swept::default() }));
    assert_eq!(bed.sweep(at(MONTH), at(MONTH), 10).await, Ok(Swept::default()));
    assert_eq!(bed.message(ended).await, Ok(None));
    for id in [waiting.id, parked, awaited, late] {
        assert!(bed.timeline(id).await.unwrap().is_some(), "{id}");
    }
    assert_eq!(bed.media(waiting.id).await, Ok(waiting.media.clone()));
    assert_eq!(bed.media(incoming.id).await, Ok(incoming.media.clone()));
    bed.record_report(report("c-1", MmStatus::Retrieved, MONTH)).await.unwrap();
    let owed: Vec<_> = bed.callbacks(MONTH).await;
    assert_eq!(owed.len(), 3, "{owed:?}");
    for callback in owed {
        bed.delivered(&callback, MONTH).await;
    }
    let swept = bed.sweep(at(2 * MONTH), at(2 * MONTH), 10).await.unwrap();
    assert_eq!(swept.messages, 3, "two that were reported, and the one from a handset");
    assert!(bed.message(parked).await.unwrap().is_some());
}
