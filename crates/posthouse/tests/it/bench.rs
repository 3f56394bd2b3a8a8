//! `posthouse bench`, as it is run from a shell. What it measures here means nothing; that it measures, and loses nothing, does.

use std::process::{Command, Output};

use serde_json::Value;

fn bench(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_posthouse")).arg("bench").args(arguments).output().unwrap()
}

fn number(json: &Value, path: &str) -> f64 {
    json.pointer(path).and_then(Value::as_f64).unwrap_or_else(|| panic!("{path} in {json}"))
}

#[test]
fn everything_is_measured_and_nothing_is_lost() {
    let output = bench(&[
        "--duration",
        "200ms",
        "--connections",
        "4",
        "--backlog",
        "50",
        "--in-flight",
        "2",
        "--json",
    ]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((number(&json, "/size"), number(&json, "/connections")), (2048.0, 4.0));
    for measured in [
        "/accept/per_second",
        "/accept/p50_ms",
        "/accept/p99_ms",
        "/accept/p999_ms",
        "/ceiling/per_second",
        "/ratio",
        "/end_to_end/per_second",
        "/end_to_end/accepted_per_second",
        "/start_ms",
        "/peak_memory_mb",
        "/written_mb",
        "/disk/fresh_mb_per_second",
        "/disk/recycled_mb_per_second",
        "/disk_ratio",
    ] {
        assert!(number(&json, measured) > 0.0, "{measured} in {json}");
    }
    assert!(number(&json, "/end_to_end/messages") > 50.0, "{json}");
    if cfg!(target_os = "linux") {
        for told in [
            "/accept/cpu_us",
            "/accept/commits/messages",
            "/ceiling/cpu_us",
            "/cpu_per_life_us",
            "/write_amplification",
        ] {
            // Of CPU time there may be less than the 10 ms that it is counted in.
            assert!(number(&json, told) >= 0.0, "{told} in {json}");
        }
    }
    assert_eq!((number(&json, "/end_to_end/lost"), number(&json, "/accept/errors")), (0.0, 0.0));
}

#[test]
fn what_cannot_be_measured_is_said_in_one_sentence() {
    for (arguments, told) in [
        (
            &["--size", "100"][..],
            "posthouse: a SubmitReq of 100 bytes has no room for content; take at least ",
        ),
        (&["--connections", "0"], "posthouse: there has to be a connection; take --connections 1 or more\n"),
        (&["--duration", "1ms"], "posthouse: that is too short to measure anything; take 1s or more\n"),
        (
            &["--url", "https://127.0.0.1/"],
            "posthouse: https://127.0.0.1/ cannot be driven: the load speaks plain http:// only\n",
        ),
    ] {
        let output = bench(arguments);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && stderr.starts_with(told), "{arguments:?}: {stderr}");
    }
}
