//! Makes XML of text that is nearly XML: for the door where the message counts for more than its form.
//!
//! What is mended stands in one place each, and leaves the elements round it as they are: a bare `&` or `<` in a text,
//! HTML's entities, characters that XML has no place for, values without quotes. Comments, processing instructions and
//! the XML declaration, which have no reader here, are left out. A DOCTYPE stays, and is refused as usual.

use super::characters::{is_character, reference};

/// The longest reference that is looked for, in bytes.
const MAX_REFERENCE: usize = 32;

/// HTML's entities that peers write into texts, and what they stand for.
const ENTITIES: &[(&str, char)] = &[
    ("nbsp", '\u{a0}'),
    ("copy", '©'),
    ("reg", '®'),
    ("trade", '™'),
    ("deg", '°'),
    ("euro", '€'),
    ("pound", '£'),
    ("yen", '¥'),
    ("cent", '¢'),
    ("sect", '§'),
    ("iexcl", '¡'),
    ("iquest", '¿'),
    ("laquo", '«'),
    ("raquo", '»'),
    ("lsquo", '‘'),
    ("rsquo", '’'),
    ("ldquo", '“'),
    ("rdquo", '”'),
    ("ndash", '–'),
    ("mdash", '—'),
    ("hellip", '…'),
    ("bull", '•'),
    ("middot", '·'),
    ("agrave", 'à'),
    ("aacute", 'á'),
    ("acirc", 'â'),
    ("atilde", 'ã'),
    ("auml", 'ä'),
    ("aring", 'å'),
    ("aelig", 'æ'),
    ("ccedil", 'ç'),
    ("egrave", 'è'),
    ("eacute", 'é'),
    ("ecirc", 'ê'),
    ("euml", 'ë'),
    ("igrave", 'ì'),
    ("iacute", 'í'),
    ("icirc", 'î'),
    ("iuml", 'ï'),
    ("ntilde", 'ñ'),
    ("ograve", 'ò'),
    ("oacute", 'ó'),
    ("ocirc", 'ô'),
    ("otilde", 'õ'),
    ("ouml", 'ö'),
    ("oslash", 'ø'),
    ("ugrave", 'ù'),
    ("uacute", 'ú'),
    ("ucirc", 'û'),
    ("uuml", 'ü'),
    ("yacute", 'ý'),
    ("szlig", 'ß'),
    ("Agrave", 'À'),
    ("Aacute", 'Á'),
    ("Acirc", 'Â'),
    ("Atilde", 'Ã'),
    ("Auml", 'Ä'),
    ("Aring", 'Å'),
    ("AElig", 'Æ'),
    ("Ccedil", 'Ç'),
    ("Egrave", 'È'),
    ("Eacute", 'É'),
    ("Ecirc", 'Ê'),
    ("Iacute", 'Í'),
    ("Ntilde", 'Ñ'),
    ("Oacute", 'Ó'),
    ("Ocirc", 'Ô'),
    ("Ouml", 'Ö'),
    ("Oslash", 'Ø'),
    ("Uacute", 'Ú'),
    ("Uuml", 'Ü'),
];

/// How many scans for an end that never comes a text may cost before it is given up.
const MAX_ROUNDS: usize = 8;

/// Mends a text; `None` where what came of it would be longer than `max` bytes, or nothing in it ends.
pub(crate) fn mend(text: &str, max: usize) -> Option<String> {
    let mut out = String::with_capacity(text.len() + 64);
    let mut rest = text;
    let mut patience = text.len().saturating_mul(MAX_ROUNDS);
    while !rest.is_empty() {
        if out.len() > max {
            return None;
        }
        rest = match rest.as_bytes().first() {
            Some(b'<') => match markup(rest, &mut out) {
                Markup::Read(behind) => behind,
                Markup::Bare { looked_at } => {
                    patience = patience.checked_sub(looked_at)?;
                    out.push_str("&lt;");
                    rest.get(1..).unwrap_or_default()
                }
            },
            Some(b'&') => ampersand(rest, &mut out),
            _ => characters(rest, &mut out),
        };
    }
    Some(out).filter(|out| out.len() <= max)
}

