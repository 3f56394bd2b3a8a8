//! `posthouse completions`: what a shell needs to complete commands.

use std::process::ExitCode;

use clap_complete::{Shell, generate};

use super::named;
use crate::print;

/// The arguments of `posthouse completions`.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse completions bash > /usr/share/bash-completion/completions/posthouse
  posthouse completions zsh > /usr/share/zsh/site-functions/_posthouse
  posthouse completions fish > ~/.config/fish/completions/posthouse.fish")]
pub struct Args {
    /// Which shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// Prints it.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    let mut program = named();
    let name = program.get_name().to_owned();
    generate(args.shell, &mut program, name, &mut script);
    print::stdout().bytes(&script)?;
    Ok(ExitCode::SUCCESS)
}
