//! A door that speaks TLS, and peers that do not, or not quickly.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use posthouse_gateway::{
    http::{limits::ConnectionLimits, peer::Peer, server::Door},
    tls::door::DoorTls,
};
use rustls::{
    ProtocolVersion,
    pki_types::ServerName,
    version::{TLS12, TLS13},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    time::timeout,
};
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;

use super::certs::{Ca, connect, files};

const DEADLINE: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(100);
const LIMITS: ConnectionLimits = ConnectionLimits {
    connections: 8,
    handshakes: 2,
    handshake: DEADLINE,
    head: DEADLINE,
    stalled: DEADLINE,
    stop: DEADLINE,
};
const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

/// An open door, which says who is there.
struct Opened {
    address: SocketAddr,
    ca: Ca,
    _folder: TempDir,
    _stop: tokio_util::sync::DropGuard,
}

impl Opened {
    async fn open(limits: ConnectionLimits) -> Self {
        let (ca, folder) = (Ca::new("Test CA"), tempfile::tempdir().unwrap());
        let files = files(folder.path(), "door", Some(&ca));
        ca.issue(&["127.0.0.1"]).write(&files);
        let tls = Arc::new(DoorTls::load("mm7", files).await.unwrap());
        let door = Door::bind(SocketAddr::from(([127, 0, 0, 1], 0)), limits, Some(tls)).unwrap();
        let (address, stop) = (door.address().unwrap(), CancellationToken::new());
        assert_eq!(door.scheme(), "https");
        tokio::spawn(door.serve(move |_, peer| answer(peer), stop.clone()));
        Self { address, ca, _folder: folder, _stop: stop.drop_guard() }
    }

    /// A whole exchange over TLS.
    async fn asked(&self) -> String {
        let stream = connect(self.address, &self.ca.client(None)).await.unwrap();
        ask(stream).await
    }

    /// A connection on which nothing is said.
    async fn silent(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }
}

async fn answer(peer: Peer) -> Response<Full<Bytes>> {
    let name = peer.certificate.and_then(|shown| shown.common_name.clone());
    Response::new(Full::from(format!("tls {} by {name:?}", peer.tls)))
}

async fn ask(mut stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin) -> String {
    stream.write_all(GET).await.unwrap();
    let mut all = String::new();
    timeout(DEADLINE, stream.read_to_string(&mut all)).await.unwrap().unwrap();
    all
}

#[tokio::test]
async fn tls_1_2_and_1_3_are_spoken_for_http_1_1_and_nothing_else() {
    let door = Opened::open(LIMITS).await;
    for (version, expected) in [(&TLS12, ProtocolVersion::TLSv1_2), (&TLS13, ProtocolVersion::TLSv1_3)] {
        let mut client = door.ca.client_of(&[version], None);
        client.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let stream = connect(door.address, &client).await.unwrap();
        assert_eq!(stream.get_ref().1.protocol_version(), Some(expected));
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
        let answer = ask(stream).await;
        assert!(answer.ends_with("\r\n\r\ntls true by None"), "{answer}");
        client.alpn_protocols = vec![b"h2".to_vec()];
        assert!(connect(door.address, &client).await.is_err(), "there is no HTTP/2");
    }
}

#[tokio::test]
async fn what_is_no_tls_gets_a_clean_close_and_the_door_stays_open() {
    let door = Opened::open(LIMITS).await;
    for garbage in [GET, &[0x16, 0x03, 0x01, 0xff, 0xff][..], &[b'x'; 40_000], b"\0"] {
        let mut stream = door.silent().await;
        stream.write_all(garbage).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        // A reset would be an error.
        timeout(DEADLINE, stream.read_to_end(&mut answer)).await.unwrap().unwrap();
        assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    }
    assert!(door.asked().await.ends_with("tls true by None"));
}

#[tokio::test]
async fn a_handshake_that_does_not_come_ends_the_connection() {
    let door = Opened::open(ConnectionLimits { handshake: SHORT, ..LIMITS }).await;
    let mut silent = door.silent().await;
    assert_eq!(timeout(DEADLINE, silent.read(&mut [0])).await.unwrap().unwrap(), 0);
}

#[tokio::test]
async fn slow_handshakes_do_not_hold_the_door() {
    let door = Opened::open(LIMITS).await;
    let mut silent = Vec::new();
    for _ in 0..LIMITS.connections * 4 {
        silent.push(door.silent().await);
        // Also between them.
        if silent.len() % LIMITS.connections == 0 {
            assert!(door.asked().await.ends_with("tls true by None"));
        }
    }
    // All but the last two have been hung up on.
    let kept = silent.split_off(silent.len() - LIMITS.handshakes);
    for mut ended in silent {
        assert_eq!(timeout(DEADLINE, ended.read(&mut [0])).await.unwrap().unwrap_or(0), 0);
    }
    drop(kept);
}

#[tokio::test]
async fn one_address_that_begins_handshakes_holds_nobody_up() {
    let door = Opened::open(ConnectionLimits { connections: 64, ..LIMITS }).await;
    // A peer with another address, which is slower than those that begin one after the other.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, 2], 0))).unwrap();
    let slow = socket.connect(door.address).await.unwrap();
    let mut silent = Vec::new();
    for _ in 0..LIMITS.handshakes * 4 {
        silent.push(door.silent().await);
    }
    // The first of them have been hung up on: all have begun by now.
    for ended in silent.iter_mut().take(LIMITS.handshakes * 3) {
        assert_eq!(timeout(DEADLINE, ended.read(&mut [0])).await.unwrap().unwrap_or(0), 0);
    }
    let name = ServerName::from(door.address.ip());
    let connector = TlsConnector::from(Arc::new(door.ca.client(None)));
    let stream = timeout(Duration::from_secs(5), connector.connect(name, slow)).await.unwrap().unwrap();
    assert!(ask(stream).await.ends_with("tls true by None"));
}

#[tokio::test]
async fn a_certificate_is_asked_for_and_one_that_is_shown_has_to_be_good() {
    let door = Opened::open(LIMITS).await;
    let acme = door.ca.issue(&["acme.example"]);
    let stream = connect(door.address, &door.ca.client(Some(&acme))).await.unwrap();
    assert!(ask(stream).await.ends_with("tls true by Some(\"acme.example\")"));
    assert!(door.asked().await.ends_with("tls true by None"), "none is needed");

    let stranger = Ca::new("Another CA").issue(&["acme.example"]);
    let expired = door.ca.issue_until(&["acme.example"], 2001);
    for bad in [stranger, expired] {
        let client = door.ca.client_of(&[&TLS12], Some(&bad));
        assert!(connect(door.address, &client).await.is_err());
        // In TLS 1.3 the client is done before the server has seen its certificate.
        let mut stream = connect(door.address, &door.ca.client_of(&[&TLS13], Some(&bad))).await.unwrap();
        let _ = stream.write_all(GET).await;
        let mut answer = Vec::new();
        assert!(timeout(DEADLINE, stream.read_to_end(&mut answer)).await.unwrap().is_err(), "{answer:?}");
    }
}
