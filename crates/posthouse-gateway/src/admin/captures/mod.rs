//! Captures: requests and answers of an account or a carrier, kept in this node's memory for a while.

pub(super) mod begin;
pub(super) mod exchanges;
pub(super) mod get;
pub(super) mod list;
pub(super) mod remove;

use super::listed;
use jiff::Timestamp;
use posthouse_api::{CaptureView, CapturedExchange, ProblemCode, ProblemDetails};

use crate::telemetry::captures::{Capture, CaptureOf, WireExchange};

fn view(capture: &Capture, now: Timestamp) -> CaptureView {
    let (account, carrier) = match &capture.of {
        CaptureOf::Account(name) => (Some(name.0.clone()), None),
        CaptureOf::Carrier(id) => (None, Some(id.0.clone())),
    };
    CaptureView {
        id: capture.id.to_string(),
        account,
        carrier,
        by: capture.by.clone(),
        begun_at: capture.begun_at,
        until: capture.until,
        max: capture.max,
        exchanges: capture.kept,
        left_out: capture.left_out,
        running: capture.is_running(now),
    }
}

pub(super) fn exchange_view(capture: u64, exchange: WireExchange) -> CapturedExchange {
    CapturedExchange {
        capture: capture.to_string(),
        number: exchange.number,
        at: exchange.at,
        seconds: format!("{:.3}", exchange.took.as_secs_f64()),
        leg: exchange.leg.to_owned(),
        peer: exchange.peer,
        message_id: exchange.message_id.map(|id| id.to_string()),
        request: exchange.request,
        answer: exchange.answer,
    }
}

/// What it is in words, for the audit.
fn target(capture: &Capture) -> String {
    let of = match &capture.of {
        CaptureOf::Account(name) => format!("account {name}"),
        CaptureOf::Carrier(id) => format!("carrier {id}"),
    };
    format!("capture {} of {of}", capture.id)
}

fn number(id: &str) -> Result<u64, ProblemDetails> {
    id.parse().map_err(|_| nothing(id))
}

fn nothing(id: &str) -> ProblemDetails {
    let gone = "they are gone an hour after their end, and when the process ends";
    ProblemDetails::new(ProblemCode::NotFound)
        .detail(format!("this node has no capture {id:?}"))
        .remedy(format!("{}; {gone}", listed("captures list", "captures")))
}
