//! Leases, attempts and how they end.

use mm7::{MmStatus, StatusCode};
use posthouse_core::{
    carrier::CarrierId,
    life::state::{State, Terminal},
    message::{EventKind, Reason},
    store::{Acceptance, FirstAttempt, NewMessage, NextStep, Settled, Settlement, StoreError, Timer},
};

use super::{
    Backend,
    bed::{
        Bed, LEASE, ME, OTHER, REPORT_TIMEOUT, again, at, carrier, lease, message, report, resend, taken,
        unknown, with_media,
    },
};

/// With a lease the accepting node sends; without one anybody may, at once.
pub async fn accepted_work_is_leased_or_due_at_once(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    bed.accept_mine(0).await;
    let free = message(0);
    bed.accept(&free).await.unwrap();
    let sends = bed.sends(OTHER, 0).await;
    assert_eq!(sends.len(), 1);
    let send = sends.first().unwrap();
    assert_eq!((send.id, &send.account, &send.carrier), (free.id, &free.account, &free.carrier));
    assert_eq!((&send.submission, send.attempts, send.unreached), (&free.submission, 0, false));
    assert_eq!(send.lease, lease(OTHER, 0));
}

/// As `media` tells them; long ones do not come by the list.
pub async fn short_media_may_come_with_a_lease(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let none = message(0);
    let short = with_media(message(0), &[b"one".to_vec(), Vec::new(), b"three".to_vec()]);
    let long = with_media(message(0), &[vec![7; 50_000], b"a caption".to_vec()]);
    let all = [none, short, long.clone()];
    for new in &all {
        bed.accept(new).await.unwrap();
    }
    let sends = bed.sends(ME, 0).await;
    assert_eq!(sends.len(), all.len());
    for (send, new) in sends.iter().zip(&all) {
        assert_eq!(send.id, new.id);
        assert_eq!(bed.media(new.id).await.as_ref(), Ok(&new.media));
        assert!(send.media.as_ref().is_none_or(|media| *media == new.media), "{send:?}");
    }
    assert_eq!(sends.last().unwrap().media, None, "long ones are to be asked for");
}

/// For people who ask why nothing happens.
pub async fn what_is_next_is_told(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.accept_mine(0).await;
    let next = async |id, now| bed.next(id, at(now)).await.unwrap();
    assert_eq!(next(id, 0).await, Some(NextStep::InHand(at(LEASE))));
    assert_eq!(next(id, LEASE).await, Some(NextStep::Attempt(at(LEASE))), "its gateway fell silent");
    bed.begin_mine(id, 1).await;
    assert_eq!(next(id, 1).await, Some(NextStep::UnderWay(at(1 + LEASE))));
    bed.settle_mine(id, again(2, 30), 2).await;
    assert_eq!(next(id, 2).await, Some(NextStep::Attempt(at(32))));
    for waiting in [bed.forwarded("c-1", 3).await, bed.parked(3).await] {
        assert_eq!(next(waiting, 3).await, Some(NextStep::Reports(at(3 + REPORT_TIMEOUT))));
    }
    assert_eq!(next(bed.finished("c-2", 4).await, 4).await, None);
    assert_eq!(next(message(5).id, 5).await, None, "there is none");
}

/// Leased work is nobody else's; when the lease ends it is.
pub async fn a_lease_keeps_others_away_till_it_ends(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.accept_mine(0).await;
    assert_eq!(bed.send_ids(OTHER, LEASE - 1).await, []);
    assert_eq!(bed.send_ids(OTHER, LEASE).await, [id]);
    assert_eq!(bed.begin(id, ME, "vzw-1", at(200), at(LEASE)).await, Err(StoreError::LostLease));
    bed.begin(id, OTHER, "vzw-1", at(200), at(LEASE)).await.unwrap();
}

/// By when it became due, not by id.
pub async fn the_oldest_due_goes_first(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let first = bed.sending(0).await;
    let second = bed.sending(1).await;
    bed.settle_mine(first, again(2, 20), 2).await;
    bed.settle_mine(second, again(2, 10), 2).await;
    assert_eq!(bed.send_ids(ME, 30).await, [second, first]);
}

