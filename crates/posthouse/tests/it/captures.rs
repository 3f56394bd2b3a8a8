//! Captures: what goes over the wire, without keys, passwords and content (docs/api.md).

use std::path::Path;

use posthouse_sim::{Submit, http::Client, media, submit};
use serde_json::Value;
use tokio::task::block_in_place;

use crate::{
    outage::town::{Town, all_ended, provision, until},
    process::{DEADLINE, posthouse},
};

const CONTENT: &str = "the secret content of a message";
const SUBJECT: &str = "the subject of a message";
const KEY: &str = "acme-key";
const NUMBER: &str = "16175550100";

fn run(folder: &Path, arguments: &[&str]) -> (bool, String) {
    let mut all = vec!["captures"];
    all.extend(arguments);
    all.extend(["-c", "posthouse.toml"]);
    let output = block_in_place(|| posthouse(folder, &all).output().unwrap());
    let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
    (output.status.success(), said.concat())
}

fn shown(folder: &Path, id: &str) -> Value {
    let output = block_in_place(|| {
        posthouse(folder, &["captures", "show", id, "--json", "-c", "posthouse.toml"]).output().unwrap()
    });
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

async fn send(mm7: &str) {
    let request = Submit {
        url: mm7.to_owned(),
        vaspid: Some(KEY.to_owned()),
        subject: Some(SUBJECT.to_owned()),
        media: vec![media::part("a.txt", CONTENT.as_bytes().to_vec())],
        ..Submit::new("", "111122", NUMBER)
    };
    assert!(submit(&Client::new(DEADLINE), &request).await.unwrap().is_success());
}

#[tokio::test(flavor = "multi_thread")]
async fn all_legs_are_kept_without_keys_and_content_till_it_is_removed() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("gateway");
    let town = Town::build(&folder).await;
    let gateway = town.gateway();
    block_in_place(|| provision(&folder, &town.carrier.url(), &town.vasp.url(), ""));
    // Nothing of this one is kept: its last leg is over before anything is.
    send(&gateway.mm7).await;
    all_ended(&folder).await;
    until("its reports are delivered", || {
        let output = block_in_place(|| {
            posthouse(&folder, &["callbacks", "list", "--json", "-c", "posthouse.toml"]).output().unwrap()
        });
        let said: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
        said["callbacks"].as_array().unwrap().is_empty()
    })
    .await;
    let (begun, said) = run(&folder, &["begin", "--account", "acme", "--max", "3"]);
    assert!(begun && said.contains("capture 1 till ") && said.contains(", at most 3"), "{said}");
    let (begun, said) = run(&folder, &["begin", "--carrier", "31003", "--for", "5m", "--reason", "a test"]);
    assert!(begun && said.contains("capture 2 till "), "{said}");
    let (begun, said) = run(&folder, &["begin", "--carrier", "31009"]);
    assert!(!begun && said.contains("no carrier 31009 is provisioned"), "{said}");
    let (begun, said) = run(&folder, &["begin", "--carrier", "31003", "--for", "2h"]);
    assert!(!begun && said.contains("it is not within an hour from now"), "{said}");

    send(&gateway.mm7).await;
    all_ended(&folder).await;
    let legs = |id: &str| {
        let shown = shown(&folder, id);
        let of = |one: &Value| one["leg"].as_str().unwrap().to_owned();
        let mut legs: Vec<String> = shown["exchanges"].as_array().unwrap().iter().map(of).collect();
        legs.sort();
        // There may be a report that it was forwarded, and one that it was retrieved.
        legs.dedup();
        legs
    };
    until("all legs of the carrier are there", || legs("2") == ["attempt", "callback", "carrier"]).await;
    until("all legs of the account are there", || legs("1") == ["attempt", "callback", "submit"]).await;
    let account = shown(&folder, "1");
    assert_eq!(
        (&account["capture"]["running"], &account["capture"]["exchanges"]),
        (&false.into(), &3.into())
    );
    let submit = account["exchanges"].as_array().unwrap().iter().find(|one| one["leg"] == "submit").unwrap();
    let (request, answer) = (submit["request"].as_str().unwrap(), submit["answer"].as_str().unwrap());
    assert!(request.starts_with("POST /mm7/v1 HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("VASPID>•••</") && request.contains("+1617•••0100"), "{request}");
    assert!(request.contains("[part 1: ") && request.contains(" bytes]"), "{request}");
    assert!(answer.starts_with("HTTP/1.1 200\r\n") && answer.contains("StatusCode>1000<"), "{answer}");
    let everything = format!("{account} {}", shown(&folder, "2"));
    for secret in [CONTENT, SUBJECT, KEY, NUMBER] {
        assert!(!everything.contains(secret), "{secret} in {everything}");
    }
    let (printed, said) = run(&folder, &["show", "2"]);
    assert!(printed && said.contains("> POST /") && said.contains("< HTTP/1.1 200"), "{said}");

    let (removed, said) = run(&folder, &["remove", "1"]);
    assert!(removed && said.contains("capture 1 is gone"), "{said}");
    let (again, said) = run(&folder, &["remove", "1"]);
    assert!(!again && said.contains("this node has no capture"), "{said}");
    let (listed, said) = run(&folder, &["list"]);
    assert!(
        listed
            && said.starts_with("2  carrier 31003  ")
            && said.contains(" of 100, 0 left out  running till "),
        "{said}"
    );
    let audit =
        block_in_place(|| posthouse(&folder, &["audit", "--json", "-c", "posthouse.toml"]).output().unwrap());
    let audit = String::from_utf8_lossy(&audit.stdout).into_owned();
    assert!(audit.contains("begin-capture") && audit.contains("remove-capture"), "{audit}");
    assert!(audit.contains("capture 2 of carrier 31003") && audit.contains("a test"), "{audit}");
    drop(gateway);
}
