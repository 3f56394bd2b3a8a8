//! What can still be read of an envelope that breaks off: enough to answer it.

use super::framing::Framing;
use super::reader::read_header;
use crate::limits::Limits;
use crate::message::Notes;
use crate::namespace::{Namespace, SeenNamespace};
use crate::types::TransactionId;
use crate::xml::XmlDocument;
use crate::xml::charset;

/// The longest end tag of a Header that is looked for, in bytes.
const MAX_END_TAG: usize = 128;

/// How to answer an envelope that [`decode`](super::decode) refuses: with its TransactionID, in its namespace, where its
/// Header is whole and stands before the first fault. Of one with a DOCTYPE, or in no known encoding, nothing is read.
///
/// ```
/// use mm7::{Limits, soap};
/// let xml = br#"<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/">
///   <e:Header><TransactionID>t1</TransactionID></e:Header><e:Body>Tom & Jerry</e:Body></e:Envelope>"#;
/// assert!(mm7::decode(xml, None, &Limits::default()).is_err());
/// let framing = soap::framing_of_broken(xml, None, &Limits::default()).ok_or("nothing can be read")?;
/// assert_eq!(framing.transaction_id.unwrap().as_str(), "t1");
/// # Ok::<(), &str>(())
/// ```
pub fn framing_of_broken(xml: &[u8], charset: Option<&str>, limits: &Limits) -> Option<Framing> {
    let xml = xml.get(..xml.len().min(limits.max_envelope))?;
    let text = charset::to_text(xml, charset).ok()?;
    let fault = XmlDocument::parse(&text.text, limits).err()?;
    let head = header_of(text.text.get(..fault.offset)?)?;
    let document = XmlDocument::parse(&head, limits).ok()?;
    let element = read_header(document.root(), &mut Notes::new())?;
    let namespace = match SeenNamespace::of(element.namespace_uri()) {
        SeenNamespace::Known(namespace) => namespace,
        _ => Namespace::LATEST,
    };
    let transaction_id = TransactionId::new(&element.text()).ok()?;
    Some(Framing::new(namespace, namespace.default_version(), Some(transaction_id)))
}

/// The beginning of an envelope up to the end of its Header, made a document of its own.
fn header_of(before_fault: &str) -> Option<String> {
    let end = before_fault.rmatch_indices("</").find_map(|(at, _)| {
        // No further than a tag may be long, or many that do not end would each be followed to the end.
        let tag = before_fault.as_bytes().get(at..)?;
        let length = memchr::memchr(b'>', tag.get(..tag.len().min(MAX_END_TAG))?)?;
        let name = before_fault.get(at + 2..at + length)?.trim_end();
        (name.rsplit(':').next() == Some("Header")).then_some(at + length + 1)
    });
    let header = before_fault.get(..end?)?;
    Some(format!("{header}</{}>", root_name(header)?))
}

/// The name of the document element, with its prefix.
fn root_name(text: &str) -> Option<&str> {
    let begins = |at: usize| text.get(at + 1..).filter(|rest| !rest.starts_with(['?', '!']));
    let tag = text.match_indices('<').find_map(|(at, _)| begins(at))?;
    tag.split(|c: char| c.is_ascii_whitespace() || matches!(c, '>' | '/')).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";
    const REL_5: &str = "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-5-MM7-1-2";

    fn read(prolog: &str, header: &str, body: &str) -> Option<(String, &'static str, String)> {
        let xml = format!(
            "{prolog}<e:Envelope\n xmlns:e=\"{SOAP}\"><e:Header>{header}</e:Header ><e:Body>{body}</e:Body></e:Envelope>"
        );
        let framing = framing_of_broken(xml.as_bytes(), None, &Limits::default())?;
        let SeenNamespace::Known(namespace) = framing.namespace else { return None };
        Some((framing.transaction_id?.as_str().to_owned(), namespace.uri(), framing.version.to_string()))
    }

    #[test]
    fn a_header_before_the_fault_is_read() {
        let header =
            format!("<m:TransactionID xmlns:m=\"{REL_5}\" e:mustUnderstand=\"1\"> t-1 </m:TransactionID>");
        let expected = Some(("t-1".to_owned(), REL_5, "5.3.0".to_owned()));
        for body in ["Tom & Jerry", "<Subject>", "\0", "</Header>", &"<a>".repeat(100), &"x".repeat(2 << 20)]
        {
            assert_eq!(read("<?xml version=\"1.0\"?><!-- c -->", &header, body), expected, "{:.20}", body);
        }
    }

    #[test]
    fn what_is_not_whole_or_not_broken_is_not_read() {
        let id = "<TransactionID>t-1</TransactionID>";
        assert_eq!(read("", id, "Tom and Jerry"), None, "nothing is broken");
        assert_eq!(read("<!DOCTYPE e>", id, ""), None);
        assert_eq!(read("", &format!("{id}&"), ""), None);
        assert_eq!(read("", "<TransactionID>t & 1</TransactionID>", ""), None);
        assert_eq!(read("", "<TransactionID/>", "&"), None);
        assert_eq!(read("", "", "&"), None);
    }

    #[test]
    fn a_megabyte_of_beginnings_takes_no_time() {
        let began = std::time::Instant::now();
        assert_eq!(read("", "", &format!("<!--{}-->&", "</".repeat(500_000))), None);
        assert!(began.elapsed() < std::time::Duration::from_secs(5));
    }
}
