//! What a command works on: a provisioning file, and the store that a configuration names.

use std::{path::PathBuf, sync::Arc};

use posthouse_core::store::Store;
use posthouse_gateway::config::{ApplyError, ConfigFile, Settings};
use posthouse_store::{Access, OpenError, StoreUrl, open};

/// A provisioning file and the store it is for.
#[derive(clap::Args)]
pub struct Target {
    /// The provisioning file: accounts, carriers, lookup, ranges, blacklist
    pub file: PathBuf,
    /// The configuration that says where the store is; without one, it is under ./posthouse-data
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Remove what the file does not name
    #[arg(long)]
    pub prune: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

impl Target {
    /// Reads the configuration and the file.
    ///
    /// # Errors
    /// All mistakes of the configuration, or that one of them cannot be read.
    pub fn read(&self) -> anyhow::Result<(Settings, ConfigFile)> {
        let settings = Settings::load(self.config.as_deref(), &environment)?;
        Ok((settings, ConfigFile::load(&self.file)?))
    }
}

/// The environment that `{ env = "NAME" }` looks in.
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Opens the store to look at it and to change provisioning, also beside a running gateway.
///
/// # Errors
/// See [`OpenError`].
pub async fn visit(settings: &Settings, create: bool) -> Result<Arc<dyn Store>, OpenError> {
    let url = StoreUrl::sqlite(&settings.store.path);
    open(&url, &settings.media.path, Access::Visit { create }).await
}

/// A file's mistakes are an error of their own, which is told line by line.
pub fn told(error: ApplyError) -> anyhow::Error {
    match error {
        ApplyError::Mistakes(mistakes) => mistakes.into(),
        error => error.into(),
    }
}
