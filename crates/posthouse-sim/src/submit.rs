//! The VASP as a client: makes a SubmitReq, sends it, reads the answer.

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use jiff::Timestamp;
use mm7::{
    Address, Framing, Message, Namespace, SeenNamespace, TransactionId, ValueError, VasId, VaspId, Version,
    When,
    message::{Content, Recipient, SenderIdentification, SubmitReq},
    mime::{Media, content_href},
};

use crate::{
    chance,
    http::{Client, ClientError, Credentials, Request},
    media,
    wire::{self, Mm7Answer},
};

/// The header in which a gateway is told the carrier, unless it is configured otherwise.
pub const CARRIER_ID_HEADER: &str = "X-Posthouse-Carrier-Id";

/// An MMS to be sent to a gateway. Everything but the URL and the addresses may stay as [`Submit::new`] leaves it.
#[derive(Clone, Debug)]
pub struct Submit {
    /// Where the gateway takes MM7.
    pub url: String,
    /// SenderIdentification/VASPID; left out when `None`, as is every other element.
    pub vaspid: Option<String>,
    /// SenderIdentification/VASID.
    pub vasid: Option<String>,
    /// SenderIdentification/SenderAddress: a short code or number.
    pub from: Option<String>,
    /// Recipients/To, one after the other.
    pub to: Vec<String>,
    /// Subject.
    pub subject: Option<String>,
    /// A text, which becomes a part.
    pub text: Option<String>,
    /// Parts, in order; a presentation is made unless one of them is one.
    pub media: Vec<Media>,
    /// Content that the gateway fetches. A single one without text or parts is the Content itself, others are
    /// shown by the presentation.
    pub url_media: Vec<String>,
    /// HTTP Basic credentials.
    pub credentials: Option<Credentials>,
    /// Name and value of the header that says which carrier.
    pub carrier_id: Option<(String, String)>,
    /// TransactionID; a new one when `None`.
    pub transaction_id: Option<TransactionId>,
    /// The namespace to write in.
    pub namespace: Namespace,
    /// MM7Version, written as it is.
    pub version: Version,
    /// TimeStamp.
    pub time_stamp: Option<Timestamp>,
    /// DeliveryReport.
    pub delivery_report: Option<bool>,
    /// ExpiryDate.
    pub expiry: Option<When>,
}

/// Why nothing was sent, or no answer came.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// A value that cannot stand in its element.
    #[error("{element} cannot be written")]
    Value {
        /// The element.
        element: &'static str,
        /// What is wrong with the value.
        source: ValueError,
    },
    /// A header that cannot be written.
    #[error(
        "the header {name} cannot be written: its name or its value has characters that HTTP does not allow"
    )]
    Header {
        /// Its name as it was given.
        name: String,
    },
    /// The request could not be made or brought no answer.
    #[error(transparent)]
    Http(#[from] ClientError),
}

impl Submit {
    /// An MMS without content, in REL-6-MM7-1-4 and version 6.8.0.
    pub fn new(url: impl Into<String>, from: impl Into<String>, to: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            vaspid: None,
            vasid: None,
            from: Some(from.into()),
            to: vec![to.into()],
            subject: None,
            text: None,
            media: Vec::new(),
            url_media: Vec::new(),
            credentials: None,
            carrier_id: None,
            transaction_id: None,
            namespace: Namespace::LATEST,
            version: Version::V6_8_0,
            time_stamp: None,
            delivery_report: None,
            expiry: None,
        }
    }

    /// The SubmitReq and its parts, which belong together: the one's Content names the other.
    ///
    /// # Errors
    /// [`SubmitError::Value`].
    pub fn message(&self) -> Result<(SubmitReq, Vec<Media>), SubmitError> {
        let media = self.parts();
        let content = self.content(&media);
        let vaspid = self.vaspid.as_deref().map(VaspId::new).transpose().map_err(value("VASPID"))?;
        let vasid = self.vasid.as_deref().map(VasId::new).transpose().map_err(value("VASID"))?;
        let request = SubmitReq {
            sender: SenderIdentification {
                vaspid,
                vasid,
                address: self.from.as_deref().map(address),
                ..SenderIdentification::default()
            },
            recipients: self.to.iter().map(|to| Recipient::to(Address::Number(to.clone()))).collect(),
            time_stamp: self.time_stamp,
            expiry_date: self.expiry,
            delivery_report: self.delivery_report,
            subject: self.subject.clone(),
            content,
            ..SubmitReq::default()
        };
        Ok((request, media))
    }

    /// The parts with their presentation; none where the content is nothing but one URL.
    fn parts(&self) -> Vec<Media> {
        let text = self.text.as_deref().map(media::text);
        let parts: Vec<_> = self.media.iter().cloned().chain(text).collect();
        match (parts.as_slice(), self.url_media.as_slice()) {
            ([], [] | [_]) => Vec::new(),
            _ => media::compose(&parts, &self.url_media),
        }
    }

    fn content(&self, media: &[Media]) -> Option<Content> {
        let href = content_href(media).or_else(|| self.url_media.first().cloned())?;
        Some(Content { href: Some(href), allow_adaptations: None })
    }

    /// The request as it would be sent; [`wire::raw`] gives its bytes.
    ///
    /// # Errors
    /// All but those of the network.
    pub fn prepare(&self) -> Result<Request, SubmitError> {
        let (message, media) = self.message()?;
        let transaction_id = self.transaction_id.clone().or_else(chance::transaction_id);
        let framing = Framing {
            namespace: SeenNamespace::Known(self.namespace),
            version: self.version,
            transaction_id,
            must_understand: true,
        };
        let mut request = wire::post(&self.url, &Message::SubmitReq(message), &framing, &media)?;
        self.add_headers(&mut request)?;
        Ok(request)
    }

    /// A body of any kind, sent as this VASP sends: same URL, credentials and carrier id.
    ///
    /// # Errors
    /// All but those of the network.
    pub fn prepare_bytes(&self, content_type: &str, body: Bytes) -> Result<Request, SubmitError> {
        let mut request = wire::post_bytes(&self.url, content_type, body)?;
        self.add_headers(&mut request)?;
        Ok(request)
    }

    fn add_headers(&self, request: &mut Request) -> Result<(), SubmitError> {
        wire::authorize(request, self.credentials.as_ref());
        if let Some((name, carrier)) = &self.carrier_id {
            let refused = || SubmitError::Header { name: name.clone() };
            let header = HeaderName::try_from(name).map_err(|_| refused())?;
            let value = HeaderValue::try_from(carrier).map_err(|_| refused())?;
            request.headers_mut().insert(header, value);
        }
        Ok(())
    }
}

/// Sends an MMS and reads the answer.
///
/// # Errors
/// Every [`SubmitError`]. A refusal is an [`Mm7Answer`], not an error.
pub async fn submit(client: &Client, submit: &Submit) -> Result<Mm7Answer, SubmitError> {
    Ok(wire::send(client, submit.prepare()?).await?)
}

fn value(element: &'static str) -> impl Fn(ValueError) -> SubmitError {
    move |source| SubmitError::Value { element, source }
}

/// The form of an address: what has an `@` is a mail address, what is shorter than any international number (seven
/// digits, as the gateway counts) a short code.
pub(crate) fn address(text: &str) -> Address {
    if text.contains('@') {
        Address::Rfc2822Address(text.to_owned())
    } else if text.trim_start_matches('+').len() < 7 {
        Address::ShortCode(text.to_owned())
    } else {
        Address::Number(text.to_owned())
    }
}
