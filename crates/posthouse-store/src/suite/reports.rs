//! Reports of carriers.

use mm7::{MmStatus, StatusCode};
use posthouse_core::{
    carrier::CarrierId,
    life::intervention::Intervention,
    life::state::{State, Terminal},
    message::{CarrierReport, EventKind},
    store::{FirstAttempt, NewMessage, Recorded, Settled, Settlement, StoreError, Timer},
};

use super::{
    Backend,
    bed::{
        Bed, LEASE, ME, REPORT_TIMEOUT, again, at, lease, message, operator, report, resend, taken, unknown,
    },
};

const RETRIEVED: State = State::Ended(Terminal::Retrieved);
const REJECTED: State = State::Ended(Terminal::Rejected);
/// The carrier will not take it.
const REFUSED: Settlement =
    Settlement::Refused { terminal: Terminal::Rejected, reason: StatusCode::ServiceDenied, details: None };

/// By the carrier's MessageID.
pub async fn a_report_ends_its_message(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.forwarded("c-1", 0).await;
    let settled = bed.reported(id, report("c-1", MmStatus::Retrieved, 5)).await;
    assert_eq!(settled, Settled { state: RETRIEVED, owes_report: true });
    let message = bed.message(id).await.unwrap().unwrap();
    assert_eq!((message.state, message.changed_at), (RETRIEVED, at(5)));
    let line = (EventKind::Ended, "Retrieved: Retrieved it says".to_owned());
    assert!(bed.events(id).await.contains(&line));
}

/// Deferred any number of times; the VASP hears of the first.
pub async fn deferred_then_retrieved(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.forwarded("c-1", 0).await;
    let settled = bed.reported(id, report("c-1", MmStatus::Deferred, 1)).await;
    assert_eq!(settled, Settled { state: State::Deferred, owes_report: true });
    let again = bed.record_report(report("c-1", MmStatus::Deferred, 2)).await;
    assert_eq!(again, Ok(Recorded::Late(id)));
    assert_eq!(bed.reported(id, report("c-1", MmStatus::Retrieved, 3)).await.state, RETRIEVED);
}

/// Each is on the timeline, the second changes nothing.
pub async fn a_doubled_report_is_late(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.forwarded("c-1", 0).await;
    bed.reported(id, report("c-1", MmStatus::Retrieved, 1)).await;
    let twice = bed.record_report(report("c-1", MmStatus::Retrieved, 2)).await;
    assert_eq!(twice, Ok(Recorded::Late(id)));
    assert_eq!(bed.message(id).await.unwrap().unwrap().changed_at, at(1));
    let line = (EventKind::LateReport, "Retrieved it says".to_owned());
    assert_eq!(bed.events(id).await.last(), Some(&line));
    assert_eq!(bed.statuses(3).await, [MmStatus::Retrieved]);
}

/// One terminal status, once.
pub async fn a_report_after_the_end_is_late(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.forwarded("c-1", 0).await;
    bed.reported(id, report("c-1", MmStatus::Expired, 1)).await;
    for status in [MmStatus::Retrieved, MmStatus::Deferred, MmStatus::Forwarded] {
        assert_eq!(bed.record_report(report("c-1", status, 2)).await, Ok(Recorded::Late(id)));
    }
    assert_eq!(bed.state(id).await, State::Ended(Terminal::Expired));
    assert_eq!(bed.statuses(3).await, [MmStatus::Expired]);
}

/// Forwarded, as the answer said already.
pub async fn a_forwarded_report_repeats_the_answer(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.forwarded("c-1", 0).await;
    assert_eq!(bed.record_report(report("c-1", MmStatus::Forwarded, 1)).await, Ok(Recorded::Late(id)));
    assert_eq!(bed.state(id).await, State::Forwarded);
    assert_eq!(bed.statuses(2).await, [MmStatus::Forwarded]);
}

