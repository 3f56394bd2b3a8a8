//! Accepting messages.

use jiff::Timestamp;
use mm7::{MmStatus, StatusCode};
use posthouse_core::{
    account::AccountName,
    life::state::State,
    message::{Digest, EventKind},
    store::{Acceptance, FirstAttempt, NewMessage, Settlement, StoreError},
};

use super::{
    Backend,
    bed::{Bed, ME, at, carrier, lease, message, with_media},
};

/// Repeats a message under another id.
fn repetition(of: &NewMessage, now: i64, since: Option<Timestamp>) -> NewMessage {
    let mut submission = of.submission.clone();
    submission.notes.clear();
    let fresh = message(now);
    NewMessage { submission, account: of.account.clone(), digest: of.digest, repeats_since: since, ..fresh }
}

/// What was accepted is what is read.
pub async fn accepted_messages_read_back_as_they_were(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let new = with_media(message(0), &[b"<smil/>".to_vec()]);
    assert_eq!(bed.accept(&new).await, Ok(Acceptance::Fresh));
    let read = bed.message(new.id).await.unwrap().unwrap();
    assert_eq!(read.id, new.id);
    assert_eq!(read.account, new.account);
    assert_eq!(read.carrier, carrier());
    assert_eq!(read.submission, new.submission);
    assert_eq!(read.state, State::Accepted);
    assert_eq!((read.reason, read.carrier_message_id, read.attempts), (None, None, 0));
    assert_eq!((read.accepted_at, read.changed_at), (at(0), at(0)));
}

/// No error: nobody says that it ever existed.
pub async fn an_unknown_message_is_none(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    assert_eq!(bed.message(message(0).id).await, Ok(None));
    assert_eq!(bed.timeline(message(0).id).await, Ok(None));
}

/// Same account, TransactionID and content: nothing is stored, and the first one is named.
pub async fn a_repetition_is_the_first_message(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let first = message(0);
    bed.accept(&first).await.unwrap();
    let second = repetition(&first, 5, Some(at(-10)));
    assert_eq!(bed.accept(&second).await, Ok(Acceptance::Repeats(first.id)));
    assert_eq!(bed.message(second.id).await, Ok(None));
    let third = repetition(&first, 9, Some(at(-10)));
    assert_eq!(bed.accept(&third).await, Ok(Acceptance::Repeats(first.id)));
}

/// A repetition can be told before it is handed in, as `accept` would tell it.
pub async fn a_repetition_is_known_beforehand(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let first = message(0);
    let (account, id) = (first.account.clone(), first.submission.transaction_id.clone());
    assert_eq!(bed.repeated(&account, &id, first.digest, at(-10)).await, Ok(None));
    bed.accept(&first).await.unwrap();
    assert_eq!(bed.repeated(&account, &id, first.digest, at(0)).await, Ok(Some(first.id)));
    assert_eq!(bed.repeated(&account, &id, first.digest, at(1)).await, Ok(None));
    assert_eq!(bed.repeated(&account, &id, Digest([8; 16]), at(0)).await, Ok(None));
    assert_eq!(bed.repeated(&account, "another", first.digest, at(0)).await, Ok(None));
    assert_eq!(bed.repeated(&AccountName("globex".into()), &id, first.digest, at(0)).await, Ok(None));
}

/// The same TransactionID with other content is a message of its own.
pub async fn another_body_is_another_message(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let first = message(0);
    bed.accept(&first).await.unwrap();
    let second = NewMessage { digest: Digest([8; 16]), ..repetition(&first, 1, Some(at(-10))) };
    assert_eq!(bed.accept(&second).await, Ok(Acceptance::Fresh));
}

/// Accounts choose their TransactionIDs without asking each other.
pub async fn another_account_is_another_message(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let first = message(0);
    bed.accept(&first).await.unwrap();
    let second = NewMessage { account: AccountName("globex".into()), ..repetition(&first, 1, Some(at(-10))) };
    assert_eq!(bed.accept(&second).await, Ok(Acceptance::Fresh));
}

/// What was accepted before the time given is no longer repeated; what was accepted at it is.
pub async fn an_old_message_is_not_repeated(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let first = message(0);
    bed.accept(&first).await.unwrap();
    let late = repetition(&first, 100, Some(at(1)));
    assert_eq!(bed.accept(&late).await, Ok(Acceptance::Fresh));
    let later = repetition(&first, 101, Some(at(0)));
    assert_eq!(bed.accept(&later).await, Ok(Acceptance::Repeats(first.id)));
    let last = repetition(&first, 102, Some(at(100)));
    assert_eq!(bed.accept(&last).await, Ok(Acceptance::Repeats(late.id)));
}

