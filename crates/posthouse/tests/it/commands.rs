//! Every command that operators are promised is there, and its help shows how it is used.

use std::process::{Command, Stdio};

use crate::process::posthouse as program;

/// The commands of operators, with those below them.
const COMMANDS: &[&str] = &[
    "find",
    "messages list",
    "messages show",
    "messages requeue",
    "messages expire",
    "messages resubmit",
    "messages reroute",
    "messages resend-reports",
    "messages unreadable",
    "operations list",
    "operations show",
    "operations start",
    "operations cancel",
    "refusals list",
    "refusals show",
    "callbacks list",
    "callbacks show",
    "callbacks resend",
    "callbacks endpoints",
    "callbacks pause",
    "callbacks resume",
    "callbacks test",
    "mo list",
    "mo show",
    "mo resend",
    "mo for-nobody",
    "mo unmatched-reports",
    "queues",
    "top",
    "tail",
    "stats",
    "accounts list",
    "accounts show",
    "accounts disable",
    "accounts enable",
    "accounts keys list",
    "accounts keys add",
    "accounts keys remove",
    "services",
    "services add-sender",
    "services remove-sender",
    "carriers list",
    "carriers show",
    "carriers suspend",
    "carriers resume",
    "carriers limit",
    "carriers probe",
    "blacklist add",
    "blacklist remove",
    "blacklist list",
    "blacklist show",
    "blacklist import",
    "blacklist export",
    "ranges import",
    "ranges export",
    "lookup",
    "plan",
    "apply",
    "provisioning export",
    "provisioning revisions",
    "provisioning diff",
    "provisioning rollback",
    "nodes",
    "drain",
    "undrain",
    "log-level",
    "backup",
    "restore",
    "store status",
    "store migrate",
    "migrate",
    "users add",
    "users list",
    "users role",
    "users reset",
    "users remove",
    "sessions list",
    "sessions end",
    "tokens add",
    "tokens list",
    "tokens revoke",
    "audit",
    "sandbox messages",
    "sandbox deliver",
    "sandbox clear",
    "lint",
    "codes",
    "doctor",
    "clock",
    "captures begin",
    "captures list",
    "captures show",
    "captures remove",
    "openapi",
    "completions",
    "man",
];

/// Those that print no data of their own: a screen, a document that is JSON, and what shells and `man` read.
const WITHOUT_JSON: &[&str] = &["top", "openapi", "completions", "man"];

fn help(command: &str) -> String {
    let arguments: Vec<&str> = command.split(' ').filter(|word| !word.is_empty()).chain(["--help"]).collect();
    let folder = std::env::temp_dir();
    let mut program: Command = program(&folder, &arguments);
    let output = program.output().unwrap();
    assert!(output.status.success(), "posthouse {command} --help: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_command_is_there_with_an_example_and_json() {
    let mut missing = Vec::new();
    for command in COMMANDS {
        let help = help(command);
        let example = format!("posthouse {command}");
        let behind = help.split_once("Example").map_or("", |(_, behind)| behind);
        if !behind.contains(&example) {
            missing.push(format!("{command}: its help has no example"));
        }
        if !help.contains("--json") && !WITHOUT_JSON.contains(command) {
            missing.push(format!("{command}: there is no --json"));
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

/// Whoever adds a command adds it here.
#[test]
fn no_command_is_left_out() {
    let listed = |help: &str| -> Vec<String> {
        let commands = help.split_once("Commands:\n").map_or("", |(_, rest)| rest);
        let lines = commands.lines().take_while(|line| !line.trim().is_empty());
        // A name stands two characters from the left; what goes on, further in.
        let names = lines.filter_map(|line| line.strip_prefix("  ").filter(|name| !name.starts_with(' ')));
        names
            .filter_map(|name| Some(name.split(' ').next()?.to_owned()))
            .filter(|name| name != "help")
            .collect()
    };
    // What stands in for other programs, or measures; they have tests of their own.
    let others = ["serve", "demo", "send", "listen", "simulate", "bench"];
    let mut left_out = Vec::new();
    let mut left = vec![String::new()];
    while let Some(command) = left.pop() {
        for name in listed(&help(command.trim())) {
            let whole = format!("{command} {name}").trim().to_owned();
            if others.contains(&&*whole) || COMMANDS.contains(&&*whole) {
                continue;
            }
            match listed(&help(&whole)).is_empty() {
                true => left_out.push(whole),
                false => left.push(whole),
            }
        }
    }
    assert!(left_out.is_empty(), "{left_out:?}");
}

/// As under `| head`: what a command prints is longer than a pipe holds, and the reader has left.
#[test]
fn a_command_whose_reader_leaves_says_nothing() {
    let folder = std::env::temp_dir();
    let mut running = program(&folder, &["openapi"]);
    let mut running = running.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(running.stdout.take());
    let ended = running.wait_with_output().unwrap();
    assert_eq!((ended.status.code(), &*String::from_utf8_lossy(&ended.stderr)), (Some(141), ""));
}

#[test]
fn each_command_has_a_manual_page_and_is_completed() {
    let folder = tempfile::tempdir().unwrap();
    assert!(program(folder.path(), &["man", "man1"]).status().unwrap().success());
    for command in COMMANDS.iter().chain(["serve", "demo", "send", "listen", "simulate", "bench"].iter()) {
        let page = folder.path().join(format!("man1/posthouse-{}.1", command.replace(' ', "-")));
        let page =
            std::fs::read_to_string(&page).unwrap_or_else(|error| panic!("{}: {error}", page.display()));
        assert!(page.contains(".SH SYNOPSIS"), "{command}");
    }
    for (shell, says) in
        [("bash", "complete -F _posthouse"), ("zsh", "#compdef posthouse"), ("fish", "complete -c posthouse")]
    {
        let output = program(folder.path(), &["completions", shell]).output().unwrap();
        let script = String::from_utf8(output.stdout).unwrap();
        assert!(
            output.status.success() && script.contains(says) && script.contains("resend-reports"),
            "{shell}"
        );
    }
}
