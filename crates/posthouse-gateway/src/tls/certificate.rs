//! What a certificate says.

use jiff::Timestamp;
use posthouse_core::certificate::ShownCertificate;
use rustls::pki_types::CertificateDer;
use sha2::{Digest, Sha256};
use x509_cert::{
    Certificate, Version,
    der::Decode,
    ext::pkix::{SubjectAltName, name::GeneralName},
};

/// What a certificate says of its owner. Of one that reads only in part, what reads; a fingerprint each has.
pub fn shown(certificate: &CertificateDer<'_>) -> ShownCertificate {
    let parsed = Certificate::from_der(certificate.as_ref()).ok();
    let names = parsed.as_ref().and_then(|parsed| parsed.tbs_certificate().get_extension().ok()?);
    let names = names.map(|(_, SubjectAltName(names))| names).unwrap_or_default();
    let common_name =
        parsed.as_ref().and_then(|parsed| parsed.tbs_certificate().subject().common_name().ok()?);
    ShownCertificate {
        sha256: Sha256::digest(certificate.as_ref()).into(),
        dns_names: names.iter().filter_map(dns_name).collect(),
        common_name: common_name.map(|name| name.value().into_owned()),
    }
}

fn dns_name(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::DnsName(name) => Some(name.as_str().to_ascii_lowercase()),
        _ => None,
    }
}

/// Until when a certificate is good; `None` for one that cannot be read.
pub fn expires(certificate: &CertificateDer<'_>) -> Option<Timestamp> {
    let parsed = Certificate::from_der(certificate.as_ref()).ok()?;
    let since_1970 = parsed.tbs_certificate().validity().not_after.to_unix_duration();
    Timestamp::from_second(i64::try_from(since_1970.as_secs()).ok()?).ok()
}

/// Whether a certificate is of a version before 3, which rustls does not take; of one that cannot be read it is not known.
pub fn is_outdated(certificate: &CertificateDer<'_>) -> bool {
    Certificate::from_der(certificate.as_ref())
        .is_ok_and(|parsed| parsed.tbs_certificate().version() != Version::V3)
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};

    use super::*;

    #[test]
    fn names_and_end_are_read_and_garbage_has_only_a_fingerprint() {
        let names = ["MMS.acme.example".to_owned(), "192.0.2.7".to_owned(), "b.example".to_owned()];
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name.push(DnType::OrganizationName, "Acme");
        params.distinguished_name.push(DnType::CommonName, "Acme Ltd");
        params.not_after = date_time_ymd(2031, 2, 3);
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let said = shown(certificate.der());
        assert_eq!(said.dns_names, ["mms.acme.example", "b.example"]);
        assert_eq!(said.common_name.as_deref(), Some("Acme Ltd"));
        assert_eq!(<[u8; 32]>::from(Sha256::digest(certificate.der())), said.sha256);
        assert_eq!(expires(certificate.der()), Some("2031-02-03T00:00:00Z".parse().unwrap()));

        let garbage = CertificateDer::from_slice(b"garbage");
        assert_eq!(
            shown(&garbage),
            ShownCertificate { sha256: Sha256::digest(b"garbage").into(), ..ShownCertificate::default() }
        );
        assert_eq!(expires(&garbage), None);
    }
}
