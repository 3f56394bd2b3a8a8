//! Requests of VASPs that were refused: the newest of each account, and of all.

use std::{collections::BTreeMap, net::IpAddr};

use jiff::Timestamp;
use mm7::StatusCode;
use posthouse_core::{
    account::AccountName,
    refusal::{COUNTED_FOR, KeptRefusal, MOST, MOST_OF_ACCOUNT, RefusedRequest},
    store::{Demand, NewRefusal, RefusalFilter, StoreError},
};
use tokio_postgres::Row;

use super::{
    batch::{BatchClaim, BatchTx},
    fault::BatchResult,
    reader::ReadPool,
    record::{PgRow, time},
    statements,
    value::{PgValue, values},
};

/// A refusal with its document as it is stored.
#[derive(Debug)]
pub(super) struct RefusalRow {
    new: NewRefusal,
    document: String,
}

impl RefusalRow {
    /// Writes its document.
    pub(super) fn new(new: &NewRefusal) -> BatchResult<Self, serde_json::Error> {
        Ok(Self { document: serde_json::to_string(&new.refusal.details)?, new: new.clone() })
    }

    /// About how many bytes it is.
    pub(super) fn weight(&self) -> usize {
        self.document.len() + 300
    }

    /// What tells its kind from others.
    fn kind(&self) -> Vec<PgValue> {
        let refusal = &self.new.refusal;
        values![&refusal.peer.to_string(), account(refusal), refusal.code.code(), refusal.row, &refusal.check]
    }
}

fn account(refusal: &RefusedRequest) -> &str {
    refusal.account.as_ref().map_or("", |account| account.0.as_str())
}

/// The newest of a kind, while a batch is decided: it is there already, or comes with this.
struct Newest {
    id: i64,
    last_at: Timestamp,
}

/// Keeps them, or counts them onto what is there.
pub(super) async fn keep(tx: &BatchTx, refusals: &[RefusalRow]) -> BatchResult<()> {
    tx.has_room(Demand::More)?;
    tx.claim(BatchClaim::Table("refusal"))?;
    let mut newest = newest(tx, refusals).await?;
    let mut counted: BTreeMap<i64, (i64, Timestamp)> = BTreeMap::new();
    let mut inserted: BTreeMap<i64, &RefusalRow> = BTreeMap::new();
    for prepared in refusals {
        let NewRefusal { refusal, times, counted: only_counts } = &prepared.new;
        let times = i64::try_from(*times).unwrap_or(i64::MAX);
        let recent = refusal.at.checked_sub(COUNTED_FOR).unwrap_or(Timestamp::MIN);
        let like = newest.get_mut(&prepared.kind()).filter(|like| *only_counts && like.last_at >= recent);
        let id = match like {
            Some(like) => {
                like.last_at = like.last_at.max(refusal.at);
                like.id
            }
            None => {
                let id = tx.ids().line();
                inserted.insert(id, prepared);
                newest.insert(prepared.kind(), Newest { id, last_at: refusal.at });
                id
            }
        };
        let (sum, last_at) = counted.entry(id).or_insert((0, refusal.at));
        *sum = sum.saturating_add(times);
        *last_at = refusal.at.max(*last_at);
    }
    make_room(tx, &mut inserted).await?;
    for (id, (times, last_at)) in counted {
        match inserted.get(&id) {
            Some(prepared) => insert(tx, id, prepared, times, last_at),
            None => tx.write(&statements::COUNT_REFUSAL, values![id, times, last_at]),
        }
    }
    Ok(())
}

