//! Files that are written without the page cache, where the file system lets them.
//!
//! What is written here is read again rarely, and soon synced anyway. By way of the page cache each byte costs a copy, and
//! memory that others have a use for.

use std::{
    fs::{File, OpenOptions},
    io::{self, IoSlice},
    path::Path,
};

use rustix::io::Errno;

/// What is written has to begin and end at multiples of this, in the file and in memory: the largest block that disks have.
pub(crate) const BLOCK: usize = 4096;
/// So many pieces at most are written by one call (Linux's UIO_MAXIOV).
const PIECES: usize = 1024;

/// Bytes in memory that begin at a multiple of [`BLOCK`].
#[derive(Debug)]
pub(crate) struct Aligned {
    bytes: Vec<u8>,
    start: usize,
}

impl Aligned {
    /// Nothing yet, with room for so many bytes. More would move it to where it is not aligned, which costs speed only.
    pub(crate) fn with_capacity(length: usize) -> Self {
        let mut bytes: Vec<u8> = Vec::with_capacity(length + BLOCK);
        let start = bytes.as_ptr().align_offset(BLOCK).min(BLOCK);
        bytes.resize(start, 0);
        Self { bytes, start }
    }

    /// Adds bytes.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Adds zeros up to the next multiple of [`BLOCK`].
    pub(crate) fn fill_block(&mut self) {
        let length = (self.bytes.len() - self.start).next_multiple_of(BLOCK);
        self.bytes.resize(self.start + length, 0);
    }

    /// So many zeros.
    pub(crate) fn zeros(length: usize) -> Self {
        let mut zeros = Self::with_capacity(length);
        zeros.bytes.resize(zeros.start + length, 0);
        zeros
    }

    /// The bytes.
    pub(crate) fn as_slice(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }
}

/// A file that is written in whole blocks.
#[derive(Debug)]
pub(crate) struct DirectFile {
    file: File,
    /// Whether the page cache is left out.
    direct: bool,
}

impl DirectFile {
    /// Opens a file. File systems that cannot leave out the page cache use it.
    pub(crate) fn open(path: &Path, options: &OpenOptions) -> io::Result<Self> {
        let mut file = Self { file: options.open(path)?, direct: true };
        if file.set_direct(true).is_err() {
            file.direct = false;
        }
        Ok(file)
    }

    /// Whether the page cache is left out.
    pub(crate) const fn is_direct(&self) -> bool {
        self.direct
    }

    /// The file.
    pub(crate) const fn file(&self) -> &File {
        &self.file
    }

    /// Writes these pieces one behind the other.
    pub(crate) fn write_all_at(&mut self, pieces: &[&[u8]], mut position: u64) -> io::Result<()> {
        let mut slices: Vec<_> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
        let mut left = slices.as_mut_slice();
        while !left.is_empty() {
            let (now, _) = left.split_at(left.len().min(PIECES));
            match rustix::io::pwritev(&self.file, now, position) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    position += written as u64;
                    IoSlice::advance_slices(&mut left, written);
                }
                Err(Errno::INTR) => {}
                // The file system wants larger blocks, or wrote a part of one.
                Err(Errno::INVAL) if self.direct => self.set_direct(false)?,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    #[cfg(target_os = "linux")]
    fn set_direct(&mut self, direct: bool) -> io::Result<()> {
        let mut flags = rustix::fs::fcntl_getfl(&self.file)?;
        flags.set(rustix::fs::OFlags::DIRECT, direct);
        rustix::fs::fcntl_setfl(&self.file, flags)?;
        self.direct = direct;
        Ok(())
    }

    #[cfg(not(target_os = "linux"))]
    fn set_direct(&mut self, direct: bool) -> io::Result<()> {
        self.direct = false;
        if direct { Err(io::ErrorKind::Unsupported.into()) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_aligned_stays_where_it_is() {
        for length in [1_usize, 4095, 4096, 100_000] {
            let mut bytes = Aligned::with_capacity(length.next_multiple_of(BLOCK));
            bytes.push(&vec![7; length]);
            bytes.fill_block();
            let slice = bytes.as_slice();
            assert_eq!(slice.as_ptr().align_offset(BLOCK), 0);
            assert_eq!(slice.len(), length.next_multiple_of(BLOCK));
            assert_eq!(slice.iter().filter(|byte| **byte == 7).count(), length);
        }
    }

    #[test]
    fn pieces_are_written_one_behind_the_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let mut file = DirectFile::open(&path, OpenOptions::new().write(true).create(true)).unwrap();
        let pieces: Vec<Aligned> = (0..PIECES + 3)
            .map(|index| {
                let mut piece = Aligned::with_capacity(BLOCK);
                piece.push(&index.to_be_bytes());
                piece.fill_block();
                piece
            })
            .collect();
        let slices: Vec<&[u8]> = pieces.iter().map(Aligned::as_slice).collect();
        file.write_all_at(&slices, BLOCK as u64).unwrap();
        // Not aligned: by way of the page cache, then.
        file.write_all_at(&[b"end"], ((PIECES + 4) * BLOCK) as u64).unwrap();
        let written = std::fs::read(&path).unwrap();
        assert_eq!(written.len(), (PIECES + 4) * BLOCK + 3);
        assert!(written[..BLOCK].iter().all(|byte| *byte == 0));
        for (index, block) in written[BLOCK..].chunks_exact(BLOCK).enumerate() {
            assert_eq!(block[..8], index.to_be_bytes());
        }
        assert!(written.ends_with(b"end"));
    }
}
