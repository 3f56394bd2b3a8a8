//! `posthouse callbacks resend`.

use std::process::ExitCode;

use posthouse_api::CallbackView;
use serde_json::json;

use super::list::line;
use crate::{print, via::ViaArgs};

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse callbacks resend 191642196911325999
  posthouse messages resend-reports --account acme --since 12h    (all that failed for good)

What failed for good, or waits for its next try, is due at once, with all its tries anew. The exit code is 1 when one is left alone.")]
pub(super) struct Resend {
    #[command(flatten)]
    via: ViaArgs,
    /// These callbacks, by the ids of `posthouse callbacks list`
    #[arg(required = true, value_name = "CALLBACKID")]
    ids: Vec<String>,
}

impl Resend {
    pub(super) async fn run(&self) -> anyhow::Result<ExitCode> {
        let via = self.via.open().await?;
        let (mut done, mut left_alone): (Vec<CallbackView>, Vec<(String, String)>) = Default::default();
        for id in &self.ids {
            match via.resend_callback(id).await? {
                Ok(callback) => done.push(callback),
                Err(problem) => left_alone.push((id.clone(), problem.to_string())),
            }
        }
        via.close().await?;
        let mut out = print::stdout();
        if self.via.json {
            let left_alone: Vec<_> =
                left_alone.iter().map(|(id, why)| json!({ "callback_id": id, "detail": why })).collect();
            out.json(&json!({ "resent": done, "left_alone": left_alone }))?;
        } else {
            for callback in &done {
                writeln!(out, "{}", line(callback))?;
            }
            for (id, why) in &left_alone {
                writeln!(out, "{id} is left alone: {why}")?;
            }
        }
        Ok(if left_alone.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
