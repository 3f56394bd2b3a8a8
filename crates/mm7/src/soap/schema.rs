//! What the schema lets stand in an element beside the children that its table lists (TS 23.140 Annex L): which
//! attributes it has, and whether it holds text, elements or nothing.
//!
//! An element that no table knows has been noted where its parent was read; nothing is said about what is in it.
//! `xsi:type` counts as an attribute that does not belong there, whatever type it names.

use crate::error::Rule;
use crate::message::children;
use crate::message::{Child, Notes, row_of};
use crate::text::excerpt;
use crate::xml::{Attribute, Element};

/// The namespace of the attributes that speak to a validator.
const INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// What an element holds.
enum Contents {
    /// Characters alone.
    Text,
    /// The elements of its table, blanks between them.
    Elements(&'static [Child]),
    /// Not even blanks.
    Nothing,
    /// Whatever it likes (`anyDataType`).
    Anything,
}

/// Notes what does not belong in an operation, or in anything in it that is known.
pub(super) fn check(element: Element<'_>, notes: &mut Notes) {
    check_attributes(element, notes);
    match contents(element.name()) {
        Contents::Anything => {}
        Contents::Nothing => {
            if !element.text().is_empty() {
                let what = format!("{} has to be empty, without even blanks", element.name());
                notes.note(Rule::StrayText, element.offset(), what);
            }
            check_childless(element, notes);
        }
        Contents::Text => check_childless(element, notes),
        Contents::Elements(table) => {
            check_blank(element, notes);
            let mut row = 0;
            for child in element.children() {
                if let Some(known) = row_of(table, row, child.name()) {
                    row = known;
                    check(child, notes);
                }
            }
        }
    }
}

/// Notes text among the elements of an element.
pub(super) fn check_blank(element: Element<'_>, notes: &mut Notes) {
    // An address as bare text has been noted as that.
    if element.has_text() && element.children().next().is_some() {
        let text = element.text();
        let what = format!("{:?} stands between the elements of {}", excerpt(text.trim()), element.name());
        notes.note(Rule::StrayText, element.offset(), what);
    }
}

fn check_childless(element: Element<'_>, notes: &mut Notes) {
    if let Some(child) = element.children().next() {
        let what = format!("{} is no element of {}", excerpt(child.name()), element.name());
        notes.note(Rule::UnknownElement, child.offset(), what);
    }
}

/// Notes what the TransactionID has beside its text: SOAP's own attributes may stand there.
pub(super) fn check_transaction_id(element: Element<'_>, envelope: Element<'_>, notes: &mut Notes) {
    check_childless(element, notes);
    for attribute in element.attributes() {
        // Where it is another SOAP's, that has been noted of the Envelope.
        let is_soap = element.uri_of(attribute) == envelope.namespace_uri();
        match attribute.name {
            "encodingStyle" | "actor" if is_soap => {}
            "mustUnderstand" if is_soap && matches!(attribute.value.trim_ascii(), "0" | "1") => {}
            "mustUnderstand" if is_soap => {
                let what = format!("mustUnderstand is {:?}, not 0 or 1", excerpt(&attribute.value));
                notes.note(Rule::BadValue, element.offset(), what);
            }
            _ => note_foreign(element, attribute, notes),
        }
    }
}

fn check_attributes(element: Element<'_>, notes: &mut Notes) {
    let all = element.attributes();
    if all.is_empty() {
        return;
    }
    let known = attributes(element.name(), notes.release());
    for attribute in all {
        let Some(known) = known else {
            // No element of MM7 can be nil, not even one with whatever attributes it likes.
            if attribute.name == "nil" && element.uri_of(attribute) == INSTANCE {
                note_foreign(element, attribute, notes);
            }
            continue;
        };
        match (known.contains(&attribute.name), element.uri_of(attribute)) {
            (true, "") => {}
            (true, _) => {
                let what = format!("{} of {} is in a namespace", attribute.name, element.name());
                notes.note(Rule::ChildNamespace, element.offset(), what);
            }
            (false, _) => note_foreign(element, attribute, notes),
        }
    }
}

/// Notes an attribute, unless it only says where a schema lies.
fn note_foreign(element: Element<'_>, attribute: &Attribute<'_>, notes: &mut Notes) {
    let is_location = matches!(attribute.name, "schemaLocation" | "noNamespaceSchemaLocation");
    if is_location && element.uri_of(attribute) == INSTANCE {
        return;
    }
    let what = format!("{} has no attribute {}", excerpt(element.name()), excerpt(attribute.name));
    notes.note(Rule::UnknownAttribute, element.offset(), what);
}

fn contents(name: &str) -> Contents {
    match name {
        "Details" => Contents::Anything,
        "Content" | "ReplyCharging" | "UACapabilities" => Contents::Nothing,
        name => match children(name) {
            [] => Contents::Text,
            table => Contents::Elements(table),
        },
    }
}

/// The attributes of an element; `None` where any may stand.
const fn attributes(name: &str, release: u8) -> Option<&'static [&'static str]> {
    Some(match name.as_bytes() {
        b"ServiceCode" => return None,
        b"Content" => &["href", "allowAdaptations"],
        b"ReplyCharging" => &["replyChargingSize", "replyDeadline"],
        b"UACapabilities" => &["UAProf", "TimeStamp"],
        b"UserAgent" | b"DateTime" => &["sequence"],
        b"Number" | b"ShortCode" | b"RFC2822Address" if release < 6 => &["displayOnly"],
        b"Number" | b"ShortCode" | b"RFC2822Address" => &["displayOnly", "addressCoding", "id"],
        _ => &[],
    })
}
