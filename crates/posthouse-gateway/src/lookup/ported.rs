//! Numbers that moved to another carrier: a file of millions of lines, in 8 bytes a number, exchanged without a pause.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use posthouse_core::{address::Msisdn, lock::RwLock};
use tokio::{
    task::spawn_blocking,
    time::{Instant, MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use super::number::{Names, Number, PackedNumber};
use crate::snapshot::SnapshotCell;

/// How often the file is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The longest line, in bytes.
const LONGEST_LINE: u64 = 256;
/// The most numbers: 400 MB of them.
const MOST_NUMBERS: usize = 50_000_000;

/// Why a file is not taken.
#[derive(Debug, thiserror::Error)]
pub enum PortedError {
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    /// A line is not what it has to be.
    #[error("line {line}: {what}")]
    Line {
        /// The line, counted from 1.
        line: u64,
        /// What is wrong, without the number: numbers stay out of logs.
        what: &'static str,
    },
    /// It was written to while it was read.
    #[error("was written to while it was read")]
    Unsettled,
}

/// The numbers of a file, sorted.
#[derive(Debug, Default)]
pub struct Ported {
    names: Names,
    words: Vec<PackedNumber>,
}

impl Ported {
    /// Reads lines of `number,carrier`. The first may be a heading, empty ones are passed over, and where a number stands
    /// twice its last line counts.
    ///
    /// # Errors
    /// The first line that is wrong, or that the file cannot be read.
    pub fn read(mut file: impl BufRead) -> Result<Self, PortedError> {
        let mut ported = Self::default();
        let mut bytes = Vec::new();
        for line in 1.. {
            bytes.clear();
            if file.by_ref().take(LONGEST_LINE + 1).read_until(b'\n', &mut bytes)? == 0 {
                break;
            }
            ported.take(line, &bytes).map_err(|what| PortedError::Line { line, what })?;
        }
        ported.sort();
        Ok(ported)
    }

    /// The carrier of a number, by id or alias.
    pub fn carrier(&self, number: &Msisdn) -> Option<&Arc<str>> {
        let number = Number::of(number)?;
        let at = self.words.binary_search_by_key(&number, |word| word.number()).ok()?;
        self.names.name(self.words.get(at)?.name()?)
    }

    /// How many numbers there are.
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    fn take(&mut self, line: u64, bytes: &[u8]) -> Result<(), &'static str> {
        if bytes.len() as u64 > LONGEST_LINE {
            return Err("is longer than 256 bytes");
        }
        let text = str::from_utf8(bytes).map_err(|_| "is not UTF-8")?.trim();
        // Spreadsheets begin their files with it.
        let text = if line == 1 { text.trim_start_matches('\u{feff}') } else { text };
        if text.is_empty() {
            return Ok(());
        }
        let Some((number, name)) = text.split_once(',') else { return Err("is not number,carrier") };
        let Some(number) = Msisdn::parse(number, true).as_ref().and_then(Number::of) else {
            let heading = line == 1 && !number.contains(|c: char| c.is_ascii_digit());
            return if heading { Ok(()) } else { Err("does not begin with an international number") };
        };
        let name = name.trim();
        if name.is_empty() || name.contains([',', '"']) {
            return Err("does not end with a carrier's id or alias");
        }
        let name = self.names.index(name).ok_or("names one carrier more than there can be")?;
        if self.words.len() == MOST_NUMBERS {
            return Err("is one number more than there can be");
        }
        self.words.push(PackedNumber::new(number, name));
        Ok(())
    }

    fn sort(&mut self) {
        // Keeps the order of the file where a number stands more than once.
        self.words.sort_by_key(|word| word.number());
        self.words.dedup_by(|later, earlier| {
            let same = later.number() == earlier.number();
            if same {
                *earlier = *later;
            }
            same
        });
        self.words.shrink_to_fit();
    }
}

/// The file in force.
#[derive(Debug, Default)]
pub struct PortedNumbers {
    current: RwLock<Option<(PathBuf, Arc<Ported>, Instant)>>,
}

impl PortedNumbers {
    /// The numbers of the file at `path`. `None`: it has not been read yet, or never could be.
    pub fn get(&self, path: &Path) -> Option<Arc<Ported>> {
        let current = self.current.read();
        current.as_ref().filter(|(of, ..)| of == path).map(|(_, ported, _)| Arc::clone(ported))
    }

    /// How many numbers the file in force has, and how long ago it was read; `None` where there is none.
    pub fn age(&self) -> Option<(u64, Duration)> {
        let current = self.current.read();
        current.as_ref().map(|(_, ported, read)| (ported.len() as u64, read.elapsed()))
    }

    fn put(&self, current: Option<(PathBuf, Arc<Ported>)>) {
        let current = current.map(|(path, ported)| (path, ported, Instant::now()));
        let before = {
            let mut place = self.current.write();
            std::mem::replace(&mut *place, current)
        };
        // What was there is given back after readers can go on.
        drop(before);
    }
}

/// What tells one state of a file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stamp {
    Missing(io::ErrorKind),
    Written(SystemTime, u64),
}

