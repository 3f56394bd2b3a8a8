//! Where a PostgreSQL database is, as libpq spells it.

use std::{fmt, fs, path::Path, time::Duration};

use tokio_postgres::{
    Config,
    config::{Host, SslMode, TargetSessionAttrs},
};

use super::tls::{ServerTls, ServerTrust};

/// The address of a database: hosts, the user, and how connections are protected.
#[derive(Clone)]
pub(crate) struct PostgresUrl {
    config: Box<Config>,
    tls: Option<ServerTls>,
    /// Without the password.
    shown: String,
}

/// A text is no address of a database, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NoPostgresUrl(pub(crate) String);

/// What libpq knows of TLS and `tokio-postgres` does not.
#[derive(Debug, Default)]
struct TlsParameters {
    mode: Option<String>,
    root: Option<String>,
    certificate: Option<String>,
    key: Option<String>,
}

impl PostgresUrl {
    /// Reads `postgres://USER:PASSWORD@HOST:PORT,HOST:PORT/DATABASE?PARAMETER=VALUE&…`.
    ///
    /// # Errors
    /// What is wrong with it, without quoting a password.
    pub(crate) fn parse(text: &str) -> Result<Self, NoPostgresUrl> {
        let (address, parameters) = text.split_once('?').unwrap_or((text, ""));
        let (rest, tls) = TlsParameters::split(parameters);
        let whole = if rest.is_empty() { address.to_owned() } else { format!("{address}?{rest}") };
        let mut config: Config = whole.parse().map_err(|error| NoPostgresUrl(reason(&error)))?;
        if config.get_dbname().is_none_or(str::is_empty) {
            return Err(NoPostgresUrl(
                "it names no database; write postgres://USER@HOST/DATABASE".to_owned(),
            ));
        }
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(NoPostgresUrl("it names no host; write postgres://USER@HOST/DATABASE".to_owned()));
        }
        set_defaults(&mut config, &rest);
        let tls = tls.apply(&mut config)?;
        let shown = show(&config);
        Ok(Self { config: Box::new(config), tls, shown })
    }

    /// For connections.
    pub(super) const fn config(&self) -> &Config {
        &self.config
    }

    /// What protects them; `None`: nothing does.
    pub(super) const fn tls(&self) -> Option<&ServerTls> {
        self.tls.as_ref()
    }
}

/// `tokio-postgres` says which parameter it cannot read in the source of its error.
fn reason(error: &tokio_postgres::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => source.to_string(),
        None => error.to_string(),
    }
}

/// A host that was cut off is noticed within seconds, and of several hosts the primary is meant.
fn set_defaults(config: &mut Config, parameters: &str) {
    let says = |name: &str| parameters.split('&').any(|one| one.split('=').next() == Some(name));
    if !says("target_session_attrs") {
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    }
    if !says("connect_timeout") {
        config.connect_timeout(Duration::from_secs(3));
    }
    if !says("tcp_user_timeout") {
        config.tcp_user_timeout(Duration::from_secs(5));
    }
    if !says("keepalives_idle") {
        config.keepalives_idle(Duration::from_secs(2));
    }
    if !says("keepalives_interval") {
        config.keepalives_interval(Duration::from_secs(1));
    }
    if !says("keepalives_retries") {
        config.keepalives_retries(3);
    }
    if !says("application_name") {
        config.application_name("posthouse");
    }
}