/// Kept, and applied as soon as the answer tells whose it is.
pub async fn a_report_before_the_answer_waits_for_it(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.sending(0).await;
    let early = bed.record_report(report("c-1", MmStatus::Retrieved, 1)).await;
    assert_eq!(early, Ok(Recorded::Unmatched));
    let settled = bed.settle_mine(id, taken("c-1", 2), 2).await;
    assert_eq!(settled, Settled { state: RETRIEVED, owes_report: true });
    let kinds = [EventKind::Sending, EventKind::Forwarded, EventKind::Ended, EventKind::ReportWithdrawn];
    assert_eq!(bed.event_kinds(id).await, kinds);
    assert_eq!(bed.statuses(3).await, [MmStatus::Retrieved]);
    assert_eq!(bed.timers(ME, 10 * REPORT_TIMEOUT).await, []);
    let twice = bed.record_report(report("c-1", MmStatus::Retrieved, 4)).await;
    assert_eq!(twice, Ok(Recorded::Late(id)), "the kept one was used up");
}

/// In the order in which they came, doubled ones included.
pub async fn early_reports_are_applied_in_order(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.sending(0).await;
    for (status, now) in [(MmStatus::Deferred, 1), (MmStatus::Retrieved, 2), (MmStatus::Retrieved, 3)] {
        assert_eq!(bed.record_report(report("c-1", status, now)).await, Ok(Recorded::Unmatched));
    }
    assert_eq!(bed.settle_mine(id, taken("c-1", 4), 4).await.state, RETRIEVED);
    let events = bed.event_kinds(id).await;
    let of_reports: Vec<_> = events.into_iter().filter(|kind| *kind != EventKind::ReportWithdrawn).collect();
    assert_eq!(
        of_reports,
        [
            EventKind::Sending,
            EventKind::Forwarded,
            EventKind::Deferred,
            EventKind::Ended,
            EventKind::LateReport
        ]
    );
}

/// Two carriers may use the same MessageIDs.
pub async fn a_report_of_another_carrier_is_kept_apart(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.forwarded("c-1", 0).await;
    let other = CarrierReport { carrier: CarrierId("31002".into()), ..report("c-1", MmStatus::Retrieved, 1) };
    assert_eq!(bed.record_report(other).await, Ok(Recorded::Unmatched));
    assert_eq!(bed.state(id).await, State::Forwarded);
}

/// We never learned its MessageID, but it is the only one between these two.
pub async fn a_parked_message_is_found_by_its_addresses(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.parked(0).await;
    let from_other = CarrierReport { sender: Some("999".into()), ..report("c-1", MmStatus::Retrieved, 1) };
    assert_eq!(bed.record_report(from_other).await, Ok(Recorded::Unmatched));
    let without = CarrierReport { recipient: None, ..report("c-2", MmStatus::Retrieved, 1) };
    assert_eq!(bed.record_report(without).await, Ok(Recorded::Unmatched));
    let settled = bed.reported(id, report("c-3", MmStatus::Retrieved, 2)).await;
    assert_eq!(settled, Settled { state: RETRIEVED, owes_report: true });
    assert_eq!(bed.timers(ME, 10 * REPORT_TIMEOUT).await, []);
}

/// The carrier took it and told no MessageID; the first report does.
pub async fn a_message_taken_without_an_id_is_found_by_its_addresses(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.sending(0).await;
    let taken = Settlement::Taken { carrier_message_id: None, report_until: at(REPORT_TIMEOUT) };
    bed.settle_mine(id, taken, 0).await;
    assert_eq!(bed.reported(id, report("c-1", MmStatus::Deferred, 1)).await.state, State::Deferred);
    assert_eq!(bed.reported(id, report("c-1", MmStatus::Retrieved, 2)).await.state, RETRIEVED);
}

/// It could be either: it is neither.
pub async fn two_parked_messages_are_not_told_apart(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let ids = [bed.parked(0).await, bed.parked(0).await];
    let either = bed.record_report(report("c-1", MmStatus::Retrieved, 1)).await;
    assert_eq!(either, Ok(Recorded::Unmatched));
    for id in ids {
        assert_eq!(bed.state(id).await, State::Parked);
    }
}

/// Its answer, which tells its MessageID, may still come.
pub async fn a_message_being_sent_is_not_found_by_its_addresses(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.sending(0).await;
    let early = bed.record_report(report("c-1", MmStatus::Retrieved, 1)).await;
    assert_eq!(early, Ok(Recorded::Unmatched));
    assert_eq!(bed.settle_mine(id, taken("c-2", 2), 2).await.state, State::Forwarded);
    assert_eq!(bed.timers(ME, 3).await, []);
}

