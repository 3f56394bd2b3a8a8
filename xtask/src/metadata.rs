//! The part of `cargo metadata` that the checks read.

use std::collections::{BTreeSet, HashMap};

use serde::Deserialize;

use crate::failure::Failure;
use crate::invocation::Invocation;

const METADATA: Invocation = Invocation::cargo(&["metadata", "--format-version", "1", "--locked"]);

/// Every package of the workspace's lock file, for every platform.
#[derive(Deserialize)]
pub struct Metadata {
    pub packages: Vec<Package>,
    /// Package ids.
    pub workspace_members: Vec<String>,
    pub resolve: Resolve,
}

/// A package as its manifest states it.
#[derive(Deserialize)]
pub struct Package {
    pub id: String,
    pub name: String,
    pub version: String,
    pub license: Option<String>,
    pub dependencies: Vec<Declared>,
}

/// A dependency as a manifest declares it, optional ones too.
#[derive(Deserialize)]
pub struct Declared {
    pub name: String,
    /// `None` is a normal dependency, else `dev` or `build`.
    pub kind: Option<String>,
}

/// The graph that cargo resolved from the lock file.
#[derive(Deserialize)]
pub struct Resolve {
    pub nodes: Vec<Node>,
}

/// A package in the graph.
#[derive(Deserialize)]
pub struct Node {
    /// Package id.
    pub id: String,
    pub deps: Vec<Edge>,
}

/// An edge of the graph: to `pkg`, once for each kind.
#[derive(Deserialize)]
pub struct Edge {
    /// Package id.
    pub pkg: String,
    pub dep_kinds: Vec<Kind>,
}

/// `None` is a normal dependency, else `dev` or `build`.
#[derive(Deserialize)]
pub struct Kind {
    pub kind: Option<String>,
}

impl Metadata {
    /// Asks cargo; fails when `Cargo.lock` does not fit the manifests.
    pub fn load() -> Result<Self, Failure> {
        Ok(serde_json::from_slice(&METADATA.read()?)?)
    }

    /// The crates of this repository.
    pub fn members(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| self.workspace_members.contains(&package.id))
    }

    /// What the members are made of: all packages reached over normal dependencies alone.
    pub fn normal_graph(&self) -> Vec<&Package> {
        let edges: HashMap<&str, &[Edge]> =
            self.resolve.nodes.iter().map(|node| (node.id.as_str(), node.deps.as_slice())).collect();
        let mut reached = BTreeSet::new();
        let mut waiting: Vec<&str> = self.workspace_members.iter().map(String::as_str).collect();
        while let Some(id) = waiting.pop() {
            if reached.insert(id) {
                let edges = edges.get(id).copied().unwrap_or_default();
                waiting.extend(edges.iter().filter(|edge| edge.is_normal()).map(|edge| edge.pkg.as_str()));
            }
        }
        self.packages.iter().filter(|package| reached.contains(package.id.as_str())).collect()
    }

    /// Which of `graph` have `package` as a normal dependency, as `name version`.
    pub fn pullers(&self, package: &Package, graph: &[&Package]) -> Vec<String> {
        let pulls = |node: &&Node| node.deps.iter().any(|edge| edge.pkg == package.id && edge.is_normal());
        let ids: BTreeSet<&str> =
            self.resolve.nodes.iter().filter(pulls).map(|node| node.id.as_str()).collect();
        let pullers = graph.iter().filter(|package| ids.contains(package.id.as_str()));
        pullers.map(|package| format!("{} {}", package.name, package.version)).collect()
    }
}

impl Edge {
    fn is_normal(&self) -> bool {
        self.dep_kinds.iter().any(|kind| kind.kind.is_none())
    }
}
