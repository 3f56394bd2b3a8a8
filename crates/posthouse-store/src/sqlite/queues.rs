//! How much waits where, and since when: first rows of indices, and counts that stop at a bound.

use std::collections::BTreeMap;

use jiff::Timestamp;
use posthouse_core::{
    account::AccountName,
    carrier::CarrierId,
    life::state::State,
    store::{COUNTED, CallbackDepth, QueueAge},
};
use rusqlite::{Connection, Params};

use super::{
    fault::Result,
    record::{Record, time},
};

/// How many rows that are in somebody's hand are looked at: more than lanes hold.
const IN_HAND: i64 = 10_000;
/// Of how many callbacks that are due first the oldest is told.
const CALLBACKS_LOOKED_AT: i64 = 1_000;

/// The next carrier that has something to be sent, behind another.
const NEXT_CARRIER: &str = "SELECT min(carrier) FROM work WHERE kind = 0 AND carrier > ?";
const OLDEST_WAITING: &str = "SELECT min(since) FROM work WHERE kind = 0 AND owner IS NULL AND carrier = ?";
const DUE: &str =
    "SELECT count(*) FROM (SELECT 1 FROM work WHERE kind = 0 AND carrier = ? AND due <= ? LIMIT ?)";
const OLDEST_IN_HAND: &str = "SELECT carrier, min(since) FROM
    (SELECT carrier, since FROM work WHERE owner IS NOT NULL AND kind = 0 LIMIT ?) GROUP BY carrier";
const OVERDUE: &str = "SELECT carrier, count(*) FROM
    (SELECT carrier FROM work WHERE kind > 0 AND kind = 2 AND due <= ? LIMIT ?) GROUP BY carrier";
const UNMATCHED: &str = "SELECT carrier, reports FROM waiting WHERE reports > 0";

/// The next account that has callbacks due at any time, and that has some that failed, behind another.
const NEXT_OWED: &str = "SELECT min(account) FROM callback WHERE due IS NOT NULL AND account > ?";
const NEXT_FAILED: &str = "SELECT min(account) FROM callback WHERE failed = 1 AND account > ?";
const OWED: &str =
    "SELECT count(*) FROM (SELECT 1 FROM callback WHERE account = ? AND due IS NOT NULL LIMIT ?)";
const FAILED: &str = "SELECT count(*) FROM (SELECT 1 FROM callback WHERE account = ? AND failed = 1 LIMIT ?)";
const OLDEST_OWED: &str = "SELECT min(at) FROM
    (SELECT at FROM callback WHERE account = ? AND due IS NOT NULL ORDER BY due LIMIT ?)";

/// What has not ended has work, and nothing else has.
const STANDING: &str =
    "SELECT m.carrier, m.account, m.state, count(*) FROM work w CROSS JOIN message m ON m.id = w.id
    GROUP BY m.carrier, m.account, m.state";

/// How old the queue of each carrier is that has one.
pub(super) fn ages(connection: &Connection, now: Timestamp) -> Result<Vec<QueueAge>> {
    let mut ages = Ages::default();
    let mut name = String::new();
    while let Some(next) = next(connection, NEXT_CARRIER, &name)? {
        let oldest: Option<i64> =
            connection.prepare_cached(OLDEST_WAITING)?.query_row([&next], |row| row.get(0))?;
        let due: i64 = connection
            .prepare_cached(DUE)?
            .query_row((&next, now.as_millisecond(), limit()), |row| row.get(0))?;
        let age = ages.of(next.clone());
        (age.oldest, age.due) = (oldest.map(time), counted(due));
        name = next;
    }
    each(connection, OLDEST_IN_HAND, [IN_HAND], |carrier, since| {
        let age = ages.of(carrier);
        age.oldest = age.oldest.into_iter().chain([time(since)]).min();
    })?;
    each(connection, OVERDUE, [now.as_millisecond(), limit()], |carrier, overdue| {
        ages.of(carrier).overdue = counted(overdue);
    })?;
    each(connection, UNMATCHED, [], |carrier, reports| {
        ages.of(carrier).unmatched = counted(reports);
    })?;
    Ok(ages.0.into_values().collect())
}

#[derive(Default)]
struct Ages(BTreeMap<String, QueueAge>);

