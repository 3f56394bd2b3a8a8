//! Lists of numbers in CSV: by the API, and by `posthouse blacklist` and `posthouse ranges`.

use std::{fs, process::Command};

use posthouse_api::{ApiClient, ApiError, AuditQuery, ProblemCode};
use posthouse_core::provisioning::csv::NumberList;
use posthouse_testing::{
    request::RawRequest,
    town::{Town, TownPlan, eventually},
};

use crate::process::{asked, client, configure, told};

async fn town() -> (Town, ApiClient) {
    let town = Town::planned(TownPlan::default()).await;
    town.provision(&[town.account_with("acme", "", "", ""), town.usual_carriers()].concat()).await;
    configure(&town);
    let api = client(&town);
    (town, api)
}

/// Waits till a message to this number is answered so.
async fn answered(town: &Town, number: &str, code: u32) {
    eventually(&format!("{number} is answered {code}"), async || {
        (town.post(&RawRequest::to(number)).await.code() == Some(code)).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blacklist_is_imported_is_in_force_and_comes_out_again() {
    let (town, api) = town().await;
    // More than one batch, and more than one part of what the command sends.
    let numbers: String = (0..120_000).map(|number| format!("+1617{:07}\n", 1_000_000 + number)).collect();
    let list = format!("number,account\r\n{numbers}15085550100,acme\n");
    fs::write(town.folder().join("numbers.csv"), &list).unwrap();
    let looked = told(town.folder(), &["blacklist", "import", "numbers.csv", "--dry-run"]);
    assert_eq!(looked, "120001 numbers can be added to the blacklist; nothing was changed\n");
    answered(&town, "16171000000", 1000).await;

    let taken = told(town.folder(), &["blacklist", "import", "numbers.csv"]);
    assert!(
        taken.starts_with("120001 numbers are in the blacklist; provisioning is at revision "),
        "{taken}"
    );
    for number in ["16171000000", "16171119999", "15085550100"] {
        answered(&town, number, 3001).await;
    }
    answered(&town, "16171120000", 1000).await;

    let out = told(town.folder(), &["blacklist", "export"]);
    let expected: String = (0..120_000).map(|number| format!("1617{:07},\n", 1_000_000 + number)).collect();
    assert!(out == format!("number,account\n15085550100,acme\n{expected}"), "{}", out.len());
    let reread = NumberList::Blacklist.read(&out, 1, None).unwrap();
    assert_eq!(reread.len(), 120_001);

    told(town.folder(), &["blacklist", "remove", "16171000007"]);
    answered(&town, "16171000007", 1000).await;
    answered(&town, "16171000008", 3001).await;
    let (first, next) = api.export_numbers("blacklist", None).await.unwrap();
    assert_eq!((first.lines().count(), next.is_some()), (100_001, true), "a part, and what leads on");
    let (second, end) = api.export_numbers("blacklist", next.as_deref()).await.unwrap();
    assert_eq!((second.lines().count(), end), (20_000, None));
    town.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ranges_are_imported_from_standard_input_and_decide_at_once() {
    let (town, _) = town().await;
    answered(&town, "14045550100", 2570).await;
    let mut command = Command::new(env!("CARGO_BIN_EXE_posthouse"));
    let arguments = ["ranges", "import", "-", "-c", "posthouse.toml"];
    fs::write(town.folder().join("ranges.csv"), "prefix,carrier\n1404,31002\n\n1770,\"31003\"").unwrap();
    let input = fs::File::open(town.folder().join("ranges.csv")).unwrap();
    let taken = command.current_dir(town.folder()).args(arguments).stdin(input).output().unwrap();
    assert!(taken.status.success(), "{taken:?}");
    answered(&town, "14045550100", 1000).await;
    let out = told(town.folder(), &["ranges", "export"]);
    assert_eq!(out, "prefix,carrier\n1404,31002\n1508,31002\n1617,31003\n1770,31003\n");
    town.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_wrong_line_is_told_and_nothing_is_changed() {
    let (town, api) = town().await;
    fs::write(town.folder().join("numbers.csv"), "16175550100\n555\n16175550101,nobody\n").unwrap();
    let refused = asked(town.folder(), &["blacklist", "import", "numbers.csv"]);
    assert_eq!(refused.status.code(), Some(1));
    let lines = String::from_utf8(refused.stderr).unwrap();
    let expected = [
        "numbers.csv:2: this is no international number; write 7 to 15 digits that do not begin with 0",
        "numbers.csv:3: no account nobody is provisioned; leave it out, or provision it before",
    ];
    assert!(expected.iter().all(|line| lines.contains(line)), "{lines}");
    answered(&town, "16175550100", 1000).await;

    let refused = api.import_numbers("ranges", "1617,99999\n".to_owned(), 7, false).await;
    let Err(ApiError::Refused(problem)) = refused else { panic!("{refused:?}") };
    assert!(problem.is(ProblemCode::InvalidDocument) && problem.errors[0].line == Some(7), "{problem:?}");
    let lost = api.export_numbers("blacklist", Some("/api/v1/blacklist/export?cursor=nonsense")).await;
    assert!(matches!(&lost, Err(ApiError::Refused(problem)) if problem.is(ProblemCode::InvalidParameter)));

    // Without a gateway it is the store that is written.
    let (folder, carriers, vasp) = town.without_gateway().await;
    fs::write(folder.path().join("numbers.csv"), "16175550100\n").unwrap();
    let taken = told(folder.path(), &["blacklist", "import", "numbers.csv"]);
    assert!(taken.starts_with("1 number is in the blacklist"), "{taken}");
    assert_eq!(told(folder.path(), &["blacklist", "export"]), "number,account\n16175550100,\n");
    for carrier in carriers.into_values() {
        carrier.stop().await;
    }
    vasp.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blacklist_is_listed_by_pages_and_by_account() {
    let (town, api) = town().await;
    let list = |arguments: &[&str]| told(town.folder(), &[&["blacklist", "list"], arguments].concat());
    assert_eq!(list(&[]), "no number is blocked\n");
    assert_eq!(list(&["--account", "acme"]), "no number is blocked for account acme alone\n");
    let numbers: String = (0..250).map(|number| format!("1617{:07}\n", 1_000_000 + number)).collect();
    fs::write(town.folder().join("numbers.csv"), format!("{numbers}16171000001,acme\n15085550100,acme\n"))
        .unwrap();
    told(town.folder(), &["blacklist", "import", "numbers.csv"]);

    let first = "15085550100 is blocked for account acme\n16171000000 is blocked for every account\n\
                 16171000001 is blocked for every account\n";
    assert_eq!(list(&["--limit", "3"]), format!("{first}there may be more: --cursor 16171000001,\n"));
    let next = "16171000001 is blocked for account acme\nthere may be more: --cursor 16171000001,acme\n";
    assert_eq!(list(&["--limit", "1", "--cursor", "16171000001,"]), next);
    let own = "15085550100 is blocked for account acme\n16171000001 is blocked for account acme\n";
    assert_eq!(list(&["--account", "acme"]), own);
    assert_eq!(list(&["--limit", "1000"]).lines().count(), 252, "more than one page of the API");
    let told: serde_json::Value = serde_json::from_str(&list(&["--limit", "1000", "--json"])).unwrap();
    assert_eq!((told["items"].as_array().unwrap().len(), &told["next"]), (252, &serde_json::Value::Null));

    let shown = api.audit(&AuditQuery::default(), 1, false).await.unwrap().items.remove(0);
    assert_eq!((&*shown.verb, &*shown.target), ("reveal", "/api/v1/blacklist"), "whole numbers were shown");
    for (arguments, says, code) in [
        (["--account", "nobody"], "no account nobody is provisioned", 2),
        (["--cursor", "nonsense"], "it is no `next` of a page before", 1),
    ] {
        let refused = asked(town.folder(), &[&["blacklist", "list"], &arguments[..]].concat());
        assert_eq!(refused.status.code(), Some(code), "{refused:?}");
        assert!(String::from_utf8_lossy(&refused.stderr).contains(says), "{refused:?}");
    }
    town.close().await;
}
