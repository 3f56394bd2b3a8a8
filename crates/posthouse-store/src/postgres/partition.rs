//! Partitions: what grows with traffic lies in tables of a day or of six hours, which are made ahead, and go whole.

use std::collections::BTreeSet;

use jiff::Timestamp;
use posthouse_core::{Id, lock::Mutex};
use tokio_postgres::error::SqlState;

use super::{
    session::{ConnectFault, Purpose, Session},
    statements::Statement,
    url::PostgresUrl,
    value::Value,
};

/// How far ahead partitions are made.
const AHEAD_MS: i64 = 48 * HOUR_MS;
const HOUR_MS: i64 = 3_600_000;
/// How often a partition is tried to be made, when something holds a lock that is needed for it.
const TRIES: u32 = 10;

/// A table in partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Table {
    /// `message`
    Message,
    /// `seen`
    Seen,
    /// `awaiting`
    Awaiting,
    /// `ended`
    Ended,
    /// `event`
    Event,
    /// `read_reply`
    ReadReply,
    /// `media`
    Media,
    /// `mo`
    Mo,
    /// `failed_attempt`
    FailedAttempt,
}

impl Table {
    /// All of them.
    pub(super) const ALL: [Self; 9] = [
        Self::Message,
        Self::Seen,
        Self::Awaiting,
        Self::Ended,
        Self::Event,
        Self::ReadReply,
        Self::Media,
        Self::Mo,
        Self::FailedAttempt,
    ];

    /// Its name.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Seen => "seen",
            Self::Awaiting => "awaiting",
            Self::Ended => "ended",
            Self::Event => "event",
            Self::ReadReply => "read_reply",
            Self::Media => "media",
            Self::Mo => "mo",
            Self::FailedAttempt => "failed_attempt",
        }
    }

    /// How long each of its partitions is, in milliseconds.
    const fn span(self) -> i64 {
        match self {
            Self::Seen | Self::Awaiting => 6 * HOUR_MS,
            _ => 24 * HOUR_MS,
        }
    }

    /// Which partition a key is in, by its number since 1970.
    fn number(self, key: i64) -> i64 {
        match self {
            Self::Seen => key,
            _ => Id::from_number(key).map_or(0, |id| id.time().as_millisecond().div_euclid(self.span())),
        }
    }

    /// The first key of a partition.
    fn first(self, number: i64) -> i64 {
        match self {
            Self::Seen => number,
            _ => {
                let time = Timestamp::from_millisecond(number.saturating_mul(self.span()));
                Id::first_at(time.unwrap_or(Timestamp::MAX)).number()
            }
        }
    }

    /// The name of a partition: when it begins, UTC.
    fn partition(self, number: i64) -> String {
        let time = Timestamp::from_millisecond(number.saturating_mul(self.span())).unwrap_or(Timestamp::MAX);
        format!("{}_p{}", self.name(), time.strftime("%Y%m%d_%H"))
    }
}

/// The bucket of `seen` at a time.
pub(super) fn bucket(at: Timestamp) -> i64 {
    at.as_millisecond().div_euclid(Table::Seen.span())
}

/// The partitions that are known to be there.
#[derive(Debug)]
pub(super) struct Partitions {
    url: PostgresUrl,
    known: Mutex<BTreeSet<(Table, i64)>>,
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
        keys: impl Iterator<Item = &'a Value>,
    ) -> Result<(), ConnectFault> {
        let Some(table) = statement.into else { return Ok(()) };
        let numbers = keys.filter_map(|key| match key {
            Value::Int(Some(key)) => Some(table.number(*key)),
            _ => None,
        });
        let missing: BTreeSet<(Table, i64)> = {
            let known = self.known.lock();
            numbers.map(|number| (table, number)).filter(|one| !known.contains(one)).collect()
        };
        if missing.is_empty() { Ok(()) } else { self.make(&missing).await }
    }

    /// Makes those of now and the next two days. Called again and again.
    ///
    /// # Errors
    /// Those of the server.
    pub(super) async fn make_ahead(&self, now: Timestamp) -> Result<(), ConnectFault> {
        let now = now.as_millisecond();
        let mut missing = BTreeSet::new();
        for table in Table::ALL {
            let (first, last) = (now.div_euclid(table.span()), (now + AHEAD_MS).div_euclid(table.span()));
            missing.extend((first..=last).map(|number| (table, number)));
        }
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

    async fn make(&self, missing: &BTreeSet<(Table, i64)>) -> Result<(), ConnectFault> {
        let session = Session::open(&self.url, Purpose::Define).await?;
        for (table, number) in missing {
            make(&session, *table, *number).await?;
            self.known.lock().insert((*table, *number));
        }
        Ok(())
    }
}

/// Makes one, unless it is there: apart, and then attached, so that nobody waits for it who writes into others.
async fn make(session: &Session, table: Table, number: i64) -> Result<(), tokio_postgres::Error> {
    let (parent, partition) = (table.name(), table.partition(number));
    let (from, to) = (table.first(number), table.first(number + 1));
    let there = format!(
        "SELECT 1 FROM pg_inherits WHERE inhparent = '{parent}'::regclass AND inhrelid = to_regclass('{partition}')"
    );
    let make = format!(
        "BEGIN; CREATE TABLE IF NOT EXISTS {partition} (LIKE {parent} INCLUDING ALL);
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

    #[test]
    fn a_key_is_in_the_partition_of_its_time() {
        let at = |milliseconds| Timestamp::from_millisecond(milliseconds).unwrap();
        let midnight = 1_790_035_200_000;
        for (table, time, name) in [
            (Table::Message, midnight, "message_p20260922_00"),
            (Table::Message, midnight - 1, "message_p20260921_00"),
            (Table::Awaiting, midnight - 1, "awaiting_p20260921_18"),
        ] {
            let key = Id::first_at(at(time)).number();
            let number = table.number(key);
            assert_eq!(table.partition(number), name);
            assert!(table.first(number) <= key && key < table.first(number + 1), "{name}");
        }
        let bucket = bucket(at(midnight));
        assert_eq!(Table::Seen.partition(Table::Seen.number(bucket)), "seen_p20260922_00");
    }
}
