//! Every delivery status, from a carrier and from the gateway itself, on its way to the VASP (contract 4.5). The tests go
//! through [`MmStatus::ALL`] and fail when one is missing here.

use std::{sync::Arc, time::Duration};

use mm7::MmStatus;
use posthouse_core::{
    Id,
    life::state::{State, Terminal},
    message::EventKind,
};
use posthouse_sim::{ReceivedCallback, VaspOptions, carrier::OutgoingReport, vasp::VaspAnswer};

use posthouse_testing::{
    clock::ManualClock,
    provisioning::range,
    request::RawRequest,
    town::{DEADLINE, Town, TownPlan, eventually},
};

const DAY: Duration = Duration::from_secs(24 * 3600);
const BASE: &str = "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/";

/// MMStatus and StatusText, word for word.
const TEXTS: [(&str, &str); 9] = [
    ("Deferred", "Deferred"),
    ("Expired", "Expired"),
    ("Forwarded", "Forwarded"),
    ("Indeterminate", "Indeterminate"),
    ("NotSupported", "NotSupported"),
    ("Rejected", "Rejected"),
    ("Retrieved", "Success"),
    ("Unreachable", "Unreachable"),
    ("Unrecognized", "Unrecognized"),
];

fn text_of(status: &str) -> &'static str {
    TEXTS.iter().find(|(known, _)| *known == status).map(|(_, text)| *text).unwrap()
}

/// A number whose carrier takes the message and reports nothing by itself.
const QUIET: &str = "16175559008";

/// Submits a message and waits till its carrier has it and the VASP knows.
async fn forwarded(town: &Town, request: &RawRequest) -> Id {
    let id = town.submit(request).await;
    town.event(id, EventKind::Forwarded).await;
    if town.message(id).await.submission.delivery_report {
        reported(town, id, "Forwarded").await;
    }
    id
}

/// Waits for a report that says this on the wire.
async fn reported(town: &Town, id: Id, status: &str) -> Arc<ReceivedCallback> {
    let id = id.to_string();
    let says = |callback: &Arc<ReceivedCallback>| {
        callback.reports_on(&id) && callback.report().is_some_and(|report| report.mm_status == status)
    };
    let callbacks = town.vasp.wait_until(|callbacks| callbacks.iter().any(says), DEADLINE).await;
    let callbacks = callbacks.unwrap_or_else(|| panic!("no report says {status}"));
    callbacks.into_iter().find(says).unwrap()
}

/// Posts a report of the carrier 31003 on a message, which is acknowledged.
async fn report(town: &Town, id: Id, mm_status: &str) {
    let message_id = town.message(id).await.carrier_message_id.map(|id| mm7::MessageId::new(&id).unwrap());
    let report = OutgoingReport {
        message_id,
        mm_status: mm_status.to_owned(),
        ..OutgoingReport::new(MmStatus::Retrieved)
    };
    let answer = town.carriers["31003"].report(&report).await.unwrap();
    assert!(answer.is_success(), "{answer:?}");
}

#[tokio::test]
async fn every_status_from_a_carrier() {
    let town = Town::found().await;
    for status in MmStatus::ALL {
        let id = forwarded(&town, &RawRequest::to(QUIET)).await;
        report(&town, id, status.as_str()).await;
        let callback = reported(&town, id, status.as_str()).await;
        let sent = callback.report().unwrap();
        assert_eq!(sent.status_text.as_deref(), Some(text_of(status.as_str())));
        assert_eq!(sent.mm.recipient.as_ref().unwrap().as_str(), QUIET);
        assert_eq!(sent.mm.sender.as_ref().unwrap().as_str(), "111122");
        assert_eq!(callback.carrier_id.as_deref(), Some("31003"));
        assert_eq!(callback.reason, None, "a carrier's report has no reason of ours");
        let state = match status {
            MmStatus::Forwarded => State::Forwarded,
            MmStatus::Deferred => State::Deferred,
            status => State::Ended(Terminal::of(*status).unwrap()),
        };
        assert_eq!(town.message(id).await.state, state);
    }
    town.close().await;
}

