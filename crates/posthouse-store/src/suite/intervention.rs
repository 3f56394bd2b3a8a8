//! What an operator does by hand.

use mm7::MmStatus;
use posthouse_core::{
    Id,
    account::AccountName,
    carrier::CarrierId,
    life::intervention::{
        CallbackKind, CallbackSays, FailedFilter, Intervention, LeftAlone, Ruling as Verdict,
    },
    life::state::{State, Terminal},
    message::EventKind,
    store::{CallbackOutcome, FirstAttempt, NewMessage, NewMo, StoreError},
};

use super::{
    Backend,
    bed::{
        Bed, LEASE, ME, OTHER, acme, again, at, lease, message, mo, operator, report, status, taken, unknown,
    },
};

const REQUEUE: Intervention = Intervention::Requeue { parked: false };
const REQUEUE_PARKED: Intervention = Intervention::Requeue { parked: true };
const DONE: Verdict = Ok(());

/// Does it to one message.
async fn intervene(bed: &Bed, id: Id, intervention: Intervention, now: i64) -> Verdict {
    bed.intervene(&[id], intervention, &operator(), at(now)).await.unwrap()[0]
}

/// A message whose last attempt, at 0, failed; the next is due at 300.
async fn waiting(bed: &Bed) -> Id {
    let id = bed.sending(0).await;
    bed.settle_mine(id, again(0, 300), 0).await;
    id
}

/// The last line of a message's timeline.
async fn last_line(bed: &Bed, id: Id) -> (EventKind, String) {
    bed.events(id).await.pop().unwrap()
}

/// Due at once, and it says so.
pub async fn a_waiting_message_is_requeued(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = waiting(&bed).await;
    assert_eq!(bed.send_ids(OTHER, 10).await, []);
    assert_eq!(intervene(&bed, id, REQUEUE, 10).await, DONE);
    assert_eq!(last_line(&bed, id).await, (EventKind::Operator, "requeued by operator".into()));
    assert_eq!(bed.due(at(10)).await.unwrap().carriers.len(), 1);
    let sends = bed.sends(ME, 10).await;
    assert_eq!((sends[0].id, sends[0].attempts), (id, 1));
    bed.begin_mine(id, 10).await;
    assert_eq!(bed.settle_mine(id, taken("c-1", 11), 11).await.state, State::Forwarded);
}

/// It may have arrived: only with that in mind.
pub async fn a_parked_message_is_requeued_when_asked_for(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.parked(0).await;
    assert_eq!(intervene(&bed, id, REQUEUE, 10).await, Err(LeftAlone::Parked));
    assert_eq!((bed.state(id).await, last_line(&bed, id).await.0), (State::Parked, EventKind::Parked));
    assert_eq!(intervene(&bed, id, REQUEUE_PARKED, 10).await, DONE);
    assert_eq!(bed.state(id).await, State::Accepted);
    let said = "requeued by operator, though it may have arrived";
    assert_eq!(last_line(&bed, id).await, (EventKind::Operator, said.into()));
    assert_eq!(bed.send_ids(ME, 10).await, [id]);
    bed.begin_mine(id, 10).await;
    bed.settle_mine(id, unknown(11), 11).await;
    assert_eq!(bed.state(id).await, State::Parked, "and it may be parked again");
}

/// It did arrive, as a report says before it goes again.
pub async fn a_report_keeps_what_was_requeued_from_being_sent(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.parked(0).await;
    assert_eq!(intervene(&bed, id, REQUEUE_PARKED, 10).await, DONE);
    let settled = bed.reported(id, report("c-1", MmStatus::Retrieved, 11)).await;
    assert_eq!(settled.state, State::Ended(Terminal::Retrieved));
    assert_eq!(bed.send_ids(ME, 11).await, []);
}

