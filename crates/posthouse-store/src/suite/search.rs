//! Looking for messages.

use mm7::MmStatus;
use posthouse_core::{
    Id,
    account::AccountName,
    address::Msisdn,
    carrier::CarrierId,
    life::state::{State, Terminal},
    store::{MessageFilter, NewMessage},
};

use super::{
    Backend,
    bed::{Bed, acme, at, carrier, message, report},
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
        (MessageFilter { transaction_id: Some(transaction), ..any.clone() }, vec![mine]),
        (MessageFilter { states: vec![State::Accepted, State::Parked], ..any.clone() }, vec![other.id]),
        (MessageFilter { states: vec![retrieved], ..any.clone() }, vec![mine]),
        (MessageFilter { states: vec![retrieved], ..of(AccountName("globex".into())) }, vec![]),
    ] {
        assert_eq!(ids(&bed, filter.clone(), 10).await, expected, "{filter:?}");
    }
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
