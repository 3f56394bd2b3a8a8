//! The issuer: what it says of itself, its keys, and the exchange of a code for an id_token. Each request has a deadline, and an answer is read
//! as far as any of a peer (256 KiB).

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Uri, header};
use posthouse_core::{lock::Mutex, tls::PeerTls};
use serde::{Deserialize, de::DeserializeOwned};
use tokio::{sync::Semaphore, time::Instant};

use super::{
    fault::OidcFault,
    id_token::{Expected, IdClaims, IssuerKeys, TokenFault, check},
};
use crate::{
    config::{OidcSection, is_safe},
    http::client::HttpClient,
};

/// How long the issuer may take for an answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// For how long what it says of itself counts.
const KNOWN_FOR: Duration = Duration::from_secs(600);
/// How soon it is asked again for keys because one is missing.
const KEYS_AGAIN: Duration = Duration::from_secs(5);
/// How many sign-ins may ask it at a time.
const MOST: usize = 8;

/// The issuer, as this gateway knows it.
pub(in super::super) struct Issuer {
    /// What is configured of it.
    pub section: OidcSection,
    client: HttpClient,
    known: Mutex<Option<(Instant, IssuerDocument)>>,
    keys: Mutex<Option<(Instant, IssuerKeys)>>,
    asking: Semaphore,
}

/// What an issuer says of itself (OpenID Connect Discovery 1.0, 3).
#[derive(Clone, Debug, Deserialize)]
pub(super) struct IssuerDocument {
    issuer: String,
    pub authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
}

#[derive(Deserialize)]
struct TokenAnswer {
    id_token: Option<String>,
}

impl Issuer {
    /// The one that is configured.
    pub fn new(section: OidcSection) -> Self {
        let tls = section.ca.as_ref().map(|ca| PeerTls { ca: Some(ca.expose().to_owned()), identity: None });
        Self {
            client: HttpClient::new(TIMEOUT, 2, tls.as_ref()),
            section,
            known: Mutex::default(),
            keys: Mutex::default(),
            asking: Semaphore::new(MOST),
        }
    }

    /// What it says of itself.
    ///
    /// # Errors
    /// It does not answer, or says what cannot be used.
    pub(super) async fn document(&self) -> Result<IssuerDocument, OidcFault> {
        let known = self.known.lock().clone();
        if let Some((_, document)) = known.filter(|(at, _)| at.elapsed() < KNOWN_FOR) {
            return Ok(document);
        }
        let url = format!("{}/.well-known/openid-configuration", self.section.issuer.trim_end_matches('/'));
        let document: IssuerDocument = self.get(&url).await?;
        if document.issuer != self.section.issuer {
            let said: String = document.issuer.chars().take(200).collect();
            return Err(OidcFault::Issuer(format!(
                "it calls itself {said:?}, and not {:?}",
                self.section.issuer
            )));
        }
        for url in [&document.authorization_endpoint, &document.token_endpoint, &document.jwks_uri] {
            uri(url)?;
        }
        *self.known.lock() = Some((Instant::now(), document.clone()));
        Ok(document)
    }

    /// Who somebody is that came back with this code.
    ///
    /// # Errors
    /// Why that cannot be told.
    pub(super) async fn claims(
        &self,
        (code, verifier): (&str, &str),
        expected: &Expected<'_>,
    ) -> Result<IdClaims, OidcFault> {
        let document = self.document().await?;
        let token = self.exchange(&document, code, verifier).await?;
        match check(&token, &self.keys(&document, KNOWN_FOR).await?, expected) {
            // It may have a new key since.
            Err(TokenFault::NoKey) => Ok(check(&token, &self.keys(&document, KEYS_AGAIN).await?, expected)?),
            checked => Ok(checked?),
        }
    }

    async fn keys(&self, document: &IssuerDocument, age: Duration) -> Result<IssuerKeys, OidcFault> {
        let known = self.keys.lock().clone();
        if let Some((_, keys)) = known.filter(|(at, _)| at.elapsed() < age) {
            return Ok(keys);
        }
        let keys: IssuerKeys = self.get(&document.jwks_uri).await?;
        *self.keys.lock() = Some((Instant::now(), keys.clone()));
        Ok(keys)
    }

    /// What is posted for a code: the secret, if there is one, as the issuer takes it.
    fn asked(
        &self,
        document: &IssuerDocument,
        code: &str,
        verifier: &str,
    ) -> Result<(HeaderMap, Bytes), OidcFault> {
        let section = &self.section;
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs([
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &section.redirect_url),
            ("client_id", &section.client_id),
            ("code_verifier", verifier),
        ]);
        let mut headers = headers();
        let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert(header::CONTENT_TYPE, form_type);
        if let Some(secret) = &section.client_secret {
            let methods = &document.token_endpoint_auth_methods_supported;
            let takes = |wanted: &str| methods.iter().any(|method| method == wanted);
            // What the issuer says nothing of is Basic.
            if takes("client_secret_post") && !takes("client_secret_basic") {
                form.append_pair("client_secret", secret.expose());
            } else {
                headers.insert(header::AUTHORIZATION, basic(&section.client_id, secret.expose())?);
            }
        }
        Ok((headers, form.finish().into()))
    }

    /// The id_token for a code (RFC 6749, 4.1.3; RFC 7636, 4.5).
    async fn exchange(
        &self,
        document: &IssuerDocument,
        code: &str,
        verifier: &str,
    ) -> Result<String, OidcFault> {
        let (headers, body) = self.asked(document, code, verifier)?;
        let _turn = self.asking.try_acquire().map_err(|_| OidcFault::Busy)?;
        let answer = self.client.post(&uri(&document.token_endpoint)?, headers, vec![body]).await;
        let answer = answer.map_err(|error| OidcFault::Issuer(error.to_string()))?;
        if !answer.status.is_success() {
            return Err(OidcFault::Issuer(format!(
                "it refused the code with HTTP {}",
                answer.status.as_u16()
            )));
        }
        let read: TokenAnswer = read(&answer.body)?;
        read.id_token.ok_or_else(|| OidcFault::Issuer("its answer has no id_token".to_owned()))
    }

    async fn get<T: DeserializeOwned>(&self, url: &str) -> Result<T, OidcFault> {
        let _turn = self.asking.try_acquire().map_err(|_| OidcFault::Busy)?;
        let answer = self.client.get(&uri(url)?, headers()).await;
        let answer = answer.map_err(|error| OidcFault::Issuer(error.to_string()))?;
        match answer.status.as_u16() {
            200 => read(&answer.body),
            status => Err(OidcFault::Issuer(format!("{url} answers HTTP {status}"))),
        }
    }
}

/// Basic credentials; either part is encoded as in a form (RFC 6749, 2.3.1).
fn basic(name: &str, secret: &str) -> Result<HeaderValue, OidcFault> {
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let shown = BASE64_STANDARD.encode(format!("{}:{}", encoded(name), encoded(secret)));
    let value = HeaderValue::from_str(&format!("Basic {shown}"));
    let mut value = value.map_err(|_| OidcFault::Issuer("the client's secret cannot be sent".to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}

fn headers() -> HeaderMap {
    HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static("application/json"))])
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, OidcFault> {
    serde_json::from_slice(body)
        .map_err(|error| OidcFault::Issuer(format!("its answer cannot be read: {error}")))
}

fn uri(url: &str) -> Result<Uri, OidcFault> {
    let uri: Option<Uri> = url.parse().ok();
    uri.filter(is_safe)
        .ok_or_else(|| OidcFault::Issuer("it names an address that is not over TLS".to_owned()))
}
