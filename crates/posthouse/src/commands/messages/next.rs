//! What is to be done about a message next, in words.

use jiff::Timestamp;
use posthouse_api::NextStepView;

use crate::times::seconds;

/// The units of a wait, with their length in seconds.
const UNITS: [(&str, i64); 4] = [("d", 24 * 60 * 60), ("h", 60 * 60), ("m", 60), ("s", 1)];

/// What is next for a message with this number of attempts and this ExpiryDate, for people.
pub(super) fn in_words(next: &NextStepView, attempts: u32, expiry: Timestamp, now: Timestamp) -> String {
    let (attempt, at) = (attempts + 1, next.at);
    match next.what.as_str() {
        "attempt" if at >= expiry => format!("it expires, {}: there is no attempt before", when(at, now)),
        "attempt" if at <= now => format!("attempt {attempt}, which is due"),
        "attempt" => {
            format!("attempt {attempt}, {}, or when a connection that was down serves again", when(at, now))
        }
        "in_hand" => format!("attempt {attempt}, as soon as the carrier has room for it"),
        "under_way" => format!("how attempt {attempts} ends, {} at the latest", when(at, now)),
        "reports" => {
            format!("the carrier's report; it ends as Indeterminate without one, {}", when(at, now))
        }
        // A gateway of a later version.
        other => format!("{other}, {}", when(at, now)),
    }
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

    /// The time this many seconds after 2026-09-21T14:13:20Z.
    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + seconds).unwrap()
    }

    #[test]
    fn each_is_told_in_words() {
        let expiry = at(3 * 86_400);
        for ((what, due), expected) in [
            (("attempt", at(0)), "attempt 4, which is due"),
            (
                ("attempt", at(590)),
                "attempt 4, 2026-09-21 14:23:10Z (in 9m 50s), or when a connection that was down serves again",
            ),
            (("attempt", expiry), "it expires, 2026-09-24 14:13:20Z (in 3d): there is no attempt before"),
            (("in_hand", at(30)), "attempt 4, as soon as the carrier has room for it"),
            (("under_way", at(30)), "how attempt 3 ends, 2026-09-21 14:13:50Z (in 30s) at the latest"),
            (
                ("reports", at(72 * 3600 - 1)),
                "the carrier's report; it ends as Indeterminate without one, 2026-09-24 14:13:19Z (in 2d 23h)",
            ),
            (
                ("reports", at(-1)),
                "the carrier's report; it ends as Indeterminate without one, 2026-09-21 14:13:19Z (now)",
            ),
        ] {
            let next = NextStepView { what: what.to_owned(), at: due };
            assert_eq!(in_words(&next, 3, expiry, at(0)), expected);
        }
    }
}
