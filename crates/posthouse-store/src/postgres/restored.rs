//! After a database was restored to an earlier time: what was in somebody's hand is nobody's, and what objects have of messages that came
//! since is put back.

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use posthouse_core::{
    Id,
    account::AccountName,
    carrier::CarrierId,
    message::{Digest, Submission},
    store::{
        Acceptance, FirstAttempt, IntakeStore, Lease, NewMessage, Owner, ProvisioningStore, SearchStore,
        Settlement, StoreError, UpkeepStore, WorkStore,
    },
    time::after,
};

use super::{
    PostgresStore, old_objects,
    open::PostgresOptions,
    schema,
    session::{Purpose, Session},
    url::PostgresUrl,
};
use crate::{
    error::OpenError,
    media::{
        location::MediaPlace,
        objects::{
            pack::{FoundBody, Heading, SubmissionHeading},
            place::{ListedObject, ObjectId},
        },
    },
    sqlite::Mode,
    status::RestoredReport,
    stored::split,
};

/// A node that was heard of so recently runs.
const RUNS: i64 = 10_000;
/// So many objects are looked at in one step.
const PAGE: usize = 1000;
/// A message may be in an object of the day before, or of the one after it.
const AROUND: SignedDuration = SignedDuration::from_hours(24);
/// How long reports are waited for where the carrier is not provisioned.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(72 * 3600);
/// How many ids are named.
const NAMED: usize = 100;

/// What was in somebody's hand: leases end, attempts that had begun are interrupted, numbers of nodes are free.
const END: &str = "
    UPDATE work SET owner = NULL, due = least(due, $NOW) WHERE owner IS NOT NULL AND NOT sending;
    UPDATE work SET due = least(due, $NOW), attempt_until = least(attempt_until, $NOW) WHERE owner IS NOT NULL;
    UPDATE awaiting SET owner = NULL WHERE owner IS NOT NULL;
    UPDATE callback SET owner = NULL, due = least(due, $NOW) WHERE owner IS NOT NULL;
    UPDATE operation SET owner = NULL, until = NULL WHERE owner IS NOT NULL;
    UPDATE node SET owner = NULL;
    UPDATE job SET until = 0;
    DELETE FROM demand;
    DELETE FROM division";

/// Ends what was in somebody's hand, and puts back what the objects have.
///
/// # Errors
/// Why the store cannot be opened, that a node runs on it, or that it does not do what is asked.
pub(crate) async fn after_restore(
    url: PostgresUrl,
    media: &MediaPlace,
    require_standbys: bool,
) -> Result<RestoredReport, OpenError> {
    schema::bring_up_to_date(&url, false, false).await?;
    let leases = end_leases(&url).await?;
    let options = PostgresOptions {
        url: String::new(),
        media: media.clone(),
        mode: Mode::Serve,
        create: false,
        require_standbys,
        is_moving: false,
    };
    let store = PostgresStore::open_at(url, &options).await?;
    let report = put_back(&store, leases).await;
    store.close().await.map_err(schema::unreadable)?;
    report.map_err(schema::unreadable)
}

async fn end_leases(url: &PostgresUrl) -> Result<u64, OpenError> {
    let session =
        Session::open(url, Purpose::Define).await.map_err(|fault| schema::unreachable(url, &fault))?;
    let failed = |error: tokio_postgres::Error| schema::refused(url, &error);
    let alive = "SELECT address, (extract(epoch FROM clock_timestamp()) * 1000)::int8 AS now FROM node
                 WHERE owner IS NOT NULL AND kind = 0 AND beat_at > (extract(epoch FROM clock_timestamp()) * 1000)::int8 - $1";
    if let Some(row) =
        session.client.query_opt(&format!("{alive} LIMIT 1"), &[&RUNS]).await.map_err(failed)?
    {
        return Err(OpenError::Runs(row.try_get("address").map_err(failed)?));
    }
    let count = "SELECT (SELECT count(*) FROM callback WHERE owner IS NOT NULL) + (SELECT count(*) FROM work WHERE owner IS NOT NULL
                            AND NOT (sending AND attempt_until <= (extract(epoch FROM clock_timestamp()) * 1000)::int8)),
                        (extract(epoch FROM clock_timestamp()) * 1000)::int8";
    let row = session.client.query_one(count, &[]).await.map_err(failed)?;
    let (leases, now): (i64, i64) = (row.try_get(0).map_err(failed)?, row.try_get(1).map_err(failed)?);
    let end = END.replace("$NOW", &now.to_string());
    session.client.batch_execute(&format!("BEGIN; {end}; COMMIT")).await.map_err(failed)?;
    Ok(u64::try_from(leases).unwrap_or(0))
}

