//! What people get wrong: each mistake ends with an exit code that is not 0 and a sentence that names the thing and the remedy, and
//! leaves nothing behind.

use std::{collections::BTreeSet, fs, net::TcpListener, path::Path, time::Instant};

use crate::process::{DEADLINE, Gateway, folder, posthouse, provision};
use posthouse_testing::settings;

const PROVISIONED: &str = "\
[[account]]
name = \"acme\"
vaspid = \"acme-api-key\"
[account.callbacks]
report_url = \"http://127.0.0.1:9/reports\"
[[account.service]]
vasid = \"61295\"
senders = [\"111122\"]
default = true
[[carrier]]
id = \"31003\"
name = \"A carrier\"
[[carrier.connection]]
name = \"a-1\"
url = \"http://127.0.0.1:9/mm7\"
vaspid = \"posthouse\"
vasid = \"gw\"
[[range]]
prefix = \"1617\"
carrier = \"31003\"
";

/// Doors for a gateway that is expected to find another fault than that somebody listens where it would.
const FREE_PORTS: &str = "[mm7]\nlisten = \"127.0.0.1:0\"\n[carriers]\nlisten = \"127.0.0.1:0\"\n[admin]\nlisten = \"127.0.0.1:0\"\n";

/// A folder in which somebody makes mistakes.
struct Desk<'a>(&'a Path);

/// Everything below a folder, but for what a gateway that runs there makes when it likes, and for locks: to remove one is a race.
fn files(folder: &Path) -> BTreeSet<std::path::PathBuf> {
    let mut all = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("data") {
                folders.push(path.clone());
            }
            if path.extension().is_none_or(|extension| extension != "lock") {
                all.insert(path);
            }
        }
    }
    all
}

impl Desk<'_> {
    fn write(&self, file: &str, text: &str) -> &Self {
        fs::write(self.0.join(file), text).unwrap();
        self
    }

    /// Runs it: it fails, says each of these, and makes no file.
    #[track_caller]
    fn gets_wrong(&self, command: &str, says: &[&str]) -> &Self {
        self.gets_wrong_with(command, &[], says)
    }

    #[track_caller]
    fn gets_wrong_with(&self, command: &str, environment: &[(&str, &str)], says: &[&str]) -> &Self {
        let before = files(self.0);
        let arguments: Vec<&str> = command.split(' ').collect();
        let done = posthouse(self.0, &arguments)
            .envs(environment.iter().copied())
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap();
        let said =
            [done.stdout, done.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        assert!(!done.status.success(), "{command} ended with 0 and said {said}");
        for say in says {
            assert!(said.contains(say), "{command} does not say {say:?} but {said}");
        }
        assert_eq!(files(self.0), before, "{command} left something behind; it said {said}");
        self
    }
}

#[test]
fn configurations_that_are_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let desk = Desk(folder.path());
    desk.gets_wrong(
        "serve -c nosuch.toml",
        &["nosuch.toml: cannot be read", "check the path and who may read it"],
    );
    desk.write("bad.toml", "x = [")
        .gets_wrong("serve -c bad.toml", &["bad.toml:1: this is not TOML", "mend this line"]);
    desk.write("types.toml", "[mm7]\nlisten = 5\nlisen = \"x\"\n[stor]\n").gets_wrong(
        "serve -c types.toml",
        &[
            "types.toml:2: mm7.listen takes a text in quotes, not a number",
            "types.toml:3: unknown key mm7.lisen; did you mean listen?",
            "types.toml:4: unknown key stor; did you mean store?",
        ],
    );
    desk.write("open.toml", "[admin]\nlisten = \"0.0.0.0:0\"\n").gets_wrong(
        "serve -c open.toml",
        &["open.toml:2: admin.listen", "is beyond loopback and there is no token", "or listen on 127.0.0.1"],
    );
    desk.write("env.toml", "[admin]\ntoken = { env = \"POSTHOUSE_TEST_NOT_SET\" }\n").gets_wrong(
        "serve -c env.toml",
        &[
            "env.toml:2: admin.token: the environment variable POSTHOUSE_TEST_NOT_SET is not set",
            "or write the value here",
        ],
    );
    desk.write("store.toml", "[store]\nurl = \"mysql://x\"\n").gets_wrong(
        "serve -c store.toml",
        &[
            "store.toml:2: store.url takes an address that begins with ",
            "sqlite://posthouse-data/posthouse.db",
        ],
    );
    desk.write("s3.toml", "[media]\nurl = \"s3://\"\n").gets_wrong(
        "serve -c s3.toml",
        &["s3.toml:2: media.url names no bucket", "write s3://bucket or s3://bucket/prefix"],
    );
    desk.write("tls.toml", "[mm7.tls]\ncert = \"no.pem\"\nkey = \"no.key\"\n")
        .gets_wrong("serve -c tls.toml", &["no.pem"]);
    desk.write("seconds.toml", "[shutdown]\ngrace = 5\n").gets_wrong(
        "serve -c seconds.toml",
        &["shutdown.grace takes a time in quotes, such as \"10s\" or \"5m\", not a number"],
    );
    desk.write("provisioning.toml", PROVISIONED).gets_wrong(
        "serve -c provisioning.toml",
        &["provisioning.toml:1: unknown key account; it belongs in a provisioning file, see `posthouse apply --help`"],
    );
    desk.gets_wrong_with(
        "serve",
        &[("POSTHOUSE_LOG", "verbose")],
        &["POSTHOUSE_LOG", "\"verbose\" is no level", "write one of off, error, warn, info, debug, trace"],
    );
}

