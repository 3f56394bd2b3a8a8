//! `cargo xtask tidy`: what the compiler does not see drift apart.

mod circles;
mod names;
mod paths;
mod rooms;
mod source;
mod workspace;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;
use crate::metadata::{Declared, Metadata, Package};
use source::Source;
use workspace::{Crate, sources};

/// Each crate, from the ground up, and the crates of this repository it may use.
const FLOORS: &[(&str, &[&str])] = &[
    ("mm7", &[]),
    ("posthouse-media", &[]),
    // A client of the API needs nothing of the gateway.
    ("posthouse-api", &[]),
    ("posthouse-core", &["mm7"]),
    ("posthouse-store", &["mm7", "posthouse-core"]),
    ("posthouse-gateway", &["mm7", "posthouse-media", "posthouse-api", "posthouse-core", "posthouse-store"]),
    // Knows the gateway only over the wire, as a real peer does.
    ("posthouse-sim", &["mm7"]),
    // For tests alone: it stands in no list above and below.
    (
        "posthouse-testing",
        &["mm7", "posthouse-core", "posthouse-store", "posthouse-gateway", "posthouse-sim"],
    ),
    (
        "posthouse",
        &["mm7", "posthouse-api", "posthouse-core", "posthouse-store", "posthouse-gateway", "posthouse-sim"],
    ),
    ("xtask", &[]),
];

/// What a crate's tests may use besides. Cargo lets tests use crates that use what is tested.
const IN_TESTS: &[(&str, &[&str])] =
    &[("posthouse-gateway", &["posthouse-sim", "posthouse-testing"]), ("posthouse", &["posthouse-testing"])];

/// The most lines that a function may have.
const LONGEST_FUNCTION: usize = 80;

/// Names for a module that say nothing of what is in it.
const EMPTY_NAMES: &[&str] = &["util", "utils", "helper", "helpers", "common", "misc"];

pub fn run() -> Result<(), Failure> {
    let metadata = Metadata::load()?;
    let mut findings = floors(&metadata, FLOORS, IN_TESTS);
    let crates = crate_folders()?;
    findings.extend(unnamed(&read(Path::new("ARCHITECTURE.md"))?, &crates));
    findings.extend(paths::findings()?);
    for folder in crates.iter().map(PathBuf::as_path).chain([Path::new("xtask")]) {
        findings.extend(files_below(&folder.join("src"))?.iter().filter_map(|file| empty_name(file)));
    }
    findings.extend(lock_file());
    findings.extend(of_sources()?);
    Failure::unless_empty(findings)?;
    println!("tidy: {} crates on their floors, nothing has drifted", FLOORS.len());
    Ok(())
}

/// What is wrong inside the crates.
fn of_sources() -> Result<Vec<String>, Failure> {
    let mut findings = Vec::new();
    let mut crates = Vec::new();
    for (name, _) in FLOORS {
        crates.push(read_crate(name, &mut findings)?);
    }
    findings.extend(circles::findings(&crates));
    findings.extend(names::findings(&crates, names::SHARED));
    for (name, table) in rooms::ROOMS {
        let of_this_name = crates.iter().filter(|one| one.name == *name);
        findings.extend(of_this_name.flat_map(|one| rooms::findings(one, table)));
    }
    findings.extend(crates.iter().flat_map(|one| &one.files).flat_map(long_functions));
    Ok(findings)
}

fn read_crate(name: &str, findings: &mut Vec<String>) -> Result<Crate, Failure> {
    let folder = sources(name);
    let mut files = Vec::new();
    for file in files_below(&folder)? {
        if file.extension().is_some_and(|extension| extension == "rs") {
            match Source::read(&folder, &file, &read(&file)?) {
                Ok(source) => files.push(source),
                Err(finding) => findings.push(finding),
            }
        }
    }
    files.sort_by(|a, b| a.file.cmp(&b.file));
    Ok(Crate::new(name, files))
}

