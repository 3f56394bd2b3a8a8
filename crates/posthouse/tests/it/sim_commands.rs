//! `send`, `listen` and `simulate` as programs: what they print, how they exit, and how they end.

use std::{
    io::{BufRead as _, BufReader, Read, Write as _},
    path::Path,
    process::{Child, Command, Output, Stdio},
    sync::mpsc,
    time::Duration,
};

use mm7::{
    Limits, Message,
    mime::{ContentType, unpack},
};
use serde_json::Value;

const DEADLINE: Duration = Duration::from_secs(20);

fn posthouse(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_posthouse")).args(arguments).output().unwrap()
}

/// A file for one test.
fn file(name: &str, bytes: &[u8]) -> String {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

/// A program that runs until it is told to stop, killed with the test.
struct Running {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        let program = env!("CARGO_BIN_EXE_posthouse");
        let mut child = Command::new(program).args(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let lines = lines_of(child.stdout.take().unwrap());
        Self { child, lines }
    }

    fn line(&self) -> String {
        self.lines.recv_timeout(DEADLINE).expect("a line in time")
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.line()).unwrap()
    }

    /// Asks it to stop, as Ctrl-C does, and gives back whether it ended well.
    #[cfg(unix)]
    fn interrupt(mut self) -> bool {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        let closed = Err(mpsc::RecvTimeoutError::Disconnected);
        assert_eq!(self.lines.recv_timeout(DEADLINE), closed, "it ends, and says nothing more");
        self.child.wait().unwrap().success()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines_of(stdout: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

/// A carrier on a free port that reports to `door`; the second is where it takes MM7.
fn carrier(name: &str, door: &str) -> (Running, String) {
    let text = format!(
        "[[carrier]]\nid = \"31003\"\nlisten = \"127.0.0.1:0\"\nreports = \"{door}/x\"\nreport_delay = \"1ms\"\n"
    );
    let carrier = Running::start(&["simulate", "--json", "-c", &file(name, text.as_bytes())]);
    let ready = carrier.json();
    assert_eq!((&ready["event"], &ready["carriers"][0]["id"]), (&"ready".into(), &"31003".into()));
    let url = ready["carriers"][0]["url"].as_str().unwrap().to_owned();
    (carrier, url)
}

#[test]
fn an_mms_goes_to_a_carrier_and_its_report_to_a_listener() {
    let listener = Running::start(&["listen", "--json", "--listen", "127.0.0.1:0"]);
    let door = listener.json()["url"].as_str().unwrap().to_owned();
    let (carrier, url) = carrier("end_to_end.toml", &door);
    let send = |digits: &str, more: &[&str]| {
        let to = format!("1617555{digits}");
        let usual = ["send", "--url", &url, "--vaspid", "k", "--from", "111122", "--to", &to, "--text", "hi"];
        posthouse(&[&usual, more].concat())
    };

    let sent = send("9002", &["--json", "--transaction-id", "t-1"]);
    assert!(sent.status.success(), "{}", stderr(&sent));
    let answer: Value = serde_json::from_str(stdout(&sent)).unwrap();
    assert_eq!((&answer["code"], &answer["transaction_id"]), (&1000.into(), &"t-1".into()));
    let report = listener.json();
    assert_eq!((&report["event"], &report["status"]), (&"DeliveryReportReq".into(), &"Expired".into()));
    assert_eq!((&report["message_id"], &report["path"]), (&answer["message_id"], &"/x".into()));
    assert_eq!(report["answered"]["code"], 1000);

    let refused = send("4007", &[]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stdout(&refused).starts_with("4007 Service denied\n"), "{}", stdout(&refused));
    let fault = send("9014", &["--json"]);
    assert_eq!(fault.status.code(), Some(1));
    let broken = send("9015", &[]);
    assert_eq!(broken.status.code(), Some(1));
    assert!(stderr(&broken).starts_with("posthouse: the connection to"), "{}", stderr(&broken));

    #[cfg(unix)]
    assert!(carrier.interrupt() && listener.interrupt());
}

#[test]
fn a_listener_misbehaves_when_told_to() {
    let listener = Running::start(&["listen", "--listen", "127.0.0.1:0", "--answer", "4006", "--fail", "1"]);
    let first = listener.line();
    let door = first.strip_prefix("listening on ").unwrap();
    let (_carrier, url) = carrier("misbehaving.toml", door);
    let arguments =
        ["--url", &url, "--vaspid", "k", "--from", "111122", "--to", "16175550100", "--text", "hi"];
    assert!(posthouse(&[&["send"], &arguments[..]].concat()).status.success());
    let lines = [listener.line(), listener.line()];
    assert!(
        lines[0].contains("Retrieved 16175550100") && lines[0].ends_with("answered HTTP 500"),
        "{lines:?}"
    );
    assert!(lines[1].ends_with("answered 4006"), "{lines:?}");
}

#[test]
fn a_carrier_whose_reports_are_refused_says_so_once() {
    let door = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = door.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in door.incoming().map_while(Result::ok) {
            let mut stream = BufReader::new(stream);
            let mut lines = stream.by_ref().lines().map_while(Result::ok);
            let length = lines.by_ref().take_while(|line| !line.is_empty()).fold(0, |length, line| {
                let value = line.to_ascii_lowercase().strip_prefix("content-length:").map(str::to_owned);
                value.map_or(length, |value| value.trim().parse().unwrap())
            });
            let mut body = vec![0; length];
            let answered = stream.read_exact(&mut body).and_then(|()| {
                let refusal = b"HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
                stream.get_mut().write_all(refusal)
            });
            answered.unwrap();
        }
    });
    let text = format!(
        "[[carrier]]\nid = \"31003\"\nlisten = \"127.0.0.1:0\"\nreports = \"http://{address}/\"\nreport_delay = \"1ms\"\n"
    );
    let program = env!("CARGO_BIN_EXE_posthouse");
    let path = file("refused.toml", text.as_bytes());
    let mut command = Command::new(program);
    command.args(["simulate", "--json", "-c", &path]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let told = lines_of(child.stderr.take().unwrap());
    let carrier = Running { lines: lines_of(child.stdout.take().unwrap()), child };
    let url = carrier.json()["carriers"][0]["url"].as_str().unwrap().to_owned();
    for to in ["16175550100", "16175550101"] {
        let sent = posthouse(&[
            "send", "--url", &url, "--vaspid", "k", "--from", "111122", "--to", to, "--text", "hi",
        ]);
        assert!(sent.status.success(), "{}", stderr(&sent));
    }
    let line = told.recv_timeout(DEADLINE).unwrap();
    let expected = "posthouse: a report of carrier 31003 was not taken: refused: HTTP 401; see reports and shows in sim.toml";
    assert_eq!(line, expected);
    #[cfg(unix)]
    assert!(carrier.interrupt());
    assert_eq!(told.iter().collect::<Vec<_>>(), [""; 0], "only once");
}

#[test]
fn a_dry_run_prints_bytes_that_can_be_read_again() {
    let picture = file("picture.jpg", &[0xff, 0xd8, 13, 10, 0]);
    let output = posthouse(&[
        "send",
        "--dry-run",
        "--vaspid",
        "k",
        "--vasid",
        "61295",
        "--from",
        "111122",
        "--to",
        "16175550100",
        "--subject",
        "Hello",
        "--text",
        "hi",
        "--media",
        &picture,
        "--user",
        "u",
        "--password",
        "p",
        "--carrier-id",
        "0001890",
        "--expiry",
        "P2D",
        "--delivery-report",
        "false",
    ]);
    assert!(output.status.success(), "{}", stderr(&output));
    let end = output.stdout.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
    let (head, body) = output.stdout.split_at(end + 4);
    let head = std::str::from_utf8(head).unwrap();
    let mut lines = head.lines();
    assert_eq!(lines.next(), Some("POST /mm7/v1 HTTP/1.1"));
    let headers: Vec<_> = lines.filter_map(|line| line.split_once(": ")).collect();
    let header = |name: &str| headers.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
    assert_eq!(header("Host"), Some("127.0.0.1:8007"));
    assert_eq!(header("Content-Length"), Some(body.len().to_string().as_str()));
    assert_eq!(header("Authorization"), Some("Basic dTpw"));
    assert_eq!(header("X-Posthouse-Carrier-Id"), Some("0001890"));

    let content_type = ContentType::parse(header("Content-Type").unwrap()).unwrap();
    let package = unpack(&content_type, body.to_vec().into(), &Limits::default());
    assert_eq!(package.errors, []);
    let root = package.root.as_ref().unwrap().bytes().unwrap();
    let decoded = mm7::decode(&root, None, &Limits::default()).unwrap();
    assert_eq!(decoded.errors, []);
    let Some(Message::SubmitReq(submit)) = decoded.message else { unreachable!("{:?}", decoded.operation) };
    assert_eq!(submit.subject.as_deref(), Some("Hello"));
    assert_eq!(submit.delivery_report, Some(false));
    assert!(submit.expiry_date.is_some() && submit.time_stamp.is_some());
    let media = package.media().unwrap();
    let types: Vec<_> = media.iter().map(|media| media.content_type.essence()).collect();
    assert_eq!(types, ["application/smil", "image/jpeg", "text/plain"]);
    assert_eq!(media[1].bytes.as_ref(), [0xff, 0xd8, 13, 10, 0]);
}

#[test]
fn mistakes_are_told_in_a_sentence() {
    let to = ["send", "--vaspid", "k", "--from", "1", "--to", "16175550100"];
    for (arguments, words) in [
        (&["--media", "/no/such.jpg"][..], "/no/such.jpg cannot be read"),
        (&["--url", "http://127.0.0.1:1/"], "no connection to http://127.0.0.1:1/"),
        (&["--url", "ftp://127.0.0.1/"], "ftp://127.0.0.1/ cannot be called"),
        (
            &["--carrier-id", "1", "--carrier-id-header", "no header"],
            "the header no header cannot be written",
        ),
    ] {
        let output = posthouse(&[&to, arguments].concat());
        assert_eq!(output.status.code(), Some(1));
        let told = stderr(&output);
        assert!(told.starts_with(&format!("posthouse: {words}")) && told.lines().count() == 1, "{told}");
    }
    for arguments in
        [&["--user", "u"][..], &["--expiry", "soon"], &["--namespace", "REL-9"], &["--timeout", "9"]]
    {
        let output = posthouse(&[&to, arguments].concat());
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    }
}

#[test]
fn mistakes_in_sim_toml_have_their_file_and_line() {
    let text = b"[[carrier]]\nid = \"\"\nlisten = \"127.0.0.1:0\"\nerror_rate = 2.0\n";
    let path = file("mistaken.toml", text);
    let output = posthouse(&["simulate", "-c", &path]);
    assert_eq!(output.status.code(), Some(1));
    let told = stderr(&output);
    assert!(told.contains(&format!("{path}:2: the id")), "{told}");
    assert!(told.contains(&format!("{path}:4: error_rate")), "{told}");
    let missing = posthouse(&["simulate", "-c", "/no/sim.toml"]);
    assert!(stderr(&missing).contains("/no/sim.toml cannot be read"), "{}", stderr(&missing));
}

#[test]
fn an_address_that_is_taken_is_told() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = posthouse(&["listen", "--listen", &address]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains(&format!("{address} cannot be listened on")), "{}", stderr(&output));
}

#[test]
fn the_help_of_simulate_holds_a_file_that_works() {
    let help = posthouse(&["simulate", "--help"]);
    let text: String = stdout(&help)
        .lines()
        .filter_map(|line| line.strip_prefix("  "))
        .fold(String::new(), |text, line| text + line + "\n");
    let start = text.find("[[carrier]]").unwrap();
    let end = text.find("keep_bytes").unwrap();
    let line_end = text[end..].find('\n').unwrap();
    let example = &text[start..end + line_end];
    let carriers = posthouse_sim::config::parse(example).unwrap();
    assert_eq!(carriers[0].carrier_id, "31003");
}
