//! `GET /api/v1/me`: who the caller is, and what it may do.

use axum::Extension;
use http::Uri;
use posthouse_api::MeView;
use posthouse_core::{
    actor::{Actor, Right},
    provisioning::words::OneOfWords as _,
};

use super::{
    answer::{JsonAnswer, ProblemAnswer},
    query::Parameters,
};

/// Who asks, and what it may do
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/me", tag = "about", operation_id = "get_me",
    responses((status = 200, description = "Whoever shows this token", body = MeView))
))]
pub(super) async fn handle(
    Extension(by): Extension<Actor>,
    uri: Uri,
) -> Result<JsonAnswer<MeView>, ProblemAnswer> {
    Parameters::of(&uri).finish()?;
    Ok(JsonAnswer(MeView {
        rights: Right::ALL
            .iter()
            .filter(|right| by.may(**right))
            .map(|right| right.word().to_owned())
            .collect(),
        account: by.account().map(|account| account.0.clone()),
        role: by.role.to_string(),
        name: by.name,
    }))
}
