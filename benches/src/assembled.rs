//! How one would read a SubmitReq with a mail parser and an XML reader: the fields by their names, the media borrowed
//! from the message. No check is made of anything.

use std::borrow::Cow;

use mail_parser::{MessageParser, MimeHeaders, PartType};
use quick_xml::NsReader;
use quick_xml::events::{BytesStart, Event};

use crate::Request;

/// What was read.
#[derive(Debug, Default)]
pub struct Assembled<'a> {
    /// Every element with a text: its local name and the text.
    pub texts: Vec<(String, String)>,
    /// Content/@href.
    pub href: Option<String>,
    /// The media.
    pub media: Vec<Cow<'a, [u8]>>,
}

impl Assembled<'_> {
    /// The text of the first element of this name.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.texts.iter().find(|(known, _)| known == name).map(|(_, text)| text.as_str())
    }
}

/// A mail parser wants a mail: the Content-Type before the body. Made beforehand, so that it is not measured.
pub fn mail(request: &Request) -> Vec<u8> {
    let head = format!("Content-Type: {}\r\n\r\n", request.content_type);
    [head.as_bytes(), &request.body].concat()
}

/// Reads a request as a mail.
pub fn decode(mail: &[u8]) -> Assembled<'_> {
    let message = MessageParser::new().parse(mail).expect("our own");
    let mut assembled = Assembled::default();
    for part in message.parts {
        let is_envelope = part.content_id() == Some("envelope");
        let bytes = match part.body {
            PartType::Text(text) | PartType::Html(text) => into_bytes(text),
            PartType::Binary(bytes) | PartType::InlineBinary(bytes) => bytes,
            PartType::Message(_) | PartType::Multipart(_) => continue,
        };
        if is_envelope {
            read_envelope(&bytes, &mut assembled);
        } else {
            assembled.media.push(bytes);
        }
    }
    assembled
}

fn into_bytes(text: Cow<'_, str>) -> Cow<'_, [u8]> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    }
}

fn read_envelope(xml: &[u8], assembled: &mut Assembled<'_>) {
    let mut reader = NsReader::from_str(std::str::from_utf8(xml).expect("our own"));
    let mut name = String::new();
    let mut text = String::new();
    loop {
        match reader.read_resolved_event().expect("our own") {
            (_, Event::Start(tag)) => {
                name = tag.local_name().as_ref().to_owned();
                text.clear();
            }
            (_, Event::Empty(tag)) => assembled.href = assembled.href.take().or_else(|| href(&tag)),
            (_, Event::Text(part)) => text.push_str(&part.xml10_content()),
            (_, Event::GeneralRef(reference)) => {
                text.push_str(quick_xml::escape::resolve_predefined_entity(&reference).expect("our own"));
            }
            (_, Event::End(tag)) if tag.local_name().as_ref() == name => {
                assembled.texts.push((std::mem::take(&mut name), std::mem::take(&mut text)));
            }
            (_, Event::Eof) => return,
            _ => {}
        }
    }
}

fn href(tag: &BytesStart<'_>) -> Option<String> {
    let attribute = tag.try_get_attribute("href").expect("our own")?;
    Some(attribute.value.into_owned())
}
