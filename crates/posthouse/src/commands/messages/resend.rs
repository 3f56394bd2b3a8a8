//! `posthouse messages resend-reports`: what was kept as failed is owed again.

use std::{
    collections::HashSet,
    process::ExitCode,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use posthouse_core::{
    Id,
    account::AccountName,
    carrier::CarrierId,
    life::intervention::{CallbackKind, FailedCallback, FailedFilter},
    store::OperationsStore,
};
use posthouse_gateway::config::Settings;
use serde_json::{Value, json};

use super::{
    Common, open_as,
    outcome::{Tally, Words},
    seconds,
    selection::{ago, batch, patiently},
    time,
};
use crate::{progress::ProgressLine, target::environment};

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
    common: Common,
    /// Only about these messages, by MessageID; or these messages from handsets, by LinkedID
    #[arg(value_name = "MESSAGEID")]
    ids: Vec<Id>,
    /// Only this account's
    #[arg(long)]
    account: Option<String>,
    /// Only from this carrier, by its id
    #[arg(long)]
    carrier: Option<String>,
    /// Only those that became owed within this time, such as 30m or 2d
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<Duration>,
    /// Only those that became owed before this time ago, such as 30m or 2d
    #[arg(long, value_name = "TIME", value_parser = time)]
    before: Option<Duration>,
    /// Only reports, only messages from handsets, or only read replies
    #[arg(long, value_enum)]
    only: Option<Only>,
    /// All that ever failed
    #[arg(long, conflicts_with_all = ["ids", "account", "carrier", "since", "before", "only"])]
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

const WORDS: Words = Words { infinitive: "send again", past: "resent", what: "report" };

impl Resend {
    pub(super) async fn run(&self) -> anyhow::Result<ExitCode> {
        let settings = Settings::load(self.common.config.as_deref(), &environment)?;
        let filter = self.filter(Timestamp::now())?;
        let store = open_as(&settings).await?;
        let mut outcome = Tally::new(self.dry_run);
        let looked_at = AtomicU64::new(0);
        let walk = self.walk(&*store, filter, &mut outcome, &looked_at);
        let walked = ProgressLine::on_terminal().beside("reports looked at", &looked_at, walk).await;
        let done = outcome.done;
        let about = walked.with_context(|| match done {
            0 => "nothing was changed".to_owned(),
            done => format!("{done} reports were made due before this; run it again for the rest"),
        })?;
        store.close().await?;
        outcome.tell(&WORDS, &settings, self.common.json).await?;
        let is_whole = self.ids.iter().all(|id| about.contains(id));
        Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn filter(&self, now: Timestamp) -> anyhow::Result<FailedFilter> {
        let mut messages = self.ids.clone();
        messages.sort_unstable();
        messages.dedup();
        let filter = FailedFilter {
            messages,
            since: self.since.map(|age| ago(now, age)),
            before: self.before.map(|age| ago(now, age)),
            below: None,
            account: self.account.clone().map(AccountName),
            carrier: self.carrier.clone().map(CarrierId),
            kind: self.only.map(|only| match only {
                Only::Reports => CallbackKind::Report,
                Only::Mo => CallbackKind::Mo,
                Only::ReadReplies => CallbackKind::ReadReply,
            }),
        };
        if filter == FailedFilter::default() && !self.all {
            bail!(
                "nothing says which reports: add MessageIDs, a filter such as --account acme --since 12h, or --all"
            );
        }
        Ok(filter)
    }

    /// Goes through what failed, a batch at a time: each is a transaction of its own. Which of those named
    /// by id it was done to.
    async fn walk(
        &self,
        store: &dyn OperationsStore,
        mut filter: FailedFilter,
        outcome: &mut Tally,
        looked_at: &AtomicU64,
    ) -> anyhow::Result<HashSet<Id>> {
        let mut about = HashSet::new();
        loop {
            let page = store.failed_callbacks(&filter, batch()).await?;
            let Some(last) = page.last() else { return Ok(about) };
            filter.below = Some(last.id);
            looked_at.fetch_add(page.len() as u64, Ordering::Relaxed);
            let (superseded, owed): (Vec<_>, Vec<_>) = page.into_iter().partition(|one| one.superseded);
            outcome.superseded += superseded.len();
            let mut ids: Vec<Id> = owed.iter().map(|one| one.id).collect();
            if !self.dry_run {
                ids = patiently(async || store.resend(&ids, Timestamp::now()).await).await?;
            }
            for one in owed.iter().filter(|one| ids.contains(&one.id)) {
                outcome.did(|| (line(one), as_json(one)));
                if !self.ids.is_empty() {
                    about.insert(one.message);
                }
            }
        }
    }
}

fn line(one: &FailedCallback) -> String {
    let (what, message, at, account, attempts) =
        (one.says.to_string(), one.message, seconds(one.at), &one.account, one.attempts);
    format!("{message:<19}  {at}  {what:<13}  to {account}  after {attempts} tries")
}

fn as_json(one: &FailedCallback) -> Value {
    json!({
        "message_id": one.message.to_string(),
        "says": one.says.to_string(),
        "account": one.account.0,
        "carrier": one.carrier.0,
        "owed_since": one.at.to_string(),
        "tries": one.attempts,
    })
}
