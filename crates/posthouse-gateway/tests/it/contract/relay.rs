//! Row 33 of contract 4.1: in relay mode the answer is what the carrier said, by the table of 4.4.

use mm7::StatusCode;
use posthouse_core::{message::EventKind, store::MessageFilter};

use super::{
    refusals::validate,
    table::{DIALECTS, Look, difference},
};
use posthouse_testing::{
    canned::{Canned, CannedReply, SeenRequest, fault, response},
    provisioning::range,
    request::RawRequest,
    town::{Town, TownPlan, eventually},
};

const XML: &str = "text/xml; charset=utf-8";

/// What a carrier says, and what that is here.
struct Said {
    what: &'static str,
    reply: Box<dyn Fn(&SeenRequest) -> CannedReply + Send + Sync>,
    code: u32,
}

fn said(
    what: &'static str,
    code: u32,
    reply: impl Fn(&SeenRequest) -> CannedReply + Send + Sync + 'static,
) -> Said {
    Said { what, reply: Box::new(reply), code }
}

/// A SubmitRsp with each of these codes.
fn codes(heard: &[u32], code: u32) -> Vec<Said> {
    let one = |heard: u32| {
        let reply = move |seen: &SeenRequest| {
            CannedReply::http(200, XML, &response("SubmitRsp", &seen.transaction_id, heard))
        };
        said("a SubmitRsp", code, reply)
    };
    heard.iter().copied().map(one).collect()
}

/// Each of these HTTP statuses, with no MM7 in them.
fn statuses(heard: &[u16], code: u32) -> Vec<Said> {
    let one =
        |heard: u16| said("HTTP", code, move |_| CannedReply::http(heard, "text/html", "<html>Sorry</html>"));
    heard.iter().copied().map(one).collect()
}

