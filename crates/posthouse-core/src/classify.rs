//! What a carrier's answer means here, and what comes next (contract 4.4): one table.

use mm7::StatusCode;

use crate::state::Terminal;

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
pub enum Next {
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
    /// It may have been delivered: the carrier's `on_unknown` says.
    Unknown,
}

/// What an attempt's end means here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The code of our table that it is.
    pub code: StatusCode,
    /// What comes next.
    pub next: Next,
}

/// Reads an attempt's end by the table of contract 4.4.
///
/// ```
/// use mm7::StatusCode;
/// use posthouse_core::{classify::{Next, Said, classify}, state::Terminal};
/// let verdict = classify(Said::Mm7(4007));
/// assert_eq!((verdict.code, verdict.next), (StatusCode::ServiceDenied, Next::End(Terminal::Rejected)));
/// ```
pub const fn classify(said: Said) -> Verdict {
    const REJECTED: Next = Next::End(Terminal::Rejected);
    const NOT_SUPPORTED: Next = Next::End(Terminal::NotSupported);
    const BUSY: Next = Next::Elsewhere { unreached: false, alarm: false };
    const UNREACHED: Next = Next::Elsewhere { unreached: true, alarm: false };
    const NOT_LET_IN: Next = Next::Elsewhere { unreached: false, alarm: true };
    let (code, next) = match said {
        Said::Mm7(1000..=1999) => (StatusCode::Success, Next::Forwarded),
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
        Said::Mm7(3000 | 4006) | Said::Http(429 | 500..=599) => (StatusCode::ServiceUnavailable, BUSY),
        Said::Mm7(2000..=4999) | Said::Http(400..=499) => (StatusCode::GeneralServiceError, REJECTED),
        // A code outside the four classes counts as 3000.
        Said::Mm7(_) => (StatusCode::ServiceUnavailable, BUSY),
        // Any other HTTP answer without MM7 may stand for an acceptance.
        Said::NoAnswer | Said::Http(_) => (StatusCode::Timeout, Next::Unknown),
        Said::Unreached => (StatusCode::Timeout, UNREACHED),
    };
    Verdict { code, next }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table() {
        use StatusCode as C;
        let rejected = Next::End(Terminal::Rejected);
        let not_supported = Next::End(Terminal::NotSupported);
        let busy = Next::Elsewhere { unreached: false, alarm: false };
        let alarm = Next::Elsewhere { unreached: false, alarm: true };
        for (said, code, next) in [
            (vec![1000, 1100, 1001, 1999], C::Success, Next::Forwarded),
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
                assert_eq!(classify(Said::Mm7(number)), Verdict { code, next }, "{number}");
            }
        }
        for (said, code, next) in [
            (vec![413], C::MultimediaRefused, rejected),
            (vec![401, 403, 404, 301, 302], C::ProvisioningIssue, alarm),
            (vec![400, 405, 411, 418, 499], C::GeneralServiceError, rejected),
            (vec![429, 500, 502, 503, 599], C::ServiceUnavailable, busy),
            (vec![200, 204, 600], C::Timeout, Next::Unknown),
        ] {
            for number in said {
                assert_eq!(classify(Said::Http(number)), Verdict { code, next }, "HTTP {number}");
            }
        }
        let unreached = Next::Elsewhere { unreached: true, alarm: false };
        assert_eq!(classify(Said::Unreached), Verdict { code: C::Timeout, next: unreached });
        assert_eq!(classify(Said::NoAnswer), Verdict { code: C::Timeout, next: Next::Unknown });
    }
}
