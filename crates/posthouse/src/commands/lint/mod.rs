//! `posthouse lint`: what is wrong with a raw MM7 request, what each dialect answers, and what would put it right.

mod json;
mod provisioned;
mod text;

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use mm7::Dialect;
use posthouse_core::lint::{Fixed, LintReport, Options};

use crate::{
    complaints::{complain, unreadable},
    print::{self, Printer},
    target::GatewayAddress,
};

/// The largest file that is read, in bytes.
const MAX_FILE: u64 = 64 * 1024 * 1024;

/// The exit code for a file that cannot be read.
const UNREADABLE: u8 = 2;

const HELP: &str = "\
Examples:
  posthouse lint request.http
  posthouse lint request.http --dialect 3gpp --json
  posthouse lint request.http --fix --output fixed.http
  posthouse send --vaspid k --from 111122 --to 16175550100 --text hi --dry-run | posthouse lint -
  posthouse lint request.http --account acme --url http://gateway.example:8080

With --account a gateway judges it, by all that is provisioned of that account: its services, senders, blacklist, the recipient's carrier and \
what that takes.

The file is an HTTP request as it went over the wire (head, blank line, body; line ends may be LF), or a body alone: \
an envelope, or a multipart that begins with its boundary. Answers and carriers' requests are judged by the rules of \
the format alone.

Exit code: 0 accepted by the dialect, 1 refused, 2 the file cannot be read.";

/// The arguments of `posthouse lint`.
#[derive(clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// The request; - is stdin
    file: PathBuf,
    /// The dialect that the exit code goes by: posthouse, skycore, sinch, 3gpp, cmcc
    #[arg(long, value_name = "NAME", default_value = "posthouse", value_parser = dialect)]
    dialect: &'static Dialect,
    /// The longest body that is taken, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 5 * 1024 * 1024)]
    max_request_bytes: u64,
    /// Write a corrected request to stdout, and what is still wrong to stderr
    #[arg(long)]
    fix: bool,
    /// Where the corrected request goes instead of stdout
    #[arg(long, value_name = "FILE", requires = "fix")]
    output: Option<PathBuf>,
    /// Judged by what is provisioned of this account; a gateway has to run
    #[arg(long, value_name = "NAME", conflicts_with_all = ["fix", "dialect", "max_request_bytes"])]
    account: Option<String>,
    /// Of --account: the configuration that says where the store is; without one, $POSTHOUSE_CONFIG, ./posthouse.toml, /etc/posthouse/posthouse.toml, else ./posthouse-data
    #[arg(short, long, value_name = "FILE", requires = "account")]
    config: Option<PathBuf>,
    #[command(flatten)]
    gateway: GatewayAddress,
    /// Print one JSON object; with --fix it needs --output
    #[arg(long)]
    json: bool,
}

fn dialect(name: &str) -> Result<&'static Dialect, String> {
    let names = || Dialect::ALL.map(|dialect| dialect.name).join(", ");
    Dialect::by_name(name).ok_or_else(|| format!("there is no such dialect; there are {}", names()))
}

/// Judges the file, or mends it.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if args.json && args.fix && args.output.is_none() {
        anyhow::bail!("the report and the corrected request cannot both go to stdout: add --output FILE");
    }
    let file = match read(&args.file) {
        Ok(file) => file,
        Err(error) => {
            complain(&error);
            return Ok(ExitCode::from(UNREADABLE));
        }
    };
    if let Some(account) = &args.account {
        return provisioned::run(args, account, file);
    }
    let options = Options { max_request_bytes: args.max_request_bytes, ..Options::default() };
    let report = LintReport::read(file.into(), &options);
    if args.fix { fix(args, &report) } else { tell(args, &report) }
}

/// Reads a file, or stdin, whole.
fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let name = name_of(path);
    let unreadable = |error: io::Error| unreadable(&name, error);
    if path == Path::new("-") {
        io::stdin().lock().take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    } else {
        let file = File::open(path).map_err(unreadable)?;
        file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    }
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    anyhow::ensure!(length <= MAX_FILE, "{name} is longer than the {MAX_FILE} bytes that are read");
    Ok(bytes)
}

/// How the file is called in what is told of it.
fn name_of(path: &Path) -> String {
    if path == Path::new("-") { "stdin".to_owned() } else { path.display().to_string() }
}

fn tell(args: &Args, report: &LintReport) -> anyhow::Result<ExitCode> {
    let mut out = print::stdout();
    let name = name_of(&args.file);
    if args.json {
        out.json(&json::report(&name, report, args.dialect, None))?;
    } else {
        out.text(&text::report(&name, report))?;
    }
    Ok(exit_code(report, args.dialect))
}

fn exit_code(report: &LintReport, dialect: &Dialect) -> ExitCode {
    if report.verdict(dialect).is_accepted() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn fix(args: &Args, report: &LintReport) -> anyhow::Result<ExitCode> {
    let name = name_of(&args.file);
    let fixed = report.fix(args.dialect).with_context(|| format!("{name} cannot be corrected"))?;
    let code = exit_code(&fixed.report, args.dialect);
    match &args.output {
        Some(path) => {
            std::fs::write(path, &fixed.bytes).with_context(|| {
                format!(
                    "{} cannot be written; give a place where you may write with --output",
                    path.display()
                )
            })?;
            told_of_fixed(args, report, &fixed, &path.display().to_string(), &mut print::stdout())?;
        }
        None => {
            print::stdout().bytes(&fixed.bytes)?;
            told_of_fixed(args, report, &fixed, "the corrected request", &mut print::stderr())?;
        }
    }
    Ok(code)
}

fn told_of_fixed(
    args: &Args,
    report: &LintReport,
    fixed: &Fixed,
    name: &str,
    out: &mut Printer,
) -> io::Result<()> {
    if args.json {
        let source = name_of(&args.file);
        return out.json(&json::report(&source, report, args.dialect, Some(fixed)));
    }
    out.text(&text::fixed(name, report, fixed))
}
