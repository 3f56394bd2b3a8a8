//! Messages, timelines and media, as they are read.

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use mm7::StatusCode;
use posthouse_core::{
    Id,
    account::AccountName,
    carrier::CarrierId,
    life::words,
    message::{EventKind, StoredMessage, StoredPart, TimelineEvent},
    store::{CountBy, MessageCount, MessageFilter, NextStep, StoreError},
};
use rusqlite::{Connection, Row, ToSql, types::ValueRef};

use super::{
    fault::Result,
    load,
    message_key::{self, MessageKeyKind},
    record::Record,
};
use crate::{
    media::{
        folder::Folder,
        record::{self, Seal},
    },
    stored::{DescribedParts, lengths, split},
};

/// How far the time in an id and the time of acceptance may lie apart: the node that made it was busy, or its clock was
/// set back.
const APART: SignedDuration = SignedDuration::from_secs(10);

const COLUMNS: &str = "id, account, carrier, submission, state, reason, details, carrier_message_id, attempts, accepted_at, \
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
        details: record.value("details")?,
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

/// What a query asks for: its text, and the values in it.
#[derive(Default)]
struct Query {
    from: &'static str,
    conditions: Vec<&'static str>,
    values: Vec<Box<dyn ToSql>>,
    states: String,
}

impl Query {
    fn and(&mut self, condition: &'static str, value: impl ToSql + 'static) {
        self.conditions.push(condition);
        self.values.push(Box::new(value));
    }

    fn text(&self, select: &str, rest: &str) -> String {
        let Self { from, conditions, states, .. } = self;
        let conditions = conditions.iter().fold(String::new(), |all, one| format!("{all} AND {one}"));
        format!("SELECT {select} FROM {from} WHERE true{conditions}{states} {rest}")
    }

    fn values(&self) -> impl Iterator<Item = &dyn ToSql> {
        self.values.iter().map(|value| &**value)
    }
}

/// Those that are not in `message_key` yet, and those under this key there. The walk is not to go by the bounds of ids.
fn all_by_key(filter: &MessageFilter, key: i64, keyed_to: i64) -> Query {
    let (first, last) = ids(filter);
    let mut all = Query { from: "message m", ..Query::default() };
    all.and(BY_KEY, keyed_to.max(first.saturating_sub(1)));
    all.values.push(Box::new(key));
    all.and("+m.id >= ?", first);
    all.and("+m.id <= ?", last);
    restrict(&mut all, filter);
    all
}

/// In any of the buckets that there are.
const BY_KEY: &str = "(m.id > ? OR m.id IN (
    WITH RECURSIVE b (bucket) AS (
        SELECT max(bucket) FROM message_key
        UNION ALL SELECT (SELECT max(o.bucket) FROM message_key o WHERE o.bucket < b.bucket) FROM b WHERE b.bucket IS NOT NULL)
    SELECT k.message FROM b CROSS JOIN message_key k ON k.bucket = b.bucket AND k.key = ?))";

/// Messages that match, newest first.
pub(super) fn messages(
    connection: &Connection,
    filter: &MessageFilter,
    limit: usize,
) -> Result<Vec<StoredMessage>> {
    let mut messages = Vec::new();
    let Some(key) = found_by(filter) else {
        list(connection, &query(filter), listing(filter), limit, &mut messages)?;
        return Ok(messages);
    };
    let keyed_to = message_key::keyed_to(connection)?;
    let (first, last) = ids(filter);
    list(
        connection,
        &recent(filter, (first.max(keyed_to.saturating_add(1)), last)),
        LISTED,
        limit,
        &mut messages,
    )?;
    let last = last.min(keyed_to);
    let mut below = message_key::bucket_of(last).saturating_add(1);
    while let Some(bucket) = message_key::bucket_below(connection, below)? {
        if messages.len() >= limit || bucket < message_key::bucket_of(first) {
            break;
        }
        let keyed = keyed(filter, (bucket, key), (first, last));
        list(connection, &keyed, LISTED_BY_KEY, limit, &mut messages)?;
        below = bucket;
    }
    Ok(messages)
}

/// The messages that match a query, up to as many as there may be in all.
fn list(
    connection: &Connection,
    query: &Query,
    order: &str,
    limit: usize,
    messages: &mut Vec<StoredMessage>,
) -> Result<()> {
    let left = i64::try_from(limit.saturating_sub(messages.len())).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(&query.text(&columns(), order))?;
    let mut rows = statement
        .query(rusqlite::params_from_iter(query.values().chain(std::iter::once(&left as &dyn ToSql))))?;
    while let Some(row) = rows.next()? {
        messages.push(read(row)?);
    }
    Ok(())
}