/// Each with its reason.
pub async fn what_is_not_waiting_is_left_alone(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let (ended, forwarded) = (bed.finished("c-1", 0).await, bed.forwarded("c-2", 0).await);
    let new = message(0);
    let (due, nobody) = (new.id, Id::from_number(17).unwrap());
    bed.accept(&new).await.unwrap();
    let ids = [ended, forwarded, due, nobody];
    let expected = [LeftAlone::Ended, LeftAlone::WithCarrier, LeftAlone::Due, LeftAlone::Unknown];
    let verdicts = bed.intervene(&ids, REQUEUE_PARKED, &operator(), at(10)).await.unwrap();
    assert_eq!(verdicts, expected.map(Err));
    let overdue = 3 * 86_400;
    assert_eq!(intervene(&bed, due, REQUEUE, overdue).await, Err(LeftAlone::Overdue));
    for (id, reason) in [(ended, LeftAlone::Ended), (forwarded, LeftAlone::WithCarrier)] {
        let timeline = bed.events(id).await;
        assert_eq!(intervene(&bed, id, Intervention::Expire, 10).await, Err(reason));
        assert_eq!(bed.events(id).await, timeline);
    }
}

/// Its owner is about to send it, is sending it, or settles its timer.
pub async fn what_is_in_hand_is_left_alone(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let (leased, sending, parked) = (bed.accept_mine(0).await, bed.sending(0).await, bed.parked(-4000).await);
    assert_eq!(bed.timers(ME, 0).await.len(), 1);
    for intervention in [REQUEUE, REQUEUE_PARKED, Intervention::Expire] {
        let verdicts =
            bed.intervene(&[leased, sending, parked], intervention, &operator(), at(10)).await.unwrap();
        assert_eq!(verdicts, [Err(LeftAlone::InHand); 3], "{intervention:?}");
    }
    bed.begin_mine(leased, 11).await;
    for id in [leased, sending] {
        assert_eq!(bed.settle_mine(id, taken(&id.to_string(), 12), 12).await.state, State::Forwarded);
    }
    assert!(matches!(
        bed.intervene(&[sending], REQUEUE, &operator(), at(13)).await.unwrap()[..],
        [Err(LeftAlone::WithCarrier)]
    ));
}

/// And who held it learns that it is lost.
pub async fn a_lapsed_lease_keeps_nobody_from_intervening(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.accept_mine(0).await;
    assert_eq!(intervene(&bed, id, Intervention::Expire, LEASE).await, DONE);
    let begun = bed.begin(id, ME, "vzw-1", at(LEASE + 10), at(LEASE)).await;
    assert_eq!(begun, Err(StoreError::LostLease));
    assert_eq!(bed.state(id).await, State::Ended(Terminal::Expired));
}

/// As when its time had passed.
pub async fn an_expired_message_ends_and_its_report_is_owed(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let mut silent = message(0);
    silent.submission.delivery_report = false;
    let (id, other) = (waiting(&bed).await, silent.id);
    bed.accept(&silent).await.unwrap();
    assert_eq!(
        bed.intervene(&[id, other], Intervention::Expire, &operator(), at(10)).await,
        Ok(vec![DONE, DONE])
    );
    for id in [id, other] {
        assert_eq!(bed.state(id).await, State::Ended(Terminal::Expired));
        let lines = bed.events(id).await;
        let expected =
            [(EventKind::Operator, "expired by operator".into()), (EventKind::Ended, "Expired".into())];
        assert_eq!(lines[lines.len() - 2..], expected);
    }
    assert_eq!(bed.send_ids(ME, 1000).await, []);
    let callbacks = bed.callbacks(10).await;
    let told: Vec<_> = callbacks.iter().map(|callback| (callback.message, status(callback))).collect();
    assert_eq!(told, [(id, MmStatus::Expired)]);
    assert_eq!(intervene(&bed, id, Intervention::Expire, 11).await, Err(LeftAlone::Ended), "once");
}

/// A report that comes after all is recorded, and changes nothing.
pub async fn a_parked_message_can_be_expired(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.parked(0).await;
    assert_eq!(intervene(&bed, id, Intervention::Expire, 10).await, DONE);
    assert_eq!(bed.statuses(10).await, [MmStatus::Expired]);
    assert_eq!(bed.timers(ME, 100_000).await, []);
    bed.record_report(report("c-1", MmStatus::Retrieved, 20)).await.unwrap();
    assert_eq!(bed.state(id).await, State::Ended(Terminal::Expired));
}