/// What came of a `<`.
enum Markup<'a> {
    /// It was written, or left out; this follows.
    Read(&'a str),
    /// It begins nothing, which took this many bytes to see.
    Bare { looked_at: usize },
}

/// Copies characters up to the next markup; what is left.
fn characters<'a>(rest: &'a str, out: &mut String) -> &'a str {
    let (text, after) = rest.split_at(rest.find(['<', '&']).unwrap_or(rest.len()));
    let text = text.replace(|c| !is_character(c), " ");
    out.push_str(&text.replace("]]>", "]]&gt;"));
    after
}

/// What begins with `&`: one of XML's references stays, one of HTML's becomes its character, and any other is a bare one.
fn ampersand<'a>(rest: &'a str, out: &mut String) -> &'a str {
    let after = rest.get(1..).unwrap_or_default();
    let window = after.as_bytes().iter().take(MAX_REFERENCE).position(|byte| *byte == b';');
    let found = window.and_then(|length| Some((after.get(..length)?, after.get(length + 1..)?)));
    let Some((name, behind)) = found else {
        out.push_str("&amp;");
        return after;
    };
    if reference(name).is_ok() {
        out.push('&');
        out.push_str(name);
        out.push(';');
        return behind;
    }
    match ENTITIES.iter().find(|(known, _)| *known == name) {
        Some((_, c)) => {
            out.push(*c);
            behind
        }
        None => {
            out.push_str("&amp;");
            after
        }
    }
}

/// What begins with `<`.
fn markup<'a>(rest: &'a str, out: &mut String) -> Markup<'a> {
    let bare = Markup::Bare { looked_at: rest.len() };
    if let Some(after) = rest.strip_prefix("<![CDATA[") {
        let Some((text, behind)) = after.split_once("]]>") else { return bare };
        out.push_str("<![CDATA[");
        out.push_str(&text.replace(|c| !is_character(c), " "));
        out.push_str("]]>");
        return Markup::Read(behind);
    }
    for (start, end) in [("<!--", "-->"), ("<?", "?>")] {
        if let Some(after) = rest.strip_prefix(start) {
            return after.split_once(end).map_or(bare, |(_, behind)| Markup::Read(behind));
        }
    }
    if is_doctype(rest) {
        out.push_str("<!DOCTYPE");
        return Markup::Read(rest.get(9..).unwrap_or_default());
    }
    match tag(rest) {
        Ok((inside, behind)) => {
            write_tag(inside, out);
            Markup::Read(behind)
        }
        Err(looked_at) => Markup::Bare { looked_at },
    }
}

fn is_doctype(rest: &str) -> bool {
    rest.get(..9).is_some_and(|word| word.eq_ignore_ascii_case("<!DOCTYPE"))
}

/// What stands between `<` and `>`, and what follows. Where it is no tag, for there is no name, or another tag begins first, how
/// many bytes were looked at.
fn tag(rest: &str) -> Result<(&str, &str), usize> {
    let inside = rest.get(1..).unwrap_or_default();
    let name = inside.strip_prefix('/').unwrap_or(inside);
    if !name.starts_with(|c: char| c.is_alphabetic() || c == '_') {
        return Err(1);
    }
    let mut quote = None;
    for (at, c) in inside.char_indices() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '>') => {
                let parts = inside.get(..at).zip(inside.get(at + 1..));
                return parts.ok_or(at);
            }
            (None, '<') => return Err(at),
            _ => {}
        }
    }
    Err(rest.len())
}

