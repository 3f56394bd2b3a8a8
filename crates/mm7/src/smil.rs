//! SMIL presentations of an MMS (SMIL 2.0 as narrowed by the OMA MMS conformance document): which parts one refers to,
//! and a plain one for messages that come without.

use std::borrow::Cow;

use crate::mime::{ContentType, Media, bare_id, cid, identifies, names, without_scheme};
use crate::text::{excerpt, scheme};
use crate::xml::characters::{attribute_value, escape};
use crate::xml::charset;
use crate::xml::scan::{InTag, Scanner, Token};
use crate::{DecodeError, Limits, Rule};

/// The elements whose `src` is content to be shown. Links (`a`) and `param` are not among them.
const MEDIA_ELEMENTS: [&str; 7] = ["img", "text", "audio", "video", "ref", "animation", "textstream"];

/// One `src` of a presentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The value, trimmed; never empty.
    pub src: String,
    /// The byte offset of its element, in the SMIL as UTF-8.
    pub offset: usize,
}

impl Reference {
    /// Whether it leads out of the message: a URL of any scheme but `cid:`, or one that begins with `//`. A part may
    /// have such a URL as its Content-Location: ask [`find`] first.
    pub fn is_external(&self) -> bool {
        // One letter is a drive, not a scheme.
        let has_scheme = || scheme(&self.src).is_some_and(|scheme| scheme.len() > 1);
        self.src.starts_with("//") || (without_scheme(&self.src).is_none() && has_scheme())
    }
}

/// Whether a part of this type is a SMIL presentation.
pub fn is_smil(content_type: &ContentType) -> bool {
    content_type.is_smil()
}

/// Every reference to content, in document order. A DOCTYPE is passed over, and nothing it declares is expanded.
///
/// # Errors
/// [`Rule::SmilForm`]: not well-formed, not a `smil` element, or beyond the limits for XML documents.
pub fn references(smil: &[u8], limits: &Limits) -> Result<Vec<Reference>, DecodeError> {
    Ok(scan(smil, limits)?.0)
}

/// The references that are shown together, slide by slide (`par`), in document order. What stands before the first slide is one of its own;
/// slides without content are left out.
///
/// ```
/// let smil = b"<smil><body><par><img src='a.gif'/><text src='a.txt'/></par><par><img src='b.gif'/></par></body></smil>";
/// let slides = mm7::smil::slides(smil, &mm7::Limits::default())?;
/// let shown: Vec<Vec<&str>> = slides.iter().map(|slide| slide.iter().map(|one| one.src.as_str()).collect()).collect();
/// assert_eq!(shown, [vec!["a.gif", "a.txt"], vec!["b.gif"]]);
/// # Ok::<(), mm7::DecodeError>(())
/// ```
///
/// # Errors
/// Those of [`references`].
pub fn slides(smil: &[u8], limits: &Limits) -> Result<Vec<Vec<Reference>>, DecodeError> {
    let (found, begins) = scan(smil, limits)?;
    let mut slides: Vec<Vec<Reference>> = Vec::new();
    let mut begins = begins.into_iter().peekable();
    for (place, reference) in found.into_iter().enumerate() {
        let mut is_new = slides.is_empty();
        while begins.next_if(|begin| *begin <= place).is_some() {
            is_new = true;
        }
        match slides.last_mut().filter(|_| !is_new) {
            Some(slide) => slide.push(reference),
            None => slides.push(vec![reference]),
        }
    }
    Ok(slides)
}

/// Every reference, and how many of them stand before each slide.
fn scan(smil: &[u8], limits: &Limits) -> Result<(Vec<Reference>, Vec<usize>), DecodeError> {
    if smil.len() > limits.max_envelope {
        return Err(broken(0, "the SMIL is too long"));
    }
    let text = decode(smil);
    let mut scan =
        SmilScan { limits, open: Vec::new(), seen_root: false, found: Vec::new(), slides: Vec::new() };
    let mut scanner = Scanner::lenient(&text);
    while let Some(token) = scanner.next().map_err(ill_formed)? {
        match token {
            Token::Start(name) => scan.start(name, &mut scanner)?,
            Token::End(name) => scan.end(name, scanner.offset())?,
            Token::Text(_) | Token::CData(_) | Token::Reference(_) => {}
        }
    }
    scan.finish(text.len())
}

