//! What `lint` finds, where, and what it would write instead; and that findings and verdicts never disagree.

use std::{
    fs, panic,
    path::{Path, PathBuf},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::Duration,
};

use mm7::{Dialect, Rule};
use posthouse_core::{
    lint::{JudgedFinding, LintReport, Options, Unfixable},
    submit::Reject,
};

/// Work that takes so long does not end.
const NEVER: Duration = Duration::from_secs(300);

const BODY: &str = r#"--b
Content-Type: text/xml; charset=utf-8
Content-ID: <soap>

<?xml version="1.0" encoding="UTF-8"?>
<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/">
  <e:Header>
    <TransactionID xmlns="http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4" e:mustUnderstand="1">t-1</TransactionID>
  </e:Header>
  <e:Body>
    <SubmitReq xmlns="http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4">
      <MM7Version>6.8.0</MM7Version>
      <SenderIdentification>
        <VASPID>harbour</VASPID>
        <VASID>tides</VASID>
        <SenderAddress><ShortCode>4711</ShortCode></SenderAddress>
      </SenderIdentification>
      <Recipients><To><Number>16175550123</Number></To></Recipients>
      <DeliveryReport>true</DeliveryReport>
      <Subject>Tides</Subject>
      <Content href="cid:media"/>
    </SubmitReq>
  </e:Body>
</e:Envelope>
--b
Content-Type: multipart/related; boundary=c
Content-ID: <media>

--c
Content-Type: application/smil
Content-ID: <show.smil>

<smil><body><par dur="5s"><text src="cid:hello.txt"/></par></body></smil>
--c
Content-Type: text/plain; charset=utf-8
Content-ID: <hello.txt>

High water at noon
--c--
--b--
"#;

/// The request with its body edited and the length that goes with it.
fn request(edits: &[(&str, &str)]) -> String {
    let body = edited(BODY, edits);
    format!(
        "POST /mm7/v1 HTTP/1.1\nHost: h\nContent-Type: multipart/related; boundary=b\nContent-Length: {}\n\n{body}",
        body.len()
    )
}

fn edited(text: &str, edits: &[(&str, &str)]) -> String {
    edits.iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    })
}

fn lint(file: &str) -> LintReport {
    LintReport::read(file.to_owned().into(), &Options::default())
}

/// Each finding as `place name what posthouse/skycore/sinch/3gpp -> corrected`, with `/cmcc` where that differs from posthouse.
fn told(report: &LintReport) -> Vec<String> {
    let line = |finding: &JudgedFinding| {
        let mut answers: Vec<u32> =
            finding.answers().map(|(_, answer)| answer.map_or(0, |status| status.code)).collect();
        if answers.last() == answers.first() {
            answers.pop();
        }
        let answers: Vec<_> = answers.iter().map(u32::to_string).collect();
        let answers = answers.join("/");
        let corrected = finding.remedy.corrected.as_deref().unwrap_or("-");
        format!("{} {} | {} | {answers} | {corrected}", finding.place, finding.name(), finding.what)
    };
    report.findings.iter().map(line).collect()
}

/// The codes of each dialect but cmcc, as they show one after the other.
fn codes(report: &LintReport) -> [Vec<u32>; 4] {
    let [posthouse, skycore, sinch, three_gpp, _] =
        report.verdicts.each_ref().map(posthouse_core::lint::DialectVerdict::codes);
    [posthouse, skycore, sinch, three_gpp]
}

#[test]
fn a_good_request_has_no_findings() {
    let report = lint(&request(&[]));
    assert_eq!(told(&report), [""; 0]);
    assert!(report.verdicts.iter().all(posthouse_core::lint::DialectVerdict::is_accepted));
    let crlf = request(&[]).replace('\n', "\r\n");
    let crlf = crlf.replace("Content-Length: 1", "X: 1");
    assert_eq!(told(&lint(&crlf)).len(), 1, "but for the length, that is left out");
}

const TRANSACTION_ID: &str = "<TransactionID xmlns=\"http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4\" e:mustUnderstand=\"1\">t-1</TransactionID>";
const SUBMIT_REQ: &str =
    "<SubmitReq xmlns=\"http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4\">";

