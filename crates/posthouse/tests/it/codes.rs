//! `posthouse codes`: what it prints, that docs/codes.md says the same, and that a gateway answers every example with the code that it
//! stands for.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use mm7::{MmStatus, StatusCode};
use posthouse_core::codes::{MODEL, PAGES, Page, STATUS_PAGES, edited};
use posthouse_testing::{
    answer::exchange,
    town::{Town, TownPlan},
};
use serde_json::Value;

fn posthouse(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_posthouse")).args(arguments).output().unwrap()
}

fn printed(arguments: &[&str]) -> String {
    let output = posthouse(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_page_tells_all_there_is_to_know() {
    let expected = "\
2560 Content length exceeded maximum supported request size
The request is longer than the gateway takes at all, or than this account may send. It was refused
without being read to its end.

On the wire   StatusText \"Content length exceeded maximum supported request size\", Details \"Reduce
              the size of the content you are sending.\"

Raised by     Row 2 (request_length): The request is longer than the gateway takes.
              Row 22 (message_length): The request is longer than the account may send.

Developer     Send smaller media. A base64 part is a third larger than its content; send parts as
              binary.
Operator      `max_request_bytes` in posthouse.toml is for everybody (5 MiB if it is not set),
              `max_message_bytes` for an account (1 MiB).
Retry         Not as it is: change the message first, or it is refused again.

Example       The request of `posthouse codes 1000 --example` with 1 change.
              - Content-Length: {length}
              + Content-Length: 99999999
              `posthouse codes 2560 --example` prints all of it.
";
    assert_eq!(printed(&["codes", "2560"]), expected);
}

#[test]
fn the_glossary_is_the_one_of_the_documentation() {
    let said = printed(&["codes", "--glossary"]);
    assert!(
        said.contains("\nVASP, VASPID        value added service provider, and its id: a customer"),
        "{said}"
    );
    let written = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/glossary.md");
    let written = fs::read_to_string(written).unwrap();
    assert_eq!(printed(&["codes", "--glossary", "--markdown"]), written, "`cargo xtask docs` writes it");
    let pages = written.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    for page in pages {
        assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(page).exists(), "{page}");
    }
}

#[test]
fn all_codes_are_listed_in_two_columns() {
    let list = printed(&["codes"]);
    for code in StatusCode::ALL {
        assert!(list.contains(&format!("{}           {}\n", code.code(), code.text())), "{code}");
    }
    for status in MmStatus::ALL {
        assert!(list.lines().any(|line| line.starts_with(status.as_str())), "{status}");
    }
}

#[test]
fn json_holds_every_page() {
    let all: Value = serde_json::from_str(&printed(&["codes", "--json"])).unwrap();
    assert_eq!(all["status_codes"].as_array().unwrap().len(), 44);
    assert_eq!(all["delivery_statuses"].as_array().unwrap().len(), 9);
    let page: Value = serde_json::from_str(&printed(&["codes", "2507", "--json"])).unwrap();
    assert_eq!(page["causes"][0]["row"], 7);
    assert_eq!(page["causes"][0]["only_in"], Value::Null);
    assert_eq!(page["causes"][1]["only_in"].as_array().unwrap().len(), 3);
    assert_eq!(page["retry"], "changed");
}

#[test]
fn a_code_that_is_not_in_the_table_is_an_error() {
    let output = posthouse(&["codes", "2999"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "posthouse: 2999 is no status code or delivery status of the table; `posthouse codes` lists them all\n"
    );
}

#[test]
fn the_document_has_not_drifted() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/codes.md");
    let document = fs::read_to_string(path).unwrap_or_default();
    assert!(document == printed(&["codes", "--markdown"]), "write it anew with `cargo xtask docs`");
}

/// docs/examples/first.toml with the ports of the town, changed as a page says.
fn provisioning(town: &Town, page: &Page) -> String {
    let first = include_str!("../../../../docs/examples/first.toml");
    let toml = edited(first, page.example.setup.edits)
        // A town that closes waits for what is under way.
        .replace("vasid = \"gw\"\n", "vasid = \"gw\"\ntimeout = \"1s\"\n")
        .replace("http://127.0.0.1:9001", &town.vasp.url())
        .replace("http://127.0.0.1:9101/mm7", &town.carriers["31003"].url());
    // What an earlier page provisioned stays unless it is named.
    if toml.contains("[lookup]") { toml } else { format!("{toml}\n[lookup]\nprovider = \"ranges\"\n") }
}

#[tokio::test]
async fn a_gateway_answers_every_example_with_its_code() {
    let town = Town::planned(TownPlan { fragile: true, ..TownPlan::default() }).await;
    for page in PAGES {
        town.provision(&provisioning(&town, page)).await;
        let mut answer = exchange(town.mm7_door(), &page.request()).await;
        if page.code == StatusCode::ThroughputExceeded {
            answer = exchange(town.mm7_door(), &page.request()).await;
        }
        assert_eq!(answer.code(), Some(u32::from(page.code.code())), "{}: {}", page.code, answer.xml());
        assert_eq!(answer.text(), Some(page.code.text()));
    }
    town.close().await;
}

#[tokio::test]
async fn a_message_ends_as_the_page_of_a_status_says() {
    let town = Town::planned(TownPlan::default()).await;
    let page = Page::of(StatusCode::Success).unwrap();
    town.provision(&provisioning(&town, page)).await;
    for status in STATUS_PAGES {
        let edits = [("16175550100", status.number), (">t-1<", &format!(">{}<", status.status))];
        let text = edited(MODEL, &edits).replace('\n', "\r\n");
        let length = text.split_once("\r\n\r\n").unwrap().1.len();
        let request = text.replace("{length}", &length.to_string());
        let answer = exchange(town.mm7_door(), request.as_bytes()).await;
        let id = answer.message_id().expect("a MessageID").parse().unwrap();
        town.ended(id).await;
        let message = town.message(id).await;
        let told =
            town.timeline(id).await.into_iter().map(|event| format!("{:?} {}", event.kind, event.detail));
        let told: Vec<_> = told.collect();
        let name = status.status.as_str();
        let reached = message.state.as_str() == name || told.iter().any(|event| event.contains(name));
        assert!(reached, "{name}: {told:?}");
        assert_eq!(status.status.is_terminal(), message.state.as_str() == name, "{name}: {told:?}");
    }
    town.close().await;
}
