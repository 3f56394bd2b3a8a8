//! What a carrier's answer means here, and what comes next (contract 4.4): one table.

use mm7::StatusCode;

pub use crate::vocabulary::COUNTS_AS;
use crate::{life::state::Terminal, vocabulary::Vocabulary};

/// How an attempt ended, as far as the wire tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// An MM7 status, wherever it stood: in a SubmitRsp, in a Fault, whatever the HTTP status.
    Mm7(u32),
    /// An HTTP answer with no MM7 in it.
    Http(u16),
    /// There was no connection, or it failed before anything was written: provably not delivered.
    Unreached,
    /// The request was sent and no readable answer came: time-out, hang-up, reset.
    NoAnswer,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextAction {
    /// The carrier has it: wait for reports.
    Forwarded,
    /// The message ends.
    End(Terminal),
    /// Another connection, then later again.
    Elsewhere {
        /// Whether no connection was found: with nothing else till expiry, Unreachable.
        unreached: bool,
        /// Whether an operator must know: the carrier refuses our own credentials.
        alarm: bool,
    },
    /// Another connection: what was said says nothing about the message. It ends once each of them was asked.
    ElsewhereOrEnd(Terminal),
    /// It may have been delivered: the carrier's `on_unknown` says.
    Unknown,
}

impl NextAction {
    /// Whether another connection is asked.
    pub const fn is_elsewhere(self) -> bool {
        matches!(self, Self::Elsewhere { .. } | Self::ElsewhereOrEnd(_))
    }
}

/// What an attempt's end means here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Classified {
    /// The code of our table that it is.
    pub code: StatusCode,
    /// What comes next.
    pub next: NextAction,
}

/// Reads an attempt's end by the table of contract 4.4.
///
/// ```
/// use mm7::StatusCode;
/// use posthouse_core::life::{classify::{NextAction, Said, classify}, state::Terminal};
/// let verdict = classify(Said::Mm7(4007));
/// assert_eq!((verdict.code, verdict.next), (StatusCode::ServiceDenied, NextAction::End(Terminal::Rejected)));
/// ```
pub const fn classify(said: Said) -> Classified {
    const REJECTED: NextAction = NextAction::End(Terminal::Rejected);
    const NOT_SUPPORTED: NextAction = NextAction::End(Terminal::NotSupported);
    const BUSY: NextAction = NextAction::Elsewhere { unreached: false, alarm: false };
    const UNREACHED: NextAction = NextAction::Elsewhere { unreached: true, alarm: false };
    const ODD: NextAction = NextAction::ElsewhereOrEnd(Terminal::Rejected);
    const NOT_LET_IN: NextAction = NextAction::Elsewhere { unreached: false, alarm: true };
    let (code, next) = match said {
        Said::Mm7(1000..=1999) => (StatusCode::Success, NextAction::Forwarded),
        Said::Mm7(2002 | 2003) => (StatusCode::AddressError, REJECTED),
        Said::Mm7(2004) | Said::Http(413) => (StatusCode::MultimediaRefused, REJECTED),
        // A redirect is a wrong URL of ours, like 404.
        Said::Mm7(2001 | 2008 | 4001) | Said::Http(300..=399 | 401 | 403 | 404) => {
            (StatusCode::ProvisioningIssue, NOT_LET_IN)
        }
        Said::Mm7(4004) => (StatusCode::ValidationError, REJECTED),
        Said::Mm7(4007) => (StatusCode::ServiceDenied, REJECTED),
        Said::Mm7(4002) => (StatusCode::UnsupportedMm7Version, NOT_SUPPORTED),
        Said::Mm7(4003) => (StatusCode::CarrierUnsupportedOperation, NOT_SUPPORTED),
        // Request Timeout, Conflict, Locked, Too Early, Too Many Requests: peers mean "later" by each.
        Said::Mm7(3000 | 4006) | Said::Http(408 | 409 | 423 | 425 | 429 | 500..=599) => {
            (StatusCode::ServiceUnavailable, BUSY)
        }
        Said::Mm7(2000..=4999) => (StatusCode::GeneralServiceError, REJECTED),
        Said::Http(400..=499) => (StatusCode::GeneralServiceError, ODD),
        // A code outside the four classes counts as 3000.
        Said::Mm7(_) => (StatusCode::ServiceUnavailable, BUSY),
        // Any other HTTP answer without MM7 may stand for an acceptance.
        Said::NoAnswer | Said::Http(_) => (StatusCode::Timeout, NextAction::Unknown),
        Said::Unreached => (StatusCode::Timeout, UNREACHED),
    };
    Classified { code, next }
}

