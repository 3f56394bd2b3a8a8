//! Copies of a store, made while a gateway runs on it, and putting them back.

use std::path::Path;

use crate::{
    error::BackupError,
    media::location::MediaPlace,
    sqlite,
    status::BackupReport,
    url::{StoreKind, StoreUrl},
};

/// Copies the store at `url`, with its media, into a folder that is made, or is empty. A gateway may run on it and goes on: whatever was
/// acknowledged before is in the copy, with its media as far as retention has not ended.
///
/// # Errors
/// [`BackupError`].
pub fn backup(url: &StoreUrl, media: &MediaPlace, to: &Path) -> Result<BackupReport, BackupError> {
    let folder = media.folder().ok_or_else(|| BackupError::Elsewhere(media.to_string()))?;
    match url.backend() {
        StoreKind::Sqlite(path) => sqlite::backup(path, folder, to),
        StoreKind::Postgres { .. } => Err(BackupError::NotCopied(url.to_string())),
    }
}

/// Puts a copy back to where no store is.
///
/// # Errors
/// [`BackupError`].
pub fn restore(from: &Path, url: &StoreUrl, media: &MediaPlace) -> Result<BackupReport, BackupError> {
    let folder = media.folder().ok_or_else(|| BackupError::Elsewhere(media.to_string()))?;
    match url.backend() {
        StoreKind::Sqlite(path) => sqlite::restore(from, path, folder),
        StoreKind::Postgres { .. } => Err(BackupError::NotCopied(url.to_string())),
    }
}
