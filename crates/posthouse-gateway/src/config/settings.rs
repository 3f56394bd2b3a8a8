//! `posthouse.toml`: how this process runs. Never provisioning.
//!
//! Every key has a default, unknown keys are refused, and any value may be `{ env = "NAME" }` or `{ file = "path" }`. What
//! [`Settings::print`] writes is the reference of all keys.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use ipnet::IpNet;

use posthouse_core::{
    duration,
    provisioning::{
        MOST_BYTES, network,
        reading::{Reader, Table, Unfit},
        tree::ValueSource,
    },
};

use super::{
    reader::{ConfigErrors, ConfigFile, ELSEWHERE, Environment, Surroundings},
    secrets::Secret,
};

/// How this process runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where messages and provisioning are kept.
    pub store: StoreSection,
    /// Where media are kept.
    pub media: MediaSection,
    /// Where VASPs submit.
    pub mm7: Mm7Section,
    /// Where carriers post reports and MO.
    pub carriers: CarriersSection,
    /// Content by URL.
    pub fetch: FetchSection,
    /// The admin API and UI.
    pub admin: AdminSection,
    /// How long things are kept.
    pub retention: RetentionSection,
}

/// `[store]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreSection {
    /// The SQLite database file.
    pub path: PathBuf,
}

/// `[media]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaSection {
    /// The folder of the segment files.
    pub path: PathBuf,
}

/// `[mm7]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mm7Section {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The path of the URL that VASPs post to; begins with `/`.
    pub path: String,
    /// The header that names a message's carrier, a valid header name.
    pub carrier_id_header: String,
    /// The longest request body, in bytes (row 2 of the codes: 2560).
    pub max_request_bytes: u64,
    /// How long a client may take to send a request.
    pub read_timeout: Duration,
    /// Its TLS; `None`: plain HTTP.
    pub tls: Option<Tls>,
    /// Whose X-Forwarded-For and -Proto are believed.
    pub trusted_proxies: Vec<IpNet>,
}

/// `tls` of a door: files in PEM form, which are read again when they change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The door's certificate, followed by those that signed it.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// The CAs that client certificates come from; `None`: none are asked for.
    pub client_ca: Option<PathBuf>,
}

/// `[carriers]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CarriersSection {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The path that carriers post to; one of its segments is `{carrier}`.
    pub path: String,
    /// Its TLS; `None`: plain HTTP.
    pub tls: Option<Tls>,
    /// Whose X-Forwarded-For is believed.
    pub trusted_proxies: Vec<IpNet>,
}

/// `[fetch]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchSection {
    /// How long fetching the content of one message may take.
    pub timeout: Duration,
    /// The longest content of one URL, in bytes.
    pub max_bytes: u64,
    /// Private networks that content URLs may resolve to all the same.
    pub allow_private: Vec<IpNet>,
}

/// `[admin]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminSection {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Its TLS; `None`: plain HTTP.
    pub tls: Option<Tls>,
    /// What callers must show; there is one whenever `listen` is beyond loopback.
    pub token: Option<Secret>,
}

/// `[retention]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetentionSection {
    /// How long media of messages that have ended are kept.
    pub media: Duration,
    /// How long messages that have ended are kept.
    pub messages: Duration,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

const fn loopback(port: u16) -> SocketAddr {
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            store: StoreSection { path: PathBuf::from("posthouse-data/posthouse.db") },
            media: MediaSection { path: PathBuf::from("posthouse-data/media") },
            mm7: Mm7Section {
                listen: loopback(8007),
                path: "/mm7/v1".to_owned(),
                carrier_id_header: "X-Posthouse-Carrier-Id".to_owned(),
                max_request_bytes: 5 * 1024 * 1024,
                read_timeout: Duration::from_secs(30),
                tls: None,
                trusted_proxies: Vec::new(),
            },
            carriers: CarriersSection {
                listen: loopback(8008),
                path: "/carriers/{carrier}/mm7".to_owned(),
                tls: None,
                trusted_proxies: Vec::new(),
            },
            fetch: FetchSection {
                timeout: Duration::from_secs(10),
                max_bytes: 5 * 1024 * 1024,
                allow_private: Vec::new(),
            },
            admin: AdminSection { listen: loopback(8080), tls: None, token: None },
            retention: RetentionSection { media: 7 * DAY, messages: 90 * DAY },
        }
    }
}

