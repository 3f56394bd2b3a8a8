//! The fuzz targets as an ordinary test: every vector, and mutations of it by a seeded generator.

#[path = "../../../../fuzz/src/lib.rs"]
mod targets;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

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
    let mut chance = Chance(0x6d6d_3721);
    for (name, data) in &vectors {
        for round in 0..MUTATIONS {
            let mut mutated = data.clone();
            for _ in 0..=chance.below(3) {
                mutate(&mut mutated, &vectors, &mut chance);
            }
            check_all(&format!("{name}, mutation {round}"), &mutated);
        }
    }
}

/// One change: bytes replaced, taken out or repeated, or a piece of another vector put in.
fn mutate(data: &mut Vec<u8>, vectors: &[(String, Vec<u8>)], chance: &mut Chance) {
    let at = chance.below(data.len() + 1);
    let end = (at + chance.below(40)).min(data.len());
    match chance.below(6) {
        0 => data.truncate(at),
        1 => drop(data.drain(at..end)),
        2 => drop(data.splice(at..at, data[at..end].to_vec())),
        3 => data[at..end].fill(b"\0 <>&\"\n-\xff9"[chance.below(10)]),
        4 => data[at..end].iter_mut().for_each(|byte| *byte ^= 1 << chance.below(8)),
        _ => {
            let other = &vectors[chance.below(vectors.len())].1;
            let from = chance.below(other.len());
            let to = (from + chance.below(200)).min(other.len());
            drop(data.splice(at..end, other[from..to].iter().copied()));
        }
    }
}

/// A small generator of pseudo-random numbers (xorshift), the same at every run.
struct Chance(u64);

impl Chance {
    /// A number below `bound`, 0 for none.
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap_or(0).checked_rem(bound).unwrap_or(0)
    }
}