fn broken(offset: usize, what: impl Into<String>) -> DecodeError {
    DecodeError::new(Rule::SmilForm, offset, what)
}

fn ill_formed(fault: DecodeError) -> DecodeError {
    broken(fault.offset, format!("the SMIL is not well-formed: {}", fault.what))
}

/// A name without its prefix.
fn local_name(name: &str) -> &str {
    name.split_once(':').map_or(name, |(_, local)| local)
}

/// Whether an attribute is `src`, with any prefix and in any case.
fn is_src(name: &str) -> bool {
    local_name(name).eq_ignore_ascii_case("src")
}

/// What has been read of a presentation.
struct SmilScan<'a> {
    limits: &'a Limits,
    /// The elements that are not closed yet.
    open: Vec<&'a str>,
    seen_root: bool,
    found: Vec<Reference>,
    /// How many references stand before each `par`.
    slides: Vec<usize>,
}

impl<'a> SmilScan<'a> {
    /// Reads a start tag to its end.
    fn start(&mut self, name: &'a str, scanner: &mut Scanner<'a>) -> Result<(), DecodeError> {
        let offset = scanner.offset();
        let local = local_name(name);
        if self.open.is_empty() {
            self.root(local, offset)?;
        }
        if self.open.len() >= self.limits.max_depth {
            return Err(broken(offset, "the elements of the SMIL are nested too deeply"));
        }
        if local.eq_ignore_ascii_case("par") {
            self.slides.push(self.found.len());
        }
        let (src, is_empty) = self.src(scanner)?;
        let is_media = MEDIA_ELEMENTS.iter().any(|known| local.eq_ignore_ascii_case(known));
        if let Some(src) = src.filter(|_| is_media) {
            self.found.push(Reference { src, offset });
        }
        if !is_empty {
            self.open.push(name);
        }
        Ok(())
    }

    fn root(&mut self, name: &str, offset: usize) -> Result<(), DecodeError> {
        if self.seen_root || !name.eq_ignore_ascii_case("smil") {
            return Err(broken(offset, "the SMIL is not one smil element"));
        }
        self.seen_root = true;
        Ok(())
    }

    /// The value of `src`, and whether the element has no contents; checks every attribute on the way.
    fn src(&self, scanner: &mut Scanner<'a>) -> Result<(Option<String>, bool), DecodeError> {
        let mut src = None;
        let mut count = 0;
        let is_empty = loop {
            let (name, value) = match scanner.in_tag().map_err(ill_formed)? {
                InTag::Attribute(name, value) => (name, value),
                InTag::Open => break false,
                InTag::Empty => break true,
            };
            if name.is_empty() {
                return Err(broken(
                    scanner.offset(),
                    "the SMIL is not well-formed: an attribute has no name",
                ));
            }
            if count >= self.limits.max_attributes || value.len() > self.limits.max_text {
                let what = "an element of the SMIL has too many or too long attributes";
                return Err(broken(scanner.offset(), what));
            }
            count += 1;
            if src.is_none() && is_src(name) {
                src = Some(resolved(value).trim().to_owned());
            }
        };
        Ok((src.filter(|src| !src.is_empty()), is_empty))
    }

    fn end(&mut self, name: &str, offset: usize) -> Result<(), DecodeError> {
        let found = excerpt(name);
        match self.open.pop() {
            Some(open) if open == name => Ok(()),
            Some(open) => {
                let what = format!("</{found}> stands where </{}> should", excerpt(open));
                Err(ill_formed(DecodeError::ill_formed(offset, what)))
            }
            None => Err(ill_formed(DecodeError::ill_formed(offset, format!("</{found}> closes nothing")))),
        }
    }

