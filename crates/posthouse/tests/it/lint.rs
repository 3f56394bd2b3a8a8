//! `posthouse lint` as a program: exit codes, stdin, JSON, and corrected requests.

use std::{
    io::Write as _,
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};

const ENVELOPE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/">
  <e:Header>
    <TransactionID xmlns="http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4">t-1</TransactionID>
  </e:Header>
  <e:Body>
    <SubmitReq xmlns="http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4">
      <MM7Version>6.8.0</MM7Version>
      <SenderIdentification>
        <VASPID>harbour</VASPID>
        <SenderAddress><ShortCode>4711</ShortCode></SenderAddress>
      </SenderIdentification>
      <Recipients><To><Number>16175550123</Number></To></Recipients>
      <DeliveryReport>True</DeliveryReport>
      <Content href="http://media.example/tide.jpg"/>
    </SubmitReq>
  </e:Body>
</e:Envelope>
"#;

fn posthouse(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_posthouse")).args(arguments).output().unwrap()
}

/// With these bytes on stdin.
fn piped(arguments: &[&str], input: &[u8]) -> Output {
    let program = env!("CARGO_BIN_EXE_posthouse");
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

/// A file for one test.
fn file(name: &str, bytes: &str) -> String {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

#[test]
fn a_report_reads_well() {
    let output = piped(&["lint", "-"], ENVELOPE.as_bytes());
    let expected = "\
stdin: SubmitReq in REL-6-MM7-1-4, MM7Version 6.8.0, 771 bytes; there is no HTTP head

stdin:14:7: DeliveryReport: the schema writes True as true [BooleanCase]
    found    <DeliveryReport>True</DeliveryReport>
    write    <DeliveryReport>true</DeliveryReport>
    remedy   write true or false in lower case
    clause   XML Schema part 2
    answers  posthouse taken, skycore taken, sinch taken, 3gpp 2007, cmcc taken

1 finding

posthouse  accepted
skycore    accepted
sinch      accepted
3gpp       refused 2007 Unable to parse request
cmcc       accepted
Not judged, since a file does not say: the account and whether it is active (11, 14), where the
request comes from (12), its credentials (13), its throughput (15), its services and their senders
(16, 17), the size that the account may send (22), the blacklist (25), the recipient's carrier and
what it takes (26, 27, 28, 29, 30), content at URLs (30, 31).
";
    assert_eq!(stdout(&output), expected);
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn the_exit_code_goes_by_the_dialect() {
    for (dialect, code) in [("posthouse", 0), ("skycore", 0), ("sinch", 0), ("3gpp", 1), ("cmcc", 0)] {
        let output = piped(&["lint", "-", "--dialect", dialect], ENVELOPE.as_bytes());
        assert_eq!(output.status.code(), Some(code), "{dialect}");
    }
    let output = posthouse(&["lint", "there-is-no-such-file"]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.starts_with("posthouse: there-is-no-such-file cannot be read: "), "{said}");
}

#[test]
fn json_is_one_object() {
    let output = piped(&["lint", "-", "--json", "--dialect", "3gpp"], ENVELOPE.as_bytes());
    let report: Value = serde_json::from_str(stdout(&output)).unwrap();
    assert_eq!(report["operation"], "SubmitReq");
    assert_eq!(report["accepted"], false);
    assert_eq!(
        report["findings"][0],
        json!({
            "rule": "BooleanCase",
            "row": 9,
            "what": "DeliveryReport: the schema writes True as true",
            "line": 14,
            "column": 7,
            "offset": ENVELOPE.find("<DeliveryReport>").unwrap(),
            "in_decoded_text": false,
            "clause": "XML Schema part 2",
            "answers": {"posthouse": null, "skycore": null, "sinch": null, "3gpp": 2007, "cmcc": null},
            "remedy": "write true or false in lower case",
            "found": "<DeliveryReport>True</DeliveryReport>",
            "corrected": "<DeliveryReport>true</DeliveryReport>",
        })
    );
    assert_eq!(
        report["verdicts"]["3gpp"],
        json!({"accepted": false, "code": 2007, "text": "Unable to parse request", "row": 9, "codes": [2007]})
    );
}

#[test]
fn a_corrected_request_lints_clean() {
    let source = file("lint-source.xml", ENVELOPE);
    let fixed = posthouse(&["lint", &source, "--fix", "--dialect", "3gpp"]);
    assert_eq!(fixed.status.code(), Some(0));
    assert!(stdout(&fixed).starts_with("POST /mm7/v1 HTTP/1.1\r\nHost: "));
    let said = String::from_utf8_lossy(&fixed.stderr).into_owned();
    assert!(said.starts_with("the corrected request: 1 finding before, none left\n"), "{said}");
    let again = piped(&["lint", "-", "--dialect", "3gpp"], &fixed.stdout);
    assert_eq!(again.status.code(), Some(0), "{}", stdout(&again));

    let target = file("lint-target.http", "");
    let written = posthouse(&["lint", &source, "--fix", "--output", &target, "--json"]);
    let report: Value = serde_json::from_str(stdout(&written)).unwrap();
    assert_eq!(report["fixed"]["accepted"], true);
    assert_eq!(report["fixed"]["left_out"], json!([]));
    assert_eq!(std::fs::read(&target).unwrap(), fixed.stdout);

    let nothing = piped(&["lint", "-", "--fix"], b"<a>");
    assert_eq!(nothing.status.code(), Some(1));
    assert_eq!(
        String::from_utf8_lossy(&nothing.stderr),
        "posthouse: stdin cannot be corrected: there is no MM7 message that could be read\n"
    );
}

#[test]
fn what_send_writes_is_accepted_by_every_dialect() {
    let sent = posthouse(&[
        "send",
        "--vaspid",
        "k",
        "--vasid",
        "61295",
        "--from",
        "111122",
        "--to",
        "16175550100",
        "--text",
        "hi",
        "--dry-run",
    ]);
    let output = piped(&["lint", "-"], &sent.stdout);
    assert!(stdout(&output).contains("\n0 findings\n\nposthouse  accepted\n"), "{}", stdout(&output));
}
