//! `GET /api/v1/provisioning/export`: all that is provisioned, as a document that `apply` takes back.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::{HeaderValue, StatusCode as HttpStatus, Uri, header};
use posthouse_core::{
    provisioning,
    store::{ProvisioningStore, StoreResult},
};
use tokio::task::spawn_blocking;

use super::{
    super::{
        AdminState,
        answer::{ProblemAnswer, written},
        query::Parameters,
    },
    TOML, broke,
};
use crate::config::writer;

/// What a document begins with.
const HEADING: &str = "# What is provisioned. { kept = true } stands for what the store keeps and does not show;\n\
                       # posthouse apply leaves it as it is.\n\n";

/// All of provisioning as a document that apply takes back; secrets are kept ones
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/provisioning/export", tag = "provisioning", operation_id = "export_provisioning",
    responses((status = 200, description = "The document; `ETag` is the revision", body = String, content_type = "application/toml"))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    uri: Uri,
) -> Result<Response, ProblemAnswer> {
    Parameters::of(&uri).finish()?;
    let current = state.store.provisioning().await?;
    let revision = current.revision;
    let document = spawn_blocking(move || document(&current)).await.map_err(broke)?;
    let mut answer = written(HttpStatus::OK, TOML, document);
    if let Ok(etag) = HeaderValue::from_str(&format!("\"{revision}\"")) {
        answer.headers_mut().insert(header::ETAG, etag);
    }
    Ok(answer)
}

/// All of it. The same provisioning is the same document, at whatever revision.
///
/// # Errors
/// What the store says.
pub async fn export<S: ProvisioningStore + ?Sized>(store: &S) -> StoreResult<String> {
    Ok(document(&store.provisioning().await?))
}

fn document(current: &provisioning::Provisioning) -> String {
    format!("{HEADING}{}", writer::toml(&provisioning::export::export(current)))
}
