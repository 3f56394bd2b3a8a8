//! Who may do what at the admin API: every operation of its document, asked for with a token of each role.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use posthouse_core::provisioning::tree::ValueSource;
use posthouse_gateway::secrets::Secret;
use posthouse_testing::{
    provisioning::range,
    request::RawRequest,
    town::{DEADLINE, Town, TownPlan, eventually},
};
use serde_json::{Value, json};

const ADMIN: &str = "hush-hush";
const NUMBER: &str = "16175550142";

async fn town() -> Town {
    let mut plan = TownPlan::default();
    plan.settings.admin.token = Some(Secret::new(ADMIN.to_owned(), ValueSource::Inline));
    let town = Town::planned(plan).await;
    let accounts = [town.account_with("acme", "", "", ""), town.account_with("globex", "", "", "")].concat();
    town.provision(&[accounts, town.carrier("31003", ""), range("1617", "31003")].concat()).await;
    town
}

/// What the admin door answers to a request with this token: its status, and its body.
fn ask(town: &Town, token: &str, method: &str, path: &str, body: &str) -> (u16, String) {
    let address = town.app.ready().admin.trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer.split_once("\r\n\r\n").unwrap().1.to_owned())
}

fn token(town: &Town, name: &str, role: &str) -> Value {
    let body = json!({"name": name, "role": role}).to_string();
    let (status, answer) = ask(town, ADMIN, "POST", "/api/v1/tokens", &body);
    assert_eq!(status, 200, "{answer}");
    serde_json::from_str(&answer).unwrap()
}

/// Where a role stands among those that each have all rights of those before.
const ROLES: [&str; 4] = ["viewer", "support", "operator", "admin"];

/// The least role that has a right.
fn least(right: &str) -> usize {
    match right {
        "look" => 0,
        "reveal" | "mend" | "resend" => 1,
        "bulk" | "submit" | "suspend" | "drain" | "blacklist" | "disable" => 2,
        _ => 3,
    }
}

