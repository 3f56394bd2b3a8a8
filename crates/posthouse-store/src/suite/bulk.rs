//! Operations in bulk, and messages that are sent again as new ones.

use std::collections::BTreeMap;

use mm7::MmStatus;
use posthouse_core::{
    Id,
    audit::AuditFilter,
    carrier::CarrierId,
    life::{intervention::LeftAlone, read_reply::ReadStatus, reroute::RerouteTarget, state::State},
    message::{NextConnection, Resubmission},
    operation::{BulkOperation, NotStarted, OperationSpec, OperationState, OperationVerb},
    store::{CallbackBody, NewMessage, OperationPage, StoreError},
};

use super::{
    Backend,
    bed::{Bed, LEASE, ME, OTHER, at, carrier, lease, message, operator, read_reply, report},
};

fn planned(number: i64, verb: OperationVerb, count: u64) -> BulkOperation {
    let by = operator();
    BulkOperation {
        number,
        spec: OperationSpec {
            verb,
            parked: false,
            carrier: None,
            via: Some("vzw-2".into()),
            reports: false,
            selection: "{}".into(),
            ids: Vec::new(),
        },
        state: OperationState::Planned,
        by: by.name,
        role: by.role,
        reason: None,
        created_at: at(number),
        below: i64::MAX,
        count,
        judged: count,
        first: vec![1, 2],
        would_leave_alone: BTreeMap::from([("ended".into(), 1)]),
        started_at: None,
        ended_at: None,
        cursor: None,
        looked_at: 0,
        done: 0,
        left_alone: BTreeMap::new(),
    }
}

fn id(number: i64) -> Id {
    Id::from_number(number).unwrap()
}

fn page(ids: &[Id], next: Option<Id>) -> OperationPage {
    OperationPage { ids: ids.to_vec(), refused: Vec::new(), outcomes: Vec::new(), next }
}

/// By a caller that knows how many it is about; and all of it is there after a restart.
pub async fn an_operation_is_planned_started_and_cancelled(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let (one, two) = (planned(1, OperationVerb::Requeue, 3), planned(2, OperationVerb::Expire, 5));
    bed.plan_operation(&one).await.unwrap();
    bed.plan_operation(&two).await.unwrap();
    assert_eq!(bed.operations(None, 9).await.unwrap(), [two.clone(), one.clone()]);
    assert_eq!(bed.operations(Some(id(2)), 9).await.unwrap(), std::slice::from_ref(&one));
    assert_eq!(bed.lease_operation(lease(ME, 3), at(3)).await, Ok(None), "none was started");
    let by = operator().because("so said the carrier");
    let start = async |number, expected| bed.start_operation(id(number), expected, &by, at(3)).await.unwrap();
    assert_eq!(start(9, 3).await, Err(NotStarted::Unknown));
    assert_eq!(start(1, 4).await, Err(NotStarted::Count(3)));
    let started = start(1, 3).await.unwrap();
    assert_eq!(started.reason.as_deref(), Some("so said the carrier"));
    assert_eq!(start(1, 3).await, Err(NotStarted::State(OperationState::Running)));
    let cancelled = bed.cancel_operation(id(2), &by, at(4)).await.unwrap().unwrap();
    assert_eq!((cancelled.state, cancelled.ended_at), (OperationState::Cancelled, Some(at(4))));
    let bed = bed.reopen(backend).await;
    assert_eq!(bed.operation(id(1)).await, Ok(Some(started.clone())));
    assert_eq!(bed.lease_operation(lease(ME, 5), at(5)).await, Ok(Some(started)));
    assert_eq!(bed.lease_operation(lease(OTHER, 5), at(5)).await, Ok(None), "it is in hand");
}

