//! The model request, and the requests that are made of it.

use super::{Example, Page};

/// A request that is accepted: what examples change. `{length}` stands for the length of the body.
pub const MODEL: &str = r#"POST /mm7/v1 HTTP/1.1
Host: 127.0.0.1:8007
Content-Type: multipart/related; boundary="part"; type="text/xml"; start="<soap>"
Content-Length: {length}
SOAPAction: ""

--part
Content-Type: text/xml; charset=utf-8
Content-ID: <soap>

<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/">
  <soapenv:Header>
    <TransactionID xmlns="http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4" soapenv:mustUnderstand="1">t-1</TransactionID>
  </soapenv:Header>
  <soapenv:Body>
    <SubmitReq xmlns="http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4">
      <MM7Version>6.8.0</MM7Version>
      <SenderIdentification>
        <VASPID>acme-api-key</VASPID>
        <VASID>61295</VASID>
        <SenderAddress><ShortCode>111122</ShortCode></SenderAddress>
      </SenderIdentification>
      <Recipients><To><Number>16175550100</Number></To></Recipients>
      <Subject>Hello</Subject>
      <Content href="cid:hello"/>
    </SubmitReq>
  </soapenv:Body>
</soapenv:Envelope>
--part
Content-Type: text/plain; charset=utf-8
Content-ID: <hello>

From the post house!
--part--
"#;

/// The lines in which an example differs from the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The lines of the model.
    pub before: Vec<String>,
    /// What stands there instead.
    pub after: Vec<String>,
}

impl Page {
    /// The example as it goes over the wire, with the line ends of HTTP and the length that it says.
    pub fn request(&self) -> Vec<u8> {
        let text = edited(MODEL, self.example.edits).replace('\n', "\r\n");
        let length = text.split_once("\r\n\r\n").map_or(0, |(_, body)| body.len());
        text.replace("{length}", &length.to_string()).into_bytes()
    }
}

impl Example {
    /// Which lines of the model are changed, edit by edit.
    pub fn differences(&self) -> Vec<Difference> {
        self.edits.iter().filter_map(difference).collect()
    }
}

/// A text with each of the edits made, wherever it fits.
pub fn edited(text: &str, edits: &[(&str, &str)]) -> String {
    edits.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

fn difference((from, to): &(&str, &str)) -> Option<Difference> {
    let at = MODEL.find(from)?;
    let start = MODEL.get(..at)?.rfind('\n').map_or(0, |before| before + 1);
    let end = at + from.len();
    // Whole lines: up to the next line end, unless the edit itself ends with one.
    let rest = MODEL.get(end..)?;
    let end = if from.ends_with('\n') { end } else { end + rest.find('\n').unwrap_or(rest.len()) };
    let before = MODEL.get(start..end)?;
    let after = before.replacen(from, to, 1);
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let (mut before, mut after) = (lines(before), lines(&after));
    while !before.is_empty() && before.first() == after.first() {
        before.remove(0);
        after.remove(0);
    }
    while !before.is_empty() && before.last() == after.last() {
        before.pop();
        after.pop();
    }
    Some(Difference { before, after })
}
