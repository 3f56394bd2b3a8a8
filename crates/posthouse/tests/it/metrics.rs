//! What `/metrics` shows, in both formats, and that alerts and boards name what is there.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use posthouse_gateway::tls::files::Tls;
use posthouse_testing::{
    provisioning::{AccountToml, CarrierToml, range},
    settings,
};
use serde_json::Value;

use crate::{
    outage::town::Town,
    process::{DEADLINE, Gateway, folder, posthouse, provision},
    tls::certs::Ca,
};

/// Its tool for rules and metrics, if it is there.
#[expect(clippy::print_stderr, reason = "who runs the tests is told what was left out")]
fn promtool() -> Option<Command> {
    let program = std::env::var_os("PROMTOOL").map_or_else(|| PathBuf::from("promtool"), PathBuf::from);
    let is_there =
        Command::new(&program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if is_there.is_ok_and(|status| status.success()) {
        return Some(Command::new(program));
    }
    eprintln!("promtool is not there (PROMTOOL, or Debian's package prometheus): what it checks is left out");
    None
}

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy")
}

/// What a GET of the admin door brings: its Content-Type and its body.
pub fn get(admin: &str, path: &str, accept: &str) -> (String, String) {
    let address = admin.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nAccept: {accept}\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let content_type = head.lines().find_map(|line| line.strip_prefix("Content-Type: ")).unwrap();
    (content_type.to_owned(), body.to_owned())
}

/// A gateway with an account and a carrier that nobody is at.
fn gateway(folder: &Path) -> Gateway {
    let gateway = Gateway::start(folder);
    let account = AccountToml::new("acme").service("default = true\n");
    let carrier =
        CarrierToml::new("31003").connection("vzw-1", "http://127.0.0.1:9/mm7", "per_second = 50\n");
    provision(folder, &format!("{account}{carrier}{}", range("1617", "31003")));
    gateway
}

