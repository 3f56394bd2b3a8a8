//! `posthouse lint` and the doors say the same: every vector of this project, and every captured message of the folder that
//! MM7_CORPUS_DIR may name, goes to a gateway in every dialect, and is judged as a file.
//!
//! Whatever provisioning decides is provisioned so that it lets everything pass; what is left is what a file shows.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use mm7::{Dialect, Limits, Message, StatusCode, lint::Raw, message::Operation};
use posthouse_core::{
    lint::{LintReport, NOT_JUDGED, Options},
    submit::causes,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use posthouse_testing::town::{Town, TownPlan};

/// The row of contract 4.1 that asks for content by URL: it can never be fetched here, nor told from a file.
const CONTENT_BY_URL_ROW: u8 = 31;
/// How long an answer may take.
const DEADLINE: Duration = Duration::from_secs(20);

/// A file, and its bytes as they are sent and judged.
struct Vector {
    name: String,
    bytes: Vec<u8>,
    operation: Option<Operation>,
    is_response: bool,
    /// Whether carriers send it, and not VASPs.
    is_from_carrier: bool,
    /// VASPID, VASID and sender, as far as they can be read.
    vaspid: Option<String>,
    vasid: Option<String>,
    sender: Option<String>,
    /// Whom a message from a handset is for.
    recipients: Vec<String>,
}

impl Vector {
    fn read(path: &Path) -> Self {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let bytes = as_posted(fs::read(path).unwrap());
        let report = LintReport::read(bytes.clone().into(), &Options::default());
        let message = report.lint.decoded.as_ref().ok().and_then(|decoded| decoded.message.as_ref());
        let req = match message {
            Some(Message::SubmitReq(req)) => Some(req),
            _ => None,
        };
        let recipients = match message {
            Some(Message::DeliverReq(req)) => req.recipients.as_slice(),
            _ => &[],
        };
        let decoded = report.lint.decoded.as_ref().ok();
        Self {
            operation: message.and_then(Message::operation),
            is_from_carrier: report.is_from_carrier(),
            is_response: report.lint.raw.is_response()
                || message.is_some_and(|message| !message.is_request()),
            vaspid: decoded.and_then(|decoded| decoded.vaspid.as_ref()).map(|id| id.as_str().to_owned()),
            vasid: req.and_then(|req| req.sender.vasid.as_ref()).map(|id| id.as_str().to_owned()),
            sender: req.and_then(|req| req.sender.address.as_ref()).map(|sender| sender.as_str().to_owned()),
            recipients: recipients.iter().map(|recipient| recipient.address.as_str().to_owned()).collect(),
            name,
            bytes,
        }
    }

    /// What lint says that a dialect answers; 1000 where it is taken.
    fn lint(&self, dialect: &Dialect) -> (u32, Option<u8>) {
        let report = LintReport::read(self.bytes.clone().into(), &Options::default());
        let verdict = report.verdict(dialect);
        let code = verdict.refused_with().map_or(1000, |status| status.code);
        (code, verdict.refusals.first().map(|refusal| refusal.row))
    }

    /// The request, posted to this path.
    fn to(&self, path: &str) -> Vec<u8> {
        let end = self.bytes.iter().position(|byte| *byte == b'\n').unwrap();
        let (line, rest) = self.bytes.split_at(end);
        let line = String::from_utf8_lossy(line);
        let mut words = line.trim_end().split(' ');
        let (method, target, version) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
        let host = target.strip_prefix("http://").map_or("", |rest| rest.split('/').next().unwrap());
        let target = if host.is_empty() { path.to_owned() } else { format!("http://{host}{path}") };
        [format!("{method} {target} {version}\r").as_bytes(), rest].concat()
    }
}

/// A file as it is posted: a bare body gets a head, and a length that was printed wrongly with a captured body is put right. What
/// is wrong with the lengths of our own vectors is meant.
fn as_posted(file: Vec<u8>) -> Vec<u8> {
    let raw = Raw::read(file.clone().into());
    let length = file.len() - raw.body_offset;
    if !raw.has_head() {
        let content_type = raw.effective_type();
        let head = format!(
            "POST /mm7/v1 HTTP/1.1\r\nHost: h\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n"
        );
        return [head.into_bytes(), file].concat();
    }
    file
}

/// The same with the length that the body has.
fn with_true_length(file: Vec<u8>) -> Vec<u8> {
    let raw = Raw::read(file.clone().into());
    let Some(header) = raw.header("content-length") else { return file };
    let end = header.offset + file[header.offset..].iter().position(|byte| *byte == b'\n').unwrap();
    let length = format!("Content-Length: {}\r", file.len() - raw.body_offset);
    [&file[..header.offset], length.as_bytes(), &file[end..]].concat()
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "xml" || ending == "http"));
    files.sort();
    files
}

