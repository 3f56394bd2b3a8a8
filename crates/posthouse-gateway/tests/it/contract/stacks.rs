//! Peers that speak as SOAP stacks and SDKs do: what they write, and what they can read of what they are sent.

use std::sync::{Arc, Mutex};

use posthouse_core::message::EventKind;
use tokio::net::TcpStream;

use posthouse_testing::{
    answer::{RawAnswer, exchange, exchange_on},
    canned::{Canned, CannedReply, response},
    request::RawRequest,
    town::{Town, eventually},
};

const REL_6_1_0: &str = "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-0";
const SMIL: &str = r#"<smil><body><par dur="5s"><img src="1.gif"/><text src="2.txt"/></par></body></smil>"#;
const GIF: &[u8] = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";

/// A request with this head, whose length is added, and body.
fn post(head: &str, body: &[u8]) -> Vec<u8> {
    let length =
        format!("POST /mm7/v1 HTTP/1.1\r\nHost: h\r\n{head}\r\nContent-Length: {}\r\n\r\n", body.len());
    [length.as_bytes(), body].concat()
}

/// What the text between these tags is.
fn between<'t>(text: &'t str, start: &str, end: &str) -> &'t str {
    let (_, behind) = text.split_once(start).unwrap_or_else(|| panic!("no {start} in {text}"));
    behind.split_once(end).unwrap().0
}

/// As China Mobile's SDK writes a SubmitReq: no blank behind a header's colon, a preamble, an unbracketed Content-ID, no
/// Content, the sender as bare text.
fn as_the_sdk(version: &str, sender: &str) -> Vec<u8> {
    let envelope = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><env:Envelope xmlns:env=\"http://schemas.xmlsoap.org/soap/envelope/\">\
         <env:Header><mm7:TransactionID xmlns:mm7=\"{REL_6_1_0}\" env:mustUnderstand=\"1\">{}</mm7:TransactionID>\
         </env:Header><env:Body><SubmitReq xmlns=\"{REL_6_1_0}\"><MM7Version>{version}</MM7Version><SenderIdentification>\
         <VASPID>sdk-key</VASPID><VASID>61295</VASID><SenderAddress>{sender}</SenderAddress></SenderIdentification>\
         <Recipients><To><Number>16175550100</Number></To></Recipients><ServiceCode>000000</ServiceCode>\
         <DeliveryReport>true</DeliveryReport><Priority>High</Priority><Subject>\u{6f6e}\u{6c50}</Subject></SubmitReq>\
         </env:Body></env:Envelope>",
        RawRequest::new_transaction_id()
    );
    let inner = |head: &str, body: &[u8]| {
        [b"--Sub_1\r\n", head.as_bytes(), b"\r\nContent-Transfer-Encoding:8bit\r\n\r\n", body, b"\r\n\r\n"]
            .concat()
    };
    let body = [
        b"this is a multi-part message in MIME format\r\n\r\n\r\n----Next_1\r\nContent-Type:text/xml;charset=\"UTF-8\"\r\n\
          Content-Transfer-Encoding:8bit\r\nContent-ID:</sdk/vasp>\r\n\r\n",
        envelope.as_bytes(),
        b"\r\n----Next_1\r\nContent-Type:multipart/related;start=\"s.smil\";type=\"application/smil\";boundary=\"Sub_1\"\r\n\
          Content-ID:sdkTest\r\nContent-Transfer-Encoding:8bit\r\n\r\n",
        &inner("Content-Type:application/smil\r\nContent-ID:s.smil", SMIL.as_bytes()),
        &inner("Content-Type:image/gif\r\nContent-ID:1.gif", GIF),
        &inner("Content-Type:text/plain;charset=UTF-8\r\nContent-ID:2.txt", "\u{4f60}\u{597d}".as_bytes()),
        b"--Sub_1--\r\n----Next_1--\r\n",
    ]
    .concat();
    post(
        "Content-Type:multipart/related; boundary=\"--Next_1\";type=\"text/xml\";start=\"</sdk/vasp>\"\r\n\
         Content-Transfer-Encoding:8bit\r\nSOAPAction:\"\"\r\nMM7APIVersion:V1.5.3\r\nMime-Version:1.0",
        &body,
    )
}

