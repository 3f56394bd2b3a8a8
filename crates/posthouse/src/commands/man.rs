//! `posthouse man`: manual pages, one for each command.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use clap_mangen::Man;

use super::named;
use crate::print;

/// The arguments of `posthouse man`.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse man man1 && man man1/posthouse-messages-list.1
  posthouse man /usr/share/man/man1

A page for each command, from what --help says.")]
pub struct Args {
    /// The folder that they go into, which is made where it is not there
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

/// Writes them.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let folder = &args.folder;
    let unwritable = || format!("{} cannot be written; name a folder where you may write", folder.display());
    fs::create_dir_all(folder).with_context(unwritable)?;
    let mut program = named();
    program.build();
    let pages = pages(&program, folder).with_context(unwritable)?;
    writeln!(print::stdout(), "{pages} pages are in {}", folder.display())?;
    Ok(ExitCode::SUCCESS)
}

/// Writes the page of a command and those below it. How many that are.
fn pages(command: &clap::Command, folder: &Path) -> std::io::Result<usize> {
    let mut count = 1;
    Man::new(command.clone()).generate_to(folder)?;
    for below in command.get_subcommands().filter(|below| below.get_name() != "help" && !below.is_hide_set())
    {
        count += pages(below, folder)?;
    }
    Ok(count)
}