impl Settings {
    /// Reads a settings file; without one, the defaults, relative to the working directory.
    ///
    /// A file in another folder than the working directory gets absolute paths, so that what [`Settings::print`] writes means
    /// the same wherever it is put.
    ///
    /// # Errors
    /// All mistakes of the file.
    pub fn load(path: Option<&Path>, environment: &Environment<'_>) -> Result<Self, ConfigErrors> {
        let Some(path) = path else { return Ok(Self::default()) };
        Self::parse(&ConfigFile::load(path)?, environment)
    }

    /// Understands a settings file.
    ///
    /// # Errors
    /// All mistakes of the file.
    pub fn parse(document: &ConfigFile, environment: &Environment<'_>) -> Result<Self, ConfigErrors> {
        let surroundings = Surroundings { file: document, environment };
        let reader = Reader::new(&surroundings, ELSEWHERE);
        let mut root = document.root(&reader);
        let defaults = Self::default();
        let mm7 = read_mm7(root.section("mm7"), defaults.mm7, document);
        let proxies = mm7.trusted_proxies.clone();
        let settings = Self {
            store: read_store(root.section("store"), document),
            media: read_media(root.section("media"), document),
            mm7,
            carriers: read_carriers(root.section("carriers"), defaults.carriers, proxies, document),
            fetch: read_fetch(root.section("fetch"), defaults.fetch),
            admin: read_admin(root.section("admin"), defaults.admin, document),
            retention: read_retention(root.section("retention"), defaults.retention),
        };
        refuse_shared_ports(&root, &settings);
        drop(root);
        reader.finish(settings).map_err(|problems| ConfigErrors::of(document, problems))
    }

    /// The effective settings as a file, with comments. A secret is shown as where it is from.
    pub fn print(&self) -> String {
        let Self { store, media, mm7, carriers, fetch, admin, retention } = self;
        format!(
            include_str!("settings.template.toml"),
            store_url = quote(&format!("sqlite://{}", store.path.display())),
            media_url = quote(&format!("file://{}", media.path.display())),
            mm7_listen = mm7.listen,
            mm7_path = quote(&mm7.path),
            carrier_id_header = quote(&mm7.carrier_id_header),
            max_request_bytes = mm7.max_request_bytes,
            read_timeout = duration::show(mm7.read_timeout),
            mm7_tls = print_tls(mm7.tls.as_ref()),
            trusted_proxies = quote_list(&mm7.trusted_proxies),
            carriers_listen = carriers.listen,
            carriers_path = quote(&carriers.path),
            carriers_tls = print_tls(carriers.tls.as_ref()),
            carriers_trusted_proxies = quote_list(&carriers.trusted_proxies),
            fetch_timeout = duration::show(fetch.timeout),
            fetch_max_bytes = fetch.max_bytes,
            allow_private = quote_list(&fetch.allow_private),
            admin_listen = admin.listen,
            admin_tls = print_tls(admin.tls.as_ref()),
            token = print_token(admin.token.as_ref()),
            retention_media = duration::show(retention.media),
            retention_messages = duration::show(retention.messages),
        )
    }
}

