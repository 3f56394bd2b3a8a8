//! What the rules of a message's life have to know ([`posthouse_core::life`]), read within the transaction that writes what follows.

use std::collections::BTreeMap;

use jiff::Timestamp;
use posthouse_core::{
    Id,
    account::AccountName,
    address::Msisdn,
    bounds,
    carrier::CarrierId,
    life::{
        callback::OwedCallback,
        load::{
            LOOKED_AT, LoadMore, Loaded, Needs, Neighbour, Numbered, Subject, Waiting, Work, WorkKind,
            may_be_about,
        },
        read_reply::{CarrierReadReply, ReadStatus},
    },
    message::{CarrierReport, EventKind},
    store::Owner,
};
use rusqlite::{Connection, Params, Row};

use super::{
    fault::{Result, StoreFault},
    job::Tx,
    message_key::{self, LearnedKeys},
    record::{Record, corrupt, time},
};

/// Whether a callback is owed about the message `m`.
macro_rules! owes {
    () => {
        "EXISTS (SELECT 1 FROM callback c WHERE c.message = m.id AND c.failed = 0)"
    };
}

/// The columns of a [`Subject`], from `message m` and the work on it.
macro_rules! subject {
    ($owes:expr, $more:literal, $which:literal) => {
        concat!(
            "SELECT m.id, m.state, m.account, m.carrier, m.recipient, m.delivery_report, m.carrier_message_id,
                    m.report_until, w.kind, w.due, w.owner, w.since, w.unreached, w.expiry, ",
            $owes,
            " AS owes",
            $more,
            " FROM message m LEFT JOIN work w ON w.id = m.id WHERE ",
            $which
        )
    };
}

const BY_ID: &str = subject!(owes!(), "", "m.id = ?");
/// For what makes nothing owed.
const BY_ID_ONLY: &str = subject!("0", "", "m.id = ?");
const BY_CARRIERS_ID: &str = subject!(owes!(), "", "m.id = ? AND m.carrier_message_id = ? AND m.carrier = ?");
/// With what the VASP was told of read replies.
const BY_CARRIERS_ID_AND_TOLD: &str = subject!(
    owes!(),
    ", (SELECT group_concat(r.status) FROM read_reply r WHERE r.message = m.id) AS told",
    "m.id = ? AND m.carrier_message_id = ? AND m.carrier = ?"
);
/// The newest message with it that is not in `message_key`.
const RECENT_BY_CARRIERS_ID: &str = "SELECT id FROM message
    WHERE id > ? AND carrier_message_id = ? AND carrier = ? ORDER BY id DESC LIMIT 1";
/// What [`is_unanswered`](posthouse_core::life::report::is_unanswered) may say of messages to one recipient, in the words of the indices.
const UNANSWERED: &str = concat!(
    subject!(
        owes!(),
        ", m.submission ->> '$.sender' AS sender",
        "m.recipient = ?1 AND m.state BETWEEN 1 AND 4 AND m.carrier = ?2 AND m.carrier_message_id IS NULL"
    ),
    " UNION ALL ",
    subject!(
        owes!(),
        ", m.submission ->> '$.sender' AS sender",
        "m.recipient = ?1 AND m.state = 0 AND m.report_until IS NOT NULL AND m.carrier = ?2
         AND m.carrier_message_id IS NULL LIMIT ?3"
    )
);

/// The message with this id, if it is known.
pub(super) fn subject(connection: &Connection, id: Id) -> Result<Option<Subject>> {
    find(connection, BY_ID, [id.number()])
}

/// The same for an attempt that begins: whether anything is owed is not looked up.
pub(super) fn subject_to_begin(connection: &Connection, id: Id) -> Result<Option<Subject>> {
    find(connection, BY_ID_ONLY, [id.number()])
}

/// The newest message of the carrier with this MessageID: carriers that begin anew use old ones again.
pub(super) fn subject_by_carriers_id(
    tx: &Tx<'_>,
    carrier: &CarrierId,
    carrier_message_id: &str,
) -> Result<Option<Subject>> {
    by_carriers_id(tx, carrier, carrier_message_id, |id| {
        find(tx.connection, BY_CARRIERS_ID, (id, carrier_message_id, carrier.as_str()))
    })
}

