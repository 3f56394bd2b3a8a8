//! Read replies of carriers.

use mm7::MmStatus;
use posthouse_core::{
    Id,
    carrier::CarrierId,
    life::intervention::{CallbackKind, CallbackSays, FailedFilter},
    life::read_reply::{CarrierReadReply, ReadStatus},
    life::state::{State, Terminal},
    message::EventKind,
    store::{Callback, CallbackBody, CallbackOutcome, Recorded},
};

use super::{
    Backend,
    bed::{Bed, LEASE, ME, acme, at, carrier, operator, read_reply, report, unknown},
};

/// What callbacks say.
fn said(callbacks: &[Callback]) -> Vec<String> {
    let say = |callback: &Callback| match &callback.body {
        CallbackBody::Report { status, .. } => status.to_string(),
        CallbackBody::ReadReply { status, .. } => format!("read reply {status}"),
        CallbackBody::Mo(_) => "mo".to_owned(),
    };
    callbacks.iter().map(say).collect()
}

/// Records one that has to be about this message and to be new.
async fn recorded(bed: &Bed, id: Id, reply: CarrierReadReply) {
    match bed.record_read_reply(reply).await.unwrap() {
        Recorded::Applied(found, settled) => assert_eq!((found, settled.owes_report), (id, true)),
        other => panic!("{other:?}"),
    }
}

/// With all that is needed to write it.
pub async fn a_read_reply_is_owed_after_the_end_of_its_message(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.finished("c-1", 0).await;
    recorded(&bed, id, read_reply("c-1", ReadStatus::Read, 100)).await;
    let event = bed.events(id).await.pop();
    assert_eq!(event, Some((EventKind::ReadReply, "Read: Read it says".into())));
    let callbacks = bed.callbacks(100).await;
    let [callback] = callbacks.as_slice() else { panic!("{callbacks:?}") };
    assert_eq!((callback.message, &callback.account, &callback.carrier), (id, &acme(), &carrier()));
    assert_eq!((callback.at, callback.attempts), (at(100), 0));
    let submission = bed.message(id).await.unwrap().unwrap().submission;
    let time_stamp = at(40);
    assert_eq!(callback.body, CallbackBody::ReadReply { status: ReadStatus::Read, time_stamp, submission });
    bed.delivered(callback, 101).await;
    assert_eq!(bed.events(id).await.pop(), Some((EventKind::Reported, "read reply Read".into())));
    assert_eq!(bed.callbacks(10_000).await, []);
}

/// The callbacks of a message follow each other.
pub async fn a_read_reply_before_the_end_waits_for_earlier_reports(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.forwarded("c-1", 0).await;
    recorded(&bed, id, read_reply("c-1", ReadStatus::Deleted, 1)).await;
    let first = bed.callbacks(1).await;
    assert_eq!(said(&first), ["Forwarded"]);
    bed.delivered(&first[0], 2).await;
    assert_eq!(said(&bed.callbacks(2).await), ["read reply Deleted"]);
}

/// What was withdrawn held it.
pub async fn a_terminal_report_lets_a_read_reply_go(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.forwarded("c-1", 0).await;
    recorded(&bed, id, read_reply("c-1", ReadStatus::Read, 1)).await;
    bed.reported(id, report("c-1", MmStatus::Retrieved, 2)).await;
    let first = bed.callbacks(2).await;
    assert_eq!(said(&first), ["read reply Read"], "Forwarded is not owed any more");
    bed.delivered(&first[0], 3).await;
    assert_eq!(said(&bed.callbacks(3).await), ["Retrieved"]);
}

/// Also after it was delivered; another status is another one.
pub async fn a_doubled_read_reply_is_owed_once(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.finished("c-1", 0).await;
    recorded(&bed, id, read_reply("c-1", ReadStatus::Read, 1)).await;
    let doubled = bed.record_read_reply(read_reply("c-1", ReadStatus::Read, 2)).await;
    assert_eq!(doubled, Ok(Recorded::Late(id)));
    let callbacks = bed.callbacks(2).await;
    assert_eq!(said(&callbacks), ["read reply Read"]);
    bed.delivered(&callbacks[0], 3).await;
    assert_eq!(bed.record_read_reply(read_reply("c-1", ReadStatus::Read, 4)).await, Ok(Recorded::Late(id)));
    assert_eq!(bed.callbacks(4).await, []);
    recorded(&bed, id, read_reply("c-1", ReadStatus::Deleted, 5)).await;
    assert_eq!(said(&bed.callbacks(5).await), ["read reply Deleted"]);
}

