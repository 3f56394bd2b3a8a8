//! `[store]`: where messages and provisioning are kept.

use std::path::PathBuf;

use posthouse_core::provisioning::{
    reading::{Table, Unfit},
    tree::ValueSource,
};
use posthouse_store::StoreUrl;

use super::{ConfigFile, quote};
use crate::secrets::Secret;

/// The database when nothing else is said, relative to the settings file.
const DEFAULT: &str = "posthouse-data/posthouse.db";
/// Beside which file this machine's own files lie when the store is elsewhere, relative to the settings file.
const BESIDE: &str = "posthouse-data/posthouse";
/// The keys that only PostgreSQL has.
const SERVER_KEYS: [&str; 2] = ["password", "require_standbys"];

/// `[store]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreSection {
    /// The SQLite database file. Of another store the path beside which this machine's own files lie: where its gateway is found.
    pub path: PathBuf,
    /// The PostgreSQL database, where it is one.
    pub postgres: Option<PostgresSection>,
}

/// What `[store]` says of a PostgreSQL database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostgresSection {
    url: StoreUrl,
    /// Its URL as it is written, which holds no password.
    written: String,
    password: Option<Secret>,
    require_standbys: bool,
}

impl Default for StoreSection {
    fn default() -> Self {
        Self { path: PathBuf::from(DEFAULT), postgres: None }
    }
}

impl StoreSection {
    /// Where the store is.
    pub fn url(&self) -> StoreUrl {
        match &self.postgres {
            Some(postgres) if postgres.require_standbys => postgres.url.clone(),
            Some(postgres) => postgres.url.clone().without_standbys(),
            None => StoreUrl::sqlite(&self.path),
        }
    }

    /// How it is named to people.
    pub fn shown(&self) -> String {
        match &self.postgres {
            Some(postgres) => postgres.url.to_string(),
            None => self.path.display().to_string(),
        }
    }

    /// Reads the section.
    pub(super) fn read(mut table: Table<'_>, file: &ConfigFile) -> Self {
        let is_given = table.has("url");
        let path = match table.parsed("url", |url: String| kind(&url)) {
            Some(Written::Postgres(url)) => return Self::read_postgres(&mut table, url, file),
            Some(Written::Sqlite(path)) => Some(path),
            None => None,
        };
        for key in SERVER_KEYS.into_iter().filter(|key| table.has(key)).collect::<Vec<_>>() {
            // Of an address that cannot be read nobody knows what else belongs to it.
            if path.is_some() || !is_given {
                table.wrong(
                    key,
                    (
                        "only a PostgreSQL database has one",
                        "write url = \"postgres://USER@HOST/DATABASE\", or leave it out",
                    ),
                );
            }
            ignore(&mut table, key);
        }
        Self { path: file.path(path.as_deref().unwrap_or(DEFAULT)), postgres: None }
    }

    fn read_postgres(table: &mut Table<'_>, written: String, file: &ConfigFile) -> Self {
        let password = table.secret("password").map(|(text, source)| Secret::new(text, source));
        let standbys: Option<u8> = table.number("require_standbys", 0..=1);
        let url = match StoreUrl::postgres(&written, password.as_ref().map(Secret::expose)) {
            Ok(url) => url,
            Err(error) => {
                table.wrong("url", error.to_string());
                return Self { path: file.path(BESIDE), postgres: None };
            }
        };
        let require_standbys = standbys != Some(0);
        let postgres = PostgresSection { url, written, password, require_standbys };
        Self { path: file.path(BESIDE), postgres: Some(postgres) }
    }

    /// The section as a file has it, with comments. The password is shown as where it is from.
    pub(super) fn print(&self) -> String {
        let (url, password, standbys) = match &self.postgres {
            None => (format!("sqlite://{}", self.path.display()), None, true),
            Some(postgres) => {
                (postgres.written.clone(), postgres.password.as_ref(), postgres.require_standbys)
            }
        };
        let mut printed = format!(
            "[store]
# Messages, work and provisioning: an SQLite database file, or for several nodes \"postgres://USER@HOST/DATABASE\" (docs/postgres.md).
url = {}
",
            quote(&url)
        );
        if self.postgres.is_some() {
            printed.push_str(&format!(
                "{}\n# 1: a server without a synchronous standby is refused, for it may lose what it said is committed; 0: it is not.\nrequire_standbys = {}\n",
                print_password(password),
                u8::from(standbys)
            ));
        }
        printed
    }
}

fn ignore(table: &mut Table<'_>, key: &'static str) {
    match key {
        "password" => drop(table.secret(key)),
        _ => {
            table.number::<u8>(key, 0..=1);
        }
    }
}

