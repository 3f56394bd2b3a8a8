//! Every code of the table is answered for its real cause: the test goes through [`StatusCode::ALL`] and fails when one has no
//! cause here.

use mm7::StatusCode;

use super::table::{Look, TABLE, difference};
use posthouse_testing::{
    provisioning::range,
    request::{DeclaredLength, RawPart, RawRequest},
    town::{Town, TownPlan},
};

/// What brings a code about.
struct Cause {
    code: u32,
    /// The row of contract 4.1; 0 for 1000.
    row: u8,
    /// Lines of the account.
    account: &'static str,
    change: fn(&mut RawRequest),
}

const fn cause(row: u8, code: u32, change: fn(&mut RawRequest)) -> Cause {
    Cause { code, row, account: "", change }
}

const fn of_account(row: u8, code: u32, account: &'static str, change: fn(&mut RawRequest)) -> Cause {
    Cause { code, row, account, change }
}

fn to(request: &mut RawRequest, number: &str) {
    request.element("Recipients", &format!("<To><Number>{number}</Number></To>"));
}

const RELAY: &str = "submit_mode = \"relay\"\n";

/// One cause for each code. 2569 has a lookup of its own, which comes last.
#[rustfmt::skip]
const CAUSES: &[Cause] = &[
    cause(0, 1000, |_| {}),
    of_account(12, 2000, "allowed_ips = [\"192.0.2.1\"]\n", |_| {}),
    cause(18, 2002, |request| to(request, "123")),
    cause(30, 2004, |request| to(request, "17015550100")),
    cause(4, 2007, |request| request.prolog += "<"),
    cause(1, 2500, |request| request.content_length = DeclaredLength::Missing),
    cause(18, 2502, |request| { request.without("Recipients"); }),
    cause(18, 2503, |request| {
        let two = "<To><Number>16175550100</Number><Number>16175550101</Number></To>";
        request.element("Recipients", two);
    }),
    cause(17, 2504, |request| request.sender = None),
    cause(9, 2505, |request| request.version = None),
    cause(21, 2506, |request| { request.without("Content"); }),
    cause(7, 2507, |request| { request.written_in("urn:example", "6.8.0"); }),
    cause(5, 2510, |request| request.soap_header = None),
    cause(6, 2511, |request| request.operation = String::new()),
    cause(8, 2512, |request| request.operation = "CancelReq".to_owned()),
    cause(24, 2513, |request| request.attachments[1].head += "Content-Transfer-Encoding: rot13\r\n"),
    cause(23, 2514, |request| request.attachments.push(RawPart { head: String::new(), body: Vec::new() })),
    cause(3, 2515, |request| request.root_head = "Content-Type: text/plain\r\nContent-ID: <mm7>\r\n".to_owned()),
    of_account(14, 2550, "status = \"disabled\"\n", |_| {}),
    of_account(14, 2551, "mm7 = false\n", |_| {}),
    of_account(22, 2560, "max_message_bytes = 100\n", |_| {}),
    cause(10, 2561, |request| request.sender_identification = false),
    cause(16, 2562, |request| request.vasid = None),
    cause(17, 2563, |request| request.sender = Some("<ShortCode>999</ShortCode>".to_owned())),
    cause(11, 2564, |request| request.vaspid = Some("nobody".to_owned())),
    cause(19, 2565, |request| { request.raw_element("ReplyCharging", "<ReplyCharging/>"); }),
    cause(26, 2566, |request| { request.header("X-Posthouse-Carrier-Id", "nobody"); }),
    of_account(26, 2567, "require_carrier_id = true\n", |_| {}),
    of_account(13, 2568, "basic_auth = { username = \"acme\", password = \"s3cret\" }\n", |request| {
        request.header("Authorization", "Basic YWNtZTp3cm9uZw==");
    }),
    cause(27, 2569, |_| {}),
    cause(27, 2570, |request| to(request, "4915155550100")),
    cause(32, 3000, |request| { request.transaction_id("broken"); }),
    cause(25, 3001, |request| to(request, "16175550199")),
    cause(20, 3002, |request| { request.element("ChargedParty", "Recipient"); }),
    cause(31, 3003, |request| { request.raw_element("Content", "<Content href=\"http://127.0.0.1:9/a.jpg\"/>"); }),
    of_account(33, 3500, "submit_mode = \"relay\"\nrelay_timeout = \"50ms\"\n", |request| to(request, "16175553500")),
    of_account(15, 3510, "throughput = { per_second = 1, burst = 1 }\n", |_| {}),
    cause(29, 3520, |request| to(request, "17005550100")),
    of_account(33, 4000, RELAY, |request| to(request, "16175554000")),
    of_account(33, 4002, RELAY, |request| to(request, "16175554002")),
    of_account(33, 4003, RELAY, |request| to(request, "16175554003")),
    of_account(33, 4004, RELAY, |request| to(request, "16175554004")),
    of_account(33, 4006, RELAY, |request| to(request, "16175554006")),
    of_account(33, 4007, RELAY, |request| to(request, "16175554007")),
];

