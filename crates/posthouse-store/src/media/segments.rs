//! The segment files as the writer sees them: one is being filled, the others are kept till no row needs them.
//!
//! The database is the truth: `segment.tail` is committed together with the rows that name records below it. What lies
//! above it was never acknowledged and is written over, so recovery reads rows, not files. A segment is removed only
//! when the *commit* that took its last row has returned, and never filled again: what lay in it is over, and is not to be read
//! till others have written over it. New ones are made beforehand (`spare.rs`).

use std::{collections::HashMap, io, path::PathBuf, sync::Arc};

use posthouse_core::store::StoreError;
use rusqlite::Connection;

use super::{
    direct::{Aligned, DirectFile},
    folder::{Folder, SegmentFile},
    spare::Spare,
};
use crate::fault::{Result, StoreFault};

/// The first segment of a store is this small, each next one twice as large: a small store stays small.
const FIRST_BYTES: u64 = 8 << 20;
/// The place of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RecordPlace {
    /// The number of the segment.
    pub(crate) segment: i64,
    /// The offset in it.
    pub(crate) position: i64,
}

#[derive(Debug)]
struct Filling {
    id: i64,
    sequence: i64,
    tail: u64,
    bytes: u64,
    file: DirectFile,
    /// Records that are still to be written, which end at the tail.
    unwritten: Vec<Arc<Aligned>>,
    /// Appended to since the last commit.
    dirty: bool,
}

impl Filling {
    fn new(found: SegmentFile, sequence: i64, tail: u64, file: DirectFile) -> Self {
        let SegmentFile { id, bytes } = found;
        Self { id, sequence, tail, bytes, file, unwritten: Vec::new(), dirty: false }
    }

    fn write(&mut self) -> io::Result<()> {
        let pieces: Vec<&[u8]> = self.unwritten.iter().map(|record| record.as_slice()).collect();
        let length: u64 = pieces.iter().map(|piece| piece.len() as u64).sum();
        self.file.write_all_at(&pieces, self.tail.saturating_sub(length))?;
        self.unwritten.clear();
        Ok(())
    }
}

/// The segments, as the one writer sees them. Between commits its state is ahead of the database's; after a rollback
/// [`Segments::recover`] takes the database's again.
#[derive(Debug)]
pub(crate) struct Segments {
    folder: Folder,
    limit: u64,
    /// The size of the newest segment, in bytes.
    newest_bytes: u64,
    filling: Option<Filling>,
    /// Filled up in this group: their tails are still to be written.
    filled: Vec<Filling>,
    /// Segments made ahead that hold nothing yet.
    free: Vec<SegmentFile>,
    /// Segments that no row needs since a commit, to be removed with the next one.
    surplus: Vec<i64>,
    next_id: i64,
    next_sequence: i64,
    spare: Spare,
    /// Why the folder could not be looked into: nothing is appended till that was [mended](Segments::mend).
    unusable: Option<StoreError>,
    /// Which file each segment that the database knows is; none, where it was gone already when the store was opened.
    known: HashMap<i64, Option<u64>>,
}

impl Segments {
    /// Takes the folder over: from here on only this writes to it.
    pub(crate) fn open(folder: Folder, limit: u64, connection: &Connection) -> Result<Self> {
        folder.remove_unfinished()?;
        let spare = Spare::start(folder.clone())?;
        let mut segments = Self {
            folder,
            limit,
            newest_bytes: 0,
            filling: None,
            filled: Vec::new(),
            free: Vec::new(),
            surplus: Vec::new(),
            next_id: 1,
            next_sequence: 1,
            spare,
            unusable: None,
            known: HashMap::new(),
        };
        segments.go_on(connection)?;
        let inodes = segments.folder.inodes()?;
        segments.known = recorded(connection)?.into_iter().map(|id| (id, inodes.get(&id).copied())).collect();
        for (id, _) in segments.known.iter().filter(|(_, inode)| inode.is_none()) {
            let path = segments.folder.segment(*id);
            tracing::error!(path = %path.display(), "a media segment is gone; what lies in it ends as Rejected, unless it is put back before the gateway starts");
        }
        Ok(segments)
    }

