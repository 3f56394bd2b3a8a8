//! What a provisioning file may say, what it means, and what is told of each mistake.

use std::time::Duration;

use mm7::{MmStatus, Namespace, StatusCode, Version, dialect::Statuses};
use posthouse_core::{
    account::{
        Account, AccountName, AccountStatus, Callbacks, OwnCredentials, Service, ShownCredentials,
        SubmitMode, Throughput,
    },
    address::Msisdn,
    carrier::{Carrier, CarrierId, Connection, Inbound, OnUnknown},
    provisioning::{Blacklisted, DialectName, Lookup, LookupProvider, LookupUrl, Prefix, Range},
    url::PeerUrl,
    vocabulary::Vocabulary,
};

use super::*;
use crate::{config::ConfigMistake, secrets::vasp_hash};

const KEY: [u8; 32] = [7; 32];

/// Every key there is, but for `lookup.ported`, which names a file.
const WHOLE: &str = r#"
[[account]]
name = "acme"
vaspid = "acme-api-key"
status = "disabled"
mm7 = false
basic_auth = { username = "acme", password = "s3cret" }
allowed_ips = ["127.0.0.0/8", "::1"]
client_certs = ["cn:Acme Ltd", "dns:MMS.acme.example"]
require_tls = true
dialect = "skycore"
statuses = "3gpp"
must_understand = false
read_replies = true
submit_mode = "relay"
relay_timeout = "3s"
require_carrier_id = true
max_message_bytes = 2000
throughput = { per_second = 100, burst = 200 }
[account.callbacks]
report_url = "http://127.0.0.1:9001/reports"
deliver_url = "http://127.0.0.1:9001/deliver?key=k3y"
basic_auth = { username = "u", password = "p4ss" }
timeout = "1s"
retry_after = "1m"
max_retries = 0
window = 2
[[account.service]]
vasid = "61295"
senders = ["111122", "+16175550100"]
carriers = ["31003"]
default = true
[[account.service]]
vasid = "61296"
senders = ["111123"]

[[carrier]]
id = "31003"
aliases = ["0001890"]
name = "Verizon Wireless US"
max_message_bytes = 3000
content_types = ["Image/*", "text/plain"]
report_timeout = "1h"
on_unknown = "resend"
[[carrier.connection]]
name = "vzw-1"
url = "http://[::1]:9101/mm7"
vaspid = "posthouse"
vasid = "gw"
basic_auth = { username = "u", password = "p4ss" }
dialect = "posthouse"
timeout = "2s"
per_second = 50
window = 8
priority = 2
weight = 3
namespace = "REL-5-MM7-1-2"
version = "5.6.0"
[carrier.callbacks]
basic_auth = { username = "vzw", password = "c4ll" }
allowed_ips = ["10.0.0.0/8"]
dialect = "skycore"
[carrier.status_map]
"1000" = "Retrieved"
" Third:User Retrieved " = "Retrieved"
UNDELIV = "Rejected"
[carrier.code_map]
4030 = 4006
"4202" = "4006"

[lookup]
provider = "ranges"
url = "http://127.0.0.1:9200/lookup/{msisdn}"
timeout = "400ms"
cache = "1h"
[[range]]
prefix = "1617"
carrier = "31003"

[[blacklist]]
number = "+16175550199"
account = "acme"
[[blacklist]]
number = "16175550199"
"#;

/// One account and one carrier, with nothing but what they must have.
const LEAST: &str = r#"
[[account]]
name = "acme"
vaspid = "acme-api-key"
[[carrier]]
id = "31003"
"#;

fn dialect(name: &str) -> DialectName {
    DialectName::by_name(name).unwrap()
}

fn url(text: &str) -> PeerUrl {
    PeerUrl::parse(text.to_owned()).unwrap()
}

fn lookup_url(text: &str) -> LookupUrl {
    text.to_owned().try_into().unwrap()
}

fn parse(text: &str, current: &Provisioning, prune: bool) -> Result<Declared, ConfigErrors> {
    let document = ConfigFile { file: "acme.toml".to_owned(), text: text.to_owned(), folder: "".into() };
    let environment = |name: &str| (name == "PASSWORD").then(|| "from-outside".to_owned());
    super::declared(&document, &environment, &KEY, Ground { current, prune })
}

fn declared(text: &str) -> Declared {
    parse(text, &Provisioning::default(), false).unwrap()
}

fn mistakes(text: &str) -> Vec<String> {
    let errors = parse(text, &Provisioning::default(), false).unwrap_err();
    errors.mistakes.iter().map(ConfigMistake::to_string).collect()
}

fn stored(text: &str) -> Provisioning {
    let Declared { accounts, carriers, lookup, ranges, blacklist, prune: _ } = declared(text);
    Provisioning { revision: 1, accounts, carriers, lookup, ranges, blacklist }
}