/// The report came first, then the time-out.
pub async fn a_report_waits_till_its_message_is_parked(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.sending(0).await;
    bed.record_report(report("c-1", MmStatus::Retrieved, 1)).await.unwrap();
    let settled = bed.settle_mine(id, unknown(2), 2).await;
    assert_eq!(settled, Settled { state: RETRIEVED, owes_report: true });
    assert_eq!(bed.event_kinds(id).await, [EventKind::Sending, EventKind::Parked, EventKind::Ended]);
}

/// One is parked, one is being sent, both between the same two: the answer tells which is meant.
pub async fn a_report_waits_for_the_answer_of_a_twin(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let parked = bed.parked(0).await;
    let twin = bed.sending(0).await;
    let unclear = bed.record_report(report("c-1", MmStatus::Retrieved, 1)).await;
    assert_eq!(unclear, Ok(Recorded::Unmatched));
    assert_eq!(bed.settle_mine(twin, taken("c-2", 2), 2).await.state, State::Forwarded);
    assert_eq!(bed.state(parked).await, RETRIEVED, "it was not the twin's");
    bed.reported(twin, report("c-2", MmStatus::Expired, 3)).await;
}

/// From then on it is found by its MessageID.
pub async fn a_parked_message_learns_its_id_from_a_report(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.parked(0).await;
    assert_eq!(bed.reported(id, report("c-1", MmStatus::Deferred, 1)).await.state, State::Deferred);
    assert_eq!(bed.message(id).await.unwrap().unwrap().carrier_message_id.as_deref(), Some("c-1"));
    let other = bed.parked(2).await;
    let bare = CarrierReport { recipient: None, sender: None, ..report("c-1", MmStatus::Retrieved, 3) };
    assert_eq!(bed.reported(id, bare).await.state, RETRIEVED);
    assert_eq!(bed.state(other).await, State::Parked);
}

/// Its attempt had no answer, but it arrived: it is not sent again, also by whom it is leased to.
pub async fn a_report_ends_a_message_that_waits_to_be_sent_again(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.resent(0).await;
    assert_eq!(bed.send_ids(ME, 30).await, [id]);
    let settled = bed.reported(id, report("c-1", MmStatus::Retrieved, 31)).await;
    assert_eq!(settled, Settled { state: RETRIEVED, owes_report: true });
    assert_eq!(bed.begin(id, ME, "vzw-1", at(60), at(32)).await, Err(StoreError::LostLease));
    assert_eq!(bed.send_ids(ME, 10 * REPORT_TIMEOUT).await, []);
    assert_eq!(bed.timers(ME, 10 * REPORT_TIMEOUT).await, []);
    let twice = bed.record_report(report("c-1", MmStatus::Retrieved, 33)).await;
    assert_eq!(twice, Ok(Recorded::Late(id)));
}

/// The carrier has it: from now on it waits for the terminal report, at least as long as the handset may fetch it.
pub async fn a_message_that_arrived_is_not_sent_again(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    for (carrier_message_id, status, state) in
        [("c-1", MmStatus::Forwarded, State::Forwarded), ("c-2", MmStatus::Deferred, State::Deferred)]
    {
        let id = bed.resent(0).await;
        let settled = bed.reported(id, report(carrier_message_id, status, 1)).await;
        assert_eq!(settled, Settled { state, owes_report: true });
        assert_eq!(bed.send_ids(ME, 10 * REPORT_TIMEOUT).await, []);
        let expiry =
            bed.message(id).await.unwrap().unwrap().submission.expiry.as_second() - at(0).as_second();
        let until = expiry.max(REPORT_TIMEOUT);
        assert_eq!(bed.timers(ME, until - 1).await, []);
        assert_eq!(bed.timers(ME, until).await.first().map(Timer::id), Some(id));
        let settled = bed.reported(id, report(carrier_message_id, MmStatus::Retrieved, until)).await;
        assert_eq!(settled, Settled { state: RETRIEVED, owes_report: true });
    }
}

