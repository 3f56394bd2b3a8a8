//! What live pages cost: as many as a room of operators has open, beside the messages that are taken meanwhile.
//!
//! `POSTHOUSE_LIVE_SECONDS=5 cargo test --release -p posthouse --test it live_pages:: -- --nocapture` measures it, on a quiet machine: each
//! slice takes so many seconds.

use std::{
    env, fs,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use posthouse_testing::{
    request::RawRequest,
    town::{Town, eventually},
};
use tokio::{io::AsyncReadExt as _, task::JoinSet, time::sleep};

use crate::{
    api::town,
    pages::{signed_in, streamed},
    turns::Turns,
};

/// How many pages are open.
const PAGES: usize = 20;
/// How often they are opened, to compare what is accepted with them and without.
const TURNS: usize = 6;
/// How many VASPs send at a time.
const SENDERS: usize = 16;
/// A clock tick of `/proc/self/stat`, in milliseconds.
const TICK_MS: u64 = 10;

/// Opens pages of all that is live, in turn; how many events each has had is counted.
async fn open(admin: &str, message: &str) -> (JoinSet<()>, Arc<Vec<AtomicU64>>) {
    let cookie = signed_in(admin).await;
    let of_message = format!("/live/message?id={message}");
    let topics = ["/live/overview", "/live/queues", "/live/carrier?id=31003", &of_message];
    let heard: Arc<Vec<AtomicU64>> = Arc::new((0..PAGES).map(|_| AtomicU64::new(0)).collect());
    let mut open = JoinSet::new();
    for (page, topic) in (0..PAGES).zip(topics.iter().cycle()) {
        let (_, mut stream) = streamed(admin, topic, &cookie, "event: beat").await;
        let heard = Arc::clone(&heard);
        open.spawn(async move {
            let mut came = vec![0; 64 << 10];
            while stream.read(&mut came).await.unwrap_or_default() > 0 {
                heard[page].fetch_add(1, Relaxed);
            }
        });
    }
    (open, heard)
}

/// Has messages taken for so long; how many a second.
async fn accepted(town: &Arc<Town>, lasts: Duration) -> f64 {
    let (taken, begun) = (Arc::new(AtomicU64::new(0)), Instant::now());
    let mut senders = JoinSet::new();
    for _ in 0..SENDERS {
        let (town, taken) = (Arc::clone(town), Arc::clone(&taken));
        senders.spawn(async move {
            while begun.elapsed() < lasts {
                assert_eq!(town.post(&RawRequest::to("16175550100")).await.code(), Some(1000));
                taken.fetch_add(1, Relaxed);
            }
        });
    }
    while let Some(sent) = senders.join_next().await {
        sent.unwrap();
    }
    let taken = u32::try_from(taken.load(Relaxed)).unwrap();
    f64::from(taken) / begun.elapsed().as_secs_f64()
}

/// How much CPU time this process has used, in milliseconds.
fn cpu_ms() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    fields.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap() * TICK_MS).sum()
}

/// Prints what pages cost: at rest, and beside messages, in turn with none; the slice in which they are opened is told apart.
#[expect(clippy::print_stderr, reason = "it is run to be read")]
async fn measure(town: &Arc<Town>, admin: &str, message: &str, lasts: Duration) {
    let at_rest = async || {
        let before = cpu_ms();
        sleep(lasts).await;
        (cpu_ms() - before) / lasts.as_secs().max(1)
    };
    let none = at_rest().await;
    let pages = open(admin, message).await;
    eprintln!("at rest: {none} ms of CPU time a second, {} with {PAGES} live pages", at_rest().await);
    drop(pages);
    let turns = Turns::measure(
        TURNS,
        async || accepted(town, lasts).await,
        async || open(admin, message).await,
        async |pages| drop(pages),
    );
    eprintln!("{PAGES} live pages: accepted {}", turns.await);
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_taken_while_twenty_pages_are_live() {
    let town = Arc::new(town().await);
    let admin = town.app.ready().admin.clone();
    let message = town.submit(&RawRequest::to("16175550100")).await;
    town.ended(message).await;
    let (pages, heard) = open(&admin, &message.to_string()).await;
    assert!(accepted(&town, Duration::from_millis(100)).await > 0.0);
    let before: Vec<u64> = heard.iter().map(|page| page.load(Relaxed)).collect();
    eventually("every page hears more", async || {
        heard.iter().zip(&before).all(|(page, before)| page.load(Relaxed) > *before).then_some(())
    })
    .await;
    drop(pages);
    if let Some(seconds) = env::var("POSTHOUSE_LIVE_SECONDS").ok().and_then(|text| text.parse().ok()) {
        measure(&town, &admin, &message.to_string(), Duration::from_secs(seconds)).await;
    }
    Arc::into_inner(town).unwrap().close().await;
}
