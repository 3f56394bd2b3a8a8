//! Opening: the lock, the files, the tables, and what a crash left behind.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use posthouse_core::{Id, id::IdSource};
use rusqlite::{Connection, OpenFlags, config::DbConfig};

use super::{
    checkpoint::Checkpoints,
    fault::StoreFault,
    options::{Access, SqliteOptions},
    place::{
        Database, LockFile, refuse_after_a_loss, refuse_beside_a_journal, refuse_beside_a_saved_copy,
        take_word_back,
    },
    reader::Readers,
    schema,
    watch::Watch,
    writer::{Held, StoreWriter, WriterParts},
};
use crate::media::{
    folder::{Folder, make_private},
    marker::{self, FolderOwner, MarkerError},
    segments::Segments,
};

/// The oldest SQLite that loses no commits when the WAL starts over (3.51.3).
const OLDEST_SQLITE: i32 = 3_051_003;
/// How long a connection waits for another process.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Statements that each connection keeps prepared.
const STATEMENTS: usize = 128;
/// The page cache of the writer, in KiB.
const WRITER_CACHE: i64 = 8 << 10;
/// The page cache of a reader, in KiB.
const READER_CACHE: i64 = 4 << 10;
/// The node number of visitors in the ids of callbacks.
const VISITOR: u8 = u8::MAX;
/// To this many bytes the WAL's file is cut when it starts over.
const WAL_BYTES: i64 = 64 << 20;

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another gateway runs on it.
    #[error("{} is held by another gateway; stop that one, or give this one a store of its own", .0.display())]
    Locked(PathBuf),
    /// The media folder is another store's.
    #[error(
        "the media folder {} is that of {owner}; give this store a folder of its own in [media] url, or give that database in [store] url",
        .folder.display()
    )]
    Foreign {
        /// The folder.
        folder: PathBuf,
        /// Whose it is.
        owner: String,
    },
    /// There is no database where there was one.
    #[error(
        "there is no database at {}, and {witness}; put the database back, or restore a copy of it (to begin with an empty store instead, {remedy})",
        .path.display()
    )]
    Lost {
        /// Where it should be.
        path: PathBuf,
        /// What says that there was one.
        witness: String,
        /// What lets an empty store be made.
        remedy: String,
    },
    /// The database has several names, and its journal lies beside another one.
    #[error(
        "{} is one of several names (hard links) of the database, and its journal lies beside the one that it is served under; give that path in [store] url, or copy the database instead of linking to it",
        .0.display()
    )]
    OtherName(PathBuf),
    /// The database was moved, and its journal was not.
    #[error("{} was moved here without its journal {}; move that too, and give it the database's name with -wal", .path.display(), .journal.display())]
    LeftBehind {
        /// Where the database is.
        path: PathBuf,
        /// Where its journal is.
        journal: PathBuf,
    },
    /// Another database lies where one was removed under a running gateway, which saved a copy.
    #[error(
        "{saved} holds what was in the database that was removed or replaced under a running gateway, and {path} is another one; rename the copy to {path}, or move it away to go on without what was answered 1000 since",
        saved = .saved.display(),
        path = .path.display()
    )]
    Replaced {
        /// Where the database is.
        path: PathBuf,
        /// The copy.
        saved: PathBuf,
    },
    /// There is no database, and none was to be made.
    #[error("there is no store at {}", .0.display())]
    Missing(PathBuf),
    /// It was made by a newer version of this program.
    #[error(
        "the store is of version {found}, this program knows versions up to {known}; run the newer program"
    )]
    Newer {
        /// The store's.
        found: i64,
        /// The newest known here.
        known: i64,
    },
    /// A migration that was applied to it is not the one of this program.
    #[error("migration {version} ({name}) of the store is not the one of this program")]
    Altered {
        /// Its number.
        version: i64,
        /// Its name.
        name: &'static str,
    },
    /// It has to be brought up to date first, which a visitor does not do while a gateway runs on it.
    #[error("the store is of an older version; stop the gateway that runs on it, and start this version")]
    Outdated,
    /// The SQLite library is too old to be trusted.
    #[error("SQLite {0} may lose commits; 3.51.3 or newer is needed")]
    OldSqlite(&'static str),
    /// A file or folder could not be opened or made.
    #[error("{} cannot be opened", .path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// SQLite refuses.
    #[error("SQLite cannot open the store")]
    Sqlite(#[from] rusqlite::Error),
    /// What is stored cannot be taken up again.
    #[error("the store cannot be recovered: {0}")]
    Recovery(String),
}

impl From<StoreFault> for OpenError {
    fn from(fault: StoreFault) -> Self {
        match fault {
            StoreFault::Sqlite(error) => Self::Sqlite(error),
            fault => Self::Recovery(fault.to_string()),
        }
    }
}

impl From<MarkerError> for OpenError {
    fn from(refused: MarkerError) -> Self {
        match refused {
            MarkerError::Foreign { folder, owner } => Self::Foreign { folder, owner: owner.to_string() },
            MarkerError::Locked(folder) => Self::Locked(folder),
            MarkerError::Io(path, source) => Self::Io { path, source },
        }
    }
}

/// What an open store consists of.
pub(super) struct OpenParts {
    pub(super) writer: StoreWriter,
    pub(super) readers: Readers,
    pub(super) key: [u8; 32],
    pub(super) database: Arc<Database>,
}

/// Opens or makes a store.
pub(super) fn open(options: &SqliteOptions) -> Result<OpenParts, OpenError> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        return Err(OpenError::OldSqlite(rusqlite::version()));
    }
    let database = Arc::new(make_files(options)?);
    database.refuse_another_name()?;
    let mut lock = match options.access {
        Access::Serve => Some(database.lock()?),
        Access::Visit => None,
    };
    let mut connection = connect(&options.path, WRITER_CACHE)?;
    let is_new = bring_up_to_date(&mut connection, &database, options)?;
    database.refuse_without_journal(&connection)?;
    let key = connection.query_row("SELECT value FROM meta WHERE name = 'key'", [], |row| row.get(0))?;
    let held = match lock.take() {
        Some(lock) => Some(hold(&connection, &database, lock, options)?),
        None => visit(&connection, &database, options, is_new)?,
    };
    let readers = readers(options)?;
    let segments = match options.access {
        Access::Serve => Some(recover(&connection, options)?),
        Access::Visit => None,
    };
    let callback_ids = callback_ids(&connection, options.access)?;
    let (checkpoints, watch) = match options.access {
        Access::Serve => (Some(connect(&options.path, READER_CACHE)?), Some(watch(&database, options)?)),
        Access::Visit => (None, None),
    };
    let checkpoints = Checkpoints::new(checkpoints).map_err(|source| io_error(&options.path, source))?;
    let folders = [options.path.parent(), Some(options.media.as_path())];
    let parts = WriterParts {
        connection,
        segments,
        callback_ids,
        checkpoints,
        folders: folders.into_iter().flatten().map(or_working_directory).collect(),
        low_water_bytes: options.low_water_bytes,
        on_fatal: options.on_fatal.clone(),
        watch,
        held,
    };
    let writer =
        StoreWriter::start(parts, options.queue).map_err(|source| io_error(&options.path, source))?;
    Ok(OpenParts { writer, readers, key, database })
}

