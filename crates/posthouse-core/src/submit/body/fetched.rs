//! Puts content that was fetched in the place of its URLs.

use std::collections::HashMap;

use bytes::Bytes;
use mm7::{
    DecodeError, Dialect, Limits, Rule,
    mime::{ContentType, Media},
    smil,
    sniff::sniff,
};

use super::content::ContentFacts;
use super::name::free_name;
use super::order::{add_new, put_in_order, resolve};
use crate::url::HttpUrl;

/// What a URL gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Fetched {
    /// The URL, as the content names it.
    pub url: String,
    /// Where it was found at last, redirects followed: relative references in it begin there.
    pub found_at: HttpUrl,
    /// The type that its server declares.
    pub declared: Option<ContentType>,
    /// The content.
    pub bytes: Bytes,
}

/// Makes parts of what was fetched, and lets SMIL refer to them by `cid:`, which handsets understand.
///
/// The types are the real ones ([`sniff`]). A SMIL comes first, the rest behind what is there, in the order of `fetched`. A SMIL that was fetched may name URLs in its turn, absolute or
/// relative: then they are the result's `urls`, to be fetched and put in place as well.
///
/// # Errors
/// A SMIL that was fetched cannot be read or names a part that is not there; the content still has no SMIL and the dialect requires
/// one; or more parts than `limits` allow.
pub fn insert_fetched(
    content: &ContentFacts,
    fetched: &[Fetched],
    dialect: &Dialect,
    limits: &Limits,
) -> Result<ContentFacts, DecodeError> {
    if content.media.len() + fetched.len() > limits.max_parts {
        return Err(DecodeError::new(Rule::TooManyParts, 0, format!("more than {} parts", limits.max_parts)));
    }
    let mut inserted = ContentFacts { urls: Vec::new(), ..content.clone() };
    let mut ids = HashMap::new();
    let mut urls = Vec::new();
    for one in fetched {
        let mut part = part(one, &inserted.media);
        inserted.notes.push(note(one, &part));
        if part.content_type.is_smil() {
            part.bytes = with_absolute_urls(&part.bytes, &one.found_at, &content.media, limits)?;
            add_new(&mut urls, resolve(&part, &content.media, limits)?.external);
        }
        ids.insert(one.url.as_str(), part.name.clone().unwrap_or_default());
        let place = if part.content_type.is_smil() { 0 } else { inserted.media.len() };
        inserted.media.insert(place, part);
    }
    for part in inserted.media.iter_mut().filter(|part| part.content_type.is_smil()) {
        refer_to_parts(part, &ids, limits)?;
    }
    urls.retain(|url| !ids.contains_key(url.as_str()));
    inserted.urls = urls;
    if inserted.urls.is_empty() {
        inserted.require_smil(dialect)?;
        if let Some(presentation) = inserted.presentation() {
            let shown = resolve(presentation, &inserted.media, limits)?.shown;
            put_in_order(&mut inserted, &shown);
        }
    }
    Ok(inserted)
}

/// A part of what was fetched. Its name is its Content-ID and Content-Location as well: handsets differ in which they go by. The
/// URL itself does not go on to the recipient: it may be signed for the gateway alone.
fn part(fetched: &Fetched, media: &[Media]) -> Media {
    let content_type = sniff(&fetched.bytes, fetched.declared.as_ref());
    let name = free_name(fetched.found_at.file_name(), content_type.essence(), media);
    Media {
        content_type,
        content_id: Some(name.clone()),
        content_location: Some(name.clone()),
        name: Some(name),
        bytes: fetched.bytes.clone(),
    }
}

fn note(fetched: &Fetched, part: &Media) -> String {
    let name = part.name.as_deref().unwrap_or_default();
    let essence = part.content_type.essence();
    let mut note =
        format!("fetched {name} from {}: {essence}, {} bytes", fetched.found_at.host(), part.bytes.len());
    match &fetched.declared {
        Some(declared) if declared.essence() != essence => {
            note.push_str(&format!(", declared as {}", declared.essence()));
        }
        _ => {}
    }
    note
}

