//! `posthouse plan` and `posthouse apply`, as processes.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use posthouse_gateway::{
    app::{App, Components},
    config::Settings,
};
use serde_json::{Value, json};
use tempfile::TempDir;

const FILE: &str = r#"
[[account]]
name = "acme"
vaspid = "acme-api-key"
basic_auth = { username = "acme", password = { env = "ACME_PASSWORD" } }
[[account.service]]
vasid = "61295"
senders = ["111122"]
carriers = ["31003"]

[[carrier]]
id = "31003"
[[carrier.connection]]
name = "sim-1"
url = "http://127.0.0.1:9101/mm7"
"#;

/// A folder with a configuration, a provisioning file, and no store yet.
fn folder(provisioning: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("posthouse.toml"), "[store]\nurl = \"sqlite://data/a.db\"\n").unwrap();
    fs::write(folder.path().join("acme.toml"), provisioning).unwrap();
    folder
}

fn posthouse(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_posthouse"))
        .args(args)
        .args(["-c", "posthouse.toml"])
        .current_dir(folder)
        .env("ACME_PASSWORD", "s3cret")
        .output()
        .unwrap()
}

#[track_caller]
fn printed(output: &Output) -> String {
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(output.status.success());
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn a_plan_is_applied_once_and_then_nothing_is_left_to_do() {
    let folder = folder(FILE);
    let folder = folder.path();
    assert_eq!(
        printed(&posthouse(folder, &["plan", "acme.toml"])),
        "store data/a.db\nthere is no such store: `posthouse apply --create` would make it\n\
         create account acme\ncreate carrier 31003\n2 to create, 0 to change, 0 to remove, 0 unchanged\n"
    );
    assert!(!folder.join("data").exists(), "a plan makes no store");
    assert_eq!(
        printed(&posthouse(folder, &["apply", "acme.toml", "--create"])),
        "store data/a.db\ncreate account acme\ncreate carrier 31003\n\
         2 created, 0 changed, 0 removed, 0 unchanged; provisioning is at revision 1\n\
         no gateway is running on this store; its next start has it\n"
    );
    assert_eq!(
        printed(&posthouse(folder, &["plan", "acme.toml"])),
        "store data/a.db\n0 to create, 0 to change, 0 to remove, 2 unchanged\n"
    );
    assert_eq!(
        printed(&posthouse(folder, &["apply", "acme.toml", "--create"])),
        "store data/a.db\n0 created, 0 changed, 0 removed, 2 unchanged; provisioning is at revision 1\n\
         no gateway is running on this store; its next start has it\n"
    );
}

#[test]
fn what_a_file_no_longer_names_is_pruned_on_request() {
    let folder = folder(FILE);
    let folder = folder.path();
    printed(&posthouse(folder, &["apply", "acme.toml", "--create"]));
    fs::write(folder.join("acme.toml"), "[[carrier]]\nid = \"31003\"\nname = \"Verizon\"\n").unwrap();
    let expected = json!({
        "revision": 1, "create": 0, "change": 1, "remove": 1, "keep": 0,
        "steps": [
            {"kind": "account", "name": "acme", "action": "remove", "fields": []},
            {"kind": "carrier", "name": "31003", "action": "change", "fields": [
                {"field": "name", "from": "31003", "to": "Verizon"},
                {"field": "connection sim-1.url", "from": "http://127.0.0.1:9101/mm7", "to": null},
                {"field": "connection sim-1.dialect", "from": "3gpp", "to": null},
                {"field": "connection sim-1.timeout", "from": "10s", "to": null},
                {"field": "connection sim-1.window", "from": "16", "to": null},
                {"field": "connection sim-1.priority", "from": "1", "to": null},
                {"field": "connection sim-1.weight", "from": "1", "to": null},
            ]},
        ],
        "losses": ["account acme", "connection sim-1 of carrier 31003"],
    });
    let planned = printed(&posthouse(folder, &["plan", "acme.toml", "--prune", "--json"]));
    assert_eq!(serde_json::from_str::<Value>(&planned).unwrap(), expected);
    let apply = ["apply", "acme.toml", "--prune", "--json", "--allow-removals"];
    let applied: Value = serde_json::from_str(&printed(&posthouse(folder, &apply))).unwrap();
    assert_eq!(applied["revision"], 2);
    assert_eq!(applied["steps"], expected["steps"]);
    assert_eq!(applied["gateway"], json!({"running": false}));
}

#[tokio::test]
async fn a_running_gateway_takes_it_without_a_restart() {
    let folder = folder(FILE);
    let free_ports = ["mm7", "carriers", "admin"].map(|door| format!("[{door}]\nlisten = \"127.0.0.1:0\"\n"));
    let configuration = folder.path().join("posthouse.toml");
    fs::write(&configuration, format!("{}[store]\nurl = \"sqlite://data/a.db\"\n", free_ports.concat()))
        .unwrap();
    let settings = Settings::load(Some(&configuration), &|_| None).unwrap();
    let gateway = App::start(&settings, Components::default()).await.unwrap();
    let admin = gateway.ready().admin.clone();
    let apply = |file: &'static str| {
        let folder = folder.path().to_owned();
        tokio::task::spawn_blocking(move || printed(&posthouse(&folder, &["apply", file])))
    };
    let first = apply("acme.toml").await.unwrap();
    assert!(first.ends_with(&format!("revision 1\nthe gateway at {admin} took it\n")), "{first}");
    let second = apply("acme.toml").await.unwrap();
    assert!(second.ends_with(&format!("revision 1\nthe gateway at {admin} has it\n")), "{second}");
    gateway.stop().await.unwrap();
    let third = apply("acme.toml").await.unwrap();
    assert!(third.ends_with("no gateway is running on this store; its next start has it\n"), "{third}");
}

