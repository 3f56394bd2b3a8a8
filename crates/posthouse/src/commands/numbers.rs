//! `posthouse blacklist import|export` and `posthouse ranges import|export`: lists of numbers in CSV.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Cursor, Read as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{anyhow, ensure};
use posthouse_api::{NumbersImported, ProblemDetails, ProblemError};
use posthouse_core::{counted::counted, provisioning::csv::NumberList};

use crate::{
    complaints::{Several, unreadable},
    print,
    target::StoreArgs,
    via::Via,
    wait::wait_for,
};

/// The most of standard input that is read, in bytes: ten million numbers or more.
const LONGEST: u64 = 256 << 20;
/// The longest line, in bytes.
const LONGEST_LINE: u64 = 4096;
/// How much is sent at a time, in bytes.
const PART: usize = 1 << 20;

/// The arguments of `posthouse ranges`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Add the ranges of a list in CSV
    Import(ImportNumbers),
    /// Print all ranges as CSV
    Export(ExportNumbers),
}

/// Does one of them to the ranges.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.command {
        Command::Import(args) => import(args, NumberList::Ranges),
        Command::Export(args) => export(args, NumberList::Ranges),
    }
}

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse blacklist import numbers.csv --reason \"asked us to\"
  posthouse blacklist import - --dry-run
  posthouse ranges import ranges.csv

A line of a blacklist is number,account; without an account the number gets nothing from any. One of ranges is prefix,carrier. A first line \
that names the columns is passed over. Numbers are added to those there are. All lines are read before the first number is added, and those that \
are wrong are told with their numbers. They are added some hundreds at a time, so that messages are taken meanwhile: each batch is a revision, and \
`posthouse provisioning rollback` takes them back together. In force within a second.")]
pub struct ImportNumbers {
    #[command(flatten)]
    store: StoreArgs,
    /// The list; - reads standard input
    file: PathBuf,
    /// Only read it, and say what is wrong
    #[arg(long)]
    dry_run: bool,
}

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse blacklist export > numbers.csv
  posthouse ranges export > ranges.csv")]
pub struct ExportNumbers {
    #[command(flatten)]
    store: StoreArgs,
}

/// Adds a list.
pub(super) fn import(args: &ImportNumbers, list: NumberList) -> anyhow::Result<ExitCode> {
    let (settings, name) = (args.store.settings()?, args.file.display().to_string());
    let source = Source::of(&args.file).map_err(|error| unreadable(&name, error))?;
    let imported = wait_for(async {
        let via = Via::open(&settings, &args.store.gateway).await?;
        // What is wrong with any line is told before anything is done.
        let mut imported = all(&via, list, &source, true).await;
        if !args.dry_run && imported.is_ok() {
            imported = all(&via, list, &source, false).await;
        }
        via.close().await?;
        imported
    });
    let imported = imported.map_err(|error| in_lines(&name, error))?;
    let mut out = print::stdout();
    let NumbersImported { numbers, revision, .. } = imported;
    let counted = counted(numbers, "number");
    match (args.store.json, args.dry_run) {
        (true, _) => out.json(&imported)?,
        (false, true) => writeln!(out, "{counted} can be added to the {list}; nothing was changed")?,
        (false, false) => {
            let are = if numbers == 1 { "is" } else { "are" };
            writeln!(out, "{counted} {are} in the {list}; provisioning is at revision {revision}")?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Mistakes of lines are told with the file, a line for each.
fn in_lines(name: &str, error: anyhow::Error) -> anyhow::Error {
    match error.downcast_ref::<ProblemDetails>() {
        Some(problem) if problem.errors.iter().any(|error| error.line.is_some()) => {
            let line = |error: &ProblemError| {
                let remedy = error.remedy.as_ref().map(|remedy| format!("; {remedy}")).unwrap_or_default();
                format!("{name}:{}: {}{remedy}", error.line.unwrap_or(1), error.detail)
            };
            Several(problem.errors.iter().map(line).collect()).into()
        }
        _ => error,
    }
}

/// Sends a list, a part at a time.
async fn all(via: &Via, list: NumberList, source: &Source, dry_run: bool) -> anyhow::Result<NumbersImported> {
    let mut lines = source.lines()?;
    let mut imported = NumbersImported { numbers: 0, revision: 0, dry_run };
    let mut first = 1;
    loop {
        let (part, count) = part(&mut *lines, first)?;
        // An empty list is sent too: what is asked for is refused where it may not be asked for.
        if count == 0 && first > 1 {
            return Ok(imported);
        }
        let some = via.import_numbers(list, &part, first, dry_run).await?;
        imported = NumbersImported { numbers: imported.numbers + some.numbers, ..some };
        if count == 0 {
            return Ok(imported);
        }
        first += count;
    }
}

/// The next lines, and how many they are.
fn part(lines: &mut dyn BufRead, first: usize) -> anyhow::Result<(String, usize)> {
    let (mut part, mut count) = (String::new(), 0);
    while part.len() < PART {
        let mut line = Vec::new();
        if lines.take(LONGEST_LINE).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        let number = first + count;
        ensure!(
            line.ends_with(b"\n") || (line.len() as u64) < LONGEST_LINE,
            "line {number} is longer than {LONGEST_LINE} bytes; a list has a number in a line"
        );
        let line =
            String::from_utf8(line).map_err(|_| anyhow!("line {number} is not UTF-8; save it as UTF-8"))?;
        part.push_str(&line);
        count += 1;
    }
    Ok((part, count))
}

/// Where a list is read from, as often as it has to be.
enum Source {
    File(PathBuf),
    Input(Vec<u8>),
}

impl Source {
    fn of(path: &Path) -> anyhow::Result<Self> {
        if path.as_os_str() != "-" {
            File::open(path)?;
            return Ok(Self::File(path.to_owned()));
        }
        let mut input = Vec::new();
        io::stdin().lock().take(LONGEST + 1).read_to_end(&mut input)?;
        ensure!(input.len() as u64 <= LONGEST, "it is longer than 256 MiB; save it to a file");
        Ok(Self::Input(input))
    }

    fn lines(&self) -> io::Result<Box<dyn BufRead + '_>> {
        Ok(match self {
            Self::File(path) => Box::new(BufReader::new(File::open(path)?)),
            Self::Input(input) => Box::new(Cursor::new(input)),
        })
    }
}

/// Prints a list.
pub(super) fn export(args: &ExportNumbers, list: NumberList) -> anyhow::Result<ExitCode> {
    let settings = args.store.settings()?;
    let mut out = print::stdout();
    let (mut whole, mut next) = (String::new(), None::<String>);
    wait_for(async {
        let via = Via::open(&settings, &args.store.gateway).await?;
        loop {
            let (text, more) = via.export_numbers(list, next.as_deref()).await?;
            match args.store.json {
                true => whole.push_str(&text),
                false => out.text(&text)?,
            }
            next = more;
            if next.is_none() {
                return via.close().await;
            }
        }
    })?;
    if args.store.json {
        out.json(&serde_json::json!({ "csv": whole }))?;
    }
    Ok(ExitCode::SUCCESS)
}
