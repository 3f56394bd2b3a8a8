//! Requests of VASPs that were refused.

use mm7::StatusCode;
use posthouse_core::{
    account::AccountName,
    refusal::{COUNTED_FOR, KeptRefusal, MOST_OF_ACCOUNT, RefusalDetails, RefusalFinding, RefusedRequest},
    store::{NewRefusal, RefusalFilter, Swept},
};

use super::{
    Backend,
    bed::{Bed, acme, at},
};

/// A refusal of acme's, answered then.
fn refusal(now: i64) -> RefusedRequest {
    RefusedRequest {
        at: at(now),
        account: Some(acme()),
        code: StatusCode::UnparsableAttachment,
        row: 24,
        check: "TransferEncoding".into(),
        peer: "192.0.2.7".parse().unwrap(),
        transaction_id: Some("t-1".into()),
        recipient_hash: Some("1234abcd".into()),
        details: RefusalDetails {
            vasid: Some("61295".into()),
            sender: Some("111122".into()),
            recipient: Some("+1617•••0100".into()),
            bytes: 2048,
            head: "POST /mm7/v1 HTTP/1.1".into(),
            findings: vec![RefusalFinding {
                rule: "TransferEncoding".into(),
                byte: Some(17),
                ..Default::default()
            }],
        },
    }
}

const fn once(refusal: RefusedRequest) -> NewRefusal {
    NewRefusal { refusal, times: 1, counted: false }
}

async fn numbers(bed: &Bed, filter: RefusalFilter) -> Vec<i64> {
    let kept = bed.refusals(&filter, 10).await.unwrap();
    kept.iter().map(|kept| kept.refusal.at.as_second() - at(0).as_second()).collect()
}

/// As they were, the newest first, and by what is looked for.
pub async fn refusals_read_back_and_are_found(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let stranger = RefusedRequest {
        account: None,
        code: StatusCode::InvalidVaspId,
        row: 11,
        check: "vaspid".into(),
        peer: "2001:db8::1".parse().unwrap(),
        transaction_id: None,
        recipient_hash: None,
        details: RefusalDetails::default(),
        ..refusal(2)
    };
    let other = RefusedRequest { account: Some(AccountName("globex".into())), ..refusal(3) };
    bed.keep_refusals(&[once(refusal(1)), once(stranger.clone())]).await.unwrap();
    bed.keep_refusals(&[once(other)]).await.unwrap();
    let all = bed.refusals(&RefusalFilter::default(), 10).await.unwrap();
    let expected = KeptRefusal { number: all[1].number, times: 1, last_at: at(2), refusal: stranger };
    assert_eq!((all.len(), &all[1]), (3, &expected));
    assert_eq!(all[2].refusal, refusal(1));
    let any = RefusalFilter::default;
    for (filter, expected) in [
        (any(), vec![3, 2, 1]),
        (RefusalFilter { below: Some(all[0].number), ..any() }, vec![2, 1]),
        (RefusalFilter { account: Some(acme()), ..any() }, vec![1]),
        (RefusalFilter { code: Some(StatusCode::InvalidVaspId), ..any() }, vec![2]),
        (RefusalFilter { peer: Some("192.0.2.7".into()), ..any() }, vec![3, 1]),
        (RefusalFilter { transaction_id: Some("t-1".into()), account: Some(acme()), ..any() }, vec![1]),
        (RefusalFilter { recipient_hash: Some("1234abcd".into()), ..any() }, vec![3, 1]),
        (RefusalFilter { since: Some(at(2)), before: Some(at(3)), ..any() }, vec![2]),
    ] {
        assert_eq!(numbers(&bed, filter.clone()).await, expected, "{filter:?}");
    }
    assert_eq!(bed.refusals(&any(), 1).await.unwrap(), all[..1]);
}

/// What is only counted counts onto the last of its kind, for a while; what is not, never does.
pub async fn refusals_of_a_kind_are_counted(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let counted = |now, times| NewRefusal { refusal: refusal(now), times, counted: true };
    let elsewhere = RefusedRequest { peer: "192.0.2.8".parse().unwrap(), ..refusal(6) };
    bed.keep_refusals(&[counted(1, 3), counted(5, 70)]).await.unwrap();
    bed.keep_refusals(&[NewRefusal { refusal: elsewhere, times: 1, counted: true }]).await.unwrap();
    let later = 6 + i64::try_from(COUNTED_FOR.as_secs()).unwrap();
    bed.keep_refusals(&[counted(later, 1), once(refusal(later))]).await.unwrap();
    let kept = bed.refusals(&RefusalFilter::default(), 10).await.unwrap();
    let told: Vec<_> = kept.iter().rev().map(|kept| (kept.refusal.at, kept.times, kept.last_at)).collect();
    let expected =
        [(at(1), 73, at(5)), (at(6), 1, at(6)), (at(later), 1, at(later)), (at(later), 1, at(later))];
    assert_eq!(told, expected);
}

/// One account's do not push out another's, and the oldest go.
pub async fn refusals_are_bounded(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let other = RefusedRequest { account: Some(AccountName("globex".into())), ..refusal(0) };
    bed.keep_refusals(&[once(other)]).await.unwrap();
    let many: Vec<_> = (1..=i64::from(MOST_OF_ACCOUNT) + 5).map(|now| once(refusal(now))).collect();
    for some in many.chunks(2000) {
        bed.keep_refusals(some).await.unwrap();
    }
    let filter = RefusalFilter { account: Some(acme()), ..RefusalFilter::default() };
    let kept = bed.refusals(&filter, 20_000).await.unwrap();
    assert_eq!(kept.len(), usize::try_from(MOST_OF_ACCOUNT).unwrap());
    assert_eq!(kept.last().unwrap().refusal.at, at(6), "the oldest went");
    let all = bed.refusals(&RefusalFilter::default(), 20_000).await.unwrap();
    assert_eq!(all.len(), kept.len() + 1);
}

/// By when they came last.
pub async fn refusals_go(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    bed.keep_refusals(&[once(refusal(1)), once(refusal(10))]).await.unwrap();
    assert_eq!(bed.sweep(at(10), at(10), 10).await, Ok(Swept { refusals: 1, ..Swept::default() }));
    assert_eq!(numbers(&bed, RefusalFilter::default()).await, [10]);
}
