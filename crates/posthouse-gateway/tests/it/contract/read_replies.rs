//! Read replies: from a carrier's ReadReplyReq to the VASP's, whenever they come (contract 4.6).

use mm7::{Address, message::ReadReplyReq};
use posthouse_core::{Id, message::EventKind};
use posthouse_sim::{
    ReceivedCallback,
    carrier::ReadReply,
    vasp::{CallbackContent, VaspAnswer},
};

use posthouse_testing::{
    request::RawRequest,
    schema::assert_valid,
    town::{DEADLINE, Town, TownPlan, eventually},
};

/// When the recipient read it.
const READ_AT: &str = "2026-07-29T02:10:11Z";

const WANTED: &str = "read_replies = true\n";

/// A ReadReplyReq as a carrier posts it.
fn read_reply_of(message_id: &str, status: &str) -> RawRequest {
    let mut request = RawRequest::to("");
    request.operation = "ReadReplyReq".to_owned();
    request.sender_identification = false;
    request.elements.clear();
    request.elements.push((
        "all",
        format!(
            "{message_id}<Recipient><Number>16175550100</Number></Recipient>\
             <Sender><ShortCode>111122</ShortCode></Sender><TimeStamp>{READ_AT}</TimeStamp>\
             <MMStatus>{status}</MMStatus><StatusText>as it says</StatusText>"
        ),
    ));
    request.content_type = Some("text/xml; charset=utf-8".to_owned());
    request.body = Some(request.envelope().into_bytes());
    request
}

/// The usual town, whose VASP wants read replies.
async fn wanting() -> Town {
    let town = Town::planned(TownPlan::default()).await;
    town.provision(&[town.account("acme", WANTED), town.usual_carriers()].concat()).await;
    town
}

/// The MessageID that the carrier gave a message.
async fn carrier_id(town: &Town, id: Id) -> String {
    town.message(id).await.carrier_message_id.unwrap()
}

/// The read replies that the VASP got and acknowledged, once there are so many.
async fn acknowledged(town: &Town, count: usize) -> Vec<(ReceivedCallback, ReadReplyReq)> {
    let read = |callback: &ReceivedCallback| match &callback.event {
        CallbackContent::ReadReply(reply) if callback.is_acknowledged() => {
            Some((callback.clone(), reply.clone()))
        }
        _ => None,
    };
    let enough = |callbacks: &[std::sync::Arc<ReceivedCallback>]| {
        callbacks.iter().filter(|callback| read(callback).is_some()).count() >= count
    };
    let callbacks = town.vasp.wait_until(enough, DEADLINE).await.unwrap();
    callbacks.iter().filter_map(|callback| read(callback)).collect()
}

#[tokio::test]
async fn a_read_reply_reaches_the_vasp_after_the_last_report() {
    let town = wanting().await;
    let mut request = RawRequest::to("16175550100");
    request
        .written_in("http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-5-MM7-1-2", "5.3.0");
    let id = town.submit(&request).await;
    town.ended(id).await;
    let at_carrier = carrier_id(&town, id).await;
    let element = format!("<MessageID>{at_carrier}</MessageID>");
    let mut posted = read_reply_of(&element, "Read");
    posted.transaction_id("from-the-carrier");
    posted.body = Some(posted.envelope().into_bytes());
    let answer = town.post_as_carrier("31003", &posted).await;
    assert_eq!(
        (answer.http_status, answer.operation(), answer.code()),
        (200, Some("ReadReplyRsp"), Some(1000))
    );
    assert_eq!(answer.transaction_id(), Some("from-the-carrier"));
    assert_valid(&[("a ReadReplyRsp".to_owned(), answer.body.clone())]);

    let replies = acknowledged(&town, 1).await;
    let (callback, reply) = &replies[0];
    assert_eq!((callback.path.as_str(), callback.carrier_id.as_deref()), ("/reports", Some("31003")));
    assert_eq!(reply.mm.message_id.as_ref().unwrap().as_str(), id.to_string(), "our MessageID");
    assert_eq!((reply.mm_status.as_str(), reply.time_stamp), ("Read", READ_AT.parse().ok()));
    assert_eq!(reply.mm.recipient, Some(Address::Number("16175550100".to_owned())));
    assert_eq!(reply.mm.sender, Some(Address::ShortCode("111122".to_owned())));
    let body = std::str::from_utf8(&callback.body).unwrap();
    assert!(body.contains("REL-5-MM7-1-2") && body.contains(">5.3.0<"), "as the VASP writes: {body}");
    assert_eq!(town.event(id, EventKind::ReadReply).await, "Read: Read as it says");
    // The town validates it against the schema.
    town.close().await;
}

#[tokio::test]
async fn statuses_are_mapped_and_doubled_ones_go_once() {
    let town = wanting().await;
    let id = town.submit(&RawRequest::to("16175550100")).await;
    town.ended(id).await;
    let element = format!("<MessageID>{}</MessageID>", carrier_id(&town, id).await);
    for status in ["Read", "Read", "deleted without being read", "Forwarded", "Read", "Deleted"] {
        let answer = town.post_as_carrier("31003", &read_reply_of(&element, status)).await;
        assert_eq!(answer.code(), Some(1000), "{status}");
    }
    let replies = acknowledged(&town, 3).await;
    let statuses: Vec<_> = replies.iter().map(|(_, reply)| reply.mm_status.as_str()).collect();
    assert_eq!(statuses, ["Read", "Deleted", "Indeterminate"], "in the order in which they came");
    assert_eq!(town.events(id, EventKind::ReadReply).await.len(), 3);
    town.close().await;
}