#[tokio::test]
async fn what_carriers_call_them() {
    let town = Town::found().await;
    for (said, status) in [
        ("Unrecognised", "Unrecognized"),
        ("retrieved", "Retrieved"),
        (" Delivered ", "Retrieved"),
        ("Success", "Retrieved"),
        ("Cancelled", "Rejected"),
        ("DeliveryConditionNotMet", "Rejected"),
        ("Something else", "Indeterminate"),
        ("", "Indeterminate"),
    ] {
        let id = forwarded(&town, &RawRequest::to(QUIET)).await;
        report(&town, id, said).await;
        reported(&town, id, status).await;
        assert_eq!(town.message(id).await.state.as_str(), status, "{said:?}");
    }
    town.close().await;
}

/// No spelling of anybody else's: provisioning says what it is.
#[tokio::test]
async fn what_a_carrier_alone_calls_them() {
    let town = Town::found().await;
    let own = "[carrier.status_map]\n\"1000\" = \"Retrieved\"\n\"4305\" = \"NotSupported\"\n\
               \"Third:User Retrieved Success\" = \"Retrieved\"\n\"Rejected\" = \"Unreachable\"\n";
    town.provision(&town.carrier("31003", own)).await;
    for (said, status) in [
        ("1000", "Retrieved"),
        (" 4305\n", "NotSupported"),
        ("third:user retrieved SUCCESS", "Retrieved"),
        ("REJECTED", "Unreachable"),
        ("Expired", "Expired"),
        ("4306", "Indeterminate"),
    ] {
        let id = forwarded(&town, &RawRequest::to(QUIET)).await;
        report(&town, id, said).await;
        reported(&town, id, status).await;
        assert_eq!(town.message(id).await.state.as_str(), status, "{said:?}");
    }
    town.close().await;
}

/// What a VASP of a dialect is told for each status of [`TEXTS`]; `None`: nothing.
fn spelled(dialect: &str, release: u8) -> [Option<&'static str>; 9] {
    let own = TEXTS.map(|(status, _)| Some(status));
    let [deferred, expired, forwarded, indeterminate, _, rejected, retrieved, ..] = own;
    let by_3gpp = |deferred, unrecognized| {
        [
            deferred,
            expired,
            forwarded,
            indeterminate,
            rejected,
            rejected,
            retrieved,
            indeterminate,
            unrecognized,
        ]
    };
    match (dialect, release) {
        ("3gpp", 5) => by_3gpp(None, indeterminate),
        ("3gpp", _) => by_3gpp(deferred, Some("Unrecognised")),
        _ => own,
    }
}

#[tokio::test]
async fn every_status_in_every_dialect() {
    let town = Town::planned(TownPlan::default()).await;
    let dialects = ["posthouse", "skycore", "sinch", "3gpp", "cmcc"];
    let account = |dialect| town.account(dialect, &format!("dialect = {dialect:?}\n"));
    town.provision(&(dialects.map(account).concat() + &town.usual_carriers())).await;
    assert_spelled(&town, &dialects.map(|dialect| (dialect, dialect))).await;
    town.close().await;
}

#[tokio::test]
async fn an_account_says_which_words_its_reports_use() {
    let town = Town::planned(TownPlan::default()).await;
    let accounts = [("sinch", "3gpp"), ("3gpp", "table")];
    let account = |(dialect, statuses): (&str, &str)| {
        town.account(dialect, &format!("dialect = {dialect:?}\nstatuses = {statuses:?}\n"))
    };
    town.provision(&(accounts.map(account).concat() + &town.usual_carriers())).await;
    assert_spelled(&town, &[("sinch", "3gpp"), ("3gpp", "posthouse")]).await;
    town.close().await;
}

