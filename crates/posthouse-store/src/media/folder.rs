//! The media folder: names of segment files, and making and removing them so that it lasts.

use std::{
    collections::HashMap,
    fs::{self, DirBuilder, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, DirEntryExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use rustix::{fs::FallocateFlags, io::Errno};

use super::direct::{Aligned, DirectFile};

/// Ends the name of a segment.
const SEGMENT: &str = "segment";
/// Ends the name of a segment whose space is being taken; found at start, it is an unfinished one.
const UNFINISHED: &str = "new";
/// Zeros are written in steps of this many bytes: a sync meanwhile waits for one at most.
const STEP: usize = 1 << 20;

/// A segment file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentFile {
    /// Its number.
    pub(crate) id: i64,
    /// Its length in bytes.
    pub(crate) bytes: u64,
}

/// The media folder.
#[derive(Clone, Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// The folder at this path, made if it is missing.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        make_private(path)?;
        Ok(Self(path.to_owned()))
    }

    /// The folder at this path, as it is.
    pub(crate) fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// The segments there are.
    pub(crate) fn segments(&self) -> io::Result<Vec<SegmentFile>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.0)? {
            let entry = entry?;
            if let Some(id) = number(&entry.path(), SEGMENT) {
                found.push(SegmentFile { id, bytes: entry.metadata()?.len() });
            }
        }
        found.sort_unstable_by_key(|segment| segment.id);
        Ok(found)
    }

    /// Which file each segment is (its inode), by its number.
    pub(crate) fn inodes(&self) -> io::Result<HashMap<i64, u64>> {
        let mut inodes = HashMap::new();
        for entry in fs::read_dir(&self.0)? {
            let entry = entry?;
            if let Some(id) = number(&entry.path(), SEGMENT) {
                inodes.insert(id, entry.ino());
            }
        }
        Ok(inodes)
    }

    /// Where a segment lies.
    pub(crate) fn segment(&self, id: i64) -> PathBuf {
        self.path(id, SEGMENT)
    }

    /// Removes what an earlier run began to make.
    pub(crate) fn remove_unfinished(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.0)? {
            let path = entry?.path();
            if number(&path, UNFINISHED).is_some() {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    /// Opens a segment for reading.
    pub(crate) fn read(&self, id: i64) -> io::Result<File> {
        File::open(self.path(id, SEGMENT))
    }

    /// Opens a segment for writing.
    pub(crate) fn write(&self, id: i64) -> io::Result<DirectFile> {
        DirectFile::open(&self.path(id, SEGMENT), OpenOptions::new().write(true))
    }

    /// Opens a segment for reading, and for erasing in it.
    pub(crate) fn change(&self, id: i64) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).open(self.path(id, SEGMENT))
    }

    /// Makes a segment that takes its space as it is filled: for when none is ready, and where there may be less than all of it needs.
    pub(crate) fn create(&self, id: i64, bytes: u64) -> io::Result<DirectFile> {
        let file = new_file(&self.path(id, SEGMENT))?;
        file.file().set_len(bytes)?;
        file.file().sync_all()?;
        self.sync()?;
        Ok(file)
    }

    /// Makes a segment whose space on disk is its own: filling it cannot run out of any. It appears when it is whole.
    pub(crate) fn reserve(&self, id: i64, bytes: u64) -> io::Result<()> {
        let unfinished = self.path(id, UNFINISHED);
        if let Err(error) = reserve(&unfinished, bytes) {
            // For want of space, most likely: what was written takes more of it away.
            fs::remove_file(&unfinished).ok();
            return Err(error);
        }
        fs::rename(&unfinished, self.path(id, SEGMENT))?;
        self.sync()
    }

    /// Removes a segment that nothing needs.
    pub(crate) fn remove(&self, id: i64) -> io::Result<()> {
        fs::remove_file(self.path(id, SEGMENT))?;
        self.sync()
    }

    fn sync(&self) -> io::Result<()> {
        File::open(&self.0)?.sync_all()
    }

    fn path(&self, id: i64, kind: &str) -> PathBuf {
        self.0.join(format!("{id:010}.{kind}"))
    }
}

/// Makes a folder that only its owner may enter, and those above it.
pub(crate) fn make_private(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Makes a file that only its owner may read.
fn new_file(path: &Path) -> io::Result<DirectFile> {
    DirectFile::open(path, OpenOptions::new().write(true).create(true).truncate(true).mode(0o600))
}

/// Takes the space for a file. What is written without the page cache fills blocks that the file system has set aside nearly as fast as
/// blocks that hold zeros, and those would be written twice. By way of the page cache it is half as fast: there zeros are better.
fn reserve(path: &Path, bytes: u64) -> io::Result<()> {
    let mut file = new_file(path)?;
    if !(file.is_direct() && set_aside(&file, bytes)?) {
        write_zeros(&mut file, bytes)?;
    }
    file.file().sync_all()
}

/// Has the file system set blocks aside; whether it can.
fn set_aside(file: &DirectFile, bytes: u64) -> io::Result<bool> {
    match rustix::fs::fallocate(file.file(), FallocateFlags::empty(), 0, bytes) {
        Ok(()) => Ok(true),
        Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn write_zeros(file: &mut DirectFile, bytes: u64) -> io::Result<()> {
    let zeros = Aligned::zeros(STEP);
    let mut written = 0;
    while written < bytes {
        let step = usize::try_from(bytes - written).unwrap_or(STEP).min(STEP);
        let (zeros, _) = zeros.as_slice().split_at(step);
        file.write_all_at(&[zeros], written)?;
        written += step as u64;
    }
    Ok(())
}

fn number(path: &Path, kind: &str) -> Option<i64> {
    let name = path.file_name()?.to_str()?;
    name.strip_suffix(kind)?.strip_suffix('.')?.parse().ok().filter(|id| *id > 0)
}
