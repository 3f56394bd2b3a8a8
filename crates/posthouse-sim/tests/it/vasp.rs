//! The simulated VASP over real HTTP: what it understands, what it answers, and how it misbehaves.

use std::time::Duration;

use http::{HeaderName, HeaderValue};
use mm7::{
    Address, Framing, Message, MessageId, MmStatus, Namespace, TransactionId, Version,
    message::{Content, DeliverReq, DeliveryReportReq, FaultDetail, ReadReplyReq, ReportedMm, SubmitReq},
    mime::{Media, content_href},
};
use posthouse_sim::{
    Credentials, Mm7Answer, VaspOptions, VaspSim,
    http::{Client, ClientError, Request},
    media,
    vasp::{CallbackContent, VaspAnswer},
    wire,
};

const DEADLINE: Duration = Duration::from_secs(10);

async fn vasp(answer: VaspAnswer) -> VaspSim {
    VaspSim::start(VaspOptions { answer, ..VaspOptions::default() }).await.unwrap()
}

fn report() -> Message {
    Message::DeliveryReportReq(DeliveryReportReq {
        mm: ReportedMm {
            message_id: MessageId::new("4711").ok(),
            recipient: Some(Address::Number("16175550100".to_owned())),
            sender: Some(Address::ShortCode("111122".to_owned())),
            ..ReportedMm::default()
        },
        date: "2026-11-20T12:00:00Z".parse().ok(),
        mm_status: "Rejected".to_owned(),
        status_text: Some("Rejected".to_owned()),
        ..DeliveryReportReq::default()
    })
}

fn request(vasp: &VaspSim, message: &Message, media: &[Media]) -> Request {
    let framing = Framing::new(Namespace::Rel5(2), Version::V5_3_0, TransactionId::new("t-1").ok());
    wire::post(&format!("{}/reports", vasp.url()), message, &framing, media).unwrap()
}

async fn post(vasp: &VaspSim, message: &Message) -> Mm7Answer {
    wire::send(&Client::new(DEADLINE), request(vasp, message, &[])).await.unwrap()
}

#[tokio::test]
async fn a_report_is_answered_in_kind_and_kept() {
    let (vasp, mut subscription) = VaspSim::start_subscribed(VaspOptions::default()).await.unwrap();
    let mut request = request(&vasp, &report(), &[]);
    let reason = HeaderValue::from_static("4007 Service denied");
    request.headers_mut().insert(HeaderName::from_static("x-posthouse-reason"), reason);
    request.headers_mut().insert("X-Mblox-Carrier-Id", HeaderValue::from_static("0001890"));
    let answer = wire::send(&Client::new(DEADLINE), request).await.unwrap();

    assert!(answer.is_success());
    assert!(matches!(answer.message, Some(Message::DeliveryReportRsp(_))));
    assert_eq!(answer.transaction_id.unwrap().as_str(), "t-1");
    let body = std::str::from_utf8(&answer.body).unwrap();
    assert!(body.contains("REL-5-MM7-1-2") && body.contains(">5.3.0<"), "{body}");

    let callback = subscription.recv().await.unwrap();
    assert_eq!(callback.path, "/reports");
    assert_eq!(callback.status(), Some(MmStatus::Rejected));
    assert!(callback.reports_on("4711") && !callback.reports_on("4712"));
    assert_eq!(callback.reason.as_deref(), Some("4007 Service denied"));
    assert_eq!(callback.carrier_id.as_deref(), Some("0001890"));
    assert!(callback.is_acknowledged());
    assert_eq!(vasp.received(), 1);
}

#[tokio::test]
async fn messages_and_read_replies_are_taken_too() {
    let vasp = vasp(VaspAnswer::Code(1000)).await;
    let parts = [media::part("a.gif", "GIF89a"), media::text("hi")];
    let content = Some(Content { href: content_href(&parts), allow_adaptations: None });
    let message = Message::DeliverReq(DeliverReq {
        sender: Some(Address::Number("16175550100".to_owned())),
        content,
        ..DeliverReq::default()
    });
    let answer = wire::send(&Client::new(DEADLINE), request(&vasp, &message, &parts)).await.unwrap();
    assert!(matches!(answer.message, Some(Message::DeliverRsp(_))));
    let read = Message::ReadReplyReq(ReadReplyReq {
        mm: ReportedMm { message_id: MessageId::new("4711").ok(), ..ReportedMm::default() },
        mm_status: "Read".to_owned(),
        ..ReadReplyReq::default()
    });
    assert!(matches!(post(&vasp, &read).await.message, Some(Message::ReadReplyRsp(_))));

    let callbacks = vasp.callbacks();
    let CallbackContent::Deliver(_, media) = &callbacks[0].event else { panic!("{:?}", callbacks[0].event) };
    assert_eq!(media, &parts);
    let CallbackContent::ReadReply(reply) = &callbacks[1].event else { panic!("{:?}", callbacks[1].event) };
    assert_eq!(reply.mm_status, "Read");
}

