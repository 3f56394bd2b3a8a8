//! What came from carriers, looked up: messages from handsets, those that were for nobody, reports whose message is not known.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use posthouse_core::{
    Id,
    account::AccountName,
    actor::Actor,
    audit,
    carrier::CarrierId,
    life::callback::{self, NotRetried},
    store::{
        Demand, ForNobody, MOST_FOR_NOBODY, MoFilter, MoOutcome, StoreError, StoredMo, UnmatchedFilter,
        UnmatchedReport, UnmatchedSays,
    },
};
use tokio_postgres::Row;

use super::{
    audit::write as write_audit,
    batch::{BatchClaim, BatchTx},
    endpoint,
    fault::BatchResult,
    reader::ReadPool,
    record::PgRow,
    statements,
    value::{PgValue, values},
    write,
};

/// How far the time in an id and that at which it came may lie apart.
const APART: SignedDuration = SignedDuration::from_secs(10);

/// A statement that is put together: its text, and the values in it.
struct Lookup {
    text: String,
    values: Vec<PgValue>,
}

impl Lookup {
    fn of(select: &str) -> Self {
        Self { text: select.to_owned(), values: Vec::new() }
    }

    fn and(&mut self, condition: &str, value: impl Into<PgValue>) {
        self.values.push(value.into());
        self.text.push_str(&format!(" AND {condition} ${}", self.values.len()));
    }

    async fn newest(
        mut self,
        order: &str,
        readers: &ReadPool,
        limit: usize,
    ) -> BatchResult<Vec<Row>, StoreError> {
        self.values.push(limit.into());
        self.text.push_str(&format!(" ORDER BY {order} DESC LIMIT ${}", self.values.len()));
        readers.reader().await?.search(&self.text, &self.values).await
    }
}

/// A message from a handset, and the callback that carries it.
const MO: &str = "SELECT o.*, c.id AS callback, f.id AS failed FROM mo o
    LEFT JOIN LATERAL (SELECT id FROM callback WHERE callback.message = o.id LIMIT 1) c ON true
    LEFT JOIN LATERAL (SELECT id FROM callback_failed WHERE callback_failed.message = o.id LIMIT 1) f ON true WHERE true";

/// Messages from handsets that match, newest first.
pub(super) async fn mos(
    readers: &ReadPool,
    filter: &MoFilter,
    limit: usize,
) -> BatchResult<Vec<StoredMo>, StoreError> {
    let mut lookup = Lookup::of(MO);
    if let Some(account) = &filter.account {
        lookup.and("o.account =", account);
    }
    if let Some(carrier) = &filter.carrier {
        lookup.and("o.carrier =", carrier);
    }
    if let Some(sender) = &filter.sender {
        lookup.and("o.document::json -> 'sender' ->> 'text' =", sender);
    }
    if let Some(transaction_id) = &filter.transaction_id {
        lookup.and("o.transaction_id =", transaction_id);
    }
    if let Some(linked_id) = &filter.linked_id {
        lookup.and("o.linked_id =", linked_id);
    }
    if let Some(since) = filter.since {
        lookup.and("o.id >=", Id::first_at(since.checked_sub(APART).unwrap_or(Timestamp::MIN)));
        lookup.and("o.received_at >=", since);
    }
    if let Some(before) = filter.before {
        lookup.and("o.id <", Id::first_at(before.checked_add(APART).unwrap_or(Timestamp::MAX)));
        lookup.and("o.received_at <", before);
    }
    if let Some(below) = filter.below {
        lookup.and("o.id <", below);
    }
    let rows = lookup.newest("o.id", readers, limit).await?;
    Ok(rows.iter().map(read_mo).collect::<BatchResult<_>>()?)
}

/// The one of this LinkedID.
pub(super) async fn mo(readers: &ReadPool, id: Id) -> BatchResult<Option<StoredMo>, StoreError> {
    let mut lookup = Lookup::of(MO);
    lookup.and("o.id =", id);
    let rows = lookup.newest("o.id", readers, 1).await?;
    Ok(rows.first().map(read_mo).transpose()?)
}

fn read_mo(row: &Row) -> BatchResult<StoredMo> {
    let record = PgRow::by_id("mo", row)?;
    let (owed, failed): (Option<i64>, Option<i64>) = (record.value("callback")?, record.value("failed")?);
    let outcome = match (owed, failed) {
        (Some(_), _) => MoOutcome::Owed(record.id("callback")?),
        (None, Some(_)) => MoOutcome::Failed(record.id("failed")?),
        (None, None) => MoOutcome::Settled,
    };
    Ok(StoredMo {
        id: record.id("id")?,
        account: AccountName(record.value("account")?),
        carrier: CarrierId(record.value("carrier")?),
        mo: record.json("document")?,
        linked_id: record.value("linked_id")?,
        received_at: record.time("received_at")?,
        ended_at: record.time_if_any("ended_at")?,
        outcome,
    })
}

