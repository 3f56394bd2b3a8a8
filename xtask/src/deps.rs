//! `cargo xtask deps`: licences we may pass on, and no crate built in two versions without a reason, as `deny.toml` says. Then
//! cargo-deny and cargo-shear, where they are installed, look at what only they can: vulnerabilities and unused dependencies.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde::Deserialize;

use crate::failure::Failure;
use crate::invocation::{Invocation, answers};
use crate::metadata::{Metadata, Package};
use crate::spdx;

const POLICY: &str = "deny.toml";
const DENY: Invocation = Invocation::cargo(&["deny", "--offline", "check", "licenses", "bans", "sources"]);
const ADVISORIES: Invocation = Invocation::cargo(&["deny", "--offline", "check", "advisories"]);
const SHEAR: Invocation = Invocation::cargo(&["shear", "--locked"]);

/// The part of `deny.toml` that is checked here.
#[derive(Deserialize)]
struct Policy {
    licenses: Licences,
    bans: Bans,
}

/// SPDX licences, some with an exception.
#[derive(Deserialize)]
struct Licences {
    allow: Vec<String>,
}

#[derive(Deserialize)]
struct Bans {
    skip: Vec<Skip>,
}

/// A version of a crate that may stand in the tree beside another.
#[derive(Deserialize)]
struct Skip {
    /// `name@version`, the version as far as cargo keeps them apart: `1`, or `0.16` below 1.
    #[serde(rename = "crate")]
    package: String,
    /// Why it cannot go.
    reason: String,
}

pub fn run() -> Result<(), Failure> {
    let policy = Policy::read()?;
    let metadata = Metadata::load()?;
    let mut findings = licences(&metadata, &policy.licenses.allow);
    findings.extend(duplicates(&metadata, &policy.bans.skip));
    Failure::unless_empty(findings)?;
    println!("deps: {} packages, licences and versions in order", metadata.packages.len());
    for Skip { package, reason } in &policy.bans.skip {
        println!("deps: {package} stands in the tree beside another version: {reason}");
    }
    deny()?;
    unused()
}

/// The same by cargo-deny, and known vulnerabilities.
fn deny() -> Result<(), Failure> {
    if !answers("cargo", &["deny", "--version"]) {
        println!("no cargo-deny: advisories were not looked at");
        return Ok(());
    }
    DENY.run()?;
    if answers("cargo", &["deny", "fetch", "db"]) {
        return ADVISORIES.run();
    }
    println!("the database of advisories cannot be had: they were not looked at");
    Ok(())
}

fn unused() -> Result<(), Failure> {
    if !answers("cargo", &["shear", "--version"]) {
        println!("no cargo-shear: unused dependencies were not looked for");
        return Ok(());
    }
    SHEAR.run()
}

impl Policy {
    fn read() -> Result<Self, Failure> {
        let path = PathBuf::from(POLICY);
        match fs::read_to_string(crate::root().join(&path)) {
            Ok(text) => toml::from_str(&text).map_err(|source| Failure::Policy { path, source }),
            Err(source) => Err(Failure::Read { path, source }),
        }
    }
}

fn licences(metadata: &Metadata, allowed: &[String]) -> Vec<String> {
    metadata.packages.iter().filter_map(|package| licence(package, allowed)).collect()
}

fn licence(package: &Package, allowed: &[String]) -> Option<String> {
    let fault = match package.license.as_deref() {
        None => "states no licence".to_owned(),
        Some(expression) => match spdx::satisfied(expression, allowed) {
            Ok(true) => return None,
            Ok(false) => format!("has the licence `{expression}`, which is not on the list"),
            Err(error) => format!("has the licence `{expression}`, which cannot be read: {error}"),
        },
    };
    Some(format!(
        "{} {} {fault}; use another crate (`cargo tree --invert {0}@{1}` says who needs it), or add the licence \
         to `allow` in {POLICY} if Apache-2.0 can live with it",
        package.name, package.version
    ))
}

/// Crates built in several versions, unless all but one are skipped; and what is skipped without need.
fn duplicates(metadata: &Metadata, skips: &[Skip]) -> Vec<String> {
    let graph = metadata.normal_graph();
    let mut by_name: BTreeMap<&str, Vec<&Package>> = BTreeMap::new();
    for package in &graph {
        by_name.entry(&package.name).or_default().push(package);
    }
    by_name.retain(|_, versions| versions.len() > 1);
    let is_skipped = |package: &&&Package| skips.iter().any(|skip| skip.is_of(package));
    let unknown = by_name
        .iter()
        .filter(|(_, versions)| versions.iter().filter(is_skipped).count() + 1 < versions.len());
    let unknown = unknown.map(|(name, versions)| duplicate(metadata, &graph, name, versions));
    let is_needed = |skip: &Skip| by_name.values().flatten().any(|package| skip.is_of(package));
    let stale = skips.iter().filter(|skip| !is_needed(skip));
    unknown.chain(stale.map(Skip::stale)).collect()
}

fn duplicate(metadata: &Metadata, graph: &[&Package], name: &str, versions: &[&Package]) -> String {
    let pulled = versions.iter().map(|package| {
        let pullers = metadata.pullers(package, graph).join(", ");
        format!("\n  {} is pulled in by {pullers}", package.version)
    });
    format!(
        "{name} is built in {} versions:{}\n  move one side (`cargo update`, another version or fewer features in \
         the root Cargo.toml), or add one to `skip` in {POLICY} with the reason",
        versions.len(),
        pulled.collect::<String>()
    )
}

impl Skip {
    fn is_of(&self, package: &Package) -> bool {
        self.package.split_once('@') == Some((&package.name, apart(&package.version)))
    }

    fn stale(&self) -> String {
        format!("{} does not stand beside another version; take it out of `skip` in {POLICY}", self.package)
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
              Cargo.toml), or add one to `skip` in deny.toml with the reason"]
        );
    }

    #[test]
    fn a_known_duplicate_passes_and_only_as_it_is_known() {
        let skips = |packages: &[&str]| {
            let skip = |package: &&str| Skip { package: (*package).to_owned(), reason: String::new() };
            duplicates(&tree(), &packages.iter().map(skip).collect::<Vec<_>>())
        };
        assert!(skips(&["hash@0.16"]).is_empty());
        assert!(skips(&["hash@0.17"]).is_empty());

        let findings = skips(&["hash@0.15"]);
        assert_eq!(findings.len(), 2);
        assert!(findings[0].starts_with("hash is built in 2 versions:"));
        assert!(findings[1].starts_with("hash@0.15 does not stand beside another version;"));

        let findings = skips(&["hash@0.16", "syn@1"]);
        assert_eq!(findings.len(), 1);
        assert!(findings[0].starts_with("syn@1 does not stand beside another version;"));
    }

    #[test]
    fn the_policy_of_this_repository_can_be_read() {
        let policy = Policy::read().unwrap();
        assert!(policy.licenses.allow.iter().any(|licence| licence == "Apache-2.0 WITH LLVM-exception"));
        assert!(policy.bans.skip.iter().all(|skip| skip.package.contains('@') && !skip.reason.is_empty()));
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
            licence(&package, &["MIT".to_owned()])
                .map(|finding| finding.split(';').next().unwrap().to_owned())
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
