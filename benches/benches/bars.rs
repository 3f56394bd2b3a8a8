//! The bars that decoding has to keep, as ratios of times taken in turn on the same machine, so that a fast machine and a
//! slow one say the same. Ends with 1 where one is not kept.

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use mm7_benches::{Request, SIZES, assembled, decode, request};

/// Rounds in which each candidate is measured once; the shortest time of each counts, which the fewest other things
/// on the machine have a part in.
const ROUNDS: usize = 1000;
/// The size for which bars are set, in bytes.
const MEASURED: usize = 100 * 1024;
/// At most so many times the floor.
const TO_FLOOR: f64 = 2.0;
/// Less than this part of what a mail parser and an XML reader take.
const TO_OTHERS: f64 = 1.0 / 3.0;

fn main() -> ExitCode {
    println!("   bytes  scan + copy        mm7  mail-parser + quick-xml  mm7 / floor  mm7 / others");
    let kept = SIZES.map(measure).into_iter().all(|kept| kept);
    if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Prints a line; says whether the bars are kept.
fn measure(size: usize) -> bool {
    let request = request(size);
    let mail = assembled::mail(&request);
    let [mut floor, mut own, mut others] = [Duration::MAX; 3];
    for _ in 0..ROUNDS {
        floor = floor.min(time(|| scan_and_copy(black_box(&request))));
        own = own.min(time(|| decode(black_box(&request))));
        others = others.min(time(|| assembled::decode(black_box(&mail))));
    }
    let to_floor = own.as_secs_f64() / floor.as_secs_f64();
    let to_others = own.as_secs_f64() / others.as_secs_f64();
    println!("{size:>8} {floor:>12.2?} {own:>10.2?} {others:>24.2?} {to_floor:>12.2} {to_others:>13.2}");
    size != MEASURED || (to_floor <= TO_FLOOR && to_others < TO_OTHERS)
}

/// The least that reading can cost: a search through all of it for a delimiter, and one copy.
fn scan_and_copy(request: &Request) -> (Option<usize>, Vec<u8>) {
    let found = memchr::memmem::find(&request.body, b"\r\n--a boundary that is not in it");
    (found, request.body.to_vec())
}

/// The time of one call, what it returns dropped, from several in a row.
fn time<T>(mut call: impl FnMut() -> T) -> Duration {
    const CALLS: u32 = 8;
    let began = Instant::now();
    (0..CALLS).for_each(|_| drop(black_box(call())));
    began.elapsed() / CALLS
}
