//! Throws away days: their partitions, and the objects of that day.
//!
//! One of several nodes does it at a time (`job`), and each transaction that empties something makes sure that it still does. What comes
//! after that needs no such proof, for it is right whoever does it: a day that is empty stays so, for no message of it is there that
//! anything could be written about; and an old object that nothing refers to stays so, for rows refer to new objects only.
//!
//! A day is emptied in one transaction, which has its partitions to itself for a moment (whoever waits for them does so for a third of a
//! second at most): what is [needed](statements::DAY_NEEDED) is put aside, the partitions are truncated, and what is needed comes back into them.
//! Partitions without rows are taken out (`DETACH … CONCURRENTLY`: nobody waits for that) and dropped. None of it goes together with
//! making partitions (`upkeep.rs`), so that one cannot keep the other from being done.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use posthouse_core::{
    lock::Mutex,
    store::{StoreError, Swept},
};
use tokio::time::Instant;
use tokio_postgres::error::SqlState;

use super::{
    clock,
    days::{Calendar, DayPart, DayStep, DayTable, TakenOut, ids_of},
    fault::refused,
    old_objects,
    partition::Partitions,
    partitioned::Partitioned,
    reader::ReadPool,
    session::{PLANS, Purpose, Session, unavailable},
    statements::{self, Statement},
    url::PostgresUrl,
    value::{PgValue, parameters, values},
};
use crate::media::objects::bodies::MediaBodies;

/// What the job is called.
const JOB: &str = "retention";
/// How long somebody has it who does not say so again.
const JOB_MS: i64 = 5 * 60_000;
/// So many messages of a day at most are kept when it goes: where more are needed, the day waits.
const NEEDED: usize = 2000;
/// How long a day that could not go, or left something, is left alone.
const LATER: Duration = Duration::from_secs(3600);
/// How long others wait at most for the partitions of a day that is emptied.
const WAITS: &str = "300ms";
/// How often that is tried, and how long after each other.
const TRIES: u32 = 20;
const TRY_AGAIN: Duration = Duration::from_millis(500);
/// So many rows are deleted at a time that go with messages and lie in no partition.
const AT_A_TIME: usize = 5000;
/// How long an index is waited for that nobody may be in the way of.
const INDEX_WAITS: &str = "SET lock_timeout = '60s'";

/// Throws away days. One for each store that is open.
#[derive(Debug)]
pub(super) struct DayRetention {
    url: PostgresUrl,
    partitions: Arc<Partitions>,
    /// Which of those who may have the job this is.
    owner: i64,
    /// Held while it goes.
    going: tokio::sync::Mutex<()>,
    /// What is left alone for a while.
    later: Mutex<HashMap<(i64, DayPart), Instant>>,
    /// The days that have all their indices.
    indexed: Mutex<BTreeSet<i64>>,
}

/// Where it goes on.
pub(super) struct RetentionPlace<'a> {
    /// What reads.
    pub(super) readers: &'a ReadPool,
    /// The objects.
    pub(super) media: &'a MediaBodies,
    /// The partitions that there are.
    pub(super) calendar: &'a Calendar,
}

/// What a day was emptied of.
struct EmptiedDay {
    rows: u64,
    kept: u64,
}

impl DayRetention {
    /// For a database. `owner` is drawn by chance.
    pub(super) fn new(url: PostgresUrl, partitions: Arc<Partitions>, owner: i64) -> Self {
        Self {
            url,
            partitions,
            owner,
            going: tokio::sync::Mutex::default(),
            later: Mutex::default(),
            indexed: Mutex::default(),
        }
    }