/// One fault each: where it is found, in which words, what each dialect answers, and what is to be written.
/// `NAMESPACE` stands for that of REL-6-MM7-1-4.
type Row = (&'static [(&'static str, &'static str)], &'static str);
const SINGLE_FAULTS: &[Row] = &[
    (
        &[("<DeliveryReport>true", "<DeliveryReport>True")],
        "24:7 BooleanCase | DeliveryReport: the schema writes True as true | 0/0/0/2007 | <DeliveryReport>true</DeliveryReport>",
    ),
    (
        &[("<Subject>Tides</Subject>\n", ""), ("<MM7Version>", "<Subject>Tides</Subject><MM7Version>")],
        r#"17:7 ElementOrder | Subject stands before MM7Version | 0/0/0/2007 | <Subject>Tides</Subject><Content href="cid:media"/>"#,
    ),
    (
        &[("<ShortCode>4711</ShortCode>", "4711")],
        "21:9 AddressForm | SenderAddress holds an address as bare text | 0/0/0/2007 | <SenderAddress><Number>4711</Number></SenderAddress>",
    ),
    (
        &[("Subject>", "Subjekt>")],
        "25:7 UnknownElement | Subjekt is no element of SubmitReq | 0/0/0/2007 | <Subject>Tides</Subject>",
    ),
    (
        &[("<DeliveryReport>true", "<DeliveryReport>no")],
        "24:7 BooleanCase | DeliveryReport: the schema writes no as false | 0/0/0/2007 | <DeliveryReport>false</DeliveryReport>",
    ),
    (
        &[(
            "<DeliveryReport>",
            "<ReplyCharging xmlns:x=\"http://www.w3.org/2001/XMLSchema-instance\" x:nil=\"true\"/><DeliveryReport>",
        )],
        "24:7 UnknownAttribute | ReplyCharging has no attribute nil | 0/0/0/2007 | -",
    ),
    (
        &[("<Subject>Tides</Subject>", "<Subject>Tides</Subject><X-Tariff>b</X-Tariff>")],
        "25:31 UnknownElement | X-Tariff is no element of SubmitReq | 0/0/0/2007 | -",
    ),
    (
        &[
            ("<Subject>", "<MessageClass>personal</MessageClass><Subject>"),
            ("<DeliveryReport>true</DeliveryReport>", ""),
        ],
        r#"25:7 BadValue | MessageClass: "personal" is none of its values | 0/0/0/2007 | <MessageClass>Personal</MessageClass>"#,
    ),
    (
        &[("<Subject>", "<Priority>urgent</Priority><Subject>")],
        r#"25:7 BadValue | Priority: "urgent" is none of its values | 0/0/0/2007 | -"#,
    ),
    (
        &[("<DeliveryReport>", "<ExpiryDate>tomorrow</ExpiryDate><DeliveryReport>")],
        r#"24:7 BadDate | ExpiryDate: the date "tomorrow" cannot be read | 0/0/0/2007 | -"#,
    ),
    (
        &[("<DeliveryReport>", "<ExpiryDate>2026-12-24 18:00:00</ExpiryDate><DeliveryReport>")],
        r#"24:7 BadDate | ExpiryDate: the date "2026-12-24 18:00:00" is not in the schema's form | 0/0/0/2007 | <ExpiryDate>2026-12-24T18:00:00Z</ExpiryDate>"#,
    ),
    (
        &[("6.8.0", "6.8")],
        r#"17:7 BadVersion | MM7Version "6.8" is not of the form x.y.z | 2505/2505/2505/2505 | <MM7Version>6.8.0</MM7Version>"#,
    ),
    (
        &[("6.8.0", "6.9.0")],
        "17:7 UnknownVersion | MM7Version 6.9.0 in REL-6-MM7-1-4 is taken by posthouse, 3gpp, cmcc only | 0/2505/2505/0 | <MM7Version>6.8.0</MM7Version>",
    ),
    (
        &[(TRANSACTION_ID, "")],
        r#"12:3 NoTransactionId | the Header has no TransactionID | 2510/2510/2510/2510 | <TransactionID xmlns="NAMESPACE" e:mustUnderstand="1">an-id-of-yours</TransactionID>"#,
    ),
    (
        &[(SUBMIT_REQ, "<SubmitReq xmlns=\"urn:mm7\">")],
        r#"16:5 ForeignNamespace | SubmitReq is in urn:mm7, which is not MM7's | 2507/2507/2507/2507 | xmlns="NAMESPACE""#,
    ),
    (
        &[(SUBMIT_REQ, "<SubmitReq>")],
        r#"16:5 NoNamespace | SubmitReq is in no namespace | 0/2507/2507/2507 | xmlns="NAMESPACE""#,
    ),
    (
        &[("SubmitReq", "submitReq")],
        r#"16:5 UnknownOperation | submitReq is not an operation of MM7 | 2512/2512/2512/2512 | <SubmitReq xmlns="NAMESPACE">"#,
    ),
    (
        &[("SubmitReq", "SendReq")],
        "16:5 UnknownOperation | SendReq is not an operation of MM7 | 2512/2512/2512/2512 | -",
    ),
    (
        &[("        <VASPID>harbour</VASPID>\n", "")],
        "18:7 sender_identification | SenderIdentification has no VASPID | 2561/2561/2561/2561 | <SenderIdentification><VASPID>your-api-key</VASPID>…</SenderIdentification>",
    ),
    (
        &[("<SenderAddress><ShortCode>4711</ShortCode></SenderAddress>", "")],
        "18:7 sender_present | there is no SenderAddress | 2504/2504/2504/2504 | <SenderAddress><ShortCode>111122</ShortCode></SenderAddress>",
    ),
    (
        &[("<Recipients><To><Number>16175550123</Number></To></Recipients>", "")],
        "16:5 recipient_present | there is no recipient | 2502/2502/2502/2502 | <Recipients><To><Number>16175550100</Number></To></Recipients>",
    ),
    (
        &[("</To>", "<Number>16175550124</Number></To>")],
        "23:7 one_recipient | there are 2 recipients | 2503/2503/2503/2503 | -",
    ),
    (
        &[("16175550123", "+1 617-555-0123")],
        r#"23:19 recipient_number | the recipient "+1 617-555-0123" is not an international number | 2002/2002/2002/2002 | <To><Number>16175550123</Number></To>"#,
    ),
    (
        &[("16175550123", "+16175550123/TYPE=PLMN")],
        r#"23:19 recipient_number | the recipient "+16175550123/TYPE=PLMN" is taken as a number by posthouse, skycore, sinch, cmcc only | 0/0/0/2002 | <To><Number>16175550123</Number></To>"#,
    ),
    (
        &[("<DeliveryReport>", "<ReplyCharging/><DeliveryReport>")],
        "24:7 reply_charging | ReplyCharging is present | 2565/2565/2565/2565 | -",
    ),
    (
        &[("<Content href", "<ChargedParty>Sender</ChargedParty><Content href")],
        "26:7 charged_party | ChargedParty is present | 3002/3002/3002/2001 | -",
    ),
    (
        &[("<Content href=\"cid:media\"/>", "")],
        r#"16:5 content_present | SubmitReq has no Content | 2506/2506/2506/2506/0 | <Content href="cid:mm7-content"/>"#,
    ),
    (
        &[("href=\"cid:media\"", "href=\"cid:nothing\"")],
        r#"26:7 HrefWithoutPart | Content/@href is "cid:nothing", which is no part of the message | 0/0/0/2513 | href="cid:media""#,
    ),
    (
        &[("href=\"cid:media\"", "e:href=\"cid:media\"")],
        r#"26:7 ChildNamespace | href of Content is in a namespace | 0/0/0/2007 | <Content href="cid:media"/>"#,
    ),
    (
        &[("<Number>", "<Number type=\"PLMN\">")],
        r#"23:23 UnknownAttribute | Number has no attribute type | 0/0/0/2007 | -"#,
    ),
    (
        &[("<Content href=\"cid:media\"/>", "<Content href=\"cid:media\"> </Content>")],
        r#"26:7 StrayText | Content has to be empty, without even blanks | 0/0/0/2007 | <Content href="cid:media"/>"#,
    ),
    (
        &[("<Recipients>", "<Recipients>all of")],
        r#"23:7 StrayText | "all of" stands between the elements of Recipients | 0/0/0/2007 | -"#,
    ),
    (
        &[("Tides</Subject>", "<b>Tides</b></Subject>")],
        r#"25:16 UnknownElement | b is no element of Subject | 0/0/0/2007 | -"#,
    ),
    (
        &[("src=\"cid:hello.txt\"", "src=\"cid:helo.txt\"")],
        r#"byte 1145 SmilReference | the SMIL shows "cid:helo.txt", which is no part of the message | 2513/2513/2513/2513 | src="cid:hello.txt""#,
    ),
    (
        &[("<body>", "<body")],
        "byte 1171 SmilForm | the SMIL is not well-formed: </par> stands where </body<par> should | 2513/2513/2513/2513 | -",
    ),
    (
        &[("Content-Type: text/plain; charset=utf-8\n", "")],
        "byte 1197 PartWithoutContentType | a part has no Content-Type | 2514/2514/2514/2514 | Content-Type: text/plain; charset=utf-8",
    ),
    (
        &[("Content-Type: text/plain; charset=utf-8", "Content-Type: text")],
        "byte 1197 PartContentType | the Content-Type of a part cannot be read: the value is not a media type of the form type/subtype | 2514/2514/2514/2514 | Content-Type: text/plain; charset=utf-8",
    ),
    (
        &[("--c--\n", "")],
        "byte 1280 Boundary | the multipart has no closing delimiter | 2513/2513/2513/2513 | --c--",
    ),
    (
        &[("--b--\n", "")],
        "byte 1287 Boundary | the multipart has no closing delimiter | 2513/2513/2513/2513 | --b--",
    ),
    (
        &[("boundary=c", "boundary=d")],
        "byte 1059 Boundary | no line is the delimiter of the multipart | 2513/2513/2513/2513 | Content-Type: multipart/related; boundary=c",
    ),
    (
        &[(
            "Content-Type: application/smil\n",
            "Content-Type: application/smil\nContent-Transfer-Encoding: x-gzip\n",
        )],
        r#"byte 1063 TransferEncoding | the transfer encoding "x-gzip" is not known | 2513/2513/2513/2513 | Content-Transfer-Encoding: binary"#,
    ),
    (
        &[
            (
                "utf-8\nContent-ID: <hello.txt>",
                "utf-8\nContent-Transfer-Encoding: base64\nContent-ID: <hello.txt>",
            ),
            ("at noon", "!"),
        ],
        "byte 1307 TransferEncoding | the part has a byte that base64 does not have | 2513/2513/2513/2513 | Content-Transfer-Encoding: binary",
    ),
    (
        &[("Content-Type: text/xml; charset=utf-8", "Content-Type: text/html")],
        r#"byte 100 RootContentType | the Content-Type of the root part is "text/html", no XML type | 2515/2515/2515/2515 | Content-Type: text/xml; charset=utf-8"#,
    ),
    (
        &[("Tides</Subject>", "Tides & winds</Subject>")],
        "25:22 NotWellFormed | & begins no reference: there is no ; behind it | 2007/2007/2007/2007 | &amp;",
    ),
    (
        &[("</SenderIdentification>", "")],
        "27:5 NotWellFormed | </SubmitReq> stands where </SenderIdentification> should | 2007/2007/2007/2007 | </SenderIdentification>",
    ),
    (
        &[("</SubmitReq>\n  </e:Body>\n</e:Envelope>", "")],
        "27:5 NotWellFormed | SubmitReq is never closed | 2007/2007/2007/2007 | </SubmitReq></e:Body></e:Envelope>",
    ),
    (
        &[("<e:Envelope", "<!DOCTYPE a><e:Envelope")],
        "11:1 Doctype | the envelope has a DOCTYPE | 2007/2007/2007/2007 | -",
    ),
    (
        &[("http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope")],
        r#"11:1 EnvelopeNamespace | the Envelope is in http://www.w3.org/2003/05/soap-envelope instead of http://schemas.xmlsoap.org/soap/envelope/ | 0/2510/2510/2510 | xmlns:e="http://schemas.xmlsoap.org/soap/envelope/""#,
    ),
    (
        &[("<e:Header>", "<e:Header><Token e:mustUnderstand=\"1\">x</Token>")],
        "12:13 ForeignMustUnderstand | Token in the Header must be understood and is not | 2510/2510/2510/2510 | -",
    ),
    (
        &[("<e:Header>", "<e:Header><Token>x</Token>")],
        "12:13 OtherHeaderEntry | Token stands in the Header beside TransactionID | 0/2510/2510/0 | -",
    ),
    (
        &[("</SubmitReq>", "</SubmitReq><CancelReq/>")],
        "27:17 SeveralOperations | the Body has CancelReq beside SubmitReq | 2511/2511/2511/2511 | -",
    ),
];

