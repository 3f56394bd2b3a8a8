//! `cargo xtask test`: every test of the workspace, with what this machine has.

use std::ffi::OsStr;

use crate::failure::Failure;
use crate::invocation::{Invocation, answers};

/// All that fails is told by one run: the tests of the whole take long.
const NEXTEST: Invocation = Invocation::cargo(&["nextest", "run", "--workspace", "--no-fail-fast"]);
/// nextest runs no documentation tests.
const DOCUMENTATION: Invocation = Invocation::cargo(&["test", "--doc", "--workspace", "--no-fail-fast"]);
const PLAIN: Invocation = Invocation::cargo(&["test", "--workspace", "--no-fail-fast"]);

/// What the tests can make use of, where it is there.
struct Found {
    nextest: bool,
    xmllint: bool,
    schemas: bool,
    corpus: bool,
}

pub fn run() -> Result<(), Failure> {
    let found = Found::look();
    for line in found.left_out() {
        println!("{line}");
    }
    if found.nextest {
        NEXTEST.run()?;
        DOCUMENTATION.run()
    } else {
        PLAIN.run()
    }
}

impl Found {
    fn look() -> Self {
        let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| value != OsStr::new(""));
        Self {
            nextest: answers("cargo", &["nextest", "--version"]),
            xmllint: answers("xmllint", &["--version"]),
            schemas: is_set("MM7_SCHEMA_DIR"),
            corpus: is_set("MM7_CORPUS_DIR"),
        }
    }

    /// A line for each thing that is not there.
    fn left_out(&self) -> Vec<&'static str> {
        let lines = [
            (self.nextest, "no cargo-nextest: the tests run with `cargo test`, none is left out"),
            (self.xmllint, "no xmllint: left out is the validation of what we write against the MM7 schemas"),
            (self.schemas, "MM7_SCHEMA_DIR is not set: left out is the validation against the MM7 schemas"),
            (self.corpus, "MM7_CORPUS_DIR is not set: left out are the messages captured from real peers"),
        ];
        lines.into_iter().filter(|(found, _)| !found).map(|(_, line)| line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_said_and_nothing_else() {
        let all = Found { nextest: true, xmllint: true, schemas: true, corpus: true };
        assert!(all.left_out().is_empty());

        let no_xmllint = Found { xmllint: false, ..all };
        assert_eq!(
            no_xmllint.left_out(),
            ["no xmllint: left out is the validation of what we write against the MM7 schemas"]
        );

        let nothing = Found { nextest: false, xmllint: false, schemas: false, corpus: false };
        assert_eq!(nothing.left_out().len(), 4);
    }
}
