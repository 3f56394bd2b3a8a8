//! What a carrier said, in lines for the timeline.

use mm7::{DecodeError, Decoded, Rule, text::without_controls};

/// The longest piece of a report that goes onto a timeline, in characters.
const MAX_SAID: usize = 200;

/// How many oddities of a request's form go onto a timeline at most.
const MOST_ODD: usize = 4;

/// The longest line about a request's form, in characters.
const MAX_ODD: usize = 400;

/// What a carrier said, in a line for the timeline.
pub(super) fn said(status: &str, text: Option<&str>) -> String {
    let said = match text {
        Some(text) => format!("{status} {text}"),
        None => status.to_owned(),
    };
    without_controls(&said).chars().take(MAX_SAID).collect()
}

/// What was odd about the form of a request, in a line for the timeline; empty: nothing.
pub(super) fn odd(decoded: &Decoded) -> String {
    if decoded.errors.is_empty() {
        return String::new();
    }
    let told = decoded.errors.iter().take(MOST_ODD).map(ToString::to_string);
    let mut odd = told.collect::<Vec<_>>().join("; ");
    if decoded.errors.len() > MOST_ODD {
        odd.push_str(&format!("; and {} more", decoded.errors.len() - MOST_ODD));
    }
    format!("odd form, taken all the same: {odd}").chars().take(MAX_ODD).collect()
}

/// A status that is missing from what broke off, or had to be mended, might have been any.
pub(super) fn check_status(status: &str, decoded: &Decoded) -> Result<(), DecodeError> {
    let broken = decoded.errors.iter().find(|error| error.rule == Rule::NotWellFormed);
    broken.filter(|_| status.is_empty()).map_or(Ok(()), |error| Err(error.clone()))
}