/// Checks that the reports of each account, named first, are spelled as those of a dialect, named second, are.
async fn assert_spelled(town: &Town, accounts: &[(&str, &str)]) {
    for (dialect, words) in accounts {
        for (release, namespace, version) in [(5, "REL-5-MM7-1-2", "5.3.0"), (6, "REL-6-MM7-1-3", "6.6.0")] {
            for ((status, _), told) in TEXTS.iter().zip(spelled(words, release)) {
                let mut request = RawRequest::to(QUIET);
                request.vaspid = Some(format!("{dialect}-key"));
                request.written_in(&format!("{BASE}{namespace}"), version);
                let id = forwarded(town, &request).await;
                report(town, id, status).await;
                let Some(told) = told else {
                    let withdrawn = town.event(id, EventKind::ReportWithdrawn).await;
                    assert!(withdrawn.contains(status), "{withdrawn}");
                    continue;
                };
                let callback = reported(town, id, told).await;
                let decoded = mm7::decode(&callback.body, None, &mm7::Limits::default()).unwrap();
                assert_eq!(decoded.namespace.uri(), format!("{BASE}{namespace}"), "{dialect}");
                assert_eq!(decoded.version.unwrap().to_string(), version, "{dialect}");
                // A word that the schema lacks is noted by nobody: a report is worth more than its spelling.
                let bare_sender = if *dialect == "cmcc" { &[mm7::Rule::AddressForm][..] } else { &[] };
                let broken: Vec<_> = decoded.errors.iter().map(|error| error.rule).collect();
                assert_eq!(broken, bare_sender, "{dialect}");
            }
        }
    }
}

/// A town whose clock stands still, with a carrier of its own for each thing that can go wrong.
async fn still_town() -> (Town, Arc<ManualClock>) {
    let clock = ManualClock::now_still();
    let mut plan = TownPlan::default();
    plan.parts.clock = clock.clone();
    let town = Town::planned(plan).await;
    let carriers = [
        town.carrier_with("31003", "", "timeout = \"100ms\"\n"),
        "[[carrier]]\nid = \"gone\"\n[[carrier.connection]]\nname = \"a\"\nurl = \"http://127.0.0.1:9/mm7\"\n"
            .to_owned(),
        range("1617", "31003"),
        range("1700", "gone"),
    ];
    town.provision(&(town.account("acme", "") + &carriers.concat())).await;
    (town, clock)
}

/// A status that the gateway makes itself.
struct Made {
    status: MmStatus,
    to: &'static str,
    /// The event after which the clock is put forward, and by how much.
    then: Option<(EventKind, Duration)>,
    reason: Option<&'static str>,
}

const MADE: &[Made] = &[
    Made { status: MmStatus::Forwarded, to: QUIET, then: None, reason: None },
    Made { status: MmStatus::Rejected, to: "16175554007", then: None, reason: Some("4007 Service denied") },
    Made { status: MmStatus::Rejected, to: "16175552002", then: None, reason: Some("2002 Address Error") },
    Made {
        status: MmStatus::NotSupported,
        to: "16175554002",
        then: None,
        reason: Some("4002 Unsupported MM7 version"),
    },
    Made {
        status: MmStatus::NotSupported,
        to: "16175554003",
        then: None,
        reason: Some("4003 Unsupported operation"),
    },
    // Busy till ExpiryDate, which is three days from TimeStamp.
    Made {
        status: MmStatus::Expired,
        to: "16175554006",
        then: Some((EventKind::Retrying, DAY.saturating_mul(4))),
        reason: None,
    },
    Made {
        status: MmStatus::Unreachable,
        to: "17005550100",
        then: Some((EventKind::Retrying, DAY.saturating_mul(4))),
        reason: None,
    },
    // Taken, and no report within report_timeout.
    Made {
        status: MmStatus::Indeterminate,
        to: QUIET,
        then: Some((EventKind::Forwarded, DAY.saturating_mul(4))),
        reason: None,
    },
    // Perhaps taken, and no report within report_timeout.
    Made {
        status: MmStatus::Indeterminate,
        to: "16175553500",
        then: Some((EventKind::Parked, DAY.saturating_mul(4))),
        reason: None,
    },
];

