//! How often the envelopes of a message's life ask for memory, counted in this process, which has this one test. The numbers only go
//! down: a change that saves one writes it here. (Not the very number is asked for, since the standard library has a part in it.) `written` is with the framing of an answer.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::alloc::System;

use bytes::Bytes;
use mm7::{
    Decoded, Framing, Limits, Message, MessageId, StatusCode, decode, encode,
    message::{Operation, SubmitRsp},
    mime::{ContentType, unpack},
};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static COUNTED: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The test's harness may need memory meanwhile: what counts is the fewest of some rounds, which all do the same.
const ROUNDS: usize = 10;

const CONTENT_TYPE: &str = "multipart/related; type=\"text/xml\"; start=\"<mm7>\"; boundary=\"outer\"";

const REQUEST: &str = "--outer\r\nContent-Type: text/xml; charset=utf-8\r\nContent-ID: <mm7>\r\n\r\n\
<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
<soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\"><soap:Header>\
<TransactionID xmlns=\"http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4\" \
soap:mustUnderstand=\"1\">t-1</TransactionID></soap:Header><soap:Body>\
<SubmitReq xmlns=\"http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4\">\
<MM7Version>6.8.0</MM7Version><SenderIdentification><VASPID>acme-key</VASPID><VASID>61295</VASID>\
<SenderAddress><ShortCode>111122</ShortCode></SenderAddress></SenderIdentification>\
<Recipients><To><Number>16175550100</Number></To></Recipients><DeliveryReport>true</DeliveryReport>\
<Subject>Hello</Subject><Content href=\"cid:payload\"/></SubmitReq></soap:Body></soap:Envelope>\r\n\
--outer\r\nContent-Type: multipart/related; boundary=\"inner\"\r\nContent-ID: <payload>\r\n\r\n\
--inner\r\nContent-Type: application/smil\r\nContent-ID: <smil>\r\n\r\n\
<smil><body><par dur=\"5s\"><text src=\"cid:text\"/></par></body></smil>\r\n\
--inner\r\nContent-Type: text/plain; charset=utf-8\r\nContent-ID: <text>\r\n\r\nHello\r\n\
--inner--\r\n\r\n--outer--\r\n";

const REPORT: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
<soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\"><soap:Header>\
<TransactionID xmlns=\"http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4\" \
soap:mustUnderstand=\"1\">r-1</TransactionID></soap:Header><soap:Body>\
<DeliveryReportReq xmlns=\"http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4\">\
<MM7Version>6.8.0</MM7Version><MessageID>carrier-1</MessageID>\
<Recipient><Number>16175550100</Number></Recipient><Sender><ShortCode>111122</ShortCode></Sender>\
<Date>2026-11-30T00:00:00Z</Date><MMStatus>Retrieved</MMStatus></DeliveryReportReq></soap:Body></soap:Envelope>";

/// How often this asks for memory: new pieces, and pieces that grow.
fn counted(work: &dyn Fn()) -> usize {
    work();
    let round = || {
        let region = Region::new(COUNTED);
        work();
        let change = region.change();
        change.allocations + change.reallocations
    };
    (0..ROUNDS).map(|_| round()).min().unwrap()
}

fn read(envelope: &[u8]) -> Decoded {
    decode(envelope, Some("utf-8"), &Limits::default()).unwrap()
}

#[test]
fn the_envelopes_of_a_life_ask_for_memory_no_more_often_than_this() {
    let content_type = ContentType::parse(CONTENT_TYPE).unwrap();
    let request = Bytes::from_static(REQUEST.as_bytes());
    let unpacked = || unpack(&content_type, request.clone(), &Limits::default());
    let package = unpacked();
    let root = package.root.as_ref().unwrap().bytes().unwrap();
    let submit = read(&root);
    let report = read(REPORT.as_bytes());
    let accepted = Message::SubmitRsp(SubmitRsp {
        status: StatusCode::Success.into(),
        message_id: MessageId::new("carrier-1").ok(),
    });
    let noted = Operation::DeliveryReport.response(StatusCode::Success.into());
    let answer = encode(&accepted, &Framing::answering(&submit));

    let found = [
        ("SubmitReq unpacked", counted(&|| drop(unpacked()))),
        ("SubmitReq read", counted(&|| drop(read(&root)))),
        (
            "SubmitReq written",
            counted(&|| drop(encode(submit.message.as_ref().unwrap(), &Framing::answering(&submit)))),
        ),
        ("SubmitRsp written", counted(&|| drop(encode(&accepted, &Framing::answering(&submit))))),
        ("SubmitRsp read", counted(&|| drop(read(&answer)))),
        ("DeliveryReportReq read", counted(&|| drop(read(REPORT.as_bytes())))),
        (
            "DeliveryReportReq written",
            counted(&|| drop(encode(report.message.as_ref().unwrap(), &Framing::answering(&report)))),
        ),
        ("DeliveryReportRsp written", counted(&|| drop(encode(&noted, &Framing::answering(&report))))),
    ];
    let at_most = [
        ("SubmitReq unpacked", 23),
        ("SubmitReq read", 25),
        ("SubmitReq written", 3),
        ("SubmitRsp written", 2),
        ("SubmitRsp read", 16),
        ("DeliveryReportReq read", 19),
        ("DeliveryReportReq written", 3),
        ("DeliveryReportRsp written", 2),
    ];
    for ((what, found), (_, most)) in found.into_iter().zip(at_most) {
        assert!(found <= most, "{what}: {found} times, and {most} before: take it out again");
    }
}
