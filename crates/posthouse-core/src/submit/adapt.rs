//! Pictures that a carrier does not take as they are: which of them have to become how small, and what becomes of the content then.
//!
//! The largest are made smaller first, all down to the same number of bytes, and those below it stay as they are. An animation stays whole
//! as long as the stills leave it room. Pixels are posthouse-media's: here are only sizes, types and names.

use bytes::Bytes;
use mm7::{
    mime::{ContentType, Media},
    smil,
    sniff::{Label, ending, is_animated, label},
};

use super::{
    ContentFacts,
    body::called,
    presentation::{is_taken, smil_bytes},
};
use crate::carrier::Carrier;

/// The types of pictures that can be read.
const READ: [&str; 4] = ["image/jpeg", "image/png", "image/gif", "image/webp"];
/// What a picture is made of, when it is written anew.
const JPEG: &str = "image/jpeg";
const PNG: &str = "image/png";
/// With less than this for a picture, in bytes, nothing can be seen on it.
const LEAST_BYTES: u64 = 2 << 10;
/// With less than this for a still, in bytes, an animation has to give up moving.
const LEAST_BESIDE_ANIMATION: u64 = 20 << 10;
/// A picture that changes its format may take this many times its bytes, and needs at least the second number of bytes to look well.
const GROWS: u64 = 4;
const LEAST_OF_ANOTHER_FORMAT: u64 = 64 << 10;

/// What one picture has to become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Adaptation {
    /// The place of the part.
    pub place: usize,
    /// The most bytes that it may take.
    pub max_bytes: u64,
    /// Whether it may become image/jpeg.
    pub jpeg: bool,
    /// Whether it may become image/png.
    pub png: bool,
}

/// A picture that was adapted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adapted {
    /// The place of the part.
    pub place: usize,
    /// Its type now: image/jpeg or image/png.
    pub essence: &'static str,
    /// What it holds now.
    pub bytes: Bytes,
    /// Width and height as they were, such as `4000×3000`.
    pub before: String,
    /// Width and height as they are.
    pub after: String,
}

/// Whether a carrier takes content as it is.
pub(super) fn fits(content: &ContentFacts, carrier: &Carrier) -> bool {
    bytes_of(&content.media) <= carrier.max_message_bytes
        && content.media.iter().all(|media| is_taken(media, carrier))
}

fn bytes_of<'a>(media: impl IntoIterator<Item = &'a Media>) -> u64 {
    media.into_iter().map(|media| media.bytes.len() as u64).sum()
}

/// What pictures of content that does not fit have to become so that a carrier takes it. `None`: it may not be adapted, or no picture's
/// becoming smaller would help.
pub fn adaptations(content: &ContentFacts, carrier: &Carrier) -> Option<Vec<Adaptation>> {
    let (jpeg, png) = (carrier.takes(JPEG), carrier.takes(PNG));
    if !content.may_adapt || !(jpeg || png) {
        return None;
    }
    let pictures: Vec<Picture> =
        content.media.iter().enumerate().filter_map(|part| Picture::of(part, carrier)).collect();
    let is_picture = |place| pictures.iter().any(|picture| picture.place == place);
    let rest: Vec<_> = content.media.iter().enumerate().filter(|(place, _)| !is_picture(*place)).collect();
    if rest.iter().any(|(_, media)| !is_taken(media, carrier)) {
        return None;
    }
    let room = carrier.max_message_bytes.checked_sub(bytes_of(rest.into_iter().map(|(_, media)| media)))?;
    let shares = shares(&pictures, room, smil_bytes(content, carrier))?;
    let with_share = pictures.iter().zip(shares);
    let changed = with_share.filter(|(picture, share)| !picture.is_taken || *share < picture.bytes);
    Some(
        changed
            .map(|(picture, share)| Adaptation { place: picture.place, max_bytes: share, jpeg, png })
            .collect(),
    )
}

/// A picture that can be read.
struct Picture {
    place: usize,
    bytes: u64,
    is_taken: bool,
    /// Whether it moves, and the carrier would take it so.
    moves: bool,
}

