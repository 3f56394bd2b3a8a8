//! The database's tables: migrations, in order, each once, and which programs may run on what they leave.
//!
//! What a migration does is expanding only, so that programs of the version before go on beside it: new tables, and new columns that may be
//! NULL. What is not needed any more goes in a later version, whose migration raises `schema_min`.

use posthouse_core::store::StoreError;
use tokio_postgres::Client;

use super::{
    fault::{self, ServerSaid},
    session::{ConnectFault, Purpose, Session},
    url::PostgresUrl,
};
use crate::error::OpenError;

/// A migration.
struct SchemaStep {
    version: i64,
    name: &'static str,
    sql: &'static str,
    /// The oldest program that runs on what it leaves, by the newest migration that it knows.
    oldest: i64,
}

/// Every migration, by version. One that was released never changes; the next version gets a new file.
const STEPS: &[SchemaStep] = &[
    SchemaStep {
        version: 1,
        name: "init",
        sql: include_str!("../../migrations/postgres/0001_init.sql"),
        oldest: 1,
    },
    SchemaStep {
        version: 2,
        name: "connection_override",
        sql: include_str!("../../migrations/postgres/0002_connection_override.sql"),
        oldest: 1,
    },
    SchemaStep {
        version: 3,
        name: "key_use",
        sql: include_str!("../../migrations/postgres/0003_key_use.sql"),
        oldest: 1,
    },
    SchemaStep {
        version: 4,
        name: "user",
        sql: include_str!("../../migrations/postgres/0004_user.sql"),
        oldest: 1,
    },
    SchemaStep {
        version: 5,
        name: "cdr",
        sql: include_str!("../../migrations/postgres/0005_cdr.sql"),
        oldest: 1,
    },
    SchemaStep {
        version: 6,
        name: "job",
        sql: include_str!("../../migrations/postgres/0006_job.sql"),
        oldest: 1,
    },
    SchemaStep {
        version: 7,
        name: "request_key",
        sql: include_str!("../../migrations/postgres/0007_request_key.sql"),
        oldest: 1,
    },
    SchemaStep {
        version: 8,
        name: "mo_account",
        sql: include_str!("../../migrations/postgres/0008_mo_account.sql"),
        oldest: 1,
    },
    SchemaStep {
        version: 9,
        name: "mo_sender",
        sql: include_str!("../../migrations/postgres/0009_mo_sender.sql"),
        oldest: 1,
    },
];

const TABLE: &str = "CREATE TABLE IF NOT EXISTS migration (
    version    int8 PRIMARY KEY,
    name       text NOT NULL,
    checksum   int8 NOT NULL,
    applied_at int8 NOT NULL
)";

/// What a new database begins with.
const FIRST: &str =
    "INSERT INTO meta (name, value, bytes) VALUES ('revision', 0, NULL), ('newest_id', -1, NULL),
    ('schema_min', 1, NULL), ('schema_max', 1, NULL), ('key', NULL, $1), ('identity', NULL, $2)";

/// What a database is found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FoundSchema {
    /// Nothing is in it.
    Nothing,
    /// A store, of this version: of the newest migration.
    Store(i64),
    /// Somebody else's tables.
    Others,
}

/// What is in the database.
///
/// # Errors
/// Those of the server.
pub(super) async fn look(client: &Client) -> Result<FoundSchema, tokio_postgres::Error> {
    let tables = "SELECT count(*) AS tables, count(*) FILTER (WHERE relname = 'migration') AS ours
                  FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm')";
    let row = client.query_one(tables, &[]).await?;
    let (tables, ours): (i64, i64) = (row.try_get("tables")?, row.try_get("ours")?);
    if ours == 0 {
        return Ok(if tables == 0 { FoundSchema::Nothing } else { FoundSchema::Others });
    }
    let meta = client.query_opt("SELECT 1 FROM pg_class WHERE oid = to_regclass('public.meta')", &[]).await?;
    if meta.is_none() {
        return Ok(FoundSchema::Others);
    }
    let row = client.query_one("SELECT max(version) AS version FROM migration", &[]).await?;
    Ok(row.try_get::<_, Option<i64>>("version")?.map_or(FoundSchema::Others, FoundSchema::Store))
}

/// Brings the database to this version, or finds it there.
///
/// # Errors
/// That it is not a store's, is newer than this program, or older where it must not be changed.
pub(super) async fn bring_up_to_date(
    url: &PostgresUrl,
    may_make: bool,
    may_migrate: bool,
) -> Result<(), OpenError> {
    let unreachable = |fault: ConnectFault| unreachable(url, &fault);
    let session = Session::open(url, Purpose::Define).await.map_err(unreachable)?;
    let refused = |error: tokio_postgres::Error| refused(url, &error);
    let found = look(&session.client).await.map_err(refused)?;
    check(url, found, may_make)?;
    let missing = missing(url, &session.client, found).await?;
    if missing.is_empty() {
        return Ok(());
    }
    if !may_migrate && found != FoundSchema::Nothing {
        return Err(OpenError::BringsItselfUp(url.to_string()));
    }
    migrate(&session.client).await.map_err(refused)
}

/// Whether this program may run on what was found.
fn check(url: &PostgresUrl, found: FoundSchema, may_make: bool) -> Result<(), OpenError> {
    match found {
        FoundSchema::Others => Err(OpenError::NotOurs(url.to_string())),
        FoundSchema::Nothing if !may_make => Err(OpenError::Absent(url.to_string())),
        FoundSchema::Nothing | FoundSchema::Store(_) => Ok(()),
    }
}