/// With what came of each message, and nothing of it twice.
pub async fn a_page_is_carried_out_once(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let waiting = message(0);
    bed.accept(&waiting).await.unwrap();
    let over = bed.finished("c-1", 0).await;
    bed.plan_operation(&planned(1, OperationVerb::Expire, 2)).await.unwrap();
    bed.start_operation(id(1), 2, &operator(), at(1)).await.unwrap().unwrap();
    let both = page(&[waiting.id, over], None);
    let early = bed.run_operation(id(1), lease(ME, 1), &both, at(1)).await;
    assert_eq!(early, Err(StoreError::LostLease), "it was not leased");
    bed.lease_operation(lease(ME, 1), at(1)).await.unwrap();
    let not_ours = bed.run_operation(id(1), lease(OTHER, 1), &both, at(1)).await;
    assert_eq!(not_ours, Err(StoreError::LostLease));
    let after = bed.run_operation(id(1), lease(ME, 2), &both, at(2)).await.unwrap();
    assert_eq!((after.looked_at, after.done, after.state), (2, 1, OperationState::Done));
    assert_eq!(after.left_alone, BTreeMap::from([("ended".into(), 1)]));
    assert!(bed.state(waiting.id).await.is_terminal());
    let again = bed.run_operation(id(1), lease(ME, 2), &both, at(2)).await;
    assert_eq!(again, Err(StoreError::LostLease), "it does not run any more");
    let items = bed.operation_items(id(1), None, 9).await.unwrap();
    let mut told: Vec<_> = items.iter().map(|item| (item.message, item.outcome.as_str())).collect();
    told.sort_unstable();
    let mut expected = [(waiting.id, "done"), (over, "ended")];
    expected.sort_unstable();
    assert_eq!(told, expected);
    assert_eq!(bed.operation_items(id(1), Some(items[0].message), 9).await.unwrap(), items[1..]);
}

/// Where it broke off; and not once it is cancelled.
pub async fn what_was_leased_goes_on_when_its_owner_is_silent(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    bed.plan_operation(&planned(1, OperationVerb::Requeue, 0)).await.unwrap();
    bed.start_operation(id(1), 0, &operator(), at(0)).await.unwrap().unwrap();
    bed.lease_operation(lease(ME, 0), at(0)).await.unwrap().unwrap();
    let first = bed.run_operation(id(1), lease(ME, 10), &page(&[], Some(id(77))), at(10)).await.unwrap();
    assert_eq!(first.cursor, Some(77));
    assert_eq!(bed.lease_operation(lease(OTHER, 9 + LEASE), at(9 + LEASE)).await, Ok(None));
    let taken = bed.lease_operation(lease(OTHER, 10 + LEASE), at(10 + LEASE)).await.unwrap();
    assert_eq!(taken, Some(first));
    let late = bed.run_operation(id(1), lease(ME, 80), &page(&[], None), at(80)).await;
    assert_eq!(late, Err(StoreError::LostLease));
    bed.release_operation(id(1), OTHER).await.unwrap();
    assert!(bed.lease_operation(lease(ME, 80), at(80)).await.unwrap().is_some());
    bed.cancel_operation(id(1), &operator(), at(81)).await.unwrap().unwrap();
    let cancelled = bed.run_operation(id(1), lease(ME, 82), &page(&[], None), at(82)).await;
    assert_eq!(cancelled, Err(StoreError::LostLease));
    assert_eq!(bed.lease_operation(lease(ME, 999), at(999)).await, Ok(None));
}

/// What was delivered, once more, in its order; what failed, too; and nothing that is not owed any more.
pub async fn what_was_reported_is_owed_once_more(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let told = bed.forwarded("c-1", 0).await;
    for callback in bed.callbacks(0).await {
        bed.delivered(&callback, 0).await;
    }
    bed.record_read_reply(read_reply("c-1", ReadStatus::Read, 1)).await.unwrap();
    bed.reported(told, report("c-1", MmStatus::Retrieved, 2)).await;
    for now in [3, 4] {
        for callback in bed.callbacks(now).await {
            bed.delivered(&callback, now).await;
        }
    }
    let silent = message(5);
    bed.accept(&silent).await.unwrap();
    bed.plan_operation(&planned(1, OperationVerb::ResendReports, 2)).await.unwrap();
    bed.start_operation(id(1), 2, &operator(), at(6)).await.unwrap().unwrap();
    bed.lease_operation(lease(ME, 6), at(6)).await.unwrap().unwrap();
    let both = page(&[silent.id, told], Some(id(1)));
    let after = bed.run_operation(id(1), lease(ME, 7), &both, at(7)).await.unwrap();
    assert_eq!((after.done, after.left_alone), (1, BTreeMap::from([("nothing_reported".into(), 1)])));
    let again = bed.run_operation(id(1), lease(ME, 7), &page(&[told], None), at(7)).await.unwrap();
    assert_eq!(again.left_alone.get("nothing_reported"), Some(&2), "it is owed already");
    let mut says = Vec::new();
    for now in [8, 9, 10] {
        for callback in bed.callbacks(now).await {
            assert_eq!(callback.message, told);
            says.push(match &callback.body {
                CallbackBody::Report { status, .. } => status.as_str().to_owned(),
                CallbackBody::ReadReply { status, .. } => format!("read reply {status}"),
                CallbackBody::Mo(_) => panic!("{callback:?}"),
            });
            bed.delivered(&callback, now).await;
        }
    }
    assert_eq!(says, ["read reply Read", "Retrieved"], "Forwarded is not owed any more");
}