impl Ages {
    fn of(&mut self, carrier: String) -> &mut QueueAge {
        self.0.entry(carrier).or_insert_with_key(|carrier| QueueAge {
            carrier: CarrierId(carrier.clone()),
            oldest: None,
            due: 0,
            overdue: 0,
            unmatched: 0,
        })
    }
}

/// What is owed to each account that is owed anything, or was.
pub(super) fn callbacks(connection: &Connection) -> Result<Vec<CallbackDepth>> {
    let mut depths = Vec::new();
    let mut name = String::new();
    loop {
        let owed = next(connection, NEXT_OWED, &name)?;
        let failed = next(connection, NEXT_FAILED, &name)?;
        let Some(account) = owed.into_iter().chain(failed).min() else { return Ok(depths) };
        let count = |query: &str| -> Result<u64> {
            let count = connection.prepare_cached(query)?.query_row((&account, limit()), |row| row.get(0));
            Ok(counted(count?))
        };
        let oldest: Option<i64> = connection
            .prepare_cached(OLDEST_OWED)?
            .query_row((&account, CALLBACKS_LOOKED_AT), |row| row.get(0))?;
        depths.push(CallbackDepth {
            account: AccountName(account.clone()),
            owed: count(OWED)?,
            failed: count(FAILED)?,
            oldest: oldest.map(time),
        });
        name = account;
    }
}

/// How many messages stand where that have not ended. It goes through all of them.
pub(super) fn standing(connection: &Connection) -> Result<Vec<(CarrierId, AccountName, State, u64)>> {
    let mut statement = connection.prepare(STANDING)?;
    let mut rows = statement.query([])?;
    let mut standing = Vec::new();
    while let Some(row) = rows.next()? {
        let carrier: String = row.get(0)?;
        let record = Record::new("message", carrier.clone(), row);
        standing.push((
            CarrierId(carrier),
            AccountName(row.get(1)?),
            record.state("state")?,
            counted(row.get(3)?),
        ));
    }
    Ok(standing)
}

fn next(connection: &Connection, query: &str, behind: &str) -> Result<Option<String>> {
    Ok(connection.prepare_cached(query)?.query_row([behind], |row| row.get(0))?)
}

fn each(
    connection: &Connection,
    query: &str,
    values: impl Params,
    mut take: impl FnMut(String, i64),
) -> Result<()> {
    let mut statement = connection.prepare_cached(query)?;
    let mut rows = statement.query(values)?;
    while let Some(row) = rows.next()? {
        take(row.get(0)?, row.get(1)?);
    }
    Ok(())
}

/// A count of rows.
fn counted(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}

fn limit() -> i64 {
    i64::try_from(COUNTED).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::{schema, search::plan};

    /// None goes through all that there is: each is a stretch of an index, or its first row.
    #[test]
    fn depths_and_ages_are_stretches_of_indices() {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::migrate(&mut connection).unwrap();
        for (query, walk) in [
            (NEXT_CARRIER, "SEARCH work USING INDEX work_send (carrier>?)"),
            (OLDEST_WAITING, "SEARCH work USING INDEX work_waiting (carrier=?)"),
            (DUE, "SEARCH work USING INDEX work_send (carrier=? AND due<?)"),
            (OLDEST_IN_HAND, "SEARCH work USING INDEX work_leased (owner>?)"),
            (OVERDUE, "SEARCH work USING INDEX work_timer (due<?)"),
            (NEXT_OWED, "SEARCH callback USING INDEX callback_due (account>?)"),
            (NEXT_FAILED, "SEARCH callback USING INDEX callback_failed (account>?)"),
            (OWED, "SEARCH callback USING INDEX callback_due (account=? AND due>?)"),
            (FAILED, "SEARCH callback USING INDEX callback_failed (account=?)"),
            (OLDEST_OWED, "SEARCH callback USING INDEX callback_due (account=? AND due>?)"),
        ] {
            let plan: Vec<String> =
                plan(&connection, query).iter().map(|step| step.replace("COVERING ", "")).collect();
            assert!(plan.iter().any(|step| step == walk), "{query}: {plan:?}");
            let scans = plan.iter().any(|step| step.starts_with("SCAN") && !step.contains("(subquery"));
            assert!(!scans, "{query}: {plan:?}");
        }
    }
}
