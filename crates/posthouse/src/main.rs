//! The `posthouse` program: one file per command in [`commands`].

mod commands;
mod complaints;
mod confirm;
mod enclosed;
mod logs;
mod print;
mod progress;
mod running;
mod target;
mod times;
mod via;
mod wait;
mod who;

use std::process::ExitCode;

use clap::Parser;
use posthouse_core::shown::Shown;

/// A message is some hundreds of short allocations, many of which are freed by another thread than made them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// MM7 MMS gateway: takes MMS from VASPs, hands them to carriers, brings the reports back.
#[derive(Parser)]
#[command(name = "posthouse", version, propagate_version = true, arg_required_else_help = true)]
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
        Err(error) => {
            complaints::complain(&error);
            complaints::exit_code(&error)
        }
    }
}

/// Tells what is wrong with the arguments, which may be pasted from what strangers wrote; or help, where that was asked for.
fn misunderstood(error: clap::Error) -> ExitCode {
    if !error.use_stderr() {
        error.exit();
    }
    let arguments = std::env::args_os().map(|argument| Shown(&argument.to_string_lossy()).to_string());
    // It is wrong in the same way, and what is quoted is harmless.
    let error = Program::try_parse_from(arguments).err().unwrap_or(error);
    // Nothing can be done where stderr itself is gone.
    let _ = print::stderr().text(&error.render().to_string());
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}
