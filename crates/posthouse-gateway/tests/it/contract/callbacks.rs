//! Reports to the VASP: when they count as delivered, how often they are tried, what goes with them (contract 4.6).

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use posthouse_core::{Id, message::EventKind, time::Clock};
use posthouse_sim::{Credentials, ReceivedCallback, VaspOptions, vasp::VaspAnswer};

use posthouse_testing::{
    canned::{Canned, CannedReply, SeenRequest, fault, response},
    clock::ManualClock,
    provisioning::range,
    request::RawRequest,
    town::{DEADLINE, Town, TownPlan},
};

/// A number whose carrier takes the message and reports nothing: one report is owed, Forwarded.
const QUIET: &str = "16175559008";

/// A town where accounts of these dialects get each report at most three times, soon after another.
async fn impatient(dialects: &[&str]) -> Town {
    let town = Town::planned(TownPlan::default()).await;
    let account = |dialect: &&str| {
        let callbacks = "retry_after = \"10ms\"\nmax_retries = 2\ntimeout = \"200ms\"\n";
        town.account_with(dialect, &format!("dialect = {dialect:?}\n"), callbacks, "")
    };
    let accounts: String = dialects.iter().map(account).collect();
    town.provision(&(accounts + &town.usual_carriers())).await;
    town
}

async fn submit(town: &Town, dialect: &str) -> Id {
    town.submit(&RawRequest { vaspid: Some(format!("{dialect}-key")), ..RawRequest::to(QUIET) }).await
}

/// What a VASP answers.
type Answer = fn(&SeenRequest) -> CannedReply;

/// What VASPs answer that is no acknowledgement, and what the timeline says of it.
fn no_acknowledgements() -> Vec<(&'static str, Answer)> {
    fn says(status: u16, transaction_id: &str, code: u32) -> CannedReply {
        CannedReply::http(status, "text/xml", &response("DeliveryReportRsp", transaction_id, code))
    }
    vec![
        ("HTTP 500", |_| CannedReply::http(500, "text/plain", "")),
        ("HTTP 404", |_| CannedReply::http(404, "text/plain", "not here")),
        ("HTTP 302", |_| CannedReply::http(302, "text/plain", "elsewhere")),
        ("HTTP 202", |_| CannedReply::http(202, "text/plain", "")),
        ("HTTP 500", |seen| says(500, &seen.transaction_id, 1000)),
        ("an answer with another TransactionID", |_| says(200, "other", 1000)),
        ("an answer without TransactionID", |seen| {
            let answer = response("DeliveryReportRsp", &seen.transaction_id, 1000);
            let (before, after) = answer.split_once("<e:Header>").unwrap();
            let (_, after) = after.split_once("</e:Header>").unwrap();
            CannedReply::http(200, "text/xml", &format!("{before}{after}"))
        }),
        ("StatusCode 2000 Said", |seen| says(200, &seen.transaction_id, 2000)),
        ("StatusCode 1100", |seen| says(200, &seen.transaction_id, 1100)),
        ("StatusCode 4007 Said, in a Fault", |seen| {
            CannedReply::http(200, "text/xml", &fault(&seen.transaction_id, 4007))
        }),
        ("StatusCode 2007 Said, in VASPErrorRsp", |seen| {
            CannedReply::http(200, "text/xml", &response("MM7VASPErrorRsp", &seen.transaction_id, 2007))
        }),
        ("StatusCode 2007 Said, in VASPErrorRsp", |seen| {
            CannedReply::http(200, "text/xml", &response("VaspErrorRsp", &seen.transaction_id, 2007))
        }),
        ("a Fault Server out of memory", |seen| {
            let fault = fault(&seen.transaction_id, 1000);
            let (before, after) = fault.split_once("<faultstring>").unwrap();
            let (_, after) = after.split_once("</detail>").unwrap();
            CannedReply::http(
                200,
                "text/xml",
                &format!("{before}<faultstring>out of\nmemory</faultstring>{after}"),
            )
        }),
        ("HTTP 500: 4007 Said, in a Fault", |seen| {
            CannedReply::http(500, "text/xml", &fault(&seen.transaction_id, 4007))
        }),
        ("HTTP 503: Servlet Error No space left", |_| {
            let page = "<html><head><style>b {}</style><title>Servlet Error</title></head><body>No&nbsp;space left</body>";
            CannedReply::http(503, "text/html", page)
        }),
        ("an answer without MM7: It works!", |_| {
            CannedReply::http(200, "text/html", "<html>It works!</html>")
        }),
        ("an answer without MM7: OK", |_| CannedReply::http(200, "text/plain", "OK")),
        ("no answer", |_| CannedReply::HangUp),
        ("nothing within 200 ms", |_| CannedReply::Silence),
    ]
}