impl TlsParameters {
    /// Takes its parameters out of a query; returns the others.
    fn split(parameters: &str) -> (String, Self) {
        let mut tls = Self::default();
        let mut rest = Vec::new();
        for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
            let (name, _) = parameter.split_once('=').unwrap_or((parameter, ""));
            let slot = match name {
                "sslmode" => &mut tls.mode,
                "sslrootcert" => &mut tls.root,
                "sslcert" => &mut tls.certificate,
                "sslkey" => &mut tls.key,
                _ => {
                    rest.push(parameter);
                    continue;
                }
            };
            let value = form_urlencoded::parse(parameter.as_bytes()).next();
            *slot = value.map(|(_, value)| value.into_owned());
        }
        (rest.join("&"), tls)
    }

    fn apply(self, config: &mut Config) -> Result<Option<ServerTls>, NoPostgresUrl> {
        let root = self.root.as_deref();
        let trust = match (self.mode.as_deref(), root) {
            (Some("disable"), _) => {
                config.ssl_mode(SslMode::Disable);
                return Ok(None);
            }
            (None | Some("prefer" | "allow"), _) => {
                config.ssl_mode(SslMode::Prefer);
                ServerTrust::Anybody
            }
            (Some("require"), None) => {
                config.ssl_mode(SslMode::Require);
                ServerTrust::Anybody
            }
            (Some("require" | "verify-ca"), root) => {
                config.ssl_mode(SslMode::Require);
                ServerTrust::AnyName(roots(root)?)
            }
            (Some("verify-full"), root) => {
                config.ssl_mode(SslMode::Require);
                ServerTrust::Verified(roots(root)?)
            }
            (Some(other), _) => {
                return Err(NoPostgresUrl(format!(
                    "sslmode={other} is none; write disable, prefer, require, verify-ca or verify-full"
                )));
            }
        };
        let own = match (&self.certificate, &self.key) {
            (None, None) => None,
            (Some(certificate), Some(key)) => Some((read(certificate)?, read(key)?)),
            _ => return Err(NoPostgresUrl("sslcert and sslkey go together".to_owned())),
        };
        ServerTls::new(trust, own).map(Some).map_err(NoPostgresUrl)
    }
}

/// The certificates to be trusted, as PEM; `None`: those of the system.
fn roots(root: Option<&str>) -> Result<Option<Vec<u8>>, NoPostgresUrl> {
    match root {
        None | Some("system") => Ok(None),
        Some(path) => read(path).map(Some),
    }
}

fn read(path: &str) -> Result<Vec<u8>, NoPostgresUrl> {
    fs::read(Path::new(path)).map_err(|error| NoPostgresUrl(format!("{path} cannot be read: {error}")))
}

fn show(config: &Config) -> String {
    let ports = config.get_ports();
    let port = |index: usize| ports.get(index).or(ports.first()).copied().unwrap_or(5432);
    let hosts: Vec<String> = config
        .get_hosts()
        .iter()
        .enumerate()
        .map(|(index, host)| match host {
            Host::Tcp(name) => format!("{name}:{}", port(index)),
            Host::Unix(path) => path.display().to_string(),
        })
        .collect();
    let user = config.get_user().map(|user| format!("{user}@")).unwrap_or_default();
    format!("postgres://{user}{}/{}", hosts.join(","), config.get_dbname().unwrap_or_default())
}

impl fmt::Display for PostgresUrl {
    /// Without the password and the parameters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl PartialEq for PostgresUrl {
    fn eq(&self, other: &Self) -> bool {
        self.config == other.config
    }
}

impl Eq for PostgresUrl {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_parameters_are_libpqs() {
        let url = PostgresUrl::parse("postgres://ph:secret@one:5433,two/posthouse?sslmode=disable").unwrap();
        assert_eq!(url.to_string(), "postgres://ph@one:5433,two:5432/posthouse");
        assert!(!format!("{url:?}").contains("secret"));
        assert!(url.tls().is_none());
        assert_eq!(url.config().get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
        let socket =
            PostgresUrl::parse("postgres:///posthouse?host=/run/pg&user=ph&connect_timeout=9").unwrap();
        assert_eq!(socket.to_string(), "postgres://ph@/run/pg/posthouse");
        assert_eq!(socket.config().get_connect_timeout(), Some(&Duration::from_secs(9)));
    }

    #[test]
    fn what_cannot_be_meant_is_said() {
        for (text, expected) in [
            ("postgres://ph@db", "it names no database"),
            ("postgres:///posthouse", "it names no host"),
            ("postgres://ph@db/posthouse?sslmode=maybe", "sslmode=maybe is none"),
            (
                "postgres://ph@db/posthouse?sslmode=verify-full&sslrootcert=/no/such/file",
                "/no/such/file cannot be read",
            ),
            ("postgres://ph@db/posthouse?sslcert=/a", "sslcert and sslkey go together"),
            ("postgres://ph@db/posthouse?colour=blue", "colour"),
        ] {
            let error = PostgresUrl::parse(text).unwrap_err();
            assert!(error.0.contains(expected), "{text}: {}", error.0);
        }
    }
}
