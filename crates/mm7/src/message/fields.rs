//! The contents of an element, read by the schema's table of its children: what is out of order, unknown, repeated
//! or missing is noted, and read as far as it can be understood.

use std::cell::Cell;
use std::collections::HashSet;

use jiff::Timestamp;

use super::address::AddressAttributes;
use super::enumerations::{AddressCoding, Spelling};
use crate::error::{DecodeError, Rule};
use crate::namespace::SeenNamespace;
use crate::text::excerpt;
use crate::time::{self, Reading, When};
use crate::types::{Address, ValueError};
use crate::xml::characters::is_name;
use crate::xml::{Element, NamespaceId};

/// How many faults against one rule are kept: a message that is wrong all over need not be told so a thousand times.
const MAX_ERRORS_OF_A_RULE: usize = 32;

/// One row of the table of an element's children.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Child {
    name: &'static str,
    also: &'static [&'static str],
    since: u8,
    is_required: bool,
    is_repeated: bool,
}

/// A child that every release has.
pub(crate) const fn r5(name: &'static str) -> Child {
    Child { name, also: &[], since: 5, is_required: false, is_repeated: false }
}

/// A child that Release 6 brought.
pub(crate) const fn r6(name: &'static str) -> Child {
    Child { name, also: &[], since: 6, is_required: false, is_repeated: false }
}

impl Child {
    /// The schema asks for it, and no check of a later stage tells that it is missing.
    pub const fn required(mut self) -> Self {
        self.is_required = true;
        self
    }

    /// It may stand several times.
    pub const fn repeated(mut self) -> Self {
        self.is_repeated = true;
        self
    }

    /// The element's name in the schema.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Whether the schema of a release asks for it.
    pub const fn is_required_in(&self, release: u8) -> bool {
        self.is_required && self.since <= release
    }

    /// Whether a release has it.
    pub const fn is_in(&self, release: u8) -> bool {
        self.since <= release
    }

    /// Whether peers call it so, too.
    pub fn is_called(&self, name: &str) -> bool {
        self.also.contains(&name)
    }

    /// What peers call it, too.
    pub const fn or(mut self, names: &'static [&'static str]) -> Self {
        self.also = names;
        self
    }
}

/// What is noted while a message is read.
#[derive(Debug)]
pub(crate) struct Notes {
    release: u8,
    errors: Vec<DecodeError>,
    /// Namespaces of children that have been noted: once each is enough.
    namespaces: Vec<NamespaceId>,
    /// The `id` attributes of addresses.
    ids: HashSet<String>,
    forgives: bool,
}

impl Notes {
    pub fn new() -> Self {
        Self { release: 6, errors: Vec::new(), namespaces: Vec::new(), ids: HashSet::new(), forgives: false }
    }

    /// Names count in any case, and what is not where it should be is looked for.
    pub fn forgiving() -> Self {
        Self { forgives: true, ..Self::new() }
    }

    /// Whether form counts for less than what is said.
    pub const fn forgives(&self) -> bool {
        self.forgives
    }

    /// Whether a name is the one that is asked for.
    pub fn is_name(&self, name: &str, expected: &str) -> bool {
        name == expected || (self.forgives && name.eq_ignore_ascii_case(expected))
    }

