//! How a gateway's store committed, as its metrics tell: how many transactions a group had, and how long the disk took for it.

use std::time::Duration;

use posthouse_api::ApiClient;

/// How long the metrics may take.
const PATIENCE: Duration = Duration::from_secs(10);
const JOBS: &str = "posthouse_store_group_jobs";
const TIME: &str = "posthouse_store_commit_duration_seconds";

/// What the store counted since its gateway started.
#[derive(Clone, Debug, Default)]
pub struct Groups {
    groups: f64,
    jobs: f64,
    /// How many groups took at most so many seconds, ascending; the last bound is infinite.
    took: Vec<(f64, f64)>,
}

/// Reads what the gateway at this admin door counted; `None` when it does not tell, as one of another version may not.
pub async fn groups_at(admin: &str) -> Option<Groups> {
    let answer = ApiClient::new(admin, PATIENCE).get_raw("/metrics").await.ok()?;
    Groups::read(std::str::from_utf8(answer.body()).ok()?)
}

impl Groups {
    fn read(metrics: &str) -> Option<Self> {
        let value = |name: &str| {
            let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
            line.trim().parse::<f64>().ok()
        };
        let bucket = |line: &str| {
            let (bound, count) =
                line.strip_prefix(TIME)?.strip_prefix("_bucket{le=\"")?.split_once("\"} ")?;
            Some((bound.parse().unwrap_or(f64::INFINITY), count.trim().parse().ok()?))
        };
        Some(Self {
            groups: value(&format!("{JOBS}_count"))?,
            jobs: value(&format!("{JOBS}_sum"))?,
            took: metrics.lines().filter_map(bucket).collect(),
        })
    }

    /// What was counted after `before`.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        let earlier = |bound: f64| {
            before.took.iter().find(|(known, _)| *known == bound).map_or(0.0, |(_, count)| *count)
        };
        Self {
            groups: self.groups - before.groups,
            jobs: self.jobs - before.jobs,
            took: self.took.iter().map(|(bound, count)| (*bound, count - earlier(*bound))).collect(),
        }
    }

    /// How many transactions a group had, on average.
    pub fn mean(&self) -> Option<f64> {
        (self.groups > 0.0).then(|| self.jobs / self.groups)
    }

    /// The bound that this many of a thousand commits kept, in milliseconds; `None` when the slowest of them took longer than the
    /// metric tells apart.
    pub fn within_ms(&self, of_a_thousand: f64) -> Option<f64> {
        let all = self.took.last()?.1;
        let kept = self.took.iter().find(|(_, count)| *count >= all * of_a_thousand / 1000.0);
        kept.map(|(bound, _)| bound * 1000.0).filter(|bound| all > 0.0 && bound.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics(fast: u32, slow: u32, jobs: u32) -> String {
        format!(
            "# TYPE {JOBS} histogram\n{JOBS}_sum {jobs}\n{JOBS}_count {all}\n{TIME}_sum 1.0\n\
             {TIME}_bucket{{le=\"0.001\"}} {fast}\n{TIME}_bucket{{le=\"0.25\"}} {all}\n{TIME}_bucket{{le=\"+Inf\"}} {all}\n",
            all = fast + slow,
        )
    }

    #[test]
    fn what_was_counted_meanwhile_is_told() {
        let before = Groups::read(&metrics(10, 90, 200)).unwrap();
        let after = Groups::read(&metrics(1000, 100, 21_000)).unwrap();
        let meanwhile = after.since(&before);
        assert_eq!(meanwhile.mean(), Some(20.8));
        assert_eq!((meanwhile.within_ms(500.0), meanwhile.within_ms(999.0)), (Some(1.0), Some(250.0)));
        assert_eq!(before.since(&before).mean(), None);
        assert_eq!(before.since(&before).within_ms(500.0), None);
    }

    #[test]
    fn a_gateway_that_does_not_tell_is_not_guessed_at() {
        assert!(Groups::read("posthouse_up 1\n").is_none());
    }
}
