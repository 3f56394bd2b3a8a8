//! The tokens of an XML document (XML 1.0 clauses 2 and 3), each a piece of its text: nothing is copied, and every
//! byte is looked at once or twice. Comments, processing instructions and the XML declaration are passed over.
//!
//! What can be told from one token is checked here; that tags nest is the caller's to check. Presentations are read with less care
//! than envelopes: a DOCTYPE is passed over, and so is what no handset minds.

use super::doctype;
use crate::error::{DecodeError, Rule};
use crate::text::excerpt;

/// A piece of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    /// A start tag up to its name, which is not checked. What follows it is asked for with [`Scanner::in_tag`].
    Start(&'a str),
    /// An end tag's name.
    End(&'a str),
    /// Characters without markup, line ends as they came.
    Text(&'a str),
    /// What stands in a CDATA section.
    CData(&'a str),
    /// What stands between `&` and `;`.
    Reference(&'a str),
}

/// A piece of a start tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InTag<'a> {
    /// The name and the value of an attribute, as they stand.
    Attribute(&'a str, &'a str),
    /// `>`: the element has contents.
    Open,
    /// `/>`: the element has none.
    Empty,
}

/// Reads a document from front to back.
#[derive(Debug)]
pub(crate) struct Scanner<'a> {
    text: &'a str,
    at: usize,
    /// Where the token given out last begins.
    token: usize,
    /// Where the document begins, blanks passed over.
    start: usize,
    /// Whether there is any `]`, which most documents do not have.
    has_brackets: bool,
    /// Whether only what cannot be told apart is refused.
    is_lenient: bool,
}

impl<'a> Scanner<'a> {
    pub fn new(text: &'a str) -> Self {
        let start = text.len() - text.trim_ascii_start().len();
        let has_brackets = memchr::memchr(b']', text.as_bytes()).is_some();
        Self { text, at: start, token: start, start, has_brackets, is_lenient: false }
    }

    /// For presentations: passes over a DOCTYPE, and takes what is not well-formed where it is still plain what is markup.
    /// Those are XML declarations anywhere, `--` in comments, `]]>` in texts, references of any name, characters that no name has, and
    /// attributes without a blank between them.
    pub fn lenient(text: &'a str) -> Self {
        Self { is_lenient: true, ..Self::new(text) }
    }

    /// Where the next token begins.
    pub const fn position(&self) -> usize {
        self.at
    }

    /// Where the token given out last begins.
    pub const fn offset(&self) -> usize {
        self.token
    }

    /// Passes over the end tag of this name if it comes next.
    pub fn closes(&mut self, name: &str) -> bool {
        let tag = self.rest().strip_prefix(b"</").and_then(|rest| rest.strip_prefix(name.as_bytes()));
        let closes = matches!(tag, Some([b'>', ..]));
        if closes {
            self.at += name.len() + b"</>".len();
        }
        closes
    }

    /// The next token; `None` at the end. Not to be asked for inside a tag.
    pub fn next(&mut self) -> Result<Option<Token<'a>>, DecodeError> {
        loop {
            self.token = self.at;
            match self.peek() {
                None => return Ok(None),
                Some(b'<') => {
                    if let Some(token) = self.markup()? {
                        return Ok(Some(token));
                    }
                }
                Some(b'&') => return self.reference().map(Some),
                Some(_) => return self.characters().map(Some),
            }
        }
    }

    /// The next piece of the start tag that was given out last.
    pub fn in_tag(&mut self) -> Result<InTag<'a>, DecodeError> {
        let blanks = self.skip_blanks();
        match (self.peek(), self.peek_behind(1)) {
            (Some(b'>'), _) => {
                self.at += 1;
                Ok(InTag::Open)
            }
            (Some(b'/'), Some(b'>')) => {
                self.at += 2;
                Ok(InTag::Empty)
            }
            (None, _) => Err(self.ends_within("a tag")),
            _ if blanks == 0 && !self.is_lenient => {
                Err(self.wrong("a tag has a character that has no place in it"))
            }
            _ => self.attribute(),
        }
    }

    fn attribute(&mut self) -> Result<InTag<'a>, DecodeError> {
        let name = self.name();
        self.skip_blanks();
        if self.peek() != Some(b'=') {
            return Err(self.wrong(format!("the attribute {} has no value", excerpt(name))));
        }
        self.at += 1;
        self.skip_blanks();
        let quote = self.peek().filter(|quote| matches!(quote, b'"' | b'\''));
        let Some(quote) = quote else {
            return Err(self.wrong(format!("the value of the attribute {} has no quotes", excerpt(name))));
        };
        self.at += 1;
        let Some(length) = memchr::memchr(quote, self.rest()) else {
            return Err(self.wrong("the quotes of an attribute are never closed"));
        };
        let value = self.take(length);
        self.at += 1;
        Ok(InTag::Attribute(name, value))
    }

    /// What begins with `<`; `None` for what is passed over.
    fn markup(&mut self) -> Result<Option<Token<'a>>, DecodeError> {
        match self.peek_behind(1) {
            Some(b'/') => self.end_tag().map(Some),
            Some(b'!') => self.declaration(),
            Some(b'?') => self.instruction().map(|()| None),
            _ => {
                self.at += 1;
                let name = match self.is_lenient {
                    true => self.take(end_of_lenient_name(self.rest(), false)),
                    false => self.name(),
                };
                Ok(Some(Token::Start(name)))
            }
        }
    }

    fn end_tag(&mut self) -> Result<Token<'a>, DecodeError> {
        self.at += 2;
        if self.is_lenient {
            let name = self.until(">").ok_or_else(|| self.ends_within("a tag"))?;
            return Ok(Token::End(name.trim_ascii_end()));
        }
        let name = self.name();
        self.skip_blanks();
        match self.peek() {
            Some(b'>') => self.at += 1,
            Some(_) => return Err(self.wrong("an end tag has more in it than a name")),
            None => return Err(self.ends_within("a tag")),
        }
        Ok(Token::End(name))
    }

    /// A comment, a CDATA section, or a DOCTYPE.
    fn declaration(&mut self) -> Result<Option<Token<'a>>, DecodeError> {
        let rest = self.rest();
        if rest.starts_with(b"<!--") {
            return self.comment().map(|()| None);
        }
        if rest.starts_with(b"<![CDATA[") {
            self.at += b"<![CDATA[".len();
            let text = self.until("]]>").ok_or_else(|| self.ends_within("a CDATA section"))?;
            return Ok(Some(Token::CData(text)));
        }
        if rest.get(2..9).is_some_and(|word| word.eq_ignore_ascii_case(b"DOCTYPE")) {
            if self.is_lenient {
                self.at += doctype::length(rest).ok_or_else(|| self.ends_within("a DOCTYPE"))?;
                return Ok(None);
            }
            return Err(DecodeError::new(Rule::Doctype, self.token, "the envelope has a DOCTYPE"));
        }
        Err(self.wrong("<! begins neither a comment nor a CDATA section"))
    }

    fn comment(&mut self) -> Result<(), DecodeError> {
        self.at += b"<!--".len();
        if self.is_lenient {
            return self.until("-->").map(drop).ok_or_else(|| self.ends_within("a comment"));
        }
        self.until("--").ok_or_else(|| self.ends_within("a comment"))?;
        if self.peek() != Some(b'>') {
            return Err(self.wrong("-- stands in a comment"));
        }
        self.at += 1;
        Ok(())
    }

    /// A processing instruction, or the XML declaration, which has its place at the start.
    fn instruction(&mut self) -> Result<(), DecodeError> {
        self.at += b"<?".len();
        if self.is_lenient {
            return self.until("?>").map(drop).ok_or_else(|| self.ends_within("<? and ?>"));
        }
        let target = self.name();
        if target.is_empty() {
            return Err(self.wrong("<? begins no processing instruction"));
        }
        if target == "xml" && self.token != self.start {
            return Err(self.wrong("the XML declaration is not at the start"));
        }
        self.until("?>").map(drop).ok_or_else(|| self.ends_within("<? and ?>"))
    }

    fn reference(&mut self) -> Result<Token<'a>, DecodeError> {
        self.at += 1;
        let window = match self.is_lenient {
            // The longest reference is shorter than this; `&` alone may be followed by a megabyte.
            false => self.rest().iter().take(32).position(|byte| *byte == b';'),
            true => end_of_reference(self.rest()),
        };
        let Some(length) = window else {
            return Err(self.wrong("& begins no reference: there is no ; behind it"));
        };
        let name = self.take(length);
        self.at += 1;
        Ok(Token::Reference(name))
    }

    fn characters(&mut self) -> Result<Token<'a>, DecodeError> {
        let length = end_of_text(self.rest());
        let text = self.take(length);
        if self.has_brackets && !self.is_lenient && text.contains("]]>") {
            return Err(self.wrong("]]> stands in a text"));
        }
        Ok(Token::Text(text))
    }

    /// The bytes that a name may have; it is for the caller to see whether they are one.
    fn name(&mut self) -> &'a str {
        let rest = self.rest();
        if self.is_lenient {
            return self.take(end_of_lenient_name(rest, true));
        }
        let is_over = |byte: &u8| !NAME_BYTES.get(usize::from(*byte)).is_some_and(|is_name| *is_name);
        let length = rest.iter().position(is_over).unwrap_or(rest.len());
        self.take(length)
    }

    /// What stands before `end`, which is passed over too.
    fn until(&mut self, end: &str) -> Option<&'a str> {
        let length = memchr::memmem::find(self.rest(), end.as_bytes())?;
        let text = self.take(length);
        self.at += end.len();
        Some(text)
    }

    fn take(&mut self, length: usize) -> &'a str {
        let text = self.text.get(self.at..self.at + length).unwrap_or_default();
        self.at += length;
        text
    }

    fn skip_blanks(&mut self) -> usize {
        let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
        let blanks = self.rest().iter().take_while(|byte| is_blank(byte)).count();
        self.at += blanks;
        blanks
    }

    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.peek_behind(0)
    }

    fn peek_behind(&self, bytes: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + bytes).copied()
    }

    fn wrong(&self, what: impl Into<String>) -> DecodeError {
        DecodeError::ill_formed(self.token, what)
    }

    fn ends_within(&self, what: &str) -> DecodeError {
        self.wrong(format!("the text ends within {what}"))
    }
}

