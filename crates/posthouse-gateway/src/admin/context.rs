//! The caller shows a token, which says who it is and what it may do. Which right a verb needs is said in `router.rs`.

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, header};
use jiff::SignedDuration;
use posthouse_api::{ProblemCode, ProblemDetails, REASON_HEADER, USER_HEADER};
use posthouse_core::actor::{Actor, Credential, Right, Role};

use super::{AdminState, answer::of_store, rights::RouteAccess, tokens::is_token};
use crate::{
    http::peer::Peer,
    secrets::{Secret, vasp_hash},
};

/// How often it is noted that a token is used.
const NOTED_EVERY: SignedDuration = SignedDuration::from_mins(1);
/// The principal behind `[admin]` `token`, and behind the token of the run where the caller says nothing else.
const ADMIN: &str = "admin";

/// Lets in a caller that shows a token of the API, and a client certificate where the door asks for those.
///
/// # Errors
/// What is missing.
pub(super) async fn admit(
    state: &AdminState,
    headers: &HeaderMap,
    peer: &Peer,
) -> Result<Actor, ProblemDetails> {
    with_certificate(state, peer)?;
    let address = peer.address.ip().to_canonical();
    let reason = text_of(headers, REASON_HEADER)?.unwrap_or_default();
    let said = |by: Actor| by.with_address(address).because(&reason);
    if let Some(shown) = shown_token(headers).filter(|shown| is_token(shown)) {
        return of_token(state, shown, address).await.map(said);
    }
    let is_admitted = match &state.api_token {
        Some(token) => shows(state, token, headers, address).await,
        None => false,
    };
    if !is_admitted {
        return Err(ProblemDetails::new(ProblemCode::Unauthorized)
            .detail(match shown_token(headers) {
                Some(_) => "the token in Authorization: Bearer is none of this gateway's",
                None => "this needs the header Authorization: Bearer TOKEN",
            })
            .remedy(remedy(state)));
    }
    principal(state, headers).map(said)
}

/// Whose a principal's token is.
async fn of_token(state: &AdminState, shown: &str, address: IpAddr) -> Result<Actor, ProblemDetails> {
    let refused = |detail: &str| {
        ProblemDetails::new(ProblemCode::Unauthorized)
            .detail(detail)
            .remedy("ask for a new one: posthouse tokens add")
    };
    let now = state.clock.now();
    let key = state.store.key().await.map_err(|error| of_store(&error))?;
    let mut found = Ok(None);
    let look = async {
        found = state.store.token(&vasp_hash(&key, shown)).await;
        // A store that does not answer is nobody's mistake.
        !matches!(found, Ok(None))
    };
    let is_known = state.verifier.is_known_token(address, look).await;
    let token = found.map_err(|error| of_store(&error))?.filter(|_| is_known);
    let token =
        token.ok_or_else(|| refused("this token is not known: it was revoked, or is another store's"))?;
    if token.is_expired(now) {
        return Err(refused("this token has expired"));
    }
    let is_noted = token.last_used.is_some_and(|used| now.duration_since(used) < NOTED_EVERY);
    if !is_noted && let Err(error) = state.store.note_token_used(&token.id, now).await {
        tracing::debug!(%error, "it is not noted that a token was used");
    }
    Ok(Actor::new(token.name, token.role, Credential::Token(token.id)))
}

fn principal(state: &AdminState, headers: &HeaderMap) -> Result<Actor, ProblemDetails> {
    if state.token.is_some() {
        return Ok(Actor::new(ADMIN, Role::Admin, Credential::Configured));
    }
    // Who can read the token of the run may write the store itself: it is believed which user it is, as it is there.
    let user = text_of(headers, USER_HEADER)?.filter(|user| !user.is_empty());
    Ok(Actor::new(user.unwrap_or_else(|| ADMIN.to_owned()), Role::Admin, Credential::Run))
}

/// The text of a header, in UTF-8.
fn text_of(headers: &HeaderMap, name: &'static str) -> Result<Option<String>, ProblemDetails> {
    let Some(value) = headers.get(HeaderName::from_static(name)) else { return Ok(None) };
    let text = std::str::from_utf8(value.as_bytes()).map_err(|_| {
        ProblemDetails::new(ProblemCode::Malformed)
            .detail(format!("{name} is no UTF-8"))
            .remedy("send it as UTF-8")
    })?;
    Ok(Some(text.trim().to_owned()))
}

/// Whether this caller may use a verb. `None`: there is no such verb, which the router says.
///
/// # Errors
/// It may not; for a caller that belongs to an account, what is not the account's is not there.
pub(super) fn authorize(by: &Actor, access: Option<RouteAccess>, path: &str) -> Result<(), ProblemDetails> {
    if by.account().is_some() && !access.is_some_and(|access| access.own) {
        return Err(nothing_at(path));
    }
    access.map_or(Ok(()), |access| need(by, access.right))
}

