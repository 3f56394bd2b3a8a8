//! `posthouse serve` as its users run it: a process, with the other commands beside it.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::process::{DEADLINE, Gateway, Program, folder, posthouse};
use posthouse_core::{
    life::state::{State, Terminal},
    message::StoredMessage,
    store::MessageFilter,
};
use posthouse_store::{Access, StoreUrl, open};
use posthouse_testing::settings;
use serde_json::Value;

/// How long a message is leased to the gateway that accepted it: what is due at once comes before.
const LEASE: Duration = Duration::from_secs(30);

fn run(folder: &Path, arguments: &[&str]) -> Output {
    posthouse(folder, arguments).output().unwrap()
}

#[track_caller]
fn stdout(output: &Output) -> &str {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::str::from_utf8(&output.stdout).unwrap()
}

/// What is behind `http://` and before the path, and the path.
fn parts_of(url: &str) -> (&str, String) {
    let rest = url.strip_prefix("http://").unwrap();
    let (address, path) = rest.split_once('/').unwrap_or((rest, ""));
    (address, format!("/{path}"))
}

fn connect(url: &str) -> TcpStream {
    let stream = TcpStream::connect(parts_of(url).0).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream
}

/// What comes till the connection is closed.
fn all_of(mut stream: TcpStream) -> String {
    let mut all = Vec::new();
    stream.read_to_end(&mut all).unwrap();
    String::from_utf8(all).unwrap()
}

fn get(url: &str) -> String {
    let mut stream = connect(url);
    let path = parts_of(url).1;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    all_of(stream)
}

/// Puts the same letters in the place of every port.
fn without_ports(line: &str) -> String {
    let mut pieces = line.split("127.0.0.1:");
    let first = pieces.next().unwrap().to_owned();
    pieces.fold(first, |line, piece| {
        format!("{line}127.0.0.1:PORT{}", piece.trim_start_matches(|char: char| char.is_ascii_digit()))
    })
}

/// The repository's folder.
fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The example of the documentation, for a VASP and a carrier that are elsewhere.
fn first_example(vasp: &str, carrier: &str) -> String {
    let example = fs::read_to_string(repository().join("docs/examples/first.toml")).unwrap();
    let moved = example.replace("http://127.0.0.1:9001", vasp).replace("http://127.0.0.1:9101/mm7", carrier);
    assert_ne!(moved, example);
    moved
}

/// `posthouse simulate` with its carrier 31003 on a free port, and where it takes MM7.
fn carrier(folder: &Path, reports: &str) -> (Program, String) {
    let reports = reports.replace("{carrier}", "31003");
    let file = format!("[[carrier]]\nid = \"31003\"\nlisten = \"127.0.0.1:0\"\nreports = {reports:?}\n");
    fs::write(folder.join("sim.toml"), file).unwrap();
    let carrier = Program::start(folder, &["simulate", "--json", "-c", "sim.toml"]);
    let ready: Value = serde_json::from_str(&carrier.line()).unwrap();
    let url = ready["carriers"][0]["url"].as_str().unwrap().to_owned();
    (carrier, url)
}

fn apply(folder: &Path, provisioning: &str) -> String {
    fs::write(folder.join("provisioning.toml"), provisioning).unwrap();
    stdout(&run(folder, &["apply", "provisioning.toml", "-c", "posthouse.toml"])).to_owned()
}

/// The arguments of `posthouse send` for the example's account.
fn sending<'a>(url: &'a str, to: &'a str) -> Vec<&'a str> {
    let whom = ["--vaspid", "acme-api-key", "--vasid", "61295", "--from", "111122", "--to", to];
    [&["send", "--url", url], &whom[..], &["--text", "Hello"]].concat()
}

#[test]
fn the_first_line_says_where_everything_is_and_nothing_follows() {
    let folder = folder();
    let program = Program::start(folder.path(), &["serve", "-c", "posthouse.toml"]);
    assert_eq!(
        without_ports(&program.line()),
        r#"{"event":"ready","mm7":"http://127.0.0.1:PORT/mm7/v1","carriers":"http://127.0.0.1:PORT/carriers/{carrier}/mm7","admin":"http://127.0.0.1:PORT"}"#
    );
    program.signal("TERM");
    let ended = program.ended();
    assert_eq!((ended.status.code(), ended.stdout.len()), (Some(0), 0), "{ended:?}");
}

