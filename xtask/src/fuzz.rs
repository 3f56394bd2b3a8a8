//! `cargo xtask fuzz [--seconds N] [--no-vectors]`: the fuzz targets over every vector, then over what libFuzzer thinks of for a while.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;
use crate::invocation::{Invocation, answers};

/// For how long each target runs when nothing is said.
const SECONDS: u32 = 30;
/// The targets: the files in `fuzz/fuzz_targets`.
const TARGETS: [&str; 6] = ["envelope", "heads", "lint", "multipart", "request", "round_trip"];
/// The targets as an ordinary test, which every compiler runs. Of the whole workspace, so that nothing is built that `cargo xtask test`
/// has not built: a package alone would have other features of what it depends on.
const OVER_THE_VECTORS: Invocation =
    Invocation::cargo(&["test", "--workspace", "--test", "it", "fuzz_targets::"]);
/// cargo-fuzz needs the sanitizers of a nightly compiler.
const NIGHTLY_FUZZ: [&str; 4] = ["run", "nightly", "cargo", "fuzz"];

pub fn run(arguments: &[String]) -> Result<(), Failure> {
    let Options { seconds, vectors } = Options::read(arguments)?;
    if vectors {
        OVER_THE_VECTORS.run()?;
    }
    if !answers("rustup", &[&NIGHTLY_FUZZ[..], &["--version"]].concat()) {
        println!(
            "no cargo-fuzz with a nightly compiler: the targets run over the vectors and their mutations only"
        );
        return Ok(());
    }
    TARGETS.iter().try_for_each(|target| fuzz(target, seconds))
}

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
struct Options {
    /// How long libFuzzer runs for each target.
    seconds: u32,
    /// Whether the targets run over the vectors first.
    vectors: bool,
}

impl Options {
    fn read(arguments: &[String]) -> Result<Self, Failure> {
        let mut read = Self { seconds: SECONDS, vectors: true };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--no-vectors" => read.vectors = false,
                "--seconds" => {
                    let number = arguments.next().and_then(|number| number.parse().ok());
                    read.seconds = number.ok_or(Failure::Usage(crate::USAGE))?;
                }
                _ => return Err(Failure::Usage(crate::USAGE)),
            }
        }
        Ok(read)
    }
}

/// Runs one target. What it learns is kept in `fuzz/corpus`, what it finds in `fuzz/artifacts`; neither is committed.
fn fuzz(target: &str, seconds: u32) -> Result<(), Failure> {
    let learnt = Path::new("fuzz/corpus").join(target);
    let path = crate::root().join(&learnt);
    fs::create_dir_all(&path).map_err(|source| Failure::Write { path, source })?;
    let arguments = arguments(target, &learnt, seconds);
    let line = arguments.iter().map(|argument| argument.to_string_lossy()).collect::<Vec<_>>().join(" ");
    let command = format!("rustup {line}");
    println!("fuzz: {command}");
    let status = Command::new("rustup").args(&arguments).current_dir(crate::root()).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failure::Command {
            command,
            code: status.code().and_then(|code| code.try_into().ok()).unwrap_or(1),
        }),
        Err(source) => Err(Failure::Start { command, source }),
    }
}

fn arguments(target: &str, learnt: &Path, seconds: u32) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = NIGHTLY_FUZZ.iter().map(OsString::from).collect();
    // Optimised, with checks of overflow; the folder is said since the root is another workspace.
    let options = ["run", "--fuzz-dir", "fuzz", "--release", "--debug-assertions", target];
    arguments.extend(options.iter().map(OsString::from));
    let seeds = [learnt.to_owned(), PathBuf::from("crates/mm7/vectors")];
    arguments.extend(seeds.into_iter().map(OsString::from));
    let bounds = ["--", "-dict=fuzz/mm7.dict", "-timeout=10", "-rss_limit_mb=2048"];
    arguments.extend(bounds.iter().map(OsString::from));
    arguments.push(format!("-max_total_time={seconds}").into());
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_has_its_file() {
        let entries = fs::read_dir(crate::root().join("fuzz/fuzz_targets")).unwrap();
        let mut files: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        files.sort();
        assert_eq!(files, TARGETS.map(|target| format!("{target}.rs")));
    }

    #[test]
    fn the_time_is_a_number_of_seconds_and_vectors_can_be_left_out() {
        let read = |arguments: &[&str]| {
            let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
            Options::read(&arguments).ok().map(|read| (read.seconds, read.vectors))
        };
        assert_eq!(read(&[]), Some((30, true)));
        assert_eq!(read(&["--seconds", "600"]), Some((600, true)));
        assert_eq!(read(&["--seconds", "10", "--no-vectors"]), Some((10, false)));
        assert_eq!(read(&["--no-vectors"]), Some((30, false)));
        assert_eq!(read(&["--seconds", "soon"]), None);
        assert_eq!(read(&["--seconds"]), None);
        assert_eq!(read(&["600"]), None);
    }
}
