//! The simulated carrier over real HTTP: every row of its table, what it refuses, what it keeps and what it sends.

use std::time::Duration;

use http::Method;
use mm7::{
    Framing, Message, MessageId, MmStatus, Namespace, SeenNamespace, TransactionId, Version,
    message::FaultDetail,
};
use posthouse_sim::{
    CarrierOptions, CarrierSim, Credentials, Mm7Answer, Submit, VaspOptions, VaspSim,
    carrier::{HandsetMessage, MoPart, OutgoingReport},
    http::{Client, ClientError, exchange},
    media, submit, wire,
};
use serde_json::{Value, json};

const DEADLINE: Duration = Duration::from_secs(10);

/// A carrier, the door it reports to, and a client.
struct Scene {
    carrier: CarrierSim,
    door: VaspSim,
    client: Client,
}

impl Scene {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(adjust: impl FnOnce(&mut CarrierOptions)) -> Self {
        let door = VaspSim::start(VaspOptions::default()).await.unwrap();
        let mut options = CarrierOptions::new("31003");
        options.reports = Some(format!("{}/carriers/31003/mm7", door.url()));
        adjust(&mut options);
        let carrier = CarrierSim::start(options).await.unwrap();
        Self { carrier, door, client: Client::new(DEADLINE) }
    }

    /// An MMS to a number with these last digits.
    fn mms(&self, digits: &str) -> Submit {
        let mut mms = Submit::new(self.carrier.url(), "111122", format!("1617555{digits}"));
        mms.vaspid = Some("posthouse".to_owned());
        mms.subject = Some("Hello".to_owned());
        mms.text = Some("Hello, world".to_owned());
        mms.media = vec![media::part("a.jpg", vec![0xff, 0xd8, 0xff, 0xd9])];
        mms.transaction_id = Some(TransactionId::new(&format!("t-{digits}")).unwrap());
        mms
    }

    async fn submit(&self, digits: &str) -> Mm7Answer {
        submit(&self.client, &self.mms(digits)).await.unwrap()
    }

    /// The statuses reported at the door, once there are so many.
    async fn reported(&self, count: usize) -> Vec<String> {
        let callbacks = self.door.wait_until(|callbacks| callbacks.len() >= count, DEADLINE).await;
        let callbacks = callbacks.expect("the reports in time");
        callbacks.iter().map(|callback| callback.report().unwrap().mm_status.clone()).collect()
    }

    async fn get(&self, path: &str) -> Value {
        let url = format!("http://{}{path}", self.carrier.address());
        let request = http::Request::get(url).body(Default::default()).unwrap();
        serde_json::from_slice(self.client.send(request).await.unwrap().body()).unwrap()
    }
}

#[tokio::test]
async fn codes_are_answered_in_a_submit_rsp() {
    let scene = Scene::new().await;
    for (digits, code, text) in [
        ("2002", 2002, "Address Error"),
        ("2004", 2004, "Multimedia refused"),
        ("4000", 4000, "General service error"),
        ("4002", 4002, "Unsupported MM7 version"),
        ("4003", 4003, "Unsupported operation"),
        ("4004", 4004, "Validation error"),
        ("4006", 4006, "Service unavailable"),
        ("4007", 4007, "Service denied"),
    ] {
        let answer = scene.submit(digits).await;
        assert_eq!((answer.http_status, answer.code(), answer.text()), (200, Some(code), Some(text)));
        assert!(matches!(answer.message, Some(Message::SubmitRsp(_))), "{digits}");
        assert_eq!(answer.transaction_id.unwrap().as_str(), format!("t-{digits}"));
    }
    assert_eq!(scene.carrier.received(), 8);
    assert_eq!(scene.door.received(), 0);
}

#[tokio::test]
async fn accepted_messages_are_reported_as_their_digits_say() {
    for (digits, statuses) in [
        ("0100", &["Retrieved"][..]),
        ("9001", &["Retrieved"]),
        ("9002", &["Expired"]),
        ("9003", &["Rejected"]),
        ("9004", &["Deferred", "Retrieved"]),
        ("9005", &["Indeterminate"]),
        ("9006", &["Unrecognised"]),
        ("9007", &["Unreachable"]),
        ("9011", &["Retrieved", "Retrieved"]),
    ] {
        let scene = Scene::new().await;
        let answer = scene.submit(digits).await;
        assert!(answer.is_success(), "{digits}");
        assert_eq!(scene.reported(statuses.len()).await, statuses, "{digits}");
    }
}