/// No more than asked for; the rest is there next time.
pub async fn leases_are_limited(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    for now in 0..5 {
        bed.accept(&message(now)).await.unwrap();
    }
    for expected in [3, 2, 0] {
        let sends = bed.lease_sends(&carrier(), lease(ME, 10), at(10), None, 3).await.unwrap();
        assert_eq!(sends.len(), expected);
    }
}

/// Each carrier has its own queue.
pub async fn another_carriers_work_is_left_alone(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let other = NewMessage { carrier: CarrierId("031003".into()), ..message(0) };
    bed.accept(&other).await.unwrap();
    assert_eq!(bed.send_ids(ME, 0).await, []);
    let sends = bed.lease_sends(&other.carrier, lease(ME, 0), at(0), None, 10).await.unwrap();
    assert_eq!(sends.first().map(|send| send.id), Some(other.id));
}

/// State, attempts and connection of an attempt are recorded before it begins.
pub async fn an_attempt_is_on_the_timeline(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.accept_mine(0).await;
    bed.begin(id, ME, "vzw-1", at(70), at(5)).await.unwrap();
    let message = bed.message(id).await.unwrap().unwrap();
    assert_eq!((message.state, message.attempts, message.changed_at), (State::Sending, 1, at(5)));
    assert_eq!(bed.events(id).await, [(EventKind::Sending, "vzw-1".into())]);
}

/// Not somebody else, and not what is not there.
pub async fn only_the_owner_begins(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.accept_mine(0).await;
    assert_eq!(bed.begin(id, OTHER, "vzw-1", at(70), at(5)).await, Err(StoreError::LostLease));
    assert_eq!(bed.begin(message(0).id, ME, "vzw-1", at(70), at(5)).await, Err(StoreError::LostLease));
    assert_eq!(bed.state(id).await, State::Accepted);
    assert_eq!(bed.events(id).await, []);
}

/// Whoever lost the lease changes nothing.
pub async fn only_the_owner_settles(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.sending(0).await;
    let lost = bed.settle(id, OTHER, taken("c-1", 1), "1000", at(1)).await;
    assert_eq!(lost, Err(StoreError::LostLease));
    let message = bed.message(id).await.unwrap().unwrap();
    assert_eq!((message.state, message.carrier_message_id), (State::Sending, None));
    assert_eq!(bed.event_kinds(id).await, [EventKind::Sending]);
}

/// The next connection is another attempt: its lease is the longer one, and it is counted.
pub async fn an_attempt_goes_on_over_the_next_connection(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.sending(0).await;
    bed.begin(id, ME, "vzw-2", at(100), at(50)).await.unwrap();
    let message = bed.message(id).await.unwrap().unwrap();
    assert_eq!((message.state, message.attempts), (State::Sending, 2));
    assert_eq!(bed.timers(OTHER, 99).await, []);
    assert_eq!(bed.timers(OTHER, 100).await.len(), 1);
}

/// Work whose owner fell silent in the middle of an attempt is not sent again as if nothing had been.
pub async fn an_interrupted_attempt_is_a_timer(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.sending(0).await;
    assert_eq!(bed.timers(OTHER, LEASE - 1).await, []);
    assert_eq!(bed.send_ids(OTHER, 10 * LEASE).await, []);
    let timers = bed.timers(OTHER, LEASE).await;
    let [Timer::Interrupted(send)] = timers.as_slice() else { panic!("{timers:?}") };
    assert_eq!((send.id, send.attempts, send.lease), (id, 1, lease(OTHER, LEASE)));
    let late = bed.settle(id, ME, taken("c-1", LEASE), "1000", at(LEASE)).await;
    assert_eq!(late, Err(StoreError::LostLease));
    let settled = bed.settle(id, OTHER, unknown(LEASE), "", at(LEASE)).await.unwrap();
    assert_eq!(settled, Settled { state: State::Parked, owes_report: false });
}

/// Timers are leased like messages are, and come again when their owner falls silent.
pub async fn a_timer_is_leased_too(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.sending(0).await;
    assert_eq!(bed.timers(ME, 100).await.len(), 1);
    assert_eq!(bed.timers(OTHER, 100 + LEASE - 1).await, []);
    let timers = bed.timers(OTHER, 100 + LEASE).await;
    assert_eq!(timers.first().map(Timer::id), Some(id));
}

