//! Users, who sign in at the pages with a password.
//!
//! Nobody chooses a password for somebody else: whoever adds a user, or resets a password, gets a link that is good for ten minutes.

pub mod add;
pub mod list;
pub mod remove;
pub mod reset;
pub mod role;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use posthouse_api::{IssuedLink, ProblemCode, ProblemDetails, UserView};
use posthouse_core::{
    store::Store,
    user::{LINK_TIME, PasswordLink, UserRecord},
};

use super::{VerbError, listed};
use crate::{random, secrets::secret_hash};

/// The page that a link leads to.
pub(super) const PAGE: &str = "/set-password";

/// A new link, and its secret.
async fn new_link(store: &dyn Store, now: Timestamp) -> Result<(PasswordLink, String), VerbError> {
    let bytes = random::bytes::<32>().map_err(|error| {
        tracing::error!(%error, "the system gives no random bytes");
        ProblemDetails::new(ProblemCode::Internal)
    })?;
    let secret = URL_SAFE_NO_PAD.encode(bytes);
    let expires_at = now.checked_add(LINK_TIME).unwrap_or(Timestamp::MAX);
    Ok((PasswordLink { hash: link_hash(store, &secret).await?, expires_at }, secret))
}

/// By what the link of a secret is found.
pub(super) async fn link_hash(store: &dyn Store, secret: &str) -> Result<String, VerbError> {
    Ok(secret_hash(&store.key().await?, "link", secret))
}

/// A user with a link that was just made.
fn issued(user: UserRecord, secret: &str) -> IssuedLink {
    IssuedLink { view: view(user), link: format!("{PAGE}?link={secret}") }
}

fn unknown(name: &str) -> ProblemDetails {
    ProblemDetails::new(ProblemCode::NotFound)
        .detail(format!("there is no user {name:?}"))
        .remedy(listed("users list", "users"))
}

/// As it is shown.
fn view(user: UserRecord) -> UserView {
    UserView {
        name: user.name,
        role: user.role.to_string(),
        has_password: user.password_hash.is_some(),
        link_expires_at: user.link.map(|link| link.expires_at),
        created_at: user.created_at,
        signed_in_at: user.signed_in_at,
    }
}