/// What a filter's messages are found by in `message_key`: what there are fewest of.
fn found_by(filter: &MessageFilter) -> Option<i64> {
    if filter.code.is_some() {
        return None;
    }
    let by = [
        (MessageKeyKind::CarrierMessageId, &filter.carrier_message_id),
        (MessageKeyKind::TransactionId, &filter.transaction_id),
        (MessageKeyKind::Recipient, &filter.recipient),
    ];
    by.into_iter().find_map(|(kind, text)| Some(message_key::key(kind, &[text.as_ref()?.as_bytes()])))
}

/// The ids that a filter's messages may have, from the first to the last.
fn ids(filter: &MessageFilter) -> (i64, i64) {
    let above = filter.above.map_or(0, |id| id.number().saturating_add(1));
    let first = filter.since.map_or(0, first_since).max(above);
    let before = filter.before.map_or(i64::MAX, first_beyond);
    let below = filter.below.map_or(i64::MAX, Id::number);
    (first, before.min(below).saturating_sub(1))
}

/// Those that are not in `message_key` yet, between these ids. One bound at each end: a second one would not be seen by the walk.
fn recent(filter: &MessageFilter, (first, last): (i64, i64)) -> Query {
    let mut recent = Query { from: "message m", ..Query::default() };
    recent.and("m.id >= ?", first);
    recent.and("m.id <= ?", last);
    restrict(&mut recent, filter);
    recent
}

/// Those under a key in a bucket, between these ids.
fn keyed(filter: &MessageFilter, (bucket, key): (i64, i64), (first, last): (i64, i64)) -> Query {
    let mut keyed =
        Query { from: "message_key k CROSS JOIN message m ON m.id = k.message", ..Query::default() };
    keyed.and("k.bucket = ?", bucket);
    keyed.and("k.key = ?", key);
    keyed.and("k.message >= ?", first);
    keyed.and("k.message <= ?", last);
    restrict(&mut keyed, filter);
    keyed
}

/// How messages are listed: an index is walked backwards, and no more than a row is held in memory.
const LISTED: &str = "ORDER BY m.id DESC LIMIT ?";
const LISTED_BY_KEY: &str = "ORDER BY k.message DESC LIMIT ?";
/// Of a message several attempts may have failed in the same way.
const LISTED_BY_CODE: &str = "GROUP BY f.message ORDER BY f.message DESC LIMIT ?";

/// What has not ended is a small part of all: it has work, and nothing else has.
const LISTED_BY_WORK: &str = "ORDER BY w.id DESC LIMIT ?";

fn listing(filter: &MessageFilter) -> &'static str {
    match filter.code {
        Some(_) => LISTED_BY_CODE,
        None if filter.is_unended() => LISTED_BY_WORK,
        None => LISTED,
    }
}

fn columns() -> String {
    let columns: Vec<String> = COLUMNS.split(", ").map(|column| format!("m.{}", column.trim())).collect();
    columns.join(", ")
}

/// How many messages match, by what they are told apart by.
pub(super) fn count(
    connection: &Connection,
    filter: &MessageFilter,
    by: &[CountBy],
    limit: usize,
) -> Result<Vec<MessageCount>> {
    let query = match found_by(filter) {
        Some(key) => all_by_key(filter, key, message_key::keyed_to(connection)?),
        None => query(filter),
    };
    let mut by = by.to_vec();
    by.sort_unstable();
    by.dedup();
    let columns: String = by.iter().map(|by| format!("{} AS {}, ", column(*by), by.as_str())).collect();
    let messages = if filter.code.is_some() { "count(DISTINCT m.id)" } else { "count(*)" };
    let group = match by.as_slice() {
        [] => String::new(),
        by => format!("GROUP BY {}", by.iter().map(|by| column(*by)).collect::<Vec<_>>().join(", ")),
    };
    let rest = format!("{group} ORDER BY messages DESC LIMIT ?");
    let mut statement =
        connection.prepare_cached(&query.text(&format!("{columns}{messages} AS messages"), &rest))?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows = statement
        .query(rusqlite::params_from_iter(query.values().chain(std::iter::once(&limit as &dyn ToSql))))?;
    let mut counts = Vec::new();
    while let Some(row) = rows.next()? {
        counts.push(read_count(row, &by)?);
    }
    counts.retain(|count: &MessageCount| count.messages > 0);
    Ok(counts)
}

const fn column(by: CountBy) -> &'static str {
    match by {
        CountBy::State => "m.state",
        CountBy::Carrier => "m.carrier",
        CountBy::Code => "m.reason",
        CountBy::Account => "m.account",
    }
}

