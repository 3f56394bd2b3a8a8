//! A process that is stopped for longer than its time-outs, as by a snapshot of its machine, while its carrier answers.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::process::{self, Gateway, Program, folder, posthouse};
use posthouse_testing::provisioning::{AccountToml, CarrierToml, range};

/// The carrier's time-out; the process is stopped for longer.
const TIMEOUT: Duration = Duration::from_millis(1000);

/// Reads a request; its TransactionID.
fn read_request(stream: &TcpStream) -> String {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let line = line.trim().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let body = String::from_utf8_lossy(&body).into_owned();
    let (_, rest) = body.split_once("TransactionID").unwrap();
    let (_, rest) = rest.split_once('>').unwrap();
    rest.split('<').next().unwrap().to_owned()
}

fn answer(transaction_id: &str) -> String {
    let namespace = "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4";
    let body = format!(
        "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Header><TransactionID xmlns=\"{namespace}\">{transaction_id}\
         </TransactionID></e:Header><e:Body><SubmitRsp xmlns=\"{namespace}\"><MM7Version>6.8.0</MM7Version><Status><StatusCode>1000\
         </StatusCode></Status><MessageID>c-1</MessageID></SubmitRsp></e:Body></e:Envelope>"
    );
    format!("HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn provision(program_folder: &std::path::Path, carrier: u16) {
    let url = format!("http://127.0.0.1:{carrier}/mm7");
    let timeout =
        format!("vaspid = \"posthouse\"\nvasid = \"gw\"\ntimeout = \"{}ms\"\n", TIMEOUT.as_millis());
    let carrier =
        CarrierToml::new("31003").with("on_unknown = \"resend\"\n").connection("vzw-1", &url, &timeout);
    let account = AccountToml::new("acme").vaspid("key");
    process::provision(program_folder, &format!("{account}{carrier}{}", range("1617", "31003")));
}

fn messages(program_folder: &std::path::Path) -> Vec<Value> {
    let listed =
        posthouse(program_folder, &["messages", "list", "--json", "-c", "posthouse.toml"]).output().unwrap();
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    listed["messages"].as_array().unwrap().clone()
}

/// The answer lies in the socket when it goes on, and all its time-outs have passed.
#[test]
fn an_answer_that_came_while_it_was_stopped_counts() {
    let folder = folder();
    let carrier = TcpListener::bind("127.0.0.1:0").unwrap();
    let gateway = Gateway::ready(Program::start(folder.path(), &["serve", "-c", "posthouse.toml"]));
    provision(folder.path(), carrier.local_addr().unwrap().port());
    for _ in 0..3 {
        let sending = posthouse(
            folder.path(),
            &[
                "send",
                "--url",
                &gateway.mm7,
                "--vaspid",
                "key",
                "--vasid",
                "61295",
                "--from",
                "111122",
                "--to",
                "16175550100",
                "--text",
                "hi",
            ],
        )
        .spawn()
        .unwrap();
        let sent = sending.wait_with_output().unwrap();
        assert!(sent.status.success(), "{sent:?}");
        let (stream, _) = carrier.accept().unwrap();
        let transaction_id = read_request(&stream);
        gateway.program.signal("STOP");
        (&stream).write_all(answer(&transaction_id).as_bytes()).unwrap();
        thread::sleep(TIMEOUT * 2);
        gateway.program.signal("CONT");
        let begun = Instant::now();
        while messages(folder.path()).iter().any(|message| message["state"] == "Sending") {
            assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", messages(folder.path()));
            thread::sleep(Duration::from_millis(20));
        }
        drop(stream);
    }
    let found = messages(folder.path());
    assert_eq!(found.len(), 3);
    assert!(
        found.iter().all(|message| message["state"] == "Forwarded" && message["attempts"] == 1),
        "{found:#?}"
    );
}