#[test]
fn operators_see_health_readiness_and_metrics() {
    let folder = folder();
    let gateway = Gateway::start(folder.path());
    let look = |path: &str| get(&format!("{}{path}", gateway.admin));
    let health = look("/healthz");
    assert!(health.starts_with("HTTP/1.1 200 OK\r\n") && health.ends_with("\r\n\r\nok\n"), "{health}");
    let ready = look("/readyz");
    let (_, body) = ready.split_once("\r\n\r\n").unwrap();
    let body: Value = serde_json::from_str(body).unwrap();
    assert!(ready.starts_with("HTTP/1.1 200 OK\r\n"), "{ready}");
    assert_eq!((&body["ready"], &body["revision"]), (&true.into(), &0.into()));
    // Refused: there is no account yet.
    assert_eq!(run(folder.path(), &sending(&gateway.mm7, "16175550100")).status.code(), Some(1));
    // What was refused is kept after the answer: the writer is waited for.
    let begun = Instant::now();
    let metrics = loop {
        let metrics = look("/metrics");
        if metrics.contains("posthouse_store_queued 0\n") {
            break metrics;
        }
        assert!(begun.elapsed() < DEADLINE, "{metrics}");
        thread::sleep(Duration::from_millis(20));
    };
    assert!(metrics.contains("\r\nContent-Type: text/plain; version=0.0.4"), "{metrics}");
    assert!(metrics.contains("posthouse_submit_answer_time_seconds_count 1\n"), "{metrics}");
    for of_store in [
        "posthouse_store_commit_time_seconds_bucket{le=\"+Inf\"} ",
        "posthouse_store_group_size_count ",
        "posthouse_store_transactions_total{transaction=\"accept\",outcome=\"done\"} 0\n",
        "posthouse_store_oldest_due_age_seconds 0.0\n",
        "posthouse_store_free_bytes ",
    ] {
        assert!(metrics.contains(of_store), "{of_store}: {metrics}");
    }
    assert!(!metrics.contains("# EOF"), "that is OpenMetrics, which was not asked for: {metrics}");
    assert!(look("/nothing").starts_with("HTTP/1.1 404 "));
}

/// A signal ends it, but not what is under way.
#[track_caller]
fn stops_gracefully(signal: &str) {
    let folder = folder();
    let gateway = Gateway::start(folder.path());
    apply(folder.path(), &first_example("http://127.0.0.1:1", "http://127.0.0.1:1/mm7"));
    let run_file = folder.path().join("data/posthouse.db.gateway.json");
    assert!(run_file.exists());
    let to = "16175550100";
    let request = run(folder.path(), &[&sending(&gateway.mm7, to)[..], &["--dry-run"]].concat()).stdout;
    let (begin, rest) = request.split_at(request.len() - 10);
    let mut under_way = connect(&gateway.mm7);
    under_way.write_all(begin).unwrap();
    // Another answer on another connection: by now the first request is being read.
    get(&gateway.mm7);

    gateway.program.signal(signal);
    gateway.program.said("stopping");
    under_way.write_all(rest).unwrap();
    let answer = all_of(under_way);
    assert!(answer.contains("<StatusCode>1000</StatusCode>"), "{answer}");
    let ended = gateway.program.ended();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    assert!(!ended.stderr.iter().any(|line| line.contains("ERROR")), "{ended:?}");
    assert!(!run_file.exists());
    assert!(TcpStream::connect(parts_of(&gateway.mm7).0).is_err());
}

#[test]
fn sigterm_stops_it_gracefully() {
    stops_gracefully("TERM");
}

#[test]
fn sigint_stops_it_gracefully() {
    stops_gracefully("INT");
}

#[test]
fn a_restart_goes_on_at_once() {
    let folder = folder();
    let gateway = Gateway::start(folder.path());
    let (_carrier, url) = carrier(folder.path(), &gateway.carriers);
    let one_at_a_time = "timeout = \"5s\"\nwindow = 1\n";
    let provisioning = first_example("http://127.0.0.1:1", &url);
    apply(folder.path(), &provisioning.replace("vasid = \"gw\"\n", one_at_a_time));
    // The carrier never answers the first: the others wait in memory, under a lease.
    for to in ["16175553500", "16175550101", "16175550102", "16175550103"] {
        stdout(&run(folder.path(), &sending(&gateway.mm7, to)));
    }
    gateway.program.signal("TERM");
    let ended = gateway.program.ended();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");

    let _gateway = Gateway::start(folder.path());
    reach_carrier_at_once(4, &url);
}

