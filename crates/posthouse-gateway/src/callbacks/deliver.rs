//! One try to deliver a callback: prepare, send, classify (contract 4.6).

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode as HttpStatus, Uri, header};
use jiff::Timestamp;
use mm7::{
    Address, Dialect, Framing, MessageId, MmStatus, SeenNamespace, TransactionId, VasId, Version,
    message::{
        AddressAttributes, Content, DeliverReq, DeliveryReportReq, Message, Priority, ReadReplyReq,
        Recipient, ReportedMm,
    },
    mime::{self, Inner, Packed},
    soap,
};
use posthouse_core::{
    account::Account,
    life::read_reply::ReadStatus,
    message::{Mo, Reason, Submission},
    store::{Callback, CallbackBody, CallbackOutcome, StoreError},
    time::after,
    url::PeerUrl,
};

use super::Shared;
use crate::{
    http::{
        basic,
        client::{HttpClient, HttpReply},
    },
    mm7_http::{envelope, peer_words},
};

const TEXT_XML: &str = "text/xml; charset=utf-8";
/// How long a callback waits when the store did not give its media.
const STORE_PAUSE: Duration = Duration::from_secs(30);

/// What is sent.
struct Prepared {
    uri: Uri,
    headers: HeaderMap,
    body: Vec<Bytes>,
}

/// Tries once.
pub(super) async fn deliver(
    shared: &Shared,
    account: Option<&Account>,
    client: &HttpClient,
    callback: &Callback,
) -> CallbackOutcome {
    let Some(account) = account else {
        return CallbackOutcome::Failed {
            said: format!("the account {} is not provisioned", callback.account),
        };
    };
    let prepared = match prepare(shared, account, callback).await {
        Ok(prepared) => prepared,
        Err(outcome) => return outcome,
    };
    let answer = client.post(&prepared.uri, prepared.headers, prepared.body).await;
    let said = match answer {
        Ok(answer) => match acknowledges(&answer, account.dialect.get(), &callback.id.to_string()) {
            Ok(()) => return CallbackOutcome::Delivered,
            Err(said) => said,
        },
        Err(error) => error.to_string(),
    };
    if callback.attempts >= account.callbacks.max_retries {
        return CallbackOutcome::Failed { said };
    }
    CallbackOutcome::Again { due: after(shared.clock.now(), account.callbacks.retry_after), said }
}

/// `Err`: there is nothing to be sent, and this is how the try ends.
async fn prepare(
    shared: &Shared,
    account: &Account,
    callback: &Callback,
) -> Result<Prepared, CallbackOutcome> {
    match &callback.body {
        CallbackBody::Report { status, reason, details, submission } => {
            let body = write_report(account, callback, *status, submission).map_err(withdrawn)?;
            let url = account.callbacks.report_url.as_ref();
            let uri = address(url, "report_url").map_err(withdrawn)?;
            Ok(Prepared {
                uri,
                headers: headers(
                    shared,
                    account,
                    callback,
                    TEXT_XML,
                    reason_told(*reason, details.as_deref()),
                ),
                body: vec![body.into()],
            })
        }
        CallbackBody::ReadReply { .. } if !account.read_replies => {
            Err(withdrawn("the account does not ask for read replies (read_replies)".to_owned()))
        }
        CallbackBody::ReadReply { status, time_stamp, submission } => {
            let body = write_read_reply(account, callback, *status, *time_stamp, submission);
            let url = account.callbacks.report_url.as_ref();
            let uri = address(url, "report_url").map_err(withdrawn)?;
            let headers = headers(shared, account, callback, TEXT_XML, None);
            Ok(Prepared { uri, headers, body: vec![body.into()] })
        }
        CallbackBody::Mo(mo) => {
            let uri = address(account.callbacks.deliver_url.as_ref(), "deliver_url").map_err(failed)?;
            let packed = write_mo(shared, account, callback, mo).await?;
            let headers = headers(shared, account, callback, &packed.content_type, None);
            Ok(Prepared { uri, headers, body: packed.chunks })
        }
    }
}

