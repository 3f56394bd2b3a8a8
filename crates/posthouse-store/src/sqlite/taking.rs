//! Reads tables for a store that takes over what this one holds: rows as PostgreSQL's tables have them.

use std::{collections::BTreeMap, fmt};

use posthouse_core::{Id, account::AccountName, slots::Slot, store::StoreResult};
use rusqlite::{
    Connection, OptionalExtension as _,
    types::{FromSqlResult, ValueRef},
};

use super::{SqliteStore, fault::Result, record::corrupt, transaction::Transaction};

/// What kind of values a column has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TakenKind {
    /// Numbers.
    Int,
    /// Texts.
    Text,
    /// Bytes.
    Bytes,
    /// Yes or no.
    Bool,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum TakenCell {
    /// A number; yes and no are 1 and 0.
    Int(Option<i64>),
    /// A text.
    Text(Option<String>),
    /// Bytes.
    Bytes(Option<Vec<u8>>),
}

/// A table that is taken over.
#[derive(Debug)]
pub(crate) struct TakenTable {
    /// Its name there.
    pub(crate) name: &'static str,
    /// Its columns there.
    pub(crate) columns: &'static [(&'static str, TakenKind)],
    /// Where its rows come from here. `?1` and `?2`: the ids between which messages are meant, the first excluded.
    select: &'static str,
}

/// TakenRows of a table.
#[derive(Debug)]
pub(crate) struct TakenRows {
    /// The table.
    pub(crate) table: &'static TakenTable,
    /// Its rows.
    pub(crate) rows: Vec<Vec<TakenCell>>,
}

/// A kind of message that is taken over page by page.
#[derive(Debug)]
pub(crate) struct PagedKind {
    /// Its name, in the note that says how far it came.
    pub(crate) name: &'static str,
    /// Whether it comes from handsets.
    pub(crate) is_mo: bool,
    ids: &'static str,
    tables: &'static [TakenTable],
}

use TakenKind::{Bool, Bytes, Int, Text};

/// The columns of `callback` and of what failed.
const CALLBACK: &[(&str, TakenKind)] = &[
    ("id", Int),
    ("message", Int),
    ("slot", Int),
    ("due", Int),
    ("attempts", Int),
    ("at", Int),
    ("status", Text),
    ("read_status", Text),
    ("account", Text),
    ("carrier", Text),
];
const CALLBACK_FAILED: &[(&str, TakenKind)] = &[
    ("id", Int),
    ("message", Int),
    ("attempts", Int),
    ("at", Int),
    ("status", Text),
    ("read_status", Text),
    ("account", Text),
    ("carrier", Text),
];
const CALLBACK_ATTEMPT: &[(&str, TakenKind)] = &[
    ("callback", Int),
    ("at", Int),
    ("message", Int),
    ("ended", Text),
    ("http_status", Int),
    ("words", Text),
    ("body", Bytes),
];

macro_rules! callbacks_of {
    ($messages:literal) => {
        [
            TakenTable {
                name: "callback",
                columns: CALLBACK,
                select: concat!(
                    "SELECT c.id, c.message, 0, c.due, c.attempts, c.at, c.status, c.read_status, c.account, g.carrier
                     FROM ", $messages, " g JOIN callback c ON c.message = g.id WHERE c.failed = 0 AND g.id > ?1 AND g.id <= ?2"
                ),
            },
            TakenTable {
                name: "callback_failed",
                columns: CALLBACK_FAILED,
                select: concat!(
                    "SELECT c.id, c.message, c.attempts, c.at, c.status, c.read_status, c.account, g.carrier
                     FROM ", $messages, " g JOIN callback c ON c.message = g.id WHERE c.failed = 1 AND g.id > ?1 AND g.id <= ?2"
                ),
            },
            TakenTable {
                name: "callback_attempt",
                columns: CALLBACK_ATTEMPT,
                select: concat!(
                    "SELECT a.callback, a.at, a.message, a.ended, a.http_status, a.words, a.body
                     FROM ", $messages, " g JOIN callback_attempt a ON a.message = g.id WHERE g.id > ?1 AND g.id <= ?2"
                ),
            },
        ]
    };
}

/// The keys of messages from handsets, which are no table here: by them it is told which are repeated.
pub(crate) const MO_KEYS: &str = "mo_keys";

