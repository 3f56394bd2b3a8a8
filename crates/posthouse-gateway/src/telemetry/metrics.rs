//! The metrics: counters and gauges, served in the text format of Prometheus.

use std::{fmt, time::Duration};

use jiff::Timestamp;
use mm7::{MmStatus, StatusCode};
use posthouse_core::{
    carrier::CarrierId,
    life::{callback::TryEnd, read_reply::ReadStatus},
    store::CallbackOutcome,
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

use super::{lines, store::StoreSample};

/// Upper bounds of the buckets for answer times, in seconds.
const ANSWER_BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Code {
    code: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CarrierCode {
    carrier: String,
    code: u16,
}

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
            $($(#[$attribute])* $field: $type,)*
        }

        impl Default for Metrics {
            fn default() -> Self {
                let mut registry = Registry::with_prefix("posthouse");
                $(
                    let $field: $type = $made;
                    metrics!(@register registry, $name $(in $unit)?, $help, $field.clone());
                )*
                Self { registry, $($field,)* }
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
    attempts: Family<CarrierCode, Counter> = Family::default(),
        "attempts", "Attempts to submit to carriers, by what their answer means";
    reports: Family<CarrierStatus, Counter> = Family::default(),
        "reports", "DeliveryReportReq from carriers, by MMStatus";
    read_replies: Family<CarrierStatus, Counter> = Family::default(),
        "read_replies", "ReadReplyReq from carriers, by MMStatus";
    unreadable: Family<OfCarrier, Counter> = Family::default(),
        "unreadable", "Requests of carriers that could not be read";
    callbacks: Family<Outcome, Counter> = Family::default(),
        "callbacks", "Tries to deliver callbacks to VASPs, by outcome";
    fetches: Family<Outcome, Counter> = Family::default(),
        "fetches", "Messages whose content was fetched by URL, by outcome";
    lookups: Family<Outcome, Counter> = Family::default(),
        "lookups", "Carriers looked up, by who knew or that nobody did";
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
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    pub(crate) fn submit_answered(&self, code: StatusCode, took: Duration) {
        self.answers.get_or_create(&Code { code: code.code() }).inc();
        self.answer_time.observe(took.as_secs_f64());
    }

    pub(crate) fn attempt_ended(&self, carrier: &CarrierId, code: StatusCode) {
        let labels = CarrierCode { carrier: carrier.to_string(), code: code.code() };
        self.attempts.get_or_create(&labels).inc();
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

    pub(crate) fn callback_ended(&self, outcome: &CallbackOutcome) {
        let outcome = TryEnd::of(outcome).as_str();
        self.callbacks.get_or_create(&Outcome { outcome }).inc();
    }

    /// `outcome` is a word of the lookup's own.
    pub(crate) fn lookup_ended(&self, outcome: &'static str) {
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

    /// The metrics in the text format of Prometheus, with the store's.
    ///
    /// # Errors
    /// What the encoder says.
    pub(crate) fn text(&self, store: StoreSample) -> Result<String, fmt::Error> {
        let mut of_store = Registry::with_prefix("posthouse");
        of_store.register_collector(Box::new(store));
        let mut text = String::new();
        encode_registry(&mut text, &self.registry)?;
        encode_registry(&mut text, &of_store)?;
        encode_eof(&mut text)?;
        Ok(text)
    }
}