/// The same for a carrier with codes of its own: what is provisioned for a code counts before the table.
pub fn classify_for(said: Said, vocabulary: &Vocabulary) -> Classified {
    let own = match said {
        Said::Mm7(code) => vocabulary.code(code),
        _ => None,
    };
    classify(own.map_or(said, meaning))
}

/// What a carrier without codes of its own says for a code of our table.
const fn meaning(code: StatusCode) -> Said {
    match code {
        StatusCode::Timeout => Said::NoAnswer,
        // Our credentials, or what they may do.
        StatusCode::ProvisioningIssue => Said::Mm7(2001),
        code => Said::Mm7(code.code() as u32),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table() {
        use StatusCode as C;
        let rejected = NextAction::End(Terminal::Rejected);
        let not_supported = NextAction::End(Terminal::NotSupported);
        let busy = NextAction::Elsewhere { unreached: false, alarm: false };
        let alarm = NextAction::Elsewhere { unreached: false, alarm: true };
        for (said, code, next) in [
            (vec![1000, 1100, 1001, 1999], C::Success, NextAction::Forwarded),
            (vec![2002, 2003], C::AddressError, rejected),
            (vec![2004], C::MultimediaRefused, rejected),
            (vec![2001, 4001, 2008], C::ProvisioningIssue, alarm),
            (vec![2000, 2005, 2007, 2999, 3001, 3002, 3999, 4005], C::GeneralServiceError, rejected),
            (vec![4000, 4008, 4999], C::GeneralServiceError, rejected),
            (vec![4004], C::ValidationError, rejected),
            (vec![4007], C::ServiceDenied, rejected),
            (vec![4002], C::UnsupportedMm7Version, not_supported),
            (vec![4003], C::CarrierUnsupportedOperation, not_supported),
            (vec![3000, 4006, 0, 1, 999, 5000, 6102, u32::MAX], C::ServiceUnavailable, busy),
        ] {
            for number in said {
                assert_eq!(classify(Said::Mm7(number)), Classified { code, next }, "{number}");
            }
        }
        for (said, code, next) in [
            (vec![413], C::MultimediaRefused, rejected),
            (vec![401, 403, 404, 301, 302], C::ProvisioningIssue, alarm),
            (
                vec![
                    400, 402, 405, 406, 407, 410, 411, 412, 414, 415, 418, 422, 424, 426, 428, 431, 451, 499,
                ],
                C::GeneralServiceError,
                NextAction::ElsewhereOrEnd(Terminal::Rejected),
            ),
            (vec![408, 409, 423, 425, 429, 500, 502, 503, 599], C::ServiceUnavailable, busy),
            (vec![200, 204, 600], C::Timeout, NextAction::Unknown),
        ] {
            for number in said {
                assert_eq!(classify(Said::Http(number)), Classified { code, next }, "HTTP {number}");
            }
        }
        let unreached = NextAction::Elsewhere { unreached: true, alarm: false };
        assert_eq!(classify(Said::Unreached), Classified { code: C::Timeout, next: unreached });
        assert_eq!(classify(Said::NoAnswer), Classified { code: C::Timeout, next: NextAction::Unknown });
    }

    #[test]
    fn what_is_provisioned_counts_before_the_table() {
        let vocabulary = Vocabulary {
            codes: COUNTS_AS.iter().zip(4030..).map(|(code, said)| (said, *code)).collect(),
            ..Vocabulary::default()
        };
        for (code, said) in COUNTS_AS.iter().zip(4030..) {
            let verdict = classify_for(Said::Mm7(said), &vocabulary);
            assert_eq!(verdict.code, *code, "what {said} counts as is what it is");
        }
        let for_code = |code: StatusCode| {
            let said = COUNTS_AS.iter().zip(4030..).find(|(known, _)| **known == code).unwrap().1;
            classify_for(Said::Mm7(said), &vocabulary).next
        };
        assert_eq!(for_code(StatusCode::Success), NextAction::Forwarded);
        assert_eq!(
            for_code(StatusCode::ServiceUnavailable),
            NextAction::Elsewhere { unreached: false, alarm: false }
        );
        assert_eq!(
            for_code(StatusCode::ProvisioningIssue),
            NextAction::Elsewhere { unreached: false, alarm: true }
        );
        assert_eq!(for_code(StatusCode::Timeout), NextAction::Unknown);
        assert_eq!(for_code(StatusCode::UnsupportedMm7Version), NextAction::End(Terminal::NotSupported));
        assert_eq!(for_code(StatusCode::ServiceDenied), NextAction::End(Terminal::Rejected));
        // What is not provisioned, and what has no MM7 in it, means what it means everywhere.
        for said in [Said::Mm7(4029), Said::Mm7(1000), Said::Http(4030), Said::NoAnswer, Said::Unreached] {
            assert_eq!(classify_for(said, &vocabulary), classify(said), "{said:?}");
        }
    }
}