fn again(of: Id, reports: bool, now: i64) -> NewMessage {
    let mut new = message(now);
    new.submission.resubmission = Some(Resubmission { of: of.number(), reports });
    new.submission.via = Some(NextConnection { connection: "vzw-2".into(), attempts: 0 });
    new
}

/// As one new message, ever; the ended one stays as it ended.
pub async fn what_has_ended_is_sent_again_once(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let (over, running) = (bed.finished("c-1", 0).await, bed.forwarded("c-2", 0).await);
    let by = operator();
    let state = bed.state(over).await;
    let resubmit = async |operation: Option<i64>, new: &NewMessage| {
        bed.resubmit(operation.map(id), new, &by, at(5)).await.unwrap()
    };
    assert_eq!(resubmit(Some(1), &again(running, false, 5)).await, Err(LeftAlone::NotEnded));
    assert_eq!(resubmit(Some(1), &again(id(7), false, 5)).await, Err(LeftAlone::Unknown));
    let new = again(over, false, 5);
    assert_eq!(resubmit(Some(1), &new).await, Ok(new.id));
    assert_eq!(resubmit(Some(1), &again(over, false, 6)).await, Ok(new.id), "the same operation goes on");
    assert_eq!(resubmit(Some(2), &again(over, false, 6)).await, Err(LeftAlone::Resubmitted));
    assert_eq!(resubmit(None, &again(over, false, 6)).await, Err(LeftAlone::Resubmitted));
    assert_eq!((bed.state(over).await, bed.state(new.id).await), (state, State::Accepted));
    let line = bed.events(over).await.pop().unwrap().1;
    assert_eq!(line, format!("sent again by operator as {}", new.id));
    let sends = bed.sends(ME, 6).await;
    assert_eq!((sends.len(), sends[0].id), (1, new.id));
    assert_eq!(sends[0].submission.wanted_connection(sends[0].attempts), Some("vzw-2"));
    assert_eq!(sends[0].submission.wanted_connection(1), None, "once");
}

/// And not otherwise.
pub async fn a_message_that_is_sent_again_owes_reports_where_they_are_wanted(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    for (number, reports) in [(1, false), (2, true)] {
        let over = bed.finished(&format!("c-{number}"), 0).await;
        let new = again(over, reports, 5);
        bed.resubmit(None, &new, &operator(), at(5)).await.unwrap().unwrap();
        assert_eq!(bed.send_ids(ME, 6).await, [new.id]);
        bed.begin_mine(new.id, 6).await;
        let name = format!("new-{number}");
        bed.settle_mine(new.id, super::bed::taken(&name, 7), 7).await;
        let settled = bed.reported(new.id, report(&name, MmStatus::Retrieved, 8)).await;
        assert_eq!(settled.owes_report, reports);
        let owed = bed.callbacks(9).await;
        assert_eq!(owed.iter().any(|callback| callback.message == new.id), reports);
        for callback in &owed {
            bed.delivered(callback, 9).await;
        }
    }
}