#[tokio::test]
async fn china_mobiles_sdk_is_served() {
    let town = Town::found().await;
    let deliver_url = format!("deliver_url = \"{}/deliver\"\nretry_after = \"20ms\"\n", town.vasp.url());
    let mo = "[[account.service]]\nvasid = \"mo\"\nsenders = [\"222333\"]\n";
    town.provision(&town.account_with("sdk", "dialect = \"cmcc\"\n", &deliver_url, mo)).await;

    // What it sends is taken without Content, media to the byte.
    let answer = exchange(town.mm7_door(), &as_the_sdk("6.3.0", "111122")).await;
    assert_eq!((answer.http_status, answer.operation(), answer.code()), (200, Some("SubmitRsp"), Some(1000)));
    let id = answer.message_id().unwrap().parse().unwrap();
    town.ended(id).await;
    let sent = town.carriers["31003"].messages().pop().unwrap();
    assert_eq!(sent.finding, None, "to the carrier it goes in the carrier's dialect");
    let media: Vec<_> = sent.media.iter().map(|media| &media.bytes[..]).collect();
    // It ends each part with a line more, which is the part's then.
    let ended = |part: &[u8]| [part, b"\r\n"].concat();
    assert_eq!(media, [SMIL.as_bytes(), GIF, "\u{4f60}\u{597d}".as_bytes()].map(ended));

    // It reads the sender of a report as text, the recipient as the text of an element.
    let report = town.reports_on(id).pop().unwrap();
    let report = String::from_utf8(report.body.to_vec()).unwrap();
    assert_eq!(between(&report, "<Sender>", "</Sender>"), "111122");
    assert_eq!(between(&report, "<Recipient>", "</Recipient>"), "<Number>16175550100</Number>");

    // A refusal is in the response, where it looks for it: of what is wrong with the envelope, too.
    let refused = exchange(town.mm7_door(), &as_the_sdk("6.3.0", "333333")).await;
    assert_eq!(
        (refused.http_status, refused.operation(), refused.code()),
        (200, Some("SubmitRsp"), Some(2563))
    );
    let refused = exchange(town.mm7_door(), &as_the_sdk("9.3.0", "111122")).await;
    assert_eq!(
        (refused.http_status, refused.operation(), refused.code()),
        (200, Some("SubmitRsp"), Some(2505))
    );

    // A message from a handset: the sender as text, recipients in their elements.
    let part = posthouse_sim::carrier::MoPart {
        content_type: "text/plain".to_owned(),
        text: Some("hello".to_owned()),
        base64: None,
        id: Some("t.txt".to_owned()),
        name: None,
    };
    let mo = posthouse_sim::carrier::HandsetMessage {
        from: "16175550100".to_owned(),
        to: "222333".to_owned(),
        subject: None,
        parts: vec![part],
    };
    assert_eq!(town.carriers["31003"].deliver(&mo).await.unwrap().code(), Some(1000));
    let deliver = eventually("the VASP gets it", async || {
        let bodies = town.vasp.callbacks().into_iter().map(|callback| callback.body.clone());
        let texts = bodies.map(|body| String::from_utf8_lossy(&body).into_owned());
        texts.into_iter().find(|text| text.contains("<DeliverReq"))
    })
    .await;
    assert_eq!(between(&deliver, "<Sender>", "</Sender>"), "16175550100");
    assert_eq!(between(&deliver, "<To>", "</To>"), "<ShortCode>222333</ShortCode>");
    assert!(deliver.contains(&format!("<DeliverReq xmlns=\"{REL_6_1_0}\"><MM7Version>6.3.0</MM7Version>")));
    town.close().await;
}

