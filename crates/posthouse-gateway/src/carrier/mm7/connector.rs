//! MM7 over one connection to a carrier: writes SubmitReq, reads whatever comes back.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Uri, header};
use mm7::{
    Address, Framing, Message, StatusCode, TransactionId, ValueError, VasId, VaspId, When,
    message::{
        AddressAttributes, Content, FaultCode, MessageClass, Priority, Recipient, SenderIdentification,
        Status, SubmitReq,
    },
    mime::{self, Inner, Media, Packed},
    soap,
};
use posthouse_core::{carrier::Connection, life::classify::Said, message::Submission, store::ToSend};
use tokio::time::timeout;

use crate::{
    carrier::connector::{Attempt, Connector, Unwritable},
    http::{
        basic,
        client::{HttpClient, HttpReply, NoAnswer, reply_text},
        retry_after,
    },
    mm7_http::{self, envelope, peer_words},
    resolver,
    telemetry::{
        captures::{Tap, request_text},
        traces,
    },
};

/// A connection over which MM7 is spoken.
pub struct Mm7Connector {
    connection: Connection,
    uri: Uri,
    headers: HeaderMap,
    client: HttpClient,
}

impl Mm7Connector {
    /// A connector for a provisioned connection.
    pub fn new(connection: &Connection) -> Self {
        let window = usize::try_from(connection.window.max(1)).unwrap_or(1);
        let mut headers = HeaderMap::new();
        mm7_http::add_request_headers(&mut headers);
        if let Some(own) = &connection.basic_auth {
            headers.insert(header::AUTHORIZATION, basic::header(&own.username, &own.password));
        }
        Self {
            uri: connection.url.uri().clone(),
            headers,
            client: HttpClient::new(connection.timeout, window, connection.tls.as_ref()),
            connection: connection.clone(),
        }
    }

    fn write(
        &self,
        submission: &Submission,
        transaction_id: &str,
        bytes: &[Bytes],
    ) -> Result<Packed, ValueError> {
        let media = media(submission, bytes)?;
        let req = self.submit_req(submission, mime::content_href(&media))?;
        let transaction_id = Some(TransactionId::new(transaction_id)?);
        let (namespace, version) = self.connection.edition();
        let framing = Framing::new(namespace, version, transaction_id);
        let envelope = soap::encode(&Message::SubmitReq(req), &framing);
        let has_smil = media.iter().any(|media| mm7::smil::is_smil(&media.content_type));
        Ok(mime::pack(envelope, &media, if has_smil { self.connection.dialect.inner } else { Inner::Mixed }))
    }

    fn submit_req(&self, submission: &Submission, href: Option<String>) -> Result<SubmitReq, ValueError> {
        let recipient = Address::Number(submission.recipient.as_str().to_owned());
        Ok(SubmitReq {
            sender: SenderIdentification {
                vaspid: self.connection.vaspid.as_deref().map(VaspId::new).transpose()?,
                vasid: self.connection.vasid.as_deref().map(VasId::new).transpose()?,
                address: Some(submission.sender_address()),
                attributes: AddressAttributes {
                    as_text: self.connection.dialect.sender_as_text,
                    ..AddressAttributes::default()
                },
            },
            recipients: vec![Recipient::to(recipient)],
            service_code: submission.service_code.clone(),
            message_class: submission.message_class.as_deref().and_then(MessageClass::from_wire),
            time_stamp: Some(submission.time_stamp),
            expiry_date: Some(When::At(submission.expiry)),
            delivery_report: Some(submission.delivery_report),
            priority: submission.priority.as_deref().and_then(Priority::from_wire),
            subject: submission.subject.clone(),
            content: Some(Content { href, allow_adaptations: submission.allow_adaptations }),
            ..SubmitReq::default()
        })
    }
}

impl Connector for Mm7Connector {
    fn connection(&self) -> &Connection {
        &self.connection
    }

    async fn submit(
        &self,
        send: &ToSend,
        media: &[Bytes],
        told: Option<HeaderValue>,
        tap: Option<Tap<'_>>,
    ) -> Result<Attempt, Unwritable> {
        let transaction_id = send.id.to_string();
        let packed = self
            .write(&send.submission, &transaction_id, media)
            .map_err(|error| Unwritable(error.to_string()))?;
        let mut headers = self.headers.clone();
        if let Ok(content_type) = HeaderValue::from_str(&packed.content_type) {
            headers.insert(header::CONTENT_TYPE, content_type);
        }
        traces::tell(&mut headers, told);
        let request =
            tap.as_ref().map(|_| request_text(self.uri.path(), &headers, &packed.chunks, Some(send.id)));
        let answer = self.client.post(&self.uri, headers, packed.chunks).await;
        if let Some((tap, request)) = tap.zip(request) {
            tap.keep(request, reply_text(&answer, send.id));
        }
        Ok(read_answer(answer, &transaction_id))
    }

