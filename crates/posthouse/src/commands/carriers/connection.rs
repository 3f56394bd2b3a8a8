//! `posthouse carriers suspend`, `resume`, `limit` and `probe`.

use std::{io, process::ExitCode};

use jiff::Timestamp;
use posthouse_api::{ConnectionStatus, LimitRequest, SuspendRequest};
use posthouse_core::{duration, time::after};

use crate::{
    print::{self, Printer},
    times::seconds,
    via::ViaArgs,
};

/// Which connection.
#[derive(clap::Args)]
struct Which {
    /// The carrier's id
    carrier: String,
    /// The connection's name
    connection: String,
}

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse carriers suspend 31003 vzw-1 --until 2h --reason \"their maintenance\"
  posthouse carriers suspend 31003 vzw-1 --until 2026-11-29T06:00:00Z

Messages go over the carrier's other connections; where each of them is suspended, they wait, and in relay mode are answered 3500. What is under \
way still ends. It counts over restarts and on every node, and ends by itself at its time.")]
pub(super) struct SuspendConnection {
    #[command(flatten)]
    via: ViaArgs,
    #[command(flatten)]
    which: Which,
    /// When it is used again: in 30m, or at 2026-11-29T06:00:00Z; without, once it is resumed
    #[arg(long, value_name = "TIME", value_parser = time_to_come)]
    until: Option<Timestamp>,
}

#[derive(clap::Args)]
#[command(after_help = "\
Example: posthouse carriers resume 31003 vzw-1

What waited for it goes at once, within its rate. A limit stays; `posthouse carriers limit --lift` ends that.")]
pub(super) struct ResumeConnection {
    #[command(flatten)]
    via: ViaArgs,
    #[command(flatten)]
    which: Which,
}

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse carriers limit 31003 vzw-1 --window 2 --per-second 5 --until 1h
  posthouse carriers limit 31003 vzw-1 --lift

A limit above what is provisioned changes nothing. It counts over restarts and on every node, and ends by itself at its time.")]
pub(super) struct LimitConnection {
    #[command(flatten)]
    via: ViaArgs,
    #[command(flatten)]
    which: Which,
    /// Requests in flight, at most
    #[arg(long, value_name = "NUMBER", required_unless_present_any = ["per_second", "lift"])]
    window: Option<u32>,
    /// Requests a second, at most
    #[arg(long, value_name = "NUMBER")]
    per_second: Option<u32>,
    /// When it counts no more: in 30m, or at 2026-11-29T06:00:00Z; without, once it is lifted
    #[arg(long, value_name = "TIME", value_parser = time_to_come)]
    until: Option<Timestamp>,
    /// End the limit that there is
    #[arg(long, conflicts_with_all = ["window", "per_second", "until"])]
    lift: bool,
}

#[derive(clap::Args)]
#[command(after_help = "\
Example: posthouse carriers probe 31003 vzw-1

It connects and hangs up. When somebody is there and the connection was left alone, the next message tries it. The exit code is 1 when nobody is.")]
pub(super) struct ProbeConnection {
    #[command(flatten)]
    via: ViaArgs,
    #[command(flatten)]
    which: Which,
}

impl SuspendConnection {
    pub(super) async fn run(&self) -> anyhow::Result<ExitCode> {
        let via = self.via.open().await?;
        // The reason goes along as that of all that is changed.
        let request = SuspendRequest { until: self.until, reason: None };
        let status = via.suspend(&self.which.carrier, &self.which.connection, &request).await;
        via.close().await?;
        told(&self.via, &status?)
    }
}

impl ResumeConnection {
    pub(super) async fn run(&self) -> anyhow::Result<ExitCode> {
        let status =
            self.via.ask(async |via| via.resume(&self.which.carrier, &self.which.connection).await).await;
        told(&self.via, &status?)
    }
}

impl LimitConnection {
    pub(super) async fn run(&self) -> anyhow::Result<ExitCode> {
        let via = self.via.open().await?;
        let Self { window, per_second, until, lift, .. } = *self;
        let request = LimitRequest { window, per_second, until, reason: None, lift };
        let status = via.limit(&self.which.carrier, &self.which.connection, &request).await;
        via.close().await?;
        told(&self.via, &status?)
    }
}

impl ProbeConnection {
    pub(super) async fn run(&self) -> anyhow::Result<ExitCode> {
        let probed =
            self.via.ask(async |via| via.probe(&self.which.carrier, &self.which.connection).await).await?;
        let mut out = print::stdout();
        if self.via.json {
            out.json(&probed)?;
        } else {
            let found = if probed.reachable { "somebody is there" } else { "nobody is there" };
            let state = probed.state.as_deref().map(|state| format!("; it is {state}")).unwrap_or_default();
            writeln!(out, "{}: {found}, after {} ms{state}", probed.url, probed.took_ms)?;
        }
        Ok(if probed.reachable { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn told(via: &ViaArgs, status: &ConnectionStatus) -> anyhow::Result<ExitCode> {
    let mut out = print::stdout();
    if via.json {
        out.json(status)?;
        return Ok(ExitCode::SUCCESS);
    }
    let state = status.state.as_deref().map(|state| format!(" is {state}")).unwrap_or_default();
    writeln!(out, "connection {} of {}{state}", status.name, status.carrier)?;
    overrides(&mut out, status)?;
    Ok(ExitCode::SUCCESS)
}

/// What operators decided about a connection, a line for each.
pub(super) fn overrides(out: &mut Printer, status: &ConnectionStatus) -> io::Result<()> {
    if let Some(one) = &status.suspended {
        writeln!(out, "    suspended{}", who(one.since, one.until, &one.by, &one.reason))?;
    }
    if let Some(one) = &status.limited {
        let window = one.window.map(|window| format!(" window {window}")).unwrap_or_default();
        let rate = one.per_second.map(|rate| format!(" {rate} a second")).unwrap_or_default();
        writeln!(out, "    limited to{window}{rate}{}", who(one.since, one.until, &one.by, &one.reason))?;
    }
    Ok(())
}

fn who(since: Timestamp, until: Option<Timestamp>, by: &str, reason: &str) -> String {
    let until = until.map(|until| format!(" until {}", seconds(until))).unwrap_or_default();
    let reason = if reason.is_empty() { String::new() } else { format!(": {reason}") };
    format!(" since {}{until} by {by}{reason}", seconds(since))
}

/// A time to come, as people write it.
pub(in super::super) fn time_to_come(text: &str) -> Result<Timestamp, String> {
    let in_a_while = duration::parse(text).map(|time| after(Timestamp::now(), time));
    in_a_while.or_else(|| text.parse().ok()).ok_or_else(|| {
        "this is no time to come; write one such as 30m, 8h or 2026-11-29T06:00:00Z".to_owned()
    })
}
