//! A callback that is no callback: an operator wants to see what an account's endpoint says.

use std::time::Duration;

use http::{HeaderName, HeaderValue};
use jiff::Timestamp;
use mm7::{MmStatus, Namespace, Version};
use posthouse_core::{
    Id,
    account::Account,
    address::Msisdn,
    carrier::CarrierId,
    message::{AddressKind, Submission},
    store::{Callback, CallbackAnswer, CallbackBody, Lease, Owner},
    time::after,
};
use tokio::time::Instant;

use super::{
    deliver::{answer_of, credentials},
    encode::{Encode as _, Encoded, format_of},
};
use crate::http::client::HttpClient;

/// The header that tells a test from a report.
const TEST: HeaderName = HeaderName::from_static("x-posthouse-test");
/// A number that nobody has (North American numbers with 555-0100 are for examples).
const NOBODY: &str = "16175550100";

/// What came of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// Where it went.
    pub url: String,
    /// `None`: the VASP acknowledged it. Otherwise what it said instead.
    pub said: Option<CallbackAnswer>,
    /// How long that took.
    pub took: Duration,
}

/// Posts a report on a message that never was to an account's `report_url`, as its reports are written, with the header
/// `X-Posthouse-Test: true`. Nothing of it is kept.
///
/// # Errors
/// It has nowhere to go, or cannot be written; in words.
pub async fn try_out(account: &Account, now: Timestamp) -> Result<Trial, String> {
    let callbacks = &account.callbacks;
    let url = callbacks.report_url.as_ref().ok_or("the account has no report_url")?;
    let callback = report(account, now)?;
    let CallbackBody::Report { status, submission, .. } = &callback.body else {
        return Err("it is no report".to_owned());
    };
    let format = format_of(account);
    let Encoded { mut headers, body } = format.report(&callback, *status, submission)?;
    headers.insert(TEST, HeaderValue::from_static("true"));
    headers.extend(credentials(account));
    let client = HttpClient::new(callbacks.timeout, 1, callbacks.tls.as_ref());
    let begun = Instant::now();
    let said = match client.post(url.uri(), headers, body).await {
        Ok(answer) => format.acknowledged(&callback, &answer).err().map(|words| answer_of(words, &answer)),
        Err(error) => Some(error.to_string().into()),
    };
    Ok(Trial { url: url.as_str().to_owned(), said, took: begun.elapsed() })
}

/// The report that is sent: Indeterminate, on an id that no message can have got yet.
fn report(account: &Account, now: Timestamp) -> Result<Callback, String> {
    let id = Id::first_at(now);
    let (status, namespace) = (MmStatus::Indeterminate, Namespace::LATEST);
    let sender = account.services.first().and_then(|service| service.senders.first());
    let submission = Submission {
        transaction_id: "test".to_owned(),
        vasid: account.services.first().map(|service| service.vasid.clone()).unwrap_or_default(),
        sender_kind: AddressKind::ShortCode,
        sender: sender.cloned().unwrap_or_default(),
        recipient: Msisdn::parse(NOBODY, false).ok_or("it has no recipient")?,
        subject: None,
        message_class: None,
        priority: None,
        service_code: None,
        allow_adaptations: None,
        time_stamp: now,
        expiry: now,
        delivery_report: true,
        namespace: namespace.uri().to_owned(),
        version: Version::V6_8_0.to_string(),
        notes: Vec::new(),
        parts: Vec::new(),
        resubmission: None,
        via: None,
    };
    Ok(Callback {
        id,
        message: id,
        account: account.name.clone(),
        carrier: CarrierId(String::new()),
        body: CallbackBody::Report { status, reason: None, details: None, submission },
        at: now,
        attempts: 0,
        lease: Lease { owner: Owner(0), until: after(now, account.callbacks.timeout) },
    })
}