/// While it is sent again, its answer may tell the MessageID; when none comes, the report counts.
pub async fn a_report_waits_for_the_end_of_a_second_attempt(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    for (carrier_message_id, end) in [("c-1", resend(31, 30)), ("c-2", again(31, 30))] {
        let id = bed.resent(0).await;
        assert_eq!(bed.send_ids(ME, 30).await, [id]);
        bed.begin_mine(id, 30).await;
        let early = bed.record_report(report(carrier_message_id, MmStatus::Retrieved, 30)).await;
        assert_eq!(early, Ok(Recorded::Unmatched));
        let settled = bed.settle_mine(id, end, 31).await;
        assert_eq!(settled, Settled { state: RETRIEVED, owes_report: true });
        assert_eq!(bed.send_ids(ME, 10 * REPORT_TIMEOUT).await, []);
        assert_eq!(bed.timers(ME, 10 * REPORT_TIMEOUT).await, []);
    }
}

/// The first attempt had no answer, the second was not taken: the report is on the first.
pub async fn a_refused_attempt_hides_no_earlier_one(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.resent(0).await;
    assert_eq!(bed.send_ids(ME, 30).await, [id]);
    bed.begin_mine(id, 30).await;
    bed.settle_mine(id, again(31, 30), 31).await;
    assert_eq!(bed.reported(id, report("c-1", MmStatus::Retrieved, 32)).await.state, RETRIEVED);
}

/// The same when the second attempt ends the message: what came before the end decides what the end is.
pub async fn a_report_before_a_refusal_counts_more(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    for (carrier_message_id, end) in [("c-1", REFUSED), ("c-2", Settlement::Expired { unreached: false })] {
        let id = bed.resent(0).await;
        assert_eq!(bed.send_ids(ME, 30).await, [id]);
        bed.begin_mine(id, 30).await;
        let early = bed.record_report(report(carrier_message_id, MmStatus::Retrieved, 30)).await;
        assert_eq!(early, Ok(Recorded::Unmatched));
        let settled = bed.settle_mine(id, end, 31).await;
        assert_eq!(settled, Settled { state: RETRIEVED, owes_report: true });
        let said = bed.events(id).await.pop();
        assert_eq!(said, Some((EventKind::LateReport, "so they said".into())));
        assert_eq!(bed.message(id).await.unwrap().unwrap().reason, None);
        assert_eq!(bed.send_ids(ME, 10 * REPORT_TIMEOUT).await, []);
        assert_eq!(bed.timers(ME, 10 * REPORT_TIMEOUT).await, []);
    }
}

/// It says that the first attempt arrived: the refusal of the second changes nothing about that.
pub async fn a_message_that_arrived_is_not_refused(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.resent(0).await;
    assert_eq!(bed.send_ids(ME, 30).await, [id]);
    bed.begin_mine(id, 30).await;
    bed.record_report(report("c-1", MmStatus::Deferred, 30)).await.unwrap();
    let settled = bed.settle_mine(id, REFUSED, 31).await;
    assert_eq!(settled, Settled { state: State::Deferred, owes_report: true });
    assert_eq!(bed.send_ids(ME, 10 * REPORT_TIMEOUT).await, []);
    let settled = bed.reported(id, report("c-1", MmStatus::Retrieved, 32)).await;
    assert_eq!(settled, Settled { state: RETRIEVED, owes_report: true });
}

/// Nobody has said that the first attempt arrived: the carrier's last word is that it will not take it, and that is the end.
pub async fn a_refusal_of_a_second_attempt_is_the_end(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.resent(0).await;
    assert_eq!(bed.send_ids(ME, 30).await, [id]);
    bed.begin_mine(id, 30).await;
    assert_eq!(bed.settle_mine(id, REFUSED, 31).await, Settled { state: REJECTED, owes_report: true });
    let late = bed.record_report(report("c-1", MmStatus::Retrieved, 32)).await;
    assert_eq!(late, Ok(Recorded::Unmatched), "nobody ever told that MessageID");
    assert_eq!(bed.state(id).await, REJECTED);
    assert_eq!(bed.sweep(at(33), at(33), 10).await.unwrap().unmatched_reports, 1);
}

