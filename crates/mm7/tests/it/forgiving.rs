//! Reports, read replies and messages from handsets in forms that relays really send: what is read of them all the same.

use mm7::message::{DeliverReq, DeliveryReportReq, Operation, ReadReplyReq, RecipientKind, ReportedMm};
use mm7::soap::decode_forgiving;
use mm7::{Address, Decoded, Dialect, Framing, Limits, Message, Rule, SeenNamespace, encode};

const BASE: &str = "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/";
const TAKEN: &[Operation] = &[Operation::DeliveryReport, Operation::Deliver, Operation::ReadReply];

/// A report as the schema has it.
fn report() -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\">\
         <e:Header><TransactionID xmlns=\"{BASE}REL-6-MM7-1-4\" e:mustUnderstand=\"1\">t-1</TransactionID></e:Header>\
         <e:Body><DeliveryReportReq xmlns=\"{BASE}REL-6-MM7-1-4\"><MM7Version>6.8.0</MM7Version>\
         <MessageID>m-1</MessageID><Recipient><Number>16175550100</Number></Recipient>\
         <Sender><ShortCode>7001</ShortCode></Sender><Date>2026-01-01T00:00:00Z</Date>\
         <MMStatus>Retrieved</MMStatus><StatusText>Tom and Jerry</StatusText></DeliveryReportReq></e:Body></e:Envelope>"
    )
}

fn forgiven(xml: &[u8]) -> Decoded {
    let decoded = decode_forgiving(xml, None, &Limits::default());
    let decoded = decoded.unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(xml)));
    let refused = Dialect::FORGIVING.first_refused(&decoded, TAKEN);
    assert_eq!(refused, None, "{}", String::from_utf8_lossy(xml));
    decoded
}

fn report_in(decoded: &Decoded) -> &DeliveryReportReq {
    let Some(Message::DeliveryReportReq(report)) = &decoded.message else { panic!("{decoded:?}") };
    report
}

/// The rules that the form breaks.
fn rules(decoded: &Decoded) -> Vec<&'static str> {
    decoded.errors.iter().map(|error| error.rule.name()).collect()
}

/// Checks that a report in this form says what it says, and that its form is noted.
#[track_caller]
fn says_the_same(form: &str, rule: &str) {
    let decoded = forgiven(form.as_bytes());
    let report = report_in(&decoded);
    assert_eq!(report.mm.message_id.as_ref().map(|id| id.as_str()), Some("m-1"), "{form}");
    assert_eq!(report.mm_status, "Retrieved", "{form}");
    assert_eq!(report.mm.recipient, Some(Address::Number("16175550100".to_owned())), "{form}");
    assert_eq!(report.mm.sender.as_ref().map(Address::as_str), Some("7001"), "{form}");
    assert!(rules(&decoded).contains(&rule), "{:?}: {form}", decoded.errors);
}

#[test]
fn what_is_in_form_is_read_as_ever() {
    let decoded = forgiven(report().as_bytes());
    assert_eq!(decoded.errors, []);
    assert_eq!(Ok(decoded), mm7::decode(report().as_bytes(), None, &Limits::default()));
}

