//! Requests as bytes, good ones and any others.

use std::sync::atomic::{AtomicU64, Ordering};

const REL_6_1_4: &str = "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4";
const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";
const OUTER: &str = "=_outer";
const INNER: &str = "=_inner";
/// The elements of a SubmitReq behind SenderIdentification, in the schema's order.
const ORDER: [&str; 22] = [
    "Recipients",
    "ServiceCode",
    "LinkedID",
    "MessageClass",
    "TimeStamp",
    "ReplyCharging",
    "EarliestDeliveryTime",
    "ExpiryDate",
    "DeliveryReport",
    "ReadReply",
    "Priority",
    "Subject",
    "ChargedParty",
    "ChargedPartyID",
    "DistributionIndicator",
    "DeliveryCondition",
    "ApplicID",
    "ReplyApplicID",
    "AuxApplicInfo",
    "ContentClass",
    "DRMContent",
    "Content",
];

/// What the Content-Length header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeclaredLength {
    /// As many bytes as there are.
    True,
    /// This.
    Says(String),
    /// There is no such header.
    Missing,
}

/// A MIME part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawPart {
    /// The lines of the head, each with its end.
    pub head: String,
    /// The body.
    pub body: Vec<u8>,
}

impl RawPart {
    /// A part of this type, with a Content-ID.
    pub fn new(content_type: &str, id: &str, body: impl Into<Vec<u8>>) -> Self {
        let head = format!("Content-Type: {content_type}\r\nContent-ID: <{id}>\r\n");
        Self { head, body: body.into() }
    }
}

/// A SubmitReq over HTTP, piece by piece. What is not changed is good in every dialect.
#[derive(Clone, Debug)]
pub struct RawRequest {
    /// The HTTP method.
    pub method: String,
    /// The path.
    pub path: String,
    /// Content-Type of the request; `None`: there is none.
    pub content_type: Option<String>,
    /// What is said of the body's length.
    pub content_length: DeclaredLength,
    /// Whether the body goes out in chunks (Transfer-Encoding).
    pub chunked: bool,
    /// Further headers.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The lines of the root part's head.
    pub root_head: String,
    /// What stands before the Envelope.
    pub prolog: String,
    /// The MM7 namespace.
    pub namespace: String,
    /// What is in the SOAP Header; `None`: there is no Header.
    pub soap_header: Option<String>,
    /// The name of the operation.
    pub operation: String,
    /// MM7Version.
    pub version: Option<String>,
    /// Whether there is a SenderIdentification.
    pub sender_identification: bool,
    /// VASPID.
    pub vaspid: Option<String>,
    /// VASID.
    pub vasid: Option<String>,
    /// What is in SenderAddress.
    pub sender: Option<String>,
    /// The elements behind SenderIdentification, by name, as XML.
    pub elements: Vec<(&'static str, String)>,
    /// What stands in the Body behind the operation.
    pub behind_operation: String,
    /// The parts inside of the payload; none: there is no payload part.
    pub attachments: Vec<RawPart>,
    /// The body, when it is not made of all this.
    pub body: Option<Vec<u8>>,
}

impl RawRequest {
    /// A good request of the account `acme` to this number: a SMIL and a text.
    pub fn to(number: &str) -> Self {
        let smil = r#"<smil><body><par dur="5s"><text src="cid:text"/></par></body></smil>"#;
        let mut request = Self {
            method: "POST".to_owned(),
            path: "/mm7/v1".to_owned(),
            content_type: Some(format!(
                "multipart/related; type=\"text/xml\"; start=\"<mm7>\"; boundary=\"{OUTER}\""
            )),
            content_length: DeclaredLength::True,
            chunked: false,
            headers: vec![("SOAPAction".to_owned(), b"\"\"".to_vec())],
            root_head: "Content-Type: text/xml; charset=utf-8\r\nContent-ID: <mm7>\r\n".to_owned(),
            prolog: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>".to_owned(),
            namespace: REL_6_1_4.to_owned(),
            soap_header: None,
            operation: "SubmitReq".to_owned(),
            version: Some("6.8.0".to_owned()),
            sender_identification: true,
            vaspid: Some("acme-key".to_owned()),
            vasid: Some("61295".to_owned()),
            sender: Some("<ShortCode>111122</ShortCode>".to_owned()),
            elements: Vec::new(),
            behind_operation: String::new(),
            attachments: vec![
                RawPart::new("application/smil", "smil", smil),
                RawPart::new("text/plain; charset=utf-8", "text", "Hello"),
            ],
            body: None,
        };
        request.transaction_id(&Self::new_transaction_id());
        request.element("Recipients", &format!("<To><Number>{number}</Number></To>"));
        request.raw_element("Content", "<Content href=\"cid:payload\"/>");
        request
    }

