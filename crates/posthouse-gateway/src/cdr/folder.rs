//! The folder of CDR files: its own name, the file that is being written, and what a crash left there. All of it blocks.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use posthouse_core::store::CdrFile;

use crate::random;

/// What says the folder's name, and is locked by whoever writes into it.
const MARKER: &str = ".posthouse-cdr";
/// How names of files end, and what is behind that while they are written.
const CLOSED: &str = ".jsonl";
const OPEN: &str = ".part";
/// How long a folder's name is, in hexadecimal digits.
const NAME_DIGITS: usize = 16;
/// How much of it stands in names of files.
const DIGITS_IN_FILES: usize = 8;

/// A folder that this process alone writes into.
#[derive(Debug)]
pub(crate) struct CdrFolder {
    path: PathBuf,
    name: String,
    /// The lock ends with it.
    _marker: File,
}

/// The file that is being written.
#[derive(Debug)]
pub(super) struct OpenFile {
    file: File,
    /// Its name once it is closed.
    pub(super) name: String,
    /// How long it is.
    pub(super) length: u64,
    /// The hour that it is of, since 1970.
    hour: i64,
}

fn hour(at: Timestamp) -> i64 {
    at.as_second().div_euclid(3600)
}

impl CdrFolder {
    /// Opens a folder, which is made where it is not there.
    ///
    /// # Errors
    /// It cannot be written into, or somebody else does.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        let options = OpenOptions::new().read(true).write(true).create(true).mode(0o600).clone();
        let marker = options.open(path.join(MARKER))?;
        if marker.try_lock().is_err() {
            let what = "another process writes into it; give each gateway a folder of its own";
            return Err(io::Error::new(io::ErrorKind::AddrInUse, what));
        }
        let name = named(path, &marker)?;
        Ok(Self { path: path.to_owned(), name, _marker: marker })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The name that it was given when it was first used: the store knows it by that.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Closes what an earlier run, or a failure, left open: what was not noted in the store is cut off.
    pub(super) fn recover(&self, noted: Option<&CdrFile>) -> io::Result<()> {
        for entry in fs::read_dir(&self.path)? {
            let name = entry?.file_name();
            let Some(closed) = name.to_str().and_then(|name| name.strip_suffix(OPEN)) else { continue };
            if !closed.ends_with(CLOSED) {
                continue;
            }
            match noted.filter(|noted| noted.file == closed) {
                Some(noted) => self.cut(closed, noted.length)?,
                None => fs::remove_file(self.path.join(&name))?,
            }
        }
        self.sync()
    }

    fn cut(&self, closed: &str, length: u64) -> io::Result<()> {
        let open = self.path.join(format!("{closed}{OPEN}"));
        let file = OpenOptions::new().write(true).open(&open)?;
        let there = file.metadata()?.len();
        if there < length {
            tracing::error!(
                file = closed,
                there,
                noted = length,
                "a CDR file is shorter than it was: records are lost"
            );
        } else {
            file.set_len(length)?;
        }
        file.sync_all()?;
        fs::rename(open, self.path.join(closed))
    }

    /// Begins a file.
    pub(super) fn begin(&self, now: Timestamp) -> io::Result<OpenFile> {
        let time = now.strftime("%Y%m%dT%H%M%S%3fZ").to_string();
        let place: String = self.name.chars().take(DIGITS_IN_FILES).collect();
        let name = format!("cdr-{time}-{place}{CLOSED}");
        // One that is closed is not written into again.
        if self.path.join(&name).exists() {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, format!("{name} is there already")));
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let file = options.open(self.path.join(format!("{name}{OPEN}")))?;
        self.sync()?;
        Ok(OpenFile { file, name, length: 0, hour: hour(now) })
    }

    /// Closes a file under its name. All of it is on disk already.
    pub(super) fn close(&self, file: &OpenFile) -> io::Result<()> {
        fs::rename(self.path.join(format!("{}{OPEN}", file.name)), self.path.join(&file.name))?;
        self.sync()
    }

    /// What the folder says is on disk.
    fn sync(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }
}

impl OpenFile {
    /// Appends lines, and has them on disk.
    pub(super) fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        self.file.write_all(lines)?;
        self.file.sync_data()?;
        self.length = self.length.saturating_add(lines.len() as u64);
        Ok(())
    }

    /// Whether its hour is over.
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        hour(now) != self.hour
    }
}

/// The name in the marker; a new one, where there is none.
fn named(path: &Path, marker: &File) -> io::Result<String> {
    let there = io::read_to_string(marker)?;
    let there = there.trim();
    if there.len() == NAME_DIGITS && there.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(there.to_owned());
    }
    let bytes: [u8; NAME_DIGITS / 2] = random::bytes().map_err(io::Error::other)?;
    let name: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    marker.set_len(0)?;
    let mut writing = OpenOptions::new().write(true).open(path.join(MARKER))?;
    writeln!(writing, "{name}")?;
    writing.sync_all()?;
    File::open(path)?.sync_all()?;
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn names(path: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(path)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != MARKER)
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_folder_keeps_its_name_and_is_for_one() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("cdr");
        let folder = CdrFolder::open(&path).unwrap();
        let name = folder.name().to_owned();
        assert_eq!(name.len(), NAME_DIGITS);
        let refused = CdrFolder::open(&path).unwrap_err().to_string();
        assert_eq!(refused, "another process writes into it; give each gateway a folder of its own");
        drop(folder);
        assert_eq!(CdrFolder::open(&path).unwrap().name(), name);
    }

    #[test]
    fn a_file_is_closed_by_its_hour_under_its_name() {
        let place = tempfile::tempdir().unwrap();
        let folder = CdrFolder::open(place.path()).unwrap();
        let mut file = folder.begin(at(7_200)).unwrap();
        file.append(b"one\n").unwrap();
        file.append(b"two\n").unwrap();
        let closed = format!("cdr-19700101T020000000Z-{}.jsonl", &folder.name()[..8]);
        assert_eq!((file.name.as_str(), file.length), (closed.as_str(), 8));
        assert_eq!(names(place.path()), [format!("{closed}.part")]);
        assert!(!file.is_over(at(10_799)) && file.is_over(at(10_800)));
        folder.close(&file).unwrap();
        assert_eq!(names(place.path()), std::slice::from_ref(&closed));
        assert_eq!(fs::read(place.path().join(&closed)).unwrap(), b"one\ntwo\n");
        assert!(folder.begin(at(7_200)).is_err(), "what is closed is not written again");
    }

    #[test]
    fn what_was_not_noted_is_cut_off() {
        let place = tempfile::tempdir().unwrap();
        let folder = CdrFolder::open(place.path()).unwrap();
        let mut file = folder.begin(at(0)).unwrap();
        file.append(b"one\ntwo\nthr").unwrap();
        let noted = CdrFile { folder: folder.name().to_owned(), file: file.name.clone(), length: 8 };
        let mut other = folder.begin(at(9)).unwrap();
        other.append(b"never noted\n").unwrap();
        folder.recover(Some(&noted)).unwrap();
        assert_eq!(names(place.path()), [file.name.clone()], "the other goes");
        assert_eq!(fs::read(place.path().join(&file.name)).unwrap(), b"one\ntwo\n");
        folder.recover(Some(&noted)).unwrap();
        assert_eq!(fs::read(place.path().join(&file.name)).unwrap(), b"one\ntwo\n");
    }
}