/// It is kept, and owed when the answer tells whose it is.
pub async fn a_read_reply_for_an_unknown_id_waits_for_it(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    for reply in [read_reply("c-1", ReadStatus::Read, 0), read_reply("c-1", ReadStatus::Read, 1)] {
        assert_eq!(bed.record_read_reply(reply).await, Ok(Recorded::Unmatched));
    }
    assert_eq!(bed.callbacks(2).await, []);
    let bed = bed.reopen(backend).await;
    let id = bed.forwarded("c-1", 3).await;
    let callbacks = bed.callbacks(3).await;
    assert_eq!(said(&callbacks), ["Forwarded"]);
    bed.delivered(&callbacks[0], 4).await;
    assert_eq!(said(&bed.callbacks(4).await), ["read reply Read"]);
    let kinds = bed.event_kinds(id).await;
    assert_eq!(kinds.iter().filter(|kind| **kind == EventKind::ReadReply).count(), 1);
    assert_eq!(bed.sweep(at(0), at(1000), 10).await.unwrap().unmatched_reports, 0, "none is left");
}

/// Both came during an attempt without an answer: it is the report that tells whose MessageID that is.
pub async fn a_read_reply_waits_for_a_report_that_tells_the_id(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.sending(0).await;
    let early = read_reply("c-1", ReadStatus::Read, 1);
    assert_eq!(bed.record_read_reply(early).await, Ok(Recorded::Unmatched));
    assert_eq!(bed.record_report(report("c-1", MmStatus::Deferred, 1)).await, Ok(Recorded::Unmatched));
    assert_eq!(bed.record_report(report("c-1", MmStatus::Retrieved, 2)).await, Ok(Recorded::Unmatched));
    let settled = bed.settle_mine(id, unknown(3), 3).await;
    assert_eq!((settled.state, settled.owes_report), (State::Ended(Terminal::Retrieved), true));
    let mut told = Vec::new();
    while let Some(callback) = bed.callbacks(4).await.pop() {
        told.extend(said(std::slice::from_ref(&callback)));
        bed.delivered(&callback, 4).await;
    }
    assert_eq!(told, ["Retrieved", "read reply Read"]);
}

/// By carrier and MessageID.
pub async fn a_read_reply_of_another_carrier_is_kept_apart(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    bed.finished("c-1", 0).await;
    let other = CarrierId("31002".into());
    let reply = CarrierReadReply { carrier: other, ..read_reply("c-1", ReadStatus::Read, 1) };
    assert_eq!(bed.record_read_reply(reply).await, Ok(Recorded::Unmatched));
    assert_eq!(bed.callbacks(1).await, []);
    assert_eq!(bed.sweep(at(0), at(1000), 10).await.unwrap().unmatched_reports, 1);
}

/// As reports are; and an operator can send it again.
pub async fn a_read_reply_is_tried_again_and_kept_as_failed(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.finished("c-1", 0).await;
    recorded(&bed, id, read_reply("c-1", ReadStatus::Read, 1)).await;
    let callback = bed.callbacks(1).await.remove(0);
    let again = CallbackOutcome::Again { due: at(300), said: "HTTP 500".into() };
    bed.settle_callback(callback.id, ME, again, at(2)).await.unwrap();
    assert_eq!(bed.callbacks(299).await, []);
    assert_eq!(bed.callbacks(300).await[0].attempts, 1);
    let failed = CallbackOutcome::Failed { said: "HTTP 500".into() };
    bed.settle_callback(callback.id, ME, failed, at(301)).await.unwrap();
    assert_eq!(
        bed.events(id).await.pop(),
        Some((EventKind::ReportFailed, "read reply Read: HTTP 500".into()))
    );
    assert_eq!(bed.callbacks(301 + 10 * LEASE).await, []);
    let filter = FailedFilter { kind: Some(CallbackKind::ReadReply), ..FailedFilter::default() };
    let kept = bed.failed_callbacks(&filter, 10).await.unwrap();
    assert_eq!((kept[0].says, kept[0].superseded), (CallbackSays::ReadReply(ReadStatus::Read), false));
    for kind in [CallbackKind::Mo, CallbackKind::Report] {
        let other = FailedFilter { kind: Some(kind), ..FailedFilter::default() };
        assert_eq!(bed.failed_callbacks(&other, 10).await, Ok(vec![]));
    }
    assert_eq!(bed.resend(&[callback.id], &operator(), at(1000)).await, Ok(vec![callback.id]));
    assert_eq!(said(&bed.callbacks(1000).await), ["read reply Read"]);
}

/// And goes once it was delivered.
pub async fn a_message_that_owes_a_read_reply_stays(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.finished("c-1", 0).await;
    recorded(&bed, id, read_reply("c-1", ReadStatus::Read, 1)).await;
    assert_eq!(bed.sweep(at(100), at(100), 10).await.unwrap().messages, 0);
    let callback = bed.callbacks(1).await.remove(0);
    bed.delivered(&callback, 2).await;
    assert_eq!(bed.sweep(at(100), at(100), 10).await.unwrap().messages, 1);
    assert_eq!(bed.message(id).await, Ok(None));
}
