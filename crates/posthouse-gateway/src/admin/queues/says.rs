//! A queue that is out of the ordinary, in a sentence.

use posthouse_api::{CarrierQueue, ConnectionPace};

/// From this age on, in seconds, a queue is worth a sentence though its connections serve.
const OLD: f64 = 300.0;

/// What an operator should know of a queue; `None` when all is as usual.
pub(super) fn says(queue: &CarrierQueue) -> Option<String> {
    let is_old = queue.oldest_seconds.is_some_and(|age| age >= OLD);
    let left_alone = in_state(queue, "left_alone");
    let what = if !left_alone.is_empty() && left_alone.len() == queue.connections.len() {
        "is not used: no connection serves".to_owned()
    } else if let Some(worst) = slowest(&in_state(queue, "throttled")) {
        slow(worst, queue)
    } else if !left_alone.is_empty() {
        let names: Vec<&str> = left_alone.iter().map(|one| &*one.name).collect();
        format!("is not used over {}, which failed", names.join(", "))
    } else if is_old {
        "takes less than comes in".to_owned()
    } else {
        return None;
    };
    Some(format!("{} {what}{}", queue.carrier, waits(queue)))
}

fn in_state<'a>(queue: &'a CarrierQueue, state: &str) -> Vec<&'a ConnectionPace> {
    queue.connections.iter().filter(|connection| connection.state == state).collect()
}

/// The one whose answers take the longest.
fn slowest<'a>(connections: &[&'a ConnectionPace]) -> Option<&'a ConnectionPace> {
    let time = |connection: &ConnectionPace| connection.answer_seconds.unwrap_or_default();
    connections.iter().copied().max_by(|one, other| time(one).total_cmp(&time(other)))
}

fn slow(worst: &ConnectionPace, queue: &CarrierQueue) -> String {
    let why = match worst.why.as_deref() {
        Some("busy") => "says that it has too much to do, and answers",
        Some("silent") => "leaves requests without an answer, and else answers",
        _ => "answers",
    };
    let time = worst.answer_seconds.map(|time| format!(" in {time:.1} s")).unwrap_or_default();
    let usual = worst.usual_seconds.map(|time| format!(" (usually {time:.1})")).unwrap_or_default();
    let sum = |of: fn(&ConnectionPace) -> u32| queue.connections.iter().map(of).fold(0, u32::saturating_add);
    let (window, most) = (sum(|one| one.window), sum(|one| one.window_limit));
    let rate = worst.per_second.map(|rate| format!(" at {rate:.1} a second")).unwrap_or_default();
    format!("{why}{time}{usual}: {window} of {most} in flight{rate}")
}

fn waits(queue: &CarrierQueue) -> String {
    let waiting = match queue.waiting {
        0 => return ", nothing waits".to_owned(),
        1 => ", 1 waits".to_owned(),
        many => format!(", {many} wait"),
    };
    let oldest = queue.oldest_seconds.map(|age| format!(", oldest {}", spoken(age))).unwrap_or_default();
    format!("{waiting}{oldest}")
}

/// An age, in the unit that one would say it in.
fn spoken(seconds: f64) -> String {
    match seconds {
        ..120.0 => format!("{seconds:.0} s"),
        ..7200.0 => format!("{:.0} min", seconds / 60.0),
        _ => format!("{:.1} h", seconds / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(state: &str, why: Option<&str>) -> ConnectionPace {
        ConnectionPace {
            name: "vzw-1".to_owned(),
            state: state.to_owned(),
            in_flight: 1,
            window: 1,
            window_limit: 16,
            per_second: None,
            per_second_limit: None,
            answer_seconds: Some(2.61),
            usual_seconds: Some(0.2),
            why: why.map(str::to_owned),
        }
    }

    fn queue(waiting: u64, oldest: Option<f64>, connections: Vec<ConnectionPace>) -> CarrierQueue {
        CarrierQueue {
            carrier: "31003".to_owned(),
            waiting,
            oldest_seconds: oldest,
            due: 0,
            sending: 0,
            parked: 0,
            at_carrier: 0,
            overdue: 0,
            unmatched_reports: 0,
            connections,
            accounts: Vec::new(),
            says: None,
        }
    }

    #[test]
    fn what_is_slow_is_said_with_what_waits() {
        let slow = queue(119, Some(34.2), vec![pace("throttled", Some("slow"))]);
        let told = "31003 answers in 2.6 s (usually 0.2): 1 of 16 in flight, 119 wait, oldest 34 s";
        assert_eq!(says(&slow).as_deref(), Some(told));
        let held =
            ConnectionPace { per_second: Some(4.75), usual_seconds: None, ..pace("throttled", Some("busy")) };
        let told = "31003 says that it has too much to do, and answers in 2.6 s: 1 of 16 in flight at 4.8 a second, 1 waits, oldest 6 min";
        assert_eq!(says(&queue(1, Some(360.0), vec![held])).as_deref(), Some(told));
    }

    #[test]
    fn what_is_down_or_old_is_said_and_the_usual_is_not() {
        let down = queue(7, Some(9000.0), vec![pace("left_alone", None)]);
        assert_eq!(
            says(&down).as_deref(),
            Some("31003 is not used: no connection serves, 7 wait, oldest 2.5 h")
        );
        let one_down = queue(0, None, vec![pace("left_alone", None), pace("serving", None)]);
        assert_eq!(
            says(&one_down).as_deref(),
            Some("31003 is not used over vzw-1, which failed, nothing waits")
        );
        let old = queue(2, Some(301.0), vec![pace("serving", None)]);
        assert_eq!(says(&old).as_deref(), Some("31003 takes less than comes in, 2 wait, oldest 5 min"));
        assert_eq!(says(&queue(2, Some(20.0), vec![pace("serving", None)])), None);
    }
}