#[tokio::test]
async fn a_report_says_what_it_is_about() {
    let scene = Scene::with(|options| {
        options.namespace = Namespace::Rel5(2);
        options.version = Version::V5_3_0;
        options.shows = Some(Credentials::new("vzw", "p"));
    })
    .await;
    let answer = scene.submit("9001").await;
    scene.reported(1).await;
    let callbacks = scene.door.callbacks();
    let [callback] = callbacks.as_slice() else { panic!("{} callbacks", callbacks.len()) };
    let report = callback.report().unwrap();
    assert_eq!(report.mm.message_id.as_ref(), answer.message_id());
    assert!(answer.message_id().unwrap().as_str().starts_with("31003-"));
    assert_eq!(report.mm.recipient.as_ref().unwrap().as_str(), "16175559001");
    assert_eq!(report.mm.sender.as_ref().unwrap().as_str(), "111122");
    assert!(report.date.is_some());
    assert_eq!(callback.path, "/carriers/31003/mm7");
    assert_eq!(callback.headers["authorization"], "Basic dnp3OnA=");
    assert!(callback.transaction_id.is_some());
    let body = std::str::from_utf8(&callback.body).unwrap();
    assert!(body.contains("REL-5-MM7-1-2") && body.contains("5.3.0"), "{body}");
}

#[tokio::test]
async fn no_report_ever_means_none() {
    let scene = Scene::new().await;
    assert!(scene.submit("9008").await.is_success());
    // A report of the first message would be under way before the second is even sent.
    assert!(scene.submit("9004").await.is_success());
    assert_eq!(scene.reported(2).await, ["Deferred", "Retrieved"]);
}

#[tokio::test]
async fn the_report_comes_before_the_answer() {
    let scene = Scene::with(|options| options.report_delay = Duration::from_secs(3600)).await;
    let answer = scene.submit("9010").await;
    let callbacks = scene.door.callbacks();
    assert_eq!(callbacks.len(), 1);
    assert!(callbacks[0].reports_on(answer.message_id().unwrap().as_str()));
    assert_eq!(callbacks[0].status(), Some(MmStatus::Retrieved));
    assert_eq!(scene.carrier.report_counts().delivered, 1);
}

#[tokio::test]
async fn twice_means_two_transactions() {
    let scene = Scene::new().await;
    scene.submit("9011").await;
    scene.reported(2).await;
    let callbacks = scene.door.callbacks();
    assert_eq!(callbacks[0].report().unwrap().mm.message_id, callbacks[1].report().unwrap().mm.message_id);
    assert_ne!(callbacks[0].transaction_id, callbacks[1].transaction_id);
}

#[tokio::test]
async fn busy_three_times_to_each_transaction() {
    let scene = Scene::new().await;
    let mut codes = Vec::new();
    for _ in 0..4 {
        codes.push(scene.submit("9012").await.code().unwrap());
    }
    assert_eq!(codes, [4006, 4006, 4006, 1000]);
    assert_eq!(scene.reported(1).await, ["Retrieved"]);
    let mut other = scene.mms("9012");
    other.transaction_id = None;
    assert_eq!(submit(&scene.client, &other).await.unwrap().code(), Some(4006));
}

#[tokio::test]
async fn a_bare_server_error_once() {
    let scene = Scene::new().await;
    let first = scene.submit("9013").await;
    assert_eq!((first.http_status, first.body.len(), first.code()), (500, 0, None));
    assert!(scene.submit("9013").await.is_success());
    assert_eq!(scene.reported(1).await, ["Retrieved"]);
}

#[tokio::test]
async fn a_fault_in_http_200() {
    let scene = Scene::new().await;
    let answer = scene.submit("9014").await;
    assert_eq!((answer.http_status, answer.code()), (200, Some(4007)));
    assert!(matches!(answer.fault().unwrap().detail, Some(FaultDetail::RsErrorRsp(_))));
    assert!(!answer.is_success());
}

