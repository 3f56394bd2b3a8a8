//! Content-Type values (RFC 2045 clause 5.1): read leniently where peers are sloppy, written canonically.

use std::borrow::Cow;
use std::fmt;

use crate::ValueError;
use crate::text::without_controls;

/// The most parameters that are taken. Nobody sends as many; without a bound, a few bytes of input each would become
/// many of memory.
const MAX_PARAMS: usize = 64;

/// A media type with its parameters.
///
/// The type is lower-case `type/subtype`; names of parameters are lower-case, their values as they came. No value
/// holds a control character, so that [`Display`](fmt::Display) can always go into a header.
///
/// ```
/// use mm7::mime::ContentType;
/// let related = ContentType::parse("Multipart/Related; Type=text/xml; boundary=\"a b\"")?;
/// assert_eq!(related.essence(), "multipart/related");
/// assert_eq!(related.param("BOUNDARY"), Some("a b"));
/// assert_eq!(related.to_string(), "multipart/related; type=\"text/xml\"; boundary=\"a b\"");
/// # Ok::<(), mm7::ValueError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ContentType {
    essence: Cow<'static, str>,
    params: Vec<Param>,
}

/// A name in lower case, and a value.
type Param = (Cow<'static, str>, String);

/// Names that nearly every message has: they need no memory of their own.
const USUAL: [&str; 16] = [
    "text/xml",
    "multipart/related",
    "multipart/mixed",
    "application/smil",
    "text/plain",
    "image/jpeg",
    "image/gif",
    "image/png",
    "video/3gpp",
    "audio/amr",
    "boundary",
    "charset",
    "type",
    "start",
    "name",
    "filename",
];

/// A name in lower case.
fn lower_case(name: &str) -> Cow<'static, str> {
    let usual = USUAL.iter().find(|usual| usual.eq_ignore_ascii_case(name));
    usual.map_or_else(|| Cow::Owned(name.to_ascii_lowercase()), |usual| Cow::Borrowed(*usual))
}

impl ContentType {
    /// Reads the text of a Content-Type header.
    ///
    /// Taken beyond the grammar, since peers send it: empty parameters (`image/gif; `), unquoted values with
    /// characters that ask for quotes (`type=text/xml`), a missing semicolon before a parameter that everybody knows
    /// (`boundary="b" type=…`, `multipart/related boundary=b`), a charset without its name (`text/xml; utf-8`).
    ///
    /// # Errors
    /// [`ValueError::Empty`]; [`ValueError::Malformed`] for anything that is not `type/subtype`, a parameter without
    /// a name or `=`, a quote that is not closed, control characters, and more than 64 parameters.
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        let text = text.trim_ascii();
        if text.is_empty() {
            return Err(ValueError::Empty);
        }
        let (essence, rest) = split_at(text, b';').unwrap_or((text, ""));
        let (essence, rest) = match essence.split_once([' ', '\t']) {
            // Of a multipart nothing can be read without them.
            Some((bare, params)) if is_multipart(bare) && begins_with_param(params) => {
                (bare, text.get(bare.len()..).unwrap_or(rest))
            }
            _ => (essence, rest),
        };
        Ok(Self { essence: checked_essence(essence.trim_ascii_end())?, params: parse_params(rest)? })
    }

    /// A media type without parameters, for types that the program itself knows. What is not `type/subtype` becomes
    /// `application/octet-stream` (RFC 2046 clause 4.5.1: what is known of bytes about which nothing is known).
    pub fn new(essence: &str) -> Self {
        let essence = checked_essence(essence).unwrap_or(Cow::Borrowed("application/octet-stream"));
        Self { essence, params: Vec::new() }
    }

    /// The same with one parameter more. Control characters in the value become spaces; a name that is no token is
    /// left out with its value.
    #[must_use]
    pub fn with_param(mut self, name: &str, value: &str) -> Self {
        if is_token(name.as_bytes()) {
            self.params.push((lower_case(name), clean(value)));
        }
        self
    }

    /// `type/subtype`, lower-case.
    pub fn essence(&self) -> &str {
        &self.essence
    }

    /// The type before the slash, lower-case: `image`.
    pub fn main_type(&self) -> &str {
        self.essence.split('/').next().unwrap_or_default()
    }

    /// The value of a parameter, by its name in any case; the first where it is repeated.
    pub fn param(&self, name: &str) -> Option<&str> {
        let found = self.params.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Every parameter as name and value, in the order in which they came.
    pub fn params(&self) -> impl Iterator<Item = (&str, &str)> {
        self.params.iter().map(|(name, value)| (name.as_ref(), value.as_str()))
    }

    /// Whether it is XML (RFC 7303 clause 4): `text/xml`, `application/xml`, and anything that ends in `+xml`, such as the
    /// `application/xop+xml` of stacks that optimise messages (MTOM).
    pub fn is_xml(&self) -> bool {
        matches!(self.essence(), "text/xml" | "application/xml") || self.essence().ends_with("+xml")
    }

    /// Whether a part of this type is a SMIL presentation.
    pub fn is_smil(&self) -> bool {
        matches!(self.essence(), "application/smil" | "application/smil+xml")
    }

    /// Whether a body of this type is an envelope and nothing else: `text/xml`, `application/xml`, or
    /// `application/soap+xml`.
    pub fn is_bare_envelope(&self) -> bool {
        matches!(self.essence(), "text/xml" | "application/xml" | "application/soap+xml")
    }

    /// Whether it is `multipart/…`.
    pub fn is_multipart(&self) -> bool {
        is_multipart(&self.essence)
    }

    /// The file name that the type carries: `name`, or `name*` of RFC 2231.
    pub(crate) fn name(&self) -> Option<String> {
        named(&self.params, "name")
    }
}

