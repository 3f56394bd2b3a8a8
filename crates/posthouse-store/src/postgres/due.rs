//! Who has something due: a few index seeks for each carrier and account, however long the backlog is, and a walk over what is in
//! nodes' hands.

use jiff::Timestamp;
use posthouse_core::{
    account::AccountName,
    carrier::CarrierId,
    slots::{Slot, Slots},
    store::{Due, StoreError},
};
use tokio_postgres::Row;

use super::{
    endpoint,
    fault::{BatchResult, refused},
    reader::{PooledReader, ReadPool},
    record::time,
    statements::{self, Statement},
    value::{PgValue, parameters, values},
    work::bits,
};

/// What is known of one carrier, account or timer.
#[derive(Clone, Copy, Debug, Default)]
struct Times {
    /// The earliest of what is due.
    over: Option<i64>,
    /// The earliest of what is not.
    ahead: Option<i64>,
}

impl Times {
    fn add(&mut self, other: Self) {
        self.over = [self.over, other.over].into_iter().flatten().min();
        self.ahead = [self.ahead, other.ahead].into_iter().flatten().min();
    }

    /// From the earliest of all, and a look for the first behind now where that is due.
    async fn of(
        reader: &PooledReader<'_>,
        (earliest, ahead): (&'static Statement, &'static Statement),
        values: Vec<PgValue>,
        now: i64,
    ) -> BatchResult<Self, StoreError> {
        match number(&reader.query(earliest, &values).await?)? {
            Some(due) if due <= now => {
                let mut values = values;
                values.push(now.into());
                Ok(Self { over: Some(due), ahead: number(&reader.query(ahead, &values).await?)? })
            }
            due => Ok(Self { over: None, ahead: due }),
        }
    }
}

fn number(rows: &[Row]) -> BatchResult<Option<i64>, StoreError> {
    rows.first().map_or(Ok(None), |row| row.try_get("due")).map_err(|error| refused(&error))
}

/// All that is known, by name.
#[derive(Default)]
struct Known {
    carriers: std::collections::BTreeMap<String, Times>,
    accounts: std::collections::BTreeMap<String, Times>,
    timers: Times,
}

/// Who has something due at this time, and when something will be that is not yet.
pub(super) async fn due(readers: &ReadPool, now: Timestamp, slots: Slots) -> BatchResult<Due, StoreError> {
    let known = look(readers, now, slots).await?;
    let all = known.carriers.values().chain(known.accounts.values()).chain([&known.timers]);
    let next = all.filter_map(|times| times.ahead).min().map(time);
    let due = |names: std::collections::BTreeMap<String, Times>| {
        names.into_iter().filter(|(_, times)| times.over.is_some()).map(|(name, _)| name)
    };
    Ok(Due {
        carriers: due(known.carriers).map(CarrierId).collect(),
        accounts: due(known.accounts).map(AccountName).collect(),
        timers: known.timers.over.is_some(),
        next,
    })
}

/// Since when the oldest of what is due has been due.
pub(super) async fn oldest(readers: &ReadPool, now: Timestamp) -> BatchResult<Option<Timestamp>, StoreError> {
    let known = look(readers, now, Slots::ALL).await?;
    let all = known.carriers.values().chain(known.accounts.values()).chain([&known.timers]);
    Ok(all.filter_map(|times| times.over).min().map(time))
}

async fn look(readers: &ReadPool, now: Timestamp, slots: Slots) -> BatchResult<Known, StoreError> {
    let paused = endpoint::paused(readers).await?;
    let all_slots = slots;
    let slots = bits(slots);
    let reader = readers.reader().await?;
    let (now, mut known) = (now.as_millisecond(), Known::default());
    look_at_work(&reader, now, &slots, &mut known).await?;
    for row in &reader.query(&statements::WORK_HELD, &parameters![&slots[..], now]).await? {
        add_held(row, &mut known)?;
    }
    let timers = (&statements::AWAITING_EARLIEST, &statements::AWAITING_AHEAD);
    known.timers.add(Times::of(&reader, timers, values![&slots[..]], now).await?);
    let free = (&statements::ACCOUNT_EARLIEST, &statements::ACCOUNT_AHEAD);
    look_at_accounts(&reader, &statements::NEXT_ACCOUNT, free, now, &mut known).await?;
    let held = (&statements::HELD_EARLIEST, &statements::HELD_AHEAD);
    look_at_accounts(&reader, &statements::NEXT_HOLDING_ACCOUNT, held, now, &mut known).await?;
    known.accounts.retain(|name, times| {
        if paused.contains(name) {
            times.over = None;
        }
        all_slots.contains(Slot::of_account(&AccountName(name.clone())))
    });
    Ok(known)
}

/// The first name of an index behind another one.
async fn next_name(
    reader: &PooledReader<'_>,
    statement: &'static Statement,
    behind: &str,
) -> BatchResult<Option<String>, StoreError> {
    let rows = reader.query(statement, &parameters![behind]).await?;
    rows.first().map(|row| row.try_get("name")).transpose().map_err(|error| refused(&error))
}

async fn look_at_work(
    reader: &PooledReader<'_>,
    now: i64,
    slots: &[u8],
    known: &mut Known,
) -> BatchResult<(), StoreError> {
    let mut name = String::new();
    while let Some(carrier) = next_name(reader, &statements::NEXT_CARRIER, &name).await? {
        let walk = (&statements::CARRIER_EARLIEST, &statements::CARRIER_AHEAD);
        let times = Times::of(reader, walk, values![&carrier, slots], now).await?;
        known.carriers.entry(carrier.clone()).or_default().add(times);
        name = carrier;
    }
    Ok(())
}

async fn look_at_accounts(
    reader: &PooledReader<'_>,
    next: &'static Statement,
    walk: (&'static Statement, &'static Statement),
    now: i64,
    known: &mut Known,
) -> BatchResult<(), StoreError> {
    let mut name = String::new();
    while let Some(account) = next_name(reader, next, &name).await? {
        let times = Times::of(reader, walk, values![&account], now).await?;
        known.accounts.entry(account.clone()).or_default().add(times);
        name = account;
    }
    Ok(())
}

/// What nodes have in hand: an attempt is a timer, and what was not begun is its carrier's again when the lease ends.
fn add_held(row: &Row, known: &mut Known) -> BatchResult<(), StoreError> {
    let read = || -> BatchResult<(String, bool, Times), tokio_postgres::Error> {
        let times = Times { over: row.try_get("over")?, ahead: row.try_get("ahead")? };
        Ok((row.try_get("carrier")?, row.try_get("sending")?, times))
    };
    let (carrier, is_sending, times) = read().map_err(|error| refused(&error))?;
    match is_sending {
        true => known.timers.add(times),
        false => known.carriers.entry(carrier).or_default().add(times),
    }
    Ok(())
}
