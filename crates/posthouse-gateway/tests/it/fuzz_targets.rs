//! The fuzz target `heads` as an ordinary test: requests of every kind, and mutations of them by a seeded generator.

#[path = "../../../../fuzz/src/heads.rs"]
mod heads;
#[path = "../../../../fuzz/src/mutations.rs"]
mod mutations;

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use self::mutations::{Chance, Ingredients, mutated};

/// What a connection may carry: several requests, whole and broken.
const CONNECTIONS: &[&str] = &[
    "GET / HTTP/1.1\r\nHost: a\r\n\r\nPOST /b HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET /c HTTP/1.1\r\n\r\n",
    "POST / HTTP/1.1\r\nContent-Type: multipart/related;\r\n\tboundary=b\r\nContent-Length:\r\n 2\r\n\r\n\r\nGET / HTTP/1.1\r\nA: b\n c\n\n",
    "POST / HTTP/1.1\r\nContent-Length: 44\r\n\r\nContent-Length: x\r\n\r\nPOST / HTTP/1.1\r\nA: b\r\n c\r\nGET /d HTTP/1.1\r\n\r\n",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\nA \r\n0\r\n\r\n56789\r\n0\r\nA: b\r\n c\r\n\r\nGET / HTTP/1.1\r\n\r\n",
    "POST / HTTP/1.1\r\nTransfer-Encoding:\r\n Chunked\r\nExpect: 100-continue\r\n\r\n1\r\nx\r\n0\r\n\r\n\r\n\nDELETE / HTTP/1.1\r\n\r\n",
    "POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n",
    "POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdeGET /smuggled HTTP/1.1\r\n\r\n",
    "POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\nGET /smuggled HTTP/1.1\r\n\r\n",
    "GET / HTTP/1.1\r\nUpgrade: h2c\r\nContent-Length: 0\r\n\r\nCONNECT a:1 HTTP/1.1\r\n\r\nOPTIONS * HTTP/1.1\r\n\r\n",
    "GET http://a/b?c HTTP/1.1\r\nX: \u{e9}\t\r\nEmpty:\r\n\r\nHEAD //c HTTP/1.1\r\nConnection: keep-alive, close\r\n\r\n",
    "GET / HTTP/1.1\r\nno colon\r\n\r\nGET / HTTP/1.1\r\n\r\n",
    "\x16\x03\x01\x02\x00\x01\x00\x01\x7c\x03\x03",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
];
/// What lengths and lines are made of.
const PIECES: &[&str] = &[
    "\r\n",
    "\n",
    "\r",
    " ",
    "\t",
    "\r\n ",
    ":",
    "0",
    "\r\n\r\n",
    "chunked",
    "Content-Length: 1\r\n",
    "Transfer-Encoding: chunked\r\n",
    "HTTP/1.0",
    "0\r\n\r\n",
    "\0",
    "close",
];
/// Mutations of each: few enough for a test that is run at every change. `cargo xtask fuzz` does more.
const MUTATIONS: usize = 200;

fn vectors() -> Vec<Vec<u8>> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../mm7/vectors/requests"));
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let long = format!("GET / HTTP/1.1\r\nA: {}\r\n\r\n", "x".repeat(5000));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(101));
    let connections = CONNECTIONS.iter().map(|text| text.as_bytes().to_vec());
    connections
        .chain([long.into_bytes(), many.into_bytes()])
        .chain(files.iter().map(|file| fs::read(file).unwrap()))
        .collect()
}

fn check(data: &[u8]) {
    let held = catch_unwind(AssertUnwindSafe(|| heads::check(data)));
    assert!(held.is_ok(), "it does not hold for \"{}\"", data.escape_ascii());
}

#[test]
fn hyper_sees_the_requests_that_we_see() {
    for vector in vectors() {
        check(&vector);
    }
}

#[test]
fn hyper_sees_the_requests_that_we_see_in_mutations() {
    let vectors = vectors();
    let ingredients = Ingredients { pieces: PIECES, vectors: &vectors };
    let mut chance = Chance(0x6865_6164);
    for vector in vectors.iter().take(CONNECTIONS.len()) {
        for _ in 0..MUTATIONS {
            check(&mutated(vector, &ingredients, &mut chance));
        }
    }
}
