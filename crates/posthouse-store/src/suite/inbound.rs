//! What came from carriers, as operators look it up.

use mm7::MmStatus;
use posthouse_core::{
    Id,
    account::AccountName,
    carrier::CarrierId,
    life::{callback::NotRetried, read_reply::ReadStatus},
    store::{
        CallbackOutcome, ForNobody, MOST_FOR_NOBODY, MoFilter, MoOutcome, NewMo, UnmatchedFilter,
        UnmatchedSays,
    },
};

use super::{
    Backend,
    bed::{Bed, ME, acme, at, carrier, mo, operator, read_reply, report},
};

fn other() -> CarrierId {
    CarrierId("031003".into())
}

/// Each by itself; newest first, page by page.
pub async fn every_filter_of_messages_from_handsets_filters(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let globex = AccountName("globex".into());
    let first = mo("t-1", &[vec![1; 10]], 0);
    let second = NewMo { carrier: other(), account: globex.clone(), ..mo("t-2", &[], 10) };
    let mut third = mo("t-3", &[], 20);
    third.mo.sender.text = "16175550199".into();
    for new in [&first, &second, &third] {
        bed.accept_mo(new.clone()).await.unwrap();
    }
    let any = MoFilter::default;
    for (filter, expected) in [
        (any(), vec![third.id, second.id, first.id]),
        (MoFilter { account: Some(globex), ..any() }, vec![second.id]),
        (MoFilter { carrier: Some(other()), ..any() }, vec![second.id]),
        (MoFilter { sender: Some("16175550199".into()), ..any() }, vec![third.id]),
        (MoFilter { since: Some(at(10)), ..any() }, vec![third.id, second.id]),
        (MoFilter { before: Some(at(10)), ..any() }, vec![first.id]),
        (MoFilter { below: Some(third.id), ..any() }, vec![second.id, first.id]),
    ] {
        let found = bed.mos(&filter, 9).await.unwrap();
        assert_eq!(found.iter().map(|one| one.id).collect::<Vec<_>>(), expected, "{filter:?}");
    }
    assert_eq!(bed.mos(&any(), 1).await.unwrap()[0].id, third.id);
    let found = bed.mo(first.id).await.unwrap().unwrap();
    assert_eq!((found.mo, found.received_at, found.ended_at), (first.mo, at(0), None));
    assert_eq!(bed.mo(Id::from_number(7).unwrap()).await, Ok(None));
}

/// Whether it waits, failed or was delivered; by the callback that it has, or by a new one.
pub async fn a_message_from_a_handset_is_owed_once_more(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let new = mo("t-1", &[], 0);
    bed.accept_mo(new.clone()).await.unwrap();
    let outcome = async || bed.mo(new.id).await.unwrap().unwrap().outcome;
    let callback = bed.callbacks(0).await.remove(0);
    assert_eq!(outcome().await, MoOutcome::Owed(callback.id));
    let in_hand = bed.resend_mos(&[new.id], &operator(), at(1)).await.unwrap();
    assert_eq!(in_hand, [Err(NotRetried::InHand)]);
    let failed = CallbackOutcome::Failed { said: "HTTP 500".into() };
    bed.settle_callback(callback.id, ME, failed, at(1)).await.unwrap();
    assert_eq!(outcome().await, MoOutcome::Failed(callback.id));
    assert_eq!(bed.resend_mos(&[new.id], &operator(), at(2)).await.unwrap(), [Ok(())]);
    let again = bed.callbacks(2).await.remove(0);
    assert_eq!(again.id, callback.id);
    bed.delivered(&again, 2).await;
    assert_eq!(outcome().await, MoOutcome::Settled);

    let unknown = Id::from_number(7).unwrap();
    let done = bed.resend_mos(&[unknown, new.id], &operator(), at(3)).await.unwrap();
    assert_eq!(done, [Err(NotRetried::Unknown), Ok(())]);
    assert_eq!(bed.mo(new.id).await.unwrap().unwrap().ended_at, None, "retention leaves it");
    let anew = bed.callbacks(3).await.remove(0);
    assert_ne!(anew.id, callback.id);
    assert_eq!((anew.message, anew.attempts, anew.account.clone()), (new.id, 0, acme()));
    bed.delivered(&anew, 3).await;
    assert_eq!(bed.mo(new.id).await.unwrap().unwrap().ended_at, Some(at(3)));
}

