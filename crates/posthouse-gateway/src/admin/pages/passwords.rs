//! Setting a password by the link that a new user was given.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Request, State},
    response::Response,
};
use http::StatusCode as HttpStatus;
use posthouse_api::{ProblemCode, ProblemDetails};
use posthouse_core::{
    actor::{Actor, Credential},
    user::{SessionOrigin, UserRecord, password_fault},
};
use tokio::task::spawn_blocking;

use super::{
    super::{AdminState, VerbError, answer::of_store, body, users::link_hash},
    PageState,
    frame::{Frame, html, ok},
    see_other,
    sessions::{self, Beginning},
    sign_in::{field, with_cookie},
    words,
};
use crate::{http::peer::Peer, secrets::hash_password};

#[derive(Template)]
#[template(path = "set_password.html")]
struct SetPasswordPage {
    frame: Frame,
    link: String,
    name: String,
    fault: Option<&'static str>,
}

/// Where a password is set.
const PLACE: &str = "/set-password";

pub(super) async fn form(State(pages): State<Arc<PageState>>, request: Request) -> Response {
    let link = field(request.uri().query().unwrap_or_default().as_bytes(), "link").unwrap_or_default();
    match user_of(&pages.admin, request.extensions().get::<Peer>(), &link).await {
        Ok(user) => ok(&SetPasswordPage { frame: Frame::public(PLACE), link, name: user.name, fault: None }),
        Err(problem) => Frame::public(PLACE).trouble(&problem),
    }
}

pub(super) async fn set(State(pages): State<Arc<PageState>>, request: Request) -> Response {
    let (head, whole) = request.into_parts();
    let form = body::bytes(whole).await;
    let text = |name| field(&form, name).unwrap_or_default();
    let (link, password) = (text("link"), text("password"));
    let peer = head.extensions.get::<Peer>();
    let user = match user_of(&pages.admin, peer, &link).await {
        Ok(user) => user,
        Err(problem) => return Frame::public(PLACE).trouble(&problem),
    };
    let fault = match password == text("again") {
        true => password_fault(&password),
        false => Some(words::NOT_THE_SAME),
    };
    if fault.is_some() {
        let page = SetPasswordPage { frame: Frame::public(PLACE), link, name: user.name, fault };
        return html(HttpStatus::BAD_REQUEST, &page);
    }
    match carried_out(&pages.admin, peer, user, &link, password).await {
        Ok(cookie) => with_cookie(see_other("/"), &cookie),
        Err(problem) => Frame::public(PLACE).trouble(&problem),
    }
}

/// Whose link this is. Wrong ones are counted as wrong tokens are.
async fn user_of(admin: &AdminState, peer: Option<&Peer>, link: &str) -> Result<UserRecord, ProblemDetails> {
    let peer = peer.ok_or_else(|| ProblemDetails::new(ProblemCode::Internal))?;
    let hash = hash_of(admin, link).await?;
    let mut found = Ok(None);
    let look = async {
        found = admin.store.user_of_link(&hash).await;
        // A store that does not answer is nobody's mistake.
        !matches!(found, Ok(None))
    };
    let is_known = admin.verifier.is_known_token(peer.address.ip().to_canonical(), look).await;
    let user = found.map_err(|error| of_store(&error))?.filter(|_| is_known);
    let now = admin.clock.now();
    let is_good = |user: &UserRecord| user.link.as_ref().is_some_and(|link| !link.is_expired(now));
    user.filter(is_good).ok_or_else(words::link_is_over)
}

async fn carried_out(
    admin: &AdminState,
    peer: Option<&Peer>,
    user: UserRecord,
    link: &str,
    password: String,
) -> Result<String, ProblemDetails> {
    let internal = || ProblemDetails::new(ProblemCode::Internal);
    let address = peer.ok_or_else(internal)?.address.ip().to_canonical();
    let hashed = spawn_blocking(move || hash_password(&password)).await.map_err(|_| internal())?;
    let password_hash = hashed.map_err(|error| {
        tracing::error!(%error, "a password cannot be set");
        internal()
    })?;
    let UserRecord { name, role, .. } = user;
    let by = Actor::new(name.clone(), role.clone(), Credential::Link).with_address(address);
    let (hash, now) = (hash_of(admin, link).await?, admin.clock.now());
    let is_set = admin.store.set_password(&hash, &password_hash, &by, now).await;
    if !is_set.map_err(|error| of_store(&error))? {
        return Err(words::link_is_over());
    }
    tracing::info!(%address, name, "a password was set");
    let origin = SessionOrigin::User(name.clone());
    let beginning = Beginning { name, role, origin, expires_at: None };
    sessions::begin(admin, beginning, address).await?.ok_or_else(words::link_is_over)
}

async fn hash_of(admin: &AdminState, link: &str) -> Result<String, ProblemDetails> {
    link_hash(&*admin.store, link).await.map_err(|error| match error {
        VerbError::Refused(problem) => problem,
        VerbError::Store(error) => of_store(&error),
    })
}
