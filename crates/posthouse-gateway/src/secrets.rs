//! Secrets: how they are held, hashed and compared.
//!
//! A VASPID is an API key and is looked up on every request, so it is kept as a keyed hash that can be searched for. A
//! password is only ever checked against one account, so it is kept as a salted, slow hash.

use std::fmt;

use argon2::{Argon2, PasswordHasher as _, PasswordVerifier as _};
use hmac::{Hmac, KeyInit as _, Mac as _};
use posthouse_core::{account::VaspKey, provisioning::tree::ValueSource};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

/// A text that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    text: String,
    source: ValueSource,
}

impl Secret {
    /// Wraps a secret.
    pub const fn new(text: String, source: ValueSource) -> Self {
        Self { text, source }
    }

    /// The secret itself.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// Where it is from.
    pub const fn source(&self) -> &ValueSource {
        &self.source
    }

    /// Whether this is what was shown, in a time that tells nothing but the length.
    pub fn matches(&self, shown: &str) -> bool {
        self.text.as_bytes().ct_eq(shown.as_bytes()).into()
    }
}

impl fmt::Debug for Secret {
    /// Shows where it is from and nothing else.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret").field("source", &self.source).finish_non_exhaustive()
    }
}

/// The keyed hash by which a VASPID is found: HMAC-SHA-256 under the store's key, in hexadecimal. White space around the
/// VASPID does not count, as on the wire.
pub fn vasp_hash(key: &[u8; 32], vaspid: &str) -> String {
    // A MAC of a fixed-size block takes any key; the error exists for MACs that do not.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return String::new() };
    mac.update(vaspid.trim().as_bytes());
    let digest = mac.finalize().into_bytes();
    // Not by `format!`, which would take as long as the digest: this is asked for each request.
    let digits = digest.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(u32::from(digit), 16)).collect()
}

/// What a phone number is looked for by where it must not stand: a keyed hash of its digits.
pub fn number_hash(key: &[u8; 32], number: &str) -> String {
    // Nothing that is a VASPID begins so, or it would have to be one with a blank.
    secret_hash(key, "number", number)
}

/// What a secret of this kind is found by: a keyed hash, which is no other kind's.
pub fn secret_hash(key: &[u8; 32], kind: &str, secret: &str) -> String {
    vasp_hash(key, &format!("{kind} {secret}"))
}

/// A VASPID as it is kept.
pub fn vasp_key(key: &[u8; 32], vaspid: &str) -> VaspKey {
    VaspKey { hash: vasp_hash(key, vaspid), prefix: VaspKey::prefix_of(vaspid.trim()) }
}

/// Why a password could not be hashed: the operating system gave no random salt.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a password could not be hashed: {0}")]
pub struct HashError(String);

/// Hashes a password with Argon2id (19 MiB, two passes, one lane: OWASP's first choice) and a random salt, as a PHC string.
/// Takes some 20 ms; a caller that checks passwords on a hot path remembers those that it has checked.
///
/// # Errors
/// [`HashError`] when there is no randomness.
pub fn hash_password(password: &str) -> Result<String, HashError> {
    let hash = Argon2::default().hash_password(password.as_bytes());
    hash.map(|hash| hash.to_string()).map_err(|error| HashError(error.to_string()))
}

/// Whether a password is the one that was hashed. What is no PHC string matches no password.
pub fn verify_password(password_hash: &str, password: &str) -> bool {
    Argon2::default().verify_password(password.as_bytes(), password_hash).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vaspid_is_found_by_its_keyed_hash() {
        // HMAC-SHA-256 with a key of 32 zero bytes.
        assert_eq!(
            vasp_hash(&[0; 32], "acme-api-key"),
            "f0da12f3bfd8e4cbc4a7e24638afc0a000f233e265ceb62f7fc22a92df823db9"
        );
        assert_eq!(vasp_hash(&[0; 32], " acme-api-key\n"), vasp_hash(&[0; 32], "acme-api-key"));
        assert_ne!(vasp_hash(&[1; 32], "acme-api-key"), vasp_hash(&[0; 32], "acme-api-key"));
        assert_eq!(vasp_key(&[0; 32], "acme-api-key").prefix, "acme");
        assert_eq!(vasp_key(&[0; 32], "éà").prefix, "éà");
    }

    #[test]
    fn a_password_matches_its_own_hash_only() {
        let hash = hash_password("s3cret").unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(verify_password(&hash, "s3cret"));
        assert!(!verify_password(&hash, "S3cret"));
        assert!(!verify_password("s3cret", "s3cret"));
        assert_ne!(hash_password("s3cret").unwrap(), hash);
    }

    #[test]
    fn a_secret_does_not_show_itself() {
        let secret = Secret::new("hush".to_owned(), ValueSource::Environment("TOKEN".to_owned()));
        assert_eq!(format!("{secret:?}"), "Secret { source: Environment(\"TOKEN\"), .. }");
        assert!(secret.matches("hush"));
        assert!(!secret.matches("hus"));
        assert!(!secret.matches("husk"));
    }
}