#[test]
fn a_gateway_that_was_killed_is_not_waited_for() {
    let folder = folder(FILE);
    let folder = folder.path();
    fs::create_dir(folder.join("data")).unwrap();
    // Port 1 takes no connections here.
    fs::write(folder.join("data/a.db.gateway.json"), "{\"admin\": \"http://127.0.0.1:1\"}").unwrap();
    let printed = printed(&posthouse(folder, &["apply", "acme.toml", "--create"]));
    assert!(
        printed.ends_with(
            "no gateway is running on this store; its next start has it (data/a.db.gateway.json is left over from one that was killed)\n"
        ),
        "{printed}"
    );
}

#[test]
fn all_mistakes_are_on_stderr_and_nothing_is_made() {
    let folder = folder(&FILE.replace("senders = [\"111122\"]", "sender = []").replace("http://", "ftp://"));
    for command in ["plan", "apply"] {
        let create: &[&str] = if command == "apply" { &["--create"] } else { &[] };
        let output = posthouse(folder.path(), &[&[command, "acme.toml"], create].concat());
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(String::from_utf8_lossy(&output.stdout), "store data/a.db\n");
        assert!(!folder.path().join("data").exists());
        assert_eq!(
            String::from_utf8_lossy(&output.stderr),
            "acme.toml:6: account.service.senders is missing; add senders = [\"111122\"]\n\
             acme.toml:8: unknown key account.service.sender; did you mean senders?\n\
             acme.toml:15: carrier.connection.url is no http:// or https:// URL; \
             write one such as \"http://127.0.0.1:9001/reports\"\n"
        );
    }
}

