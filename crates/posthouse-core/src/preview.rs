//! What a handset would show of a message: its slides as the SMIL says, or as one would say that is made where there is none, and what no
//! slide shows. It only says what is shown where; nothing of the content is obeyed.

use mm7::{Limits, mime::Media, smil, sniff::sniff};

use crate::bounds::cut;

/// The most slides that are told.
pub const SLIDES: usize = 50;
/// The longest text of a part that is told, in characters.
pub const TEXT: usize = 4000;
/// The longest text part that is decoded, in bytes: what is beyond could not be told anyway.
const TEXT_BYTES: usize = 4 * TEXT;

/// As what a part is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShownKind {
    /// A picture that browsers know.
    Picture,
    /// A text.
    Text,
    /// Sound.
    Sound,
    /// A video.
    Video,
    /// The presentation itself.
    Presentation,
    /// Anything else.
    Other,
}

impl ShownKind {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Picture => "picture",
            Self::Text => "text",
            Self::Sound => "sound",
            Self::Video => "video",
            Self::Presentation => "presentation",
            Self::Other => "other",
        }
    }
}

/// Pictures that browsers show, and that hold nothing but a picture.
const PICTURES: &[&str] = &["image/jpeg", "image/png", "image/gif", "image/webp", "image/bmp"];

/// A part, looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenPart {
    /// As what it is shown.
    pub kind: ShownKind,
    /// Its real type, by its bytes.
    pub content_type: String,
    /// Its text, of a text.
    pub text: Option<String>,
    /// Whether the text goes on.
    pub is_cut: bool,
}

/// What is shown of a message. Parts are named by their places, from 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preview {
    /// Each part.
    pub parts: Vec<SeenPart>,
    /// The parts of each slide.
    pub slides: Vec<Vec<usize>>,
    /// What no slide shows, without the presentation.
    pub others: Vec<usize>,
    /// What a slide names and the message does not have.
    pub missing: Vec<String>,
}

impl Preview {
    /// Of this content.
    pub fn of(media: &[Media]) -> Self {
        let limits = Limits::default();
        let parts: Vec<SeenPart> = media.iter().map(seen).collect();
        let is_presentation = |part: &SeenPart| part.kind == ShownKind::Presentation;
        let own = media.iter().zip(&parts).find(|(_, part)| is_presentation(part));
        let slides = match own {
            Some((smil, _)) => smil::slides(&smil.bytes, &limits),
            None => smil::slides(smil::generate(media).as_bytes(), &limits),
        };
        let mut preview = Self { parts, ..Self::default() };
        for slide in slides.unwrap_or_default().into_iter().take(SLIDES) {
            preview.add(media, slide.into_iter().map(|reference| reference.src));
        }
        let is_shown = |place: &usize| preview.slides.iter().flatten().any(|shown| shown == place);
        let left = preview.parts.iter().enumerate().filter(|(_, part)| !is_presentation(part));
        preview.others = left.map(|(place, _)| place).filter(|place| !is_shown(place)).collect();
        preview
    }

    fn add(&mut self, media: &[Media], names: impl Iterator<Item = String>) {
        let mut slide = Vec::new();
        for name in names {
            match smil::look_up(media, &name) {
                Some((place, _)) if slide.contains(&place) => {}
                Some((place, _)) => slide.push(place),
                None if self.missing.len() < SLIDES => self.missing.push(cut(&name, 200).to_owned()),
                None => {}
            }
        }
        if !slide.is_empty() {
            self.slides.push(slide);
        }
    }
}

fn seen(media: &Media) -> SeenPart {
    let real = sniff(&media.bytes, Some(&media.content_type));
    let kind = match (real.main_type(), real.essence()) {
        (_, essence) if PICTURES.contains(&essence) => ShownKind::Picture,
        (_, "application/smil") => ShownKind::Presentation,
        ("text", _) => ShownKind::Text,
        ("audio", _) => ShownKind::Sound,
        ("video", _) => ShownKind::Video,
        _ => ShownKind::Other,
    };
    let (text, is_cut) = match kind {
        ShownKind::Text => {
            let head =
                Media { bytes: media.bytes.slice(..media.bytes.len().min(TEXT_BYTES)), ..media.clone() };
            let whole = head.text();
            let short = cut(&whole, TEXT);
            let is_cut = short.len() < whole.len() || head.bytes.len() < media.bytes.len();
            (Some(short.to_owned()), is_cut)
        }
        _ => (None, false),
    };
    SeenPart { kind, content_type: real.essence().to_owned(), text, is_cut }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use mm7::mime::ContentType;

    use super::*;

    fn part(content_type: &str, name: &str, bytes: impl Into<Bytes>) -> Media {
        Media {
            content_type: ContentType::new(content_type),
            content_id: Some(name.to_owned()),
            content_location: None,
            name: None,
            bytes: bytes.into(),
        }
    }

    #[test]
    fn slides_are_those_of_the_presentation_and_the_rest_is_told() {
        let smil = "<smil><body><par><img src='cid:a.gif'/><text src='a.txt'/></par>\
                    <par><text src='cid:b.txt'/><audio src='cid:none.amr'/></par></body></smil>";
        let media = [
            part("application/smil", "s.smil", smil),
            part("image/jpeg", "a.gif", &b"GIF89a..."[..]),
            part("text/plain", "a.txt", "one"),
            part("text/plain", "b.txt", "<script>alert(1)</script>"),
            part("text/x-vcard", "c.vcf", "BEGIN:VCARD\r\nEND:VCARD\r\n"),
        ];
        let preview = Preview::of(&media);
        assert_eq!(preview.slides, [vec![1, 2], vec![3]]);
        assert_eq!((preview.others, preview.missing), (vec![4], vec!["cid:none.amr".to_owned()]));
        let kinds: Vec<_> = preview.parts.iter().map(|part| part.kind.as_str()).collect();
        assert_eq!(kinds, ["presentation", "picture", "text", "text", "text"]);
        assert_eq!(preview.parts[1].content_type, "image/gif", "what it is, and not what it is called");
        assert_eq!(
            preview.parts[3].text.as_deref(),
            Some("<script>alert(1)</script>"),
            "a text, whatever is in it"
        );
    }

    #[test]
    fn without_a_presentation_one_is_made_and_what_is_no_picture_is_none() {
        let svg = "<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>";
        let media = [
            part("image/png", "x.svg", svg),
            part("text/plain", "a.txt", "x".repeat(TEXT + 1)),
            part("application/smil", "broken.smil", "<smil><par>"),
        ];
        let preview = Preview::of(&media);
        assert_ne!(preview.parts[0].kind, ShownKind::Picture);
        assert!(preview.parts[1].is_cut);
        assert_eq!(preview.parts[1].text.as_ref().map(String::len), Some(TEXT));
        assert_eq!(Preview::of(&[]), Preview::default());
    }
}
