//! What is said of the sandbox, and of what is tried and judged before it is sent.

/// What numbers of the sandbox do, by their last four digits.
pub(in super::super) const SANDBOX_NUMBERS: &[(&str, &str)] = &[
    ("2002, 2004, 4000 to 4007 …", "refused with that code"),
    ("3500", "never answered"),
    ("9002", "taken, then Expired"),
    ("9003", "taken, then Rejected"),
    ("9004", "taken, then Deferred, then Retrieved"),
    ("9005", "taken, then Indeterminate"),
    ("9006", "taken, then Unrecognized"),
    ("9007", "taken, then Unreachable"),
    ("9008", "taken, and never reported"),
    ("9010", "reported before it is taken"),
    ("9011", "reported twice"),
    ("9012", "busy three times (4006), then taken and Retrieved"),
    ("9013", "HTTP 500 once, then taken and Retrieved"),
    ("9014", "refused with 4007"),
    ("9015", "an answer that breaks off"),
    ("anything else", "taken, then Retrieved"),
];

/// What Try it begins with, for who has written nothing yet: a subject and a text.
pub(in super::super) const TRIED: [&str; 2] = ["Hello", "Hello from the post house"];
/// That there is nothing to judge.
pub(in super::super) const NOTHING_TO_JUDGE: &str = "Paste a request, or choose a file.";
