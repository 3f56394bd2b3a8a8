//! One try to deliver a callback: prepare, send, classify (contract 4.6).

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use mm7::mime::Media;
use posthouse_core::{
    account::Account,
    bounds::ANSWER,
    message::{Mo, Reason},
    store::{Callback, CallbackAnswer, CallbackBody, CallbackOutcome, StoreError},
    time::after,
    url::PeerUrl,
};
use tokio::time::Instant;

use super::{
    CallbackContext,
    encode::{Encode, Encoded, format_of},
};
use crate::http::{
    basic,
    client::{HttpClient, HttpReply, NoAnswer, reply_text},
};
use crate::telemetry::{
    captures::request_text,
    traces::{self, Span, SpanContext, SpanSide},
};

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
    context: &CallbackContext,
    account: Option<&Account>,
    client: &HttpClient,
    callback: &Callback,
) -> CallbackOutcome {
    let Some(account) = account else {
        return CallbackOutcome::Failed {
            said: format!("the account {} is not provisioned", callback.account).into(),
        };
    };
    let format = format_of(account);
    let mut prepared = match prepare(context, account, &format, callback).await {
        Ok(prepared) => prepared,
        Err(outcome) => return outcome,
    };
    let (span, told) = context.metrics.traces().map(|traces| traces.call(callback.message)).unzip();
    traces::tell(&mut prepared.headers, told.flatten());
    let began = Instant::now();
    let peer = || prepared.uri.authority().map(ToString::to_string).unwrap_or_default();
    let whose = (Some(&callback.account), Some(&callback.carrier));
    let tap = context.metrics.captures().tap(context.clock.now(), whose, "callback", peer, began);
    let request =
        |_: &_| request_text(prepared.uri.path(), &prepared.headers, &prepared.body, Some(callback.message));
    let request = tap.as_ref().map(request);
    let answer = client.post(&prepared.uri, prepared.headers, prepared.body).await;
    if let Some((tap, request)) = tap.zip(request) {
        tap.about(Some(callback.message)).keep(request, reply_text(&answer, callback.message));
    }
    let acknowledged = match &answer {
        Ok(answer) => format.acknowledged(callback, answer),
        Err(error) => Err(error.to_string()),
    };
    trace(context, callback, span, &answer, acknowledged.is_ok(), began.elapsed());
    let said = match (answer, acknowledged) {
        (_, Ok(())) => return CallbackOutcome::Delivered,
        (Ok(answer), Err(words)) => answer_of(words, &answer),
        (Err(_), Err(words)) => words.into(),
    };
    if callback.attempts >= account.callbacks.max_retries {
        return CallbackOutcome::Failed { said };
    }
    CallbackOutcome::Again { due: after(context.clock.now(), account.callbacks.retry_after), said }
}

/// The span of a try. What the VASP said stays out of it.
fn trace(
    context: &CallbackContext,
    callback: &Callback,
    span: Option<SpanContext>,
    answer: &Result<HttpReply, NoAnswer>,
    is_delivered: bool,
    took: Duration,
) {
    let (Some(traces), Some(context_of_span)) = (context.metrics.traces(), span) else { return };
    let why = || match answer {
        Ok(answer) => format!("HTTP {}", answer.status.as_u16()),
        Err(NoAnswer::Unreached(_)) => "no connection".to_owned(),
        Err(NoAnswer::Unknown(_)) => "no answer".to_owned(),
    };
    let span = Span::new("callback", SpanSide::Client, context.clock.now(), took)
        .of(context_of_span, callback.message)
        .failed((!is_delivered).then(why))
        .with("posthouse.account", callback.account.0.clone())
        .with("posthouse.callback_id", callback.id.to_string());
    traces.record(span);
}

/// What is kept of an answer that acknowledges nothing.
pub(super) fn answer_of(words: String, answer: &HttpReply) -> CallbackAnswer {
    let beginning = answer.body.get(..ANSWER).unwrap_or(&answer.body);
    // A copy: what is kept keeps no long answer in memory.
    CallbackAnswer {
        words,
        http_status: Some(answer.status.as_u16()),
        body: Bytes::copy_from_slice(beginning),
    }
}

