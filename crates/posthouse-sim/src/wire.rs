//! MM7 over HTTP, as both simulators read and write it.

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Uri,
    header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, USER_AGENT},
};
use jiff::Timestamp;
use mm7::{
    DecodeError, Decoded, Framing, Limits, Message, MessageId, Rule, TransactionId,
    message::{Fault, Status},
    mime::{ContentType, Inner, Media, Package, pack, unpack},
};

use crate::http::{Client, ClientError, Credentials, Reply, Request, reply};

/// What the simulators call themselves.
const AGENT: &str = concat!("posthouse-sim/", env!("CARGO_PKG_VERSION"));

/// SOAPAction: MM7 has none, and by SOAP 1.1 clause 6.1.1 that is said with an empty string.
const SOAP_ACTION: (HeaderName, HeaderValue) =
    (HeaderName::from_static("soapaction"), HeaderValue::from_static("\"\""));

/// A message as it came, with the parts beside it.
#[derive(Clone, Debug)]
pub struct ReceivedMessage {
    /// The envelope.
    pub decoded: Decoded,
    /// The parts of the body.
    pub package: Package,
}

impl ReceivedMessage {
    /// Reads the body of a request.
    ///
    /// # Errors
    /// There is no envelope that could be read.
    pub fn read(headers: &HeaderMap, body: Bytes) -> Result<Self, DecodeError> {
        Self::read_as(&content_type(headers)?, body)
    }

    /// Reads the body of an answer: whatever its Content-Type says, it may be a bare envelope.
    fn read_answer(headers: &HeaderMap, body: Bytes) -> Result<Self, DecodeError> {
        let content_type = content_type(headers).unwrap_or_else(|_| ContentType::new("text/xml"));
        Self::read_as(&content_type, body)
    }

    fn read_as(content_type: &ContentType, body: Bytes) -> Result<Self, DecodeError> {
        let limits = Limits::default();
        let package = unpack(content_type, body, &limits);
        let Some(root) = &package.root else {
            return Err(DecodeError::new(Rule::RootContentType, 0, "there is no root part"));
        };
        let charset = root.content_type.as_ref().and_then(|root| root.param("charset"));
        let decoded = mm7::decode(&root.bytes()?, charset, &limits)?;
        Ok(Self { decoded, package })
    }
}

fn content_type(headers: &HeaderMap) -> Result<ContentType, DecodeError> {
    let unusable = |what: String| DecodeError::new(Rule::RootContentType, 0, what);
    let value = headers.get(CONTENT_TYPE).ok_or_else(|| unusable("there is no Content-Type".to_owned()))?;
    let text = String::from_utf8_lossy(value.as_bytes());
    ContentType::parse(&text).map_err(|error| unusable(format!("the Content-Type cannot be read: {error}")))
}

/// A message as the answer to a request.
pub(crate) fn answer(status: StatusCode, message: &Message, framing: &Framing) -> Reply {
    reply(status, "text/xml; charset=utf-8", mm7::encode(message, framing))
}

/// A message with its content as a POST, ready to be sent: every header that goes out is in it.
///
/// # Errors
/// The URL is not of the form `http://host:port/path`.
pub fn post(
    url: &str,
    message: &Message,
    framing: &Framing,
    media: &[Media],
) -> Result<Request, ClientError> {
    let packed = pack(mm7::encode(message, framing), media, Inner::Related);
    let content_type = packed.content_type.clone();
    post_bytes(url, &content_type, packed.into_bytes())
}

/// Any bytes as a POST, ready to be sent.
///
/// # Errors
/// The URL is not of the form `http://host:port/path`, or the Content-Type can stand in no header.
pub fn post_bytes(url: &str, content_type: &str, body: Bytes) -> Result<Request, ClientError> {
    let bad_url = || ClientError::Url { url: url.to_owned() };
    let uri: Uri = url.parse().map_err(|_| bad_url())?;
    let with_scheme = uri.authority().filter(|_| uri.scheme().is_some());
    let host = with_scheme.map(|authority| authority.as_str().to_owned()).ok_or_else(bad_url)?;
    let (action, no_action) = SOAP_ACTION;
    http::Request::builder()
        .method(Method::POST)
        .uri(uri)
        .header(HOST, host)
        .header(USER_AGENT, AGENT)
        .header(CONTENT_TYPE, content_type)
        .header(CONTENT_LENGTH, body.len())
        .header(action, no_action)
        .body(body)
        .map_err(|_| bad_url())
}

