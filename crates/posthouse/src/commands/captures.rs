//! `posthouse captures`: what goes over the wire for an account or a carrier, kept by a gateway for a while.

use std::{process::ExitCode, time::Duration};

use jiff::Timestamp;
use posthouse_api::{ApiClient, CaptureRequest, CaptureView, CapturedExchange, MAX_PAGE};
use serde_json::json;

use crate::{
    print::{self, Printer},
    running,
    target::settings_of,
    times::duration,
    via::ViaArgs,
    wait::wait_for,
};

/// The arguments of `posthouse captures`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Begin to keep requests and answers
    Begin(Begin),
    /// List the captures of a gateway
    List(List),
    /// Print what a capture has
    Show(One),
    /// End a capture, and forget what it has
    Remove(One),
}

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse captures begin --carrier 31003 --for 10m --reason \"4003 since noon\"
  posthouse captures begin --account acme --max 20

Kept are requests and answers as they go over the wire: to and from the account, or to and from the carrier. Keys, passwords, subjects and content are left out, \
and numbers are masked. They are in the memory of the one gateway that is asked, and gone an hour after their end, or when its process ends. It needs the role \
admin, and the audit has it.")]
struct Begin {
    #[command(flatten)]
    via: ViaArgs,
    /// What this account sends and gets
    #[arg(long, value_name = "NAME", conflicts_with = "carrier", required_unless_present = "carrier")]
    account: Option<String>,
    /// What is sent to this carrier and comes from it
    #[arg(long, value_name = "ID")]
    carrier: Option<String>,
    /// How long, at most 1h; 10m when it is not said
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    time: Option<Duration>,
    /// How many requests with their answers, at most 1000; 100 when it is not said
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=1000))]
    max: Option<u16>,
}

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse captures list
  posthouse captures list --json")]
struct List {
    #[command(flatten)]
    via: ViaArgs,
}

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse captures show 1
  posthouse captures remove 1

`posthouse captures list` has the ids.")]
struct One {
    #[command(flatten)]
    via: ViaArgs,
    /// What it is called by
    id: String,
}

/// Does it.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    wait_for(async {
        match &args.command {
            Command::Begin(args) => args.run().await,
            Command::List(args) => args.run().await,
            Command::Show(args) => args.show().await,
            Command::Remove(args) => args.remove().await,
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

/// A gateway has them, and no store.
async fn api(args: &ViaArgs) -> anyhow::Result<ApiClient> {
    running::required(&settings_of(args.config.as_deref())?, &args.gateway).await
}

impl Begin {
    async fn run(&self) -> anyhow::Result<()> {
        let until = self.time.map(|time| Timestamp::now().checked_add(time)).transpose()?;
        let (account, carrier) = (self.account.clone(), self.carrier.clone());
        let request = CaptureRequest { account, carrier, until, max: self.max };
        let capture = api(&self.via).await?.begin_capture(&request).await?;
        let mut out = print::stdout();
        if self.via.json {
            out.json(&capture)?;
            return Ok(());
        }
        writeln!(out, "capture {} till {:.0}, at most {}", capture.id, capture.until, capture.max)?;
        writeln!(print::stderr(), "to see it: posthouse captures show {}", capture.id)?;
        Ok(())
    }
}

impl List {
    async fn run(&self) -> anyhow::Result<()> {
        let captures = api(&self.via).await?.captures().await?.items;
        let mut out = print::stdout();
        if self.via.json {
            out.json(&json!({ "items": captures }))?;
            return Ok(());
        }
        if captures.is_empty() {
            writeln!(out, "there are no captures; posthouse captures begin makes one")?;
        }
        for capture in &captures {
            line(&mut out, capture)?;
        }
        Ok(())
    }
}

fn line(out: &mut Printer, capture: &CaptureView) -> std::io::Result<()> {
    let CaptureView { id, account, carrier, by, until, max, exchanges, left_out, running, .. } = capture;
    let of = match (account, carrier) {
        (Some(account), _) => format!("account {account}"),
        (None, carrier) => format!("carrier {}", carrier.as_deref().unwrap_or("-")),
    };
    let standing = if *running { "running till" } else { "over since" };
    writeln!(out, "{id}  {of}  {exchanges} of {max}, {left_out} left out  {standing} {until:.0}  by {by}")
}

impl One {
    async fn show(&self) -> anyhow::Result<()> {
        let api = api(&self.via).await?;
        let capture = api.capture(&self.id).await?;
        let mut exchanges = Vec::new();
        let mut cursor = None;
        loop {
            let page = api.captured(&self.id, cursor.as_deref(), MAX_PAGE).await?;
            exchanges.extend(page.items);
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        let mut out = print::stdout();
        if self.via.json {
            out.json(&json!({ "capture": capture, "exchanges": exchanges }))?;
            return Ok(());
        }
        line(&mut out, &capture)?;
        for exchange in &exchanges {
            print_one(&mut out, exchange)?;
        }
        Ok(())
    }

    async fn remove(&self) -> anyhow::Result<()> {
        let removed = api(&self.via).await?.remove_capture(&self.id).await?;
        Ok(print::outcome(self.via.json, &removed, format_args!("capture {} is gone", removed.id))?)
    }
}

fn print_one(out: &mut Printer, exchange: &CapturedExchange) -> std::io::Result<()> {
    let CapturedExchange { capture: _, number, at, seconds, leg, peer, message_id, request, answer } =
        exchange;
    let message = message_id.as_deref().unwrap_or("-");
    writeln!(out)?;
    writeln!(out, "#{number} {leg} {peer} at {at:.3}, {seconds} s, message {message}")?;
    for (direction, text) in [(">", request), ("<", answer)] {
        for one in text.lines() {
            writeln!(out, "{direction} {one}")?;
        }
    }
    Ok(())
}
