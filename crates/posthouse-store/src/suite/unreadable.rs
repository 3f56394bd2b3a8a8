//! What carriers posted and nobody can read.

use bytes::Bytes;
use mm7::StatusCode;
use posthouse_core::{
    carrier::CarrierId,
    life::read_reply::{CarrierReadReply, ReadStatus},
    message::{CarrierReport, Digest, EventKind},
    store::Swept,
    unreadable::{MOST_OF_A_CARRIER, Unreadable},
};

use super::{
    Backend,
    bed::{Bed, at, read_reply, report},
};

/// A request whose body, and digest, this number makes.
fn request(carrier: &str, number: u32, now: i64) -> Unreadable {
    let mut digest = [0; 16];
    digest[..4].copy_from_slice(&number.to_be_bytes());
    Unreadable {
        carrier: CarrierId(carrier.into()),
        code: StatusCode::UnableToParse,
        why: "NotWellFormed: there is no XML element".into(),
        content_type: Some("text/xml".into()),
        body: Bytes::from(format!("body {number}\0\u{1b}")),
        length: 9,
        digest: Digest(digest),
        received_at: at(now),
    }
}

/// As it came, the newest first; of one carrier, or of all.
pub async fn what_cannot_be_read_reads_back(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    for (carrier, number) in [("31002", 1), ("31003", 2), ("31003", 3)] {
        bed.keep_unreadable(request(carrier, number, i64::from(number))).await.unwrap();
    }
    let bare = Unreadable { content_type: None, body: Bytes::new(), length: 0, ..request("31003", 4, 4) };
    bed.keep_unreadable(bare.clone()).await.unwrap();
    let all = bed.unreadable(None, None, 10).await.unwrap();
    let requests: Vec<_> = all.iter().map(|kept| kept.request.clone()).collect();
    assert_eq!(requests, [bare, request("31003", 3, 3), request("31003", 2, 2), request("31002", 1, 1)]);
    assert!(all.iter().all(|kept| kept.times == 1 && kept.last_at == kept.request.received_at));
    let carrier = CarrierId("31003".into());
    let page = bed.unreadable(Some(&carrier), Some(all[1].number), 1).await.unwrap();
    assert_eq!(page, all[2..3]);
}

/// It is the same that comes again and again.
pub async fn what_comes_again_is_counted(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    for now in [1, 2, 3] {
        bed.keep_unreadable(request("31003", 7, now)).await.unwrap();
    }
    bed.keep_unreadable(request("31002", 7, 4)).await.unwrap();
    let kept = bed.unreadable(Some(&CarrierId("31003".into())), None, 10).await.unwrap();
    let [kept] = kept.as_slice() else { panic!("{kept:?}") };
    assert_eq!((kept.times, kept.request.received_at, kept.last_at), (3, at(1), at(3)));
}

/// Neither many nor long ones fill the disk; one carrier's do not push out another's.
pub async fn what_cannot_be_read_is_bounded(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let long = Unreadable { body: vec![7; 100_000].into(), length: 100_000, ..request("31002", 0, 0) };
    bed.keep_unreadable(long).await.unwrap();
    let many = u32::try_from(MOST_OF_A_CARRIER).unwrap() + 5;
    for number in 0..many {
        bed.keep_unreadable(request("31003", number, 1)).await.unwrap();
    }
    let kept = bed.unreadable(Some(&CarrierId("31003".into())), None, 2000).await.unwrap();
    assert_eq!(kept.len(), MOST_OF_A_CARRIER);
    assert_eq!(kept.last().unwrap().request, request("31003", 5, 1), "the oldest went");
    let other = bed.unreadable(Some(&CarrierId("31002".into())), None, 2000).await.unwrap();
    assert_eq!((other[0].request.body.len(), other[0].request.length), (16_384, 100_000));
}

/// By when it came last.
pub async fn what_cannot_be_read_goes(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    for (number, now) in [(1, 0), (2, 0), (2, 10)] {
        bed.keep_unreadable(request("31003", number, now)).await.unwrap();
    }
    let swept = bed.sweep(at(10), at(10), 10).await;
    assert_eq!(swept, Ok(Swept { unreadable: 1, ..Swept::default() }));
    assert_eq!(bed.unreadable(None, None, 10).await.unwrap()[0].request, request("31003", 2, 0));
}

/// A line of its own behind what the report did, also of one that had to wait.
pub async fn an_odd_form_is_noted(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let odd = |now| CarrierReport { odd: "no version".into(), ..report("c-1", mm7::MmStatus::Deferred, now) };
    bed.record_report(odd(0)).await.unwrap();
    let reply = CarrierReadReply { odd: "no header".into(), ..read_reply("c-1", ReadStatus::Read, 0) };
    bed.record_read_reply(reply).await.unwrap();
    let id = bed.forwarded("c-1", 1).await;
    bed.record_report(CarrierReport { status: mm7::MmStatus::Retrieved, ..odd(2) }).await.unwrap();
    let timeline = bed.timeline(id).await.unwrap().unwrap();
    let noted: Vec<_> = timeline.iter().filter(|event| event.kind == EventKind::Noted).collect();
    let told: Vec<_> = noted.iter().map(|event| event.detail.as_str()).collect();
    assert_eq!(told, ["ReadReply was dropped", "no version", "no header", "no version"]);
}
