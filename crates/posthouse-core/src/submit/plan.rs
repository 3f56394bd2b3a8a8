//! From facts that passed every check to the message that the store keeps.

use std::time::Duration;

use jiff::Timestamp;

use super::{Body, CarrierFact, ContentFacts, Facts, presentation::outgoing};
use crate::{
    Id,
    message::{DEFAULT_EXPIRY, FirstAttempt, KeptAddress, NewMessage, StoredPart, Submission},
    time::after,
};

/// How long a repetition of a SubmitReq is recognised (contract 4.3).
const REPEATED_WITHIN: Duration = Duration::from_secs(24 * 3600);

/// Makes the message of facts for which [`decide`](super::decide) said Accept, due at once. `None` when they are not such facts.
pub fn plan(facts: &Facts, id: Id, now: Timestamp) -> Option<NewMessage> {
    let body = facts.body.as_ref()?;
    let account = facts.account()?;
    let Some(CarrierFact::Found { carrier, .. }) = &facts.carrier else { return None };
    let content = outgoing(facts.whole_content()?, carrier);
    let submission = submission(facts, body, &content, now)?;
    Some(NewMessage {
        id,
        account: account.name.clone(),
        carrier: carrier.id.clone(),
        submission,
        media: content.media.iter().map(|media| media.bytes.clone()).collect(),
        digest: body.digest,
        repeats_since: repeats_since(body, now),
        accepted_at: now,
        first_attempt: FirstAttempt::Due,
    })
}

/// Since when a message may have been accepted that this request repeats (contract 4.3). `None`: its dialect knows no repetitions.
pub fn repeats_since(body: &Body, now: Timestamp) -> Option<Timestamp> {
    body.dialect.repeats_first_answer.then(|| now.checked_sub(REPEATED_WITHIN).unwrap_or(Timestamp::MIN))
}

fn submission(facts: &Facts, body: &Body, content: &ContentFacts, now: Timestamp) -> Option<Submission> {
    let request = body.request()?;
    let framing = body.framing()?;
    let KeptAddress { kind: sender_kind, text: sender } = request.sender?.into();
    let now = whole_milliseconds(now);
    let time_stamp = request.time_stamp.unwrap_or(now);
    let expiry = request.expiry.and_then(|when| when.from(time_stamp));
    Some(Submission {
        transaction_id: request.reference?.to_owned(),
        vasid: facts.service()?.vasid.clone(),
        sender_kind,
        sender,
        recipient: request.only_recipient()?,
        subject: request.subject.map(str::to_owned),
        message_class: request.message_class.map(str::to_owned),
        priority: request.priority.map(str::to_owned),
        service_code: request.service_code.map(str::to_owned),
        allow_adaptations: request.allow_adaptations,
        time_stamp,
        expiry: expiry.unwrap_or_else(|| after(now, DEFAULT_EXPIRY)),
        delivery_report: request.delivery_report.unwrap_or(true),
        namespace: framing.namespace.uri().to_owned(),
        version: framing.version.to_string(),
        notes: body.notes().into_iter().chain(content.notes.iter().cloned()).collect(),
        parts: content.media.iter().map(StoredPart::of).collect(),
        resubmission: None,
        via: None,
    })
}

/// What a clock says, as it is written to carriers: peers that read three digits of a second are common, nine are not.
fn whole_milliseconds(now: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_clock_says_is_written_in_milliseconds() {
        let now: Timestamp = "2026-03-01T12:00:00.404087299Z".parse().expect("a time");
        assert_eq!(whole_milliseconds(now).to_string(), "2026-03-01T12:00:00.404Z");
    }
}