#[test]
fn single_faults() {
    let uri = mm7::Namespace::LATEST.uri();
    for (edits, expected) in SINGLE_FAULTS {
        let found = told(&lint(&request(edits)));
        let found: Vec<_> = found.iter().map(|finding| finding.replace(uri, "NAMESPACE")).collect();
        assert_eq!(found, [*expected], "{edits:?}");
    }
}

#[test]
fn the_head_is_row_one_and_the_rest_is_judged_all_the_same() {
    let good = request(&[("<DeliveryReport>true", "<DeliveryReport>True")]);
    let length = good.split_once("\n\n").unwrap().1.len();
    let declared = format!("Content-Length: {length}");
    let with_length = |value: &str| good.replace(&declared, value);
    let content_type = "Content-Type: multipart/related; boundary=b\nContent-Length";
    for (file, place, what, corrected) in [
        (with_length("X: y"), "1:1", "there is no Content-Length".to_owned(), declared.clone()),
        (
            with_length("Content-Length: many"),
            "4:1",
            "Content-Length is \"many\", no number".to_owned(),
            declared.clone(),
        ),
        (
            good.replace(content_type, "Content-Length"),
            "1:1",
            "there is no Content-Type".to_owned(),
            "Content-Type: multipart/related; boundary=b; type=\"text/xml\"".to_owned(),
        ),
        (
            good.replace(content_type, "Content-Type: multipart/related\nContent-Length"),
            "3:1",
            "multipart/related has no boundary".to_owned(),
            "Content-Type: multipart/related; boundary=b; type=\"text/xml\"".to_owned(),
        ),
        (
            good.replace(content_type, "Content-Type: multipart/form-data; boundary=b\nContent-Length"),
            "3:1",
            "the Content-Type is multipart/form-data, neither multipart/related nor XML".to_owned(),
            "Content-Type: multipart/related; boundary=b; type=\"text/xml\"".to_owned(),
        ),
    ] {
        let report = lint(&file);
        let told = told(&report);
        let expected = format!("{place} http_headers | {what} | 2500/2500/2500/2500 | {corrected}");
        assert_eq!(told.first(), Some(&expected));
        assert!(told.iter().any(|finding| finding.contains("BooleanCase")), "{told:?}");
        assert_eq!(codes(&report), [vec![2500], vec![2500], vec![2500], vec![2500, 2007]], "{file}");
    }
    let report = LintReport::read(good.into(), &Options { max_request_bytes: 100, ..Options::default() });
    assert_eq!(codes(&report).first().unwrap(), &[2560]);
}

