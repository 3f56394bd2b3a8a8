//! `posthouse callbacks show`.

use std::process::ExitCode;

use anyhow::bail;
use posthouse_api::CallbackTry;
use serde_json::json;

use super::list::line;
use crate::{
    print::{self, Printer},
    times::seconds,
    via::ViaArgs,
};

#[derive(clap::Args)]
#[command(after_help = "\
Example: posthouse callbacks show 191642196911325999

The last 20 tries of each callback that was not delivered at once are kept, as long as its message, with the first 1 KiB of what \
the VASP answered. Characters that a terminal would obey are escaped.")]
pub(super) struct Show {
    #[command(flatten)]
    via: ViaArgs,
    /// The callback: an id of `posthouse callbacks list`, or the TransactionID that the VASP got it under
    id: String,
}

impl Show {
    pub(super) async fn run(&self) -> anyhow::Result<ExitCode> {
        let via = self.via.open().await?;
        let (callback, tries) = (via.callback(&self.id).await?, via.callback_tries(&self.id).await?);
        let tries = tries.map(|tries| tries.items).unwrap_or_default();
        if callback.is_none() && tries.is_empty() {
            bail!(
                "there is no callback {} that is owed or has failed; `posthouse callbacks list` shows those there are",
                self.id
            );
        }
        let mut out = print::stdout();
        if self.via.json {
            out.json(&json!({ "callback": callback, "attempts": tries }))?;
            return Ok(ExitCode::SUCCESS);
        }
        match &callback {
            Some(callback) => writeln!(out, "{}", line(callback))?,
            None => writeln!(out, "{}: it is not owed any more", self.id)?,
        }
        if callback.is_some_and(|callback| callback.superseded) {
            writeln!(out, "what it says is not owed any more: its message has ended")?;
        }
        for attempt in &tries {
            print(&mut out, attempt)?;
        }
        if tries.is_empty() {
            writeln!(out, "it was not tried yet")?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn print(out: &mut Printer, attempt: &CallbackTry) -> std::io::Result<()> {
    let CallbackTry { at, outcome, http_status, said, body } = attempt;
    let status = http_status.map(|status| format!("HTTP {status}  ")).unwrap_or_default();
    writeln!(out, "{}  {outcome:<9}  {status}{said}", seconds(*at))?;
    if !body.is_empty() {
        writeln!(out, "  | {body}")?;
    }
    Ok(())
}