/// Messages and those from handsets.
pub(crate) static PAGED: [&PagedKind; 2] = [
    &PagedKind {
        name: "taken_message",
        is_mo: false,
        ids: "SELECT id FROM message WHERE id > ? ORDER BY id LIMIT ?",
        tables: &MESSAGE_TABLES,
    },
    &PagedKind {
        name: "taken_mo",
        is_mo: true,
        ids: "SELECT id FROM mo WHERE id > ? ORDER BY id LIMIT ?",
        tables: &MO_TABLES,
    },
];

static MESSAGE_TABLES: [TakenTable; 10] = {
    let [callback, failed, attempt] = callbacks_of!("message");
    [
        TakenTable {
            name: "message",
            columns: &[
                ("id", Int), ("accepted_at", Int), ("delivery_report", Bool), ("account", Text), ("carrier", Text),
                ("recipient", Text), ("transaction_id", Text), ("seen_key", Bytes), ("submission", Text),
            ],
            select: "SELECT id, accepted_at, delivery_report, account, carrier, recipient, transaction_id, digest, submission
                     FROM message WHERE id > ?1 AND id <= ?2",
        },
        TakenTable {
            name: "work",
            columns: &[
                ("id", Int), ("slot", Int), ("state", Int), ("sending", Bool), ("due", Int), ("attempt_until", Int),
                ("owner", Int), ("since", Int), ("unreached", Bool), ("attempts", Int), ("report_until", Int),
                ("expiry", Int), ("changed_at", Int), ("carrier", Text), ("account", Text), ("recipient", Text),
                ("sender", Text), ("delivery_report", Bool), ("carrier_message_id", Text),
            ],
            select: "SELECT g.id, 0, g.state, w.kind = 1, w.due, CASE w.kind WHEN 1 THEN w.due END,
                            CASE w.kind WHEN 1 THEN coalesce(w.owner, 0) END, w.since, w.unreached, g.attempts, g.report_until,
                            w.expiry, g.changed_at, g.carrier, g.account, g.recipient, g.submission ->> '$.sender',
                            g.delivery_report, g.carrier_message_id
                     FROM message g JOIN work w ON w.id = g.id WHERE w.kind < 2 AND g.id > ?1 AND g.id <= ?2",
        },
        TakenTable {
            name: "awaiting",
            columns: &[
                ("id", Int), ("slot", Int), ("state", Int), ("due", Int), ("since", Int), ("unreached", Bool),
                ("attempts", Int), ("report_until", Int), ("expiry", Int), ("changed_at", Int), ("carrier", Text),
                ("account", Text), ("recipient", Text), ("sender", Text), ("delivery_report", Bool),
                ("carrier_message_id", Text),
            ],
            select: "SELECT g.id, 0, g.state, w.due, w.since, w.unreached, g.attempts, g.report_until, w.expiry, g.changed_at,
                            g.carrier, g.account, g.recipient, g.submission ->> '$.sender', g.delivery_report,
                            g.carrier_message_id
                     FROM message g JOIN work w ON w.id = g.id WHERE w.kind = 2 AND g.id > ?1 AND g.id <= ?2",
        },
        TakenTable {
            name: "ended",
            columns: &[
                ("id", Int), ("state", Int), ("reason", Int), ("details", Text), ("at", Int), ("attempts", Int),
                ("report_until", Int), ("carrier", Text), ("carrier_message_id", Text),
            ],
            select: "SELECT id, state, reason, details, changed_at, attempts, report_until, carrier, carrier_message_id
                     FROM message g WHERE id > ?1 AND id <= ?2 AND NOT EXISTS (SELECT 1 FROM work w WHERE w.id = g.id)",
        },
        TakenTable {
            name: "event",
            columns: &[("message", Int), ("number", Int), ("at", Int), ("kind", Int), ("detail", Text)],
            select: "SELECT message, number, at, kind, detail FROM event WHERE message > ?1 AND message <= ?2",
        },
        TakenTable {
            name: "read_reply",
            columns: &[("message", Int), ("status", Text), ("time_stamp", Int)],
            select: "SELECT message, status, time_stamp FROM read_reply WHERE message > ?1 AND message <= ?2",
        },
        TakenTable {
            name: "failed_attempt",
            columns: &[
                ("message", Int), ("number", Int), ("at", Int), ("code", Int), ("carrier", Text), ("connection", Text),
            ],
            select: "SELECT message, number, at, code, carrier, connection FROM failed_attempt
                     WHERE message > ?1 AND message <= ?2",
        },
        callback,
        failed,
        attempt,
    ]
};

