//! One body in a segment: a header that names its message, the bytes, and zeros up to the next block.
//!
//! Records begin and end on block boundaries, so that an append never rewrites a block of a record that was
//! acknowledged: a torn write of the newest cannot hurt the one before.

use std::{fs::File, io, os::unix::fs::FileExt};

use bytes::Bytes;
use posthouse_core::Id;
use rustix::{buffer::spare_capacity, io::Errno};

use super::direct::{Aligned, BLOCK};

/// Begins each record; its last character is the version of the format.
const MAGIC: [u8; 4] = *b"PHM1";
/// Magic, checksum, id and length.
const HEADER: usize = 24;

/// What identifies the bytes of a message's media.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seal {
    /// The message that they belong to.
    pub(crate) id: Id,
    /// CRC-32 over all parts.
    pub(crate) crc: u32,
    /// The length of all parts.
    pub(crate) length: u64,
}

impl Seal {
    /// The seal of these parts.
    pub(crate) fn of(id: Id, parts: &[Bytes]) -> Self {
        let mut crc = crc32fast::Hasher::new();
        let mut length = 0;
        for part in parts {
            crc.update(part);
            length += part.len() as u64;
        }
        Self { id, crc: crc.finalize(), length }
    }

    /// Whether these bytes are the sealed ones.
    pub(crate) fn fits(&self, body: &[u8]) -> bool {
        body.len() as u64 == self.length && crc32fast::hash(body) == self.crc
    }

    fn header(&self) -> [u8; HEADER] {
        let mut header = [0; HEADER];
        header[..4].copy_from_slice(&MAGIC);
        header[4..8].copy_from_slice(&self.crc.to_le_bytes());
        header[8..16].copy_from_slice(&self.id.number().to_le_bytes());
        header[16..].copy_from_slice(&self.length.to_le_bytes());
        header
    }
}

/// The record of these parts, ready to be written.
pub(crate) fn write(seal: &Seal, parts: &[Bytes]) -> Aligned {
    let length = HEADER + parts.iter().map(Bytes::len).sum::<usize>();
    let mut record = Aligned::with_capacity(length.next_multiple_of(BLOCK));
    record.push(&seal.header());
    for part in parts {
        record.push(part);
    }
    record.fill_block();
    record
}

/// The body of a record; `None` when it is not the sealed one: torn, changed, or another message's by now.
pub(crate) fn read(file: &File, position: u64, seal: &Seal) -> io::Result<Option<Bytes>> {
    let length = seal.length.saturating_add(HEADER as u64);
    // The seal may be damaged: no memory is taken for what the file cannot hold.
    let is_there =
        position.checked_add(length).is_some_and(|end| file.metadata().is_ok_and(|file| end <= file.len()));
    let Some(length) = usize::try_from(length).ok().filter(|_| is_there) else { return Ok(None) };
    let mut record = Vec::with_capacity(length);
    while record.len() < length {
        let next = position + record.len() as u64;
        match rustix::io::pread(file, spare_capacity(&mut record), next) {
            Ok(0) => return Ok(None),
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    if !record.starts_with(&seal.header()) {
        return Ok(None);
    }
    let body = Bytes::from(record).slice(HEADER..length);
    Ok(seal.fits(&body).then_some(body))
}

/// How many bytes of the file this message's record takes; `None` when its record is not (or no longer) here.
pub(crate) fn length(file: &File, position: u64, id: Id) -> io::Result<Option<u64>> {
    let mut header = [0; HEADER];
    if !read_at(file, &mut header, position)? {
        return Ok(None);
    }
    let (Some(magic), Some(whose), Some(length)) =
        (header.first_chunk(), header.get(8..16), header.last_chunk())
    else {
        return Ok(None);
    };
    if *magic != MAGIC || *whose != id.number().to_le_bytes() {
        return Ok(None);
    }
    let length = u64::from_le_bytes(*length).saturating_add(HEADER as u64);
    // The header may be damaged: go no further than the file does.
    let left = file.metadata()?.len().saturating_sub(position);
    Ok(Some(length.min(left).next_multiple_of(BLOCK as u64)))
}

/// Whether the buffer could be filled before the file ended.
fn read_at(file: &File, buffer: &mut [u8], position: u64) -> io::Result<bool> {
    match file.read_exact_at(buffer, position) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}
