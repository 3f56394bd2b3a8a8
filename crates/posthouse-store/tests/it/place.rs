//! A place where a store can be, and what can happen to it.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use posthouse_core::store::Store;
use posthouse_store::{
    sqlite::{SqliteOptions, SqliteStore},
    suite::Backend,
};
use tempfile::TempDir;

/// A temporary folder with a store in it.
pub struct Place {
    folder: TempDir,
}

impl Place {
    /// An empty one.
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// Where the store is.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// How the store is opened: with segments that are soon full.
    pub fn options(&self) -> SqliteOptions {
        SqliteOptions {
            path: self.path().join("posthouse.db"),
            media: self.path().join("media"),
            low_water_bytes: 0,
            segment_bytes: 256 << 10,
            ..SqliteOptions::default()
        }
    }

    /// Opens the store.
    pub async fn open_store(&self) -> SqliteStore {
        SqliteStore::open(self.options()).await.unwrap()
    }

    /// Its files as they are at this moment, also while it is open: what a machine that stops now leaves behind.
    pub fn image(&self) -> TempDir {
        let image = tempfile::tempdir().unwrap();
        copy(&self.path(), image.path());
        image
    }

    /// Puts an image in place of the files there are.
    pub fn restore(&self, image: &TempDir) {
        fs::remove_dir_all(self.path()).unwrap();
        copy(image.path(), &self.path());
    }
}

fn is_unfinished(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "new")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else if !entry.file_name().to_string_lossy().ends_with("-shm") {
            copy_file(&entry.path(), &target);
        }
    }
}

/// Copies a file of a store that may be running.
pub fn copy_file(from: &Path, to: &Path) {
    match fs::copy(from, to) {
        // A segment that was being made got its own name meanwhile: nothing is in it yet.
        Err(error) if error.kind() == ErrorKind::NotFound && is_unfinished(to) => {}
        copied => drop(copied.unwrap()),
    }
}

#[async_trait]
impl Backend for Place {
    async fn open(&self) -> Box<dyn Store> {
        Box::new(self.open_store().await)
    }

    async fn after_power_cut(&self, store: Box<dyn Store>) -> Box<dyn Store> {
        let image = self.image();
        drop(store);
        self.restore(&image);
        self.open().await
    }
}