#[test]
fn every_key_means_what_it_says() {
    let declared = declared(WHOLE);
    let [account] = &declared.accounts[..] else { panic!("{declared:?}") };
    let credentials = account.basic_auth.clone().unwrap();
    assert!(verify_password(&credentials.password_hash, "s3cret"));
    assert_eq!(
        *account,
        Account {
            name: AccountName("acme".to_owned()),
            vaspid: VaspKey { hash: vasp_hash(&KEY, "acme-api-key"), prefix: "acme".to_owned() },
            status: AccountStatus::Disabled,
            mm7: false,
            basic_auth: Some(ShownCredentials { username: "acme".to_owned(), ..credentials }),
            further_keys: vec![],
            allowed_ips: vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()],
            client_certs: vec!["cn:Acme Ltd".parse().unwrap(), "dns:mms.acme.example".parse().unwrap()],
            require_tls: true,
            dialect: dialect("skycore"),
            statuses: Some(Statuses::ThreeGpp),
            must_understand: false,
            read_replies: true,
            submit_mode: SubmitMode::Relay,
            relay_timeout: Duration::from_secs(3),
            require_carrier_id: true,
            max_message_bytes: 2000,
            throughput: Some(Throughput { per_second: 100, burst: 200 }),
            callbacks: Callbacks {
                report_url: Some(url("http://127.0.0.1:9001/reports")),
                deliver_url: Some(url("http://127.0.0.1:9001/deliver?key=k3y")),
                basic_auth: Some(OwnCredentials { username: "u".to_owned(), password: "p4ss".to_owned() }),
                tls: None,
                timeout: Duration::from_secs(1),
                retry_after: Duration::from_secs(60),
                max_retries: 0,
                window: 2,
            },
            services: vec![
                Service {
                    vasid: "61295".to_owned(),
                    senders: vec!["111122".to_owned(), "+16175550100".to_owned()],
                    carriers: Some(vec![CarrierId("31003".to_owned())]),
                    default: true,
                },
                Service {
                    vasid: "61296".to_owned(),
                    senders: vec!["111123".to_owned()],
                    carriers: None,
                    default: false,
                },
            ],
        }
    );
}

#[test]
fn every_key_of_a_carrier_and_of_the_rest_means_what_it_says() {
    let declared = declared(WHOLE);
    let [carrier] = &declared.carriers[..] else { panic!("{declared:?}") };
    let credentials = carrier.inbound.basic_auth.clone().unwrap();
    assert!(verify_password(&credentials.password_hash, "c4ll"));
    assert_eq!(
        *carrier,
        Carrier {
            id: CarrierId("31003".to_owned()),
            aliases: vec!["0001890".to_owned()],
            name: "Verizon Wireless US".to_owned(),
            max_message_bytes: 3000,
            content_types: vec!["image/*".to_owned(), "text/plain".to_owned()],
            report_timeout: Duration::from_secs(3600),
            on_unknown: OnUnknown::Resend,
            connections: vec![Connection {
                name: "vzw-1".to_owned(),
                url: url("http://[::1]:9101/mm7"),
                vaspid: Some("posthouse".to_owned()),
                vasid: Some("gw".to_owned()),
                basic_auth: Some(OwnCredentials { username: "u".to_owned(), password: "p4ss".to_owned() }),
                dialect: dialect("posthouse"),
                timeout: Duration::from_secs(2),
                per_second: Some(50),
                window: 8,
                priority: 2,
                weight: 3,
                namespace: Some(Namespace::Rel5(2)),
                version: Some(Version::parse("5.6.0").unwrap()),
                tls: None,
            }],
            inbound: Inbound {
                basic_auth: Some(ShownCredentials { username: "vzw".to_owned(), ..credentials }),
                allowed_ips: vec!["10.0.0.0/8".parse().unwrap()],
                client_certs: vec![],
                dialect: Some(dialect("skycore")),
            },
            vocabulary: Vocabulary {
                statuses: [
                    ("1000".to_owned(), MmStatus::Retrieved),
                    ("Third:User Retrieved".to_owned(), MmStatus::Retrieved),
                    ("UNDELIV".to_owned(), MmStatus::Rejected),
                ]
                .into(),
                codes: [(4030, StatusCode::ServiceUnavailable), (4202, StatusCode::ServiceUnavailable)]
                    .into(),
            },
        }
    );
    assert_eq!(
        declared.lookup,
        Some(Lookup {
            provider: LookupProvider::Ranges,
            url: Some(lookup_url("http://127.0.0.1:9200/lookup/{msisdn}")),
            timeout: Duration::from_millis(400),
            cache: Duration::from_secs(3600),
            ported: None,
            tls: None,
        })
    );
    assert_eq!(
        declared.ranges,
        [Range { prefix: Prefix::parse("1617").unwrap(), carrier: CarrierId("31003".to_owned()) }]
    );
    let number = Msisdn::parse("16175550199", false).unwrap();
    assert_eq!(
        declared.blacklist,
        [
            Blacklisted { number: number.clone(), account: Some(AccountName("acme".to_owned())) },
            Blacklisted { number, account: None },
        ]
    );
}

