//! Single things that are provisioned by PUT, PATCH and DELETE of the API: the rules, the guards and the revisions of an apply.

use serde_json::{Value, json};

use posthouse_testing::town::Town;

use crate::api::{Said, ask, town};

const BEARER: &str = "Authorization: Bearer hush-hush";
const AS_JSON: &str = "Content-Type: application/json";

async fn send(town: &Town, method: &str, path: &str, headers: &[&str], body: &Value) -> Said {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let headers = [&[BEARER, AS_JSON], headers].concat();
    ask(&town.app.ready().admin, method, &format!("/api/v1{path}"), &headers, &body).await
}

async fn shown(town: &Town, path: &str) -> Value {
    let said = send(town, "GET", path, &[], &Value::Null).await;
    assert_eq!(said.status, 200, "{path}: {}", said.body);
    said.json()
}

#[track_caller]
fn changed(said: &Said, revision: u64) {
    assert_eq!(said.status, 200, "{}", said.body);
    assert_eq!(said.json(), json!({"revision": revision, "changed": true}));
    assert!(said.head.contains(&format!("etag: \"{revision}\"\r\n")), "{}", said.head);
}

#[tokio::test]
async fn an_account_is_put_patched_and_removed_with_its_guards() {
    let town = town().await;
    let document = shown(&town, "/accounts/acme").await["document"].clone();
    let same = send(&town, "PUT", "/accounts/acme", &[], &document).await;
    assert_eq!(
        same.json(),
        json!({"revision": 1, "changed": false}),
        "what GET shows is taken back as it is"
    );

    let url = json!({"callbacks": {"report_url": "http://127.0.0.1:9/reports"}});
    let stale = send(&town, "PATCH", "/accounts/acme", &["If-Match: \"7\""], &url).await;
    assert_eq!((stale.status, &stale.json()["code"]), (412, &json!("revision_moved")));
    changed(&send(&town, "PATCH", "/accounts/acme", &["If-Match: \"1\""], &url).await, 2);
    let document = shown(&town, "/accounts/acme").await["document"].clone();
    assert_eq!(document["callbacks"]["report_url"], "http://127.0.0.1:9/reports");
    assert_eq!(document["vaspid"], json!({"kept": true}), "the rest stays");

    let without = json!({"callbacks": {"report_url": null}});
    let refused = send(&town, "PATCH", "/accounts/acme", &[], &without).await;
    assert_eq!((refused.status, &refused.json()["code"]), (409, &json!("removes")), "{}", refused.body);
    assert!(refused.body.contains("the report_url of account acme"), "{}", refused.body);
    assert!(refused.json()["remedy"].as_str().unwrap().contains("allow_removals=true"));
    changed(&send(&town, "PATCH", "/accounts/acme?allow_removals=true", &[], &without).await, 3);

    let wrong = json!({"callbacks": {"window": "many"}, "colour": "red"});
    let refused = send(&town, "PATCH", "/accounts/acme", &[], &wrong).await;
    assert_eq!((refused.status, &refused.json()["code"]), (422, &json!("invalid_document")));
    let places: Vec<_> =
        refused.json()["errors"].as_array().unwrap().iter().map(|e| e["pointer"].clone()).collect();
    assert_eq!(places, ["/callbacks/window", "/colour"], "{}", refused.body);
    let other = send(&town, "PUT", "/accounts/acme", &[], &json!({"name": "globex", "vaspid": "k"})).await;
    assert_eq!(
        (other.status, &other.json()["errors"][0]["pointer"]),
        (422, &json!("/name")),
        "{}",
        other.body
    );
    let file = json!({"vaspid": {"file": "/etc/hostname"}});
    let refused = send(&town, "PATCH", "/accounts/acme?allow_removals=true", &[], &file).await;
    assert_eq!(refused.status, 422, "no file of the gateway's is read: {}", refused.body);

    let new = json!({"vaspid": "globex-key", "service": [{"vasid": "1", "senders": ["7000"]}]});
    changed(&send(&town, "PUT", "/accounts/globex", &[], &new).await, 4);
    assert_eq!(shown(&town, "/accounts/globex").await["services"][0]["senders"], json!(["7000"]));
    let lost = json!({"vaspid": "another-key", "service": [{"vasid": "1", "senders": ["7000"]}]});
    let refused = send(&town, "PUT", "/accounts/globex", &[], &lost).await;
    assert!(
        refused.status == 409 && refused.body.contains("the key glob… of account globex"),
        "{}",
        refused.body
    );
    let refused = send(&town, "DELETE", "/accounts/globex", &[], &Value::Null).await;
    assert!(refused.status == 409 && refused.body.contains("account globex"), "{}", refused.body);
    changed(&send(&town, "DELETE", "/accounts/globex?allow_removals=true", &[], &Value::Null).await, 5);
    for (method, body) in [("DELETE", Value::Null), ("PATCH", json!({}))] {
        assert_eq!(send(&town, method, "/accounts/globex", &[], &body).await.status, 404);
    }
    let kept = shown(&town, "/audit?verb=apply&limit=1").await;
    assert_eq!(kept["items"][0]["after"], "revision 5: remove account globex", "{kept}");
    town.close().await;
}

