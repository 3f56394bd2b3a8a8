//! The API at the admin door, over real HTTP, and commands that come by it.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Command, Output},
    thread,
    time::Duration,
};

use posthouse_core::{
    Id,
    life::{
        retry::Backoff,
        state::{State, Terminal},
    },
    message::EventKind,
    provisioning::tree::ValueSource,
};
use posthouse_gateway::{admin::run_token, secrets::Secret};
use posthouse_sim::http::exchange;
use serde_json::{Value, json};

use posthouse_testing::{
    provisioning::{CarrierToml, range},
    request::RawRequest,
    town::{DEADLINE, Town, TownPlan, eventually},
};

/// Nothing is tried again by itself while a test runs.
const NEVER: Duration = Duration::from_secs(3600 * 1000);
const TOKEN: &str = "hush-hush";

/// The usual town, whose admin token is known, and where what fails waits till somebody intervenes.
pub(crate) async fn town() -> Town {
    town_with(|_| String::new()).await
}

/// The same, with more lines for the callbacks of its account.
pub(crate) async fn town_with(callbacks: impl Fn(&Town) -> String) -> Town {
    let mut plan = TownPlan::default();
    plan.parts.backoff = Backoff::new(NEVER, NEVER);
    plan.settings.admin.token = Some(Secret::new(TOKEN.to_owned(), ValueSource::Inline));
    // An earlier run had none configured, and was killed.
    let left_over = run_token::token_file(&plan.settings.store.path);
    fs::write(&left_over, "of an earlier run\n").unwrap();
    let town = Town::planned(plan).await;
    assert!(!left_over.exists());
    let callbacks = format!("retry_after = \"20ms\"\nmax_retries = 0\n{}", callbacks(&town));
    let account = town.account_with("acme", "", &callbacks, "");
    town.provision(&[account, town.carrier("31003", ""), range("1617", "31003")].concat()).await;
    town
}

/// An answer of the admin door.
pub(crate) struct Said {
    pub status: u16,
    /// In small letters.
    pub head: String,
    /// As it came.
    whole_head: String,
    pub body: String,
}