impl fmt::Display for ContentType {
    /// Canonical: every value that is no token is quoted.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.essence)?;
        for (name, value) in &self.params {
            write!(f, "; {name}=")?;
            write_value(f, value)?;
        }
        Ok(())
    }
}

impl std::str::FromStr for ContentType {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        Self::parse(text)
    }
}

/// Writes a parameter's value, quoted where it is no token (RFC 2045 clause 5.1).
fn write_value(f: &mut impl fmt::Write, value: &str) -> fmt::Result {
    if is_token(value.as_bytes()) {
        return f.write_str(value);
    }
    f.write_char('"')?;
    for char in value.chars() {
        if matches!(char, '"' | '\\') {
            f.write_char('\\')?;
        }
        f.write_char(char)?;
    }
    f.write_char('"')
}

/// A value as it stands behind `=` in a header.
pub(super) fn quoted(value: &str) -> String {
    let mut text = String::with_capacity(value.len() + 2);
    // Writing into a String does not fail.
    let _ = write_value(&mut text, &clean(value));
    text
}

/// Control characters would end a header or smuggle one in: each becomes a space.
pub(super) fn clean(value: &str) -> String {
    without_controls(value).into_owned()
}

/// The file name of a Content-Disposition (RFC 2183): `filename`, or `filename*`. A value that cannot be read names
/// nothing.
pub(super) fn disposition_name(text: &str) -> Option<String> {
    let (_, params) = split_at(text, b';')?;
    named(&parse_params(params).ok()?, "filename")
}

fn named(params: &[Param], name: &str) -> Option<String> {
    let plain = params.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    let extended = || {
        let with_star = |known: &str| known.strip_suffix('*') == Some(name);
        params.iter().find(|(known, _)| with_star(known)).and_then(|(_, value)| extended_value(value))
    };
    plain.or_else(extended).filter(|name| !name.is_empty())
}

/// `charset'language'percent-encoded` (RFC 2231 clause 4), in which control characters can be hidden.
fn extended_value(value: &str) -> Option<String> {
    let (charset, rest) = value.split_once('\'')?;
    let (_, encoded) = rest.split_once('\'')?;
    let encoding = encoding_rs::Encoding::for_label(charset.as_bytes())?;
    Some(clean(&encoding.decode_without_bom_handling(&percent_decode(encoded)).0))
}

/// The bytes behind `%xx`; a `%` without two hexadecimal digits stands for itself (RFC 3986 clause 2.1).
pub(super) fn percent_decode(text: &str) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        match (byte, after) {
            (b'%', [high, low, after @ ..]) if let Some(value) = super::encoding::hex_byte(*high, *low) => {
                decoded.push(value);
                rest = after;
            }
            _ => {
                decoded.push(byte);
                rest = after;
            }
        }
    }
    decoded
}