/// TOML that lets every vector pass whatever a file does not show: an account for each VASPID, with every service and sender.
fn provisioning(vectors: &[Vector], dialect: &str) -> String {
    let mut accounts: BTreeMap<&str, BTreeMap<Option<&str>, BTreeSet<&str>>> = BTreeMap::new();
    for vector in vectors {
        let Some(vaspid) = &vector.vaspid else { continue };
        let services = accounts.entry(vaspid).or_default();
        services.entry(vector.vasid.as_deref()).or_default().extend(vector.sender.as_deref().map(str::trim));
    }
    let mut toml = String::new();
    for (number, (vaspid, services)) in accounts.into_iter().enumerate() {
        toml += &format!(
            "[[account]]\nname = \"a{number}\"\nvaspid = {vaspid:?}\ndialect = {dialect:?}\n\
             max_message_bytes = 5242880\n"
        );
        for (vasid, senders) in services {
            // A service has to have some sender.
            let senders: Vec<_> = senders.into_iter().chain(["999999"]).collect();
            let default = vasid.is_none();
            let vasid = vasid.unwrap_or("whatever there is no VASID for");
            toml += &format!(
                "[[account.service]]\nvasid = {vasid:?}\nsenders = {senders:?}\ndefault = {default}\n"
            );
        }
    }
    let handsets: BTreeSet<_> = vectors.iter().flat_map(|vector| &vector.recipients).collect();
    let handsets: Vec<_> = handsets.into_iter().collect();
    if !handsets.is_empty() {
        toml += &format!(
            "[[account]]\nname = \"handsets\"\nvaspid = \"whoever handsets write to\"\n\
             [[account.service]]\nvasid = \"handsets\"\nsenders = {handsets:?}\n"
        );
    }
    // Nothing of what is taken is to be sent on, but a carrier needs a connection.
    toml += "[[carrier]]\nid = \"31003\"\ncontent_types = [\"*/*\"]\nmax_message_bytes = 5242880\n\
             [[carrier.connection]]\nname = \"nowhere\"\nurl = \"http://127.0.0.1:9/mm7\"\n";
    let range = |digit| format!("[[range]]\nprefix = \"{digit}\"\ncarrier = \"31003\"\n");
    toml + &(1..10).map(range).collect::<String>()
}

/// The code of the answer; `None` where there is no MM7 in it, or the connection was closed without one.
async fn answered(door: SocketAddr, request: &[u8]) -> Option<u32> {
    let mut stream = TcpStream::connect(door).await.unwrap();
    let exchanging = async {
        let _ = stream.write_all(request).await;
        let mut bytes = Vec::new();
        while !is_whole(&bytes) && stream.read_buf(&mut bytes).await.is_ok_and(|read| read > 0) {}
        bytes
    };
    let bytes =
        timeout(DEADLINE, exchanging).await.expect("an answer, or the end of the connection, in time");
    let raw = Raw::read(bytes.into());
    // What is beyond a length that was too short is a request of its own, with an answer of its own.
    let length = raw.header("content-length")?.value.parse().unwrap();
    let decoded = mm7::decode(raw.body().get(..length)?, None, &Limits::default()).ok()?;
    Some(decoded.message?.status()?.code)
}

/// Whether an answer has come to its end.
fn is_whole(bytes: &[u8]) -> bool {
    let raw = Raw::read(bytes.to_vec().into());
    let length = raw.header("content-length").and_then(|header| header.value.parse::<usize>().ok());
    length.is_some_and(|length| bytes.len() >= raw.body_offset + length)
}