/// The newest of each carrier, cut to what is kept; they go with time.
pub async fn what_was_for_nobody_is_kept_within_bounds(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let new = |carrier: CarrierId, now: i64| ForNobody {
        carrier,
        received_at: at(now),
        transaction_id: "t".into(),
        sender: Some("16175550100".into()),
        recipients: "555 666".into(),
    };
    let long = ForNobody { recipients: "5".repeat(10_000), ..new(other(), 0) };
    let first = bed.keep_for_nobody(long).await.unwrap();
    let most = i64::try_from(MOST_FOR_NOBODY).unwrap();
    for now in 1..=most + 2 {
        bed.keep_for_nobody(new(carrier(), now)).await.unwrap();
    }
    let kept = bed.for_nobody(Some(&carrier()), None, MOST_FOR_NOBODY + 9).await.unwrap();
    assert_eq!(kept.len(), MOST_FOR_NOBODY);
    assert_eq!((kept[0].1.received_at, kept.last().unwrap().1.received_at), (at(most + 2), at(3)));
    let of_other = bed.for_nobody(None, Some(kept.last().unwrap().0), 9).await.unwrap();
    assert_eq!((of_other.len(), of_other[0].0, of_other[0].1.recipients.len()), (1, first, 256));
    bed.sweep(at(most), at(most), 5000).await.unwrap();
    let left = bed.for_nobody(None, None, 9).await.unwrap();
    assert_eq!(
        left.iter().map(|(_, one)| one.received_at).collect::<Vec<_>>(),
        [most + 2, most + 1, most].map(at)
    );
}

/// Till their message is known.
pub async fn reports_without_a_message_are_listed(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    bed.record_report(report("c-8", MmStatus::Retrieved, 1)).await.unwrap();
    bed.record_read_reply(read_reply("c-9", ReadStatus::Read, 2)).await.unwrap();
    let any = UnmatchedFilter::default;
    let all = bed.unmatched(&any(), 9).await.unwrap();
    let says: Vec<_> = all.iter().map(|one| (one.carrier_message_id.as_str(), one.says)).collect();
    let (reply, retrieved) =
        (UnmatchedSays::ReadReply(ReadStatus::Read), UnmatchedSays::Report(MmStatus::Retrieved));
    assert_eq!(says, [("c-9", reply), ("c-8", retrieved)]);
    assert_eq!((all[1].received_at, all[1].recipient.as_deref()), (at(1), Some("16175550100")));
    for (filter, expected) in [
        (UnmatchedFilter { carrier: Some(other()), ..any() }, vec![]),
        (UnmatchedFilter { carrier_message_id: Some("c-8".into()), ..any() }, vec!["c-8"]),
        (UnmatchedFilter { recipient: Some("16175550100".into()), ..any() }, vec!["c-8"]),
        (UnmatchedFilter { since: Some(at(2)), ..any() }, vec!["c-9"]),
        (UnmatchedFilter { before: Some(at(2)), ..any() }, vec!["c-8"]),
        (UnmatchedFilter { below: Some(all[0].number), ..any() }, vec!["c-8"]),
    ] {
        let found = bed.unmatched(&filter, 9).await.unwrap();
        let found: Vec<_> = found.iter().map(|one| one.carrier_message_id.as_str()).collect();
        assert_eq!(found, expected, "{filter:?}");
    }
    bed.forwarded("c-8", 3).await;
    assert_eq!(bed.unmatched(&any(), 9).await.unwrap().len(), 1, "it was applied");
}