#[tokio::test]
async fn what_is_no_acknowledgement_is_tried_as_often_as_provisioned_and_kept_as_failed() {
    let town = Town::planned(TownPlan::default()).await;
    let tries = Arc::new(Mutex::new(BTreeMap::<String, Vec<String>>::new()));
    let seen_tries = Arc::clone(&tries);
    let canned = Canned::start(move |seen| {
        let mut tries = seen_tries.lock().unwrap();
        tries.entry(seen.path.clone()).or_default().push(seen.transaction_id.clone());
        (no_acknowledgements()[seen.path[1..].parse::<usize>().unwrap()].1)(seen)
    })
    .await;
    let account = |number: usize| {
        format!(
            "[[account]]\nname = \"a{number}\"\nvaspid = \"a{number}-key\"\n[account.callbacks]\nreport_url = {:?}\n\
             timeout = \"200ms\"\nretry_after = \"10ms\"\nmax_retries = 2\n\
             [[account.service]]\nvasid = \"61295\"\nsenders = [\"111122\"]\n",
            canned.url(&format!("/{number}"))
        )
    };
    let accounts: String = (0..no_acknowledgements().len()).map(account).collect();
    town.provision(&(accounts + &town.usual_carriers())).await;
    let mut messages = Vec::new();
    for (number, (said, _)) in no_acknowledgements().into_iter().enumerate() {
        messages.push((format!("/{number}"), said, submit(&town, &format!("a{number}")).await));
    }
    for (path, said, id) in messages {
        let failed = town.event(id, EventKind::ReportFailed).await;
        assert!(failed.contains("Forwarded") && failed.contains(said), "{path}: {failed} instead of {said}");
        let retried = town.events(id, EventKind::ReportRetrying).await;
        assert!(retried.len() == 2 && retried.iter().all(|retried| retried.contains(said)), "{retried:?}");
        let tries = tries.lock().unwrap()[&path].clone();
        assert!(tries.len() == 3 && tries.iter().all(|id| *id == tries[0]), "the same request: {tries:?}");
    }
    town.close().await;
}

#[tokio::test]
async fn an_acknowledgement_counts_however_it_is_spelled() {
    let town = Town::planned(TownPlan::default()).await;
    let canned = Canned::start(|seen| {
        let answer = match seen.path.strip_prefix("/ampersand") {
            Some(_) => response("DeliveryReportRsp", &seen.transaction_id, 1000).replace("Said", "A & B"),
            None => response(&seen.path[1..], &seen.transaction_id, 1000),
        };
        CannedReply::http(200, "text/xml", &answer)
    })
    .await;
    for spelled in [
        "DeliveryReportResponse",
        "DeliverReportRsp",
        "MM7DeliveryReportRsp",
        "deliveryreportrsp",
        "ampersand",
    ] {
        let url = canned.url(&format!("/{spelled}"));
        let account = format!(
            "[[account]]\nname = \"acme\"\nvaspid = \"acme-key\"\n[account.callbacks]\nreport_url = {url:?}\n\
             [[account.service]]\nvasid = \"61295\"\nsenders = [\"111122\"]\n"
        );
        town.provision(&(account + &town.usual_carriers())).await;
        let id = submit(&town, "acme").await;
        town.event(id, EventKind::Reported).await;
        assert!(town.events(id, EventKind::ReportRetrying).await.is_empty(), "{spelled}");
    }
    town.close().await;
}

#[tokio::test]
async fn an_empty_answer_acknowledges_where_the_dialect_says_so() {
    let town = impatient(&["posthouse", "skycore", "sinch", "3gpp", "cmcc"]).await;
    town.vasp.set_answer(VaspAnswer::Http(200));
    let mut messages = Vec::new();
    for (dialect, event) in [
        ("posthouse", EventKind::Reported),
        ("skycore", EventKind::ReportFailed),
        ("sinch", EventKind::ReportFailed),
        ("3gpp", EventKind::ReportFailed),
        ("cmcc", EventKind::Reported),
    ] {
        messages.push((submit(&town, dialect).await, event));
    }
    for (id, event) in messages {
        town.event(id, event).await;
    }
    town.close().await;
}

