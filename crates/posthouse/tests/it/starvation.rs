//! One address, or one account, holds all that it may hold: others are served all the same. A test for each kind of what can be held.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use crate::process;
use base64::Engine as _;
use posthouse_testing::{
    answer::{RawAnswer, exchange_on},
    provisioning::{AccountToml, CarrierToml, range},
    request::{RawPart, RawRequest},
    town::{DEADLINE, Town, TownPlan},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpSocket, TcpStream},
    task::JoinSet,
    time::sleep,
};

/// What is asked for: an honest peer is answered within this time.
const SERVED: Duration = Duration::from_secs(5);
const ATTACKER: Ipv4Addr = Ipv4Addr::new(127, 0, 7, 1);
const VASP: Ipv4Addr = Ipv4Addr::new(127, 0, 8, 1);
const CARRIER: Ipv4Addr = Ipv4Addr::new(127, 0, 9, 1);
const NUMBER: &str = "16175550100";

async fn connect(from: Ipv4Addr, to: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::new(from.into(), 0))?;
    socket.connect(to).await
}

async fn exchange(from: Ipv4Addr, to: SocketAddr, request: &RawRequest) -> RawAnswer {
    exchange_on(&mut connect(from, to).await.unwrap(), &request.bytes()).await
}

/// A submit and a carrier's post from addresses of their own are answered in time, both at the same time.
async fn are_served(town: &Town) {
    let began = Instant::now();
    let report = RawRequest { path: "/carriers/31003/mm7".to_owned(), ..RawRequest::to(NUMBER) };
    let submit = RawRequest::to(NUMBER);
    let (submit, report) = tokio::join!(
        exchange(VASP, town.mm7_door(), &submit),
        exchange(CARRIER, town.carrier_door(), &report),
    );
    let took = began.elapsed();
    assert_eq!(submit.code(), Some(1000), "{}", submit.xml());
    // A SubmitReq is nothing that a carrier may post: it was read, and that counts here.
    assert!(report.decoded.is_some(), "{}", report.http_status);
    assert!(took < SERVED, "after {took:?}");
}

/// A gateway in a process of its own that may open so many files, which bounds its connections.
fn with_few_files(files: usize, folder: &Path) -> process::Gateway {
    let mut command = Command::new("sh");
    let serve = format!("ulimit -n {files} && exec \"$0\" serve -c posthouse.toml");
    command
        .args(["-c", &serve, env!("CARGO_BIN_EXE_posthouse")])
        .current_dir(folder)
        .env("POSTHOUSE_LOG", "info");
    let gateway = process::Gateway::ready(process::Program::spawn(command));
    let (account, carrier) = (AccountToml::new("acme"), CarrierToml::new("31003").nowhere());
    process::provision(folder, &format!("{account}{carrier}{}", range("1617", "31003")));
    gateway
}