impl Stamp {
    fn of(path: &Path) -> Self {
        let read = || {
            let metadata = fs::metadata(path)?;
            Ok((metadata.modified()?, metadata.len()))
        };
        read().map_or_else(
            |error: io::Error| Self::Missing(error.kind()),
            |(when, length)| Self::Written(when, length),
        )
    }
}

/// Keeps the shelf at what the provisioned file holds. A file that is broken leaves the last good one in force.
#[derive(Debug, Default)]
pub struct Follower {
    seen: Option<(PathBuf, Stamp)>,
}

impl Follower {
    /// Follows provisioning and the file till `stop`.
    pub async fn follow(
        mut self,
        shelf: Arc<PortedNumbers>,
        snapshot: Arc<SnapshotCell>,
        stop: CancellationToken,
    ) {
        let mut changes = snapshot.changes();
        let mut ticks = interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
                changed = changes.changed() => if changed.is_err() { return },
            }
            self.look(&shelf, snapshot.get().lookup().ported.as_deref()).await;
        }
    }

    /// Looks once, and reads the file if it is another one than last time.
    pub async fn look(&mut self, shelf: &PortedNumbers, path: Option<&Path>) {
        let Some(path) = path.map(Path::to_owned) else {
            if self.seen.take().is_some() {
                shelf.put(None);
            }
            return;
        };
        let seen = self.seen.clone();
        let Ok(looked) = spawn_blocking(move || look(path, seen.as_ref())).await else {
            tracing::error!("reading the ported numbers broke off");
            return;
        };
        let Some((path, stamp, ported)) = looked else { return };
        match ported {
            Ok(ported) => {
                tracing::info!(file = %path.display(), numbers = ported.len(), "ported numbers read");
                shelf.put(Some((path.clone(), Arc::new(ported))));
            }
            // Read again next time.
            Err(PortedError::Unsettled) => return,
            Err(error) if shelf.get(&path).is_some() => {
                tracing::error!(file = %path.display(), %error, "the file of ported numbers is broken; the last one stays in force");
            }
            Err(error) => {
                tracing::error!(
                    file = %path.display(), %error,
                    "the file of ported numbers is broken; lookups fail with 2569 until it can be read"
                );
            }
        }
        self.seen = Some((path, stamp));
    }
}

/// Reads a file that is not what was `seen`; `None`: nothing has changed.
fn look(
    path: PathBuf,
    seen: Option<&(PathBuf, Stamp)>,
) -> Option<(PathBuf, Stamp, Result<Ported, PortedError>)> {
    let stamp = Stamp::of(&path);
    if seen.is_some_and(|(of, before)| *of == path && *before == stamp) {
        return None;
    }
    let ported =
        File::open(&path).map_err(PortedError::from).and_then(|file| Ported::read(BufReader::new(file)));
    // A writer in the middle of its work leaves a file that is short, or broken: neither is worth a word.
    let ported = if Stamp::of(&path) == stamp { ported } else { Err(PortedError::Unsettled) };
    Some((path, stamp, ported))
}

#[cfg(test)]
mod tests;
