//! The HTTP under the simulators: limits, deadlines, ending, and the bytes that go out.

use std::{io, net::SocketAddr, time::Duration};

use http::StatusCode;
use posthouse_sim::{
    Credentials, Submit,
    http::{Client, ClientError, Request, Server, ServerLimits, exchange, reply},
    media, wire,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

const DEADLINE: Duration = Duration::from_secs(10);

fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// A server that answers how many bytes it was sent.
async fn counting(listen: SocketAddr, limits: ServerLimits) -> io::Result<Server> {
    let count = |request: Request| async move {
        reply(StatusCode::OK, "text/plain", request.body().len().to_string())
    };
    Server::start(listen, limits, count).await
}

fn post(server: &Server, bytes: usize) -> Request {
    let url = format!("http://{}/", server.address());
    http::Request::post(url).body(vec![b'x'; bytes].into()).unwrap()
}

#[tokio::test]
async fn bodies_have_a_limit() {
    let limits = ServerLimits { max_body: 1000, ..ServerLimits::default() };
    let server = counting(loopback(), limits).await.unwrap();
    let client = Client::new(DEADLINE);
    assert_eq!(client.send(post(&server, 1000)).await.unwrap().body(), "1000");
    let announced = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n";
    let chunked = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    let chunk = format!("3e9\r\n{}\r\n0\r\n\r\n", "x".repeat(1001));
    for request in [format!("{announced}{}", "x".repeat(1001)), format!("{chunked}{chunk}")] {
        let answer = exchange(server.address(), request.as_bytes(), DEADLINE).await.unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 413 "), "{}", String::from_utf8_lossy(&answer));
    }
}

#[tokio::test]
async fn heads_and_bodies_have_deadlines() {
    let short = Duration::from_millis(50);
    let limits = ServerLimits { head_timeout: short, body_timeout: short, ..ServerLimits::default() };
    let server = counting(loopback(), limits).await.unwrap();
    let half_a_body = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nx";
    let answer = exchange(server.address(), half_a_body, DEADLINE).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 408 "), "{}", String::from_utf8_lossy(&answer));
    let half_a_head = b"POST / HTTP/1.1\r\nHost:";
    exchange(server.address(), half_a_head, DEADLINE).await.unwrap();
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_their_turn() {
    let limits = ServerLimits { max_connections: 1, ..ServerLimits::default() };
    let server = counting(loopback(), limits).await.unwrap();
    let idle = TcpStream::connect(server.address()).await.unwrap();
    let second = Client::new(Duration::from_millis(100)).send(post(&server, 1)).await.unwrap_err();
    assert!(matches!(second, ClientError::TimedOut { .. }), "{second:?}");
    drop(idle);
    assert_eq!(Client::new(DEADLINE).send(post(&server, 1)).await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn a_stopped_server_gives_its_address_back() {
    let server = counting(loopback(), ServerLimits::default()).await.unwrap();
    let address = server.address();
    // A connection that is kept alive, and one that is being answered for ever, do not hold it up.
    Client::new(DEADLINE).send(post(&server, 1)).await.unwrap();
    tokio::time::timeout(DEADLINE, server.stop()).await.unwrap();
    let again = counting(address, ServerLimits::default()).await.unwrap();
    assert_eq!(again.address(), address);
    assert_eq!(Client::new(DEADLINE).send(post(&again, 7)).await.unwrap().body(), "7");
    assert!(counting(address, ServerLimits::default()).await.is_err());
}

#[tokio::test]
async fn what_is_shown_is_what_goes_out() {
    let listener = TcpListener::bind(loopback()).await.unwrap();
    let mut mms =
        Submit::new(format!("http://{}/mm7/v1?a=b", listener.local_addr().unwrap()), "111122", "16175550100");
    mms.text = Some("hi".to_owned());
    mms.media = vec![media::part("a.jpg", vec![0, 13, 10, 255])];
    mms.credentials = Some(Credentials::new("u", "p"));
    mms.carrier_id = Some(("X-Carrier-Id".to_owned(), "31003".to_owned()));
    let request = mms.prepare().unwrap();
    let shown = wire::raw(&request);
    let taking = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut sent = vec![0; shown.len()];
        stream.read_exact(&mut sent).await.unwrap();
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
        sent
    };
    let client = Client::new(DEADLINE);
    let (sent, answer) = tokio::join!(taking, client.send(request));
    assert_eq!(String::from_utf8_lossy(&sent), String::from_utf8_lossy(&shown));
    assert_eq!(answer.unwrap().status(), StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_client_tells_apart_what_went_wrong() {
    let client = Client::new(Duration::from_millis(200)).with_max_answer(10);
    let get = |url: String| http::Request::get(url).body(Default::default()).unwrap();

    let listener = TcpListener::bind(loopback()).await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let late = client.send(get(url.clone())).await.unwrap_err();
    assert!(matches!(late, ClientError::TimedOut { .. }), "{late:?}");
    drop(listener);
    let refused = client.send(get(url)).await.unwrap_err();
    assert!(matches!(refused, ClientError::Connect { .. }), "{refused:?}");

    let chatty = |_| async { reply(StatusCode::OK, "text/plain", "eleven bytes") };
    let server = Server::start(loopback(), ServerLimits::default(), chatty).await.unwrap();
    let long = client.send(get(format!("http://{}/", server.address()))).await.unwrap_err();
    assert!(matches!(long, ClientError::TooLong { limit: 10, .. }), "{long:?}");

    for url in ["https://127.0.0.1/", "/mm7"] {
        let bad = client.send(get(url.to_owned())).await.unwrap_err();
        assert!(matches!(bad, ClientError::Url { .. }), "{bad:?}");
    }
}
