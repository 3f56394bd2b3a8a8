//! Signing in by OpenID Connect: a browser goes to the issuer and comes back with a code, for which the issuer says who it is (authorization
//! code with PKCE). What has to come back is in a cookie of this host, which lasts ten minutes.

mod fault;
mod id_token;
mod issuer;

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    response::Response,
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderValue, Uri, header};
use jiff::{SignedDuration, Timestamp};
use posthouse_api::ProblemDetails;
use posthouse_core::{
    actor::{MAX_NAME, Role},
    user::{SESSION_IDLE, SessionOrigin},
};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use self::id_token::{Expected, IdClaims};
pub(super) use self::{fault::OidcFault, issuer::Issuer};
use super::{
    PageState,
    ask::query,
    see_other,
    sessions::{self, Beginning, cookie},
    sign_in::{self, field},
    words,
};
use crate::{http::peer::Peer, random};

/// The cookie of a sign-in under way.
const COOKIE: &str = "__Host-posthouse-oidc";
/// How long somebody may take at the issuer.
const LASTS: SignedDuration = SignedDuration::from_mins(10);
/// The longest address that is led back to, in bytes.
const LONGEST_NEXT: usize = 1000;

/// A sign-in under way: what has to come back, and where to go then.
struct Pending {
    state: String,
    nonce: String,
    verifier: String,
    next: String,
}

impl Pending {
    fn new(next: String) -> Result<Self, OidcFault> {
        let text = || match random::bytes::<32>() {
            Ok(bytes) => Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes)),
            Err(error) => {
                tracing::error!(%error, "nobody can be signed in");
                Err(OidcFault::Internal)
            }
        };
        let next = if next.len() > LONGEST_NEXT { "/".to_owned() } else { next };
        Ok(Self { state: text()?, nonce: text()?, verifier: text()?, next })
    }

    /// The `Set-Cookie` of it.
    fn cookie(&self) -> String {
        let Self { state, nonce, verifier, next } = self;
        let value = query([("s", &**state), ("n", nonce), ("v", verifier), ("to", next)]);
        set_cookie(&value, LASTS.as_secs())
    }

    /// The one of this browser.
    fn of(headers: &HeaderMap) -> Option<Self> {
        let value = cookie(headers, COOKIE)?;
        let part = |name| field(value.as_bytes(), name).filter(|text| !text.is_empty());
        Some(Self { state: part("s")?, nonce: part("n")?, verifier: part("v")?, next: part("to")? })
    }
}

fn set_cookie(value: &str, seconds: i64) -> String {
    format!("{COOKIE}={value}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={seconds}")
}

/// To the issuer.
pub(super) async fn begin(State(pages): State<Arc<PageState>>, uri: Uri) -> Response {
    let next = sign_in::place(field(uri.query().unwrap_or_default().as_bytes(), "next"));
    let Some(issuer) = &pages.oidc else { return see_other("/sign-in") };
    match begun(issuer, next.clone()).await {
        Ok((pending, place)) => with_cookies(see_other(&place), [pending.cookie()]),
        Err(fault) => refused(&pages, next, &fault),
    }
}

async fn begun(issuer: &Issuer, next: String) -> Result<(Pending, String), OidcFault> {
    let document = issuer.document().await?;
    let pending = Pending::new(next)?;
    let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&pending.verifier));
    let asked = query([
        ("response_type", "code"),
        ("client_id", &issuer.section.client_id),
        ("redirect_uri", &issuer.section.redirect_url),
        ("scope", &issuer.section.scopes),
        ("state", &pending.state),
        ("nonce", &pending.nonce),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ]);
    let to = document.authorization_endpoint;
    let place = format!("{to}{}{asked}", if to.contains('?') { '&' } else { '?' });
    Ok((pending, place))
}

/// Back from the issuer.
pub(super) async fn callback(State(pages): State<Arc<PageState>>, request: Request) -> Response {
    let Some(issuer) = &pages.oidc else { return see_other("/sign-in") };
    let (head, _) = request.into_parts();
    let pending = Pending::of(&head.headers);
    let next = pending.as_ref().map_or("/", |pending| &*pending.next);
    let next = sign_in::place(Some(next.to_owned()));
    let answer = head.uri.query().unwrap_or_default().as_bytes();
    let peer = head.extensions.get::<Peer>();
    match signed_in(&pages, issuer, pending.as_ref(), answer, peer).await {
        Ok(session) => with_cookies(see_other(&next), [session, set_cookie("", 0)]),
        Err(fault) => {
            let address = peer.map(|peer| peer.address.ip().to_canonical());
            tracing::warn!(address = address.map(tracing::field::display), reason = %fault, "nobody was signed in by the issuer");
            with_cookies(refused(&pages, next, &fault), [set_cookie("", 0)])
        }
    }
}

