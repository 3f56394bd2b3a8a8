//! One message's attempt: over the carrier's connections, till one of them says something final.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use jiff::Timestamp;
use mm7::StatusCode;
use posthouse_core::{
    carrier::{Carrier, CarrierId, OnUnknown},
    life::classify::{Classified, NextAction, Said, classify, classify_for},
    life::state::Terminal,
    pace::{PaceState, Slowed},
    store::{EndedAttempt, FailedAttempt, Settlement, StoreError, ToSend},
    time::after,
    vocabulary::Vocabulary,
};
use tokio::{
    sync::oneshot,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

use super::SubmitContext;
use crate::{
    breaker::BreakerChange,
    carrier::{
        connector::{Attempt, Connector, Unwritable},
        links::{Allowed, Link, LinkOutcome, Links, PaceNews, Ticket},
    },
    handoff::Dispatch,
    store_retry::{KeptOutcome, kept},
    telemetry::{
        captures::Tap,
        traces::{Span, SpanContext, SpanSide},
    },
};

/// What an attempt may take beyond its connection's time-out before it counts as interrupted.
const GRACE: Duration = Duration::from_secs(20);
/// How long a message whose connection failed waits for room on the next one; then it tries again later. While a VASP waits for
/// the answer, so does it.
const NEXT_WAIT: Duration = Duration::from_secs(1);
/// How long reports are awaited from a carrier that is not provisioned any more.
const REPORT_TIMEOUT_WITHOUT_CARRIER: Duration = Duration::from_secs(72 * 3600);

/// What an attempt leaves for its lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AttemptEnd {
    /// A connection that was down answered it.
    pub(super) connection_came_back: bool,
}

/// How the attempt over all connections ended.
struct Outcome {
    verdict: Classified,
    carrier_message_id: Option<String>,
    words: String,
    details: Option<String>,
    came_back: bool,
    /// The connections that did not take it.
    failed: Vec<FailedAttempt>,
}

impl Outcome {
    fn without_connection() -> Self {
        Self {
            verdict: Classified { code: StatusCode::ProvisioningIssue, next: classify(Said::Unreached).next },
            carrier_message_id: None,
            words: "the carrier has no connection".to_owned(),
            details: None,
            came_back: false,
            failed: Vec::new(),
        }
    }

    /// What it is once no other connection takes the message: while one of them was not asked, the message waits for it.
    fn once_tried(mut self, all: bool) -> Self {
        if let NextAction::ElsewhereOrEnd(terminal) = self.verdict.next {
            let later = NextAction::Elsewhere { unreached: false, alarm: false };
            self.verdict.next = if all { NextAction::End(terminal) } else { later };
        }
        self
    }
}

/// Of what two connections said, what counts: that one may take the message later, before that one cannot be asked about it.
fn later_or(earlier: Option<Outcome>, last: Outcome) -> Outcome {
    let Some(earlier) = earlier else { return last };
    let came_back = earlier.came_back || last.came_back;
    match last.verdict.next {
        NextAction::ElsewhereOrEnd(_) => Outcome { came_back, ..earlier },
        _ => Outcome { came_back, ..last },
    }
}

/// Attempts a message and settles what came of it.
pub(super) async fn attempt(
    context: &SubmitContext,
    links: &Links,
    job: Dispatch,
    stop: &CancellationToken,
) -> AttemptEnd {
    // Held to the end: the media are in memory as long.
    let Dispatch { mut send, answer, memory: _memory } = job;
    let _working = context.under_way.begin(send.id);
    if context.clock.now() >= send.submission.expiry && answer.is_none() {
        let expired = Settlement::Expired { unreached: send.unreached };
        settle(context, &send, expired, "ExpiryDate passed", &[]).await;
        return AttemptEnd::default();
    }
    let media = match send.media.take() {
        Some(media) => media,
        None => match context.store.media(send.id).await {
            Ok(media) => media,
            Err(error) => return without_media(context, &send, &error).await,
        },
    };
    let outcome = match over_connections(context, links, &send, &media, answer.as_ref(), stop).await {
        Ok(outcome) => outcome,
        Err(NotMade::LeaseLost) => return AttemptEnd::default(),
        Err(NotMade::Down) if answer.is_some() => {
            // Relay mode tries what is left alone as well: all of them are suspended.
            decline(context, &send, "each connection of the carrier is suspended").await;
            if let Some(answer) = answer {
                // A door that does not wait any more has answered the same.
                let _ = answer.send(StatusCode::Timeout);
            }
            return AttemptEnd::default();
        }
        Err(NotMade::Stopped | NotMade::Down) => {
            give_back(context, vec![(send, answer)]).await;
            return AttemptEnd::default();
        }
        Err(NotMade::Unanswerable) => {
            decline(context, &send, "the VASP was told 3500 before it was sent").await;
            return AttemptEnd::default();
        }
        Err(NotMade::Unwritable(error)) => {
            unwritable(context, &send, answer, &error).await;
            return AttemptEnd::default();
        }
    };
    let now = context.clock.now();
    let settlement = settlement(context, &send, &outcome, answer.is_some(), now);
    settle(context, &send, settlement, &outcome.words, &outcome.failed).await;
    if answer.is_some_and(|answer| answer.send(outcome.verdict.code).is_err()) {
        tracing::info!(id = %send.id, "the VASP was told 3500 before the carrier answered");
    }
    AttemptEnd { connection_came_back: outcome.came_back }
}