    async fn probe(&self) -> bool {
        let Some(host) = self.uri.host() else { return false };
        let usual = if self.uri.scheme_str() == Some("https") { 443 } else { 80 };
        let (host, port) = (host.trim_matches(['[', ']']), self.uri.port_u16().unwrap_or(usual));
        let connected = timeout(self.connection.timeout / 2, resolver::connect(host, port)).await;
        matches!(connected, Ok(Ok(_)))
    }
}

/// The media of a stored message, with their bytes.
fn media(submission: &Submission, bytes: &[Bytes]) -> Result<Vec<Media>, ValueError> {
    submission.parts.iter().zip(bytes).map(|(part, bytes)| part.media(bytes.clone())).collect()
}

/// An attempt that was not answered with MM7.
const fn without_mm7(said: Said, words: String) -> Attempt {
    Attempt { said, carrier_message_id: None, words, details: None, retry_after: None }
}

/// Reads what came back: HTTP status and body together, since peers put a SubmitRsp into HTTP 500 and a Fault into 200.
fn read_answer(answer: Result<HttpReply, NoAnswer>, transaction_id: &str) -> Attempt {
    match answer {
        Ok(answer) => {
            Attempt { retry_after: retry_after::read(&answer.headers), ..read(&answer, transaction_id) }
        }
        Err(NoAnswer::Unreached(words)) => without_mm7(Said::Unreached, format!("no connection: {words}")),
        Err(NoAnswer::Unknown(words)) => without_mm7(Said::NoAnswer, format!("no answer: {words}")),
    }
}

fn read(answer: &HttpReply, transaction_id: &str) -> Attempt {
    let http = answer.status.as_u16();
    let unreadable = |what: &str| {
        let said = peer_words::of_body(&answer.body).map(|words| format!(": {words}")).unwrap_or_default();
        without_mm7(Said::Http(http), format!("HTTP {http} {what}{said}"))
    };
    let Ok(decoded) = envelope::decode(&answer.headers, answer.body.clone()) else {
        return unreadable("without MM7");
    };
    let Some((code, mut words)) = decoded.message.as_ref().and_then(peer_words::of_message) else {
        return match decoded.operation.as_deref() {
            // A page that happens to be well-formed is none the less a page.
            Some(operation) if !operation.eq_ignore_ascii_case("html") => {
                unreadable(&format!("with {} for an answer", peer_words::line(operation)))
            }
            _ => unreadable("without MM7"),
        };
    };
    if decoded.transaction_id.as_ref().is_some_and(|id| id.as_str() != transaction_id) {
        words.push_str(", under another TransactionID");
    }
    if !answer.status.is_success() {
        words = format!("{words}, in HTTP {http}");
    }
    let carrier_message_id = match &decoded.message {
        Some(Message::SubmitRsp(rsp)) => rsp.message_id.as_ref().map(|id| id.as_str().to_owned()),
        _ => None,
    };
    let said = code.map_or_else(|| of_fault(decoded.message.as_ref(), http), Said::Mm7);
    let details = decoded.message.as_ref().and_then(Message::status).and_then(own_details);
    Attempt { said, carrier_message_id, words, details, retry_after: None }
}

/// What a carrier says in Details of its own.
fn own_details(status: &Status) -> Option<String> {
    let details = peer_words::details(status.details.as_deref()?);
    let known = StatusCode::from_code(status.code).and_then(StatusCode::details);
    Some(details).filter(|details| !details.is_empty() && known != Some(details.as_str()))
}

/// What a Fault without a code says: by the HTTP status where that tells more than that there is a Fault, else by its class, as the
/// first code of that.
fn of_fault(message: Option<&Message>, http: u16) -> Said {
    let Some(Message::Fault(fault)) = message else { return Said::Http(http) };
    if !matches!(http, 200..=299 | 500) {
        return Said::Http(http);
    }
    Said::Mm7(match fault.code {
        FaultCode::Client | FaultCode::MustUnderstand | FaultCode::ClientTransactionId => 2000,
        FaultCode::VersionMismatch => 4002,
        FaultCode::Server | FaultCode::Other(_) => 3000,
    })
}
