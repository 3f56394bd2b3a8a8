//! `posthouse doctor`, as a process.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::TcpListener,
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

const CONFIG: &str = r#"
[store]
url = "sqlite://data/a.db"
[media]
url = "file://data/media"
[mm7]
listen = "127.0.0.1:0"
[carriers]
listen = "127.0.0.1:0"
[admin]
listen = "127.0.0.1:0"
"#;

fn folder(config: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("posthouse.toml"), config).unwrap();
    folder
}

fn posthouse(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_posthouse")).current_dir(folder).args(arguments).output().unwrap()
}

/// What the doctor says, and its exit code.
fn doctor(folder: &Path) -> (Value, Option<i32>) {
    let output = posthouse(folder, &["doctor", "-c", "posthouse.toml", "--json"]);
    (serde_json::from_slice(&output.stdout).unwrap(), output.status.code())
}

/// Verdict and words of what was said about one thing.
fn said(report: &Value, check: &str) -> Vec<(String, String)> {
    let findings = report["findings"].as_array().unwrap().iter().filter(|finding| finding["check"] == check);
    findings
        .map(|finding| {
            let text = |name: &str| finding[name].as_str().unwrap().to_owned();
            (text("verdict"), text("said"))
        })
        .collect()
}

fn provision(folder: &Path, carriers: &str) {
    fs::write(folder.join("p.toml"), carriers).unwrap();
    let applied = posthouse(folder, &["apply", "p.toml", "-c", "posthouse.toml", "--create"]);
    assert!(applied.status.success(), "{}", String::from_utf8_lossy(&applied.stderr));
}

fn carrier(address: &str) -> String {
    format!(
        "[[carrier]]\nid = \"31003\"\n[[carrier.connection]]\nname = \"vzw-1\"\nurl = \"http://{address}/mm7\"\n"
    )
}

#[test]
fn before_the_first_start_there_is_nothing_to_mend_and_nothing_is_made() {
    let folder = folder(CONFIG);
    let (report, code) = doctor(folder.path());
    assert_eq!((code, &report["ok"]), (Some(0), &Value::Bool(true)), "{report}");
    let store = said(&report, "store");
    assert_eq!(store[0].0, "note");
    assert!(store[0].1.ends_with("data/a.db is not there yet; `posthouse serve` makes it"), "{store:?}");
    assert_eq!(said(&report, "port").len(), 3);
    assert!(!folder.path().join("data").exists());
}

#[test]
fn a_carrier_that_takes_connections_is_fine_and_one_that_does_not_is_named() {
    let folder = folder(CONFIG);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    provision(folder.path(), &carrier(&address));
    let (report, code) = doctor(folder.path());
    assert_eq!(code, Some(0), "{report}");
    let fine = format!("31003 vzw-1: {address} takes connections");
    assert_eq!(said(&report, "carrier"), [("ok".to_owned(), fine)]);

    drop(listener);
    let (report, code) = doctor(folder.path());
    assert_eq!(code, Some(1), "{report}");
    let [(verdict, told)] = &said(&report, "carrier")[..] else { panic!("{report}") };
    assert_eq!(verdict, "mend");
    assert!(told.starts_with(&format!("31003 vzw-1: {address} cannot be reached (")), "{told}");
    assert!(told.ends_with("; start it, or mend its url"), "{told}");
}

#[test]
fn a_vasp_that_is_not_there_is_waited_for() {
    let folder = folder(CONFIG);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let account = "[[account]]\nname = \"acme\"\nvaspid = \"acme-key\"\n[[account.service]]\n\
        vasid = \"61295\"\nsenders = [\"111122\"]\n";
    provision(folder.path(), &format!("{account}[account.callbacks]\nreport_url = \"http://{address}/r\"\n"));
    let (report, code) = doctor(folder.path());
    assert_eq!(code, Some(0), "{report}");
    let fine = format!("acme report_url: {address} takes connections");
    assert_eq!(said(&report, "vasp"), [("ok".to_owned(), fine)]);

    drop(listener);
    let (report, code) = doctor(folder.path());
    assert_eq!(code, Some(0), "{report}");
    let [(verdict, told)] = &said(&report, "vasp")[..] else { panic!("{report}") };
    assert_eq!(verdict, "note");
    assert!(told.starts_with(&format!("acme report_url: {address} cannot be reached (")), "{told}");
}

#[test]
fn a_carrier_without_connection_is_to_be_mended() {
    let folder = folder(CONFIG);
    provision(folder.path(), "[[carrier]]\nid = \"31003\"\n");
    let (report, code) = doctor(folder.path());
    assert_eq!(code, Some(1));
    let told = "31003 has no connection, and what is for it is refused by 3520; add a [[carrier.connection]]";
    assert_eq!(said(&report, "carrier"), [("mend".to_owned(), told.to_owned())]);
}

