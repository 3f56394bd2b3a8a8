//! Messages from handsets.

use mm7::MmStatus;
use posthouse_core::{
    carrier::CarrierId,
    message::Digest,
    store::{Acceptance, CallbackBody, CallbackOutcome, NewMo, StoreError, Swept},
};

use super::{
    Backend,
    bed::{Bed, LEASE, ME, acme, at, carrier, mo},
};

/// An answer was lost on the way from the store: it is stored and owed once.
pub async fn a_message_from_a_handset_stored_before_is_fresh(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    for repeats_since in [at(-100), jiff::Timestamp::MAX] {
        let new = NewMo { repeats_since, ..mo("t-1", &[], 0) };
        assert_eq!(bed.accept_mo(new.clone()).await, Ok(Acceptance::Fresh));
        assert_eq!(bed.accept_mo(new.clone()).await, Ok(Acceptance::Fresh));
        let callbacks = bed.callbacks(1).await;
        assert_eq!(callbacks.len(), 1, "{callbacks:?}");
        assert_eq!(callbacks[0].message, new.id);
        bed.delivered(&callbacks[0], 1).await;
        assert_eq!(bed.accept_mo(new).await, Ok(Acceptance::Fresh), "whatever became of it");
        assert_eq!(bed.callbacks(1000).await, []);
    }
}

/// Everything that is needed to write the DeliverReq, and the media byte for byte.
pub async fn a_message_from_a_handset_is_owed_with_its_media(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let new = mo("mo-1", &[vec![1; 300], vec![2; 40_000]], 0);
    assert_eq!(bed.accept_mo(new.clone()).await, Ok(Acceptance::Fresh));
    let callbacks = bed.callbacks(0).await;
    let [callback] = callbacks.as_slice() else { panic!("{callbacks:?}") };
    assert_eq!((callback.message, &callback.account, &callback.carrier), (new.id, &acme(), &carrier()));
    assert_eq!(callback.body, CallbackBody::Mo(new.mo));
    assert_eq!(bed.media(new.id).await, Ok(new.media));
    assert_eq!(bed.newest_id().await, Ok(Some(new.id)));
}

/// By carrier, TransactionID and content, within the time.
pub async fn a_repeated_message_from_a_handset_is_stored_once(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let first = mo("mo-1", &[vec![1; 300]], 0);
    bed.accept_mo(first.clone()).await.unwrap();
    let again = mo("mo-1", &[vec![1; 300]], 5);
    assert_eq!(bed.accept_mo(again.clone()).await, Ok(Acceptance::Repeats(first.id)));
    for other in [
        NewMo { digest: Digest([8; 16]), ..again.clone() },
        NewMo { carrier: CarrierId("31002".into()), ..mo("mo-1", &[vec![1; 300]], 5) },
        mo("mo-2", &[vec![1; 300]], 5),
        NewMo { repeats_since: at(1), ..mo("mo-1", &[vec![1; 300]], 6) },
    ] {
        assert_eq!(bed.accept_mo(other.clone()).await, Ok(Acceptance::Fresh), "{other:?}");
    }
    assert_eq!(bed.callbacks(6).await.len(), 5);
}

/// Some carriers try again under a new TransactionID.
pub async fn a_repeated_linked_id_is_stored_once(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let linked = |transaction: &str, now| {
        let digest = Digest([u8::try_from(now).unwrap(); 16]);
        NewMo { linked_id: Some("vzw-7".into()), digest, ..mo(transaction, &[vec![1; 300]], now) }
    };
    let first = linked("mo-1", 0);
    bed.accept_mo(first.clone()).await.unwrap();
    assert_eq!(bed.accept_mo(linked("mo-2", 5)).await, Ok(Acceptance::Repeats(first.id)));
    for other in [
        NewMo { content: Digest([8; 16]), ..linked("mo-3", 6) },
        NewMo { carrier: CarrierId("31002".into()), ..linked("mo-4", 6) },
        NewMo { linked_id: Some("vzw-8".into()), ..linked("mo-5", 6) },
        NewMo { linked_id: None, ..linked("mo-6", 6) },
        NewMo { repeats_since: at(100), ..linked("mo-7", 6) },
    ] {
        assert_eq!(bed.accept_mo(other.clone()).await, Ok(Acceptance::Fresh), "{other:?}");
    }
}

/// As reports are.
pub async fn a_message_from_a_handset_is_tried_again_and_kept_as_failed(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let new = mo("mo-1", &[], 0);
    bed.accept_mo(new.clone()).await.unwrap();
    let id = bed.callbacks(0).await[0].id;
    let again = CallbackOutcome::Again { due: at(300), said: "HTTP 500".into() };
    bed.settle_callback(id, ME, again, at(1)).await.unwrap();
    assert_eq!(bed.callbacks(299).await, []);
    assert_eq!(bed.callbacks(300).await[0].attempts, 1);
    let failed = CallbackOutcome::Failed { said: "HTTP 500".into() };
    bed.settle_callback(id, ME, failed, at(301)).await.unwrap();
    assert_eq!(bed.callbacks(301 + 10 * LEASE).await, []);
    assert_eq!(bed.media(new.id).await, Ok(vec![]));
}

/// In the order in which they became owed.
pub async fn reports_and_messages_from_handsets_share_a_lane(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    bed.forwarded("c-1", 0).await;
    bed.accept_mo(mo("mo-1", &[], 1)).await.unwrap();
    let second = bed.forwarded("c-2", 2).await;
    let callbacks = bed.callbacks(2).await;
    let kinds: Vec<_> =
        callbacks.iter().map(|callback| matches!(callback.body, CallbackBody::Mo(_))).collect();
    assert_eq!(kinds, [false, true, false]);
    assert_eq!(callbacks[2].message, second);
    assert!(matches!(callbacks[2].body, CallbackBody::Report { status: MmStatus::Forwarded, .. }));
}

/// Not before it was delivered.
pub async fn a_delivered_message_from_a_handset_goes(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let (owed, done) = (mo("mo-1", &[vec![1; 40_000]], 0), mo("mo-2", &[vec![2; 300]], 0));
    bed.accept_mo(owed.clone()).await.unwrap();
    bed.accept_mo(done.clone()).await.unwrap();
    let callbacks = bed.callbacks(0).await;
    let delivered = callbacks.iter().find(|callback| callback.message == done.id).unwrap().id;
    bed.settle_callback(delivered, ME, CallbackOutcome::Delivered, at(1)).await.unwrap();
    let swept = bed.sweep(at(100), at(50), 10).await;
    assert_eq!(swept, Ok(Swept { media: 1, messages: 1, ..Swept::default() }));
    assert_eq!(bed.media(done.id).await, Err(StoreError::NotFound("message")));
    assert_eq!(bed.media(owed.id).await, Ok(owed.media));
    assert!(bed.newest_id().await.unwrap() >= Some(done.id));
}