/// `Err`: there is nothing to be sent, and this is how the try ends.
async fn prepare(
    context: &CallbackContext,
    account: &Account,
    format: &impl Encode,
    callback: &Callback,
) -> Result<Prepared, CallbackOutcome> {
    let (report_url, deliver_url) =
        (account.callbacks.report_url.as_ref(), account.callbacks.deliver_url.as_ref());
    let (encoded, uri, reason) = match &callback.body {
        CallbackBody::Report { status, reason, details, submission } => {
            let encoded = format.report(callback, *status, submission).map_err(withdrawn)?;
            let uri = address(report_url, "report_url").map_err(withdrawn)?;
            (encoded, uri, reason_told(*reason, details.as_deref()))
        }
        CallbackBody::ReadReply { submission, .. } if !submission.owes_read_replies() => {
            return Err(withdrawn("it was sent again without reports".to_owned()));
        }
        CallbackBody::ReadReply { .. } if !account.read_replies => {
            return Err(withdrawn("the account does not ask for read replies (read_replies)".to_owned()));
        }
        CallbackBody::ReadReply { status, time_stamp, submission } => {
            let encoded = format.read_reply(callback, *status, *time_stamp, submission);
            (encoded, address(report_url, "report_url").map_err(withdrawn)?, None)
        }
        CallbackBody::Mo(mo) => {
            let uri = address(deliver_url, "deliver_url").map_err(failed)?;
            (format.message(callback, mo, &media(context, callback, mo).await?), uri, None)
        }
    };
    let Encoded { headers, body } = encoded;
    Ok(Prepared { uri, headers: with_ours(headers, context, account, callback, reason), body })
}

fn withdrawn(said: String) -> CallbackOutcome {
    CallbackOutcome::Withdrawn { said }
}

/// A message from a handset is never dropped: it is kept, and can be sent once the account is mended.
fn failed(said: String) -> CallbackOutcome {
    CallbackOutcome::Failed { said: said.into() }
}

fn address(url: Option<&PeerUrl>, key: &str) -> Result<Uri, String> {
    url.map(|url| url.uri().clone()).ok_or_else(|| format!("the account has no {key}"))
}

/// The media of a message from a handset.
async fn media(
    context: &CallbackContext,
    callback: &Callback,
    mo: &Mo,
) -> Result<Vec<Media>, CallbackOutcome> {
    let bytes = context.store.media(callback.message).await.map_err(|error| match error {
        StoreError::Corrupt { .. } | StoreError::NotFound(_) => {
            failed(format!("the media cannot be read: {error}"))
        }
        error => {
            let due = after(context.clock.now(), STORE_PAUSE);
            CallbackOutcome::Again { due, said: error.to_string().into() }
        }
    })?;
    let media: Result<Vec<_>, _> =
        mo.parts.iter().zip(bytes).map(|(part, bytes)| part.media(bytes)).collect();
    media.map_err(|error| failed(format!("the media cannot be written: {error}")))
}

/// The headers of the format, and those that every callback has.
fn with_ours(
    mut headers: HeaderMap,
    context: &CallbackContext,
    account: &Account,
    callback: &Callback,
    reason: Option<HeaderValue>,
) -> HeaderMap {
    if let Ok(carrier) = HeaderValue::from_str(callback.carrier.as_str()) {
        headers.insert(context.carrier_id_header.clone(), carrier);
    }
    if let Some(reason) = reason {
        headers.insert("x-posthouse-reason", reason);
    }
    if let Some(of) = resubmit_of(&callback.body) {
        headers.insert("x-posthouse-resubmit-of", of);
    }
    headers.extend(credentials(account));
    headers
}

/// The message that the one it is about was sent again for, by its MessageID.
fn resubmit_of(body: &CallbackBody) -> Option<HeaderValue> {
    let submission = match body {
        CallbackBody::Report { submission, .. } | CallbackBody::ReadReply { submission, .. } => submission,
        CallbackBody::Mo(_) => return None,
    };
    submission.resubmission.map(|resubmission| HeaderValue::from(resubmission.of))
}

/// What we show the account's VASP, if anything.
pub(super) fn credentials(account: &Account) -> Option<(HeaderName, HeaderValue)> {
    let own = account.callbacks.basic_auth.as_ref()?;
    Some((header::AUTHORIZATION, basic::header(&own.username, &own.password)))
}

/// The reason, and what the carrier said about it. Other than ASCII characters cannot be told in a header that everybody reads.
fn reason_told(reason: Option<Reason>, details: Option<&str>) -> Option<HeaderValue> {
    let mut told = reason?.to_string();
    if let Some(details) = details {
        told.push_str(": ");
        told.extend(details.chars().map(|c| if c == ' ' || c.is_ascii_graphic() { c } else { '?' }));
    }
    HeaderValue::from_str(&told).ok()
}