/// The rows of contract 4.1 that a file cannot be judged by, with their codes.
fn unjudged() -> Vec<(StatusCode, u8)> {
    let names: Vec<_> = NOT_JUDGED.iter().flat_map(|(_, names)| names.iter()).collect();
    let causes = causes().into_iter().filter(|cause| cause.checks.iter().any(|check| names.contains(&check)));
    causes.map(|cause| (cause.status(), cause.row)).collect()
}

/// Whether the door and lint agree. Rows from `elsewhere` on may refuse first what a file cannot show.
fn agree(door: Option<u32>, (lint, row): (u32, Option<u8>), dialect: &Dialect, elsewhere: u8) -> bool {
    // Who does not send all that was said is hung up on.
    let Some(door) = door else { return lint != 1000 };
    let is_unjudged = |(code, own): &(StatusCode, u8)| {
        dialect.status(*code).code == door && *own >= elsewhere && row.is_none_or(|row| row >= *own)
    };
    door == lint || unjudged().iter().any(is_unjudged)
}

async fn run(vectors: &[Vector], elsewhere: u8) {
    let mut wrong = Vec::new();
    for dialect in Dialect::ALL {
        let mut plan = TownPlan::default();
        // Some bodies never come to the length that was said.
        plan.settings.mm7.read_timeout = Duration::from_millis(500);
        let town = Town::planned(plan).await;
        town.provision(&provisioning(vectors, dialect.name)).await;
        for vector in vectors.iter().filter(|vector| !vector.is_response) {
            let door = match vector.is_from_carrier {
                true => answered(town.carrier_door(), &vector.to("/carriers/31003/mm7")).await,
                false => answered(town.mm7_door(), &vector.to("/mm7/v1")).await,
            };
            let lint = vector.lint(dialect);
            // Whom a message from a handset is for only provisioning tells, and that it is for nobody.
            if vector.operation == Some(Operation::Deliver)
                && door == Some(2002)
                && vector.recipients.is_empty()
            {
                continue;
            }
            if !agree(door, lint, dialect, elsewhere) {
                let lint = lint.0;
                wrong.push(format!("{} in {}: the door {door:?}, lint {lint}", vector.name, dialect.name));
            }
        }
        town.without_gateway().await;
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

fn own_vectors() -> Vec<Vector> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["tests/vectors", "../mm7/vectors", "../mm7/vectors/requests"];
    folders.iter().flat_map(|folder| files_in(&here.join(folder))).map(|file| Vector::read(&file)).collect()
}

#[tokio::test]
async fn of_every_vector() {
    let vectors = own_vectors();
    assert!(vectors.len() > 150, "{} vectors", vectors.len());
    run(&vectors, CONTENT_BY_URL_ROW).await;
}

#[tokio::test]
async fn of_every_captured_message() {
    let Some(folder) = std::env::var_os("MM7_CORPUS_DIR") else {
        println!("MM7_CORPUS_DIR is not set: messages from real peers are left out");
        return;
    };
    let read = |file: &PathBuf| {
        let vector = Vector::read(file);
        Vector { bytes: with_true_length(vector.bytes), ..vector }
    };
    let vectors: Vec<_> = files_in(Path::new(&folder)).iter().map(read).collect();
    assert!(!vectors.is_empty(), "the folder holds no messages");
    run(&vectors, 0).await;
}

/// The vectors are good for something: each dialect takes some and refuses some, and for most of the reasons that a file shows.
#[test]
fn the_vectors_are_of_every_kind() {
    let vectors = own_vectors();
    for dialect in Dialect::ALL {
        let codes: BTreeSet<u32> = vectors
            .iter()
            .filter(|vector| !vector.is_response && !vector.is_from_carrier)
            .map(|vector| vector.lint(dialect).0)
            .collect();
        for code in [
            1000, 2500, 2502, 2503, 2504, 2505, 2506, 2507, 2510, 2511, 2512, 2513, 2514, 2515, 2560, 2561,
            2565,
        ] {
            assert!(codes.contains(&code), "no vector is answered {code} in {}: {codes:?}", dialect.name);
        }
    }
}
