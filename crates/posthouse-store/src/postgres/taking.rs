//! Writes what is taken over from another store: many rows in one statement, a page of messages in one transaction.

use std::{collections::BTreeMap, fmt};

use jiff::{SignedDuration, Timestamp};
use posthouse_core::{
    Id,
    message::Digest,
    store::{StoreError, StoreResult, UpkeepStore as _},
};
use tokio_postgres::types::ToSql;

use super::{
    PostgresOptions, PostgresStore,
    accept::key_of,
    fault::refused,
    mo::{linked_key, mo_key},
    partition::Partitions,
    schema,
    seen::{self, SeenKey},
    session::{Purpose, Session},
    statements::{self, Statement},
    url::PostgresUrl,
    value::PgValue,
};
use crate::{
    error::{OpenError, TransferError},
    media::{
        location::MediaPlace,
        objects::{
            bodies::{KeptMedia, KeptPlace},
            pack::Heading,
        },
    },
    sqlite::{
        Mode,
        taking::{MO_KEYS, TakenCell, TakenKind, TakenRest, TakenRows, TakenTable, TransferPage, number},
    },
};

/// From which store it was, while that is not finished; and afterwards.
const MOVING: &str = "moving_from";
const MOVED: &str = "moved_from";
/// Messages of so long ago are not repeated any more.
const SEEN_FOR: SignedDuration = SignedDuration::from_hours(30);

/// A store that takes over what another one holds.
pub(crate) struct TransferTarget {
    store: PostgresStore,
    session: Session,
    partitions: Partitions,
    shown: String,
}

impl fmt::Display for TransferTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl TransferTarget {
    /// Opens an empty one, or one that this other store, `identity`, was being taken over into.
    ///
    /// # Errors
    /// Why it cannot be.
    pub(crate) async fn open(
        url: &PostgresUrl,
        media: &MediaPlace,
        identity: &str,
    ) -> Result<Self, TransferError> {
        let options = PostgresOptions {
            url: String::new(),
            media: media.clone(),
            mode: Mode::Serve,
            create: true,
            require_standbys: false,
            is_moving: true,
        };
        let shown = url.to_string();
        let wrong = |source: OpenError| TransferError::Open { which: shown.clone(), source };
        let store = PostgresStore::open_at(url.clone(), &options).await.map_err(wrong)?;
        let session = connect(url).await?;
        let target = Self { store, session, partitions: Partitions::new(url.clone()), shown };
        target.begin(identity).await?;
        Ok(target)
    }

    /// The store as others see it.
    pub(crate) const fn store(&self) -> &PostgresStore {
        &self.store
    }

    /// Closes it.
    pub(crate) async fn close(&self) {
        self.store.close().await.ok();
    }

    async fn begin(&self, identity: &str) -> Result<(), TransferError> {
        let failed = |error: StoreError| TransferError::Failed {
            what: "the PostgreSQL store cannot be used",
            source: error,
        };
        match self.note(MOVED).await.map_err(failed)? {
            Some(same) if same == identity => return Err(TransferError::Done(self.shown.clone())),
            Some(_) => return Err(TransferError::NotEmpty(self.shown.clone())),
            None => {}
        }
        match self.note(MOVING).await.map_err(failed)? {
            Some(other) if other != identity => return Err(TransferError::Other(self.shown.clone())),
            Some(_) => return Ok(()),
            None => {}
        }
        let something = "SELECT 1 FROM message UNION ALL SELECT 1 FROM mo UNION ALL SELECT 1 FROM account
                         UNION ALL SELECT 1 FROM carrier UNION ALL SELECT 1 FROM revision UNION ALL SELECT 1 FROM token
                         UNION ALL SELECT 1 FROM \"user\" UNION ALL SELECT 1 FROM node LIMIT 1";
        let found =
            self.session.client.query_opt(something, &[]).await.map_err(|error| failed(refused(&error)))?;
        if found.is_some() {
            return Err(TransferError::NotEmpty(self.shown.clone()));
        }
        self.set_note(MOVING, Some(identity)).await.map_err(failed)
    }