/// Every operation: its method, its path with the parts in braces filled in, and the right that it needs.
fn operations(town: &Town) -> Vec<(String, String, String, bool)> {
    let (status, document) = ask(town, ADMIN, "GET", "/api/v1/openapi.json", "");
    assert_eq!(status, 200);
    let document: Value = serde_json::from_str(&document).unwrap();
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let filled: Vec<_> =
            path.split('/').map(|part| if part.starts_with('{') { "17" } else { part }).collect();
        for (method, operation) in item.as_object().unwrap() {
            let right = &operation["x-right"];
            let name = right["name"].as_str().unwrap().to_owned();
            // What goes on for ever is asked for in stream.rs.
            if operation["operationId"] != "stream" {
                all.push((method.to_uppercase(), filled.join("/"), name, right["own"] == true));
            }
        }
    }
    assert!(all.len() > 20, "{all:?}");
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_may_do_what_its_rights_say() {
    let town = town().await;
    let operations = operations(&town);
    // The admin's are refused for what is in the body, not for the caller; nothing is drained or changed by it.
    let wrong = r#"{"nothing of the kind": true}"#;
    let harmless = |path: &str| !path.ends_with("/drain");
    for (rank, role) in ROLES.iter().enumerate() {
        let token = token(&town, &format!("{role}-1"), role);
        let token = token["token"].as_str().unwrap();
        for (method, path, right, _) in operations.iter().filter(|(_, path, ..)| harmless(path)) {
            let (status, answer) = ask(&town, token, method, path, if method == "GET" { "" } else { wrong });
            if rank >= least(right) {
                assert!(status != 401 && status != 403, "{role} {method} {path}: {status} {answer}");
            } else {
                assert_eq!(status, 403, "{role} {method} {path}: {answer}");
                let problem: Value = serde_json::from_str(&answer).unwrap();
                assert_eq!((&problem["code"], &problem["right"]), (&json!("forbidden"), &json!(right)));
            }
        }
    }
    let theirs = token(&town, "acme-portal", "vasp:acme");
    for (method, path, _, own) in &operations {
        let (status, answer) = ask(&town, theirs["token"].as_str().unwrap(), method, path, "");
        match own {
            true => assert!(status != 401 && status != 403, "{method} {path}: {status} {answer}"),
            false => assert_eq!(status, 404, "{method} {path}: {answer}"),
        }
    }
    town.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_belongs_to_an_account_sees_its_own_alone() {
    let town = town().await;
    let id = town.submit(&RawRequest::to(NUMBER)).await;
    town.ended(id).await;
    let (acme, globex) = (token(&town, "acme-1", "vasp:acme"), token(&town, "globex-1", "vasp:globex"));
    let shown = |token: &Value, path: &str| ask(&town, token["token"].as_str().unwrap(), "GET", path, "");
    let path = format!("/api/v1/messages/{id}?reveal=true");
    let (status, answer) = shown(&acme, &path);
    assert_eq!(status, 200, "{answer}");
    assert!(answer.contains(NUMBER), "its own numbers are whole: {answer}");
    assert_eq!(shown(&globex, &path).0, 404);
    let list = |token: &Value, query: &str| {
        let (status, answer) = shown(token, &format!("/api/v1/messages{query}"));
        assert_eq!(status, 200, "{answer}");
        let page: Value = serde_json::from_str(&answer).unwrap();
        page["items"].as_array().unwrap().len()
    };
    assert_eq!((list(&acme, ""), list(&globex, "")), (1, 0));
    assert_eq!(list(&acme, "?account=acme"), 1);
    assert_eq!(shown(&globex, "/api/v1/messages?account=acme").0, 404);
    for (path, found) in [
        ("/api/v1/messages/count", "messages"),
        (&format!("/api/v1/find?q={id}"), "messages"),
        (&format!("/api/v1/find?q={NUMBER}"), "messages"),
    ] {
        let counted = |token: &Value| {
            let (status, answer) = shown(token, path);
            assert_eq!(status, 200, "{path}: {answer}");
            let answer: Value = serde_json::from_str(&answer).unwrap();
            answer[found].as_u64().unwrap_or_else(|| answer[found].as_array().unwrap().len() as u64)
        };
        assert_eq!((counted(&acme), counted(&globex)), (1, 0), "{path}");
    }
    assert_eq!(shown(&globex, "/api/v1/messages/count?account=acme").0, 404);
    town.post(&RawRequest::to("4930123456")).await;
    let refused = eventually("the refusal is kept", async || {
        let (_, answer) = shown(&acme, "/api/v1/refusals");
        let page: Value = serde_json::from_str(&answer).unwrap();
        page["items"].get(0).map(|one| one["refusal_id"].as_str().unwrap().to_owned())
    })
    .await;
    assert_eq!(shown(&acme, &format!("/api/v1/refusals/{refused}")).0, 200);
    assert_eq!(shown(&globex, &format!("/api/v1/refusals/{refused}")).0, 404);
    assert!(shown(&globex, "/api/v1/refusals").1.starts_with(r#"{"items":[]"#));
    town.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_are_whole_for_who_may_see_them_and_it_is_kept() {
    let town = town().await;
    let id = town.submit(&RawRequest::to(NUMBER)).await;
    town.ended(id).await;
    let (viewer, support) = (token(&town, "vic", "viewer"), token(&town, "sue", "support"));
    let shown = |token: &Value, path: &str| ask(&town, token["token"].as_str().unwrap(), "GET", path, "");
    for (method, path, ..) in operations(&town).iter().filter(|(method, ..)| method == "GET") {
        let path = path.replace("/messages/17", &format!("/messages/{id}"));
        let (_, answer) = shown(&viewer, &path);
        assert!(!answer.contains(NUMBER), "{method} {path}: {answer}");
        assert!(!answer.contains("-key"), "{method} {path}: {answer}");
    }
    let path = format!("/api/v1/messages/{id}?reveal=true");
    let (status, answer) = shown(&viewer, &path);
    let problem: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!((status, &problem["right"]), (403, &json!("reveal")));
    assert!(shown(&support, &path).1.contains(NUMBER));

    let (_, kept) = ask(&town, ADMIN, "GET", "/api/v1/audit?verb=reveal", "");
    let kept: Value = serde_json::from_str(&kept).unwrap();
    let rows = kept["items"].as_array().unwrap();
    assert_eq!(rows.len(), 1, "{kept}");
    let row = json!([rows[0]["actor"], rows[0]["role"], rows[0]["target"]]);
    assert_eq!(row, json!(["sue", "support", format!("/api/v1/messages/{id}")]));
    let credential = format!("token:{}", support["id"].as_str().unwrap());
    assert_eq!(rows[0]["credential"], credential.as_str());
    town.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_ends_when_it_is_revoked_or_expires() {
    let town = town().await;
    let vic = token(&town, "vic", "viewer");
    let text = vic["token"].as_str().unwrap();
    assert_eq!(ask(&town, text, "GET", "/api/v1/version", "").0, 200);
    let (_, listed) = ask(&town, ADMIN, "GET", "/api/v1/tokens", "");
    assert!(!listed.contains(text), "{listed}");
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!((&listed["items"][0]["id"], &listed["items"][0]["name"]), (&vic["id"], &json!("vic")));
    assert!(listed["items"][0]["last_used"].is_string(), "{listed}");

    let path = format!("/api/v1/tokens/{}", vic["id"].as_str().unwrap());
    assert_eq!(ask(&town, ADMIN, "DELETE", &path, "").0, 200);
    assert_eq!(ask(&town, text, "GET", "/api/v1/version", "").0, 401);
    assert_eq!(ask(&town, ADMIN, "DELETE", &path, "").0, 404);

    for (body, pointer) in [
        (json!({"name": "a b", "role": "viewer"}), "/name"),
        (json!({"name": "ann", "role": "root"}), "/role"),
        (json!({"name": "ann", "role": "viewer", "expires_at": "2001-01-01T00:00:00Z"}), "/expires_at"),
    ] {
        let (status, answer) = ask(&town, ADMIN, "POST", "/api/v1/tokens", &body.to_string());
        let problem: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!((status, &problem["errors"][0]["pointer"]), (400, &json!(pointer)), "{answer}");
    }
    let unknown = json!({"name": "ann", "role": "vasp:nobody"}).to_string();
    assert!(ask(&town, ADMIN, "POST", "/api/v1/tokens", &unknown).1.contains("not_provisioned"));
    town.close().await;
}