    /// The first child of this name; of one that is spelled so before one that is nearly.
    pub fn child<'d>(&self, parent: Element<'d>, name: &str) -> Option<Element<'d>> {
        let nearly = || parent.children().find(|child| self.is_name(child.name(), name));
        parent.child(name).or_else(nearly)
    }

    /// The namespace name of an element.
    pub fn uri_of<'d>(&self, element: Element<'d>) -> &'d str {
        let uri = element.namespace_uri();
        if self.forgives { uri.trim() } else { uri }
    }

    /// From here on the elements of this release are expected.
    pub const fn set_release(&mut self, release: u8) {
        self.release = release;
    }

    /// The release whose elements are expected.
    pub const fn release(&self) -> u8 {
        self.release
    }

    /// Notes a broken rule.
    pub fn note(&mut self, rule: Rule, offset: usize, what: impl Into<String>) {
        let of_rule = self.errors.iter().filter(|error| error.rule == rule).count();
        if of_rule < MAX_ERRORS_OF_A_RULE {
            self.errors.push(DecodeError::new(rule, offset, what));
        }
    }

    /// Reads an `id`; one that is no name, or stands for another address already, is noted and names nothing (xs:ID).
    fn id(&mut self, value: &str, element: Element<'_>) -> Option<String> {
        let id = value.trim();
        let what = match (is_name(id), self.ids.contains(id)) {
            (true, false) => {
                self.ids.insert(id.to_owned());
                return Some(id.to_owned());
            }
            (true, true) => format!("the id {:?} stands twice", excerpt(id)),
            (false, _) => format!("{:?} is no id: it has to be a name", excerpt(id)),
        };
        bad_value(element, &what, self)
    }

    /// Everything noted, in the order of the document.
    pub fn into_errors(mut self) -> Vec<DecodeError> {
        self.errors.sort_by_key(|error| error.offset);
        self.errors
    }

    /// Notes an element of a known name that is in another namespace than its parent.
    fn note_namespace(&mut self, element: Element<'_>) {
        if self.namespaces.contains(&element.namespace()) {
            return;
        }
        self.namespaces.push(element.namespace());
        let name = element.name();
        let (rule, what) = match SeenNamespace::of(self.uri_of(element)) {
            SeenNamespace::Known(_) => {
                (Rule::ChildNamespace, format!("{name} is in another namespace than its parent"))
            }
            SeenNamespace::Absent => (Rule::ChildNamespace, format!("{name} is in no namespace")),
            seen => return self.note_unsupported(&seen, element),
        };
        self.note(rule, element.offset(), what);
    }

    /// Notes an operation's, TransactionID's or child's namespace that is not MM7's.
    pub fn note_unsupported(&mut self, seen: &SeenNamespace, element: Element<'_>) {
        let name = element.name();
        let (rule, what) = match seen {
            SeenNamespace::Known(_) => return,
            SeenNamespace::Absent => (Rule::NoNamespace, format!("{name} is in no namespace")),
            SeenNamespace::Invented(uri) => {
                (Rule::InventedNamespace, format!("{name} is in {}, which never existed", excerpt(uri)))
            }
            SeenNamespace::Foreign(uri) => {
                (Rule::ForeignNamespace, format!("{name} is in {}, which is not MM7's", excerpt(uri)))
            }
        };
        self.note(rule, element.offset(), what);
    }
}

/// The children of an element that its table knows.
pub(crate) struct ChildFields<'d> {
    table: &'static [Child],
    /// The first child of each row.
    first: Vec<Option<Element<'d>>>,
    /// The further children.
    further: Vec<(usize, Element<'d>)>,
    /// The row that was asked for last: messages are read in the table's order.
    last: Cell<usize>,
}

/// The row of a name, looked for from `start` on, since both documents and readers go by the table's order.
pub(crate) fn row_of(table: &[Child], start: usize, name: &str) -> Option<usize> {
    let (before, after) = table.split_at_checked(start).unwrap_or((table, &[]));
    let is_named = |child: &Child| child.name == name;
    let behind = after.iter().position(is_named).map(|row| start + row);
    behind.or_else(|| before.iter().position(is_named))
}

impl<'d> ChildFields<'d> {
    /// Sorts the children by the table and notes what does not fit (xs:sequence).
    pub fn of(parent: Element<'d>, table: &'static [Child], notes: &mut Notes) -> Self {
        Self::sort(parent, table, true, notes)
    }

    /// Sorts children that may stand in any order (xs:all).
    pub fn unordered(parent: Element<'d>, table: &'static [Child], notes: &mut Notes) -> Self {
        Self::sort(parent, table, false, notes)
    }

    /// The children that the table knows, without noting anything.
    pub fn quietly(parent: Element<'d>, table: &'static [Child]) -> Self {
        let mut fields = Self::none(table);
        for element in parent.children().filter(|element| !element.is_nil()) {
            if let Some(row) = row_of(table, 0, element.name()) {
                fields.add(row, element);
            }
        }
        fields
    }

    fn none(table: &'static [Child]) -> Self {
        Self { table, first: vec![None; table.len()], further: Vec::new(), last: Cell::new(0) }
    }

