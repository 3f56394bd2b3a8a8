//! Keys of accounts: made with an overlap, listed with their last use, removed; and kept by what is exported.

use std::fs;

use posthouse_api::{ApiClient, ApiError, KeyKind, KeyRequest, KeyView, ProblemCode};
use posthouse_testing::{
    request::RawRequest,
    town::{Town, TownPlan, eventually},
};
use serde_json::Value;

use crate::process::{client, configure, told};

async fn town() -> (Town, ApiClient) {
    let town = Town::planned(TownPlan::default()).await;
    town.provision(&[town.account_with("acme", "", "", ""), town.usual_carriers()].concat()).await;
    configure(&town);
    let api = client(&town);
    (town, api)
}

/// Waits till a message under this VASPID is answered so.
async fn answered(town: &Town, vaspid: &str, code: u32) {
    eventually(&format!("{vaspid} is answered {code}"), async || {
        let request = RawRequest { vaspid: Some(vaspid.to_owned()), ..RawRequest::to("16175550100") };
        (town.post(&request).await.code() == Some(code)).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vaspid_is_changed_with_an_overlap_and_both_tell_when_they_were_used() {
    let (town, api) = town().await;
    answered(&town, "acme-key", 1000).await;
    let added = told(town.folder(), &["accounts", "keys", "add", "acme", "--overlap", "7d", "--json"]);
    let added: Value = serde_json::from_str(&added).unwrap();
    let new = added["value"].as_str().unwrap().to_owned();
    assert_eq!((new.len(), &added["key"]["own"]), (40, &true.into()));
    answered(&town, &new, 1000).await;
    answered(&town, "acme-key", 1000).await;

    let keys = api.keys("acme").await.unwrap().items;
    let told_of: Vec<_> =
        keys.iter().map(|key| (key.own, key.until.is_some(), key.last_used.is_some())).collect();
    assert_eq!(told_of, [(true, false, true), (false, true, true)], "{keys:?}");
    let listed = told(town.folder(), &["accounts", "keys", "list", "acme"]);
    assert!(listed.contains("VASPID acme…, until ") && !listed.contains(&new), "{listed}");

    // What is exported is applied as it is: no key ends, and nothing changes.
    let exported = told(town.folder(), &["provisioning", "export"]);
    assert!(!exported.contains(&new) && exported.contains("[[account.key]]"), "{exported}");
    fs::write(town.folder().join("exported.toml"), &exported).unwrap();
    let plan = told(town.folder(), &["plan", "exported.toml"]);
    assert!(plan.contains("0 to create, 0 to change, 0 to remove, "), "{plan}");

    let own = api.remove_key("acme", &keys[0].id).await;
    assert!(matches!(&own, Err(ApiError::Refused(problem)) if problem.is(ProblemCode::LeftAlone)), "{own:?}");
    let removed = told(town.folder(), &["accounts", "keys", "remove", "acme", "acme"]);
    assert!(removed.starts_with("acme is no key of account acme any more; "), "{removed}");
    answered(&town, "acme-key", 2564).await;
    answered(&town, &new, 1000).await;

    // When they were used is known after a restart, too.
    let used = keys.iter().map(|key| key.id.clone()).collect::<Vec<_>>();
    let (folder, carriers, vasp) = town.without_gateway().await;
    let listed = told(folder.path(), &["accounts", "keys", "list", "acme", "--json"]);
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed["items"][0]["id"], used[0].as_str());
    assert!(listed["items"][0]["last_used"].is_string(), "{listed}");
    for carrier in carriers.into_values() {
        carrier.stop().await;
    }
    vasp.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overlap_ends_by_itself_and_a_password_has_one_too() {
    let (town, api) = town().await;
    let request = KeyRequest {
        value: Some("second-key".to_owned()),
        overlap: Some("2s".to_owned()),
        ..KeyRequest::default()
    };
    let issued = api.add_key("acme", &request).await.unwrap();
    assert_eq!((issued.value, issued.key.prefix.as_deref()), (None, Some("seco")));
    answered(&town, "second-key", 1000).await;
    answered(&town, "acme-key", 2564).await;
    let taken = api.add_key("acme", &request).await;
    assert!(
        matches!(&taken, Err(ApiError::Refused(problem)) if problem.is(ProblemCode::LeftAlone)),
        "{taken:?}"
    );

    let password = |value: &str, username: Option<&str>| KeyRequest {
        kind: KeyKind::Password,
        value: Some(value.to_owned()),
        username: username.map(str::to_owned),
        overlap: None,
    };
    let nameless = api.add_key("acme", &password("one", None)).await;
    assert!(
        matches!(&nameless, Err(ApiError::Refused(problem)) if problem.is(ProblemCode::InvalidParameter))
    );
    api.add_key("acme", &password("one", Some("ann"))).await.unwrap();
    // ann:one, ann:two and ann:three.
    let (one, two, three) = (Some("YW5uOm9uZQ=="), Some("YW5uOnR3bw=="), Some("YW5uOnRocmVl"));
    let code = async |encoded: Option<&str>, code: u32| {
        eventually(&format!("{encoded:?} is answered {code}"), async || {
            let mut request =
                RawRequest { vaspid: Some("second-key".to_owned()), ..RawRequest::to("16175550100") };
            if let Some(encoded) = encoded {
                request.header("Authorization", format!("Basic {encoded}"));
            }
            (town.post(&request).await.code() == Some(code)).then_some(())
        })
        .await;
    };
    code(None, 2568).await;
    code(one, 1000).await;
    api.add_key("acme", &password("two", None)).await.unwrap();
    code(two, 1000).await;
    code(one, 1000).await;
    code(three, 2568).await;
    let keys = api.keys("acme").await.unwrap().items;
    let passwords: Vec<&KeyView> = keys.iter().filter(|key| key.kind == KeyKind::Password).collect();
    assert!(passwords.len() == 2 && passwords.iter().all(|key| key.last_used.is_some()), "{keys:?}");
    api.remove_key("acme", &passwords[1].id).await.unwrap();
    code(one, 2568).await;
    code(two, 1000).await;
    town.close().await;
}
