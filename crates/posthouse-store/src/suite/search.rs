//! Looking for messages.

use mm7::{MmStatus, StatusCode};
use posthouse_core::{
    Id,
    account::AccountName,
    address::Msisdn,
    bounds::FAILED_ATTEMPTS,
    carrier::CarrierId,
    life::{
        read_reply::ReadStatus,
        state::{State, Terminal},
    },
    store::{
        Acceptance, CountBy, EndedAttempt, FailedAttempt, MessageCount, MessageFilter, NewMessage, Recorded,
        Settlement,
    },
};

use super::{
    Backend,
    bed::{Bed, ME, acme, again, at, carrier, lease, message, read_reply, report, taken},
};

async fn ids(bed: &Bed, filter: MessageFilter, limit: usize) -> Vec<Id> {
    bed.messages(&filter, limit).await.unwrap().into_iter().map(|message| message.id).collect()
}

/// The last id of a page is the key of the next.
pub async fn messages_come_newest_first_and_page_by_key(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let mut all = Vec::new();
    for now in 0..5 {
        let new = message(now);
        all.insert(0, new.id);
        bed.accept(&new).await.unwrap();
    }
    let mut pages = Vec::new();
    let mut below = None;
    loop {
        let page = ids(&bed, MessageFilter { below, ..MessageFilter::default() }, 2).await;
        below = page.last().copied();
        pages.push(page.len());
        if below.is_none() {
            break;
        }
        assert_eq!(all.drain(..page.len()).collect::<Vec<_>>(), page);
    }
    assert_eq!(pages, [2, 2, 1, 0]);
}

/// By everything that a list can walk along, and together with the key of the next page; what stood at a place stands there no longer once
/// more came.
pub async fn what_came_since_is_found_and_so_many_of_the_newest(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    assert_eq!(bed.nth_newest(1).await, Ok(None), "there is none");
    let mut all = Vec::new();
    for now in 0..5 {
        all.insert(
            0,
            attempted(&bed, 10 * now, again(10 * now + 1, 60), &[failed(10 * now + 1, BUSY, None)]).await,
        );
    }
    for (messages, there) in [(0, None), (1, Some(all[0])), (5, Some(all[4])), (6, None)] {
        assert_eq!(bed.nth_newest(messages).await, Ok(there), "{messages}");
    }
    let any = MessageFilter { above: Some(all[2]), ..MessageFilter::default() };
    let recipient = Some("16175550100".into());
    for filter in [
        any.clone(),
        MessageFilter { states: vec![State::Accepted], ..any.clone() },
        MessageFilter { code: Some(BUSY), ..any.clone() },
        MessageFilter { recipient, ..any.clone() },
        MessageFilter { since: Some(at(0)), before: Some(at(99)), ..any.clone() },
        MessageFilter { account: Some(acme()), ..any.clone() },
    ] {
        assert_eq!(ids(&bed, filter.clone(), 10).await, all[..2], "{filter:?}");
        assert_eq!(counted(&bed, &filter, &[]).await[0].messages, 2, "{filter:?}");
        let page = MessageFilter { below: Some(all[0]), ..filter };
        assert_eq!(ids(&bed, page.clone(), 10).await, [all[1]], "{page:?}");
        let since = MessageFilter { since: Some(at(40)), ..page };
        assert_eq!(ids(&bed, since.clone(), 10).await, [], "{since:?}");
    }
    let newest = MessageFilter { above: Some(all[0]), ..any };
    assert_eq!(ids(&bed, newest, 10).await, []);
}