#[tokio::test]
async fn a_vasp_that_comes_back_gets_its_report() {
    let town = impatient(&["posthouse"]).await;
    town.vasp.fail_next(2);
    let id = submit(&town, "posthouse").await;
    town.event(id, EventKind::Reported).await;
    let tries: Vec<_> = town.reports_on(id).iter().map(|callback| callback.http_status).collect();
    assert_eq!(tries, [Some(500), Some(500), Some(200)]);
    town.close().await;
}

#[tokio::test]
async fn the_next_try_comes_when_it_is_due_and_not_before() {
    let clock = ManualClock::now_still();
    let mut plan = TownPlan::default();
    plan.parts.clock = clock.clone();
    let town = Town::planned(plan).await;
    let account = town.account_with("acme", "", "retry_after = \"5m\"\nmax_retries = 1\n", "");
    town.provision(&(account + &town.usual_carriers())).await;
    town.vasp.fail_next(1);
    let id = town.submit(&RawRequest::to(QUIET)).await;
    town.event(id, EventKind::ReportRetrying).await;
    let now = clock.now();
    let early =
        town.store().due(now + Duration::from_secs(299), posthouse_core::slots::Slots::ALL).await.unwrap();
    let late =
        town.store().due(now + Duration::from_secs(300), posthouse_core::slots::Slots::ALL).await.unwrap();
    assert_eq!((early.accounts.len(), late.accounts.len()), (0, 1));
    clock.advance(Duration::from_secs(300));
    town.event(id, EventKind::Reported).await;
    assert_eq!(town.reports_on(id).len(), 2);
    town.close().await;
}

#[tokio::test]
async fn what_goes_with_a_report() {
    let mut plan = TownPlan::default();
    plan.settings.mm7.carrier_id_header = "X-Mblox-Carrier-Id".to_owned();
    plan.vasp = VaspOptions { expects: Some(Credentials::new("u", "p")), ..VaspOptions::default() };
    let town = Town::planned(plan).await;
    let auth = "basic_auth = { username = \"u\", password = \"p\" }\n";
    let accounts = town.account_with("acme", "", auth, "") + &town.account("wrong", "");
    town.provision(&(accounts + &town.usual_carriers())).await;
    // The alias by which a request names its carrier stays between the two.
    town.provision(&town.carrier("31003", "aliases = [\"0001890\"]\n")).await;

    let mut request = RawRequest::to("16175554007");
    request.header("X-Mblox-Carrier-Id", "0001890");
    let id = town.submit(&request).await;
    town.ended(id).await;
    let reports = town.reports_on(id);
    let report = reports.last().unwrap();
    let header = |name: &str| report.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    assert_eq!(header("content-type").as_deref(), Some("text/xml; charset=utf-8"));
    assert_eq!(header("soapaction").as_deref(), Some("\"\""));
    assert_eq!(header("x-mblox-carrier-id").as_deref(), Some("31003"));
    assert_eq!(header("x-posthouse-reason").as_deref(), Some("4007 Service denied"));
    assert_eq!(header("authorization").as_deref(), Some("Basic dTpw"));
    assert_eq!(report.path, "/reports");
    let sent = report.report().unwrap();
    assert_eq!(sent.mm.message_id.as_ref().map(|id| id.as_str().to_owned()), Some(id.to_string()));
    assert_eq!((sent.mm_status.as_str(), sent.status_text.as_deref()), ("Rejected", Some("Rejected")));
    let ended = town.timeline(id).await.into_iter().find(|event| event.kind == EventKind::Ended).unwrap();
    assert_eq!(sent.date.map(|date| date.as_second()), Some(ended.at.as_second()), "when it happened");

    let id = town.submit(&RawRequest { vaspid: Some("wrong-key".to_owned()), ..RawRequest::to(QUIET) }).await;
    let retrying = town.event(id, EventKind::ReportRetrying).await;
    assert!(retrying.contains("HTTP 401"), "{retrying}");
    town.close().await;
}