#[test]
fn a_file_where_media_should_be_is_found() {
    let folder = folder(CONFIG);
    fs::create_dir(folder.path().join("data")).unwrap();
    fs::write(folder.path().join("data/media"), "").unwrap();
    let (report, code) = doctor(folder.path());
    assert_eq!(code, Some(1));
    let [(verdict, told)] = &said(&report, "media")[..] else { panic!("{report}") };
    assert_eq!(verdict, "mend");
    assert!(told.contains("data/media cannot be written (") && told.contains("; let this user"), "{told}");
}

#[test]
fn a_port_that_another_program_has_is_found() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let folder = folder(&CONFIG.replacen("127.0.0.1:0", &address.to_string(), 1));
    let (report, code) = doctor(folder.path());
    assert_eq!(code, Some(1));
    let ports = said(&report, "port");
    assert_eq!(ports[0].0, "mend");
    assert!(ports[0].1.starts_with(&format!("{address} cannot be listened on (")), "{ports:?}");
    assert!(ports[0].1.ends_with("; stop what has it, or change mm7.listen"), "{ports:?}");
}

#[test]
fn mistakes_of_the_configuration_are_told_with_their_lines() {
    let folder = folder("[mm7]\nlisten = \"here\"\npaht = \"/mm7\"\n");
    let output = posthouse(folder.path(), &["doctor", "-c", "posthouse.toml"]);
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<_> = told.lines().collect();
    assert_eq!(lines.len(), 3, "{told}");
    assert!(
        lines[0].starts_with("mend  config   posthouse.toml:2: mm7.listen: \"here\" is no address"),
        "{told}"
    );
    assert!(lines[1].starts_with("mend  config   posthouse.toml:3: unknown key mm7.paht"), "{told}");
    assert_eq!(lines[2], "2 things to mend");
}

#[test]
fn an_open_door_is_told() {
    let open = CONFIG.replace("[carriers]\nlisten = \"127.0.0.1:0\"", "[carriers]\nlisten = \"0.0.0.0:0\"");
    assert_ne!(open, CONFIG);
    let folder = folder(&open);
    let folder = folder.path();
    let carrier =
        |id: &str, callbacks: &str| format!("[[carrier]]\nid = \"{id}\"\n[carrier.callbacks]\n{callbacks}\n");
    let file = [carrier("1", "allowed_ips = [\"192.0.2.0/24\"]"), carrier("2", "")].concat();
    fs::write(folder.join("p.toml"), file).unwrap();
    let warning = "carrier 2: whoever reaches 0.0.0.0:0 may post reports and messages in its name; \
                   add basic_auth, allowed_ips or client_certs to [carrier.callbacks]";
    for command in [&["plan"][..], &["apply", "--create"]] {
        let told = posthouse(folder, &[command, &["p.toml", "-c", "posthouse.toml"]].concat());
        let told = String::from_utf8(told.stdout).unwrap();
        assert!(told.contains(&format!("\ncreate carrier 2\nwarning: {warning}\n2 ")), "{told}");
    }
    for command in ["plan", "apply"] {
        let told = posthouse(folder, &[command, "p.toml", "-c", "posthouse.toml", "--json"]);
        let told: Value = serde_json::from_slice(&told.stdout).unwrap();
        assert_eq!(told["warnings"], serde_json::json!([warning]));
    }
    let (report, _) = doctor(folder);
    assert_eq!(said(&report, "door"), [("note".to_owned(), warning.to_owned())]);

    let mut gateway = Command::new(env!("CARGO_BIN_EXE_posthouse"))
        .current_dir(folder)
        .args(["serve", "-c", "posthouse.toml"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(gateway.stderr.take().unwrap()).lines().map_while(Result::ok);
    let at_start = log.find(|line| line.contains("a door is open"));
    provision(folder, &carrier("3", ""));
    let opened = log.find(|line| line.contains("a door is open"));
    gateway.kill().unwrap();
    gateway.wait().unwrap();
    assert!(
        at_start.as_ref().is_some_and(|line| line.contains(&format!("warning=\"{warning}\""))),
        "{at_start:?}"
    );
    let third = warning.replace("carrier 2", "carrier 3");
    assert!(opened.as_ref().is_some_and(|line| line.contains(&third)), "{opened:?}");
    provision(
        folder,
        &[carrier("2", "client_certs = [\"cn:a\"]"), carrier("3", "allowed_ips = [\"10.0.0.0/8\"]")].concat(),
    );
    assert_eq!(said(&doctor(folder).0, "door"), []);
}

/// The file that counts is named, whether it was given or found; "no file" would send whoever mends it elsewhere.
#[test]
fn the_configuration_that_is_meant_is_named() {
    let folder = folder(CONFIG);
    for (arguments, is) in [
        (&["doctor", "--json"][..], "posthouse.toml"),
        (&["doctor", "--json", "-c", "posthouse.toml"], "posthouse.toml"),
    ] {
        let output = posthouse(folder.path(), arguments);
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(said(&report, "config"), [("ok".to_owned(), is.to_owned())], "{arguments:?}");
    }
    fs::remove_file(folder.path().join("posthouse.toml")).unwrap();
    let output = posthouse(folder.path(), &["doctor", "--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(said(&report, "config"), [("ok".to_owned(), "no file, the defaults".to_owned())]);
}
