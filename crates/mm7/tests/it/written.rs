//! The one form that is written, byte for byte.

use mm7::message::*;
use mm7::{
    Address, Decoded, Framing, Limits, Message, MessageId, Namespace, SeenNamespace, StatusCode,
    TransactionId, VaspId, Version, decode, encode,
};

const HEAD: &str = concat!(
    r#"<?xml version="1.0" encoding="UTF-8"?>"#,
    r#"<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/">"#,
);
const SCHEMA: &str = "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/";

fn framing(namespace: Namespace) -> Framing {
    Framing::new(namespace, Version::V6_8_0, TransactionId::new("t<1").ok())
}

fn written(message: &Message, framing: &Framing) -> String {
    String::from_utf8(encode(message, framing)).unwrap()
}

fn answered(xml: &str) -> Framing {
    Framing::answering(&decode(xml.as_bytes(), None, &Limits::default()).unwrap())
}

/// A request in a namespace, with a version and a TransactionID.
fn request(namespace: &str, version: &str) -> String {
    format!(
        "{HEAD}<soapenv:Header><TransactionID xmlns=\"{namespace}\">t</TransactionID></soapenv:Header><soapenv:Body>\
         <CancelReq xmlns=\"{namespace}\"><MM7Version>{version}</MM7Version></CancelReq></soapenv:Body></soapenv:Envelope>"
    )
}

#[test]
fn a_response() {
    let status = Status::from(StatusCode::Success);
    let rsp = SubmitRsp { status, message_id: MessageId::new("41").ok() };
    let expected = format!(
        "{HEAD}<soapenv:Header><TransactionID xmlns=\"{SCHEMA}REL-6-MM7-1-4\" soapenv:mustUnderstand=\"1\">t&lt;1\
         </TransactionID></soapenv:Header><soapenv:Body><SubmitRsp xmlns=\"{SCHEMA}REL-6-MM7-1-4\">\
         <MM7Version>6.8.0</MM7Version><Status><StatusCode>1000</StatusCode><StatusText>Success</StatusText>\
         <Details>Successfully parsed and validated request.</Details></Status><MessageID>41</MessageID>\
         </SubmitRsp></soapenv:Body></soapenv:Envelope>"
    );
    assert_eq!(written(&Message::SubmitRsp(rsp), &framing(Namespace::LATEST)), expected);
}

#[test]
fn a_transaction_that_need_not_be_understood() {
    let rsp = Message::SubmitRsp(SubmitRsp { status: Status::from(StatusCode::Success), message_id: None });
    let framing = Framing { must_understand: false, ..framing(Namespace::Rel5(2)) };
    let header = format!(
        "{HEAD}<soapenv:Header><TransactionID xmlns=\"{SCHEMA}REL-5-MM7-1-2\">t&lt;1</TransactionID>\
         </soapenv:Header><soapenv:Body><SubmitRsp "
    );
    let written = written(&rsp, &framing);
    assert!(written.starts_with(&header), "{written}");
    assert!(!written.contains("mustUnderstand"), "{written}");
}

#[test]
fn a_fault_without_a_transaction() {
    let status = Status::from(StatusCode::CarrierNotProvisioned);
    let detail = Some(FaultDetail::RsErrorRsp(ErrorRsp { status }));
    let fault = Fault { code: FaultCode::Client, string: "2570 Carrier".to_owned(), detail };
    let framing = Framing { transaction_id: None, ..framing(Namespace::Rel5(0)) };
    let expected = format!(
        "{HEAD}<soapenv:Header></soapenv:Header><soapenv:Body><soapenv:Fault><faultcode>soapenv:Client</faultcode>\
         <faultstring>2570 Carrier</faultstring><detail><RSErrorRsp xmlns=\"{SCHEMA}REL-5-MM7-1-0\">\
         <MM7Version>5.3.0</MM7Version><Status><StatusCode>2570</StatusCode>\
         <StatusText>Carrier Not Provisioned</StatusText></Status></RSErrorRsp></detail></soapenv:Fault>\
         </soapenv:Body></soapenv:Envelope>"
    );
    assert_eq!(written(&Message::Fault(fault), &framing), expected);
}

