//! How much waits where, and since when: first rows of indices, and counts that stop at a bound. How many messages stand where is counted,
//! for other nodes move them as well.

use std::collections::BTreeMap;

use jiff::Timestamp;
use posthouse_core::{
    account::AccountName,
    carrier::CarrierId,
    life::counts::StateCounts,
    store::{COUNTED, CallbackDepth, QueueAge, Queues, StoreError},
};
use tokio_postgres::{Row, types::FromSql};

use super::{
    fault::{BatchResult, refused},
    reader::{PooledReader, ReadPool},
    record::{PgRow, time},
    statements::{self, Statement},
    value::{PgValue, parameters, values},
};

/// How many rows that are in somebody's hand are looked at: more than lanes hold.
const IN_HAND: i64 = 10_000;
/// How many reports that wait are counted.
const UNMATCHED: i64 = 100_000;
/// Of how many callbacks that are due first the oldest is told.
const CALLBACKS_LOOKED_AT: i64 = 1_000;

/// How it is with all queues.
pub(super) async fn queues(readers: &ReadPool, now: Timestamp) -> BatchResult<Queues, StoreError> {
    let reader = readers.reader().await?;
    let depths = {
        let mut counts = StateCounts::default();
        counts.counted(&standing(&reader).await?);
        counts.depths().unwrap_or_default()
    };
    Ok(Queues { depths, ages: ages(&reader, now).await?, callbacks: callbacks(&reader).await? })
}

async fn standing(
    reader: &PooledReader<'_>,
) -> BatchResult<Vec<(CarrierId, AccountName, posthouse_core::life::state::State, u64)>, StoreError> {
    let rows = reader.query(&statements::STANDING_READ, &[]).await?;
    let read = |row: &Row| -> BatchResult<_> {
        let record = PgRow::new("message", "a count", row);
        let messages = record.known("messages", |count: i64| u64::try_from(count).ok())?;
        let (carrier, account) = (record.value("carrier")?, record.value("account")?);
        Ok((CarrierId(carrier), AccountName(account), record.state("state")?, messages))
    };
    Ok(rows.iter().map(read).collect::<BatchResult<_>>()?)
}

#[derive(Default)]
struct Ages(BTreeMap<String, QueueAge>);

impl Ages {
    fn of(&mut self, carrier: &str) -> &mut QueueAge {
        self.0.entry(carrier.to_owned()).or_insert_with_key(|carrier| QueueAge {
            carrier: CarrierId(carrier.clone()),
            oldest: None,
            due: 0,
            overdue: 0,
            unmatched: 0,
        })
    }
}

async fn ages(reader: &PooledReader<'_>, now: Timestamp) -> BatchResult<Vec<QueueAge>, StoreError> {
    let (mut ages, mut name) = (Ages::default(), String::new());
    while let Some(carrier) =
        one::<String>(reader, &statements::NEXT_CARRIER, &parameters![&name], "name").await?
    {
        let oldest: Option<i64> =
            one(reader, &statements::WAITING_READ, &parameters![&carrier], "since").await?;
        let due = values![&carrier, now, limit()];
        let due: Option<i64> = one(reader, &statements::DUE_COUNT, &due, "due").await?;
        let age = ages.of(&carrier);
        (age.oldest, age.due) = (oldest.map(time), counted(due));
        name = carrier;
    }
    for (carrier, since) in each(reader, &statements::IN_HAND_READ, &parameters![IN_HAND]).await? {
        let age = ages.of(&carrier);
        age.oldest = age.oldest.into_iter().chain([time(since)]).min();
    }
    for (carrier, lapsed) in each(reader, &statements::LAPSED_READ, &parameters![now, limit()]).await? {
        let age = ages.of(&carrier);
        age.due = age.due.saturating_add(counted(Some(lapsed))).min(COUNTED);
    }
    for (carrier, overdue) in each(reader, &statements::OVERDUE_READ, &parameters![now, limit()]).await? {
        ages.of(&carrier).overdue = counted(Some(overdue));
    }
    for (carrier, reports) in each(reader, &statements::UNMATCHED_READ, &parameters![UNMATCHED]).await? {
        ages.of(&carrier).unmatched = counted(Some(reports));
    }
    Ok(ages.0.into_values().collect())
}

/// What is owed to each account that is owed anything, or was.
pub(super) async fn callbacks(reader: &PooledReader<'_>) -> BatchResult<Vec<CallbackDepth>, StoreError> {
    let (mut depths, mut name) = (Vec::new(), String::new());
    loop {
        let mut next: Option<String> = None;
        for statement in
            [&statements::NEXT_ACCOUNT, &statements::NEXT_HOLDING_ACCOUNT, &statements::NEXT_FAILED_ACCOUNT]
        {
            let found: Option<String> = one(reader, statement, &parameters![&name], "name").await?;
            next = next.into_iter().chain(found).min();
        }
        let Some(account) = next else { return Ok(depths) };
        let count = values![&account, limit()];
        let owed = one(reader, &statements::OWED_COUNT, &count, "owed").await?;
        let failed = one(reader, &statements::FAILED_COUNT, &count, "failed").await?;
        let oldest = values![&account, CALLBACKS_LOOKED_AT];
        let oldest: Option<Option<i64>> = one(reader, &statements::OWED_OLDEST, &oldest, "oldest").await?;
        depths.push(CallbackDepth {
            account: AccountName(account.clone()),
            owed: counted(owed).min(COUNTED),
            failed: counted(failed),
            oldest: oldest.flatten().map(time),
        });
        name = account;
    }
}

/// A column of the first row.
async fn one<T: for<'a> FromSql<'a>>(
    reader: &PooledReader<'_>,
    statement: &'static Statement,
    values: &[PgValue],
    column: &str,
) -> BatchResult<Option<T>, StoreError> {
    let rows = reader.query(statement, values).await?;
    rows.first().map(|row| row.try_get(column)).transpose().map_err(|error| refused(&error))
}

/// A number for each carrier.
async fn each(
    reader: &PooledReader<'_>,
    statement: &'static Statement,
    values: &[PgValue],
) -> BatchResult<Vec<(String, i64)>, StoreError> {
    let rows = reader.query(statement, values).await?;
    let read = |row: &Row| Ok((row.try_get("carrier")?, row.try_get("number")?));
    let read: BatchResult<_, tokio_postgres::Error> = rows.iter().map(read).collect();
    read.map_err(|error| refused(&error))
}

fn counted(count: Option<i64>) -> u64 {
    count.and_then(|count| u64::try_from(count).ok()).unwrap_or(0)
}

fn limit() -> i64 {
    i64::try_from(COUNTED).unwrap_or(i64::MAX)
}