    fn finish(self, offset: usize) -> Result<(Vec<Reference>, Vec<usize>), DecodeError> {
        if !self.open.is_empty() {
            return Err(broken(offset, "the SMIL ends within an element"));
        }
        if !self.seen_root {
            return Err(broken(offset, "the SMIL is not one smil element"));
        }
        Ok((self.found, self.slides))
    }
}

/// A value with its references resolved. One that cannot be stands for itself, and the whole value with it: nothing is expanded.
fn resolved(value: &str) -> Cow<'_, str> {
    // Peers leave `<` as it is.
    let pieces: Result<Vec<_>, _> = value.split('<').map(attribute_value).collect();
    match pieces.as_deref() {
        Ok([only]) => only.clone(),
        Ok(pieces) => Cow::Owned(pieces.join("<")),
        Err(_) => Cow::Borrowed(value),
    }
}

/// The same presentation with other references: `to` is asked for each, in document order, and `None` leaves it. Only the
/// elements whose reference changes are written anew. What came in another encoding than UTF-8 is UTF-8 afterwards, and has no XML
/// declaration, which would say otherwise.
///
/// ```
/// let smil = mm7::smil::rewrite(
///     b"<smil><img src='http://media.example/a.gif' region='x'/><img src='b.gif'/></smil>",
///     &mm7::Limits::default(),
///     |src| src.ends_with("/a.gif").then(|| "cid:a.gif".to_owned()),
/// )?;
/// assert_eq!(smil, r#"<smil><img src="cid:a.gif" region="x"/><img src='b.gif'/></smil>"#);
/// # Ok::<(), mm7::DecodeError>(())
/// ```
///
/// # Errors
/// Those of [`references`].
pub fn rewrite(
    smil: &[u8],
    limits: &Limits,
    mut to: impl FnMut(&str) -> Option<String>,
) -> Result<String, DecodeError> {
    let found = references(smil, limits)?;
    let text = decode(smil);
    let mut written = String::with_capacity(text.len());
    let mut copied = if matches!(text, Cow::Owned(_)) { end_of_declaration(&text) } else { 0 };
    for reference in found {
        let Some(src) = to(&reference.src) else { continue };
        let Some((element, end)) = with_src(&text, reference.offset, &src) else { continue };
        written.push_str(text.get(copied..reference.offset).unwrap_or_default());
        written.push_str(&element);
        copied = end;
    }
    written.push_str(text.get(copied..).unwrap_or_default());
    Ok(written)
}

/// Where the XML declaration ends; 0 where there is none.
fn end_of_declaration(text: &str) -> usize {
    let declaration = text.starts_with("<?xml").then(|| text.find("?>")).flatten();
    declaration.map_or(0, |end| end + "?>".len())
}

/// The element at this place with another `src`, and where its tag ended.
fn with_src(text: &str, offset: usize, src: &str) -> Option<(String, usize)> {
    let mut scanner = Scanner::lenient(text.get(offset..)?);
    let Ok(Some(Token::Start(name))) = scanner.next() else { return None };
    let mut written = format!("<{name}");
    let mut replaced = false;
    loop {
        match scanner.in_tag().ok()? {
            InTag::Open => written.push('>'),
            InTag::Empty => written.push_str("/>"),
            InTag::Attribute(name, value) => {
                let is_replaced = !replaced && is_src(name);
                replaced |= is_replaced;
                // What stood between single quotes may hold double ones.
                let value = if is_replaced { escape(src) } else { value.replace('"', "&quot;").into() };
                written.push_str(&format!(" {name}=\"{value}\""));
                continue;
            }
        }
        return Some((written, offset + scanner.position()));
    }
}

/// The text of a presentation, by its byte order mark or its declaration. Bytes of no encoding that it claims become
/// U+FFFD: names of parts are ASCII nearly always, and nothing else of the text matters here.
fn decode(smil: &[u8]) -> Cow<'_, str> {
    charset::to_text(smil, None).map_or_else(|_| String::from_utf8_lossy(smil), |text| text.text)
}

