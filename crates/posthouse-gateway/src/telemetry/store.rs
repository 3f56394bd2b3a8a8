//! What the store has measured of itself, as metrics.

use std::{fmt, time::Duration};

use posthouse_core::store::{Distribution, StoreStatistics};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeGaugeValue, EncodeMetric, MetricEncoder, NoLabelSet},
    metrics::{MetricType, counter::ConstCounter},
    registry::Unit,
};

/// The store at the moment of a scrape. It is asked then, and not told about each write.
#[derive(Debug)]
pub(crate) struct StoreSample {
    /// What the store counts.
    pub(crate) statistics: StoreStatistics,
    /// How long ago the oldest of what is due became due; zero when nothing is, `None` where the store does not say.
    pub(crate) oldest_due_age: Option<Duration>,
}

impl Collector for StoreSample {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let StoreStatistics { commit_time, group_size, queued, free_bytes, .. } = &self.statistics;
        let help = "Time that it took to put a group of transactions on disk";
        distribution(&mut encoder, ("store_commit_time", help, Some(&Unit::Seconds)), commit_time)?;
        distribution(&mut encoder, ("store_commit_duration", help, Some(&Unit::Seconds)), commit_time)?;
        let help = "Transactions that were put on disk together";
        distribution(&mut encoder, ("store_group_size", help, None), group_size)?;
        distribution(&mut encoder, ("store_group_jobs", help, None), group_size)?;
        self.transactions(&mut encoder)?;
        let help = "Transactions that wait for the store's writer or are being written";
        gauge(&mut encoder, ("store_queued", help, None), queued)?;
        if let Some(free) = free_bytes {
            let help = "Free disk space where the database and media lie, whichever has less";
            gauge(&mut encoder, ("store_free", help, Some(&Unit::Bytes)), free)?;
        }
        if let Some(age) = self.oldest_due_age {
            let help = "How long the oldest message, timer or callback that is due has been due";
            gauge(&mut encoder, ("store_oldest_due_age", help, Some(&Unit::Seconds)), &age.as_secs_f64())?;
        }
        Ok(())
    }
}

impl StoreSample {
    fn transactions(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let help = "Writing transactions of the store, by name and outcome";
        let mut metric = encoder.encode_descriptor("store_transactions", help, None, MetricType::Counter)?;
        for count in &self.statistics.transactions {
            for (outcome, times) in [("done", count.done), ("failed", count.failed)] {
                let labels = [("transaction", count.name), ("outcome", outcome)];
                ConstCounter::new(times).encode(metric.encode_family(&labels)?)?;
            }
        }
        self.longest(encoder)
    }

    fn longest(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let all = self.statistics.transactions.iter();
        let mut known = all.filter_map(|count| Some((count.name, count.longest?))).peekable();
        if known.peek().is_none() {
            return Ok(());
        }
        let help = "Longest time since the start that one writing transaction kept all others waiting, without the commit that it shared";
        let described = ("store_transaction_longest", help, Some(&Unit::Seconds));
        let mut metric = self::described(encoder, described, MetricType::Gauge)?;
        for (name, longest) in known {
            let labels = [("transaction", name)];
            metric.encode_family(&labels)?.encode_gauge(&longest.as_secs_f64())?;
        }
        Ok(())
    }
}

/// A metric's name without prefix and unit, its help, and its unit.
type Described<'a> = (&'a str, &'a str, Option<&'a Unit>);

pub(super) fn described<'e>(
    encoder: &'e mut DescriptorEncoder<'_>,
    (name, help, unit): Described<'e>,
    kind: MetricType,
) -> Result<MetricEncoder<'e>, fmt::Error> {
    encoder.encode_descriptor(name, help, unit, kind)
}

fn distribution(
    encoder: &mut DescriptorEncoder<'_>,
    metric: Described<'_>,
    values: &Distribution,
) -> Result<(), fmt::Error> {
    distribution_of(described(encoder, metric, MetricType::Histogram)?, values)
}

/// A histogram whose labels were given.
pub(super) fn distribution_of(
    mut metric: MetricEncoder<'_>,
    values: &Distribution,
) -> Result<(), fmt::Error> {
    metric.encode_histogram::<NoLabelSet>(values.sum, values.count(), &values.buckets, None)
}

fn gauge(
    encoder: &mut DescriptorEncoder<'_>,
    metric: Described<'_>,
    value: &impl EncodeGaugeValue,
) -> Result<(), fmt::Error> {
    described(encoder, metric, MetricType::Gauge)?.encode_gauge(value)
}

#[cfg(test)]
mod tests {
    use posthouse_core::store::TransactionCount;
    use prometheus_client::{encoding::text::encode, registry::Registry};

    use super::*;

    #[test]
    fn everything_that_is_known_is_told() {
        let statistics = StoreStatistics {
            commit_time: Distribution { sum: 0.5, buckets: vec![(0.25, 1), (f64::INFINITY, 1)] },
            group_size: Distribution { sum: 3.0, buckets: vec![(1.0, 1), (f64::INFINITY, 1)] },
            transactions: vec![TransactionCount {
                name: "settle",
                done: 2,
                failed: 1,
                longest: Some(Duration::from_millis(40)),
            }],
            queued: 4,
            free_bytes: Some(1 << 30),
        };
        let sample = StoreSample { statistics, oldest_due_age: Some(Duration::from_millis(1500)) };
        let mut registry = Registry::with_prefix("posthouse");
        registry.register_collector(Box::new(sample));
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        let samples: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(
            samples,
            [
                "posthouse_store_commit_time_seconds_sum 0.5",
                "posthouse_store_commit_time_seconds_count 2",
                "posthouse_store_commit_time_seconds_bucket{le=\"0.25\"} 1",
                "posthouse_store_commit_time_seconds_bucket{le=\"+Inf\"} 2",
                "posthouse_store_commit_duration_seconds_sum 0.5",
                "posthouse_store_commit_duration_seconds_count 2",
                "posthouse_store_commit_duration_seconds_bucket{le=\"0.25\"} 1",
                "posthouse_store_commit_duration_seconds_bucket{le=\"+Inf\"} 2",
                "posthouse_store_group_size_sum 3.0",
                "posthouse_store_group_size_count 2",
                "posthouse_store_group_size_bucket{le=\"1.0\"} 1",
                "posthouse_store_group_size_bucket{le=\"+Inf\"} 2",
                "posthouse_store_group_jobs_sum 3.0",
                "posthouse_store_group_jobs_count 2",
                "posthouse_store_group_jobs_bucket{le=\"1.0\"} 1",
                "posthouse_store_group_jobs_bucket{le=\"+Inf\"} 2",
                "posthouse_store_transactions_total{transaction=\"settle\",outcome=\"done\"} 2",
                "posthouse_store_transactions_total{transaction=\"settle\",outcome=\"failed\"} 1",
                "posthouse_store_transaction_longest_seconds{transaction=\"settle\"} 0.04",
                "posthouse_store_queued 4",
                "posthouse_store_free_bytes 1073741824",
                "posthouse_store_oldest_due_age_seconds 1.5",
            ]
        );
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        let sample = StoreSample { statistics: StoreStatistics::default(), oldest_due_age: None };
        let mut registry = Registry::default();
        registry.register_collector(Box::new(sample));
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        assert!(!text.contains("store_free") && !text.contains("store_oldest_due_age"), "{text}");
    }
}
