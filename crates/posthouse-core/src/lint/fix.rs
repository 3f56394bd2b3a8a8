//! Writes a corrected request: what can be put right without knowing what its sender knows.

use mm7::{
    Dialect, Framing, Message, Rule, encode,
    http1::MAX_HEADER_LINES,
    lint::{Header, Raw, Start},
    message::Content,
    mime::{ContentType, Media, Packed, content_href, pack},
    smil,
};

use super::{LintReport, request::digits_of};
use crate::submit::Reject;

/// A corrected request.
#[derive(Debug)]
pub struct Fixed {
    /// HTTP head and body.
    pub bytes: Vec<u8>,
    /// What could not be carried over, in words.
    pub left_out: Vec<String>,
    /// What is still wrong with it.
    pub report: LintReport,
}

/// Why there is nothing to write.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfixable {
    /// The envelope cannot be read, or holds no operation of MM7.
    #[error("there is no MM7 message that could be read")]
    NoMessage,
    /// A part cannot be decoded, or there are more of them than are read.
    #[error("the content cannot be read: {0}")]
    Content(String),
}

impl LintReport {
    /// Writes the message in canonical form, in a namespace and version that exist, with its media byte for byte, an HTTP
    /// head and the right length; for a dialect that requires a presentation, with one.
    ///
    /// What only the sender knows (a recipient, a TransactionID, who is charged) stays as it is, and is found again.
    ///
    /// # Errors
    /// [`Unfixable`].
    pub fn fix(&self, dialect: &Dialect) -> Result<Fixed, Unfixable> {
        let decoded = self.lint.decoded.as_ref().map_err(|_| Unfixable::NoMessage)?;
        let mut message = decoded.message.clone().ok_or(Unfixable::NoMessage)?;
        let framing = self.lint.framing().ok_or(Unfixable::NoMessage)?;
        let media = self.media(&message, dialect)?;
        mend(&mut message, &media);
        let bytes = write(&self.lint.raw, &message, &framing, &media, dialect);
        let report = Self::read(bytes.clone().into(), &self.options);
        Ok(Fixed { left_out: self.left_out(&report), bytes, report })
    }

    fn media(&self, message: &Message, dialect: &Dialect) -> Result<Vec<Media>, Unfixable> {
        let is_cut = |rule| matches!(rule, Rule::TooManyParts | Rule::PartsTooDeep);
        let cut = self.lint.findings.iter().find(|finding| is_cut(finding.rule));
        if let Some(cut) = cut {
            return Err(Unfixable::Content(cut.what.clone()));
        }
        let mut media = self.lint.media().map_err(|error| Unfixable::Content(error.what))?;
        let is_submit = matches!(message, Message::SubmitReq(_));
        let has_smil = media.iter().any(|media| smil::is_smil(&media.content_type));
        if dialect.smil_required && is_submit && !has_smil && !media.is_empty() {
            make_named(&mut media);
            media.insert(0, presentation(&media));
        }
        Ok(media)
    }

    /// What was found once and is neither put right nor found again.
    fn left_out(&self, fixed: &Self) -> Vec<String> {
        let is_lost = |rule| {
            matches!(
                rule,
                Rule::ForeignMustUnderstand
                    | Rule::OtherHeaderEntry
                    | Rule::SeveralOperations
                    | Rule::UnknownElement
                    | Rule::RepeatedElement
                    | Rule::BadValue
                    | Rule::BadDate
                    | Rule::UnknownAttribute
                    | Rule::StrayText
            )
        };
        let again = |what: &str| fixed.findings.iter().any(|finding| finding.what == what);
        let lost = self.findings.iter().filter(|finding| match finding.reject {
            Reject::Decode(rule) => is_lost(rule) && finding.remedy.corrected.is_none(),
            _ => false,
        });
        lost.filter(|finding| !again(&finding.what))
            .map(|finding| format!("{}: {}", finding.place, finding.what))
            .collect()
    }
}

/// A presentation can show only what has a name.
fn make_named(media: &mut [Media]) {
    for (number, media) in (1..).zip(media) {
        if media.content_id.is_none() && media.content_location.is_none() && media.name.is_none() {
            media.content_id = Some(format!("part-{number}"));
        }
    }
}

fn presentation(media: &[Media]) -> Media {
    Media {
        content_type: ContentType::new("application/smil").with_param("charset", "utf-8"),
        content_id: Some("presentation.smil".to_owned()),
        content_location: None,
        name: None,
        bytes: smil::generate(media).into(),
    }
}

/// Puts right what the canonical form does not by itself: the reference to the content, and the recipients' numbers.
fn mend(message: &mut Message, media: &[Media]) {
    let content = match message {
        Message::SubmitReq(req) => {
            for recipient in &mut req.recipients {
                if let mm7::Address::Number(number) = &mut recipient.address
                    && let Some(digits) = digits_of(number)
                {
                    *number = digits;
                }
            }
            &mut req.content
        }
        Message::DeliverReq(req) => &mut req.content,
        Message::ReplaceReq(req) => &mut req.content,
        Message::ExtendedReplaceReq(req) => &mut req.content,
        _ => return,
    };
    let leads_out = content.as_ref().is_some_and(|content| content.url().is_some());
    if let (false, Some(href)) = (leads_out, content_href(media)) {
        content.get_or_insert_with(Content::default).href = Some(href);
    }
}

fn write(raw: &Raw, message: &Message, framing: &Framing, media: &[Media], dialect: &Dialect) -> Vec<u8> {
    let packed = pack(encode(message, framing), media, dialect.inner);
    let mut bytes = head(raw, &packed).into_bytes();
    bytes.extend(packed.chunks.iter().flat_map(|chunk| chunk.iter()));
    bytes
}

/// How many header lines are written whatever came.
const WRITTEN: usize = 4;

/// The target as it came, or the usual one where that cannot be used.
fn target_of(target: &str) -> &str {
    let is_target = target.bytes().all(|byte| byte > b' ' && byte != 0x7f) && !target.is_empty();
    if is_target { target } else { "/mm7/v1" }
}

/// The head as it came, but for the headers that describe the body; a plain one where there was none.
fn head(raw: &Raw, packed: &Packed) -> String {
    const OF_THE_BODY: [&str; 6] = [
        "content-type",
        "content-length",
        "transfer-encoding",
        "content-transfer-encoding",
        "content-encoding",
        "mime-version",
    ];
    let mut head = match &raw.start {
        Start::Request { method, target } => format!("{method} {} HTTP/1.1\r\n", target_of(target)),
        Start::Response { status } => format!("HTTP/1.1 {status} \r\n"),
        Start::Headers | Start::Bare => "POST /mm7/v1 HTTP/1.1\r\n".to_owned(),
    };
    if raw.header("host").is_none() && !raw.is_response() {
        head.push_str("Host: 127.0.0.1:8007\r\n");
    }
    let is_kept = |header: &&Header| {
        !OF_THE_BODY.iter().any(|name| header.name.eq_ignore_ascii_case(name))
            && header.name.len() < usize::from(u16::MAX)
    };
    for header in raw.headers.iter().filter(is_kept).take(MAX_HEADER_LINES - WRITTEN) {
        let value = header.value.replace(|c: char| c.is_ascii_control(), " ");
        head.push_str(&format!("{}: {}\r\n", header.name, value.trim()));
    }
    if raw.header("soapaction").is_none() && !raw.is_response() {
        head.push_str("SOAPAction: \"\"\r\n");
    }
    head.push_str(&format!(
        "Content-Type: {}\r\nContent-Length: {}\r\n\r\n",
        packed.content_type,
        packed.len()
    ));
    head
}