/// The carrier's MessageID is kept, the VASP is owed a report, and the wait begins.
pub async fn taken_is_forwarded_and_waits_for_reports(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.sending(0).await;
    let settled = bed.settle(id, ME, taken("c-1", 2), "1000 Success", at(2)).await.unwrap();
    assert_eq!(settled, Settled { state: State::Forwarded, owes_report: true });
    let message = bed.message(id).await.unwrap().unwrap();
    assert_eq!(message.carrier_message_id.as_deref(), Some("c-1"));
    assert_eq!(message.changed_at, at(2));
    assert_eq!(bed.events(id).await.last(), Some(&(EventKind::Forwarded, "1000 Success".into())));
    assert_eq!(bed.timers(ME, 2 + REPORT_TIMEOUT - 1).await, []);
    let due = bed.timers(ME, 2 + REPORT_TIMEOUT).await;
    assert_eq!(due, [Timer::ReportDue { id, lease: lease(ME, 2 + REPORT_TIMEOUT) }]);
}

/// The reason is kept with the message, for the report and for people.
pub async fn refused_ends_with_its_reason(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.sending(0).await;
    let refused =
        Settlement::Refused { terminal: Terminal::Rejected, reason: StatusCode::AddressError, details: None };
    let settled = bed.settle(id, ME, refused, "2002 no such number", at(1)).await.unwrap();
    assert_eq!(settled, Settled { state: State::Ended(Terminal::Rejected), owes_report: true });
    let message = bed.message(id).await.unwrap().unwrap();
    assert_eq!(message.reason, Some(Reason(StatusCode::AddressError)));
    let line = "Rejected: 2002 Address Error: 2002 no such number";
    assert_eq!(bed.events(id).await.last(), Some(&(EventKind::Ended, line.into())));
}

/// The next attempt knows how many there were, and whether the last found no connection.
pub async fn again_is_due_later(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.sending(0).await;
    let settled = bed.settle_mine(id, again(1, 30), 1).await;
    assert_eq!(settled, Settled { state: State::Accepted, owes_report: false });
    assert_eq!(bed.send_ids(ME, 30).await, []);
    let sends = bed.sends(ME, 31).await;
    let send = sends.first().unwrap();
    assert_eq!((send.id, send.attempts, send.unreached), (id, 1, true));
    assert_eq!(bed.event_kinds(id).await, [EventKind::Sending, EventKind::Retrying]);
}

/// What began to wait before the connection came back goes at once, after what is due.
pub async fn a_connection_that_came_back_gets_what_waited(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let early = bed.sending(0).await;
    let late = bed.sending(0).await;
    bed.settle_mine(early, again(1, 600), 1).await;
    bed.settle_mine(late, again(5, 600), 5).await;
    let fresh = message(6);
    bed.accept(&fresh).await.unwrap();
    let sends = bed.lease_sends(&carrier(), lease(ME, 7), at(7), Some(at(5)), 10).await.unwrap();
    let ids: Vec<_> = sends.into_iter().map(|send| send.id).collect();
    assert_eq!(ids, [fresh.id, early]);
    assert_eq!(bed.send_ids(ME, 605).await, [early, fresh.id, late], "their leases ended");
}

/// Work under a lease is its owner's, whatever came back.
pub async fn what_is_leased_does_not_wait_for_a_connection(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    bed.accept_mine(0).await;
    let sends = bed.lease_sends(&carrier(), lease(OTHER, 7), at(7), Some(at(7)), 10).await.unwrap();
    assert_eq!(sends, []);
}

/// It may have arrived: only a report or the time-out ends it.
pub async fn unknown_is_parked_and_not_sent_again(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.parked(0).await;
    assert_eq!(bed.state(id).await, State::Parked);
    assert_eq!(bed.send_ids(ME, 10 * REPORT_TIMEOUT).await, []);
    assert_eq!(bed.timers(ME, REPORT_TIMEOUT).await.first().map(Timer::id), Some(id));
    assert_eq!(bed.statuses(0).await, [], "nothing is known, nothing is owed");
}