#[tokio::test]
async fn what_a_vasp_does_not_take_is_a_fault() {
    let vasp = vasp(VaspAnswer::Code(1000)).await;
    let answer = post(&vasp, &Message::SubmitReq(SubmitReq::default())).await;
    assert!(matches!(vasp.callbacks()[0].event, CallbackContent::Unreadable(_)));
    assert_eq!((answer.http_status, answer.code()), (500, Some(4003)));
    let broken = wire::post_bytes(&vasp.url(), "text/xml", "<broken".into()).unwrap();
    let answer = wire::send(&Client::new(DEADLINE), broken).await.unwrap();
    assert_eq!((answer.http_status, answer.code()), (500, Some(2007)));
    let asked = http::Request::get(vasp.url()).body(Default::default()).unwrap();
    assert_eq!(Client::new(DEADLINE).send(asked).await.unwrap().status().as_u16(), 405);
}

#[tokio::test]
async fn every_way_to_misbehave() {
    let vasp = vasp(VaspAnswer::Code(4006)).await;
    let answer = post(&vasp, &report()).await;
    assert_eq!((answer.http_status, answer.code()), (200, Some(4006)));
    assert!(matches!(answer.message, Some(Message::DeliveryReportRsp(_))));

    vasp.set_answer(VaspAnswer::Code(4999));
    assert_eq!(post(&vasp, &report()).await.code(), Some(4999));

    vasp.set_answer(VaspAnswer::WrongTransaction);
    let answer = post(&vasp, &report()).await;
    assert!(answer.is_success());
    assert_ne!(answer.transaction_id.unwrap().as_str(), "t-1");

    vasp.set_answer(VaspAnswer::Fault(3000));
    let answer = post(&vasp, &report()).await;
    assert_eq!((answer.http_status, answer.code()), (500, Some(3000)));
    assert!(matches!(answer.fault().unwrap().detail, Some(FaultDetail::VaspErrorRsp(_))));

    vasp.set_answer(VaspAnswer::Http(200));
    let answer = post(&vasp, &report()).await;
    assert_eq!((answer.http_status, answer.body.len()), (200, 0));

    vasp.set_answer(VaspAnswer::Garbage);
    let answer = post(&vasp, &report()).await;
    assert_eq!((answer.http_status, answer.code(), answer.message), (200, None, None));
    assert!(
        !vasp.callbacks().iter().any(|callback| callback.is_acknowledged() && callback.code != Some(1000))
    );
}

#[tokio::test]
async fn failures_end_after_so_many() {
    let options = VaspOptions { fail_first: 2, ..VaspOptions::default() };
    let vasp = VaspSim::start(options).await.unwrap();
    let mut answers = Vec::new();
    for _ in 0..3 {
        answers.push(post(&vasp, &report()).await.http_status);
    }
    assert_eq!(answers, [500, 500, 200]);
    let acknowledged: Vec<_> = vasp.callbacks().iter().map(|callback| callback.is_acknowledged()).collect();
    assert_eq!(acknowledged, [false, false, true]);
}

#[tokio::test]
async fn silence_and_delay_outlast_an_impatient_gateway() {
    let impatient = Client::new(Duration::from_millis(100));
    let silent = vasp(VaspAnswer::Never).await;
    let error = wire::send(&impatient, request(&silent, &report(), &[])).await.unwrap_err();
    assert!(matches!(error, ClientError::TimedOut { .. }), "{error:?}");
    assert_eq!(silent.callbacks()[0].http_status, None);

    let delay = Duration::from_secs(3600);
    let slow = VaspSim::start(VaspOptions { delay, ..VaspOptions::default() }).await.unwrap();
    let error = wire::send(&impatient, request(&slow, &report(), &[])).await.unwrap_err();
    assert!(matches!(error, ClientError::TimedOut { .. }), "{error:?}");
}

#[tokio::test]
async fn credentials_are_asked_for() {
    let expects = Some(Credentials::new("u", "p"));
    let vasp = VaspSim::start(VaspOptions { expects, ..VaspOptions::default() }).await.unwrap();
    assert_eq!(post(&vasp, &report()).await.http_status, 401);
    let mut request = request(&vasp, &report(), &[]);
    wire::authorize(&mut request, Some(&Credentials::new("u", "p")));
    assert!(wire::send(&Client::new(DEADLINE), request).await.unwrap().is_success());
    assert_eq!(vasp.received(), 1);
}
