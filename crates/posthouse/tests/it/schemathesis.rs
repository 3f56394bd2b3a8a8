//! The admin API held to its own document: schemathesis asks for everything that it allows, and for what it does not, as each role.
//!
//! Its check `ignored_auth` is left out: it shows wrong tokens by the hundred, for which an address is kept out. That each operation asks for
//! a token is tested here.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use posthouse_testing::{request::RawRequest, town::Town};
use serde_json::{Value, json};

use crate::api::{ask, town};

const BEARER: &str = "Authorization: Bearer hush-hush";
const AS_JSON: &str = "Content-Type: application/json";
/// How long one role is tried, in seconds: schemathesis goes on till it is over.
const EACH: &str = "15";
/// When a run is given up, in seconds: what is slow is no fault.
const LONGEST: &str = "300";

/// Where the tools are, and what they are told.
struct Tools {
    packages: PathBuf,
    folder: tempfile::TempDir,
}

impl Tools {
    /// Those that `POSTHOUSE_SCHEMATHESIS` names: a folder of `pip install --target`.
    #[expect(clippy::print_stderr, reason = "who runs the tests is told what was left out")]
    fn found() -> Option<Self> {
        let packages = env::var_os("POSTHOUSE_SCHEMATHESIS").map(PathBuf::from);
        if packages.is_none() {
            eprintln!(
                "POSTHOUSE_SCHEMATHESIS names no folder with schemathesis: the admin API is not held to its document"
            );
        }
        Some(Self { packages: packages?, folder: tempfile::tempdir().unwrap() })
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new("timeout");
        command.args([LONGEST, "python3", "-m"]).args(arguments);
        command.env("PYTHONPATH", &self.packages).current_dir(self.folder.path()).output().unwrap()
    }
}

#[track_caller]
fn went_well(what: &str, output: &Output) {
    let said = [&output.stdout[..], &output.stderr].concat();
    assert!(output.status.success(), "{what}: {}\n{}", output.status, String::from_utf8_lossy(&said));
}

/// A token of a role.
async fn token(town: &Town, role: &str) -> String {
    let body = json!({"name": "schemathesis", "role": role}).to_string();
    let issued = ask(&town.app.ready().admin, "POST", "/api/v1/tokens", &[BEARER, AS_JSON], &body).await;
    assert_eq!(issued.status, 200, "{}", issued.body);
    issued.json()["token"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_as_the_document_says_for_each_role() {
    let Some(tools) = Tools::found() else { return };
    let town = town().await;
    for to in ["16175550100", "16175559003"] {
        let id = town.submit(&RawRequest::to(to)).await;
        town.ended(id).await;
    }
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/schemathesis.toml");
    let location = format!("{}/api/openapi.json", town.app.ready().admin);
    // Who may do the most comes last: it drains the node, and removes what is provisioned.
    for role in ["viewer", "vasp:acme", "support", "operator", "admin"] {
        let header = format!("Authorization: Bearer {}", token(&town, role).await);
        // To who belongs to an account, what is not the account's is not there: whatever the method.
        let excluded = match role {
            "vasp:acme" => "--exclude-checks=ignored_auth,unsupported_method",
            _ => "--exclude-checks=ignored_auth",
        };
        let arguments = [
            "schemathesis.cli",
            "--config-file",
            config.to_str().unwrap(),
            "run",
            &location,
            "-H",
            &header,
            "--phases=examples,coverage,fuzzing,stateful",
            "--checks=all",
            excluded,
            // An answer that goes on for ever is none to be judged.
            "--exclude-operation-id=stream",
            "--max-examples=4",
            "--max-time",
            EACH,
            "--generation-deterministic",
            "--suppress-health-check=all",
            "--no-color",
        ];
        let output = tokio::task::block_in_place(|| tools.run(&arguments));
        went_well(role, &output);
    }
    town.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_is_valid_and_each_operation_asks_for_a_token() {
    let town = town().await;
    let admin = &town.app.ready().admin;
    let document = ask(admin, "GET", "/api/openapi.json", &[BEARER], "").await;
    assert_eq!(document.status, 200);
    assert_eq!(document.body, ask(admin, "GET", "/api/v1/openapi.json", &[BEARER], "").await.body);
    assert_eq!(ask(admin, "GET", "/api/openapi.json", &[], "").await.status, 401);
    for (path, item) in document.json()["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            let refused = ask(admin, &method.to_uppercase(), path, &[AS_JSON], "{}").await;
            let code: Value = refused.json()["code"].clone();
            assert_eq!((refused.status, code), (401, json!("unauthorized")), "{method} {path}");
        }
    }
    if let Some(tools) = Tools::found() {
        let file = tools.folder.path().join("openapi.json");
        std::fs::write(&file, &document.body).unwrap();
        let output = tools.run(&["openapi_spec_validator", file.to_str().unwrap()]);
        went_well("openapi-spec-validator", &output);
    }
    town.close().await;
}