/// Why no attempt was made.
enum NotMade {
    /// Somebody else has the message by now, or the store does not answer, or does not hear this node: its lease runs out.
    LeaseLost,
    /// Relay mode: the VASP was told 3500 before anything was sent.
    Unanswerable,
    /// The gateway stops.
    Stopped,
    /// No connection may be used at present: the message waits for one in the store.
    Down,
    /// Something about the message cannot be written.
    Unwritable(Unwritable),
}

/// Tries one connection after the other till one says something final.
async fn over_connections(
    context: &SubmitContext,
    links: &Links,
    send: &ToSend,
    media: &[Bytes],
    answer: Option<&oneshot::Sender<StatusCode>>,
    stop: &CancellationToken,
) -> Result<Outcome, NotMade> {
    let (mut tried, mut failed) = (Vec::new(), Vec::new());
    let mut last = None;
    let gave_up = || answer.is_some_and(oneshot::Sender::is_closed);
    let mut others = others(links, send);
    loop {
        if gave_up() {
            return Err(NotMade::Unanswerable);
        }
        let turn = tokio::select! {
            biased;
            () = stop.cancelled(), if !tried.is_empty() => break,
            () = stop.cancelled() => return Err(NotMade::Stopped),
            turn = wanted_turn(links, others.take(), &tried, answer.is_some()) => turn,
        };
        let Some(mut ticket) = turn else { break };
        if gave_up() {
            return Err(NotMade::Unanswerable);
        }
        let link = Arc::clone(ticket.link());
        begin(context, send, link.connector()).await?;
        ticket.begin(send.id);
        let began = Instant::now();
        let (span, told) = context.metrics.traces().map(|traces| traces.call(send.id)).unzip();
        let tap = tap(context, send, &link, began);
        let submitted = link.connector().submit(send, media, told.flatten(), tap).await;
        let attempt = submitted.map_err(NotMade::Unwritable)?;
        let outcome = note(context, send, ticket, attempt, began.elapsed());
        trace(context, send, (&link.connection().name, span), &outcome, began.elapsed());
        if outcome.verdict.code != StatusCode::Success {
            let (at, connection) = (context.clock.now(), Some(link.connection().name.clone()));
            failed.push(FailedAttempt { at, code: outcome.verdict.code, connection });
        }
        if !outcome.verdict.next.is_elsewhere() {
            return Ok(Outcome { failed, ..outcome });
        }
        tried.push(link);
        last = Some(later_or(last, outcome));
    }
    match last {
        Some(outcome) => {
            let outcome = outcome.once_tried(tried.len() >= links.all().len());
            Ok(Outcome { failed, ..outcome })
        }
        None if links.all().is_empty() => Ok(Outcome::without_connection()),
        None => Err(NotMade::Down),
    }
}

/// The connections over which an operator does not want this attempt to go, where one is named that there is.
fn others(links: &Links, send: &ToSend) -> Option<Vec<Arc<Link>>> {
    let wanted = send.submission.wanted_connection(send.attempts)?;
    let (wanted, others): (Vec<_>, Vec<_>) =
        links.all().iter().cloned().partition(|link| link.connection().name == wanted);
    (!wanted.is_empty()).then_some(others)
}