    /// Keeps a child; says whether there was one of its row before.
    fn add(&mut self, row: usize, element: Element<'d>) -> bool {
        match self.first.get_mut(row) {
            Some(first @ None) => {
                *first = Some(element);
                false
            }
            _ => {
                self.further.push((row, element));
                true
            }
        }
    }

    fn is_repeated(&self, row: usize) -> bool {
        self.table.get(row).is_some_and(|child| child.is_repeated)
    }

    fn sort(parent: Element<'d>, table: &'static [Child], is_ordered: bool, notes: &mut Notes) -> Self {
        let mut fields = Self::none(table);
        let mut furthest = 0;
        for element in parent.children() {
            let Some(row) = fields.row(element, parent, furthest, notes) else { continue };
            if element.namespace() != parent.namespace() {
                notes.note_namespace(element);
            }
            // An element that is nil has no value; its attribute has been noted as one that MM7 does not have.
            if element.is_nil() {
                continue;
            }
            let is_another = fields.add(row, element);
            if is_ordered && row < furthest {
                let what = format!("{} stands behind {}", element.name(), fields.name_of(furthest));
                notes.note(Rule::ElementOrder, element.offset(), what);
            } else if is_another && !fields.is_repeated(row) {
                let what = format!("{} stands twice", element.name());
                notes.note(Rule::RepeatedElement, element.offset(), what);
            }
            furthest = furthest.max(row);
        }
        fields.note_missing(parent, notes);
        fields
    }

    /// The row of an element; notes one that the table, or the release, does not have. Elements of a later release
    /// are read all the same.
    fn row(
        &self,
        element: Element<'_>,
        parent: Element<'_>,
        start: usize,
        notes: &mut Notes,
    ) -> Option<usize> {
        let name = element.name();
        let by_name = row_of(self.table, start, name);
        let row = by_name.or_else(|| self.table.iter().position(|child| child.is_called(name)));
        let row = row.or_else(|| self.table.iter().position(|child| notes.is_name(name, child.name)));
        let as_named =
            by_name.and_then(|row| self.table.get(row)).is_some_and(|child| child.since <= notes.release);
        if !as_named {
            notes.note(
                Rule::UnknownElement,
                element.offset(),
                format!("{} is no element of {}", excerpt(name), excerpt(parent.name())),
            );
        }
        row
    }

    fn name_of(&self, row: usize) -> &'static str {
        self.table.get(row).map_or("", |child| child.name)
    }

    fn note_missing(&self, parent: Element<'_>, notes: &mut Notes) {
        let release = notes.release;
        for (child, first) in self.table.iter().zip(&self.first) {
            if child.is_required && child.since <= release && first.is_none() {
                let what = format!("{} has no {}", parent.name(), child.name);
                notes.note(Rule::MissingElement, parent.offset(), what);
            }
        }
    }

    /// The first child of a row.
    pub fn get(&self, name: &str) -> Option<Element<'d>> {
        self.first.get(self.row_named(name)?).copied().flatten()
    }

    /// Every child of a row.
    pub fn all(&self, name: &str) -> impl Iterator<Item = Element<'d>> + use<'_, 'd> {
        let row = self.row_named(name);
        let first = row.and_then(|row| self.first.get(row).copied().flatten());
        let further = self.further.iter().filter(move |(other, _)| Some(*other) == row);
        first.into_iter().chain(further.map(|(_, element)| *element))
    }

    fn row_named(&self, name: &str) -> Option<usize> {
        let row = row_of(self.table, self.last.get(), name)?;
        self.last.set(row);
        Some(row)
    }

    /// A text exactly as it came.
    pub fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(|element| element.text().into_owned())
    }

    /// A text without surrounding blanks.
    pub fn trimmed(&self, name: &str) -> Option<String> {
        self.get(name).map(|element| element.text().trim().to_owned())
    }

    /// An identifier; an empty one counts as absent.
    pub fn id<T>(&self, name: &str, new: fn(&str) -> Result<T, ValueError>, notes: &mut Notes) -> Option<T> {
        let element = self.get(name)?;
        match new(&element.text()) {
            Ok(id) => Some(id),
            Err(ValueError::Empty) => None,
            Err(error) => bad_value(element, &error.to_string(), notes),
        }
    }

    /// A boolean in any case, also as `yes` and `no`.
    pub fn boolean(&self, name: &str, notes: &mut Notes) -> Option<bool> {
        let element = self.get(name)?;
        boolean(&element.text(), element, notes)
    }

    /// An enumeration, noted where it is not in the schema's spelling.
    pub fn enumeration<T: Copy>(&self, name: &str, wire: Spelling<T>, notes: &mut Notes) -> Option<T> {
        let element = self.get(name)?;
        enumeration(&element.text(), wire, element, notes)
    }

    /// A date.
    pub fn date(&self, name: &str, notes: &mut Notes) -> Option<Timestamp> {
        let element = self.get(name)?;
        dated(&element.text(), time::read_date_time, element, notes)
    }

    /// A date that may be relative.
    pub fn when(&self, name: &str, notes: &mut Notes) -> Option<When> {
        read_when(self.get(name)?, notes)
    }

    /// The one address in an element, with its attributes.
    pub fn address(&self, name: &str, notes: &mut Notes) -> (Option<Address>, AddressAttributes) {
        let Some(element) = self.get(name) else { return Default::default() };
        let mut addresses = addresses(element, notes).into_iter();
        if addresses.len() > 1 {
            notes.note(Rule::RepeatedElement, element.offset(), format!("{name} has several addresses"));
        }
        // A SubmitReq without one has a code of its own.
        if name != "SenderAddress" && !has_address(element) {
            notes.note(Rule::MissingElement, element.offset(), format!("{name} has no address"));
        }
        addresses.next().map_or_else(Default::default, |(address, attributes)| (Some(address), attributes))
    }
}

