//! Users of the pages, and who is signed in.

use http::Method;
use serde::de::DeserializeOwned;

use super::{ApiClient, ApiError, Nothing, paged, segment};
use crate::{
    BASE, IssuedLink, PageOf, RoleRequest, SessionEnded, SessionView, UserRemoved, UserRequest, UserView,
};

impl ApiClient {
    /// A page of users, by name.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn users(&self, cursor: Option<&str>, limit: u16) -> Result<PageOf<UserView>, ApiError> {
        self.get("/users", &paged(cursor, limit)).await
    }

    /// Adds a user: the link by which a password is set.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn add_user(&self, request: &UserRequest) -> Result<IssuedLink, ApiError> {
        self.post("/users", request).await
    }

    /// Gives a user another role.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn set_role(&self, name: &str, request: &RoleRequest) -> Result<UserView, ApiError> {
        // Types of this crate always can be written.
        let body = serde_json::to_vec(request).unwrap_or_default();
        let path = format!("/users/{}", segment(name));
        let answer = self.exchange(Method::PATCH, &format!("{BASE}{path}"), Some(body.into())).await?;
        self.read(&path, &answer)
    }

    /// Ends a user's password: the link by which another one is set.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn reset_password(&self, name: &str) -> Result<IssuedLink, ApiError> {
        self.post(&format!("/users/{}/reset", segment(name)), &Nothing {}).await
    }

    /// Removes a user.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn remove_user(&self, name: &str) -> Result<UserRemoved, ApiError> {
        self.delete(&format!("/users/{}", segment(name))).await
    }

    /// A page of sessions, by id.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn sessions(&self, cursor: Option<&str>, limit: u16) -> Result<PageOf<SessionView>, ApiError> {
        self.get("/sessions", &paged(cursor, limit)).await
    }

    /// Ends a session.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn end_session(&self, id: &str) -> Result<SessionEnded, ApiError> {
        self.delete(&format!("/sessions/{}", segment(id))).await
    }

    async fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T, ApiError> {
        let answer = self.exchange(Method::DELETE, &format!("{BASE}{path}"), None).await?;
        self.read(path, &answer)
    }
}