fn checked_essence(text: &str) -> Result<Cow<'static, str>, ValueError> {
    match split_at(text, b'/') {
        Some((main, sub)) if is_token(main.as_bytes()) && is_token(sub.as_bytes()) => Ok(lower_case(text)),
        _ => Err(ValueError::Malformed { expected: "a media type of the form type/subtype" }),
    }
}

/// The text before and behind the first such byte, which is one of ASCII's. Headers are short: a plain loop over their
/// bytes is as fast as a search can be.
fn split_at(text: &str, separator: u8) -> Option<(&str, &str)> {
    let at = text.bytes().position(|byte| byte == separator)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// Reads `name=value` pairs, separated by semicolons.
fn parse_params(mut rest: &str) -> Result<Vec<Param>, ValueError> {
    let mut params = Vec::new();
    loop {
        let separators = rest.bytes().take_while(|byte| matches!(byte, b';' | b' ' | b'\t')).count();
        rest = rest.get(separators..).unwrap_or_default();
        if rest.is_empty() {
            return Ok(params);
        }
        if params.len() == MAX_PARAMS {
            return Err(ValueError::Malformed { expected: "a media type with at most 64 parameters" });
        }
        if let Some((charset, after)) = lone_charset(rest) {
            params.push((Cow::Borrowed("charset"), charset.to_owned()));
            rest = after;
            continue;
        }
        let (name, after) = split_at(rest, b'=').ok_or(ValueError::Malformed {
            expected: "a media type with parameters of the form name=value",
        })?;
        let name = name.trim_ascii_end();
        if !is_token(name.as_bytes()) {
            return Err(ValueError::Malformed { expected: "a media type whose parameters have a name" });
        }
        let (value, after) = parse_value(after.trim_ascii_start())?;
        params.push((lower_case(name), value));
        rest = after;
    }
}

/// A charset that stands where a parameter should, without its name; and what follows it.
fn lone_charset(rest: &str) -> Option<(&str, &str)> {
    let end = rest.bytes().position(|byte| matches!(byte, b';' | b'=')).unwrap_or(rest.len());
    let (label, after) = rest.split_at_checked(end)?;
    let label = label.trim_ascii_end();
    let is_alone = !after.starts_with('=') && is_token(label.as_bytes());
    (is_alone && encoding_rs::Encoding::for_label(label.as_bytes()).is_some()).then_some((label, after))
}

fn is_multipart(essence: &str) -> bool {
    split_at(essence, b'/').is_some_and(|(main, _)| main.eq_ignore_ascii_case("multipart"))
}

/// Whether a text begins with a parameter that everybody knows.
fn begins_with_param(text: &str) -> bool {
    const KNOWN: [&str; 7] = ["boundary", "type", "start", "start-info", "charset", "name", "action"];
    let Some((name, _)) = split_at(text, b'=') else { return false };
    KNOWN.iter().any(|known| known.eq_ignore_ascii_case(name.trim_ascii()))
}

/// Where an unquoted value ends: at a semicolon, or before a parameter that follows without one.
fn end_of_unquoted(text: &str) -> usize {
    let end = text.bytes().position(|byte| byte == b';').unwrap_or(text.len());
    let value = text.get(..end).unwrap_or(text);
    let blanks = value.match_indices([' ', '\t']).map(|(at, _)| at);
    let mut followed = blanks.filter(|at| value.get(at + 1..).is_some_and(begins_with_param));
    followed.next().unwrap_or(end)
}

/// Reads a quoted value, or an unquoted one up to the next semicolon; gives back what follows.
fn parse_value(text: &str) -> Result<(String, &str), ValueError> {
    let (value, rest) = match text.strip_prefix('"') {
        Some(quoted) => parse_quoted(quoted)?,
        None => {
            let (value, rest) = text.split_at_checked(end_of_unquoted(text)).unwrap_or((text, ""));
            (Cow::Borrowed(value.trim_ascii_end()), rest)
        }
    };
    let is_plain = value.bytes().all(|byte| (b' '..0x7f).contains(&byte));
    if is_plain {
        return Ok((value.into_owned(), rest));
    }
    // A tab is white space, and folding may have left one.
    let value = value.replace('\t', " ");
    if value.contains(char::is_control) {
        return Err(ValueError::Malformed { expected: "a media type without control characters" });
    }
    Ok((value, rest))
}

fn parse_quoted(text: &str) -> Result<(Cow<'_, str>, &str), ValueError> {
    let unclosed = ValueError::Malformed { expected: "a media type whose quotes are closed" };
    let Some((plain, rest)) = split_at(text, b'"') else { return Err(unclosed) };
    if !plain.contains('\\') {
        return Ok((Cow::Borrowed(plain), rest));
    }
    let mut value = String::new();
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        match char {
            '"' => return Ok((Cow::Owned(value), chars.as_str())),
            '\\' => value.extend(chars.next()),
            _ => value.push(char),
        }
    }
    Err(unclosed)
}

