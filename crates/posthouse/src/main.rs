//! The `posthouse` program: one file per command in [`commands`].

mod commands;
mod logs;
mod print;
mod running;

use std::process::ExitCode;

use clap::Parser;

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
    match commands::run(Program::parse().command) {
        Ok(code) => code,
        Err(error) => {
            commands::complain(&error);
            ExitCode::FAILURE
        }
    }
}
