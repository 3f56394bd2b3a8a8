//! What strangers wrote is shown and not obeyed: no command prints a character that a terminal obeys, and no foreign text begins a line.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    process::Output,
    thread,
    time::Instant,
};

use crate::process::{DEADLINE, Gateway, Program, folder, posthouse};
use serde_json::Value;

const NS: &str = "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4";

/// Moves the cursor, erases, writes from right to left, begins a line, and holds a number. XML takes no ESC.
const FOREIGN: &str = "x\u{9b}2J\u{7f}\u{202e}\u{2028}\nstate          Retrieved 16175550177";
/// The same as XML has it.
const IN_XML: &str = "x\u{9b}2J\u{7f}\u{202e}\u{2028}&#10;state          Retrieved 16175550177";
/// The same as people see it.
const SHOWN: &str = r"x\u{9b}2J\u{7f}\u{202e}\u{2028}\nstate          Retrieved 16175550177";

fn envelope(transaction_id: &str, body: &str) -> String {
    format!(
        "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Header>\
         <TransactionID xmlns=\"{NS}\" e:mustUnderstand=\"1\">{transaction_id}</TransactionID></e:Header>\
         <e:Body>{body}</e:Body></e:Envelope>"
    )
}

/// A peer that answers every request with an envelope that holds its TransactionID and this body; where it is.
fn peer(body: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, body) = (stream.unwrap(), body.clone());
            thread::spawn(move || answer(stream, &body));
        }
    });
    format!("http://{address}/mm7")
}

fn answer(mut stream: TcpStream, body: &str) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    loop {
        let mut length = 0;
        let mut line = String::new();
        while reader.read_line(&mut line).ok()? > 0 && line != "\r\n" {
            let (name, value) = line.split_once(':').unwrap_or_default();
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().ok()?;
            }
            line.clear();
        }
        let mut request = vec![0; length];
        reader.read_exact(&mut request).ok()?;
        let request = String::from_utf8_lossy(&request);
        let (_, id) = request.split_once("TransactionID")?;
        let id = id.split_once('>')?.1.split_once('<')?.0;
        let answer = envelope(id, body);
        let length = answer.len();
        write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {length}\r\n\r\n{answer}"
        )
        .ok()?;
    }
}