#[test]
fn what_is_left_out_has_its_default() {
    let declared = declared(
        "[[account]]\nname = \"acme\"\nvaspid = \"k\"\nthroughput = { per_second = 5 }\n\
         [[carrier]]\nid = \"31003\"\n[[carrier.connection]]\nname = \"c\"\nurl = \"http://127.0.0.1:1\"\n[lookup]\n",
    );
    assert_eq!(
        declared.accounts,
        [Account {
            name: AccountName("acme".to_owned()),
            vaspid: VaspKey { hash: vasp_hash(&KEY, "k"), prefix: "k".to_owned() },
            status: AccountStatus::Active,
            mm7: true,
            basic_auth: None,
            further_keys: vec![],
            allowed_ips: vec![],
            client_certs: vec![],
            require_tls: false,
            dialect: dialect("posthouse"),
            statuses: None,
            must_understand: true,
            read_replies: false,
            submit_mode: SubmitMode::Queue,
            relay_timeout: Duration::from_secs(10),
            require_carrier_id: false,
            max_message_bytes: 1_048_576,
            throughput: Some(Throughput { per_second: 5, burst: 5 }),
            callbacks: Callbacks::default(),
            services: vec![],
        }]
    );
    let content_types = [
        "image/*",
        "text/plain",
        "application/smil",
        "audio/*",
        "video/*",
        "text/x-vcard",
        "text/vcard",
        "text/x-vcalendar",
    ];
    assert_eq!(
        declared.carriers,
        [Carrier {
            id: CarrierId("31003".to_owned()),
            aliases: vec![],
            name: "31003".to_owned(),
            max_message_bytes: 1_048_576,
            content_types: content_types.map(str::to_owned).to_vec(),
            report_timeout: Duration::from_secs(72 * 3600),
            on_unknown: OnUnknown::Park,
            connections: vec![Connection {
                name: "c".to_owned(),
                url: url("http://127.0.0.1:1"),
                vaspid: None,
                vasid: None,
                basic_auth: None,
                dialect: dialect("3gpp"),
                timeout: Duration::from_secs(10),
                per_second: None,
                window: 16,
                priority: 1,
                weight: 1,
                namespace: None,
                version: None,
                tls: None,
            }],
            inbound: Inbound::default(),
            vocabulary: Vocabulary::default(),
        }]
    );
    assert_eq!(declared.lookup, Some(Lookup::default()));
}

#[test]
fn a_lookup_may_ask_an_http_service() {
    let text = "[lookup]\nprovider = \"http\"\nurl = \"http://h:9200/{msisdn}?key=k\"";
    let url = Some(lookup_url("http://h:9200/{msisdn}?key=k"));
    assert_eq!(
        declared(text).lookup,
        Some(Lookup { provider: LookupProvider::Http, url, ..Lookup::default() })
    );
}

#[test]
fn a_lookup_may_ask_the_dns() {
    let text = "[lookup]\nprovider = \"enum\"\nurl = \"dns://[::1]:5353/e164.arpa\"";
    let url = Some(lookup_url("dns://[::1]:5353/e164.arpa"));
    assert_eq!(
        declared(text).lookup,
        Some(Lookup { provider: LookupProvider::Enum, url, ..Lookup::default() })
    );
}

#[test]
fn the_file_of_ported_numbers_is_found_from_the_files_folder() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ported.csv"), "").unwrap();
    let load = |ported: &str| {
        let text = format!("[lookup]\nported = {ported:?}\n");
        let document = ConfigFile { file: "acme.toml".to_owned(), text, folder: folder.path().to_owned() };
        let current = Provisioning::default();
        super::declared(&document, &|_: &str| None, &KEY, Ground { current: &current, prune: false })
    };
    let lookup = load("ported.csv").unwrap().lookup.unwrap();
    assert_eq!(lookup.ported, Some(folder.path().join("ported.csv")));
    for (ported, why) in [("other.csv", "no such file or directory (os error 2)"), (".", "it is no file")] {
        assert_eq!(
            load(ported).unwrap_err().to_string(),
            format!(
                "acme.toml:2: lookup.ported: {ported:?} cannot be read: {why}; check the path, which starts at this file's folder"
            )
        );
    }
}

#[test]
fn a_password_may_come_from_outside() {
    let text = "[[account]]\nname = \"a\"\nvaspid = \"k\"\nbasic_auth = { username = \"u\", password = { env = \"PASSWORD\" } }";
    let declared = declared(text);
    let credentials = declared.accounts[0].basic_auth.as_ref().unwrap();
    assert!(verify_password(&credentials.password_hash, "from-outside"));
}

#[test]
fn an_unchanged_password_keeps_its_hash() {
    let stored = stored(WHOLE);
    assert_eq!(parse(WHOLE, &stored, false).unwrap().accounts, stored.accounts);
    assert_eq!(parse(WHOLE, &stored, false).unwrap().carriers, stored.carriers);
    let changed = parse(&WHOLE.replace("s3cret", "n3w"), &stored, false).unwrap();
    let credentials = changed.accounts[0].basic_auth.as_ref().unwrap();
    assert!(verify_password(&credentials.password_hash, "n3w"));
}

