//! Facts: what is so of a thing, each with its name, and where it leads.

use jiff::Timestamp;
use posthouse_api::{
    AccountQueue, AccountView, CaptureView, CarrierQueue, CarrierView, LookupView, MessageDetail, MoView,
    OperationView, RefusalView, StoreView,
};

use super::{
    super::ask::{query, segment},
    Fact, age, bytes, captured, decided, messages, precise, short,
};

/// Those of an account.
pub(in super::super) fn facts_of_account(account: &AccountView, queue: Option<&AccountQueue>) -> Vec<Fact> {
    let messages =
        |state: &str| Some(format!("/messages?{}", query([("account", &*account.name), ("state", state)])));
    let mut facts = vec![("VASPID begins with", format!("{}…", account.key_prefix), None)];
    let Some(queue) = queue else { return facts };
    facts.extend([
        ("Waiting", queue.waiting.to_string(), messages("Accepted")),
        ("In flight", queue.sending.to_string(), messages("Sending")),
        ("At carriers", queue.at_carrier.to_string(), messages("Forwarded")),
        ("Parked", queue.parked.to_string(), messages("Parked")),
    ]);
    facts
}

/// Those of a capture.
pub(in super::super) fn facts_of_capture(shown: &CaptureView) -> Vec<Fact> {
    let of = match (&shown.account, &shown.carrier) {
        (Some(name), _) => ("Account", name.clone(), Some(format!("/accounts/{}", segment(name)))),
        (None, carrier) => {
            let id = carrier.clone().unwrap_or_default();
            let place = format!("/carriers/{}", segment(&id));
            ("Carrier", id, Some(place))
        }
    };
    vec![
        of,
        ("Begun", format!("{} by {}", short(&shown.begun_at), shown.by), None),
        ("Till", short(&shown.until), None),
        ("Has", captured(shown), None),
    ]
}

/// Those of a carrier.
pub(in super::super) fn facts_of_carrier(carrier: &CarrierView, queue: Option<&CarrierQueue>) -> Vec<Fact> {
    let messages =
        |state: &str| Some(format!("/messages?{}", query([("carrier", &*carrier.id), ("state", state)])));
    let aliases = if carrier.aliases.is_empty() { "none".to_owned() } else { carrier.aliases.join(", ") };
    let mut facts = vec![("Name", carrier.name.clone(), None), ("Other ids", aliases, None)];
    let Some(queue) = queue else { return facts };
    let oldest = match queue.oldest_seconds {
        Some(_) => format!(", the oldest for {}; {} due", age(&queue.oldest_seconds), queue.due),
        None => String::new(),
    };
    let overdue = match queue.overdue {
        0 => String::new(),
        overdue => format!(", {overdue} of them overdue"),
    };
    facts.extend([
        ("Waiting", format!("{}{oldest}", queue.waiting), messages("Accepted")),
        ("In flight", queue.sending.to_string(), messages("Sending")),
        ("At the carrier", format!("{}{overdue}", queue.at_carrier), messages("Forwarded")),
        ("Parked", queue.parked.to_string(), messages("Parked")),
        (
            "Unmatched reports",
            queue.unmatched_reports.to_string(),
            Some(format!("/unmatched-reports?{}", query([("carrier", &*carrier.id)]))),
        ),
    ]);
    facts
}

/// Those of a message.
pub(in super::super) fn facts_of_message(shown: &MessageDetail) -> Vec<Fact> {
    let message = &shown.message;
    let filter = |name, value: &str| Some(format!("/messages?{}", query([(name, value)])));
    vec![
        ("Account", message.account.clone(), filter("account", &message.account)),
        ("VASID", message.vasid.clone(), None),
        ("Sender", message.sender.clone(), None),
        ("Recipient", message.recipient.clone(), None),
        ("TransactionID", message.transaction_id.clone(), filter("transaction_id", &message.transaction_id)),
        ("Carrier", message.carrier.clone(), filter("carrier", &message.carrier)),
        (
            "Carrier's MessageID",
            message
                .carrier_message_id
                .clone()
                .unwrap_or_else(|| if shown.next.is_some() { "none yet" } else { "none" }.to_owned()),
            None,
        ),
        ("Attempts", message.attempts.to_string(), None),
        ("Accepted", precise(&message.accepted_at), None),
        ("Changed", precise(&message.changed_at), None),
        ("ExpiryDate", short(&message.expires_at), None),
        ("Content", bytes(message.bytes), None),
    ]
}

/// Those of a message from a handset.
pub(in super::super) fn facts_of_mo(shown: &MoView) -> Vec<Fact> {
    let mut facts = vec![
        ("Account", shown.account.clone(), Some(format!("/accounts/{}", segment(&shown.account)))),
        ("VASID", shown.vasid.clone(), None),
        ("From", shown.sender.clone(), None),
        ("To", shown.recipients.join(", "), None),
        ("Carrier", shown.carrier.clone(), Some(format!("/mo?{}", query([("carrier", &*shown.carrier)])))),
        ("Carrier's TransactionID", shown.transaction_id.clone(), None),
        ("Carrier's LinkedID", shown.carrier_linked_id.clone().unwrap_or_else(|| "none".to_owned()), None),
        ("Received", precise(&shown.received_at), None),
    ];
    let callback = |id: &String| ("Callback", id.clone(), Some(format!("/callbacks/{}", segment(id))));
    facts.extend(shown.callback_id.as_ref().map(callback));
    if !shown.odd.is_empty() {
        facts.push(("Odd about it", shown.odd.clone(), None));
    }
    facts
}

