//! Certificates of our own, and until when they are good.

use jiff::Timestamp;

use crate::{
    counted::counted,
    provisioning::words::{OneOfWords as _, words},
};

/// How many days before a certificate ends an operator should know.
const SOON: i64 = 30;
/// And how many before it, this is nothing to put off.
const NOW: i64 = 7;
const SECONDS_A_DAY: i64 = 24 * 60 * 60;

words! {
    /// Where a certificate is shown.
    pub enum CertificateSide {
        /// To clients, at a door.
        Door = "door",
        /// To a carrier, over a connection.
        Carrier = "carrier",
        /// To a VASP, with callbacks.
        Account = "account",
        /// To the lookup service.
        Lookup = "lookup",
    }
}

/// A certificate that we show, and its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateEnd {
    /// Where it is shown.
    pub side: CertificateSide,
    /// The door's section, carrier and connection with a slash between, the account; `lookup`.
    pub name: String,
    /// From when on it is no good any more; `None`: it does not say.
    pub expires: Option<Timestamp>,
}

/// How it is with a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateState {
    /// It is good for a while.
    Good,
    /// It ends soon, or does not say when.
    Soon,
    /// It ends within days.
    Now,
    /// It has ended: peers refuse it.
    Over,
}

/// How it is with a certificate that is called this, and a sentence about it. `None`: it does not say when it ends.
pub fn judged(name: &str, expires: Option<Timestamp>, now: Timestamp) -> (CertificateState, String) {
    let Some(expires) = expires else {
        return (CertificateState::Soon, format!("{name} does not say until when it is good"));
    };
    let left = expires.as_second() - now.as_second();
    let days = left / SECONDS_A_DAY;
    match (left <= 0, days < SOON) {
        (true, _) => (CertificateState::Over, format!("{name} expired at {expires:.0}; put a new one there")),
        (false, true) => {
            let said =
                format!("{name} expires at {expires:.0}, in {}; have a new one made", counted(days, "day"));
            (if days < NOW { CertificateState::Now } else { CertificateState::Soon }, said)
        }
        (false, false) => {
            (CertificateState::Good, format!("{name} is good until {expires:.0}, {}", counted(days, "day")))
        }
    }
}

impl CertificateEnd {
    /// What an operator should know of it, in a sentence; `None`: nothing.
    ///
    /// ```
    /// use posthouse_core::expiry::{CertificateEnd, CertificateSide};
    /// let now = "2026-03-01T12:00:00Z".parse().unwrap();
    /// let expires = "2026-03-15T13:00:00Z".parse().ok();
    /// let end = CertificateEnd { side: CertificateSide::Door, name: "mm7".to_owned(), expires };
    /// assert_eq!(
    ///     end.says(now).unwrap(),
    ///     "the certificate of door mm7 expires at 2026-03-15T13:00:00Z, in 14 days; have a new one made"
    /// );
    /// ```
    pub fn says(&self, now: Timestamp) -> Option<String> {
        let which = match self.side {
            CertificateSide::Lookup => "the certificate for the lookup service".to_owned(),
            side => format!("the certificate of {} {}", side.word(), self.name),
        };
        let (state, said) = judged(&which, self.expires, now);
        (state != CertificateState::Good).then_some(said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_told_of_by_the_days_that_it_has_left() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let says = |expires: &str| {
            let end = CertificateEnd {
                side: CertificateSide::Carrier,
                name: "31003/vzw-1".to_owned(),
                expires: Some(expires.parse().unwrap()),
            };
            end.says(now)
        };
        assert_eq!(says("2026-03-31T12:00:00Z"), None);
        let soon = "the certificate of carrier 31003/vzw-1 expires at 2026-03-31T11:59:59Z, in 29 days; have a new one made";
        assert_eq!(says("2026-03-31T11:59:59Z").as_deref(), Some(soon));
        let over =
            "the certificate of carrier 31003/vzw-1 expired at 2026-03-01T12:00:00Z; put a new one there";
        assert_eq!(says("2026-03-01T12:00:00Z").as_deref(), Some(over));
    }
}