/// The newest that are there of the kinds that may be counted onto.
async fn newest(tx: &BatchTx, refusals: &[RefusalRow]) -> BatchResult<BTreeMap<Vec<PgValue>, Newest>> {
    let mut kinds: Vec<_> = refusals.iter().filter(|one| one.new.counted).map(RefusalRow::kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let looking = kinds.iter().map(|kind| tx.read_one(&statements::REFUSAL_LIKE, kind.clone()));
    let found = futures_util::future::join_all(looking).await;
    let mut newest = BTreeMap::new();
    for (kind, row) in kinds.into_iter().zip(found) {
        if let Some(row) = row? {
            let last_at = time(row.try_get("last_at")?);
            newest.insert(kind, Newest { id: row.try_get("id")?, last_at });
        }
    }
    Ok(newest)
}

fn insert(tx: &BatchTx, id: i64, prepared: &RefusalRow, times: i64, last_at: Timestamp) {
    let refusal = &prepared.new.refusal;
    tx.write(
        &statements::INSERT_REFUSAL,
        values![
            id,
            refusal.at,
            last_at,
            times,
            account(refusal),
            refusal.code.code(),
            refusal.row,
            &refusal.check,
            &refusal.peer.to_string(),
            refusal.transaction_id.as_deref(),
            refusal.recipient_hash.as_deref(),
            &prepared.document,
        ],
    );
}

/// What is beyond the most goes, of what is there and of what comes.
async fn make_room(tx: &BatchTx, inserted: &mut BTreeMap<i64, &RefusalRow>) -> BatchResult<()> {
    if inserted.is_empty() {
        return Ok(());
    }
    let mut coming: BTreeMap<&str, u32> = BTreeMap::new();
    // The newest first: the older ones of an account, and of all, are those that are too many.
    let mut kept: u32 = 0;
    let mut new = BTreeMap::new();
    for (id, prepared) in inserted.iter().rev() {
        let of_account = coming.entry(account(&prepared.new.refusal)).or_default();
        if *of_account < MOST_OF_ACCOUNT && kept < MOST {
            *of_account += 1;
            kept += 1;
            new.insert(*id, *prepared);
        }
    }
    *inserted = new;
    let accounts: Vec<_> = coming
        .into_iter()
        .map(|(account, coming)| (account, MOST_OF_ACCOUNT.saturating_sub(coming)))
        .collect();
    let looking = accounts
        .iter()
        .map(|(account, most)| tx.read_one(&statements::REFUSALS_BEYOND, values![*account, *most]));
    let all = tx.read_one(&statements::ALL_REFUSALS_BEYOND, values![MOST.saturating_sub(kept)]);
    let (found, all) = tokio::join!(biased; futures_util::future::join_all(looking), all);
    for ((account, _), row) in accounts.iter().zip(found) {
        if let Some(beyond) = beyond(row?)? {
            tx.write(&statements::DELETE_REFUSALS_FROM, values![*account, beyond]);
        }
    }
    if let Some(beyond) = beyond(all?)? {
        tx.write(&statements::DELETE_ALL_REFUSALS_FROM, values![beyond]);
    }
    Ok(())
}

fn beyond(row: Option<Row>) -> BatchResult<Option<i64>> {
    Ok(row.map_or(Ok(None), |row| row.try_get("beyond"))?)
}

/// Refusals that match, the newest first.
pub(super) async fn list(
    readers: &ReadPool,
    filter: &RefusalFilter,
    limit: usize,
) -> BatchResult<Vec<KeptRefusal>, StoreError> {
    let (sql, values) = search(filter, limit);
    let rows = readers.reader().await?.search(&sql, &values).await?;
    Ok(rows.iter().map(read).collect::<BatchResult<_>>()?)
}

/// The statement for a filter.
fn search(filter: &RefusalFilter, limit: usize) -> (String, Vec<PgValue>) {
    let conditions: [(&str, Option<PgValue>); 8] = [
        ("last_at >=", filter.since.map(PgValue::from)),
        ("last_at <", filter.before.map(PgValue::from)),
        ("id <", filter.below.map(PgValue::from)),
        ("account =", filter.account.as_ref().map(PgValue::from)),
        ("code =", filter.code.map(|code| code.code().into())),
        ("peer =", filter.peer.as_ref().map(PgValue::from)),
        ("transaction_id =", filter.transaction_id.as_ref().map(PgValue::from)),
        ("recipient_hash =", filter.recipient_hash.as_ref().map(PgValue::from)),
    ];
    let mut sql = "SELECT * FROM refusal WHERE true".to_owned();
    let mut values = Vec::new();
    for (condition, value) in conditions {
        if let Some(value) = value {
            values.push(value);
            sql.push_str(&format!(" AND {condition} ${}", values.len()));
        }
    }
    values.push(limit.into());
    sql.push_str(&format!(" ORDER BY id DESC LIMIT ${}", values.len()));
    (sql, values)
}

fn read(row: &Row) -> BatchResult<KeptRefusal> {
    let record = PgRow::by_id("refusal", row)?;
    let account: String = record.value("account")?;
    let code = |code: i64| u32::try_from(code).ok().and_then(StatusCode::from_code);
    Ok(KeptRefusal {
        number: record.value("id")?,
        times: record.known("times", |times: i64| u64::try_from(times).ok())?,
        last_at: record.time("last_at")?,
        refusal: RefusedRequest {
            at: record.time("at")?,
            account: (!account.is_empty()).then_some(AccountName(account)),
            code: record.known("code", code)?,
            row: record.known("code_row", |row: i64| u8::try_from(row).ok())?,
            check: record.value("rule")?,
            peer: record.known("peer", |peer: &str| peer.parse::<IpAddr>().ok())?,
            transaction_id: record.value("transaction_id")?,
            recipient_hash: record.value("recipient_hash")?,
            details: record.json("document")?,
        },
    })
}
