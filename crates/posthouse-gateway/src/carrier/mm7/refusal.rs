//! Why a carrier's request is refused, and by which code: the one place that chooses the codes of the carriers' door.

use mm7::{DecodeError, StatusCode};
use posthouse_core::store::StoreError;

/// The code for a message from a handset that is for no service of ours. It is answered in a DeliverRsp: the request itself is good.
pub(super) const FOR_NOBODY: StatusCode = StatusCode::AddressError;

/// A request that is refused.
#[derive(Debug)]
pub(super) enum CarrierRefusal {
    /// Its head cannot be used, or does not tell how long the body is.
    Head,
    /// It is longer than this many bytes.
    TooLong(u64),
    /// It cannot be read.
    Unreadable(DecodeError),
    /// It is read, and nothing that this door takes.
    NotTaken(DecodeError),
    /// The store has no room at present: it may come again soon.
    ComeAgain,
    /// It could not be stored.
    NotStored,
}

impl CarrierRefusal {
    /// For a message from a handset that could not be stored: there is time for another try where the store is only busy.
    pub(super) const fn of_store(error: &StoreError) -> Self {
        match error {
            StoreError::Full | StoreError::Overloaded => Self::ComeAgain,
            _ => Self::NotStored,
        }
    }

    /// The code that is answered.
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Head => StatusCode::InvalidHttpHeader,
            Self::TooLong(_) => StatusCode::ContentLengthExceeded,
            Self::Unreadable(error) | Self::NotTaken(error) => error.status(),
            Self::ComeAgain => StatusCode::ServiceUnavailable,
            Self::NotStored => StatusCode::SystemError,
        }
    }

    /// Why it cannot be read, where that is the reason: then it is kept for people.
    pub(super) fn unreadable(&self) -> Option<String> {
        match self {
            Self::TooLong(limit) => Some(format!("it is longer than {limit} bytes")),
            Self::Unreadable(error) => Some(format!("{}: {error}", error.rule.name())),
            Self::Head | Self::NotTaken(_) | Self::ComeAgain | Self::NotStored => None,
        }
    }
}

impl From<DecodeError> for CarrierRefusal {
    fn from(error: DecodeError) -> Self {
        Self::Unreadable(error)
    }
}

#[cfg(test)]
mod tests {
    use mm7::Rule;

    use super::*;

    #[test]
    fn each_refusal_has_its_code_and_what_cannot_be_read_is_kept() {
        let missing = || DecodeError::new(Rule::MissingElement, 7, "there is no MessageID");
        for (refusal, code, kept) in [
            (CarrierRefusal::Head, 2500, None),
            (CarrierRefusal::TooLong(9), 2560, Some("it is longer than 9 bytes")),
            (missing().into(), 2007, Some("MissingElement: there is no MessageID (at byte 7)")),
            (CarrierRefusal::NotTaken(missing()), 2007, None),
            (CarrierRefusal::of_store(&StoreError::Full), 4006, None),
            (CarrierRefusal::of_store(&StoreError::Overloaded), 4006, None),
            (CarrierRefusal::of_store(&StoreError::LostLease), 3000, None),
        ] {
            assert_eq!(refusal.status().code(), code, "{refusal:?}");
            assert_eq!(refusal.unreadable().as_deref(), kept, "{refusal:?}");
        }
    }
}