/// Each by itself, and two together.
pub async fn every_filter_filters(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let mut other = message(100);
    other.account = AccountName("globex".into());
    other.carrier = CarrierId("031003".into());
    other.submission.recipient = Msisdn::parse("16175550199", false).unwrap();
    other.submission.transaction_id = "of-globex".into();
    bed.accept(&NewMessage { ..other.clone() }).await.unwrap();
    let mine = bed.forwarded("c-1", 200).await;
    bed.reported(mine, report("c-1", MmStatus::Retrieved, 201)).await;
    let transaction = bed.message(mine).await.unwrap().unwrap().submission.transaction_id;

    let any = MessageFilter::default();
    let of = |account| MessageFilter { account: Some(account), ..any.clone() };
    let retrieved = State::Ended(Terminal::Retrieved);
    for (filter, expected) in [
        (any.clone(), vec![mine, other.id]),
        (MessageFilter { since: Some(at(101)), ..any.clone() }, vec![mine]),
        (MessageFilter { since: Some(at(200)), ..any.clone() }, vec![mine]),
        (MessageFilter { since: Some(at(201)), ..any.clone() }, vec![]),
        (MessageFilter { before: Some(at(200)), ..any.clone() }, vec![other.id]),
        (MessageFilter { before: Some(at(100)), ..any.clone() }, vec![]),
        (of(acme()), vec![mine]),
        (of(AccountName("nobody".into())), vec![]),
        (MessageFilter { carrier: Some(carrier()), ..any.clone() }, vec![mine]),
        (MessageFilter { recipient: Some("16175550199".into()), ..any.clone() }, vec![other.id]),
        (MessageFilter { transaction_id: Some(transaction.clone()), ..any.clone() }, vec![mine]),
        (MessageFilter { transaction_id: Some(transaction), before: Some(at(200)), ..any.clone() }, vec![]),
        (MessageFilter { carrier_message_id: Some("c-1".into()), ..any.clone() }, vec![mine]),
        (MessageFilter { carrier_message_id: Some("c-2".into()), ..any.clone() }, vec![]),
        (MessageFilter { states: vec![State::Accepted, State::Parked], ..any.clone() }, vec![other.id]),
        (MessageFilter { states: vec![retrieved], ..any.clone() }, vec![mine]),
        (MessageFilter { states: vec![retrieved], ..of(AccountName("globex".into())) }, vec![]),
    ] {
        assert_eq!(ids(&bed, filter.clone(), 10).await, expected, "{filter:?}");
    }
}

/// An attempt that failed then, over this connection.
fn failed(now: i64, code: StatusCode, connection: Option<&str>) -> FailedAttempt {
    FailedAttempt { at: at(now), code, connection: connection.map(str::to_owned) }
}

const BUSY: StatusCode = StatusCode::ServiceUnavailable;
const DENIED: StatusCode = StatusCode::ServiceDenied;

async fn settle(bed: &Bed, id: Id, settlement: Settlement, failed: &[FailedAttempt], now: i64) {
    let ended = EndedAttempt { settlement, said: "", failed };
    bed.settle_attempt(id, ME, ended, at(now), None).await.unwrap();
}

/// Accepts a message and attempts it once, over these connections.
async fn attempted(bed: &Bed, now: i64, settlement: Settlement, failed: &[FailedAttempt]) -> Id {
    let id = bed.sending(now).await;
    settle(bed, id, settlement, failed, now + 1).await;
    id
}

