//! `Idempotency-Key`: a POST that is sent again under its key gets the answer of the first, and nothing is done twice.
//!
//! Answers are kept in the store. Those with a secret in them are not written down: they stay in this process's memory, and a repetition
//! that comes to another one is told that it was carried out.

use std::{collections::VecDeque, sync::Arc};

use axum::{
    body::Body,
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http::{HeaderName, HeaderValue, Method, StatusCode as HttpStatus, header};
use posthouse_api::{IDEMPOTENCY_HEADER, ProblemCode, ProblemDetails};
use posthouse_core::{
    actor::Actor,
    idempotency::{KeptAnswer, KeyClaim, KeyedRequest, LONGEST_ANSWER, LONGEST_KEY},
    lock::Mutex,
};

use super::{
    AdminState,
    answer::{JSON, ProblemAnswer, written},
    body,
};
use crate::secrets::secret_hash;

/// Says of an answer that it is that of an earlier request.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// How many answers with secrets are in memory.
const MOST_TOLD_ONCE: usize = 100;

/// Answers with secrets, by the hashes of their keys, the oldest first.
#[derive(Default)]
pub(crate) struct ToldOnceAnswers(Mutex<VecDeque<(String, String)>>);

impl ToldOnceAnswers {
    fn keep(&self, hash: &str, body: String) {
        let mut answers = self.0.lock();
        if answers.len() >= MOST_TOLD_ONCE {
            answers.pop_front();
        }
        answers.push_back((hash.to_owned(), body));
    }

    fn of(&self, hash: &str) -> Option<String> {
        self.0.lock().iter().rev().find(|(known, _)| known == hash).map(|(_, body)| body.clone())
    }
}

/// Stands before every verb.
pub(super) async fn guard(
    State(state): State<Arc<AdminState>>,
    request: Request,
    next: Next,
) -> Result<Response, ProblemAnswer> {
    let key = request.headers().get(IDEMPOTENCY_HEADER).filter(|_| *request.method() == Method::POST);
    let Some(key) = key.map(key_of).transpose()? else { return Ok(next.run(request).await) };
    let by = request.extensions().get::<Actor>().cloned();
    let by = by.ok_or_else(|| ProblemDetails::new(ProblemCode::Unauthorized))?;
    let (head, whole) = request.into_parts();
    let bytes = body::bytes(whole).await;
    let hash = secret_hash(&state.store.key().await?, "request", &format!("{} {key}", by.name));
    let mut digest = blake3::Hasher::new();
    for part in [head.method.as_str().as_bytes(), head.uri.to_string().as_bytes(), &bytes] {
        digest.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes()).update(part);
    }
    let digest = digest.finalize().to_hex().to_string();
    let keyed = KeyedRequest { hash, principal: by.name.clone(), digest, at: state.clock.now() };
    match state.store.claim_key(&keyed).await? {
        KeyClaim::First => {}
        KeyClaim::Answered(answer) => return replayed(answer, state.told_once.of(&keyed.hash)),
        other => return Err(refused(&other).into()),
    }
    let answer = next.run(Request::from_parts(head, Body::from(bytes))).await;
    kept(&state, &keyed.hash, answer).await
}

/// A key, as it is shown.
fn key_of(value: &HeaderValue) -> Result<String, ProblemDetails> {
    let key = value.to_str().unwrap_or_default();
    match (1..=LONGEST_KEY).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()) {
        true => Ok(key.to_owned()),
        false => Err(ProblemDetails::new(ProblemCode::Malformed)
            .detail("Idempotency-Key is no key")
            .remedy(format!("send 1 to {LONGEST_KEY} visible characters, such as a UUID"))),
    }
}

fn refused(claim: &KeyClaim) -> ProblemDetails {
    match claim {
        KeyClaim::Another => ProblemDetails::new(ProblemCode::KeyReused)
            .detail("another request came under this Idempotency-Key")
            .remedy("send each request under a key of its own"),
        KeyClaim::UnderWay => ProblemDetails::new(ProblemCode::UnderWay)
            .detail("the first request under this Idempotency-Key is under way")
            .remedy("wait, and send it again under the same key"),
        _ => ProblemDetails::new(ProblemCode::UnderWay)
            .detail("the first request under this Idempotency-Key broke off; whether it was carried out is unknown")
            .remedy("look, and send it again under another key if it was not"),
    }
}

/// The answer of the first.
fn replayed(kept: KeptAnswer, told_once: Option<String>) -> Result<Response, ProblemAnswer> {
    let Some(body) = kept.body.or(told_once) else {
        return Err(ProblemDetails::new(ProblemCode::UnderWay)
            .detail("it was carried out under this Idempotency-Key; its answer is not kept, for a secret is told once, or for its length")
            .remedy("look what came of it, or send it under another key to do it again")
            .into());
    };
    let status = HttpStatus::from_u16(kept.status).unwrap_or(HttpStatus::OK);
    let mut answer = written(status, JSON, body);
    if let Some(etag) = kept.etag.as_deref().and_then(|etag| HeaderValue::from_str(etag).ok()) {
        answer.headers_mut().insert(header::ETAG, etag);
    }
    answer.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(answer)
}

/// Keeps an answer, where something was done: what was refused may be sent again.
async fn kept(state: &AdminState, hash: &str, answer: Response) -> Result<Response, ProblemAnswer> {
    let status = answer.status();
    if !status.is_success() {
        // Of an answer that broke it is unknown whether anything was done.
        if status != HttpStatus::INTERNAL_SERVER_ERROR {
            state.store.release_key(hash).await?;
        }
        return Ok(answer);
    }
    let is_told_once = answer.headers().get(header::CACHE_CONTROL).is_some_and(|value| value == "no-store");
    let (head, whole) = answer.into_parts();
    let bytes = body::bytes(whole).await;
    let text =
        std::str::from_utf8(&bytes).ok().filter(|text| text.len() <= LONGEST_ANSWER).map(str::to_owned);
    let text = match (is_told_once, text) {
        (true, Some(secret)) => {
            state.told_once.keep(hash, secret);
            None
        }
        (_, text) => text,
    };
    let etag = head.headers.get(header::ETAG).and_then(|etag| etag.to_str().ok()).map(str::to_owned);
    let answer = KeptAnswer { status: status.as_u16(), etag, body: text };
    if let Err(error) = state.store.keep_answer(hash, &answer).await {
        tracing::error!(%error, "an answer is not kept; a repetition of its request is told that it is unknown");
    }
    Ok(Response::from_parts(head, Body::from(bytes)).into_response())
}
