//! What parts are called: names that are free, and names for a timeline.

use mm7::{mime::Media, sniff::ending, text::without_controls};

/// The longest stem of a file name that is taken from a URL, in characters.
const MAX_STEM_CHARS: usize = 40;

/// A name like this one, with the ending of the real type, that no part has.
pub(in crate::submit) fn free_name(file_name: &str, essence: &str, media: &[Media]) -> String {
    let stem = file_name.rsplit_once('.').map_or(file_name, |(stem, _)| stem);
    let plain = |char: char| if char.is_ascii_alphanumeric() || "_-".contains(char) { char } else { '_' };
    let stem: String = stem.chars().take(MAX_STEM_CHARS).map(plain).collect();
    let stem = if stem.is_empty() { "content" } else { &stem };
    let ending = ending(essence);
    let name = |number: usize| match number {
        0 => format!("{stem}.{ending}"),
        _ => format!("{stem}-{number}.{ending}"),
    };
    // As many names as there are parts, and one more: one of them is free.
    (0..=media.len()).map(name).find(|name| !is_used(name, media)).unwrap_or_else(|| name(media.len() + 1))
}

fn is_used(name: &str, media: &[Media]) -> bool {
    let has = |own: &Option<String>| own.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(name));
    media.iter().any(|part| has(&part.content_id) || has(&part.content_location) || has(&part.name))
}

/// What a part is called on a timeline.
pub(in crate::submit) fn called(part: &Media, place: usize) -> String {
    let name = part.name.as_deref().or(part.content_id.as_deref()).or(part.content_location.as_deref());
    name.map_or_else(|| format!("part {}", place + 1), |name| without_controls(name).into_owned())
}
