//! The gateway, its carriers and its VASP.

use std::{
    collections::BTreeMap,
    future::Future,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::HeaderMap;
use jiff::Timestamp;
use mm7::{
    Limits, SeenNamespace,
    mime::{ContentType, unpack},
};
use posthouse_core::{
    Id,
    actor::Actor,
    life::retry::Backoff,
    message::{EventKind, StoredMessage, TimelineEvent},
    store::Store,
};
use posthouse_gateway::{
    app::{App, Components},
    config::{ConfigFile, Settings, apply},
};
use posthouse_sim::{CarrierOptions, CarrierSim, ReceivedCallback, VaspOptions, VaspSim};
use posthouse_store::{Access, StoreUrl, open};
use tempfile::TempDir;
use tokio::{net::TcpStream, time::sleep};

use crate::{
    answer::{RawAnswer, exchange, exchange_on},
    away::{AwayStore, StoreSwitch},
    fragile::FragileStore,
    provisioning::{AccountToml, CarrierToml, range},
    request::RawRequest,
    schema::assert_valid,
    settings,
};

/// How long anything may take.
pub const DEADLINE: Duration = Duration::from_secs(20);
/// How often a condition is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// Tests do not wait seconds for a carrier that is busy.
const BACKOFF: Backoff = Backoff::new(Duration::from_millis(20), Duration::from_millis(100));

/// How a town is founded. Change what the test needs otherwise.
pub struct TownPlan {
    /// Where the store is.
    pub folder: TempDir,
    /// On free ports and a temporary folder.
    pub settings: Settings,
    /// With waits of milliseconds between attempts.
    pub parts: Components,
    /// How the VASP takes reports.
    pub vasp: VaspOptions,
    /// `31002` and `31003`. Their reports go to the gateway.
    pub carriers: Vec<CarrierOptions>,
    /// Whether the store breaks on purpose ([`FragileStore`]).
    pub fragile: bool,
    /// What takes the store [away](AwayStore).
    pub away: Option<Arc<StoreSwitch>>,
    /// What is served instead of the store in the folder.
    pub store: Option<Arc<dyn Store>>,
}

impl Default for TownPlan {
    fn default() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self {
            settings: settings::in_folder(folder.path()),
            folder,
            parts: Components { backoff: BACKOFF, ..Components::default() },
            vasp: VaspOptions::default(),
            carriers: vec![CarrierOptions::new("31002"), CarrierOptions::new("31003")],
            fragile: false,
            away: None,
            store: None,
        }
    }
}

/// A gateway at work, with those it works for.
pub struct Town {
    folder: TempDir,
    /// The gateway.
    pub app: App,
    /// The carriers, by their ids.
    pub carriers: BTreeMap<String, CarrierSim>,
    /// The VASP.
    pub vasp: VaspSim,
}

impl Town {
    /// The usual town: an account `acme` and two carriers.
    pub async fn found() -> Self {
        let town = Self::planned(TownPlan::default()).await;
        town.provision(&[town.account("acme", ""), town.usual_carriers()].concat()).await;
        town
    }

    /// A town where nothing is provisioned yet.
    pub async fn planned(plan: TownPlan) -> Self {
        let TownPlan { folder, settings, parts, vasp, carriers, fragile, away, store } = plan;
        let app = if let Some(store) = store {
            App::start_on(store, &settings, parts).await
        } else if fragile || away.is_some() {
            let url = StoreUrl::sqlite(&settings.store.path);
            let mut store =
                open(&url, &settings.media.place, Access::serve()).await.expect("the store opens");
            if let Some(away) = away {
                store = Arc::new(AwayStore::new(store, away));
            }
            if fragile {
                store = Arc::new(FragileStore(store));
            }
            App::start_on(store, &settings, parts).await
        } else {
            App::start(&settings, parts).await
        };
        let app = app.expect("the gateway starts");
        Self::round(app, folder, vasp, carriers).await
    }

    async fn round(app: App, folder: TempDir, vasp: VaspOptions, options: Vec<CarrierOptions>) -> Self {
        let mut carriers = BTreeMap::new();
        for mut options in options {
            let id = options.carrier_id.clone();
            options.reports.get_or_insert_with(|| app.ready().carriers.replace("{carrier}", &id));
            carriers.insert(id, CarrierSim::start(options).await.expect("a carrier starts"));
        }
        let vasp = VaspSim::start(vasp).await.expect("the VASP starts");
        Self { folder, app, carriers, vasp }
    }

    /// The folder with its store.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// TOML of an account whose VASPID is its name with `-key` behind. `settings` are lines of its own.
    pub fn account(&self, name: &str, settings: &str) -> String {
        self.account_with(name, settings, "retry_after = \"20ms\"\n", "")
    }

