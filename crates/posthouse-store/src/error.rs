//! Why a store cannot be opened, copied, or taken over into another.

use std::{
    io,
    path::{Path, PathBuf},
};

use posthouse_core::{Id, store::StoreError};

use crate::{fault::StoreFault, media::marker::MarkerError};

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another gateway runs on it.
    #[error("{} is held by another gateway; stop that one, or give this one a store of its own", .0.display())]
    Locked(PathBuf),
    /// What it holds was taken over into another store.
    #[error(
        "what {} holds is taken over into {to}; give that in [store] url once posthouse migrate is done (or take it back by posthouse migrate --undo, as long as no gateway has served that one)",
        .path.display()
    )]
    Moved {
        /// The database.
        path: PathBuf,
        /// Where it is now.
        to: String,
    },
    /// It is being filled from another store.
    #[error(
        "the store at {0} is not whole: what another one holds is being taken over into it; let posthouse migrate finish"
    )]
    Unfinished(String),
    /// SQLite is to keep its media in a bucket.
    #[error(
        "SQLite keeps media in a folder of its machine, and not at {0}; write url = \"file://…\" in [media]"
    )]
    NotForSqlite(String),
    /// The media folder belongs to another store.
    #[error(
        "the media folder {} is that of {owner}; give this store a folder of its own in [media] url, or give that database in [store] url",
        .folder.display()
    )]
    Foreign {
        /// The folder.
        folder: PathBuf,
        /// The store that it belongs to.
        owner: String,
    },
    /// There is no database where one was.
    #[error(
        "there is no database at {}, and {witness}; put the database back, or restore a copy of it (to begin with an empty store instead, {remedy})",
        .path.display()
    )]
    Lost {
        /// The path where it should be.
        path: PathBuf,
        /// What says that there was one.
        witness: String,
        /// What an operator does to begin with an empty store.
        remedy: String,
    },
    /// The database has several names, and its journal lies beside another one.
    #[error(
        "{} is one of several names (hard links) of the database, and its journal lies beside the one that it is served under; give that path in [store] url, or copy the database instead of linking to it",
        .0.display()
    )]
    OtherName(PathBuf),
    /// The database was moved, and its journal was not.
    #[error("{} was moved here without its journal {}; move that too, and give it the database's name with -wal", .path.display(), .journal.display())]
    LeftBehind {
        /// Where the database is.
        path: PathBuf,
        /// Where its journal is.
        journal: PathBuf,
    },
    /// Another database lies where one was removed under a running gateway, which saved a copy.
    #[error(
        "{saved} holds what was in the database that was removed or replaced under a running gateway, and {path} is another one; rename the copy to {path}, or move it away to go on without what was answered 1000 since",
        saved = .saved.display(),
        path = .path.display()
    )]
    Replaced {
        /// Where the database is.
        path: PathBuf,
        /// The copy.
        saved: PathBuf,
    },
    /// There is no database, and none is to be made.
    #[error("there is no store at {}", .0.display())]
    Missing(PathBuf),
    /// It was made by a newer version of this program.
    #[error(
        "{store} is of version {found}, this program knows versions up to {known}; run the newer program"
    )]
    Newer {
        /// Which it is: the path of its database, or where its tables are.
        store: String,
        /// The store's version.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// A migration that was applied to it is not the one of this program.
    #[error(
        "migration {version} ({name}) of the store is not the one of this program; run the program that brought the store up to date"
    )]
    Altered {
        /// The migration's number.
        version: i64,
        /// The migration's name.
        name: &'static str,
    },
    /// It has to be brought up to date first, which a visitor does not do.
    #[error(
        "{} is of version {found}, this program works with version {known}, and only changes it when it is told to: `posthouse store migrate`, or `posthouse serve`, brings it up to date, with no gateway of the older program running on it",
        .path.display()
    )]
    Outdated {
        /// The database.
        path: PathBuf,
        /// The store's version; 0 where nothing was ever stored.
        found: i64,
        /// The version of this program.
        known: i64,
    },
    /// It is another user's, who could not open what root makes there.
    #[error(
        "{} belongs to {owner}, who could not use what root makes there; run the command as that user: sudo -u {owner} posthouse …",
        .path.display()
    )]
    OfAnother {
        /// The database, or the folder that it is to be in.
        path: PathBuf,
        /// The name of the user, or its number after `#`.
        owner: String,
    },
    /// The address of the database cannot be used.
    #[error("[store] url cannot be used: {0}")]
    Address(String),
    /// The database does not answer, or does not let us in.
    #[error(
        "the database at {url} cannot be reached: {what}; see that it runs, and that [store] url is right"
    )]
    Unreachable {
        /// Its address, without the password.
        url: String,
        /// What stands in the way.
        what: String,
    },
    /// The database refuses what a store needs.
    #[error("the database at {url} refuses: {what}")]
    PostgresRefused {
        /// Its address, without the password.
        url: String,
        /// What it says.
        what: String,
    },
    /// There are tables in the database that are no store's.
    #[error(
        "the database at {0} holds tables that are not of a Posthouse store; give a database of its own in [store] url"
    )]
    NotOurs(String),
    /// The database is empty, and no store is to be made in it.
    #[error("there is no store in the database at {0}; start a gateway on it first")]
    Absent(String),
    /// What a store in a file needs done, the gateway does by itself on PostgreSQL.
    #[error(
        "the tables at {0} are brought up to date by the first gateway of a new version that starts on them: start it"
    )]
    BringsItselfUp(String),
    /// A gateway runs on it.
    #[error("the gateway at {0} runs on this store: stop all of its gateways first")]
    Runs(String),
    /// It is no database that is restored to an earlier time.
    #[error("{} is a file: a copy of it is put in its place by `posthouse restore`, and nothing is to be done after that", .0.display())]
    NotRestored(PathBuf),
    /// The server may lose what it said is committed.
    #[error("the database at {url} may lose messages: {what}")]
    MayLose {
        /// Its address, without the password.
        url: String,
        /// Which setting says so, and what to do.
        what: String,
    },
    /// The place for media cannot be used.
    #[error("{0}")]
    MediaPlace(String),
    /// The SQLite library is too old to be trusted.
    #[error("SQLite {0} may lose commits; 3.51.3 or newer is needed")]
    OldSqlite(&'static str),
    /// A file or folder could not be opened or made.
    #[error(
        "{} cannot be opened or made; let the user that runs Posthouse read and write there, or name another place in [store] url or [media] url",
        .path.display()
    )]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Something else than a database lies there.
    #[error("{} is no database; give another path in [store] url, or restore the database from a copy", .0.display())]
    NoDatabase(PathBuf),
    /// SQLite refuses.
    #[error("SQLite cannot open the store")]
    Sqlite(#[from] rusqlite::Error),
    /// What is stored cannot be taken up again.
    #[error("the store cannot be recovered: {0}")]
    Recovery(String),
}

