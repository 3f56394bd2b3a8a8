//! `posthouse messages requeue` and `expire`.

use std::{
    process::ExitCode,
    sync::atomic::{AtomicU64, Ordering},
};

use anyhow::Context as _;
use jiff::Timestamp;
use posthouse_api::InterveneRequest;

use super::{
    frame::{as_json, message_line},
    outcome::{Tally, VerbWords},
    selection::Selection,
};
use crate::{
    progress::ProgressLine,
    target::settings_of,
    via::{Verb, Via, ViaArgs},
};

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse messages requeue --carrier 31003 --dry-run
  posthouse messages requeue 191642196911325184
  posthouse messages requeue --carrier 31003 --state Parked --since 2h --parked

The next attempt is due at once; while none of the carrier's connections can be reached, when one is back. Messages that \
have ended, that the carrier has, or that are being sent are left alone. One that is parked may have arrived: with --parked \
it is sent again, and its recipient may get it twice. A gateway that runs on the store goes on with it within a second. \
The exit code is 1 when a message named by its id is left alone.")]
pub(super) struct Requeue {
    #[command(flatten)]
    via: ViaArgs,
    #[command(flatten)]
    selection: Selection,
    /// Also those whose last attempt may have arrived: their recipients may get them twice
    #[arg(long)]
    parked: bool,
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
}

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  posthouse messages expire --account acme --before 12h --dry-run
  posthouse messages expire --carrier 31003 --state Parked
  posthouse messages expire 191642196911325184

Messages that wait, parked ones too, end as Expired, and their VASP gets that report. Messages that have ended, that the \
carrier has, or that are being sent are left alone. This cannot be undone. \
The exit code is 1 when a message named by its id is left alone.")]
pub(super) struct Expire {
    #[command(flatten)]
    via: ViaArgs,
    #[command(flatten)]
    selection: Selection,
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
}

const REQUEUE: VerbWords =
    VerbWords { infinitive: "requeue", past: "requeued", would: "would_requeue", what: "message" };
const EXPIRE: VerbWords =
    VerbWords { infinitive: "expire", past: "expired", would: "would_expire", what: "message" };

impl Requeue {
    pub(super) async fn run(&self) -> anyhow::Result<ExitCode> {
        let (verb, parked, dry_run) = (Verb::Requeue, self.parked, self.dry_run);
        run(&self.via, &self.selection, Order { verb, parked, dry_run, words: &REQUEUE }).await
    }
}

impl Expire {
    pub(super) async fn run(&self) -> anyhow::Result<ExitCode> {
        let (verb, parked, dry_run) = (Verb::Expire, false, self.dry_run);
        run(&self.via, &self.selection, Order { verb, parked, dry_run, words: &EXPIRE }).await
    }
}

struct Order {
    verb: Verb,
    parked: bool,
    dry_run: bool,
    words: &'static VerbWords,
}

async fn run(args: &ViaArgs, selection: &Selection, order: Order) -> anyhow::Result<ExitCode> {
    let mut outcome = Tally::new(order.dry_run);
    let settings = settings_of(args.config.as_deref())?;
    // Before the store: what was forgotten is told first.
    selection.begin(Timestamp::now())?;
    let via = Via::open(&settings, &args.gateway).await?;
    let looked_at = AtomicU64::new(0);
    let walk = walk(&via, selection, &order, &mut outcome, &looked_at);
    let walked = ProgressLine::on_terminal().beside("messages looked at", &looked_at, walk).await;
    let done = outcome.done;
    walked.with_context(|| match done {
        0 => "nothing was changed".to_owned(),
        1 => format!("1 message was {} before this; run it again for the rest", order.words.past),
        done => format!("{done} messages were {} before this; run it again for the rest", order.words.past),
    })?;
    via.close().await?;
    outcome.tell(order.words, &settings, args).await?;
    let is_whole = !selection.is_by_id() || outcome.passed_by() == 0;
    Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Goes through the messages, a batch at a time.
async fn walk(
    via: &Via,
    selection: &Selection,
    order: &Order,
    outcome: &mut Tally,
    looked_at: &AtomicU64,
) -> anyhow::Result<()> {
    let mut batches = selection.begin(Timestamp::now())?;
    while let Some(batch) = batches.next() {
        let request = InterveneRequest { parked: order.parked, dry_run: order.dry_run, ..batch };
        let came_of_it = via.intervene(order.verb, &request).await?;
        looked_at.fetch_add(came_of_it.looked_at as u64, Ordering::Relaxed);
        for message in &came_of_it.done {
            outcome.did(|| (message_line(message), as_json(message)));
        }
        outcome.parked += came_of_it.parked;
        for (reason, count) in came_of_it.left_alone {
            outcome.left_alone(reason, count);
        }
        batches.go_on(came_of_it.next);
    }
    Ok(())
}
