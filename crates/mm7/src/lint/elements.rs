//! What would put the contents of an operation right: the rules of the schema.

use super::finding::{Finding, Remedy};
use super::mender::Mender;
use super::misspelt::is_misspelt;
use super::source::quoted;
use crate::error::Rule;
use crate::message::Message;
use crate::message::{AddressCoding, ContentClass, MessageClass, MmStatusExtension, Priority, children};
use crate::xml::Element;

/// `path` leads from the document element down to the one that breaks the rule.
pub(super) fn remedy(mender: &Mender<'_>, rule: Rule, path: &[Element<'_>]) -> Remedy {
    let [before @ .., element] = path else { return Remedy::default() };
    let parent = before.last().copied();
    match rule {
        Rule::UnknownElement => unknown(mender, path, parent),
        Rule::RepeatedElement => repeated(mender, path),
        Rule::MissingElement => missing(mender, *element),
        Rule::ChildNamespace => child_namespace(mender, path),
        Rule::BadValue => bad_value(mender, path),
        Rule::BadDate => bad_date(mender, path),
        Rule::BooleanCase => rewritten(mender, path, "write true or false in lower case"),
        Rule::UnknownAttribute if element.is_nil() => {
            Remedy::advise("leave the element out: what has no value is not written")
                .found(mender.source.element(element.offset()))
        }
        Rule::UnknownAttribute => {
            Remedy::advise("leave the attribute out: the schema does not give it to the element")
                .found(mender.source.start_tag(element.offset()))
        }
        Rule::MissingAttribute => Remedy::advise("name the part that is the content, by its Content-ID")
            .found(mender.source.start_tag(element.offset()))
            .corrected("href=\"cid:…\""),
        Rule::StrayText => stray_text(mender, path),
        _ => rewritten(mender, path, "put the address into an element that says its kind"),
    }
}

/// The element as the canonical form has it.
fn rewritten(mender: &Mender<'_>, path: &[Element<'_>], advice: &str) -> Remedy {
    let at = path.last().map_or(0, Element::offset);
    Remedy { advice: advice.to_owned(), found: mender.source.element(at), corrected: mender.canonical(path) }
}