#[tokio::test]
async fn every_status_of_the_gateways_own() {
    let (town, clock) = still_town().await;
    for Made { status, to, then, reason } in MADE {
        let id = town.submit(&RawRequest::to(to)).await;
        if let Some((event, by)) = then {
            town.event(id, *event).await;
            clock.advance(*by);
        }
        let callback = reported(&town, id, status.as_str()).await;
        assert_eq!(callback.report().unwrap().status_text.as_deref(), Some(text_of(status.as_str())), "{to}");
        assert_eq!(callback.reason.as_deref(), *reason, "{to}");
        if let Some(reason) = reason {
            let ended = town.event(id, EventKind::Ended).await;
            assert!(ended.contains(reason), "{ended}");
        }
        if let Some(terminal) = Terminal::of(*status) {
            assert_eq!(town.message(id).await.state, State::Ended(terminal), "{to}");
        }
    }
    town.close().await;
}

#[test]
fn no_status_is_left_out() {
    for status in MmStatus::ALL {
        assert_eq!(status.text(), text_of(status.as_str()));
        let from_carriers_only =
            matches!(status, MmStatus::Deferred | MmStatus::Retrieved | MmStatus::Unrecognized);
        let is_made = MADE.iter().any(|made| made.status == *status);
        assert_ne!(is_made, from_carriers_only, "{status}: what brings it about?");
    }
    assert_eq!(MmStatus::ALL.len(), TEXTS.len());
}

#[tokio::test]
async fn the_first_terminal_status_stays() {
    let town = Town::found().await;
    let id = forwarded(&town, &RawRequest::to(QUIET)).await;
    for status in ["Deferred", "Retrieved", "Expired", "Deferred", "Retrieved", "Forwarded"] {
        report(&town, id, status).await;
    }
    assert_eq!(town.ended(id).await.state.as_str(), "Retrieved");
    assert_eq!(town.statuses_on(id).last().map(String::as_str), Some("Retrieved"));
    assert_eq!(town.statuses_on(id).iter().filter(|status| *status == "Retrieved").count(), 1);
    let late = town.events(id, EventKind::LateReport).await;
    assert_eq!(late, ["Expired", "Deferred", "Retrieved", "Forwarded"], "recorded, and not reported");
    town.close().await;
}

#[tokio::test]
async fn who_wants_no_reports_gets_none() {
    let town = Town::found().await;
    for (wish, reports) in [("false", 0), ("true", 2)] {
        let mut request = RawRequest::to(QUIET);
        request.element("DeliveryReport", wish);
        let id = forwarded(&town, &request).await;
        report(&town, id, "Retrieved").await;
        assert_eq!(town.ended(id).await.state.as_str(), "Retrieved");
        assert_eq!(town.reports_on(id).len(), reports, "DeliveryReport {wish}");
    }
    town.close().await;
}

#[tokio::test]
async fn what_was_is_not_reported_once_it_has_ended() {
    let vasp = VaspOptions { answer: VaspAnswer::Http(503), ..VaspOptions::default() };
    let town = Town::planned(TownPlan { vasp, ..TownPlan::default() }).await;
    let patient = town.account_with("acme", "", "retry_after = \"100ms\"\nmax_retries = 1000\n", "");
    town.provision(&(patient + &town.usual_carriers())).await;
    let id = town.submit(&RawRequest::to(QUIET)).await;
    town.event(id, EventKind::ReportRetrying).await;
    report(&town, id, "Deferred").await;
    report(&town, id, "Expired").await;
    // A try that was under way when the end came is given up when it fails.
    eventually("Forwarded and Deferred are withdrawn", async || {
        (town.events(id, EventKind::ReportWithdrawn).await.len() == 2).then_some(())
    })
    .await;
    town.vasp.set_answer(VaspAnswer::Code(1000));
    assert_eq!(town.ended(id).await.state.as_str(), "Expired");
    let acknowledged = || {
        let reports = town.reports_on(id).into_iter().filter(|callback| callback.is_acknowledged());
        reports.filter_map(|callback| callback.status()).collect::<Vec<_>>()
    };
    eventually("the last report is acknowledged", async || {
        acknowledged().contains(&MmStatus::Expired).then_some(())
    })
    .await;
    assert_eq!(acknowledged(), [MmStatus::Expired]);
    town.close().await;
}