/// Whether it has ended or still waits, and by when it failed, not by when it was accepted.
pub async fn messages_are_found_by_how_an_attempt_failed(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let waits = attempted(
        &bed,
        100,
        again(101, 60),
        &[failed(101, BUSY, Some("east")), failed(102, BUSY, Some("west"))],
    )
    .await;
    let refused =
        Settlement::Refused { terminal: Terminal::Rejected, reason: DENIED, details: Some("no".into()) };
    let both = [failed(201, BUSY, Some("west")), failed(202, DENIED, Some("east"))];
    let ended = attempted(&bed, 200, refused, &both).await;
    let interrupted = attempted(&bed, 300, super::bed::unknown(300), &[]).await;
    let taken = attempted(&bed, 400, taken("c-1", 400), &[]).await;
    assert_eq!(ids(&bed, MessageFilter::default(), 10).await, [taken, interrupted, ended, waits]);

    let busy = MessageFilter { code: Some(BUSY), ..MessageFilter::default() };
    let window =
        |since, before| MessageFilter { since: Some(at(since)), before: Some(at(before)), ..busy.clone() };
    let over = |connection: &str| MessageFilter { connection: Some(connection.to_owned()), ..busy.clone() };
    let coded = |code| MessageFilter { code: Some(code), ..MessageFilter::default() };
    for (filter, expected) in [
        (busy.clone(), vec![ended, waits]),
        (coded(DENIED), vec![ended]),
        (coded(StatusCode::Timeout), vec![interrupted]),
        (coded(StatusCode::Success), vec![]),
        (window(0, 102), vec![waits]),
        (window(102, 103), vec![waits]),
        (window(103, 201), vec![]),
        (window(201, 202), vec![ended]),
        (over("east"), vec![waits]),
        (over("west"), vec![ended, waits]),
        (MessageFilter { carrier: Some(carrier()), ..busy.clone() }, vec![ended, waits]),
        (MessageFilter { carrier: Some(CarrierId("1".into())), ..busy.clone() }, vec![]),
        (MessageFilter { account: Some(acme()), below: Some(ended), ..busy.clone() }, vec![waits]),
        (MessageFilter { states: vec![State::Accepted], ..busy.clone() }, vec![waits]),
    ] {
        assert_eq!(ids(&bed, filter.clone(), 10).await, expected, "{filter:?}");
    }
    assert_eq!(ids(&bed, busy.clone(), 1).await, [ended]);
    assert_eq!(counted(&bed, &busy, &[]).await, [MessageCount { messages: 2, ..MessageCount::default() }]);
    // Without a code: over which connection they were attempted, whatever came of it.
    let by_connection = MessageFilter { connection: Some("vzw-1".into()), ..MessageFilter::default() };
    assert_eq!(ids(&bed, by_connection.clone(), 10).await, [taken, interrupted, ended, waits]);
    let elsewhere = MessageFilter { connection: Some("vzw".into()), ..by_connection };
    assert_eq!(ids(&bed, elsewhere, 10).await, []);
}

/// The newest of a message, as long as it is there.
pub async fn failed_attempts_are_bounded_and_go_with_their_message(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = bed.sending(0).await;
    let many: Vec<_> =
        (0..i64::from(FAILED_ATTEMPTS) + 2).map(|now| failed(now, BUSY, Some("east"))).collect();
    settle(&bed, id, again(0, 0), &many, 1).await;
    let till =
        |before| MessageFilter { code: Some(BUSY), before: Some(at(before)), ..MessageFilter::default() };
    assert_eq!(ids(&bed, till(2), 10).await, []);
    assert_eq!(ids(&bed, till(3), 10).await, [id]);
    bed.lease_sends(&carrier(), lease(ME, 2), at(2), None, 1).await.unwrap();
    bed.begin(id, ME, "east", at(60), at(2)).await.unwrap();
    let expired = Settlement::Expired { unreached: false };
    settle(&bed, id, expired, &[failed(100, BUSY, None)], 100).await;
    assert_eq!(ids(&bed, till(3), 10).await, []);
    let owed = bed.lease_callbacks(&acme(), lease(ME, 100), at(100), 1).await.unwrap();
    bed.settle_callback(owed[0].id, ME, posthouse_core::store::CallbackOutcome::Delivered, at(100))
        .await
        .unwrap();
    assert_eq!(bed.sweep(at(200), at(200), 10).await.unwrap().messages, 1);
    assert_eq!(ids(&bed, till(1000), 10).await, []);
}

async fn counted(bed: &Bed, filter: &MessageFilter, by: &[CountBy]) -> Vec<MessageCount> {
    bed.count(filter, by, 10).await.unwrap()
}

