//! Whether credentials that a peer shows are right.
//!
//! Passwords are kept as Argon2 hashes, and verifying one is slow on purpose. So what was verified once is remembered as a MAC
//! under a key that lives as long as the process. Who shows wrong ones too often is not verified any more for a while.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use hmac::{Hmac, KeyInit, Mac};
use posthouse_core::account::ShownCredentials;
use sha2::Sha256;
use tokio::{sync::Semaphore, time::Instant};

use crate::{config::secrets::verify_password, http::basic::Basic};

/// How many verified credentials are remembered.
const MAX_REMEMBERED: usize = 10_000;
/// How many passwords are verified at a time: each takes memory and a core.
const VERIFIED_AT_A_TIME: usize = 2;
/// How many wrong tries a peer has for the same credentials before all of its tries are wrong, the right one too.
const MOST_WRONG: u32 = 10;
/// How long wrong tries count, from the first on.
const WRONG_COUNTS: Duration = Duration::from_secs(60);
/// How many peers' wrong tries are counted.
const MAX_COUNTED: usize = 10_000;

/// Verifies credentials.
pub struct Verifier {
    mac: Hmac<Sha256>,
    verified: Mutex<HashMap<String, [u8; 32]>>,
    wrong: Mutex<HashMap<(String, IpAddr), Wrong>>,
    turns: Arc<Semaphore>,
}

/// Wrong tries of one peer for the same credentials.
#[derive(Clone, Copy)]
struct Wrong {
    tries: u32,
    since: Instant,
}

impl Verifier {
    /// A verifier that remembers under this key, which must be random.
    pub fn new(key: [u8; 64]) -> Self {
        Self {
            mac: Hmac::new(&key.into()),
            verified: Mutex::default(),
            wrong: Mutex::default(),
            turns: Arc::new(Semaphore::new(VERIFIED_AT_A_TIME)),
        }
    }

    /// Whether what a peer at this address showed is what is expected. Never, after too many wrong tries: whoever guesses
    /// does not learn that a guess was right. What is missing or malformed is no try.
    pub async fn is_right(&self, shown: Option<Basic>, expected: &ShownCredentials, from: IpAddr) -> bool {
        let Some(shown) = shown else { return false };
        let whose = (expected.password_hash.clone(), from);
        if self.has_tried_too_often(&whose) {
            return false;
        }
        let right = shown.username == expected.username && self.verify(shown, expected).await;
        self.count(whose, right);
        right
    }

    async fn verify(&self, shown: Basic, expected: &ShownCredentials) -> bool {
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

    fn has_tried_too_often(&self, whose: &(String, IpAddr)) -> bool {
        let wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        wrong.get(whose).is_some_and(|wrong| wrong.counts() && wrong.tries >= MOST_WRONG)
    }

    /// Counts a try. A right one makes the wrong ones before it forgotten.
    fn count(&self, whose: (String, IpAddr), right: bool) {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        if right {
            wrong.remove(&whose);
            return;
        }
        if wrong.len() >= MAX_COUNTED {
            wrong.retain(|_, wrong| wrong.counts());
        }
        if wrong.len() >= MAX_COUNTED {
            wrong.clear();
        }
        let counted = wrong.entry(whose).or_insert_with(Wrong::none);
        if !counted.counts() {
            *counted = Wrong::none();
        }
        counted.tries = counted.tries.saturating_add(1);
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

impl Wrong {
    fn none() -> Self {
        Self { tries: 0, since: Instant::now() }
    }

    fn counts(&self) -> bool {
        self.since.elapsed() < WRONG_COUNTS
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;
    use crate::config::secrets::hash_password;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));

    fn shown(password: &str) -> Option<Basic> {
        Some(Basic { username: "acme".to_owned(), password: password.to_owned() })
    }

    #[tokio::test(start_paused = true)]
    async fn after_ten_wrong_tries_the_right_one_is_wrong_for_a_minute() {
        let verifier = Verifier::new([7; 64]);
        let password_hash = hash_password("s3cret").unwrap();
        let expected = ShownCredentials { username: "acme".to_owned(), password_hash };
        assert!(verifier.is_right(shown("s3cret"), &expected, HERE).await);
        for _ in 0..MOST_WRONG {
            assert!(!verifier.is_right(shown("guess"), &expected, HERE).await);
        }
        assert!(!verifier.is_right(shown("s3cret"), &expected, HERE).await, "though it was verified before");
        assert!(verifier.is_right(shown("s3cret"), &expected, THERE).await, "others go on");
        advance(WRONG_COUNTS).await;
        assert!(verifier.is_right(shown("s3cret"), &expected, HERE).await);
    }

    #[tokio::test]
    async fn what_is_no_try_does_not_count_and_a_right_one_makes_good() {
        let verifier = Verifier::new([7; 64]);
        let password_hash = hash_password("s3cret").unwrap();
        let expected = ShownCredentials { username: "acme".to_owned(), password_hash };
        for _ in 0..2 {
            for _ in 1..MOST_WRONG {
                assert!(!verifier.is_right(None, &expected, HERE).await);
                let other = Basic { username: "other".to_owned(), password: "s3cret".to_owned() };
                assert!(!verifier.is_right(Some(other), &expected, HERE).await);
            }
            assert!(verifier.is_right(shown("s3cret"), &expected, HERE).await);
        }
    }
}
