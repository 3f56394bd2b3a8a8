//! A carrier, a VASP and clients that outlive the gateway, and what must hold in the end.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use mm7::TransactionId;
use posthouse_core::{Id, life::state::State, message::StoredMessage, store::MessageFilter};
use posthouse_sim::{
    CarrierOptions, CarrierSim, Mm7Answer, Submit, VaspOptions, VaspSim, carrier::KeptMessage, http::Client,
    media, submit,
};
use posthouse_testing::{
    noise::noise,
    provisioning::{AccountToml, CarrierToml, range},
    settings,
    store::visit,
};
use tokio::{
    task::{JoinSet, block_in_place},
    time::{sleep, timeout},
};

use crate::process::{self, DEADLINE, Gateway};

/// What the carrier and the VASP keep: more than ever comes.
const KEPT: usize = 1_000_000;
/// How long it may take till the last message has ended and its report has arrived: leases run out, and what is parked ends.
const SETTLED_WITHIN: Duration = Duration::from_secs(180);
/// So many clients send at a time.
pub const CLIENTS: u64 = 8;

/// How large messages are: all of it follows from their number.
#[derive(Clone, Copy)]
pub struct Sizes(pub &'static [usize]);

impl Sizes {
    /// The content of a message: no two are the same.
    pub fn content(self, number: u64) -> Vec<u8> {
        let length = self.0[usize::try_from(number).unwrap() % self.0.len()];
        noise(number, length)
    }
}

/// Clients that send one message after the other, and each till it got 1000.
pub struct Load {
    sizes: Sizes,
    /// Where the gateway is, or was.
    url: Mutex<String>,
    next: AtomicU64,
    limit: u64,
    enough: AtomicBool,
    /// What got 1000: the number of each by its MessageID.
    accepted: Mutex<HashMap<Id, u64>>,
    /// How often each other code was answered; 0 where there was no answer.
    refused: Mutex<BTreeMap<u32, u64>>,
}

impl Load {
    /// Starts to send at most so many.
    pub fn start(sizes: Sizes, limit: u64, url: &str) -> (Arc<Self>, JoinSet<()>) {
        let load = Arc::new(Self {
            sizes,
            url: Mutex::new(url.to_owned()),
            next: AtomicU64::new(0),
            limit,
            enough: AtomicBool::new(false),
            accepted: Mutex::default(),
            refused: Mutex::default(),
        });
        let clients = (0..CLIENTS).map(|_| Arc::clone(&load).send_till_enough()).collect();
        (load, clients)
    }

    /// The gateway is somewhere else now.
    pub fn go_on_at(&self, url: &str) {
        url.clone_into(&mut self.url.lock().unwrap());
    }

    /// No further messages.
    pub fn stop(&self) {
        self.enough.store(true, Ordering::Relaxed);
    }

    pub fn accepted(&self) -> HashMap<Id, u64> {
        self.accepted.lock().unwrap().clone()
    }

    /// How often this was answered.
    pub fn refused(&self, code: u32) -> u64 {
        self.refused.lock().unwrap().get(&code).copied().unwrap_or(0)
    }

    async fn send_till_enough(self: Arc<Self>) {
        let client = Client::new(DEADLINE);
        while !self.enough.load(Ordering::Relaxed) {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number >= self.limit {
                return;
            }
            let id = self.send(&client, number).await;
            let other = self.accepted.lock().unwrap().insert(id, number);
            assert_eq!(other, None, "{id} is the id of two messages");
        }
    }

    /// Sends the same request till it is accepted.
    async fn send(&self, client: &Client, number: u64) -> Id {
        let mut request = Submit {
            vaspid: Some("acme-key".to_owned()),
            transaction_id: Some(TransactionId::new(&format!("t-{number}")).unwrap()),
            subject: Some(number.to_string()),
            media: vec![media::part("noise.jpg", self.sizes.content(number))],
            ..Submit::new("", "111122", format!("1617{number:03}0100", number = number + 1000))
        };
        loop {
            request.url = self.url.lock().unwrap().clone();
            match submit(client, &request).await {
                Ok(answer) if answer.is_success() => {
                    return answer.message_id().unwrap().as_str().parse().unwrap();
                }
                Ok(answer) => self.note_refusal(&answer),
                // The gateway is gone, or not quite there yet.
                Err(_) => *self.refused.lock().unwrap().entry(0).or_default() += 1,
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    fn note_refusal(&self, answer: &Mm7Answer) {
        let code = answer.code().unwrap();
        assert!([3510, 3000].contains(&code), "{answer:?}");
        assert_eq!(code == 3510, answer.headers.contains_key("retry-after"), "{answer:?}");
        *self.refused.lock().unwrap().entry(code).or_default() += 1;
    }
}

/// Waits till something holds.
pub async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let waiting = timeout(DEADLINE, async {
        while !holds() {
            sleep(Duration::from_millis(10)).await;
        }
    });
    waiting.await.unwrap_or_else(|_| panic!("{what}: not within {DEADLINE:?}"));
}

/// The folder of a gateway, and the peers around it.
pub struct Town {
    pub folder: PathBuf,
    pub carrier: CarrierSim,
    pub vasp: VaspSim,
    /// Whether what may have arrived is sent again.
    pub resends: bool,
}

impl Town {
    /// Builds it in a folder; what may have arrived is parked.
    pub async fn build(folder: &Path) -> Self {
        configure(folder);
        Self {
            folder: folder.to_owned(),
            carrier: CarrierSim::start(carrier_options()).await.unwrap(),
            vasp: VaspSim::start(vasp_options()).await.unwrap(),
            resends: false,
        }
    }

    /// Starts the gateway on what is provisioned, and tells the carrier where it is.
    pub fn gateway(&self) -> Gateway {
        let gateway = block_in_place(|| Gateway::start(&self.folder));
        self.tell(&gateway);
        gateway
    }

    pub fn tell(&self, gateway: &Gateway) {
        self.carrier.set_reports(Some(gateway.carriers.replace("{carrier}", "31003")));
    }

    /// Waits till everything has ended and the VASP knows it.
    pub async fn settled(&self, accepted: &HashMap<Id, u64>) {
        all_ended(&self.folder).await;
        let told = timeout(SETTLED_WITHIN, async {
            while !self.all_reported(accepted) {
                sleep(Duration::from_millis(100)).await;
            }
        });
        if told.await.is_err() {
            panic!("{}", self.untold(accepted).await);
        }
    }

    /// Of which messages the VASP was told no end, and how some of them are in the store.
    async fn untold(&self, accepted: &HashMap<Id, u64>) -> String {
        let told = self.ends_told();
        let missing: Vec<Id> =
            accepted.keys().copied().filter(|id| !told.iter().any(|(told, _)| told == id)).collect();
        let store = visit(&self.folder).await;
        let mut said = format!("of {} the VASP was told {} ends", accepted.len(), told.len());
        for id in missing.iter().take(3) {
            let (message, timeline) = (store.message(*id).await, store.timeline(*id).await);
            said.push_str(&format!("\nnot of {id}: {message:#?}\n{timeline:#?}"));
        }
        said
    }

    fn all_reported(&self, accepted: &HashMap<Id, u64>) -> bool {
        let told = self.ends_told();
        accepted.keys().all(|id| told.iter().any(|(told, _)| told == id))
    }

    /// Of which messages the VASP was told an end, and which.
    fn ends_told(&self) -> BTreeSet<(Id, String)> {
        let acknowledged = self.vasp.callbacks().into_iter().filter(|callback| callback.is_acknowledged());
        let ends = acknowledged.filter_map(|callback| {
            let status = callback.status().filter(|status| status.is_terminal())?;
            let id = callback.report()?.mm.message_id.as_ref()?.as_str().parse().ok()?;
            Some((id, status.to_string()))
        });
        ends.collect()
    }

    /// Every message that got 1000 is stored, once and as it was sent; there are no others; none reached the carrier twice; each ended, and
    /// the VASP was told that end and no other. How many were parked till the end: only those that
    /// the carrier did not take, or gave up to report.
    pub async fn judge(&self, load: &Load) -> usize {
        let accepted = load.accepted();
        let store = visit(&self.folder).await;
        let stored = store.messages(&MessageFilter::default(), KEPT).await.unwrap();
        let ids: BTreeSet<Id> = stored.iter().map(|message| message.id).collect();
        assert_eq!(ids, accepted.keys().copied().collect(), "what is stored is what was acknowledged");
        let mut at_carrier: HashMap<Id, Vec<Arc<KeptMessage>>> = HashMap::new();
        for kept in self.carrier.messages() {
            let id = kept.transaction_id.as_ref().unwrap().as_str().parse().unwrap();
            at_carrier.entry(id).or_default().push(kept);
        }
        let told = self.ends_told();
        assert_eq!(told.len(), stored.len(), "each has one end");
        let (mut parked, mut missed) = (0, 0);
        for message in &stored {
            let content = load.sizes.content(accepted[&message.id]);
            let media = store.media(message.id).await.unwrap();
            assert!(media.iter().any(|part| *part == content), "{}: other bytes were stored", message.id);
            assert!(told.contains(&(message.id, message.state.to_string())), "{message:?}: {told:?}");
            let kept = at_carrier.remove(&message.id).unwrap_or_default();
            let was_parked = self.was_parked(message, &kept, &content);
            parked += usize::from(was_parked);
            missed += u64::from(was_parked && kept.iter().any(|kept| kept.code == Some(1000)));
        }
        assert_eq!(at_carrier.len(), 0, "the carrier was sent what is not stored");
        store.close().await.unwrap();
        let given_up = self.carrier.report_counts().failed;
        assert!(missed <= given_up, "{missed} reports did not count, and the carrier gave up {given_up}");
        parked
    }

    /// Whether it ended as Indeterminate: it was parked, and no report came.
    fn was_parked(&self, message: &StoredMessage, kept: &[Arc<KeptMessage>], content: &[u8]) -> bool {
        assert!(self.resends || kept.len() <= 1, "{} was sent {} times", message.id, kept.len());
        let whole = kept.iter().all(|kept| kept.media.iter().any(|part| part.bytes == content));
        assert!(whole, "{}: other bytes were sent", message.id);
        match message.state.as_str() {
            "Retrieved" => {
                assert!(!kept.is_empty(), "{} was never sent", message.id);
                false
            }
            "Indeterminate" => true,
            state => panic!("{} ended as {state}", message.id),
        }
    }
}

/// Waits till every message has ended.
pub async fn all_ended(folder: &Path) {
    let store = visit(folder).await;
    let states = State::all().filter(|state| !state.is_terminal()).collect();
    let open = MessageFilter { states, ..MessageFilter::default() };
    let ended = timeout(SETTLED_WITHIN, async {
        while !store.messages(&open, 1).await.unwrap().is_empty() {
            sleep(Duration::from_millis(100)).await;
        }
    });
    if ended.await.is_err() {
        panic!("not all end; open: {:#?}", store.messages(&open, 5).await.unwrap());
    }
    store.close().await.unwrap();
}

/// Makes the folder of a gateway.
pub fn configure(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    let mut configuration = fs::File::create(folder.join("posthouse.toml")).unwrap();
    configuration.write_all(settings::TOML.as_bytes()).unwrap();
    // It is to be there after what its disk goes through.
    configuration.sync_all().unwrap();
}

/// It takes a while for each message, so that there is always work under way.
pub fn carrier_options() -> CarrierOptions {
    CarrierOptions {
        latency: Duration::from_millis(200),
        report_delay: Duration::from_millis(10),
        keep_messages: KEPT,
        keep_bytes: usize::MAX,
        ..CarrierOptions::new("31003")
    }
}

pub fn vasp_options() -> VaspOptions {
    VaspOptions { keep_callbacks: KEPT, keep_bytes: usize::MAX, ..VaspOptions::default() }
}

/// Provisions an account and a carrier that are at these addresses; `of_carrier` is said of the carrier besides.
pub fn provision(folder: &Path, carrier: &str, vasp: &str, of_carrier: &str) {
    let again = "retry_after = \"1s\"\nmax_retries = 1000\n";
    let account =
        AccountToml::new("acme").callbacks(&format!("{vasp}/reports"), again).service("default = true\n");
    let carrier = CarrierToml::new("31003")
        .with(&format!("report_timeout = \"12s\"\n{of_carrier}"))
        .connection("sim", carrier, "timeout = \"2s\"\n");
    let file = format!("{account}{carrier}{}", range("1617", "31003"));
    process::provision(folder, &file);
}
