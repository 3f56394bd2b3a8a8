//! Callbacks as MM7: DeliveryReportReq, ReadReplyReq and DeliverReq, in the account's dialect.

use http::{HeaderMap, HeaderValue, StatusCode as HttpStatus};
use jiff::Timestamp;
use mm7::{
    Address, Dialect, Framing, MessageId, MmStatus, SeenNamespace, TransactionId, VasId, Version,
    message::{
        AddressAttributes, Content, DeliverReq, DeliveryReportReq, Message, Priority, ReadReplyReq,
        Recipient, ReportedMm,
    },
    mime::{self, Inner, Media},
    soap,
};
use posthouse_core::{
    account::Account,
    life::read_reply::ReadStatus,
    message::{Mo, Submission},
    store::Callback,
};

use super::{Encode, Encoded};
use crate::{
    http::client::HttpReply,
    mm7_http::{self, envelope, peer_words},
};

const TEXT_XML: &str = "text/xml; charset=utf-8";

/// Writes callbacks as MM7.
pub(super) struct Mm7Encoder<'a> {
    account: &'a Account,
    dialect: &'static Dialect,
}

impl<'a> Mm7Encoder<'a> {
    pub(super) fn new(account: &'a Account) -> Self {
        Self { account, dialect: account.dialect.get() }
    }

    /// How the account's VASP reads a sender's address.
    fn sender_attributes(&self) -> AddressAttributes {
        AddressAttributes { as_text: self.dialect.sender_as_text, ..AddressAttributes::default() }
    }

    /// As the VASP wrote its SubmitReq.
    fn framing(&self, callback: &Callback, submission: &Submission) -> Framing {
        Framing {
            namespace: SeenNamespace::of(&submission.namespace),
            version: Version::parse(&submission.version).unwrap_or(Version::V6_8_0),
            transaction_id: TransactionId::new(&callback.id.to_string()).ok(),
            must_understand: self.account.must_understand,
        }
    }

    fn deliver_req(&self, callback: &Callback, mo: &Mo, href: Option<String>) -> DeliverReq {
        DeliverReq {
            vasid: VasId::new(&mo.vasid).ok(),
            linked_id: MessageId::new(&callback.message.to_string()).ok(),
            sender: Some((&mo.sender).into()),
            sender_attributes: self.sender_attributes(),
            recipients: mo.recipients.iter().map(Recipient::from).collect(),
            time_stamp: Some(mo.time_stamp),
            // VASP software is known that dies where it is missing.
            priority: mo.priority.as_deref().and_then(Priority::from_wire).or(Some(Priority::Normal)),
            subject: mo.subject.clone(),
            content: href.map(|href| Content { href: Some(href), allow_adaptations: None }),
            ..DeliverReq::default()
        }
    }
}

impl Encode for Mm7Encoder<'_> {
    fn report(
        &self,
        callback: &Callback,
        status: MmStatus,
        submission: &Submission,
    ) -> Result<Encoded, String> {
        let namespace = SeenNamespace::of(&submission.namespace);
        let statuses = self.account.statuses.unwrap_or(self.dialect.statuses);
        let Some(spelled) = statuses.spelling(status, &namespace) else {
            return Err(format!("{status} is not reported in the words of {}", statuses.name()));
        };
        let req = DeliveryReportReq {
            mm: ReportedMm {
                message_id: MessageId::new(&callback.message.to_string()).ok(),
                recipient: Some(Address::Number(submission.recipient.as_str().to_owned())),
                sender: Some(submission.sender_address()),
                sender_attributes: self.sender_attributes(),
                ..ReportedMm::default()
            },
            date: Some(callback.at),
            mm_status: spelled.to_owned(),
            status_text: Some(status.text().to_owned()),
            ..DeliveryReportReq::default()
        };
        Ok(of_envelope(soap::encode(&Message::DeliveryReportReq(req), &self.framing(callback, submission))))
    }

    fn read_reply(
        &self,
        callback: &Callback,
        status: ReadStatus,
        time_stamp: Timestamp,
        submission: &Submission,
    ) -> Encoded {
        let req = ReadReplyReq {
            mm: ReportedMm {
                message_id: MessageId::new(&callback.message.to_string()).ok(),
                recipient: Some(Address::Number(submission.recipient.as_str().to_owned())),
                sender: Some(submission.sender_address()),
                sender_attributes: self.sender_attributes(),
                ..ReportedMm::default()
            },
            time_stamp: Some(time_stamp),
            mm_status: status.as_str().to_owned(),
            ..ReadReplyReq::default()
        };
        of_envelope(soap::encode(&Message::ReadReplyReq(req), &self.framing(callback, submission)))
    }

    fn message(&self, callback: &Callback, mo: &Mo, media: &[Media]) -> Encoded {
        let req = self.deliver_req(callback, mo, mime::content_href(media));
        let transaction_id = TransactionId::new(&callback.id.to_string()).ok();
        let namespace = self.dialect.written;
        let framing = Framing {
            must_understand: self.account.must_understand,
            ..Framing::new(namespace, namespace.default_version(), transaction_id)
        };
        let envelope = soap::encode(&Message::DeliverReq(req), &framing);
        let has_smil = media.iter().any(|media| mm7::smil::is_smil(&media.content_type));
        let packed = mime::pack(envelope, media, if has_smil { Inner::Related } else { Inner::Mixed });
        Encoded { headers: headers(&packed.content_type), body: packed.chunks }
    }

    /// HTTP 200, our TransactionID and 1000; or an empty body, where the dialect says so.
    fn acknowledged(&self, callback: &Callback, answer: &HttpReply) -> Result<(), String> {
        if answer.status == HttpStatus::OK && answer.body.is_empty() {
            let said = || "an empty answer".to_owned();
            return if self.dialect.empty_body_acknowledges { Ok(()) } else { Err(said()) };
        }
        let decoded = envelope::decode(&answer.headers, answer.body.clone()).ok();
        let message = decoded.as_ref().and_then(|decoded| decoded.message.as_ref());
        let is_success = message.and_then(Message::status).is_some_and(|status| status.code == 1000);
        // Of what acknowledges, nobody reads the words.
        let said = message
            .filter(|_| !is_success || answer.status != HttpStatus::OK)
            .and_then(peer_words::of_message);
        if answer.status != HttpStatus::OK {
            let said = said.map(|(_, words)| words).or_else(|| peer_words::of_body(&answer.body));
            return Err(with(&format!("HTTP {}", answer.status.as_u16()), said));
        }
        match said {
            None if is_success => {}
            Some((Some(1000), _)) => {}
            Some((Some(_), words)) => return Err(format!("StatusCode {words}")),
            Some((None, words)) => return Err(words),
            None => return Err(with("an answer without MM7", peer_words::of_body(&answer.body))),
        }
        match decoded.and_then(|decoded| decoded.transaction_id) {
            Some(id) if id.as_str() == callback.id.to_string() => Ok(()),
            Some(_) => Err("an answer with another TransactionID".to_owned()),
            None => Err("an answer without TransactionID".to_owned()),
        }
    }
}

fn of_envelope(envelope: Vec<u8>) -> Encoded {
    Encoded { headers: headers(TEXT_XML), body: vec![envelope.into()] }
}

fn headers(content_type: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Ok(content_type) = HeaderValue::from_str(content_type) {
        headers.insert(http::header::CONTENT_TYPE, content_type);
    }
    mm7_http::add_request_headers(&mut headers);
    headers
}

fn with(what: &str, said: Option<String>) -> String {
    said.map_or_else(|| what.to_owned(), |said| format!("{what}: {said}"))
}