    /// A segment that was removed or replaced since it was seen first. To be called between transactions only.
    pub(crate) fn missing(&mut self, connection: &Connection) -> Result<Option<PathBuf>> {
        let inodes = self.folder.inodes()?;
        let before = std::mem::take(&mut self.known);
        let mut missing = None;
        for id in recorded(connection)? {
            let found = inodes.get(&id).copied();
            // What was gone at the start is known to be gone; a new segment has to be there.
            let (known, is_missing) = match before.get(&id) {
                Some(None) => (None, false),
                Some(Some(known)) => (Some(*known), found != Some(*known)),
                None => (found, found.is_none()),
            };
            if is_missing {
                missing = Some(self.folder.segment(id));
            }
            if !(is_missing && known.is_none()) {
                self.known.insert(id, known);
            }
        }
        Ok(missing)
    }

    /// Goes on from what is committed. That the folder cannot be looked into fails only what has media to be written: the rest of the
    /// store has no need of it.
    pub(crate) fn recover(&mut self, connection: &Connection) -> Result<()> {
        self.unusable = None;
        match self.go_on(connection) {
            Err(fault @ StoreFault::Io(_)) => {
                self.filling = None;
                self.free.clear();
                self.unusable = Some(fault.into());
                Ok(())
            }
            outcome => outcome,
        }
    }

    /// Looks into the folder again, if that could not be done. To be called between transactions only.
    pub(crate) fn mend(&mut self, connection: &Connection) -> Result<()> {
        if self.unusable.is_some() { self.recover(connection) } else { Ok(()) }
    }

    fn go_on(&mut self, connection: &Connection) -> Result<()> {
        let found = self.folder.segments()?;
        self.filled.clear();
        self.surplus.clear();
        let newest: Option<(i64, i64, i64)> = connection
            .prepare_cached("SELECT id, sequence, tail FROM segment ORDER BY sequence DESC LIMIT 1")?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
            .next()
            .transpose()?;
        let last_id = found.last().map_or(0, |segment| segment.id).max(highest_id(connection)?);
        self.next_id = self.next_id.max(last_id + 1);
        self.filling = None;
        if let Some((id, sequence, tail)) = newest {
            self.next_sequence = sequence + 1;
            self.filling = self.reopen(&found, id, sequence, tail)?;
        }
        self.newest_bytes = self.filling.as_ref().map_or(self.newest_bytes, |filling| filling.bytes);
        self.free.retain(|free| found.contains(free));
        self.surplus = self.unneeded(connection, &found)?;
        Ok(())
    }

    fn reopen(&self, found: &[SegmentFile], id: i64, sequence: i64, tail: i64) -> Result<Option<Filling>> {
        let (Some(segment), Ok(tail)) = (found.iter().find(|segment| segment.id == id), u64::try_from(tail))
        else {
            return Ok(None);
        };
        let file = self.folder.write(id)?;
        Ok(Some(Filling::new(*segment, sequence, tail, file)))
    }

    /// Segments that no committed row needs, but for the one being filled and those that hold nothing yet. What an earlier run left is among
    /// them: its content is unknown.
    fn unneeded(&self, connection: &Connection, found: &[SegmentFile]) -> Result<Vec<i64>> {
        let mut needed = connection.prepare_cached(
            "SELECT 1 FROM media WHERE segment = ?1 UNION ALL SELECT 1 FROM erasing WHERE segment = ?1 LIMIT 1",
        )?;
        let mut unneeded = Vec::new();
        for segment in found {
            let filling = self.filling.as_ref().is_some_and(|filling| filling.id == segment.id);
            let is_empty = self.spare.on_order() == Some(segment.id) || self.free.contains(segment);
            if !filling && !is_empty && !needed.exists([segment.id])? {
                unneeded.push(segment.id);
            }
        }
        Ok(unneeded)
    }

    /// Looks for segments that the last commit left without rows; returns whether there are any. To be called between transactions only.
    pub(crate) fn collect(&mut self, connection: &Connection) -> Result<bool> {
        let found = self.folder.segments()?;
        self.surplus = self.unneeded(connection, &found)?;
        Ok(!self.surplus.is_empty())
    }

