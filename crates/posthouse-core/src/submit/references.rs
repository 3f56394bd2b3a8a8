//! Names of parts that everybody can read and find: Content-IDs, and what a SMIL refers to.

use mm7::{
    Limits,
    mime::Media,
    smil::{self, FoundBy},
};

use super::body::{called, free_name};

/// The longest Content-ID that goes out, in bytes: header lines have a limit of 998 (RFC 5322 clause 2.1.1).
const MAX_ID_BYTES: usize = 200;

/// Whether every MIME library reads a Content-ID: characters of a msg-id (RFC 5322 clause 3.6.4) that also stand in a `cid:` URL
/// as they are. Blanks, parentheses, what is not ASCII and the like are read differently by different libraries.
fn is_readable(id: &str) -> bool {
    id.len() <= MAX_ID_BYTES
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~!$&'*+=@/".contains(&byte))
}

/// Whether there is something for [`make_ids_readable`] to do.
pub(super) fn has_unreadable_ids(media: &[Media]) -> bool {
    media.iter().filter_map(|part| part.content_id.as_deref()).any(|id| !is_readable(id))
}

/// Gives parts whose Content-ID some MIME libraries cannot read another one, to which SMIL refers then. What it did is for the
/// timeline.
pub fn make_ids_readable(media: &mut [Media]) -> Vec<String> {
    if !has_unreadable_ids(media) {
        return Vec::new();
    }
    let before = media.to_vec();
    let mut notes = Vec::new();
    for (place, old) in before.iter().enumerate() {
        let Some(id) = old.content_id.as_deref().filter(|id| !is_readable(id)) else { continue };
        let new = free_name(id, old.content_type.essence(), media);
        notes.push(format!(
            "the Content-ID of {} became {new}: not all read it as it was",
            called(old, place)
        ));
        if let Some(part) = media.get_mut(place) {
            part.content_id = Some(new);
        }
    }
    let ids: Vec<Option<String>> = media.iter().map(|part| part.content_id.clone()).collect();
    let is_new = |place: usize| before.get(place).map(|part| &part.content_id) != ids.get(place);
    let to = |place, by, _: &str| match by {
        FoundBy::Id if is_new(place) => ids.get(place).cloned().flatten(),
        _ => None,
    };
    refer_anew(media, &before, to);
    notes
}

/// Whether a SMIL may refer to a part by a name that handsets do not look at.
pub(super) fn may_go_by_name(media: &[Media]) -> bool {
    let has_another_name = |part: &Media| {
        let names = [part.name.as_deref(), part.content_type.param("name"), part.content_location.as_deref()];
        names.into_iter().flatten().any(|name| part.content_id.as_deref() != Some(name))
    };
    media.iter().any(|part| smil::is_smil(&part.content_type)) && media.iter().any(has_another_name)
}

/// Lets what a SMIL refers to by another name be found by what handsets look at: the name becomes its Content-Location, or its
/// Content-ID where it stands behind `cid:`; where there is one already, the SMIL refers to its Content-ID. What it did is for the
/// timeline.
pub(super) fn make_names_resolvable(media: &mut [Media]) -> Vec<String> {
    let before = media.to_vec();
    let mut by_name: Vec<(usize, String)> = Vec::new();
    for presentation in before.iter().filter(|part| smil::is_smil(&part.content_type)) {
        // It was read when it came.
        for reference in smil::references(&presentation.bytes, &Limits::default()).unwrap_or_default() {
            let found = smil::look_up(&before, &reference.src);
            let named = found.filter(|(_, by)| *by == FoundBy::Name).map(|(place, _)| (place, reference.src));
            by_name.extend(named.filter(|named| !by_name.contains(named)));
        }
    }
    let mut notes = Vec::new();
    for (place, src) in &by_name {
        name_part(media, *place, src);
        if let Some(part) = before.get(*place) {
            notes.push(format!("{} is shown by its name, and can be found by it now", called(part, *place)));
        }
    }
    let named: Vec<Media> = media.to_vec();
    let to = |_: usize, by, src: &str| {
        let (place, now) = smil::look_up(&named, src).filter(|_| by == FoundBy::Name)?;
        named.get(place)?.content_id.clone().filter(|_| now == FoundBy::Name)
    };
    refer_anew(media, &before, to);
    notes
}