/// The length of the text up to `<` or `&`. Most texts are so short that setting up a search costs more than it saves.
fn end_of_text(rest: &[u8]) -> usize {
    let is_markup = |byte: &u8| matches!(byte, b'<' | b'&');
    let (near, far) = rest.split_at(rest.len().min(16));
    let in_far = || near.len() + memchr::memchr2(b'<', b'&', far).unwrap_or(far.len());
    near.iter().position(is_markup).unwrap_or_else(in_far)
}

/// The length of what stands between `&` and `;`, where no other markup comes first.
fn end_of_reference(rest: &[u8]) -> Option<usize> {
    memchr::memchr3(b';', b'&', b'<', rest).filter(|end| rest.get(*end) == Some(&b';'))
}

/// The length of what stands in a tag where a name should: an element's ends at a blank or with the tag, an attribute's at `=` as well.
fn end_of_lenient_name(rest: &[u8], is_attribute: bool) -> usize {
    let is_over = |(at, byte): (usize, &u8)| match byte {
        b' ' | b'\t' | b'\r' | b'\n' | b'>' | b'"' | b'\'' => true,
        b'=' => is_attribute && at > 0,
        b'/' => rest.get(at + 1) == Some(&b'>'),
        _ => false,
    };
    rest.iter().enumerate().position(is_over).unwrap_or(rest.len())
}