/// Looks at what may be the newest message of the carrier with this MessageID: recent ones first, then older ones.
fn by_carriers_id<T>(
    tx: &Tx<'_>,
    carrier: &CarrierId,
    carrier_message_id: &str,
    mut look: impl FnMut(i64) -> Result<Option<T>>,
) -> Result<Option<T>> {
    let key = LearnedKeys::of(carrier.as_str(), carrier_message_id).of_carrier;
    let recent = match tx.recent {
        Some(recent) => recent.lock().of_carrier(key),
        None => {
            let mut above = tx.prepare(RECENT_BY_CARRIERS_ID)?;
            let values = (message_key::keyed_to(tx.connection)?, carrier_message_id, carrier.as_str());
            above.query_map(values, |row| row.get(0))?.collect::<rusqlite::Result<Vec<i64>>>()?
        }
    };
    for id in recent {
        if let Some(found) = look(id)? {
            return Ok(Some(found));
        }
    }
    let mut bucket = i64::MAX;
    loop {
        let below = match tx.recent {
            Some(recent) => recent.lock().bucket_below(bucket),
            None => message_key::bucket_below(tx.connection, bucket)?,
        };
        let Some(below) = below else { return Ok(None) };
        if let Some(found) = message_key::find_newest(tx.connection, below, key, &mut look)? {
            return Ok(Some(found));
        }
        bucket = below;
    }
}

fn find(connection: &Connection, query: &str, values: impl Params) -> Result<Option<Subject>> {
    let mut statement = connection.prepare_cached(query)?;
    let mut rows = statement.query(values)?;
    rows.next()?.map(read_subject).transpose()
}

fn read_subject(row: &Row<'_>) -> Result<Subject> {
    let record = Record::by_id("message", row)?;
    let id = record.id("id")?;
    Ok(Subject {
        id,
        state: record.state("state")?,
        account: AccountName(record.value("account")?),
        carrier: CarrierId(record.value("carrier")?),
        recipient: record.value("recipient")?,
        delivery_report: record.value("delivery_report")?,
        carrier_message_id: record.value("carrier_message_id")?,
        report_until: record.value::<Option<i64>>("report_until")?.map(time),
        work: if record.has("kind")? { Some(read_work(id, row)?) } else { None },
        owes: record.value("owes")?,
    })
}

fn read_work(id: Id, row: &Row<'_>) -> Result<Work> {
    let record = Record::new("work", id.number(), row);
    Ok(Work {
        kind: record.known("kind", WorkKind::from_number)?,
        due: record.time("due")?,
        owner: record.value::<Option<i64>>("owner")?.map(Owner),
        since: record.time("since")?,
        unreached: record.value("unreached")?,
        expiry: record.time("expiry")?,
    })
}

/// Messages without an answer to this recipient, at most as many as are looked at.
pub(super) fn unanswered(
    connection: &Connection,
    carrier: &CarrierId,
    recipient: &str,
) -> Result<Vec<Neighbour>> {
    let mut statement = connection.prepare_cached(UNANSWERED)?;
    let mut rows = statement.query((recipient, carrier.as_str(), LOOKED_AT))?;
    let mut unanswered = Vec::new();
    while let Some(row) = rows.next()? {
        let subject = read_subject(row)?;
        let sender = Record::new("message", subject.id, row).value("sender")?;
        unanswered.push(Neighbour { loaded: Loaded::only(subject), sender });
    }
    Ok(unanswered)
}

/// All that a step needs to know of a message, and what waits for it. `learned`: the carrier's MessageID that comes with the step.
pub(super) fn around(
    tx: &Tx<'_>,
    subject: Subject,
    needs: Needs,
    learned: Option<&str>,
) -> Result<(Loaded, Option<Waiting>)> {
    let waiting = waiting(tx, &subject, learned)?;
    let loaded = Loaded::with(subject, needs.beside(waiting.as_ref()), &Tables(tx.connection))?;
    Ok((loaded, waiting))
}

/// The tables beside that of messages.
pub(super) struct Tables<'a>(pub(super) &'a Connection);

impl LoadMore for Tables<'_> {
    type Error = StoreFault;

    fn owed(&self, message: Id) -> Result<Vec<OwedCallback>> {
        owed(self.0, message)
    }

    fn late(&self, message: Id) -> Result<Vec<String>> {
        late(self.0, message)
    }

    fn told(&self, message: Id) -> Result<Vec<ReadStatus>> {
        told(self.0, message)
    }
}

