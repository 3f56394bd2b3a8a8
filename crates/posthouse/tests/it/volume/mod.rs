//! A gateway on a store of many messages: what is looked for is found, wherever it is; what is done to many is done to each once, whatever
//! happens; and none of it is at the expense of messages.
//!
//! `POSTHOUSE_VOLUME_MESSAGES=2000000` makes the store as large as it is meant to be, and has what it costs measured and printed, for which
//! `POSTHOUSE_PROGRAM` names a gateway that was built with `--release`; `POSTHOUSE_VOLUME_STORE` names a folder that keeps the filled store for the next run.

#![expect(clippy::print_stdout, reason = "what was measured, and what was seen")]

mod cost;
mod lists;

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use posthouse_api::{ApiClient, MessageQuery, OperationRequest, OperationView, StartRequest};
use posthouse_core::{Id, life::state::State};
use posthouse_sim::{CarrierOptions, CarrierSim, VaspOptions, VaspSim};
use posthouse_store::{Access, StoreUrl, open};
use posthouse_testing::{
    filled::{BUSY_CARRIER, Filling, SPAN},
    settings,
    store::visit,
};
use tokio::{task::block_in_place, time::sleep};

use crate::process::{Gateway, provision};

/// How many messages there are where nobody wants more.
const MESSAGES: u64 = 20_000;
/// From so many on, what it costs is measured.
const MEASURED_FROM: u64 = 1_000_000;
/// The admin token.
const TOKEN: &str = "hush-hush";
const BEARER: &str = "Authorization: Bearer hush-hush";
/// How long what is done to many messages may take.
const PATIENCE: Duration = Duration::from_secs(300);

fn messages() -> u64 {
    env::var("POSTHOUSE_VOLUME_MESSAGES").map_or(MESSAGES, |text| text.parse().expect("a number of messages"))
}

/// A gateway on a filled store, with its peers.
struct Volume {
    _place: tempfile::TempDir,
    folder: PathBuf,
    filling: Filling,
    carrier: CarrierSim,
    /// Where the second connection of each carrier leads.
    spare: CarrierSim,
    vasp: VaspSim,
    /// `None` while it is started again.
    gateway: Option<Gateway>,
}

impl Volume {
    async fn build() -> Self {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("gateway");
        fs::create_dir(&folder).unwrap();
        let settings = settings::TOML.replace("[admin]\n", &format!("[admin]\ntoken = {TOKEN:?}\n"));
        fs::write(folder.join("posthouse.toml"), settings).unwrap();
        let filling = filled(&folder).await;
        let latency = Duration::from_millis(20);
        let options =
            |id: &str| CarrierOptions { latency, keep_messages: 100_000, ..CarrierOptions::new(id) };
        let [carrier, spare] = [options("31003"), options("31002")].map(CarrierSim::start);
        let (carrier, spare) = (carrier.await.unwrap(), spare.await.unwrap());
        let vasp = VaspSim::start(VaspOptions::default()).await.unwrap();
        let gateway = block_in_place(|| Gateway::start(&folder));
        let toml = Filling::provisioning(&vasp.url(), |named| {
            let soon = "timeout = \"2s\"\n";
            let spare_lines = format!("{soon}priority = 9\nwindow = 64\n");
            named.connection("main", &carrier.url(), soon).connection("spare", &spare.url(), &spare_lines)
        });
        block_in_place(|| provision(&folder, &toml));
        Self { _place: place, folder, filling, carrier, spare, vasp, gateway: Some(gateway) }
    }

    fn gateway(&self) -> &Gateway {
        self.gateway.as_ref().unwrap()
    }

    /// Kills the gateway, and starts it again.
    fn kill(&mut self) {
        let killed = self.gateway.take().unwrap().program;
        killed.signal("KILL");
        killed.ended();
        self.gateway = Some(Gateway::start(&self.folder));
    }

    fn api(&self) -> ApiClient {
        ApiClient::new(&self.gateway().admin, crate::process::DEADLINE).with_token(TOKEN)
    }

    async fn end(self) {
        let program = self.gateway.unwrap().program;
        program.signal("TERM");
        assert!(block_in_place(|| program.ended()).status.success());
        for carrier in [self.carrier, self.spare] {
            carrier.stop().await;
        }
        self.vasp.stop().await;
    }
}

/// Puts a filled store into a folder: that of an earlier run, where one was kept.
async fn filled(folder: &Path) -> Filling {
    let kept = env::var_os("POSTHOUSE_VOLUME_STORE").map(PathBuf::from);
    let data = folder.join("data");
    if let Some(kept) = &kept
        && let Ok(until) = fs::read_to_string(kept.join("until"))
    {
        copy(&kept.join("data"), &data);
        return Filling { messages: messages(), until: until.parse().unwrap() };
    }
    let now = Timestamp::from_millisecond(Timestamp::now().as_millisecond()).unwrap();
    let filling = Filling { messages: messages(), until: now };
    let url = StoreUrl::sqlite(data.join("posthouse.db"));
    let store = open(&url, &data.join("media").into(), Access::serve()).await.unwrap();
    filling.fill(&store).await;
    store.close().await.unwrap();
    drop(store);
    if let Some(kept) = &kept {
        fs::create_dir_all(kept).unwrap();
        copy(&data, &kept.join("data"));
        fs::write(kept.join("until"), now.to_string()).unwrap();
    }
    filling
}

fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").args(["-a", "--"]).args([from, to]).status().unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn many_messages_are_looked_through_and_mended() {
    let mut volume = Volume::build().await;
    let wrong = lists::ask_for_all(&volume).await;
    if volume.filling.messages >= MEASURED_FROM {
        cost::changes(&volume).await;
    }
    what_was_refused_is_sent_again_once_though_the_gateway_is_killed(&mut volume).await;
    volume.end().await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Everything that is sent while operators look is accepted, and every list that they look at is answered; from a million messages on, what it
/// costs is measured for long enough to tell one part in twenty.
#[tokio::test(flavor = "multi_thread")]
async fn messages_are_taken_while_operators_look() {
    let volume = Volume::build().await;
    let (turns, slice) = match volume.filling.messages >= MEASURED_FROM {
        true => (9, Duration::from_secs(4)),
        false => (1, Duration::from_millis(100)),
    };
    cost::operators(&volume, turns, slice).await;
    volume.end().await;
}

/// So long that some pages of an operation are in it, and twenty minutes at least.
fn window(filling: Filling) -> (Timestamp, Timestamp) {
    let since = filling.until - SPAN / 2;
    let long = SPAN * 5_000 / u32::try_from(filling.messages).unwrap();
    (since, since + long.max(Duration::from_secs(20 * 60)))
}

async fn what_was_refused_is_sent_again_once_though_the_gateway_is_killed(volume: &mut Volume) {
    let (since, until) = window(volume.filling);
    let refused = volume.filling.busy_between(since, until);
    assert!(refused.len() > 400, "{}", refused.len());
    let request = OperationRequest {
        verb: "resubmit".to_owned(),
        filter: Some(MessageQuery {
            code: Some(4006),
            carrier: Some(BUSY_CARRIER.to_owned()),
            since: Some(since),
            until: Some(until),
            ..MessageQuery::default()
        }),
        via: Some("spare".to_owned()),
        ..OperationRequest::default()
    };
    let api = volume.api();
    let began = Instant::now();
    let planned = api.plan_operation(&request).await.unwrap();
    println!("planned, {} messages: {:.0} ms", planned.count, began.elapsed().as_secs_f64() * 1e3);
    let again = api.plan_operation(&request).await.unwrap();
    let count = refused.len() as u64;
    assert_eq!((planned.count, again.count, planned.judged), (count, count, count.min(10_000)));
    assert_eq!(planned.would_leave_alone, BTreeMap::new());
    api.start_operation(&planned.operation_id, &StartRequest { expect_count: Some(count) }).await.unwrap();
    within("the first goes out", async || !volume.spare.messages().is_empty()).await;
    block_in_place(|| volume.kill());
    let done = over(volume, &planned.operation_id).await;
    assert_eq!((done.looked_at, done.done, done.left_alone), (count, count, BTreeMap::new()));
    each_went_out_once(volume, &planned.operation_id, &refused).await;
}

async fn over(volume: &Volume, id: &str) -> OperationView {
    let api = volume.api();
    within("the operation is over", async || api.operation(id).await.unwrap().state == "done").await;
    api.operation(id).await.unwrap()
}

/// Each of the messages has one new one, which went over the spare connection once; but for those whose attempt was under way when the
/// gateway was killed, which are parked, whether they arrived or not. No VASP heard of any.
async fn each_went_out_once(volume: &Volume, operation: &str, refused: &[u64]) {
    let (mut of, mut new) = (BTreeSet::new(), BTreeSet::new());
    let mut cursor = None;
    loop {
        let page = volume.api().operation_items(operation, cursor.as_deref(), 200).await.unwrap();
        for item in &page.items {
            of.insert(item.message_id.parse::<Id>().unwrap());
            new.insert(item.new_message_id.as_ref().unwrap().parse::<Id>().unwrap());
        }
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(of, refused.iter().map(|number| volume.filling.id(*number)).collect());
    assert_eq!(new.len(), refused.len());
    let store = visit(&volume.folder).await;
    let mut parked = 0;
    for id in &new {
        let goes = async || {
            !matches!(store.message(*id).await.unwrap().unwrap().state, State::Accepted | State::Sending)
        };
        within("it goes out", goes).await;
        parked += usize::from(store.message(*id).await.unwrap().unwrap().state == State::Parked);
    }
    let sent: Vec<Id> = volume
        .spare
        .messages()
        .iter()
        .map(|message| message.transaction_id.as_ref().unwrap().as_str().parse().unwrap())
        .collect();
    let once: BTreeSet<Id> = sent.iter().copied().collect();
    assert_eq!(once.len(), sent.len(), "each is sent once");
    assert!(
        once.is_subset(&new) && new.len() - once.len() <= parked,
        "{} of {}, {parked}",
        once.len(),
        new.len()
    );
    assert_eq!((volume.carrier.messages().len(), volume.vasp.callbacks().len()), (0, 0));
    store.close().await.unwrap();
    println!("{} sent again, {parked} of them parked when the gateway was killed", new.len());
}

/// Waits till something holds.
async fn within(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting)
        .await
        .unwrap_or_else(|_| panic!("{what}: not within {PATIENCE:?}"));
}
