//! Where a store is.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use crate::postgres::PostgresUrl;

/// Where a store is, and of which kind it is.
///
/// ```
/// use posthouse_store::StoreUrl;
///
/// let url: StoreUrl = "sqlite:/var/lib/posthouse/posthouse.db".parse()?;
/// assert_eq!(url, "/var/lib/posthouse/posthouse.db".parse()?);
/// assert_eq!(
///     "mysql://user:secret@db/posthouse".parse::<StoreUrl>().unwrap_err().to_string(),
///     "this version knows no stores of the kind mysql; write the path of an SQLite database, or sqlite: and its path",
/// );
/// # Ok::<(), posthouse_store::UnsupportedStore>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreUrl(StoreKind);

/// Which backend it is, and what that needs to find it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StoreKind {
    /// An SQLite database in a file.
    Sqlite(PathBuf),
    /// A PostgreSQL database.
    Postgres {
        /// Its address, as libpq spells it; there may be a password in it.
        url: PostgresUrl,
        /// Whether it has to have a synchronous standby.
        require_standbys: bool,
    },
}

/// Why a text is not the address of a store.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnsupportedStore {
    /// It is one of a kind that this version has no backend for.
    #[error(
        "this version knows no stores of the kind {0}; write the path of an SQLite database, or sqlite: and its path"
    )]
    Kind(String),
    /// It is the address of a PostgreSQL database, and cannot be used.
    #[error("it is no address of a PostgreSQL database: {0}")]
    Postgres(String),
    /// It names no file.
    #[error("it names no file; write the path of an SQLite database, or sqlite: and its path")]
    NoFile,
}

impl StoreUrl {
    /// An SQLite database in a file.
    pub fn sqlite(path: impl Into<PathBuf>) -> Self {
        Self(StoreKind::Sqlite(path.into()))
    }

    /// A PostgreSQL database, as libpq spells it: `postgres://USER@HOST:PORT,HOST:PORT/DATABASE?PARAMETER=VALUE`, whose password stands
    /// apart.
    ///
    /// # Errors
    /// What is wrong with it, without quoting a password.
    pub fn postgres(text: &str, password: Option<&str>) -> Result<Self, UnsupportedStore> {
        password.map_or_else(|| text.to_owned(), |password| with_password(text, password)).parse()
    }

    /// Whether it is a store that several nodes share.
    pub const fn is_shared(&self) -> bool {
        matches!(self.0, StoreKind::Postgres { .. })
    }

    pub(crate) const fn backend(&self) -> &StoreKind {
        &self.0
    }

    /// The file that it is in, when it is in one of this machine.
    pub fn file(&self) -> Option<&Path> {
        match &self.0 {
            StoreKind::Sqlite(path) => Some(path),
            StoreKind::Postgres { .. } => None,
        }
    }

    /// The same store, whose server need not have a synchronous standby: losing that machine may lose acknowledged messages then.
    #[must_use]
    pub fn without_standbys(mut self) -> Self {
        if let StoreKind::Postgres { require_standbys, .. } = &mut self.0 {
            *require_standbys = false;
        }
        self
    }
}

impl FromStr for StoreUrl {
    type Err = UnsupportedStore;

    /// Reads `sqlite:PATH`, `sqlite://PATH`, `postgres://…`, or a path. A text with another scheme is refused without being quoted: there may be a
    /// password in it.
    fn from_str(text: &str) -> Result<Self, UnsupportedStore> {
        let path = match text.split_once(':') {
            Some(("sqlite", rest)) => rest.strip_prefix("//").unwrap_or(rest),
            Some(("postgres" | "postgresql", rest)) if rest.starts_with("//") => {
                let url = PostgresUrl::parse(text).map_err(|error| UnsupportedStore::Postgres(error.0))?;
                return Ok(Self(StoreKind::Postgres { url, require_standbys: true }));
            }
            Some((kind, rest)) if rest.starts_with("//") && is_scheme(kind) => {
                return Err(UnsupportedStore::Kind(kind.to_owned()));
            }
            _ => text,
        };
        if path.is_empty() || path.ends_with('/') || path.starts_with(':') {
            return Err(UnsupportedStore::NoFile);
        }
        Ok(Self::sqlite(path))
    }
}

/// The password as a parameter: the user is told behind the address already.
fn with_password(text: &str, password: &str) -> String {
    let (address, parameters) = text.split_once('?').unwrap_or((text, ""));
    // A plus stands for a space only in forms.
    let password =
        form_urlencoded::byte_serialize(password.as_bytes()).collect::<String>().replace('+', "%20");
    let separator = if parameters.is_empty() { "" } else { "&" };
    format!("{address}?password={password}{separator}{parameters}")
}

/// RFC 3986, 3.1.
fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|one| one.is_ascii_alphanumeric() || matches!(one, '+' | '-' | '.'))
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            StoreKind::Sqlite(path) => write!(f, "sqlite://{}", path.display()),
            // Without the password.
            StoreKind::Postgres { url, .. } => url.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_and_an_url_lead_to_the_same_file() {
        for text in ["data/posthouse.db", "sqlite:data/posthouse.db", "sqlite://data/posthouse.db"] {
            let url: StoreUrl = text.parse().unwrap();
            assert_eq!(url, StoreUrl::sqlite("data/posthouse.db"), "{text}");
            assert_eq!(url.file(), Some(Path::new("data/posthouse.db")));
            assert_eq!(url.to_string(), "sqlite://data/posthouse.db");
            assert_eq!(url.to_string().parse(), Ok(url));
        }
        let odd: StoreUrl = "a:b/posthouse.db".parse().unwrap();
        assert_eq!(odd, StoreUrl::sqlite("a:b/posthouse.db"), "that is a path as well");
    }

    #[test]
    fn a_database_is_shown_without_its_password() {
        let url: StoreUrl = "postgresql://posthouse:secret@db/posthouse".parse().unwrap();
        assert_eq!((url.file(), url.to_string().as_str()), (None, "postgres://posthouse@db:5432/posthouse"));
        assert!(!format!("{url:?}").contains("secret"), "{url:?}");
        let error = "postgres://posthouse:secret@db".parse::<StoreUrl>().unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }

    #[test]
    fn what_is_no_store_of_ours_is_refused_without_its_password() {
        let error = "mysql://posthouse:secret@db/posthouse".parse::<StoreUrl>().unwrap_err();
        assert_eq!(error, UnsupportedStore::Kind("mysql".to_owned()));
        assert!(!error.to_string().contains("secret"), "{error}");
        for text in ["", "sqlite:", "sqlite://", "sqlite::memory:", "data/"] {
            assert_eq!(text.parse::<StoreUrl>(), Err(UnsupportedStore::NoFile), "{text:?}");
        }
    }

    #[test]
    fn a_password_that_stands_apart_is_not_shown_either() {
        let url =
            StoreUrl::postgres("postgres://posthouse@db:5433,db2/posthouse?sslmode=require", Some("s&c +?"))
                .unwrap();
        assert!(url.is_shared());
        let shown = format!("{url} {url:?}");
        assert!(
            shown.contains("posthouse@db:5433") && !shown.contains("s&c") && !shown.contains("s%26c"),
            "{shown}"
        );
        assert_eq!(
            url,
            "postgres://posthouse@db:5433,db2/posthouse?password=s%26c%20%2B%3F&sslmode=require"
                .parse()
                .unwrap()
        );
    }
}
