//! From facts that passed every check to the message that the store keeps.

use std::time::Duration;

use jiff::Timestamp;
use mm7::{Framing, message::SubmitReq};

use super::{Body, CarrierFact, ContentFacts, Facts, presentation::outgoing};
use crate::{
    Id,
    message::{AddressKind, KeptAddress, StoredPart, Submission},
    store::NewMessage,
    time::after,
};

/// ExpiryDate of a SubmitReq that has none, from when it is accepted (contract 4.2).
pub const DEFAULT_EXPIRY: Duration = Duration::from_secs(3 * 24 * 3600);

/// How long a repetition of a SubmitReq is recognised (contract 4.3).
const REPEATED_WITHIN: Duration = Duration::from_secs(24 * 3600);

/// How many tolerated quirks are noted on a timeline at most.
const MAX_QUIRKS_NOTED: usize = 16;

/// Makes the message of facts for which [`decide`](super::decide) said Accept, without a lease. `None` when they are not such facts.
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
        lease: None,
    })
}

/// Since when a message may have been accepted that this request repeats (contract 4.3). `None`: its dialect knows no repetitions.
pub fn repeats_since(body: &Body, now: Timestamp) -> Option<Timestamp> {
    body.dialect.repeats_first_answer.then(|| now.checked_sub(REPEATED_WITHIN).unwrap_or(Timestamp::MIN))
}

fn submission(facts: &Facts, body: &Body, content: &ContentFacts, now: Timestamp) -> Option<Submission> {
    let decoded = body.decoded.as_ref().ok()?;
    let req = body.submit_req()?;
    let framing = Framing::answering(decoded);
    let (sender_kind, sender) = sender(req)?;
    let now = whole_milliseconds(now);
    let time_stamp = req.time_stamp.unwrap_or(now);
    let expiry = req.expiry_date.as_ref().and_then(|when| when.from(time_stamp));
    Some(Submission {
        transaction_id: decoded.transaction_id.as_ref()?.as_str().to_owned(),
        vasid: facts.service()?.vasid.clone(),
        sender_kind,
        sender,
        recipient: facts.recipient()?,
        subject: req.subject.clone(),
        message_class: req.message_class.map(|class| class.as_str().to_owned()),
        priority: req.priority.map(|priority| priority.as_str().to_owned()),
        service_code: req.service_code.clone(),
        allow_adaptations: req.content.as_ref().and_then(|content| content.allow_adaptations),
        time_stamp,
        expiry: expiry.unwrap_or_else(|| after(now, DEFAULT_EXPIRY)),
        delivery_report: req.delivery_report.unwrap_or(true),
        namespace: framing.namespace.uri().to_owned(),
        version: framing.version.to_string(),
        notes: notes(body, req).into_iter().chain(content.notes.iter().cloned()).collect(),
        parts: content.media.iter().map(StoredPart::of).collect(),
    })
}

/// What a clock says, as it is written to carriers: peers that read three digits of a second are common, nine are not.
fn whole_milliseconds(now: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}

fn sender(req: &SubmitReq) -> Option<(AddressKind, String)> {
    let KeptAddress { kind, text } = req.sender.address.as_ref()?.into();
    Some((kind, text))
}

/// What was dropped (contract 4.2) and what was tolerated.
fn notes(body: &Body, req: &SubmitReq) -> Vec<String> {
    let dropped = [
        ("ApplicID", req.application.applic_id.is_some()),
        ("AuxApplicInfo", req.application.aux_applic_info.is_some()),
        ("ContentClass", req.content_class.is_some()),
        ("DeliveryCondition", !req.delivery_condition.is_empty()),
        ("DistributionIndicator", req.distribution_indicator.is_some()),
        ("DRMContent", req.drm_content.is_some()),
        ("EarliestDeliveryTime", req.earliest_delivery_time.is_some()),
        ("LinkedID", req.linked_id.is_some()),
        ("ReadReply", req.read_reply.is_some()),
        ("ReplyApplicID", req.application.reply_applic_id.is_some()),
    ];
    let dropped =
        dropped.iter().filter(|(_, present)| *present).map(|(name, _)| format!("{name} was dropped"));
    let shown_only = req.recipients.iter().filter(|recipient| recipient.display_only).count();
    let shown_only = (shown_only > 0)
        .then(|| format!("displayOnly: {shown_only} recipient(s) are for display only and were dropped"));
    let in_envelope = body.decoded.as_ref().map_or(&[][..], |decoded| &decoded.errors);
    let quirks = in_envelope.iter().chain(&body.package.errors).map(|error| format!("tolerated: {error}"));
    dropped.chain(shown_only).chain(quirks.take(MAX_QUIRKS_NOTED)).collect()
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
