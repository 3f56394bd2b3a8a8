//! Accepting a message: row, media and work in one transaction.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use posthouse_core::{
    Id,
    account::AccountName,
    carrier::CarrierId,
    life::{load::Work, state::State},
    lock::Mutex,
    store::{Acceptance, Demand, ErrorCause, NewMessage, StoreError},
};
use rusqlite::Connection;

use super::{
    fault::{Result, StoreFault},
    job::Tx,
    message_key::{self, FirstKeys, RowKeys},
    recent_keys::RecentKeys,
};
use crate::media::{
    direct::Aligned,
    record::{self, Seal},
};

/// A message to be accepted, with everything done that needs no transaction.
pub(super) struct PreparedMessage {
    id: Id,
    account: AccountName,
    carrier: CarrierId,
    recipient: String,
    transaction_id: String,
    delivery_report: bool,
    work: Work,
    submission: String,
    digest: [u8; 16],
    repeats_since: Option<Timestamp>,
    accepted_at: Timestamp,
    media: Option<StoredMedia>,
    keys: FirstKeys,
}

/// The media of a message, written down as they will be kept.
pub(super) struct StoredMedia {
    crc: u32,
    body: Body,
}

enum Body {
    Inline(Vec<u8>),
    /// A record for a segment.
    Record(Arc<Aligned>),
}

impl PreparedMessage {
    /// Prepares a message; media of up to `inline_max` bytes go into the database.
    pub(super) fn new(message: &NewMessage, inline_max: usize) -> Result<Self, StoreError> {
        let submission = &message.submission;
        let json = serde_json::to_string(submission).map_err(|error| {
            StoreError::Refused(ErrorCause::within("the submission cannot be written", error))
        })?;
        let media = StoredMedia::of(message.id, &message.media, inline_max);
        let (account, recipient) = (message.account.0.as_str(), submission.recipient.as_str());
        let keys = FirstKeys::of(account, &submission.transaction_id, Some(&message.digest.0), recipient);
        Ok(Self {
            id: message.id,
            account: message.account.clone(),
            carrier: message.carrier.clone(),
            recipient: submission.recipient.as_str().to_owned(),
            transaction_id: submission.transaction_id.clone(),
            delivery_report: submission.owes_reports(),
            work: Work::first(message.first_attempt, submission.expiry, message.accepted_at),
            submission: json,
            digest: message.digest.0,
            repeats_since: message.repeats_since,
            accepted_at: message.accepted_at,
            media,
            keys,
        })
    }
}

impl PreparedMessage {
    /// Its MessageID.
    pub(super) const fn id(&self) -> Id {
        self.id
    }
}

impl StoredMedia {
    /// The media of a message; none, if it has none.
    pub(super) fn of(id: Id, parts: &[Bytes], inline_max: usize) -> Option<Self> {
        (!parts.is_empty()).then(|| Self::new(id, parts, inline_max))
    }

    fn new(id: Id, parts: &[Bytes], inline_max: usize) -> Self {
        let seal = Seal::of(id, parts);
        let length: usize = parts.iter().map(Bytes::len).sum();
        let body = if length <= inline_max {
            Body::Inline(parts.concat())
        } else {
            Body::Record(Arc::new(record::write(&seal, parts)))
        };
        Self { crc: seal.crc, body }
    }
}

/// Stores a message, unless it repeats one.
pub(super) fn accept(tx: &mut Tx<'_>, message: &PreparedMessage) -> Result<Acceptance> {
    tx.has_room(Demand::New)?;
    if let Some(since) = message.repeats_since {
        let key = (message.account.0.as_str(), message.transaction_id.as_str(), &message.digest);
        match repeated(tx.connection, tx.recent, key, since)? {
            // An earlier try stored it.
            Some(id) if id == message.id => return Ok(Acceptance::Fresh),
            Some(id) => return Ok(Acceptance::Repeats(id)),
            None => {}
        }
    }
    if let Err(fault) = insert_message(tx, message) {
        return if is_stored(tx, message)? { Ok(Acceptance::Fresh) } else { Err(fault) };
    }
    insert_keys(tx, message)?;
    insert_work(tx, message)?;
    if let Some(media) = &message.media {
        insert_media(tx, message.id, media)?;
    }
    tx.count(|counts| counts.accepted(&message.carrier, &message.account));
    Ok(Acceptance::Fresh)
}