fn bad_value<T>(element: Element<'_>, what: &str, notes: &mut Notes) -> Option<T> {
    notes.note(Rule::BadValue, element.offset(), format!("{}: {what}", element.name()));
    None
}

fn boolean(text: &str, element: Element<'_>, notes: &mut Notes) -> Option<bool> {
    let text = text.trim();
    let value = match text {
        "true" | "1" => return Some(true),
        "false" | "0" => return Some(false),
        _ if ["true", "yes"].iter().any(|word| text.eq_ignore_ascii_case(word)) => true,
        _ if ["false", "no"].iter().any(|word| text.eq_ignore_ascii_case(word)) => false,
        _ => return bad_value(element, &format!("{:?} is neither true nor false", excerpt(text)), notes),
    };
    let what = format!("{}: the schema writes {text} as {value}", element.name());
    notes.note(Rule::BooleanCase, element.offset(), what);
    Some(value)
}

/// An enumeration's value from a text or an attribute. The schema's are strings: padded ones are no values of it.
pub(crate) fn enumeration<T: Copy>(
    text: &str,
    wire: Spelling<T>,
    element: Element<'_>,
    notes: &mut Notes,
) -> Option<T> {
    let value = (wire.read)(text);
    if value.is_none_or(|value| (wire.spelling)(value) != text) {
        bad_value::<T>(element, &format!("{:?} is none of its values", excerpt(text.trim())), notes);
    }
    value
}

fn dated<T>(
    text: &str,
    read: fn(&str) -> Option<Reading<T>>,
    element: Element<'_>,
    notes: &mut Notes,
) -> Option<T> {
    let (value, what) = match read(text) {
        Some(Reading::Exact(value)) => return Some(value),
        Some(Reading::Lenient(value)) => (Some(value), "is not in the schema's form"),
        None => (None, "cannot be read"),
    };
    let what = format!("{}: the date {:?} {what}", element.name(), excerpt(text.trim()));
    notes.note(Rule::BadDate, element.offset(), what);
    value
}

/// A date that may be relative, as the text of an element.
pub(crate) fn read_when(element: Element<'_>, notes: &mut Notes) -> Option<When> {
    dated(&element.text(), time::read_when, element, notes)
}

/// A boolean attribute in any case, also as `yes` and `no`.
pub(crate) fn boolean_attribute(element: Element<'_>, name: &str, notes: &mut Notes) -> Option<bool> {
    let (value, _) = element.attribute(name)?;
    boolean(value, element, notes)
}

/// A date attribute that may be relative.
pub(crate) fn when_attribute(element: Element<'_>, name: &str, notes: &mut Notes) -> Option<When> {
    let (value, _) = element.attribute(name)?;
    dated(value, time::read_when, element, notes)
}