/// Adds Basic credentials to a request.
pub fn authorize(request: &mut Request, credentials: Option<&Credentials>) {
    if let Some(credentials) = credentials {
        request.headers_mut().insert(AUTHORIZATION, credentials.header());
    }
}

/// The bytes of a request, as they go out.
pub fn raw(request: &Request) -> Vec<u8> {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let mut bytes = format!("{} {path} HTTP/1.1\r\n", request.method()).into_bytes();
    for (name, value) in request.headers() {
        bytes.extend_from_slice(title_case(name.as_str()).as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(request.body());
    bytes
}

/// A header's name as it goes out: the first letter of each word is a capital.
fn title_case(name: &str) -> String {
    let mut begins = true;
    let case = |letter: char| {
        let cased = if begins { letter.to_ascii_uppercase() } else { letter };
        begins = letter == '-';
        cased
    };
    name.chars().map(case).collect()
}

/// What came back for a request.
#[derive(Clone, Debug)]
pub struct Mm7Answer {
    /// The HTTP status.
    pub http_status: u16,
    /// TransactionID.
    pub transaction_id: Option<TransactionId>,
    /// The message, where there is one that could be read.
    pub message: Option<Message>,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as it came.
    pub body: Bytes,
}

impl Mm7Answer {
    /// Reads an answer; one that is no MM7 has no message.
    pub fn read(response: Response<Bytes>) -> Self {
        let (head, body) = response.into_parts();
        let decoded =
            ReceivedMessage::read_answer(&head.headers, body.clone()).ok().map(|received| received.decoded);
        let (transaction_id, message) =
            decoded.map_or((None, None), |decoded| (decoded.transaction_id, decoded.message));
        Self { http_status: head.status.as_u16(), transaction_id, message, headers: head.headers, body }
    }

    /// Status, wherever in the answer it stands.
    pub fn status(&self) -> Option<&Status> {
        self.message.as_ref()?.status()
    }

    /// StatusCode; of a Fault without details, the number that its faultstring begins with.
    pub fn code(&self) -> Option<u32> {
        let in_string = || match &self.message {
            Some(Message::Fault(fault)) => fault.code_in_string(),
            _ => None,
        };
        self.status().map(|status| status.code).or_else(in_string)
    }

    /// StatusText; of a Fault without details, its faultstring.
    pub fn text(&self) -> Option<&str> {
        let in_string = || self.fault().map(|fault| fault.string.as_str());
        self.status().map(|status| status.text.as_str()).or_else(in_string)
    }

    /// Details.
    pub fn details(&self) -> Option<&str> {
        self.status()?.details.as_deref()
    }

    /// MessageID of a SubmitRsp.
    pub fn message_id(&self) -> Option<&MessageId> {
        match &self.message {
            Some(Message::SubmitRsp(rsp)) => rsp.message_id.as_ref(),
            _ => None,
        }
    }

    /// The Fault, if it is one.
    pub fn fault(&self) -> Option<&Fault> {
        match &self.message {
            Some(Message::Fault(fault)) => Some(fault),
            _ => None,
        }
    }

    /// Whether the code is 1000 and no Fault is round it.
    pub fn is_success(&self) -> bool {
        self.code() == Some(1000) && self.fault().is_none()
    }
}

/// The time in whole seconds, as it goes on the wire: fractions are more than some peers can read.
pub fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

/// Sends a request and reads what comes back.
///
/// # Errors
/// Those of [`Client::send`].
pub async fn send(client: &Client, request: Request) -> Result<Mm7Answer, ClientError> {
    client.send(request).await.map(Mm7Answer::read)
}