/// The newest migration that this program knows.
fn known() -> i64 {
    STEPS.last().map_or(0, |step| step.version)
}

/// Why a gateway of this program may not go on while it runs, where `schema_min` is `oldest` by now: a newer version has taken away what
/// this one needs.
pub(super) fn outdated(oldest: Option<i64>) -> Option<String> {
    let (oldest, known) = (oldest.unwrap_or(0), known());
    (oldest > known).then(|| {
        format!("the store needs programs that know version {oldest} of it from now on, and this one knows versions up to {known}; run the newer program")
    })
}

/// The migrations that are to come. What is newer than this program is so only where it says that this one may run on it.
async fn missing(
    url: &PostgresUrl,
    client: &Client,
    found: FoundSchema,
) -> Result<Vec<&'static SchemaStep>, OpenError> {
    let FoundSchema::Store(found) = found else { return Ok(STEPS.iter().collect()) };
    let known = known();
    let refused = |error: tokio_postgres::Error| refused(url, &error);
    let oldest = "SELECT value FROM meta WHERE name = 'schema_min'";
    let oldest = client.query_opt(oldest, &[]).await.map_err(refused)?;
    let oldest = oldest.and_then(|row| row.try_get::<_, Option<i64>>(0).ok().flatten()).unwrap_or(0);
    if oldest > known {
        return Err(OpenError::Newer { store: format!("the store at {url}"), found, known });
    }
    let applied = client.query("SELECT version, checksum FROM migration", &[]).await.map_err(refused)?;
    let mut missing = Vec::new();
    for step in STEPS {
        let same = |row: &&tokio_postgres::Row| row.try_get::<_, i64>(0).is_ok_and(|one| one == step.version);
        match applied.iter().find(same).map(|row| row.try_get::<_, i64>(1)) {
            None => missing.push(step),
            Some(checksum) if checksum.as_ref().is_ok_and(|one| *one == sum(step)) => {}
            Some(_) => return Err(OpenError::Altered { version: step.version, name: step.name }),
        }
    }
    Ok(missing)
}

/// Applies what is missing, all or nothing. Several nodes that start at once do it one after the other.
async fn migrate(client: &Client) -> Result<(), tokio_postgres::Error> {
    // Making the first table is itself a race: whoever loses it waits for the other, and finds it made.
    let mut tries = 0;
    while let Err(error) = apply_all(client).await {
        tries += 1;
        if tries == 3 || client.is_closed() {
            return Err(error);
        }
        client.batch_execute("ROLLBACK").await?;
    }
    Ok(())
}

/// In one transaction with the table that says what was applied: nobody sees that without what it is about.
async fn apply_all(client: &Client) -> Result<(), tokio_postgres::Error> {
    client.batch_execute("BEGIN; SET LOCAL lock_timeout = '30s'").await?;
    client.batch_execute(TABLE).await?;
    client.batch_execute("LOCK TABLE migration IN EXCLUSIVE MODE").await?;
    for step in STEPS {
        apply(client, step).await?;
    }
    client.batch_execute("COMMIT").await
}

async fn apply(client: &Client, step: &SchemaStep) -> Result<(), tokio_postgres::Error> {
    let known = "SELECT 1 FROM migration WHERE version = $1";
    if client.query_opt(known, &[&step.version]).await?.is_some() {
        return Ok(());
    }
    client.batch_execute(step.sql).await?;
    if step.version == 1 {
        let (mut key, mut identity) = ([0_u8; 32], [0_u8; 16]);
        // Without randomness nothing can be made, and the key would be a guess.
        if getrandom::fill(&mut key).is_err() || getrandom::fill(&mut identity).is_err() {
            client.batch_execute("SELECT 1 / 0").await?;
        }
        client.execute(FIRST, &[&&key[..], &&identity[..]]).await?;
    }
    let range = "UPDATE meta SET value = CASE name WHEN 'schema_min' THEN $1::int8 ELSE $2::int8 END
                 WHERE name IN ('schema_min', 'schema_max')";
    client.execute(range, &[&step.oldest, &step.version]).await?;
    let note = "INSERT INTO migration (version, name, checksum, applied_at)
                VALUES ($1, $2, $3, (extract(epoch FROM now()) * 1000)::int8)";
    client.execute(note, &[&step.version, &step.name, &sum(step)]).await?;
    Ok(())
}

fn sum(step: &SchemaStep) -> i64 {
    crc32fast::hash(step.sql.as_bytes()).into()
}

/// That the server cannot be reached, or does not let us in.
pub(super) fn unreachable(url: &PostgresUrl, fault: &ConnectFault) -> OpenError {
    OpenError::Unreachable { url: url.to_string(), what: fault.to_string() }
}

/// That the server does not do what is asked.
pub(super) fn refused(url: &PostgresUrl, error: &tokio_postgres::Error) -> OpenError {
    if fault::is_lost(error) {
        return OpenError::Unreachable { url: url.to_string(), what: ServerSaid(error).to_string() };
    }
    OpenError::PostgresRefused { url: url.to_string(), what: ServerSaid(error).to_string() }
}

/// That what is stored cannot be taken up.
pub(super) fn unreadable(error: StoreError) -> OpenError {
    OpenError::Recovery(error.to_string())
}