    async fn note(&self, name: &str) -> StoreResult<Option<String>> {
        let select = "SELECT bytes FROM meta WHERE name = $1";
        let row = self.session.client.query_opt(select, &[&name]).await.map_err(|error| refused(&error))?;
        let bytes: Option<Vec<u8>> =
            row.map_or(Ok(None), |row| row.try_get("bytes")).map_err(|error| refused(&error))?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    async fn set_note(&self, name: &str, value: Option<&str>) -> StoreResult<()> {
        set_note(&self.session, name, value.map(str::as_bytes)).await
    }

    /// Up to which id messages of a kind were taken over.
    ///
    /// # Errors
    /// Those of every operation that reads.
    pub(crate) async fn taken(&self, name: &str) -> StoreResult<i64> {
        let select = "SELECT value FROM meta WHERE name = $1";
        let row = self.session.client.query_opt(select, &[&name]).await.map_err(|error| refused(&error))?;
        let value: Option<i64> =
            row.map_or(Ok(None), |row| row.try_get("value")).map_err(|error| refused(&error))?;
        Ok(value.unwrap_or(-1))
    }

    /// Takes a page over: media first, then all rows and how far it came, in one transaction.
    ///
    /// # Errors
    /// Those of every operation that writes.
    pub(crate) async fn take(&mut self, kind: &str, page: &TransferPage) -> StoreResult<()> {
        let headings = headings(page);
        let keeping =
            page.media.iter().map(|(id, parts)| self.store.media.keep_known(*id, parts, headings.get(id)));
        let mut kept = Vec::new();
        for media in futures_util::future::join_all(keeping).await {
            kept.extend(media?);
        }
        let seen = seen_rows(page);
        self.make_partitions(page, &seen).await?;
        let transaction = self.session.client.transaction();
        let transaction = transaction.await.map_err(|error| refused(&error))?;
        let written = async {
            for TakenRows { table, rows } in page.rows.iter().filter(|rows| rows.table.name != MO_KEYS) {
                insert(&transaction, table, rows).await?;
            }
            insert_media(&transaction, &kept).await?;
            insert_seen(&transaction, &seen).await?;
            let upto = "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
            transaction.execute(upto, &[&kind, &page.last()]).await
        };
        written.await.map_err(|error| refused(&error))?;
        transaction.commit().await.map_err(|error| refused(&error))
    }

    async fn make_partitions(&self, page: &TransferPage, seen: &[SeenRow]) -> StoreResult<()> {
        let away = |fault| StoreError::not_done(format!("a partition cannot be made: {fault}"));
        let keys: Vec<PgValue> = page.ids.iter().map(|id| PgValue::Int(Some(id.number()))).collect();
        for statement in INTO {
            self.partitions.ensure(statement, keys.iter()).await.map_err(away)?;
        }
        let buckets: Vec<PgValue> = seen.iter().map(|row| PgValue::Int(Some(row.bucket))).collect();
        self.partitions.ensure(&statements::SEEN_ADD, buckets.iter()).await.map_err(away)
    }

    /// Takes over what does not belong to a message; from then on the store is whole.
    ///
    /// # Errors
    /// Those of every operation that writes.
    pub(crate) async fn finish(&mut self, rest: TakenRest) -> StoreResult<()> {
        let moving = self.note(MOVING).await?.unwrap_or_default();
        let transaction = self.session.client.transaction();
        let transaction = transaction.await.map_err(|error| refused(&error))?;
        let written = async {
            for TakenRows { table, rows } in &rest.tables {
                transaction.execute(&format!("DELETE FROM {}", table.name), &[]).await?;
                for rows in rows.chunks(1000) {
                    insert(&transaction, table, rows).await?;
                }
            }
            let set = "INSERT INTO meta (name, value, bytes) VALUES ($1, $2, $3)
                       ON CONFLICT (name) DO UPDATE SET value = excluded.value, bytes = excluded.bytes";
            for (name, value) in &rest.numbers {
                transaction.execute(set, &[name, value, &None::<Vec<u8>>]).await?;
            }
            transaction.execute(set, &[&"key", &None::<i64>, &rest.key]).await?;
            transaction.execute(set, &[&MOVED, &None::<i64>, &moving.as_bytes()]).await?;
            transaction.execute("DELETE FROM meta WHERE name = $1", &[&MOVING]).await
        };
        written.await.map_err(|error| refused(&error))?;
        transaction.commit().await.map_err(|error| refused(&error))
    }

    /// Takes back that it is whole, as long as no gateway served it.
    ///
    /// # Errors
    /// [`TransferError::Served`], and that it cannot be reached.
    pub(crate) async fn take_back(url: &PostgresUrl) -> Result<(), TransferError> {
        let (session, shown) = (connect(url).await?, url.to_string());
        let failed = |error: tokio_postgres::Error| TransferError::Failed {
            what: "the PostgreSQL store cannot be used",
            source: refused(&error),
        };
        // Every gateway that comes has a row in `node`, which stays.
        let served = session.client.query_opt("SELECT 1 FROM node LIMIT 1", &[]).await.map_err(failed)?;
        if served.is_some() {
            return Err(TransferError::Served(shown));
        }
        let ours = session.client.query_opt("SELECT 1 FROM meta WHERE name IN ($1, $2)", &[&MOVING, &MOVED]);
        if ours.await.map_err(failed)?.is_none() {
            return Err(TransferError::NotEmpty(shown));
        }
        session.client.batch_execute(EMPTY).await.map_err(failed)
    }
}

/// Makes a store empty that no gateway has served. Objects are orphans then.
const EMPTY: &str = "BEGIN;
    TRUNCATE message, seen, work, awaiting, ended, event, read_reply, media, object, failed_attempt, mo, callback, callback_failed,
        callback_attempt, unmatched_report, unreadable, account, carrier, lookup, range, blacklist, audit, revision, revised, endpoint,
        mo_for_nobody, operation, operation_item, resubmission, refusal, token, \"user\", session, key_use, connection_override, cdr_pending, cdr_file, request_key;
    DELETE FROM meta WHERE name IN ('moving_from', 'moved_from', 'taken_message', 'taken_mo', 'clock_seen', 'clock_confirmed',
        'media_place');
    UPDATE meta SET value = CASE name WHEN 'revision' THEN 0 ELSE -1 END WHERE name IN ('revision', 'newest_id');
    COMMIT";

/// Whether a store is only in part what is taken over into it.
pub(super) const UNFINISHED: &str = MOVING;

async fn connect(url: &PostgresUrl) -> Result<Session, TransferError> {
    let opened = Session::open(url, Purpose::Write).await;
    opened.map_err(|fault| TransferError::Open {
        which: url.to_string(),
        source: schema::unreachable(url, &fault),
    })
}

async fn set_note(session: &Session, name: &str, value: Option<&[u8]>) -> StoreResult<()> {
    let set = "INSERT INTO meta (name, bytes) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET bytes = excluded.bytes";
    session.client.execute(set, &[&name, &value]).await.map_err(|error| refused(&error))?;
    Ok(())
}

/// The statements that write into partitions by the id of a message.
static INTO: [&Statement; 8] = [
    &statements::INSERT_MESSAGE,
    &statements::INSERT_AWAITING,
    &statements::INSERT_ENDED,
    &statements::INSERT_EVENT,
    &statements::INSERT_READ_REPLY,
    &statements::INSERT_MEDIA,
    &statements::INSERT_FAILED_ATTEMPT,
    &statements::INSERT_MO,
];

/// What an object says of a message beside its media.
fn headings(page: &TransferPage) -> BTreeMap<Id, serde_json::Value> {
    let mut headings = BTreeMap::new();
    for TakenRows { table, rows } in &page.rows {
        let document = match table.name {
            "message" => "submission",
            "mo" => "document",
            _ => continue,
        };
        for row in rows {
            let text = |name: &str| match cell(table, row, name) {
                Some(TakenCell::Text(Some(text))) => text.as_str(),
                _ => "",
            };
            let Some(id) = Id::from_number(number(row.first())) else { continue };
            let parsed = serde_json::from_str(text(document)).unwrap_or_default();
            headings.insert(id, Heading::taken_over(text("account"), text("carrier"), id, parsed));
        }
    }
    headings
}

fn cell<'a>(table: &TakenTable, row: &'a [TakenCell], name: &str) -> Option<&'a TakenCell> {
    row.get(table.columns.iter().position(|(column, _)| *column == name)?)
}