/// Those of the store.
pub(in super::super) fn facts_of_store(store: &StoreView) -> Vec<Fact> {
    let mut facts: Vec<Fact> = Vec::new();
    facts.extend(store.database_bytes.map(|size| ("Database", bytes(size), None)));
    facts.extend(store.volumes.iter().map(|volume| {
        let name = if volume.name == "media" { "Free for media" } else { "Free for the database" };
        (
            name,
            format!(
                "{}; below {} nothing is accepted",
                bytes(volume.free_bytes),
                bytes(store.low_water_bytes)
            ),
            None,
        )
    }));
    facts.push(("Transactions that wait", store.writes_waiting.to_string(), None));
    facts
}

/// Those of a number.
pub(in super::super) fn facts_of_number(found: &LookupView) -> Vec<Fact> {
    let decided = decided(found);
    let carrier = |id: &String| format!("/carriers/{}", segment(id));
    let mut facts = vec![
        ("Number", found.number.clone(), None),
        ("Decided by", decided.to_owned(), None),
        (
            "Carrier",
            found.carrier.clone().unwrap_or_else(|| "none".to_owned()),
            found.carrier.as_ref().map(carrier),
        ),
    ];
    facts.extend(found.prefix.clone().map(|prefix| ("Range", prefix, None)));
    facts
}

/// Those of an operation.
pub(in super::super) fn facts_of_operation(shown: &OperationView) -> Vec<Fact> {
    let mut facts = vec![
        ("Verb", shown.verb.clone(), None),
        ("Which", which(shown).0, which(shown).1),
        ("Planned by", format!("{} at {}", shown.by, short(&shown.created_at)), None),
    ];
    let mut add = |name, value: Option<String>| facts.extend(value.map(|value| (name, value, None)));
    add("Why", shown.reason.clone());
    add("To carrier", shown.carrier.clone());
    add("Over", shown.via.clone());
    add("Parked", shown.parked.then(|| "also those that may have arrived".to_owned()));
    add("Reports", shown.reports.then(|| "the VASP gets reports on the new messages".to_owned()));
    add("Started", shown.started_at.as_ref().map(short));
    add("Ended", shown.ended_at.as_ref().map(short));
    facts
}

/// Those of a refusal.
pub(in super::super) fn facts_of_refusal(shown: &RefusalView) -> Vec<Fact> {
    let filter = |name: &str, value: &str| Some(format!("/refusals?{}", query([(name, value)])));
    let linked = |name, label: &'static str, value: &Option<String>| match value {
        Some(value) => (label, value.clone(), filter(name, value)),
        None => (label, "could not be told".to_owned(), None),
    };
    let plain =
        |label, value: &Option<String>| (label, value.clone().unwrap_or_else(|| "none".to_owned()), None);
    let mut facts = vec![
        ("Code", format!("{} {}", shown.code, shown.text), Some(format!("/codes/{}", shown.code))),
        linked("account", "Account", &shown.account),
        ("From address", shown.peer.clone(), filter("peer", &shown.peer)),
        linked("transaction_id", "TransactionID", &shown.transaction_id),
        plain("VASID", &shown.vasid),
        plain("Sender", &shown.sender),
        plain("Recipient", &shown.recipient),
        ("Body", bytes(shown.bytes), None),
        ("Refused by", format!("row {} of the order of checks: {}", shown.row, shown.rule), None),
        ("At", precise(&shown.at), None),
    ];
    if shown.times > 1 {
        facts.push(("So far", format!("{} times, last at {}", shown.times, precise(&shown.last_at)), None));
    }
    facts
}

/// Which messages it is about, and where they are listed.
fn which(shown: &OperationView) -> (String, Option<String>) {
    let Some(filter) = &shown.filter else {
        return (format!("{} named one by one", messages(shown.named as u64)), None);
    };
    // What a filter has is what its JSON has: texts, numbers, lists of texts.
    let value = serde_json::to_value(filter).unwrap_or_default();
    let mut pairs = Vec::new();
    for (name, value) in value.as_object().into_iter().flatten() {
        match value {
            serde_json::Value::Array(all) => pairs.extend(all.iter().map(|one| (name.clone(), plain(one)))),
            one => pairs.push((name.clone(), plain(one))),
        }
    }
    let shown = |value: &str| value.parse::<Timestamp>().map_or_else(|_| value.to_owned(), |at| short(&at));
    let words: Vec<String> = pairs.iter().map(|(name, value)| format!("{name} {}", shown(value))).collect();
    let listed = query(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    (words.join(", "), Some(format!("/messages?{listed}")))
}

fn plain(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
