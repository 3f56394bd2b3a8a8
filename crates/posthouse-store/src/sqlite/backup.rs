//! A copy of a store at one moment, database and media, beside a gateway that goes on; and putting such a copy back.
//!
//! The database is copied first, in one read. What lies in segments below the tails of that copy was on disk before: it is copied after it, and
//! what retention threw away meanwhile is thrown away in the copy, too. The manifest is written last: a copy without one is not whole.

use std::{
    fs::{self, File},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags};

use super::{
    connect::connect,
    open::{refuse_for_root, require},
    place::{beside, private_file},
    schema,
};
use crate::{
    error::{BackupError, OpenError},
    media::{
        folder::{Folder, make_private},
        marker,
    },
    status::BackupReport,
};

/// The names of what a copy consists of.
const DATABASE: &str = "posthouse.db";
const MEDIA: &str = "media";
const MANIFEST: &str = "posthouse-backup";
/// The page cache of the connection that copies, in KiB.
const CACHE: i64 = 8 << 10;
/// Segments are written in blocks of this many bytes.
const BLOCK: u64 = 4096;
/// The longest manifest that is read, in bytes.
const MANIFEST_BYTES: u64 = 4096;

/// Copies the store at `path`, with the segments in `media`, into the folder `to`, which is made, or is empty.
pub(crate) fn backup(path: &Path, media: &Path, to: &Path) -> Result<BackupReport, BackupError> {
    require(path)?;
    refuse_for_root(path)?;
    make_empty(to)?;
    let connection = connect(path, CACHE)?;
    let (version, known) = (schema::version(&connection)?, schema::newest());
    if version != known {
        return Err(OpenError::Outdated { path: path.to_owned(), found: version, known }.into());
    }
    let at = Timestamp::now();
    let copy = to.join(DATABASE);
    // SQLite would make it readable to others.
    private_file(&copy)?;
    connection.execute("VACUUM INTO ?", [copy.to_string_lossy()])?;
    let folder = to.join(MEDIA);
    make_private(&folder).map_err(|source| BackupError::io(&folder, source))?;
    let media_bytes = copy_segments(&copy, media, &folder)?;
    follow_retention(&connection, &copy)?;
    marker::copy(media, &folder).map_err(|source| BackupError::io(&folder, source))?;
    sync(&copy)?;
    sync(&folder)?;
    let database_bytes = fs::metadata(&copy).map_err(|source| BackupError::io(&copy, source))?.len();
    let report = BackupReport { at, version, database_bytes, media_bytes };
    write_manifest(to, &report)?;
    Ok(report)
}

/// The copied database, without a journal: nothing else writes to it.
fn open_copy(copy: &Path) -> rusqlite::Result<Connection> {
    Connection::open_with_flags(copy, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)
}

/// Copies what the copied database knows of each segment. One that is gone by now, its messages' retention has ended meanwhile.
fn copy_segments(copy: &Path, media: &Path, to: &Path) -> Result<u64, BackupError> {
    let database = open_copy(copy)?;
    let mut statement = database.prepare("SELECT id, tail FROM segment ORDER BY id")?;
    let segments: Vec<(i64, i64)> =
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<_>>()?;
    let (from, to) = (Folder::at(media), Folder::at(to));
    let mut bytes = 0;
    for (id, tail) in segments {
        let tail = u64::try_from(tail).unwrap_or(0).next_multiple_of(BLOCK);
        let place = to.segment(id);
        let read = match from.read(id) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(source) => return Err(BackupError::io(&from.segment(id), source)),
        };
        let mut file = private_file(&place)?;
        let copied = io::copy(&mut read.take(tail), &mut file).and_then(|copied| {
            file.sync_all()?;
            Ok(copied)
        });
        bytes += copied.map_err(|source| BackupError::io(&place, source))?;
    }
    Ok(bytes)
}

/// What retention threw away while the segments were copied may be erased in them: it is thrown away in the copy, too.
fn follow_retention(live: &Connection, copy: &Path) -> Result<(), BackupError> {
    live.execute("ATTACH DATABASE ? AS copied", [copy.to_string_lossy()])?;
    live.execute_batch(
        "BEGIN;
         DELETE FROM copied.media WHERE segment IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM main.media m WHERE m.id = copied.media.id);
         UPDATE copied.message SET has_media = 0 WHERE has_media = 1 AND state >= 10
            AND NOT EXISTS (SELECT 1 FROM copied.media m WHERE m.id = copied.message.id);
         UPDATE copied.mo SET has_media = 0 WHERE has_media = 1 AND ended_at IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM copied.media m WHERE m.id = copied.mo.id);
         COMMIT;
         DETACH DATABASE copied",
    )?;
    Ok(())
}