    /// Throws away the days that are over when everything goes that ended before these times; nothing while another node does so.
    ///
    /// # Errors
    /// Those of every operation that writes. What went is gone, and the next call goes on.
    pub(super) async fn go(
        &self,
        place: &RetentionPlace<'_>,
        media_before: Timestamp,
        messages_before: Timestamp,
    ) -> Result<Swept, StoreError> {
        let mut swept = Swept::default();
        let Ok(_only) = self.going.try_lock() else { return Ok(swept) };
        let now = clock::marks(place.readers).await?.seen;
        let mut steps = Vec::new();
        for step in place.calendar.steps(media_before, messages_before) {
            let has_rows = has_rows(place.readers, &step).await?;
            if !has_rows || step.is_large && !self.is_left_alone(&step) {
                steps.push((step, has_rows));
            }
        }
        let forgotten = now.map(|now| place.calendar.forgotten(now)).unwrap_or_default();
        let closed = self.unindexed(now.map(|now| place.calendar.closed(now)).unwrap_or_default());
        let unfinished = &place.calendar.unfinished;
        let objects = old_objects::is_due(place.readers, media_before, now).await?;
        if steps.is_empty() && forgotten.is_empty() && closed.is_empty() && unfinished.is_empty() && !objects
        {
            return Ok(swept);
        }
        let session = self.session().await?;
        let failed = |error: tokio_postgres::Error| refused(&error);
        if session
            .query(&statements::JOB_TAKE, &parameters![JOB, self.owner, JOB_MS])
            .await
            .map_err(failed)?
            .is_empty()
        {
            return Ok(swept);
        }
        for table in unfinished.iter().chain(&forgotten) {
            self.take_out(&session, table, true).await.map_err(failed)?;
        }
        for (step, has_rows) in steps {
            let gone =
                self.day(&session, step, has_rows, media_before, messages_before).await.map_err(failed)?;
            swept.messages += gone.messages;
            swept.media += gone.media;
        }
        if objects {
            old_objects::go(place, &session, media_before, now).await?;
        }
        for table in closed {
            self.index(&session, table).await.map_err(failed)?;
        }
        session.query(&statements::JOB_LEAVE, &parameters![JOB, self.owner]).await.map_err(failed)?;
        Ok(swept)
    }

    async fn session(&self) -> Result<Session, StoreError> {
        let session = Session::open(&self.url, Purpose::Define).await.map_err(|fault| unavailable(&fault))?;
        session.client.batch_execute(PLANS).await.map_err(|error| refused(&error))?;
        Ok(session)
    }

    fn is_left_alone(&self, step: &DayStep) -> bool {
        let mut later = self.later.lock();
        later.retain(|_, until| Instant::now() < *until);
        later.contains_key(&(step.day, step.part))
    }

    fn leave_alone(&self, step: &DayStep) {
        if let Some(until) = Instant::now().checked_add(LATER) {
            self.later.lock().insert((step.day, step.part), until);
        }
    }

    /// Empties a day, and drops its partitions if nothing is left in them.
    async fn day(
        &self,
        session: &Session,
        step: DayStep,
        has_rows: bool,
        media_before: Timestamp,
        messages_before: Timestamp,
    ) -> Result<Swept, tokio_postgres::Error> {
        let mut swept = Swept::default();
        if has_rows {
            let before = if step.part == DayPart::Messages { messages_before } else { media_before };
            let Some(emptied) = self.empty(session, &step, before).await? else { return Ok(swept) };
            match step.part {
                DayPart::Messages => swept.messages = emptied.rows,
                DayPart::Media => swept.media = emptied.rows,
            }
            tracing::info!(
                day = step.day_name(),
                messages = emptied.rows,
                kept = emptied.kept,
                "a day was thrown away"
            );
            if emptied.kept > 0 {
                forget(session, &step).await?;
                self.leave_alone(&step);
                return Ok(swept);
            }
        }
        forget(session, &step).await?;
        for table in &step.tables {
            // Without their messages media are of no use.
            let is_guarded = step.part == DayPart::Media || table.table != Partitioned::Media;
            self.take_out(session, table, is_guarded).await?;
        }
        Ok(swept)
    }

    /// Empties the partitions of a day but for what is needed; `None` where that is too much, or others are in the way for too long.
    async fn empty(
        &self,
        session: &Session,
        step: &DayStep,
        before: Timestamp,
    ) -> Result<Option<EmptiedDay>, tokio_postgres::Error> {
        let (from, to) = ids_of(step.day);
        let needed =
            session.query(&statements::DAY_NEEDED, &parameters![from, to, before, NEEDED + 1]).await?;
        if needed.len() > NEEDED {
            tracing::warn!(
                day = step.day_name(),
                "more than {NEEDED} messages of a day that is over are still needed: it stays for now"
            );
            self.leave_alone(step);
            return Ok(None);
        }
        let needed: Vec<i64> = needed.iter().map(|row| row.try_get("id")).collect::<Result<_, _>>()?;
        let mut rows = 0;
        for table in step.tables.iter().filter(|table| counts(table.table, step.part)) {
            let count = format!("SELECT count(*) AS rows FROM {}", table.name());
            rows += session.client.query_one(&count, &[]).await?.try_get::<_, i64>("rows")?;
        }
        for _ in 0..TRIES {
            match self.empty_now(session, step, &needed).await {
                Ok(Some(kept)) => {
                    let (rows, kept) = (u64::try_from(rows).unwrap_or(0), u64::try_from(kept).unwrap_or(0));
                    return Ok(Some(EmptiedDay { rows: rows.saturating_sub(kept), kept }));
                }
                Ok(None) => {
                    session.roll_back().await;
                    return Ok(None);
                }
                Err(error) => {
                    session.roll_back().await;
                    let in_the_way = [&SqlState::LOCK_NOT_AVAILABLE, &SqlState::T_R_DEADLOCK_DETECTED];
                    if !error.code().is_some_and(|state| in_the_way.contains(&state)) {
                        return Err(error);
                    }
                    tokio::time::sleep(TRY_AGAIN).await;
                }
            }
        }
        Ok(None)
    }