fn long_functions(file: &Source) -> impl Iterator<Item = String> {
    let long = file.functions.iter().filter(|function| function.lines > LONGEST_FUNCTION);
    long.map(|function| {
        format!(
            "{}:{}: {} has {} lines, and may have {LONGEST_FUNCTION}: make of its steps functions with names",
            file.file.display(),
            function.line,
            function.name,
            function.lines
        )
    })
}

fn floors(metadata: &Metadata, floors: Floors<'_>, in_tests: Floors<'_>) -> Vec<String> {
    let members: Vec<&Package> = metadata.members().collect();
    let is_member = |name: &str| members.iter().any(|member| member.name == name);
    let mut findings = Vec::new();
    for member in &members {
        match floors.iter().find(|(name, _)| *name == member.name) {
            None => findings.push(format!(
                "{} has no floor: give it a row in FLOORS in xtask/src/tidy/mod.rs",
                member.name
            )),
            Some((_, below)) => {
                let tests = in_tests.iter().find(|(name, _)| *name == member.name);
                let in_tests = |used: &Declared| {
                    used.kind.as_deref() == Some("dev")
                        && tests.is_some_and(|(_, names)| names.contains(&used.name.as_str()))
                };
                // A crate may use itself: its tests turn on a feature of it.
                let may = |used: &Declared| {
                    used.name == member.name || below.contains(&used.name.as_str()) || in_tests(used)
                };
                let wrong = member.dependencies.iter().filter(|used| is_member(&used.name) && !may(used));
                findings.extend(wrong.map(|used| above(&member.name, &used.name, below)));
            }
        }
    }
    let gone = floors.iter().filter(|(name, _)| !is_member(name));
    findings.extend(
        gone.map(|(name, _)| format!("{name} is gone: take its row out of FLOORS in xtask/src/tidy/mod.rs")),
    );
    findings
}

