//! Where a store lies: its one database, whatever path leads to it; the files beside it that say which store it is; and what an operator
//! moved.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use posthouse_core::lock::Mutex;
use rusqlite::{Connection, OptionalExtension};

use super::options::{Mode, SqliteOptions};
use crate::{error::OpenError, media::marker};

/// The longest lock file that is read, in bytes.
const LOCK_FILE_BYTES: u64 = 4096;
/// What is put behind the name of a database that was removed under a running gateway, for the copy of it.
pub(super) const SAVED: &str = ".saved";
/// Begins the line of a lock file that names its store.
const STORE: &str = "store = ";

/// Descriptors of databases that this process opened beside SQLite's own. Closing one takes SQLite's locks on the same file away from the
/// whole process (POSIX says so), and so none is closed while any store is open in it.
static DESCRIPTORS: Mutex<Descriptors> = Mutex::new(Descriptors { open: 0, parked: Vec::new() });

#[derive(Debug)]
struct Descriptors {
    open: usize,
    parked: Vec<File>,
}

/// The database's file, held open for as long as any connection to it is. The lock on it is the one that counts: it is the file's
/// own, whatever path leads there. (`flock`: SQLite's locks are of the other kind, and know nothing of it.)
#[derive(Debug)]
pub(super) struct Database {
    file: Option<File>,
    /// Where it lies, without links.
    path: PathBuf,
    /// The path that was given, which operators know it by.
    given: PathBuf,
}

impl Database {
    /// Opens the file, made if it is missing.
    pub(super) fn open(path: &Path) -> Result<Self, OpenError> {
        let file = private_file(path)?;
        DESCRIPTORS.lock().open += 1;
        let mut opened = Self { file: Some(file), path: PathBuf::new(), given: path.to_owned() };
        opened.path = fs::canonicalize(path).map_err(|source| OpenError::io(path, source))?;
        Ok(opened)
    }

    /// Its path, without links.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The file's metadata: which file it is.
    pub(super) fn metadata(&self) -> io::Result<fs::Metadata> {
        self.file.as_ref().map_or_else(|| Err(io::ErrorKind::NotFound.into()), File::metadata)
    }

    /// Waits till what was written into it is on disk.
    ///
    /// # Errors
    /// It is not, and what of it is nobody knows.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.as_ref().map_or(Ok(()), File::sync_data)
    }

    /// Whether no path leads to it any more.
    pub(super) fn is_nameless(&self) -> bool {
        self.metadata().is_ok_and(|found| found.nlink() == 0)
    }

    /// Takes the lock that makes the store this process's; the system releases it when the process ends, however that happens. Takes the
    /// lock file's, too, which older versions and people look at.
    pub(super) fn lock(&self) -> Result<LockFile, OpenError> {
        let path = beside(&self.path, ".lock");
        let file = private_file(&path)?;
        try_lock(&file, &beside(&self.given, ".lock"))?;
        if let Some(database) = &self.file {
            try_lock(database, &self.given)?;
        }
        Ok(LockFile { file, path })
    }

    /// Whether another process has taken the lock. It is not taken for that, but for the moment of the look.
    pub(super) fn is_locked(&self) -> bool {
        let Some(file) = &self.file else { return false };
        let looked = file.try_lock_shared();
        if looked.is_ok() {
            // What cannot be given back goes with the file.
            let _ = file.unlock();
        }
        matches!(looked, Err(TryLockError::WouldBlock))
    }

    /// Releases what [`Database::lock`] took.
    pub(super) fn unlock(&self, lock: LockFile) {
        drop(lock);
        if let Some(Err(error)) = self.file.as_ref().map(File::unlock) {
            tracing::warn!(%error, path = %self.path.display(), "a lock could not be given back");
        }
    }

    /// Refuses a path that is not the one under which the database was served. A file with several names has its journal beside one of
    /// them only, where the lock file lies, too.
    pub(super) fn refuse_another_name(&self) -> Result<(), OpenError> {
        let names = self.metadata().map_err(|source| OpenError::io(&self.path, source))?.nlink();
        if names > 1 && !beside(&self.path, ".lock").exists() {
            return Err(OpenError::OtherName(self.path.clone()));
        }
        Ok(())
    }

    /// Refuses a database that was moved without its journal.
    pub(super) fn refuse_without_journal(&self, connection: &Connection) -> Result<(), OpenError> {
        let served_as: Option<String> = connection
            .query_row("SELECT value FROM meta WHERE name = 'served_as'", [], |row| row.get(0))
            .optional()?;
        let Some(known) = served_as.map(PathBuf::from).filter(|known| *known != self.path) else {
            return Ok(());
        };
        let journal = beside(&known, "-wal");
        if !known.exists() && is_filled(&journal) {
            return Err(OpenError::LeftBehind { path: self.path.clone(), journal });
        }
        Ok(())
    }

    /// Notes in the database under which path it is served.
    pub(super) fn note_name(&self, connection: &Connection) -> Result<(), OpenError> {
        connection.execute(
            "INSERT INTO meta (name, value) VALUES ('served_as', ?1)
             ON CONFLICT (name) DO UPDATE SET value = ?1 WHERE value <> ?1",
            [self.path.to_string_lossy()],
        )?;
        Ok(())
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let mut all = DESCRIPTORS.lock();
        all.open = all.open.saturating_sub(1);
        if let Some(file) = self.file.take() {
            // The lock is released now, not with the descriptor.
            file.unlock().ok();
            all.parked.push(file);
        }
        if all.open == 0 {
            all.parked.clear();
        }
    }
}

