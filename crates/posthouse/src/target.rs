//! What a command works on: a provisioning file, and a store, by way of the gateway that runs on it.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use posthouse_core::store::Store;
use posthouse_gateway::config::{ApplyError, ApplyMode, ConfigErrors, ConfigFile, Settings};
use posthouse_store::{Access, OpenError, open};

use crate::print::Printer;

/// The variable that names the configuration, where none is given.
const CONFIG: &str = "POSTHOUSE_CONFIG";
/// Where one is looked for otherwise.
const FOUND: [&str; 2] = ["posthouse.toml", "/etc/posthouse/posthouse.toml"];
/// The variable that an admin token is looked for in.
const TOKEN: &str = "POSTHOUSE_ADMIN_TOKEN";

/// A provisioning file and the store it is for.
#[derive(clap::Args)]
pub struct Target {
    /// The provisioning file: accounts, carriers, lookup, ranges, blacklist; - reads standard input
    pub file: PathBuf,
    /// The configuration that says where the store is; without one, $POSTHOUSE_CONFIG, ./posthouse.toml, /etc/posthouse/posthouse.toml, else ./posthouse-data
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    #[command(flatten)]
    pub gateway: GatewayAddress,
    /// Remove what the file does not name
    #[arg(long)]
    pub prune: bool,
    /// Leave what the file leaves out of an account, a carrier or the lookup as it is; services and connections are found by their names
    #[arg(long, conflicts_with = "prune")]
    pub partial: bool,
    /// Do nothing unless provisioning is at this revision
    #[arg(long, value_name = "NUMBER")]
    pub expect_revision: Option<u64>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// A gateway to work through, wherever its store is.
#[derive(clap::Args, Default)]
pub struct GatewayAddress {
    /// Ask the gateway whose admin door is here, such as http://127.0.0.1:8080, and not the one that runs on the store
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// Its admin token; without one, $POSTHOUSE_ADMIN_TOKEN, then `[admin] token`
    #[arg(long, value_name = "TOKEN")]
    pub token: Option<String>,
    /// Why: kept with whatever it changes
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

impl GatewayAddress {
    /// The token that was given, here or in the environment.
    pub fn token(&self) -> Option<String> {
        self.token.clone().or_else(|| environment(TOKEN)).filter(|token| !token.is_empty())
    }
}

impl Target {
    /// Reads the configuration and the file.
    ///
    /// # Errors
    /// All mistakes of the configuration, or that one of them cannot be read.
    pub fn read(&self) -> anyhow::Result<(Settings, ConfigFile)> {
        let settings = settings_of(self.config.as_deref())?;
        let file = match self.file.as_os_str() == "-" {
            true => ConfigFile::read(std::io::stdin().lock())?,
            false => ConfigFile::load(&self.file)?,
        };
        Ok((settings, file))
    }

    /// How the file is read, and what has to be so before it is applied.
    pub const fn mode(&self) -> ApplyMode {
        ApplyMode {
            prune: self.prune,
            partial: self.partial,
            expected: self.expect_revision,
            allow_removals: false,
        }
    }

    /// Says what is meant, before anything is done to it.
    ///
    /// # Errors
    /// It cannot be printed.
    pub fn name_store(&self, settings: &Settings, out: &mut Printer) -> std::io::Result<()> {
        match &self.gateway.url {
            Some(url) => writeln!(out, "gateway {url}"),
            None => writeln!(out, "store {}", settings.store.shown()),
        }
    }
}

/// The settings of the file that was given, or else of the one that is [found](config_file); the defaults, where there is none.
///
/// # Errors
/// All mistakes of the file, or that it cannot be read.
pub fn settings_of(given: Option<&Path>) -> Result<Settings, ConfigErrors> {
    Settings::load(config_of(given).as_deref(), &environment)
}

/// The configuration that [`settings_of`] reads; `None`, where the defaults count.
pub fn config_of(given: Option<&Path>) -> Option<PathBuf> {
    config_file(given, &environment, Path::exists)
}

/// The configuration that is meant: the one that was given, else that of `$POSTHOUSE_CONFIG`, else the first of [`FOUND`] that is there.
fn config_file(
    given: Option<&Path>,
    environment: &dyn Fn(&str) -> Option<String>,
    is_there: impl Fn(&Path) -> bool,
) -> Option<PathBuf> {
    let named = || environment(CONFIG).filter(|name| !name.is_empty()).map(PathBuf::from);
    let found = || FOUND.iter().map(Path::new).find(|file| is_there(file)).map(Path::to_owned);
    given.map(Path::to_owned).or_else(named).or_else(found)
}

/// The environment that `{ env = "NAME" }` looks in.
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Where provisioning is, without a file of it.
#[derive(clap::Args)]
pub struct StoreArgs {
    /// The configuration that says where the store is; without one, $POSTHOUSE_CONFIG, ./posthouse.toml, /etc/posthouse/posthouse.toml, else ./posthouse-data
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    #[command(flatten)]
    pub gateway: GatewayAddress,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

impl StoreArgs {
    /// Reads the configuration.
    ///
    /// # Errors
    /// All mistakes of the configuration.
    pub fn settings(&self) -> anyhow::Result<Settings> {
        Ok(settings_of(self.config.as_deref())?)
    }
}

/// Opens the store to look at it and to change provisioning, also beside a running gateway.
///
/// # Errors
/// See [`OpenError`].
pub async fn visit(settings: &Settings, create: bool) -> Result<Arc<dyn Store>, OpenError> {
    let url = settings.store.url();
    let store = open(&url, &settings.media.place, Access::Visit { create }).await?;
    store.keep_records(settings.cdr.folder.is_some());
    Ok(store)
}

/// A file's mistakes are an error of their own, which is told line by line.
pub fn told(error: ApplyError) -> anyhow::Error {
    match error {
        ApplyError::Mistakes(mistakes) => mistakes.into(),
        error @ ApplyError::Contended => anyhow::anyhow!("{error}; try again"),
        error => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_meets_others_all_the_time_is_told_to_try_again() {
        let said = told(ApplyError::Contended).to_string();
        assert!(
            said.starts_with("provisioning was changed by others") && said.ends_with("meanwhile; try again"),
            "{said}"
        );
    }

    #[test]
    fn the_configuration_that_is_nearest_is_meant() {
        let file = |given: Option<&str>, named: Option<&str>, there: &[&str]| {
            let environment = |name: &str| named.filter(|_| name == CONFIG).map(str::to_owned);
            let is_there = |file: &Path| there.iter().any(|there| Path::new(there) == file);
            config_file(given.map(Path::new), &environment, is_there).map(|file| file.display().to_string())
        };
        let all = FOUND;
        assert_eq!(file(Some("a.toml"), Some("b.toml"), &all).as_deref(), Some("a.toml"));
        assert_eq!(file(None, Some("b.toml"), &all).as_deref(), Some("b.toml"), "though it may not be there");
        assert_eq!(file(None, Some(""), &all).as_deref(), Some("posthouse.toml"));
        assert_eq!(file(None, None, &all[1..]).as_deref(), Some("/etc/posthouse/posthouse.toml"));
        assert_eq!(file(None, None, &[]), None, "the defaults");
    }
}
