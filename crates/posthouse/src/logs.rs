//! Logs, on stderr.

use std::io::{self, IsTerminal};

use anyhow::Context;
use tracing_subscriber::{Layer, filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

/// The environment variable that says what is logged.
pub const VARIABLE: &str = "POSTHOUSE_LOG";

/// How logs are written.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

/// Starts logging, at the levels that `POSTHOUSE_LOG` says.
///
/// # Errors
/// The variable cannot be read, or logging was started before.
pub fn init(format: Format) -> anyhow::Result<()> {
    let wanted = std::env::var(VARIABLE).unwrap_or_else(|_| "info".to_owned());
    let levels: Targets = wanted
        .parse()
        .with_context(|| format!("{VARIABLE}={wanted} cannot be read; write a level or target=level,…"))?;
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    let lines = match format {
        Format::Text => lines.with_ansi(io::stderr().is_terminal()).boxed(),
        Format::Json => lines.json().flatten_event(true).boxed(),
    };
    tracing_subscriber::registry()
        .with(lines.with_filter(levels))
        .try_init()
        .context("logging was started before")
}