    /// The same with lines for its callbacks and for its service.
    pub fn account_with(&self, name: &str, settings: &str, callbacks: &str, service: &str) -> String {
        let reports = format!("{}/reports", self.vasp.url());
        AccountToml::new(name).with(settings).callbacks(&reports, callbacks).service(service).to_string()
    }

    /// TOML of a carrier with one connection, to the simulated carrier of this id. `settings` are lines of its own.
    pub fn carrier(&self, id: &str, settings: &str) -> String {
        self.carrier_with(id, settings, "")
    }

    /// The same with lines for its connection.
    pub fn carrier_with(&self, id: &str, settings: &str, connection: &str) -> String {
        let connection = format!("vaspid = \"posthouse\"\nvasid = \"gw\"\n{connection}");
        let carrier = CarrierToml::new(id).with(settings);
        carrier.connection(&format!("{id}-1"), &self.carriers[id].url(), &connection).to_string()
    }

    /// TOML of the two carriers: 31002 has 1508…, 31003 has 1617….
    pub fn usual_carriers(&self) -> String {
        [self.carrier("31002", ""), self.carrier("31003", ""), range("1508", "31002"), range("1617", "31003")]
            .concat()
    }

    /// Provisions as `posthouse apply` does, and waits till it is in force.
    pub async fn provision(&self, toml: &str) {
        let document =
            ConfigFile { file: "town.toml".to_owned(), text: toml.to_owned(), folder: PathBuf::new() };
        let applied =
            apply(&**self.app.store(), &document, &|_| None, false, &Actor::gateway(), Timestamp::now())
                .await;
        let applied = applied.unwrap_or_else(|error| panic!("{error}\n{toml}"));
        self.app.provisioned(applied.revision).await;
    }

    /// Where VASPs submit.
    pub fn mm7_door(&self) -> SocketAddr {
        address(&self.app.ready().mm7)
    }

    /// Where carriers post.
    pub fn carrier_door(&self) -> SocketAddr {
        address(&self.app.ready().carriers)
    }

    /// Posts a request where VASPs submit, over a connection of its own.
    pub async fn post(&self, request: &RawRequest) -> RawAnswer {
        exchange(self.mm7_door(), &request.bytes()).await
    }

    /// Posts several over one connection, one after the other.
    pub async fn post_on_one_connection(&self, requests: &[RawRequest]) -> Vec<RawAnswer> {
        let mut stream = TcpStream::connect(self.mm7_door()).await.expect("the door is open");
        let mut answers = Vec::new();
        for request in requests {
            answers.push(exchange_on(&mut stream, &request.bytes()).await);
        }
        answers
    }

    /// Posts a request where a carrier posts, whatever path it says.
    pub async fn post_as_carrier(&self, carrier: &str, request: &RawRequest) -> RawAnswer {
        let request = RawRequest { path: format!("/carriers/{carrier}/mm7"), ..request.clone() };
        exchange(self.carrier_door(), &request.bytes()).await
    }

    /// Posts a request that has to be accepted.
    pub async fn submit(&self, request: &RawRequest) -> Id {
        let answer = self.post(request).await;
        assert_eq!((answer.code(), answer.operation()), (Some(1000), Some("SubmitRsp")), "{}", answer.xml());
        answer.message_id().expect("a MessageID").parse().expect("a MessageID is a number")
    }

    /// The gateway's store.
    pub fn store(&self) -> &Arc<dyn Store> {
        self.app.store()
    }

    /// A message as the store has it.
    pub async fn message(&self, id: Id) -> StoredMessage {
        self.store().message(id).await.expect("the store answers").expect("the message is there")
    }

    /// A message's timeline.
    pub async fn timeline(&self, id: Id) -> Vec<TimelineEvent> {
        self.store().timeline(id).await.expect("the store answers").expect("the message is there")
    }

    /// The details of a message's events of one kind.
    pub async fn events(&self, id: Id, kind: EventKind) -> Vec<String> {
        let timeline = self.timeline(id).await.into_iter();
        timeline.filter(|event| event.kind == kind).map(|event| event.detail).collect()
    }

    /// Waits till a message has ended, and till what is owed for its end was delivered or given up.
    pub async fn ended(&self, id: Id) -> StoredMessage {
        eventually("the message ends and its report is out", async || {
            let message = Some(self.message(id).await).filter(|message| message.state.is_terminal())?;
            let timeline = self.timeline(id).await;
            let ended = timeline.iter().rposition(|event| event.kind == EventKind::Ended)?;
            let status = message.state.as_str();
            let settled = |event: &TimelineEvent| {
                use EventKind::{ReportFailed, ReportWithdrawn, Reported};
                matches!(event.kind, Reported | ReportFailed | ReportWithdrawn)
                    && event.detail.contains(status)
            };
            let out = !message.submission.delivery_report || timeline[ended..].iter().any(settled);
            out.then_some(message)
        })
        .await
    }

