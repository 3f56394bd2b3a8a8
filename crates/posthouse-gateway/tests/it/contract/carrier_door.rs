//! The door for carriers: who may post, what is refused and how, and what becomes of a report (contract 4.5 and 4.6).

use mm7::{Address, MessageId, MmStatus};
use posthouse_core::{carrier::CarrierId, message::EventKind};
use posthouse_sim::carrier::OutgoingReport;

use super::table::texts;
use posthouse_testing::{
    answer::RawAnswer,
    canned::{Canned, CannedReply, response},
    provisioning::range,
    request::RawRequest,
    schema::assert_valid,
    town::{DEADLINE, Town, TownPlan},
};

const QUIET: &str = "16175559008";
const REL_6_1_4: &str = "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4";

/// A DeliveryReportReq as a carrier posts it.
fn report_of(message_id: &str, status: &str) -> RawRequest {
    let mut request = RawRequest::to("");
    request.operation = "DeliveryReportReq".to_owned();
    request.sender_identification = false;
    request.elements.clear();
    request.elements.push((
        "all",
        format!(
            "<MessageID>{message_id}</MessageID><Recipient><Number>{QUIET}</Number></Recipient>\
             <Sender><ShortCode>111122</ShortCode></Sender><Date>2026-01-01T00:00:00Z</Date>\
             <MMStatus>{status}</MMStatus>"
        ),
    ));
    bare(request)
}

/// The same request as nothing but its envelope.
fn bare(mut request: RawRequest) -> RawRequest {
    request.content_type = Some("text/xml; charset=utf-8".to_owned());
    request.body = Some(request.envelope().into_bytes());
    request
}

/// Checks that an answer is a Fault with this code, dressed as this dialect does.
#[track_caller]
fn assert_fault(what: &str, answer: &RawAnswer, dialect: &str, code: u32) {
    let (text, details) = texts(code);
    let (status, faultstring) = match dialect {
        "posthouse" => (200, format!("{code} {text}")),
        "3gpp" => (500, if code < 3000 { "Client error" } else { "Server error" }.to_owned()),
        _ => (200, if code < 3000 { "Client error" } else { "Server error" }.to_owned()),
    };
    let told = format!("{what}: {}", String::from_utf8_lossy(&answer.body));
    let seen = (answer.code(), answer.text(), answer.details());
    assert_eq!(seen, (Some(code), Some(text), details), "{told}");
    assert_eq!(
        (answer.http_status, answer.faultstring()),
        (status, Some(faultstring.as_str())),
        "{}",
        answer.xml()
    );
    assert_eq!(answer.header("content-type"), Some("text/xml; charset=utf-8"));
    assert_valid(&[("a refusal to a carrier".to_owned(), answer.body.clone())]);
}

#[tokio::test]
async fn who_may_post() {
    let town = Town::found().await;
    let callbacks = "[carrier.callbacks]\n";
    let carriers = [
        town.carrier("31002", "") + callbacks + "basic_auth = { username = \"vzw\", password = \"p\" }\n",
        town.carrier("31003", "") + callbacks + "allowed_ips = [\"192.0.2.0/24\"]\n",
    ];
    town.provision(&carriers.concat()).await;
    let plain = |answer: &RawAnswer| (answer.http_status, answer.decoded.is_some());
    let mut report = report_of("m-1", "Retrieved");
    let answer = town.post_as_carrier("31002", &report).await;
    assert_eq!(plain(&answer), (401, false));
    assert_eq!(answer.header("www-authenticate"), Some("Basic realm=\"posthouse\""));
    assert_eq!(plain(&town.post_as_carrier("31003", &report).await), (403, false));
    assert_eq!(plain(&town.post_as_carrier("31004", &report).await), (404, false));
    assert_eq!(plain(&town.post_as_carrier("", &report).await), (404, false));
    // vzw:wrong, then vzw:p
    report.header("Authorization", "Basic dnp3Ondyb25n");
    assert_eq!(plain(&town.post_as_carrier("31002", &report).await), (401, false));
    report.headers.pop();
    report.header("Authorization", "Basic dnp3OnA=");
    assert_eq!(town.post_as_carrier("31002", &report).await.code(), Some(1000));
    report.method = "GET".to_owned();
    assert_eq!(plain(&town.post_as_carrier("31002", &report).await), (405, false));
    town.close().await;
}