fn withdrawn(said: String) -> CallbackOutcome {
    CallbackOutcome::Withdrawn { said }
}

/// A message from a handset is never dropped: it is kept, and can be sent once the account is mended.
fn failed(said: String) -> CallbackOutcome {
    CallbackOutcome::Failed { said }
}

fn address(url: Option<&PeerUrl>, key: &str) -> Result<Uri, String> {
    url.map(|url| url.uri().clone()).ok_or_else(|| format!("the account has no {key}"))
}

async fn write_mo(
    shared: &Shared,
    account: &Account,
    callback: &Callback,
    mo: &Mo,
) -> Result<Packed, CallbackOutcome> {
    let bytes = shared.store.media(callback.message).await.map_err(|error| match error {
        StoreError::Corrupt { .. } | StoreError::NotFound(_) => {
            failed(format!("the media cannot be read: {error}"))
        }
        error => {
            CallbackOutcome::Again { due: after(shared.clock.now(), STORE_PAUSE), said: error.to_string() }
        }
    })?;
    let media: Result<Vec<_>, _> =
        mo.parts.iter().zip(bytes).map(|(part, bytes)| part.media(bytes)).collect();
    let media = media.map_err(|error| failed(format!("the media cannot be written: {error}")))?;
    let req = deliver_req(account, callback, mo, mime::content_href(&media));
    let transaction_id = TransactionId::new(&callback.id.to_string()).ok();
    let namespace = account.dialect.written;
    let framing = Framing {
        must_understand: account.must_understand,
        ..Framing::new(namespace, namespace.default_version(), transaction_id)
    };
    let envelope = soap::encode(&Message::DeliverReq(req), &framing);
    let has_smil = media.iter().any(|media| mm7::smil::is_smil(&media.content_type));
    Ok(mime::pack(envelope, &media, if has_smil { Inner::Related } else { Inner::Mixed }))
}

fn deliver_req(account: &Account, callback: &Callback, mo: &Mo, href: Option<String>) -> DeliverReq {
    DeliverReq {
        vasid: VasId::new(&mo.vasid).ok(),
        linked_id: MessageId::new(&callback.message.to_string()).ok(),
        sender: Some((&mo.sender).into()),
        sender_attributes: of_sender(account),
        recipients: mo.recipients.iter().map(Recipient::from).collect(),
        time_stamp: Some(mo.time_stamp),
        // VASP software is known that dies where it is missing.
        priority: mo.priority.as_deref().and_then(Priority::from_wire).or(Some(Priority::Normal)),
        subject: mo.subject.clone(),
        content: href.map(|href| Content { href: Some(href), allow_adaptations: None }),
        ..DeliverReq::default()
    }
}

fn write_report(
    account: &Account,
    callback: &Callback,
    status: MmStatus,
    submission: &Submission,
) -> Result<Vec<u8>, String> {
    let namespace = SeenNamespace::of(&submission.namespace);
    let statuses = account.statuses.unwrap_or(account.dialect.statuses);
    let Some(spelled) = statuses.spelling(status, &namespace) else {
        return Err(format!("{status} is not reported in the words of {}", statuses.name()));
    };
    let req = DeliveryReportReq {
        mm: ReportedMm {
            message_id: MessageId::new(&callback.message.to_string()).ok(),
            recipient: Some(Address::Number(submission.recipient.as_str().to_owned())),
            sender: Some(submission.sender_address()),
            sender_attributes: of_sender(account),
            ..ReportedMm::default()
        },
        date: Some(callback.at),
        mm_status: spelled.to_owned(),
        status_text: Some(status.text().to_owned()),
        ..DeliveryReportReq::default()
    };
    Ok(soap::encode(&Message::DeliveryReportReq(req), &framing(account, callback, submission)))
}

