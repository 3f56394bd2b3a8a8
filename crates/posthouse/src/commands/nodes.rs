//! `posthouse nodes` and `posthouse log-level`: the nodes that serve a store, and what one of them logs.

use std::process::ExitCode;

use posthouse_api::{LogLevelRequest, LogLevelView, NodeView};

use crate::{print, running, target::StoreArgs, wait::wait_for};

/// The arguments of `posthouse nodes`.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse nodes -c /etc/posthouse.toml
  posthouse nodes --url http://gateway.example:8080 --json")]
pub struct Args {
    #[command(flatten)]
    store: StoreArgs,
}

/// The arguments of `posthouse log-level`.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse log-level debug
  posthouse log-level posthouse_gateway=debug,info --url http://gateway.example:8080 --reason INC-7
  posthouse log-level info

It counts at once, for the gateway that is asked alone, and stronger than POSTHOUSE_LOG; till its process ends, or reads its configuration again by \
SIGHUP. The audit log has it.")]
pub struct LogLevelArgs {
    #[command(flatten)]
    store: StoreArgs,
    /// off, error, warn, info, debug or trace; or levels of parts, such as posthouse_gateway=debug,info
    level: String,
}

/// Prints the nodes.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let settings = args.store.settings()?;
    let nodes = wait_for(async {
        let api = running::required(&settings, &args.store.gateway).await?;
        Ok(api.nodes().await?.items)
    })?;
    let mut out = print::stdout();
    if args.store.json {
        out.json(&serde_json::json!({ "nodes": nodes }))?;
        return Ok(ExitCode::SUCCESS);
    }
    for node in &nodes {
        let NodeView { node: name, address, version, revision, draining, stopping, alive, .. } = node;
        let state = match (alive, stopping, draining) {
            (false, ..) => "not heard of lately",
            (true, true, _) => "stopping",
            (true, false, true) => "takes nothing new",
            (true, false, false) => "serves",
        };
        let process = node.pid.map(|pid| format!("  process {pid}")).unwrap_or_default();
        writeln!(out, "{name:<5} {address}{process}  version {version}  revision {revision}  {state}")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Sets what a gateway logs.
pub fn run_log_level(args: &LogLevelArgs) -> anyhow::Result<ExitCode> {
    let settings = args.store.settings()?;
    let set = wait_for(async {
        let api = running::required(&settings, &args.store.gateway).await?;
        Ok(api.set_log_level(&LogLevelRequest { level: args.level.clone() }).await?)
    })?;
    let mut out = print::stdout();
    if args.store.json {
        out.json(&set)?;
    } else {
        let LogLevelView { level, before, .. } = &set;
        writeln!(out, "the gateway logs at {level} (before: {before}), till it restarts or gets a SIGHUP")?;
    }
    Ok(ExitCode::SUCCESS)
}
