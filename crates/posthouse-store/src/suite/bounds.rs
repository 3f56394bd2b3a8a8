//! What others send again and again, or at length, does not make the store grow without end.

use mm7::MmStatus;
use posthouse_core::{
    bounds::{ADDRESS, ID, LATE_REPORTS, LINE, SAME, WAITING_FOR_ONE},
    life::read_reply::ReadStatus,
    message::{CarrierReport, EventKind},
    store::Recorded,
};

use super::{
    Backend,
    bed::{Bed, at, mo, read_reply, report, taken},
};

async fn late_lines(bed: &Bed, id: posthouse_core::Id) -> usize {
    bed.event_kinds(id).await.into_iter().filter(|kind| *kind == EventKind::LateReport).count()
}

/// The same a few times, others a few more; each is answered as ever.
pub async fn late_reports_are_a_few_lines(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.finished("c-1", 0).await;
    for now in 0..10 {
        let recorded = bed.record_report(report("c-1", MmStatus::Retrieved, now)).await;
        assert_eq!(recorded, Ok(Recorded::Late(id)));
    }
    assert_eq!(late_lines(&bed, id).await, SAME as usize);
    for number in 0..40 {
        let other = CarrierReport { said: format!("say {number}"), ..report("c-1", MmStatus::Expired, 20) };
        assert_eq!(bed.record_report(other).await, Ok(Recorded::Late(id)));
    }
    assert_eq!(late_lines(&bed, id).await, LATE_REPORTS as usize);
}

/// A few of the same, and not more of them than may; all that waited counts when its message is known.
pub async fn reports_for_an_unknown_id_are_a_few(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    for now in 0..5 {
        for status in [MmStatus::Deferred, MmStatus::Retrieved] {
            assert_eq!(bed.record_report(report("c-1", status, now)).await, Ok(Recorded::Unmatched));
        }
        let reply = read_reply("c-1", ReadStatus::Read, now);
        assert_eq!(bed.record_read_reply(reply).await, Ok(Recorded::Unmatched));
    }
    for number in 0..100 {
        let other = CarrierReport { sender: Some(number.to_string()), ..report("c-2", MmStatus::Expired, 5) };
        assert_eq!(bed.record_report(other).await, Ok(Recorded::Unmatched));
    }
    let (first, second) = (bed.sending(6).await, bed.sending(6).await);
    bed.settle_mine(first, taken("c-1", 6), 6).await;
    let kinds = bed.event_kinds(first).await;
    let count = |kind| kinds.iter().filter(|found| **found == kind).count();
    let told = [EventKind::Deferred, EventKind::Ended, EventKind::ReadReply].map(count);
    assert_eq!(told, [1, 1, 1], "{kinds:?}");
    assert_eq!(count(EventKind::LateReport), 2 * (SAME as usize - 1), "{kinds:?}");
    bed.settle_mine(second, taken("c-2", 6), 6).await;
    assert_eq!(bed.state(second).await.as_str(), "Expired");
    let swept = bed.sweep(at(6), at(6), 1000).await.unwrap();
    assert!(swept.unmatched_reports <= u64::from(WAITING_FOR_ONE), "{swept:?}");
}

/// What is kept of them still tells one message from the other.
pub async fn long_texts_are_cut(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let long = |text: &str| text.repeat(64 << 10);
    let (one, other) = (format!("{}1", long("c")), format!("{}2", long("c")));
    let (first, second) = (bed.forwarded(&one, 0).await, bed.forwarded(&other, 0).await);
    let wordy =
        CarrierReport { sender: Some(long("5")), said: long("ü"), ..report(&other, MmStatus::Retrieved, 1) };
    bed.reported(second, wordy.clone()).await;
    assert!(!bed.state(first).await.is_terminal());
    let kept = bed.message(first).await.unwrap().unwrap().carrier_message_id.unwrap();
    assert!(kept.len() <= ID, "{} bytes", kept.len());
    bed.record_report(CarrierReport { carrier_message_id: long("u"), ..wordy }).await.unwrap();
    let new = bed.sending(2).await;
    bed.settle(new, super::bed::ME, taken(&long("u"), 2), &long("so "), at(2)).await.unwrap();
    assert!(bed.state(new).await.is_terminal(), "what waited was about it");
    for id in [second, new] {
        for (_, line) in bed.events(id).await {
            assert!(line.chars().count() <= LINE, "{} characters", line.chars().count());
        }
    }
    let mut handset = mo(&long("t"), &[], 3);
    handset.linked_id = Some(long("l"));
    handset.mo.sender.text = long("1");
    bed.accept_mo(handset.clone()).await.unwrap();
    let again = posthouse_core::store::NewMo { id: super::bed::message(3).id, ..handset };
    assert!(matches!(bed.accept_mo(again).await, Ok(posthouse_core::store::Acceptance::Repeats(_))));
    for callback in bed.callbacks(4).await {
        if let posthouse_core::store::CallbackBody::Mo(mo) = callback.body {
            assert!(mo.sender.text.len() <= ADDRESS && mo.transaction_id.len() <= ID);
        }
    }
}