#[test]
fn a_request_with_what_release_5_lacks() {
    let recipient =
        Recipient { coding: Some(AddressCoding::Encrypted), ..Recipient::to(Address::Number("1".into())) };
    let req = SubmitReq {
        sender: SenderIdentification { vaspid: VaspId::new("v").ok(), ..SenderIdentification::default() },
        recipients: vec![recipient.clone(), recipient],
        charged_party: Some(ChargedParty::ThirdParty),
        charged_party_id: Some("2".to_owned()),
        application: ApplicationIds { applic_id: Some("a".to_owned()), ..ApplicationIds::default() },
        drm_content: Some(true),
        ..SubmitReq::default()
    };
    let body = |namespace| {
        let xml = written(&Message::SubmitReq(req.clone()), &framing(namespace));
        let start = xml.find("</MM7Version>").unwrap();
        xml[start + "</MM7Version>".len()..xml.find("</SubmitReq>").unwrap()].to_owned()
    };
    assert_eq!(
        body(Namespace::Rel5(2)),
        "<SenderIdentification><VASPID>v</VASPID></SenderIdentification>\
         <Recipients><To><Number>1</Number><Number>1</Number></To></Recipients>"
    );
    assert_eq!(
        body(Namespace::Rel6(0)),
        "<SenderIdentification><VASPID>v</VASPID></SenderIdentification><Recipients><To>\
         <Number addressCoding=\"encrypted\">1</Number><Number addressCoding=\"encrypted\">1</Number></To></Recipients>\
         <ChargedParty>ThirdParty</ChargedParty><ChargedPartyID>2</ChargedPartyID><ApplicID>a</ApplicID>\
         <DRMContent>true</DRMContent>"
    );
}

#[test]
fn characters_that_xml_has_no_place_for_are_left_out() {
    let req = SubmitReq { subject: Some("a\u{0}b\u{b}\u{ffff}]]>\r".to_owned()), ..SubmitReq::default() };
    let xml = written(&Message::SubmitReq(req), &framing(Namespace::LATEST));
    assert!(xml.contains("<Subject>ab]]&gt;&#13;</Subject>"), "{xml}");
}

#[test]
fn no_id_is_written_twice_nor_one_that_is_no_name() {
    let with_id =
        |id: &str| Recipient { id: Some(id.to_owned()), ..Recipient::to(Address::Number("1".into())) };
    let recipients = vec![with_id("a"), with_id("a"), with_id("1"), with_id("b")];
    let req = SubmitReq { recipients, ..SubmitReq::default() };
    let xml = written(&Message::SubmitReq(req), &framing(Namespace::LATEST));
    let expected =
        r#"<Number id="a">1</Number><Number>1</Number><Number>1</Number><Number id="b">1</Number>"#;
    assert!(xml.contains(expected), "{xml}");
}

#[test]
fn a_code_that_could_not_be_read_is_written_as_3000() {
    let message = Operation::Deliver.response(Status::default());
    assert!(written(&message, &framing(Namespace::LATEST)).contains("<StatusCode>3000</StatusCode>"));
}

#[test]
fn extended_operations_are_written_in_the_one_edition_that_has_them() {
    let message = Operation::ExtendedCancel.response(Status::from(StatusCode::Success));
    let xml = written(&message, &framing(Namespace::Rel5(5)));
    assert!(xml.contains("<extendedCancelRsp xmlns=\"http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4\"><MM7Version>6.8.0<"), "{xml}");
}

#[test]
fn an_answer_is_framed_as_the_request_was() {
    let known = |namespace, version| {
        let version = Version::parse(version).unwrap();
        (SeenNamespace::Known(namespace), version)
    };
    let invented = SeenNamespace::Invented(format!("{SCHEMA}REL-6-MM7-6-7"));
    for (namespace, version, expected) in [
        (format!("{SCHEMA}REL-6-MM7-1-2"), "6.5.0", known(Namespace::Rel6(2), "6.5.0")),
        (format!("{SCHEMA}REL-6-MM7-1-4"), "5.3.0", known(Namespace::Rel6(4), "5.3.0")),
        (format!("{SCHEMA}REL-5-MM7-1-0"), "6.8.0", known(Namespace::Rel5(0), "5.3.0")),
        (format!("{SCHEMA}REL-5-MM7-1-0"), "six", known(Namespace::Rel5(0), "5.3.0")),
        (format!("{SCHEMA}REL-6-MM7-6-7"), "6.7.0", (invented, Version::parse("6.7.0").unwrap())),
        ("urn:example".to_owned(), "6.7.0", known(Namespace::LATEST, "6.7.0")),
        (String::new(), "", known(Namespace::LATEST, "6.8.0")),
    ] {
        let framing = answered(&request(&namespace, version));
        assert_eq!((framing.namespace, framing.version), expected, "{namespace} {version}");
        assert_eq!(framing.transaction_id, TransactionId::new("t").ok());
    }
}

#[test]
fn an_operation_without_namespace_is_answered_in_that_of_its_transaction() {
    let xml =
        request(&format!("{SCHEMA}REL-5-MM7-1-3"), "5.6.0").replace("<CancelReq xmlns=", "<CancelReq x=");
    let decoded: Decoded = decode(xml.as_bytes(), None, &Limits::default()).unwrap();
    assert_eq!(decoded.namespace, SeenNamespace::Known(Namespace::Rel5(3)));
}
