//! The content of a SubmitReq: which media it means, and which lie elsewhere.

use mm7::{
    DecodeError, Dialect, Limits, Rule,
    message::Content,
    mime::{Media, Package},
    smil,
};

/// What the content is.
#[derive(Clone, Debug, PartialEq)]
pub struct ContentFacts {
    /// The media that came along, decoded, in order.
    pub media: Vec<Media>,
    /// URLs of content that lies elsewhere: Content/@href, and references in SMIL.
    pub urls: Vec<String>,
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
    match content.href.as_deref().map(str::trim) {
        Some(href) if is_url(href) => urls.push(href.to_owned()),
        href => find_part(package, href, dialect)?,
    }
    let media = package.media()?;
    let mut has_smil = false;
    for presentation in media.iter().filter(|media| smil::is_smil(&media.content_type)) {
        has_smil = true;
        urls.extend(external_references(presentation, &media, limits)?);
    }
    if dialect.smil_required && !has_smil {
        return Err(DecodeError::new(
            Rule::SmilForm,
            0,
            "there is no SMIL part, which this dialect requires",
        ));
    }
    Ok(ContentFacts { media, urls })
}

/// Whether an href leads out of the message: it has a scheme, and that is not `cid`.
fn is_url(href: &str) -> bool {
    let Some((scheme, _)) = href.split_once(':') else { return false };
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    is_scheme && !scheme.eq_ignore_ascii_case("cid")
}

/// Content/@href must name a part; lenient dialects take the only other part when it names none.
fn find_part(package: &Package, href: Option<&str>, dialect: &Dialect) -> Result<(), DecodeError> {
    if href.is_some_and(|href| package.resolve(href).is_some()) {
        return Ok(());
    }
    let forgiven = match href {
        // Without an href there is nothing that could name the wrong part.
        None => !package.attachments.is_empty(),
        Some(_) => package.attachments.len() == 1,
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

/// The references of a presentation that lead out of the message; those that do not must find a part.
fn external_references(
    presentation: &Media,
    media: &[Media],
    limits: &Limits,
) -> Result<Vec<String>, DecodeError> {
    let mut external = Vec::new();
    for reference in smil::references(&presentation.bytes, limits)? {
        if smil::find(media, &reference.src).is_some() {
            continue;
        }
        if !reference.is_external() {
            let what = "the SMIL names a part that is not there";
            return Err(DecodeError::new(Rule::SmilReference, reference.offset, what));
        }
        external.push(reference.src);
    }
    Ok(external)
}