impl Said {
    /// The values of the headers of this name, which is in small letters.
    fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        let lines = self.whole_head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(move |(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Where it leads.
    #[track_caller]
    pub(crate) fn place(&self) -> String {
        self.values("location").next().expect("it leads somewhere").to_owned()
    }

    /// The cookies that it sets: name and value of each.
    pub(crate) fn cookies(&self) -> Vec<String> {
        self.values("set-cookie").map(|set| set.split(';').next().unwrap().to_owned()).collect()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// The problem that it is: its code, after what every problem has to say.
    #[track_caller]
    fn problem(&self) -> Value {
        assert!(
            self.head.contains("content-type: application/problem+json\r\n"),
            "{}{}",
            self.head,
            self.body
        );
        let problem = self.json();
        assert_eq!(problem["status"], self.status, "{problem}");
        let kind = format!("urn:posthouse:problem:{}", problem["code"].as_str().unwrap());
        assert_eq!(problem["type"], kind.as_str());
        let errors = problem["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        let is_mended = !errors.is_empty() && errors.iter().all(|error| error["remedy"].is_string());
        assert!(problem["remedy"].is_string() || is_mended, "nothing says what puts it right: {problem}");
        problem
    }
}

/// Asks the door with these header lines.
pub(crate) async fn ask(admin: &str, method: &str, path: &str, headers: &[&str], body: &str) -> Said {
    let address: SocketAddr = admin.strip_prefix("http://").unwrap().parse().unwrap();
    let mut request = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
    for header in headers {
        request.push_str(&format!("{header}\r\n"));
    }
    if !body.is_empty() {
        request.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    let answer = exchange(address, format!("{request}\r\n{body}").as_bytes(), DEADLINE).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let whole_head = head.to_owned();
    Said { status, head: format!("{}\r\n", head.to_lowercase()), whole_head, body: body.to_owned() }
}

const BEARER: &str = "Authorization: Bearer hush-hush";
const AS_JSON: &str = "Content-Type: application/json";
const AS_TOML: &str = "Content-Type: application/toml; charset=utf-8";

async fn get(town: &Town, path: &str) -> Said {
    ask(&town.app.ready().admin, "GET", path, &[BEARER], "").await
}

async fn post(town: &Town, path: &str, body: &Value) -> Said {
    ask(&town.app.ready().admin, "POST", path, &[BEARER, AS_JSON], &body.to_string()).await
}

#[tokio::test]
async fn nobody_comes_in_without_the_token() {
    let town = town().await;
    let admin = &town.app.ready().admin;
    for path in ["/api/v1/version", "/api/v1/messages", "/api/v1/nothing", "/api"] {
        for headers in [&[][..], &["Authorization: Bearer wrong"], &["Authorization: Basic aHVzaA=="]] {
            let refused = ask(admin, "GET", path, headers, "").await;
            assert_eq!((refused.status, &refused.problem()["code"]), (401, &json!("unauthorized")), "{path}");
            assert!(refused.head.contains("www-authenticate: bearer\r\n"), "{}", refused.head);
            assert!(refused.body.ends_with("}\n"), "a line");
        }
    }
    let apply = "/api/v1/provisioning/apply";
    let refused = ask(admin, "POST", apply, &[AS_TOML], "[[blacklist]]\nnumber = \"16175550199\"\n").await;
    assert_eq!(refused.status, 401);
    assert_eq!(town.store().revision().await.unwrap(), 1);
    let version = get(&town, "/api/v1/version").await;
    assert_eq!(version.status, 200);
    assert_eq!(
        (&version.json()["pid"], &version.json()["revision"]),
        (&json!(std::process::id()), &json!(1))
    );
    town.close().await;
}

#[tokio::test]
async fn without_a_configured_token_there_is_one_of_the_run_for_those_who_can_read_the_store() {
    let town = Town::found().await;
    let admin = &town.app.ready().admin;
    let file = run_token::token_file(&town.folder().join("posthouse.db"));
    assert_eq!(ask(admin, "GET", "/metrics", &[], "").await.status, 200, "as ever");
    let refused = ask(admin, "GET", "/api/v1/version", &[], "").await;
    assert!(refused.problem()["remedy"].as_str().unwrap().contains(".gateway.token"));
    let token = run_token::read(&file).unwrap();
    assert_eq!(token.len(), 64);
    let bearer = format!("Authorization: Bearer {token}");
    assert_eq!(ask(admin, "GET", "/api/v1/version", &[&bearer], "").await.status, 200);
    let (folder, ..) = town.without_gateway().await;
    assert!(!file.exists() && folder.path().join("posthouse.db").exists());
}

#[tokio::test]
async fn without_pages_what_is_no_part_of_the_api_answers_in_plain_text() {
    let mut plan = TownPlan::default();
    plan.settings.admin.ui = false;
    let town = Town::planned(plan).await;
    let account = town.account_with("acme", "", "", "");
    town.provision(&account).await;
    let admin = &town.app.ready().admin;
    let health = ask(admin, "GET", "/healthz", &[], "").await;
    assert_eq!((health.status, health.body.as_str()), (200, "ok\n"));
    assert!(health.head.contains("content-type: text/plain; charset=utf-8\r\n"), "{}", health.head);
    let ready = ask(admin, "GET", "/readyz", &[], "").await;
    assert_eq!(
        (ready.status, ready.body.as_str()),
        (200, "{\"error\":null,\"ready\":true,\"revision\":1}\n")
    );
    let metrics = ask(admin, "GET", "/metrics", &["Accept: application/openmetrics-text"], "").await;
    let open_metrics = "content-type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n";
    assert!(metrics.head.contains(open_metrics) && metrics.body.ends_with("# EOF\n"));
    for path in ["/", "/apis", "/healthz/", "/API/v1/version"] {
        let missing = ask(admin, "GET", path, &[], "").await;
        assert_eq!(
            (missing.status, missing.body.as_str()),
            (404, "there is /healthz, /readyz and /metrics\n"),
            "{path}"
        );
    }
    for (method, path) in [("POST", "/healthz"), ("PUT", "/nowhere"), ("DELETE", "/metrics")] {
        let refused = ask(admin, method, path, &[], "").await;
        assert_eq!((refused.status, refused.body.as_str()), (405, "this is read only\n"), "{method} {path}");
        assert!(refused.head.contains("allow: get\r\n"), "{}", refused.head);
    }
    let head = ask(admin, "HEAD", "/healthz", &[], "").await;
    assert_eq!((head.status, head.body.as_str()), (405, ""));
    town.close().await;
}

#[tokio::test]
async fn each_refusal_is_a_problem_with_a_place() {
    let town = town().await;
    let admin = &town.app.ready().admin;
    let code = async |path: &str| {
        let refused = get(&town, path).await;
        assert_eq!(refused.status, 400, "{path}");
        let problem = refused.problem();
        let places: Vec<_> = problem["errors"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|error| error["parameter"].clone())
            .collect();
        (problem["code"].as_str().unwrap().to_owned(), places)
    };
    for (query, expected) in [
        ("?acount=acme&limit=5", &["acount"][..]),
        ("?limit=0&cursor=next&reveal=yes", &["cursor", "limit", "reveal"]),
        ("?limit=201", &["limit"]),
        ("?since=30m&until=yesterday", &["since", "until"]),
        ("?state=Lost&state=Parked", &["state"]),
        ("?to=1&to=2", &["to"]),
    ] {
        let (code, places) = code(&format!("/api/v1/messages{query}")).await;
        assert_eq!(
            (code.as_str(), places),
            ("invalid_parameter", expected.iter().map(|name| json!(name)).collect())
        );
    }
    for query in ["?account=acmee", "?carrier=99999"] {
        assert_eq!(code(&format!("/api/v1/messages{query}")).await.0, "not_provisioned");
        assert_eq!(get(&town, &format!("/api/v1/messages{query}&unprovisioned=true")).await.status, 200);
    }
    for path in [
        "/api/v1/messages/17",
        "/api/v1/messages/x",
        "/api/v1/unreadable/1",
        "/api/v1/unreadable/x",
        "/api/v2",
    ] {
        let missing = get(&town, path).await;
        assert_eq!((missing.status, &missing.problem()["code"]), (404, &json!("not_found")), "{path}");
    }
    for (method, path, allowed) in [
        ("DELETE", "/api/v1/messages", "get,head"),
        ("GET", "/api/v1/messages/expire", "post"),
        ("GET", "/api/v1/provisioning/apply", "post"),
        ("POST", "/api/v1/messages/17", "get,head"),
    ] {
        let refused = ask(admin, method, path, &[BEARER], "").await;
        assert_eq!((refused.status, &refused.problem()["code"]), (405, &json!("method_not_allowed")));
        assert!(refused.head.contains(&format!("allow: {allowed}\r\n")), "{}", refused.head);
    }
    town.close().await;
}

#[tokio::test]
async fn bodies_are_bounded_and_read_strictly() {
    let town = town().await;
    let admin = &town.app.ready().admin;
    let requeue = "/api/v1/messages/requeue";
    let long = format!("{{\"ids\":[{}\"1\"]}}", "\"1\",".repeat(20_000));
    let refused = ask(admin, "POST", requeue, &[BEARER, AS_JSON], &long).await;
    assert_eq!((refused.status, &refused.problem()["code"]), (413, &json!("too_large")));
    for (headers, body, status, code) in [
        (&[BEARER][..], "{\"all\":true}", 415, "unsupported_media_type"),
        (&[BEARER, "Content-Type: text/plain"], "{\"all\":true}", 415, "unsupported_media_type"),
        (&[BEARER, AS_JSON], "{\"all\":tru", 400, "malformed"),
        (&[BEARER, AS_JSON], "{\"al\":true}", 400, "invalid_parameter"),
        (&[BEARER, AS_JSON], "{\"filter\":{\"state\":[\"Lost\"]}}", 400, "invalid_parameter"),
        (&[BEARER, AS_JSON], "{\"all\":true,\"ids\":[\"1\"]}", 400, "invalid_parameter"),
        (&[BEARER, AS_JSON], "{\"all\":true,\"cursor\":\"x\"}", 400, "invalid_parameter"),
        (&[BEARER, AS_JSON], "{\"ids\":[\"x\"]}", 400, "invalid_parameter"),
        (&[BEARER, AS_JSON], "{\"filter\":{}}", 400, "nothing_selected"),
        (&[BEARER], "", 400, "nothing_selected"),
        (&[BEARER, AS_JSON], "{\"filter\":{\"account\":\"acmee\"}}", 400, "not_provisioned"),
    ] {
        let refused = ask(admin, "POST", requeue, headers, body).await;
        assert_eq!((refused.status, &refused.problem()["code"]), (status, &json!(code)), "{body}");
    }
    let broken = ask(admin, "POST", requeue, &[BEARER, "Content-Length: 1x"], "").await;
    assert_eq!((broken.status, &broken.problem()["code"]), (400, &json!("malformed")));
    town.close().await;
}

pub(crate) async fn waits(town: &Town, id: Id, state: State, attempts: u32) {
    eventually("the attempt is over", async || {
        let message = town.message(id).await;
        (message.state == state && message.attempts == attempts).then_some(())
    })
    .await;
}

#[tokio::test]
async fn messages_are_listed_by_pages_and_shown_with_their_timeline() {
    let town = town().await;
    let mut ids = Vec::new();
    for to in ["16175550100", "16175550101", "16175559012"] {
        ids.push(town.submit(&RawRequest::to(to)).await);
    }
    for id in &ids[..2] {
        town.ended(*id).await;
    }
    waits(&town, ids[2], State::Accepted, 1).await;
    let first = get(&town, "/api/v1/messages?account=acme&limit=2").await;
    let page = first.json();
    let listed: Vec<_> =
        page["items"].as_array().unwrap().iter().map(|one| one["message_id"].clone()).collect();
    assert_eq!(listed, [json!(ids[2].to_string()), json!(ids[1].to_string())]);
    assert_eq!(page["items"][0]["recipient"], "+1617•••9012", "masked");
    let next = page["next"].as_str().unwrap();
    let link = format!("link: </api/v1/messages?account=acme&limit=2&cursor={next}>; rel=\"next\"\r\n");
    assert!(first.head.contains(&link), "{}", first.head);
    let last = get(&town, &format!("/api/v1/messages?limit=2&cursor={next}&reveal=true")).await;
    let page = last.json();
    assert_eq!((page["items"].as_array().unwrap().len(), &page["next"]), (1, &Value::Null));
    assert_eq!(page["items"][0]["recipient"], "16175550100");
    assert!(!last.head.contains("\r\nlink:"));
    let found =
        get(&town, "/api/v1/messages?to=%2B1%20617-555-0101&state=retrieved&state=Parked").await.json();
    assert_eq!(found["items"][0]["message_id"], ids[1].to_string());

    let shown = get(&town, &format!("/api/v1/messages/{}", ids[2])).await.json();
    assert_eq!((&shown["state"], &shown["recipient"]), (&json!("Accepted"), &json!("+1617•••9012")));
    assert_eq!(
        (&shown["next"]["what"], &shown["timeline"][0]["kind"]),
        (&json!("attempt"), &json!("Accepted"))
    );
    assert_eq!(
        shown["parts"].as_array().unwrap().iter().map(|part| part["bytes"].as_u64().unwrap()).sum::<u64>(),
        shown["bytes"]
    );
    town.close().await;
}

#[tokio::test]
async fn every_change_is_kept_with_who_made_it_and_why() {
    let town = town().await;
    let id = town.submit(&RawRequest::to("16175559015")).await;
    waits(&town, id, State::Parked, 1).await;
    let path = format!("/api/v1/messages/{id}/expire");
    let why = "X-Reason: asked for by 16175550100";
    let headers = [BEARER, AS_JSON, why];
    let done = ask(&town.app.ready().admin, "POST", &path, &headers, "{}").await;
    assert_eq!(done.status, 200, "{}", done.body);

    let kept = get(&town, "/api/v1/audit?verb=expire").await.json();
    let row = &kept["items"][0];
    assert_eq!((kept["items"].as_array().unwrap().len(), &kept["next"]), (1, &Value::Null));
    let who = json!([row["actor"], row["role"], row["credential"], row["address"]]);
    assert_eq!(who, json!(["admin", "admin", "configured", "127.0.0.1"]));
    let what = json!([row["verb"], row["target"], row["before"], row["after"], row["reason"]]);
    assert_eq!(
        what,
        json!(["expire", format!("message {id}"), "Parked", "Expired", "asked for by +1617•••0100"])
    );
    let page = get(&town, "/api/v1/audit?limit=1").await;
    let next = page.json()["next"].as_str().unwrap().to_owned();
    let link = format!("\r\nlink: </api/v1/audit?limit=1&cursor={next}>; rel=\"next\"\r\n");
    assert!(page.head.contains(&link), "{}", page.head);
    let rest = get(&town, &format!("/api/v1/audit?limit=1&cursor={next}")).await.json();
    assert_eq!((&rest["items"][0]["verb"], &rest["items"][0]["actor"]), (&json!("apply"), &json!("gateway")));
    let revealed = get(&town, "/api/v1/audit?actor=admin&reveal=true&limit=1").await.json();
    assert_eq!(revealed["items"][0]["reason"], "asked for by 16175550100");
    let wrong = get(&town, "/api/v1/audit?verb=expires").await.problem();
    assert_eq!(
        (&wrong["code"], &wrong["errors"][0]["parameter"]),
        (&json!("invalid_parameter"), &json!("verb"))
    );
    town.close().await;
}

#[tokio::test]
async fn messages_are_found_by_code_and_connection_and_counted() {
    let town = town().await;
    let mut ids = Vec::new();
    for to in ["16175550100", "16175554007", "16175559012"] {
        ids.push(town.submit(&RawRequest::to(to)).await.to_string());
    }
    for id in &ids[..2] {
        town.ended(id.parse().unwrap()).await;
    }
    waits(&town, ids[2].parse().unwrap(), State::Accepted, 1).await;
    let connection = town.store().provisioning().await.unwrap().carriers[0].connections[0].name.clone();
    let listed = async |query: &str| {
        let page = get(&town, &format!("/api/v1/messages?{query}")).await.json();
        let items = page["items"].as_array().unwrap_or_else(|| panic!("{query}: {page}")).clone();
        items.iter().map(|one| one["message_id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(listed("code=4006").await, [&*ids[2]], "it still waits");
    assert_eq!(listed(&format!("code=4007&connection={connection}&carrier=31003")).await, [&*ids[1]]);
    assert_eq!(listed("code=4006&until=2026-01-01T00:00:00Z").await, [""; 0]);
    assert_eq!(listed("failed=true").await, [&*ids[1]]);
    assert_eq!(listed(&format!("connection={connection}")).await.len(), 3);

    let count = async |query: &str| get(&town, &format!("/api/v1/messages/count?{query}")).await.json();
    assert_eq!(count("account=acme").await["messages"], 3);
    assert!(count("account=acme").await["since"].is_string(), "the last day, and it says so");
    assert_eq!(count("to=%2B1-617-555-0100").await, json!({"messages":1,"since":null,"until":null}));
    assert_eq!(count("until=2026-01-01T00:00:00Z").await["messages"], 0);
    let summary = get(&town, "/api/v1/messages/summary?by=state,code&state=Rejected").await.json();
    assert_eq!(summary["items"], json!([{"state":"Rejected","code":4007,"messages":1}]));
    assert_eq!(summary["next"], Value::Null);
    for (path, code) in [
        ("?connection=nowhere", "not_provisioned"),
        ("/count?carrier=99999", "not_provisioned"),
        ("/summary?by=state&account=acmee", "not_provisioned"),
        ("?code=17", "invalid_parameter"),
        ("?code=busy", "invalid_parameter"),
        ("/summary?by=color", "invalid_parameter"),
        ("/summary", "invalid_parameter"),
        ("/count?limit=5", "invalid_parameter"),
    ] {
        let refused = get(&town, &format!("/api/v1/messages{path}")).await;
        assert_eq!((refused.status, &refused.problem()["code"]), (400, &json!(code)), "{path}");
    }
    town.close().await;
}

/// What a VASP was refused is kept with what is wrong, and where; nothing of the content is, nor keys, nor whole numbers.
#[tokio::test]
async fn refusals_are_kept_and_explained() {
    let town = town().await;
    let mut foreign = RawRequest::to("16175550100");
    foreign.sender = Some("<ShortCode>999999</ShortCode>".to_owned());
    foreign.transaction_id("of-foreign");
    foreign.header("X-Api-Key", "hush-key");
    assert_eq!(town.post(&foreign).await.code(), Some(2563));
    let mut broken = RawRequest::to("16175550100");
    broken.transaction_id("of-broken");
    broken.attachments[1].head.push_str("Content-Transfer-Encoding: base64\r\n");
    broken.attachments[1].body = b"%%% private words %%%".to_vec();
    assert_eq!(town.post(&broken).await.code(), Some(2513));
    let mut stranger = RawRequest::to("16175550100");
    stranger.vaspid = Some("guessed-key".to_owned());
    for _ in 0..3 {
        assert_eq!(town.post(&stranger).await.code(), Some(2564));
    }
    let listed =
        async |query: &str| get(&town, &format!("/api/v1/refusals?{query}")).await.json()["items"].clone();
    eventually("all are kept", async || {
        let all = listed("").await;
        let times: u64 = all.as_array()?.iter().filter_map(|one| one["times"].as_u64()).sum();
        (times == 5).then_some(())
    })
    .await;
    let of = async |query: &str| {
        let items = listed(query).await;
        let [one] = items.as_array().unwrap().as_slice() else { panic!("{query}: {items}") };
        one.clone()
    };
    let one = of("transaction_id=of-foreign&account=acme").await;
    assert_eq!(
        json!([
            one["code"],
            one["text"],
            one["rule"],
            one["row"],
            one["sender"],
            one["recipient"],
            one["peer"]
        ]),
        json!([
            2563,
            "Invalid source address",
            "sender_provisioned",
            17,
            "999999",
            "+1617•••0100",
            "127.0.0.1"
        ])
    );
    let shown = get(&town, &format!("/api/v1/refusals/{}", one["refusal_id"].as_str().unwrap())).await.json();
    let head = shown["head"].as_str().unwrap();
    assert!(head.contains("\r\nx-api-key: -") && head.contains("\r\nsoapaction: \"\""), "{head}");

    let one = of("code=2513").await;
    let finding = &one["findings"][0];
    let at = usize::try_from(finding["byte"].as_u64().unwrap()).unwrap();
    let body = broken.body();
    assert!(String::from_utf8_lossy(&body[at..]).starts_with("%%%"), "{finding}");
    assert_eq!((&finding["rule"], &finding["part"]), (&json!("TransferEncoding"), &json!(1)), "{one}");
    assert!(finding["remedy"].is_string() && finding["found"].is_null(), "{finding}");

    let one = of("code=2564&peer=127.0.0.1").await;
    assert_eq!((&one["times"], &one["account"], &one["rule"]), (&json!(3), &Value::Null, &json!("vaspid")));
    let all = get(&town, "/api/v1/refusals").await.body;
    for secret in ["6175550100", "guessed-key", "acme-key", "private words", "hush-key"] {
        assert!(!all.contains(secret) && !shown.to_string().contains(secret), "{secret}: {all}");
    }
    assert_eq!(listed("to=%2B1%20617-555-0100").await.as_array().unwrap().len(), 3);
    assert_eq!(listed("to=16175550199").await, json!([]));
    for (path, status, code) in [
        ("?account=acmee", 400, "not_provisioned"),
        ("?code=17", 400, "invalid_parameter"),
        ("?cursor=x", 400, "invalid_parameter"),
        ("/4711", 404, "not_found"),
        ("/x", 404, "not_found"),
    ] {
        let refused = get(&town, &format!("/api/v1/refusals{path}")).await;
        assert_eq!((refused.status, &refused.problem()["code"]), (status, &json!(code)), "{path}");
    }
    town.close().await;
}

#[tokio::test]
async fn whatever_has_an_id_or_a_number_is_found() {
    let town = town().await;
    let mut request = RawRequest::to("16175550100");
    request.transaction_id("order-7781");
    let id = town.submit(&request).await;
    let message = town.ended(id).await;
    let mut refused = RawRequest::to("16175550100");
    refused.transaction_id("order-7782");
    refused.sender = Some("<ShortCode>999999</ShortCode>".to_owned());
    assert_eq!(town.post(&refused).await.code(), Some(2563));
    let find = async |q: &str| get(&town, &format!("/api/v1/find?q={q}")).await.json();
    eventually("the refusal is kept", async || {
        (find("order-7782").await["refusals"][0]["code"] == 2563).then_some(())
    })
    .await;
    let carriers = message.carrier_message_id.unwrap();
    for q in [&id.to_string(), "order-7781", &carriers, "%2B1%20(617)%20555-0100"] {
        let found = find(q).await;
        assert_eq!(found["messages"][0]["message_id"], id.to_string(), "{q}: {found}");
        assert_eq!(found["messages"].as_array().unwrap().len(), 1, "{q}: {found}");
        assert_eq!((&found["absent"], &found["mo"]), (&Value::Null, &json!([])), "{q}");
    }
    let by_number = find("16175550100").await;
    assert_eq!(by_number["refusals"].as_array().unwrap().len(), 1, "{by_number}");
    assert_eq!(by_number["messages"][0]["recipient"], "+1617•••0100", "masked");
    // A number without its country code is no id of the first day that an id can tell.
    let number = find("6175550100").await;
    assert_eq!((&number["absent"], &number["made_at"]), (&Value::Null, &Value::Null), "{number}");
    let older = find("11264000000000000").await;
    assert_eq!((&older["absent"], &older["messages"]), (&json!("older_than_retention"), &json!([])));
    let never = find(&(id.number() + 1).to_string()).await;
    assert_eq!(never["absent"], "never_accepted", "{never}");
    assert!(never["made_at"].is_string());
    assert_eq!(find("nothing-of-ours").await["absent"], Value::Null);
    for q in ["", "%2B1617•••0100"] {
        assert_eq!(
            get(&town, &format!("/api/v1/find?q={q}")).await.problem()["code"],
            "invalid_parameter",
            "{q}"
        );
    }
    town.close().await;
}

/// Whatever else is written waits for a transaction: however many messages a request is about, each changes as many as one of an operation.
#[tokio::test]
async fn many_messages_are_changed_a_hundred_in_a_transaction() {
    let town = town().await;
    let nowhere = CarrierToml::new("31004").nowhere();
    town.provision(&format!("{nowhere}{}", range("1404", "31004"))).await;
    let mut ids = Vec::new();
    for number in 0..201 {
        let mut request = RawRequest::to("14045550100");
        request.transaction_id(&format!("many-{number}"));
        ids.push(town.submit(&request).await.to_string());
    }
    let transactions = async || {
        let metrics = get(&town, "/metrics").await.body;
        let of = "posthouse_store_transactions_total{transaction=\"intervene\",outcome=\"done\"} ";
        metrics.lines().find_map(|line| line.strip_prefix(of)?.parse::<u64>().ok()).unwrap()
    };
    for (path, which, done_by_then) in [
        ("/api/v1/messages/requeue", json!({"ids": ids}), 3),
        ("/api/v1/messages/expire", json!({"all": true}), 6),
    ] {
        let came_of_it = post(&town, path, &which).await.json();
        let left_alone = came_of_it["left_alone"].as_object().unwrap().values();
        let judged = came_of_it["done"].as_array().unwrap().len() as u64
            + left_alone.map(|count| count.as_u64().unwrap()).sum::<u64>();
        assert_eq!((&came_of_it["looked_at"], judged, &came_of_it["next"]), (&json!(201), 201, &Value::Null));
        assert_eq!(transactions().await, done_by_then, "{path}");
    }
    town.close().await;
}

#[tokio::test]
async fn an_operator_sends_again_and_ends_by_the_api() {
    let town = town().await;
    let (id, parked) = (
        town.submit(&RawRequest::to("16175559012")).await,
        town.submit(&RawRequest::to("16175559015")).await,
    );
    waits(&town, id, State::Accepted, 1).await;
    waits(&town, parked, State::Parked, 1).await;

    let look = json!({"filter": {"carrier": "31003"}, "dry_run": true});
    let looked = post(&town, "/api/v1/messages/requeue", &look).await.json();
    assert_eq!((&looked["looked_at"], &looked["left_alone"]), (&json!(2), &json!({"parked": 1})));
    assert_eq!(looked["done"][0]["message_id"], id.to_string());
    assert_eq!(town.events(id, EventKind::Operator).await, [""; 0], "it was only looked");

    let done = post(&town, &format!("/api/v1/messages/{id}/requeue"), &json!({})).await;
    assert_eq!((done.status, &done.json()["message_id"]), (200, &json!(id.to_string())));
    waits(&town, id, State::Accepted, 2).await;
    assert_eq!(town.events(id, EventKind::Operator).await, ["requeued by admin"]);

    let refused = post(&town, &format!("/api/v1/messages/{parked}/requeue"), &json!({})).await;
    let problem = refused.problem();
    assert_eq!((refused.status, &problem["code"]), (409, &json!("left_alone")));
    assert_eq!(problem["detail"], "it is parked: the last attempt may have arrived");
    let missing = post(&town, "/api/v1/messages/17/expire", &json!({})).await;
    assert_eq!((missing.status, &missing.problem()["detail"]), (404, &json!("there is no message 17")));

    let ended = post(&town, "/api/v1/messages/expire", &json!({"all": true})).await.json();
    assert_eq!((ended["done"].as_array().unwrap().len(), &ended["next"]), (2, &Value::Null));
    assert_eq!(town.ended(parked).await.state, State::Ended(Terminal::Expired));
    let again = post(&town, &format!("/api/v1/messages/{parked}/expire"), &json!({})).await;
    assert_eq!(again.problem()["detail"], "it is ended already");
    town.close().await;
}

#[tokio::test]
async fn provisioning_is_planned_and_applied_with_all_mistakes_at_once() {
    let town = town().await;
    let admin = &town.app.ready().admin;
    let toml = "[[blacklist]]\nnumber = \"16175550199\"\n";
    let (plan, apply) = ("/api/v1/provisioning/plan", "/api/v1/provisioning/apply");
    let planned = ask(admin, "POST", plan, &[BEARER, AS_TOML], toml).await;
    assert_eq!((&planned.json()["create"], &planned.json()["revision"]), (&json!(1), &json!(1)));
    assert_eq!(town.store().revision().await.unwrap(), 1, "nothing was changed");

    let stale = ask(admin, "POST", apply, &[BEARER, AS_TOML, "If-Match: \"7\""], toml).await;
    assert_eq!((stale.status, &stale.problem()["code"]), (412, &json!("revision_moved")));
    let applied = ask(admin, "POST", apply, &[BEARER, AS_TOML, "If-Match: \"1\""], toml).await;
    assert_eq!((applied.status, &applied.json()["revision"]), (200, &json!(2)));
    assert_eq!(
        applied.json()["steps"].as_array().unwrap().last(),
        Some(&json!({"kind": "blacklist", "name": "16175550199", "action": "create", "fields": []}))
    );
    let again = post(&town, apply, &json!({"toml": toml, "expect_revision": 2})).await;
    assert_eq!((&again.json()["create"], &again.json()["revision"]), (&json!(0), &json!(2)));

    let wrong = "[[account]]\nname = \"b\"\nvaspid = { env = \"KEY\" }\n[[account.service]]\nvasid = \"1\"\nsender = []\n";
    let refused = post(&town, apply, &json!({"toml": wrong, "environment": {"KEY": "b-key"}})).await;
    assert_eq!((refused.status, &refused.problem()["code"]), (422, &json!("invalid_document")));
    assert_eq!(
        refused.problem()["errors"],
        json!([
            {"line": 4, "detail": "account.service.senders is missing", "remedy": "add senders = [\"111122\"]"},
            {"line": 6, "detail": "unknown key account.service.sender", "remedy": "did you mean senders?"},
        ])
    );
    let file = town.folder().join("secret");
    fs::write(&file, "the gateway's own").unwrap();
    let reads = format!("[[account]]\nname = \"b\"\nvaspid = {{ file = {:?} }}\n", file.to_str().unwrap());
    let refused = ask(admin, "POST", plan, &[BEARER, AS_TOML], &reads).await;
    assert_eq!(
        refused.problem()["errors"],
        json!([{"line": 3, "detail": "this value is in a file, which is not looked into", "remedy": "write the value here"}])
    );
    // The process has a PATH, and the document does not get it.
    let variable = "[[account]]\nname = { env = \"PATH\" }\nvaspid = \"b\"\n";
    let refused = ask(admin, "POST", plan, &[BEARER, AS_TOML], variable).await;
    assert_eq!(
        refused.problem()["errors"][0]["detail"],
        "account.name: the environment variable PATH is not set"
    );
    assert_eq!(town.store().revision().await.unwrap(), 2);
    town.close().await;
}

fn posthouse(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_posthouse"));
    command.current_dir(folder).env_remove("POSTHOUSE_ADMIN_TOKEN").args(arguments).output().unwrap()
}

#[track_caller]
fn told(folder: &Path, arguments: &[&str]) -> String {
    let output = posthouse(folder, arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_come_from_anywhere_by_url_and_token() {
    let town = town().await;
    let id = town.submit(&RawRequest::to("16175559012")).await;
    waits(&town, id, State::Accepted, 1).await;
    // No store is here, and none is made.
    let elsewhere = tempfile::tempdir().unwrap();
    let folder = elsewhere.path();
    let admin = town.app.ready().admin.clone();
    let there = ["--url", &admin, "--token", TOKEN];
    let with = |arguments: &[&'static str]| -> Vec<String> {
        arguments.iter().chain(&there).map(|argument| (*argument).to_owned()).collect()
    };
    let tell = |arguments: &[&'static str]| {
        let arguments = with(arguments);
        told(folder, &arguments.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let listed = tell(&["messages", "list"]);
    assert!(
        listed.starts_with(&format!("{id}  ")) && listed.contains("acme -> +1617•••9012  carrier 31003\n"),
        "{listed}"
    );
    let shown: Value = serde_json::from_str(&tell(&["messages", "list", "--json"])).unwrap();
    assert_eq!(shown["messages"][0]["recipient"], "16175559012");
    let requeued = tell(&["messages", "requeue", "--carrier", "31003"]);
    assert!(
        requeued.ends_with(&format!(
            "requeued 1 message\nthe gateway at {admin} goes on with it within a second\n"
        )),
        "{requeued}"
    );
    waits(&town, id, State::Accepted, 2).await;

    fs::write(folder.join("key"), "beta-key\n").unwrap();
    fs::write(
        folder.join("p.toml"),
        "[[account]]\nname = \"beta\"\nvaspid = { file = \"key\" }\n[[account.service]]\nvasid = \"9\"\nsenders = [\"9\"]\n",
    )
    .unwrap();
    assert!(tell(&["plan", "p.toml"]).starts_with(&format!(
        "gateway {admin}\ncreate account beta\n1 to create, 0 to change, 0 to remove, "
    )));
    let applied = tell(&["apply", "p.toml"]);
    assert!(applied.contains("1 created, 0 changed, 0 removed, "), "{applied}");
    assert!(applied.ends_with(&format!("revision 2\nthe gateway at {admin} took it\n")), "{applied}");
    fs::write(folder.join("p.toml"), "[[acount]]\n").unwrap();
    let wrong: Vec<String> = with(&["apply", "p.toml"]);
    let wrong = posthouse(folder, &wrong.iter().map(String::as_str).collect::<Vec<_>>());
    let said = String::from_utf8(wrong.stderr).unwrap();
    assert!(wrong.status.code() == Some(1) && said.starts_with("p.toml:1: unknown key acount"), "{said}");

    let stranger = posthouse(folder, &["messages", "list", "--url", &admin, "--token", "wrong"]);
    assert_eq!(stranger.status.code(), Some(1));
    let said = String::from_utf8(stranger.stderr).unwrap();
    assert!(
        said.starts_with("posthouse: ") && said.lines().count() == 1 && said.contains("Authorization"),
        "{said}"
    );
    assert_eq!(fs::read_dir(folder).unwrap().count(), 2, "the two files");
    town.close().await;
}

/// A gateway that answers these paths with these bodies, whatever its store; the requests that came.
fn pretend(answers: Vec<(&'static str, String)>) -> (String, thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let admin = format!("http://{}", listener.local_addr().unwrap());
    let serving = thread::spawn(move || {
        let mut came = Vec::new();
        for (path, body) in answers {
            let (mut peer, _) = listener.accept().unwrap();
            let mut request = vec![0; 4096];
            let length = peer.read(&mut request).unwrap();
            let request = String::from_utf8_lossy(&request[..length]).into_owned();
            assert!(request.starts_with(&format!("GET {path}")), "{request}");
            came.push(request);
            let length = body.len();
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
            peer.write_all(format!("{head}{body}").as_bytes()).unwrap();
        }
        came
    });
    (admin, serving)
}

#[test]
fn a_command_asks_the_gateway_that_runs_on_the_store_and_opens_no_file_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let version = json!({"version": "0.1.0", "pid": 4711, "revision": 3}).to_string();
    let message = json!({
        "message_id": "191642196911325184", "state": "Parked", "reason": null, "account": "acme", "vasid": "1",
        "sender": "111122", "recipient": "16175550100", "transaction_id": "t", "carrier": "31003",
        "carrier_message_id": null, "attempts": 1, "accepted_at": "2026-09-21T14:13:20Z",
        "changed_at": "2026-09-21T14:13:20Z", "expires_at": "2026-09-24T14:13:20Z", "bytes": 5
    });
    let page = json!({"items": [message], "next": null}).to_string();
    let (admin, gateway) = pretend(vec![("/api/v1/version", version.clone()), ("/api/v1/messages?", page)]);
    let store = folder.path().join("posthouse-data");
    fs::create_dir(&store).unwrap();
    let run_file = |pid: u32| {
        fs::write(store.join("posthouse.db.gateway.json"), json!({"admin": admin, "pid": pid}).to_string())
            .unwrap();
    };
    run_file(4711);
    fs::write(store.join("posthouse.db.gateway.token"), "of the run\n").unwrap();
    let listed = told(folder.path(), &["messages", "list", "--state", "parked", "--limit", "7"]);
    assert_eq!(
        listed,
        "191642196911325184   2026-09-21 14:13:20Z  Parked         acme -> +1617•••0100  carrier 31003\n"
    );
    let came = gateway.join().unwrap();
    assert!(
        came[1].starts_with("GET /api/v1/messages?state=Parked&limit=7&reveal=true HTTP/1.1"),
        "{}",
        came[1]
    );
    assert!(
        came.iter().all(|request| request.to_lowercase().contains("authorization: bearer of the run\r\n"))
    );

    // Another gateway took the port since: it is not asked for anything, and the store is looked for.
    let (other, gateway) = pretend(vec![("/api/v1/version", version)]);
    fs::write(store.join("posthouse.db.gateway.json"), json!({"admin": other, "pid": 4712}).to_string())
        .unwrap();
    let refused = posthouse(folder.path(), &["messages", "list"]);
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.starts_with("posthouse: there is no store at posthouse-data/posthouse.db; "), "{said}");
    gateway.join().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_token_is_not_known_commands_go_to_the_store_as_ever() {
    let town = town().await;
    fs::write(
        town.folder().join("posthouse.toml"),
        "[store]\nurl = \"sqlite://posthouse.db\"\n[media]\nurl = \"file://media\"\n",
    )
    .unwrap();
    let id = town.submit(&RawRequest::to("16175559012")).await;
    waits(&town, id, State::Accepted, 1).await;
    let requeued = told(town.folder(), &["messages", "requeue", "--all", "-c", "posthouse.toml"]);
    assert!(requeued.contains("requeued 1 message\n"), "{requeued}");
    waits(&town, id, State::Accepted, 2).await;
    town.close().await;
}

#[tokio::test]
async fn what_captures_have_of_a_message_is_told_by_the_message() {
    let town = town().await;
    let first = town.submit(&RawRequest::to("16175550100")).await;
    let path = |id: Id| format!("/api/v1/messages/{id}/exchanges");
    let none = get(&town, &path(first)).await;
    assert_eq!((none.status, none.json()), (200, json!({"items": [], "next": null})));
    for of in [json!({"account": "acme"}), json!({"carrier": "31003"})] {
        assert_eq!(post(&town, "/api/v1/captures", &of).await.status, 200);
    }
    let captured = town.submit(&RawRequest::to("16175550100")).await;
    town.ended(captured).await;
    let legs = eventually("all legs are there", async || {
        let said = get(&town, &path(captured)).await.json();
        let items = said["items"].as_array().unwrap().clone();
        let mut legs: Vec<_> = items.iter().map(|one| one["leg"].as_str().unwrap().to_owned()).collect();
        assert!(items.iter().all(|one| one["message_id"] == captured.to_string()), "{said}");
        // Both captures have the attempt and the callbacks.
        assert_eq!(legs.iter().filter(|leg| *leg == "attempt").count(), 1, "{said}");
        legs.sort();
        legs.dedup();
        (legs.len() == 4).then_some(legs)
    })
    .await;
    assert_eq!(legs, ["attempt", "callback", "carrier", "submit"]);
    assert_eq!(get(&town, "/api/v1/messages/7/exchanges").await.status, 404);
    town.close().await;
}
