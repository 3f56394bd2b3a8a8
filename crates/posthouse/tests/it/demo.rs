//! `posthouse demo --json`: what programs read of it.

use serde_json::Value;

use crate::process::{Program, asked, folder};

/// How each life ends, as the demo tells it: the answer's code, then the state of the message.
const ENDS: [(u64, Option<&str>); 10] = [
    (1000, Some("Retrieved")),
    (1000, Some("Retrieved")),
    (1000, Some("Expired")),
    (1000, Some("Rejected")),
    (3001, None),
    (3510, None),
    (1000, Some("Retrieved")),
    (1000, Some("Retrieved")),
    (1000, Some("Retrieved")),
    (1000, Some("Unreachable")),
];

/// What is told is what the commands of the gateway that stays up tell.
#[test]
fn a_demo_for_programs_is_one_object_and_says_where_it_stays() {
    let folder = folder();
    let demo = Program::start(folder.path(), &["demo", "--json", "--stay"]);
    let told: Value = serde_json::from_str(&demo.line()).unwrap();
    let lives = told["lives"].as_array().unwrap();
    let ends: Vec<_> = lives
        .iter()
        .map(|life| (life["answer"]["code"].as_u64().unwrap(), life["message"]["state"].as_str()))
        .collect();
    assert_eq!(ends, ENDS, "{told}");
    assert!(lives.iter().all(|life| life["ok"] == true && life["failures"] == serde_json::json!([])));
    assert_eq!(told["ok"], true);

    let running = |member: &str| told["running"][member].as_str().unwrap();
    let gateway = ["--url", running("admin"), "--token", running("operator_token"), "--json"];
    for life in lives.iter().filter(|life| !life["message"].is_null()) {
        let id = life["answer"]["message_id"].as_str().unwrap();
        assert_eq!(life["message"]["message_id"], id);
        let shown = asked(folder.path(), &[&["messages", "show", id], &gateway[..]].concat());
        let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
        assert_eq!(life["message"], shown);
        let kinds: Vec<_> = shown["timeline"].as_array().unwrap().iter().map(|line| &line["kind"]).collect();
        assert!(kinds.len() >= 4 && kinds[0] == "Accepted", "{kinds:?}");
    }
    demo.signal("INT");
    let ended = demo.ended();
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(ended.stdout, Vec::<String>::new(), "nothing but the object");
}
