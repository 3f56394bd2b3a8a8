//! The rows of contract 4.1 that only the MM7 door has, and what it makes of a SubmitReq.

use std::borrow::Cow;

use mm7::{
    DecodeError, Decoded, Dialect, Framing, Limits, Message, Rule,
    message::{Content, SubmitReq},
};

use super::{
    body::{ContentFacts, read_content},
    facts::{Ask, Body, ContentLength, Facts, Mm7Body},
    outcome::{CheckOutcome, body, refuse_if},
    reject::Reject,
    request::SubmitRequest,
};

/// How many tolerated quirks are noted on a timeline at most.
const MAX_QUIRKS_NOTED: usize = 16;

impl Mm7Body {
    /// The SubmitReq inside, if it is one.
    pub fn submit_req(&self) -> Option<&SubmitReq> {
        match self.decoded.as_ref().ok()?.message.as_ref()? {
            Message::SubmitReq(req) => Some(req),
            _ => None,
        }
    }

    /// The Content of the SubmitReq; where the dialect does without, and there is one other part, one that means that part.
    pub fn content(&self, dialect: &Dialect) -> Option<Cow<'_, Content>> {
        let req = self.submit_req()?;
        let is_plain = || dialect.content_optional && self.package.attachments.len() == 1;
        match &req.content {
            Some(content) => Some(Cow::Borrowed(content)),
            None => is_plain().then(|| Cow::Owned(Content::default())),
        }
    }
}

impl Body {
    /// The media that it brings, and which lie elsewhere; `None` where it is no request to send a message, or has no content.
    pub fn read_content(&self, limits: &Limits) -> Option<Result<ContentFacts, DecodeError>> {
        let content = self.mm7.content(self.dialect)?;
        Some(read_content(&self.mm7.package, &content, self.dialect, limits))
    }

    /// What it asks for, if it is a SubmitReq.
    pub fn request(&self) -> Option<SubmitRequest<'_>> {
        let req = self.mm7.submit_req()?;
        let mut recipients = req.recipients.iter().filter(|recipient| !recipient.display_only);
        let recipient = recipients.next().map(|recipient| &recipient.address);
        Some(SubmitRequest {
            reference: self.transaction_id(),
            service: req.sender.vasid.as_ref().map(mm7::VasId::as_str),
            sender: req.sender.address.as_ref(),
            recipient,
            recipients: usize::from(recipient.is_some()) + recipients.count(),
            subject: req.subject.as_deref(),
            message_class: req.message_class.map(mm7::message::MessageClass::as_str),
            priority: req.priority.map(mm7::message::Priority::as_str),
            service_code: req.service_code.as_deref(),
            allow_adaptations: req.content.as_ref().and_then(|content| content.allow_adaptations),
            has_content: self.mm7.content(self.dialect).is_some(),
            time_stamp: req.time_stamp,
            expiry: req.expiry_date,
            delivery_report: req.delivery_report,
            lenient_addresses: self.dialect.lenient_addresses,
        })
    }

    /// The TransactionID, if it can be read.
    pub(super) fn transaction_id(&self) -> Option<&str> {
        let decoded = self.mm7.decoded.as_ref().ok()?;
        decoded.transaction_id.as_ref().map(mm7::TransactionId::as_str)
    }

    /// In which namespace and version the caller is written to: its own, as far as they can be answered in.
    pub(super) fn framing(&self) -> Option<Framing> {
        self.mm7.decoded.as_ref().ok().map(Framing::answering)
    }

    /// What was dropped (contract 4.2) and what was tolerated, for the timeline.
    pub(super) fn notes(&self) -> Vec<String> {
        let Some(req) = self.mm7.submit_req() else { return Vec::new() };
        let dropped = dropped(req).into_iter().filter(|(_, present)| *present);
        let dropped = dropped.map(|(name, _)| format!("{name} was dropped"));
        let shown_only = req.recipients.iter().filter(|recipient| recipient.display_only).count();
        let shown_only = (shown_only > 0)
            .then(|| format!("displayOnly: {shown_only} recipient(s) are for display only and were dropped"));
        let in_envelope = self.mm7.decoded.as_ref().map_or(&[][..], |decoded: &Decoded| &decoded.errors);
        let quirks =
            in_envelope.iter().chain(&self.mm7.package.errors).map(|error| format!("tolerated: {error}"));
        dropped.chain(shown_only).chain(quirks.take(MAX_QUIRKS_NOTED)).collect()
    }
}