static MO_TABLES: [TakenTable; 5] = {
    let [callback, failed, attempt] = callbacks_of!("mo");
    [
        TakenTable {
            name: "mo",
            columns: &[
                ("id", Int),
                ("received_at", Int),
                ("account", Text),
                ("carrier", Text),
                ("transaction_id", Text),
                ("linked_id", Text),
                ("document", Text),
                ("ended_at", Int),
            ],
            select: "SELECT id, received_at, account, carrier, transaction_id, linked_id, document, ended_at FROM mo
                     WHERE id > ?1 AND id <= ?2",
        },
        TakenTable {
            name: MO_KEYS,
            columns: &[
                ("id", Int),
                ("received_at", Int),
                ("carrier", Text),
                ("transaction_id", Text),
                ("digest", Bytes),
                ("linked_id", Text),
                ("content", Bytes),
            ],
            select: "SELECT id, received_at, carrier, transaction_id, digest, linked_id, content FROM mo
                     WHERE id > ?1 AND id <= ?2",
        },
        callback,
        failed,
        attempt,
    ]
};

/// What does not belong to a message.
static REST: [TakenTable; 23] = [
    TakenTable {
        name: "request_key",
        columns: &[
            ("hash", Text),
            ("principal", Text),
            ("digest", Text),
            ("at", Int),
            ("status", Int),
            ("body", Text),
            ("etag", Text),
        ],
        select: "SELECT hash, principal, digest, at, status, body, etag FROM request_key",
    },
    TakenTable {
        name: "unmatched_report",
        columns: &[
            ("id", Int),
            ("received_at", Int),
            ("carrier", Text),
            ("carrier_message_id", Text),
            ("recipient", Text),
            ("sender", Text),
            ("status", Text),
            ("said", Text),
            ("odd", Text),
            ("read_at", Int),
        ],
        select: "SELECT id, received_at, carrier, carrier_message_id, recipient, sender, status, said, odd, read_at FROM unmatched_report",
    },
    TakenTable {
        name: "unreadable",
        columns: &[
            ("id", Int),
            ("first_at", Int),
            ("last_at", Int),
            ("times", Int),
            ("carrier", Text),
            ("digest", Bytes),
            ("code", Int),
            ("why", Text),
            ("content_type", Text),
            ("length", Int),
            ("body", Bytes),
        ],
        select: "SELECT id, first_at, last_at, times, carrier, digest, code, why, content_type, length, body FROM unreadable",
    },
    TakenTable {
        name: "account",
        columns: &[("name", Text), ("document", Text)],
        select: "SELECT name, document FROM account",
    },
    TakenTable {
        name: "carrier",
        columns: &[("id", Text), ("document", Text)],
        select: "SELECT id, document FROM carrier",
    },
    TakenTable {
        name: "lookup",
        columns: &[("id", Int), ("document", Text)],
        select: "SELECT id, document FROM lookup",
    },
    TakenTable {
        name: "range",
        columns: &[("prefix", Text), ("carrier", Text)],
        select: "SELECT prefix, carrier FROM range",
    },
    TakenTable {
        name: "blacklist",
        columns: &[("number", Text), ("account", Text)],
        select: "SELECT number, account FROM blacklist",
    },
    TakenTable {
        name: "audit",
        columns: &[
            ("id", Int),
            ("at", Int),
            ("actor", Text),
            ("role", Text),
            ("credential", Text),
            ("address", Text),
            ("verb", Text),
            ("target", Text),
            ("before", Text),
            ("after", Text),
            ("reason", Text),
        ],
        select: "SELECT id, at, actor, role, credential, address, verb, target, before, after, reason FROM audit",
    },
    TakenTable {
        name: "revision",
        columns: &[
            ("number", Int),
            ("at", Int),
            ("actor", Text),
            ("reason", Text),
            ("summary", Text),
            ("things", Int),
        ],
        select: "SELECT number, at, actor, reason, summary, things FROM revision",
    },
    TakenTable {
        name: "revised",
        columns: &[("revision", Int), ("part", Int), ("document", Text)],
        select: "SELECT revision, part, document FROM revised",
    },
    TakenTable {
        name: "endpoint",
        columns: &[
            ("account", Text),
            ("failing_since", Int),
            ("failed_at", Int),
            ("http_status", Int),
            ("words", Text),
            ("paused_at", Int),
            ("paused_by", Text),
            ("paused_for", Text),
        ],
        select: "SELECT account, failing_since, failed_at, http_status, words, paused_at, paused_by, paused_for FROM endpoint",
    },
    TakenTable {
        name: "mo_for_nobody",
        columns: &[
            ("id", Int),
            ("received_at", Int),
            ("carrier", Text),
            ("transaction_id", Text),
            ("sender", Text),
            ("recipients", Text),
        ],
        select: "SELECT id, received_at, carrier, transaction_id, sender, recipients FROM mo_for_nobody",
    },
    TakenTable {
        name: "operation",
        columns: &[
            ("id", Int),
            ("created_at", Int),
            ("state", Text),
            ("owner", Int),
            ("until", Int),
            ("document", Text),
        ],
        // Whoever carried it out is not there any more.
        select: "SELECT id, created_at, state, NULL, NULL, document FROM operation",
    },
    TakenTable {
        name: "operation_item",
        columns: &[("operation", Int), ("message", Int), ("outcome", Text), ("new", Int)],
        select: "SELECT operation, message, outcome, new FROM operation_item",
    },
    TakenTable {
        name: "resubmission",
        columns: &[("message", Int), ("new", Int), ("operation", Int)],
        select: "SELECT message, new, operation FROM resubmission",
    },
    TakenTable {
        name: "refusal",
        columns: &[
            ("id", Int),
            ("at", Int),
            ("last_at", Int),
            ("times", Int),
            ("account", Text),
            ("code", Int),
            ("code_row", Int),
            ("rule", Text),
            ("peer", Text),
            ("transaction_id", Text),
            ("recipient_hash", Text),
            ("document", Text),
        ],
        select: "SELECT id, at, last_at, times, account, code, row, rule, peer, transaction_id, recipient_hash, document FROM refusal",
    },
    TakenTable {
        name: "connection_override",
        columns: &[
            ("carrier", Text),
            ("connection", Text),
            ("kind", Text),
            ("window_limit", Int),
            ("rate_limit", Int),
            ("since", Int),
            ("until", Int),
            ("actor", Text),
            ("reason", Text),
        ],
        select: "SELECT carrier, connection, kind, window_limit, rate_limit, since, until, actor, reason FROM connection_override",
    },
    TakenTable {
        name: "cdr_pending",
        columns: &[("id", Int), ("node", Int), ("at", Int)],
        select: "SELECT id, node, at FROM cdr_pending",
    },
    TakenTable {
        name: "cdr_file",
        columns: &[("folder", Text), ("file", Text), ("length", Int)],
        select: "SELECT folder, file, length FROM cdr_file",
    },
    TakenTable {
        name: "token",
        columns: &[
            ("id", Text),
            ("name", Text),
            ("role", Text),
            ("hash", Text),
            ("created_at", Int),
            ("expires_at", Int),
            ("last_used", Int),
        ],
        select: "SELECT id, name, role, hash, created_at, expires_at, last_used FROM token",
    },
    TakenTable {
        name: "key_use",
        columns: &[("id", Text), ("used_at", Int)],
        select: "SELECT id, used_at FROM key_use",
    },
    TakenTable {
        // As PostgreSQL wants it, for which the word is its own.
        name: "\"user\"",
        columns: &[
            ("name", Text),
            ("role", Text),
            ("password_hash", Text),
            ("link_hash", Text),
            ("link_expires_at", Int),
            ("created_at", Int),
            ("signed_in_at", Int),
        ],
        select: "SELECT name, role, password_hash, link_hash, link_expires_at, created_at, signed_in_at FROM user",
    },
];

