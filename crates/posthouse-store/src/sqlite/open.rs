//! Opening: the lock, the files, the tables, and what a crash left behind.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use posthouse_core::{Id, id::IdSource, lock::Mutex};
use rusqlite::{Connection, OptionalExtension as _};

use super::{
    census::Census,
    checkpoint::Checkpoints,
    connect::connect,
    options::{Mode, SqliteOptions},
    place::{
        Database, LockFile, refuse_after_a_loss, refuse_beside_a_journal, refuse_beside_a_saved_copy,
        take_word_back,
    },
    reader::Readers,
    recent_keys::RecentKeys,
    schema,
    watch::Watch,
    writer::{Held, StoreWriter, WriterParts},
};
use crate::{
    error::OpenError,
    media::{
        folder::{Folder, make_private},
        marker::{self, FolderOwner},
        segments::Segments,
    },
    status::StoreStatus,
};

/// The oldest SQLite that loses no commits when the WAL starts over (3.51.3).
const OLDEST_SQLITE: i32 = 3_051_003;
/// The page cache of the writer, in KiB.
const WRITER_CACHE: i64 = 8 << 10;
/// The page cache of a reader, in KiB.
const READER_CACHE: i64 = 4 << 10;
/// The node number of visitors in the ids of callbacks.
const VISITOR: u8 = u8::MAX;

/// What an open store consists of.
pub(super) struct OpenParts {
    pub(super) writer: StoreWriter,
    pub(super) readers: Readers,
    pub(super) key: [u8; 32],
    pub(super) database: Arc<Database>,
    pub(super) recent: Option<Arc<Mutex<RecentKeys>>>,
}

/// Opens or makes a store.
pub(super) fn open(options: &SqliteOptions) -> Result<OpenParts, OpenError> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        return Err(OpenError::OldSqlite(rusqlite::version()));
    }
    refuse_for_root(&options.path)?;
    let database = Arc::new(make_files(options)?);
    database.refuse_another_name()?;
    let mut lock = match options.mode {
        Mode::Serve => Some(database.lock()?),
        Mode::Visit => None,
    };
    let mut connection = connect_database(&options.path, WRITER_CACHE)?;
    // Not before it is a database: what is none gets nothing beside it.
    make_private(&options.media).map_err(|source| OpenError::io(&options.media, source))?;
    let is_new = bring_up_to_date(&mut connection, &database, options)?;
    database.refuse_without_journal(&connection)?;
    if let Some(to) = moved_to(&connection)?
        && options.mode == Mode::Serve
        && !options.is_moving
    {
        return Err(OpenError::Moved { path: options.path.clone(), to });
    }
    let key = connection.query_row("SELECT value FROM meta WHERE name = 'key'", [], |row| row.get(0))?;
    let held = match lock.take() {
        Some(lock) => Some(hold(&connection, &database, lock, options)?),
        None => visit(&connection, &database, options, is_new)?,
    };
    let readers = readers(options)?;
    let segments = match options.mode {
        Mode::Serve => Some(recover(&connection, options)?),
        Mode::Visit => None,
    };
    let callback_ids = callback_ids(&connection, options.mode)?;
    let (checkpoints, watch, census) = match options.mode {
        Mode::Serve => {
            let checkpoints = (connect(&options.path, READER_CACHE)?, Arc::clone(&database));
            (Some(checkpoints), Some(watch(&database, options)?), Some(Census::of(options.path.clone())))
        }
        Mode::Visit => (None, None, None),
    };
    let recent = (options.mode == Mode::Serve).then(Arc::default);
    let checkpoints = Checkpoints::new(checkpoints).map_err(|source| OpenError::io(&options.path, source))?;
    let folders = [options.path.parent(), Some(options.media.as_path())];
    let parts = WriterParts {
        connection,
        segments,
        callback_ids,
        checkpoints,
        folders: folders.into_iter().flatten().map(or_working_directory).collect(),
        low_water_bytes: options.low_water_bytes,
        on_fatal: options.on_fatal.clone(),
        recent: recent.clone(),
        census,
        watch,
        held,
    };
    let writer =
        StoreWriter::start(parts, options.queue).map_err(|source| OpenError::io(&options.path, source))?;
    Ok(OpenParts { writer, readers, key, database, recent })
}

/// What version a store is of, without changing it.
pub(crate) fn status(path: &Path) -> Result<StoreStatus, OpenError> {
    require(path)?;
    refuse_for_root(path)?;
    let database = Database::open(path)?;
    let connection = connect_database(path, READER_CACHE)?;
    connection.pragma_update(None, "query_only", true)?;
    let version = schema::version(&connection)?;
    Ok(StoreStatus { version, newest: schema::newest(), is_served: database.is_locked() })
}

