//! Accounts of the status `sandbox`: what they send reaches the carrier inside of the gateway, and no other.

use std::time::Duration;

use posthouse_core::{
    life::{
        retry::Backoff,
        state::{State, Terminal},
    },
    provisioning::tree::ValueSource,
};
use posthouse_gateway::secrets::Secret;
use posthouse_testing::{
    provisioning::range,
    request::RawRequest,
    settings::in_folder,
    town::{Town, TownPlan, eventually},
};
use serde_json::{Value, json};

use crate::{
    api::{Said, ask},
    pages::signed_in,
    portal::token,
};

const AS_JSON: &str = "Content-Type: application/json";
const BEARER: &str = "Authorization: Bearer hush-hush";

/// An account that is a sandbox, and one that is none.
pub(crate) async fn town() -> Town {
    let mut plan = TownPlan::default();
    plan.parts.backoff = Backoff::new(Duration::from_millis(20), Duration::from_millis(40));
    plan.settings.admin.token = Some(Secret::new("hush-hush".to_owned(), ValueSource::Inline));
    let town = Town::planned(plan).await;
    let deliver = format!("deliver_url = \"{}/mo\"\n", town.vasp.url());
    let dev = town.account_with("dev", "status = \"sandbox\"\n", &deliver, "carriers = [\"31003\"]\n");
    let acme = town.account_with("acme", "", "", "");
    town.provision(&[dev, acme, town.carrier("31003", ""), range("1617", "31003")].concat()).await;
    town
}

/// A request of the sandbox to this number.
pub(crate) fn to(number: &str) -> RawRequest {
    let mut request = RawRequest::to(number);
    request.vaspid = Some("dev-key".to_owned());
    request
}

async fn said(town: &Town, token: &str, method: &str, path: &str, body: &str) -> Said {
    let bearer = format!("Authorization: Bearer {token}");
    ask(&town.app.ready().admin, method, &format!("/api/v1{path}"), &[&bearer, AS_JSON], body).await
}

