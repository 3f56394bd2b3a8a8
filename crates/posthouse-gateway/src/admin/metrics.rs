//! `GET /metrics`, in the text format of Prometheus, or in OpenMetrics where that is asked for.

use std::{
    ffi::OsString,
    path::Path,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use axum::{Extension, extract::State, response::Response};
use http::{HeaderMap, StatusCode as HttpStatus, header};
use jiff::Timestamp;
use posthouse_core::operation::OperationState;
use posthouse_store::LOW_WATER_BYTES;
use tokio::{task::spawn_blocking, time::timeout};

use super::{
    AdminState,
    answer::{text, written},
    context::{lacks_certificate, shows},
    ready::CHECK_TIME,
};
use crate::{
    http::peer::Peer,
    telemetry::{
        exposition::Exposition,
        sample::{CdrSample, GatewaySample},
        store::StoreSample,
    },
    tls,
};

/// At how many operations is looked.
const OPERATIONS: usize = 100;

pub(super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
) -> Response {
    if lacks_certificate(&state, &peer) {
        return text(HttpStatus::FORBIDDEN, "a client certificate is needed\n");
    }
    let may = match &state.token {
        Some(token) => shows(&state, token, &headers, peer.address.ip().to_canonical()).await,
        None => true,
    };
    if !may {
        return text(
            HttpStatus::UNAUTHORIZED,
            "the admin token is needed: send the one of [admin] token in Authorization: Bearer TOKEN\n",
        );
    }
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let exposition = Exposition::asked_for(accept);
    let (of_store, of_gateway) = (of_store(&state).await, of_gateway(&state).await);
    match state.metrics.text(exposition, of_store, of_gateway) {
        Ok(metrics) => written(HttpStatus::OK, exposition.content_type(), metrics),
        Err(_) => text(HttpStatus::INTERNAL_SERVER_ERROR, "the metrics cannot be written\n"),
    }
}

/// What the store says of itself now. A store that does not answer in time leaves out what it would have to read for it.
async fn of_store(state: &AdminState) -> StoreSample {
    let now = state.clock.now();
    let oldest = timeout(CHECK_TIME, state.store.oldest_due(now)).await.ok().and_then(Result::ok);
    let age =
        |due: Option<Timestamp>| due.map_or(Duration::ZERO, |due| now.duration_since(due).unsigned_abs());
    StoreSample { statistics: state.store.statistics(), oldest_due_age: oldest.map(age) }
}

/// What the gateway looks at now. It is asked for at each scrape, and costs the delivery path nothing.
async fn of_gateway(state: &AdminState) -> GatewaySample {
    let (snapshot, now) = (state.snapshot.get(), state.clock.now());
    let ago = |age: Duration| now.checked_sub(age).unwrap_or(now);
    let carriers: Vec<_> = snapshot.carriers().map(|carrier| carrier.id.clone()).collect();
    let connections = carriers.iter().flat_map(|carrier| {
        let links = state.board.of(carrier).into_iter();
        links.map(|link| {
            let pace = link.pace_state();
            (carrier.clone(), link.connection().name.clone(), link.standing(&pace), pace)
        })
    });
    let (database, media, cdr) = (state.database.clone(), state.media.clone(), state.cdr.clone());
    let volumes = spawn_blocking(move || {
        let mut volumes = disks(&database, media.as_deref());
        volumes.extend(cdr.and_then(|folder| volume("cdr", &folder)));
        (volumes, size(&database))
    });
    let (disks, database_bytes) = volumes.await.unwrap_or_default();
    GatewaySample {
        revision: snapshot.revision(),
        provisioned_at: state.metrics.provisioned_for().map(ago),
        connections: connections.collect(),
        accounts: snapshot.accounts().map(|account| account.name.clone()).collect(),
        queues: timeout(CHECK_TIME, state.store.queues(now)).await.ok().and_then(Result::ok),
        ends: state.store.ends(),
        now,
        cdr: records(state).await,
        certificates: tls::ends::all(&state.metrics, &state.snapshot.get()),
        operations: running(state).await,
        spans: state.metrics.traces().map(|traces| traces.counts()),
        disks,
        database_bytes,
        low_water_bytes: LOW_WATER_BYTES,
        memory: state.memory.iter().map(|(door, memory)| (*door, memory.taken(), memory.bytes())).collect(),
        auth_failures: state.verifier.failures(),
        kept_out: state.verifier.kept_out(),
        ported: state.directory.ported().age().map(|(numbers, age)| (numbers, ago(age))),
        shedding: state.metrics.shedding(),
        labels: state.metrics.account_labels().clone(),
        carriers,
    }
}

/// How many operations run, of the newest.
async fn running(state: &AdminState) -> Option<u64> {
    let newest = timeout(CHECK_TIME, state.store.operations(None, OPERATIONS)).await.ok()?.ok()?;
    Some(newest.iter().filter(|one| one.state == OperationState::Running).count() as u64)
}

/// How it is with CDR files, where they are asked for.
async fn records(state: &AdminState) -> Option<CdrSample> {
    state.cdr.as_ref()?;
    let of = state.metrics.cdr();
    let pending = timeout(CHECK_TIME, state.store.pending_record_count()).await;
    Some(CdrSample {
        written: of.written.load(Ordering::Relaxed),
        pending: pending.ok().and_then(Result::ok),
        is_failing: of.is_failing.load(Ordering::Relaxed),
    })
}

/// Free bytes of where database and media lie; of a folder that is not there nothing is told.
pub(super) fn disks(database: &Path, media: Option<&Path>) -> Vec<(&'static str, u64)> {
    let database = ("database", database.parent().unwrap_or(Path::new(".")));
    let folders = [database].into_iter().chain(media.map(|folder| ("media", folder)));
    folders.filter_map(|(name, folder)| volume(name, folder)).collect()
}

/// The free bytes of where a folder lies.
fn volume(name: &'static str, folder: &Path) -> Option<(&'static str, u64)> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some((name, disk.f_bavail.saturating_mul(disk.f_frsize)))
}

/// The size of the database's file with its journal.
pub(super) fn size(database: &Path) -> Option<u64> {
    let main = std::fs::metadata(database).ok()?.len();
    let mut journal = OsString::from(database);
    journal.push("-wal");
    Some(main + std::fs::metadata(journal).map_or(0, |journal| journal.len()))
}
