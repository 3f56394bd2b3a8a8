//! How a store is opened.

use std::{fmt, path::PathBuf, sync::Arc};

/// What is called when nobody knows any more what is on disk. It should end the process.
pub type Fatal = Arc<dyn Fn(String) + Send + Sync>;

/// What a store is opened for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// To run a gateway on it: the only one, which a lock file beside the database sees to.
    #[default]
    Serve,
    /// To look, to change provisioning, and to intervene by hand, while a gateway may run on it. Other operations fail.
    Visit,
}

/// How a store is opened.
#[derive(Clone)]
pub struct SqliteOptions {
    /// The database's file. Beside it lie its WAL and `<path>.lock`.
    pub path: PathBuf,
    /// The folder of segment files.
    pub media: PathBuf,
    /// What it is opened for.
    pub access: Access,
    /// Whether a database that is not there is made, with its folders.
    pub create: bool,
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
            access: Access::Serve,
            create: true,
            low_water_bytes: 256 << 20,
            segment_bytes: 256 << 20,
            inline_max: 16 << 10,
            queue: 4096,
            read_connections: 4,
            on_fatal: Arc::new(|what| {
                tracing::error!("the store cannot go on: {what}");
                // No abort: what it leaves of the memory for a debugger holds content and secrets.
                std::process::exit(1);
            }),
        }
    }
}

impl fmt::Debug for SqliteOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteOptions")
            .field("path", &self.path)
            .field("media", &self.media)
            .field("access", &self.access)
            .finish_non_exhaustive()
    }
}