/// Which bytes can be part of a name with prefix; those beyond ASCII are looked at as characters later.
static NAME_BYTES: [bool; 256] = name_bytes();

const fn name_bytes() -> [bool; 256] {
    let mut table = [false; 256];
    let mut byte = 0_u8;
    loop {
        table[byte as usize] =
            byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'_' | b'-' | b'.' | 0x80..);
        match byte.checked_add(1) {
            Some(next) => byte = next,
            None => return table,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Result<Vec<String>, String> {
        let mut scanner = Scanner::new(text);
        let mut tokens = Vec::new();
        while let Some(token) = scanner.next().map_err(|error| error.to_string())? {
            tokens.push(format!("{} {token:?}", scanner.offset()));
            let mut in_tag = matches!(token, Token::Start(_));
            while in_tag {
                let piece = scanner.in_tag().map_err(|error| error.to_string())?;
                tokens.push(format!("{piece:?}"));
                in_tag = matches!(piece, InTag::Attribute(..));
            }
        }
        Ok(tokens)
    }

    #[test]
    fn a_document_in_tokens() {
        let text = "\n<?xml version='1.0'?><!-- c -->\n<a:b c = 'd>' \n e=\"'\"><?p i?>x&lt;<![CDATA[<&]]></a:b\n><f/>";
        assert_eq!(
            tokens(text).unwrap(),
            [
                r#"32 Text("\n")"#,
                r#"33 Start("a:b")"#,
                r#"Attribute("c", "d>")"#,
                r#"Attribute("e", "'")"#,
                "Open",
                r#"62 Text("x")"#,
                r#"63 Reference("lt")"#,
                r#"67 CData("<&")"#,
                r#"81 End("a:b")"#,
                r#"88 Start("f")"#,
                "Empty",
            ]
        );
    }

    #[test]
    fn a_lenient_scanner_takes_what_is_plain_all_the_same() {
        let text = "<!DOCTYPE a [<!ENTITY b '>'>]><?xml?><a$ b='1'c/d='2'>&longer than any reference that XML has;]]>\
                    <!-- -- --><?><!----></a$ ><?xml?>";
        let mut scanner = Scanner::lenient(text);
        let mut next = || scanner.next().unwrap();
        assert_eq!(next(), Some(Token::Start("a$")));
        assert_eq!(scanner.in_tag().unwrap(), InTag::Attribute("b", "1"));
        assert_eq!(scanner.in_tag().unwrap(), InTag::Attribute("c/d", "2"));
        assert_eq!(scanner.in_tag().unwrap(), InTag::Open);
        let mut next = || scanner.next().unwrap();
        assert_eq!(next(), Some(Token::Reference("longer than any reference that XML has")));
        assert_eq!(next(), Some(Token::Text("]]>")));
        assert_eq!(next(), None, "<? begins what ends with ?>");
        for (text, what) in [
            ("&a", "& begins no reference: there is no ; behind it (at byte 0)"),
            ("&a<b/>;", "& begins no reference: there is no ; behind it (at byte 0)"),
            ("<!DOCTYPE a [", "the text ends within a DOCTYPE (at byte 0)"),
            ("<!ENTITY a 'b'>", "<! begins neither a comment nor a CDATA section (at byte 0)"),
            ("<!-- --", "the text ends within a comment (at byte 0)"),
        ] {
            let fault = Scanner::lenient(text).next().unwrap_err();
            assert_eq!(fault.to_string(), what, "{text}");
        }
    }

    #[test]
    fn an_end_tag_that_is_expected_is_passed_over() {
        let mut scanner = Scanner::new("</a></ab></a ></a>");
        assert!(!scanner.closes("b"));
        assert!(scanner.closes("a"));
        assert!(!scanner.closes("a"), "it is another name");
        assert!(scanner.closes("ab"));
        assert!(!scanner.closes("a"), "with a blank it is a token like others");
        assert_eq!(scanner.next().unwrap(), Some(Token::End("a")));
        assert!(scanner.closes("a"));
    }

    #[test]
    fn tokens_that_are_none_say_why() {
        for (text, what) in [
            ("<a", "the text ends within a tag (at byte 0)"),
            ("x<a b", "the attribute b has no value (at byte 1)"),
            ("<a b=c>", "the value of the attribute b has no quotes (at byte 0)"),
            ("<a b='c>", "the quotes of an attribute are never closed (at byte 0)"),
            ("<a b='c'd=''>", "a tag has a character that has no place in it (at byte 0)"),
            ("<a$>", "a tag has a character that has no place in it (at byte 0)"),
            ("<a/ >", "a tag has a character that has no place in it (at byte 0)"),
            ("</a b>", "an end tag has more in it than a name (at byte 0)"),
            ("</a", "the text ends within a tag (at byte 0)"),
            ("<!-- ", "the text ends within a comment (at byte 0)"),
            ("<!-- -- -->", "-- stands in a comment (at byte 0)"),
            ("<!--->", "the text ends within a comment (at byte 0)"),
            ("<![CDATA[ ]]", "the text ends within a CDATA section (at byte 0)"),
            ("<![cdata[ ]]>", "<! begins neither a comment nor a CDATA section (at byte 0)"),
            ("<!ENTITY a 'b'>", "<! begins neither a comment nor a CDATA section (at byte 0)"),
            ("<!doctype a>", "the envelope has a DOCTYPE (at byte 0)"),
            ("<?p ", "the text ends within <? and ?> (at byte 0)"),
            ("<?>?>", "<? begins no processing instruction (at byte 0)"),
            (" <a/><?xml?>", "the XML declaration is not at the start (at byte 5)"),
            ("&lt", "& begins no reference: there is no ; behind it (at byte 0)"),
            ("a ]]>", "]]> stands in a text (at byte 0)"),
        ] {
            assert_eq!(tokens(text).unwrap_err(), what, "{text}");
        }
    }
}