/// Messages that are taken over together, with all that is about them.
pub(crate) struct TransferPage {
    /// Their ids, ascending.
    pub(crate) ids: Vec<Id>,
    /// TakenRows of tables.
    pub(crate) rows: Vec<TakenRows>,
    /// Their media, by id, with what identifies them in an object.
    pub(crate) media: BTreeMap<Id, Vec<bytes::Bytes>>,
}

impl TransferPage {
    /// The last id of it.
    pub(crate) fn last(&self) -> i64 {
        self.ids.last().map_or(0, |id| id.number())
    }
}

impl fmt::Debug for TransferPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransferPage").field("ids", &self.ids.len()).finish_non_exhaustive()
    }
}

/// The cell of a column, as a number.
pub(crate) fn number(cell: Option<&TakenCell>) -> i64 {
    match cell {
        Some(TakenCell::Int(Some(number))) => *number,
        _ => 0,
    }
}

/// Single values of the store.
pub(crate) struct TakenRest {
    /// Tables whose rows do not belong to a message.
    pub(crate) tables: Vec<TakenRows>,
    /// The key of secrets.
    pub(crate) key: Vec<u8>,
    /// Named numbers, by their names there.
    pub(crate) numbers: Vec<(&'static str, i64)>,
}

/// The store's name for itself.
pub(crate) fn identity(connection: &Connection) -> Result<String> {
    Ok(connection.query_row("SELECT value FROM meta WHERE name = 'identity'", [], |row| row.get(0))?)
}

/// How many of a kind there are up to an id, and in all.
pub(crate) fn count(connection: &Connection, kind: &PagedKind, after: i64) -> Result<(u64, u64)> {
    let table = if kind.is_mo { "mo" } else { "message" };
    let count = format!("SELECT count(*) FILTER (WHERE id <= ?), count(*) FROM {table}");
    let counts: (i64, i64) = connection.query_row(&count, [after], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok((u64::try_from(counts.0).unwrap_or(0), u64::try_from(counts.1).unwrap_or(0)))
}

/// The messages of a kind behind an id, at most so many: their ids, and which have media.
pub(crate) fn page(
    connection: &Connection,
    kind: &PagedKind,
    after: i64,
    limit: usize,
) -> Result<(Vec<Id>, Vec<Id>)> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let ids = ids(connection, kind.ids, after, limit)?;
    let last = ids.last().map_or(after, |id| id.number());
    let media = "SELECT id FROM media WHERE id > ? AND id <= ? ORDER BY id";
    let mut with_media = self::ids(connection, media, after, last)?;
    with_media.retain(|id| ids.binary_search(id).is_ok());
    Ok((ids, with_media))
}

/// All rows about the messages of a kind between two ids, the first excluded.
pub(crate) fn about(
    connection: &Connection,
    kind: &PagedKind,
    between: (i64, i64),
) -> Result<Vec<TakenRows>> {
    kind.tables.iter().map(|table| Ok(TakenRows { table, rows: rows(connection, table, between)? })).collect()
}

/// Everything that does not belong to a message.
pub(crate) fn rest(connection: &Connection) -> Result<TakenRest> {
    let mut tables = Vec::new();
    for table in &REST {
        tables.push(TakenRows { table, rows: rows(connection, table, (0, 0))? });
    }
    let key = connection.query_row("SELECT value FROM meta WHERE name = 'key'", [], |row| row.get(0))?;
    let mut numbers = Vec::new();
    for name in ["revision", "newest_id", "clock_seen", "clock_confirmed"] {
        let value = connection
            .query_row("SELECT value FROM meta WHERE name = ?", [name], |row| row.get::<_, i64>(0))
            .optional()?;
        numbers.extend(value.map(|value| (name, value)));
    }
    Ok(TakenRest { tables, key, numbers })
}

fn ids(connection: &Connection, select: &str, first: i64, second: i64) -> Result<Vec<Id>> {
    let mut statement = connection.prepare_cached(select)?;
    let found =
        statement.query_map([first, second], |row| row.get(0))?.collect::<rusqlite::Result<Vec<i64>>>()?;
    Ok(found.into_iter().filter_map(Id::from_number).collect())
}

fn rows(
    connection: &Connection,
    table: &TakenTable,
    (after, last): (i64, i64),
) -> Result<Vec<Vec<TakenCell>>> {
    let mut statement = connection.prepare_cached(table.select)?;
    let mut found = if statement.parameter_count() == 0 {
        statement.query([])?
    } else {
        statement.query([after, last])?
    };
    let mut all = Vec::new();
    while let Some(row) = found.next()? {
        let mut cells = Vec::with_capacity(table.columns.len());
        for (index, (column, kind)) in table.columns.iter().enumerate() {
            let value = row.get_ref(index)?;
            cells.push(cell(value, *kind).map_err(|error| corrupt(table.name, column, "taken over", error))?);
        }
        fill_slot(table, &mut cells);
        all.push(cells);
    }
    Ok(all)
}

fn cell(value: ValueRef<'_>, kind: TakenKind) -> FromSqlResult<TakenCell> {
    Ok(match kind {
        Int | Bool => TakenCell::Int(value.as_i64_or_null()?),
        Text => TakenCell::Text(value.as_str_or_null()?.map(str::to_owned)),
        Bytes => TakenCell::Bytes(value.as_blob_or_null()?.map(<[u8]>::to_vec)),
    })
}

/// Where several nodes share a store, what waits lies in a slot.
fn fill_slot(table: &TakenTable, cells: &mut [TakenCell]) {
    let Some(place) = table.columns.iter().position(|(name, _)| *name == "slot") else { return };
    let account = table.columns.iter().position(|(name, _)| *name == "account");
    let slot = match (table.name, account.and_then(|place| cells.get(place))) {
        ("callback", Some(TakenCell::Text(Some(account)))) => Slot::of_account(&AccountName(account.clone())),
        _ => match cells.first() {
            Some(TakenCell::Int(Some(id))) => Id::from_number(*id).map_or(Slot(0), Slot::of_message),
            _ => Slot(0),
        },
    };
    if let Some(cell) = cells.get_mut(place) {
        *cell = TakenCell::Int(Some(slot.0.into()));
    }
}

impl SqliteStore {
    /// Reads something for a store that takes this one over.
    ///
    /// # Errors
    /// Those of every operation that reads.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> StoreResult<T> {
        self.readers.read(read).await
    }

