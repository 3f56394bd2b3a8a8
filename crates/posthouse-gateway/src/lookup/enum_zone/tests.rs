use super::*;

const MMS: &str = "E2U+mms:mailto";
const MAILTO: &str = "!^.*$!mailto:+16175550100@MMS.Example.net!";

pub fn number() -> Msisdn {
    Msisdn::parse("16175550100", false).unwrap()
}

fn zone() -> Zone {
    Zone::parse("dns://127.0.0.1/e164.arpa").unwrap()
}

/// The reply to a question: flags and records, of which only NAPTR of class IN count.
pub fn reply(question: &[u8], flags: u16, records: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = question.to_vec();
    bytes[2..4].copy_from_slice(&(IS_REPLY | flags).to_be_bytes());
    bytes[6..8].copy_from_slice(&u16::try_from(records.len()).unwrap().to_be_bytes());
    records.iter().for_each(|record| bytes.extend_from_slice(record));
    bytes
}

fn record(kind: u16, data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0xc0, 12];
    for word in [kind, CLASS_IN, 0, 3600, u16::try_from(data.len()).unwrap()] {
        bytes.extend_from_slice(&word.to_be_bytes());
    }
    [bytes, data.to_vec()].concat()
}

/// A NAPTR record whose name is a pointer to the question's.
pub fn naptr(order: u16, preference: u16, flags: &str, services: &str, regexp: &str) -> Vec<u8> {
    let mut data = [order.to_be_bytes(), preference.to_be_bytes()].concat();
    for text in [flags, services, regexp] {
        data.push(u8::try_from(text.len()).unwrap());
        data.extend_from_slice(text.as_bytes());
    }
    data.push(0);
    record(TYPE_NAPTR, &data)
}

fn read_records(records: &[Vec<u8>]) -> Result<KnownCarrier, ProviderError> {
    let question = question_for(&zone(), &number(), 7);
    read(&reply(&question, 0, records), &question)
}

#[test]
fn a_question_has_the_digits_from_behind() {
    let expected = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\
        \x010\x010\x011\x010\x015\x015\x015\x017\x011\x016\x011\x04e164\x04arpa\x00\x00\x23\x00\x01";
    assert_eq!(question_for(&zone(), &number(), 0x1234), expected);
}

#[test]
fn a_carrier_is_named_by_mailto_or_by_spn() {
    for (services, regexp, expected) in [
        (MMS, MAILTO, Some("mms.example.net")),
        ("e2u+MMS:mailto", "!^.*$!MAILTO:+1@31003?x=a@b!", Some("31003")),
        ("E2U+mms", "/^(.*)$/mailto:\\1@mms.example.net/i", Some("mms.example.net")),
        ("E2U+sip+mms:mailto", MAILTO, Some("mms.example.net")),
        ("E2U+pstn:tel", "!^.*$!tel:+16175550100;npdi;spn=31003!", Some("31003")),
        ("E2U+pstn:tel", "!^.*$!tel:+16175550100;SPN=vzw;rn=+16175550000!", Some("vzw")),
        ("E2U+pstn:tel", r"!^\!.*$!tel:+16175550100;spn=31003!", Some("31003")),
        ("E2U+pstn:tel", "!^.*$!tel:+16175550100;npdi!", None),
        ("E2U+pstn:tel", "!^.*$!tel:+16175550100;spn=!", None),
        ("E2U+pstn:tel", r"!^(.*)$!tel:\1;spn=\1!", None),
        ("E2U+pstn:sip", "!^.*$!sip:+16175550100@31003!", None),
        ("E2U+sip", MAILTO, None),
        ("E2U+smms:mailto", MAILTO, None),
        ("mms:mailto", MAILTO, None),
        ("", MAILTO, None),
        (MMS, "!^.*$!mailto:nobody!", None),
        (MMS, "!^.*$!mailto:+1@!", None),
        (MMS, "!^.*$!mailto:+1@mms.example.net", None),
        (MMS, "!^.*$", None),
        (MMS, "!", None),
        (MMS, "", None),
    ] {
        let answer = read_records(&[naptr(10, 10, "u", services, regexp)]);
        assert_eq!(answer, Ok(expected.map(Into::into)), "{services} {regexp}");
    }
    let long = format!("!!tel:1;spn={}!", "x".repeat(129));
    assert_eq!(read_records(&[naptr(10, 10, "u", "E2U+pstn:tel", &long)]), Ok(None));
    assert_eq!(read_records(&[naptr(10, 10, "U", MMS, MAILTO)]), Ok(Some("mms.example.net".into())));
    assert_eq!(read_records(&[naptr(10, 10, "", MMS, MAILTO)]), Ok(None));
}

#[test]
fn the_first_by_order_and_preference_that_names_a_carrier_counts() {
    let spn = |order, preference, name: &str| {
        naptr(order, preference, "u", "E2U+pstn:tel", &format!("!^.*$!tel:+1;spn={name}!"))
    };
    let alias = record(5, b"\x01x\x00");
    let records = [
        spn(20, 1, "late"),
        alias,
        spn(10, 20, "second"),
        naptr(1, 1, "u", "E2U+sip", "!^.*$!sip:x@y!"),
        spn(10, 10, "first"),
        spn(10, 30, "third"),
    ];
    assert_eq!(read_records(&records), Ok(Some("first".into())));
    assert_eq!(read_records(&[]), Ok(None));
}

#[test]
fn only_no_error_and_no_such_name_are_answers() {
    let question = question_for(&zone(), &number(), 7);
    for (flags, expected) in [
        (0, Ok(Some("mms.example.net".into()))),
        (3, Ok(None)),
        (2, Err(ProviderError("DNS response code 2".to_owned()))),
        (5, Err(ProviderError("DNS response code 5".to_owned()))),
    ] {
        let reply = reply(&question, flags, &[naptr(10, 10, "u", MMS, MAILTO)]);
        assert_eq!(read(&reply, &question), expected, "{flags}");
    }
}

#[test]
fn only_a_reply_to_the_question_is_one() {
    let question = question_for(&zone(), &number(), 7);
    let good = reply(&question, 0, &[naptr(10, 10, "u", MMS, MAILTO)]);
    assert!(replies_to(&good, &question));
    assert!(replies_to(&good.to_ascii_uppercase(), &question));
    assert!(!replies_to(&question, &question), "a question is no reply");
    assert!(!replies_to(&good, &question_for(&zone(), &number(), 8)), "another id");
    assert!(!replies_to(&good, &question_for(&Zone::parse("dns://h/e164.arpb").unwrap(), &number(), 7)));
    for length in 0..question.len() {
        assert!(!replies_to(&good[..length], &question), "{length} bytes");
    }
}

#[test]
fn a_broken_reply_is_no_answer_and_does_no_harm() {
    let question = question_for(&zone(), &number(), 7);
    let good = reply(&question, 0, &[naptr(10, 10, "u", MMS, MAILTO)]);
    let malformed = Err(ProviderError("a malformed DNS reply".to_owned()));
    // The last byte is the replacement, which nobody needs; its length is counted all the same.
    for length in 0..good.len() {
        assert_eq!(read(&good[..length], &question), malformed, "{length} bytes");
    }
    for at in 0..good.len() {
        for byte in 0..=255 {
            let mut changed = good.clone();
            changed[at] = byte;
            // Whatever it says, it ends.
            let _ = (replies_to(&changed, &question), is_truncated(&changed), read(&changed, &question));
        }
    }
}