async fn found() -> Town {
    let town = Town::planned(TownPlan { fragile: true, ..TownPlan::default() }).await;
    let accounts: String =
        CAUSES.iter().map(|cause| town.account(&format!("a{}", cause.code), cause.account)).collect();
    let carriers = [
        town.carrier("31002", "content_types = [\"audio/*\"]\n"),
        town.carrier_with("31003", "", "timeout = \"300ms\"\n"),
        "[[carrier]]\nid = \"unconnected\"\n".to_owned(),
        range("1617", "31003"),
        range("1700", "unconnected"),
        range("1701", "31002"),
    ];
    town.provision(&(accounts + &carriers.concat() + "[[blacklist]]\nnumber = \"16175550199\"\n")).await;
    town
}

async fn provoke(town: &Town, cause: &Cause) -> Option<String> {
    let mut request = RawRequest::to("16175550100");
    request.vaspid = Some(format!("a{}-key", cause.code));
    let mut requests = vec![request.clone()];
    (cause.change)(&mut request);
    // Only the second in a second is over the throughput.
    requests.retain(|_| cause.code == 3510);
    requests.push(request.clone());
    let answers = town.post_on_one_connection(&requests).await;
    let mut look = match cause.row {
        0 => Look::success(&request),
        1 | 4 => Look::blind(cause.row, cause.code),
        row => Look::refusal("posthouse", row, cause.code, &request),
    };
    if cause.code == 2505 || cause.code == 2507 {
        (look.namespace, look.version) = (RawRequest::to("").namespace, "6.8.0".to_owned());
    }
    difference(answers.last()?, &look)
}

#[tokio::test]
async fn every_code_happens_for_its_cause() {
    let town = found().await;
    let mut wrong = Vec::new();
    // The lookup service comes last, since without it there is no carrier for anybody.
    let (last, first): (Vec<_>, Vec<_>) =
        StatusCode::ALL.iter().map(|code| u32::from(code.code())).partition(|code| *code == 2569);
    for code in first.into_iter().chain(last) {
        let Some(cause) = CAUSES.iter().find(|cause| cause.code == code) else {
            wrong.push(format!("{code}: nothing here brings it about"));
            continue;
        };
        if code == 2569 {
            let service = "[lookup]\nprovider = \"http\"\nurl = \"http://127.0.0.1:9/{msisdn}\"\n";
            town.provision(service).await;
        }
        wrong.extend(provoke(&town, cause).await.map(|difference| format!("{code}: {difference}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    town.close().await;
}

#[test]
fn the_table_is_the_contracts_word_for_word() {
    let known: Vec<_> = StatusCode::ALL
        .iter()
        .map(|code| (u32::from(code.code()), code.text(), code.details().unwrap_or_default()))
        .collect();
    assert_eq!(known, TABLE);
}
