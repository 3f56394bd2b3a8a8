//! The words that the documentation, the commands and the pages use, each in a sentence: `posthouse codes --glossary` and docs/glossary.md.

/// A word, what it is, and where the documentation says more; empty where it does not.
type Entry = (&'static str, &'static str, &'static str);

/// The words, in alphabetical order.
const WORDS: &[Entry] = &[
    ("account", "a VASP as it is provisioned: its key, its services, where its callbacks go", "callbacks.md"),
    (
        "adaptation",
        "making pictures smaller, or of another type, for a carrier that does not take them as they are",
        "adaptation.md",
    ),
    (
        "callback",
        "what is owed to a VASP and posted to its URL: a report, a read reply or a message from a handset",
        "callbacks.md",
    ),
    ("carrier", "a mobile operator that takes messages for its handsets", "carriers.md"),
    ("connection", "one way to a carrier: a URL with credentials, a window and a rate", "carriers.md"),
    (
        "dialect",
        "how a VASP or a carrier writes MM7: namespaces, versions, how refusals are dressed",
        "dialects.md",
    ),
    (
        "door",
        "an address where the gateway listens: for VASPs (mm7), for carriers, and for operators (admin)",
        "operations.md",
    ),
    ("drain", "taking nothing new while what is there goes out", "operations.md"),
    (
        "lane",
        "the queue of one carrier, or of one account's callbacks: one that is slow holds no other up",
        "",
    ),
    (
        "LinkedID",
        "the id that the gateway gives a message from a handset, for an answer to it",
        "callbacks.md",
    ),
    ("MessageID", "the id that the gateway gives a message; it sorts by time", "operations.md"),
    (
        "MM7",
        "the protocol between VASPs and carriers for MMS: SOAP with the media beside it, over HTTP (3GPP TS 23.140)",
        "dialects.md",
    ),
    ("MMS", "a message with pictures, sound or video to or from a handset", ""),
    ("MO", "a message from a handset (mobile originated), for a short code", "callbacks.md"),
    ("MT", "a message to a handset (mobile terminated)", ""),
    (
        "number portability",
        "that a number may belong to another carrier than its first digits say",
        "lookup.md",
    ),
    (
        "parked",
        "an attempt may have arrived: the message is not sent again till a report, an operator or the time-out says so",
        "operations.md",
    ),
    (
        "queue mode",
        "1000 is answered once the message is on disk; what the carrier says comes as a report",
        "callbacks.md",
    ),
    ("range", "the first digits of numbers, and the carrier that these belong to", "lookup.md"),
    ("read reply", "that the recipient read a message, or deleted it", "callbacks.md"),
    (
        "relay mode",
        "the answer waits for the carrier's, so that a refusal of the carrier is the answer itself",
        "callbacks.md",
    ),
    (
        "report",
        "what became of a message, from the carrier and then to the VASP: a DeliveryReportReq",
        "callbacks.md",
    ),
    ("requeue", "making the next attempt of a message due at once", "operations.md"),
    ("retention", "how long messages and their media are kept after they have ended", "operations.md"),
    (
        "row",
        "the place of a check in the order in which requests are judged; the first that fails answers",
        "codes.md",
    ),
    ("segment", "a file of the media folder: many messages' media one behind the other", "operations.md"),
    ("service", "what a VASP offers under one VASID: its senders, and the carriers that it reaches", ""),
    ("short code", "the short number that a service sends from, and that handsets answer to", ""),
    ("SMIL", "the part of a message that says in which order its pictures and texts are shown", "content.md"),
    ("timeline", "what happened to one message, line by line: posthouse messages show ID", "operations.md"),
    (
        "TransactionID",
        "the id that the sender gives a request; one that comes again within a day is the same message",
        "",
    ),
    ("VAS, VASID", "value added service, and its id: one service of a VASP", ""),
    (
        "VASP, VASPID",
        "value added service provider, and its id: a customer that sends and receives MMS; the VASPID is its key",
        "",
    ),
    ("window", "how many requests may be in flight on a connection at a time", "carriers.md"),
];

/// Each word and its sentence, a paragraph each.
pub fn text() -> String {
    let widest = WORDS.iter().map(|(word, ..)| word.len()).max().unwrap_or(0);
    WORDS.iter().map(|(word, meaning, _)| format!("{word:<widest$}  {meaning}\n")).collect()
}

/// docs/glossary.md.
pub fn document() -> String {
    let mut document = "\
# Glossary

The words of the documentation, each in a sentence. `posthouse codes --glossary` prints the same.

<!-- Written by `cargo xtask docs`. Change crates/posthouse/src/commands/codes/glossary.rs instead. -->

| word | what it is |
|---|---|
"
    .to_owned();
    for (word, meaning, more) in WORDS {
        let more = if more.is_empty() { String::new() } else { format!(" ([{more}]({more}))") };
        document.push_str(&format!("| {word} | {meaning}{more} |\n"));
    }
    document
}
