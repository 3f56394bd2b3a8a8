//! Certificates and keys as PEM texts.

use std::{error::Error, fmt};

use posthouse_core::mistake::Mistake;
use rustls::RootCertStore;
use rustls::pki_types::{
    CertificateDer, PrivateKeyDer,
    pem::{self, PemObject as _},
};

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
