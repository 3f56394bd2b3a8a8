//! How content goes out: under its real types, in the order in which it is shown, and with a SMIL that shows it.

use std::borrow::Cow;

use mm7::{
    mime::{ContentType, Media},
    smil,
    sniff::{Label, label},
};

use super::{
    ContentFacts,
    body::{called, free_name},
    references,
};
use crate::carrier::Carrier;

/// The type of a presentation.
const SMIL: &str = "application/smil";

/// The type that a carrier has to take for this part: the real one, whatever the label says.
pub(super) fn is_taken(part: &Media, carrier: &Carrier) -> bool {
    let declared = carrier.takes(part.content_type.essence());
    match label(&part.content_type, &part.bytes) {
        Label::Believed => declared,
        Label::Alias(real) => declared || carrier.takes(real),
        Label::Wrong(real) => carrier.takes(real),
    }
}

/// What goes out to a carrier of content that fits it: types put right, and a SMIL made where there is none. What may not be adapted
/// goes out as it came.
pub(super) fn outgoing<'a>(content: &'a ContentFacts, carrier: &Carrier) -> Cow<'a, ContentFacts> {
    let mut content = Cow::Borrowed(content);
    if content.may_adapt {
        put_types_right(&mut content, carrier);
    }
    make_resolvable(&mut content);
    if content.may_adapt {
        add_smil(&mut content, carrier);
    }
    content
}

/// Content-IDs that some MIME libraries cannot read are written anew whatever may be adapted: they are no content.
fn make_resolvable(content: &mut Cow<'_, ContentFacts>) {
    if references::has_unreadable_ids(&content.media) {
        let content = content.to_mut();
        content.notes.extend(references::make_ids_readable(&mut content.media));
    }
    if content.may_adapt && references::may_go_by_name(&content.media) {
        let content = content.to_mut();
        content.notes.extend(references::make_names_resolvable(&mut content.media));
    }
}

fn put_types_right(content: &mut Cow<'_, ContentFacts>, carrier: &Carrier) {
    for place in 0..content.media.len() {
        let Some(part) = content.media.get(place) else { continue };
        let declared = part.content_type.essence();
        let real = match label(&part.content_type, &part.bytes) {
            Label::Wrong(real) => real,
            Label::Alias(real) if !carrier.takes(declared) => real,
            // Handsets know a presentation by this name alone.
            Label::Alias(SMIL) if carrier.takes(SMIL) => SMIL,
            Label::Alias(_) | Label::Believed => continue,
        };
        let note = format!("{} is {real} and was declared as {declared}", called(part, place));
        let content = content.to_mut();
        content.notes.push(note);
        if let Some(part) = content.media.get_mut(place) {
            part.content_type = ContentType::new(real);
        }
    }
}

fn add_smil(content: &mut Cow<'_, ContentFacts>, carrier: &Carrier) {
    let Some(media) = with_smil(content, carrier) else { return };
    let bytes: u64 = media.iter().map(|part| part.bytes.len() as u64).sum();
    let content = content.to_mut();
    if bytes > carrier.max_message_bytes {
        content.notes.push("no SMIL was made: the carrier's limit leaves no room for one".to_owned());
        return;
    }
    content.media = media;
    content.notes.push("a SMIL was made, since there was none".to_owned());
}

/// How many bytes the SMIL takes that [`outgoing`] makes.
pub(super) fn smil_bytes(content: &ContentFacts, carrier: &Carrier) -> u64 {
    let made = with_smil(content, carrier);
    made.and_then(|media| media.first().map(|smil| smil.bytes.len() as u64)).unwrap_or(0)
}

/// The content behind a SMIL that shows it; `None` where none is to be made.
///
/// A single text needs no SMIL to be shown, and stays as it is unless a connection of the carrier requires a SMIL.
fn with_smil(content: &ContentFacts, carrier: &Carrier) -> Option<Vec<Media>> {
    let is_shown = content.media.iter().any(|part| smil::is_shown(&part.content_type));
    if content.has_smil() || !is_shown || !carrier.takes(SMIL) {
        return None;
    }
    let is_text = matches!(content.media.as_slice(), [only] if only.content_type.essence() == "text/plain");
    if is_text && !needs_smil(carrier) {
        return None;
    }
    let mut media = content.media.clone();
    make_each_findable(&mut media);
    let name = free_name("mms", SMIL, &media);
    let presentation = Media {
        content_type: ContentType::new(SMIL),
        content_id: Some(name.clone()),
        content_location: Some(name.clone()),
        name: Some(name),
        bytes: smil::generate(&media).into(),
    };
    media.insert(0, presentation);
    Some(media)
}

fn needs_smil(carrier: &Carrier) -> bool {
    carrier.connections.iter().any(|connection| connection.dialect.smil_required)
}

