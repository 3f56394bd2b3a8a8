//! Messages, timelines and media, as they are read.

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use posthouse_core::{
    Id,
    account::AccountName,
    carrier::CarrierId,
    life::words,
    message::{EventKind, StoredMessage, TimelineEvent},
    store::{CountBy, MessageCount, MessageFilter, NextStep, StoreError},
};
use tokio_postgres::Row;

use super::{
    at_hand::MediaAtHand,
    fault::BatchResult,
    load,
    reader::ReadPool,
    record::PgRow,
    statements,
    value::{PgValue, values},
};
use crate::{
    media::{
        objects::{bodies::MediaBodies, place::ObjectId},
        record::Seal,
    },
    stored::{DescribedParts, corrupt_media, lengths, split},
};

/// How far the time in an id and the time of acceptance may lie apart: the node that made it was busy, or its clock was
/// set back.
const APART: SignedDuration = SignedDuration::from_secs(10);

/// A message, if it is known.
pub(super) async fn message(readers: &ReadPool, id: Id) -> BatchResult<Option<StoredMessage>, StoreError> {
    let rows = readers.query(&statements::MESSAGE_READ, values![id]).await?;
    Ok(rows.first().map(read).transpose()?)
}

/// A message, from a row with its columns.
pub(super) fn read(row: &Row) -> BatchResult<StoredMessage> {
    let record = PgRow::by_id("message", row)?;
    Ok(StoredMessage {
        id: record.id("id")?,
        account: AccountName(record.value("account")?),
        carrier: CarrierId(record.value("carrier")?),
        submission: record.json("submission")?,
        state: record.state("state")?,
        reason: record.reason("reason")?,
        details: record.value("details")?,
        carrier_message_id: record.value("carrier_message_id")?,
        attempts: record.count("attempts")?,
        accepted_at: record.time("accepted_at")?,
        changed_at: record.time("changed_at")?,
    })
}

/// What is to be done about a message next.
pub(super) async fn next(
    readers: &ReadPool,
    id: Id,
    now: Timestamp,
) -> BatchResult<Option<NextStep>, StoreError> {
    let rows = readers.query(&statements::SUBJECT_READ, values![id]).await?;
    let row = rows.first().map(load::read_life).transpose()?.flatten();
    Ok(row.and_then(|row| row.subject.work).map(|work| work.next(now)))
}

/// A message's timeline: what its row tells, then the events.
pub(super) async fn timeline(
    readers: &ReadPool,
    id: Id,
) -> BatchResult<Option<Vec<TimelineEvent>>, StoreError> {
    let Some(message) = message(readers, id).await? else { return Ok(None) };
    let mut timeline = words::beginning(message.accepted_at, &message.submission.notes);
    for row in &readers.query(&statements::EVENTS_READ, values![id]).await? {
        timeline.push(read_event(id, row)?);
    }
    Ok(Some(timeline))
}

fn read_event(id: Id, row: &Row) -> BatchResult<TimelineEvent> {
    let record = PgRow::new("event", format!("{id}/{}", row.try_get::<_, i64>("number")?), row);
    Ok(TimelineEvent {
        at: record.time("at")?,
        kind: record
            .known("kind", |number: i64| u8::try_from(number).ok().and_then(EventKind::from_number))?,
        detail: record.value("detail")?,
    })
}

/// Messages that match, newest first.
pub(super) async fn messages(
    readers: &ReadPool,
    filter: &MessageFilter,
    limit: usize,
) -> BatchResult<Vec<StoredMessage>, StoreError> {
    let (sql, values) = listing(filter, limit);
    let rows = readers.reader().await?.search(&sql, &values).await?;
    Ok(rows.iter().map(read).collect::<BatchResult<_>>()?)
}

/// How many messages match, by what they are told apart by.
pub(super) async fn count(
    readers: &ReadPool,
    filter: &MessageFilter,
    by: &[CountBy],
    limit: usize,
) -> BatchResult<Vec<MessageCount>, StoreError> {
    let mut by = by.to_vec();
    by.sort_unstable();
    by.dedup();
    let (sql, values) = counting(filter, &by, limit);
    let rows = readers.reader().await?.search(&sql, &values).await?;
    let mut counts = rows.iter().map(|row| read_count(row, &by)).collect::<BatchResult<Vec<_>>>()?;
    counts.retain(|count| count.messages > 0);
    Ok(counts)
}