#[test]
fn what_is_beyond_a_length_is_cut_off() {
    let good = request(&[("<DeliveryReport>true", "<DeliveryReport>True")]);
    let length = good.split_once("\n\n").unwrap().1.len();
    for (declared, answers, expected) in [
        // Only the line end behind the last delimiter is lost.
        (length - 1, "0/0/0/2007", [vec![], vec![], vec![], vec![2007]]),
        (length - 3, "2513/2513/2513/2007", [vec![2513], vec![2513], vec![2513], vec![2007]]),
        (10, "2515/2515/2515/2515", [vec![2515], vec![2515], vec![2515], vec![2515, 2007]]),
    ] {
        let file = good.replace(&format!("Content-Length: {length}"), &format!("Content-Length: {declared}"));
        let report = lint(&file);
        let what = format!("Content-Length is {declared}, but {length} bytes follow the head");
        let first = told(&report).into_iter().next().unwrap();
        assert_eq!(first, format!("4:1 http_headers | {what} | {answers} | Content-Length: {length}"));
        assert_eq!(codes(&report), expected, "{declared}");
        check_agreement(&report, "a length that is too short");
        assert!(report.fix(Dialect::POSTHOUSE).is_ok(), "all of it is there");
    }
}

#[test]
fn bare_bodies_are_judged_without_a_head() {
    let body = edited(BODY, &[("<DeliveryReport>true", "<DeliveryReport>True")]);
    assert_eq!(told(&lint(&body)).len(), 1);
    assert!(told(&lint(&body))[0].starts_with("19:7 BooleanCase"), "lines are the file's");
    let (_, rest) = body.split_once("\n\n").unwrap();
    let (envelope, _) = rest.split_once("\n--b").unwrap();
    let bare = envelope.replace("cid:media", "http://media.example/a.jpg");
    let found = told(&lint(&bare));
    assert!(found[0].starts_with("15:7 BooleanCase"), "{found:?}");
    let wide: Vec<u8> = bare.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let report = LintReport::read(wide.into(), &Options::default());
    assert_eq!(
        told(&report).first(),
        found.first(),
        "line and column are those of the text, whatever its encoding"
    );
    assert_eq!(report.findings[0].place.offset, bare.find("<DeliveryReport>").unwrap() * 2);
}

