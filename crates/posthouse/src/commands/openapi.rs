//! `posthouse openapi`: the admin API as an OpenAPI document.

use std::process::ExitCode;

use posthouse_gateway::admin::openapi;

use crate::print;

/// The arguments of `posthouse openapi`.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse openapi > openapi.json

The same as a gateway gives out at /api/v1/openapi.json. See docs/api.md.")]
pub struct Args {}

/// Prints it.
pub fn run(_: &Args) -> anyhow::Result<ExitCode> {
    print::stdout().bytes(openapi::text().as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
