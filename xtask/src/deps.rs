//! `cargo xtask deps`: licences we may pass on, and no crate built in two versions without a reason.

use std::collections::{BTreeMap, BTreeSet};

use crate::failure::Failure;
use crate::metadata::{Metadata, Package};
use crate::spdx;

/// Licences that ask no more of someone who passes the program on, under Apache-2.0, than to keep notices.
///
/// MPL-2.0 is not among them: whoever ships the binary would owe the source of that crate's files,
/// and no crate of the tree needs it.
const LICENCES: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    // jpeg-encoder's, beside Apache-2.0: what is passed on says that it is based in part on the work of the Independent JPEG Group.
    "IJG",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// A crate that may be built in several versions.
struct Duplicate {
    name: &'static str,
    /// As far as cargo keeps them apart: `1`, or `0.16` below 1. In ascending order.
    versions: &'static [&'static str],
    /// Why it cannot be one, and what would make it one.
    reason: &'static str,
}

/// The known duplicates. An entry that the tree no longer needs is an error.
const DUPLICATES: &[Duplicate] = &[
    Duplicate {
        name: "getrandom",
        versions: &["0.2", "0.4"],
        reason: "ring, which does rustls's cryptography and builds with a C compiler alone, stays with the old one",
    },
    Duplicate {
        name: "hashbrown",
        versions: &["0.16", "0.17"],
        reason: "governor is behind rusqlite's and toml's; nothing of it passes between them",
    },
    Duplicate {
        name: "miniz_oxide",
        versions: &["0.8", "0.9"],
        reason: "png is behind its own flate2; the older one only reads the pictures of VASPs",
    },
    Duplicate {
        name: "syn",
        versions: &["2", "3"],
        reason: "the derive macros of der, by which x509-cert reads certificates, are the last to move; only built with",
    },
    Duplicate { name: "windows-sys", versions: &["0.52", "0.61"], reason: "ring's, and only on Windows" },
];

pub fn run() -> Result<(), Failure> {
    let metadata = Metadata::load()?;
    let mut findings = licences(&metadata);
    findings.extend(duplicates(&metadata, DUPLICATES));
    Failure::unless_empty(findings)?;
    println!("deps: {} packages, licences and versions in order", metadata.packages.len());
    for Duplicate { name, versions, reason } in DUPLICATES {
        println!("deps: {name} stands in the tree as {}: {reason}", versions.join(" and "));
    }
    Ok(())
}

fn licences(metadata: &Metadata) -> Vec<String> {
    metadata.packages.iter().filter_map(licence).collect()
}

fn licence(package: &Package) -> Option<String> {
    let fault = match package.license.as_deref() {
        None => "states no licence".to_owned(),
        Some(expression) => match spdx::satisfied(expression, LICENCES) {
            Ok(true) => return None,
            Ok(false) => format!("has the licence `{expression}`, which is not on the list"),
            Err(error) => format!("has the licence `{expression}`, which cannot be read: {error}"),
        },
    };
    Some(format!(
        "{} {} {fault}; use another crate (`cargo tree --invert {0}@{1}` says who needs it), or add the licence \
         to LICENCES in xtask/src/deps.rs if Apache-2.0 can live with it",
        package.name, package.version
    ))
}

fn duplicates(metadata: &Metadata, known: &[Duplicate]) -> Vec<String> {
    let graph = metadata.normal_graph();
    let mut by_name: BTreeMap<&str, Vec<&Package>> = BTreeMap::new();
    for package in &graph {
        by_name.entry(&package.name).or_default().push(package);
    }
    by_name.retain(|_, versions| versions.len() > 1);
    let unknown = by_name.iter().filter(|(name, versions)| !known.iter().any(|k| k.covers(name, versions)));
    let unknown = unknown.map(|(name, versions)| duplicate(metadata, &graph, name, versions));
    let stale = known.iter().filter(|k| !by_name.iter().any(|(name, versions)| k.covers(name, versions)));
    unknown.chain(stale.map(Duplicate::stale)).collect()
}

fn duplicate(metadata: &Metadata, graph: &[&Package], name: &str, versions: &[&Package]) -> String {
    let pulled = versions.iter().map(|package| {
        let pullers = metadata.pullers(package, graph).join(", ");
        format!("\n  {} is pulled in by {pullers}", package.version)
    });
    format!(
        "{name} is built in {} versions:{}\n  move one side (`cargo update`, another version or fewer features in \
         the root Cargo.toml), or add it to DUPLICATES in xtask/src/deps.rs with the reason",
        versions.len(),
        pulled.collect::<String>()
    )
}

impl Duplicate {
    fn covers(&self, name: &str, versions: &[&Package]) -> bool {
        let stand: BTreeSet<&str> = versions.iter().map(|package| apart(&package.version)).collect();
        self.name == name && stand == self.versions.iter().copied().collect()
    }