/// It says what doing would.
pub async fn looking_changes_nothing(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let (waiting, parked, sending) = (waiting(&bed).await, bed.parked(0).await, bed.sending(0).await);
    let ids = [waiting, parked, sending];
    let before = (bed.message(waiting).await, bed.events(waiting).await, bed.events(parked).await);
    let looked = bed.judge(&ids, REQUEUE, at(10)).await.unwrap();
    assert_eq!(looked, [DONE, Err(LeftAlone::Parked), Err(LeftAlone::InHand)]);
    let looked = bed.judge(&ids, Intervention::Expire, at(10)).await.unwrap();
    assert_eq!(looked, [DONE, DONE, Err(LeftAlone::InHand)]);
    let after = (bed.message(waiting).await, bed.events(waiting).await, bed.events(parked).await);
    assert_eq!(before, after);
    assert_eq!(bed.intervene(&ids, Intervention::Expire, &operator(), at(10)).await.unwrap(), looked);
}

/// Fails the callbacks that are due for good.
async fn fail_all(bed: &Bed, now: i64) {
    for callback in bed.callbacks(now).await {
        let failed = CallbackOutcome::Failed { said: "HTTP 500".into() };
        bed.settle_callback(callback.id, ME, failed, at(now)).await.unwrap();
    }
}

/// The ids of all that failed, oldest first.
async fn failed(bed: &Bed) -> Vec<Id> {
    let failed = bed.failed_callbacks(&FailedFilter::default(), 100).await.unwrap();
    failed.iter().rev().map(|callback| callback.id).collect()
}

/// Due at once, and it says so.
pub async fn a_failed_report_is_sent_again_with_all_its_tries(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.finished("c-1", 0).await;
    bed.forwarded("c-2", 1).await;
    fail_all(&bed, 2).await;
    assert_eq!(bed.callbacks(1000).await, []);
    let all = bed.failed_callbacks(&FailedFilter::default(), 100).await.unwrap();
    let [one] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!(
        (one.says, one.at, one.attempts, one.superseded),
        (CallbackSays::Report(MmStatus::Forwarded), at(1), 1, false)
    );
    assert_eq!((&one.account, one.carrier.as_str()), (&acme(), "31003"));
    assert_ne!(one.message, id);
    assert_eq!(bed.resend(&[one.id], &operator(), at(1000)).await, Ok(vec![one.id]));
    assert_eq!(
        last_line(&bed, one.message).await,
        (EventKind::Operator, "Forwarded: sent again by operator".into())
    );
    assert_eq!(bed.due(at(1000)).await.unwrap().accounts, [acme()]);
    let callbacks = bed.callbacks(1000).await;
    assert_eq!((callbacks[0].id, callbacks[0].attempts, callbacks[0].at), (one.id, 0, at(1)));
    assert_eq!(bed.resend(&[one.id], &operator(), at(1001)).await, Ok(vec![]), "it has not failed any more");
    bed.delivered(&callbacks[0], 1002).await;
    assert_eq!(failed(&bed).await, []);
}

/// Its media are kept as long as it is owed.
pub async fn a_failed_message_from_a_handset_is_sent_again(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let new = mo("mo-1", &[vec![1; 300]], 0);
    bed.accept_mo(new.clone()).await.unwrap();
    fail_all(&bed, 1).await;
    let all = bed.failed_callbacks(&FailedFilter::default(), 100).await.unwrap();
    assert_eq!((all[0].message, all[0].says, all[0].superseded), (new.id, CallbackSays::Mo, false));
    assert_eq!(bed.resend(&[all[0].id], &operator(), at(5)).await, Ok(vec![all[0].id]));
    assert_eq!(bed.sweep(at(100), at(100), 10).await.unwrap().media, 0);
    assert_eq!(bed.callbacks(5).await[0].message, new.id);
    assert_eq!(bed.media(new.id).await, Ok(new.media));
}

