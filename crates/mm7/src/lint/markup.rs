//! What would put markup right that is no XML.

use super::finding::Remedy;
use super::source::quoted;
use crate::error::Rule;

/// How much of a document before a fault is looked at for elements that are open, in bytes.
const MAX_SCANNED: usize = 1024 * 1024;

pub(super) fn remedy(rule: Rule, text: &str, at: usize) -> Remedy {
    match rule {
        Rule::Encoding => Remedy::advise(
            "save the envelope as UTF-8, or name the encoding that it is in, and send no control characters",
        )
        .corrected("Content-Type: text/xml; charset=utf-8"),
        Rule::Doctype => {
            Remedy::advise("leave the DOCTYPE out, and write characters in place of the entities it declares")
                .found(line(text, at))
        }
        _ => ill_formed(text, at),
    }
}

fn ill_formed(text: &str, at: usize) -> Remedy {
    let rest = text.get(at..).unwrap_or_default();
    let innermost = || open_elements(text, at).pop();
    if rest.starts_with("&") {
        return Remedy::advise("write & as &amp;, and any other character as it is")
            .found(line(text, at))
            .corrected("&amp;");
    }
    if let (true, Some(open)) = (rest.starts_with("</"), innermost()) {
        return Remedy::advise("close the elements in the order in which they were opened")
            .found(line(text, at))
            .corrected(format!("</{open}>"));
    }
    if rest.is_empty() {
        let mut open = open_elements(text, at);
        open.reverse();
        if !open.is_empty() {
            let closing: String = open.iter().map(|name| format!("</{name}>")).collect();
            return Remedy::advise("close what is still open: the end may have been cut off")
                .corrected(quoted(&closing));
        }
    }
    Remedy::advise("mend the markup here; an XML writer in place of string templates cannot get it wrong")
        .found(line(text, at))
}

fn line(text: &str, at: usize) -> Option<String> {
    let line = text.get(at..)?.lines().next()?.trim();
    (!line.is_empty()).then(|| quoted(line))
}

/// The names of the elements that are open at a place, outermost first: found by search, since the document cannot be parsed.
fn open_elements(text: &str, at: usize) -> Vec<&str> {
    let before = text.get(..at).unwrap_or(text);
    let mut open = Vec::new();
    if before.len() > MAX_SCANNED {
        return open;
    }
    for tag in before.split('<').skip(1) {
        let name = tag.split([' ', '\t', '\r', '\n', '>']).next().unwrap_or_default();
        match (tag.starts_with('/'), tag.starts_with(['?', '!']), tag.trim_end().ends_with("/>")) {
            (true, _, _) => {
                open.pop();
            }
            (_, true, _) | (_, _, true) => {}
            _ if tag.contains("/>") => {}
            _ if tag.contains('>') => open.push(name),
            _ => {}
        }
    }
    open
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corrected(text: &str, at: usize) -> Option<String> {
        remedy(Rule::NotWellFormed, text, at).corrected
    }

    #[test]
    fn what_is_open_is_closed() {
        assert_eq!(corrected("<?xml version='1.0'?><a b='c'><d/><e>f", 38).as_deref(), Some("</e></a>"));
        assert_eq!(corrected("<a><b>c</a>", 7).as_deref(), Some("</b>"));
        assert_eq!(corrected("<a>b & c</a>", 5).as_deref(), Some("&amp;"));
        assert_eq!(corrected("<a b></a>", 0), None);
        assert_eq!(corrected("", 0), None);
    }
}
