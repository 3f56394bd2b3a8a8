//! Lets requests in at the rate that each account may send.

use std::{
    collections::{BTreeMap, HashMap},
    num::NonZeroU32,
    sync::Arc,
    time::Duration,
};

use governor::{
    DefaultDirectRateLimiter, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
};
use posthouse_core::{
    account::{Account, AccountName, Throughput},
    division::{Amount, FLOOR},
    divisions::LimitClaim,
    lock::Mutex,
    submit::Admission,
};
use tokio::{sync::Notify, time::Instant};

/// What a request costs where a node has all of a throughput, on a gateway that may have only a part of it.
const COST: u32 = 100;
/// Parts of throughputs are in thousandths of a request a second.
const THOUSANDTHS: Amount = 1000;
/// An account that sent more than its floor is asked for so long after.
const ASKED_FOR: Duration = Duration::from_secs(10);
/// For so many accounts at most; others have their floor.
const MOST_ASKED: usize = 1000;

struct Bucket {
    throughput: Throughput,
    limiter: DefaultDirectRateLimiter,
}

/// A bucket for each account that has a throughput. Accounts are provisioned, so their number is bounded.
#[derive(Default)]
pub struct Admissions {
    buckets: Mutex<HashMap<AccountName, Arc<Bucket>>>,
    clock: DefaultClock,
    /// `None`: all of each throughput is this node's.
    parts: Option<Mutex<Parts>>,
    /// Rung when an account has less than it wants.
    short: Notify,
}

/// This node's parts of throughputs.
struct Parts {
    /// How many nodes there are: each has an even part of one part in [`FLOOR`], unasked.
    nodes: Amount,
    /// Of the rest, in thousandths of a request a second, till then.
    given: HashMap<AccountName, Amount>,
    until: Instant,
    used: HashMap<AccountName, Use>,
}

/// How an account sent since that was last asked.
struct Use {
    per_second: u32,
    admitted: u64,
    is_short: bool,
    asked_until: Instant,
}

impl Parts {
    fn new() -> Self {
        Self { nodes: 1, given: HashMap::new(), until: Instant::now(), used: HashMap::new() }
    }

    /// What this node has of an account's throughput, in thousandths.
    fn of(&self, account: &AccountName, per_second: u32, now: Instant) -> Amount {
        let given = self.given.get(account).filter(|_| now < self.until);
        self.floor(per_second) + given.copied().unwrap_or(0)
    }

    fn floor(&self, per_second: u32) -> Amount {
        Amount::from(per_second) * THOUSANDTHS / FLOOR / self.nodes
    }

    /// Notes that a request came. Returns whether the account begins to run short by it.
    fn note(&mut self, account: &AccountName, per_second: u32, is_in: bool) -> bool {
        let now = Instant::now();
        let new = || Use { per_second, admitted: 0, is_short: false, asked_until: now };
        let used = self.used.entry(account.clone()).or_insert_with(new);
        used.per_second = per_second;
        used.admitted += u64::from(is_in);
        !is_in && !std::mem::replace(&mut used.is_short, true)
    }
}

impl Admissions {
    /// Of a node that has a part of each throughput, and is told which.
    pub fn divided() -> Self {
        Self { parts: Some(Mutex::new(Parts::new())), ..Self::default() }
    }

    /// Takes one request out of the account's bucket.
    pub fn admit(&self, account: Option<&Arc<Account>>) -> Admission {
        let Some((name, throughput)) = account.and_then(|account| Some((&account.name, account.throughput?)))
        else {
            return Admission::In;
        };
        self.take(name, throughput)
    }

    fn take(&self, name: &AccountName, throughput: Throughput) -> Admission {
        let bucket = self.bucket(name, throughput);
        let Some(parts) = &self.parts else {
            return match bucket.limiter.check() {
                Ok(()) => Admission::In,
                Err(later) => Admission::Later { retry_after: later.wait_time_from(self.clock.now()) },
            };
        };
        let mut parts = parts.lock();
        let cost = cost(throughput, parts.of(name, throughput.per_second, Instant::now()));
        let refused = match bucket.limiter.check_n(cost) {
            Ok(Ok(())) => None,
            Ok(Err(later)) => Some(later.wait_time_from(self.clock.now())),
            // The cost is at most what the bucket holds.
            Err(_) => Some(Duration::from_secs(1)),
        };
        if parts.note(name, throughput.per_second, refused.is_none()) {
            self.short.notify_one();
        }
        refused.map_or(Admission::In, |retry_after| Admission::Later { retry_after })
    }

    /// Waits till an account has less than it wants.
    pub(crate) async fn runs_short(&self) {
        self.short.notified().await;
    }