/// Writes a tag, with quotes round each value and references in it.
fn write_tag(inside: &str, out: &mut String) {
    out.push('<');
    let mut rest = inside;
    while let Some((before, after)) = rest.split_once('=') {
        out.push_str(before.trim_end());
        out.push('=');
        let after = after.trim_start();
        let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''));
        let (value, behind) = match quote {
            Some(quote) => {
                let inner = after.get(1..).unwrap_or_default();
                inner.split_once(quote).unwrap_or((inner, ""))
            }
            None => {
                let end = after.find(|c: char| c.is_ascii_whitespace()).unwrap_or(after.len());
                let (value, behind) = after.split_at(end);
                // The slash of an empty element is not part of the value.
                match value.strip_suffix('/').filter(|_| behind.is_empty()) {
                    Some(value) => (value, "/"),
                    None => (value, behind),
                }
            }
        };
        write_value(value, out);
        rest = behind;
        if !rest.is_empty() && !rest.starts_with(|c: char| c.is_ascii_whitespace() || c == '/') {
            out.push(' ');
        }
    }
    out.push_str(&rest.replace(|c| !is_character(c), " "));
    out.push('>');
}

fn write_value(value: &str, out: &mut String) {
    out.push('"');
    let mut rest = value;
    while let Some(c) = rest.chars().next() {
        let after = rest.get(c.len_utf8()..).unwrap_or_default();
        rest = match c {
            '&' => {
                rest = ampersand(rest, out);
                continue;
            }
            '<' => {
                out.push_str("&lt;");
                after
            }
            '"' => {
                out.push_str("&quot;");
                after
            }
            c => {
                out.push(if is_character(c) { c } else { ' ' });
                after
            }
        };
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mended(text: &str) -> String {
        mend(text, 1000).unwrap_or_default()
    }

    #[test]
    fn texts_are_mended_where_they_are_broken() {
        for (text, expected) in [
            ("<a>Tom & Jerry</a>", "<a>Tom &amp; Jerry</a>"),
            ("<a>AT&T; &amp; &#65; &#0; &;</a>", "<a>AT&amp;T; &amp; &#65; &amp;#0; &amp;;</a>"),
            ("<a>caf&eacute;&nbsp;!</a>", "<a>café\u{a0}!</a>"),
            ("<a>I <3 you, 1 < 2 <b</a>", "<a>I &lt;3 you, 1 &lt; 2 &lt;b</a>"),
            ("<a>]]></a>", "<a>]]&gt;</a>"),
            ("<a>\u{1}\u{fffe}\0</a>\0", "<a>   </a> "),
            ("<a><![CDATA[x & <y>]]></a>", "<a><![CDATA[x & <y>]]></a>"),
            ("\n<?xml version='1.0'?><!-- a -- b --><a/>", "\n<a/>"),
            ("<a><![CDATA[never ends</a>", "<a>&lt;![CDATA[never ends</a>"),
            ("<a b=1 c='2\"' d=\"x & y\"e=3/>", "<a b=\"1\" c=\"2&quot;\" d=\"x &amp; y\" e=\"3\"/>"),
            ("<a b = '<'></a>", "<a b=\"&lt;\"></a>"),
            ("<!DOCTYPE a><a/>", "<!DOCTYPE a><a/>"),
            ("é&é;é<é>", "é&amp;é;é<é>"),
            ("", ""),
        ] {
            assert_eq!(mended(text), expected, "{text:?}");
        }
    }

    #[test]
    fn what_grows_too_long_is_given_up() {
        assert_eq!(mend(&"&".repeat(100), 400), None);
        assert_eq!(mend(&"&".repeat(80), 400).map(|text| text.len()), Some(400));
    }

    #[test]
    fn a_megabyte_of_beginnings_takes_no_time() {
        let began = std::time::Instant::now();
        for text in ["<a ", "<![CDATA[", "<!--", "<?", "&", "<a b='", "<a b=", "x=", "&#", "]]>"] {
            let _ = mend(&text.repeat(1_000_000 / text.len()), 8_000_000);
        }
        assert!(began.elapsed() < std::time::Duration::from_secs(60));
    }
}
