//! `posthouse messages requeue`, `expire` and `resend-reports`, as processes beside a gateway that runs, or does not.

use std::{
    path::Path,
    process::{Command, Output},
    time::Duration,
};

use posthouse_core::{
    Id,
    life::retry::Backoff,
    life::state::{State, Terminal},
    message::EventKind,
};
use posthouse_gateway::app::{App, Components};
use posthouse_sim::vasp::VaspAnswer;
use posthouse_testing::{
    request::RawRequest,
    town::{DEADLINE, Town, TownPlan, eventually},
};
use serde_json::{Value, json};

use crate::process::{self, configure};

/// Nothing is tried again by itself while a test runs.
const NEVER: Duration = Duration::from_secs(3600 * 1000);

/// The usual town, where what fails waits till somebody intervenes.
async fn town() -> Town {
    let mut plan = TownPlan::default();
    plan.parts.backoff = Backoff::new(NEVER, NEVER);
    let town = Town::planned(plan).await;
    let account = town.account_with("acme", "", "retry_after = \"20ms\"\nmax_retries = 0\n", "");
    let carrier = town.carrier_with("31003", "", "timeout = \"300ms\"\n");
    town.provision(&[account, carrier, posthouse_testing::provisioning::range("1617", "31003")].concat())
        .await;
    configure(&town);
    town
}

