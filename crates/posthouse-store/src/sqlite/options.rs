//! How a store is opened.

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use posthouse_core::store::SEARCH_TIME;

/// What is called when nobody knows any more what is on disk. It should end the process.
pub type Fatal = Arc<dyn Fn(String) + Send + Sync>;

/// Says what happened in the log, and ends the process.
pub fn exit() -> Fatal {
    Arc::new(|what| {
        tracing::error!("the store cannot go on: {what}");
        // No abort: what it leaves of the memory for a debugger holds content and secrets.
        std::process::exit(1);
    })
}

/// Whose process it is that opens a store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// The gateway's: the only one, which a lock on the database sees to.
    #[default]
    Serve,
    /// A visitor's, while a gateway may run on it.
    Visit,
}

/// Below this much free disk space, in bytes, nothing is accepted any more.
pub const LOW_WATER_BYTES: u64 = 256 << 20;

/// How a store is opened.
#[derive(Clone)]
pub struct SqliteOptions {
    /// The database's file. Beside it lie its WAL and `<path>.lock`.
    pub path: PathBuf,
    /// The folder of segment files.
    pub media: PathBuf,
    /// Who opens it.
    pub mode: Mode,
    /// Whether a database that is not there is made, with its folders.
    pub create: bool,
    /// Whether a gateway's store is opened although what it holds was taken over into another one.
    pub is_moving: bool,
    /// Below this much free disk space, in bytes, nothing is accepted any more.
    pub low_water_bytes: u64,
    /// How large a segment file grows, in bytes.
    pub segment_bytes: u64,
    /// Media of up to this many bytes are kept in the database.
    pub inline_max: usize,
    /// How many writes may wait; more are answered with
    /// [`Overloaded`](posthouse_core::store::StoreError::Overloaded).
    pub queue: usize,
    /// How many reads go on at once; at least 1.
    pub read_connections: usize,
    /// How long a search may take.
    pub search_time: Duration,
    /// What is called when nobody knows any more what is on disk: a sync or a commit failed. It should end the process;
    /// as long as it does not, every write fails.
    pub on_fatal: Fatal,
}

impl Default for SqliteOptions {
    /// `posthouse-data/` in the working directory, opened to serve.
    fn default() -> Self {
        Self {
            path: "posthouse-data/posthouse.db".into(),
            media: "posthouse-data/media".into(),
            mode: Mode::Serve,
            create: true,
            is_moving: false,
            low_water_bytes: LOW_WATER_BYTES,
            segment_bytes: 256 << 20,
            inline_max: 16 << 10,
            queue: 4096,
            read_connections: 4,
            search_time: SEARCH_TIME,
            on_fatal: exit(),
        }
    }
}

impl fmt::Debug for SqliteOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteOptions")
            .field("path", &self.path)
            .field("media", &self.media)
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}
