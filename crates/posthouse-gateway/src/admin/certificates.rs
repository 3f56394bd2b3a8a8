//! `GET /api/v1/certificates`: the certificates that the gateway shows, and until when they are good.

use std::sync::Arc;

use axum::extract::State;
use http::Uri;
use posthouse_api::{CertificateView, PageOf};
use posthouse_core::{expiry::CertificateEnd, provisioning::words::OneOfWords as _};

use super::{
    AdminState,
    answer::{JsonAnswer, ProblemAnswer},
    query::Parameters,
};
use crate::tls::ends;

/// The certificates that the gateway shows at its doors and to peers, and until when they are good
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/certificates", tag = "certificates", operation_id = "list_certificates",
    responses((status = 200, description = "All of them", body = PageOf<CertificateView>))
))]
pub(super) async fn handle(
    State(state): State<Arc<AdminState>>,
    uri: Uri,
) -> Result<JsonAnswer<PageOf<CertificateView>>, ProblemAnswer> {
    Parameters::of(&uri).finish()?;
    let now = state.clock.now();
    let view = |end: CertificateEnd| CertificateView {
        says: end.says(now),
        side: end.side.word().to_owned(),
        name: end.name,
        expires_at: end.expires,
    };
    Ok(JsonAnswer(PageOf {
        items: ends::all(&state.metrics, &state.snapshot.get()).into_iter().map(view).collect(),
        next: None,
    }))
}
