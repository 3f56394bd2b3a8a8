//! What the pages work with.

use std::sync::Arc;

use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, StatusCode as HttpStatus};

use super::{ask::Api, oidc::Issuer, topics::LiveTopics};
use crate::admin::state::AdminState;

/// What the pages work with.
pub(in crate::admin) struct PageState {
    pub(super) api: Api,
    pub(super) live: Arc<LiveTopics>,
    pub(super) oidc: Option<Issuer>,
    pub(super) admin: Arc<AdminState>,
}

/// To another page.
pub(in crate::admin) fn see_other(place: &str) -> Response {
    let mut answer = HttpStatus::SEE_OTHER.into_response();
    let place = HeaderValue::from_str(place).unwrap_or_else(|_| HeaderValue::from_static("/"));
    answer.headers_mut().insert(http::header::LOCATION, place);
    answer
}