/// Takes the store and its media folder for a gateway.
fn hold(
    connection: &Connection,
    database: &Arc<Database>,
    mut lock: LockFile,
    options: &SqliteOptions,
) -> Result<Held, OpenError> {
    let owner = owner(connection, database)?;
    let marker = marker::take(&options.media, &owner)?;
    lock.name(&owner.store)?;
    database.note_name(connection)?;
    take_word_back(database.path());
    Ok(Held { database: Arc::clone(database), lock, marker, identity: owner.store })
}

/// Who comes for a visit takes nothing; one who made the store says whose the media folder is.
fn visit(
    connection: &Connection,
    database: &Database,
    options: &SqliteOptions,
    is_new: bool,
) -> Result<Option<Held>, OpenError> {
    let owner = owner(connection, database)?;
    if is_new {
        marker::mark(&options.media, &owner)?;
    } else {
        marker::check(&options.media, &owner.store)?;
    }
    Ok(None)
}

fn owner(connection: &Connection, database: &Database) -> Result<FolderOwner, OpenError> {
    let identity = "SELECT value FROM meta WHERE name = 'identity'";
    let store = connection.query_row(identity, [], |row| row.get(0))?;
    Ok(FolderOwner { store, database: database.path().display().to_string() })
}

fn watch(database: &Database, options: &SqliteOptions) -> Result<Watch, OpenError> {
    let is = database.metadata();
    is.and_then(|is| Watch::new(database.path(), is, &options.media))
        .map_err(|source| io_error(database.path(), source))
}

