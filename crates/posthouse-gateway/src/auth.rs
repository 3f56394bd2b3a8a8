//! Whether credentials that a peer shows are right.
//!
//! Passwords are kept as Argon2 hashes, and verifying one is slow on purpose. So what was verified once is remembered as a MAC
//! under a key that lives as long as the process.
//!
//! Who shows wrong ones waits longer after each, and is kept out for a while after too many: for these credentials from
//! this address, or from this address altogether. When many addresses try one account's, no single one is to blame, and the
//! customer is somewhere among others: then an address has one try. All of it is counted in constant memory ([`tries`]).
//!
//! A wrong user name takes as long as a wrong password: it is checked as one. The checks wait in lines of their own for VASPs and
//! for carriers, where accounts and addresses have turns ([`mod@line`]).

pub mod key_uses;
pub mod line;
pub mod tries;

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use hmac::{Hmac, KeyInit, Mac};
use posthouse_core::{account::ShownCredentials, lock::Mutex};
use sha2::Sha256;
use tokio::time::{Instant, sleep};

use self::{
    line::CheckLine,
    tries::{COUNTS, Tries},
};
use crate::{
    http::basic::Basic,
    secrets::{Secret, hash_password, verify_password},
    shares::claimant,
};

/// How many verified credentials are remembered.
const MAX_REMEMBERED: usize = 10_000;
/// How many passwords of VASPs are verified at a time: each takes memory and a core.
const VASPS_AT_A_TIME: usize = 2;
/// How many of carriers.
const CARRIERS_AT_A_TIME: usize = 1;
/// How many of users of the pages.
const USERS_AT_A_TIME: usize = 1;
/// How many wrong tries an address has for the same credentials before all of its tries are wrong, the right one too.
const MOST_WRONG: u32 = 10;
/// The same for all credentials together: several customers may be behind one address.
const MOST_OF_ADDRESS: u32 = 100;
/// How many wrong tries there may be for the same credentials from all addresses, before each address has only one.
const MOST_OF_ACCOUNT: u32 = 100;
/// How many wrong tries cost no time.
const FREE: u32 = 3;
/// What the first one costs that does; each further one twice as much.
const FIRST_DELAY: Duration = Duration::from_millis(25);
/// What one costs at most.
const LONGEST_DELAY: Duration = Duration::from_secs(1);

/// Verifies credentials.
pub struct Verifier {
    mac: Hmac<Sha256>,
    verified: Mutex<HashMap<String, [u8; 32]>>,
    tries: Tries,
    vasps: CheckLine,
    carriers: CheckLine,
    users: CheckLine,
    /// The hash of a password that nobody has, for names that nobody has.
    nobody: OnceLock<String>,
    failures: AuthFailures,
}

/// Credentials that were refused: by door, and whether they were wrong or not looked at any more.
#[derive(Debug, Default)]
struct AuthFailures {
    counts: [AtomicU64; AUTH_FAILURES.len()],
    /// Addresses that are kept out, each with since when: bounded, the oldest go.
    kept_out: Mutex<HashMap<IpAddr, Instant>>,
}

/// The doors, and why credentials are refused there.
const AUTH_FAILURES: [(&str, &str); 7] = [
    ("mm7", "wrong"),
    ("mm7", "no_turn"),
    ("carriers", "wrong"),
    ("carriers", "no_turn"),
    ("admin", "wrong"),
    ("admin", "no_turn"),
    ("admin", "kept_out"),
];
/// How many addresses that are kept out are remembered, to be counted.
const MOST_KEPT_OUT: usize = 10_000;

impl AuthFailures {
    fn count(&self, failure: (&str, &str)) {
        let place = AUTH_FAILURES.iter().position(|one| *one == failure);
        if let Some(count) = place.and_then(|place| self.counts.get(place)) {
            count.fetch_add(1, Relaxed);
        }
    }

    fn keep_out(&self, address: IpAddr) {
        let mut kept_out = self.kept_out.lock();
        if kept_out.len() >= MOST_KEPT_OUT {
            kept_out.retain(|_, since| since.elapsed() < COUNTS);
        }
        if kept_out.len() < MOST_KEPT_OUT {
            kept_out.insert(address, Instant::now());
        }
    }
}

/// Where credentials are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// The door for VASPs.
    Vasps,
    /// The door for carriers.
    Carriers,
}

