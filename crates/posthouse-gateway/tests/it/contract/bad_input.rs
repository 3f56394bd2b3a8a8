//! What looks wrong and is not, and what is wrong: each comes out the other side exactly, or is refused exactly.

use std::{sync::Arc, time::Duration};

use jiff::{Timestamp, tz::Offset};
use mm7::{
    Limits, Message, When,
    message::SubmitReq,
    mime::{ContentType, unpack},
};
use posthouse_core::{Id, message::EventKind};
use posthouse_sim::carrier::KeptMessage;

use super::{
    refusals::{Case, run},
    table::{Look, difference},
};
use posthouse_testing::{
    request::{RawPart, RawRequest},
    town::{DEADLINE, Town, TownPlan},
};

const QUIET: &str = "16175559008";

/// Submits a request and gives back what the carrier was sent for it.
async fn sent(town: &Town, request: &RawRequest) -> (Id, Arc<KeptMessage>) {
    let id = town.submit(request).await;
    let transaction_id = id.to_string();
    let is_it = |kept: &Arc<KeptMessage>| {
        kept.transaction_id.as_ref().is_some_and(|known| known.as_str() == transaction_id)
    };
    let kept = town.carriers["31003"].wait_until(|kept| kept.iter().any(is_it), DEADLINE).await;
    let kept = kept.expect("the carrier gets the message").into_iter().find(is_it).unwrap();
    assert_eq!((kept.code, &kept.finding), (Some(1000), &None), "the carrier finds nothing wrong with it");
    (id, kept)
}

/// The SubmitReq that a carrier was sent.
fn submit_req(kept: &KeptMessage) -> SubmitReq {
    let content_type = kept.headers.get("content-type").unwrap().to_str().unwrap();
    let package = unpack(&ContentType::parse(content_type).unwrap(), kept.body.clone(), &Limits::default());
    let decoded = mm7::decode(&package.root.unwrap().bytes().unwrap(), None, &Limits::default()).unwrap();
    assert_eq!(decoded.errors, []);
    let Some(Message::SubmitReq(req)) = decoded.message else { panic!("{:?}", decoded.operation) };
    req
}

#[tokio::test]
async fn an_authorization_of_a_megabyte_is_refused_by_its_code() {
    let long = |kind: &'static str, byte: u8| {
        move |request: &mut RawRequest| {
            let value = [kind.as_bytes(), &vec![byte; 1024 * 1024]].concat();
            request.header("Authorization", value);
        }
    };
    let auth = "basic_auth = { username = \"acme\", password = \"s3cret\" }\n";
    run(
        13,
        vec![
            Case::new("base64 without a colon in it", 2568, long("Basic ", b'A')).account(auth),
            Case::new("no base64", 2568, long("Basic ", b'*')).account(auth),
            Case::new("no scheme", 2568, long("", b'x')).account(auth),
        ],
    )
    .await;
}

#[tokio::test]
async fn subjects_arrive_as_they_were_meant() {
    let town = Town::found().await;
    for (xml, meant) in [
        ("line one\nline two", "line one\nline two"),
        ("line one\r\nline two", "line one\nline two"),
        ("line one&#13;&#10;line two", "line one\r\nline two"),
        ("&lt;b&gt; &amp;amp; \"quoted\" 'too'", "<b> &amp; \"quoted\" 'too'"),
        ("<![CDATA[<b> & ]]>", "<b> & "),
        ("]]&gt;", "]]>"),
        ("<![CDATA[]]]]><![CDATA[>]]>", "]]>"),
        (
            "\u{1f4ef} \u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
            "\u{1f4ef} \u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
        ),
        ("&#x1F4EF;", "\u{1f4ef}"),
        ("a&#9;tab, and  two blanks", "a\ttab, and  two blanks"),
        ("日本語, עברית", "日本語, עברית"),
        ("\u{fffd}\u{feff}", "\u{fffd}\u{feff}"),
    ] {
        let mut request = RawRequest::to(QUIET);
        request.element("Subject", xml);
        let (_, kept) = sent(&town, &request).await;
        assert_eq!(kept.subject.as_deref(), Some(meant));
    }
    town.close().await;
}

/// A time as it stands in a zone that is so many seconds ahead of UTC, without the zone.
fn local(time: Timestamp, seconds: i32) -> String {
    Offset::from_seconds(seconds).unwrap().to_datetime(time).to_string()
}

