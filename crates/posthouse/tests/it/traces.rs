//! Traces: all legs of a message in one, without anything that is a secret or somebody's number (docs/operations.md).

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::{Arc, Mutex},
    thread,
};

use posthouse_sim::{Submit, http::Client, media, submit};
use serde_json::Value;
use tokio::task::block_in_place;

use crate::{
    outage::town::{Town, all_ended, provision, until},
    process::DEADLINE,
};

/// What must not be in any span or line of the log.
const CONTENT: &str = "the secret content of a message";
const SUBJECT: &str = "the subject of a message";
const KEY: &str = "acme-key";
const NUMBER: &str = "16175550100";

/// A collector: every body that was posted to it.
struct Sink {
    address: String,
    bodies: Arc<Mutex<Vec<String>>>,
}

impl Sink {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let bodies = Arc::<Mutex<Vec<String>>>::default();
        let kept = Arc::clone(&bodies);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let kept = Arc::clone(&kept);
                thread::spawn(move || take(&stream, &kept));
            }
        });
        Self { address, bodies }
    }

    fn spans(&self) -> Vec<Value> {
        let bodies = self.bodies.lock().unwrap();
        let documents = bodies.iter().map(|body| serde_json::from_str::<Value>(body).unwrap());
        let spans = documents.flat_map(|document| {
            let spans = &document["resourceSpans"][0]["scopeSpans"][0]["spans"];
            spans.as_array().unwrap().clone()
        });
        spans.collect()
    }
}

/// Answers the requests of one connection.
fn take(stream: &TcpStream, kept: &Mutex<Vec<String>>) {
    let (mut reader, mut writer) = (BufReader::new(stream), stream);
    loop {
        let (mut length, mut line) = (0, String::new());
        while reader.read_line(&mut line).is_ok_and(|read| read > 0) && line != "\r\n" {
            let header = line.trim().to_ascii_lowercase();
            if let Some(said) = header.strip_prefix("content-length: ") {
                length = said.parse().unwrap();
            }
            assert!(!header.starts_with("post") || header.starts_with("post /v1/traces http/1.1"), "{line}");
            line.clear();
        }
        let mut body = vec![0; length];
        if length == 0 || reader.read_exact(&mut body).is_err() {
            return;
        }
        kept.lock().unwrap().push(String::from_utf8(body).unwrap());
        let answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
        if writer.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn send_traces(folder: &Path, collector: &str, ratio: &str) {
    let mut settings = fs::OpenOptions::new().append(true).open(folder.join("posthouse.toml")).unwrap();
    writeln!(settings, "\n[telemetry]\notlp = \"http://{collector}\"\nratio = {ratio:?}").unwrap();
}

async fn send(mm7: &str, to: &str) -> bool {
    let request = Submit {
        url: mm7.to_owned(),
        vaspid: Some(KEY.to_owned()),
        subject: Some(SUBJECT.to_owned()),
        media: vec![media::part("a.txt", CONTENT.as_bytes().to_vec())],
        ..Submit::new("", "111122", to)
    };
    submit(&Client::new(DEADLINE), &request).await.unwrap().is_success()
}

fn attribute<'v>(span: &'v Value, name: &str) -> Option<&'v str> {
    let attributes = span["attributes"].as_array()?;
    attributes.iter().find(|one| one["key"] == name)?["value"]["stringValue"].as_str()
}

