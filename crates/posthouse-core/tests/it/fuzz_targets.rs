//! The fuzz targets as an ordinary test: every vector, and mutations of it by a seeded generator.

#[path = "../../../../fuzz/src/mutations.rs"]
mod mutations;
#[path = "../../../../fuzz/src/lib.rs"]
mod targets;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use self::mutations::{Chance, Ingredients, mutated};
use self::targets::{envelope, lint, multipart, request, round_trip};

type Target = (&'static str, fn(&[u8]));

const TARGETS: [Target; 5] = [
    ("envelope", envelope::check),
    ("lint", lint::check),
    ("multipart", multipart::check),
    ("request", request::check),
    ("round_trip", round_trip::check),
];

/// Mutations of each vector: few enough for a test that is run at every change. `cargo xtask fuzz` does more.
const MUTATIONS: usize = 64;

fn vectors() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../mm7/vectors"));
    let mut vectors = Vec::new();
    for folder in [folder.to_owned(), folder.join("requests")] {
        let files =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
        vectors.extend(
            files.map(|path| (path.file_name().unwrap().display().to_string(), fs::read(&path).unwrap())),
        );
    }
    vectors.sort();
    vectors
}

/// Runs every target; a failure names the vector and the mutation, which are enough to see it again.
fn check_all(name: &str, data: &[u8]) {
    for (target, check) in TARGETS {
        let held = catch_unwind(AssertUnwindSafe(|| check(data)));
        assert!(held.is_ok(), "{target} does not hold for {name}:\n{}", data.escape_ascii());
    }
}

#[test]
fn every_vector_holds() {
    let vectors = vectors();
    assert!(vectors.len() > 80, "only {} vectors", vectors.len());
    for (name, data) in vectors {
        check_all(&name, &data);
    }
}

#[test]
fn mutated_vectors_hold() {
    let vectors = vectors();
    let bytes: Vec<_> = vectors.iter().map(|(_, data)| data.clone()).collect();
    let ingredients = Ingredients { pieces: &[], vectors: &bytes };
    let mut chance = Chance(0x6d6d_3721);
    for (name, data) in &vectors {
        for round in 0..MUTATIONS {
            check_all(&format!("{name}, mutation {round}"), &mutated(data, &ingredients, &mut chance));
        }
    }
}