/// Gives a part what this `src` asks for, where it has none and the value can stand in a header; else a Content-ID that a `src` can be
/// changed to.
fn name_part(media: &mut [Media], place: usize, src: &str) {
    let Some(part) = media.get(place) else { return };
    let as_id = src.get(..4).filter(|scheme| scheme.eq_ignore_ascii_case("cid:")).and_then(|_| src.get(4..));
    let can_stand = src.bytes().all(|byte| byte.is_ascii_graphic());
    let as_location = can_stand && as_id.is_none() && part.content_location.is_none();
    let (essence, has_id) = (part.content_type.essence().to_owned(), part.content_id.is_some());
    let id = match as_id {
        Some(id) if is_readable(id) => id.to_owned(),
        _ => free_name(as_id.unwrap_or(src), &essence, media),
    };
    let Some(part) = media.get_mut(place) else { return };
    if as_location {
        part.content_location = Some(src.to_owned());
    } else if !has_id {
        part.content_id = Some(id);
    }
}

/// Rewrites every SMIL: `to` says which Content-ID a reference means from now on, by the place that it found before, and how.
/// What refers to nothing else stays as it is, to the byte.
fn refer_anew(media: &mut [Media], before: &[Media], to: impl Fn(usize, FoundBy, &str) -> Option<String>) {
    for part in media.iter_mut().filter(|part| smil::is_smil(&part.content_type)) {
        let mut is_changed = false;
        let written = smil::rewrite(&part.bytes, &Limits::default(), |src| {
            let (place, by) = smil::look_up(before, src)?;
            let id = to(place, by, src)?;
            is_changed = true;
            Some(format!("cid:{id}"))
        });
        if let Ok(written) = written
            && is_changed
        {
            part.bytes = written.into();
        }
    }
}

#[cfg(test)]
mod tests {
    use mm7::mime::ContentType;

    use super::*;

    fn part(content_type: &str, id: Option<&str>, location: Option<&str>, name: Option<&str>) -> Media {
        Media {
            content_type: ContentType::new(content_type),
            content_id: id.map(str::to_owned),
            content_location: location.map(str::to_owned),
            name: name.map(str::to_owned),
            bytes: "x".into(),
        }
    }

    fn presentation(shown: &[&str]) -> Media {
        let images: String = shown.iter().map(|src| format!("<img src=\"{src}\"/>")).collect();
        let smil = format!("<smil><body>{images}</body></smil>");
        Media { bytes: smil.into(), ..part("application/smil", Some("s"), None, None) }
    }

    fn shown(media: &[Media]) -> Vec<String> {
        let references = smil::references(&media[0].bytes, &Limits::default()).unwrap();
        references.into_iter().map(|reference| reference.src).collect()
    }

    fn ids(media: &[Media]) -> Vec<&str> {
        media.iter().map(|part| part.content_id.as_deref().unwrap_or("-")).collect()
    }

    #[test]
    fn ids_that_every_library_reads_stay() {
        for id in ["a.jpg", "0.img@host.example", "/tnn-200102/mm7-vasp", "uuid-7.e_b~!$&'*+=@x"] {
            let mut media = [presentation(&["a.jpg"]), part("image/jpeg", Some(id), None, None)];
            let before = media.clone();
            assert_eq!(make_ids_readable(&mut media), [""; 0]);
            assert_eq!(media, before, "{id}");
        }
    }