/// By which of its names a part is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FoundBy {
    /// Content-ID.
    Id,
    /// Content-Location.
    Location,
    /// A name that handsets do not look at for such a reference: the file name, or a Content-Location behind `cid:`.
    Name,
}

/// The media that a `src` names: by Content-ID with or without `cid:`, else by Content-Location, else by file name.
pub fn find<'a>(media: &'a [Media], src: &str) -> Option<&'a Media> {
    media.get(look_up(media, src)?.0)
}

/// The place of the media that [`find`] finds, and by what.
pub fn look_up(media: &[Media], src: &str) -> Option<(usize, FoundBy)> {
    let id = bare_id(src);
    let location = without_dot(src.trim());
    if id.is_empty() {
        return None;
    }
    let by_id = |part: &Media| part.content_id.as_deref().is_some_and(|known| identifies(id, known));
    let by_location = |part: &Media| {
        part.content_location.as_deref().is_some_and(|known| names(location, without_dot(known)))
    };
    let by_name = |part: &Media| {
        let of_type = part.content_type.param("name");
        let known = [part.name.as_deref(), of_type, part.content_location.as_deref()];
        known.into_iter().flatten().any(|known| names(location, known) || names(id, known))
    };
    let place = |is_meant: &dyn Fn(&Media) -> bool| media.iter().position(is_meant);
    let found = place(&by_id).map(|place| (place, FoundBy::Id));
    let found = found.or_else(|| Some((place(&by_location)?, FoundBy::Location)));
    found.or_else(|| Some((place(&by_name)?, FoundBy::Name)))
}

fn without_dot(url: &str) -> &str {
    url.strip_prefix("./").unwrap_or(url)
}

/// The kinds of content that a page has one place for each of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Image,
    Video,
    Audio,
    Text,
}

impl Kind {
    /// The kind that a part is shown as; `None` for what a presentation cannot show (a business card, the SMIL itself).
    fn of(content_type: &ContentType) -> Option<Self> {
        match (content_type.main_type(), content_type.essence()) {
            ("image", _) => Some(Self::Image),
            ("video", _) => Some(Self::Video),
            ("audio", _) => Some(Self::Audio),
            (_, "text/plain" | "text/html") => Some(Self::Text),
            _ => None,
        }
    }

    const fn element(self) -> &'static str {
        match self {
            Self::Image => "img",
            Self::Video => "video",
            Self::Audio => "audio",
            Self::Text => "text",
        }
    }

    const fn region(self) -> Option<&'static str> {
        match self {
            Self::Image | Self::Video => Some("Image"),
            Self::Audio => None,
            Self::Text => Some("Text"),
        }
    }

    /// Whether both can stand on one page: each region holds one thing, and a video has a sound of its own.
    fn goes_with(self, other: Self) -> bool {
        let seen_and_heard = matches!((self, other), (Self::Video, Self::Audio) | (Self::Audio, Self::Video));
        self != other && !seen_and_heard && (self.region().is_none() || self.region() != other.region())
    }

    /// Whether it says itself how long it lasts.
    const fn has_duration(self) -> bool {
        matches!(self, Self::Video | Self::Audio)
    }
}

