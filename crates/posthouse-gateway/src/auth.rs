//! Whether credentials that a peer shows are right.
//!
//! Passwords are kept as Argon2 hashes, and verifying one is slow on purpose. So what was verified once is remembered as a MAC
//! under a key that lives as long as the process.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use hmac::{Hmac, KeyInit, Mac};
use posthouse_core::account::ShownCredentials;
use sha2::Sha256;
use tokio::sync::Semaphore;

use crate::{config::secrets::verify_password, http::basic::Basic};

/// How many verified credentials are remembered.
const MAX_REMEMBERED: usize = 10_000;
/// How many passwords are verified at a time: each takes memory and a core.
const VERIFIED_AT_A_TIME: usize = 2;

/// Verifies credentials.
pub struct Verifier {
    mac: Hmac<Sha256>,
    verified: Mutex<HashMap<String, [u8; 32]>>,
    turns: Arc<Semaphore>,
}

impl Verifier {
    /// A verifier that remembers under this key, which must be random.
    pub fn new(key: [u8; 64]) -> Self {
        Self {
            mac: Hmac::new(&key.into()),
            verified: Mutex::default(),
            turns: Arc::new(Semaphore::new(VERIFIED_AT_A_TIME)),
        }
    }

    /// Whether what was shown is what is expected.
    pub async fn is_right(&self, shown: Option<Basic>, expected: &ShownCredentials) -> bool {
        let Some(shown) = shown.filter(|shown| shown.username == expected.username) else { return false };
        let remembered = self.recall(&expected.password_hash);
        if remembered.is_some_and(|mac| self.mac(&shown, expected).verify_slice(&mac).is_ok()) {
            return true;
        }
        let mac = self.mac(&shown, expected).finalize().into_bytes().into();
        let right = self.verify_slowly(shown.password, expected.password_hash.clone()).await;
        if right {
            self.remember(expected.password_hash.clone(), mac);
        }
        right
    }

    /// The MAC of a password under a stored hash, which binds it to this very provisioning.
    fn mac(&self, shown: &Basic, expected: &ShownCredentials) -> Hmac<Sha256> {
        let mut mac = self.mac.clone();
        mac.update(expected.password_hash.as_bytes());
        mac.update(&[0]);
        mac.update(shown.password.as_bytes());
        mac
    }

    fn recall(&self, hash: &str) -> Option<[u8; 32]> {
        self.verified.lock().unwrap_or_else(PoisonError::into_inner).get(hash).copied()
    }

    fn remember(&self, hash: String, mac: [u8; 32]) {
        let mut verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        if verified.len() >= MAX_REMEMBERED {
            verified.clear();
        }
        verified.insert(hash, mac);
    }

    async fn verify_slowly(&self, password: String, hash: String) -> bool {
        let Ok(_turn) = self.turns.acquire().await else { return false };
        let verified = tokio::task::spawn_blocking(move || verify_password(&hash, &password));
        verified.await.unwrap_or(false)
    }
}