#[test]
fn an_encoded_envelope_is_counted_in_what_it_decodes_to() {
    let xml = "<a>\n <b/></a>";
    let encoded = "PGE+CiA8Yi8+PC9hPg==";
    let file =
        format!("--b\nContent-Type: text/xml\nContent-Transfer-Encoding: base64\n\n{encoded}\n--b--\n");
    let place = lint(&file).findings[0].place;
    assert_eq!(place.to_string(), "byte 62, 1:1 of what it decodes to");
    assert_eq!(place.offset, file.find(encoded).unwrap());
    assert!(lint(xml).findings[0].place.to_string().starts_with("1:1"));
}

#[test]
fn the_first_refusal_is_answered_and_the_others_come_after() {
    let report = lint(&request(&[
        ("6.8.0", "6.8"),
        ("<SenderAddress><ShortCode>4711</ShortCode></SenderAddress>", ""),
        ("cid:hello.txt", "cid:other.txt"),
    ]));
    let codes_of_all = vec![2505, 2504, 2513];
    assert_eq!(
        codes(&report),
        [codes_of_all.clone(), codes_of_all.clone(), codes_of_all.clone(), codes_of_all]
    );
    let status = report.verdict(Dialect::POSTHOUSE).refused_with().unwrap();
    assert_eq!((status.code, status.text.as_str()), (2505, "Missing or unsupported MM7 Version"));
}

#[test]
fn other_operations_are_judged_by_the_carriers_door_or_their_format() {
    let uri = mm7::Namespace::LATEST.uri();
    let report = |operation: &str| {
        lint(&format!(
            "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Header>\
             <TransactionID xmlns=\"{uri}\">t</TransactionID></e:Header><e:Body>{operation}</e:Body></e:Envelope>"
        ))
    };
    let deliver = report(&format!("<DeliverReq xmlns=\"{uri}\"><MM7Version>6.8.0</MM7Version></DeliverReq>"));
    assert!(!deliver.is_judged_as_submit());
    assert_eq!(codes(&deliver), [2007; 4].map(|code| vec![code]), "Sender is missing");
    let report_of = |contents: &str| {
        report(&format!(
            "<DeliverReportReq><MMStatus>Retrieved</MMStatus>{contents}<Odd>1</Odd></DeliverReportReq>"
        ))
    };
    let odd = report_of("<MessageID>m</MessageID>");
    assert_eq!(codes(&odd), [(); 4].map(|()| Vec::new()), "what is odd is taken: {:?}", told(&odd));
    assert!(!odd.findings.is_empty(), "and told");
    assert_eq!(codes(&report_of("")), [2007; 4].map(|code| vec![code]), "MessageID is missing");
    let answer =
        report(&format!("<DeliverRsp xmlns=\"{uri}\"><MM7Version>6.8.0</MM7Version><Status/></DeliverRsp>"));
    assert_eq!(
        answer.findings[0].remedy.corrected.as_deref(),
        Some("<StatusCode>…</StatusCode><StatusText>…</StatusText>")
    );
    let response = format!(
        "HTTP/1.1 200 OK\nContent-Type: text/xml\n\n{}",
        String::from_utf8_lossy(&answer.lint.raw.file)
    );
    assert_eq!(told(&lint(&response)).len(), told(&answer).len(), "an answer needs no Content-Length");
}

