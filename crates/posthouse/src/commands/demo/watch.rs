//! Follows one life: submits its message, watches its timeline, and checks how it ended.

use std::time::{Duration, Instant};

use anyhow::Context;
use mm7::{MmStatus, StatusCode};
use posthouse_core::{
    Id,
    life::state::State,
    message::{EventKind, StoredMessage, TimelineEvent},
};
use posthouse_sim::Mm7Answer;
use tokio::time::sleep;

use super::{
    lives::{End, Life},
    stage::Stage,
};

/// How often a timeline is read.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// One line of a life.
pub struct LifeLine {
    /// How long after the beginning of the demo it happened.
    pub after: Duration,
    /// What happened.
    pub what: String,
    /// The details, in words.
    pub detail: String,
}

/// How a life ended.
pub struct LifeEnd {
    /// What the gateway answered; `None` where nobody waited for it any more.
    pub answer: Option<Mm7Answer>,
    /// The message that was made.
    pub message: Option<Id>,
    /// What happened.
    pub lines: Vec<LifeLine>,
    /// What should not have happened.
    pub failures: Vec<String>,
}

impl LifeEnd {
    /// A life that took too long.
    pub fn unfinished(limit: Duration) -> Self {
        let failure =
            format!("it had not ended after {} s, or its report had not reached the VASP", limit.as_secs());
        Self { answer: None, message: None, lines: Vec::new(), failures: vec![failure] }
    }
}

/// Submits a life's message and follows it to its end, and to the end of its reports.
pub async fn follow(stage: &Stage, life: &Life, began: Instant) -> anyhow::Result<LifeEnd> {
    if life.second_in_a_row {
        stage.submit(life).await?;
    }
    let answer = stage.submit(life).await?;
    let answered = LifeLine { after: began.elapsed(), what: "SubmitReq".to_owned(), detail: told(&answer) };
    match (life.end, answer.message_id()) {
        (End::Refused(code), id) => {
            let failures = check_refusal(&answer, code)
                .into_iter()
                .chain(id.map(|id| format!("it got the MessageID {id}")));
            let failures = failures.collect();
            Ok(LifeEnd { failures, lines: vec![answered], answer: Some(answer), message: None })
        }
        (_, None) => Ok(LifeEnd {
            failures: vec!["it was refused, and should have been accepted".to_owned()],
            lines: vec![answered],
            answer: Some(answer),
            message: None,
        }),
        (end, Some(id)) => {
            let id = id.as_str().parse().context("the MessageID is no number")?;
            let (message, timeline) = watch(stage, id).await?;
            // A report that was there before the carrier's answer is written behind it, and came before it.
            let mut in_time = timeline.clone();
            in_time.sort_by_key(|event| event.at);
            let mut lines: Vec<_> = in_time.iter().map(|event| line(event, &message, began)).collect();
            // The store's line for it came before the answer did.
            if let Some(accepted) = lines.first_mut() {
                (accepted.what, accepted.detail) =
                    (answered.what, format!("{}, MessageID {id}", answered.detail));
            }
            let failures = check(stage, end, &message, &timeline);
            Ok(LifeEnd { failures, lines, message: Some(id), answer: Some(answer) })
        }
    }
}

fn told(answer: &Mm7Answer) -> String {
    let code = answer.code().map_or_else(|| format!("HTTP {}", answer.http_status), |code| code.to_string());
    let text = answer.text().unwrap_or_default();
    // Refusals of the default dialect begin their faultstring with the code, their StatusText does not.
    format!("answered {code} {text}")
}

fn check_refusal(answer: &Mm7Answer, code: StatusCode) -> Option<String> {
    let expected = Some(u32::from(code.code()));
    (answer.code() != expected).then(|| format!("it should have been refused with {code}"))
}

/// Waits till the message has ended and nothing is owed for it any more.
async fn watch(stage: &Stage, id: Id) -> anyhow::Result<(StoredMessage, Vec<TimelineEvent>)> {
    loop {
        let message = stage.store().message(id).await?.context("the message is not in the store")?;
        let timeline = stage.store().timeline(id).await?.context("the message has no timeline")?;
        if message.state.is_terminal() && reports_are_out(&message, &timeline) {
            return Ok((message, timeline));
        }
        sleep(LOOK_EVERY).await;
    }
}

/// Whether the report on how it ended was delivered: it is the last that is owed.
fn reports_are_out(message: &StoredMessage, timeline: &[TimelineEvent]) -> bool {
    let ended = timeline.iter().position(|event| event.kind == EventKind::Ended);
    let after = ended.map_or(&[][..], |ended| &timeline[ended..]);
    let status = message.state.as_str();
    after.iter().any(|event| event.kind == EventKind::Reported && event.detail.contains(status))
}

fn line(event: &TimelineEvent, message: &StoredMessage, began: Instant) -> LifeLine {
    let since_accepted =
        Duration::try_from(jiff::Timestamp::now().duration_since(event.at)).unwrap_or_default();
    let what = match event.kind {
        EventKind::Ended => message.state.as_str(),
        kind => kind.as_str(),
    };
    let detail = event.detail.strip_prefix(what).unwrap_or(&event.detail).trim_start_matches(": ");
    LifeLine {
        after: began.elapsed().saturating_sub(since_accepted),
        what: what.to_owned(),
        detail: if detail == what { String::new() } else { detail.to_owned() },
    }
}

fn check(stage: &Stage, end: End, message: &StoredMessage, timeline: &[TimelineEvent]) -> Vec<String> {
    let (through, reason) = match end {
        End::Through(through, reason) => (through, reason),
        End::After { through, .. } => (through, None),
        End::Refused(_) => (&[][..], None),
    };
    let mut failures = Vec::new();
    let passed = passed_through(message.state, timeline);
    if passed != through {
        failures.push(format!("it passed through {passed:?}, and should have passed through {through:?}"));
    }
    let begun = timeline.iter().filter(|event| event.kind == EventKind::Sending).count();
    if let End::After { attempts, .. } = end
        && begun != attempts
    {
        failures.push(format!("{begun} attempts were made, and should have been {attempts}"));
    }
    failures.extend(check_report(stage, message, reason));
    failures
}

fn passed_through(state: State, timeline: &[TimelineEvent]) -> Vec<MmStatus> {
    let status = |event: &TimelineEvent| match event.kind {
        EventKind::Forwarded => Some(MmStatus::Forwarded),
        EventKind::Deferred => Some(MmStatus::Deferred),
        EventKind::Ended => MmStatus::from_name(state.as_str()),
        _ => None,
    };
    timeline.iter().filter_map(status).collect()
}

/// The VASP must have got the terminal status, as its last report, with the reason beside it.
fn check_report(stage: &Stage, message: &StoredMessage, reason: Option<StatusCode>) -> Option<String> {
    let reports = stage.reports_on(&message.id.to_string());
    let Some(last) = reports.last() else {
        return Some("no report reached the VASP".to_owned());
    };
    let status = last.status().map(MmStatus::as_str);
    if status != Some(message.state.as_str()) || !last.is_acknowledged() {
        return Some(format!("the last report at the VASP says {}", status.unwrap_or("nothing")));
    }
    let expected = reason.map(|code| code.to_string());
    (last.reason != expected)
        .then(|| format!("the report's reason is {:?}, and should be {expected:?}", last.reason))
}
