//! `posthouse messages resubmit` and `reroute`: they plan an operation, and start it where that is asked for.

use std::process::ExitCode;

use jiff::Timestamp;
use posthouse_api::OperationRequest;

use super::{super::operations, selection::Selection};
use crate::via::ViaArgs;

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse messages resubmit --code 4006 --carrier 31003 --since 2026-11-29T02:00:00Z --before 2026-11-29T02:20:00Z --via vzw-2
  posthouse messages resubmit 191642196911325184 --yes

What has ended is sent again as a new message: with a MessageID of its own, a new ExpiryDate, and judged by what is provisioned now. The \
ended one stays as it ended, and is sent again once, ever. Without --yes it is only planned: `posthouse operations start` starts it. \
VASPs get no reports on the new messages, unless --reports is given.")]
pub(super) struct ResubmitMessages {
    #[command(flatten)]
    store: ViaArgs,
    #[command(flatten)]
    selection: Selection,
    /// The connection that the first attempt goes over, where it serves
    #[arg(long, value_name = "CONNECTION")]
    via: Option<String>,
    /// Report on the new messages to their VASPs, with the old MessageID in X-Posthouse-ResubmitMessages-Of
    #[arg(long)]
    reports: bool,
    /// Start it at once
    #[arg(long)]
    yes: bool,
}

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse messages reroute --carrier 31003 --state Accepted --via vzw-2
  posthouse messages reroute 191642196911325184 --via vzw-2 --yes

The next attempt of what waits is due at once, and goes over that connection of its carrier, where it serves; later ones go as ever. \
Without --yes it is only planned: `posthouse operations start` starts it.")]
pub(super) struct Reroute {
    #[command(flatten)]
    store: ViaArgs,
    #[command(flatten)]
    selection: Selection,
    /// The connection that the next attempt goes over, where it serves
    #[arg(long, value_name = "CONNECTION")]
    via: String,
    /// Also those whose last attempt may have arrived: their recipients may get them twice
    #[arg(long)]
    parked: bool,
    /// Start it at once
    #[arg(long)]
    yes: bool,
}

impl ResubmitMessages {
    pub(super) async fn run(&self) -> anyhow::Result<ExitCode> {
        let request = OperationRequest {
            verb: "resubmit".to_owned(),
            via: self.via.clone(),
            reports: self.reports,
            ..selected(&self.selection)?
        };
        operations::plan(&self.store, &request, self.yes).await
    }
}

impl Reroute {
    pub(super) async fn run(&self) -> anyhow::Result<ExitCode> {
        let request = OperationRequest {
            verb: "reroute".to_owned(),
            via: Some(self.via.clone()),
            parked: self.parked,
            ..selected(&self.selection)?
        };
        operations::plan(&self.store, &request, self.yes).await
    }
}

fn selected(selection: &Selection) -> anyhow::Result<OperationRequest> {
    let (ids, filter, all) = selection.whole(Timestamp::now())?;
    Ok(OperationRequest { ids, filter, all, ..OperationRequest::default() })
}
