//! The dialect that goes by the schema refuses exactly what the schema forbids: requests are spoilt in every place and in
//! every way that this file can think of, and xmllint says which of them are still valid. The schemas are not part of this
//! project: their folder, with a validate-all.xsd that imports them, is named by MM7_SCHEMA_DIR; without it, or without
//! xmllint, the test says so and passes.

use std::collections::BTreeSet;
use std::fs;
use std::ops::Range;
use std::path::Path;
use std::process::Command;

use mm7::message::Operation;
use mm7::{Decoded, Dialect, Framing, Limits, Message, Namespace, StatusCode, decode, encode};

/// One request for each operation, with everything that it can have.
const REQUESTS: [&str; 7] = [
    r#"<SubmitReq><MM7Version>6.8.0</MM7Version><SenderIdentification><VASPID>v</VASPID><VASID>61295</VASID><SenderAddress><ShortCode displayOnly="true" addressCoding="encrypted" id="a">61295</ShortCode></SenderAddress></SenderIdentification><Recipients><To><Number displayOnly="true">16175550123</Number><RFC2822Address id="b">a@example.com</RFC2822Address></To><Cc><ShortCode>777</ShortCode></Cc></Recipients><ServiceCode>gold</ServiceCode><LinkedID>l</LinkedID><MessageClass>Informational</MessageClass><TimeStamp>2026-05-05T08:00:00Z</TimeStamp><ReplyCharging replyChargingSize="2048" replyDeadline="P1D"/><EarliestDeliveryTime>PT30M</EarliestDeliveryTime><ExpiryDate>2026-05-08T12:00:00Z</ExpiryDate><DeliveryReport>true</DeliveryReport><ReadReply>false</ReadReply><Priority>High</Priority><Subject>Tides</Subject><ChargedParty>Both</ChargedParty><ChargedPartyID>p</ChargedPartyID><DistributionIndicator>false</DistributionIndicator><DeliveryCondition><DC>1</DC><DC>4</DC></DeliveryCondition><ApplicID>a</ApplicID><ReplyApplicID>r</ReplyApplicID><AuxApplicInfo>x</AuxApplicInfo><ContentClass>image-rich</ContentClass><DRMContent>false</DRMContent><Content href="cid:a" allowAdaptations="true"/></SubmitReq>"#,
    r#"<DeliverReq><MM7Version>6.8.0</MM7Version><MMSRelayServerID>m</MMSRelayServerID><VASPID>v</VASPID><VASID>61295</VASID><LinkedID>l</LinkedID><Sender><Number>16175550123</Number></Sender><Recipients><Bcc><ShortCode>61295</ShortCode></Bcc></Recipients><Previouslysentby><UserAgent sequence="1"><Number>16175550124</Number></UserAgent></Previouslysentby><Previouslysentdateandtime><DateTime sequence="1">2026-05-05T08:00:00Z</DateTime></Previouslysentdateandtime><SenderSPI>s</SenderSPI><RecipientSPI>r</RecipientSPI><TimeStamp>2026-05-05T08:00:00Z</TimeStamp><ReplyChargingID>c</ReplyChargingID><Priority>Low</Priority><Subject>Tides</Subject><ApplicID>a</ApplicID><ReplyApplicID>r</ReplyApplicID><AuxApplicInfo>x</AuxApplicInfo><UACapabilities UAProf="u" TimeStamp="2026-05-05T08:00:00Z"/><Content href="cid:a"/></DeliverReq>"#,
    r#"<CancelReq><MM7Version>6.8.0</MM7Version><SenderIdentification><VASPID>v</VASPID></SenderIdentification><MessageID>m</MessageID><ApplicID>a</ApplicID><ReplyApplicID>r</ReplyApplicID><AuxApplicInfo>x</AuxApplicInfo></CancelReq>"#,
    r#"<ReplaceReq><MM7Version>6.8.0</MM7Version><SenderIdentification><VASPID>v</VASPID></SenderIdentification><MessageID>m</MessageID><ServiceCode>gold</ServiceCode><TimeStamp>2026-05-05T08:00:00Z</TimeStamp><ReadReply>true</ReadReply><EarliestDeliveryTime>PT30M</EarliestDeliveryTime><DistributionIndicator>true</DistributionIndicator><ContentClass>text</ContentClass><DRMContent>true</DRMContent><ApplicID>a</ApplicID><ReplyApplicID>r</ReplyApplicID><AuxApplicInfo>x</AuxApplicInfo><Content href="cid:a"/></ReplaceReq>"#,
    r#"<DeliveryReportReq><MM7Version>6.8.0</MM7Version><MMSRelayServerID>m</MMSRelayServerID><MessageID>m</MessageID><Recipient><Number>16175550123</Number></Recipient><Sender><ShortCode>61295</ShortCode></Sender><Date>2026-05-05T08:00:00Z</Date><MMStatus>Retrieved</MMStatus><MMStatusExtension>RejectionByOtherRS</MMStatusExtension><StatusText>s</StatusText><ApplicID>a</ApplicID><ReplyApplicID>r</ReplyApplicID><AuxApplicInfo>x</AuxApplicInfo><UACapabilities UAProf="u"/></DeliveryReportReq>"#,
    r#"<ReadReplyReq><MM7Version>6.8.0</MM7Version><MMSRelayServerID>m</MMSRelayServerID><MessageID>m</MessageID><Recipient><Number>16175550123</Number></Recipient><Sender><ShortCode>61295</ShortCode></Sender><TimeStamp>2026-05-05T08:00:00Z</TimeStamp><MMStatus>Read</MMStatus><StatusText>s</StatusText><ApplicID>a</ApplicID><ReplyApplicID>r</ReplyApplicID><AuxApplicInfo>x</AuxApplicInfo></ReadReplyReq>"#,
    r#"<extendedReplaceReq><MM7Version>6.8.0</MM7Version><VASPID>v</VASPID><VASID>s</VASID><ServiceCode>gold</ServiceCode><ReplaceID>r</ReplaceID><TimeStamp>2026-05-05T08:00:00Z</TimeStamp><EarliestDeliveryTime>PT30M</EarliestDeliveryTime><ExpiryDate>P2D</ExpiryDate><ReadReply>true</ReadReply><DeliveryReport>false</DeliveryReport><Content href="cid:a"/></extendedReplaceReq>"#,
];

