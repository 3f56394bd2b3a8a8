//! The door for operators: health, readiness, metrics.

use std::{net::IpAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode as HttpStatus, header};
use http_body_util::Full;
use hyper::body::Incoming;
use jiff::Timestamp;
use posthouse_core::{shown::in_json, store::Store, submit::ContentLength, time::Clock};
use serde_json::json;
use tokio::time::timeout;

use crate::{
    auth::Verifier,
    config::secrets::Secret,
    http::{
        requests::{content_length, head_fault},
        server::{HttpAnswer, Peer, plain},
    },
    snapshot::SnapshotCell,
    telemetry::{Metrics, store::StoreSample},
};

/// How long the store may take to show that it can be written to.
const CHECK_TIME: Duration = Duration::from_secs(5);

/// The door for operators.
pub struct Admin {
    /// The bearer token that all but health and readiness ask for, if any.
    pub token: Option<Secret>,
    /// Guards the token.
    pub verifier: Arc<Verifier>,
    /// Whether the same ask for a verified client certificate.
    pub asks_for_certificates: bool,
    /// Checked for readiness.
    pub store: Arc<dyn Store>,
    /// Provisioning.
    pub snapshot: Arc<SnapshotCell>,
    /// Counts.
    pub metrics: Arc<Metrics>,
    /// The time, which may be in doubt.
    pub clock: Arc<dyn Clock>,
}

impl Admin {
    /// Answers one HTTP request.
    pub async fn answer(self: Arc<Self>, request: Request<Incoming>, peer: Peer) -> HttpAnswer {
        peer.progress.working();
        if let Some(fault) = head_fault(request.headers()) {
            tracing::info!(address = %peer.address, reason = fault.words(), "a request at the admin door was refused");
            return plain(HttpStatus::BAD_REQUEST, "the head of this request cannot be read\n");
        }
        if content_length(request.headers()) == ContentLength::Malformed {
            return plain(HttpStatus::BAD_REQUEST, "the length of this request cannot be told\n");
        }
        if request.method() != Method::GET {
            return plain(HttpStatus::METHOD_NOT_ALLOWED, "this is read only\n");
        }
        match request.uri().path() {
            "/healthz" => plain(HttpStatus::OK, "ok\n"),
            "/readyz" => self.ready().await,
            "/metrics" if self.asks_for_certificates && peer.certificate.is_none() => {
                plain(HttpStatus::FORBIDDEN, "a client certificate is needed\n")
            }
            "/metrics" if !self.may(request.headers(), peer.address.ip().to_canonical()).await => {
                plain(HttpStatus::UNAUTHORIZED, "the admin token is needed\n")
            }
            "/metrics" => self.metrics().await,
            _ => plain(HttpStatus::NOT_FOUND, "there is /healthz, /readyz and /metrics\n"),
        }
    }

    async fn may(&self, headers: &HeaderMap, from: IpAddr) -> bool {
        let Some(token) = &self.token else { return true };
        let shown =
            headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        self.verifier.is_token(token, shown, from).await
    }

    /// Ready is who can store a message now.
    async fn ready(&self) -> HttpAnswer {
        let revision = self.snapshot.get().revision();
        let checked = match timeout(CHECK_TIME, self.store.check()).await {
            Ok(checked) => checked.map_err(|error| error.to_string()),
            Err(_) => Err("the store does not answer".to_owned()),
        };
        let status = if checked.is_ok() { HttpStatus::OK } else { HttpStatus::SERVICE_UNAVAILABLE };
        let mut body = json!({"ready": checked.is_ok(), "revision": revision, "error": checked.err()});
        if let Some(doubt) = self.clock.doubt() {
            let (said, taken) = (doubt.said, doubt.taken);
            let note = format!(
                "the clock says {said:.0} and is not believed yet; it is taken to be {taken:.0} (if the clock is right: posthouse clock --confirm)"
            );
            body["note"] = note.into();
        }
        answer(status, "application/json", format!("{}\n", in_json(&body.to_string())))
    }

    /// What the store says of itself now. A store that does not answer in time leaves out what it would have to read for it.
    async fn of_store(&self) -> StoreSample {
        let now = self.clock.now();
        let oldest = timeout(CHECK_TIME, self.store.oldest_due(now)).await.ok().and_then(Result::ok);
        let age =
            |due: Option<Timestamp>| due.map_or(Duration::ZERO, |due| now.duration_since(due).unsigned_abs());
        StoreSample { statistics: self.store.statistics(), oldest_due_age: oldest.map(age) }
    }

    async fn metrics(&self) -> HttpAnswer {
        match self.metrics.text(self.of_store().await) {
            Ok(text) => {
                answer(HttpStatus::OK, "application/openmetrics-text; version=1.0.0; charset=utf-8", text)
            }
            Err(_) => plain(HttpStatus::INTERNAL_SERVER_ERROR, "the metrics cannot be written\n"),
        }
    }
}

fn answer(status: HttpStatus, content_type: &'static str, body: String) -> HttpAnswer {
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}