/// Gives a Content-ID to each part that has nothing to refer to it by, a name alone, or only what another part has as well.
fn make_each_findable(media: &mut [Media]) {
    for place in 0..media.len() {
        let Some(part) = media.get(place) else { continue };
        let found = smil::reference_to(part).and_then(|src| smil::find(media, &src));
        let goes_by_name = part.content_id.is_none() && part.content_location.is_none();
        if !goes_by_name && found.is_some_and(|found| std::ptr::eq(found, part)) {
            continue;
        }
        let name = part.name.as_deref().unwrap_or(part.content_type.main_type());
        let id = free_name(name, part.content_type.essence(), media);
        if let Some(part) = media.get_mut(place) {
            part.content_id = Some(id);
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::Duration;

    use bytes::Bytes;

    use super::*;
    use crate::{
        carrier::{CarrierId, Inbound, OnUnknown},
        vocabulary::Vocabulary,
    };

    pub(in super::super) fn carrier(max_message_bytes: u64, content_types: &[&str]) -> Carrier {
        Carrier {
            id: CarrierId("31003".to_owned()),
            aliases: Vec::new(),
            name: String::new(),
            max_message_bytes,
            content_types: content_types.iter().map(|kind| (*kind).to_owned()).collect(),
            report_timeout: Duration::from_secs(1),
            on_unknown: OnUnknown::Park,
            connections: Vec::new(),
            inbound: Inbound::default(),
            vocabulary: Vocabulary::default(),
        }
    }

    fn part(content_type: &str, id: Option<&str>) -> Media {
        Media {
            content_type: ContentType::new(content_type),
            content_id: id.map(str::to_owned),
            content_location: None,
            name: None,
            bytes: Bytes::from_static(b"x"),
        }
    }

    pub(in super::super) fn content(media: &[Media]) -> ContentFacts {
        ContentFacts { media: media.to_vec(), urls: Vec::new(), notes: Vec::new(), may_adapt: true }
    }

    const ALL: &[&str] = &["*/*"];

    #[test]
    fn patterns_of_types_are_taken_by_their_kind_or_all() {
        let takes = |pattern: &str, essence: &str| carrier(1, &[pattern]).takes(essence);
        assert!(
            takes("*/*", "image/gif") && takes("image/*", "image/gif") && takes("image/gif", "image/gif")
        );
        assert!(
            !takes("image/*", "text/plain")
                && !takes("image/gif", "image/png")
                && !takes("imag/*", "image/gif")
        );
    }

    #[test]
    fn every_shown_part_is_found_by_what_shows_it() {
        let named = Media { name: Some("a b.jpg".to_owned()), ..part("image/jpeg", None) };
        let located = Media { content_location: Some("1".to_owned()), ..part("image/gif", None) };
        let media = [part("image/gif", Some("1")), part("image/gif", Some("1")), named, located];
        let out = outgoing(&content(&media), &carrier(10_000, ALL)).into_owned();
        let ids: Vec<_> = out.media.iter().map(|part| part.content_id.as_deref()).collect();
        assert_eq!(
            ids,
            [Some("mms.smil"), Some("1"), Some("image.gif"), Some("a_b.jpg"), Some("image-1.gif")]
        );
        let shown = smil::references(&out.media[0].bytes, &mm7::Limits::default()).unwrap();
        let places: Vec<_> = shown
            .iter()
            .map(|reference| smil::find(&out.media, &reference.src).unwrap())
            .map(|found| out.media.iter().position(|part| std::ptr::eq(part, found)).unwrap())
            .collect();
        assert_eq!(places, [1, 2, 3, 4]);
    }

    #[test]
    fn what_needs_nothing_is_not_copied() {
        let smil = part("application/smil", Some("s"));
        for media in [
            vec![smil, part("image/gif", Some("1"))],
            vec![part("text/plain", None)],
            vec![part("text/x-vcard", None)],
        ] {
            assert!(
                matches!(outgoing(&content(&media), &carrier(10_000, ALL)), Cow::Borrowed(_)),
                "{media:?}"
            );
        }
        let untouchable = ContentFacts { may_adapt: false, ..content(&[part("image/gif", None)]) };
        assert!(matches!(outgoing(&untouchable, &carrier(10_000, ALL)), Cow::Borrowed(_)));
    }

    #[test]
    fn a_smil_never_makes_a_message_too_long() {
        let media = [part("image/gif", Some("1")), part("text/plain", Some("2"))];
        let smil = outgoing(&content(&media), &carrier(10_000, ALL)).media[0].bytes.len() as u64;
        let parts = |limit| outgoing(&content(&media), &carrier(limit, ALL)).media.len();
        assert_eq!((parts(smil + 2), parts(smil + 1)), (3, 2));
    }
}
