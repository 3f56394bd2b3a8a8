use std::{
    collections::VecDeque,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use tokio::{sync::Semaphore, time::timeout};

use super::*;

const SOON: Duration = Duration::from_secs(20);
const CAPACITY: usize = 8;

/// A try of an id: how often it was tried before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Try {
    id: i64,
    attempts: u32,
}

/// What is due, and what became of it.
struct Ledger {
    due: Mutex<VecDeque<Try>>,
    /// How many were asked for, each time.
    asked: Mutex<Vec<usize>>,
    begun: Mutex<Vec<Try>>,
    given_back: Mutex<Vec<Try>>,
    opened: AtomicUsize,
    broke_off: AtomicUsize,
    /// A try ends once it gets one of these.
    ends: Semaphore,
}

impl Ledger {
    fn of(due: impl IntoIterator<Item = Try>) -> Self {
        Self {
            due: Mutex::new(due.into_iter().collect()),
            asked: Mutex::default(),
            begun: Mutex::default(),
            given_back: Mutex::default(),
            opened: AtomicUsize::new(0),
            broke_off: AtomicUsize::new(0),
            ends: Semaphore::new(0),
        }
    }

    fn add(&self, due: Try) {
        self.due.lock().push_back(due);
    }

    fn begun(&self) -> Vec<i64> {
        self.begun.lock().iter().map(|begun| begun.id).collect()
    }
}

/// Takes what is due, and does it when the ledger says so. The id 666 breaks off.
struct Scripted {
    ledger: Arc<Ledger>,
    bell: Arc<Notify>,
}

impl Worker for Scripted {
    type Context = Ledger;
    type Name = &'static str;
    type Job = Try;
    type End = ();

    fn open(ledger: &Arc<Ledger>, _: &&'static str, bell: &Arc<Notify>, _: &CancellationToken) -> Self {
        ledger.opened.fetch_add(1, Ordering::Relaxed);
        Self { ledger: Arc::clone(ledger), bell: Arc::clone(bell) }
    }

    fn id(job: &Try) -> Id {
        Id::from_number(job.id).unwrap()
    }

    fn attempts(job: &Try) -> u32 {
        job.attempts
    }

    fn is_next_try(job: &Try, attempts: u32) -> bool {
        attempts < job.attempts
    }

    fn capacity(&self) -> usize {
        CAPACITY
    }

    async fn next(&mut self, _: usize) -> Option<Try> {
        std::future::pending().await
    }

    async fn lease(&mut self, free: usize) -> Vec<Try> {
        self.ledger.asked.lock().push(free);
        let mut due = self.ledger.due.lock();
        let taken = free.min(due.len());
        let leased = due.drain(..taken).collect();
        if !due.is_empty() {
            self.bell.notify_one();
        }
        leased
    }

    fn work(&self, job: Try) -> impl Future<Output = ()> + Send + 'static {
        let ledger = Arc::clone(&self.ledger);
        async move {
            ledger.begun.lock().push(job);
            assert_ne!(job.id, 666, "told to break off");
            ledger.ends.acquire().await.unwrap().forget();
        }
    }

    fn ended(&mut self, (): ()) {}

    fn broke_off(&self, _: &JoinError) {
        self.ledger.broke_off.fetch_add(1, Ordering::Relaxed);
    }

    async fn stop(&mut self) {}

    async fn give_back(&mut self, jobs: Vec<Try>) {
        self.ledger.given_back.lock().extend(jobs);
    }
}

fn tries(ids: std::ops::Range<i64>) -> impl Iterator<Item = Try> {
    ids.map(|id| Try { id, attempts: 0 })
}

fn lanes(due: impl IntoIterator<Item = Try>) -> (Lanes<Scripted>, CancellationToken) {
    let stop = CancellationToken::new();
    (Lanes::new(Ledger::of(due), stop.clone()), stop)
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, waiting).await.unwrap_or_else(|_| panic!("in time: {what}"));
}

async fn finish(lanes: &Lanes<Scripted>, stop: &CancellationToken) {
    stop.cancel();
    timeout(SOON, lanes.finished()).await.expect("the lanes finish");
}