/// What makes a repetition.
struct SeenRow {
    bucket: i64,
    key: SeenKey,
    id: i64,
    at: i64,
}

/// The keys of messages; of those that may still be repeated, where they are remembered.
fn seen_rows(page: &TransferPage) -> Vec<SeenRow> {
    let oldest = Timestamp::now().checked_sub(SEEN_FOR).unwrap_or(Timestamp::MIN);
    let mut seen = Vec::new();
    for TakenRows { table, rows } in &page.rows {
        for row in rows {
            let (at, keys) = match table.name {
                "message" => ("accepted_at", key_of_repeatable(table, row).into_iter().collect()),
                MO_KEYS => ("received_at", mo_keys(table, row)),
                _ => continue,
            };
            let (at, id) = (super::record::time(number(cell(table, row, at))), number(row.first()));
            for key in keys.into_iter().filter(|_| at >= oldest) {
                let in_bucket = |bucket| SeenRow { bucket, key, id, at: at.as_millisecond() };
                seen.extend(seen::buckets(at).into_iter().map(in_bucket));
            }
        }
    }
    seen
}

/// Under which key a message is remembered, unless the VASP was told of its refusal.
fn key_of_repeatable(table: &TakenTable, row: &[TakenCell]) -> Option<SeenKey> {
    let has_digest = matches!(cell(table, row, "seen_key"), Some(TakenCell::Bytes(Some(_))));
    has_digest.then(|| key(table, row))
}

