//! The read pool: sessions that cannot write, each with one read at a time, which are connected anew when they broke.

use std::sync::atomic::{AtomicBool, Ordering};

use posthouse_core::{
    lock::Mutex,
    store::{SEARCH_TIME, StoreError},
};
use tokio::sync::Semaphore;
use tokio_postgres::{Row, error::SqlState, types::ToSql};

use super::{
    fault::{BatchResult, is_lost, refused},
    session::{Purpose, Session, unavailable},
    statements::Statement,
    url::PostgresUrl,
    value::PgValue,
};

/// How many reads go on at once.
const CONNECTIONS: usize = 4;

/// A bounded number of sessions.
#[derive(Debug)]
pub(super) struct ReadPool {
    url: PostgresUrl,
    idle: Mutex<Vec<Session>>,
    room: Semaphore,
}

/// A session for some reads that belong together.
pub(super) struct PooledReader<'a> {
    pool: &'a ReadPool,
    session: Option<Session>,
    /// Whether a transaction was begun and has not ended: what follows on the session would see the moment of that.
    is_in_transaction: AtomicBool,
    _permit: tokio::sync::SemaphorePermit<'a>,
}

impl ReadPool {
    /// Connects when somebody reads.
    pub(super) const fn new(url: PostgresUrl) -> Self {
        Self { url, idle: Mutex::new(Vec::new()), room: Semaphore::const_new(CONNECTIONS) }
    }

    /// A session, when one is free.
    ///
    /// # Errors
    /// [`StoreError::Closed`]; and that the server is away.
    pub(super) async fn reader(&self) -> BatchResult<PooledReader<'_>, StoreError> {
        let permit = self.room.acquire().await.map_err(|_| StoreError::Closed)?;
        let idle = self.take();
        let session = match idle {
            Some(session) => session,
            None => Session::open(&self.url, Purpose::Read).await.map_err(|fault| unavailable(&fault))?,
        };
        let is_in_transaction = AtomicBool::new(false);
        Ok(PooledReader { pool: self, session: Some(session), is_in_transaction, _permit: permit })
    }

    fn take(&self) -> Option<Session> {
        let mut idle = self.idle.lock();
        idle.retain(|session| !session.client.is_closed());
        idle.pop()
    }

    /// The rows of one statement. One that finds its connection broken is tried once more on another.
    ///
    /// # Errors
    /// Those of every operation that reads.
    pub(super) async fn query(
        &self,
        statement: &'static Statement,
        values: Vec<PgValue>,
    ) -> BatchResult<Vec<Row>, StoreError> {
        match self.reader().await?.query(statement, &values).await {
            Err(StoreError::Overloaded) => self.reader().await?.query(statement, &values).await,
            answer => answer,
        }
    }

    /// Lets reads that go on end, then closes all connections.
    pub(super) async fn close(&self) {
        if let Ok(all) = self.room.acquire_many(u32::try_from(CONNECTIONS).unwrap_or(1)).await {
            all.forget();
        }
        self.room.close();
        self.idle.lock().clear();
    }
}

impl PooledReader<'_> {
    fn session(&self) -> BatchResult<&Session, StoreError> {
        self.session.as_ref().ok_or(StoreError::Closed)
    }

    /// The rows of one statement.
    ///
    /// # Errors
    /// [`StoreError::Overloaded`] where the connection broke.
    pub(super) async fn query(
        &self,
        statement: &'static Statement,
        values: &[PgValue],
    ) -> BatchResult<Vec<Row>, StoreError> {
        self.session()?.query(statement, values).await.map_err(|error| failed(&error))
    }

    /// The rows of a statement that is put together for what is looked for.
    ///
    /// # Errors
    /// Those of [`query`](Self::query).
    pub(super) async fn search(&self, sql: &str, values: &[PgValue]) -> BatchResult<Vec<Row>, StoreError> {
        let session = self.session()?;
        let types: Vec<_> = values
            .iter()
            .map(|value| {
                let kind = match value {
                    PgValue::Int(_) => super::value::Kind::Int,
                    PgValue::Text(_) => super::value::Kind::Text,
                    PgValue::Bytes(_) => super::value::Kind::Bytes,
                    PgValue::Bool(_) => super::value::Kind::Bool,
                };
                (value as &(dyn ToSql + Sync), kind.one())
            })
            .collect();
        // A search has less time than other reads: it is asked by people, and may be any.
        let limit = format!("SET statement_timeout = '{}s'", SEARCH_TIME.as_secs());
        let (limited, rows, unlimited) = tokio::join!(biased;
            session.client.batch_execute(&limit),
            session.client.query_typed(sql, &types),
            session.client.batch_execute("RESET statement_timeout; SET statement_timeout = '5s'"));
        limited.and(unlimited).map_err(|error| failed(&error))?;
        rows.map_err(|error| match error.code() {
            Some(state) if *state == SqlState::QUERY_CANCELED => StoreError::TooWide,
            _ => failed(&error),
        })
    }

    /// Begins to see one moment, till the session is given back.
    ///
    /// # Errors
    /// Those of [`query`](Self::query).
    pub(super) async fn begin(&self) -> BatchResult<(), StoreError> {
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        self.is_in_transaction.store(true, Ordering::Relaxed);
        self.session()?.client.batch_execute(begin).await.map_err(|error| failed(&error))
    }

    /// Sees what is there by now again.
    ///
    /// # Errors
    /// Those of [`query`](Self::query).
    pub(super) async fn end(mut self) -> BatchResult<(), StoreError> {
        let ended = self.session()?.client.batch_execute("ROLLBACK").await;
        match ended {
            Ok(()) => *self.is_in_transaction.get_mut() = false,
            Err(_) => self.session = None,
        }
        ended.map_err(|error| failed(&error))
    }
}

/// What a read fails with: nothing was written in any case.
fn failed(error: &tokio_postgres::Error) -> StoreError {
    if is_lost(error) { StoreError::Overloaded } else { refused(error) }
}

impl Drop for PooledReader<'_> {
    /// Who gave up in the middle of a transaction, for its asker has gone or a read failed, leaves a session that nobody else may have: its
    /// connection is closed, which ends the transaction.
    fn drop(&mut self) {
        if *self.is_in_transaction.get_mut() {
            return;
        }
        if let Some(session) = self.session.take().filter(|session| !session.client.is_closed()) {
            self.pool.idle.lock().push(session);
        }
    }
}
