//! Two gateways on one store.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use posthouse_core::{
    Id, life::state::State, message::EventKind, provisioning::tree::ValueSource, store::MessageFilter,
    time::Clock,
};
use posthouse_gateway::{
    app::{App, Components},
    secrets::Secret,
};
use posthouse_store::{Access, StoreUrl, open};
use posthouse_testing::{
    answer::exchange,
    clock::ManualClock,
    nodes::{SharedPlace, SharedStore},
    provisioning::range,
    request::RawRequest,
    settings,
    town::{Town, TownPlan, address, eventually},
};
use serde_json::{Value, json};

/// Its carrier takes the message and reports nothing.
const QUIET: &str = "16175559008";
/// How long the carrier needs for an answer.
const LATENCY: Duration = Duration::from_millis(1500);

/// Asks whether a gateway is ready.
const READYZ: &[u8] = b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

/// Asks which nodes there are.
const LIST: &[u8] =
    b"GET /api/v1/nodes HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer hush\r\nConnection: close\r\n\r\n";

/// A town whose gateway is one of two.
struct Pair {
    place: Arc<SharedPlace>,
    town: Town,
    /// Cuts the town's gateway off.
    cut: Arc<AtomicBool>,
    other: App,
}

impl Pair {
    async fn found(clock: Arc<dyn Clock>, connection: &str) -> Self {
        let mut plan = TownPlan::default();
        plan.carriers[1].latency = LATENCY;
        plan.parts.clock = Arc::clone(&clock);
        plan.settings.admin.token = Some(Secret::new("hush".to_owned(), ValueSource::Inline));
        let url = StoreUrl::sqlite(&plan.settings.store.path);
        let store = open(&url, &plan.settings.media.place, Access::serve()).await.unwrap();
        let place = SharedPlace::new(store, clock);
        let (one, cut) = SharedStore::of(&place);
        plan.store = Some(one);
        let other = second(&place, plan.folder.path(), plan.parts.clone()).await;
        let town = Town::planned(plan).await;
        let pair = Self { place, town, cut, other };
        pair.provision(connection).await;
        eventually("both are there", async || (pair.place.numbers().len() == 2).then_some(())).await;
        pair
    }

    /// With these lines for the carrier's connection.
    async fn provision(&self, connection: &str) {
        self.provision_both("", connection).await;
    }

    /// With these lines for the account, too.
    async fn provision_both(&self, account: &str, connection: &str) {
        let town = &self.town;
        let carrier = town.carrier_with("31003", "", connection) + &range("1617", "31003");
        town.provision(&(town.account("acme", account) + &carrier)).await;
        self.other.provisioned(self.town.store().revision().await.unwrap()).await;
    }
}

/// Posts messages at the door of one of them.
async fn submit(door: SocketAddr, messages: usize) -> BTreeSet<Id> {
    let mut ids = BTreeSet::new();
    for _ in 0..messages {
        let answer = exchange(door, &RawRequest::to(QUIET).bytes()).await;
        assert_eq!(answer.code(), Some(1000), "{}", answer.xml());
        ids.insert(answer.message_id().unwrap().parse().unwrap());
    }
    ids
}

/// How many messages stand there.
async fn count(town: &Town, state: State) -> usize {
    let filter = MessageFilter { states: vec![state], ..MessageFilter::default() };
    town.store().messages(&filter, 1000).await.unwrap().len()
}

/// All went out, each once.
async fn all_went_out_once(town: &Town, ids: &BTreeSet<Id>) {
    let all = ids.len();
    let are_taken = async || (count(town, State::Forwarded).await == all).then_some(());
    eventually("all are taken", are_taken).await;
    assert_eq!(town.carriers["31003"].received(), u64::try_from(all).unwrap());
    for id in ids {
        assert_eq!(town.events(*id, EventKind::Parked).await, Vec::<String>::new(), "{id}");
    }
}

async fn second(place: &Arc<SharedPlace>, folder: &Path, parts: Components) -> App {
    let folder = folder.join("second");
    std::fs::create_dir_all(&folder).unwrap();
    let (store, _) = SharedStore::of(place);
    App::start_on(store, &settings::in_folder(&folder), parts).await.unwrap()
}

/// The store hears one of two no more: that one takes nothing and begins nothing, before the other may send what it had in hand.
#[tokio::test]
async fn who_is_not_heard_begins_nothing_and_another_goes_on() {
    let clock = ManualClock::now_still();
    let Pair { place, town, cut, other } = Pair::found(clock.clone(), "window = 1\n").await;
    // The window is the town's then, and nothing else is sent but by it.
    other.stop().await.unwrap();
    clock.advance(Duration::from_secs(2));
    let ids = submit(town.mm7_door(), 20).await;
    let door = town.mm7_door();
    eventually("it sends", async || (town.carriers["31003"].received() > 0).then_some(())).await;
    cut.store(true, Ordering::SeqCst);
    let admin = address(&town.app.ready().admin);
    let is_ready = async || exchange(admin, READYZ).await.http_status == 200;
    eventually("it is not ready", async || (!is_ready().await).then_some(())).await;
    let refused = exchange(door, &RawRequest::to(QUIET).bytes()).await;
    assert_eq!((refused.code(), refused.header("retry-after")), (Some(3510), Some("5")));
    let is_settled = async || (count(&town, State::Sending).await == 0).then_some(());
    eventually("what it began is settled", is_settled).await;
    let sent = usize::try_from(town.carriers["31003"].received()).unwrap();
    assert!(sent < 20, "{sent}");
    assert_eq!(count(&town, State::Accepted).await, 20 - sent, "nothing else is begun");

    let parts = Components { clock: clock.clone(), ..Components::default() };
    let other = second(&place, town.folder(), parts).await;
    let pair = Pair { place, town, cut, other };
    pair.provision("window = 20\n").await;
    // What it leased is anybody's now, and its slots and its window are the other's.
    clock.advance(Duration::from_secs(31));
    all_went_out_once(&pair.town, &ids).await;
    pair.cut.store(false, Ordering::SeqCst);
    eventually("it is heard again", async || is_ready().await.then_some(())).await;
    submit(door, 1).await;
    let Pair { place, town, other, .. } = pair;
    town.close().await;
    other.stop().await.unwrap();
    place.close().await.unwrap();
}

