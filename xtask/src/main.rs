//! Tasks of the project, each in its own file: `cargo xtask test`, `fuzz`, `deps`, `docs`, `pictures`, `tidy`, `ci`.
#![expect(clippy::print_stdout, reason = "a task speaks to the person at the terminal")]
#![expect(clippy::print_stderr, reason = "a task speaks to the person at the terminal")]

mod ci;
mod deps;
mod docs;
mod failure;
mod fuzz;
mod invocation;
mod metadata;
mod pictures;
mod spdx;
mod test;
mod tidy;

use std::path::Path;
use std::process::ExitCode;

use failure::Failure;

const USAGE: &str = "\
usage: cargo xtask TASK

  test   run every test, with cargo-nextest where it is installed
  fuzz   run the fuzz targets over every vector (not with --no-vectors), then, where cargo-fuzz
         and a nightly compiler are installed, each for --seconds N (30) over what libFuzzer
         thinks of
  deps   check the dependencies' licences and duplicates, as deny.toml says; where cargo-deny and
         cargo-shear are installed, advisories and unused dependencies, too
  docs   write the documents that follow from the code
  pictures
         take a picture of every page of the web UI into target/pictures, where chromedriver is
         installed
  tidy   check that crates, documents and file names have not drifted apart
  ci     everything else that has to pass before a change lands, then the demo";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match perform(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            failure.exit_code()
        }
    }
}

fn perform(arguments: &[String]) -> Result<(), Failure> {
    let Some((task, options)) = arguments.split_first() else { return Err(Failure::Usage(USAGE)) };
    match (task.as_str(), options) {
        ("test", []) => test::run(),
        ("fuzz", options) => fuzz::run(options),
        ("deps", []) => deps::run(),
        ("docs", []) => docs::run(),
        ("pictures", []) => pictures::run(),
        ("tidy", []) => tidy::run(),
        ("ci", []) => ci::run(),
        ("help" | "--help" | "-h", []) => {
            println!("{USAGE}");
            Ok(())
        }
        _ => Err(Failure::Usage(USAGE)),
    }
}

/// The root of the checkout, wherever in it the task was called.
fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}