    /// What this node wants for accounts that send more than what they have unasked; asked about once a second.
    pub(crate) fn claims(&self) -> BTreeMap<AccountName, LimitClaim> {
        let Some(parts) = &self.parts else { return BTreeMap::new() };
        let (mut parts, now) = (parts.lock(), Instant::now());
        let mut used = std::mem::take(&mut parts.used);
        used.retain(|_, used| {
            let floor = parts.floor(used.per_second);
            if used.is_short || used.admitted * THOUSANDTHS > floor / 2 {
                used.asked_until = now + ASKED_FOR;
            }
            now < used.asked_until
        });
        let claim = |used: &Use| {
            // What is not the floors' is divided.
            let total = Amount::from(used.per_second) * THOUSANDTHS * (FLOOR - 1) / FLOOR;
            let beyond = (used.admitted * THOUSANDTHS).saturating_sub(parts.floor(used.per_second));
            let wanted = if used.is_short { total } else { beyond.min(total) };
            LimitClaim { total, wanted, in_use: 0 }
        };
        let claims =
            used.iter().take(MOST_ASKED).map(|(account, used)| (account.clone(), claim(used))).collect();
        used.values_mut().for_each(|used| (used.admitted, used.is_short) = (0, false));
        parts.used = used;
        claims
    }

    /// The accounts that were asked for.
    pub(crate) fn asked(&self) -> Vec<AccountName> {
        self.parts.as_ref().map(|parts| parts.lock().used.keys().cloned().collect()).unwrap_or_default()
    }

    /// What this node has, of so many: for these accounts so many thousandths of a request a second beyond its floor, till then.
    pub(crate) fn give(&self, nodes: usize, given: HashMap<AccountName, Amount>, until: Instant) {
        if let Some(parts) = &self.parts {
            let mut parts = parts.lock();
            parts.nodes = u64::try_from(nodes.max(1)).unwrap_or(1);
            (parts.given, parts.until) = (given, until);
        }
    }

    /// The account's bucket; a full one when its throughput was changed.
    fn bucket(&self, name: &AccountName, throughput: Throughput) -> Arc<Bucket> {
        let mut buckets = self.buckets.lock();
        match buckets.get(name) {
            Some(bucket) if bucket.throughput == throughput => Arc::clone(bucket),
            _ => {
                let scale = if self.parts.is_some() { COST } else { 1 };
                let limiter = RateLimiter::direct(quota(throughput, scale));
                let bucket = Arc::new(Bucket { throughput, limiter });
                buckets.insert(name.clone(), Arc::clone(&bucket));
                bucket
            }
        }
    }
}

/// What a request costs where this node has so much of a throughput: the less, the more. At most all that the bucket holds.
fn cost(throughput: Throughput, part: Amount) -> NonZeroU32 {
    let whole = Amount::from(throughput.per_second.max(1)) * THOUSANDTHS;
    let cost = (u128::from(COST) * u128::from(whole)).div_ceil(u128::from(part.max(1)));
    let most = scaled(throughput.burst, COST);
    u32::try_from(cost).ok().and_then(NonZeroU32::new).map_or(most, |cost| cost.min(most))
}

fn scaled(number: u32, scale: u32) -> NonZeroU32 {
    NonZeroU32::new(number.max(1).saturating_mul(scale)).unwrap_or(NonZeroU32::MIN)
}

fn quota(throughput: Throughput, scale: u32) -> Quota {
    Quota::per_second(scaled(throughput.per_second, scale)).allow_burst(scaled(throughput.burst, scale))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_goes_in_and_what_follows_is_told_when() {
        let admissions = Admissions::default();
        let throughput = Throughput { per_second: 1, burst: 3 };
        let name = AccountName("acme".to_owned());
        let results: Vec<bool> =
            (0..4).map(|_| admissions.bucket(&name, throughput).limiter.check().is_ok()).collect();
        assert_eq!(results, [true, true, true, false]);
        let changed = Throughput { per_second: 5, burst: 9 };
        assert!(
            admissions.bucket(&name, changed).limiter.check().is_ok(),
            "a changed throughput counts at once"
        );
    }

    const THROUGHPUT: Throughput = Throughput { per_second: 1, burst: 40 };

    fn acme() -> AccountName {
        AccountName("acme".to_owned())
    }

    fn admitted(admissions: &Admissions) -> usize {
        (0..100).filter(|_| admissions.take(&acme(), THROUGHPUT) == Admission::In).count()
    }

    #[tokio::test]
    async fn a_node_lets_in_its_part_of_a_burst() {
        // At most one a second comes again.
        for (nodes, thousandths, expected) in
            [(1, None, 10), (2, None, 5), (4, None, 2), (2, Some(375), 20), (1, Some(750), 40)]
        {
            let admissions = Admissions::divided();
            let given = thousandths.map(|amount| (acme(), amount)).into_iter().collect();
            admissions.give(nodes, given, Instant::now() + Duration::from_secs(60));
            assert_eq!(admitted(&admissions), expected, "{nodes} {thousandths:?}");
        }
    }

    #[tokio::test]
    async fn what_runs_short_is_asked_for() {
        let admissions = Admissions::divided();
        assert_eq!(admissions.claims(), BTreeMap::new());
        admitted(&admissions);
        admissions.runs_short().await;
        let claim = |wanted| BTreeMap::from([(acme(), LimitClaim { total: 750, wanted, in_use: 0 })]);
        assert_eq!(admissions.claims(), claim(750));
        assert_eq!(admissions.claims(), claim(0), "and for a while after");
        let alone = Admissions::default();
        admitted(&alone);
        assert_eq!(alone.claims(), BTreeMap::new(), "who has all asks nobody");
    }
}