/// Contract 4.4, row by row.
fn table() -> Vec<Said> {
    let mut table: Vec<_> = [
        codes(&[1000, 1100, 1999], 1000),
        codes(&[2002, 2003], 2002),
        codes(&[2004], 2004),
        statuses(&[413], 2004),
        codes(&[2001, 4001, 2008], 3520),
        statuses(&[401, 403, 404], 3520),
        codes(&[2000, 2007, 3001, 3002, 4005], 4000),
        codes(&[4000, 4008, 4999], 4000),
        statuses(&[400, 402, 405, 410, 411, 415, 422, 451], 4000),
        codes(&[4004], 4004),
        codes(&[4007], 4007),
        codes(&[4002], 4002),
        codes(&[4003], 4003),
        codes(&[3000, 4006, 0, 999, 5000, 10_000], 4006),
        statuses(&[408, 409, 423, 425, 429, 500, 502, 503], 4006),
    ]
    .into_iter()
    .flatten()
    .collect();
    table.extend([
        said("a hang-up", 3500, |_| CannedReply::HangUp),
        said("half an answer", 3500, |seen| {
            let CannedReply::Bytes(mut bytes) =
                CannedReply::http(200, XML, &response("SubmitRsp", &seen.transaction_id, 1000))
            else {
                return CannedReply::HangUp;
            };
            bytes.truncate(bytes.len() / 2);
            CannedReply::Bytes(bytes)
        }),
        said("an empty HTTP 500", 4006, |_| CannedReply::http(500, XML, "")),
        said("an HTTP 500 without a Content-Type", 4006, |_| {
            CannedReply::Bytes(b"HTTP/1.1 500 Said\r\nContent-Length: 0\r\n\r\n".to_vec())
        }),
        said("HTTP 200 without MM7", 3500, |_| CannedReply::http(200, "text/html", "<html>It works!</html>")),
        said("HTTP 200 with nothing in it", 3500, |_| CannedReply::http(200, XML, "")),
        said("1000 in a Fault", 1000, |seen| CannedReply::http(500, XML, &fault(&seen.transaction_id, 1000))),
        said("a Fault in HTTP 200", 4007, |seen| {
            CannedReply::http(200, XML, &fault(&seen.transaction_id, 4007))
        }),
        said("a Fault in HTTP 500", 2002, |seen| {
            CannedReply::http(500, XML, &fault(&seen.transaction_id, 2002))
        }),
        said("HTTP 500 with a SubmitRsp", 1000, |seen| {
            CannedReply::http(500, XML, &response("SubmitRsp", &seen.transaction_id, 1000))
        }),
        said("another TransactionID", 1000, |_| {
            CannedReply::http(200, XML, &response("SubmitRsp", "other", 1000))
        }),
        said("no namespace", 1000, |seen| {
            let answer = response("SubmitRsp", &seen.transaction_id, 1000);
            let (before, after) = answer.split_once("xmlns:m=").unwrap();
            let after = after.split_once('>').unwrap().1;
            CannedReply::http(200, XML, &format!("{before}>{after}").replace("m:", ""))
        }),
        said("a bare & in StatusText", 1000, |seen| {
            let answer = response("SubmitRsp", &seen.transaction_id, 1000);
            CannedReply::http(200, XML, &answer.replace(">Said<", ">Tom & Jerry<"))
        }),
        said("prefixes that nobody declared", 1000, |seen| {
            let answer = response("SubmitRsp", &seen.transaction_id, 1000);
            CannedReply::http(200, XML, &answer.replace("xmlns:m=", "xmlns:n="))
        }),
        said("a multipart labelled as XML", 4007, |seen| {
            let answer = response("SubmitRsp", &seen.transaction_id, 4007);
            CannedReply::http(
                200,
                XML,
                &format!("--b\r\nContent-Type: text/xml\r\n\r\n{answer}\r\n--b--\r\n"),
            )
        }),
        said("XML labelled as a multipart", 1000, |seen| {
            let multipart = "multipart/related; boundary=b; type=\"text/xml\"";
            CannedReply::http(200, multipart, &response("SubmitRsp", &seen.transaction_id, 1000))
        }),
        said("another boundary than its Content-Type says", 4004, |seen| {
            let answer = response("SubmitRsp", &seen.transaction_id, 4004);
            let body = format!("--b\r\nContent-Type: text/xml\r\n\r\n{answer}\r\n--b--\r\n");
            CannedReply::http(200, "multipart/related; boundary=c", &body)
        }),
        said("SubmitResponse", 4007, |seen| {
            CannedReply::http(200, XML, &response("SubmitResponse", &seen.transaction_id, 4007))
        }),
        said("MM7SubmitRsp", 4004, |seen| {
            CannedReply::http(200, XML, &response("MM7SubmitRsp", &seen.transaction_id, 4004))
        }),
        said("MM7RSErrorRsp", 4002, |seen| {
            CannedReply::http(200, XML, &response("MM7RSErrorRsp", &seen.transaction_id, 4002))
        }),
        said("a Fault of SOAP 1.2", 4006, |seen| {
            let fault = fault(&seen.transaction_id, 4006);
            let (before, after) = fault.split_once("<faultcode>").unwrap();
            let (_, after) = after.split_once("<detail>").unwrap();
            let words =
                "<e:Code><e:Value>e:Receiver</e:Value></e:Code><e:Reason><e:Text>Said</e:Text></e:Reason>";
            let after = after.replace("</detail>", "</e:Detail>");
            let answer = format!("{before}{words}<e:Detail>{after}");
            CannedReply::http(
                500,
                XML,
                &answer.replace("schemas.xmlsoap.org/soap/envelope/", "www.w3.org/2003/05/soap-envelope"),
            )
        }),
        said("MM7 labelled as HTML", 4004, |seen| {
            CannedReply::http(200, "text/html", &response("SubmitRsp", &seen.transaction_id, 4004))
        }),
        said("a SubmitRsp in HTTP 401", 4007, |seen| {
            CannedReply::http(401, XML, &response("SubmitRsp", &seen.transaction_id, 4007))
        }),
    ]);
    table
}

/// A number of the carrier `number`.
fn recipient(number: usize) -> String {
    format!("18{number:03}5550100")
}

/// A carrier with a connection, for each entry of a table: what refuses our credentials once is not asked again.
fn carriers(canned: &Canned, count: usize) -> String {
    let carrier = |number: usize| {
        format!(
            "[[carrier]]\nid = \"c{number}\"\n[[carrier.connection]]\nname = \"c{number}\"\nurl = {:?}\n\
             [[range]]\nprefix = \"18{number:03}\"\ncarrier = \"c{number}\"\n",
            canned.url(&format!("/{number}"))
        )
    };
    (0..count).map(carrier).collect()
}