/// The same on the connection that an operator wants, where it serves.
async fn wanted_turn(
    links: &Links,
    others: Option<Vec<Arc<Link>>>,
    tried: &[Arc<Link>],
    is_awaited: bool,
) -> Option<Ticket> {
    if let Some(others) = others
        && let Some(ticket) = links.turn(&others, Allowed::Healthy).await
    {
        return Some(ticket);
    }
    turn(links, tried, is_awaited).await
}

/// The message's turn on a connection that it was not tried on.
async fn turn(links: &Links, tried: &[Arc<Link>], is_awaited: bool) -> Option<Ticket> {
    let allowed = if is_awaited { Allowed::All } else { Allowed::Healthy };
    let turn = links.turn(tried, allowed);
    if tried.is_empty() || is_awaited {
        return turn.await;
    }
    timeout(NEXT_WAIT, turn).await.ok().flatten()
}

/// Marks on disk that bytes are about to go out: a crash from here on means that the outcome is unknown.
async fn begin(context: &SubmitContext, send: &ToSend, connector: &impl Connector) -> Result<(), NotMade> {
    if !context.node.is_heard() {
        return Err(NotMade::LeaseLost);
    }
    let now = context.clock.now();
    let until = after(now, connector.connection().timeout + GRACE);
    let name = &connector.connection().name;
    let asked = Instant::now();
    context.store.begin(send.id, context.owner, name, until, now).await.map_err(|error| {
        if error != StoreError::LostLease {
            tracing::error!(%error, id = %send.id, "an attempt could not be begun");
        }
        NotMade::LeaseLost
    })?;
    // From then on others may hold the attempt for interrupted while it is under way.
    if asked.elapsed() >= GRACE {
        tracing::error!(id = %send.id, "the store took too long to begin an attempt: nothing is sent");
        return Err(NotMade::LeaseLost);
    }
    Ok(())
}

/// What keeps an attempt over one connection, where an operator wants it.
fn tap<'c>(context: &'c SubmitContext, send: &ToSend, link: &Link, began: Instant) -> Option<Tap<'c>> {
    let whose = (Some(&send.account), Some(&send.carrier));
    let peer = || link.connection().name.clone();
    let tap = context.metrics.captures().tap(context.clock.now(), whose, "attempt", peer, began)?;
    Some(tap.about(Some(send.id)))
}

/// The span of an attempt over one connection.
fn trace(
    context: &SubmitContext,
    send: &ToSend,
    (connection, span): (&str, Option<SpanContext>),
    outcome: &Outcome,
    took: Duration,
) {
    let (Some(traces), Some(context_of_span)) = (context.metrics.traces(), span) else { return };
    let code = outcome.verdict.code;
    let span = Span::new("attempt", SpanSide::Client, context.clock.now(), took)
        .of(context_of_span, send.id)
        .failed((code != StatusCode::Success).then(|| code.to_string()))
        .with("posthouse.account", send.account.0.clone())
        .with("posthouse.carrier", send.carrier.0.clone())
        .with("posthouse.connection", connection.to_owned())
        .with("posthouse.code", code.code().to_string());
    traces.record(span);
}

fn note(
    context: &SubmitContext,
    send: &ToSend,
    ticket: Ticket,
    mut attempt: Attempt,
    took: Duration,
) -> Outcome {
    let verdict = match context.snapshot.get().carrier(&send.carrier) {
        Some(carrier) => {
            attempt.words.push_str(&counts_as(attempt.said, &carrier.vocabulary));
            classify_for(attempt.said, &carrier.vocabulary)
        }
        None => classify(attempt.said),
    };
    let refuses_us = matches!(verdict.next, NextAction::Elsewhere { alarm: true, .. });
    let link = Arc::clone(ticket.link());
    let (carrier, name, words) = (&send.carrier, &link.connection().name, &attempt.words);
    context.metrics.attempt_ended(carrier, name, verdict.code, took);
    if matches!(attempt.said, Said::Http(_)) {
        tracing::warn!(%carrier, connection = name, id = %send.id, words, "a carrier's answer holds no MM7");
    }
    if refuses_us {
        tracing::error!(%carrier, connection = name, words, "the carrier refuses our credentials");
    }
    let ended = LinkOutcome::of(attempt.said, verdict.next);
    let noted = ticket.end(ended, attempt.retry_after);
    if matches!(ended, LinkOutcome::Served | LinkOutcome::NotLetIn) {
        context.directory.note(carrier, name, link.refuses_us());
    }
    link.keep_failure(noted.turn, words);
    match noted.turn {
        BreakerChange::Opened => {
            let retry_after = attempt.retry_after.map(|time| time.as_secs());
            tracing::warn!(%carrier, connection = name, words, retry_after, "a connection failed and is not used till it serves again");
        }
        BreakerChange::Closed => tracing::info!(%carrier, connection = name, "a connection serves again"),
        BreakerChange::Same => {}
    }
    link.tell_state(|state| context.metrics.connection(carrier, state));
    tell_pace(carrier, &link);
    let words = format!("{name}: {words}");
    let Attempt { carrier_message_id, details, .. } = attempt;
    let failed = Vec::new();
    Outcome { verdict, carrier_message_id, words, details, came_back: noted.came_back, failed }
}