/// Under which keys a message from a handset is remembered.
fn mo_keys(table: &TakenTable, row: &[TakenCell]) -> Vec<SeenKey> {
    let bytes = |name: &str| match cell(table, row, name) {
        Some(TakenCell::Text(Some(text))) => Some(text.as_bytes()),
        Some(TakenCell::Bytes(Some(bytes))) => Some(bytes.as_slice()),
        _ => None,
    };
    let carrier = bytes("carrier").unwrap_or_default();
    let mut keys = Vec::new();
    if let (Some(transaction), Some(digest)) = (bytes("transaction_id"), bytes("digest")) {
        keys.push(mo_key(carrier, transaction, digest));
    }
    if let (Some(linked_id), Some(content)) = (bytes("linked_id"), bytes("content")) {
        keys.push(linked_key(carrier, linked_id, content));
    }
    keys
}

/// Under which key a message is remembered; of one whose refusal the VASP was told, under which it would be.
fn key(table: &TakenTable, row: &[TakenCell]) -> SeenKey {
    let text = |name: &str| match cell(table, row, name) {
        Some(TakenCell::Text(Some(text))) => text.as_str(),
        _ => "",
    };
    let digest = match cell(table, row, "seen_key") {
        Some(TakenCell::Bytes(Some(digest))) => digest.as_slice().try_into().unwrap_or_default(),
        _ => [0; 16],
    };
    key_of(text("account"), text("transaction_id"), Digest(digest))
}

type Parameter = Box<dyn ToSql + Sync + Send>;

