//! Counts with what is counted: `1 message`, `2 messages`, `3 tries`.

use std::fmt::Display;

/// So many of something, which is named as one of it is: what commands, pages and sentences say of a count.
///
/// ```
/// use posthouse_core::counted::counted;
/// assert_eq!(counted(1, "message"), "1 message");
/// assert_eq!(counted(0, "try"), "0 tries");
/// ```
pub fn counted<N: Display + PartialEq + From<u8>>(count: N, noun: &str) -> String {
    let named = of_number(&count, noun);
    format!("{count} {named}")
}

/// What is counted, without the count, for who writes that in a way of its own: a `message`, two `messages`.
///
/// The noun is regular, and its last word is what is counted: `message from a handset` has no place here.
pub fn of_number<N: PartialEq + From<u8>>(count: &N, noun: &str) -> String {
    if *count == N::from(1) {
        return noun.to_owned();
    }
    let before = noun.as_bytes().iter().nth_back(1);
    match noun.strip_suffix('y') {
        Some(stem) if !before.is_some_and(|letter| b"aeiou".contains(letter)) => format!("{stem}ies"),
        _ if ["s", "x", "ch", "sh"].iter().any(|end| noun.ends_with(end)) => format!("{noun}es"),
        _ => format!("{noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_named_and_any_other_number_is_many() {
        let said = [
            (0, "message", "0 messages"),
            (1, "message", "1 message"),
            (2, "message", "2 messages"),
            (1, "try", "1 try"),
            (12, "try", "12 tries"),
            (2, "key", "2 keys"),
            (1, "address", "1 address"),
            (2, "address", "2 addresses"),
            (3, "failed attempt", "3 failed attempts"),
        ];
        for (count, noun, text) in said {
            assert_eq!(counted(count, noun), text);
        }
        assert_eq!(format!("13,277 {}", of_number(&13_277_u64, "message")), "13,277 messages");
        assert_eq!(counted(1_usize, "row"), "1 row");
    }
}