/// What is said of credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordVerdict {
    /// They are what is expected.
    Right,
    /// They are not; or there were too many wrong tries, and whoever guesses does not learn that a guess was right.
    Wrong,
    /// Too many are being checked. It was no try.
    NoTurn,
}

/// Whose wrong tries are counted. Credentials are known by their hash.
#[derive(Hash)]
enum Who<'c> {
    /// An address, for the same credentials.
    Pair(&'c str, IpAddr),
    /// An address, for all credentials.
    Address(IpAddr),
    /// All addresses, for the same credentials.
    Account(&'c str),
}

/// What the operators' token is counted as.
const TOKEN: &str = "the admin token";
/// Who is counted under tokens of principals.
const PRINCIPAL_TOKEN: &str = "principal token";

impl Verifier {
    /// A verifier that remembers under this key, which must be random.
    pub fn new(key: [u8; 64]) -> Self {
        Self {
            mac: Hmac::new(&key.into()),
            verified: Mutex::default(),
            tries: Tries::default(),
            vasps: CheckLine::new(VASPS_AT_A_TIME),
            carriers: CheckLine::new(CARRIERS_AT_A_TIME),
            users: CheckLine::new(USERS_AT_A_TIME),
            nobody: OnceLock::new(),
            failures: AuthFailures::default(),
        }
    }

    /// How often credentials were refused: door, reason, how often.
    pub fn failures(&self) -> Vec<(&'static str, &'static str, u64)> {
        let counts = AUTH_FAILURES.iter().zip(&self.failures.counts);
        counts.map(|((door, reason), count)| (*door, *reason, count.load(Relaxed))).collect()
    }

    /// How many addresses are kept out now.
    pub fn kept_out(&self) -> u64 {
        let kept_out = self.failures.kept_out.lock();
        kept_out.values().filter(|since| since.elapsed() < COUNTS).count() as u64
    }

    /// Whether what a peer at this address showed is what is expected. Never, after too many wrong tries: whoever guesses
    /// does not learn that a guess was right. What is missing or malformed is no try.
    pub async fn judge(
        &self,
        shown: Option<Basic>,
        expected: &ShownCredentials,
        from: IpAddr,
        at: At,
    ) -> PasswordVerdict {
        self.judge_any(shown.as_ref(), &[expected], from, at).await
    }

    /// The same where several are as good as each other. Tries are counted for all of them together, as those for the first.
    pub async fn judge_any(
        &self,
        shown: Option<&Basic>,
        expected: &[&ShownCredentials],
        from: IpAddr,
        at: At,
    ) -> PasswordVerdict {
        let door = match at {
            At::Vasps => "mm7",
            At::Carriers => "carriers",
        };
        let verdict = self.judged(shown, expected, from, at).await;
        match verdict {
            PasswordVerdict::Right => {}
            PasswordVerdict::Wrong => self.failures.count((door, "wrong")),
            PasswordVerdict::NoTurn => self.failures.count((door, "no_turn")),
        }
        verdict
    }

    /// Which of several it was, once it was judged right.
    pub fn which<'e>(
        &self,
        shown: &Basic,
        expected: &[&'e ShownCredentials],
    ) -> Option<&'e ShownCredentials> {
        expected.iter().copied().find(|one| self.is_remembered(shown, one))
    }

    async fn judged(
        &self,
        shown: Option<&Basic>,
        expected: &[&ShownCredentials],
        from: IpAddr,
        at: At,
    ) -> PasswordVerdict {
        let Some((shown, first)) = shown.zip(expected.first()) else { return PasswordVerdict::Wrong };
        let (hash, from) = (first.password_hash.as_str(), claimant(from));
        if !self.may_try(hash, from) {
            return PasswordVerdict::Wrong;
        }
        self.slow_down(hash, from).await;
        let right = if self.which(shown, expected).is_some() {
            true
        } else {
            let line = match at {
                At::Vasps => &self.vasps,
                At::Carriers => &self.carriers,
            };
            let has_name = expected.iter().any(|one| is_name(shown, one));
            let what = (self.mac(shown, first).finalize().into_bytes().into(), has_name);
            let known = || match self.may_try(hash, from) {
                true => self.which(shown, expected).is_some().then_some(true),
                false => Some(false),
            };
            let check = async || {
                for one in expected {
                    if self.verify_slowly(shown, one).await {
                        return true;
                    }
                }
                false
            };
            match line.check(from, hash, what, known, check).await {
                Ok(right) => right,
                Err(_) => return PasswordVerdict::NoTurn,
            }
        };
        // Those that came at the same time are judged one after the other.
        if self.may_try(hash, from) && self.count(hash, from, right) {
            PasswordVerdict::Right
        } else {
            PasswordVerdict::Wrong
        }
    }

    /// The same for the operators' token.
    pub async fn is_token(&self, token: &Secret, shown: Option<&str>, from: IpAddr) -> bool {
        let Some(shown) = shown else { return false };
        self.is_right_token(TOKEN, from, async { token.matches(shown) }).await
    }

    /// The same for tokens of principals, each of which has to be looked up. Who has one is not helped by it in guessing the operators'.
    pub async fn is_known_token(&self, from: IpAddr, look: impl Future<Output = bool>) -> bool {
        self.is_right_token(PRINCIPAL_TOKEN, from, look).await
    }

    /// The same for the password of a user of the pages, whose hash is `expected`; `None`: there is no user of this name, or none with a
    /// password, which takes as long to tell. Wrong ones are counted by name and address.
    pub async fn judge_user(
        &self,
        name: &str,
        password: &str,
        expected: Option<&str>,
        from: IpAddr,
    ) -> PasswordVerdict {
        let (who, from) = (format!("user {name}"), claimant(from));
        if !self.may_try(&who, from) {
            self.failures.count(("admin", "kept_out"));
            return PasswordVerdict::Wrong;
        }
        self.slow_down(&who, from).await;
        let known = || (!self.may_try(&who, from)).then_some(false);
        let check = async || self.is_password(password, expected).await;
        let mac = self.mac_of(&format!("{who} {}", expected.unwrap_or_default()), password);
        let what = (mac.finalize().into_bytes().into(), expected.is_some());
        let Ok(is_right) = self.users.check(from, &who, what, known, check).await else {
            self.failures.count(("admin", "no_turn"));
            return PasswordVerdict::NoTurn;
        };
        if self.may_try(&who, from) && self.count(&who, from, is_right) {
            return PasswordVerdict::Right;
        }
        self.failures.count(("admin", "wrong"));
        PasswordVerdict::Wrong
    }

    /// Whether it is the password of this hash; never of none, which takes as long.
    async fn is_password(&self, password: &str, expected: Option<&str>) -> bool {
        let is_somebody = expected.is_some();
        let hash = expected.or_else(|| self.nobody.get().map(String::as_str)).map(str::to_owned);
        let password = password.to_owned();
        let checked = tokio::task::spawn_blocking(move || {
            // Making a hash takes as long as checking one.
            let Some(hash) = hash else { return (false, hash_password("nobody's").ok()) };
            (verify_password(&hash, &password), None)
        });
        let (is_right, nobody) = checked.await.unwrap_or_default();
        if let Some(nobody) = nobody {
            let _ = self.nobody.set(nobody);
        }
        is_right && is_somebody
    }

    async fn is_right_token(&self, which: &str, from: IpAddr, look: impl Future<Output = bool>) -> bool {
        let from = claimant(from);
        if !self.may_try(which, from) {
            self.failures.count(("admin", "kept_out"));
            return false;
        }
        self.slow_down(which, from).await;
        let is_right = self.may_try(which, from) && {
            let is_right = look.await;
            self.count(which, from, is_right)
        };
        if !is_right {
            self.failures.count(("admin", "wrong"));
        }
        is_right
    }

    fn may_try(&self, hash: &str, from: IpAddr) -> bool {
        let own = self.tries.wrong(Who::Pair(hash, from));
        let is_attacked = || self.tries.wrong(Who::Account(hash)) >= MOST_OF_ACCOUNT;
        own < MOST_WRONG
            && self.tries.wrong(Who::Address(from)) < MOST_OF_ADDRESS
            && (own == 0 || !is_attacked())
    }

    async fn slow_down(&self, hash: &str, from: IpAddr) {
        let over = self.tries.wrong(Who::Pair(hash, from)).checked_sub(FREE);
        if let Some(over) = over {
            let delay = FIRST_DELAY.saturating_mul(1_u32.checked_shl(over).unwrap_or(u32::MAX));
            sleep(delay.min(LONGEST_DELAY)).await;
        }
    }

    /// Counts a try, and gives back whether it was right. A right one makes the wrong ones before it forgotten, but not those
    /// for other credentials.
    fn count(&self, hash: &str, from: IpAddr, right: bool) -> bool {
        if right {
            self.tries.forget(Who::Pair(hash, from));
            return true;
        }
        self.tries.count(Who::Account(hash));
        let (own, all) = (self.tries.count(Who::Pair(hash, from)), self.tries.count(Who::Address(from)));
        if own == MOST_WRONG || all == MOST_OF_ADDRESS {
            self.failures.keep_out(from);
            tracing::warn!(address = %from, "too many wrong credentials: this address is kept out for a while");
        }
        false
    }

    fn is_remembered(&self, shown: &Basic, expected: &ShownCredentials) -> bool {
        let remembered = self.recall(&expected.password_hash).filter(|_| is_name(shown, expected));
        remembered.is_some_and(|mac| self.mac(shown, expected).verify_slice(&mac).is_ok())
    }

    /// Checks the password, also where the user name is wrong: guessing at user names shows no difference.
    async fn verify_slowly(&self, shown: &Basic, expected: &ShownCredentials) -> bool {
        let mac = self.mac(shown, expected).finalize().into_bytes().into();
        let (hash, password) = (expected.password_hash.clone(), shown.password.clone());
        let verified = tokio::task::spawn_blocking(move || verify_password(&hash, &password));
        let right = verified.await.unwrap_or(false) && is_name(shown, expected);
        if right {
            self.remember(expected.password_hash.clone(), mac);
        }
        right
    }

    /// The MAC of a password under a stored hash, which binds it to this very provisioning.
    fn mac(&self, shown: &Basic, expected: &ShownCredentials) -> Hmac<Sha256> {
        self.mac_of(&expected.password_hash, &shown.password)
    }

    fn mac_of(&self, hash: &str, password: &str) -> Hmac<Sha256> {
        let mut mac = self.mac.clone();
        mac.update(hash.as_bytes());
        mac.update(&[0]);
        mac.update(password.as_bytes());
        mac
    }

    fn recall(&self, hash: &str) -> Option<[u8; 32]> {
        self.verified.lock().get(hash).copied()
    }

    fn remember(&self, hash: String, mac: [u8; 32]) {
        let mut verified = self.verified.lock();
        if verified.len() >= MAX_REMEMBERED {
            verified.clear();
        }
        verified.insert(hash, mac);
    }
}

