//! `cargo xtask ci`: what has to hold besides the tests. Each step is a command that can be typed again.

use std::time::Instant;

use crate::failure::Failure;
use crate::invocation::Invocation;

/// Cheap steps first, so that a slip is told early.
const STEPS: &[Invocation] = &[
    Invocation::cargo(&["fmt", "--all", "--check"]),
    Invocation::cargo(&["xtask", "tidy"]),
    Invocation::cargo(&["xtask", "deps"]),
    Invocation::cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]),
    Invocation {
        env: &[("RUSTDOCFLAGS", "-D warnings")],
        args: &["doc", "--workspace", "--no-deps", "--locked"],
    },
    // The vectors are among what `cargo xtask test` runs.
    Invocation::cargo(&["xtask", "fuzz", "--seconds", "10", "--no-vectors"]),
    Invocation::cargo(&["run", "--release", "--locked", "--", "demo"]),
];

pub fn run() -> Result<(), Failure> {
    for (number, step) in (1..).zip(STEPS) {
        println!("ci {number}/{}: {step}", STEPS.len());
        let started = Instant::now();
        step.run()?;
        println!("ci {number}/{}: passed in {:.1} s", STEPS.len(), started.elapsed().as_secs_f64());
    }
    Ok(())
}
