//! `[store]`: where messages and provisioning are kept.

use std::path::PathBuf;

use posthouse_core::provisioning::reading::{Table, Unfit};

use super::{ConfigFile, quote};

/// The database when nothing else is said, relative to the settings file.
const DEFAULT: &str = "posthouse-data/posthouse.db";

/// `[store]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreSection {
    /// The SQLite database file.
    pub path: PathBuf,
}

impl Default for StoreSection {
    fn default() -> Self {
        Self { path: PathBuf::from(DEFAULT) }
    }
}

impl StoreSection {
    /// Reads the section.
    pub(super) fn read(mut table: Table<'_>, file: &ConfigFile) -> Self {
        let path = table.parsed("url", |url: String| path(&url).map(|path| file.path(path)));
        Self { path: path.unwrap_or_else(|| file.path(DEFAULT)) }
    }

    /// The section as a file has it, with comments.
    pub(super) fn print(&self) -> String {
        format!(
            "[store]
# Messages, work and provisioning: an SQLite database file.
url = {}
",
            quote(&format!("sqlite://{}", self.path.display()))
        )
    }
}

/// The path of an `sqlite:` URL.
fn path(url: &str) -> Result<&str, Unfit> {
    let default = format!("sqlite://{DEFAULT}");
    match url.split_once("://") {
        Some(("sqlite", path)) if path.contains('?') => Err("has parameters; write only the path".into()),
        Some(("sqlite", path)) if path.is_empty() || path.ends_with('/') || path.starts_with(':') => {
            Err(format!("names no file; write one, such as {default:?}").into())
        }
        Some(("sqlite", path)) => Ok(path),
        // Not quoted: the URL of a database server may hold a password.
        Some(("postgres" | "postgresql", _)) => Err(Unfit::Alone(format!(
            "names a PostgreSQL server, which is not supported by this version; write {default:?} or another path"
        ))),
        _ => Err(Unfit::Alone(format!(
            "takes an address that begins with sqlite://; write {default:?} or another path"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::assert_mistakes;

    #[test]
    fn each_mistake_has_its_line_and_remedy() {
        assert_mistakes(&[
            (
                "[store]\nurl = \"postgres://user:pass@host/db\"",
                "posthouse.toml:2: store.url names a PostgreSQL server, which is not supported by this version; write \"sqlite://posthouse-data/posthouse.db\" or another path",
            ),
            (
                "[store]\nurl = \"mysql://user:pass@host/db\"",
                "posthouse.toml:2: store.url takes an address that begins with sqlite://; write \"sqlite://posthouse-data/posthouse.db\" or another path",
            ),
            (
                "[store]\nurl = \"sqlite://\"",
                "posthouse.toml:2: store.url: \"sqlite://\" names no file; write one, such as \"sqlite://posthouse-data/posthouse.db\"",
            ),
            (
                "[store]\nurl = \"sqlite://a.db?mode=ro\"",
                "posthouse.toml:2: store.url: \"sqlite://a.db?mode=ro\" has parameters; write only the path",
            ),
        ]);
    }
}
