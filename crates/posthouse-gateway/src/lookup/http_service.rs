//! A provider over HTTP: `GET` with the number in the URL, and a small JSON document for an answer (contract section 3).

use std::time::Duration;

use async_trait::async_trait;
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use posthouse_core::{address::Msisdn, provisioning::NumberUrl, tls::PeerTls};
use serde_json::Value;

use super::{
    answers::KnownCarrier,
    provider::{NumberProvider, ProviderError},
};
use crate::http::client::HttpClient;

/// How many idle connections are kept.
const IDLE: usize = 32;
/// How often a question is put that gets no answer: the first may have met a connection that the peer was closing.
const TRIES: u32 = 2;
/// The longest carrier name that is taken, in bytes: no carrier has a longer one.
const LONGEST_NAME: usize = 128;

/// An HTTP service that knows carriers.
#[derive(Debug)]
pub(super) struct HttpService {
    url: NumberUrl,
    headers: HeaderMap,
    client: HttpClient,
}

impl HttpService {
    /// The service at a URL.
    pub fn new(url: &NumberUrl, timeout: Duration, tls: Option<&PeerTls>) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(
            header::USER_AGENT,
            HeaderValue::from_static(concat!("posthouse/", env!("CARGO_PKG_VERSION"))),
        );
        let client = HttpClient::new(timeout, IDLE, tls);
        Self { url: url.clone(), headers, client }
    }

    fn uri(&self, number: &Msisdn) -> Result<Uri, ProviderError> {
        // Neither the URL, which may hold a key, nor the number may get into a log.
        self.url
            .with_number(number.as_str())
            .parse()
            .map_err(|_| ProviderError("the url cannot be used".to_owned()))
    }
}

#[async_trait]
impl NumberProvider for HttpService {
    async fn ask(&self, number: &Msisdn) -> Result<KnownCarrier, ProviderError> {
        let uri = self.uri(number)?;
        let mut silence = ProviderError(String::new());
        for _ in 0..TRIES {
            match self.client.get(&uri, self.headers.clone()).await {
                Ok(answer) => return read(answer.status, &answer.body),
                Err(error) => silence = ProviderError(error.to_string()),
            }
        }
        Err(silence)
    }
}

/// 200 names the carrier, 404 says that the number is not known; anything else is no answer.
fn read(status: StatusCode, body: &[u8]) -> Result<KnownCarrier, ProviderError> {
    match status {
        StatusCode::NOT_FOUND => Ok(None),
        StatusCode::OK => match name(body) {
            Some(name) => Ok(Some(name.into())),
            None => Err(ProviderError("HTTP 200 without {\"carrier\":\"…\"}".to_owned())),
        },
        status => Err(ProviderError(format!("HTTP {}", status.as_u16()))),
    }
}

fn name(body: &[u8]) -> Option<String> {
    let document: Value = serde_json::from_slice(body).ok()?;
    let name = document.get("carrier")?.as_str()?.trim();
    (!name.is_empty() && name.len() <= LONGEST_NAME).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_name_and_not_found_are_answers() {
        let silence = |why: &str| Err(ProviderError(why.to_owned()));
        let nameless = "HTTP 200 without {\"carrier\":\"…\"}";
        let long = format!("{{\"carrier\":\"{}\"}}", "x".repeat(129));
        for (status, body, expected) in [
            (200, r#"{"carrier":"31003"}"#, Ok(Some("31003".into()))),
            (200, r#" {"number":"16175550100","carrier":" 0001890 "}"#, Ok(Some("0001890".into()))),
            (404, "", Ok(None)),
            (404, "<html>nobody</html>", Ok(None)),
            (200, "", silence(nameless)),
            (200, "<html>", silence(nameless)),
            (200, r#"{"carrier":31003}"#, silence(nameless)),
            (200, r#"{"carrier":null}"#, silence(nameless)),
            (200, r#"{"carrier":""}"#, silence(nameless)),
            (200, r#"["31003"]"#, silence(nameless)),
            (200, &long, silence(nameless)),
            (204, "", silence("HTTP 204")),
            (302, r#"{"carrier":"31003"}"#, silence("HTTP 302")),
            (500, r#"{"carrier":"31003"}"#, silence("HTTP 500")),
            (503, "", silence("HTTP 503")),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(read(status, body.as_bytes()), expected, "{status} {body}");
        }
    }
}