fn read_count(row: &Row<'_>, by: &[CountBy]) -> Result<MessageCount> {
    let record = Record::new("message", "counted", row);
    let mut count = MessageCount {
        messages: record.known("messages", |messages: i64| u64::try_from(messages).ok())?,
        ..MessageCount::default()
    };
    for by in by {
        match by {
            CountBy::State => count.state = Some(record.state("state")?),
            CountBy::Carrier => count.carrier = Some(CarrierId(record.value("carrier")?)),
            CountBy::Code => {
                let code: Option<u32> = record.value("code")?;
                count.code = code.and_then(StatusCode::from_code);
            }
            CountBy::Account => count.account = Some(AccountName(record.value("account")?)),
        }
    }
    Ok(count)
}

/// A filter as the conditions of a query on `message m`; with a code, by way of `failed_attempt f`.
fn query(filter: &MessageFilter) -> Query {
    let mut query = Query::default();
    match filter.code {
        Some(code) => {
            // In this order: what failed is less than all.
            query.from = "failed_attempt f CROSS JOIN message m ON m.id = f.message";
            query.and("f.code = ?", code.code());
            failed_bounds(&mut query, filter);
        }
        None if filter.is_unended() => {
            query.from = "work w CROSS JOIN message m ON m.id = w.id";
            walked(&mut query, filter, ["w.id >= ?", "w.id <= ?"]);
            restrict(&mut query, filter);
            return query;
        }
        None => {
            query.from = "message m";
            walked(&mut query, filter, ["m.id >= ?", "m.id <= ?"]);
            restrict(&mut query, filter);
            return query;
        }
    }
    names(&mut query, filter);
    states(&mut query, filter);
    query
}

/// All that a filter asks of `message m`, but for the stretch of ids.
fn restrict(query: &mut Query, filter: &MessageFilter) {
    bounds(query, filter);
    names(query, filter);
    states(query, filter);
}

fn states(query: &mut Query, filter: &MessageFilter) {
    if !filter.states.is_empty() {
        let states: Vec<String> = filter.states.iter().map(|state| state.number().to_string()).collect();
        // `+` keeps the index on unanswered messages out: the walk goes by id.
        query.states = format!(" AND +m.state IN ({})", states.join(", "));
    }
}

/// The stretch of ids to be walked.
fn walked(query: &mut Query, filter: &MessageFilter, [from, to]: [&'static str; 2]) {
    let (first, last) = ids(filter);
    if filter.since.is_some() || filter.above.is_some() {
        query.and(from, first);
    }
    if filter.before.is_some() || filter.below.is_some() {
        query.and(to, last);
    }
}

/// The exact times, and where it went.
fn bounds(query: &mut Query, filter: &MessageFilter) {
    if let Some(since) = filter.since {
        query.and("m.accepted_at >= ?", since.as_millisecond());
    }
    if let Some(before) = filter.before {
        query.and("m.accepted_at < ?", before.as_millisecond());
    }
    if let Some(carrier) = &filter.carrier {
        query.and("m.carrier = ?", carrier.0.clone());
    }
    if let Some(connection) = &filter.connection {
        query.and(
            concat!(
                "EXISTS (SELECT 1 FROM event e WHERE e.message = m.id AND e.kind = ",
                2,
                " AND e.detail = ?)"
            ),
            connection.clone(),
        );
    }
}

/// The same of failed attempts: when they failed, where, and over which connection. No attempt is before its message.
fn failed_bounds(query: &mut Query, filter: &MessageFilter) {
    if let Some(since) = filter.since {
        query.and("f.at >= ?", since.as_millisecond());
    }
    if let Some(before) = filter.before {
        query.and("f.message < ?", first_beyond(before));
        query.and("f.at < ?", before.as_millisecond());
    }
    if let Some(below) = filter.below {
        query.and("f.message < ?", below.number());
    }
    if let Some(above) = filter.above {
        query.and("f.message > ?", above.number());
    }
    if let Some(carrier) = &filter.carrier {
        query.and("f.carrier = ?", carrier.0.clone());
    }
    if let Some(connection) = &filter.connection {
        query.and("f.connection = ?", connection.clone());
    }
}

/// Where the ids begin of what may have been accepted since this time.
pub(super) fn first_since(since: Timestamp) -> i64 {
    Id::first_at(since.checked_sub(APART).unwrap_or(Timestamp::MIN)).number()
}

/// Where the ids begin of what cannot have been accepted before this time.
pub(super) fn first_beyond(before: Timestamp) -> i64 {
    Id::first_at(before.checked_add(APART).unwrap_or(Timestamp::MAX)).number()
}

fn names(query: &mut Query, filter: &MessageFilter) {
    let account = filter.account.clone().map(|account| account.0);
    let texts = [
        ("m.account = ?", account),
        ("m.recipient = ?", filter.recipient.clone()),
        ("m.transaction_id = ?", filter.transaction_id.clone()),
        ("m.carrier_message_id = ?", filter.carrier_message_id.clone()),
    ];
    for (condition, value) in texts {
        if let Some(value) = value {
            query.and(condition, value);
        }
    }
}

/// The id of the message that so many are not older than; their rows are passed over and not read.
pub(super) fn nth_newest(connection: &Connection, messages: u32) -> Result<Option<Id>> {
    let Some(passed) = messages.checked_sub(1) else { return Ok(None) };
    let mut statement = connection.prepare_cached(NTH_NEWEST)?;
    let mut rows = statement.query([passed])?;
    rows.next()?.map(|row| Record::by_id("message", row)?.id("id")).transpose()
}

const NTH_NEWEST: &str = "SELECT m.id FROM message m ORDER BY m.id DESC LIMIT 1 OFFSET ?";

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
    Inline(Bytes),
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
    let described: DescribedParts = Record::new("message", id, row).json("document")?;
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
        None => Body::Inline(record.value::<Vec<u8>>("body")?.into()),
    };
    Ok(Found { seal: Seal { id, crc: record.value("crc")?, length }, lengths, body })
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
        Body::None => Some(Bytes::new()),
        Body::Inline(body) => found.seal.fits(body).then(|| Bytes::clone(body)),
        Body::Segment { id, position } => read_segment(folder, *id, *position, &found.seal)?,
    };
    Ok(body.and_then(|body| split(body, &found.lengths)))
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