/// The lock file beside a database, locked.
#[derive(Debug)]
pub(super) struct LockFile {
    file: File,
    path: PathBuf,
}

impl LockFile {
    /// Writes the store's name into it: should the database be gone one day, the lock file tells that there was one.
    pub(super) fn name(&mut self, identity: &str) -> Result<(), OpenError> {
        self.write(identity).map_err(|source| OpenError::io(&self.path, source))
    }

    /// Makes it anew if it was removed.
    pub(super) fn keep(&mut self, identity: &str) -> Result<(), OpenError> {
        if self.path.exists() {
            return Ok(());
        }
        let file = private_file(&self.path)?;
        try_lock(&file, &self.path)?;
        self.file = file;
        self.name(identity)
    }

    /// Notes in the file system that it was used.
    ///
    /// # Errors
    /// The file system takes no changes any more.
    pub(super) fn touch(&self) -> io::Result<()> {
        marker::touch(&self.file)
    }

    fn write(&mut self, identity: &str) -> io::Result<()> {
        let line = format!("{STORE}{identity}\n");
        let mut found = String::new();
        // What cannot be read as text is not a line of ours.
        let read = (&self.file).take(LOCK_FILE_BYTES).read_to_string(&mut found);
        if read.is_ok() && found == line {
            return Ok(());
        }
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(line.as_bytes())?;
        self.file.sync_all()
    }
}

/// Refuses to make a database beside the journal of one that is gone: SQLite would throw the journal away.
pub(super) fn refuse_beside_a_journal(options: &SqliteOptions) -> Result<(), OpenError> {
    let journal = beside(&options.path, "-wal");
    if is_filled(&options.path) || !is_filled(&journal) {
        return Ok(());
    }
    let journal = journal.display();
    let (witness, remedy) = (format!("its journal {journal} is still there"), format!("move {journal} away"));
    Err(OpenError::Lost { path: options.path.clone(), witness, remedy })
}

/// Refuses a gateway on a database that took the place of one whose copy was saved ([`SAVED`]): what was answered 1000 is in the copy alone.
pub(super) fn refuse_beside_a_saved_copy(options: &SqliteOptions) -> Result<(), OpenError> {
    let saved = beside(&options.path, SAVED);
    match options.mode {
        Mode::Serve if options.path.exists() && saved.exists() => {
            Err(OpenError::Replaced { path: options.path.clone(), saved })
        }
        _ => Ok(()),
    }
}

/// Refuses to make an empty store where something says that there was one.
pub(super) fn refuse_after_a_loss(options: &SqliteOptions) -> Result<(), OpenError> {
    let (folder, lock) = (options.media.display(), beside(&options.path, ".lock"));
    let lost = |witness, remedy| Err(OpenError::Lost { path: options.path.clone(), witness, remedy });
    if let Some(owner) =
        marker::owner(&options.media).map_err(|source| OpenError::io(&options.media, source))?
    {
        return lost(
            format!("the media folder {folder} is that of {owner}"),
            format!(
                "move {folder} and {} away, or give the new store a media folder of its own in [media] url",
                lock.display()
            ),
        );
    }
    if let Some(witness) = witness(&options.path).filter(|witness| witness.exists()) {
        let witness = witness.display();
        return lost(
            format!("{witness} says that its folder was removed or renamed under a running gateway"),
            format!("remove {witness}"),
        );
    }
    let named = fs::read_to_string(&lock).ok().filter(|text| text.starts_with(STORE));
    match named {
        Some(text) => lost(
            format!("{} says that there was one ({})", lock.display(), text.trim()),
            format!("remove {}", lock.display()),
        ),
        None => Ok(()),
    }
}

/// The path of the word that is left beside the folder of a database that went with its folder.
fn witness(database: &Path) -> Option<PathBuf> {
    let folder = database.parent().filter(|folder| folder.file_name().is_some())?;
    Some(beside(folder, ".lost"))
}

/// Leaves word beside the folder of a database, once, when the folder went with everything that bears the store's name. The word does not
/// keep an operator from putting the folder back.
pub(super) fn leave_word(database: &Path, identity: &str) -> Result<(), OpenError> {
    let is_gone = database.parent().is_some_and(|folder| !folder.exists());
    let Some(witness) = witness(database).filter(|witness| is_gone && !witness.exists()) else {
        return Ok(());
    };
    let mut file = private_file(&witness)?;
    let words = format!(
        "# The folder of this store was removed or renamed under a running gateway.\n{STORE}{identity}\n"
    );
    file.write_all(words.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(|source| OpenError::io(&witness, source))
}

/// Removes the word that was left, when the database is there again.
pub(super) fn take_word_back(database: &Path) {
    if let Some(witness) = witness(database).filter(|witness| witness.exists())
        && let Err(error) = fs::remove_file(&witness)
    {
        tracing::warn!(%error, path = %witness.display(), "it says that a store is gone which is there, and cannot be removed");
    }
}

/// A file that only its owner may read, made if it is missing.
pub(super) fn private_file(path: &Path) -> Result<File, OpenError> {
    let mut options = OpenOptions::new();
    let options = options.read(true).write(true).create(true).truncate(false).mode(0o600);
    options.open(path).map_err(|source| OpenError::io(path, source))
}

/// The path of what lies beside a database.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    name.into()
}

fn try_lock(file: &File, path: &Path) -> Result<(), OpenError> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked(path.to_owned())),
        Err(TryLockError::Error(source)) => Err(OpenError::io(path, source)),
    }
}

fn is_filled(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.len() > 0)
}
