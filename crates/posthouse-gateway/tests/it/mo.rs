//! Messages from handsets: a carrier's DeliverReq reaches the VASP, media byte for byte (contract 4.6).

use std::{collections::HashMap, sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use mm7::message::{DeliverReq, Priority};
use posthouse_core::time::Clock as _;
use posthouse_sim::{
    carrier::{HandsetMessage, MoPart},
    vasp::{CallbackContent, ReceivedCallback, VaspAnswer},
};
use posthouse_testing::{
    clock::ManualClock,
    request::{RawPart, RawRequest},
    town::{Town, TownPlan},
};

const DEADLINE: Duration = Duration::from_secs(20);

fn mo(to: &str, subject: &str, parts: Vec<MoPart>) -> HandsetMessage {
    HandsetMessage {
        from: "16175550100".to_owned(),
        to: to.to_owned(),
        subject: Some(subject.to_owned()),
        parts,
    }
}

fn part(content_type: &str, name: &str, bytes: &[u8]) -> MoPart {
    MoPart {
        content_type: content_type.to_owned(),
        text: None,
        base64: Some(STANDARD.encode(bytes)),
        id: Some(name.to_owned()),
        name: Some(name.to_owned()),
    }
}

async fn town(callbacks: &str) -> Town {
    planned(TownPlan::default(), &format!("retry_after = \"50ms\"\n{callbacks}")).await
}

async fn planned(plan: TownPlan, callbacks: &str) -> Town {
    let town = Town::planned(plan).await;
    let callbacks = format!("deliver_url = \"{}/deliver\"\n{callbacks}\n", town.vasp.url());
    let service = "[[account.service]]\nvasid = \"777\"\nsenders = [\"222333\", \"+16175559999\"]\n";
    let account = town.account_with("beta", "", &callbacks, service);
    town.provision(&[town.account("acme", ""), account, town.usual_carriers()].concat()).await;
    town
}

/// What the VASP got and acknowledged.
async fn delivered(town: &Town, count: usize) -> Vec<std::sync::Arc<ReceivedCallback>> {
    let is_delivered = |callback: &ReceivedCallback| {
        callback.is_acknowledged() && matches!(callback.event, CallbackContent::Deliver(..))
    };
    let enough = |callbacks: &[std::sync::Arc<ReceivedCallback>]| {
        callbacks.iter().filter(|got| is_delivered(got)).count() >= count
    };
    let callbacks = town.vasp.wait_until(enough, DEADLINE).await.unwrap();
    callbacks.into_iter().filter(|got| is_delivered(got)).collect()
}

#[tokio::test]
async fn a_video_of_five_megabytes_arrives_byte_for_byte() {
    let town = town("").await;
    let video: Vec<u8> =
        (0..5_000_000_u32).map(|number| number.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    let parts = vec![
        part("video/mp4", "clip.mp4", &video),
        part("text/plain; charset=utf-8", "t.txt", "Grüße".as_bytes()),
    ];
    let answer = town.carriers["31003"].deliver(&mo("222333", "Re: <&]]> \u{1f4ef}", parts)).await.unwrap();
    assert_eq!((answer.http_status, answer.code()), (200, Some(1000)));
    let callbacks = delivered(&town, 1).await;
    let CallbackContent::Deliver(req, media) = &callbacks[0].event else {
        panic!("{:?}", callbacks[0].event)
    };
    assert_eq!(callbacks[0].carrier_id.as_deref(), Some("31003"));
    assert_eq!(req.subject.as_deref(), Some("Re: <&]]> \u{1f4ef}"));
    assert_eq!(req.sender.as_ref().unwrap().as_str(), "16175550100");
    assert_eq!(req.recipients[0].address.as_str(), "222333");
    assert_eq!(req.vasid.as_ref().unwrap().as_str(), "777");
    assert!(req.linked_id.as_ref().unwrap().as_str().parse::<i64>().is_ok(), "{:?}", req.linked_id);
    let types: Vec<_> = media.iter().map(|media| media.content_type.essence()).collect();
    let at = types.iter().position(|kind| *kind == "video/mp4").unwrap_or_else(|| panic!("{types:?}"));
    assert!(media[at].bytes == video, "the video was changed");
    assert!(media.iter().any(|media| media.bytes == "Grüße".as_bytes()));
    town.close().await;
}

#[tokio::test]
async fn content_ids_reach_the_vasp_as_every_library_reads_them() {
    let town = town("").await;
    let smil = b"<smil><body><text src=\"cid:a (1).txt\"/><text src=\"cid:b.txt\"/></body></smil>";
    let parts = vec![
        part("application/smil", "s", smil),
        part("text/plain", "a (1).txt", b"one"),
        part("text/plain", "b.txt", b"two"),
    ];
    assert_eq!(town.carriers["31003"].deliver(&mo("222333", "ids", parts)).await.unwrap().code(), Some(1000));
    let callbacks = delivered(&town, 1).await;
    let CallbackContent::Deliver(_, media) = &callbacks[0].event else { panic!("{:?}", callbacks[0].event) };
    let ids: Vec<_> = media.iter().map(|media| media.content_id.as_deref().unwrap()).collect();
    assert_eq!(ids, ["s", "a__1_.txt", "b.txt"]);
    let smil = String::from_utf8_lossy(&media[0].bytes).into_owned();
    assert_eq!(smil, r#"<smil><body><text src="cid:a__1_.txt"/><text src="cid:b.txt"/></body></smil>"#);
    town.close().await;
}

#[tokio::test]
async fn a_long_code_is_found_however_it_is_spelled() {
    let town = town("").await;
    let text = || vec![part("text/plain", "t.txt", b"hello")];
    for to in ["16175559999", "+16175559999"] {
        assert_eq!(town.carriers["31003"].deliver(&mo(to, to, text())).await.unwrap().code(), Some(1000));
    }
    delivered(&town, 2).await;
    town.close().await;
}

/// A DeliverReq without content, as a carrier posts it.
fn deliver_req(sender: &str, recipients: &str, more: &str) -> RawRequest {
    let mut request = RawRequest::to("");
    request.operation = "DeliverReq".to_owned();
    request.sender_identification = false;
    request.elements =
        vec![("all", format!("<Sender>{sender}</Sender><Recipients>{recipients}</Recipients>{more}"))];
    request.content_type = Some("text/xml; charset=utf-8".to_owned());
    request.body = Some(request.envelope().into_bytes());
    request
}

fn deliver_of(callback: &ReceivedCallback) -> (&DeliverReq, String) {
    let CallbackContent::Deliver(req, _) = &callback.event else { panic!("{:?}", callback.event) };
    (req, String::from_utf8_lossy(&callback.body).into_owned())
}

#[tokio::test]
async fn one_spelling_goes_out_whatever_came() {
    let town = town("").await;
    let sender = "<Number>+16175550100/TYPE=PLMN</Number>";
    for (to, out) in [
        ("<ShortCode>222333/TYPE=PLMN</ShortCode>", "<ShortCode>222333</ShortCode>"),
        ("<ShortCode>+222333</ShortCode>", "<ShortCode>222333</ShortCode>"),
        ("<Number>222333/type=plmn</Number>", "<Number>222333</Number>"),
        ("<Number>+16175559999/TYPE=PLMN</Number>", "<Number>16175559999</Number>"),
        ("<Number>16175559999/TYPE=IPv4</Number>", "<Number>16175559999</Number>"),
        ("<RFC2822Address>222333/TYPE=PLMN</RFC2822Address>", "<ShortCode>222333</ShortCode>"),
        (
            "<RFC2822Address>+16175559999/TYPE=PLMN@mms.example</RFC2822Address>",
            "<Number>16175559999</Number>",
        ),
        ("222333/TYPE=PLMN", "<Number>222333</Number>"),
    ] {
        let before = town.vasp.callbacks().len();
        let answer = town.post_as_carrier("31003", &deliver_req(sender, &format!("<To>{to}</To>"), "")).await;
        assert_eq!(answer.code(), Some(1000), "{to}: {}", answer.xml());
        let callbacks = delivered(&town, before + 1).await;
        let (_, xml) = deliver_of(&callbacks[before]);
        assert!(xml.contains(&format!("<Recipients><To>{out}</To></Recipients>")), "{to}: {xml}");
        assert!(xml.contains("<Sender><Number>16175550100</Number></Sender>"), "{to}: {xml}");
    }
    town.close().await;
}

#[tokio::test]
async fn a_group_message_says_who_was_to_cc_and_for_display_only() {
    let town = town("").await;
    let recipients = "<To><Number displayOnly=\"true\">16175550155</Number><ShortCode>222333</ShortCode></To>\
                      <Cc><Number>+16175550166</Number><RFC2822Address displayOnly=\"1\">a@mail.example</RFC2822Address></Cc>\
                      <Bcc><Number>16175550177</Number></Bcc>";
    let request = deliver_req("<Number>16175550100</Number>", recipients, "");
    assert_eq!(town.post_as_carrier("31003", &request).await.code(), Some(1000));
    let callbacks = delivered(&town, 1).await;
    let (req, xml) = deliver_of(&callbacks[0]);
    let out = "<Recipients><To><Number displayOnly=\"true\">16175550155</Number><ShortCode>222333</ShortCode></To>\
               <Cc><Number>16175550166</Number><RFC2822Address displayOnly=\"true\">a@mail.example</RFC2822Address></Cc>\
               <Bcc><Number>16175550177</Number></Bcc></Recipients>";
    assert!(xml.contains(out), "{xml}");
    assert_eq!(req.priority, Some(Priority::Normal), "where the carrier gave none");
    town.close().await;
}

#[tokio::test]
async fn who_is_for_display_only_is_not_the_one_sent_to() {
    let town = town("").await;
    // 111122 is acme's, which has no deliver_url; 222333 is beta's.
    let recipients =
        "<To><ShortCode displayOnly=\"yes\">111122</ShortCode><ShortCode>222333</ShortCode></To>";
    let request = deliver_req("<Number>16175550100</Number>", recipients, "<Priority>high</Priority>");
    assert_eq!(town.post_as_carrier("31003", &request).await.code(), Some(1000));
    let callbacks = delivered(&town, 1).await;
    let (req, _) = deliver_of(&callbacks[0]);
    assert_eq!(req.vasid.as_ref().unwrap().as_str(), "777");
    assert_eq!(req.priority, Some(Priority::High));
    town.close().await;
}

#[tokio::test]
async fn a_vasp_that_understands_no_mm7_headers_is_sent_none_that_it_must() {
    let town = Town::planned(TownPlan::default()).await;
    let callbacks = format!("deliver_url = \"{}/deliver\"\n", town.vasp.url());
    let account = town.account_with("acme", "must_understand = false\n", &callbacks, "");
    town.provision(&[account, town.usual_carriers()].concat()).await;
    let answer = town.post(&RawRequest::to("16175550100")).await;
    assert_eq!(answer.code(), Some(1000));
    assert!(
        answer.transaction_id().is_some() && !answer.xml().contains("mustUnderstand"),
        "{}",
        answer.xml()
    );
    let mut refused = RawRequest::to("16175550100");
    refused.element("ChargedParty", "Sender");
    let answer = town.post(&refused).await;
    assert_eq!(answer.code(), Some(3002));
    assert!(
        answer.transaction_id().is_some() && !answer.xml().contains("mustUnderstand"),
        "{}",
        answer.xml()
    );
    let recipients = "<To><ShortCode>111122</ShortCode></To>";
    let request = deliver_req("<Number>16175550100</Number>", recipients, "");
    assert_eq!(town.post_as_carrier("31003", &request).await.code(), Some(1000));
    delivered(&town, 1).await;
    for callback in town.vasp.callbacks() {
        let xml = String::from_utf8_lossy(&callback.body).into_owned();
        assert!(xml.contains("<TransactionID xmlns=") && !xml.contains("mustUnderstand"), "{xml}");
    }
    town.close().await;
}

#[tokio::test]
async fn a_message_from_a_handset_is_never_refused_for_its_form() {
    let town = town("").await;
    let to = "<To><ShortCode>222333</ShortCode></To>";
    let whole = deliver_req("<Number>16175550100</Number>", to, "<Subject>Tom and Jerry</Subject>");
    let whole = String::from_utf8(whole.body.unwrap()).unwrap();
    let odd = [
        whole.replace("<MM7Version>6.8.0</MM7Version>", ""),
        whole.replace("TransactionID", "Transaction"),
        whole.replace("DeliverReq", "deliverRequest"),
        whole.replace("Sender>", "SenderAddress>"),
        whole.replace("Sender>", "From>"),
        whole.replace("Tom and Jerry", "Tom & Jerry"),
        whole.replace("xmlns=\"http://www.3gpp.org", "xmlns=\" http://www.3gpp.org"),
    ];
    for (number, body) in odd.iter().enumerate() {
        let request = RawRequest { body: Some(body.clone().into_bytes()), ..deliver_req("", "", "") };
        let answer = town.post_as_carrier("31003", &request).await;
        assert_eq!((answer.operation(), answer.code()), (Some("DeliverRsp"), Some(1000)), "{}", answer.xml());
        let callbacks = delivered(&town, number + 1).await;
        let (req, xml) = deliver_of(&callbacks[number]);
        assert_eq!(req.sender.as_ref().map(|sender| sender.as_str()), Some("16175550100"), "{xml}");
        assert!(req.subject.as_ref().unwrap().starts_with("Tom "), "{xml}");
    }
    town.close().await;
}

#[tokio::test]
async fn without_anything_that_tells_them_apart_two_messages_are_two() {
    let town = town("").await;
    let to = "<To><ShortCode>222333</ShortCode></To>";
    for (more, expected) in [("", 2), ("<TimeStamp>2026-11-29T10:10:10Z</TimeStamp>", 3)] {
        let mut request = deliver_req("<Number>16175550100</Number>", to, more);
        request.soap_header = None;
        request.body = Some(request.envelope().into_bytes());
        for _ in 0..2 {
            assert_eq!(town.post_as_carrier("31003", &request).await.code(), Some(1000));
        }
        assert_eq!(delivered(&town, expected).await.len(), expected, "{more}");
    }
    town.close().await;
}

#[tokio::test]
async fn media_arrive_under_a_label_that_is_not_theirs() {
    let town = town("").await;
    let to = "<To><ShortCode>222333</ShortCode></To>";
    let elements = format!(
        "<Sender><Number>16175550100</Number></Sender><Recipients>{to}</Recipients><Content href=\"cid:payload\"/>"
    );
    let mut request = RawRequest::to("");
    request.operation = "DeliverReq".to_owned();
    request.sender_identification = false;
    request.elements = vec![("all", elements)];
    // A multipart that is labelled as XML, with a part that has no type.
    request.content_type = Some("text/xml".to_owned());
    request.attachments = vec![RawPart {
        head: "Content-ID: <gif>\r\n".to_owned(),
        body: b"GIF89a\x01\0\x01\0\0\0\0;".to_vec(),
    }];
    let answer = town.post_as_carrier("31003", &request).await;
    assert_eq!(answer.code(), Some(1000), "{}", answer.xml());
    let callbacks = delivered(&town, 1).await;
    let CallbackContent::Deliver(_, media) = &callbacks[0].event else { panic!("{:?}", callbacks[0].event) };
    assert_eq!(media[0].content_type.essence(), "image/gif");
    town.close().await;
}

#[tokio::test]
async fn a_message_for_nobody_is_refused_in_a_deliver_rsp() {
    let town = town("").await;
    let answer =
        town.carriers["31003"].deliver(&mo("999999", "lost", vec![part("text/plain", "t.txt", b"x")])).await;
    let answer = answer.unwrap();
    assert_eq!((answer.http_status, answer.code(), answer.text()), (200, Some(2002), Some("Address Error")));
    assert!(answer.fault().is_none(), "it is a DeliverRsp");
    town.close().await;
}

#[tokio::test]
async fn a_vasp_that_fails_gets_it_again_and_once_acknowledged_never_more() {
    let town = town("max_retries = 50").await;
    town.vasp.fail_next(3);
    for number in 0..10 {
        let subject = format!("number {number}");
        let parts = vec![part("text/plain", "t.txt", subject.as_bytes())];
        assert_eq!(
            town.carriers["31003"].deliver(&mo("222333", &subject, parts)).await.unwrap().code(),
            Some(1000)
        );
    }
    let callbacks = delivered(&town, 10).await;
    let mut subjects: Vec<_> = callbacks
        .iter()
        .map(|callback| match &callback.event {
            CallbackContent::Deliver(req, _) => req.subject.clone().unwrap(),
            other => panic!("{other:?}"),
        })
        .collect();
    subjects.sort();
    let expected: Vec<_> = (0..10).map(|number| format!("number {number}")).collect();
    assert_eq!(subjects, expected);
    assert_eq!(town.vasp.received(), 13, "ten, and three that were answered HTTP 500");
    town.close().await;
}

#[tokio::test]
async fn what_the_vasp_never_takes_is_kept_as_failed() {
    let town = town("max_retries = 1").await;
    town.vasp.set_answer(VaspAnswer::Code(4000));
    town.carriers["31003"]
        .deliver(&mo("222333", "never", vec![part("text/plain", "t.txt", b"x")]))
        .await
        .unwrap();
    let twice = town.vasp.wait_until(|callbacks| callbacks.len() >= 2, DEADLINE).await;
    assert_eq!(twice.unwrap().len(), 2);
    town.close().await;
}

/// Messages from handsets, while the VASP answers HTTP 500 to every third callback.
const MANY: usize = 1000;
const MAX_RETRIES: usize = 20;
const RETRY_AFTER: Duration = Duration::from_millis(50);

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_arrive_once_each_at_a_vasp_that_fails_every_third() {
    let town = town(&format!("max_retries = {MAX_RETRIES}")).await;
    town.vasp.fail_every(3);
    let send = async |first: usize| {
        for number in (first..MANY).step_by(4) {
            let subject = format!("number {number}");
            let parts = vec![part("text/plain", "t.txt", subject.as_bytes())];
            let answer = town.carriers["31003"].deliver(&mo("222333", &subject, parts)).await.unwrap();
            assert_eq!(answer.code(), Some(1000), "{subject}");
        }
    };
    tokio::join!(send(0), send(1), send(2), send(3));
    let acknowledged = |callbacks: &[Arc<ReceivedCallback>]| {
        callbacks.iter().filter(|callback| callback.is_acknowledged()).count() >= MANY
    };
    town.vasp.wait_until(acknowledged, 6 * DEADLINE).await.expect("all of them arrive");
    // Nothing is owed any more: what is acknowledged is not sent again.
    let owes_nothing = async || {
        let due = town.store().due(jiff::Timestamp::MAX, posthouse_core::slots::Slots::ALL).await.unwrap();
        due.accounts.is_empty().then_some(())
    };
    posthouse_testing::town::eventually("nothing is owed", owes_nothing).await;

    let mut tries: HashMap<String, Vec<Arc<ReceivedCallback>>> = HashMap::new();
    for callback in town.vasp.callbacks() {
        let CallbackContent::Deliver(req, media) = &callback.event else { panic!("{:?}", callback.event) };
        let subject = req.subject.clone().unwrap();
        assert!(media.iter().any(|media| media.bytes == subject.as_bytes()), "{subject}");
        assert_eq!(callback.carrier_id.as_deref(), Some("31003"), "with each try");
        tries.entry(subject).or_default().push(callback);
    }
    assert_eq!(tries.len(), MANY, "none is lost");
    let all = tries.values().map(Vec::len).sum::<usize>();
    let failed = tries.values().flatten().filter(|callback| callback.http_status == Some(500)).count();
    assert_eq!((failed, all), (all / 3, MANY + failed), "every third failed, and each was acknowledged once");
    for (subject, tries) in &tries {
        assert_tries(subject, tries);
    }
    town.close().await;
}

/// A VASP that was down for an hour: who failed first is tried again first.
const DOWN_FOR: usize = 500;
/// Some come out of turn, since 128 are in hand at a time, but none who failed after so many others.
const MOST_OVERTAKEN: usize = 200;

#[tokio::test(flavor = "multi_thread")]
async fn who_failed_first_is_tried_again_first() {
    let mut plan = TownPlan::default();
    let clock = ManualClock::now_still();
    plan.parts.clock = clock.clone();
    let town = planned(plan, "retry_after = \"1h\"\n").await;
    town.vasp.fail_next(u32::try_from(DOWN_FOR).unwrap());
    for number in 0..DOWN_FOR {
        let subject = format!("number {number}");
        let message = mo("222333", &subject, vec![part("text/plain", "t.txt", b"x")]);
        assert_eq!(town.carriers["31003"].deliver(&message).await.unwrap().code(), Some(1000));
        // Each is due at a time of its own.
        let failed = |callbacks: &[Arc<ReceivedCallback>]| callbacks.len() > number;
        town.vasp.wait_until(failed, DEADLINE).await.expect("its first try");
        clock.advance(Duration::from_secs(1));
    }
    // All wait for their retry: what is still being settled is due when its lease ends, in seconds.
    let all_wait = async || {
        let due = town.store().due(clock.now(), posthouse_core::slots::Slots::ALL).await.unwrap();
        let waits_long = due.next.is_some_and(|next| next.duration_since(clock.now()).as_secs() > 600);
        (due.accounts.is_empty() && waits_long).then_some(())
    };
    posthouse_testing::town::eventually("the last first try is settled", all_wait).await;
    clock.advance(Duration::from_secs(3600));
    let all = |callbacks: &[Arc<ReceivedCallback>]| callbacks.len() >= 2 * DOWN_FOR;
    let callbacks = town.vasp.wait_until(all, DEADLINE).await.expect("all are tried again");
    let number = |callback: &Arc<ReceivedCallback>| match &callback.event {
        CallbackContent::Deliver(req, _) => {
            req.subject.as_deref().unwrap()["number ".len()..].parse::<usize>().unwrap()
        }
        other => panic!("{other:?}"),
    };
    let mut latest = 0;
    for again in callbacks[DOWN_FOR..].iter().map(number) {
        assert!(latest <= again + MOST_OVERTAKEN, "{latest} came before {again}");
        latest = latest.max(again);
    }
    town.close().await;
}

/// One message's tries: under one TransactionID, as often and as late as configured, and none after the one that was
/// acknowledged.
fn assert_tries(subject: &str, tries: &[Arc<ReceivedCallback>]) {
    assert!(tries.len() <= 1 + MAX_RETRIES, "{subject}: {} tries", tries.len());
    let acknowledged: Vec<_> = tries.iter().map(|callback| callback.is_acknowledged()).collect();
    let (last, before) = acknowledged.split_last().unwrap();
    assert!(*last && before.iter().all(|acknowledged| !acknowledged), "{subject}: {acknowledged:?}");
    for pair in tries.windows(2) {
        assert_eq!(pair[0].transaction_id, pair[1].transaction_id, "{subject}");
        let waited = Duration::try_from(pair[1].time.duration_since(pair[0].time)).unwrap();
        // What is due is kept to the millisecond.
        assert!(waited + Duration::from_millis(1) >= RETRY_AFTER, "{subject}: again after {waited:?}");
    }
}
