//! Requests that may be sent again: one that is sent twice under one key gets the first answer, and nothing is done twice.

use jiff::{SignedDuration, Timestamp};

/// How long a key is remembered.
pub const KEY_KEPT: SignedDuration = SignedDuration::from_hours(24);
/// How long a request may be under way; after that nobody knows what came of it.
pub const UNDER_WAY: SignedDuration = SignedDuration::from_mins(10);
/// The most keys that a store keeps; the oldest go.
pub const MOST_KEYS: usize = 2_000;
/// The most of one principal.
pub const MOST_OWN_KEYS: usize = 500;
/// The longest key, in bytes.
pub const LONGEST_KEY: usize = 255;
/// The longest answer that is kept, in bytes.
pub const LONGEST_ANSWER: usize = 64 << 10;

/// A request under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyedRequest {
    /// By what it is found: a keyed hash of the principal and of the key, in hexadecimal.
    pub hash: String,
    /// Who asks.
    pub principal: String,
    /// What is asked for: a hash of the method, the path, the query and the body, in hexadecimal.
    pub digest: String,
    /// When it came.
    pub at: Timestamp,
}

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptAnswer {
    /// The HTTP status.
    pub status: u16,
    /// Its entity tag.
    pub etag: Option<String>,
    /// The body; `None`: it is told once, or is longer than is kept.
    pub body: Option<String>,
}

/// A request under a key, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptRequest {
    /// The request.
    pub request: KeyedRequest,
    /// What was answered; `None`: nothing yet.
    pub answer: Option<KeptAnswer>,
}

/// What is to be done with a request under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyClaim {
    /// It is the first: it is to be carried out.
    First,
    /// The first is under way.
    UnderWay,
    /// Nobody knows what came of the first: the gateway stopped meanwhile.
    Unknown,
    /// Another request has this key.
    Another,
    /// This was answered.
    Answered(KeptAnswer),
}

/// What is to be done with a request, where this is kept under its key.
pub fn judge(kept: Option<&KeptRequest>, asked: &KeyedRequest) -> KeyClaim {
    let age = |kept: &KeptRequest| asked.at.duration_since(kept.request.at);
    match kept {
        Some(kept) if age(kept) >= KEY_KEPT => KeyClaim::First,
        None => KeyClaim::First,
        Some(kept) if kept.request.digest != asked.digest => KeyClaim::Another,
        Some(KeptRequest { answer: Some(answer), .. }) => KeyClaim::Answered(answer.clone()),
        Some(kept) if age(kept) < UNDER_WAY => KeyClaim::UnderWay,
        Some(_) => KeyClaim::Unknown,
    }
}

/// Keys that came then, or before, are not remembered any more.
pub fn forgotten_since(now: Timestamp) -> Timestamp {
    now.checked_sub(KEY_KEPT).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_means_the_first_request_for_a_day() {
        let at = |minutes| Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes);
        let asked = |digest: &str, minutes| KeyedRequest {
            hash: "h".into(),
            principal: "p".into(),
            digest: digest.into(),
            at: at(minutes),
        };
        let answer = KeptAnswer { status: 200, etag: None, body: Some("{}".into()) };
        let open = KeptRequest { request: asked("d", 0), answer: None };
        let done = KeptRequest { answer: Some(answer.clone()), ..open.clone() };
        let day = 24 * 60;
        for (kept, request, expected) in [
            (None, asked("d", 0), KeyClaim::First),
            (Some(&open), asked("d", 9), KeyClaim::UnderWay),
            (Some(&open), asked("d", 10), KeyClaim::Unknown),
            (Some(&open), asked("other", 1), KeyClaim::Another),
            (Some(&done), asked("d", day - 1), KeyClaim::Answered(answer)),
            (Some(&done), asked("other", day - 1), KeyClaim::Another),
            (Some(&done), asked("other", day), KeyClaim::First),
        ] {
            assert_eq!(judge(kept, &request), expected, "{kept:?} {request:?}");
        }
    }
}
