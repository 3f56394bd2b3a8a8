//! A queue that is out of the ordinary, in a sentence.

use jiff::Timestamp;
use posthouse_api::{CarrierQueue, ConnectionPace};

/// From this age on, in seconds, a queue is worth a sentence though its connections serve.
const OLD: f64 = 300.0;

/// What an operator should know of a queue; `None` when all is as usual.
pub(super) fn says(queue: &CarrierQueue) -> Option<String> {
    let is_old = queue.oldest_seconds.is_some_and(|age| age >= OLD);
    let (left_alone, suspended) = (in_state(queue, "left_alone"), in_state(queue, "suspended"));
    let is_unused = left_alone.len() + suspended.len() == queue.connections.len();
    let what = if let Some(held) = held_back(&suspended) {
        let nothing = if is_unused { ": no connection serves" } else { "" };
        format!("is not used over {held}{nothing}")
    } else if !left_alone.is_empty() && is_unused {
        format!("is not used: no connection serves{}", failures(&left_alone))
    } else if let Some(worst) = slowest(&in_state(queue, "throttled")) {
        slow(worst, queue)
    } else if !left_alone.is_empty() {
        let names: Vec<&str> = left_alone.iter().map(|one| &*one.name).collect();
        format!("is not used over {}, which failed{}", names.join(", "), failures(&left_alone))
    } else if let Some(limited) = limited(queue).filter(|_| is_old) {
        format!("takes less than comes in: {limited}")
    } else if is_old {
        "takes less than comes in".to_owned()
    } else {
        return None;
    };
    Some(format!("{} {what}{}{}", queue.carrier, waits(queue), parked(queue)))
}

/// What connections failed with, as far as it is known.
fn failures(left_alone: &[&ConnectionPace]) -> String {
    let each = left_alone.iter().filter_map(|one| Some(format!("{}: {}", one.name, one.failed.as_ref()?)));
    let each: Vec<_> = each.collect();
    if each.is_empty() { String::new() } else { format!(" ({})", each.join("; ")) }
}

/// What may have arrived does not wait, and is not to be forgotten.
fn parked(queue: &CarrierQueue) -> String {
    match queue.parked {
        0 => String::new(),
        1 => ", 1 is parked".to_owned(),
        many => format!(", {many} are parked"),
    }
}

/// The connections that operators suspended, with who did it, why, and till when.
fn held_back(suspended: &[&ConnectionPace]) -> Option<String> {
    let each = suspended.iter().map(|one| {
        let told = one.suspended.as_ref().map(|told| {
            let until = told.until.map(|until| format!(" until {}", seconds(until))).unwrap_or_default();
            let reason = if told.reason.is_empty() { String::new() } else { format!(" ({})", told.reason) };
            format!(" by {}{until}{reason}", told.by)
        });
        format!("{}, suspended{}", one.name, told.unwrap_or_default())
    });
    let each: Vec<_> = each.collect();
    (!each.is_empty()).then(|| each.join(" and "))
}

/// The connections that operators limited.
fn limited(queue: &CarrierQueue) -> Option<String> {
    let each = queue.connections.iter().filter_map(|one| {
        let limit = one.limited.as_ref()?;
        let until = limit.until.map(|until| format!(" until {}", seconds(until))).unwrap_or_default();
        Some(format!("{} is limited by {}{until}", one.name, limit.by))
    });
    let each: Vec<_> = each.collect();
    (!each.is_empty()).then(|| each.join(" and "))
}

fn seconds(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
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
    let is_idle = queue.is_idle();
    let why = match (worst.why.as_deref(), is_idle) {
        (Some("busy"), false) => "says that it has too much to do, and answers",
        (Some("silent"), false) => "leaves requests without an answer, and else answers",
        (_, false) => "answers",
        (Some("busy"), true) => "said last that it has too much to do, and answered",
        (Some("silent"), true) => "left the last requests without an answer, and else answered",
        (_, true) => "answered",
    };
    let time = worst.answer_seconds.map(|time| format!(" in {}", took(time))).unwrap_or_default();
    let usual = worst.usual_seconds.map(|usual| match worst.answer_seconds {
        // The unit is said once where it is one.
        Some(now) if now.min(usual) >= IN_MILLISECONDS => format!(" (usually {usual:.1})"),
        _ => format!(" (usually {})", took(usual)),
    });
    let usual = usual.unwrap_or_default();
    let sum = |of: fn(&ConnectionPace) -> u32| queue.connections.iter().map(of).fold(0, u32::saturating_add);
    let (window, most) = (sum(|one| one.window), sum(|one| one.window_limit));
    let rate = worst.per_second.map(|rate| format!(" at {rate:.1} a second")).unwrap_or_default();
    match is_idle {
        true => format!("{why}{time}{usual}: what comes goes {window} at a time{rate}"),
        false => format!("{why}{time}{usual}: {window} of {most} in flight{rate}"),
    }
}

/// Times below this one, in seconds, are said in milliseconds.
const IN_MILLISECONDS: f64 = 0.1;