#[test]
fn mistakes_of_the_configuration_are_told_as_well() {
    let folder = folder(FILE);
    fs::write(folder.path().join("posthouse.toml"), "[store]\nurl = \"mysql://a@b/c\"\n").unwrap();
    let output = posthouse(folder.path(), &["apply", "acme.toml", "--create"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "posthouse.toml:2: store.url takes an address that begins with sqlite:// or postgres://; \
         write \"sqlite://posthouse-data/posthouse.db\", another path, or \"postgres://USER@HOST/DATABASE\"\n"
    );
}

#[test]
fn the_examples_of_the_documentation_are_right() {
    let folder = folder(FILE);
    for name in ["first", "connections", "sandbox"] {
        let example = format!("{}/../../docs/examples/{name}.toml", env!("CARGO_MANIFEST_DIR"));
        printed(&posthouse(folder.path(), &["apply", &example, "--create", "--allow-removals"]));
    }
}

#[test]
fn a_change_is_seen_and_taken_back() {
    let folder = folder(FILE);
    let folder = folder.path();
    printed(&posthouse(folder, &["apply", "acme.toml", "--create"]));
    // Somebody applies the file of another place.
    let before = printed(&posthouse(folder, &["provisioning", "export"]));
    let other = FILE.replace("acme-api-key", "another-key").replace("\"111122\"", "\"111122\", \"333\"");
    fs::write(folder.join("other.toml"), other).unwrap();
    let refused = posthouse(folder, &["apply", "other.toml"]);
    assert_eq!(refused.status.code(), Some(2));
    assert_eq!(
        String::from_utf8_lossy(&refused.stderr),
        "posthouse: this would end the key acme… of account acme; nothing was changed: --allow-removals lets it\n"
    );
    printed(&posthouse(folder, &["apply", "other.toml", "--allow-removals"]));
    let revisions = posthouse(folder, &["provisioning", "revisions", "--json"]);
    let revisions: Value = serde_json::from_slice(&revisions.stdout).unwrap();
    let notes: Vec<_> = revisions["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            (
                one["number"].as_u64().unwrap(),
                one["summary"].as_str().unwrap(),
                one["things"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(notes, [(2, "change account acme", 1), (1, "create carrier 31003, create account acme", 2)]);
    let diff = printed(&posthouse(folder, &["provisioning", "diff", "2"]));
    assert_eq!(
        diff,
        "change account acme\n  vaspid: acme… -> anot…\n  service 61295.senders: 111122 -> 111122 333\n\
         0 created, 1 changed, 0 removed\n"
    );
    let stale = posthouse(folder, &["provisioning", "rollback", "1", "--expect-revision", "7"]);
    assert_eq!(stale.status.code(), Some(1));
    let told = String::from_utf8_lossy(&stale.stderr).into_owned();
    assert!(told.contains("provisioning is at revision 2, not at 7; nothing was changed"), "{told}");
    let tried = printed(&posthouse(folder, &["provisioning", "rollback", "1", "--dry-run"]));
    assert!(tried.ends_with("0 to create, 1 to change, 0 to remove, 0 unchanged\n"), "{tried}");
    let back = printed(&posthouse(folder, &["provisioning", "rollback", "1"]));
    assert!(
        back.contains("0 created, 1 changed, 0 removed, 0 unchanged; provisioning is at revision 3\n"),
        "{back}"
    );
    assert_eq!(printed(&posthouse(folder, &["provisioning", "export"])), before);
    // The old key and the old password, which the store knows as hashes only, are back.
    assert_eq!(
        printed(&posthouse(folder, &["plan", "acme.toml"])),
        "store data/a.db\n0 to create, 0 to change, 0 to remove, 2 unchanged\n"
    );
    let everything = printed(&posthouse(folder, &["provisioning", "rollback", "0"]));
    assert!(everything.contains("2 removed"), "{everything}");
    for (args, told) in [
        (["provisioning", "diff", "9"], "there is no revision 9; provisioning is at revision 4"),
        (["provisioning", "rollback", "9"], "there is no revision 9; provisioning is at revision 4"),
    ] {
        let output = posthouse(folder, &args);
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(told), "{said}");
    }
}

/// With all that a file may say, so that nothing of it gets lost on the way.
const EVERYTHING: &str = r#"
[[account]]
name = "acme"
vaspid = "acme-api-key"
basic_auth = { username = "acme", password = "hush \"quoted\" \\" }
allowed_ips = ["127.0.0.0/8"]
client_certs = ["cn:Acme Ltd"]
require_tls = true
dialect = "sinch"
statuses = "3gpp"
must_understand = false
read_replies = true
submit_mode = "relay"
relay_timeout = "1500ms"
require_carrier_id = true
max_message_bytes = 1000
throughput = { per_second = 10, burst = 20 }
[account.callbacks]
report_url = "http://127.0.0.1:9001/reports?key=hush"
deliver_url = "http://127.0.0.1:9001/deliver"
basic_auth = { username = "u", password = "p" }
timeout = "3s"
retry_after = "1m"
max_retries = 7
window = 3
[[account.service]]
vasid = "61295"
senders = ["111122", "name@mail.example"]
carriers = ["31003"]
default = true
[[account.service]]
vasid = "two words"
senders = ["3"]
[[carrier]]
id = "31003"
aliases = ["0001890"]
name = "Ünïcode \"carrier\""
max_message_bytes = 2000
content_types = ["image/*"]
report_timeout = "1h"
on_unknown = "resend"
[[carrier.connection]]
name = "a"
url = "http://127.0.0.1:9101/mm7?token=hush"
vaspid = "hush-too"
vasid = "gw"
basic_auth = { username = "u", password = "p" }
dialect = "3gpp"
timeout = "2s"
per_second = 5
window = 2
priority = 2
weight = 3
namespace = "REL-5-MM7-1-2"
version = "5.3.0"
[carrier.callbacks]
basic_auth = { username = "vzw", password = "p" }
allowed_ips = ["127.0.0.0/8"]
dialect = "sinch"
[carrier.status_map]
"DELIVRD now" = "Retrieved"
[carrier.code_map]
4030 = 4006
[lookup]
provider = "http"
url = "http://127.0.0.1:9200/{msisdn}?key=hush"
timeout = "100ms"
cache = "1h"
[[range]]
prefix = "1617"
carrier = "31003"
[[blacklist]]
number = "16175550199"
account = "acme"
[[blacklist]]
number = "16175550198"
"#;

#[test]
fn an_export_holds_all_but_secrets_and_is_taken_back() {
    let folder = folder(EVERYTHING);
    let folder = folder.path();
    printed(&posthouse(folder, &["apply", "acme.toml", "--create"]));
    let exported = printed(&posthouse(folder, &["provisioning", "export"]));
    assert!(!exported.contains("hush") && !exported.contains("argon2"), "{exported}");
    assert_eq!(exported.matches("{ kept = true }").count(), 10, "{exported}");
    fs::write(folder.join("export.toml"), &exported).unwrap();
    assert_eq!(
        printed(&posthouse(folder, &["plan", "export.toml", "--prune"])),
        "store data/a.db\n0 to create, 0 to change, 0 to remove, 6 unchanged\n"
    );
    // What is kept is kept by this store alone.
    fs::write(folder.join("posthouse.toml"), "[store]\nurl = \"sqlite://other/a.db\"\n").unwrap();
    let output = posthouse(folder, &["plan", "export.toml"]);
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("account.vaspid: the store keeps nothing here; write the value itself"), "{told}");
}

#[test]
fn what_is_provisioned_is_listed_and_shown() {
    let folder = folder(EVERYTHING);
    let folder = folder.path();
    printed(&posthouse(folder, &["apply", "acme.toml", "--create"]));
    let show = |args: &[&str]| printed(&posthouse(folder, args));
    assert_eq!(
        show(&["accounts", "list"]),
        "acme                 active    key acme…  services 61295 two words\n"
    );
    let shown = show(&["accounts", "show", "acme"]);
    assert!(shown.starts_with("account acme (active), key acme…\n  service 61295: sends as 111122 name@mail.example, to carriers 31003, by default\n"), "{shown}");
    assert!(shown.contains("\n  callbacks.report_url: (hidden)\n") && !shown.contains("hush"), "{shown}");
    let shown = show(&["carriers", "show", "31003"]);
    assert!(
        shown.contains(
            "connection a: http://127.0.0.1:9101/mm7, 3gpp, window 2, 5 a second, priority 2, weight 3\n"
        ),
        "{shown}"
    );
    assert_eq!(
        show(&["services", "--sender", "3"]),
        "account acme\n  service two words: sends as 3, to every carrier\n"
    );
    assert_eq!(show(&["blacklist", "show", "+1 617 555-0199"]), "16175550199 is blocked for account acme\n");
    let free = posthouse(folder, &["blacklist", "show", "16175550197"]);
    assert_eq!(free.status.code(), Some(1));
    for (args, code, told) in [
        (&["services", "--account", "acmee"][..], 2, "no account acmee is provisioned"),
        (&["accounts", "show", "acmee"], 1, "no account acmee is provisioned"),
        (&["carriers", "show", "99999"], 1, "no carrier 99999 is provisioned"),
        (&["lookup", "16175550100", "--account", "acmee"], 2, "no account acmee is provisioned"),
        (&["lookup", "555"], 1, "this is no international number; write 7 to 15 digits"),
    ] {
        let output = posthouse(folder, args);
        assert_eq!(output.status.code(), Some(code), "{args:?}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(told), "{said}");
    }
}

#[test]
fn a_lookup_says_which_rule_decides_and_what_would_make_a_number_pass() {
    let ranges = format!(
        "{FILE}[[range]]\nprefix = \"1617\"\ncarrier = \"31003\"\n[[blacklist]]\nnumber = \"16175550199\"\n"
    );
    let folder = folder(&ranges);
    let folder = folder.path();
    printed(&posthouse(folder, &["apply", "acme.toml", "--create"]));
    let look = |number: &str| {
        let output = posthouse(folder, &["lookup", number]);
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    assert_eq!(
        look("+1 617 555-0100"),
        (
            Some(0),
            "+1 617 555-0100 is carrier 31003's (by range 1617)\na message to it is taken\n".to_owned()
        )
    );
    let (code, told) = look("442071234567");
    assert_eq!(code, Some(1));
    assert!(
        told.starts_with(
            "442071234567 is nobody's (by the ranges)\na message to it is refused by 2570: no range has it"
        ),
        "{told}"
    );
    let (code, told) = look("16175550199");
    assert_eq!(code, Some(1));
    assert!(told.contains("it is on the blacklist\na message to it is refused by 3001"), "{told}");
}

#[test]
fn a_wrong_folder_gets_no_store() {
    let folder = folder(FILE);
    let folder = folder.path();
    // Without -c or a configuration beside it, which would say which store is meant.
    fs::remove_file(folder.join("posthouse.toml")).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_posthouse"))
        .args(["apply", "acme.toml"])
        .current_dir(folder)
        .env("ACME_PASSWORD", "s3cret")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "store posthouse-data/posthouse.db\n");
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "posthouse: there is no store at posthouse-data/posthouse.db; -c says which configuration names it, `posthouse serve` makes it, and so does --create\n"
    );
    assert!(!folder.join("posthouse-data").exists());
}

/// What the tutorial's file does to an account of the same name that is in use.
#[test]
fn what_somebody_depends_on_does_not_go_without_a_word() {
    let folder = folder(EVERYTHING);
    let folder = folder.path();
    printed(&posthouse(folder, &["apply", "acme.toml", "--create"]));
    let before = printed(&posthouse(folder, &["provisioning", "export"]));
    let example = format!("{}/../../docs/examples/first.toml", env!("CARGO_MANIFEST_DIR"));
    let example = fs::read_to_string(example).unwrap();
    fs::write(folder.join("example.toml"), example.replace("deliver_url", "# deliver_url")).unwrap();
    let example = "example.toml";
    for more in [&[][..], &["--yes"], &["--json"]] {
        let refused = posthouse(folder, &[&["apply", example], more].concat());
        assert_eq!(refused.status.code(), Some(2), "{more:?}");
        let told = String::from_utf8_lossy(&refused.stderr).into_owned();
        for lost in [
            "the user name and password of account acme",
            "the deliver_url of account acme",
            "the user name and password of the callbacks of account acme",
            "service two words of account acme",
            "connection a of carrier 31003",
            "the user name and password that carrier 31003 shows",
        ] {
            assert!(told.contains(lost), "{lost}: {told}");
        }
    }
    assert_eq!(printed(&posthouse(folder, &["provisioning", "export"])), before);
    let plan = printed(&posthouse(folder, &["plan", example]));
    assert!(plan.contains("\nthis ends: connection a of carrier 31003\n"), "{plan}");
    let forced = printed(&posthouse(folder, &["apply", example, "--allow-removals"]));
    assert!(forced.contains("revision 2\n"), "{forced}");
    printed(&posthouse(folder, &["provisioning", "rollback", "1"]));
    assert_eq!(printed(&posthouse(folder, &["provisioning", "export"])), before);
    fs::write(folder.join("empty.toml"), "").unwrap();
    let emptied = posthouse(folder, &["apply", "empty.toml", "--prune"]);
    assert_eq!(emptied.status.code(), Some(2));
    let told = String::from_utf8_lossy(&emptied.stderr).into_owned();
    assert!(told.contains("this would end account acme, carrier 31003; nothing was changed"), "{told}");
}

#[test]
fn a_partial_file_leaves_what_it_leaves_out() {
    let folder = folder(EVERYTHING);
    let folder = folder.path();
    printed(&posthouse(folder, &["apply", "acme.toml", "--create"]));
    let change = "[[account]]\nname = \"acme\"\nstatus = \"disabled\"\n[account.callbacks]\nwindow = 9\n\
                  [[account.service]]\nvasid = \"61295\"\nsenders = [\"777\"]\n\
                  [[carrier]]\nid = \"31003\"\n[[carrier.connection]]\nname = \"b\"\nurl = \"http://127.0.0.1:9102/mm7\"\n";
    fs::write(folder.join("change.toml"), change).unwrap();
    let applied =
        printed(&posthouse(folder, &["apply", "change.toml", "--partial", "--expect-revision", "1"]));
    assert!(
        applied.starts_with("store data/a.db\nchange account acme\n  status: active -> disabled\n"),
        "{applied}"
    );
    assert!(
        applied.contains(
            "  callbacks.window: 3 -> 9\n  service 61295.senders: 111122 name@mail.example -> 777\n"
        ),
        "{applied}"
    );
    assert!(
        applied.contains("0 created, 2 changed, 0 removed, 4 unchanged; provisioning is at revision 2\n"),
        "{applied}"
    );
    let exported = printed(&posthouse(folder, &["provisioning", "export"]));
    assert!(exported.contains("name = \"a\"") && exported.contains("name = \"b\""), "{exported}");
    let stale = posthouse(folder, &["apply", "change.toml", "--partial", "--expect-revision", "1"]);
    assert_eq!(stale.status.code(), Some(1));
    let told = String::from_utf8_lossy(&stale.stderr).into_owned();
    assert!(told.contains("revision"), "{told}");
}

#[test]
fn a_file_may_come_on_standard_input() {
    let folder = folder(FILE);
    let folder = folder.path();
    let file = fs::File::open(folder.join("acme.toml")).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_posthouse"))
        .args(["apply", "-", "--create", "-c", "posthouse.toml"])
        .current_dir(folder)
        .env("ACME_PASSWORD", "s3cret")
        .stdin(file)
        .output()
        .unwrap();
    assert!(printed(&output).contains("2 created, "), "{output:?}");
}

#[test]
fn one_thing_is_changed_by_a_verb() {
    let folder = folder(EVERYTHING);
    let folder = folder.path();
    printed(&posthouse(folder, &["apply", "acme.toml", "--create"]));
    let say = |args: &[&str]| printed(&posthouse(folder, args));
    assert_eq!(
        say(&["accounts", "disable", "acme", "--reason", "complaints"]),
        "account acme is disabled; provisioning is at revision 2\n"
    );
    assert_eq!(say(&["accounts", "disable", "acme"]), "account acme was disabled already\n");
    assert_eq!(
        say(&["accounts", "enable", "acme"]),
        "account acme is enabled; provisioning is at revision 3\n"
    );
    assert_eq!(
        say(&["services", "add-sender", "acme", "two words", "444"]),
        "service two words of account acme may send as 444; provisioning is at revision 4\n"
    );
    say(&["services", "remove-sender", "acme", "two words", "444"]);
    assert_eq!(
        say(&["blacklist", "add", "+1 617 555-0101"]),
        "+1 617 555-0101 is blocked for every account; provisioning is at revision 6\n"
    );
    assert_eq!(say(&["blacklist", "show", "16175550101"]), "16175550101 is blocked for every account\n");
    say(&["blacklist", "remove", "16175550101"]);
    let revisions = say(&["provisioning", "revisions", "--json"]);
    let revisions: Value = serde_json::from_str(&revisions).unwrap();
    assert_eq!(revisions["items"][5]["reason"], "complaints");
    assert_eq!(revisions["items"][0]["summary"], "remove blacklist +1617•••0101");
    for (args, told) in [
        (&["accounts", "disable", "acmee"][..], "no account acmee is provisioned"),
        (&["services", "add-sender", "acme", "9", "444"], "account acme has no service 9"),
        (
            &["services", "add-sender", "acme", "61295", "4 4"],
            "\"4 4\" is no sender address; write a short code or a number",
        ),
        (
            &["services", "remove-sender", "acme", "61295", "9"],
            "service 61295 of account acme does not send as 9",
        ),
        (
            &["services", "remove-sender", "acme", "two words", "3"],
            "would be left without a sender; add another one before",
        ),
        (&["blacklist", "remove", "16175550101"], "+1617•••0101 is not blocked for every account"),
        (&["blacklist", "add", "16175550101", "--account", "acmee"], "no account acmee is provisioned"),
    ] {
        let output = posthouse(folder, args);
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(told), "{said}");
    }
}
