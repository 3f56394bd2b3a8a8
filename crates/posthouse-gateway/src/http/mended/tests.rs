use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use http::{HeaderMap, Uri};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, duplex},
    net::TcpListener,
};

use super::*;
use crate::http::client::HttpClient;

fn mended(head: &str) -> String {
    let mut out = Vec::new();
    mend(head.as_bytes(), &mut out);
    String::from_utf8(out).unwrap()
}

/// What comes behind `HTTP/1.1 200 OK`, and what of it arrives.
#[test]
fn header_lines() {
    for (came, arrives) in [
        ("A: b\r\nC:d \r\n", "A: b\r\nC: d\r\n"),
        // Folded.
        ("A: b;\r\n\tc\r\n", "A: b; c\r\n"),
        ("A: b;\r\n \t c \r\n  d\r\nE: f\r\n", "A: b; c d\r\nE: f\r\n"),
        ("A:\r\n b\r\n", "A: b\r\n"),
        ("A: b\r\n \r\n\t\r\n c\r\n", "A: b c\r\n"),
        ("A: b\r\n \r\n", "A: b\r\n"),
        ("A: b;\n c\n", "A: b; c\r\n"),
        // No header lines.
        ("preload\r\nA: b\r\n", "A: b\r\n"),
        ("A: b\r\npreload\r\n", "A: b\r\n"),
        ("preload\r\n folded\r\nA: b\r\n", "A: b\r\n"),
        (" folded onto the status\r\nA: b\r\n", "A: b\r\n"),
        (": b\r\nA: b\r\n", "A: b\r\n"),
        ("MM7 API: 1\r\nA: b\r\nÄ: b\r\nA(b): c\r\nA\0b: c\r\n", "A: b\r\n"),
        ("A: b\u{1}c\r\nD: e\0\r\nF: g\rh\r\nI: \u{7f}\r\nJ: k\r\n", "J: k\r\n"),
        ("A: b\r\n c\u{1}\r\n d\r\nE: f\r\n", "E: f\r\n"),
        // Sloppy ones.
        ("A : b\r\nC\t: d\r\n", "A: b\r\nC: d\r\n"),
        ("A: b\r\r\nC: d\r\r\n", "A: b\r\nC: d\r\n"),
        ("A: b\tc äöü:\r\n", "A: b\tc äöü:\r\n"),
        ("A:\r\n", "A: \r\n"),
        // Lengths.
        ("Content-Length: many\r\nContent-Length: 7\r\n", "Content-Length: 7\r\n"),
        ("Content-Length: 7\r\ncontent-length: -7\r\nContent-Length:\r\n", "Content-Length: 7\r\n"),
        ("Content-Length : 7\r\n", "Content-Length: 7\r\n"),
        ("Content-Length: 7, 7\r\nContent-Length: 07\r\n", "Content-Length: 7\r\n"),
        ("Content-Length: 99999999999999999999\r\nContent-Length: 7\r\n", "Content-Length: 7\r\n"),
        ("Content-Length: 7\r\nContent-Length: 8\r\n", "Content-Length: 7\r\nConnection: close\r\n"),
        ("Content-Length: 7, 8\r\n", ""),
        ("Content-Length: 7\r\nTransfer-Encoding: gzip, Chunked\r\n", "Transfer-Encoding: gzip, Chunked\r\n"),
        ("Transfer-Encoding: identity\r\nContent-Length: 7\r\n", "Content-Length: 7\r\n"),
    ] {
        let head = format!("HTTP/1.1 200 OK\r\n{came}\r\n");
        assert_eq!(mended(&head), format!("HTTP/1.1 200 OK\r\n{arrives}\r\n"), "{came:?}");
    }
}