fn write_read_reply(
    account: &Account,
    callback: &Callback,
    status: ReadStatus,
    time_stamp: Timestamp,
    submission: &Submission,
) -> Vec<u8> {
    let req = ReadReplyReq {
        mm: ReportedMm {
            message_id: MessageId::new(&callback.message.to_string()).ok(),
            recipient: Some(Address::Number(submission.recipient.as_str().to_owned())),
            sender: Some(submission.sender_address()),
            sender_attributes: of_sender(account),
            ..ReportedMm::default()
        },
        time_stamp: Some(time_stamp),
        mm_status: status.as_str().to_owned(),
        ..ReadReplyReq::default()
    };
    soap::encode(&Message::ReadReplyReq(req), &framing(account, callback, submission))
}

/// How the account's VASP reads a sender's address.
fn of_sender(account: &Account) -> AddressAttributes {
    AddressAttributes { as_text: account.dialect.sender_as_text, ..AddressAttributes::default() }
}

/// As the VASP wrote its SubmitReq.
fn framing(account: &Account, callback: &Callback, submission: &Submission) -> Framing {
    Framing {
        namespace: SeenNamespace::of(&submission.namespace),
        version: Version::parse(&submission.version).unwrap_or(Version::V6_8_0),
        transaction_id: TransactionId::new(&callback.id.to_string()).ok(),
        must_understand: account.must_understand,
    }
}

fn headers(
    shared: &Shared,
    account: &Account,
    callback: &Callback,
    content_type: &str,
    reason: Option<HeaderValue>,
) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Ok(content_type) = HeaderValue::from_str(content_type) {
        headers.insert(header::CONTENT_TYPE, content_type);
    }
    headers.insert("soapaction", HeaderValue::from_static("\"\""));
    headers.insert(
        header::USER_AGENT,
        HeaderValue::from_static(concat!("posthouse/", env!("CARGO_PKG_VERSION"))),
    );
    if let Ok(carrier) = HeaderValue::from_str(callback.carrier.as_str()) {
        headers.insert(shared.carrier_id_header.clone(), carrier);
    }
    if let Some(reason) = reason {
        headers.insert("x-posthouse-reason", reason);
    }
    if let Some(own) = &account.callbacks.basic_auth {
        headers.insert(header::AUTHORIZATION, basic::header(&own.username, &own.password));
    }
    headers
}

/// The reason, and what the carrier said about it. What is not ASCII cannot be told in a header that everybody reads.
fn reason_told(reason: Option<Reason>, details: Option<&str>) -> Option<HeaderValue> {
    let mut told = reason?.to_string();
    if let Some(details) = details {
        told.push_str(": ");
        told.extend(details.chars().map(|c| if c == ' ' || c.is_ascii_graphic() { c } else { '?' }));
    }
    HeaderValue::from_str(&told).ok()
}

/// HTTP 200, our TransactionID and 1000; or an empty body, where the dialect says so. The error is what was said instead.
fn acknowledges(answer: &HttpReply, dialect: &Dialect, transaction_id: &str) -> Result<(), String> {
    if answer.status == HttpStatus::OK && answer.body.is_empty() {
        let said = || "an empty answer".to_owned();
        return if dialect.empty_body_acknowledges { Ok(()) } else { Err(said()) };
    }
    let decoded = envelope::decode(&answer.headers, answer.body.clone()).ok();
    let said = decoded.as_ref().and_then(|decoded| decoded.message.as_ref()).and_then(peer_words::of_message);
    if answer.status != HttpStatus::OK {
        let said = said.map(|(_, words)| words).or_else(|| peer_words::of_body(&answer.body));
        return Err(with(&format!("HTTP {}", answer.status.as_u16()), said));
    }
    match said {
        Some((Some(1000), _)) => {}
        Some((Some(_), words)) => return Err(format!("StatusCode {words}")),
        Some((None, words)) => return Err(words),
        None => return Err(with("an answer without MM7", peer_words::of_body(&answer.body))),
    }
    match decoded.and_then(|decoded| decoded.transaction_id) {
        Some(id) if id.as_str() == transaction_id => Ok(()),
        Some(_) => Err("an answer with another TransactionID".to_owned()),
        None => Err("an answer without TransactionID".to_owned()),
    }
}

fn with(what: &str, said: Option<String>) -> String {
    said.map_or_else(|| what.to_owned(), |said| format!("{what}: {said}"))
}