/// A connection that is used much less than is provisioned is worth a line, and another once it has recovered.
fn tell_pace(carrier: &CarrierId, link: &Link) {
    let connection = &link.connection().name;
    match link.pace_news() {
        Some(PaceNews::GaveWay(PaceState {
            window, per_second, answer_time, usual_time, slowed, ..
        })) => {
            let seconds = |time: Option<Duration>| time.map(|time| time.as_secs_f64());
            tracing::warn!(
                %carrier,
                connection,
                window = window.0,
                window_limit = window.1,
                per_second = per_second.0,
                reason = slowed.map(Slowed::as_str),
                answer_seconds = seconds(answer_time),
                usual_seconds = seconds(usual_time),
                "a connection is used less, as the carrier's answers ask for; what is for it waits"
            );
        }
        Some(PaceNews::Recovered) => {
            tracing::info!(%carrier, connection, "a connection is used as much as is provisioned again");
        }
        None => {}
    }
}

/// For the timeline: that a code of the carrier's own counts as another, where that is provisioned.
fn counts_as(said: Said, vocabulary: &Vocabulary) -> String {
    let own = match said {
        Said::Mm7(code) => vocabulary.code(code),
        _ => None,
    };
    own.map(|code| format!(", which counts as {}", code.code())).unwrap_or_default()
}

fn settlement(
    context: &SubmitContext,
    send: &ToSend,
    outcome: &Outcome,
    relayed: bool,
    now: Timestamp,
) -> Settlement {
    let reason = outcome.verdict.code;
    let carrier = context.snapshot.get().carrier(&send.carrier).cloned();
    let report_until = after(now, report_timeout(carrier.as_deref()));
    match outcome.verdict.next {
        NextAction::Forwarded => {
            Settlement::Taken { carrier_message_id: outcome.carrier_message_id.clone(), report_until }
        }
        NextAction::End(_) | NextAction::Elsewhere { .. } | NextAction::ElsewhereOrEnd(_) if relayed => {
            Settlement::Declined { reason }
        }
        NextAction::End(terminal) | NextAction::ElsewhereOrEnd(terminal) => {
            Settlement::Refused { terminal, reason, details: outcome.details.clone() }
        }
        NextAction::Elsewhere { unreached, .. } if now >= send.submission.expiry => {
            Settlement::Expired { unreached }
        }
        NextAction::Elsewhere { unreached, .. } => again(context, send, unreached, reason, now),
        NextAction::Unknown if !relayed && resends(carrier.as_deref()) => {
            resend(context, send, reason, report_until, now)
        }
        NextAction::Unknown => Settlement::Unknown { report_until },
    }
}

pub(super) fn report_timeout(carrier: Option<&Carrier>) -> Duration {
    carrier.map_or(REPORT_TIMEOUT_WITHOUT_CARRIER, |carrier| carrier.report_timeout)
}

pub(super) fn resends(carrier: Option<&Carrier>) -> bool {
    carrier.is_some_and(|carrier| carrier.on_unknown == OnUnknown::Resend)
}

/// Another attempt at what was provably not delivered.
fn again(
    context: &SubmitContext,
    send: &ToSend,
    unreached: bool,
    reason: StatusCode,
    now: Timestamp,
) -> Settlement {
    Settlement::Again { due: next_attempt(context, send, now), unreached, reason }
}