fn read_store(mut table: Table<'_>, file: &ConfigFile) -> StoreSection {
    let default = "sqlite://posthouse-data/posthouse.db";
    let path = table.parsed("url", |url: String| match url.split_once("://") {
        Some(("sqlite", path)) if path.contains('?') => Err("has parameters; write only the path".into()),
        Some(("sqlite", path)) if path.is_empty() || path.ends_with('/') || path.starts_with(':') => {
            Err(format!("names no file; write one, such as {default:?}").into())
        }
        Some(("sqlite", path)) => Ok(file.path(path)),
        // Not quoted: the URL of a database server may hold a password.
        Some(("postgres" | "postgresql", _)) => Err(Unfit::Alone(format!(
            "names a PostgreSQL server, which is not supported by this version; write {default:?} or another path"
        ))),
        _ => Err(Unfit::Alone(format!("takes an address that begins with sqlite://; write {default:?} or another path"))),
    });
    StoreSection { path: path.unwrap_or_else(|| file.path("posthouse-data/posthouse.db")) }
}

fn read_media(mut table: Table<'_>, file: &ConfigFile) -> MediaSection {
    let default = "file://posthouse-data/media";
    let path = table.parsed("url", |url: String| match url.split_once("://") {
        Some(("file", "")) => Err(format!("names no folder; write one, such as {default:?}").into()),
        Some(("file", path)) => Ok(file.path(path)),
        Some(("s3", _)) => Err(Unfit::Alone(format!(
            "names an object store, which is not supported by this version; write {default:?} or another folder"
        ))),
        _ => Err(Unfit::Alone(format!("takes an address that begins with file://; write {default:?} or another folder"))),
    });
    MediaSection { path: path.unwrap_or_else(|| file.path("posthouse-data/media")) }
}

fn read_mm7(mut table: Table<'_>, default: Mm7Section, file: &ConfigFile) -> Mm7Section {
    Mm7Section {
        listen: table.parsed("listen", address).unwrap_or(default.listen),
        path: table.parsed("path", plain_path).unwrap_or(default.path),
        carrier_id_header: table.parsed("carrier_id_header", header).unwrap_or(default.carrier_id_header),
        max_request_bytes: table
            .number("max_request_bytes", 1..=MOST_BYTES)
            .unwrap_or(default.max_request_bytes),
        read_timeout: table.duration("read_timeout").unwrap_or(default.read_timeout),
        tls: read_tls(&mut table, file),
        trusted_proxies: networks(&mut table, "trusted_proxies"),
    }
}

/// Who is a proxy of ours is so for both doors, unless this one says otherwise.
fn read_carriers(
    mut table: Table<'_>,
    default: CarriersSection,
    mm7: Vec<IpNet>,
    file: &ConfigFile,
) -> CarriersSection {
    let says_so = table.has("trusted_proxies");
    let own = networks(&mut table, "trusted_proxies");
    CarriersSection {
        listen: table.parsed("listen", address).unwrap_or(default.listen),
        path: table.parsed("path", carrier_path).unwrap_or(default.path),
        tls: read_tls(&mut table, file),
        trusted_proxies: if says_so { own } else { mm7 },
    }
}

fn read_fetch(mut table: Table<'_>, default: FetchSection) -> FetchSection {
    FetchSection {
        timeout: table.duration("timeout").unwrap_or(default.timeout),
        max_bytes: table.number("max_bytes", 1..=MOST_BYTES).unwrap_or(default.max_bytes),
        allow_private: networks(&mut table, "allow_private"),
    }
}

fn read_admin(mut table: Table<'_>, default: AdminSection, file: &ConfigFile) -> AdminSection {
    let admin = AdminSection {
        listen: table.parsed("listen", address).unwrap_or(default.listen),
        tls: read_tls(&mut table, file),
        token: table.secret("token").map(|(text, source)| Secret::new(text, source)),
    };
    if !admin.listen.ip().to_canonical().is_loopback() && !table.has("token") {
        let listen = admin.listen;
        table.wrong(
            "listen",
            format_args!(
                "{listen} is beyond loopback and there is no token; add token = {{ env = \"POSTHOUSE_ADMIN_TOKEN\" }}, or listen on 127.0.0.1"
            ),
        );
    }
    admin
}

