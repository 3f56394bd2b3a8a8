//! `posthouse codes`: explains status codes and delivery statuses.

mod glossary;
mod json;
mod markdown;
mod text;

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use mm7::{MmStatus, StatusCode};
use posthouse_core::codes::{Page, StatusPage};

use crate::print;

const HELP: &str = "\
Examples:
  posthouse codes                                    every code in a line
  posthouse codes 2513                               what raises it, what to do, whether to retry
  posthouse codes Expired
  posthouse codes 2513 --example | posthouse lint -  a request that raises it
  posthouse codes --glossary                         the words of the documentation";

/// The arguments of `posthouse codes`.
#[derive(clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// A status code (2513) or a delivery status (Expired); without one, all are listed
    code: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Print a request that raises the code, as it goes over the wire
    #[arg(long, conflicts_with = "json", requires = "code")]
    example: bool,
    /// Explain the words of the documentation: VASP, MO, lane, row and so on
    #[arg(long, conflicts_with_all = ["json", "example", "code"])]
    glossary: bool,
    /// Print docs/codes.md; with --glossary, docs/glossary.md
    #[arg(long, hide = true, conflicts_with_all = ["json", "example", "code"])]
    markdown: bool,
}

/// What is explained.
enum Subject {
    Code(&'static Page),
    Status(&'static StatusPage),
}

/// Explains one code, or lists all.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let subject = args.code.as_deref().map(select).transpose()?;
    let mut out = print::stdout();
    if args.example {
        let Some(Subject::Code(page)) = subject else {
            bail!("a delivery status has no request of its own: `posthouse codes 1000 --example` prints one");
        };
        out.bytes(&page.request())?;
        return Ok(ExitCode::SUCCESS);
    }
    match (subject, args.json) {
        _ if args.glossary && args.markdown => out.text(&glossary::document())?,
        _ if args.glossary => out.text(&glossary::text())?,
        _ if args.markdown => out.text(&markdown::document())?,
        (None, false) => out.text(&text::list())?,
        (None, true) => out.json(&json::all())?,
        (Some(Subject::Code(page)), false) => out.text(&text::code(page))?,
        (Some(Subject::Code(page)), true) => out.json(&json::code(page))?,
        (Some(Subject::Status(page)), false) => out.text(&text::status(page))?,
        (Some(Subject::Status(page)), true) => out.json(&json::status(page))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn select(wanted: &str) -> anyhow::Result<Subject> {
    let code = wanted.parse().ok().and_then(StatusCode::from_code).and_then(Page::of);
    let status = || MmStatus::ALL.iter().find(|status| status.as_str().eq_ignore_ascii_case(wanted));
    let status = || status().and_then(|status| StatusPage::of(*status));
    let found = code.map(Subject::Code).or_else(|| status().map(Subject::Status));
    found.with_context(|| {
        format!(
            "{wanted} is no status code or delivery status of the table; `posthouse codes` lists them all"
        )
    })
}