/// What is stored, newest first.
fn stored(folder: &Path) -> Vec<StoredMessage> {
    let url = StoreUrl::sqlite(folder.join("data/posthouse.db"));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let access = Access::Visit { create: false };
        let store = open(&url, &folder.join("data/media").into(), access).await.unwrap();
        let messages = store.messages(&MessageFilter::default(), 1000).await.unwrap();
        store.close().await.unwrap();
        messages
    })
}

#[test]
fn in_relay_mode_a_stop_sends_nothing_that_was_refused() {
    let folder = folder();
    let gateway = Gateway::start(folder.path());
    let (_carrier, url) = carrier(folder.path(), &gateway.carriers);
    let relay = first_example("http://127.0.0.1:1", &url)
        .replace("vasid = \"gw\"\n", "timeout = \"8s\"\nwindow = 1\n")
        .replace("name = \"acme\"\n", "name = \"acme\"\nsubmit_mode = \"relay\"\nrelay_timeout = \"30s\"\n");
    apply(folder.path(), &relay);
    // The carrier never answers the first: the second waits in memory.
    let mut senders = Vec::new();
    for (number, to) in [(1, "16175553500"), (2, "16175550101")] {
        let mut command = posthouse(folder.path(), &sending(&gateway.mm7, to));
        senders.push(thread::spawn(move || command.output().unwrap()));
        let began = Instant::now();
        while stored(folder.path()).len() < number {
            assert!(began.elapsed() < DEADLINE);
            thread::sleep(Duration::from_millis(20));
        }
    }
    gateway.program.signal("TERM");
    for sender in senders {
        let told = sender.join().unwrap();
        let told = String::from_utf8_lossy(&told.stdout);
        assert!(told.starts_with("3500 "), "{told}");
    }
    assert_eq!(gateway.program.ended().status.code(), Some(0));
    let states: Vec<State> = stored(folder.path()).iter().map(|message| message.state).collect();
    assert_eq!(states, [State::Ended(Terminal::Rejected), State::Parked]);
}

