use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use posthouse_core::{
    Id,
    store::{Heartbeat, Node},
    time::{Clock, after},
};
use tokio::time::advance;

use super::*;

/// A clock that the test sets.
struct Set(Mutex<Timestamp>);

impl Clock for Set {
    fn now(&self) -> Timestamp {
        *self.0.lock()
    }
}

/// A store of several nodes, as a test wants it.
struct Told {
    heartbeat: Mutex<StoreResult<Heartbeat>>,
    joined: Mutex<u8>,
    left: Mutex<bool>,
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + seconds).unwrap()
}

fn heartbeat(time: i64, alive: &[u8]) -> Heartbeat {
    Heartbeat { time: at(time), ids_until: at(time + 10), revision: 1, alive: alive.to_vec(), outdated: None }
}

#[async_trait]
impl MembershipStore for Told {
    async fn join(&self, joining: Joining) -> StoreResult<Membership> {
        let mut joined = self.joined.lock();
        *joined += 1;
        assert_eq!((joining.owner, joining.address.as_str()), (Owner(7), "http://127.0.0.1:9100"));
        Ok(Membership {
            number: *joined,
            epoch: 1,
            is_only: false,
            ids_after: Some(Id::first_at(at(100 * i64::from(*joined)))),
            ids_until: at(100 * i64::from(*joined) + 10),
            time: at(0),
        })
    }

    async fn heartbeat(&self, _: Beat) -> StoreResult<Heartbeat> {
        self.heartbeat.lock().clone()
    }

    async fn leave(&self, _: Owner) -> StoreResult<()> {
        *self.left.lock() = true;
        Ok(())
    }

    async fn nodes(&self) -> StoreResult<Vec<Node>> {
        Ok(Vec::new())
    }
}

async fn node() -> (Arc<ClusterNode>, Arc<Told>, Arc<Set>) {
    let store = Arc::new(Told {
        heartbeat: Mutex::new(Ok(heartbeat(0, &[1, 2]))),
        joined: Mutex::default(),
        left: Mutex::default(),
    });
    let clock = Arc::new(Set(Mutex::new(at(0))));
    let of_store = Arc::new(StoreClock::new(clock.clone()));
    let joined = ClusterNode::join(store.clone(), Owner(7), "http://127.0.0.1:9100", of_store).await;
    (Arc::new(joined.unwrap()), store, clock)
}

fn beat() -> Beat {
    Beat { owner: Owner(7), revision: 1, is_draining: false, now: at(0) }
}

#[tokio::test(start_paused = true)]
async fn it_has_its_slots_while_the_store_hears_it() {
    let (node, store, _) = node().await;
    assert_eq!(node.slots(), Slots::NONE, "who else is there is not known yet");
    node.hear(beat()).await.unwrap();
    assert_eq!(node.slots(), Slots::of(1, &[1, 2]));
    *store.heartbeat.lock() = Ok(heartbeat(1, &[1]));
    node.hear(beat()).await.unwrap();
    assert_eq!((node.slots(), node.is_heard()), (Slots::ALL, true));
    *store.heartbeat.lock() = Err(StoreError::Unavailable { retry_after: Duration::from_secs(1) });
    advance(Duration::from_secs(9)).await;
    assert!(node.hear(beat()).await.is_err());
    assert_eq!((node.slots(), node.fault()), (Slots::ALL, None));
    advance(Duration::from_secs(1)).await;
    assert_eq!((node.slots(), node.is_heard()), (Slots::NONE, false));
    assert_eq!(node.fault().unwrap(), "the store has not heard this node for 10 s");
    *store.heartbeat.lock() = Ok(heartbeat(1, &[1, 2]));
    node.hear(beat()).await.unwrap();
    assert_eq!((node.slots(), node.fault()), (Slots::of(1, &[1, 2]), None));
}

#[tokio::test(start_paused = true)]
async fn it_makes_ids_below_what_the_store_allows() {
    let (node, store, _) = node().await;
    let first = node.ids().next(at(0)).unwrap();
    assert!(
        first > Id::first_at(at(100)) && first.node() == 1,
        "behind the last holder's, whatever the clock says"
    );
    assert!(node.ids().next(at(110)).is_err());
    *store.heartbeat.lock() = Ok(heartbeat(105, &[1]));
    node.hear(beat()).await.unwrap();
    assert_eq!(node.ids().next(at(114)).map(Id::time), Ok(at(114)));
    assert_eq!(
        node.ids().next(at(115)),
        Err(StoreError::Unavailable { retry_after: Duration::from_secs(1) })
    );
}

#[tokio::test(start_paused = true)]
async fn whose_number_was_taken_comes_as_another() {
    let (node, store, _) = node().await;
    *store.heartbeat.lock() = Err(StoreError::LostLease);
    node.hear(beat()).await.unwrap();
    let id = node.ids().next(at(0)).unwrap();
    assert_eq!(id.node(), 2);
    assert!(id > Id::first_at(at(200)));
    *store.heartbeat.lock() = Ok(heartbeat(0, &[1, 2]));
    node.hear(beat()).await.unwrap();
    assert_eq!(node.slots(), Slots::of(2, &[1, 2]));
}

#[tokio::test(start_paused = true)]
async fn it_goes_by_the_stores_time_and_is_not_ready_with_a_clock_that_is_off() {
    let (node, store, clock) = node().await;
    for (own, said, fault) in [
        (0, 4, None),
        (100, 106, Some("the clock is 6 s behind the store's: set it right")),
        (100, 90, Some("the clock is 10 s ahead of the store's: set it right")),
        (100, 100, None),
    ] {
        *clock.0.lock() = at(own);
        *store.heartbeat.lock() = Ok(heartbeat(said, &[1]));
        node.hear(Beat { now: at(own), ..beat() }).await.unwrap();
        assert_eq!(node.fault().as_deref(), fault, "{own} {said}");
        assert_eq!(node.clock.now(), at(said));
        *clock.0.lock() = after(at(own), Duration::from_secs(1));
        assert_eq!(node.clock.now(), at(said + 1), "it goes on");
    }
}

#[tokio::test(start_paused = true)]
async fn it_beats_till_it_leaves_also_while_it_stops() {
    let (node, store, _) = node().await;
    let stop = CancellationToken::new();
    let asked = stop.clone();
    let beating = tokio::spawn(Arc::clone(&node).beat(|| 1, move || asked.is_cancelled()));
    stop.cancel();
    sleep(Duration::from_secs(30)).await;
    assert!(node.is_heard() && !beating.is_finished());
    node.leave().await;
    beating.await.unwrap();
    assert!(*store.left.lock());
}

#[tokio::test(start_paused = true)]
async fn whose_program_is_outdated_takes_nothing_and_says_why() {
    let (node, store, _) = node().await;
    node.hear(beat()).await.unwrap();
    assert!(node.is_heard());
    let why = "run the newer program".to_owned();
    *store.heartbeat.lock() = Ok(Heartbeat { outdated: Some(why.clone()), ..heartbeat(1, &[1]) });
    node.hear(beat()).await.unwrap();
    assert_eq!((node.slots(), node.is_heard(), node.fault()), (Slots::NONE, false, Some(why.clone())));
    *store.heartbeat.lock() = Ok(heartbeat(2, &[1]));
    node.hear(beat()).await.unwrap();
    assert!(!node.is_heard(), "it leaves, whatever is said afterwards");
    assert_eq!(node.outdated().await, why);
}
