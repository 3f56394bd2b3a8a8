//! What a gateway takes of the machine's memory while it refuses what is made to take much: at most three times
//! `max_request_bytes` for the connection, on top of what it takes anyway.
//!
//! The gateway is a process of its own, and the kernel counts: Linux keeps the peak of the resident memory of each process.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::Path,
};

use crate::process::{self, DEADLINE, Gateway, folder};
use posthouse_testing::{
    hostile::{ACCOUNT, ALL, MAX_REQUEST_BYTES},
    provisioning::{AccountToml, CarrierToml, range},
    request::RawRequest,
};

/// The most that one connection may take, in KiB, as the kernel counts.
const BOUND: u64 = 3 * (MAX_REQUEST_BYTES as u64) / 1024;

fn provision(folder: &Path) {
    let account = AccountToml::new("acme").with(ACCOUNT).service("default = true\n");
    let carrier = CarrierToml::new("31003").with("max_message_bytes = 5242880\n").nowhere();
    process::provision(folder, &format!("{account}{carrier}{}", range("1617", "31003")));
}

/// Sends bytes on a connection of their own, and reads the answer to its end.
fn exchange(gateway: &Gateway, bytes: &[u8]) -> String {
    let address = gateway.mm7.trim_start_matches("http://").split('/').next().unwrap();
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let mut writing = stream.try_clone().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            // The gateway may answer and close before all of it is sent.
            let _ = writing.write_all(bytes);
            let _ = writing.shutdown(std::net::Shutdown::Write);
        });
        let mut answer = Vec::new();
        // What came before a reset counts.
        let _ = (&stream).read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    })
}

/// A line of /proc/PID/status, in KiB.
fn status(pid: u32, line: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let found = status.lines().find_map(|text| text.strip_prefix(line)).unwrap();
    found.trim_start_matches(':').split_whitespace().next().unwrap().parse().unwrap()
}

/// From here on the kernel counts the peak anew.
fn forget_peak(pid: u32) {
    fs::write(format!("/proc/{pid}/clear_refs"), "5").unwrap();
}

/// A gateway that has done everything once: what it allocates for the first request of all is not that request's.
fn warm() -> (tempfile::TempDir, Gateway, u64) {
    let folder = folder();
    let gateway = Gateway::start(folder.path());
    provision(folder.path());
    for _ in 0..4 {
        let answer = exchange(&gateway, &RawRequest::to("16175550100").bytes());
        assert!(answer.contains("<StatusCode>1000<"), "{answer}");
        let answer = exchange(&gateway, &RawRequest::to("none").bytes());
        assert!(answer.contains("<StatusCode>2002<"), "{answer}");
    }
    let before = status(gateway.program.pid(), "VmRSS");
    (folder, gateway, before)
}

/// How much the gateway took for a request beyond what it took before the first one, in KiB.
fn peak_of(gateway: &Gateway, before: u64, bytes: &[u8]) -> (u64, String) {
    let pid = gateway.program.pid();
    forget_peak(pid);
    let answer = exchange(gateway, bytes);
    (status(pid, "VmHWM").saturating_sub(before), answer)
}

#[test]
fn hostile_requests_take_no_more_than_three_times_what_a_request_may_have() {
    let (mut told, mut most) = (Vec::new(), 0);
    for hostile in ALL {
        // Each meets a gateway of its own: what an allocator keeps of one is not the next one's.
        let (_folder, gateway, before) = warm();
        let mut request = RawRequest::to("16175550100");
        (hostile.spoil)(&mut request);
        let (peak, answer) = peak_of(&gateway, before, &request.bytes());
        told.push(format!("{peak:>6} KiB: {}", hostile.what));
        let code = format!("<StatusCode>{}<", hostile.code);
        assert!(answer.contains(&code), "{}: not {code} but {answer}", hostile.what);
        most = most.max(peak);
    }
    println!("of {BOUND} KiB:\n{}", told.join("\n"));
    assert!(most <= BOUND, "more than {BOUND} KiB");
}