fn read_segment(folder: &Folder, id: i64, position: u64, seal: &Seal) -> Result<Option<Bytes>> {
    match folder.read(id) {
        Ok(file) => Ok(record::read(&file, position, seal)?),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The steps by which SQLite would carry out a query.
#[cfg(test)]
pub(super) fn plan(connection: &Connection, sql: &str) -> Vec<String> {
    let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    statement.raw_query().mapped(|row| row.get(3)).collect::<rusqlite::Result<_>>().unwrap()
}

#[cfg(test)]
mod tests {
    use posthouse_core::life::state::{State, Terminal};

    use super::*;
    use crate::{sqlite::schema, suite::bed::at};

    /// Each walks an index from its end: none sorts, or reads what it does not have to.
    #[test]
    fn lists_are_walked_and_not_sorted() {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::migrate(&mut connection).unwrap();
        let any = MessageFilter::default();
        let window = MessageFilter { since: Some(at(0)), before: Some(at(9)), ..any.clone() };
        let code = Some(StatusCode::ServiceUnavailable);
        let carrier = Some(CarrierId("31003".into()));
        let parked = MessageFilter { states: vec![State::Parked], carrier: carrier.clone(), ..any.clone() };
        let parked_then = MessageFilter { since: Some(at(0)), before: Some(at(9)), ..parked.clone() };
        let ended = State::Ended(Terminal::Expired);
        let expired = MessageFilter { states: vec![State::Parked, ended], ..parked.clone() };
        let recipient = MessageFilter { recipient: Some("1".into()), ..any };
        let coded = MessageFilter { code, carrier, connection: Some("east".into()), ..window.clone() };
        for (query, order, walk) in [
            (query(&window), LISTED, "SEARCH m USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"),
            (query(&parked), listing(&parked), "SCAN w"),
            (
                query(&parked_then),
                listing(&parked_then),
                "SEARCH w USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
            ),
            (query(&expired), listing(&expired), "SCAN m"),
            (recent(&recipient, (7, 9)), LISTED, "SEARCH m USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"),
            (
                keyed(&recipient, (1, 2), (3, 4)),
                LISTED_BY_KEY,
                "SEARCH k USING PRIMARY KEY (bucket=? AND key=? AND message>? AND message<?)",
            ),
            (
                query(&coded),
                LISTED_BY_CODE,
                "SEARCH f USING COVERING INDEX failed_attempt_code (code=? AND message<?)",
            ),
        ] {
            let plan = plan(&connection, &query.text(&columns(), order));
            assert_eq!(plan[0], walk, "{plan:?}");
            assert!(!plan.iter().any(|step| step.contains("TEMP B-TREE")), "{plan:?}");
        }
        // What is counted by a key is not looked for in all messages.
        let counted = all_by_key(&MessageFilter { recipient: recipient.recipient, ..window }, 2, 7);
        let plan = plan(&connection, &counted.text("count(*)", ""));
        assert!(plan.iter().any(|step| step == "MULTI-INDEX OR"), "{plan:?}");
        assert!(!plan.iter().any(|step| step.starts_with("SCAN m")), "{plan:?}");
    }

    #[test]
    fn the_kind_of_a_begun_attempt_is_its_number() {
        assert_eq!(EventKind::Sending.number(), 2);
    }
}