/// Names of crates, each with those that it may use.
type Floors<'a> = &'a [(&'a str, &'a [&'a str])];

fn above(member: &str, used: &str, below: &[&str]) -> String {
    let allowed = if below.is_empty() { "no crate of this repository".to_owned() } else { below.join(", ") };
    format!("{member} uses {used}, but may use {allowed}: move what it needs to a lower floor")
}

/// The folders in `crates/`, relative to the root.
fn crate_folders() -> Result<Vec<PathBuf>, Failure> {
    let entries = entries(Path::new("crates"))?;
    Ok(entries.into_iter().filter(|entry| crate::root().join(entry).is_dir()).collect())
}

fn read(path: &Path) -> Result<String, Failure> {
    let text = fs::read_to_string(crate::root().join(path));
    text.map_err(|source| Failure::Read { path: path.to_owned(), source })
}

fn unnamed(architecture: &str, crates: &[PathBuf]) -> Vec<String> {
    let names = crates.iter().filter_map(|folder| folder.file_name()?.to_str());
    let missing = names.filter(|name| !mentions(architecture, name));
    missing
        .map(|name| format!("ARCHITECTURE.md does not name {name}: say there what the crate is for"))
        .collect()
}

/// Whether `name` stands in `text` as a word of its own, so that `posthouse-core` is no `posthouse`.
fn mentions(text: &str, name: &str) -> bool {
    text.split(|c: char| !(c.is_alphanumeric() || c == '-' || c == '_')).any(|word| word == name)
}

fn files_below(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in entries(&folder)? {
            if crate::root().join(&entry).is_dir() {
                waiting.push(entry.clone());
            }
            files.push(entry);
        }
    }
    Ok(files)
}

/// What is in a folder, files and folders, sorted; paths relative to the root.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let unreadable = |source| Failure::Read { path: folder.to_owned(), source };
    let entries = fs::read_dir(crate::root().join(folder)).map_err(unreadable)?;
    let names = entries.map(|entry| entry.map(|entry| folder.join(entry.file_name())));
    let mut paths = names.collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
    paths.sort();
    Ok(paths)
}

fn empty_name(file: &Path) -> Option<String> {
    let stem = file.file_stem()?.to_str()?;
    EMPTY_NAMES
        .contains(&stem)
        .then(|| format!("{} has a name that says nothing: name it after what is in it", file.display()))
}

/// `Cargo.lock` is in the index of git; without git there is only the file to look for.
fn lock_file() -> Option<String> {
    let mut git = Command::new("git");
    git.args(["ls-files", "--error-unmatch", "Cargo.lock"]).current_dir(crate::root());
    let committed = match git.output().ok().and_then(|output| output.status.code()) {
        Some(0) => true,
        Some(1) => false,
        _ => crate::root().join("Cargo.lock").exists(),
    };
    (!committed).then(|| "Cargo.lock is not committed: `git add Cargo.lock`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_crate_uses_only_what_its_floor_allows() {
        let package = |name: &str, uses: &[&str]| {
            let uses = uses
                .iter()
                .map(|used| used.split_once(' ').map_or((None, *used), |(kind, name)| (Some(kind), name)));
            let uses: Vec<_> = uses.map(|(kind, name)| json!({ "name": name, "kind": kind })).collect();
            json!({ "id": name, "name": name, "version": "0.1.0", "license": null, "dependencies": uses })
        };
        let metadata: Metadata = serde_json::from_value(json!({
            "packages": [
                package("mm7", &["bytes"]),
                package("core", &["core", "mm7", "sim"]),
                package("sim", &["mm7", "dev core", "dev attic", "build core"]),
                package("attic", &[]),
                package("bytes", &["core"]),
            ],
            "workspace_members": ["mm7", "core", "sim", "attic"],
            "resolve": { "nodes": [] },
        }))
        .unwrap();
        assert_eq!(
            floors(
                &metadata,
                &[("mm7", &[]), ("core", &["mm7"]), ("sim", &["mm7"]), ("cellar", &[])],
                &[("sim", &["core"]), ("core", &["town"])]
            ),
            [
                "core uses sim, but may use mm7: move what it needs to a lower floor",
                "sim uses attic, but may use mm7: move what it needs to a lower floor",
                "sim uses core, but may use mm7: move what it needs to a lower floor",
                "attic has no floor: give it a row in FLOORS in xtask/src/tidy/mod.rs",
                "cellar is gone: take its row out of FLOORS in xtask/src/tidy/mod.rs",
            ]
        );
    }

    #[test]
    fn a_function_may_have_eighty_lines() {
        let of = |lines: usize| format!("\nfn f() {{{}}}\n", "\n".repeat(lines - 1));
        let findings = |text: &str| {
            let source = Source::read(Path::new("src"), Path::new("src/a.rs"), text).unwrap();
            long_functions(&source).collect::<Vec<_>>()
        };
        assert_eq!(findings(&of(80)), [""; 0]);
        assert_eq!(
            findings(&of(81)),
            ["src/a.rs:2: f has 81 lines, and may have 80: make of its steps functions with names"]
        );
    }

    #[test]
    fn a_crate_is_named_only_by_its_whole_name() {
        let crates = ["posthouse", "posthouse-core", "mm7"].map(|name| Path::new("crates").join(name));
        assert_eq!(
            unnamed("`posthouse-core` stands on `mm7`.", &crates),
            ["ARCHITECTURE.md does not name posthouse: say there what the crate is for"]
        );
    }

    #[test]
    fn empty_names_are_found_as_file_and_as_folder() {
        for (path, found) in [
            ("crates/mm7/src/util.rs", true),
            ("crates/mm7/src/common", true),
            ("crates/mm7/src/common_prefix.rs", false),
            ("crates/mm7/src/status.rs", false),
        ] {
            assert_eq!(empty_name(Path::new(path)).is_some(), found, "{path}");
        }
    }
}