fn read_count(row: &Row, by: &[CountBy]) -> BatchResult<MessageCount> {
    let record = PgRow::new("message", "counted", row);
    let mut count = MessageCount {
        messages: record.known("messages", |messages: i64| u64::try_from(messages).ok())?,
        ..MessageCount::default()
    };
    for by in by {
        match by {
            CountBy::State => count.state = Some(record.state("state")?),
            CountBy::Carrier => count.carrier = Some(CarrierId(record.value("carrier")?)),
            CountBy::Code => count.code = record.reason("code")?.map(|reason| reason.0),
            CountBy::Account => count.account = Some(AccountName(record.value("account")?)),
        }
    }
    Ok(count)
}

/// The statement that lists what matches: a walk backwards by id, through the partitions of the time that is asked for.
pub(super) fn listing(filter: &MessageFilter, limit: usize) -> (String, Vec<PgValue>) {
    let mut search = Search::of(filter);
    let limit = search.value(limit);
    let sql = format!(
        "SELECT m.id, m.account, m.carrier, m.submission, m.accepted_at, l.* FROM {} ORDER BY {} DESC LIMIT {limit}",
        search.text, search.walked
    );
    (sql, search.values)
}

/// The statement that counts it.
pub(super) fn counting(filter: &MessageFilter, by: &[CountBy], limit: usize) -> (String, Vec<PgValue>) {
    let mut search = Search::of(filter);
    let limit = search.value(limit);
    let columns: String = by.iter().map(|by| format!("{} AS {}, ", column(*by), by.as_str())).collect();
    let names: Vec<&str> = by.iter().map(|by| column(*by)).collect();
    let group = if by.is_empty() { String::new() } else { format!("GROUP BY {}", names.join(", ")) };
    let sql = format!(
        "SELECT {columns}count(*) AS messages FROM {} {group} ORDER BY messages DESC LIMIT {limit}",
        search.text
    );
    (sql, search.values)
}

const fn column(by: CountBy) -> &'static str {
    match by {
        CountBy::State => "l.state",
        CountBy::Carrier => "m.carrier",
        CountBy::Code => "l.reason",
        CountBy::Account => "m.account",
    }
}

/// A message's state and what belongs to that, by `m.id`.
const STANDING: &str = "CROSS JOIN LATERAL (
    SELECT coalesce(w.state, a.state, e.state) AS state, e.reason, e.details,
           coalesce(w.carrier_message_id, a.carrier_message_id, e.carrier_message_id) AS carrier_message_id,
           coalesce(w.attempts, a.attempts, e.attempts) AS attempts,
           coalesce(w.changed_at, a.changed_at, e.at) AS changed_at
    FROM (SELECT 1) one
    LEFT JOIN LATERAL (SELECT * FROM work WHERE work.id = m.id OFFSET 0) w ON true
    LEFT JOIN LATERAL (SELECT * FROM awaiting WHERE awaiting.id = m.id OFFSET 0) a ON true
    LEFT JOIN LATERAL (SELECT * FROM ended WHERE ended.id = m.id OFFSET 0) e ON true OFFSET 0) l";

/// What a filter asks for: from where, under which conditions, and the values in them.
struct Search {
    text: String,
    values: Vec<PgValue>,
    /// The ids along which it walks: in their order nothing has to be sorted, and a page ends the walk.
    walked: &'static str,
}

impl Search {
    fn of(filter: &MessageFilter) -> Self {
        let mut search = Self { text: String::new(), values: Vec::new(), walked: "m.id" };
        match filter.code {
            // What failed is less than all.
            Some(code) => search.failed(filter, code.code()),
            None if filter.is_unended() => search.unended(filter),
            None => search.all(filter),
        }
        let texts = [
            ("account =", filter.account.as_ref().map(|account| account.0.as_str())),
            ("recipient =", filter.recipient.as_deref()),
            ("transaction_id =", filter.transaction_id.as_deref()),
        ];
        for (condition, text) in texts {
            if let Some(text) = text {
                search.and("m", condition, text);
            }
        }
        if let Some(known_as) = &filter.carrier_message_id {
            search.known_as(known_as);
        }
        if !filter.states.is_empty() {
            let states: Vec<String> = filter.states.iter().map(|state| state.number().to_string()).collect();
            search.text.push_str(&format!(" AND l.state IN ({})", states.join(", ")));
        }
        search
    }

