//! What carriers send: their door reads it for what it says, whatever its form (contract section 5), and so the same is said of it in
//! every dialect.

use mm7::{
    DecodeError, Decoded, Dialect, Limits, Message, Rule,
    lint::{Lint, Remedy},
    message::Operation,
    soap::decode_forgiving,
};

use super::finding::JudgedFinding;
use crate::submit::{Cause, ContentLength, Head, Reject, Rejection};

/// What the carriers' door takes.
const TAKEN: &[Operation] = &[Operation::DeliveryReport, Operation::Deliver, Operation::ReadReply];

/// Why the carriers' door refuses a message.
#[derive(Debug)]
pub(super) struct DoorRefusal {
    reject: Reject,
    /// The end of the words of the finding that is meant, where its rule alone does not tell.
    what: Option<String>,
}

impl DoorRefusal {
    const fn for_rule(rule: Rule) -> Self {
        Self { reject: Reject::Decode(rule), what: None }
    }

    /// A missing element, of which others may be missing as well.
    fn without(element: &str) -> Self {
        Self { reject: Reject::Decode(Rule::MissingElement), what: Some(format!(" has no {element}")) }
    }

    pub(super) fn refusal(&self) -> Rejection {
        Rejection { row: Cause::of(self.reject).map_or(0, |cause| cause.row), reject: self.reject }
    }

    /// Whether it is what a finding tells.
    pub(super) fn is_of(&self, finding: &JudgedFinding) -> bool {
        self.reject == finding.reject && self.what.as_ref().is_none_or(|what| finding.what.ends_with(what))
    }

    /// A finding of its own, where the message is so far from its form that nothing was looked for.
    pub(super) fn finding(&self, lint: &Lint) -> JudgedFinding {
        let remedy = Remedy::advise(
            "write what nothing can be done without: MessageID and MMStatus, or Sender and Recipients",
        );
        let what = match (&self.what, self.reject) {
            (Some(what), _) => format!("the message{what}"),
            (None, Reject::Decode(rule)) => rule.meaning().trim_end_matches('.').to_owned(),
            (None, _) => "the head of the request cannot be used".to_owned(),
        };
        let clause = match self.reject {
            Reject::Decode(rule) => rule.clause(),
            reject => Cause::of(reject).map_or("", |cause| cause.clause),
        };
        let answers = Dialect::ALL.map(|dialect| Some(dialect.status(self.reject.status())));
        JudgedFinding { reject: self.reject, place: lint.start(), what, remedy, clause, answers }
    }
}

/// What the carriers' door says of the message in a file: nothing, or the first thing that it is refused for. `None` where the
/// message is not one that carriers send.
pub(super) fn judge(lint: &Lint, head: &Head, limits: &Limits) -> Option<Option<DoorRefusal>> {
    let decoded = from_carrier(lint, limits)?;
    let is_usable = matches!(head.content_length, ContentLength::Bytes(_) | ContentLength::Chunked);
    if head.fault.is_some() || !is_usable || head.is_encoded {
        return Some(Some(DoorRefusal { reject: Reject::HttpHeaders, what: None }));
    }
    Some(refused(lint, &decoded).err())
}

/// The message as the carriers' door reads it, if it is one that carriers send.
fn from_carrier(lint: &Lint, limits: &Limits) -> Option<Decoded> {
    let told = lint.decoded.as_ref().ok().and_then(|decoded| decoded.message.as_ref());
    if lint.raw.is_response() || told.is_some_and(|message| !is_from_carrier(message)) {
        return None;
    }
    let root = lint.package.root.as_ref()?;
    let charset = root.content_type.as_ref().and_then(|content_type| content_type.param("charset"));
    let decoded = decode_forgiving(&root.bytes().ok()?, charset, limits).ok()?;
    // Of what is broken, a name that is near one is too little to go by.
    let is_named = |name: &str| matches!(name, "DeliveryReportReq" | "ReadReplyReq" | "DeliverReq");
    let is_told = lint.decoded.is_ok() || decoded.operation.as_deref().is_some_and(is_named);
    (is_told && decoded.message.as_ref().is_some_and(is_from_carrier)).then_some(decoded)
}

pub(super) const fn is_from_carrier(message: &Message) -> bool {
    matches!(message, Message::DeliveryReportReq(_) | Message::ReadReplyReq(_) | Message::DeliverReq(_))
}

fn refused(lint: &Lint, decoded: &Decoded) -> Result<(), DoorRefusal> {
    if let Some(DecodeError { rule, .. }) = Dialect::FORGIVING.first_refused(decoded, TAKEN) {
        return Err(DoorRefusal::for_rule(rule));
    }
    let (id, status) = match &decoded.message {
        Some(Message::DeliveryReportReq(req)) => (&req.mm.message_id, &req.mm_status),
        Some(Message::ReadReplyReq(req)) => (&req.mm.message_id, &req.mm_status),
        Some(Message::DeliverReq(req)) if req.sender.is_none() => {
            return Err(DoorRefusal::without("Sender"));
        }
        _ => return lint.media().map(drop).map_err(|error| DoorRefusal::for_rule(error.rule)),
    };
    // A status that is missing from what broke off might have been any.
    let is_broken = decoded.errors.iter().any(|error| error.rule == Rule::NotWellFormed);
    match id {
        _ if is_broken && status.is_empty() => Err(DoorRefusal::for_rule(Rule::NotWellFormed)),
        None => Err(DoorRefusal::without("MessageID")),
        Some(_) => Ok(()),
    }
}