#[test]
fn a_port_that_is_taken_makes_no_store() {
    let folder = tempfile::tempdir().unwrap();
    let desk = Desk(folder.path());
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for door in ["mm7", "carriers", "admin"] {
        let section = format!("[{door}]\nlisten = \"127.0.0.1:0\"");
        let taken = settings::TOML.replace(&section, &format!("[{door}]\nlisten = {address:?}"));
        assert_ne!(taken, settings::TOML, "the settings of tests have another form now");
        let remedy = format!("put another address into [{door}] listen");
        desk.write("taken.toml", &taken)
            .gets_wrong("serve -c taken.toml", &[&format!("cannot listen at {address}"), &remedy]);
    }
    desk.gets_wrong(
        &format!("listen --listen {address}"),
        &["cannot be listened on", "choose another with --listen"],
    );
}

#[test]
fn places_that_are_no_store() {
    let folder = tempfile::tempdir().unwrap();
    let desk = Desk(folder.path());
    desk.write("provisioning.toml", PROVISIONED);
    for look in [
        "messages list",
        "provisioning export",
        "accounts list",
        "queues",
        "store status",
        "store migrate",
        "backup copy",
    ] {
        desk.gets_wrong(
            look,
            &[
                "there is no store at posthouse-data/posthouse.db; -c says which configuration names it",
                "`posthouse serve` makes it",
            ],
        );
    }
    // A plan may come before the store: it tells that there is none, and makes none.
    let planned = posthouse(folder.path(), &["plan", "provisioning.toml"]).output().unwrap();
    let said = String::from_utf8_lossy(&planned.stdout).into_owned();
    assert!(said.starts_with("store posthouse-data/posthouse.db\nthere is no such store: "), "{said}");
    assert!(!folder.path().join("posthouse-data").exists());
    desk.gets_wrong(
        "apply provisioning.toml",
        &["there is no store at posthouse-data/posthouse.db", "--create"],
    );
    desk.gets_wrong("apply -", &["there is no store at posthouse-data/posthouse.db"]);
    desk.write(
        "not-a-database",
        "only a text, and one that is longer than the head of a database is: a hundred bytes",
    );
    fs::write(folder.path().join("bytes"), [0xff; 200]).unwrap();
    desk.gets_wrong("messages list -c bytes", &["bytes: is no text in UTF-8; give a TOML file"]);
    desk.write("text.toml", &format!("[store]\nurl = \"sqlite://not-a-database\"\n{FREE_PORTS}"));
    for command in ["messages list -c text.toml", "serve -c text.toml"] {
        desk.gets_wrong(command, &["not-a-database is no database", "give another path in [store] url"]);
    }
    // What cannot be looked into is not said to be empty.
    desk.write("below.toml", "[store]\nurl = \"sqlite://not-a-database/p.db\"\n");
    for command in ["messages list", "store status", "backup copy"] {
        desk.gets_wrong(
            &format!("{command} -c below.toml"),
            &[
                "not-a-database/p.db cannot be opened",
                "let the user that runs Posthouse read and write there",
            ],
        );
    }
    fs::create_dir(folder.path().join("place")).unwrap();
    desk.write("place/media", "a file");
    desk.write(
        "media.toml",
        &format!(
            "[store]\nurl = \"sqlite://place/p.db\"\n[media]\nurl = \"file://place/media\"\n{FREE_PORTS}"
        ),
    )
    .gets_wrong(
        "serve -c media.toml",
        &["place/media", "or name another place in [store] url or [media] url"],
    );
}

