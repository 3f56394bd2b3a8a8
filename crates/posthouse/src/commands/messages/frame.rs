//! What the commands about messages have in common: how a message is printed.

use posthouse_api::MessageView;
use posthouse_core::address::Msisdn;
use serde_json::Value;

use crate::times::seconds;

/// A message on one line.
pub(crate) fn message_line(message: &MessageView) -> String {
    let MessageView { message_id, account, carrier, state, recipient, .. } = message;
    let at = seconds(message.accepted_at);
    let recipient = masked(recipient);
    format!("{message_id:<19}  {at}  {state:<13}  {account} -> {recipient}  carrier {carrier}")
}

/// A number as it is shown where many are.
fn masked(number: &str) -> String {
    Msisdn::parse(number, true).map_or_else(|| number.to_owned(), |number| number.to_string())
}

/// Members in the order of their names, as programs have always had them.
pub(super) fn as_json(shown: &impl serde::Serialize) -> Value {
    // Types of the API always can be written.
    serde_json::to_value(shown).unwrap_or_default()
}
