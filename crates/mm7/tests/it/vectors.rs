//! One envelope for each thing that peers do, in `vectors/`: which rules it breaks, and what is read all the same.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use mm7::message::*;
use mm7::{Address, DecodeError, Decoded, Dialect, Limits, Message, Rule, decode};

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/vectors"))
}

fn try_read(name: &str, charset: Option<&str>) -> Result<Decoded, DecodeError> {
    let xml = fs::read(folder().join(format!("{name}.xml"))).unwrap();
    decode(&xml, charset, &Limits::default())
}

fn read(name: &str) -> Decoded {
    try_read(name, None).unwrap()
}

fn submit(name: &str) -> SubmitReq {
    match read(name).message {
        Some(Message::SubmitReq(req)) => req,
        other => unreachable!("{name}: {other:?}"),
    }
}

fn fault(name: &str) -> Fault {
    match read(name).message {
        Some(Message::Fault(fault)) => fault,
        other => unreachable!("{name}: {other:?}"),
    }
}

fn number(text: &str) -> Address {
    Address::Number(text.to_owned())
}

fn mail(text: &str) -> Address {
    Address::Rfc2822Address(text.to_owned())
}

fn short_code(text: &str) -> Address {
    Address::ShortCode(text.to_owned())
}

/// Every vector, the rules it breaks in the order of the document, and which dialects refuse it for them.
const BROKEN_RULES: &[(&str, &str)] = &[
    (
        "attributes-that-do-not-belong",
        "UnknownAttribute UnknownAttribute ChildNamespace UnknownAttribute BadValue BadValue",
    ),
    ("bare-addresses", "AddressForm AddressForm"),
    ("booleans", "BooleanCase BooleanCase BadValue BooleanCase"),
    ("yes-and-no", "BooleanCase BooleanCase BooleanCase BooleanCase BooleanCase"),
    ("children-without-namespace", "ChildNamespace"),
    ("contents-that-do-not-belong", "StrayText StrayText UnknownElement StrayText UnknownElement StrayText"),
    ("dates", "BadDate BadDate BadDate"),
    ("default-namespace", ""),
    ("elements-twice", "RepeatedElement RepeatedElement"),
    ("empty-body", "EmptyBody"),
    ("empty-elements", "MissingAttribute"),
    ("empty-transaction-id", "BadTransactionId"),
    ("enumerations", "BadValue BadValue BadValue BadValue"),
    ("envelope-namespace-as-printed", "EnvelopeNamespace"),
    ("envelope-of-another-kind", "NotAnEnvelope"),
    ("error-without-fault", ""),
    ("error-without-status", "MissingElement UnknownElement UnknownElement"),
    ("euc-kr", ""),
    ("everything", ""),
    ("everything-prefixed", ""),
    ("fault", ""),
    ("fault-from-a-vasp", ""),
    ("fault-with-a-bare-status", ""),
    ("fault-with-mm7-children", ""),
    ("fault-with-soap-children", ""),
    ("fault-without-detail", "NoHeader"),
    ("foreign-namespace", "ForeignNamespace ForeignNamespace"),
    ("foreign-namespace-of-a-child", "ForeignNamespace"),
    ("gbk", ""),
    ("header-and-body-of-two-editions", ""),
    ("header-entry-beside", "OtherHeaderEntry"),
    ("header-entry-to-be-understood", "ForeignMustUnderstand"),
    ("invented-namespace", "InventedNamespace InventedNamespace"),
    ("mistyped-address", "UnknownElement UnknownElement"),
    ("no-body", "NoBody"),
    ("no-envelope", "NotAnEnvelope"),
    ("no-header", "NoHeader"),
    ("no-namespace", "NoNamespace"),
    ("no-transaction-id", "NoTransactionId"),
    ("no-version", "NoVersion"),
    ("operation-inside-another", "UnknownElement"),
    ("padded-transaction-id", ""),
    ("padded-values", "BadValue BadValue BadValue BadValue"),
    ("qualified-href", "ChildNamespace"),
    ("recipients-twice", "RepeatedElement"),
    ("release-6-elements-in-release-5", "UnknownElement UnknownElement"),
    ("report-out-of-order", "ElementOrder UnknownElement ElementOrder"),
    ("report-without-anything", "MissingElement MissingElement MissingElement MissingElement MissingElement"),
    ("response-with-detail", "ElementOrder UnknownElement"),
    ("response-with-unreadable-code", "BadValue"),
    ("response-without-its-element", "MissingElement"),
    ("several-recipients", ""),
    ("soap-1-2", "EnvelopeNamespace"),
    ("soap-as-default-namespace", ""),
    ("two-bodies", "RepeatedElement SeveralOperations"),
    ("two-operations", "SeveralOperations"),
    ("unknown-operation", "UnknownOperation"),
    ("utf-16be-unmarked", ""),
    ("utf-16le", ""),
    ("utf-8-declared-gbk", ""),
    ("utf-8-declared-utf-16", ""),
    ("utf-8-marked", ""),
    ("vendor-elements", "UnknownElement UnknownElement"),
    ("version-of-release-4", "UnknownVersion"),
    ("version-of-two-numbers", "BadVersion"),
    ("wrapped-address", "AddressForm"),
    ("wrong-order", "ElementOrder ElementOrder"),
];

