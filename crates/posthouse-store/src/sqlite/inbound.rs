//! What came from carriers, looked up: messages from handsets, those that were for nobody, reports whose message is not known.

use jiff::Timestamp;
use posthouse_core::{
    Id,
    account::AccountName,
    actor::Actor,
    audit,
    carrier::CarrierId,
    life::callback::{self, NotRetried},
    store::{
        Demand, ForNobody, MOST_FOR_NOBODY, MoFilter, MoOutcome, StoredMo, UnmatchedFilter, UnmatchedReport,
        UnmatchedSays,
    },
};
use rusqlite::{Connection, Row, ToSql, params_from_iter};

use super::{
    audit::write as write_audit,
    endpoint,
    fault::Result,
    intervene,
    job::Tx,
    record::{Record, read_all, time},
    search, write,
};

/// A condition and its value.
type Condition = (&'static str, Box<dyn ToSql>);
/// A query's text, and the values in it.
type Query = (String, Vec<Box<dyn ToSql>>);

/// A message from a handset, and the callback that carries it.
const MO: &str = "SELECT o.id, o.received_at, o.account, o.carrier, o.document, o.linked_id, o.ended_at, c.id AS callback, c.failed
 FROM mo o LEFT JOIN callback c ON c.message = o.id WHERE true";

fn with(select: &str, conditions: Vec<Condition>, order: &str, limit: usize) -> Query {
    let mut sql = select.to_owned();
    let mut values = Vec::new();
    for (condition, value) in conditions {
        sql.push_str(" AND ");
        sql.push_str(condition);
        values.push(value);
    }
    sql.push_str(order);
    values.push(Box::new(i64::try_from(limit).unwrap_or(i64::MAX)));
    (sql, values)
}

/// The messages from handsets that match: a walk over those of an account, or over all, no further than their ids can lie.
fn mo_query(filter: &MoFilter, limit: usize) -> Query {
    let mut conditions: Vec<Condition> = Vec::new();
    if let Some(account) = &filter.account {
        conditions.push(("o.account = ?", Box::new(account.0.clone())));
    }
    if let Some(carrier) = &filter.carrier {
        conditions.push(("o.carrier = ?", Box::new(carrier.0.clone())));
    }
    if let Some(sender) = &filter.sender {
        conditions.push(("o.document ->> '$.sender.text' = ?", Box::new(sender.clone())));
    }
    if let Some(transaction_id) = &filter.transaction_id {
        conditions.push(("o.transaction_id = ?", Box::new(transaction_id.clone())));
    }
    if let Some(linked_id) = &filter.linked_id {
        conditions.push(("o.linked_id = ?", Box::new(linked_id.clone())));
    }
    if let Some(since) = filter.since {
        conditions.push(("o.id >= ?", Box::new(search::first_since(since))));
        conditions.push(("o.received_at >= ?", Box::new(since.as_millisecond())));
    }
    let before = filter.before.map(search::first_beyond);
    if let Some(beyond) = before.into_iter().chain(filter.below.map(Id::number)).min() {
        conditions.push(("o.id < ?", Box::new(beyond)));
    }
    if let Some(before) = filter.before {
        conditions.push(("o.received_at < ?", Box::new(before.as_millisecond())));
    }
    with(MO, conditions, " ORDER BY o.id DESC LIMIT ?", limit)
}

/// Messages from handsets that match, newest first.
pub(super) fn mos(connection: &Connection, filter: &MoFilter, limit: usize) -> Result<Vec<StoredMo>> {
    let (sql, values) = mo_query(filter, limit);
    let mut statement = connection.prepare_cached(&sql)?;
    read_all(statement.query(params_from_iter(values))?, read_mo)
}

/// The one of this LinkedID.
pub(super) fn mo(connection: &Connection, id: Id) -> Result<Option<StoredMo>> {
    let mut statement = connection.prepare_cached(&format!("{MO} AND o.id = ?"))?;
    let mut rows = statement.query([id.number()])?;
    rows.next()?.map(read_mo).transpose()
}

fn read_mo(row: &Row<'_>) -> Result<StoredMo> {
    let record = Record::by_id("mo", row)?;
    let outcome = match record.has("callback")? {
        false => MoOutcome::Settled,
        true if record.value::<bool>("failed")? => MoOutcome::Failed(record.id("callback")?),
        true => MoOutcome::Owed(record.id("callback")?),
    };
    Ok(StoredMo {
        id: record.id("id")?,
        account: AccountName(record.value("account")?),
        carrier: CarrierId(record.value("carrier")?),
        mo: record.json("document")?,
        linked_id: record.value("linked_id")?,
        received_at: record.time("received_at")?,
        ended_at: record.value::<Option<i64>>("ended_at")?.map(time),
        outcome,
    })
}

/// Makes them owed once more; what came of each, in the order of `ids`.
pub(super) fn resend(
    tx: &mut Tx<'_>,
    ids: &[Id],
    by: &Actor,
    now: Timestamp,
) -> Result<Vec<std::result::Result<(), NotRetried>>> {
    intervene::refresh_callback_ids(tx)?;
    let (mut outcomes, mut done) = (Vec::new(), Vec::new());
    for id in ids {
        let outcome = resend_one(tx, *id, by, now)?;
        if outcome.is_ok() {
            done.push(*id);
        }
        outcomes.push(outcome);
    }
    audit::retried(by, done, now).map_or(Ok(()), |entry| write_audit(tx, &entry))?;
    Ok(outcomes)
}

fn resend_one(
    tx: &mut Tx<'_>,
    id: Id,
    by: &Actor,
    now: Timestamp,
) -> Result<std::result::Result<(), NotRetried>> {
    let Some(found) = mo(tx.connection, id)? else { return Ok(Err(NotRetried::Unknown)) };
    match found.outcome {
        MoOutcome::Owed(callback) | MoOutcome::Failed(callback) => {
            Ok(endpoint::retry_one(tx, callback, by, now)?.map(|_| ()))
        }
        MoOutcome::Settled => {
            write::owe(tx, id, &found.account, &callback::of_mo(now))?;
            write::note_mo_end(tx, id, None)?;
            Ok(Ok(()))
        }
    }
}

/// Keeps one that is for nobody; the oldest of its carrier go for it.
pub(super) fn keep_for_nobody(tx: &Tx<'_>, mo: &ForNobody) -> Result<i64> {
    tx.has_room(Demand::More)?;
    tx.execute(
        "INSERT INTO mo_for_nobody (received_at, carrier, transaction_id, sender, recipients) VALUES (?, ?, ?, ?, ?)",
        (mo.received_at.as_millisecond(), mo.carrier.as_str(), &mo.transaction_id, &mo.sender, &mo.recipients),
    )?;
    let number = tx.connection.last_insert_rowid();
    let most = i64::try_from(MOST_FOR_NOBODY).unwrap_or(i64::MAX);
    tx.execute(
        "DELETE FROM mo_for_nobody WHERE carrier = ?1
         AND id <= (SELECT id FROM mo_for_nobody WHERE carrier = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
        (mo.carrier.as_str(), most),
    )?;
    Ok(number)
}

/// Those of a carrier, or of all, the newest first.
pub(super) fn for_nobody(
    connection: &Connection,
    carrier: Option<&CarrierId>,
    below: Option<i64>,
    limit: usize,
) -> Result<Vec<(i64, ForNobody)>> {
    let mut statement = connection.prepare_cached(
        "SELECT id, received_at, carrier, transaction_id, sender, recipients FROM mo_for_nobody
         WHERE (?1 IS NULL OR carrier = ?1) AND (?2 IS NULL OR id < ?2) ORDER BY id DESC LIMIT ?3",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows = statement.query((carrier.map(CarrierId::as_str), below, limit))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let record = Record::by_id("mo_for_nobody", row)?;
        let mo = ForNobody {
            received_at: record.time("received_at")?,
            carrier: CarrierId(record.value("carrier")?),
            transaction_id: record.value("transaction_id")?,
            sender: record.value("sender")?,
            recipients: record.value("recipients")?,
        };
        found.push((record.value("id")?, mo));
    }
    Ok(found)
}

/// The reports and read replies that match: a walk over those of a carrier, or over all, of which there is a bound.
fn unmatched_query(filter: &UnmatchedFilter, limit: usize) -> Query {
    let mut conditions: Vec<Condition> = Vec::new();
    let texts = [
        ("carrier = ?", filter.carrier.clone().map(|carrier| carrier.0)),
        ("carrier_message_id = ?", filter.carrier_message_id.clone()),
        ("recipient = ?", filter.recipient.clone()),
    ];
    for (condition, value) in texts {
        if let Some(value) = value {
            conditions.push((condition, Box::new(value)));
        }
    }
    if let Some(since) = filter.since {
        conditions.push(("received_at >= ?", Box::new(since.as_millisecond())));
    }
    if let Some(before) = filter.before {
        conditions.push(("received_at < ?", Box::new(before.as_millisecond())));
    }
    if let Some(below) = filter.below {
        conditions.push(("id < ?", Box::new(below)));
    }
    let select =
        "SELECT id, received_at, carrier, carrier_message_id, recipient, sender, status, said, read_at, odd
                  FROM unmatched_report WHERE true";
    with(select, conditions, " ORDER BY id DESC LIMIT ?", limit)
}

/// Reports and read replies whose message is not known, newest first.
pub(super) fn unmatched(
    connection: &Connection,
    filter: &UnmatchedFilter,
    limit: usize,
) -> Result<Vec<UnmatchedReport>> {
    let (sql, values) = unmatched_query(filter, limit);
    let mut statement = connection.prepare_cached(&sql)?;
    read_all(statement.query(params_from_iter(values))?, read_unmatched)
}

fn read_unmatched(row: &Row<'_>) -> Result<UnmatchedReport> {
    let record = Record::by_id("unmatched_report", row)?;
    let says = match record.has("read_at")? {
        true => UnmatchedSays::ReadReply(record.read_status("status")?),
        false => UnmatchedSays::Report(record.status("status")?),
    };
    Ok(UnmatchedReport {
        number: record.value("id")?,
        carrier: CarrierId(record.value("carrier")?),
        received_at: record.time("received_at")?,
        carrier_message_id: record.value("carrier_message_id")?,
        says,
        said: record.value("said")?,
        recipient: record.value("recipient")?,
        sender: record.value("sender")?,
        odd: record.value("odd")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        sqlite::{schema, search::plan},
        suite::bed::{acme, at, carrier},
    };

    /// Each walks an index from its end, within the bounds that there are; what is found under an id is few, and may be sorted.
    #[test]
    fn lists_are_walked_within_their_bounds() {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::migrate(&mut connection).unwrap();
        let any = MoFilter::default;
        let window = MoFilter { since: Some(at(0)), before: Some(at(9)), ..any() };
        let sent_by = MoFilter { sender: Some("16175550100".into()), ..any() };
        let linked = MoFilter { linked_id: Some("l".into()), ..any() };
        let by_carrier = UnmatchedFilter { carrier: Some(carrier()), ..UnmatchedFilter::default() };
        let named = UnmatchedFilter { carrier_message_id: Some("c".into()), ..by_carrier.clone() };
        let to = UnmatchedFilter { recipient: Some("1".into()), ..UnmatchedFilter::default() };
        for ((sql, _), walk) in [
            (mo_query(&window, 9), "SEARCH o USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"),
            (
                mo_query(&MoFilter { account: Some(acme()), ..any() }, 9),
                "SEARCH o USING INDEX mo_account (account=?)",
            ),
            (
                mo_query(&MoFilter { account: Some(acme()), ..window }, 9),
                "SEARCH o USING INDEX mo_account (account=? AND rowid>? AND rowid<?)",
            ),
            (mo_query(&linked, 9), "SEARCH o USING INDEX mo_linked_id (linked_id=?)"),
            (mo_query(&sent_by, 9), "SEARCH o USING INDEX mo_sender (<expr>=?)"),
            (
                mo_query(&MoFilter { account: Some(acme()), ..sent_by.clone() }, 9),
                "SEARCH o USING INDEX mo_sender (<expr>=?)",
            ),
            (
                unmatched_query(&by_carrier, 9),
                "SEARCH unmatched_report USING INDEX unmatched_report_carrier (carrier=?)",
            ),
            (
                unmatched_query(&named, 9),
                "SEARCH unmatched_report USING INDEX unmatched_report_id (carrier_message_id=? AND carrier=?)",
            ),
            (
                unmatched_query(&to, 9),
                "SEARCH unmatched_report USING INDEX unmatched_report_recipient (recipient=?)",
            ),
        ] {
            let plan = plan(&connection, &sql);
            assert_eq!(plan[0], walk, "{plan:?}");
            let sorts = plan.iter().any(|step| step.contains("TEMP B-TREE"));
            assert_eq!(sorts, sql.contains("linked_id = ?"), "{plan:?}");
        }
    }
}
