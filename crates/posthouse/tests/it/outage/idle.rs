//! As many idle connections as the MM7 door serves at a time, and more than that.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::TcpStream,
    path::Path,
    time::Instant,
};

use posthouse_sim::{Submit, wire::raw};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::{
    status::{files, kib},
    town::provision,
};
use crate::process::{DEADLINE, Gateway, folder};

/// How many connections come on top of those that are served at a time.
const SURPLUS: usize = 100;
/// Files that it may have opened meanwhile for itself.
const OF_ITS_OWN: usize = 20;
/// What an idle connection may take of the gateway's memory, in KiB: some 25 are usual.
const KIB_EACH: u64 = 48;

/// How many connections the MM7 door serves at a time (docs/failures.md).
fn served_at_a_time(files: Option<u64>) -> usize {
    files.map_or(10_000, |files| (files / 2).min(10_000)).try_into().unwrap()
}

/// How many more wait to be served, with a file each (docs/failures.md).
const fn on_the_porch(served_at_a_time: usize) -> usize {
    served_at_a_time.div_ceil(32)
}

/// Lets this process open as many files as it may: the gateway asks for as many itself. How many connections its door serves.
fn open_many_files() -> usize {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
    served_at_a_time(limit.maximum)
}

fn connect(gateway: &Gateway) -> TcpStream {
    let address = gateway.mm7.trim_start_matches("http://").split('/').next().unwrap();
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream
}

/// The bytes of a SubmitReq.
fn submit_req(gateway: &Gateway) -> Vec<u8> {
    let submit = Submit {
        vaspid: Some("acme-key".to_owned()),
        text: Some("Hello".to_owned()),
        ..Submit::new(&gateway.mm7, "111122", "16175550100")
    };
    raw(&submit.prepare().unwrap())
}

/// An answer to its end, on a connection that is kept.
fn answer(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    while !is_whole(&String::from_utf8_lossy(&bytes)) {
        let read = stream.read(&mut piece).unwrap();
        assert!(read > 0, "{}", String::from_utf8_lossy(&bytes));
        bytes.extend_from_slice(&piece[..read]);
    }
    String::from_utf8(bytes).unwrap()
}

fn is_whole(answer: &str) -> bool {
    let Some((head, body)) = answer.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).unwrap();
    body.len() >= length.parse().unwrap()
}

/// Whether nothing came on it: no answer, and no end.
fn is_quiet(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let peeked = stream.peek(&mut [0]);
    stream.set_nonblocking(false).unwrap();
    matches!(peeked, Err(error) if error.kind() == ErrorKind::WouldBlock)
}

/// Connections that are kept after a request was answered on each.
fn idle(gateway: &Gateway, count: usize) -> Vec<TcpStream> {
    let mut idle = Vec::new();
    while idle.len() < count {
        // No more at a time than the kernel's backlog holds.
        let some = idle.len()..count.min(idle.len() + 500);
        idle.extend(some.clone().map(|_| connect(gateway)));
        for stream in &mut idle[some.clone()] {
            stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        }
        for stream in &mut idle[some] {
            assert!(answer(stream).starts_with("HTTP/1.1 404 "));
        }
    }
    idle
}

/// A gateway that has answered a SubmitReq.
fn warm(folder: &Path) -> Gateway {
    let gateway = Gateway::start(folder);
    provision(folder, "http://127.0.0.1:1/mm7", "http://127.0.0.1:1", "");
    accepts(&mut connect(&gateway), &submit_req(&gateway));
    gateway
}

#[track_caller]
fn accepts(stream: &mut TcpStream, submit_req: &[u8]) {
    stream.write_all(submit_req).unwrap();
    let answer = answer(stream);
    assert!(answer.contains("<StatusCode>1000<"), "{answer}");
}

#[test]
fn ten_thousand_idle_connections_hold_nobody_up() {
    let at_a_time = open_many_files();
    let folder = folder();
    let gateway = warm(folder.path());
    let pid = gateway.program.pid();
    let (files_before, memory_before) = (files(pid), kib(pid, "VmRSS"));

    let began = Instant::now();
    let mut idle = idle(&gateway, at_a_time - 1);
    accepts(&mut connect(&gateway), &submit_req(&gateway));
    // It may be a moment till what was closed is gone.
    let open = files(pid) - files_before;
    let each = (kib(pid, "VmRSS") - memory_before) / open as u64;
    println!("{open} connections after {:?}, {each} KiB each", began.elapsed());
    assert!(
        open > at_a_time / 2,
        "they were closed for being idle before all were there: this machine is too slow"
    );
    assert!(each <= KIB_EACH, "{each} KiB each");

    // The door is full with one more; the others wait, however much they want.
    idle.push(connect(&gateway));
    let mut surplus: Vec<TcpStream> = (0..SURPLUS).map(|_| connect(&gateway)).collect();
    for stream in &mut surplus {
        stream.write_all(&submit_req(&gateway)).unwrap();
    }
    accepts(&mut idle[at_a_time - 2], &submit_req(&gateway));
    let most = at_a_time + on_the_porch(at_a_time) + OF_ITS_OWN;
    assert!(files(pid) - files_before <= most, "more are accepted than there may be");
    let all_wait = surplus.iter().all(is_quiet);
    // Idle connections are closed after a while, and others served instead.
    let still_full = idle.iter().all(is_quiet);
    assert!(all_wait || !still_full, "one was served that was too many");
    println!("{SURPLUS} more wait: {all_wait}, while the door is full: {still_full}");

    drop(idle);
    for stream in &mut surplus {
        let answer = answer(stream);
        assert!(answer.contains("<StatusCode>1000<"), "{answer}");
    }
    drop(surplus);
    gateway.program.signal("TERM");
    assert_eq!(gateway.program.ended().status.code(), Some(0));
}