#[test]
fn status_lines() {
    for (came, arrives) in [
        ("HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\n"),
        ("\r\n\nHTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\n"),
        ("HTTP/1.1 200\r\n", "HTTP/1.1 200 \r\n"),
        ("HTTP/1.1 200 \r\n", "HTTP/1.1 200 \r\n"),
        ("HTTP/1.0  500\tNo\n", "HTTP/1.0 500 No\r\n"),
        ("HTTP/1.1 200 O\u{1}K\r\n", "HTTP/1.1 200 \r\n"),
        ("HTTP/1.2 200 Ça va\r\n", "HTTP/1.1 200 Ça va\r\n"),
        // None of ours.
        ("HTTP/1.1 20 OK\r\n", "HTTP/1.1 20 OK\r\n"),
        ("HTTP/1.1 2000 OK\r\n", "HTTP/1.1 2000 OK\r\n"),
        ("HTTP/1.1\r\n", "HTTP/1.1\r\n"),
    ] {
        assert_eq!(mended(&format!("{came}\r\n")), format!("{arrives}\r\n"), "{came:?}");
    }
    let chunked = "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let expected = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
    assert_eq!(mended(chunked), expected);
}

#[test]
fn what_is_mended_once_stays_as_it_is() {
    for head in
        ["HTTP/1.1 200 OK\r\nA: b;\r\n c\r\npreload\r\n\r\n", "HTTP/1.0 200\nContent-Length: 7, 7\n\n"]
    {
        assert_eq!(mended(&mended(head)), mended(head));
    }
}

/// What is read of bytes that come in pieces of this size.
async fn read_in_pieces(bytes: &[u8], piece: usize) -> String {
    let (ours, mut theirs) = duplex(1 << 20);
    let mut mended = Mended::new(ours);
    let mut read = Vec::new();
    for piece in bytes.chunks(piece) {
        theirs.write_all(piece).await.unwrap();
        // Whatever is ready by now.
        let mut some = [0; 7];
        while let Ok(Ok(1..)) =
            tokio::time::timeout(std::time::Duration::ZERO, mended.read(&mut some)).await.inspect(|count| {
                if let Ok(count) = count {
                    read.extend_from_slice(&some[..*count]);
                }
            })
        {}
    }
    drop(theirs);
    mended.read_to_end(&mut read).await.unwrap();
    String::from_utf8(read).unwrap()
}

#[tokio::test(start_paused = true)]
async fn however_it_is_cut() {
    let came = "\r\nHTTP/1.1 100 Continue\r\nA:\r\n b\r\n\r\nHTTP/1.1 200 OK\r\npreload\r\nA: b;\r\n\tc\r\n\r\n\
                A: b\r\n c\r\npreload\r\n\r\nHTTP/1.1 200 OK\r\n d\r\n";
    let read = "HTTP/1.1 100 Continue\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\nA: b; c\r\n\r\n\
                A: b\r\n c\r\npreload\r\n\r\nHTTP/1.1 200 OK\r\n d\r\n";
    for piece in [1, 2, 3, 5, 8, 13, 40, 1000] {
        assert_eq!(read_in_pieces(came.as_bytes(), piece).await, read, "in pieces of {piece}");
    }
    for as_it_is in [
        "",
        "H",
        "HTTP/1.1 200 OK\r\nA: b\r\n c",
        "<html>\r\n folded\r\n\r\n",
        "HTTPS\r\n x\r\n\r\n",
        "\r\n\r\n",
    ] {
        for piece in [1, 1000] {
            assert_eq!(read_in_pieces(as_it_is.as_bytes(), piece).await, as_it_is);
        }
    }
    let long = format!("HTTP/1.1 200 OK\r\n{}\r\n", "A: b\r\n c\r\n".repeat(10_000));
    assert_eq!(read_in_pieces(long.as_bytes(), 5000).await, long, "too long to be looked at");
}

/// What heads are made of, good and bad.
const PIECES: &[&str] = &[
    "HTTP/1.1 200 OK",
    "HTTP/1.0 503",
    "HTTP/1.1 100 Continue",
    "HTTP/",
    "\r\n",
    "\r\n",
    "\r\n",
    "\n",
    "\r",
    "\0",
    " ",
    "\t",
    ":",
    "A: b",
    "preload",
    "é",
    "Content-Length: 2",
    "Content-Length: 2, 3",
    "Content-Length: x",
    "Transfer-Encoding: chunked",
    "Transfer-Encoding: identity",
    "Connection: keep-alive",
    "\u{7f}",
];