fn read_retention(mut table: Table<'_>, default: RetentionSection) -> RetentionSection {
    RetentionSection {
        media: table.duration("media").unwrap_or(default.media),
        messages: table.duration("messages").unwrap_or(default.messages),
    }
}

/// The files themselves are read by the gateway alone: other commands need not be allowed to read its keys.
fn read_tls(table: &mut Table<'_>, file: &ConfigFile) -> Option<Tls> {
    let mut table = table.table("tls")?;
    table.require("cert", "\"chain.pem\"");
    table.require("key", "\"key.pem\"");
    let cert = table.parsed("cert", |name| pem_file(name, file));
    let key = table.parsed("key", |name| pem_file(name, file));
    let client_ca = table.parsed("client_ca", |name| pem_file(name, file));
    Some(Tls { cert: cert?, key: key?, client_ca })
}

fn pem_file(name: String, file: &ConfigFile) -> Result<PathBuf, Unfit> {
    match name.is_empty() || name.ends_with('/') {
        true => Err("names no file; write the path of a PEM file, such as \"chain.pem\"".into()),
        false => Ok(file.path(&name)),
    }
}

/// Two listeners on one address cannot both open.
fn refuse_shared_ports(root: &Table<'_>, settings: &Settings) {
    let listeners = [
        ("mm7", settings.mm7.listen),
        ("carriers", settings.carriers.listen),
        ("admin", settings.admin.listen),
    ];
    for (index, (name, listen)) in listeners.iter().enumerate() {
        let earlier = listeners.iter().take(index).find(|(_, other)| other == listen && listen.port() != 0);
        // What was left to its default is told at the one that was written.
        if let Some((other, _)) = earlier {
            let (at, instead) = if root.has(name) { (name, other) } else { (other, name) };
            root.wrong(at, format_args!("listens on {listen} like {instead}; give it a port of its own"));
        }
    }
}

fn address(text: String) -> Result<SocketAddr, Unfit> {
    text.parse()
        .map_err(|_| "is no address; write an IP address and a port, such as \"127.0.0.1:8007\"".into())
}

fn header(text: String) -> Result<String, Unfit> {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    match !text.is_empty() && text.len() <= 128 && text.bytes().all(token) {
        true => Ok(text),
        false => Err("is no header name; write one such as \"X-Posthouse-Carrier-Id\"".into()),
    }
}

fn is_path(text: &str) -> bool {
    text.starts_with('/')
        && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#\"<>\\^`|%".contains(&byte))
}

fn plain_path(text: String) -> Result<String, Unfit> {
    match is_path(&text) && !text.contains(['{', '}']) {
        true => Ok(text),
        false => Err("is no path; write one that begins with /, such as \"/mm7/v1\"".into()),
    }
}

fn carrier_path(text: String) -> Result<String, Unfit> {
    let placeholders = text.split('/').filter(|segment| *segment == "{carrier}").count();
    match is_path(&text) && placeholders == 1 && text.matches(['{', '}']).count() == 2 {
        true => Ok(text),
        false => Err("does not name its carrier; write a path with {carrier} as one of its segments, such as \"/carriers/{carrier}/mm7\"".into()),
    }
}

fn networks(table: &mut Table<'_>, key: &'static str) -> Vec<IpNet> {
    let networks = table.list(key, network).unwrap_or_default();
    networks.into_iter().map(|network| network.value).collect()
}

fn print_token(token: Option<&Secret>) -> String {
    match token.map(Secret::source) {
        None => "# token = { env = \"POSTHOUSE_ADMIN_TOKEN\" }".to_owned(),
        Some(ValueSource::Inline) => "# token = \"…\" is set, and not shown".to_owned(),
        Some(ValueSource::Environment(name)) => format!("token = {{ env = {} }}", quote(name)),
        Some(ValueSource::File(path)) => {
            format!("token = {{ file = {} }}", quote(&path.display().to_string()))
        }
    }
}