    /// Appends a record. It is on disk after [`Segments::write`] and [`Segments::sync`], and lasts when the transaction
    /// commits.
    pub(crate) fn append(&mut self, record: &Arc<Aligned>) -> Result<RecordPlace> {
        if let Some(unusable) = &self.unusable {
            return Err(unusable.clone().into());
        }
        let length = record.as_slice().len() as u64;
        let filling = match self.filling.take() {
            Some(filling) if filling.tail + length <= filling.bytes => filling,
            full => self.next(full, length)?,
        };
        let filling = self.filling.insert(filling);
        filling.unwritten.push(Arc::clone(record));
        filling.dirty = true;
        let position = i64::try_from(filling.tail).map_err(io::Error::other)?;
        filling.tail += length;
        Ok(RecordPlace { segment: filling.id, position })
    }

    /// The next segment to be filled, with room for a record of this length.
    fn next(&mut self, full: Option<Filling>, length: u64) -> Result<Filling> {
        self.filled.extend(full);
        self.free.extend(self.spare.take());
        let (found, file) = match self.free.iter().position(|segment| segment.bytes >= length) {
            Some(index) => {
                let found = self.free.swap_remove(index);
                (found, self.folder.write(found.id)?)
            }
            None => {
                let found = SegmentFile { id: self.new_id(), bytes: self.grown().max(length) };
                (found, self.folder.create(found.id, found.bytes)?)
            }
        };
        self.newest_bytes = found.bytes;
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        Ok(Filling::new(found, sequence, 0, file))
    }

    fn new_id(&mut self) -> i64 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    /// The size of the next new segment, in bytes.
    fn grown(&self) -> u64 {
        self.newest_bytes.saturating_mul(2).max(FIRST_BYTES).min(self.limit)
    }

    /// Has the next segment made, if none is ready and there is this much room beside it.
    pub(crate) fn prepare(&mut self, room: u64) {
        let bytes = self.grown();
        if self.filling.is_some() && self.free.is_empty() && self.spare.on_order().is_none() && bytes < room {
            let id = self.new_id();
            self.spare.order(SegmentFile { id, bytes });
        }
    }

    /// Writes all that was appended at once. After an error nothing that was committed is lost, and what was written does not count.
    pub(crate) fn write(&mut self) -> Result<()> {
        for filling in self.filled.iter_mut().chain(&mut self.filling).filter(|filling| filling.dirty) {
            filling.write()?;
        }
        Ok(())
    }

    /// Syncs what was written. After an error it is unknown what is on disk.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        for filling in self.filled.iter().chain(&self.filling).filter(|filling| filling.dirty) {
            filling.file.file().sync_data()?;
        }
        Ok(())
    }

    /// Writes the tails of what was appended to, within the transaction.
    pub(crate) fn record(&self, connection: &Connection) -> Result<()> {
        for filling in self.filled.iter().chain(&self.filling).filter(|filling| filling.dirty) {
            connection
                .prepare_cached(
                    "INSERT INTO segment (id, sequence, tail) VALUES (?1, ?2, ?3)
                     ON CONFLICT (id) DO UPDATE SET sequence = ?2, tail = ?3",
                )?
                .execute((filling.id, filling.sequence, i64::try_from(filling.tail).unwrap_or(i64::MAX)))?;
        }
        for id in &self.surplus {
            connection.prepare_cached("DELETE FROM segment WHERE id = ?")?.execute([id])?;
        }
        Ok(())
    }

    /// After the commit: what was appended lasts.
    pub(crate) fn committed(&mut self) {
        self.filled.clear();
        if let Some(filling) = &mut self.filling {
            filling.dirty = false;
        }
        for id in std::mem::take(&mut self.surplus) {
            if let Err(error) = self.folder.remove(id) {
                tracing::warn!(%error, segment = id, "media segment could not be removed");
            }
        }
    }
}

/// The segments that the database knows.
fn recorded(connection: &Connection) -> Result<Vec<i64>> {
    let ids = connection
        .prepare_cached("SELECT id FROM segment ORDER BY id")?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(ids)
}

fn highest_id(connection: &Connection) -> Result<i64> {
    let id: Option<i64> = connection.query_row("SELECT max(id) FROM segment", [], |row| row.get(0))?;
    Ok(id.unwrap_or(0))
}