/// Numbers that look drawn, the same at each run.
fn numbers() -> impl Iterator<Item = usize> {
    let mut state = 0x9e37_79b9_u32;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        usize::try_from(state).unwrap()
    })
}

/// Whatever comes, what is read of it does not depend on how it is cut, and a head that was mended is one.
#[tokio::test(start_paused = true)]
async fn whatever_comes() {
    let mut numbers = numbers();
    for _ in 0..400 {
        let count = numbers.next().unwrap() % 24;
        let pieces: String = (&mut numbers).take(count).map(|number| PIECES[number % PIECES.len()]).collect();
        let came = format!("HTTP/1.1 200 OK\r\n{pieces}\r\n\r\nbody\r\n folded");
        let whole = read_in_pieces(came.as_bytes(), came.len()).await;
        for piece in [1, 3, 7] {
            assert_eq!(read_in_pieces(came.as_bytes(), piece).await, whole, "{came:?} in pieces of {piece}");
        }
        assert_eq!(mended(&mended(&came)), mended(&came), "{came:?}");
        let (head, _) = whole.split_once("\r\n\r\n").unwrap();
        let mut lines = head.split("\r\n").map(str::as_bytes);
        assert!(StatusLine::read(lines.next().unwrap()).is_some(), "{came:?}: {whole:?}");
        for line in lines {
            let is_field = !is_blank(line[0]) && Field::read(line).is_some();
            assert!(is_field, "{came:?}: {whole:?}");
        }
    }
}

/// Answers each request on a connection with the next of these bytes.
async fn peer(answers: &'static [&'static [u8]], connections: Arc<AtomicUsize>) -> Uri {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            connections.fetch_add(1, Ordering::SeqCst);
            for answer in answers {
                let mut bytes = Vec::new();
                while !bytes.ends_with(b"hello") {
                    assert!(stream.read_buf(&mut bytes).await.unwrap() > 0, "the connection is used again");
                }
                // In two pieces, as it may come.
                let (first, second) = answer.split_at(answer.len() / 3);
                stream.write_all(first).await.unwrap();
                stream.flush().await.unwrap();
                tokio::task::yield_now().await;
                stream.write_all(second).await.unwrap();
            }
        }
    });
    uri
}

#[tokio::test]
async fn a_connection_is_used_again_after_each() {
    const ANSWERS: &[&[u8]] = &[
        b"HTTP/1.1 200 OK\r\nX:\r\n y\r\nContent-Length: 2\r\n\r\nOK",
        b"HTTP/1.1 100 Continue\r\nX: a\r\n b\r\n\r\nHTTP/1.1 200\r\nx y: z\r\nContent-Length : 2\r\n\r\nOK",
        b"HTTP/1.1 200 OK\r\nX: \0\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nOK\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: two\nContent-Length: 2\n\nOK",
        b"HTTP/1.1 200 OK\r\nX: a\r\nTransfer-Encoding: identity\r\nContent-Length: 2\r\n\r\nOK",
        b"HTTP/1.1 200 OK\r\r\nX: a\r\r\nContent-Length: 2\r\r\n\r\r\nOK",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n \r\n\r\nOK",
    ];
    let connections = Arc::new(AtomicUsize::new(0));
    let uri = peer(ANSWERS, Arc::clone(&connections)).await;
    let client = HttpClient::new(std::time::Duration::from_secs(10), 1, None);
    for (number, _) in ANSWERS.iter().enumerate() {
        let answer = client.post(&uri, HeaderMap::new(), vec![Bytes::from_static(b"hello")]).await;
        assert_eq!(answer.unwrap().body, "OK", "{number}");
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}
