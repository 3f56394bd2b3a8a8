//! The verbs of the API, asked in this process by pages: with the same rights, and to the same answers, as over HTTP.

use std::sync::Arc;

use axum::{Router, body::Body, response::Response};
use bytes::Bytes;
use http::{Method, Request, Uri, header};
use http_body_util::BodyExt as _;
use posthouse_api::{BASE, ProblemCode, ProblemDetails};
use posthouse_core::actor::Actor;
use serde::{Serialize, de::DeserializeOwned};
use tower_service::Service as _;

use super::{
    super::{answer::JSON, context, rights::Rights},
    words,
};

/// The verbs.
#[derive(Clone)]
pub(in super::super) struct Api {
    router: Router,
    rights: Arc<Rights>,
}

impl Api {
    /// Those of this router.
    pub const fn new(router: Router, rights: Arc<Rights>) -> Self {
        Self { router, rights }
    }

    /// What a GET answers. The path is below `/api/v1`, with its query.
    ///
    /// # Errors
    /// What the API refuses it for.
    pub async fn get<T: DeserializeOwned>(&self, by: &Actor, path: &str) -> Result<T, ProblemDetails> {
        self.ask(by, Method::GET, path, Bytes::new()).await
    }

    /// What a POST of this body answers.
    ///
    /// # Errors
    /// What the API refuses it for.
    pub async fn post<T: DeserializeOwned>(
        &self,
        by: &Actor,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ProblemDetails> {
        let body = serde_json::to_vec(body).map_err(|_| ProblemDetails::new(ProblemCode::Internal))?;
        self.ask(by, Method::POST, path, body.into()).await
    }

    /// What a verb without a body answers.
    ///
    /// # Errors
    /// What the API refuses it for.
    pub async fn send<T: DeserializeOwned>(
        &self,
        by: &Actor,
        method: Method,
        path: &str,
    ) -> Result<T, ProblemDetails> {
        self.ask(by, method, path, Bytes::new()).await
    }

    /// What each verb asks for.
    pub fn rights(&self) -> Arc<Rights> {
        Arc::clone(&self.rights)
    }

    /// What a POST of these bytes answers.
    ///
    /// # Errors
    /// What the API refuses it for.
    pub async fn post_bytes<T: DeserializeOwned>(
        &self,
        by: &Actor,
        path: &str,
        body: Bytes,
    ) -> Result<T, ProblemDetails> {
        self.ask(by, Method::POST, path, body).await
    }

    /// The answer to a GET as it is, of whatever type.
    ///
    /// # Errors
    /// What the API refuses it for.
    pub async fn whole(&self, by: &Actor, path: &str) -> Result<Response, ProblemDetails> {
        let answer = self.answer(by, Method::GET, path, Bytes::new()).await?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let body = bytes_of(answer).await;
        Err(serde_json::from_slice(&body).unwrap_or_else(|error| unreadable(&error)))
    }

    /// What a PATCH of this body answers.
    ///
    /// # Errors
    /// What the API refuses it for.
    pub async fn patch<T: DeserializeOwned>(
        &self,
        by: &Actor,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ProblemDetails> {
        let body = serde_json::to_vec(body).map_err(|_| ProblemDetails::new(ProblemCode::Internal))?;
        self.ask(by, Method::PATCH, path, body.into()).await
    }

    /// What a DELETE answers.
    ///
    /// # Errors
    /// What the API refuses it for.
    pub async fn delete<T: DeserializeOwned>(&self, by: &Actor, path: &str) -> Result<T, ProblemDetails> {
        self.ask(by, Method::DELETE, path, Bytes::new()).await
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        by: &Actor,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<T, ProblemDetails> {
        let answer = self.answer(by, method, path, body).await?;
        let status = answer.status();
        let body = bytes_of(answer).await;
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(|error| unreadable(&error));
        }
        Err(serde_json::from_slice(&body).unwrap_or_else(|error| unreadable(&error)))
    }

    async fn answer(
        &self,
        by: &Actor,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<Response, ProblemDetails> {
        let malformed = || ProblemDetails::new(ProblemCode::Malformed);
        let uri: Uri = format!("{BASE}{path}").parse().map_err(|_| malformed())?;
        let access = self.rights.access(&method, uri.path());
        // Of a path of the API nobody knows who opened a page.
        context::authorize(by, access, uri.path()).map_err(|problem| match problem.status {
            404 => words::not_here(by),
            _ => problem,
        })?;
        let mut request = Request::builder()
            .method(method)
            .uri(uri)
            .header(header::CONTENT_TYPE, JSON)
            .body(Body::from(body))
            .map_err(|_| malformed())?;
        request.extensions_mut().insert(by.clone());
        let Ok(answer) = self.router.clone().call(request).await;
        Ok(answer)
    }
}

/// What is in memory cannot fail.
async fn bytes_of(answer: Response) -> Bytes {
    answer.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default()
}

fn unreadable(error: &serde_json::Error) -> ProblemDetails {
    tracing::error!(%error, "a page cannot read the API's answer");
    ProblemDetails::new(ProblemCode::Internal)
}

/// A query: names and values, percent-encoded.
pub(in super::super) fn query<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// A segment of a path, percent-encoded.
pub(super) fn segment(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}