/// One that stops gives back what it has: the other need not wait for anything to end.
#[tokio::test]
async fn who_goes_leaves_all_to_the_other_at_once() {
    let pair = Pair::found(Components::default().clock, "window = 2\n").await;
    let ids = submit(address(&pair.other.ready().mm7), 8).await;
    let Pair { place, town, other, .. } = pair;
    assert_eq!(place.numbers(), [1, 2]);
    let listed = exchange(address(&town.app.ready().admin), LIST).await;
    let listed: Value = serde_json::from_slice(&listed.body).unwrap();
    let [this, another] = listed["items"].as_array().unwrap().as_slice() else { panic!("{listed}") };
    assert_eq!((&this["node"], &this["number"], &this["epoch"]), (&json!("self"), &json!(2), &json!(1)));
    assert_eq!(
        (&another["node"], &another["number"], &another["pid"]),
        (&json!("1"), &json!(1), &Value::Null)
    );
    assert_eq!((&another["alive"], &another["address"]), (&json!(true), &json!(other.ready().admin)));
    assert!(another["beat_age_ms"].as_u64().is_some_and(|age| age < 2000), "{another}");
    other.stop().await.unwrap();
    assert_eq!(place.numbers(), [2]);
    all_went_out_once(&town, &ids).await;
    town.close().await;
    place.close().await.unwrap();
}

/// When each was begun, oldest first.
async fn begun(town: &Town, ids: &BTreeSet<Id>) -> Vec<Timestamp> {
    let mut begun = Vec::new();
    for id in ids {
        let timeline = town.timeline(*id).await.into_iter();
        begun.extend(timeline.filter(|event| event.kind == EventKind::Sending).map(|event| event.at));
    }
    begun.sort_unstable();
    begun
}

/// The most that were begun within a time.
fn most_within(begun: &[Timestamp], time: Duration) -> usize {
    let within = |last: &Timestamp| {
        let first = *last - time;
        begun.iter().filter(|at| first < **at && **at <= *last).count()
    };
    begun.iter().map(within).max().unwrap_or(0)
}

/// The window and the rate of a connection hold for both together, and one takes over what the other had.
#[tokio::test]
async fn two_gateways_keep_a_connections_limits_together() {
    let pair = Pair::found(Components::default().clock, "window = 4\n").await;
    let doors = [pair.town.mm7_door(), address(&pair.other.ready().mm7)];
    let mut all = BTreeSet::new();
    for door in doors {
        all.extend(submit(door, 12).await);
    }
    all_went_out_once(&pair.town, &all).await;
    // Each is in flight for longer than this.
    let in_flight = most_within(&begun(&pair.town, &all).await, LATENCY - Duration::from_millis(50));
    assert!((2..=4).contains(&in_flight), "{in_flight}");

    pair.provision("window = 40\nper_second = 5\n").await;
    let mut more = BTreeSet::new();
    for door in doors {
        more.extend(submit(door, 15).await);
    }
    all.extend(&more);
    all_went_out_once(&pair.town, &all).await;
    // They are evenly apart at each gateway; what the scheduler takes is left out.
    let in_a_second = most_within(&begun(&pair.town, &more).await, Duration::from_millis(900));
    assert!((4..=5).contains(&in_a_second), "{in_a_second}");

    let Pair { place, town, other, .. } = pair;
    other.stop().await.unwrap();
    for _ in 0..4 {
        all.insert(town.submit(&RawRequest::to(QUIET)).await);
    }
    all_went_out_once(&town, &all).await;
    town.close().await;
    place.close().await.unwrap();
}

/// What an account may send holds for both doors together: a burst, and so much a second, but for the floors that nobody is asked for.
#[tokio::test]
async fn two_gateways_keep_an_accounts_throughput_together() {
    const PER_SECOND: u64 = 8;
    const BURST: u64 = 8;
    let pair = Pair::found(Components::default().clock, "window = 40\n").await;
    pair.provision_both(
        &format!("throughput = {{ per_second = {PER_SECOND}, burst = {BURST} }}\n"),
        "window = 40\n",
    )
    .await;
    let doors = [pair.town.mm7_door(), address(&pair.other.ready().mm7)];
    let begun = std::time::Instant::now();
    let (mut accepted, mut refused) = (0_u64, 0_u64);
    // Both doors are asked all the time, much more often than is let in.
    while begun.elapsed() < Duration::from_secs(5) {
        for door in doors {
            match exchange(door, &RawRequest::to(QUIET).bytes()).await.code() {
                Some(1000) => accepted += 1,
                Some(3510) => refused += 1,
                other => panic!("{other:?}"),
            }
        }
    }
    let seconds = begun.elapsed().as_secs() + 1;
    assert!(accepted <= BURST + PER_SECOND * seconds + 2, "{accepted} in {seconds} s");
    assert!(accepted >= BURST && refused > 0, "{accepted} and {refused}");
    let Pair { place, town, other, .. } = pair;
    town.close().await;
    other.stop().await.unwrap();
    place.close().await.unwrap();
}
