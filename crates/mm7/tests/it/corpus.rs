//! Messages captured from real peers. They are not part of this project: their folder is named by MM7_CORPUS_DIR, and
//! without it the tests say so and pass.
//!
//! The folder has a file per message, `NNN-who-Operation.http` (HTTP head and body) or `.xml` (an envelope alone), and
//! an INDEX.md whose table says of each which operation, namespace and version it has, whether it is valid against the
//! schema, and what is odd about it. What is expected follows from the table.

use std::fs;
use std::path::Path;

use bytes::Bytes;
use mm7::mime::{ContentType, unpack};
use mm7::{
    DecodeError, Decoded, Dialect, Framing, Limits, Message, Rule, SeenNamespace, StatusCode, Version,
    decode, encode,
};

/// A row of the index.
struct Entry {
    file: String,
    operation: String,
    schema: String,
    validity: String,
    quirks: String,
}

fn entries(folder: &Path) -> Vec<Entry> {
    let index = fs::read_to_string(folder.join("INDEX.md")).unwrap();
    let rows = index.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| file "));
    let entry = |row: &str| {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
        let [file, _, _, operation, schema, validity, _, quirks] = <[String; 8]>::try_from(cells).ok()?;
        Some(Entry { file, operation, schema, validity, quirks })
    };
    rows.filter_map(entry).filter(|entry| folder.join(&entry.file).is_file()).collect()
}

/// The envelope in a file, and the charset parameter that goes with it.
fn envelope(file: &str, bytes: Vec<u8>) -> (Bytes, Option<String>) {
    if file.ends_with(".xml") {
        return (bytes.into(), None);
    }
    let bytes = Bytes::from(bytes);
    let (head, body) = split_head(&bytes);
    let head = String::from_utf8_lossy(&head).replace("\r\n", "\n").replace("\n ", " ").replace("\n\t", " ");
    let named = |line: &&str| line.to_ascii_lowercase().starts_with("content-type:");
    let value = head.lines().find(named).and_then(|line| line.split_once(':')).map_or("", |(_, value)| value);
    let content_type = ContentType::parse(value).unwrap_or_else(|_| ContentType::new("text/xml"));
    let charset = content_type.param("charset").map(str::to_owned);
    if !content_type.is_multipart() {
        return (body, charset);
    }
    let root = unpack(&content_type, body, &Limits::default()).root.unwrap();
    let charset = root.content_type.as_ref().and_then(|part| part.param("charset")).map(str::to_owned);
    (root.bytes().unwrap(), charset)
}

fn split_head(bytes: &Bytes) -> (Bytes, Bytes) {
    let end = |blank: &[u8]| memchr::memmem::find(bytes, blank).map(|at| (at, at + blank.len()));
    let (crlf, lf) = (end(b"\r\n\r\n"), end(b"\n\n"));
    let (head, body) = crlf.into_iter().chain(lf).min().unwrap();
    (bytes.slice(..head), bytes.slice(body..))
}

/// What the default dialect has to refuse a message for, whoever sends it; `None`: it is taken.
fn expected_refusal(entry: &Entry) -> Option<StatusCode> {
    let says = |words: &[&str]| words.iter().any(|word| entry.quirks.contains(word));
    match entry.operation.as_str() {
        "hostile" | "invalid" => return Some(StatusCode::UnableToParse),
        "empty-body" => return Some(StatusCode::InvalidSoapBody),
        "UnknownReq" => return Some(StatusCode::UnsupportedOperation),
        _ => {}
    }
    if says(&["70 KB Subject"]) {
        return Some(StatusCode::UnableToParse);
    }
    let header =
        ["no TransactionID", "NO SOAP Header", "without Header", "no Header", "mustUnderstand header"];
    if says(&header) || says(&["no SOAP envelope"]) {
        return Some(StatusCode::InvalidSoapHeader);
    }
    entry.schema.starts_with("urn:").then_some(StatusCode::UnsupportedNamespace)
}

