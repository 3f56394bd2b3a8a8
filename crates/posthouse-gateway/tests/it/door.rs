//! Peers that are slow, idle, or gone quiet: each of their connections ends, and the door stays open for others.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use posthouse_gateway::http::{
    body,
    limits::ConnectionLimits,
    memory::Memory,
    peer::Peer,
    server::{Door, HttpAnswer},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    task::JoinHandle,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

/// How long anything may take that ends at once on a machine that has nothing else to do.
const DEADLINE: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(100);
const LIMITS: ConnectionLimits = ConnectionLimits {
    connections: 4,
    handshakes: 2,
    handshake: DEADLINE,
    head: DEADLINE,
    stalled: DEADLINE,
    stop: DEADLINE,
};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";

/// An open door.
struct Opened {
    address: SocketAddr,
    stop: CancellationToken,
    serving: JoinHandle<()>,
}

impl Opened {
    /// A door that answers every request with so many bytes.
    async fn answering(limits: ConnectionLimits, bytes: usize) -> Self {
        let answer = Bytes::from(vec![b'x'; bytes]);
        Self::open(limits, move |_, _| {
            let answer = answer.clone();
            async move { Response::new(Full::new(answer)) }
        })
        .await
    }

    async fn open<F>(
        limits: ConnectionLimits,
        answer: impl Fn(Request<Incoming>, Peer) -> F + Clone + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = HttpAnswer> + Send + 'static,
    {
        let door = Door::bind(SocketAddr::from(([127, 0, 0, 1], 0)), limits, None).unwrap();
        let (address, stop) = (door.address().unwrap(), CancellationToken::new());
        let serving = tokio::spawn(door.serve(answer, stop.clone()));
        Self { address, stop, serving }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn connect_from(&self, from: Ipv4Addr) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((from, 0).into()).unwrap();
        socket.connect(self.address).await.unwrap()
    }

    /// Sends this, and gives back what comes till the door closes the connection.
    async fn exchange(&self, request: &[u8]) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request).await.unwrap();
        all_of(stream).await
    }

    async fn stopped(self) {
        self.stop.cancel();
        timeout(DEADLINE, self.serving).await.unwrap().unwrap();
    }
}

/// What comes till the connection is closed, cleanly or not.
async fn all_of(mut stream: TcpStream) -> String {
    let mut all = Vec::new();
    // A reset ends it as well.
    let _ = timeout(DEADLINE, stream.read_to_end(&mut all)).await.unwrap();
    String::from_utf8(all).unwrap()
}

#[tokio::test]
async fn a_head_that_does_not_come_ends_the_connection() {
    let door = Opened::answering(ConnectionLimits { head: SHORT, ..LIMITS }, 1).await;
    assert_eq!(door.exchange(b"POST /mm7/v1 HTTP/1.1\r\nHost:").await, "");
    assert_eq!(door.exchange(b"").await, "", "idle from the beginning");
}

#[tokio::test]
async fn a_connection_that_stays_idle_ends() {
    let door = Opened::answering(ConnectionLimits { head: SHORT, ..LIMITS }, 1).await;
    let answered = door.exchange(GET).await;
    assert!(answered.starts_with("HTTP/1.1 200 OK\r\n") && answered.ends_with("\r\n\r\nx"), "{answered}");
}

#[tokio::test]
async fn a_peer_that_takes_no_answer_ends_its_connection() {
    let door =
        Opened::answering(ConnectionLimits { connections: 1, stalled: SHORT, ..LIMITS }, 1 << 20).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut greedy = socket.connect(door.address).await.unwrap();
    // More answers than the system buffers, and none is read.
    greedy.write_all(&GET.repeat(64)).await.unwrap();
    // The only connection there may be is free again.
    let request = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    assert!(door.exchange(request).await.ends_with("xxx"));
    drop(greedy);
}

#[tokio::test]
async fn connections_over_the_cap_wait_for_their_turn() {
    let door = Opened::answering(LIMITS, 1).await;
    let mut idle = Vec::new();
    for _ in 0..LIMITS.connections {
        idle.push(door.connect().await);
    }
    let mut waiting = door.connect().await;
    waiting.write_all(GET).await.unwrap();
    assert!(timeout(SHORT, waiting.read_u8()).await.is_err(), "nobody serves it yet");
    idle.pop();
    assert_eq!(timeout(DEADLINE, waiting.read_u8()).await.unwrap().unwrap(), b'H');
}

