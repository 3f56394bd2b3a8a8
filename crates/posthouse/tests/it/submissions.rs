//! Messages that are submitted at the admin door, by REST and by the form: written, judged, sent through the same checks; and the page of keys.

use posthouse_testing::town::{Town, eventually};
use serde_json::{Value, json};

use crate::{
    api::{Said, ask},
    portal::{Person, token},
    sandbox,
};

const AS_JSON: &str = "Content-Type: application/json";

async fn submitted(town: &Town, token: &str, body: &Value) -> Said {
    let bearer = format!("Authorization: Bearer {token}");
    ask(&town.app.ready().admin, "POST", "/api/v1/submissions", &[&bearer, AS_JSON], &body.to_string()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submission_is_written_judged_and_sent_as_the_account_would() {
    let town = sandbox::town().await;
    let admin = &town.app.ready().admin;
    let dev = token(&town, "dev-people", "vasp:dev").await;
    let hello = json!({"vasid": "61295", "from": "111122", "to": ["16175550100"], "text": "Hello",
        "sample": true, "transaction_id": "first-try"});
    let shown = submitted(&town, &dev, &hello).await;
    assert_eq!(shown.status, 200, "{}", shown.body);
    let shown = shown.json();
    assert_eq!((&shown["answer"], &shown["lint"]["accepted"]), (&json!(null), &json!(true)), "{shown}");
    for words in
        ["<VASPID>YOUR-VASPID</VASPID>", "<VASID>61295</VASID>", " bytes of image/png]", "POST /mm7/v1"]
    {
        assert!(shown["request"].as_str().unwrap().contains(words), "{words}: {shown}");
    }
    assert!(shown["curl"].as_str().unwrap().contains("base64 -d <<'END'"), "{shown}");
    let none =
        ask(admin, "GET", "/api/v1/messages?account=dev", &["Authorization: Bearer hush-hush"], "").await;
    assert_eq!(none.json()["items"], json!([]), "what is only shown is not sent");

    let mut send = hello.clone();
    send["send"] = json!(true);
    let sent = submitted(&town, &dev, &send).await.json();
    assert_eq!(sent["answer"]["code"], 1000, "{sent}");
    assert!(sent["answer"]["body"].as_str().unwrap().contains("SubmitRsp"), "{sent}");
    let id = sent["answer"]["message_id"].as_str().unwrap().to_owned();
    town.ended(id.parse().unwrap()).await;
    let again = submitted(&town, &dev, &send).await.json();
    assert_eq!(again["answer"]["message_id"], json!(id), "what is sent twice is one message");
    let audit =
        ask(admin, "GET", "/api/v1/audit?verb=submit", &["Authorization: Bearer hush-hush"], "").await;
    let audit = audit.json();
    assert_eq!(
        (&audit["items"][0]["actor"], &audit["items"][0]["target"], &audit["items"][0]["after"]),
        (&json!("dev-people"), &json!("account dev"), &json!("TransactionID first-try")),
        "{audit}"
    );
    town.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submission_is_refused_as_the_accounts_own_would_be_and_is_kept_among_the_refusals() {
    let town = sandbox::town().await;
    let dev = token(&town, "dev-people", "vasp:dev").await;
    for (body, code) in [
        (json!({"vasid": "61295", "from": "333344", "to": ["16175550100"], "text": "x", "send": true}), 2563),
        (json!({"vasid": "61295", "from": "111122", "to": ["16175550100"], "send": true}), 2506),
        (json!({"vasid": "61295", "from": "111122", "text": "x", "send": true}), 2502),
        (
            json!({"vasid": "61295", "from": "111122", "to": ["16175550100", "16175550101"], "text": "x", "send": true}),
            2503,
        ),
        (json!({"vasid": "99", "from": "111122", "to": ["16175550100"], "text": "x", "send": true}), 2562),
    ] {
        let said = submitted(&town, &dev, &body).await;
        assert_eq!(said.status, 200, "{}", said.body);
        let said = said.json();
        assert_eq!((&said["answer"]["code"], &said["lint"]["code"]), (&json!(code), &json!(code)), "{said}");
        assert_eq!(said["answer"]["message_id"], json!(null));
    }
    let id = json!({"vasid": "61295", "from": "333344", "to": ["16175550100"], "text": "x", "send": true, "transaction_id": "of-mine"});
    submitted(&town, &dev, &id).await;
    let bearer = format!("Authorization: Bearer {dev}");
    eventually("the refusal is kept", async || {
        let path = "/api/v1/refusals?transaction_id=of-mine";
        let kept = ask(&town.app.ready().admin, "GET", path, &[&bearer], "").await.json();
        (kept["items"][0]["code"] == 2563).then_some(())
    })
    .await;
    town.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_submit_and_what_is_no_submission_is_told() {
    let town = sandbox::town().await;
    let (dev, operator) = (token(&town, "d", "vasp:dev").await, token(&town, "o", "operator").await);
    let support = token(&town, "s", "support").await;
    let of = |account: &str| json!({"account": account, "vasid": "61295", "text": "x"});
    let answers = async |token: &str, body: &Value| {
        let said = submitted(&town, token, body).await;
        (said.status, said.json())
    };
    assert_eq!(answers(&dev, &of("acme")).await.0, 404, "another's is not there");
    assert_eq!(answers(&operator, &of("acme")).await.0, 200);
    assert_eq!(answers(&operator, &of("acmee")).await.1["code"], "not_provisioned");
    assert_eq!(answers(&operator, &json!({"text": "x"})).await.1["code"], "nothing_selected");
    let (status, refused) = answers(&support, &of("acme")).await;
    assert_eq!((status, &refused["right"]), (403, &json!("submit")));
    for (body, pointer) in [
        (json!({"priority": "urgent"}), "/priority"),
        (json!({"expiry": "tomorrow"}), "/expiry"),
        (json!({"parts": [{"data": "%"}]}), "/parts/0/data"),
        (json!({"parts": [{"content_type": "nothing", "data": ""}]}), "/parts/0/content_type"),
        (json!({"carrier_id": "a\r\nb"}), "/carrier_id"),
        (json!({"transaction_id": "x".repeat(600)}), "/transaction_id"),
    ] {
        let (status, said) = answers(&dev, &body).await;
        assert_eq!((status, &said["errors"][0]["pointer"]), (400, &json!(pointer)), "{said}");
        assert!(said["errors"][0]["remedy"].is_string(), "{said}");
    }
    town.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_form_shows_the_request_keeps_the_file_and_leads_to_the_message() {
    let town = sandbox::town().await;
    let dev = Person::of(&town, "vasp:dev").await;
    let form = dev.sees("/try").await;
    assert_eq!(form.status, 200, "{}", form.body);
    for header in ["x-frame-options: deny\r\n", "frame-ancestors 'none'", "cache-control: no-store\r\n"] {
        assert!(form.head.contains(header), "{header}: {}", form.head);
    }
    assert!(
        form.body.contains("dev is a sandbox") && form.body.contains("value=\"16175550100\""),
        "{}",
        form.body
    );
    let fields = "vasid=61295&from=111122&to=16175550100&subject=%3Cb%3E&text=Hello&kept=SGVsbG8%3D&kept_name=%3Ca%3E.txt&kept_type=text%2Fplain";
    let shown = dev.posts("/try", &format!("{fields}&do=show")).await;
    assert_eq!(shown.status, 200, "{}", shown.body);
    for words in [
        "It would be taken",
        "name=\"kept\" value=\"SGVsbG8=\"",
        "Leave &#60;a&#62;.txt (5 bytes) out",
        "curl --data-binary @-",
        "&#38;lt;b&#38;gt;",
    ] {
        assert!(shown.body.contains(words), "{words}: {}", shown.body);
    }
    let sent = dev.posts("/try", &format!("{fields}&do=send")).await;
    assert_eq!(sent.status, 303, "{}", sent.body);
    let place = sent.head.lines().find_map(|line| line.strip_prefix("location: ")).unwrap().to_owned();
    assert!(place.starts_with("/messages/") && place.ends_with("?done=submit"), "{place}");
    assert!(dev.sees(&place).await.body.contains("It was taken with 1000 Success."));
    let refused = dev.posts("/try", "vasid=61295&from=1&to=16175550100&text=x&do=send").await;
    assert_eq!(refused.status, 200);
    assert!(refused.body.contains("It was refused with <a href=\"/codes/2563\">"), "{}", refused.body);
    let wrong = dev.posts("/try", "vasid=61295&text=x&expiry=soon&do=send").await;
    assert_eq!(wrong.status, 400);
    assert!(wrong.body.contains("expiry: &#34;soon&#34; is neither"), "{}", wrong.body);

    let operator = Person::of(&town, "operator").await;
    assert!(operator.sees("/try").await.body.contains("href=\"/try?account=acme\""));
    assert!(
        operator.sees("/try?account=acme").await.body.contains("What is sent here goes out to the carrier")
    );
    assert_eq!(Person::of(&town, "support").await.posts("/try", "account=acme&do=send").await.status, 403);
    town.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_listed_made_and_removed_by_who_they_are_of() {
    let town = sandbox::town().await;
    let dev = Person::of(&town, "vasp:dev").await;
    assert_eq!(town.post(&sandbox::to("16175550100")).await.code(), Some(1000));
    let keys = dev.sees("/keys").await;
    assert!(keys.body.contains("<span class=\"badge good\">current</span>"), "{}", keys.body);
    assert!(!keys.body.contains("dev-key"), "no secret");
    let made = dev.posts("/keys/add", "kind=vaspid&overlap=7d&reason=yearly").await;
    assert_eq!(made.status, 200, "{}", made.body);
    let told =
        made.body.split("<pre class=\"break\" tabindex=\"0\">").nth(1).unwrap().split('<').next().unwrap();
    assert_eq!(told.len(), 40, "{told}");
    assert!(!dev.sees("/keys").await.body.contains(told), "it is told once");
    for key in [told, "dev-key"] {
        let mut request = sandbox::to("16175550100");
        request.vaspid = Some(key.to_owned());
        eventually("both are good", async || (town.post(&request).await.code() == Some(1000)).then_some(()))
            .await;
    }
    let body = dev.sees("/keys").await.body;
    let remove =
        body.split("action=\"").find(|part| part.starts_with("/keys/") && part.contains("/remove")).unwrap();
    let remove = remove.split('"').next().unwrap().to_owned();
    let theirs = Person::of(&town, "vasp:acme").await;
    assert_eq!(theirs.posts(&remove, "account=dev").await.status, 404, "another's is not there");
    assert_eq!(
        theirs.posts("/keys/add", "account=dev&kind=vaspid").await.status,
        200,
        "it is its own that is changed"
    );
    let removed = dev.posts(&remove, "").await;
    assert!(
        removed.head.contains("location: /keys?account=dev&done=remove\r\n"),
        "{}{}",
        removed.head,
        removed.body
    );
    eventually("the old one is refused", async || {
        (town.post(&sandbox::to("16175550100")).await.code() == Some(2564)).then_some(())
    })
    .await;
    let elsewhere = [dev.cookie.as_str(), "Sec-Fetch-Site: cross-site"];
    for path in ["/keys/add", "/try"] {
        let forged = ask(&town.app.ready().admin, "POST", path, &elsewhere, "kind=vaspid&do=send").await;
        assert_eq!(forged.status, 403, "{path}: {}", forged.body);
    }
    let wrong = dev.posts("/keys/add", "kind=password").await;
    assert_eq!(wrong.status, 400);
    assert!(wrong.body.contains("no user name yet"), "{}", wrong.body);
    let support = Person::of(&town, "support").await;
    let seen = support.sees("/keys?account=dev").await.body;
    assert!(seen.contains("VASPID") && !seen.contains("A new key"), "{seen}");
    assert_eq!(support.posts("/keys/add", "account=dev&kind=vaspid").await.status, 403);
    town.close().await;
}