/// What the sandbox owes a message is reported after a restart that came in between.
#[tokio::test(flavor = "multi_thread")]
async fn reports_that_are_owed_survive_a_restart() {
    let first = town().await;
    let id = first.submit(&to("16175559004")).await;
    eventually("the sandbox took it", async || {
        matches!(first.message(id).await.state, State::Forwarded | State::Deferred).then_some(())
    })
    .await;
    let (folder, carriers, vasp) = first.without_gateway().await;
    drop((carriers, vasp));
    let settings = in_folder(folder.path());
    let again = Town::planned(TownPlan { folder, settings, ..TownPlan::default() }).await;
    let ended = eventually("it is reported", async || {
        let message = again.message(id).await;
        matches!(message.state, State::Ended(_)).then_some(message.state)
    })
    .await;
    assert_eq!(ended, State::Ended(Terminal::Retrieved));
    again.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_do_what_their_last_digits_say_and_no_carrier_hears_of_it() {
    let town = town().await;
    for (number, state, statuses) in [
        ("16175550100", "Retrieved", vec!["Retrieved"]),
        ("447700900123", "Retrieved", vec!["Retrieved"]),
        ("16175559003", "Rejected", vec!["Rejected"]),
        ("16175559004", "Retrieved", vec!["Deferred", "Retrieved"]),
        ("16175554007", "Rejected", vec!["Rejected"]),
        ("16175559010", "Retrieved", vec!["Retrieved"]),
        ("16175559011", "Retrieved", vec!["Retrieved"]),
        ("16175559012", "Retrieved", vec!["Retrieved"]),
        ("16175559013", "Retrieved", vec!["Retrieved"]),
    ] {
        let id = town.submit(&to(number)).await;
        let ended = town.ended(id).await;
        assert_eq!((ended.state.as_str(), ended.carrier.as_str()), (state, "sandbox"), "{number}");
        let reported = eventually("its reports are out", async || {
            let reported = town.statuses_on(id);
            let reported: Vec<_> = reported.into_iter().filter(|status| status != "Forwarded").collect();
            (reported == statuses).then_some(reported)
        });
        reported.await;
        let attempts = if number.ends_with("9012") {
            4
        } else if number.ends_with("9013") {
            2
        } else {
            1
        };
        assert_eq!(ended.attempts, attempts, "{number}");
    }
    assert_eq!(town.carriers["31003"].received(), 0, "no carrier heard of it");
    // Nor does anybody get there by naming it, or post in its name.
    let mut named = RawRequest::to("16175550100");
    named.header("X-Posthouse-Carrier-Id", "sandbox");
    assert_eq!(town.post(&named).await.code(), Some(2566));
    let report = town.post_as_carrier("sandbox", &RawRequest::to("16175550100")).await;
    assert_eq!(report.http_status, 404);
    town.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_inbox_shows_what_the_handset_has_till_it_is_cleared() {
    let town = town().await;
    let (dev, acme) = (token(&town, "dev-1", "vasp:dev").await, token(&town, "acme-1", "vasp:acme").await);
    let first = town.submit(&to("16175550100")).await;
    let refused = town.submit(&to("16175559003")).await;
    for id in [first, refused] {
        town.ended(id).await;
    }
    let inbox = async |query: &str| -> Vec<Value> {
        let listed = said(&town, &dev, "GET", &format!("/sandbox/messages{query}"), "").await;
        assert_eq!(listed.status, 200, "{}", listed.body);
        listed.json()["items"].as_array().unwrap().clone()
    };
    let items = inbox("").await;
    assert_eq!(items.len(), 2);
    assert_eq!((&items[0]["state"], &items[0]["shown"]), (&json!("Rejected"), &Value::Null));
    let shown = &items[1];
    assert_eq!((&shown["message_id"], &shown["to"]), (&json!(first.to_string()), &json!("16175550100")));
    assert_eq!(shown["shown"]["slides"][0]["shows"][0]["text"], "Hello", "{shown}");
    let latest = inbox("?to=%2B1+617-555-0100&limit=1").await;
    assert_eq!(latest[0]["message_id"], json!(first.to_string()));

    for (method, path, body) in [
        ("GET", "/sandbox/messages", ""),
        ("POST", "/sandbox/clear", "{}"),
        ("POST", "/sandbox/deliver", r#"{"from":"16175550100","text":"hi"}"#),
    ] {
        let refused = said(&town, &acme, method, path, body).await;
        assert_eq!((refused.status, &refused.json()["code"]), (409, &json!("left_alone")), "{path}");
    }
    assert_eq!(said(&town, &acme, "GET", "/sandbox/messages?account=dev", "").await.status, 404);
    assert_eq!(said(&town, "hush-hush", "GET", "/sandbox/messages?account=dev", "").await.status, 200);
    assert_eq!(said(&town, "hush-hush", "GET", "/sandbox/messages", "").await.status, 400);

    assert_eq!(said(&town, &dev, "POST", "/sandbox/clear", "").await.status, 200);
    assert_eq!(inbox("").await.len(), 0);
    let second = town.submit(&to("16175550101")).await;
    town.ended(second).await;
    let items = inbox("").await;
    assert_eq!((items.len(), &items[0]["message_id"]), (1, &json!(second.to_string())));
    town.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_handset_writes_and_the_account_gets_it() {
    let town = town().await;
    let dev = token(&town, "dev-1", "vasp:dev").await;
    for (body, pointer) in [
        (json!({"from": "x", "text": "hi"}), "/from"),
        (json!({"from": "16175550100", "text": ""}), "/text"),
        (json!({"from": "16175550100", "text": "hi", "to": "999"}), "/to"),
    ] {
        let wrong = said(&town, &dev, "POST", "/sandbox/deliver", &body.to_string()).await;
        assert_eq!(
            (wrong.status, &wrong.json()["errors"][0]["pointer"]),
            (400, &json!(pointer)),
            "{}",
            wrong.body
        );
    }
    let body = json!({"from": "+1 617 555 0100", "subject": "Re", "text": "STOP <all>"});
    let done = said(&town, &dev, "POST", "/sandbox/deliver", &body.to_string()).await;
    assert_eq!(done.status, 200, "{}", done.body);
    let done = done.json();
    assert_eq!((&done["account"], &done["vasid"]), (&json!("dev"), &json!("61295")));
    let path = format!("/mo/{}", done["linked_id"].as_str().unwrap());
    eventually("the account has it", async || {
        (said(&town, &dev, "GET", &path, "").await.json()["state"] == "settled").then_some(())
    })
    .await;
    let admin = &town.app.ready().admin;
    let cookie = signed_in(admin).await;
    let page = ask(admin, "GET", &path.replace("/mo/", "/messages/"), &[&cookie], "").await;
    assert!(page.status == 303 && page.head.contains(&format!("location: {path}\r\n")), "{}", page.head);
    assert_eq!(ask(admin, "GET", "/messages/no-such", &[&cookie], "").await.status, 404);
    let kept = ask(admin, "GET", "/api/v1/audit?verb=deliver-sandbox", &[BEARER], "").await.json();
    assert_eq!((&kept["items"][0]["actor"], &kept["items"][0]["target"]), (&json!("dev-1"), &json!("dev")));
    town.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_is_made_by_provisioning_and_stays_one() {
    let town = town().await;
    for verb in ["disable", "enable"] {
        let refused = said(&town, "hush-hush", "POST", &format!("/accounts/dev/{verb}"), "").await;
        assert_eq!(refused.status, 409, "{}", refused.body);
        assert!(refused.body.contains("account dev is a sandbox"), "{}", refused.body);
    }
    let exported = said(&town, "hush-hush", "GET", "/provisioning/export", "").await;
    assert!(exported.body.contains("status = \"sandbox\""), "{}", exported.body);
    let taken = "[[carrier]]\nid = \"sandbox\"\n";
    let plan = ask(
        &town.app.ready().admin,
        "POST",
        "/api/v1/provisioning/plan",
        &[BEARER, "Content-Type: application/toml"],
        taken,
    )
    .await;
    assert_eq!(plan.status, 422, "{}", plan.body);
    assert!(plan.body.contains("is the id of the carrier inside of the gateway"), "{}", plan.body);
    town.close().await;
}
