use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::time::advance;

use super::*;

const HOUR: Duration = Duration::from_secs(3600);
const TIMEOUT: Duration = Duration::from_millis(500);

/// How a scripted provider behaves.
#[derive(Clone, Debug)]
enum Way {
    Names(&'static str),
    KnowsNobody,
    Fails,
    Hangs,
}

#[derive(Debug, Default)]
struct Scripted {
    way: Mutex<Option<Way>>,
    asked: AtomicUsize,
}

#[async_trait]
impl NumberProvider for Arc<Scripted> {
    async fn ask(&self, _: &Msisdn) -> Result<KnownCarrier, ProviderError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(100)).await;
        let way = self.way.lock().clone();
        match way.unwrap() {
            Way::Names(name) => Ok(Some(name.into())),
            Way::KnowsNobody => Ok(None),
            Way::Fails => Err(ProviderError("HTTP 500".to_owned())),
            Way::Hangs => std::future::pending().await,
        }
    }
}

/// An cached whose provider does as told. The clock stands still and moves by itself when all wait.
struct Bench {
    cached: Arc<CachedProvider>,
    provider: Arc<Scripted>,
}

impl Bench {
    fn new(way: Way) -> Self {
        let provider = Arc::new(Scripted::default());
        let bench = Self {
            cached: Arc::new(CachedProvider::new(Box::new(Arc::clone(&provider)), TIMEOUT, HOUR)),
            provider,
        };
        bench.set(way);
        bench
    }

    fn set(&self, way: Way) {
        *self.provider.way.lock() = Some(way);
    }

    async fn tell(&self, last: u32) -> ProviderAnswer {
        self.cached.tell(&Msisdn::parse(&format!("1617555{last:04}"), false).unwrap()).await
    }

    fn asked(&self) -> usize {
        self.provider.asked.load(Ordering::Relaxed)
    }
}

fn name(name: &str) -> KnownCarrier {
    Some(name.into())
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_asked_for_once_while_it_counts() {
    let bench = Bench::new(Way::Names("31003"));
    assert_eq!(bench.tell(1).await, ProviderAnswer::Asked(name("31003")));
    bench.set(Way::Names("31002"));
    assert_eq!(bench.tell(1).await, ProviderAnswer::Remembered(name("31003")));
    assert_eq!(bench.asked(), 1);
    advance(HOUR).await;
    assert_eq!(bench.tell(1).await, ProviderAnswer::Asked(name("31002")));
    assert_eq!(bench.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn that_nobody_has_a_number_counts_for_a_shorter_time() {
    let bench = Bench::new(Way::KnowsNobody);
    assert_eq!(bench.tell(1).await, ProviderAnswer::Asked(None));
    assert_eq!(bench.tell(1).await, ProviderAnswer::Remembered(None));
    advance(Duration::from_secs(300)).await;
    bench.set(Way::Names("31003"));
    assert_eq!(bench.tell(1).await, ProviderAnswer::Asked(name("31003")));
    assert_eq!(bench.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn many_who_ask_for_one_number_make_one_question() {
    let bench = Arc::new(Bench::new(Way::Names("31003")));
    let asking: Vec<_> = (0..100)
        .map(|_| {
            let bench = Arc::clone(&bench);
            tokio::spawn(async move { bench.tell(1).await })
        })
        .collect();
    for told in asking {
        assert_eq!(told.await.unwrap(), ProviderAnswer::Asked(name("31003")));
    }
    assert_eq!(bench.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_question_goes_on_when_who_began_it_goes_away() {
    let bench = Arc::new(Bench::new(Way::Names("31003")));
    let first = tokio::spawn({
        let bench = Arc::clone(&bench);
        async move { bench.tell(1).await }
    });
    tokio::task::yield_now().await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    assert_eq!(bench.tell(1).await, ProviderAnswer::Asked(name("31003")));
    assert_eq!(bench.asked(), 1);
    assert!(bench.cached.ledger().asked.is_empty());
}

#[tokio::test(start_paused = true)]
async fn who_is_late_is_down() {
    let bench = Bench::new(Way::Hangs);
    let began = Instant::now();
    assert_eq!(bench.tell(1).await, ProviderAnswer::Nothing);
    assert_eq!(began.elapsed(), TIMEOUT);
    assert!(bench.cached.ledger().asked.is_empty());
}

#[tokio::test(start_paused = true)]
async fn failures_are_not_kept() {
    let bench = Bench::new(Way::Fails);
    assert_eq!(bench.tell(1).await, ProviderAnswer::Nothing);
    bench.set(Way::Names("31003"));
    assert_eq!(bench.tell(1).await, ProviderAnswer::Asked(name("31003")));
}

#[tokio::test(start_paused = true)]
async fn who_is_down_is_not_asked_and_costs_no_wait_till_it_is_tried_again() {
    let bench = Bench::new(Way::Hangs);
    for last in 0..5 {
        assert_eq!(bench.tell(last).await, ProviderAnswer::Nothing);
    }
    let began = Instant::now();
    for last in 0..1000 {
        assert_eq!(bench.tell(last).await, ProviderAnswer::Nothing);
    }
    assert_eq!((bench.asked(), began.elapsed()), (5, Duration::ZERO));
    advance(Duration::from_secs(1)).await;
    bench.set(Way::Names("31003"));
    assert_eq!(bench.tell(1).await, ProviderAnswer::Asked(name("31003")));
    assert_eq!(bench.tell(2).await, ProviderAnswer::Asked(name("31003")));
    assert_eq!(bench.asked(), 7);
}

#[tokio::test(start_paused = true)]
async fn what_was_known_serves_while_the_provider_is_down() {
    let bench = Bench::new(Way::Names("31003"));
    assert_eq!(bench.tell(1).await, ProviderAnswer::Asked(name("31003")));
    bench.set(Way::KnowsNobody);
    assert_eq!(bench.tell(2).await, ProviderAnswer::Asked(None));
    advance(HOUR).await;
    bench.set(Way::Hangs);
    assert_eq!(bench.tell(1).await, ProviderAnswer::Stale("31003".into()));
    // That nobody had it may have changed: the VASP is to try again.
    assert_eq!(bench.tell(2).await, ProviderAnswer::Nothing);
    for last in 3..6 {
        assert_eq!(bench.tell(last).await, ProviderAnswer::Nothing);
    }
    let began = Instant::now();
    assert_eq!(bench.tell(1).await, ProviderAnswer::Stale("31003".into()));
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn questions_that_find_no_place_in_time_are_down() {
    let bench = Arc::new(Bench::new(Way::Hangs));
    let asking: Vec<_> = (0..2000)
        .map(|last| {
            let bench = Arc::clone(&bench);
            tokio::spawn(async move { bench.tell(last).await })
        })
        .collect();
    let began = Instant::now();
    tokio::time::sleep(TIMEOUT / 2).await;
    assert_eq!(bench.asked(), PLACES);
    for told in asking {
        assert_eq!(told.await.unwrap(), ProviderAnswer::Nothing);
    }
    assert_eq!(began.elapsed(), TIMEOUT);
}