/// The newest message of the carrier with this MessageID, with what [a read reply needs](posthouse_core::life::read_reply::NEEDS): one
/// statement reads both.
pub(super) fn with_told(
    tx: &Tx<'_>,
    carrier: &CarrierId,
    carrier_message_id: &str,
) -> Result<Option<Loaded>> {
    by_carriers_id(tx, carrier, carrier_message_id, |id| {
        read_with_told(tx, (id, carrier_message_id, carrier.as_str()))
    })
}

fn read_with_told(tx: &Tx<'_>, values: (i64, &str, &str)) -> Result<Option<Loaded>> {
    let mut statement = tx.prepare(BY_CARRIERS_ID_AND_TOLD)?;
    let mut rows = statement.query(values)?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let mut loaded = Loaded::only(read_subject(row)?);
    let record = Record::new("read_reply", loaded.subject.id.number(), row);
    if record.has("told")? {
        loaded.told = record.known("told", |names: String| {
            names.split(',').map(ReadStatus::from_name).collect::<Option<Vec<_>>>()
        })?;
    }
    Ok(Some(loaded))
}

/// The callbacks about a message that have not failed for good.
pub(super) fn owed(connection: &Connection, message: Id) -> Result<Vec<OwedCallback>> {
    let mut statement = connection.prepare_cached(
        "SELECT id, status, read_status, due, owner FROM callback WHERE message = ? AND failed = 0 ORDER BY id",
    )?;
    let mut rows = statement.query([message.number()])?;
    let mut owed = Vec::new();
    while let Some(row) = rows.next()? {
        let record = Record::by_id("callback", row)?;
        owed.push(OwedCallback {
            id: record.id("id")?,
            says: record.says()?,
            due: record.value::<Option<i64>>("due")?.map(time),
            owner: record.value::<Option<i64>>("owner")?.map(Owner),
        });
    }
    Ok(owed)
}

/// What stands on a timeline about reports that came too late, as far as it counts.
fn late(connection: &Connection, message: Id) -> Result<Vec<String>> {
    let details = connection
        .prepare_cached("SELECT detail FROM event WHERE message = ? AND kind = ? LIMIT ?")?
        .query_map((message.number(), EventKind::LateReport.number(), bounds::LATE_REPORTS), |row| {
            row.get(0)
        })?
        .collect::<rusqlite::Result<_>>()?;
    Ok(details)
}

/// The read replies about a message that its VASP was told.
fn told(connection: &Connection, message: Id) -> Result<Vec<ReadStatus>> {
    let mut statement =
        connection.prepare_cached("SELECT message AS id, status FROM read_reply WHERE message = ?")?;
    let mut rows = statement.query([message.number()])?;
    let mut told = Vec::new();
    while let Some(row) = rows.next()? {
        told.push(Record::by_id("read_reply", row)?.read_status("status")?);
    }
    Ok(told)
}

/// Reports and read replies that wait, by their numbers: each once.
#[derive(Default)]
struct Pile {
    reports: BTreeMap<i64, CarrierReport>,
    read_replies: BTreeMap<i64, CarrierReadReply>,
}

/// The columns of what waits.
macro_rules! waiting {
    ($which:literal) => {
        concat!(
            "SELECT id, received_at, carrier, carrier_message_id, recipient, sender, status, said, read_at, odd
             FROM unmatched_report WHERE ",
            $which
        )
    };
}

/// As many as may wait under one id, and then some.
const UNDER_ID: &str = waiting!("carrier_message_id = ?1 AND carrier = ?2 ORDER BY id LIMIT ?3");
const BY_ADDRESS: &str = waiting!(
    "recipient = ?1 AND carrier = ?2 AND read_at IS NULL AND carrier_message_id IS NOT ?3 ORDER BY id LIMIT ?4"
);

/// What waits for something to be learned about a message, if anything does.
fn waiting(tx: &Tx<'_>, subject: &Subject, learned: Option<&str>) -> Result<Option<Waiting>> {
    let connection = tx.connection;
    // Reports rarely wait at all.
    if !connection.prepare_cached("SELECT 1 FROM unmatched_report LIMIT 1")?.exists([])? {
        return Ok(None);
    }
    let (mut pile, mut waiting) = (Pile::default(), Waiting::default());
    let carrier = subject.carrier.as_str();
    let id = subject.carrier_message_id.as_deref().or(learned);
    if let Some(id) = id {
        pile.read(connection, UNDER_ID, (id, carrier, LOOKED_AT))?;
    }
    let mut by_address = Pile::default();
    by_address.read(connection, BY_ADDRESS, (&subject.recipient, carrier, id, LOOKED_AT))?;
    if !by_address.reports.is_empty() {
        load_neighbours(tx, subject, &mut waiting, &mut pile, by_address)?;
    }
    waiting.reports = pile.reports.into_iter().collect();
    waiting.read_replies = pile.read_replies.into_iter().collect();
    if !waiting.reports.is_empty() {
        load_around(connection, &mut waiting)?;
    }
    Ok(Some(waiting))
}