/// Two at once: one is accepted, the other repeats it.
pub async fn repetitions_in_flight_are_found(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let first = NewMessage { repeats_since: Some(at(-10)), ..message(0) };
    let second = repetition(&first, 0, Some(at(-10)));
    let ids = (first.id, second.id);
    let (one, other) = tokio::join!(bed.accept(&first), bed.accept(&second));
    let outcomes = (one.unwrap(), other.unwrap());
    let expected =
        [(Acceptance::Fresh, Acceptance::Repeats(ids.0)), (Acceptance::Repeats(ids.1), Acceptance::Fresh)];
    assert!(expected.contains(&outcomes), "{outcomes:?}");
}

/// Without `repeats_since` nothing is a repetition.
pub async fn repetitions_may_be_switched_off(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let first = message(0);
    bed.accept(&first).await.unwrap();
    assert_eq!(bed.accept(&repetition(&first, 1, None)).await, Ok(Acceptance::Fresh));
}

/// An id that is taken is an error, and the message that has it stays as it is.
pub async fn an_id_is_taken_once(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let first = message(0);
    bed.accept(&first).await.unwrap();
    let second = NewMessage { id: first.id, ..message(1) };
    assert!(matches!(bed.accept(&second).await, Err(StoreError::NotDone(_))));
    let kept = bed.message(first.id).await.unwrap().unwrap();
    assert_eq!(kept.submission.transaction_id, first.submission.transaction_id);
}

/// An answer was lost on the way from the store: the same message once more is the one that is stored.
pub async fn what_was_stored_before_is_fresh(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    for repeats_since in [None, Some(at(-100))] {
        let new =
            NewMessage { repeats_since, first_attempt: FirstAttempt::Leased(lease(ME, 0)), ..message(0) };
        assert_eq!(bed.accept(&new).await, Ok(Acceptance::Fresh));
        assert_eq!(bed.accept(&new).await, Ok(Acceptance::Fresh), "{repeats_since:?}");
        let timeline = bed.timeline(new.id).await.unwrap().unwrap();
        let accepted = timeline.iter().filter(|event| event.kind == EventKind::Accepted).count();
        assert_eq!(accepted, 1, "{timeline:?}");
        bed.begin_mine(new.id, 1).await;
        assert_eq!(bed.accept(&new).await, Ok(Acceptance::Fresh), "whatever became of it");
        assert_eq!(bed.state(new.id).await, State::Sending);
    }
}

/// Likewise where nothing is a repetition of it any more.
pub async fn what_was_stored_before_and_declined_is_fresh(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let new = NewMessage {
        repeats_since: Some(at(-100)),
        first_attempt: FirstAttempt::Leased(lease(ME, 0)),
        ..message(0)
    };
    bed.accept(&new).await.unwrap();
    bed.begin_mine(new.id, 0).await;
    bed.settle_mine(new.id, Settlement::Declined { reason: StatusCode::Timeout }, 1).await;
    assert_eq!(bed.accept(&new).await, Ok(Acceptance::Fresh));
    assert!(bed.state(new.id).await.is_terminal());
    let again = NewMessage { id: message(1).id, ..new };
    assert_eq!(bed.accept(&again).await, Ok(Acceptance::Fresh), "it repeats nothing");
}

/// Accepted, what was noted, and then what happened.
pub async fn the_timeline_begins_with_what_was_noted(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.forwarded("c-1", 3).await;
    bed.reported(id, super::bed::report("c-1", MmStatus::Retrieved, 4)).await;
    let timeline = bed.timeline(id).await.unwrap().unwrap();
    let kinds: Vec<EventKind> = timeline.iter().map(|event| event.kind).collect();
    assert_eq!(
        kinds,
        [
            EventKind::Accepted,
            EventKind::Noted,
            EventKind::Sending,
            EventKind::Forwarded,
            EventKind::Ended,
            EventKind::ReportWithdrawn
        ]
    );
    assert_eq!(timeline.first().map(|event| event.at), Some(at(3)));
    assert_eq!(timeline.get(1).map(|event| event.detail.as_str()), Some("ReadReply was dropped"));
    assert_eq!(timeline.get(4).map(|event| event.at), Some(at(4)));
}