fn address(url: &str) -> SocketAddr {
    url.trim_start_matches("http://").split('/').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn one_address_that_has_all_connections_of_a_door_holds_nobody_up() {
    const FILES: usize = 256;
    let folder = process::folder();
    let gateway = with_few_files(FILES, folder.path());
    let doors = [&gateway.mm7, &gateway.carriers, &gateway.admin].map(|url| address(url));
    for sent in [
        &b""[..],
        b"POST /mm7/v1 HTTP/1.1\r\nHost:",
        b"POST /mm7/v1 HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\nContent-Length: 5000\r\n\r\n<",
    ] {
        // Half of the files may be connections of the first door: these are more.
        let mut held = Vec::new();
        for door in doors {
            for _ in 0..FILES * 3 / 4 {
                let mut stream = connect(ATTACKER, door).await.unwrap();
                // Some of them are closed at once.
                let _ = stream.write_all(sent).await;
                held.push(stream);
            }
        }
        let began = Instant::now();
        let submit = exchange(VASP, doors[0], &RawRequest::to(NUMBER)).await;
        assert_eq!(submit.code(), Some(1000), "{}", submit.xml());
        let report = RawRequest { path: "/carriers/31003/mm7".to_owned(), ..RawRequest::to(NUMBER) };
        let report = exchange(CARRIER, doors[1], &report).await;
        assert!(report.decoded.is_some(), "{}", report.http_status);
        let mut admin = connect(CARRIER, doors[2]).await.unwrap();
        let health = exchange_on(&mut admin, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await;
        assert_eq!(health.http_status, 200);
        assert!(began.elapsed() < SERVED, "after {:?}", began.elapsed());
        drop(held);
    }
}

/// How much of the machine's memory a process has, in MiB.
#[cfg(target_os = "linux")]
fn resident(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<u64>().unwrap() / 1024
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn one_address_with_heads_that_do_not_end_holds_nobody_up() {
    const HEADS: usize = 150;
    let folder = process::folder();
    let gateway = with_few_files(1024, folder.path());
    let door = address(&gateway.mm7);
    let before = resident(gateway.program.pid());
    let sent = Arc::new(AtomicU64::new(0));
    let mut holding = JoinSet::new();
    for _ in 0..HEADS {
        let sent = Arc::clone(&sent);
        holding.spawn(async move {
            let mut stream = connect(ATTACKER, door).await.unwrap();
            stream.write_all(b"POST /mm7/v1 HTTP/1.1\r\nX: ").await.unwrap();
            for piece in vec![b'x'; 2_000_000].chunks(50_000) {
                stream.write_all(piece).await.unwrap();
                sent.fetch_add(piece.len() as u64, Ordering::Relaxed);
            }
            std::future::pending::<()>().await;
        });
    }
    stands_still("heads take all that they may", 20 << 20, &sent).await;
    let took = resident(gateway.program.pid()).saturating_sub(before);
    assert!(took < 96, "{HEADS} heads of 2 MB take {took} MiB");
    let began = Instant::now();
    let submit = exchange(VASP, door, &RawRequest::to(NUMBER)).await;
    assert_eq!(submit.code(), Some(1000), "{}", submit.xml());
    // Also one that is as long as any that is answered.
    let mut long = RawRequest::to(NUMBER);
    long.header("X-Long", vec![b'x'; 1 << 20]);
    let long = exchange(VASP, door, &long).await;
    assert_eq!(long.code(), Some(1000), "{}", long.xml());
    assert!(began.elapsed() < SERVED, "after {:?}", began.elapsed());
    holding.shutdown().await;
}

/// Waits till a count stands still, at no less than this.
async fn stands_still(what: &str, least: u64, count: &AtomicU64) -> u64 {
    let began = Instant::now();
    let mut last = (0, began);
    while last.0 < least || last.1.elapsed() < Duration::from_millis(700) {
        assert!(began.elapsed() < DEADLINE, "{what}: not within {DEADLINE:?}");
        let now = count.load(Ordering::Relaxed);
        if now != last.0 {
            last = (now, Instant::now());
        }
        sleep(Duration::from_millis(20)).await;
    }
    last.0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_address_that_fills_the_memory_for_bodies_holds_nobody_up() {
    const BODY: usize = 5 << 20;
    let town = Town::found().await;
    let head = format!("Host: x\r\nContent-Type: text/xml\r\nContent-Length: {BODY}\r\n\r\n");
    let sent = Arc::new(AtomicU64::new(0));
    let mut holding = JoinSet::new();
    let doors = [(town.mm7_door(), "/mm7/v1", 55), (town.carrier_door(), "/carriers/31003/mm7", 14)];
    for (door, path, bodies) in doors {
        for _ in 0..bodies {
            let (head, sent) = (format!("POST {path} HTTP/1.1\r\n{head}"), Arc::clone(&sent));
            holding.spawn(async move {
                let mut stream = connect(ATTACKER, door).await.unwrap();
                stream.write_all(head.as_bytes()).await.unwrap();
                // All but the last byte.
                for piece in vec![b'x'; BODY - 1].chunks(64 << 10) {
                    stream.write_all(piece).await.unwrap();
                    sent.fetch_add(piece.len() as u64, Ordering::Relaxed);
                }
                std::future::pending::<()>().await;
            });
        }
    }
    stands_still("bodies fill the memory", 200 << 20, &sent).await;
    are_served(&town).await;
    holding.shutdown().await;
    town.close().await;
}

/// An Authorization header of the user of an account whose user has its name.
fn basic(name: &str, password: &str) -> String {
    let credentials = base64::engine::general_purpose::STANDARD.encode(format!("{name}:{password}"));
    format!("Basic {credentials}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn guesses_at_one_accounts_password_from_many_addresses_hold_nobody_up() {
    const GUESSES: u8 = 250;
    let town = Town::planned(TownPlan::default()).await;
    let account = |name: &str| {
        town.account(name, &format!("basic_auth = {{ username = {name:?}, password = \"right\" }}\n"))
    };
    town.provision(&[account("acme"), account("other"), town.usual_carriers()].concat()).await;
    let mut guessing = JoinSet::new();
    for net in 1..=2 {
        for host in 1..=GUESSES {
            let mut guess = RawRequest::to(NUMBER);
            guess.header("Authorization", basic("acme", &format!("guess{net}.{host}")));
            let door = town.mm7_door();
            guessing.spawn(async move {
                let mut stream = connect(Ipv4Addr::new(127, 1, net, host), door).await.unwrap();
                stream.write_all(&guess.bytes()).await.unwrap();
                stream
            });
        }
    }
    let guesses = guessing.join_all().await;
    let began = Instant::now();
    let mut right = RawRequest { vaspid: Some("other-key".to_owned()), ..RawRequest::to(NUMBER) };
    right.header("Authorization", basic("other", "right"));
    let answer = exchange(VASP, town.mm7_door(), &right).await;
    assert_eq!(answer.code(), Some(1000), "{}", answer.xml());
    assert!(began.elapsed() < SERVED, "after {:?}", began.elapsed());
    drop(guesses);
    town.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fetches_of_one_account_that_are_not_answered_hold_nobody_up() {
    const URLS: usize = 32;
    let media = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let at = media.local_addr().unwrap();
    let (asked, hung) = (Arc::new(AtomicU64::new(0)), Arc::new(Mutex::new(Vec::new())));
    let serving = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = media.accept().await {
            let mut head = [0; 2048];
            let read = stream.read(&mut head).await.unwrap();
            if head[..read].starts_with(b"GET /good") {
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").await.unwrap();
            } else {
                serving.fetch_add(1, Ordering::Relaxed);
                hung.lock().unwrap().push(stream);
            }
        }
    });
    let mut plan = TownPlan::default();
    plan.settings.fetch.allow_private = vec!["127.0.0.0/8".parse().unwrap()];
    plan.settings.fetch.timeout = Duration::from_secs(8);
    let town = Town::planned(plan).await;
    let accounts = [town.account("acme", ""), town.account("other", "")];
    town.provision(&[accounts.concat(), town.usual_carriers()].concat()).await;
    let naming = |account: &str, urls: &[String]| {
        let shown: String = urls.iter().map(|url| format!("<par><text src=\"{url}\"/></par>")).collect();
        let smil = format!("<smil><body>{shown}</body></smil>");
        let mut request = RawRequest { vaspid: Some(format!("{account}-key")), ..RawRequest::to(NUMBER) };
        request.attachments = vec![RawPart::new("application/smil", "smil", smil)];
        request
    };
    let mut fetching = JoinSet::new();
    for number in 0..20 {
        let urls: Vec<_> = (0..URLS).map(|url| format!("http://{at}/never/{number}/{url}")).collect();
        let (request, door) = (naming("acme", &urls), town.mm7_door());
        fetching.spawn(async move {
            let mut stream = connect(ATTACKER, door).await.unwrap();
            stream.write_all(&request.bytes()).await.unwrap();
            std::future::pending::<()>().await;
        });
    }
    let held = stands_still("one account's fetches are under way", 128, &asked).await;
    assert_eq!(held, 128, "half of what there is");
    let began = Instant::now();
    let answer = exchange(VASP, town.mm7_door(), &naming("other", &[format!("http://{at}/good")])).await;
    assert_eq!(answer.code(), Some(1000), "{}", answer.xml());
    assert!(began.elapsed() < SERVED, "after {:?}", began.elapsed());
    are_served(&town).await;
    fetching.shutdown().await;
    town.close().await;
}
