//! What is said of captures.

use posthouse_api::{CaptureView, ProblemDetails};

use super::{count, short};

/// That the form of a capture says nothing that can be captured.
pub(in super::super) const NO_CAPTURE: &str =
    "Choose an account or a carrier, and a number of requests from 1 to 1000.";

/// How a capture stands.
pub(in super::super) fn of_capture(shown: &CaptureView) -> String {
    match (shown.running, shown.exchanges >= shown.max.into()) {
        (true, true) => "It is full. Remove it, and begin one that may have more.".to_owned(),
        (true, false) => format!("It keeps what comes till {}.", short(&shown.until)),
        (false, _) => format!(
            "It ended at {}. What it has is forgotten an hour after that, and when the gateway stops.",
            short(&shown.until)
        ),
    }
}

/// How many requests it has, of how many.
pub(in super::super) fn captured(shown: &CaptureView) -> String {
    let left_out = match shown.left_out {
        0 => String::new(),
        1 => "; 1 more came, and was left out".to_owned(),
        left_out => format!("; {} more came, and were left out", count(left_out)),
    };
    format!("{} of {}{left_out}", count(shown.exchanges), count(shown.max.into()))
}

/// Who asked whom.
pub(in super::super) fn leg(leg: &str) -> &str {
    match leg {
        "submit" => "from the VASP",
        "attempt" => "to the carrier",
        "carrier" => "from the carrier",
        "callback" => "to the VASP",
        other => other,
    }
}

/// What the API refuses a form for, in a sentence or more.
pub(in super::super) fn refused(problem: &ProblemDetails) -> String {
    let errors = problem.errors.iter().map(|error| match &error.remedy {
        Some(remedy) => format!("{}; {remedy}.", super::capitalised(&error.detail)),
        None => format!("{}.", super::capitalised(&error.detail)),
    });
    let errors: Vec<_> = errors.collect();
    if errors.is_empty() { problem.to_string() } else { errors.join(" ") }
}
