//! HTTP as real software and attackers write it, at every door: heads, lengths, and where one request ends.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use posthouse_core::{Id, message::EventKind};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use posthouse_testing::{
    canned::{Canned, CannedReply, response},
    request::{DeclaredLength, RawPart, RawRequest},
    town::{DEADLINE, Town, TownPlan, address, eventually},
};

const QUIET: &str = "16175559008";

/// Sends this, says that nothing more comes, and gives back all answers.
async fn answers(door: SocketAddr, bytes: &[u8]) -> String {
    let exchanging = async {
        let mut stream = TcpStream::connect(door).await.unwrap();
        // A door may close before it has read everything.
        let _ = stream.write_all(bytes).await;
        let _ = stream.shutdown().await;
        let mut all = Vec::new();
        stream.read_to_end(&mut all).await.unwrap();
        String::from_utf8(all).unwrap()
    };
    timeout(DEADLINE, exchanging).await.expect("the answers in time")
}

fn statuses(answers: &str) -> Vec<&str> {
    answers.match_indices("HTTP/1.1 ").filter_map(|(at, _)| answers.get(at + 9..at + 12)).collect()
}

fn codes(answers: &str) -> Vec<&str> {
    answers
        .match_indices("<StatusCode>")
        .filter_map(|(at, name)| answers.get(at + name.len()..)?.get(..4))
        .collect()
}

/// The bytes of a request with something in its head written otherwise.
fn rewritten(request: &RawRequest, from: &str, to: &str) -> Vec<u8> {
    let bytes = request.bytes();
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    assert!(head.contains(from), "{head}");
    [head.replacen(from, to, 1).as_bytes(), &bytes[end..]].concat()
}

/// A report of a carrier, as nothing but its envelope.
fn report(carrier: &str) -> RawRequest {
    let mut request = RawRequest::to("");
    request.path = format!("/carriers/{carrier}/mm7");
    request.operation = "DeliveryReportReq".to_owned();
    request.sender_identification = false;
    request.elements = vec![(
        "all",
        format!(
            "<MessageID>m-1</MessageID><Recipient><Number>{QUIET}</Number></Recipient>\
             <Sender><ShortCode>111122</ShortCode></Sender><Date>2026-01-01T00:00:00Z</Date>\
             <MMStatus>Retrieved</MMStatus>"
        ),
    )];
    request.content_type = Some("text/xml; charset=utf-8".to_owned());
    request.body = Some(request.envelope().into_bytes());
    request
}

#[tokio::test]
async fn folded_header_lines_are_read_as_one() {
    let town = Town::planned(TownPlan::default()).await;
    let auth = "basic_auth = { username = \"acme\", password = \"s3cret\" }\n";
    let callbacks = "[carrier.callbacks]\nbasic_auth = { username = \"vzw\", password = \"p\" }\n";
    let carrier = town.carrier("31003", "") + callbacks;
    town.provision(&(town.account("acme", auth) + &carrier)).await;
    for (from, to) in [
        ("; boundary", ";\r\n\tboundary"),
        ("; boundary", "; \r\n \t boundary"),
        ("; boundary", ";\n boundary"),
        ("; boundary", ";\r\n \r\n\t\r\n boundary"),
        ("Content-Type: ", "Content-Type:\r\n "),
        ("Content-Length: ", "Content-Length:\r\n\t"),
        ("Authorization: Basic ", "Authorization: Basic\r\n "),
        ("Authorization: ", "Authorization:\r\n "),
        ("Carrier-Id: 31003", "Carrier-Id: \r\n 31003\r\n "),
    ] {
        let mut request = RawRequest::to(QUIET);
        // acme:s3cret
        request.header("Authorization", "Basic YWNtZTpzM2NyZXQ=");
        request.header("X-Posthouse-Carrier-Id", "31003");
        let answers = answers(town.mm7_door(), &rewritten(&request, from, to)).await;
        assert_eq!((codes(&answers), statuses(&answers)), (vec!["1000"], vec!["200"]), "{to:?}: {answers}");
    }
    for (from, to) in [
        ("; charset", ";\r\n\tcharset"),
        ("Authorization: Basic ", "Authorization:\r\n Basic\r\n "),
        ("Content-Length: ", "Content-Length: \r\n "),
    ] {
        let mut report = report("31003");
        // vzw:p
        report.header("Authorization", "Basic dnp3OnA=");
        let answers = answers(town.carrier_door(), &rewritten(&report, from, to)).await;
        assert_eq!(codes(&answers), ["1000"], "{to:?}: {answers}");
    }
    let health = b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n";
    assert!(answers(address(&town.app.ready().admin), health).await.ends_with("\r\n\r\nok\n"));
    town.close().await;
}

