//! The content of a SubmitReq: which media it means, and which lie elsewhere.

use mm7::{
    DecodeError, Dialect, Limits, Rule,
    message::Content,
    mime::{Media, Package},
    smil,
};

use super::presentation::put_in_order;

/// What the content is.
#[derive(Clone, Debug, PartialEq)]
pub struct ContentFacts {
    /// The media that are here, decoded, in order.
    pub media: Vec<Media>,
    /// URLs of content that lies elsewhere, each once: Content/@href, and references in SMIL.
    pub urls: Vec<String>,
    /// What became of URLs and parts, for the timeline.
    pub notes: Vec<String>,
    /// Whether it may be changed on its way (Content/@allowAdaptations is not false).
    pub may_adapt: bool,
}

impl ContentFacts {
    pub(super) fn has_smil(&self) -> bool {
        self.media.iter().any(|media| smil::is_smil(&media.content_type))
    }
}

/// Reads the content (contract 4.1, row 24): every attachment belongs to it, whatever Content/@href names, since peers send
/// media flat beside the part that is named.
///
/// # Errors
/// The rule that the attachments break and that the dialect does not tolerate.
pub fn read_content(
    package: &Package,
    content: &Content,
    dialect: &Dialect,
    limits: &Limits,
) -> Result<ContentFacts, DecodeError> {
    let mut urls = Vec::new();
    // A part may be located at a URL (RFC 2557 clause 4), and then nothing is to be fetched.
    match content.url().filter(|url| package.resolve(url).is_none()) {
        Some(url) => urls.push(url.to_owned()),
        None => find_part(package, content, dialect)?,
    }
    let media = package.media()?;
    let by_url = !urls.is_empty();
    let mut shown = None;
    for presentation in media.iter().filter(|media| smil::is_smil(&media.content_type)) {
        let references = resolve(presentation, &media, limits)?;
        add_new(&mut urls, references.external);
        shown.get_or_insert(references.shown);
    }
    let may_adapt = content.allow_adaptations != Some(false);
    let mut read = ContentFacts { media, urls, notes: Vec::new(), may_adapt };
    // With URLs in it, the order is known only when they are fetched.
    if let Some(shown) = shown.filter(|_| read.urls.is_empty()) {
        put_in_order(&mut read, &shown);
    }
    // What is fetched may be the SMIL.
    if !by_url {
        required_smil(&read, dialect)?
    }
    Ok(read)
}

/// Refuses content without a SMIL where the dialect requires one.
pub(super) fn required_smil(content: &ContentFacts, dialect: &Dialect) -> Result<(), DecodeError> {
    if !dialect.smil_required || content.has_smil() {
        return Ok(());
    }
    Err(DecodeError::new(Rule::SmilForm, 0, "there is no SMIL part, which this dialect requires"))
}

/// Adds the URLs that are not there yet.
pub(super) fn add_new(urls: &mut Vec<String>, more: Vec<String>) {
    for url in more {
        if !urls.contains(&url) {
            urls.push(url);
        }
    }
}

/// Content/@href must name a part; lenient dialects take the only other part when it names none, and a file name.
pub(crate) fn find_part(package: &Package, content: &Content, dialect: &Dialect) -> Result<(), DecodeError> {
    let href = content.href.as_deref().map(str::trim);
    if href.is_some_and(|href| package.resolve(href).is_some()) {
        return Ok(());
    }
    let forgiven = match href {
        // Without an href there is nothing that could name the wrong part.
        None => !package.attachments.is_empty(),
        Some(href) => package.attachments.len() == 1 || package.names_file(href),
    };
    if dialect.href_fallback && forgiven {
        return Ok(());
    }
    let what = match href {
        Some(_) => "Content/@href names no part of the message",
        None => "Content has no href",
    };
    Err(DecodeError::new(Rule::HrefWithoutPart, 0, what))
}

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
