//! What the VASP's client writes: every namespace, every kind of content, read back with the codec.

use http::HeaderMap;
use mm7::{
    Address, Decoded, Dialect, Message, Namespace, Period, Version, When,
    message::{Operation, SubmitReq},
    mime::Media,
};
use posthouse_sim::{Submit, SubmitError, media, wire::ReceivedMessage};

fn mms() -> Submit {
    let mut mms = Submit::new("http://127.0.0.1:8007/mm7/v1", "111122", "16175550100");
    mms.vaspid = Some("acme-api-key".to_owned());
    mms.vasid = Some("61295".to_owned());
    mms
}

/// What a gateway reads of it.
fn read(mms: &Submit) -> (Decoded, SubmitReq, Vec<Media>) {
    let request = mms.prepare().unwrap();
    let (head, body) = request.into_parts();
    let received = ReceivedMessage::read(&head.headers, body).unwrap();
    assert_eq!(received.package.errors, []);
    let media = received.package.media().unwrap();
    match received.decoded.message.clone() {
        Some(Message::SubmitReq(submit)) => {
            let href = submit.content.as_ref().and_then(|content| content.href.as_deref());
            let names_a_part =
                href.is_none_or(|href| href.starts_with("http:") || received.package.resolve(href).is_some());
            assert!(names_a_part, "{href:?}");
            (received.decoded, submit, media)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_namespace_is_written_to_the_letter() {
    for namespace in Namespace::all() {
        let mut mms = mms();
        (mms.namespace, mms.version) = (namespace, namespace.default_version());
        mms.subject = Some("Hello <&>".to_owned());
        mms.text = Some("hi".to_owned());
        mms.delivery_report = Some(true);
        mms.expiry = Some(When::After(Period::parse("P2D").unwrap()));
        mms.time_stamp = "2026-11-20T12:00:00Z".parse().ok();
        let (decoded, submit, _) = read(&mms);
        assert_eq!(Dialect::THREE_GPP.first_refused(&decoded, &[Operation::Submit]), None, "{namespace:?}");
        assert_eq!(submit.sender.vaspid.unwrap().as_str(), "acme-api-key");
        assert_eq!(submit.sender.vasid.unwrap().as_str(), "61295");
        assert_eq!(submit.sender.address, Some(Address::ShortCode("111122".to_owned())));
        assert_eq!(submit.recipients[0].address, Address::Number("16175550100".to_owned()));
        assert_eq!(submit.subject.as_deref(), Some("Hello <&>"));
        assert_eq!(submit.delivery_report, Some(true));
        assert_eq!(submit.expiry_date, mms.expiry);
        assert_eq!(submit.time_stamp, mms.time_stamp);
    }
}

#[test]
fn content_is_a_presentation_and_its_parts() {
    let mut mms = mms();
    let picture = media::part("sunset.jpg", vec![0xff, 0xd8, 0, 1, 2]);
    mms.media = vec![picture.clone()];
    mms.text = Some("Hello, wörld".to_owned());
    let (_, _, media) = read(&mms);
    assert_eq!(media.len(), 3);
    assert_eq!(media[0].content_type.essence(), "application/smil");
    assert_eq!(media[1], picture);
    assert_eq!(media[2].bytes, "Hello, wörld");
}

#[test]
fn no_content_writes_no_content() {
    let (_, submit, media) = read(&mms());
    assert_eq!((submit.content, media.len()), (None, 0));
}

#[test]
fn a_url_alone_is_the_content_itself() {
    let mut mms = mms();
    mms.url_media = vec!["http://media.example/a.jpg".to_owned()];
    let (_, submit, media) = read(&mms);
    assert_eq!(submit.content.unwrap().href.as_deref(), Some("http://media.example/a.jpg"));
    assert_eq!(media, []);
}

#[test]
fn a_url_beside_other_content_is_in_the_presentation() {
    let mut mms = mms();
    mms.url_media = vec!["http://media.example/a.mp4?x=1&y=2".to_owned()];
    mms.text = Some("see".to_owned());
    let (_, submit, media) = read(&mms);
    assert!(submit.content.unwrap().href.unwrap().starts_with("cid:"));
    let smil = std::str::from_utf8(&media[0].bytes).unwrap();
    assert!(smil.contains(r#"<video src="http://media.example/a.mp4?x=1&amp;y=2"/>"#), "{smil}");
}

#[test]
fn what_is_left_out_is_not_written() {
    let mut mms = mms();
    (mms.vaspid, mms.vasid, mms.from) = (None, None, None);
    mms.to.clear();
    let (_, submit, _) = read(&mms);
    assert_eq!((submit.sender.vaspid, submit.sender.vasid, submit.sender.address), (None, None, None));
    assert_eq!(submit.recipients, []);
}

#[test]
fn a_wrong_version_is_written_as_it_is() {
    let mut mms = mms();
    mms.version = Version { major: 9, minor: 9, patch: 9 };
    assert_eq!(read(&mms).0.version, Some(mms.version));
}

#[test]
fn what_cannot_be_written_is_refused() {
    let url = Submit { url: "127.0.0.1:8007".to_owned(), ..mms() };
    assert!(matches!(url.prepare(), Err(SubmitError::Http(_))));
    let vaspid = Submit { vaspid: Some(" ".to_owned()), ..mms() };
    assert!(matches!(vaspid.prepare(), Err(SubmitError::Value { element: "VASPID", .. })));
    for (name, value) in [("X Carrier", "1"), ("X-Carrier", "1\r\nX-Evil: 1")] {
        let header = Submit { carrier_id: Some((name.to_owned(), value.to_owned())), ..mms() };
        assert!(matches!(header.prepare(), Err(SubmitError::Header { .. })), "{name}");
    }
}

#[test]
fn any_bytes_can_be_sent_with_the_same_headers() {
    let mut mms = mms();
    mms.carrier_id = Some(("X-Carrier-Id".to_owned(), "31003".to_owned()));
    let request = mms.prepare_bytes("text/xml", "<broken".into()).unwrap();
    let header = |headers: &HeaderMap, name: &str| headers[name].to_str().unwrap().to_owned();
    assert_eq!(header(request.headers(), "content-type"), "text/xml");
    assert_eq!(header(request.headers(), "content-length"), "7");
    assert_eq!(header(request.headers(), "x-carrier-id"), "31003");
}
