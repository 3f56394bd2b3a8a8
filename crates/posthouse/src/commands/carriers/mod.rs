//! `posthouse carriers`: the mobile operators that are provisioned, and the connections to them.

mod connection;

use std::process::ExitCode;

use posthouse_api::{CarrierView, ConnectionView};

use super::accounts::members;
use crate::{print, target::StoreArgs, via::Via, wait::wait_for};

/// The arguments of `posthouse carriers`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// List the carriers
    List(List),
    /// Show one carrier, with all that is provisioned of it but secrets
    Show(Show),
    /// Let nothing go out over a connection, for a while or till it is resumed
    Suspend(connection::SuspendConnection),
    /// Use a connection again that was suspended
    Resume(connection::ResumeConnection),
    /// Use a connection less than is provisioned, for a while or till that is lifted
    Limit(connection::LimitConnection),
    /// See whether a connection can be reached now
    Probe(connection::ProbeConnection),
}

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse carriers list
  posthouse carriers list --json")]
struct List {
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse carriers show 31003
  posthouse carriers show 31003 --json

How its queue stands is what `posthouse queues` shows.")]
struct Show {
    #[command(flatten)]
    store: StoreArgs,
    /// The carrier's id
    id: String,
}

/// Does one of them.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.command {
        Command::List(args) => list(args),
        Command::Show(args) => show(args),
        Command::Suspend(args) => wait_for(args.run()),
        Command::Resume(args) => wait_for(args.run()),
        Command::Limit(args) => wait_for(args.run()),
        Command::Probe(args) => wait_for(args.run()),
    }
}

fn list(args: &List) -> anyhow::Result<ExitCode> {
    let settings = args.store.settings()?;
    let carriers = wait_for(async {
        let via = Via::open(&settings, &args.store.gateway).await?;
        let carriers = via.carriers().await;
        via.close().await?;
        carriers
    })?;
    let mut out = print::stdout();
    if args.store.json {
        out.json(&serde_json::json!({ "items": carriers, "next": null }))?;
        return Ok(ExitCode::SUCCESS);
    }
    if carriers.is_empty() {
        writeln!(out, "no carrier is provisioned")?;
    }
    for CarrierView { id, name, connections, .. } in &carriers {
        let links: Vec<_> = connections.iter().map(|connection| connection.name.as_str()).collect();
        let links = if links.is_empty() { "no connection".to_owned() } else { links.join(" ") };
        writeln!(out, "{id:<12} {name:<30} {links}")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn show(args: &Show) -> anyhow::Result<ExitCode> {
    let settings = args.store.settings()?;
    let (carrier, connections) = wait_for(async {
        let via = Via::open(&settings, &args.store.gateway).await?;
        let carrier = via.carrier(&args.id).await;
        let connections = if carrier.is_ok() { via.connections(&args.id).await } else { Ok(Vec::new()) };
        via.close().await?;
        Ok((carrier?, connections?))
    })?;
    let mut out = print::stdout();
    if args.store.json {
        out.json(&carrier)?;
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(out, "carrier {} ({})", carrier.id, carrier.name)?;
    for ConnectionView { name, url, dialect, priority, weight, window, per_second } in &carrier.connections {
        let rate = per_second.map_or("any rate".to_owned(), |rate| format!("{rate} a second"));
        writeln!(
            out,
            "  connection {name}: {url}, {dialect}, window {window}, {rate}, priority {priority}, weight {weight}"
        )?;
        for status in connections.iter().filter(|status| status.name == *name) {
            connection::overrides(&mut out, status)?;
        }
    }
    members(&mut out, "", &carrier.document, &["id", "name", "connection"])?;
    Ok(ExitCode::SUCCESS)
}
