//! Certificates and keys as PEM texts.

use std::{error::Error, fmt};

use posthouse_core::mistake::Mistake;
use rustls::RootCertStore;
use rustls::pki_types::{
    CertificateDer, PrivateKeyDer,
    pem::{self, PemObject as _},
};

use super::certificate;

/// Why a text does not hold what it should. Stands after the file's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PemError {
    /// It is no PEM.
    Malformed(&'static str),
    /// There is no certificate.
    NoCertificate,
    /// There is no private key.
    NoKey,
    /// A certificate cannot be one of those that are trusted.
    BadCa(String),
    /// A certificate is of X.509 version 1 or 2, which says too little of its owner to be shown.
    Outdated,
}

impl PemError {
    /// What is wrong, and what to do about it.
    pub fn mistake(&self) -> Mistake {
        match self {
            Self::Malformed(what) => {
                (format!("is no PEM file: {what}"), "write it in PEM form (-----BEGIN …)").into()
            }
            Self::NoCertificate => {
                ("holds no certificate", "a PEM file has -----BEGIN CERTIFICATE----- before each").into()
            }
            Self::NoKey => {
                let remedy = "it must be PKCS #8, PKCS #1 or SEC 1 in PEM form, without a passphrase";
                ("holds no private key", remedy).into()
            }
            Self::Outdated => {
                let remedy = "have it issued anew as version 3, with subjectAltName \
                              (openssl: x509 -req with -extfile, or req -x509 with -addext)";
                ("holds a certificate of X.509 version 1", remedy).into()
            }
            Self::BadCa(why) => {
                let problem = format!("holds a certificate that cannot be trusted: {why}");
                (problem, "put the CA's own certificate there").into()
            }
        }
    }
}

impl fmt::Display for PemError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.mistake().fmt(f)
    }
}

impl Error for PemError {}

/// The certificates of a text, in its order; at least one.
///
/// # Errors
/// [`PemError::Malformed`] and [`PemError::NoCertificate`].
pub fn certificates(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, PemError> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
    let certificates = read.map_err(|error| PemError::Malformed(malformed(&error)))?;
    if certificates.is_empty() { Err(PemError::NoCertificate) } else { Ok(certificates) }
}

/// A certificate to show, followed by those that signed it.
///
/// # Errors
/// Those of [`certificates`], and [`PemError::Outdated`].
pub fn chain(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, PemError> {
    let chain = certificates(text)?;
    if chain.iter().any(certificate::is_outdated) { Err(PemError::Outdated) } else { Ok(chain) }
}

/// What is wrong with a text, without the text itself: it may be a key in the wrong place.
const fn malformed(error: &pem::Error) -> &'static str {
    match error {
        pem::Error::IllegalSectionStart { .. } => "a line begins with -----BEGIN and does not end with -----",
        pem::Error::MissingSectionEnd { .. } => "a section has no -----END",
        pem::Error::Base64Decode(_) => "a section is no base64",
        _ => "it cannot be read",
    }
}

/// The first private key of a text.
///
/// # Errors
/// [`PemError::NoKey`]; what is in its place is not told.
pub fn private_key(text: &[u8]) -> Result<PrivateKeyDer<'static>, PemError> {
    PrivateKeyDer::from_pem_slice(text).map_err(|_| PemError::NoKey)
}

/// The certificates of a text as those that others' must come from.
///
/// # Errors
/// All but [`PemError::NoKey`].
pub fn roots(text: &[u8]) -> Result<RootCertStore, PemError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(text)? {
        roots.add(certificate).map_err(|error| PemError::BadCa(error.to_string()))?;
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;

    use super::*;

    /// A certificate as openssl makes one where it is given no extensions: of version 1.
    const VERSION_1: &[u8] = b"\
-----BEGIN CERTIFICATE-----
MIIBGTCBvwIUMeC1mDpoLILHNaHzWI0lIPBFGVcwCgYIKoZIzj0EAwIwDjEMMAoG
A1UEAwwDb2xkMCAXDTI2MTEzMDA5MTcwMFoYDzIxMjYxMTA2MDkxNzAwWjAOMQww
CgYDVQQDDANvbGQwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQlGyb2IOeys98X
BYlLT7GNdmok8dXDpqMOvs6xjEDdLCB6sxEw9QcuKTEhcrguART4DWeRwPrqScKC
epU226qFMAoGCCqGSM49BAMCA0kAMEYCIQDZACca9PuJf0eT9Cz8g55Bg3Odhzqc
kc9gVUvawpzNjwIhALjpnH6LCbboudMKxSlPotyY/+POLRP9I3mARmOC64O+
-----END CERTIFICATE-----
";

    #[test]
    fn a_certificate_of_version_1_is_called_that() {
        assert_eq!(certificates(VERSION_1).unwrap().len(), 1);
        assert_eq!(chain(VERSION_1), Err(PemError::Outdated));
        let said = PemError::Outdated.mistake().at("door.pem").to_string();
        let expected = "door.pem holds a certificate of X.509 version 1; have it issued anew as version 3";
        assert!(said.starts_with(expected), "{said}");
        let issued = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap();
        let lines = base64::engine::general_purpose::STANDARD.encode(issued.cert.der());
        let pem = format!("-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n");
        assert_eq!(chain(pem.as_bytes()).unwrap().len(), 1);
    }
}