/// The messages that reports on one recipient may be about, and what waits under the MessageIDs of these reports.
fn load_neighbours(
    tx: &Tx<'_>,
    subject: &Subject,
    waiting: &mut Waiting,
    pile: &mut Pile,
    by_address: Pile,
) -> Result<()> {
    let connection = tx.connection;
    waiting.sender = sender(connection, subject.id)?;
    waiting.neighbours = unanswered(connection, &subject.carrier, &subject.recipient)?;
    waiting.neighbours.retain(|neighbour| neighbour.loaded.subject.id != subject.id);
    for (number, report) in by_address.reports {
        if !may_be_about(&report, &waiting.sender, &waiting.neighbours) {
            continue;
        }
        let id = &report.carrier_message_id;
        if !id.is_empty() && pile.reports.values().all(|other| other.carrier_message_id != *id) {
            pile.read(connection, UNDER_ID, (id, subject.carrier.as_str(), LOOKED_AT))?;
            if let Some(bearer) = subject_by_carriers_id(tx, &subject.carrier, id)? {
                let loaded = Loaded::only(bearer);
                waiting.neighbours.push(Neighbour { loaded, sender: String::new() });
            }
        }
        pile.reports.insert(number, report);
    }
    Ok(())
}

/// The SenderAddress of a message.
fn sender(connection: &Connection, id: Id) -> Result<String> {
    let mut statement = connection
        .prepare_cached("SELECT id, submission ->> '$.sender' AS sender FROM message WHERE id = ?")?;
    let mut rows = statement.query([id.number()])?;
    let row = rows.next()?.ok_or_else(|| corrupt("message", "id", id, "it is gone"))?;
    Record::by_id("message", row)?.value("sender")
}

/// What has to be known of those that a report may be about; the others are left out.
fn load_around(connection: &Connection, waiting: &mut Waiting) -> Result<()> {
    let reports: &[Numbered<CarrierReport>] = &waiting.reports;
    waiting.neighbours.retain(|neighbour| reports.iter().any(|(_, report)| neighbour.may_be_meant(report)));
    let needs = Needs::of_neighbour(waiting);
    let mut neighbours = waiting.neighbours.iter_mut();
    neighbours.try_for_each(|neighbour| neighbour.loaded.load(needs, &Tables(connection)))
}

impl Pile {
    fn read(&mut self, connection: &Connection, query: &str, values: impl Params) -> Result<()> {
        let mut statement = connection.prepare_cached(query)?;
        let mut rows = statement.query(values)?;
        while let Some(row) = rows.next()? {
            let record = Record::by_id("unmatched_report", row)?;
            let number = record.value("id")?;
            if record.has("read_at")? {
                self.read_replies.insert(number, read_reply(&record)?);
            } else {
                self.reports.insert(number, read_report(&record)?);
            }
        }
        Ok(())
    }
}

fn read_report(record: &Record<'_>) -> Result<CarrierReport> {
    let received_at: Timestamp = record.time("received_at")?;
    let carrier = CarrierId(record.value("carrier")?);
    let carrier_message_id = record.value("carrier_message_id")?;
    let recipient = match record.has("recipient")? {
        true => Some(record.known("recipient", |digits: String| Msisdn::parse(&digits, false))?),
        false => None,
    };
    Ok(CarrierReport {
        carrier,
        carrier_message_id,
        recipient,
        sender: record.value("sender")?,
        status: record.status("status")?,
        said: record.value("said")?,
        odd: record.value("odd")?,
        received_at,
    })
}

fn read_reply(record: &Record<'_>) -> Result<CarrierReadReply> {
    Ok(CarrierReadReply {
        received_at: record.time("received_at")?,
        carrier: CarrierId(record.value("carrier")?),
        carrier_message_id: record.value("carrier_message_id")?,
        status: record.read_status("status")?,
        said: record.value("said")?,
        time_stamp: record.time("read_at")?,
        odd: record.value("odd")?,
    })
}