/// For the next attempt alone, which is due at once.
pub async fn a_rerouted_message_wants_its_connection(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let tried = bed.sending(0).await;
    bed.settle_mine(tried, super::bed::again(1, 1000), 1).await;
    bed.plan_operation(&planned(1, OperationVerb::Reroute, 1)).await.unwrap();
    bed.start_operation(id(1), 1, &operator(), at(2)).await.unwrap().unwrap();
    bed.lease_operation(lease(ME, 2), at(2)).await.unwrap().unwrap();
    let after = bed.run_operation(id(1), lease(ME, 3), &page(&[tried], None), at(3)).await.unwrap();
    assert_eq!(after.done, 1);
    let sends = bed.sends(ME, 3).await;
    assert_eq!((sends.len(), sends[0].id, sends[0].attempts), (1, tried, 1));
    assert_eq!(sends[0].submission.wanted_connection(1), Some("vzw-2"));
    assert_eq!(sends[0].submission.wanted_connection(2), None);
}

/// With what is counted of it, and nothing of the carrier before; what was parked only where that is asked for.
pub async fn a_rerouted_message_goes_to_its_new_carrier(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let other = CarrierId("031003".into());
    let to = RerouteTarget { carrier: Some(other.clone()), connection: Some("two".into()) };
    let tried = bed.sending(0).await;
    bed.settle_mine(tried, super::bed::again(1, 1000), 1).await;
    let parked = bed.parked(1).await;
    let at_carrier = bed.forwarded("c-1", 1).await;
    let ids = [tried, parked, at_carrier];
    let reroute = async |parked, now| bed.reroute(&ids, &to, parked, &operator(), at(now)).await.unwrap();
    assert_eq!(reroute(false, 2).await, [Ok(()), Err(LeftAlone::Parked), Err(LeftAlone::WithCarrier)]);
    assert_eq!(
        reroute(true, 3).await,
        [Ok(()), Ok(()), Err(LeftAlone::WithCarrier)],
        "again, and what is parked"
    );
    let bed = bed.reopen(backend).await;
    let depths = bed.queues(at(3)).await.unwrap().depths;
    let of = |carrier: &CarrierId| {
        let of_it = depths.iter().find(|depth| depth.carrier == *carrier);
        of_it.map(|depth| (depth.waiting, depth.parked, depth.at_carrier))
    };
    assert_eq!((of(&other), of(&carrier())), (Some((2, 0, 0)), Some((0, 0, 1))));
    assert_eq!(bed.send_ids(ME, 3).await, [], "nothing is left for the one before");
    let sends = bed.lease_sends(&other, lease(ME, 3), at(3), None, 100).await.unwrap();
    let mut found: Vec<Id> = sends.iter().map(|send| send.id).collect();
    found.sort_unstable();
    assert_eq!(found, [tried, parked]);
    assert!(sends.iter().all(|send| send.submission.wanted_connection(send.attempts) == Some("two")));
    assert_eq!(bed.message(parked).await.unwrap().unwrap().carrier, other);
    let line = bed.events(parked).await.pop().unwrap().1;
    assert_eq!(line, "rerouted by operator to carrier 031003, connection two, though it may have arrived");
    let audit = bed.audit(&AuditFilter::default(), 1).await.unwrap().remove(0);
    assert_eq!(audit.entry.after.as_deref(), Some("Accepted, carrier 031003, connection two"));
}

/// The others are done.
pub async fn what_is_refused_of_a_page_is_left_as_it_is(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let (kept, gone) = (bed.sending(0).await, bed.sending(0).await);
    for id in [kept, gone] {
        bed.settle_mine(id, super::bed::again(1, 1000), 1).await;
    }
    let mut operation = planned(1, OperationVerb::Reroute, 2);
    operation.spec.carrier = Some(CarrierId("031003".into()));
    bed.plan_operation(&operation).await.unwrap();
    bed.start_operation(id(1), 2, &operator(), at(2)).await.unwrap().unwrap();
    bed.lease_operation(lease(ME, 2), at(2)).await.unwrap().unwrap();
    let page = OperationPage { refused: vec![(kept, LeftAlone::NotReached)], ..page(&[gone, kept], None) };
    let after = bed.run_operation(id(1), lease(ME, 3), &page, at(3)).await.unwrap();
    assert_eq!((after.done, after.left_alone), (1, BTreeMap::from([("not_reached".to_owned(), 1)])));
    let carrier_of = async |id| bed.message(id).await.unwrap().unwrap().carrier;
    assert_eq!((carrier_of(kept).await, carrier_of(gone).await), (carrier(), CarrierId("031003".into())));
}