    /// A TransactionID that no other request of this process has.
    pub fn new_transaction_id() -> String {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        format!("t-{}", NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// Replaces the SOAP Header by one with this TransactionID.
    pub fn transaction_id(&mut self, id: &str) -> &mut Self {
        let namespace = &self.namespace;
        self.soap_header = Some(format!(
            "<TransactionID xmlns=\"{namespace}\" soap:mustUnderstand=\"1\">{id}</TransactionID>"
        ));
        self
    }

    /// Writes all of it in another namespace, with another MM7Version.
    pub fn written_in(&mut self, namespace: &str, version: &str) -> &mut Self {
        let header = self.soap_header.take();
        self.soap_header = header.map(|header| header.replace(&self.namespace, namespace));
        self.namespace = namespace.to_owned();
        self.version = Some(version.to_owned());
        self
    }

    /// Sets an element behind SenderIdentification, to be written where the schema has it.
    pub fn element(&mut self, name: &'static str, content: &str) -> &mut Self {
        self.raw_element(name, &format!("<{name}>{content}</{name}>"))
    }

    /// The same with the whole element as XML.
    pub fn raw_element(&mut self, name: &'static str, xml: &str) -> &mut Self {
        let place = |name: &str| ORDER.iter().position(|known| *known == name);
        self.without(name).elements.push((name, xml.to_owned()));
        self.elements.sort_by_key(|(name, _)| place(name));
        self
    }

    /// Takes an element behind SenderIdentification out.
    pub fn without(&mut self, name: &str) -> &mut Self {
        self.elements.retain(|(known, _)| *known != name);
        self
    }

    /// Adds a header.
    pub fn header(&mut self, name: &str, value: impl Into<Vec<u8>>) -> &mut Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// The envelope.
    pub fn envelope(&self) -> String {
        let header = self.soap_header.as_ref().map(|header| format!("<soap:Header>{header}</soap:Header>"));
        let operation = match self.operation.as_str() {
            "" => String::new(),
            name => format!("<{name} xmlns=\"{}\">{}</{name}>", self.namespace, self.elements()),
        };
        format!(
            "{}<soap:Envelope xmlns:soap=\"{SOAP}\">{}<soap:Body>{operation}{}</soap:Body></soap:Envelope>",
            self.prolog,
            header.unwrap_or_default(),
            self.behind_operation
        )
    }

    fn elements(&self) -> String {
        let element = |name: &str, content: &Option<String>| {
            content.as_ref().map(|content| format!("<{name}>{content}</{name}>")).unwrap_or_default()
        };
        let identification = [
            element("VASPID", &self.vaspid),
            element("VASID", &self.vasid),
            element("SenderAddress", &self.sender),
        ];
        let identification = Some(identification.concat()).filter(|_| self.sender_identification);
        let rest: String = self.elements.iter().map(|(_, xml)| xml.as_str()).collect();
        element("MM7Version", &self.version) + &element("SenderIdentification", &identification) + &rest
    }

    /// The body: the envelope in a multipart/related, with the attachments in another.
    pub fn body(&self) -> Vec<u8> {
        if let Some(body) = &self.body {
            return body.clone();
        }
        let mut parts = vec![RawPart { head: self.root_head.clone(), body: self.envelope().into_bytes() }];
        if !self.attachments.is_empty() {
            let content_type = format!("multipart/related; boundary=\"{INNER}\"");
            parts.push(RawPart::new(&content_type, "payload", multipart(INNER, &self.attachments)));
        }
        multipart(OUTER, &parts)
    }

    /// The head, up to the empty line.
    fn head(&self, length: usize) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\nHost: posthouse\r\n", self.method, self.path).into_bytes();
        let mut header = |name: &str, value: &[u8]| {
            head.extend_from_slice(&[name.as_bytes(), b": ", value, b"\r\n"].concat());
        };
        if let Some(content_type) = &self.content_type {
            header("Content-Type", content_type.as_bytes());
        }
        match &self.content_length {
            DeclaredLength::True => header("Content-Length", length.to_string().as_bytes()),
            DeclaredLength::Says(text) => header("Content-Length", text.as_bytes()),
            DeclaredLength::Missing => {}
        }
        if self.chunked {
            header("Transfer-Encoding", b"chunked");
        }
        self.headers.iter().for_each(|(name, value)| header(name, value));
        head.extend_from_slice(b"\r\n");
        head
    }

    /// All of it, as it goes over the wire.
    pub fn bytes(&self) -> Vec<u8> {
        let body = self.body();
        let head = self.head(body.len());
        if self.chunked {
            let size = format!("{:x}\r\n", body.len());
            return [head, size.into_bytes(), body, b"\r\n0\r\n\r\n".to_vec()].concat();
        }
        [head, body].concat()
    }
}

fn multipart(boundary: &str, parts: &[RawPart]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend_from_slice(format!("--{boundary}\r\n{}\r\n", part.head).as_bytes());
        bytes.extend_from_slice(&part.body);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    bytes
}
