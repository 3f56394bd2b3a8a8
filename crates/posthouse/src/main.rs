//! The `posthouse` program: one file per command in [`commands`].

mod commands;
mod complaints;
mod confirm;
mod enclosed;
mod logs;
mod print;
mod progress;
mod running;
mod supervisor;
mod target;
mod times;
mod via;
mod wait;
mod who;

use std::{error::Error, io, num::ParseIntError, process::ExitCode, sync::LazyLock};

use clap::Parser;
use posthouse_core::shown::Shown;

/// A message is some hundreds of short allocations, many of which are freed by another thread than made them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The version, and the commit that it was built from, where whoever built it said so.
static VERSION: LazyLock<String> = LazyLock::new(|| match option_env!("POSTHOUSE_COMMIT") {
    Some(commit) => format!("{} ({commit})", env!("CARGO_PKG_VERSION")),
    None => env!("CARGO_PKG_VERSION").to_owned(),
});

/// The exit code of a command whose reader has left, as a shell tells that of a program which SIGPIPE ended.
const READER_LEFT: u8 = 141;

/// The program.
#[derive(Parser)]
#[command(name = "posthouse", about = commands::ABOUT, version = VERSION.as_str(), propagate_version = true, arg_required_else_help = true)]
struct Program {
    #[command(subcommand)]
    command: commands::Command,
}

fn main() -> ExitCode {
    let _last = logs::LastWords;
    let program = match Program::try_parse() {
        Ok(program) => program,
        Err(error) => return misunderstood(error),
    };
    match commands::run(program.command) {
        Ok(code) => code,
        // `posthouse messages list | head`: the reader has what it wanted, and there is nothing to tell.
        Err(error) if has_lost_its_reader(&error) => ExitCode::from(READER_LEFT),
        Err(error) => {
            complaints::complain(&error);
            complaints::exit_code(&error)
        }
    }
}

/// Whether nobody reads any more what a command prints.
fn has_lost_its_reader(error: &anyhow::Error) -> bool {
    let printing = error.chain().next().and_then(|outermost| outermost.downcast_ref::<io::Error>());
    printing.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Tells what is wrong with the arguments, which may be pasted from what strangers wrote; or help, where that was asked for.
fn misunderstood(error: clap::Error) -> ExitCode {
    if !error.use_stderr() {
        error.exit();
    }
    let arguments = std::env::args_os().map(|argument| Shown(&argument.to_string_lossy()).to_string());
    // It is wrong in the same way, and what is quoted is harmless.
    let error = Program::try_parse_from(arguments).err().unwrap_or(error);
    let told = error.render().to_string();
    // What the standard library says of a number names no remedy.
    let is_no_number = Error::source(&error).is_some_and(|source| source.is::<ParseIntError>());
    let told = match (is_no_number, told.split_once('\n')) {
        (true, Some((first, rest))) => format!("{first}; write a whole number\n{rest}"),
        _ => told,
    };
    // Nothing can be done where stderr itself is gone.
    let _ = print::stderr().text(&told);
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}