/// A token of RFC 2045: visible ASCII without the characters that have a meaning in headers.
pub(super) fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|byte| TOKEN_BYTES.get(usize::from(*byte)).is_some_and(|is| *is))
}

static TOKEN_BYTES: [bool; 128] = token_bytes();

const fn token_bytes() -> [bool; 128] {
    let mut table = [false; 128];
    let mut byte = b'!';
    while byte < 0x7f {
        table[byte as usize] = !matches!(
            byte,
            b'(' | b')'
                | b'<'
                | b'>'
                | b'@'
                | b','
                | b';'
                | b':'
                | b'\\'
                | b'"'
                | b'/'
                | b'['
                | b']'
                | b'?'
                | b'='
        );
        byte += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> ContentType {
        ContentType::parse(text).unwrap()
    }

    #[test]
    fn what_peers_send_is_read() {
        for (text, canonical) in [
            ("text/xml", "text/xml"),
            (" TEXT/XML ;Charset=\"utf-8\"", "text/xml; charset=utf-8"),
            ("image/gif; ", "image/gif"),
            ("image/gif;", "image/gif"),
            ("image/gif;; ;name=a.gif;", "image/gif; name=a.gif"),
            ("image/jpeg; Name=flowers_6.jpg", "image/jpeg; name=flowers_6.jpg"),
            ("text/xml; charset=\"utf:8\"", "text/xml; charset=\"utf:8\""),
            ("text/plain; charset=", "text/plain; charset=\"\""),
            ("text/plain; charset = utf-8", "text/plain; charset=utf-8"),
            ("text/plain; name=\"a \\\"b\\\" \\\\c\"", "text/plain; name=\"a \\\"b\\\" \\\\c\""),
            ("text/plain; name=\"бал.txt\"", "text/plain; name=\"бал.txt\""),
            ("text/plain; name=two words.txt; x=1", "text/plain; name=\"two words.txt\"; x=1"),
            (
                "multipart/related;type=\"application/smil\"; boundary=\"----=_Part_1\";start=\"<0.smil>\"",
                "multipart/related; type=\"application/smil\"; boundary=\"----=_Part_1\"; start=\"<0.smil>\"",
            ),
            ("multipart/related; boundary=----=_Part_1", "multipart/related; boundary=\"----=_Part_1\""),
            ("multipart/related; type=\"text/xml\" start=s", "multipart/related; type=\"text/xml\"; start=s"),
            ("multipart/mixed; boundary=\"a;b\"", "multipart/mixed; boundary=\"a;b\""),
            ("text/plain; name=\"a\tb\"", "text/plain; name=\"a b\""),
            // No semicolon before a parameter.
            ("multipart/related boundary=b; start=s", "multipart/related; boundary=b; start=s"),
            (
                "Multipart/Related\tBoundary=\"b\" type=text/xml",
                "multipart/related; boundary=b; type=\"text/xml\"",
            ),
            (
                "multipart/related; boundary=b type=text/xml start=<s>",
                "multipart/related; boundary=b; type=\"text/xml\"; start=\"<s>\"",
            ),
            (
                "multipart/related; boundary=b\tType = text/xml",
                "multipart/related; boundary=b; type=\"text/xml\"",
            ),
            ("text/plain; name=a b=c.txt", "text/plain; name=\"a b=c.txt\""),
            // A charset without its name.
            ("text/xml; utf-8", "text/xml; charset=utf-8"),
            ("text/xml;UTF-8 ;x=1", "text/xml; charset=UTF-8; x=1"),
            // What stacks write that optimise messages.
            (
                "multipart/related; type=\"application/xop+xml\"; start=\"<root.message@cxf.apache.org>\"; start-info=\"text/xml\"; boundary=\"uuid:7\"",
                "multipart/related; type=\"application/xop+xml\"; start=\"<root.message@cxf.apache.org>\"; start-info=\"text/xml\"; boundary=\"uuid:7\"",
            ),
        ] {
            assert_eq!(parsed(text).to_string(), canonical, "{text}");
            assert_eq!(parsed(canonical), parsed(text), "{canonical}");
        }
    }

    #[test]
    fn what_is_no_media_type_is_refused() {
        for text in [
            "",
            "   ",
            ";",
            "image",
            "image/",
            "/jpeg",
            "/",
            "image/jpeg/x",
            "image / jpeg",
            "image/ jpeg",
            "image jpeg",
            "text/xml charset=utf-8",
            "text/xml plain",
            "multipart/related b",
            "im\u{0}age/jpeg",
            "image/jpeg\r\nX-Evil: 1",
            "image/jpeg; name=\"a\r\nX-Evil: 1\"",
            "image/jpeg; name=a\u{7f}",
            "image/jpeg; name",
            "image/jpeg; =a",
            "image/jpeg; na me=a",
            "image/jpeg; name=\"a",
            "image/jpeg; name=\"a\\",
            "imágé/jpeg",
            "\"image\"/jpeg",
        ] {
            assert!(ContentType::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn parameters_are_bounded() {
        assert_eq!(parsed(&format!("a/b{}", "; c=d".repeat(64))).params().count(), 64);
        assert!(ContentType::parse(&format!("a/b{}", "; c=d".repeat(65))).is_err());
    }

    #[test]
    fn parameters_are_found_by_name_and_the_first_counts() {
        let content_type = parsed("text/plain; CHARSET=utf-8; charset=latin1");
        assert_eq!(content_type.param("Charset"), Some("utf-8"));
        assert_eq!(content_type.param("name"), None);
        let all: Vec<_> = content_type.params().collect();
        assert_eq!(all, [("charset", "utf-8"), ("charset", "latin1")]);
    }

    #[test]
    fn kinds_are_told_apart() {
        for (text, xml, bare, multipart) in [
            ("text/xml", true, true, false),
            ("Application/XML; a=b", true, true, false),
            ("application/soap+xml", true, true, false),
            ("application/xop+xml; type=\"text/xml\"", true, false, false),
            ("application/atom+XML", true, false, false),
            ("application/xml-dtd", false, false, false),
            ("text/html", false, false, false),
            ("multipart/related", false, false, true),
            ("MULTIPART/Form-Data", false, false, true),
            ("multipartish/related", false, false, false),
        ] {
            let read = parsed(text);
            let kinds = (read.is_xml(), read.is_bare_envelope(), read.is_multipart());
            assert_eq!(kinds, (xml, bare, multipart), "{text}");
        }
    }

    #[test]
    fn built_values_cannot_smuggle_a_header() {
        let built =
            ContentType::new("image/jpeg").with_param("Name", "a\r\nX-Evil: 1").with_param("b\r\nc", "d");
        assert_eq!(built.to_string(), "image/jpeg; name=\"a  X-Evil: 1\"");
        assert_eq!(ContentType::new("image/jpeg\r\nX: 1").to_string(), "application/octet-stream");
    }

    #[test]
    fn file_names_are_read_plain_and_extended() {
        assert_eq!(parsed("a/b; name=x.gif").name().as_deref(), Some("x.gif"));
        assert_eq!(parsed("a/b; name*=utf-8''b%C3%A4r.gif").name().as_deref(), Some("bär.gif"));
        assert_eq!(parsed("a/b; name*=gbk''%C4%E3.gif").name().as_deref(), Some("你.gif"));
        assert_eq!(parsed("a/b; name*=utf-8''a%0D%0Ab%00").name().as_deref(), Some("a  b "));
        assert_eq!(parsed("a/b; name*=nonsense").name(), None);
        assert_eq!(parsed("a/b; name=\"\"").name(), None);
        assert_eq!(disposition_name("attachment; filename=\"a b.jpg\"").as_deref(), Some("a b.jpg"));
        assert_eq!(disposition_name("attachment; filename=\"a b.jpg"), None);
        assert_eq!(disposition_name("inline"), None);
    }

    #[test]
    fn percent_encoding_is_undone_and_the_rest_kept() {
        assert_eq!(percent_decode("a%20b%4"), b"a b%4");
        assert_eq!(percent_decode("%%41%zz"), b"%A%zz");
    }
}