/// A presentation for media that come without one: a page (`par`) for each picture or video, with the text and sound
/// that follow it. Media that cannot be shown, or have neither Content-ID, Content-Location nor name to refer to them
/// by, are left out.
///
/// ```
/// use bytes::Bytes;
/// use mm7::mime::{ContentType, Media};
/// let text = Media {
///     content_type: ContentType::new("text/plain"),
///     content_id: Some("hello.txt".to_owned()),
///     content_location: None,
///     name: None,
///     bytes: Bytes::from("hello"),
/// };
/// assert!(mm7::smil::generate(&[text]).contains(r#"<par dur="5000ms"><text src="cid:hello.txt" region="Text"/></par>"#));
/// ```
pub fn generate(media: &[Media]) -> String {
    let pages = pages(media);
    let shows = |region| pages.iter().flatten().any(|(kind, _)| kind.region() == Some(region));
    let mut smil = String::from("<smil><head><layout><root-layout/>");
    smil.push_str(match (shows("Image"), shows("Text")) {
        (true, true) => concat!(
            r#"<region id="Image" left="0" top="0" width="100%" height="70%" fit="meet"/>"#,
            r#"<region id="Text" left="0" top="70%" width="100%" height="30%" fit="scroll"/>"#
        ),
        (true, false) => r#"<region id="Image" left="0" top="0" width="100%" height="100%" fit="meet"/>"#,
        (false, true) => r#"<region id="Text" left="0" top="0" width="100%" height="100%" fit="scroll"/>"#,
        (false, false) => "",
    });
    smil.push_str("</layout></head><body>");
    for page in &pages {
        write_page(page, &mut smil);
    }
    smil.push_str("</body></smil>");
    smil
}

/// What stands on one page: each thing's kind and `src`.
type Page = Vec<(Kind, String)>;

fn pages(media: &[Media]) -> Vec<Page> {
    let mut pages: Vec<Page> = Vec::new();
    for part in media {
        let Some((kind, src)) = Kind::of(&part.content_type).zip(reference_to(part)) else { continue };
        match pages.last_mut().filter(|page| page.iter().all(|(other, _)| kind.goes_with(*other))) {
            Some(page) => page.push((kind, src)),
            None => pages.push(vec![(kind, src)]),
        }
    }
    pages
}

/// Whether [`generate`] shows content of this type.
pub fn is_shown(content_type: &ContentType) -> bool {
    Kind::of(content_type).is_some()
}

/// The `src` under which [`generate`] shows a part: its Content-ID as a URL, else its Content-Location, else its name. Another part
/// may have the same: ask [`find`].
pub fn reference_to(media: &Media) -> Option<String> {
    let by_id = media.content_id.as_deref().map(cid);
    by_id.or_else(|| media.content_location.clone()).or_else(|| media.name.clone())
}

