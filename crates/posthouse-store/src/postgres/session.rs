//! One connection to the server, with the statements that are prepared on it.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use posthouse_core::{lock::Mutex, store::StoreError};
use tokio_postgres::{AsyncMessage, Client, Config, NoTls, Row, Statement as Prepared, tls::MakeTlsConnect};

use super::{
    fault::ServerSaid,
    statements::Statement,
    tls::ServerTls,
    url::PostgresUrl,
    value::{Kind, PgValue},
};

/// After what time it is worth asking again, when the database is away.
const RETRY_AFTER: Duration = Duration::from_secs(5);
/// How long connecting may take, with all hosts tried.
const CONNECTING: Duration = Duration::from_secs(10);
/// How long undoing a transaction is waited for.
const ROLLING_BACK: Duration = Duration::from_secs(5);

/// What keeps plans to indices, whatever statistics say, and to one core: workers beside it would sort what is walked, and take from messages.
pub(super) const PLANS: &str = "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET random_page_cost = 1.1;
    SET plan_cache_mode = force_generic_plan; SET jit = off; SET max_parallel_workers_per_gather = 0; SET client_min_messages = warning;
    SET search_path = public; SET timezone = 'UTC';";

/// Of those that write: commits wait for what the operator said, and for nothing less; locks are waited for a moment.
const WRITER: &str = "SET default_transaction_isolation = 'read committed'; SET lock_timeout = '10s'; SET statement_timeout = 0;
    SET idle_in_transaction_session_timeout = '60s';";

/// Of those that read: nothing is written, and no snapshot is held for long.
const READER: &str = "SET default_transaction_read_only = on; SET statement_timeout = '5s';
    SET idle_in_transaction_session_timeout = '10s';";

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Batches of writing operations.
    Write,
    /// Reads.
    Read,
    /// Tables and partitions.
    Define,
}

/// Why there is no connection.
#[derive(Debug)]
pub(super) enum ConnectFault {
    /// Nobody answered in time.
    Slow,
    /// No host took it.
    Refused(tokio_postgres::Error),
}

impl From<tokio_postgres::Error> for ConnectFault {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Refused(error)
    }
}

impl fmt::Display for ConnectFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Slow => write!(f, "no host answered within {} s", CONNECTING.as_secs()),
            Self::Refused(error) => ServerSaid(error).fmt(f),
        }
    }
}

/// A connection.
#[derive(Debug)]
pub(super) struct Session {
    /// What sends.
    pub(super) client: Client,
    prepared: Mutex<HashMap<usize, Prepared>>,
    wait_was_cancelled: Arc<AtomicBool>,
}

impl Session {
    /// Connects, to the first host that takes writes.
    pub(super) async fn open(url: &PostgresUrl, purpose: Purpose) -> Result<Self, ConnectFault> {
        let config = url.config();
        let session = match url.tls() {
            None => Self::connect(config, NoTls).await?,
            Some(tls) => Self::connect(config, ServerTls::clone(tls)).await?,
        };
        let settings = match purpose {
            Purpose::Write => format!("{PLANS}{WRITER}"),
            Purpose::Read => format!("{PLANS}{READER}"),
            Purpose::Define => {
                "SET lock_timeout = '2s'; SET client_min_messages = warning; SET search_path = public"
                    .to_owned()
            }
        };
        session.client.batch_execute(&settings).await?;
        Ok(session)
    }

    async fn connect<T>(config: &Config, tls: T) -> Result<Self, ConnectFault>
    where
        T: MakeTlsConnect<tokio_postgres::Socket> + Send + 'static,
        T::Stream: Send + 'static,
        T::TlsConnect: Send,
        <T::TlsConnect as tokio_postgres::tls::TlsConnect<tokio_postgres::Socket>>::Future: Send,
    {
        let connecting = tokio::time::timeout(CONNECTING, config.connect(tls));
        let (client, mut connection) = connecting.await.map_err(|_| ConnectFault::Slow)??;
        let wait_was_cancelled = Arc::new(AtomicBool::new(false));
        let notes = Arc::clone(&wait_was_cancelled);
        tokio::spawn(async move {
            while let Some(message) = std::future::poll_fn(|context| connection.poll_message(context)).await {
                match message {
                    Ok(AsyncMessage::Notice(notice)) => {
                        if notice.message().contains("canceling wait for synchronous replication") {
                            notes.store(true, Ordering::SeqCst);
                        }
                        tracing::warn!(said = notice.message(), "PostgreSQL");
                    }
                    Ok(_) => {}
                    // Whoever waits for an answer learns of it.
                    Err(_) => break,
                }
            }
        });
        Ok(Self { client, prepared: Mutex::new(HashMap::new()), wait_was_cancelled })
    }

    /// A statement, prepared once for each connection.
    pub(super) async fn prepared(&self, statement: &Statement) -> Result<Prepared, tokio_postgres::Error> {
        let found = self.prepared.lock().get(&statement.rank).cloned();
        if let Some(prepared) = found {
            return Ok(prepared);
        }
        let type_of = |kind: &Kind| if statement.is_batched { kind.many() } else { kind.one() };
        let types: Vec<_> = statement.takes.iter().map(type_of).collect();
        let prepared = self.client.prepare_typed(statement.sql, &types).await?;
        self.prepared.lock().insert(statement.rank, prepared.clone());
        Ok(prepared)
    }

    /// The rows of a statement that takes one value each.
    pub(super) async fn query(
        &self,
        statement: &Statement,
        values: &[PgValue],
    ) -> Result<Vec<Row>, tokio_postgres::Error> {
        let prepared = self.prepared(statement).await?;
        let values: Vec<_> =
            values.iter().map(|value| value as &(dyn tokio_postgres::types::ToSql + Sync)).collect();
        self.client.query(&prepared, &values).await
    }

    /// Undoes what was begun. A connection on which that fails is of no more use, which the next batch finds out; where the server takes
    /// its time, what comes next on this connection stands behind it.
    pub(super) async fn roll_back(&self) {
        match tokio::time::timeout(ROLLING_BACK, self.client.batch_execute("ROLLBACK")).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "rolling back"),
            Err(_) => tracing::debug!("rolling back takes longer than {} s", ROLLING_BACK.as_secs()),
        }
    }

    /// Whether somebody cancelled the wait for a standby since the last commit was sent: what was committed may still be lost.
    pub(super) fn was_wait_cancelled(&self) -> bool {
        self.wait_was_cancelled.load(Ordering::SeqCst)
    }

    /// Before the next commit is sent.
    pub(super) fn forget_notices(&self) {
        self.wait_was_cancelled.store(false, Ordering::SeqCst);
    }
}

/// That the database cannot be reached.
pub(super) fn unavailable(fault: &ConnectFault) -> StoreError {
    tracing::debug!(%fault, "PostgreSQL cannot be reached");
    away()
}

/// That the database is known to be away.
pub(super) const fn away() -> StoreError {
    StoreError::Unavailable { retry_after: RETRY_AFTER }
}