/// Inserts rows, column by column.
async fn insert(
    transaction: &tokio_postgres::Transaction<'_>,
    table: &TakenTable,
    rows: &[Vec<TakenCell>],
) -> Result<(), tokio_postgres::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = table.columns.iter().map(|(name, _)| *name).collect();
    let mut places = Vec::new();
    let mut parameters: Vec<Parameter> = Vec::new();
    for (index, (name, kind)) in table.columns.iter().enumerate() {
        let kind_name = match kind {
            TakenKind::Int => "int8",
            TakenKind::Text => "text",
            TakenKind::Bytes => "bytea",
            TakenKind::Bool => "bool",
        };
        places.push(format!("${}::{kind_name}[]", index + 1));
        let column = rows.iter().map(|row| row.get(index));
        parameters.push(match kind {
            TakenKind::Int => Box::new(column.map(int).collect::<Vec<_>>()),
            TakenKind::Bool => Box::new(column.map(|cell| int(cell).map(|it| it != 0)).collect::<Vec<_>>()),
            TakenKind::Text => Box::new(column.map(text).collect::<Vec<_>>()),
            TakenKind::Bytes if *name == "seen_key" => {
                Box::new(rows.iter().map(|row| key(table, row).to_vec()).collect::<Vec<_>>())
            }
            TakenKind::Bytes => Box::new(column.map(bytes).collect::<Vec<_>>()),
        });
    }
    let sql = format!(
        "INSERT INTO {} ({}) SELECT * FROM unnest({})",
        table.name,
        names.join(", "),
        places.join(", ")
    );
    execute(transaction, &sql, &parameters).await
}

async fn execute(
    transaction: &tokio_postgres::Transaction<'_>,
    sql: &str,
    parameters: &[Parameter],
) -> Result<(), tokio_postgres::Error> {
    let borrowed: Vec<&(dyn ToSql + Sync)> =
        parameters.iter().map(|one| &**one as &(dyn ToSql + Sync)).collect();
    transaction.execute(sql, &borrowed).await.map(drop)
}

fn int(cell: Option<&TakenCell>) -> Option<i64> {
    match cell {
        Some(TakenCell::Int(value)) => *value,
        _ => None,
    }
}

fn text(cell: Option<&TakenCell>) -> Option<String> {
    match cell {
        Some(TakenCell::Text(value)) => value.clone(),
        _ => None,
    }
}

fn bytes(cell: Option<&TakenCell>) -> Option<Vec<u8>> {
    match cell {
        Some(TakenCell::Bytes(value)) => value.clone(),
        _ => None,
    }
}

async fn insert_media(
    transaction: &tokio_postgres::Transaction<'_>,
    kept: &[KeptMedia],
) -> Result<(), tokio_postgres::Error> {
    for media in kept {
        let length = i64::try_from(media.seal.length).unwrap_or(i64::MAX);
        let (object, position, body) = match &media.place {
            KeptPlace::Inline(body) => (None, None, Some(body.clone())),
            KeptPlace::Object(written) => {
                let object = written.object.0.number();
                let note = "INSERT INTO object (id) VALUES ($1) ON CONFLICT DO NOTHING";
                transaction.execute(note, &[&object]).await?;
                (Some(object), i64::try_from(written.position).ok(), None)
            }
        };
        let insert =
            "INSERT INTO media (id, crc, length, object, position, body) VALUES ($1, $2, $3, $4, $5, $6)";
        let (id, crc) = (media.seal.id.number(), i64::from(media.seal.crc));
        transaction.execute(insert, &[&id, &crc, &length, &object, &position, &body]).await?;
    }
    Ok(())
}

async fn insert_seen(
    transaction: &tokio_postgres::Transaction<'_>,
    seen: &[SeenRow],
) -> Result<(), tokio_postgres::Error> {
    let insert = "INSERT INTO seen (bucket, key, ordinal, id, at) VALUES ($1, $2,
                      (SELECT coalesce(max(ordinal) + 1, 0) FROM seen WHERE key = $2 AND bucket = $1), $3, $4)";
    for row in seen {
        transaction.execute(insert, &[&row.bucket, &row.key.to_vec(), &row.id, &row.at]).await?;
    }
    Ok(())
}
