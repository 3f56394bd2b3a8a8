//! `posthouse drain` and `posthouse undrain`: a gateway takes nothing new, and does again.

use std::{path::PathBuf, process::ExitCode};

use posthouse_api::NodeView;
use posthouse_gateway::config::Settings;
use serde_json::json;

use crate::{
    print, running,
    target::{GatewayAddress, settings_of},
    wait::wait_for,
};

/// The arguments of both.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse drain -c /etc/posthouse.toml         (before an upgrade, or to take the node out of a balancer)
  posthouse undrain --url http://gateway.example:8080

A gateway that is drained answers new messages with 3510 at once, and /readyz with 503; what it has goes out, and reports and messages from handsets are \
taken. It lasts till undrain, or till the process ends. `posthouse queues` tells when nothing waits any more.")]
pub struct Args {
    /// The configuration that says where the store is; without one, $POSTHOUSE_CONFIG, ./posthouse.toml, /etc/posthouse/posthouse.toml, else ./posthouse-data
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    gateway: GatewayAddress,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Drains the gateway, or takes that back.
pub fn run(args: &Args, drain: bool) -> anyhow::Result<ExitCode> {
    let settings = settings_of(args.config.as_deref())?;
    let node = wait_for(change(args, &settings, drain))?;
    let mut out = print::stdout();
    if args.json {
        out.json(&json!({ "node": node }))?;
        return Ok(ExitCode::SUCCESS);
    }
    let pid = node.pid.unwrap_or_default();
    match drain {
        true => writeln!(out, "the gateway (process {pid}) takes nothing new; what it has goes out")?,
        false => writeln!(out, "the gateway (process {pid}) takes new messages")?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn change(args: &Args, settings: &Settings, drain: bool) -> anyhow::Result<NodeView> {
    let api = running::required(settings, &args.gateway).await?;
    Ok(api.drain(drain).await?)
}
