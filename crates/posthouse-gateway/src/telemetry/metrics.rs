//! The metrics: counters and gauges, served in the text format of Prometheus.

use std::{
    collections::{BTreeMap, HashSet},
    fmt,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64},
    },
    time::Duration,
};

use jiff::Timestamp;
use mm7::{MmStatus, StatusCode};
use posthouse_core::{
    account::AccountName,
    carrier::{Carrier, CarrierId},
    expiry::{CertificateEnd, CertificateSide},
    life::{callback::TryEnd, intervention::CallbackKind, read_reply::ReadStatus},
    lock::Mutex,
    provisioning::Snapshot,
    store::{Callback, CallbackBody, CallbackOutcome},
    submit::{AdaptFact, FetchFact},
};
use prometheus_client::{
    encoding::{
        EncodeLabelSet,
        text::{encode_eof, encode_registry},
    },
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};

use tokio::time::Instant;

use super::{
    captures::Captures, exposition::Exposition, lines, process::ProcessSample, sample::GatewaySample,
    store::StoreSample, traces::Traces,
};

/// Upper bounds of the buckets for answer times, in seconds.
const ANSWER_BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

/// Upper bounds of the buckets for sizes, in bytes.
const SIZE_BUCKETS: [f64; 9] =
    [1024.0, 4096.0, 16_384.0, 65_536.0, 131_072.0, 262_144.0, 524_288.0, 1_048_576.0, 5_242_880.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Code {
    code: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Submitted {
    account: String,
    code: u16,
    front: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Front {
    front: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Attempted {
    carrier: String,
    connection: String,
    code: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallbackTried {
    account: String,
    kind: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct MoTaken {
    carrier: String,
    account: String,
    outcome: &'static str,
}

/// How it is with CDR files: told by their writer.
#[derive(Debug, Default)]
pub(crate) struct CdrState {
    /// Whether the last try failed.
    pub(crate) is_failing: AtomicBool,
    /// How many records were written.
    pub(crate) written: AtomicU64,
}

/// What the account of a request is called in labels that is not known.
const NOBODY: &str = "none";
/// What accounts are called in labels that have none of their own.
const OTHER: &str = "other";
/// How many accounts have a label of their own: each has some dozens of series.
const LABELLED_ACCOUNTS: usize = 500;

/// Which accounts have a label of their own: the first that there are. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct AccountLabels(Arc<Mutex<HashSet<AccountName>>>);

impl AccountLabels {
    /// What an account is called in labels.
    pub(crate) fn of(&self, account: &AccountName) -> String {
        let mut labelled = self.0.lock();
        if labelled.contains(account) {
            return account.0.clone();
        }
        if labelled.len() >= LABELLED_ACCOUNTS {
            return OTHER.to_owned();
        }
        labelled.insert(account.clone());
        account.0.clone()
    }
}

/// Why new messages are shed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shed {
    /// There is too little free space.
    Space,
    /// The store has more to write than it may hold.
    Store,
}

impl Shed {
    const ALL: [(Self, &'static str); 2] = [(Self::Space, "space"), (Self::Store, "store")];
}

/// For how long it counts that load was shed.
const SHED_COUNTS: Duration = Duration::from_secs(60);

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CarrierStatus {
    carrier: String,
    status: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfCarrier {
    carrier: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CarrierConnection {
    carrier: String,
    connection: String,
}

impl CarrierConnection {
    fn of(carrier: &CarrierId, connection: ConnectionState<'_>) -> Self {
        Self { carrier: carrier.to_string(), connection: connection.name.to_owned() }
    }
}

/// How a connection to a carrier is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ConnectionState<'a> {
    /// Its name, as provisioned.
    pub(crate) name: &'a str,
    /// Whether it is used, and not only tried now and then.
    pub(crate) is_up: bool,
    /// How many requests may be in flight on it now.
    pub(crate) window: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Listener {
    listener: &'static str,
}

/// Declares [`Metrics`]: each with its type, how it is made, its name without the prefix, its unit where it has one, and its help.
macro_rules! metrics {
    ($($(#[$attribute:meta])* $field:ident: $type:ty = $made:expr, $name:literal $(in $unit:ident)?, $help:literal;)*) => {
        /// The gateway's metrics. Their labels come from provisioning and the code tables, never from peers, so that their number is
        /// bounded.
        pub struct Metrics {
            registry: Registry,
            labels: AccountLabels,
            shed: Mutex<[Option<Instant>; Shed::ALL.len()]>,
            /// Which revision of provisioning is in force, and since when.
            in_force: Mutex<Option<(u64, Instant)>>,
            cdr: Arc<CdrState>,
            traces: OnceLock<Arc<Traces>>,
            captures: Captures,
            /// Until when doors' certificates are good.
            doors: Mutex<BTreeMap<&'static str, Timestamp>>,
            $($(#[$attribute])* $field: $type,)*
        }

        impl Default for Metrics {
            fn default() -> Self {
                let mut registry = Registry::with_prefix("posthouse");
                $(
                    let $field: $type = $made;
                    metrics!(@register registry, $name $(in $unit)?, $help, $field.clone());
                )*
                Self { registry, labels: AccountLabels::default(), shed: Mutex::default(), in_force: Mutex::default(), cdr: Arc::default(), traces: OnceLock::new(), captures: Captures::default(), doors: Mutex::default(), $($field,)* }
            }
        }
    };
    (@register $registry:ident, $name:literal, $help:literal, $metric:expr) => {
        $registry.register($name, $help, $metric)
    };
    (@register $registry:ident, $name:literal in $unit:ident, $help:literal, $metric:expr) => {
        $registry.register_with_unit($name, $help, Unit::$unit, $metric)
    };
}

metrics! {
    answers: Family<Code, Counter> = Family::default(),
        "submit_answers", "Answers to SubmitReq, by status code";
    answer_time: Histogram = Histogram::new(ANSWER_BUCKETS),
        "submit_answer_time" in Seconds, "Time from a SubmitReq's head to its answer";
    submits: Family<Submitted, Counter> = Family::default(),
        "submits", "Submissions, by account, status code and the protocol that they came by";
    submit_time: Family<Front, Histogram> = Family::new_with_constructor(|| Histogram::new(ANSWER_BUCKETS)),
        "submit_duration" in Seconds, "Time from a submission's head to its answer, by protocol";
    submit_size: Family<Front, Histogram> = Family::new_with_constructor(|| Histogram::new(SIZE_BUCKETS)),
        "submit_size" in Bytes, "How long the bodies of submissions were, by protocol";
    attempts: Family<Attempted, Counter> = Family::default(),
        "attempts", "Attempts to submit to carriers, by connection and by what the answer means";
    attempt_time: Family<OfCarrier, Histogram> = Family::new_with_constructor(|| Histogram::new(ANSWER_BUCKETS)),
        "attempt_duration" in Seconds, "Time that an attempt took, by carrier";
    reports: Family<CarrierStatus, Counter> = Family::default(),
        "reports", "DeliveryReportReq from carriers, by MMStatus";
    read_replies: Family<CarrierStatus, Counter> = Family::default(),
        "read_replies", "ReadReplyReq from carriers, by MMStatus";
    unreadable: Family<OfCarrier, Counter> = Family::default(),
        "unreadable", "Requests of carriers that could not be read";
    callbacks: Family<CallbackTried, Counter> = Family::default(),
        "callbacks", "Tries to deliver callbacks to VASPs, by account, kind and outcome";
    callback_time: Histogram = Histogram::new(ANSWER_BUCKETS),
        "callback_duration" in Seconds, "Time that a try to deliver a callback took";
    mo: Family<MoTaken, Counter> = Family::default(),
        "mo", "Messages from handsets, by carrier, account and what became of them";
    fetches: Family<Outcome, Counter> = Family::default(),
        "fetches", "Messages whose content was fetched by URL, by outcome";
    lookups: Family<Outcome, Counter> = Family::default(),
        "lookups", "Carriers looked up, by who knew or that nobody did";
    lookup_time: Histogram = Histogram::new(ANSWER_BUCKETS),
        "lookup_duration" in Seconds, "Time that it took to look a carrier up";
    connections_up: Family<CarrierConnection, Gauge> = Family::default(),
        "connection_up",
        "Whether a connection to a carrier is used: 1, or 0 while it fails and is only tried now and then";
    connection_windows: Family<CarrierConnection, Gauge> = Family::default(),
        "connection_window",
        "Requests that may be in flight on a connection: its window, or less while the carrier is busy";
    certificates: Family<Listener, Gauge> = Family::default(),
        "tls_certificate_expiry" in Seconds, "When the certificate that a listener shows expires, in Unix time";
    adaptations: Family<Outcome, Counter> = Family::default(),
        "adaptations", "Messages whose pictures had to be made smaller for a carrier, by outcome";
    adaptation_time: Histogram = Histogram::new(ANSWER_BUCKETS),
        "adaptation_time" in Seconds, "Time that the pictures of a message took to be adapted, waiting included";
    #[expect(dead_code, reason = "the writer of the log counts")]
    dropped_lines: Counter = lines::dropped(),
        "log_lines_dropped", "Lines of the log that were dropped since nobody read them";
    #[expect(dead_code, reason = "the log counts")]
    logged_lines: Family<lines::Level, Counter> = lines::logged(),
        "log_lines", "Lines of the log, by level";
}

/// The word for a kind of callback in labels.
const fn kind_word(kind: CallbackKind) -> &'static str {
    match kind {
        CallbackKind::Report => "report",
        CallbackKind::ReadReply => "read_reply",
        CallbackKind::Mo => "mo",
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    /// `front` is the protocol's name, `bytes` the length of the body where one was read.
    pub(crate) fn submit_answered(
        &self,
        account: Option<&AccountName>,
        front: &'static str,
        code: StatusCode,
        took: Duration,
        bytes: Option<u64>,
    ) {
        self.answers.get_or_create(&Code { code: code.code() }).inc();
        self.answer_time.observe(took.as_secs_f64());
        let account = account.map_or_else(|| NOBODY.to_owned(), |account| self.labels.of(account));
        self.submits.get_or_create(&Submitted { account, code: code.code(), front }).inc();
        self.submit_time.get_or_create(&Front { front }).observe(took.as_secs_f64());
        if let Some(bytes) = bytes {
            let bytes = u32::try_from(bytes).map_or(f64::from(u32::MAX), f64::from);
            self.submit_size.get_or_create(&Front { front }).observe(bytes);
        }
    }

    pub(crate) fn attempt_ended(
        &self,
        carrier: &CarrierId,
        connection: &str,
        code: StatusCode,
        took: Duration,
    ) {
        let (carrier, connection) = (carrier.to_string(), connection.to_owned());
        let labels = Attempted { carrier, connection, code: code.code() };
        self.attempts.get_or_create(&labels).inc();
        self.attempt_time.get_or_create(&OfCarrier { carrier: labels.carrier }).observe(took.as_secs_f64());
    }

    /// How many messages were accepted.
    pub(crate) fn accepted(&self) -> u64 {
        self.answers.get_or_create(&Code { code: StatusCode::Success.code() }).get()
    }

    /// How many messages a carrier took over a connection.
    pub(crate) fn taken(&self, carrier: &CarrierId, connection: &str) -> u64 {
        let (carrier, connection) = (carrier.to_string(), connection.to_owned());
        let labels = Attempted { carrier, connection, code: StatusCode::Success.code() };
        self.attempts.get_or_create(&labels).get()
    }

    /// How many reports these carriers sent.
    pub(crate) fn reported<'a>(&self, carriers: impl Iterator<Item = &'a CarrierId>) -> u64 {
        let of = |carrier: &CarrierId, status: MmStatus| {
            let labels = CarrierStatus { carrier: carrier.to_string(), status: status.as_str() };
            self.reports.get_or_create(&labels).get()
        };
        carriers.map(|carrier| MmStatus::ALL.iter().map(|status| of(carrier, *status)).sum::<u64>()).sum()
    }

    /// New messages were answered 3510 for this reason.
    pub(crate) fn shed(&self, why: Shed) {
        let mut shed = self.shed.lock();
        for ((one, _), at) in Shed::ALL.iter().zip(shed.iter_mut()) {
            if *one == why {
                *at = Some(Instant::now());
            }
        }
    }

    /// Why new messages were shed within the last minute, and why not.
    pub(crate) fn shedding(&self) -> Vec<(&'static str, bool)> {
        let shed = self.shed.lock();
        let is_recent = |at: &Option<Instant>| at.is_some_and(|at| at.elapsed() < SHED_COUNTS);
        Shed::ALL.iter().zip(shed.iter()).map(|((_, name), at)| (*name, is_recent(at))).collect()
    }

    /// For how long provisioning has been as it is, in this process.
    pub(crate) fn provisioned_for(&self) -> Option<Duration> {
        self.in_force.lock().map(|(_, since)| since.elapsed())
    }

    /// What operators have kept of requests and answers.
    pub(crate) const fn captures(&self) -> &Captures {
        &self.captures
    }

    /// What takes spans, where traces are sent.
    pub(crate) fn traces(&self) -> Option<&Arc<Traces>> {
        self.traces.get()
    }

    /// From now on these take spans.
    #[cfg_attr(not(feature = "otlp"), expect(dead_code, reason = "nothing sends spans"))]
    pub(crate) fn trace_into(&self, traces: Arc<Traces>) {
        // Set once, at the start.
        self.traces.set(traces).ok();
    }

    /// How it is with CDR files.
    pub(crate) const fn cdr(&self) -> &Arc<CdrState> {
        &self.cdr
    }

    /// Which names accounts have in labels.
    pub(crate) const fn account_labels(&self) -> &AccountLabels {
        &self.labels
    }

    /// What is provisioned has its series from now on, so that the first event of each is an increase and not a beginning.
    pub(crate) fn provisioned(&self, snapshot: &Snapshot) {
        let revision = snapshot.revision();
        let mut in_force = self.in_force.lock();
        if in_force.is_none_or(|(before, _)| before != revision) {
            *in_force = Some((revision, Instant::now()));
        }
        drop(in_force);
        let front = "mm7";
        drop(self.submit_time.get_or_create(&Front { front }));
        drop(self.submit_size.get_or_create(&Front { front }));
        for outcome in ["ranges", "ported", "cache", "provider", "stale", "down"] {
            drop(self.lookups.get_or_create(&Outcome { outcome }));
        }
        for outcome in ["fetched", "unreadable", "no_room", "failed"] {
            drop(self.fetches.get_or_create(&Outcome { outcome }));
        }
        for outcome in ["adapted", "no_room", "failed"] {
            drop(self.adaptations.get_or_create(&Outcome { outcome }));
        }
        for account in snapshot.accounts() {
            let label = self.labels.of(&account.name);
            let code = StatusCode::Success.code();
            drop(self.submits.get_or_create(&Submitted { account: label.clone(), code, front }));
            for outcome in ["delivered", "retried", "failed"] {
                let kind = kind_word(CallbackKind::Report);
                drop(self.callbacks.get_or_create(&CallbackTried { account: label.clone(), kind, outcome }));
            }
        }
        for carrier in snapshot.carriers() {
            self.carrier_provisioned(carrier);
        }
    }

    fn carrier_provisioned(&self, carrier: &Carrier) {
        let id = carrier.id.to_string();
        drop(self.attempt_time.get_or_create(&OfCarrier { carrier: id.clone() }));
        drop(self.unreadable.get_or_create(&OfCarrier { carrier: id.clone() }));
        for status in MmStatus::ALL {
            drop(self.reports.get_or_create(&CarrierStatus { carrier: id.clone(), status: status.as_str() }));
        }
        for outcome in ["repeated", "nobody", "failed"] {
            let account = NOBODY.to_owned();
            drop(self.mo.get_or_create(&MoTaken { carrier: id.clone(), account, outcome }));
        }
        for connection in &carrier.connections {
            for code in [StatusCode::Success, StatusCode::ProvisioningIssue, StatusCode::ServiceUnavailable] {
                let (carrier, connection, code) = (id.clone(), connection.name.clone(), code.code());
                drop(self.attempts.get_or_create(&Attempted { carrier, connection, code }));
            }
        }
    }

    /// What became of a message from a handset: `stored`, `repeated`, `nobody` or `failed`.
    pub(crate) fn mo_ended(&self, carrier: &CarrierId, account: Option<&AccountName>, outcome: &'static str) {
        let account = account.map_or_else(|| NOBODY.to_owned(), |account| self.labels.of(account));
        self.mo.get_or_create(&MoTaken { carrier: carrier.to_string(), account, outcome }).inc();
    }

    /// Notes how a connection is.
    pub(crate) fn connection(&self, carrier: &CarrierId, connection: ConnectionState<'_>) {
        let labels = CarrierConnection::of(carrier, connection);
        self.connections_up.get_or_create(&labels).set(connection.is_up.into());
        self.connection_windows.get_or_create(&labels).set(connection.window.into());
    }

    /// Forgets a connection that is not provisioned any more.
    pub(crate) fn connection_gone(&self, carrier: &CarrierId, connection: ConnectionState<'_>) {
        let labels = CarrierConnection::of(carrier, connection);
        self.connections_up.remove(&labels);
        self.connection_windows.remove(&labels);
    }

    pub(crate) fn report_recorded(&self, carrier: &CarrierId, status: MmStatus) {
        let labels = CarrierStatus { carrier: carrier.to_string(), status: status.as_str() };
        self.reports.get_or_create(&labels).inc();
    }

    pub(crate) fn read_reply_recorded(&self, carrier: &CarrierId, status: ReadStatus) {
        let labels = CarrierStatus { carrier: carrier.to_string(), status: status.as_str() };
        self.read_replies.get_or_create(&labels).inc();
    }

    pub(crate) fn unreadable(&self, carrier: &CarrierId) {
        self.unreadable.get_or_create(&OfCarrier { carrier: carrier.to_string() }).inc();
    }

    pub(crate) fn callback_ended(&self, callback: &Callback, outcome: &CallbackOutcome, took: Duration) {
        let outcome = TryEnd::of(outcome).as_str();
        let kind = match callback.body {
            CallbackBody::Report { .. } => CallbackKind::Report,
            CallbackBody::ReadReply { .. } => CallbackKind::ReadReply,
            CallbackBody::Mo(_) => CallbackKind::Mo,
        };
        let account = self.labels.of(&callback.account);
        self.callbacks.get_or_create(&CallbackTried { account, kind: kind_word(kind), outcome }).inc();
        self.callback_time.observe(took.as_secs_f64());
    }

    /// `outcome` is a word of the lookup's own.
    pub(crate) fn lookup_ended(&self, outcome: &'static str, took: Duration) {
        self.lookup_time.observe(took.as_secs_f64());
        self.lookups.get_or_create(&Outcome { outcome }).inc();
    }

    pub(crate) fn fetch_ended(&self, fact: &FetchFact) {
        let outcome = match fact {
            FetchFact::Fetched(Ok(_)) => "fetched",
            FetchFact::Fetched(Err(_)) => "unreadable",
            FetchFact::NoRoom { .. } => "no_room",
            FetchFact::Failed => "failed",
        };
        self.fetches.get_or_create(&Outcome { outcome }).inc();
    }

    /// `listener` is a section of the configuration.
    pub(crate) fn certificate_expires(&self, listener: &'static str, expires: Timestamp) {
        self.certificates.get_or_create(&Listener { listener }).set(expires.as_second());
        self.doors.lock().insert(listener, expires);
    }

    /// Until when the doors' certificates are good, by the doors' sections.
    pub(crate) fn doors_certificates(&self) -> Vec<CertificateEnd> {
        let end = |(name, expires): (&&'static str, &Timestamp)| CertificateEnd {
            side: CertificateSide::Door,
            name: (*name).to_owned(),
            expires: Some(*expires),
        };
        self.doors.lock().iter().map(end).collect()
    }

    pub(crate) fn adaptation_ended(&self, fact: &AdaptFact, took: Duration) {
        let outcome = match fact {
            AdaptFact::Adapted(_) => "adapted",
            AdaptFact::NoRoom { .. } => "no_room",
            AdaptFact::Failed => "failed",
        };
        self.adaptations.get_or_create(&Outcome { outcome }).inc();
        self.adaptation_time.observe(took.as_secs_f64());
    }

    /// The metrics, with what is looked at now, in the format that is asked for.
    ///
    /// # Errors
    /// What the encoder says.
    pub(crate) fn text(
        &self,
        exposition: Exposition,
        store: StoreSample,
        gateway: GatewaySample,
    ) -> Result<String, fmt::Error> {
        let mut sampled = Registry::with_prefix("posthouse");
        sampled.register_collector(Box::new(store));
        sampled.register_collector(Box::new(gateway));
        let mut process = Registry::default();
        process.register_collector(Box::new(ProcessSample::take()));
        let mut text = String::new();
        for registry in [&self.registry, &sampled, &process] {
            encode_registry(&mut text, registry)?;
        }
        encode_eof(&mut text)?;
        Ok(exposition.of(text))
    }
}
