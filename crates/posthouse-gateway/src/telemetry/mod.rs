//! What the gateway tells about itself: metrics here, logs through `tracing` and [`lines`].

pub mod lines;
pub(crate) mod store;

use std::{fmt, time::Duration};

use jiff::Timestamp;
use mm7::{MmStatus, StatusCode};
use posthouse_core::{
    carrier::CarrierId,
    life::read_reply::ReadStatus,
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

use self::store::StoreSample;
use crate::carrier::links::Link;

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
    fn of(carrier: &CarrierId, link: &Link) -> Self {
        Self { carrier: carrier.to_string(), connection: link.connection().name.clone() }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Listener {
    listener: &'static str,
}

/// The gateway's counters. Their labels come from provisioning and the code tables, never from peers, so that their number is
/// bounded.
pub struct Metrics {
    registry: Registry,
    answers: Family<Code, Counter>,
    answer_time: Histogram,
    attempts: Family<CarrierCode, Counter>,
    reports: Family<CarrierStatus, Counter>,
    read_replies: Family<CarrierStatus, Counter>,
    unreadable: Family<OfCarrier, Counter>,
    callbacks: Family<Outcome, Counter>,
    fetches: Family<Outcome, Counter>,
    lookups: Family<Outcome, Counter>,
    connections_up: Family<CarrierConnection, Gauge>,
    connection_windows: Family<CarrierConnection, Gauge>,
    certificates: Family<Listener, Gauge>,
    adaptations: Family<Outcome, Counter>,
    adaptation_time: Histogram,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("posthouse");
        let answers = Family::default();
        registry.register("submit_answers", "Answers to SubmitReq, by status code", answers.clone());
        let answer_time = Histogram::new(ANSWER_BUCKETS);
        let help = "Time from a SubmitReq's head to its answer";
        registry.register_with_unit("submit_answer_time", help, Unit::Seconds, answer_time.clone());
        let attempts = Family::default();
        registry.register(
            "attempts",
            "Attempts to submit to carriers, by what their answer means",
            attempts.clone(),
        );
        let reports = Family::default();
        registry.register("reports", "DeliveryReportReq from carriers, by MMStatus", reports.clone());
        let read_replies = Family::default();
        registry.register("read_replies", "ReadReplyReq from carriers, by MMStatus", read_replies.clone());
        let unreadable = Family::default();
        registry.register("unreadable", "Requests of carriers that could not be read", unreadable.clone());
        let callbacks = Family::default();
        registry.register("callbacks", "Tries to deliver callbacks to VASPs, by outcome", callbacks.clone());
        let fetches = Family::default();
        registry.register(
            "fetches",
            "Messages whose content was fetched by URL, by outcome",
            fetches.clone(),
        );
        let lookups = Family::default();
        registry.register("lookups", "Carriers looked up, by who knew or that nobody did", lookups.clone());
        let connections_up = Family::default();
        let help = "Whether a connection to a carrier is used: 1, or 0 while it fails and is only tried now and then";
        registry.register("connection_up", help, connections_up.clone());
        let connection_windows = Family::default();
        let help =
            "Requests that may be in flight on a connection: its window, or less while the carrier is busy";
        registry.register("connection_window", help, connection_windows.clone());
        let certificates = Family::default();
        registry.register_with_unit(
            "tls_certificate_expiry",
            "When the certificate that a listener shows expires, in Unix time",
            Unit::Seconds,
            certificates.clone(),
        );
        let adaptations = Family::default();
        let help = "Messages whose pictures had to be made smaller for a carrier, by outcome";
        registry.register("adaptations", help, adaptations.clone());
        let adaptation_time = Histogram::new(ANSWER_BUCKETS);
        let help = "Time that the pictures of a message took to be adapted, waiting included";
        registry.register_with_unit("adaptation_time", help, Unit::Seconds, adaptation_time.clone());
        registry.register(
            "log_lines_dropped",
            "Lines of the log that were dropped since nobody read them",
            lines::dropped(),
        );
        Self {
            registry,
            answers,
            answer_time,
            attempts,
            reports,
            read_replies,
            unreadable,
            callbacks,
            fetches,
            lookups,
            connections_up,
            connection_windows,
            certificates,
            adaptations,
            adaptation_time,
        }
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
    pub(crate) fn connection(&self, carrier: &CarrierId, link: &Link) {
        let labels = CarrierConnection::of(carrier, link);
        self.connections_up.get_or_create(&labels).set(link.is_up().into());
        self.connection_windows.get_or_create(&labels).set(link.window().into());
    }

    /// Forgets a connection that is not provisioned any more.
    pub(crate) fn connection_gone(&self, carrier: &CarrierId, link: &Link) {
        let labels = CarrierConnection::of(carrier, link);
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
        let outcome = match outcome {
            CallbackOutcome::Delivered => "delivered",
            CallbackOutcome::Again { .. } => "retried",
            CallbackOutcome::Failed { .. } => "failed",
            CallbackOutcome::Withdrawn { .. } => "withdrawn",
        };
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
