use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use http::{HeaderMap, Uri};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    sync::Notify,
};

use super::*;
use crate::http::client::{HttpClient, NoAnswer};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK";

/// A peer that keeps no promise about its connections.
struct Peer {
    uri: Uri,
    requests: Arc<AtomicUsize>,
    connections: Arc<AtomicUsize>,
    /// Rung each time that it has closed a connection.
    closed: Arc<Notify>,
}

impl Peer {
    /// Answers so many requests on each connection, then waits till it is told to, says something that nobody asked for, and
    /// closes it.
    async fn start(requests_each: usize, close: Arc<Notify>, last_words: &'static [u8]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let peer = Self {
            uri: format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap(),
            requests: Arc::default(),
            connections: Arc::default(),
            closed: Arc::default(),
        };
        let (requests, connections) = (Arc::clone(&peer.requests), Arc::clone(&peer.connections));
        let closed = Arc::clone(&peer.closed);
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                connections.fetch_add(1, Ordering::SeqCst);
                for _ in 0..requests_each {
                    if !read_request(&mut stream).await {
                        break;
                    }
                    requests.fetch_add(1, Ordering::SeqCst);
                    stream.write_all(ANSWER).await.unwrap();
                }
                close.notified().await;
                // It may be closed from the other side by now.
                drop(stream.write_all(last_words).await);
                drop(stream);
                closed.notify_one();
            }
        });
        peer
    }

    async fn post(&self, client: &HttpClient) -> Result<Bytes, NoAnswer> {
        let answer = client.post(&self.uri, HeaderMap::new(), vec![Bytes::from_static(b"hello")]).await;
        answer.map(|answer| answer.body)
    }

    fn counts(&self) -> (usize, usize) {
        (self.requests.load(Ordering::SeqCst), self.connections.load(Ordering::SeqCst))
    }
}

/// Reads a request whose body is `hello`; not when the connection ends before.
async fn read_request(stream: &mut TcpStream) -> bool {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"hello") {
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return false;
        }
    }
    true
}

fn client() -> HttpClient {
    HttpClient::new(Duration::from_secs(20), 16, None)
}

/// What is closed while it is kept costs nothing, and is not sent twice.
#[tokio::test]
async fn a_peer_that_closes_after_each_answer_without_saying_so() {
    let close = Arc::new(Notify::new());
    let peer = Peer::start(1, Arc::clone(&close), b"").await;
    let client = client();
    for sent in 1..=100 {
        assert_eq!(peer.post(&client).await, Ok(Bytes::from_static(b"OK")), "number {sent}");
        close.notify_one();
        peer.closed.notified().await;
        assert_eq!(peer.counts(), (sent, sent));
    }
}

/// As some do when they are tired of waiting: it is no answer to what was not sent yet.
#[tokio::test]
async fn what_a_peer_says_before_it_closes_is_no_answer() {
    let close = Arc::new(Notify::new());
    let words = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let peer = Peer::start(1, Arc::clone(&close), words).await;
    let client = client();
    for sent in 1..=20 {
        assert_eq!(peer.post(&client).await, Ok(Bytes::from_static(b"OK")), "number {sent}");
        close.notify_one();
        peer.closed.notified().await;
        assert_eq!(peer.counts(), (sent, sent));
    }
}

#[tokio::test]
async fn a_connection_that_is_kept_is_used_again() {
    let peer = Peer::start(100, Arc::default(), b"").await;
    let client = client();
    for _ in 0..100 {
        assert_eq!(peer.post(&client).await, Ok(Bytes::from_static(b"OK")));
    }
    let (requests, connections) = peer.counts();
    // Now and then connecting is faster than getting the last one back.
    assert!(requests == 100 && connections < 50, "{requests} requests on {connections} connections");
}

/// It was read: nobody knows what became of it, and it is not sent again.
#[tokio::test]
async fn a_peer_that_reads_a_request_and_closes_may_have_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri: Uri = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    let reads = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        assert!(read_request(&mut stream).await);
        stream.write_all(ANSWER).await.unwrap();
        assert!(read_request(&mut stream).await);
        drop(stream);
        tokio::time::timeout(Duration::from_millis(200), listener.accept()).await.is_err()
    });
    let client = client();
    let post = || client.post(&uri, HeaderMap::new(), vec![Bytes::from_static(b"hello")]);
    assert!(post().await.is_ok());
    let second = post().await;
    assert!(matches!(second, Err(NoAnswer::Unknown(_))), "{second:?}");
    assert!(reads.await.unwrap(), "it came twice");
}

/// A socket and its other end.
async fn pair() -> (LiveStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    (LiveStream::new(MaybeHttpsStream::Http(TokioIo::new(stream))), listener.accept().await.unwrap().0)
}

/// The peer closes right after its answer, and the next request is there already.
#[tokio::test]
async fn what_waits_while_the_connection_rests_is_not_written_when_it_is_closed() {
    let (mut fresh, mut peer) = pair().await;
    fresh.write_all(b"one").await.unwrap();
    peer.write_all(b"answer").await.unwrap();
    fresh.read_exact(&mut [0; 6]).await.unwrap();
    drop(peer);
    let error = fresh.write_all(b"two").await.unwrap_err();
    assert!(Unwritten::caused(&error), "{error}");
}

#[tokio::test]
async fn within_a_request_a_broken_connection_is_what_it_is() {
    let (mut fresh, mut peer) = pair().await;
    fresh.write_all(b"one").await.unwrap();
    peer.read_exact(&mut [0; 3]).await.unwrap();
    drop(peer);
    let error = loop {
        if let Err(error) = fresh.write_all(b"two").await {
            break error;
        }
    };
    assert!(!Unwritten::caused(&error), "{error}");
}
