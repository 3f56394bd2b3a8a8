//! The marker of a media folder: it names the store that the folder belongs to, so that no other store takes its segments for free ones.

use std::{
    fmt,
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read, Seek, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{Timespec, Timestamps, UTIME_NOW, futimens},
    io::Errno,
};

use super::folder::Folder;

/// Its name in the folder.
const NAME: &str = "posthouse-store";
/// The longest marker that is read, in bytes.
const BYTES: u64 = 16 << 10;

/// The store that a media folder belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FolderOwner {
    /// The identity of the store, as its database has it; empty where segments lie in a folder without a marker.
    pub(crate) store: String,
    /// The path of that database.
    pub(crate) database: String,
}

impl fmt::Display for FolderOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.store.is_empty() {
            return write!(f, "a store that did not say its name");
        }
        write!(f, "store {}, whose database was {}", self.store, self.database)
    }
}

impl FolderOwner {
    fn parse(text: &str) -> Option<Self> {
        let value = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "));
        let store = value("store").filter(|store| !store.is_empty())?;
        Some(Self { store: store.to_owned(), database: value("database").unwrap_or_default().to_owned() })
    }

    fn text(&self) -> String {
        format!(
            "# This folder holds the media of one Posthouse store. Keep this file: a gateway does not start on another store's folder.\n\
             store = {}\ndatabase = {}\n",
            self.store, self.database
        )
    }
}

/// Why a media folder cannot be used.
#[derive(Debug)]
pub(crate) enum MarkerError {
    /// It is another store's.
    Foreign {
        /// The folder.
        folder: PathBuf,
        /// The store that it belongs to.
        owner: FolderOwner,
    },
    /// Another gateway holds it.
    Locked(PathBuf),
    /// The system refuses.
    Io(PathBuf, io::Error),
}

/// The marker of this store's folder, locked till this is dropped.
#[derive(Debug)]
pub(crate) struct Marker {
    file: File,
}

impl Marker {
    /// Notes in the file system that it was used.
    ///
    /// # Errors
    /// The file system takes no changes any more.
    pub(crate) fn touch(&self) -> io::Result<()> {
        touch(&self.file)
    }
}

/// Changes the times of a file: the least that a file system refuses once its journal has ended. That it has no room for it, or that the file
/// is another user's, says nothing of that and is no error.
pub(crate) fn touch(file: &File) -> io::Result<()> {
    let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
    match futimens(file, &Timestamps { last_access: now, last_modification: now }) {
        Err(ended @ (Errno::ROFS | Errno::IO)) => Err(ended.into()),
        _ => Ok(()),
    }
}

/// Copies the marker of a folder into another, which so is the same store's.
pub(crate) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let mut text = Vec::new();
    File::open(from.join(NAME))?.take(BYTES).read_to_end(&mut text)?;
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(to.join(NAME))?;
    file.write_all(&text)?;
    file.sync_all()
}

/// The store that a folder belongs to; `None` when there is neither a marker nor a segment in it.
pub(crate) fn owner(folder: &Path) -> io::Result<Option<FolderOwner>> {
    match File::open(folder.join(NAME)) {
        Ok(file) => {
            if let Some(owner) = read(&file)? {
                return Ok(Some(owner));
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let nameless = || FolderOwner { store: String::new(), database: String::new() };
    match Folder::at(folder).segments() {
        Ok(found) => Ok((!found.is_empty()).then(nameless)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Refuses a folder whose marker names another store.
pub(crate) fn check(folder: &Path, store: &str) -> Result<(), MarkerError> {
    let path = folder.join(NAME);
    let found = owner(folder).map_err(|error| MarkerError::Io(path, error))?;
    match found {
        // Segments without a marker are those of a database that was there before there were markers.
        Some(owner) if !owner.store.is_empty() && owner.store != store => {
            Err(MarkerError::Foreign { folder: folder.to_owned(), owner })
        }
        _ => Ok(()),
    }
}

/// Marks the folder as this store's. It has to be this store's already, or belong to none.
pub(crate) fn mark(folder: &Path, owner: &FolderOwner) -> Result<(), MarkerError> {
    check(folder, &owner.store)?;
    let path = folder.join(NAME);
    open(&path)
        .and_then(|file| write(folder, file, owner))
        .map(drop)
        .map_err(|error| MarkerError::Io(path, error))
}

/// Takes the folder for this store alone.
pub(crate) fn take(folder: &Path, owner: &FolderOwner) -> Result<Marker, MarkerError> {
    check(folder, &owner.store)?;
    let path = folder.join(NAME);
    let file = match open(&path) {
        Ok(file) => file,
        Err(error) => return Err(MarkerError::Io(path, error)),
    };
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(MarkerError::Locked(folder.to_owned())),
        Err(TryLockError::Error(error)) => return Err(MarkerError::Io(path, error)),
    }
    let file = write(folder, file, owner).map_err(|error| MarkerError::Io(path, error))?;
    Ok(Marker { file })
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

fn write(folder: &Path, mut file: File, owner: &FolderOwner) -> io::Result<File> {
    if read(&file)?.as_ref() != Some(owner) {
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(owner.text().as_bytes())?;
        file.sync_all()?;
        File::open(folder)?.sync_all()?;
    }
    Ok(file)
}

/// `None` where it is not one of ours: an empty one, say, that a full disk left.
fn read(file: &File) -> io::Result<Option<FolderOwner>> {
    let mut bytes = Vec::new();
    file.take(BYTES).read_to_end(&mut bytes)?;
    Ok(FolderOwner::parse(&String::from_utf8_lossy(&bytes)))
}