/// A fetched SMIL whose relative references are absolute URLs, but for those that name a part of the message.
fn with_absolute_urls(
    presentation: &[u8],
    base: &HttpUrl,
    media: &[Media],
    limits: &Limits,
) -> Result<Bytes, DecodeError> {
    let absolute = |src: &str| {
        let is_relative = smil::find(media, src).is_none() && !src.to_ascii_lowercase().starts_with("cid:");
        is_relative.then(|| base.join(src).ok()).flatten().map(|url| url.to_string())
    };
    smil::rewrite(presentation, limits, absolute).map(Bytes::from)
}

/// Lets a SMIL refer to parts by their ids instead of their URLs. One that names none of these URLs stays as it came, to the byte.
fn refer_to_parts(part: &mut Media, ids: &HashMap<&str, String>, limits: &Limits) -> Result<(), DecodeError> {
    let named = smil::references(&part.bytes, limits)?;
    if named.iter().any(|reference| ids.contains_key(reference.src.as_str())) {
        part.bytes =
            smil::rewrite(&part.bytes, limits, |src| ids.get(src).map(|id| format!("cid:{id}")))?.into();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIF: &[u8] = b"GIF89a\x01\0\x01\0\0\0\0;";
    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR";

    fn got(url: &str, found_at: &str, bytes: &[u8]) -> Fetched {
        let found_at = HttpUrl::parse(found_at).unwrap();
        Fetched { url: url.to_owned(), found_at, declared: None, bytes: Bytes::copy_from_slice(bytes) }
    }

    fn came(essence: &str, id: &str, bytes: &str) -> Media {
        Media {
            content_type: ContentType::new(essence),
            content_id: Some(id.to_owned()),
            content_location: None,
            name: None,
            bytes: Bytes::copy_from_slice(bytes.as_bytes()),
        }
    }

    fn content(media: Vec<Media>) -> ContentFacts {
        ContentFacts { media, urls: vec!["x".to_owned()], notes: Vec::new(), may_adapt: true }
    }

    fn insert(content: &ContentFacts, fetched: &[Fetched]) -> Result<ContentFacts, Rule> {
        insert_fetched(content, fetched, Dialect::POSTHOUSE, &Limits::default()).map_err(|error| error.rule)
    }

    fn ids(content: &ContentFacts) -> Vec<&str> {
        content.media.iter().map(|media| media.content_id.as_deref().unwrap()).collect()
    }

    fn text(media: &Media) -> &str {
        std::str::from_utf8(&media.bytes).unwrap()
    }

    #[test]
    fn what_is_fetched_becomes_a_part_of_its_real_type() {
        let declared = ContentType::parse("text/plain; charset=x").ok();
        let fetched =
            Fetched { declared, ..got("http://a.example/1", "http://b.example/p/a%20b.php?id=1", GIF) };
        let inserted = insert(&content(Vec::new()), &[fetched]).unwrap();
        let expected = Media {
            content_type: ContentType::new("image/gif"),
            content_id: Some("a_20b.gif".to_owned()),
            content_location: Some("a_20b.gif".to_owned()),
            name: Some("a_20b.gif".to_owned()),
            bytes: Bytes::from_static(GIF),
        };
        assert_eq!(inserted.media, [expected]);
        assert_eq!(inserted.urls, [""; 0]);
        assert_eq!(
            inserted.notes,
            ["fetched a_20b.gif from b.example: image/gif, 14 bytes, declared as text/plain"]
        );
    }

    #[test]
    fn a_presentation_refers_to_parts_afterwards() {
        let smil = "<smil><img src='http://m.example/a.gif?x&amp;y'/><img src='cid:b'/><img src=\"http://m.example/c\"/>\
                    <img src='http://m.example/a.gif?x&amp;y'/><a href='http://m.example/c'/></smil>";
        let came = [came("application/smil", "s", smil), came("image/gif", "b", "b")];
        let fetched = [
            got("http://m.example/a.gif?x&y", "http://m.example/a.gif?x&y", GIF),
            got("http://m.example/c", "http://m.example/c", PNG),
        ];
        let inserted = insert(&content(came.to_vec()), &fetched).unwrap();
        assert_eq!(ids(&inserted), ["s", "a.gif", "b", "c.png"]);
        assert_eq!(
            text(&inserted.media[0]),
            "<smil><img src=\"cid:a.gif\"/><img src='cid:b'/><img src=\"cid:c.png\"/>\
             <img src=\"cid:a.gif\"/><a href='http://m.example/c'/></smil>"
        );
        assert_eq!(inserted.media[2], came[1]);
        for reference in smil::references(&inserted.media[0].bytes, &Limits::default()).unwrap() {
            assert!(smil::find(&inserted.media, &reference.src).is_some(), "{}", reference.src);
        }
    }

    #[test]
    fn names_are_free_and_plain() {
        let came = came("image/gif", "a.GIF", "");
        let located = Media { content_location: Some("content.gif".to_owned()), ..came.clone() };
        let urls =
            ["http://m/a.gif", "http://m/b/a.jpeg", "http://m/", "http://m/%22%0d.gif", "http://m/../..%2f"];
        let fetched = urls.map(|url| got(url, url, GIF));
        let inserted = insert(&content(vec![came, located]), &fetched).unwrap();
        assert_eq!(ids(&inserted)[2..], ["a-1.gif", "a-2.gif", "content-1.gif", "_22_0d.gif", "_.gif"]);
        let long = format!("http://m/{}.gif", "x".repeat(100));
        assert_eq!(
            ids(&insert(&content(Vec::new()), &[got(&long, &long, GIF)]).unwrap()),
            ["x".repeat(40) + ".gif"]
        );
    }

    #[test]
    fn a_fetched_presentation_names_more() {
        let smil = "<smil><img src='a.gif'/><img src='/b.gif'/><img src='cid:c'/><img src='http://n.example/d'/>\
                    <img src='e.gif'/></smil>";
        let came = vec![came("image/gif", "c", "c"), came("image/gif", "e.gif", "e")];
        let first = got("http://m.example/1", "https://m.example/p/show.smil", smil.as_bytes());
        let inserted = insert(&content(came), &[first]).unwrap();
        assert_eq!(ids(&inserted), ["show.smil", "c", "e.gif"]);
        let urls = ["https://m.example/p/a.gif", "https://m.example/b.gif", "http://n.example/d"];
        assert_eq!(inserted.urls, urls);

        let complete = insert(&inserted, &urls.map(|url| got(url, url, GIF))).unwrap();
        assert_eq!(ids(&complete), ["show.smil", "a.gif", "b.gif", "c", "d.gif", "e.gif"]);
        assert_eq!(
            text(&complete.media[0]),
            "<smil><img src=\"cid:a.gif\"/><img src=\"cid:b.gif\"/><img src='cid:c'/><img src=\"cid:d.gif\"/>\
             <img src='e.gif'/></smil>"
        );
        assert_eq!(complete.urls, [""; 0]);
        assert_eq!(complete.notes.len(), 5);
    }

    #[test]
    fn what_is_no_content_is_refused() {
        let show = |smil: &str| got("http://m/s", "http://m/s", smil.as_bytes());
        assert_eq!(
            insert(&content(Vec::new()), &[show("<smil><img src='cid:a'/></smil>")]),
            Err(Rule::SmilReference)
        );
        let many = vec![came("image/gif", "a", ""); 256];
        assert_eq!(insert(&content(many), &[got("http://m/a", "http://m/a", GIF)]), Err(Rule::TooManyParts));
    }

    #[test]
    fn a_presentation_may_come_by_url_where_one_is_required() {
        let sinch = Dialect::by_name("sinch").unwrap();
        let insert = |bytes| {
            let fetched = [got("http://m/a", "http://m/a", bytes)];
            insert_fetched(&content(Vec::new()), &fetched, sinch, &Limits::default())
                .map_err(|error| error.rule)
        };
        assert_eq!(insert(GIF), Err(Rule::SmilForm));
        assert_eq!(ids(&insert(b"<smil/>").unwrap()), ["a.smil"]);
        // What it names is still to come.
        assert_eq!(insert(b"<smil><img src='b'/></smil>").unwrap().urls, ["http://m/b"]);
    }
}