fn print_password(password: Option<&Secret>) -> String {
    match password.map(Secret::source) {
        None => "# password = { env = \"POSTHOUSE_STORE_PASSWORD\" }".to_owned(),
        Some(ValueSource::Inline) => "# password = \"…\" is set, and not shown".to_owned(),
        Some(ValueSource::Environment(name)) => format!("password = {{ env = {} }}", quote(name)),
        Some(ValueSource::File(path)) => {
            format!("password = {{ file = {} }}", quote(&path.display().to_string()))
        }
    }
}

/// What a URL names.
enum Written {
    Sqlite(String),
    Postgres(String),
}

/// What a URL names.
fn kind(url: &str) -> Result<Written, Unfit> {
    let default = format!("sqlite://{DEFAULT}");
    match url.split_once("://") {
        Some(("sqlite", path)) if path.contains('?') => Err(("has parameters", "write only the path").into()),
        Some(("sqlite", path)) if path.is_empty() || path.ends_with('/') || path.starts_with(':') => {
            Err(("names no file", format!("write one, such as {default:?}")).into())
        }
        Some(("sqlite", path)) => Ok(Written::Sqlite(path.to_owned())),
        // Not quoted: the URL of a database server may hold a password.
        Some(("postgres" | "postgresql", rest)) if holds_password(rest) => Err(Unfit::Alone(
            ("holds a password", "write it apart, as password = { env = \"POSTHOUSE_STORE_PASSWORD\" }")
                .into(),
        )),
        Some(("postgres" | "postgresql", _)) => Ok(Written::Postgres(url.to_owned())),
        _ => Err(Unfit::Alone(
            (
                "takes an address that begins with sqlite:// or postgres://",
                format!("write {default:?}, another path, or \"postgres://USER@HOST/DATABASE\""),
            )
                .into(),
        )),
    }
}

fn holds_password(rest: &str) -> bool {
    let (address, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    let user = address.split('/').next().and_then(|hosts| hosts.rsplit_once('@'));
    user.is_some_and(|(user, _)| user.contains(':'))
        || parameters.split('&').any(|one| one.split('=').next() == Some("password"))
}

#[cfg(test)]
mod tests {
    use super::{
        super::tests::{assert_mistakes, parse},
        *,
    };

    #[test]
    fn each_mistake_has_its_line_and_remedy() {
        assert_mistakes(&[
            (
                "[store]\nurl = \"postgres://user:pass@host/db\"",
                "posthouse.toml:2: store.url holds a password; write it apart, as password = { env = \"POSTHOUSE_STORE_PASSWORD\" }",
            ),
            (
                "[store]\nurl = \"postgres://user:pass@host/db\"\nrequire_standbys = 0",
                "posthouse.toml:2: store.url holds a password; write it apart, as password = { env = \"POSTHOUSE_STORE_PASSWORD\" }",
            ),
            (
                "[store]\nurl = \"postgres://user@host\"",
                "posthouse.toml:2: store.url: it is no address of a PostgreSQL database: it names no database; write postgres://USER@HOST/DATABASE",
            ),
            (
                "[store]\nurl = \"sqlite://a.db\"\npassword = \"secret\"",
                "posthouse.toml:3: store.password: only a PostgreSQL database has one; write url = \"postgres://USER@HOST/DATABASE\", or leave it out",
            ),
            (
                "[store]\nurl = \"mysql://user:pass@host/db\"",
                "posthouse.toml:2: store.url takes an address that begins with sqlite:// or postgres://; write \"sqlite://posthouse-data/posthouse.db\", another path, or \"postgres://USER@HOST/DATABASE\"",
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

    #[test]
    fn a_server_is_printed_as_it_was_read_without_its_password() {
        let text = "[store]\nurl = \"postgres://posthouse@db1,db2/posthouse?sslmode=require\"\npassword = \"hush-hush\"\nrequire_standbys = 0";
        let settings = parse(text).unwrap();
        assert_eq!(
            settings.store.url(),
            StoreUrl::postgres("postgres://posthouse@db1,db2/posthouse?sslmode=require", Some("hush-hush"))
                .unwrap()
                .without_standbys()
        );
        let printed = settings.store.print();
        for line in [
            "url = \"postgres://posthouse@db1,db2/posthouse?sslmode=require\"",
            "# password = \"…\" is set, and not shown",
            "require_standbys = 0",
        ] {
            assert!(printed.lines().any(|found| found == line), "{line} is not in\n{printed}");
        }
        assert!(!printed.contains("hush") && !format!("{settings:?}").contains("hush"));
    }
}