#[tokio::test]
async fn an_answer_that_is_cut_off() {
    let scene = Scene::new().await;
    let error = submit(&scene.client, &scene.mms("9015")).await.unwrap_err();
    let is_broken = matches!(error, posthouse_sim::SubmitError::Http(ClientError::Broken { .. }));
    assert!(is_broken, "{error:?}");

    let raw = wire::raw(&scene.mms("9015").prepare().unwrap());
    let answer = exchange(scene.carrier.address(), &raw, DEADLINE).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, half) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    let announced = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).unwrap();
    assert_eq!(half.len(), announced.parse::<usize>().unwrap() / 2);
    assert!(half.contains("t-9015") && !half.contains("</soapenv:Envelope>"), "{half}");

    let kept = scene.carrier.messages();
    assert_eq!((kept[0].http_status, kept[0].code), (None, None));
    assert!(kept[0].message_id.is_some());
}

#[tokio::test]
async fn a_request_that_is_never_answered() {
    let scene = Scene::new().await;
    let impatient = Client::new(Duration::from_millis(200));
    let error = submit(&impatient, &scene.mms("3500")).await.unwrap_err();
    let is_late = matches!(error, posthouse_sim::SubmitError::Http(ClientError::TimedOut { .. }));
    assert!(is_late, "{error:?}");
    let kept = scene.carrier.messages();
    assert_eq!((kept.len(), kept[0].http_status), (1, None));
    // The connection that is held does not keep the carrier from ending.
    tokio::time::timeout(DEADLINE, scene.carrier.stop()).await.unwrap();
}

#[tokio::test]
async fn what_breaks_the_standard_is_4004_and_says_why() {
    let scene = Scene::new().await;
    let (mut no_recipient, parts) = scene.mms("9001").message().unwrap();
    no_recipient.recipients.clear();
    let (mut no_content, _) = scene.mms("9001").message().unwrap();
    no_content.content = None;
    let (lost_content, _) = scene.mms("9001").message().unwrap();
    let framing = || Framing {
        namespace: SeenNamespace::Known(Namespace::LATEST),
        version: Version::V6_8_0,
        transaction_id: TransactionId::new("t-1").ok(),
        must_understand: true,
    };
    let old = Framing { version: Version { major: 7, minor: 0, patch: 0 }, ..framing() };
    let sound = scene.mms("9001").message().unwrap().0;
    for (message, framing, parts, finding) in [
        (no_recipient, framing(), parts.as_slice(), "recipient"),
        (no_content, framing(), &[], "there is no Content"),
        (lost_content, framing(), &[], "Content/@href names no part"),
        (sound, old, parts.as_slice(), "7.0.0"),
    ] {
        let url = scene.carrier.url();
        let request = wire::post(&url, &Message::SubmitReq(message), &framing, parts).unwrap();
        let answer = wire::send(&scene.client, request).await.unwrap();
        assert_eq!((answer.http_status, answer.code()), (200, Some(4004)));
        assert!(answer.details().unwrap().contains(finding), "{:?}", answer.details());
        assert_eq!(answer.transaction_id.unwrap().as_str(), "t-1");
    }
    assert!(scene.carrier.messages().iter().all(|message| message.finding.is_some()));
}

#[tokio::test]
async fn what_cannot_be_read_is_a_fault() {
    let scene = Scene::new().await;
    let mms = scene.mms("9001");
    for (content_type, body) in
        [("text/xml", "<broken"), ("text/plain", "hello"), ("multipart/related", "--b\r\n\r\n--b--")]
    {
        let request = mms.prepare_bytes(content_type, body.into()).unwrap();
        let answer = wire::send(&scene.client, request).await.unwrap();
        assert_eq!((answer.http_status, answer.code()), (500, Some(4004)), "{content_type}");
        assert!(answer.fault().is_some());
    }
}

#[tokio::test]
async fn credentials_are_asked_for() {
    let scene = Scene::with(|options| options.expects = Some(Credentials::new("u", "p"))).await;
    assert_eq!(scene.submit("9001").await.http_status, 401);
    let mut mms = scene.mms("9001");
    mms.credentials = Some(Credentials::new("u", "wrong"));
    assert_eq!(submit(&scene.client, &mms).await.unwrap().http_status, 401);
    mms.credentials = Some(Credentials::new("u", "p"));
    assert!(submit(&scene.client, &mms).await.unwrap().is_success());
    let statuses: Vec<_> = scene.carrier.messages().iter().map(|message| message.http_status).collect();
    assert_eq!(statuses, [Some(401), Some(401), Some(200)]);
    assert_eq!(scene.carrier.messages()[0].subject, None);
}