/// What is refused has a finding that says so, and what has such a finding is refused.
fn check_agreement(report: &LintReport, name: &str) {
    for (index, verdict) in report.verdicts.iter().enumerate() {
        let answered: Vec<u32> = report
            .findings
            .iter()
            .filter_map(|finding| finding.answers.get(index)?.as_ref().map(|status| status.code))
            .collect();
        for code in verdict.codes() {
            assert!(
                answered.contains(&code),
                "{name}: {} refuses {code}: {:?}",
                verdict.dialect.name,
                told(report)
            );
        }
        assert_eq!(
            answered.is_empty(),
            verdict.is_accepted(),
            "{name}: {} {:?}",
            verdict.dialect.name,
            told(report)
        );
    }
    for finding in &report.findings {
        assert!(!finding.what.is_empty() && !finding.remedy.advice.is_empty(), "{name}: {finding:?}");
        assert!(!finding.clause.is_empty(), "{name}: {finding:?}");
        assert!(finding.place.offset <= report.lint.raw.file.len(), "{name}: {finding:?}");
    }
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "xml" || ending == "http"));
    files.sort();
    files
}

#[test]
fn findings_and_verdicts_agree() {
    for (edits, _) in SINGLE_FAULTS {
        check_agreement(&lint(&request(edits)), edits[0].0);
        for (others, _) in SINGLE_FAULTS {
            let body = BODY.to_owned();
            let both = edits
                .iter()
                .chain(*others)
                .try_fold(body, |text, (from, to)| text.contains(from).then(|| text.replace(from, to)));
            if let Some(both) = both {
                check_agreement(&lint(&both), &format!("{edits:?} {others:?}"));
            }
        }
    }
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../mm7/vectors");
    let files = files_in(&vectors);
    assert!(files.len() > 50);
    for file in files {
        let report = LintReport::read(fs::read(&file).unwrap().into(), &Options::default());
        check_agreement(&report, &file.display().to_string());
    }
}

#[test]
fn what_is_fixed_is_right() {
    let mut fixed_clean = 0;
    for (edits, _) in SINGLE_FAULTS {
        let report = lint(&request(edits));
        let Ok(fixed) = report.fix(Dialect::THREE_GPP) else { continue };
        check_agreement(&fixed.report, edits[0].0);
        let head = String::from_utf8_lossy(&fixed.bytes).into_owned();
        assert!(head.starts_with("POST /mm7/v1 HTTP/1.1\r\nHost: h\r\n"), "{head}");
        let left: Vec<_> = told(&fixed.report);
        assert!(left.iter().all(|finding| !finding.contains("http_headers")), "{left:?}");
        fixed_clean += usize::from(left.is_empty());
        let media = |report: &LintReport| -> Vec<_> {
            report.lint.media().unwrap().into_iter().map(|media| media.bytes).collect()
        };
        assert_eq!(media(&report), media(&fixed.report), "{edits:?}");
    }
    assert_eq!(fixed_clean, FIXABLE, "of {}", SINGLE_FAULTS.len());
}

/// How many of the single faults can be put right without knowing what the sender knows.
const FIXABLE: usize = 32;

#[test]
fn what_cannot_be_carried_over_is_told() {
    let report = lint(&request(&[("<Subject>", "<ExpiryDate>tomorrow</ExpiryDate><X>y</X><Subject>")]));
    let fixed = report.fix(Dialect::POSTHOUSE).unwrap();
    assert_eq!(
        fixed.left_out,
        ["25:7: ExpiryDate: the date \"tomorrow\" cannot be read", "25:40: X is no element of SubmitReq"]
    );
    let broken = lint(&request(&[("</SenderIdentification>", "")]));
    assert_eq!(broken.fix(Dialect::POSTHOUSE).err(), Some(Unfixable::NoMessage));
}

#[test]
fn a_dialect_that_requires_a_presentation_gets_one() {
    let smil = "--c\nContent-Type: application/smil\nContent-ID: <show.smil>\n\n\
                <smil><body><par dur=\"5s\"><text src=\"cid:hello.txt\"/></par></body></smil>\n";
    let report = lint(&request(&[(smil, "")]));
    assert_eq!(codes(&report), [vec![], vec![], vec![2513], vec![]]);
    let fixed = report.fix(Dialect::SINCH).unwrap();
    assert_eq!(told(&fixed.report), [""; 0]);
    assert_eq!(fixed.report.lint.media().unwrap().len(), 2);
}