#[tokio::test]
async fn a_carrier_of_china_mobiles_gets_the_sender_as_text() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let carrier = Canned::start({
        let seen = Arc::clone(&seen);
        move |request| {
            seen.lock().unwrap().push(String::from_utf8_lossy(&request.body).into_owned());
            CannedReply::http(200, "text/xml", &response("SubmitRsp", &request.transaction_id, 1000))
        }
    })
    .await;
    let town = Town::found().await;
    let connection = format!(
        "[[carrier]]\nid = \"31003\"\n[[carrier.connection]]\nname = \"c\"\nurl = {:?}\nvaspid = \"805555\"\n\
         dialect = \"cmcc\"\n",
        carrier.url("/mm7")
    );
    town.provision(&connection).await;
    let id = town.submit(&RawRequest::to("16175550100")).await;
    town.event(id, EventKind::Forwarded).await;
    let sent = seen.lock().unwrap().pop().unwrap();
    assert_eq!(between(&sent, "<SenderAddress>", "</SenderAddress>"), "111122");
    assert_eq!(between(&sent, "<To>", "</To>"), "<Number>16175550100</Number>");
    assert!(
        sent.contains(&format!("<SubmitReq xmlns=\"{REL_6_1_0}\"><MM7Version>6.3.0</MM7Version>")),
        "{sent}"
    );
    town.close().await;
}

/// As a stack writes that optimises messages: the root is XOP, and Content holds an Include.
fn as_mtom(content: &str) -> RawRequest {
    let mut request = RawRequest::to("16175550100");
    request.raw_element("Content", content);
    request.content_type = Some(
        "multipart/related; type=\"application/xop+xml\"; start=\"<root.message@stack.example>\"; \
         start-info=\"text/xml\"; boundary=\"=_outer\""
            .to_owned(),
    );
    request.root_head = "Content-Type: application/xop+xml; charset=UTF-8; type=\"text/xml\"\r\n\
                         Content-Transfer-Encoding: binary\r\nContent-ID: <root.message@stack.example>\r\n"
        .to_owned();
    request
}

#[tokio::test]
async fn stacks_that_optimise_messages_name_their_content() {
    let town = Town::found().await;
    let include = |href: &str| {
        format!(
            "<Content><x:Include xmlns:x=\"http://www.w3.org/2004/08/xop/include\" href=\"{href}\"/></Content>"
        )
    };
    for content in
        ["<Content href=\"cid:payload\"/>", &include("cid:payload"), "<Content>\n cid:payload\n</Content>"]
    {
        town.submit(&as_mtom(content)).await;
    }
    // What an Include names outside of the message is fetched as from an href.
    let away = town.post(&as_mtom(&include("ftp://media.example/a.jpg"))).await;
    assert_eq!(away.code(), Some(3003));
    town.close().await;
}

/// The answer, with what it asks for.
async fn ask(stream: &mut TcpStream, request: &RawRequest) -> (u16, Option<u32>, Option<String>) {
    let answer: RawAnswer = exchange_on(stream, &request.bytes()).await;
    let challenge = answer.header("www-authenticate").map(str::to_owned);
    (answer.http_status, answer.code(), challenge)
}

#[tokio::test]
async fn who_logs_in_only_when_asked_is_asked() {
    let town = Town::found().await;
    let auth = "basic_auth = { username = \"acme\", password = \"s3cret\" }\n";
    let account = |dialect: &str| town.account(dialect, &format!("{auth}dialect = {dialect:?}\n"));
    town.provision(&["posthouse", "skycore", "3gpp", "cmcc"].map(account).concat()).await;
    let with = |dialect: &str, authorization: Option<&str>| {
        let mut request = RawRequest::to("16175550100");
        request.vaspid = Some(format!("{dialect}-key"));
        if let Some(value) = authorization {
            request.header("Authorization", value);
        }
        request
    };
    let mut stream = TcpStream::connect(town.mm7_door()).await.unwrap();
    let challenge = Some("Basic realm=\"posthouse\"".to_owned());
    assert_eq!(ask(&mut stream, &with("posthouse", None)).await, (401, Some(2568), challenge));
    // It logs in over the same connection.
    let right = with("posthouse", Some("Basic YWNtZTpzM2NyZXQ="));
    assert_eq!(ask(&mut stream, &right).await, (200, Some(1000), None));
    // Wrong ones are told as everything else is, and other dialects never ask.
    for request in [
        with("posthouse", Some("Basic YWNtZTp3cm9uZw==")),
        with("posthouse", Some("Bearer x")),
        with("skycore", None),
        with("3gpp", None),
        with("cmcc", None),
    ] {
        assert_eq!(ask(&mut stream, &request).await, (200, Some(2568), None));
    }
    town.close().await;
}
