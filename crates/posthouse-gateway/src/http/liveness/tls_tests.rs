//! Peers behind TLS that keep no promise about their connections.

use std::{
    future::poll_fn,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, Uri};
use posthouse_core::tls::PeerTls;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{
    ServerConfig, SupportedProtocolVersion,
    pki_types::PrivateKeyDer,
    version::{TLS12, TLS13},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    sync::mpsc,
};
use tokio_rustls::{TlsAcceptor, TlsConnector, server::TlsStream};

use super::*;
use crate::{
    http::client::{HttpClient, NoAnswer},
    tls::client::config,
};

/// How a peer ends a connection.
#[derive(Clone, Copy, Debug)]
enum End {
    /// It says so in TLS, and closes the connection.
    Orderly,
    /// It says so in TLS, and leaves the connection open.
    Half,
    /// It closes the connection and says nothing.
    Abrupt,
    /// It says something that nobody asked for, and closes the connection in order.
    LastWords,
    /// It leaves the end to the client, as `Connection: close` has it.
    Asked,
}

const ENDS: [End; 5] = [End::Orderly, End::Half, End::Abrupt, End::LastWords, End::Asked];

impl End {
    const fn answer(self) -> &'static [u8] {
        match self {
            Self::Asked => b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nOK",
            _ => b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK",
        }
    }
}

/// A peer that answers one request on each connection.
struct Peer {
    uri: Uri,
    client: HttpClient,
    requests: Arc<AtomicUsize>,
    /// Something is sent each time that a connection was ended.
    ended: mpsc::UnboundedReceiver<()>,
}

fn server(version: &'static SupportedProtocolVersion) -> (ServerConfig, String) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let mut config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    config.ticketer = rustls::crypto::ring::Ticketer::new().unwrap();
    config.send_tls13_tickets = 4;
    let pem =
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", STANDARD.encode(cert.der()));
    (config, pem)
}

impl Peer {
    async fn start(version: &'static SupportedProtocolVersion, end: End) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("https://{}/", listener.local_addr().unwrap()).parse().unwrap();
        let (config, ca) = server(version);
        let tls = PeerTls { ca: Some(ca), identity: None };
        let client = HttpClient::new(Duration::from_secs(20), 16, Some(&tls));
        let (tell, ended) = mpsc::unbounded_channel();
        let requests = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&requests);
        let acceptor = TlsAcceptor::from(Arc::new(config));
        tokio::spawn(async move {
            // What is left open stays so.
            let mut kept = Vec::new();
            while let Ok((stream, _)) = listener.accept().await {
                // Otherwise its good-bye waits in the system till the next request has come.
                stream.set_nodelay(true).unwrap();
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                if read_request(&mut stream).await {
                    counted.fetch_add(1, Ordering::SeqCst);
                    stream.write_all(end.answer()).await.unwrap();
                }
                kept.extend(finish(stream, end).await);
                if tell.send(()).is_err() {
                    return;
                }
            }
        });
        Self { uri, client, requests, ended }
    }

    async fn post(&self) -> Result<Bytes, NoAnswer> {
        let body = vec![Bytes::from_static(b"hello")];
        self.client.post(&self.uri, HeaderMap::new(), body).await.map(|answer| answer.body)
    }
}

async fn finish(mut stream: TlsStream<TcpStream>, end: End) -> Option<TlsStream<TcpStream>> {
    // It may be closed from the other side by now.
    match end {
        End::Orderly => drop(stream.shutdown().await),
        End::Half => {
            stream.get_mut().1.send_close_notify();
            drop(stream.flush().await);
            return Some(stream);
        }
        End::Abrupt | End::Asked => {}
        End::LastWords => {
            drop(stream.write_all(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n").await);
            drop(stream.shutdown().await);
        }
    }
    None
}

async fn read_request(stream: &mut TlsStream<TcpStream>) -> bool {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"hello") {
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return false;
        }
    }
    true
}

/// What is ended while it is kept costs nothing, and is not sent twice, whether or not the client had time to hear of it.
#[tokio::test]
async fn what_a_peer_ends_between_two_requests_costs_neither() {
    for version in [&TLS12, &TLS13] {
        for end in ENDS {
            let mut peer = Peer::start(version, end).await;
            for sent in 1..=20 {
                let what = format!("{version:?} {end:?} number {sent}");
                assert_eq!(peer.post().await, Ok(Bytes::from_static(b"OK")), "{what}");
                assert_eq!(peer.requests.load(Ordering::SeqCst), sent, "{what}");
                peer.ended.recv().await.unwrap();
            }
        }
    }
}

/// A connection of ours on which a request was answered, and its other end.
async fn answered(version: &'static SupportedProtocolVersion) -> (LiveStream, TlsStream<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (server, ca) = server(version);
    let client = config(&PeerTls { ca: Some(ca), identity: None }).await.unwrap();
    let ours = async {
        let socket = TokioIo::new(TcpStream::connect(address).await.unwrap());
        let connector = TlsConnector::from(client);
        let stream = connector.connect(address.ip().into(), TokioIo::new(socket)).await.unwrap();
        let mut fresh = LiveStream::new(stream.into());
        fresh.write_all(b"hello").await.unwrap();
        fresh.flush().await.unwrap();
        fresh.read_exact(&mut [0; 6]).await.unwrap();
        fresh
    };
    let theirs = async {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let mut stream = TlsAcceptor::from(Arc::new(server)).accept(stream).await.unwrap();
        assert!(read_request(&mut stream).await);
        stream.write_all(b"answer").await.unwrap();
        stream
    };
    tokio::join!(ours, theirs)
}

/// The next request is there before the peer has ended the connection. While time stands still, the connection rests for sure.
#[tokio::test(start_paused = true)]
async fn what_waits_while_the_connection_rests_is_not_written_when_it_is_ended() {
    for version in [&TLS12, &TLS13] {
        for end in ENDS {
            let (mut fresh, peer) = answered(version).await;
            let mut write = std::pin::pin!(fresh.write_all(b"two"));
            let begun = poll_fn(|cx| Poll::Ready(write.as_mut().poll(cx))).await;
            assert!(begun.is_pending());
            let _left_open = finish(peer, end).await;
            let error = write.await.unwrap_err();
            assert!(Unwritten::caused(&error), "{version:?} {end:?}: {error}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_written_when_the_peer_says_nothing() {
    for version in [&TLS12, &TLS13] {
        let (mut fresh, mut peer) = answered(version).await;
        fresh.write_all(b"hello").await.unwrap();
        fresh.flush().await.unwrap();
        assert!(read_request(&mut peer).await);
    }
}
