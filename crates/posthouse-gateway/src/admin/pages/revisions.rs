//! Provisioning: its revisions, what each changed, and the way back.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, Request, State},
    response::Response,
};
use http::Uri;
use posthouse_api::{PageOf, ProvisioningPlan, RevisionView, RollbackRequest};
use posthouse_core::{actor::Right, shown::MASK};

use super::{
    super::body,
    PageState,
    ask::{query, segment},
    frame::{Frame, ok},
    see_other,
    sessions::SignedIn,
    sign_in::field,
    words,
};

#[derive(Template)]
#[template(path = "revisions.html")]
struct RevisionsPage {
    frame: Frame,
    items: Vec<RevisionView>,
    next: Option<String>,
}

pub(super) async fn list(State(pages): State<Arc<PageState>>, by: SignedIn, uri: Uri) -> Response {
    let frame = Frame::of(&by.visitor, "/provisioning");
    let cursor = field(uri.query().unwrap_or_default().as_bytes(), "cursor");
    let cursor =
        cursor.map(|cursor| format!("?{}", query([("cursor", cursor.as_str())]))).unwrap_or_default();
    let path = format!("/provisioning/revisions{cursor}");
    match pages.api.get::<PageOf<RevisionView>>(&by.actor, &path).await {
        Ok(page) => ok(&RevisionsPage { frame, items: page.items, next: page.next }),
        Err(problem) => frame.trouble(&problem),
    }
}

#[derive(Template)]
#[template(path = "revision.html")]
struct RevisionPage {
    frame: Frame,
    number: String,
    lines: Vec<String>,
    /// What a rollback would do; `None`: whoever looks may not roll back.
    back: Option<Vec<String>>,
    /// The revision at which provisioning is.
    expect: u64,
    /// Whether there are masked numbers, and whoever looks may see them whole.
    may_reveal: bool,
}

pub(super) async fn one(
    State(pages): State<Arc<PageState>>,
    by: SignedIn,
    Path(number): Path<String>,
    uri: Uri,
) -> Response {
    let frame = Frame::of(&by.visitor, "/provisioning");
    let reveal =
        field(uri.query().unwrap_or_default().as_bytes(), "reveal").is_some_and(|asked| asked == "true");
    let asks = if reveal { "?reveal=true" } else { "" };
    let path = format!("/provisioning/revisions/{}/diff{asks}", segment(&number));
    let changed = match pages.api.get::<ProvisioningPlan>(&by.actor, &path).await {
        Ok(changed) => changed,
        Err(problem) => return frame.trouble(&problem),
    };
    let mut page =
        RevisionPage { frame, number, lines: changed.lines(), back: None, expect: 0, may_reveal: false };
    if by.actor.may(Right::Rollback)
        && let Ok(to) = page.number.parse()
    {
        let request = RollbackRequest { to, dry_run: true, expect_revision: None };
        // A revision that is kept no more can be seen, and not gone back to.
        let path = format!("/provisioning/rollback{asks}");
        if let Ok(back) = pages.api.post::<ProvisioningPlan>(&by.actor, &path, &request).await {
            page.expect = back.revision;
            page.back = Some(back.lines());
        }
    }
    let is_masked = |line: &String| line.contains(MASK);
    page.may_reveal =
        by.actor.may(Right::Reveal) && page.lines.iter().chain(page.back.iter().flatten()).any(is_masked);
    ok(&page)
}

/// Goes back to a revision, where nothing was changed since it was looked at.
pub(super) async fn rollback(
    State(pages): State<Arc<PageState>>,
    by: SignedIn,
    Path(number): Path<u64>,
    request: Request,
) -> Response {
    let form = body::bytes(request.into_body()).await;
    let actor = by.actor.because(&field(&form, "reason").unwrap_or_default());
    let expect_revision = field(&form, "expect").and_then(|expect| expect.parse().ok());
    let request = RollbackRequest { to: number, dry_run: false, expect_revision };
    match pages.api.post::<ProvisioningPlan>(&actor, "/provisioning/rollback", &request).await {
        Ok(_) => see_other("/provisioning"),
        Err(problem) => Frame::of(&by.visitor, "/provisioning").trouble(&problem),
    }
}