/// Waits till a carrier was sent so many messages, and not only when leases have run out.
#[track_caller]
fn reach_carrier_at_once(messages: usize, carrier: &str) {
    let began = Instant::now();
    let seen = format!("{}/sim/messages", carrier.trim_end_matches("/mm7"));
    loop {
        let there = get(&seen).matches("\"finding\"").count();
        if there == messages {
            return;
        }
        assert!(began.elapsed() < LEASE, "{there} of {messages}");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn messages_whose_senders_hang_up_go_on() {
    let folder = folder();
    let gateway = Gateway::start(folder.path());
    let (_carrier, url) = carrier(folder.path(), &gateway.carriers);
    apply(folder.path(), &first_example("http://127.0.0.1:1", &url));
    for number in 10..30 {
        let to = format!("161755{number}100");
        let request = run(folder.path(), &[&sending(&gateway.mm7, &to)[..], &["--dry-run"]].concat()).stdout;
        connect(&gateway.mm7).write_all(&request).unwrap();
    }
    reach_carrier_at_once(20, &url);
}

#[test]
fn a_store_has_one_gateway() {
    let folder = folder();
    let _first = Gateway::start(folder.path());
    let second = run(folder.path(), &["serve", "-c", "posthouse.toml"]);
    assert_eq!(second.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&second.stdout), "");
    assert_eq!(
        String::from_utf8_lossy(&second.stderr),
        "posthouse: the store cannot be opened: data/posthouse.db.lock is held by another gateway; \
         stop that one, or give this one a store of its own\n"
    );
}

#[test]
fn an_address_that_is_taken_is_named() {
    let folder = folder();
    let first = Gateway::start(folder.path());
    let (taken, _) = parts_of(&first.admin);
    let other = settings::TOML.replace("data/", "other/");
    let other = other.replace("[admin]\nlisten = \"127.0.0.1:0\"", &format!("[admin]\nlisten = {taken:?}"));
    fs::write(folder.path().join("other.toml"), other).unwrap();
    let second = run(folder.path(), &["serve", "-c", "other.toml"]);
    assert_eq!(second.status.code(), Some(1));
    let told = String::from_utf8_lossy(&second.stderr);
    let expected = format!(
        "posthouse: cannot listen at {taken}; stop what listens there, or put another address into [admin] listen: "
    );
    assert!(told.starts_with(&expected), "{told}");
}

const MISTAKES: &str = r#"posthouse.toml:2: mm7.listen: "127.0.0.1:99999" is no address; write an IP address and a port, such as "127.0.0.1:8007"
posthouse.toml:3: unknown key mm7.port; the keys here are listen, path, carrier_id_header, max_request_bytes, read_timeout, tls, trusted_proxies
posthouse.toml:5: store.url takes an address that begins with sqlite:// or postgres://; write "sqlite://posthouse-data/posthouse.db", another path, or "postgres://USER@HOST/DATABASE"
posthouse.toml:7: retention.media: "7 days" is no time; write a number and one of ms, s, m, h, d, such as "10s" (at most 3650d)
posthouse.toml:9: admin.listen: 0.0.0.0:0 is beyond loopback and there is no token; add token = { env = "POSTHOUSE_ADMIN_TOKEN" }, or listen on 127.0.0.1
"#;

#[test]
fn every_mistake_of_the_configuration_is_told_at_once() {
    let folder = folder();
    let mistakes = "[mm7]\nlisten = \"127.0.0.1:99999\"\nport = 1\n\
                    [store]\nurl = \"mysql://x\"\n\
                    [retention]\nmedia = \"7 days\"\n\
                    [admin]\nlisten = \"0.0.0.0:0\"\n";
    fs::write(folder.path().join("posthouse.toml"), mistakes).unwrap();
    for print_config in [&[][..], &["--print-config"]] {
        let arguments = [&["serve", "-c", "posthouse.toml"], print_config].concat();
        let output = run(folder.path(), &arguments);
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(String::from_utf8_lossy(&output.stdout), "");
        assert_eq!(String::from_utf8_lossy(&output.stderr), MISTAKES);
    }
    assert!(!folder.path().join("data").exists());
}

#[test]
fn a_printed_configuration_is_one_to_run_on() {
    let folder = folder();
    let print = |file: &str| {
        let output = run(folder.path(), &["serve", "--print-config", "-c", file]);
        stdout(&output).to_owned()
    };
    let printed = print("posthouse.toml");
    fs::write(folder.path().join("printed.toml"), &printed).unwrap();
    assert_eq!(print("printed.toml"), printed);
    fs::write(folder.path().join("posthouse.toml"), printed).unwrap();
    let gateway = Gateway::start(folder.path());
    assert!(get(&format!("{}/healthz", gateway.admin)).ends_with("ok\n"));
}

#[test]
fn provisioning_is_in_force_when_apply_says_so() {
    let folder = folder();
    let gateway = Gateway::start(folder.path());
    let provisioning = first_example("http://127.0.0.1:1", "http://127.0.0.1:1/mm7");
    let took_it = format!("the gateway at {} took it\n", gateway.admin);
    let send = || {
        let output = run(folder.path(), &[&sending(&gateway.mm7, "16175550100")[..], &["--json"]].concat());
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        answer["code"].as_u64().unwrap()
    };
    assert_eq!(send(), 2564);
    let applied = apply(folder.path(), &provisioning);
    assert!(applied.ends_with(&took_it), "{applied}");
    assert_eq!(send(), 1000);
    let disabled = provisioning.replace("name = \"acme\"\n", "name = \"acme\"\nstatus = \"disabled\"\n");
    let applied = apply(folder.path(), &disabled);
    assert!(applied.ends_with(&took_it), "{applied}");
    assert_eq!(send(), 2550);
}

/// The commands of the README's walk, in words, without what the shell makes of them.
fn walk() -> Vec<Vec<String>> {
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
    let (_, walk) = readme.split_once("## Try it by hand").unwrap();
    let (walk, _) = walk.split_once("\n## ").unwrap();
    let joined = walk.replace("\\\n", " ");
    let commands = joined.lines().filter_map(|line| line.strip_prefix("posthouse "));
    commands.map(|line| words(line.split(['#', '|', '>']).next().unwrap())).collect()
}

/// Splits as a shell does, as far as the README goes: spaces and double quotes.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (turn, piece) in line.split('"').enumerate() {
        match turn % 2 {
            0 => words.extend(piece.split_whitespace().map(str::to_owned)),
            _ => words.push(piece.to_owned()),
        }
    }
    words
}