impl Picture {
    fn of((place, media): (usize, &Media), carrier: &Carrier) -> Option<Self> {
        let real = match label(&media.content_type, &media.bytes) {
            Label::Believed => media.content_type.essence(),
            Label::Alias(real) | Label::Wrong(real) => real,
        };
        let is_taken = is_taken(media, carrier);
        READ.contains(&real).then(|| Self {
            place,
            bytes: media.bytes.len() as u64,
            is_taken,
            moves: is_taken && is_animated(&media.bytes),
        })
    }

    /// How many bytes it would like.
    fn wants(&self) -> u64 {
        let of_another_format = self.bytes.saturating_mul(GROWS).max(LEAST_OF_ANOTHER_FORMAT);
        if self.is_taken { self.bytes } else { of_another_format }
    }
}

/// How many bytes each picture gets of so much room, with room left for a SMIL of this size, if there can be any.
fn shares(pictures: &[Picture], room: u64, smil: u64) -> Option<Vec<u64>> {
    let room =
        room.checked_sub(smil).filter(|room| *room >= LEAST_BYTES * pictures.len() as u64).unwrap_or(room);
    let (moving, stills): (Vec<&Picture>, Vec<&Picture>) = pictures.iter().partition(|picture| picture.moves);
    if let Some(left) = room.checked_sub(moving.iter().map(|picture| picture.bytes).sum()) {
        let level = level(stills.iter().map(|picture| picture.wants()).collect(), left);
        if level >= LEAST_BESIDE_ANIMATION {
            let share = |picture: &Picture| {
                if picture.moves { picture.bytes } else { picture.wants().min(level) }
            };
            return Some(pictures.iter().map(share).collect());
        }
    }
    let level = level(pictures.iter().map(Picture::wants).collect(), room);
    (level >= LEAST_BYTES).then(|| pictures.iter().map(|picture| picture.wants().min(level)).collect())
}

/// The largest equal cap under which the total fits in `room`; [`u64::MAX`] where all of it fits.
fn level(mut wants: Vec<u64>, room: u64) -> u64 {
    wants.sort_unstable();
    let mut left = room;
    for (place, want) in wants.iter().enumerate() {
        let level = left / (wants.len() - place) as u64;
        if *want > level {
            return level;
        }
        left -= want;
    }
    u64::MAX
}

/// Puts pictures that were adapted in the place of what they were.
///
/// A part keeps its Content-ID and Content-Location, and its name too but for the ending, where the type is another and
/// no SMIL refers to the part by that name.
pub fn insert_adapted(content: &ContentFacts, adapted: Vec<Adapted>) -> ContentFacts {
    let mut inserted = content.clone();
    for picture in adapted {
        let Some(part) = content.media.get(picture.place) else { continue };
        inserted.notes.push(note(part, &picture));
        let was = label(&part.content_type, &part.bytes);
        let is_same = matches!(was, Label::Believed) && part.content_type.essence() == picture.essence;
        let Some(changed) = inserted.media.get_mut(picture.place) else { continue };
        changed.bytes = picture.bytes;
        if !is_same {
            changed.content_type = ContentType::new(picture.essence);
            rename(&mut inserted, picture.place, ending(picture.essence));
        }
    }
    inserted
}

/// Gives the file name of a part this ending, unless a SMIL would then find another part or none.
fn rename(content: &mut ContentFacts, place: usize, ending: &str) {
    let found = places_found(&content.media);
    let Some(part) = content.media.get_mut(place) else { return };
    let Some(name) = part.name.clone() else { return };
    let stem = name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem);
    part.name = Some(format!("{stem}.{ending}"));
    if places_found(&content.media) != found
        && let Some(part) = content.media.get_mut(place)
    {
        part.name = Some(name);
    }
}

/// The places of the parts that every SMIL refers to.
fn places_found(media: &[Media]) -> Vec<Option<usize>> {
    let presentations = media.iter().filter(|part| smil::is_smil(&part.content_type));
    // It was read when it came.
    let references = presentations
        .flat_map(|part| smil::references(&part.bytes, &mm7::Limits::default()).unwrap_or_default());
    let place = |found: &Media| media.iter().position(|part| std::ptr::eq(part, found));
    references.map(|reference| smil::find(media, &reference.src).and_then(place)).collect()
}

fn note(part: &Media, picture: &Adapted) -> String {
    let stood = if is_animated(&part.bytes) { ", which does not move any more" } else { "" };
    format!(
        "adapted {}: {} {} {} → {} {} {}{stood}",
        called(part, picture.place),
        written(part.bytes.len()),
        part.content_type.essence(),
        picture.before,
        written(picture.bytes.len()),
        picture.essence,
        picture.after,
    )
}

