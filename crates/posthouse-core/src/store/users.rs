//! Users, and sessions of whoever is signed in.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreResult;
use crate::{
    actor::Actor,
    user::{SessionRecord, UserChange, UserRecord},
};

/// Keeps users and sessions. A [visitor](super#who-may-do-what) may do all of it. See the [module](super) for what every operation
/// keeps, and for the errors that each may have.
///
/// Each change has its row of [audit](crate::audit). A session ends with what it was begun with: that of a user when the user's role or
/// password changes or the user is removed, that of a token when the token is [revoked](super::TokenStore::revoke_token).
#[async_trait]
pub trait UserStore: Send + Sync + 'static {
    /// Adds a user. `false`: there are [`MOST_USERS`](crate::user::MOST_USERS) already, or one of this name; nothing was changed then.
    ///
    /// # Errors
    /// Those of every operation that writes.
    async fn add_user(&self, user: &UserRecord, by: &Actor, now: Timestamp) -> StoreResult<bool>;

    /// Changes a user; what it is afterwards. `None`: there is none of this name.
    ///
    /// # Errors
    /// Those of every operation that writes.
    async fn change_user(
        &self,
        name: &str,
        change: &UserChange,
        by: &Actor,
        now: Timestamp,
    ) -> StoreResult<Option<UserRecord>>;

    /// Removes a user. `false`: there is none of this name.
    ///
    /// # Errors
    /// Those of every operation that writes.
    async fn remove_user(&self, name: &str, by: &Actor, now: Timestamp) -> StoreResult<bool>;

    /// Users by name, those behind `after`, at most `limit`.
    ///
    /// # Errors
    /// Those of every operation that reads.
    async fn users(&self, after: Option<&str>, limit: usize) -> StoreResult<Vec<UserRecord>>;

    /// The user of this name.
    ///
    /// # Errors
    /// Those of every operation that reads.
    async fn user(&self, name: &str) -> StoreResult<Option<UserRecord>>;

    /// The user whose link has this hash, also if it has expired.
    ///
    /// # Errors
    /// Those of every operation that reads.
    async fn user_of_link(&self, hash: &str) -> StoreResult<Option<UserRecord>>;

    /// Sets the password of the user whose link has this hash; the link is used up by it. `by` is the user. `false`: there is no such
    /// link, or it has expired by `now`; nothing was changed then.
    ///
    /// # Errors
    /// Those of every operation that writes.
    async fn set_password(
        &self,
        link_hash: &str,
        password_hash: &str,
        by: &Actor,
        now: Timestamp,
    ) -> StoreResult<bool>;

    /// Begins a session, and notes of a user that it signed in. Sessions that are over go; of
    /// [`MOST_SESSIONS`](crate::user::MOST_SESSIONS) the one that was not used for longest does, too. `false`: what it was begun with is
    /// not there any more, or is of another role or without a password; nothing was changed then.
    ///
    /// # Errors
    /// Those of every operation that writes.
    async fn begin_session(&self, session: &SessionRecord, by: &Actor, now: Timestamp) -> StoreResult<bool>;

    /// The session of this hash, also if it is over.
    ///
    /// # Errors
    /// Those of every operation that reads.
    async fn session(&self, hash: &str) -> StoreResult<Option<SessionRecord>>;

    /// Sessions by id, those behind `after`, at most `limit`; also those that are over.
    ///
    /// # Errors
    /// Those of every operation that reads.
    async fn sessions(&self, after: Option<&str>, limit: usize) -> StoreResult<Vec<SessionRecord>>;

    /// Notes that a session was used, unless it is noted of a later time. One that is gone by now is no error.
    ///
    /// # Errors
    /// Those of every operation that writes.
    async fn note_session_used(&self, id: &str, now: Timestamp) -> StoreResult<()>;

    /// Ends a session at once. `false`: there is none of this id.
    ///
    /// # Errors
    /// Those of every operation that writes.
    async fn end_session(&self, id: &str, by: &Actor, now: Timestamp) -> StoreResult<bool>;
}
