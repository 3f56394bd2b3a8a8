//! The content of a SubmitReq: which media it means, and which lie elsewhere.

use mm7::{DecodeError, Dialect, Limits, Rule, message::Content, mime::Package};

use super::content::ContentFacts;
use super::order::{add_new, put_in_order, resolve};

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
    for presentation in media.iter().filter(|media| media.content_type.is_smil()) {
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
        read.require_smil(dialect)?;
    }
    Ok(read)
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
