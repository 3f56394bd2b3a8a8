//! One try to deliver a callback: prepare, send, classify (contract 4.6).

use http::{HeaderMap, HeaderValue, StatusCode as HttpStatus, Uri, header};
use mm7::{
    Address, Dialect, Framing, MessageId, MmStatus, SeenNamespace, TransactionId, Version,
    message::{DeliveryReportReq, Message},
    soap,
};
use posthouse_core::{
    account::Account,
    message::{Reason, Submission},
    store::{Callback, CallbackBody, CallbackOutcome},
    time::after,
};

use super::Shared;
use crate::{
    envelope,
    http::{
        basic,
        client::{Answer, HttpClient},
    },
};

/// Why a callback is not sent at all.
struct NotSent(String);

/// What is sent.
struct Prepared {
    uri: Uri,
    headers: HeaderMap,
    body: Vec<u8>,
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
    let prepared = match prepare(shared, account, callback) {
        Ok(prepared) => prepared,
        Err(NotSent(said)) => return CallbackOutcome::Withdrawn { said },
    };
    let answer = client.post(&prepared.uri, prepared.headers, vec![prepared.body.into()]).await;
    let said = match answer {
        Ok(answer) => match acknowledges(&answer, dialect(account), &callback.id.to_string()) {
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

fn dialect(account: &Account) -> &'static Dialect {
    Dialect::by_name(&account.dialect).unwrap_or(Dialect::POSTHOUSE)
}

fn prepare(shared: &Shared, account: &Account, callback: &Callback) -> Result<Prepared, NotSent> {
    let CallbackBody::Report { status, reason, submission } = &callback.body;
    let url = account.callbacks.report_url.as_deref();
    let url = url.ok_or_else(|| NotSent("the account has no report_url".to_owned()))?;
    let uri = url.parse().map_err(|_| NotSent(format!("report_url {url} is no URL")))?;
    let body = write_report(account, callback, *status, submission)?;
    Ok(Prepared { uri, headers: headers(shared, account, callback, *reason), body })
}

fn write_report(
    account: &Account,
    callback: &Callback,
    status: MmStatus,
    submission: &Submission,
) -> Result<Vec<u8>, NotSent> {
    let namespace = SeenNamespace::of(&submission.namespace);
    let Some(spelled) = dialect(account).mm_status(status, &namespace) else {
        return Err(NotSent(format!("{} is not reported in the dialect {}", status, account.dialect)));
    };
    let transaction_id = TransactionId::new(&callback.id.to_string()).ok();
    let framing = Framing {
        namespace,
        version: Version::parse(&submission.version).unwrap_or(Version::V6_8_0),
        transaction_id,
    };
    let req = DeliveryReportReq {
        message_id: MessageId::new(&callback.message.to_string()).ok(),
        recipient: Some(Address::Number(submission.recipient.as_str().to_owned())),
        sender: Some(submission.sender_address()),
        date: Some(callback.at),
        mm_status: spelled.to_owned(),
        status_text: Some(status.text().to_owned()),
        ..DeliveryReportReq::default()
    };
    Ok(soap::encode(&Message::DeliveryReportReq(req), &framing))
}

fn headers(shared: &Shared, account: &Account, callback: &Callback, reason: Option<Reason>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/xml; charset=utf-8"));
    headers.insert("soapaction", HeaderValue::from_static("\"\""));
    headers.insert(
        header::USER_AGENT,
        HeaderValue::from_static(concat!("posthouse/", env!("CARGO_PKG_VERSION"))),
    );
    if let Ok(carrier) = HeaderValue::from_str(callback.carrier.as_str()) {
        headers.insert(shared.carrier_id_header.clone(), carrier);
    }
    if let Some(Ok(reason)) = reason.map(|reason| HeaderValue::from_str(&reason.to_string())) {
        headers.insert("x-posthouse-reason", reason);
    }
    if let Some(own) = &account.callbacks.basic_auth {
        headers.insert(header::AUTHORIZATION, basic::header(&own.username, &own.password));
    }
    headers
}

/// HTTP 200, our TransactionID and 1000; or an empty body, where the dialect says so.
fn acknowledges(answer: &Answer, dialect: &Dialect, transaction_id: &str) -> Result<(), String> {
    if answer.status != HttpStatus::OK {
        return Err(format!("HTTP {}", answer.status.as_u16()));
    }
    if answer.body.is_empty() {
        let said = || "an empty answer".to_owned();
        return if dialect.empty_body_acknowledges { Ok(()) } else { Err(said()) };
    }
    let decoded = envelope::decode(&answer.headers, answer.body.clone())
        .map_err(|_| "an answer without MM7".to_owned())?;
    if decoded.transaction_id.as_ref().map(TransactionId::as_str) != Some(transaction_id) {
        return Err("an answer with another TransactionID".to_owned());
    }
    match decoded.message.as_ref().and_then(Message::status).map(|status| status.code) {
        Some(1000) => Ok(()),
        Some(code) => Err(format!("StatusCode {code}")),
        None => Err("an answer without StatusCode".to_owned()),
    }
}
