//! Guesses which operation of a relay an element stands for whose name is not MM7's: by a name that is near one, or by its contents.

use crate::text::cut;
use crate::xml::Element;

/// The longest name that is looked at, in bytes.
const MAX_NAME: usize = 64;

/// What peers call the operations of a relay, without `MM7` before it, `Req` or `Request` behind it, and in lower case.
const NAMES: &[(&str, &str)] = &[
    ("deliveryreport", "DeliveryReportReq"),
    ("deliverreport", "DeliveryReportReq"),
    ("deliveredreport", "DeliveryReportReq"),
    ("delivereport", "DeliveryReportReq"),
    ("deliverystatus", "DeliveryReportReq"),
    ("deliverystatusreport", "DeliveryReportReq"),
    ("statusreport", "DeliveryReportReq"),
    ("readreply", "ReadReplyReq"),
    ("readreplay", "ReadReplyReq"),
    ("readreport", "ReadReplyReq"),
    ("readreplyreport", "ReadReplyReq"),
    ("deliver", "DeliverReq"),
];

/// The name of the request that is meant; `None` for a response, and where nothing tells.
pub(super) fn guess(operation: Element<'_>) -> Option<&'static str> {
    let name = cut(operation.name(), MAX_NAME).to_ascii_lowercase();
    let letters: String = name.chars().filter(|c| c.is_ascii_alphanumeric()).collect();
    if ["rsp", "resp", "response", "result"].iter().any(|end| letters.ends_with(end)) {
        return None;
    }
    let stem = letters.strip_prefix("mm7").or_else(|| letters.strip_prefix("mms")).unwrap_or(&letters);
    let stem = ["request", "req"].iter().find_map(|end| stem.strip_suffix(end)).unwrap_or(stem);
    let named = NAMES.iter().find(|(known, _)| *known == stem).map(|(_, meant)| *meant);
    named.or_else(|| by_contents(operation, stem))
}

/// A report tells a status of a message, and a message has a sender and recipients. A VASP's request says which VASP it is from.
fn by_contents(operation: Element<'_>, stem: &str) -> Option<&'static str> {
    let has = |names: &[&str]| {
        let is_one = |child: Element<'_>| names.iter().any(|name| child.name().eq_ignore_ascii_case(name));
        operation.children().any(is_one)
    };
    if has(&["SenderIdentification"]) {
        return None;
    }
    match (has(&["MessageID"]) && has(&["MMStatus"]), stem.contains("read")) {
        (true, true) => Some("ReadReplyReq"),
        (true, false) => Some("DeliveryReportReq"),
        _ => {
            let is_message =
                has(&["Sender", "SenderAddress", "From"]) && has(&["Recipients", "Recipient", "To"]);
            is_message.then_some("DeliverReq")
        }
    }
}