fn or_working_directory(folder: &Path) -> PathBuf {
    if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder.to_owned() }
}

pub(super) fn io_error(path: &Path, source: io::Error) -> OpenError {
    OpenError::Io { path: path.to_owned(), source }
}

/// Makes what is missing, readable by its owner only; SQLite gives the WAL the database's permissions.
fn make_files(options: &SqliteOptions) -> Result<Database, OpenError> {
    let path = &options.path;
    if !options.create && !path.exists() {
        return Err(OpenError::Missing(path.clone()));
    }
    refuse_beside_a_journal(options)?;
    refuse_beside_a_saved_copy(options)?;
    if !path.exists() {
        refuse_after_a_loss(options)?;
    }
    if let Some(folder) = path.parent() {
        make_private(&or_working_directory(folder)).map_err(|source| io_error(folder, source))?;
    }
    make_private(&options.media).map_err(|source| io_error(&options.media, source))?;
    Database::open(path)
}

fn connect(path: &Path, cache: i64) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Without it, binding another value makes SQLite plan anew: a fifth of what a write took.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // What is deleted is overwritten: after retention nobody reads it out of free pages.
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "journal_size_limit", WAL_BYTES)?;
    connection.pragma_update(None, "cache_size", -cache)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(connection)
}

/// Applies migrations; whether the store was made by it. Only who holds the lock may: a gateway that runs knows its own tables only.
fn bring_up_to_date(
    connection: &mut Connection,
    database: &Database,
    options: &SqliteOptions,
) -> Result<bool, OpenError> {
    if !schema::is_behind(connection)? {
        return Ok(false);
    }
    let is_new = schema::is_empty(connection)?;
    if is_new {
        refuse_after_a_loss(options)?;
    }
    let held = match options.access {
        Access::Serve => None,
        Access::Visit => Some(database.lock().map_err(|error| match error {
            OpenError::Locked(_) => OpenError::Outdated,
            error => error,
        })?),
    };
    let migrated = schema::migrate(connection);
    if let Some(lock) = held {
        database.unlock(lock);
    }
    migrated.map(|()| is_new)
}

fn readers(options: &SqliteOptions) -> Result<Readers, OpenError> {
    let mut connections = Vec::new();
    for _ in 0..options.read_connections.max(1) {
        let connection = connect(&options.path, READER_CACHE)?;
        connection.pragma_update(None, "query_only", true)?;
        connections.push(connection);
    }
    Ok(Readers::new(connections))
}

/// Takes up what an earlier run left. The lock says that nobody else is alive, so every lease is a dead one's: it ends
/// now. There are as many as were in memory then, however long the backlog is.
fn recover(connection: &Connection, options: &SqliteOptions) -> Result<Segments, OpenError> {
    connection.execute_batch(
        "BEGIN IMMEDIATE;
         UPDATE work SET owner = NULL, due = min(due, since) WHERE owner IS NOT NULL;
         UPDATE callback SET owner = NULL, due = min(due, at) WHERE owner IS NOT NULL;
         COMMIT",
    )?;
    let folder = Folder::open(&options.media).map_err(|source| io_error(&options.media, source))?;
    Ok(Segments::open(folder, options.segment_bytes, connection)?)
}

/// Ids of callbacks go on from the newest there is. A visitor makes its own beside the gateway's.
pub(super) fn callback_ids(connection: &Connection, access: Access) -> rusqlite::Result<IdSource> {
    let node = match access {
        Access::Serve => 0,
        Access::Visit => VISITOR,
    };
    let newest: Option<i64> = connection.query_row("SELECT max(id) FROM callback", [], |row| row.get(0))?;
    Ok(IdSource::new(node, newest.and_then(Id::from_number)))
}