/// Files made to be slow: each is judged, and refused.
#[test]
fn hostile_files_are_judged_to_the_end() {
    let envelope = |body: &str| {
        format!(
            "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Header><TransactionID>t\
             </TransactionID></e:Header><e:Body>{body}</e:Body></e:Envelope>"
        )
    };
    let multipart =
        |parts: &str| format!("--b\nContent-Type: text/xml\n\n{}\n{parts}--b--", envelope("<SubmitReq/>"));
    let deep: String = (0..64)
        .map(|level| format!("--b{level}\nContent-Type: multipart/mixed; boundary=b{}\n\n", level + 1))
        .collect();
    let shown: String = (0..10_000).map(|number| format!("<img src=\"{number}\"/>")).collect();
    let attributes: String = (0..100_000).map(|number| format!(" a{number}=\"\"")).collect();
    for (name, file) in [
        ("attributes", envelope(&format!("<SubmitReq{attributes}/>")).into_bytes()),
        ("elements", "<a>".repeat(10_000).into_bytes()),
        (
            "children",
            envelope(&format!("<SubmitReq>{}</SubmitReq>", "<Content/><Subject/>".repeat(10_000))).into(),
        ),
        ("entities", b"<!DOCTYPE a [<!ENTITY b 'c'><!ENTITY d '&b;&b;&b;'>]><a>&d;</a>".to_vec()),
        ("parts", multipart(&"--b\n\nx\n".repeat(10_000)).into_bytes()),
        ("levels", deep.into_bytes()),
        ("headers", format!("POST / HTTP/1.1\n{}\n<a/>", "X: y\n".repeat(100_000)).into_bytes()),
        (
            "a presentation",
            multipart(&format!("--b\nContent-Type: application/smil\n\n<smil>{shown}</smil>\n")).into(),
        ),
        ("nothing", Vec::new()),
        ("NUL", vec![0; 1 << 20]),
        ("no text", vec![0xff; 1 << 20]),
        ("lines", vec![b'\n'; 1 << 20]),
        ("delimiters", b"--\n".repeat(300_000)),
        ("one long text", [&b"<a>"[..], &vec![b'x'; 8 << 20]].concat()),
    ] {
        let report = ends(name.to_owned(), move || {
            let report = LintReport::read(file.into(), &Options::default());
            check_agreement(&report, name);
            report
        });
        assert!(!report.verdict(Dialect::POSTHOUSE).is_accepted(), "{name}");
        assert!(report.findings.len() < 1000, "{name}: {}", report.findings.len());
    }
}

/// What work gives, which does end. The files are so long that work that grows faster than they do would not, this side of an hour.
#[expect(clippy::disallowed_methods, reason = "what may run too long is given a thread of its own")]
fn ends<T: Send + 'static>(name: String, work: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, given) = mpsc::channel();
    let worker = thread::spawn(move || done.send(work()).unwrap());
    match given.recv_timeout(NEVER) {
        Ok(given) => given,
        Err(RecvTimeoutError::Timeout) => panic!("{name}: it does not end"),
        Err(RecvTimeoutError::Disconnected) => panic::resume_unwind(worker.join().unwrap_err()),
    }
}

/// Captured messages are no part of this project: MM7_CORPUS_DIR may name a folder of them.
#[test]
fn captured_messages_are_judged_and_fixed() {
    let Some(folder) = std::env::var_os("MM7_CORPUS_DIR") else {
        println!("MM7_CORPUS_DIR is not set: messages from real peers are left out");
        return;
    };
    let (mut submits, mut clean, mut found) = (0, 0, 0);
    let files = files_in(Path::new(&folder));
    for file in &files {
        let name = file.display().to_string();
        let bytes = fs::read(file).unwrap();
        let (report, fixed) = ends(name.clone(), {
            let name = name.clone();
            move || {
                let report = LintReport::read(bytes.into(), &Options::default());
                check_agreement(&report, &name);
                let fixed = report.fix(Dialect::THREE_GPP);
                (report, fixed)
            }
        });
        found += report.findings.len();
        let operation = report.lint.decoded.as_ref().ok().and_then(|decoded| decoded.operation.clone());
        let Some(fixed) = fixed.ok().filter(|_| operation.as_deref() == Some("SubmitReq")) else { continue };
        submits += 1;
        check_agreement(&fixed.report, &name);
        let of_format = || fixed.report.findings.iter().filter(|finding| is_of_format(finding));
        clean += usize::from(of_format().next().is_none());
        assert!(of_format().all(only_the_sender_knows), "{name}: {:?}", told(&fixed.report));
    }
    assert!(!files.is_empty(), "the folder holds no messages");
    println!("{} files, {found} findings; {submits} SubmitReq fixed, {clean} of them clean", files.len());
}

/// A TransactionID cannot be made up, nor a part that did not come along.
fn only_the_sender_knows(finding: &JudgedFinding) -> bool {
    let unknown = [Rule::NoHeader, Rule::NoTransactionId, Rule::BadTransactionId, Rule::HrefWithoutPart];
    unknown.iter().any(|rule| finding.reject == Reject::Decode(*rule))
}

/// Whether the schema or the binding is broken.
fn is_of_format(finding: &JudgedFinding) -> bool {
    let mut answers = finding.answers();
    let is_refused = answers.any(|(dialect, answer)| dialect.name == "3gpp" && answer.is_some());
    matches!(finding.reject, Reject::Decode(_) | Reject::HttpHeaders) && is_refused
}