/// By what they are to be told apart by, the most first.
pub async fn messages_are_counted(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let any = MessageFilter::default();
    assert_eq!(counted(&bed, &any, &[]).await, []);
    for now in [1, 2, 3] {
        let refused = Settlement::Refused { terminal: Terminal::Rejected, reason: DENIED, details: None };
        attempted(&bed, now, refused, &[failed(now, DENIED, Some("east"))]).await;
    }
    let other = NewMessage {
        account: AccountName("globex".into()),
        carrier: CarrierId("31002".into()),
        ..message(100)
    };
    bed.accept(&other).await.unwrap();
    let of = |messages| MessageCount { messages, ..MessageCount::default() };
    assert_eq!(counted(&bed, &any, &[]).await, [of(4)]);
    let window = MessageFilter { since: Some(at(2)), before: Some(at(100)), ..any.clone() };
    assert_eq!(counted(&bed, &window, &[]).await, [of(2)]);
    let rejected = Some(State::Ended(Terminal::Rejected));
    assert_eq!(
        counted(&bed, &any, &[CountBy::State, CountBy::Code]).await,
        [
            MessageCount { state: rejected, code: Some(DENIED), ..of(3) },
            MessageCount { state: Some(State::Accepted), ..of(1) }
        ]
    );
    assert_eq!(
        counted(&bed, &any, &[CountBy::Account, CountBy::Carrier, CountBy::Account]).await,
        [
            MessageCount { account: Some(acme()), carrier: Some(carrier()), ..of(3) },
            MessageCount {
                account: Some(other.account.clone()),
                carrier: Some(other.carrier.clone()),
                ..of(1)
            }
        ]
    );
    assert_eq!(bed.count(&any, &[CountBy::Carrier], 1).await.unwrap().len(), 1, "at most as many");
    let coded = MessageFilter { code: Some(DENIED), ..any };
    let by_state = counted(&bed, &coded, &[CountBy::State]).await;
    assert_eq!(by_state, [MessageCount { state: rejected, ..of(3) }]);
}

/// Also when that message is gone.
pub async fn the_newest_id_is_remembered(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    assert_eq!(bed.newest_id().await, Ok(None));
    bed.finished("c-1", 0).await;
    let newest = bed.finished("c-2", 1).await;
    assert_eq!(bed.newest_id().await, Ok(Some(newest)));
    assert_eq!(bed.sweep(at(100), at(100), 10).await.unwrap().messages, 2);
    assert_eq!(bed.newest_id().await, Ok(Some(newest)));
}

/// By what is on disk alone: repetitions, carriers' MessageIDs and recipients are known after a reopen, also those of messages that have
/// ended, the newest first and page by page.
pub async fn messages_are_found_after_a_reopen(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let first = NewMessage { repeats_since: Some(at(0)), ..message(0) };
    bed.accept(&first).await.unwrap();
    let mut all = vec![first.id];
    for now in 1..6 {
        all.insert(0, bed.finished(&format!("c-{now}"), now).await);
    }
    let bed = bed.reopen(backend).await;
    let recipient = MessageFilter { recipient: Some("16175550100".into()), ..MessageFilter::default() };
    assert_eq!(ids(&bed, recipient.clone(), 10).await, all);
    let page = MessageFilter { below: Some(all[1]), ..recipient.clone() };
    assert_eq!(ids(&bed, page, 2).await, all[2..4]);
    let window = MessageFilter { since: Some(at(2)), before: Some(at(4)), ..recipient.clone() };
    assert_eq!(ids(&bed, window, 10).await, all[2..4]);
    assert_eq!(counted(&bed, &recipient, &[]).await[0].messages, 6);
    let known_as = MessageFilter { carrier_message_id: Some("c-3".into()), ..MessageFilter::default() };
    assert_eq!(ids(&bed, known_as, 10).await, [all[2]]);
    let again = NewMessage { id: message(6).id, ..first.clone() };
    assert_eq!(bed.accept(&again).await, Ok(Acceptance::Repeats(first.id)));
    let reply = read_reply("c-2", ReadStatus::Read, 7);
    let recorded = bed.record_read_reply(reply).await.unwrap();
    assert!(matches!(recorded, Recorded::Applied(id, _) if id == all[3]), "{recorded:?}");
}