/// The elements that no carrier is told of, and whether they are there.
const fn dropped(req: &SubmitReq) -> [(&'static str, bool); 10] {
    [
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
    ]
}

/// Refuses for the first of these rules that is broken and that the dialect does not tolerate.
fn rules(facts: &Facts, from: Rule, to: Rule) -> CheckOutcome {
    let body = body(facts)?;
    let in_envelope = body.mm7.decoded.as_ref().map_or(&[][..], |decoded| &decoded.errors);
    let broken = in_envelope
        .iter()
        .chain(&body.mm7.package.errors)
        .map(|error| error.rule)
        .find(|rule| (from..=to).contains(rule) && body.dialect.refuses(*rule));
    broken.map_or(Ok(()), |rule| Err(Reject::Decode(rule).into()))
}

pub(super) fn http_headers(facts: &Facts) -> CheckOutcome {
    refuse_if(facts.head.unusable().is_some(), Reject::HttpHeaders)?;
    // Whose dialect counts is known only with the body: till then, chunks are taken.
    let refuses_chunks = facts.body.as_ref().is_some_and(|body| !body.dialect.takes_chunks);
    refuse_if(facts.head.content_length == ContentLength::Chunked && refuses_chunks, Reject::Chunks)
}

pub(super) fn root_content_type(facts: &Facts) -> CheckOutcome {
    rules(facts, Rule::RootContentType, Rule::RootContentType)
}

pub(super) fn envelope_reads(facts: &Facts) -> CheckOutcome {
    match &body(facts)?.mm7.decoded {
        Ok(_) => Ok(()),
        Err(error) => Err(Reject::Decode(error.rule).into()),
    }
}

pub(super) fn soap_header(facts: &Facts) -> CheckOutcome {
    rules(facts, Rule::NotAnEnvelope, Rule::OtherHeaderEntry)
}

pub(super) fn soap_body(facts: &Facts) -> CheckOutcome {
    rules(facts, Rule::NoBody, Rule::SeveralOperations)
}

pub(super) fn namespaces(facts: &Facts) -> CheckOutcome {
    rules(facts, Rule::ForeignNamespace, Rule::NoNamespace)
}

pub(super) fn operation(facts: &Facts) -> CheckOutcome {
    refuse_if(body(facts)?.mm7.submit_req().is_none(), Reject::NotSubmitReq)
}

pub(super) fn version(facts: &Facts) -> CheckOutcome {
    rules(facts, Rule::NoVersion, Rule::UnknownVersion)?;
    let body = body(facts)?;
    let Ok(decoded) = &body.mm7.decoded else { return Ok(()) };
    let taken =
        decoded.version.is_some_and(|version| body.dialect.takes_version(version, &decoded.namespace));
    refuse_if(!taken, Reject::Decode(Rule::UnknownVersion))
}

/// What a strict dialect refuses of the rest of the envelope. Elements that are missing have rows of their own.
pub(super) fn schema(facts: &Facts) -> CheckOutcome {
    rules(facts, Rule::ElementOrder, Rule::RepeatedElement)?;
    rules(facts, Rule::ChildNamespace, Rule::StrayText)
}

pub(super) fn sender_identification(facts: &Facts) -> CheckOutcome {
    refuse_if(body(facts)?.mm7.submit_req().is_none_or(|req| req.sender.vaspid.is_none()), Reject::NoVaspId)
}

pub(super) fn vaspid(facts: &Facts) -> CheckOutcome {
    refuse_if(body(facts)?.account.is_none(), Reject::UnknownVaspId)
}

pub(super) fn account_mm7(facts: &Facts) -> CheckOutcome {
    refuse_if(facts.account().is_some_and(|account| !account.mm7), Reject::NotProvisionedForMm7)
}

pub(super) fn reply_charging(facts: &Facts) -> CheckOutcome {
    let req = body(facts)?.mm7.submit_req();
    refuse_if(req.is_some_and(|req| req.reply_charging.is_some()), Reject::ReplyCharging)
}

pub(super) fn charged_party(facts: &Facts) -> CheckOutcome {
    let req = body(facts)?.mm7.submit_req();
    let charged = req.is_some_and(|req| req.charged_party.is_some() || req.charged_party_id.is_some());
    refuse_if(charged, Reject::ChargedParty)
}

pub(super) fn attachment_content_types(facts: &Facts) -> CheckOutcome {
    rules(facts, Rule::PartWithoutContentType, Rule::PartContentType)
}

pub(super) fn attachments_read(facts: &Facts) -> CheckOutcome {
    rules(facts, Rule::PartHeaders, Rule::SmilForm)?;
    match facts.content.as_ref().ok_or(Ask::Content)? {
        Ok(_) => Ok(()),
        Err(error) => Err(Reject::Decode(error.rule).into()),
    }
}