    /// The transaction that does it, if the job is still this one's and not too much is needed by now; how many messages are kept.
    async fn empty_now(
        &self,
        session: &Session,
        step: &DayStep,
        needed: &[i64],
    ) -> Result<Option<i64>, tokio_postgres::Error> {
        let client = &session.client;
        client.batch_execute(&format!("BEGIN; SET LOCAL lock_timeout = '{WAITS}'")).await?;
        if session.query(&statements::JOB_HOLD, &parameters![JOB, self.owner]).await?.is_empty() {
            return Ok(None);
        }
        // What is awaited is needed, all of it.
        let tables: Vec<&DayTable> =
            step.tables.iter().filter(|table| table.table != Partitioned::Awaiting).collect();
        let names: Vec<String> = tables.iter().map(|table| table.name()).collect();
        client.batch_execute(&format!("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", names.join(", "))).await?;
        client.batch_execute("CREATE TEMP TABLE needed (id int8 PRIMARY KEY) ON COMMIT DROP").await?;
        client.execute("INSERT INTO needed SELECT DISTINCT unnest($1::int8[])", &[&needed]).await?;
        let (from, to) = ids_of(step.day);
        // What ended since they were looked for is among them; what is owed since then is seen now.
        client
            .batch_execute(&format!(
                "INSERT INTO needed SELECT message FROM callback WHERE message >= {from} AND message < {to} ON CONFLICT DO NOTHING"
            ))
            .await?;
        let kept: i64 = client.query_one("SELECT count(*) FROM needed", &[]).await?.try_get(0)?;
        if usize::try_from(kept).is_ok_and(|kept| kept > 2 * NEEDED) {
            return Ok(None);
        }
        if step.part == DayPart::Messages {
            client.batch_execute(&newest(&tables)).await?;
        }
        for table in tables {
            client.batch_execute(&renew(table, kept > 0)).await?;
        }
        client.batch_execute("COMMIT").await?;
        Ok(Some(kept))
    }

    /// Takes a partition out of its table and drops it: one that is guarded, if nothing is in it that may be needed.
    async fn take_out(
        &self,
        session: &Session,
        table: &DayTable,
        is_guarded: bool,
    ) -> Result<(), tokio_postgres::Error> {
        let (parent, name) = (table.table.name(), table.name());
        let detach = |how: &str| format!("ALTER TABLE {parent} DETACH PARTITION {name} {how}");
        let taken = match table.taken {
            TakenOut::Not => session.client.batch_execute(&detach("CONCURRENTLY")).await,
            TakenOut::Begun => session.client.batch_execute(&detach("FINALIZE")).await,
            TakenOut::Done => Ok(()),
        };
        self.partitions.forget();
        let mut done = taken;
        if done.is_ok() {
            done = session.client.batch_execute("BEGIN").await;
        }
        if done.is_ok() {
            done = drop_alone(session, table, is_guarded).await;
        }
        match done {
            Ok(()) => session.client.batch_execute("COMMIT").await,
            // Somebody reads, such as a backup: the next round goes on where this one stopped.
            Err(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => {
                session.roll_back().await;
                tracing::debug!(partition = name, "it is in use, and goes later");
                Ok(())
            }
            Err(error) => {
                session.roll_back().await;
                Err(error)
            }
        }
    }

    fn unindexed(&self, mut closed: Vec<DayTable>) -> Vec<DayTable> {
        let indexed = self.indexed.lock();
        closed.retain(|table| !indexed.contains(&table.number));
        closed
    }

    /// Makes the indices by keys that come in no order, now that nothing is written into the partition any more: while it grows, each would
    /// cost a page of the log for a row.
    async fn index(&self, session: &Session, table: DayTable) -> Result<(), tokio_postgres::Error> {
        let name = table.name();
        let client = &session.client;
        client.batch_execute(INDEX_WAITS).await?;
        let mut is_new = false;
        for column in ["recipient", "transaction_id"] {
            let index = format!("{name}_by_{column}");
            let found = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass($1)";
            let is_valid = client.query_opt(found, &[&index]).await?.map(|row| row.try_get(0)).transpose()?;
            if is_valid == Some(false) {
                client.batch_execute(&format!("DROP INDEX CONCURRENTLY IF EXISTS {index}")).await?;
            }
            if is_valid != Some(true) {
                let make =
                    format!("CREATE INDEX CONCURRENTLY IF NOT EXISTS {index} ON {name} ({column}, id)");
                client.batch_execute(&make).await?;
                is_new = true;
            }
        }
        if is_new {
            client.batch_execute(&format!("ANALYZE {name}")).await?;
        }
        self.indexed.lock().insert(table.number);
        Ok(())
    }
}

impl DayStep {
    fn day_name(&self) -> String {
        Partitioned::Message
            .partition(self.day)
            .split('_')
            .nth(1)
            .map(|day| day.trim_start_matches('p').to_owned())
            .unwrap_or_default()
    }
}

/// Whether the rows of this table are what is counted.
fn counts(table: Partitioned, part: DayPart) -> bool {
    match part {
        DayPart::Messages => matches!(table, Partitioned::Message | Partitioned::Mo),
        DayPart::Media => table == Partitioned::Media,
    }
}

/// The column by which rows of a partition belong to messages.
const fn key(table: Partitioned) -> &'static str {
    match table {
        Partitioned::Event | Partitioned::ReadReply | Partitioned::FailedAttempt => "message",
        _ => "id",
    }
}