#[test]
fn a_compressed_body_is_told_to_be_one() {
    let head = "POST /mm7/v1 HTTP/1.1\r\nContent-Length: 4\r\nContent-Type: ";
    for (more, advised) in [
        ("text/xml\r\nContent-Encoding: gzip\r\n\r\nabcd", true),
        ("multipart/related; boundary=b\r\nContent-Encoding: br\r\n\r\nabcd", true),
        ("multipart/related; boundary=b\r\nContent-Encoding: identity\r\n\r\nabcd", false),
        ("text/xml\r\n\r\nabcd", false),
    ] {
        let report = lint(&format!("{head}{more}"));
        assert!(!report.findings.is_empty());
        for finding in &report.findings {
            assert_eq!(finding.remedy.advice.contains("compressed"), advised, "{more}: {finding:?}");
        }
    }
    let unlabelled = [head.as_bytes(), b"text/xml\r\n\r\n\x1f\x8b\x08\x00"].concat();
    let report = LintReport::read(unlabelled.into(), &Options::default());
    assert!(report.findings.iter().all(|finding| finding.remedy.advice.contains("compressed")));
}

/// The request with this in place of its Content-Length.
fn with_head(lines: &str, body: &str) -> String {
    format!(
        "POST /mm7/v1 HTTP/1.1\r\nHost: h\r\nContent-Type: multipart/related; boundary=b\r\n{lines}\r\n\r\n{body}"
    )
}

#[test]
fn heads_are_read_as_at_the_door() {
    let length = BODY.len();
    let good = format!("Content-Length: {length}");
    for lines in [
        good.clone(),
        format!("Content-Length:\r\n {length}"),
        format!("X: a\r\n\tb\r\n \r\n{good}"),
        format!("{good}\r\nContent-Encoding: identity"),
        format!("{good}\r\n{good}"),
    ] {
        assert_eq!(told(&lint(&with_head(&lines, BODY))), [""; 0], "{lines}");
    }
    let whole = with_head(&good, BODY);
    assert_eq!(told(&lint(&format!("\r\n\n{whole}"))), [""; 0], "empty lines before it");
    let all = "2500/2500/2500/2500";
    for (lines, place, what) in [
        (format!("no colon\r\n{good}"), "4:1", "a header line has no colon"),
        (format!("X : y\r\n{good}"), "4:1", "a blank stands before the colon of a header line"),
        (format!("X: y\r\n z\u{1}\r\n{good}"), "5:1", "a header's value has a control character"),
        (format!("{good}\r\nContent-Length: 5"), "4:1", "two Content-Length headers differ"),
        (
            format!("{good}\r\nTransfer-Encoding: chunked"),
            "4:1",
            "there are both a Content-Length and a Transfer-Encoding",
        ),
        ("Transfer-Encoding: gzip, chunked".to_owned(), "4:1", "Transfer-Encoding is not chunked alone"),
        (
            "Transfer-Encoding: chunked".to_owned(),
            "4:1",
            "the chunks of the body are broken, or not all there",
        ),
        (
            format!("{good}\r\nContent-Encoding: gzip"),
            "5:1",
            "the body has the Content-Encoding gzip: bodies are taken as they are",
        ),
    ] {
        let report = lint(&with_head(&lines, BODY));
        let expected = format!("{place} http_headers | {what} | {all}");
        let told = told(&report);
        assert!(told.iter().any(|line| line.starts_with(&expected)), "{expected}: {told:?}");
        assert!(codes(&report).iter().all(|codes| codes.first() == Some(&2500)), "{lines}");
    }
    for (from, to, what) in [
        ("POST /mm7/v1 HTTP/1.1", "POST /mm7/v1", "1:1 http_headers | the request line is not"),
        ("\r\nHost", "\r\n Host", "2:1 http_headers | a folded line stands before any header"),
    ] {
        let told = told(&lint(&whole.replace(from, to)));
        assert!(told.iter().any(|line| line.starts_with(what)), "{told:?}");
    }
}

#[test]
fn chunks_are_put_together_and_refused_by_strict_dialects() {
    let (first, second) = BODY.split_at(BODY.find("<Subject>").unwrap());
    let chunks: String =
        [first, second, ""].map(|piece| format!("{:x}\r\n{piece}\r\n", piece.len())).concat();
    let chunked = with_head("Transfer-Encoding: chunked", &chunks);
    let report = lint(&chunked);
    let what =
        "4:1 http_headers | the body comes in chunks, which strict dialects do not take | 0/2500/2500/2500";
    assert_eq!(told(&report), [format!("{what} | Content-Length: {}", BODY.len())]);
    assert_eq!(codes(&report), [vec![], vec![2500], vec![2500], vec![2500]]);
    // What is wrong in the second chunk is found where it stands.
    let report = lint(&chunked.replace("t>Tides<", "t>Tide&<"));
    let finding =
        report.findings.iter().find(|finding| finding.reject == Reject::Decode(Rule::NotWellFormed));
    let at = chunked.find("Tides<").unwrap();
    assert!((at..at + 8).contains(&finding.unwrap().place.offset), "{:?}", finding.unwrap().place);
}

#[test]
fn a_multipart_that_is_labelled_as_xml_is_told_to_be_one() {
    let whole = with_head(&format!("Content-Length: {}", BODY.len()), BODY);
    let report = lint(&whole.replace("multipart/related; boundary=b", "text/xml"));
    let told = told(&report);
    let expected = "3:1 NotWellFormed | the body is a multipart, and the Content-Type says text/xml | 2007/2007/2007/2007 | \
                    Content-Type: multipart/related; boundary=b; type=\"text/xml\"";
    assert_eq!(told, [expected]);
}