/// Makes them owed once more; what came of each, in the order of `ids`.
pub(super) async fn resend(
    tx: &BatchTx,
    ids: &[Id],
    by: &Actor,
    now: Timestamp,
) -> BatchResult<Vec<std::result::Result<(), NotRetried>>> {
    let (mut outcomes, mut done, mut owing) = (Vec::new(), Vec::new(), BTreeMap::new());
    for id in ids {
        let outcome = match done.contains(id) {
            // It is owed by now, and due.
            true => Err(NotRetried::Due),
            false => resend_one(tx, *id, by, now, &mut owing).await?,
        };
        if outcome.is_ok() {
            done.push(*id);
        }
        outcomes.push(outcome);
    }
    if let Some(entry) = audit::retried(by, done, now) {
        write_audit(tx, &entry);
    }
    Ok(outcomes)
}

async fn resend_one(
    tx: &BatchTx,
    id: Id,
    by: &Actor,
    now: Timestamp,
    owing: &mut BTreeMap<Id, bool>,
) -> BatchResult<std::result::Result<(), NotRetried>> {
    tx.claim(BatchClaim::Message(id))?;
    let row = tx.read_one(&statements::MO_ONE, values![id]).await?;
    let Some(found) = row.map(|row| read_mo(&row)).transpose()? else { return Ok(Err(NotRetried::Unknown)) };
    match found.outcome {
        MoOutcome::Owed(callback) | MoOutcome::Failed(callback) => {
            Ok(endpoint::retry_one(tx, callback, by, now, owing).await?.map(|_| ()))
        }
        MoOutcome::Settled => {
            write::owe(tx, id, &found.account, &found.carrier, &callback::of_mo(now));
            tx.write(&statements::END_MO, values![id, None::<i64>]);
            Ok(Ok(()))
        }
    }
}

/// Keeps one that is for nobody; the oldest of its carrier go for it.
pub(super) async fn keep_for_nobody(tx: &BatchTx, mo: &ForNobody) -> BatchResult<i64> {
    tx.has_room(Demand::More)?;
    tx.claim(BatchClaim::CarriersId(mo.carrier.0.clone(), "for nobody".to_owned()))?;
    let most = values![&mo.carrier, MOST_FOR_NOBODY.saturating_sub(1)];
    let row = tx.read_one(&statements::FOR_NOBODY_BEYOND, most).await?;
    let beyond: Option<i64> = row.map_or(Ok(None), |row| row.try_get("beyond"))?;
    if let Some(beyond) = beyond {
        tx.write(&statements::DELETE_FOR_NOBODY_FROM, values![&mo.carrier, beyond]);
    }
    let number = tx.ids().line();
    let (sender, recipients) = (mo.sender.as_deref(), &mo.recipients);
    let values = values![number, mo.received_at, &mo.carrier, &mo.transaction_id, sender, recipients];
    tx.write(&statements::INSERT_FOR_NOBODY, values);
    Ok(number)
}

/// Those of a carrier, or of all, the newest first.
pub(super) async fn for_nobody(
    readers: &ReadPool,
    carrier: Option<&CarrierId>,
    below: Option<i64>,
    limit: usize,
) -> BatchResult<Vec<(i64, ForNobody)>, StoreError> {
    let below = below.unwrap_or(i64::MAX);
    let rows = match carrier {
        Some(carrier) => readers.query(&statements::FOR_NOBODY_READ, values![carrier, below, limit]).await?,
        None => readers.query(&statements::FOR_NOBODY_READ_ALL, values![below, limit]).await?,
    };
    let read = |row: &Row| -> BatchResult<(i64, ForNobody)> {
        let record = PgRow::by_id("mo_for_nobody", row)?;
        let mo = ForNobody {
            received_at: record.time("received_at")?,
            carrier: CarrierId(record.value("carrier")?),
            transaction_id: record.value("transaction_id")?,
            sender: record.value("sender")?,
            recipients: record.value("recipients")?,
        };
        Ok((record.value("id")?, mo))
    };
    Ok(rows.iter().map(read).collect::<BatchResult<_>>()?)
}

/// Reports and read replies whose message is not known, newest first.
pub(super) async fn unmatched(
    readers: &ReadPool,
    filter: &UnmatchedFilter,
    limit: usize,
) -> BatchResult<Vec<UnmatchedReport>, StoreError> {
    let mut lookup = Lookup::of("SELECT * FROM unmatched_report WHERE true");
    let texts = [
        ("carrier =", filter.carrier.as_ref().map(CarrierId::as_str)),
        ("carrier_message_id =", filter.carrier_message_id.as_deref()),
        ("recipient =", filter.recipient.as_deref()),
    ];
    for (condition, value) in texts {
        if let Some(value) = value {
            lookup.and(condition, value);
        }
    }
    if let Some(since) = filter.since {
        lookup.and("received_at >=", since);
    }
    if let Some(before) = filter.before {
        lookup.and("received_at <", before);
    }
    if let Some(below) = filter.below {
        lookup.and("id <", below);
    }
    let rows = lookup.newest("id", readers, limit).await?;
    Ok(rows.iter().map(read_unmatched).collect::<BatchResult<_>>()?)
}

fn read_unmatched(row: &Row) -> BatchResult<UnmatchedReport> {
    let record = PgRow::by_id("unmatched_report", row)?;
    let says = match record.time_if_any("read_at")? {
        Some(_) => UnmatchedSays::ReadReply(record.read_status("status")?),
        None => UnmatchedSays::Report(record.status("status")?),
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
