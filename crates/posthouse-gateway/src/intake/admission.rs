//! Lets requests in at the rate that each account may send.

use std::{collections::HashMap, num::NonZeroU32, sync::Arc};

use governor::{
    DefaultDirectRateLimiter, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
};
use posthouse_core::{
    account::{Account, AccountName, Throughput},
    lock::Mutex,
    submit::Admission,
};

struct Bucket {
    throughput: Throughput,
    limiter: DefaultDirectRateLimiter,
}

/// A bucket for each account that has a throughput. Accounts are provisioned, so their number is bounded.
#[derive(Default)]
pub struct Admissions {
    buckets: Mutex<HashMap<AccountName, Arc<Bucket>>>,
    clock: DefaultClock,
}

impl Admissions {
    /// Takes one request out of the account's bucket.
    pub fn admit(&self, account: Option<&Arc<Account>>) -> Admission {
        let Some((name, throughput)) = account.and_then(|account| Some((&account.name, account.throughput?)))
        else {
            return Admission::In;
        };
        match self.bucket(name, throughput).limiter.check() {
            Ok(()) => Admission::In,
            Err(later) => Admission::Later { retry_after: later.wait_time_from(self.clock.now()) },
        }
    }

    /// The account's bucket; a full one when its throughput was changed.
    fn bucket(&self, name: &AccountName, throughput: Throughput) -> Arc<Bucket> {
        let mut buckets = self.buckets.lock();
        match buckets.get(name) {
            Some(bucket) if bucket.throughput == throughput => Arc::clone(bucket),
            _ => {
                let bucket = Arc::new(Bucket { throughput, limiter: RateLimiter::direct(quota(throughput)) });
                buckets.insert(name.clone(), Arc::clone(&bucket));
                bucket
            }
        }
    }
}

fn quota(throughput: Throughput) -> Quota {
    let at_least_one = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
    Quota::per_second(at_least_one(throughput.per_second)).allow_burst(at_least_one(throughput.burst))
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
}
