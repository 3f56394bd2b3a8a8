//! What is wrong between the message and its parts: references that find nothing, presentations that cannot be read.

use super::finding::{Finding, Place, Remedy};
use super::linted::Lint;
use super::misspelt::is_misspelt;
use super::parts::named;
use crate::error::{DecodeError, Rule};
use crate::message::{Content, Message};
use crate::mime::{Media, Part, cid};
use crate::{Limits, smil};

/// How many references of a presentation that find nothing are told.
const MAX_DANGLING: usize = 32;

/// The findings of a message that has content.
pub(super) fn findings(lint: &Lint, limits: &Limits) -> Vec<Finding> {
    let mut findings: Vec<_> = match lint.content() {
        Some(content) => href(lint, content, limits).into_iter().collect(),
        None if may_mean_the_only_part(lint) => Vec::new(),
        None => return Vec::new(),
    };
    let leaves: Vec<&Part> = lint.package.leaves().collect();
    // Parts that cannot be read are findings of their own.
    let media: Vec<Media> = leaves.iter().map(|part| named(part)).collect();
    for part in leaves {
        let Ok(presentation) = part.media() else { continue };
        if smil::is_smil(&presentation.content_type) {
            findings.extend(in_presentation(lint, part, &presentation, &media, limits));
        }
    }
    findings
}

/// Whether a SubmitReq has one part beside the envelope, which some dialects take for its content where it names none.
fn may_mean_the_only_part(lint: &Lint) -> bool {
    let message = lint.decoded.as_ref().ok().and_then(|decoded| decoded.message.as_ref());
    matches!(message, Some(Message::SubmitReq(_))) && lint.package.attachments.len() == 1
}

impl Lint {
    /// The Content element of the message, whatever its operation.
    pub fn content(&self) -> Option<&Content> {
        match self.decoded.as_ref().ok()?.message.as_ref()? {
            Message::SubmitReq(req) => req.content.as_ref(),
            Message::DeliverReq(req) => req.content.as_ref(),
            Message::ReplaceReq(req) => req.content.as_ref(),
            Message::ExtendedReplaceReq(req) => req.content.as_ref(),
            _ => None,
        }
    }
}

/// Content/@href that names no part of the message.
fn href(lint: &Lint, content: &Content, limits: &Limits) -> Option<Finding> {
    let href = content.href.as_deref().map(str::trim);
    if content.url().is_some() || href.is_some_and(|href| lint.package.resolve(href).is_some()) {
        return None;
    }
    let operation = lint.decoded.as_ref().ok()?.operation.as_deref().unwrap_or_default();
    let place = lint.element(&[operation, "Content"], limits).map_or_else(|| lint.start(), |seen| seen.place);
    let what = match href {
        Some(href) => format!("Content/@href is {href:?}, which is no part of the message"),
        None => "Content has no href, so that nothing says which part is meant".to_owned(),
    };
    let remedy = match (lint.package.attachments.as_slice(), href) {
        ([], _) => {
            Remedy::advise("send the content along: as a part with this Content-ID, beside the envelope")
        }
        ([first, ..], _) => match &first.content_id {
            Some(id) => Remedy::advise("write the Content-ID of the part that is the content")
                .corrected(format!("href=\"{}\"", cid(id))),
            None => Remedy::advise("give the part that is the content this Content-ID")
                .corrected(format!("Content-ID: <{}>", href.map_or("mm7-content", crate::mime::bare_id))),
        },
    };
    let found = href.map(|href| format!("href=\"{href}\""));
    Some(Finding { rule: Rule::HrefWithoutPart, place, what, remedy: remedy.found(found) })
}

fn in_presentation(
    lint: &Lint,
    part: &Part,
    presentation: &Media,
    media: &[Media],
    limits: &Limits,
) -> Vec<Finding> {
    match smil::references(&presentation.bytes, limits) {
        Err(error) => vec![unreadable(lint, part, &error)],
        Ok(references) => references
            .iter()
            .filter(|reference| !reference.is_external() && smil::find(media, &reference.src).is_none())
            .take(MAX_DANGLING)
            .map(|reference| dangling(place(lint, part, reference.offset), &reference.src, media))
            .collect(),
    }
}

/// Where in the file a byte of a part is; where its text does not stand in the file as it is, the place where it begins.
fn place(lint: &Lint, part: &Part, offset: usize) -> Place {
    let stands = !part.is_encoded() && part.bytes().is_ok_and(|bytes| std::str::from_utf8(&bytes).is_ok());
    lint.in_body(part.body_offset + if stands { offset } else { 0 })
}

fn unreadable(lint: &Lint, part: &Part, error: &DecodeError) -> Finding {
    Finding {
        rule: Rule::SmilForm,
        place: place(lint, part, error.offset),
        what: error.what.clone(),
        remedy: Remedy::advise("write the presentation as well-formed XML with the root element smil"),
    }
}

fn dangling(place: Place, src: &str, media: &[Media]) -> Finding {
    let names = media.iter().filter(|media| !smil::is_smil(&media.content_type)).filter_map(name_of);
    let names: Vec<String> = names.collect();
    let bare = crate::mime::bare_id(src);
    let meant = names.iter().find(|name| is_misspelt(bare, crate::mime::bare_id(name)));
    let meant = meant.or(names.first().filter(|_| names.len() == 1));
    let remedy = match meant {
        Some(meant) => Remedy::advise("write the Content-ID of the part that is shown")
            .corrected(format!("src=\"{meant}\"")),
        None if names.is_empty() => {
            Remedy::advise("send the part along, or leave it out of the presentation")
        }
        None => Remedy::advise(format!("name one of the parts: {}", names.join(", "))),
    };
    Finding {
        rule: Rule::SmilReference,
        place,
        what: format!("the SMIL shows {src:?}, which is no part of the message"),
        remedy: remedy.found(Some(format!("src=\"{src}\""))),
    }
}

/// How a presentation names a part.
fn name_of(media: &Media) -> Option<String> {
    let by_id = media.content_id.as_deref().map(cid);
    by_id.or_else(|| media.content_location.clone()).or_else(|| media.name.clone())
}
