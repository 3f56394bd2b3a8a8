//! `posthouse openapi`: the admin API as an OpenAPI document.

use std::process::ExitCode;

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
    print::stdout().bytes(text().as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(not(feature = "openapi"))]
const fn text() -> &'static str {
    posthouse_gateway::admin::openapi::TEXT
}

/// Made of the code: what `cargo xtask docs` writes.
#[cfg(feature = "openapi")]
fn text() -> &'static str {
    posthouse_gateway::admin::openapi_writer::text()
}
