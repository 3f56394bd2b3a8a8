//! What a carrier does with a message, by the last four digits of its recipient.

use mm7::{Address, MmStatus, StatusCode};

/// What is done with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Script {
    /// Answers this code in a SubmitRsp: the digits are a 4xxx code of the table, 2002 or 2004.
    Refuse(StatusCode),
    /// Takes the request and never answers: 3500.
    Silence,
    /// Answers 1000, then sends a report for each of these: 9001 to 9008, and every other number.
    Accept(&'static [MmStatus]),
    /// Reports Retrieved before it answers 1000: 9010.
    ReportFirst,
    /// Answers 1000, then reports Retrieved twice, under two TransactionIDs: 9011.
    ReportTwice,
    /// Answers 4006 three times to a TransactionID, then 1000 and Retrieved: 9012.
    BusyThrice,
    /// Answers HTTP 500 without a body once to a TransactionID, then 1000 and Retrieved: 9013.
    ServerErrorOnce,
    /// Answers a Fault with RSErrorRsp 4007 under HTTP 200: 9014.
    FaultInOk,
    /// Announces a whole answer (1000) and closes the connection in its middle; reports nothing: 9015.
    CutAnswer,
}

impl Script {
    /// The script of a recipient. `/TYPE=PLMN` behind a number does not count, nor does anything but digits.
    ///
    /// ```
    /// use mm7::{Address, MmStatus};
    /// use posthouse_sim::carrier::Script;
    /// let recipient = Address::Number("16175559002".to_owned());
    /// assert_eq!(Script::of(&recipient), Script::Accept(&[MmStatus::Expired]));
    /// ```
    pub fn of(recipient: &Address) -> Self {
        match last_four_digits(recipient.as_str()) {
            Some(code @ (2002 | 2004 | 4000..=4999)) if let Some(code) = StatusCode::from_code(code) => {
                Self::Refuse(code)
            }
            Some(3500) => Self::Silence,
            Some(9002) => Self::Accept(&[MmStatus::Expired]),
            Some(9003) => Self::Accept(&[MmStatus::Rejected]),
            Some(9004) => Self::Accept(&[MmStatus::Deferred, MmStatus::Retrieved]),
            Some(9005) => Self::Accept(&[MmStatus::Indeterminate]),
            Some(9006) => Self::Accept(&[MmStatus::Unrecognized]),
            Some(9007) => Self::Accept(&[MmStatus::Unreachable]),
            Some(9008) => Self::Accept(&[]),
            Some(9010) => Self::ReportFirst,
            Some(9011) => Self::ReportTwice,
            Some(9012) => Self::BusyThrice,
            Some(9013) => Self::ServerErrorOnce,
            Some(9014) => Self::FaultInOk,
            Some(9015) => Self::CutAnswer,
            _ => Self::Accept(&[MmStatus::Retrieved]),
        }
    }
}

/// The number that the last four digits make; `None` where there are fewer.
fn last_four_digits(address: &str) -> Option<u32> {
    let number = address.split('/').next().unwrap_or_default();
    let digits: Vec<u32> = number.chars().filter_map(|char| char.to_digit(10)).collect();
    let last = digits.last_chunk::<4>()?;
    Some(last.iter().fold(0, |number, digit| number * 10 + digit))
}

/// MMStatus as a carrier of 3GPP spells it. Unreachable, which its schema lacks, stays what it is: real carriers send
/// it all the same.
pub(super) const fn spelling(status: MmStatus) -> &'static str {
    match status {
        MmStatus::Unrecognized => "Unrecognised",
        other => other.as_str(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(number: &str) -> Script {
        Script::of(&Address::Number(number.to_owned()))
    }

    #[test]
    fn every_row_of_the_table() {
        for (digits, expected) in [
            ("2002", Script::Refuse(StatusCode::AddressError)),
            ("2004", Script::Refuse(StatusCode::MultimediaRefused)),
            ("4000", Script::Refuse(StatusCode::GeneralServiceError)),
            ("4002", Script::Refuse(StatusCode::UnsupportedMm7Version)),
            ("4003", Script::Refuse(StatusCode::CarrierUnsupportedOperation)),
            ("4004", Script::Refuse(StatusCode::ValidationError)),
            ("4006", Script::Refuse(StatusCode::ServiceUnavailable)),
            ("4007", Script::Refuse(StatusCode::ServiceDenied)),
            ("3500", Script::Silence),
            ("9001", Script::Accept(&[MmStatus::Retrieved])),
            ("9002", Script::Accept(&[MmStatus::Expired])),
            ("9003", Script::Accept(&[MmStatus::Rejected])),
            ("9004", Script::Accept(&[MmStatus::Deferred, MmStatus::Retrieved])),
            ("9005", Script::Accept(&[MmStatus::Indeterminate])),
            ("9006", Script::Accept(&[MmStatus::Unrecognized])),
            ("9007", Script::Accept(&[MmStatus::Unreachable])),
            ("9008", Script::Accept(&[])),
            ("9010", Script::ReportFirst),
            ("9011", Script::ReportTwice),
            ("9012", Script::BusyThrice),
            ("9013", Script::ServerErrorOnce),
            ("9014", Script::FaultInOk),
            ("9015", Script::CutAnswer),
        ] {
            assert_eq!(script(&format!("1617555{digits}")), expected, "{digits}");
        }
    }

    #[test]
    fn any_other_number_is_retrieved() {
        for number in ["16175550100", "1617555", "911", "", "16175552003", "16175554001", "16175559009"] {
            assert_eq!(script(number), Script::Accept(&[MmStatus::Retrieved]), "{number}");
        }
    }

    #[test]
    fn what_is_round_the_number_does_not_count() {
        for number in ["+1 617 555-9014", "+16175559014/TYPE=PLMN", "16175559014/TYPE=IPV4"] {
            assert_eq!(script(number), Script::FaultInOk, "{number}");
        }
    }

    #[test]
    fn unrecognized_is_spelled_as_3gpp_does() {
        assert_eq!(spelling(MmStatus::Unrecognized), "Unrecognised");
        assert_eq!(spelling(MmStatus::Unreachable), "Unreachable");
    }
}