    #[test]
    fn other_ids_become_plain_ones_and_the_smil_follows() {
        for (id, src, new) in [
            ("Fair_rz(1)_ae28.jpg", "cid:Fair_rz(1)_ae28.jpg", "Fair_rz_1__ae28.jpg"),
            ("Отчёт 1.jpg", "cid:Отчёт 1.jpg", "______1.jpg"),
            ("a b.jpg", "cid:a%20b.jpg", "a_b.jpg"),
            ("a b.jpg", "a b.jpg", "a_b.jpg"),
            ("cid:pier.jpg", "cid:pier.jpg", "cid_pier.jpg"),
            ("a;b,c[d]\"e\\f:g", "cid:a;b,c[d]&quot;e\\f:g", "a_b_c_d__e_f_g.jpg"),
        ] {
            let mut media = [
                presentation(&[src, "other.jpg"]),
                part("image/jpeg", Some(id), None, None),
                part("image/jpeg", None, Some("other.jpg"), None),
            ];
            let notes = make_ids_readable(&mut media);
            assert_eq!(notes.len(), 1, "{notes:?}");
            assert_eq!(ids(&media), ["s", new, "-"], "{id}");
            assert_eq!(shown(&media), [&format!("cid:{new}"), "other.jpg"], "{id}");
        }
    }

    #[test]
    fn two_parts_never_get_one_id() {
        let mut media = [
            presentation(&["cid:a (1).jpg"]),
            part("image/jpeg", Some("a_1.jpg"), None, None),
            part("image/jpeg", Some("a (1).jpg"), None, None),
            part("image/jpeg", Some("a (1).jpg"), None, None),
        ];
        make_ids_readable(&mut media);
        assert_eq!(ids(&media), ["s", "a_1.jpg", "a__1_.jpg", "a__1_-1.jpg"]);
        assert_eq!(shown(&media), ["cid:a__1_.jpg"]);
    }

    #[test]
    fn what_a_smil_shows_by_name_can_be_found_otherwise() {
        for (before, src, expected, shown_after) in [
            // A part that only has a name.
            (part("image/gif", None, None, Some("one.gif")), "one.gif", (None, Some("one.gif")), "one.gif"),
            (
                part("image/gif", Some("7@x"), None, Some("one.gif")),
                "one.gif",
                (Some("7@x"), Some("one.gif")),
                "one.gif",
            ),
            (
                part("image/gif", Some("7@x"), None, Some("one.gif")),
                "./one.gif",
                (Some("7@x"), Some("./one.gif")),
                "./one.gif",
            ),
            // Another location is in the way, or the name cannot stand in a header.
            (
                part("image/gif", Some("7@x"), Some("1"), Some("one.gif")),
                "one.gif",
                (Some("7@x"), Some("1")),
                "cid:7@x",
            ),
            (
                part("image/gif", None, Some("1"), Some("one.gif")),
                "one.gif",
                (Some("one-1.gif"), Some("1")),
                "cid:one-1.gif",
            ),
            (
                part("image/gif", None, None, Some("приём.gif")),
                "приём.gif",
                (Some("_____.gif"), None),
                "cid:_____.gif",
            ),
            (
                part("image/gif", None, None, Some("a b.gif")),
                "a%20b.gif",
                (None, Some("a%20b.gif")),
                "a%20b.gif",
            ),
        ] {
            let mut media = [presentation(&[src]), before];
            assert!(may_go_by_name(&media));
            make_names_resolvable(&mut media);
            let after = (media[1].content_id.as_deref(), media[1].content_location.as_deref());
            assert_eq!((after, shown(&media)), (expected, vec![shown_after.to_owned()]), "{src}");
            let by = smil::look_up(&media, shown_after).map(|(place, by)| (place, by != FoundBy::Name));
            assert_eq!(by, Some((1, true)), "{src}");
        }
    }

    #[test]
    fn what_is_found_already_stays() {
        let named = Media {
            content_type: ContentType::new("image/gif").with_param("name", "b.gif"),
            ..part("image/gif", Some("a.gif"), None, None)
        };
        let mut media = [
            presentation(&["cid:a.gif", "c.gif"]),
            named,
            part("image/gif", None, Some("c.gif"), Some("d.gif")),
        ];
        let before = media.clone();
        assert!(may_go_by_name(&media));
        assert_eq!(make_names_resolvable(&mut media), [""; 0]);
        assert_eq!(media, before);
        let same = [presentation(&["a.gif"]), part("image/gif", Some("a.gif"), Some("a.gif"), Some("a.gif"))];
        assert!(!may_go_by_name(&same), "every name is the Content-ID");
    }
}