/// Another attempt at what may have arrived.
pub(super) fn resend(
    context: &SubmitContext,
    send: &ToSend,
    reason: StatusCode,
    report_until: Timestamp,
    now: Timestamp,
) -> Settlement {
    Settlement::Resend { due: next_attempt(context, send, now), reason, report_until }
}

/// When the next attempt is: by the backoff, but not beyond ExpiryDate, when the message expires.
fn next_attempt(context: &SubmitContext, send: &ToSend, now: Timestamp) -> Timestamp {
    let wait = context.backoff.wait(send.attempts + 1, crate::random::fraction());
    after(now, wait).min(send.submission.expiry.max(now))
}

/// A message whose media cannot be read can never be sent.
async fn without_media(context: &SubmitContext, send: &ToSend, error: &StoreError) -> AttemptEnd {
    tracing::error!(%error, id = %send.id, "the media cannot be read");
    if matches!(error, StoreError::Corrupt { .. } | StoreError::NotFound(_)) {
        let (terminal, reason) = (Terminal::Rejected, StatusCode::SystemError);
        let refused = Settlement::Refused { terminal, reason, details: None };
        settle(context, send, refused, &format!("the media cannot be read: {error}"), &[]).await;
    }
    AttemptEnd::default()
}

/// A message that cannot be written can never be sent.
async fn unwritable(
    context: &SubmitContext,
    send: &ToSend,
    answer: Option<oneshot::Sender<StatusCode>>,
    error: &Unwritable,
) {
    tracing::error!(%error, id = %send.id, "the message cannot be written");
    let reason = StatusCode::SystemError;
    let settlement = match answer {
        Some(_) => Settlement::Declined { reason },
        None => Settlement::Refused { terminal: Terminal::Rejected, reason, details: None },
    };
    settle(context, send, settlement, &format!("the message cannot be written: {error}"), &[]).await;
    if let Some(answer) = answer {
        // A door that does not wait any more has answered 3500.
        let _ = answer.send(reason);
    }
}

/// What was not begun when the gateway stops is due at once, for the next start. Not so in relay mode: it would be sent after
/// its VASP was told 3500.
pub(super) async fn give_back(
    context: &SubmitContext,
    unbegun: Vec<(ToSend, Option<oneshot::Sender<StatusCode>>)>,
) {
    let mut ids = Vec::new();
    for (send, answer) in unbegun {
        match answer {
            Some(_answer) => decline(context, &send, "the gateway was stopped before it was sent").await,
            None => ids.push(send.id),
        }
    }
    if ids.is_empty() {
        return;
    }
    if let Err(error) = context.store.release(&ids, context.owner, context.clock.now()).await {
        tracing::error!(%error, "leases could not be given back; they run out by themselves");
    }
}

/// Relay mode: ends a message that was not sent, and that the VASP was told, or is told now, was not.
async fn decline(context: &SubmitContext, send: &ToSend, words: &str) {
    settle(context, send, Settlement::Declined { reason: StatusCode::Timeout }, words, &[]).await;
}

/// When another attempt is due.
const fn next_due(settlement: &Settlement) -> Option<Timestamp> {
    match settlement {
        Settlement::Again { due, .. } | Settlement::Resend { due, .. } => Some(*due),
        _ => None,
    }
}

pub(super) async fn settle(
    context: &SubmitContext,
    send: &ToSend,
    settlement: Settlement,
    words: &str,
    failed: &[FailedAttempt],
) {
    let now = context.clock.now();
    let due_again = next_due(&settlement);
    let taking = context.callbacks.taking();
    let settle = || {
        let ended = EndedAttempt { settlement: settlement.clone(), said: words, failed };
        context.store.settle_attempt(send.id, context.owner, ended, now, Some(taking.clone()))
    };
    match kept(settle, &context.stop).await {
        KeptOutcome::Stored(handed) => {
            let settled = taking.hand_on(handed);
            tracing::debug!(id = %send.id, carrier = %send.carrier, state = %settled.state, words, "settled");
            if let Some(due) = due_again {
                context.bell.ring_for(due, now);
            }
        }
        KeptOutcome::StoredBefore => {
            tracing::debug!(id = %send.id, words, "settled by an earlier try");
            context.bell.ring();
        }
        KeptOutcome::Lost => tracing::warn!(id = %send.id, "the lease was lost before the outcome was known"),
        KeptOutcome::GivenUp(error) => {
            tracing::error!(%error, id = %send.id, words, "an outcome could not be settled")
        }
    }
}
