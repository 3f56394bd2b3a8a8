//! What a peer said, in a few words for the timeline and the log: people who have to mend something want to read it.

use mm7::message::Message;
use posthouse_core::bounds::DETAILS;

/// The longest piece that is quoted, in characters.
const LONGEST: usize = 120;
/// How much of a page is looked at, in bytes.
const LOOKED_AT: usize = 32 << 10;
/// Elements of a page whose contents are not for people.
const NOT_FOR_PEOPLE: [&str; 2] = ["script", "style"];

/// The beginning of a text as one line: without control characters, and without those that change how a line is read.
pub fn line(text: &str) -> String {
    line_of(text, LONGEST)
}

/// The same of Details, in which carriers say what is wrong: more of them is kept.
pub fn details(text: &str) -> String {
    line_of(text, DETAILS)
}

fn line_of(text: &str, longest: usize) -> String {
    let is_short = text.len() <= longest && text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if is_short && text.trim_ascii() == text && !text.contains("  ") {
        // As nearly all are.
        return text.to_owned();
    }
    let mut line = String::new();
    let mut length = 0;
    for word in text.split(|c: char| c.is_whitespace() || is_not_seen(c)).filter(|word| !word.is_empty()) {
        let gap = usize::from(length > 0);
        let room = longest.saturating_sub(length + gap);
        if room == 0 {
            break;
        }
        if gap > 0 {
            line.push(' ');
        }
        line.extend(word.chars().take(room));
        length += gap + word.chars().take(room).count();
    }
    line
}

/// The code that an answer holds, and its words. `None` for what is no answer; no code for a Fault that holds none.
pub fn of_message(message: &Message) -> Option<(Option<u32>, String)> {
    if let Some(status) = message.status() {
        let details = status.details.as_deref().map(self::details).filter(|details| !details.is_empty());
        let details = details.map(|details| format!(": {details}")).unwrap_or_default();
        let within = match message {
            Message::Fault(_) => ", in a Fault",
            Message::RsErrorRsp(_) => ", in RSErrorRsp",
            Message::VaspErrorRsp(_) => ", in VASPErrorRsp",
            _ => "",
        };
        return Some((Some(status.code), format!("{} {}{details}{within}", status.code, line(&status.text))));
    }
    let Message::Fault(fault) = message else { return None };
    let (class, string) = (line(fault.code.as_str()), line(&fault.string));
    Some(match fault.code_in_string() {
        Some(code) => (Some(code), format!("{string}, in a Fault {class}")),
        None => (None, format!("a Fault {class} {string}")),
    })
}

/// Control characters, what has no width, and what changes the direction of writing.
const fn is_not_seen(c: char) -> bool {
    matches!(c,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// The first words of a body that holds no MM7: of a page without its markup. `None` where there are none.
pub fn of_body(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body.get(..LOOKED_AT).unwrap_or(body));
    let line = line(&without_entities(&without_markup(&text)));
    (!line.is_empty()).then_some(line)
}

/// What stands between tags, and outside of comments and scripts.
fn without_markup(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, markup)) = rest.find('<').and_then(|at| rest.split_at_checked(at)) {
        plain.push_str(before);
        rest = match behind_markup(markup) {
            Some(behind) => {
                plain.push(' ');
                behind
            }
            None => {
                plain.push('<');
                markup.strip_prefix('<').unwrap_or_default()
            }
        };
    }
    plain.push_str(rest);
    plain
}

/// What follows the tag, or the comment or script, at the beginning of this text; `None` where there is no tag.
fn behind_markup(text: &str) -> Option<&str> {
    let inside = text.strip_prefix('<')?;
    if !inside.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?')) {
        return None;
    }
    if let Some(comment) = inside.strip_prefix("!--") {
        return Some(behind(comment, "-->"));
    }
    let is = |name: &&&str| inside.get(..name.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(name));
    let from = match NOT_FOR_PEOPLE.iter().find(is) {
        Some(name) => inside.get(end_tag(inside, name)..).unwrap_or_default(),
        None => inside,
    };
    Some(behind(from, ">"))
}

/// Where the end tag of this name begins; the end of the text where there is none.
fn end_tag(text: &str, name: &str) -> usize {
    let mut begins = text.match_indices("</");
    let is_it = |rest: &str| rest.get(..name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name));
    let found = begins.find(|(at, begin)| text.get(at + begin.len()..).is_some_and(is_it));
    found.map_or(text.len(), |(at, _)| at)
}

fn behind<'t>(text: &'t str, end: &str) -> &'t str {
    text.split_once(end).map_or("", |(_, behind)| behind)
}

fn without_entities(text: &str) -> String {
    let mut text = text.to_owned();
    for (entity, meant) in
        [("&nbsp;", " "), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")]
    {
        if text.contains(entity) {
            text = text.replace(entity, meant);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_quoted_without_its_markup() {
        for (body, words) in [
            ("", None),
            (" \r\n\t", None),
            ("<html></html>", None),
            ("OK", Some("OK")),
            ("busy\r\n  try later", Some("busy try later")),
            (
                "<html><head><title>Error report</title></head><body><h1>HTTP Status 200 - </h1></body></html>",
                Some("Error report HTTP Status 200 -"),
            ),
            ("<!DOCTYPE html>\n<!-- <b>x</b> --><p>It works!</p>", Some("It works!")),
            ("<STYLE>a > b {}</STYLE >x<script>if (a<b) {}</script>y", Some("x y")),
            ("a < b &amp;&lt;c&gt;&nbsp;&quot;d&quot;&#39;", Some("a < b &<c> \"d\"'")),
            ("<script>never ends", None),
            ("<!-- never ends", None),
            ("<p never ends", None),
            ("a\u{1b}[2Jb\u{9b}\u{202e}c\0d", Some("a [2Jb c d")),
            ("{\"error\":\"no\"}", Some("{\"error\":\"no\"}")),
            ("<s>\u{fffd}</s>", Some("\u{fffd}")),
        ] {
            assert_eq!(of_body(body.as_bytes()).as_deref(), words, "{body:?}");
        }
        assert_eq!(of_body(b"\xff\xfe<b>x").as_deref(), Some("\u{fffd}\u{fffd} x"));
    }

    #[test]
    fn it_is_short() {
        assert_eq!(line(&"word ".repeat(100)).chars().count(), 119);
        assert_eq!(line(&"ü".repeat(1000)), "ü".repeat(120));
        assert_eq!(details(&"ü ".repeat(1000)).chars().count(), 499);
        assert_eq!(details(&"ü".repeat(1000)), "ü".repeat(500));
        assert_eq!(of_body("<b> </b>".repeat(1 << 20).as_bytes()), None);
        assert_eq!(of_body("<".repeat(1 << 20).as_bytes()).map(|words| words.len()), Some(120));
    }
}