async fn put_back(store: &PostgresStore, leases: u64) -> Result<RestoredReport, StoreError> {
    let now = Timestamp::now();
    let newest = store.newest_id().await?;
    let mut report = RestoredReport {
        leases,
        missing_from: newest,
        missing_to: Id::first_at(now),
        put_back: Vec::new(),
        more: 0,
        not_put_back: Vec::new(),
    };
    let Some(newest) = newest else { return Ok(report) };
    let utc = TimeZone::UTC;
    let mut day = utc.to_datetime(newest.time().checked_sub(AROUND).unwrap_or(Timestamp::MIN)).date();
    let last = utc.to_datetime(now.checked_add(AROUND).unwrap_or(Timestamp::MAX)).date();
    while day <= last {
        let mut from = None;
        loop {
            let listed = store.media.list(day, from, PAGE).await?;
            from = listed.last().map(|object| object.id);
            let known =
                old_objects::known(&store.readers, listed.iter().map(|object| object.id).collect()).await?;
            for object in listed.iter().filter(|object| !known.contains(&object.id)) {
                look_into(store, object, now, &mut report).await?;
            }
            if listed.len() < PAGE {
                break;
            }
        }
        let Ok(next) = day.tomorrow() else { break };
        day = next;
    }
    Ok(report)
}

async fn look_into(
    store: &PostgresStore,
    object: &ListedObject,
    now: Timestamp,
    report: &mut RestoredReport,
) -> Result<(), StoreError> {
    for found in store.media.look_into(object).await? {
        let id = found.seal.id;
        if store.message(id).await?.is_some() {
            continue;
        }
        let is_back = match serde_json::from_slice(&found.document) {
            Ok(Heading::Submission(heading)) => put_one_back(store, object.id, &found, heading, now).await?,
            // What a handset sent may have been delivered, and cannot be told from what was not.
            Ok(Heading::Mo(_)) | Err(_) => false,
        };
        match is_back {
            true if report.put_back.len() < NAMED => report.put_back.push(id),
            false if report.not_put_back.len() < NAMED => report.not_put_back.push(id),
            _ => report.more += 1,
        }
    }
    Ok(())
}

/// A message comes back as one whose attempt got no answer: nobody knows whether it was sent. `false` where its heading or its media cannot
/// be used.
async fn put_one_back(
    store: &PostgresStore,
    object: ObjectId,
    found: &FoundBody,
    heading: SubmissionHeading,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let Ok(submission) = serde_json::from_value::<Submission>(heading.submission) else { return Ok(false) };
    let body: Bytes = match store.media.read(object, found.position, &found.seal).await {
        Err(StoreError::NotFound(_) | StoreError::Corrupt { .. }) => return Ok(false),
        body => body?,
    };
    let lengths: Option<Vec<usize>> =
        submission.parts.iter().map(|part| usize::try_from(part.bytes).ok()).collect();
    let Some(media) = lengths.and_then(|lengths| split(body, &lengths)) else { return Ok(false) };
    let (id, carrier) = (found.seal.id, CarrierId(heading.carrier));
    let owner = Owner(id.number());
    let until = after(now, PATIENCE);
    let new = NewMessage {
        id,
        account: AccountName(heading.account),
        carrier: carrier.clone(),
        submission,
        media,
        digest: Digest(heading.digest),
        repeats_since: None,
        accepted_at: Timestamp::from_millisecond(heading.accepted_at).unwrap_or_else(|_| id.time()),
        first_attempt: FirstAttempt::Leased(Lease { owner, until }),
    };
    if store.accept(&new).await? != Acceptance::Fresh {
        return Ok(false);
    }
    let provisioning = store.provisioning().await?;
    let carriers = provisioning.carriers.iter().find(|one| one.id == carrier);
    let report_until = after(now, carriers.map_or(PATIENCE, |carrier| carrier.report_timeout));
    store.begin(id, owner, "unknown", until, now).await?;
    let said = "put back after the database was restored: nobody knows whether it was sent";
    store.settle(id, owner, Settlement::Unknown { report_until }, said, now, None).await?;
    Ok(true)
}
