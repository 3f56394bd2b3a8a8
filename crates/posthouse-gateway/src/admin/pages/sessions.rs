//! Who is signed in: a random name in a cookie, of which only a hash is kept, here and for as long as the process lives.

use std::{collections::HashMap, convert::Infallible, net::IpAddr, sync::Arc};

use axum::{extract::FromRequestParts, response::Response};
use http::{HeaderMap, header, request::Parts};
use jiff::{SignedDuration, Timestamp};
use posthouse_core::{actor::Actor, lock::Mutex};

use super::{super::router::Rights, PageState, ask::query, see_other};
use crate::random;

/// The cookie. Its prefix makes browsers take it only with `Secure`, for `/`, and for this host alone.
const COOKIE: &str = "__Host-posthouse";
/// How long a session lasts that nobody uses.
const IDLE: SignedDuration = SignedDuration::from_hours(8);
/// How many sessions there may be; the one that was not used for longest goes.
const MOST: usize = 1_000;

/// Sessions by the hash of their names.
#[derive(Default)]
pub(super) struct Sessions(Mutex<HashMap<[u8; 32], Session>>);

struct Session {
    actor: Actor,
    used_at: Timestamp,
}

impl Sessions {
    /// Begins one: the `Set-Cookie` of it.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn begin(&self, actor: Actor, now: Timestamp) -> Result<String, getrandom::Error> {
        let name = blake3::Hash::from_bytes(random::bytes::<32>()?).to_hex();
        let mut all = self.0.lock();
        all.retain(|_, session| now.duration_since(session.used_at) < IDLE);
        if all.len() >= MOST
            && let Some(oldest) = all.iter().min_by_key(|(_, session)| session.used_at).map(|(hash, _)| *hash)
        {
            all.remove(&oldest);
        }
        all.insert(hash(&name), Session { actor, used_at: now });
        Ok(format!("{COOKIE}={name}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={}", IDLE.as_secs()))
    }

    /// Ends the one of this request: the `Set-Cookie` that forgets it.
    pub fn end(&self, headers: &HeaderMap) -> String {
        if let Some(name) = name(headers) {
            self.0.lock().remove(&hash(name));
        }
        format!("{COOKIE}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0")
    }

    /// Who makes a request, from this address.
    pub fn visitor(&self, headers: &HeaderMap, address: IpAddr, now: Timestamp) -> Visitor {
        let actor = name(headers).and_then(|name| self.used(&hash(name), now));
        Visitor { actor: actor.map(|actor| actor.with_address(address)), rights: None }
    }

    fn used(&self, hash: &[u8; 32], now: Timestamp) -> Option<Actor> {
        let mut all = self.0.lock();
        let session = all.get_mut(hash)?;
        if now.duration_since(session.used_at) >= IDLE {
            all.remove(hash);
            return None;
        }
        session.used_at = session.used_at.max(now);
        Some(session.actor.clone())
    }
}

fn name(headers: &HeaderMap) -> Option<&str> {
    let pairs = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = pairs.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, value)| value)
}

fn hash(name: &str) -> [u8; 32] {
    *blake3::hash(name.as_bytes()).as_bytes()
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

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use posthouse_core::actor::{Credential, Role};

    use super::*;

    fn cookie(set: &str) -> HeaderMap {
        let pair = set.split(';').next().unwrap();
        HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_str(&format!("other=1; {pair}")).unwrap())])
    }

    #[test]
    fn a_session_ends_when_it_is_not_used_for_eight_hours_or_is_signed_out() {
        let sessions = Sessions::default();
        let begin = Timestamp::UNIX_EPOCH;
        let hours = |hours| begin + SignedDuration::from_hours(hours);
        let set = sessions.begin(Actor::new("ann", Role::Support, Credential::Run), begin).unwrap();
        assert!(set.ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=28800"), "{set}");
        let here = IpAddr::from([127, 0, 0, 1]);
        let who =
            |at| sessions.visitor(&cookie(&set), here, at).actor.map(|actor| (actor.name, actor.address));
        assert_eq!(who(hours(7)), Some(("ann".to_owned(), Some(here))));
        assert_eq!(who(hours(14)), Some(("ann".to_owned(), Some(here))), "used within the time");
        assert_eq!(who(hours(22)), None);
        let set = sessions.begin(Actor::new("ann", Role::Support, Credential::Run), begin).unwrap();
        sessions.end(&cookie(&set));
        assert!(sessions.visitor(&cookie(&set), here, begin).actor.is_none());
        assert!(sessions.visitor(&HeaderMap::new(), here, begin).actor.is_none());
    }

    #[test]
    fn there_is_a_bound_and_the_one_unused_for_longest_goes() {
        let sessions = Sessions::default();
        let at = |second| Timestamp::UNIX_EPOCH + SignedDuration::from_secs(second);
        let begin = |second: i64| {
            sessions.begin(Actor::new(second.to_string(), Role::Viewer, Credential::Run), at(second)).unwrap()
        };
        let [first, second] = [begin(0), begin(1)];
        for second in 2..=1_000 {
            begin(second);
        }
        let here = IpAddr::from([127, 0, 0, 1]);
        assert!(sessions.visitor(&cookie(&first), here, at(1_001)).actor.is_none());
        assert!(sessions.visitor(&cookie(&second), here, at(1_001)).actor.is_some());
    }
}