#[tokio::test]
async fn a_head_that_cannot_be_read_is_refused_by_its_code() {
    let town = Town::found().await;
    let many = "X: y\r\n".repeat(100);
    let long = "y".repeat(3 << 20);
    for (what, head) in [
        ("a fold before any header", "POST {path} HTTP/1.1\r\n X: y\r\n{rest}"),
        ("no colon", "POST {path} HTTP/1.1\r\nno colon\r\n{rest}"),
        ("a blank before the colon", "POST {path} HTTP/1.1\r\nX : y\r\n{rest}"),
        ("a blank before the colon of a length", "POST {path} HTTP/1.1\r\nContent-Length : 5\r\n{rest}"),
        ("a name that none may have", "POST {path} HTTP/1.1\r\nX(y): z\r\n{rest}"),
        ("an empty name", "POST {path} HTTP/1.1\r\n: z\r\n{rest}"),
        ("NUL", "POST {path} HTTP/1.1\r\nX: y\0z\r\n{rest}"),
        ("a CR of its own", "POST {path} HTTP/1.1\r\nX: y\rZ: z\r\n{rest}"),
        ("a control character in a folded line", "POST {path} HTTP/1.1\r\nX: y\r\n \x07z\r\n{rest}"),
        ("more lines than are read", "POST {path} HTTP/1.1\r\n{many}{rest}"),
        ("a line of three megabytes", "POST {path} HTTP/1.1\r\nX: {long}\r\n{rest}"),
        ("no version", "POST {path}\r\n{rest}"),
        ("a version of its own", "POST {path} HTTP/1.2\r\n{rest}"),
        ("HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        ("two blanks", "POST  {path} HTTP/1.1\r\n{rest}"),
        ("a blank in front", " POST {path} HTTP/1.1\r\n{rest}"),
        ("no HTTP", "\x16\x03\x01\x02"),
        ("an envelope", "<?xml version=\"1.0\"?>"),
        ("a head that breaks off", "POST {path} HTTP/1.1\r\nContent-Type: text/xml\r\nConte"),
    ] {
        let rest = "Host: a\r\nContent-Type: text/xml\r\nContent-Length: 4\r\n\r\n<a/>GET / HTTP/1.1\r\n\r\n";
        let head = |path: &str| {
            let head = head.replace("{path}", path).replace("{rest}", rest);
            head.replace("{many}", &many).replace("{long}", &long).into_bytes()
        };
        for (door, path) in [(town.mm7_door(), "/mm7/v1"), (town.carrier_door(), "/carriers/31003/mm7")] {
            let answers = answers(door, &head(path)).await;
            assert_eq!(
                (statuses(&answers), codes(&answers)),
                (vec!["200"], vec!["2500"]),
                "{what}: {answers}"
            );
            assert!(
                answers.contains("<faultstring>2500 Missing or Invalid HTTP header"),
                "{what}: {answers}"
            );
            assert!(answers.contains("\r\nConnection: close\r\n"), "{what}: {answers}");
        }
        let answers = answers(address(&town.app.ready().admin), &head("/healthz")).await;
        assert_eq!(statuses(&answers), ["400"], "{what}: {answers}");
        assert!(answers.ends_with("the head of this request cannot be read\n"), "{what}: {answers}");
    }
    // Where the request line can be read, path and method count first.
    for (line, status) in [("POST /other", "404"), ("GET /mm7/v1", "405")] {
        let answers =
            answers(town.mm7_door(), format!("{line} HTTP/1.1\r\nno colon\r\n\r\n").as_bytes()).await;
        assert_eq!((statuses(&answers), codes(&answers).len()), (vec![status], 0), "{answers}");
    }
    town.close().await;
}

#[tokio::test]
async fn lengths_that_cannot_be_used_are_refused_at_every_door() {
    let town = Town::found().await;
    for lines in [
        "",
        "Content-Length: x\r\n",
        "Content-Length:\r\n x\r\n",
        "Content-Length: 4\r\nContent-Length: 5\r\n",
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "Transfer-Encoding: x\r\n chunked\r\n",
        "Content-Encoding: gzip\r\nContent-Length: 4\r\n",
    ] {
        let rest = format!("Host: a\r\nContent-Type: text/xml\r\n{lines}\r\n<a/>");
        for (door, path) in [(town.mm7_door(), "/mm7/v1"), (town.carrier_door(), "/carriers/31003/mm7")] {
            for before in ["", "\r\n", "\n\n"] {
                let request = format!("{before}POST {path} HTTP/1.1\r\n{rest}");
                let answers = answers(door, request.as_bytes()).await;
                assert_eq!(
                    (statuses(&answers).len(), codes(&answers)),
                    (1, vec!["2500"]),
                    "{lines}: {answers}"
                );
            }
        }
    }
    // HTTP/1.0 knows no chunks.
    let old = b"POST /mm7/v1 HTTP/1.0\r\nContent-Type: text/xml\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n<a/>\r\n0\r\n\r\n";
    assert_eq!(codes(&answers(town.mm7_door(), old).await), ["2500"]);
    let health = b"GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n";
    assert_eq!(statuses(&answers(address(&town.app.ready().admin), health).await), ["400"]);
    town.close().await;
}

#[tokio::test]
async fn bodies_that_are_not_what_was_said_are_refused_at_every_door() {
    let town = Town::found().await;
    for (length, body) in [
        ("Content-Length: 100", "<a/>"),
        ("Transfer-Encoding: chunked", "x\r\n"),
        ("Transfer-Encoding: chunked", "4\n<a/>\n0\n\n"),
        ("Transfer-Encoding: chunked", "4\r\n<a/>!\r\n0\r\n\r\n"),
        ("Transfer-Encoding: chunked", "4\r\n<a/>\r\n"),
        ("Transfer-Encoding: chunked", "ffffffffffffffffff\r\n"),
    ] {
        for (door, path) in [(town.mm7_door(), "/mm7/v1"), (town.carrier_door(), "/carriers/31003/mm7")] {
            let request = format!(
                "POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: text/xml\r\n{length}\r\n\r\n{body}"
            );
            let answers = answers(door, request.as_bytes()).await;
            assert_eq!((statuses(&answers).len(), codes(&answers)), (1, vec!["2500"]), "{body:?}: {answers}");
        }
    }
    town.close().await;
}

#[tokio::test]
async fn chunked_reports_are_taken_from_every_carrier() {
    let town = Town::planned(TownPlan::default()).await;
    let carrier = |id, dialect| town.carrier_with(id, "", &format!("dialect = {dialect:?}\n"));
    town.provision(&(carrier("31002", "skycore") + &carrier("31003", "3gpp"))).await;
    for id in ["31002", "31003"] {
        let request = RawRequest { chunked: true, content_length: DeclaredLength::Missing, ..report(id) };
        assert_eq!(codes(&answers(town.carrier_door(), &request.bytes()).await), ["1000"]);
    }
    town.close().await;
}

/// Many chunks, with extensions and trailers, and another request behind.
#[tokio::test]
async fn a_chunked_body_is_put_together() {
    let town = Town::found().await;
    let mut request = RawRequest::to(QUIET);
    let photo: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    request.attachments.push(RawPart::new("image/jpeg", "photo", photo.clone()));
    request.content_length = DeclaredLength::Missing;
    let body = request.body();
    request.header("Transfer-Encoding", "Chunked");
    let mut bytes = rewritten(&RawRequest { body: Some(Vec::new()), ..request }, "Host", "Host");
    for piece in body.chunks(9_999) {
        bytes.extend_from_slice(format!("{:X} ;a=\"b\"\r\n", piece.len()).as_bytes());
        bytes.extend_from_slice(&[piece, b"\r\n"].concat());
    }
    bytes.extend_from_slice(b"0\r\nX-Trailer: a\r\n b\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let answers = answers(town.mm7_door(), &bytes).await;
    assert_eq!((statuses(&answers), codes(&answers)), (vec!["200", "404"], vec!["1000"]), "{answers}");
    let kept = town.carriers["31003"].wait_until(|kept| !kept.is_empty(), DEADLINE).await.unwrap();
    assert!(kept[0].media.iter().any(|media| media.bytes == photo), "the photo is as it was");
    town.close().await;
}

/// A body whose lines look like lengths, behind a head that is refused: nothing in it is another request.
#[tokio::test]
async fn a_refused_body_is_never_a_head() {
    let town = Town::found().await;
    let lines = 80;
    let mut smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\nX: ".to_owned();
    smuggled += &("p".repeat(9 * lines - smuggled.len() - 4) + "\r\n\r\n");
    let body =
        "x".repeat(20_000) + "\r\n" + &"Content-Length: x\r\n".repeat(lines) + &"y".repeat(3_000) + &smuggled;
    let first = format!("POST /mm7/v1 HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", body.len());
    let mut stream = TcpStream::connect(town.mm7_door()).await.unwrap();
    stream.write_all(first.as_bytes()).await.unwrap();
    // The answer is there before the body.
    let mut answer = vec![0; 12];
    timeout(DEADLINE, stream.read_exact(&mut answer)).await.unwrap().unwrap();
    stream.write_all(body.as_bytes()).await.unwrap();
    stream.write_all(b"GET /honest HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    stream.shutdown().await.unwrap();
    timeout(DEADLINE, stream.read_to_end(&mut answer)).await.unwrap().unwrap();
    let answers = String::from_utf8(answer).unwrap();
    assert_eq!((statuses(&answers), codes(&answers)), (vec!["200", "404"], vec!["2500"]), "{answers}");
    town.close().await;
}

/// A head that comes before the answer to the request before it, and its body after that.
#[tokio::test]
async fn a_pipelined_body_is_not_altered() {
    let town = Town::found().await;
    let text = "Content-Length: see below\nTransfer-Encoding: none\n";
    let mut second = RawRequest::to(QUIET);
    second.attachments.push(RawPart::new("text/plain", "lines", text));
    let body = [b"Content-Length: of the preamble\r\n", second.body().as_slice()].concat();
    second.body = Some(body.clone());
    let bytes = second.bytes();
    let head = &bytes[..bytes.len() - body.len()];
    let mut stream = TcpStream::connect(town.mm7_door()).await.unwrap();
    stream.write_all(&[&RawRequest::to(QUIET).bytes(), head].concat()).await.unwrap();
    let mut all = vec![0; 12];
    timeout(DEADLINE, stream.read_exact(&mut all)).await.unwrap().unwrap();
    stream.write_all(&body).await.unwrap();
    stream.write_all(b"\r\nGET /next HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    stream.shutdown().await.unwrap();
    timeout(DEADLINE, stream.read_to_end(&mut all)).await.unwrap().unwrap();
    let answers = String::from_utf8(all).unwrap();
    assert_eq!(
        (statuses(&answers), codes(&answers)),
        (vec!["200", "200", "404"], vec!["1000", "1000"]),
        "{answers}"
    );
    let kept = town.carriers["31003"].wait_until(|kept| kept.len() == 2, DEADLINE).await.unwrap();
    let is_there = |bytes: &[u8]| bytes == text.as_bytes();
    assert!(kept.iter().any(|kept| kept.media.iter().any(|media| is_there(&media.bytes))), "as it was sent");
    town.close().await;
}

#[tokio::test]
async fn old_and_odd_requests_are_at_home() {
    let mut plan = TownPlan::default();
    plan.settings.mm7.path = "/mm7/v1/".to_owned();
    plan.settings.carriers.path = "/carriers/{carrier}/mm7/".to_owned();
    let slashed = Town::planned(plan).await;
    for town in [slashed, Town::planned(TownPlan::default()).await] {
        town.provision(&(town.account("acme", "") + &town.usual_carriers())).await;
        for (from, to) in [
            ("POST /mm7/v1 ", "POST /mm7/v1/ "),
            ("POST /mm7/v1 ", "POST http://gateway.example/mm7/v1 "),
            ("POST /mm7/v1 ", "POST http://gateway.example:8007/mm7/v1/ "),
            ("POST /mm7/v1 ", "POST /mm7/v1/?a=b "),
            ("HTTP/1.1\r\nHost: posthouse\r\n", "HTTP/1.0\r\n"),
            ("POST", "\r\n\nPOST"),
            ("\r\nSOAPAction: ", "\nSOAPAction: "),
            ("Host: ", "Content-Encoding: identity\r\nHost: "),
            ("Host: ", "Upgrade: h2c\r\nConnection: Upgrade\r\nHost: "),
            ("Host: ", "Expect: 100-continue\r\nHost: "),
        ] {
            let answers = answers(town.mm7_door(), &rewritten(&RawRequest::to(QUIET), from, to)).await;
            assert_eq!(codes(&answers), ["1000"], "{to:?}: {answers}");
        }
        for path in ["/carriers/31003/mm7", "/carriers/31003/mm7/"] {
            let request = RawRequest { path: path.to_owned(), ..report("31003") };
            assert_eq!(codes(&answers(town.carrier_door(), &request.bytes()).await), ["1000"], "{path}");
        }
        for path in ["/carriers/31003/mm7//", "/carriers//mm7", "/carriers/31003/"] {
            let request = RawRequest { path: path.to_owned(), ..report("31003") };
            assert_eq!(statuses(&answers(town.carrier_door(), &request.bytes()).await), ["404"], "{path}");
        }
        town.close().await;
    }
}

/// Some software looks for `Content-Type` letter by letter.
#[tokio::test]
async fn header_names_go_out_as_specifications_write_them() {
    let town = Town::planned(TownPlan::default()).await;
    let heads: Arc<Mutex<Vec<String>>> = Arc::default();
    let seen_heads = Arc::clone(&heads);
    let canned = Canned::start(move |seen| {
        seen_heads.lock().unwrap().push(seen.head.clone());
        let name = if seen.path == "/mm7" { "SubmitRsp" } else { "DeliveryReportRsp" };
        CannedReply::http(200, "text/xml", &response(name, &seen.transaction_id, 1000))
    })
    .await;
    let carrier = format!(
        "[[carrier]]\nid = \"31003\"\n[[carrier.connection]]\nname = \"only\"\nurl = {:?}\n\
         basic_auth = {{ username = \"u\", password = \"p\" }}\n",
        canned.url("/mm7")
    );
    let account = town.account("acme", "").replace(&town.vasp.url(), &canned.url(""));
    town.provision(&(account + &carrier + &posthouse_testing::provisioning::range("1617", "31003"))).await;
    let answer = answers(town.mm7_door(), &RawRequest::to(QUIET).bytes()).await;
    let id: Id = answer.split("<MessageID>").nth(1).unwrap().split('<').next().unwrap().parse().unwrap();
    eventually("a report of it", async || town.events(id, EventKind::Reported).await.pop()).await;
    let answered = |name: &str| answer.contains(&format!("\r\n{name}: "));
    assert!(["Content-Type", "Content-Length", "Date"].into_iter().all(answered), "{answer}");
    let heads = heads.lock().unwrap().clone();
    for (path, names) in [
        ("/mm7", &["Content-Type", "Content-Length", "Host", "Authorization", "Soapaction"][..]),
        ("/reports", &["Content-Type", "Content-Length", "Host", "X-Posthouse-Carrier-Id"]),
    ] {
        let head = heads.iter().find(|head| head.starts_with(&format!("POST {path} "))).unwrap();
        let is_there = |name: &&str| head.contains(&format!("\r\n{name}: "));
        assert!(names.iter().all(is_there), "{head}");
    }
    town.close().await;
}