/// Like what was not delivered, but it counts as reached.
pub async fn what_may_have_arrived_is_sent_again(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.sending(0).await;
    let settled = bed.settle_mine(id, resend(1, 30), 1).await;
    assert_eq!(settled, Settled { state: State::Accepted, owes_report: false });
    assert_eq!(bed.event_kinds(id).await, [EventKind::Sending, EventKind::Retrying]);
    assert_eq!(bed.send_ids(ME, 30).await, []);
    let sends = bed.sends(ME, 31).await;
    let send = sends.first().unwrap();
    assert_eq!((send.id, send.attempts, send.unreached), (id, 1, false));
}

/// Expired, or Unreachable where no connection was found; also for what was leased and never begun.
pub async fn expired_and_unreached_end_apart(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let expired = bed.accept_mine(0).await;
    let settled = bed.settle_mine(expired, Settlement::Expired { unreached: false }, 1).await;
    assert_eq!(settled.state, State::Ended(Terminal::Expired));
    let unreached = bed.accept_mine(2).await;
    let settled = bed.settle_mine(unreached, Settlement::Expired { unreached: true }, 3).await;
    assert_eq!(settled, Settled { state: State::Ended(Terminal::Unreachable), owes_report: true });
    assert_eq!(bed.statuses(4).await, [MmStatus::Expired, MmStatus::Unreachable]);
}

/// Nobody knows what became of it.
pub async fn a_report_timeout_is_indeterminate(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.forwarded("c-1", 0).await;
    let now = REPORT_TIMEOUT + 1;
    assert_eq!(bed.timers(ME, now).await.len(), 1);
    let settled = bed.settle(id, ME, Settlement::ReportTimeout, "", at(now)).await.unwrap();
    assert_eq!(settled, Settled { state: State::Ended(Terminal::Indeterminate), owes_report: true });
    assert_eq!(bed.timers(ME, 10 * now).await, []);
    assert_eq!(bed.statuses(now).await, [MmStatus::Indeterminate]);
}

/// The VASP was told in the answer; the same request again is a new message, for refusals are not remembered.
pub async fn declined_owes_nothing_and_is_not_repeated(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let new = NewMessage { first_attempt: FirstAttempt::Leased(lease(ME, 0)), ..message(0) };
    bed.accept(&new).await.unwrap();
    bed.begin_mine(new.id, 0).await;
    let declined = Settlement::Declined { reason: StatusCode::ServiceDenied };
    let settled = bed.settle_mine(new.id, declined, 1).await;
    assert_eq!(settled, Settled { state: State::Ended(Terminal::Rejected), owes_report: false });
    assert_eq!(bed.message(new.id).await.unwrap().unwrap().reason, Some(Reason(StatusCode::ServiceDenied)));
    assert_eq!(bed.statuses(1).await, []);
    let same = NewMessage { id: message(2).id, repeats_since: Some(at(-5)), ..new };
    assert_eq!(bed.accept(&same).await, Ok(Acceptance::Fresh));
}

/// A second settlement finds nothing to settle.
pub async fn settled_work_is_gone(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.sending(0).await;
    bed.settle_mine(id, taken("c-1", 0), 0).await;
    let twice = bed.settle(id, ME, taken("c-2", 0), "again", at(0)).await;
    assert_eq!(twice, Err(StoreError::LostLease));
    bed.reported(id, report("c-1", MmStatus::Retrieved, 1)).await;
    assert_eq!(bed.timers(ME, 10 * REPORT_TIMEOUT).await, []);
    assert_eq!(bed.send_ids(ME, 10 * REPORT_TIMEOUT).await, []);
}

/// What was leased and not begun is anybody's again; what is another's stays.
pub async fn released_work_is_due_at_once(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let mine = bed.accept_mine(0).await;
    let theirs = NewMessage { first_attempt: FirstAttempt::Leased(lease(OTHER, 0)), ..message(0) };
    bed.accept(&theirs).await.unwrap();
    bed.release(&[mine, theirs.id, message(0).id], ME, at(1)).await.unwrap();
    assert_eq!(bed.send_ids(ME, 1).await, [mine]);
}

