//! Whole requests in `vectors/requests/`, HTTP head and body: which rules their MIME breaks, and what is read all the same.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use bytes::Bytes;
use mm7::mime::{ContentType, Package, unpack};
use mm7::{Decoded, Limits, Message, decode};

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/requests"))
}

fn read(name: &str) -> (ContentType, Package) {
    let request = Bytes::from(fs::read(folder().join(format!("{name}.http"))).unwrap());
    let end = request.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(request.slice(..end).to_vec()).unwrap();
    let content_type = head.lines().find_map(|line| line.strip_prefix("Content-Type: ")).unwrap();
    let content_type = ContentType::parse(content_type).unwrap();
    let body = request.slice(end + 4..);
    assert!(head.contains(&format!("Content-Length: {}", body.len())), "{name}");
    let package = unpack(&content_type, body, &Limits::default());
    (content_type, package)
}

fn envelope(package: &Package) -> Decoded {
    let root = package.root.as_ref().unwrap();
    let charset = root.content_type.as_ref().and_then(|content_type| content_type.param("charset"));
    decode(&root.bytes().unwrap(), charset, &Limits::default()).unwrap()
}

/// The rules that the parts break, and the media: their types, or the rule that keeps them from being read.
const REQUESTS: &[(&str, &str, &str)] = &[
    ("deliver", "", "application/smil image/jpeg text/plain"),
    ("submit", "", "application/smil image/jpeg text/plain"),
    ("submit-another-boundary", "RootContentType Boundary", ""),
    ("submit-bare", "", ""),
    ("submit-blanks-in-and-behind-boundaries", "", "image/gif"),
    ("submit-bare-without-content", "", ""),
    ("submit-broken-base64", "", "TransferEncoding"),
    ("submit-control-characters-in-a-name", "", "image/gif"),
    ("submit-cut-off", "Boundary Boundary", "application/smil image/jpeg"),
    ("submit-flat-and-encoded", "", "application/smil image/jpeg text/plain"),
    ("submit-folded-headers", "", "image/gif"),
    ("submit-href-of-nothing", "", "application/smil image/jpeg text/plain"),
    ("submit-ids-with-blanks", "", "image/gif text/plain"),
    ("submit-line-feeds", "", "text/plain"),
    ("submit-location", "", "image/gif"),
    ("submit-look-alike-delimiters", "", "text/plain"),
    ("submit-mixed", "", "application/smil image/jpeg text/plain"),
    ("submit-no-parts", "RootContentType Boundary", ""),
    ("submit-one-picture", "", "image/gif"),
    ("submit-part-of-malformed-type", "PartContentType", "PartContentType"),
    ("submit-part-of-unknown-encoding", "TransferEncoding", "TransferEncoding"),
    ("submit-part-without-type", "PartWithoutContentType", "PartWithoutContentType"),
    ("submit-preamble-and-no-content-element", "", "image/png"),
    ("submit-release-5", "", "application/smil image/jpeg text/plain"),
    ("submit-root-behind", "", "application/smil image/jpeg text/plain"),
    ("submit-root-gbk", "", "application/smil image/jpeg text/plain"),
    ("submit-root-of-another-type", "RootContentType", "application/smil image/jpeg text/plain"),
    ("submit-root-quoted-printable", "", "application/smil image/jpeg text/plain"),
    ("submit-root-utf-16", "", "application/smil image/jpeg text/plain"),
    ("submit-smil-with-urls", "", "application/smil"),
    ("submit-smil-without-its-part", "", "application/smil"),
    ("submit-too-deep", "PartsTooDeep", "PartsTooDeep"),
    ("submit-unclosed", "Boundary", "application/smil image/jpeg text/plain"),
];

fn media(package: &Package) -> String {
    match package.media() {
        Ok(media) => media.iter().map(|media| media.content_type.essence()).collect::<Vec<_>>().join(" "),
        Err(error) => error.rule.name().to_owned(),
    }
}

#[test]
fn each_request_breaks_the_rules_it_is_there_for() {
    for (name, rules, expected) in REQUESTS {
        let (_, package) = read(name);
        let found: Vec<_> = package.errors.iter().map(|error| error.rule.name()).collect();
        assert_eq!(found.join(" "), *rules, "{name}: {:?}", package.errors);
        assert_eq!(media(&package), *expected, "{name}");
    }
}

#[test]
fn no_request_is_left_out() {
    let files = fs::read_dir(folder()).unwrap().map(|file| file.unwrap().path());
    let files: BTreeSet<_> =
        files.map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    assert_eq!(files, REQUESTS.iter().map(|(name, ..)| (*name).to_owned()).collect());
}

/// Whatever is wrong with the parts, the envelope tells who asked for what.
#[test]
fn the_envelope_is_read_from_every_request_that_has_one() {
    let without = ["submit-no-parts", "submit-another-boundary"];
    for (name, ..) in REQUESTS.iter().filter(|(name, ..)| !without.contains(name)) {
        let decoded = envelope(&read(name).1);
        assert_eq!(decoded.transaction_id.unwrap().as_str(), "tx-4711", "{name}");
        let operation = if *name == "deliver" { "DeliverReq" } else { "SubmitReq" };
        assert_eq!(decoded.message.as_ref().map(Message::name), Some(operation), "{name}");
    }
}

#[test]
fn no_name_holds_a_control_character() {
    let media = read("submit-control-characters-in-a-name").1.media().unwrap();
    assert_eq!(media.first().unwrap().name.as_deref(), Some("pier  X-Evil: "));
}

#[test]
fn ids_are_what_peers_write_between_the_colon_and_the_line_end() {
    let ids = |name| -> Vec<_> {
        let media = read(name).1.media().unwrap();
        media.into_iter().map(|media| media.content_id.unwrap()).collect()
    };
    assert_eq!(ids("submit-ids-with-blanks"), ["A picture for you", "whatever"]);
    assert_eq!(ids("submit-preamble-and-no-content-element"), ["pier.png"]);
    assert_eq!(ids("submit-blanks-in-and-behind-boundaries"), ["a"]);
}
