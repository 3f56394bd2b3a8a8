//! What is to be done about a message next, in words and as JSON.

use jiff::Timestamp;
use posthouse_core::store::NextStep;
use serde_json::{Value, json};

use super::seconds;

/// The units of a wait, with their length in seconds.
const UNITS: [(&str, i64); 4] = [("d", 24 * 60 * 60), ("h", 60 * 60), ("m", 60), ("s", 1)];

/// What is next for a message of so many attempts and with this ExpiryDate, for people.
pub(super) fn in_words(next: NextStep, attempts: u32, expiry: Timestamp, now: Timestamp) -> String {
    let attempt = attempts + 1;
    match next {
        NextStep::Attempt(due) if due >= expiry => {
            format!("it expires, {}: there is no attempt before", when(due, now))
        }
        NextStep::Attempt(due) if due <= now => format!("attempt {attempt}, which is due"),
        NextStep::Attempt(due) => {
            format!("attempt {attempt}, {}, or when a connection that was down serves again", when(due, now))
        }
        NextStep::InHand(_) => format!("attempt {attempt}, as soon as the carrier has room for it"),
        NextStep::UnderWay(until) => {
            format!("how attempt {attempts} ends, {} at the latest", when(until, now))
        }
        NextStep::Reports(until) => {
            format!("the carrier's report; it ends as Indeterminate without one, {}", when(until, now))
        }
    }
}

/// The same for programs.
pub(super) fn as_json(next: Option<NextStep>) -> Value {
    let (what, at) = match next {
        None => return Value::Null,
        Some(NextStep::Attempt(at)) => ("attempt", at),
        Some(NextStep::InHand(at)) => ("in_hand", at),
        Some(NextStep::UnderWay(at)) => ("under_way", at),
        Some(NextStep::Reports(at)) => ("reports", at),
    };
    json!({"what": what, "at": at.to_string()})
}

/// A time, and how far ahead it lies, in its two longest units.
fn when(time: Timestamp, now: Timestamp) -> String {
    let mut left = time.duration_since(now).as_secs();
    if left <= 0 {
        return format!("{} (now)", seconds(time));
    }
    let mut parts = Vec::new();
    for (unit, length) in UNITS {
        if left >= length {
            parts.push(format!("{}{unit}", left / length));
            left %= length;
        }
    }
    parts.truncate(2);
    format!("{} (in {})", seconds(time), parts.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many seconds after 2026-09-21T14:13:20Z.
    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + seconds).unwrap()
    }

    #[test]
    fn each_is_told_in_words() {
        let expiry = at(3 * 86_400);
        for (next, expected) in [
            (NextStep::Attempt(at(0)), "attempt 4, which is due"),
            (
                NextStep::Attempt(at(590)),
                "attempt 4, 2026-09-21 14:23:10Z (in 9m 50s), or when a connection that was down serves again",
            ),
            (
                NextStep::Attempt(expiry),
                "it expires, 2026-09-24 14:13:20Z (in 3d): there is no attempt before",
            ),
            (NextStep::InHand(at(30)), "attempt 4, as soon as the carrier has room for it"),
            (NextStep::UnderWay(at(30)), "how attempt 3 ends, 2026-09-21 14:13:50Z (in 30s) at the latest"),
            (
                NextStep::Reports(at(72 * 3600 - 1)),
                "the carrier's report; it ends as Indeterminate without one, 2026-09-24 14:13:19Z (in 2d 23h)",
            ),
            (
                NextStep::Reports(at(-1)),
                "the carrier's report; it ends as Indeterminate without one, 2026-09-21 14:13:19Z (now)",
            ),
        ] {
            assert_eq!(in_words(next, 3, expiry, at(0)), expected);
        }
    }

    #[test]
    fn each_is_told_to_programs() {
        assert_eq!(as_json(None), Value::Null);
        let told = as_json(Some(NextStep::Reports(at(0))));
        assert_eq!(told, json!({"what": "reports", "at": "2026-09-21T14:13:20Z"}));
    }
}