#[test]
fn what_a_gateway_is_asked_wrongly() {
    let folder = folder();
    let desk = Desk(folder.path());
    provision(folder.path(), PROVISIONED);
    let gateway = Gateway::start(folder.path());
    desk.gets_wrong(
        "serve -c posthouse.toml",
        &["posthouse.db.lock is held by another gateway", "a store of its own"],
    );
    let send = |url: &str, more: &str| format!("send --url {url} --from 111122 --to 16175550100 {more}");
    for (url, more, says) in [
        (
            &gateway.mm7,
            "--vaspid nobody --vasid 61295",
            [
                "2564 Invalid VASPID",
                "`posthouse codes 2564` explains it; where the gateway runs, `posthouse find ",
            ],
        ),
        (&gateway.mm7, "--vaspid acme-api-key --vasid 99", ["2562 ", "`posthouse codes 2562` explains it"]),
        (
            &format!("{}x", gateway.mm7),
            "--vaspid acme-api-key",
            ["HTTP 404 without an MM7 answer", "[mm7] section"],
        ),
        (&gateway.admin, "--vaspid acme-api-key", ["HTTP 405 without an MM7 answer", "[mm7] section"]),
        (
            &gateway.mm7.replace("http:", "https:"),
            "--vaspid acme-api-key",
            ["it does not speak TLS there", "its URL may be http://"],
        ),
    ] {
        desk.gets_wrong(&send(url, more), &says);
    }
    let list = |more: &str| format!("messages list -c posthouse.toml {more}");
    for (more, says) in [
        ("--to 1617•••0100", ["it is masked", "messages list --json"]),
        ("--account acmee", ["no account acmee is provisioned", "--unprovisioned"]),
        ("--carrier 99999", ["no carrier 99999 is provisioned", "--unprovisioned"]),
        ("--since yesterday", ["this is no time", "30m, 2:00 (UTC) or 2026-11-29T02:00:00Z"]),
        ("--since 30m --until 1h", ["is not after", "give the earlier time as since"]),
        ("--account acmee", ["`posthouse accounts list`", "shows those there are"]),
        ("--code abc", ["'abc'", "; write a whole number"]),
        ("--state failed", ["there is no such state; write one of Accepted", "--failed"]),
    ] {
        desk.gets_wrong(&list(more), &says);
    }
    desk.gets_wrong(
        "messages show -c posthouse.toml 12345",
        &["there is no message 12345", "`posthouse messages list`"],
    );
    // Neither of these is an id of the first day that an id can tell.
    for asked in ["12345", "6175550100"] {
        desk.gets_wrong(
            &format!("find -c posthouse.toml {asked}"),
            &[&format!("nothing here has {asked}"), "with its country code"],
        );
    }
    desk.gets_wrong("messages show -c posthouse.toml somebodys-id", &["there is no message somebodys-id"]);
    desk.gets_wrong(
        "messages requeue -c posthouse.toml",
        &["nothing says which messages", "--carrier 31003 --since 2h"],
    );
    desk.gets_wrong("codes 9999", &["9999 is no status code", "`posthouse codes` lists them all"]);
    desk.gets_wrong(&send(&gateway.mm7, "--vaspid a --media nosuch.jpg"), &["nosuch.jpg cannot be read"]);
    for (command, says) in [
        ("accounts show acmee", ["no account acmee is provisioned", "`posthouse accounts list`"]),
        ("accounts disable acmee", ["no account acmee is provisioned", "`posthouse accounts list`"]),
        ("carriers show 9", ["no carrier 9 is provisioned", "`posthouse carriers list`"]),
        (
            "carriers suspend 31003 b-9",
            ["no connection b-9 is provisioned", "`posthouse carriers show 31003`"],
        ),
        ("services add-sender acme 99 1", ["account acme has no service 99", "`posthouse services`"]),
        ("callbacks pause acmee", ["no account acmee is provisioned", "`posthouse callbacks endpoints`"]),
        ("tokens revoke zz", ["there is no token", "`posthouse tokens list`"]),
        ("operations cancel 17", ["there is no operation 17", "`posthouse operations list`"]),
        ("provisioning diff 99", ["there is no revision 99", "`posthouse provisioning revisions`"]),
        ("captures begin --account acmee", ["no account acmee is provisioned", "`posthouse accounts list`"]),
        ("blacklist import nosuch.csv", ["nosuch.csv cannot be read", "check the path"]),
        // Who shows a token wants to be who it belongs to, and not who may read the store.
        ("accounts list --token of-another", ["is none of this gateway's", "--token"]),
    ] {
        desk.gets_wrong(&format!("{command} -c posthouse.toml"), &says);
    }
    desk.gets_wrong(&send(&format!("{}/api", gateway.admin), "--vaspid a"), &["HTTP 401", "[mm7] section"]);
    desk.write("text", "hello\n").gets_wrong("lint text", &["text:1:1", "remedy"]);
    desk.gets_wrong(
        "plan posthouse.toml -c posthouse.toml",
        &["posthouse.toml:2: unknown key store; it belongs in posthouse.toml, see `posthouse serve --help`",
            "posthouse.toml:13: unknown key shutdown; it belongs in posthouse.toml, see `posthouse serve --help`",],
    );
    // The tutorial's file on a store that has customers.
    let other = PROVISIONED.replace("acme-api-key", "tutorial-key").replace("\"a-1\"", "\"b-1\"");
    desk.write("tutorial.toml", &other)
        .gets_wrong("apply tutorial.toml -c posthouse.toml", &["--allow-removals"])
        .write("empty.toml", "")
        .gets_wrong("apply empty.toml --prune -c posthouse.toml", &["--allow-removals"]);
}