/// An element of a document without comments, and with double quotes round every value.
struct Element {
    name: String,
    start_tag: Range<usize>,
    whole: Range<usize>,
    is_leaf: bool,
}

/// The elements in the order of their start tags.
fn elements(xml: &str) -> Vec<Element> {
    let mut found: Vec<Element> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let mut at = 0;
    while let Some(begin) = xml[at..].find('<').map(|ahead| at + ahead) {
        let end = begin + xml[begin..].find('>').unwrap() + 1;
        let tag = &xml[begin..end];
        at = end;
        if tag.starts_with("<?") {
            continue;
        }
        if tag.starts_with("</") {
            found[open.pop().unwrap()].whole.end = end;
            continue;
        }
        if let Some(parent) = open.last() {
            found[*parent].is_leaf = false;
        }
        let name = tag[1..].split([' ', '>', '/']).next().unwrap().to_owned();
        found.push(Element { name, start_tag: begin..end, whole: begin..end, is_leaf: true });
        if !tag.ends_with("/>") {
            open.push(found.len() - 1);
        }
    }
    found
}

fn replaced(xml: &str, range: Range<usize>, with: &str) -> String {
    format!("{}{with}{}", &xml[..range.start], &xml[range.end..])
}

/// The document spoilt, or only changed, in one place after the other.
fn variants(xml: &str, namespace: Namespace) -> BTreeSet<String> {
    let elements = elements(xml);
    let mut variants = BTreeSet::from([xml.to_owned()]);
    for (number, element) in elements.iter().enumerate() {
        if element.name == "soapenv:Envelope" {
            continue;
        }
        if element.name.starts_with("soapenv:") {
            variants.insert(replaced(xml, element.start_tag.end..element.start_tag.end, "stray"));
            continue;
        }
        variants.extend(with_attributes(xml, element, namespace));
        variants.extend(with_contents(xml, element));
        if element.name != "TransactionID" && number > 4 {
            variants.extend(moved(xml, element, elements.get(number + 1)));
        }
    }
    variants
}

