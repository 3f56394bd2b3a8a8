//! Heads of answers as real stacks and what stands before them write them: read for what they say by whoever called, of carriers,
//! VASPs, lookups and servers of content (contract 5).

use posthouse_core::message::EventKind;

use posthouse_testing::{
    canned::{Canned, CannedReply, SeenRequest, response},
    provisioning::range,
    request::RawRequest,
    town::{Town, TownPlan, eventually},
};

/// A head before the body: what is odd about it, and its lines. `LENGTH` stands for the length, `TYPE` for the Content-Type's value.
const HEADS: &[(&str, &str)] = &[
    ("nothing", "HTTP/1.1 200 OK\r\nContent-Type: TYPE\r\nContent-Length: LENGTH\r\n\r\n"),
    (
        "a Content-Type folded by a tab",
        "HTTP/1.1 200 OK\r\nContent-Type:\r\n\tTYPE\r\nContent-Length: LENGTH\r\n\r\n",
    ),
    (
        "a Content-Type folded by a line of blanks",
        "HTTP/1.1 200 OK\r\nContent-Type: TYPE;\r\n \r\n\t charset=utf-8\r\nContent-Length: LENGTH\r\n\r\n",
    ),
    (
        "a folded Content-Length",
        "HTTP/1.1 200 OK\r\nContent-Length:\r\n LENGTH\r\nContent-Type: TYPE\r\n\r\n",
    ),
    (
        "a fold at the end",
        "HTTP/1.1 200 OK\r\nContent-Type: TYPE\r\nContent-Length: LENGTH\r\nX: a\r\n b\r\n\r\n",
    ),
    ("no colon, first", "HTTP/1.1 200 OK\r\npreload\r\nContent-Type: TYPE\r\nContent-Length: LENGTH\r\n\r\n"),
    ("no colon, last", "HTTP/1.1 200 OK\r\nContent-Type: TYPE\r\nContent-Length: LENGTH\r\npreload\r\n\r\n"),
    (
        "several lines that are none",
        "HTTP/1.1 200 OK\r\npreload\r\n folded\r\nMM7 API: 1\r\n: x\r\nContent-Type: TYPE\r\nA(b): c\r\nContent-Length: LENGTH\r\n\r\n",
    ),
    (
        "blanks before the colon",
        "HTTP/1.1 200 OK\r\nX-MMSC : 7\r\nContent-Type : TYPE\r\nContent-Length\t: LENGTH\r\n\r\n",
    ),
    (
        "control characters",
        "HTTP/1.1 200 OK\r\nSet-Cookie: a=\u{1}; path=/\r\nA: \0\r\nB: a\rb\r\nContent-Type: TYPE\r\nContent-Length: LENGTH\r\n\r\n",
    ),
    (
        "letters beyond ASCII",
        "HTTP/1.1 200 Прийнято\r\nX: Київ\r\nКиїв: x\r\nContent-Type: TYPE\r\nContent-Length: LENGTH\r\n\r\n",
    ),
    (
        "a length that is none beside one",
        "HTTP/1.1 200 OK\r\nContent-Length: unknown\r\nContent-Type: TYPE\r\nContent-Length: LENGTH\r\n\r\n",
    ),
    ("the length twice", "HTTP/1.1 200 OK\r\nContent-Type: TYPE\r\nContent-Length: LENGTH, LENGTH\r\n\r\n"),
    ("lines that end in LF", "HTTP/1.1 200 OK\nX: a\n b\nContent-Type: TYPE\nContent-Length: LENGTH\n\n"),
    (
        "lines that end in CR CR LF",
        "HTTP/1.1 200 OK\r\r\nContent-Type: TYPE\r\r\nContent-Length: LENGTH\r\r\n\r\r\n",
    ),
    ("no reason", "HTTP/1.1 200\r\npreload\r\nContent-Type: TYPE\r\nContent-Length: LENGTH\r\n\r\n"),
    ("HTTP/1.0", "HTTP/1.0 200 OK\r\npreload\r\nContent-Type: TYPE\r\nContent-Length: LENGTH\r\n\r\n"),
    ("no length", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Type: TYPE\r\n\r\n"),
    (
        "an interim answer",
        "HTTP/1.1 100 Continue\r\nX: a\r\n b\r\npreload\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: TYPE\r\nContent-Length: LENGTH\r\n\r\n",
    ),
    ("an empty line first", "\r\nHTTP/1.1 200 OK\r\nContent-Type: TYPE\r\nContent-Length: LENGTH\r\n\r\n"),
];

/// Chunks, and a length that is none of the body's.
const CHUNKED: &str = "HTTP/1.1 200 OK\r\nContent-Type: TYPE\r\npreload\r\nContent-Length: 7\r\nTransfer-Encoding: chunked\r\n\r\n";

fn head(template: &str, content_type: &str, length: usize) -> Vec<u8> {
    template.replace("TYPE", content_type).replace("LENGTH", &length.to_string()).into_bytes()
}

/// How many answers there are.
fn count() -> usize {
    HEADS.len() + 1
}

/// The answer of this number, with this body.
fn answer(number: usize, content_type: &str, body: &[u8]) -> CannedReply {
    let Some((_, template)) = HEADS.get(number) else {
        let chunk = format!("{:x}\r\n", body.len()).into_bytes();
        return CannedReply::Bytes(
            [&head(CHUNKED, content_type, 0), &chunk, body, b"\r\n0\r\n\r\n"].concat(),
        );
    };
    CannedReply::Bytes([&head(template, content_type, body.len()), body].concat())
}

fn what(number: usize) -> &'static str {
    HEADS.get(number).map_or("chunks beside a length", |(what, _)| what)
}

