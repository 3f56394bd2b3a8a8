//! Messages, timelines and media, as they are read.

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use posthouse_core::{
    Id,
    account::AccountName,
    carrier::CarrierId,
    life::words,
    message::{EventKind, StoredMessage, StoredPart, TimelineEvent},
    store::{MessageFilter, NextStep, StoreError},
};
use rusqlite::{Connection, Row, ToSql, types::ValueRef};

use super::{
    fault::Result,
    load,
    record::{Record, corrupt},
};
use crate::media::{
    folder::Folder,
    record::{self, Seal},
};

/// How far the time in an id and the time of acceptance may lie apart: the node that made it was busy, or its clock was
/// set back.
const APART: SignedDuration = SignedDuration::from_secs(10);

const COLUMNS: &str = "id, account, carrier, submission, state, reason, carrier_message_id, attempts, accepted_at, \
                       changed_at";

/// A message, if it is known.
pub(super) fn message(connection: &Connection, id: Id) -> Result<Option<StoredMessage>> {
    let mut statement = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM message WHERE id = ?"))?;
    let mut rows = statement.query([id.number()])?;
    rows.next()?.map(read).transpose()
}

fn read(row: &Row<'_>) -> Result<StoredMessage> {
    let record = Record::by_id("message", row)?;
    Ok(StoredMessage {
        id: record.id("id")?,
        account: AccountName(record.value("account")?),
        carrier: CarrierId(record.value("carrier")?),
        submission: record.json("submission")?,
        state: record.state("state")?,
        reason: record.reason("reason")?,
        carrier_message_id: record.value("carrier_message_id")?,
        attempts: record.value("attempts")?,
        accepted_at: record.time("accepted_at")?,
        changed_at: record.time("changed_at")?,
    })
}

/// What is to be done about a message next.
pub(super) fn next(connection: &Connection, id: Id, now: Timestamp) -> Result<Option<NextStep>> {
    let work = load::subject(connection, id)?.and_then(|subject| subject.work);
    Ok(work.map(|work| work.next(now)))
}

/// A message's timeline: what its row tells, then the events.
pub(super) fn timeline(connection: &Connection, id: Id) -> Result<Option<Vec<TimelineEvent>>> {
    let Some(message) = message(connection, id)? else {
        return Ok(None);
    };
    let mut timeline = words::beginning(message.accepted_at, &message.submission.notes);
    let mut statement = connection
        .prepare_cached("SELECT number, at, kind, detail FROM event WHERE message = ? ORDER BY number")?;
    let mut rows = statement.query([id.number()])?;
    while let Some(row) = rows.next()? {
        let record = Record::new("event", format!("{id}/{}", row.get::<_, i64>("number")?), row);
        timeline.push(TimelineEvent {
            at: record.time("at")?,
            kind: record.known("kind", EventKind::from_number)?,
            detail: record.value("detail")?,
        });
    }
    Ok(Some(timeline))
}

/// A condition and its value.
type Condition = (&'static str, Box<dyn ToSql>);

/// Messages that match, newest first.
pub(super) fn messages(
    connection: &Connection,
    filter: &MessageFilter,
    limit: usize,
) -> Result<Vec<StoredMessage>> {
    let mut conditions = bounds(filter);
    conditions.extend(names(filter));
    let mut sql = format!("SELECT {COLUMNS} FROM message WHERE true");
    for (condition, _) in &conditions {
        sql.push_str(" AND ");
        sql.push_str(condition);
    }
    if !filter.states.is_empty() {
        let states: Vec<String> = filter.states.iter().map(|state| state.number().to_string()).collect();
        // `+` keeps the index on unanswered messages out: the walk goes by id.
        sql.push_str(&format!(" AND +state IN ({})", states.join(", ")));
    }
    sql.push_str(" ORDER BY id DESC LIMIT ?");
    let mut values: Vec<Box<dyn ToSql>> = conditions.into_iter().map(|(_, value)| value).collect();
    values.push(Box::new(i64::try_from(limit).unwrap_or(i64::MAX)));
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(rusqlite::params_from_iter(values))?;
    let mut messages = Vec::new();
    while let Some(row) = rows.next()? {
        messages.push(read(row)?);
    }
    Ok(messages)
}

/// The stretch of ids to be walked, and the exact times within it.
fn bounds(filter: &MessageFilter) -> Vec<Condition> {
    let mut bounds: Vec<Condition> = Vec::new();
    if let Some(since) = filter.since {
        let first = since.checked_sub(APART).unwrap_or(Timestamp::MIN);
        bounds.push(("id >= ?", Box::new(Id::first_at(first).number())));
        bounds.push(("accepted_at >= ?", Box::new(since.as_millisecond())));
    }
    if let Some(before) = filter.before {
        let last = before.checked_add(APART).unwrap_or(Timestamp::MAX);
        bounds.push(("id < ?", Box::new(Id::first_at(last).number())));
        bounds.push(("accepted_at < ?", Box::new(before.as_millisecond())));
    }
    if let Some(below) = filter.below {
        bounds.push(("id < ?", Box::new(below.number())));
    }
    bounds
}

fn names(filter: &MessageFilter) -> Vec<Condition> {
    let account = filter.account.clone().map(|account| account.0);
    let carrier = filter.carrier.clone().map(|carrier| carrier.0);
    let texts = [
        ("account = ?", account),
        ("carrier = ?", carrier),
        ("recipient = ?", filter.recipient.clone()),
        ("transaction_id = ?", filter.transaction_id.clone()),
    ];
    let mut names: Vec<Condition> = Vec::new();
    for (condition, value) in texts {
        if let Some(value) = value {
            names.push((condition, Box::new(value)));
        }
    }
    names
}

/// The newest id there is or was.
pub(super) fn newest_id(connection: &Connection) -> Result<Option<Id>> {
    let number: i64 = connection
        .prepare_cached(
            "SELECT max(value, coalesce((SELECT max(id) FROM message), -1), coalesce((SELECT max(id) FROM mo), -1))
             FROM meta WHERE name = 'newest_id'",
        )?
        .query_row([], |row| row.get(0))?;
    Ok(Id::from_number(number))
}

/// Where the media of a message lie, and what they must be.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    seal: Seal,
    lengths: Vec<usize>,
    body: Body,
}