/// Vectors that leave nothing to read.
const REFUSED_WHOLE: &[(&str, Rule)] = &[
    ("cut-off", Rule::NotWellFormed),
    ("doctype", Rule::Doctype),
    ("latin-1-unlabelled", Rule::Encoding),
    ("overlong", Rule::Encoding),
];

#[test]
fn each_vector_breaks_the_rules_it_is_there_for() {
    for (name, expected) in BROKEN_RULES {
        let decoded = read(name);
        let rules: Vec<_> = decoded.errors.iter().map(|error| error.rule.name()).collect();
        assert_eq!(rules.join(" "), *expected, "{name}: {:?}", decoded.errors);
    }
    for (name, rule) in REFUSED_WHOLE {
        assert_eq!(try_read(name, None).unwrap_err().rule, *rule, "{name}");
    }
}

#[test]
fn no_vector_is_left_out() {
    let files = fs::read_dir(folder()).unwrap().map(|file| file.unwrap().path());
    let files: BTreeSet<_> = files
        .filter(|path| path.is_file())
        .map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    let tables =
        BROKEN_RULES.iter().map(|(name, _)| *name).chain(REFUSED_WHOLE.iter().map(|(name, _)| *name));
    assert_eq!(files, tables.map(str::to_owned).collect());
}

#[test]
fn offsets_point_at_what_is_wrong() {
    for (name, _) in BROKEN_RULES.iter().filter(|(name, _)| !name.starts_with("utf-16")) {
        let xml = fs::read(folder().join(format!("{name}.xml"))).unwrap();
        for error in read(name).errors {
            assert_eq!(xml.get(error.offset), Some(&b'<'), "{name}: {error}");
        }
    }
}

#[test]
fn the_transaction_id_is_read_whatever_else_is_wrong() {
    let without =
        ["no-header", "no-transaction-id", "empty-transaction-id", "no-envelope", "fault-without-detail"];
    for (name, _) in BROKEN_RULES {
        let expected = (!without.contains(name)).then_some("tx-4711");
        assert_eq!(read(name).transaction_id.as_ref().map(|id| id.as_str()), expected, "{name}");
    }
}

#[test]
fn who_sent_it_is_read_whatever_else_is_wrong() {
    for name in
        ["no-envelope", "unknown-operation", "two-operations", "foreign-namespace", "no-version", "no-header"]
    {
        assert_eq!(read(name).vaspid.map(|id| id.to_string()).as_deref(), Some("harbour-news"), "{name}");
    }
}

#[test]
fn what_the_dialects_make_of_it() {
    let refused = |dialect: &Dialect, name| {
        dialect.first_refused(&read(name), &[Operation::Submit]).map(|error| error.status().code())
    };
    for (name, posthouse, skycore, three_gpp) in [
        ("default-namespace", None, None, None),
        ("invented-namespace", None, Some(2507), Some(2507)),
        ("no-namespace", None, Some(2507), Some(2507)),
        ("foreign-namespace", Some(2507), Some(2507), Some(2507)),
        ("soap-1-2", None, Some(2510), Some(2510)),
        ("header-entry-beside", None, Some(2510), None),
        ("header-entry-to-be-understood", Some(2510), Some(2510), Some(2510)),
        ("two-operations", Some(2511), Some(2511), Some(2511)),
        ("unknown-operation", Some(2512), Some(2512), Some(2512)),
        ("report-out-of-order", Some(2512), Some(2512), Some(2512)),
        ("version-of-release-4", Some(2505), Some(2505), Some(2505)),
        ("booleans", None, None, Some(2007)),
        ("yes-and-no", None, None, Some(2007)),
        ("wrong-order", None, None, Some(2007)),
        ("children-without-namespace", None, None, Some(2007)),
    ] {
        assert_eq!(refused(Dialect::POSTHOUSE, name), posthouse, "{name}");
        assert_eq!(refused(Dialect::SKYCORE, name), skycore, "{name}");
        assert_eq!(refused(Dialect::SINCH, name), skycore, "{name}");
        assert_eq!(refused(Dialect::CMCC, name), posthouse, "{name}");
        assert_eq!(refused(Dialect::THREE_GPP, name), three_gpp, "{name}");
    }
}