/// Later, but not after ExpiryDate; what has expired stays due, what is leased or another's is left alone.
pub async fn what_is_put_off_is_due_later_or_when_it_expires(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let (usual, mut short, mut expired) = (message(0), message(0), message(0));
    short.submission.expiry = at(100);
    expired.submission.expiry = at(5);
    for new in [&usual, &short, &expired] {
        bed.accept(new).await.unwrap();
    }
    let leased = bed.accept_mine(0).await;
    let other = NewMessage { carrier: CarrierId("31002".into()), ..message(0) };
    bed.accept(&other).await.unwrap();
    assert_eq!(bed.put_off(&carrier(), at(600), true, at(10), 1).await, Ok(1));
    assert_eq!(bed.put_off(&carrier(), at(600), true, at(10), 9).await, Ok(1));
    assert_eq!(bed.put_off(&carrier(), at(600), true, at(10), 9).await, Ok(0));
    let due = bed.sends(OTHER, 10).await;
    assert_eq!(due.iter().map(|send| (send.id, send.unreached)).collect::<Vec<_>>(), [(expired.id, false)]);
    let due = bed.sends(OTHER, 100).await;
    let ids = [(leased, false), (expired.id, false), (short.id, true)];
    assert_eq!(due.iter().map(|send| (send.id, send.unreached)).collect::<Vec<_>>(), ids);
    assert!(!bed.send_ids(OTHER, 599).await.contains(&usual.id));
    assert!(bed.send_ids(OTHER, 600).await.contains(&usual.id));
}

/// A carrier that is busy was reached: what expires meanwhile is Expired, unless nobody was there when it was last tried.
pub async fn what_is_put_off_by_a_busy_carrier_is_not_unreached(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let (fresh, gone) = (bed.accept_mine(0).await, bed.sending(0).await);
    bed.release(&[fresh], ME, at(1)).await.unwrap();
    bed.settle_mine(gone, again(2, 0), 2).await;
    assert_eq!(bed.put_off(&carrier(), at(600), false, at(10), 9).await, Ok(2));
    let due = bed.sends(OTHER, 600).await;
    let mut due: Vec<_> = due.iter().map(|send| (send.id, send.unreached)).collect();
    due.sort();
    assert_eq!(due, [(fresh, false), (gone, true)]);
}

/// It has waited since when it was accepted.
pub async fn what_was_put_off_comes_back_with_its_connection(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let new = message(0);
    bed.accept(&new).await.unwrap();
    assert_eq!(bed.put_off(&carrier(), at(600), true, at(1), 9).await, Ok(1));
    let sends = bed.lease_sends(&carrier(), lease(ME, 2), at(2), Some(at(2)), 10).await.unwrap();
    assert_eq!(sends.iter().map(|send| send.id).collect::<Vec<_>>(), [new.id]);
    assert!(bed.begin(new.id, ME, "vzw-1", at(70), at(3)).await.is_ok());
}

/// Later, but not after ExpiryDate; it has waited since when it was accepted.
pub async fn what_is_accepted_as_put_off_is_as_if_it_were_put_off(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let put_off = |nobody_there| FirstAttempt::PutOff { until: at(600), nobody_there };
    let usual = NewMessage { first_attempt: put_off(false), ..message(0) };
    let mut short = NewMessage { first_attempt: put_off(true), ..message(0) };
    short.submission.expiry = at(100);
    for new in [&usual, &short] {
        assert_eq!(bed.accept(new).await, Ok(Acceptance::Fresh));
    }
    assert_eq!(bed.send_ids(OTHER, 99).await, []);
    let due = bed.sends(OTHER, 100).await;
    assert_eq!(due.iter().map(|send| (send.id, send.unreached)).collect::<Vec<_>>(), [(short.id, true)]);
    let sends = bed.lease_sends(&carrier(), lease(ME, 101), at(101), Some(at(101)), 10).await.unwrap();
    assert_eq!(sends.iter().map(|send| (send.id, send.unreached)).collect::<Vec<_>>(), [(usual.id, false)]);
    assert!(bed.begin(usual.id, ME, "vzw-1", at(200), at(102)).await.is_ok());
}

/// An attempt that began can only be settled.
pub async fn begun_work_is_not_released(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.sending(0).await;
    bed.release(&[id], ME, at(1)).await.unwrap();
    assert_eq!(bed.send_ids(OTHER, 1).await, []);
    assert_eq!(bed.timers(OTHER, 1).await, []);
    assert_eq!(bed.settle_mine(id, taken("c-1", 2), 2).await.state, State::Forwarded);
}