/// Contract 4.5: what a carrier gave as Details is on the timeline, and goes on with the reason.
#[tokio::test]
async fn what_a_carrier_says_about_a_refusal_goes_on_to_the_vasp() {
    let town = Town::planned(TownPlan::default()).await;
    let canned = Canned::start(|seen| {
        let answer = response("SubmitRsp", &seen.transaction_id, 4007);
        let details = match seen.path.as_str() {
            "/own" => "Abonnent gesperrt:\n  Guthaben \u{fc}berzogen",
            "/table" => "Carrier denies service for the recipient address",
            _ => " ",
        };
        let details = format!("</m:StatusText><m:Details>{details}</m:Details>");
        CannedReply::http(200, "text/xml; charset=utf-8", &answer.replace("</m:StatusText>", &details))
    })
    .await;
    town.provision(&town.account("acme", "")).await;
    for (path, reason, said) in [
        (
            "/own",
            "4007 Service denied: Abonnent gesperrt: Guthaben ?berzogen",
            "4007 Said: Abonnent gesperrt: Guthaben \u{fc}berzogen",
        ),
        ("/table", "4007 Service denied", "4007 Said: Carrier denies service for the recipient address"),
        ("/none", "4007 Service denied", "4007 Said"),
    ] {
        let carrier = format!(
            "[[carrier]]\nid = \"c\"\n[[carrier.connection]]\nname = \"a\"\nurl = {:?}\n{}",
            canned.url(path),
            range("1617", "c")
        );
        town.provision(&carrier).await;
        let id = town.submit(&RawRequest::to(QUIET)).await;
        town.ended(id).await;
        let ended = town.event(id, EventKind::Ended).await;
        assert_eq!(ended, format!("Rejected: 4007 Service denied: a: {said}"));
        assert_eq!(town.reports_on(id).last().unwrap().reason.as_deref(), Some(reason));
    }
    town.close().await;
}

#[tokio::test]
async fn without_an_address_nothing_is_owed() {
    let town = Town::found().await;
    let account = "[[account]]\nname = \"deaf\"\nvaspid = \"deaf-key\"\n[[account.service]]\nvasid = \"61295\"\n\
                   senders = [\"111122\"]\n";
    town.provision(account).await;
    let id = town.submit(&RawRequest { vaspid: Some("deaf-key".to_owned()), ..RawRequest::to(QUIET) }).await;
    let withdrawn = town.event(id, EventKind::ReportWithdrawn).await;
    assert!(withdrawn.contains("report_url"), "{withdrawn}");
    town.close().await;
}

#[tokio::test]
async fn one_account_that_is_down_holds_nobody_up() {
    let town = impatient(&["posthouse"]).await;
    let silent = Canned::start(|_| CannedReply::Silence).await;
    let account = format!(
        "[[account]]\nname = \"down\"\nvaspid = \"down-key\"\n[account.callbacks]\nreport_url = {:?}\ntimeout = \"500ms\"\n\
         [[account.service]]\nvasid = \"61295\"\nsenders = [\"111122\"]\n",
        silent.url("/")
    );
    town.provision(&account).await;
    for _ in 0..20 {
        submit(&town, "down").await;
    }
    let id = submit(&town, "posthouse").await;
    let acknowledged =
        |callbacks: &[Arc<ReceivedCallback>]| callbacks.iter().any(|callback| callback.is_acknowledged());
    assert!(town.vasp.wait_until(acknowledged, DEADLINE).await.is_some());
    town.event(id, EventKind::Reported).await;
    // What the silent one was asked is given up, with the town.
    drop(silent);
    town.close().await;
}

/// The others wait for their turn, and get it.
#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn as_many_callbacks_are_under_way_as_the_window_lets() {
    const WINDOW: usize = 3;
    let town = Town::planned(TownPlan::default()).await;
    // How many are under way, and how many were at most.
    let counts = Arc::new(Mutex::new((0, 0)));
    let seen_counts = Arc::clone(&counts);
    let canned = Canned::start(move |seen| {
        {
            let (now, most) = &mut *seen_counts.lock().unwrap();
            *now += 1;
            *most = (*most).max(*now);
        }
        std::thread::sleep(Duration::from_millis(30));
        seen_counts.lock().unwrap().0 -= 1;
        let acknowledgement = response("DeliveryReportRsp", &seen.transaction_id, 1000);
        CannedReply::http(200, "text/xml", &acknowledgement)
    })
    .await;
    let account = format!(
        "[[account]]\nname = \"acme\"\nvaspid = \"acme-key\"\n\
         [account.callbacks]\nreport_url = {:?}\nwindow = {WINDOW}\n\
         [[account.service]]\nvasid = \"61295\"\nsenders = [\"111122\"]\n",
        canned.url("/")
    );
    town.provision(&(account + &town.usual_carriers())).await;
    let mut messages = Vec::new();
    for _ in 0..4 * WINDOW {
        messages.push(submit(&town, "acme").await);
    }
    for id in messages {
        town.event(id, EventKind::Reported).await;
    }
    assert_eq!(*counts.lock().unwrap(), (0, WINDOW));
    town.close().await;
}
