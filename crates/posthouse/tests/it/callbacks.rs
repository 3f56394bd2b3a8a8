//! Callbacks and endpoints: by the API, and by `posthouse callbacks` as a process.

use std::{path::Path, process::Output};

use mm7::MmStatus;
use posthouse_api::{ApiClient, ApiError, CallbackQuery, CallbackView, ProblemCode};
use posthouse_core::{Id, life::intervention::CallbackSays};
use posthouse_sim::vasp::VaspAnswer;
use posthouse_testing::{
    request::RawRequest,
    town::{Town, TownPlan, eventually},
};
use serde_json::Value;

use crate::process::{self, client, configure};

/// The usual town; what a VASP does not take waits for an hour, and then failed for good.
async fn town(retries: u32) -> (Town, ApiClient) {
    let town = Town::planned(TownPlan::default()).await;
    let callbacks = format!("retry_after = \"1h\"\nmax_retries = {retries}\n");
    let account = town.account_with("acme", "", &callbacks, "");
    town.provision(&[account, town.usual_carriers()].concat()).await;
    configure(&town);
    let api = client(&town);
    (town, api)
}

fn callbacks(folder: &Path, arguments: &[&str]) -> Output {
    process::asked(folder, &[&["callbacks"], arguments].concat())
}

#[track_caller]
fn told(folder: &Path, arguments: &[&str]) -> String {
    process::told(folder, &[&["callbacks"], arguments].concat())
}

/// The only callback of the account, once it is in this state.
async fn only(api: &ApiClient, state: &str) -> CallbackView {
    let query = CallbackQuery { account: Some("acme".to_owned()), ..CallbackQuery::default() };
    eventually(state, async || {
        let items = api.callbacks(&query, None, 10).await.unwrap().items;
        items.into_iter().next().filter(|one| one.state == state)
    })
    .await
}

async fn delivered(town: &Town, id: Id, times: usize) {
    eventually("the VASP has its report", async || {
        (town.statuses_on(id).iter().filter(|status| *status == "Retrieved").count() == times).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_vasp_says_is_kept_and_what_failed_is_sent_again() {
    let (town, api) = town(0).await;
    town.vasp.set_answer(VaspAnswer::Garbage);
    let id = town.submit(&RawRequest::to("16175550100")).await;
    town.ended(id).await;
    let failed = only(&api, "failed").await;
    let says = CallbackSays::Report(MmStatus::Retrieved).to_string();
    assert_eq!((failed.message_id.as_str(), failed.says, failed.tries), (&*id.to_string(), says, 1));
    let tries = api.callback_tries(&failed.callback_id).await.unwrap().items;
    assert_eq!((tries.len(), tries[0].outcome.as_str(), tries[0].http_status), (1, "failed", Some(200)));
    assert!(tries[0].said.starts_with("an answer without MM7") && !tries[0].body.is_empty(), "{tries:?}");
    let endpoint = api.endpoints(None, None, 10).await.unwrap().items.remove(0);
    assert!(endpoint.failing_since.is_some() && endpoint.failed >= 1, "{endpoint:?}");
    assert_eq!(endpoint.last_answer.unwrap().http_status, Some(200));

    let shown = told(town.folder(), &["show", &failed.callback_id]);
    assert!(shown.contains("failed     HTTP 200  an answer without MM7"), "{shown}");
    let listed = told(town.folder(), &["list", "--account", "acme", "--state", "failed"]);
    assert!(listed.starts_with(&failed.callback_id), "{listed}");
    let listed = callbacks(town.folder(), &["list", "--account", "acmee"]);
    assert_eq!(listed.status.code(), Some(2), "a name that is not provisioned is no empty list");

    town.vasp.set_answer(VaspAnswer::Code(1000));
    let resent = told(town.folder(), &["resend", &failed.callback_id, "--json"]);
    let resent: Value = serde_json::from_str(&resent).unwrap();
    assert_eq!(resent["resent"][0]["callback_id"], failed.callback_id.as_str());
    delivered(&town, id, 2).await;
    let recovered = async || {
        let endpoint = api.endpoints(Some("acme"), None, 1).await.unwrap().items.remove(0);
        endpoint.failing_since.is_none().then_some(())
    };
    eventually("the endpoint does not fail any more", recovered).await;
    let again = callbacks(town.folder(), &["resend", &failed.callback_id]);
    assert_eq!(again.status.code(), Some(1), "it was delivered");
    let ends: Vec<_> = api.callback_tries(&failed.callback_id).await.unwrap().items;
    assert_eq!(ends.len(), 1, "with all its tries anew it was delivered at once");
    town.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_paused_waits_till_it_is_resumed() {
    let (town, api) = town(5).await;
    let api = api.saying(Some("their database"), Some("ann"));
    let paused = api.pause_endpoint("acme").await.unwrap();
    let paused = paused.paused.unwrap();
    assert_eq!((paused.by.as_str(), paused.reason.as_str()), ("ann", "their database"));
    let id = town.submit(&RawRequest::to("16175550100")).await;
    eventually("it has ended", async || town.message(id).await.state.is_terminal().then_some(())).await;
    let waiting = only(&api, "due").await;
    assert_eq!(waiting.tries, 0);
    assert_eq!(town.statuses_on(id), [""; 0]);
    let listed = told(town.folder(), &["endpoints"]);
    assert!(listed.contains("1 owed, the oldest since"), "{listed}");
    assert!(listed.contains("paused since ") && listed.contains("by ann: their database"), "{listed}");
    let resumed = told(town.folder(), &["resume", "acme"]);
    assert!(!resumed.contains("paused"), "{resumed}");
    delivered(&town, id, 1).await;

    let missing = api.pause_endpoint("acmee").await;
    assert!(matches!(&missing, Err(ApiError::Refused(problem)) if problem.is(ProblemCode::NotFound)));
    town.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_is_tested_without_a_trace() {
    let (town, api) = town(5).await;
    let tested = api.test_endpoint("acme").await.unwrap();
    assert!(tested.acknowledged && tested.url.ends_with("/reports"), "{tested:?}");
    let got = town.vasp.callbacks();
    assert_eq!((got.len(), got[0].headers["x-posthouse-test"].as_bytes()), (1, &b"true"[..]));
    town.vasp.set_answer(VaspAnswer::Fault(4001));
    let said = callbacks(town.folder(), &["test", "acme"]);
    assert_eq!(said.status.code(), Some(1));
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(said.contains("/reports does not acknowledge it: HTTP 500: 4001 "), "{said}");
    let endpoint = api.endpoints(Some("acme"), None, 1).await.unwrap().items.remove(0);
    assert_eq!((endpoint.owed, endpoint.failed, endpoint.last_answer), (0, 0, None));
    town.close().await;
}
