//! Partitions: what grows with traffic lies in tables of a day or of six hours, which are made ahead, and go whole.

use std::collections::BTreeSet;

use jiff::Timestamp;
use posthouse_core::lock::Mutex;
use tokio_postgres::error::SqlState;

use super::{
    partitioned::{HOUR_MS, Partitioned},
    session::{ConnectFault, Purpose, Session},
    statements::Statement,
    url::PostgresUrl,
    value::PgValue,
};

/// How far ahead partitions are made.
const AHEAD_MS: i64 = 48 * HOUR_MS;
/// What comes shortly after the border of two partitions may belong into the one before it, too ([`seen`](super::seen)), which there was no
/// need for where the store is new.
const BEHIND_MS: i64 = HOUR_MS;
/// How often a partition is tried to be made, when something holds a lock that is needed for it.
const TRIES: u32 = 10;

/// The partitions that are known to be there.
#[derive(Debug)]
pub(super) struct Partitions {
    url: PostgresUrl,
    known: Mutex<BTreeSet<(Partitioned, i64)>>,
}

impl Partitions {
    /// None, yet.
    pub(super) const fn new(url: PostgresUrl) -> Self {
        Self { url, known: Mutex::new(BTreeSet::new()) }
    }

    /// Makes the partitions that a statement writes into, by these keys, where they are missing.
    ///
    /// # Errors
    /// Those of the server.
    pub(super) async fn ensure<'a>(
        &self,
        statement: &Statement,
        keys: impl Iterator<Item = &'a PgValue>,
    ) -> Result<(), ConnectFault> {
        let Some(table) = statement.into else { return Ok(()) };
        let numbers = keys.filter_map(|key| match key {
            PgValue::Int(Some(key)) => Some(table.number(*key)),
            _ => None,
        });
        let missing: BTreeSet<(Partitioned, i64)> = {
            let known = self.known.lock();
            numbers.map(|number| (table, number)).filter(|one| !known.contains(one)).collect()
        };
        if missing.is_empty() { Ok(()) } else { self.make(&missing).await }
    }

    /// Makes those of an hour ago, now and the next two days. Called again and again.
    ///
    /// # Errors
    /// Those of the server.
    pub(super) async fn make_ahead(&self, now: Timestamp) -> Result<(), ConnectFault> {
        let mut missing = needed(now);
        {
            let known = self.known.lock();
            missing.retain(|one| !known.contains(one));
        }
        if missing.is_empty() { Ok(()) } else { self.make(&missing).await }
    }

    /// Forgets which are there: one that was known is not.
    pub(super) fn forget(&self) {
        self.known.lock().clear();
    }

    async fn make(&self, missing: &BTreeSet<(Partitioned, i64)>) -> Result<(), ConnectFault> {
        let session = Session::open(&self.url, Purpose::Define).await?;
        for (table, number) in missing {
            make(&session, *table, *number).await?;
            self.known.lock().insert((*table, *number));
        }
        Ok(())
    }
}

/// Those that are needed from a time on till they are made again.
fn needed(now: Timestamp) -> BTreeSet<(Partitioned, i64)> {
    let now = now.as_millisecond();
    let numbers = |table: Partitioned| {
        let number = |time: i64| time.div_euclid(table.span());
        number(now - BEHIND_MS)..=number(now + AHEAD_MS)
    };
    Partitioned::ALL.into_iter().flat_map(|table| numbers(table).map(move |number| (table, number))).collect()
}

/// Makes one, unless it is there: apart, and then attached, so that transactions which write into others do not wait for it.
async fn make(session: &Session, table: Partitioned, number: i64) -> Result<(), tokio_postgres::Error> {
    let (parent, partition) = (table.name(), table.partition(number));
    let (from, to) = (table.first(number), table.first(number + 1));
    let there = format!(
        "SELECT 1 FROM pg_inherits WHERE inhparent = '{parent}'::regclass AND inhrelid = to_regclass('{partition}')"
    );
    let stored = table.stored();
    let make = format!(
        "BEGIN; CREATE TABLE IF NOT EXISTS {partition} (LIKE {parent} INCLUDING ALL) {stored};
         ALTER TABLE {parent} ATTACH PARTITION {partition} FOR VALUES FROM ({from}) TO ({to}); COMMIT"
    );
    let mut tries = 0;
    loop {
        if !session.client.query(&there, &[]).await?.is_empty() {
            return Ok(());
        }
        let Err(error) = session.client.batch_execute(&make).await else { return Ok(()) };
        session.roll_back().await;
        tries += 1;
        // Another node makes it at this moment, or something holds a lock for a moment.
        let may_pass = error.code().is_some_and(|state| {
            [
                SqlState::DUPLICATE_TABLE,
                // The type of its rows comes before it.
                SqlState::DUPLICATE_OBJECT,
                SqlState::UNIQUE_VIOLATION,
                SqlState::LOCK_NOT_AVAILABLE,
                SqlState::T_R_DEADLOCK_DETECTED,
                SqlState::WRONG_OBJECT_TYPE,
                SqlState::INVALID_OBJECT_DEFINITION,
                SqlState::INTERNAL_ERROR,
            ]
            .contains(state)
        });
        if !may_pass || tries >= TRIES {
            return Err(error);
        }
        tokio::time::sleep(std::time::Duration::from_millis(20 << tries.min(5))).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::seen;

    /// A gateway that begins on an empty database at the stroke of an hour writes into the buckets on both sides of it.
    #[test]
    fn what_is_remembered_has_a_partition_whenever_the_store_was_made() {
        let at = |milliseconds: i64| Timestamp::from_millisecond(milliseconds).unwrap();
        let border = 82_870 * 6 * HOUR_MS;
        for made in [0, 1, 28_000, 59_999, 60_000, 3 * HOUR_MS, 6 * HOUR_MS - 60_000, 6 * HOUR_MS - 1] {
            let there = needed(at(border + made));
            for later in [0, 100, 60_000, 10 * 60_000, 24 * HOUR_MS, 47 * HOUR_MS] {
                for bucket in seen::buckets(at(border + made + later)) {
                    assert!(there.contains(&(Partitioned::Seen, bucket)), "{made} {later}");
                }
            }
        }
    }
}