#[test]
fn every_element_and_attribute() {
    let req = submit("everything");
    let expected = SubmitReq {
        sender: SenderIdentification {
            vaspid: mm7::VaspId::new("harbour-news").ok(),
            vasid: mm7::VasId::new("tides").ok(),
            address: Some(mail("x9")),
            attributes: AddressAttributes {
                display_only: false,
                coding: Some(AddressCoding::Encrypted),
                id: Some("s".to_owned()),
                as_text: false,
            },
        },
        recipients: vec![
            Recipient::to(number("16175550123")),
            Recipient { kind: RecipientKind::Cc, display_only: true, ..Recipient::to(short_code("777")) },
        ],
        service_code: Some("gold".to_owned()),
        linked_id: mm7::MessageId::new("mo-12").ok(),
        message_class: Some(MessageClass::Informational),
        time_stamp: "2026-05-05T12:00:00Z".parse().ok(),
        reply_charging: Some(ReplyCharging {
            size: Some(2048),
            deadline: Some(mm7::When::After(mm7::Period::new(0, 86_400).unwrap())),
        }),
        earliest_delivery_time: Some(mm7::When::After(mm7::Period::new(0, 1_800).unwrap())),
        expiry_date: Some(mm7::When::At("2026-05-08T12:00:00Z".parse().unwrap())),
        delivery_report: Some(true),
        read_reply: Some(false),
        priority: Some(Priority::High),
        subject: Some(" Tides & \"winds\" 🌊\r\n".to_owned()),
        charged_party: Some(ChargedParty::ThirdParty),
        charged_party_id: Some("16175550199".to_owned()),
        distribution_indicator: Some(false),
        delivery_condition: vec![1, 4],
        application: ApplicationIds {
            applic_id: Some("app".to_owned()),
            reply_applic_id: Some("reply".to_owned()),
            aux_applic_info: Some("aux".to_owned()),
        },
        content_class: Some(ContentClass::ImageRich),
        drm_content: Some(false),
        content: Some(Content { href: Some("cid:picture".to_owned()), allow_adaptations: Some(true) }),
    };
    assert_eq!(req, expected);
}

#[test]
fn values_in_other_spellings() {
    let req = submit("booleans");
    let flags = (req.delivery_report, req.read_reply, req.distribution_indicator, req.drm_content);
    assert_eq!(flags, (Some(true), Some(false), Some(true), None));
    assert_eq!(req.content.and_then(|content| content.allow_adaptations), Some(false));
    let req = submit("yes-and-no");
    let flags = (req.delivery_report, req.read_reply, req.distribution_indicator, req.drm_content);
    assert_eq!(flags, (Some(false), Some(true), Some(false), Some(true)));
    assert_eq!(req.content.and_then(|content| content.allow_adaptations), Some(false));
    let req = submit("enumerations");
    assert_eq!(req.message_class, Some(MessageClass::Personal));
    assert_eq!(req.priority, Some(Priority::High));
    assert_eq!(
        req.charged_party,
        Some(ChargedParty::Other("Somebody".to_owned())),
        "that it is there is told"
    );
    assert_eq!(req.content_class, None);
    let req = submit("dates");
    assert_eq!(req.time_stamp, "2026-05-05T12:00:00Z".parse().ok());
    assert_eq!(req.earliest_delivery_time, Some(mm7::When::At("2026-05-05T13:00:00Z".parse().unwrap())));
    assert_eq!(req.expiry_date, None);
}

#[test]
fn addresses_in_other_forms() {
    let req = submit("bare-addresses");
    assert_eq!(req.sender.address, Some(number("61295")));
    assert_eq!(req.recipients, [Recipient::to(mail("harbour@example.com"))]);
    assert_eq!(submit("wrapped-address").sender.address, Some(number("16175550100")));
    let expected = [mail("harbour@example.com"), number("+16175550123/TYPE=PLMN")].map(Recipient::to);
    assert_eq!(submit("mistyped-address").recipients, expected);
    let expected = [
        Recipient::to(number("16175550123")),
        Recipient { display_only: true, ..Recipient::to(number("16175550124")) },
        Recipient { kind: RecipientKind::Bcc, ..Recipient::to(short_code("777")) },
        Recipient::to(mail("harbour@example.com")),
    ];
    assert_eq!(submit("several-recipients").recipients, expected);
    // Who sends twice means both: a recipient overlooked would be one who gets nothing.
    let expected = ["16175550123", "16175550124"].map(|text| Recipient::to(number(text)));
    assert_eq!(submit("recipients-twice").recipients, expected);
}

#[test]
fn what_is_empty_and_what_is_absent() {
    let req = submit("empty-elements");
    assert_eq!(req.sender.address, None);
    assert_eq!(req.recipients, []);
    assert_eq!(req.linked_id, None);
    assert_eq!(req.service_code.as_deref(), Some(""));
    assert_eq!(req.subject.as_deref(), Some(""));
    assert_eq!(req.content, Some(Content::default()));
    assert_eq!(submit("everything-prefixed").content, None);
}

