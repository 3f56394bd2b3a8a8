//! What is not counted as it happens, but looked at when somebody asks: queues, connections, disks, memory.

use std::{collections::BTreeMap, fmt, time::Duration};

use jiff::Timestamp;
use posthouse_core::{
    account::AccountName,
    carrier::CarrierId,
    expiry::CertificateEnd,
    life::state::Terminal,
    pace::PaceState,
    provisioning::words::OneOfWords as _,
    store::{Ends, Queues},
};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::Unit,
};

use super::{
    metrics::AccountLabels,
    store::{described, distribution_of},
};

/// The states that a connection may be in; one of them is 1.
const STANDINGS: [&str; 4] = ["serving", "throttled", "left_alone", "suspended"];

/// How it is with everything at the moment of a scrape.
#[derive(Debug, Default)]
pub(crate) struct GatewaySample {
    /// The revision of provisioning in force, and since when this process has had it.
    pub(crate) revision: u64,
    /// Since when this process has had it.
    pub(crate) provisioned_at: Option<Timestamp>,
    /// Every carrier that is provisioned: what nothing is told of stands at 0.
    pub(crate) carriers: Vec<CarrierId>,
    /// Every account that is provisioned, likewise.
    pub(crate) accounts: Vec<AccountName>,
    /// How much waits where; `None` where the store does not say.
    pub(crate) queues: Option<Queues>,
    /// How messages ended.
    pub(crate) ends: Ends,
    /// The time of the scrape.
    pub(crate) now: Timestamp,
    /// Each connection: carrier, name, how it stands, its pace.
    pub(crate) connections: Vec<(CarrierId, String, &'static str, PaceState)>,
    /// Each volume: its name, and its free bytes.
    pub(crate) disks: Vec<(&'static str, u64)>,
    /// How large the database is, with its journal.
    pub(crate) database_bytes: Option<u64>,
    /// CDR files, where they are asked for.
    pub(crate) cdr: Option<CdrSample>,
    /// Certificates that we show, and their ends.
    pub(crate) certificates: Vec<CertificateEnd>,
    /// How many operations in bulk run; `None` where the store does not say.
    pub(crate) operations: Option<u64>,
    /// Spans that were sent, and dropped, where traces are.
    pub(crate) spans: Option<[(&'static str, u64); 2]>,
    /// Below so many free bytes nothing is accepted.
    pub(crate) low_water_bytes: u64,
    /// Each door that has a bound: the bytes that bodies take, and may take.
    pub(crate) memory: Vec<(&'static str, u64, u64)>,
    /// Wrong credentials by door and reason.
    pub(crate) auth_failures: Vec<(&'static str, &'static str, u64)>,
    /// How many addresses are kept out.
    pub(crate) kept_out: u64,
    /// How many ported numbers there are, and when their file was read.
    pub(crate) ported: Option<(u64, Timestamp)>,
    /// Whether load was shed for this reason within the last minute.
    pub(crate) shedding: Vec<(&'static str, bool)>,
    /// Which names accounts have in labels.
    pub(crate) labels: AccountLabels,
}

/// How it is with CDR files.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CdrSample {
    /// How many records were written.
    pub(crate) written: u64,
    /// How many are still to be; `None` where the store does not say.
    pub(crate) pending: Option<u64>,
    /// Whether the last try to write failed.
    pub(crate) is_failing: bool,
}

/// A gauge's name without prefix and unit, its help and its unit, and its samples.
type Gauges<'a, L> = (&'a str, &'a str, Option<&'a Unit>, Vec<(L, f64)>);

fn gauges<L: EncodeLabelSet>(
    encoder: &mut DescriptorEncoder<'_>,
    (name, help, unit, samples): Gauges<'_, L>,
) -> Result<(), fmt::Error> {
    let mut metric = described(encoder, (name, help, unit), MetricType::Gauge)?;
    samples
        .iter()
        .try_for_each(|(labels, value)| ConstGauge::new(*value).encode(metric.encode_family(labels)?))
}

/// One without labels.
fn gauge(
    encoder: &mut DescriptorEncoder<'_>,
    metric: (&str, &str, Option<&Unit>),
    value: f64,
) -> Result<(), fmt::Error> {
    ConstGauge::new(value).encode(described(encoder, metric, MetricType::Gauge)?)
}

/// The seconds since then, in Unix time.
fn unix(time: Timestamp) -> f64 {
    Duration::try_from(time.duration_since(Timestamp::UNIX_EPOCH))
        .map_or(0.0, |since| since.as_secs_f64().floor())
}

/// Counts as they are shown; what is beyond 2^52 is told roughly.
fn count(number: u64) -> f64 {
    let (high, low) = (number >> 32, number & u64::from(u32::MAX));
    let part = |part: u64| f64::from(u32::try_from(part).unwrap_or(u32::MAX));
    part(high) * 4_294_967_296.0 + part(low)
}

impl Collector for GatewaySample {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        self.build(&mut encoder)?;
        self.queues(&mut encoder)?;
        self.callbacks(&mut encoder)?;
        self.ended(&mut encoder)?;
        self.connections(&mut encoder)?;
        self.resources(&mut encoder)?;
        self.auth(&mut encoder)?;
        self.records(&mut encoder)?;
        self.spans(&mut encoder)?;
        self.certificates(&mut encoder)
    }
}

impl GatewaySample {
    fn build(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let revision = option_env!("POSTHOUSE_COMMIT").unwrap_or("unknown");
        let labels = [("version", env!("CARGO_PKG_VERSION")), ("revision", revision)];
        gauges(
            encoder,
            (
                "build_info",
                "The version of this gateway, and the commit that it was built from; always 1",
                None,
                vec![(labels, 1.0)],
            ),
        )?;
        let help = "The revision of provisioning that is in force";
        gauge(encoder, ("provisioning_revision", help, None), count(self.revision))?;
        let help = "Since when this process has worked with it, in Unix time";
        let at = self.provisioned_at.map_or(0.0, unix);
        gauge(encoder, ("provisioning_changed_timestamp", help, Some(&Unit::Seconds)), at)
    }

    fn queues(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let Some(queues) = &self.queues else { return Ok(()) };
        let mut names: Vec<&CarrierId> = self.carriers.iter().collect();
        names.extend(queues.depths.iter().map(|depth| &depth.carrier));
        names.extend(queues.ages.iter().map(|age| &age.carrier));
        names.sort_unstable();
        names.dedup();
        let mut messages = Vec::new();
        for carrier in &names {
            let depths = || queues.depths.iter().filter(|depth| depth.carrier == **carrier);
            for (state, sum) in [
                ("waiting", depths().map(|depth| depth.waiting).sum::<u64>()),
                ("sending", depths().map(|depth| depth.sending).sum()),
                ("parked", depths().map(|depth| depth.parked).sum()),
                ("at_carrier", depths().map(|depth| depth.at_carrier).sum()),
            ] {
                messages.push(([("carrier", carrier.as_str()), ("state", state)], count(sum)));
            }
        }
        let help = "Messages that have not ended, by carrier and where they stand";
        gauges(encoder, ("messages", help, None, messages))?;
        let age = |carrier: &&CarrierId| queues.ages.iter().find(|age| age.carrier == **carrier);
        let by_carrier = |value: &dyn Fn(&&CarrierId) -> f64| {
            names.iter().map(|carrier| ([("carrier", carrier.as_str())], value(carrier))).collect::<Vec<_>>()
        };
        let help = "For how long the message that waits the longest for its next attempt has been waiting";
        let oldest = by_carrier(&|carrier| {
            age(carrier).and_then(|age| age.oldest).map_or(0.0, |since| seconds_since(since, self.now))
        });
        gauges(encoder, ("queue_oldest", help, Some(&Unit::Seconds), oldest))?;
        let help = "Messages that are due and in nobody's hand, counted up to 10000";
        let due = by_carrier(&|carrier| age(carrier).map_or(0.0, |age| count(age.due)));
        gauges(encoder, ("queue_due", help, None, due))?;
        let help = "Messages whose wait for a terminal report is over and not ended yet, counted up to 10000";
        let overdue = by_carrier(&|carrier| age(carrier).map_or(0.0, |age| count(age.overdue)));
        gauges(encoder, ("reports_overdue", help, None, overdue))?;
        let help = "Reports and read replies of carriers that wait for the message that they are about";
        let unmatched = by_carrier(&|carrier| age(carrier).map_or(0.0, |age| count(age.unmatched)));
        gauges(encoder, ("unmatched_reports", help, None, unmatched))
    }

    /// Those of the accounts without a label of their own are added up.
    fn callbacks(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let Some(queues) = &self.queues else { return Ok(()) };
        let mut all: BTreeMap<String, (u64, u64, f64)> = BTreeMap::new();
        for account in &self.accounts {
            all.entry(self.labels.of(account)).or_default();
        }
        for depth in &queues.callbacks {
            let (owed, failed, oldest) = all.entry(self.labels.of(&depth.account)).or_default();
            *owed += depth.owed;
            *failed += depth.failed;
            *oldest = oldest.max(depth.oldest.map_or(0.0, |since| seconds_since(since, self.now)));
        }
        let each = |value: fn(&(u64, u64, f64)) -> f64| {
            all.iter().map(|(account, of)| ([("account", account.as_str())], value(of))).collect::<Vec<_>>()
        };
        let help = "Callbacks that are owed and not held back by an earlier one, counted up to 10000";
        gauges(encoder, ("callbacks_owed", help, None, each(|of| count(of.0))))?;
        let help = "Callbacks that were given up and are kept, counted up to 10000";
        gauges(encoder, ("callbacks_failed", help, None, each(|of| count(of.1))))?;
        let help = "For how long the oldest callback has been owed, of the thousand that are due first";
        gauges(encoder, ("callback_oldest", help, Some(&Unit::Seconds), each(|of| of.2)))
    }

    fn ended(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let mut all: BTreeMap<(String, &str, &str, u16), u64> = BTreeMap::new();
        let pairs = self.queues.iter().flat_map(|queues| &queues.depths);
        for depth in pairs {
            let account = self.labels.of(&depth.account);
            for terminal in Terminal::ALL {
                let key = (account.clone(), depth.carrier.as_str(), terminal.status().as_str(), 0);
                all.entry(key).or_default();
            }
        }
        for end in &self.ends.counts {
            let code = end.reason.map_or(0, |reason| reason.0.code());
            let key =
                (self.labels.of(&end.account), end.carrier.as_str(), end.terminal.status().as_str(), code);
            *all.entry(key).or_default() += end.messages;
        }
        let help =
            "Messages that ended, by how, and by the status code of the reason (0 where there is none)";
        let mut metric = described(encoder, ("messages_ended", help, None), MetricType::Counter)?;
        for ((account, carrier, state, code), messages) in all {
            let code = code.to_string();
            let labels = [("account", &*account), ("carrier", carrier), ("state", state), ("code", &*code)];
            ConstCounter::new(messages).encode(metric.encode_family(&labels)?)?;
        }
        for (name, help, of) in [
            ("end_to_end", "Time from when a message was accepted to its end", true),
            (
                "report_delay",
                "Time from when a message began to wait for the attempt that the carrier took to the report that ended it",
                false,
            ),
        ] {
            let mut metric = described(encoder, (name, help, Some(&Unit::Seconds)), MetricType::Histogram)?;
            for times in &self.ends.times {
                let values = if of { &times.end_to_end } else { &times.report_delay };
                distribution_of(metric.encode_family(&[("carrier", times.carrier.as_str())])?, values)?;
            }
        }
        Ok(())
    }

    fn connections(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let mut states = Vec::new();
        for (carrier, name, standing, _) in &self.connections {
            for state in STANDINGS {
                let labels = [("carrier", carrier.as_str()), ("connection", &**name), ("state", state)];
                states.push((labels, if *standing == state { 1.0 } else { 0.0 }));
            }
        }
        gauges(
            encoder,
            ("connection_state", "Whether a connection is in this state: 1 for one of them", None, states),
        )?;
        let each = |value: &dyn Fn(&PaceState) -> Option<f64>| {
            let labelled = self.connections.iter().filter_map(|(carrier, name, _, pace)| {
                Some(([("carrier", carrier.as_str()), ("connection", &**name)], value(pace)?))
            });
            labelled.collect::<Vec<_>>()
        };
        let help = "Requests that may be in flight on a connection by provisioning";
        gauges(
            encoder,
            ("connection_window_limit", help, None, each(&|pace| Some(f64::from(pace.window.1)))),
        )?;
        let help =
            "Requests a second that a connection is given at most now; no series where there is no limit";
        gauges(encoder, ("connection_rate", help, None, each(&|pace| pace.per_second.0)))?;
        let help = "Requests a second that a connection may be given by provisioning; no series where there is no limit";
        gauges(
            encoder,
            ("connection_rate_limit", help, None, each(&|pace| pace.per_second.1.map(f64::from))),
        )?;
        let help = "Requests that are in flight on a connection";
        gauges(encoder, ("attempts_in_flight", help, None, each(&|pace| Some(f64::from(pace.in_flight)))))
    }

    fn resources(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let bytes = Some(&Unit::Bytes);
        let disks = self.disks.iter().map(|(volume, free)| ([("volume", *volume)], count(*free))).collect();
        gauges(encoder, ("disk_free", "Free disk space of a volume", bytes, disks))?;
        let low = self
            .disks
            .iter()
            .map(|(volume, _)| ([("volume", *volume)], count(self.low_water_bytes)))
            .collect();
        gauges(encoder, ("disk_low_water", "Below so much free space nothing is accepted", bytes, low))?;
        let database = self.database_bytes.map(|size| ([("volume", "database")], count(size)));
        gauges(
            encoder,
            (
                "store_size",
                "How much the database takes, with its journal",
                bytes,
                database.into_iter().collect(),
            ),
        )?;
        let held = self.memory.iter().map(|(door, held, _)| ([("door", *door)], count(*held))).collect();
        gauges(encoder, ("body_memory", "Memory that bodies of requests take", bytes, held))?;
        let most = self.memory.iter().map(|(door, _, most)| ([("door", *door)], count(*most))).collect();
        gauges(encoder, ("body_memory_limit", "Memory that bodies of requests may take", bytes, most))?;
        let shedding =
            self.shedding.iter().map(|(reason, sheds)| ([("reason", *reason)], f64::from(u8::from(*sheds))));
        let help = "Whether new messages were answered 3510 for this reason within the last minute";
        gauges(encoder, ("shedding", help, None, shedding.collect()))?;
        let Some((numbers, read)) = self.ported else { return Ok(()) };
        gauge(encoder, ("ported_numbers", "Numbers in the file of ported numbers", None), count(numbers))?;
        let help = "When the file of ported numbers was read, in Unix time";
        gauge(encoder, ("ported_read_timestamp", help, Some(&Unit::Seconds)), unix(read))
    }

    fn certificates(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let help = "When a certificate that the gateway shows expires, in Unix time";
        let ends = self
            .certificates
            .iter()
            .filter_map(|end| Some(([("side", end.side.word()), ("name", &*end.name)], unix(end.expires?))));
        let metric = ("tls_certificate_not_after_timestamp", help, Some(&Unit::Seconds), ends.collect());
        gauges(encoder, metric)?;
        let Some(operations) = self.operations else { return Ok(()) };
        let help = "Operations on many messages that run, of the newest 100";
        gauge(encoder, ("operations_running", help, None), count(operations))
    }

    fn spans(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let Some(spans) = self.spans else { return Ok(()) };
        let help = "Spans of traces, by whether they were sent to the collector or dropped";
        let mut metric = described(encoder, ("trace_spans", help, None), MetricType::Counter)?;
        for (outcome, spans) in spans {
            ConstCounter::new(spans).encode(metric.encode_family(&[("outcome", outcome)])?)?;
        }
        Ok(())
    }

    fn records(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let Some(cdr) = self.cdr else { return Ok(()) };
        let help = "Records of what ended that this process wrote into CDR files";
        let metric = described(encoder, ("cdr_records", help, None), MetricType::Counter)?;
        ConstCounter::new(cdr.written).encode(metric)?;
        let help = "Whether the last try to write CDR files failed: the store keeps the records";
        gauge(encoder, ("cdr_failing", help, None), f64::from(u8::from(cdr.is_failing)))?;
        let Some(pending) = cdr.pending else { return Ok(()) };
        let help = "Records that are to be written into CDR files, counted up to 10000";
        gauge(encoder, ("cdr_pending", help, None), count(pending))
    }

    fn auth(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let help = "Credentials that were refused, by door and why";
        let mut metric = described(encoder, ("auth_failures", help, None), MetricType::Counter)?;
        for (door, reason, failures) in &self.auth_failures {
            ConstCounter::new(*failures)
                .encode(metric.encode_family(&[("door", *door), ("reason", *reason)])?)?;
        }
        let help = "Addresses that are kept out for a while after too many wrong credentials";
        gauge(encoder, ("addresses_kept_out", help, None), count(self.kept_out))
    }
}

fn seconds_since(since: Timestamp, now: Timestamp) -> f64 {
    now.duration_since(since).as_secs_f64().max(0.0)
}