#[tokio::test]
async fn a_report_is_acknowledged_as_it_was_written() {
    let town = Town::found().await;
    for (namespace, version) in
        [("REL-6-MM7-1-4", "6.8.0"), ("REL-5-MM7-1-0", "5.3.0"), ("REL-6-MM7-1-1", "6.4.0")]
    {
        let namespace = REL_6_1_4.replace("REL-6-MM7-1-4", namespace);
        let mut report = report_of("m-1", "Retrieved");
        report.written_in(&namespace, version).transaction_id("from-the-carrier");
        let answer = town.post_as_carrier("31003", &bare(report)).await;
        assert_eq!((answer.http_status, answer.operation()), (200, Some("DeliveryReportRsp")));
        let details = "Successfully parsed and validated request.";
        assert_eq!(
            (answer.code(), answer.text(), answer.details()),
            (Some(1000), Some("Success"), Some(details))
        );
        assert_eq!(answer.transaction_id(), Some("from-the-carrier"));
        assert_eq!(
            (answer.namespace(), answer.version().as_deref()),
            (Some(namespace.as_str()), Some(version))
        );
        assert_eq!(answer.header("content-type"), Some("text/xml; charset=utf-8"));
        assert_valid(&[(version.to_owned(), answer.body.clone())]);
    }
    town.close().await;
}