#[tokio::test]
async fn a_lane_is_opened_once_and_rung_after() {
    let (lanes, stop) = lanes([]);
    lanes.wake(&"a");
    until("a first look", || lanes.context().asked.lock().len() == 1).await;
    lanes.wake(&"a");
    until("a second look", || lanes.context().asked.lock().len() == 2).await;
    assert_eq!(lanes.context().opened.load(Ordering::Relaxed), 1);
    finish(&lanes, &stop).await;
}

#[tokio::test]
async fn a_lane_that_ended_is_opened_again() {
    let (lanes, stop) = lanes([]);
    lanes.wake(&"a");
    stop.cancel();
    until("the lane is gone", || !lanes.open.lock().bells.values().any(is_heard)).await;
    lanes.wake(&"a");
    assert_eq!(lanes.context().opened.load(Ordering::Relaxed), 2);
    finish(&lanes, &stop).await;
}

#[tokio::test]
async fn as_much_is_in_hand_as_there_are_places_and_the_store_is_asked_for_several_at_a_time() {
    let (lanes, stop) = lanes(tries(0..10));
    lanes.wake(&"a");
    until("all places are taken", || lanes.context().begun().len() == CAPACITY).await;
    lanes.context().ends.add_permits(1);
    lanes.wake(&"a");
    until("one ended", || lanes.context().ends.available_permits() == 0).await;
    assert_eq!(*lanes.context().asked.lock(), [8], "one free place is no reason to ask");
    lanes.context().ends.add_permits(1);
    until("two more are begun", || lanes.context().begun().len() == CAPACITY + 2).await;
    assert_eq!(lanes.context().asked.lock()[1], 2);
    lanes.context().ends.add_permits(CAPACITY);
    finish(&lanes, &stop).await;
    assert_eq!(lanes.context().begun(), (0..10).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_next_try_of_what_is_in_hand_waits_for_the_end_of_this_one_and_the_same_is_left_alone() {
    let (lanes, stop) = lanes([Try { id: 1, attempts: 3 }]);
    lanes.wake(&"a");
    until("it is begun", || lanes.context().begun() == [1]).await;
    lanes.context().add(Try { id: 1, attempts: 3 });
    lanes.context().add(Try { id: 1, attempts: 4 });
    lanes.wake(&"a");
    until("both are leased", || lanes.context().due.lock().is_empty()).await;
    assert_eq!(lanes.context().begun(), [1]);
    lanes.context().ends.add_permits(1);
    until("the next try is begun", || lanes.context().begun() == [1, 1]).await;
    assert_eq!(lanes.context().begun.lock()[1], Try { id: 1, attempts: 4 });
    lanes.context().ends.add_permits(1);
    finish(&lanes, &stop).await;
    assert_eq!(*lanes.context().given_back.lock(), []);
}

#[tokio::test]
async fn a_stop_finishes_what_is_under_way_and_gives_back_what_is_not_begun() {
    let (lanes, stop) = lanes([Try { id: 1, attempts: 0 }]);
    lanes.wake(&"a");
    until("it is begun", || lanes.context().begun() == [1]).await;
    lanes.context().add(Try { id: 1, attempts: 1 });
    lanes.wake(&"a");
    until("its next try is leased", || lanes.context().due.lock().is_empty()).await;
    stop.cancel();
    tokio::task::yield_now().await;
    lanes.context().ends.add_permits(1);
    finish(&lanes, &stop).await;
    assert_eq!(lanes.context().begun(), [1]);
    assert_eq!(*lanes.context().given_back.lock(), [Try { id: 1, attempts: 1 }]);
}

#[tokio::test]
async fn a_job_that_breaks_off_leaves_the_lane_at_work() {
    let (lanes, stop) = lanes([Try { id: 666, attempts: 0 }]);
    lanes.wake(&"a");
    until("it broke off", || lanes.context().broke_off.load(Ordering::Relaxed) == 1).await;
    lanes.context().add(Try { id: 2, attempts: 0 });
    lanes.wake(&"a");
    until("the next is begun", || lanes.context().begun() == [666, 2]).await;
    lanes.context().ends.add_permits(1);
    finish(&lanes, &stop).await;
    assert_eq!(lanes.context().opened.load(Ordering::Relaxed), 1);
}