/// The elements that are out of place among the children of one parent: as few as have to be moved. The reader notes each
/// that stands behind a later one; of those, one place stands for all.
/// `None` where there are too many to be put in order.
pub(super) fn misplaced(mender: &Mender<'_>, path: &[Element<'_>]) -> Option<Vec<Finding>> {
    let [.., parent, element] = path else { return None };
    let table = children(parent.name());
    let row = |name: &str| table.iter().position(|child| child.name() == name || child.is_called(name));
    let known = parent.children().take(MAX_ORDERED).filter_map(|child| Some((row(child.name())?, child)));
    let known: Vec<(usize, Element<'_>)> = known.collect();
    if first_behind(&known)? != element.offset() {
        return Some(Vec::new());
    }
    let kept = longest_ordered(&known);
    let moved = known.iter().enumerate().filter(|(place, _)| !kept.contains(place));
    Some(moved.map(|(place, moved)| misplaced_one(mender, &known, &kept, (place, *moved))).collect())
}

/// How many children of an element are put in order.
const MAX_ORDERED: usize = 256;

/// Where the first element begins that stands behind a later one.
fn first_behind(known: &[(usize, Element<'_>)]) -> Option<usize> {
    let mut furthest = 0;
    let behind = known.iter().find(|(row, _)| {
        let is_behind = *row < furthest;
        furthest = furthest.max(*row);
        is_behind
    });
    behind.map(|(_, element)| element.offset())
}

/// The places of the longest run of elements that are in order among themselves.
fn longest_ordered(known: &[(usize, Element<'_>)]) -> Vec<usize> {
    // Of each place: the longest run that ends there, and the place before it in that run.
    let mut runs: Vec<(usize, Option<usize>)> = Vec::with_capacity(known.len());
    for (place, (row, _)) in known.iter().enumerate() {
        let before = known.iter().zip(&runs).enumerate().take(place);
        let fitting = before.filter(|(_, ((other, _), _))| other <= row);
        let best = fitting.min_by_key(|(_, (_, (length, _)))| std::cmp::Reverse(*length));
        runs.push(best.map_or((1, None), |(before, (_, (length, _)))| (length + 1, Some(before))));
    }
    let length = |place: &usize| std::cmp::Reverse(runs.get(*place).map(|(length, _)| *length));
    let mut next = (0..runs.len()).min_by_key(length);
    let mut kept = Vec::new();
    while let Some(place) = next {
        kept.push(place);
        next = runs.get(place).and_then(|(_, before)| *before);
    }
    kept.reverse();
    kept
}

fn misplaced_one(
    mender: &Mender<'_>,
    known: &[(usize, Element<'_>)],
    kept: &[usize],
    (place, (own, element)): (usize, (usize, Element<'_>)),
) -> Finding {
    let text = |element: Element<'_>| mender.source.element(element.offset()).unwrap_or_default();
    let in_place = || kept.iter().filter_map(|place| Some((*place, known.get(*place)?)));
    let next = in_place().find(|(_, (row, _))| *row > own);
    let (what, remedy) = match next {
        Some((at, (_, next))) => {
            let too_late = at < place;
            let crossed = in_place().find(|(at, (row, _))| *at > place && *row < own);
            let (stands, other) = match crossed {
                Some((_, (_, other))) if !too_late => ("before", *other),
                _ => ("behind", *next),
            };
            let what = format!("{} stands {stands} {}", element.name(), other.name());
            let corrected = text(element) + &text(*next);
            (what, Remedy::advise(format!("put it before {}", next.name())).corrected(corrected))
        }
        None => {
            let last = in_place().next_back().map(|(_, (_, last))| *last);
            let name = last.map_or("the others", |last| last.name());
            let corrected = last.map(text).unwrap_or_default() + &text(element);
            let what = format!("{} stands before {name}", element.name());
            (what, Remedy::advise(format!("put it behind {name}")).corrected(corrected))
        }
    };
    Finding {
        rule: Rule::ElementOrder,
        place: mender.source.place_in_text(element.offset()),
        what,
        remedy: remedy.found(mender.source.element(element.offset())),
    }
}

fn unknown(mender: &Mender<'_>, path: &[Element<'_>], parent: Option<Element<'_>>) -> Remedy {
    let Some(element) = path.last().copied() else { return Remedy::default() };
    let found = mender.source.element(element.offset());
    let name = element.name();
    if Message::is_name(name) {
        return Remedy::advise("take the one operation out of the other").found(found);
    }
    let table = children(parent.map_or("", |parent| parent.name()));
    let release = mender.framing.namespace.release();
    if table.iter().any(|child| child.name() == name && !child.is_in(release)) {
        let advice =
            format!("leave it out, or write the message in Release 6: Release {release} does not have it");
        return Remedy::advise(advice).found(found);
    }
    let is_free = |known: &str| parent.is_some_and(|parent| parent.child(known).is_none());
    let meant = table
        .iter()
        .find(|child| child.is_called(name))
        .or_else(|| table.iter().find(|child| is_misspelt(name, child.name()) && is_free(child.name())));
    match meant {
        Some(meant) => {
            let corrected = found.as_deref().unwrap_or_default().replace(name, meant.name());
            Remedy::advise(format!("call it {}", meant.name())).found(found).corrected(corrected)
        }
        None => Remedy::advise("leave it out: the schema has no place for it").found(found),
    }
}

fn repeated(mender: &Mender<'_>, path: &[Element<'_>]) -> Remedy {
    let element = path.last().copied();
    match element.map(|element| element.name()) {
        Some("Recipients") => rewritten(mender, path, "put all addresses into one Recipients"),
        Some("SenderAddress" | "Sender" | "Recipient")
            if element.is_some_and(|element| element.children().count() > 1) =>
        {
            rewritten(mender, path, "leave one address: the first is the one that is read")
        }
        _ => Remedy::advise("leave it out: the first one is read")
            .found(element.and_then(|element| mender.source.element(element.offset()))),
    }
}

fn missing(mender: &Mender<'_>, element: Element<'_>) -> Remedy {
    let at = element.offset();
    let found = mender.source.element(at);
    match element.name() {
        name @ ("To" | "Cc" | "Bcc") => {
            let corrected = format!("<{name}><Number>16175550100</Number></{name}>");
            return Remedy::advise("put a number into it, or leave it out")
                .found(found)
                .corrected(mender.prefixed(&corrected, at));
        }
        "Body" => {
            let uri = mender.framing.namespace.uri();
            return Remedy::advise("put the Status into the response that it belongs to")
                .corrected(format!("<SubmitRsp xmlns=\"{uri}\">…</SubmitRsp>"));
        }
        _ => {}
    }
    let release = mender.framing.namespace.release();
    let is_missing = |name: &str| element.child(name).is_none();
    let asked = children(element.name()).iter().filter(|child| child.is_required_in(release));
    let written: String = asked
        .map(|child| child.name())
        .filter(|name| is_missing(name))
        .map(|name| format!("<{name}>…</{name}>"))
        .collect();
    let remedy = Remedy::advise("add what the schema asks for");
    if written.is_empty() { remedy } else { remedy.corrected(mender.prefixed(&written, at)) }
}

fn child_namespace(mender: &Mender<'_>, path: &[Element<'_>]) -> Remedy {
    let Some(element) = path.last() else { return Remedy::default() };
    if let Some(attribute) = element.attributes().iter().find(|other| !element.uri_of(other).is_empty()) {
        let advice = format!("write {} without a prefix", quoted(attribute.name));
        return rewritten(mender, path, &advice);
    }
    let uri = mender.framing.namespace.uri();
    let operation =
        path.iter().skip_while(|element| element.name() != "Body").nth(1).or_else(|| path.first());
    let operation = operation.map_or("SubmitReq", |operation| operation.name());
    Remedy::advise("put the operation and everything in it into one namespace: declare it as the default")
        .found(mender.source.element(element.offset()))
        .corrected(format!("<{operation} xmlns=\"{uri}\">"))
}

fn stray_text(mender: &Mender<'_>, path: &[Element<'_>]) -> Remedy {
    let Some(element) = path.last() else { return Remedy::default() };
    if children(element.name()).is_empty() {
        return rewritten(mender, path, "write the element empty: what it says is in its attributes");
    }
    Remedy::advise("leave out the text that stands between the elements")
        .found(mender.source.element(element.offset()))
}

fn bad_value(mender: &Mender<'_>, path: &[Element<'_>]) -> Remedy {
    let Some(element) = path.last() else { return Remedy::default() };
    let at = element.offset();
    let found = mender.source.element(at);
    let corrected = mender.canonical(path).filter(|corrected| Some(corrected) != found.as_ref());
    let remedy = match values(element.name()) {
        Some(values) => Remedy::advise(format!("write one of {}", values.join(", "))),
        None => Remedy::advise("write a value of the type that the schema asks for"),
    };
    Remedy { found, corrected, ..remedy }
}

/// The values of an enumeration.
fn values(name: &str) -> Option<Vec<&'static str>> {
    Some(match name {
        "MessageClass" => MessageClass::ALL.iter().map(|value| value.as_str()).collect(),
        "Priority" => Priority::ALL.iter().map(|value| value.as_str()).collect(),
        "ContentClass" => ContentClass::ALL.iter().map(|value| value.as_str()).collect(),
        "MMStatusExtension" => MmStatusExtension::ALL.iter().map(|value| value.as_str()).collect(),
        "ChargedParty" => vec!["Sender", "Recipient", "Both", "Neither", "ThirdParty"],
        "DeliveryReport" | "ReadReply" | "DistributionIndicator" | "DRMContent" => vec!["true", "false"],
        "Number" | "ShortCode" | "RFC2822Address" => {
            let codings = AddressCoding::ALL.iter().map(|value| value.as_str());
            codings.chain(["true", "false"]).collect()
        }
        "Content" => vec!["true", "false"],
        "StatusCode" => vec!["1000 and the numbers above it"],
        _ => return None,
    })
}

fn bad_date(mender: &Mender<'_>, path: &[Element<'_>]) -> Remedy {
    let name = path.last().map_or("", Element::name);
    let is_relative =
        matches!(name, "ExpiryDate" | "EarliestDeliveryTime" | "ReplyCharging" | "UACapabilities");
    let advice = match is_relative {
        true => "write a time (2026-12-24T18:00:00Z) or a duration (P2D, PT30M)",
        false => "write a time as 2026-12-24T18:00:00Z",
    };
    rewritten(mender, path, advice)
}
