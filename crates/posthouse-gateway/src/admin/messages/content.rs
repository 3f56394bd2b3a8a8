//! The content of a message, for those who may see it: `GET /api/v1/messages/{id}/preview`, what a handset would show of it, and
//! `GET /api/v1/messages/{id}/parts/{number}`, the bytes of one part.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, State},
    response::Response,
};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Uri, header};
use mm7::{mime::Media, sniff::ending};
use posthouse_api::{BASE, PreviewPart, PreviewView, ProblemCode, ProblemDetails, SlideView};
use posthouse_core::{
    Id,
    actor::Actor,
    audit::{AuditEntry, AuditVerb},
    message::StoredPart,
    preview::{Preview, SeenPart, ShownKind},
    store::{Store, StoreError},
};

use super::{
    super::{
        AdminState, VerbError,
        answer::{JsonAnswer, ProblemAnswer},
        context::is_there,
        query::Parameters,
    },
    id_of, no_message,
};

/// What a part's bytes may do in a browser that opens them by themselves: nothing.
const POLICY: &str = "default-src 'none'; sandbox";

/// What a handset would show of a message
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/messages/{id}/preview", tag = "messages", operation_id = "preview_message",
    params(("id" = String, Path, description = "The MessageID")),
    responses((status = 200, description = "Its slides, and what none of them shows", body = PreviewView))
))]
pub(in super::super) async fn handle(
    State(state): State<Arc<AdminState>>,
    Path(id): Path<String>,
    Extension(by): Extension<Actor>,
    uri: Uri,
) -> Result<JsonAnswer<PreviewView>, ProblemAnswer> {
    Parameters::of(&uri).finish()?;
    let (subject, media) = content(&state, &id, &by).await?;
    note(&state, &by, &uri).await?;
    Ok(JsonAnswer(preview(subject, media).await?))
}

/// The bytes of one part
///
/// Their type is what they are, and not what was said of them; what is no picture is to be saved, and not to be opened.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/messages/{id}/parts/{number}", tag = "messages", operation_id = "get_part",
    params(
        ("id" = String, Path, description = "The MessageID"),
        ("number" = u32, Path, description = "The part's number, from 1")),
    responses((status = 200, description = "The bytes", body = Vec<u8>, content_type = "application/octet-stream"))
))]
pub(in super::super) async fn handle_part(
    State(state): State<Arc<AdminState>>,
    Path((id, number)): Path<(String, String)>,
    Extension(by): Extension<Actor>,
    uri: Uri,
) -> Result<Response, ProblemAnswer> {
    Parameters::of(&uri).finish()?;
    let (_, media) = content(&state, &id, &by).await?;
    let wanted: Option<usize> = number.parse().ok().filter(|number| *number > 0);
    let part = wanted.and_then(|number| media.into_iter().nth(number - 1)).ok_or_else(|| {
        ProblemDetails::new(ProblemCode::NotFound)
            .detail(format!("message {id} has no part {number}"))
            .remedy(format!("GET {BASE}/messages/{id}/preview says which parts it has"))
    })?;
    note(&state, &by, &uri).await?;
    Ok(bytes_of(part))
}

/// Subject and content of a message that is there for the caller.
async fn content(
    state: &AdminState,
    id: &str,
    by: &Actor,
) -> Result<(Option<String>, Vec<Media>), VerbError> {
    let id = id_of(id)?;
    let message = state.store.message(id).await?;
    let message = message.filter(|message| is_there(by, &message.account.0)).ok_or_else(|| no_message(id))?;
    let parts = &message.submission.parts;
    Ok((message.submission.subject.clone(), media_of(&*state.store, id, parts).await?))
}

/// Parts with their bytes; none once retention took them.
///
/// # Errors
/// What the store says.
pub(in super::super) async fn media_of(
    store: &dyn Store,
    id: Id,
    parts: &[StoredPart],
) -> Result<Vec<Media>, StoreError> {
    let bytes: Vec<Bytes> = match store.media(id).await {
        Ok(bytes) => bytes,
        Err(StoreError::NotFound(_)) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    Ok(parts.iter().zip(bytes).filter_map(|(part, bytes)| part.media(bytes).ok()).collect())
}

/// Content that was shown to somebody is in the audit, unless it is their own.
async fn note(state: &AdminState, by: &Actor, uri: &Uri) -> Result<(), StoreError> {
    if by.account().is_some() {
        return Ok(());
    }
    let entry = AuditEntry::new(by, AuditVerb::Reveal, uri.path(), state.clock.now());
    state.store.record_audit(&entry).await
}

/// What a handset would show of this content. It is looked at on a thread of its own: it may be megabytes, and hostile.
///
/// # Errors
/// Something broke.
pub(in super::super) async fn preview(
    subject: Option<String>,
    media: Vec<Media>,
) -> Result<PreviewView, ProblemDetails> {
    let looked = tokio::task::spawn_blocking(move || {
        let preview = Preview::of(&media);
        view(subject, &media, preview)
    });
    looked.await.map_err(|_| ProblemDetails::new(ProblemCode::Internal))
}

fn view(subject: Option<String>, media: &[Media], preview: Preview) -> PreviewView {
    let part = |place: &usize| Some(part_view(*place, media.get(*place)?, preview.parts.get(*place)?));
    PreviewView {
        subject,
        slides: preview
            .slides
            .iter()
            .map(|slide| SlideView { shows: slide.iter().filter_map(part).collect() })
            .collect(),
        others: preview.others.iter().filter_map(part).collect(),
        missing: preview.missing.clone(),
    }
}

fn part_view(place: usize, media: &Media, seen: &SeenPart) -> PreviewPart {
    let names = [&media.name, &media.content_location, &media.content_id];
    PreviewPart {
        number: u32::try_from(place).unwrap_or(u32::MAX).saturating_add(1),
        kind: seen.kind.as_str().to_owned(),
        content_type: seen.content_type.clone(),
        name: names.into_iter().flatten().next().cloned(),
        bytes: media.bytes.len() as u64,
        text: seen.text.clone(),
        cut: seen.is_cut,
    }
}

/// A part as an answer: never anything that a browser would run.
fn bytes_of(media: Media) -> Response {
    let seen = Preview::of(std::slice::from_ref(&media)).parts.into_iter().next();
    let is_picture = seen.as_ref().is_some_and(|seen| seen.kind == ShownKind::Picture);
    let real = seen.map(|seen| seen.content_type).unwrap_or_default();
    let mut answer = Response::new(media.bytes.into());
    let mut set = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            answer.headers_mut().insert(name, value);
        }
    };
    set(header::CONTENT_TYPE, if is_picture { &real } else { "application/octet-stream" });
    set(header::CONTENT_SECURITY_POLICY, POLICY);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::CACHE_CONTROL, "no-store");
    if !is_picture {
        let disposition = format!("attachment; filename=\"part.{}\"", ending(&real));
        set(header::CONTENT_DISPOSITION, &disposition);
    }
    answer
}