fn with_attributes(xml: &str, element: &Element, namespace: Namespace) -> Vec<String> {
    let end = element.start_tag.end - if xml[element.start_tag.clone()].ends_with("/>") { 2 } else { 1 };
    let xsi = "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"";
    let uri = namespace.uri();
    let mut variants: Vec<String> = [
        " bogus=\"1\"".to_owned(),
        " xml:lang=\"en\"".to_owned(),
        format!(" {xsi} xsi:nil=\"false\""),
        format!(" {xsi} xsi:schemaLocation=\"a b\""),
        format!(" xmlns:m=\"{uri}\" m:href=\"cid:b\""),
        " soapenv:encodingStyle=\"\"".to_owned(),
        " displayOnly=\"0\"".to_owned(),
        " addressCoding=\"obfuscated\"".to_owned(),
        " id=\"z\"".to_owned(),
        " id=\"a\"".to_owned(),
        " id=\"1 2\"".to_owned(),
        " sequence=\"2\"".to_owned(),
    ]
    .into_iter()
    .filter(|more| {
        let name = more.trim_start().split('=').next().unwrap();
        !xml[element.start_tag.clone()].contains(&format!(" {name}="))
    })
    .map(|more| replaced(xml, end..end, &more))
    .collect();
    let tag = &xml[element.start_tag.clone()];
    for (at, _) in tag.match_indices("=\"") {
        let begin = element.start_tag.start + at + 2;
        let length = xml[begin..].find('"').unwrap();
        let name = xml[..begin - 2].rfind(' ').unwrap();
        if xml[name..].starts_with(" xmlns") {
            continue;
        }
        let value = &xml[begin..begin + length];
        variants.push(replaced(xml, name..begin + length + 1, ""));
        for other in
            [format!(" {value} "), value.to_uppercase(), String::new(), "Zz".to_owned(), "7".to_owned()]
        {
            variants.push(replaced(xml, begin..begin + length, &other));
        }
    }
    variants
}

fn with_contents(xml: &str, element: &Element) -> Vec<String> {
    let inside = match xml[element.start_tag.clone()].strip_suffix("/>") {
        // An empty element is opened before anything is put into it.
        Some(start) => {
            let name = &element.name;
            let filled = |contents: &str| {
                replaced(xml, element.start_tag.clone(), &format!("{start}>{contents}</{name}>"))
            };
            return ["", " ", "stray", "<Subject>x</Subject>", "<!-- c -->"].map(filled).to_vec();
        }
        None => element.start_tag.end..element.whole.end - element.name.len() - 3,
    };
    let at = inside.start..inside.start;
    // XML Schema lets dates be padded; libxml2 does not, where they are not of a union.
    let is_date = ["TimeStamp", "Date"].contains(&element.name.as_str());
    let puts = ["stray", "\n  ", "<Subject>x</Subject>", "<f:bogus xmlns:f=\"urn:x\"/>", "<!-- c --><?pi?>"];
    let mut variants: Vec<_> = puts
        .into_iter()
        .filter(|put| !is_date || *put != "\n  ")
        .map(|put| replaced(xml, at.clone(), put))
        .collect();
    variants.push(replaced(xml, inside.end..inside.end, "stray"));
    if element.is_leaf {
        let text = &xml[inside.clone()];
        let texts = [
            format!(" {text}\n"),
            text.to_uppercase(),
            text.to_lowercase(),
            "True".to_owned(),
            "+7".to_owned(),
            "P1D".to_owned(),
            "2026-05-05".to_owned(),
            "2026-05-05T08:00:00".to_owned(),
        ];
        let texts = texts.iter().skip(usize::from(is_date));
        variants.extend(texts.map(|text| replaced(xml, inside.clone(), text)));
    }
    variants.push(replaced(xml, inside, ""));
    variants
}

fn moved(xml: &str, element: &Element, next: Option<&Element>) -> Vec<String> {
    let text = &xml[element.whole.clone()];
    let end = element.whole.end..element.whole.end;
    let mut variants = vec![
        replaced(xml, element.whole.clone(), ""),
        replaced(xml, end, text),
        text.replace(&element.name, &element.name.to_lowercase()),
    ];
    variants[2] = replaced(xml, element.whole.clone(), &variants[2]);
    if let Some(next) = next.filter(|next| next.whole.start == element.whole.end) {
        let other = &xml[next.whole.clone()];
        variants.push(replaced(xml, element.whole.start..next.whole.end, &format!("{other}{text}")));
    }
    variants
}

/// The requests in the canonical form of a namespace, without what its release lacks.
fn requests(namespace: Namespace) -> Vec<String> {
    let written = |request: &&str| {
        let envelope = format!(
            r#"<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Header><TransactionID xmlns="{0}">t</TransactionID></e:Header><e:Body>{1}</e:Body></e:Envelope>"#,
            Namespace::LATEST.uri(),
            request.replacen('>', &format!(" xmlns=\"{}\">", Namespace::LATEST.uri()), 1)
        );
        let decoded = decode(envelope.as_bytes(), None, &Limits::default()).unwrap();
        assert_eq!(decoded.errors, [], "{request}");
        let framing = Framing::new(namespace, namespace.default_version(), decoded.transaction_id);
        String::from_utf8(encode(&decoded.message.unwrap(), &framing)).unwrap()
    };
    let is_there = |request: &&&str| namespace == Namespace::LATEST || !request.starts_with("<extended");
    REQUESTS.iter().filter(is_there).map(written).collect()
}

