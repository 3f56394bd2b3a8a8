//! Checks every second whether the files of a store are still the ones that were opened. What is written to a file that was removed or
//! replaced is lost with the process: from then on nothing is accepted.

use std::{
    fs::{self, Metadata},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use rusqlite::Connection;

use super::{
    fault::{Result, StoreFault},
    place::beside,
};
use crate::media::segments::Segments;

/// What is lost with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// Whatever is written from now on: the database itself is gone.
    All,
    /// The same, for good: whatever opened the database since has a journal of its own.
    ForGood,
    /// Media only: what is stored already can still be settled.
    Media,
}

/// A file of the store that is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Loss {
    pub(super) extent: Extent,
    /// What happened and the remedy, in a sentence.
    pub(super) what: String,
}

/// Which file a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Inode(u64, u64);

impl From<&Metadata> for Inode {
    fn from(found: &Metadata) -> Self {
        Self(found.dev(), found.ino())
    }
}

/// The files of a store as they were when it was opened.
#[derive(Debug)]
pub(super) struct Watch {
    database: PathBuf,
    is: Inode,
    /// The journal and its index, which SQLite makes when it has a use for them.
    journals: [(PathBuf, Option<Inode>); 2],
    media: PathBuf,
    folder: Inode,
}

impl Watch {
    /// Notes the files as they are now: the database, which is the file `is`, and the media folder.
    pub(super) fn new(database: &Path, is: Metadata, media: &Path) -> io::Result<Self> {
        Ok(Self {
            database: database.to_owned(),
            is: (&is).into(),
            journals: ["-wal", "-shm"].map(|ending| (beside(database, ending), None)),
            media: media.to_owned(),
            folder: (&fs::metadata(media)?).into(),
        })
    }

    /// The path under which the database was opened.
    pub(super) fn database(&self) -> &Path {
        &self.database
    }

    /// Checks the files; returns what is lost, if anything is. To be called between transactions.
    pub(super) fn look(
        &mut self,
        connection: &Connection,
        segments: Option<&mut Segments>,
    ) -> Result<Option<Loss>> {
        if let Some(how) = changed(&self.database, self.is) {
            let path = self.database.display();
            let what = format!(
                "the database {path} {how} under the running gateway; stop the gateway, put the file back, and start it"
            );
            return Ok(Some(Loss { extent: Extent::All, what }));
        }
        for (path, seen) in &mut self.journals {
            let Some(known) = *seen else {
                *seen = fs::metadata(&path).ok().as_ref().map(Inode::from);
                continue;
            };
            if let Some(how) = changed(path, known) {
                let path = path.display();
                let what = format!(
                    "the database's journal {path} {how} under the running gateway; what was in it was written into the database: start the gateway again"
                );
                return Ok(Some(Loss { extent: Extent::ForGood, what }));
            }
        }
        self.look_at_media(connection, segments)
    }

    fn look_at_media(
        &self,
        connection: &Connection,
        segments: Option<&mut Segments>,
    ) -> Result<Option<Loss>> {
        let loss = |path: &Path, how: &str| {
            let path = path.display();
            let what = format!(
                "{path} {how} under the running gateway; put it back, or stop the gateway and start it without what lay there"
            );
            Ok(Some(Loss { extent: Extent::Media, what }))
        };
        if let Some(how) = changed(&self.media, self.folder) {
            return loss(&self.media, &how);
        }
        match segments.map(|segments| segments.missing(connection)).transpose() {
            Ok(Some(Some(path))) => loss(&path, "was removed or replaced"),
            Err(StoreFault::Io(error)) => loss(&self.media, &format!("cannot be looked into ({error})")),
            Err(fault) => Err(fault),
            Ok(_) => Ok(None),
        }
    }
}

/// What became of a file, if the path does not lead to it any more.
fn changed(path: &Path, known: Inode) -> Option<String> {
    match fs::metadata(path) {
        Ok(found) if Inode::from(&found) == known => None,
        Ok(_) => Some("was replaced".to_owned()),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Some("was removed or renamed".to_owned())
        }
        Err(error) => Some(format!("cannot be looked at any more ({error})")),
    }
}