    /// The place of a value.
    fn value(&mut self, value: impl Into<PgValue>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }

    fn and(&mut self, table: &str, condition: &str, value: impl Into<PgValue>) {
        let value = self.value(value);
        self.text.push_str(&format!(" AND {table}.{condition} {value}"));
    }

    /// Those that their carrier knows by this MessageID: an index has few of them.
    fn known_as(&mut self, carrier_message_id: &str) {
        let value = self.value(carrier_message_id);
        let of = |table| format!("SELECT id FROM {table} WHERE carrier_message_id = {value}");
        let tables = ["work", "awaiting", "ended"].map(of).join(" UNION ALL ");
        self.text.push_str(&format!(" AND m.id IN ({tables})"));
    }

    /// Messages in a stretch of ids.
    fn all(&mut self, filter: &MessageFilter) {
        self.text = format!("message m {STANDING} WHERE true");
        self.stretch("m", filter);
        self.bounds(filter);
    }

    /// The same of what has not ended, which is in one of two tables and is less than all.
    fn unended(&mut self, filter: &MessageFilter) {
        self.walked = "u.id";
        self.text = "(SELECT u.id FROM (SELECT id FROM work UNION ALL SELECT id FROM awaiting) u WHERE true"
            .to_owned();
        self.stretch("u", filter);
        self.text.push_str(&format!(
            " ORDER BY u.id DESC) u
             CROSS JOIN LATERAL (SELECT * FROM message WHERE message.id = u.id OFFSET 0) m {STANDING} WHERE true"
        ));
        self.bounds(filter);
    }

    /// The stretch of ids in which what was accepted then must lie.
    fn stretch(&mut self, table: &str, filter: &MessageFilter) {
        if let Some(since) = filter.since {
            let first = since.checked_sub(APART).unwrap_or(Timestamp::MIN);
            self.and(table, "id >=", Id::first_at(first));
        }
        if let Some(before) = filter.before {
            self.and(table, "id <", first_beyond(before));
        }
        if let Some(below) = filter.below {
            self.and(table, "id <", below);
        }
        if let Some(above) = filter.above {
            self.and(table, "id >", above);
        }
    }

    /// The exact times, and where it went.
    fn bounds(&mut self, filter: &MessageFilter) {
        if let Some(since) = filter.since {
            self.and("m", "accepted_at >=", since);
        }
        if let Some(before) = filter.before {
            self.and("m", "accepted_at <", before);
        }
        if let Some(carrier) = &filter.carrier {
            self.and("m", "carrier =", carrier);
        }
        if let Some(connection) = &filter.connection {
            let (kind, connection) = (EventKind::Sending.number(), self.value(connection));
            self.text.push_str(&format!(
                " AND EXISTS (SELECT 1 FROM event e WHERE e.message = m.id AND e.kind = {kind} AND e.detail = {connection})"
            ));
        }
    }

    /// The same of failed attempts: when they failed, where, and over which connection. No attempt is before its message.
    fn failed(&mut self, filter: &MessageFilter, code: u16) {
        self.walked = "f.message";
        self.text = "(SELECT DISTINCT f.message FROM failed_attempt f WHERE true".to_owned();
        self.and("f", "code =", code);
        if let Some(since) = filter.since {
            self.and("f", "at >=", since);
        }
        if let Some(before) = filter.before {
            self.and("f", "message <", first_beyond(before));
            self.and("f", "at <", before);
        }
        if let Some(below) = filter.below {
            self.and("f", "message <", below);
        }
        if let Some(above) = filter.above {
            self.and("f", "message >", above);
        }
        if let Some(carrier) = &filter.carrier {
            self.and("f", "carrier =", carrier);
        }
        if let Some(connection) = &filter.connection {
            self.and("f", "connection =", connection);
        }
        self.text.push_str(&format!(
            " ORDER BY f.message DESC) f
             CROSS JOIN LATERAL (SELECT * FROM message WHERE message.id = f.message OFFSET 0) m {STANDING} WHERE true"
        ));
    }
}

/// Where the ids begin of what cannot have been accepted before this time.
fn first_beyond(before: Timestamp) -> Id {
    Id::first_at(before.checked_add(APART).unwrap_or(Timestamp::MAX))
}