/// What the default dialect refuses, in the order in which a peer is told.
fn refusal(decoded: &Result<Decoded, DecodeError>) -> Option<StatusCode> {
    match decoded {
        Err(error) => Some(error.status()),
        Ok(decoded) => {
            let refused = decoded.errors.iter().filter(|error| Dialect::POSTHOUSE.refuses(error.rule));
            refused.min_by_key(|error| error.rule).map(DecodeError::status)
        }
    }
}

/// Faults against the schema, which leaves the envelope's own rules out.
fn breaks_schema(decoded: &Decoded) -> bool {
    let is_of_schema = |rule: Rule| rule >= Rule::ForeignNamespace && rule != Rule::UnknownOperation;
    decoded.errors.iter().any(|error| is_of_schema(error.rule))
}

/// What makes an envelope invalid without being noted: an xsi:type, the children of a Fault in a namespace, and what
/// a later check has a code of its own for.
fn is_invalid_elsewhere(decoded: &Decoded, xml: &[u8]) -> bool {
    let has_type = memchr::memmem::find(xml, b"xsi:type").is_some();
    has_type
        || match &decoded.message {
            Some(Message::SubmitReq(req)) => req.recipients.is_empty() || req.sender.vaspid.is_none(),
            Some(Message::Fault(_)) => true,
            _ => false,
        }
}

/// The version and the last namespace that the index names.
fn check_framing(entry: &Entry, decoded: &Decoded) {
    let file = &entry.file;
    let version = entry.schema.split(" / ").nth(1).and_then(|version| Version::parse(version).ok());
    let has_version = decoded.message.as_ref().is_some_and(|message| !matches!(message, Message::Fault(_)));
    if has_version && version.is_some() {
        assert_eq!(decoded.version, version, "{file}");
    }
    // A name in the text may be cut short by a mistyped one in the message.
    let name = entry.schema.split(' ').rfind(|word| word.starts_with("REL-") || word.starts_with("urn:"));
    if let Some(name) = name.filter(|_| decoded.namespace != SeenNamespace::Absent) {
        assert!(decoded.namespace.uri().contains(name), "{file}: {:?}", decoded.namespace);
    }
}

/// Read, written in the peer's own framing, and read again, a message is the same.
fn check_round_trip(entry: &Entry, decoded: &Decoded) {
    let Some(message) = &decoded.message else { return };
    let written = encode(message, &Framing::answering(decoded));
    let again = decode(&written, Some("utf-8"), &Limits::default()).unwrap();
    assert_eq!(again.message.as_ref(), Some(message), "{}", entry.file);
    assert_eq!(again.transaction_id, decoded.transaction_id, "{}", entry.file);
}

#[test]
fn every_message_reads_or_is_refused_as_the_index_says() {
    let Some(folder) = std::env::var_os("MM7_CORPUS_DIR") else {
        println!("MM7_CORPUS_DIR is not set: messages from real peers are left out");
        return;
    };
    let folder = Path::new(&folder);
    let entries = entries(folder);
    let mut read = 0;
    for entry in &entries {
        let (xml, charset) = envelope(&entry.file, fs::read(folder.join(&entry.file)).unwrap());
        let decoded = decode(&xml, charset.as_deref(), &Limits::default());
        assert_eq!(refusal(&decoded), expected_refusal(entry), "{}: {decoded:?}", entry.file);
        let Ok(decoded) = decoded else { continue };
        read += 1;
        check_framing(entry, &decoded);
        check_round_trip(entry, &decoded);
        if let Some(message) = &decoded.message {
            assert_eq!(message.name(), entry.operation, "{}", entry.file);
        }
        match entry.validity.as_str() {
            "ok" if !entry.quirks.contains("no SOAP envelope") => {
                assert!(!breaks_schema(&decoded), "{}: {:?}", entry.file, decoded.errors);
            }
            "INVALID" => {
                assert!(breaks_schema(&decoded) || is_invalid_elsewhere(&decoded, &xml), "{}", entry.file);
            }
            _ => {}
        }
    }
    assert!(!entries.is_empty(), "the index names no file that is there");
    println!(
        "{} messages from real peers: {read} read, {} refused whole",
        entries.len(),
        entries.len() - read
    );
}
