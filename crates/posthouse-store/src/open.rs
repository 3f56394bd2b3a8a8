//! Opening a store, whatever backend it has.

use std::{fmt, sync::Arc};

use posthouse_core::store::Store;

use crate::{
    error::OpenError,
    media::location::MediaPlace,
    postgres::{PostgresOptions, PostgresStore, restored},
    sqlite::{self, Fatal, Mode, SqliteOptions, SqliteStore, exit},
    status::{RestoredReport, StoreStatus},
    url::{StoreKind, StoreUrl},
};

/// What a store is opened for.
#[derive(Clone)]
pub enum Access {
    /// To run a gateway on it: the only one, which a lock on the store sees to. A store that is not there is made.
    Serve {
        /// What is called when nobody knows any more what is on disk. It should end the process; as long as it does not, every write
        /// fails.
        on_fatal: Fatal,
    },
    /// To look, to change provisioning, and to intervene by hand, while a gateway may run on it. Other operations are
    /// [refused](posthouse_core::store::StoreError::Refused).
    Visit {
        /// Whether a store that is not there is made.
        create: bool,
    },
}

impl Access {
    /// To run a gateway on it. When nobody knows any more what is on disk, the log says so and the process ends.
    pub fn serve() -> Self {
        Self::Serve { on_fatal: exit() }
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Serve { .. } => f.write_str("Serve"),
            Self::Visit { create } => f.debug_struct("Visit").field("create", create).finish(),
        }
    }
}

/// Opens the store at `url`, whose large media lie at `media`. What a crash left behind is taken up before it returns, in a
/// time that does not depend on the backlog. To be called on a Tokio runtime.
///
/// # Errors
/// Why it cannot be opened. Nothing was changed then, but that files and folders may have been made.
pub async fn open(url: &StoreUrl, media: &MediaPlace, access: Access) -> Result<Arc<dyn Store>, OpenError> {
    let path = match url.backend() {
        StoreKind::Sqlite(path) => path.clone(),
        StoreKind::Postgres { url, require_standbys } => {
            let (mode, create) = match access {
                Access::Serve { .. } => (Mode::Serve, true),
                Access::Visit { create } => (Mode::Visit, create),
            };
            let (media, require_standbys) = (media.clone(), *require_standbys);
            let options = PostgresOptions {
                url: String::new(),
                media,
                mode,
                create,
                require_standbys,
                is_moving: false,
            };
            return Ok(Arc::new(PostgresStore::open_at(url.clone(), &options).await?));
        }
    };
    let folder = media.folder().ok_or_else(|| OpenError::NotForSqlite(media.to_string()))?;
    let options = SqliteOptions { media: folder.to_owned(), ..SqliteOptions::default() };
    let options = match access {
        Access::Serve { on_fatal } => SqliteOptions { mode: Mode::Serve, on_fatal, ..options },
        Access::Visit { create } => SqliteOptions { mode: Mode::Visit, create, ..options },
    };
    Ok(Arc::new(SqliteStore::open(SqliteOptions { path, ..options }).await?))
}

/// What version the store at `url` is of. Nothing is changed.
///
/// # Errors
/// There is none, or why it cannot be looked at.
pub fn status(url: &StoreUrl) -> Result<StoreStatus, OpenError> {
    match url.backend() {
        StoreKind::Sqlite(path) => sqlite::status(path),
        StoreKind::Postgres { .. } => Err(OpenError::BringsItselfUp(url.to_string())),
    }
}

/// Brings the store at `url` up to date for this program. Older programs cannot use it afterwards.
///
/// # Errors
/// There is none, a gateway runs on it, or why it cannot be done; it is as it was then.
pub fn migrate(url: &StoreUrl) -> Result<StoreStatus, OpenError> {
    match url.backend() {
        StoreKind::Sqlite(path) => sqlite::bring_up(path),
        StoreKind::Postgres { .. } => Err(OpenError::BringsItselfUp(url.to_string())),
    }
}

/// Whether what is committed to the store at `url` lasts, as far as its database's settings tell: a file's does. Nothing is changed.
///
/// # Errors
/// Which setting says that it does not, or why the database cannot be asked.
pub async fn lasts(url: &StoreUrl) -> Result<(), OpenError> {
    match url.backend() {
        StoreKind::Sqlite(_) => Ok(()),
        StoreKind::Postgres { url, require_standbys } => PostgresStore::lasts(url, *require_standbys).await,
    }
}

/// After the database at `url` was restored to an earlier time, and before a gateway starts on it: leases end, and messages of which the
/// objects at `media` know more than the database are put back, parked. A file's copy is restored by [`restore`](crate::restore), and needs
/// none of this.
///
/// # Errors
/// There is none, a gateway runs on it, or why it cannot be done.
pub async fn after_restore(url: &StoreUrl, media: &MediaPlace) -> Result<RestoredReport, OpenError> {
    match url.backend() {
        StoreKind::Sqlite(path) => Err(OpenError::NotRestored(path.clone())),
        StoreKind::Postgres { url, require_standbys } => {
            restored::after_restore(url.clone(), media, *require_standbys).await
        }
    }
}