/// Lists of each kind, as they are asked for: which, the types of its values, and its text.
#[cfg(feature = "suite")]
pub(super) fn examples() -> Vec<(&'static str, Vec<&'static str>, String)> {
    let any = MessageFilter::default;
    let day =
        MessageFilter { since: Some(Timestamp::UNIX_EPOCH), before: Some(Timestamp::UNIX_EPOCH), ..any() };
    let parked = MessageFilter { states: vec![posthouse_core::life::state::State::Parked], ..any() };
    let all = [
        ("all", any()),
        ("window", day.clone()),
        ("account", MessageFilter { account: Some(AccountName("acme".to_owned())), ..day.clone() }),
        ("parked", parked.clone()),
        ("parked_window", MessageFilter { states: parked.states, ..day.clone() }),
        ("code", MessageFilter { code: Some(mm7::StatusCode::ServiceUnavailable), ..day }),
    ];
    let of = |(name, filter): (&'static str, MessageFilter)| {
        let (sql, values) = listing(&filter, 50);
        let type_of = |value: &PgValue| if matches!(value, PgValue::Text(_)) { "text" } else { "int8" };
        (name, values.iter().map(type_of).collect(), sql)
    };
    all.into_iter().map(of).collect()
}

/// The id of the message that so many are not older than.
pub(super) async fn nth_newest(readers: &ReadPool, messages: u32) -> BatchResult<Option<Id>, StoreError> {
    let Some(passed) = messages.checked_sub(1) else { return Ok(None) };
    let rows = readers.query(&statements::NTH_NEWEST, values![i64::from(passed)]).await?;
    Ok(rows.first().map(|row| PgRow::by_id("message", row)?.id("id")).transpose()?)
}

/// The newest id there is or was.
pub(super) async fn newest_id(readers: &ReadPool) -> BatchResult<Option<Id>, StoreError> {
    let rows = readers.query(&statements::NEWEST_ID, values![]).await?;
    let number: Option<i64> = rows
        .first()
        .map_or(Ok(None), |row| row.try_get("id"))
        .map_err(|error| super::fault::refused(&error))?;
    Ok(number.and_then(Id::from_number))
}

/// Where the media of a message lie, and what they must be.
struct Found {
    seal: Seal,
    lengths: Vec<usize>,
    body: Body,
}

enum Body {
    None,
    Inline(Bytes),
    Object { object: ObjectId, position: u64 },
}

/// The media of a message, one `Bytes` for each part.
pub(super) async fn media(
    readers: &ReadPool,
    bodies: &MediaBodies,
    at_hand: &MediaAtHand,
    id: Id,
) -> BatchResult<Vec<Bytes>, StoreError> {
    if let Some(media) = at_hand.take(id) {
        match media.read(bodies).await {
            // They were put into another object since they were leased.
            Err(StoreError::NotFound(_)) => {}
            read => return read,
        }
    }
    let rows = readers.query(&statements::MEDIA_READ, values![id]).await?;
    let row = rows.first().ok_or(StoreError::NotFound("message"))?;
    let found = read_found(id, row)?;
    let body = match found.body {
        Body::None => Bytes::new(),
        Body::Inline(body) if found.seal.fits(&body) => body,
        Body::Inline(_) => return Err(corrupt_media(id)),
        Body::Object { object, position } => bodies.read(object, position, &found.seal).await?,
    };
    split(body, &found.lengths).ok_or_else(|| corrupt_media(id))
}

fn read_found(id: Id, row: &Row) -> BatchResult<Found> {
    let described: DescribedParts = PgRow::new("message", id, row).json("document")?;
    let record = PgRow::new("media", id, row);
    let lengths =
        lengths(&described.parts).ok_or_else(|| record.corrupt("body", "its parts have no length"))?;
    if !record.value::<bool>("present")? {
        // A message without parts has media: none. Others had some.
        if lengths.is_empty() {
            return Ok(Found { seal: Seal { id, crc: 0, length: 0 }, lengths, body: Body::None });
        }
        return Err(StoreError::NotFound("media").into());
    }
    let length = lengths.iter().map(|length| *length as u64).sum();
    let body = match record.value::<Option<i64>>("object")? {
        Some(_) => Body::Object {
            object: ObjectId(record.id("object")?),
            position: record.known("position", |position: i64| u64::try_from(position).ok())?,
        },
        None => Body::Inline(Bytes::copy_from_slice(record.value("body")?)),
    };
    let crc = record.known("crc", |crc: i64| u32::try_from(crc).ok())?;
    Ok(Found { seal: Seal { id, crc, length }, lengths, body })
}
