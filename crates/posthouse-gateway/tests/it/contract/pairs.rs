//! Which row of contract 4.1 wins when two are broken at once: every pair of checks, made from the array of checks.
//!
//! Each check has a [`Spoiler`] that breaks its row of a good request and none before it, as the test shows with one alone. Two
//! of them together make a pair.

use std::collections::BTreeMap;

use posthouse_core::submit::CHECKS;

use super::table::{DIALECTS, Look, difference};
use posthouse_testing::{
    canned::{Canned, CannedReply, response},
    provisioning::range,
    request::{DeclaredLength, RawPart, RawRequest},
    town::{Town, TownPlan},
};

/// What comes after the checks: the store takes the message, and in relay mode the carrier.
const AFTER_THE_CHECKS: [(&str, u8); 2] = [("store", 32), ("carrier", 33)];

/// Breaks one row.
struct Spoiler {
    check: &'static str,
    code: u32,
    /// The dialects that refuse it.
    dialects: &'static [&'static str],
    /// What it does to a good request and to what is provisioned for it.
    spoil: fn(&mut Draft),
}

/// A request, and what is provisioned for it.
#[derive(Clone)]
struct Draft {
    request: RawRequest,
    recipient: Recipient,
    is_blacklisted: bool,
    /// Whether the number is in a range.
    in_range: bool,
    carrier: Carrier,
    /// URLs that the SMIL shows.
    shows: Vec<&'static str>,
    account: String,
    service: String,
    /// Whether the account has sent as much as it may.
    is_used_up: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Recipient {
    None,
    Malformed,
    One,
    Two,
}

/// What is wrong with the carrier; there is one for every combination.
#[derive(Clone, Copy, Default)]
struct Carrier {
    unconnected: bool,
    audio_only: bool,
    refuses: bool,
}

impl Carrier {
    fn all() -> impl Iterator<Item = Self> {
        let bit = |number: u8, bit: u8| number & bit != 0;
        (0..8).map(move |n| Self { unconnected: bit(n, 1), audio_only: bit(n, 2), refuses: bit(n, 4) })
    }

    fn number(self) -> u8 {
        u8::from(self.unconnected) + 2 * u8::from(self.audio_only) + 4 * u8::from(self.refuses)
    }

    fn toml(self, canned: &Canned) -> String {
        let number = self.number();
        let mut toml = format!("[[carrier]]\nid = \"c{number}\"\n");
        if self.audio_only {
            toml += "content_types = [\"audio/*\"]\n";
        }
        if !self.unconnected {
            let url = canned.url(if self.refuses { "/refuses" } else { "/takes" });
            toml += &format!("[[carrier.connection]]\nname = \"only\"\nurl = {url:?}\n");
        }
        let blacklisted = format!("[[blacklist]]\nnumber = \"160{number}5550199\"\n");
        toml + &range(&format!("160{number}"), &format!("c{number}")) + &blacklisted
    }
}

impl Draft {
    fn good() -> Self {
        Self {
            request: RawRequest::to(""),
            recipient: Recipient::One,
            is_blacklisted: false,
            in_range: true,
            carrier: Carrier::default(),
            shows: Vec::new(),
            account: String::new(),
            service: String::new(),
            is_used_up: false,
        }
    }