/// Numbers are found in any spelling, and what is right is no mistake.
#[test]
fn a_number_is_found_in_any_spelling() {
    let folder = folder();
    provision(folder.path(), PROVISIONED);
    let gateway = Gateway::start(folder.path());
    let arguments = ["send", "--url", &gateway.mm7, "--vaspid", "acme-api-key", "--vasid", "61295"];
    let sent = posthouse(
        folder.path(),
        &[&arguments[..], &["--from", "111122", "--to", "16175550100", "--text", "hello"]].concat(),
    );
    assert!({ sent }.status().unwrap().success());
    for spelling in ["16175550100", "+16175550100", "1 617 555 0100", "1-617-555-0100", "+1 (617) 555-0100"] {
        let listed = posthouse(
            folder.path(),
            &["messages", "list", "-c", "posthouse.toml", "--json", "--to", spelling],
        )
        .output()
        .unwrap();
        let said = String::from_utf8_lossy(&listed.stdout).into_owned();
        assert!(listed.status.success() && said.contains("16175550100"), "{spelling}: {said}");
    }
}

/// A refusal leads to the command that shows what its value was held against, and a list that has nothing to where it may be instead.
#[test]
fn what_was_refused_leads_on() {
    let folder = folder();
    provision(folder.path(), PROVISIONED);
    let gateway = Gateway::start(folder.path());
    let said = |arguments: &[&str]| {
        let done = posthouse(folder.path(), arguments).args(["-c", "posthouse.toml"]).output().unwrap();
        String::from_utf8_lossy(&done.stdout).into_owned()
    };
    for (from, to) in [("999999", "16175550100"), ("111122", "447700900100")] {
        let sent = ["send", "--url", &gateway.mm7, "--vaspid", "acme-api-key", "--vasid", "61295"];
        let sent =
            posthouse(folder.path(), &[&sent[..], &["--from", from, "--to", to, "--text", "hello"]].concat());
        assert!(!{ sent }.status().unwrap().success());
    }
    let deadline = Instant::now() + DEADLINE;
    let refused = loop {
        let listed = said(&["refusals", "list"]);
        if listed.lines().count() == 2 {
            break listed;
        }
        assert!(Instant::now() < deadline, "what was refused is not kept: {listed}");
    };
    for (code, leads_to) in [
        (" 2563 ", "`posthouse services --account acme` shows"),
        (" 2570 ", "`posthouse lookup NUMBER` says"),
    ] {
        let line = refused.lines().find(|line| line.contains(code)).unwrap();
        let shown = said(&["refusals", "show", line.split(' ').next().unwrap()]);
        assert!(shown.contains(leads_to), "{shown}");
    }
    for filter in [["--to", "447700900100"], ["--transaction-id", "order-7781"]] {
        let listed = said(&[&["messages", "list"][..], &filter].concat());
        assert_eq!(listed, "no message matches; `posthouse find` looks among what was refused as well\n");
    }
}

/// A configuration that the environment names is meant by each command.
#[test]
fn the_environment_names_the_configuration() {
    let folder = folder();
    provision(folder.path(), PROVISIONED);
    let _gateway = Gateway::start(folder.path());
    fs::rename(folder.path().join("posthouse.toml"), folder.path().join("elsewhere.toml")).unwrap();
    for command in [&["captures", "list"][..], &["nodes"], &["messages", "list"], &["queues"]] {
        let mut command = posthouse(folder.path(), command);
        let done = command.env("POSTHOUSE_CONFIG", "elsewhere.toml").output().unwrap();
        assert!(done.status.success(), "{done:?}");
    }
}