#[test]
fn the_readme_can_be_walked() {
    let walk = walk();
    let all = |command: &'static str| walk.iter().filter(move |words| words[0] == command);
    let sends: Vec<_> = all("send").collect();
    assert_eq!(["serve", "simulate", "listen", "apply"].map(|command| all(command).count()), [1; 4]);

    let folder = folder();
    let gateway = Gateway::start(folder.path());
    let (carrier, url) = carrier(folder.path(), &gateway.carriers);
    let listener = Program::start(folder.path(), &["listen", "--json", "--listen", "127.0.0.1:0"]);
    let ready: Value = serde_json::from_str(&listener.line()).unwrap();
    apply(folder.path(), &first_example(ready["url"].as_str().unwrap(), &url));
    let reports = |id: &str| -> Value {
        loop {
            let report: Value = serde_json::from_str(&listener.line()).unwrap();
            if report["message_id"] == id && report["status"] != "Forwarded" {
                return report;
            }
        }
    };
    let send = |words: &[String], more: &[&str]| {
        let words = words.iter().map(String::as_str);
        let arguments: Vec<&str> = words.chain(["--url", &gateway.mm7]).chain(more.iter().copied()).collect();
        run(&repository(), &arguments)
    };

    let told = send(sends[0], &[]);
    let lines: Vec<&str> = stdout(&told).lines().map(str::trim).collect();
    assert_eq!(lines[0], "1000 Success");
    let id = lines.iter().find_map(|line| line.strip_prefix("MessageID: ")).unwrap();
    assert_eq!(reports(id)["status"], "Retrieved");
    let seen = get(&format!("{}/sim/messages", url.trim_end_matches("/mm7")));
    assert!(seen.contains("\"post-house.jpg\"") && seen.contains("\"subject\":\"Hello\""), "{seen}");

    for words in all("codes") {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        assert!(!stdout(&run(folder.path(), &words)).is_empty(), "{words:?}");
    }
    for (to, statuses, reason) in [
        ("16175554007", &["Rejected"][..], Value::from("4007 Service denied")),
        ("16175559004", &["Deferred", "Retrieved"], Value::Null),
    ] {
        let told = run(folder.path(), &[&sending(&gateway.mm7, to)[..], &["--json"]].concat());
        let answer: Value = serde_json::from_str(stdout(&told)).unwrap();
        for status in statuses {
            let report = reports(answer["message_id"].as_str().unwrap());
            assert_eq!((&report["status"], &report["reason"]), (&(*status).into(), &reason));
        }
    }

    let raw = send(sends[1], &[]);
    assert!(stdout(&raw).starts_with("POST /mm7/v1 HTTP/1.1\r\n"));
    let mut posted = connect(&gateway.mm7);
    posted.write_all(&raw.stdout).unwrap();
    posted.shutdown(std::net::Shutdown::Write).unwrap();
    let answer = all_of(posted);
    assert!(answer.contains("<StatusCode>1000</StatusCode>"), "{answer}");

    for program in [listener, carrier, gateway.program] {
        program.signal("INT");
        let ended = program.ended();
        assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    }
}

