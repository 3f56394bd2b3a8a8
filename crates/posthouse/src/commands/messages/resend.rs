//! `posthouse messages resend-reports`: what was kept as failed is owed again.

use std::{
    collections::HashSet,
    process::ExitCode,
    sync::atomic::{AtomicU64, Ordering},
};

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use posthouse_api::{FailedReport, MAX_BATCH, ResendRequest};
use posthouse_core::{Id, counted::counted, moment::Moment};

use super::{
    filter::moment,
    frame::as_json,
    outcome::{Tally, VerbWords},
};
use crate::{
    complaints::window_of,
    progress::ProgressLine,
    target::settings_of,
    times::seconds,
    via::{Via, ViaArgs},
};

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse messages resend-reports --account acme --since 12h --dry-run
  posthouse messages resend-reports --account acme --only mo
  posthouse messages resend-reports 191642196911325184

What was delivered `max_retries` times in vain was kept as failed. It is due at once, with all its tries anew. Forwarded and \
Deferred are not sent again once the message has ended. A gateway that runs on the store goes on with it within a second. \
The exit code is 1 when a message named by its id has no failed report that can be sent again.")]
pub(super) struct Resend {
    #[command(flatten)]
    via: ViaArgs,
    /// Only about these messages, by MessageID; or these messages from handsets, by LinkedID
    #[arg(value_name = "MESSAGEID")]
    ids: Vec<Id>,
    /// Only this account's
    #[arg(long)]
    account: Option<String>,
    /// Only from this carrier, by its id
    #[arg(long)]
    carrier: Option<String>,
    /// Only those that became owed since this time: 30m, 2:00 (UTC) or 2026-11-29T02:00:00Z
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Moment>,
    /// Only those that became owed before this time, likewise
    #[arg(long, visible_alias = "before", value_name = "TIME", value_parser = moment)]
    until: Option<Moment>,
    /// Account and carrier may name what is not provisioned any more
    #[arg(long)]
    unprovisioned: bool,
    /// Only reports, only messages from handsets, or only read replies
    #[arg(long, value_enum)]
    only: Option<Only>,
    /// All that ever failed
    #[arg(long, conflicts_with_all = ["ids", "account", "carrier", "since", "until", "only"])]
    all: bool,
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Only {
    /// DeliveryReportReq
    Reports,
    /// DeliverReq
    Mo,
    /// ReadReplyReq
    ReadReplies,
}

const WORDS: VerbWords =
    VerbWords { infinitive: "send again", past: "resent", would: "would_resend", what: "report" };

impl Resend {
    pub(super) async fn run(&self) -> anyhow::Result<ExitCode> {
        let settings = settings_of(self.via.config.as_deref())?;
        let request = self.request(Timestamp::now())?;
        let via = Via::open(&settings, &self.via.gateway).await?;
        let mut outcome = Tally::new(self.dry_run);
        let looked_at = AtomicU64::new(0);
        let walk = self.walk(&via, &request, &mut outcome, &looked_at);
        let walked = ProgressLine::on_terminal().beside("reports looked at", &looked_at, walk).await;
        let done = outcome.done;
        let about = walked.with_context(|| match done {
            0 => "nothing was changed".to_owned(),
            1 => "1 report was made due before this; run it again for the rest".to_owned(),
            done => format!("{done} reports were made due before this; run it again for the rest"),
        })?;
        via.close().await?;
        outcome.tell(&WORDS, &settings, &self.via).await?;
        let is_whole = self.ids.iter().all(|id| about.contains(&id.to_string()));
        Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn request(&self, now: Timestamp) -> anyhow::Result<ResendRequest> {
        let only = self.only.map(|only| match only {
            Only::Reports => "reports",
            Only::Mo => "mo",
            Only::ReadReplies => "read-replies",
        });
        let (since, until) = window_of(self.since, self.until, now)?;
        let filter = ResendRequest {
            since,
            until,
            account: self.account.clone(),
            carrier: self.carrier.clone(),
            only: only.map(str::to_owned),
            ..ResendRequest::default()
        };
        let says_which = !self.ids.is_empty() || filter != ResendRequest::default();
        if !says_which && !self.all {
            bail!(
                "nothing says which reports: add MessageIDs, a filter such as --account acme --since 12h, or --all"
            );
        }
        Ok(ResendRequest {
            all: self.all,
            unprovisioned: self.unprovisioned,
            dry_run: self.dry_run,
            ..filter
        })
    }

    /// Goes through what failed, a batch at a time. Which of those named by id it was done to.
    async fn walk(
        &self,
        via: &Via,
        request: &ResendRequest,
        outcome: &mut Tally,
        looked_at: &AtomicU64,
    ) -> anyhow::Result<HashSet<String>> {
        let mut about = HashSet::new();
        let mut ids: Vec<Id> = self.ids.clone();
        ids.sort_unstable();
        ids.dedup();
        // Without ids there is one walk, over all that match.
        let mut groups: Vec<&[Id]> = ids.rchunks(MAX_BATCH).collect();
        if groups.is_empty() {
            groups.push(&[]);
        }
        for group in groups {
            let ids = group.iter().map(ToString::to_string).collect();
            let mut request = ResendRequest { ids, ..request.clone() };
            loop {
                let resent = via.resend_reports(&request).await?;
                looked_at.fetch_add(resent.looked_at as u64, Ordering::Relaxed);
                outcome.superseded += resent.superseded;
                for one in &resent.done {
                    outcome.did(|| (line(one), as_json(one)));
                    if !request.ids.is_empty() {
                        about.insert(one.message_id.clone());
                    }
                }
                request.cursor = resent.next;
                if request.cursor.is_none() {
                    break;
                }
            }
        }
        Ok(about)
    }
}

fn line(one: &FailedReport) -> String {
    let FailedReport { message_id, says, account, owed_since, tries, .. } = one;
    let at = seconds(*owed_since);
    format!("{message_id:<19}  {at}  {says:<13}  to {account}  after {}", counted(*tries, "try"))
}
