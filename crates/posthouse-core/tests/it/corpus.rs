//! Requests captured from real peers, judged whole as the gateway judges them. They are not part of this project: their
//! folder is named by MM7_CORPUS_DIR, and without it the test says so and passes.
//!
//! What the default dialect has to say of a SubmitReq follows from two things, and no file is named here: from the words of
//! the INDEX.md beside the files on what is odd about it, and from what can be seen in its text without any parser. What they
//! call for has to be found, and nothing that they do not.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use mm7::Dialect;
use posthouse_core::lint::{LintReport, Options};

/// What the index calls odd, in lower case, and the code that it is refused with. All else is to be put up with.
const CALLED_FOR: &[(&str, u32)] = &[
    // The type of the request is that of its only part, too.
    ("sent as text/html", 2500),
    ("sent as text/html", 2515),
    ("70 kb subject", 2007),
    ("no soap header", 2510),
    ("no transactionid", 2510),
    ("no soap envelope", 2510),
    ("unknown mustunderstand", 2510),
    ("no senderidentification", 2561),
    ("no recipients", 2502),
    ("repeated to elements", 2503),
    ("two numbers in one to", 2503),
    ("interleaved to/cc", 2503),
    ("no content element", 2506),
    ("no <content>", 2506),
    ("without <content>", 2506),
    ("missing closing boundary", 2513),
    ("broken base64", 2513),
    ("but no attachment", 2513),
];

fn called_for(schema: &str, quirks: &str) -> BTreeSet<u32> {
    let quirks = quirks.to_lowercase();
    let named = CALLED_FOR.iter().filter(|(words, _)| quirks.contains(words)).map(|(_, code)| *code);
    named.chain(schema.starts_with("urn:").then_some(2507)).collect()
}

/// The text between the first start tag of an element and its end tag.
fn inside<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let begin = text.match_indices(name).find(|(at, _)| is_tag(text, *at, name))?.0;
    let rest = &text[begin + text[begin..].find('>')? + 1..];
    let end = rest.match_indices(name).find(|(at, _)| rest[..*at].ends_with(['/', ':']))?.0;
    Some(&rest[..end])
}

/// Whether an element's start tag has its name here, with or without prefix.
fn is_tag(text: &str, at: usize, name: &str) -> bool {
    let opened = text[..at].rfind('<').is_some_and(|start| {
        let prefix = &text[start + 1..at];
        prefix.is_empty()
            || (prefix.ends_with(':') && prefix.trim_end_matches(':').chars().all(char::is_alphanumeric))
    });
    opened && text[at + name.len()..].starts_with([' ', '>', '/', '\n', '\r', '\t'])
}

fn has_element(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| is_tag(text, at, name))
}

/// What stands between tags.
fn texts(xml: &str) -> Vec<&str> {
    xml.split('<')
        .filter_map(|piece| Some(piece.split_once('>')?.1.trim()))
        .filter(|text| !text.is_empty())
        .collect()
}

fn is_international(number: &str) -> bool {
    let digits = number.trim_start_matches('+').split('/').next().unwrap_or_default();
    (7..=15).contains(&digits.len())
        && !digits.starts_with('0')
        && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// The codes for what anybody can see in the text. An envelope alone (`.xml`) has no part that it could refer to.
fn seen(text: &str, is_alone: bool) -> BTreeSet<u32> {
    let recipients = inside(text, "Recipients").map(|inside| texts(inside)).unwrap_or_default();
    let conditions = [
        (!has_element(text, "SenderAddress"), 2504),
        (!has_element(text, "SenderIdentification"), 2561),
        (recipients.is_empty(), 2502),
        (recipients.len() > 1, 2503),
        (recipients.iter().any(|recipient| !is_international(recipient)), 2002),
        (has_element(text, "ReplyCharging"), 2565),
        (has_element(text, "ChargedParty") || has_element(text, "ChargedPartyID"), 3002),
        (!has_element(text, "Content"), 2506),
        (is_alone && text.contains("\"cid:"), 2513),
    ];
    conditions.into_iter().filter(|(holds, _)| *holds).map(|(_, code)| code).collect()
}

/// The rows of the index that are a SubmitReq: file, schema, quirks.
fn submit_requests(index: &str) -> Vec<(String, String, String)> {
    let rows = index.lines().filter(|line| line.starts_with("| "));
    let cells = rows.map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect());
    let entry = |cells: Vec<String>| match <[String; 8]>::try_from(cells) {
        Ok([file, _, _, operation, schema, _, _, quirks]) if operation == "SubmitReq" => {
            Some((file, schema, quirks))
        }
        _ => None,
    };
    cells.filter_map(entry).collect()
}

#[test]
fn every_submit_req_is_taken_or_refused_as_the_index_calls_for() {
    let Some(folder) = std::env::var_os("MM7_CORPUS_DIR") else {
        println!("MM7_CORPUS_DIR is not set: requests from real peers are left out");
        return;
    };
    let folder = Path::new(&folder);
    let requests = submit_requests(&fs::read_to_string(folder.join("INDEX.md")).unwrap());
    let (mut taken, mut wrong) = (0, Vec::new());
    for (file, schema, quirks) in &requests {
        let bytes = fs::read(folder.join(file)).unwrap();
        // In UTF-16 every second byte of such a text is zero.
        let text: Vec<u8> = bytes.iter().copied().filter(|byte| *byte != 0).collect();
        let report = LintReport::read(bytes.into(), &Options::default());
        let verdict = report.verdict(Dialect::POSTHOUSE);
        let found: BTreeSet<u32> = verdict.codes().into_iter().collect();
        let called_for = called_for(schema, quirks);
        let seen = seen(&String::from_utf8_lossy(&text), file.ends_with(".xml"));
        taken += usize::from(found.is_empty());
        let explained = |code: &u32| called_for.contains(code) || seen.contains(code);
        if !called_for.is_subset(&found) || !found.iter().all(explained) {
            wrong.push(format!("{file}: {found:?}, called for {called_for:?}, seen {seen:?} ({quirks})"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(!requests.is_empty(), "the index names no SubmitReq");
    println!(
        "{} SubmitReq from real peers: {taken} taken, {} refused",
        requests.len(),
        requests.len() - taken
    );
}
