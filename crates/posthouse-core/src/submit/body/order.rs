//! The order of parts: which of them a presentation shows, and first that, then the rest.

use mm7::{DecodeError, Limits, Rule, mime::Media, smil};

use super::content::ContentFacts;

/// What a presentation refers to.
pub(super) struct References {
    /// The places of the parts that it shows, in the order in which it does, with repetitions.
    pub(super) shown: Vec<usize>,
    /// The references that lead out of the message.
    pub(super) external: Vec<String>,
}

/// Looks up what a presentation refers to: each reference must find a part, or lead out of the message.
pub(super) fn resolve(
    presentation: &Media,
    media: &[Media],
    limits: &Limits,
) -> Result<References, DecodeError> {
    let mut found = References { shown: Vec::new(), external: Vec::new() };
    for reference in smil::references(&presentation.bytes, limits)? {
        if let Some(part) = smil::find(media, &reference.src) {
            found.shown.extend(media.iter().position(|other| std::ptr::eq(other, part)));
        } else if reference.is_external() {
            found.external.push(reference.src);
        } else {
            let what = "the SMIL names a part that is not there";
            return Err(DecodeError::new(Rule::SmilReference, reference.offset, what));
        }
    }
    Ok(found)
}

/// Adds the URLs that are not there yet.
pub(super) fn add_new(urls: &mut Vec<String>, more: Vec<String>) {
    for url in more {
        if !urls.contains(&url) {
            urls.push(url);
        }
    }
}

/// Puts the presentation first and then what it shows, in the order in which it does; what it does not show stays behind, in the
/// order in which it came. `shown` are places of parts.
pub(super) fn put_in_order(content: &mut ContentFacts, shown: &[usize]) {
    if !content.may_adapt {
        return;
    }
    let presentation = content.media.iter().position(|part| part.content_type.is_smil());
    let mut order: Vec<usize> = Vec::with_capacity(content.media.len());
    for place in presentation.iter().chain(shown).copied().chain(0..content.media.len()) {
        if !order.contains(&place) {
            order.push(place);
        }
    }
    if order.is_sorted() {
        return;
    }
    content.media = order.iter().filter_map(|place| content.media.get(*place).cloned()).collect();
    content.notes.push("the parts were put in the order in which the SMIL shows them".to_owned());
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use mm7::mime::ContentType;

    use super::*;

    fn part(content_type: &str, id: &str) -> Media {
        Media {
            content_type: ContentType::new(content_type),
            content_id: Some(id.to_owned()),
            content_location: None,
            name: None,
            bytes: Bytes::from_static(b"x"),
        }
    }

    #[test]
    fn the_order_is_the_first_in_which_each_is_shown() {
        let media = [("image/gif", "a"), ("application/smil", "s"), ("image/gif", "b"), ("image/gif", "c")];
        let media = media.map(|(content_type, id)| part(content_type, id)).to_vec();
        let mut shuffled = ContentFacts { media, urls: Vec::new(), notes: Vec::new(), may_adapt: true };
        put_in_order(&mut shuffled, &[3, 0, 3]);
        let ids: Vec<_> = shuffled.media.iter().filter_map(|part| part.content_id.as_deref()).collect();
        assert_eq!(ids, ["s", "c", "a", "b"]);
        assert_eq!(shuffled.notes.len(), 1);
        put_in_order(&mut shuffled, &[1, 2]);
        assert_eq!(shuffled.notes.len(), 1, "it is in order already");
    }
}
