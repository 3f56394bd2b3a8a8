//! `posthouse messages`, as a process beside a gateway.

use std::{
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    process::{Command, Output},
};

use jiff::Timestamp;
use posthouse_core::actor::Actor;
use posthouse_gateway::{
    app::{App, Components},
    config::{ConfigFile, Settings, apply},
};
use posthouse_sim::{Submit, http::Client, submit};
use serde_json::Value;

const PROVISIONING: &str = r#"
[[account]]
name = "acme"
vaspid = "acme-key"
[[account.service]]
vasid = "61295"
senders = ["111122"]
[[carrier]]
id = "31003"
[[carrier.connection]]
name = "nobody"
url = "http://127.0.0.1:9/mm7"
[[range]]
prefix = "1"
carrier = "31003"
"#;

fn messages(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_posthouse"));
    command.current_dir(folder).arg("messages").args(arguments).output().unwrap()
}

fn json(folder: &Path, arguments: &[&str]) -> Value {
    let output = messages(folder, arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Posts bytes as XML and waits for an answer.
fn post(url: &str, body: &[u8]) {
    let (address, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    let head = format!(
        "POST /{path} HTTP/1.1\r\nHost: h\r\nContent-Type: text/xml\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("2007"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_listed_and_shown_beside_a_running_gateway() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = Settings::default();
    settings.store.path = folder.path().join("posthouse-data/posthouse.db");
    settings.media.place = folder.path().join("posthouse-data/media").into();
    for listen in [&mut settings.mm7.listen, &mut settings.carriers.listen, &mut settings.admin.listen] {
        *listen = "127.0.0.1:0".parse().unwrap();
    }
    let app = App::start(&settings, Components::default()).await.unwrap();
    let document = ConfigFile { file: "p.toml".to_owned(), text: PROVISIONING.to_owned(), folder: "".into() };
    app.provisioned(
        apply(&**app.store(), &document, &|_| None, false, &Actor::gateway(), Timestamp::now())
            .await
            .unwrap()
            .revision,
    )
    .await;
    let client = Client::new(std::time::Duration::from_secs(10));
    let mut ids = Vec::new();
    for to in ["16175550100", "16175550101", "16175550102"] {
        let request = Submit {
            vaspid: Some("acme-key".to_owned()),
            text: Some("hello".to_owned()),
            vasid: Some("61295".to_owned()),
            ..Submit::new(&app.ready().mm7, "111122", to)
        };
        let answer = submit(&client, &request).await.unwrap();
        ids.push(answer.message_id().unwrap().as_str().to_owned());
    }

    let all = json(folder.path(), &["list", "--json"]);
    let listed: Vec<_> =
        all["messages"].as_array().unwrap().iter().map(|one| one["message_id"].as_str().unwrap()).collect();
    assert_eq!(listed, [&ids[2], &ids[1], &ids[0]], "the newest first");
    let page = json(folder.path(), &["list", "--json", "--below", &ids[2], "--limit", "1"]);
    assert_eq!(page["messages"][0]["message_id"], *ids[1]);
    let one =
        json(folder.path(), &["list", "--json", "--to", "16175550100", "--account", "acme", "--since", "1h"]);
    assert_eq!(
        (one["messages"].as_array().unwrap().len(), &one["messages"][0]["recipient"]),
        (1, &"16175550100".into())
    );
    assert_eq!(
        json(folder.path(), &["list", "--json", "--state", "retrieved"])["messages"],
        Value::Array(Vec::new())
    );

    let cursor = json(folder.path(), &["list", "--json", "--limit", "1"])["next"].clone();
    assert_eq!(cursor, *ids[2]);
    let page = messages(folder.path(), &["list", "--cursor", &ids[2], "--limit", "1"]);
    let page = String::from_utf8(page.stdout).unwrap();
    assert!(page.ends_with(&format!("there may be more: --cursor {}\n", ids[1])), "{page}");
    for spelling in ["+1 (617) 555-0100", "1 617 555 0100", "+16175550100"] {
        let found = json(folder.path(), &["list", "--json", "--to", spelling]);
        assert_eq!(found["messages"].as_array().unwrap().len(), 1, "{spelling}");
    }
    for (arguments, said) in [
        (&["list", "--account", "acmee"][..], "no account acmee is provisioned"),
        (&["list", "--carrier", "99999", "--count"], "no carrier 99999 is provisioned"),
        (&["list", "--connection", "somebody"], "no connection somebody is provisioned"),
        (&["requeue", "--carrier", "99999"], "no carrier 99999 is provisioned"),
        (&["resend-reports", "--account", "acmee"], "no account acmee is provisioned"),
        (&["list", "--to", "+1617•••0100"], "it is masked"),
        (&["list", "--since", "soon"], "write one such as 30m, 2:00 (UTC) or 2026-11-29T02:00:00Z"),
    ] {
        let refused = messages(folder.path(), arguments);
        let told = String::from_utf8(refused.stderr).unwrap();
        assert!(refused.status.code() == Some(2) && told.contains(said), "{arguments:?}: {told}");
    }
    let gone = messages(folder.path(), &["list", "--account", "acmee", "--unprovisioned"]);
    assert_eq!(String::from_utf8(gone.stdout).unwrap(), "no message matches\n");
    let counted = json(folder.path(), &["list", "--count", "--json", "--since", "2026-01-01"]);
    assert_eq!((&counted["messages"], &counted["since"]), (&3.into(), &"2026-01-01T00:00:00Z".into()));
    let counted = messages(folder.path(), &["list", "--count", "--by", "account,carrier"]);
    let counted = String::from_utf8(counted.stdout).unwrap();
    assert!(
        counted.starts_with("         3  acme  carrier 31003\n         3  messages, since "),
        "{counted}"
    );

    let shown = json(folder.path(), &["show", &ids[0], "--json"]);
    assert_eq!((&shown["account"], &shown["carrier"]), (&"acme".into(), &"31003".into()));
    assert_eq!(shown["timeline"][0]["kind"], "Accepted");
    let people = || {
        let people = messages(folder.path(), &["show", &ids[0]]);
        String::from_utf8(people.stdout).unwrap()
    };
    assert!(people().contains(&format!("MessageID      {}", ids[0])), "{}", people());
    // Nobody is there: it waits for another attempt.
    let began = std::time::Instant::now();
    while json(folder.path(), &["show", &ids[0], "--json"])["next"]["what"] != "attempt"
        || !people().contains("\nnext           attempt ")
    {
        assert!(began.elapsed() < std::time::Duration::from_secs(30), "{}", people());
    }

    let busy =
        json(folder.path(), &["list", "--json", "--code", "3500", "--connection", "nobody", "--since", "1h"]);
    assert!(!busy["messages"].as_array().unwrap().is_empty(), "{busy}");

    let door = app.ready().carriers.replace("{carrier}", "31003");
    let none = messages(folder.path(), &["unreadable"]);
    assert_eq!(String::from_utf8(none.stdout).unwrap(), "everything that came could be read\n");
    for _ in 0..2 {
        post(&door, b"MMStatus=Retrieved\n\x1b[2J\xff");
    }
    let listed = json(folder.path(), &["unreadable", "--json", "--carrier", "31003"]);
    let [one] = listed["unreadable"].as_array().unwrap().as_slice() else { unreachable!("{listed}") };
    assert_eq!((&one["times"], &one["code"], &one["length"]), (&2.into(), &2007.into(), &24.into()));
    assert_eq!(one["body"], "MMStatus=Retrieved\\n\\u{1b}[2J\\xff");
    let number = one["number"].to_string();
    let shown = String::from_utf8(messages(folder.path(), &["unreadable", &number]).stdout).unwrap();
    assert!(shown.contains("times          2\n"), "{shown}");
    assert!(shown.ends_with("\n  | MMStatus=Retrieved\n  | \\u{1b}[2J\\xff\n"), "{shown}");
    let wrong = messages(folder.path(), &["unreadable", "4711"]);
    assert_eq!(wrong.status.code(), Some(1), "{wrong:?}");
    assert!(!messages(folder.path(), &["unreadable", "--carrier", "31004"]).status.success());

    let transaction = json(folder.path(), &["show", &ids[0], "--json"])["transaction_id"].clone();
    let wrong = messages(folder.path(), &["show", transaction.as_str().unwrap()]);
    let told = String::from_utf8(wrong.stderr).unwrap();
    assert_eq!(wrong.status.code(), Some(1));
    assert!(
        told.contains(&format!("is the TransactionID of message {0}; `posthouse messages show {0}`", ids[0])),
        "{told}"
    );
    let found = Command::new(env!("CARGO_BIN_EXE_posthouse"))
        .current_dir(folder.path())
        .args(["find", "+1 617-555-0100"])
        .output()
        .unwrap();
    let told = String::from_utf8(found.stdout).unwrap();
    assert!(found.status.success() && told.starts_with(&format!("message   {}  ", ids[0])), "{told}");

    let unknown = messages(folder.path(), &["show", "17"]);
    assert_eq!(unknown.status.code(), Some(1));
    let told = String::from_utf8(unknown.stderr).unwrap();
    assert_eq!(told, "posthouse: there is no message 17; `posthouse messages list` shows those there are\n");
    assert_eq!(messages(folder.path(), &["list", "--state", "lost"]).status.code(), Some(2));
    app.stop().await.unwrap();
}