#[tokio::test(flavor = "multi_thread")]
async fn all_legs_of_a_message_are_one_trace_without_secrets() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("gateway");
    let (town, sink) = (Town::build(&folder).await, Sink::start());
    send_traces(&folder, &sink.address, "1");
    let gateway = town.gateway();
    block_in_place(|| provision(&folder, &town.carrier.url(), &town.vasp.url(), ""));
    assert!(send(&gateway.mm7, NUMBER).await);
    all_ended(&folder).await;
    let legs = ["accept", "attempt", "callback", "report", "submit"];
    until("all legs are told", || {
        let spans = sink.spans();
        legs.iter().all(|leg| spans.iter().any(|span| span["name"] == *leg))
    })
    .await;

    let spans = sink.spans();
    let mut traces: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for span in &spans {
        traces.entry(span["traceId"].as_str().unwrap()).or_default().push(span);
    }
    assert_eq!(traces.len(), 1, "{spans:#?}");
    let root = spans.iter().find(|span| span["name"] == "submit").unwrap();
    assert_eq!(root["parentSpanId"], "");
    for span in spans.iter().filter(|span| span["name"] != "submit") {
        assert_eq!(span["parentSpanId"], root["spanId"], "{span}");
    }
    let kind = |name: &str| spans.iter().find(|span| span["name"] == name).unwrap()["kind"].as_u64().unwrap();
    assert_eq!(legs.map(kind), [1, 3, 3, 2, 2]);
    let attempt = spans.iter().find(|span| span["name"] == "attempt").unwrap();
    assert_eq!(attribute(attempt, "posthouse.carrier"), Some("31003"));
    assert_eq!(attribute(attempt, "posthouse.connection"), Some("sim"));
    assert_eq!(attribute(attempt, "posthouse.code"), Some("1000"));

    // Peers are told of it.
    let told = town.carrier.messages()[0].headers["traceparent"].to_str().unwrap().to_owned();
    let expected =
        format!("00-{}-{}-01", root["traceId"].as_str().unwrap(), attempt["spanId"].as_str().unwrap());
    assert_eq!(told, expected);
    let callback = town.vasp.callbacks()[0].headers["traceparent"].to_str().unwrap().to_owned();
    assert!(callback.starts_with(&format!("00-{}-", root["traceId"].as_str().unwrap())), "{callback}");

    gateway.program.signal("TERM");
    let ended = block_in_place(|| gateway.program.ended());
    let everything = format!("{:?} {:?} {:?}", sink.bodies.lock().unwrap(), ended.stderr, ended.stdout);
    for secret in [CONTENT, SUBJECT, KEY, NUMBER, "6175550100"] {
        assert!(!everything.contains(secret), "{secret} in {everything}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_is_told_whatever_the_ratio_and_a_collector_that_is_away_holds_nothing_up() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("gateway");
    let (town, sink) = (Town::build(&folder).await, Sink::start());
    send_traces(&folder, &sink.address, "0");
    let gateway = town.gateway();
    block_in_place(|| provision(&folder, &town.carrier.url(), &town.vasp.url(), ""));
    assert!(send(&gateway.mm7, NUMBER).await);
    assert!(send(&gateway.mm7, "16175554007").await, "its carrier refuses it");
    assert!(!send(&gateway.mm7, "49170123456").await, "nobody serves it");
    until("both failures are told", || sink.spans().len() >= 2).await;
    let failed: BTreeMap<String, Value> =
        sink.spans().into_iter().map(|span| (span["name"].as_str().unwrap().to_owned(), span)).collect();
    assert_eq!(failed.keys().collect::<Vec<_>>(), ["attempt", "submit"]);
    assert_eq!(failed["attempt"]["status"]["code"], 2);
    assert_eq!(attribute(&failed["attempt"], "posthouse.code"), Some("4007"));
    assert_eq!(attribute(&failed["submit"], "posthouse.code"), Some("2570"));
    drop(gateway);

    // A port at which nobody listens.
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let text = fs::read_to_string(folder.join("posthouse.toml")).unwrap();
    let text = text.replace(&sink.address, &nobody.to_string()).replace("ratio = \"0\"", "ratio = \"1\"");
    fs::write(folder.join("posthouse.toml"), text).unwrap();
    let gateway = town.gateway();
    assert!(send(&gateway.mm7, "16175550101").await);
    all_ended(&folder).await;
    block_in_place(|| gateway.program.said("spans are dropped"));
    until("they are counted", || {
        let metrics = crate::metrics::get(&gateway.admin, "/metrics", "*/*").1;
        let dropped =
            metrics.lines().find(|line| line.starts_with("posthouse_trace_spans_total{outcome=\"dropped\"}"));
        dropped.is_some_and(|line| !line.ends_with(" 0"))
    })
    .await;
}