#[tokio::test]
async fn services_carriers_and_connections_are_things_of_their_own() {
    let town = town().await;
    let service = json!({"senders": ["8000"], "carriers": ["31003"]});
    changed(&send(&town, "PUT", "/accounts/acme/services/promo", &[], &service).await, 2);
    changed(
        &send(&town, "PATCH", "/accounts/acme/services/promo", &[], &json!({"senders": ["8000", "8001"]}))
            .await,
        3,
    );
    let of_promo = async || {
        let services = shown(&town, "/services?account=acme").await["items"].clone();
        services.as_array().unwrap().iter().find(|one| one["vasid"] == "promo").cloned()
    };
    let promo = of_promo().await.unwrap();
    assert_eq!((&promo["senders"], &promo["carriers"]), (&json!(["8000", "8001"]), &json!(["31003"])));
    let refused = send(&town, "DELETE", "/accounts/acme/services/promo", &[], &Value::Null).await;
    assert!(
        refused.status == 409 && refused.body.contains("service promo of account acme"),
        "{}",
        refused.body
    );
    let done =
        send(&town, "DELETE", "/accounts/acme/services/promo?allow_removals=true", &[], &Value::Null).await;
    changed(&done, 4);
    assert_eq!(of_promo().await, None);
    let unknown = send(&town, "PUT", "/accounts/nobody/services/promo", &[], &service).await;
    assert!(unknown.status == 404 && unknown.body.contains("no account nobody"), "{}", unknown.body);

    let connection = json!({"url": "http://127.0.0.1:9/mm7", "window": 3});
    changed(&send(&town, "PUT", "/carriers/31003/connections/second", &[], &connection).await, 5);
    changed(&send(&town, "PATCH", "/carriers/31003/connections/second", &[], &json!({"window": 4})).await, 6);
    let carrier = shown(&town, "/carriers/31003").await;
    let windows: Vec<_> = carrier["connections"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|c| c["name"] == "second")
        .map(|c| c["window"].clone())
        .collect();
    assert_eq!(windows, [4]);
    let path = "/carriers/31003/connections/second";
    assert_eq!(send(&town, "DELETE", path, &[], &Value::Null).await.status, 409);
    changed(&send(&town, "DELETE", &format!("{path}?allow_removals=true"), &[], &Value::Null).await, 7);
    assert_eq!(send(&town, "DELETE", path, &[], &Value::Null).await.status, 404);

    let named = send(&town, "DELETE", "/carriers/31003?allow_removals=true", &[], &Value::Null).await;
    assert_eq!((named.status, &named.json()["code"]), (422, &json!("invalid_document")), "a range names it");
    changed(&send(&town, "PATCH", "/carriers/31003", &[], &json!({"name": "Another name"})).await, 8);
    assert_eq!(shown(&town, "/carriers/31003").await["name"], "Another name");
    town.close().await;
}

#[tokio::test]
async fn a_document_that_ends_something_is_refused_unless_that_is_meant() {
    let town = town().await;
    let toml = town.carrier("31003", "");
    let document = json!({"toml": toml, "prune": true});
    let refused = send(&town, "POST", "/provisioning/apply", &[], &document).await;
    assert_eq!((refused.status, &refused.json()["code"]), (409, &json!("removes")), "{}", refused.body);
    assert!(refused.body.contains("account acme"), "{}", refused.body);
    let planned = send(&town, "POST", "/provisioning/plan", &[], &document).await;
    assert_eq!((planned.status, &planned.json()["losses"]), (200, &json!(["account acme"])));
    let meant = json!({"toml": toml, "prune": true, "allow_removals": true});
    let applied = send(&town, "POST", "/provisioning/apply", &[], &meant).await;
    assert_eq!((applied.status, &applied.json()["revision"]), (200, &json!(2)), "{}", applied.body);
    town.close().await;
}

#[tokio::test]
async fn a_post_is_carried_out_once_under_its_key() {
    let town = town().await;
    let key = "Idempotency-Key: 6d0f3d1e";
    let disable = async |key: &str| send(&town, "POST", "/accounts/acme/disable", &[key], &Value::Null).await;
    let first = disable(key).await;
    assert_eq!(first.json(), json!({"revision": 2, "changed": true}));
    assert!(!first.head.contains("idempotent-replayed"));
    let again = disable(key).await;
    assert_eq!(again.json(), first.json(), "as if it were the first");
    assert!(again.head.contains("idempotent-replayed: true\r\n"), "{}", again.head);
    assert_eq!(disable("Idempotency-Key: other").await.json(), json!({"revision": 2, "changed": false}));
    let reused = send(&town, "POST", "/accounts/acme/enable", &[key], &Value::Null).await;
    assert_eq!((reused.status, &reused.json()["code"]), (422, &json!("key_reused")));
    let long = format!("Idempotency-Key: {}", "x".repeat(256));
    assert_eq!(disable(&long).await.status, 400);

    let user = json!({"name": "ann", "role": "viewer"});
    let added = send(&town, "POST", "/users", &["Idempotency-Key: ann"], &user).await;
    assert!(added.status == 200 && added.head.contains("cache-control: no-store\r\n"), "{}", added.head);
    let again = send(&town, "POST", "/users", &["Idempotency-Key: ann"], &user).await;
    assert_eq!((again.status, again.json()), (200, added.json()), "the link of the first");
    let wrong = json!({"name": "bob", "role": "root"});
    for _ in 0..2 {
        let refused = send(&town, "POST", "/users", &["Idempotency-Key: bob"], &wrong).await;
        assert_eq!(refused.status, 400, "what was refused is judged anew");
    }
    town.close().await;
}