/// The carrier has taken the message anew, and tells what becomes of it under the new MessageID. A report under the
/// old one changes nothing, and is kept till it is too old.
pub async fn a_report_on_an_attempt_that_was_made_again_is_kept(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.parked(0).await;
    let requeue = Intervention::Requeue { parked: true };
    assert_eq!(bed.intervene(&[id], requeue, &operator(), at(1)).await, Ok(vec![Ok(())]));
    assert_eq!(bed.send_ids(ME, 1).await, [id]);
    bed.begin_mine(id, 1).await;
    let first = bed.record_report(report("c-1", MmStatus::Retrieved, 2)).await;
    assert_eq!(first, Ok(Recorded::Unmatched), "the answer might tell that c-1 is something else");
    assert_eq!(bed.settle_mine(id, taken("c-2", 3), 3).await.state, State::Forwarded);
    assert_eq!(bed.reported(id, report("c-2", MmStatus::Rejected, 4)).await.state, REJECTED);
    assert_eq!(bed.sweep(at(2), at(2), 10).await.unwrap().unmatched_reports, 0);
    assert_eq!(bed.sweep(at(3), at(3), 10).await.unwrap().unmatched_reports, 1);
}

/// No attempt can have arrived: the report is about something else.
pub async fn a_message_that_was_not_delivered_is_not_found_by_its_addresses(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.sending(0).await;
    bed.settle_mine(id, again(0, 30), 0).await;
    let other = bed.record_report(report("c-1", MmStatus::Retrieved, 1)).await;
    assert_eq!(other, Ok(Recorded::Unmatched));
    assert_eq!(bed.state(id).await, State::Accepted);
    assert_eq!(bed.send_ids(ME, 30).await, [id]);
}

/// It could be either, also where one is parked: till the other is out of the way.
pub async fn two_messages_to_be_sent_again_are_not_told_apart(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let (one, twin) = (bed.resent(0).await, bed.resent(0).await);
    let either = bed.record_report(report("c-1", MmStatus::Retrieved, 1)).await;
    assert_eq!(either, Ok(Recorded::Unmatched));
    assert_eq!((bed.state(one).await, bed.state(twin).await), (State::Accepted, State::Accepted));
    assert_eq!(bed.send_ids(ME, 30).await, [one, twin]);
    bed.begin_mine(twin, 30).await;
    assert_eq!(bed.settle_mine(twin, taken("c-2", 31), 31).await.state, State::Forwarded);
    assert_eq!(bed.state(one).await, RETRIEVED, "it was not the twin's");
}

/// `+` and `/TYPE=PLMN` come and go on the way.
pub async fn spellings_of_a_sender_are_the_same(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let mut new = NewMessage { first_attempt: FirstAttempt::Leased(lease(ME, 0)), ..message(0) };
    new.submission.sender = "16175550111".into();
    bed.accept(&new).await.unwrap();
    bed.begin_mine(new.id, 0).await;
    bed.settle_mine(new.id, unknown(0), 0).await;
    let decorated = CarrierReport {
        sender: Some("+16175550111/TYPE=PLMN".into()),
        ..report("c-1", MmStatus::Retrieved, 1)
    };
    assert_eq!(bed.reported(new.id, decorated).await.state, RETRIEVED);
}

/// Whoever leased the timer comes too late.
pub async fn a_report_takes_the_timer_away(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.forwarded("c-1", 0).await;
    let now = REPORT_TIMEOUT + 1;
    assert_eq!(bed.timers(ME, now).await.len(), 1);
    bed.reported(id, report("c-1", MmStatus::Retrieved, now)).await;
    let late = bed.settle(id, ME, posthouse_core::store::Settlement::ReportTimeout, "", at(now)).await;
    assert_eq!(late, Err(StoreError::LostLease));
    assert_eq!(bed.state(id).await, RETRIEVED);
}

/// Its lease ended, the message was parked, a report ended it: nothing is left to be settled.
pub async fn an_answer_after_a_report_is_lost(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.sending(0).await;
    assert_eq!(bed.timers(ME, LEASE).await.len(), 1);
    bed.settle_mine(id, unknown(LEASE), LEASE).await;
    bed.reported(id, report("c-1", MmStatus::Retrieved, LEASE + 1)).await;
    let late = bed.settle(id, ME, taken("c-1", LEASE + 2), "1000", at(LEASE + 2)).await;
    assert_eq!(late, Err(StoreError::LostLease));
    assert_eq!(bed.state(id).await, RETRIEVED);
}
