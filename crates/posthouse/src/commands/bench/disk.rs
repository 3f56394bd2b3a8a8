//! The disk's own ceiling: how many bytes a second it makes durable when nothing else is done, in the folder that the gateway
//! used and in pieces as long as its groups.

use std::{
    fs::File,
    io::{self, Seek as _, Write as _},
    path::Path,
    time::{Duration, Instant},
};

use super::bodies::noise;

/// A file is not written further than this, in bytes: then a fresh one follows, or it is written from its start again.
const FILE: u64 = 256 << 20;
/// The shortest piece: a page of the store.
const LEAST: usize = 4 << 10;
/// The longest piece.
const MOST: usize = 16 << 20;

/// What the disk makes durable, in bytes a second.
#[derive(Clone, Copy, Debug, Default)]
pub struct DiskCeiling {
    /// How long each piece was; after each the disk was asked to sync.
    pub piece: usize,
    /// Into files that grow.
    pub fresh: f64,
    /// Over what had been written before.
    pub recycled: f64,
}

impl DiskCeiling {
    /// Writes into `folder` for this long, half of it fresh files and half of it over what they held.
    ///
    /// # Errors
    /// A file cannot be made or written.
    pub fn measure(folder: &Path, piece: usize, time: Duration) -> io::Result<Self> {
        let noise = noise(piece.clamp(LEAST, MOST));
        let (fresh, mut written) = fresh(folder, &noise, time / 2)?;
        let recycled = recycled(&mut written, &noise, time / 2)?;
        Ok(Self { piece: noise.len(), fresh, recycled })
    }

    /// The better of both, which no store can be faster than.
    pub fn best(&self) -> f64 {
        self.fresh.max(self.recycled)
    }
}

/// Bytes a second into files that grow, and the last of them.
fn fresh(folder: &Path, piece: &[u8], time: Duration) -> io::Result<(f64, File)> {
    let began = Instant::now();
    let mut file = tempfile::tempfile_in(folder)?;
    let (mut all, mut here) = (0_u64, 0_u64);
    loop {
        all += put(&mut file, piece)?;
        here += piece.len() as u64;
        let took = began.elapsed();
        if took >= time {
            return Ok((all as f64 / took.as_secs_f64(), file));
        }
        if here >= FILE {
            (file, here) = (tempfile::tempfile_in(folder)?, 0);
        }
    }
}

/// Bytes a second over what a file holds; it is filled first when it is too short to hold much.
fn recycled(file: &mut File, piece: &[u8], time: Duration) -> io::Result<f64> {
    let least = 16 * piece.len() as u64;
    while file.metadata()?.len() < least {
        file.write_all(piece)?;
    }
    file.sync_all()?;
    let length = file.metadata()?.len();
    let (began, mut all) = (Instant::now(), 0);
    loop {
        if file.stream_position()? + piece.len() as u64 > length {
            file.rewind()?;
        }
        all += put(file, piece)?;
        let took = began.elapsed();
        if took >= time {
            return Ok(all as f64 / took.as_secs_f64());
        }
    }
}

fn put(file: &mut File, piece: &[u8]) -> io::Result<u64> {
    file.write_all(piece)?;
    file.sync_data()?;
    Ok(piece.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_are_measured_and_nothing_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let disk = DiskCeiling::measure(folder.path(), 1, Duration::from_millis(20)).unwrap();
        assert_eq!(disk.piece, 4096);
        assert!(disk.fresh > 0.0 && disk.recycled > 0.0 && disk.best() >= disk.fresh, "{disk:?}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(DiskCeiling::measure(&folder.path().join("none"), 1, Duration::ZERO).is_err());
    }
}