#[tokio::test]
async fn errors_come_at_the_rate_asked_for() {
    let scene = Scene::with(|options| options.error_rate = 1.0).await;
    assert_eq!(scene.submit("9001").await.code(), Some(4006));
    let scene = Scene::with(|options| (options.error_rate, options.seed) = (0.5, 42)).await;
    let mut refused = 0;
    for _ in 0..40 {
        refused += u32::from(scene.submit("9008").await.code() == Some(4006));
    }
    assert!((10..=30).contains(&refused), "{refused} of 40");
}

#[tokio::test]
async fn reports_are_posted_until_they_are_acknowledged() {
    let scene = Scene::new().await;
    scene.door.fail_next(2);
    scene.submit("9002").await;
    assert_eq!(scene.reported(3).await, ["Expired", "Expired", "Expired"]);
    let codes: Vec<_> = scene.door.callbacks().iter().map(|callback| callback.http_status).collect();
    assert_eq!(codes, [Some(500), Some(500), Some(200)]);
}

#[tokio::test]
async fn a_report_can_be_sent_by_hand() {
    let scene = Scene::new().await;
    let report = OutgoingReport {
        message_id: MessageId::new("31003-x").ok(),
        ..OutgoingReport::new(MmStatus::Expired)
    };
    assert!(scene.carrier.report(&report).await.unwrap().is_success());
    assert!(scene.door.callbacks()[0].reports_on("31003-x"));
    scene.carrier.set_reports(None);
    assert!(scene.carrier.report(&report).await.is_err());
}

#[tokio::test]
async fn requests_are_kept_and_given_back() {
    let scene = Scene::new().await;
    let answer = scene.submit("9001").await;
    scene.submit("2002").await;
    let messages = scene.get("/sim/messages?bodies=1").await;
    let first = &messages[0];
    assert_eq!(first["transaction_id"], "t-9001");
    assert_eq!(first["recipient"], "16175559001");
    assert_eq!(first["sender"], "111122");
    assert_eq!(first["subject"], "Hello");
    assert_eq!((&first["http_status"], &first["code"]), (&json!(200), &json!(1000)));
    assert_eq!(first["message_id"], answer.message_id().unwrap().as_str());
    let media = first["media"].as_array().unwrap();
    let types: Vec<_> = media.iter().map(|media| media["content_type"].as_str().unwrap()).collect();
    assert_eq!(types, ["application/smil", "image/jpeg", "text/plain; charset=utf-8"]);
    assert_eq!((&media[1]["content_id"], &media[1]["bytes"]), (&json!("a.jpg"), &json!(4)));
    assert_eq!(media[1]["base64"], "/9j/2Q==");
    let sha256 = "4ae7c3b6ac0beff671efa8cf57386151c06e58ca53a78d83f36107316cec125f";
    assert_eq!(media[2]["sha256"], sha256);
    assert_eq!((&messages[1]["code"], &messages[1]["message_id"]), (&json!(2002), &Value::Null));

    let last = scene.get("/sim/messages?last=1&raw=1").await;
    assert_eq!(last.as_array().unwrap().len(), 1);
    assert_eq!(last[0]["transaction_id"], "t-2002");
    assert_eq!(last[0]["headers"]["soapaction"], "\"\"");
    assert_eq!(last[0]["media"][0].get("base64"), None);
    assert!(last[0]["body"].as_str().is_some_and(|body| body.len() > 1000));
}

#[tokio::test]
async fn messages_from_handsets_are_delivered() {
    let scene = Scene::new().await;
    let message = HandsetMessage {
        from: "16175550123".to_owned(),
        to: "111122".to_owned(),
        subject: Some("Hi".to_owned()),
        parts: vec![MoPart {
            content_type: "text/plain; charset=utf-8".to_owned(),
            text: Some("from a handset".to_owned()),
            base64: None,
            id: Some("t".to_owned()),
            name: None,
        }],
    };
    assert!(scene.carrier.deliver(&message).await.unwrap().is_success());
    let callbacks = scene.door.callbacks();
    let posthouse_sim::vasp::CallbackContent::Deliver(request, media) = &callbacks[0].event else {
        panic!("{:?}", callbacks[0].event)
    };
    assert_eq!(request.sender, Some(mm7::Address::Number("16175550123".to_owned())));
    assert_eq!(request.recipients[0].address, mm7::Address::ShortCode("111122".to_owned()));
    assert_eq!(request.subject.as_deref(), Some("Hi"));
    assert!(request.linked_id.is_some() && request.time_stamp.is_some());
    assert_eq!(media.len(), 1);
    assert_eq!(media[0].content_type.to_string(), "text/plain; charset=utf-8");
    assert_eq!(media[0].bytes, "from a handset");
}