#[test]
fn slow_and_idle_peers_hold_nobody_up() {
    let folder = folder();
    let gateway = Gateway::start(folder.path());
    apply(folder.path(), &first_example("http://127.0.0.1:1", "http://127.0.0.1:1/mm7"));

    let idle: Vec<TcpStream> = (0..200).map(|_| connect(&gateway.mm7)).collect();
    let mut slow_head = connect(&gateway.mm7);
    slow_head.write_all(b"POST /mm7/v1 HTTP/1.1\r\nHost:").unwrap();
    let head =
        b"POST /mm7/v1 HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\nContent-Length: 5000000\r\n\r\n";
    let slow_bodies: Vec<TcpStream> = (0..100)
        .map(|_| {
            let mut stream = connect(&gateway.mm7);
            stream.write_all(head).unwrap();
            stream
        })
        .collect();
    let mut deaf = connect(&gateway.mm7);
    deaf.write_all(&b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".repeat(1000)).unwrap();

    for _ in 0..10 {
        assert!(stdout(&run(folder.path(), &sending(&gateway.mm7, "16175550100"))).starts_with("1000 "));
    }
    for slow in slow_bodies {
        let answer = all_of(slow);
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    }
    for quiet in idle.into_iter().chain([slow_head]) {
        assert_eq!(all_of(quiet), "");
    }
    drop(deaf);
    gateway.program.signal("TERM");
    assert_eq!(gateway.program.ended().status.code(), Some(0));
}

/// A gateway whose stderr the test has.
struct Unread {
    child: Child,
    mm7: String,
    admin: String,
}

impl Unread {
    fn start(folder: &Path) -> (Self, ChildStderr) {
        let mut command = posthouse(folder, &["serve", "-c", "posthouse.toml"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = child.stderr.take().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        let url = |name: &str| ready[name].as_str().unwrap().to_owned();
        (Self { mm7: url("mm7"), admin: url("admin"), child }, stderr)
    }

    /// Sends so many requests of an unknown VASP over one connection; each is refused, and logged with so long a TransactionID.
    fn refuse(&self, times: usize, transaction_id: &str) {
        let ns = "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4";
        let body = format!(
            "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Header><TransactionID xmlns=\"{ns}\">\
             {transaction_id}</TransactionID></e:Header><e:Body><SubmitReq xmlns=\"{ns}\"><MM7Version>6.8.0</MM7Version>\
             <SenderIdentification><VASPID>nobody</VASPID></SenderIdentification></SubmitReq></e:Body></e:Envelope>"
        );
        let mut stream = connect(&self.mm7);
        let head = "POST /mm7/v1 HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\n";
        let request = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
        for _ in 0..times {
            stream.write_all(request.as_bytes()).unwrap();
            let mut answer = Vec::new();
            let mut piece = [0; 4096];
            while !answer.windows(11).any(|part| part == b":Envelope>\n" || part.ends_with(b"Envelope>")) {
                let length = stream.read(&mut piece).unwrap();
                assert!(length > 0, "it hung up");
                answer.extend_from_slice(&piece[..length]);
            }
            let answer = String::from_utf8_lossy(&answer);
            assert!(answer.contains("<StatusCode>2564</StatusCode>"), "{answer}");
        }
    }

    /// Asks it to stop, and waits for that.
    fn stop(mut self) -> Option<i32> {
        let kill = format!("kill -TERM {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(began.elapsed() < DEADLINE, "it does not end");
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_log_that_nobody_reads_stops_nobody() {
    let folder = folder();
    let (gateway, mut stderr) = Unread::start(folder.path());
    // A pipe takes 64 KiB, and 4 MiB are kept for whoever reads later.
    gateway.refuse(10_000, &"t".repeat(450));
    assert!(get(&format!("{}/readyz", gateway.admin)).contains("\"ready\":true"));
    let metrics = get(&format!("{}/metrics", gateway.admin));
    let dropped = metrics.lines().find_map(|line| line.strip_prefix("posthouse_log_lines_dropped_total "));
    let dropped: u64 = dropped.unwrap().parse().unwrap();
    assert!(dropped > 0, "{metrics}");
    let doctor = run(folder.path(), &["doctor", "-c", "posthouse.toml"]);
    let noted = format!("note  log      {dropped} lines were dropped since nobody read them");
    assert!(stdout(&doctor).contains(&noted), "{}", stdout(&doctor));
    // Whoever reads on has all that was kept, and how much was not.
    let mut log = Vec::new();
    let mut piece = [0; 65536];
    while !String::from_utf8_lossy(&log).contains("log lines were dropped: nobody read them") {
        let length = stderr.read(&mut piece).unwrap();
        assert!(length > 0, "it says nothing more");
        log.extend_from_slice(&piece[..length]);
    }
    let log = String::from_utf8_lossy(&log);
    let told = log.lines().find(|line| line.contains("log lines were dropped")).unwrap();
    assert!(told.contains(&format!(" {dropped} log lines were dropped")), "{told}");
    assert!(log.matches(": refused ").count() > 9_000 - usize::try_from(dropped).unwrap(), "{dropped}");
    gateway.refuse(600, &"t".repeat(450));
    assert_eq!(gateway.stop(), Some(0));
}

#[test]
fn a_log_whose_reader_is_gone_stops_nobody() {
    let folder = folder();
    let (gateway, stderr) = Unread::start(folder.path());
    drop(stderr);
    gateway.refuse(300, "t");
    assert!(get(&format!("{}/readyz", gateway.admin)).contains("\"ready\":true"));
    assert_eq!(gateway.stop(), Some(0));
}

#[test]
fn the_last_words_are_said_also_where_a_log_was_started() {
    let folder = folder();
    let gateway = Gateway::start(folder.path());
    let second = Program::start(folder.path(), &["serve", "-c", "posthouse.toml"]).ended();
    assert_eq!(second.status.code(), Some(1));
    let last = second.stderr.last().unwrap();
    assert!(
        last.starts_with("posthouse: ") && last.contains("held by another gateway"),
        "{:?}",
        second.stderr
    );
    gateway.program.signal("TERM");
    let ended = gateway.program.ended();
    assert!(ended.stderr.last().unwrap().ends_with(": stopping"), "{:?}", ended.stderr);
}
