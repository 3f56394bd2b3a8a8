//! What the documents for contributors call by its path is there: a file that is moved is found in them, too.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{entries, read};
use crate::failure::Failure;

/// The documents that lead through the sources.
const DOCUMENTS: &[&str] = &["ARCHITECTURE.md", "CONTRIBUTING.md"];

/// Folders that are made, and are no part of what documents speak of.
const MADE: &[&str] = &[".git", "target"];

/// What is wrong: paths in backticks that lead nowhere.
pub(super) fn findings() -> Result<Vec<String>, Failure> {
    let tails = tails(&all_below(Path::new(""))?);
    let mut findings = Vec::new();
    for document in DOCUMENTS {
        findings.extend(missing(document, &read(Path::new(document))?, &tails));
    }
    Ok(findings)
}

fn all_below(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut paths = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in entries(&folder)? {
            let is_made = entry.file_name().is_some_and(|name| MADE.iter().any(|made| name == *made));
            if !is_made && crate::root().join(&entry).is_dir() {
                waiting.push(entry.clone());
            }
            paths.push(entry);
        }
    }
    Ok(paths)
}

/// The ways to name a path: whole, or without the folders that it begins with; a source also without `.rs`.
fn tails(paths: &[PathBuf]) -> BTreeSet<String> {
    let mut tails = BTreeSet::new();
    for path in paths {
        let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
        for from in 0..parts.len() {
            let tail = parts.get(from..).unwrap_or_default().join("/");
            if let Some(module) = tail.strip_suffix(".rs") {
                tails.insert(module.to_owned());
            }
            tails.insert(tail);
        }
    }
    tails
}

fn missing(document: &str, text: &str, tails: &BTreeSet<String>) -> Vec<String> {
    let mut findings = Vec::new();
    let mut is_code = false;
    for (line, text) in (1..).zip(text.lines()) {
        if text.starts_with("```") {
            is_code = !is_code;
        }
        // Every second piece stands between backticks.
        let named = text.split('`').skip(1).step_by(2).filter(|_| !is_code);
        let lost = named.filter(|name| is_path(name) && !tails.contains(name.trim_end_matches('/')));
        findings.extend(lost.map(|name| {
            format!(
                "{document}:{line}: there is no {name}: name the file by its path, whole or its last parts"
            )
        }));
    }
    findings
}

/// Whether it is written as paths in a repository are: parts with slashes between them, or the name of a file.
fn is_path(name: &str) -> bool {
    let is_part =
        |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    let has_ending = [".rs", ".md", ".toml", ".json"].iter().any(|ending| name.ends_with(ending));
    let name = name.strip_suffix('/').unwrap_or(name);
    (name.contains('/') || has_ending) && name.split('/').all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_of_the_repository() {
        let tails = tails(&["crates/core/src/life/state.rs", "docs/api.md"].map(PathBuf::from));
        let text = "`life/state.rs`, `life/state` and `core/src/life/state.rs` are one, `docs/api.md`\n\
                    `State::after`, `image/*` and `/api/v1` are no paths\n```\n`gone/in/code.rs`\n```\n\
                    `core/life/state.rs` is `state.rs`, and `fate.rs` is gone\n";
        assert_eq!(
            missing("MAP.md", text, &tails),
            [
                "MAP.md:6: there is no core/life/state.rs: name the file by its path, whole or its last parts",
                "MAP.md:6: there is no fate.rs: name the file by its path, whole or its last parts",
            ]
        );
    }
}
