//! Who has something due.

use posthouse_core::{
    carrier::CarrierId,
    store::{CallbackOutcome, Due, NewMessage},
};

use super::{
    Backend,
    bed::{Bed, LEASE, ME, REPORT_TIMEOUT, acme, again, at, carrier, message},
};

/// Nothing, and nothing to wait for.
pub async fn nothing_is_due_in_an_empty_store(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    assert_eq!(bed.due(at(0)).await, Ok(Due::default()));
}

/// Each named once, however much is due.
pub async fn due_names_carriers_accounts_and_timers(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let other = CarrierId("031003".into());
    for now in 0..3 {
        bed.accept(&message(now)).await.unwrap();
        bed.accept(&NewMessage { carrier: other.clone(), ..message(now) }).await.unwrap();
        bed.forwarded(&format!("c-{now}"), now).await;
    }
    let due = bed.due(at(5)).await.unwrap();
    assert_eq!((due.carriers, due.accounts, due.timers), (vec![other, carrier()], vec![acme()], false));
    assert!(bed.due(at(REPORT_TIMEOUT)).await.unwrap().timers);
}

/// A lease's end, a retry, a timer: whichever is first.
pub async fn due_tells_when_the_next_is(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let waits = |next| Ok(Due { next: Some(at(next)), ..Due::default() });
    let id = bed.accept_mine(0).await;
    assert_eq!(bed.due(at(0)).await, waits(LEASE), "the lease ends");
    bed.begin(id, ME, "vzw-1", at(20), at(0)).await.unwrap();
    assert_eq!(bed.due(at(1)).await, waits(20), "the attempt's lease ends");
    bed.settle_mine(id, again(2, 30), 2).await;
    assert_eq!(bed.due(at(3)).await, waits(32), "another attempt is due");
    let due = bed.due(at(32)).await.unwrap();
    assert_eq!((due.carriers, due.next), (vec![carrier()], None));
}

/// Also while others of the same carrier are due already.
pub async fn due_tells_when_the_next_attempt_is_beside_others(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    for seconds in [30, 40] {
        let id = bed.accept_mine(0).await;
        bed.begin_mine(id, 0).await;
        bed.settle_mine(id, again(0, seconds), 0).await;
    }
    let due = bed.due(at(30)).await.unwrap();
    assert_eq!((due.carriers, due.next), (vec![carrier()], Some(at(40))));
}

/// Also while others of the same account, and other timers, are due already.
pub async fn due_tells_when_the_next_callback_is_beside_others(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    for (now, seconds) in [(0, 30), (10, 40)] {
        bed.forwarded(&format!("c-{now}"), now).await;
        let callback = bed.callbacks(now).await.remove(0);
        let again = CallbackOutcome::Again { due: at(seconds), said: "".into() };
        bed.settle_callback(callback.id, ME, again, at(now)).await.unwrap();
    }
    let due = bed.due(at(30)).await.unwrap();
    assert_eq!((due.accounts, due.next), (vec![acme()], Some(at(40))));
    let due = bed.due(at(REPORT_TIMEOUT)).await.unwrap();
    assert_eq!((due.timers, due.next), (true, Some(at(REPORT_TIMEOUT + 10))));
}

/// Of messages, timers and callbacks, whichever became due first; what lies ahead does not count.
pub async fn the_oldest_due_is_told(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    assert_eq!(bed.oldest_due(at(0)).await, Ok(None));
    let id = bed.accept_mine(0).await;
    assert_eq!(bed.oldest_due(at(1)).await, Ok(None), "it is in hand");
    assert_eq!(bed.oldest_due(at(LEASE + 5)).await, Ok(Some(at(LEASE))), "its lease ended");
    bed.begin(id, ME, "vzw-1", at(20), at(0)).await.unwrap();
    assert_eq!(bed.oldest_due(at(19)).await, Ok(None), "an attempt is under way");
    assert_eq!(bed.oldest_due(at(30)).await, Ok(Some(at(20))), "it was interrupted");
    bed.settle_mine(id, again(2, 40), 2).await;
    let other = CarrierId("031003".into());
    bed.accept(&NewMessage { carrier: other, ..message(45) }).await.unwrap();
    assert_eq!(bed.oldest_due(at(50)).await, Ok(Some(at(42))), "the older of two carriers' messages");
    bed.forwarded("c-1", 35).await;
    assert_eq!(bed.oldest_due(at(50)).await, Ok(Some(at(35))), "a callback is older");
}
