//! The nodes that serve a store.

use posthouse_core::{
    cluster::{DEAD_AFTER, LONG_PAST},
    divisions::{Demands, LimitClaim},
    id::IdSource,
    store::{Beat, Joining, Lease, NodeKind, Owner, StoreError, Timer, Wanting},
    time::after,
};

use super::{
    Backend,
    bed::{Bed, LEASE, ME, OTHER, at, message, seconds},
};

fn joining(owner: Owner, now: i64) -> Joining {
    let (address, version) = ("http://10.0.0.1:9100".to_owned(), "1.2.3".to_owned());
    Joining { owner, kind: NodeKind::Gateway, address, version, now: at(now) }
}

fn beat(owner: Owner, now: i64) -> Beat {
    Beat { owner, revision: 7, is_draining: false, now: at(now) }
}

/// Under its number, with what it said.
pub async fn a_node_comes_and_is_heard_of(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    assert_eq!(bed.nodes().await, Ok(vec![]));
    let membership = bed.join(joining(ME, 0)).await.unwrap();
    assert!(membership.ids_until > membership.time, "{membership:?}");
    let again = bed.join(joining(ME, 1)).await.unwrap();
    assert_eq!((again.number, again.epoch), (membership.number, membership.epoch), "it is the same");
    let heard = bed.heartbeat(Beat { is_draining: true, ..beat(ME, 2) }).await.unwrap();
    assert_eq!((heard.alive, heard.revision), (vec![membership.number], 0));
    assert!(heard.ids_until >= again.ids_until && heard.time >= again.time, "time goes on");
    let nodes = bed.nodes().await.unwrap();
    let [node] = &nodes[..] else { panic!("{nodes:?}") };
    assert_eq!((node.number, node.owner, node.kind), (membership.number, ME, NodeKind::Gateway));
    assert_eq!((node.address.as_str(), node.version.as_str()), ("http://10.0.0.1:9100", "1.2.3"));
    assert_eq!((node.revision, node.is_draining, node.beat_at), (7, true, heard.time));
}

/// Its number is another's, or it never had one.
pub async fn who_is_not_there_is_told(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    assert_eq!(bed.heartbeat(beat(ME, 0)).await, Err(StoreError::LostLease));
    bed.join(joining(ME, 0)).await.unwrap();
    assert_eq!(bed.heartbeat(beat(OTHER, 1)).await, Err(StoreError::LostLease));
    bed.heartbeat(beat(ME, 1)).await.unwrap();
}

/// And is there no more.
pub async fn a_node_goes(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let first = bed.join(joining(ME, 0)).await.unwrap();
    bed.leave(OTHER).await.unwrap();
    assert_eq!(bed.nodes().await.unwrap().len(), 1, "a stranger takes nobody along");
    bed.leave(ME).await.unwrap();
    bed.leave(ME).await.unwrap();
    assert_eq!(bed.nodes().await, Ok(vec![]));
    assert_eq!(bed.heartbeat(beat(ME, 1)).await, Err(StoreError::LostLease));
    let next = bed.join(joining(OTHER, 1)).await.unwrap();
    assert_eq!(next.number, first.number, "its number is free");
    assert!(next.epoch > first.epoch, "and it is another's");
}

/// Whatever the clock says.
pub async fn ids_go_on_behind_the_newest(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let first = bed.join(joining(ME, 100)).await.unwrap();
    let mut ids = IdSource::new(first.number, first.ids_after);
    let new = posthouse_core::store::NewMessage { id: ids.next(first.time), ..message(100) };
    bed.accept(&new).await.unwrap();
    bed.leave(ME).await.unwrap();
    let next = bed.join(joining(OTHER, 0)).await.unwrap();
    assert!(next.ids_after >= Some(new.id), "{next:?}");
    assert!(IdSource::new(next.number, next.ids_after).next(at(0)) > new.id);
}

/// It has all of each limit that it names. One that is not there has nothing.
pub async fn a_node_that_is_alone_has_all_of_a_limit(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let claims = [(16, 3), (10, 0)].map(|(total, wanted)| LimitClaim { total, wanted, in_use: 0 });
    let demands = Demands::from([("connection".to_owned(), claims.to_vec())]);
    let wanting = |owner| Wanting { owner, demands: demands.clone(), now: at(0) };
    assert_eq!(bed.divide(wanting(ME)).await, Err(StoreError::LostLease));
    let number = bed.join(joining(ME, 0)).await.unwrap().number;
    let divided = bed.divide(wanting(ME)).await.unwrap();
    assert_eq!(divided.divisions.of("connection", number, divided.time), [16, 10]);
    assert_eq!(divided.divisions.of("another", number, divided.time), Vec::<u64>::new());
    let again = bed.divide(wanting(ME)).await.unwrap();
    assert_eq!(again.divisions.of("connection", number, again.time), [16, 10]);
    bed.leave(ME).await.unwrap();
    assert_eq!(bed.divide(wanting(ME)).await, Err(StoreError::LostLease));
}

/// What it began it has in hand, and settles.
pub async fn a_living_owners_attempt_is_not_interrupted(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    bed.join(joining(ME, 0)).await.unwrap();
    let id = bed.sending(0).await;
    let dead_after = i64::try_from(DEAD_AFTER.as_secs()).unwrap();
    bed.heartbeat(beat(ME, LEASE)).await.unwrap();
    assert_eq!(bed.timers(OTHER, LEASE + dead_after - 1).await, []);
    bed.settle_mine(id, super::bed::taken("c-1", LEASE), LEASE + dead_after).await;
}

/// Its outcome is unknown.
pub async fn a_dead_owners_attempt_is_interrupted(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    bed.join(joining(ME, 0)).await.unwrap();
    // By the store's time, which may be another than that of the caller.
    let heard = bed.heartbeat(beat(ME, LEASE)).await.unwrap().time;
    let id = bed.accept_mine(0).await;
    bed.begin(id, ME, "vzw-1", heard, at(0)).await.unwrap();
    let dead = after(heard, DEAD_AFTER);
    let lease = Lease { owner: OTHER, until: after(dead, seconds(60)) };
    let alive = dead.checked_sub(seconds(1)).unwrap();
    assert_eq!(bed.lease_timers(lease, alive, 100).await, Ok(vec![]));
    let timers = bed.lease_timers(lease, dead, 100).await.unwrap();
    assert!(matches!(&timers[..], [Timer::Interrupted(send)] if send.id == id), "{timers:?}");
    let late = bed.settle(id, ME, super::bed::taken("c-1", LEASE), "", dead).await;
    assert_eq!(late, Err(StoreError::LostLease));
}

/// However alive its owner is; and the node that asks knows what it began itself.
pub async fn an_attempt_long_past_is_interrupted(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    bed.join(joining(ME, 0)).await.unwrap();
    let (first, second) = (bed.sending(0).await, bed.sending(1).await);
    let mine = bed.timers(ME, LEASE).await;
    assert!(matches!(&mine[..], [Timer::Interrupted(send)] if send.id == first), "{mine:?}");
    let past = 1 + LEASE + i64::try_from(LONG_PAST.as_secs()).unwrap();
    bed.heartbeat(beat(ME, past)).await.unwrap();
    let others = bed.timers(OTHER, past).await;
    assert!(others.iter().any(|timer| timer.id() == second), "{others:?}");
    assert!(LONG_PAST > DEAD_AFTER && DEAD_AFTER > seconds(2));
}