#[tokio::test]
async fn a_carrier_may_post_in_another_dialect_than_its_connections() {
    let town = Town::found().await;
    let connection = "dialect = \"3gpp\"\n";
    let carriers = [
        town.carrier_with("31002", "", connection),
        town.carrier_with("31003", "", &format!("{connection}[carrier.callbacks]\ndialect = \"skycore\"\n")),
    ];
    town.provision(&carriers.concat()).await;
    let garbage = RawRequest { body: Some("MMStatus=Retrieved".into()), ..report_of("m-1", "Retrieved") };
    for (id, dialect) in [("31002", "3gpp"), ("31003", "skycore")] {
        assert_fault(id, &town.post_as_carrier(id, &garbage).await, dialect, 2007);
    }
    town.close().await;
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_in_the_carriers_dialect() {
    let town = Town::planned(TownPlan { fragile: true, ..TownPlan::default() }).await;
    let dialects = [("31002", "skycore"), ("31003", "3gpp")];
    let carrier =
        |(id, dialect): (&str, &str)| town.carrier_with(id, "", &format!("dialect = {dialect:?}\n"));
    town.provision(&(town.account("acme", "") + &dialects.map(carrier).concat())).await;
    let change = |change: fn(&mut RawRequest)| {
        let mut report = report_of("m-1", "Retrieved");
        change(&mut report);
        bare(report)
    };
    let garbage = |body: &str| RawRequest { body: Some(body.into()), ..report_of("m-1", "Retrieved") };
    let long = "x".repeat(5 * 1024 * 1024 + 1);
    for (what, request, code, is_kept) in [
        ("no XML", garbage("MMStatus=Retrieved"), 2007, true),
        ("nothing", garbage(""), 2007, true),
        ("a DOCTYPE", change(|report| report.prolog += "<!DOCTYPE e>"), 2007, true),
        ("too much", garbage(&long), 2560, true),
        ("no operation", change(|report| report.operation = String::new()), 2511, true),
        ("something else", change(|report| report.operation = "html".to_owned()), 2512, true),
        ("a SubmitReq", change(|report| report.operation = "SubmitReq".to_owned()), 2512, false),
        ("a CancelReq", change(|report| report.operation = "CancelReq".to_owned()), 2512, false),
        ("no MessageID", change(|report| report.elements.clear()), 2007, true),
        ("a store that breaks", bare(report_of("broken", "Retrieved")), 3000, false),
    ] {
        for (id, dialect) in dialects {
            let kept =
                async || town.store().unreadable(Some(&CarrierId(id.to_owned())), None, 1000).await.unwrap();
            let before = kept().await.len();
            let request = match what {
                // Without a MessageID or a sender it is told by its name alone.
                "something else" => RawRequest { body: Some(without_elements(&request)), ..request.clone() },
                _ => request.clone(),
            };
            let answer = town.post_as_carrier(id, &request).await;
            assert_fault(what, &answer, dialect, code);
            let after = kept().await;
            assert_eq!(after.len() - before, usize::from(is_kept), "{what}");
            if is_kept && what != "too much" {
                assert_eq!(after[0].request.body, request.body(), "{what}");
                assert_eq!(u32::from(after[0].request.code.code()), code, "{what}");
                assert_eq!(after[0].request.content_type, request.content_type, "{what}");
            }
        }
    }
    town.close().await;
}

fn without_elements(request: &RawRequest) -> Vec<u8> {
    let mut request = request.clone();
    request.elements.clear();
    request.envelope().into_bytes()
}

/// What is odd about the form of a report, by what is noted of it.
type Oddity = (&'static str, fn(&mut RawRequest), &'static str);

const ODDITIES: &[Oddity] = &[
    ("no version", |report| report.version = None, "has no MM7Version"),
    ("an odd version", |report| report.version = Some("REL-6".to_owned()), "is not of the form x.y.z"),
    (
        "a version to come",
        |report| report.version = Some("7.0.0".to_owned()),
        "MM7Version 7.0.0 is not known",
    ),
    ("no Header", |report| report.soap_header = None, "the Envelope has no Header"),
    (
        "no TransactionID",
        |report| report.soap_header = Some(String::new()),
        "the Header has no TransactionID",
    ),
    (
        "an entry that must be understood",
        |report| *report.soap_header.as_mut().unwrap() += "<x xmlns=\"urn:x\" soap:mustUnderstand=\"1\"/>",
        "x in the Header must be understood and is not",
    ),
    (
        "blanks in the namespace",
        |report| {
            report.written_in(" http://www.3gpp.org/mm7\n", "6.8.0");
        },
        "which is not MM7's",
    ),
    (
        "a namespace of old",
        |report| {
            report.written_in(&REL_6_1_4.replace("REL-6", "REL-4"), "5.1.0");
        },
        "which is not MM7's",
    ),
    (
        "no namespace",
        |report| {
            report.written_in("", "6.8.0");
        },
        "is in no namespace",
    ),
    (
        "a short name",
        |report| report.operation = "DeliverReportReq".to_owned(),
        "is taken for DeliveryReportReq",
    ),
    (
        "another case",
        |report| report.operation = "deliveryreportreq".to_owned(),
        "is taken for DeliveryReportReq",
    ),
    ("no Req", |report| report.operation = "DeliveryReport".to_owned(), "is taken for DeliveryReportReq"),
    (
        "a prefix",
        |report| report.operation = "MM7DeliveryReportReq".to_owned(),
        "is taken for DeliveryReportReq",
    ),
    (
        "SenderAddress",
        |report| replace(report, "Sender>", "SenderAddress>"),
        "SenderAddress is no element of",
    ),
    ("From", |report| replace(report, "Sender>", "From>"), "From is no element of"),
    (
        "bare &",
        |report| replace(report, "</MMStatus>", "</MMStatus><StatusText>Tom & Jerry</StatusText>"),
        "& begins no reference",
    ),
    (
        "an HTML entity",
        |report| replace(report, "</MMStatus>", "</MMStatus><StatusText>&nbsp;</StatusText>"),
        "not one of XML's references",
    ),
    (
        "a date of another form",
        |report| replace(report, "2026-01-01T00:00:00Z", "29-11-2026 10:10:10"),
        "cannot be read",
    ),
    (
        "bare text",
        |report| replace(report, &format!("<Number>{QUIET}</Number>"), QUIET),
        "holds an address as bare text",
    ),
    (
        "an element of its own",
        |report| replace(report, "<MMStatus>", "<MMSStatusErrorCode>129</MMSStatusErrorCode><MMStatus>"),
        "MMSStatusErrorCode is no element",
    ),
    ("nothing but the operation", |report| report.prolog = "!".to_owned(), "is not a SOAP Envelope"),
];

fn replace(report: &mut RawRequest, from: &str, to: &str) {
    for (_, xml) in &mut report.elements {
        *xml = xml.replace(from, to);
    }
}

/// A report in an odd form, as bytes.
fn odd(mut report: RawRequest, change: fn(&mut RawRequest)) -> RawRequest {
    change(&mut report);
    if report.prolog == "!" {
        report.prolog = String::new();
        let whole = report.envelope();
        let (from, to) = (whole.find("<soap:Body>").unwrap() + 11, whole.find("</soap:Body>").unwrap());
        return RawRequest { body: Some(whole.as_bytes()[from..to].to_vec()), ..bare(report) };
    }
    bare(report)
}

#[tokio::test]
async fn a_report_is_never_refused_for_its_form() {
    let town = Town::planned(TownPlan::default()).await;
    let dialects = [("31002", "posthouse"), ("31003", "3gpp")];
    let carrier =
        |(id, dialect): (&str, &str)| town.carrier_with(id, "", &format!("dialect = {dialect:?}\n"));
    let ranges = [range("1508", "31002"), range("1617", "31003")].concat();
    town.provision(&(town.account("acme", "") + &dialects.map(carrier).concat() + &ranges)).await;
    for (carrier, number) in [("31002", "15085559008"), ("31003", QUIET)] {
        for (what, change, noted) in ODDITIES {
            let id = town.submit(&RawRequest::to(number)).await;
            town.event(id, EventKind::Forwarded).await;
            let at_carrier = town.message(id).await.carrier_message_id.unwrap();
            let report = odd(report_of(&at_carrier, "Retrieved"), *change);
            let answer = town.post_as_carrier(carrier, &report).await;
            assert_eq!((answer.http_status, answer.code()), (200, Some(1000)), "{what}: {}", answer.xml());
            assert_eq!(answer.operation(), Some("DeliveryReportRsp"), "{what}");
            assert!(answer.xml().contains("<soapenv:Header>"), "{what}: {}", answer.xml());
            assert_eq!(town.ended(id).await.state.as_str(), "Retrieved", "{what}");
            let told = town.events(id, EventKind::Noted).await;
            assert!(told.iter().any(|told| told.contains(noted)), "{what}: {told:?}");
        }
    }
    assert_eq!(town.store().unreadable(None, None, 10).await.unwrap(), []);
    town.close().await;
}

#[tokio::test]
async fn an_answer_uses_the_names_that_came() {
    let town = Town::found().await;
    let namespace = "http://www.3gpp.org/mm7";
    let mut report = report_of("m-1", "Retrieved");
    report.written_in(namespace, "7.0.0").transaction_id("t-1");
    let answer = town.post_as_carrier("31003", &bare(report)).await;
    let seen = (answer.code(), answer.namespace(), answer.version());
    assert_eq!(seen, (Some(1000), Some(namespace), Some("7.0.0".to_owned())));
    assert_eq!(answer.transaction_id(), Some("t-1"));
    town.close().await;
}

#[tokio::test]
async fn what_is_in_form_is_not_noted() {
    let town = Town::found().await;
    let id = town.submit(&RawRequest::to("16175550100")).await;
    town.ended(id).await;
    assert_eq!(town.events(id, EventKind::Noted).await, [""; 0]);
    town.close().await;
}

#[tokio::test]
async fn what_breaks_off_before_its_status_is_refused_and_kept() {
    let town = Town::found().await;
    let whole = report_of("m-1", "Retrieved").body.unwrap();
    let whole = String::from_utf8(whole).unwrap();
    for (end, code) in [("<MMStatus>", 2007), ("trieved</MMStatus>", 2007), ("</DeliveryReportReq>", 1000)] {
        let body = whole.as_bytes()[..whole.find(end).unwrap()].to_vec();
        let report = RawRequest { body: Some(body), ..report_of("m-1", "Retrieved") };
        let answer = town.post_as_carrier("31003", &report).await;
        assert_eq!(answer.code(), Some(code), "{end}: {}", answer.xml());
    }
    assert_eq!(town.store().unreadable(None, None, 10).await.unwrap().len(), 2);
    town.close().await;
}

#[tokio::test]
async fn a_report_may_come_before_the_answer_twice_or_both() {
    let town = Town::found().await;
    for number in ["16175559010", "16175559011"] {
        let id = town.submit(&RawRequest::to(number)).await;
        assert_eq!(town.ended(id).await.state.as_str(), "Retrieved");
        assert_eq!(
            town.statuses_on(id).iter().filter(|status| *status == "Retrieved").count(),
            1,
            "{number}"
        );
        assert_eq!(town.events(id, EventKind::Ended).await.len(), 1);
    }
    town.close().await;
}

#[tokio::test]
async fn a_report_for_an_id_that_is_not_known_yet_is_kept_till_it_is() {
    let town = Town::found().await;
    let canned = Canned::start(|seen| {
        CannedReply::http(200, "text/xml", &response("SubmitRsp", &seen.transaction_id, 1000))
    })
    .await;
    let carrier = format!(
        "[[carrier]]\nid = \"31004\"\n[[carrier.connection]]\nname = \"only\"\nurl = {:?}\n",
        canned.url("/mm7")
    );
    town.provision(&(carrier + &range("1800", "31004"))).await;
    // The id that the carrier is going to give.
    for status in ["Deferred", "Retrieved"] {
        assert_eq!(town.post_as_carrier("31004", &report_of("canned-1", status)).await.code(), Some(1000));
    }
    // The same id of another carrier is another message's.
    assert_eq!(town.post_as_carrier("31003", &report_of("canned-1", "Expired")).await.code(), Some(1000));
    let id = town.submit(&RawRequest::to("18005550100")).await;
    assert_eq!(town.ended(id).await.state.as_str(), "Retrieved");
    let kinds: Vec<_> = town.timeline(id).await.iter().map(|event| event.kind).collect();
    let at = |kind| kinds.iter().position(|known| *known == kind);
    assert!(
        at(EventKind::Forwarded) < at(EventKind::Deferred) && at(EventKind::Deferred) < at(EventKind::Ended),
        "{kinds:?}"
    );
    town.close().await;
}

#[tokio::test]
async fn a_report_ends_a_parked_message_when_sender_and_recipient_match_exactly_one() {
    let town = Town::planned(TownPlan::default()).await;
    let carrier = town.carrier_with("31003", "", "timeout = \"100ms\"\n");
    town.provision(&(town.account("acme", "") + &carrier + &range("1617", "31003"))).await;
    let report = |number: &str, sender: &str| OutgoingReport {
        message_id: MessageId::new("never-learned").ok(),
        recipient: Some(Address::Number(number.to_owned())),
        sender: Some(Address::Rfc2822Address(sender.to_owned())),
        ..OutgoingReport::new(MmStatus::Retrieved)
    };
    let parked = async |number: &str| {
        let id = town.submit(&RawRequest::to(number)).await;
        town.event(id, EventKind::Parked).await;
        id
    };
    let (id, other) = (parked("16175553500").await, parked("16174443500").await);
    for (number, sender) in [("16175553500", "222222"), ("16175559999", "111122")] {
        assert!(town.carriers["31003"].report(&report(number, sender)).await.unwrap().is_success());
        assert_eq!(town.message(id).await.state.as_str(), "Parked", "{number} {sender}");
    }
    let spelled_otherwise = report("+16175553500/TYPE=PLMN", "+111122/TYPE=PLMN");
    let answer = town.carriers["31003"].report(&spelled_otherwise).await.unwrap();
    assert!(answer.is_success());
    assert_eq!(town.ended(id).await.state.as_str(), "Retrieved");
    assert_eq!(town.message(other).await.state.as_str(), "Parked");
    let told = town
        .vasp
        .wait_until(|callbacks| callbacks.iter().any(|one| one.reports_on(&id.to_string())), DEADLINE);
    assert!(told.await.is_some());
    town.close().await;
}

#[tokio::test]
async fn resending_what_may_have_arrived_is_provisioned() {
    let town = Town::planned(TownPlan::default()).await;
    let carrier = town.carrier_with("31003", "on_unknown = \"resend\"\n", "timeout = \"100ms\"\n");
    town.provision(&(town.account("acme", "") + &carrier + &range("1617", "31003"))).await;
    let id = town.submit(&RawRequest::to("16175553500")).await;
    let kept = town.carriers["31003"].wait_until(|kept| kept.len() >= 2, DEADLINE).await.unwrap();
    assert_eq!(kept[0].transaction_id, kept[1].transaction_id, "under the same TransactionID");
    assert_eq!(town.events(id, EventKind::Parked).await, [""; 0]);
    town.close().await;
}