/// A positive number in an attribute.
pub(crate) fn number_attribute<T: std::str::FromStr>(
    element: Element<'_>,
    name: &str,
    notes: &mut Notes,
) -> Option<T> {
    let (value, _) = element.attribute(name)?;
    number(value, element, notes)
}

/// A positive number.
pub(crate) fn number<T: std::str::FromStr>(text: &str, element: Element<'_>, notes: &mut Notes) -> Option<T> {
    let digits = text.trim();
    let digits = digits.strip_prefix('+').unwrap_or(digits);
    let is_positive =
        digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.bytes().any(|byte| byte != b'0');
    match digits.parse() {
        Ok(number) if is_positive => Some(number),
        _ => bad_value(element, &format!("{:?} is not a positive number", excerpt(digits)), notes),
    }
}

/// The addresses in an element, in order: RFC2822Address, Number and ShortCode; a bare text, as older clients write
/// it; or those in a further element, as some wrap them. Empty ones are left out.
pub(crate) fn addresses(element: Element<'_>, notes: &mut Notes) -> Vec<(Address, AddressAttributes)> {
    let mut found = Vec::new();
    for child in element.children() {
        if let Some(new) = address_kind(child, notes) {
            let text = child.text();
            let attributes = address_attributes(child, notes);
            found.extend(
                Some(text.trim())
                    .filter(|text| !text.is_empty())
                    .map(|text| (new(text.to_owned()), attributes)),
            );
            if child.namespace() != element.namespace() {
                notes.note_namespace(child);
            }
        } else if child.children().next().is_some() {
            let what = format!("{} wraps an address once more", excerpt(child.name()));
            notes.note(Rule::AddressForm, child.offset(), what);
            found.extend(addresses(child, notes));
        } else {
            let what = format!("{} does not belong in {}", excerpt(child.name()), element.name());
            notes.note(Rule::UnknownElement, child.offset(), what);
        }
    }
    if found.is_empty() {
        let text = if notes.forgives() { element.full_text() } else { element.text() };
        found.extend(bare_address(&text).map(|address| (address, AddressAttributes::default())));
        if !found.is_empty() {
            let what = format!("{} holds an address as bare text", element.name());
            notes.note(Rule::AddressForm, element.offset(), what);
        }
    }
    found
}

/// Whether there is an address in the element, even an empty one or one in another form than the schema's.
pub(crate) fn has_address(element: Element<'_>) -> bool {
    element.children().next().is_some() || !element.text().trim().is_empty()
}

/// The constructor for an address element; notes misspelt ones.
fn address_kind(element: Element<'_>, notes: &mut Notes) -> Option<fn(String) -> Address> {
    let name = element.name();
    let new: fn(String) -> Address = match name {
        "Number" => return Some(Address::Number),
        "ShortCode" => return Some(Address::ShortCode),
        "RFC2822Address" => return Some(Address::Rfc2822Address),
        _ if name.eq_ignore_ascii_case("Number") => Address::Number,
        _ if name.eq_ignore_ascii_case("ShortCode") => Address::ShortCode,
        _ if name.eq_ignore_ascii_case("RFC2822Address") => Address::Rfc2822Address,
        _ if name.eq_ignore_ascii_case("RFC822Address") => Address::Rfc2822Address,
        _ => return None,
    };
    notes.note(Rule::UnknownElement, element.offset(), format!("{name} is no kind of address"));
    Some(new)
}

/// An address without an element that says its kind: a mail address when there is an `@`, else a number.
fn bare_address(text: &str) -> Option<Address> {
    let text = text.trim();
    let new = if text.contains('@') { Address::Rfc2822Address } else { Address::Number };
    (!text.is_empty()).then(|| new(text.to_owned()))
}

fn address_attributes(element: Element<'_>, notes: &mut Notes) -> AddressAttributes {
    let coding = element
        .attribute("addressCoding")
        .and_then(|(value, _)| enumeration(value, AddressCoding::WIRE, element, notes));
    AddressAttributes {
        display_only: boolean_attribute(element, "displayOnly", notes).unwrap_or(false),
        coding,
        id: element.attribute("id").and_then(|(value, _)| notes.id(value, element)),
        as_text: false,
    }
}
