//! What a document refers to: files, and variables of the environment. The sender of a document has to put in their contents.

use std::ops::Range;

use posthouse_api::ProblemError;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// What each PEM block begins with.
const BEGIN: &str = "-----BEGIN ";

/// A value that is not in the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutsideValue {
    /// Where it stands in the document, in bytes.
    pub span: Range<usize>,
    /// What names it.
    pub kind: OutsideKind,
    /// The name of the file, or of the variable.
    pub name: String,
}

/// How a document names something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutsideKind {
    /// `{ env = "NAME" }`: what the variable holds.
    Variable,
    /// `{ file = "path" }`: the text that it holds, without the line end.
    Text,
    /// `ca`, `cert` or `key` in `tls`: the PEM blocks that it holds.
    Pem,
    /// A file that the gateway reads while it runs: its path is what is provisioned.
    Followed,
}

/// The values that are not in a document. What is not TOML has none.
pub fn values(toml: &str) -> Vec<OutsideValue> {
    let (table, _) = DeTable::parse_recoverable(toml);
    let mut found = Vec::new();
    in_table(table.get_ref(), "", &mut found);
    found
}

/// Why a document is not taken that names files: here they would be the gateway's.
pub(super) fn refused(toml: &str) -> Vec<ProblemError> {
    let refused = values(toml).into_iter().filter_map(|OutsideValue { span, kind, name }| {
        let (detail, remedy) = match kind {
            OutsideKind::Variable => return None,
            OutsideKind::Text => {
                ("this value is in a file, which is not looked into", "write the value here")
            }
            OutsideKind::Pem => ("this is a file, which is not looked into", "write here what it holds"),
            OutsideKind::Followed if name.starts_with('/') => return None,
            OutsideKind::Followed => {
                ("this path is relative", "write where the file is on the gateway's machine")
            }
        };
        let before = toml.as_bytes().get(..span.start).unwrap_or_default();
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        let error = ProblemError { line: Some(line), detail: detail.to_owned(), ..ProblemError::default() };
        Some(error.with_remedy(remedy))
    });
    refused.take(MOST_TOLD).collect()
}

/// How many of them are told.
const MOST_TOLD: usize = 100;

fn in_table(table: &DeTable<'_>, name: &str, found: &mut Vec<OutsideValue>) {
    for (key, value) in table.iter() {
        let key: &str = key.get_ref();
        if let Some(whole) = alone(value) {
            found.push(whole);
            continue;
        }
        match (value.get_ref(), named(name, key)) {
            (DeValue::String(text), Some(kind)) if !text.trim_start().starts_with(BEGIN) => {
                found.push(OutsideValue { span: value.span(), kind, name: text.to_string() });
            }
            _ => in_value(value, key, found),
        }
    }
}

fn in_value(value: &Spanned<DeValue<'_>>, name: &str, found: &mut Vec<OutsideValue>) {
    match value.get_ref() {
        DeValue::Table(table) => in_table(table, name, found),
        DeValue::Array(array) => {
            for value in array.iter() {
                match alone(value) {
                    Some(whole) => found.push(whole),
                    None => in_value(value, name, found),
                }
            }
        }
        _ => {}
    }
}

/// A value that is `{ env = "NAME" }` or `{ file = "path" }`, all of which stands for another.
fn alone(value: &Spanned<DeValue<'_>>) -> Option<OutsideValue> {
    let DeValue::Table(table) = value.get_ref() else { return None };
    let mut members = table.iter();
    let (Some((key, name)), None) = (members.next(), members.next()) else { return None };
    let DeValue::String(name) = name.get_ref() else { return None };
    let kind = match key.get_ref().as_ref() {
        "env" => OutsideKind::Variable,
        "file" => OutsideKind::Text,
        _ => return None,
    };
    Some(OutsideValue { span: value.span(), kind, name: name.to_string() })
}

/// What a text means that is the value of this key.
fn named(table: &str, key: &str) -> Option<OutsideKind> {
    match (table, key) {
        ("tls", "ca" | "cert" | "key") => Some(OutsideKind::Pem),
        ("lookup", "ported") => Some(OutsideKind::Followed),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = r#"
[[account]]
vaspid = { file = "secrets/acme" }
basic_auth = { username = "u", password = { file = "p" } }
allowed = [{ file = "a" }, { env = "B" }]
[[carrier]]
[carrier.connection]
tls = { ca = "ca.pem", cert = "-----BEGIN CERTIFICATE-----\nx", key = { file = "key.pem" } }
[lookup]
ported = "numbers.csv"
file = "of another key"
"#;

    #[test]
    fn values_elsewhere_are_found_with_their_place() {
        let found: Vec<_> = values(DOCUMENT)
            .into_iter()
            .map(|value| (DOCUMENT[value.span].to_owned(), value.kind, value.name))
            .collect();
        let expected = [
            ("{ file = \"secrets/acme\" }", OutsideKind::Text, "secrets/acme"),
            ("{ file = \"p\" }", OutsideKind::Text, "p"),
            ("{ file = \"a\" }", OutsideKind::Text, "a"),
            ("{ env = \"B\" }", OutsideKind::Variable, "B"),
            ("\"ca.pem\"", OutsideKind::Pem, "ca.pem"),
            ("{ file = \"key.pem\" }", OutsideKind::Text, "key.pem"),
            ("\"numbers.csv\"", OutsideKind::Followed, "numbers.csv"),
        ];
        let mut found: Vec<_> =
            found.iter().map(|(text, kind, name)| (text.as_str(), *kind, name.as_str())).collect();
        found.sort_by_key(|(text, ..)| DOCUMENT.find(text));
        assert_eq!(found, expected);
    }

    #[test]
    fn a_document_that_names_files_is_refused_by_line() {
        let told: Vec<_> =
            refused(DOCUMENT).into_iter().map(|error| (error.line.unwrap_or(0), error.to_string())).collect();
        assert!(
            told.contains(&(
                3,
                "this value is in a file, which is not looked into; write the value here".to_owned()
            )),
            "{told:?}"
        );
        assert!(
            told.contains(&(
                10,
                "this path is relative; write where the file is on the gateway's machine".to_owned()
            )),
            "{told:?}"
        );
        assert_eq!(refused("[lookup]\nported = \"/var/numbers.csv\"\n"), []);
    }
}