    /// Waits till an event of this kind is on a message's timeline, and gives back its detail.
    pub async fn event(&self, id: Id, kind: EventKind) -> String {
        eventually(kind.as_str(), async || self.events(id, kind).await.pop()).await
    }

    /// The reports that the VASP got on a message so far, oldest first.
    pub fn reports_on(&self, id: Id) -> Vec<Arc<ReceivedCallback>> {
        let id = id.to_string();
        self.vasp.callbacks().into_iter().filter(|callback| callback.reports_on(&id)).collect()
    }

    /// What the reports on a message say, as they stand on the wire.
    pub fn statuses_on(&self, id: Id) -> Vec<String> {
        let report =
            |callback: &Arc<ReceivedCallback>| callback.report().map(|report| report.mm_status.clone());
        self.reports_on(id).iter().filter_map(report).collect()
    }

    /// Validates everything that went to carriers and VASP, stops everything, and removes the folder.
    pub async fn close(self) {
        self.assert_sent_valid();
        self.app.stop().await.expect("the gateway stops");
        for carrier in self.carriers.into_values() {
            carrier.stop().await;
        }
        self.vasp.stop().await;
        self.folder.close().expect("the folder can be removed");
    }

    /// Stops the gateway alone; what it leaves behind.
    pub async fn without_gateway(self) -> (TempDir, BTreeMap<String, CarrierSim>, VaspSim) {
        self.app.stop().await.expect("the gateway stops");
        (self.folder, self.carriers, self.vasp)
    }

    fn assert_sent_valid(&self) {
        let mut envelopes = Vec::new();
        for (id, carrier) in &self.carriers {
            for message in carrier.messages() {
                envelopes.push((format!("to carrier {id}"), envelope(&message.headers, &message.body)));
            }
        }
        envelopes.extend(self.vasp.callbacks().iter().filter_map(|callback| to_validate(callback)));
        assert_valid(&envelopes);
    }
}

/// The envelope of a body that may have parts beside it.
fn envelope(headers: &HeaderMap, body: &Bytes) -> Vec<u8> {
    let content_type = headers.get("content-type").expect("a Content-Type");
    let content_type = content_type.to_str().ok().and_then(|text| ContentType::parse(text).ok());
    let package =
        unpack(&content_type.expect("a well-formed Content-Type"), body.clone(), &Limits::default());
    package.root.and_then(|root| root.bytes().ok()).expect("an envelope").to_vec()
}

/// A callback for validation. Reports are in the namespace of the SubmitReq, and there is no schema for one that never
/// existed; nor do schemas know all statuses of our table, for which an ordinary one stands in.
fn to_validate(callback: &ReceivedCallback) -> Option<(String, Vec<u8>)> {
    let envelope = envelope(&callback.headers, &callback.body);
    let decoded = mm7::decode(&envelope, None, &Limits::default()).expect("a callback can be read");
    if !matches!(decoded.namespace, SeenNamespace::Known(_)) {
        return None;
    }
    let mut xml = with_kind_of_sender(String::from_utf8(envelope).expect("a callback is UTF-8"));
    let unknown: &[&str] = match decoded.namespace.release() {
        5 => &["Deferred", "NotSupported", "Unreachable", "Unrecognized"],
        _ => &["NotSupported", "Unreachable", "Unrecognized"],
    };
    for status in unknown {
        xml = xml
            .replace(&format!("<MMStatus>{status}</MMStatus>"), "<MMStatus>Indeterminate</MMStatus>")
            .replace(&format!(":MMStatus>{status}</"), ":MMStatus>Indeterminate</");
    }
    Some(("to the VASP".to_owned(), xml.into_bytes()))
}

/// What has a sender as bare text, as the dialect cmcc wants it, with the element that the schema asks for.
fn with_kind_of_sender(xml: String) -> String {
    let Some((before, behind)) = xml.split_once("<Sender>") else { return xml };
    match behind.split_once("</Sender>") {
        Some((sender, behind)) if !sender.contains('<') => {
            format!("{before}<Sender><Number>{sender}</Number></Sender>{behind}")
        }
        _ => xml,
    }
}

/// The address in a URL.
pub fn address(url: &str) -> SocketAddr {
    let authority = url.split_once("://").and_then(|(_, rest)| rest.split('/').next());
    authority.and_then(|authority| authority.parse().ok()).expect("an address in the URL")
}

/// Waits till there is something.
pub async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut look: impl FnMut() -> F) -> T {
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "{what}: not within {DEADLINE:?}");
        sleep(LOOK_EVERY).await;
    }
}