/// Whether it is there under its own id. One that was declined has no digest any more.
fn is_stored(tx: &Tx<'_>, message: &PreparedMessage) -> Result<bool> {
    let stored = "SELECT 1 FROM message
         WHERE id = ? AND account = ? AND transaction_id = ? AND (digest = ? OR digest IS NULL)";
    let values = (message.id.number(), &message.account.0, &message.transaction_id, &message.digest);
    Ok(tx.prepare(stored)?.exists(values)?)
}

/// The message of this account, TransactionID and digest that was accepted at this time or later.
pub(super) fn repeated(
    connection: &Connection,
    recent: Option<&Mutex<RecentKeys>>,
    (account, transaction_id, digest): (&str, &str, &[u8; 16]),
    since: Timestamp,
) -> Result<Option<Id>> {
    let first = Id::first_at(since).number();
    let is_meant = |id: i64| -> Result<Option<Id>> {
        let mut meant = connection.prepare_cached(
            "SELECT 1 FROM message
             WHERE id = ? AND transaction_id = ? AND digest = ? AND account = ? AND accepted_at >= ?",
        )?;
        let meant =
            id >= first && meant.exists((id, transaction_id, digest, account, since.as_millisecond()))?;
        Ok(Id::from_number(id).filter(|_| meant))
    };
    let key = message_key::repetition(account, transaction_id, digest);
    let from = message_key::bucket_at(since);
    let (ids, buckets) = match recent {
        Some(recent) => recent.lock().repeated(key, (from, first)),
        None => {
            let above = "SELECT id FROM message WHERE id > ? AND id >= ? AND transaction_id = ? ORDER BY id";
            let mut above = connection.prepare_cached(above)?;
            let values = (message_key::keyed_to(connection)?, first, transaction_id);
            let ids = above.query_map(values, |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
            (ids, message_key::buckets_from(connection, from)?)
        }
    };
    for bucket in buckets {
        if let Some(found) = message_key::find_oldest(connection, bucket, key, is_meant)? {
            return Ok(Some(found));
        }
    }
    for id in ids {
        if let Some(found) = is_meant(id)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// What it is found by: in memory, where its id is newer than what is in the table.
fn insert_keys(tx: &Tx<'_>, message: &PreparedMessage) -> Result<()> {
    let id = message.id.number();
    if tx.recent.is_some_and(|recent| recent.lock().add(id, message.keys)) {
        return Ok(());
    }
    let keys = RowKeys { id, first: message.keys, learned: None };
    keys.entries().try_for_each(|entry| message_key::insert(tx.connection, entry))
}

fn insert_message(tx: &Tx<'_>, message: &PreparedMessage) -> Result<()> {
    let at = message.accepted_at.as_millisecond();
    tx.execute(
        "INSERT INTO message (id, state, accepted_at, changed_at, delivery_report, account, carrier, recipient,
                              transaction_id, digest, submission, has_media)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            message.id.number(),
            State::FIRST.number(),
            at,
            at,
            message.delivery_report,
            &message.account.0,
            &message.carrier.0,
            &message.recipient,
            &message.transaction_id,
            &message.digest,
            &message.submission,
            message.media.is_some(),
        ),
    )?;
    Ok(())
}

fn insert_work(tx: &Tx<'_>, message: &PreparedMessage) -> Result<()> {
    let work = &message.work;
    tx.execute(
        "INSERT INTO work (id, kind, due, owner, since, unreached, expiry, carrier) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            message.id.number(),
            work.kind.number(),
            work.due.as_millisecond(),
            work.owner.map(|owner| owner.0),
            work.since.as_millisecond(),
            work.unreached,
            work.expiry.as_millisecond(),
            &message.carrier.0,
        ),
    )?;
    Ok(())
}

/// Keeps the media of a message.
pub(super) fn insert_media(tx: &mut Tx<'_>, id: Id, media: &StoredMedia) -> Result<()> {
    let (body, place) = match &media.body {
        Body::Inline(body) => (Some(body), None),
        Body::Record(record) => {
            if let Some(refused) = &tx.media_refused {
                return Err(refused.clone().into());
            }
            let segments = tx.segments.as_mut().ok_or_else(no_segments)?;
            (None, Some(segments.append(record)?))
        }
    };
    tx.execute(
        "INSERT INTO media (id, crc, segment, position, body) VALUES (?, ?, ?, ?, ?)",
        (id.number(), media.crc, place.map(|place| place.segment), place.map(|place| place.position), body),
    )?;
    Ok(())
}

fn no_segments() -> StoreFault {
    StoreError::refused("its media folder is not open").into()
}