/// Puts a copy back: the database to `path`, which nothing is at, and the segments into `media`, which is empty or is made.
pub(crate) fn restore(from: &Path, path: &Path, media: &Path) -> Result<BackupReport, BackupError> {
    let report = read_manifest(from)?;
    refuse_for_root(path)?;
    for taken in ["", "-wal", "-shm"].map(|ending| beside(path, ending)) {
        if taken.exists() {
            return Err(BackupError::Occupied(taken));
        }
    }
    make_empty(media)?;
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        make_private(folder).map_err(|source| BackupError::io(folder, source))?;
    }
    let segments = from.join(MEDIA);
    let entries = fs::read_dir(&segments).map_err(|source| BackupError::io(&segments, source))?;
    for entry in entries {
        let entry = entry.map_err(|source| BackupError::io(&segments, source))?;
        copy_file(&entry.path(), &media.join(entry.file_name()))?;
    }
    sync(media)?;
    // Last: a gateway does not start without it.
    copy_file(&from.join(DATABASE), path)?;
    sync(path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")))?;
    Ok(report)
}

fn copy_file(from: &Path, to: &Path) -> Result<(), BackupError> {
    let mut source = File::open(from).map_err(|source| BackupError::io(from, source))?;
    let mut file = private_file(to)?;
    io::copy(&mut source, &mut file)
        .and_then(|_| file.sync_all())
        .map_err(|source| BackupError::io(to, source))
}

/// Makes a folder, unless it is there and empty.
fn make_empty(folder: &Path) -> Result<(), BackupError> {
    make_private(folder).map_err(|source| BackupError::io(folder, source))?;
    let mut entries = fs::read_dir(folder).map_err(|source| BackupError::io(folder, source))?;
    match entries.next() {
        None => Ok(()),
        Some(_) => Err(BackupError::Occupied(folder.to_owned())),
    }
}

fn sync(place: &Path) -> Result<(), BackupError> {
    File::open(place).and_then(|file| file.sync_all()).map_err(|source| BackupError::io(place, source))
}

fn write_manifest(to: &Path, report: &BackupReport) -> Result<(), BackupError> {
    let place = to.join(MANIFEST);
    let BackupReport { at, version, database_bytes, media_bytes } = report;
    let text = format!(
        "# A whole copy of a Posthouse store: posthouse restore puts it back.\nat = {at}\nversion = {version}\ndatabase_bytes = {database_bytes}\nmedia_bytes = {media_bytes}\n"
    );
    let mut file = private_file(&place)?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(|source| BackupError::io(&place, source))?;
    sync(to)
}

fn read_manifest(from: &Path) -> Result<BackupReport, BackupError> {
    let place = from.join(MANIFEST);
    let file = match File::open(&place) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(BackupError::NotWhole(from.to_owned()));
        }
        Err(source) => return Err(BackupError::io(&place, source)),
    };
    let mut text = String::new();
    file.take(MANIFEST_BYTES).read_to_string(&mut text).map_err(|source| BackupError::io(&place, source))?;
    let value = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "));
    let report = || {
        Some(BackupReport {
            at: value("at")?.parse().ok()?,
            version: value("version")?.parse().ok()?,
            database_bytes: value("database_bytes")?.parse().ok()?,
            media_bytes: value("media_bytes")?.parse().ok()?,
        })
    };
    let report = report().ok_or_else(|| BackupError::NotWhole(from.to_owned()))?;
    let known = schema::newest();
    if report.version > known {
        return Err(
            OpenError::Newer { store: from.display().to_string(), found: report.version, known }.into()
        );
    }
    let length = |place: PathBuf| fs::metadata(place).map(|found| found.len()).ok();
    if length(from.join(DATABASE)) != Some(report.database_bytes) {
        return Err(BackupError::NotWhole(from.to_owned()));
    }
    Ok(report)
}
