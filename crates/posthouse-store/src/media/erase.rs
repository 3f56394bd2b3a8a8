//! Erases media that retention threw away where they lie: nothing of them can be read from a segment afterwards.
//!
//! A hole takes its place, which also gives its disk space back; where the file system knows no holes, zeros. A segment with holes is never
//! filled again: when nothing lies in it any more, it is removed, and new ones are made.

use std::{fs::File, io, os::unix::fs::FileExt};

use posthouse_core::Id;
use rustix::fs::FallocateFlags;

use super::{folder::Folder, record, segments::RecordPlace};

/// How many zeros are written at a time.
const STEP: usize = 1 << 20;

/// The media of a message that are to be erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Erasure {
    /// The message that they belonged to.
    pub(crate) id: Id,
    /// The record that holds them.
    pub(crate) place: RecordPlace,
    /// Whether the same segment holds media that are still needed.
    pub(crate) is_shared: bool,
}

/// Erases them, segment by segment; returns the messages whose media are erased. Blocks.
pub(crate) fn erase(folder: &Folder, erasures: &[Erasure]) -> io::Result<Vec<Id>> {
    for in_segment in erasures.chunk_by(|one, next| one.place.segment == next.place.segment) {
        let Some(first) = in_segment.first().filter(|first| first.is_shared) else { continue };
        match folder.change(first.place.segment) {
            Ok(file) => erase_in(&file, in_segment)?,
            // It was removed: there is nothing left to be read.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(erasures.iter().map(|erasure| erasure.id).collect())
}

fn erase_in(file: &File, erasures: &[Erasure]) -> io::Result<()> {
    for erasure in erasures {
        let position = u64::try_from(erasure.place.position).map_err(io::Error::other)?;
        if let Some(length) = record::length(file, position, erasure.id)? {
            clear(file, position, length)?;
        }
    }
    file.sync_data()
}

fn clear(file: &File, position: u64, length: u64) -> io::Result<()> {
    let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    if rustix::fs::fallocate(file, hole, position, length).is_ok() {
        return Ok(());
    }
    let zeros = vec![0; STEP];
    let mut cleared = 0;
    while cleared < length {
        let step = usize::try_from(length - cleared).unwrap_or(STEP).min(STEP);
        let (zeros, _) = zeros.split_at(step);
        file.write_all_at(zeros, position + cleared)?;
        cleared += step as u64;
    }
    Ok(())
}