/// Brings a store up to date, which no gateway may run on meanwhile.
pub(crate) fn bring_up(path: &Path) -> Result<StoreStatus, OpenError> {
    require(path)?;
    refuse_for_root(path)?;
    let database = Database::open(path)?;
    let lock = database.lock()?;
    let migrated = connect_database(path, WRITER_CACHE).and_then(|mut connection| {
        if schema::is_behind(&connection)? {
            schema::migrate(&mut connection)?;
        }
        schema::version(&connection)
    });
    database.unlock(lock);
    Ok(StoreStatus { version: migrated?, newest: schema::newest(), is_served: false })
}

/// The first connection to what may be something else than a database.
fn connect_database(path: &Path, cache: i64) -> Result<Connection, OpenError> {
    connect(path, cache).map_err(|error| match &error {
        OpenError::Sqlite(rusqlite::Error::SqliteFailure(cause, _))
            if cause.code == rusqlite::ErrorCode::NotADatabase =>
        {
            OpenError::NoDatabase(path.to_owned())
        }
        _ => error,
    })
}

/// There is a database, as far as this user can see.
///
/// # Errors
/// There is none; or this user may not look, which says nothing of what is there.
pub(super) fn require(path: &Path) -> Result<(), OpenError> {
    match path.try_exists() {
        Ok(true) => Ok(()),
        Ok(false) => Err(OpenError::Missing(path.to_owned())),
        Err(source) => Err(OpenError::io(path, source)),
    }
}

/// Root makes no files where a store is another user's: that user could not open them.
pub(super) fn refuse_for_root(path: &Path) -> Result<(), OpenError> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    // Of folders that are not there yet the one above decides: that user begins to serve there.
    let Some((place, found)) = path
        .ancestors()
        .map(or_working_directory)
        .find_map(|place| Some((place.clone(), fs::metadata(place).ok()?)))
    else {
        return Ok(());
    };
    match found.uid() {
        0 => Ok(()),
        owner => Err(OpenError::OfAnother { path: place, owner: user_name(owner) }),
    }
}

/// The name of a user, or its number as `sudo -u` takes it.
fn user_name(id: u32) -> String {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let named = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(id)).then(|| name.to_owned())
    });
    named.unwrap_or_else(|| format!("#{id}"))
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

/// Opens the store for a visitor, which takes no lock. A visitor that made the store marks the media folder as the store's.
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
        .map_err(|source| OpenError::io(database.path(), source))
}

fn or_working_directory(folder: &Path) -> PathBuf {
    if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder.to_owned() }
}

/// Makes what is missing, readable by its owner only; SQLite gives the WAL the database's permissions.
fn make_files(options: &SqliteOptions) -> Result<Database, OpenError> {
    let path = &options.path;
    if !options.create {
        require(path)?;
    }
    refuse_beside_a_journal(options)?;
    refuse_beside_a_saved_copy(options)?;
    if !path.exists() {
        refuse_after_a_loss(options)?;
    }
    if let Some(folder) = path.parent() {
        make_private(&or_working_directory(folder)).map_err(|source| OpenError::io(folder, source))?;
    }
    Database::open(path)
}

/// Applies migrations; returns whether they made the store. Only the holder of the lock may: a running gateway knows its own tables only.
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
    let held = match options.mode {
        Mode::Serve => None,
        // A look changes nothing; what was never used is made.
        Mode::Visit if is_new && options.create => Some(database.lock()?),
        Mode::Visit => {
            let (found, known) = (schema::version(connection)?, schema::newest());
            return Err(OpenError::Outdated { path: options.path.clone(), found, known });
        }
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
    Ok(Readers::new(connections, options.search_time))
}

/// Takes up what an earlier run left. The lock says that no other gateway runs, so every lease is one of a dead process: it ends
/// now. There are as many as were in memory then, however long the backlog is.
fn recover(connection: &Connection, options: &SqliteOptions) -> Result<Segments, OpenError> {
    connection.execute_batch(
        "BEGIN IMMEDIATE;
         UPDATE work SET owner = NULL, due = min(due, since) WHERE owner IS NOT NULL;
         UPDATE callback SET owner = NULL, due = min(due, at) WHERE owner IS NOT NULL;
         COMMIT",
    )?;
    let folder = Folder::open(&options.media).map_err(|source| OpenError::io(&options.media, source))?;
    Ok(Segments::open(folder, options.segment_bytes, connection)?)
}

/// Where the store was moved, if it was.
fn moved_to(connection: &Connection) -> rusqlite::Result<Option<String>> {
    connection.query_row("SELECT value FROM meta WHERE name = 'moved_to'", [], |row| row.get(0)).optional()
}

/// Where ids of callbacks come from: they go on from the newest there is. A visitor makes its own beside the gateway's.
pub(super) fn callback_ids(connection: &Connection, mode: Mode) -> rusqlite::Result<IdSource> {
    let node = match mode {
        Mode::Serve => 0,
        Mode::Visit => VISITOR,
    };
    let newest: Option<i64> = connection.query_row("SELECT max(id) FROM callback", [], |row| row.get(0))?;
    Ok(IdSource::new(node, newest.and_then(Id::from_number)))
}