#[test]
fn of_two_the_first_counts() {
    let req = submit("elements-twice");
    assert_eq!(req.subject.as_deref(), Some("one"));
    assert_eq!(req.sender.address, Some(short_code("61295")));
}

#[test]
fn order_does_not_matter() {
    let req = submit("wrong-order");
    assert_eq!((req.priority, req.delivery_report), (Some(Priority::Low), Some(true)));
    let decoded = read("report-out-of-order");
    let Some(Message::DeliveryReportReq(report)) = decoded.message else { unreachable!() };
    assert_eq!(report.mm.message_id.map(|id| id.to_string()).as_deref(), Some("900719925474099"));
    assert_eq!(
        (report.mm.recipient, report.mm.sender),
        (Some(number("16175550123")), Some(short_code("61295")))
    );
    assert_eq!(report.date, "2026-05-05T12:00:01Z".parse().ok());
    assert_eq!(report.mm_status, "Second: handset took it");
    assert_eq!(report.status_text.as_deref(), Some("1001"));
}

#[test]
fn an_href_however_it_is_written() {
    let href = submit("qualified-href").content.and_then(|content| content.href);
    assert_eq!(href.as_deref(), Some("cid: picture"));
}

#[test]
fn elements_of_a_later_release_are_read() {
    let req = submit("release-6-elements-in-release-5");
    assert_eq!(req.charged_party_id.as_deref(), Some("16175550199"));
    assert_eq!(req.content_class, Some(ContentClass::Text));
}

#[test]
fn an_operation_inside_another() {
    let decoded = read("operation-inside-another");
    assert_eq!(decoded.operation.as_deref(), Some("DeliverReq"));
    let Some(Message::DeliverReq(req)) = decoded.message else { unreachable!() };
    assert_eq!(req.relay_server_id.as_deref(), Some("mmsc-2"));
    assert_eq!((req.sender, req.subject.as_deref()), (Some(number("16175550123")), Some("inside")));
}

#[test]
fn responses() {
    let status = |name| read(name).message.as_ref().and_then(Message::status).cloned().unwrap();
    let expected = Status {
        code: 2005,
        text: "Message ID Not found".to_owned(),
        details: Some("gone for good".to_owned()),
    };
    assert_eq!(status("response-with-detail"), expected);
    assert_eq!(status("response-with-unreadable-code").code, 0);
    let decoded = read("response-without-its-element");
    let Some(Message::SubmitRsp(rsp)) = decoded.message else { unreachable!() };
    assert_eq!(rsp.status.code, 1000);
    assert_eq!(rsp.message_id.map(|id| id.to_string()).as_deref(), Some("m-77"));
    assert_eq!(status("error-without-fault").code, 2002);
    assert_eq!(status("error-without-status").code, 2001);
}

#[test]
fn faults() {
    for name in ["fault", "fault-with-soap-children", "fault-with-mm7-children"] {
        let fault = fault(name);
        assert_eq!((fault.code, fault.string.as_str()), (FaultCode::Client, "Client error"), "{name}");
        assert!(
            matches!(fault.detail, Some(FaultDetail::RsErrorRsp(rsp)) if rsp.status.code == 2002),
            "{name}"
        );
        assert_eq!(read(name).version, Some(mm7::Version::V6_8_0), "{name}");
    }
    assert!(
        matches!(fault("fault-from-a-vasp").detail, Some(FaultDetail::VaspErrorRsp(rsp)) if rsp.status.code == 2002)
    );
    assert_eq!(fault("fault-with-a-bare-status").detail.map(|detail| detail.status().code), Some(3000));
    let fault = fault("fault-without-detail");
    assert_eq!((fault.detail.as_ref(), fault.code_in_string()), (None, Some(4006)));
}

#[test]
fn texts_in_other_encodings() {
    let subject = |name, charset| match try_read(name, charset).unwrap().message {
        Some(Message::SubmitReq(req)) => req.subject,
        _ => None,
    };
    for name in [
        "utf-16le",
        "utf-16be-unmarked",
        "gbk",
        "utf-8-declared-gbk",
        "utf-8-declared-utf-16",
        "utf-8-marked",
    ] {
        assert_eq!(subject(name, None).as_deref(), Some("潮汐 16:20"), "{name}");
        assert_eq!(subject(name, Some("utf:8")).as_deref(), Some("潮汐 16:20"), "{name}");
    }
    assert_eq!(subject("euc-kr", None).as_deref(), Some("만조 16:20"));
    assert_eq!(subject("latin-1-unlabelled", Some("iso-8859-1")).as_deref(), Some("Flut für Föhr"));
}
