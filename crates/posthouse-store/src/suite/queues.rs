//! How much waits where, and since when.

use mm7::{MmStatus, StatusCode};
use posthouse_core::{
    account::AccountName,
    carrier::CarrierId,
    life::state::Terminal,
    message::Reason,
    store::{
        CallbackDepth, CallbackOutcome, EndCount, FirstAttempt, NewMessage, QueueAge, QueueDepth, Settlement,
    },
};

use super::{
    Backend,
    bed::{Bed, LEASE, ME, REPORT_TIMEOUT, acme, again, at, carrier, lease, message, report},
};

fn other() -> (CarrierId, AccountName) {
    (CarrierId("031003".into()), AccountName("beta".into()))
}

async fn depths(bed: &Bed) -> Vec<QueueDepth> {
    let mut depths = bed.queues(at(1)).await.unwrap().depths;
    depths.sort_by(|one, other| (&one.carrier, &one.account).cmp(&(&other.carrier, &other.account)));
    depths
}

/// One message in each state, and one of another account for another carrier.
async fn fill(bed: &Bed) -> Vec<QueueDepth> {
    let (other_carrier, other_account) = other();
    let new = NewMessage { carrier: other_carrier.clone(), account: other_account.clone(), ..message(0) };
    bed.accept(&new).await.unwrap();
    bed.accept(&message(0)).await.unwrap();
    bed.accept_mine(0).await;
    bed.sending(0).await;
    bed.parked(0).await;
    bed.forwarded("c-1", 0).await;
    bed.forwarded("c-2", 0).await;
    bed.reported_as("c-2", MmStatus::Deferred).await;
    bed.finished("c-3", 0).await;
    let of = |carrier, account, waiting, [sending, parked, at_carrier]: [u64; 3]| QueueDepth {
        carrier,
        account,
        waiting,
        sending,
        parked,
        at_carrier,
    };
    vec![of(other_carrier, other_account, 1, [0, 0, 0]), of(carrier(), acme(), 2, [1, 1, 2])]
}

impl Bed {
    async fn reported_as(&self, carrier_message_id: &str, status: MmStatus) {
        self.record_report(report(carrier_message_id, status, 0)).await.unwrap();
    }
}

/// By carrier and account; what has ended is not counted, and nothing that was refused is.
pub async fn what_stands_where_is_told(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    assert_eq!(depths(&bed).await, []);
    let expected = fill(&bed).await;
    assert_eq!(depths(&bed).await, expected);
    let taken =
        bed.message(bed.messages(&Default::default(), 1).await.unwrap()[0].id).await.unwrap().unwrap();
    assert!(bed.accept(&NewMessage { id: taken.id, ..message(0) }).await.is_err());
    assert!(bed.begin(taken.id, ME, "vzw-1", at(9), at(0)).await.is_err());
    assert_eq!(depths(&bed).await, expected, "what was not done counts nothing");
}

/// Also what an earlier run left.
pub async fn a_store_that_is_opened_again_knows_what_stands_where(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let mut expected = fill(&bed).await;
    let bed = bed.reopen(backend).await;
    assert_eq!(depths(&bed).await, expected);
    bed.accept(&message(0)).await.unwrap();
    expected[1].waiting += 1;
    assert_eq!(depths(&bed).await, expected);
}

/// Whether it is in somebody's hand or not; what is due, and what is overdue.
pub async fn the_oldest_that_waits_is_told_with_its_carrier(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    assert_eq!(bed.queues(at(0)).await.unwrap().ages, []);
    let age = |oldest, due, overdue| QueueAge { carrier: carrier(), oldest, due, overdue, unmatched: 0 };
    bed.forwarded("c-1", 0).await;
    let mine = bed.accept_mine(2).await;
    bed.accept(&message(3)).await.unwrap();
    assert_eq!(bed.queues(at(4)).await.unwrap().ages, [age(Some(at(2)), 1, 0)]);
    bed.begin_mine(mine, 4).await;
    assert_eq!(bed.queues(at(4)).await.unwrap().ages, [age(Some(at(3)), 1, 0)], "it is being sent");
    bed.settle_mine(mine, again(4, 30), 5).await;
    bed.send_ids(ME, 6).await;
    assert_eq!(bed.queues(at(6)).await.unwrap().ages, [age(Some(at(3)), 0, 0)], "in hand since");
    let overdue = bed.queues(at(3 * 86_400 + REPORT_TIMEOUT)).await.unwrap().ages;
    assert_eq!(overdue, [age(Some(at(3)), 2, 1)]);
    bed.reported_as("unknown", MmStatus::Retrieved).await;
    assert_eq!(bed.queues(at(6)).await.unwrap().ages[0].unmatched, 1);
}

/// What is owed, and what failed for good.
pub async fn what_is_owed_is_told_by_account(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    assert_eq!(bed.queues(at(0)).await.unwrap().callbacks, []);
    bed.forwarded("c-1", 0).await;
    bed.forwarded("c-2", 1).await;
    let depth = |owed, failed, oldest| CallbackDepth { account: acme(), owed, failed, oldest };
    assert_eq!(bed.queues(at(2)).await.unwrap().callbacks, [depth(2, 0, Some(at(0)))]);
    let leased = bed.callbacks(2).await;
    let failed = CallbackOutcome::Failed { said: "HTTP 500".into() };
    bed.settle_callback(leased[0].id, ME, failed, at(3)).await.unwrap();
    assert_eq!(bed.queues(at(3)).await.unwrap().callbacks, [depth(1, 1, Some(at(1)))]);
    bed.delivered(&leased[1], 3).await;
    assert_eq!(bed.queues(at(3)).await.unwrap().callbacks, [depth(0, 1, None)]);
}

/// By whatever they came: a report, an answer. How long they took goes with them.
pub async fn ends_are_counted(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    assert_eq!(bed.ends().counts, []);
    let id = bed.forwarded("c-1", 0).await;
    bed.reported(id, report("c-1", MmStatus::Retrieved, 7)).await;
    let refused = NewMessage { first_attempt: FirstAttempt::Leased(lease(ME, LEASE)), ..message(0) };
    bed.accept(&refused).await.unwrap();
    bed.begin_mine(refused.id, 0).await;
    let reason = StatusCode::ServiceDenied;
    let settlement = Settlement::Refused { terminal: Terminal::Rejected, reason, details: None };
    bed.settle_mine(refused.id, settlement, 1).await;
    let mut ends = bed.ends();
    ends.counts.sort_by_key(|end| end.reason.is_some());
    let end =
        |terminal, reason| EndCount { carrier: carrier(), account: acme(), terminal, reason, messages: 1 };
    let expected = [end(Terminal::Retrieved, None), end(Terminal::Rejected, Some(Reason(reason)))];
    assert_eq!(ends.counts, expected);
    let [times] = ends.times.as_slice() else { panic!("{:?}", ends.times) };
    assert_eq!((times.end_to_end.count(), times.end_to_end.sum), (2, 8.0));
    assert_eq!((times.report_delay.count(), times.report_delay.sum), (1, 7.0));
}
