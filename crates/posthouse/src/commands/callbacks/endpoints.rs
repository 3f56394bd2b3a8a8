//! `posthouse callbacks endpoints`, `pause`, `resume` and `test`.

use std::{io, process::ExitCode};

use posthouse_api::EndpointView;
use serde_json::json;

use crate::{
    print::{self, Printer},
    times::seconds,
    via::ViaArgs,
};

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse callbacks endpoints
  posthouse callbacks endpoints acme --json")]
pub(super) struct Endpoints {
    #[command(flatten)]
    via: ViaArgs,
    /// Only this account's
    account: Option<String>,
}

#[derive(clap::Args)]
#[command(after_help = "\
Example: posthouse callbacks pause acme --reason \"their database is down till six\"

What is owed stays owed, over a restart too. What is being delivered just then, at most eight times the account's window, still goes out.")]
pub(super) struct Pause {
    #[command(flatten)]
    via: ViaArgs,
    /// The account
    account: String,
}

#[derive(clap::Args)]
#[command(after_help = "Example: posthouse callbacks resume acme")]
pub(super) struct Resume {
    #[command(flatten)]
    via: ViaArgs,
    /// The account
    account: String,
}

#[derive(clap::Args)]
#[command(after_help = "\
Example: posthouse callbacks test acme

The report says Indeterminate about a message that never was, with the header X-Posthouse-Test: true. Nothing of it is kept. \
The exit code is 1 when the VASP does not acknowledge it.")]
pub(super) struct Test {
    #[command(flatten)]
    via: ViaArgs,
    /// The account
    account: String,
}

impl Endpoints {
    pub(super) async fn run(&self) -> anyhow::Result<ExitCode> {
        let via = self.via.open().await?;
        let endpoints = via.endpoints(self.account.as_deref()).await?;
        let mut out = print::stdout();
        if self.via.json {
            out.json(&json!({ "endpoints": endpoints }))?;
            return Ok(ExitCode::SUCCESS);
        }
        for endpoint in &endpoints {
            tell(&mut out, endpoint)?;
        }
        if endpoints.is_empty() {
            writeln!(out, "no account has an endpoint")?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Pause {
    pub(super) async fn run(&self) -> anyhow::Result<ExitCode> {
        let endpoint = self.via.ask(async |via| via.pause_endpoint(&self.account).await).await?;
        told(&self.via, &endpoint)
    }
}

impl Resume {
    pub(super) async fn run(&self) -> anyhow::Result<ExitCode> {
        let endpoint = self.via.ask(async |via| via.resume_endpoint(&self.account).await).await?;
        told(&self.via, &endpoint)
    }
}

impl Test {
    pub(super) async fn run(&self) -> anyhow::Result<ExitCode> {
        let via = self.via.open().await?;
        let tested = via.test_endpoint(&self.account).await?;
        let mut out = print::stdout();
        if self.via.json {
            out.json(&tested)?;
        } else if tested.acknowledged {
            writeln!(out, "{} acknowledges it, after {} ms", tested.url, tested.took_ms)?;
        } else {
            writeln!(
                out,
                "{} does not acknowledge it: {} (after {} ms)",
                tested.url, tested.said, tested.took_ms
            )?;
            if !tested.body.is_empty() {
                writeln!(out, "  | {}", tested.body)?;
            }
        }
        Ok(if tested.acknowledged { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn told(via: &ViaArgs, endpoint: &EndpointView) -> anyhow::Result<ExitCode> {
    let mut out = print::stdout();
    match via.json {
        true => out.json(endpoint)?,
        false => tell(&mut out, endpoint)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn tell(out: &mut Printer, endpoint: &EndpointView) -> io::Result<()> {
    let EndpointView { account, owed, failed, .. } = endpoint;
    let oldest = endpoint.oldest.map(|at| format!(", the oldest since {}", seconds(at))).unwrap_or_default();
    writeln!(out, "{account}: {owed} owed{oldest}; {failed} failed for good")?;
    for url in [&endpoint.report_url, &endpoint.deliver_url].into_iter().flatten() {
        writeln!(out, "  to {url}")?;
    }
    if let Some(paused) = &endpoint.paused {
        let reason = if paused.reason.is_empty() { "no reason given" } else { &paused.reason };
        writeln!(out, "  paused since {} by {}: {reason}", seconds(paused.since), paused.by)?;
    }
    if let Some(since) = endpoint.failing_since {
        writeln!(out, "  failing since {}", seconds(since))?;
    }
    if let Some(last) = &endpoint.last_answer {
        writeln!(out, "  last refused {}: {}", seconds(last.at), last.said)?;
    }
    Ok(())
}
