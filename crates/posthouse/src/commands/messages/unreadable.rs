//! `posthouse messages unreadable`: what carriers posted and the gateway could not read, with its bytes.

use std::{fmt::Write as _, process::ExitCode};

use anyhow::bail;
use posthouse_core::{
    carrier::CarrierId,
    store::{SearchStore, Store},
    unreadable::{KeptUnreadable, MOST_OF_A_CARRIER},
};
use serde_json::{Value, json};

use super::{Common, open, seconds};
use crate::print;

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse messages unreadable --carrier 31003
  posthouse messages unreadable 17                       (its bytes)

A report that cannot be read is refused, and lost for its message. What is odd in form alone is taken, and noted on the
timeline. Of each carrier the newest 1,000 are kept, 16 KiB of each; one that comes again is counted.
Characters that a terminal would obey are escaped, as are backslashes and bytes that are no UTF-8 (\\xNN).")]
pub(super) struct Args {
    #[command(flatten)]
    common: Common,
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
        let store = open(&self.common).await?;
        match self.number {
            Some(number) => self.show(&*store, number).await?,
            None => self.list(&*store).await?,
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn list(&self, store: &dyn Store) -> anyhow::Result<()> {
        let carrier = self.carrier.clone().map(CarrierId);
        if let Some(carrier) = &carrier
            && !store.provisioning().await?.carriers.iter().any(|known| known.id == *carrier)
        {
            bail!("no carrier {carrier} is provisioned; `posthouse plan` shows those there are");
        }
        let kept = store.unreadable(carrier.as_ref(), self.below, self.limit.into()).await?;
        let mut out = print::stdout();
        if self.common.json {
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

    async fn show(&self, store: &dyn SearchStore, number: i64) -> anyhow::Result<()> {
        let found = store.unreadable(None, number.checked_add(1), 1).await?;
        let Some(found) = found.into_iter().find(|found| found.number == number) else {
            bail!(
                "there is no unreadable request {number}; `posthouse messages unreadable` lists those there are"
            );
        };
        let mut out = print::stdout();
        if self.common.json {
            out.json(&as_json(&found))?;
            return Ok(());
        }
        let request = &found.request;
        writeln!(out, "number         {}", found.number)?;
        writeln!(out, "carrier        {}", request.carrier)?;
        writeln!(out, "came           {}, last {}", seconds(request.received_at), seconds(found.last_at))?;
        writeln!(out, "times          {}", found.times)?;
        writeln!(out, "answered       {}", request.code)?;
        writeln!(out, "because        {}", escaped(request.why.as_bytes()))?;
        let content_type = request.content_type.as_deref().unwrap_or("none");
        writeln!(out, "Content-Type   {}", escaped(content_type.as_bytes()))?;
        writeln!(out, "body           {} bytes, {} of them kept", request.length, request.body.len())?;
        writeln!(out)?;
        for line in request.body.split(|byte| *byte == b'\n') {
            writeln!(out, "  | {}", escaped(line))?;
        }
        Ok(())
    }
}

/// One on a line.
fn line(kept: &KeptUnreadable) -> String {
    let KeptUnreadable { number, times, last_at, request } = kept;
    let why = escaped(request.why.as_bytes());
    let (carrier, length) = (&request.carrier, request.length);
    let last = seconds(*last_at);
    format!(
        "{number:<8}  {last}  carrier {carrier}  {}  {length} bytes, {times} times  {why}",
        request.code.code()
    )
}

fn as_json(kept: &KeptUnreadable) -> Value {
    let KeptUnreadable { number, times, last_at, request } = kept;
    json!({
        "number": number,
        "carrier": request.carrier.0,
        "first_at": request.received_at.to_string(),
        "last_at": last_at.to_string(),
        "times": times,
        "code": request.code.code(),
        "why": escaped(request.why.as_bytes()),
        "content_type": request.content_type.as_ref().map(|text| escaped(text.as_bytes())),
        "length": request.length,
        "body": escaped(&request.body),
    })
}

/// Bytes of a stranger's as text that nothing obeys, and from which they can be told exactly.
fn escaped(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '"' | '\'' => text.push(c),
                c => text.extend(c.escape_debug()),
            }
        }
        for byte in chunk.invalid() {
            // A String takes everything.
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_obeyed_and_all_can_be_told() {
        let told = [
            (&b"<a b=\"1\">Tom & 'Jerry'</a>"[..], "<a b=\"1\">Tom & 'Jerry'</a>"),
            (b"caf\xc3\xa9 caf\xe9", "café caf\\xe9"),
            (b"\x1b[2J\r\n\t\\", "\\u{1b}[2J\\r\\n\\t\\\\"),
            ("a\u{202e}b\u{9b}c\u{feff}".as_bytes(), "a\\u{202e}b\\u{9b}c\\u{feff}"),
        ];
        for (bytes, expected) in told {
            assert_eq!(escaped(bytes), expected);
        }
    }
}