#[tokio::test]
async fn messages_from_handsets_over_http() {
    let scene = Scene::new().await;
    let send = async |body: &str| {
        let url = format!("http://{}/sim/deliver", scene.carrier.address());
        let request = http::Request::post(url).body(body.to_owned().into()).unwrap();
        let answer = scene.client.send(request).await.unwrap();
        (answer.status().as_u16(), serde_json::from_slice::<Value>(answer.body()).unwrap())
    };
    let two = r#"{"from":"16175550123","to":"111122","parts":[{"content_type":"image/gif","base64":"R0lGODlh"},
        {"content_type":"text/plain","text":"hi"}]}"#;
    let (status, answer) = send(two).await;
    assert_eq!((status, &answer["code"]), (200, &json!(1000)));
    for (body, word) in [
        ("{", "EOF"),
        (r#"{"from":"1","to":"2","colour":"red"}"#, "colour"),
        (r#"{"from":"1","to":"2","parts":[{"content_type":"text/plain"}]}"#, "either"),
        (r#"{"from":"1","to":"2","parts":[{"content_type":"text","text":""}]}"#, "\"text\""),
        (r#"{"from":"1","to":"2","parts":[{"content_type":"image/gif","base64":"!"}]}"#, "base64"),
    ] {
        let (status, answer) = send(body).await;
        assert_eq!(status, 400, "{body}");
        assert!(answer["error"].as_str().unwrap().contains(word), "{answer}");
    }
    scene.carrier.set_reports(None);
    assert_eq!(send(two).await.0, 409);
    assert_eq!(scene.door.received(), 1);
}

#[tokio::test]
async fn read_replies_over_http() {
    let scene = Scene::new().await;
    let send = async |body: &str| {
        let url = format!("http://{}/sim/read-reply", scene.carrier.address());
        let request = http::Request::post(url).body(body.to_owned().into()).unwrap();
        let answer = scene.client.send(request).await.unwrap();
        (answer.status().as_u16(), serde_json::from_slice::<Value>(answer.body()).unwrap())
    };
    assert_eq!(send("{}").await.0, 404, "it took no message yet");
    let first = scene.submit("9008").await.message_id().unwrap().clone();
    let second = scene.submit("9008").await.message_id().unwrap().clone();
    let named = format!(r#"{{"message_id":"{}","status":"Deleted"}}"#, first.as_str());
    for (body, id, status) in [("{}", &second, "Read"), (&named, &first, "Deleted")] {
        let (http_status, answer) = send(body).await;
        assert_eq!((http_status, &answer["code"]), (200, &json!(1000)), "{answer}");
        let callbacks = scene.door.callbacks();
        let Some(posthouse_sim::vasp::CallbackContent::ReadReply(reply)) =
            callbacks.last().map(|last| &last.event)
        else {
            panic!("{callbacks:?}")
        };
        assert_eq!((reply.mm.message_id.as_ref(), reply.mm_status.as_str()), (Some(id), status));
        assert_eq!(reply.mm.recipient, Some(mm7::Address::Number("16175559008".to_owned())));
        assert!(reply.mm.sender.is_some() && reply.time_stamp.is_some());
    }
    assert_eq!(send(r#"{"message_id":"nobody"}"#).await.0, 404);
    assert_eq!(send(r#"{"colour":"red"}"#).await.0, 400);
}

#[tokio::test]
async fn other_paths_and_methods() {
    let scene = Scene::new().await;
    for (method, path, status) in [
        (Method::GET, "/", 404),
        (Method::POST, "/mm8", 404),
        (Method::GET, "/mm7", 405),
        (Method::POST, "/sim/messages", 405),
        (Method::GET, "/sim/deliver", 405),
        (Method::GET, "/sim/read-reply", 405),
        (Method::GET, "/sim/messages?page=2", 400),
    ] {
        let url = format!("http://{}{path}", scene.carrier.address());
        let request = http::Request::builder().method(method).uri(url).body(Default::default()).unwrap();
        assert_eq!(scene.client.send(request).await.unwrap().status().as_u16(), status, "{path}");
    }
}
