//! Who is signed in: a random name in a cookie, of which the store keeps a hash. A session lasts as long as it is used, and no longer than
//! what it was begun with.

use std::{convert::Infallible, net::IpAddr, sync::Arc};

use axum::{extract::FromRequestParts, response::Response};
use http::{HeaderMap, header, request::Parts};
use jiff::{SignedDuration, Timestamp};
use posthouse_api::{ProblemCode, ProblemDetails};
use posthouse_core::{
    actor::{Actor, Credential, Role},
    user::{SESSION_IDLE, SessionOrigin, SessionRecord},
};

use super::{
    super::{AdminState, answer::of_store, rights::Rights},
    PageState,
    ask::query,
    see_other,
};
use crate::{random, secrets::secret_hash};

/// The cookie. Its prefix makes browsers take it only with `Secure`, for `/`, and for this host alone.
const COOKIE: &str = "__Host-posthouse";
/// How often it is noted that a session is used.
const NOTED_EVERY: SignedDuration = SignedDuration::from_mins(1);
/// How much of its hash a session is called by, in digits.
const ID: usize = 10;

/// Who begins a session, and with what.
pub(super) struct Beginning {
    pub name: String,
    pub role: Role,
    pub origin: SessionOrigin,
    /// From when on it is over in any case.
    pub expires_at: Option<Timestamp>,
}

/// Begins a session, from this address: the `Set-Cookie` of it. `None`: what it is to begin with is over by now.
///
/// # Errors
/// The store does not keep it, or the system has no randomness.
pub(super) async fn begin(
    admin: &AdminState,
    beginning: Beginning,
    address: IpAddr,
) -> Result<Option<String>, ProblemDetails> {
    let Beginning { name, role, origin, expires_at } = beginning;
    let value = blake3::Hash::from_bytes(random::bytes::<32>().map_err(|error| {
        tracing::error!(%error, "no session can be begun");
        ProblemDetails::new(ProblemCode::Internal)
    })?);
    let value = value.to_hex();
    let (hash, now) = (hash(admin, &value).await?, admin.clock.now());
    let id: String = hash.chars().take(ID).collect();
    let by = Actor::new(name.clone(), role.clone(), Credential::Session(id.clone())).with_address(address);
    let session = SessionRecord {
        id,
        hash,
        name,
        role,
        origin,
        address: Some(address.to_string()),
        begun_at: now,
        used_at: now,
        expires_at,
    };
    let is_begun = admin.store.begin_session(&session, &by, now).await.map_err(|error| of_store(&error))?;
    let cookie = format!(
        "{COOKIE}={value}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={}",
        SESSION_IDLE.as_secs()
    );
    Ok(is_begun.then_some(cookie))
}

/// Ends the session of this visitor: the `Set-Cookie` that forgets it.
///
/// # Errors
/// The store does not forget it.
pub(super) async fn end(admin: &AdminState, visitor: &Visitor) -> Result<String, ProblemDetails> {
    if let Some(by) = &visitor.actor
        && let Credential::Session(id) = &by.credential
    {
        admin.store.end_session(id, by, admin.clock.now()).await.map_err(|error| of_store(&error))?;
    }
    Ok(format!("{COOKIE}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0"))
}

/// The session that a request shows, which is not over. That it is used is not noted.
///
/// # Errors
/// The store cannot tell.
pub(super) async fn known(
    admin: &AdminState,
    headers: &HeaderMap,
) -> Result<Option<SessionRecord>, ProblemDetails> {
    let Some(value) = cookie(headers, COOKIE) else { return Ok(None) };
    let hash = hash(admin, value).await?;
    let session = admin.store.session(&hash).await.map_err(|error| of_store(&error))?;
    let Some(session) = session.filter(|session| !session.is_over(admin.clock.now())) else {
        return Ok(None);
    };
    let is_founded = match &session.origin {
        SessionOrigin::Admin(hash) => admin_hash(admin).await?.as_ref() == Some(hash),
        SessionOrigin::Oidc(_) => admin.oidc.is_some(),
        SessionOrigin::User(_) | SessionOrigin::Token(_) => true,
    };
    Ok(is_founded.then_some(session))
}

/// Who makes a request, from this address.
///
/// # Errors
/// The store cannot tell.
pub(super) async fn visitor(
    admin: &AdminState,
    headers: &HeaderMap,
    address: IpAddr,
) -> Result<Visitor, ProblemDetails> {
    let Some(session) = known(admin, headers).await? else { return Ok(Visitor::default()) };
    let now = admin.clock.now();
    let is_noted = now.duration_since(session.used_at) < NOTED_EVERY;
    if !is_noted && let Err(error) = admin.store.note_session_used(&session.id, now).await {
        tracing::debug!(%error, "it is not noted that a session was used");
    }
    let actor = Actor::new(session.name, session.role, Credential::Session(session.id));
    Ok(Visitor { actor: Some(actor.with_address(address)), rights: None })
}

/// What a session is kept with that the token of `[admin]`, or of the run, begins: it ends when that is another one.
///
/// # Errors
/// The store cannot tell.
pub(super) async fn admin_hash(admin: &AdminState) -> Result<Option<String>, ProblemDetails> {
    let Some(token) = &admin.api_token else { return Ok(None) };
    let key = admin.store.key().await.map_err(|error| of_store(&error))?;
    Ok(Some(secret_hash(&key, "admin", token.expose())))
}

/// The value of a cookie.
pub(super) fn cookie<'h>(headers: &'h HeaderMap, wanted: &str) -> Option<&'h str> {
    let pairs = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = pairs.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == wanted).map(|(_, value)| value)
}

async fn hash(admin: &AdminState, value: &str) -> Result<String, ProblemDetails> {
    let key = admin.store.key().await.map_err(|error| of_store(&error))?;
    Ok(secret_hash(&key, "session", value))
}

/// Who looks at a page.
#[derive(Clone, Default)]
pub(super) struct Visitor {
    /// `None`: nobody that signed in.
    pub actor: Option<Actor>,
    /// What each verb of the API asks for: the menu leads only where it would not be refused.
    pub rights: Option<Arc<Rights>>,
}

impl FromRequestParts<std::sync::Arc<PageState>> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        _: &std::sync::Arc<PageState>,
    ) -> Result<Self, Self::Rejection> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}

/// Somebody who signed in; anybody else is sent to do so, and back again.
pub(super) struct SignedIn {
    /// Who it is.
    pub actor: Actor,
    /// The same, as any page takes it.
    pub visitor: Visitor,
}

impl FromRequestParts<std::sync::Arc<PageState>> for SignedIn {
    type Rejection = Response;

    async fn from_request_parts(
        parts: &mut Parts,
        _: &std::sync::Arc<PageState>,
    ) -> Result<Self, Self::Rejection> {
        let visitor = parts.extensions.get::<Visitor>().cloned().unwrap_or_default();
        match visitor.actor.clone() {
            Some(actor) => Ok(Self { actor, visitor }),
            None => {
                let here = parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
                Err(see_other(&format!("/sign-in?{}", query([("next", here)]))))
            }
        }
    }
}