impl OpenError {
    /// That a file or folder could not be opened or made.
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }
}

impl From<StoreFault> for OpenError {
    fn from(fault: StoreFault) -> Self {
        match fault {
            StoreFault::Sqlite(error) => Self::Sqlite(error),
            fault => Self::Recovery(fault.to_string()),
        }
    }
}

impl From<MarkerError> for OpenError {
    fn from(refused: MarkerError) -> Self {
        match refused {
            MarkerError::Foreign { folder, owner } => Self::Foreign { folder, owner: owner.to_string() },
            MarkerError::Locked(folder) => Self::Locked(folder),
            MarkerError::Io(path, source) => Self::Io { path, source },
        }
    }
}

/// Why a copy could not be made, or put back. What was begun is left where it is.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A database of PostgreSQL is copied by that.
    #[error(
        "{0} is a database of PostgreSQL: copy and restore it with that (pg_basebackup, pgBackRest, WAL-G)"
    )]
    NotCopied(String),
    /// The store cannot be looked at.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Something is there already.
    #[error("{} is there already and is not written over; move it away, or name another place", .0.display())]
    Occupied(PathBuf),
    /// It is no copy, or one that was not finished.
    #[error("{} is no whole copy of a store; `posthouse backup` makes one, and writes its file posthouse-backup last", .0.display())]
    NotWhole(PathBuf),
    /// The media are not in a folder, and are copied where they are.
    #[error(
        "the media are at {0}, which is backed up there; name a folder in [media] url to copy the media, too"
    )]
    Elsewhere(String),
    /// A file or folder could not be read or written.
    #[error("{} cannot be read or written; make room, or see who may write there", .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// SQLite refuses.
    #[error("the database cannot be copied")]
    Sqlite(#[from] rusqlite::Error),
}

impl BackupError {
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }
}

/// Why a store was not taken over.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// The way is not this.
    #[error(
        "messages are taken over from SQLite into PostgreSQL: give --from a path or sqlite://…, and --to postgres://…"
    )]
    OtherWay,
    /// One of them cannot be opened.
    #[error("{which} cannot be opened")]
    Open {
        /// Which.
        which: String,
        /// Why.
        source: OpenError,
    },
    /// Something failed on the way. What was taken over is kept: the same command goes on.
    #[error("{what}; nothing is lost, and the same command goes on from there")]
    Failed {
        /// What was being done.
        what: &'static str,
        /// What it failed with.
        source: StoreError,
    },
    /// What was written differs from what was read.
    #[error(
        "message {id} differs after it was taken over: its {what}; {target} is not used, and the SQLite store is as it was"
    )]
    Differs {
        /// The message.
        id: Id,
        /// What of it.
        what: &'static str,
        /// Where it was taken.
        target: String,
    },
    /// The target holds something already.
    #[error("{0} is not empty; give a database of its own")]
    NotEmpty(String),
    /// The target holds what was taken over from another store.
    #[error(
        "{0} was begun with the messages of another store; go on with that one, or give an empty database"
    )]
    Other(String),
    /// It was done before.
    #[error("{0} has been taken over already, and nothing was changed; start the gateway on it")]
    Done(String),
    /// It cannot be undone any more.
    #[error(
        "a gateway has served {0} since: what it did is not in the SQLite store, and going back would send messages twice"
    )]
    Served(String),
}

impl TransferError {
    /// That something failed on the way, while this was being done.
    pub(crate) fn failed(what: &'static str) -> impl FnOnce(StoreError) -> Self {
        move |source| Self::Failed { what, source }
    }
}