#[tokio::test]
async fn dates_are_the_same_moment_in_any_zone() {
    let town = Town::found().await;
    let hour = Duration::from_secs(3600);
    let now = Timestamp::from_second(Timestamp::now().as_second()).unwrap();
    let tomorrow = now + 24 * hour;
    let india = |time| local(time, 19_800) + "+05:30";
    let pacific = |time| local(time, -28_800) + "-08:00";
    for (stamp, expiry, expected) in [
        (Some(india(now)), pacific(tomorrow), (Some(now), tomorrow)),
        (Some(now.to_string()), local(tomorrow, 0) + "+00:00", (Some(now), tomorrow)),
        (Some(local(now, 0) + ".250Z"), india(tomorrow), (Some(now + Duration::from_millis(250)), tomorrow)),
        // A period counts from TimeStamp.
        (Some(pacific(now - hour)), "PT24H".to_owned(), (Some(now - hour), tomorrow - hour)),
        (None, format!(" {} ", pacific(tomorrow)), (None, tomorrow)),
    ] {
        let mut request = RawRequest::to(QUIET);
        if let Some(stamp) = &stamp {
            request.element("TimeStamp", stamp);
        }
        request.element("ExpiryDate", &expiry);
        let (_, kept) = sent(&town, &request).await;
        let req = submit_req(&kept);
        assert_eq!(req.expiry_date, Some(When::At(expected.1)), "{expiry}");
        if let Some(stamp) = expected.0 {
            assert_eq!(req.time_stamp, Some(stamp));
        }
    }
    town.close().await;
}

#[tokio::test]
async fn what_has_expired_already_is_not_sent() {
    let town = Town::found().await;
    for expiry in ["2020-01-01T00:00:00Z", "PT0S"] {
        let mut request = RawRequest::to(QUIET);
        request.element("ExpiryDate", expiry);
        let id = town.submit(&request).await;
        assert_eq!(town.ended(id).await.state.as_str(), "Expired");
    }
    assert_eq!(town.carriers["31003"].received(), 0);
    town.close().await;
}

#[tokio::test]
async fn parts_arrive_byte_for_byte() {
    let town = Town::found().await;
    let every_byte: Vec<u8> = (0..=255).cycle().take(1000).collect();
    let encoded = |encoding: &str, body: &[u8]| RawPart {
        head: format!(
            "Content-Type: image/gif\r\nContent-ID: <photo>\r\nContent-Transfer-Encoding: {encoding}\r\n"
        ),
        body: body.to_vec(),
    };
    let cases: Vec<(&str, RawPart, &[u8])> = vec![
        ("binary", encoded("binary", &every_byte), &every_byte),
        ("8bit", encoded("8bit", "é".as_bytes()), "é".as_bytes()),
        ("nothing at all", encoded("binary", b""), b""),
        ("a line end behind it", encoded("binary", b"line\r\n"), b"line\r\n"),
        (
            "quoted-printable",
            encoded("quoted-printable", b"caf=C3=A9 =3D =\r\nsoft=20\r\nhard"),
            "café = soft \r\nhard".as_bytes(),
        ),
        ("base64", encoded("base64", b"AAEC\r\n/f7/\r\n"), &[0, 1, 2, 0xfd, 0xfe, 0xff]),
        ("BASE64 without padding", encoded("BASE64", b"SGVsbG8"), b"Hello"),
        (
            "the boundary in mid-line",
            encoded("binary", b"x--=_inner--\r\n --=_inner\r\n"),
            b"x--=_inner--\r\n --=_inner\r\n",
        ),
        (
            "what only begins like the boundary",
            encoded("binary", b"\r\n--=_inner_too\r\nx"),
            b"\r\n--=_inner_too\r\nx",
        ),
        ("line ends of all kinds", encoded("binary", b"\r\n\n\r\r\n--\r\n-"), b"\r\n\n\r\r\n--\r\n-"),
    ];
    for (what, part, meant) in cases {
        let mut request = RawRequest::to(QUIET);
        request.attachments.push(part);
        let (_, kept) = sent(&town, &request).await;
        assert_eq!(kept.media.len(), 3, "{what}");
        assert_eq!(kept.media[2].bytes, meant, "{what}");
        assert_eq!(kept.media[2].content_type.essence(), "image/gif", "{what}");
        assert_eq!(kept.media[2].content_id.as_deref(), Some("photo"), "{what}");
        assert_eq!(kept.media[1].bytes, "Hello", "{what}: the others too");
        assert!(meant.is_empty() || memchr::memmem::find(&kept.body, meant).is_some(), "{what}: as they are");
    }
    town.close().await;
}

#[tokio::test]
async fn what_parts_are_called_goes_with_them() {
    let town = Town::found().await;
    let mut request = RawRequest::to(QUIET);
    request.attachments.push(RawPart {
        head: "content-type: Image/JPEG; name=\"my photo.jpg\"\r\nContent-Location: photo.jpg\r\n\
               Content-Disposition: attachment; filename=\"other.jpg\"\r\nX-Other: goes nowhere\r\n"
            .to_owned(),
        body: b"\xff\xd8".to_vec(),
    });
    let (_, kept) = sent(&town, &request).await;
    let photo = &kept.media[2];
    assert_eq!(photo.content_type.essence(), "image/jpeg");
    assert_eq!(photo.content_location.as_deref(), Some("photo.jpg"));
    assert_eq!(photo.name.as_deref(), Some("other.jpg"));
    assert!(memchr::memmem::find(&kept.body, b"X-Other").is_none());
    town.close().await;
}

