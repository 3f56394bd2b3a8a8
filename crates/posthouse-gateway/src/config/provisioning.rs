//! A provisioning file, against what a store holds: what the core's rules need of this machine.

use posthouse_core::{
    account::VaspKey,
    certificate::CertificateRule,
    mistake::Mistake,
    provisioning::{
        self as rules, Certificates, Declared, Ground, Plan, Ports, Provisioning, Secrets, partial::complete,
        reading::Reader,
    },
    tls::PeerTls,
};

use super::reader::{ConfigErrors, ConfigFile, ELSEWHERE, Environment, Surroundings};
use crate::{
    secrets::{hash_password, vasp_key, verify_password},
    tls::{
        certificate,
        client::check as check_tls,
        files::{self, TlsError},
        pem,
    },
};

/// What each PEM block begins with.
pub(super) const BEGIN: &str = "-----BEGIN ";

/// Understands a provisioning file. VASPIDs are hashed under the store's key.
///
/// # Errors
/// All mistakes of the file.
pub fn declared(
    file: &ConfigFile,
    environment: &Environment<'_>,
    key: &[u8; 32],
    ground: Ground<'_>,
) -> Result<Declared, ConfigErrors> {
    declared_in(file, environment, key, ground, false)
}

/// The same; where it is `partial`, what the file leaves out of an account, a carrier or the lookup is as it was.
///
/// # Errors
/// All mistakes of the file.
pub fn declared_in(
    file: &ConfigFile,
    environment: &Environment<'_>,
    key: &[u8; 32],
    ground: Ground<'_>,
    partial: bool,
) -> Result<Declared, ConfigErrors> {
    let surroundings = Surroundings { file, environment };
    let (secrets, certificates) = (StoreSecrets { key }, PemFiles { file });
    let reader = Reader::new(&surroundings, ELSEWHERE);
    let (mut tree, spot) = file.tree(&reader);
    if partial {
        tree = complete(tree, ground.current);
    }
    let ports = Ports { secrets: &secrets, certificates: &certificates };
    rules::check(&reader, (tree, spot), ports, ground).map_err(|problems| ConfigErrors::of(file, problems))
}

/// Hashes VASPIDs under the key of a store.
pub(super) struct StoreSecrets<'a> {
    pub(super) key: &'a [u8; 32],
}

impl Secrets for StoreSecrets<'_> {
    fn vasp_key(&self, vaspid: &str) -> VaspKey {
        vasp_key(self.key, vaspid)
    }

    fn hash_password(&self, password: &str) -> Result<String, String> {
        hash_password(password).map_err(|error| error.to_string())
    }

    fn is_password(&self, password_hash: &str, password: &str) -> bool {
        verify_password(password_hash, password)
    }
}

/// PEM texts, written in a file or in files that it names.
struct PemFiles<'a> {
    file: &'a ConfigFile,
}

impl Certificates for PemFiles<'_> {
    fn text(&self, written: &str) -> Result<String, Mistake> {
        if written.trim_start().starts_with(BEGIN) {
            return Ok(written.to_owned());
        }
        let unreadable = |error: TlsError| error.mistake().at("is no PEM text, and no file:");
        let bytes = files::read(&self.file.path(written)).map_err(unreadable)?;
        String::from_utf8(bytes).map_err(|_| ("is a file that is no PEM text", "write it in PEM form").into())
    }

    fn check(&self, tls: &PeerTls) -> Result<(), (&'static str, Mistake)> {
        check_tls(tls).map_err(|error| error.place())
    }
}

/// Compares what a file declares with what is provisioned, which is to be what the file was read against.
pub fn plan(declared: &Declared, current: &Provisioning) -> Plan {
    rules::plan(declared, current, &fingerprints)
}

/// How certificates are told apart by people: the first one's fingerprint, and how many follow.
pub(super) fn fingerprints(text: &str) -> String {
    let certificates = pem::certificates(text.as_bytes()).unwrap_or_default();
    let Some(first) = certificates.first() else { return "none".to_owned() };
    let first = CertificateRule::Sha256(certificate::shown(first).sha256);
    match certificates.len() {
        1 => first.to_string(),
        all => format!("{first} and {} more", all - 1),
    }
}

#[cfg(test)]
mod plan_tests;
#[cfg(test)]
mod tests;
