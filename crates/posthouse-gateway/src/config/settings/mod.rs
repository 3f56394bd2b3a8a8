//! `posthouse.toml`: how this process runs. Never provisioning. A file for each section, with its defaults, what is read and printed of
//! it, and its tests.
//!
//! Every key has a default, unknown keys are refused, and any value may be `{ env = "NAME" }` or `{ file = "path" }`. What
//! [`Settings::print`] writes is the reference of all keys.

mod admin;
mod carriers;
mod cdr;
mod fetch;
mod log;
mod media;
mod mm7;
mod oidc;
mod reload;
mod retention;
mod shutdown;
mod store;
mod telemetry;
mod tls;

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::Path,
};

use ipnet::IpNet;
use posthouse_core::provisioning::{
    network,
    reading::{Reader, Table, Unfit},
};

pub use self::{
    admin::AdminSection,
    carriers::CarriersSection,
    cdr::CdrSection,
    fetch::FetchSection,
    log::{LogSection, check_levels},
    media::MediaSection,
    mm7::Mm7Section,
    oidc::{CALLBACK as OIDC_CALLBACK, OidcSection, is_safe},
    reload::need_restart,
    retention::RetentionSection,
    shutdown::ShutdownSection,
    store::StoreSection,
    telemetry::TelemetrySection,
};
use super::reader::{ConfigErrors, ConfigFile, ELSEWHERE, Environment, Surroundings};

/// What a printed file begins with.
const HEAD: &str = "\
# How this Posthouse runs: the effective settings, all keys. What is provisioned (accounts, carriers) is not here: see
# `posthouse apply --help`. Any value may be { env = \"NAME\" } or { file = \"path\" }. Relative paths are relative to this
# file's folder. Times are \"250ms\", \"10s\", \"5m\", \"72h\", \"90d\". Port 0 takes a free port.
";

/// How this process runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
    /// Where records of what ended go.
    pub cdr: CdrSection,
    /// What goes to collectors.
    pub telemetry: TelemetrySection,
    /// How the process ends.
    pub shutdown: ShutdownSection,
    /// What is logged.
    pub log: LogSection,
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
        let mm7 = Mm7Section::read(root.section("mm7"), document);
        let settings = Self {
            store: StoreSection::read(root.section("store"), document),
            media: MediaSection::read(root.section("media"), document),
            carriers: CarriersSection::read(root.section("carriers"), &mm7.trusted_proxies, document),
            mm7,
            fetch: FetchSection::read(root.section("fetch")),
            admin: AdminSection::read(root.section("admin"), document),
            retention: RetentionSection::read(root.section("retention")),
            cdr: CdrSection::read(root.section("cdr"), document),
            telemetry: TelemetrySection::read(root.section("telemetry")),
            shutdown: ShutdownSection::read(root.section("shutdown")),
            log: LogSection::read(root.section("log")),
        };
        refuse_shared_ports(&root, &settings);
        drop(root);
        reader.finish(settings).map_err(|problems| ConfigErrors::of(document, problems))
    }

    /// The effective settings as a file, with comments. A secret is shown as where it is from.
    pub fn print(&self) -> String {
        let Self { store, media, mm7, carriers, fetch, admin, retention, cdr, telemetry, shutdown, log } =
            self;
        let sections = [
            HEAD.to_owned(),
            store.print(),
            media.print(),
            mm7.print(),
            carriers.print(),
            fetch.print(),
            admin.print(),
            retention.print(),
            cdr.print(),
            telemetry.print(),
            shutdown.print(),
            log.print(),
        ];
        sections.join("\n")
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
            root.wrong(at, (format!("listens on {listen} like {instead}"), "give it a port of its own"));
        }
    }
}

const fn loopback(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

fn address(text: String) -> Result<SocketAddr, Unfit> {
    text.parse()
        .map_err(|_| ("is no address", "write an IP address and a port, such as \"127.0.0.1:8007\"").into())
}

/// Whether a text is a path that may stand in a request line as it is.
fn is_path(text: &str) -> bool {
    text.starts_with('/')
        && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#\"<>\\^`|%".contains(&byte))
}

fn networks(table: &mut Table<'_>, key: &'static str) -> Vec<IpNet> {
    let networks = table.list(key, network).unwrap_or_default();
    networks.into_iter().map(|network| network.value).collect()
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
    use std::{path::PathBuf, time::Duration};

    use super::{super::ConfigMistake, *};
    use crate::{secrets::Secret, tls::files::Tls};

    pub(super) fn parse(text: &str) -> Result<Settings, ConfigErrors> {
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
        [cdr]
        folder = "records"
        numbers = "masked"
    "#;

    #[test]
    fn every_key_is_taken_and_printed() {
        let settings = parse(EVERY_KEY).unwrap();
        assert_eq!(settings.store.path, Path::new("/var/lib/post \"house\"/a.db"));
        assert_eq!(settings.media.place, Path::new("media").into());
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
        assert_eq!(settings.media.place, folder.path().join("m").into());
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

    /// A file with one mistake, and what is told of it: those that belong to no one section.
    const MISTAKES: &[(&str, &str)] = &[
        ("[mm8]\npath = \"/\"", "posthouse.toml:1: unknown key mm8; did you mean mm7?"),
        (
            "[[carrier]]\nid = \"31003\"",
            "posthouse.toml:1: unknown key carrier; it belongs in a provisioning file, see `posthouse apply --help`",
        ),
        ("\n[mm7]\nlisen = \"127.0.0.1:1\"", "posthouse.toml:3: unknown key mm7.lisen; did you mean listen?"),
        (
            "[retention]\ncolour = 1",
            "posthouse.toml:2: unknown key retention.colour; the keys here are media, messages, audit",
        ),
        ("mm7 = 3", "posthouse.toml:1: mm7 takes a table, not a number"),
        (
            "[admin]\nlisten = \"127.0.0.1:8008\"",
            "posthouse.toml:1: admin: listens on 127.0.0.1:8008 like carriers; give it a port of its own",
        ),
        (
            "[mm7]\nlisten = \"127.0.0.1:8080\"",
            "posthouse.toml:1: mm7: listens on 127.0.0.1:8080 like admin; give it a port of its own",
        ),
    ];

    /// Asserts that each text has one mistake, which is told like this.
    #[track_caller]
    pub(super) fn assert_mistakes(told: &[(&str, &str)]) {
        for (text, expected) in told {
            assert_eq!(mistakes(text), [*expected], "{text}");
        }
    }

    #[test]
    fn each_mistake_has_its_line_and_remedy() {
        assert_mistakes(MISTAKES);
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