#[tokio::test]
async fn a_read_reply_for_an_unknown_id_is_kept_till_it_is_known() {
    let town = wanting().await;
    // The simulated carrier counts its MessageIDs.
    let first = town.submit(&RawRequest::to("16175559008")).await;
    town.event(first, EventKind::Forwarded).await;
    let known = carrier_id(&town, first).await;
    let (before, number) = known.rsplit_once('-').unwrap();
    let next = format!("{before}-{}", number.parse::<u64>().unwrap() + 1);
    let element = format!("<MessageID>{next}</MessageID>");
    assert_eq!(town.post_as_carrier("31003", &read_reply_of(&element, "Read")).await.code(), Some(1000));
    let id = town.submit(&RawRequest::to("16175559008")).await;
    let replies = acknowledged(&town, 1).await;
    assert_eq!(replies[0].1.mm.message_id.as_ref().unwrap().as_str(), id.to_string());
    assert_eq!(carrier_id(&town, id).await, next);
    town.close().await;
}

#[tokio::test]
async fn a_read_reply_is_tried_as_often_as_provisioned_and_kept_as_failed() {
    let town = wanting().await;
    let account = town.account_with("acme", WANTED, "retry_after = \"20ms\"\nmax_retries = 2\n", "");
    town.provision(&[account, town.usual_carriers()].concat()).await;
    let id = town.submit(&RawRequest::to("16175550100")).await;
    town.ended(id).await;
    let reports = town.vasp.received();
    town.vasp.set_answer(VaspAnswer::Code(4000));
    let carrier = &town.carriers["31003"];
    assert!(carrier.read_reply(&ReadReply::default()).await.unwrap().is_success());
    assert_eq!(
        town.event(id, EventKind::ReportFailed).await,
        "read reply Read: StatusCode 4000 General service error: Carrier rejects the message due to a general service error"
    );
    assert_eq!(town.vasp.received() - reports, 3);
    town.close().await;
}

#[tokio::test]
async fn what_cannot_be_taken_is_refused() {
    let town = Town::planned(TownPlan { fragile: true, ..TownPlan::default() }).await;
    town.provision(&[town.account("acme", ""), town.usual_carriers()].concat()).await;
    for (element, code) in [("", 2007), ("<MessageID>broken-1</MessageID>", 3000)] {
        let answer = town.post_as_carrier("31003", &read_reply_of(element, "Read")).await;
        assert_eq!(answer.code(), Some(code), "{}", answer.xml());
    }
    town.close().await;
}

#[tokio::test]
async fn who_does_not_ask_for_read_replies_gets_none() {
    let town = Town::found().await;
    let id = town.submit(&RawRequest::to("16175550100")).await;
    town.ended(id).await;
    let element = format!("<MessageID>{}</MessageID>", carrier_id(&town, id).await);
    let reports = town.vasp.received();
    assert_eq!(town.post_as_carrier("31003", &read_reply_of(&element, "Read")).await.code(), Some(1000));
    assert_eq!(
        town.event(id, EventKind::ReadReply).await,
        "Read: Read as it says",
        "it is shown all the same"
    );
    let withdrawn = "read reply Read: the account does not ask for read replies (read_replies)".to_owned();
    eventually("it is withdrawn", async || {
        town.events(id, EventKind::ReportWithdrawn).await.contains(&withdrawn).then_some(())
    })
    .await;
    assert_eq!(town.vasp.received(), reports);
    town.close().await;
}

#[tokio::test]
async fn a_read_reply_is_never_refused_for_its_form() {
    let town = wanting().await;
    let id = town.submit(&RawRequest::to("16175550100")).await;
    town.ended(id).await;
    let element = format!("<MessageID>{}</MessageID>", carrier_id(&town, id).await);
    let read = |status| String::from_utf8(read_reply_of(&element, status).body.unwrap()).unwrap();
    let odd = [
        read("Read").replace("<MM7Version>6.8.0</MM7Version>", "").replace("ReadReplyReq", "MM7ReadReplyReq"),
        read("Deleted").replace("as it says", "Tom & Jerry").replace("Sender>", "SenderAddress>"),
        read("Indeterminate")
            .replace("ReadReplyReq", "ReadReplyRequest")
            .replace("TransactionID", "Transaction"),
    ];
    for body in odd {
        let request = RawRequest { body: Some(body.into_bytes()), ..read_reply_of("", "") };
        let answer = town.post_as_carrier("31003", &request).await;
        assert_eq!(
            (answer.operation(), answer.code()),
            (Some("ReadReplyRsp"), Some(1000)),
            "{}",
            answer.xml()
        );
    }
    let replies = acknowledged(&town, 3).await;
    let statuses: Vec<_> = replies.iter().map(|(_, reply)| reply.mm_status.as_str()).collect();
    assert_eq!(statuses, ["Read", "Deleted", "Indeterminate"]);
    let noted = town.events(id, EventKind::Noted).await;
    assert!(noted[0].contains("MM7ReadReplyReq is taken for ReadReplyReq"), "{noted:?}");
    assert!(noted[1].contains("& begins no reference") && noted[1].contains("SenderAddress"), "{noted:?}");
    assert!(noted[2].contains("the Header has no TransactionID"), "{noted:?}");
    town.close().await;
}
