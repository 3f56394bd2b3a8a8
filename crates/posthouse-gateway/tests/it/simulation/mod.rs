//! A whole gateway in one process, on a manual clock, among peers that are slow, cut, doubled, lying and silent.
//!
//! A seed decides what is sent and what every peer does; time passes only when the test says so. An
//! operator intervenes by hand meanwhile. After each seed the invariants of
//! ARCHITECTURE.md are checked against what the peers saw. A seed that fails is printed and runs again alone with
//! `POSTHOUSE_SEED=n cargo test -p posthouse --test it simulation`; `POSTHOUSE_SEEDS=n` runs more of them.

mod chance;
mod operator;
mod peers;
mod wire;
mod world;

use std::env;

use self::world::World;

/// How many seeds run when nothing else is asked for.
const SEEDS: u64 = 8;

fn number(variable: &str) -> Option<u64> {
    env::var(variable)
        .ok()
        .map(|text| text.parse().unwrap_or_else(|_| panic!("{variable}={text} is no number")))
}

#[test]
fn retries_are_made_when_they_are_due() {
    let on_time = World::retries_on_time(1);
    println!("{on_time} retries");
    assert!(on_time > 0, "none was to be made");
}

#[test]
fn callbacks_are_tried_again_when_they_are_due() {
    let on_time = World::callbacks_on_time(1);
    println!("{on_time} callbacks");
    assert!(on_time > 0, "none was to be made");
}

#[test]
fn every_accepted_message_ends_once_and_is_reported() {
    let seeds = match number("POSTHOUSE_SEED") {
        Some(seed) => seed..seed + 1,
        None => 1..number("POSTHOUSE_SEEDS").unwrap_or(SEEDS) + 1,
    };
    let mut total = world::Tally::default();
    for seed in seeds.clone() {
        let tally = World::run(seed);
        if !tally.wrong.is_empty() {
            panic!(
                "POSTHOUSE_SEED={seed}: {} of {} went wrong\n{}",
                tally.wrong.len(),
                tally.accepted,
                tally.wrong.join("\n")
            );
        }
        total.add(&tally);
    }
    println!("{} seeds: {total}", seeds.count());
    // Peers that never misbehave would prove nothing, nor would an operator who never does anything.
    assert!(total.accepted > 0 && total.attempts > total.accepted, "{total}");
    let by_chance = total.interventions > 0 && total.read_replies > 0;
    assert!(by_chance || number("POSTHOUSE_SEED").is_some(), "{total}");
}