fn write_page(page: &Page, smil: &mut String) {
    let lasts_itself = page.iter().any(|(kind, _)| kind.has_duration());
    smil.push_str(if lasts_itself { "<par>" } else { r#"<par dur="5000ms">"# });
    for (kind, src) in page {
        let src = escape(src);
        smil.push_str(&format!(r#"<{} src="{src}""#, kind.element()));
        if let Some(region) = kind.region() {
            smil.push_str(&format!(r#" region="{region}""#));
        }
        smil.push_str("/>");
    }
    smil.push_str("</par>");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(smil: &[u8]) -> Result<Vec<String>, Rule> {
        let found = references(smil, &Limits::default()).map_err(|error| error.rule)?;
        Ok(found.into_iter().map(|reference| reference.src).collect())
    }

    /// The presentation with this body.
    fn presentation(body: &str) -> String {
        format!("<smil><body>{body}</body></smil>")
    }

    #[test]
    fn every_media_element_refers() {
        let body = "<par><img src='a'/><text src=\"b\" region='c'/></par><audio src=c></audio>"
            .replace("=c>", "=\"c\">")
            + "<video src='d'><area/></video><ref src='e'/><animation src='f'/><textstream src='g'/>";
        assert_eq!(sources(presentation(&body).as_bytes()).unwrap(), ["a", "b", "c", "d", "e", "f", "g"]);
    }

    #[test]
    fn links_and_parameters_do_not_refer() {
        let body = "<a href='http://x.example/'><img alt='x'/></a><param src='a'/><a src='b'/><img src=''/><text src=' '/>\
                    <!-- <img src='c'/> --><![CDATA[<img src='d'/>]]>";
        assert_eq!(sources(presentation(body).as_bytes()).unwrap(), [""; 0]);
    }

    #[test]
    fn references_say_where_they_are() {
        let found = references(b"<smil><par>\n<img src='a'/></par></smil>", &Limits::default()).unwrap();
        assert_eq!(found, [Reference { src: "a".to_owned(), offset: 12 }]);
    }

    #[test]
    fn spellings_of_peers_are_read() {
        for smil in [
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<smil><img src=\"a&amp;b\"/></smil>",
            "\u{feff}<smil xmlns=\"http://www.w3.org/2001/SMIL20/Language\"><img src='a&#38;b'/></smil>\r\n",
            "<s:smil xmlns:s='http://www.w3.org/2001/SMIL20/Language'><s:img src=' a&amp;b '/></s:smil>",
            "<SMIL><IMG SRC=\"a&#x26;b\"/></SMIL>",
            "<!DOCTYPE smil PUBLIC \"-//W3C//DTD SMIL 1.0//EN\" \"http://www.w3.org/TR/REC-smil/SMIL10.dtd\">\
             <smil><img src=\"a&amp;b\"/></smil>",
            "<!DOCTYPE smil [<!ENTITY x \"y\"><!ENTITY z SYSTEM \"file:///etc/passwd\">]><smil><img src=\"a&amp;b\"/></smil>",
            "<?xml version='1.0' encoding='UTF-16'?><smil><img src=\"a&amp;b\"/></smil>",
        ] {
            assert_eq!(sources(smil.as_bytes()).as_deref(), Ok(&["a&b".to_owned()][..]), "{smil}");
        }
    }

    #[test]
    fn other_encodings_are_read() {
        let text = "<smil><img src=\"a.gif\"/></smil>";
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for smil in
            [little.clone(), [b"\xff\xfe".to_vec(), little].concat(), [b"\xfe\xff".to_vec(), big].concat()]
        {
            assert_eq!(sources(&smil).unwrap(), ["a.gif"]);
        }
        let chinese = b"<?xml version=\"1.0\" encoding=\"gb2312\"?><smil><img src=\"\xc4\xe3.gif\"/></smil>";
        assert_eq!(sources(chinese).unwrap(), ["你.gif"]);
        assert_eq!(sources(b"<smil><img src=\"\xc4\xe3.gif\"/></smil>").unwrap(), ["\u{fffd}\u{fffd}.gif"]);
    }

    #[test]
    fn entities_are_never_expanded() {
        let smil = "<!DOCTYPE smil [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]><smil><img src=\"&b;\"/>&b;</smil>";
        assert_eq!(sources(smil.as_bytes()).unwrap(), ["&b;"]);
    }

    #[test]
    fn what_is_no_smil_is_refused() {
        for smil in [
            "",
            "hello",
            "<html/>",
            "<smil>",
            "<smil><par></smil>",
            "<smil></par></smil>",
            "<smil><img src='a'",
            "<smil><img src=a/></smil>",
            "<smil><img src='a/></smil>",
            "<smil/><smil/>",
            "<smil/><img src='a'/>",
            "<!-- <smil/> -->",
            "<!DOCTYPE smil [",
            "\u{0}\u{1}",
        ] {
            assert_eq!(sources(smil.as_bytes()), Err(Rule::SmilForm), "{smil}");
        }
    }

    #[test]
    fn presentations_are_bounded() {
        let limits =
            Limits { max_depth: 4, max_attributes: 3, max_text: 10, max_envelope: 200, ..Limits::default() };
        let rule = |smil: &str| {
            references(smil.as_bytes(), &limits).map_err(|error| error.rule).map(|found| found.len())
        };
        assert_eq!(rule("<smil><a><b><img src='x'/></b></a></smil>"), Ok(1));
        assert_eq!(rule("<smil><a><b><c><img src='x'/></c></b></a></smil>"), Err(Rule::SmilForm));
        assert_eq!(rule("<smil><img a='1' b='2' src='3'/></smil>"), Ok(1));
        assert_eq!(rule("<smil><img a='1' b='2' c='3' src='4'/></smil>"), Err(Rule::SmilForm));
        assert_eq!(rule("<smil><img src='0123456789'/></smil>"), Ok(1));
        assert_eq!(rule("<smil><img src='01234567890'/></smil>"), Err(Rule::SmilForm));
        assert_eq!(rule(&format!("<smil>{}</smil>", " ".repeat(187))), Ok(0));
        assert_eq!(rule(&format!("<smil>{}</smil>", " ".repeat(188))), Err(Rule::SmilForm));
        assert_eq!(sources("<smil>".repeat(100_000).as_bytes()), Err(Rule::SmilForm));
    }

    fn rewritten(smil: &[u8]) -> String {
        rewrite(smil, &Limits::default(), |src| src.starts_with("http:").then(|| "cid:a&b".to_owned()))
            .unwrap()
    }

    #[test]
    fn references_are_rewritten_and_the_rest_is_kept() {
        for (smil, expected) in [
            ("<smil><img src='b.gif' />\r\n</smil>", "<smil><img src='b.gif' />\r\n</smil>"),
            (
                "<?xml version='1.0'?><smil>\n<s:IMG alt='\"é\" &lt;' SRC = 'http://x/?a&amp;b'\n region=\"r\" /><!-- http: --></smil>\n",
                "<?xml version='1.0'?><smil>\n<s:IMG alt=\"&quot;é&quot; &lt;\" SRC=\"cid:a&amp;b\" region=\"r\"/><!-- http: --></smil>\n",
            ),
            (
                "<smil><video src='http://x/'><area src='http://y/'/></video><a src='http://z/'/><text src='http://x/'></text></smil>",
                "<smil><video src=\"cid:a&amp;b\"><area src='http://y/'/></video><a src='http://z/'/><text src=\"cid:a&amp;b\"></text></smil>",
            ),
        ] {
            assert_eq!(rewritten(smil.as_bytes()), expected);
        }
    }

    #[test]
    fn what_is_rewritten_is_utf_8() {
        let text =
            "<?xml version=\"1.0\" encoding=\"utf-16\"?><smil><img src=\"http://x/\" alt=\"你\"/></smil>";
        let expected = "<smil><img src=\"cid:a&amp;b\" alt=\"你\"/></smil>";
        let utf_16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(rewritten(&[b"\xff\xfe".to_vec(), utf_16].concat()), expected);
        let gbk = b"<?xml version='1.0' encoding='gbk'?><smil><img src='http://x/' alt='\xc4\xe3'/></smil>";
        assert_eq!(rewritten(gbk), expected);
    }

    #[test]
    fn external_references_are_told() {
        for (src, external) in [
            ("http://x.example/a.gif", true),
            ("HTTPS://x.example/a.gif", true),
            ("ftp://x.example/a.gif", true),
            ("file:///etc/passwd", true),
            ("data:text/plain,hi", true),
            ("//x.example/a.gif", true),
            ("cid:a.gif", false),
            ("CID: a.gif", false),
            ("a.gif", false),
            ("./pics/a.gif", false),
            ("/pics/a.gif", false),
            ("C:\\a.gif", false),
            ("1:2.gif", false),
            ("бал:a.gif", false),
        ] {
            assert_eq!(Reference { src: src.to_owned(), offset: 0 }.is_external(), external, "{src}");
        }
    }

    fn media(content_type: &str, id: Option<&str>) -> Media {
        Media {
            content_type: ContentType::parse(content_type).unwrap(),
            content_id: id.map(str::to_owned),
            content_location: None,
            name: None,
            bytes: bytes::Bytes::new(),
        }
    }

    #[test]
    fn sources_find_their_media() {
        let located =
            Media { content_location: Some("pics/b.gif".to_owned()), ..media("image/gif", Some("b")) };
        let named = Media { name: Some("c d.gif".to_owned()), ..media("image/gif; name=e.gif", None) };
        // An id wins over a name.
        let decoy = Media { name: Some("b".to_owned()), ..media("image/gif", None) };
        let all = [decoy, media("image/gif", Some("a@x")), located, named];
        for (src, place) in [
            ("cid:a@x", Some(1)),
            ("CID: <a@x>", Some(1)),
            ("a@x", Some(1)),
            ("cid:a%40x", Some(1)),
            ("b", Some(2)),
            ("pics/b.gif", Some(2)),
            ("./pics/b.gif", Some(2)),
            ("pics%2Fb.gif", Some(2)),
            ("c d.gif", Some(3)),
            ("c%20d.gif", Some(3)),
            ("e.gif", Some(3)),
            ("f.gif", None),
            ("cid:", None),
            ("", None),
        ] {
            let found =
                find(&all, src).map(|found| all.iter().position(|part| std::ptr::eq(part, found)).unwrap());
            assert_eq!(found, place, "{src}");
        }
    }

    #[test]
    fn pages_hold_what_can_be_shown_together() {
        let part = |content_type: &str, id: &str| media(content_type, Some(id));
        let all = [
            part("application/smil", "s"),
            part("image/gif", "1"),
            part("text/plain", "2"),
            part("audio/amr", "3"),
            part("image/jpeg", "4"),
            part("video/3gpp", "5"),
            part("audio/amr", "6"),
            part("text/x-vcard", "7"),
            part("text/plain", "8 & \"9\""),
            media("text/plain", None),
        ];
        let smil = generate(&all);
        let (_, body) = smil.split_once("<body>").unwrap();
        insta::assert_snapshot!(body.replace("</par>", "</par>\n"), @r#"
        <par><img src="cid:1" region="Image"/><text src="cid:2" region="Text"/><audio src="cid:3"/></par>
        <par dur="5000ms"><img src="cid:4" region="Image"/></par>
        <par><video src="cid:5" region="Image"/></par>
        <par><audio src="cid:6"/><text src="cid:8%20&amp;%20%229%22" region="Text"/></par>
        </body></smil>
        "#);
        for src in sources(smil.as_bytes()).unwrap() {
            assert!(find(&all, &src).is_some(), "{src}");
        }
    }

    #[test]
    fn a_layout_has_the_regions_that_are_used() {
        let regions = |media: &[Media]| {
            let smil = generate(media);
            assert!(sources(smil.as_bytes()).is_ok(), "{smil}");
            (smil.contains("id=\"Image\""), smil.contains("id=\"Text\""))
        };
        let (picture, text) = (media("image/gif", Some("1")), media("text/plain", Some("2")));
        assert_eq!(regions(&[picture.clone(), text.clone()]), (true, true));
        assert_eq!(regions(&[picture]), (true, false));
        assert_eq!(regions(&[text]), (false, true));
        assert_eq!(regions(&[media("audio/amr", Some("3"))]), (false, false));
        assert_eq!(regions(&[]), (false, false));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(
            pieces in proptest::collection::vec(proptest::sample::select(&[
                "<smil>", "</smil>", "<img src='", "'", "/>", ">", "<!DOCTYPE smil [", "]>", "<!ENTITY a '&a;'>", "&a;", "&#0;",
                "&#xd800;", "<?xml encoding='utf-16'?>", "<![CDATA[", "]]>", "<!--", "-->", "\u{0}", "\u{feff}", "a:b", " ",
            ][..]), 0..20),
            tail in proptest::collection::vec(proptest::num::u8::ANY, 0..4),
        ) {
            let smil = [pieces.concat().as_bytes(), &tail].concat();
            if let Ok(found) = references(&smil, &Limits::default()) {
                assert!(found.iter().all(|reference| !reference.src.is_empty()));
                let written = rewrite(&smil, &Limits::default(), |_| Some("cid:x".to_owned())).unwrap();
                let found_again = references(written.as_bytes(), &Limits::default()).unwrap();
                assert_eq!(found_again.len(), found.len());
                assert!(found_again.iter().all(|reference| reference.src == "cid:x"));
            }
        }
    }
}
