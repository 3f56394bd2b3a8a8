//! `posthouse messages unreadable`: what carriers posted and the gateway could not read, with its bytes.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use mm7::StatusCode;
use posthouse_api::UnreadableRequest;
use posthouse_core::{counted::counted, unreadable::MOST_OF_A_CARRIER};
use posthouse_gateway::admin::unreadable::escaped;
use serde_json::json;

use super::frame::as_json;
use crate::{
    print,
    times::seconds,
    via::{Via, ViaArgs},
};

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse messages unreadable --carrier 31003
  posthouse messages unreadable 17                       (its bytes)

A report that cannot be read is refused, and lost for its message. What is odd in form alone is taken, and noted on the \
timeline. Of each carrier the newest 1,000 are kept, 16 KiB of each; one that comes again is counted.
Characters that a terminal would obey are escaped, as are backslashes and bytes that are no UTF-8 (\\xNN).")]
pub(super) struct Args {
    #[command(flatten)]
    via: ViaArgs,
    /// Show the bytes of this one, by its number in the list
    #[arg(value_name = "NUMBER", conflicts_with_all = ["carrier", "below", "limit"])]
    number: Option<i64>,
    /// Only this carrier's, by its id
    #[arg(long)]
    carrier: Option<String>,
    /// Only numbers below this one: the last of the page before
    #[arg(long, value_name = "NUMBER")]
    below: Option<i64>,
    /// How many at most
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=MOST_OF_A_CARRIER as i64))]
    limit: u16,
}

impl Args {
    pub(super) async fn run(&self) -> anyhow::Result<ExitCode> {
        let via = self.via.open().await?;
        match self.number {
            Some(number) => self.show(&via, number).await?,
            None => self.list(&via).await?,
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn list(&self, via: &Via) -> anyhow::Result<()> {
        let carrier = self.carrier.as_deref();
        let Some(kept) = via.unreadable(carrier, self.below, self.limit).await? else {
            let carrier = carrier.unwrap_or_default();
            bail!("no carrier {carrier} is provisioned; `posthouse plan` shows those there are");
        };
        let mut out = print::stdout();
        if self.via.json {
            let kept: Vec<_> = kept.iter().map(as_json).collect();
            out.json(&json!({ "unreadable": kept }))?;
            return Ok(());
        }
        for one in &kept {
            writeln!(out, "{}", line(one))?;
        }
        match kept.last() {
            None => writeln!(out, "everything that came could be read")?,
            Some(last) if kept.len() == usize::from(self.limit) => {
                writeln!(out, "there may be more: --below {}", last.number)?;
            }
            Some(_) => {}
        }
        Ok(())
    }

    async fn show(&self, via: &Via, number: i64) -> anyhow::Result<()> {
        let Some(mut found) = via.unreadable_request(number).await? else {
            bail!(
                "there is no unreadable request {number}; `posthouse messages unreadable` lists those there are"
            );
        };
        let body = found.body_hex.take().and_then(|hex| bytes(&hex)).context("its bytes are not there")?;
        let mut out = print::stdout();
        if self.via.json {
            out.json(&as_json(&found))?;
            return Ok(());
        }
        let code = StatusCode::from_code(found.code.into())
            .map_or_else(|| found.code.to_string(), |code| code.to_string());
        writeln!(out, "number         {}", found.number)?;
        writeln!(out, "carrier        {}", found.carrier)?;
        writeln!(out, "came           {}, last {}", seconds(found.first_at), seconds(found.last_at))?;
        writeln!(out, "times          {}", found.times)?;
        writeln!(out, "answered       {code}")?;
        writeln!(out, "because        {}", found.why)?;
        writeln!(out, "Content-Type   {}", found.content_type.as_deref().unwrap_or("none"))?;
        writeln!(out, "body           {}, {} of them kept", counted(found.length, "byte"), body.len())?;
        writeln!(out)?;
        for line in body.split(|byte| *byte == b'\n') {
            writeln!(out, "  | {}", escaped(line))?;
        }
        Ok(())
    }
}

/// One on a line.
fn line(kept: &UnreadableRequest) -> String {
    let UnreadableRequest { number, carrier, code, length, times, why, .. } = kept;
    let last = seconds(kept.last_at);
    format!(
        "{number:<8}  {last}  carrier {carrier}  {code}  {}, {}  {why}",
        counted(*length, "byte"),
        counted(*times, "time")
    )
}

/// The bytes that hexadecimal digits say.
fn bytes(hex: &str) -> Option<Vec<u8>> {
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    hex.as_bytes().chunks(2).map(pair).collect()
}