    fn stale(&self) -> String {
        format!(
            "{} is no longer built as {}; take its entry out of DUPLICATES in xtask/src/deps.rs, or put the \
             versions right",
            self.name,
            self.versions.join(" and ")
        )
    }
}

/// The part of a version that keeps it apart from others: up to its first number that is not 0.
fn apart(version: &str) -> &str {
    let mut end = 0;
    for number in version.split('.') {
        end += number.len();
        if number != "0" {
            break;
        }
        end += 1;
    }
    version.get(..end).unwrap_or(version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn package(id: &str, license: Option<&str>) -> Value {
        let (name, version) = id.split_once(' ').unwrap();
        json!({ "id": id, "name": name, "version": version, "license": license, "dependencies": [] })
    }

    fn node(id: &str, deps: &[(&str, Option<&str>)]) -> Value {
        let deps: Vec<Value> =
            deps.iter().map(|(pkg, kind)| json!({ "pkg": pkg, "dep_kinds": [{ "kind": kind }] })).collect();
        json!({ "id": id, "deps": deps })
    }

    /// `app` needs hash 0.16 over `rates` and 0.17 itself, and syn 1 beside 2 only for its tests.
    fn tree() -> Metadata {
        let ids = ["app 0.1.0", "rates 1.0.0", "hash 0.16.1", "hash 0.17.0", "syn 1.0.9", "syn 2.0.3"];
        let metadata = json!({
            "packages": ids.map(|id| package(id, Some("MIT"))),
            "workspace_members": ["app 0.1.0"],
            "resolve": { "nodes": [
                node("app 0.1.0", &[("rates 1.0.0", None), ("hash 0.17.0", None), ("syn 1.0.9", Some("dev")), ("syn 2.0.3", None)]),
                node("rates 1.0.0", &[("hash 0.16.1", None)]),
                node("hash 0.16.1", &[]),
                node("hash 0.17.0", &[]),
                node("syn 1.0.9", &[]),
                node("syn 2.0.3", &[]),
            ] },
        });
        serde_json::from_value(metadata).unwrap()
    }

    #[test]
    fn a_duplicate_names_versions_pullers_and_remedy() {
        assert_eq!(
            duplicates(&tree(), &[]),
            ["hash is built in 2 versions:\n  0.16.1 is pulled in by rates 1.0.0\n  0.17.0 is pulled in by \
              app 0.1.0\n  move one side (`cargo update`, another version or fewer features in the root \
              Cargo.toml), or add it to DUPLICATES in xtask/src/deps.rs with the reason"]
        );
    }

    #[test]
    fn a_known_duplicate_passes_and_only_as_it_is_known() {
        let known = |name, versions| Duplicate { name, versions, reason: "" };
        assert!(duplicates(&tree(), &[known("hash", &["0.16", "0.17"])]).is_empty());

        let findings = duplicates(&tree(), &[known("hash", &["0.15", "0.17"])]);
        assert_eq!(findings.len(), 2);
        assert!(findings[0].starts_with("hash is built in 2 versions:"));
        assert!(findings[1].starts_with("hash is no longer built as 0.15 and 0.17;"));

        let findings = duplicates(&tree(), &[known("hash", &["0.16", "0.17"]), known("syn", &["1", "2"])]);
        assert_eq!(findings.len(), 1);
        assert!(findings[0].starts_with("syn is no longer built as 1 and 2;"));
    }

    #[test]
    fn versions_are_kept_apart_as_cargo_does() {
        for (version, expected) in [
            ("1.2.3", "1"),
            ("12.0.0", "12"),
            ("0.16.1", "0.16"),
            ("0.0.7", "0.0.7"),
            ("0.0.0", "0.0.0"),
            ("2.0.0-rc.1", "2"),
        ] {
            assert_eq!(apart(version), expected, "{version}");
        }
    }

    #[test]
    fn a_licence_that_is_missing_foreign_or_unreadable_is_named() {
        let finding = |license| {
            let package = serde_json::from_value(package("left 1.0.0", license)).unwrap();
            licence(&package).map(|finding| finding.split(';').next().unwrap().to_owned())
        };
        assert_eq!(finding(Some("MIT OR GPL-3.0-only")), None);
        assert_eq!(finding(None).as_deref(), Some("left 1.0.0 states no licence"));
        assert_eq!(
            finding(Some("MPL-2.0")).as_deref(),
            Some("left 1.0.0 has the licence `MPL-2.0`, which is not on the list")
        );
        assert_eq!(
            finding(Some("MIT OR")).as_deref(),
            Some("left 1.0.0 has the licence `MIT OR`, which cannot be read: it ends too early")
        );
    }
}