#[test]
fn what_is_provisioned_has_its_series_before_anything_happens() {
    let folder = folder();
    let gateway = gateway(folder.path());
    let (content_type, text) = get(&gateway.admin, "/metrics", "*/*");
    assert_eq!(content_type, "text/plain; version=0.0.4; charset=utf-8");
    for series in [
        "posthouse_submits_total{account=\"acme\",code=\"1000\",front=\"mm7\"} 0",
        "posthouse_attempts_total{carrier=\"31003\",connection=\"vzw-1\",code=\"3520\"} 0",
        "posthouse_callbacks_total{account=\"acme\",kind=\"report\",outcome=\"failed\"} 0",
        "posthouse_reports_total{carrier=\"31003\",status=\"Retrieved\"} 0",
        "posthouse_lookups_total{outcome=\"down\"} 0",
        "posthouse_messages{carrier=\"31003\",state=\"waiting\"} 0.0",
        "posthouse_queue_oldest_seconds{carrier=\"31003\"} 0.0",
        "posthouse_callbacks_owed{account=\"acme\"} 0.0",
        "posthouse_connection_window_limit{carrier=\"31003\",connection=\"vzw-1\"} 16.0",
        "posthouse_connection_rate_limit{carrier=\"31003\",connection=\"vzw-1\"} 50.0",
        "posthouse_connection_state{carrier=\"31003\",connection=\"vzw-1\",state=\"throttled\"} 0.0",
        "posthouse_auth_failures_total{door=\"mm7\",reason=\"wrong\"} 0",
        "posthouse_shedding{reason=\"space\"} 0.0",
        "posthouse_disk_low_water_bytes{volume=\"media\"} 268435456.0",
        "posthouse_provisioning_revision 1.0",
        "# TYPE posthouse_attempts_total counter",
        "# TYPE process_cpu_seconds_total counter",
    ] {
        assert!(text.lines().any(|line| line == series), "{series}\n{text}");
    }
    for beginning in
        ["posthouse_build_info{version=", "process_resident_memory_bytes ", "process_start_time_seconds "]
    {
        assert!(text.lines().any(|line| line.starts_with(beginning)), "{beginning}\n{text}");
    }
    assert!(!text.contains("# EOF"), "{text}");
    let (content_type, text) =
        get(&gateway.admin, "/metrics", "application/openmetrics-text;version=1.0.0,*/*;q=0.1");
    assert_eq!(content_type, "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert!(text.contains("# TYPE posthouse_attempts counter\n") && text.ends_with("# EOF\n"), "{text}");
}

#[test]
fn promtool_finds_nothing_wrong_with_the_metrics() {
    let Some(mut promtool) = promtool() else { return };
    let folder = folder();
    let gateway = gateway(folder.path());
    // One that is refused, so that there is more than what is provisioned.
    let sent = [
        "send",
        "--url",
        &gateway.mm7,
        "--vaspid",
        "nobody",
        "--from",
        "1",
        "--to",
        "16175550100",
        "--text",
        "x",
    ];
    assert!(!posthouse(folder.path(), &sent).output().unwrap().status.success());
    let text = get(&gateway.admin, "/metrics", "text/plain").1;
    let check = promtool
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut check = check.spawn().unwrap();
    check.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let checked = check.wait_with_output().unwrap();
    assert!(checked.status.success(), "{}\n{text}", String::from_utf8_lossy(&checked.stderr));
}

#[test]
fn every_alert_is_well_formed_and_fires_in_its_failure() {
    let prometheus = deploy().join("prometheus");
    let rules = fs::read_to_string(prometheus.join("posthouse.rules.yml")).unwrap();
    let tests = fs::read_to_string(prometheus.join("posthouse.rules.test.yml")).unwrap();
    let alerts: Vec<&str> = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert_eq!(alerts.len(), 18);
    for alert in alerts {
        let fires = tests
            .split("- eval_time")
            .any(|case| case.contains(&format!("alertname: {alert}\n")) && case.contains("exp_labels"));
        assert!(fires, "no test lets {alert} fire");
    }
    for (verb, file) in [("check", "posthouse.rules.yml"), ("test", "posthouse.rules.test.yml")] {
        let Some(mut promtool) = promtool() else { return };
        let output = promtool.args([verb, "rules", file]).current_dir(&prometheus).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
    }
}

/// What there is to be seen, with its kind and its labels: what docs/metrics.md promises.
const LIST: &[(&str, &str, &[&str])] = &[
    ("build_info", "gauge", &["revision", "version"]),
    ("provisioning_revision", "gauge", &[]),
    ("provisioning_changed_timestamp_seconds", "gauge", &[]),
    ("submits_total", "counter", &["account", "code", "front"]),
    ("submit_duration_seconds", "histogram", &["front"]),
    ("submit_size_bytes", "histogram", &["front"]),
    ("messages", "gauge", &["carrier", "state"]),
    ("queue_oldest_seconds", "gauge", &["carrier"]),
    ("queue_due", "gauge", &["carrier"]),
    ("attempts_total", "counter", &["carrier", "code", "connection"]),
    ("attempt_duration_seconds", "histogram", &["carrier"]),
    ("attempts_in_flight", "gauge", &["carrier", "connection"]),
    ("connection_state", "gauge", &["carrier", "connection", "state"]),
    ("connection_window", "gauge", &["carrier", "connection"]),
    ("connection_window_limit", "gauge", &["carrier", "connection"]),
    ("connection_rate", "gauge", &["carrier", "connection"]),
    ("connection_rate_limit", "gauge", &["carrier", "connection"]),
    ("reports_total", "counter", &["carrier", "status"]),
    ("report_delay_seconds", "histogram", &["carrier"]),
    ("reports_overdue", "gauge", &["carrier"]),
    ("unmatched_reports", "gauge", &["carrier"]),
    ("messages_ended_total", "counter", &["account", "carrier", "code", "state"]),
    ("end_to_end_seconds", "histogram", &["carrier"]),
    ("callbacks_total", "counter", &["account", "kind", "outcome"]),
    ("callback_duration_seconds", "histogram", &[]),
    ("callbacks_owed", "gauge", &["account"]),
    ("callbacks_failed", "gauge", &["account"]),
    ("callback_oldest_seconds", "gauge", &["account"]),
    ("mo_total", "counter", &["account", "carrier", "outcome"]),
    ("store_commit_duration_seconds", "histogram", &[]),
    ("store_group_jobs", "histogram", &[]),
    ("store_size_bytes", "gauge", &["volume"]),
    ("disk_free_bytes", "gauge", &["volume"]),
    ("disk_low_water_bytes", "gauge", &["volume"]),
    ("body_memory_bytes", "gauge", &["door"]),
    ("body_memory_limit_bytes", "gauge", &["door"]),
    ("shedding", "gauge", &["reason"]),
    ("lookups_total", "counter", &["outcome"]),
    ("lookup_duration_seconds", "histogram", &[]),
    ("ported_numbers", "gauge", &[]),
    ("ported_read_timestamp_seconds", "gauge", &[]),
    ("fetches_total", "counter", &["outcome"]),
    ("adaptations_total", "counter", &["outcome"]),
    ("auth_failures_total", "counter", &["door", "reason"]),
    ("addresses_kept_out", "gauge", &[]),
    ("tls_certificate_not_after_timestamp_seconds", "gauge", &["name", "side"]),
    ("operations_running", "gauge", &[]),
    ("log_lines_total", "counter", &["level"]),
    ("cdr_records_total", "counter", &[]),
    ("cdr_pending", "gauge", &[]),
    ("cdr_failing", "gauge", &[]),
];

/// The names of the labels of each series, but for the buckets of histograms, by metric.
fn labels_of(text: &str) -> BTreeMap<String, BTreeSet<Vec<String>>> {
    let mut all: BTreeMap<String, BTreeSet<Vec<String>>> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (series, _) = line.rsplit_once(' ').unwrap();
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let names = labels.trim_end_matches('}').split("\",").filter(|label| !label.is_empty());
        let mut names: Vec<String> = names.map(|label| label.split('=').next().unwrap().to_owned()).collect();
        names.sort();
        all.entry(name.to_owned()).or_default().insert(names);
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn every_metric_of_the_list_is_there_with_its_labels() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("gateway");
    let town = Town::build(&folder).await;
    let names_of = |name: &str| folder.join(name);
    let tls = Tls { cert: names_of("cert.pem"), key: names_of("key.pem"), client_ca: None };
    Ca::new("Test CA").issue(&["127.0.0.1"]).write(&tls);
    fs::write(names_of("ported.csv"), "16175550199,31003\n").unwrap();
    fs::write(names_of("posthouse.toml"), format!("{}[cdr]\nfolder = \"cdr\"\n", settings::TOML)).unwrap();
    let gateway = town.gateway();
    let (carrier, vasp) = (town.carrier.url(), town.vasp.url());
    let own = "tls = { cert = \"cert.pem\", key = \"key.pem\" }\n";
    let account =
        AccountToml::new("acme").callbacks(&format!("{vasp}/reports"), "").service("default = true\n");
    let carriers = CarrierToml::new("31003").connection("sim", &carrier, "per_second = 50\n").connection(
        "spare",
        "https://127.0.0.1:9/mm7",
        &format!("priority = 9\n{own}"),
    );
    let lookup = "[lookup]\nprovider = \"ranges\"\nported = \"ported.csv\"\n";
    let file = format!("{lookup}{account}{carriers}{}", range("1617", "31003"));
    tokio::task::block_in_place(|| provision(&folder, &file));
    let sent =
        ["send", "--url", &gateway.mm7, "--vaspid", "acme-key", "--from", "111122", "--to", "16175550100"];
    let sent = [&sent[..], &["--text", "x"]].concat();
    let output = tokio::task::block_in_place(|| posthouse(&folder, &sent).output().unwrap());
    assert!(output.status.success(), "{output:?}");
    crate::outage::town::all_ended(&folder).await;
    crate::outage::town::until("its report is delivered", || {
        let text = get(&gateway.admin, "/metrics", "*/*").1;
        // That it was forwarded is told as well, unless it has been retrieved by then.
        let delivered = "callbacks_total{account=\"acme\",kind=\"report\",outcome=\"delivered\"}";
        ["1", "2"].iter().any(|count| text.contains(&format!("{delivered} {count}\n")))
    })
    .await;

    let text = get(&gateway.admin, "/metrics", "*/*").1;
    let labels = labels_of(&text);
    for (name, kind, expected) in LIST {
        let name = format!("posthouse_{name}");
        assert!(text.contains(&format!("# TYPE {name} {kind}\n")), "{name} is no {kind}\n{text}");
        let series = if *kind == "histogram" { format!("{name}_count") } else { name };
        let found = labels.get(&series).unwrap_or_else(|| panic!("no series of {series}\n{text}"));
        let expected: Vec<String> = expected.iter().map(|&label| label.to_owned()).collect();
        assert_eq!(*found, BTreeSet::from([expected]), "{series}");
    }
    for side in ["side=\"carrier\",name=\"31003/spare\"", "side=\"door\""] {
        let is_there = text.contains(&format!("tls_certificate_not_after_timestamp_seconds{{{side}"));
        assert_eq!(is_there, side.contains("carrier"), "{side}\n{text}");
    }
    for name in ["cpu_seconds_total", "resident_memory_bytes", "open_fds", "max_fds", "start_time_seconds"] {
        assert!(labels.contains_key(&format!("process_{name}")), "{name}");
    }
}

/// The names of metrics in an expression: what is ours or the process's.
fn names(expression: &str) -> Vec<String> {
    let words = expression.split(|char: char| !char.is_ascii_alphanumeric() && char != '_');
    let ours = words.filter(|word| word.starts_with("posthouse_") || word.starts_with("process_"));
    ours.map(str::to_owned).collect()
}

#[test]
fn boards_and_alerts_name_metrics_that_are_there() {
    let folder = folder();
    let names_of = |name: &str| folder.path().join(name);
    let tls = Tls { cert: names_of("cert.pem"), key: names_of("key.pem"), client_ca: None };
    Ca::new("Test CA").issue(&["127.0.0.1"]).write(&tls);
    let with_tls = settings::TOML
        .replace("[carriers]\n", "[carriers]\ntls = { cert = \"cert.pem\", key = \"key.pem\" }\n");
    let with_records = with_tls + "[cdr]\nfolder = \"cdr\"\n";
    fs::write(names_of("posthouse.toml"), with_records).unwrap();
    let gateway = gateway(folder.path());
    let text = get(&gateway.admin, "/metrics", "*/*").1;
    // What has no series yet is known by its type.
    let mut known = BTreeSet::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').unwrap();
        known.insert(name.to_owned());
        if kind == "histogram" {
            known.extend(["_bucket", "_sum", "_count"].map(|ending| format!("{name}{ending}")));
        }
    }
    let rules = fs::read_to_string(deploy().join("prometheus/posthouse.rules.yml")).unwrap();
    let mut expressions: Vec<String> = rules
        .lines()
        .filter(|line| line.contains("posthouse_") || line.contains("process_"))
        .map(str::to_owned)
        .collect();
    let mut boards = 0;
    for file in fs::read_dir(deploy().join("grafana")).unwrap() {
        let board: Value = serde_json::from_slice(&fs::read(file.unwrap().path()).unwrap()).unwrap();
        let panels = board["panels"].as_array().unwrap().iter();
        let targets = panels.flat_map(|panel| panel["targets"].as_array().unwrap());
        expressions.extend(targets.map(|target| target["expr"].as_str().unwrap().to_owned()));
        let variables = board["templating"]["list"].as_array().unwrap().iter();
        expressions.extend(variables.filter_map(|variable| variable["query"].as_str()).map(str::to_owned));
        boards += 1;
    }
    assert_eq!(boards, 4);
    assert!(expressions.len() > 60, "{}", expressions.len());
    for expression in &expressions {
        for name in names(expression) {
            assert!(known.contains(&name), "{name} in {expression} is no metric; there are {known:#?}");
        }
    }
}
