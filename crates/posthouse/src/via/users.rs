//! Users of the pages, and who is signed in.

use jiff::Timestamp;
use posthouse_api::{
    IssuedLink, MAX_PAGE, RoleRequest, SessionEnded, SessionView, UserRemoved, UserRequest, UserView,
};
use posthouse_core::user::{MOST_SESSIONS, MOST_USERS};
use posthouse_gateway::admin::{sessions, users};

use super::{Via, of_verb, told};

impl Via {
    /// The users, by name.
    ///
    /// # Errors
    /// What the gateway or the store says; so it is with all that follow.
    pub async fn users(&self) -> anyhow::Result<Vec<UserView>> {
        let (mut all, mut after): (Vec<UserView>, Option<String>) = (Vec::new(), None);
        loop {
            let page = match self {
                Self::Gateway(api) => api.users(after.as_deref(), MAX_PAGE).await.map_err(told)?,
                Self::Store(store, _) => {
                    users::list::list(&**store, after.as_deref(), MAX_PAGE.into()).await?
                }
            };
            all.extend(page.items);
            after = page.next;
            if after.is_none() || all.len() >= MOST_USERS {
                return Ok(all);
            }
        }
    }

    /// Adds a user.
    ///
    /// # Errors
    /// As above.
    pub async fn add_user(&self, request: &UserRequest) -> anyhow::Result<IssuedLink> {
        match self {
            Self::Gateway(api) => api.add_user(request).await.map_err(told),
            Self::Store(store, by) => of_verb(users::add::add(&**store, request, by, Timestamp::now()).await),
        }
    }

    /// Gives a user another role.
    ///
    /// # Errors
    /// As above.
    pub async fn set_role(&self, name: &str, request: &RoleRequest) -> anyhow::Result<UserView> {
        match self {
            Self::Gateway(api) => api.set_role(name, request).await.map_err(told),
            Self::Store(store, by) => {
                of_verb(users::role::set_role(&**store, name, request, by, Timestamp::now()).await)
            }
        }
    }

    /// Ends a user's password.
    ///
    /// # Errors
    /// As above.
    pub async fn reset_password(&self, name: &str) -> anyhow::Result<IssuedLink> {
        match self {
            Self::Gateway(api) => api.reset_password(name).await.map_err(told),
            Self::Store(store, by) => {
                of_verb(users::reset::reset(&**store, name, by, Timestamp::now()).await)
            }
        }
    }

    /// Removes a user.
    ///
    /// # Errors
    /// As above.
    pub async fn remove_user(&self, name: &str) -> anyhow::Result<UserRemoved> {
        match self {
            Self::Gateway(api) => api.remove_user(name).await.map_err(told),
            Self::Store(store, by) => {
                of_verb(users::remove::remove(&**store, name, by, Timestamp::now()).await)
            }
        }
    }

    /// Who is signed in.
    ///
    /// # Errors
    /// As above.
    pub async fn sessions(&self) -> anyhow::Result<Vec<SessionView>> {
        let (mut all, mut after): (Vec<SessionView>, Option<String>) = (Vec::new(), None);
        loop {
            let page = match self {
                Self::Gateway(api) => api.sessions(after.as_deref(), MAX_PAGE).await.map_err(told)?,
                Self::Store(store, _) => {
                    sessions::list::list(&**store, after.as_deref(), MAX_PAGE.into(), Timestamp::now())
                        .await?
                }
            };
            all.extend(page.items);
            after = page.next;
            if after.is_none() || all.len() >= MOST_SESSIONS {
                return Ok(all);
            }
        }
    }

    /// Ends a session.
    ///
    /// # Errors
    /// As above.
    pub async fn end_session(&self, id: &str) -> anyhow::Result<SessionEnded> {
        match self {
            Self::Gateway(api) => api.end_session(id).await.map_err(told),
            Self::Store(store, by) => of_verb(sessions::end::end(&**store, id, by, Timestamp::now()).await),
        }
    }
}
