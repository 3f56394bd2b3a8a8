//! Where messages are kept: SQLite rows, segment files for bodies; packed objects in S3 or a shared folder for what several nodes share.
//!
//! [`open()`] is the way to a store: what it returns is a [`posthouse_core::store::Store`], whose documentation is the contract, and which
//! backend is behind it nobody has to know. The conformance suite (`suite`, behind the feature of that name) tests the contract on
//! every backend.
//!
//! ```
//! use posthouse_store::{Access, StoreUrl, open};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! let url = StoreUrl::sqlite(folder.path().join("posthouse.db"));
//! let store = open(&url, &folder.path().join("media").into(), Access::serve()).await?;
//! assert_eq!(store.revision().await?, 0);
//! store.close().await?;
//! # Ok(())
//! # }
//! ```

mod backup;
mod error;
mod fault;
mod media;
mod open;
mod transfer;
// As SQLite's below.
#[cfg(feature = "suite")]
pub mod postgres;
#[cfg(not(feature = "suite"))]
mod postgres;
// A backend by its own type, with all its knobs, is for the tests of backends alone: they fill its queue, its disk and its segments.
#[cfg(feature = "suite")]
pub mod sqlite;
#[cfg(not(feature = "suite"))]
mod sqlite;
mod status;
mod stored;
#[cfg(feature = "suite")]
#[expect(clippy::unwrap_used, clippy::panic, reason = "the suite is test code that backends share")]
pub mod suite;
mod url;

pub use self::{
    backup::{backup, restore},
    error::{BackupError, OpenError, TransferError},
    media::location::{MediaPlace, NotABucket, S3Credentials, S3Location},
    open::{Access, after_restore, lasts, migrate, open, status},
    sqlite::{Fatal, LOW_WATER_BYTES},
    status::{BackupReport, RestoredReport, StoreStatus},
    transfer::{StorePlace, TransferProgress, take_back, take_over},
    url::{StoreUrl, UnsupportedStore},
};