#[test]
fn the_form_counts_for_less_than_what_is_said() {
    let namespace = format!("{BASE}REL-6-MM7-1-4");
    let sender = "<Sender><ShortCode>7001</ShortCode></Sender>";
    let recipient = "<Recipient><Number>16175550100</Number></Recipient>";
    let header = &report()[report().find("<e:Header>").unwrap()..report().find("<e:Body>").unwrap()];
    for (from, to, rule) in [
        ("<MM7Version>6.8.0</MM7Version>", "", "NoVersion"),
        (">6.8.0<", ">6.8<", "BadVersion"),
        (">6.8.0<", "><", "BadVersion"),
        (">6.8.0<", ">REL-6<", "BadVersion"),
        (">6.8.0<", ">7.1.0<", "UnknownVersion"),
        (header, "", "NoHeader"),
        (header, "<e:Header/>", "NoTransactionId"),
        (">t-1<", "> <", "BadTransactionId"),
        ("</e:Header>", "<x xmlns='u' e:mustUnderstand='1'/></e:Header>", "ForeignMustUnderstand"),
        (&namespace, " http://www.3gpp.org/mm7 ", "ForeignNamespace"),
        (&namespace, "", "NoNamespace"),
        (&namespace, &format!("{BASE}REL-4-MM7-1-0"), "ForeignNamespace"),
        (&namespace, &format!("{BASE}REL-6-MM7-9-9"), "InventedNamespace"),
        ("xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"", "xmlns:e=\"urn:soap\"", "NotAnEnvelope"),
        ("xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"", "", "NotWellFormed"),
        (sender, "<SenderAddress><ShortCode>7001</ShortCode></SenderAddress>", "UnknownElement"),
        (sender, "<From><ShortCode>7001</ShortCode></From>", "UnknownElement"),
        (sender, "<sender><shortcode>7001</shortcode></sender>", "UnknownElement"),
        (sender, "<Sender>7001</Sender>", "AddressForm"),
        (sender, "<Sender><Code>7001</Code></Sender>", "UnknownElement"),
        (recipient, "<Recipient>16175550100</Recipient>", "AddressForm"),
        (recipient, "<Recipients><To><Number>16175550100</Number></To></Recipients>", "UnknownElement"),
        (recipient, "<To><Number>16175550100</Number></To>", "UnknownElement"),
        ("MessageID>", "MessageId>", "UnknownElement"),
        ("MMStatus>", "mmStatus>", "UnknownElement"),
        ("MMStatus>", "MMSStatus>", "UnknownElement"),
        ("2026-01-01T00:00:00Z", "01-01-2026 00:00", "BadDate"),
        ("Tom and Jerry", "Tom & Jerry", "NotWellFormed"),
        ("Tom and Jerry", "caf&eacute;&nbsp;", "NotWellFormed"),
        ("Tom and Jerry", "1 < 2, I <3 you", "NotWellFormed"),
        ("Tom and Jerry", "a\u{1}b\u{0}c", "NotWellFormed"),
        ("</e:Envelope>", "</e:Envelope>\u{0}\u{0}", "Encoding"),
        ("</e:Envelope>", "</e:Envelope>\r\nOK", "NotWellFormed"),
        ("</e:Envelope>", "", "NotWellFormed"),
        ("</e:Body></e:Envelope>", "</e:Envelope>", "NotWellFormed"),
        ("<?xml", "\r\nX<?xml", "NotWellFormed"),
        ("e:mustUnderstand=\"1\"", "e:mustUnderstand=1", "NotWellFormed"),
        ("<TransactionID", "<mm7:TransactionID", "NotWellFormed"),
        ("<e:Body>", "<e:Body><x xmlns='u'/>", "UnknownElement"),
        ("e:Body>", "e:body>", "UnknownElement"),
    ] {
        let mut form = report().replace(from, to);
        if to.starts_with("<mm7:") {
            form = form.replace("</TransactionID", "</mm7:TransactionID");
        }
        assert_ne!(form, report(), "{from}");
        let rule = if rule == "UnknownElement" && to.contains("body") { "ChildNamespace" } else { rule };
        if to == "e:body>" || to.starts_with("<e:Body><x") {
            let decoded = forgiven(form.as_bytes());
            assert_eq!(report_in(&decoded).mm_status, "Retrieved", "{form}");
            continue;
        }
        says_the_same(&form, rule);
    }
}

#[test]
fn operations_in_other_spellings() {
    for name in [
        "DeliverReportReq",
        "DeliveryReport",
        "deliveryreportreq",
        "DELIVERYREPORTREQ",
        "MM7DeliveryReportReq",
        "mm7_DeliveryReportReq",
        "DeliveryReportRequest",
        "Delivery-Report-Req",
        "DeliverReport",
        "DLR",
        "DeliveryReq",
    ] {
        says_the_same(&report().replace("DeliveryReportReq", name), "UnknownElement");
    }
    for name in ["ReadReplyRequest", "readReply", "MM7ReadReplyReq", "ReadReportReq"] {
        let decoded = forgiven(report().replace("DeliveryReportReq", name).as_bytes());
        let Some(Message::ReadReplyReq(ReadReplyReq { mm: ReportedMm { message_id, .. }, .. })) =
            &decoded.message
        else {
            panic!("{name}")
        };
        assert_eq!(message_id.as_ref().unwrap().as_str(), "m-1");
        assert_eq!(decoded.operation.as_deref(), Some(name), "as it came");
    }
    for name in ["DeliveryReportRsp", "DeliverReportRsp", "SubmitReq", "CancelReq", "deliveryReportResponse"]
    {
        let decoded = decode_forgiving(
            report().replace("DeliveryReportReq", name).as_bytes(),
            None,
            &Limits::default(),
        );
        let refused = Dialect::FORGIVING.first_refused(&decoded.unwrap(), TAKEN);
        assert_eq!(refused.map(|error| error.rule), Some(Rule::UnknownOperation), "{name}");
    }
}

#[test]
fn an_operation_without_envelope_or_inside_of_another_element() {
    let whole = report();
    let operation = &whole[whole.find("<DeliveryReportReq").unwrap()..whole.find("</e:Body>").unwrap()];
    says_the_same(operation, "NotAnEnvelope");
    let envelope =
        format!("<Envelope xmlns='http://schemas.xmlsoap.org/soap/envelope/'>{operation}</Envelope>");
    says_the_same(&envelope, "UnknownElement");
    says_the_same(&whole.replace(operation, &format!("<report>{operation}</report>")), "UnknownElement");
}

#[test]
fn bytes_of_another_encoding_than_they_say() {
    let text = report().replace("Tom and Jerry", "café");
    let latin: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let decoded = forgiven(&latin);
    assert_eq!(report_in(&decoded).status_text.as_deref(), Some("café"));
    assert_eq!(rules(&decoded), ["Encoding"]);
    for encoding in ["UTF-16", "GB2312", "US-ASCII", "unknown-8bit"] {
        let decoded = forgiven(text.replace("UTF-8", encoding).as_bytes());
        assert_eq!(report_in(&decoded).mm_status, "Retrieved", "{encoding}");
    }
}

#[test]
fn what_holds_no_report_is_refused_as_ever() {
    let refused = |xml: &str| match decode_forgiving(xml.as_bytes(), None, &Limits::default()) {
        Err(error) => Some(error.rule),
        Ok(decoded) => Dialect::FORGIVING.first_refused(&decoded, TAKEN).map(|error| error.rule),
    };
    let whole = report();
    for (xml, rule) in [
        ("MMStatus=Retrieved", Rule::NotWellFormed),
        ("", Rule::NotWellFormed),
        ("{\"status\":\"Retrieved\"}", Rule::NotWellFormed),
        (&whole.replace("?>", "?><!DOCTYPE e>"), Rule::Doctype),
        (&whole.replace("Tom and Jerry", "Tom & Jerry").replace("?>", "?><!DOCTYPE e>"), Rule::Doctype),
        ("<html><body>x</body></html>", Rule::UnknownOperation),
        (
            "<e:Envelope xmlns:e='http://schemas.xmlsoap.org/soap/envelope/'><e:Body/></e:Envelope>",
            Rule::EmptyBody,
        ),
        ("<e:Envelope xmlns:e='http://schemas.xmlsoap.org/soap/envelope/'/>", Rule::NoBody),
    ] {
        assert_eq!(refused(xml), Some(rule), "{xml}");
    }
    // Which of two reports would be the one that is answered?
    let operation = &whole[whole.find("<DeliveryReportReq").unwrap()..whole.find("</e:Body>").unwrap()];
    let two = whole.replace(operation, &operation.repeat(2));
    assert_eq!(refused(&two), Some(Rule::SeveralOperations));
    // One that broke off in the middle of its status might have said anything.
    let broken = &whole[..whole.find("rieved</MMStatus>").unwrap()];
    assert_eq!(refused(broken), Some(Rule::NotWellFormed));
}

#[test]
fn a_message_from_a_handset() {
    let message = |sender: &str, recipients: &str| {
        let whole = report();
        let (from, to) = (whole.find("<MessageID>").unwrap(), whole.find("</DeliveryReportReq>").unwrap());
        let contents = format!("{sender}{recipients}<Subject>Tom & Jerry</Subject>");
        whole.replace(&whole[from..to], &contents).replace("DeliveryReportReq", "DeliverReq")
    };
    let number = "<Number>16175550100</Number>";
    let to = "<Recipients><To><ShortCode>7001</ShortCode></To></Recipients>";
    let sender = format!("<Sender>{number}</Sender>");
    for (sender, recipients) in [
        (sender.clone(), to.to_owned()),
        (format!("<SenderAddress>{number}</SenderAddress>"), to.to_owned()),
        ("<From>16175550100</From>".to_owned(), to.to_owned()),
        (sender.clone(), "<Recipients><ShortCode>7001</ShortCode></Recipients>".to_owned()),
        (sender.clone(), "<Recipients>7001</Recipients>".to_owned()),
        (sender.clone(), "<Recipients><to><ShortCode>7001</ShortCode></to></Recipients>".to_owned()),
        (sender.clone(), "<To><ShortCode>7001</ShortCode></To>".to_owned()),
        (sender, "<Recipient><ShortCode>7001</ShortCode></Recipient>".to_owned()),
    ] {
        for name in ["DeliverReq", "deliverreq", "Deliver", "MM7DeliverReq", "MO"] {
            let xml = message(&sender, &recipients).replace("DeliverReq", name);
            let decoded = forgiven(xml.as_bytes());
            let Some(Message::DeliverReq(DeliverReq { sender, recipients, subject, .. })) = &decoded.message
            else {
                panic!("{xml}")
            };
            assert_eq!(sender.as_ref().map(Address::as_str), Some("16175550100"), "{xml}");
            let [recipient] = recipients.as_slice() else { panic!("{recipients:?}: {xml}") };
            assert_eq!((recipient.kind, recipient.address.as_str()), (RecipientKind::To, "7001"), "{xml}");
            assert_eq!(subject.as_deref(), Some("Tom & Jerry"), "{xml}");
        }
    }
}

#[test]
fn an_answer_is_in_the_names_that_came() {
    let answered = |namespace: &str, version: &str| {
        let form = report().replace(&format!("{BASE}REL-6-MM7-1-4"), namespace).replace("6.8.0", version);
        let framing = Framing::echoing(&forgiven(form.as_bytes()));
        let message = Operation::DeliveryReport.response(mm7::StatusCode::Success.into());
        let answer = mm7::decode(&encode(&message, &framing), None, &Limits::default()).unwrap();
        (answer.namespace, answer.version.unwrap().to_string())
    };
    let known = SeenNamespace::of(&format!("{BASE}REL-5-MM7-1-2"));
    assert_eq!(answered(&format!(" {BASE}REL-5-MM7-1-2\n"), "5.3.0"), (known, "5.3.0".to_owned()));
    let foreign = "http://www.3gpp.org/mm7";
    assert_eq!(answered(foreign, "7.0.0"), (SeenNamespace::of(foreign), "7.0.0".to_owned()));
    let old = format!("{BASE}REL-4-MM7-1-0");
    assert_eq!(answered(&old, ""), (SeenNamespace::of(&old), "6.8.0".to_owned()));
    let latest = SeenNamespace::Known(mm7::Namespace::LATEST);
    assert_eq!(answered("", "6.8.0"), (latest.clone(), "6.8.0".to_owned()));
    assert_eq!(answered(&"u".repeat(300), "6.8.0"), (latest, "6.8.0".to_owned()));
}