/// However they are named.
pub async fn failed_reports_of_a_message_go_in_order(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.forwarded("c-1", 0).await;
    fail_all(&bed, 1).await;
    bed.reported(id, report("c-1", MmStatus::Deferred, 2)).await;
    fail_all(&bed, 3).await;
    let mut both = failed(&bed).await;
    both.reverse();
    assert_eq!(bed.resend(&both, &operator(), at(10)).await.unwrap().len(), 2);
    let first = bed.callbacks(10).await;
    assert_eq!(first.iter().map(status).collect::<Vec<_>>(), [MmStatus::Forwarded]);
    bed.delivered(&first[0], 11).await;
    assert_eq!(bed.statuses(11).await, [MmStatus::Deferred]);
}

/// Only what the message came to.
pub async fn a_superseded_report_is_not_sent_again(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.forwarded("c-1", 0).await;
    fail_all(&bed, 1).await;
    bed.reported(id, report("c-1", MmStatus::Retrieved, 2)).await;
    fail_all(&bed, 3).await;
    let all = bed.failed_callbacks(&FailedFilter::default(), 100).await.unwrap();
    assert_eq!(all.iter().map(|one| one.superseded).collect::<Vec<_>>(), [false, true]);
    assert_eq!(bed.resend(&failed(&bed).await, &operator(), at(10)).await, Ok(vec![all[0].id]));
    assert_eq!(bed.statuses(10).await, [MmStatus::Retrieved]);
}

/// One at a time for each message.
pub async fn a_resent_report_waits_for_what_is_owed(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.forwarded("c-1", 0).await;
    fail_all(&bed, 1).await;
    bed.reported(id, report("c-1", MmStatus::Deferred, 2)).await;
    assert_eq!(bed.resend(&failed(&bed).await, &operator(), at(3)).await.unwrap().len(), 1);
    let first = bed.callbacks(3).await;
    assert_eq!(first.iter().map(status).collect::<Vec<_>>(), [MmStatus::Deferred]);
    bed.delivered(&first[0], 4).await;
    assert_eq!(bed.statuses(4).await, [MmStatus::Forwarded]);
}

/// Each by itself; the newest comes first, and pages go by key.
pub async fn every_filter_of_failed_callbacks_filters(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let globex = AccountName("globex".into());
    let other = CarrierId("031003".into());
    let report = bed.forwarded("c-1", 0).await;
    let from_handset = NewMo { carrier: other.clone(), ..mo("mo-1", &[], 100) };
    bed.accept_mo(from_handset.clone()).await.unwrap();
    let theirs = NewMessage {
        account: globex.clone(),
        first_attempt: FirstAttempt::Leased(lease(ME, 200)),
        ..message(200)
    };
    bed.accept(&theirs).await.unwrap();
    bed.begin_mine(theirs.id, 200).await;
    bed.settle_mine(theirs.id, taken("c-2", 200), 200).await;
    fail_all(&bed, 201).await;
    for callback in bed.lease_callbacks(&globex, lease(ME, 201), at(201), 10).await.unwrap() {
        let failed = CallbackOutcome::Failed { said: "".into() };
        bed.settle_callback(callback.id, ME, failed, at(201)).await.unwrap();
    }
    let any = FailedFilter::default();
    let mine = from_handset.id;
    for (filter, expected) in [
        (any.clone(), vec![theirs.id, mine, report]),
        (FailedFilter { account: Some(globex), ..any.clone() }, vec![theirs.id]),
        (FailedFilter { carrier: Some(other), ..any.clone() }, vec![mine]),
        (FailedFilter { since: Some(at(100)), ..any.clone() }, vec![theirs.id, mine]),
        (FailedFilter { before: Some(at(100)), ..any.clone() }, vec![report]),
        (FailedFilter { kind: Some(CallbackKind::Mo), ..any.clone() }, vec![mine]),
        (FailedFilter { kind: Some(CallbackKind::Report), ..any.clone() }, vec![theirs.id, report]),
        (FailedFilter { messages: vec![mine, report], ..any.clone() }, vec![mine, report]),
    ] {
        let found = bed.failed_callbacks(&filter, 10).await.unwrap();
        assert_eq!(found.iter().map(|one| one.message).collect::<Vec<_>>(), expected, "{filter:?}");
    }
    let first = bed.failed_callbacks(&any, 2).await.unwrap();
    let next = FailedFilter { below: first.last().map(|one| one.id), ..any };
    assert_eq!(bed.failed_callbacks(&next, 2).await.unwrap()[0].message, report);
}