/// What xmllint says of every file.
fn valid_files(schema: &Path, folder: &Path, count: usize) -> BTreeSet<usize> {
    let mut valid = BTreeSet::new();
    for chunk in (0..count).collect::<Vec<_>>().chunks(1000) {
        let files = chunk.iter().map(|number| format!("{number}.xml"));
        let output = Command::new("xmllint")
            .current_dir(folder)
            .args(["--noout", "--schema"])
            .arg(schema)
            .args(files)
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        valid.extend(
            told.lines().filter_map(|line| line.strip_suffix(".xml validates")?.parse::<usize>().ok()),
        );
    }
    valid
}

/// The code that the request is refused with before anybody is asked who it is from; `None`: it is taken.
fn refusal(decoded: &Decoded) -> Option<StatusCode> {
    let all = [
        Operation::Submit,
        Operation::Deliver,
        Operation::Cancel,
        Operation::Replace,
        Operation::ExtendedReplace,
        Operation::DeliveryReport,
        Operation::ReadReply,
    ];
    Dialect::THREE_GPP.first_refused(decoded, &all).map(|error| error.status())
}

/// Whether a request that the schema forbids is taken on purpose: what it lacks is asked for by a check with a code of its
/// own, or it is a report whose status no schema knows, which is worth more than none.
fn is_taken_all_the_same(message: &Message, xml: &str, namespace: Namespace) -> bool {
    let has_sender = xml.contains("<SenderIdentification");
    let status = xml.split("<MMStatus>").nth(1).and_then(|rest| rest.split('<').next()).unwrap_or_default();
    match message {
        Message::SubmitReq(req) => req.recipients.is_empty() || req.sender.address.is_none() || !has_sender,
        Message::CancelReq(_) | Message::ReplaceReq(_) => !has_sender,
        Message::DeliveryReportReq(_) => !is_status(status, namespace),
        Message::ReadReplyReq(_) => !["Indeterminate", "Read", "Deleted"].contains(&status),
        _ => false,
    }
}

fn is_status(status: &str, namespace: Namespace) -> bool {
    let release_5 = ["Expired", "Retrieved", "Rejected", "Indeterminate", "Forwarded"];
    let release_6 = ["Unrecognised", "Deferred", "DeliveryConditionNotMet"];
    release_5.contains(&status) || (namespace.release() == 6 && release_6.contains(&status))
}

#[test]
fn the_strict_dialect_takes_what_the_schema_takes() {
    let Some(schemas) = std::env::var_os("MM7_SCHEMA_DIR") else {
        println!("MM7_SCHEMA_DIR is not set: the strict dialect is not compared with the schema");
        return;
    };
    if Command::new("xmllint").arg("--version").output().is_err() {
        println!("xmllint is not installed: the strict dialect is not compared with the schema");
        return;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("strict");
    fs::create_dir_all(&folder).unwrap();
    let namespaces = [Namespace::Rel5(0), Namespace::LATEST];
    let all: Vec<(String, Namespace)> = namespaces
        .into_iter()
        .flat_map(|namespace| requests(namespace).into_iter().map(move |request| (request, namespace)))
        .flat_map(|(request, namespace)| {
            variants(&request, namespace).into_iter().map(move |xml| (xml, namespace))
        })
        .collect();
    for (number, (xml, _)) in all.iter().enumerate() {
        fs::write(folder.join(format!("{number}.xml")), xml).unwrap();
    }
    let schema = Path::new(&schemas).canonicalize().unwrap().join("validate-all.xsd");
    let valid = valid_files(&schema, &folder, all.len());
    let mut disagreements = Vec::new();
    for (number, (xml, namespace)) in all.iter().enumerate() {
        let decoded = decode(xml.as_bytes(), None, &Limits::default()).unwrap();
        let refusal = refusal(&decoded);
        let agree = match (valid.contains(&number), refusal) {
            (true, None) | (false, Some(_)) => true,
            // Other rows of the table know more than the schema does.
            (true, Some(code)) => code != StatusCode::UnableToParse,
            (false, None) => is_taken_all_the_same(decoded.message.as_ref().unwrap(), xml, *namespace),
        };
        if !agree {
            disagreements.push(format!("{number}: {refusal:?} {:?}\n{xml}", decoded.errors));
        }
    }
    println!("{} requests, {} of them valid", all.len(), valid.len());
    assert!(valid.len() > 100 && valid.len() < all.len() - 100);
    assert!(disagreements.is_empty(), "{} disagreements\n{}", disagreements.len(), disagreements.join("\n"));
}