/// Who runs the commands here.
fn user() -> String {
    let output = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn messages(folder: &Path, arguments: &[&str]) -> Output {
    process::asked(folder, &[&["messages"], arguments].concat())
}

#[track_caller]
fn told(folder: &Path, arguments: &[&str]) -> String {
    process::told(folder, &[&["messages"], arguments].concat())
}

#[track_caller]
fn told_json(folder: &Path, arguments: &[&str]) -> Value {
    serde_json::from_str(&told(folder, &[arguments, &["--json"]].concat())).unwrap()
}

async fn submit(town: &Town, to: &str) -> Id {
    town.submit(&RawRequest::to(to)).await
}

async fn waits(town: &Town, id: Id, state: State, attempts: u32) {
    eventually("the attempt is over", async || {
        let message = town.message(id).await;
        (message.state == state && message.attempts == attempts).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_sent_at_once_when_it_is_requeued() {
    let town = town().await;
    // Three times 4006, then Retrieved.
    let (id, done) = (submit(&town, "16175559012").await, submit(&town, "16175550100").await);
    town.ended(done).await;
    for attempts in 1..=3 {
        waits(&town, id, State::Accepted, attempts).await;
        let looked = told(town.folder(), &["requeue", "--carrier", "31003", "--dry-run"]);
        assert!(looked.starts_with(&format!("{id}  ")), "{looked}");
        assert!(looked.contains("would requeue 1 message; nothing was changed\n"), "{looked}");
        assert!(looked.contains("left alone: 1 ended already\n"), "{looked}");
        waits(&town, id, State::Accepted, attempts).await;
        let looked = told_json(town.folder(), &["requeue", "--carrier", "31003", "--dry-run"]);
        assert_eq!((&looked["requeued"], &looked["would_requeue"]), (&json!(0), &json!(1)), "{looked}");
        assert_eq!(looked["gateway_running"], true, "also when it is only looked");
        let requeued = told_json(town.folder(), &["requeue", "--carrier", "31003"]);
        assert_eq!(requeued["requeued"], 1);
        assert_eq!(requeued["left_alone"], json!({"ended": 1}));
        assert_eq!((&requeued["dry_run"], &requeued["gateway_running"]), (&json!(false), &json!(true)));
        assert_eq!(requeued["first"][0]["message_id"], id.to_string());
    }
    assert_eq!(town.ended(id).await.state, State::Ended(Terminal::Retrieved));
    assert_eq!(town.events(id, EventKind::Operator).await, vec![format!("requeued by {}", user()); 3]);
    assert_eq!(told(town.folder(), &["requeue", "--to", "15080000000"]), "nothing matches\n");
    town.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_parked_is_sent_again_only_when_asked_for_and_may_be_expired() {
    let town = town().await;
    let id = submit(&town, "16175553500").await;
    waits(&town, id, State::Parked, 1).await;
    let name = id.to_string();

    let left = messages(town.folder(), &["requeue", &name]);
    assert_eq!(left.status.code(), Some(1));
    let said = String::from_utf8(left.stdout).unwrap();
    assert!(
        said.contains("requeued 0 messages\nleft alone: 1 parked: the last attempt may have arrived; --parked sends again\n"),
        "{said}"
    );

    let sent = told(town.folder(), &["requeue", &name, "--parked"]);
    assert!(
        sent.contains("requeued 1 message\n1 may have arrived before: the recipient may get it twice\n"),
        "{sent}"
    );
    waits(&town, id, State::Parked, 2).await;

    let expired = told(town.folder(), &["expire", "--state", "Parked"]);
    assert!(expired.contains("expired 1 message\n"), "{expired}");
    assert!(
        expired.contains(&format!("the gateway at {} goes on with it", town.app.ready().admin)),
        "{expired}"
    );
    assert_eq!(town.ended(id).await.state, State::Ended(Terminal::Expired));
    assert_eq!(town.statuses_on(id), ["Expired"]);
    assert_eq!(messages(town.folder(), &["expire", &name]).status.code(), Some(1), "once");
    town.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_vasp_did_not_take_is_sent_again() {
    let town = town().await;
    town.vasp.set_answer(VaspAnswer::Code(4000));
    let id = submit(&town, "16175550100").await;
    let failed = async || {
        let failed = town.events(id, EventKind::ReportFailed).await;
        failed.iter().any(|detail| detail.starts_with("Retrieved")).then_some(())
    };
    eventually("the last report failed", failed).await;
    town.vasp.set_answer(VaspAnswer::Code(1000));

    let resend = ["resend-reports", "--account", "acme", "--since", "1h"];
    let looked = told_json(town.folder(), &[&resend[..], &["--dry-run"]].concat());
    assert_eq!((&looked["resent"], &looked["would_resend"]), (&json!(0), &json!(1)), "{looked}");
    let first = &looked["first"][0];
    assert_eq!((&first["message_id"], &first["says"]), (&json!(id.to_string()), &json!("Retrieved")));
    assert_eq!(town.events(id, EventKind::Operator).await, [""; 0], "it was only looked");
    assert!(told(town.folder(), &resend).contains("resent 1 report\n"));
    eventually("the report is out", async || town.events(id, EventKind::Reported).await.pop()).await;
    assert_eq!(town.events(id, EventKind::Operator).await, [format!("Retrieved: sent again by {}", user())]);
    let again = messages(town.folder(), &["resend-reports", &id.to_string()]);
    assert_eq!(again.status.code(), Some(1), "there is none any more");
    town.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_stopped_goes_on_with_it_at_its_start() {
    let town = town().await;
    let (expired, requeued) = (submit(&town, "16175559012").await, submit(&town, "16175559013").await);
    waits(&town, expired, State::Accepted, 1).await;
    waits(&town, requeued, State::Accepted, 1).await;
    let mut settings = TownPlan::default().settings;
    settings.store.path = town.folder().join("posthouse.db");
    settings.media.place = town.folder().join("media").into();
    // The carrier's reports come where they came before.
    settings.carriers.listen = town.carrier_door();
    let (folder, carriers, vasp) = town.without_gateway().await;
    let folder = folder.path();

    let ended = told(folder, &["expire", &expired.to_string()]);
    assert!(
        ended.ends_with("no gateway is running on this store; its next start goes on with it\n"),
        "{ended}"
    );
    assert_eq!(told_json(folder, &["requeue", "--all"])["requeued"], 1);

    let app = App::start(&settings, Components::default()).await.unwrap();
    let both = [(expired, "Expired"), (requeued, "Retrieved")];
    for (id, status) in both {
        let id = id.to_string();
        let reports = |callbacks: &[std::sync::Arc<posthouse_sim::ReceivedCallback>]| {
            callbacks
                .iter()
                .filter(|one| one.reports_on(&id))
                .any(|one| one.report().is_some_and(|report| report.mm_status == status))
        };
        assert!(vasp.wait_until(reports, DEADLINE).await.is_some(), "{status}");
    }
    app.stop().await.unwrap();
    drop(carriers);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_done_by_accident() {
    let town = town().await;
    let id = submit(&town, "16175559012").await;
    waits(&town, id, State::Accepted, 1).await;
    for command in ["requeue", "expire", "resend-reports"] {
        let refused = messages(town.folder(), &[command]);
        assert_eq!(refused.status.code(), Some(1), "{command}");
        let said = String::from_utf8(refused.stderr).unwrap();
        assert!(said.starts_with("posthouse: nothing says which "), "{said}");
        assert!(said.ends_with(", or --all\n"), "{said}");
        let both = messages(town.folder(), &[command, "--all", "--account", "acme"]);
        assert_eq!(both.status.code(), Some(2), "{command}");
    }
    let unknown = messages(town.folder(), &["expire", "17"]);
    assert_eq!(unknown.status.code(), Some(1));
    let said = String::from_utf8(unknown.stderr).unwrap();
    assert_eq!(
        said,
        "posthouse: nothing was changed: there is no message 17; `posthouse messages list` shows those there are\n"
    );
    assert_eq!(town.events(id, EventKind::Operator).await, [""; 0]);
    town.close().await;
}
