//! The load generator: connections that each send a request, wait for its answer, and send the next.
//!
//! It runs on one thread of its own, writes requests that were encoded before, and looks at no more of an answer than whether
//! it is 1000 and under which MessageID.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Context as _;
use memchr::memmem;
use tokio::{
    sync::Semaphore,
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{
    bodies::Template,
    wire::{BenchConnection, WireMessage, element, number},
};

/// How long a connection waits after an error, so that errors are counted and do not become the load.
const AFTER_ERROR: Duration = Duration::from_millis(20);

/// When a load ends.
#[derive(Clone, Copy, Debug)]
pub enum Until {
    /// After a time.
    Elapsed(Duration),
    /// Until this many requests were accepted.
    Accepted(u64),
}

/// What is sent, where, and for how long.
#[derive(Clone, Debug)]
pub struct Load {
    /// The server.
    pub server: SocketAddr,
    /// What is sent, in turn.
    pub templates: Arc<Vec<Template>>,
    /// How many connections send at a time.
    pub connections: usize,
    /// When it ends.
    pub until: Until,
    /// The number of the next request, over all loads of a run.
    pub numbers: Arc<AtomicU64>,
    /// Counts what was accepted, for those who watch.
    pub accepted: Arc<AtomicU64>,
    /// A permit for each message that may still be sent; each that has ended gives one back. `None`: there is no limit.
    pub room: Option<Arc<Semaphore>>,
}

/// What came of a load.
#[derive(Clone, Debug, Default)]
pub struct LoadResult {
    /// How long it took, to the last answer.
    pub took: Duration,
    /// Requests answered with 1000 before the time was up.
    pub in_time: u64,
    /// How long each of those took, in microseconds.
    pub latencies: Vec<u32>,
    /// The MessageIDs of all that was answered with 1000, in time or just after it.
    pub ids: Vec<i64>,
    /// Requests that were not answered with 1000.
    pub errors: u64,
    /// What the first of them was.
    pub first_error: Option<String>,
}

impl LoadResult {
    /// How many requests a second were accepted, in a window of this length.
    pub fn per_second(&self, window: Duration) -> f64 {
        self.in_time as f64 / window.as_secs_f64()
    }

    fn add(&mut self, other: Self) {
        self.in_time += other.in_time;
        self.errors += other.errors;
        self.latencies.extend(other.latencies);
        self.ids.extend(other.ids);
        self.first_error = self.first_error.take().or(other.first_error);
    }

    fn fail(&mut self, what: impl ToString) {
        self.errors += 1;
        self.first_error.get_or_insert_with(|| what.to_string());
    }
}

impl Load {
    /// Puts the load on.
    ///
    /// # Errors
    /// The thread broke off, or not one request was accepted.
    pub async fn run(self) -> anyhow::Result<LoadResult> {
        let running = tokio::task::spawn_blocking(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            Ok::<_, io::Error>(runtime.block_on(self.put_on()))
        });
        let outcome = running.await.context("the load generator broke off")??;
        match &outcome.first_error {
            Some(error) if outcome.ids.is_empty() => anyhow::bail!("no request was accepted: {error}"),
            _ => Ok(outcome),
        }
    }

    async fn put_on(self) -> LoadResult {
        let began = Instant::now();
        let load = Arc::new(self);
        let mut connections = JoinSet::new();
        for turn in 0..load.connections {
            connections.spawn(drive(Arc::clone(&load), turn, began));
        }
        let mut outcome = LoadResult::default();
        while let Some(driven) = connections.join_next().await {
            match driven {
                Ok(driven) => outcome.add(driven),
                Err(error) => outcome.fail(error),
            }
        }
        outcome.took = began.elapsed();
        outcome
    }

    fn goes_on(&self, began: Instant) -> bool {
        match self.until {
            Until::Elapsed(time) => began.elapsed() < time,
            Until::Accepted(most) => self.accepted.load(Ordering::Relaxed) < most,
        }
    }

    /// Waits till one more message may be under way; `false`: the time was up first.
    async fn has_room(&self, began: Instant) -> bool {
        let (Some(room), Until::Elapsed(time)) = (&self.room, self.until) else { return true };
        match timeout(time.saturating_sub(began.elapsed()), room.acquire()).await {
            Ok(Ok(permit)) => {
                permit.forget();
                true
            }
            _ => false,
        }
    }

    fn in_time(&self, began: Instant) -> bool {
        match self.until {
            Until::Elapsed(time) => began.elapsed() <= time,
            Until::Accepted(_) => true,
        }
    }
}

/// Sends one request after the other over one connection.
async fn drive(load: Arc<Load>, first: usize, began: Instant) -> LoadResult {
    let mut outcome = LoadResult::default();
    let mut templates: Vec<Template> = load.templates.to_vec();
    let mut wire = None;
    let mut turn = first;
    while load.goes_on(began) && load.has_room(began).await {
        let turns = templates.len();
        let Some(template) = templates.get_mut(turn % turns) else { break };
        turn += 1;
        let sent = Instant::now();
        let request = template.number(load.numbers.fetch_add(1, Ordering::Relaxed));
        match exchange(&mut wire, load.server, request).await {
            Ok(id) => {
                load.accepted.fetch_add(1, Ordering::Relaxed);
                outcome.ids.push(id);
                if load.in_time(began) {
                    outcome.in_time += 1;
                    outcome.latencies.push(u32::try_from(sent.elapsed().as_micros()).unwrap_or(u32::MAX));
                }
            }
            Err(error) => {
                outcome.fail(error);
                load.room.iter().for_each(|room| room.add_permits(1));
                wire = None;
                sleep(AFTER_ERROR).await;
            }
        }
    }
    outcome
}

/// One request and its answer; the MessageID under which it was accepted.
async fn exchange(wire: &mut Option<BenchConnection>, server: SocketAddr, request: &[u8]) -> io::Result<i64> {
    if wire.is_none() {
        *wire = Some(BenchConnection::connect(server).await?);
    }
    let Some(wire) = wire else { return Err(io::ErrorKind::NotConnected.into()) };
    wire.send(request).await?;
    let answer = wire.receive().await?;
    accepted(&answer).ok_or_else(|| io::Error::other(said(&answer)))
}

fn accepted(answer: &WireMessage<'_>) -> Option<i64> {
    memmem::find(answer.body, b"StatusCode>1000<")?;
    number(element(answer.body, "MessageID")?)
}

/// What a refusal says, in short.
fn said(answer: &WireMessage<'_>) -> String {
    let line = answer.head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let code = element(answer.body, "StatusCode").unwrap_or_default();
    let details = element(answer.body, "Details").or_else(|| element(answer.body, "StatusText"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{} {} {}", text(line), text(code), text(details.unwrap_or_default()))
}
