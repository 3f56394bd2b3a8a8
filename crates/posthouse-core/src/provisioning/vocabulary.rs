//! A carrier's own words: statuses in its reports and codes in its answers that no table knows, as provisioned.

use std::{collections::BTreeMap, fmt::Display};

use mm7::{MmStatus, StatusCode};
use serde::{Deserialize, Serialize};

/// The codes of our table that a carrier's own code can count as.
pub const COUNTS_AS: &[StatusCode] = &[
    StatusCode::Success,
    StatusCode::AddressError,
    StatusCode::MultimediaRefused,
    StatusCode::Timeout,
    StatusCode::ProvisioningIssue,
    StatusCode::GeneralServiceError,
    StatusCode::UnsupportedMm7Version,
    StatusCode::CarrierUnsupportedOperation,
    StatusCode::ValidationError,
    StatusCode::ServiceUnavailable,
    StatusCode::ServiceDenied,
];

/// What a carrier's words and codes mean (`[carrier.status_map]`, `[carrier.code_map]`).
///
/// ```
/// use mm7::MmStatus;
/// use posthouse_core::vocabulary::Vocabulary;
/// let vocabulary =
///     Vocabulary { statuses: [("DELIVRD".to_owned(), MmStatus::Retrieved)].into(), ..Vocabulary::default() };
/// assert_eq!(vocabulary.status(" delivrd "), MmStatus::Retrieved);
/// assert_eq!(vocabulary.status("Expired"), MmStatus::Expired);
/// assert_eq!(vocabulary.status("UNDELIV"), MmStatus::Indeterminate);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vocabulary {
    /// What stands in MMStatus, without spaces around it, and what that is. Upper and lower case are the same.
    #[serde(default, with = "kept_statuses", skip_serializing_if = "BTreeMap::is_empty")]
    pub statuses: BTreeMap<String, MmStatus>,
    /// What stands in StatusCode of an answer, and the code of our table that it counts as.
    #[serde(default, with = "kept_codes", skip_serializing_if = "BTreeMap::is_empty")]
    pub codes: BTreeMap<u32, StatusCode>,
}

impl Vocabulary {
    /// Whether nothing is provisioned.
    pub fn is_empty(&self) -> bool {
        self.statuses.is_empty() && self.codes.is_empty()
    }

    /// What an MMStatus means: what is provisioned, else what everybody means by it ([`MmStatus::from_wire`]).
    pub fn status(&self, said: &str) -> MmStatus {
        let own = self.statuses.iter().find(|(word, _)| is_same_word(word, said));
        own.map_or_else(|| MmStatus::from_wire(said), |(_, status)| *status)
    }

    /// The code of our table that an answer's StatusCode counts as, where that is provisioned.
    pub fn code(&self, said: u32) -> Option<StatusCode> {
        self.codes.get(&said).copied()
    }
}

/// Whether two words are the same but for upper and lower case and what stands around them.
pub fn is_same_word(one: &str, other: &str) -> bool {
    let folded = |word: &str| word.trim().to_lowercase();
    folded(one) == folded(other)
}

/// Statuses as text, by their names.
mod kept_statuses {
    use serde::{Deserializer, Serializer};

    use super::*;

    pub(super) fn serialize<S: Serializer>(
        map: &BTreeMap<String, MmStatus>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_map(map.iter().map(|(word, status)| (word, status.as_str())))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<String, MmStatus>, D::Error> {
        let kept = BTreeMap::<String, String>::deserialize(deserializer)?;
        let read = |(word, name): (String, String)| {
            let status = MmStatus::from_name(&name).ok_or_else(|| unknown::<D::Error>(&name))?;
            Ok((word, status))
        };
        kept.into_iter().map(read).collect()
    }
}

/// Codes as numbers.
mod kept_codes {
    use serde::{Deserializer, Serializer};

    use super::*;

    pub(super) fn serialize<S: Serializer>(
        map: &BTreeMap<u32, StatusCode>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_map(map.iter().map(|(said, code)| (said, code.code())))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<u32, StatusCode>, D::Error> {
        let kept = BTreeMap::<u32, u32>::deserialize(deserializer)?;
        let read = |(said, code): (u32, u32)| {
            let code = StatusCode::from_code(code).ok_or_else(|| unknown::<D::Error>(code))?;
            Ok((said, code))
        };
        kept.into_iter().map(read).collect()
    }
}

fn unknown<E: serde::de::Error>(what: impl Display) -> E {
    E::custom(format_args!("{what} is not in the table of this version"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vocabulary() -> Vocabulary {
        Vocabulary {
            statuses: [
                ("1000".to_owned(), MmStatus::Retrieved),
                ("Зустрінуто".to_owned(), MmStatus::Deferred),
                ("Expired".to_owned(), MmStatus::Unreachable),
            ]
            .into(),
            codes: [(4030, StatusCode::ServiceUnavailable)].into(),
        }
    }

    #[test]
    fn a_carriers_own_word_counts_before_everybodys() {
        for (said, expected) in [
            ("1000", MmStatus::Retrieved),
            ("\n 1000\t", MmStatus::Retrieved),
            ("01000", MmStatus::Indeterminate),
            ("10", MmStatus::Indeterminate),
            ("ЗУСТРІНУТО", MmStatus::Deferred),
            ("EXPIRED", MmStatus::Unreachable),
            ("delivered", MmStatus::Retrieved),
            ("", MmStatus::Indeterminate),
        ] {
            assert_eq!(vocabulary().status(said), expected, "{said:?}");
        }
        assert_eq!(vocabulary().code(4030), Some(StatusCode::ServiceUnavailable));
        assert_eq!(vocabulary().code(4031), None);
    }

    #[test]
    fn it_is_kept_as_it_is() {
        let json = serde_json::to_string(&vocabulary()).unwrap();
        assert_eq!(serde_json::from_str::<Vocabulary>(&json).unwrap(), vocabulary());
        assert_eq!(serde_json::from_str::<Vocabulary>("{}").unwrap(), Vocabulary::default());
        assert!(serde_json::from_str::<Vocabulary>(r#"{"codes":{"4030":4999}}"#).is_err());
        assert!(serde_json::from_str::<Vocabulary>(r#"{"statuses":{"x":"Gone"}}"#).is_err());
    }
}