/// A number of bytes for people.
fn written(bytes: usize) -> String {
    match bytes {
        0..10_000 => format!("{bytes} bytes"),
        10_000..1_000_000 => format!("{} KB", bytes / 1000),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::submit::presentation::tests::{carrier, content};

    const STILL: &[u8] =
        b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";
    const USUAL: &[&str] = &["image/*", "text/plain", "application/smil"];

    /// A still that is followed by itself.
    fn moving() -> Vec<u8> {
        let (head, picture) = STILL.split_at(19);
        let extension = b"\x21\xf9\x04\0\x0a\0\0\0";
        let picture = picture.strip_suffix(b";").unwrap();
        [head, extension, picture, extension, picture, b";"].concat()
    }

    fn part(essence: &str, bytes: usize) -> Media {
        let mark: &[u8] = match essence {
            "image/png" => b"\x89PNG\r\n\x1a\n",
            "image/jpeg" => b"\xff\xd8\xff\xe0",
            "image/webp" => b"RIFF\0\0\0\0WEBPVP8 ",
            _ => b"",
        };
        let mut padded = mark.to_vec();
        padded.resize(bytes, 0);
        Media {
            content_type: ContentType::new(essence),
            content_id: Some(format!("{essence}-{bytes}")),
            content_location: None,
            name: None,
            bytes: padded.into(),
        }
    }

    fn animation(bytes: usize) -> Media {
        let mut file = moving();
        file.resize(bytes, 0);
        Media { bytes: file.into(), ..part("image/gif", bytes) }
    }

    fn smil(bytes: usize) -> Media {
        part("application/smil", bytes)
    }

    /// Place and most bytes of each.
    fn planned(media: Vec<Media>, limit: u64, types: &[&str]) -> Option<Vec<(usize, u64)>> {
        let planned = adaptations(&content(&media), &carrier(limit, types))?;
        Some(planned.iter().map(|one| (one.place, one.max_bytes)).collect())
    }

    #[test]
    fn the_largest_become_smaller_first() {
        let media = |photo| {
            vec![smil(1000), part("image/jpeg", photo), part("image/png", 20_000), part("text/plain", 9000)]
        };
        assert_eq!(planned(media(900_000), 100_000, USUAL), Some(vec![(1, 70_000)]));
        assert_eq!(planned(media(900_000), 40_000, USUAL), Some(vec![(1, 15_000), (2, 15_000)]));
        // What is left is less than can be seen; what is no picture is too long by itself.
        assert_eq!(planned(media(900_000), 13_000, USUAL), None);
        assert_eq!(planned(media(900_000), 9_999, USUAL), None);
        assert_eq!(
            planned(vec![smil(100), part("video/mp4", 5000), part("image/jpeg", 900)], 3000, &["*/*"]),
            None
        );
    }

    #[test]
    fn a_smil_to_be_made_has_its_room() {
        let media = vec![part("image/jpeg", 50_000)];
        let smil = smil_bytes(&content(&media), &carrier(1, USUAL));
        assert!(smil > 100);
        assert_eq!(planned(media.clone(), 30_000, USUAL), Some(vec![(0, 30_000 - smil)]));
        // The picture is worth more.
        assert_eq!(planned(media, 2100, USUAL), Some(vec![(0, 2100)]));
    }

    #[test]
    fn what_moves_goes_on_moving_where_stills_leave_room() {
        let media = vec![smil(1000), animation(50_000), part("image/jpeg", 90_000)];
        assert_eq!(planned(media.clone(), 100_000, USUAL), Some(vec![(2, 49_000)]));
        assert_eq!(planned(media, 61_000, USUAL), Some(vec![(1, 30_000), (2, 30_000)]));
        assert_eq!(planned(vec![smil(1000), animation(50_000)], 21_000, USUAL), Some(vec![(1, 20_000)]));
    }

    #[test]
    fn types_that_are_not_taken_become_others() {
        let jpegs = &["image/jpeg", "application/smil"];
        let media = vec![smil(1000), part("image/webp", 30_000), part("image/jpeg", 30_000)];
        let adaptations = |limit, types| adaptations(&content(&media), &carrier(limit, types)).unwrap();
        assert_eq!(
            adaptations(900_000, jpegs),
            [Adaptation { place: 1, max_bytes: 120_000, jpeg: true, png: false }]
        );
        let tight: Vec<_> = adaptations(41_000, jpegs).iter().map(|one| (one.place, one.max_bytes)).collect();
        assert_eq!(tight, [(1, 20_000), (2, 20_000)]);
        assert_eq!(
            planned(media.clone(), 900_000, &["image/gif", "application/smil"]),
            None,
            "nobody writes that"
        );
        assert_eq!(planned(vec![smil(9), part("image/heic", 9)], 900_000, jpegs), None, "nobody reads that");
        assert_eq!(
            planned(vec![smil(9), part("text/plain", 9), part("image/webp", 9)], 900_000, jpegs),
            None
        );
    }

    #[test]
    fn what_may_not_be_adapted_is_not() {
        let content = ContentFacts { may_adapt: false, ..content(&[part("image/jpeg", 50_000)]) };
        assert_eq!(adaptations(&content, &carrier(30_000, USUAL)), None);
    }

    #[test]
    fn animations_are_told_from_stills() {
        assert!(is_animated(&moving()));
        for still in [STILL, &STILL[..20], b"GIF89a", b"", b"RIFF\0\0\0\0WEBPVP8 \x0a\0\0\0\x02"] {
            assert!(!is_animated(still), "{}", still.escape_ascii());
        }
        assert!(is_animated(b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\x02"));
    }

    fn adapted(place: usize, essence: &'static str) -> Adapted {
        Adapted {
            place,
            essence,
            bytes: Bytes::from_static(b"new"),
            before: "4000×3000".to_owned(),
            after: "1600×1200".to_owned(),
        }
    }

    #[test]
    fn what_was_adapted_stands_where_it_stood() {
        let photo = Media { name: Some("photo.png".to_owned()), ..part("image/png", 3_150_000) };
        let came = content(&[photo.clone(), animation(50_000)]);
        let inserted = insert_adapted(&came, vec![adapted(0, "image/jpeg"), adapted(1, "image/png")]);
        let expected = Media {
            content_type: ContentType::new("image/jpeg"),
            name: Some("photo.jpg".to_owned()),
            bytes: Bytes::from_static(b"new"),
            ..photo
        };
        assert_eq!(inserted.media[0], expected);
        assert_eq!(
            inserted.notes,
            [
                "adapted photo.png: 3.1 MB image/png 4000×3000 → 3 bytes image/jpeg 1600×1200",
                "adapted image/gif-50000: 50 KB image/gif 4000×3000 → 3 bytes image/png 1600×1200, which does not move any more",
            ]
        );
    }

    #[test]
    fn a_type_that_stays_keeps_its_parameters_and_name() {
        let content_type = ContentType::parse("image/jpeg; name=a.jpeg").unwrap();
        let photo = Media {
            content_type: content_type.clone(),
            name: Some("a.jpeg".to_owned()),
            ..part("image/jpeg", 9)
        };
        let inserted = insert_adapted(&content(&[photo]), vec![adapted(0, "image/jpeg")]);
        assert_eq!(
            (&inserted.media[0].content_type, inserted.media[0].name.as_deref()),
            (&content_type, Some("a.jpeg"))
        );
    }

    #[test]
    fn a_name_that_a_smil_goes_by_stays() {
        let photo = Media { content_id: None, name: Some("a.png".to_owned()), ..part("image/png", 90) };
        let show = |src: &str| Media { bytes: format!("<smil><img src='{src}'/></smil>").into(), ..smil(0) };
        let name = |media: &[Media]| {
            insert_adapted(&content(media), vec![adapted(0, "image/jpeg")]).media[0].name.clone().unwrap()
        };
        assert_eq!(name(&[photo.clone(), show("a.png")]), "a.png");
        let other = Media { name: Some("a.jpg".to_owned()), ..photo.clone() };
        assert_eq!(name(&[photo.clone(), other, show("a.jpg")]), "a.png", "it would be taken for the other");
        let with_id = Media { content_id: Some("a".to_owned()), ..photo };
        assert_eq!(name(&[with_id, show("cid:a")]), "a.jpg");
    }
}