/// The number at the end of a request's path.
fn number(seen: &SeenRequest) -> usize {
    seen.path.trim_start_matches('/').parse().unwrap()
}

#[tokio::test]
async fn a_carriers_answer() {
    let town = Town::planned(TownPlan::default()).await;
    let canned = Canned::start(|seen| {
        let rsp = response("SubmitRsp", &seen.transaction_id, 1000);
        // As multiparts, too: then all depends on the boundary.
        let (content_type, body) = match number(seen) % 2 {
            0 => ("text/xml".to_owned(), rsp),
            _ => (
                "multipart/related; boundary=\"=_b\"; type=\"text/xml\"".to_owned(),
                format!("--=_b\r\nContent-Type: text/xml\r\n\r\n{rsp}\r\n--=_b--\r\n"),
            ),
        };
        answer(number(seen) / 2, &content_type, body.as_bytes())
    })
    .await;
    let carriers: String = (0..2 * count())
        .map(|number| {
            let (id, url) = (format!("c{number}"), canned.url(&format!("/{number}")));
            let connection =
                format!("[[carrier.connection]]\nname = \"a\"\nurl = {url:?}\ntimeout = \"5s\"\n");
            format!("[[carrier]]\nid = {id:?}\n{connection}{}", range(&format!("18{number:03}"), &id))
        })
        .collect();
    town.provision(&(town.account("acme", "") + &carriers)).await;
    let mut messages = Vec::new();
    for number in 0..2 * count() {
        messages.push(town.submit(&RawRequest::to(&format!("18{number:03}5550100"))).await);
    }
    for (number, id) in messages.into_iter().enumerate() {
        let what = what(number / 2);
        eventually(what, async || {
            let kinds: Vec<_> = town.timeline(id).await.iter().map(|event| event.kind).collect();
            assert!(!kinds.contains(&EventKind::Parked) && !kinds.contains(&EventKind::Retrying), "{what}");
            kinds.contains(&EventKind::Forwarded).then_some(())
        })
        .await;
        let known = town.message(id).await.carrier_message_id;
        assert_eq!(known.as_deref(), Some("canned-1"), "{what}");
    }
    town.close().await;
}

#[tokio::test]
async fn a_vasps_answer() {
    let town = Town::planned(TownPlan::default()).await;
    let canned = Canned::start(|seen| {
        let rsp = response("DeliveryReportRsp", &seen.transaction_id, 1000);
        answer(number(seen), "text/xml", rsp.as_bytes())
    })
    .await;
    let accounts: String = (0..count())
        .map(|number| {
            let url = canned.url(&format!("/{number}"));
            format!(
                "[[account]]\nname = \"a{number}\"\nvaspid = \"a{number}-key\"\n[account.callbacks]\nreport_url = {url:?}\n\
                 timeout = \"5s\"\n[[account.service]]\nvasid = \"61295\"\nsenders = [\"111122\"]\n"
            )
        })
        .collect();
    town.provision(&(accounts + &town.usual_carriers())).await;
    let mut messages = Vec::new();
    for number in 0..count() {
        let vaspid = Some(format!("a{number}-key"));
        messages.push(town.submit(&RawRequest { vaspid, ..RawRequest::to("16175559008") }).await);
    }
    for (number, id) in messages.into_iter().enumerate() {
        town.event(id, EventKind::Reported).await;
        let failed = town.events(id, EventKind::ReportRetrying).await;
        assert!(failed.is_empty(), "{}: {failed:?}", what(number));
    }
    town.close().await;
}

#[tokio::test]
async fn a_lookups_answer() {
    let town = Town::planned(TownPlan::default()).await;
    let canned = Canned::start(|seen| {
        // The number in the path has the answer's at its end.
        let number = seen.path.get(seen.path.len() - 3..).unwrap().parse().unwrap();
        answer(number, "application/json", b"{\"carrier\":\"31003\"}")
    })
    .await;
    let lookup =
        format!("[lookup]\nprovider = \"http\"\nurl = \"{}\"\ntimeout = \"5s\"\n", canned.url("/{msisdn}"));
    town.provision(&(town.account("acme", "") + &town.usual_carriers() + &lookup)).await;
    for number in 0..count() {
        let answer = town.post(&RawRequest::to(&format!("18005550{number:03}"))).await;
        assert_eq!(answer.code(), Some(1000), "{}", what(number));
    }
    town.close().await;
}

#[tokio::test]
async fn the_answer_of_a_server_of_content() {
    let mut plan = TownPlan::default();
    plan.settings.fetch.allow_private = vec!["127.0.0.0/8".parse().unwrap()];
    let town = Town::planned(plan).await;
    town.provision(&(town.account("acme", "") + &town.usual_carriers())).await;
    let canned = Canned::start(|seen| match seen.path.strip_prefix("/moved/") {
        None => answer(number(seen), "text/plain", b"hello"),
        Some(to) => CannedReply::Bytes(
            format!("HTTP/1.1 302 Found\r\npreload\r\nLocation:\r\n\t/{to}\r\nContent-Length: 0\r\n\r\n")
                .into_bytes(),
        ),
    })
    .await;
    for number in 0..count() {
        for path in [format!("/{number}"), format!("/moved/{number}")] {
            let mut request = RawRequest::to("16175559008");
            request.attachments.clear();
            request.raw_element("Content", &format!("<Content href=\"{}\"/>", canned.url(&path)));
            let answer = town.post(&request).await;
            assert_eq!(answer.code(), Some(1000), "{}", what(number));
        }
    }
    town.close().await;
}
