//! How much is kept of what others send, however often and however long they send it: nothing of it grows without end. Stores keep to
//! these bounds, whatever they are given.

use std::borrow::Cow;

/// The longest address that is kept, in characters.
pub const ADDRESS: usize = 256;
/// The longest id of somebody else's that is kept as it is, in bytes: a carrier's MessageID, TransactionID or LinkedID.
pub const ID: usize = 256;
/// The longest Subject of a message from a handset, in characters.
pub const SUBJECT: usize = 1000;
/// The longest line of a timeline, in characters.
pub const LINE: usize = 1000;
/// How much of an answer to a callback is kept, in bytes.
pub const ANSWER: usize = 1024;
/// Of how many tries to deliver a callback is kept how they ended: the newest.
pub const TRIES: u32 = 20;
/// The longest Details of a carrier that are kept and go on, in characters.
pub const DETAILS: usize = 500;
/// The most lines of a timeline. Once it has them, each new line replaces the last.
pub const LINES: u32 = 2000;
/// The most failed attempts of one message that are kept: the newest.
pub const FAILED_ATTEMPTS: u32 = 64;
/// The most reports that change nothing on one timeline.
pub const LATE_REPORTS: u32 = 20;
/// The most reports and read replies that wait for one unknown MessageID.
pub const WAITING_FOR_ONE: u32 = 32;
/// The most of either that say the same.
pub const SAME: u32 = 3;
/// The most of one carrier that wait; the oldest goes for a new one.
pub const WAITING_OF_CARRIER: u32 = 100_000;

/// The first `characters` of a text.
pub fn cut(text: &str, characters: usize) -> &str {
    // No character is shorter than a byte.
    if text.len() <= characters {
        return text;
    }
    match text.char_indices().nth(characters) {
        Some((end, _)) => text.split_at(end).0,
        None => text,
    }
}

/// An id of somebody else's, short enough to be kept. Of a longer one the beginning, and what tells it from others that begin alike:
/// the same id always becomes the same.
pub fn id(id: &str) -> Cow<'_, str> {
    if id.len() <= ID {
        return Cow::Borrowed(id);
    }
    // FNV-1a, 64 bits: a peer that makes two of the same hash confuses its own messages only.
    let hash = id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let beginning = cut(id, ID / 4);
    Cow::Owned(format!("{beginning}~{hash:016x}"))
}

/// Whether one more report that changes nothing goes onto a timeline that has `lines` of them, of which `same` say the same.
pub const fn has_room_for_late_report(lines: u32, same: u32) -> bool {
    lines < LATE_REPORTS && same < SAME
}

/// The number of the next line of a timeline whose newest has this one; 0 is that of none, the first line has 1. A timeline that is
/// full keeps its beginning: the next line takes the place of the last.
pub const fn line_number(newest: u32) -> u32 {
    if newest < LINES { newest.saturating_add(1) } else { LINES }
}

/// Whether one more report may wait for an unknown id for which `waiting` do, of which `same` say the same.
pub const fn may_wait(waiting: u32, same: u32) -> bool {
    waiting < WAITING_FOR_ONE && same < SAME
}

/// Cuts a text to its first `characters`.
pub(crate) fn shorten(text: &mut String, characters: usize) {
    let length = cut(text, characters).len();
    text.truncate(length);
}

/// Makes an [id] short enough to be kept.
pub(crate) fn shorten_id(text: &mut String) {
    if let Cow::Owned(short) = id(text) {
        *text = short;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(cut("Grüße", 3), "Grü");
        assert_eq!(cut("Grüße", 5), "Grüße");
        assert_eq!(cut("Grüße", 0), "");
        assert_eq!(cut("", 3), "");
    }

    #[test]
    fn a_long_id_stays_one() {
        let (one, other) = ("a".repeat(65_000), format!("{}b", "a".repeat(64_999)));
        let short = id(&one);
        assert!(short.len() <= ID, "{short}");
        assert_eq!(id(&one), short);
        assert_ne!(id(&other), short);
        let as_it_is = "7".repeat(ID);
        assert_eq!(id(&as_it_is), as_it_is);
        let wide = "ü".repeat(ID);
        assert!(id(&wide).len() <= ID);
    }

    #[test]
    fn a_full_timeline_replaces_its_last_line() {
        for (newest, expected) in [(0, 1), (1, 2), (1998, 1999), (1999, 2000), (2000, 2000), (2001, 2000)] {
            assert_eq!(line_number(newest), expected, "after {newest}");
        }
    }

    #[test]
    fn a_timeline_has_room_for_a_few_late_reports() {
        assert!(has_room_for_late_report(0, 0));
        assert!(has_room_for_late_report(LATE_REPORTS - 1, 2));
        assert!(!has_room_for_late_report(5, SAME), "the same again");
        assert!(!has_room_for_late_report(LATE_REPORTS, 0));
        assert!(may_wait(WAITING_FOR_ONE - 1, SAME - 1));
        assert!(!may_wait(WAITING_FOR_ONE, 0) && !may_wait(5, SAME));
    }
}