#[derive(Debug, PartialEq, Eq)]
enum Body {
    None,
    Inline(Vec<u8>),
    Segment { id: i64, position: u64 },
}

/// Looks up the media of a message.
pub(super) fn find_media(connection: &Connection, id: Id) -> Result<Found> {
    let mut statement = connection.prepare_cached(
        "SELECT g.document, m.crc, m.segment, m.position, m.body, m.id IS NOT NULL AS present
         FROM (SELECT id, submission AS document FROM message WHERE id = ?1
               UNION ALL SELECT id, document FROM mo WHERE id = ?1) g LEFT JOIN media m USING (id)",
    )?;
    let mut rows = statement.query([id.number()])?;
    let Some(row) = rows.next()? else {
        return Err(StoreError::NotFound("message").into());
    };
    let described: Described = Record::new("message", id, row).json("document")?;
    let record = Record::new("media", id, row);
    let lengths =
        lengths(&described.parts).ok_or_else(|| record.corrupt("body", "its parts have no length"))?;
    if !record.value::<bool>("present")? {
        return absent(id, lengths);
    }
    let length = lengths.iter().map(|length| *length as u64).sum();
    let body = match record.value::<Option<i64>>("segment")? {
        Some(segment) => Body::Segment {
            id: segment,
            position: record.known("position", |position: i64| u64::try_from(position).ok())?,
        },
        None => Body::Inline(record.value("body")?),
    };
    Ok(Found { seal: Seal { id, crc: record.value("crc")?, length }, lengths, body })
}

/// What a submission and a message from a handset have in common.
#[derive(serde::Deserialize)]
struct Described {
    parts: Vec<StoredPart>,
}

/// How long each part is; `None` when they cannot be, each or together.
fn lengths(parts: &[StoredPart]) -> Option<Vec<usize>> {
    parts.iter().try_fold(0_u64, |sum, part| sum.checked_add(part.bytes))?;
    parts.iter().map(|part| usize::try_from(part.bytes).ok()).collect()
}

/// A message without parts has media: none. Others had some.
fn absent(id: Id, lengths: Vec<usize>) -> Result<Found> {
    if lengths.is_empty() {
        return Ok(Found { seal: Seal { id, crc: 0, length: 0 }, lengths, body: Body::None });
    }
    Err(StoreError::NotFound("media").into())
}

/// Reads the media that were found, one `Bytes` for each part. `None` when they are not what they must be.
pub(super) fn read_media(found: &Found, folder: &Folder) -> Result<Option<Vec<Bytes>>> {
    let body = match &found.body {
        Body::None => Some(Vec::new()),
        Body::Inline(body) => found.seal.fits(body).then(|| body.clone()),
        Body::Segment { id, position } => read_segment(folder, *id, *position, &found.seal)?,
    };
    Ok(body.and_then(|body| split(Bytes::from(body), &found.lengths)))
}

/// The media of a message with these parts, one `Bytes` for each, from a row with the columns `crc` and `body` of the table `media`,
/// if they stand there. Those in a segment do not, and what is not as it must be is reported by whoever reads the segment.
pub(super) fn inline_media(row: &Row<'_>, id: Id, parts: &[StoredPart]) -> Result<Option<Vec<Bytes>>> {
    if parts.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let (ValueRef::Blob(body), ValueRef::Integer(crc)) = (row.get_ref("body")?, row.get_ref("crc")?) else {
        return Ok(None);
    };
    let (Ok(crc), Some(lengths)) = (u32::try_from(crc), lengths(parts)) else { return Ok(None) };
    let seal = Seal { id, crc, length: lengths.iter().map(|length| *length as u64).sum() };
    if !seal.fits(body) {
        return Ok(None);
    }
    Ok(split(Bytes::copy_from_slice(body), &lengths))
}

fn read_segment(folder: &Folder, id: i64, position: u64, seal: &Seal) -> Result<Option<Vec<u8>>> {
    match folder.read(id) {
        Ok(file) => Ok(record::read(&file, position, seal)?),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn split(mut body: Bytes, lengths: &[usize]) -> Option<Vec<Bytes>> {
    let mut parts = Vec::with_capacity(lengths.len());
    for length in lengths {
        if *length > body.len() {
            return None;
        }
        parts.push(body.split_to(*length));
    }
    body.is_empty().then_some(parts)
}

/// What media that are not what they must be are reported as.
pub(super) fn corrupt_media(id: Id) -> StoreError {
    corrupt("media", "body", id, "its checksum does not match")
}