/// An envelope in UTF-16 with as many elements as are taken, and the rest of what a request may have in base64 that ends badly.
fn everything_at_once(request: &mut RawRequest) {
    request.element("Subject", "x");
    request.element("Object", &"<b/>".repeat(50_000));
    request.root_head = request.root_head.replace("utf-8", "utf-16");
    request.prolog = String::new();
    let xml: Vec<u8> = request.envelope().encode_utf16().flat_map(u16::to_le_bytes).collect();
    let xml = [b"\xff\xfe".as_slice(), &xml].concat();
    let head =
        "Content-Type: image/jpeg\r\nContent-ID: <payload>\r\nContent-Transfer-Encoding: base64\r\n\r\n";
    let room = MAX_REQUEST_BYTES - xml.len() - 300;
    let base64 = "QUJD".repeat(room / 4) + "*";
    request.body = Some(
        [
            b"--=_outer\r\n",
            request.root_head.as_bytes(),
            b"\r\n",
            &xml,
            b"\r\n--=_outer\r\n",
            head.as_bytes(),
            base64.as_bytes(),
            b"\r\n--=_outer--",
        ]
        .concat(),
    );
}

#[test]
fn the_worst_of_everything_at_once_takes_no_more_either() {
    let (_folder, gateway, before) = warm();
    let mut request = RawRequest::to("16175550100");
    everything_at_once(&mut request);
    let (peak, answer) = peak_of(&gateway, before, &request.bytes());
    println!("{peak} of {BOUND} KiB");
    assert!(answer.contains("<StatusCode>2513<"), "{answer}");
    assert!(peak <= BOUND, "{peak} KiB are more than {BOUND}");
}

#[test]
fn floods_of_headers_and_slow_senders_take_no_more_either() {
    let (_folder, gateway, before) = warm();
    let lines = |count: usize, length: usize| {
        let mut request = RawRequest::to("16175550100");
        (0..count).for_each(|number| {
            request.header(&format!("X-{number}"), vec![b'x'; length]);
        });
        request.bytes()
    };
    let good = String::from_utf8(RawRequest::to("16175550100").bytes()).unwrap();
    let slow = |text: &str, replaced: &str| good.replacen(text, replaced, 1).into_bytes();
    let cases = [
        ("10,000 header lines", lines(10_000, 10), "<StatusCode>2500<"),
        ("100 header lines of 100 KB", lines(100, 100_000), "<StatusCode>2500<"),
        (
            "one header line without an end",
            [b"POST /mm7/v1 HTTP/1.1\r\nX: ".to_vec(), vec![b'x'; 8 << 20]].concat(),
            "<StatusCode>2500<",
        ),
        ("256 KB of headers, within what is read", lines(64, 4096), "<StatusCode>1000<"),
    ];
    let mut told = Vec::new();
    for (what, bytes, expected) in cases {
        let (peak, answer) = peak_of(&gateway, before, &bytes);
        told.push(format!("{peak:>6} KiB: {what}"));
        assert!(answer.contains(expected), "{what}: {answer}");
        assert!(peak <= BOUND, "more than {BOUND} KiB:\n{}", told.join("\n"));
    }
    // It says that there is more, and says nothing further: `read_timeout` ends it.
    let unfinished = slow("Content-Length: ", "Content-Length: 4");
    let (peak, answer) = hold(&gateway, before, &unfinished);
    told.push(format!("{peak:>6} KiB: a body that never ends"));
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(peak <= BOUND, "{told:?}");
    println!("of {BOUND} KiB:\n{}", told.join("\n"));
}

/// Sends bytes, and waits without hanging up.
fn hold(gateway: &Gateway, before: u64, bytes: &[u8]) -> (u64, String) {
    let pid = gateway.program.pid();
    forget_peak(pid);
    let address = gateway.mm7.trim_start_matches("http://").split('/').next().unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.write_all(bytes).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    (status(pid, "VmHWM").saturating_sub(before), answer)
}