/// Empties a partition, but for what belongs to messages that are needed.
fn renew(table: &DayTable, keeps: bool) -> String {
    let (name, key) = (table.name(), key(table.table));
    if !keeps {
        return format!("TRUNCATE {name}");
    }
    format!(
        "CREATE TEMP TABLE kept_{name} ON COMMIT DROP AS SELECT t.* FROM needed CROSS JOIN LATERAL (SELECT * FROM {name} WHERE {key} = needed.id OFFSET 0) t;
         TRUNCATE {name}; INSERT INTO {name} SELECT * FROM kept_{name}"
    )
}

/// Remembers the newest id of what goes: no later one may be below it.
fn newest(tables: &[&DayTable]) -> String {
    let of = |table: &&&DayTable| counts(table.table, DayPart::Messages);
    let newest: Vec<String> =
        tables.iter().filter(of).map(|table| format!("(SELECT max(id) FROM {})", table.name())).collect();
    format!(
        "INSERT INTO meta (name, value) SELECT 'newest_id', greatest(-1, {}) ON CONFLICT (name) DO UPDATE SET value = greatest(meta.value, excluded.value)",
        newest.join(", ")
    )
}

/// Drops a partition that is in no table any more. One in which there is something that may be needed goes back.
async fn drop_alone(
    session: &Session,
    table: &DayTable,
    is_guarded: bool,
) -> Result<(), tokio_postgres::Error> {
    let (parent, name) = (table.table.name(), table.name());
    let client = &session.client;
    client.batch_execute(&format!("LOCK TABLE {name} IN ACCESS EXCLUSIVE MODE")).await?;
    let may_be_needed = matches!(
        table.table,
        Partitioned::Message
            | Partitioned::Mo
            | Partitioned::Awaiting
            | Partitioned::Ended
            | Partitioned::Media
    );
    let found = format!("SELECT 1 FROM {name} LIMIT 1");
    if is_guarded && may_be_needed && client.query_opt(&found, &[]).await?.is_some() {
        let (from, to) = (table.table.first(table.number), table.table.first(table.number + 1));
        let back = format!("ALTER TABLE {parent} ATTACH PARTITION {name} FOR VALUES FROM ({from}) TO ({to})");
        return client.batch_execute(&back).await;
    }
    client.batch_execute(&format!("DROP TABLE {name}")).await
}

/// Throws away what belonged to messages of a day that are gone, and lies in no partition.
async fn forget(session: &Session, step: &DayStep) -> Result<(), tokio_postgres::Error> {
    if step.part == DayPart::Media {
        return Ok(());
    }
    let (from, to) = ids_of(step.day);
    for statement in
        [&statements::DAY_FORGET_FAILED, &statements::DAY_FORGET_TRIES, &statements::DAY_FORGET_RESUBMISSIONS]
    {
        while session.query(statement, &parameters![from, to, AT_A_TIME]).await?.len() == AT_A_TIME {}
    }
    Ok(())
}

/// Whether anything is left of what a step is about.
async fn has_rows(readers: &ReadPool, step: &DayStep) -> Result<bool, StoreError> {
    let (from, to) = ids_of(step.day);
    let statement: &'static Statement = match step.part {
        DayPart::Messages => &statements::DAY_HAS_MESSAGES,
        DayPart::Media => &statements::DAY_HAS_MEDIA,
    };
    let asked: Vec<PgValue> = values![from, to];
    let rows = readers.query(statement, asked).await?;
    rows.first().map_or(Ok(false), |row| row.try_get("has")).map_err(|error| refused(&error))
}
