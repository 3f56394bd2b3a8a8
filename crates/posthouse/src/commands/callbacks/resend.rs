//! `posthouse callbacks resend`.

use std::process::ExitCode;

use jiff::Timestamp;
use posthouse_api::{CallbackView, MessageQuery, OperationRequest};
use serde_json::json;

use super::{
    super::{messages::filter::Filter, operations},
    list::line,
};
use crate::{print, via::ViaArgs};

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse callbacks resend 191642196911325999
  posthouse callbacks resend --account acme --since 2026-11-29T02:00:00Z --until 2026-11-29T04:00:00Z    (a VASP that lost them)
  posthouse messages resend-reports --account acme --since 12h    (only what failed for good)

By id: what failed for good, or waits for its next try, is due at once, with all its tries anew. The exit code is 1 when one is left alone.
By filter: what VASPs were told of the messages that match is owed once more, also what they acknowledged. Forwarded and Deferred are not, \
once the message has ended. Without --yes that is only planned: `posthouse operations start` starts it.")]
pub(super) struct ResendCallbacks {
    #[command(flatten)]
    via: ViaArgs,
    /// These callbacks, by the ids of `posthouse callbacks list`
    #[arg(value_name = "CALLBACKID", conflicts_with_all = Filter::FLAGS)]
    ids: Vec<String>,
    #[command(flatten)]
    filter: Filter,
    /// Start what a filter selects at once
    #[arg(long)]
    yes: bool,
}

impl ResendCallbacks {
    pub(super) async fn run(&self) -> anyhow::Result<ExitCode> {
        if self.ids.is_empty() {
            let query = self.filter.query(Timestamp::now())?;
            let is_all = MessageQuery { unprovisioned: false, ..query.clone() } == MessageQuery::default();
            let request = OperationRequest {
                verb: "resend-reports".to_owned(),
                filter: (!is_all).then_some(query),
                ..OperationRequest::default()
            };
            return operations::plan(&self.via, &request, self.yes).await;
        }
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
