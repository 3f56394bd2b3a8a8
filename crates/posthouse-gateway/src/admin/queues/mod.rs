//! How much waits where, since when, and why it is not sent faster.

pub mod list;
mod says;

use std::sync::Arc;

use posthouse_api::ConnectionPace;
use posthouse_core::pace::PaceState;

use crate::carrier::links::Link;

pub(super) use self::says::took;

/// How a connection is used.
fn connection(link: &Arc<Link>) -> ConnectionPace {
    let pace = link.pace_state();
    let PaceState { in_flight, window, per_second, answer_time, usual_time, slowed } = pace;
    let (suspended, limited) = super::connections::views(&link.overrides());
    ConnectionPace {
        name: link.connection().name.clone(),
        state: link.standing(&pace).to_owned(),
        in_flight,
        window: window.0,
        window_limit: window.1,
        per_second: per_second.0,
        per_second_limit: per_second.1,
        answer_seconds: answer_time.map(|time| time.as_secs_f64()),
        usual_seconds: usual_time.map(|time| time.as_secs_f64()),
        failed: link.failure(),
        why: slowed.map(|why| why.as_str().to_owned()),
        suspended,
        limited,
    }
}
