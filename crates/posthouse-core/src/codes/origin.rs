//! Where codes and delivery statuses come from beside the checks: read off the functions that decide, over everything
//! they can be asked.

use mm7::{MmStatus, StatusCode};

use crate::{
    life::classify::{NextAction, Said, classify},
    life::state::{LifeEvent, State, Terminal, Transition},
};

/// What a carrier may answer that means this code, grouped: `4000`, `2005–2007`, `HTTP 429`, `no answer`.
pub fn answers_meaning(code: StatusCode) -> Vec<String> {
    let is_it = |said: Said| classify(said).code == code;
    let numbers = (1000..=4999).filter(|number| is_it(Said::Mm7(*number)));
    let mut answers = runs(numbers, "");
    if is_it(Said::Mm7(0)) {
        answers.push("a code outside 1000–4999".to_owned());
    }
    let statuses = (200..=599).filter(|status| is_it(Said::Http(*status)));
    answers.extend(runs(statuses.map(u32::from), "HTTP "));
    if is_it(Said::Unreached) {
        answers.push("no connection".to_owned());
    }
    if is_it(Said::NoAnswer) {
        answers.push("no answer".to_owned());
    }
    answers
}

/// What comes next for a message whose carrier's answer means this code, each once.
pub fn consequences(code: StatusCode) -> Vec<&'static str> {
    let mut consequences = Vec::new();
    let all = (0..=4999).map(Said::Mm7).chain((200..=599).map(Said::Http));
    for verdict in all.chain([Said::Unreached, Said::NoAnswer]).map(classify) {
        let words = consequence(verdict.next);
        if verdict.code == code && !consequences.contains(&words) {
            consequences.push(words);
        }
    }
    consequences
}

const fn consequence(next: NextAction) -> &'static str {
    match next {
        NextAction::Forwarded => "The message is Forwarded.",
        NextAction::End(Terminal::Rejected) => {
            "The message ends as Rejected; X-Posthouse-Reason on the report has the code."
        }
        NextAction::End(Terminal::NotSupported) => {
            "The message ends as NotSupported; X-Posthouse-Reason on the report has the code."
        }
        NextAction::End(_) => "The message ends.",
        NextAction::Elsewhere { alarm: true, .. } => {
            "Other connections are tried, then again till ExpiryDate, and the operator is alarmed; relay mode answers it."
        }
        NextAction::Elsewhere { .. } => {
            "Other connections are tried, then again till ExpiryDate; relay mode answers it when none is left."
        }
        NextAction::ElsewhereOrEnd(_) => {
            "Other connections are tried; once each of them was asked, the message ends as Rejected; relay mode answers it."
        }
        NextAction::Unknown => {
            "It may have arrived: on_unknown of the carrier says whether it is sent again; relay mode answers it."
        }
    }
}

/// Neighbours as one range.
fn runs(numbers: impl Iterator<Item = u32>, before: &str) -> Vec<String> {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => ranges.push((number, number)),
        }
    }
    let written = ranges.iter().map(|(first, last)| match (first, last) {
        (first, last) if first == last => format!("{before}{first}"),
        (first, last) => format!("{before}{first}–{last}"),
    });
    written.collect()
}

/// What makes a message this status, and so owes the VASP a report of it: each kind of event once, in words.
pub fn origins(status: MmStatus) -> Vec<String> {
    let mut origins: Vec<String> = Vec::new();
    for event in events() {
        let reaches = State::all().any(
            |state| matches!(state.after(event), Transition::To { owed: Some(owed), .. } if owed == status),
        );
        let words = words(event);
        if reaches && !origins.contains(&words) {
            origins.push(words);
        }
    }
    origins
}

/// Everything that can happen to a message, with what it can happen by.
fn events() -> Vec<LifeEvent> {
    let mut events = vec![
        LifeEvent::Taken,
        LifeEvent::ExpiryPassed { unreached: false },
        LifeEvent::ExpiryPassed { unreached: true },
        LifeEvent::ReportTimeout,
        LifeEvent::ExpiredByHand,
    ];
    for code in StatusCode::ALL.iter().copied() {
        events.extend(refusals(code).into_iter().map(|terminal| LifeEvent::Refused(terminal, code)));
    }
    events.extend(MmStatus::ALL.iter().map(|status| LifeEvent::Report(*status)));
    events
}

/// How a message ends that a carrier refuses with what means this code.
fn refusals(code: StatusCode) -> Vec<Terminal> {
    let mut terminals = Vec::new();
    let all = (1000..=4999).map(Said::Mm7).chain((200..=599).map(Said::Http));
    for verdict in all.map(classify).filter(|verdict| verdict.code == code) {
        if let NextAction::End(terminal) = verdict.next
            && !terminals.contains(&terminal)
        {
            terminals.push(terminal);
        }
    }
    terminals
}

fn words(event: LifeEvent) -> String {
    match event {
        LifeEvent::Taken => "a carrier answers 1000, or another code of its class".to_owned(),
        LifeEvent::Refused(_, code) => format!("a carrier's answer means {code}"),
        LifeEvent::Report(status) => format!("a carrier reports {status}{}", spellings(status)),
        LifeEvent::ExpiryPassed { unreached: false } => {
            "ExpiryDate passes before a carrier has taken it".to_owned()
        }
        LifeEvent::ExpiryPassed { unreached: true } => {
            "ExpiryDate passes, and no connection to the carrier could be made".to_owned()
        }
        LifeEvent::ReportTimeout => {
            "no last report comes within report_timeout of the last attempt".to_owned()
        }
        LifeEvent::ExpiredByHand => "an operator ends it: `posthouse messages expire`".to_owned(),
        LifeEvent::Begin
        | LifeEvent::Again
        | LifeEvent::Unknown
        | LifeEvent::Declined(_)
        | LifeEvent::Requeued => "an attempt".to_owned(),
    }
}

/// What 3GPP and vendors write besides.
fn spellings(status: MmStatus) -> String {
    const OTHERS: [&str; 8] = [
        "Unrecognised",
        "Delivered",
        "Success",
        "Cancelled",
        "Replaced",
        "DeliveryConditionNotMet",
        "Processing",
        "any status that is not known",
    ];
    let meant: Vec<_> = OTHERS.into_iter().filter(|other| MmStatus::from_wire(other) == status).collect();
    if meant.is_empty() { String::new() } else { format!(" (or {})", meant.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carriers_answers_are_grouped() {
        let of = |code| answers_meaning(code).join(", ");
        assert_eq!(of(StatusCode::AddressError), "2002–2003");
        assert_eq!(of(StatusCode::MultimediaRefused), "2004, HTTP 413");
        assert_eq!(
            of(StatusCode::ServiceUnavailable),
            "3000, 4006, a code outside 1000–4999, HTTP 408–409, HTTP 423, HTTP 425, HTTP 429, HTTP 500–599"
        );
        assert_eq!(of(StatusCode::UnableToParse), "");
    }

    #[test]
    fn statuses_come_from_events() {
        assert_eq!(
            origins(MmStatus::Unreachable),
            [
                "ExpiryDate passes, and no connection to the carrier could be made",
                "a carrier reports Unreachable"
            ]
        );
        assert_eq!(origins(MmStatus::Unrecognized), ["a carrier reports Unrecognized (or Unrecognised)"]);
        for status in MmStatus::ALL {
            assert!(!origins(*status).is_empty(), "{status}");
        }
    }
}