    /// Writes recipients, content and who it is from into the request.
    fn finish(&mut self, vaspid: String, font: &str) {
        let shown = |url: &&str| format!("<img src=\"{}\"/>", if *url == FONT { font } else { url });
        let shows: String = self.shows.iter().map(shown).collect();
        let smil = format!("<smil><body>{shows}<text src=\"cid:text\"/></body></smil>");
        self.request.attachments[0].body = smil.into_bytes();
        let area = if self.in_range { format!("160{}", self.carrier.number()) } else { "1999".to_owned() };
        let number = format!("{area}5550{}", if self.is_blacklisted { "199" } else { "100" });
        let recipients = match self.recipient {
            Recipient::None => Vec::new(),
            Recipient::Malformed => vec!["12345"],
            Recipient::One => vec![number.as_str()],
            Recipient::Two => vec![number.as_str(), "16175550100"],
        };
        let recipients: String =
            recipients.iter().map(|number| format!("<To><Number>{number}</Number></To>")).collect();
        self.request.element("Recipients", &recipients);
        // Without a number that shows it, the carrier has to be named.
        let is_shown = matches!(self.recipient, Recipient::One | Recipient::Two);
        if !is_shown && self.in_range && !self.account.contains("require_carrier_id") {
            self.request.header("X-Posthouse-Carrier-Id", format!("c{}", self.carrier.number()));
        }
        if self.request.vaspid.as_deref() == Some("acme-key") {
            self.request.vaspid = Some(vaspid);
        }
    }
}

const EVERY: &[&str] = &DIALECTS;
/// Stands for the URL of something that can be fetched, and that no carrier takes.
const FONT: &str = "font";

/// One for each check, in any order.
#[rustfmt::skip]
const SPOILERS: &[Spoiler] = &[
    Spoiler { check: "http_headers", code: 2500, dialects: EVERY, spoil: |draft| draft.request.content_type = None },
    Spoiler { check: "request_length", code: 2560, dialects: EVERY, spoil: |draft| {
        draft.request.content_length = DeclaredLength::Says("99999999".to_owned());
    } },
    Spoiler { check: "root_content_type", code: 2515, dialects: EVERY, spoil: |draft| {
        draft.request.root_head = draft.request.root_head.replace("text/xml", "text/plain");
    } },
    Spoiler { check: "envelope_reads", code: 2007, dialects: EVERY, spoil: |draft| draft.request.prolog += "<!DOCTYPE e>" },
    Spoiler { check: "soap_header", code: 2510, dialects: EVERY, spoil: |draft| {
        let entry = "<a soap:mustUnderstand=\"1\"/>";
        draft.request.soap_header = draft.request.soap_header.take().map(|header| header + entry);
    } },
    Spoiler { check: "soap_body", code: 2511, dialects: EVERY, spoil: |draft| draft.request.behind_operation = "<more/>".to_owned() },
    Spoiler { check: "namespaces", code: 2507, dialects: EVERY, spoil: |draft| {
        let version = draft.request.version.take();
        draft.request.written_in("urn:example", "6.8.0").version = version;
    } },
    Spoiler { check: "operation", code: 2512, dialects: EVERY, spoil: |draft| draft.request.operation = "CancelReq".to_owned() },
    Spoiler { check: "version", code: 2505, dialects: EVERY, spoil: |draft| draft.request.version = Some("4.0.0".to_owned()) },
    Spoiler { check: "schema", code: 2007, dialects: &["3gpp"], spoil: |draft| {
        draft.request.element("Priority", "Urgent");
    } },
    Spoiler { check: "sender_identification", code: 2561, dialects: EVERY, spoil: |draft| draft.request.vaspid = None },
    Spoiler { check: "vaspid", code: 2564, dialects: EVERY, spoil: |draft| draft.request.vaspid = Some("nobody".to_owned()) },
    Spoiler { check: "address_and_protocol", code: 2000, dialects: EVERY, spoil: |draft| draft.account += "require_tls = true\n" },
    Spoiler { check: "client_certificate", code: 2568, dialects: EVERY, spoil: |draft| {
        draft.account += "client_certs = [\"cn:acme\"]\n";
    } },
    Spoiler { check: "credentials", code: 2568, dialects: EVERY, spoil: |draft| {
        draft.account += "basic_auth = { username = \"acme\", password = \"s3cret\" }\n";
    } },
    Spoiler { check: "account_status", code: 2550, dialects: EVERY, spoil: |draft| draft.account += "status = \"disabled\"\n" },
    Spoiler { check: "account_mm7", code: 2551, dialects: EVERY, spoil: |draft| draft.account += "mm7 = false\n" },
    Spoiler { check: "throughput", code: 3510, dialects: EVERY, spoil: |draft| {
        draft.account += "throughput = { per_second = 1, burst = 1 }\n";
        draft.is_used_up = true;
    } },
    Spoiler { check: "vasid", code: 2562, dialects: EVERY, spoil: |draft| draft.request.vasid = Some("61296".to_owned()) },
    Spoiler { check: "sender_present", code: 2504, dialects: EVERY, spoil: |draft| draft.request.sender = None },
    Spoiler { check: "sender_provisioned", code: 2563, dialects: EVERY, spoil: |draft| {
        draft.request.sender = Some("<ShortCode>333333</ShortCode>".to_owned());
    } },
    Spoiler { check: "recipient_present", code: 2502, dialects: EVERY, spoil: |draft| draft.recipient = Recipient::None },
    Spoiler { check: "one_recipient", code: 2503, dialects: EVERY, spoil: |draft| draft.recipient = Recipient::Two },
    Spoiler { check: "recipient_number", code: 2002, dialects: EVERY, spoil: |draft| draft.recipient = Recipient::Malformed },
    Spoiler { check: "reply_charging", code: 2565, dialects: EVERY, spoil: |draft| {
        draft.request.raw_element("ReplyCharging", "<ReplyCharging/>");
    } },
    Spoiler { check: "charged_party", code: 3002, dialects: EVERY, spoil: |draft| {
        draft.request.element("ChargedParty", "Sender");
    } },
    Spoiler { check: "content_present", code: 2506, dialects: &["posthouse", "skycore", "sinch", "3gpp"], spoil: |draft| {
        draft.request.without("Content");
    } },
    Spoiler { check: "message_length", code: 2560, dialects: EVERY, spoil: |draft| draft.account += "max_message_bytes = 100\n" },
    Spoiler { check: "attachment_content_types", code: 2514, dialects: EVERY, spoil: |draft| {
        draft.request.attachments.push(RawPart { head: String::new(), body: b"untyped".to_vec() });
    } },
    Spoiler { check: "attachments_read", code: 2513, dialects: EVERY, spoil: |draft| {
        let head = "Content-Type: text/plain\r\nContent-Transfer-Encoding: x-unknown\r\n".to_owned();
        draft.request.attachments.push(RawPart { head, body: b"unreadable".to_vec() });
    } },
    Spoiler { check: "blacklist", code: 3001, dialects: EVERY, spoil: |draft| draft.is_blacklisted = true },
    Spoiler { check: "carrier_id_present", code: 2567, dialects: EVERY, spoil: |draft| draft.account += "require_carrier_id = true\n" },
    Spoiler { check: "carrier_id_known", code: 2566, dialects: EVERY, spoil: |draft| {
        draft.request.header("X-Posthouse-Carrier-Id", "nobody");
    } },
    Spoiler { check: "lookup", code: 2570, dialects: EVERY, spoil: |draft| draft.in_range = false },
    Spoiler { check: "service_reaches_carrier", code: 2570, dialects: EVERY, spoil: |draft| draft.service = "carriers = [\"31002\"]\n".to_owned() },
    Spoiler { check: "carrier_has_connection", code: 3520, dialects: EVERY, spoil: |draft| draft.carrier.unconnected = true },
    Spoiler { check: "carrier_takes_content", code: 2004, dialects: EVERY, spoil: |draft| draft.carrier.audio_only = true },
    Spoiler { check: "content_by_url", code: 3003, dialects: EVERY, spoil: |draft| draft.shows.push("ftp://127.0.0.1/a.jpg") },
    Spoiler { check: "carrier_takes_whole_content", code: 2004, dialects: EVERY, spoil: |draft| draft.shows.push(FONT) },
    Spoiler { check: "store", code: 3000, dialects: EVERY, spoil: |draft| {
        let header = draft.request.soap_header.take();
        draft.request.soap_header = header.map(|header| header.replace(">t-", ">broken-t-"));
    } },
    Spoiler { check: "carrier", code: 4007, dialects: EVERY, spoil: |draft| {
        draft.account += "submit_mode = \"relay\"\n";
        draft.carrier.refuses = true;
    } },
];

/// Checks that cannot both be broken in one request, each of the first with each of the second, and why.
const NEVER_TOGETHER: &[(&[&str], &[&str], &str)] = &[
    (
        &["schema"],
        &["sender_identification", "vaspid"],
        "without an account the default dialect reads, and tolerates what the schema forbids",
    ),
    (&["sender_identification"], &["vaspid"], "a VASPID that is missing is not unknown"),
    (
        &["sender_identification", "vaspid"],
        &[
            "address_and_protocol",
            "credentials",
            "account_status",
            "account_mm7",
            "throughput",
            "vasid",
            "sender_provisioned",
            "message_length",
            "carrier_id_present",
            "service_reaches_carrier",
            "carrier",
        ],
        "without an account there is nothing that it may not do, nor a service, nor relay mode",
    ),
    (
        &["address_and_protocol", "account_status", "account_mm7"],
        &["throughput"],
        "who is kept out uses nothing up",
    ),
    (
        &["vasid"],
        &["sender_provisioned", "service_reaches_carrier"],
        "without a service it has no senders and no reach",
    ),
    (&["sender_present"], &["sender_provisioned"], "a sender that is missing is not somebody else's"),
    (
        &["recipient_present"],
        &["one_recipient", "recipient_number", "blacklist"],
        "without a recipient there is no number",
    ),
    (&["one_recipient"], &["recipient_number"], "of two recipients the first is not looked at"),
    (&["recipient_number"], &["blacklist"], "a blacklist holds numbers only"),
    (&["carrier_id_present"], &["carrier_id_known"], "a carrier id that is missing is not unknown"),
    (
        &["lookup"],
        &[
            "service_reaches_carrier",
            "carrier_has_connection",
            "carrier_takes_content",
            "carrier_takes_whole_content",
            "carrier",
        ],
        "a number of no carrier has none of which something could be wrong",
    ),
    (&["carrier_has_connection"], &["carrier"], "a carrier that is not connected says nothing"),
];

fn stand_together(one: &str, other: &str) -> bool {
    let are =
        |firsts: &[&str], seconds: &[&str], a: &str, b: &str| firsts.contains(&a) && seconds.contains(&b);
    !NEVER_TOGETHER
        .iter()
        .any(|(firsts, seconds, _)| are(firsts, seconds, one, other) || are(firsts, seconds, other, one))
}

/// The checks and what comes after them, in their order, each with its row and its spoiler.
fn rows() -> Vec<(u8, &'static Spoiler)> {
    let checks = CHECKS.iter().map(|check| (check.name, check.row)).chain(AFTER_THE_CHECKS);
    let rows = checks.map(|(name, row)| {
        let spoiler = SPOILERS.iter().find(|spoiler| spoiler.check == name);
        (row, spoiler.unwrap_or_else(|| panic!("the check {name} has no spoiler: write one")))
    });
    rows.collect()
}

#[test]
fn every_check_has_one_spoiler_and_every_name_is_a_check() {
    let names: Vec<_> = rows().iter().map(|(_, spoiler)| spoiler.check).collect();
    assert_eq!(names.len(), SPOILERS.len(), "a spoiler of no check, or a check with two");
    let listed = NEVER_TOGETHER.iter().flat_map(|(firsts, seconds, _)| firsts.iter().chain(*seconds));
    for name in listed {
        assert!(names.contains(name), "{name} is no check");
    }
}

/// A request in which some rows are broken, and the answer that it has to get.
struct Trial {
    what: String,
    draft: Draft,
    look: Look,
}

/// The answer of the first of these rows that the dialect refuses.
fn look(dialect: &str, rows: &[(u8, &Spoiler)], request: &RawRequest) -> Look {
    let spoils = |names: &[&str]| rows.iter().any(|(_, spoiler)| names.contains(&spoiler.check));
    let winner = rows.iter().find(|(_, spoiler)| spoiler.dialects.contains(&dialect));
    let Some((row, winner)) = winner else { return Look::success(request) };
    let is_known = *row >= 5 && !spoils(&["sender_identification", "vaspid"]);
    let mut look = Look::refusal(if is_known { dialect } else { "posthouse" }, *row, winner.code, request);
    let good = RawRequest::to("");
    if winner.check == "credentials" && dialect == "posthouse" {
        look.form.0 = 401;
    }
    if spoils(&["http_headers", "request_length", "envelope_reads"]) {
        look = Look { transaction_id: None, namespace: good.namespace, version: "6.8.0".to_owned(), ..look };
    } else {
        if spoils(&["namespaces"]) {
            look.namespace = good.namespace;
        }
        if spoils(&["version"]) {
            look.version = "6.8.0".to_owned();
        }
    }
    look
}

/// Every row alone, and every pair that can stand together.
fn combinations() -> Vec<Vec<(u8, &'static Spoiler)>> {
    let rows = rows();
    let mut combinations = Vec::new();
    for (index, first) in rows.iter().enumerate() {
        combinations.push(vec![*first]);
        for second in &rows[index + 1..] {
            if stand_together(first.1.check, second.1.check) {
                combinations.push(vec![*first, *second]);
            }
        }
    }
    combinations
}

/// Writes the requests, and provisions what they need: an account for each set of settings, and one of its own for each that
/// is used up.
async fn prepare(town: &Town, canned: &Canned, dialect: &'static str) -> Vec<Trial> {
    let mut toml = "[[blacklist]]\nnumber = \"19995550199\"\n".to_owned()
        + &town.usual_carriers()
        + &Carrier::all().map(|carrier| carrier.toml(canned)).collect::<String>();
    let mut accounts = BTreeMap::new();
    let mut trials = Vec::new();
    for (number, rows) in combinations().into_iter().enumerate() {
        let mut draft = Draft::good();
        rows.iter().for_each(|(_, spoiler)| (spoiler.spoil)(&mut draft));
        let own = draft.is_used_up.then_some(number);
        let name = accounts.entry((draft.account.clone(), draft.service.clone(), own)).or_insert_with(|| {
            let name = format!("a{number}");
            let settings = format!("dialect = {dialect:?}\n{}", draft.account);
            toml += &town.account_with(&name, &settings, "", &draft.service);
            name
        });
        draft.finish(format!("{name}-key"), &canned.url("/font"));
        let look = look(dialect, &rows, &draft.request);
        let what = rows.iter().map(|(_, spoiler)| spoiler.check).collect::<Vec<_>>().join(" and ");
        trials.push(Trial { what, draft, look });
    }
    town.provision(&toml).await;
    trials
}

/// What uses up an account that may send one request a second.
fn uses_up(draft: &Draft, vaspid: &str) -> RawRequest {
    let mut request = RawRequest { vaspid: Some(vaspid.to_owned()), ..RawRequest::to("16175550100") };
    if draft.account.contains("basic_auth") {
        // acme:s3cret
        request.header("Authorization", "Basic YWNtZTpzM2NyZXQ=");
    }
    request
}

async fn run(dialect: &'static str) {
    let mut plan = TownPlan { fragile: true, ..TownPlan::default() };
    plan.settings.fetch.allow_private = vec!["127.0.0.1/32".parse().unwrap()];
    let town = Town::planned(plan).await;
    let canned = Canned::start(|seen| {
        let answer = |code| response("SubmitRsp", &seen.transaction_id, code);
        match seen.path.as_str() {
            "/font" => CannedReply::http(200, "font/woff2", "wOF2\0\u{1}\0\0"),
            "/refuses" => CannedReply::http(200, "text/xml", &answer(4007)),
            _ => CannedReply::http(200, "text/xml", &answer(1000)),
        }
    })
    .await;
    let mut wrong = Vec::new();
    let trials = prepare(&town, &canned, dialect).await;
    assert!(trials.len() > 600, "{} combinations", trials.len());
    for Trial { what, draft, look } in trials {
        let mut requests = vec![draft.request.clone()];
        if let (true, Some(vaspid)) = (draft.is_used_up, &draft.request.vaspid) {
            requests.insert(0, uses_up(&draft, vaspid));
        }
        let answers = town.post_on_one_connection(&requests).await;
        let difference = answers.last().and_then(|answer| difference(answer, &look));
        wrong.extend(difference.map(|difference| format!("{what}: {difference}")));
    }
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
    town.close().await;
}

#[tokio::test]
async fn which_of_two_rows_wins_in_the_dialect_posthouse() {
    run("posthouse").await;
}

#[tokio::test]
async fn which_of_two_rows_wins_in_the_dialect_skycore() {
    run("skycore").await;
}

#[tokio::test]
async fn which_of_two_rows_wins_in_the_dialect_sinch() {
    run("sinch").await;
}

#[tokio::test]
async fn which_of_two_rows_wins_in_the_dialect_3gpp() {
    run("3gpp").await;
}

#[tokio::test]
async fn which_of_two_rows_wins_in_the_dialect_cmcc() {
    run("cmcc").await;
}