#[tokio::test]
async fn one_address_that_has_all_connections_gives_up_some_to_others() {
    let (begun, go_on) = (CancellationToken::new(), CancellationToken::new());
    let door = Opened::open(LIMITS, {
        let (begun, go_on) = (begun.clone(), go_on.clone());
        move |request: Request<Incoming>, peer: Peer| {
            let (begun, go_on) = (begun.clone(), go_on.clone());
            async move {
                match request.uri().path() {
                    "/slow" => {
                        peer.progress.working();
                        begun.cancel();
                        go_on.cancelled().await;
                    }
                    "/body" => drop(request.into_body().collect().await),
                    _ => {}
                }
                Response::new(Full::from("done"))
            }
        }
    })
    .await;
    // One whose request is here, and as many others as there are: idle, in the middle of a head, in the middle of a body.
    let mut under_way = door.connect().await;
    under_way.write_all(b"GET /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    timeout(DEADLINE, begun.cancelled()).await.unwrap();
    let mut held = Vec::new();
    for sent in [
        &b""[..],
        b"GET / HTTP/1.1\r\nHost:",
        b"POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx",
    ] {
        let mut stream = door.connect().await;
        stream.write_all(sent).await.unwrap();
        held.push(stream);
    }
    let mut served = Vec::new();
    for number in 2..5 {
        let mut stream = door.connect_from(Ipv4Addr::new(127, 0, 0, number)).await;
        stream.write_all(GET).await.unwrap();
        assert_eq!(timeout(DEADLINE, stream.read_u8()).await.unwrap().unwrap(), b'H', "{number}");
        served.push(stream);
    }
    // Those had to go, and the one whose request is here did not.
    for stream in held {
        assert_eq!(all_of(stream).await, "");
    }
    go_on.cancel();
    assert!(all_of(under_way).await.ends_with("done"));
}

#[tokio::test]
async fn a_stop_finishes_what_is_under_way_and_takes_nothing_new() {
    let (begun, go_on) = (CancellationToken::new(), CancellationToken::new());
    let door = Opened::open(LIMITS, {
        let (begun, go_on) = (begun.clone(), go_on.clone());
        move |_, _| {
            let (begun, go_on) = (begun.clone(), go_on.clone());
            async move {
                begun.cancel();
                go_on.cancelled().await;
                Response::new(Full::from("done"))
            }
        }
    })
    .await;
    let idle = door.connect().await;
    let mut under_way = door.connect().await;
    under_way.write_all(GET).await.unwrap();
    timeout(DEADLINE, begun.cancelled()).await.unwrap();
    door.stop.cancel();
    assert_eq!(all_of(idle).await, "");
    go_on.cancel();
    assert!(all_of(under_way).await.ends_with("done"));
    let address = door.address;
    door.stopped().await;
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_stop_does_not_wait_for_ever() {
    let limits = ConnectionLimits { stop: SHORT, ..LIMITS };
    let begun = CancellationToken::new();
    let door = Opened::open(limits, {
        let begun = begun.clone();
        move |_, _| {
            begun.cancel();
            std::future::pending()
        }
    })
    .await;
    let mut under_way = door.connect().await;
    under_way.write_all(GET).await.unwrap();
    timeout(DEADLINE, begun.cancelled()).await.unwrap();
    door.stopped().await;
    assert_eq!(all_of(under_way).await, "");
}

#[tokio::test]
async fn bodies_that_are_only_announced_take_no_memory_from_others() {
    const BODY: usize = 1000;
    let memory = Memory::new(1500);
    let limits = ConnectionLimits { connections: 100, ..LIMITS };
    let door = Opened::open(limits, move |request: Request<Incoming>, _| {
        let mut share = memory.share(HERE);
        async move {
            let deadline = Instant::now() + DEADLINE;
            let read = body::read(request.into_body(), BODY as u64, deadline, &mut share).await;
            Response::new(Full::from(format!("{:?}", matches!(read, body::Read::Whole(_)))))
        }
    })
    .await;
    let head = format!("POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {BODY}\r\n\r\n");
    let mut announced = Vec::new();
    for _ in 0..50 {
        let mut stream = door.connect().await;
        stream.write_all(format!("{head}x").as_bytes()).await.unwrap();
        announced.push(stream);
    }
    let whole = format!("{head}{}", "x".repeat(BODY));
    assert!(door.exchange(whole.as_bytes()).await.ends_with("true"));
}
