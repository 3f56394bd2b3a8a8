//! Samples of how it is, for charts.

use std::{collections::BTreeMap, sync::Arc};

use posthouse_core::time::Clock;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::{
    carrier::board::LinkBoard,
    telemetry::{
        Metrics,
        series::{STEP, SeriesKind, SeriesName, SeriesRing},
    },
};

/// What was counted when the sample before was taken.
#[derive(Default)]
struct Counted {
    at: Option<Instant>,
    totals: BTreeMap<SeriesName, u64>,
}

impl Counted {
    /// How much more there is now, a second; nothing where it was not looked at before.
    fn rates(&mut self, totals: BTreeMap<SeriesName, u64>, now: Instant) -> Vec<(SeriesName, f64)> {
        let elapsed = self.at.replace(now).map(|then| now.saturating_duration_since(then).as_secs_f64());
        let before = std::mem::replace(&mut self.totals, totals);
        let Some(elapsed) = elapsed.filter(|elapsed| *elapsed > 0.0) else { return Vec::new() };
        let rate = |(name, total): (&SeriesName, &u64)| {
            let more = total.saturating_sub(*before.get(name)?);
            Some((name.clone(), f64::from(u32::try_from(more).unwrap_or(u32::MAX)) / elapsed))
        };
        self.totals.iter().filter_map(rate).collect()
    }
}

/// Takes samples till `stop`. It reads counters and the connections' pace, and asks the store nothing.
pub(crate) async fn take(
    ring: Arc<SeriesRing>,
    metrics: Arc<Metrics>,
    board: Arc<LinkBoard>,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
) {
    let mut ticks = interval(STEP);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut counted = Counted::default();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let (totals, mut sample) = looked_at(&metrics, &board);
        sample.extend(counted.rates(totals, Instant::now()));
        ring.push(clock.now(), sample);
    }
}

fn looked_at(metrics: &Metrics, board: &LinkBoard) -> (BTreeMap<SeriesName, u64>, Vec<(SeriesName, f64)>) {
    let (mut totals, mut sample) = (BTreeMap::new(), Vec::new());
    let of_all = |kind| SeriesName { kind, link: None };
    let (mut forwarded, all) = (0, board.all());
    for (carrier, links) in &all {
        for link in links {
            let of_link =
                |kind| SeriesName { kind, link: Some((carrier.clone(), link.connection().name.clone())) };
            let taken = metrics.taken(carrier, &link.connection().name);
            forwarded += taken;
            totals.insert(of_link(SeriesKind::Forwarded), taken);
            let pace = link.pace_state();
            sample.push((of_link(SeriesKind::Window), f64::from(pace.window.0)));
            sample.extend(pace.answer_time.map(|time| (of_link(SeriesKind::Answer), time.as_secs_f64())));
        }
    }
    totals.insert(of_all(SeriesKind::Accepted), metrics.accepted());
    totals.insert(of_all(SeriesKind::Forwarded), forwarded);
    totals.insert(of_all(SeriesKind::Reported), metrics.reported(all.iter().map(|(carrier, _)| carrier)));
    (totals, sample)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_came_is_told_a_second() {
        let of = |kind| SeriesName { kind, link: None };
        let begin = Instant::now();
        let mut counted = Counted::default();
        let totals = |total| BTreeMap::from([(of(SeriesKind::Accepted), total)]);
        assert_eq!(counted.rates(totals(100), begin), []);
        let rates = counted.rates(totals(150), begin + Duration::from_secs(10));
        assert_eq!(rates, [(of(SeriesKind::Accepted), 5.0)]);
        assert_eq!(
            counted.rates(totals(90), begin + Duration::from_secs(20)),
            [(of(SeriesKind::Accepted), 0.0)]
        );
    }
}
