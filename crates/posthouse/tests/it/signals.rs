//! What signals, draining and a look at an older store do to a gateway.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    os::unix::net::UnixDatagram,
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use posthouse_sim::{Submit, http::Client, media, submit};
use posthouse_testing::{
    provisioning::{AccountToml, CarrierToml, range},
    settings,
};
use serde_json::Value;
use tokio::{
    task::{JoinSet, block_in_place},
    time::sleep,
};

use crate::process::{DEADLINE, Gateway, Program, folder, posthouse, provision};

/// The status of a GET, and its body; `None` where nobody answers.
fn get(url: &str) -> Option<(u16, String)> {
    let (address, path) = url.strip_prefix("http://")?.split_once('/')?;
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    write!(stream, "GET /{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
}

fn ready(gateway: &Gateway, door: &str) -> u16 {
    get(&format!("{}/readyz{door}", gateway.admin)).unwrap().0
}

/// The same settings with another grace.
fn with_grace(folder: &Path, grace: &str) {
    let changed = settings::TOML.replace("grace = \"1ms\"", &format!("grace = \"{grace}\""));
    fs::write(folder.join("posthouse.toml"), changed).unwrap();
}

/// As `Type=notify` of systemd has it.
#[test]
fn a_supervisor_is_told_when_a_gateway_is_ready_and_when_it_stops() {
    let folder = folder();
    let socket = folder.path().join("notify");
    let supervisor = UnixDatagram::bind(&socket).unwrap();
    supervisor.set_read_timeout(Some(DEADLINE)).unwrap();
    let told = || {
        let mut state = [0; 64];
        let length = supervisor.recv(&mut state).unwrap();
        String::from_utf8(state[..length].to_vec()).unwrap()
    };
    let mut command = posthouse(folder.path(), &["serve", "-c", "posthouse.toml"]);
    command.env("NOTIFY_SOCKET", &socket);
    let gateway = Gateway::ready(Program::spawn(command));
    assert_eq!(told(), "READY=1");
    gateway.program.signal("TERM");
    assert_eq!(told(), "STOPPING=1");
    assert!(gateway.program.ended().status.success());
}

#[test]
fn a_gateway_that_is_told_to_stop_says_so_before_its_doors_close() {
    let folder = folder();
    with_grace(folder.path(), "60s");
    let gateway = Gateway::start(folder.path());
    gateway.program.said("started");
    assert_eq!(ready(&gateway, ""), 200);
    gateway.program.signal("TERM");
    gateway.program.said("/readyz says 503");
    for door in ["", "?door=mm7", "?door=carriers"] {
        assert_eq!(ready(&gateway, door), 503, "{door}");
    }
    let mm7 = gateway.mm7.strip_prefix("http://").unwrap().split('/').next().unwrap();
    assert!(TcpStream::connect(mm7).is_ok(), "the doors are open all the while");
    gateway.program.signal("TERM");
    let ended = gateway.program.ended();
    assert!(ended.status.success(), "{ended:?}");
}

#[test]
fn a_hangup_reads_the_configuration_again_and_a_user_signal_does_nothing() {
    let folder = folder();
    let gateway = Gateway::start(folder.path());
    gateway.program.signal("USR1");
    gateway.program.said("SIGUSR1 does nothing");
    let changed = settings::TOML.replace("read_timeout = \"3s\"", "read_timeout = \"4s\"");
    fs::write(folder.path().join("posthouse.toml"), format!("{changed}[retention]\nmedia = \"1h\"\n"))
        .unwrap();
    gateway.program.signal("HUP");
    gateway.program.said("the configuration was read again");
    let late = gateway.program.said("count after a restart only");
    assert!(late.contains("mm7.read_timeout") && !late.contains("retention"), "{late}");
    fs::write(folder.path().join("posthouse.toml"), "[retention]\nmedia = \"soon\"\n").unwrap();
    gateway.program.signal("HUP");
    let broken = gateway.program.said("cannot be read again");
    assert!(broken.contains("ERROR") && broken.contains("posthouse.toml:2"), "{broken}");
    assert_eq!(ready(&gateway, ""), 200);
    gateway.program.signal("TERM");
    assert!(gateway.program.ended().status.success());
}

/// Whoever sends meanwhile notices nothing, on connections that stay open and on new ones.
#[tokio::test(flavor = "multi_thread")]
async fn a_hangup_under_load_fails_no_request() {
    let folder = folder();
    let gateway = block_in_place(|| Gateway::start(folder.path()));
    let account = AccountToml::new("acme").service("default = true\n");
    let carrier = CarrierToml::new("31003").connection("vzw-1", "http://127.0.0.1:9/mm7", "");
    block_in_place(|| provision(folder.path(), &format!("{account}{carrier}{}", range("1617", "31003"))));
    let (is_over, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let mut senders = JoinSet::new();
    for _ in 0..4 {
        let (mm7, is_over, sent) = (gateway.mm7.clone(), Arc::clone(&is_over), Arc::clone(&sent));
        senders.spawn(async move {
            let stays = Client::new(DEADLINE);
            while !is_over.load(Relaxed) {
                let request = Submit {
                    vaspid: Some("acme-key".to_owned()),
                    media: vec![media::part("text.txt", b"meanwhile".to_vec())],
                    ..Submit::new(mm7.clone(), "111122", "16175550100")
                };
                let new = Client::new(DEADLINE);
                for client in [&stays, &new] {
                    let answer = submit(client, &request).await.unwrap();
                    assert!(answer.is_success(), "{answer:?}");
                    sent.fetch_add(1, Relaxed);
                }
            }
        });
    }
    for hangup in 0..10 {
        let began = Instant::now();
        while sent.load(Relaxed) < 20 * hangup {
            assert!(began.elapsed() < DEADLINE, "nothing more is answered");
            sleep(Duration::from_millis(1)).await;
        }
        gateway.program.signal("HUP");
        block_in_place(|| gateway.program.said("the configuration was read again"));
    }
    is_over.store(true, Relaxed);
    senders.join_all().await;
}

#[test]
fn the_level_of_the_log_is_read_again_and_one_that_is_none_is_refused() {
    let folder = folder();
    let mut command = posthouse(folder.path(), &["serve", "-c", "posthouse.toml"]);
    command.env_remove("POSTHOUSE_LOG");
    fs::write(folder.path().join("posthouse.toml"), format!("{}[log]\nlevel = \"error\"\n", settings::TOML))
        .unwrap();
    let gateway = Gateway::ready(crate::process::Program::spawn(command));
    fs::write(folder.path().join("posthouse.toml"), format!("{}[log]\nlevel = \"info\"\n", settings::TOML))
        .unwrap();
    gateway.program.signal("HUP");
    let first = gateway.program.said("");
    assert!(
        first.contains("the configuration was read again"),
        "nothing below an error was logged before: {first}"
    );
    drop(gateway);
    for (key, value) in [("POSTHOUSE_LOG", "verbose"), ("POSTHOUSE_LOG", "posthouse_gateway=loud")] {
        let refused =
            posthouse(folder.path(), &["serve", "-c", "posthouse.toml"]).env(key, value).output().unwrap();
        let said = String::from_utf8(refused.stderr).unwrap();
        assert!(
            !refused.status.success() && said.contains("POSTHOUSE_LOG") && said.contains("write one of off"),
            "{said}"
        );
    }
}

/// By the verb, whatever POSTHOUSE_LOG says; the audit has it; and a hangup goes back to what is configured.
#[test]
fn the_level_of_the_log_is_set_for_a_while() {
    let folder = folder();
    let gateway = Gateway::start(folder.path());
    gateway.program.said("started");
    let set = |level: &str| {
        let arguments = ["log-level", level, "-c", "posthouse.toml", "--json", "--reason", "INC-7"];
        posthouse(folder.path(), &arguments).output().unwrap()
    };
    let refused = set("loud");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("write one of off"), "{said}");
    let done = set("posthouse_gateway=debug,info");
    let view: Value =
        serde_json::from_slice(&done.stdout).unwrap_or_else(|error| panic!("{error}: {done:?}"));
    assert_eq!((&view["level"], &view["before"]), (&"posthouse_gateway=debug,info".into(), &"info".into()));
    gateway.program.said("what is logged was changed");
    let audit = posthouse(folder.path(), &["audit", "-c", "posthouse.toml", "--json"]).output().unwrap();
    let audit = String::from_utf8(audit.stdout).unwrap();
    assert!(audit.contains("set-log-level") && audit.contains("INC-7"), "{audit}");
    gateway.program.signal("HUP");
    gateway.program.said("the configuration was read again");
    let view: Value = serde_json::from_slice(&set("error").stdout).unwrap();
    assert_eq!(view["before"], "info", "what is configured counts again");
}

#[test]
fn a_gateway_that_is_drained_takes_nothing_new_and_goes_on_with_the_rest() {
    let folder = folder();
    let gateway = Gateway::start(folder.path());
    let account = AccountToml::new("acme").service("default = true\n");
    let carrier = CarrierToml::new("31003").connection("vzw-1", "http://127.0.0.1:9/mm7", "");
    provision(folder.path(), &format!("{account}{carrier}{}", range("1617", "31003")));
    let send = || {
        let arguments = [
            "send",
            "--url",
            &gateway.mm7,
            "--vaspid",
            "acme-key",
            "--from",
            "111122",
            "--to",
            "16175550100",
            "--text",
            "x",
        ];
        let output = posthouse(folder.path(), &arguments).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    };
    assert!(send().contains("1000"));
    let drain = |verb| posthouse(folder.path(), &[verb, "-c", "posthouse.toml", "--json"]).output().unwrap();
    let drained = drain("drain");
    let node: Value = serde_json::from_slice(&drained.stdout).unwrap();
    assert_eq!(node["node"]["draining"], true, "{node}");
    let refused = send();
    assert!(refused.contains("3510"), "{refused}");
    assert_eq!(
        [ready(&gateway, ""), ready(&gateway, "?door=mm7"), ready(&gateway, "?door=carriers")],
        [503, 503, 200]
    );
    assert_eq!(get(&format!("{}/readyz?door=cellar", gateway.admin)).unwrap().0, 400);
    assert!(drain("undrain").status.success());
    assert_eq!(ready(&gateway, ""), 200);
    assert!(send().contains("1000"));
    drop(gateway);
    let nobody = drain("drain");
    assert!(
        !nobody.status.success() && String::from_utf8_lossy(&nobody.stderr).contains("no gateway runs on"),
        "{nobody:?}"
    );
}

/// A store as a program left it that knew the first nine migrations.
fn older_store(folder: &Path) {
    fs::create_dir(folder.join("data")).unwrap();
    let database = rusqlite::Connection::open(folder.join("data/posthouse.db")).unwrap();
    let table = "CREATE TABLE migration (version INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum INTEGER NOT NULL, applied_at INTEGER NOT NULL) STRICT";
    database.execute_batch(table).unwrap();
    let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("../posthouse-store/migrations/sqlite");
    let mut files: Vec<_> = fs::read_dir(migrations).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    for (file, version) in files.iter().zip(1..=9) {
        let sql = fs::read_to_string(file).unwrap();
        database.execute_batch(&sql).unwrap();
        let name = file.file_stem().unwrap().to_str().unwrap().split_once('_').unwrap().1;
        let row = (version, name, i64::from(crc32fast::hash(sql.as_bytes())));
        database.execute("INSERT INTO migration VALUES (?, ?, ?, 0)", row).unwrap();
    }
}

#[test]
fn a_look_never_migrates_and_store_migrate_does() {
    let folder = folder();
    older_store(folder.path());
    let run = |arguments: &[&str]| posthouse(folder.path(), arguments).output().unwrap();
    let status = || -> Value {
        let output = run(&["store", "status", "-c", "posthouse.toml", "--json"]);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
    };
    let before = status();
    assert!(before["version"] == 9 && before["program"].as_i64().unwrap() > 9, "{before}");
    for look in [
        &["messages", "list", "-c", "posthouse.toml"][..],
        &["queues", "-c", "posthouse.toml"],
        &["clock", "-c", "posthouse.toml"],
    ] {
        let output = run(look);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{look:?}: {said}");
        assert!(said.contains("posthouse store migrate"), "{said}");
    }
    assert_eq!(status(), before, "nothing was changed");
    assert!(run(&["store", "migrate", "-c", "posthouse.toml"]).status.success());
    assert_eq!(status()["version"], before["program"]);
    assert!(run(&["messages", "list", "-c", "posthouse.toml"]).status.success());
}

#[test]
fn root_makes_no_files_in_another_users_store() {
    let is_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    if !is_root {
        eprintln!("only root can try what root may not do: left out");
        return;
    }
    let folder = folder();
    let gateway = Gateway::start(folder.path());
    gateway.program.signal("TERM");
    assert!(gateway.program.ended().status.success());
    let data = folder.path().join("data");
    assert!(Command::new("chown").args(["-R", "nobody"]).arg(&data).status().unwrap().success());
    let files = || fs::read_dir(&data).unwrap().count();
    let before = files();
    for command in [
        &["messages", "list", "-c", "posthouse.toml"][..],
        &["serve", "-c", "posthouse.toml"],
        &["store", "migrate", "-c", "posthouse.toml"],
    ] {
        let output = posthouse(folder.path(), command).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains("sudo -u nobody posthouse"), "{command:?}: {said}");
    }
    assert_eq!(files(), before);

    // Nor where the other user has not begun yet.
    let home = folder.path().join("home");
    fs::create_dir(&home).unwrap();
    assert!(Command::new("chown").arg("nobody").arg(&home).status().unwrap().success());
    let settings = settings::TOML.replace("://data/", "://home/data/");
    fs::write(folder.path().join("new.toml"), settings).unwrap();
    fs::write(folder.path().join("provisioning.toml"), "").unwrap();
    for command in
        [&["apply", "--create", "provisioning.toml", "-c", "new.toml"][..], &["serve", "-c", "new.toml"]]
    {
        let output = posthouse(folder.path(), command).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains("sudo -u nobody posthouse"), "{command:?}: {said}");
    }
    assert_eq!(fs::read_dir(&home).unwrap().count(), 0);
}

#[test]
fn what_is_no_database_is_said_to_be_none() {
    let folder = folder();
    fs::create_dir(folder.path().join("data")).unwrap();
    fs::write(folder.path().join("data/posthouse.db"), "once upon a time ".repeat(1000)).unwrap();
    let began = Instant::now();
    let output = posthouse(folder.path(), &["messages", "list", "-c", "posthouse.toml"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("is no database; give another path in [store] url"),
        "{said} after {:?}",
        began.elapsed()
    );
    assert!(began.elapsed() < DEADLINE + Duration::from_secs(1));
}