    /// Marks the store as moved to another place, or takes that back: no gateway serves one that is.
    ///
    /// # Errors
    /// Those of every operation that writes.
    pub(crate) async fn mark_moved(&self, to: Option<String>) -> StoreResult<()> {
        self.write(Transaction::MarkMoved, move |tx| {
            tx.execute("DELETE FROM meta WHERE name = 'moved_to'", [])?;
            if let Some(to) = &to {
                tx.execute("INSERT INTO meta (name, value) VALUES ('moved_to', ?)", [to])?;
            }
            Ok(())
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use posthouse_core::store::UpkeepStore as _;

    use super::*;
    use crate::sqlite::SqliteOptions;

    /// What is not taken over: what belongs to SQLite alone, or is taken over otherwise. Sessions end: people sign in again.
    const OTHERS: [&str; 12] = [
        "erasing",
        "media",
        "message_key",
        "meta",
        "migration",
        "refusals_kept",
        "segment",
        "session",
        "sqlite_sequence",
        "sqlite_stat1",
        "sqlite_stat4",
        "waiting",
    ];

    /// A new table has to be thought of here.
    #[tokio::test]
    async fn every_table_is_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        let (path, media) = (folder.path().join("posthouse.db"), folder.path().join("media"));
        let options = SqliteOptions { path, media, ..SqliteOptions::default() };
        let store = SqliteStore::open(options).await.unwrap();
        let tables = store
            .read(|connection| {
                let mut statement =
                    connection.prepare("SELECT name FROM sqlite_master WHERE type = 'table'")?;
                let names = statement.query_map([], |row| row.get(0))?;
                Ok(names.collect::<rusqlite::Result<BTreeSet<String>>>()?)
            })
            .await
            .unwrap();
        let described = MESSAGE_TABLES.iter().chain(&MO_TABLES).chain(&REST);
        let mut known: BTreeSet<&str> = described.flat_map(|table| table.select.split_whitespace()).collect();
        known.extend(OTHERS);
        let forgotten: Vec<_> = tables.iter().filter(|table| !known.contains(table.as_str())).collect();
        assert_eq!(forgotten, Vec::<&String>::new());
        store.close().await.unwrap();
    }
}