fn is_name(shown: &Basic, expected: &ShownCredentials) -> bool {
    shown.username == expected.username
}

#[cfg(test)]
mod tests {
    use std::{net::Ipv6Addr, sync::Arc};

    use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, Version};
    use tokio::time::advance;

    use super::*;
    use crate::secrets::hash_password;

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
        assert!(is_right(&verifier, shown("s3cret"), &expected, HERE).await);
        for _ in 0..MOST_WRONG {
            assert!(!is_right(&verifier, shown("guess"), &expected, HERE).await);
        }
        assert!(
            !is_right(&verifier, shown("s3cret"), &expected, HERE).await,
            "though it was verified before"
        );
        assert!(is_right(&verifier, shown("s3cret"), &expected, THERE).await, "others go on");
        advance(COUNTS).await;
        assert!(is_right(&verifier, shown("s3cret"), &expected, HERE).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_users_wrong_passwords_are_counted_by_name_and_address() {
        let verifier = Verifier::new([7; 64]);
        let hash = expected("acme").password_hash;
        let judge = async |name: &str, password: &str, from| {
            verifier.judge_user(name, password, (name == "ann").then_some(hash.as_str()), from).await
        };
        assert_eq!(judge("ann", "s3cret", HERE).await, PasswordVerdict::Right);
        assert_eq!(judge("eve", "s3cret", HERE).await, PasswordVerdict::Wrong, "there is no eve");
        for _ in 0..MOST_WRONG {
            assert_eq!(judge("ann", "guess", HERE).await, PasswordVerdict::Wrong);
        }
        assert_eq!(judge("ann", "s3cret", HERE).await, PasswordVerdict::Wrong, "kept out");
        assert_eq!(judge("ann", "s3cret", THERE).await, PasswordVerdict::Right, "others go on");
        advance(COUNTS).await;
        assert_eq!(judge("ann", "s3cret", HERE).await, PasswordVerdict::Right);
        let failures = verifier.failures();
        assert!(
            failures.contains(&("admin", "wrong", 11)) && failures.contains(&("admin", "kept_out", 1)),
            "{failures:?}"
        );
    }

    #[tokio::test]
    async fn what_is_no_try_does_not_count_and_a_right_one_makes_good() {
        let verifier = Verifier::new([7; 64]);
        let expected = expected("acme");
        for _ in 0..2 {
            for _ in 1..MOST_WRONG {
                assert!(!is_right(&verifier, None, &expected, HERE).await);
                let other = Basic { username: "other".to_owned(), password: "s3cret".to_owned() };
                assert!(!is_right(&verifier, Some(other), &expected, HERE).await);
            }
            assert!(is_right(&verifier, shown("s3cret"), &expected, HERE).await);
        }
    }

    /// With a hash that is quick to check.
    fn expected(username: &str) -> ShownCredentials {
        let quick = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(8, 1, 1, None).unwrap());
        let password_hash = quick.hash_password(b"s3cret").unwrap().to_string();
        ShownCredentials { username: username.to_owned(), password_hash }
    }

    fn address(number: u32) -> IpAddr {
        IpAddr::V4(std::net::Ipv4Addr::from_bits(0x0a00_0000 + number))
    }

    async fn is_right(
        verifier: &Verifier,
        shown: Option<Basic>,
        expected: &ShownCredentials,
        from: IpAddr,
    ) -> bool {
        let verdict = verifier.judge(shown, expected, from, At::Vasps).await;
        assert_ne!(verdict, PasswordVerdict::NoTurn);
        verdict == PasswordVerdict::Right
    }

    /// Shows a wrong user name.
    async fn guess(verifier: &Verifier, expected: &ShownCredentials, from: IpAddr) {
        let guess = Basic { username: "guess".to_owned(), password: "guess".to_owned() };
        assert!(!is_right(verifier, Some(guess), expected, from).await);
    }

    #[tokio::test(start_paused = true)]
    async fn each_wrong_try_takes_longer() {
        let (verifier, expected) = (Verifier::new([7; 64]), expected("acme"));
        let mut took = Vec::new();
        for _ in 0..MOST_WRONG + 1 {
            let began = Instant::now();
            guess(&verifier, &expected, HERE).await;
            took.push(began.elapsed().as_millis());
        }
        assert_eq!(took, [0, 0, 0, 25, 50, 100, 200, 400, 800, 1000, 0], "who is kept out is told at once");
    }

    #[tokio::test(start_paused = true)]
    async fn who_guesses_at_many_accounts_is_kept_out_of_all() {
        let verifier = Verifier::new([7; 64]);
        let customer = expected("acme");
        for number in 0..MOST_OF_ADDRESS {
            let one = ShownCredentials { username: "one".to_owned(), password_hash: number.to_string() };
            guess(&verifier, &one, HERE).await;
        }
        assert!(!is_right(&verifier, shown("s3cret"), &customer, HERE).await);
        assert!(is_right(&verifier, shown("s3cret"), &customer, THERE).await, "others go on");
        advance(COUNTS).await;
        assert!(is_right(&verifier, shown("s3cret"), &customer, HERE).await);
    }

    #[tokio::test(start_paused = true)]
    async fn many_addresses_that_guess_at_one_account_do_not_lock_its_customer_out() {
        let (verifier, expected) = (Verifier::new([7; 64]), expected("acme"));
        for number in 0..MOST_OF_ACCOUNT {
            guess(&verifier, &expected, address(number)).await;
        }
        assert!(!is_right(&verifier, shown("s3cret"), &expected, address(0)).await, "it had its one try");
        for from in [HERE, THERE, address(MOST_OF_ACCOUNT)] {
            assert!(is_right(&verifier, shown("s3cret"), &expected, from).await);
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn tries_at_the_same_time_are_no_more_tries() {
        let (verifier, expected) = (Arc::new(Verifier::new([7; 64])), expected("acme"));
        let mut guesses = tokio::task::JoinSet::new();
        for number in 0..100 {
            let (verifier, expected) = (Arc::clone(&verifier), expected.clone());
            let guess = shown(if number == 99 { "s3cret" } else { "guess" });
            guesses.spawn(async move { is_right(&verifier, guess, &expected, HERE).await });
        }
        guesses.join_all().await;
        let wrong = verifier.tries.wrong(Who::Pair(&expected.password_hash, HERE));
        assert!(wrong <= MOST_WRONG + 1, "{wrong} were verified");
    }

    #[tokio::test(start_paused = true)]
    async fn a_wrong_user_name_is_checked_like_a_wrong_password() {
        for (username, password) in [("acme", "guess"), ("nobody", "guess"), ("nobody", "s3cret")] {
            let (verifier, expected) = (Arc::new(Verifier::new([7; 64])), expected("acme"));
            assert!(is_right(&verifier, shown("s3cret"), &expected, HERE).await);
            let held = [0; VASPS_AT_A_TIME].map(|_| verifier.vasps.turns.one_now("held".to_owned()).unwrap());
            let guess = Basic { username: username.to_owned(), password: password.to_owned() };
            let judging = {
                let (verifier, expected) = (Arc::clone(&verifier), expected.clone());
                tokio::spawn(async move { is_right(&verifier, Some(guess), &expected, THERE).await })
            };
            sleep(Duration::from_secs(1)).await;
            assert!(!judging.is_finished(), "{username}: it was judged without a check");
            drop(held);
            assert!(!judging.await.unwrap());
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn one_accounts_guessers_do_not_hold_up_another_account() {
        let verifier = Arc::new(Verifier::new([7; 64]));
        let (attacked, other) = (expected("acme"), expected("acme"));
        let held = [0; VASPS_AT_A_TIME].map(|_| verifier.vasps.turns.one_now("held".to_owned()).unwrap());
        let mut guesses = tokio::task::JoinSet::new();
        for number in 0..500 {
            let (verifier, expected) = (Arc::clone(&verifier), attacked.clone());
            guesses.spawn(async move {
                verifier.judge(shown(&number.to_string()), &expected, address(number), At::Vasps).await
            });
        }
        // The line of this account is full: the rest is told to come again, and it was no try.
        while guesses.len() > 32 {
            assert_eq!(guesses.join_next().await.unwrap().unwrap(), PasswordVerdict::NoTurn);
        }
        assert_eq!(verifier.tries.wrong(Who::Account(&attacked.password_hash)), 0);
        drop(held);
        assert!(is_right(&verifier, shown("s3cret"), &other, HERE).await);
        // And carriers do not wait in this line at all.
        assert_eq!(
            verifier.judge(shown("s3cret"), &attacked, THERE, At::Carriers).await,
            PasswordVerdict::Right
        );
    }

    #[tokio::test]
    async fn many_right_ones_at_the_same_time_are_all_right() {
        let (verifier, expected) = (Arc::new(Verifier::new([7; 64])), expected("acme"));
        let mut shows = tokio::task::JoinSet::new();
        for _ in 0..64 {
            let (verifier, expected) = (Arc::clone(&verifier), expected.clone());
            shows.spawn(async move { is_right(&verifier, shown("s3cret"), &expected, HERE).await });
        }
        assert!(shows.join_all().await.into_iter().all(|right| right));
    }

    #[tokio::test(start_paused = true)]
    async fn a_network_of_ipv6_is_one_guesser() {
        let (verifier, expected) = (Verifier::new([7; 64]), expected("acme"));
        let host = |host: u128| IpAddr::V6(Ipv6Addr::from_bits((0x2001_0db8 << 96) + host));
        for number in 0..MOST_WRONG {
            guess(&verifier, &expected, host(number.into())).await;
        }
        assert!(!is_right(&verifier, shown("s3cret"), &expected, host(77)).await);
        assert!(is_right(&verifier, shown("s3cret"), &expected, host(1 << 64)).await);
    }

    #[tokio::test(start_paused = true)]
    async fn the_token_is_guarded_in_the_same_way() {
        use posthouse_core::provisioning::tree::ValueSource;
        let verifier = Verifier::new([7; 64]);
        let token = Secret::new("hush".to_owned(), ValueSource::Inline);
        assert!(!verifier.is_token(&token, None, HERE).await);
        assert!(verifier.is_token(&token, Some("hush"), HERE).await);
        for _ in 0..MOST_WRONG {
            assert!(!verifier.is_token(&token, Some("guess"), HERE).await);
        }
        assert!(!verifier.is_token(&token, Some("hush"), HERE).await);
        assert!(verifier.is_token(&token, Some("hush"), THERE).await);
    }
}
