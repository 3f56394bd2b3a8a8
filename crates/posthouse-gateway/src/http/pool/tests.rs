use bytes::Bytes;
use http::HeaderMap;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{advance, pause},
};

use super::*;
use crate::http::client::{HttpClient, NoAnswer};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK";
const SOON: Duration = Duration::from_secs(20);

async fn listen() -> (TcpListener, Uri) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}/mm7?a=b", listener.local_addr().unwrap()).parse().unwrap();
    (listener, uri)
}

async fn post(client: &HttpClient, uri: &Uri) -> Result<Bytes, NoAnswer> {
    let answer = client.post(uri, HeaderMap::new(), vec![Bytes::from_static(b"hello")]).await;
    answer.map(|answer| answer.body)
}

/// Reads a request whose body is `hello`.
async fn read_request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"hello") {
        assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0, "it breaks off");
    }
    String::from_utf8(bytes).unwrap()
}

/// As many connections as there are answered requests at a time.
async fn answered_at_a_time(
    client: &HttpClient,
    listener: &TcpListener,
    uri: &Uri,
    count: usize,
) -> Vec<TcpStream> {
    let peer = async {
        let mut streams = Vec::new();
        for _ in 0..count {
            let mut stream = listener.accept().await.unwrap().0;
            read_request(&mut stream).await;
            streams.push(stream);
        }
        for stream in &mut streams {
            stream.write_all(ANSWER).await.unwrap();
        }
        streams
    };
    let mut posts = JoinSet::new();
    for _ in 0..count {
        let (client, uri) = (client.clone(), uri.clone());
        posts.spawn(async move { post(&client, &uri).await });
    }
    let (streams, answers) = tokio::join!(peer, posts.join_all());
    assert_eq!(answers, vec![Ok(Bytes::from_static(b"OK")); count]);
    streams
}

#[tokio::test]
async fn a_request_says_where_it_goes() {
    let (listener, uri) = listen().await;
    let client = HttpClient::new(SOON, 1, None);
    let peer = async {
        let mut stream = listener.accept().await.unwrap().0;
        let request = read_request(&mut stream).await;
        stream.write_all(ANSWER).await.unwrap();
        request
    };
    let (request, answer) = tokio::join!(peer, post(&client, &uri));
    answer.unwrap();
    let host = uri.authority().unwrap();
    assert_eq!(request, format!("POST /mm7?a=b HTTP/1.1\r\nHost: {host}\r\nContent-Length: 5\r\n\r\nhello"));
}

/// A peer that starts again has closed all of them: there may be more than there are tries.
#[tokio::test]
async fn any_number_that_were_closed_while_they_were_kept_cost_nothing() {
    const KEPT: usize = 12;
    let (listener, uri) = listen().await;
    let client = HttpClient::new(SOON, KEPT, None);
    drop(answered_at_a_time(&client, &listener, &uri, KEPT).await);
    answered_at_a_time(&client, &listener, &uri, 1).await;
}

/// So many are kept for a host, those for a few seconds, and then they are closed.
#[tokio::test]
async fn what_is_idle_for_too_long_is_closed() {
    const KEPT: usize = 3;
    let (listener, uri) = listen().await;
    let client = HttpClient::new(SOON, KEPT, None);
    let mut streams = answered_at_a_time(&client, &listener, &uri, KEPT + 1).await;
    pause();
    let mut closed = 0;
    for stream in &mut streams {
        let read = timeout(IDLE / 8, stream.read(&mut [0; 1])).await;
        closed += usize::from(matches!(read, Ok(Ok(0))));
    }
    assert_eq!(closed, 1, "one more than are kept");
    for stream in &mut streams {
        assert_eq!(stream.read(&mut [0; 1]).await.unwrap(), 0);
    }
    assert!(!client.pool.idle.lock().is_watched);
}

/// Since when each is idle that is kept.
fn idle_since(pool: &IdlePool) -> Vec<Instant> {
    pool.idle.lock().hosts.iter().flat_map(|host| host.kept.iter().map(|(since, _)| *since)).collect()
}

/// One that answered just now may be about to be closed by its peer: another is better, and of those the one that was used last.
#[tokio::test]
async fn of_those_that_have_rested_the_last_is_taken() {
    let (listener, uri) = listen().await;
    let (pool, connector) = (IdlePool::new(10), PeerConnector::new(SOON, None));
    let mut streams = Vec::new();
    pause();
    let began = Instant::now();
    for _ in 0..3 {
        let (opened, accepted) = tokio::join!(PeerConnection::open(&connector, &uri), listener.accept());
        streams.push(accepted.unwrap());
        pool.keep(&uri, opened.unwrap());
        advance(REST / 2).await;
    }
    let kept = idle_since(&pool);
    assert_eq!(kept, [began, began + REST / 2, began + REST]);
    assert!(pool.take(&"http://192.0.2.1:80/".parse().unwrap()).is_none(), "to another host");
    // The first two have rested.
    drop(pool.take(&uri).unwrap());
    assert_eq!(idle_since(&pool), [kept[0], kept[2]]);
    drop(pool.take(&uri).unwrap());
    assert_eq!(idle_since(&pool), [kept[2]]);
    // It has not, and is better than none.
    drop(pool.take(&uri).unwrap());
    assert!(idle_since(&pool).is_empty() && pool.take(&uri).is_none());
}

/// Whoever answers before all has come still gets the rest.
#[tokio::test]
async fn what_is_answered_before_it_was_read_goes_out_whole() {
    const LENGTH: usize = 16 << 20;
    let (listener, uri) = listen().await;
    let client = HttpClient::new(SOON, 1, None);
    let peer = async {
        let mut stream = listener.accept().await.unwrap().0;
        let mut byte = [0; 1];
        stream.read_exact(&mut byte).await.unwrap();
        stream.write_all(ANSWER).await.unwrap();
        stream
    };
    let body = vec![Bytes::from(vec![b'x'; LENGTH])];
    let (mut stream, answer) = tokio::join!(peer, client.post(&uri, HeaderMap::new(), body));
    assert_eq!(answer.unwrap().body, "OK");
    let mut rest = Vec::new();
    timeout(SOON, stream.read_to_end(&mut rest)).await.unwrap().unwrap();
    assert!(rest.ends_with(b"x") && rest.len() >= LENGTH, "{} bytes", rest.len());
}