/// Posts a request; the answer.
fn post(url: &str, body: &str) -> String {
    let (address, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let length = body.len();
    write!(
        stream,
        "POST /{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
         Content-Type: multipart/related; boundary=b; type=\"text/xml\"\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn multipart(envelope: &str) -> String {
    format!(
        "--b\r\nContent-Type: text/xml; charset=utf-8\r\n\r\n{envelope}\r\n\
         --b\r\nContent-Type: text/plain\r\nContent-ID: <p>\r\n\r\nhello\r\n--b--\r\n"
    )
}

fn submit(transaction_id: &str, vasid: &str) -> String {
    multipart(&envelope(
        transaction_id,
        &format!(
            "<SubmitReq xmlns=\"{NS}\"><MM7Version>6.8.0</MM7Version><SenderIdentification><VASPID>acme-key</VASPID>\
             <VASID>{vasid}</VASID><SenderAddress><ShortCode>111122</ShortCode></SenderAddress></SenderIdentification>\
             <Recipients><To><Number>16175550100</Number></To></Recipients><Content href=\"cid:p\"/></SubmitReq>"
        ),
    ))
}

/// From a handset whose address is [`FOREIGN`].
fn deliver() -> String {
    multipart(&envelope(
        IN_XML,
        &format!(
            "<DeliverReq xmlns=\"{NS}\"><MM7Version>6.8.0</MM7Version>\
             <Sender><RFC2822Address>{IN_XML}</RFC2822Address></Sender><Recipients><To><ShortCode>111122</ShortCode></To>\
             </Recipients><Subject>{IN_XML}</Subject><Content href=\"cid:p\"/></DeliverReq>"
        ),
    ))
}

fn provisioning(carrier: &str, vasp: &str) -> String {
    format!(
        "[[account]]\nname = \"acme\"\nvaspid = \"acme-key\"\n\
         [account.callbacks]\nreport_url = \"{vasp}\"\ndeliver_url = \"{vasp}\"\n\
         [[account.service]]\nvasid = \"61295\"\nsenders = [\"111122\"]\n\
         [[carrier]]\nid = \"31003\"\n[[carrier.connection]]\nname = \"c-1\"\nurl = \"{carrier}\"\n\
         [[range]]\nprefix = \"1\"\ncarrier = \"31003\"\n"
    )
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    posthouse(folder, arguments).output().unwrap()
}

/// All that it printed, of which nothing is obeyed.
#[track_caller]
fn printed(output: &Output) -> String {
    let text = String::from_utf8([&output.stdout[..], &output.stderr[..]].concat()).unwrap();
    harmless(&text);
    text
}

#[track_caller]
fn harmless(text: &str) {
    let obeyed = |character: char| character.is_control() || ('\u{2028}'..='\u{202e}').contains(&character);
    assert!(!text.chars().any(|character| character != '\n' && obeyed(character)), "{text:?}");
    assert!(!text.lines().any(|line| line.starts_with("state          Retrieved")), "{text}");
}

/// Looks until this is printed.
#[track_caller]
fn until(look: impl Fn() -> String, what: &str) -> String {
    let began = Instant::now();
    loop {
        let text = look();
        if text.contains(what) {
            return text;
        }
        assert!(began.elapsed() < DEADLINE, "{what} is not in {text}");
    }
}

#[test]
fn a_message_whose_ids_strangers_wrote_is_listed_and_shown() {
    let success = format!(
        "<SubmitRsp xmlns=\"{NS}\"><MM7Version>6.8.0</MM7Version><Status><StatusCode>1000</StatusCode></Status>\
         <MessageID>{IN_XML}</MessageID></SubmitRsp>"
    );
    let folder = folder();
    let gateway = Gateway::start(folder.path());
    fs::write(folder.path().join("p.toml"), provisioning(&peer(success), "http://127.0.0.1:9/")).unwrap();
    printed(&run(folder.path(), &["apply", "p.toml", "-c", "posthouse.toml"]));
    let answer = post(&gateway.mm7, &submit(IN_XML, "61295"));
    let id = answer.split_once("<MessageID>").unwrap().1.split_once('<').unwrap().0;

    let messages = |arguments: &[&str]| {
        let all = [&["messages"], arguments, &["-c", "posthouse.toml"]].concat();
        printed(&run(folder.path(), &all))
    };
    let shown = until(|| messages(&["show", id]), "\nstate          Forwarded\n");
    assert!(shown.contains(&format!("\nTransactionID  {SHOWN}\n")), "{shown}");
    assert!(shown.contains(&format!(", its MessageID {SHOWN}\n")), "{shown}");
    let json: Value = serde_json::from_str(&messages(&["show", id, "--json"])).unwrap();
    assert_eq!((&json["transaction_id"], &json["carrier_message_id"]), (&FOREIGN.into(), &FOREIGN.into()));
    // A handset of that name, too.
    post(&gateway.carriers.replace("{carrier}", "31003"), &deliver());
    harmless(&post(&format!("{}/readyz", gateway.admin), "").replace('\r', ""));
    for arguments in
        [&["list"][..], &["list", "--json"], &["requeue", id, "--dry-run"], &["expire", id, "--json"]]
    {
        messages(arguments);
    }
}

#[test]
fn what_peers_said_is_in_the_log_without_numbers_and_without_effect() {
    for format in ["text", "json"] {
        let fault = format!(
            "<e:Fault><faultcode>e:Server</faultcode><faultstring>{IN_XML}</faultstring><detail><RSErrorRsp xmlns=\"{NS}\">\
             <MM7Version>6.8.0</MM7Version><Status><StatusCode>3001</StatusCode><StatusText>{IN_XML}</StatusText>\
             <Details>{IN_XML}</Details></Status></RSErrorRsp></detail></e:Fault>"
        );
        let folder = folder();
        let mut command =
            posthouse(folder.path(), &["serve", "-c", "posthouse.toml", "--log-format", format]);
        command.env("POSTHOUSE_LOG", "posthouse=debug,posthouse_gateway=debug");
        let gateway = Gateway::ready(Program::spawn(command));
        fs::write(folder.path().join("p.toml"), provisioning(&peer(fault), "http://127.0.0.1:9/")).unwrap();
        printed(&run(folder.path(), &["apply", "p.toml", "-c", "posthouse.toml"]));
        post(&gateway.mm7, &submit(IN_XML, "61295"));
        let settled = gateway.program.said("settled");
        post(&gateway.mm7, &submit(IN_XML, "unknown"));
        let refused = gateway.program.said(if format == "text" { ": refused " } else { "\"refused\"" });
        gateway.program.signal("TERM");
        let ended = gateway.program.ended();
        let all = [vec![settled.clone(), refused.clone()], ended.stderr].concat();
        for line in &all {
            harmless(line);
            assert!(!line.contains("16175550"), "{line}");
        }
        assert!(settled.contains("+1617•••0177"), "{settled}");
        if format == "text" {
            assert!(refused.contains(&SHOWN.replace("16175550177", "+1617•••0177")), "{refused}");
        } else {
            let refused: Value = serde_json::from_str(&refused).unwrap();
            assert_eq!(refused["transaction_id"], FOREIGN.replace("16175550177", "+1617•••0177"));
        }
    }
}

#[test]
fn a_handset_that_is_nobody_is_listened_to() {
    let folder = folder();
    for json in [false, true] {
        let arguments = ["listen", "--listen", "127.0.0.1:0", "--json"];
        let listener = Program::start(folder.path(), &arguments[..if json { 4 } else { 3 }]);
        let ready = listener.line();
        let url = ready.split_once("http://").unwrap().1.trim_end_matches(['"', '}']).to_owned();
        post(&format!("http://{url}/"), &deliver());
        let line = listener.line();
        harmless(&line);
        if json {
            let said: Value = serde_json::from_str(&line).unwrap();
            assert_eq!((&said["sender"], &said["transaction_id"]), (&FOREIGN.into(), &FOREIGN.into()));
        } else {
            assert!(line.contains(&format!("{SHOWN} -> 111122")), "{line}");
        }
        listener.signal("TERM");
        let ended = listener.ended();
        assert_eq!((ended.status.code(), ended.stdout.len()), (Some(0), 0), "{ended:?}");
    }
}

#[test]
fn an_answer_to_send_is_shown() {
    let refused = format!(
        "<SubmitRsp xmlns=\"{NS}\"><MM7Version>6.8.0</MM7Version><Status><StatusCode>2000</StatusCode>\
         <StatusText>{IN_XML}</StatusText><Details>{IN_XML}</Details></Status></SubmitRsp>"
    );
    let (folder, url) = (folder(), peer(refused));
    let send = [
        "send",
        "--url",
        &url,
        "--vaspid",
        "k",
        "--from",
        "1",
        "--to",
        "16175550100",
        "--text",
        "hi",
        "--json",
    ];
    let text = printed(&run(folder.path(), &send[..send.len() - 1]));
    assert!(text.starts_with(&format!("2000 {SHOWN}\n     Details: {SHOWN}\n")), "{text}");
    let json: Value = serde_json::from_str(&printed(&run(folder.path(), &send))).unwrap();
    assert_eq!((&json["text"], &json["details"]), (&FOREIGN.into(), &FOREIGN.into()));
}

#[test]
fn a_request_that_is_linted_is_shown() {
    let folder = folder();
    let strange = "x\u{9b}2J\u{7f}\u{202e}\u{1b}]0;t\u{7}";
    for (name, text) in [
        ("operation", submit("t", "61295").replace("SubmitReq", "Submit\u{9b}Req")),
        ("element", submit("t", "61295").replace("<Recipients>", "<Bad\u{202e}>1</Bad\u{202e}><Recipients>")),
        ("number", submit("t", "61295").replace("16175550100", &format!("1{IN_XML}"))),
        ("version", submit("t", "61295").replace("6.8.0", IN_XML)),
        ("content", submit("t", "61295").replace("cid:p", IN_XML)),
        ("type", submit("t", "61295").replace("text/plain", strange)),
        ("escape", submit(strange, "61295")),
        ("head", format!("POST /{strange} HTTP/1.1\r\nX-{strange}: 1\r\nContent-Length: {strange}\r\n\r\nx")),
    ] {
        fs::write(folder.path().join(name), text).unwrap();
        for more in
            [&[][..], &["--json"], &["--fix", "--output", "fixed"], &["--fix", "--output", "fixed", "--json"]]
        {
            printed(&run(folder.path(), &[&["lint", name], more].concat()));
        }
    }
}

#[test]
fn names_and_mistakes_of_a_file_are_shown() {
    let folder = folder();
    let name = "a\u{202e}b";
    fs::write(
        folder.path().join("p.toml"),
        format!("[[account]]\nname = \"{name}\"\nvaspid = \"k\"\n[account.callbacks]\nreport_url = \"http://127.0.0.1:9/\"\n"),
    )
    .unwrap();
    for command in [&["plan"][..], &["apply", "--create"]] {
        let text = printed(&run(folder.path(), &[command, &["p.toml", "-c", "posthouse.toml"]].concat()));
        assert!(text.contains("\ncreate account a\\u{202e}b\n"), "{text}");
    }
    let found = printed(&run(folder.path(), &["doctor", "-c", "posthouse.toml"]));
    assert!(found.contains("a\\u{202e}b report_url: "), "{found}");
    let json = printed(&run(folder.path(), &["plan", "p.toml", "-c", "posthouse.toml", "--json"]));
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["steps"][0]["name"], name);

    let pasted = run(folder.path(), &["messages", "show", FOREIGN, "-c", "posthouse.toml"]);
    assert_eq!(pasted.status.code(), Some(1));
    assert!(printed(&pasted).contains(r"x\u{9b}2J\u{7f}\u{202e}\u{2028}"), "{}", printed(&pasted));

    fs::write(folder.path().join("p.toml"), "\"k\\u001b\\u009b\\nposthouse: all is well\" = 1\n").unwrap();
    let told = printed(&run(folder.path(), &["apply", "p.toml", "-c", "posthouse.toml"]));
    let told = told.split_once('\n').unwrap().1;
    assert!(told.starts_with("p.toml:1: unknown key k\\u{1b}\\u{9b}\\nposthouse: all is well; "), "{told}");
    assert_eq!(told.lines().count(), 1);
}