#[tokio::test]
async fn five_megabytes_arrive_and_a_byte_more_is_refused() {
    const LIMIT: usize = 5 * 1024 * 1024;
    let town = Town::planned(TownPlan::default()).await;
    let large = format!("max_message_bytes = {LIMIT}\n");
    let ranges = posthouse_testing::provisioning::range("1617", "31003");
    town.provision(&(town.account("acme", &large) + &town.carrier("31003", &large) + &ranges)).await;
    let mut request = RawRequest::to(QUIET);
    request.attachments.push(RawPart::new("image/gif", "photo", Vec::new()));
    let room = LIMIT - request.body().len();
    let photo: Vec<u8> = (0..room).map(|at| u8::try_from(at * at % 251).unwrap()).collect();
    request.attachments[2].body = photo.clone();
    assert_eq!(request.body().len(), LIMIT);
    let (id, kept) = sent(&town, &request).await;
    assert!(kept.media[2].bytes == photo, "byte for byte");
    assert!(town.store().media(id).await.unwrap()[2] == photo, "in the store too");

    request.attachments[2].body.push(0);
    let answer = town.post(&request).await;
    assert_eq!(difference(&answer, &Look::blind(2, 2560)), None);
    town.close().await;
}

#[tokio::test]
async fn elements_go_on_are_dropped_or_get_a_default() {
    let town = Town::found().await;
    let mut request = RawRequest::to(QUIET);
    let (_, kept) = sent(&town, &request).await;
    let req = submit_req(&kept);
    let three_days = Duration::from_secs(3 * 24 * 3600);
    assert_eq!(req.delivery_report, Some(true));
    let stamp = req.time_stamp.expect("TimeStamp is written out");
    let expiry = req.expiry_date.expect("ExpiryDate is written out");
    let seconds = |time: Timestamp| time.as_second();
    assert_eq!(expiry.from(stamp).map(seconds), Some(seconds(stamp + three_days)));
    assert_eq!((req.priority, req.message_class, req.service_code), (None, None, None));
    assert_eq!(req.content.unwrap().allow_adaptations, None);
    assert_eq!(req.sender.vaspid.unwrap().as_str(), "posthouse", "the connection's own");

    request.transaction_id("elements");
    for (name, content) in [
        ("ServiceCode", "premium"),
        ("LinkedID", "other"),
        ("MessageClass", "Advertisement"),
        ("EarliestDeliveryTime", "PT1H"),
        ("DeliveryReport", "false"),
        ("ReadReply", "true"),
        ("Priority", "High"),
        ("DistributionIndicator", "true"),
        ("DeliveryCondition", "<DC>1</DC>"),
        ("ApplicID", "a"),
        ("ReplyApplicID", "b"),
        ("AuxApplicInfo", "c"),
        ("ContentClass", "text"),
        ("DRMContent", "false"),
    ] {
        request.element(name, content);
    }
    request.raw_element("Content", "<Content href=\"cid:payload\" allowAdaptations=\"false\"/>");
    let (id, kept) = sent(&town, &request).await;
    let req = submit_req(&kept);
    assert_eq!(req.service_code.as_deref(), Some("premium"));
    assert_eq!(req.message_class.map(|class| class.as_str()), Some("Advertisement"));
    assert_eq!(req.priority.map(|priority| priority.as_str()), Some("High"));
    assert_eq!(req.delivery_report, Some(false));
    assert_eq!(req.content.unwrap().allow_adaptations, Some(false));
    assert_eq!(
        (req.linked_id, req.read_reply, req.application.applic_id, req.drm_content),
        (None, None, None, None)
    );
    let mut noted = town.events(id, EventKind::Noted).await;
    noted.sort();
    assert_eq!(
        noted,
        [
            "ApplicID was dropped",
            "AuxApplicInfo was dropped",
            "ContentClass was dropped",
            "DRMContent was dropped",
            "DeliveryCondition was dropped",
            "DistributionIndicator was dropped",
            "EarliestDeliveryTime was dropped",
            "LinkedID was dropped",
            "ReadReply was dropped",
            "ReplyApplicID was dropped",
        ]
    );
    town.close().await;
}

#[tokio::test]
async fn a_repeated_request_is_sent_once_and_a_changed_one_again() {
    let town = Town::found().await;
    let request = RawRequest::to(QUIET);
    let (first, _) = sent(&town, &request).await;
    assert_eq!(town.submit(&request).await, first);
    let other_boundary = request.body();
    let other_boundary = String::from_utf8(other_boundary).unwrap().replace("=_outer", "=_again");
    let again = RawRequest {
        content_type: request.content_type.as_ref().map(|text| text.replace("=_outer", "=_again")),
        body: Some(other_boundary.into_bytes()),
        ..request.clone()
    };
    assert_eq!(town.submit(&again).await, first, "clients draw boundaries anew");
    let mut changed = request.clone();
    changed.attachments[1].body = b"Goodbye".to_vec();
    let (second, _) = sent(&town, &changed).await;
    assert_ne!(second, first);
    assert_eq!(town.carriers["31003"].received(), 2);
    town.close().await;
}
