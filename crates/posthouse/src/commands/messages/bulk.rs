//! `posthouse messages resubmit` and `reroute`: they plan an operation, and start it where that is asked for.

use std::process::ExitCode;

use anyhow::bail;
use jiff::Timestamp;
use posthouse_api::{MessageQuery, OperationRequest, RerouteRequest};
use posthouse_core::Id;
use serde_json::json;

use super::{super::operations, filter::Filter, selection::Selection};
use crate::{print, via::ViaArgs};

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse messages resubmit --code 4006 --carrier 31003 --since 2h --dry-run
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
    /// Report on the new messages to their VASPs, with the old MessageID in X-Posthouse-Resubmit-Of
    #[arg(long)]
    reports: bool,
    /// Only say what would be done; nothing is planned
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// Start it at once
    #[arg(long)]
    yes: bool,
}

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse messages reroute 191642196911325184 --carrier 31002
  posthouse messages reroute 191642196911325184 --connection vzw-2
  posthouse messages reroute --carrier 31003 --state Accepted --via vzw-2
  posthouse messages reroute --carrier 31003 --state Parked --parked --to-carrier 31002 --yes

Behind MessageIDs, --carrier and --connection say where; otherwise they say which messages, and --to-carrier and --via say where. The next \
attempt is due at once. One that goes to another carrier stays there: its account has to reach that, and it to take the content as it is; \
reports of the one before do not count any more. A connection is meant for the next attempt alone, where it serves.
One message is rerouted at once. More are only planned without --yes: `posthouse operations start` starts it.")]
pub(super) struct Reroute {
    #[command(flatten)]
    store: ViaArgs,
    /// These messages, by MessageID
    #[arg(value_name = "MESSAGEID")]
    ids: Vec<Id>,
    #[command(flatten)]
    filter: Filter,
    /// Every message there is
    #[arg(long, conflicts_with = "ids", conflicts_with_all = Filter::FLAGS)]
    all: bool,
    /// The carrier that they go to, by id or alias; without one, their own
    #[arg(long, value_name = "CARRIER")]
    to_carrier: Option<String>,
    /// The connection that the next attempt goes over, where it serves
    #[arg(long, value_name = "CONNECTION")]
    via: Option<String>,
    /// Also those whose last attempt may have arrived: their recipients may get them twice
    #[arg(long)]
    parked: bool,
    /// Only say what would be done; nothing is planned
    #[arg(long)]
    dry_run: bool,
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
            dry_run: self.dry_run,
            ..selected(&self.selection)?
        };
        operations::plan(&self.store, &request, self.yes).await
    }
}

impl Reroute {
    pub(super) async fn run(&self) -> anyhow::Result<ExitCode> {
        let mut filter = self.filter.clone();
        let (mut carrier, mut connection) = (self.to_carrier.clone(), self.via.clone());
        if !self.ids.is_empty() {
            let (named_carrier, named_connection) = filter.take_names();
            (carrier, connection) = (carrier.or(named_carrier), connection.or(named_connection));
            if filter.query(Timestamp::now())? != MessageQuery::default() {
                bail!(
                    "MessageIDs and filters exclude each other; behind MessageIDs, only --carrier and --connection \
                     may be given, which say where they go"
                );
            }
        }
        if carrier.is_none() && connection.is_none() {
            bail!(
                "nothing says where: add --carrier or --connection behind MessageIDs, otherwise --to-carrier or --via"
            );
        }
        if let [id] = &*self.ids {
            let (parked, dry_run) = (self.parked, self.dry_run);
            let request = RerouteRequest { carrier, connection, parked, dry_run };
            return self.one(&id.to_string(), &request).await;
        }
        let selection = Selection::of(self.ids.clone(), filter, self.all);
        let request = OperationRequest {
            verb: "reroute".to_owned(),
            via: connection,
            carrier,
            parked: self.parked,
            dry_run: self.dry_run,
            ..selected(&selection)?
        };
        operations::plan(&self.store, &request, self.yes && !self.dry_run).await
    }

    async fn one(&self, id: &str, request: &RerouteRequest) -> anyhow::Result<ExitCode> {
        let via = self.store.open().await?;
        let before = via.reroute(id, request).await?;
        via.close().await?;
        let mut out = print::stdout();
        if self.store.json {
            out.json(&json!({"dry_run": request.dry_run, "before": before}))?;
        } else {
            let to = [("carrier", &request.carrier), ("connection", &request.connection)];
            let to = to.iter().filter_map(|(kind, name)| Some(format!("{kind} {}", name.as_ref()?)));
            let to = to.collect::<Vec<_>>().join(", ");
            let done = if request.dry_run { "would be rerouted" } else { "is rerouted" };
            writeln!(out, "{id} {done} to {to}; it was {} for carrier {}", before.state, before.carrier)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn selected(selection: &Selection) -> anyhow::Result<OperationRequest> {
    let (ids, filter, all) = selection.whole(Timestamp::now())?;
    Ok(OperationRequest { ids, filter, all, ..OperationRequest::default() })
}