/// A short time, in the unit that tells most of it.
pub(in crate::admin) fn took(seconds: f64) -> String {
    match seconds {
        ..IN_MILLISECONDS => format!("{:.0} ms", seconds * 1_000.0),
        _ => format!("{seconds:.1} s"),
    }
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
    use posthouse_api::{ConnectionLimit, Suspension};

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
            failed: None,
            suspended: None,
            limited: None,
        }
    }

    fn queue(waiting: u64, oldest: Option<f64>, connections: Vec<ConnectionPace>) -> CarrierQueue {
        CarrierQueue {
            carrier: "31003".to_owned(),
            name: None,
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
    fn answers_take_what_they_take() {
        assert_eq!([0.0034, 0.0996, 0.2, 2.61].map(took), ["3 ms", "100 ms", "0.2 s", "2.6 s"]);
    }

    #[test]
    fn what_is_slow_is_said_with_what_waits() {
        let slow = queue(119, Some(34.2), vec![pace("throttled", Some("slow"))]);
        let told = "31003 answers in 2.6 s (usually 0.2): 1 of 16 in flight, 119 wait, oldest 34 s";
        assert_eq!(says(&slow).as_deref(), Some(told));
        for (now, usual, said) in
            [(0.012, 0.004, "12 ms (usually 4 ms)"), (2.6, 0.004, "2.6 s (usually 4 ms)")]
        {
            let quick = ConnectionPace {
                answer_seconds: Some(now),
                usual_seconds: Some(usual),
                ..pace("throttled", Some("slow"))
            };
            let told = format!("31003 answers in {said}: 1 of 16 in flight, nothing waits");
            assert_eq!(says(&queue(0, None, vec![quick])), Some(told));
        }
        let held =
            ConnectionPace { per_second: Some(4.75), usual_seconds: None, ..pace("throttled", Some("busy")) };
        let told = "31003 says that it has too much to do, and answers in 2.6 s: 1 of 16 in flight at 4.8 a second, 1 waits, oldest 6 min";
        assert_eq!(says(&queue(1, Some(360.0), vec![held])).as_deref(), Some(told));
    }

    #[test]
    fn of_what_has_nothing_to_do_it_is_said_as_it_was() {
        let idle = |why| {
            let pace = ConnectionPace { in_flight: 0, window: 2, ..pace("throttled", Some(why)) };
            says(&queue(0, None, vec![ConnectionPace { usual_seconds: None, ..pace }])).unwrap()
        };
        assert_eq!(
            idle("busy"),
            "31003 said last that it has too much to do, and answered in 2.6 s: what comes goes 2 at a time, nothing waits"
        );
        assert_eq!(
            idle("silent"),
            "31003 left the last requests without an answer, and else answered in 2.6 s: what comes goes 2 at a time, \
             nothing waits"
        );
        assert_eq!(idle("slow"), "31003 answered in 2.6 s: what comes goes 2 at a time, nothing waits");
    }

    #[test]
    fn what_operators_hold_back_is_said_with_who_and_why() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let held = |until, reason: &str| ConnectionPace {
            suspended: Some(Suspension {
                since: at(1),
                until,
                by: "ann".to_owned(),
                reason: reason.to_owned(),
            }),
            ..pace("suspended", None)
        };
        let all = queue(7, Some(90.0), vec![held(Some(at(3600)), "their maintenance")]);
        assert_eq!(
            says(&all).as_deref(),
            Some(
                "31003 is not used over vzw-1, suspended by ann until 1970-01-01T01:00:00Z (their maintenance): \
                 no connection serves, 7 wait, oldest 90 s"
            )
        );
        let one = queue(0, None, vec![held(None, ""), pace("serving", None)]);
        let told = "31003 is not used over vzw-1, suspended by ann, nothing waits";
        assert_eq!(says(&one).as_deref(), Some(told));
        let limit = ConnectionLimit {
            window: Some(1),
            per_second: None,
            since: at(1),
            until: None,
            by: "ann".to_owned(),
            reason: String::new(),
        };
        let limited = ConnectionPace { limited: Some(limit), ..pace("serving", None) };
        let told = "31003 takes less than comes in: vzw-1 is limited by ann, 2 wait, oldest 5 min";
        assert_eq!(says(&queue(2, Some(301.0), vec![limited.clone()])).as_deref(), Some(told));
        assert_eq!(says(&queue(2, Some(20.0), vec![limited])), None);
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
        let failed = |words: &str| ConnectionPace {
            failed: Some(words.to_owned()),
            ..pace("left_alone", Some("silent"))
        };
        let mute =
            CarrierQueue { parked: 20, ..queue(0, None, vec![failed("no answer: nothing within 10000 ms")]) };
        let told = "31003 is not used: no connection serves (vzw-1: no answer: nothing within 10000 ms), \
                    nothing waits, 20 are parked";
        assert_eq!(says(&mute).as_deref(), Some(told));
        let half = queue(0, None, vec![failed("no connection: refused"), pace("serving", None)]);
        let told =
            "31003 is not used over vzw-1, which failed (vzw-1: no connection: refused), nothing waits";
        assert_eq!(says(&half).as_deref(), Some(told));
        let old = queue(2, Some(301.0), vec![pace("serving", None)]);
        assert_eq!(says(&old).as_deref(), Some("31003 takes less than comes in, 2 wait, oldest 5 min"));
        assert_eq!(says(&queue(2, Some(20.0), vec![pace("serving", None)])), None);
    }
}
