//! Client certificates: what one says of its owner, and which owners are meant.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A client certificate whose chain was verified in the handshake: what it says of its owner.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShownCertificate {
    /// SHA-256 of the certificate as it is encoded (DER).
    pub sha256: [u8; 32],
    /// The DNS names among its alternative names, in lower case.
    pub dns_names: Vec<String>,
    /// The common name of its subject.
    pub common_name: Option<String>,
}

/// Which certificates are meant: an entry of `client_certs`.
///
/// It is written, and stored, as `sha256:` and 64 hexadecimal digits, `dns:` and a name, or `cn:` and a name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum CertificateRule {
    /// This very certificate.
    Sha256([u8; 32]),
    /// One with this DNS name among its alternative names, in lower case.
    Dns(String),
    /// One whose subject has this common name, compared byte for byte.
    CommonName(String),
}

impl CertificateRule {
    /// Whether it means this certificate.
    pub fn means(&self, shown: &ShownCertificate) -> bool {
        match self {
            Self::Sha256(digest) => *digest == shown.sha256,
            Self::Dns(name) => shown.dns_names.contains(name),
            Self::CommonName(name) => shown.common_name.as_ref() == Some(name),
        }
    }
}

/// Whether a certificate is one that these rules ask for. No rules: none is asked for.
pub fn is_asked_for(rules: &[CertificateRule], shown: Option<&ShownCertificate>) -> bool {
    rules.is_empty() || shown.is_some_and(|shown| rules.iter().any(|rule| rule.means(shown)))
}

impl fmt::Display for CertificateRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sha256(digest) => {
                f.write_str("sha256:")?;
                digest.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
            Self::Dns(name) => write!(f, "dns:{name}"),
            Self::CommonName(name) => write!(f, "cn:{name}"),
        }
    }
}

/// A text that is no rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no rule for certificates: sha256: and 64 hexadecimal digits, dns: and a name, or cn: and a name")]
pub struct NoCertificateRule;

impl FromStr for CertificateRule {
    type Err = NoCertificateRule;

    /// Colons between the digits of a fingerprint, as most tools print them, are taken, and so is either case.
    fn from_str(text: &str) -> Result<Self, NoCertificateRule> {
        let (kind, value) = text.split_once(':').ok_or(NoCertificateRule)?;
        if value.is_empty() || value.trim() != value || value.chars().any(char::is_control) {
            return Err(NoCertificateRule);
        }
        match kind {
            "sha256" => fingerprint(value).map(Self::Sha256).ok_or(NoCertificateRule),
            "dns" if value.is_ascii() && !value.contains([' ', '*']) => {
                Ok(Self::Dns(value.to_ascii_lowercase()))
            }
            "cn" => Ok(Self::CommonName(value.to_owned())),
            _ => Err(NoCertificateRule),
        }
    }
}

fn fingerprint(text: &str) -> Option<[u8; 32]> {
    let digits: Vec<u32> =
        text.chars().filter(|c| *c != ':').map(|c| c.to_digit(16)).collect::<Option<_>>()?;
    let bytes = digits.chunks_exact(2).map(|pair| match pair {
        [high, low] => u8::try_from(high * 16 + low).ok(),
        _ => None,
    });
    let bytes: Vec<u8> = bytes.collect::<Option<_>>()?;
    if digits.len() == 64 { bytes.try_into().ok() } else { None }
}

impl TryFrom<String> for CertificateRule {
    type Error = NoCertificateRule;

    fn try_from(text: String) -> Result<Self, NoCertificateRule> {
        text.parse()
    }
}

impl From<CertificateRule> for String {
    fn from(rule: CertificateRule) -> Self {
        rule.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown() -> ShownCertificate {
        ShownCertificate {
            sha256: [0xab; 32],
            dns_names: vec!["mms.acme.example".to_owned(), "b.example".to_owned()],
            common_name: Some("Acme Ltd".to_owned()),
        }
    }

    #[test]
    fn each_form_means_its_certificate_and_no_other() {
        let colons = ["AB"; 32].join(":");
        for (rule, means) in [
            (format!("sha256:{}", "ab".repeat(32)), true),
            (format!("sha256:{colons}"), true),
            (format!("sha256:{}", "aa".repeat(32)), false),
            ("dns:MMS.acme.example".to_owned(), true),
            ("dns:b.example".to_owned(), true),
            ("dns:acme.example".to_owned(), false),
            ("dns:Acme Ltd".to_owned().replace(' ', "-"), false),
            ("cn:Acme Ltd".to_owned(), true),
            ("cn:acme ltd".to_owned(), false),
            ("cn:mms.acme.example".to_owned(), false),
        ] {
            let parsed: CertificateRule = rule.parse().unwrap_or_else(|_| panic!("{rule}"));
            assert_eq!(parsed.means(&shown()), means, "{rule}");
            assert_eq!(parsed.to_string().parse(), Ok(parsed), "{rule}");
        }
    }

    #[test]
    fn what_is_no_rule_is_none() {
        let short = format!("sha256:{}", "a".repeat(63));
        let long = format!("sha256:{}", "a".repeat(66));
        for text in [
            "",
            "acme",
            "dns:",
            "cn:",
            "cn: a",
            "dns:*.acme.example",
            "dns:ä.example",
            "sha1:aa",
            "sha256:",
            &short,
            &long,
            "sha256:x",
        ] {
            assert_eq!(text.parse::<CertificateRule>(), Err(NoCertificateRule), "{text}");
        }
    }

    #[test]
    fn no_rules_ask_for_nothing() {
        let rule = [CertificateRule::CommonName("Acme Ltd".to_owned())];
        assert!(is_asked_for(&[], None));
        assert!(!is_asked_for(&rule, None));
        assert!(is_asked_for(&rule, Some(&shown())));
        assert!(!is_asked_for(&rule, Some(&ShownCertificate::default())));
    }
}