#[test]
fn no_secret_is_shown() {
    let shown = format!("{:?}", declared(WHOLE));
    for secret in ["acme-api-key", "s3cret", "p4ss", "c4ll"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

const ACCOUNT: &str = "[[account]]\nname = \"b\"\nvaspid = \"k\"\n";
const SERVICE: &str = "[[account]]\nname = \"b\"\nvaspid = \"k\"\n[[account.service]]\nvasid = \"1\"\n";
const CARRIER: &str = "[[carrier]]\nid = \"2\"\n";
const CONNECTION: &str = "[[carrier]]\nid = \"2\"\n[[carrier.connection]]\nname = \"c\"\n";

/// What is appended to the five lines of [`LEAST`], in two pieces, and what is told of it. It begins in line 6.
const MISTAKES: &[(&str, &str, &str)] = &[
    ("", "[[acount]]", "6: unknown key acount; did you mean account?"),
    ("", "[mm7]", "6: unknown key mm7; it belongs in posthouse.toml, see `posthouse serve --help`"),
    ("", "[account2]", "6: unknown key account2; did you mean account?"),
    ("", "[range]", "6: range may be there more than once; write [[range]]"),
    (CARRIER, "connection = [3]", "8: carrier.connection takes tables, not a number"),
    ("", "[[account]]\nvaspid = \"k\"", "6: account.name is missing; add name = \"acme\""),
    (
        "",
        "[[account]]\nname = \"b\"",
        "6: account.vaspid is missing; add vaspid = \"…\", the key that the VASP sends",
    ),
    (
        "",
        "[[account]]\nname = \"acme\"\nvaspid = \"k\"",
        "7: account.name: \"acme\" is there twice, first in line 2; keep one",
    ),
    (
        "",
        "[[account]]\nname = \"b\"\nvaspid = \"acme-api-key\"",
        "8: account.vaspid: this VASPID is there twice, first in line 3; keep one",
    ),
    (
        "",
        "[[account]]\nname = \"b\"\nvaspid = \" \"",
        "8: account.vaspid: this is only white space, or longer than 512 bytes; write the key itself",
    ),
    ("", "[[account]]\nname = \"b\"\nvaspid = 17", "8: account.vaspid takes a text in quotes, not a number"),
    ("", "[[account]]\nname = \"\"\nvaspid = \"k\"", "7: account.name: \"\" is empty; write a name"),
    (
        "",
        "[[account]]\nname = \" b\"\nvaspid = \"k\"",
        "7: account.name: \" b\" is no name; write at most 128 bytes, without spaces around them or control characters",
    ),
    (ACCOUNT, "status = \"activ\"", "9: account.status: \"activ\" is not known; did you mean \"active\"?"),
    (
        ACCOUNT,
        "submit_mode = \"store\"",
        "9: account.submit_mode: \"store\" is not known; write one of \"queue\", \"relay\"",
    ),
    (
        ACCOUNT,
        "dialect = \"mblox\"",
        "9: account.dialect: \"mblox\" is not known; write one of \"posthouse\", \"skycore\", \"sinch\", \"3gpp\", \"cmcc\"",
    ),
    (ACCOUNT, "mm7 = \"yes\"", "9: account.mm7 takes true or false, not a text"),
    (
        ACCOUNT,
        "allowed_ips = [\"10.0.0.0/8\", \"10.0.0.0/8\"]",
        "9: account.allowed_ips: \"10.0.0.0/8\" is there twice; keep one",
    ),
    (
        ACCOUNT,
        "allowed_ips = [\"10.0.0.256\"]",
        "9: account.allowed_ips: \"10.0.0.256\" is no network; write one such as \"10.0.0.0/8\" or \"192.0.2.7\"",
    ),
    (
        ACCOUNT,
        "max_message_bytes = 0",
        "9: account.max_message_bytes: 0 is out of range; write a number from 1 to 268435456",
    ),
    (
        ACCOUNT,
        "throughput = { per_second = 0 }",
        "9: account.throughput.per_second: 0 is out of range; write a number from 1 to 1000000",
    ),
    (
        ACCOUNT,
        "throughput = { burst = 1 }",
        "9: account.throughput.per_second is missing; add per_second = 100",
    ),
    (
        ACCOUNT,
        "basic_auth = { username = \"u\" }",
        "9: account.basic_auth.password is missing; add password = \"…\"",
    ),
    (
        ACCOUNT,
        "basic_auth = { username = \"u:v\", password = \"p\" }",
        "9: account.basic_auth.username: \"u:v\" is no user name; write one without colons and control characters",
    ),
    (
        ACCOUNT,
        "basic_auth = { username = \"u\", password = \"\" }",
        "9: account.basic_auth.password is empty; write a value, or leave the key out",
    ),
    (
        ACCOUNT,
        "basic_auth = { username = \"u\", password = { env = \"NONE\" } }",
        "9: account.basic_auth.password: the environment variable NONE is not set; set it, or write the value here",
    ),
    (
        ACCOUNT,
        "[account.callbacks]\nreport_url = \"ftp://h/\"",
        "10: account.callbacks.report_url is no http:// or https:// URL; write one such as \"http://127.0.0.1:9001/reports\"",
    ),
    (
        ACCOUNT,
        "[account.callbacks]\nreport_url = \"127.0.0.1:9001\"",
        "10: account.callbacks.report_url is no http:// or https:// URL; write one such as \"http://127.0.0.1:9001/reports\"",
    ),
    (
        ACCOUNT,
        "[account.callbacks]\nreport_url = \"http://u:p@h/\"",
        "10: account.callbacks.report_url has a user name in it; write user name and password as basic_auth",
    ),
    (
        ACCOUNT,
        "[account.callbacks]\ndeliver_url = \"http://h:0/\"",
        "10: account.callbacks.deliver_url names no host and port that can be asked; write one such as \"http://127.0.0.1:9001/reports\"",
    ),
    (
        ACCOUNT,
        "[account.callbacks]\nwindow = 0",
        "10: account.callbacks.window: 0 is out of range; write a number from 1 to 1000",
    ),
    (
        ACCOUNT,
        "[account.callbacks]\nmax_retries = 1001",
        "10: account.callbacks.max_retries: 1001 is out of range; write a number from 0 to 1000",
    ),
    (
        ACCOUNT,
        "[[account.service]]\nsenders = [\"1\"]",
        "9: account.service.vasid is missing; add vasid = \"61295\"",
    ),
    (SERVICE, "", "9: account.service.senders is missing; add senders = [\"111122\"]"),
    (SERVICE, "senders = []", "11: account.service.senders: the list is empty; write at least one value"),
    (
        SERVICE,
        "senders = [\"1 2\"]",
        "11: account.service.senders: \"1 2\" is no sender address; write a short code or a number, such as \"111122\"",
    ),
    (SERVICE, "senders = [\"1\",\n\"1\"]", "12: account.service.senders: \"1\" is there twice; keep one"),
    (
        SERVICE,
        "senders = [\"1\"]\ncarriers = [\"0001890\"]\n[[carrier]]\nid = \"2\"\naliases = [\"0001890\"]",
        "12: account.service.carriers: \"0001890\" is an alias; write the carrier's id, \"2\"",
    ),
    (
        SERVICE,
        "senders = [\"1\"]\n[[account.service]]\nvasid = \"1\"\nsenders = [\"2\"]",
        "13: account.service.vasid: \"1\" is there twice, first in line 10; keep one",
    ),
    (
        SERVICE,
        "senders = [\"1\"]\ndefault = true\n[[account.service]]\nvasid = \"2\"\nsenders = [\"2\"]\ndefault = true",
        "16: account.service.default: a default service is there twice, first in line 12; keep one",
    ),
    ("", "[[carrier]]", "6: carrier.id is missing; add id = \"31003\""),
    ("", "[[carrier]]\nid = 31003", "7: carrier.id takes a text in quotes, not a number"),
    (
        "",
        "[[carrier]]\nid = \"3/4\"",
        "7: carrier.id: \"3/4\" is no carrier id; write visible ASCII characters without / ? # % { }, such as \"31003\"",
    ),
    ("", "[[carrier]]\nid = \"31003\"", "7: carrier.id: \"31003\" is there twice, first in line 5; keep one"),
    (
        CARRIER,
        "aliases = [\"31003\"]",
        "8: carrier.aliases: \"31003\" is there twice, first in line 5; keep one",
    ),
    (
        CARRIER,
        "aliases = [\"a\", \"a\"]",
        "8: carrier.aliases: \"a\" is there twice, first in line 8; keep one",
    ),
    (
        CARRIER,
        "content_types = [\"jpeg\"]",
        "8: carrier.content_types: \"jpeg\" is no media type; write one such as \"image/jpeg\" or \"image/*\"",
    ),
    (CARRIER, "content_types = []", "8: carrier.content_types: the list is empty; write at least one value"),
    (
        CARRIER,
        "on_unknown = \"Park\"",
        "8: carrier.on_unknown: \"Park\" is not known; did you mean \"park\"?",
    ),
    (
        CARRIER,
        "[carrier.status_map]\nDELIVRD = \"retrieved\"",
        "9: carrier.status_map.\"DELIVRD\": \"retrieved\" is not known; did you mean \"Retrieved\"?",
    ),
    (
        CARRIER,
        "[carrier.status_map]\nDELIVRD = 1000",
        "9: carrier.status_map.\"DELIVRD\" takes a text in quotes, not a number",
    ),
    (
        CARRIER,
        "[carrier.status_map]\n\" \" = \"Retrieved\"",
        "9: carrier.status_map: the key \" \" is no MMStatus; write the carrier's word, at most 128 bytes, such as \"DELIVRD\"",
    ),
    (
        CARRIER,
        "[carrier.status_map]\nDelivrd = \"Retrieved\"\n\"DELIVRD \" = \"Expired\"",
        "10: carrier.status_map: the key \"DELIVRD \" is there twice, but for upper and lower case or spaces; keep one",
    ),
    (CARRIER, "status_map = \"x\"", "8: carrier.status_map takes a table, not a text"),
    (
        CARRIER,
        "[carrier.code_map]\n4030 = 2001",
        "9: carrier.code_map.\"4030\": 2001 is nothing that a carrier's answer can count as; \
         write one of 1000, 2002, 2004, 3500, 3520, 4000, 4002, 4003, 4004, 4006, 4007",
    ),
    (
        CARRIER,
        "[carrier.code_map]\n4030 = \"busy\"",
        "9: carrier.code_map.\"4030\": busy is nothing that a carrier's answer can count as; \
         write one of 1000, 2002, 2004, 3500, 3520, 4000, 4002, 4003, 4004, 4006, 4007",
    ),
    (
        CARRIER,
        "[carrier.code_map]\n\"40x0\" = 4006",
        "9: carrier.code_map: the key \"40x0\" is no StatusCode; write the carrier's number, at most 9 digits, such as \"4030\"",
    ),
    (
        CARRIER,
        "[carrier.code_map]\n4030 = 4006\n04030 = 4006",
        "10: carrier.code_map: the key \"04030\" is there twice; keep one",
    ),
    (
        CARRIER,
        "report_timeout = 72",
        "8: carrier.report_timeout takes a time in quotes, such as \"10s\" or \"5m\", not a number",
    ),
    (CONNECTION, "", "8: carrier.connection.url is missing; add url = \"http://127.0.0.1:9101/mm7\""),
    (
        CONNECTION,
        "url = \"https://h/\"\ntls = { cert = \"-----BEGIN X\" }",
        "11: carrier.connection.tls.key is missing; add key = \"key.pem\"",
    ),
    (
        CONNECTION,
        "url = \"https://h/\"\ntls = { ca = \"/no/such.pem\" }",
        "11: carrier.connection.tls.ca is no PEM text, and no file: /no/such.pem cannot be read: no such file or directory (os error 2); check the path and who may read it",
    ),
    (
        CONNECTION,
        "url = \"https://h/\"\ntls = { ca = \"-----BEGIN nothing\" }",
        "11: carrier.connection.tls.ca: it is no PEM file: a line begins with -----BEGIN and does not end with -----; write it in PEM form (-----BEGIN …)",
    ),
    (
        ACCOUNT,
        "client_certs = [\"cn:a\", \"acme\"]",
        "9: account.client_certs: \"acme\" means no certificate; write \"sha256:…\" with its fingerprint, \"dns:mms.acme.example\" or \"cn:Acme Ltd\"",
    ),
    (
        CONNECTION,
        "url = \"http://h\"\nwindow = 0",
        "11: carrier.connection.window: 0 is out of range; write a number from 1 to 10000",
    ),
    (
        CONNECTION,
        "url = \"http://h\"\npriority = 0",
        "11: carrier.connection.priority: 0 is out of range; write a number from 1 to 100",
    ),
    (
        CONNECTION,
        "url = \"http://h\"\nweight = 1001",
        "11: carrier.connection.weight: 1001 is out of range; write a number from 1 to 1000",
    ),
    (
        CONNECTION,
        "url = \"http://h\"\nnamespace = \"REL-6-MM7-1-5\"",
        "11: carrier.connection.namespace: \"REL-6-MM7-1-5\" is no namespace; write REL-5-MM7-1-0 to REL-5-MM7-1-5 or REL-6-MM7-1-0 to REL-6-MM7-1-4",
    ),
    (
        CONNECTION,
        "url = \"http://h\"\nnamespace = \"REL-5-MM7-1-0\"\nversion = \"6.8.0\"",
        "12: carrier.connection.version: \"6.8.0\" is not listed by the schema of REL-5-MM7-1-0; write \"5.3.0\", or leave it out",
    ),
    (
        CONNECTION,
        "url = \"http://h\"\nversion = \"6.8\"",
        "11: carrier.connection.version: \"6.8\" is no version; write one such as \"6.8.0\"",
    ),
    (
        CONNECTION,
        "url = \"http://h\"\nper_second = 0",
        "11: carrier.connection.per_second: 0 is out of range; write a number from 1 to 1000000",
    ),
    (
        CONNECTION,
        "url = \"http://h\"\n[[carrier.connection]]\nname = \"c\"\nurl = \"http://h\"",
        "12: carrier.connection.name: \"c\" is there twice, first in line 9; keep one",
    ),
    (
        CARRIER,
        "[carrier.callbacks]\nallowed_ip = []",
        "9: unknown key carrier.callbacks.allowed_ip; did you mean allowed_ips?",
    ),
    (
        "",
        "[lookup]\nprovider = \"enum\"",
        "6: lookup.url is missing; add url = \"dns://127.0.0.1:53/e164.arpa\"",
    ),
    (
        "",
        "[lookup]\nprovider = \"enum\"\nurl = \"http://h/{msisdn}\"",
        "8: lookup.url: \"http://h/{msisdn}\" names no server and zone; write dns://server/zone, such as \"dns://127.0.0.1:53/e164.arpa\"",
    ),
    (
        "",
        "[lookup]\nprovider = \"http\"",
        "6: lookup.url is missing; add url = \"http://127.0.0.1:9200/lookup/{msisdn}\"",
    ),
    (
        "",
        "[lookup]\nprovider = \"range\"",
        "7: lookup.provider: \"range\" is not known; did you mean \"ranges\"?",
    ),
    (
        "",
        "[lookup]\nurl = \"http://h/\"",
        "7: lookup.url does not say where the number goes; write {msisdn} in it once, such as \"http://127.0.0.1:9200/lookup/{msisdn}\"",
    ),
    (
        "",
        "[[range]]\nprefix = \"+1\"\ncarrier = \"31003\"",
        "7: range.prefix: \"+1\" is no prefix; write 1 to 15 digits that do not begin with 0, such as \"1617\"",
    ),
    (
        "",
        "[[range]]\nprefix = \"1\"\ncarrier = \"99\"",
        "8: range.carrier: \"99\" is no carrier of this file or the store; declare it, or mend the name",
    ),
    (
        "",
        "[[range]]\nprefix = \"1\"\ncarrier = \"31003\"\n[[range]]\nprefix = \"1\"\ncarrier = \"31003\"",
        "10: range.prefix: \"1\" is there twice, first in line 7; keep one",
    ),
    (
        "",
        "[[blacklist]]\nnumber = \"0123456\"",
        "7: blacklist.number: \"0123456\" is no international number; write 7 to 15 digits that do not begin with 0",
    ),
    (
        "",
        "[[blacklist]]\nnumber = \"1234567\"\naccount = \"acm\"",
        "8: blacklist.account: \"acm\" is no account of this file or the store; did you mean \"acme\"?",
    ),
    (
        "",
        "[[blacklist]]\nnumber = \"1234567\"\n[[blacklist]]\nnumber = \"+1234567\"",
        "9: blacklist.number: this number is there twice, first in line 7; keep one",
    ),
];

#[test]
fn each_mistake_has_its_line_and_remedy() {
    for (start, more, expected) in MISTAKES {
        let text = format!("{}\n{start}{more}", LEAST.trim());
        assert_eq!(mistakes(&text), [format!("acme.toml:{expected}")], "{text}");
    }
}

#[test]
fn all_mistakes_are_told_at_once_by_line() {
    let told = mistakes(
        "[[account]]\nvaspid = \"k\"\nstatus = \"off\"\n[[account.service]]\nvasid = \"1\"\nsenders = []\n\
         [[range]]\nprefix = \"x\"\ncarrier = \"9\"\n[colour]\n",
    );
    let lines: Vec<_> = told.iter().map(|told| told.split(": ").next().unwrap()).collect();
    assert_eq!(lines, [1, 3, 6, 8, 9, 10].map(|line| format!("acme.toml:{line}")));
}

#[test]
fn no_mistake_shows_a_secret() {
    let text = "[[account]]\nname = \"a\"\nvaspid = \"s3cret\"\n[[account]]\nname = \"b\"\nvaspid = \"s3cret\"\n\
                basic_auth = { username = \"u:\", password = \"s3cret\" }\n[account.callbacks]\n\
                report_url = \"ftp://h/?key=s3cret\"\nbasic_auth = { password = \"s3cret\" }\n";
    let told = mistakes(text);
    assert_eq!(told.len(), 4, "{told:#?}");
    assert!(told.iter().all(|told| !told.contains("s3cret")), "{told:#?}");
}

#[test]
fn a_file_may_name_what_the_store_has() {
    let stored = stored(LEAST);
    let text = "[[account]]\nname = \"b\"\nvaspid = \"k\"\n[[account.service]]\nvasid = \"1\"\nsenders = [\"2\"]\n\
                carriers = [\"31003\"]\n[[range]]\nprefix = \"1\"\ncarrier = \"31003\"\n\
                [[blacklist]]\nnumber = \"1234567\"\naccount = \"acme\"\n";
    assert!(parse(text, &stored, false).is_ok());
    let told: Vec<_> =
        parse(text, &stored, true).unwrap_err().mistakes.iter().map(ConfigMistake::to_string).collect();
    assert_eq!(
        told,
        [
            "acme.toml:10: range.carrier: carrier \"31003\" is not in this file and would be removed from the store; declare it here, or leave out --prune",
            "acme.toml:13: blacklist.account: account \"acme\" is not in this file and would be removed from the store; declare it here, or leave out --prune",
        ]
    );
}

#[test]
fn a_service_may_reach_carriers_that_come_later_or_none() {
    let text = "[[account]]\nname = \"b\"\nvaspid = \"k\"\n\
                [[account.service]]\nvasid = \"1\"\nsenders = [\"2\"]\ncarriers = [\"31002\"]\n\
                [[account.service]]\nvasid = \"2\"\nsenders = [\"2\"]\ncarriers = []\n";
    let declared = parse(text, &Provisioning::default(), true).unwrap();
    let reach: Vec<_> =
        declared.accounts[0].services.iter().map(|service| service.carriers.clone()).collect();
    assert_eq!(reach, [Some(vec![CarrierId("31002".to_owned())]), Some(vec![])]);
}

#[test]
fn a_file_must_not_clash_with_what_stays_in_the_store() {
    let stored = stored(WHOLE);
    let text = "[[account]]\nname = \"b\"\nvaspid = \"acme-api-key\"\n\
                [[carrier]]\nid = \"0001890\"\n[[carrier]]\nid = \"2\"\naliases = [\"31003\"]\n";
    let told: Vec<_> =
        parse(text, &stored, false).unwrap_err().mistakes.iter().map(ConfigMistake::to_string).collect();
    assert_eq!(
        told,
        [
            "acme.toml:3: account.vaspid: this VASPID is that of account \"acme\" in the store; give each its own",
            "acme.toml:5: carrier: \"0001890\" means carrier \"31003\" in the store; give each its own",
            "acme.toml:8: carrier: \"31003\" means carrier \"31003\" in the store; give each its own",
        ]
    );
    assert!(parse(text, &stored, true).is_ok());
}

/// How long anything of ten thousand may take in a build that is not optimised, on a busy machine. What compares each with all
/// before it takes many minutes there.
const LINEAR: Duration = Duration::from_secs(60);
const MANY: usize = 10_000;

fn times(of: impl Fn(usize) -> String) -> String {
    (0..MANY).map(of).collect()
}

#[test]
fn a_long_file_is_understood_and_compared_in_time_by_its_length() {
    let senders: Vec<_> = (0..MANY).map(|n| format!("\"{}\"", 100_000 + n)).collect();
    let aliases: Vec<_> = (0..MANY).map(|n| format!("\"alias-{n}\"")).collect();
    let text = [
        format!("[[carrier]]\nid = \"1\"\naliases = [{}]\n", aliases.join(",\n")),
        times(|n| format!("[[carrier]]\nid = \"c{n}\"\n")),
        "[[account]]\nname = \"acme\"\nvaspid = \"acme-key\"\n".to_owned(),
        times(|n| format!("[[account.service]]\nvasid = \"{n}\"\nsenders = [\"{n}\"]\n")),
        format!("[[account.service]]\nvasid = \"all\"\nsenders = [{}]\n", senders.join(",\n")),
        times(|n| format!("[[account]]\nname = \"a{n}\"\nvaspid = \"key-{n}\"\n")),
        times(|n| format!("[[range]]\nprefix = \"1{n:06}\"\ncarrier = \"c{n}\"\n")),
        times(|n| format!("[[blacklist]]\nnumber = \"1617{n:07}\"\naccount = \"a{n}\"\n")),
    ]
    .concat();
    let began = std::time::Instant::now();
    let first = parse(&text, &Provisioning::default(), false).unwrap();
    let Declared { accounts, carriers, lookup, ranges, blacklist, .. } = first;
    assert_eq!((accounts.len(), carriers.len()), (MANY + 1, MANY + 1));
    assert_eq!((ranges.len(), blacklist.len()), (MANY, MANY));
    let current = Provisioning { revision: 1, accounts, carriers, lookup, ranges, blacklist };
    // Each service of the account changes a field, and each account and carrier is looked for in the store.
    let changed = text.replace("senders = [\"", "carriers = [\"1\"]\nsenders = [\"9");
    let second = parse(&changed, &current, false).unwrap();
    let plan = crate::config::plan(&second, &current);
    assert_eq!((plan.changes.len(), plan.steps.len()), (1, 4 * MANY + 2));
    let acme = plan.steps.iter().find(|step| step.name == "acme").map(|step| step.fields.len());
    assert_eq!(acme, Some(2 * MANY + 2));
    assert!(began.elapsed() < LINEAR, "{:?}", began.elapsed());
}

#[test]
fn many_mistakes_are_told_in_time_by_their_number() {
    let text = [
        "[[carrier]]\nid = \"1\"\n".to_owned(),
        times(|n| format!("[[account]]\nname = \"account-{n}\"\nvaspid = \"key-{n}\"\n")),
        times(|n| format!("[[range]]\nprefix = \"1{n:06}\"\ncarrier = \"1{n}\"\n")),
        times(|n| format!("[[blacklist]]\nnumber = \"1617{n:07}\"\naccount = \"acc0unt-{n}\"\n")),
    ]
    .concat();
    let began = std::time::Instant::now();
    let mistakes = parse(&text, &Provisioning::default(), false).unwrap_err().mistakes;
    assert_eq!(mistakes.len(), 2 * MANY);
    let near = "blacklist.account: \"acc0unt-0\" is no account of this file or the store; did you mean \"account-0\"?";
    assert!(mistakes.iter().any(|mistake| mistake.what.to_string() == near));
    let said = &mistakes.last().unwrap().what.to_string();
    let nobody = "blacklist.account: \"acc0unt-9999\" is no account of this file or the store; declare it, or mend the name";
    assert_eq!(said, nobody);
    assert!(began.elapsed() < LINEAR, "{:?}", began.elapsed());
}
