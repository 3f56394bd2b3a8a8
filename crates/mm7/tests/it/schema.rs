//! What is written is valid against the schema of its namespace. The schemas are not part of this project: their folder,
//! with a validate-all.xsd that imports them, is named by MM7_SCHEMA_DIR; without it, or without xmllint, the test says
//! so and passes.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::messages::message;
use mm7::message::*;
use mm7::{Address, Framing, Message, MessageId, Namespace, TransactionId, encode};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

/// How many messages are written in each namespace.
const MESSAGES: usize = 60;

/// Gives a message what the schema asks for and our types let be absent, or be any text.
fn completed(mut message: Message) -> Message {
    let href = |content: &mut Option<Content>| {
        if let Some(content) = content {
            content.href = Some("cid:generic@example.com".to_owned());
        }
    };
    match &mut message {
        Message::SubmitReq(req) => {
            req.recipients.push(Recipient::to(Address::Number("16175550199".to_owned())));
            href(&mut req.content);
        }
        Message::DeliverReq(req) => href(&mut req.content),
        Message::ReplaceReq(req) => href(&mut req.content),
        Message::ExtendedReplaceReq(req) => href(&mut req.content),
        Message::DeliveryReportReq(req) => req.mm_status = "Retrieved".to_owned(),
        Message::ReadReplyReq(req) => req.mm_status = "Read".to_owned(),
        Message::SubmitRsp(rsp) => rsp.message_id = MessageId::new("m").ok(),
        Message::ExtendedReplaceRsp(rsp) => rsp.message_id = MessageId::new("m").ok(),
        _ => {}
    }
    message
}

fn write_messages(folder: &Path) {
    let mut runner = TestRunner::deterministic();
    for namespace in Namespace::all() {
        for number in 0..MESSAGES {
            let message = completed(message().new_tree(&mut runner).unwrap().current());
            let id = TransactionId::new("t").ok().filter(|_| number % 5 > 0);
            let xml = encode(&message, &Framing::new(namespace, namespace.default_version(), id));
            fs::write(folder.join(format!("{namespace:?}-{number}.xml")), xml).unwrap();
        }
    }
}

#[test]
fn everything_written_is_valid() {
    let Some(schemas) = std::env::var_os("MM7_SCHEMA_DIR") else {
        println!("MM7_SCHEMA_DIR is not set: what is written is not validated");
        return;
    };
    if Command::new("xmllint").arg("--version").output().is_err() {
        println!("xmllint is not installed: what is written is not validated");
        return;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("messages");
    fs::create_dir_all(&folder).unwrap();
    write_messages(&folder);
    let files: Vec<_> = fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
    assert_eq!(files.len(), 11 * MESSAGES);
    let schema = Path::new(&schemas).join("validate-all.xsd");
    let output =
        Command::new("xmllint").args(["--noout", "--schema"]).arg(schema).args(&files).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    let wrong: Vec<_> = told.lines().filter(|line| !line.ends_with(" validates")).collect();
    assert!(output.status.success(), "{}", wrong.join("\n"));
}