/// A session for whoever came back: its `Set-Cookie`.
async fn signed_in(
    pages: &PageState,
    issuer: &Issuer,
    pending: Option<&Pending>,
    answer: &[u8],
    peer: Option<&Peer>,
) -> Result<String, OidcFault> {
    let pending = pending.ok_or(OidcFault::Foreign)?;
    let state = field(answer, "state").unwrap_or_default();
    if !bool::from(state.as_bytes().ct_eq(pending.state.as_bytes())) {
        return Err(OidcFault::Foreign);
    }
    if let Some(error) = field(answer, "error") {
        return Err(OidcFault::Denied(error.chars().take(100).collect()));
    }
    let code = field(answer, "code").ok_or(OidcFault::Foreign)?;
    let section = &issuer.section;
    let now = pages.admin.clock.now();
    let expected =
        Expected { issuer: &section.issuer, client_id: &section.client_id, nonce: &pending.nonce, now };
    let claims = issuer.claims((&code, &pending.verifier), &expected).await?;
    let name = name(&claims, &section.name_claim);
    let role = role(&claims.texts(&section.groups_claim), &section.roles);
    let role = role.ok_or_else(|| OidcFault::NoRole(name.clone()))?.clone();
    let address = peer.ok_or(OidcFault::Internal)?.address.ip().to_canonical();
    tracing::info!(%address, name, %role, "signed in");
    let subject = claims.text("sub").unwrap_or_default().chars().take(255).collect();
    let beginning = Beginning {
        name,
        role,
        origin: SessionOrigin::Oidc(subject),
        // Whoever is in the group no more is told so by then.
        expires_at: Some(over(now)),
    };
    let begun = sessions::begin(&pages.admin, beginning, address).await;
    begun.map_err(|problem| of_problem(&problem))?.ok_or(OidcFault::Internal)
}

fn over(now: Timestamp) -> Timestamp {
    now.checked_add(SESSION_IDLE).unwrap_or(Timestamp::MAX)
}

fn of_problem(problem: &ProblemDetails) -> OidcFault {
    match problem.status == 503 {
        true => OidcFault::Busy,
        false => OidcFault::Internal,
    }
}

/// What somebody is called, in the letters of a principal's name.
fn name(claims: &IdClaims, claim: &str) -> String {
    let known = [claim, "email", "sub"].into_iter().find_map(|claim| claims.text(claim));
    let plain = |c: char| if c.is_ascii_alphanumeric() || "._@-".contains(c) { c } else { '_' };
    known.unwrap_or("somebody").chars().take(MAX_NAME).map(plain).collect()
}

/// The highest role of these groups. One of an account is the lowest of all: it sees the least.
fn role<'r>(groups: &[&str], roles: &'r [(String, Role)]) -> Option<&'r Role> {
    let rank = |role: &Role| match role {
        Role::Vasp(_) => 0,
        Role::Viewer => 1,
        Role::Support => 2,
        Role::Operator => 3,
        Role::Admin => 4,
    };
    let held = roles.iter().filter(|(group, _)| groups.contains(&&**group)).map(|(_, role)| role);
    // Of two accounts' the first counts.
    held.rev().max_by_key(|role| rank(role))
}

fn refused(pages: &PageState, next: String, fault: &OidcFault) -> Response {
    sign_in::refused(pages, fault.status(), next, words::of_oidc(fault))
}

/// The same answer, which sets these cookies.
fn with_cookies(mut answer: Response, cookies: impl IntoIterator<Item = String>) -> Response {
    let values = cookies.into_iter().filter_map(|cookie| HeaderValue::from_str(&cookie).ok());
    values.for_each(|value| {
        answer.headers_mut().append(header::SET_COOKIE, value);
    });
    answer
}

#[cfg(test)]
mod tests {
    use posthouse_core::account::AccountName;

    use super::*;

    #[test]
    fn the_highest_role_counts_and_no_group_is_none() {
        let acme = || Role::Vasp(AccountName("acme".into()));
        let roles = [
            ("readers".to_owned(), Role::Viewer),
            ("admins".to_owned(), Role::Admin),
            ("acme".to_owned(), acme()),
            ("globex".to_owned(), Role::Vasp(AccountName("globex".into()))),
        ];
        assert_eq!(role(&["readers", "admins", "x"], &roles), Some(&Role::Admin));
        assert_eq!(role(&["acme", "readers"], &roles), Some(&Role::Viewer));
        assert_eq!(role(&["globex", "acme"], &roles), Some(&acme()));
        assert_eq!(role(&["Admins"], &roles), None);
        assert_eq!(role(&[], &roles), None);
    }

    #[test]
    fn what_has_to_come_back_is_in_the_cookie() {
        let pending = Pending::new("/messages?state=Parked&to=1".to_owned()).unwrap();
        let set = pending.cookie();
        assert!(set.ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=600"), "{set}");
        let shown = set.split(';').next().unwrap();
        let headers = HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_str(shown).unwrap())]);
        let read = Pending::of(&headers).unwrap();
        assert_eq!(
            (&read.state, &read.nonce, &read.verifier),
            (&pending.state, &pending.nonce, &pending.verifier)
        );
        assert_eq!(read.next, "/messages?state=Parked&to=1");
        assert_eq!(pending.verifier.len(), 43);
        assert!(Pending::of(&HeaderMap::new()).is_none());
        let far = Pending::new(format!("/{}", "x".repeat(2000))).unwrap();
        assert_eq!(far.next, "/");
    }
}