/// Whether this caller has a right.
///
/// # Errors
/// It has not: which right it is, and which role has it.
pub(super) fn need(by: &Actor, right: Right) -> Result<(), ProblemDetails> {
    if by.may(right) {
        return Ok(());
    }
    let Actor { name, role, .. } = by;
    Err(ProblemDetails::new(ProblemCode::Forbidden)
        .detail(format!("this needs the right {right}, and {name} is {role}"))
        .remedy(format!("ask with a token of the role {}", right.held_by()))
        .right(right.to_string()))
}

/// The account that a list keeps to: the caller's own, or else the one that is asked for.
///
/// # Errors
/// Another than its own is asked for, which is not there for this caller.
pub(super) fn confined(
    by: &Actor,
    asked: Option<String>,
    path: &str,
) -> Result<Option<String>, ProblemDetails> {
    match by.account() {
        None => Ok(asked),
        Some(own) if asked.as_ref().is_none_or(|asked| *asked == own.0) => Ok(Some(own.0.clone())),
        Some(_) => Err(nothing_at(path)),
    }
}

/// Whether what is this account's is there for the caller.
pub(super) fn is_there(by: &Actor, account: &str) -> bool {
    by.account().is_none_or(|own| own.0 == account)
}

/// That a path leads nowhere, or not for this caller.
pub(super) fn nothing_at(path: &str) -> ProblemDetails {
    ProblemDetails::new(ProblemCode::NotFound)
        .detail(format!("there is nothing at {path}"))
        .remedy("docs/api.md lists what there is")
}

fn remedy(state: &AdminState) -> &'static str {
    match (&state.token, &state.api_token) {
        (Some(_), _) => "send the token of [admin] token in posthouse.toml",
        (None, Some(_)) => {
            "send what the file beside the database holds whose name ends in .gateway.token, or configure [admin] token"
        }
        (None, None) => "configure [admin] token in posthouse.toml",
    }
}

/// Lets in a caller that shows a client certificate, where the door asks for those.
///
/// # Errors
/// There is none.
pub(super) fn with_certificate(state: &AdminState, peer: &Peer) -> Result<(), ProblemDetails> {
    match lacks_certificate(state, peer) {
        false => Ok(()),
        true => Err(ProblemDetails::new(ProblemCode::CertificateRequired)
            .remedy("connect with a certificate of an authority in [admin] tls client_ca")),
    }
}

/// Whether a client certificate is asked for and was not shown.
pub(super) fn lacks_certificate(state: &AdminState, peer: &Peer) -> bool {
    state.asks_for_certificates && peer.certificate.is_none()
}

/// Whether a token is shown, in a time that tells nothing of it. Wrong ones are counted.
pub(super) async fn shows(state: &AdminState, token: &Secret, headers: &HeaderMap, from: IpAddr) -> bool {
    state.verifier.is_token(token, shown_token(headers), from).await
}

fn shown_token(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "))
}

#[cfg(test)]
mod tests {
    use posthouse_core::account::AccountName;

    use super::*;

    #[test]
    fn what_is_not_allowed_names_the_right_and_what_is_not_ones_own_is_not_there() {
        let may = |role: Role, access| {
            let by = Actor::new("ann", role, Credential::Run);
            authorize(&by, access, "/api/v1/x").map_err(|problem| (problem.status, problem.right))
        };
        let access = |right, own| Some(RouteAccess { right, own });
        let acme = || Role::Vasp(AccountName("acme".into()));
        assert_eq!(may(Role::Viewer, access(Right::Look, false)), Ok(()));
        assert_eq!(may(Role::Support, access(Right::Bulk, false)), Err((403, Some("bulk".into()))));
        assert_eq!(may(Role::Admin, access(Right::Users, false)), Ok(()));
        assert_eq!(may(acme(), access(Right::Look, true)), Ok(()));
        assert_eq!(may(acme(), access(Right::Mend, true)), Err((403, Some("mend".into()))));
        assert_eq!(may(acme(), access(Right::Look, false)), Err((404, None)));
        assert_eq!(may(acme(), None), Err((404, None)));
        assert_eq!(may(Role::Viewer, None), Ok(()), "the router says what is not there");
        let by = Actor::new("ann", Role::Support, Credential::Run);
        assert_eq!(
            need(&by, Right::Provision).unwrap_err().to_string(),
            "this needs the right provision, and ann is support; ask with a token of the role admin"
        );
    }
}