fn relays(town: &Town, dialect: &str, timeout: &str) -> String {
    let settings = format!("dialect = {dialect:?}\nsubmit_mode = \"relay\"\nrelay_timeout = {timeout:?}\n");
    town.account(dialect, &settings)
}

fn request(dialect: &str, number: &str) -> RawRequest {
    RawRequest { vaspid: Some(format!("{dialect}-key")), ..RawRequest::to(number) }
}

#[tokio::test]
async fn row_33_whatever_a_carrier_says() {
    let town = Town::planned(TownPlan::default()).await;
    let replies = table();
    let count = replies.len();
    let expected: Vec<_> = replies.iter().map(|said| (said.what, said.code)).collect();
    let canned = Canned::start(move |seen| {
        let number: usize = seen.path.trim_start_matches('/').parse().unwrap();
        (replies[number].reply)(seen)
    })
    .await;
    town.provision(&(relays(&town, "posthouse", "5s") + &carriers(&canned, count))).await;
    let mut wrong = Vec::new();
    for (number, (what, code)) in expected.into_iter().enumerate() {
        let request = request("posthouse", &recipient(number));
        let answer = town.post(&request).await;
        let look = match code {
            1000 => Look::success(&request),
            code => Look::refusal("posthouse", 33, code, &request),
        };
        if let Some(difference) = difference(&answer, &look) {
            wrong.push(format!("{number}, {what}, {code}: {difference}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    town.close().await;
}

/// The codes of row 33, each with a reply that means it.
fn one_for_each_code() -> Vec<Said> {
    let mut each: Vec<_> = [2002, 2004, 4000, 4002, 4003, 4004, 4006, 4007]
        .iter()
        .flat_map(|code| codes(&[*code], *code))
        .collect();
    each.extend(codes(&[2001], 3520));
    each.push(said("a hang-up", 3500, |_| CannedReply::HangUp));
    each
}

/// A VASP that waits for the answer is told what its own message met, whatever others met before.
#[tokio::test]
async fn what_others_met_is_not_what_a_message_meets() {
    let town = Town::planned(TownPlan::default()).await;
    let canned = Canned::start(|seen| {
        let is_to = |number: &str| String::from_utf8_lossy(&seen.body).contains(number);
        let code = match () {
            () if is_to("18005552001") => 2001,
            () if is_to("18005554001") => 4001,
            () if is_to("18005554006") => 4006,
            () => 1000,
        };
        CannedReply::http(200, XML, &response("SubmitRsp", &seen.transaction_id, code))
    })
    .await;
    town.provision(&(relays(&town, "posthouse", "5s") + &connected(&canned, "", &["/only"]))).await;
    let post = async |number: &str| town.post(&request("posthouse", number)).await.code();
    for _ in 0..3 {
        for (number, code) in [("18005552001", 3520), ("18005554001", 3520), ("18005550100", 1000)] {
            assert_eq!(post(number).await, Some(code), "{number}");
        }
    }
    // More in a row than any connection is used after.
    for _ in 0..10 {
        assert_eq!(post("18005554006").await, Some(4006));
    }
    assert_eq!(post("18005550100").await, Some(1000));
    for _ in 0..4 {
        assert_eq!(post("18005552001").await, Some(3520));
    }
    assert_eq!(post("18005550100").await, Some(1000), "four in a row are few");
    town.close().await;
}

/// NotSupported for 4002 and 4003 and Rejected for the rest, whether a report says it or the answer did.
#[tokio::test]
async fn a_message_ends_the_same_in_queue_and_in_relay_mode() {
    let town = Town::planned(TownPlan::default()).await;
    let canned = Canned::start(|seen| {
        let code = seen.path.trim_start_matches('/').parse().unwrap();
        CannedReply::http(200, XML, &response("SubmitRsp", &seen.transaction_id, code))
    })
    .await;
    let accounts = relays(&town, "posthouse", "5s") + &town.account("acme", "");
    for (code, state) in [
        (4002, "NotSupported"),
        (4003, "NotSupported"),
        (2002, "Rejected"),
        (4000, "Rejected"),
        (4007, "Rejected"),
    ] {
        // Of its own, so that only these two messages are its.
        let carrier =
            connected(&canned, "", &[&format!("/{code}")]).replace("\"c\"", &format!("\"c{code}\""));
        let carrier = carrier.replace("prefix = \"1800\"", &format!("prefix = \"18{code}\""));
        town.provision(&(accounts.clone() + &carrier)).await;
        let number = format!("18{code}550100");
        assert_eq!(town.post(&request("posthouse", &number)).await.code(), Some(code));
        let queued = town.submit(&request("acme", &number)).await;
        let ended = town.event(queued, EventKind::Ended).await;
        let filter = MessageFilter { recipient: Some(number), ..MessageFilter::default() };
        let messages = town.store().messages(&filter, 10).await.unwrap();
        assert_eq!(messages.len(), 2);
        for message in messages {
            let reason = message.reason.map(|reason| u32::from(reason.0.code()));
            assert_eq!((message.state.as_str(), reason), (state, Some(code)), "{ended}");
        }
    }
    town.close().await;
}

#[tokio::test]
async fn what_a_carrier_says_without_mm7_is_on_the_timeline() {
    let town = Town::planned(TownPlan::default()).await;
    let canned = Canned::start(|seen| match seen.path.as_str() {
        "/page" => CannedReply::http(
            405,
            "text/html",
            "<html><title>405</title><h1>Not\u{1b}[31m allowed</h1></html>",
        ),
        "/fault" => CannedReply::http(409, XML, &plain_fault(&seen.transaction_id, "throttled: 2 a second")),
        "/details" => {
            let answer = response("SubmitRsp", &seen.transaction_id, 4007);
            let details = "</m:StatusText><m:Details>prepaid account is empty</m:Details>";
            CannedReply::http(200, XML, &answer.replace("</m:StatusText>", details))
        }
        _ => CannedReply::http(500, XML, &plain_fault(&seen.transaction_id, "NullPointerException")),
    })
    .await;
    for (path, kind, said) in [
        (
            "/page",
            EventKind::Ended,
            "Rejected: 4000 General service error: /page: HTTP 405 without MM7: 405 Not [31m allowed",
        ),
        (
            "/fault",
            EventKind::Retrying,
            "4006 Service unavailable: /fault: a Fault Client throttled: 2 a second, in HTTP 409",
        ),
        (
            "/details",
            EventKind::Ended,
            "Rejected: 4007 Service denied: /details: 4007 Said: prepaid account is empty",
        ),
        (
            "/null",
            EventKind::Ended,
            "Rejected: 4000 General service error: /null: a Fault Client NullPointerException, in HTTP 500",
        ),
    ] {
        town.provision(&(town.account("acme", "") + &connected(&canned, "", &[path]))).await;
        let id = town.submit(&request("acme", "18005550100")).await;
        assert_eq!(town.event(id, kind).await, said);
    }
    town.close().await;
}

/// A Fault with nothing of MM7 in it.
fn plain_fault(transaction_id: &str, string: &str) -> String {
    let fault = fault(transaction_id, 1000);
    let (before, after) = fault.split_once("<faultcode>").unwrap();
    let (_, after) = after.split_once("</detail>").unwrap();
    format!("{before}<faultcode>e:Client</faultcode><faultstring>{string}</faultstring>{after}")
}

#[tokio::test]
async fn row_33_in_every_dialect() {
    let town = Town::planned(TownPlan::default()).await;
    let expected: Vec<_> = DIALECTS
        .into_iter()
        .flat_map(|dialect| one_for_each_code().into_iter().map(move |said| (dialect, said.code)))
        .collect();
    let replies = one_for_each_code();
    let canned = Canned::start(move |seen| {
        let number: usize = seen.path.trim_start_matches('/').parse().unwrap();
        (replies[number % replies.len()].reply)(seen)
    })
    .await;
    let accounts = DIALECTS.map(|dialect| relays(&town, dialect, "5s")).concat();
    town.provision(&(accounts + &carriers(&canned, expected.len()))).await;
    let mut answers = Vec::new();
    for (number, (dialect, code)) in expected.into_iter().enumerate() {
        let request = request(dialect, &recipient(number));
        let answer = town.post(&request).await;
        let look = Look::refusal(dialect, 33, code, &request);
        assert_eq!(difference(&answer, &look), None, "{dialect}, {code}");
        answers.push((format!("{dialect}, {code}"), answer));
    }
    validate(answers);
    assert_eq!(town.vasp.received(), 0, "what was refused is not reported");
    town.close().await;
}

#[tokio::test]
async fn row_33_a_carrier_that_does_not_answer_in_time() {
    let town = Town::planned(TownPlan::default()).await;
    let accounts = DIALECTS.map(|dialect| relays(&town, dialect, "50ms")).concat();
    let carrier = town.carrier_with("31003", "", "timeout = \"300ms\"\n");
    town.provision(&(accounts + &carrier + &range("1617", "31003"))).await;
    for dialect in DIALECTS {
        let request = request(dialect, "16175553500");
        let answer = town.post(&request).await;
        let look = Look::refusal(dialect, 33, 3500, &request);
        assert_eq!(difference(&answer, &look), None, "{dialect}");
    }
    let each = DIALECTS.len() as u64;
    let count = eventually("the carrier was asked", async || {
        Some(town.carriers["31003"].received()).filter(|received| *received == each)
    });
    assert_eq!(count.await, each, "the message is on its way before the VASP is answered");
    town.close().await;
}

#[tokio::test]
async fn row_33_no_connection() {
    let town = Town::planned(TownPlan::default()).await;
    let nowhere = "[[carrier]]\nid = \"gone\"\n[[carrier.connection]]\nname = \"a\"\nurl = \"http://127.0.0.1:9/mm7\"\n\
                   [[range]]\nprefix = \"1700\"\ncarrier = \"gone\"\n";
    town.provision(&(DIALECTS.map(|dialect| relays(&town, dialect, "5s")).concat() + nowhere)).await;
    for dialect in DIALECTS {
        let request = request(dialect, "17005550100");
        let answer = town.post(&request).await;
        let look = Look::refusal(dialect, 33, 3500, &request);
        assert_eq!(difference(&answer, &look), None, "{dialect}");
    }
    town.close().await;
}

#[tokio::test]
async fn the_next_connection_is_asked_before_the_vasp_is_answered() {
    let town = Town::planned(TownPlan::default()).await;
    let canned = Canned::start(|seen| match seen.path.as_str() {
        "/busy" => CannedReply::http(503, "text/plain", "busy"),
        "/closed" => CannedReply::http(401, "text/plain", "closed"),
        _ => CannedReply::http(200, XML, &response("SubmitRsp", &seen.transaction_id, 1000)),
    })
    .await;
    let connections: String = ["/closed", "/busy", "/open"]
        .iter()
        .map(|path| format!("[[carrier.connection]]\nname = {path:?}\nurl = {:?}\n", canned.url(path)))
        .collect();
    let carrier =
        format!("[[carrier]]\nid = \"c\"\n{connections}[[range]]\nprefix = \"1800\"\ncarrier = \"c\"\n");
    town.provision(&(relays(&town, "posthouse", "5s") + &carrier)).await;
    let id = town.submit(&request("posthouse", "18005550100")).await;
    let attempts = town.events(id, EventKind::Sending).await;
    assert_eq!(attempts.len(), 3, "{attempts:?}");
    town.event(id, EventKind::Forwarded).await;
    town.close().await;
}

/// A carrier whose connections are these paths, in this order of priority.
fn connected(canned: &Canned, own: &str, paths: &[&str]) -> String {
    let connections: String = paths
        .iter()
        .zip(1..)
        .map(|(path, priority)| {
            let url = canned.url(path);
            format!("[[carrier.connection]]\nname = {path:?}\nurl = {url:?}\npriority = {priority}\n")
        })
        .collect();
    format!("[[carrier]]\nid = \"c\"\n{own}{connections}{}", range("1800", "c"))
}

/// It says nothing about the message: not one that another connection takes is lost for it, and none waits for nothing.
#[tokio::test]
async fn an_http_4xx_without_mm7_asks_the_next_connection_and_ends_the_message_once_none_is_left() {
    let town = Town::planned(TownPlan::default()).await;
    let canned = Canned::start(|seen| match seen.path.as_str() {
        "/open" => CannedReply::http(200, XML, &response("SubmitRsp", &seen.transaction_id, 1000)),
        "/busy" => CannedReply::http(409, "text/plain", "throttled"),
        _ => CannedReply::http(405, "text/html", "<html>Method not allowed</html>"),
    })
    .await;
    let accounts = relays(&town, "posthouse", "5s") + &town.account("acme", "");
    for (paths, relay, state) in [
        (&["/odd", "/open"][..], 1000, "Forwarded"),
        (&["/odd"], 4000, "Rejected"),
        (&["/odd", "/odder"], 4000, "Rejected"),
        // One of them may take it later.
        (&["/odd", "/busy"], 4006, "Accepted"),
        (&["/busy", "/odd"], 4006, "Accepted"),
    ] {
        town.provision(&(accounts.clone() + &connected(&canned, "", paths))).await;
        let answer = town.post(&request("posthouse", "18005550100")).await;
        assert_eq!(answer.code(), Some(relay), "{paths:?}");
        let id = town.submit(&request("acme", "18005550100")).await;
        let (tried, kind) = match state {
            "Forwarded" => (paths.len(), EventKind::Forwarded),
            "Rejected" => (paths.len(), EventKind::Ended),
            _ => (paths.len(), EventKind::Retrying),
        };
        let said = town.event(id, kind).await;
        assert!(town.events(id, EventKind::Sending).await.len() >= tried, "{paths:?}: {said}");
        assert!(state == "Accepted" || town.message(id).await.state.as_str() == state, "{paths:?}: {said}");
    }
    town.close().await;
}

#[tokio::test]
async fn a_code_of_the_carriers_own_counts_as_what_is_provisioned() {
    let town = Town::planned(TownPlan::default()).await;
    let canned = Canned::start(|seen| {
        let code = seen.path.trim_start_matches('/').parse().unwrap();
        CannedReply::http(200, XML, &response("SubmitRsp", &seen.transaction_id, code))
    })
    .await;
    let accounts = relays(&town, "posthouse", "5s") + &town.account("acme", "");
    let own = "[carrier.code_map]\n4030 = 4006\n\"7103\" = 4007\n4008 = \"4003\"\n2042 = 1000\n";
    for (said, relay, kind, shown) in [
        (4030, 4006, EventKind::Retrying, "4030 Said, which counts as 4006"),
        (7103, 4007, EventKind::Ended, "Rejected"),
        (4008, 4003, EventKind::Ended, "NotSupported"),
        (2042, 1000, EventKind::Forwarded, "2042 Said, which counts as 1000"),
        (4031, 4000, EventKind::Ended, "Rejected"),
    ] {
        let path = format!("/{said}");
        town.provision(&(accounts.clone() + &connected(&canned, own, &[&path]))).await;
        let answer = town.post(&request("posthouse", "18005550100")).await;
        assert_eq!(answer.code(), Some(relay), "{said}");
        let id = town.submit(&request("acme", "18005550100")).await;
        let detail = town.event(id, kind).await;
        assert!(detail.contains(shown), "{said}: {detail}");
    }
    town.close().await;
}

#[tokio::test]
async fn what_was_accepted_is_reported_and_what_was_refused_is_tried_again_when_it_is_repeated() {
    let town = Town::planned(TownPlan::default()).await;
    town.provision(&(relays(&town, "posthouse", "5s") + &town.usual_carriers())).await;
    let id = town.submit(&request("posthouse", "16175550100")).await;
    assert_eq!(town.ended(id).await.state.as_str(), "Retrieved");
    assert_eq!(town.statuses_on(id).last().map(String::as_str), Some("Retrieved"));

    let refused = request("posthouse", "16175554007");
    for tries in 1..=2 {
        assert_eq!(town.post(&refused).await.code(), Some(4007));
        let filter = MessageFilter { recipient: Some("16175554007".to_owned()), ..MessageFilter::default() };
        let messages = town.store().messages(&filter, 10).await.unwrap();
        assert_eq!(messages.len(), tries, "refusals are not remembered");
        for message in messages {
            let ended = town.event(message.id, EventKind::Ended).await;
            assert!(ended.contains(&StatusCode::ServiceDenied.to_string()), "{ended}");
            assert_eq!(town.statuses_on(message.id), [""; 0], "the VASP knows already");
        }
    }
    town.close().await;
}

#[tokio::test]
async fn a_repeated_request_gets_the_first_answer() {
    let town = Town::planned(TownPlan::default()).await;
    town.provision(&(relays(&town, "posthouse", "5s") + &town.usual_carriers())).await;
    let request = request("posthouse", "16175559008");
    let first = town.submit(&request).await;
    assert_eq!(town.submit(&request).await, first);
    assert_eq!(town.carriers["31003"].received(), 1);
    town.close().await;
}