fn print_tls(tls: Option<&Tls>) -> String {
    let Some(Tls { cert, key, client_ca }) = tls else {
        return "# tls = { cert = \"chain.pem\", key = \"key.pem\", client_ca = \"ca.pem\" }".to_owned();
    };
    let path = |path: &Path| quote(&path.display().to_string());
    let client_ca = client_ca.as_deref().map(|ca| format!(", client_ca = {}", path(ca))).unwrap_or_default();
    format!("tls = {{ cert = {}, key = {}{client_ca} }}", path(cert), path(key))
}

/// A text as TOML writes it.
fn quote(text: &str) -> String {
    toml::Value::from(text).to_string()
}

fn quote_list(networks: &[IpNet]) -> String {
    let quoted: Vec<_> = networks.iter().map(|network| quote(&network.to_string())).collect();
    format!("[{}]", quoted.join(", "))
}

#[cfg(test)]
mod tests {
    use super::{super::ConfigMistake, *};

    fn parse(text: &str) -> Result<Settings, ConfigErrors> {
        let environment = |name: &str| match name {
            "TOKEN" => Some("hush-hush".to_owned()),
            "BYTES" => Some("1000".to_owned()),
            "PROXIES" => Some("10.0.0.0/8, 192.0.2.7".to_owned()),
            "WORD" => Some("hidden-word".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        let file = "posthouse.toml".to_owned();
        Settings::parse(&ConfigFile { file, text: text.to_owned(), folder: PathBuf::new() }, &environment)
    }

    fn mistakes(text: &str) -> Vec<String> {
        parse(text).unwrap_err().mistakes.iter().map(ConfigMistake::to_string).collect()
    }

    #[test]
    fn nothing_means_the_defaults() {
        assert_eq!(parse(""), Ok(Settings::default()));
        assert_eq!(Settings::load(None, &|_| None), Ok(Settings::default()));
    }

    #[test]
    fn the_printed_defaults_are_the_reference_and_read_back() {
        let printed = Settings::default().print();
        assert_eq!(parse(&printed), Ok(Settings::default()));
        for line in [
            "url = \"sqlite://posthouse-data/posthouse.db\"",
            "url = \"file://posthouse-data/media\"",
            "listen = \"127.0.0.1:8007\"",
            "path = \"/mm7/v1\"",
            "carrier_id_header = \"X-Posthouse-Carrier-Id\"",
            "max_request_bytes = 5242880",
            "read_timeout = \"30s\"",
            "trusted_proxies = []",
            "listen = \"127.0.0.1:8008\"",
            "path = \"/carriers/{carrier}/mm7\"",
            "timeout = \"10s\"",
            "max_bytes = 5242880",
            "allow_private = []",
            "listen = \"127.0.0.1:8080\"",
            "media = \"7d\"",
            "messages = \"90d\"",
        ] {
            assert!(printed.lines().any(|printed| printed == line), "{line} in\n{printed}");
        }
    }

    const EVERY_KEY: &str = r#"
        [store]
        url = "sqlite:///var/lib/post \"house\"/a.db"
        [media]
        url = "file://media"
        [mm7]
        listen = "[::1]:0"
        path = "/"
        carrier_id_header = "X-Skycore-Carrier-Id"
        max_request_bytes = { env = "BYTES" }
        read_timeout = "250ms"
        trusted_proxies = { env = "PROXIES" }
        [carriers]
        listen = "0.0.0.0:0"
        path = "/{carrier}"
        tls = { cert = "chain.pem", key = "keys/key.pem" }
        [fetch]
        timeout = "1m"
        max_bytes = 0x10
        allow_private = ["127.0.0.0/8", "::1"]
        [admin]
        listen = "0.0.0.0:9000"
        tls = { cert = "a.pem", key = "/b.pem", client_ca = 'c "x".pem' }
        token = { env = "TOKEN" }
        [retention]
        media = "36h"
        messages = "1d"
    "#;

    #[test]
    fn every_key_is_taken_and_printed() {
        let settings = parse(EVERY_KEY).unwrap();
        assert_eq!(settings.store.path, Path::new("/var/lib/post \"house\"/a.db"));
        assert_eq!(settings.media.path, Path::new("media"));
        assert_eq!(settings.mm7.listen.to_string(), "[::1]:0");
        assert_eq!(settings.mm7.max_request_bytes, 1000);
        assert_eq!(settings.mm7.read_timeout, Duration::from_millis(250));
        let networks: Vec<_> = settings.mm7.trusted_proxies.iter().map(ToString::to_string).collect();
        assert_eq!(networks, ["10.0.0.0/8", "192.0.2.7/32"]);
        assert_eq!(
            settings.carriers.trusted_proxies, settings.mm7.trusted_proxies,
            "unless it says otherwise"
        );
        let own = "[mm7]\ntrusted_proxies = [\"10.0.0.0/8\"]\n[carriers]\ntrusted_proxies = []\n";
        assert_eq!(parse(own).unwrap().carriers.trusted_proxies, []);
        assert_eq!(settings.carriers.path, "/{carrier}");
        let tls = |cert: &str, key: &str, client_ca: Option<&str>| {
            Some(Tls { cert: cert.into(), key: key.into(), client_ca: client_ca.map(PathBuf::from) })
        };
        assert_eq!(settings.mm7.tls, None);
        assert_eq!(settings.carriers.tls, tls("chain.pem", "keys/key.pem", None));
        assert_eq!(settings.admin.tls, tls("a.pem", "/b.pem", Some("c \"x\".pem")));
        assert_eq!(settings.fetch.max_bytes, 16);
        assert_eq!(settings.admin.token.as_ref().map(Secret::expose), Some("hush-hush"));
        assert_eq!(settings.retention.media, Duration::from_secs(36 * 3600));
        assert_eq!(parse(&settings.print()), Ok(settings));
    }

    #[test]
    fn a_secret_is_not_shown() {
        let from_environment = parse(EVERY_KEY).unwrap();
        let inline = parse("[admin]\ntoken = \"hush-hush\"").unwrap();
        for settings in [from_environment, inline] {
            let shown = format!("{settings:?}\n{}", settings.print());
            assert!(!shown.contains("hush-hush"), "{shown}");
        }
    }

    #[test]
    fn paths_start_from_the_file_and_a_value_may_be_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("posthouse.toml");
        std::fs::write(folder.path().join("token"), "hush-hush\n").unwrap();
        std::fs::write(&file, "[admin]\ntoken = { file = \"token\" }\n[media]\nurl = \"file://m\"").unwrap();
        let settings = Settings::load(Some(&file), &|_| None).unwrap();
        assert_eq!(settings.store.path, folder.path().join("posthouse-data/posthouse.db"));
        assert_eq!(settings.media.path, folder.path().join("m"));
        assert_eq!(settings.admin.token.as_ref().map(Secret::expose), Some("hush-hush"));
        assert_eq!(parse(&settings.print()), Ok(settings));
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("none.toml");
        let error = Settings::load(Some(&file), &|_| None).unwrap_err();
        let expected = format!(
            "{}: cannot be read: no such file or directory (os error 2); check the path and who may read it",
            file.display()
        );
        assert_eq!(error.to_string(), expected);
    }

    /// A file with one mistake, and what is told of it.
    const MISTAKES: &[(&str, &str)] = &[
        ("[mm8]\npath = \"/\"", "posthouse.toml:1: unknown key mm8; did you mean mm7?"),
        (
            "[[carrier]]\nid = \"31003\"",
            "posthouse.toml:1: unknown key carrier; it belongs in a provisioning file, see `posthouse apply --help`",
        ),
        ("\n[mm7]\nlisen = \"127.0.0.1:1\"", "posthouse.toml:3: unknown key mm7.lisen; did you mean listen?"),
        (
            "[retention]\ncolour = 1",
            "posthouse.toml:2: unknown key retention.colour; the keys here are media, messages",
        ),
        ("mm7 = 3", "posthouse.toml:1: mm7 takes a table, not a number"),
        (
            "[mm7]\nlisten = \"localhost\"",
            "posthouse.toml:2: mm7.listen: \"localhost\" is no address; write an IP address and a port, such as \"127.0.0.1:8007\"",
        ),
        ("[mm7]\nlisten = 8007", "posthouse.toml:2: mm7.listen takes a text in quotes, not a number"),
        (
            "[mm7]\npath = \"mm7\"",
            "posthouse.toml:2: mm7.path: \"mm7\" is no path; write one that begins with /, such as \"/mm7/v1\"",
        ),
        (
            "[mm7]\ncarrier_id_header = \"X Carrier\"",
            "posthouse.toml:2: mm7.carrier_id_header: \"X Carrier\" is no header name; write one such as \"X-Posthouse-Carrier-Id\"",
        ),
        (
            "[mm7]\nmax_request_bytes = 0",
            "posthouse.toml:2: mm7.max_request_bytes: 0 is out of range; write a number from 1 to 268435456",
        ),
        (
            "[mm7]\nmax_request_bytes = -1",
            "posthouse.toml:2: mm7.max_request_bytes takes a whole number, 0 or more, not a number below 0 or too large",
        ),
        (
            "[mm7]\nmax_request_bytes = 1.5",
            "posthouse.toml:2: mm7.max_request_bytes takes a whole number, 0 or more, not a fraction",
        ),
        (
            "[mm7]\nmax_request_bytes = \"5M\"",
            "posthouse.toml:2: mm7.max_request_bytes takes a whole number, 0 or more, not a text",
        ),
        (
            "[mm7]\nmax_request_bytes = { env = \"WORD\" }",
            "posthouse.toml:2: mm7.max_request_bytes takes a whole number, 0 or more, not the value of the environment variable WORD",
        ),
        (
            "[mm7]\nread_timeout = \"10\"",
            "posthouse.toml:2: mm7.read_timeout: \"10\" is no time; write a number and one of ms, s, m, h, d, such as \"10s\" (at most 3650d)",
        ),
        (
            "[mm7]\nread_timeout = \"0s\"",
            "posthouse.toml:2: mm7.read_timeout: \"0s\" is no time at all; write \"1s\" or more",
        ),
        (
            "[mm7]\nread_timeout = { env = \"WORD\" }",
            "posthouse.toml:2: mm7.read_timeout: the value of the environment variable WORD is no time; write a number and one of ms, s, m, h, d, such as \"10s\" (at most 3650d)",
        ),
        (
            "[mm7]\nread_timeout = { env = \"NONE\" }",
            "posthouse.toml:2: mm7.read_timeout: the environment variable NONE is not set; set it, or write the value here",
        ),
        (
            "[mm7]\nread_timeout = { file = \"/no/such/file\" }",
            "posthouse.toml:2: mm7.read_timeout: /no/such/file cannot be read: no such file or directory (os error 2); check the path and who may read it",
        ),
        (
            "[mm7]\nread_timeout = { env = \"A\", file = \"b\" }",
            "posthouse.toml:2: mm7.read_timeout takes a text in quotes, not a table",
        ),
        (
            "[mm7]\ntrusted_proxies = \"10.0.0.0/8\"",
            "posthouse.toml:2: mm7.trusted_proxies takes a list, not a text; write it in [ ]",
        ),
        (
            "[mm7]\ntrusted_proxies = [\n  \"10.0.0.0/8\",\n  \"10.0.0.0/33\",\n]",
            "posthouse.toml:4: mm7.trusted_proxies: \"10.0.0.0/33\" is no network; write one such as \"10.0.0.0/8\" or \"192.0.2.7\"",
        ),
        (
            "[mm7]\ntrusted_proxies = [\"10.1.2.3/8\"]",
            "posthouse.toml:2: mm7.trusted_proxies: \"10.1.2.3/8\" has an address inside its network; write \"10.0.0.0/8\" or \"10.1.2.3\"",
        ),
        (
            "[mm7]\ntls = { cert = \"a\", key = \"\" }",
            "posthouse.toml:2: mm7.tls.key: \"\" names no file; write the path of a PEM file, such as \"chain.pem\"",
        ),
        (
            "[carriers.tls]\ncert = \"a\"",
            "posthouse.toml:1: carriers.tls.key is missing; add key = \"key.pem\"",
        ),
        (
            "[carriers]\npath = \"/carriers\"",
            "posthouse.toml:2: carriers.path: \"/carriers\" does not name its carrier; write a path with {carrier} as one of its segments, such as \"/carriers/{carrier}/mm7\"",
        ),
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
        (
            "[media]\nurl = \"s3://bucket/prefix\"",
            "posthouse.toml:2: media.url names an object store, which is not supported by this version; write \"file://posthouse-data/media\" or another folder",
        ),
        (
            "[media]\nurl = \"media\"",
            "posthouse.toml:2: media.url takes an address that begins with file://; write \"file://posthouse-data/media\" or another folder",
        ),
        (
            "[admin]\nlisten = \"0.0.0.0:8080\"",
            "posthouse.toml:2: admin.listen: 0.0.0.0:8080 is beyond loopback and there is no token; add token = { env = \"POSTHOUSE_ADMIN_TOKEN\" }, or listen on 127.0.0.1",
        ),
        (
            "[admin]\ntoken = { env = \"EMPTY\" }",
            "posthouse.toml:2: admin.token is empty; write a value, or leave the key out",
        ),
        (
            "[admin]\nlisten = \"127.0.0.1:8008\"",
            "posthouse.toml:1: admin: listens on 127.0.0.1:8008 like carriers; give it a port of its own",
        ),
        (
            "[mm7]\nlisten = \"127.0.0.1:8080\"",
            "posthouse.toml:1: mm7: listens on 127.0.0.1:8080 like admin; give it a port of its own",
        ),
    ];

    #[test]
    fn each_mistake_has_its_line_and_remedy() {
        for (text, expected) in MISTAKES {
            assert_eq!(mistakes(text), [*expected], "{text}");
        }
    }

    #[test]
    fn all_mistakes_are_told_at_once_by_line() {
        let text =
            "[mm7]\npaht = \"/\"\nlisten = \"x\"\n[store]\nurl = \"sqlite://\"\n[fetch]\nmax_bytes = true\n";
        let told = mistakes(text);
        let lines: Vec<_> = told.iter().map(|told| told.split(": ").next().unwrap()).collect();
        assert_eq!(lines, ["posthouse.toml:2", "posthouse.toml:3", "posthouse.toml:5", "posthouse.toml:7"]);
    }

    #[test]
    fn what_is_not_toml_is_told_beside_the_rest() {
        assert_eq!(
            mistakes("[mm7]\npath = \"/a\"\npath = \"/b\"\nx = 1\nlisten = \"127.0.0.1:1\n[store]\nurl = 1"),
            [
                "posthouse.toml:3: this is not TOML: duplicate key; mend this line",
                "posthouse.toml:4: unknown key mm7.x; the keys here are listen, path, carrier_id_header, max_request_bytes, read_timeout, tls, trusted_proxies",
                "posthouse.toml:5: this is not TOML: invalid basic string, expected `\"`; mend this line",
                "posthouse.toml:7: store.url takes a text in quotes, not a number",
            ]
        );
    }
}
