//! `posthouse codes`: explains status codes and delivery statuses.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use anyhow::bail;
use mm7::{MmStatus, StatusCode};
use serde_json::json;

/// The arguments of `posthouse codes`.
#[derive(clap::Args)]
#[command(after_help = "Example: posthouse codes 2513")]
pub struct Args {
    /// A status code (2513) or a delivery status (Expired); without one, all are listed
    code: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Prints one row of the tables, or all of them.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let (codes, statuses) = select(args.code.as_deref())?;
    let mut out = io::stdout().lock();
    if args.json {
        print_json(&mut out, &codes, &statuses)?
    } else {
        print_text(&mut out, &codes, &statuses)?
    }
    Ok(ExitCode::SUCCESS)
}

fn select(wanted: Option<&str>) -> anyhow::Result<(Vec<StatusCode>, Vec<MmStatus>)> {
    let Some(wanted) = wanted else {
        return Ok((StatusCode::ALL.to_vec(), MmStatus::ALL.to_vec()));
    };
    let code = wanted.parse().ok().and_then(StatusCode::from_code);
    let status = MmStatus::ALL.iter().copied().find(|status| status.as_str().eq_ignore_ascii_case(wanted));
    if code.is_none() && status.is_none() {
        bail!("{wanted} is no status code or delivery status of the table; `posthouse codes` lists them all");
    }
    Ok((code.into_iter().collect(), status.into_iter().collect()))
}

fn print_text(out: &mut impl Write, codes: &[StatusCode], statuses: &[MmStatus]) -> io::Result<()> {
    for code in codes {
        writeln!(out, "{code}")?;
        if let Some(details) = code.details() {
            writeln!(out, "     {details}")?;
        }
    }
    if !codes.is_empty() && !statuses.is_empty() {
        writeln!(out)?;
    }
    for status in statuses {
        writeln!(out, "{status}\n     {}", status.description())?;
    }
    Ok(())
}

fn print_json(out: &mut impl Write, codes: &[StatusCode], statuses: &[MmStatus]) -> io::Result<()> {
    let codes: Vec<_> = codes
        .iter()
        .map(|code| json!({"code": code.code(), "text": code.text(), "details": code.details()}))
        .collect();
    let statuses: Vec<_> = statuses
        .iter()
        .map(|status| json!({"status": status.as_str(), "text": status.text(), "description": status.description()}))
        .collect();
    writeln!(out, "{}", json!({"status_codes": codes, "delivery_statuses": statuses}))
}
